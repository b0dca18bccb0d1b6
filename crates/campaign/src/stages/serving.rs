//! A server under observation: spawned cold, watched until it is ready, asked for its first token, and gone in the end.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use load::{ApiKey, Job, Prompt, Sampling};
use meter::ProcessGroup;
use plan::{Compress, EngineSpec, Precision, Stage};
use record::{PageCache, Phase, clock};
use serve::{
    About, Launch, Quantised, Target,
    launch::{Length, Origin},
    trouble::Trouble,
};
use units::{Bytes, Nanos, Reading, Seconds};

use super::{Context, Metered, Runs, Seen};
use crate::{
    engine::{self, Running},
    error::{Error, Result},
    flags,
    items::prompt,
    observer::{Event, Observer},
    page_cache,
    peaks::{Peaks, Watch},
    probe::Server,
    process::CommandLine,
    told::Told,
};

/// A server that has answered its first request.
pub(super) struct Live {
    /// Where it listens, as the client wants it.
    pub(super) url: String,
    pub(super) spawned: Nanos,
    pub(super) ready: Nanos,
    pub(super) first_token: Nanos,
    server: Server,
    launch: Launch,
    log: PathBuf,
    version: Option<String>,
    api_key: Option<ApiKey>,
    /// What was wrong with the answers.
    flags: RefCell<Vec<String>>,
    /// What it held under load, at the cell's own level of concurrency (`None`) and at further ones.
    peaks: RefCell<BTreeMap<Option<u32>, Peaks>>,
    /// Its death is accounted for: it is no failure of the stage.
    given_up: Cell<bool>,
}

/// What a served stage gives to its record.
pub(super) struct Served<T> {
    pub(super) command: CommandLine,
    pub(super) seen: Seen,
    pub(super) page_cache: PageCache,
    pub(super) outcome: Option<T>,
    /// What the log of a server that died tells, also where its death was no failure of the stage.
    pub(super) trouble: Option<Trouble>,
    pub(super) trace: meter::Trace,
    pub(super) idle: meter::Idle,
}

