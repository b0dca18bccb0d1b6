//! What the quickstart's model can do: held-out scores in the tasks' own format before and after adaptation, and its abilities in the
//! plain-text formats of pretraining. This is what the mixture of pretraining is judged by. Not the campaign: no server, no meter, no
//! intervals.

mod adapted;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use model::{Base, Compute, Decoder, LoadOptions, quant::Format, tensor::Device};
use plan::{AdaptSpec, Method};
use score::{TASKS, Task, dataset};
use text::{ChatTemplate, RenderOptions, Tokenizer};

use crate::{corpus, greedy};
use adapted::Workshop;

/// Longest answer in tokens.
const LONGEST: usize = 64;

/// What to probe.
#[derive(Args)]
pub(crate) struct Options {
    /// Folder of the base model, tokenizer included.
    #[arg(long, default_value = "crates/edge-eval/quickstart/model")]
    model: PathBuf,
    /// Where the task sets lie.
    #[arg(long, default_value = "crates/edge-eval/quickstart/data")]
    data: PathBuf,
    /// Held-out rows of each task.
    #[arg(long, default_value_t = 40)]
    rows: usize,
    /// Print this many answers of each task.
    #[arg(long, default_value_t = 2)]
    show: usize,
    /// Adapt the model to this task as well; may be given more than once.
    #[arg(long)]
    adapt: Vec<String>,
    /// Instead of the plan's.
    #[arg(long)]
    lr: Option<f64>,
    /// Instead of the plan's.
    #[arg(long)]
    rank: Option<u32>,
    /// Instead of the plan's.
    #[arg(long)]
    train_rows: Option<usize>,
}

/// A model with its words.
struct Subject {
    decoder: Decoder,
    tokenizer: Tokenizer,
    template: ChatTemplate,
}

/// Prints the scores.
///
/// # Errors
/// A file cannot be read, or a stage fails.
pub(crate) fn run(options: &Options) -> Result<()> {
    let base = Subject::load(&options.model, &options.model)?;
    for task in TASKS {
        println!("{:<14} {:<8} base       {:.3}", task.name, task.primary, base.score(task, options)?);
    }
    for (format, right) in base.abilities(options)? {
        println!("{format:<14} right    base       {right:.3}");
    }
    options.adapt.iter().try_for_each(|name| adapt(score::tasks::find(name)?, options))
}

/// Adapts the base to one task in both ways and prints what each strategy scores.
fn adapt(task: &'static Task, options: &Options) -> Result<()> {
    let plan = adapted::plan()?;
    let mut spec = plan.adapt.clone();
    spec.lr.peak = options.lr.unwrap_or(spec.lr.peak);
    if let Some(rank) = options.rank {
        spec = AdaptSpec { rank, alpha: 2.0 * f64::from(rank), ..spec };
    }
    let planned = plan.tasks.iter().find(|planned| planned.kind == task.name).context("the plan has every task")?.train_rows;
    let folder = tempfile::tempdir()?;
    let workshop = Workshop {
        base: &options.model,
        data: &options.data,
        folder: folder.path(),
        spec,
        rows: options.train_rows.unwrap_or(planned as usize),
        seed: plan.seed,
    };
    let tell = |strategy: &str, model: &Path| -> Result<()> {
        println!("{:<14} {:<8} {strategy:<10} {:.3}", task.name, task.primary, Subject::load(model, &options.model)?.score(task, options)?);
        Ok(())
    };
    let (lora, seconds) = workshop.adapt(task, Method::Lora)?;
    println!("{:<14} LoRA took {seconds:.1} s", task.name);
    tell("lora-f16", &lora)?;
    tell("lora-int8", &workshop.quantise(&lora, Format::Q8_0)?)?;
    tell("lora-int4", &workshop.quantise(&lora, Format::Q4K)?)?;
    let (qlora, seconds) = workshop.adapt(task, Method::Qlora)?;
    println!("{:<14} QLoRA took {seconds:.1} s", task.name);
    tell("qlora-int4", &workshop.quantise(&qlora, Format::Q4K)?)
}

impl Subject {
    /// A model folder or a GGUF file, with the words of the base's folder.
    fn load(model: &Path, base: &Path) -> Result<Self> {
        let load = LoadOptions { device: Device::Cpu, compute: Compute::F32, base: Base::AsStored };
        let template = ChatTemplate::from_folder(base)?.context("the model's folder has no chat template")?;
        Ok(Self { decoder: Decoder::load(model, &load)?, tokenizer: Tokenizer::from_folder(base)?, template })
    }

    /// Mean of the task's primary mark over held-out rows.
    fn score(&self, task: &'static Task, options: &Options) -> Result<f64> {
        let path = options.data.join(format!("{}.heldout.jsonl", task.name));
        let examples = dataset::read(&path, task, dataset::Limits::first(options.rows))?;
        let mut sum = 0.0;
        for (i, example) in examples.iter().enumerate() {
            let item = example.item(task.system, None)?;
            let answer = self.chat(&item.messages)?;
            sum += score::mark(task.primary, &answer, &item.references)?;
            if i < options.show {
                println!("  {:?}\n  {answer:?}", item.references[0]);
            }
        }
        Ok(sum / examples.len() as f64)
    }

    fn chat(&self, messages: &[score::Message]) -> Result<String> {
        let messages: Vec<_> = messages.iter().map(|m| text::Message::new(role(m.role), m.content.as_str())).collect();
        let options = RenderOptions { add_generation_prompt: true, ..RenderOptions::default() };
        let prompt = self.tokenizer.encode(&self.template.render(&messages, &options)?, false)?;
        greedy::answer(&self.decoder, &self.tokenizer, &prompt, "", LONGEST)
    }

    /// Share of exactly right answers in each plain-text format.
    fn abilities(&self, options: &Options) -> Result<Vec<(&'static str, f64)>> {
        let mut all = Vec::new();
        for (format, questions) in corpus::abilities(options.rows) {
            let mut right = 0;
            for question in &questions {
                let prompt = self.tokenizer.encode(&question.prompt, true)?;
                let answer = greedy::answer(&self.decoder, &self.tokenizer, &prompt, question.stop, LONGEST)?;
                right += usize::from(answer.trim() == question.answer);
            }
            all.push((format, right as f64 / questions.len() as f64));
        }
        Ok(all)
    }
}

fn role(role: score::Role) -> &'static str {
    match role {
        score::Role::System => "system",
        score::Role::User => "user",
        score::Role::Assistant => "assistant",
    }
}
