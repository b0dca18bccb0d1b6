//! `edge-eval compress`: merges an adapter, or quantises a model folder. Two stages of the lifecycle, run by hand or by a campaign.

use std::path::PathBuf;

use ::compress::{Event, Facts, Format, MergeJob, Observer, PackJob, QuantiseJob, Scheme};
use clap::Subcommand;
use indicatif::ProgressBar;
use serde_json::{Map, json};

use crate::{
    end::End,
    print, progress, setup,
    stage::{Protocol, StageArgs},
};

/// Merge an adapter into its base, or quantise a model to GGUF or for vLLM
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  edge-eval compress merge --model base/ --adapter adapter/ --out merged/\n  edge-eval compress quantise --model merged/ --format q4_k --out model.gguf\n  edge-eval compress quantise --model merged/ --format w4a16 --out for-vllm/"
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
    /// Quantise a model folder to a GGUF file, or to a folder for vLLM
    #[command(
        visible_alias = "quantize",
        after_help = "Examples:\n  edge-eval compress quantise --model merged/ --format q4_k --out model.gguf\n  edge-eval compress quantise --model merged/ --format w4a16 --out for-vllm/"
    )]
    Quantise {
        /// The model folder or a hub id
        #[arg(long)]
        model: String,
        /// f16, q8_0 (INT8), q4_k (INT4) or q4_0 for GGUF; w4a16 (INT4) or w8a16 (INT8) for vLLM
        #[arg(long, value_parser = target)]
        format: Target,
        /// The GGUF file to write, or the compressed-tensors folder of w4a16 and w8a16
        #[arg(long, value_name = "PATH")]
        out: PathBuf,
        #[command(flatten)]
        stage: StageArgs,
    },
}

/// What a model is quantised to.
#[derive(Clone, Copy, Debug)]
enum Target {
    /// A GGUF file.
    Gguf(Format),
    /// A compressed-tensors folder.
    Packed(Scheme),
}

impl Target {
    const ALL: [Self; 6] = [
        Self::Gguf(Format::F16),
        Self::Gguf(Format::Q8_0),
        Self::Gguf(Format::Q4K),
        Self::Gguf(Format::Q4_0),
        Self::Packed(Scheme::W4A16),
        Self::Packed(Scheme::W8A16),
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Gguf(format) => format.name(),
            Self::Packed(scheme) => scheme.name(),
        }
    }
}

fn target(word: &str) -> Result<Target, String> {
    Target::ALL.into_iter().find(|target| target.name() == word).ok_or_else(|| {
        let words: Vec<_> = Target::ALL.iter().map(|target| target.name()).collect();
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
            let (model, out) = (setup::model(model)?.path, out.clone());
            Ok(match *format {
                Target::Gguf(format) => ::compress::quantise(&QuantiseJob { model, out, format }, told)?,
                Target::Packed(scheme) => ::compress::pack(&PackJob { model, out, scheme }, told)?,
            })
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
