//! The plan bound to this machine: models found and digested, rows read and rendered, every stage with its key. Nothing is run.

mod check;
mod data;

use std::path::PathBuf;

use hub::{Hub, Require, Source};
use load::ApiKey;
use plan::{CommandSpec, EngineSpec, ModelSource, Plan, StageGraph, TaskSpec, keys::Digests};
use record::DataFacts;
use score::Item;
use serve::Words;

use self::data::{Data, Fit, Shelves};
use crate::{builds::Builds, error::Error};

/// Where things are that a plan does not say.
#[derive(Clone, Debug)]
pub struct Places {
    /// This program's own executable: the stages are its subcommands.
    pub program: PathBuf,
    /// The quickstart's folder: `model/`, and `data/<kind>.{train,heldout}.jsonl`.
    pub builtin: PathBuf,
    /// How hub ids are found.
    pub hub: Hub,
    /// Folders in which programs are looked for.
    pub search_path: Vec<PathBuf>,
    /// The value of an environment variable that holds a secret.
    pub secret: fn(&str) -> Option<String>,
    /// Where the load client's certificate of this machine is kept between campaigns; `None` keeps none.
    pub certificate: Option<PathBuf>,
}

impl Places {
    /// The API key that a variable of the environment holds; none where none is named.
    pub(crate) fn api_key(&self, variable: Option<&str>) -> Result<Option<ApiKey>, Error> {
        let held = |name: &str| (self.secret)(name).map(ApiKey::new).ok_or_else(|| Error::NoSecret { name: name.to_owned() });
        variable.map(held).transpose()
    }
}

/// A message as the load client puts it.
pub(crate) fn said(message: &score::Message) -> load::Message {
    load::Message { role: message.role.name().to_owned(), content: message.content.clone() }
}

/// A model whose files are here.
#[derive(Clone, Debug)]
pub struct BoundModel {
    /// The folder or GGUF file; for random weights the folder with `config.json`.
    pub path: PathBuf,
    /// Digest of its files.
    pub digest: String,
    /// Whether its weights are made up: then its answers mean nothing.
    pub random: bool,
}

/// A task whose rows are read.
#[derive(Clone, Debug)]
pub struct BoundTask {
    /// What adaptation reads, one conversation a line; empty when the plan adapts nothing.
    pub corpus: String,
    /// What is asked and scored.
    pub items: Vec<Item>,
    /// The document that each of the items is about, where it is about one.
    pub premises: Vec<Option<String>>,
    /// What was read.
    pub facts: DataFacts,
    /// The task as `score` knows it.
    pub task: &'static score::Task,
}

impl BoundTask {
    /// What a reader of the results must know of its rows.
    pub(crate) fn warnings(&self) -> Vec<String> {
        data::warnings(&self.facts)
    }
}

/// A plan with everything it names at hand.
#[derive(Debug)]
pub struct Bound {
    /// The plan.
    pub plan: Plan,
    /// Its stages.
    pub graph: StageGraph,
    /// The key of each of the graph's stages.
    pub keys: Vec<String>,
    /// In the plan's order.
    pub models: Vec<BoundModel>,
    /// In the plan's order.
    pub tasks: Vec<BoundTask>,
    /// The cross-encoder, where the plan has one.
    pub nli: Option<BoundModel>,
}

/// Binds a plan. Everything that can be found wrong without running a stage is found here, and told at once.
///
/// # Errors
/// Models or data sets that cannot be found or read, engines' options, what an engine or a model is not made for, or training rows that are
/// also scored: [`Error::Several`] where there is more than one.
pub fn bind(plan: Plan, places: &Places) -> Result<Bound, Error> {
    let graph = plan.stages();
    let adapts = graph.count(plan::StageKind::Adapt) > 0;
    let mut problems = Vec::new();
    sound(plan.engines.iter().map(check::engine), &mut problems);
    let shelves = Shelves { builtin: &places.builtin, hub: &places.hub, seed: plan.seed };
    let rows = sound(plan.tasks.iter().map(|spec| shelves.read(spec, adapts)), &mut problems);
    // No model is downloaded for a plan that is refused anyway.
    let is_refused = !problems.is_empty();
    let looked_for = plan.models.iter().filter(|spec| !(is_refused && matches!(spec.source, ModelSource::Hub { .. })));
    let models = sound(looked_for.map(|spec| bind_source(&spec.source, plan.seed, places)), &mut problems);
    let nli = plan.nli.iter().filter(|spec| !(is_refused && matches!(spec.source, ModelSource::Hub { .. })));
    let nli = sound(nli.map(|spec| bind_source(&spec.source, plan.seed, places)), &mut problems).pop();
    if models.len() == plan.models.len() {
        problems.extend(check::models(&plan, &graph, &models).err());
    }
    Error::of(std::mem::take(&mut problems))?;
    let tasks = sound(plan.tasks.iter().zip(rows).map(|(spec, rows)| bind_task(spec, rows, fit(spec, &models)?.as_ref())), &mut problems);
    Error::of(problems)?;
    let mut builds = Builds::new(places);
    let digests = Digests {
        models: models.iter().map(|model| Some(model.digest.clone())).collect(),
        train: tasks.iter().map(|task| Some(digest(task.corpus.as_bytes()))).collect(),
        eval: tasks.iter().map(|task| Some(digest(&items_text(&task.items)))).collect(),
        nli: nli.as_ref().map(|model| model.digest.clone()),
        adapt_command: plan.adapt.command.as_ref().map(command_files).transpose()?.flatten(),
        compress_commands: plan.engines.iter().map(compress_files).collect::<Result<_, _>>()?,
        engines: plan.engines.iter().map(|engine| builds.of(engine)).collect::<Result<_, _>>()?,
    };
    let keys = graph.keys(&plan, &digests).into_iter().map(|key| key.expect("every digest is known")).collect();
    Ok(Bound { plan, graph, keys, models, tasks, nli })
}

