//! The money of one variant beside the hosted model, beyond single figures: break-even with its ends, both cumulative costs over requests,
//! costs and break-even over the utilisation of a reserved machine, which input moves break-even most, and stopping against keeping warm.
//! The arithmetic is `econ`'s; here it gets what was observed.
//!
//! Ends are those of 95% intervals over runs, all taken at once: a band is wider than the 95% interval of its whole, which for break-even
//! is that of the figure `n_break`.

mod observed;
mod sensitivity;

use econ::{BreakEvenRange, ColdStart, CurvePoint, Range, Reserved, ScaleToZero, Swing, Tariff};
use serde::{Deserialize, Serialize};
use units::{Dollars, Joules, Missing, Reading, Seconds, Watts};

use crate::{
    CellView,
    energy::{self, Kind},
    interval::over_runs,
    money::{self, Serving, api_price, engine_price, hosted, making, tariff},
    runs::{Run, Runs},
    serving_energy::per_request,
    stage_energy::Work,
};

pub use observed::{Observed, observed};
pub use sensitivity::Sensitivity;

/// The shares of a reserved machine's time at which costs are told.
pub const SHARES: &[f64] = &[0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0];

/// An hour.
pub(crate) const HOUR: Seconds = Seconds(3600.0);

/// Steps of the curve over requests.
const STEPS: u32 = 20;

/// The money of one variant. Each part stands for itself: what is missing in one is known in another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Economics {
    /// Making it, and one request here and at the hosted model.
    pub costs: Reading<Costs>,
    /// After how many requests it has paid for its making, and how early or late with every cost at its end.
    pub break_even: Reading<BreakEvenRange>,
    /// Both cumulative costs, from 0 to twice break-even where there is one.
    pub over_requests: Reading<Vec<CurvePoint>>,
    /// On a machine that is paid by the hour.
    pub over_utilisation: Reading<OverUtilisation>,
    /// Which input moves break-even most.
    pub sensitivity: Reading<Sensitivity>,
    /// Stopping the server when nobody asks, against keeping it warm.
    pub scale_to_zero: Reading<ScaleToZero>,
    /// What must be said beside them, each lower case without a final stop.
    pub notes: Vec<String>,
}

/// What the curves are made of, in USD.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Costs {
    /// `C_train + C_setup`.
    pub making_usd: Range,
    /// `C_api`: a request at the hosted model.
    pub hosted_usd: Range,
    /// `C_infer`: a request here, by use.
    pub own_usd: Range,
}

/// A machine that is paid by the hour, over the share of its time that is used.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OverUtilisation {
    /// USD an hour.
    pub usd_per_hour: f64,
    /// Whether its energy, busy and idle, is counted beside that rate: so it is with a machine of one's own.
    pub energy_is_apart: bool,
    /// Requests an hour that it sustained in the speed windows.
    pub requests_per_hour: Range,
    /// By use, for comparison: USD per million output tokens.
    pub usage_usd_per_mtok_output: Reading<Range>,
    /// The share from which a request here costs less than at the hosted model; `null` where it never does.
    pub least_utilisation: Option<f64>,
    /// From the least share to 1.
    pub points: Vec<AtUtilisation>,
}

/// Costs at one share.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AtUtilisation {
    /// The share of the machine's time that is used, above 0 and at most 1.
    pub utilisation: f64,
    /// A request, in USD.
    pub request_usd: Range,
    /// A million output tokens, in USD; that of the input is borne by them.
    pub usd_per_mtok_output: Range,
    /// Break-even at that cost of a request.
    pub break_even: BreakEvenRange,
}

/// The money of a variant.
pub fn economics(view: &CellView) -> Economics {
    let costs = costs(view);
    let break_even = costs.clone().and_then(|costs| break_even(view, &costs));
    Economics {
        over_requests: costs.clone().and_then(|costs| over_requests(&costs, break_even.as_ref().ok())).into(),
        over_utilisation: costs.clone().and_then(|costs| over_utilisation(view, &costs)).into(),
        sensitivity: costs.clone().and_then(|costs| sensitivity::of(view, &costs)).into(),
        scale_to_zero: costs.clone().and_then(|costs| scale_to_zero(view, &costs)).into(),
        notes: notes(view),
        break_even: break_even.into(),
        costs: costs.into(),
    }
}

fn costs(view: &CellView) -> Result<Costs, Missing> {
    let price = api_price(view)?;
    let api = Runs::of(view)?.each(|run| Ok(hosted(run, &price)?.get()))?;
    let serving = Serving::of(view)?;
    let own = Runs::of(view)?.each(|run| Ok(serving.cost(run)?.0.get()))?;
    Ok(Costs { making_usd: exact(making(view)?.cost.get())?, hosted_usd: spread(&api.values)?, own_usd: spread(&own.values)? })
}

