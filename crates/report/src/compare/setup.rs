//! What makes two runs unlike each other before any figure is looked at: machine, versions, plan, data. A difference of figures may be a
//! difference of any of these.

use std::collections::{BTreeMap, BTreeSet};

use metric::Campaign;
use serde::Serialize;
use serde_json::Value;

use crate::loaded::Loaded;

/// One fact that is not the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SetupDifference {
    /// The run that is unlike the baseline.
    pub run: char,
    /// Which fact: `machine.gpus`, `plan.load.requests`, `version.vllm`, `data.rag`.
    pub fact: String,
    /// In the baseline; `-` where it has none.
    pub baseline: String,
    /// In the run.
    pub new: String,
}

/// The name is no difference, and where data lay is told by what they held.
const NOT_TOLD: &[&str] = &["plan.name"];
const ABSENT: &str = "-";

/// Everything that is not the same: the machine first, then versions, data and the plan.
pub(super) fn differences(run: char, base: &Loaded, new: &Loaded) -> Vec<SetupDifference> {
    let facts = |loaded: &Loaded| [machine(loaded), versions(loaded), data(loaded), plan(loaded)];
    let of_part = |(a, b): (BTreeMap<String, String>, BTreeMap<String, String>)| {
        let names: BTreeSet<String> = a.keys().chain(b.keys()).cloned().collect();
        let one = move |fact: String| {
            let told = |facts: &BTreeMap<String, String>| facts.get(&fact).cloned().unwrap_or_else(|| ABSENT.to_owned());
            let (baseline, new) = (told(&a), told(&b));
            (baseline != new && !NOT_TOLD.contains(&fact.as_str())).then(|| SetupDifference { run, fact: fact.clone(), baseline, new })
        };
        names.into_iter().filter_map(one)
    };
    facts(base).into_iter().zip(facts(new)).flat_map(of_part).collect()
}

fn machine(loaded: &Loaded) -> BTreeMap<String, String> {
    let mut facts = BTreeMap::new();
    flatten("machine", &told(&loaded.manifest.machine), &mut facts);
    // The digest is of the other facts, and the version of the program is told with the versions.
    facts.retain(|fact, _| fact != "machine.digest" && fact != "machine.edge_eval");
    facts
}

fn versions(loaded: &Loaded) -> BTreeMap<String, String> {
    let mut facts = BTreeMap::from([("version.edge-eval".to_owned(), loaded.manifest.machine.edge_eval.clone())]);
    for (engine, versions) in engines(&loaded.campaign) {
        facts.insert(format!("version.{engine}"), versions.into_iter().collect::<Vec<_>>().join(", "));
    }
    facts
}

/// The versions that engines told, by engine.
fn engines(campaign: &Campaign) -> BTreeMap<String, BTreeSet<String>> {
    let mut engines: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for view in campaign.views() {
        if let Some(version) = metric::engine_version(&view) {
            engines.entry(view.cell().engine.clone()).or_default().insert(version);
        }
    }
    engines
}

/// What was read for each task: digests alone, since the same rows may lie elsewhere.
fn data(loaded: &Loaded) -> BTreeMap<String, String> {
    let of = |facts: &record::DataFacts| {
        let files: Vec<&str> = facts.files.iter().map(|file| file.digest.as_str()).collect();
        let told = format!("{} rows to adapt on, {} to score, files {}", facts.train_rows, facts.eval_rows, files.join(" "));
        (format!("data.{}", facts.task), told)
    };
    loaded.manifest.data.iter().map(of).collect()
}

fn plan(loaded: &Loaded) -> BTreeMap<String, String> {
    let mut facts = BTreeMap::new();
    flatten("plan", &told(&loaded.manifest.plan), &mut facts);
    facts
}

fn told(facts: &impl Serialize) -> Value {
    serde_json::to_value(facts).unwrap_or(Value::Null)
}

/// Every leaf of a value under its path.
fn flatten(path: &str, value: &Value, into: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(map) => map.iter().for_each(|(key, value)| flatten(&format!("{path}.{key}"), value, into)),
        Value::Array(list) if list.iter().any(|one| one.is_object() || one.is_array()) => {
            list.iter().enumerate().for_each(|(i, value)| flatten(&format!("{path}[{i}]"), value, into));
        }
        Value::Array(list) => {
            into.insert(path.to_owned(), list.iter().map(leaf).collect::<Vec<_>>().join(", "));
        }
        Value::Null => {}
        leaf_value => {
            into.insert(path.to_owned(), leaf(leaf_value));
        }
    }
}

fn leaf(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaves_stand_under_their_paths() {
        let mut facts = BTreeMap::new();
        flatten("p", &serde_json::json!({"a": {"b": 1.5, "c": null}, "d": [1, 2], "e": [{"f": "x"}], "g": []}), &mut facts);
        let want = [("p.a.b", "1.5"), ("p.d", "1, 2"), ("p.e[0].f", "x"), ("p.g", "")];
        assert_eq!(facts, want.map(|(key, value)| (key.to_owned(), value.to_owned())).into());
    }
}
