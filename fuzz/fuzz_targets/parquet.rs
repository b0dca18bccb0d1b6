//! No bytes make the reader of Parquet crash or ask for memory that the file does not warrant. What the decoders do not check ends as
//! an error, so panics within them are caught, and the fuzzer's own hook must not end the process at them.
#![no_main]

use std::io::Write;

use columns::Table;
use libfuzzer_sys::fuzz_target;

fuzz_target!(init: std::panic::set_hook(Box::new(|_| {})), |bytes: &[u8]| {
    let mut file = tempfile::tempfile().expect("a temporary file can be made");
    file.write_all(bytes).expect("it can be written");
    if let Ok(rows) = Table::open(file).and_then(|table| table.rows(&["id", "messages", "answers", "document"])) {
        let _ = rows.take(1000).count();
    }
});
