//! The strategies of the quickstart's plan, each as a model on disk: adapted as the plan says, merged, quantised.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use adapt::Job;
use anyhow::{Context, Result};
use model::{quant::Format, tensor::Device};
use plan::{AdaptSpec, Known, Method, Plan};
use score::{TASKS, Task, dataset};
use text::RenderOptions;

/// The quickstart's own plan.
pub(super) fn plan() -> Result<Plan> {
    let known = Known {
        tasks: TASKS.iter().map(|task| task.name).collect(),
        engines: vec!["embedded"],
        meters: Vec::new(),
        marks: score::MARKS.iter().map(|mark| mark.name).collect(),
    };
    plan::parse(plan::quickstart(), Path::new("."), &known).map_err(|problems| anyhow::anyhow!("{problems}"))
}

/// A base, and where what becomes of it is put.
pub(super) struct Workshop<'a> {
    /// The base model's folder.
    pub(super) base: &'a Path,
    /// Where the task sets lie.
    pub(super) data: &'a Path,
    /// A folder to write into.
    pub(super) folder: &'a Path,
    /// Hyper-parameters.
    pub(super) spec: AdaptSpec,
    /// Train rows of a task.
    pub(super) rows: usize,
    /// Of the adapters' first weights and the order of rows.
    pub(super) seed: u64,
}

impl Workshop<'_> {
    /// Adapts the base to a task, merges the adapter, and gives the merged model's folder and the seconds that adaptation took.
    pub(super) fn adapt(&self, task: &'static Task, method: Method) -> Result<(PathBuf, f64)> {
        let name = format!("{}-{}", task.name, method.name());
        let (out, merged) = (self.folder.join(&name), self.folder.join(format!("{name}-f16")));
        let job = Job {
            model: self.base.to_owned(),
            data: self.corpus(task)?,
            out: out.clone(),
            method,
            spec: self.spec.clone(),
            clip: Some(1.0),
            seed: self.seed,
            render: RenderOptions::default(),
            device: Device::Cpu,
        };
        let began = record::clock::now();
        adapt::run(&job, &adapt::Silent)?;
        let seconds = record::clock::now().since(began).get();
        let merge = compress::MergeJob { model: self.base.to_owned(), adapter: out, out: merged.clone() };
        compress::merge(&merge, &compress::Silent)?;
        Ok((merged, seconds))
    }

    /// A model in a format of fewer bits.
    pub(super) fn quantise(&self, model: &Path, format: Format) -> Result<PathBuf> {
        let name = model.file_name().context("a model has a name")?.to_string_lossy();
        let out = self.folder.join(format!("{name}-{}.gguf", format.name()));
        let job = compress::QuantiseJob { model: model.to_owned(), out: out.clone(), format };
        compress::quantise(&job, &compress::Silent)?;
        Ok(out)
    }

    /// The task's train rows as conversations, one a line.
    fn corpus(&self, task: &'static Task) -> Result<PathBuf> {
        let rows = self.data.join(format!("{}.train.jsonl", task.name));
        let path = self.folder.join(format!("{}.jsonl", task.name));
        let mut file = fs::File::create(&path).with_context(|| format!("creating {}", path.display()))?;
        for example in dataset::read(&rows, task, dataset::Limits::first(self.rows))? {
            writeln!(file, "{}", serde_json::to_string(&example.conversation(task.system, None)?)?)?;
        }
        Ok(path)
    }
}
