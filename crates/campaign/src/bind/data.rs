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
        let fields = Fields::new(self.task, self.spec.columns.clone())?;
        let limits = Limits { bad_rows: self.spec.bad_rows as usize, ..Limits::first(most as usize) };
        let read = Source { files: files.clone(), task: self.task, fields, limits, part }.read()?;
        // What a file held is only asked of one that can be read.
        for path in &files {
            if self.facts.files.iter().all(|known| known.path != *path) {
                let digest = record::digest_path(path)?.digest;
                self.facts.files.push(DataFile { path: path.clone(), digest, commit: commit.clone() });
            }
        }
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

#[cfg(test)]
mod tests {
    use plan::Parts;
    use serde_json::json;

    use super::*;

    fn spec(kind: &str, data: DataSpec) -> TaskSpec {
        TaskSpec {
            name: "t".into(),
            kind: kind.into(),
            data,
            columns: [].into(),
            bad_rows: 0,
            train_rows: 100_000,
            eval_rows: 100_000,
            primary: "f1".into(),
            marks: Vec::new(),
            max_tokens: 8,
            max_prompt_tokens: None,
            system: None,
            alpha: 1.0,
        }
    }

    fn read(spec: &TaskSpec, folder: &Path) -> Result<Data> {
        let hub = Hub { cache: folder.to_owned(), online: false, endpoint: None, token: None };
        Shelves { builtin: &quickstart(), hub: &hub, seed: 42 }.read(spec, true)
    }

    fn quickstart() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../edge-eval/quickstart")
    }

    fn ids(rows: &[Example]) -> Vec<&str> {
        rows.iter().map(|row| row.id.as_str()).collect()
    }

    fn line(id: usize, text: &str) -> String {
        json!({"id": id.to_string(), "article": text, "answer": {"text": ["short"]}}).to_string() + "\n"
    }

    /// A data set of the hub's cache, columns of other names, bad rows, repeated ones, and one that both splits have.
    #[test]
    fn rows_of_a_hub_cache_are_kept_apart_and_accounted_for() {
        let cache = tempfile::tempdir().unwrap();
        let repository = cache.path().join("datasets--org--set");
        let snapshot = repository.join("snapshots/abc");
        std::fs::create_dir_all(snapshot.join("data")).unwrap();
        std::fs::create_dir_all(repository.join("refs")).unwrap();
        std::fs::write(repository.join("refs/main"), "abc").unwrap();
        let train = [line(1, "One"), "not json\n".into(), line(2, "Two"), line(2, "Two"), line(3, " HELD  out ")].concat();
        std::fs::write(snapshot.join("data/train-00000-of-00001.jsonl"), train).unwrap();
        std::fs::write(snapshot.join("data/test-00000-of-00001.jsonl"), line(8, "held out") + &line(9, "Nine")).unwrap();
        let rows = |split: &str| Rows {
            from: RowsFrom::Hub { id: "org/set".into(), revision: "main".into() },
            config: None,
            split: Some(split.into()),
        };
        let mut spec = spec("summarization", DataSpec::Apart { train: rows("train"), eval: rows("test") });
        spec.columns = [("document".into(), "article".into()), ("summary".into(), "answer.text".into())].into();
        assert!(read(&spec, cache.path()).is_err_and(|error| error.to_string().contains("`answer.text`")));
        spec.columns = [("prompt".into(), "article".into()), ("references".into(), "answer.text".into())].into();
        spec.kind = "jsonl".into();
        assert!(read(&spec, cache.path()).is_err_and(|error| error.to_string().contains("train-00000-of-00001.jsonl:2")));
        spec.bad_rows = 1;
        let Data { train, held_out, facts } = read(&spec, cache.path()).unwrap();
        assert_eq!((ids(&train), ids(&held_out)), (vec!["1", "2"], vec!["8", "9"]));
        assert_eq!((facts.train_rows, facts.eval_rows, facts.repeated, facts.held_out_too, facts.bad.len()), (2, 2, 1, 1, 1));
        let files: Vec<_> = facts.files.iter().map(|file| (file.digest.len(), file.commit.as_deref())).collect();
        assert_eq!(files, [(64, Some("abc")), (64, Some("abc"))]);
        let told = warnings(&facts);
        assert_eq!(told.len(), 3);
        assert!(told[0].starts_with("t: 1 rows are left out because they are not what its rows are, the first: "), "{told:?}");
        spec.data = DataSpec::Apart { train: rows("test"), eval: rows("test") };
        assert!(matches!(read(&spec, cache.path()), Err(Error::NothingToTrainOn { rows: 2, .. })));
    }

    /// Split by question, as the paper splits it, most passages of SQuAD are trained on; no question is.
    #[test]
    fn parts_of_squad_share_no_question() {
        let squad = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/squad/dev-v1.1.json");
        if !squad.exists() {
            println!("skipped: ../shared/data is absent");
            return;
        }
        let parts = Parts { train: 70, validation: 15 };
        let spec = spec("rag", DataSpec::Parts { rows: Rows::at(squad), parts });
        let Data { train, held_out, facts } = read(&spec, Path::new("/nonexistent")).unwrap();
        assert!(score::overlap(&train, &held_out).is_clean());
        let all = 10_570.0;
        let share = |rows: usize| rows as f64 / all;
        assert!((share(facts.train_rows + facts.held_out_too) - 0.70).abs() < 0.02 && (share(facts.eval_rows) - 0.15).abs() < 0.02);
        assert!(facts.documents_trained_on as f64 > 0.9 * facts.eval_rows as f64, "{facts:?}");
        assert_eq!(facts.files.len(), 1);
    }

    #[test]
    fn long_documents_are_cut_and_the_question_stays_whole() {
        let words = || vec![Words::of(&quickstart().join("model")).unwrap()];
        let apart = DataSpec::Apart { train: Rows::builtin(), eval: Rows::builtin() };
        let Data { held_out, .. } = read(&spec("rag", apart), Path::new("/nonexistent")).unwrap();
        let long = held_out.iter().max_by_key(|row| row.document().map(str::len)).unwrap();
        let whole = fitted(long, "Be brief.", None).unwrap();
        let tokens = |item: &Item| {
            let messages = item.messages.iter().map(|message| (message.role.name(), message.content.as_str()));
            words()[0].prompt(messages).and_then(|prompt| words()[0].tokens(&prompt)).unwrap()
        };
        let most = tokens(&whole) - 5;
        let cut = fitted(long, "Be brief.", Some(&Fit { most, words: words() })).unwrap();
        assert!(tokens(&cut) <= most && tokens(&cut) + 6 >= most && cut.cut > 0, "{} of {most}", tokens(&cut));
        let question = |item: &Item| item.messages.last().unwrap().content.rsplit("\n\n").next().unwrap().to_owned();
        assert_eq!(question(&cut), question(&whole));
        let error = fitted(long, "Be brief.", Some(&Fit { most: 3, words: words() })).unwrap_err();
        assert!(matches!(error, Error::PromptTooLong { most: 3, .. }), "{error}");
        let mut facts = DataFacts::default();
        items(&held_out, "Be brief.", Some(&Fit { most, words: words() }), &mut facts).unwrap();
        assert!(facts.cut >= 1);
    }
}
