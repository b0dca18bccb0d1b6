//! Further levels of concurrency on a live server: a window each, in an order drawn from the stage's seed, so that a drift of the machine does
//! not fall on one level in all runs. A level that fails costs itself, and when the server died those that were to come after it.

use plan::{LoadSpec, seed};
use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use serve::trouble::Trouble;
use units::Missing;

use super::window::Wanted;
use crate::error::{Error, Result};

/// A level that was tried.
pub(super) struct Level<W> {
    pub(super) concurrency: u32,
    pub(super) seen: std::result::Result<W, Failed>,
}

/// Why a level has no window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Failed {
    /// Its requests failed, and the server lived on.
    Requests(String),
    /// The server died.
    Died,
    /// The server had died at another level.
    After(u32),
}

impl Failed {
    /// In words. `trouble` is what the dead server's log tells.
    pub(super) fn missing(&self, trouble: Option<&Trouble>) -> Missing {
        let because = |trouble: &Trouble| format!(": {trouble}");
        Missing::because(match self {
            Self::Requests(reason) => reason.clone(),
            Self::Died => format!("the server died{}", trouble.map(because).unwrap_or_default()),
            Self::After(level) => format!("the server had died at {level} streams{}", trouble.map(because).unwrap_or_default()),
        })
    }
}

/// Measures every level. `measure` gives a level's window; `died` says after it whether the server has gone.
///
/// # Errors
/// What is not the server's failure.
pub(super) fn levels<W>(
    spec: &LoadSpec,
    stage_seed: u64,
    mut measure: impl FnMut(&Wanted) -> Result<W>,
    mut died: impl FnMut(&Result<W>) -> bool,
) -> Result<Vec<Level<W>>> {
    let mut gone = None;
    let mut levels = Vec::with_capacity(spec.sweep.len());
    for concurrency in order(&spec.sweep, stage_seed) {
        let seen = if let Some(level) = gone {
            Err(Failed::After(level))
        } else {
            let measured = measure(&Wanted::level(spec, concurrency));
            match (died(&measured), measured) {
                (_, Err(error)) if !error.is_the_engines() => return Err(error),
                (true, _) => {
                    gone = Some(concurrency);
                    Err(Failed::Died)
                }
                (false, measured) => measured.map_err(|error: Error| Failed::Requests(error.to_string())),
            }
        };
        levels.push(Level { concurrency, seen });
    }
    Ok(levels)
}

fn order(sweep: &[u32], stage_seed: u64) -> Vec<u32> {
    let mut order = sweep.to_vec();
    order.shuffle(&mut ChaCha8Rng::seed_from_u64(seed::derive(stage_seed, &["levels"])));
    order
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    fn spec() -> LoadSpec {
        LoadSpec { concurrency: 1, sweep: vec![2, 4, 8, 16], requests: 8, warmup: 2, output_tokens: 4, timeout_s: 1.0 }
    }

    fn all_failed() -> Error {
        Error::Load(load::Error::AllFailed { reason: "all 64 requests failed".into(), first: "status: 503".into() })
    }

    #[test]
    fn the_order_is_the_seeds_and_holds_every_level_once() {
        assert_eq!(order(&spec().sweep, 5), order(&spec().sweep, 5));
        assert!((0..20).any(|seed| order(&spec().sweep, seed) != order(&spec().sweep, 0)));
        for seed in 0..20 {
            let mut sorted = order(&spec().sweep, seed);
            sorted.sort_unstable();
            assert_eq!(sorted, spec().sweep);
        }
    }

    #[test]
    fn a_level_whose_requests_fail_costs_itself_alone() {
        let measure = |wanted: &Wanted| if wanted.concurrency == 8 { Err(all_failed()) } else { Ok(wanted.requests) };
        let mut levels = levels(&spec(), 1, measure, |_| false).unwrap();
        levels.sort_by_key(|level| level.concurrency);
        let seen: Vec<_> = levels.iter().map(|level| level.seen.clone()).collect();
        assert_eq!(seen, [Ok(8), Ok(16), Err(Failed::Requests("all 64 requests failed".into())), Ok(64)]);
    }

    #[test]
    fn a_server_that_dies_is_not_asked_again() {
        let order = order(&spec().sweep, 1);
        let asked = RefCell::new(Vec::new());
        let measure = |wanted: &Wanted| {
            asked.borrow_mut().push(wanted.concurrency);
            Ok(())
        };
        let levels = levels(&spec(), 1, measure, |_| asked.borrow().len() == 2).unwrap();
        assert_eq!(*asked.borrow(), order[..2]);
        let seen: Vec<_> = levels.iter().map(|level| level.seen.clone()).collect();
        assert_eq!(seen, [Ok(()), Err(Failed::Died), Err(Failed::After(order[1])), Err(Failed::After(order[1]))]);
    }

    #[test]
    fn a_fault_that_is_not_the_servers_ends_the_stage() {
        let measure = |_: &Wanted| Err::<(), _>(Error::NoSecret { name: "KEY".into() });
        assert!(levels(&spec(), 1, measure, |_| false).is_err());
    }

    #[test]
    fn the_reason_names_what_the_log_tells() {
        let trouble = Trouble::DoesNotFit { told: Some("CUDA out of memory".into()) };
        assert_eq!(Failed::Died.missing(Some(&trouble)).0, format!("the server died: {trouble}"));
        assert_eq!(Failed::After(64).missing(None).0, "the server had died at 64 streams");
    }
}
