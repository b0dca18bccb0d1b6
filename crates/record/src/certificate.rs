//! What the load client was seen to do on this machine against a server of known truth: the certificate that stands beside
//! every figure the client measured. Observations, and the one judgement that all rooms must make alike: how far it is to be
//! believed ([`ClientCertificate::truthful`]).

use std::path::Path;

use serde::{Deserialize, Serialize};
use units::{Reading, Seconds};

use crate::{Machine, Result, json};

/// Largest mean TTFT error of a truthful level, from the due time. A tenth of the smallest TTFT that people tune (10 ms), and
/// what a reader of whole milliseconds does not see.
pub const TTFT_ERROR_LIMIT: Seconds = Seconds(1e-3);
/// Largest mean ITL error of a truthful level: 1% of a token every 10 ms.
pub const ITL_ERROR_LIMIT: Seconds = Seconds(0.1e-3);
/// Largest 99th percentile of the client's lateness in a truthful level. A request that is sent later than this after it was
/// due is no longer the arrival that was asked for: at 100 arrivals a second it has passed its neighbour.
pub const LATENESS_LIMIT: Seconds = Seconds(10e-3);

/// What the client was seen to do, at rising load.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClientCertificate {
    /// [`crate::SCHEMA`].
    pub schema: String,
    /// Where it was made, and by which version.
    pub machine: Machine,
    /// When, in nanoseconds since 1970 UTC.
    pub made_wall_ns: u64,
    /// Made in a few seconds, with few requests a stream.
    pub quick: bool,
    /// Worker threads of the server that it was made with; they share the machine with the client.
    pub server_threads: u32,
    /// Closed-loop levels by rising streams.
    pub levels: Vec<ClientLevel>,
    /// Arrivals at their own times (Poisson).
    pub open: OpenLevel,
    /// Events a second that the client took, each its own write of the server, when the server wrote as fast as it could.
    pub ceiling: Reading<Ceiling>,
}

/// One closed-loop level.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClientLevel {
    /// Streams kept busy.
    pub streams: u32,
    /// How often it was run; the last time counts. A quick course runs a level that was not truthful once more, for other work on
    /// the machine may have fallen into it.
    pub tries: u32,
    /// What was seen, or why it could not be run.
    pub seen: Reading<Seen>,
}

/// The open-loop level.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OpenLevel {
    /// Requests a second.
    pub rate_per_s: f64,
    /// What was seen, or why it could not be run.
    pub seen: Reading<Seen>,
}

/// What was seen at one level. Errors are measured − true, request by request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Seen {
    /// Requests, all counted, the first burst among them.
    pub requests: u32,
    /// Of them failed, or not to be found in the server's record.
    pub unmatched: u32,
    /// Mean TTFT as the server knows it: arrival to first write.
    pub true_ttft: Seconds,
    /// Mean TTFT measured from the due time.
    pub ttft: Seconds,
    /// Mean TTFT measured from sending.
    pub ttft_from_sent: Seconds,
    /// Error of the TTFT from the due time: the client's lateness is in it.
    pub ttft_error: Spread,
    /// Error of the TTFT from sending.
    pub ttft_from_sent_error: Spread,
    /// Mean gap between two tokens as the server wrote them.
    pub true_itl: Seconds,
    /// Mean gap measured.
    pub itl: Seconds,
    /// Error of the gaps.
    pub itl_error: Spread,
    /// Sent − due.
    pub lateness: Spread,
    /// How late the server was itself with its writes: its truth holds that, so it is no error of the client.
    pub server_lateness: Spread,
    /// Events with text taken in a second of the window.
    pub events_per_s: f64,
    /// CPU time of the client's thread for one event with text, connections and requests among it.
    pub cpu_per_event: Reading<Seconds>,
}

/// A distribution of errors or delays.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// Mean, with its sign.
    pub mean: Seconds,
    /// 99th percentile of the absolute values.
    pub p99: Seconds,
    /// Largest absolute value.
    pub max: Seconds,
}

/// The most that the client took.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ceiling {
    /// Streams at which it was reached.
    pub streams: u32,
    /// Events with text a second.
    pub events_per_s: f64,
    /// Events with text in one read of the client: above 1 where the kernel had joined writes before the client came to read.
    pub events_per_read: f64,
    /// CPU time of the client's thread for one event.
    pub cpu_per_event: Reading<Seconds>,
}

