//! What a model of the Llama-3.2-1B shape keeps resident: random weights are written as GGUF, loaded in a process of its own, and run once.
//!
//! `cargo run --release -p model --example resident -- write /tmp/1b.gguf q4_k`, then `… -- read /tmp/1b.gguf`. Linux only.

#![expect(clippy::print_stdout, reason = "a program that prints what it measured")]

use std::collections::HashMap;
use std::path::Path;

use model::bench_shapes::{FORMATS, llama_1b, prompt};
use model::gguf::{Export, Metadata, export};
use model::quant::Format;
use model::tensor::Tensor;
use model::{Base, Compute, Decoder, LoadOptions, device};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["write", path, format] => write(Path::new(path), format),
        ["read", path] => read(Path::new(path)),
        _ => Err("write FILE FORMAT, or read FILE".into()),
    }
}

fn write(path: &Path, format: &str) -> Result<(), Box<dyn std::error::Error>> {
    let (_, _, base) = FORMATS.iter().find(|row| row.0 == format).ok_or("an unknown format")?;
    let format = if let Base::Quantised(format) = base { *format } else { Format::F16 };
    let config = llama_1b();
    let options = LoadOptions { device: device::best(), compute: Compute::F16, base: Base::AsStored };
    let weights: HashMap<String, Tensor> = Decoder::random(&config, 1, &options)?.parameters().into_iter().collect();
    let what = Export { config: &config, metadata: &Metadata::new(), format };
    export(path, what, |name| Ok(weights[name].clone()), |_| ())?;
    Ok(())
}

fn read(path: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let decoder = Decoder::load(path, &LoadOptions { device: device::best(), compute: Compute::Auto, base: Base::AsStored })?;
    println!("logical {:6.0} MB", decoder.weight_bytes() as f64 / 1e6);
    println!("loaded  {}", resident()?);
    let mut cache = decoder.new_cache(1, 128)?;
    let ids = Tensor::new(prompt(64, decoder.config().vocab), decoder.device())?.unsqueeze(0)?;
    decoder.forward(&ids, &mut cache)?;
    for _ in 0..8 {
        decoder.forward(&ids.narrow(1, 0, 1)?, &mut cache)?;
    }
    println!("run     {}", resident()?);
    Ok(())
}

/// Resident memory now and at its highest (`/proc/self/status`).
fn resident() -> Result<String, Box<dyn std::error::Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let field = |key: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(key));
        line.and_then(|rest| rest.split_whitespace().next()).and_then(|kib| kib.parse::<f64>().ok())
    };
    let show = |key| field(key).map_or_else(|| "unknown".to_owned(), |kib| format!("{:6.0} MB", kib * 1024.0 / 1e6));
    Ok(format!("{} resident, {} at most", show("VmRSS:"), show("VmHWM:")))
}
