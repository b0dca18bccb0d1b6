//! Adaptation: the corpus written where the trainer reads it, and every hyper-parameter on its command line. Another's trainer in place of ours
//! is run as a command.

use std::ffi::OsString;

use plan::{AdaptSpec, Stage, StageKind};
use record::Detail;

use super::{Context, Run, Runs, command, facts, inside, on_threads};
use crate::error::Result;

pub(super) fn run(context: &Context<'_>, stage: &Stage, key: &str) -> Result<Run> {
    let bound = context.bound;
    let spec = &bound.plan.adapt;
    let model = context.base(stage.model)?;
    if let Some(by) = &spec.command {
        let mut values = spec.placeholders();
        values.push(("method", stage.method.name().to_owned()));
        return command::run(context, stage, key, &command::By { command: by, model, values }, Detail::Adapt);
    }
    let work = context.folder.begin_artifact(StageKind::Adapt, key)?;
    let (_corpus, data) = context.corpus(stage.task)?;
    let mut args: Vec<OsString> = vec!["adapt".into()];
    let mut flag = |name: &str, value: OsString| args.extend([OsString::from(name), value]);
    flag("--model", model.into());
    flag("--data", data.into());
    flag("--out", work.join(inside(&bound.plan, stage)).into());
    flag("--method", stage.method.name().into());
    flag("--seed", bound.plan.stage_seed(stage).to_string().into());
    args.extend(hyper_parameters(spec));
    let mut line = context.own(args);
    if let Some(threads) = spec.threads {
        line.environment = on_threads(threads);
    }
    let seen = context.work(key, &line, Runs::OnProcessor)?;
    let detail = facts(&seen.ended).map(Detail::Adapt);
    let artifact = context.commit(stage.kind, key, &seen);
    Ok((line, seen, detail, artifact))
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
