//! Energy of a token against concurrency.

use units::Missing;

use super::load::against_concurrency;
use crate::{
    gather::Run,
    html::chart::{Chart, Drawing, Quantity, Scale},
};

pub(super) static CHART: Chart = Chart {
    id: "energy-by-load",
    title: "Energy of a token against concurrency",
    says: "Streams at once share what the machine draws anyway. Above one stream a request's energy is an allocation by its tokens.",
    draw,
};

const ENERGY: Quantity = Quantity { metric: "energy_per_token_j", title: "energy of an output token, J", times: 1.0, scale: Scale::Log };

fn draw(run: &Run) -> Result<Drawing, Missing> {
    against_concurrency(run, &[ENERGY])
}
