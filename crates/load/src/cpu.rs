//! CPU time of the calling thread: what an event costs the client, and what the mock's threads took of the same machine.

use rustix::time::{ClockId, clock_gettime};
use units::Seconds;

/// User and system time of the calling thread since it began.
pub(crate) fn of_this_thread() -> Seconds {
    let spent = clock_gettime(ClockId::ThreadCPUTime);
    Seconds(spent.tv_sec as f64 + spent.tv_nsec as f64 * 1e-9)
}
