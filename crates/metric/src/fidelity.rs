//! What quantisation kept of the score: the same items, paired, before and after.
//!
//! `Q_ret = S_quantised / S_FP16 · 100` (Mohammad et al., ACL 2026 Industry, section 4.2). The baseline of `lora-int8` and `lora-int4`
//! is `lora-fp16` of the same model, task and engine, which is the same adapter at another precision; `qlora-int4` has the same
//! baseline and is cross-method: another adaptation as well. The gates are those of `MLPerf` Inference (99% and 99.9% of the reference).

use plan::{Method, Strategy};
use stats::{Bootstrap, Estimate, McNemar, Sample, mcnemar};
use units::Missing;

use crate::{
    CellView, Figure,
    figure::Known,
    interval::may_change,
    quality::{Marks, all_or_nothing},
};

/// Whether a gate is met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GateVerdict {
    /// The whole interval is at or above it.
    Pass,
    /// The whole interval is below it.
    Fail,
    /// The interval crosses it.
    Inconclusive {
        /// About how many items would settle it; `None` where the ratio stands on the gate itself.
        n_needed: Option<usize>,
    },
}

/// A gate and its verdict.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gate {
    /// Share of the baseline's score that must be kept: 0.99 or 0.999.
    pub threshold: f64,
    /// Whether it is.
    pub verdict: GateVerdict,
}

/// Quantised against full precision on the same items.
#[derive(Clone, Debug, PartialEq)]
pub struct Fidelity {
    /// Ratio of mean marks, 1 is the baseline's; its n is the number of paired items.
    pub ratio: Estimate,
    /// The 99% and the 99.9% gate.
    pub gates: [Gate; 2],
    /// Share of the items whose mark is not the same.
    pub changed: f64,
    /// `McNemar`'s test, where all marks are 0 or 1.
    pub mcnemar: Option<McNemar>,
    /// Whether the adaptation differs as well as the precision.
    pub cross_method: bool,
    /// What must be said with it.
    pub notes: Vec<String>,
}

/// `MLPerf`'s gates.
const GATES: [f64; 2] = [0.99, 0.999];

/// Compares a quantised cell with its baseline.
///
/// # Errors
/// The cell is not quantised, it or its baseline has no marks, they share no item, or the baseline scores nothing.
pub fn fidelity(view: &CellView) -> Result<Fidelity, Missing> {
    if !view.is_quantised() {
        return Err(Missing::because("served in full precision: this is what quantised variants are compared with"));
    }
    let baseline = view.sibling(Strategy::LoraFp16)?;
    let (after, before) = (Marks::of(view)?, Marks::of(&baseline).map_err(|why| Missing::because(format!("baseline lora-fp16: {why}")))?);
    let pairs: Vec<(f64, f64)> = after.by_id.iter().filter_map(|(id, &mark)| Some((mark, *before.by_id.get(id)?))).collect();
    let mut notes = after.notes;
    notes.extend(before.notes.into_iter().map(|note| format!("baseline lora-fp16: {note}")));
    if pairs.len() < after.by_id.len().max(before.by_id.len()) {
        notes.push(format!("only the {} items that both have are compared", pairs.len()));
    }
    let cross_method = view.cell().strategy.method() != Method::Lora;
    if cross_method {
        notes.push("cross-method: another adaptation as well as another precision than its baseline lora-fp16".into());
    }
    compare(&pairs, view.plan().seed, cross_method, notes)
}

/// Compares two mean marks of which the items are not known: nothing is paired, so there is no interval and no gate.
pub fn fidelity_of_means(after: f64, before: f64) -> Figure {
    let note = "of two means: without the items' marks there is no interval and no gate".to_owned();
    let ratio = if before > 0.0 && after.is_finite() && before.is_finite() {
        Ok(Known::from(Estimate::single(after / before).scaled(100.0)).noting([note]))
    } else {
        Err(Missing::because(format!("the means are {after} and {before}")))
    };
    ratio.into()
}

/// Fewer changed items than this tell so little that the bootstrap's interval is too narrow: with five of 80 it held the truth in 91.5% to
/// 92.6% of 10,000 simulated comparisons, with nine of 150 in 95% ± 1.5% (`crates/stats/tests/it/coverage.rs`).
const FEW_CHANGES: usize = 8;

