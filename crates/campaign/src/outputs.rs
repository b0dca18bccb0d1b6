//! What a command left, looked at before anything reads it: the files that an adapter, a model folder or a GGUF file cannot be without, and that
//! they begin as such files do. Weights are not read; that is the work of whoever uses them.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Read},
    path::Path,
};

use plan::Gives;
use serde_json::{Map, Value};
use units::Bytes;

use crate::error::{Error, Result};

/// Longest JSON beside weights that is believed.
const CONFIG_LIMIT: u64 = 16 << 20;
/// Longest header of a safetensors file: the format's own limit.
const HEADER_LIMIT: u64 = 100_000_000;
/// Versions of GGUF that are known.
const GGUF_VERSIONS: std::ops::RangeInclusive<u32> = 2..=3;
/// The file names of the adapter formats.
const ADAPTER_CONFIG: &str = "adapter_config.json";
const ADAPTER_WEIGHTS: &str = "adapter_model.safetensors";

/// Looks at what a command left at `path`, and gives the files there with their sizes, by their paths below it.
///
/// # Errors
/// [`Error::Output`] when it is not what the plan says that it gives.
pub(crate) fn look(gives: Gives, path: &Path) -> Result<BTreeMap<String, Bytes>> {
    let wrong = |problem| Error::Output { gives, path: path.to_owned(), problem };
    match gives {
        Gives::Adapter => adapter(path),
        Gives::Folder => folder(path),
        Gives::Gguf => gguf(path),
    }
    .and_then(|()| sizes(path))
    .map_err(wrong)
}

/// Or why something is not as it must be.
type Looked<T> = std::result::Result<T, String>;

fn adapter(path: &Path) -> Looked<()> {
    is_folder(path)?;
    let pickled = path.join("adapter_model.bin").exists() && !path.join(ADAPTER_WEIGHTS).exists();
    if pickled {
        return Err("its weights are adapter_model.bin, a pickle, which is never read".to_owned());
    }
    json(&path.join(ADAPTER_CONFIG))?;
    safetensors(&path.join(ADAPTER_WEIGHTS))
}

fn folder(path: &Path) -> Looked<()> {
    is_folder(path)?;
    json(&path.join("config.json"))?;
    let mut entries = fs::read_dir(path).and_then(Iterator::collect::<io::Result<Vec<_>>>).map_err(|error| error.to_string())?;
    entries.retain(|entry| entry.path().extension().is_some_and(|extension| extension == "safetensors"));
    if entries.is_empty() {
        return Err("no file in it ends in .safetensors".to_owned());
    }
    entries.iter().try_for_each(|entry| safetensors(&entry.path()))
}

fn gguf(path: &Path) -> Looked<()> {
    if path.is_dir() {
        return Err("it is a folder, not a file".to_owned());
    }
    let (mut file, length) = open(path)?;
    let mut head = [0; 8];
    if length < head.len() as u64 || file.read_exact(&mut head).is_err() || &head[..4] != b"GGUF" {
        return Err("it does not begin as a GGUF file does".to_owned());
    }
    let version = u32::from_le_bytes([head[4], head[5], head[6], head[7]]);
    if GGUF_VERSIONS.contains(&version) { Ok(()) } else { Err(format!("it is of GGUF version {version}, and 2 and 3 are known")) }
}

/// Checks the header of a safetensors file: its length, and that the bytes it tells of are there.
fn safetensors(path: &Path) -> Looked<()> {
    let name = name(path);
    let (mut file, length) = open(path)?;
    let mut head = [0; 8];
    file.read_exact(&mut head).map_err(|_| format!("{name} has {length} bytes, too few for a safetensors file"))?;
    let size = u64::from_le_bytes(head);
    let rest = length - head.len() as u64;
    if size > HEADER_LIMIT || size > rest {
        return Err(format!("{name} is no whole safetensors file: its header would have {size} bytes, and {rest} follow"));
    }
    let mut header = Vec::new();
    file.take(size).read_to_end(&mut header).map_err(|error| format!("{name}: {error}"))?;
    let header: Map<String, Value> = serde_json::from_slice(&header).map_err(|error| format!("{name}: its header is no JSON: {error}"))?;
    let tensors = header.iter().filter(|(tensor, _)| *tensor != "__metadata__");
    let ends = tensors.map(|(tensor, about)| {
        let end = about.get("data_offsets").and_then(|offsets| offsets.get(1)).and_then(Value::as_u64);
        end.ok_or_else(|| format!("{name}: tensor {tensor:?} does not say where it ends"))
    });
    let ends = ends.collect::<Looked<Vec<_>>>()?;
    match ends.iter().max() {
        None => Err(format!("{name} has no tensors")),
        Some(&end) if end > rest - size => Err(format!("{name} is cut short: its tensors have {end} bytes, and {} are there", rest - size)),
        Some(_) => Ok(()),
    }
}

fn json(path: &Path) -> Looked<()> {
    let name = name(path);
    let (file, length) = open(path)?;
    if length > CONFIG_LIMIT {
        return Err(format!("{name} has {length} bytes, more than {CONFIG_LIMIT}"));
    }
    let mut text = Vec::new();
    file.take(CONFIG_LIMIT).read_to_end(&mut text).map_err(|error| format!("{name}: {error}"))?;
    serde_json::from_slice::<Map<String, Value>>(&text).map(drop).map_err(|error| format!("{name} is no JSON object: {error}"))
}

