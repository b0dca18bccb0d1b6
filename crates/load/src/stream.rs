//! One stream: a connection and the request that is on it. A state machine that moves when its socket is ready and never waits:
//! closed, connecting, shaking hands (TLS), open; and with a request: writing, head, body, done.

use std::{
    io::{self, ErrorKind},
    net::SocketAddr,
};

use mio::Token;
use record::clock;
use units::Nanos;

use crate::{
    Failure,
    agenda::Task,
    body::Outgoing,
    exchange::{Answer, Exchange, Room},
    poll::{Ready, Wakeups},
    tls::{Session, Tls},
    wire::{Stamper, Wire},
};

/// Bytes taken by one read: more than a server writes between two wake-ups, as a rule.
const READ_SIZE: usize = 256 << 10;

/// How to reach the server.
#[derive(Debug)]
pub(crate) struct Dial {
    /// At least one; tried in turn.
    pub(crate) addresses: Vec<SocketAddr>,
    pub(crate) tls: Option<Tls>,
    /// Longest wait for a connection.
    pub(crate) connect_limit: Nanos,
    /// Longest wait for an answer.
    pub(crate) timeout: Nanos,
}

/// What all streams of a run share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) dial: Dial,
    pub(crate) wakeups: Wakeups,
    pub(crate) stamper: Stamper,
    /// Position in the addresses of the last one that answered.
    preferred: usize,
    buf: Vec<u8>,
    plain: Vec<u8>,
    /// Connections begun.
    pub(crate) opened: u32,
    /// Requests sent once more because a kept connection had been closed.
    pub(crate) resent: u32,
}

impl Shared {
    /// To be made on the thread that will wait.
    pub(crate) fn new(dial: Dial) -> io::Result<Self> {
        let (wakeups, stamper) = (Wakeups::new()?, Stamper::new());
        Ok(Self { dial, wakeups, stamper, preferred: 0, buf: vec![0; READ_SIZE], plain: Vec::new(), opened: 0, resent: 0 })
    }
}

/// A connection, or one in the making.
#[derive(Debug)]
struct Line {
    wire: Wire,
    tls: Option<Session>,
    state: State,
    attempt: Attempt,
    /// It has carried an answer.
    used: bool,
}

/// One try at one address.
#[derive(Clone, Copy, Debug)]
struct Attempt {
    /// Position of the first address tried.
    first: usize,
    /// Addresses tried before this one.
    tried: usize,
    /// When it must be open.
    until: Nanos,
}

impl Attempt {
    fn address(&self, dial: &Dial) -> usize {
        (self.first + self.tried) % dial.addresses.len()
    }

    fn next(self, dial: &Dial) -> Option<Self> {
        (self.tried + 1 < dial.addresses.len()).then_some(Self { tried: self.tried + 1, ..self })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Connecting,
    Shaking,
    Open,
}

/// The request on a stream.
#[derive(Debug)]
struct Current {
    exchange: Exchange,
    answer: Answer,
    /// Bytes handed over so far, to the socket or to TLS, of how many.
    written: usize,
    length: usize,
    /// When it is given up.
    until: Nanos,
    /// It has been sent once more already.
    resent: bool,
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Stream {
    line: Option<Line>,
    current: Option<Current>,
    /// The last request, once it has ended: to be taken away.
    pub(crate) finished: Option<Exchange>,
    /// Why it could not be opened when no request waited for it.
    pub(crate) unopened: Option<Failure>,
    /// When its last answer ended.
    pub(crate) freed: Nanos,
}

impl Stream {
    /// Begins to connect, before there is a request.
    pub(crate) fn open(&mut self, token: Token, shared: &mut Shared) {
        self.dial(token, clock::now() + shared.dial.connect_limit, shared);
    }

    /// Neither open nor given up.
    pub(crate) fn is_opening(&self) -> bool {
        self.line.as_ref().is_some_and(|line| line.state != State::Open)
    }

    pub(crate) fn is_open(&self) -> bool {
        self.line.as_ref().is_some_and(|line| line.state == State::Open)
    }

    /// Puts a request; the stream has none.
    pub(crate) fn begin(&mut self, task: Task, room: Room, token: Token, outgoing: &Outgoing, shared: &mut Shared) {
        let until = clock::now() + shared.dial.timeout;
        let exchange = Exchange::new(task.index, task.due, room);
        let length = outgoing.bytes.len();
        self.current = Some(Current { exchange, answer: Answer::new(outgoing), written: 0, length, until, resent: false });
        if self.line.is_none() {
            self.dial(token, until.min(clock::now() + shared.dial.connect_limit), shared);
        } else {
            self.write(token, outgoing, shared);
        }
    }

