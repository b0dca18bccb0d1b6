//! What a month of the plan's traffic costs on machines that are paid by the hour, as many as it takes.

use units::Missing;

use super::{Better, Metric};
use crate::{
    CellView,
    economics::{reserved_of, said},
    figure::Known,
    interval::over_runs,
    money::{traffic, utilisation},
    runs::Runs,
};

pub(super) static METRIC: Metric = Metric {
    name: "cost_per_month_reserved_usd",
    unit: "USD/month",
    better: Better::Lower,
    definition: "machines that sustain the plan's requests a month at no more than its utilisation · 730.5 h · hourly rate; of one's own machines energy, busy and idle, too; mean over runs",
    source: "this project, method `measured`",
    compute,
};

fn compute(view: &CellView) -> Result<Known, Missing> {
    let (requests, share) = (traffic(view)?, utilisation(view)?);
    let months = Runs::of(view)?.each(|run| reserved_of(view, run)?.month(requests, share).map_err(said))?;
    let costs: Vec<f64> = months.values.iter().map(|month| month.usd.get()).collect();
    let machines = |pick: fn(u64, u64) -> u64| months.values.iter().map(|month| month.machines).reduce(pick).unwrap_or(1);
    let (fewest, most) = (machines(u64::min), machines(u64::max));
    let machines = if fewest == most { format!("{most} machines") } else { format!("{fewest} to {most} machines") };
    let said = format!("{} at utilisation {share} or less", if most == 1 { "1 machine".to_owned() } else { machines });
    Ok(Known::from(over_runs(&costs)?).noting(months.notes).noting([said]))
}
