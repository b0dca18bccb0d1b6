//! The whole stage: from a model folder and a corpus to an adapter folder.

use std::path::{Path, PathBuf};

use model::{Base, Compute, Decoder, LoadOptions, tensor::Device};
use plan::{AdaptSpec, Method};
use text::{ChatTemplate, RenderOptions, Tokenizer};
use units::{Bytes, Tokens};

use crate::{
    Error, Result,
    corpus::{self, Batches, Batching, Examples},
    event::{Event, Observer},
    lora::{self, Config},
    peft,
    train::{Outcome, Settings, train},
};

/// Everything that decides an adaptation.
#[derive(Clone, Debug)]
pub struct Job {
    /// Model folder.
    pub model: PathBuf,
    /// JSON Lines of conversations: see [`corpus::read`].
    pub data: PathBuf,
    /// Adapter folder, which must not exist. It appears when all is done.
    pub out: PathBuf,
    /// On a dense base or on one in NF4.
    pub method: Method,
    /// Hyper-parameters.
    pub spec: AdaptSpec,
    /// Largest norm of the whole gradient, if it is clipped (transformers' own default is 1).
    pub clip: Option<f64>,
    /// Of the first weights, the order of the rows and the dropout.
    pub seed: u64,
    /// What the chat template is told beside the messages; must be what the model is told when it is served.
    pub render: RenderOptions,
    /// Where the arithmetic is done.
    pub device: Device,
}

/// What an adaptation did: the fields of a run's record.
#[derive(Clone, Debug, PartialEq)]
pub struct Facts {
    /// `lora` or `qlora`.
    pub method: String,
    /// Optimiser steps taken.
    pub steps: u64,
    /// Tokens processed, padding excluded.
    pub tokens: Tokens,
    /// Those of them that carried loss.
    pub loss_tokens: Tokens,
    /// Parameters that were trained.
    pub trainable_parameters: u64,
    /// Mean loss of the first step.
    pub first_loss: f64,
    /// Mean loss of the last step.
    pub last_loss: f64,
    /// Bytes of the frozen base as held in memory.
    pub base_bytes: Bytes,
    /// Number format of the arithmetic, such as `f32`.
    pub dtype: String,
    /// Rows of the corpus.
    pub rows: u64,
    /// Longest sequence length allowed.
    pub max_length: u64,
    /// Sequences of a batch.
    pub batch: u64,
    /// Batches of an optimiser step.
    pub accumulation: u64,
    /// Whether activations were computed again in the backward pass.
    pub checkpointing: bool,
}

/// Adapts a model and writes the adapter.
///
/// # Errors
/// When the corpus, the model or a setting cannot be used, training leaves the finite numbers, or the folder cannot be written.
/// Nothing is then left at [`Job::out`].
pub fn run(job: &Job, observer: &dyn Observer) -> Result<Facts> {
    // Cheap checks first: what would fail at the end should not cost a training.
    let draft = peft::Draft::new(&job.out)?;
    let examples = examples(job, observer)?;
    let base = if job.method == Method::Qlora { Base::Nf4 } else { Base::AsStored };
    let options = LoadOptions { device: job.device.clone(), compute: Compute::F32, base };
    let mut model = Decoder::load(&job.model, &options)?;
    examples.check_vocabulary(model.config().vocab)?;
    let base_bytes = Bytes(model.weight_bytes());
    observer.event(&Event::Loaded { base_bytes });

    let spec = &job.spec;
    let adapter = lora::attach(&mut model, &config(spec), job.seed)?;
    let variables = adapter.variables();
    let batches = Batches::new(&examples.examples, batching(job))?;
    let total = total_steps(spec, &batches)?;
    let trainable_parameters = variables.iter().map(|(_, var)| var.elem_count() as u64).sum();
    observer.event(&Event::Started { steps: total, trainable_parameters });
    let steps = (0..).flat_map(|epoch| batches.epoch(epoch)).take(usize::try_from(total).unwrap_or(usize::MAX));
    let outcome = train(&model, &variables, &adapter.draw, steps, total, &settings(job), observer)?;
    draft.finish(&adapter, &base_name(&job.model))?;
    observer.event(&Event::Written { folder: &job.out });
    Ok(facts(job, &outcome, &model, (base_bytes, trainable_parameters, examples.examples.len() as u64)))
}

fn examples(job: &Job, observer: &dyn Observer) -> Result<Examples> {
    let rows = corpus::read(&job.data)?;
    let tokenizer = Tokenizer::from_folder(&job.model)?;
    let template = match ChatTemplate::from_folder(&job.model)? {
        Some(template) => template,
        None => ChatTemplate::plain(&tokenizer)?,
    };
    let examples = Examples::render(&rows, &job.data, (&tokenizer, &template), &job.render, job.spec.max_length as usize)?;
    observer.event(&Event::Corpus { rows: rows.len() as u64, tokens: Tokens(examples.tokens()), truncated: examples.truncated });
    Ok(examples)
}

/// Steps to take: as many as asked for, or as the epochs have. Packing makes the epochs differ, so they are counted one by one.
fn total_steps(spec: &AdaptSpec, batches: &Batches<'_>) -> Result<u64> {
    if let Some(steps) = spec.steps {
        return Ok(u64::from(steps));
    }
    if !spec.epochs.is_finite() || spec.epochs <= 0.0 {
        return Err(Error::Setting { name: "epochs", value: spec.epochs.to_string(), rule: "it must be above 0" });
    }
    let whole = spec.epochs.floor();
    let steps: u64 = (0..whole as u64).map(|epoch| batches.steps_in(epoch)).sum();
    let part = (spec.epochs - whole) * batches.steps_in(whole as u64) as f64;
    Ok(steps + part.ceil() as u64)
}

fn config(spec: &AdaptSpec) -> Config {
    Config { rank: spec.rank as usize, alpha: spec.alpha, dropout: spec.dropout, targets: spec.target_modules.clone() }
}

fn batching(job: &Job) -> Batching {
    let AdaptSpec { batch, accumulation, max_length, packing, .. } = job.spec;
    let [batch, accumulation, max_length] = [batch, accumulation, max_length].map(|n| n as usize);
    Batching { batch, accumulation, max_length, packing, seed: job.seed }
}

fn settings(job: &Job) -> Settings {
    let AdaptSpec { lr, weight_decay, checkpointing, .. } = job.spec;
    Settings { lr, weight_decay, clip: job.clip, checkpointing }
}

/// What the adapter calls its base: the folder as given.
fn base_name(model: &Path) -> String {
    model.display().to_string()
}

fn facts(job: &Job, outcome: &Outcome, model: &Decoder, (base_bytes, trainable_parameters, rows): (Bytes, u64, u64)) -> Facts {
    Facts {
        method: job.method.name().to_owned(),
        steps: outcome.steps,
        tokens: outcome.tokens,
        loss_tokens: outcome.loss_tokens,
        trainable_parameters,
        first_loss: outcome.first_loss,
        last_loss: outcome.last_loss,
        base_bytes,
        dtype: model.dtype().as_str().to_owned(),
        rows,
        max_length: u64::from(job.spec.max_length),
        batch: u64::from(job.spec.batch),
        accumulation: u64::from(job.spec.accumulation),
        checkpointing: job.spec.checkpointing,
    }
}