    /// Does what its socket is ready for.
    pub(crate) fn advance(&mut self, ready: Ready, outgoing: &[Outgoing], shared: &mut Shared) {
        if self.is_opening() && !self.connect(ready.token, shared) {
            return;
        }
        if ready.readable || ready.closed {
            self.read(ready, shared);
        }
        if self.is_open() && ready.writable | ready.readable {
            self.write_current(ready.token, outgoing, shared);
        }
    }

    /// When it gives up connecting, and when it gives up the request.
    pub(crate) fn deadlines(&self) -> [Option<Nanos>; 2] {
        let opening = self.line.as_ref().filter(|line| line.state != State::Open).map(|line| line.attempt.until);
        [opening, self.current.as_ref().map(|current| current.until)]
    }

    /// Gives up when its deadline has come.
    pub(crate) fn expire(&mut self, now: Nanos, shared: &Shared) {
        if self.deadlines().into_iter().flatten().all(|until| until > now) {
            return;
        }
        if self.is_opening() {
            let limit = shared.dial.connect_limit.min(shared.dial.timeout).get() as f64 * 1e-9;
            self.fail(Failure::Connect(format!("no answer within {limit} s")), now);
        } else {
            self.fail(Failure::Timeout, now);
        }
    }

    /// Begins to connect, first to the address that answered last.
    fn dial(&mut self, token: Token, until: Nanos, shared: &mut Shared) {
        shared.opened += 1;
        self.attempt(token, Attempt { first: shared.preferred, tried: 0, until }, shared);
    }

    fn attempt(&mut self, token: Token, mut attempt: Attempt, shared: &mut Shared) {
        let tls = match shared.dial.tls.as_ref().map(Tls::session).transpose() {
            Ok(tls) => tls,
            Err(failure) => return self.fail(failure, clock::now()),
        };
        loop {
            let address = shared.dial.addresses[attempt.address(&shared.dial)];
            let begun = Wire::connect(address).and_then(|mut wire| shared.wakeups.add(&mut wire, token).map(|()| wire));
            match (begun, attempt.next(&shared.dial)) {
                (Ok(wire), _) => {
                    self.line = Some(Line { wire, tls, state: State::Connecting, attempt, used: false });
                    return;
                }
                (Err(_), Some(next)) => attempt = next,
                (Err(error), None) => return self.fail(unreached(&error), clock::now()),
            }
        }
    }

    /// Moves an opening connection on as far as it goes without reading; `false` while TCP is not connected.
    fn connect(&mut self, token: Token, shared: &mut Shared) -> bool {
        let Some(line) = &mut self.line else { return false };
        if line.state == State::Connecting {
            match line.wire.connected() {
                Ok(false) => return false,
                Ok(true) => {
                    shared.preferred = line.attempt.address(&shared.dial);
                    line.state = if line.tls.is_some() { State::Shaking } else { State::Open };
                }
                Err(error) => {
                    match line.attempt.next(&shared.dial) {
                        Some(next) => self.attempt(token, next, shared),
                        None => self.fail(unreached(&error), clock::now()),
                    }
                    return false;
                }
            }
        }
        if let Some(Err(error)) = line.tls.as_mut().map(|tls| tls.flush(&mut line.wire)) {
            self.fail(unreached(&error), clock::now());
        }
        true
    }

    /// Writes what is left of the request that is on it, if any.
    fn write_current(&mut self, token: Token, outgoing: &[Outgoing], shared: &mut Shared) {
        let Some(current) = &self.current else { return };
        let flushed = self.line.as_ref().is_some_and(|line| line.tls.as_ref().is_none_or(Session::is_flushed));
        if current.written < current.length || !flushed {
            self.write(token, &outgoing[current.exchange.index], shared);
        }
    }

    fn write(&mut self, token: Token, outgoing: &Outgoing, shared: &mut Shared) {
        let (Some(line), Some(current)) = (&mut self.line, &mut self.current) else { return };
        if line.state != State::Open {
            return;
        }
        match write(line, &mut current.written, &outgoing.bytes) {
            Ok(at) => current.exchange.sent = current.exchange.sent.or(at),
            Err(_) => self.lost(Failure::Reset, token, clock::now(), shared),
        }
    }

