//! `edge-eval calibrate`: proves the load client on this machine against a server of known truth.

use ::load::calibrate::{Course, Progress, calibrate};
use record::{ClientCertificate, ITL_ERROR_LIMIT, LATENESS_LIMIT, Seen, Spread, TTFT_ERROR_LIMIT};
use serde_json::json;
use units::{Reading, Seconds};

use crate::{
    certificate::{self, VERSION},
    end::End,
    gate, print,
};

/// Prove the load client on this machine: TTFT and ITL errors against a server of known truth, at rising load
///
/// Client and server share this machine. TTFT is 50 ms, a token comes every 10 ms, 64 tokens a request; every request is counted,
/// the first burst too. The result is kept as this machine's certificate, which reports show.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  edge-eval calibrate\n  edge-eval calibrate --quick\n  edge-eval calibrate --streams 1,64,512 --json --no-store"
)]
#[expect(clippy::struct_excessive_bools, reason = "flags of a command line")]
pub(crate) struct Args {
    /// Streams of each level
    #[arg(long, value_delimiter = ',', value_name = "N,N,…", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    streams: Vec<u32>,
    /// Requests of each stream
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    requests_per_stream: Option<u32>,
    /// Arrivals a second of the open level
    #[arg(long, value_name = "RATE", value_parser = rate)]
    rate: Option<f64>,
    /// Worker threads of the server
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=64))]
    threads: u32,
    /// A few seconds, with few requests
    #[arg(long)]
    quick: bool,
    /// Do not keep the certificate
    #[arg(long)]
    no_store: bool,
    /// Print the certificate as JSON
    #[arg(long)]
    json: bool,
    /// No progress on stderr
    #[arg(long, short)]
    quiet: bool,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<End> {
    let certificate = calibrate(&course(args), VERSION, &Told { quiet: args.quiet || args.json });
    if args.json {
        print::json(&json!({"truthful": certificate.truthful(), "certificate": certificate}))?;
    } else {
        print::data(&table(&certificate))?;
    }
    if !args.no_store {
        match certificate::store(&certificate)? {
            Some(path) if !args.quiet => gate::note(&format!("kept: {}", path.display())),
            None if !args.quiet => gate::note("not kept: this machine's certificate tells more"),
            _ => {}
        }
    }
    Ok(if certificate.truthful().known().is_ok() { End::Done } else { End::Invalid })
}

fn course(args: &Args) -> Course {
    let mut course = if args.quick { Course::quick(1) } else { Course::full() };
    if !args.streams.is_empty() {
        course.streams.clone_from(&args.streams);
        course.streams.sort_unstable();
        course.streams.dedup();
    }
    course.requests_per_stream = args.requests_per_stream.unwrap_or(course.requests_per_stream);
    course.open_rate = args.rate.unwrap_or(course.open_rate);
    course.server_threads = args.threads;
    course
}

fn rate(text: &str) -> Result<f64, String> {
    let rate = text.parse::<f64>().ok().filter(|rate| (0.1..=100_000.0).contains(rate));
    rate.ok_or_else(|| "a rate is a number of requests a second, between 0.1 and 100,000".to_owned())
}

struct Told {
    quiet: bool,
}

impl Progress for Told {
    fn begins(&self, what: &str) {
        if !self.quiet {
            gate::note(&format!("{what} …"));
        }
    }
}

const HEAD: &str = "               TTFT, ms                   TTFT error, ms              ITL, ms           ITL error, ms        lateness, ms    events/s  CPU/event
                    true from due from sent   mean    p99    max  (sent)   true   mean    p99     mean    p99                 µs
";

fn table(certificate: &ClientCertificate) -> String {
    let mut text = String::from(HEAD);
    for level in &certificate.levels {
        text += &row(&format!("{} streams", level.streams), &level.seen);
    }
    text += &row(&format!("{} req/s", certificate.open.rate_per_s), &certificate.open.seen);
    text += "\nErrors are measured − true, request by request; the percentile and the largest are of absolute values. TTFT error is from the due\ntime, the client's own lateness in it; (sent) is the mean error from sending. The open row is a Poisson process.\n\n";
    text += &match &certificate.ceiling {
        Reading::Known(ceiling) => format!(
            "ceiling: {:.0} events/s at {} streams, each event its own write, {:.1} events a read, {} µs of CPU an event\n",
            ceiling.events_per_s,
            ceiling.streams,
            ceiling.events_per_read,
            micros(&ceiling.cpu_per_event)
        ),
        Reading::Missing(why) => format!("ceiling: - ({why})\n"),
    };
    text += &format!("{}\n", certificate.headline());
    for level in &certificate.levels {
        if let Reading::Known(seen) = &level.seen
            && let Some(reason) = seen.untruthful()
        {
            text += &format!("  not truthful at {} streams: {reason}\n", level.streams);
        }
    }
    text += &format!(
        "truthful: mean TTFT error below {} ms, mean ITL error below {} ms, p99 lateness below {} ms, no request lost\n",
        ms(TTFT_ERROR_LIMIT),
        ms(ITL_ERROR_LIMIT),
        ms(LATENESS_LIMIT)
    );
    text
}

fn row(name: &str, seen: &Reading<Seen>) -> String {
    let seen = match seen {
        Reading::Known(seen) => seen,
        Reading::Missing(why) => return format!("{name:<14}- ({why})\n"),
    };
    let mut cells = format!("{name:<14}");
    for (value, width, digits) in [
        (ms(seen.true_ttft), 10, 3),
        (ms(seen.ttft), 9, 3),
        (ms(seen.ttft_from_sent), 10, 3),
        (ms(seen.ttft_error.mean), 7, 3),
        (ms(seen.ttft_error.p99), 7, 3),
        (ms(seen.ttft_error.max), 7, 3),
        (ms(seen.ttft_from_sent_error.mean), 8, 3),
        (ms(seen.true_itl), 7, 3),
        (ms(seen.itl_error.mean), 7, 4),
        (ms(seen.itl_error.p99), 7, 3),
        (ms(seen.lateness.mean), 9, 3),
        (ms(seen.lateness.p99), 7, 3),
        (seen.events_per_s, 12, 0),
    ] {
        cells += &format!("{value:>width$.digits$}");
    }
    let Spread { p99, .. } = seen.server_lateness;
    let failed = if seen.unmatched > 0 { format!("  {} of {} requests failed", seen.unmatched, seen.requests) } else { String::new() };
    format!("{cells}{:>9}  server late p99 {:.3} ms{failed}\n", micros(&seen.cpu_per_event), ms(p99))
}

fn ms(seconds: Seconds) -> f64 {
    seconds.get() * 1e3
}

fn micros(cpu: &Reading<Seconds>) -> String {
    cpu.known().map_or_else(|_| "-".to_owned(), |cpu| format!("{:.2}", cpu.get() * 1e6))
}

#[cfg(test)]
mod tests {
    use ::load::calibrate::LEVELS;
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    fn parsed(line: &str) -> Result<Course, clap::Error> {
        Ok(course(&Line::try_parse_from(line.split(' '))?.args))
    }

    #[test]
    fn levels_are_run_in_rising_order() {
        assert_eq!(parsed("calibrate").unwrap().streams, LEVELS);
        let course = parsed("calibrate --streams 64,1,64 --quick --threads 1").unwrap();
        assert_eq!((course.streams, course.quick, course.server_threads), (vec![1, 64], true, 1));
        assert!(parsed("calibrate --streams 0").is_err() && parsed("calibrate --rate x").is_err());
    }
}
