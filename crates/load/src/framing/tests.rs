//! Heads and bodies, whole, torn and hostile.

use proptest::prelude::*;

use super::*;

/// Status, body, whether it has ended, and how many bytes are left over.
type Seen = (u16, Vec<u8>, bool, usize);

/// Reads an answer in any pieces.
fn read(pieces: &[&[u8]]) -> Result<Option<Seen>, Failure> {
    let (mut reader, mut found, mut out, mut over) = (HeadReader::default(), None::<Head>, Vec::new(), 0);
    for piece in pieces {
        let mut piece = *piece;
        if found.is_none() {
            let Some((head, length)) = reader.push(piece)? else { continue };
            found = Some(head);
            piece = &piece[length..];
        }
        let taken = found.as_mut().unwrap().body.push(piece, &mut out)?;
        over += piece.len() - taken;
    }
    Ok(found.map(|head| (head.status, out, head.body.is_done(), over)))
}

fn check(answer: &str, body: &str, done: bool, over: usize) {
    let seen = read(&[answer.as_bytes()]).unwrap().unwrap();
    assert_eq!((seen.0, std::str::from_utf8(&seen.1).unwrap(), seen.2, seen.3), (200, body, done, over), "{answer:?}");
}

fn check_bad(answer: &str, expected: &str) {
    match read(&[answer.as_bytes()]) {
        Err(Failure::NotHttp(said)) => assert!(said.contains(expected), "{answer:?} gives {said:?}, not {expected:?}"),
        other => panic!("{answer:?} gives {other:?}"),
    }
}

#[test]
fn bodies_by_length_by_chunks_and_to_the_close() {
    check("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello", "hello", true, 0);
    check("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello!!", "hello", true, 2);
    check("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhello", "hello", false, 0);
    check("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "", true, 0);
    check("HTTP/1.1 200 OK\r\n\r\nhello", "hello", false, 0);
    check("HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n", "abcde", true, 0);
    check("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nA;x=\"1\"\r\n0123456789\r\n0\r\nt: 1\r\n\r\nX", "0123456789", true, 1);
    check("HTTP/1.1 200 OK\ntransfer-encoding: chunked\n\n1\na\n0\n\n", "a", true, 0);
    check("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\nt: 1\r\n", "", false, 0);
}

#[test]
fn informational_answers_come_before_the_answer() {
    check(
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\na",
        "a",
        true,
        0,
    );
    check_bad("HTTP/1.1 101 Switching Protocols\r\n\r\n", "another protocol");
}

fn keeps(head: &str) -> bool {
    HeadReader::default().push(head.as_bytes()).unwrap().unwrap().0.keep
}

#[test]
fn a_connection_is_kept_where_the_answer_allows_it() {
    assert!(keeps("HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n"));
    assert!(!keeps("HTTP/1.1 200 OK\r\ncontent-length: 1\r\nconnection: Close\r\n\r\n"));
    assert!(!keeps("HTTP/1.0 200 OK\r\ncontent-length: 1\r\n\r\n"));
    assert!(keeps("HTTP/1.0 200 OK\r\ncontent-length: 1\r\nconnection: keep-alive\r\n\r\n"));
    assert!(!keeps("HTTP/1.1 200 OK\r\n\r\n"));
    // Two statements about one length: the second would be the next answer's to some (RFC 9112, section 6.1).
    assert!(!keeps("HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n"));
}

#[test]
fn what_breaks_the_protocol_is_named() {
    check_bad("SSH-2.0-OpenSSH_9.6\r\n", "");
    check_bad("HTTP/2 200\r\n\r\n", "version");
    check_bad("HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n", "content-length -1");
    check_bad("HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999\r\n\r\n", "content-length 9999");
    check_bad("HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n", "content-length 2");
    check_bad("HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n", "transfer coding gzip");
    let chunked = |body: &str| format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{body}");
    check_bad(&chunked("\r\n"), "no number");
    check_bad(&chunked("-1\r\n"), "no number");
    check_bad(&chunked("11111111111111111\r\n"), "beyond 2^64");
    check_bad(&chunked("1\r\nab\r\n"), "longer than its size");
    check_bad(&chunked(&format!("1;{}", "x".repeat(5000))), "without an end");
    check_bad(&chunked(&format!("0\r\n{}", "x: y\r\n".repeat(20_000))), "trailers without an end");
}

#[test]
fn a_head_without_end_is_bounded_however_it_comes() {
    let whole = format!("HTTP/1.1 200 OK\r\n{}", "x: y\r\n".repeat(20_000));
    for size in [7, 4096, whole.len()] {
        let pieces: Vec<&[u8]> = whole.as_bytes().chunks(size).collect();
        assert!(matches!(read(&pieces), Err(Failure::NotHttp(_))), "{size}");
    }
}

#[test]
fn a_connection_that_ends_within_the_head_says_what_it_was() {
    let end = |bytes: &str| {
        let mut reader = HeadReader::default();
        reader.push(bytes.as_bytes()).map_or_else(|failure| failure, |_| reader.end())
    };
    assert_eq!(end(""), Failure::ClosedEarly);
    assert_eq!(end("HTT"), Failure::ClosedEarly);
    assert_eq!(end("HTTP/1.1 200 OK\r\nx: "), Failure::ClosedEarly);
    assert!(matches!(end("\r\n\r\n"), Failure::NotHttp(_)));
    assert!(matches!(end("hello"), Failure::NotHttp(_)));
}

fn cut<'a>(bytes: &'a [u8], cuts: &[usize]) -> Vec<&'a [u8]> {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).collect();
    cuts.extend([0, bytes.len()]);
    cuts.sort_unstable();
    cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).filter(|piece| !piece.is_empty()).collect()
}

proptest! {
    #[test]
    fn any_split_gives_the_same_body(
        chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..40), 0..8),
        chunked: bool,
        informed: bool,
        cuts in prop::collection::vec(any::<usize>(), 0..20),
    ) {
        let body = chunks.concat();
        let mut answer = Vec::new();
        if informed {
            answer.extend_from_slice(b"HTTP/1.1 100 Continue\r\n\r\n");
        }
        if chunked {
            answer.extend_from_slice(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
            for chunk in &chunks {
                answer.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
                answer.extend_from_slice(chunk);
                answer.extend_from_slice(b"\r\n");
            }
            answer.extend_from_slice(b"0\r\nt: v\r\n\r\n");
        } else {
            answer.extend_from_slice(format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len()).as_bytes());
            answer.extend_from_slice(&body);
        }
        let seen = read(&cut(&answer, &cuts)).unwrap();
        prop_assert_eq!(seen, Some((200, body, true, 0)));
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(
        head in "(HTTP/1.[01] [0-9]{3} X\r\n(content-length: [0-9]{1,22}\r\n|transfer-encoding: chunked\r\n|[a-z:]{0,5}\r\n){0,3}\r\n)?",
        bytes in prop::collection::vec(prop_oneof![any::<u8>(), prop::sample::select(b"0123456789abcdefF;\r\n".to_vec())], 0..300),
        cuts in prop::collection::vec(any::<usize>(), 0..20),
    ) {
        let answer = [head.as_bytes(), &bytes].concat();
        if let Ok(Some((_, body, _, over))) = read(&cut(&answer, &cuts)) {
            prop_assert!(body.len() + over <= answer.len());
        }
    }
}
