//! Whether a cell's server answered from its prefix cache: prompts that it had seen before make any server look fast (vLLM issues 52884
//! and 54227).

use crate::{CellView, runs::Runs};

/// Share of prompt tokens from which hits are said.
const SAID_ABOVE: f64 = 0.01;

/// What is to be said beside a cell's latencies and rates, lower case without a final stop; `None` where no run that tells had more than
/// 1% of its prompt tokens from a prefix cache.
pub fn prefix_cached(view: &CellView) -> Option<String> {
    let runs = Runs::of(view).ok()?;
    let shares = runs.iter().filter_map(|run| run.facts.prefix_cache_share.known().ok().copied());
    let most = shares.max_by(f64::total_cmp).filter(|share| *share > SAID_ABOVE)?;
    Some(format!(
        "up to {:.1}% of a run's prompt tokens came from a prefix cache, more than 1%: the server looks faster than it is",
        most * 100.0
    ))
}
