//! Is this language model worth running yourself? The command line.
fn main() {}
