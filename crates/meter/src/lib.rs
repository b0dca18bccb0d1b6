//! Power and memory of one stage: meters probed at run time, a sampler, windows and their verdicts.
//!
//! It does not start stages and knows none of them: it is told a process group and the instants of a window. It computes
//! energy only because a window must be judged while its samples are at hand; every other figure is `metric`'s.
//!
//! The order of a metered stage:
//!
//! 1. [`open`] a meter and [`Sampler::start`] it, before the stage: what it sees until then is the idle power;
//! 2. start the stage in a process group of its own, and [`Sampler::watch_since`] its spawn;
//! 3. [`Sampler::mark`] the instants at which windows begin and end, so that readings stand close to them;
//! 4. [`Sampler::stop`] after the stage has ended, and ask the [`Trace`] for its windows.

pub mod certify;
mod error;
mod group;
mod idle;
mod meters;
mod places;
mod reading;
mod sampler;
mod sysfs;
mod trace;

pub use error::{Error, Result};
pub use group::ProcessGroup;
pub use idle::{Idle, measure_idle};
pub use meters::{Found, METERS, MeterKind, Metering, Offer, open, probe};
pub use places::Places;
pub use reading::{Basis, Channel, DeviceNature, DeviceReading, Effort, Meter, Nature, Raw, Sight};
pub use sampler::Sampler;
pub use trace::{GOOD_WINDOW, MAX_CPU_TIME_ERROR, MAX_RESIDUAL, MIN_WINDOW, Trace};
