//! Merging and quantising: both read a model folder and write weights.

use plan::{Precision, QuantisedAs, Stage, StageKind};
use record::Detail;

use super::{Context, Run, facts, inside};
use crate::error::Result;

pub(super) fn merge(context: &Context<'_>, stage: &Stage, key: &str) -> Result<Run> {
    let work = context.folder.begin_artifact(StageKind::Merge, key)?;
    let command = context.own([
        "compress".into(),
        "merge".into(),
        "--model".into(),
        context.base(stage.model)?.into(),
        "--adapter".into(),
        context.weights(stage)?.into(),
        "--out".into(),
        work.join(inside(stage)).into(),
    ]);
    let seen = context.work(key, &command)?;
    let detail = facts(&seen.ended).map(Detail::Compress);
    let artifact = context.commit(stage.kind, key, &seen);
    Ok((command, seen, detail, artifact))
}

pub(super) fn quantise(context: &Context<'_>, stage: &Stage, key: &str) -> Result<Run> {
    let work = context.folder.begin_artifact(StageKind::Quantise, key)?;
    let command = context.own([
        "compress".into(),
        "quantise".into(),
        "--model".into(),
        context.weights(stage)?.into(),
        "--format".into(),
        format(stage).into(),
        "--out".into(),
        work.join(inside(stage)).into(),
    ]);
    let seen = context.work(key, &command)?;
    let detail = facts(&seen.ended).map(Detail::Compress);
    let artifact = context.commit(stage.kind, key, &seen);
    Ok((command, seen, detail, artifact))
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
