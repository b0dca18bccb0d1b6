//! Perplexity of the weights on the reference answers.

use units::Missing;

use super::{Better, Metric};
use crate::{CellView, figure::Known, likelihood::of};

pub(super) static METRIC: Metric = Metric {
    name: "perplexity",
    unit: "1",
    better: Better::Lower,
    definition: "exp of the mean −ln p of the reference answers' tokens, each after the prompt and the right tokens before it",
    source: "Jelinek et al., J. Acoust. Soc. Am. 62(S1), 1977; over answers as clusters",
    compute,
};

fn compute(view: &CellView) -> Result<Known, Missing> {
    let likelihoods = of(view)?;
    let mut notes = likelihoods.notes;
    notes.push(format!("over the {} tokens of the reference answers", likelihoods.tokens));
    if let Some(beside) = likelihoods.beside {
        let interval = beside.ratio.ci95.map_or_else(String::new, |(low, high)| format!(" ({low:.4} to {high:.4})"));
        notes.push(format!("{:.4}{interval} times that in full precision, paired", beside.ratio.value));
    }
    Ok(Known::from(likelihoods.perplexity).noting(notes))
}
