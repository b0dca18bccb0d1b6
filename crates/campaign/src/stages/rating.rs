//! The answers of a scored pass, rated by a model: a judge behind an endpoint. No answer is made here, and nothing is timed.

use std::{collections::BTreeMap, os::unix::process::ExitStatusExt, process::ExitStatus};

use load::ApiKey;
use plan::{Stage, StageKind};
use record::{Detail, ItemMark, MemoryPeak, RateFacts, Request, clock};
use score::{Item, judge::PROMPT_VERSION};
use units::{Reading, Seconds};

use super::{Context, Run, Seen};
use crate::{
    error::{Error, Result},
    judge::{Judge, Rated, Tokens, verdicts},
    process::{CommandLine, Ended},
};

/// Ratings of a judge.
pub(super) fn judge(context: &Context<'_>, stage: &Stage, key: &str) -> Result<Run> {
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
    Ok((command, seen, detail, Ok(None)))
}

fn rate(context: &Context<'_>, stage: &Stage, key: &str) -> Result<Vec<Rated>> {
    let plan = &context.bound.plan;
    let spec = plan.judge.as_ref().expect("as above");
    let secret = |name: &String| (context.places.secret)(name).map(ApiKey::new).ok_or_else(|| Error::NoSecret { name: name.clone() });
    let judge = Judge {
        url: spec.url.clone(),
        model: spec.model.clone(),
        api_key: spec.api_key_env.as_ref().map(secret).transpose()?,
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