fn of_econ(costs: &Costs) -> Result<econ::Costs, Missing> {
    econ::Costs::new(costs.making_usd, costs.hosted_usd, costs.own_usd).map_err(said)
}

fn break_even(view: &CellView, costs: &Costs) -> Result<BreakEvenRange, Missing> {
    let at = of_econ(costs)?.break_even();
    if at.value.requests().is_some() {
        money::must_be_paid_back(view)?;
    }
    Ok(at)
}

/// Twice break-even, or its late end where that is not far; ten thousand requests where there is none, and never fewer than ten.
fn over_requests(costs: &Costs, at: Option<&BreakEvenRange>) -> Result<Vec<CurvePoint>, Missing> {
    let requests = |at: &BreakEvenRange| {
        let value = at.value.requests()?;
        let late = at.latest.requests().map_or(value, |late| late.min(4.0 * value));
        Some((2.0 * value).max(1.25 * late))
    };
    let last = at.and_then(requests).unwrap_or(1e4).max(10.0);
    of_econ(costs)?.over_requests(last, STEPS).map_err(said)
}

fn over_utilisation(view: &CellView, costs: &Costs) -> Result<OverUtilisation, Missing> {
    let reserved = reserved(view)?;
    let tokens = tokens(view, Run::output_tokens)?.value();
    let per_mtok = |request: Range| request.map(|usd| usd / tokens * 1e6).ok_or_else(|| Missing::because("no token was generated"));
    let all = reserved.over_utilisation(costs.making_usd, costs.hosted_usd, SHARES).map_err(said)?;
    let point = |at: econ::UtilisationPoint| {
        Ok(AtUtilisation {
            utilisation: at.utilisation,
            request_usd: at.infer,
            usd_per_mtok_output: per_mtok(at.infer)?,
            break_even: at.break_even,
        })
    };
    Ok(OverUtilisation {
        usd_per_hour: reserved.usd_per_hour,
        energy_is_apart: view.plan().prices.owned.is_some(),
        requests_per_hour: reserved.requests_per_hour,
        usage_usd_per_mtok_output: per_mtok(costs.own_usd).into(),
        least_utilisation: reserved.least_utilisation(Dollars(costs.hosted_usd.value())).map_err(said)?,
        points: all.into_iter().map(point).collect::<Result<_, Missing>>()?,
    })
}

/// The machine by the hour, and what it sustained, over the runs.
fn reserved(view: &CellView) -> Result<Reserved, Missing> {
    let each = Runs::of(view)?.each(|run| reserved_of(view, run))?.values;
    let over = |of: fn(&Reserved) -> f64| spread(&each.iter().map(of).collect::<Vec<_>>());
    Ok(Reserved {
        usd_per_hour: each[0].usd_per_hour,
        requests_per_hour: over(|one| one.requests_per_hour.value())?,
        energy_usd_per_request: over(|one| one.energy_usd_per_request.value())?,
        idle_usd_per_hour: over(|one| one.idle_usd_per_hour)?.value(),
    })
}

/// The machine by the hour as one run found it. A machine of one's own draws its energy beside its price.
pub(crate) fn reserved_of(view: &CellView, run: &Run) -> Result<Reserved, Missing> {
    if engine_price(view)?.is_some() {
        return Err(Missing::because("the engine is paid by its tokens, not by the hour"));
    }
    let tariff = tariff(view)?;
    let usd_per_hour = tariff.usd_per_hour().ok_or_else(|| Missing::because("the plan gives the machine's time no price"))?;
    let an_hour = run.answered()?.len() as f64 / run.window()?.get() * 3600.0;
    let (energy, idle) = if view.plan().prices.owned.is_some() {
        let idle = idle_power(run)? * HOUR;
        (tariff.energy(per_request(run, Kind::Gross)?.energy).get(), tariff.energy(idle).get())
    } else {
        (0.0, 0.0)
    };
    Ok(Reserved { usd_per_hour, requests_per_hour: exact(an_hour)?, energy_usd_per_request: exact(energy)?, idle_usd_per_hour: idle })
}

/// Tokens of a request: the mean of each run.
fn tokens<'a>(view: &CellView<'a>, count: impl Fn(&Run<'a>) -> Result<u64, Missing>) -> Result<Range, Missing> {
    spread(&Runs::of(view)?.each(|run| Ok(count(run)? as f64 / run.answered()?.len() as f64))?.values)
}

