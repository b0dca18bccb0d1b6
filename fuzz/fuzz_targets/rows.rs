//! No text makes a reader of data sets panic, as JSON or as CSV, whatever the task.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use score::{Fields, Limits, Source, TASKS};

fuzz_target!(|text: &[u8]| {
    for &task in TASKS {
        for name in ["rows.jsonl", "rows.csv"] {
            let limits = Limits { examples: 1000, value_bytes: 1 << 16, bad_rows: 100 };
            let source = Source { files: Vec::new(), task, fields: Fields::default(), limits, part: None };
            let _ = source.examples_of(text.to_vec(), Path::new(name)).map(Iterator::count);
        }
    }
});
