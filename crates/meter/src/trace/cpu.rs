//! CPU time of the stage over time, with the most that it can be wrong.
//!
//! A sample is a floor and the most that it lacks. Between two samples the time can only rise, and no faster than all cores
//! together, which bounds it at every instant; a sample taken at a window's edge leaves next to no room.

use record::PowerSample;
use units::{Nanos, Seconds, Watts};

use super::{Fault, Judged, Span};

/// CPU time seen so far, at instants in the order of time.
#[derive(Clone, Debug)]
pub(super) struct CpuCurve {
    cores: f64,
    points: Vec<Point>,
}

#[derive(Clone, Copy, Debug)]
struct Point {
    at: Nanos,
    floor: f64,
    lag: f64,
}

/// CPU time within a window, and how wrong it can be at worst.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Used {
    pub(super) time: Seconds,
    pub(super) error: Seconds,
}

impl CpuCurve {
    pub(super) fn new(cores: u32) -> Self {
        Self { cores: f64::from(cores), points: Vec::new() }
    }

    /// Adds a sample. CPU time does not fall: a floor below the last one is raised to it.
    pub(super) fn push(&mut self, at: Nanos, floor: Seconds, lag: Seconds) {
        let last = self.points.last().map_or(0.0, |point| point.floor);
        self.points.push(Point { at, floor: floor.get().max(last), lag: lag.get() });
    }

    /// Nothing was used until `at`; what was said of later instants was said without looking.
    pub(super) fn begin(&mut self, at: Nanos) {
        self.points.retain(|point| point.at < at);
        self.push(at, Seconds(0.0), Seconds(0.0));
    }

    /// At `at` the stage ended with this total: what was seen later is the same time, known less well.
    pub(super) fn end(&mut self, at: Nanos, total: Seconds) {
        self.points.retain(|point| point.at < at);
        self.push(at, total, Seconds(0.0));
    }

    pub(super) fn instants(&self) -> Vec<Nanos> {
        self.points.iter().map(|point| point.at).collect()
    }

    /// CPU time used within a window.
    pub(super) fn between(&self, span: Span) -> Judged<Used> {
        let (start, start_error) = self.at(span.start)?;
        let (end, end_error) = self.at(span.end)?;
        Ok(Used { time: Seconds((end - start).max(0.0)), error: Seconds(start_error + end_error) })
    }

    /// The time at an instant on the straight line between its neighbours, kept within the bounds, and the wider side of these.
    fn at(&self, instant: Nanos) -> Judged<(f64, f64)> {
        let unspanned = || Fault::new("not_spanned", "samples of the CPU time do not span the window");
        let after = self.points.partition_point(|point| point.at < instant);
        let next = self.points.get(after).ok_or_else(unspanned)?;
        let last =
            if next.at == instant { next } else { self.points.get(after.checked_sub(1).ok_or_else(unspanned)?).ok_or_else(unspanned)? };
        let (since, until) = (instant.since(last.at).get(), next.at.since(instant).get());
        let low = last.floor.max(next.floor - self.cores * until);
        let high = (last.floor + last.lag + self.cores * since).min(next.floor + next.lag).max(low);
        let share = if since + until > 0.0 { since / (since + until) } else { 0.0 };
        let line = (last.floor + (next.floor - last.floor) * share).clamp(low, high);
        Ok((line, (high - line).max(line - low)))
    }

