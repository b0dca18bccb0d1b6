//! Which files of a folder, or of a data set on the hub, are read: those of one configuration and one split, in name order. Only names
//! are looked at.
//!
//! Names are those that `datasets` writes and looks for: `train-00000-of-00003.parquet`, `test.jsonl`, `default/validation/0000.parquet`,
//! with a folder a configuration where there are several.

use std::path::{Path, PathBuf};

use crate::{Error, Result};

/// Endings of the files that are read.
const ENDINGS: [&str; 4] = ["parquet", "jsonl", "json", "csv"];

/// Files that describe a data set and hold none of it.
const DESCRIPTIONS: [&str; 4] = ["dataset_info.json", "dataset_infos.json", "state.json", "dataset_dict.json"];

/// How splits are called, perhaps with more after an underscore (`train_sft`).
const SPLITS: [&str; 8] = ["train", "training", "validation", "valid", "val", "dev", "test", "eval"];

/// Folders within folders that are looked into.
const DEEPEST: usize = 6;

/// What is wanted of a data set of many files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// The configuration, as `plain_text` of SQuAD: the folder the files are in.
    pub config: Option<String>,
    /// The split, as `train` or `test_sft`.
    pub split: Option<String>,
}

/// The data files at a path: itself, or those of a folder that are wanted, in name order.
///
/// # Errors
/// The folder cannot be read, or those of [`choose`].
pub fn files(path: &Path, wanted: &Wanted) -> Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut names = Vec::new();
    list(path, "", DEEPEST, &mut names)?;
    let names = choose(&path.display().to_string(), &names, wanted)?;
    Ok(names.iter().map(|name| path.join(name)).collect())
}

/// The names that are wanted, in order. Names are relative, with `/` between folders; `place` is only named in errors.
///
/// # Errors
/// No data file, none of the split; or files of several splits or configurations while none is asked for: reading all of them would let
/// rows to score on reach training.
pub fn choose(place: &str, names: &[String], wanted: &Wanted) -> Result<Vec<String>> {
    let data: Vec<&String> = names.iter().filter(|name| is_data(name) && is_in(name, wanted.config.as_deref())).collect();
    let mut chosen: Vec<&String> = match &wanted.split {
        Some(split) => data.iter().copied().filter(|name| split_of(name).as_deref() == Some(split)).collect(),
        None => data.clone(),
    };
    let splits = distinct(data.iter().filter_map(|name| split_of(name)));
    if chosen.is_empty() {
        return Err(Error::NoFiles { place: place.to_owned(), split: wanted.split.clone(), found: splits });
    }
    let several = |what, found: Vec<String>| Err(Error::Several { place: place.to_owned(), what, found });
    if wanted.split.is_none() && splits.len() > 1 {
        return several("splits", splits);
    }
    let configs = distinct(chosen.iter().map(|name| config_of(name)));
    if configs.len() > 1 {
        return several("configurations", configs);
    }
    chosen.sort_unstable();
    Ok(chosen.into_iter().cloned().collect())
}

fn list(folder: &Path, before: &str, depth: usize, names: &mut Vec<String>) -> Result<()> {
    let io = |source| Error::Io { path: folder.to_owned(), source };
    for entry in std::fs::read_dir(folder).map_err(io)? {
        let entry = entry.map_err(io)?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        if name.starts_with('.') {
            continue;
        }
        // A hub's snapshot holds links to files.
        let path = entry.path();
        if !path.is_dir() {
            names.push(format!("{before}{name}"));
        } else if depth > 1 {
            list(&path, &format!("{before}{name}/"), depth - 1, names)?;
        }
    }
    Ok(())
}

fn is_data(name: &str) -> bool {
    let file = name.rsplit('/').next().unwrap_or(name);
    let ending = Path::new(file).extension().and_then(|ending| ending.to_str());
    ending.is_some_and(|ending| ENDINGS.iter().any(|known| ending.eq_ignore_ascii_case(known))) && !DESCRIPTIONS.contains(&file)
}

fn is_in(name: &str, config: Option<&str>) -> bool {
    config.is_none_or(|config| name.strip_prefix(config).is_some_and(|rest| rest.starts_with('/')))
}

