//! A server of known truth: OpenAI-compatible on the outside, and inside a script of what to do when and a record of what was
//! done when. A client that is measured against it is measured against the truth.
//!
//! It runs no model and measures no client. Requests arrive by the kernel's stamp; a write has the instant just before its
//! call. A write that is late is recorded as late: the truth is what happened, not what was planned.

mod answer;
mod distribution;
mod line;
mod pages;
mod render;
mod request;
mod script;
mod shared;
mod truth;
mod worker;

use std::{
    io::{self, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener},
    sync::{Arc, atomic::Ordering::SeqCst, mpsc},
    thread::JoinHandle,
    time::Duration,
};

use mio::unix::pipe;
use nix::sys::socket::{Backlog, setsockopt, sockopt::ReceiveTimestampns};
use units::Seconds;

pub use distribution::Distribution;
pub use script::{Behaviour, Rule, Script, Stall, Usage};
pub use truth::{Served, Spread, Truth};

use self::{
    shared::Shared,
    worker::{Mailbox, Worker},
};
use crate::{Error, Result};

/// Connections that may wait to be taken in; the system may allow fewer.
const BACKLOG: i32 = 4096;

/// A running mock server. It ends when it is dropped.
#[derive(Debug)]
pub struct Mock {
    address: SocketAddr,
    shared: Arc<Shared>,
    workers: Vec<JoinHandle<Seconds>>,
    acceptor: Option<JoinHandle<()>>,
    bells: Arc<Vec<pipe::Sender>>,
}

/// What a stopped mock leaves.
#[derive(Clone, Debug, PartialEq)]
pub struct Ended {
    /// Everything it did; answers that were under way are cut short.
    pub truth: Truth,
    /// CPU time of its worker threads.
    pub cpu: Seconds,
}

impl Mock {
    /// Starts a server on 127.0.0.1.
    ///
    /// # Errors
    /// The script has a value out of its bounds, the port is taken, or the system has no room for more.
    pub fn start(script: Script) -> Result<Self> {
        script.check()?;
        let refused = |source| Error::Mock { source };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, script.port)).map_err(refused)?;
        // Accepted sockets inherit both; the standard library's backlog is too short for a burst of connections.
        setsockopt(&listener, ReceiveTimestampns, &true).map_err(|errno| refused(errno.into()))?;
        nix::sys::socket::listen(&listener, Backlog::new(BACKLOG).unwrap_or(Backlog::MAXCONN)).map_err(|errno| refused(errno.into()))?;
        let address = listener.local_addr().map_err(refused)?;
        let shared = Arc::new(Shared::new(script));
        let (mut workers, mut senders, mut bells) = (Vec::new(), Vec::new(), Vec::new());
        for number in 0..shared.script.threads as usize {
            let (worker, sender, bell) = spawn(&shared, number).map_err(refused)?;
            workers.push(worker);
            senders.push(sender);
            bells.push(bell);
        }
        let bells = Arc::new(bells);
        let acceptor = {
            let (shared, bells) = (Arc::clone(&shared), Arc::clone(&bells));
            std::thread::spawn(move || accept(&listener, &shared, &senders, &bells))
        };
        Ok(Self { address, shared, workers, acceptor: Some(acceptor), bells })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its base address, as clients want it.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What it did so far: the requests that have ended. A client that has the end of an answer finds it here.
    pub fn truth(&self) -> Truth {
        self.shared.truth()
    }

    /// Forgets what it did, and numbers requests from 0 again.
    pub fn reset(&self) {
        self.shared.reset();
    }

    /// Stops it; answers under way are cut short.
    pub fn stop(mut self) -> Ended {
        let cpu = self.end();
        Ended { truth: self.shared.truth(), cpu }
    }

    fn end(&mut self) -> Seconds {
        self.shared.stopping.store(true, SeqCst);
        self.bells.iter().for_each(ring);
        let cpu = self.workers.drain(..).filter_map(|worker| worker.join().ok()).sum();
        if let Some(acceptor) = self.acceptor.take() {
            // It waits for a connection, so it gets one. If that cannot be made it has ended or ends with the process.
            if std::net::TcpStream::connect(self.address).is_ok() {
                drop(acceptor.join());
            }
        }
        cpu
    }
}

impl Drop for Mock {
    fn drop(&mut self) {
        self.end();
    }
}

type Started = (JoinHandle<Seconds>, mpsc::Sender<(u32, mio::net::TcpStream)>, pipe::Sender);

fn spawn(shared: &Arc<Shared>, number: usize) -> io::Result<Started> {
    let (bell_sender, bell) = pipe::new()?;
    let (sender, sockets) = mpsc::channel();
    let (told, ready) = mpsc::channel();
    let shared = Arc::clone(shared);
    let thread = std::thread::Builder::new().name(format!("mock-{number}")).spawn(move || {
        match Worker::new(shared, number, Mailbox { bell, sockets }) {
            Ok(worker) => {
                let _ = told.send(Ok(()));
                worker.run()
            }
            Err(error) => {
                let _ = told.send(Err(error));
                Seconds(0.0)
            }
        }
    })?;
    ready.recv().unwrap_or_else(|_| Err(io::ErrorKind::BrokenPipe.into()))?;
    Ok((thread, sender, bell_sender))
}

/// Takes connections in and hands them to the workers in turn.
fn accept(listener: &TcpListener, shared: &Shared, senders: &[mpsc::Sender<(u32, mio::net::TcpStream)>], bells: &[pipe::Sender]) {
    for number in 0.. {
        let accepted = listener.accept();
        if shared.stopping.load(SeqCst) {
            return;
        }
        match accepted.and_then(|(socket, _)| socket.set_nonblocking(true).map(|()| socket)) {
            Ok(socket) => {
                shared.connections.fetch_add(1, SeqCst);
                let worker = number as usize % senders.len();
                // A worker that is gone is one that stops.
                let _ = senders[worker].send((number, mio::net::TcpStream::from_std(socket)));
                ring(&bells[worker]);
            }
            Err(error) => {
                shared.refuse(format!("accepting: {error}"));
                // Out of file descriptors: some may come back.
                std::thread::sleep(Duration::from_millis(5));
            }
        }
    }
}

/// A full pipe has been rung already.
fn ring(mut bell: &pipe::Sender) {
    let _ = bell.write(&[1]);
}
