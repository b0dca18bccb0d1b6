//! The answers of a scored pass, rated by a model: a judge behind an endpoint, or a cross-encoder that runs here as a stage of ours. No answer
//! is made here.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs::{self, File},
    io::{BufRead, BufReader, Read},
    os::unix::process::ExitStatusExt,
    path::Path,
    process::ExitStatus,
};

use plan::{Stage, StageKind};
use record::{Detail, ItemMark, MemoryPeak, RateFacts, Request, clock};
use score::{Item, judge::PROMPT_VERSION, marks::NLI_MARKS};
use units::{Reading, Seconds};

use super::{Context, Run, Runs, Seen};
use crate::{
    bind::BoundTask,
    error::{Error, Result},
    judge::{Judge, Rated, Tokens, verdicts},
    process::{CommandLine, Ended},
};

/// Ratings of a judge.
pub(super) fn judge(context: &Context<'_>, stage: &Stage, key: &str) -> Run {
    let begun = clock::now();
    let spec = context.bound.plan.judge.as_ref().expect("a judge's stage is planned where the plan has a judge");
    let rated = rate(context, stage, key);
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

fn rate(context: &Context<'_>, stage: &Stage, key: &str) -> Result<Vec<Rated>> {
    let plan = &context.bound.plan;
    let spec = plan.judge.as_ref().expect("as above");
    let judge = Judge {
        url: spec.url.clone(),
        model: spec.model.clone(),
        api_key: context.places.api_key(spec.api_key_env.as_deref())?,
        concurrency: spec.concurrency,
        attempts: spec.attempts,
        timeout: Seconds(spec.timeout_s),
        seed: plan.stage_seed(stage),
    };
    let requests = answers(context, stage)?;
    let by_item: BTreeMap<&str, &Request> = requests.iter().map(|request| (request.item.as_str(), request)).collect();
    let answered = |item: &Item| by_item.get(item.id.as_str()).copied().filter(|request| request.failure.is_none());
    let items = &context.bound.tasks[stage.task].items;
    let asked: Vec<(&Item, &str)> = items.iter().filter_map(|item| Some((item, answered(item)?.text.as_str()))).collect();
    verdicts(&judge, &asked, &context.folder.verdicts(key)?)
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
    let sum = |sum: Tokens, more: Tokens| Tokens { input: sum.input + more.input, output: sum.output + more.output };
    let tokens = rated.iter().map(|rated| rated.tokens).try_fold(Tokens::default(), |all, one| Some(sum(all, one?)));
    let untold = || Reading::missing("the judge did not tell `usage` for each answer");
    Ok(Detail::Rate(RateFacts {
        by: format!("judge {model}"),
        version: PROMPT_VERSION.to_owned(),
        items: rated.iter().map(mark).collect(),
        input_tokens: tokens.map_or_else(untold, |tokens| Reading::Known(tokens.input)),
        output_tokens: tokens.map_or_else(untold, |tokens| Reading::Known(tokens.output)),
    }))
}

/// What the cross-encoder is asked of a document and an answer, and how pieces of a long document are combined.
const NLI_VERSION: &str = "document-answer-max-1";

/// Longest line of its verdicts, in bytes.
const LONGEST_LINE: u64 = 1 << 16;

/// Ratings of a cross-encoder.
pub(super) fn nli(context: &Context<'_>, stage: &Stage, key: &str) -> Result<Run> {
    let model = context.bound.nli.as_ref().expect("its stage is planned and bound where the plan has one");
    let root = context.folder.root();
    let folder =
        tempfile::Builder::new().prefix("pairs-").suffix(".tmp").tempdir_in(root).map_err(Error::io("creating a folder in", root))?;
    let (pairs, out) = (folder.path().join("pairs.jsonl"), folder.path().join("verdicts.jsonl"));
    let requests = answers(context, stage)?;
    let task = &context.bound.tasks[stage.task];
    let by_item: BTreeMap<&str, &Request> = requests.iter().map(|request| (request.item.as_str(), request)).collect();
    let answer = |item: &Item| by_item.get(item.id.as_str()).copied().filter(|request| request.failure.is_none());
    let mut rows = String::new();
    for (item, premise) in task.items.iter().zip(&task.premises) {
        if let (Some(premise), Some(answer)) = (premise, answer(item)) {
            rows += &serde_json::json!({"id": item.id, "premise": premise, "hypothesis": answer.text}).to_string();
            rows.push('\n');
        }
    }
    fs::write(&pairs, rows).map_err(Error::io("writing", &pairs))?;
    let flag = |name: &str, path: &Path| [OsString::from(name), path.into()];
    let args =
        [OsString::from("nli")].into_iter().chain(flag("--model", &model.path)).chain(flag("--pairs", &pairs)).chain(flag("--out", &out));
    let mut command = context.own(args);
    if let Some(threads) = context.bound.plan.nli.as_ref().and_then(|spec| spec.threads) {
        command.environment = vec![("RAYON_NUM_THREADS".to_owned(), threads.to_string().into())];
    }
    let seen = context.work(key, &command, Runs::OnProcessor)?;
    let detail = if seen.ended.status.success() { nli_facts(task, answer, &out) } else { Ok(Detail::Nothing) };
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

fn nli_facts<'a>(task: &BoundTask, answer: impl Fn(&Item) -> Option<&'a Request>, out: &Path) -> Result<Detail> {
    let verdicts = read_rows(out)?;
    let mark = |(item, premise): (&Item, &Option<String>)| {
        let both = |value: Reading<f64>| NLI_MARKS.map(|name| (name.to_owned(), value.clone()));
        let marks = match (premise, answer(item), verdicts.get(&item.id)) {
            (None, ..) => both(Reading::missing("the item is about no document")),
            (_, None, _) => both(Reading::missing("the item was not answered")),
            (_, Some(request), _) if score::is_empty_answer(&request.text) => both(Reading::Known(0.0)),
            (.., Some(Row { entailment: Some(entailment), non_contradiction: Some(consistent), .. })) => {
                let [first, second] = NLI_MARKS;
                [(first.to_owned(), Reading::Known(*entailment)), (second.to_owned(), Reading::Known(*consistent))]
            }
            (.., Some(Row { missing: Some(why), .. })) => both(Reading::missing(why.clone())),
            _ => both(Reading::missing("the cross-encoder told nothing of it")),
        };
        ItemMark { id: item.id.clone(), marks: marks.into() }
    };
    let none = || Reading::missing("a cross-encoder is not paid by tokens");
    Ok(Detail::Rate(RateFacts {
        by: "nli".to_owned(),
        version: NLI_VERSION.to_owned(),
        items: task.items.iter().zip(&task.premises).map(mark).collect(),
        input_tokens: none(),
        output_tokens: none(),
    }))
}

fn read_rows(path: &Path) -> Result<BTreeMap<String, Row>> {
    let mut reader = BufReader::new(File::open(path).map_err(Error::io("opening", path))?);
    let (mut rows, mut line) = (BTreeMap::new(), Vec::new());
    loop {
        line.clear();
        if (&mut reader).take(LONGEST_LINE).read_until(b'\n', &mut line).map_err(Error::io("reading", path))? == 0 {
            return Ok(rows);
        }
        let row: Row = serde_json::from_slice(&line).map_err(|source| Error::Facts { source })?;
        rows.insert(row.id.clone(), row);
    }
}
