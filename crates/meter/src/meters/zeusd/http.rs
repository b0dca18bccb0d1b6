//! One HTTP/1.1 GET over a Unix socket: no more of HTTP than an answer with a length, in chunks, or up to the end of the connection.
//! Every size is bounded, and so is the time.

use std::{
    io::{Read, Write},
    os::{fd::AsRawFd, unix::net::UnixStream},
    path::Path,
    time::Duration,
};

use nix::{
    errno::Errno,
    sys::socket::{AddressFamily, SockFlag, SockType, UnixAddr},
};

/// Longest answer, head and body together: a machine of many sockets needs some kilobytes.
const LONGEST: usize = 1 << 20;

/// The body of the answer to a GET, when its status is 200.
pub(super) fn get(socket: &Path, path: &str, patience: Duration) -> Result<Vec<u8>, String> {
    let at = socket.display();
    let answer = ask(socket, path, patience).map_err(|error| format!("{at}: {}", error.to_string().to_lowercase()))?;
    body(&answer).map_err(|reason| format!("{at}: {reason}"))
}

fn ask(socket: &Path, path: &str, patience: Duration) -> std::io::Result<Vec<u8>> {
    let deadline = record::clock::now().get() + patience.as_nanos() as u64;
    let mut stream = connect(socket)?;
    stream.set_write_timeout(Some(patience))?;
    stream
        .write_all(format!("GET {path} HTTP/1.1\r\nhost: localhost\r\naccept: application/json\r\nconnection: close\r\n\r\n").as_bytes())?;
    let mut answer = Vec::new();
    let mut buffer = [0; 8192];
    loop {
        let left = deadline.saturating_sub(record::clock::now().get());
        if left == 0 {
            return Err(std::io::ErrorKind::TimedOut.into());
        }
        stream.set_read_timeout(Some(Duration::from_nanos(left)))?;
        let read = match stream.read(&mut buffer) {
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return Err(std::io::ErrorKind::TimedOut.into()),
            read => read?,
        };
        answer.extend_from_slice(&buffer[..read]);
        if answer.len() > LONGEST {
            return Err(std::io::Error::other(format!("the answer is longer than {LONGEST} bytes")));
        }
        if read == 0 || is_whole(&answer) {
            return Ok(answer);
        }
    }
}

/// Connects without waiting: a daemon that takes no more connections would be waited for without end, and no time limit holds for that.
fn connect(socket: &Path) -> std::io::Result<UnixStream> {
    let kind = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let stream = UnixStream::from(nix::sys::socket::socket(AddressFamily::Unix, SockType::Stream, kind, None)?);
    nix::sys::socket::connect(stream.as_raw_fd(), &UnixAddr::new(socket)?).map_err(|errno| match errno {
        Errno::EAGAIN => std::io::Error::other("it takes no more connections"),
        errno => errno.into(),
    })?;
    stream.set_nonblocking(false)?;
    Ok(stream)
}

/// Whether a body of a told length has come: the connection may stay open.
fn is_whole(answer: &[u8]) -> bool {
    split(answer).is_some_and(|(head, body)| matches!(length(&head), Some(length) if body.len() >= length))
}

fn split(answer: &[u8]) -> Option<(String, &[u8])> {
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n")?;
    Some((String::from_utf8_lossy(&answer[..end]).to_lowercase(), &answer[end + 4..]))
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().skip(1).filter_map(|line| line.split_once(':')).find(|(key, _)| key.trim() == name).map(|(_, value)| value.trim())
}

fn length(head: &str) -> Option<usize> {
    header(head, "content-length")?.parse().ok()
}

fn body(answer: &[u8]) -> Result<Vec<u8>, String> {
    let (head, body) = split(answer).ok_or("it closed before its answer was whole")?;
    let status = head.lines().next().unwrap_or_default();
    if !status.starts_with("http/1.") {
        return Err("it does not speak HTTP/1".to_owned());
    }
    if status.split(' ').nth(1) != Some("200") {
        return Err(format!("it answered {:?}: {:?}", status.get(9..).unwrap_or_default(), brief(body)));
    }
    if header(&head, "transfer-encoding").is_some_and(|coding| coding == "chunked") {
        return unchunk(body).ok_or_else(|| "its chunks are damaged".to_owned());
    }
    match length(&head) {
        None => Ok(body.to_vec()),
        Some(length) => Ok(body.get(..length).ok_or("it closed before its answer was whole")?.to_vec()),
    }
}

fn brief(body: &[u8]) -> String {
    String::from_utf8_lossy(&body[..body.len().min(200)]).into_owned()
}

fn unchunk(mut body: &[u8]) -> Option<Vec<u8>> {
    let mut whole = Vec::new();
    loop {
        let end = body.windows(2).position(|window| window == b"\r\n")?;
        let size = std::str::from_utf8(&body[..end]).ok()?.split(';').next()?;
        let size = usize::from_str_radix(size.trim(), 16).ok()?;
        body = &body[end + 2..];
        if size == 0 {
            return Some(whole);
        }
        whole.extend_from_slice(body.get(..size)?);
        body = body.get(size.checked_add(2)?..)?;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(answer: &str) -> Result<String, String> {
        body(answer.as_bytes()).map(|body| String::from_utf8(body).unwrap())
    }

    #[test]
    fn a_body_ends_by_its_length_its_chunks_or_the_connection() {
        assert_eq!(text("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}more"), Ok("{}".to_owned()));
        assert_eq!(text("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n1;x=y\r\n \r\n0\r\n\r\n"), Ok("{} ".to_owned()));
        assert_eq!(text("HTTP/1.0 200 OK\r\n\r\n{}"), Ok("{}".to_owned()));
    }

    #[test]
    fn what_is_no_answer_says_why() {
        for (answer, expected) in [
            ("", "before its answer was whole"),
            ("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}", "before its answer was whole"),
            ("HTTP/1.1 403 Forbidden\r\n\r\nno token", "403 forbidden"),
            ("SSH-2.0\r\n\r\n", "does not speak HTTP/1"),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n{}", "chunks are damaged"),
        ] {
            let reason = text(answer).unwrap_err();
            assert!(reason.contains(expected), "{reason}");
        }
    }

    #[test]
    fn a_daemon_that_takes_no_connection_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("zeusd.sock");
        let listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        // The queue of those who wait to be taken is as short as it can be.
        nix::sys::socket::listen(&listener, nix::sys::socket::Backlog::new(1).unwrap()).unwrap();
        let mut waiting = Vec::new();
        let refused = loop {
            match connect(&socket) {
                Ok(stream) if waiting.len() < 100 => waiting.push(stream),
                Ok(_) => panic!("the queue has no end"),
                Err(error) => break error,
            }
        };
        assert!(refused.to_string().contains("no more connections"), "{refused}");
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), head in any::<bool>()) {
            let start: &[u8] = if head { b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" } else { b"" };
            let whole = [start, &bytes].concat();
            let _ = (body(&whole), is_whole(&whole));
        }
    }
}