/// How far the client is proven.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Truthful {
    /// The largest level that is truthful with every smaller one.
    pub streams: u32,
    /// Most events a second of a truthful level.
    pub events_per_s: f64,
    /// Mean TTFT error at the largest truthful level.
    pub ttft_error: Seconds,
    /// Mean ITL error there.
    pub itl_error: Seconds,
}

impl Seen {
    /// Why the level is not truthful; `None` when it is.
    pub fn untruthful(&self) -> Option<String> {
        let ms = |seconds: Seconds| format!("{:.3} ms", seconds.get() * 1e3);
        let beyond = |value: Seconds, limit: Seconds| value.get().abs().partial_cmp(&limit.get()) != Some(std::cmp::Ordering::Less);
        if self.unmatched > 0 {
            return Some(format!("{} of {} requests failed", self.unmatched, self.requests));
        }
        let checks = [
            ("mean TTFT error", self.ttft_error.mean, TTFT_ERROR_LIMIT),
            ("mean ITL error", self.itl_error.mean, ITL_ERROR_LIMIT),
            ("p99 lateness", self.lateness.p99, LATENESS_LIMIT),
        ];
        let (what, value, limit) = checks.into_iter().find(|(_, value, limit)| beyond(*value, *limit))?;
        Some(format!("{what} {} is beyond {}", ms(value), ms(limit)))
    }
}

impl ClientCertificate {
    /// How far the client is proven: up to the largest level that is truthful with every smaller one.
    pub fn truthful(&self) -> Reading<Truthful> {
        let mut proven: Option<Truthful> = None;
        for level in &self.levels {
            let Ok(seen) = level.seen.known() else { break };
            if seen.untruthful().is_some() {
                break;
            }
            let most = proven.map_or(0.0, |before| before.events_per_s).max(seen.events_per_s);
            let (ttft_error, itl_error) = (seen.ttft_error.mean, seen.itl_error.mean);
            proven = Some(Truthful { streams: level.streams, events_per_s: most, ttft_error, itl_error });
        }
        proven.map_or_else(|| Reading::missing(self.first_fault()), Reading::Known)
    }

    fn first_fault(&self) -> String {
        match self.levels.first() {
            None => "no level was run".to_owned(),
            Some(ClientLevel { streams, seen, .. }) => match seen {
                Reading::Known(seen) => format!("not truthful at {streams} streams: {}", seen.untruthful().unwrap_or_default()),
                Reading::Missing(why) => format!("the level of {streams} streams could not be run: {why}"),
            },
        }
    }

    /// Most streams that were tried.
    pub fn tried(&self) -> u32 {
        self.levels.iter().map(|level| level.streams).max().unwrap_or(0)
    }

    /// Whether it tells of this machine and this version of the program.
    pub fn is_of(&self, machine: &Machine) -> bool {
        self.machine.digest == machine.digest && self.machine.edge_eval == machine.edge_eval
    }

    /// Whether it is to take the place of an older one: that one is of another machine or version, or tells no more than this.
    pub fn supersedes(&self, older: &Self) -> bool {
        !older.is_of(&self.machine) || (self.tried() >= older.tried() && (!self.quick || older.quick))
    }

    /// What it says, in a line.
    pub fn headline(&self) -> String {
        let quick = if self.quick { ", quickly calibrated" } else { "" };
        let ceiling = match &self.ceiling {
            Reading::Known(ceiling) => format!("; ceiling {:.0} events/s", ceiling.events_per_s),
            Reading::Missing(_) => String::new(),
        };
        match self.truthful() {
            Reading::Known(Truthful { streams, events_per_s, ttft_error, itl_error }) => format!(
                "client truthful up to {streams} streams and {events_per_s:.0} events/s{quick}: mean TTFT error {:+.3} ms, mean ITL error {:+.4} ms there{ceiling}",
                ttft_error.get() * 1e3,
                itl_error.get() * 1e3,
            ),
            Reading::Missing(why) => format!("client not proven{quick}: {why}{ceiling}"),
        }
    }

    /// Reads a certificate.
    ///
    /// # Errors
    /// The file is absent, damaged or of another version.
    pub fn read(path: &Path) -> Result<Self> {
        json::read(path)
    }

