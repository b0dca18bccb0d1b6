//! Gates of a comparison: what breaks a build, such as `energy_per_request_j > +5%`. A bound with a sign or a percent sign is on the change
//! from the baseline, one without is on the figure itself.
//!
//! A gate is *broken* by a cell where the figure lies surely beyond the bound: the one-sided p-value of the opposite, corrected by Holm over
//! all cells of all gates, is below 2.5%, which for a single test is that the whole 95% interval lies beyond. It is *kept* where the whole
//! 95% interval lies within. Otherwise it is *inconclusive*, which is neither. A figure without an interval is judged by its value alone, and
//! this is said. One that the baseline has and the run lacks breaks the gate.

use std::str::FromStr;

use metric::{Compared, METRICS};
use serde::Serialize;
use stats::{Change, ChangeMethod, holm};

use super::{Pair, ShownChange, percent};

/// A one-sided claim is made below this.
const LEVEL: f64 = 0.025;

/// A condition that breaks a build.
#[derive(Clone, Debug, PartialEq)]
pub struct Gate {
    /// The figure.
    pub metric: String,
    /// Whether it breaks above the bound, else below.
    pub above: bool,
    /// The bound.
    pub bound: Bound,
    /// As it was written.
    pub text: String,
}

/// What a gate's bound is held against.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bound {
    /// The figure itself.
    Figure(f64),
    /// Run less baseline.
    Change(f64),
    /// Run over baseline, less 1, in percent.
    Percent(f64),
}

/// Why a gate is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GateError {
    /// It has no comparison in it.
    #[error("a gate is METRIC > BOUND or METRIC < BOUND, such as 'energy_per_request_j > +5%', 'ttft_ms > 300' or 'score < -0.01'")]
    Form,
    /// There is no such figure.
    #[error("unknown metric '{word}'{}", .near.as_ref().map_or_else(|| "; `edge-eval list metrics` tells them all".to_owned(), |near| format!("; did you mean '{near}'?")))]
    Metric {
        /// What was written.
        word: String,
        /// What was probably meant.
        near: Option<String>,
    },
    /// The bound is no number.
    #[error("'{word}' is not a number, or a percentage such as +5%")]
    Number {
        /// What was written.
        word: String,
    },
}

impl FromStr for Gate {
    type Err = GateError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let at = text.find(['>', '<']).ok_or(GateError::Form)?;
        let (name, rest) = text.split_at(at);
        let name = name.trim();
        let above = rest.starts_with('>');
        // On a scale without steps a bound is never met exactly: >= is >.
        let word = rest[1..].trim_start_matches('=').trim();
        if metric::find(name).is_none() {
            return Err(GateError::Metric { word: name.to_owned(), near: nearest_metric(name) });
        }
        Ok(Self { metric: name.to_owned(), above, bound: bound(word)?, text: text.trim().to_owned() })
    }
}

/// The name of a figure that was probably meant.
pub fn nearest_metric(word: &str) -> Option<String> {
    let names: Vec<String> = METRICS.iter().map(|metric| metric.name.to_owned()).collect();
    let begins = || names.iter().filter(|name| name.starts_with(word) && !word.is_empty()).min_by_key(|name| name.len()).cloned();
    plan::nearest(word, &names).map(str::to_owned).or_else(begins)
}

fn bound(word: &str) -> Result<Bound, GateError> {
    let wrong = || GateError::Number { word: word.to_owned() };
    let number = |word: &str| word.trim().parse().ok().filter(|value: &f64| value.is_finite()).ok_or_else(wrong);
    if let Some(share) = word.strip_suffix('%') {
        return number(share).map(Bound::Percent);
    }
    let value = number(word)?;
    Ok(if word.starts_with(['+', '-']) { Bound::Change(value) } else { Bound::Figure(value) })
}

/// What became of a gate.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GateResult {
    /// As it was written.
    pub gate: String,
    /// The worst of the checks.
    pub outcome: Outcome,
    /// Why there is no check at all.
    pub missing: Option<String>,
    /// Cell by cell.
    pub checks: Vec<Check>,
}

/// One cell's figure at a gate.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Check {
    /// Which run.
    pub run: char,
    /// Which cell.
    pub cell: String,
    /// What became of it.
    pub outcome: Outcome,
    /// What was held against the bound: the figure, its change, or its change in percent.
    pub held: Option<ShownChange>,
    /// One-sided p-value of the gate not being broken, by itself.
    pub p: Option<f64>,
    /// The same after Holm's correction over all checks.
    pub p_holm: Option<f64>,
    /// What must be said of it.
    pub note: Option<String>,
}

/// What becomes of a gate; the worst is last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Surely within the bound.
    Kept,
    /// The interval crosses the bound.
    Inconclusive,
    /// Surely beyond the bound, or the figure is gone.
    Broken,
}

impl Outcome {
    /// For people.
    pub fn word(self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::Inconclusive => "inconclusive",
            Self::Broken => "broken",
        }
    }
}

/// Holds every gate against every cell that has the figure in one of the runs.
pub(super) fn results(gates: &[Gate], pairs: &[Pair]) -> Vec<GateResult> {
    let mut all: Vec<Vec<Check>> = gates.iter().map(|gate| pairs.iter().filter_map(|pair| check(gate, pair)).collect()).collect();
    let tested: Vec<f64> = all.iter().flatten().filter_map(|check| check.p).collect();
    let mut adjusted = holm(&tested).expect("p-values lie between 0 and 1").into_iter();
    for check in all.iter_mut().flatten().filter(|check| check.p.is_some()) {
        check.p_holm = adjusted.next();
        if check.p_holm.is_some_and(|p| p < LEVEL) {
            check.outcome = Outcome::Broken;
        }
    }
    gates.iter().zip(all).map(|(gate, checks)| result(gate, checks)).collect()
}

