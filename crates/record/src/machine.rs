//! The machine's fingerprint: what a reader needs to know before comparing two runs.

use serde::{Deserialize, Serialize};
use units::Bytes;

/// What this machine is. Read from `/proc` and `/sys`; a fact that cannot be read is absent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// Processor model name.
    pub cpu: Option<String>,
    /// Logical processors this process may use.
    pub cores: u32,
    /// Instruction set extensions that matter for speed, such as `avx2`, `avx512f`, `avx512_vnni`, `amx_int8`.
    pub cpu_features: Vec<String>,
    /// Main memory.
    pub memory: Option<Bytes>,
    /// Kernel release.
    pub kernel: Option<String>,
    /// GPU names by NVML index; empty when there is none.
    pub gpus: Vec<String>,
    /// GPU driver version.
    pub gpu_driver: Option<String>,
    /// Version of edge-eval that wrote the record.
    pub edge_eval: String,
    /// Digest of the facts above but for edge-eval's version, to tell machines apart at a glance.
    pub digest: String,
}
