//! By how much one figure differs from another that was observed apart from it, or on the same items: a difference or a ratio with its 95%
//! interval, and the p-value of any hypothesis on it.
//!
//! * Means over runs with t intervals: Welch, "The generalization of Student's problem when several different population variances are
//!   involved", Biometrika 34 (1947), with the degrees of freedom of Satterthwaite; their ratio by Fieller, JRSS B 16 (1954).
//! * Any other two figures: the intervals that they have are put together (Zou and Donner, "Construction of confidence limits about effect
//!   measures", Statistics in Medicine 27 (2008): the MOVER), a ratio on the logarithm. Of two Wilson intervals that is Newcombe's method 10
//!   (Statistics in Medicine 17 (1998)).
//!
//! A p-value answers the interval: it is 5% where an end of the interval lies on the hypothesis, and falls from there as Student's t does.
//! What is paired, and what makes a comparison unfair, is for the caller.

use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, Normal, StudentsT};

use crate::{Estimate, Method, interval::t_quantile};

/// How a change's interval was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeMethod {
    /// Welch's t of two means over runs.
    Welch,
    /// Fieller's interval of the ratio of two means over runs.
    Fieller,
    /// The intervals of the two figures, put together.
    Mover,
    /// Student's t over the pairs of the same items.
    PairedT,
    /// Bootstrap over the pairs of the same items.
    PairedBootstrap,
    /// Linearised over the pairs of the same answers.
    PairedClusters,
    /// No item changed: Wilson's limit of the share that may.
    PairedUnchanged,
}

impl ChangeMethod {
    /// The words shown beside an interval.
    pub fn label(self) -> &'static str {
        match self {
            Self::Welch => "Welch",
            Self::Fieller => "Fieller",
            Self::Mover => "MOVER",
            Self::PairedT => "paired, t",
            Self::PairedBootstrap => "paired, bootstrap",
            Self::PairedClusters => "paired, clusters",
            Self::PairedUnchanged => "paired, Wilson",
        }
    }
}

/// A difference or a ratio with its 95% interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Change {
    /// The point value.
    pub value: f64,
    /// Lower and upper end of the 95% interval.
    pub ci95: (f64, f64),
    /// Degrees of freedom of Student's t.
    pub freedom: f64,
    /// How the interval was made.
    pub method: ChangeMethod,
}

/// `new − base`; `None` where one of them has no interval.
pub fn difference(base: &Estimate, new: &Estimate) -> Option<Change> {
    let value = new.value - base.value;
    let [of_base, of_new] = arms(base, new)?;
    let ends = mover(value, of_new.reach, of_base.reach);
    Some(Change {
        value,
        ci95: ends,
        freedom: of_base.freedom,
        method: if of_base.welch { ChangeMethod::Welch } else { ChangeMethod::Mover },
    })
}

/// `new / base`; `None` where one of them has no interval, or one that reaches zero.
pub fn ratio(base: &Estimate, new: &Estimate) -> Option<Change> {
    let [of_base, of_new] = arms(base, new)?;
    let low = |estimate: &Estimate, arm: &Arms| estimate.value - arm.reach.0;
    let value = new.value / base.value;
    if low(base, &of_base) <= 0.0 || !value.is_finite() {
        return None;
    }
    if of_base.welch {
        let ci95 = fieller(base.value, new.value, of_base.reach.0, of_new.reach.0);
        return Some(Change { value, ci95, freedom: of_base.freedom, method: ChangeMethod::Fieller });
    }
    if low(new, &of_new) <= 0.0 {
        return None;
    }
    let logarithmic = |estimate: &Estimate, arm: &Arms| {
        let ln = estimate.value.ln();
        (ln - (estimate.value - arm.reach.0).ln(), (estimate.value + arm.reach.1).ln() - ln)
    };
    let (low, high) = mover(value.ln(), logarithmic(new, &of_new), logarithmic(base, &of_base));
    Some(Change { value, ci95: (low.exp(), high.exp()), freedom: of_base.freedom, method: ChangeMethod::Mover })
}

/// The interval of `first − second`, whose value is given, out of how far down and up the interval of each reaches.
pub fn mover(value: f64, first: (f64, f64), second: (f64, f64)) -> (f64, f64) {
    (value - first.0.hypot(second.1), value + first.1.hypot(second.0))
}

impl Change {
    /// A figure by itself, against which a bound can be held; `None` where it has no interval.
    pub fn of(estimate: &Estimate, method: ChangeMethod) -> Option<Self> {
        let ci95 = estimate.ci95.filter(|_| estimate.n > 1)?;
        Some(Self { value: estimate.value, ci95, freedom: (estimate.n - 1) as f64, method })
    }

    /// Two-sided p-value of the hypothesis that the true change is `bound`.
    pub fn p_at(&self, bound: f64) -> f64 {
        (2.0 * self.tail(bound)).min(1.0)
    }

    /// One-sided p-value of the hypothesis that the true change is `bound` or less: small where it is surely more.
    pub fn p_not_above(&self, bound: f64) -> f64 {
        if self.value > bound { self.tail(bound) } else { 1.0 - self.tail(bound) }
    }

