//! From the plan as written to the plan as meant: words are looked up, ranges checked, conventions filled in, paths
//! resolved. Every fault is reported before the first `?`, so that one reading tells them all.
//!
//! The defaults are the paper's (Mohammad et al., ACL 2026 Industry, section 3: rank 16, α 32, 100 requests at batch 1,
//! power every 100 ms; its code: dropout 0.05, all seven projections, learning rate 2e-4, one epoch, effective batch 8,
//! gradient checkpointing, 20 runs), and where it is silent those of Hugging Face's `Trainer` (linear decay, no warm-up,
//! no weight decay). What money, power or carbon costs has no default.

mod command;
mod engine;
mod meter;
mod prices;
mod quality;
mod task;

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use crate::{
    AdaptSpec, AdapterUse, Gives, Known, LoadSpec, Lr, ModelSource, ModelSpec, Plan, Schedule, Strategy,
    problem::Fault,
    reader::{Field, Place},
    value::{OneOrMore, quoted},
    written,
};

/// The projections that carry adapters, in the order of the forward pass; by default all of them do.
pub const TARGET_MODULES: &[&str] = &["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"];

/// The data path that stands for the quickstart's own rows.
pub const BUILTIN: &str = "builtin";

/// Longest name of a model, task or run, in characters.
const LONGEST_NAME: usize = 64;
/// More of anything than a plan can mean: rows, requests, steps.
const MANY: u32 = 100_000_000;
/// Most serving runs of a plan, over all cells.
const MOST_RUNS: usize = 1_000_000;

/// Converts the whole plan; `None` when something was reported.
pub(crate) fn plan(written: written::Plan<'_>, base: &Path, known: &Known<'_>) -> Option<Plan> {
    let root = written.place;
    let name = written.name.check(file_name).required();
    let seed = written.seed.or(42);
    let runs = written.runs.within(1, 10_000).or(20);
    let strategies = written.strategies.and_then(strategies);
    let models = all(written.models, |m| model(m, base), |m| format!("model {:?}", m.label()));
    let tasks = all(written.tasks, |t| task::task(t, base, known), |t| format!("task {:?}", t.name));
    let compress = engine::default_command(written.compress, base);
    let default = compress.as_ref().and_then(Option::as_ref);
    let engines = all(written.engines, |e| engine::engine(e, base, known, default), |e| format!("engine {:?}", e.label()));
    let adapt = adapt(written.adapt, base);
    let load = load(written.load);
    let slo = written.slo.map_or(Some(None), |w| prices::slo(w).map(Some));
    let quality = quality::quality(written.quality);
    let judge = written.judge.map_or(Some(None), |w| quality::judge(w).map(Some));
    let nli = written.nli.map_or(Some(None), |w| quality::nli(w, base).map(Some));
    let meter = meter::meter(written.meter, base, known);
    let prices = prices::prices(written.prices, base);
    compress?;
    let plan = Plan {
        name: name?,
        seed: seed?,
        runs: runs?,
        models: models?,
        tasks: tasks?,
        strategies: strategies?,
        engines: engines?,
        adapt: adapt?,
        load: load?,
        slo: slo?,
        quality: quality?,
        judge: judge?,
        nli: nli?,
        meter: meter?,
        prices: prices?,
    };
    (bounded(&plan, &root) & coherent(&plan, &root) & quality::raters(&plan, &root)).then_some(plan)
}

/// Reports stages that cannot follow each other.
fn coherent(plan: &Plan, root: &Place<'_>) -> bool {
    let gives_folder = plan.adapt.command.as_ref().is_some_and(|command| command.gives == Gives::Folder);
    let apart = plan.engines.iter().find(|engine| gives_folder && engine.adapter == AdapterUse::Apart);
    if let Some(engine) = apart {
        let message = format!("engine {:?} takes adapters apart, and the command of [adapt] gives a whole model", engine.label());
        root.report(Fault::Conflict { message, mend: "leave adapter = \"apart\" out, or have the command give an adapter".into() });
    }
    let empty = plan.strategies.iter().all(|&strategy| !plan.engines.iter().any(|engine| engine.takes(strategy)));
    if empty {
        let message = "no cell is left: no engine takes one of the strategies".into();
        root.report(Fault::Conflict { message, mend: "add a strategy to the plan, or to an engine's strategies".into() });
    }
    apart.is_none() && !empty
}

