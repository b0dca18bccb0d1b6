//! One worker thread of the mock: its share of the connections, and a heap of what is due when. Each write that is due is its
//! own call; between sixty-four of them the sockets are looked at, so that a flood of writes delays no request's arrival
//! (which the kernel stamps in any case).

use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    io::Read,
    sync::{Arc, atomic::Ordering::Relaxed, mpsc},
};

use mio::{Token, net::TcpStream, unix::pipe};
use record::clock;
use units::{Nanos, Seconds};

use super::{
    answer::Then,
    line::{Line, Out},
    shared::Shared,
};
use crate::{
    cpu,
    poll::{Ready, Wakeups},
    wire::Stamper,
};

/// Writes between two looks at the sockets.
const BATCH: usize = 64;

/// The token of the pipe by which others wake this thread; lines have their slots for tokens.
const BELL: Token = Token(usize::MAX - 1);

/// The worker's end of what wakes it.
pub(super) struct Mailbox {
    /// Rung when there is something in `sockets`, or when the mock is to stop.
    pub(super) bell: pipe::Receiver,
    /// Connections for this worker, with their numbers.
    pub(super) sockets: mpsc::Receiver<(u32, TcpStream)>,
}

/// A thread's worth of connections.
pub(super) struct Worker {
    shared: Arc<Shared>,
    number: usize,
    mailbox: Mailbox,
    wakeups: Wakeups,
    stamper: Stamper,
    lines: Vec<Option<Line>>,
    free: Vec<usize>,
    /// What is due, soonest first; equals in the order in which they came.
    heap: BinaryHeap<Reverse<Due>>,
    turn: u64,
    buffer: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Due {
    at: Nanos,
    turn: u64,
    slot: usize,
    /// A line's connection number: an entry of a line that is gone is of no use.
    connection: u32,
}

impl Worker {
    /// To be called on the worker's own thread.
    pub(super) fn new(shared: Arc<Shared>, number: usize, mut mailbox: Mailbox) -> std::io::Result<Self> {
        let wakeups = Wakeups::new()?;
        wakeups.add(&mut mailbox.bell, BELL)?;
        Ok(Self {
            shared,
            number,
            mailbox,
            wakeups,
            stamper: Stamper::new(),
            lines: Vec::new(),
            free: Vec::new(),
            heap: BinaryHeap::new(),
            turn: 0,
            buffer: vec![0; 64 << 10],
        })
    }

    /// Serves until the mock is stopped. Returns the CPU time that the thread took.
    pub(super) fn run(mut self) -> Seconds {
        let mut ready = Vec::new();
        while !self.shared.stopping.load(Relaxed) {
            let next = self.heap.peek().map(|Reverse(due)| due.at);
            if let Err(error) = self.wakeups.wait(next, &mut ready) {
                self.shared.refuse(format!("waiting: {error}"));
                break;
            }
            self.stamper.woke();
            for one in &ready {
                self.attend(*one);
            }
            self.write_due();
        }
        for slot in 0..self.lines.len() {
            self.drop_line(slot);
        }
        cpu::of_this_thread()
    }

    fn attend(&mut self, ready: Ready) {
        if ready.token == BELL {
            // The bell is rung, not read: what was rung for stands elsewhere.
            while matches!(self.mailbox.bell.read(&mut self.buffer), Ok(1..)) {}
            while let Ok((number, socket)) = self.mailbox.sockets.try_recv() {
                self.take_in(number, socket);
            }
            return;
        }
        let slot = ready.token.0;
        let Some(line) = self.lines.get_mut(slot).and_then(Option::as_mut) else { return };
        let mut out = if ready.writable { line.flush() } else { Out::Done };
        if out != Out::Over && (ready.readable || ready.closed) && !line.read(ready.closed, &mut self.stamper, &mut self.buffer) {
            out = Out::Over;
        }
        self.go_on(slot, out);
    }

    fn take_in(&mut self, number: u32, socket: TcpStream) {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.lines.push(None);
            self.lines.len() - 1
        });
        // A client that is gone already has nothing to be told.
        let line = Line::new(number, socket).and_then(|mut line| {
            self.wakeups.add(&mut line, Token(slot))?;
            Ok(line)
        });
        match line {
            Ok(line) => self.lines[slot] = Some(line),
            Err(error) => {
                self.shared.refuse(format!("connection {number}: {error}"));
                self.free.push(slot);
            }
        }
    }

    fn write_due(&mut self) {
        for _ in 0..BATCH {
            let now = clock::now();
            match self.heap.peek() {
                Some(Reverse(due)) if due.at <= now => {}
                _ => return,
            }
            let Some(Reverse(due)) = self.heap.pop() else { return };
            let line = self.lines.get_mut(due.slot).and_then(Option::as_mut).filter(|line| line.number == due.connection);
            let Some(line) = line else { continue };
            let out = line.write_next(&self.shared, self.number);
            self.go_on(due.slot, out);
        }
    }

    /// After anything has happened to a line: what it does next.
    fn go_on(&mut self, slot: usize, mut out: Out) {
        loop {
            let Some(line) = self.lines.get_mut(slot).and_then(Option::as_mut) else { return };
            match out {
                Out::Over | Out::Wrote(Then::Close) => return self.drop_line(slot),
                Out::Blocked | Out::Wrote(Then::Hang) => return,
                Out::Wrote(Then::Reset) => return self.reset_line(slot),
                Out::Wrote(Then::Next) => {
                    // At least now, so that streams that are behind take turns.
                    let at = line.due().map(|due| due.max(line.wrote));
                    return self.push(slot, at);
                }
                Out::Done | Out::Wrote(Then::Finish) => {}
            }
            if line.is_busy() {
                return;
            }
            out = line.take_request(&self.shared, self.number);
            if out == Out::Done {
                return;
            }
        }
    }

    fn push(&mut self, slot: usize, at: Option<Nanos>) {
        let (Some(at), Some(line)) = (at, &self.lines[slot]) else { return };
        self.heap.push(Reverse(Due { at, turn: self.turn, slot, connection: line.number }));
        self.turn += 1;
    }

    fn drop_line(&mut self, slot: usize) {
        if let Some(line) = self.lines[slot].take() {
            line.abandon(&self.shared, self.number);
            self.free.push(slot);
        }
    }

    fn reset_line(&mut self, slot: usize) {
        if let Some(line) = self.lines[slot].take() {
            line.reset();
            self.free.push(slot);
        }
    }
}
