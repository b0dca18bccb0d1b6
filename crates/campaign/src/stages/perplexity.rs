//! How likely weights find the reference answers of a task's held-out items: a process of ours that reads the weights themselves, and quantised
//! ones beside those in full precision. No engine is part of it, and nothing is asked of a server.

use std::{collections::HashMap, ffi::OsString, fs, path::Path};

use plan::Stage;
use record::{Detail, ItemLikelihood, PerplexityFacts};
use score::Item;
use serde::Deserialize;
use units::{Bytes, Reading};

use super::{Context, Run, Runs, facts, on_threads, rows};
use crate::error::{Error, Result};

/// Which tokens count, after which prompt.
const VERSION: &str = "chat-template-first-reference-1";

pub(super) fn run(context: &Context<'_>, stage: &Stage, key: &str) -> Result<Run> {
    let root = context.folder.root();
    let folder =
        tempfile::Builder::new().prefix("answers-").suffix(".tmp").tempdir_in(root).map_err(Error::io("creating a folder in", root))?;
    let (data, out) = (folder.path().join("answers.jsonl"), folder.path().join("likelihoods.jsonl"));
    let items = &context.bound.tasks[stage.task].items;
    fs::write(&data, answered(items)).map_err(Error::io("writing", &data))?;
    let mut args: Vec<OsString> = vec!["perplexity".into(), context.weights(stage)?.into()];
    args.extend(["--data".into(), data.into(), "--out".into(), out.clone().into()]);
    if let Some(index) = stage.against {
        args.extend(["--against".into(), context.left_by(index)?.into()]);
    }
    let mut command = context.own(args);
    // As many threads as our other stage of many tokens has: a tiny model loses more to waiting for others than it gains.
    if let Some(threads) = context.bound.plan.adapt.threads {
        command.environment = on_threads(threads);
    }
    let seen = context.work(key, &command, Runs::OnProcessor)?;
    let against = stage.against.map(|index| context.bound.keys[index].clone());
    let detail = if seen.ended.status.success() {
        facts(&seen.ended).and_then(|told| Ok(Detail::Perplexity(recorded(told, against, items, &out)?)))
    } else {
        Ok(Detail::Nothing)
    };
    Ok((command, seen, detail, Ok(None)))
}

/// The items with their first references as answers, one conversation a line.
fn answered(items: &[Item]) -> String {
    let line = |item: &Item| serde_json::to_string(&item.clone().answered()).expect("texts always have a JSON form") + "\n";
    items.iter().map(line).collect()
}

/// What the process tells when it is done.
#[derive(Debug, Deserialize)]
struct Told {
    weights_bytes: Option<Bytes>,
    full_weights_bytes: Option<Bytes>,
    /// That the weights, or those beside them, are of a kind that is not read.
    unread: Option<String>,
}

fn recorded(told: Told, against: Option<String>, items: &[Item], out: &Path) -> Result<PerplexityFacts> {
    let held = |bytes: Option<Bytes>| bytes.map_or_else(|| Reading::missing("none were held"), Reading::Known);
    let items = match told.unread {
        Some(why) => Reading::missing(why),
        None => Reading::Known(in_order(rows::read(out)?, items)),
    };
    Ok(PerplexityFacts {
        version: VERSION.to_owned(),
        against,
        weights_memory: held(told.weights_bytes),
        full_weights_memory: held(told.full_weights_bytes),
        items,
    })
}

/// One for each item, in data set order.
fn in_order(told: Vec<ItemLikelihood>, items: &[Item]) -> Vec<ItemLikelihood> {
    let mut told: HashMap<String, ItemLikelihood> = told.into_iter().map(|item| (item.id.clone(), item)).collect();
    let untold = |id: &str| ItemLikelihood { id: id.to_owned(), seen: Reading::missing("it was not evaluated") };
    items.iter().map(|item| told.remove(&item.id).unwrap_or_else(|| untold(&item.id))).collect()
}

#[cfg(test)]
mod tests {
    use record::Likelihood;

    use super::*;

    fn item(id: &str) -> Item {
        let message = score::Message::new(score::Role::User, "Who?");
        Item { id: id.into(), messages: vec![message], references: vec!["Ann".into(), "Bo".into()], cut: 0 }
    }

    #[test]
    fn the_first_reference_is_the_answer() {
        let want = r#"{"id":"a","messages":[{"role":"user","content":"Who?"},{"role":"assistant","content":"Ann"}]}"#;
        assert_eq!(answered(&[item("a")]), format!("{want}\n"));
    }

    #[test]
    fn what_is_not_told_of_an_item_is_missing_and_weights_that_are_not_read_say_why() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out.jsonl");
        fs::write(&out, "{\"id\": \"b\", \"seen\": {\"value\": {\"tokens\": 2, \"nll\": 1.5}}}\n").unwrap();
        let told = || Told { weights_bytes: Some(Bytes(7)), full_weights_bytes: None, unread: None };
        let facts = recorded(told(), None, &[item("a"), item("b")], &out).unwrap();
        assert_eq!(facts.weights_memory, Reading::Known(Bytes(7)));
        let seen: Vec<_> = facts.items.known().unwrap().iter().map(|item| (item.id.as_str(), item.seen.clone())).collect();
        let known = Reading::Known(Likelihood { tokens: 2, nll: 1.5, beside: None });
        assert_eq!(seen, [("a", Reading::missing("it was not evaluated")), ("b", known)]);
        let unread = Told { unread: Some("unsupported architecture gpt2".into()), ..told() };
        let facts = recorded(unread, None, &[item("a")], Path::new("/nonexistent")).unwrap();
        assert_eq!(facts.items.known().unwrap_err().0, "unsupported architecture gpt2");
        fs::write(&out, "{\"id\": 3}\n").unwrap();
        assert!(recorded(told(), None, &[], &out).is_err());
    }
}
