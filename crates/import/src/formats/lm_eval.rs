//! lm-evaluation-harness: `results_….json` holds each task's means, `samples_<task>_….jsonl` (of `--log_samples`) every item's marks,
//! which alone allow a paired comparison. Groups of tasks are not read.
//!
//! Source: <https://github.com/EleutherAI/lm-evaluation-harness> 0.4, `lm_eval/loggers/evaluation_tracker.py` and `evaluator.py`.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};
use units::Reading;

use super::{Format, Keys};
use crate::file::Contents;
use crate::{Imported, Item, Result, TaskScore};

pub(super) static FORMAT: Format = Format {
    name: "lm-eval",
    title: "lm-evaluation-harness 0.4: results_*.json, samples_*.jsonl",
    recognises: |keys: &Keys| {
        let is_results = keys.have(&["results"]) && (keys.have(&["n-samples"]) || keys.have(&["versions"]) || keys.have(&["configs"]));
        is_results || is_samples(keys)
    },
    read,
};

fn is_samples(keys: &Keys) -> bool {
    keys.have(&["doc_id", "resps"]) || keys.have(&["doc_id", "filtered_resps"])
}

fn read(contents: &Contents) -> Result<Vec<Imported>> {
    let scores = if is_samples(&Keys(contents.keys()?)) { samples(contents)? } else { results(contents)? };
    Ok(scores.into_iter().map(Imported::Score).collect())
}

#[derive(Deserialize)]
struct Results {
    #[serde(rename = "results")]
    tasks: BTreeMap<String, Map<String, Value>>,
    #[serde(default, rename = "n-samples")]
    n_samples: BTreeMap<String, Samples>,
    model_name: Option<String>,
    lm_eval_version: Option<String>,
}

#[derive(Deserialize)]
struct Samples {
    effective: Option<u64>,
}

/// A task's means stand under `mark,filter`, their standard errors under `mark_stderr,filter`.
fn results(contents: &Contents) -> Result<Vec<TaskScore>> {
    let results: Results = contents.json()?;
    let version = results.lm_eval_version.as_deref().unwrap_or("of an unknown version");
    let label = format!("lm-eval {version}, {}", results.model_name.as_deref().unwrap_or("a model without a name"));
    let mut scores = Vec::new();
    for (task, values) in &results.tasks {
        let n = results.n_samples.get(task).and_then(|samples| samples.effective);
        for (key, value) in values {
            let Some((mark, filter)) = key.split_once(',').filter(|(mark, _)| !mark.ends_with("_stderr")) else { continue };
            let Some(value) = value.as_f64() else { continue };
            let stderr = values.get(&format!("{mark}_stderr,{filter}")).and_then(Value::as_f64);
            scores.push(TaskScore {
                label: label.clone(),
                task: task.clone(),
                mark: key.clone(),
                value,
                stderr: stderr.map_or_else(|| Reading::missing("the file tells none"), Reading::Known),
                n: n.map_or_else(|| Reading::missing("the file has no n-samples for the task"), Reading::Known),
                items: Vec::new(),
            });
        }
    }
    Ok(scores)
}

/// Keys of a sample that are numbers and no marks.
const NO_MARKS: &[&str] = &["doc_id"];

/// One line an item and filter; the marks stand beside its other keys, and `metrics` names them in newer files.
fn samples(contents: &Contents) -> Result<Vec<TaskScore>> {
    let lines: Vec<(usize, Map<String, Value>)> = contents.lines()?;
    let mut marks: BTreeMap<String, Vec<Item>> = BTreeMap::new();
    for (line, sample) in &lines {
        let id = sample.get("doc_id").ok_or_else(|| contents.bad(format!("line {line}"), "has no doc_id"))?;
        let filter = sample.get("filter").and_then(Value::as_str).unwrap_or("none");
        let named = sample.get("metrics").and_then(Value::as_array);
        let is_mark = |key: &str| match named {
            Some(names) => names.iter().any(|name| name == key),
            None => !NO_MARKS.contains(&key),
        };
        for (key, value) in sample.iter().filter(|(key, _)| is_mark(key)) {
            let mark = value.as_f64().or_else(|| value.as_bool().map(|right| f64::from(u8::from(right))));
            let Some(mark) = mark else { continue };
            marks.entry(format!("{key},{filter}")).or_default().push(Item { id: id.to_string(), mark });
        }
    }
    let task = task_of(&contents.name());
    Ok(marks.into_iter().map(|(mark, items)| score(&task, mark, items)).collect())
}

fn score(task: &str, mark: String, items: Vec<Item>) -> TaskScore {
    TaskScore {
        label: "lm-eval, samples".to_owned(),
        task: task.to_owned(),
        mark,
        value: items.iter().map(|item| item.mark).sum::<f64>() / items.len() as f64,
        stderr: Reading::missing("it follows from the items"),
        n: Reading::Known(items.len() as u64),
        items,
    }
}

/// `samples_<task>_<date>.jsonl`; the date has no underscore.
fn task_of(name: &str) -> String {
    let stem = name.strip_suffix(".jsonl").unwrap_or(name);
    let inner = stem.strip_prefix("samples_").and_then(|rest| rest.rsplit_once('_')).map(|(task, _)| task);
    inner.unwrap_or(stem).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_task_stands_in_the_files_name() {
        assert_eq!(task_of("samples_arc_easy_2026-01-02T03-04-05.678901.jsonl"), "arc_easy");
        assert_eq!(task_of("mine.jsonl"), "mine");
    }
}
