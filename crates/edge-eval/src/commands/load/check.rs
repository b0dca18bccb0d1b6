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

/// Flags that say two things about one matter.
fn together(args: &Args) -> Result<(), Problem> {
    beside_a_trace(args)?;
    for Pair { one, other, mend } in pairs(args) {
        if one.given && other.given {
            return apart(one.name, other.name, mend);
        }
    }
    Ok(())
}

fn apart(one: &str, other: &str, mend: &str) -> Result<(), Problem> {
    problem(format!("{one} and {other} do not go together"), mend)
}

/// A flag, and whether it was given.
#[derive(Clone, Copy)]
struct Flag {
    name: &'static str,
    given: bool,
}

/// Two flags, and what to do when both were given.
struct Pair {
    one: Flag,
    other: Flag,
    mend: &'static str,
}

fn flag(name: &'static str, given: bool) -> Flag {
    Flag { name, given }
}

/// What a trace says already.
fn beside_a_trace(args: &Args) -> Result<(), Problem> {
    if args.trace.is_none() {
        return Ok(());
    }
    let said = [
        (args.rate.is_some(), "--rate", "the trace says when requests come: leave out --rate, or stretch it with --time-scale"),
        (args.arrivals.is_some(), "--arrivals", "the trace says when requests come: leave out --arrivals"),
        (args.max_tokens.is_some(), "--max-tokens", "the trace says how long answers are: leave out --max-tokens"),
        (args.prompt_tokens.is_some(), "--prompt-tokens", "the trace says how long prompts are: leave out --prompt-tokens"),
        (args.prompt_words.is_some(), "--prompt-words", "the trace says how long prompts are: leave out --prompt-words"),
        (args.prompts.is_some(), "--prompts", "a trace's prompts are made to its lengths: leave out --prompts"),
        (args.several(), "a sweep or search", "replay the trace several times with another --time-scale instead"),
    ];
    said.into_iter().find(|(given, ..)| *given).map_or(Ok(()), |(_, other, mend)| apart("--trace", other, mend))
}

fn pairs(args: &Args) -> Vec<Pair> {
    let prompt_tokens = flag("--prompt-tokens", args.prompt_tokens.is_some());
    let prompt_words = flag("--prompt-words", args.prompt_words.is_some());
    let prompts = flag("--prompts", args.prompts.is_some());
    let rate = flag("--rate", args.rate.is_some());
    let sweep_rate = flag("--sweep-rate", args.sweep_rate.is_some());
    let sweep_concurrency = flag("--sweep-concurrency", args.sweep_concurrency.is_some());
    let sweep = flag("a sweep", sweep_rate.given || sweep_concurrency.given);
    let several = flag("a sweep or search", args.several());
    let search_concurrency = flag("--search concurrency", args.search == Some(What::Concurrency));
    let pair = |one, other, mend| Pair { one, other, mend };
    let own_lengths = "the file's prompts have their own lengths: give one of them";
    vec![
        pair(prompt_tokens, prompt_words, "give one of them"),
        pair(prompts, prompt_tokens, own_lengths),
        pair(prompts, prompt_words, own_lengths),
        pair(sweep_rate, sweep_concurrency, "sweep one of them at a time"),
        pair(sweep_rate, rate, "the sweep names the rates: leave out --rate"),
        pair(sweep_concurrency, rate, "the closed loop has no rate: leave out one of them"),
        pair(
            sweep_concurrency,
            flag("--concurrency", args.concurrency.is_some()),
            "the sweep names the concurrencies: leave out --concurrency",
        ),
        pair(flag("--search", args.search.is_some()), sweep, "search or sweep, one at a time"),
        pair(search_concurrency, rate, "start the search with --concurrency, or --search rate"),
        pair(flag("--arrivals ramp", args.arrivals == Some(Law::Ramp)), several, "a point has one load: use constant, poisson or gamma"),
        pair(several, flag("--save", args.save.is_some()), "save the requests of one load, or take the points' figures with --out"),
    ]
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
        if let Some(value) = value.filter(|value| !(*value > 0.0 && *value <= 1e9)) {
            return problem(format!("{flag} {value} is of no use"), "give a number above zero");
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
