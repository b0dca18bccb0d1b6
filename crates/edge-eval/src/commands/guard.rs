//! `edge-eval guard`: kills the process group that it was told of when its standard input closes. A campaign starts one beside each engine that is
//! not ours, so that the engine ends with the campaign whatever ends the campaign.

use anyhow::Context;

use crate::end::End;

/// Kill the process group whose number was read last from standard input, when that closes
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

pub(crate) fn run(_: &Args) -> anyhow::Result<End> {
    campaign::guard(std::io::stdin().lock()).context("reading standard input")?;
    Ok(End::Done)
}
