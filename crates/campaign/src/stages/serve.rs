//! One serving run: cold start, warm-up, speed window. Output lengths are forced; nothing is scored.

use load::{Prompt, prefix_cache};
use plan::{LoadSpec, Stage};
use record::{Detail, EnergyWindow, LoadFacts, Phase, Request, digest_path};
use score::Item;
use units::{Bytes, Joules, Nanos, Reading, Seconds};

use super::{
    Context, Run,
    serving::{AskHow, Edges, Live, Served, prompt},
};
use crate::error::{Error, Result};

/// What was seen on a live server.
struct Speed {
    run: load::Run,
    work: Work,
    spawned: Nanos,
    ready: Nanos,
    first_token: Nanos,
    /// When it waited for its idle power to be seen.
    rested: Option<(Nanos, Nanos)>,
    weights_memory: Reading<Bytes>,
    kv_memory: Reading<Bytes>,
    /// Share of prompt tokens that the server found in its prefix cache.
    prefix_cache_share: Reading<f64>,
}

pub(super) fn run(context: &Context<'_>, stage: &Stage, key: &str) -> Result<Run> {
    let spec = &context.bound.plan.load;
    let number = stage.run.expect("a serving run has a number");
    let fresh =
        Fresh { items: &context.bound.tasks[stage.task].items, spec, from: number as usize * (spec.warmup + spec.requests) as usize };
    let mut served = context.serve(stage, key, |live, metered| {
        let rested = metered.rest();
        let least = if metered.is_sensor { meter::GOOD_WINDOW } else { Seconds(0.0) };
        let mut prefix_cache_share = Reading::missing("the prefix cache was not looked at");
        let ask = |work: &Work| {
            let (timeout, seed) = (Seconds(spec.timeout_s), context.bound.plan.stage_seed(stage));
            let how = AskHow { concurrency: spec.concurrency, warmup: work.warmup.clone(), forced: true, timeout, seed };
            let before = prefix_cache::before(&live.url, None);
            let run = live.ask(work.prompts.clone(), &how, &Edges(metered))?;
            prefix_cache_share = prefix_cache::after(&before, &live.url, None, &run).share();
            Ok(run)
        };
        let (run, work) = long_enough(&fresh, least, ask)?;
        let Live { spawned, ready, first_token, .. } = *live;
        let (weights_memory, kv_memory) = (live.weights_memory(), live.kv_memory());
        Ok(Speed { run, work, spawned, ready, first_token, rested, weights_memory, kv_memory, prefix_cache_share })
    })?;
    let Some(speed) = served.outcome.take() else {
        // The fault that is in `seen` is the reason; these are never looked at.
        return Ok((served.command, served.seen, Ok(Detail::Nothing), Ok(None)));
    };
    served.seen.energy = windows(&served, &speed);
    let detail = detail(context, stage, key, &speed, &served);
    Ok((served.command, served.seen, detail, Ok(None)))
}

/// The work of a speed window.
struct Work {
    warmup: Vec<Prompt>,
    prompts: Vec<Prompt>,
    /// How many times the plan's number of requests that is.
    repeats: u32,
    /// An item is asked more than once by the run.
    prompts_repeat: bool,
}

/// Prompts that this server has not seen, as long as there are items.
struct Fresh<'a> {
    items: &'a [Item],
    spec: &'a LoadSpec,
    /// The first item of this run: every run begins where the one before it ended.
    from: usize,
}

impl Fresh<'_> {
    /// Warm-up and `repeats` times the plan's requests, after `asked` prompts that were put already.
    fn work(&self, asked: usize, repeats: u32) -> Work {
        let warmup = if asked == 0 { self.spec.warmup as usize } else { 0 };
        let all = warmup + self.spec.requests as usize * repeats as usize;
        let item = |i: usize| &self.items[(self.from + asked + i) % self.items.len()];
        let mut prompts: Vec<_> = (0..all).map(|i| prompt(item(i), self.spec.output_tokens)).collect();
        let measured = prompts.split_off(warmup);
        Work { warmup: prompts, prompts: measured, repeats, prompts_repeat: asked + all > self.items.len() }
    }
}

/// How far beyond the least a repeated window aims: requests do not all take the same time.
const MARGIN: f64 = 1.2;
/// Attempts at a window that is long enough.
const MOST_ATTEMPTS: usize = 3;
/// Most requests of a window that was made longer.
const MOST_REQUESTS: u32 = 1_000_000;

