//! Where the order of two curves changes: a figure of two models against concurrency, or energy against throughput.
//!
//! The order at a point is known where the difference of the two is beyond its 95% interval. That interval is made of the two figures' own
//! (Zou and Donner, "Construction of confidence limits about effect measures", Statistics in Medicine 27 (2008): the MOVER), which are
//! independent because two models never share a server process. A crossing lies between two points at which the order is known and is not the
//! same; where between them is an interpolation, and no interval is claimed for it.

use stats::{Estimate, Method};
use units::Missing;

/// A figure at a point of an axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// Where on the axis: a level of concurrency.
    pub at: f64,
    /// The figure.
    pub figure: Estimate,
}

/// Two figures of one level: a point of a curve of one against the other.
#[derive(Clone, Debug, PartialEq)]
pub struct Pair {
    /// The figure on the axis, such as throughput.
    pub x: Estimate,
    /// The figure that is compared, such as energy.
    pub y: Estimate,
}

/// One of the two that are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// The first.
    First,
    /// The second.
    Second,
}

/// How the axis is divided between two points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Axis {
    /// In equal steps.
    Linear,
    /// In equal ratios, as concurrency is.
    Log2,
}

/// The first less the second at one point.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// Where on the axis.
    pub at: f64,
    /// First less second.
    pub value: f64,
    /// Its 95% interval; `None` where one of the two has none over runs.
    pub ci95: Option<(f64, f64)>,
}

/// A change of order.
#[derive(Clone, Debug, PartialEq)]
pub struct Crossing {
    /// Where the straight lines between the points cross.
    pub at: f64,
    /// The nearest points on either side at which the order is known.
    pub between: (f64, f64),
    /// Which is the higher one behind it.
    pub higher_after: Which,
}

impl Difference {
    /// The higher one; `None` where the difference is within its interval, or has none.
    pub fn higher(&self) -> Option<Which> {
        match self.ci95? {
            (low, _) if low > 0.0 => Some(Which::First),
            (_, high) if high < 0.0 => Some(Which::Second),
            _ => None,
        }
    }
}

/// The differences at the points that both curves have, in the order of the axis.
///
/// # Errors
/// They have fewer than two points in common.
pub fn differences(first: &[Point], second: &[Point]) -> Result<Vec<Difference>, Missing> {
    let same = |a: &Point, b: &Point| a.at.total_cmp(&b.at).is_eq();
    let mut differences: Vec<Difference> = first
        .iter()
        .filter_map(|a| Some((a, second.iter().find(|b| same(a, b))?)))
        .map(|(a, b)| difference(a.at, &Ranged::of(&a.figure), &Ranged::of(&b.figure)))
        .collect();
    differences.sort_by(|a, b| a.at.total_cmp(&b.at));
    if differences.len() < 2 {
        return Err(Missing::because("they have fewer than two levels in common"));
    }
    Ok(differences)
}

/// The differences of `y` at equal `x`, over the range of `x` that both curves cover: at the ends of that range and at every point of either
/// curve within it. Between its points a curve is straight. Pairs are in the order of concurrency; those that give no more `x` than one before
/// them, a server past its best, are no part of the curve.
///
/// # Errors
/// The ranges do not overlap, or a curve has fewer than two points.
pub fn at_equal(first: &[Pair], second: &[Pair]) -> Result<Vec<Difference>, Missing> {
    let curves = [rising(first), rising(second)];
    let [(low_a, high_a), (low_b, high_b)] = [range(&curves[0])?, range(&curves[1])?];
    let (low, high) = (low_a.max(low_b), high_a.min(high_b));
    if low >= high {
        return Err(Missing::because(format!("their ranges do not overlap: {low_a:.1} to {high_a:.1}, and {low_b:.1} to {high_b:.1}")));
    }
    let mut grid: Vec<f64> = curves.iter().flatten().map(|pair| pair.x.value).filter(|x| (low..=high).contains(x)).collect();
    grid.sort_by(f64::total_cmp);
    grid.dedup();
    Ok(grid.into_iter().filter_map(|x| Some(difference(x, &interpolated(&curves[0], x)?, &interpolated(&curves[1], x)?))).collect())
}

