//! The files of a data set of the hub. Which of them are wanted is the caller's to say, by their names; what is in them is not looked at.

use std::path::{Path, PathBuf};

use hf_hub::RepoType;

use crate::{
    Error, Hub, Observer, Result, Source, cache,
    download::{Job, Listing},
    folder::{is_lfs_pointer, is_plain_name},
};

/// Folders within folders of a repository that are looked into.
const DEEPEST: usize = 6;

/// A data set whose files were found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataSet {
    /// The snapshot in the cache.
    pub folder: PathBuf,
    /// The files that are wanted, in the order in which they were chosen.
    pub files: Vec<PathBuf>,
    /// The commit.
    pub commit: String,
}

impl Hub {
    /// Finds the files of a data set that `choose` takes from all their names (with `/` between folders), and downloads those that the
    /// cache lacks, when online. What the cache has is used as it is, so that a run repeats; it is taken for whole unless a name
    /// such as `train-00000-of-00003.parquet` says that there is more.
    ///
    /// # Errors
    /// [`Error::BadName`] for an id that is not `org/name`, [`Error::NotCached`] when offline, [`Error::Download`] when the hub
    /// refuses or cannot be reached, and those of `choose`.
    pub fn data_set<E: From<Error>>(
        &self,
        id: &str,
        revision: &str,
        choose: impl Fn(&[String]) -> Result<Vec<String>, E>,
        observer: &dyn Observer,
    ) -> Result<DataSet, E> {
        Source::hub(id, revision)?;
        let cached = self.cached(id, revision, &choose);
        match cached {
            Ok(found) => Ok(found),
            Err(_) if self.online => self.fetched(id, revision, &choose, observer),
            Err(error) => Err(error),
        }
    }

    fn cached<E: From<Error>>(
        &self,
        id: &str,
        revision: &str,
        choose: &impl Fn(&[String]) -> Result<Vec<String>, E>,
    ) -> Result<DataSet, E> {
        let lacking = |cache: &Path, missing| {
            let (id, revision, cache) = (id.to_owned(), revision.to_owned(), cache.to_owned());
            E::from(Error::NotCached { id, revision, data_set: true, cache, missing })
        };
        let found = cache::find(&self.cache, RepoType::Dataset, id, revision).ok_or_else(|| lacking(&self.cache, Vec::new()))?;
        let mut names = Vec::new();
        list(&found.folder, "", DEEPEST, &mut names)?;
        let chosen = choose(&names)?;
        let missing = missing_shards(&chosen);
        if !missing.is_empty() {
            return Err(lacking(&found.folder, missing));
        }
        Ok(whole(found.folder, &chosen, found.commit)?)
    }

    fn fetched<E: From<Error>>(
        &self,
        id: &str,
        revision: &str,
        choose: &impl Fn(&[String]) -> Result<Vec<String>, E>,
        observer: &dyn Observer,
    ) -> Result<DataSet, E> {
        let (job, Listing { names, snapshot, commit }) = Job::begin(self, RepoType::Dataset, id, revision, observer)?;
        // Names come from the network: none may lead out of the snapshot.
        let plain: Vec<String> =
            names.into_iter().filter(|name| name.split('/').all(|part| !part.is_empty() && is_plain_name(part))).collect();
        let chosen = choose(&plain)?;
        for file in &chosen {
            job.ensure(&snapshot, file)?;
        }
        Ok(whole(snapshot, &chosen, commit)?)
    }
}

fn whole(folder: PathBuf, chosen: &[String], commit: String) -> Result<DataSet> {
    let files: Vec<PathBuf> = chosen.iter().map(|name| folder.join(name)).collect();
    match files.iter().find(|file| is_lfs_pointer(file)) {
        Some(file) => Err(Error::LfsPointer { path: file.clone() }),
        None => Ok(DataSet { folder, files, commit }),
    }
}

fn list(folder: &Path, before: &str, depth: usize, names: &mut Vec<String>) -> Result<()> {
    let io = |source| Error::Io { path: folder.to_owned(), source };
    for entry in std::fs::read_dir(folder).map_err(io)? {
        let entry = entry.map_err(io)?;
        let (path, Ok(name)) = (entry.path(), entry.file_name().into_string()) else { continue };
        if path.is_file() {
            names.push(format!("{before}{name}"));
        } else if path.is_dir() && depth > 1 {
            list(&path, &format!("{before}{name}/"), depth - 1, names)?;
        }
    }
    Ok(())
}

/// Shards that the names of others say there are: `…-00000-of-00003…`. Their endings are digests that are not known.
fn missing_shards(names: &[String]) -> Vec<String> {
    let mut missing = Vec::new();
    let shards: Vec<(&str, u32, u32)> = names.iter().filter_map(|name| shard(name)).collect();
    for &(stem, first, count) in &shards {
        // Told once, by the lowest shard there is.
        let here = |number| shards.iter().any(|&(other, at, of)| other == stem && at == number && of == count);
        if shards.iter().any(|&(other, at, of)| other == stem && of == count && at < first) {
            continue;
        }
        missing.extend((0..count.min(10_000)).filter(|&number| !here(number)).map(|number| format!("{stem}-{number:05}-of-{count:05}")));
    }
    missing
}

/// The name before the number, the number, and how many there are.
fn shard(name: &str) -> Option<(&str, u32, u32)> {
    let (before, after) = name.split_once("-of-")?;
    let (stem, number) = before.rsplit_once('-')?;
    let digits = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
    Some((stem, number.parse().ok()?, after[..digits].parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_say_how_many_they_are() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert_eq!(shard("data/train_sft-00001-of-00003-3d4c.parquet"), Some(("data/train_sft", 1, 3)));
        assert_eq!(shard("train.jsonl"), None);
        assert!(missing_shards(&names(&["a-00000-of-00002.parquet", "a-00001-of-00002.parquet", "b.jsonl"])).is_empty());
        assert_eq!(missing_shards(&names(&["a-00001-of-00003-x.parquet"])), ["a-00000-of-00003", "a-00002-of-00003"]);
        // A number without sense costs nothing.
        assert_eq!(missing_shards(&names(&["a-0-of-4000000000.parquet"])).len(), 9_999);
    }
}