    /// Writes a certificate, atomically; its folder is made.
    ///
    /// # Errors
    /// The file cannot be written, or a number is not finite.
    pub fn write(&self, path: &Path) -> Result<()> {
        json::write(path, self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SCHEMA;

    fn spread(mean: f64) -> Spread {
        Spread { mean: Seconds(mean), p99: Seconds(mean.abs()), max: Seconds(mean.abs()) }
    }

    fn level(streams: u32, ttft_error: f64) -> ClientLevel {
        let seen = Seen {
            requests: 10,
            unmatched: 0,
            true_ttft: Seconds(0.05),
            ttft: Seconds(0.05 + ttft_error),
            ttft_from_sent: Seconds(0.05),
            ttft_error: spread(ttft_error),
            ttft_from_sent_error: spread(0.0),
            true_itl: Seconds(0.01),
            itl: Seconds(0.01),
            itl_error: spread(0.0),
            lateness: spread(ttft_error),
            server_lateness: spread(0.0),
            events_per_s: f64::from(streams) * 100.0,
            cpu_per_event: Reading::Known(Seconds(2e-6)),
        };
        ClientLevel { streams, tries: 1, seen: Reading::Known(seen) }
    }

    fn certificate(levels: Vec<ClientLevel>) -> ClientCertificate {
        ClientCertificate {
            schema: SCHEMA.into(),
            machine: Machine::fingerprint_at(Path::new("/nowhere"), 2, "0.1.0"),
            made_wall_ns: 1,
            quick: false,
            server_threads: 2,
            levels,
            open: OpenLevel { rate_per_s: 100.0, seen: Reading::missing("not run") },
            ceiling: Reading::missing("not run"),
        }
    }

    #[test]
    fn it_is_truthful_up_to_the_first_level_that_is_not() {
        let proven = certificate(vec![level(1, 1e-5), level(64, 2e-4), level(256, 2e-3), level(1000, 1e-5)]).truthful();
        let proven = *proven.known().unwrap();
        assert_eq!((proven.streams, proven.ttft_error), (64, Seconds(2e-4)));
        assert!((proven.events_per_s - 6400.0).abs() < 1e-9);
    }

    #[test]
    fn what_is_proven_by_nothing_says_why() {
        let why = |levels| certificate(levels).truthful().known().unwrap_err().to_string();
        assert_eq!(why(vec![]), "no level was run");
        assert!(why(vec![level(8, 3e-3)]).contains("at 8 streams: mean TTFT error 3.000 ms is beyond 1.000 ms"));
        assert!(why(vec![level(8, f64::NAN)]).contains("beyond"));
        let seen = Reading::missing("too few file descriptors");
        assert!(why(vec![ClientLevel { streams: 8, tries: 1, seen }]).contains("too few file descriptors"));
    }

    #[test]
    fn a_failed_request_and_an_early_client_are_no_truth() {
        let ClientLevel { seen: Reading::Known(seen), .. } = level(1, 0.0) else { unreachable!() };
        assert_eq!(seen.untruthful(), None);
        assert!(Seen { unmatched: 1, ..seen.clone() }.untruthful().unwrap().contains("1 of 10 requests failed"));
        assert!(Seen { ttft_error: spread(-2e-3), ..seen.clone() }.untruthful().is_some());
        assert!(Seen { lateness: spread(0.02), ..seen.clone() }.untruthful().unwrap().contains("p99 lateness"));
        assert!(Seen { itl_error: spread(-2e-4), ..seen.clone() }.untruthful().unwrap().contains("ITL"));
    }

    #[test]
    fn a_quick_one_does_not_take_the_place_of_one_that_tells_more() {
        let (short, long) = (certificate(vec![level(1, 0.0)]), certificate(vec![level(1, 0.0), level(64, 0.0)]));
        let quick = ClientCertificate { quick: true, ..long.clone() };
        let elsewhere = ClientCertificate { machine: Machine::fingerprint_at(Path::new("/nowhere"), 4, "0.1.0"), ..long.clone() };
        assert!(long.supersedes(&short) && long.supersedes(&quick) && quick.supersedes(&elsewhere) && long.supersedes(&long));
        assert!(!short.supersedes(&long) && !quick.supersedes(&long));
    }

    #[test]
    fn it_reads_back_as_it_was_and_belongs_to_one_machine_and_version() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sub/client.json");
        let made = certificate(vec![level(1, 1e-5)]);
        made.write(&path).unwrap();
        let read = ClientCertificate::read(&path).unwrap();
        assert_eq!(read, made);
        assert!(read.is_of(&made.machine) && !read.is_of(&Machine::fingerprint_at(Path::new("/nowhere"), 4, "0.1.0")));
        assert!(!read.is_of(&Machine::fingerprint_at(Path::new("/nowhere"), 2, "0.2.0")));
        assert_eq!((read.tried(), read.headline()), (1, made.headline()));
        assert!(read.headline().starts_with("client truthful up to 1 streams"), "{}", read.headline());
    }
}
