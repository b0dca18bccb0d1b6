//! The crate graph: who may depend on whom, and what the knowing rooms must not reach.

use std::collections::{BTreeMap, BTreeSet};

use toml::{Table, Value};

use crate::repository::{crates, none, read, root};

/// Each room and the rooms it may use. A new edge is a decision: make it here first, and in ARCHITECTURE.md.
const MAY_USE: &[(&str, &[&str])] = &[
    ("adapt", &["model", "plan", "text", "units"]),
    ("campaign", &["hub", "load", "meter", "plan", "record", "score", "serve", "stats", "units"]),
    ("columns", &[]),
    ("compress", &["adapt", "model", "text", "units"]),
    ("cuda", &["model"]),
    ("econ", &["units"]),
    (
        "edge-eval",
        &[
            "adapt",
            "campaign",
            "compress",
            "cuda",
            "econ",
            "hub",
            "import",
            "load",
            "meter",
            "metric",
            "model",
            "nli",
            "perplexity",
            "plan",
            "record",
            "report",
            "reproduce",
            "score",
            "serve",
            "stats",
            "text",
            "units",
        ],
    ),
    ("hub", &[]),
    ("import", &["metric", "plan", "record", "stats", "units"]),
    ("load", &["record", "stats", "units"]),
    ("meter", &["plan", "record", "stats", "units"]),
    ("metric", &["econ", "plan", "record", "stats", "units"]),
    ("model", &[]),
    ("nli", &["model", "text"]),
    ("perplexity", &["model", "record", "text", "units"]),
    ("plan", &["econ", "units"]),
    ("record", &["columns", "plan", "stats", "units"]),
    ("report", &["econ", "metric", "plan", "record", "stats", "units"]),
    ("reproduce", &["metric", "plan", "record", "report", "stats", "units"]),
    ("score", &["columns", "stats"]),
    ("serve", &["model", "plan", "record", "text", "units"]),
    ("stats", &[]),
    ("text", &[]),
    ("units", &[]),
];

/// Rooms that compute and print figures from records, on any machine.
const KNOWING: &[&str] = &["econ", "import", "metric", "report", "reproduce"];

/// Beginnings of the names of packages that load models, ask GPUs or speak HTTP.
const NOT_FOR_THE_KNOWING: &[&str] =
    &["axum", "candle", "cudarc", "hf-hub", "http", "hyper", "nvml", "reqwest", "tokenizers", "tokio", "ureq"];

#[test]
fn rooms_use_only_the_rooms_they_may() {
    let listed: Vec<_> = MAY_USE.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(listed, crates(), "the list and the folder differ");
    let mut complaints = Vec::new();
    for (name, allowed) in MAY_USE {
        let used = dependencies(name, "dependencies");
        let unknown = used.iter().filter(|other| listed.contains(other) && !allowed.contains(&other.as_str()));
        complaints.extend(unknown.map(|other| format!("{name} uses {other}, which is not on the list")));
    }
    none(&complaints);
}

#[test]
fn only_model_depends_on_candle() {
    let users = crates().into_iter().filter(|name| {
        let tables = ["dependencies", "dev-dependencies", "build-dependencies"];
        tables.iter().flat_map(|table| dependencies(name, table)).any(|other| other.starts_with("candle"))
    });
    assert_eq!(users.collect::<Vec<_>>(), ["model"]);
}

#[test]
fn the_knowing_rooms_reach_no_model_no_gpu_and_no_network() {
    let packages = locked();
    let mut complaints = Vec::new();
    for room in KNOWING {
        let reached = reach(room, &packages);
        assert!(reached.len() > 1, "{room} is not in Cargo.lock");
        let bad = reached.iter().filter(|name| NOT_FOR_THE_KNOWING.iter().any(|start| name.starts_with(start)));
        complaints.extend(bad.map(|name| format!("{room} reaches {name}")));
    }
    none(&complaints);
}

/// Names in one dependency table of a crate.
fn dependencies(name: &str, table: &str) -> Vec<String> {
    let manifest: Table = read(&root().join("crates").join(name).join("Cargo.toml")).parse().unwrap();
    manifest.get(table).and_then(Value::as_table).map(|table| table.keys().cloned().collect()).unwrap_or_default()
}

/// `name` or `name version`, as Cargo.lock refers to a package, to what it depends on.
fn locked() -> BTreeMap<String, Vec<String>> {
    let lock: Table = read(&root().join("Cargo.lock")).parse().unwrap();
    let mut packages = BTreeMap::new();
    for package in lock["package"].as_array().unwrap() {
        let text = |key: &str| package[key].as_str().unwrap().to_owned();
        let uses = package.get("dependencies").and_then(Value::as_array).into_iter().flatten();
        let uses: Vec<_> = uses.map(|entry| entry.as_str().unwrap().to_owned()).collect();
        packages.insert(format!("{} {}", text("name"), text("version")), uses.clone());
        packages.insert(text("name"), uses);
    }
    packages
}

/// Everything a package depends on, itself included.
fn reach(start: &str, packages: &BTreeMap<String, Vec<String>>) -> BTreeSet<String> {
    let mut seen = BTreeSet::from([start.to_owned()]);
    let mut open = vec![start.to_owned()];
    while let Some(name) = open.pop() {
        for next in packages.get(&name).into_iter().flatten() {
            if seen.insert(next.clone()) {
                open.push(next.clone());
            }
        }
    }
    seen
}
