//! One serving run: cold start, warm-up, speed window. Output lengths are forced; nothing is scored.

use load::Prompt;
use plan::Stage;
use record::{Detail, LoadFacts, digest_path};
use score::Item;
use units::{Nanos, Seconds};

use super::{
    Context, Run,
    serving::{AskHow, Edges, prompt},
};
use crate::error::{Error, Result};

/// What was seen on a live server.
struct Speed {
    run: load::Run,
    spawned: Nanos,
    ready: Nanos,
    first_token: Nanos,
    weights_memory: units::Reading<units::Bytes>,
    kv_memory: units::Reading<units::Bytes>,
}

pub(super) fn run(context: &Context<'_>, stage: &Stage, key: &str) -> Result<Run> {
    let bound = context.bound;
    let spec = &bound.plan.load;
    let number = stage.run.expect("a serving run has a number");
    let items = &bound.tasks[stage.task].items;
    let (warmup, prompts) = prompts(items, number, spec.warmup, spec.requests, spec.output_tokens);
    let how = AskHow {
        concurrency: spec.concurrency,
        warmup,
        forced: true,
        timeout: Seconds(spec.timeout_s),
        seed: bound.plan.stage_seed(stage),
    };
    let mut served = context.serve(stage, key, |live, metered| {
        let run = live.ask(prompts.clone(), &how, &Edges(metered))?;
        let (spawned, ready, first_token) = (live.spawned, live.ready, live.first_token);
        Ok(Speed { run, spawned, ready, first_token, weights_memory: live.weights_memory(), kv_memory: live.kv_memory() })
    })?;
    let Some(speed) = served.outcome.take() else {
        // The fault that is in `seen` is the reason; these are never looked at.
        return Ok((served.command, served.seen, Ok(Detail::Nothing), Ok(None)));
    };
    let window = |name: &str, start: Nanos, end: Nanos| served.trace.window(name, start, end, &served.idle);
    let span = served.seen.ended.span;
    served.seen.energy = vec![
        window("load", speed.spawned, speed.first_token),
        window("speed", speed.run.window.0, speed.run.window.1),
        window("stage", span.0, span.1),
    ];
    let detail = detail(context, stage, key, &speed, served.page_cache, &served.trace.power());
    Ok((served.command, served.seen, detail, Ok(None)))
}

fn detail(
    context: &Context<'_>,
    stage: &Stage,
    key: &str,
    speed: &Speed,
    page_cache: record::PageCache,
    power: &[record::PowerSample],
) -> Result<Detail> {
    let spec = &context.bound.plan.load;
    let requests_file = context.folder.write_requests(key, &speed.run.requests)?;
    let power_file = if power.is_empty() { None } else { Some(context.folder.write_power(key, power)?) };
    Ok(Detail::Serve(LoadFacts {
        concurrency: spec.concurrency,
        requests: spec.requests,
        warmup: spec.warmup,
        forced_tokens: spec.output_tokens,
        window: speed.run.window,
        page_cache,
        spawned: speed.spawned,
        ready: speed.ready,
        first_token: speed.first_token,
        weights_disk: weights_on_disk(&context.weights(stage)?)?,
        weights_memory: speed.weights_memory.clone(),
        kv_memory: speed.kv_memory.clone(),
        repeats: 1,
        prompts_repeat: false,
        request_energy: Vec::new(),
        requests_file,
        power_file,
    }))
}

/// Size of the weight files: a GGUF file, or the safetensors of a folder.
fn weights_on_disk(path: &std::path::Path) -> Result<units::Bytes> {
    if path.is_file() {
        return Ok(digest_path(path)?.bytes);
    }
    let io = |source| Error::Io { doing: "looking at", path: path.to_owned(), source };
    let mut bytes = 0;
    for entry in path.read_dir().map_err(io)? {
        let entry = entry.map_err(io)?;
        if entry.path().extension().is_some_and(|extension| extension == "safetensors") {
            bytes += std::fs::metadata(entry.path()).map_err(io)?.len();
        }
    }
    Ok(units::Bytes(bytes))
}

/// Fresh prompts for each run: every run begins where the one before it ended, and the warm-up's differ from the measured ones as
/// long as there are items enough.
fn prompts(items: &[Item], run: u32, warmup: u32, requests: u32, max_tokens: u32) -> (Vec<Prompt>, Vec<Prompt>) {
    let each = (warmup + requests) as usize;
    let mut all: Vec<_> = (0..each).map(|i| prompt(&items[(run as usize * each + i) % items.len()], max_tokens)).collect();
    let measured = all.split_off(warmup as usize);
    (all, measured)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_do_not_repeat_prompts_while_there_are_items_enough() {
        let items: Vec<Item> =
            (0..20).map(|i| Item { id: i.to_string(), messages: Vec::new(), references: vec!["x".to_owned()], cut: 0 }).collect();
        let (warmup, first) = prompts(&items, 0, 2, 8, 4);
        let (_, second) = prompts(&items, 1, 2, 8, 4);
        let ids = |prompts: &[Prompt]| prompts.iter().map(|p| p.item.clone()).collect::<Vec<_>>();
        assert_eq!((warmup.len(), first.len()), (2, 8));
        assert!(ids(&first).iter().all(|id| !ids(&second).contains(id) && !ids(&warmup).contains(id)));
        assert!(first.iter().all(|prompt| prompt.max_tokens == 4));
    }
}
