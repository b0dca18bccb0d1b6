//! One serving run: cold start, warm-up, speed window, and a warm-up and window for each further level of concurrency. Output lengths are
//! forced; nothing is scored.

mod sweep;
mod window;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use load::prefix_cache;
use plan::Stage;
use record::{Detail, EnergyWindow, LevelFacts, LevelWindow, LoadFacts, Phase, Request, clock, digest_path};
use units::{Bytes, Joules, Nanos, Reading, Seconds};

use super::{
    Context, Metered, Run,
    serving::{AskHow, Edges, Live, Served},
};
use crate::{
    error::{Error, Result},
    observer::Event,
};
use sweep::Level;
use window::{Fresh, Made, Wanted, long_enough};

/// What was seen on a live server.
struct Speed {
    /// The window at the plan's own level.
    own: Window,
    levels: Vec<Level<Window>>,
    spawned: Nanos,
    ready: Nanos,
    first_token: Nanos,
    /// When it waited for its idle power to be seen.
    rested: Option<(Nanos, Nanos)>,
    weights_memory: Reading<Bytes>,
    kv_memory: Reading<Bytes>,
}

/// A speed window at one level of concurrency.
struct Window {
    wanted: Wanted,
    run: load::Run,
    made: Made,
    /// Share of prompt tokens that the server found in its prefix cache.
    prefix_cache_share: Reading<f64>,
}

pub(super) fn run(context: &Context<'_>, stage: &Stage, key: &str) -> Result<Run> {
    let spec = &context.bound.plan.load;
    let mut served = context.serve(stage, key, |live, metered, alive| {
        let rested = metered.rest();
        let mut asking = Asking::new(context, stage, live, metered);
        let own = asking.window(&Wanted::own(spec), false)?;
        let (weights_memory, kv_memory) = (live.weights_memory(), live.kv_memory());
        let measure = |wanted: &Wanted| asking.window(wanted, true);
        let levels = sweep::levels(spec, context.bound.plan.stage_seed(stage), measure, |measured| died(measured, alive))?;
        told(context, live, &levels);
        let Live { spawned, ready, first_token, .. } = *live;
        Ok(Speed { own, levels, spawned, ready, first_token, rested, weights_memory, kv_memory })
    })?;
    let Some(speed) = served.outcome.take() else {
        // The fault that is in `seen` is the reason; these are never looked at.
        return Ok((served.command, served.seen, Ok(Detail::Nothing), Ok(None)));
    };
    served.seen.energy = windows(&served, &speed);
    let detail = detail(context, stage, key, &speed, &served);
    Ok((served.command, served.seen, detail, Ok(None)))
}

/// A live server, and what it has been asked.
struct Asking<'a> {
    context: &'a Context<'a>,
    live: &'a Live,
    metered: &'a Metered,
    fresh: Fresh<'a>,
    seed: u64,
}

impl<'a> Asking<'a> {
    fn new(context: &'a Context<'_>, stage: &Stage, live: &'a Live, metered: &'a Metered) -> Self {
        let number = stage.run.expect("a serving run has a number");
        let fresh = Fresh::of_run(&context.bound.tasks[stage.task].items, &context.bound.plan.load, number);
        Self { context, live, metered, fresh, seed: context.bound.plan.stage_seed(stage) }
    }

    /// Warm-up and window at one level; `further` ones are beside the plan's own.
    fn window(&mut self, wanted: &Wanted, further: bool) -> Result<Window> {
        let least = if self.metered.is_sensor { meter::GOOD_WINDOW } else { Seconds(0.0) };
        let timeout = Seconds(self.context.bound.plan.load.timeout_s);
        let mut prefix_cache_share = Reading::missing("the prefix cache was not looked at");
        let (live, metered, seed) = (self.live, self.metered, self.seed);
        let (run, made) = long_enough(wanted, &mut self.fresh, least, |work| {
            let how =
                AskHow { concurrency: wanted.concurrency, warmup: work.warmup, forced: true, timeout, seed, temperature: 0.0, further };
            let before = prefix_cache::before(&live.url, None);
            let run = live.ask(work.prompts, &how, &Edges(metered))?;
            prefix_cache_share = prefix_cache::after(&before, &live.url, None, &run).share();
            Ok(run)
        })?;
        Ok(Window { wanted: *wanted, run, made, prefix_cache_share })
    }
}

/// How long a server whose connections broke is given to be seen dead.
const DYING: Seconds = Seconds(1.0);
/// Pause between two looks.
const PAUSE: Duration = Duration::from_millis(10);

/// Whether the server has gone after a window. One whose requests failed may be about to go.
fn died(measured: &Result<Window>, alive: &dyn Fn() -> bool) -> bool {
    let suspect = measured.as_ref().map_or(true, |window| window.run.requests.iter().any(|request| request.failure.is_some()));
    let begun = clock::now();
    while suspect && alive() && clock::now().since(begun) < DYING {
        std::thread::sleep(PAUSE);
    }
    !alive()
}

/// Says which levels have no window. A death that cost a level is not the stage's failure.
fn told(context: &Context<'_>, live: &Live, levels: &[Level<Window>]) {
    for Level { concurrency, seen } in levels {
        let Err(failed) = seen else { continue };
        if !matches!(failed, sweep::Failed::Requests(_)) {
            live.give_up();
        }
        context.observer.on(Event::Warning { text: &format!("no figures at {concurrency} streams: {}", failed.missing(None)) });
    }
}

