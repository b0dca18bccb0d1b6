//! One pass over the pairs of the encoder's bench for each line that comes in, and a line out when it is done: who writes the lines holds
//! the clock. `benches/encoder_transformers.py` does.

use std::io::{BufRead, Write};

use model::Encoder;
use model::bench_shapes::{deberta_v3_base, pairs};

/// As in the shipped binary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let encoder = Encoder::random(&deberta_v3_base()?, 1, &model::device::best())?;
    let pairs = pairs();
    for line in std::io::stdin().lock().lines() {
        line?;
        encoder.classify(&pairs)?;
        writeln!(std::io::stdout(), "done")?;
    }
    Ok(())
}
