//! The real thing: a trained model behind the server says what it is known to say.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::sync::Arc;

use model::{Base, Compute, LoadOptions};
use serde_json::{Value, json};
use serve::{Event, Listen, Model, ServeJob, What, run};
use tokio::sync::mpsc;

use crate::client::post;
use crate::server::limits;

#[expect(clippy::print_stderr, reason = "a test that was skipped says so")]
fn stories() -> Option<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/models/stories260K");
    let there = folder.join("model.safetensors").is_file();
    if !there {
        eprintln!("skipped: ../shared/data is absent");
    }
    there.then_some(folder)
}

fn job(path: PathBuf) -> ServeJob {
    ServeJob {
        model: Model {
            path,
            name: None,
            context_length: None,
            options: LoadOptions { device: model::device::best(), compute: Compute::F32, base: Base::AsStored },
            adapter: None,
        },
        listen: Listen { host: IpAddr::V4(Ipv4Addr::LOCALHOST), port: 0 },
        limits: limits(3),
    }
}

#[tokio::test]
async fn a_trained_model_tells_its_known_story() {
    let Some(folder) = stories() else { return };
    let expected: Value = serde_json::from_slice(&std::fs::read(folder.join("expected_greedy.json")).unwrap()).unwrap();
    let (tell, mut events) = mpsc::unbounded_channel();
    let observer = Arc::new(move |event: &Event| drop(tell.send(event.clone())));
    let server = tokio::spawn(run(job(folder), observer, std::future::pending()));
    let mut weights = None;
    let address = loop {
        match events.recv().await.expect("the server is alive").what {
            What::Read { weights: bytes } => weights = Some(bytes.get()),
            What::Ready { address, model, context_length } => {
                assert_eq!((model.as_str(), context_length), ("stories260K", 512));
                break address;
            }
            _ => {}
        }
    };
    // 260K parameters of four bytes each.
    assert!(weights.is_some_and(|bytes| (1_000_000..1_100_000).contains(&bytes)), "{weights:?}");

    let ask = |prompt: Value, stream: bool| async move {
        let body = json!({
            "model": "stories260K", "prompt": prompt, "temperature": 0, "max_tokens": 200, "stream": stream, "ignore_eos": true,
        });
        post(address, "/v1/completions", &body).await
    };
    let text = |answer: Value| answer["choices"][0]["text"].as_str().unwrap().to_owned();
    let told = expected["text"].as_str().unwrap();
    let (ids, empty, streamed) = tokio::join!(ask(json!([1]), false), ask(json!(""), false), ask(json!([1]), true));
    assert_eq!(text(ids.json()), told);
    assert_eq!(text(empty.json()), told, "an empty text is the beginning alone");
    let chunks = streamed.chunks();
    assert_eq!(chunks.iter().map(|chunk| chunk["choices"][0]["text"].as_str().unwrap()).collect::<String>(), told);
    assert_eq!(chunks.len(), 201, "one event a token, and the end");
    // A prompt that is continued keeps the space before the next word.
    let begun = ask(json!("Once upon a time, there was a little"), false).await;
    assert!(text(begun.json()).starts_with(" girl named Lily."));
    server.abort();
}

#[tokio::test]
async fn a_folder_that_is_no_model_is_told_with_a_hint() {
    let folder = tempfile::tempdir().unwrap();
    let error = run(job(folder.path().to_owned()), Arc::new(|_| {}), std::future::pending()).await.unwrap_err();
    let told = error.to_string().replace(&folder.path().display().to_string(), "FOLDER");
    assert!(told.starts_with("cannot serve FOLDER: ") && told.contains("config.json"), "{told}");
    std::fs::write(folder.path().join("broken.gguf"), "not a model").unwrap();
    let error = run(job(folder.path().join("broken.gguf")), Arc::new(|_| {}), std::future::pending()).await.unwrap_err();
    assert!(error.to_string().contains("broken.gguf") && error.hint().is_some(), "{error}");
}
