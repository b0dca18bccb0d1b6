//! Candidates on devices that nobody measured them on: the measured ones put through the projection. They are made only where they are asked
//! for, and each says that it is projected.
//!
//! The score is that of the measured variant, since the weights are the same; percentiles of latency go with the projected medians. Intervals
//! are the errors of the projection where both devices were measured, not those of the measurement, which are far smaller.

use econ::{ApiPrice, BreakEven, Site, Tariff, break_even};
use stats::{Estimate, Method};
use units::{Dollars, Joules, Missing, Seconds};

use super::{Candidate, Wished, Wishes, check, figure};
use crate::{
    CellView, Point,
    interval::{over_runs, range},
    money::{api_price, hosted, making, must_be_paid_back},
    projection::{Devices, Errors, Machine, Projected, Quantity, Recorded, project, recorded},
    runs::Runs,
};

/// Where else the variants are to be looked at.
#[derive(Clone, Debug, PartialEq)]
pub struct Elsewhere {
    /// On what.
    pub targets: Vec<Target>,
    /// What the records were made on, where they do not tell.
    pub from: Option<Machine>,
    /// The table of devices.
    pub devices: Devices,
    /// How far projections were off.
    pub errors: Errors,
}

/// A machine that variants are projected to.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// Which.
    pub machine: Machine,
    /// What it costs an hour in USD; its time has no price otherwise.
    pub usd_per_hour: Option<f64>,
}

/// That a candidate is projected, and how.
#[derive(Clone, Debug, PartialEq)]
pub struct ProjectedTo {
    /// To what.
    pub machine: String,
    /// From what it was measured on.
    pub from: Result<String, Missing>,
    /// What must be said of it.
    pub notes: Vec<String>,
}

/// A variant on a target. Of one that cannot be projected every figure is missing with the reason.
pub(super) fn candidate(view: &CellView, wishes: &Wishes, elsewhere: &Elsewhere, target: &Target) -> Candidate {
    let there = There::of(view, elsewhere, target);
    let told = |figure: &dyn Fn(&There) -> Result<Estimate, Missing>| there.as_ref().map_err(Clone::clone).and_then(figure);
    let checks = wishes.limits.iter().map(|(wished, bound)| check(*wished, *bound, told(&|there| there.wished(view, *wished))));
    let objectives: Point = vec![told(&|there| there.cost(view, target)), figure(view, "score"), told(&There::joules_per_request)];
    let month = there.as_ref().map_err(Clone::clone).and_then(|there| there.month(view, wishes.requests_per_month, target));
    Candidate {
        cell: view.cell().clone(),
        checks: checks.collect(),
        standing: None,
        month,
        n_break: told(&|there| there.n_break(view, target)),
        projected: Some(ProjectedTo {
            machine: target.machine.name(),
            from: there.as_ref().map(|there| there.recorded.machine.name()).map_err(Clone::clone),
            notes: there.map(|there| there.notes(elsewhere, target)).unwrap_or_default(),
        }),
        objectives,
    }
}

/// A cell, and its projection.
struct There {
    recorded: Recorded,
    projected: Projected,
    errors: Errors,
    to: String,
}

impl There {
    fn of(view: &CellView, elsewhere: &Elsewhere, target: &Target) -> Result<Self, Missing> {
        let recorded = recorded(view, &elsewhere.devices, elsewhere.from.as_ref())?;
        let projected = project((&recorded.machine, &recorded.work), &recorded.seen, (&target.machine, &recorded.work));
        Ok(Self { recorded, projected, errors: elsewhere.errors.clone(), to: target.machine.device.name.clone() })
    }

    /// A projected figure with the errors of the projection as its interval.
    fn figure(&self, quantity: Quantity) -> Result<Estimate, Missing> {
        let value = self.projected.of(quantity)?.value;
        let band = self.errors.band(&self.recorded.machine.device.name, &self.to, quantity);
        let (ci95, n) = band.map_or((None, 0), |(band, _)| (Some(band.around(value)), band.n));
        Ok(Estimate { value, ci95, n, method: Method::None })
    }

