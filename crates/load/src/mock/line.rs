//! One connection of the mock: bytes in, at most one answer under way, bytes out. Requests that came early wait in the buffer.

use std::{
    io::{self, ErrorKind},
    sync::Arc,
};

use mio::{Interest, Registry, Token, event::Source, net::TcpStream};
use record::clock;
use units::Nanos;

use super::{
    answer::{Answer, Occasion, Then},
    pages, render,
    request::{self, BODY_LIMIT, Front, Incoming, Method},
    shared::Shared,
};
use crate::wire::{Stamper, Wire};

/// Most bytes that wait to be read as requests.
const INBOX_LIMIT: usize = 2 * BODY_LIMIT;

/// A connection.
pub(super) struct Line {
    pub(super) number: u32,
    /// When it was last written to.
    pub(super) wrote: Nanos,
    wire: Wire,
    inbox: Vec<u8>,
    /// When the last byte of the inbox came.
    arrived: Nanos,
    outbox: Vec<u8>,
    /// Bytes of the outbox that are written.
    sent: usize,
    /// What comes when the outbox is written.
    then: Then,
    answer: Option<Box<Answer>>,
}

/// What came of doing something with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Out {
    /// Nothing was to be done.
    Done,
    /// All bytes are written; what comes next.
    Wrote(Then),
    /// The kernel takes no more for now.
    Blocked,
    /// The connection is of no further use.
    Over,
}

impl Line {
    pub(super) fn new(number: u32, socket: TcpStream) -> io::Result<Self> {
        Ok(Self {
            number,
            wrote: Nanos(0),
            wire: Wire::new(socket)?,
            inbox: Vec::new(),
            arrived: Nanos(0),
            outbox: Vec::with_capacity(512),
            sent: 0,
            then: Then::Finish,
            answer: None,
        })
    }

    /// Whether an answer is under way, or bytes wait to be written.
    pub(super) fn is_busy(&self) -> bool {
        self.answer.is_some() || self.sent < self.outbox.len()
    }

    /// When the answer's next write is due.
    pub(super) fn due(&self) -> Option<Nanos> {
        self.answer.as_ref().map(|answer| answer.due())
    }

    /// Reads what there is. `false` when the connection is of no further use.
    pub(super) fn read(&mut self, to_the_end: bool, stamper: &mut Stamper, buffer: &mut [u8]) -> bool {
        loop {
            match self.wire.read(buffer, stamper) {
                // A client that only ends its own side may still want its answer, but none of ours does: it is gone.
                Ok((0, _)) => return false,
                Ok((length, at)) => {
                    self.inbox.extend_from_slice(&buffer[..length]);
                    self.arrived = at;
                    if self.inbox.len() > INBOX_LIMIT {
                        return false;
                    }
                    if length < buffer.len() && !to_the_end {
                        return true;
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return true,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return false,
            }
        }
    }

    /// Begins the answer to the request at the front of the inbox, if it is whole.
    pub(super) fn take_request(&mut self, shared: &Shared, worker: usize) -> Out {
        match request::front(&self.inbox) {
            Front::Partial => Out::Done,
            Front::Whole(incoming, length) => {
                self.inbox.drain(..length);
                self.answer_to(&incoming, shared, worker)
            }
            Front::Refused(status, reason) => {
                self.inbox.clear();
                shared.refuse(format!("connection {}: {reason}", self.number));
                render::page(status, "application/json", &render::error(status, reason), true, &mut self.outbox);
                self.put(Then::Close)
            }
        }
    }

    fn answer_to(&mut self, incoming: &Incoming, shared: &Shared, worker: usize) -> Out {
        let chat = match (incoming.method, incoming.path.as_str()) {
            (Method::Post, "/v1/chat/completions") => true,
            (Method::Post, "/v1/completions") => false,
            _ => {
                pages::write(incoming, shared, &mut self.outbox);
                return self.put(if incoming.close { Then::Close } else { Then::Finish });
            }
        };
        match request::ask(chat, &incoming.body) {
            Ok(ask) => {
                let index = shared.number();
                let how = shared.behaviour(index);
                shared.count_prompt(&how, ask.prompt_tokens);
                let occasion =
                    Occasion { index, connection: self.number, arrived: self.arrived, seed: shared.script.seed, close: incoming.close };
                self.answer = Some(Box::new(Answer::new(ask, how, Arc::clone(&shared.model), &occasion)));
                if self.due().is_some_and(|due| due > self.arrived) { Out::Wrote(Then::Next) } else { self.write_next(shared, worker) }
            }
            Err(reason) => {
                shared.refuse(format!("connection {}: {reason}", self.number));
                render::page(400, "application/json", &render::error(400, &reason), incoming.close, &mut self.outbox);
                self.put(if incoming.close { Then::Close } else { Then::Finish })
            }
        }
    }

    /// The answer's next write. Its truth is told before the last one, so that who has the answer finds the truth.
    pub(super) fn write_next(&mut self, shared: &Shared, worker: usize) -> Out {
        let Some(answer) = self.answer.as_mut() else { return Out::Done };
        self.outbox.clear();
        self.sent = 0;
        let then = answer.write(&mut self.outbox);
        if matches!(then, Then::Finish | Then::Close | Then::Reset) {
            answer.written(clock::now());
            if let Some(answer) = self.answer.take() {
                shared.keep(worker, answer.into_truth());
            }
            return self.put(then);
        }
        let out = self.put(then);
        if let Some(answer) = self.answer.as_mut() {
            answer.written(self.wrote);
        }
        out
    }

    /// Writes the outbox from its beginning.
    fn put(&mut self, then: Then) -> Out {
        self.then = then;
        self.sent = 0;
        if self.outbox.is_empty() {
            return Out::Wrote(then);
        }
        match self.wire.write(&self.outbox) {
            Ok((length, at)) => {
                self.wrote = at;
                self.sent = length;
                if length == self.outbox.len() { self.emptied() } else { self.flush() }
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {
                self.wrote = clock::now();
                Out::Blocked
            }
            Err(_) => Out::Over,
        }
    }

    /// Writes on where the kernel would take no more.
    pub(super) fn flush(&mut self) -> Out {
        if self.sent >= self.outbox.len() {
            return Out::Done;
        }
        while self.sent < self.outbox.len() {
            match self.wire.write(&self.outbox[self.sent..]) {
                Ok((length, _)) => self.sent += length,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Out::Blocked,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return Out::Over,
            }
        }
        self.emptied()
    }

    fn emptied(&mut self) -> Out {
        self.outbox.clear();
        self.sent = 0;
        Out::Wrote(self.then)
    }

    /// Ends it; an answer that was under way is cut short.
    pub(super) fn abandon(mut self, shared: &Shared, worker: usize) {
        if let Some(answer) = self.answer.take() {
            shared.keep(worker, answer.into_truth());
        }
    }

    /// Ends it by a reset.
    pub(super) fn reset(self) {
        // A client that is gone already needs none.
        drop(self.wire.reset());
    }
}

impl Source for Line {
    fn register(&mut self, registry: &Registry, token: Token, interests: Interest) -> io::Result<()> {
        self.wire.register(registry, token, interests)
    }

    fn reregister(&mut self, registry: &Registry, token: Token, interests: Interest) -> io::Result<()> {
        self.wire.reregister(registry, token, interests)
    }

    fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        self.wire.deregister(registry)
    }
}
