//! One answer as a sequence of writes, each with the instant at which it is due: the script, carried out. It knows no socket
//! and reads no clock, so it is tested without either.

use std::sync::Arc;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use units::Nanos;

use super::{
    Behaviour, Distribution,
    render::{self, Counts, Pen, Text},
    request::Ask,
    truth::Served,
};

/// TTFT and ITL where a script does not say them.
const TTFT_MS: f64 = 50.0;
const ITL_MS: f64 = 10.0;
/// Tokens of an answer where neither script nor request says them; OpenAI's own default for completions.
const TOKENS: u32 = 16;
/// A reset comes so long after the last event, for it takes away what the client has not read yet.
const RESET_AFTER_NS: u64 = 20_000_000;

/// What comes after a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// The next one, at [`Answer::due`].
    Next,
    /// Nothing: the answer is whole, and the connection may be used again.
    Finish,
    /// The connection is closed.
    Close,
    /// The connection is reset.
    Reset,
    /// Nothing, and the connection stays until the client goes.
    Hang,
}

/// Which write is next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// The whole answer at one go: not streamed, or an error, or no HTTP.
    Whole,
    Headers,
    Role,
    Tokens,
    Usage,
    Done,
    Reset,
}

/// An answer under way.
#[derive(Debug)]
pub(super) struct Answer {
    ask: Ask,
    how: Arc<Behaviour>,
    close: bool,
    /// JSON, quotes and all.
    model: Arc<str>,
    pen: Pen,
    rng: Option<ChaCha8Rng>,
    total: u32,
    step: Step,
    due: Nanos,
    /// When the last scheduled token is due.
    token_due: Nanos,
    /// Events and one after the last token of the write that is next.
    group: (u32, u32),
    events: u32,
    /// What the write under way holds: events of text.
    in_write: u32,
    truth: Served,
}

/// What an answer is made for.
pub(super) struct Occasion {
    pub(super) index: u32,
    pub(super) connection: u32,
    pub(super) arrived: Nanos,
    pub(super) seed: u32,
    /// The client or the script wants the connection closed afterwards.
    pub(super) close: bool,
}

impl Answer {
    pub(super) fn new(ask: Ask, how: Arc<Behaviour>, model: Arc<str>, occasion: &Occasion) -> Self {
        let Occasion { index, connection, arrived, seed, close } = *occasion;
        let pen = Pen::new(ask.chat, index, &model);
        let drawn = [how.ttft_ms, how.itl_ms].into_iter().flatten().any(|times| times.constant().is_none());
        let rng = drawn.then(|| ChaCha8Rng::seed_from_u64(u64::from(seed) << 32 | u64::from(index)));
        let total = how.tokens.or(ask.max_tokens).unwrap_or(TOKENS).min(Behaviour::MOST_TOKENS);
        let events = (total.div_ceil(how.tokens_per_event.unwrap_or(1)) as usize).min(1 << 16);
        let truth = Served {
            index,
            connection,
            tag: ask.tag.clone(),
            arrived,
            scheduled: Vec::with_capacity(events),
            written: Vec::with_capacity(events),
            faults: faults(&how),
            ..Served::default()
        };
        let close = close || how.close.unwrap_or(false);
        let mut answer = Self {
            ask,
            how,
            close,
            model,
            pen,
            rng,
            total,
            step: Step::Headers,
            due: arrived,
            token_due: arrived,
            group: (0, 0),
            events: 0,
            in_write: 0,
            truth,
        };
        answer.first_step();
        answer
    }

    /// When the next write is due.
    pub(super) fn due(&self) -> Nanos {
        self.due
    }

    /// Puts the next write's bytes into `out`.
    pub(super) fn write(&mut self, out: &mut Vec<u8>) -> Then {
        match self.step {
            Step::Whole => self.write_whole(out),
            Step::Headers => {
                render::stream_head(self.how.content_type.as_deref(), self.close, out);
                self.after_headers()
            }
            Step::Role => {
                self.pen.role(out);
                self.plan_tokens()
            }
            Step::Tokens => self.write_tokens(out),
            Step::Usage => {
                self.write_usage(out);
                self.step = Step::Done;
                Then::Next
            }
            Step::Done => {
                render::done(out);
                self.finish()
            }
            Step::Reset => Then::Reset,
        }
    }

