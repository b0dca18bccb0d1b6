//! `edge-eval random-weights`: a model folder of a given shape with random weights, for speed and energy studies. A campaign runs it
//! for models with `weights = "random"`.

use std::path::PathBuf;

use anyhow::Context;
use model::{Base, Compute, Config, Decoder, LoadOptions};
use serde_json::json;

use crate::{
    end::End,
    stage::{Protocol, StageArgs},
};

/// Write a model folder of a given shape with random weights (f16)
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The folder with config.json, and with the tokenizer where there is one
    #[arg(long, value_name = "DIR")]
    config: PathBuf,
    /// Seed of the weights
    #[arg(long, default_value_t = 42)]
    seed: u64,
    /// The model folder to write; it must not exist
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    #[command(flatten)]
    stage: StageArgs,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<End> {
    let protocol = Protocol::begin(&args.stage)?;
    protocol.end(write(args))
}

fn write(args: &Args) -> anyhow::Result<serde_json::Value> {
    if args.out.exists() {
        anyhow::bail!("{} is there already", args.out.display());
    }
    let config = Config::from_folder(&args.config)?;
    let unfinished = args.out.with_extension("tmp");
    if unfinished.exists() {
        std::fs::remove_dir_all(&unfinished).with_context(|| format!("removing {}", unfinished.display()))?;
    }
    std::fs::create_dir_all(&unfinished).with_context(|| format!("making {}", unfinished.display()))?;
    let options = LoadOptions { device: model::device::best(), compute: Compute::F16, base: Base::AsStored };
    adapt::full::save(&Decoder::random(&config, args.seed, &options)?, &unfinished)?;
    if text::copy_tokenizer_files(&args.config, &unfinished)?.is_empty() {
        text::Tokenizer::synthetic(config.vocab)?.save(&unfinished)?;
    }
    std::fs::rename(&unfinished, &args.out).with_context(|| format!("renaming to {}", args.out.display()))?;
    Ok(json!({"parameters": config.parameters()}))
}
