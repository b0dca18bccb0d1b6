//! Each measured request beside the mock's record of it. Pure: instants in, differences out.

use std::collections::HashMap;

use record::{Request, Spread};
use units::{Missing, Nanos, Seconds};

use crate::mock::{Served, Truth};

/// One request as measured and as it was, in seconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pair {
    /// Arrival to first write, by the mock.
    pub(super) true_ttft: f64,
    /// Due time to first content, by the client.
    pub(super) ttft: f64,
    /// Sending to first content, by the client.
    pub(super) ttft_from_sent: f64,
    /// Sent − due.
    pub(super) lateness: f64,
}

/// All requests of a level.
#[derive(Debug, Default)]
pub(super) struct Pairs {
    requests: Vec<Pair>,
    /// Gaps between tokens: as measured and as written, in seconds.
    gaps: Vec<(f64, f64)>,
    /// First and last event with text.
    span: Option<(Nanos, Nanos)>,
    events: usize,
    /// Requests that failed, or of which the two records differ.
    pub(super) unmatched: u32,
}

impl Pairs {
    /// Pairs requests with the truth by item and tag.
    pub(super) fn of(requests: &[Request], truth: &Truth) -> Self {
        let served: HashMap<&str, &Served> = truth.requests.iter().map(|served| (served.tag.as_str(), served)).collect();
        let mut pairs = Self::default();
        for request in requests {
            match served.get(request.item.as_str()) {
                Some(served) if request.failure.is_none() && served.written.len() == request.content_times.len() => {
                    pairs.add(request, served);
                }
                _ => pairs.unmatched += 1,
            }
        }
        pairs
    }

    fn add(&mut self, request: &Request, served: &Served) {
        let (Some(&first), Some(&last), Some(&written)) =
            (request.content_times.first(), request.content_times.last(), served.written.first())
        else {
            self.unmatched += 1;
            return;
        };
        self.requests.push(Pair {
            true_ttft: between(served.arrived, written),
            ttft: between(request.due, first),
            ttft_from_sent: between(request.sent, first),
            lateness: between(request.due, request.sent),
        });
        let gaps = request.content_times.windows(2).zip(served.written.windows(2));
        self.gaps.extend(gaps.map(|(seen, true_)| (between(seen[0], seen[1]), between(true_[0], true_[1]))));
        self.events += request.content_times.len();
        let (from, to) = self.span.unwrap_or((first, last));
        self.span = Some((from.min(first), to.max(last)));
    }

    /// Events with text.
    pub(super) fn events(&self) -> usize {
        self.events
    }

    /// Events with text a second, from the first to the last.
    pub(super) fn events_per_s(&self) -> Result<f64, Missing> {
        let (from, to) = self.span.ok_or_else(|| Missing::because("no request can be matched with the server's record"))?;
        let seconds = between(from, to);
        if seconds > 0.0 { Ok(self.events as f64 / seconds) } else { Err(Missing::because("all events came at one instant")) }
    }

    pub(super) fn mean(&self, of: impl Fn(&Pair) -> Option<f64>) -> Result<Seconds, Missing> {
        mean(self.requests.iter().filter_map(of))
    }

    pub(super) fn spread(&self, of: impl Fn(&Pair) -> f64) -> Result<Spread, Missing> {
        spread(self.requests.iter().map(of))
    }

    pub(super) fn gap(&self) -> Result<Seconds, Missing> {
        mean(self.gaps.iter().map(|(seen, _)| *seen))
    }

    pub(super) fn true_gap(&self) -> Result<Seconds, Missing> {
        mean(self.gaps.iter().map(|(_, written)| *written))
    }

    pub(super) fn gap_error(&self) -> Result<Spread, Missing> {
        spread(self.gaps.iter().map(|(seen, written)| seen - written))
    }
}

/// Written − scheduled, over all events of the truth.
pub(super) fn server_lateness(truth: &Truth) -> Result<Spread, Missing> {
    spread(truth.requests.iter().flat_map(|served| served.scheduled.iter().zip(&served.written).map(|(&due, &at)| between(due, at))))
}

