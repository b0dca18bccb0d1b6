//! The one clock. Linux's `CLOCK_MONOTONIC` is shared by all processes of a machine, so a stage's marks line up with the
//! power samples that another process took.

use rustix::time::{ClockId, clock_gettime};
use units::Nanos;

/// The monotonic instant now.
pub fn now() -> Nanos {
    nanos(ClockId::Monotonic)
}

/// Wall time now as nanoseconds since 1970-01-01 UTC. Read once per run, for the report's date.
pub fn wall() -> Nanos {
    nanos(ClockId::Realtime)
}

fn nanos(clock: ClockId) -> Nanos {
    let t = clock_gettime(clock);
    Nanos(t.tv_sec as u64 * 1_000_000_000 + t.tv_nsec as u64)
}
