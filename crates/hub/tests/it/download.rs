//! Downloads from a hub of our own on a local port.

use std::cell::RefCell;
use std::path::Path;
use std::sync::atomic::AtomicUsize;

use hub::{Error, Hub, Observer, Require, Source};
use tempfile::TempDir;

use crate::fake_hub::{COMMIT, FakeHub, Shelf};
use crate::{INDEX, offline, resolve};

fn shelf() -> Shelf {
    let files = [
        ("config.json", "{}"),
        ("tokenizer.json", "{}"),
        ("chat_template.jinja", "x"),
        ("model.safetensors.index.json", INDEX),
        ("model-00001-of-00002.safetensors", "first"),
        ("model-00002-of-00002.safetensors", "second"),
        ("consolidated.safetensors", "all again"),
        ("pytorch_model.bin", "code"),
        ("original/params.json", "{}"),
        ("README.md", "# words"),
    ];
    Shelf { files: files.map(|(name, text)| (name.to_owned(), text.as_bytes().to_vec())).into(), ..Shelf::default() }
}

fn online(cache: &Path, hub: &FakeHub) -> Hub {
    Hub { cache: cache.to_owned(), online: true, endpoint: Some(format!("{}/", hub.endpoint)), token: Some("secret".to_owned()) }
}

#[test]
fn what_is_needed_is_fetched_and_nothing_else() {
    let (cache, fake) = (TempDir::new().unwrap(), FakeHub::start(shelf()));
    let found = resolve(&online(cache.path(), &fake), "org/name").unwrap();
    assert_eq!((found.commit.as_deref(), found.weight_bytes, found.tokenizer), (Some(COMMIT), 11, true));
    assert_eq!(std::fs::read_to_string(&found.weights[1]).unwrap(), "second");
    assert!(found.path.join("chat_template.jinja").exists());
    for never in ["pytorch_model.bin", "consolidated", "original", "README"] {
        assert!(!fake.asked_for(never), "{never}");
    }
    assert!(fake.requests.lock().unwrap().iter().all(|(_, token)| token == "Bearer secret"));
    // From now on the cache is enough.
    assert_eq!(resolve(&offline(cache.path()), "org/name").unwrap(), found);
}

#[test]
fn a_complete_cache_is_not_asked_about() {
    let (cache, fake) = (TempDir::new().unwrap(), FakeHub::start(shelf()));
    let hub = online(cache.path(), &fake);
    resolve(&hub, "org/name").unwrap();
    let before = fake.requests.lock().unwrap().len();
    resolve(&hub, "org/name").unwrap();
    assert_eq!(fake.requests.lock().unwrap().len(), before);
}

#[test]
fn a_lost_shard_is_fetched_again() {
    let (cache, fake) = (TempDir::new().unwrap(), FakeHub::start(shelf()));
    let hub = online(cache.path(), &fake);
    let found = resolve(&hub, "org/name").unwrap();
    std::fs::remove_file(&found.weights[0]).unwrap();
    fake.requests.lock().unwrap().clear();
    assert_eq!(resolve(&hub, "org/name").unwrap(), found);
    assert!(fake.asked_for("model-00001") && !fake.asked_for("model-00002"));
}

#[test]
fn a_config_alone_leaves_the_weights() {
    let (cache, fake) = (TempDir::new().unwrap(), FakeHub::start(shelf()));
    let source = Source::parse("org/name").unwrap();
    let found = online(cache.path(), &fake).resolve(&source, Require::Config, &hub::Silent).unwrap();
    assert!(found.weights.is_empty() && !fake.asked_for("model-00001"));
}

#[test]
fn refusals_say_what_to_do() {
    let hints = [(401, "accept the terms"), (403, "accept the terms"), (404, "check the spelling"), (500, "check the network")];
    for (status, hint) in hints {
        let (cache, fake) = (TempDir::new().unwrap(), FakeHub::start(Shelf { refuse: Some(status), ..shelf() }));
        let error = resolve(&online(cache.path(), &fake), "org/name").unwrap_err();
        assert!(error.to_string().starts_with("cannot download the file list of org/name at main: "), "{error}");
        assert!(error.hint().unwrap().starts_with(hint), "{status}: {error}");
        assert_eq!(error.hint().unwrap().contains("HF_TOKEN"), status < 500);
        assert!(!error.to_string().contains("secret") && !format!("{error:?}").contains("secret"));
    }
}