    /// Modelled power: the mean since the sample before.
    pub(super) fn power(&self, w_per_core: Watts) -> Vec<PowerSample> {
        let rising = self.points.windows(2).filter(|pair| pair[1].at > pair[0].at);
        let busy = |pair: &[Point]| (pair[1].floor - pair[0].floor) / pair[1].at.since(pair[0].at).get();
        rising.map(|pair| PowerSample { at: pair[1].at, device: 0, power: w_per_core * busy(pair) }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Nanos {
        Nanos(ms * 1_000_000)
    }

    /// `(at ms, floor ms, lag ms)` on two cores.
    fn curve(points: &[(u64, f64, f64)]) -> CpuCurve {
        let mut curve = CpuCurve::new(2);
        for (at, floor, lag) in points {
            curve.push(ms(*at), Seconds(floor / 1e3), Seconds(lag / 1e3));
        }
        curve
    }

    fn check(points: &[(u64, f64, f64)], start: u64, end: u64, time: f64, error: f64) {
        let used = curve(points).between(Span { start: ms(start), end: ms(end) }).unwrap();
        assert!((used.time.get() * 1e3 - time).abs() < 1e-9, "{used:?} is not {time} ms");
        assert!((used.error.get() * 1e3 - error).abs() < 1e-9, "{used:?} is not within {error} ms");
    }

    #[test]
    fn samples_at_the_edges_leave_no_room() {
        check(&[(0, 0.0, 0.0), (100, 60.0, 0.0), (200, 90.0, 0.0)], 0, 200, 90.0, 0.0);
        check(&[(0, 0.0, 0.0), (100, 60.0, 0.0), (200, 90.0, 0.0)], 100, 200, 30.0, 0.0);
    }

    #[test]
    fn all_cores_busy_leave_none_between_samples_either() {
        check(&[(0, 0.0, 0.0), (100, 200.0, 0.0), (200, 400.0, 0.0)], 30, 150, 240.0, 0.0);
    }

    #[test]
    fn an_idle_stage_leaves_none() {
        check(&[(0, 5.0, 0.0), (100, 5.0, 0.0)], 30, 70, 0.0, 0.0);
    }

    #[test]
    fn half_busy_between_samples_is_known_to_half_an_interval() {
        // At 50 ms: between 0 and 100 ms of time, 50 on the line.
        check(&[(0, 0.0, 0.0), (100, 100.0, 0.0), (200, 100.0, 0.0)], 50, 200, 50.0, 50.0);
    }

    #[test]
    fn what_a_sample_lacks_is_part_of_the_error() {
        check(&[(0, 0.0, 0.0), (1000, 500.0, 8.0)], 0, 1000, 500.0, 8.0);
    }

    #[test]
    fn a_stage_has_used_nothing_when_it_is_spawned() {
        let mut curve = curve(&[(0, 0.0, 0.0), (100, 0.0, 0.0), (200, 0.0, 0.0)]);
        curve.begin(ms(150));
        curve.push(ms(210), Seconds(0.06), Seconds(0.0));
        let used = curve.between(Span { start: ms(150), end: ms(210) }).unwrap();
        assert_eq!((used.time, used.error), (Seconds(0.06), Seconds(0.0)));
    }

    #[test]
    fn a_stage_uses_nothing_after_its_end() {
        let mut curve = curve(&[(0, 0.0, 0.0), (10, 0.2, 3.0), (20, 0.4, 5.0)]);
        curve.end(ms(15), Seconds(0.000_9));
        curve.push(ms(30), Seconds(0.000_9), Seconds(0.0));
        for end in [15, 22, 30] {
            let used = curve.between(Span { start: ms(0), end: ms(end) }).unwrap();
            assert_eq!((used.time, used.error), (Seconds(0.000_9), Seconds(0.0)));
        }
    }

    #[test]
    fn samples_must_span_the_window() {
        let curve = curve(&[(10, 0.0, 0.0), (20, 1.0, 0.0)]);
        for (start, end) in [(9, 20), (10, 21), (30, 40)] {
            assert_eq!(curve.between(Span { start: ms(start), end: ms(end) }).unwrap_err().code, "not_spanned");
        }
    }

    #[test]
    fn cpu_time_does_not_fall() {
        check(&[(0, 0.0, 0.0), (100, 50.0, 0.0), (200, 40.0, 0.0)], 0, 200, 50.0, 0.0);
    }
}
