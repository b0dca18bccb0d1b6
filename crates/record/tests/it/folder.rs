//! Finished stages are neither repeated nor lost, and nothing that is kept changes.

use std::{fs, path::Path};

use record::{Error, Lock, Request, RunFolder, SCHEMA, StageKind};
use tempfile::TempDir;

use crate::sample::{failed, manifest, record};

fn run() -> (TempDir, RunFolder) {
    let dir = tempfile::tempdir().unwrap();
    let folder = RunFolder::create(&dir.path().join("run"), &manifest()).unwrap();
    (dir, folder)
}

#[test]
fn a_manifest_and_a_record_come_back_as_they_were() {
    let (_dir, folder) = run();
    let mut manifest = manifest();
    manifest.started_wall_ns += 1;
    folder.write_manifest(&manifest).unwrap();
    let record = record(StageKind::Quantise, "ab12");
    folder.put(&record).unwrap();
    let again = RunFolder::open(folder.root()).unwrap();
    assert_eq!(again.manifest().unwrap(), manifest);
    assert_eq!(again.finished(StageKind::Quantise, "ab12").unwrap(), Some(record.clone()));
    assert_eq!(again.finished(StageKind::Merge, "ab12").unwrap(), None);
    assert_eq!(again.records().unwrap(), [record]);
    assert!(again.finished_keys().unwrap().contains("ab12"));
}

#[test]
fn a_finished_record_is_never_written_again() {
    let (_dir, folder) = run();
    folder.put(&record(StageKind::Serve, "k")).unwrap();
    for again in [record(StageKind::Serve, "k"), failed(StageKind::Serve, "k", "late")] {
        assert!(matches!(folder.put(&again), Err(Error::Exists { .. })));
    }
    assert!(matches!(folder.write_requests("k", None, &[]), Err(Error::Exists { .. })));
    assert!(matches!(folder.write_power("k", &[]), Err(Error::Exists { .. })));
    assert!(matches!(folder.begin_artifact(StageKind::Serve, "k"), Err(Error::Exists { .. })));
}

#[test]
fn failed_tries_are_kept_and_do_not_count_as_finished() {
    let (_dir, folder) = run();
    for reason in ["first", "second"] {
        folder.put(&failed(StageKind::Adapt, "k", reason)).unwrap();
    }
    assert_eq!(folder.finished(StageKind::Adapt, "k").unwrap(), None);
    assert!(folder.finished_keys().unwrap().is_empty());
    let last = failed(StageKind::Adapt, "k", "second");
    assert_eq!(folder.latest(StageKind::Adapt, "k").unwrap(), Some(last.clone()));
    assert_eq!(folder.records().unwrap(), [last]);
    folder.put(&record(StageKind::Adapt, "k")).unwrap();
    assert_eq!(folder.records().unwrap(), [record(StageKind::Adapt, "k")]);
    assert_eq!(fs::read_dir(folder.root().join("records")).unwrap().count(), 3);
}

#[test]
fn an_artifact_counts_only_when_whole() {
    let (_dir, folder) = run();
    let unfinished = folder.begin_artifact(StageKind::Adapt, "k").unwrap();
    fs::write(unfinished.join("half"), "x").unwrap();
    // A killed campaign comes back: what was begun is begun anew.
    let unfinished = folder.begin_artifact(StageKind::Adapt, "k").unwrap();
    assert!(!unfinished.join("half").exists());
    assert!(!folder.artifact(StageKind::Adapt, "k").unwrap().exists());
    fs::write(unfinished.join("adapter.safetensors"), "abc").unwrap();
    let artifact = folder.commit_artifact(StageKind::Adapt, "k").unwrap();
    assert_eq!((artifact.path.as_str(), artifact.bytes.get()), ("artifacts/adapt-k", 3));
    assert_eq!(artifact.digest, record::digest_path(&folder.inside(&artifact.path).unwrap()).unwrap().digest);
    assert!(!unfinished.exists());
}

#[test]
fn an_artifact_without_a_record_is_replaced() {
    let (_dir, folder) = run();
    for content in ["killed before its record", "whole"] {
        fs::write(folder.begin_artifact(StageKind::Merge, "k").unwrap().join("a"), content).unwrap();
        folder.commit_artifact(StageKind::Merge, "k").unwrap();
    }
    assert_eq!(fs::read_to_string(folder.artifact(StageKind::Merge, "k").unwrap().join("a")).unwrap(), "whole");
}

