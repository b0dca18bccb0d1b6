//! The answers of a scored pass, rated by a model: a judge behind an endpoint, or a cross-encoder that runs here as a stage of ours. No answer
//! is made here.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    fs,
    os::unix::process::ExitStatusExt,
    path::Path,
    process::ExitStatus,
};

use plan::{LongPairs, Stage, StageKind};
use record::{Detail, ItemMark, MemoryPeak, RateFacts, Request, clock};
use score::{Item, judge::PROMPT_VERSION, marks::NLI_MARKS};
use units::{Reading, Seconds};

use super::{Context, Run, Runs, Seen, rows};
use crate::{
    bind::BoundTask,
    error::{Error, Result},
    judge::{self, Judge, Rated, Tokens},
    process::{CommandLine, Ended},
};

/// Ratings of a judge.
pub(super) fn judge(context: &mut Context<'_>, stage: &Stage) -> Run {
    let begun = clock::now();
    let spec = context.bound.plan.judge.as_ref().expect("a judge's stage is planned where the plan has a judge");
    let rated = rate(context, stage);
    let (detail, fault) = match rated {
        Ok(rated) => (facts(&spec.model, &rated), None),
        Err(fault) => (Ok(Detail::Nothing), Some(fault)),
    };
    let ended =
        Ended { status: ExitStatus::from_raw(0), span: (begun, clock::now()), cpu: None, phases: Vec::new(), last_lines: Vec::new() };
    let none = || Reading::missing("a judge behind an endpoint has no process here");
    let seen = Seen { ended, energy: Vec::new(), memory: MemoryPeak { resident: none(), gpu: none() }, fault };
    let command = CommandLine { program: spec.url.clone().into(), args: vec![spec.model.clone().into()], environment: Vec::new() };
    (command, seen, detail, Ok(None))
}

/// The first stage of a task asks for the verdicts of all its cells and passes, in one order; those after it find them.
fn rate(context: &mut Context<'_>, stage: &Stage) -> Result<Vec<Rated>> {
    let plan = &context.bound.plan;
    let spec = plan.judge.as_ref().expect("as above");
    let items = &context.bound.tasks[stage.task].items;
    let judge = Judge {
        url: spec.url.clone(),
        model: spec.model.clone(),
        api_key: context.places.api_key(spec.api_key_env.as_deref())?,
        concurrency: spec.concurrency,
        attempts: spec.attempts,
        timeout: Seconds(spec.timeout_s),
        // Of the task and of nothing that tells one cell from another.
        seed: plan::seed::derive(plan.seed, &["judge", &plan.tasks[stage.task].name]),
    };
    let file = context.folder.verdicts(&judge::identity(&judge.url, &judge.model))?;
    if !context.judged.contains(&stage.task) {
        let all = to_be_judged(context, stage.task)?;
        let asked: Vec<_> = all.iter().flat_map(|requests| answered(items, requests)).collect();
        judge::verdicts(&judge, &asked, &file, &load::Silent)?;
        context.judged.insert(stage.task);
    }
    let requests = answers(context, stage)?;
    judge::known(&judge, &answered(items, &requests), &file)
}

