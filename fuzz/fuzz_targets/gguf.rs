//! No bytes make the GGUF reader panic, or allocate more than the file can account for.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = model::gguf::read(bytes);
});
