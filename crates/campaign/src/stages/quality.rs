//! One scored pass: the task's held-out items with natural stops, and the marks their answers get. Nothing is timed.

use std::{collections::BTreeMap, path::Path};

use plan::Stage;
use record::{Detail, ItemMark, QualityFacts, Request};
use score::Item;
use serve::Words;
use units::{Reading, Seconds};

use super::{Context, Run, serving::AskHow};
use crate::{
    error::Result,
    items::{self, prompt},
};

pub(super) fn run(context: &Context<'_>, stage: &Stage, key: &str) -> Result<Run> {
    let plan = &context.bound.plan;
    let items = &context.bound.tasks[stage.task].items;
    let spec = &plan.tasks[stage.task];
    let how = AskHow {
        concurrency: plan.load.concurrency,
        warmup: Vec::new(),
        forced: false,
        timeout: Seconds(plan.load.timeout_s),
        seed: plan.stage_seed(stage),
        temperature: plan.quality.temperature,
        further: false,
    };
    let mut served = context
        .serve(stage, key, |live, _, _| live.ask(items.iter().map(|item| prompt(item, spec.max_tokens)).collect(), &how, &load::Silent))?;
    let span = served.seen.ended.span;
    served.seen.energy = vec![served.trace.window("stage", span.0, span.1, &served.idle)];
    let detail = match served.outcome.take() {
        Some(run) => detail(context, stage, key, &run.requests),
        None => Ok(Detail::Nothing),
    };
    Ok((served.command, served.seen, detail, Ok(None)))
}

fn detail(context: &Context<'_>, stage: &Stage, key: &str, requests: &[Request]) -> Result<Detail> {
    let task = &context.bound.tasks[stage.task];
    // All that text tells, whichever of them count: the plan may say another one tomorrow. Those of raters are taken by stages of their own.
    let marks: Vec<&str> = score::MARKS.iter().map(|mark| mark.name).collect();
    let by_item: BTreeMap<&str, &Request> = requests.iter().map(|request| (request.item.as_str(), request)).collect();
    Ok(Detail::Quality(QualityFacts {
        items: task.items.iter().map(|item| mark(item, by_item.get(item.id.as_str()).copied(), &marks)).collect(),
        prompts_digest: items::digest(&task.items),
        rendered_digest: rendered(&context.bound.models[stage.model].path, &task.items),
        requests_file: context.folder.write_requests(key, None, requests)?,
    }))
}

/// Digest of the prompts as the model's own chat template writes them.
fn rendered(model: &Path, items: &[Item]) -> Reading<String> {
    let digest = || -> std::result::Result<String, serve::WordsError> {
        let words = Words::of(model)?;
        let mut hasher = blake3::Hasher::new();
        for item in items {
            let prompt = words.prompt(item.messages.iter().map(|message| (message.role.name(), message.content.as_str())))?;
            // Its length stands before each text, so that no two lists run together to the same bytes.
            hasher.update(&(prompt.len() as u64).to_le_bytes()).update(prompt.as_bytes());
        }
        Ok(hasher.finalize().to_hex().to_string())
    };
    digest().map_or_else(|error| Reading::missing(error.to_string()), Reading::Known)
}

fn mark(item: &Item, answer: Option<&Request>, marks: &[&str]) -> ItemMark {
    let one = |name: &str| match answer {
        None => Reading::missing("it was not asked"),
        Some(Request { failure: Some(reason), .. }) => Reading::missing(format!("the request failed: {reason}")),
        Some(request) => match score::mark(name, &request.text, &item.references) {
            Ok(value) => Reading::Known(value),
            Err(error) => Reading::missing(error.to_string()),
        },
    };
    ItemMark { id: item.id.clone(), marks: marks.iter().map(|name| ((*name).to_owned(), one(name))).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_of_what_the_template_writes() {
        let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("../edge-eval/quickstart/model");
        let item = |text: &str| {
            let messages = vec![score::Message::new(score::Role::User, text)];
            Item { id: "a".into(), messages, references: vec!["x".into()], cut: 0 }
        };
        let digest = |items: &[Item]| rendered(&model, items).known().unwrap().clone();
        assert_eq!(digest(&[item("one")]), digest(&[Item { references: vec!["y".into()], ..item("one") }]));
        assert_ne!(digest(&[item("one")]), digest(&[item("two")]));
        assert_ne!(digest(&[item("one"), item("two")]), digest(&[item("two"), item("one")]));
        assert!(rendered(Path::new("/nonexistent"), &[item("one")]).known().is_err());
    }

    #[test]
    fn a_failed_request_has_no_mark_and_a_wrong_answer_has_zero() {
        let item = Item { id: "a".into(), messages: Vec::new(), references: vec!["Paris".into()], cut: 0 };
        let answered = Request { text: "London".into(), ..Request::default() };
        let failed = Request { failure: Some("timeout".into()), ..Request::default() };
        assert_eq!(mark(&item, Some(&answered), &["f1"]).marks["f1"], Reading::Known(0.0));
        assert_eq!(mark(&item, Some(&failed), &["f1"]).marks["f1"], Reading::missing("the request failed: timeout"));
        assert_eq!(mark(&item, None, &["f1"]).marks["f1"], Reading::missing("it was not asked"));
    }
}
