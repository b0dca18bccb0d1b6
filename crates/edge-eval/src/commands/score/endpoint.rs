//! Answers asked of a server: a task's prompts with natural stops, the answers kept as rows that can be marked again. Nothing is timed.

use std::{
    fs::File,
    io::{BufWriter, Write},
    path::Path,
};

use anyhow::Context;
use campaign::items;
use indicatif::ProgressBar;
use load::{ApiKey, Job, Sampling};
use score::{Fields, Limits, Prediction, Source, Task, dataset::Wanted};
use serde_json::{Value, json};
use units::Seconds;

use super::args::Args;
use crate::{env, progress};

/// What a server answered, and what it was asked.
pub(super) struct Answered {
    pub(super) rows: Vec<Prediction>,
    /// Rows of the data that were left out, with their reasons.
    pub(super) bad: Vec<String>,
    /// For the output.
    pub(super) asked: Value,
    /// Why every request failed, where every one did; and its hint.
    pub(super) all_failed: Option<(String, Option<&'static str>)>,
}

/// The task that the flags name.
pub(super) fn task(args: &Args) -> anyhow::Result<&'static Task> {
    Ok(score::tasks::find(args.task.as_deref().expect("answers of a server need --task"))?)
}

/// Asks the task's prompts and keeps the answers where they are wanted.
pub(super) fn ask(args: &Args, task: &'static Task) -> anyhow::Result<Answered> {
    let read = source(args, task)?.read()?;
    // After the rows are read: a mistyped path must not empty the answers of before.
    let keep = args.answers.as_deref().map(|path| anyhow::Ok((path, create(path)?))).transpose()?;
    let system = args.system.as_deref().unwrap_or(task.system);
    let items = read.examples.iter().map(|example| example.item(system, None)).collect::<Result<Vec<_>, _>>()?;
    let job = job(args, items.iter().map(|item| items::prompt(item, args.max_tokens)).collect())?;
    let bar = progress::bar(items.len() as u64, "answers", args.json);
    let run = load::run(&job, &Progress(&bar));
    bar.finish_and_clear();
    let run = run?;
    let all_failed = run.all_failed().map(|reason| {
        let first = run.requests.iter().find_map(|request| request.failure.as_deref());
        (reason, first.and_then(load::hint))
    });
    let answers = run.requests.into_iter().map(|request| request.failure.map_or(Ok(request.text), Err));
    let premises = read.examples.iter().map(|example| example.document().map(str::to_owned));
    let digest = items::digest(&items);
    let row = |((item, premise), answer): ((score::Item, Option<String>), Result<String, String>)| Prediction {
        id: item.id,
        answer,
        references: item.references,
        premise,
        messages: item.messages,
    };
    let rows: Vec<Prediction> = items.into_iter().zip(premises).zip(answers).map(row).collect();
    if let Some((path, file)) = keep {
        write(file, &rows).with_context(|| format!("writing {}", path.display()))?;
    }
    let asked = json!({
        "url": args.url, "model": args.model, "task": task.name, "data": args.data, "system": system, "max_tokens": args.max_tokens,
        "temperature": args.temperature, "seed": args.seed, "prompts_digest": digest, "repeated_rows": read.repeated,
    });
    Ok(Answered { rows, bad: read.bad.iter().map(ToString::to_string).collect(), asked, all_failed })
}

/// An API key by the name of its variable, where one is named.
pub(super) fn api_key(name: Option<&str>) -> anyhow::Result<Option<ApiKey>> {
    let held = |name: &str| Ok(ApiKey::new(env::api_key(name).with_context(|| format!("the environment variable {name} is not set"))?));
    name.map(held).transpose()
}

fn source(args: &Args, task: &'static Task) -> anyhow::Result<Source> {
    let path = args.data.as_deref().context("--data names no rows")?;
    let wanted = Wanted { config: args.config.clone(), split: args.split.clone() };
    let examples = args.rows.map_or(usize::MAX, |rows| rows as usize);
    Ok(Source {
        files: score::dataset::files(path, &wanted)?,
        task,
        fields: Fields::new(task, args.column.iter().cloned())?,
        limits: Limits { bad_rows: args.bad_rows, ..Limits::first(examples) },
        part: None,
    })
}

fn job(args: &Args, prompts: Vec<load::Prompt>) -> anyhow::Result<Job> {
    let count = u32::try_from(prompts.len()).unwrap_or(u32::MAX);
    Ok(Job {
        url: args.url.clone().expect("answers of a server need --url"),
        model: args.model.clone().expect("--url needs --model"),
        warmup: Vec::new(),
        drain: true,
        arrivals: load::closed_loop(prompts.len()).collect(),
        prompts,
        streams: args.concurrency.min(count).max(1),
        max_streams: None,
        sampling: Sampling { temperature: Some(args.temperature), seed: Some(args.seed), ignore_eos: false },
        timeout: Seconds(args.timeout_s),
        api_key: api_key(args.api_key_env.as_deref())?,
    })
}

fn create(path: &Path) -> anyhow::Result<File> {
    File::create(path).with_context(|| format!("creating {}", path.display()))
}

fn write(file: File, rows: &[Prediction]) -> std::io::Result<()> {
    let mut out = BufWriter::new(file);
    for row in rows {
        writeln!(out, "{}", row.to_row())?;
    }
    out.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()
}

/// A bar over requests.
pub(super) struct Progress<'a>(pub(super) &'a ProgressBar);

impl load::Observer for Progress<'_> {
    fn answered(&self, _failed: bool) {
        self.0.inc(1);
    }
}
