//! Where the load client's certificate of this machine is kept between commands.

use std::path::PathBuf;

use anyhow::Context;
use record::{ClientCertificate, Machine};

use crate::env;

/// This program's version.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The file of this machine and version; `None` where there is no cache folder.
pub(crate) fn path(machine: &Machine) -> Option<PathBuf> {
    Some(env::cache()?.join("edge-eval").join(format!("client-{}-{}.json", machine.digest, machine.edge_eval)))
}

/// The certificate of this machine and version; `None` when there is none that can be read.
pub(crate) fn stored(machine: &Machine) -> Option<ClientCertificate> {
    ClientCertificate::read(&path(machine)?).ok().filter(|certificate| certificate.is_of(machine))
}

/// Keeps a certificate for later commands, unless the one that is there tells more. Where it is kept; `None` when it is not.
pub(crate) fn store(certificate: &ClientCertificate) -> anyhow::Result<Option<PathBuf>> {
    if stored(&certificate.machine).is_some_and(|older| !certificate.supersedes(&older)) {
        return Ok(None);
    }
    let path = path(&certificate.machine).context("no place for the certificate: set XDG_CACHE_HOME or HOME, or give --no-store")?;
    certificate.write(&path)?;
    Ok(Some(path))
}
