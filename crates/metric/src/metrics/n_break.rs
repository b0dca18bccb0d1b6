//! Economic Break-Even: after how many requests the variant has paid for its making.

use econ::{BreakEven, break_even};
use plan::PriceSpec;
use units::{Dollars, Missing};

use super::{Better, Metric};
use crate::{
    CellView,
    figure::Known,
    interval::{composite, mean_at},
    money::{Serving, api_price, hosted, lower_bound, making, must_be_paid_back},
    runs::Runs,
};

pub(super) static METRIC: Metric = Metric {
    name: "n_break",
    unit: "requests",
    better: Better::Lower,
    definition: "(C_train + C_setup) / (C_api − C_infer), C_infer by use; missing where that is never, or nothing is to be paid back",
    source: "Mohammad et al., ACL 2026 Industry, section 4.2",
    compute,
};

fn compute(view: &CellView) -> Result<Known, Missing> {
    let prices = &view.plan().prices;
    let making = making(view)?;
    let fixed = making.cost;
    let (serving, api_price) = (Serving::of(view)?, api_price(view)?);
    let per_run = Runs::of(view)?.each(|run| Ok((hosted(run, &api_price)?, serving.cost(run)?)))?;
    let mut sources = making.sources;
    sources.extend(per_run.values.iter().filter_map(|(_, (_, source))| *source));
    let (api, infer): (Vec<f64>, Vec<f64>) = per_run.values.iter().map(|(api, (infer, _))| (api.get(), infer.get())).unzip();
    let at = |picks: &[usize]| break_even(fixed, Dollars(mean_at(&api, picks)), Dollars(mean_at(&infer, picks)));
    if let BreakEven::Never { reason } = at(&(0..api.len()).collect::<Vec<_>>()) {
        return Err(Missing::because(reason));
    }
    must_be_paid_back(view)?;
    let estimate = composite(view.plan().seed, &[api.len()], |picks| match at(&picks[0]) {
        BreakEven::After { requests } => requests,
        BreakEven::Never { .. } => f64::INFINITY,
    })?;
    let open_ended = (estimate.ci95.is_none() && api.len() > 1)
        .then(|| "the runs differ so much that it may never pay: the interval has no upper end".to_owned());
    let (said, source) = serving.notes(view, &sources)?;
    let known = Known { source, ..Known::from(estimate) }.noting(assumptions(prices)).noting(open_ended);
    Ok(known.noting(per_run.notes).noting(said))
}

/// What the figure takes for granted.
fn assumptions(prices: &PriceSpec) -> Vec<String> {
    let mut said = vec![format!("against {}, price of {} ({})", prices.api_name, prices.api_date, prices.api_source)];
    said.extend(lower_bound(prices));
    said.push("making the weights was observed once: the interval is that of serving alone".into());
    said
}
