//! How likely the weights find the reference answers, and how far quantised ones are from full precision: means over the answers' tokens.
//!
//! Tokens of one answer depend on each other, so answers are what is independent: every mean over tokens is the ratio estimator over answers as
//! clusters, with Student's t ([`stats::mean_of_clusters`]); the perplexity is its exponential, the RMS its root, ends and all. (`llama.cpp`,
//! whose figures these are, counts every token as independent, which makes errors too small.)

use plan::{Method, ModelSource};
use record::{Detail, Divergence, ItemLikelihood, Likelihood};
use stats::Estimate;
use units::{Missing, Reading};

use crate::CellView;

/// What weights make of reference answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Likelihoods {
    /// exp of the mean −ln p of the right token.
    pub perplexity: Estimate,
    /// Beside full precision.
    pub beside: Option<Divergences>,
    /// Tokens that counted.
    pub tokens: u64,
    /// What must be said of answers without a likelihood.
    pub notes: Vec<String>,
}

/// How far quantised weights are from full precision on the same tokens.
#[derive(Clone, Debug, PartialEq)]
pub struct Divergences {
    /// Perplexity in full precision.
    pub full_perplexity: Estimate,
    /// Perplexity over that in full precision, paired token by token.
    pub ratio: Estimate,
    /// Mean Kullback-Leibler divergence from full precision, in nats.
    pub kl: Estimate,
    /// The largest of a token.
    pub kl_max: f64,
    /// Share of the tokens at which both have the same likeliest token.
    pub top1: Estimate,
    /// Root of the mean square of the right token's p less that in full precision.
    pub rms_delta_p: Estimate,
    /// Mean of that difference.
    pub mean_delta_p: Estimate,
}

/// Means over the tokens of these items' answers.
///
/// # Errors
/// No item has a likelihood.
pub fn likelihoods(items: &[ItemLikelihood]) -> Result<Likelihoods, Missing> {
    let seen: Vec<&Likelihood> = items.iter().filter_map(|item| item.seen.known().ok()).filter(|seen| seen.tokens > 0).collect();
    let first = items.iter().find_map(|item| item.seen.known().err());
    let lacking = first.map(|why| format!("{} of {} answers are left out, the first because {why}", items.len() - seen.len(), items.len()));
    if seen.is_empty() {
        return Err(Missing::because(lacking.unwrap_or_else(|| "there are no answers".to_owned())));
    }
    let beside: Option<Vec<&Divergence>> = seen.iter().map(|seen| seen.beside.as_ref()).collect();
    Ok(Likelihoods {
        perplexity: mean(&seen, |seen| seen.nll)?.through(f64::exp),
        beside: beside.map(|beside| divergences(&seen, &beside)).transpose()?,
        tokens: seen.iter().map(|seen| u64::from(seen.tokens)).sum(),
        notes: lacking.into_iter().collect(),
    })
}

fn divergences(seen: &[&Likelihood], beside: &[&Divergence]) -> Result<Divergences, Missing> {
    let pairs: Vec<(&Likelihood, &Divergence)> = seen.iter().copied().zip(beside.iter().copied()).collect();
    let over = |sum: &dyn Fn(&Likelihood, &Divergence) -> f64| {
        let sums = pairs.iter().map(|(seen, beside)| (sum(seen, beside), f64::from(seen.tokens)));
        stats::mean_of_clusters(sums).map_err(|error| Missing::because(error.to_string()))
    };
    let agree = pairs.iter().all(|(seen, beside)| beside.same_top == seen.tokens);
    Ok(Divergences {
        full_perplexity: over(&|_, beside| beside.full_nll)?.through(f64::exp),
        ratio: over(&|seen, beside| seen.nll - beside.full_nll)?.through(f64::exp),
        kl: over(&|_, beside| beside.kl)?.through(|x| x.max(0.0)),
        kl_max: beside.iter().map(|beside| beside.kl_max).fold(0.0, f64::max),
        top1: if agree { all_agree(seen.len()) } else { over(&|_, beside| f64::from(beside.same_top))?.through(|x| x.clamp(0.0, 1.0)) },
        rms_delta_p: over(&|_, beside| beside.delta_p_squared)?.through(|x| x.max(0.0).sqrt()),
        mean_delta_p: over(&|_, beside| beside.delta_p)?,
    })
}

fn mean(seen: &[&Likelihood], sum: impl Fn(&Likelihood) -> f64) -> Result<Estimate, Missing> {
    let sums = seen.iter().map(|seen| (sum(seen), f64::from(seen.tokens)));
    stats::mean_of_clusters(sums).map_err(|error| Missing::because(error.to_string()))
}

/// Not one token differs. Clusters that are all alike would claim certainty; Wilson's upper limit of the share of answers with a difference, 0
/// of n, is what may still be.
fn all_agree(answers: usize) -> Estimate {
    let most = stats::wilson(0, answers).ok().and_then(|share| share.ci95).map_or(1.0, |(_, high)| high);
    Estimate { value: 1.0, ci95: Some((1.0 - most, 1.0)), n: answers, method: stats::Method::Wilson }
}

