//! What was observed, and nothing else: versioned, immutable records, the run folder's layout, the machine's fingerprint
//! and the one clock. Every figure is computed from these later, by `metric`; none is stored here.

pub mod clock;
mod energy;
mod machine;
mod manifest;
mod request;
mod stage;

pub use energy::{EnergySource, EnergyWindow, GpuState, PowerSample, Verdict};
pub use machine::Machine;
pub use manifest::{CellEntry, Manifest};
pub use request::Request;
pub use stage::{
    AdaptFacts, Artifact, CompressFacts, Detail, ItemMark, LoadFacts, MemoryPeak, Outcome, PageCache, Phase, QualityFacts, StageKind,
    StageRecord,
};

/// The version of every file of a run folder. A folder of another version is refused, never misread.
pub const SCHEMA: &str = "edge-eval/run/1";
