//! What an engine is given to serve, told by its files: a Hugging Face model folder, a PEFT adapter folder, or a GGUF file. Weights are
//! not looked into.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// A `config.json` is text of some kilobytes; one beyond this is not believed.
const CONFIG_LIMIT: u64 = 1 << 20;

/// What is to be served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Artifact {
    /// A model folder with `config.json`.
    Folder(PathBuf),
    /// A PEFT adapter folder with `adapter_config.json`.
    Adapter {
        /// The folder.
        folder: PathBuf,
        /// What its `base_model_name_or_path` names: a folder or a hub id.
        base: PathBuf,
        /// Its rank `r`.
        rank: u64,
    },
    /// A GGUF file.
    Gguf(PathBuf),
}

impl Artifact {
    /// Tells what lies at a path.
    ///
    /// # Errors
    /// [`Error::Artifact`] when it is none of the three.
    pub(crate) fn read(engine: &'static str, path: &Path) -> Result<Self> {
        let fail = |reason: String| Error::Artifact { engine, artifact: path.to_owned(), reason };
        if path.join("adapter_config.json").is_file() {
            return adapter(path).map_err(fail);
        }
        if path.is_dir() {
            return if path.join("config.json").is_file() {
                Ok(Self::Folder(path.to_owned()))
            } else {
                Err(fail("the folder has no config.json".to_owned()))
            };
        }
        if !path.exists() {
            return Err(fail("there is no such file or folder".to_owned()));
        }
        if path.extension().is_some_and(|extension| extension == "gguf") {
            return Ok(Self::Gguf(path.to_owned()));
        }
        Err(fail("it is neither a model folder nor a .gguf file".to_owned()))
    }

    /// An error that says why this engine cannot serve it.
    pub(crate) fn refused(&self, engine: &'static str, reason: &str) -> Error {
        let (Self::Folder(path) | Self::Adapter { folder: path, .. } | Self::Gguf(path)) = self;
        Error::Artifact { engine, artifact: path.clone(), reason: reason.to_owned() }
    }
}

fn adapter(path: &Path) -> std::result::Result<Artifact, String> {
    let file = path.join("adapter_config.json");
    let size = fs::metadata(&file).map_err(|error| format!("adapter_config.json: {error}"))?.len();
    if size > CONFIG_LIMIT {
        return Err(format!("adapter_config.json has {size} bytes, more than {CONFIG_LIMIT}"));
    }
    let text = fs::read_to_string(&file).map_err(|error| format!("adapter_config.json: {error}"))?;
    let config: serde_json::Value = serde_json::from_str(&text).map_err(|error| format!("adapter_config.json: {error}"))?;
    let base = config.get("base_model_name_or_path").and_then(serde_json::Value::as_str).filter(|base| !base.is_empty());
    let base = base.ok_or("its adapter_config.json does not name its base model (base_model_name_or_path)")?;
    let rank = config.get("r").and_then(serde_json::Value::as_u64).ok_or("its adapter_config.json has no rank (r)")?;
    Ok(Artifact::Adapter { folder: path.to_owned(), base: base.into(), rank })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_an_adapter_and_a_file_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in ["model", "adapter", "empty"] {
            fs::create_dir(at(name)).unwrap();
        }
        fs::write(at("model/config.json"), "{}").unwrap();
        fs::write(at("adapter/adapter_config.json"), r#"{"base_model_name_or_path": "org/base", "r": 16}"#).unwrap();
        fs::write(at("m.gguf"), "").unwrap();
        let read = |name: &str| Artifact::read("x", &at(name));
        assert_eq!(read("model").unwrap(), Artifact::Folder(at("model")));
        assert_eq!(read("adapter").unwrap(), Artifact::Adapter { folder: at("adapter"), base: "org/base".into(), rank: 16 });
        assert_eq!(read("m.gguf").unwrap(), Artifact::Gguf(at("m.gguf")));
        assert!(read("empty").unwrap_err().to_string().ends_with("the folder has no config.json"));
        assert!(read("absent").unwrap_err().to_string().ends_with("there is no such file or folder"));
    }

    #[test]
    fn a_broken_adapter_config_is_an_error_that_says_what_is_wrong() {
        for (text, reason) in [
            ("{", "EOF"),
            ("{}", "does not name its base model"),
            (r#"{"base_model_name_or_path": ""}"#, "does not name its base model"),
            (r#"{"base_model_name_or_path": "b"}"#, "has no rank"),
        ] {
            let folder = tempfile::tempdir().unwrap();
            fs::write(folder.path().join("adapter_config.json"), text).unwrap();
            let error = Artifact::read("x", folder.path()).unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
        }
    }
}
