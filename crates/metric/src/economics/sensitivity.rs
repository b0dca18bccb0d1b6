//! Which input moves break-even most, for a variant that was observed.

use std::collections::BTreeMap;

use econ::{Input, Inputs, Range, Swing};
use serde::{Deserialize, Serialize};
use units::Missing;

use super::{Costs, exact, said, spread, tokens};
use crate::{
    CellView,
    energy::Kind,
    money::{self, engine_price, making, tariff},
    runs::{Run, Runs, prompt},
    serving_energy::per_request,
};

/// By how much of its value an input without an interval of its own is moved.
const SHARE: f64 = 0.2;

/// Break-even with one input moved at a time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sensitivity {
    /// The share by which exact inputs were moved down and up; others went to the ends of their intervals.
    pub share: f64,
    /// Requests by which each USD of setup puts break-even off; `null` where it is never.
    pub requests_per_setup_usd: Option<f64>,
    /// The input that moves break-even most first.
    pub swings: Vec<Swing>,
}

/// Of a variant.
pub(super) fn of(view: &CellView, costs: &Costs) -> Result<Sensitivity, Missing> {
    if engine_price(view)?.is_some() {
        return Err(Missing::because("the engine is paid by its tokens: energy and machine time are not what it costs"));
    }
    money::must_be_paid_back(view)?;
    let swings = Inputs::new(inputs(view)?).and_then(|inputs| inputs.sensitivity(SHARE)).map_err(said)?;
    let saving = costs.hosted_usd.value() - costs.own_usd.value();
    Ok(Sensitivity { share: SHARE, requests_per_setup_usd: (saving > 0.0).then_some(1.0 / saving), swings })
}

fn inputs(view: &CellView) -> Result<BTreeMap<Input, Range>, Missing> {
    let prices = &view.plan().prices;
    let making = making(view)?;
    let energy = Runs::of(view)?.each(|run| Ok(per_request(run, Kind::Gross)?.energy.get()))?;
    let time = Runs::of(view)?.each(|run| Ok(run.window()?.get() / run.answered()?.len() as f64))?;
    let given = |run: &Run| run.answered()?.iter().map(|request| prompt(request)).sum();
    let mut inputs = BTreeMap::from([
        (Input::TrainEnergy, exact(making.energy.get())?),
        (Input::TrainTime, exact(making.time.get())?),
        (Input::Setup, exact(prices.setup_usd)?),
        (Input::RequestEnergy, spread(&energy.values)?),
        (Input::RequestTime, spread(&time.values)?),
        (Input::InputTokens, tokens(view, given)?),
        (Input::OutputTokens, tokens(view, Run::output_tokens)?),
        (Input::ApiInput, exact(prices.api_input_usd_per_mtok)?),
        (Input::ApiOutput, exact(prices.api_output_usd_per_mtok)?),
        (Input::Electricity, exact(prices.electricity_usd_per_kwh)?),
        (Input::Pue, exact(prices.pue)?),
    ]);
    if let Some(rate) = tariff(view)?.usd_per_hour() {
        inputs.insert(Input::MachineRate, exact(rate)?);
    }
    Ok(inputs)
}
