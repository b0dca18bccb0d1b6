//! Work recorded once and replayed at the cost of one call: a decode step has more than eighty kernels, and launching them one by one takes
//! longer than running them.

use std::ptr;

use crate::driver::{self, Driver};
use crate::{Gpu, Result};

/// Recorded work. What it uses (memory, kernels) must be kept by whoever holds the graph.
pub struct Graph {
    gpu: Gpu,
    recorded: driver::Graph,
    executable: driver::Executable,
}

impl Graph {
    /// Records what `work` hands to the GPU, without doing it.
    ///
    /// # Errors
    /// When `work` fails, or does something that cannot be recorded (copies, allocations, waiting).
    #[expect(unsafe_code, reason = "the CUDA driver is a C library")]
    pub fn record(gpu: &Gpu, work: impl FnOnce() -> Result<()>) -> Result<Self> {
        let driver = gpu.bound()?;
        // SAFETY: the stream lives; what is recorded here is ended here.
        gpu.check(unsafe { (driver.capture_begin)(gpu.stream(), driver::CAPTURE_THREAD) }, "beginning to record a graph")?;
        let worked = work();
        let ended = end(gpu, driver);
        worked?;
        let graph = ended?;
        let mut executable = ptr::null_mut();
        // SAFETY: the graph is whole; the pointer is to a live local.
        let status = unsafe { (driver.graph_instantiate)(&raw mut executable, graph, 0) };
        let ready = Self { gpu: gpu.clone(), recorded: graph, executable };
        gpu.check(status, "making a graph ready")?;
        Ok(ready)
    }

    /// Hands the work to the GPU once more.
    ///
    /// # Errors
    /// When the driver refuses; failures of the work itself come when it is waited for.
    #[expect(unsafe_code, reason = "the CUDA driver is a C library")]
    pub fn replay(&self) -> Result<()> {
        // SAFETY: both live as long as this.
        let status = unsafe { (self.gpu.bound()?.graph_launch)(self.executable, self.gpu.stream()) };
        self.gpu.check(status, "replaying a graph")
    }
}

#[expect(unsafe_code, reason = "the CUDA driver is a C library")]
fn end(gpu: &Gpu, driver: &Driver) -> Result<driver::Graph> {
    let mut graph = ptr::null_mut();
    // SAFETY: recording was begun on this stream; the pointer is to a live local.
    gpu.check(unsafe { (driver.capture_end)(gpu.stream(), &raw mut graph) }, "ending the recording of a graph")?;
    Ok(graph)
}

impl Drop for Graph {
    #[expect(unsafe_code, reason = "the CUDA driver is a C library")]
    fn drop(&mut self) {
        let Ok(driver) = self.gpu.bound() else { return };
        // SAFETY: both are ours and used no more; work in flight keeps what it needs.
        unsafe {
            if !self.executable.is_null() {
                (driver.executable_destroy)(self.executable);
            }
            (driver.graph_destroy)(self.recorded);
        }
    }
}

impl std::fmt::Debug for Graph {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Graph").finish_non_exhaustive()
    }
}
