//! What must be said beside every figure of a cold start: whether the weights really came from disk.

use record::PageCache;

use crate::{CellView, runs::Runs};

/// The page cache's state over the runs, such as `page cache: cold in 4 of 5 runs, unknown in 1`.
pub(crate) fn page_cache_note(view: &CellView) -> Option<String> {
    let runs = Runs::of(view).ok()?;
    let states = [(PageCache::Cold, "cold"), (PageCache::Warm, "warm"), (PageCache::Unknown, "unknown")];
    let all = runs.iter().count();
    let told: Vec<String> = states
        .iter()
        .map(|(state, word)| (runs.iter().filter(|run| run.facts.page_cache == *state).count(), word))
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| if count == all { (*word).to_owned() } else { format!("{word} in {count} of {all} runs") })
        .collect();
    Some(format!("page cache: {}", told.join(", ")))
}
