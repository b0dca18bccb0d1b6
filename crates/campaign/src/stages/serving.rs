//! A server under observation: spawned cold, watched until it is ready, asked for its first token, and gone in the end.

use std::{path::Path, time::Duration};

use load::{Body, Job, Message, Prompt, Sampling};
use meter::ProcessGroup;
use plan::Stage;
use record::{PageCache, clock};
use score::{Item, Role};
use serve::{Address, Launch, Target};
use units::{Bytes, Nanos, Reading, Seconds};

use super::{Context, Metered, Seen};
use crate::{
    error::{Error, Result},
    observer::Event,
    page_cache,
    probe::Server,
    process::{CommandLine, StageProcess},
};

/// How long a server may take from spawn to ready: the slowest known takes some minutes for large models.
const READY_PATIENCE: Duration = Duration::from_secs(30 * 60);
/// How long a server may take to end when told to.
const GRACE: Duration = Duration::from_secs(10);

/// A server that has answered its first request.
pub(super) struct Live {
    /// Where it listens, as the client wants it.
    pub(super) url: String,
    pub(super) spawned: Nanos,
    pub(super) ready: Nanos,
    pub(super) first_token: Nanos,
    server: Server,
    launch: Launch,
}

/// What a served stage gives to its record.
pub(super) struct Served<T> {
    pub(super) command: CommandLine,
    pub(super) seen: Seen,
    pub(super) page_cache: PageCache,
    pub(super) outcome: Option<T>,
    pub(super) trace: meter::Trace,
    pub(super) idle: meter::Idle,
}

impl Context<'_> {
    /// Spawns the stage's engine on its weights, has `work` done on it, and stops it. What fails is in the result.
    pub(super) fn serve<T>(&self, stage: &Stage, key: &str, mut work: impl FnMut(&Live, &Metered) -> Result<T>) -> Result<Served<T>> {
        let weights = self.weights(stage)?;
        let (launch, command) = self.launch(stage, &weights)?;
        let page_cache = page_cache::make_cold(&weights);
        let metered = self.metered()?;
        let mut process = StageProcess::spawn(&command, &self.folder.log(key)?)?;
        metered.sampler.watch_since(ProcessGroup { pgid: process.group() }, process.spawned());
        let (outcome, fault) = match self.live(&mut process, launch, stage, &metered).and_then(|live| work(&live, &metered)) {
            // Some requests may have been answered before it died: that is no finished stage.
            Ok(_) if !process.alive() => (None, Some(Error::EndedEarly { phase: "finished".to_owned() })),
            Ok(outcome) => (Some(outcome), None),
            Err(fault) => (None, Some(fault)),
        };
        let ended = process.stop(GRACE)?;
        let (trace, idle) = metered.stop(ended.cpu);
        let memory = trace.memory();
        let seen = Seen { ended: ended.stopped_by_us(outcome.is_some()), energy: Vec::new(), memory, fault };
        Ok(Served { command, seen, page_cache, outcome, trace, idle })
    }

    fn launch(&self, stage: &Stage, weights: &Path) -> Result<(Launch, CommandLine)> {
        let plan = &self.bound.plan;
        let spec = &plan.engines[stage.engine.expect("a served stage names its engine")];
        let engine = serve::engines::find(&spec.kind)?;
        let target =
            Target { own_program: &self.places.program, artifact: weights, model_name: "model", concurrency: plan.load.concurrency };
        let launch = engine.launch(&spec.options, &target)?;
        let mut args = launch.args.clone();
        if launch.program == self.places.program {
            args.extend(["--die-with".into(), std::process::id().to_string().into()]);
        }
        let command = CommandLine { program: launch.program.clone(), args, environment: launch.environment.clone() };
        Ok((launch, command))
    }

    /// From spawned to the first token.
    fn live(&self, process: &mut StageProcess, launch: Launch, stage: &Stage, metered: &Metered) -> Result<Live> {
        let deadline = Nanos(clock::now().0 + READY_PATIENCE.as_nanos() as u64);
        let port = match launch.address {
            Address::Port(port) => port,
            Address::LineProtocol => {
                let mark = process.wait_for("listening", READY_PATIENCE, |phase| self.observer.on(Event::Marked { phase }))?;
                let port = mark.facts.get("port").and_then(serde_json::Value::as_u64).and_then(|port| u16::try_from(port).ok());
                port.ok_or_else(|| Error::NeverReady {
                    phase: "listening on a port".to_owned(),
                    waited: clock::now().since(process.spawned()),
                })?
            }
        };
        let url = format!("http://127.0.0.1:{port}");
        let server = Server::new(url.clone());
        let ready = server.wait_ready(launch.ready_path, deadline, || process.alive()).ok_or_else(|| {
            if process.alive() {
                Error::NeverReady { phase: "ready".to_owned(), waited: Seconds(READY_PATIENCE.as_secs_f64()) }
            } else {
                Error::EndedEarly { phase: "ready".to_owned() }
            }
        })?;
        let mut live = Live { url, spawned: process.spawned(), ready, first_token: ready, server, launch };
        let first = live.ask(
            vec![prompt(&self.bound.tasks[stage.task].items[0], 1)],
            &AskHow::first(self.bound.plan.load.timeout_s),
            &Edges(metered),
        )?;
        live.first_token = first.requests.first().and_then(|request| request.first_content).ok_or(Error::NoFirstToken)?;
        Ok(live)
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
}

impl AskHow {
    fn first(timeout_s: f64) -> Self {
        Self { concurrency: 1, warmup: Vec::new(), forced: true, timeout: Seconds(timeout_s), seed: 0 }
    }
}

impl Live {
    /// Puts requests and waits for all answers. Answers are greedy: at temperature 0.
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
            sampling: Sampling { temperature: Some(0.0), seed: Some(how.seed), ignore_eos: how.forced },
            timeout: how.timeout,
            api_key: None,
        };
        Ok(load::run(&job, observer)?.some_answered()?)
    }

    /// Bytes held for weights, as the engine tells.
    pub(super) fn weights_memory(&self) -> Reading<Bytes> {
        self.server.gauge_bytes(self.launch.weights_metric)
    }

    /// Most bytes held for KV caches so far, as the engine tells.
    pub(super) fn kv_memory(&self) -> Reading<Bytes> {
        self.server.gauge_bytes(self.launch.kv_metric)
    }
}

/// An item as a request.
pub(super) fn prompt(item: &Item, max_tokens: u32) -> Prompt {
    let messages = item.messages.iter().map(|message| Message { role: role(message.role).to_owned(), content: message.content.clone() });
    Prompt { item: item.id.clone(), body: Body::Messages(messages.collect()), max_tokens }
}

fn role(role: Role) -> &'static str {
    match role {
        Role::System => "system",
        Role::User => "user",
        Role::Assistant => "assistant",
    }
}
