//! Merging and quantising: both read a model folder and write weights. Another's quantiser in place of ours is run as a command.

use std::ffi::OsString;

use plan::{CommandSpec, Plan, Precision, QuantisedAs, Stage};
use record::Detail;

use super::{Context, Run, Runs, command, facts, inside};
use crate::error::Result;

pub(super) fn merge(context: &Context<'_>, stage: &Stage, key: &str) -> Result<Run> {
    let (base, adapter) = (context.base(stage.model)?, context.weights(stage)?);
    ours(context, stage, key, ["merge".into(), "--model".into(), base.into(), "--adapter".into(), adapter.into()])
}

pub(super) fn quantise(context: &Context<'_>, stage: &Stage, key: &str) -> Result<Run> {
    let model = context.weights(stage)?;
    if let Some(by) = compressing(&context.bound.plan, stage) {
        let precision = stage.precision.unwrap_or(Precision::Fp16);
        let values = vec![("precision", precision.name().to_owned()), ("bits", bits(precision).to_owned())];
        return command::run(context, stage, key, &command::By { command: by, model, values }, Detail::Compress);
    }
    ours(context, stage, key, ["quantise".into(), "--model".into(), model.into(), "--format".into(), format(stage).into()])
}

/// Runs a compression of this program.
fn ours(context: &Context<'_>, stage: &Stage, key: &str, what: [OsString; 5]) -> Result<Run> {
    let work = context.folder.begin_artifact(stage.kind, key)?;
    let out: [OsString; 2] = ["--out".into(), work.join(inside(&context.bound.plan, stage)).into()];
    let line = context.own(std::iter::once("compress".into()).chain(what).chain(out));
    let seen = context.work(key, &line, Runs::OnProcessor)?;
    let detail = facts(&seen.ended).map(Detail::Compress);
    let artifact = context.commit(stage.kind, key, &seen);
    Ok((line, seen, detail, artifact))
}

/// The command that does it in place of ours.
fn compressing<'a>(plan: &'a Plan, stage: &Stage) -> Option<&'a CommandSpec> {
    match stage.quantised_as {
        Some(QuantisedAs::Command(engine)) => plan.engines[engine].command(),
        _ => None,
    }
}

/// Bits of a weight.
fn bits(precision: Precision) -> &'static str {
    match precision {
        Precision::Fp16 => "16",
        Precision::Int8 => "8",
        Precision::Int4 => "4",
    }
}

/// The format of a precision, in the files that the engine reads.
fn format(stage: &Stage) -> &'static str {
    let packed = stage.quantised_as == Some(QuantisedAs::CompressedTensors);
    match stage.precision {
        Some(Precision::Int8) if packed => "w8a16",
        Some(Precision::Int4) if packed => "w4a16",
        Some(Precision::Int8) => "q8_0",
        Some(Precision::Int4) => "q4_k",
        Some(Precision::Fp16) | None => "f16",
    }
}
