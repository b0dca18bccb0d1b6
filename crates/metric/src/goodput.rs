//! Goodput: what was served within every limit of the plan's `[slo]` section, over time and over energy.
//!
//! Whether a request keeps to the limits is [`record::Limits`]'s word, the one that `edge-eval load --slo` uses too: a failed request does
//! not, and one of which a limited figure is not told makes the run's goodput unknown. The term is that of Zhong et al.
//! (OSDI 2024).

use plan::SloSpec;
use record::{Limits, Request, Standing};
use units::Missing;

use crate::{
    CellView,
    energy::{self, Kind},
    figure::Known,
    interval::over_runs,
    runs::{Run, Runs, completion},
    serving_energy::{scope, window},
};

/// What a run served within every limit.
pub(crate) struct Within {
    /// Requests.
    pub(crate) requests: f64,
    /// Their output tokens.
    pub(crate) tokens: f64,
}

/// The plan's limits.
///
/// # Errors
/// It states none.
pub(crate) fn limits(view: &CellView) -> Result<Limits, Missing> {
    let SloSpec { ttft_ms, tpot_ms, itl_ms, e2e_ms } = view.plan().slo.unwrap_or_default();
    let limits = Limits { ttft_ms, itl_ms, tpot_ms, e2e_ms };
    if limits.any() {
        Ok(limits)
    } else {
        Err(Missing::because("the plan states no limits: set slo.ttft_ms, slo.tpot_ms, slo.itl_ms or slo.e2e_ms"))
    }
}

/// What a run served within the limits.
///
/// # Errors
/// No request was answered, or of one it cannot be known.
pub(crate) fn within(run: &Run, limits: &Limits) -> Result<Within, Missing> {
    run.answered()?;
    let mut within = Within { requests: 0.0, tokens: 0.0 };
    for request in run.requests {
        match limits.standing(request) {
            Standing::Beyond => {}
            Standing::Within => {
                within.requests += 1.0;
                within.tokens += tokens(request)?;
            }
            Standing::Unknown => {
                return Err(Missing::because(format!(
                    "of a request it is not known whether it kept to {limits}: the server told no usage"
                )));
            }
        }
    }
    Ok(within)
}

fn tokens(request: &Request) -> Result<f64, Missing> {
    completion(request).map(|tokens| tokens as f64)
}

/// A count of each run over the gross energy of its speed window.
///
/// # Errors
/// No run has both, or some energies are measured and others modelled.
pub(crate) fn per_joule(view: &CellView, limits: &Limits, count: impl Fn(Within) -> f64) -> Result<Known, Missing> {
    let runs = Runs::of(view)?.each(|run| {
        let (within, metered) = (within(run, limits)?, window(run, Kind::Gross)?);
        if metered.energy.get() <= 0.0 {
            return Err(Missing::because("its energy is not above zero"));
        }
        let kept = (within.requests, run.requests.len());
        Ok((count(within) / metered.energy.get(), metered.source, kept))
    })?;
    let source = energy::worst(runs.values.iter().map(|(_, source, _)| *source))?;
    let each: Vec<f64> = runs.values.iter().map(|(value, ..)| *value).collect();
    let kept: Vec<(f64, usize)> = runs.values.iter().map(|(.., kept)| *kept).collect();
    let known = Known { source, ..Known::from(over_runs(&each)?) };
    Ok(known.noting(runs.notes).noting([note(limits, &kept)]).noting(energy::note(source)).noting(scope(view)))
}

/// What must be said beside the figure: the limits, and how many requests of all runs kept to them.
pub(crate) fn note(limits: &Limits, runs: &[(f64, usize)]) -> String {
    let (kept, all) = runs.iter().fold((0.0, 0), |(kept, all), (k, n)| (kept + k, all + n));
    format!("{kept:.0} of {all} requests within {limits}")
}
