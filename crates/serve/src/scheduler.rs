//! The engine's thread: it owns the model, gives each running sequence one step in turn, and tells each request its news.
//!
//! A sequence's answer depends on its own ids, parameters and seed alone: sequences share the thread, never a tensor. A client that
//! reads slowly halts its own sequence; one that hangs up ends it. Nothing of HTTP or JSON is known here.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use text::{ChatTemplate, Tokenizer};
use tokio::sync::oneshot;

use crate::backend::{Failure, Loaded};
use crate::limits::Limits;
use crate::metrics::{Ended, Metrics};
use crate::observer::{Event, Observer, What};
use crate::request::{End, Generate, News, Submission};

mod active;
use active::{Active, Turn};

/// News a slow client may leave unread before its sequence is halted.
const UNREAD_NEWS: usize = 256;
/// How often a thread whose every sequence is halted looks again.
const HALTED_POLL: Duration = Duration::from_millis(2);

/// What the server must know of the loaded model; the model itself stays on the engine's thread.
#[derive(Clone)]
pub(crate) struct Card {
    pub(crate) name: String,
    pub(crate) tokenizer: Tokenizer,
    pub(crate) template: ChatTemplate,
    pub(crate) context_length: usize,
    pub(crate) vocabulary: usize,
}

/// The way to the engine's thread.
pub(crate) struct EngineHandle {
    orders: mpsc::Sender<Order>,
    thread: std::thread::JoinHandle<()>,
    metrics: Arc<Metrics>,
    max_waiting: usize,
}

/// Why a request was not taken.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Too many wait already.
    Full,
    /// The engine has stopped.
    Stopped,
}

enum Order {
    Generate(Vec<Submission>),
    Stop,
}

/// What the thread tells of itself.
pub(crate) struct Engine {
    /// The loaded model, or why there is none.
    pub(crate) loaded: oneshot::Receiver<crate::Result<Card>>,
    /// Completes when the thread has ended.
    pub(crate) ended: oneshot::Receiver<()>,
}

/// Starts the thread. It loads the model with `loader`, tells what it loaded, and serves until [`EngineHandle::stop`].
///
/// # Errors
/// The thread cannot be started.
pub(crate) fn spawn(
    loader: impl FnOnce() -> crate::Result<Loaded> + Send + 'static,
    limits: &Limits,
    metrics: &Arc<Metrics>,
    observer: Observer,
) -> std::io::Result<(EngineHandle, Engine)> {
    let (orders, inbox) = mpsc::channel();
    let (tell_loaded, loaded) = oneshot::channel();
    let (end, ended) = oneshot::channel();
    let (max_concurrent, max_waiting) = (limits.max_concurrent, limits.max_waiting);
    let shared = metrics.clone();
    let thread = std::thread::Builder::new().name("engine".into()).spawn(move || {
        // Dropped with the thread, however it ends.
        let _end: oneshot::Sender<()> = end;
        let model = match loader() {
            Ok(model) => model,
            Err(error) => return drop(tell_loaded.send(Err(error))),
        };
        let metrics = shared;
        // It was not known before and is set once.
        let _first = metrics.weights.set(model.weights);
        if tell_loaded.send(Ok(Card::of(&model))).is_ok() {
            Scheduler { model, inbox, metrics, observer, max_concurrent, waiting: VecDeque::new(), running: Vec::new(), told: false }.run();
        }
    })?;
    Ok((EngineHandle { orders, thread, metrics: metrics.clone(), max_waiting }, Engine { loaded, ended }))
}

impl Card {
    fn of(model: &Loaded) -> Self {
        Self {
            name: model.name.clone(),
            tokenizer: model.tokenizer.clone(),
            template: model.template.clone(),
            context_length: model.context_length,
            vocabulary: model.vocabulary,
        }
    }
}

impl EngineHandle {
    /// Queues one answer for each of `prompts`; their news come interleaved, told apart by index.
    pub(crate) fn submit(&self, prompts: Vec<Generate>) -> Result<tokio::sync::mpsc::Receiver<News>, Refusal> {
        let count = prompts.len() as u64;
        if self.metrics.waiting.fetch_add(count, Relaxed) + count > self.max_waiting as u64 {
            self.metrics.waiting.fetch_sub(count, Relaxed);
            return Err(Refusal::Full);
        }
        let (news, receiver) = tokio::sync::mpsc::channel(UNREAD_NEWS);
        let submitted = record::clock::now();
        let submissions = prompts.into_iter().enumerate();
        let submissions = submissions.map(|(index, generate)| Submission { generate, index, submitted, news: news.clone() }).collect();
        self.orders.send(Order::Generate(submissions)).map_err(|_| {
            self.metrics.waiting.fetch_sub(count, Relaxed);
            Refusal::Stopped
        })?;
        Ok(receiver)
    }

