//! Waiting for sockets and for instants at once. epoll's own time limit is in milliseconds; a timerfd on the one clock ends
//! a wait to the microsecond, and the thread's timer slack is set to the least. No callbacks, no tasks: whoever waits
//! reads the list of what is ready.

use std::{io, os::fd::AsRawFd};

use mio::{Events, Interest, Poll, Token, event::Source, unix::SourceFd};
use nix::{
    errno::Errno,
    sys::{
        prctl,
        time::TimeSpec,
        timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags},
    },
};
use units::Nanos;

/// Most sockets told of by one wait; those beyond are told of by the next.
const BATCH: usize = 512;

/// The timer's own token; sockets may have any other.
const TIMER: Token = Token(usize::MAX);

/// A socket about which the kernel has something to say. Readiness is edge-triggered: it is told once, and again only
/// after a read or a write would have blocked (a read shorter than its buffer is as good).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ready {
    /// As given to [`Wakeups::add`].
    pub token: Token,
    /// There may be bytes, or an end of file, to read.
    pub readable: bool,
    /// There may be room to write; for a new socket: its connect has ended, well or badly.
    pub writable: bool,
    /// The peer has ended its side, or the connection has failed: reading must go on until the end of file or the error,
    /// for no further edge comes.
    pub closed: bool,
}

/// The sockets of one thread and its next instant.
#[derive(Debug)]
pub struct Wakeups {
    poll: Poll,
    events: Events,
    timer: TimerFd,
    armed: Option<Nanos>,
}

impl Wakeups {
    /// Prepares the calling thread to wait: it must be the one that calls [`Wakeups::wait`], for its timer slack is set to
    /// 1 ns (prctl(2), `PR_SET_TIMERSLACK`).
    ///
    /// # Errors
    /// The operating system refuses: too many open files.
    pub fn new() -> io::Result<Self> {
        prctl::set_timerslack(1)?;
        let poll = Poll::new()?;
        let timer = TimerFd::new(ClockId::CLOCK_MONOTONIC, TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC)?;
        let descriptor = std::os::fd::AsFd::as_fd(&timer).as_raw_fd();
        poll.registry().register(&mut SourceFd(&descriptor), TIMER, Interest::READABLE)?;
        Ok(Self { poll, events: Events::with_capacity(BATCH), timer, armed: None })
    }

    /// Watches a socket for reading and writing. It is forgotten when it is dropped.
    ///
    /// # Errors
    /// The operating system refuses.
    pub fn add(&self, source: &mut impl Source, token: Token) -> io::Result<()> {
        self.poll.registry().register(source, token, Interest::READABLE | Interest::WRITABLE)
    }

    /// Waits until a socket is ready or the instant `until` has come, whichever is first; `None` waits for sockets alone,
    /// and an instant that has passed waits not at all. What is ready replaces what `ready` held; it may be nothing.
    ///
    /// # Errors
    /// The operating system refuses. An interruption by a signal is none: it ends the wait early.
    pub fn wait(&mut self, until: Option<Nanos>, ready: &mut Vec<Ready>) -> io::Result<()> {
        ready.clear();
        let passed = until.is_some_and(|until| until <= record::clock::now());
        if !passed && until != self.armed {
            self.arm(until)?;
        }
        let polled = self.poll.poll(&mut self.events, passed.then_some(std::time::Duration::ZERO));
        match polled {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(()),
            other => other?,
        }
        for event in &self.events {
            if event.token() == TIMER {
                self.armed = None;
                continue;
            }
            ready.push(Ready {
                token: event.token(),
                readable: event.is_readable(),
                writable: event.is_writable(),
                closed: event.is_read_closed() || event.is_error(),
            });
        }
        Ok(())
    }

    /// Setting the timer anew also takes back an expiry that was not read.
    fn arm(&mut self, until: Option<Nanos>) -> Result<(), Errno> {
        match until {
            // A timer at zero would be none; the clock's zero is long past.
            Some(at) => {
                let at = TimeSpec::new((at.get() / 1_000_000_000) as i64, (at.get() % 1_000_000_000).max(1) as i64);
                self.timer.set(Expiration::OneShot(at), TimerSetTimeFlags::TFD_TIMER_ABSTIME)?;
            }
            None => self.timer.unset()?,
        }
        self.armed = until;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use record::clock;

    use super::*;

    fn in_us(us: u64) -> Nanos {
        Nanos(clock::now().get() + us * 1_000)
    }

    #[test]
    fn a_wait_ends_at_its_instant_and_not_before() {
        let mut wakeups = Wakeups::new().unwrap();
        let mut ready = Vec::new();
        for us in [0, 300, 900, 50] {
            let until = in_us(us);
            wakeups.wait(Some(until), &mut ready).unwrap();
            assert!(clock::now() >= until);
            assert!(ready.is_empty());
        }
    }

    #[test]
    fn an_instant_that_has_passed_is_no_wait_and_a_later_one_still_comes() {
        let mut wakeups = Wakeups::new().unwrap();
        let later = in_us(500);
        wakeups.arm(Some(later)).unwrap();
        wakeups.wait(Some(Nanos(1)), &mut Vec::new()).unwrap();
        wakeups.wait(Some(later), &mut Vec::new()).unwrap();
        assert!(clock::now() >= later);
    }

    #[test]
    fn a_socket_ends_a_wait_and_tells_of_its_end() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let mut socket = mio::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let mut wakeups = Wakeups::new().unwrap();
        wakeups.add(&mut socket, Token(7)).unwrap();
        let (mut peer, _) = listener.accept().unwrap();
        peer.write_all(b"x").unwrap();
        drop(peer);
        let mut seen = Ready { token: Token(7), readable: false, writable: false, closed: false };
        let mut ready = Vec::new();
        while !(seen.readable && seen.writable && seen.closed) {
            wakeups.wait(None, &mut ready).unwrap();
            for one in &ready {
                assert_eq!(one.token, Token(7));
                seen.readable |= one.readable;
                seen.writable |= one.writable;
                seen.closed |= one.closed;
            }
        }
    }
}
