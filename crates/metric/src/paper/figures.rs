//! The five metrics of a cell of ours under the method `paper`, so that they stand beside the authors' and beside the method `measured`.
//!
//! The formulas are the functions above; the constants are the paper's and not the plan's prices. What the authors' logs hold as one number
//! is here the mean over runs, so that there is an interval.

use plan::Strategy;
use stats::Estimate;
use units::{Joules, Missing, Seconds, Watts};

use super::{c_tax, ipw, n_break, nominal_gigabytes, q_ret, rho_sys};
use crate::{
    Better, CellView, Figure, Metric,
    density::throughput,
    energy::{self, Kind},
    figure::Known,
    interval::{composite, mean_at},
    quality::Marks,
    runs::Runs,
    serving_energy::{Energies, per_request},
    stage_energy::adaptation,
};

const SOURCE: &str = "Mohammad et al., ACL 2026 Industry, as their code computes it";

/// The five, by name.
pub static METRICS: &[&Metric] = &[
    &Metric {
        name: "n_break",
        unit: "requests",
        better: Better::Lower,
        definition: "energy of adaptation · 0.12 USD/kWh / (500 tokens · 2.50 USD per million − energy of a request · 0.12 USD/kWh)",
        source: SOURCE,
        compute: breaks,
    },
    &Metric {
        name: "ipw",
        unit: "1/J",
        better: Better::Higher,
        definition: "score / gross energy of a request, α = 1",
        source: SOURCE,
        compute: per_watt,
    },
    &Metric {
        name: "rho_sys",
        unit: "tokens/s/GB",
        better: Better::Higher,
        definition: "throughput / size by the tier's name: 2, 1 or 0.625 bytes a parameter in FP16, INT8 or INT4",
        source: SOURCE,
        compute: density,
    },
    &Metric {
        name: "c_tax",
        unit: "requests",
        better: Better::Lower,
        definition: "time of a cold start · mean power of serving / gross energy of a request",
        source: SOURCE,
        compute: tax,
    },
    &Metric {
        name: "q_ret",
        unit: "%",
        better: Better::Higher,
        definition: "100 · mean score / mean score of lora-fp16, items not paired",
        source: SOURCE,
        compute: retained,
    },
];

/// The five of a cell.
pub fn figures(view: &CellView) -> Vec<(&'static Metric, Figure)> {
    METRICS.iter().map(|metric| (*metric, metric.of(view))).collect()
}

fn breaks(view: &CellView) -> Result<Known, Missing> {
    let train = adaptation(view, Kind::Gross)?;
    let (joules, known) = requests(view, train.source)?;
    let at = |joule: f64| n_break(Joules(train.estimate.value), Joules(joule));
    at(mean(&joules))?;
    let estimate = composite(view.plan().seed, &[joules.len()], |picks| at(mean_at(&joules, &picks[0])).unwrap_or(f64::INFINITY))?;
    Ok(Known { estimate, ..known })
}

fn per_watt(view: &CellView) -> Result<Known, Missing> {
    let scores = Marks::of(view)?.values();
    let (joules, known) = requests(view, None)?;
    ipw(mean(&scores), Joules(mean(&joules)))?;
    let estimate = composite(view.plan().seed, &[scores.len(), joules.len()], |picks| {
        ipw(mean_at(&scores, &picks[0]), Joules(mean_at(&joules, &picks[1]))).unwrap_or(f64::INFINITY)
    })?;
    Ok(Known { estimate, ..known })
}

fn density(view: &CellView) -> Result<Known, Missing> {
    let gigabytes = nominal_gigabytes(billions(&view.cell().tier)?, view.cell().strategy.precision());
    let rates = Runs::of(view)?.each(|run| rho_sys(throughput(run)?, gigabytes))?;
    Ok(Known::from(crate::interval::over_runs(&rates.values)?).noting(rates.notes))
}

fn tax(view: &CellView) -> Result<Known, Missing> {
    let per_run = Runs::of(view)?.each(|run| {
        let (spawned, first_token) = (run.facts.spawned, run.facts.first_token);
        let request = per_request(run, Kind::Gross)?;
        let power = request.energy.get() * run.answered()?.len() as f64 / run.window()?.get();
        let load = if first_token > spawned { first_token.since(spawned) } else { Seconds(0.0) };
        Ok((load.get(), power, request.energy.get(), request.source))
    })?;
    let source = energy::worst(per_run.values.iter().map(|run| run.3))?;
    let column = |of: fn(&(f64, f64, f64, record::EnergySource)) -> f64| per_run.values.iter().map(of).collect::<Vec<f64>>();
    let (load, power, request) = (column(|run| run.0), column(|run| run.1), column(|run| run.2));
    let at = |picks: &[usize]| c_tax(Seconds(mean_at(&load, picks)), Watts(mean_at(&power, picks)), Joules(mean_at(&request, picks)));
    at(&(0..load.len()).collect::<Vec<_>>())?;
    let estimate = composite(view.plan().seed, &[load.len()], |picks| at(&picks[0]).unwrap_or(f64::INFINITY))?;
    let known = Known { source, ..Known::from(estimate) }.noting(per_run.notes).noting(energy::note(source));
    Ok(known.noting(["the cold start is taken to draw the power of serving, and is not metered".to_owned()]))
}

fn retained(view: &CellView) -> Result<Known, Missing> {
    if !view.is_quantised() {
        return Err(Missing::because("served in full precision: this is what quantised variants are compared with"));
    }
    let (own, full) = (Marks::of(view)?.values(), Marks::of(&view.sibling(Strategy::LoraFp16)?)?.values());
    q_ret(mean(&own), mean(&full))?;
    let estimate = composite(view.plan().seed, &[own.len(), full.len()], |picks| {
        q_ret(mean_at(&own, &picks[0]), mean_at(&full, &picks[1])).unwrap_or(f64::INFINITY)
    })?;
    Ok(Known::from(estimate))
}

/// Energies of a request over the runs, and what is to be said of them and of another that stands beside them.
fn requests(view: &CellView, beside: Option<record::EnergySource>) -> Result<(Vec<f64>, Known), Missing> {
    let Energies { joules, notes, source } = Energies::of(view, |run| per_request(run, Kind::Gross))?;
    let source = energy::worst(source.into_iter().chain(beside))?;
    let known = Known { source, ..Known::from(Estimate::single(mean(&joules))) };
    Ok((joules, known.noting(notes)))
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Parameters in units of 1e9 by the tier's name: `1.5B` or `135M`.
pub(crate) fn billions(tier: &str) -> Result<f64, Missing> {
    let unknown = || Missing::because(format!("the tier's name `{tier}` tells no number of parameters, such as 1.5B"));
    let tier = tier.trim();
    let (number, scale) = match tier.chars().last() {
        Some('B' | 'b') => (&tier[..tier.len() - 1], 1.0),
        Some('M' | 'm') => (&tier[..tier.len() - 1], 1e-3),
        _ => return Err(unknown()),
    };
    let number: f64 = number.trim().parse().map_err(|_| unknown())?;
    if number.is_finite() && number > 0.0 { Ok(number * scale) } else { Err(unknown()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tiers_name_tells_its_size() {
        assert!((billions("1.5B").unwrap() - 1.5).abs() < 1e-12 && (billions("135M").unwrap() - 0.135).abs() < 1e-12);
        for tier in ["small", "", "B", "-1B", "infB", "é"] {
            assert!(billions(tier).is_err(), "{tier}");
        }
    }
}