    /// One-sided p-value of the hypothesis that the true change is `bound` or more: small where it is surely less.
    pub fn p_not_below(&self, bound: f64) -> f64 {
        if self.value < bound { self.tail(bound) } else { 1.0 - self.tail(bound) }
    }

    /// The share of Student's t beyond the distance from the value to `bound`, in units of the interval's arm on that side.
    fn tail(&self, bound: f64) -> f64 {
        let (low, high) = self.ci95;
        let (distance, arm) =
            if bound <= self.value { (self.value - bound, self.value - low) } else { (bound - self.value, high - self.value) };
        if distance == 0.0 {
            return 0.5;
        }
        if arm <= 0.0 {
            return 0.0;
        }
        upper_tail(distance / arm * t_quantile((self.freedom.floor() as usize).max(1)), self.freedom)
    }
}

/// How far an interval reaches down and up, at the degrees of freedom of the comparison.
struct Arms {
    reach: (f64, f64),
    freedom: f64,
    welch: bool,
}

/// The arms of both. Two t intervals are taken apart into standard errors and put together with Welch's degrees of freedom, rounded down as
/// everywhere; others stay as they are, and p-values take the freedom of the smaller sample, which is too few rather than too many.
fn arms(base: &Estimate, new: &Estimate) -> Option<[Arms; 2]> {
    let both = [base, new];
    if both.iter().any(|estimate| estimate.n < 2 || estimate.ci95.is_none()) {
        return None;
    }
    if both.iter().all(|estimate| estimate.method == Method::T) {
        let [a, b] = both.map(|estimate| estimate.half_width().map_or(0.0, |half| half / t_quantile(estimate.n - 1)).powi(2));
        let weight = a * a / (base.n - 1) as f64 + b * b / (new.n - 1) as f64;
        let freedom = if weight > 0.0 { ((a + b).powi(2) / weight + 1e-9).floor().max(1.0) } else { (base.n.min(new.n) - 1) as f64 };
        let t = t_quantile(freedom as usize);
        return Some([a, b].map(|variance| Arms { reach: (t * variance.sqrt(), t * variance.sqrt()), freedom, welch: true }));
    }
    let freedom = (base.n.min(new.n) - 1) as f64;
    let of = |estimate: &Estimate| {
        let (low, high) = estimate.ci95?;
        Some(Arms { reach: ((estimate.value - low).max(0.0), (high - estimate.value).max(0.0)), freedom, welch: false })
    };
    Some([of(base)?, of(new)?])
}

/// Fieller's interval of `new / base`, independent, out of their half-widths; that of `base` does not reach zero.
fn fieller(base: f64, new: f64, half_base: f64, half_new: f64) -> (f64, f64) {
    let denominator = base * base - half_base * half_base;
    let centre = base * new / denominator;
    let within = (base * new).powi(2) - denominator * (new * new - half_new * half_new);
    let half = within.max(0.0).sqrt() / denominator;
    (centre - half, centre + half)
}

