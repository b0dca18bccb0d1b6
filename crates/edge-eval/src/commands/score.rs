//! `edge-eval score`: marks of answers, which stand in a file or are asked of a server with a task's prompts. No engine is started, and
//! nothing is timed.

mod args;
mod endpoint;
mod raters;
mod tally;

use std::path::Path;

use score::{
    Prediction,
    marks::{self, Listed},
};

pub(crate) use args::Args;

use crate::{end::End, gate, print};
use tally::Tally;

/// Longest row, in bytes.
const MOST_BYTES: usize = 64 << 20;

/// Marks of a file's answers unless others are named.
const USUAL: &str = "rouge,em,f1";

pub(crate) fn run(args: &Args) -> anyhow::Result<End> {
    let wanted = wanted(args)?;
    if let Err(problem) = args.check(&wanted.rated) {
        gate::note(&format!("error: {}", problem.what));
        gate::note(&format!("hint: {}", problem.mend));
        return Ok(End::BadPlan);
    }
    let mut tally = Tally::new(&wanted.marks, args.per_item);
    let (rows, failed) = match &args.predictions {
        Some(path) => (of_file(args, path, !wanted.rated.is_empty(), &mut tally)?, false),
        None => of_server(args, &mut tally)?,
    };
    let lacking = rate(args, &wanted, &rows, &mut tally)?;
    tally.bad().iter().for_each(|bad| gate::note(&format!("left out: {bad}")));
    if tally.all_empty() {
        gate::note(&format!("warning: all {} answers are empty: marks say nothing of them", tally.rows() - tally.failed()));
        gate::note("hint: raise --max-tokens, or look at the model's chat template and end-of-text token");
    }
    if args.json {
        print::json(&tally.json()?)?;
    } else {
        print::data(&tally.text()?)?;
    }
    Ok(if failed || lacking { End::Failed } else { End::Done })
}

/// The marks that are named, else the usual ones; and those of raters that are named.
fn wanted(args: &Args) -> anyhow::Result<Listed> {
    let mut words = match (&args.marks, &args.predictions) {
        (Some(marks), _) => marks.clone(),
        (None, Some(_)) => USUAL.to_owned(),
        (None, None) => endpoint::task(args)?.marks.join(","),
    };
    for (rater, named) in [("nli", args.nli.is_some()), ("judge", args.judge_url.is_some())] {
        if named && !marks::listed(&words)?.rated.iter().any(|mark| mark.starts_with(rater)) {
            words += &format!(",{rater}");
        }
    }
    Ok(marks::listed(&words)?)
}

/// Marks a file's answers, and keeps them where raters are to see them.
fn of_file(args: &Args, path: &Path, keep: bool, tally: &mut Tally) -> anyhow::Result<Vec<Prediction>> {
    let (mut kept, mut last) = (Vec::new(), None);
    let mut rows = score::predictions(path, MOST_BYTES)?;
    while let Some(row) = rows.next() {
        match row {
            Ok(row) => {
                tally.add(&row)?;
                kept.extend(keep.then_some(row));
            }
            Err(error) if rows.goes_on() && tally.bad().len() < args.bad_rows => {
                tally.bad().push(error.to_string());
                last = Some(error);
            }
            Err(error) => return Err(error.into()),
        }
    }
    if tally.rows() == 0 {
        return Err(last.unwrap_or_else(|| score::Error::NoRows { path: path.to_owned() }).into());
    }
    Ok(kept)
}

/// Asks a server and marks what it answers; whether a request failed.
fn of_server(args: &Args, tally: &mut Tally) -> anyhow::Result<(Vec<Prediction>, bool)> {
    let answered = endpoint::ask(args, endpoint::task(args)?)?;
    for row in &answered.rows {
        tally.add(row)?;
    }
    tally.bad().extend(answered.bad);
    tally.say("asked", answered.asked);
    if let Some((reason, hint)) = answered.all_failed {
        gate::note(&format!("error: {reason}"));
        if let Some(hint) = hint {
            gate::note(&format!("hint: {hint}"));
        }
    }
    let failed = tally.failed() > 0;
    Ok((answered.rows, failed))
}

/// Has raters give their marks; whether a verdict did not come.
fn rate(args: &Args, wanted: &Listed, rows: &[Prediction], tally: &mut Tally) -> anyhow::Result<bool> {
    let mut lacking = 0;
    if let Some(model) = &args.nli {
        let ratings = raters::nli(args, model, rows)?;
        lacking += ratings.lacking;
        tally.rated("nli", ratings, &wanted.rated);
    }
    if let Some(url) = &args.judge_url {
        let ratings = raters::judge(args, url, rows)?;
        lacking += ratings.lacking;
        tally.rated("judge", ratings, &wanted.rated);
    }
    Ok(lacking > 0)
}
