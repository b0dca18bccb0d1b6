//! By how much a figure of one cell differs between two runs. Marks and likelihoods of the same items are paired; everything else was
//! observed apart, and the two figures' own intervals are put together (`stats`). What makes the two runs unlike each other, and how many
//! such comparisons there are, is for the caller.

use std::collections::BTreeMap;

use record::{Detail, Likelihood};
use stats::{Bootstrap, Change, ChangeMethod, Estimate, Sample, jackknife_interval, mcnemar, mean_of_clusters};
use units::{Missing, Reading};

use crate::{
    CellView, Figure, Metric,
    interval::may_change,
    quality::{Marks, all_or_nothing},
    runs::Runs,
};

/// A figure of a cell in two runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Compared {
    /// In the baseline.
    pub base: Figure,
    /// In the other run.
    pub new: Figure,
    /// The other less the baseline, or why its interval cannot be told.
    pub difference: Result<Change, Missing>,
    /// The other over the baseline, likewise.
    pub ratio: Result<Change, Missing>,
    /// Two-sided p-value of no difference; `None` where there is nothing to test.
    pub p_value: Option<f64>,
    /// What must be said with it, each lower case without a final stop.
    pub notes: Vec<String>,
}

/// Figures whose intervals are over items and not over serving runs.
const OF_ITEMS: &[&str] = &["kl_divergence", "perplexity", "q_ret", "rms_delta_p", "score", "score_base", "top1_agreement"];
/// From this many pairs on the bootstrap is used.
const ENOUGH: usize = 10;

/// Compares a figure of a cell with that of a cell of another run.
pub fn compare(metric: &Metric, base: &CellView, new: &CellView) -> Compared {
    let (of_base, of_new) = (metric.of(base), metric.of(new));
    let paired = match metric.name {
        "score" => Some(score(base, new)),
        "perplexity" => Some(perplexity(base, new)),
        _ => None,
    };
    let mut notes = sources(&of_base, &of_new);
    let (difference, ratio, p_value) = match paired {
        Some(Ok(Paired { difference, ratio, p_value })) => (Ok(difference), ratio, Some(p_value)),
        other => {
            notes.extend(other.and_then(Result::err).filter(|_| of_base.estimate.is_ok() && of_new.estimate.is_ok()).map(|why| why.0));
            apart(metric, (base, &of_base), (new, &of_new))
        }
    };
    Compared { base: of_base, new: of_new, difference, ratio, p_value, notes }
}

/// The number of serving runs whose figures can be used.
pub fn serving_runs(view: &CellView) -> usize {
    Runs::of(view).map_or(0, |runs| runs.iter().count())
}

/// Difference, ratio and p-value of two figures.
type Apart = (Result<Change, Missing>, Result<Change, Missing>, Option<f64>);

/// Two figures that were observed apart from each other.
fn apart(metric: &Metric, (base_view, base): (&CellView, &Figure), (new_view, new): (&CellView, &Figure)) -> Apart {
    let none = |why: Missing| (Err(why.clone()), Err(why), None);
    let (base, new) = match (&base.estimate, &new.estimate) {
        (Ok(base), Ok(new)) => (base, new),
        (Err(why), _) => return none(Missing::because(format!("the baseline has none: {why}"))),
        (_, Err(why)) => return none(Missing::because(format!("it has none: {why}"))),
    };
    let once = |view: &CellView| !OF_ITEMS.contains(&metric.name) && serving_runs(view) == 1;
    let seen_once = if once(base_view) || once(new_view) { Some("a single run tells nothing of how much runs differ") } else { None };
    if let Some(why) = seen_once.or_else(|| unsaid(base, new)) {
        return none(Missing::because(why));
    }
    let difference = stats::difference(base, new).ok_or_else(|| Missing::because("one of the two has no interval"));
    let ratio = stats::ratio(base, new).ok_or_else(|| Missing::because("the interval of one of them reaches zero"));
    let p_value = difference.as_ref().ok().map(|change| change.p_at(0.0));
    (difference, ratio, p_value)
}

/// Why two figures cannot be held against each other.
fn unsaid(base: &Estimate, new: &Estimate) -> Option<&'static str> {
    match (base.ci95, new.ci95) {
        (Some(_), Some(_)) => None,
        (None, None) if base.n > 1 && new.n > 1 => Some("neither varies over its runs, so there is nothing to test"),
        (None, None) => Some("both were observed once"),
        (None, _) => Some("the baseline has no interval"),
        (_, None) => Some("it has no interval"),
    }
}

