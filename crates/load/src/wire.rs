//! A TCP socket that never blocks and that stamps. A read has the instant at which the kernel took its last byte in, so a
//! reader that comes late is late without being wrong; a write has the instant just before its call. Nothing is parsed.
//!
//! The kernel stamps arrivals by the wall clock (socket(7), `SO_TIMESTAMPNS`). [`Stamper`] turns them into the one clock with
//! an offset that is read at each wake-up, so that a wall clock that is being slewed does no harm, and one that jumps
//! does harm to the reads of one wake-up at most. A stamp is never later than the clock after its read, nor earlier than the
//! socket's read before it.

use std::{
    io::{self, IoSliceMut, Write},
    net::SocketAddr,
    os::fd::AsRawFd,
};

use mio::{Interest, Registry, Token, event::Source, net::TcpStream};
use nix::{
    cmsg_space,
    sys::{
        socket::{
            ControlMessageOwned, MsgFlags, recvmsg, setsockopt,
            sockopt::{Linger, ReceiveTimestampns},
        },
        time::TimeSpec,
    },
};
use record::clock;
use units::{Nanos, Seconds};

/// How long arrived bytes lay in the kernel before they were read: the reader's own lag, which kernel stamps keep out of
/// every latency.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ReadLag {
    /// Reads that brought bytes and a kernel stamp.
    pub stamped: u64,
    /// Reads that brought bytes and no stamp; they have the instant after the read.
    pub unstamped: u64,
    /// Lag summed over the stamped reads, in nanoseconds.
    pub sum: u64,
    /// The longest one.
    pub max: Nanos,
}

impl ReadLag {
    /// Mean lag of a stamped read; `None` when there was none.
    pub fn mean(&self) -> Option<Seconds> {
        (self.stamped > 0).then(|| Seconds(self.sum as f64 / self.stamped as f64 * 1e-9))
    }

    fn add(&mut self, lag: u64) {
        self.stamped += 1;
        self.sum += lag;
        self.max = self.max.max(Nanos(lag));
    }
}

/// What the reads of one thread share: the wall clock's offset and the room for the kernel's stamp.
#[derive(Debug)]
pub struct Stamper {
    /// Wall clock − the one clock, in nanoseconds.
    offset: i64,
    control: Vec<u8>,
    lag: ReadLag,
}

impl Stamper {
    /// Reads both clocks a first time.
    pub fn new() -> Self {
        let control = cmsg_space!(TimeSpec);
        let control = vec![0; control.capacity()];
        Self { offset: offset(), control, lag: ReadLag::default() }
    }

    /// To be called after each [`crate::poll::Wakeups::wait`]: reads both clocks afresh.
    pub fn woke(&mut self) {
        self.offset = offset();
    }

    /// The lag of all reads since the last call of this function.
    pub fn take_lag(&mut self) -> ReadLag {
        std::mem::take(&mut self.lag)
    }

    /// The kernel's stamp on the one clock, within what is possible.
    fn place(&mut self, stamp: Option<TimeSpec>, before: Nanos, now: Nanos) -> Nanos {
        let Some(stamp) = stamp else {
            self.lag.unstamped += 1;
            return now;
        };
        let wall = stamp.tv_sec().saturating_mul(1_000_000_000).saturating_add(stamp.tv_nsec());
        let at = Nanos(u64::try_from(wall.saturating_sub(self.offset)).unwrap_or(0)).clamp(before.min(now), now);
        self.lag.add(now.get() - at.get());
        at
    }
}

impl Default for Stamper {
    fn default() -> Self {
        Self::new()
    }
}

/// The wall clock is read between two readings of the one clock.
fn offset() -> i64 {
    let before = clock::now().get();
    let wall = clock::wall().get();
    let after = clock::now().get();
    wall as i64 - (before + (after - before) / 2) as i64
}

/// One end of a TCP connection.
#[derive(Debug)]
pub struct Wire {
    socket: TcpStream,
    last: Nanos,
}

