//! One level: a mock, a run of the client against it, and what came of both.

use record::Seen;
use units::{Missing, Reading, Seconds};

use super::{
    files,
    pairs::{self, Pairs},
};
use crate::{
    Body, Due, Job, Prompt, Run, Sampling, Silent,
    arrivals::{Gap, Open, Profile, Rate},
    mock::{Behaviour, Mock, Script, Truth},
};

/// Seed of the Poisson arrivals: every calibration has the same.
const SEED: u64 = 42;

/// Longest that a request of a calibration may take: far beyond what any takes on a machine that can be measured on.
const TIMEOUT: Seconds = Seconds(120.0);

/// What to run.
pub(super) struct Level {
    pub(super) answer: Behaviour,
    pub(super) threads: u32,
    pub(super) streams: u32,
    pub(super) requests: u32,
    pub(super) tokens: u32,
    /// Poisson arrivals at so many requests a second; `None` is the closed loop.
    pub(super) rate: Option<f64>,
}

/// What a level left behind.
pub(super) struct Ran {
    run: Run,
    truth: Truth,
}

impl Level {
    pub(super) fn run(self) -> Result<Ran, Missing> {
        files::room_for(self.streams)?;
        let why = |error: crate::Error| Missing::because(error.to_string());
        let mock = Mock::start(Script { threads: self.threads, answer: self.answer.clone(), ..Script::default() }).map_err(why)?;
        let run = crate::run(&self.job(mock.url()).map_err(why)?, &Silent).map_err(why)?;
        if let Some(reason) = run.all_failed() {
            return Err(Missing::because(reason));
        }
        Ok(Ran { run, truth: mock.stop().truth })
    }

    fn job(&self, url: String) -> crate::Result<Job> {
        // The first word is the tag by which the mock's record of a request is found.
        let prompt = |index: u32| {
            let item = format!("r{index}");
            let body = Body::Text(format!("{item} tell me of the river and the market in winter"));
            Prompt { item, body, max_tokens: self.tokens }
        };
        Ok(Job {
            url,
            model: "mock".to_owned(),
            warmup: Vec::new(),
            drain: false,
            prompts: (0..self.requests).map(prompt).collect(),
            arrivals: self.arrivals()?,
            streams: self.streams,
            max_streams: None,
            sampling: Sampling { temperature: Some(0.0), seed: None, ignore_eos: true },
            timeout: TIMEOUT,
            api_key: None,
        })
    }

    fn arrivals(&self) -> crate::Result<Vec<Due>> {
        let Some(rate) = self.rate else { return Ok(vec![Due::WhenFree; self.requests as usize]) };
        let process = Open { profile: Profile::Steady(Rate::new(rate)?), gap: Gap::Exponential };
        Ok(process.due(SEED).take(self.requests as usize).collect())
    }
}

impl Ran {
    /// Events with text a read of the client that brought bytes.
    pub(super) fn events_per_read(&self) -> f64 {
        let events: usize = self.run.requests.iter().map(|request| request.content_times.len()).sum();
        let reads = self.run.read_lag.stamped + self.run.read_lag.unstamped;
        events as f64 / reads.max(1) as f64
    }

    /// The figures of the level.
    ///
    /// # Errors
    /// No request can be matched with the truth.
    pub(super) fn seen(&self) -> Result<Seen, Missing> {
        let pairs = Pairs::of(&self.run.requests, &self.truth);
        let events_per_s = pairs.events_per_s()?;
        Ok(Seen {
            requests: self.run.requests.len() as u32,
            unmatched: pairs.unmatched,
            true_ttft: pairs.mean(|pair| Some(pair.true_ttft))?,
            ttft: pairs.mean(|pair| Some(pair.ttft))?,
            ttft_from_sent: pairs.mean(|pair| Some(pair.ttft_from_sent))?,
            ttft_error: pairs.spread(|pair| pair.ttft - pair.true_ttft)?,
            ttft_from_sent_error: pairs.spread(|pair| pair.ttft_from_sent - pair.true_ttft)?,
            true_itl: pairs.true_gap()?,
            itl: pairs.gap()?,
            itl_error: pairs.gap_error()?,
            lateness: pairs.spread(|pair| pair.lateness)?,
            server_lateness: pairs::server_lateness(&self.truth)?,
            events_per_s,
            cpu_per_event: Reading::Known(Seconds(self.run.client_cpu.get() / pairs.events() as f64)),
        })
    }
}
