//! A server that does exactly what its script says and remembers what it was asked and when it wrote.
//!
//! One thread a connection, no HTTP library: it can break the protocol wherever a test wants it broken.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use nix::sys::socket::{setsockopt, sockopt::Linger};
use units::Nanos;

/// One thing the server does with a request.
#[derive(Clone)]
pub(crate) enum Step {
    /// Write these bytes at once.
    Write(Vec<u8>),
    /// Wait a little, so that the next write is another read for the client.
    Nap,
    /// Say nothing more until the client goes away.
    Hang,
    /// Write these bytes for as long as the client takes them.
    Endless(Vec<u8>),
    /// Close the connection.
    Close,
    /// Reset the connection (RST).
    Reset,
    /// Close it once the answer has had the time to be read: between two requests.
    CloseLater,
}

/// What one request looked like to the server.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) head: String,
    pub(crate) body: serde_json::Value,
    /// The instant before each write.
    pub(crate) writes: Vec<Nanos>,
}

/// A running server; its threads end with the test's process.
pub(crate) struct Fake {
    pub(crate) url: String,
    pub(crate) connections: Arc<AtomicUsize>,
    pub(crate) seen: Arc<Mutex<Vec<Seen>>>,
}

impl Fake {
    /// Serves the `n`-th request by the `n`-th script, and those beyond by the last.
    pub(crate) fn start(scripts: Vec<Vec<Step>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let fake = Self { url, connections: Arc::default(), seen: Arc::default() };
        let (connections, seen) = (Arc::clone(&fake.connections), Arc::clone(&fake.seen));
        let scripts = Arc::new(scripts);
        std::thread::spawn(move || {
            for socket in listener.incoming() {
                connections.fetch_add(1, SeqCst);
                let (seen, scripts) = (Arc::clone(&seen), Arc::clone(&scripts));
                std::thread::spawn(move || serve(&socket.unwrap(), &scripts, &seen));
            }
        });
        fake
    }
}

fn serve(socket: &TcpStream, scripts: &[Vec<Step>], seen: &Mutex<Vec<Seen>>) -> Option<()> {
    socket.set_nodelay(true).unwrap();
    let mut reader = BufReader::new(socket);
    loop {
        let (head, body) = read_request(&mut reader)?;
        let index = {
            let mut seen = seen.lock().unwrap();
            seen.push(Seen { head, body, writes: vec![] });
            seen.len() - 1
        };
        for step in &scripts[index.min(scripts.len() - 1)] {
            match step {
                Step::Write(bytes) => {
                    seen.lock().unwrap()[index].writes.push(record::clock::now());
                    (&mut &*socket).write_all(bytes).ok()?;
                }
                Step::Nap => std::thread::sleep(Duration::from_millis(3)),
                Step::Hang => {
                    reader.read_to_end(&mut Vec::new()).ok()?;
                }
                Step::Endless(bytes) => while (&mut &*socket).write_all(bytes).is_ok() {},
                Step::Close => return None,
                Step::Reset => {
                    setsockopt(socket, Linger, &nix::libc::linger { l_onoff: 1, l_linger: 0 }).unwrap();
                    return None;
                }
                Step::CloseLater => {
                    std::thread::sleep(Duration::from_millis(3));
                    return None;
                }
            }
        }
    }
}

fn read_request(reader: &mut impl BufRead) -> Option<(String, serde_json::Value)> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let length = head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ").map(|n| n.parse().unwrap()));
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).ok()?;
    Some((head, serde_json::from_slice(&body).unwrap()))
}

/// Bytes as they are.
pub(crate) fn raw(bytes: &str) -> Step {
    Step::Write(bytes.as_bytes().to_vec())
}

/// The head of a good streaming answer.
pub(crate) fn head() -> Step {
    raw("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n\r\n")
}

/// One HTTP chunk.
pub(crate) fn chunk(data: &str) -> Step {
    raw(&format!("{:x}\r\n{data}\r\n", data.len()))
}

/// The end of a chunked body.
pub(crate) fn end() -> Step {
    raw("0\r\n\r\n")
}

/// An event with one piece of text.
pub(crate) fn token(text: &str) -> String {
    format!("data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{text}\"}},\"finish_reason\":null}}]}}\n\n")
}

/// The role-only event that opens a chat answer.
pub(crate) const ROLE: &str =
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null}]}\n\n";

/// The last events of an answer of `tokens` tokens.
pub(crate) fn tail(tokens: u32) -> String {
    format!(
        "data: {{\"choices\":[{{\"index\":0,\"delta\":{{}},\"finish_reason\":\"length\"}}]}}\n\n\
         data: {{\"choices\":[],\"usage\":{{\"prompt_tokens\":7,\"completion_tokens\":{tokens}}}}}\n\ndata: [DONE]\n\n"
    )
}

/// A whole good answer: a role, then `a`, `b`, `c`, each its own write.
pub(crate) fn good() -> Vec<Step> {
    vec![
        head(),
        chunk(ROLE),
        Step::Nap,
        chunk(&token("a")),
        Step::Nap,
        chunk(&token("b")),
        Step::Nap,
        chunk(&token("c")),
        chunk(&tail(3)),
        end(),
    ]
}