    fn read(&mut self, ready: Ready, shared: &mut Shared) {
        while let Some(line) = &mut self.line {
            match line.wire.read(&mut shared.buf, &mut shared.stamper) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if line.state != State::Open => return self.fail(unreached(&error), clock::now()),
                Err(_) => return self.lost(Failure::Reset, ready.token, clock::now(), shared),
                Ok((0, at)) => return self.ended(ready.token, at, shared),
                Ok((length, at)) => {
                    self.take(length, at, shared);
                    // A short read has taken all there was; after the peer's end only the end of file tells so.
                    if length < shared.buf.len() && !ready.closed {
                        return;
                    }
                }
            }
        }
    }

    /// Takes the bytes of one read.
    fn take(&mut self, length: usize, at: Nanos, shared: &mut Shared) {
        let Some(line) = &mut self.line else { return };
        let mut bytes = &shared.buf[..length];
        if let Some(tls) = &mut line.tls {
            shared.plain.clear();
            let received = tls.receive(bytes, &mut shared.plain);
            // A refusal of ours, too, is told to the peer.
            let flushed = tls.flush(&mut line.wire);
            if let Err(failure) = received.and(flushed.map(drop).map_err(|error| unreached(&error))) {
                return self.fail(failure, at);
            }
            if line.state == State::Shaking && !tls.is_shaking() {
                line.state = State::Open;
            }
            bytes = &shared.plain;
        }
        if bytes.is_empty() {
            return;
        }
        // Bytes that nobody asked for make a connection useless.
        let Some(current) = &mut self.current else { return self.line = None };
        match current.answer.push(bytes, at, &mut current.exchange) {
            Ok(None) => {}
            Ok(Some(keep)) => {
                // The peer has not taken all of the request, and would take the next for its rest.
                line.used = true;
                if !keep || line.tls.as_ref().is_some_and(|tls| !tls.is_flushed()) || current.written < current.length {
                    self.line = None;
                }
                self.freed = at;
                self.finished = self.current.take().map(|current| current.exchange);
            }
            Err(failure) => self.fail(failure, at),
        }
    }

    /// The peer has ended its side.
    fn ended(&mut self, token: Token, at: Nanos, shared: &mut Shared) {
        if self.is_opening() {
            return self.fail(Failure::Connect("tls: closed by the server".to_owned()), at);
        }
        match self.current.as_ref().map(|current| current.answer.end(&current.exchange)) {
            None => self.line = None,
            Some(Some(failure)) => self.lost(failure, token, at, shared),
            Some(None) => {
                self.line = None;
                self.freed = at;
                self.finished = self.current.take().map(|current| Exchange { end: at, ..current.exchange });
            }
        }
    }

    /// The connection is gone. A kept one may have been closed between requests: what it was to carry is put once more over a
    /// fresh one, as long as nothing of an answer has come.
    fn lost(&mut self, failure: Failure, token: Token, at: Nanos, shared: &mut Shared) {
        let used = self.line.take().is_some_and(|line| line.used);
        match &mut self.current {
            Some(current) if used && !current.resent && current.answer.is_unbegun() => {
                (current.written, current.resent) = (0, true);
                let until = current.until.min(at + shared.dial.connect_limit);
                shared.resent += 1;
                self.dial(token, until, shared);
            }
            _ => self.fail(failure, at),
        }
    }

    /// Ends what there is: the request if there is one, or the opening.
    fn fail(&mut self, failure: Failure, at: Nanos) {
        self.line = None;
        match self.current.take() {
            Some(current) => {
                self.freed = at;
                self.finished = Some(Exchange { end: at, failure: Some(failure), ..current.exchange });
            }
            None => self.unopened = Some(failure),
        }
    }
}

/// Hands over what is left of a request; gives the instant before the first bytes went out, if some did.
fn write(line: &mut Line, written: &mut usize, bytes: &[u8]) -> io::Result<Option<Nanos>> {
    if let Some(tls) = &mut line.tls {
        if *written == 0 {
            tls.send(bytes);
            *written = bytes.len();
        }
        return tls.flush(&mut line.wire);
    }
    let mut first = None;
    while *written < bytes.len() {
        match line.wire.write(&bytes[*written..]) {
            Ok((length, at)) => {
                first.get_or_insert(at);
                *written += length;
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(first)
}

fn unreached(error: &io::Error) -> Failure {
    Failure::Connect(error.to_string().to_lowercase())
}