/// Reports a grid that is too large to be meant.
fn bounded(plan: &Plan, root: &Place<'_>) -> bool {
    let sides = [plan.models.len(), plan.tasks.len(), plan.strategies.len(), plan.engines.len(), plan.runs as usize];
    let runs = sides.into_iter().fold(1, usize::saturating_mul);
    if runs > MOST_RUNS {
        let message = format!("{runs} serving runs in all, more than {MOST_RUNS}");
        root.report(Fault::Conflict { message, mend: "split the plan, or lower runs".into() });
    }
    runs <= MOST_RUNS
}

/// Converts each section and reports names that come twice.
fn all<'a, W, T>(written: Vec<W>, mut convert: impl FnMut(W) -> (Place<'a>, Option<T>), name: impl Fn(&T) -> String) -> Option<Vec<T>> {
    let mut lines = HashMap::new();
    let mut whole = !written.is_empty();
    let mut meant = Vec::with_capacity(written.len());
    for section in written {
        let (place, Some(element)) = convert(section) else {
            whole = false;
            continue;
        };
        whole &= unique(&mut lines, &place, name(&element));
        meant.push(element);
    }
    whole.then_some(meant)
}

fn unique(lines: &mut HashMap<String, usize>, place: &Place<'_>, name: String) -> bool {
    match lines.get(&name) {
        Some(&first) => {
            place.report(Fault::Duplicate { name, first });
            false
        }
        None => lines.insert(name, place.line).is_none(),
    }
}

fn strategies(written: Vec<Field<'_, String>>) -> Option<Vec<Strategy>> {
    let known: Vec<&str> = Strategy::ALL.iter().map(|s| s.name()).collect();
    let find = |word: &str| Strategy::ALL.iter().find(|s| s.name() == word).copied();
    words(written, "strategy", &known, find)
}

/// A list of words out of `known`, none of them twice.
fn words<T>(written: Vec<Field<'_, String>>, noun: &'static str, known: &[&str], find: impl Fn(&str) -> Option<T>) -> Option<Vec<T>> {
    let convert = |field| known_word(field, noun, known);
    let words = all(written, convert, |word| format!("{noun} {word:?}"))?;
    words.iter().map(|word| find(word)).collect()
}

fn known_word<'a>(field: Field<'a, String>, noun: &'static str, known: &[&str]) -> (Place<'a>, Option<String>) {
    (field.place.clone(), field.one_of(noun, known).good())
}

fn model<'a>(w: written::Model<'a>, base: &Path) -> (Place<'a>, Option<ModelSpec>) {
    let family = w.family.check(label).required();
    let tier = w.tier.check(label).required();
    let source = source(&w.place, w.source, base);
    (w.place, family.zip(tier).zip(source).map(|((family, tier), source)| ModelSpec { family, tier, source }))
}

