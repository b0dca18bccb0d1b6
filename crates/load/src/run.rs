//! One run: connections opened, warm-up, window, then everything read. One thread drives all streams; it does nothing else.

use std::cell::RefCell;

use futures_util::future::join_all;
use record::Request;
use units::{Nanos, Seconds};

use crate::{
    Due, Error, Job, Result,
    body::{self, Ready},
    client::{Client, Exchange},
    closed_loop,
    connect::Connection,
    interpret,
    target::Target,
    word,
};

/// What a run saw.
#[derive(Clone, Debug)]
pub struct Run {
    /// The measured requests in arrival order, failed ones among them.
    pub requests: Vec<Request>,
    /// The requests before the window.
    pub warmup: Vec<Request>,
    /// First and last instant of the window: the first due time, the last answer's end.
    pub window: (Nanos, Nanos),
}

/// Is told how a run goes. It is called on the client's own thread between requests, so it must return at once.
pub trait Observer: Sync {
    /// Connections are open, the warm-up is over, and the window begins.
    fn window_opened(&self, _at: Nanos) {}
    /// One measured request has ended.
    fn answered(&self, _failed: bool) {}
    /// The last one has.
    fn window_closed(&self, _at: Nanos) {}
}

/// An observer that does nothing.
pub struct Silent;

impl Observer for Silent {}

/// Makes one run in the closed loop, and blocks until it is over. Failed requests are part of the result.
///
/// # Errors
/// The address or the job is of no use, not one connection opens, or every request of the window fails.
pub fn run(job: &Job, observer: &dyn Observer) -> Result<Run> {
    let target = Target::parse(&job.url)?;
    check(job)?;
    let warmup: Vec<Ready> = job.warmup.iter().map(|prompt| body::ready(job, &target, prompt)).collect();
    let measured: Vec<Ready> = job.prompts.iter().map(|prompt| body::ready(job, &target, prompt)).collect();
    let client =
        Client::new(target, job.api_key.as_ref(), job.timeout).ok_or_else(|| bad("the API key or host cannot stand in a header"))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Error::Runtime)?;
    // A thread of its own, so that a caller who is himself inside an event loop is no obstacle.
    let seen = std::thread::scope(|scope| {
        let driven = scope.spawn(|| runtime.block_on(drive(job, &client, &warmup, &measured, observer)));
        driven.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })?;
    let run = Run {
        requests: interpret_all(seen.measured, &measured),
        warmup: interpret_all(seen.warmup, &warmup),
        window: (seen.window.0, seen.window.1),
    };
    refuse_total_failure(job, run)
}

fn bad(reason: &str) -> Error {
    Error::Job { reason: reason.to_owned() }
}

fn check(job: &Job) -> Result<()> {
    /// Ten years: far beyond any use, and within what a timer can hold.
    const LONGEST: Seconds = Seconds(3.2e8);
    if job.prompts.is_empty() {
        return Err(bad("it has no requests"));
    }
    if job.concurrency == 0 {
        return Err(bad("it has no streams"));
    }
    if !(job.timeout > Seconds(0.0) && job.timeout <= LONGEST) {
        return Err(bad(&format!("a timeout of {} is of no use", job.timeout)));
    }
    Ok(())
}

/// What the timed part leaves behind.
struct Seen {
    warmup: Vec<Exchange>,
    measured: Vec<Exchange>,
    window: (Nanos, Nanos),
}

async fn drive(job: &Job, client: &Client, warmup: &[Ready], measured: &[Ready], observer: &dyn Observer) -> Result<Seen> {
    let streams = (job.concurrency as usize).min(measured.len().max(warmup.len()));
    let mut lines = open_all(job, client, streams).await?;
    let warm = Phase { client, requests: warmup, start: record::clock::now(), observer: &Silent };
    let warmed = warm.run(closed_loop(warmup.len()), &mut lines).await;
    let start = record::clock::now();
    observer.window_opened(start);
    let window = Phase { client, requests: measured, start, observer };
    let exchanges = window.run(closed_loop(measured.len()), &mut lines).await;
    let end = exchanges.iter().map(|exchange| exchange.end).max().unwrap_or(start);
    observer.window_closed(end);
    Ok(Seen { warmup: warmed, measured: exchanges, window: (start, end) })
}

/// Opens every stream's connection before the clock starts. A stream that fails tries again with its first request.
async fn open_all(job: &Job, client: &Client, streams: usize) -> Result<Vec<Option<Connection>>> {
    let opened = join_all((0..streams).map(|_| client.open())).await;
    if opened.iter().all(std::result::Result::is_err) {
        let first = opened.into_iter().find_map(std::result::Result::err);
        let reason = first.map_or_else(String::new, |failure| failure.to_string());
        return Err(Error::NoConnection { url: job.url.clone(), reason });
    }
    Ok(opened.into_iter().map(std::result::Result::ok).collect())
}

/// A set of requests put on at one go.
struct Phase<'a> {
    client: &'a Client,
    requests: &'a [Ready],
    start: Nanos,
    observer: &'a dyn Observer,
}

impl Phase<'_> {
    /// Sends every request, as many at once as there are lines, when `arrivals` says so.
    async fn run(&self, arrivals: impl Iterator<Item = Due>, lines: &mut [Option<Connection>]) -> Vec<Exchange> {
        let arrivals = RefCell::new(arrivals.take(self.requests.len()).enumerate());
        let streams = join_all(lines.iter_mut().map(|line| self.stream(&arrivals, line))).await;
        let mut exchanges: Vec<Exchange> = streams.into_iter().flatten().collect();
        exchanges.sort_unstable_by_key(|exchange| exchange.index);
        exchanges
    }

    async fn stream(&self, arrivals: &RefCell<impl Iterator<Item = (usize, Due)>>, line: &mut Option<Connection>) -> Vec<Exchange> {
        let mut exchanges = Vec::new();
        let mut freed = self.start;
        loop {
            let Some((index, due)) = arrivals.borrow_mut().next() else { return exchanges };
            let due = due.at(self.start, freed);
            wait_until(due).await;
            let exchange = self.client.exchange(index, due, &self.requests[index], line).await;
            freed = exchange.end;
            self.observer.answered(exchange.failure.is_some());
            exchanges.push(exchange);
        }
    }
}

async fn wait_until(due: Nanos) {
    let left = due.since(record::clock::now());
    if left > Seconds(0.0) {
        tokio::time::sleep(std::time::Duration::from_secs_f64(left.get())).await;
    }
}

fn interpret_all(exchanges: Vec<Exchange>, requests: &[Ready]) -> Vec<Request> {
    exchanges
        .into_iter()
        .map(|exchange| {
            let item = &requests[exchange.index].item;
            interpret::request(exchange, item)
        })
        .collect()
}

fn refuse_total_failure(job: &Job, run: Run) -> Result<Run> {
    let mut failures = std::collections::BTreeMap::new();
    for failure in run.requests.iter().filter_map(|request| request.failure.as_deref()) {
        *failures.entry(word(failure).to_owned()).or_insert(0) += 1;
    }
    let first = match run.requests.first() {
        Some(Request { failure: Some(first), .. }) if run.requests.iter().all(|request| request.failure.is_some()) => first.clone(),
        _ => return Ok(run),
    };
    Err(Error::AllFailed { url: job.url.clone(), requests: run.requests.len(), failures, first })
}
