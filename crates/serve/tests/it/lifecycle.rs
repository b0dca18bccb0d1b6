//! From bind to stop: ports, loading, the model that cannot be loaded, stopping with requests running.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use expect_test::expect;
use serde_json::json;
use serve::{Error, Limits, Listen, What, run_with};
use tokio::io::AsyncReadExt;

use crate::client::{get, post, read_until, send};
use crate::fake::Fake;
use crate::server::{limits, spawn, start, start_with};

async fn refused(listen: Listen, limits: Limits) -> Error {
    run_with(listen, limits, || Ok(Fake::Rambles.loaded()), Arc::new(|_| {}), std::future::pending()).await.unwrap_err()
}

#[tokio::test]
async fn a_port_in_use_is_told_with_a_way_out() {
    let taken = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = taken.local_addr().unwrap().port();
    let error = refused(Listen { host: IpAddr::V4(Ipv4Addr::LOCALHOST), port }, limits(1)).await;
    let told = format!("{error}\nhint: {}", error.hint().unwrap()).replace(&port.to_string(), "PORT");
    expect![[r#"
        cannot listen on 127.0.0.1:PORT: Address already in use (os error 98)
        hint: another process listens on port PORT: stop it, choose another --port, or use --port 0 for a free one"#]]
    .assert_eq(&told);
}

#[tokio::test]
async fn no_places_is_no_server() {
    let error = refused(Listen { host: IpAddr::V4(Ipv4Addr::LOCALHOST), port: 0 }, limits(0)).await;
    expect!["max concurrent is 0, and must be at least 1"].assert_eq(&error.to_string());
}

#[tokio::test]
async fn while_the_model_loads_the_server_says_so() {
    let (go, wait) = std::sync::mpsc::channel::<()>();
    let mut server = spawn(limits(1), move || {
        wait.recv().unwrap();
        Ok(Fake::recites("ok").loaded())
    })
    .await;
    let health = get(server.address, "/health").await;
    assert_eq!((health.status, health.body.as_str()), (503, r#"{"status":"loading"}"#));
    let body = json!({"model": "fake", "prompt": "x"});
    let response = post(server.address, "/v1/completions", &body).await;
    assert_eq!((response.status, &response.json()["error"]["code"]), (503, &json!("model_loading")));
    assert_eq!(get(server.address, "/v1/models").await.status, 503);
    assert_eq!(server.metric("edge_eval_weights_bytes").await, None);
    go.send(()).unwrap();
    server.wait_for(|what| matches!(what, What::Ready { .. })).await;
    assert_eq!(get(server.address, "/health").await.status, 200);
    assert_eq!(post(server.address, "/v1/completions", &body).await.status, 200);
}

#[tokio::test]
async fn a_model_that_cannot_be_loaded_ends_the_server() {
    let fail = || Err(Error::Load { path: PathBuf::from("m.gguf"), reason: "it is empty".into(), hint: Some("fetch it again".into()) });
    let error = spawn(limits(1), fail).await.end().await.unwrap_err();
    assert_eq!(error.to_string(), "cannot serve m.gguf: it is empty");
    assert_eq!(error.hint().unwrap(), "fetch it again");
}

#[tokio::test]
async fn told_to_stop_it_lets_short_answers_end() {
    let mut server = start_with(Fake::Slow(Duration::from_millis(2)), Limits { grace: Duration::from_secs(20), ..limits(1) }).await;
    let body = json!({"model": "fake", "prompt": "x", "max_tokens": 30, "stream": true});
    let mut socket = send(server.address, "POST", "/v1/completions", body.to_string().as_bytes()).await;
    read_until(&mut socket, "data: ").await;
    server.tell_to_stop();
    read_until(&mut socket, "[DONE]").await;
    server.end().await.unwrap();
}

#[tokio::test]
async fn told_to_stop_it_breaks_long_answers_off() {
    let mut server = start_with(Fake::Slow(Duration::from_millis(5)), limits(1)).await;
    let body = json!({"model": "fake", "prompt": "x", "max_tokens": 2000, "stream": true});
    let mut socket = send(server.address, "POST", "/v1/completions", body.to_string().as_bytes()).await;
    read_until(&mut socket, "data: ").await;
    server.tell_to_stop();
    let mut rest = String::new();
    socket.read_to_string(&mut rest).await.unwrap();
    assert!(rest.contains("the server is stopping") && !rest.contains("[DONE]"), "{rest}");
    let address = server.address;
    server.end().await.unwrap();
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn told_to_stop_while_loading_it_stops() {
    let (_go, wait) = std::sync::mpsc::channel::<()>();
    let mut server = spawn(limits(1), move || {
        let _gone = wait.recv();
        Ok(Fake::Rambles.loaded())
    })
    .await;
    server.tell_to_stop();
    server.end().await.unwrap();
}

#[tokio::test]
async fn events_come_in_order() {
    let mut server = start(Fake::recites("ok")).await;
    post(server.address, "/v1/completions", &json!({"model": "fake", "prompt": "x"})).await;
    let first = server.events.recv().await.unwrap();
    assert_eq!(first.what, What::FirstToken);
}