/// Asks, and asks again with more work, until the window lasts `least`. What was asked before is a longer warm-up of the last attempt.
fn long_enough(fresh: &Fresh<'_>, least: Seconds, mut ask: impl FnMut(&Work) -> Result<load::Run>) -> Result<(load::Run, Work)> {
    let mut work = fresh.work(0, 1);
    let mut asked = work.warmup.len() + work.prompts.len();
    let mut run = ask(&work)?;
    for _ in 1..MOST_ATTEMPTS {
        let length = run.window.1.since(run.window.0);
        if length >= least {
            break;
        }
        work = fresh.work(asked, more(work.repeats, length, least, fresh.spec.requests));
        asked += work.prompts.len();
        run = ask(&work)?;
    }
    Ok((run, work))
}

/// How many times the plan's requests will last `least`, when `repeats` times lasted `length`.
fn more(repeats: u32, length: Seconds, least: Seconds, requests: u32) -> u32 {
    let factor = (least * MARGIN) / Seconds(length.get().max(1e-3));
    let wanted = (f64::from(repeats) * factor).ceil().min(f64::from(MOST_REQUESTS / requests.max(1)));
    (wanted as u32).max(repeats + 1)
}

/// The whole of the cold start and its phases, the speed window, and the whole stage. Only in the speed window was the model resident from
/// beginning to end, so only there is the idle power with it resident set against the energy.
fn windows(served: &Served<Speed>, speed: &Speed) -> Vec<EnergyWindow> {
    let resident = speed.rested.map(|(begun, ended)| served.trace.idle(begun, ended));
    let window = |name: &str, start: Nanos, end: Nanos| served.trace.window_beside(name, start, end, &served.idle, None);
    let (opened, closed) = speed.run.window;
    let span = served.seen.ended.span;
    let mut windows = vec![
        window("load", speed.spawned, speed.first_token),
        served.trace.window_beside("speed", opened, closed, &served.idle, resident.as_ref()),
        window("stage", span.0, span.1),
    ];
    windows.extend(phases(&served.seen.ended.phases, speed).into_iter().map(|(name, start, end)| window(name, start, end)));
    windows
}

/// The phases of a cold start, each up to the mark that ends it; an engine that tells no marks has fewer and longer ones.
fn phases(marks: &[Phase], speed: &Speed) -> Vec<(&'static str, Nanos, Nanos)> {
    let told = |name: &str| marks.iter().find(|mark| mark.phase == name).map(|mark| mark.at);
    let ends = [
        ("load.spawn", told("start")),
        ("load.read", told("read")),
        ("load.ready", Some(speed.ready)),
        ("load.first_token", Some(speed.first_token)),
    ];
    let mut begun = speed.spawned;
    let mut phases = Vec::new();
    for (name, end) in ends.into_iter().filter_map(|(name, end)| Some((name, end?))) {
        if end > begun {
            phases.push((name, begun, end));
            begun = end;
        }
    }
    phases
}

/// Most requests whose own windows are looked at.
const MOST_WINDOWS: usize = 10_000;

/// Each request's energy in its own window, where one was served at a time and at least one such window can be believed.
fn request_energy(served: &Served<Speed>, run: &load::Run, concurrency: u32) -> Vec<Reading<Joules>> {
    if concurrency != 1 || run.requests.len() > MOST_WINDOWS {
        return Vec::new();
    }
    let own = |request: &Request| served.trace.window("request", request.sent, request.end, &served.idle).gross;
    let energies: Vec<_> = run.requests.iter().map(own).collect();
    if energies.iter().any(|energy| energy.known().is_ok()) { energies } else { Vec::new() }
}

fn detail(context: &Context<'_>, stage: &Stage, key: &str, speed: &Speed, served: &Served<Speed>) -> Result<Detail> {
    let spec = &context.bound.plan.load;
    let requests_file = context.folder.write_requests(key, &speed.run.requests)?;
    let power = served.trace.power();
    let power_file = if power.is_empty() { None } else { Some(context.folder.write_power(key, &power)?) };
    Ok(Detail::Serve(LoadFacts {
        concurrency: spec.concurrency,
        requests: speed.run.requests.len() as u32,
        warmup: spec.warmup,
        forced_tokens: spec.output_tokens,
        window: speed.run.window,
        page_cache: served.page_cache,
        spawned: speed.spawned,
        ready: speed.ready,
        first_token: speed.first_token,
        weights_disk: weights_on_disk(&context.weights(stage)?)?,
        weights_memory: speed.weights_memory.clone(),
        kv_memory: speed.kv_memory.clone(),
        repeats: speed.work.repeats,
        prompts_repeat: speed.work.prompts_repeat,
        prefix_cache_share: speed.prefix_cache_share.clone(),
        request_energy: request_energy(served, &speed.run, spec.concurrency),
        requests_file,
        power_file,
    }))
}

