//! Merging and quantising: both read a model folder and write weights.

use plan::{Precision, Stage, StageKind};
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
        work.join(inside(stage.kind)).into(),
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
        format(stage.precision).into(),
        "--out".into(),
        work.join(inside(stage.kind)).into(),
    ]);
    let seen = context.work(key, &command)?;
    let detail = facts(&seen.ended).map(Detail::Compress);
    let artifact = context.commit(stage.kind, key, &seen);
    Ok((command, seen, detail, artifact))
}

/// The GGUF format of a precision.
fn format(precision: Option<Precision>) -> &'static str {
    match precision {
        Some(Precision::Int8) => "q8_0",
        Some(Precision::Int4) => "q4_k",
        Some(Precision::Fp16) | None => "f16",
    }
}