/// What is sound; what is not joins the problems.
fn sound<T>(results: impl Iterator<Item = Result<T, Error>>, problems: &mut Vec<Error>) -> Vec<T> {
    results.filter_map(|result| result.map_err(|problem| problems.push(problem)).ok()).collect()
}

fn compress_files(engine: &EngineSpec) -> Result<Option<String>, Error> {
    Ok(engine.command().map(command_files).transpose()?.flatten())
}

/// Digest of the files that a command names beside the plan; one that is not there is not the plan's, and may be one the command makes.
fn command_files(command: &CommandSpec) -> Result<Option<String>, Error> {
    let files = command.files();
    let there = files.iter().filter(|path| path.exists());
    let digests: Vec<String> = there.map(|path| Ok(record::digest_path(path)?.digest)).collect::<Result<_, Error>>()?;
    Ok((!digests.is_empty()).then(|| digest(digests.join(" ").as_bytes())))
}

/// What decides the answers: prompts and references, in order.
pub(crate) fn items_text(items: &[Item]) -> Vec<u8> {
    let rows: Vec<_> = items.iter().map(|item| (&item.id, &item.messages, &item.references)).collect();
    serde_json::to_vec(&rows).expect("texts always have a JSON form")
}

pub(crate) fn digest(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}

fn bind_source(source: &ModelSource, seed: u64, places: &Places) -> Result<BoundModel, Error> {
    let (source, require, random) = match source {
        ModelSource::Path(path) => (Source::Path(path.clone()), Require::Model, false),
        ModelSource::Hub { id, revision } => (Source::Hub { id: id.clone(), revision: revision.clone() }, Require::Model, false),
        ModelSource::Random(path) => (Source::Path(path.clone()), Require::Config, true),
        ModelSource::Builtin => (Source::Path(places.builtin.join("model")), Require::Model, false),
    };
    let resolved = places.hub.resolve(&source, require, &hub::Silent)?;
    let mut digest = record::digest_path(&resolved.path)?.digest;
    if random {
        // The weights are the shape's and the seed's.
        digest = self::digest(format!("{digest} {seed}").as_bytes());
    }
    Ok(BoundModel { path: resolved.path, digest, random })
}

fn bind_task(spec: &TaskSpec, rows: Data, fit: Option<&Fit>) -> Result<BoundTask, Error> {
    let task = score::tasks::find(&spec.kind)?;
    let system = spec.system.as_deref().unwrap_or(task.system);
    let Data { train, held_out, mut facts } = rows;
    let items = data::items(&held_out, system, fit, &mut facts)?;
    let premises = held_out.iter().map(|example| example.document().map(str::to_owned)).collect();
    let mut corpus = String::new();
    for example in &train {
        let conversation = data::fitted(example, system, fit)?.answered();
        corpus += &serde_json::to_string(&conversation).expect("texts always have a JSON form");
        corpus.push('\n');
    }
    Ok(BoundTask { corpus, items, premises, facts, task })
}

/// The limit of a task's prompts, where it has one: in tokens of each of the models.
fn fit(spec: &TaskSpec, models: &[BoundModel]) -> Result<Option<Fit>, Error> {
    let Some(most) = spec.max_prompt_tokens else { return Ok(None) };
    let words = models.iter().map(|model| Words::of(&model.path)).collect::<Result<_, _>>()?;
    Ok(Some(Fit { most: most as usize, words }))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn places(folder: &Path) -> Places {
        let hub = Hub { cache: folder.to_owned(), online: false, endpoint: None, token: None };
        let (program, builtin) = (folder.join("edge-eval"), folder.to_owned());
        Places { program, builtin, hub, search_path: Vec::new(), secret: |_| None, certificate: None }
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once() {
        let known = plan::Known {
            tasks: vec!["summarization", "rag", "chat"],
            engines: vec!["embedded"],
            meters: vec!["modelled"],
            marks: vec!["f1", "rouge_l", "exact_match"],
        };
        let mut plan = plan::parse(plan::quickstart(), Path::new("."), &known).unwrap();
        plan.tasks.truncate(1);
        plan.tasks[0].data = plan::DataSpec::Apart { train: plan::Rows::builtin(), eval: plan::Rows::at("/nonexistent/rows.jsonl") };
        let first = plan.models[0].clone();
        let model = |source| plan::ModelSpec { source, ..first.clone() };
        let path = |name: &str| model(ModelSource::Path(name.into()));
        plan.models = vec![path("/nonexistent/one"), path("/nonexistent/two")];
        let folder = tempfile::tempdir().unwrap();
        let Err(Error::Several(problems)) = bind(plan.clone(), &places(folder.path())) else { panic!("it was bound") };
        let text = Error::Several(problems).to_string();
        assert!(text.starts_with("3 problems:\n  ") && text.contains("\n    hint: "), "{text}");
        for name in ["rows.jsonl", "nonexistent/one", "nonexistent/two"] {
            assert!(text.contains(name), "{name}: {text}");
        }
        // A hub is not asked for a plan that is refused anyway; the only problem is told as it is.
        plan.models = vec![model(ModelSource::Hub { id: "some/model".into(), revision: "main".into() })];
        assert!(matches!(bind(plan, &places(folder.path())), Err(Error::Score(_))));
    }
}
