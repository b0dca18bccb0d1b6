//! A run folder with its records joined: what a report and a comparison are made of.

use std::{
    collections::{BTreeSet, HashMap},
    path::{Path, PathBuf},
};

use metric::Campaign;
use record::{ClientCertificate, Manifest, RunFolder, StageRecord};

use crate::Result;

/// A run that was read.
pub(crate) struct Loaded {
    /// Its folder.
    pub(crate) path: PathBuf,
    pub(crate) manifest: Manifest,
    pub(crate) campaign: Campaign,
    /// The records that its cells stand on, by key.
    pub(crate) records: HashMap<String, StageRecord>,
    pub(crate) client: Option<ClientCertificate>,
}

impl Loaded {
    /// Reads a run folder. The run may still be going on.
    ///
    /// # Errors
    /// The folder is no run folder, of another version, or holds a damaged file.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let folder = RunFolder::open(path)?;
        let manifest = folder.manifest()?;
        let keys = keys(&manifest);
        let of_plan = folder.records()?.into_iter().filter(|record| keys.contains(record.key.as_str()));
        let records: HashMap<String, StageRecord> = of_plan.map(|record| (record.key.clone(), record)).collect();
        let record = |key: &str| Ok::<_, record::Error>(records.get(key).cloned());
        let campaign = Campaign::join(&manifest, record, |file| folder.read_requests(file))?;
        Ok(Self { path: path.to_owned(), campaign, records, client: folder.client()?, manifest })
    }
}

/// The keys that the cells stand on; other records are of an earlier plan in the same folder.
fn keys(manifest: &Manifest) -> BTreeSet<&str> {
    manifest
        .cells
        .iter()
        .flat_map(|cell| {
            [&cell.adapt, &cell.merge, &cell.quantise, &cell.quality, &cell.perplexity]
                .into_iter()
                .flatten()
                .chain(&cell.serve)
                .chain(&cell.passes)
                .chain(&cell.rate)
        })
        .map(String::as_str)
        .collect()
}