impl Wire {
    /// Begins to connect. The socket becomes writable when that has ended, and [`Wire::connected`] tells how.
    ///
    /// # Errors
    /// The operating system refuses at once: no route, too many open files.
    pub fn connect(to: SocketAddr) -> io::Result<Self> {
        Self::new(TcpStream::connect(to)?)
    }

    /// Takes a socket over, such as an accepted one: bytes are sent at once (`TCP_NODELAY`), arrivals are stamped.
    ///
    /// # Errors
    /// The operating system refuses: the peer has gone.
    pub fn new(socket: TcpStream) -> io::Result<Self> {
        socket.set_nodelay(true)?;
        setsockopt(&socket, ReceiveTimestampns, &true)?;
        Ok(Self { socket, last: Nanos(0) })
    }

    /// Ends the connection by a reset (RST) in place of an orderly end: what the peer has not read yet is lost to it.
    ///
    /// # Errors
    /// The operating system refuses.
    pub fn reset(self) -> io::Result<()> {
        Ok(setsockopt(&self.socket, Linger, &nix::libc::linger { l_onoff: 1, l_linger: 0 })?)
    }

    /// Whether the connection stands; to be asked when the socket has become writable. `false` is not yet.
    ///
    /// # Errors
    /// Why it could not be made.
    pub fn connected(&self) -> io::Result<bool> {
        if let Some(error) = self.socket.take_error()? {
            return Err(error);
        }
        match self.socket.peer_addr() {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Reads what there is, into `buf`. Zero bytes are the end of file.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] when there is nothing; the connection was reset.
    pub fn read(&mut self, buf: &mut [u8], stamper: &mut Stamper) -> io::Result<(usize, Nanos)> {
        let mut parts = [IoSliceMut::new(buf)];
        let received = recvmsg::<()>(self.socket.as_raw_fd(), &mut parts, Some(&mut stamper.control), MsgFlags::empty())?;
        let now = clock::now();
        let length = received.bytes;
        let stamp = received.cmsgs().ok().and_then(|messages| {
            messages.into_iter().find_map(|message| match message {
                ControlMessageOwned::ScmTimestampns(stamp) => Some(stamp),
                _ => None,
            })
        });
        self.last = if length == 0 { now } else { stamper.place(stamp, self.last, now) };
        Ok((length, self.last))
    }

    /// Writes what there is room for; also the instant just before the call: on a busy machine the answer can come before
    /// the call is back.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] when there is no room; the connection was reset.
    pub fn write(&mut self, buf: &[u8]) -> io::Result<(usize, Nanos)> {
        let before = clock::now();
        Ok((self.socket.write(buf)?, before))
    }
}

impl Source for Wire {
    fn register(&mut self, registry: &Registry, token: Token, interests: Interest) -> io::Result<()> {
        self.socket.register(registry, token, interests)
    }

    fn reregister(&mut self, registry: &Registry, token: Token, interests: Interest) -> io::Result<()> {
        self.socket.reregister(registry, token, interests)
    }

    fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        self.socket.deregister(registry)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{ErrorKind, Read};

    use super::*;
    use crate::poll::Wakeups;

    /// A wire and the blocking socket at its other end, connected.
    fn pair() -> (Wire, std::net::TcpStream, Wakeups) {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let mut wire = Wire::connect(listener.local_addr().unwrap()).unwrap();
        let mut wakeups = Wakeups::new().unwrap();
        wakeups.add(&mut wire, Token(0)).unwrap();
        let (peer, _) = listener.accept().unwrap();
        while !wire.connected().unwrap() {
            wakeups.wait(None, &mut Vec::new()).unwrap();
        }
        (wire, peer, wakeups)
    }

    fn read(wire: &mut Wire, stamper: &mut Stamper, wakeups: &mut Wakeups) -> (usize, Nanos) {
        let mut buf = [0; 64];
        loop {
            match wire.read(&mut buf, stamper) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => wakeups.wait(None, &mut Vec::new()).unwrap(),
                other => return other.unwrap(),
            }
        }
    }

