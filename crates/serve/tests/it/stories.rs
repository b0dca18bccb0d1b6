//! The real thing: a trained model behind the server says what it is known to say.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use model::gguf::{Array, Export, Metadata, Value as Meta, export};
use model::quant::Format;
use model::{Base, Compute, Config, Decoder, LoadOptions};
use serde_json::{Value, json};
use serve::{Event, Listen, Model, ServeJob, What, run};
use text::{GgufVocabulary, MetadataValue};
use tokio::sync::mpsc;

use crate::client::{Response, post};
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

/// The server's task, its address, and the bytes it says its weights take.
struct Told {
    server: tokio::task::JoinHandle<serve::Result<()>>,
    address: SocketAddr,
    weights: u64,
}

/// Serves a model and waits until it is ready.
async fn start(path: PathBuf, name: &str) -> Told {
    let (tell, mut events) = mpsc::unbounded_channel();
    let observer = Arc::new(move |event: &Event| drop(tell.send(event.clone())));
    let server = tokio::spawn(run(job(path), observer, std::future::pending()));
    let mut weights = None;
    loop {
        match events.recv().await.expect("the server is alive").what {
            What::Read { weights: bytes } => weights = Some(bytes.get()),
            What::Ready { address, model, context_length } => {
                assert_eq!((model.as_str(), context_length), (name, 512));
                return Told { server, address, weights: weights.expect("weights are read before the model is ready") };
            }
            _ => {}
        }
    }
}

fn known_story(folder: &Path) -> String {
    let expected: Value = serde_json::from_slice(&std::fs::read(folder.join("expected_greedy.json")).unwrap()).unwrap();
    expected["text"].as_str().unwrap().to_owned()
}

async fn ask(address: SocketAddr, model: &str, prompt: Value, stream: bool) -> Response {
    let body = json!({"model": model, "prompt": prompt, "temperature": 0, "max_tokens": 200, "stream": stream, "ignore_eos": true});
    post(address, "/v1/completions", &body).await
}

fn text(answer: &Response) -> String {
    answer.json()["choices"][0]["text"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_trained_model_tells_its_known_story() {
    let Some(folder) = stories() else { return };
    let known = known_story(&folder);
    let Told { server, address, weights } = start(folder, "stories260K").await;
    // 260K parameters of four bytes each.
    assert!((1_000_000..1_100_000).contains(&weights), "{weights}");

    let ask = |prompt, stream| ask(address, "stories260K", prompt, stream);
    let (ids, empty, streamed) = tokio::join!(ask(json!([1]), false), ask(json!(""), false), ask(json!([1]), true));
    assert_eq!(text(&ids), known);
    assert_eq!(text(&empty), known, "an empty text is the beginning alone");
    let chunks = streamed.chunks();
    assert_eq!(chunks.iter().map(|chunk| chunk["choices"][0]["text"].as_str().unwrap()).collect::<String>(), known);
    assert_eq!(chunks.len(), 201, "one event a token, and the end");
    // A prompt that is continued keeps the space before the next word.
    assert!(text(&ask(json!("Once upon a time, there was a little"), false).await).starts_with(" girl named Lily."));
    server.abort();
}

#[tokio::test]
async fn a_gguf_file_tells_it_too() {
    let Some(folder) = stories() else { return };
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("stories.f32.gguf");
    write_gguf(&folder, &file);
    let Told { server, address, .. } = start(file, "stories.f32").await;
    assert_eq!(text(&ask(address, "stories.f32", json!(""), false).await), known_story(&folder));
    server.abort();
}

/// The folder's weights in f32 and its tokenizer, in one file.
fn write_gguf(folder: &Path, file: &Path) {
    let config = Config::from_folder(folder).unwrap();
    let weights: HashMap<_, _> = Decoder::load(folder, &job(folder.to_owned()).model.options).unwrap().parameters().into_iter().collect();
    let mut metadata = Metadata::new();
    for (key, value) in GgufVocabulary::from_folder(folder, config.vocab).unwrap().into_entries() {
        metadata.insert(
            key,
            match value {
                MetadataValue::String(text) => Meta::String(text),
                MetadataValue::U32(number) => Meta::U32(number),
                MetadataValue::Bool(flag) => Meta::Bool(flag),
                MetadataValue::Strings(texts) => Meta::Array(Array::String(texts)),
                MetadataValue::I32s(numbers) => Meta::Array(Array::I32(numbers)),
                MetadataValue::F32s(numbers) => Meta::Array(Array::F32(numbers)),
            },
        );
    }
    let made = Export { config: &config, metadata: &metadata, format: Format::F32 };
    export(file, made, |name| Ok(weights[name].clone()), |_| {}).unwrap();
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