fn is_folder(path: &Path) -> Looked<()> {
    match fs::metadata(path) {
        Ok(about) if about.is_dir() => Ok(()),
        Ok(_) => Err("it is a file, not a folder".to_owned()),
        Err(_) => Err("there is nothing".to_owned()),
    }
}

/// A regular file and its length; a pipe or a device would be waited for.
fn open(path: &Path) -> Looked<(File, u64)> {
    let name = name(path);
    let about = fs::metadata(path).map_err(|_| format!("{name} is not there"))?;
    if !about.is_file() {
        return Err(format!("{name} is no regular file"));
    }
    let file = File::open(path).map_err(|error| format!("{name}: {error}"))?;
    Ok((file, about.len()))
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Every file at or below a path. Links are not followed.
fn sizes(path: &Path) -> Looked<BTreeMap<String, Bytes>> {
    let mut sizes = BTreeMap::new();
    let mut left = vec![path.to_owned()];
    while let Some(next) = left.pop() {
        let io = |error: io::Error| format!("{}: {error}", name(&next));
        let about = fs::symlink_metadata(&next).map_err(io)?;
        if about.is_dir() {
            for entry in fs::read_dir(&next).map_err(io)? {
                left.push(entry.map_err(io)?.path());
            }
        } else if about.is_file() {
            let below = next.strip_prefix(path).ok().filter(|below| !below.as_os_str().is_empty());
            let told = below.map_or_else(|| name(&next), |below| below.to_string_lossy().into_owned());
            sizes.insert(told, Bytes(about.len()));
        }
    }
    Ok(sizes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A safetensors file of one tensor of 4 bytes.
    fn weights() -> Vec<u8> {
        let header = br#"{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#;
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend_from_slice(header);
        bytes.extend([0; 4]);
        bytes
    }

    /// A folder with these files.
    fn made(files: &[(&str, &[u8])]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, bytes) in files {
            fs::write(folder.path().join(name), bytes).unwrap();
        }
        folder
    }

    fn problem(gives: Gives, files: &[(&str, &[u8])]) -> String {
        let folder = made(files);
        match look(gives, folder.path()) {
            Err(Error::Output { problem, .. }) => problem,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_whole_is_listed_with_its_sizes() {
        let weights = weights();
        let folder = made(&[(ADAPTER_CONFIG, b"{}"), (ADAPTER_WEIGHTS, &weights), ("README.md", b"hi")]);
        let sizes = look(Gives::Adapter, folder.path()).unwrap();
        assert_eq!(sizes["README.md"], Bytes(2));
        assert_eq!((sizes.len(), sizes[ADAPTER_WEIGHTS]), (3, Bytes(weights.len() as u64)));
        assert!(look(Gives::Folder, made(&[("config.json", b"{}"), ("model.safetensors", &weights)]).path()).is_ok());
        let folder = made(&[("model.gguf", b"GGUF\x03\0\0\0")]);
        assert_eq!(look(Gives::Gguf, &folder.path().join("model.gguf")).unwrap()["model.gguf"], Bytes(8));
    }

    #[test]
    fn what_is_not_there_is_told() {
        let weights = weights();
        assert_eq!(problem(Gives::Adapter, &[(ADAPTER_WEIGHTS, &weights)]), "adapter_config.json is not there");
        assert_eq!(problem(Gives::Adapter, &[(ADAPTER_CONFIG, b"{}")]), "adapter_model.safetensors is not there");
        assert_eq!(problem(Gives::Folder, &[("config.json", b"{}")]), "no file in it ends in .safetensors");
        assert!(problem(Gives::Adapter, &[(ADAPTER_CONFIG, b"{}"), ("adapter_model.bin", b"\x80")]).contains("pickle"));
        let error = look(Gives::Gguf, Path::new("/nowhere/model.gguf")).unwrap_err();
        assert_eq!(error.to_string(), "the command left no GGUF file at /nowhere/model.gguf: model.gguf is not there");
        assert!(look(Gives::Folder, Path::new("/nowhere")).unwrap_err().to_string().ends_with("there is nothing"));
        assert!(error.hint().unwrap().contains("{out}"));
    }

    #[test]
    fn what_is_broken_is_told() {
        let weights = weights();
        let adapter = |weights: &[u8]| problem(Gives::Adapter, &[(ADAPTER_CONFIG, b"{}"), (ADAPTER_WEIGHTS, weights)]);
        assert!(adapter(b"abc").contains("too few"));
        assert!(adapter(&u64::MAX.to_le_bytes()).contains("its header would have"));
        assert!(adapter(&weights[..weights.len() - 1]).contains("cut short"));
        assert!(adapter(b"\x02\0\0\0\0\0\0\0{}").contains("no tensors"));
        assert!(adapter(b"\x02\0\0\0\0\0\0\0{x").contains("no JSON"));
        assert!(problem(Gives::Adapter, &[(ADAPTER_CONFIG, b"[]"), (ADAPTER_WEIGHTS, &weights)]).contains("no JSON object"));
        let folder = made(&[("model.gguf", b"GGJT\x03\0\0\0"), ("old.gguf", b"GGUF\x09\0\0\0")]);
        let told = |name: &str| look(Gives::Gguf, &folder.path().join(name)).unwrap_err().to_string();
        assert!(told("model.gguf").contains("does not begin"));
        assert!(told("old.gguf").contains("version 9"));
    }
}