/// What was observed on the same items.
struct Paired {
    difference: Change,
    ratio: Result<Change, Missing>,
    p_value: f64,
}

/// Mean marks of the same items.
///
/// # Errors
/// One of them has none, or the items or the marks are not the same.
fn score(base: &CellView, new: &CellView) -> Result<Paired, Missing> {
    let (before, after) = (Marks::of(base)?, Marks::of(new)?);
    if before.name != after.name {
        return Err(Missing::because(format!("marked by `{}`, but in the baseline by `{}`", after.name, before.name)));
    }
    if !before.by_id.keys().eq(after.by_id.keys()) {
        let common = after.by_id.keys().filter(|id| before.by_id.contains_key(*id)).count();
        let (a, b) = (before.by_id.len(), after.by_id.len());
        return Err(Missing::because(format!("not paired: the items are not the same ({a} and {b}, {common} in common)")));
    }
    paired_marks(&before.values(), &after.values(), base.plan().seed)
}

fn paired_marks(before: &[f64], after: &[f64], seed: u64) -> Result<Paired, Missing> {
    let n = before.len();
    let (mean_before, mean_after) = (mean(before), mean(after));
    if before == after {
        return Ok(unchanged(n, mean_before));
    }
    let told = |error: stats::Error| Missing::because(error.to_string());
    let (estimate, method) = if n < ENOUGH {
        let of = |picks: &[Vec<usize>]| picks[0].iter().map(|&i| after[i] - before[i]).sum::<f64>() / picks[0].len() as f64;
        (jackknife_interval(&[n], of).map_err(told)?, ChangeMethod::PairedT)
    } else {
        let (x, y) = (Sample::new(after).map_err(told)?, Sample::new(before).map_err(told)?);
        (Bootstrap::bca(seed).difference_of_means_paired(&x, &y).map_err(told)?, ChangeMethod::PairedBootstrap)
    };
    let difference = Change::of(&estimate, method).ok_or_else(|| Missing::because("a single item was marked"))?;
    let outcomes = all_or_nothing(before).zip(all_or_nothing(after));
    let exact = outcomes.and_then(|(before, after)| mcnemar(&before.into_iter().zip(after).collect::<Vec<_>>()).ok());
    let p_value = exact.map_or_else(|| difference.p_at(0.0), |test| test.p_value);
    Ok(Paired { difference, ratio: paired_ratio(before, after, mean_after / mean_before, seed), p_value })
}

fn paired_ratio(before: &[f64], after: &[f64], value: f64, seed: u64) -> Result<Change, Missing> {
    let told = |error: stats::Error| Missing::because(error.to_string());
    if !value.is_finite() {
        return Err(Missing::because("the baseline scores 0"));
    }
    if before.len() < ENOUGH {
        return Err(Missing::because("too few items for the interval of a ratio"));
    }
    let (x, y) = (Sample::new(after).map_err(told)?, Sample::new(before).map_err(told)?);
    let estimate = Bootstrap::bca(seed).ratio_of_means_paired(&x, &y).map_err(told)?;
    Change::of(&estimate, ChangeMethod::PairedBootstrap).ok_or_else(|| Missing::because("the ratio has no interval"))
}

/// Not one mark changed. A bootstrap would claim certainty; Wilson's upper limit of the share of items that change, 0 of n, is what may
/// still be lost or won: that share of marks between 0 and 1.
fn unchanged(n: usize, score: f64) -> Paired {
    let most = may_change(n);
    let change = |value: f64, reach: f64| Change {
        value,
        ci95: (value - reach, value + reach),
        freedom: n.saturating_sub(1).max(1) as f64,
        method: ChangeMethod::PairedUnchanged,
    };
    let ratio = if score > 0.0 { Ok(change(1.0, most / score)) } else { Err(Missing::because("the baseline scores 0")) };
    Paired { difference: change(0.0, most), ratio, p_value: 1.0 }
}