/// The likelihoods of a cell's weights.
///
/// # Errors
/// The plan does not have them read; they were not read yet, or cannot be; no answer has a likelihood.
pub(crate) fn of(view: &CellView) -> Result<Likelihoods, Missing> {
    let (plan, cell) = (view.plan(), view.cell());
    let engine = plan.engines.iter().position(|engine| engine.label() == cell.engine);
    if let Some(why) = engine.and_then(|engine| plan.why_not_read(cell.strategy, engine)) {
        return Err(Missing::because(why));
    }
    let model = plan.models.iter().find(|model| model.family == cell.family && model.tier == cell.tier);
    if model.is_some_and(|model| matches!(model.source, ModelSource::Random(_))) {
        return Err(Missing::because("random weights: what they find likely has no meaning"));
    }
    match &view.records.perplexity.done("evaluation of the reference answers")?.detail {
        Detail::Perplexity(facts) => match &facts.items {
            Reading::Known(items) => likelihoods(items),
            Reading::Missing(why) => Err(why.clone()),
        },
        _ => Err(Missing::because("the record of the evaluation has no likelihoods")),
    }
}

/// How far a quantised cell's weights are from full precision, and what must be said with it.
///
/// # Errors
/// Those of [`of`]; the cell is not quantised; there is nothing in full precision to compare it with.
pub(crate) fn beside_full(view: &CellView) -> Result<(Divergences, Vec<String>), Missing> {
    if !view.is_quantised() {
        return Err(Missing::because("in full precision: this is what quantised variants are compared with"));
    }
    let Likelihoods { beside, mut notes, .. } = of(view)?;
    let beside = beside.ok_or_else(|| Missing::because("the plan makes no LoRA weights in full precision to compare with"))?;
    if view.cell().strategy.method() != Method::Lora {
        notes.push("cross-method: another adaptation as well as another precision than its baseline lora-fp16".to_owned());
    }
    Ok((beside, notes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(id: &str, tokens: u32, nll: f64, beside: Option<Divergence>) -> ItemLikelihood {
        ItemLikelihood { id: id.to_owned(), seen: Reading::Known(Likelihood { tokens, nll, beside }) }
    }

    fn beside(full_nll: f64, kl: f64, same_top: u32, delta_p_squared: f64) -> Divergence {
        Divergence { full_nll, kl, kl_max: kl, same_top, delta_p: -0.5, delta_p_squared }
    }

    fn close(got: f64, want: f64) {
        assert!((got - want).abs() < 1e-12, "{got} is not {want}");
    }

    #[test]
    fn longer_answers_weigh_more() {
        // 4 nats over 4 tokens.
        let likelihoods = likelihoods(&[item("a", 1, 2.5, None), item("b", 3, 1.5, None)]).unwrap();
        close(likelihoods.perplexity.value, 1.0_f64.exp());
        assert_eq!((likelihoods.perplexity.n, likelihoods.tokens, likelihoods.beside), (2, 4, None));
        // Residuals 2.5 − 1 and 1.5 − 3: the standard error of the mean is √(2 · (1.5² + 1.5²)) / 4.
        let (low, high) = likelihoods.perplexity.ci95.unwrap();
        let half = 12.706_204_736_174_694 * 3.0 / 4.0;
        assert!((low.ln() - (1.0 - half)).abs() < 1e-9 && (high.ln() - (1.0 + half)).abs() < 1e-9);
    }

    #[test]
    fn beside_full_precision() {
        let items = [item("a", 1, 2.5, Some(beside(2.0, 0.1, 1, 0.01))), item("b", 3, 1.5, Some(beside(1.0, 0.3, 2, 0.35)))];
        let beside = likelihoods(&items).unwrap().beside.unwrap();
        close(beside.full_perplexity.value, 0.75_f64.exp());
        close(beside.ratio.value, 0.25_f64.exp());
        close(beside.kl.value, 0.1);
        close(beside.kl_max, 0.3);
        close(beside.top1.value, 0.75);
        close(beside.rms_delta_p.value, 0.3);
        close(beside.mean_delta_p.value, -0.25);
        // Both have 0.1 nats a token: the clusters do not differ.
        assert!(beside.kl.ci95.is_some_and(|(low, high)| high - low < 1e-12));
        assert!(beside.top1.ci95.is_some_and(|(low, high)| low >= 0.0 && high <= 1.0));
        assert!(beside.rms_delta_p.ci95.is_some_and(|(low, _)| low >= 0.0));
    }

    #[test]
    fn full_agreement_in_few_answers_is_no_proof() {
        let items = vec![item("a", 5, 1.0, Some(beside(1.0, 0.0, 5, 0.0))); 20];
        let top1 = likelihoods(&items).unwrap().beside.unwrap().top1;
        assert_eq!((top1.value, top1.method), (1.0, stats::Method::Wilson));
        assert!((top1.ci95.unwrap().0 - (1.0 - 0.161_13)).abs() < 1e-4);
    }

    #[test]
    fn what_is_missing_is_said_and_never_0() {
        let lacking = ItemLikelihood { id: "x".into(), seen: Reading::missing("a logit is NaN") };
        let some = likelihoods(&[lacking.clone(), item("b", 2, 2.0, None)]).unwrap();
        close(some.perplexity.value, 1.0_f64.exp());
        assert_eq!(some.notes, ["1 of 2 answers are left out, the first because a logit is NaN"]);
        assert_eq!(likelihoods(&[lacking]).unwrap_err().0, "1 of 1 answers are left out, the first because a logit is NaN");
        assert!(likelihoods(&[]).is_err());
    }
}
