//! The event loop: every stream of a run on one thread, and the order in which it all happens. After each wake-up it moves what is
//! ready; requests that came due meanwhile do not wait for the whole batch. Instants of arrival are the kernel's, so the order
//! within a batch changes none of them.

use std::io;

use mio::Token;
use record::clock;
use units::{Nanos, Seconds};

use crate::{
    Due, Failure, Observer, ReadLag,
    agenda::{Agenda, Task},
    body::Outgoing,
    cpu,
    deadlines::Deadlines,
    exchange::{Exchange, Room},
    poll::Ready,
    stream::{Shared, Stream},
};

/// Connections in the making at once before the window: below the shortest queue that a listening socket commonly has (128).
const OPENING_AT_ONCE: usize = 64;

/// Sockets moved between two looks at what has come due.
const BETWEEN_LOOKS: usize = 64;

/// Most memory set aside for answers before the window, in bytes; what is beyond is taken as it comes.
const MOST_ROOM: usize = 512 << 20;

/// The requests of a run, as the loop wants them.
pub(crate) struct Plan<'a> {
    /// All requests, the warm-up's first.
    pub(crate) outgoing: &'a [Outgoing],
    /// How many of them are the warm-up.
    pub(crate) warmup: usize,
    /// See [`crate::Job::drain`].
    pub(crate) drain: bool,
    /// When the measured ones are due.
    pub(crate) arrivals: &'a [Due],
    /// Streams opened before the window.
    pub(crate) streams: usize,
    /// Most streams.
    pub(crate) max_streams: usize,
}

/// What the loop leaves behind.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// In the order of their ends.
    pub(crate) exchanges: Vec<Exchange>,
    pub(crate) window: (Nanos, Nanos),
    pub(crate) client_cpu: Seconds,
    pub(crate) priority_raised: bool,
    pub(crate) peak_concurrency: u32,
    pub(crate) connections_opened_before: u32,
    pub(crate) connections_opened_in_window: u32,
    pub(crate) resent: u32,
    pub(crate) read_lag: ReadLag,
}

/// Puts all requests of a plan and blocks until the last has ended.
///
/// # Errors
/// The operating system refuses to wait.
pub(crate) fn drive(plan: &Plan<'_>, shared: Shared, observer: &dyn Observer) -> io::Result<Seen> {
    let mut engine = Engine {
        plan,
        shared,
        observer,
        streams: Vec::new(),
        idle: Vec::new(),
        deadlines: Deadlines::default(),
        agenda: Agenda::new(clock::now(), std::iter::repeat_n(Due::WhenFree, plan.warmup), 0),
        window: None,
        cpu_before: Seconds(0.0),
        busy: 0,
        rooms: rooms(plan),
        seen: Seen { exchanges: Vec::with_capacity(plan.outgoing.len()), ..Seen::default() },
    };
    match engine.open()? {
        Ok(()) => engine.run()?,
        Err(failure) => return Ok(unreachable(plan, &failure, observer)),
    }
    Ok(engine.close())
}

/// Nobody is there: every request of the plan has failed, at once and for the same reason.
pub(crate) fn unreachable(plan: &Plan<'_>, failure: &Failure, observer: &dyn Observer) -> Seen {
    let start = clock::now();
    observer.window_opened(start);
    let arrivals = std::iter::repeat_n(Due::WhenFree, plan.warmup).chain(plan.arrivals.iter().copied());
    let failed = |(index, arrival): (usize, Due)| {
        if index >= plan.warmup {
            observer.answered(true);
        }
        let due = arrival.at(start, start);
        Exchange { end: due, failure: Some(failure.clone()), ..Exchange::new(index, due, Room::default()) }
    };
    let exchanges = arrivals.enumerate().map(failed).collect();
    let end = clock::now();
    observer.window_closed(end);
    Seen { exchanges, window: (start, end), ..Seen::default() }
}

