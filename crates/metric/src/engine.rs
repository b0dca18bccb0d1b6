//! What the records of a cell say of its engine: which version it was, what was wrong with its answers and which figures that touches, and
//! whether the cell needs more memory than there is.

use record::{DoesNotFit, Outcome, StageRecord};
use serde_json::Value;

use crate::{
    CellView,
    runs::{Run, Runs},
    stage_energy::planned,
    view::Stage,
};

/// The mark of a record with what the engine told of itself.
const MARK: &str = "engine";

/// Figures whose tokens are counted by the server's `usage`.
const BY_USAGE: &[&str] = &[
    "cost_per_month_hosted_usd",
    "cost_per_month_usd",
    "cost_per_request_hosted_usd",
    "cost_per_request_usd",
    "energy_per_token_j",
    "energy_per_token_net_j",
    "goodput_tokens_per_joule",
    "itl_ms",
    "n_break",
    "requests_per_cold_start",
    "rho_sys",
    "rho_sys_disk",
    "rho_sys_weights",
    "throughput_per_stream_tok_s",
    "throughput_tok_s",
    "tokens_per_joule",
    "tpot_ms",
    "usd_per_mtok_output",
    "usd_per_mtok_output_reserved",
];

/// Figures that depend on how long the answers are, beside those of [`BY_USAGE`].
const BY_LENGTH: &[&str] = &[
    "c_tax",
    "carbon_per_month_g",
    "carbon_per_request_g",
    "cost_per_month_reserved_usd",
    "cost_per_request_reserved_usd",
    "e2e_ms",
    "energy_delay_product",
    "energy_per_request_j",
    "energy_per_request_net_j",
    "goodput_per_watt",
    "goodput_rps",
    "ipw",
    "j_per_right_answer",
];

/// The version that the engine told, of each build that served the cell; `None` where it told none.
pub fn engine_version(view: &CellView) -> Option<String> {
    let runs = Runs::of(view).ok()?;
    let mut versions: Vec<&str> = runs.iter().filter_map(|run| told(run.record, "version")?.as_str()).collect();
    versions.sort_unstable();
    versions.dedup();
    (!versions.is_empty()).then(|| versions.join(", "))
}

/// What was wrong with the answers at the cell's level of concurrency, each once for all runs.
pub fn flags(view: &CellView) -> Vec<String> {
    let Ok(runs) = Runs::of(view) else { return Vec::new() };
    let own = view.plan().load.concurrency;
    let mut counted: Vec<(Option<(u64, u64)>, String)> = Vec::new();
    for (count, text) in runs.iter().flat_map(|run| of_run(run, own)).map(|flag| split(&flag)) {
        match counted.iter_mut().find(|(_, known)| *known == text) {
            Some((Some(sum), _)) => *sum = count.map_or(*sum, |count| (sum.0 + count.0, sum.1 + count.1)),
            Some(_) => {}
            None => counted.push((count, text)),
        }
    }
    let whole = |(count, text): (Option<(u64, u64)>, String)| match count {
        Some((some, all)) => format!("{some} of {all} {text}"),
        None => text,
    };
    counted.into_iter().map(whole).collect()
}

/// Whether a figure means something else than it seems to where a flag is raised.
pub fn is_touched(figure: &str, flag: &str) -> bool {
    let lengths = !flag.contains("usage");
    BY_USAGE.contains(&figure) || (lengths && BY_LENGTH.contains(&figure))
}

/// The flags of a run at its level; those of levels beside the plan's `own` say so at their beginning.
fn of_run(run: &Run<'_>, own: u32) -> Vec<String> {
    let flags = told(run.record, "flags").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let level = format!("at {} streams: ", run.facts.concurrency);
    let mine = |flag: &&str| if run.facts.concurrency == own { !is_of_a_level(flag) } else { flag.starts_with(&level) };
    flags.iter().filter_map(Value::as_str).filter(mine).map(|flag| flag.trim_start_matches(&level).to_owned()).collect()
}

fn is_of_a_level(flag: &str) -> bool {
    flag.strip_prefix("at ").and_then(|rest| rest.split_once(" streams: ")).is_some_and(|(level, _)| level.parse::<u32>().is_ok())
}

/// `3 of 8 answers …` as counts and what they are of.
fn split(flag: &str) -> (Option<(u64, u64)>, String) {
    let parts = || {
        let (some, rest) = flag.split_once(" of ")?;
        let (all, rest) = rest.split_once(' ')?;
        Some(((some.parse().ok()?, all.parse().ok()?), rest.to_owned()))
    };
    parts().map_or_else(|| (None, flag.to_owned()), |(count, rest)| (Some(count), rest))
}

fn told<'a>(record: &'a StageRecord, fact: &str) -> Option<&'a Value> {
    record.phases.iter().rfind(|phase| phase.phase == MARK)?.facts.get(fact)
}

/// That a cell has no result because it needs more memory than there is, and in which stage; `None` where it has one, or failed otherwise.
pub fn does_not_fit<'a>(view: &CellView<'a>) -> Option<(&'static str, &'a DoesNotFit)> {
    let cause = |(name, stage): (&'static str, &'a Stage)| match stage {
        Stage::Recorded(record) => match &record.outcome {
            Outcome::Failed { does_not_fit, .. } => does_not_fit.as_ref().map(|cause| (name, cause)),
            Outcome::Done => None,
        },
        _ => None,
    };
    let served = view.records.serve.iter().map(|run| ("serving run", &run.stage));
    if Runs::of(view).is_ok() { None } else { planned(view).chain(served).find_map(cause) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_stand_before_what_they_are_of() {
        assert_eq!(split("3 of 8 answers are short"), (Some((3, 8)), "answers are short".to_owned()));
        assert_eq!(split("all of it"), (None, "all of it".to_owned()));
        assert!(is_of_a_level("at 16 streams: 3 of 8") && !is_of_a_level("at last streams: x") && !is_of_a_level("3 of 8 answers"));
    }

    #[test]
    fn a_flag_touches_what_rests_on_it() {
        let (short, lies) = ("answers have fewer than the 8 tokens that were forced: …", "answers: the server's usage is wrong");
        assert!(is_touched("energy_per_request_j", short) && is_touched("throughput_tok_s", short));
        assert!(!is_touched("energy_per_request_j", lies) && is_touched("itl_ms", lies));
        assert!(!is_touched("ttft_ms", short) && !is_touched("load_energy_j", lies));
    }
}