/// Size of the weight files: a GGUF file, or the safetensors of a folder.
fn weights_on_disk(path: &std::path::Path) -> Result<Bytes> {
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
    Ok(Bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(n: u32) -> Vec<Item> {
        (0..n).map(|i| Item { id: i.to_string(), messages: Vec::new(), references: vec!["x".to_owned()], cut: 0 }).collect()
    }

    static SPEC: LoadSpec = LoadSpec { concurrency: 1, sweep: Vec::new(), requests: 8, warmup: 2, output_tokens: 4, timeout_s: 1.0 };

    fn fresh(items: &[Item], run: usize) -> Fresh<'_> {
        Fresh { items, spec: &SPEC, from: run * 10 }
    }

    fn ids(prompts: &[Prompt]) -> Vec<&str> {
        prompts.iter().map(|prompt| prompt.item.as_str()).collect()
    }

    #[test]
    fn runs_do_not_repeat_prompts_while_there_are_items_enough() {
        let items = items(20);
        let (first, second) = (fresh(&items, 0).work(0, 1), fresh(&items, 1).work(0, 1));
        assert_eq!((first.warmup.len(), first.prompts.len(), first.prompts_repeat), (2, 8, false));
        assert!(ids(&first.prompts).iter().all(|id| !ids(&second.prompts).contains(id) && !ids(&first.warmup).contains(id)));
        assert!(first.prompts.iter().all(|prompt| prompt.max_tokens == 4));
        let longer = fresh(&items, 0).work(10, 2);
        assert!(longer.warmup.is_empty() && longer.prompts.len() == 16 && longer.prompts_repeat);
        assert_eq!(ids(&longer.prompts)[..2], ["10", "11"]);
    }

    /// A server that takes so long for each request.
    fn ask(each_ms: u64, asked: &mut Vec<usize>) -> impl FnMut(&Work) -> Result<load::Run> {
        move |work| {
            asked.push(work.prompts.len());
            Ok(load::Run { window: (Nanos(0), Nanos(work.prompts.len() as u64 * each_ms * 1_000_000)), ..empty() })
        }
    }

    #[test]
    fn a_short_window_repeats_its_work_until_a_sensor_can_tell_it() {
        let items = items(20);
        let run = |each_ms, least| {
            let mut asked = Vec::new();
            let (run, work) = long_enough(&fresh(&items, 0), Seconds(least), ask(each_ms, &mut asked)).unwrap();
            (asked, run.window.1.since(run.window.0), work.repeats)
        };
        assert_eq!(run(100, 0.0), (vec![8], Seconds(0.8), 1));
        assert_eq!(run(1000, 5.0), (vec![8], Seconds(8.0), 1));
        // 0.8 s: eight times as much lasts 6 s with the margin.
        assert_eq!(run(100, 5.0), (vec![8, 64], Seconds(6.4), 8));
        let (asked, _, repeats) = run(0, 5.0);
        assert!(asked.len() == MOST_ATTEMPTS && repeats <= MOST_REQUESTS / 8, "{asked:?}");
    }

    fn seen(ready: u64, first_token: u64) -> Speed {
        let untold = || Reading::missing("untold");
        Speed {
            run: empty(),
            work: Work { warmup: Vec::new(), prompts: Vec::new(), repeats: 1, prompts_repeat: false },
            spawned: Nanos(10),
            ready: Nanos(ready),
            first_token: Nanos(first_token),
            rested: None,
            weights_memory: untold(),
            kv_memory: untold(),
            prefix_cache_share: Reading::missing("untold"),
        }
    }

    #[test]
    fn a_cold_start_falls_into_phases_by_the_marks_that_are_told() {
        let mark = |phase: &str, at| Phase { phase: phase.to_owned(), at: Nanos(at), facts: serde_json::Map::new() };
        let told = phases(&[mark("start", 12), mark("listening", 13), mark("read", 20), mark("ready", 29)], &seen(30, 40));
        let named: Vec<_> = told.iter().map(|(name, start, end)| (*name, start.get(), end.get())).collect();
        assert_eq!(named, [("load.spawn", 10, 12), ("load.read", 12, 20), ("load.ready", 20, 30), ("load.first_token", 30, 40)]);
        let silent = phases(&[], &seen(30, 40));
        assert_eq!(silent.iter().map(|phase| phase.0).collect::<Vec<_>>(), ["load.ready", "load.first_token"]);
    }

    fn empty() -> load::Run {
        load::Run {
            requests: Vec::new(),
            warmup: Vec::new(),
            window: (Nanos(0), Nanos(0)),
            peak_concurrency: 0,
            connections_opened_before: 0,
            connections_opened_in_window: 0,
            resent: 0,
            client_cpu: Seconds(0.0),
            priority_raised: false,
            read_lag: load::ReadLag::default(),
        }
    }
}