struct Engine<'a> {
    plan: &'a Plan<'a>,
    shared: Shared,
    observer: &'a dyn Observer,
    streams: Vec<Stream>,
    /// Streams without a request; the last one freed is the first taken.
    idle: Vec<usize>,
    deadlines: Deadlines,
    agenda: Agenda,
    /// Start of the window, once it is open.
    window: Option<Nanos>,
    /// CPU time of this thread when the window was opened.
    cpu_before: Seconds,
    /// Streams with a request.
    busy: usize,
    /// Where the answers go, by request; empty for those beyond [`MOST_ROOM`].
    rooms: Vec<Room>,
    seen: Seen,
}

/// Memory for answers, touched before the window: a page's first touch costs the timed path up to 0.1 ms.
fn rooms(plan: &Plan<'_>) -> Vec<Room> {
    let mut left = MOST_ROOM;
    let room = |outgoing: &Outgoing| {
        left = left.saturating_sub(outgoing.expected);
        if left > 0 { Room::touched(outgoing.expected) } else { Room::default() }
    };
    plan.outgoing.iter().map(room).collect()
}

impl Engine<'_> {
    /// Opens the streams. One that fails tries again with its first request.
    ///
    /// # Errors
    /// The first reason, when not one opened.
    fn open(&mut self) -> io::Result<Result<(), Failure>> {
        let (mut ready, mut begun, mut opening) = (Vec::new(), 0, 0);
        let mut first_failure = None;
        while begun < self.plan.streams || opening > 0 {
            let hopeless = first_failure.is_some() && self.idle.is_empty();
            while begun < self.plan.streams && opening < OPENING_AT_ONCE && !hopeless {
                self.streams.push(Stream::default());
                self.streams[begun].open(Token(begun), &mut self.shared);
                self.watch(begun);
                opening += 1;
                opening -= usize::from(self.has_settled(begun, &mut first_failure));
                begun += 1;
            }
            if opening == 0 {
                // Nobody is there: a thousand more attempts would tell the same.
                if hopeless || begun == self.plan.streams {
                    break;
                }
                continue;
            }
            let until = self.next_deadline();
            self.wait(until, &mut ready)?;
            for &one in &ready {
                let stream = &mut self.streams[one.token.0];
                let was_opening = stream.is_opening();
                stream.advance(one, self.plan.outgoing, &mut self.shared);
                opening -= usize::from(was_opening && self.has_settled(one.token.0, &mut first_failure));
            }
            for index in self.expired() {
                opening -= usize::from(self.has_settled(index, &mut first_failure));
            }
        }
        self.seen.connections_opened_before = self.idle.len() as u32;
        self.idle = (0..self.plan.streams).rev().collect();
        Ok(if self.seen.connections_opened_before > 0 { Ok(()) } else { first_failure.map_or(Ok(()), Err) })
    }

    /// Whether a stream that was being opened is open or given up; the open ones are noted as idle.
    fn has_settled(&mut self, index: usize, first_failure: &mut Option<Failure>) -> bool {
        let stream = &mut self.streams[index];
        if let Some(failure) = stream.unopened.take() {
            first_failure.get_or_insert(failure);
            return true;
        }
        if stream.is_open() {
            self.idle.push(index);
        }
        !stream.is_opening()
    }

    fn run(&mut self) -> io::Result<()> {
        let mut ready = Vec::new();
        loop {
            self.dispatch();
            if self.window.is_some() && self.agenda.is_empty() && self.busy == 0 {
                return Ok(());
            }
            let due = if self.can_take() { self.agenda.next_due() } else { None };
            let until = [due, self.next_deadline()].into_iter().flatten().min();
            self.wait(until, &mut ready)?;
            for (count, &one) in ready.iter().enumerate() {
                let index = one.token.0;
                self.streams[index].advance(one, self.plan.outgoing, &mut self.shared);
                let ended = self.settle(index);
                if ended || count % BETWEEN_LOOKS == BETWEEN_LOOKS - 1 {
                    self.dispatch();
                }
            }
            for index in self.expired() {
                self.settle(index);
            }
        }
    }

    fn wait(&mut self, until: Option<Nanos>, ready: &mut Vec<Ready>) -> io::Result<()> {
        self.shared.wakeups.wait(until, ready)?;
        self.shared.stamper.woke();
        Ok(())
    }

    /// A request that is due now would find a stream, or a new one.
    fn can_take(&self) -> bool {
        !self.idle.is_empty() || self.streams.len() < self.plan.max_streams
    }

    /// The warm-up is over, or, where it is not drained, a stream that had a part in it has no more of it to do. That its last
    /// request has been begun is not enough: with one a stream, the whole warm-up would be inside the window.
    fn is_warm(&self) -> bool {
        let warming = if self.plan.drain { 1 } else { self.plan.warmup.min(self.plan.streams).max(1) };
        self.agenda.is_empty() && self.busy < warming
    }

    /// Begins every request that can be begun now.
    fn dispatch(&mut self) {
        loop {
            let now = clock::now();
            if self.window.is_none() && self.is_warm() {
                self.open_window();
            }
            let free = !self.idle.is_empty() && self.agenda.has_work(now);
            let more = self.agenda.is_due(now) && self.can_take();
            if !free && !more {
                return;
            }
            let index = self.idle.pop().unwrap_or_else(|| {
                self.streams.push(Stream::default());
                self.streams.len() - 1
            });
            match self.agenda.take(now, self.streams[index].freed) {
                Some(task) => self.begin(index, task),
                None => return self.idle.push(index),
            }
        }
    }

    fn begin(&mut self, index: usize, task: Task) {
        self.busy += 1;
        if self.window.is_some() {
            self.seen.peak_concurrency = self.seen.peak_concurrency.max(self.busy as u32);
        }
        let room = std::mem::take(&mut self.rooms[task.index]);
        self.streams[index].begin(task, room, Token(index), &self.plan.outgoing[task.index], &mut self.shared);
        self.watch(index);
        self.settle(index);
    }

    /// Takes a stream's request away if it has ended.
    fn settle(&mut self, index: usize) -> bool {
        let stream = &mut self.streams[index];
        // A request that is put once more has to be connected in time again.
        if stream.is_opening() {
            self.watch(index);
        }
        let Some(exchange) = self.streams[index].finished.take() else { return false };
        self.busy -= 1;
        self.idle.push(index);
        if exchange.index >= self.plan.warmup {
            self.observer.answered(exchange.failure.is_some());
        }
        self.seen.exchanges.push(exchange);
        true
    }

    fn watch(&mut self, index: usize) {
        for at in self.streams[index].deadlines().into_iter().flatten() {
            self.deadlines.push(at, index);
        }
    }

    /// The next deadline that still means something.
    fn next_deadline(&mut self) -> Option<Nanos> {
        while let Some((at, index)) = self.deadlines.first() {
            if self.streams[index].deadlines().contains(&Some(at)) {
                return Some(at);
            }
            self.deadlines.pop();
        }
        None
    }

    /// Has those streams give up whose deadline has come.
    fn expired(&mut self) -> Vec<usize> {
        let mut expired = Vec::new();
        let now = clock::now();
        while self.next_deadline().is_some_and(|at| at <= now) {
            let Some((_, index)) = self.deadlines.pop() else { break };
            self.streams[index].expire(now, &self.shared);
            expired.push(index);
        }
        expired
    }

    fn open_window(&mut self) {
        self.cpu_before = cpu::of_this_thread();
        let start = clock::now();
        self.window = Some(start);
        self.observer.window_opened(start);
        self.agenda = Agenda::new(start, self.plan.arrivals.iter().copied(), self.plan.warmup);
        self.shared.stamper.take_lag();
        (self.shared.opened, self.shared.resent) = (0, 0);
        self.seen.peak_concurrency = self.busy as u32;
    }

    fn close(mut self) -> Seen {
        self.seen.client_cpu = cpu::of_this_thread() - self.cpu_before;
        let start = self.window.unwrap_or_default();
        let measured = self.seen.exchanges.iter().filter(|exchange| exchange.index >= self.plan.warmup);
        let end = measured.map(|exchange| exchange.end).max().unwrap_or(start);
        self.observer.window_closed(end);
        self.seen.window = (start, end);
        self.seen.read_lag = self.shared.stamper.take_lag();
        (self.seen.connections_opened_in_window, self.seen.resent) = (self.shared.opened, self.shared.resent);
        self.seen
    }
}
