//! The run folder: where everything observed is kept, one immutable file a stage.
//!
//! ```text
//! run.json                            plan, machine, cells and the keys of their stages
//! client.json                         the load client's certificate on this machine
//! records/<kind>-<key>.json           one finished stage
//! records/<kind>-<key>.failed-<n>.json  its failed tries, from 1
//! requests/<key>.parquet              its requests; <key>.c<streams>.parquet those of a further level of concurrency
//! power/<key>.parquet                 its power samples
//! artifacts/<kind>-<key>/             what it left: an adapter, weights
//! verdicts/<judge>.jsonl              what a judge was paid for, verdict by verdict as they came
//! logs/<key>.log                      what it wrote to stderr
//! ```
//!
//! What is being made ends in `.tmp`. A stage's record is written last, so that what has no record does not count: it is
//! work in progress of a campaign that was stopped, and is replaced. What has one is never written again. Nothing here
//! starts stages or computes figures.

mod listing;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Component, Path, PathBuf},
};

use listing::{foreign_entry, list, remove};
use plan::StageKind;

use crate::{
    Artifact, ClientCertificate, Manifest, Outcome, PowerSample, Request, StageRecord, atomic, digest_path,
    error::{Error, Result},
    json, table,
};

const MANIFEST: &str = "run.json";
const CLIENT: &str = "client.json";
const RECORDS: &str = "records";
const ARTIFACTS: &str = "artifacts";

/// A run folder of this version.
#[derive(Clone, Debug)]
pub struct RunFolder {
    root: PathBuf,
}

impl RunFolder {
    /// Makes a run folder out of an absent or empty folder. Take its [`crate::Lock`] first.
    ///
    /// # Errors
    /// The folder has other things in it, is a run folder already, or cannot be written.
    pub fn create(root: &Path, manifest: &Manifest) -> Result<Self> {
        let folder = Self { root: root.to_owned() };
        if Self::is_run(root) {
            return Err(Error::Exists { path: folder.manifest_path() });
        }
        if let Some(found) = foreign_entry(root)? {
            return Err(Error::NotEmpty { path: root.to_owned(), found });
        }
        folder.write_manifest(manifest)?;
        Ok(folder)
    }

    /// Opens a run folder for reading or for going on.
    ///
    /// # Errors
    /// It has no `run.json`, or one of another version.
    pub fn open(root: &Path) -> Result<Self> {
        if !Self::is_run(root) {
            return Err(Error::NotARun { path: root.to_owned() });
        }
        let folder = Self { root: root.to_owned() };
        json::check_schema(&folder.manifest_path(), &json::read_any(&folder.manifest_path())?)?;
        Ok(folder)
    }

    /// Whether the folder has a `run.json`, of whatever version.
    pub fn is_run(root: &Path) -> bool {
        root.join(MANIFEST).exists()
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The run's table of contents.
    ///
    /// # Errors
    /// It is damaged or cannot be read.
    pub fn manifest(&self) -> Result<Manifest> {
        json::read(&self.manifest_path())
    }

    /// Writes the table of contents anew, atomically.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write_manifest(&self, manifest: &Manifest) -> Result<()> {
        json::write(&self.manifest_path(), manifest)
    }

    /// The load client's certificate that belongs to the run; `None` when the client was not calibrated.
    ///
    /// # Errors
    /// It is damaged or of another version.
    pub fn client(&self) -> Result<Option<ClientCertificate>> {
        let path = self.root.join(CLIENT);
        if path.exists() { ClientCertificate::read(&path).map(Some) } else { Ok(None) }
    }