fn compare(pairs: &[(f64, f64)], seed: u64, cross_method: bool, mut notes: Vec<String>) -> Result<Fidelity, Missing> {
    let (after, before): (Vec<f64>, Vec<f64>) = pairs.iter().copied().unzip();
    if pairs.is_empty() {
        return Err(Missing::because("it shares no marked item with its baseline lora-fp16"));
    }
    if before.iter().sum::<f64>() <= 0.0 {
        return Err(Missing::because("its baseline lora-fp16 scores 0"));
    }
    let changed = pairs.iter().filter(|(a, b)| a.total_cmp(b).is_ne()).count();
    if (1..FEW_CHANGES).contains(&changed) {
        notes.push(format!("only {changed} items changed: the interval is somewhat too narrow"));
    }
    let score = before.iter().sum::<f64>() / before.len() as f64;
    let ratio = if changed == 0 { unchanged(pairs.len(), score) } else { ratio(after.clone(), before.clone(), seed)? };
    let outcomes = all_or_nothing(&before).zip(all_or_nothing(&after));
    let mcnemar = outcomes.and_then(|(before, after)| mcnemar(&before.into_iter().zip(after).collect::<Vec<_>>()).ok());
    let gates = GATES.map(|threshold| Gate { threshold, verdict: verdict(&ratio, threshold) });
    Ok(Fidelity { ratio, gates, changed: changed as f64 / pairs.len() as f64, mcnemar, cross_method, notes })
}

fn ratio(after: Vec<f64>, before: Vec<f64>, seed: u64) -> Result<Estimate, Missing> {
    let n = after.len();
    let paired = || {
        let (after, before) = (Sample::new(after)?, Sample::new(before)?);
        match Bootstrap::bca(seed).ratio_of_means_paired(&after, &before) {
            // So few marks above 0 that the interval has no end.
            Err(stats::Error::NoInterval) => {
                Ok(Estimate { value: after.mean() / before.mean(), ci95: None, n, method: stats::Method::None })
            }
            other => other,
        }
    };
    paired().map_err(|error: stats::Error| Missing::because(error.to_string()))
}

/// Not one item changed. A bootstrap would claim certainty; Wilson's upper limit of the share of items that change, 0 of n, is what
/// may still be lost or won: that share of marks between 0 and 1, of a score of so much.
fn unchanged(n: usize, score: f64) -> Estimate {
    let most = may_change(n) / score;
    Estimate { value: 1.0, ci95: Some(((1.0 - most).max(0.0), 1.0 + most)), n, method: stats::Method::Wilson }
}

/// The square of the 97.5th percentile of the normal distribution, as Wilson's limit of none in n, z² / (n + z²), has it.
const Z_SQUARED: f64 = 3.841_458_820_694_124;

/// The width of an interval falls with the square root of n, which gives the n at which its end would reach the gate; where nothing changed
/// it is Wilson's limit that must.
fn verdict(ratio: &Estimate, gate: f64) -> GateVerdict {
    let Some((low, high)) = ratio.ci95 else { return GateVerdict::Inconclusive { n_needed: None } };
    if low >= gate {
        return GateVerdict::Pass;
    }
    if high < gate {
        return GateVerdict::Fail;
    }
    let distance = (ratio.value - gate).abs();
    let reach = if ratio.value >= gate { ratio.value - low } else { high - ratio.value };
    let n = if ratio.method == stats::Method::Wilson {
        // The upper end is not cut off at 0 as the lower one may be: score · (high − 1) is Wilson's limit.
        let score = Z_SQUARED / (ratio.n as f64 + Z_SQUARED) / (high - 1.0);
        (Z_SQUARED / (distance * score) - Z_SQUARED).ceil()
    } else {
        (ratio.n as f64 * (reach / distance).powi(2)).ceil()
    };
    GateVerdict::Inconclusive { n_needed: (n.is_finite() && n < 1e12).then_some(n as usize) }
}