/// The answers of every pass of a task that a judge is yet to rate.
fn to_be_judged(context: &Context<'_>, task: usize) -> Result<Vec<Vec<Request>>> {
    let bound = context.bound;
    let mut all = Vec::new();
    for (stage, key) in bound.graph.stages.iter().zip(&bound.keys) {
        if stage.kind == StageKind::Judge && stage.task == task && context.folder.finished(stage.kind, key)?.is_none() {
            match answers(context, stage) {
                Ok(requests) => all.push(requests),
                // Its pass failed: that cell is lost, the others are not.
                Err(Error::NoAnswers) => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(all)
}

/// The items that were answered, each with its answer.
fn answered<'a>(items: &'a [Item], requests: &'a [Request]) -> Vec<(&'a Item, &'a str)> {
    let by_item: BTreeMap<&str, &Request> = requests.iter().map(|request| (request.item.as_str(), request)).collect();
    let answer = |item: &Item| by_item.get(item.id.as_str()).copied().filter(|request| request.failure.is_none());
    items.iter().filter_map(|item| Some((item, answer(item)?.text.as_str()))).collect()
}

/// The answers of the pass that a stage rates.
pub(super) fn answers(context: &Context<'_>, stage: &Stage) -> Result<Vec<Request>> {
    let pass = stage.upstream.expect("ratings are of a pass");
    let record = context.folder.finished(StageKind::Quality, &context.bound.keys[pass])?;
    match record.map(|record| record.detail) {
        Some(Detail::Quality(facts)) => Ok(context.folder.read_requests(&facts.requests_file)?),
        _ => Err(Error::NoAnswers),
    }
}

/// What a judge gave. A judge that gave nothing at all has not done its stage: it can be asked again.
fn facts(model: &str, rated: &[Rated]) -> Result<Detail> {
    if let Some(Rated { verdict: Reading::Missing(why), .. }) = rated.first()
        && rated.iter().all(|rated| rated.verdict.known().is_err())
    {
        return Err(Error::NoVerdicts { answers: rated.len(), first: why.to_string() });
    }
    let mark = |rated: &Rated| {
        let marks = match &rated.verdict {
            Reading::Known(verdict) => verdict.marks().map(|(name, value)| (name.to_owned(), Reading::Known(value))),
            Reading::Missing(why) => score::judge::MARKS.map(|name| (name.to_owned(), Reading::Missing(why.clone()))),
        };
        ItemMark { id: rated.item.clone(), marks: marks.into() }
    };
    let tokens = Tokens::of_all(rated);
    let untold = || Reading::missing("the judge did not tell `usage` for each answer");
    Ok(Detail::Rate(RateFacts {
        by: format!("judge {model}"),
        version: PROMPT_VERSION.to_owned(),
        items: rated.iter().map(mark).collect(),
        input_tokens: tokens.map_or_else(untold, |tokens| Reading::Known(tokens.input)),
        output_tokens: tokens.map_or_else(untold, |tokens| Reading::Known(tokens.output)),
    }))
}

/// What the cross-encoder is asked of a document and an answer, and what becomes of a long document: of its pieces the largest probability
/// counts, or it is cut.
fn nli_version(long: LongPairs) -> String {
    match long {
        LongPairs::Split => "document-answer-max-1".to_owned(),
        cut => format!("document-answer-{}-1", cut.name()),
    }
}

/// Ratings of a cross-encoder.
pub(super) fn nli(context: &Context<'_>, stage: &Stage, key: &str) -> Result<Run> {
    let model = context.bound.nli.as_ref().expect("its stage is planned and bound where the plan has one");
    let root = context.folder.root();
    let folder =
        tempfile::Builder::new().prefix("pairs-").suffix(".tmp").tempdir_in(root).map_err(Error::io("creating a folder in", root))?;
    let (pairs, out) = (folder.path().join("pairs.jsonl"), folder.path().join("verdicts.jsonl"));
    let requests = answers(context, stage)?;
    let task = &context.bound.tasks[stage.task];
    let answers: BTreeMap<&str, &str> =
        answered(&task.items, &requests).into_iter().map(|(item, answer)| (item.id.as_str(), answer)).collect();
    let mut rows = String::new();
    for (item, premise) in task.items.iter().zip(&task.premises) {
        if let (Some(premise), Some(answer)) = (premise, answers.get(item.id.as_str())) {
            rows += &serde_json::json!({"id": item.id, "premise": premise, "hypothesis": answer}).to_string();
            rows.push('\n');
        }
    }
    fs::write(&pairs, rows).map_err(Error::io("writing", &pairs))?;
    let spec = context.bound.plan.nli.as_ref().expect("as above");
    let flag = |name: &str, value: &OsStr| [OsString::from(name), value.to_owned()];
    let paths =
        [("--model", &model.path), ("--pairs", &pairs), ("--out", &out)].into_iter().flat_map(|(name, path)| flag(name, path.as_os_str()));
    let args = [OsString::from("nli")].into_iter().chain(paths).chain(flag("--long", spec.long.name().as_ref()));
    let mut command = context.own(args);
    if let Some(threads) = spec.threads {
        command.environment = vec![("RAYON_NUM_THREADS".to_owned(), threads.to_string().into())];
    }
    let seen = context.work(key, &command, Runs::OnProcessor)?;
    let detail = if seen.ended.status.success() { nli_facts(task, &answers, nli_version(spec.long), &out) } else { Ok(Detail::Nothing) };
    Ok((command, seen, detail, Ok(None)))
}

/// One line of its verdicts.
#[derive(serde::Deserialize)]
struct Row {
    id: String,
    entailment: Option<f64>,
    non_contradiction: Option<f64>,
    missing: Option<String>,
}

fn nli_facts(task: &BoundTask, answers: &BTreeMap<&str, &str>, version: String, out: &Path) -> Result<Detail> {
    let verdicts: BTreeMap<String, Row> = rows::read::<Row>(out)?.into_iter().map(|row| (row.id.clone(), row)).collect();
    let mark = |(item, premise): (&Item, &Option<String>)| {
        let both = |value: Reading<f64>| NLI_MARKS.map(|name| (name.to_owned(), value.clone()));
        let unasked = answers.get(item.id.as_str()).map(|answer| score::marks::nli_unasked(premise.as_deref(), answer));
        let marks = match (unasked, verdicts.get(&item.id)) {
            (None, _) => both(Reading::missing("the item was not answered")),
            (Some(Err(why)), _) => both(Reading::missing(why)),
            (Some(Ok(Some(mark))), _) => both(Reading::Known(mark)),
            (_, Some(Row { entailment: Some(entailment), non_contradiction: Some(consistent), .. })) => {
                let [first, second] = NLI_MARKS;
                [(first.to_owned(), Reading::Known(*entailment)), (second.to_owned(), Reading::Known(*consistent))]
            }
            (_, Some(Row { missing: Some(why), .. })) => both(Reading::missing(why.clone())),
            _ => both(Reading::missing("the cross-encoder told nothing of it")),
        };
        ItemMark { id: item.id.clone(), marks: marks.into() }
    };
    let none = || Reading::missing("a cross-encoder is not paid by tokens");
    Ok(Detail::Rate(RateFacts {
        by: "nli".to_owned(),
        version,
        items: task.items.iter().zip(&task.premises).map(mark).collect(),
        input_tokens: none(),
        output_tokens: none(),
    }))
}