    /// Puts the load client's certificate beside the records, in place of an older one.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn put_client(&self, certificate: &ClientCertificate) -> Result<()> {
        certificate.write(&self.root.join(CLIENT))
    }

    /// Keeps a record: a finished one under its key for good, a failed one beside those of earlier tries.
    ///
    /// # Errors
    /// A finished record of this key is there already, the record holds a number that is not finite, or the disk is full.
    pub fn put(&self, record: &StageRecord) -> Result<()> {
        let path = self.record_path(record.kind, &record.key)?;
        if path.exists() {
            return Err(Error::Exists { path });
        }
        match record.outcome {
            Outcome::Done => json::write(&path, record),
            Outcome::Failed { .. } => {
                let tries = self.failures(record.kind, &record.key)?;
                json::write(&failure_path(&path, tries.last().map_or(1, |(n, _)| n + 1)), record)
            }
        }
    }

    /// The finished record of a key; `None` when the stage has not finished.
    ///
    /// # Errors
    /// The file is there but damaged or of another version: it is named, and not taken for absent.
    pub fn finished(&self, kind: StageKind, key: &str) -> Result<Option<StageRecord>> {
        let path = self.record_path(kind, key)?;
        if path.exists() { read_record(&path).map(Some) } else { Ok(None) }
    }

    /// The finished record of a key, or its last failure.
    ///
    /// # Errors
    /// As for [`RunFolder::finished`].
    pub fn latest(&self, kind: StageKind, key: &str) -> Result<Option<StageRecord>> {
        if let Some(record) = self.finished(kind, key)? {
            return Ok(Some(record));
        }
        self.failures(kind, key)?.pop().map(|(_, path)| read_record(&path)).transpose()
    }

    /// The keys of all finished stages, from the names of their records.
    ///
    /// # Errors
    /// The folder cannot be listed.
    pub fn finished_keys(&self) -> Result<BTreeSet<String>> {
        Ok(self.record_files()?.into_iter().filter(|file| file.failure.is_none()).map(|file| file.key).collect())
    }

    /// Every stage's record, by kind and key: the finished one, or the last failure.
    ///
    /// # Errors
    /// A record is damaged: it is named.
    pub fn records(&self) -> Result<Vec<StageRecord>> {
        let mut latest: BTreeMap<(StageKind, String), RecordFile> = BTreeMap::new();
        for file in self.record_files()? {
            let name = (file.kind, file.key.clone());
            let rank = |file: &RecordFile| file.failure.unwrap_or(u32::MAX);
            if latest.get(&name).is_none_or(|known| rank(known) < rank(&file)) {
                latest.insert(name, file);
            }
        }
        latest.into_values().map(|file| read_record(&file.path)).collect()
    }

    /// An empty folder to make an artifact in; [`RunFolder::commit_artifact`] gives it its lasting name.
    ///
    /// # Errors
    /// The stage has finished already, or the folder cannot be made.
    pub fn begin_artifact(&self, kind: StageKind, key: &str) -> Result<PathBuf> {
        self.refuse_finished(key)?;
        let unfinished = atomic::temporary(&self.artifact(kind, key)?);
        remove(&unfinished)?;
        atomic::make_folder(&unfinished)?;
        Ok(unfinished)
    }

    /// Syncs what was made since [`RunFolder::begin_artifact`], gives it its lasting name and digests it. An artifact left
    /// there by a try that has no record is replaced.
    ///
    /// # Errors
    /// The stage has finished already, or nothing was begun.
    pub fn commit_artifact(&self, kind: StageKind, key: &str) -> Result<Artifact> {
        self.refuse_finished(key)?;
        let path = self.artifact(kind, key)?;
        let unfinished = atomic::temporary(&path);
        atomic::sync_tree(&unfinished)?;
        remove(&path)?;
        atomic::rename(&unfinished, &path)?;
        let content = digest_path(&path)?;
        Ok(Artifact { path: format!("{ARTIFACTS}/{}-{key}", kind.name()), digest: content.digest, bytes: content.bytes })
    }

    /// Where a stage's artifact is, or will be.
    ///
    /// # Errors
    /// The key is no file name.
    pub fn artifact(&self, kind: StageKind, key: &str) -> Result<PathBuf> {
        Ok(self.root.join(ARTIFACTS).join(stem(kind, key)?))
    }

    /// Where a stage's talk goes; its folder is made.
    ///
    /// # Errors
    /// The key is no file name, or the folder cannot be made.
    pub fn log(&self, key: &str) -> Result<PathBuf> {
        let folder = self.root.join("logs");
        atomic::make_folder(&folder)?;
        Ok(folder.join(format!("{}.log", checked(key)?)))
    }

    /// Where the verdicts of a judge, named by a key, stand as they come; its folder is made. They outlive a stage that did not finish.
    ///
    /// # Errors
    /// The key is no file name, or the folder cannot be made.
    pub fn verdicts(&self, key: &str) -> Result<PathBuf> {
        let folder = self.root.join("verdicts");
        atomic::make_folder(&folder)?;
        Ok(folder.join(format!("{}.jsonl", checked(key)?)))
    }

    /// Keeps a stage's requests, or those of one of its further levels of concurrency; returns the path to put in its record.
    ///
    /// # Errors
    /// The stage has finished already, or the file cannot be written.
    pub fn write_requests(&self, key: &str, level: Option<u32>, requests: &[Request]) -> Result<String> {
        self.refuse_finished(key)?;
        let level = level.map_or_else(String::new, |streams| format!(".c{streams}"));
        let relative = format!("requests/{}{level}.parquet", checked(key)?);
        table::write_requests(&self.root.join(&relative), requests)?;
        Ok(relative)
    }

    /// The requests of a file that a record names.
    ///
    /// # Errors
    /// The path leads out of the folder, or the file is absent or damaged.
    pub fn read_requests(&self, relative: &str) -> Result<Vec<Request>> {
        table::read_requests(&self.inside(relative)?)
    }

    /// Keeps a stage's power samples; returns the path to put in its record.
    ///
    /// # Errors
    /// The stage has finished already, or the file cannot be written.
    pub fn write_power(&self, key: &str, samples: &[PowerSample]) -> Result<String> {
        self.refuse_finished(key)?;
        let relative = format!("power/{}.parquet", checked(key)?);
        table::write_power(&self.root.join(&relative), samples)?;
        Ok(relative)
    }

    /// The power samples of a file that a record names.
    ///
    /// # Errors
    /// The path leads out of the folder, or the file is absent or damaged.
    pub fn read_power(&self, relative: &str) -> Result<Vec<PowerSample>> {
        table::read_power(&self.inside(relative)?)
    }

    /// Removes work in progress that a stopped campaign left. Hold the [`crate::Lock`].
    ///
    /// # Errors
    /// Something cannot be removed.
    pub fn remove_leftovers(&self) -> Result<()> {
        for folder in ["", RECORDS, ARTIFACTS, "requests", "power", "corpora", "logs"] {
            for path in list(&self.root.join(folder))? {
                if atomic::is_temporary(&path) {
                    remove(&path)?;
                }
            }
        }
        Ok(())
    }

    /// A path of the folder that a record names; none that leads out of it.
    ///
    /// # Errors
    /// It is absolute or has `..`.
    pub fn inside(&self, relative: &str) -> Result<PathBuf> {
        let path = Path::new(relative);
        if relative.is_empty() || !path.components().all(|part| matches!(part, Component::Normal(_))) {
            return Err(Error::damaged(path, "the path leads out of the run folder"));
        }
        Ok(self.root.join(path))
    }

    fn manifest_path(&self) -> PathBuf {
        self.root.join(MANIFEST)
    }

    fn record_path(&self, kind: StageKind, key: &str) -> Result<PathBuf> {
        Ok(self.root.join(RECORDS).join(format!("{}.json", stem(kind, key)?)))
    }

    /// What stands under the key of a finished stage is not written again. A key is of one kind, but which does not matter.
    fn refuse_finished(&self, key: &str) -> Result<()> {
        for &kind in StageKind::ALL {
            let path = self.record_path(kind, key)?;
            if path.exists() {
                return Err(Error::Exists { path });
            }
        }
        Ok(())
    }

    /// The failed tries of a key, numbered, in order.
    fn failures(&self, kind: StageKind, key: &str) -> Result<Vec<(u32, PathBuf)>> {
        let mut tries: Vec<(u32, PathBuf)> = self
            .record_files()?
            .into_iter()
            .filter(|file| file.kind == kind && file.key == key)
            .filter_map(|file| Some((file.failure?, file.path)))
            .collect();
        tries.sort_unstable();
        Ok(tries)
    }

    fn record_files(&self) -> Result<Vec<RecordFile>> {
        Ok(list(&self.root.join(RECORDS))?.into_iter().filter_map(RecordFile::parse).collect())
    }
}

