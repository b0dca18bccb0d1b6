//! A hub on a local port: a file list, ranges, and faults on request.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
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
    /// File whose connection ends in the middle of its body, so many times.
    pub(crate) cut: Option<(String, AtomicUsize)>,
    /// Where large files lie: another server, to which the hub sends on.
    pub(crate) store: Option<String>,
}

/// A running hub.
pub(crate) struct FakeHub {
    pub(crate) endpoint: String,
    /// Path and `Authorization` of every request.
    pub(crate) requests: Arc<Mutex<Vec<(String, String)>>>,
    /// Path and `Range` of every request.
    pub(crate) ranges: Arc<Mutex<Vec<(String, String)>>>,
}

impl FakeHub {
    pub(crate) fn start(shelf: Shelf) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let ranges = Arc::new(Mutex::new(Vec::new()));
        let (log, asked) = (Arc::clone(&requests), Arc::clone(&ranges));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                answer(stream, &shelf, &log, &asked);
            }
        });
        Self { endpoint, requests, ranges }
    }

    pub(crate) fn asked_for(&self, part: &str) -> bool {
        self.requests.lock().unwrap().iter().any(|(path, _)| path.contains(part))
    }
}

type Log = Mutex<Vec<(String, String)>>;

fn answer(mut stream: TcpStream, shelf: &Shelf, log: &Log, ranges: &Log) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
    let Some(first) = lines.next() else { return };
    let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
    let headers: BTreeMap<String, String> = lines
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_once(": ").map(|(name, value)| (name.to_lowercase(), value.to_owned())))
        .collect();
    log.lock().unwrap().push((path.clone(), headers.get("authorization").cloned().unwrap_or_default()));
    let range = headers.get("range").map_or("bytes=0-", String::as_str);
    ranges.lock().unwrap().push((path.clone(), range.to_owned()));
    let (status, extra, mut body) = respond(&path, range, shelf);
    let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n{extra}\r\n", body.len());
    let is_cut = |(name, times): &(String, AtomicUsize)| {
        path.ends_with(name.as_str()) && range.ends_with('-') && times.fetch_update(Relaxed, Relaxed, |times| times.checked_sub(1)).is_ok()
    };
    if shelf.cut.as_ref().is_some_and(is_cut) {
        body.truncate(body.len() / 2);
    }
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
    if let Some(store) = shelf.store.as_ref().filter(|_| name.ends_with(".safetensors")) {
        let linked = format!("X-Linked-ETag: \"etag-{name}\"\r\nX-Linked-Size: {}\r\nX-Repo-Commit: {COMMIT}\r\n", file.len());
        return (302, format!("Location: {store}{path}\r\n{linked}"), Vec::new());
    }
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
