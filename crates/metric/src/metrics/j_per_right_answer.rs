//! Energy of a right answer: what the wrong ones took is borne by the right ones.

use units::Missing;

use super::{Better, Metric};
use crate::{
    CellView,
    energy::Kind,
    figure::Known,
    interval::{composite, mean_at},
    quality::{Marks, all_or_nothing},
    serving_energy::{Energies, attribution_note, per_request},
};

pub(super) static METRIC: Metric = Metric {
    name: "j_per_right_answer",
    unit: "J",
    better: Better::Lower,
    definition: "gross energy of a request / share of right answers; only where every mark is 0 or 1",
    source: "this project, method `measured`",
    compute,
};

fn compute(view: &CellView) -> Result<Known, Missing> {
    let marks = Marks::of(view)?;
    let scores = marks.values();
    let right = all_or_nothing(&scores).ok_or_else(|| Missing::because(format!("`{}` has marks between right and wrong", marks.name)))?;
    if !right.contains(&true) {
        return Err(Missing::because(format!("none of {} answers was right", scores.len())));
    }
    let Energies { joules, notes, source } = Energies::of(view, |run| per_request(run, Kind::Gross))?;
    // Items and runs were drawn apart from each other.
    let estimate =
        composite(view.plan().seed, &[scores.len(), joules.len()], |picks| mean_at(&joules, &picks[1]) / mean_at(&scores, &picks[0]))?;
    let known = Known { source, ..Known::from(estimate) };
    let one_run = (joules.len() == 1).then(|| "one run: the interval is that of the items alone".to_owned());
    Ok(known
        .noting([format!("right by `{}`", marks.name)])
        .noting(marks.notes)
        .noting(notes)
        .noting(one_run)
        .noting(attribution_note(view)))
}