/// Perplexities of the same answers: the mean over tokens of the difference of −ln p, whose exponential is their ratio.
///
/// # Errors
/// One of them has none, or the answers or their tokens are not the same.
fn perplexity(base: &CellView, new: &CellView) -> Result<Paired, Missing> {
    let (before, after) = (answers(base)?, answers(new)?);
    let same = before.len() == after.len() && before.iter().zip(&after).all(|(b, a)| b.0 == a.0 && b.1.tokens == a.1.tokens);
    if !same {
        return Err(Missing::because("not paired: the answers or their tokens are not the same"));
    }
    let sums = before.values().zip(after.values()).map(|(b, a)| (a.nll - b.nll, f64::from(a.tokens)));
    let told = |error: stats::Error| Missing::because(error.to_string());
    let estimate = mean_of_clusters(sums).map_err(told)?;
    let whole = mean_of_clusters(before.values().map(|b| (b.nll, f64::from(b.tokens)))).map_err(told)?.value.exp();
    let nats = Change::of(&estimate, ChangeMethod::PairedClusters).ok_or_else(|| Missing::because("a single answer was read"))?;
    let through = |f: &dyn Fn(f64) -> f64| Change { value: f(nats.value), ci95: (f(nats.ci95.0), f(nats.ci95.1)), ..nats };
    Ok(Paired { difference: through(&|x| whole * x.exp_m1()), ratio: Ok(through(&f64::exp)), p_value: nats.p_at(0.0) })
}

/// The likelihoods of a cell's reference answers, by item.
fn answers<'a>(view: &CellView<'a>) -> Result<BTreeMap<&'a str, &'a Likelihood>, Missing> {
    let Detail::Perplexity(facts) = &view.records.perplexity.done("evaluation of the reference answers")?.detail else {
        return Err(Missing::because("the record of the evaluation has no likelihoods"));
    };
    match &facts.items {
        Reading::Known(items) => Ok(items.iter().filter_map(|item| Some((item.id.as_str(), item.seen.known().ok()?))).collect()),
        Reading::Missing(why) => Err(why.clone()),
    }
}

/// That the energy in the two does not come from the same kind of meter.
fn sources(base: &Figure, new: &Figure) -> Vec<String> {
    match (base.source, new.source) {
        (Some(a), Some(b)) if a != b => vec![format!("energy is {} in the baseline and {} here", a.label(), b.label())],
        _ => Vec::new(),
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(got: f64, want: f64) {
        assert!((got - want).abs() < 1e-9, "{got} is not {want}");
    }

    #[test]
    fn few_items_take_the_paired_t() {
        // Differences 0.1, 0.3, 0.2: mean 0.2, sd 0.1; half = 4.302653 · 0.1 / √3.
        let paired = paired_marks(&[0.1, 0.2, 0.3], &[0.2, 0.5, 0.5], 1).unwrap();
        close(paired.difference.value, 0.2);
        assert!((paired.difference.ci95.1 - 0.2 - 4.302_653 * 0.1 / 3.0_f64.sqrt()).abs() < 1e-6);
        assert_eq!(paired.difference.method, ChangeMethod::PairedT);
        assert!(paired.ratio.is_err());
        // t = 0.2 / (0.1 / √3) = 2 √3 on 2 degrees of freedom: p = 1 − t / √(2 + t²).
        let t = 2.0 * 3.0_f64.sqrt();
        close(paired.p_value, 1.0 - t / (2.0 + t * t).sqrt());
    }

    #[test]
    fn marks_of_0_and_1_get_mcnemars_test() {
        // 3 lost, 1 gained of 20: p = 2 (1 + 4) / 2⁴ = 0.625.
        let before: Vec<f64> = [vec![1.0; 13], vec![0.0; 7]].concat();
        let after: Vec<f64> = [vec![1.0; 10], vec![0.0; 3], vec![1.0], vec![0.0; 6]].concat();
        let paired = paired_marks(&before, &after, 1).unwrap();
        close(paired.p_value, 0.625);
        close(paired.difference.value, -0.1);
        close(paired.ratio.unwrap().value, 11.0 / 13.0);
    }

    #[test]
    fn no_change_in_few_items_is_no_proof_of_sameness() {
        // Wilson's limit of 0 in 20: 3.841459 / 23.841459 = 0.161125.
        let paired = paired_marks(&[0.5; 20], &[0.5; 20], 1).unwrap();
        assert!((paired.difference.ci95.1 - 0.161_125).abs() < 1e-5);
        assert!((paired.ratio.unwrap().ci95.0 - (1.0 - 0.322_25)).abs() < 1e-4);
        close(paired.p_value, 1.0);
    }
}