/// A file of the records folder, as its name tells.
struct RecordFile {
    kind: StageKind,
    key: String,
    /// Which failed try; `None` is the finished record.
    failure: Option<u32>,
    path: PathBuf,
}

impl RecordFile {
    /// `None` for temporary files and for what is no record at all.
    fn parse(path: PathBuf) -> Option<Self> {
        let name = path.file_name()?.to_str()?.strip_suffix(".json")?;
        let (name, failure) = match name.split_once(".failed-") {
            Some((name, number)) => (name, Some(number.parse().ok()?)),
            None => (name, None),
        };
        let (kind, key) = name.split_once('-')?;
        let kind = StageKind::ALL.iter().find(|k| k.name() == kind)?;
        Some(Self { kind: *kind, key: checked(key).ok()?.to_owned(), failure, path })
    }
}

fn failure_path(finished: &Path, number: u32) -> PathBuf {
    finished.with_extension(format!("failed-{number}.json"))
}

fn stem(kind: StageKind, key: &str) -> Result<String> {
    Ok(format!("{}-{}", kind.name(), checked(key)?))
}

fn checked(key: &str) -> Result<&str> {
    let plain = !key.is_empty() && key.len() <= 128 && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if plain { Ok(key) } else { Err(Error::BadKey { key: key.chars().take(64).collect() }) }
}

fn read_record(path: &Path) -> Result<StageRecord> {
    let record: StageRecord = json::read(path)?;
    let named = RecordFile::parse(path.to_owned()).is_some_and(|file| file.kind == record.kind && file.key == record.key);
    if named { Ok(record) } else { Err(Error::damaged(path, "its key or kind is not that of its name")) }
}
