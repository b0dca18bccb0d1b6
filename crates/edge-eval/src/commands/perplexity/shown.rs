//! The figures of an evaluation as text and as JSON. What they are is `metric`'s.

use std::fmt::Write;

use metric::Likelihoods;
use serde_json::{Map, Value, json};
use stats::Estimate;

use super::Seen;

/// One JSON object.
pub(super) fn json(seen: &Seen, per_item: bool) -> anyhow::Result<Value> {
    let likelihoods = of(seen)?;
    let figure = |(name, unit, e): (&str, &str, Estimate)| {
        (name.to_owned(), json!({"value": e.value, "unit": unit, "ci95": e.ci95, "n": e.n, "method": e.method}))
    };
    let mut whole = json!({
        "answers": seen.items.len(),
        "left_out": seen.items.iter().filter(|item| item.seen.known().is_err()).count(),
        "tokens": likelihoods.tokens,
        "weights_bytes": seen.weights,
        "full_weights_bytes": seen.full_weights,
        "figures": figures(&likelihoods).into_iter().map(figure).collect::<Map<_, _>>(),
        "largest_kl_divergence": likelihoods.beside.as_ref().map(|beside| beside.kl_max),
        "notes": likelihoods.notes,
    });
    if per_item {
        whole["items"] = serde_json::to_value(&seen.items)?;
    }
    Ok(whole)
}

/// A line a figure, after a line an item where those are asked for.
pub(super) fn text(seen: &Seen, per_item: bool) -> anyhow::Result<String> {
    let likelihoods = of(seen)?;
    let mut text = String::new();
    for item in seen.items.iter().filter(|_| per_item) {
        writeln!(text, "{}", serde_json::to_string(item)?)?;
    }
    let figures = figures(&likelihoods);
    let width = figures.iter().map(|(name, ..)| name.len()).max().unwrap_or(0);
    for (name, unit, e) in figures {
        let interval = e.ci95.map_or_else(|| "no interval".to_owned(), |(low, high)| format!("{low:.6} to {high:.6}"));
        let unit = if unit == "1" { String::new() } else { format!(" {unit}") };
        writeln!(text, "{name:width$}  {:.6}{unit}  ({interval}, n = {})", e.value, e.n)?;
    }
    writeln!(text, "over {} tokens of {} answers; {}", likelihoods.tokens, seen.items.len(), METHOD)?;
    if let Some(beside) = &likelihoods.beside {
        writeln!(text, "largest KL divergence of a token: {:.6} nats", beside.kl_max)?;
    }
    likelihoods.notes.iter().for_each(|note| text += &format!("{note}\n"));
    Ok(text)
}

/// What the intervals are.
const METHOD: &str = "95% intervals by Student's t over answers as clusters of tokens";

fn of(seen: &Seen) -> anyhow::Result<Likelihoods> {
    metric::likelihoods(&seen.items).map_err(|why| anyhow::anyhow!("{why}"))
}

/// Name, unit and estimate of each figure.
fn figures(likelihoods: &Likelihoods) -> Vec<(&'static str, &'static str, Estimate)> {
    let mut figures = vec![("perplexity", "1", likelihoods.perplexity.clone())];
    if let Some(beside) = &likelihoods.beside {
        figures.extend([
            ("perplexity_full", "1", beside.full_perplexity.clone()),
            ("perplexity_ratio", "1", beside.ratio.clone()),
            ("kl_divergence", "nats", beside.kl.clone()),
            ("top1_agreement", "%", beside.top1.clone().scaled(100.0)),
            ("rms_delta_p", "%", beside.rms_delta_p.clone().scaled(100.0)),
            ("mean_delta_p", "%", beside.mean_delta_p.clone().scaled(100.0)),
        ]);
    }
    figures
}
