//! Adaptation: the corpus written where the trainer reads it, and every hyper-parameter on its command line.

use std::ffi::OsString;

use plan::{AdaptSpec, Stage, StageKind};
use record::Detail;

use super::{Context, Run, facts, inside};
use crate::error::{Error, Result};

pub(super) fn run(context: &Context<'_>, stage: &Stage, key: &str) -> Result<Run> {
    let bound = context.bound;
    let work = context.folder.begin_artifact(StageKind::Adapt, key)?;
    // The corpus is written for the trainer alone: its digest is part of the key, and it can be made again from the plan.
    let corpus = tempfile::Builder::new().prefix("corpus-").suffix(".tmp").tempfile_in(context.folder.root());
    let corpus = corpus.map_err(|source| Error::Io { doing: "creating a corpus in", path: context.folder.root().into(), source })?;
    std::fs::write(corpus.path(), &bound.tasks[stage.task].corpus).map_err(|source| Error::Io {
        doing: "writing the corpus",
        path: corpus.path().into(),
        source,
    })?;
    let mut args: Vec<OsString> = vec!["adapt".into()];
    let mut flag = |name: &str, value: OsString| args.extend([OsString::from(name), value]);
    flag("--model", context.base(stage.model)?.into());
    flag("--data", corpus.path().into());
    flag("--out", work.join(inside(stage)).into());
    flag("--method", stage.method.name().into());
    flag("--seed", bound.plan.stage_seed(stage).to_string().into());
    args.extend(hyper_parameters(&bound.plan.adapt));
    let mut command = context.own(args);
    if let Some(threads) = bound.plan.adapt.threads {
        // The arithmetic has two pools of threads, and each reads its own variable when it starts.
        command.environment = ["RAYON_NUM_THREADS", "CANDLE_NUM_THREADS"].map(|pool| (pool, threads.to_string().into())).into();
    }
    let seen = context.work(key, &command)?;
    let detail = facts(&seen.ended).map(Detail::Adapt);
    let artifact = context.commit(stage.kind, key, &seen);
    Ok((command, seen, detail, artifact))
}

fn hyper_parameters(spec: &AdaptSpec) -> Vec<OsString> {
    let mut args: Vec<OsString> = Vec::new();
    let mut flag = |name: &str, value: String| args.extend([OsString::from(name), value.into()]);
    flag("--rank", spec.rank.to_string());
    flag("--alpha", spec.alpha.to_string());
    flag("--dropout", spec.dropout.to_string());
    flag("--target-modules", spec.target_modules.join(","));
    flag("--lr", spec.lr.peak.to_string());
    flag("--schedule", spec.lr.schedule.name().to_owned());
    flag("--warmup-ratio", spec.lr.warmup_ratio.to_string());
    match spec.steps {
        Some(steps) => flag("--steps", steps.to_string()),
        None => flag("--epochs", spec.epochs.to_string()),
    }
    flag("--batch", spec.batch.to_string());
    flag("--accumulation", spec.accumulation.to_string());
    flag("--max-length", spec.max_length.to_string());
    flag("--weight-decay", spec.weight_decay.to_string());
    if spec.checkpointing {
        args.push("--checkpointing".into());
    }
    if spec.packing {
        args.push("--packing".into());
    }
    args
}
