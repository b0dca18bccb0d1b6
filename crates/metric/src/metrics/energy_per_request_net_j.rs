//! Energy of a request above idle power.

use units::Missing;

use super::{Better, Metric};
use crate::{
    CellView,
    energy::Kind,
    figure::Known,
    serving_energy::{attribution_note, mean, per_request},
};

pub(super) static METRIC: Metric = Metric {
    name: "energy_per_request_net_j",
    unit: "J",
    better: Better::Lower,
    definition: "(energy of the speed window − idle power · its length) / requests answered in it, or the mean of the requests' own windows where one was served at a time; mean over runs",
    source: "this project, method `measured`",
    compute,
};

fn compute(view: &CellView) -> Result<Known, Missing> {
    mean(view, |run| per_request(run, Kind::Net)).map(|known| known.noting(attribution_note(view)))
}
