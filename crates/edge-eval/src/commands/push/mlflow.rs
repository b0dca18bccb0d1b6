//! Runs told to MLflow: REST API 2.0 (experiments/create and get-by-name, runs/create, runs/log-batch, runs/update). At most 1,000 metrics,
//! 100 parameters and 100 tags go in one batch, and values have limits; longer ones are cut, and end in `…`.

use anyhow::{Context, bail};
use report::{Document, MlflowRun};
use serde_json::{Value, json};

use super::http::Client;

const API: &str = "/api/2.0/mlflow";
const MOST_METRICS: usize = 1000;
/// Most bytes of a parameter's and of a tag's value that every store takes.
const MOST_PARAM: usize = 500;
const MOST_TAG: usize = 5000;

/// Pushes the whole and every variant under it; how many runs that made.
pub(super) fn push(client: &Client, document: &Document, experiment: &str) -> anyhow::Result<usize> {
    let experiment = find_or_make(client, experiment)?;
    let started_ms = document.started_wall_ns / 1_000_000;
    let (whole, cells) = report::mlflow(document);
    let parent = push_run(client, &experiment, &whole, None, started_ms)?;
    for cell in &cells {
        push_run(client, &experiment, cell, Some(&parent), started_ms)?;
    }
    finish(client, &parent)?;
    Ok(cells.len() + 1)
}

/// The id of an experiment by its name.
fn find_or_make(client: &Client, name: &str) -> anyhow::Result<String> {
    let made = client.try_post_to(&format!("{API}/experiments/create"), &json!({"name": name}))?;
    if made.status < 300 {
        return text(&made.read("experiments/create")?, "/experiment_id");
    }
    if !made.text.contains("RESOURCE_ALREADY_EXISTS") {
        made.read("experiments/create")?;
    }
    let filter = format!("name = '{}'", name.replace('\'', "''"));
    let found = client.post_to(&format!("{API}/experiments/search"), &json!({"filter": filter, "max_results": 1}))?;
    text(&found, "/experiments/0/experiment_id").context("MLflow has the experiment and does not tell its id; was it deleted?")
}

fn push_run(client: &Client, experiment: &str, run: &MlflowRun, parent: Option<&str>, started_ms: u64) -> anyhow::Result<String> {
    let pair = |(key, value): &(String, String), most| json!({"key": key, "value": cut(value, most)});
    let mut tags: Vec<Value> = run.tags.iter().map(|tag| pair(tag, MOST_TAG)).collect();
    tags.extend(parent.map(|id| json!({"key": "mlflow.parentRunId", "value": id})));
    let request = json!({"experiment_id": experiment, "run_name": run.name, "start_time": started_ms, "tags": tags});
    let id = text(&client.post_to(&format!("{API}/runs/create"), &request)?, "/run/info/run_id")?;
    let metric = |(key, value): &(String, f64)| json!({"key": key, "value": value, "timestamp": started_ms, "step": 0});
    let params: Vec<Value> = run.params.iter().map(|param| pair(param, MOST_PARAM)).collect();
    let mut batches = run.metrics.chunks(MOST_METRICS);
    let first: Vec<Value> = batches.next().unwrap_or_default().iter().map(metric).collect();
    client.post_to(&format!("{API}/runs/log-batch"), &json!({"run_id": id, "metrics": first, "params": params}))?;
    for batch in batches {
        let metrics: Vec<Value> = batch.iter().map(metric).collect();
        client.post_to(&format!("{API}/runs/log-batch"), &json!({"run_id": id, "metrics": metrics}))?;
    }
    if parent.is_some() {
        finish(client, &id)?;
    }
    Ok(id)
}

fn finish(client: &Client, id: &str) -> anyhow::Result<()> {
    client.post_to(&format!("{API}/runs/update"), &json!({"run_id": id, "status": "FINISHED"})).map(drop)
}

fn text(answer: &Value, pointer: &str) -> anyhow::Result<String> {
    match answer.pointer(pointer).and_then(Value::as_str) {
        Some(text) => Ok(text.to_owned()),
        None => bail!("MLflow's answer has no {pointer}"),
    }
}

fn cut(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    let end = (0..=most - '…'.len_utf8()).rev().find(|&i| text.is_char_boundary(i)).unwrap_or(0);
    format!("{}…", &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_values_are_cut_at_a_letter() {
        assert_eq!(cut("short", 10), "short");
        assert_eq!(cut("ρρρρρρ", 8), "ρρ…");
        assert!(cut(&"ρ".repeat(300), 500).len() <= 500);
    }
}
