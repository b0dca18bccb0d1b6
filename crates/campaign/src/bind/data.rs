//! The rows of a task: found on disk or on the hub, read, the training rows kept apart from the held-out ones, prompts cut to fit.

use std::path::{Path, PathBuf};

use hub::Hub;
use plan::{DataSpec, Rows, RowsFrom, TaskSpec};
use record::{DataFacts, DataFile};
use score::{Example, Fields, Item, Limits, Part, Source, Split, dataset};
use serve::Words;

use crate::error::{Error, Result};

/// The rows of a task.
pub(super) struct Data {
    pub(super) train: Vec<Example>,
    pub(super) held_out: Vec<Example>,
    pub(super) facts: DataFacts,
}

/// Where rows are looked for.
pub(super) struct Shelves<'a> {
    /// The quickstart's folder.
    pub(super) builtin: &'a Path,
    pub(super) hub: &'a Hub,
    /// Seed of a split into parts.
    pub(super) seed: u64,
}

impl Shelves<'_> {
    /// Reads the rows of a task; those to train on only where something is adapted.
    ///
    /// # Errors
    /// Rows that cannot be found or read; or no training row that is not held out.
    pub(super) fn read(&self, spec: &TaskSpec, adapts: bool) -> Result<Data> {
        let task = score::tasks::find(&spec.kind)?;
        let mut reading = Reading { shelves: self, spec, task, facts: DataFacts { task: spec.name.clone(), ..DataFacts::default() } };
        let ((eval, eval_part), (train, train_part)) = match &spec.data {
            DataSpec::Apart { train, eval } => ((eval, None), (train, None)),
            DataSpec::Parts { rows, parts } => {
                let split = Split { seed: self.seed, train: parts.train, validation: parts.validation };
                ((rows, Some((split, Part::Test))), (rows, Some((split, Part::Train))))
            }
        };
        let held_out = reading.rows(eval, "heldout", spec.eval_rows, eval_part)?;
        let mut data = Data { train: Vec::new(), held_out, facts: DataFacts::default() };
        if adapts {
            let rows = reading.rows(train, "train", spec.train_rows, train_part)?;
            reading.facts.documents_trained_on = score::overlap(&rows, &data.held_out).documents;
            let (apart, held_out_too) = score::keep_apart(rows, &data.held_out);
            if apart.is_empty() {
                return Err(Error::NothingToTrainOn { task: spec.name.clone(), rows: held_out_too });
            }
            reading.facts.held_out_too = held_out_too;
            data.train = apart;
        }
        (reading.facts.train_rows, reading.facts.eval_rows) = (data.train.len(), data.held_out.len());
        Ok(Data { facts: reading.facts, ..data })
    }
}

/// What a reader of the results must know of a task's rows.
pub(crate) fn warnings(facts: &DataFacts) -> Vec<String> {
    let DataFacts { task, bad, repeated, held_out_too, documents_trained_on, cut, eval_rows, .. } = facts;
    let mut all = Vec::new();
    let mut say = |count: usize, text: String| {
        if count > 0 {
            all.push(format!("{task}: {text}"));
        }
    };
    let first = bad.first().map_or("", String::as_str);
    say(bad.len(), format!("{} rows are left out because they are not what its rows are, the first: {first}", bad.len()));
    say(*repeated, format!("{repeated} rows are left out because one before has their id"));
    say(*held_out_too, format!("{held_out_too} training rows are held out too, by id or by text; they are not trained on"));
    let passages = "are about a document that is trained on under another question: no unseen passages";
    say(*documents_trained_on, format!("{documents_trained_on} of {eval_rows} scored rows {passages}"));
    say(*cut, format!("{cut} of {eval_rows} scored prompts are cut to the plan's max_prompt_tokens"));
    all
}

/// One task being read.
struct Reading<'a> {
    shelves: &'a Shelves<'a>,
    spec: &'a TaskSpec,
    task: &'static score::Task,
    facts: DataFacts,
}

