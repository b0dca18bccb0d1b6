//! The Pareto frontier over any objectives, beyond the intervals.
//!
//! One point dominates another when it is no worse in every objective, at its value and at both ends of its interval, and in at least one
//! of them its whole interval is better than the other's. A pair of which neither dominates is either a trade-off (each is better beyond
//! the intervals in something) or not distinguishable. Asking for both ends makes domination transitive, so that the frontier depends
//! neither on the order of the points nor on whether dominated ones are among them. A value without an interval is taken as exact.

use stats::Estimate;
use units::Missing;

use crate::Better;

/// How two points stand to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// The first dominates the second.
    Dominates,
    /// The second dominates the first.
    Dominated,
    /// Each is better than the other in some objective, beyond the intervals.
    TradeOff,
    /// Neither dominates, and at most one of them is better in anything beyond the intervals.
    NotDistinguishable,
}

impl Relation {
    /// The word that JSON and texts use, of the first.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dominates => "dominates",
            Self::Dominated => "dominated",
            Self::TradeOff => "trade-off",
            Self::NotDistinguishable => "not distinguishable",
        }
    }
}

/// Where a point stands among the others.
#[derive(Clone, Debug, PartialEq)]
pub enum Standing {
    /// No other dominates it.
    Frontier {
        /// Positions of those on the frontier from which it is not distinguishable.
        not_distinguishable: Vec<usize>,
    },
    /// Others on the frontier dominate it.
    Dominated {
        /// Their positions; at least one.
        by: Vec<usize>,
    },
    /// One of its objectives cannot be known, so that it cannot be compared.
    Unknown {
        /// Which objective, by position.
        objective: usize,
        /// Why.
        why: Missing,
    },
}

/// A point: one estimate for each objective, or why there is none.
pub type Point = Vec<Result<Estimate, Missing>>;

/// Where each point stands. `objectives` says for each which direction is better; a point that has fewer estimates lacks the last ones.
pub fn pareto(objectives: &[Better], points: &[Point]) -> Vec<Standing> {
    let oriented: Vec<Result<Vec<Span>, Standing>> = points.iter().map(|point| orient(objectives, point)).collect();
    let frontier: Vec<usize> = (0..points.len()).filter(|&i| is_on_frontier(i, &oriented)).collect();
    let others = |i: usize, spans: &[Span], wanted: Relation| -> Vec<usize> {
        let stands = |&&j: &&usize| j != i && oriented[j].as_ref().is_ok_and(|other| relation(spans, other) == wanted);
        frontier.iter().filter(stands).copied().collect()
    };
    oriented
        .iter()
        .enumerate()
        .map(|(i, spans)| match spans {
            Err(unknown) => unknown.clone(),
            Ok(spans) if frontier.contains(&i) => {
                Standing::Frontier { not_distinguishable: others(i, spans, Relation::NotDistinguishable) }
            }
            Ok(spans) => Standing::Dominated { by: others(i, spans, Relation::Dominated) },
        })
        .collect()
}

/// How two points stand to each other. `None` where one of them lacks an objective.
pub fn relate(objectives: &[Better], first: &Point, second: &Point) -> Option<Relation> {
    Some(relation(&orient(objectives, first).ok()?, &orient(objectives, second).ok()?))
}

/// An estimate turned so that less is better.
#[derive(Clone, Copy)]
struct Span {
    value: f64,
    low: f64,
    high: f64,
}

impl Span {
    fn is_no_worse(self, other: Self) -> bool {
        self.value <= other.value && self.low <= other.low && self.high <= other.high
    }

    fn is_better_beyond(self, other: Self) -> bool {
        self.high < other.low
    }
}

fn is_on_frontier(i: usize, oriented: &[Result<Vec<Span>, Standing>]) -> bool {
    let Ok(spans) = &oriented[i] else { return false };
    !oriented.iter().flatten().any(|other| relation(spans, other) == Relation::Dominated)
}

fn orient(objectives: &[Better], point: &Point) -> Result<Vec<Span>, Standing> {
    objectives
        .iter()
        .enumerate()
        .map(|(objective, better)| span(*better, point.get(objective)).map_err(|why| Standing::Unknown { objective, why }))
        .collect()
}

