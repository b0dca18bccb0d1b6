//! Passes, judge and cross-encoder as meant, and whether the marks that tasks name have who gives them.

use std::path::Path;

use super::{engine, not_empty, source, written};
use crate::{JudgeSpec, LongPairs, ModelSource, NliSpec, Plan, QualitySpec, Rater, problem::Fault, reader::Place};

/// Most passes over the items.
const MOST_PASSES: u32 = 1_000;

pub(super) fn quality(w: written::Quality<'_>) -> Option<QualitySpec> {
    let usual = QualitySpec::default();
    let passes = w.passes.within(1, MOST_PASSES).or(usual.passes);
    let temperature = w.temperature.within(0.0, 2.0).or(usual.temperature);
    let perplexity = w.perplexity.or(usual.perplexity);
    Some(QualitySpec { passes: passes?, temperature: temperature?, perplexity: perplexity? })
}

pub(super) fn judge(w: written::Judge<'_>) -> Option<JudgeSpec> {
    let url = w.url.check(http).required();
    let model = w.model.check(not_empty).required();
    let api_key_env = w.api_key_env.check(not_empty).optional();
    let concurrency = w.concurrency.within(1, 1_024).or(8);
    let attempts = w.attempts.within(1, 20).or(3);
    let timeout_s = w.timeout_s.positive(86_400.0).or(120.0);
    let price = match w.price {
        Some(price) => engine::price(price).map(Some),
        None => Some(None),
    };
    Some(JudgeSpec {
        url: url?,
        model: model?,
        api_key_env: api_key_env?,
        concurrency: concurrency?,
        attempts: attempts?,
        timeout_s: timeout_s?,
        price: price?,
    })
}

pub(super) fn nli(w: written::Nli<'_>, base: &Path) -> Option<NliSpec> {
    let threads = w.threads.within(1, 1_024).optional();
    let ways: Vec<&str> = LongPairs::ALL.iter().map(|way| way.name()).collect();
    let long = w.long.one_of("way", &ways).or(LongPairs::default().name().into());
    let long = LongPairs::ALL.iter().find(|way| long.as_deref() == Some(way.name()));
    let from = source(&w.place, w.source, base);
    let unfit = matches!(from, Some(ModelSource::Random(_) | ModelSource::Builtin));
    if unfit {
        let message = "a cross-encoder is trained weights of its own".into();
        w.place.report(Fault::Conflict { message, mend: "give path or hub".into() });
    }
    Some(NliSpec { source: from.filter(|_| !unfit)?, threads: threads?, long: *long? })
}

/// Reports marks whose rater the plan does not describe.
pub(super) fn raters(plan: &Plan, root: &Place<'_>) -> bool {
    let mut whole = true;
    for rater in Rater::ALL {
        let described = match rater {
            Rater::Judge => plan.judge.is_some(),
            Rater::Nli => plan.nli.is_some(),
        };
        let task = plan.tasks.iter().find(|task| !described && task.raters().any(|needed| needed == *rater));
        if let Some(task) = task {
            let name = rater.name();
            let message = format!("task {:?} has {name} marks, and nothing says who gives them", task.name);
            root.report(Fault::Conflict { message, mend: format!("add a [{name}] section") });
            whole = false;
        }
    }
    whole
}

#[expect(clippy::ptr_arg, reason = "a check takes the field's own type")]
fn http(url: &String) -> Option<Fault> {
    let fits = url.starts_with("http://") || url.starts_with("https://");
    let found = format!("{:?}", crate::value::quoted(url));
    (!fits).then(|| Fault::OutOfRange { found, allowed: "a base address that begins with http:// or https://".into() })
}