#[test]
fn only_pickles_is_an_error_before_any_weights_are_fetched() {
    let mut shelf = shelf();
    shelf.files.retain(|name, _| !name.contains("safetensors"));
    let (cache, fake) = (TempDir::new().unwrap(), FakeHub::start(shelf));
    let error = resolve(&online(cache.path(), &fake), "org/name").unwrap_err();
    assert!(matches!(error, Error::NoSafetensors { found, .. } if found == ["pytorch_model.bin"]));
}

#[test]
fn a_short_file_is_not_taken_for_whole() {
    let shelf = Shelf { short: Some("model-00002-of-00002.safetensors".to_owned()), ..shelf() };
    let (cache, fake) = (TempDir::new().unwrap(), FakeHub::start(shelf));
    let error = resolve(&online(cache.path(), &fake), "org/name").unwrap_err();
    assert!(error.to_string().ends_with("3 bytes came of 6"), "{error}");
    let error = resolve(&offline(cache.path()), "org/name").unwrap_err();
    assert!(matches!(error, Error::NotCached { missing, .. } if missing == ["model-00002-of-00002.safetensors"]));
}

#[test]
fn a_download_that_is_cut_off_goes_on_where_it_was() {
    let name = "model-00002-of-00002.safetensors";
    let shelf = Shelf { cut: Some((name.to_owned(), AtomicUsize::new(1))), ..shelf() };
    let (cache, fake) = (TempDir::new().unwrap(), FakeHub::start(shelf));
    let found = resolve(&online(cache.path(), &fake), "org/name").unwrap();
    assert_eq!(std::fs::read_to_string(&found.weights[1]).unwrap(), "second");
    let ranges = fake.ranges.lock().unwrap();
    let asked: Vec<&str> = ranges.iter().filter(|(path, _)| path.ends_with(name)).map(|(_, range)| range.as_str()).collect();
    assert_eq!(asked, ["bytes=0-0", "bytes=0-", "bytes=3-"], "what had come is not fetched again");
}

#[test]
fn large_files_may_lie_elsewhere() {
    let store = FakeHub::start(shelf());
    let hub = FakeHub::start(Shelf { store: Some(store.endpoint.clone()), ..shelf() });
    let cache = TempDir::new().unwrap();
    let found = resolve(&online(cache.path(), &hub), "org/name").unwrap();
    assert_eq!(found.weights.iter().map(|file| std::fs::read_to_string(file).unwrap()).collect::<String>(), "firstsecond");
    assert!(hub.asked_for("model-00001") && store.asked_for("model-00001") && !store.asked_for("config.json"));
    let blob = std::fs::canonicalize(&found.weights[0]).unwrap();
    assert!(blob.ends_with("blobs/etag-model-00001-of-00002.safetensors"), "{}", blob.display());
}

#[test]
fn nobody_at_the_address() {
    let cache = TempDir::new().unwrap();
    let hub = Hub { cache: cache.path().to_owned(), online: true, endpoint: Some("http://127.0.0.1:1".to_owned()), token: None };
    let error = resolve(&hub, "org/name").unwrap_err();
    assert!(matches!(&error, Error::Download { .. }) && error.hint().unwrap().starts_with("check the network"), "{error}");
}

#[derive(Default)]
struct Log(RefCell<Vec<String>>);

impl Observer for Log {
    fn begins(&self, file: &str, total: u64, done: u64) {
        self.0.borrow_mut().push(format!("{file} {done}/{total}"));
    }
    fn received(&self, bytes: u64) {
        self.0.borrow_mut().push(format!("+{bytes}"));
    }
    fn ends(&self, file: &str) {
        self.0.borrow_mut().push(format!("{file} done"));
    }
}

#[test]
fn progress_is_told() {
    let mut shelf = shelf();
    shelf.files.retain(|name, _| name == "config.json");
    let (cache, fake) = (TempDir::new().unwrap(), FakeHub::start(shelf));
    let log = Log::default();
    online(cache.path(), &fake).resolve(&Source::parse("org/name").unwrap(), Require::Config, &log).unwrap();
    let told: Vec<String> = log.0.into_inner().into_iter().filter(|line| line != "+0").collect();
    assert_eq!(told, ["config.json 0/2", "+2", "config.json done"]);
}
