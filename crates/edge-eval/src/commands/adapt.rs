//! `edge-eval adapt`: LoRA or QLoRA on a corpus of conversations. A stage of the lifecycle, run by hand or by a campaign.

use std::{cell::Cell, path::PathBuf};

use ::adapt::{Event, Facts, Job, Observer};
use clap::ValueEnum;
use indicatif::ProgressBar;
use plan::{AdaptSpec, Lr, Method, Schedule};
use record::{AdaptFacts, clock};
use serde_json::{Map, json};
use text::RenderOptions;
use units::{Nanos, Seconds};

use crate::{
    end::End,
    print, progress, setup,
    stage::{Protocol, StageArgs},
};

/// Steps are told to a campaign no more often than this.
const TELL_EVERY: Seconds = Seconds(0.5);

/// Adapt a model with LoRA or QLoRA: a corpus of conversations in, a PEFT adapter folder out
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  edge-eval adapt --model meta-llama/Llama-3.2-1B-Instruct --data train.jsonl --method lora --out adapter/"
)]
pub(crate) struct Args {
    /// The base: a model folder or a hub id
    #[arg(long)]
    model: String,
    /// JSON lines {"messages": [{"role": …, "content": …}]} or {"prompt": …, "completion": …}
    #[arg(long, value_name = "FILE")]
    data: PathBuf,
    /// The adapter folder to write; it must not exist
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// On a dense base, or on one in NF4
    #[arg(long, value_enum)]
    method: How,
    /// Rank r
    #[arg(long, default_value_t = 16)]
    rank: u32,
    /// Scale α; the update is multiplied by α / r
    #[arg(long, default_value_t = 32.0)]
    alpha: f64,
    /// Dropout before A
    #[arg(long, default_value_t = 0.05)]
    dropout: f64,
    /// Which linear layers
    #[arg(long, value_delimiter = ',', default_values_t = plan::TARGET_MODULES.iter().map(|name| (*name).to_owned()))]
    target_modules: Vec<String>,
    /// Peak learning rate
    #[arg(long, default_value_t = 2e-4)]
    lr: f64,
    /// Shape of the learning rate after warm-up
    #[arg(long, value_enum, default_value_t = Shape::Linear)]
    schedule: Shape,
    /// Share of the steps spent rising to the peak
    #[arg(long, default_value_t = 0.03)]
    warmup_ratio: f64,
    /// Passes over the corpus
    #[arg(long, default_value_t = 1.0)]
    epochs: f64,
    /// Optimiser steps, instead of epochs
    #[arg(long, conflicts_with = "epochs")]
    steps: Option<u32>,
    /// Sequences a micro-batch
    #[arg(long, default_value_t = 8)]
    batch: u32,
    /// Micro-batches an optimiser step
    #[arg(long, default_value_t = 1)]
    accumulation: u32,
    /// Longest sequence, in tokens
    #[arg(long, default_value_t = 1024)]
    max_length: u32,
    /// Recompute activations in the backward pass
    #[arg(long)]
    checkpointing: bool,
    /// Put several short rows in one sequence
    #[arg(long)]
    packing: bool,
    /// AdamW weight decay
    #[arg(long, default_value_t = 0.0)]
    weight_decay: f64,
    /// Largest norm of the whole gradient; 0 does not clip
    #[arg(long, default_value_t = 1.0)]
    clip: f64,
    /// Seed of weights, shuffling and dropout
    #[arg(long, default_value_t = 42)]
    seed: u64,
    #[command(flatten)]
    stage: StageArgs,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum How {
    Lora,
    Qlora,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Shape {
    Constant,
    Linear,
    Cosine,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<End> {
    let protocol = Protocol::begin(&args.stage)?;
    let told = Told { protocol, bar: progress::bar(0, "steps", args.stage.json), last: Cell::new(Nanos(0)) };
    let result = job(args).and_then(|job| Ok(::adapt::run(&job, &told)?));
    told.bar.finish_and_clear();
    if let Ok(facts) = &result
        && !args.stage.json
    {
        let (steps, first, last) = (facts.steps, facts.first_loss, facts.last_loss);
        print::data(&format!("{}: {steps} steps, loss {first:.4} to {last:.4}, {} tokens\n", args.out.display(), facts.tokens.get()))?;
    }
    protocol.end(result.map(recorded))
}

fn job(args: &Args) -> anyhow::Result<Job> {
    Ok(Job {
        model: setup::model(&args.model)?.path,
        data: args.data.clone(),
        out: args.out.clone(),
        method: match args.method {
            How::Lora => Method::Lora,
            How::Qlora => Method::Qlora,
        },
        spec: AdaptSpec {
            rank: args.rank,
            alpha: args.alpha,
            dropout: args.dropout,
            target_modules: args.target_modules.clone(),
            lr: Lr {
                peak: args.lr,
                warmup_ratio: args.warmup_ratio,
                schedule: match args.schedule {
                    Shape::Constant => Schedule::Constant,
                    Shape::Linear => Schedule::Linear,
                    Shape::Cosine => Schedule::Cosine,
                },
            },
            epochs: args.epochs,
            steps: args.steps,
            batch: args.batch,
            accumulation: args.accumulation,
            max_length: args.max_length,
            checkpointing: args.checkpointing,
            packing: args.packing,
            // Set by the campaign in the environment, before the pools of threads exist.
            threads: None,
            weight_decay: args.weight_decay,
            command: None,
        },
        clip: (args.clip > 0.0).then_some(args.clip),
        seed: args.seed,
        render: RenderOptions::default(),
        device: model::device::best(),
    })
}

/// The facts as a record keeps them.
fn recorded(facts: Facts) -> AdaptFacts {
    AdaptFacts {
        method: facts.method,
        steps: facts.steps,
        tokens: facts.tokens.get(),
        loss_tokens: facts.loss_tokens.get(),
        trainable_parameters: facts.trainable_parameters,
        first_loss: facts.first_loss,
        last_loss: facts.last_loss,
        base_bytes: facts.base_bytes,
        dtype: facts.dtype,
        rows: facts.rows,
        max_length: facts.max_length,
        batch: facts.batch,
        accumulation: facts.accumulation,
        checkpointing: facts.checkpointing,
    }
}

struct Told {
    protocol: Protocol,
    bar: ProgressBar,
    last: Cell<Nanos>,
}

impl Observer for Told {
    fn event(&self, event: &Event<'_>) {
        let mark = |phase: &str, facts: serde_json::Value| self.protocol.mark_with(phase, &facts);
        match event {
            Event::Corpus { rows, tokens, truncated } => mark("corpus", json!({"rows": rows, "tokens": tokens, "truncated": truncated})),
            Event::Loaded { base_bytes } => mark("read", json!({"base_bytes": base_bytes})),
            Event::Started { steps, trainable_parameters } => {
                self.bar.set_length(*steps);
                mark("train", json!({"steps": steps, "trainable_parameters": trainable_parameters}));
            }
            Event::Step(step) => {
                self.bar.set_position(step.number);
                self.bar.set_message(format!("steps, loss {:.4}", step.loss));
                let now = clock::now();
                if now.since(self.last.get()) >= TELL_EVERY {
                    self.last.set(now);
                    mark("progress", json!({"step": step.number, "steps": step.steps, "loss": step.loss}));
                }
            }
            Event::Written { .. } => self.protocol.mark("write", Map::new()),
        }
    }
}
