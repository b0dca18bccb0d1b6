//! What was observed, and nothing else: versioned, immutable records, the run folder's layout, the machine's fingerprint
//! and the one clock. Every figure is computed from these later, by `metric`; none is stored here.

mod atomic;
mod certificate;
pub mod clock;
mod digest;
mod energy;
mod error;
mod fingerprint;
mod folder;
mod json;
mod latency;
mod lock;
mod machine;
mod manifest;
mod request;
mod slo;
mod stage;
mod table;

pub use certificate::{
    Ceiling, ClientCertificate, ClientLevel, ITL_ERROR_LIMIT, LATENESS_LIMIT, OpenLevel, Seen, Spread, TTFT_ERROR_LIMIT, Truthful,
};
pub use digest::{Content, digest_path};
pub use energy::{EnergySource, EnergyWindow, GpuState, Judgement, PowerSample, Verdict};
pub use error::{Error, Result};
pub use folder::RunFolder;
pub use lock::Lock;
pub use machine::Machine;
pub use manifest::{CellEntry, DataFacts, DataFile, Manifest};
pub use plan::StageKind;
pub use request::Request;
pub use slo::{Limits, NoLimit, Standing};
pub use stage::{
    AdaptFacts, Artifact, CommandFacts, CompressFacts, Detail, Divergence, DoesNotFit, ItemLikelihood, ItemMark, LevelFacts, LevelWindow,
    Likelihood, LoadFacts, MemoryPeak, Outcome, PageCache, PerplexityFacts, Phase, QualityFacts, RateFacts, StageRecord,
};
pub use table::{Column, Columns, read_requests, read_table, write_requests, write_table};

/// The version of every file of a run folder. A folder of another version is refused, never misread.
pub const SCHEMA: &str = "edge-eval/run/1";
