//! A hub on a local port: a file list, ranges, and faults on request.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

pub(crate) const COMMIT: &str = "89abcdef0123456789abcdef0123456789abcdef";

/// What the hub has and how it misbehaves.
#[derive(Default)]
pub(crate) struct Shelf {
    /// File name to contents.
    pub(crate) files: BTreeMap<String, Vec<u8>>,
    /// Status for every request, instead of an answer.
    pub(crate) refuse: Option<u16>,
    /// File whose body is cut in half, its length told accordingly.
    pub(crate) short: Option<String>,
}

/// A running hub.
pub(crate) struct FakeHub {
    pub(crate) endpoint: String,
    /// Path and `Authorization` of every request.
    pub(crate) requests: Arc<Mutex<Vec<(String, String)>>>,
}

impl FakeHub {
    pub(crate) fn start(shelf: Shelf) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&requests);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                answer(stream, &shelf, &log);
            }
        });
        Self { endpoint, requests }
    }

    pub(crate) fn asked_for(&self, part: &str) -> bool {
        self.requests.lock().unwrap().iter().any(|(path, _)| path.contains(part))
    }
}

fn answer(mut stream: TcpStream, shelf: &Shelf, log: &Mutex<Vec<(String, String)>>) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
    let Some(first) = lines.next() else { return };
    let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
    let headers: BTreeMap<String, String> = lines
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_once(": ").map(|(name, value)| (name.to_lowercase(), value.to_owned())))
        .collect();
    log.lock().unwrap().push((path.clone(), headers.get("authorization").cloned().unwrap_or_default()));
    let (status, extra, body) = respond(&path, headers.get("range").map_or("bytes=0-", String::as_str), shelf);
    let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n{extra}\r\n", body.len());
    // The client may hang up once it has what it wants.
    let _gone = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
}

fn respond(path: &str, range: &str, shelf: &Shelf) -> (u16, String, Vec<u8>) {
    if let Some(status) = shelf.refuse {
        return (status, String::new(), Vec::new());
    }
    let path = path.strip_prefix("/datasets").unwrap_or(path);
    if path == "/api/models/org/name/revision/main" || path == "/api/datasets/org/name/revision/main" {
        let siblings: Vec<_> = shelf.files.keys().map(|name| serde_json::json!({"rfilename": name})).collect();
        return (200, String::new(), serde_json::json!({"sha": COMMIT, "siblings": siblings}).to_string().into_bytes());
    }
    let Some(name) = path.strip_prefix("/org/name/resolve/main/") else { return (404, String::new(), Vec::new()) };
    let Some(file) = shelf.files.get(name) else { return (404, String::new(), Vec::new()) };
    let (start, end) = range.trim_start_matches("bytes=").split_once('-').unwrap();
    let start: usize = start.parse().unwrap();
    let mut end = end.parse().map_or(file.len(), |end: usize| (end + 1).min(file.len()));
    if shelf.short.as_deref() == Some(name) && end == file.len() {
        end = start + (end - start) / 2;
    }
    let mut extra = String::new();
    write!(extra, "ETag: \"etag-{name}\"\r\nX-Repo-Commit: {COMMIT}\r\n").unwrap();
    write!(extra, "Content-Range: bytes {start}-{end}/{}\r\n", file.len()).unwrap();
    (206, extra, file[start..end].to_vec())
}
