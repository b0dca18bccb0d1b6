//! What the money of a variant follows from before any price: so that a reader can put in prices of his own.

use econ::Range;
use serde::{Deserialize, Serialize};
use units::{Missing, Reading};

use super::{exact, idle_power, spread, tokens};
use crate::{
    CellView,
    energy::Kind,
    money::{engine_price, making},
    runs::{Run, Runs, prompt},
    serving_energy::per_request,
};

/// Quantities of one variant; ranges are those of 95% intervals over runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Observed {
    /// Energy of making the model, in J.
    pub train_energy_j: f64,
    /// Machine time of making it, in s.
    pub train_time_s: f64,
    /// Energy of a request, in J.
    pub energy_per_request_j: Range,
    /// Machine time of a request, in s.
    pub machine_time_per_request_s: Range,
    /// Input tokens of a request.
    pub input_tokens: Range,
    /// Output tokens of a request.
    pub output_tokens: Range,
    /// Requests an hour that the machine sustained.
    pub requests_per_hour: Range,
    /// Power with the model in memory and nothing asked, in W.
    pub idle_w: Reading<Range>,
}

/// Of a variant.
///
/// # Errors
/// Something of it is missing, or the engine is another's that is paid by its tokens.
pub fn observed(view: &CellView) -> Result<Observed, Missing> {
    if engine_price(view)?.is_some() {
        return Err(Missing::because("the engine is paid by its tokens: energy and machine time are not what it costs"));
    }
    let making = making(view)?;
    let over = |of: &dyn Fn(&Run) -> Result<f64, Missing>| spread(&Runs::of(view)?.each(of)?.values);
    let time = |run: &Run| Ok(run.window()?.get() / run.answered()?.len() as f64);
    Ok(Observed {
        train_energy_j: exact(making.energy.get())?.value(),
        train_time_s: exact(making.time.get())?.value(),
        energy_per_request_j: over(&|run| Ok(per_request(run, Kind::Gross)?.energy.get()))?,
        machine_time_per_request_s: over(&time)?,
        input_tokens: tokens(view, |run| run.answered()?.iter().map(|request| prompt(request)).sum())?,
        output_tokens: tokens(view, Run::output_tokens)?,
        requests_per_hour: over(&|run| Ok(3600.0 / time(run)?))?,
        idle_w: over(&|run| Ok(idle_power(run)?.get())).into(),
    })
}
