//! One run: what comes before the window (everything serialised, every connection open) and after it (everything read). The window
//! itself is the event loop's.

use std::{
    collections::BTreeMap,
    net::{SocketAddr, ToSocketAddrs},
};

use record::Request;
use units::{Nanos, Seconds};

use crate::{
    Due, Error, Failure, Job, ReadLag, Result,
    body::{Outgoing, Template},
    engine::{self, Plan, Seen},
    exchange::Exchange,
    interpret, priority,
    stream::{Dial, Shared},
    target::Target,
    tls::Tls,
    word,
};

/// Longest wait for a connection; a shorter request timeout is kept.
const CONNECT_LIMIT: Seconds = Seconds(10.0);

/// What a run saw.
#[derive(Clone, Debug, Default)]
pub struct Run {
    /// The measured requests in arrival order, failed ones among them.
    pub requests: Vec<Request>,
    /// The requests before the window. Where the job did not drain, the last of them end inside it.
    pub warmup: Vec<Request>,
    /// First and last instant of the window: the first due time, the last answer's end.
    pub window: (Nanos, Nanos),
    /// Most requests under way at once in the window.
    pub peak_concurrency: u32,
    /// Connections that were open before the warm-up and the window.
    pub connections_opened_before: u32,
    /// Connections begun inside the window: for arrivals that found no free stream, and for connections that the server had
    /// closed. Their time is inside the latency of the requests that needed them.
    pub connections_opened_in_window: u32,
    /// Requests of the window sent once more, because the server had closed a kept connection and nothing of an answer had come.
    pub resent: u32,
    /// CPU time that the client's thread took for the window.
    pub client_cpu: Seconds,
    /// Whether the system let the client's thread come before others.
    pub priority_raised: bool,
    /// How long arrived bytes waited for the client in the window. No latency holds this.
    pub read_lag: ReadLag,
}

impl Run {
    /// Why the run is of no use, in a line, when every request of the window failed.
    pub fn all_failed(&self) -> Option<String> {
        let mut words = BTreeMap::new();
        for request in &self.requests {
            *words.entry(word(request.failure.as_deref()?).to_owned()).or_insert(0_u32) += 1;
        }
        let first = self.requests.first()?.failure.as_deref()?;
        let counts: Vec<String> = words.iter().map(|(word, count)| format!("{count} {word}")).collect();
        Some(format!("all {} requests failed ({}); the first: {first}", self.requests.len(), counts.join(", ")))
    }

    /// The run, or the error that it is when every request of the window failed.
    ///
    /// # Errors
    /// [`Error::AllFailed`].
    pub fn some_answered(self) -> Result<Self> {
        match self.all_failed() {
            None => Ok(self),
            Some(reason) => {
                let first = self.requests.into_iter().find_map(|request| request.failure).unwrap_or_default();
                Err(Error::AllFailed { reason, first })
            }
        }
    }
}

/// Is told how a run goes. It is called on the client's own thread between requests, so it must return at once.
pub trait Observer: Sync {
    /// Connections are open, the warm-up is over or nearly so ([`Job::drain`]), and the window begins.
    fn window_opened(&self, _at: Nanos) {}
    /// One measured request has ended.
    fn answered(&self, _failed: bool) {}
    /// The last one has.
    fn window_closed(&self, _at: Nanos) {}
}

/// An observer that does nothing.
pub struct Silent;

impl Observer for Silent {}

/// Makes one run, and blocks until it is over. Failed requests are part of the result, even where all of them failed: see
/// [`Run::all_failed`].
///
/// # Errors
/// The address or the job is of no use, or the operating system refuses the client its event loop.
pub fn run(job: &Job, observer: &dyn Observer) -> Result<Run> {
    let target = Target::parse(&job.url)?;
    let tls = target.tls.then(|| Tls::new(&target.host)).transpose();
    run_at(job, &target, tls, observer)
}

fn run_at(job: &Job, target: &Target, tls: std::result::Result<Option<Tls>, Failure>, observer: &dyn Observer) -> Result<Run> {
    check(job)?;
    let template = Template::new(job, target).ok_or_else(|| bad("the API key cannot stand in a header"))?;
    let outgoing: Vec<Outgoing> = job.warmup.iter().chain(&job.prompts).map(|prompt| template.outgoing(prompt)).collect();
    let plan = plan(job, &outgoing);
    let seen = match resolve(target).and_then(|addresses| Ok((addresses, tls?))) {
        Ok((addresses, tls)) => drive(&plan, dial(job, addresses, tls), observer)?,
        Err(failure) => engine::unreachable(&plan, &failure, observer),
    };
    Ok(read(seen, job, &outgoing))
}