fn scale_to_zero(view: &CellView, costs: &Costs) -> Result<ScaleToZero, Missing> {
    let tariff = stopping(view)?;
    let observed = Runs::of(view)?.each(|run| {
        let start = cold_start(run)?;
        Ok(ColdStart { energy: start.metered.energy, time: start.time, idle: idle_power(run)? })
    })?;
    let mean = |of: fn(&ColdStart) -> f64| observed.values.iter().map(of).sum::<f64>() / observed.values.len() as f64;
    let mean = ColdStart {
        energy: Joules(mean(|one| one.energy.get())),
        time: Seconds(mean(|one| one.time.get())),
        idle: Watts(mean(|one| one.idle.get())),
    };
    econ::scale_to_zero(&tariff, &mean, Dollars(costs.own_usd.value()), Dollars(costs.hosted_usd.value())).map_err(said)
}

/// What stopping saves and starting costs. The time of a machine of one's own is paid either way, so that its energy alone counts.
///
/// # Errors
/// The engine is another's, paid by its tokens.
pub(crate) fn stopping(view: &CellView) -> Result<Tariff, Missing> {
    if engine_price(view)?.is_some() {
        return Err(Missing::because("the engine is paid by its tokens: nobody here keeps it warm"));
    }
    let prices = &view.plan().prices;
    match prices.owned {
        None => tariff(view),
        Some(_) => Tariff::new(prices.electricity_usd_per_kwh, prices.pue, None).map_err(said),
    }
}

/// Energy and time from spawn to the first token of a run.
pub(crate) fn cold_start(run: &Run) -> Result<Work, Missing> {
    let metered = energy::read(run.record, "load", Kind::Gross)?;
    let (spawned, first_token) = (run.facts.spawned, run.facts.first_token);
    if first_token <= spawned {
        return Err(Missing::because("its first token is not after its spawn"));
    }
    Ok(Work { metered, time: first_token.since(spawned) })
}

/// Power with the model in memory and nothing asked; without the model where nobody looked while it was there.
pub(crate) fn idle_power(run: &Run) -> Result<Watts, Missing> {
    let window = energy::window(run.record, "speed")?;
    match window.idle_resident.as_ref().map(|reading| reading.known().copied()) {
        Some(Ok(power)) => Ok(power),
        _ => window.idle.known().copied().map_err(|why| Missing::because(format!("idle power: {why}"))),
    }
}

/// What must be said of stopping and keeping.
pub(crate) fn idle_notes(view: &CellView) -> Vec<String> {
    let Ok(runs) = Runs::of(view) else { return Vec::new() };
    let resident = |run: &Run| energy::window(run.record, "speed").ok()?.idle_resident.as_ref()?.known().ok().copied();
    let mut said = Vec::new();
    if runs.iter().any(|run| resident(run).is_none()) {
        said.push("idle power was measured without the model in memory: keeping it warm costs at least this".to_owned());
    }
    if view.plan().prices.owned.is_some() {
        said.push("the machine is one's own: its time is paid whether the server runs or not, so that energy alone counts".to_owned());
    }
    said
}

fn notes(view: &CellView) -> Vec<String> {
    let prices = &view.plan().prices;
    let mut notes = vec![format!("against {}, price of {} ({})", prices.api_name, prices.api_date, prices.api_source)];
    notes.push("bands take every cost at its end at once: wider than 95%".to_owned());
    notes.extend(money::lower_bound(prices));
    let serving = || {
        let serving = Serving::of(view)?;
        let sources = Runs::of(view)?.each(|run| Ok(serving.cost(run)?.1))?.values;
        serving.notes(view, &sources.into_iter().flatten().collect::<Vec<_>>())
    };
    notes.extend(serving().map(|(said, _)| said).unwrap_or_default());
    notes
}

/// The mean over runs and the ends of its interval, none of them below zero.
pub(crate) fn spread(values: &[f64]) -> Result<Range, Missing> {
    crate::interval::range(&over_runs(values)?)
}

fn exact(value: f64) -> Result<Range, Missing> {
    Range::exact(value).ok_or_else(|| Missing::because("it is not a finite number"))
}

#[expect(clippy::needless_pass_by_value, reason = "it stands in map_err")]
pub(crate) fn said(error: econ::Error) -> Missing {
    Missing::because(error.to_string())
}

/// The parts that others compute with.
impl Economics {
    /// The swings, the largest first; empty where they are missing.
    pub fn swings(&self) -> &[Swing] {
        self.sensitivity.known().map_or(&[], |sensitivity| sensitivity.swings.as_slice())
    }
}
