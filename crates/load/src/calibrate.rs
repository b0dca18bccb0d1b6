//! Proving the client on this machine: it is driven against the mock at rising load, and what it measured is set beside what
//! the mock knows to be true, request by request. The result is a [`ClientCertificate`]: observations; how far they let the
//! client be believed is the certificate's own judgement.
//!
//! Client and mock share the machine, as a client and a local server would. It prints nothing and stores nothing.

mod files;
mod level;
mod pairs;

use record::{Ceiling, ClientCertificate, ClientLevel, Machine, OpenLevel, SCHEMA, Seen, clock};
use units::{Missing, Reading};

use self::level::Level;
use crate::mock::{Behaviour, Distribution};

/// Streams of the levels, unless others are asked for.
pub const LEVELS: &[u32] = &[1, 8, 64, 256, 1000, 2000];
/// TTFT of the levels, in milliseconds.
const TTFT_MS: f64 = 50.0;
/// Gap between two tokens, in milliseconds.
const ITL_MS: f64 = 10.0;
/// Tokens of an answer.
const TOKENS: u32 = 64;
/// Tokens of an answer where the server writes as fast as it can: long ones, so that requests weigh little among events.
const CEILING_TOKENS: u32 = 1000;
/// Connections open before the arrivals of the open level begin: more than are ever needed at once (rate x duration of a request).
const OPEN_STREAMS: u32 = 256;

/// What to run.
#[derive(Clone, Debug, PartialEq)]
pub struct Course {
    /// Streams of each closed-loop level, rising.
    pub streams: Vec<u32>,
    /// Requests a stream.
    pub requests_per_stream: u32,
    /// Most runs of a level that is not truthful.
    pub tries: u32,
    /// Requests a second of the open level.
    pub open_rate: f64,
    /// Requests of the open level.
    pub open_requests: u32,
    /// Streams at which the ceiling is looked for.
    pub ceiling_streams: Vec<u32>,
    /// Events with text of one look for the ceiling.
    pub ceiling_events: u32,
    /// Worker threads of the mock. One leaves the client a core on a machine of two; with two the three threads fight for them, and what is
    /// then seen is the scheduler.
    pub server_threads: u32,
    /// Whether the certificate is a quick one.
    pub quick: bool,
}

impl Course {
    /// The whole curve: about a minute.
    pub fn full() -> Self {
        Self {
            streams: LEVELS.to_vec(),
            requests_per_stream: 10,
            tries: 1,
            open_rate: 200.0,
            open_requests: 2000,
            ceiling_streams: vec![64, 128, 256],
            ceiling_events: 512_000,
            server_threads: 1,
            quick: false,
        }
    }

    /// A few seconds: what a campaign at so many streams needs to know.
    pub fn quick(streams: u32) -> Self {
        let mut levels: Vec<u32> = LEVELS.iter().copied().filter(|&level| level <= 64 || level < streams).collect();
        if streams > 64 {
            levels.push(streams);
        }
        Self {
            streams: levels,
            requests_per_stream: 2,
            tries: 2,
            open_requests: 100,
            ceiling_streams: vec![64],
            ceiling_events: 128_000,
            quick: true,
            ..Self::full()
        }
    }
}

/// Is told how a calibration goes.
pub trait Progress {
    /// Something begins, such as `64 streams`.
    fn begins(&self, _what: &str) {}
}

/// Tells nobody.
#[derive(Clone, Copy, Debug)]
pub struct Unwatched;

impl Progress for Unwatched {}

/// Runs a course on this machine, for edge-eval `version`. What could not be run is missing in the certificate, with its reason.
pub fn calibrate(course: &Course, version: &str, progress: &dyn Progress) -> ClientCertificate {
    let levels = course.streams.iter().map(|&streams| {
        progress.begins(&format!("{streams} streams"));
        level(course, streams)
    });
    let levels = levels.collect();
    progress.begins(&format!("{} arrivals/s", course.open_rate));
    let open = OpenLevel { rate_per_s: course.open_rate, seen: open(course).into() };
    progress.begins("ceiling");
    ClientCertificate {
        schema: SCHEMA.to_owned(),
        machine: Machine::fingerprint(version),
        made_wall_ns: clock::wall().get(),
        quick: course.quick,
        server_threads: course.server_threads,
        levels,
        open,
        ceiling: ceiling(course),
    }
}

/// A level, run again as often as the course allows while it is not truthful.
fn level(course: &Course, streams: u32) -> ClientLevel {
    let mut tries = 1;
    loop {
        let seen = closed(course, streams);
        let again = seen.as_ref().is_ok_and(|seen| seen.untruthful().is_some()) && tries < course.tries;
        if !again {
            return ClientLevel { streams, tries, seen: seen.into() };
        }
        tries += 1;
    }
}

fn paced() -> Behaviour {
    Behaviour { ttft_ms: Some(Distribution::Constant(TTFT_MS)), itl_ms: Some(Distribution::Constant(ITL_MS)), ..Behaviour::default() }
}

fn closed(course: &Course, streams: u32) -> Result<Seen, Missing> {
    let requests = streams.saturating_mul(course.requests_per_stream);
    let level = Level { answer: paced(), threads: course.server_threads, streams, requests, tokens: TOKENS, rate: None };
    level.run()?.seen()
}

fn open(course: &Course) -> Result<Seen, Missing> {
    let (streams, requests) = (OPEN_STREAMS.min(course.open_requests), course.open_requests);
    let level = Level { answer: paced(), threads: course.server_threads, streams, requests, tokens: TOKENS, rate: Some(course.open_rate) };
    level.run()?.seen()
}

/// The best of all looks; where none succeeds, why the last did not.
fn ceiling(course: &Course) -> Reading<Ceiling> {
    let mut best: Reading<Ceiling> = Reading::missing("it was not looked for");
    for &streams in &course.ceiling_streams {
        let look = look(course, streams);
        let better = match (&best, &look) {
            (Reading::Known(best), Ok(look)) => look.events_per_s > best.events_per_s,
            (Reading::Missing(_), _) => true,
            (Reading::Known(_), Err(_)) => false,
        };
        if better {
            best = look.into();
        }
    }
    best
}

fn look(course: &Course, streams: u32) -> Result<Ceiling, Missing> {
    let zero = Some(Distribution::Constant(0.0));
    let answer = Behaviour { ttft_ms: zero, itl_ms: zero, ..Behaviour::default() };
    let requests = (course.ceiling_events / CEILING_TOKENS).max(streams);
    let level = Level { answer, threads: course.server_threads, streams, requests, tokens: CEILING_TOKENS, rate: None };
    let ran = level.run()?;
    let seen = ran.seen()?;
    if seen.unmatched > 0 {
        return Err(Missing::because(format!("{} of {} requests failed", seen.unmatched, seen.requests)));
    }
    Ok(Ceiling { streams, events_per_s: seen.events_per_s, events_per_read: ran.events_per_read(), cpu_per_event: seen.cpu_per_event })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quick_course_goes_as_far_as_it_must() {
        assert_eq!(Course::quick(4).streams, [1, 8, 64]);
        assert_eq!(Course::quick(64).streams, [1, 8, 64]);
        assert_eq!(Course::quick(300).streams, [1, 8, 64, 256, 300]);
        assert_eq!(Course::quick(1000).streams, [1, 8, 64, 256, 1000]);
        assert!(Course::quick(1).quick && !Course::full().quick);
    }
}
