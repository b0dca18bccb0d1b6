//! No bytes, split however, make the reader of server-sent events panic.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|chunks: Vec<Vec<u8>>| {
    let _ = load::sse::parse(chunks.iter().zip(0..).map(|(chunk, at)| (units::Nanos(at), chunk.as_slice())));
});
