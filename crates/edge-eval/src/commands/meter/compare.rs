//! Two commands beside each other: ratios of what they took, run by run, with intervals.
//!
//! A ratio is the geometric mean of the runs' ratios, paired by round, because the two runs of a round saw the same machine; its
//! interval is Student's t of the logarithms.

use serde::Serialize;
use stats::{Estimate, Sample, mean_interval};
use units::Reading;

use super::{figures::FIGURES, observe::Observed};

/// How many times as much the first command took as the second.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Ratio {
    /// The figure's name.
    pub(super) figure: &'static str,
    /// First over second, with its interval; or why not.
    #[serde(rename = "ratio")]
    pub(super) estimate: Reading<Estimate>,
    /// What that says.
    pub(super) says: String,
}

/// The ratios of all figures that can be compared.
pub(super) fn compare(first: &[Observed], second: &[Observed]) -> Vec<Ratio> {
    let compared = FIGURES.iter().filter_map(|figure| Some((figure, figure.compared?)));
    let ratio = |(figure, what): (&super::figures::Figure, &str)| {
        let of = |runs: &[Observed]| runs.iter().map(|run| (run.round, (figure.of)(run))).collect::<Vec<_>>();
        let ratio = paired(&of(first), &of(second));
        Ratio { figure: figure.name, says: says(what, &ratio), estimate: ratio }
    };
    compared.map(ratio).collect()
}

fn paired(first: &[(u32, Reading<f64>)], second: &[(u32, Reading<f64>)]) -> Reading<Estimate> {
    let mut missing = None;
    let mut logs = Vec::new();
    for (round, one) in first {
        let Some((_, other)) = second.iter().find(|(theirs, _)| theirs == round) else { continue };
        match (one.known(), other.known()) {
            (Ok(one), Ok(other)) if *one > 0.0 && *other > 0.0 => logs.push((one / other).ln()),
            (Ok(_), Ok(_)) => missing = Some("it is zero or below in some run, so there is no ratio".to_owned()),
            (Err(why), _) | (_, Err(why)) => missing = Some(why.0),
        }
    }
    let Ok(sample) = Sample::new(logs) else {
        return Reading::missing(missing.unwrap_or_else(|| "no round has both".to_owned()));
    };
    let Estimate { value, ci95, n, method } = mean_interval(&sample);
    Reading::Known(Estimate { value: value.exp(), ci95: ci95.map(|(low, high)| (low.exp(), high.exp())), n, method })
}

/// A plain sentence.
fn says(what: &str, ratio: &Reading<Estimate>) -> String {
    let estimate = match ratio {
        Reading::Missing(why) => return format!("{what}: cannot be compared: {why}"),
        Reading::Known(estimate) => estimate,
    };
    let (less, more) = if what == "time" { ("faster", "slower") } else { ("less", "more") };
    let times = |ratio: f64| if ratio < 1.0 { 1.0 / ratio } else { ratio };
    let direction = |ratio: f64| if ratio < 1.0 { less } else { more };
    match estimate.ci95 {
        None => format!("{what}: ×{:.3}, from one run each: give --runs 5 for an interval", estimate.value),
        Some((low, high)) if low <= 1.0 && 1.0 <= high => {
            format!("{what}: no difference detected (×{:.3} [{low:.3}, {high:.3}], {} pairs)", estimate.value, estimate.n)
        }
        Some((low, high)) => {
            let (near, far) = if estimate.value < 1.0 { (times(high), times(low)) } else { (low, high) };
            let (verb, noun) = if what == "time" { ("is", String::new()) } else { ("takes", format!(" {what}")) };
            let (word, by) = (direction(estimate.value), times(estimate.value));
            format!("{what}: the first {verb} {by:.2} times {word}{noun} [{near:.2}, {far:.2}], {} pairs", estimate.n)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(values: &[f64]) -> Vec<(u32, Reading<f64>)> {
        values.iter().enumerate().map(|(round, value)| (round as u32, Reading::Known(*value))).collect()
    }

    #[test]
    fn a_ratio_is_the_geometric_mean_of_the_rounds_ratios() {
        let found = paired(&runs(&[2.0, 8.0]), &runs(&[1.0, 1.0]));
        let estimate = found.known().unwrap();
        assert!((estimate.value - 4.0).abs() < 1e-12 && estimate.n == 2);
        // A machine that slows down over the rounds makes no difference between paired runs.
        let drift = paired(&runs(&[2.0, 4.0, 8.0]), &runs(&[1.0, 2.0, 4.0]));
        let (low, high) = drift.known().unwrap().ci95.unwrap();
        assert!((low - 2.0).abs() < 1e-9 && (high - 2.0).abs() < 1e-9);
    }

    #[test]
    fn rounds_that_lack_one_side_are_left_out_and_none_is_told() {
        let mut second = runs(&[1.0, 1.0]);
        second[1].1 = Reading::missing("no meter");
        assert_eq!(paired(&runs(&[2.0, 8.0]), &second).known().unwrap().n, 1);
        assert_eq!(paired(&runs(&[2.0]), &[(0, Reading::missing("no meter"))]), Reading::missing("no meter"));
        assert!(paired(&runs(&[0.0]), &runs(&[1.0])).known().unwrap_err().0.contains("zero"));
        assert!(paired(&runs(&[1.0]), &[]).known().is_err());
    }

    fn check(value: f64, ci95: Option<(f64, f64)>, what: &str, expected: &str) {
        let ratio = Reading::Known(Estimate { value, ci95, n: 5, method: stats::Method::T });
        assert_eq!(says(what, &ratio), expected);
    }

    #[test]
    fn a_sentence_says_what_the_interval_allows() {
        check(1.5, Some((1.25, 2.0)), "time", "time: the first is 1.50 times slower [1.25, 2.00], 5 pairs");
        check(0.5, Some((0.4, 0.8)), "energy", "energy: the first takes 2.00 times less energy [1.25, 2.50], 5 pairs");
        check(1.1, Some((0.9, 1.3)), "time", "time: no difference detected (×1.100 [0.900, 1.300], 5 pairs)");
        check(1.1, None, "time", "time: ×1.100, from one run each: give --runs 5 for an interval");
    }
}
