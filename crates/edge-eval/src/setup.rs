//! Where things are on this machine: the run folder, the quickstart's files, the hub's cache, this program.

use std::path::{Path, PathBuf};

use anyhow::Context;
use campaign::Places;
use plan::Plan;
use record::Machine;

use crate::{
    builtin,
    certificate::{self, VERSION},
    env,
};

/// The folder a plan runs in: the one named, or `runs/<plan name>`.
pub(crate) fn run_folder(named: Option<&Path>, plan: &Plan) -> PathBuf {
    named.map_or_else(|| Path::new("runs").join(&plan.name), Path::to_owned)
}

/// What a plan does not say.
pub(crate) fn places() -> anyhow::Result<Places> {
    Ok(Places {
        program: std::env::current_exe().context("finding this program's own executable")?,
        builtin: builtin::unpacked()?,
        hub: hub()?,
        search_path: env::search_path(),
        secret: env::api_key,
        certificate: certificate::path(&Machine::fingerprint(VERSION)),
    })
}

/// How hub ids are found.
pub(crate) fn hub() -> anyhow::Result<hub::Hub> {
    Ok(hub::Hub {
        cache: env::hub_cache().context("no place for the hub's cache: set HF_HOME or HOME")?,
        online: !env::hub_offline(),
        endpoint: env::hub_endpoint(),
        token: env::hub_token(),
    })
}

/// A model as people name it on a command line: a folder, a GGUF file, or a hub id.
pub(crate) fn model(name: &str) -> anyhow::Result<hub::Resolved> {
    let source = hub::Source::parse(name)?;
    Ok(hub()?.resolve(&source, hub::Require::Model, &hub::Silent)?)
}
