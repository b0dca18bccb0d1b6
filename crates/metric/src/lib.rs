//! Every figure as a pure function of the records.
//!
//! A metric is one file in `metrics/` and one line in [`METRICS`]: name, unit, direction, definition with its source, and a function
//! from a cell's records to a [`Figure`]. Nothing is read from disk, no clock is read, and the same records always give the same
//! figures. The figures' meaning is the method [`METHOD`]; money is computed with `econ`, intervals with `stats`.

pub mod adaptation;
mod advise;
mod client;
mod cold_start;
mod compare;
pub mod crossings;
mod density;
pub mod economics;
mod energy;
mod engine;
mod fidelity;
mod figure;
mod goodput;
mod interval;
mod latency;
mod levels;
mod likelihood;
mod metrics;
mod money;
pub mod paper;
mod pareto;
mod prefix_cache;
pub mod projection;
mod quality;
mod runs;
mod serving_energy;
mod stage_energy;
pub mod statements;
mod view;

pub use advise::{Advice, Candidate, Check, Elsewhere, Kept, ProjectedTo, Target, Wished, Wishes, advise};
pub use client::{CLIENT_MEASURED, client_bound};
pub use compare::{Compared, compare, serving_runs};
pub use engine::{does_not_fit, engine_version, flags, is_touched};
pub use fidelity::{Fidelity, Gate, GateVerdict, fidelity, fidelity_of_means};
pub use figure::Figure;
pub use latency::{token_gaps as token_gaps_ms, ttft as ttft_ms};
pub use levels::OF_A_WINDOW;
pub use likelihood::{Divergences, Likelihoods, likelihoods};
pub use metrics::{Better, METRICS, Metric, find};
pub use pareto::{Point, Relation, Standing, pareto, relate};
pub use prefix_cache::prefix_cached;
pub use view::{Campaign, CellRecords, CellView, ServingRun, Stage};

/// The named method under which these figures are computed: what was measured, as a user can rely on it.
pub const METHOD: &str = "measured";

/// The figures of a cell that are of a speed window, in the registry's order: those that differ from one level of concurrency to another.
pub fn window_figures(view: &CellView) -> Vec<(&'static Metric, Figure)> {
    METRICS.iter().filter(|metric| OF_A_WINDOW.contains(&metric.name)).map(|metric| (*metric, metric.of(view))).collect()
}

/// Every figure of a cell, in the registry's order.
pub fn figures(view: &CellView) -> Vec<(&'static Metric, Figure)> {
    METRICS.iter().map(|metric| (*metric, metric.of(view))).collect()
}