fn drive(plan: &Plan<'_>, dial: Dial, observer: &dyn Observer) -> Result<Seen> {
    // A thread of its own, whose timer slack and priority are nobody else's.
    let seen = std::thread::scope(|scope| {
        let driven = scope.spawn(|| {
            let priority_raised = priority::raise();
            let seen = engine::drive(plan, Shared::new(dial)?, observer)?;
            Ok(Seen { priority_raised, ..seen })
        });
        driven.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    });
    seen.map_err(Error::Runtime)
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
    if job.arrivals.len() != job.prompts.len() {
        return Err(bad(&format!("{} arrivals are not one for each of {} prompts", job.arrivals.len(), job.prompts.len())));
    }
    if job.arrivals.iter().any(|due| matches!(due, Due::After(offset) if offset.get() as f64 > LONGEST.get() * 1e9)) {
        return Err(bad("an arrival after more than ten years is of no use"));
    }
    if job.streams == 0 || job.max_streams.is_some_and(|most| most < job.streams) {
        return Err(bad("it has no streams, or more of them than it may have"));
    }
    if !(job.timeout > Seconds(0.0) && job.timeout <= LONGEST) {
        return Err(bad(&format!("a timeout of {} is of no use", job.timeout)));
    }
    Ok(())
}

fn plan<'a>(job: &'a Job, outgoing: &'a [Outgoing]) -> Plan<'a> {
    let most = job.warmup.len().max(job.prompts.len());
    Plan {
        outgoing,
        warmup: job.warmup.len(),
        drain: job.drain,
        arrivals: &job.arrivals,
        streams: (job.streams as usize).min(most),
        max_streams: job.max_streams.map_or(usize::MAX, |most| most as usize),
    }
}

/// The addresses of a host, in the order in which they are to be tried.
fn resolve(target: &Target) -> std::result::Result<Vec<SocketAddr>, Failure> {
    let found = (target.host.as_str(), target.port).to_socket_addrs();
    let addresses: Vec<SocketAddr> = found.map_err(|error| Failure::Connect(error.to_string().to_lowercase()))?.collect();
    if addresses.is_empty() { Err(Failure::Connect("the host has no address".to_owned())) } else { Ok(addresses) }
}

fn dial(job: &Job, addresses: Vec<SocketAddr>, tls: Option<Tls>) -> Dial {
    let nanos = |seconds: Seconds| Nanos((seconds.get() * 1e9) as u64);
    Dial { addresses, tls, connect_limit: nanos(job.timeout).min(nanos(CONNECT_LIMIT)), timeout: nanos(job.timeout) }
}

/// After the window: raw answers become requests.
fn read(mut seen: Seen, job: &Job, outgoing: &[Outgoing]) -> Run {
    seen.exchanges.sort_unstable_by_key(|exchange| exchange.index);
    let measured = seen.exchanges.split_off(seen.exchanges.partition_point(|exchange| exchange.index < job.warmup.len()));
    let hide = |failure: String| match &job.api_key {
        Some(key) => key.hide(&failure),
        None => failure,
    };
    let read = |exchanges: Vec<Exchange>, first: usize| {
        let one = |exchange: Exchange| {
            let index = exchange.index;
            let request = interpret::request(exchange, (index - first) as u32, &outgoing[index].item);
            Request { failure: request.failure.map(hide), ..request }
        };
        exchanges.into_iter().map(one).collect()
    };
    Run {
        requests: read(measured, job.warmup.len()),
        warmup: read(seen.exchanges, 0),
        window: seen.window,
        client_cpu: seen.client_cpu,
        priority_raised: seen.priority_raised,
        peak_concurrency: seen.peak_concurrency,
        connections_opened_before: seen.connections_opened_before,
        connections_opened_in_window: seen.connections_opened_in_window,
        resent: seen.resent,
        read_lag: seen.read_lag,
    }
}

#[cfg(test)]
#[path = "run/tests.rs"]
mod tests;