    /// What [`Answer::write`] gave was written, or is just about to be.
    pub(super) fn written(&mut self, at: Nanos) {
        if self.truth.headers.is_none() && self.how.garbage != Some(true) {
            self.truth.headers = Some(at);
        } else if self.how.role_after_ms.is_some() && self.truth.role.is_none() && self.truth.written.is_empty() {
            self.truth.role = Some(at);
        }
        for _ in 0..std::mem::take(&mut self.in_write) {
            self.truth.written.push(at);
        }
        self.truth.ended = at;
    }

    /// What was done.
    pub(super) fn into_truth(mut self) -> Served {
        self.truth.reasoning_tokens = self.truth.tokens.min(self.how.reasoning_tokens.unwrap_or(0));
        self.truth
    }

    fn first_step(&mut self) {
        let headers = later(self.truth.arrived, self.how.headers_after_ms.unwrap_or(0.0));
        let refuses = self.how.garbage == Some(true) || self.how.status.is_some_and(|status| status != 200);
        self.due = headers;
        if refuses {
            self.step = Step::Whole;
        } else if !self.ask.stream {
            self.step = Step::Whole;
            for token in 0..self.total {
                self.pass_token(token);
            }
            self.due = headers.max(self.token_due);
        }
    }

    fn after_headers(&mut self) -> Then {
        match self.how.role_after_ms {
            Some(after) => {
                self.step = Step::Role;
                self.due = self.due.max(later(self.truth.arrived, after));
                Then::Next
            }
            None => self.plan_tokens(),
        }
    }

    /// Plans the next write of tokens, or what is done in place of it.
    fn plan_tokens(&mut self) -> Then {
        if self.how.close_after_events.is_some_and(|most| self.events >= most) {
            return Then::Close;
        }
        if self.how.reset_after_events.is_some_and(|most| self.events >= most) {
            self.step = Step::Reset;
            self.due = Nanos(self.due.get().saturating_add(RESET_AFTER_NS));
            return Then::Next;
        }
        if self.truth.tokens >= self.total {
            return self.after_tokens();
        }
        self.step = Step::Tokens;
        self.plan_group();
        Then::Next
    }

    fn plan_group(&mut self) {
        let (per_event, mut per_write) = (self.how.tokens_per_event.unwrap_or(1), self.how.events_per_write.unwrap_or(1));
        for most in [self.how.close_after_events, self.how.reset_after_events].into_iter().flatten() {
            per_write = per_write.min(most - self.events);
        }
        let from = self.truth.tokens;
        let left = self.total - from;
        let tokens = left.min(per_event.saturating_mul(per_write));
        for token in from..from + tokens {
            // The first event is due at TTFT, however many tokens it holds.
            if token == 0 || token >= per_event {
                self.pass_token(token);
            }
        }
        self.group = (tokens.div_ceil(per_event), from + tokens);
        self.due = self.due.max(self.token_due);
    }

    /// Moves the clock of tokens on to this one.
    fn pass_token(&mut self, token: u32) {
        let (times, usual) = if token == 0 { (self.how.ttft_ms, TTFT_MS) } else { (self.how.itl_ms, ITL_MS) };
        let stalled: f64 = self.how.stalls.iter().flatten().filter(|stall| stall.token == token).map(|stall| stall.ms).sum();
        let ms = self.draw(times.unwrap_or(Distribution::Constant(usual))) + stalled;
        self.token_due = later(self.token_due, ms);
    }

    fn draw(&mut self, times: Distribution) -> f64 {
        match (times.constant(), &mut self.rng) {
            (Some(ms), _) => ms,
            (None, Some(rng)) => times.draw(rng),
            (None, None) => unreachable!("a generator is made when any distribution needs one"),
        }
    }