    /// Whether the thread runs, loading included.
    pub(crate) fn is_alive(&self) -> bool {
        !self.thread.is_finished()
    }

    /// Ends every request and then the thread.
    pub(crate) fn stop(&self) {
        // An error means that the thread has ended already.
        let _ended = self.orders.send(Order::Stop);
    }
}

struct Scheduler {
    model: Loaded,
    inbox: mpsc::Receiver<Order>,
    metrics: Arc<Metrics>,
    observer: Observer,
    max_concurrent: usize,
    waiting: VecDeque<Submission>,
    running: Vec<Active>,
    /// Whether the server's first token was told.
    told: bool,
}

impl Scheduler {
    fn run(mut self) {
        let mut halted = false;
        while self.listen(halted) {
            self.admit();
            halted = self.round();
        }
        for submission in std::mem::take(&mut self.waiting) {
            self.metrics.waiting.fetch_sub(1, Relaxed);
            refuse(&submission, "the server is stopping", &self.metrics);
        }
        for mut active in std::mem::take(&mut self.running) {
            active.fail("the server is stopping");
            self.close(&active, Ended::Failed);
        }
    }

    /// Takes the orders that have come; waits for one when there is nothing to do. False when the thread is to end.
    fn listen(&mut self, halted: bool) -> bool {
        let first = if self.running.is_empty() && self.waiting.is_empty() {
            self.inbox.recv().map_err(|_| RecvTimeoutError::Disconnected)
        } else if halted {
            self.inbox.recv_timeout(HALTED_POLL)
        } else {
            self.inbox.try_recv().map_err(|error| match error {
                mpsc::TryRecvError::Empty => RecvTimeoutError::Timeout,
                mpsc::TryRecvError::Disconnected => RecvTimeoutError::Disconnected,
            })
        };
        let mut next = first;
        loop {
            match next {
                Ok(Order::Generate(submissions)) => self.waiting.extend(submissions),
                Ok(Order::Stop) | Err(RecvTimeoutError::Disconnected) => return false,
                Err(RecvTimeoutError::Timeout) => return true,
            }
            next = self.inbox.try_recv().map_err(|_| RecvTimeoutError::Timeout);
        }
    }

    /// Moves waiting requests to free places, first come first served.
    fn admit(&mut self) {
        while self.running.len() < self.max_concurrent {
            let Some(submission) = self.waiting.pop_front() else { return };
            self.metrics.waiting.fetch_sub(1, Relaxed);
            if submission.news.is_closed() {
                self.metrics.count(Ended::Cancelled);
                continue;
            }
            match self.open(&submission) {
                Ok(sequence) => {
                    self.metrics.running.fetch_add(1, Relaxed);
                    self.metrics.kv_grew(sequence.kv_bytes());
                    self.running.push(Active::new(submission, sequence, &self.model));
                }
                Err(failure) => refuse(&submission, &failure.to_string(), &self.metrics),
            }
        }
    }

    fn open(&self, submission: &Submission) -> Result<Box<dyn crate::backend::Sequence>, Failure> {
        self.model.backend.open(submission.generate.prompt.len() + submission.generate.max_tokens)
    }

    /// One turn for each sequence. True when every one is halted by its client.
    fn round(&mut self) -> bool {
        let mut halted = !self.running.is_empty();
        let mut still = Vec::with_capacity(self.running.len());
        for mut active in std::mem::take(&mut self.running) {
            let turn = active.turn(&self.metrics);
            halted &= matches!(turn, Turn::Halted);
            if let Some(at) = active.last_token().filter(|_| !self.told) {
                self.told = true;
                (self.observer)(&Event { at, what: What::FirstToken });
            }
            match turn {
                Turn::Ended(ended) => self.close(&active, ended),
                Turn::Goes | Turn::Halted => still.push(active),
            }
        }
        self.running = still;
        halted
    }

    fn close(&self, active: &Active, ended: Ended) {
        self.metrics.running.fetch_sub(1, Relaxed);
        self.metrics.kv_shrank(active.kv_bytes());
        self.metrics.count(ended);
    }
}

fn refuse(submission: &Submission, reason: &str, metrics: &Metrics) {
    let end = End { finish: Err(reason.to_owned()), completion_tokens: 0 };
    // A client that has gone away needs no answer.
    let _gone = submission.news.try_send(News { index: submission.index, piece: None, end: Some(end) });
    metrics.count(Ended::Failed);
}
