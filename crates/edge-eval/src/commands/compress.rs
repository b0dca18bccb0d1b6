//! `edge-eval compress`: merges an adapter, or quantises a model folder. Two stages of the lifecycle, run by hand or by a campaign.

use std::path::PathBuf;

use ::compress::{Event, Facts, MergeJob, Observer, QuantiseJob};
use clap::Subcommand;
use indicatif::ProgressBar;
use serde_json::{Map, json};

use crate::{
    end::End,
    print, progress, setup,
    stage::{Protocol, StageArgs},
};

/// Merge an adapter into its base, or quantise a model to GGUF
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  edge-eval compress merge --model base/ --adapter adapter/ --out merged/\n  edge-eval compress quantise --model merged/ --format q4_k --out model.gguf"
)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Merge a PEFT adapter into its base: a model folder in f16
    #[command(after_help = "Example:\n  edge-eval compress merge --model base/ --adapter adapter/ --out merged/")]
    Merge {
        /// The base: a model folder or a hub id
        #[arg(long)]
        model: String,
        /// The PEFT adapter folder
        #[arg(long, value_name = "DIR")]
        adapter: PathBuf,
        /// The model folder to write
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
        #[command(flatten)]
        stage: StageArgs,
    },
    /// Quantise a model folder to a GGUF file
    #[command(
        visible_alias = "quantize",
        after_help = "Example:\n  edge-eval compress quantise --model merged/ --format q4_k --out model.gguf"
    )]
    Quantise {
        /// The model folder or a hub id
        #[arg(long)]
        model: String,
        /// f16, q8_0 (INT8), q4_k (INT4) or q4_0
        #[arg(long, value_parser = format)]
        format: model::quant::Format,
        /// The GGUF file to write
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        #[command(flatten)]
        stage: StageArgs,
    },
}

fn format(word: &str) -> Result<model::quant::Format, String> {
    use model::quant::Format;
    let known = [Format::F16, Format::Q8_0, Format::Q4K, Format::Q4_0];
    known.into_iter().find(|format| format.name() == word).ok_or_else(|| {
        let words: Vec<_> = known.iter().map(|format| format.name()).collect();
        format!("one of: {}", words.join(", "))
    })
}

pub(crate) fn run(args: &Args) -> anyhow::Result<End> {
    match &args.what {
        What::Merge { model, adapter, out, stage } => work(stage, |told| {
            let job = MergeJob { model: setup::model(model)?.path, adapter: adapter.clone(), out: out.clone() };
            Ok(::compress::merge(&job, told)?)
        }),
        What::Quantise { model, format, out, stage } => work(stage, |told| {
            let job = QuantiseJob { model: setup::model(model)?.path, out: out.clone(), format: *format };
            Ok(::compress::quantise(&job, told)?)
        }),
    }
}

fn work(stage: &StageArgs, work: impl FnOnce(&Told) -> anyhow::Result<Facts>) -> anyhow::Result<End> {
    let protocol = Protocol::begin(stage)?;
    let told = Told { protocol, bar: progress::bar(0, "tensors", stage.json) };
    let result = work(&told);
    told.bar.finish_and_clear();
    if let Ok(facts) = &result
        && !stage.json
    {
        print::data(&summary(facts))?;
    }
    protocol.end(result)
}

fn summary(facts: &Facts) -> String {
    let tensors: Vec<_> = facts.tensors.iter().map(|(format, count)| format!("{count} in {format}")).collect();
    let mut text = format!("{:.1} MB; tensors: {}\n", facts.weight_bytes.get() as f64 / 1e6, tensors.join(", "));
    for (tensor, format) in &facts.fallbacks {
        text += &format!("  {tensor}: {format}, because its width does not take {}\n", facts.format);
    }
    text
}

struct Told {
    protocol: Protocol,
    bar: ProgressBar,
}

impl Observer for Told {
    fn event(&self, event: Event<'_>) {
        match event {
            Event::Opened { tensors } => {
                self.bar.set_length(tensors as u64);
                let mut facts = Map::new();
                facts.insert("tensors".to_owned(), json!(tensors));
                self.protocol.mark("read", facts);
            }
            Event::Written { .. } => self.bar.inc(1),
            Event::Finishing => self.protocol.mark("write", Map::new()),
            _ => {}
        }
    }
}
