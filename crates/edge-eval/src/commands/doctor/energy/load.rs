//! A load in a process of its own, by `edge-eval burn`, so that the GPU is held by somebody else as in a real stage.

use std::{ffi::OsString, time::Duration};

use ::meter::Basis;
use anyhow::{Context, bail};
use campaign::{CommandLine, StageProcess};

use crate::env;

/// How long a context and a kernel may take to be made.
const PATIENCE: Duration = Duration::from_secs(120);
/// How long a load may take to end when told to.
const GRACE: Duration = Duration::from_secs(5);

/// What to put on a device.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Load {
    /// A context that does nothing; GPUs only.
    Context,
    /// Work without a pause.
    Steady,
    /// Work and rest for so many milliseconds each.
    Pulsed(u32),
}

impl Load {
    /// Its name in a certificate.
    pub(super) fn name(self) -> String {
        match self {
            Self::Context => "context".to_owned(),
            Self::Steady => "steady".to_owned(),
            Self::Pulsed(ms) => format!("pulsed, {ms} ms"),
        }
    }
}

/// Runs `work` while a load of at most so many seconds is on the device.
///
/// # Errors
/// The load cannot be started, or does not last.
pub(super) fn during<T>(load: Load, basis: Basis, device: u32, seconds: f64, work: impl FnOnce() -> T) -> anyhow::Result<T> {
    let folder = env::cache().context("no place for the load's log: set XDG_CACHE_HOME or HOME")?.join("edge-eval");
    std::fs::create_dir_all(&folder).with_context(|| format!("making the folder {}", folder.display()))?;
    let mut process = StageProcess::spawn(&command(load, basis, device, seconds)?, &folder.join("burn.log"))?;
    if let Err(error) = process.wait_for("ready", PATIENCE, |_| {}) {
        let ended = process.stop(Duration::ZERO)?;
        bail!("{}", ended.failure().unwrap_or_else(|| error.to_string()));
    }
    let done = work();
    let lasted = process.alive();
    let ended = process.stop(GRACE)?;
    if !lasted {
        bail!("the load ended early: {}", ended.failure().unwrap_or_else(|| "its time was up".to_owned()));
    }
    Ok(done)
}

fn command(load: Load, basis: Basis, device: u32, seconds: f64) -> anyhow::Result<CommandLine> {
    let mut args: Vec<OsString> = vec!["burn".into(), "--seconds".into(), seconds.to_string().into()];
    let mut environment = Vec::new();
    if basis == Basis::Gpus {
        // CUDA numbers GPUs by speed unless told otherwise; NVML by bus, and so do we.
        environment =
            vec![("CUDA_DEVICE_ORDER".to_owned(), "PCI_BUS_ID".into()), ("CUDA_VISIBLE_DEVICES".to_owned(), device.to_string().into())];
        args.extend(["--gpu".into(), "0".into()]);
    } else {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        args.extend(["--cpu".into(), cores.to_string().into()]);
    }
    match load {
        Load::Context => args.push("--context-only".into()),
        Load::Steady => {}
        Load::Pulsed(ms) => args.extend(["--pulse-ms".into(), ms.to_string().into()]),
    }
    args.extend(["--json".into(), "--die-with".into(), std::process::id().to_string().into()]);
    let program = std::env::current_exe().context("finding this program's own executable")?;
    Ok(CommandLine { program, args, environment })
}