#[test]
fn half_written_files_are_no_records_and_damaged_ones_are_named() {
    let (_dir, folder) = run();
    folder.put(&record(StageKind::Merge, "k")).unwrap();
    let records = folder.root().join("records");
    fs::write(records.join("merge-new.json.tmp"), "{\"sch").unwrap();
    assert_eq!(folder.records().unwrap().len(), 1);
    folder.remove_leftovers().unwrap();
    assert!(!records.join("merge-new.json.tmp").exists());
    fs::write(records.join("adapt-bad.json"), "{\"sch").unwrap();
    for error in [folder.records().unwrap_err(), folder.finished(StageKind::Adapt, "bad").unwrap_err()] {
        assert!(matches!(&error, Error::Damaged { path, .. } if path.ends_with("adapt-bad.json")), "{error}");
        assert!(error.hint().is_some());
    }
}

#[test]
fn a_record_under_another_name_is_not_taken() {
    let (_dir, folder) = run();
    folder.put(&record(StageKind::Merge, "k")).unwrap();
    let records = folder.root().join("records");
    fs::copy(records.join("merge-k.json"), records.join("merge-other.json")).unwrap();
    assert!(matches!(folder.finished(StageKind::Merge, "other"), Err(Error::Damaged { .. })));
}

#[test]
fn a_folder_of_another_version_is_refused() {
    let (_dir, folder) = run();
    let path = folder.root().join("run.json");
    let text = fs::read_to_string(&path).unwrap().replace(SCHEMA, "edge-eval/run/9");
    fs::write(&path, text).unwrap();
    let error = RunFolder::open(folder.root()).unwrap_err();
    assert!(matches!(&error, Error::OtherVersion { found, .. } if found == "edge-eval/run/9"), "{error}");
    assert!(error.hint().unwrap().contains("start a new run folder"));
}

#[test]
fn what_is_no_run_folder_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    assert!(matches!(RunFolder::open(dir.path()), Err(Error::NotARun { .. })));
    let _lock = Lock::take(dir.path()).unwrap();
    fs::write(dir.path().join("run.json.tmp"), "{").unwrap();
    fs::write(dir.path().join("thesis.tex"), "mine").unwrap();
    let error = RunFolder::create(dir.path(), &manifest()).unwrap_err();
    assert!(matches!(&error, Error::NotEmpty { found, .. } if found == "thesis.tex"), "{error}");
    fs::remove_file(dir.path().join("thesis.tex")).unwrap();
    RunFolder::create(dir.path(), &manifest()).unwrap();
    assert!(matches!(RunFolder::create(dir.path(), &manifest()), Err(Error::Exists { .. })));
}

#[test]
fn no_number_is_lost_silently() {
    let (_dir, folder) = run();
    let mut record = record(StageKind::Merge, "k");
    record.energy[0].residual = Some(f64::NAN);
    assert!(matches!(folder.put(&record), Err(Error::Unwritable { .. })));
    assert_eq!(folder.finished(StageKind::Merge, "k").unwrap(), None);
}

#[test]
fn keys_and_paths_stay_in_the_folder() {
    let (_dir, folder) = run();
    for key in ["", "../x", "a/b", "a.b", "é"] {
        assert!(matches!(folder.finished(StageKind::Merge, key), Err(Error::BadKey { .. })), "{key:?}");
    }
    for path in ["", "/etc/passwd", "../run/run.json", "requests/../../x"] {
        assert!(folder.read_requests(path).is_err(), "{path:?}");
        assert!(folder.inside(path).is_err(), "{path:?}");
    }
}

#[test]
fn a_full_disk_is_told() {
    // /dev/full takes no byte; a folder of links to it stands for a full disk.
    if !Path::new("/dev/full").exists() {
        eprintln!("skipped: /dev/full is absent");
        return;
    }
    let (_dir, folder) = run();
    fs::create_dir(folder.root().join("requests")).unwrap();
    std::os::unix::fs::symlink("/dev/full", folder.root().join("requests/k.parquet.tmp")).unwrap();
    let error = folder.write_requests("k", None, &[Request::default()]).unwrap_err();
    assert!(matches!(error, Error::DiskFull { .. }), "{error:?}");
}
