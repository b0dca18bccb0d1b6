//! The serving runs of a cell: independent repetitions, each a fresh server process. A run that failed, or whose windows cannot be
//! believed, is left out and said; failed requests are left out of every latency, rate and energy share.

use record::{Detail, LoadFacts, Request, StageRecord};
use units::{Missing, Seconds};

use crate::{CellView, stage_energy::planned, view::Stage};

/// One run that ended well.
#[derive(Clone, Copy)]
pub(crate) struct Run<'a> {
    /// Its number, from 1.
    pub(crate) number: usize,
    pub(crate) record: &'a StageRecord,
    pub(crate) facts: &'a LoadFacts,
    pub(crate) requests: &'a [Request],
}

/// The runs of a cell that ended well; at least one.
pub(crate) struct Runs<'a> {
    runs: Vec<Run<'a>>,
    /// What is to be said of the others.
    notes: Vec<String>,
}

/// A quantity of every run that has it; at least one.
pub(crate) struct PerRun<T> {
    pub(crate) values: Vec<T>,
    /// What is to be said of runs that were left out.
    pub(crate) notes: Vec<String>,
}

impl<'a> Runs<'a> {
    /// # Errors
    /// No run has ended well.
    pub(crate) fn of(view: &CellView<'a>) -> Result<Self, Missing> {
        let planned = view.records.serve.len();
        let (mut runs, mut reasons, mut not_run) = (Vec::new(), Vec::new(), 0);
        for (index, run) in view.records.serve.iter().enumerate() {
            if matches!(run.stage, Stage::NotRun) {
                not_run += 1;
                continue;
            }
            match run.stage.done("serving run").and_then(|record| Ok((record, facts(record)?))) {
                Ok((record, facts)) => runs.push(Run { number: index + 1, record, facts, requests: &run.requests }),
                Err(why) => reasons.push(left_out(index + 1, &why)),
            }
        }
        if not_run > 0 {
            reasons.push(format!("{not_run} of {planned} serving runs have not run yet"));
        }
        match runs.is_empty() {
            false => Ok(Self { runs, notes: reasons }),
            true if reasons.is_empty() => Err(Missing::because("no serving run is planned")),
            true => Err(why_none(view, &reasons)),
        }
    }

    /// A quantity of every run. Runs in which it is missing are left out, and noted.
    ///
    /// # Errors
    /// It is missing in all of them.
    pub(crate) fn each<T>(&self, quantity: impl Fn(&Run<'a>) -> Result<T, Missing>) -> Result<PerRun<T>, Missing> {
        let (mut values, mut notes, mut first) = (Vec::new(), self.notes.clone(), None);
        for run in &self.runs {
            match quantity(run) {
                Ok(value) => values.push(value),
                Err(why) => {
                    notes.push(left_out(run.number, &why));
                    first.get_or_insert(why);
                }
            }
        }
        match first {
            Some(why) if values.is_empty() => Err(why),
            _ => Ok(PerRun { values, notes }),
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Run<'a>> {
        self.runs.iter()
    }
}

/// Why a cell has no run: its weights could not be made, or what befell the runs, said once where it befell all.
fn why_none(view: &CellView, reasons: &[String]) -> Missing {
    let unmade = planned(view).find_map(|(name, stage)| if let Stage::Recorded(_) = stage { stage.done(name).err() } else { None });
    let whys: Vec<_> = view.records.serve.iter().filter_map(|run| run.stage.done("serving run").err()).collect();
    match (unmade, whys.split_first()) {
        (Some(why), _) => why,
        (None, Some((first, rest))) if matches!(view.records.serve[0].stage, Stage::Recorded(_)) && rest.iter().all(|why| why == first) => {
            match rest.len() {
                0 => first.clone(),
                others => Missing::because(format!("{first}; so did the other {others}")),
            }
        }
        _ => Missing::because(reasons.join("; ")),
    }
}

fn left_out(number: usize, why: &Missing) -> String {
    format!("run {number} is left out: {why}")
}

fn facts(record: &StageRecord) -> Result<&LoadFacts, Missing> {
    match &record.detail {
        Detail::Serve(facts) => Ok(facts),
        _ => Err(Missing::because("its record has no serving facts")),
    }
}

impl<'a> Run<'a> {
    /// Requests that were answered.
    ///
    /// # Errors
    /// There is none.
    pub(crate) fn answered(&self) -> Result<Vec<&'a Request>, Missing> {
        let answered: Vec<_> = self.requests.iter().filter(|request| request.failure.is_none()).collect();
        match (answered.is_empty(), self.requests.first().and_then(|request| request.failure.as_deref())) {
            (false, _) => Ok(answered),
            (true, Some(why)) => Err(Missing::because(format!("every request failed, the first with `{why}`"))),
            (true, None) => Err(Missing::because("no request was recorded")),
        }
    }

    /// Length of the speed window.
    ///
    /// # Errors
    /// It has none.
    pub(crate) fn window(&self) -> Result<Seconds, Missing> {
        let (start, end) = self.facts.window;
        if end > start { Ok(end.since(start)) } else { Err(Missing::because("its speed window has no length")) }
    }

    /// Output tokens of the answered requests, as the server counted them.
    ///
    /// # Errors
    /// No request was answered, or the server did not count one's tokens. Counting chunks or tokenizing again is not counting.
    pub(crate) fn output_tokens(&self) -> Result<u64, Missing> {
        let tokens = self.answered()?.iter().map(|request| completion(request)).sum::<Result<u64, _>>()?;
        if tokens > 0 { Ok(tokens) } else { Err(Missing::because("no token was generated")) }
    }
}

/// Output tokens of one request.
pub(crate) fn completion(request: &Request) -> Result<u64, Missing> {
    request.completion_tokens.map(u64::from).ok_or_else(|| Missing::because("the server did not tell `usage.completion_tokens`"))
}

/// Input tokens of one request.
pub(crate) fn prompt(request: &Request) -> Result<u64, Missing> {
    request.prompt_tokens.map(u64::from).ok_or_else(|| Missing::because("the server did not tell `usage.prompt_tokens`"))
}