/// The split a file is of: its name up to the first `-` or `.`, or the folder it is in.
fn split_of(name: &str) -> Option<String> {
    let mut parts = name.rsplit('/');
    let file = parts.next().unwrap_or(name);
    let stem = file.split(['-', '.']).next().unwrap_or(file);
    [Some(stem), parts.next()].into_iter().flatten().find(|word| is_split(word)).map(str::to_owned)
}

fn is_split(word: &str) -> bool {
    SPLITS.iter().any(|split| word.strip_prefix(split).is_some_and(|rest| rest.is_empty() || rest.starts_with('_')))
}

/// The folders a file is in, without that of the split.
fn config_of(name: &str) -> String {
    let folders = name.rsplit_once('/').map_or("", |(folders, _)| folders);
    match folders.rsplit_once('/').map_or(("", folders), |(before, last)| (before, last)) {
        (before, last) if is_split(last) => before.to_owned(),
        _ => folders.to_owned(),
    }
}

fn distinct(words: impl Iterator<Item = String>) -> Vec<String> {
    let mut words: Vec<String> = words.collect();
    words.sort_unstable();
    words.dedup();
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(names: &[&str], config: Option<&str>, split: Option<&str>) -> Result<Vec<String>> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        choose("here", &names, &Wanted { config: config.map(str::to_owned), split: split.map(str::to_owned) })
    }

    const SQUAD: &[&str] =
        &[".gitattributes", "README.md", "plain_text/train-00000-of-00001.parquet", "plain_text/validation-00000-of-00001.parquet"];
    const ULTRACHAT: &[&str] = &[
        "data/test_sft-00000-of-00001-f7dfac4afe5b93f4.parquet",
        "data/train_gen-00000-of-00003-a6c9fb894be3e50b.parquet",
        "data/train_sft-00001-of-00003-3d4cd8309148a71f.parquet",
        "data/train_sft-00000-of-00003-a3ecf92756993583.parquet",
    ];
    const CONVERTED: &[&str] = &["default/test/0000.parquet", "default/train/0001.parquet", "default/train/0000.parquet"];

    #[test]
    fn the_published_layouts() {
        assert_eq!(chosen(SQUAD, None, Some("validation")).unwrap(), SQUAD[3..]);
        assert_eq!(chosen(ULTRACHAT, None, Some("train_sft")).unwrap(), [ULTRACHAT[3], ULTRACHAT[2]]);
        assert_eq!(chosen(CONVERTED, None, Some("train")).unwrap(), [CONVERTED[2], CONVERTED[1]]);
        assert_eq!(chosen(&["dev-v1.1.json", "train-v1.1.json"], None, Some("dev")).unwrap(), ["dev-v1.1.json"]);
        assert_eq!(chosen(&["part-1.jsonl", "part-0.jsonl", "notes.txt"], None, None).unwrap(), ["part-0.jsonl", "part-1.jsonl"]);
    }

    #[test]
    fn splits_and_configurations_are_not_mixed() {
        let error = chosen(ULTRACHAT, None, None).unwrap_err();
        assert_eq!(error.to_string(), "here holds several splits: test_sft, train_gen, train_sft");
        assert_eq!(error.hint().unwrap(), "say which of the splits is meant");
        let error = chosen(ULTRACHAT, None, Some("train")).unwrap_err();
        assert_eq!(error.to_string(), "here has no data files of the split \"train\"");
        assert_eq!(error.hint().unwrap(), "its splits: test_sft, train_gen, train_sft");
        let two = ["a/train-0.parquet", "b/train-0.parquet", "ab/train-0.parquet"];
        assert!(matches!(chosen(&two, None, Some("train")).unwrap_err(), Error::Several { what: "configurations", .. }));
        assert_eq!(chosen(&two, Some("a"), Some("train")).unwrap(), ["a/train-0.parquet"]);
        assert!(matches!(chosen(&["README.md", "dataset_infos.json"], None, None).unwrap_err(), Error::NoFiles { .. }));
    }

    #[test]
    fn a_folder_on_disk() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("sub")).unwrap();
        for name in ["b.jsonl", "a.jsonl", ".hidden.jsonl", "README.md"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let found = files(folder.path(), &Wanted::default()).unwrap();
        assert_eq!(found, [folder.path().join("a.jsonl"), folder.path().join("b.jsonl")]);
        assert_eq!(files(&found[0], &Wanted::default()).unwrap(), found[..1]);
    }
}
