//! Intelligence-Per-Watt. The name is the paper's; the unit is score per joule, and the formula stands with it because another measure bears the same name.

use units::Missing;

use super::{Better, Metric};
use crate::{
    CellView,
    energy::Kind,
    figure::Known,
    interval::{composite, mean_at},
    quality::Marks,
    serving_energy::{Energies, attribution_note, per_request},
};

pub(super) static METRIC: Metric = Metric {
    name: "ipw",
    unit: "1/J",
    better: Better::Higher,
    definition: "score · α / gross energy of a request; α is the task's complexity factor of the plan",
    source: "Mohammad et al., ACL 2026 Industry, section 4.2",
    compute,
};

fn compute(view: &CellView) -> Result<Known, Missing> {
    let marks = Marks::of(view)?;
    let (scores, alpha) = (marks.values(), view.task()?.alpha);
    let Energies { joules, notes, source } = Energies::of(view, |run| per_request(run, Kind::Gross))?;
    // Items and runs were drawn apart from each other.
    let estimate = composite(view.plan().seed, &[scores.len(), joules.len()], |picks| {
        alpha * mean_at(&scores, &picks[0]) / mean_at(&joules, &picks[1])
    })?;
    let formula = format!("score ({}) · α / J, α = {alpha}", marks.name);
    let one_run = (joules.len() == 1).then(|| "one run: the interval is that of the items alone".to_owned());
    let known = Known { source, ..Known::from(estimate) };
    Ok(known.noting([formula]).noting(marks.notes).noting(notes).noting(one_run).noting(attribution_note(view)))
}