fn span(better: Better, estimate: Option<&Result<Estimate, Missing>>) -> Result<Span, Missing> {
    let estimate = estimate.ok_or_else(|| Missing::because("it has no such objective"))?.as_ref().map_err(Clone::clone)?;
    let value = estimate.value;
    let (low, high) = estimate.ci95.unwrap_or((value, value));
    // An interval that does not hold its value (both are of the same data, but by other ways) is widened to do so.
    let span = match better {
        Better::Lower => Span { value, low: low.min(value), high: high.max(value) },
        Better::Higher => Span { value: -value, low: -high.max(value), high: -low.min(value) },
    };
    let is_finite = span.value.is_finite() && span.low.is_finite() && span.high.is_finite();
    is_finite.then_some(span).ok_or_else(|| Missing::because("it is not a finite number"))
}

fn relation(a: &[Span], b: &[Span]) -> Relation {
    let pairs = || a.iter().copied().zip(b.iter().copied());
    let ahead = pairs().any(|(a, b)| a.is_better_beyond(b));
    let behind = pairs().any(|(a, b)| b.is_better_beyond(a));
    match (ahead, behind) {
        (true, true) => Relation::TradeOff,
        (true, false) if pairs().all(|(a, b)| a.is_no_worse(b)) => Relation::Dominates,
        (false, true) if pairs().all(|(a, b)| b.is_no_worse(a)) => Relation::Dominated,
        _ => Relation::NotDistinguishable,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use stats::Method;

    use super::*;

    fn estimate(value: f64, half: f64) -> Estimate {
        let ci95 = (half > 0.0).then_some((value - half, value + half));
        Estimate { value, ci95, n: 5, method: Method::T }
    }

    /// Cost (less is better) and quality (more is better).
    const BOTH: &[Better] = &[Better::Lower, Better::Higher];

    fn point(cost: (f64, f64), quality: (f64, f64)) -> Point {
        vec![Ok(estimate(cost.0, cost.1)), Ok(estimate(quality.0, quality.1))]
    }

    #[test]
    fn pairs_by_hand() {
        let relate = |a: &Point, b: &Point| super::relate(BOTH, a, b).unwrap();
        let cheap_good = point((1.0, 0.1), (0.8, 0.05));
        let dear_bad = point((2.0, 0.1), (0.6, 0.05));
        assert_eq!((relate(&cheap_good, &dear_bad), relate(&dear_bad, &cheap_good)), (Relation::Dominates, Relation::Dominated));
        // Cheaper beyond the intervals, as good.
        assert_eq!(relate(&cheap_good, &point((2.0, 0.1), (0.8, 0.05))), Relation::Dominates);
        // Cheaper beyond the intervals, worse within them: it cannot be said that it is no worse.
        assert_eq!(relate(&cheap_good, &point((2.0, 0.1), (0.82, 0.05))), Relation::NotDistinguishable);
        // Cheaper and worse, both beyond.
        assert_eq!(relate(&cheap_good, &point((2.0, 0.1), (0.95, 0.05))), Relation::TradeOff);
        // Cheaper and better, both within.
        assert_eq!(relate(&cheap_good, &point((1.1, 0.1), (0.75, 0.05))), Relation::NotDistinguishable);
        assert_eq!(relate(&cheap_good, &cheap_good), Relation::NotDistinguishable);
        // Exact figures.
        assert_eq!(relate(&point((1.0, 0.0), (0.5, 0.0)), &point((1.0, 0.0), (0.4, 0.0))), Relation::Dominates);
    }

    #[test]
    fn a_frontier_by_hand() {
        let points = [
            point((1.0, 0.05), (0.5, 0.02)),
            point((2.0, 0.05), (0.7, 0.02)),
            point((3.0, 0.05), (0.6, 0.02)),
            point((1.02, 0.05), (0.49, 0.02)),
            vec![Ok(estimate(0.1, 0.0)), Err(Missing::because("not scored"))],
            vec![Ok(estimate(0.1, 0.0))],
        ];
        let standings = pareto(BOTH, &points);
        assert_eq!(standings[0], Standing::Frontier { not_distinguishable: vec![3] });
        assert_eq!(standings[1], Standing::Frontier { not_distinguishable: vec![] });
        assert_eq!(standings[2], Standing::Dominated { by: vec![1] });
        assert_eq!(standings[3], Standing::Frontier { not_distinguishable: vec![0] });
        assert_eq!(standings[4], Standing::Unknown { objective: 1, why: Missing::because("not scored") });
        assert!(matches!(&standings[5], Standing::Unknown { objective: 1, .. }));
    }

    #[test]
    fn nothing_to_compare() {
        assert!(pareto(BOTH, &[]).is_empty());
        assert_eq!(pareto(BOTH, &[point((1.0, 0.1), (0.5, 0.1))]), [Standing::Frontier { not_distinguishable: vec![] }]);
        // Without objectives nothing is better than anything.
        assert_eq!(pareto(&[], &[vec![], vec![]])[0], Standing::Frontier { not_distinguishable: vec![1] });
        let endless = Estimate { value: f64::INFINITY, ci95: None, n: 1, method: Method::None };
        assert!(matches!(pareto(BOTH, &[vec![Ok(endless), Ok(estimate(1.0, 0.0))]])[0], Standing::Unknown { objective: 0, .. }));
    }

    fn points() -> impl Strategy<Value = Vec<Point>> {
        let figure = || (0u8..12, 0u8..5).prop_map(|(value, half)| (f64::from(value), f64::from(half) * 0.7));
        prop::collection::vec((figure(), figure(), figure()), 1..14)
            .prop_map(|all| all.into_iter().map(|(a, b, c)| [a, b, c].map(|(value, half)| Ok(estimate(value, half))).to_vec()).collect())
    }

    const THREE: &[Better] = &[Better::Lower, Better::Higher, Better::Lower];

    fn on_frontier(points: &[Point]) -> Vec<bool> {
        pareto(THREE, points).iter().map(|standing| matches!(standing, Standing::Frontier { .. })).collect()
    }

    proptest! {
        #[test]
        fn no_dominated_point_is_on_the_frontier_and_each_other_has_its_dominator_there(points in points()) {
            let front = on_frontier(&points);
            prop_assert!(front.contains(&true));
            for (i, standing) in pareto(THREE, &points).iter().enumerate() {
                let dominated = points.iter().any(|other| relate(THREE, other, &points[i]) == Some(Relation::Dominates));
                prop_assert_eq!(dominated, !front[i]);
                if let Standing::Dominated { by } = standing {
                    prop_assert!(!by.is_empty() && by.iter().all(|&j| front[j] && relate(THREE, &points[j], &points[i]) == Some(Relation::Dominates)));
                }
            }
        }

        #[test]
        fn the_order_of_points_does_not_matter(points in points(), by in 0usize..14) {
            let mut turned = points.clone();
            turned.rotate_left(by % points.len());
            let mut front = on_frontier(&points);
            front.rotate_left(by % points.len());
            prop_assert_eq!(on_frontier(&turned), front);
        }

        #[test]
        fn a_dominated_point_more_or_less_changes_nothing(points in points()) {
            let front = on_frontier(&points);
            let kept: Vec<Point> = points.iter().zip(&front).filter(|(_, on)| **on).map(|(point, _)| point.clone()).collect();
            prop_assert!(on_frontier(&kept).into_iter().all(|on| on));
            for (i, on) in front.iter().enumerate() {
                if !on {
                    let mut without = points.clone();
                    without.remove(i);
                    let mut expected = front.clone();
                    expected.remove(i);
                    prop_assert_eq!(on_frontier(&without), expected);
                }
            }
        }

        #[test]
        fn domination_is_transitive_and_one_sided(points in points()) {
            let dominates = |a: &Point, b: &Point| relate(THREE, a, b) == Some(Relation::Dominates);
            for a in &points {
                for b in &points {
                    prop_assert!(!(dominates(a, b) && dominates(b, a)));
                    for c in &points {
                        prop_assert!(!(dominates(a, b) && dominates(b, c)) || dominates(a, c));
                    }
                }
            }
        }
    }
}