/// The changes of order, in the order of the axis.
pub fn crossings(differences: &[Difference], axis: Axis) -> Vec<Crossing> {
    let known: Vec<(usize, Which)> = differences.iter().enumerate().filter_map(|(i, one)| Some((i, one.higher()?))).collect();
    let changes = known.windows(2).filter(|pair| pair[0].1 != pair[1].1);
    changes
        .map(|pair| {
            let (from, to) = (pair[0].0, pair[1].0);
            Crossing {
                at: zero(&differences[from..=to], axis),
                between: (differences[from].at, differences[to].at),
                higher_after: pair[1].1,
            }
        })
        .collect()
}

/// A value and how far down and up its interval reaches; no reach where nothing is known of it over runs.
struct Ranged {
    value: f64,
    reach: Option<(f64, f64)>,
}

impl Ranged {
    fn of(estimate: &Estimate) -> Self {
        let value = estimate.value;
        let reach = match (estimate.ci95, estimate.n, estimate.method) {
            // The requests of one run share their server: their interval says nothing of another run.
            (_, 0 | 1, _) | (_, _, Method::OrderStatistics) => None,
            (None, ..) => (estimate.method == Method::None).then_some((0.0, 0.0)),
            (Some((low, high)), ..) => Some(((value - low).max(0.0), (high - value).max(0.0))),
        };
        Self { value, reach }
    }
}

fn difference(at: f64, a: &Ranged, b: &Ranged) -> Difference {
    let value = a.value - b.value;
    let ends = |((down_a, up_a), (down_b, up_b)): ((f64, f64), (f64, f64))| (value - down_a.hypot(up_b), value + up_a.hypot(down_b));
    Difference { at, value, ci95: a.reach.zip(b.reach).map(ends) }
}

/// The pairs up to which `x` rises, each above all before it.
fn rising(pairs: &[Pair]) -> Vec<&Pair> {
    let mut curve: Vec<&Pair> = Vec::new();
    for pair in pairs {
        if curve.last().is_none_or(|last| pair.x.value > last.x.value) {
            curve.push(pair);
        }
    }
    curve
}

fn range(curve: &[&Pair]) -> Result<(f64, f64), Missing> {
    match curve {
        [first, .., last] => Ok((first.x.value, last.x.value)),
        _ => Err(Missing::because("one of them has fewer than two levels at which throughput rises")),
    }
}

/// A curve's `y` at `x`. What is not known of the points' `x` is added to what is not known of their `y`, by the slope: more than the truth,
/// because the two of one level do not err independently.
fn interpolated(curve: &[&Pair], x: f64) -> Option<Ranged> {
    let segment = curve.windows(2).find(|pair| (pair[0].x.value..=pair[1].x.value).contains(&x))?;
    let (a, b) = (segment[0], segment[1]);
    let width = b.x.value - a.x.value;
    let (share, slope) = ((x - a.x.value) / width, (b.y.value - a.y.value) / width);
    let mix = |of_a: f64, of_b: f64| of_a * (1.0 - share) + of_b * share;
    let value = mix(a.y.value, b.y.value);
    let reaches = || {
        let [ya, yb, xa, xb] = [&a.y, &b.y, &a.x, &b.x].map(|estimate| Ranged::of(estimate).reach);
        let (ya, yb, xa, xb) = (ya?, yb?, xa?, xb?);
        let by_x = slope.abs() * mix(xa.0.max(xa.1), xb.0.max(xb.1));
        Some((mix(ya.0, yb.0) + by_x, mix(ya.1, yb.1) + by_x))
    };
    Some(Ranged { value, reach: reaches() })
}

/// Where the straight lines through the differences first meet zero. The first and the last are on different sides of it.
fn zero(differences: &[Difference], axis: Axis) -> f64 {
    let side = |one: &Difference| one.value.total_cmp(&0.0);
    let crosses = |pair: &&[Difference]| side(&pair[0]) != side(&pair[1]);
    let Some([a, b]) = differences.windows(2).find(crosses).map(|pair| [&pair[0], &pair[1]]) else {
        return differences.first().map_or(f64::NAN, |one| one.at);
    };
    let share = a.value / (a.value - b.value);
    match axis {
        Axis::Linear => a.at + (b.at - a.at) * share,
        Axis::Log2 => (a.at.log2() + (b.at.log2() - a.at.log2()) * share).exp2(),
    }
}

#[cfg(test)]
#[path = "crossings/tests.rs"]
mod tests;