fn result(gate: &Gate, checks: Vec<Check>) -> GateResult {
    let missing = checks.is_empty().then(|| format!("no cell has `{}`", gate.metric));
    // A gate that nothing is held against has not been kept.
    let outcome = checks.iter().map(|check| check.outcome).max().unwrap_or(Outcome::Broken);
    GateResult { gate: gate.text.clone(), outcome, missing, checks }
}

/// One cell at a gate; `None` where neither run has the figure, or it is none of this level's.
fn check(gate: &Gate, pair: &Pair) -> Option<Check> {
    let (_, compared) = pair.figures.iter().find(|(metric, _)| metric.name == gate.metric)?;
    let of = |outcome, held, p, note| Some(Check { run: pair.cell.run, cell: pair.cell.label(), outcome, held, p, p_holm: None, note });
    match (&compared.base.estimate, &compared.new.estimate) {
        (Err(_), Err(_)) => None,
        (Ok(_), Err(why)) => of(Outcome::Broken, None, None, Some(format!("the baseline has the figure and this run does not: {why}"))),
        (Err(why), Ok(_)) if !matches!(gate.bound, Bound::Figure(_)) => {
            of(Outcome::Inconclusive, None, None, Some(format!("there is no baseline: {why}")))
        }
        _ => {
            let (bound, seen) = gate.held(compared);
            match seen {
                Ok(change) => {
                    let kept = if gate.above { change.ci95.1 <= bound } else { change.ci95.0 >= bound };
                    let p = if gate.above { change.p_not_above(bound) } else { change.p_not_below(bound) };
                    let outcome = if kept { Outcome::Kept } else { Outcome::Inconclusive };
                    let held = ShownChange { value: change.value, ci95: Some(change.ci95), method: Some(change.method) };
                    of(outcome, Some(held), Some(p), None)
                }
                Err((value, why)) => {
                    let outcome = match if gate.above { value.partial_cmp(&bound) } else { bound.partial_cmp(&value) } {
                        None => Outcome::Inconclusive,
                        Some(std::cmp::Ordering::Greater) => Outcome::Broken,
                        Some(_) => Outcome::Kept,
                    };
                    let held = Some(ShownChange { value, ci95: None, method: None }).filter(|_| value.is_finite());
                    of(outcome, held, None, Some(format!("judged by the value alone: {why}")))
                }
            }
        }
    }
}

impl Gate {
    /// The bound and what is held against it; where that has no interval, its value and why. The run has the figure, and so has the baseline
    /// unless the bound is on the figure itself.
    fn held(&self, compared: &Compared) -> (f64, Result<Change, (f64, String)>) {
        let value = |figure: &metric::Figure| figure.estimate.as_ref().map_or(f64::NAN, |estimate| estimate.value);
        let (base, new) = (value(&compared.base), value(&compared.new));
        match self.bound {
            Bound::Figure(bound) => {
                let own = compared.new.estimate.as_ref().ok().and_then(|estimate| Change::of(estimate, ChangeMethod::Mover));
                (bound, own.ok_or_else(|| (new, "it has no interval".to_owned())))
            }
            Bound::Change(bound) => (bound, compared.difference.clone().map_err(|why| (new - base, why.0))),
            Bound::Percent(bound) => {
                let change =
                    |ratio: Change| Change { value: percent(ratio.value), ci95: (percent(ratio.ci95.0), percent(ratio.ci95.1)), ..ratio };
                (bound, compared.ratio.clone().map(change).map_err(|why| (percent(new / base), why.0)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (String, bool, Bound) {
        let gate: Gate = text.parse().unwrap();
        (gate.metric, gate.above, gate.bound)
    }

    #[test]
    fn bounds_are_on_the_figure_or_on_its_change() {
        assert_eq!(read("energy_per_request_j > +5%"), ("energy_per_request_j".into(), true, Bound::Percent(5.0)));
        assert_eq!(read("throughput_tok_s<-10 %"), ("throughput_tok_s".into(), false, Bound::Percent(-10.0)));
        assert_eq!(read("ttft_ms > 300"), ("ttft_ms".into(), true, Bound::Figure(300.0)));
        assert_eq!(read("score < -0.01"), ("score".into(), false, Bound::Change(-0.01)));
        assert_eq!(read("itl_ms >= +2"), ("itl_ms".into(), true, Bound::Change(2.0)));
    }

    #[test]
    fn what_is_no_gate_says_how_to_write_one() {
        assert_eq!("score".parse::<Gate>(), Err(GateError::Form));
        assert_eq!("ttft > 3".parse::<Gate>().unwrap_err().to_string(), "unknown metric 'ttft'; did you mean 'ttft_ms'?");
        assert_eq!(
            "energy_per_reqest_j > 3".parse::<Gate>().unwrap_err().to_string(),
            "unknown metric 'energy_per_reqest_j'; did you mean 'energy_per_request_j'?"
        );
        assert!("zzz > 3".parse::<Gate>().unwrap_err().to_string().contains("edge-eval list metrics"));
        for wrong in ["score > much", "score >", "score > nan", "score > inf%"] {
            assert!(matches!(wrong.parse::<Gate>(), Err(GateError::Number { .. })), "{wrong}");
        }
    }
}