impl Context<'_> {
    /// Spawns the stage's engine on its weights, has `work` done on it, and stops it. What fails is in the result. The last that `work` is
    /// given says whether the server lives; of one that is not ours it always does.
    pub(super) fn serve<T>(
        &self,
        stage: &Stage,
        key: &str,
        mut work: impl FnMut(&Live, &Metered, &dyn Fn() -> bool) -> Result<T>,
    ) -> Result<Served<T>> {
        let weights = self.weights(stage)?;
        let (engine, launch) = self.launch(stage, &weights, key)?;
        let command = engine::command(&launch);
        let page_cache = page_cache::make_cold(&self.weight_paths(stage)?);
        let metered = self.metered(if engine.about().origin == Origin::Foreign { Runs::Anywhere } else { Runs::OnProcessor })?;
        let stop = launch.stop;
        let (mut marks, mut given_up) = (Vec::new(), false);
        let (ended, trouble, outcome, fault) = match engine::begin(engine.about(), &launch, self.places, self.folder.log(key)?) {
            Err(fault) => (engine::never_began(), None, None, Some(fault)),
            Ok(mut process) => {
                if let Some(pgid) = process.group() {
                    metered.sampler.watch_since(ProcessGroup { pgid }, process.since());
                }
                let worked = self.live(&mut process, engine.about(), launch, stage, key, &metered).and_then(|live| {
                    let outcome = work(&live, &metered, &|| process.alive())?;
                    given_up = live.given_up.get();
                    marks.push(live.told(engine.about(), self.observer));
                    Ok(outcome)
                });
                let alive = process.alive();
                let (ended, trouble) = process.stop(stop)?;
                let (outcome, fault) = match (worked, &trouble) {
                    // Some requests may have been answered before it died: that is no finished stage.
                    (Ok(_), _) if !alive && !given_up => (None, Some(Error::EndedEarly { phase: "finished".to_owned() })),
                    (Ok(outcome), _) => (Some(outcome), None),
                    (Err(fault), Some(trouble)) if fault.is_the_engines() => (None, Some(Error::Engine(trouble.clone()))),
                    (Err(fault), _) => (None, Some(fault)),
                };
                (ended, trouble, outcome, fault)
            }
        };
        let mut ended = ended.stopped_by_us(outcome.is_some());
        ended.phases.append(&mut marks);
        let (trace, idle) = metered.stop(ended.cpu);
        let memory = trace.memory();
        let seen = Seen { ended, energy: Vec::new(), memory, fault };
        Ok(Served { command, seen, page_cache, outcome, trouble, trace, idle })
    }

    fn launch(&self, stage: &Stage, weights: &Path, key: &str) -> Result<(&'static dyn serve::Engine, Launch)> {
        let plan = &self.bound.plan;
        let spec = &plan.engines[stage.engine.expect("a served stage names its engine")];
        let engine = serve::engines::find(&spec.kind)?;
        let target = Target {
            own_program: &self.places.program,
            artifact: weights,
            model_name: "model",
            quantised: quantised(spec, stage.precision),
            concurrency: plan.load.most_concurrent(),
            port: engine::free_port()?,
            scratch: &self.folder.root().join("scratch").join(key),
        };
        Ok((engine, engine.launch(&spec.options, &target)?))
    }

    /// From spawned to the first token.
    fn live(&self, process: &mut Running, about: &About, launch: Launch, stage: &Stage, key: &str, metered: &Metered) -> Result<Live> {
        let patience = Duration::from_secs(launch.ready.map_or(0, |ready| ready.patience_s));
        let deadline = Nanos(process.since().0 + patience.as_nanos() as u64);
        let url = process.url(&launch, patience, |phase| self.observer.on(Event::Marked { phase }))?;
        let server = Server::new(url.clone());
        let ready = match launch.ready {
            None => process.since(),
            Some(ready) => server.wait_ready(ready.path, deadline, || process.alive()).ok_or_else(|| {
                if process.alive() {
                    Error::NeverReady { phase: "ready".to_owned(), waited: Seconds(patience.as_secs_f64()) }
                } else {
                    Error::EndedEarly { phase: "ready".to_owned() }
                }
            })?,
        };
        engine::after_ready(&launch)?;
        let version = engine::version(&launch, &server);
        engine::check_version(about.name, launch.wanted_version.as_deref(), version.as_deref())?;
        let api_key = self.places.api_key(launch.api_key_env.as_deref())?;
        let (spawned, log) = (process.since(), self.folder.log(key)?);
        let mut live = Live {
            url,
            spawned,
            ready,
            first_token: ready,
            server,
            launch,
            log,
            version,
            api_key,
            flags: RefCell::default(),
            peaks: RefCell::default(),
            given_up: Cell::new(false),
        };
        let first = live.ask(
            vec![prompt(&self.bound.tasks[stage.task].items[0], 1)],
            &AskHow::first(self.bound.plan.load.timeout_s),
            &Edges(metered),
        )?;
        // A server that was there already has no cold start: its first token then is no later than its spawn, and the figure is missing.
        if process.group().is_some() {
            live.first_token = first.requests.first().and_then(first_token).ok_or(Error::NoFirstToken)?;
        }
        Ok(live)
    }
}

/// Whether the engine itself is to quantise what it is given.
fn quantised(spec: &EngineSpec, precision: Option<Precision>) -> Quantised {
    match (&spec.compress, precision) {
        (None | Some(Compress::Command(_)), _) => Quantised::AsTold,
        (Some(Compress::Engine), None | Some(Precision::Fp16)) => Quantised::Not,
        (Some(Compress::Engine), Some(precision)) => Quantised::InFlight(precision),
    }
}

/// Has the meter read at the edges of the window, so that its energy is known well.
pub(super) struct Edges<'a>(pub(super) &'a Metered);

impl load::Observer for Edges<'_> {
    fn window_opened(&self, _at: Nanos) {
        self.0.sampler.mark();
    }

    fn window_closed(&self, _at: Nanos) {
        self.0.sampler.mark();
    }
}

/// How requests are put.
pub(super) struct AskHow {
    pub(super) concurrency: u32,
    pub(super) warmup: Vec<Prompt>,
    pub(super) forced: bool,
    pub(super) timeout: Seconds,
    pub(super) seed: u64,
    /// Sampling temperature; 0 takes the likeliest token.
    pub(super) temperature: f64,
    /// It is a level of concurrency beside the cell's own: flags say so.
    pub(super) further: bool,
}

