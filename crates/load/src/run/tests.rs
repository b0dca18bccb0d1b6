//! What needs the inside of the client: TLS with a certificate of our own, and jobs that are of no use. Everything else is in
//! `tests/it`.

use std::{
    io::{Read, Write},
    net::TcpListener,
    sync::Arc,
};

use rustls::{
    RootCertStore, ServerConfig, ServerConnection, StreamOwned,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer},
};

use super::*;
use crate::{Body, Prompt, Sampling};

fn job(url: &str, requests: usize) -> Job {
    let prompt = Prompt { item: String::new(), body: Body::Text("x".repeat(100_000)), max_tokens: 3 };
    Job {
        url: url.to_owned(),
        model: "m".into(),
        warmup: vec![],
        drain: false,
        prompts: vec![prompt; requests],
        arrivals: vec![Due::WhenFree; requests],
        streams: 1,
        max_streams: None,
        sampling: Sampling { temperature: None, seed: None, ignore_eos: false },
        timeout: Seconds(20.0),
        api_key: None,
    }
}

fn certificate() -> CertificateDer<'static> {
    CertificateDer::from(include_bytes!("../../tests/fixtures/cert.der").to_vec())
}

/// A TLS server whose every answer is of one token; it reads whole requests and answers until its client goes. Gives its address.
fn tls_server() -> String {
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(include_bytes!("../../tests/fixtures/key.der").to_vec()));
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate()], key)
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for socket in listener.incoming() {
            let session = StreamOwned::new(ServerConnection::new(Arc::clone(&config)).unwrap(), socket.unwrap());
            std::thread::spawn(move || answer(session));
        }
    });
    url
}

fn answer(mut session: StreamOwned<ServerConnection, std::net::TcpStream>) -> Option<()> {
    loop {
        let mut request = Vec::new();
        while !request.ends_with(b"}}") {
            let mut some = [0; 4096];
            // The client that does not trust us hangs up here.
            match session.read(&mut some).ok()? {
                0 => return None,
                length => request.extend_from_slice(&some[..length]),
            }
        }
        session.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n").ok()?;
        for event in ["data: {\"choices\":[{\"text\":\"a\"}]}\n\n", "data: [DONE]\n\n"] {
            session.write_all(format!("{:x}\r\n{event}\r\n", event.len()).as_bytes()).ok()?;
            session.flush().ok()?;
        }
        session.write_all(b"0\r\n\r\n").ok()?;
        session.flush().ok()?;
    }
}

fn run_with(job: &Job, roots: RootCertStore) -> Run {
    let target = Target::parse(&job.url).unwrap();
    let tls = Tls::with_roots(&target.host, roots);
    run_at(job, &target, tls.map(Some), &Silent).unwrap()
}

#[test]
fn a_trusted_server_is_spoken_to_over_tls_on_kept_connections() {
    let mut roots = RootCertStore::empty();
    roots.add(certificate()).unwrap();
    let run = run_with(&Job { streams: 2, ..job(&tls_server(), 6) }, roots);
    assert_eq!((run.all_failed(), run.connections_opened_before, run.connections_opened_in_window), (None, 2, 0));
    for request in &run.requests {
        assert_eq!((request.failure.as_deref(), request.text.as_str()), (None, "a"));
        let order = [run.window.0, request.due, request.sent, request.headers.unwrap(), request.first_content.unwrap(), request.end];
        assert!(order.is_sorted(), "{order:?}");
    }
}

#[test]
fn an_untrusted_server_is_refused() {
    let run = run_with(&job(&tls_server(), 2), RootCertStore::empty());
    let failure = run.requests[1].failure.clone().unwrap();
    assert!(failure.starts_with("connect: tls: ") && run.requests.len() == 2, "{failure}");
}