/// Exactly one of the four ways to name weights.
fn source(place: &Place<'_>, w: written::Source<'_>, base: &Path) -> Option<ModelSource> {
    let mend = "give exactly one of: path, hub, weights = \"random\" (with config), builtin = true";
    let asked = [
        ("path", w.path.is_written()),
        ("hub", w.hub.is_written()),
        ("weights", w.weights.is_written()),
        ("builtin", w.builtin.is_written()),
    ];
    let asked: Vec<&str> = asked.into_iter().filter_map(|(key, written)| written.then_some(key)).collect();
    if asked.len() != 1 {
        let message = if asked.is_empty() { "no weights named".into() } else { format!("weights named twice, by {}", asked.join(" and ")) };
        place.report(Fault::Conflict { message, mend: mend.into() });
    }
    belongs(&w.revision, w.hub.is_written(), "hub");
    belongs(&w.config, w.weights.is_written(), "weights = \"random\"");
    let hub = w.hub.check(hub_id);
    let weights = w.weights.one_of("kind of weights", &["random"]);
    let builtin = w.builtin.check(|&on| (!on).then(|| Fault::OutOfRange { found: "false".into(), allowed: "true, or left out".into() }));
    match asked.as_slice() {
        ["path"] => Some(ModelSource::Path(base.join(w.path.good()?))),
        ["hub"] => {
            let revision = w.revision.check(not_empty).or("main".into());
            Some(ModelSource::Hub { id: hub.good()?, revision: revision? })
        }
        ["weights"] => {
            let config = w.config.required();
            weights.good()?;
            Some(ModelSource::Random(base.join(config_folder(config?))))
        }
        ["builtin"] => builtin.good().map(|_| ModelSource::Builtin),
        _ => None,
    }
}

/// Reports a key whose partner is not there.
fn belongs<T>(field: &Field<'_, T>, partner: bool, name: &str) {
    if field.is_written() && !partner {
        let mend = format!("add {name}, or remove this key");
        field.place.report(Fault::Conflict { message: format!("means nothing without {name}"), mend });
    }
}

/// The folder of a `config.json` that is named itself.
fn config_folder(path: PathBuf) -> PathBuf {
    match path.parent() {
        Some(folder) if path.file_name().is_some_and(|name| name == "config.json") => folder.to_owned(),
        _ => path,
    }
}

fn adapt(w: written::Adapt<'_>, base: &Path) -> Option<AdaptSpec> {
    let run = w.command.run_place();
    let command = command::adapt(w.command, base);
    let rank = w.rank.within(1, 4096).or(16);
    let alpha = w.alpha.positive(1e6).or(32.0);
    let dropout = w.dropout.within(0.0, 0.99).or(0.05);
    let target_modules = match w.target_modules {
        Some(modules) => words(modules, "module", TARGET_MODULES, |word| Some(word.to_owned())),
        None => Some(TARGET_MODULES.iter().map(ToString::to_string).collect()),
    };
    let lr = learning_rate(w.lr, w.warmup_ratio, w.schedule);
    if w.epochs.is_written() && w.steps.is_written() {
        let message = "both epochs and steps say how long to train".into();
        w.steps.place.report(Fault::Conflict { message, mend: "keep one of the two".into() });
    }
    let epochs = w.epochs.positive(10_000.0).or(1.0);
    let steps = w.steps.within(1, MANY).optional();
    let batch = w.batch.within(1, 65_536).or(4);
    let accumulation = w.accumulation.within(1, 65_536).or(2);
    let max_length = w.max_length.within(8, 1_048_576).or(1024);
    let checkpointing = w.checkpointing.or(true);
    let packing = w.packing.or(false);
    let threads = w.threads.within(1, 1024).optional();
    let weight_decay = w.weight_decay.within(0.0, 1.0).or(0.0);
    let spec = AdaptSpec {
        rank: rank?,
        alpha: alpha?,
        dropout: dropout?,
        target_modules: target_modules?,
        lr: lr?,
        epochs: epochs?,
        steps: steps?,
        batch: batch?,
        accumulation: accumulation?,
        max_length: max_length?,
        checkpointing: checkpointing?,
        packing: packing?,
        threads: threads?,
        weight_decay: weight_decay?,
        command: command?,
    };
    command::check_adapt(&spec, &run).then_some(spec)
}

fn learning_rate(peak: Field<'_, f64>, warmup_ratio: Field<'_, f64>, schedule: Field<'_, String>) -> Option<Lr> {
    let peak = peak.positive(1.0).or(2e-4);
    let warmup_ratio = warmup_ratio.within(0.0, 1.0).or(0.0);
    let names: Vec<&str> = Schedule::ALL.iter().map(|s| s.name()).collect();
    let schedule = schedule.one_of("schedule", &names).or(Schedule::Linear.name().into());
    let schedule = Schedule::ALL.iter().find(|s| schedule.as_deref() == Some(s.name()));
    Some(Lr { peak: peak?, warmup_ratio: warmup_ratio?, schedule: *schedule? })
}