/// The share of Student's t above `t`, which is positive; of the normal law where the two agree to the fourth digit.
fn upper_tail(t: f64, freedom: f64) -> f64 {
    if freedom < 10_000.0 {
        StudentsT::new(0.0, 1.0, freedom).expect("scale 1 and at least one degree of freedom").sf(t)
    } else {
        Normal::standard().sf(t)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Sample, mean_interval, wilson};

    fn runs(values: &[f64]) -> Estimate {
        mean_interval(&Sample::new(values).unwrap())
    }

    fn close(got: f64, want: f64, room: f64) {
        assert!((got - want).abs() < room, "{got} is not {want}");
    }

    #[test]
    fn welch_by_hand() {
        // Means 2 and 5, variances 1 and 4, three runs each: SE = √(1/3 + 4/3) = 1.290994, t = 2.323790.
        // df = (5/3)² / ((1/9)/2 + (16/9)/2) = 2.941176, rounded down to 2: half = 4.302653 · 1.290994, p = 2 P(t₂ > 2.323790) = 0.145711.
        let change = difference(&runs(&[1.0, 2.0, 3.0]), &runs(&[3.0, 5.0, 7.0])).unwrap();
        assert_eq!((change.value, change.freedom, change.method), (3.0, 2.0, ChangeMethod::Welch));
        close(change.ci95.0, 3.0 - 5.554_700, 1e-4);
        close(change.ci95.1, 3.0 + 5.554_700, 1e-4);
        // P(t₂ > t) = 1/2 − t / (2 √(2 + t²)).
        let t: f64 = 3.0 / (5.0_f64 / 3.0).sqrt();
        close(change.p_at(0.0), 1.0 - t / (2.0 + t * t).sqrt(), 1e-9);
        close(change.p_not_above(0.0), change.p_at(0.0) / 2.0, 1e-12);
        close(change.p_not_below(0.0), 1.0 - change.p_at(0.0) / 2.0, 1e-12);
    }

    #[test]
    fn fieller_by_hand() {
        // Base 10 ± 1 and new 11 ± 2 at the common t: (110 ± √(110² − 99 · 117)) / 99.
        let (low, high) = fieller(10.0, 11.0, 1.0, 2.0);
        close(low, (110.0 - 517.0_f64.sqrt()) / 99.0, 1e-12);
        close(high, (110.0 + 517.0_f64.sqrt()) / 99.0, 1e-12);
        // With a base that is known it is the new one's interval over it.
        let (low, high) = fieller(10.0, 11.0, 0.0, 2.0);
        close(low, 0.9, 1e-12);
        close(high, 1.3, 1e-12);
    }

    #[test]
    fn newcombe_by_hand() {
        // Newcombe (1998), table II, comparison (a): 56/70 − 48/80, method 10: 0.0524 to 0.3339.
        let change = difference(&wilson(48, 80).unwrap(), &wilson(56, 70).unwrap()).unwrap();
        close(change.ci95.0, 0.0524, 5e-5);
        close(change.ci95.1, 0.3339, 5e-5);
        assert!(change.p_at(0.0) < 0.05);
    }

    #[test]
    fn ratios_of_other_figures_stand_on_the_logarithm() {
        let figure = |value: f64, low, high| Estimate { value, ci95: Some((low, high)), n: 20, method: Method::BootstrapBca };
        // Reaches ln 2 down and up of both: ln 4 ± √2 ln 2.
        let change = ratio(&figure(1.0, 0.5, 2.0), &figure(4.0, 2.0, 8.0)).unwrap();
        let half = 2.0_f64.sqrt() * 2.0_f64.ln();
        close(change.ci95.0.ln(), 4.0_f64.ln() - half, 1e-12);
        close(change.ci95.1.ln(), 4.0_f64.ln() + half, 1e-12);
        assert!(ratio(&figure(1.0, 0.0, 2.0), &figure(4.0, 2.0, 8.0)).is_none(), "the base may be zero");
        assert!(ratio(&figure(1.0, 0.5, 2.0), &figure(4.0, 0.0, 8.0)).is_none());
    }

    #[test]
    fn what_was_seen_once_has_no_change_to_be_sure_of() {
        assert!(difference(&Estimate::single(1.0), &runs(&[1.0, 2.0])).is_none());
        assert!(ratio(&runs(&[1.0, 2.0]), &Estimate::single(1.0)).is_none());
        let exact = Estimate { value: 3.0, ci95: None, n: 3, method: Method::None };
        assert!(difference(&exact, &exact).is_none());
    }

    #[test]
    fn p_is_five_percent_at_the_ends() {
        let change = difference(&runs(&[1.0, 2.0, 3.0, 5.0]), &runs(&[3.0, 5.0, 7.0])).unwrap();
        close(change.p_at(change.ci95.0), 0.05, 1e-9);
        close(change.p_at(change.ci95.1), 0.05, 1e-9);
        close(change.p_not_above(change.ci95.0), 0.025, 1e-9);
        close(change.p_not_below(change.ci95.1), 0.025, 1e-9);
        assert_eq!(change.p_at(change.value), 1.0);
        let certain = Change { ci95: (1.0, 1.0), value: 1.0, ..change };
        assert_eq!((certain.p_at(0.0), certain.p_at(1.0), certain.p_not_above(0.5)), (0.0, 1.0, 0.0));
    }

    #[test]
    fn many_observations_follow_the_normal_law() {
        close(upper_tail(1.959_963_985, 1e6), 0.025, 1e-9);
        close(upper_tail(1.96, 9_999.0), Normal::standard().sf(1.96), 1e-4);
    }

    proptest! {
        #[test]
        fn turned_around_it_is_the_same(
            a in prop::collection::vec(1.0..100.0f64, 2..12),
            b in prop::collection::vec(1.0..100.0f64, 2..12),
            bound in -50.0..50.0f64,
        ) {
            let (a, b) = (runs(&a), runs(&b));
            let (there, back) = (difference(&a, &b).unwrap(), difference(&b, &a).unwrap());
            prop_assert!((there.value + back.value).abs() < 1e-9);
            prop_assert!((there.ci95.0 + back.ci95.1).abs() < 1e-9);
            prop_assert!((there.p_at(bound) - back.p_at(-bound)).abs() < 1e-9);
            prop_assert!((there.p_not_above(bound) - back.p_not_below(-bound)).abs() < 1e-9);
            prop_assert!((0.0..=1.0).contains(&there.p_at(bound)));
        }

        #[test]
        fn a_ratio_does_not_depend_on_the_unit(
            a in prop::collection::vec(50.0..60.0f64, 3..9),
            b in prop::collection::vec(50.0..60.0f64, 3..9),
            unit in 0.01..100.0f64,
        ) {
            let scaled = |values: &[f64]| runs(&values.iter().map(|x| x * unit).collect::<Vec<_>>());
            if let (Some(plain), Some(other)) = (ratio(&runs(&a), &runs(&b)), ratio(&scaled(&a), &scaled(&b))) {
                prop_assert!((plain.ci95.0 - other.ci95.0).abs() < 1e-9 && (plain.ci95.1 - other.ci95.1).abs() < 1e-9);
                prop_assert!(plain.ci95.0 <= plain.value && plain.value <= plain.ci95.1);
            }
        }
    }
}
