//! `edge-eval perplexity`: how likely a model finds reference answers, and how far quantised weights are from full precision. A stage of the
//! lifecycle, run by hand or by a campaign: it reads weights and answers, and asks no server.

mod answers;
mod shown;

use std::{
    fs::File,
    io::{BufWriter, Write},
    path::{Path, PathBuf},
};

use ::perplexity::{Evaluator, Full, Weights};
use ::serve::Words;
use anyhow::{Context, bail};
use indicatif::ProgressBar;
use model::{Base, Compute, Decoder, LoadOptions};
use record::{ItemLikelihood, clock};
use score::Conversation;
use serde::Serialize;
use serde_json::json;
use units::{Bytes, Nanos, Seconds};

use crate::{
    end::End,
    gate, print, progress, setup,
    stage::{Protocol, StageArgs},
};

/// Perplexity of reference answers, and how far quantised weights are from full precision: KL divergence, top-1 agreement, RMS Δp
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Each reference answer is read after its prompt, by the model's own chat template; only its tokens count, with the one that ends it. Intervals take answers as clusters of tokens. With --against both models are in memory at once.\n\nExamples:\n  edge-eval perplexity model.q4_k.gguf --against merged/ --data heldout.jsonl --task rag\n  edge-eval perplexity merged/ --data conversations.jsonl --json"
)]
pub(crate) struct Args {
    /// A model folder, a GGUF file, or a hub id
    model: String,
    /// The same model in full precision, named likewise
    #[arg(long, value_name = "FULL")]
    against: Option<String>,
    /// Rows of the task; without --task conversations {"messages": [{"role": …, "content": …}]}, one a line, which end with the answer
    #[arg(long, value_name = "FILE")]
    data: PathBuf,
    /// What the rows are (edge-eval list tasks)
    #[arg(long)]
    task: Option<String>,
    /// The system prompt in place of the task's own; "" has none
    #[arg(long, requires = "task")]
    system: Option<String>,
    /// Only the first so many rows
    #[arg(long, value_name = "N")]
    rows: Option<usize>,
    /// Print every answer's sums too
    #[arg(long, conflicts_with = "out")]
    per_item: bool,
    /// Write every answer's sums as JSON lines; --json then tells how far it is, one object a line
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// End when this process ends (set by a campaign)
    #[arg(long, hide = true, value_name = "PID")]
    die_with: Option<i32>,
}

/// Answers are told to a campaign no more often than this.
const TELL_EVERY: Seconds = Seconds(0.5);

/// What was evaluated.
#[derive(Debug)]
pub(super) struct Seen {
    weights: Bytes,
    full_weights: Option<Bytes>,
    items: Vec<ItemLikelihood>,
}