    fn write_tokens(&mut self, out: &mut Vec<u8>) -> Then {
        let (events, end) = self.group;
        let per_event = self.how.tokens_per_event.unwrap_or(1);
        for _ in 0..events {
            let from = self.truth.tokens;
            let to = end.min(from + per_event);
            let before = out.len();
            self.pen.text(self.text(from, to), out);
            if to == self.total && self.how.half_event == Some(true) {
                out.truncate(before + (out.len() - before) / 2);
                return Then::Close;
            }
            self.truth.tokens = to;
            self.truth.scheduled.push(self.due);
            self.events += 1;
            self.in_write += 1;
        }
        match self.plan_tokens() {
            // What follows the last token comes with it when events are coalesced.
            Then::Next if self.truth.tokens >= self.total && self.how.events_per_write.unwrap_or(1) > 1 && self.step != Step::Reset => {
                if self.step == Step::Usage {
                    self.write_usage(out);
                }
                render::done(out);
                self.finish()
            }
            then => then,
        }
    }

    fn text(&self, from: u32, to: u32) -> Text {
        let last = to == self.total && self.how.never_ends != Some(true);
        Text {
            tokens: (from, to),
            reasoning: from < self.how.reasoning_tokens.unwrap_or(0),
            finish: last.then_some("length"),
            malformed: self.how.malformed_event == Some(self.events),
        }
    }

    fn after_tokens(&mut self) -> Then {
        if self.how.never_ends == Some(true) {
            return Then::Hang;
        }
        self.step = if self.ask.usage && self.counts().is_some() { Step::Usage } else { Step::Done };
        Then::Next
    }

    fn counts(&self) -> Option<Counts> {
        let prompt = self.how.prompt_tokens.unwrap_or(self.ask.prompt_tokens);
        Counts::told(self.how.usage.unwrap_or_default(), prompt, self.total, self.how.cached_tokens)
    }

    fn write_usage(&mut self, out: &mut Vec<u8>) {
        if let Some(counts) = self.counts() {
            self.pen.usage(&counts, out);
        }
    }

    fn write_whole(&mut self, out: &mut Vec<u8>) -> Then {
        if self.how.garbage == Some(true) {
            out.extend_from_slice(b"SSH-2.0-OpenSSH_9.6\r\n\x00\x01\x02\xff\xfe not http\r\n");
            return Then::Close;
        }
        if let Some(status) = self.how.status.filter(|status| *status != 200) {
            render::page(status, "application/json", &render::error(status, &format!("scripted {status}")), self.close, out);
            return self.finish();
        }
        let content_type = self.how.content_type.as_deref().unwrap_or("application/json");
        let reasoning = self.how.reasoning_tokens.unwrap_or(0);
        let body = render::whole(&self.ask, self.truth.index, &self.model, self.total, reasoning, self.counts());
        render::page(200, content_type, &body, self.close, out);
        self.truth.tokens = self.total;
        self.truth.scheduled.push(self.due);
        self.in_write = 1;
        self.finish()
    }

    fn finish(&mut self) -> Then {
        self.truth.whole = true;
        if self.close { Then::Close } else { Then::Finish }
    }
}

/// What is wrong on purpose, in words.
fn faults(how: &Behaviour) -> Vec<String> {
    let stalls = how.stalls.iter().flatten().map(|stall| Some(format!("stall of {} ms before token {}", stall.ms, stall.token)));
    let others = [
        how.garbage.filter(|&on| on).map(|_| "no http".to_owned()),
        how.status.filter(|&status| status != 200).map(|status| format!("status: {status}")),
        how.headers_after_ms.map(|ms| format!("headers after {ms} ms")),
        how.close_after_events.map(|n| format!("closed after {n} events")),
        how.reset_after_events.map(|n| format!("reset after {n} events")),
        how.malformed_event.map(|n| format!("malformed event {n}")),
        how.half_event.filter(|&on| on).map(|_| "half an event at the end".to_owned()),
        how.never_ends.filter(|&on| on).map(|_| "never ends".to_owned()),
        how.usage.filter(|&usage| usage != super::Usage::True).map(|usage| format!("usage {usage:?}").to_lowercase()),
        how.content_type.as_ref().map(|kind| format!("content type {kind}")),
    ];
    stalls.chain(others).flatten().collect()
}