impl Reading<'_> {
    fn rows(&mut self, rows: &Rows, part_of_builtin: &str, most: u32, part: Option<(Split, Part)>) -> Result<Vec<Example>> {
        let (files, commit) = self.files(rows, part_of_builtin)?;
        for path in &files {
            if self.facts.files.iter().all(|known| known.path != *path) {
                let digest = record::digest_path(path)?.digest;
                self.facts.files.push(DataFile { path: path.clone(), digest, commit: commit.clone() });
            }
        }
        let fields = Fields::new(self.task, self.spec.columns.clone())?;
        let limits = Limits { bad_rows: self.spec.bad_rows as usize, ..Limits::first(most as usize) };
        let read = Source { files, task: self.task, fields, limits, part }.read()?;
        self.facts.bad.extend(read.bad.iter().map(ToString::to_string));
        self.facts.repeated += read.repeated;
        Ok(read.examples)
    }

    /// The files of the rows, and the commit they belong to where they are the hub's.
    fn files(&self, rows: &Rows, part_of_builtin: &str) -> Result<(Vec<PathBuf>, Option<String>)> {
        let wanted = dataset::Wanted { config: rows.config.clone(), split: rows.split.clone() };
        match &rows.from {
            RowsFrom::Builtin => {
                let name = format!("{}.{part_of_builtin}.jsonl", self.spec.kind);
                Ok((vec![self.shelves.builtin.join("data").join(name)], None))
            }
            RowsFrom::Path(path) => Ok((dataset::files(path, &wanted)?, None)),
            RowsFrom::Hub { id, revision } => {
                let choose = |names: &[String]| dataset::choose(id, names, &wanted).map_err(Error::from);
                let found = self.shelves.hub.data_set(id, revision, choose, &hub::Silent)?;
                Ok((found.files, Some(found.commit)))
            }
        }
    }
}

/// The items to score, their prompts of at most so many tokens of every model's own.
///
/// # Errors
/// A question that is too long by itself; a conversation that a model's template refuses.
pub(super) fn items(held_out: &[Example], system: &str, fit: Option<&Fit>, facts: &mut DataFacts) -> Result<Vec<Item>> {
    let items = held_out.iter().map(|example| fitted(example, system, fit)).collect::<Result<Vec<_>>>()?;
    facts.cut = items.iter().filter(|item| item.cut > 0).count();
    Ok(items)
}

/// A limit of prompts in tokens.
pub(super) struct Fit {
    pub(super) most: usize,
    /// Of every model that the items are put to: the same items for all, so that their marks can be paired.
    pub(super) words: Vec<Words>,
}

impl Fit {
    /// By how many tokens the longest rendering of an item is over the limit; `None` where it fits.
    fn over(&self, item: &Item) -> Result<Option<usize>> {
        let mut most = 0;
        for words in &self.words {
            let prompt = words.prompt(item.messages.iter().map(|message| (message.role.name(), message.content.as_str())))?;
            most = most.max(words.tokens(&prompt)?);
        }
        Ok((most > self.most).then_some(most))
    }
}

/// The item, with as much of its document or of its exchanges as fits.
pub(super) fn fitted(example: &Example, system: &str, fit: Option<&Fit>) -> Result<Item> {
    let whole = example.item(system, None)?;
    let Some(fit) = fit else { return Ok(whole) };
    let Some(tokens) = fit.over(&whole)? else { return Ok(whole) };
    // The most characters that fit, by halving: what is kept grows with the budget.
    let (mut low, mut high) = (0, whole.messages.iter().map(|message| message.content.chars().count()).sum::<usize>());
    let mut best = None;
    while low < high {
        let middle = low.midpoint(high);
        match example.item(system, Some(middle)) {
            Ok(item) if fit.over(&item)?.is_none() => {
                best = Some(item);
                low = middle + 1;
            }
            Ok(_) => high = middle,
            // What must not be cut is longer.
            Err(_) => low = middle + 1,
        }
    }
    best.ok_or_else(|| Error::PromptTooLong { id: example.id.clone(), tokens, most: fit.most })
}