/// What a stage tells at its end.
#[derive(Debug, Default, Serialize)]
struct Told {
    #[serde(skip_serializing_if = "Option::is_none")]
    weights_bytes: Option<Bytes>,
    #[serde(skip_serializing_if = "Option::is_none")]
    full_weights_bytes: Option<Bytes>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unread: Option<String>,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<End> {
    let stage = StageArgs { json: args.json && args.out.is_some(), die_with: args.die_with };
    let protocol = Protocol::begin(&stage)?;
    let result = work(args, protocol);
    if let Some(out) = &args.out {
        return protocol.end(result.and_then(|seen| written(&seen, out)).or_else(|error| unread(error, stage.json)));
    }
    let seen = result?;
    if args.json {
        print::json(&shown::json(&seen, args.per_item)?)?;
    } else {
        print::data(&shown::text(&seen, args.per_item)?)?;
    }
    Ok(End::Done)
}

fn work(args: &Args, protocol: Protocol) -> anyhow::Result<Seen> {
    let conversations = match &args.task {
        Some(task) => answers::of_task(&args.data, task, args.system.as_deref(), args.rows)?,
        None => answers::conversations(&args.data, args.rows)?,
    };
    let evaluator = evaluator(&args.model, args.against.as_deref())?;
    let (weights, full_weights) = (evaluator.weight_bytes(), evaluator.full_weight_bytes());
    protocol.mark_with("read", &json!({"weights_bytes": weights, "full_weights_bytes": full_weights}));
    if !args.json {
        let beside = full_weights.map_or_else(String::new, |full| format!(", {} in full precision beside them", gigabytes(full)));
        gate::note(&format!("weights in memory: {}{beside}", gigabytes(weights)));
    }
    let bar = progress::bar(conversations.len() as u64, "answers", args.json);
    let items = evaluated(&evaluator, &conversations, protocol, &bar);
    bar.finish_and_clear();
    Ok(Seen { weights, full_weights, items: items? })
}

fn evaluated(
    evaluator: &Evaluator,
    conversations: &[Conversation],
    protocol: Protocol,
    bar: &ProgressBar,
) -> anyhow::Result<Vec<ItemLikelihood>> {
    let mut told = Nanos(0);
    let mut items = Vec::with_capacity(conversations.len());
    for Conversation { id, messages } in conversations {
        let messages: Vec<_> = messages.iter().map(|message| text::Message::new(message.role.name(), message.content.as_str())).collect();
        let seen = evaluator.likelihood(&messages).with_context(|| format!("answer {id:?}"))?;
        items.push(ItemLikelihood { id: id.clone(), seen });
        bar.inc(1);
        let now = clock::now();
        if now.since(told) >= TELL_EVERY {
            told = now;
            protocol.mark_with("progress", &json!({"answers": items.len(), "of": conversations.len()}));
        }
    }
    if let Some(ItemLikelihood { id, seen }) = items.first()
        && let Err(why) = seen.known()
        && items.iter().all(|item| item.seen.known().is_err())
    {
        bail!("none of the {} answers has a likelihood; the first, {id:?}, because {why}", items.len());
    }
    Ok(items)
}

fn evaluator(model: &str, against: Option<&str>) -> anyhow::Result<Evaluator> {
    let (decoder, words) = loaded(model)?;
    let (tokenizer, template) = words.into_parts();
    let full = against.map(|full| {
        let (decoder, words) = loaded(full).context("in full precision")?;
        anyhow::Ok(Full { decoder, tokenizer: words.into_parts().0 })
    });
    Ok(Evaluator::new(Weights { decoder, tokenizer, template }, full.transpose()?)?)
}

/// Weights as the embedded engine holds them. Those that are not read are told before their words, which may lack too.
fn loaded(name: &str) -> anyhow::Result<(Decoder, Words)> {
    let path = setup::model(name)?.path;
    let options = LoadOptions { device: model::device::best(), compute: Compute::Auto, base: Base::AsStored };
    let decoder = Decoder::load(&path, &options)?;
    Ok((decoder, Words::of(&path)?))
}

/// Writes the items under another name until all are there.
fn written(seen: &Seen, out: &Path) -> anyhow::Result<Told> {
    let mut unfinished = out.to_owned().into_os_string();
    unfinished.push(".tmp");
    let unfinished = PathBuf::from(unfinished);
    let writing = || format!("writing {}", unfinished.display());
    let mut file = BufWriter::new(File::create(&unfinished).with_context(writing)?);
    for item in &seen.items {
        serde_json::to_writer(&mut file, item).with_context(writing)?;
        file.write_all(b"\n").with_context(writing)?;
    }
    let file = file.into_inner().map_err(std::io::IntoInnerError::into_error).with_context(writing)?;
    file.sync_all().with_context(writing)?;
    std::fs::rename(&unfinished, out).with_context(|| format!("renaming to {}", out.display()))?;
    Ok(Told { weights_bytes: Some(seen.weights), full_weights_bytes: seen.full_weights, unread: None })
}

/// To a campaign, weights of a kind that is not read here are a finding and no failure.
fn unread(error: anyhow::Error, is_stage: bool) -> anyhow::Result<Told> {
    let unsupported = error.chain().any(|cause| cause.downcast_ref::<model::Error>().is_some_and(model::Error::is_unsupported));
    if is_stage && unsupported {
        return Ok(Told { unread: Some(crate::end::told(&error)), ..Told::default() });
    }
    Err(error)
}

fn gigabytes(bytes: Bytes) -> String {
    format!("{:.3} GB", bytes.get() as f64 / 1e9)
}