fn between(from: Nanos, to: Nanos) -> f64 {
    to.signed_since(from).get()
}

fn nothing() -> Missing {
    Missing::because("nothing was observed")
}

fn mean(values: impl Iterator<Item = f64>) -> Result<Seconds, Missing> {
    let (mut sum, mut n) = (0.0, 0_u64);
    for value in values {
        sum += value;
        n += 1;
    }
    if n == 0 { Err(nothing()) } else { Ok(Seconds(sum / n as f64)) }
}

/// The percentile is the nearest rank.
fn spread(values: impl Iterator<Item = f64>) -> Result<Spread, Missing> {
    let values: Vec<f64> = values.collect();
    let mean = mean(values.iter().copied())?;
    let mut sizes: Vec<f64> = values.into_iter().map(f64::abs).collect();
    sizes.sort_unstable_by(f64::total_cmp);
    let rank = (sizes.len() * 99).div_ceil(100).max(1);
    Ok(Spread { mean, p99: Seconds(sizes[rank - 1]), max: Seconds(sizes[sizes.len() - 1]) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn served(tag: &str, arrived: u64, written: &[u64]) -> Served {
        let written: Vec<Nanos> = written.iter().map(|&at| Nanos(at)).collect();
        Served { tag: tag.into(), arrived: Nanos(arrived), scheduled: written.clone(), written, ..Served::default() }
    }

    fn request(item: &str, due: u64, sent: u64, content: &[u64]) -> Request {
        let content_times = content.iter().map(|&at| Nanos(at)).collect();
        Request { item: item.into(), due: Nanos(due), sent: Nanos(sent), content_times, ..Request::default() }
    }

    fn ns(seconds: Seconds) -> f64 {
        (seconds.get() * 1e9).round()
    }

    #[test]
    fn errors_are_of_each_request_not_of_the_means() {
        // Swapped, the means of both would agree; pair by pair they do not.
        let truth = Truth { requests: vec![served("b", 1000, &[3000, 5000]), served("a", 1000, &[2000, 3000])], ..Truth::default() };
        let requests = [request("a", 900, 950, &[3100, 4200]), request("b", 900, 1000, &[2900, 4900])];
        let pairs = Pairs::of(&requests, &truth);
        assert_eq!((pairs.unmatched, pairs.events()), (0, 4));
        let error = pairs.spread(|pair| pair.ttft - pair.true_ttft).unwrap();
        // a: 2200 − 1000 = +1200; b: 2000 − 2000 = 0.
        assert_eq!((ns(error.mean), ns(error.max)), (600.0, 1200.0));
        let error = pairs.spread(|pair| pair.ttft_from_sent - pair.true_ttft).unwrap();
        // a: 2150 − 1000; b: 1900 − 2000.
        assert_eq!((ns(error.mean), ns(error.p99)), (525.0, 1150.0));
        let gap = pairs.gap_error().unwrap();
        assert_eq!((ns(gap.mean), ns(gap.max)), (50.0, 100.0));
        assert_eq!((ns(pairs.gap().unwrap()), ns(pairs.true_gap().unwrap())), (1550.0, 1500.0));
        assert!((pairs.events_per_s().unwrap() / (4.0 / 2000e-9) - 1.0).abs() < 1e-9);
        assert!(server_lateness(&truth).unwrap().max < Seconds(1e-12));
    }

    #[test]
    fn what_failed_or_differs_is_counted_apart() {
        let truth = Truth { requests: vec![served("a", 0, &[5]), served("b", 0, &[5, 6])], ..Truth::default() };
        let failed = Request { failure: Some("timeout".into()), ..request("a", 0, 0, &[5]) };
        let pairs = Pairs::of(&[failed, request("b", 0, 0, &[5]), request("c", 0, 0, &[5])], &truth);
        assert_eq!((pairs.unmatched, pairs.events()), (3, 0));
        assert!(pairs.events_per_s().is_err() && pairs.gap().is_err() && pairs.spread(|pair| pair.ttft).is_err());
    }
}
