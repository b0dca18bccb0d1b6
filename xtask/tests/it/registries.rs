//! Registries: every file of a registry's folder is declared and listed in the file beside the folder.

use std::fs;

use crate::repository::{none, read, root};

/// Folders whose every file is an entry.
const REGISTRIES: &[&str] = &[
    "crates/import/src/formats",
    "crates/meter/src/meters",
    "crates/metric/src/metrics",
    "crates/score/src/marks",
    "crates/score/src/tasks",
    "crates/serve/src/engines",
];

#[test]
fn every_file_of_a_registry_is_registered() {
    let mut complaints = Vec::new();
    for folder in REGISTRIES {
        let list = read(&root().join(format!("{folder}.rs")));
        for entry in fs::read_dir(root().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let Some(name) = path.file_stem().filter(|_| path.extension().is_some_and(|e| e == "rs")).map(|s| s.to_string_lossy()) else {
                continue;
            };
            if !list.contains(&format!("mod {name};")) || !list.contains(&format!("&{name}::")) {
                complaints.push(format!("{folder}/{name}.rs is not in the registry of {folder}.rs"));
            }
        }
    }
    none(&complaints);
}
