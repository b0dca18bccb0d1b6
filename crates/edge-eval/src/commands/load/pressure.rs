//! How hard: a level of load, and the due times and streams it means.

use load::{
    Due,
    arrivals::{Gap, Open, Profile, Rate, closed_loop},
};
use serde::Serialize;
use units::Seconds;

use super::args::{Args, Law};

/// Streams opened before a window of open arrivals, at most, when none are asked for.
const MOST_OPENED: f64 = 256.0;
/// Most requests of a window given by its length.
const MOST_REQUESTS: usize = 10_000_000;

/// Length of a ramp when nothing tells it, in seconds.
const RAMP_S: f64 = 10.0;

/// One load.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Level {
    /// Streams of the closed loop.
    Concurrency(u32),
    /// Requests a second.
    Rate(f64),
    /// What the trace says.
    Trace,
}

/// A level as due times and streams.
pub(super) struct Pressure {
    pub(super) due: Vec<Due>,
    pub(super) streams: u32,
    /// The process, for the output.
    pub(super) asked: serde_json::Value,
}

impl Level {
    /// The due times of this level; a trace has its own.
    pub(super) fn pressure(self, args: &Args, seed: u64) -> anyhow::Result<Pressure> {
        match self {
            Self::Concurrency(streams) => {
                let requests = args.requests.unwrap_or_else(|| streams.saturating_mul(8).max(32)) as usize;
                let asked = serde_json::json!({"process": "closed_loop", "concurrency": streams, "requests": requests});
                Ok(Pressure { due: closed_loop(requests).collect(), streams, asked })
            }
            Self::Rate(rate) => open(args, rate, seed),
            Self::Trace => anyhow::bail!("a trace has its own due times"),
        }
    }
}

fn open(args: &Args, rate: f64, seed: u64) -> anyhow::Result<Pressure> {
    let count = args.requests.map(|requests| requests as usize);
    // A ramp needs a window; of ten seconds, where neither its length nor its requests are given.
    let ramp = args.arrivals == Some(Law::Ramp);
    let duration_s = args.duration_s.or_else(|| (ramp && count.is_none()).then_some(RAMP_S));
    let process = process(args, rate, duration_s)?;
    let due = match duration_s {
        Some(duration) => process.due_within(seed, Seconds(duration), count.unwrap_or(MOST_REQUESTS)),
        None => process.due(seed).take(count.unwrap_or((rate * 10.0).ceil().clamp(32.0, 1e6) as usize)).collect(),
    };
    let law = args.arrivals.map_or("poisson", Law::word);
    let mut asked = serde_json::json!({"process": law, "rate_per_s": rate, "requests": due.len()});
    for (name, value) in [("burstiness", args.burstiness), ("ramp_to_per_s", args.ramp_to), ("duration_s", duration_s)] {
        if let Some(value) = value {
            asked[name] = value.into();
        }
    }
    Ok(Pressure { streams: streams(args, rate, due.len()), due, asked })
}

/// Connections opened before a window of open arrivals.
pub(super) fn streams(args: &Args, rate: f64, requests: usize) -> u32 {
    let wanted = args.concurrency.unwrap_or_else(|| (2.0 * rate).clamp(16.0, MOST_OPENED) as u32);
    wanted.min(u32::try_from(requests).unwrap_or(u32::MAX)).min(args.max_streams.unwrap_or(u32::MAX)).max(1)
}

fn process(args: &Args, rate: f64, duration_s: Option<f64>) -> anyhow::Result<Open> {
    let steady = Profile::Steady(Rate::new(rate)?);
    let burstiness = args.burstiness.unwrap_or(1.0);
    Ok(match args.arrivals.unwrap_or(Law::Poisson) {
        Law::Constant => Open { profile: steady, gap: Gap::Even },
        Law::Poisson => Open { profile: steady, gap: Gap::Exponential },
        Law::Gamma => Open { profile: steady, gap: Gap::gamma(burstiness)? },
        Law::Ramp => {
            let to = args.ramp_to.unwrap_or(rate);
            // Over the window; where its length is not given, over the time that the requests take.
            let over = duration_s.unwrap_or_else(|| f64::from(args.requests.unwrap_or(1)) / rate.midpoint(to));
            let gap = if args.burstiness.is_some() { Gap::gamma(burstiness)? } else { Gap::Even };
            Open { profile: Profile::ramp(rate, to, Seconds(over))?, gap }
        }
    })
}

impl Law {
    fn word(self) -> &'static str {
        match self {
            Self::Constant => "constant",
            Self::Poisson => "poisson",
            Self::Gamma => "gamma",
            Self::Ramp => "ramp",
        }
    }
}