/// The whole of the cold start and its phases, the speed windows, and the whole stage. Only in the speed windows was the model resident from
/// beginning to end, so only there is the idle power with it resident set against the energy.
fn windows(served: &Served<Speed>, speed: &Speed) -> Vec<EnergyWindow> {
    let resident = speed.rested.map(|(begun, ended)| served.trace.idle(begun, ended));
    let window = |name: &str, start: Nanos, end: Nanos| served.trace.window_beside(name, start, end, &served.idle, None);
    let busy = |name: &str, run: &load::Run| served.trace.window_beside(name, run.window.0, run.window.1, &served.idle, resident.as_ref());
    let span = served.seen.ended.span;
    let mut windows =
        vec![window("load", speed.spawned, speed.first_token), busy("speed", &speed.own.run), window("stage", span.0, span.1)];
    let levels = speed.levels.iter().filter_map(|level| Some((level.concurrency, level.seen.as_ref().ok()?)));
    windows.extend(levels.map(|(concurrency, window)| busy(&LevelFacts::window_name(concurrency), &window.run)));
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
fn request_energy(served: &Served<Speed>, Window { wanted, run, .. }: &Window) -> Vec<Reading<Joules>> {
    if wanted.concurrency != 1 || run.requests.len() > MOST_WINDOWS {
        return Vec::new();
    }
    let own = |request: &Request| served.trace.window("request", request.sent, request.end, &served.idle).gross;
    let energies: Vec<_> = run.requests.iter().map(own).collect();
    if energies.iter().any(|energy| energy.known().is_ok()) { energies } else { Vec::new() }
}

fn detail(context: &Context<'_>, stage: &Stage, key: &str, speed: &Speed, served: &Served<Speed>) -> Result<Detail> {
    let spec = &context.bound.plan.load;
    let own = &speed.own;
    let requests_file = context.folder.write_requests(key, None, &own.run.requests)?;
    let power = served.trace.power();
    let power_file = if power.is_empty() { None } else { Some(context.folder.write_power(key, &power)?) };
    Ok(Detail::Serve(LoadFacts {
        concurrency: spec.concurrency,
        requests: own.run.requests.len() as u32,
        warmup: spec.warmup,
        forced_tokens: spec.output_tokens,
        window: own.run.window,
        page_cache: served.page_cache,
        spawned: speed.spawned,
        ready: speed.ready,
        first_token: speed.first_token,
        weights_disk: weights_on_disk(&context.weight_paths(stage)?)?,
        weights_memory: speed.weights_memory.clone(),
        kv_memory: speed.kv_memory.clone(),
        repeats: own.made.repeats,
        prompts_repeat: own.made.prompts_repeat,
        prefix_cache_share: own.prefix_cache_share.clone(),
        request_energy: request_energy(served, own),
        requests_file,
        power_file,
        levels: speed.levels.iter().map(|level| level_facts(context, key, level, served)).collect::<Result<_>>()?,
    }))
}

fn level_facts(context: &Context<'_>, key: &str, level: &Level<Window>, served: &Served<Speed>) -> Result<LevelFacts> {
    let concurrency = level.concurrency;
    let seen = match &level.seen {
        Err(failed) => Reading::Missing(failed.missing(served.trouble.as_ref())),
        Ok(window) => Reading::Known(LevelWindow {
            requests: window.run.requests.len() as u32,
            warmup: window.wanted.warmup,
            window: window.run.window,
            repeats: window.made.repeats,
            prompts_repeat: window.made.prompts_repeat,
            request_energy: request_energy(served, window),
            prefix_cache_share: window.prefix_cache_share.clone(),
            requests_file: context.folder.write_requests(key, Some(concurrency), &window.run.requests)?,
        }),
    };
    Ok(LevelFacts { concurrency, seen })
}

/// Size of the weight files: a GGUF file, or the safetensors of a folder.
fn weights_on_disk(paths: &[PathBuf]) -> Result<Bytes> {
    let sizes: Vec<u64> = paths.iter().map(|path| Ok(size_on_disk(path)?.get())).collect::<Result<_>>()?;
    Ok(Bytes(sizes.iter().sum()))
}

fn size_on_disk(path: &Path) -> Result<Bytes> {
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
    use plan::LoadSpec;

    use super::*;

    static SPEC: LoadSpec = LoadSpec { concurrency: 1, sweep: Vec::new(), requests: 8, warmup: 2, output_tokens: 4, timeout_s: 1.0 };

    #[test]
    fn weights_on_disk_are_those_of_every_place() {
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str, bytes: usize| {
            let path = folder.path().join(name);
            std::fs::create_dir(&path).unwrap();
            std::fs::write(path.join("a.safetensors"), vec![0; bytes]).unwrap();
            std::fs::write(path.join("config.json"), "{}").unwrap();
            path
        };
        assert_eq!(weights_on_disk(&[place("base", 1000), place("adapter", 24)]).unwrap(), Bytes(1024));
    }

    fn seen(ready: u64, first_token: u64) -> Speed {
        let untold = || Reading::missing("untold");
        Speed {
            own: Window {
                wanted: Wanted::own(&SPEC),
                run: load::Run::default(),
                made: Made { repeats: 1, prompts_repeat: false },
                prefix_cache_share: Reading::missing("untold"),
            },
            levels: Vec::new(),
            spawned: Nanos(10),
            ready: Nanos(ready),
            first_token: Nanos(first_token),
            rested: None,
            weights_memory: untold(),
            kv_memory: untold(),
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
}