    #[test]
    fn a_stamped_read_lies_between_the_write_and_the_return() {
        let (mut wire, mut peer, mut wakeups) = pair();
        let mut stamper = Stamper::new();
        for _ in 0..20 {
            stamper.woke();
            let before = clock::now();
            peer.write_all(b"hello").unwrap();
            let (length, at) = read(&mut wire, &mut stamper, &mut wakeups);
            assert_eq!(length, 5);
            // The two clocks are read one after the other, so the offset is known to some hundred nanoseconds.
            assert!(at.get() + 100_000 >= before.get() && at <= clock::now(), "{before} {at}");
        }
        let lag = stamper.take_lag();
        assert_eq!(lag.stamped + lag.unstamped, 20);
        assert_eq!(stamper.take_lag(), ReadLag::default());
    }

    #[test]
    fn a_late_reader_is_not_told_its_own_lateness() {
        let (mut wire, mut peer, mut wakeups) = pair();
        let mut stamper = Stamper::new();
        // The kernel begins to stamp a moment after the first socket asked for it.
        while stamper.lag.stamped == 0 {
            peer.write_all(b"x").unwrap();
            read(&mut wire, &mut stamper, &mut wakeups);
        }
        stamper.take_lag();
        peer.write_all(b"hello").unwrap();
        let written = clock::now();
        wakeups.wait(Some(Nanos(written.get() + 3_000_000)), &mut Vec::new()).unwrap();
        let until = Nanos(written.get() + 3_000_000);
        while clock::now() < until {
            wakeups.wait(Some(until), &mut Vec::new()).unwrap();
        }
        stamper.woke();
        let (_, at) = read(&mut wire, &mut stamper, &mut wakeups);
        assert!(at < until, "{at} is not before {until}");
        assert!(stamper.take_lag().max > Nanos(0));
    }

    #[test]
    fn a_write_is_stamped_before_and_the_end_of_file_is_zero_bytes() {
        let (mut wire, mut peer, mut wakeups) = pair();
        let before = clock::now();
        let (length, at) = wire.write(b"abc").unwrap();
        assert!(length == 3 && before <= at && at <= clock::now());
        let mut three = [0; 3];
        peer.read_exact(&mut three).unwrap();
        drop(peer);
        assert_eq!(read(&mut wire, &mut Stamper::new(), &mut wakeups).0, 0);
    }

    #[test]
    fn nobody_there_is_an_error_with_its_reason() {
        let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut wakeups = Wakeups::new().unwrap();
        let refused = Wire::connect(closed).and_then(|mut wire| {
            wakeups.add(&mut wire, Token(0))?;
            loop {
                match wire.connected() {
                    Ok(false) => wakeups.wait(None, &mut Vec::new())?,
                    other => return other,
                }
            }
        });
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::ConnectionRefused);
    }

    #[test]
    fn a_stamp_stays_within_what_is_possible() {
        let mut stamper = Stamper { offset: 1_000, control: vec![], lag: ReadLag::default() };
        let at = |ns| Some(TimeSpec::new(0, ns));
        let mut place = |stamp, before, now| stamper.place(stamp, Nanos(before), Nanos(now)).get();
        assert_eq!(place(at(1_500), 100, 900), 500);
        assert_eq!(place(at(1_050), 100, 900), 100);
        assert_eq!(place(at(9_000), 100, 900), 900);
        assert_eq!(place(at(-5), 100, 900), 100);
        assert_eq!(place(at(1_500), 800, 700), 700);
        assert_eq!(place(None, 100, 900), 900);
        assert_eq!((stamper.lag.stamped, stamper.lag.unstamped), (5, 1));
        assert_eq!((stamper.lag.sum, stamper.lag.max), (400 + 800 + 800, Nanos(800)));
    }
}