impl AskHow {
    fn first(timeout_s: f64) -> Self {
        Self { concurrency: 1, warmup: Vec::new(), forced: true, timeout: Seconds(timeout_s), seed: 0, temperature: 0.0, further: false }
    }
}

impl Live {
    /// Puts requests and waits for all answers.
    pub(super) fn ask(&self, prompts: Vec<Prompt>, how: &AskHow, observer: &dyn load::Observer) -> Result<load::Run> {
        let arrivals = load::closed_loop(prompts.len()).collect();
        let job = Job {
            url: self.url.clone(),
            model: self.launch.model_name.clone(),
            warmup: how.warmup.clone(),
            drain: true,
            prompts,
            arrivals,
            streams: how.concurrency,
            max_streams: None,
            sampling: Sampling {
                temperature: Some(how.temperature),
                seed: Some(how.seed),
                ignore_eos: how.forced && self.launch.speaks.length == Length::IgnoreEos,
            },
            timeout: how.timeout,
            api_key: self.api_key.clone(),
        };
        let forced = if job.sampling.ignore_eos { job.prompts.first().map(|prompt| prompt.max_tokens) } else { None };
        // The request for the first token is too short to tell anything.
        let tells = job.prompts.iter().any(|prompt| prompt.max_tokens > 1);
        let watch = (tells && how.forced).then(|| Watch::start(&self.launch.tells, &self.server, self.log.clone()));
        let run = load::run(&job, observer)?.some_answered()?;
        if let Some(watch) = watch {
            let mut peaks = self.peaks.borrow_mut();
            let level = peaks.entry(if how.further { Some(how.concurrency) } else { None }).or_default();
            *level = level.or_higher(watch.stop());
        }
        if tells {
            let at = |flag| if how.further { format!("at {} streams: {flag}", how.concurrency) } else { flag };
            self.flags.borrow_mut().extend(flags::of(&run.requests, forced).into_iter().map(at));
        }
        Ok(run)
    }

    /// Takes its death for what was seen of it and not for the stage's failure: what was measured before stands by itself.
    pub(super) fn give_up(&self) {
        self.given_up.set(true);
    }

    /// Bytes held for weights, as the engine tells.
    pub(super) fn weights_memory(&self) -> Reading<Bytes> {
        Told::read(&self.launch.tells, &self.server, &self.log).weights()
    }

    /// Most bytes held for KV caches so far, as the engine tells.
    pub(super) fn kv_memory(&self) -> Reading<Bytes> {
        Told::read(&self.launch.tells, &self.server, &self.log).kv_held()
    }

    /// What the engine says of itself and what is to be said of it, as a mark for the record.
    fn told(&self, about: &About, observer: &dyn Observer) -> Phase {
        let mut facts = Told::read(&self.launch.tells, &self.server, &self.log).figures();
        for (level, peaks) in self.peaks.take() {
            match level {
                None => facts.extend(peaks.facts()),
                Some(streams) => drop(facts.insert(format!("at_{streams}_streams"), peaks.facts().into())),
            }
        }
        facts.insert("engine".to_owned(), about.name.into());
        facts.insert("version".to_owned(), self.version.clone().into());
        let flags = self.flags.take();
        for flag in &flags {
            observer.on(Event::Warning { text: &format!("{}: {flag}", about.name) });
        }
        facts.insert("flags".to_owned(), flags.into());
        Phase { phase: "engine".to_owned(), at: clock::now(), facts }
    }
}

/// When the one token of an answer had come. A token may have no text (an end of text that a forced length goes past, half of a character):
/// then the end of the answer tells.
fn first_token(request: &record::Request) -> Option<Nanos> {
    let generated = request.failure.is_none() && request.completion_tokens.is_none_or(|tokens| tokens > 0);
    request.first_content.or(generated.then_some(request.end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_without_text_is_a_token() {
        let answer = record::Request { first_content: Some(Nanos(5)), end: Nanos(9), ..record::Request::default() };
        assert_eq!(first_token(&answer), Some(Nanos(5)));
        let silent = record::Request { first_content: None, completion_tokens: Some(1), ..answer };
        assert_eq!(first_token(&silent), Some(Nanos(9)));
        assert_eq!(first_token(&record::Request { completion_tokens: Some(0), ..silent.clone() }), None);
        assert_eq!(first_token(&record::Request { failure: Some("timeout".into()), ..silent }), None);
    }
}
