//! The plan's prices applied to the records: what adaptation cost, what a request costs here and at the hosted model.

use econ::{ApiPrice, Tariff};
use plan::PriceSpec;
use record::EnergySource;
use units::{Dollars, Joules, Missing, Seconds, Tokens};

use crate::{
    CellView,
    energy::{self, Kind, Metered},
    runs::{Run, completion, prompt},
    serving_energy::{self, attribution_note},
    stage_energy::{planned, work},
};

/// What making the served weights took and cost, `C_setup` left out.
pub(crate) struct Training {
    pub(crate) cost: Dollars,
    pub(crate) energy: Joules,
    pub(crate) time: Seconds,
    pub(crate) sources: Vec<EnergySource>,
}

/// `C_train`: energy and machine time of adaptation, merge and quantisation, each metered as a whole. A stage that is shared with other
/// variants counts in full: this is what the variant alone would have cost.
pub(crate) fn training(view: &CellView) -> Result<Training, Missing> {
    let tariff = tariff(view)?;
    let mut training = Training { cost: Dollars(0.0), energy: Joules(0.0), time: Seconds(0.0), sources: Vec::new() };
    for (name, stage) in planned(view) {
        let work = work(stage.done(name)?, Kind::Gross).map_err(|why| Missing::because(format!("{name}: {why}")))?;
        training.cost = training.cost + tariff.work(work.metered.energy, work.time);
        training.energy = training.energy + work.metered.energy;
        training.time = training.time + work.time;
        training.sources.push(work.metered.source);
    }
    Ok(training)
}

/// The same with `C_setup` in its cost.
pub(crate) fn making(view: &CellView) -> Result<Training, Missing> {
    let setup = view.plan().prices.setup_usd;
    let is_possible = setup.is_finite() && setup >= 0.0;
    let setup = if is_possible { Ok(Dollars(setup)) } else { Err(Missing::because(format!("C_setup is {setup} USD"))) };
    let training = training(view)?;
    Ok(Training { cost: training.cost + setup?, ..training })
}

/// That there is something to pay back at all.
///
/// # Errors
/// The variant was not made, and setting it up costs nothing.
pub(crate) fn must_be_paid_back(view: &CellView) -> Result<(), Missing> {
    let is_made = planned(view).next().is_some() || view.plan().prices.setup_usd > 0.0;
    let nothing = "nothing is to be paid back: the base model is served as it is, and C_setup is 0 in the plan";
    if is_made { Ok(()) } else { Err(Missing::because(nothing)) }
}

/// What to say of a break-even without setup.
pub(crate) fn lower_bound(prices: &PriceSpec) -> Option<String> {
    (prices.setup_usd == 0.0).then(|| "C_setup is 0 in the plan: a lower bound".to_owned())
}

/// `C_infer`: what a request of each run cost, by the engine's price or else by its energy and machine time.
pub(crate) struct Serving {
    /// What is paid by tokens, and what to say of it.
    price: Option<(ApiPrice, String)>,
    tariff: Tariff,
}

impl Serving {
    pub(crate) fn of(view: &CellView) -> Result<Self, Missing> {
        Ok(Self { price: engine_price(view)?, tariff: tariff(view)? })
    }

    /// A request of one run, and its energy's source where energy is paid.
    pub(crate) fn cost(&self, run: &Run) -> Result<(Dollars, Option<EnergySource>), Missing> {
        match &self.price {
            Some((price, _)) => Ok((hosted(run, price)?, None)),
            None => served(run, &self.tariff).map(|(cost, source)| (cost, Some(source))),
        }
    }

    /// What must be said of the cost, and where its energy comes from. `sources` are of all energy in it, that of training too.
    pub(crate) fn notes(&self, view: &CellView, sources: &[EnergySource]) -> Result<(Vec<String>, Option<EnergySource>), Missing> {
        let source = energy::worst(sources.iter().copied())?;
        let mut notes: Vec<String> = energy::note(source).into_iter().collect();
        if let Some((_, said)) = &self.price {
            notes.push(said.clone());
            return Ok((notes, source));
        }
        if !self.tariff.counts_machine_time() {
            notes.push("energy alone: the plan gives the machine's time no price".into());
        }
        notes.extend(attribution_note(view));
        Ok((notes, source))
    }
}

/// A request of one run: what it cost here by use, and its energy's source.
fn served(run: &Run, tariff: &Tariff) -> Result<(Dollars, EnergySource), Missing> {
    let Metered { energy, source } = serving_energy::per_request(run, Kind::Gross)?;
    let machine_time = Seconds(run.window()?.get() / run.answered()?.len() as f64);
    Ok((econ::usage_cost(tariff, energy, machine_time), source))
}

/// Mean cost at the hosted model of the answered requests of one run, by their own token counts.
pub(crate) fn hosted(run: &Run, price: &ApiPrice) -> Result<Dollars, Missing> {
    let answered = run.answered()?;
    let mut sum = Dollars(0.0);
    for request in &answered {
        sum = sum + price.cost(Tokens(prompt(request)?), Tokens(completion(request)?));
    }
    Ok(sum / answered.len() as f64)
}

/// What the cell's engine costs by its tokens, where it is one of others that is paid so; and what to say of it.
pub(crate) fn engine_price(view: &CellView) -> Result<Option<(ApiPrice, String)>, Missing> {
    let Some(price) = view.plan().engine(&view.cell().engine).and_then(|engine| engine.price.as_ref()) else { return Ok(None) };
    let said = format!("paid by its tokens, price of {} ({})", price.date, price.source);
    let price = ApiPrice::new(price.input_usd_per_mtok, price.output_usd_per_mtok).map_err(|error| Missing::because(error.to_string()))?;
    Ok(Some((price, said)))
}

/// The plan's requests a month.
///
/// # Errors
/// It tells none.
pub(crate) fn traffic(view: &CellView) -> Result<f64, Missing> {
    view.plan().prices.requests_per_month.ok_or_else(|| Missing::because("the plan tells no traffic: prices.requests_per_month"))
}

/// The share of its hours that the plan's machine is busy.
///
/// # Errors
/// It tells none.
pub(crate) fn utilisation(view: &CellView) -> Result<f64, Missing> {
    let share = view.plan().prices.utilisation;
    share.ok_or_else(|| Missing::because("the plan does not tell how busy the machine is: prices.utilisation"))
}

/// The plan's tariff.
pub(crate) fn tariff(view: &CellView) -> Result<Tariff, Missing> {
    let prices = &view.plan().prices;
    Tariff::new(prices.electricity_usd_per_kwh, prices.pue, prices.machine_usd_per_hour)
        .map_err(|error| Missing::because(error.to_string()))
}

/// The plan's price of the hosted model.
pub(crate) fn api_price(view: &CellView) -> Result<ApiPrice, Missing> {
    let prices = &view.plan().prices;
    ApiPrice::new(prices.api_input_usd_per_mtok, prices.api_output_usd_per_mtok).map_err(|error| Missing::because(error.to_string()))
}