fn load(w: written::Load<'_>) -> Option<LoadSpec> {
    let concurrency = w.concurrency.check(levels).or(OneOrMore(vec![1]));
    let requests = w.requests.within(1, MANY).or(100);
    let warmup = w.warmup.within(0, MANY).or(4);
    let output_tokens = w.output_tokens.within(1, 1_000_000).or(128);
    let timeout_s = w.timeout_s.positive(86_400.0).or(120.0);
    let levels = concurrency?.0;
    let (&concurrency, sweep) = levels.split_first()?;
    let sweep = sweep.to_vec();
    Some(LoadSpec { concurrency, sweep, requests: requests?, warmup: warmup?, output_tokens: output_tokens?, timeout_s: timeout_s? })
}

/// Most levels of concurrency of a plan.
const MOST_LEVELS: usize = 64;
/// Highest level of concurrency.
const MOST_CONCURRENT: u32 = 65_536;

/// Levels of concurrency: one or some, each in its range, none twice.
fn levels(OneOrMore(levels): &OneOrMore) -> Option<Fault> {
    let fits = |level: &u32| (1..=MOST_CONCURRENT).contains(level);
    let twice = |(i, level): (usize, &u32)| levels[..i].contains(level);
    let bad = levels.is_empty() || levels.len() > MOST_LEVELS || !levels.iter().all(fits) || levels.iter().enumerate().any(twice);
    let found = if let [level] = levels.as_slice() { level.to_string() } else { quoted(&format!("{levels:?}")) };
    let allowed = format!("from 1 to {MOST_CONCURRENT}, or a list of up to {MOST_LEVELS} such levels, none of them twice");
    bad.then_some(Fault::OutOfRange { found, allowed })
}

/// A name that tables show: short, in one line.
#[expect(clippy::ptr_arg, reason = "a check takes the field's own type")]
fn label(name: &String) -> Option<Fault> {
    let fits = !name.trim().is_empty() && name.chars().count() <= LONGEST_NAME && !name.chars().any(char::is_control);
    let allowed = format!("1 to {LONGEST_NAME} characters in one line");
    (!fits).then(|| Fault::OutOfRange { found: format!("{:?}", quoted(name)), allowed })
}

/// A name that a folder can bear on any system.
#[expect(clippy::ptr_arg, reason = "a check takes the field's own type")]
fn file_name(name: &String) -> Option<Fault> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let fits = !name.is_empty() && name.len() <= LONGEST_NAME && name.chars().all(plain) && !name.starts_with('.');
    let allowed = format!("a folder name: 1 to {LONGEST_NAME} of a-z A-Z 0-9 - _ . and no leading dot");
    (!fits).then(|| Fault::OutOfRange { found: format!("{:?}", quoted(name)), allowed })
}

#[expect(clippy::ptr_arg, reason = "a check takes the field's own type")]
fn hub_id(id: &String) -> Option<Fault> {
    let part = |p: &str| !p.is_empty() && p != ".." && p.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    let parts: Vec<&str> = id.split('/').collect();
    let fits = parts.len() == 2 && parts.into_iter().all(part);
    (!fits).then(|| Fault::OutOfRange {
        found: format!("{:?}", quoted(id)),
        allowed: "a hub id such as \"Qwen/Qwen2.5-1.5B-Instruct\"".into(),
    })
}

#[expect(clippy::ptr_arg, reason = "a check takes the field's own type")]
fn not_empty(text: &String) -> Option<Fault> {
    text.trim().is_empty().then(|| Fault::OutOfRange { found: "\"\"".into(), allowed: "a text that says something".into() })
}
