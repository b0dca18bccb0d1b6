//! Marks that models give: a cross-encoder that runs here, a judge behind an endpoint. One reading a row and mark, missing with its reason.

use std::collections::HashMap;

use anyhow::Context;
use campaign::judge::{Judge, Rated, Tokens, verdicts};
use econ::ApiPrice;
use nli::Pair;
use score::{Item, Prediction, marks};
use serde_json::{Value, json};
use units::{Reading, Seconds};

use super::{args::Args, endpoint};
use crate::{commands::nli::folder, progress};

/// Pairs judged together.
const AT_ONCE: usize = 64;

/// The readings of one mark, a row each.
pub(super) struct Column {
    pub(super) name: &'static str,
    pub(super) readings: Vec<Reading<f64>>,
}

/// What a rater gave, and what the output says of it.
pub(super) struct Ratings {
    pub(super) columns: Vec<Column>,
    pub(super) said: Value,
    /// Verdicts that were asked for and did not come.
    pub(super) lacking: usize,
}

/// Entailment and non-contradiction of every row that has a premise.
pub(super) fn nli(args: &Args, model: &str, rows: &[Prediction]) -> anyhow::Result<Ratings> {
    let judge = nli::Judge::load(&folder(model)?, &model::device::best())?;
    let bar = progress::bar(rows.len() as u64, "rows", args.json);
    let mut pairs: Vec<(usize, Pair<'_>)> = Vec::new();
    let mut readings: Vec<[Reading<f64>; 2]> = Vec::with_capacity(rows.len());
    for (index, row) in rows.iter().enumerate() {
        let known = row.answer.as_ref().map(|answer| (answer, marks::nli_unasked(row.premise.as_deref(), answer)));
        let both = |reading: Reading<f64>| [reading.clone(), reading];
        readings.push(match known {
            Err(reason) => both(Reading::missing(unanswered(reason))),
            Ok((_, Err(why))) => both(Reading::missing(why)),
            Ok((_, Ok(Some(mark)))) => both(Reading::Known(mark)),
            Ok((answer, Ok(None))) => {
                pairs.push((index, Pair { premise: row.premise.as_deref().unwrap_or_default(), hypothesis: answer }));
                both(Reading::missing("the cross-encoder told nothing of it"))
            }
        });
    }
    let mut lacking = 0;
    for some in pairs.chunks(AT_ONCE) {
        let asked: Vec<Pair<'_>> = some.iter().map(|(_, pair)| *pair).collect();
        for ((index, _), verdict) in some.iter().zip(judge.judge(&asked, args.long.meant())?) {
            lacking += usize::from(verdict.is_err());
            readings[*index] = match verdict {
                Ok(verdict) => [Reading::Known(verdict.entailment), Reading::Known(verdict.non_contradiction())],
                Err(why) => [Reading::missing(why.to_string()), Reading::missing(why.to_string())],
            };
            bar.inc(1);
        }
    }
    bar.finish_and_clear();
    Ok(Ratings { columns: columns(marks::NLI_MARKS, readings), said: json!({"model": model, "long": args.long.name()}), lacking })
}

/// Helpfulness and safety of every row that tells what was asked.
pub(super) fn judge(args: &Args, url: &str, rows: &[Prediction]) -> anyhow::Result<Ratings> {
    let judge = Judge {
        url: url.to_owned(),
        model: args.judge_model.clone().expect("--judge-url needs --judge-model"),
        api_key: endpoint::api_key(args.judge_api_key_env.as_deref())?,
        concurrency: args.judge_concurrency,
        attempts: args.judge_attempts,
        timeout: Seconds(args.timeout_s),
        seed: args.seed,
    };
    let items: Vec<Option<Item>> = rows.iter().map(item).collect();
    let asked: Vec<(usize, (&Item, &str))> = rows
        .iter()
        .zip(&items)
        .enumerate()
        .filter_map(|(index, (row, item))| Some((index, (item.as_ref()?, row.answer.as_deref().ok()?))))
        .collect();
    let answers: Vec<(&Item, &str)> = asked.iter().map(|(_, answer)| *answer).collect();
    let rated = verdicts_of(args, &judge, &answers)?;
    let said = said(args, &judge, &rated);
    let lacking = rated.iter().filter(|rated| rated.verdict.known().is_err()).count();
    let by_row: HashMap<usize, Rated> = asked.iter().map(|(index, _)| *index).zip(rated).collect();
    let readings = rows.iter().enumerate().map(|(index, row)| match (&row.answer, by_row.get(&index).map(|rated| &rated.verdict)) {
        (Err(reason), _) => score::judge::MARKS.map(|_| Reading::missing(unanswered(reason))),
        (_, None) => score::judge::MARKS.map(|_| Reading::missing("the row does not tell what was asked: no `messages`, no `prompt`")),
        (_, Some(Reading::Known(verdict))) => verdict.marks().map(|(_, mark)| Reading::Known(mark)),
        (_, Some(Reading::Missing(why))) => score::judge::MARKS.map(|_| Reading::Missing(why.clone())),
    });
    Ok(Ratings { columns: columns(score::judge::MARKS, readings.collect()), said, lacking })
}

/// Why a row without an answer has no mark.
pub(super) fn unanswered(reason: &str) -> String {
    format!("the request failed: {reason}")
}

fn verdicts_of(args: &Args, judge: &Judge, answers: &[(&Item, &str)]) -> anyhow::Result<Vec<Rated>> {
    let bar = progress::bar(answers.len() as u64, "verdicts", args.json);
    let told = endpoint::Progress(&bar);
    let rated = if let Some(path) = &args.verdicts {
        verdicts(judge, answers, path, &told)
    } else {
        let folder = tempfile::tempdir().context("creating a folder for verdicts")?;
        verdicts(judge, answers, &folder.path().join("verdicts.jsonl"), &told)
    };
    bar.finish_and_clear();
    Ok(rated?)
}

/// What was asked, in the form that a judge is given; `None` where the row does not tell it.
fn item(row: &Prediction) -> Option<Item> {
    let item = || Item { id: row.id.clone(), messages: row.messages.clone(), references: row.references.clone(), cut: 0 };
    (!row.messages.is_empty()).then(item)
}

fn said(args: &Args, judge: &Judge, rated: &[Rated]) -> Value {
    let tokens = Tokens::of_all(rated);
    let price = args.judge_price.and_then(|(input, output)| ApiPrice::new(input, output).ok());
    let cost = tokens.zip(price).map(|(tokens, price)| price.cost(units::Tokens(tokens.input), units::Tokens(tokens.output)).get());
    let why = match (tokens, price) {
        (None, _) => Some("the judge did not tell `usage` for each answer"),
        (_, None) => Some("its tokens have no price: give --judge-price"),
        _ => None,
    };
    json!({
        "url": judge.url, "model": judge.model, "prompt": score::judge::PROMPT_VERSION,
        "input_tokens": tokens.map(|tokens| tokens.input), "output_tokens": tokens.map(|tokens| tokens.output),
        "cost_usd": cost, "cost_missing": why,
    })
}

fn columns(names: [&'static str; 2], readings: Vec<[Reading<f64>; 2]>) -> Vec<Column> {
    let (first, second): (Vec<_>, Vec<_>) = readings.into_iter().map(Into::into).unzip();
    names.into_iter().zip([first, second]).map(|(name, readings)| Column { name, readings }).collect()
}
