//! Data sets of the hub: found in the cache, chosen by name, fetched, and refused.

use std::path::Path;
use std::sync::atomic::AtomicUsize;

use hub::{DataSet, Error, Hub, Silent};
use tempfile::TempDir;

use crate::fake_hub::{COMMIT, FakeHub, Shelf};

fn shelf() -> Shelf {
    let files = [
        ("README.md", "# words"),
        ("data/train-00000-of-00002-ab.parquet", "first"),
        ("data/train-00001-of-00002-cd.parquet", "second"),
        ("data/test-00000-of-00001-ef.parquet", "third"),
        ("../outside.parquet", "never"),
        ("load.py", "code"),
    ];
    Shelf { files: files.map(|(name, text)| (name.to_owned(), text.as_bytes().to_vec())).into(), ..Shelf::default() }
}

fn at(cache: &Path, online: bool, hub: &FakeHub) -> Hub {
    Hub { cache: cache.to_owned(), online, endpoint: Some(hub.endpoint.clone()), token: None }
}

fn find(hub: &Hub, split: &str) -> Result<DataSet, Error> {
    let choose = |names: &[String]| {
        assert!(names.iter().all(|name| !name.contains("..")), "{names:?}");
        let mut chosen: Vec<String> = names.iter().filter(|name| name.starts_with(&format!("data/{split}-"))).cloned().collect();
        chosen.sort_unstable();
        if chosen.is_empty() { Err(Error::BadName { name: split.to_owned() }) } else { Ok(chosen) }
    };
    hub.data_set("org/name", "main", choose, &Silent)
}

#[test]
fn what_is_chosen_is_fetched_once() {
    let (cache, fake) = (TempDir::new().unwrap(), FakeHub::start(shelf()));
    let found = find(&at(cache.path(), true, &fake), "train").unwrap();
    assert_eq!(found.commit, COMMIT);
    assert_eq!(found.files.iter().map(|file| std::fs::read_to_string(file).unwrap()).collect::<Vec<_>>(), ["first", "second"]);
    assert!(found.folder.starts_with(cache.path().join("datasets--org--name/snapshots")));
    for never in ["README", "test-", "load.py", "outside"] {
        assert!(!fake.asked_for(never), "{never}");
    }
    let before = fake.requests.lock().unwrap().len();
    assert_eq!(find(&at(cache.path(), true, &fake), "train").unwrap(), found);
    assert_eq!(find(&at(cache.path(), false, &fake), "train").unwrap(), found);
    assert_eq!(fake.requests.lock().unwrap().len(), before);
    // Another split of the same data set is fetched when it is wanted, and not found when that is not allowed.
    assert!(matches!(find(&at(cache.path(), false, &fake), "test").unwrap_err(), Error::BadName { .. }));
    assert_eq!(find(&at(cache.path(), true, &fake), "test").unwrap().files.len(), 1);
}

#[test]
fn a_shard_that_is_lacking_is_named_or_fetched() {
    let (cache, fake) = (TempDir::new().unwrap(), FakeHub::start(shelf()));
    let found = find(&at(cache.path(), true, &fake), "train").unwrap();
    std::fs::remove_file(&found.files[0]).unwrap();
    let error = find(&at(cache.path(), false, &fake), "train").unwrap_err();
    assert!(matches!(&error, Error::NotCached { missing, .. } if missing[..] == ["data/train-00000-of-00002"]), "{error}");
    assert_eq!(find(&at(cache.path(), true, &fake), "train").unwrap(), found);
}

#[test]
fn refusals_short_files_and_cut_off_downloads() {
    for (status, hint) in [(401, "accept the terms on its page (org/name)"), (403, "accept the terms"), (404, "check the spelling")] {
        let (cache, fake) = (TempDir::new().unwrap(), FakeHub::start(Shelf { refuse: Some(status), ..shelf() }));
        let error = find(&at(cache.path(), true, &fake), "train").unwrap_err();
        assert!(error.hint().unwrap().starts_with(hint) && error.hint().unwrap().contains("HF_TOKEN"), "{status}: {error}");
    }
    let name = "data/train-00001-of-00002-cd.parquet";
    let (cache, fake) = (TempDir::new().unwrap(), FakeHub::start(Shelf { short: Some(name.to_owned()), ..shelf() }));
    let error = find(&at(cache.path(), true, &fake), "train").unwrap_err();
    assert!(error.to_string().contains(name) && error.to_string().ends_with("3 bytes came of 6"), "{error}");
    // The part that came is not taken for the file; what was whole stays.
    let fake = FakeHub::start(Shelf { cut: Some((name.to_owned(), AtomicUsize::new(1))), ..shelf() });
    let found = find(&at(cache.path(), true, &fake), "train").unwrap();
    assert_eq!(std::fs::read_to_string(&found.files[1]).unwrap(), "second");
    assert!(!fake.asked_for("train-00000"));
}

#[test]
fn offline_and_absent() {
    let (cache, fake) = (TempDir::new().unwrap(), FakeHub::start(shelf()));
    let error = find(&at(cache.path(), false, &fake), "train").unwrap_err();
    assert!(error.hint().unwrap().contains("hf download org/name --repo-type dataset"), "{error}");
    let hub = at(cache.path(), true, &fake);
    assert!(matches!(find(&hub, "validation").unwrap_err(), Error::BadName { .. }));
    let bad = hub.data_set::<Error>("squad", "main", |_| Ok(Vec::new()), &Silent).unwrap_err();
    assert!(matches!(bad, Error::BadName { .. }));
}