/// So many milliseconds after an instant.
fn later(at: Nanos, ms: f64) -> Nanos {
    Nanos(at.get().saturating_add((ms * 1e6).round() as u64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mock::{Stall, Usage};

    const MS: u64 = 1_000_000;

    fn ask(max_tokens: u32) -> Ask {
        Ask { chat: true, stream: true, usage: true, max_tokens: Some(max_tokens), prompt_tokens: 3, tag: "t".into() }
    }

    /// Carries an answer out, each write at its due time: milliseconds and bytes of the writes, how it ended, and the truth.
    fn play(how: Behaviour, ask: Ask) -> (Vec<(u64, String)>, Then, Served) {
        let occasion = Occasion { index: 3, connection: 1, arrived: Nanos(0), seed: 1, close: false };
        let mut answer = Answer::new(ask, Arc::new(how), "\"m\"".into(), &occasion);
        let (mut writes, mut out) = (Vec::new(), Vec::new());
        loop {
            out.clear();
            let due = answer.due();
            let then = answer.write(&mut out);
            answer.written(due);
            writes.push((due.get() / MS, String::from_utf8_lossy(&out).into_owned()));
            if then != Then::Next {
                return (writes, then, answer.into_truth());
            }
        }
    }

    fn timed(ttft: f64, itl: f64) -> Behaviour {
        Behaviour { ttft_ms: Some(Distribution::Constant(ttft)), itl_ms: Some(Distribution::Constant(itl)), ..Behaviour::default() }
    }

    fn at(writes: &[(u64, String)]) -> Vec<u64> {
        writes.iter().map(|(at, _)| *at).collect()
    }

    #[test]
    fn a_good_answer_is_headers_tokens_usage_and_the_end_each_its_own_write() {
        let (writes, then, truth) = play(timed(50.0, 10.0), ask(3));
        assert_eq!((at(&writes), then), (vec![0, 50, 60, 70, 70, 70], Then::Finish));
        assert!(writes[0].1.starts_with("HTTP/1.1 200 OK\r\n"));
        assert!(writes[3].1.contains("\"finish_reason\":\"length\""));
        assert!(writes[4].1.contains("\"completion_tokens\":3") && writes[5].1.contains("[DONE]"));
        assert_eq!((truth.tokens, truth.whole, truth.written.len()), (3, true, 3));
        assert_eq!(truth.written, truth.scheduled);
        assert_eq!((truth.headers, truth.ttft_ms()), (Some(Nanos(0)), Some(50.0)));
    }

    #[test]
    fn a_role_alone_comes_before_the_first_token() {
        let (writes, _, truth) = play(Behaviour { role_after_ms: Some(5.0), ..timed(50.0, 10.0) }, ask(1));
        assert_eq!(at(&writes)[..3], [0, 5, 50]);
        assert!(writes[1].1.contains("\"role\":\"assistant\""));
        assert_eq!((truth.role, truth.ttft_ms()), (Some(Nanos(5 * MS)), Some(50.0)));
    }

    #[test]
    fn several_tokens_in_an_event_are_due_with_the_last_of_them() {
        let (writes, _, truth) = play(Behaviour { tokens_per_event: Some(4), ..timed(50.0, 10.0) }, ask(10));
        assert_eq!(at(&writes)[1..4], [50, 90, 110]);
        assert_eq!((truth.tokens, truth.written.len()), (10, 3));
    }

    #[test]
    fn coalesced_events_are_one_write() {
        let (writes, then, truth) = play(Behaviour { events_per_write: Some(3), ..timed(50.0, 10.0) }, ask(4));
        assert_eq!((at(&writes), then), (vec![0, 70, 80], Then::Finish));
        assert_eq!(writes[1].1.matches("data: ").count(), 3);
        assert_eq!(truth.written, [70, 70, 70, 80].map(|ms| Nanos(ms * MS)));
    }

    #[test]
    fn a_stall_moves_all_that_comes_after_it() {
        let stalls = Some(vec![Stall { token: 1, ms: 100.0 }]);
        let (writes, ..) = play(Behaviour { stalls, ..timed(50.0, 10.0) }, ask(3));
        assert_eq!(at(&writes)[1..4], [50, 160, 170]);
    }

    #[test]
    fn faults_are_done_and_told() {
        let check = |how: Behaviour, then: Then, fault: &str| {
            let (writes, found, truth) = play(how.with(&timed(5.0, 1.0)), ask(4));
            assert_eq!((found, truth.faults[0].as_str()), (then, fault));
            (writes, truth)
        };
        let none = Behaviour::default();
        let (writes, truth) = check(Behaviour { status: Some(429), ..none.clone() }, Then::Finish, "status: 429");
        assert!(writes[0].1.starts_with("HTTP/1.1 429 Too Many Requests\r\n") && truth.written.is_empty());
        let (_, truth) = check(Behaviour { close_after_events: Some(2), ..none.clone() }, Then::Close, "closed after 2 events");
        assert_eq!((truth.tokens, truth.whole), (2, false));
        let (_, truth) = check(Behaviour { reset_after_events: Some(0), ..none.clone() }, Then::Reset, "reset after 0 events");
        assert_eq!(truth.tokens, 0);
        let (writes, truth) = check(Behaviour { half_event: Some(true), ..none.clone() }, Then::Close, "half an event at the end");
        assert!(truth.tokens == 3 && !writes.last().unwrap().1.ends_with('\n'));
        let (writes, _) = check(Behaviour { never_ends: Some(true), ..none.clone() }, Then::Hang, "never ends");
        assert!(!writes.last().unwrap().1.contains("length"));
        let (writes, _) = check(Behaviour { usage: Some(Usage::Missing), ..none.clone() }, Then::Finish, "usage missing");
        assert!(writes.iter().all(|(_, bytes)| !bytes.contains("usage")));
        let (writes, _) = check(Behaviour { usage: Some(Usage::Lying), ..none.clone() }, Then::Finish, "usage lying");
        assert!(writes.iter().any(|(_, bytes)| bytes.contains("\"completion_tokens\":9")));
        let (writes, truth) = check(Behaviour { garbage: Some(true), ..none.clone() }, Then::Close, "no http");
        assert!(writes[0].1.starts_with("SSH-") && truth.headers.is_none());
        let (writes, _) = check(Behaviour { headers_after_ms: Some(30.0), ..none.clone() }, Then::Finish, "headers after 30 ms");
        assert_eq!(at(&writes)[..2], [30, 30]);
        check(Behaviour { malformed_event: Some(1), ..none.clone() }, Then::Finish, "malformed event 1");
        let (writes, _) = check(Behaviour { content_type: Some("text/html".into()), ..none }, Then::Finish, "content type text/html");
        assert!(writes[0].1.contains("content-type: text/html\r\n"));
    }

    #[test]
    fn an_answer_that_is_not_streamed_comes_when_its_last_token_would() {
        let (writes, _, truth) = play(timed(50.0, 10.0), Ask { stream: false, ..ask(3) });
        assert_eq!(at(&writes), [70]);
        assert_eq!((truth.tokens, truth.written.len()), (3, 1));
    }

    #[test]
    fn the_same_seed_draws_the_same_times() {
        let how = || Behaviour {
            ttft_ms: Some("lognormal:50:0.3".parse().unwrap()),
            itl_ms: Some("exponential:10".parse().unwrap()),
            ..Behaviour::default()
        };
        assert_eq!(play(how(), ask(20)).2.scheduled, play(how(), ask(20)).2.scheduled);
    }
}