impl std::fmt::Display for Gate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let percent = self.threshold * 100.0;
        match self.verdict {
            GateVerdict::Pass => write!(f, "{percent}% gate: pass"),
            GateVerdict::Fail => write!(f, "{percent}% gate: fail"),
            GateVerdict::Inconclusive { n_needed: Some(n) } => write!(f, "{percent}% gate: inconclusive, about {n} items would settle it"),
            GateVerdict::Inconclusive { n_needed: None } => write!(f, "{percent}% gate: inconclusive"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn estimate(value: f64, low: f64, high: f64, n: usize) -> Estimate {
        Estimate { value, ci95: Some((low, high)), n, method: stats::Method::BootstrapBca }
    }

    #[test]
    fn verdicts() {
        assert_eq!(verdict(&estimate(1.0, 0.995, 1.01, 100), 0.99), GateVerdict::Pass);
        assert_eq!(verdict(&estimate(0.9, 0.85, 0.95, 100), 0.99), GateVerdict::Fail);
        // The lower end is 0.04 below the value, which is 0.01 above the gate: 16 times the items.
        let crossing = verdict(&estimate(1.0, 0.96, 1.02, 100), 0.99);
        let GateVerdict::Inconclusive { n_needed: Some(n) } = crossing else { panic!("{crossing:?}") };
        assert!(n.abs_diff(1600) <= 1);
        assert_eq!(verdict(&estimate(0.99, 0.96, 1.02, 100), 0.99), GateVerdict::Inconclusive { n_needed: None });
    }

    #[test]
    fn no_change_in_few_items_is_no_proof() {
        // Wilson's limit of 0 in 20 is 3.8415 / 23.8415 = 16%; the 99% gate needs 3.8415 · 99 = 381 items.
        let few = compare(&[(1.0, 1.0); 20], 0, false, Vec::new()).unwrap();
        assert!((few.ratio.ci95.unwrap().0 - (1.0 - 0.161_13)).abs() < 1e-4);
        assert_eq!(few.gates[0].verdict, GateVerdict::Inconclusive { n_needed: Some(381) });
        let many = compare(&[(1.0, 1.0); 381], 0, false, Vec::new()).unwrap();
        assert_eq!(many.gates.map(|gate| gate.verdict == GateVerdict::Pass), [true, false]);
        // Half the score: a mark that changes is twice as much of it, and 3.8415 · 199 = 765 items are needed.
        let half = compare(&[(0.5, 0.5); 381], 0, false, Vec::new()).unwrap();
        assert_eq!(half.gates[0].verdict, GateVerdict::Inconclusive { n_needed: Some(765) });
        let enough = compare(&[(0.5, 0.5); 765], 0, false, Vec::new()).unwrap();
        assert_eq!(enough.gates[0].verdict, GateVerdict::Pass);
        // One right answer in a hundred says nothing of 99%.
        let poor = compare(&[[(1.0, 1.0)].as_slice(), &[(0.0, 0.0); 99]].concat(), 0, false, Vec::new()).unwrap();
        assert!(poor.ratio.ci95.unwrap().0 <= 0.0 && matches!(poor.gates[0].verdict, GateVerdict::Inconclusive { .. }));
        assert_eq!((half.changed, half.mcnemar), (0.0, None));
    }

    #[test]
    fn marks_of_0_and_1_get_mcnemars_test() {
        // 10 kept, 3 lost, 1 gained of 20.
        let mut pairs = vec![(1.0, 1.0); 10];
        pairs.extend([(0.0, 1.0); 3]);
        pairs.push((1.0, 0.0));
        pairs.extend([(0.0, 0.0); 6]);
        let fidelity = compare(&pairs, 0, false, Vec::new()).unwrap();
        let test = fidelity.mcnemar.unwrap();
        assert_eq!((test.lost, test.gained, test.n), (3, 1, 20));
        assert!((fidelity.ratio.value - 11.0 / 13.0).abs() < 1e-12);
        assert!((fidelity.changed - 0.2).abs() < 1e-12);
        assert_eq!(fidelity.notes, ["only 4 items changed: the interval is somewhat too narrow"]);
    }

    #[test]
    fn two_means_have_a_ratio_and_nothing_more() {
        let figure = fidelity_of_means(0.45, 0.5);
        assert_eq!(figure.estimate.map(|ratio| (ratio.value, ratio.ci95, ratio.n)), Ok((90.0, None, 1)));
        assert!(fidelity_of_means(0.45, 0.0).estimate.is_err() && fidelity_of_means(f64::NAN, 0.5).estimate.is_err());
    }

    #[test]
    fn nothing_to_compare_with() {
        assert!(compare(&[], 0, false, Vec::new()).is_err());
        assert_eq!(compare(&[(1.0, 0.0)], 0, false, Vec::new()).unwrap_err().0, "its baseline lora-fp16 scores 0");
    }
}
