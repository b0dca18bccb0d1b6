//! Power over time as samples: the trapezoid rule with interpolated edges (never watts times interval), and how well the
//! samples span a window.

use units::{Joules, Nanos, Seconds, Watts};

use super::{Fault, Judged, Span};

/// Power samples of one device in the order of time.
pub(super) struct Curve(Vec<(Nanos, Watts)>);

impl Curve {
    pub(super) fn new(samples: impl IntoIterator<Item = (Nanos, Watts)>) -> Self {
        let mut samples: Vec<_> = samples.into_iter().collect();
        samples.sort_by_key(|(at, _)| *at);
        samples.dedup_by_key(|(at, _)| *at);
        Self(samples)
    }

    /// Energy between two instants that samples span; negative when `from` is the later.
    pub(super) fn energy(&self, from: Nanos, to: Nanos) -> Judged<Joules> {
        if to < from {
            return Ok(Joules(0.0) - self.energy(to, from)?);
        }
        spanned(self.0.iter().map(|(at, _)| *at), Span { start: from, end: to })?;
        let inside = self.0.iter().copied().filter(|(at, _)| from < *at && *at < to);
        let edges = [(from, self.at(from)?), (to, self.at(to)?)];
        let mut points: Vec<(Nanos, Watts)> = std::iter::once(edges[0]).chain(inside).chain([edges[1]]).collect();
        points.dedup_by_key(|(at, _)| *at);
        Ok(points.windows(2).map(|pair| (pair[0].1 + pair[1].1) / 2.0 * pair[1].0.since(pair[0].0)).sum())
    }

    fn at(&self, instant: Nanos) -> Judged<Watts> {
        let after = self.0.partition_point(|(at, _)| *at < instant);
        let next = self.0.get(after).ok_or_else(|| unspanned("the last sample is before its end"))?;
        if next.0 == instant {
            return Ok(next.1);
        }
        let last =
            after.checked_sub(1).and_then(|before| self.0.get(before)).ok_or_else(|| unspanned("the first sample is after its start"))?;
        let share = instant.since(last.0) / next.0.since(last.0);
        Ok(last.1 * (1.0 - share) + next.1 * share)
    }
}

fn unspanned(how: &str) -> Fault {
    Fault::new("not_spanned", format!("samples do not span the window: {how}"))
}

/// Checks that instants, in the order of time, span a window.
pub(super) fn spanned(mut instants: impl Iterator<Item = Nanos>, span: Span) -> Judged<()> {
    let first = instants.next().ok_or_else(|| unspanned("there are none"))?;
    if first > span.start {
        return Err(unspanned("the first is after its start"));
    }
    if instants.last().unwrap_or(first) < span.end {
        return Err(unspanned("the last is before its end"));
    }
    Ok(())
}

/// Checks that no two neighbours of the instants that bracket a window are further apart than `longest`.
pub(super) fn not_starved(instants: &[Nanos], span: Span, longest: Seconds) -> Judged<()> {
    let touching = instants.windows(2).filter(|pair| pair[1] > span.start && pair[0] < span.end);
    let gap = touching.map(|pair| pair[1].since(pair[0])).fold(Seconds(0.0), |most, gap| if gap > most { gap } else { most });
    if gap <= longest {
        return Ok(());
    }
    Err(Fault::new("sampler_starved", format!("{:.2} s lie between two samples, where {:.2} s may", gap.get(), longest.get())))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn s(seconds: f64) -> Nanos {
        Nanos((seconds * 1e9) as u64)
    }

    fn curve(points: &[(f64, f64)]) -> Curve {
        Curve::new(points.iter().map(|(at, watts)| (s(*at), Watts(*watts))))
    }

    fn check(points: &[(f64, f64)], from: f64, to: f64, expected: f64) {
        let energy = curve(points).energy(s(from), s(to)).unwrap();
        assert!((energy.get() - expected).abs() < 1e-9, "{energy} is not {expected}");
    }

    #[test]
    fn trapezoids_with_interpolated_edges() {
        check(&[(0.0, 100.0), (10.0, 100.0)], 2.0, 4.0, 200.0);
        check(&[(0.0, 0.0), (10.0, 100.0)], 0.0, 10.0, 500.0);
        check(&[(0.0, 0.0), (10.0, 100.0)], 2.0, 4.0, 60.0);
        check(&[(0.0, 0.0), (1.0, 100.0), (2.0, 0.0)], 0.5, 1.5, 75.0);
        check(&[(0.0, 50.0), (1.0, 50.0)], 1.0, 0.0, -50.0);
        check(&[(0.0, 50.0), (1.0, 70.0)], 1.0, 1.0, 0.0);
    }

    #[test]
    fn samples_must_span_the_window() {
        let curve = curve(&[(1.0, 10.0), (2.0, 10.0)]);
        for (from, to) in [(0.9, 2.0), (1.0, 2.1), (0.0, 0.5), (3.0, 4.0)] {
            assert_eq!(curve.energy(s(from), s(to)).unwrap_err().code, "not_spanned");
        }
        assert_eq!(Curve::new([]).energy(s(0.0), s(1.0)).unwrap_err().code, "not_spanned");
    }

    #[test]
    fn a_gap_inside_or_across_an_edge_is_starvation() {
        let instants = [s(0.0), s(1.0), s(1.1), s(1.2), s(3.0)];
        let check = |start: f64, end: f64| not_starved(&instants, Span { start: s(start), end: s(end) }, Seconds(0.5)).is_ok();
        assert!(check(1.0, 1.2));
        assert!(!check(0.5, 1.2));
        assert!(!check(1.0, 1.3));
    }

    proptest! {
        #[test]
        fn the_energy_of_a_window_is_the_sum_of_its_parts(watts in prop::collection::vec(0.0..700.0f64, 2..30), cut in 0.0..1.0f64) {
            let end = (watts.len() - 1) as f64 * 0.1;
            let curve = curve(&watts.iter().enumerate().map(|(i, w)| (i as f64 * 0.1, *w)).collect::<Vec<_>>());
            let (end, cut) = (s(end * 0.999), s(end * 0.999 * cut));
            let parts = curve.energy(s(0.0), cut).unwrap() + curve.energy(cut, end).unwrap();
            prop_assert!((parts.get() - curve.energy(s(0.0), end).unwrap().get()).abs() < 1e-6);
        }
    }
}