    fn wished(&self, view: &CellView, wished: Wished) -> Result<Estimate, Missing> {
        match wished {
            Wished::TtftP95Ms => self.with(Quantity::TtftMs, &wished.of(view)?),
            Wished::ItlP95Ms => self.with(Quantity::ItlMs, &wished.of(view)?),
            Wished::Score => wished.of(view),
            Wished::PowerW => self.figure(Quantity::PowerW),
            Wished::MemoryBytes => match self.projected.of(Quantity::ItlMs) {
                Err(why) if self.projected.fit.fits() == Some(false) => Err(why),
                _ => Ok(Estimate::single(self.projected.fit.needed_bytes)),
            },
        }
    }

    /// A measured figure that goes with a projected one.
    fn with(&self, quantity: Quantity, measured: &Estimate) -> Result<Estimate, Missing> {
        let factor = measured.value / self.recorded.seen.of(quantity)?;
        Ok(scaled(&self.figure(quantity)?, factor))
    }

    fn joules_per_request(&self) -> Result<Estimate, Missing> {
        Ok(scaled(&self.figure(Quantity::JoulesPerToken)?, self.recorded.work.output_tokens))
    }

    /// Energy and machine time of a request at the plan's prices and the target's rate.
    fn cost(&self, view: &CellView, target: &Target) -> Result<Estimate, Missing> {
        let prices = &view.plan().prices;
        if prices.machine_usd_per_hour.is_some() && target.usd_per_hour.is_none() {
            let name = target.machine.name();
            return Err(Missing::because(format!(
                "the plan prices machine time, and that of {name} has no price: give {name}@USD_PER_HOUR"
            )));
        }
        let tariff = Tariff::new(prices.electricity_usd_per_kwh, prices.pue, target.usd_per_hour);
        let tariff = tariff.map_err(|error| Missing::because(error.to_string()))?;
        let (energy, rate) = (self.joules_per_request()?, self.figure(Quantity::TokensPerS)?);
        let tokens = self.recorded.work.output_tokens;
        let at = |joules: f64, rate: f64| tariff.work(Joules(joules), Seconds(tokens / rate)).get();
        let ci95 = energy.ci95.zip(rate.ci95).map(|((least, most), (slow, fast))| (at(least, fast), at(most, slow)));
        Ok(Estimate { value: at(energy.value, rate.value), ci95, n: energy.n.min(rate.n), method: Method::None })
    }

    fn month(&self, view: &CellView, requests: f64, target: &Target) -> Result<econ::Month, Missing> {
        let prices = &view.plan().prices;
        let site = Site { pue: prices.pue, grid_g_per_kwh: prices.grid_gco2e_per_kwh };
        let (api, infer) = (api(view)?, self.cost(view, target)?);
        econ::month(requests, range(&api)?, range(&infer)?, range(&self.joules_per_request()?)?, &site)
            .map_err(|error| Missing::because(error.to_string()))
    }

    /// At the projected cost of a request; the weights were made where they were made.
    fn n_break(&self, view: &CellView, target: &Target) -> Result<Estimate, Missing> {
        must_be_paid_back(view)?;
        match break_even(making(view)?.cost, Dollars(api(view)?.value), Dollars(self.cost(view, target)?.value)) {
            BreakEven::After { requests } => Ok(Estimate::single(requests)),
            BreakEven::Never { reason } => Err(Missing::because(reason)),
        }
    }

    fn notes(&self, elsewhere: &Elsewhere, target: &Target) -> Vec<String> {
        let from = &self.recorded.machine.device.name;
        let mut notes = [self.recorded.notes.clone(), self.projected.notes.clone()].concat();
        notes.push(elsewhere.errors.told(from, &target.machine.device.name));
        if target.usd_per_hour.is_none() {
            notes.push(format!("the time of {} has no price: energy alone", target.machine.name()));
        }
        notes
    }
}

/// What a request costs at the hosted model.
fn api(view: &CellView) -> Result<Estimate, Missing> {
    let price: ApiPrice = api_price(view)?;
    over_runs(&Runs::of(view)?.each(|run| Ok(hosted(run, &price)?.get()))?.values)
}

fn scaled(estimate: &Estimate, factor: f64) -> Estimate {
    let ci95 = estimate.ci95.map(|(low, high)| (low * factor, high * factor));
    Estimate { value: estimate.value * factor, ci95, ..*estimate }
}
