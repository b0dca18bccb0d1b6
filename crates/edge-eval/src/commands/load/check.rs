//! Which flags do not go together, and what to do instead. Nothing is sent before this is settled.

use super::args::{Args, Law, What};

/// What is wrong, and how to mend it.
#[derive(Debug)]
pub(super) struct Problem {
    pub(super) what: String,
    pub(super) mend: String,
}

/// The first problem of the flags.
pub(super) fn check(args: &Args) -> Result<(), Problem> {
    together(args)?;
    needed(args)?;
    numbers(args)
}

fn problem(what: impl Into<String>, mend: impl Into<String>) -> Result<(), Problem> {
    Err(Problem { what: what.into(), mend: mend.into() })
}

/// Pairs that say two things about one matter.
fn together(args: &Args) -> Result<(), Problem> {
    trace_pairs(args)
        .into_iter()
        .chain(other_pairs(args))
        .find(|pair| pair.one && pair.other)
        .map_or(Ok(()), |pair| problem(format!("{} and {} do not go together", pair.first, pair.second), pair.mend))
}

/// Two flags, whether each was given, and what to do when both were.
struct Pair {
    one: bool,
    first: &'static str,
    other: bool,
    second: &'static str,
    mend: &'static str,
}

type Written = (bool, &'static str, bool, &'static str, &'static str);

fn pairs(written: impl IntoIterator<Item = Written>) -> Vec<Pair> {
    written.into_iter().map(|(one, first, other, second, mend)| Pair { one, first, other, second, mend }).collect()
}

/// What a trace says already.
fn trace_pairs(args: &Args) -> Vec<Pair> {
    pairs([
        (
            args.trace.is_some(),
            "--trace",
            args.rate.is_some(),
            "--rate",
            "the trace says when requests come: leave out --rate, or stretch it with --time-scale",
        ),
        (args.trace.is_some(), "--trace", args.arrivals.is_some(), "--arrivals", "the trace says when requests come: leave out --arrivals"),
        (
            args.trace.is_some(),
            "--trace",
            args.max_tokens.is_some(),
            "--max-tokens",
            "the trace says how long answers are: leave out --max-tokens",
        ),
        (
            args.trace.is_some(),
            "--trace",
            args.prompt_tokens.is_some(),
            "--prompt-tokens",
            "the trace says how long prompts are: leave out --prompt-tokens",
        ),
        (
            args.trace.is_some(),
            "--trace",
            args.prompt_words.is_some(),
            "--prompt-words",
            "the trace says how long prompts are: leave out --prompt-words",
        ),
        (
            args.trace.is_some(),
            "--trace",
            args.prompts.is_some(),
            "--prompts",
            "a trace's prompts are made to its lengths: leave out --prompts",
        ),
        (
            args.trace.is_some(),
            "--trace",
            args.several(),
            "a sweep or search",
            "replay the trace several times with another --time-scale instead",
        ),
    ])
}

fn other_pairs(args: &Args) -> Vec<Pair> {
    let sweep_rate = args.sweep_rate.is_some();
    let sweep_concurrency = args.sweep_concurrency.is_some();
    let search = |what| args.search == Some(what);
    pairs([
        (args.prompt_tokens.is_some(), "--prompt-tokens", args.prompt_words.is_some(), "--prompt-words", "give one of them"),
        (
            args.prompts.is_some(),
            "--prompts",
            args.prompt_tokens.is_some(),
            "--prompt-tokens",
            "the file's prompts have their own lengths: give one of them",
        ),
        (
            args.prompts.is_some(),
            "--prompts",
            args.prompt_words.is_some(),
            "--prompt-words",
            "the file's prompts have their own lengths: give one of them",
        ),
        (sweep_rate, "--sweep-rate", sweep_concurrency, "--sweep-concurrency", "sweep one of them at a time"),
        (sweep_rate, "--sweep-rate", args.rate.is_some(), "--rate", "the sweep names the rates: leave out --rate"),
        (sweep_concurrency, "--sweep-concurrency", args.rate.is_some(), "--rate", "the closed loop has no rate: leave out one of them"),
        (
            sweep_concurrency,
            "--sweep-concurrency",
            args.concurrency.is_some(),
            "--concurrency",
            "the sweep names the concurrencies: leave out --concurrency",
        ),
        (args.search.is_some(), "--search", sweep_rate || sweep_concurrency, "a sweep", "search or sweep, one at a time"),
        (
            search(What::Concurrency),
            "--search concurrency",
            args.rate.is_some(),
            "--rate",
            "start the search with --concurrency, or --search rate",
        ),
        (
            args.arrivals == Some(Law::Ramp),
            "--arrivals ramp",
            args.several(),
            "a sweep or search",
            "a point has one load: use constant, poisson or gamma",
        ),
        (
            args.several(),
            "a sweep or search",
            args.save.is_some(),
            "--save",
            "save the requests of one load, or take the points' figures with --out",
        ),
    ])
}

/// Flags that mean nothing without another.
fn needed(args: &Args) -> Result<(), Problem> {
    let rated = args.rate.is_some() || args.sweep_rate.is_some() || args.search == Some(What::Rate);
    let open = rated || args.trace.is_some();
    let needs = [
        (args.arrivals.is_some(), "--arrivals", rated, "give --rate, --sweep-rate or --search rate with it"),
        (args.max_streams.is_some(), "--max-streams", open, "the closed loop's streams are its --concurrency: leave out --max-streams"),
        (args.duration_s.is_some(), "--duration-s", open, "the closed loop ends after --requests: give those, or a --rate"),
        (args.time_scale.is_some(), "--time-scale", args.trace.is_some(), "it stretches a trace's time: give --trace"),
        (args.burstiness.is_some(), "--burstiness", matches!(args.arrivals, Some(Law::Gamma | Law::Ramp)), "give --arrivals gamma with it"),
        (args.arrivals == Some(Law::Gamma), "--arrivals gamma", args.burstiness.is_some(), "give --burstiness with it, such as 0.5"),
        (args.ramp_to.is_some(), "--ramp-to", args.arrivals == Some(Law::Ramp), "give --arrivals ramp with it"),
        (args.arrivals == Some(Law::Ramp), "--arrivals ramp", args.ramp_to.is_some(), "give the rate at its end with --ramp-to"),
        (args.search.is_some(), "--search", args.slo.is_some(), "say what must be kept to, such as --slo ttft:200,itl:20"),
        (args.search_max.is_some(), "--search-max", args.search.is_some(), "give --search rate or --search concurrency with it"),
    ];
    for (given, flag, met, mend) in needs {
        if given && !met {
            return problem(format!("{flag} does not stand alone"), mend);
        }
    }
    Ok(())
}

fn numbers(args: &Args) -> Result<(), Problem> {
    let positive = [
        ("--timeout-s", Some(args.timeout_s)),
        ("--rate", args.rate),
        ("--ramp-to", args.ramp_to),
        ("--time-scale", args.time_scale),
        ("--duration-s", args.duration_s),
        ("--search-max", args.search_max),
    ];
    for (flag, value) in positive {
        if value.is_some_and(|value| !(value > 0.0 && value <= 1e9)) {
            return problem(format!("{flag} {} is of no use", value.unwrap_or_default()), "give a number above zero");
        }
    }
    if !(args.attainment > 0.0 && args.attainment <= 1.0) {
        return problem(format!("--attainment {} is no share", args.attainment), "give a share above 0 and up to 1, such as 0.95");
    }
    if !(0.0..=3600.0).contains(&args.cool_down_s) {
        return problem(format!("--cool-down-s {} is of no use", args.cool_down_s), "give seconds from 0 to 3600");
    }
    if let Some(rate) = args.sweep_rate.iter().flatten().find(|rate| !(**rate > 0.0 && **rate <= 1e9)) {
        return problem(format!("--sweep-rate {rate} is of no use"), "give rates above zero");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        args: Args,
    }

    fn of(more: &str) -> Result<(), Problem> {
        let line = format!("x --url http://h --model m {more}");
        check(&Cli::try_parse_from(line.split_whitespace()).unwrap().args)
    }

    #[test]
    fn what_goes_together() {
        for good in [
            "",
            "--concurrency 4 --requests 8 --max-tokens 4 --json",
            "--rate 5",
            "--rate 5 --concurrency 8 --duration-s 10",
            "--rate 1 --arrivals ramp --ramp-to 9 --burstiness 0.5",
            "--trace t.csv --time-scale 0.1 --requests 5 --max-streams 9",
            "--sweep-rate 1,2 --arrivals constant --slo ttft:5",
            "--search rate --slo ttft:200 --rate 2",
            "--search concurrency --slo tpot:2 --concurrency 4",
        ] {
            assert!(of(good).is_ok(), "{good}");
        }
    }

    #[test]
    fn what_does_not_says_what_to_do() {
        for bad in [
            "--trace t --rate 5",
            "--trace t --max-tokens 5",
            "--trace t --sweep-rate 1",
            "--prompt-tokens 5 --prompt-words 5",
            "--prompts p --prompt-tokens 5",
            "--sweep-rate 1 --sweep-concurrency 1",
            "--sweep-concurrency 1 --concurrency 1",
            "--search rate",
            "--search rate --slo ttft:1 --sweep-rate 1",
            "--arrivals poisson",
            "--burstiness 2 --rate 1",
            "--rate 1 --arrivals gamma",
            "--rate 1 --arrivals ramp",
            "--rate 1 --ramp-to 2",
            "--duration-s 5",
            "--max-streams 5",
            "--time-scale 2",
            "--rate 0",
            "--rate NaN",
            "--timeout-s 0",
            "--attainment 2 --rate 1",
            "--sweep-rate 1,-2",
            "--sweep-rate 1,2 --save x",
        ] {
            let problem = of(bad).expect_err(bad);
            assert!(!problem.what.is_empty() && !problem.mend.is_empty());
        }
    }
}
