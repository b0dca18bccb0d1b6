//! The base weights that stages read: those that were found, or random ones of the same shape, made once in the run folder.

use std::path::PathBuf;

use super::Context;
use crate::{
    error::{Error, Result},
    process::StageProcess,
};

impl Context<'_> {
    /// The base model of a number in the plan. Random weights are written by a process of their own, which is not metered: they
    /// stand for weights that would have been downloaded.
    pub(super) fn base(&self, model: usize) -> Result<PathBuf> {
        let bound = &self.bound.models[model];
        if !bound.random {
            return Ok(bound.path.clone());
        }
        let name = format!("random-{}", &bound.digest[..16]);
        let folder = self.folder.root().join("weights").join(&name);
        if !folder.is_dir() {
            let seed = plan::seed::derive(self.bound.plan.seed, &["weights", &bound.digest]);
            let command = self.own([
                "random-weights".into(),
                "--config".into(),
                bound.path.clone().into(),
                "--seed".into(),
                seed.to_string().into(),
                "--out".into(),
                folder.clone().into(),
            ]);
            let ended = StageProcess::spawn(&command, &self.folder.log(&name)?)?.wait(|_| {})?;
            if let Some(reason) = ended.failure() {
                return Err(Error::Weights { config: bound.path.clone(), reason });
            }
        }
        Ok(folder)
    }
}
