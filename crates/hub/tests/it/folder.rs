//! Folders and files named by their path.

use std::path::Path;

use hub::{Kind, Require, Silent, Source};
use tempfile::TempDir;

use crate::{offline, resolve, shown, write_model, write_sharded};

fn name(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn complaint(break_it: impl Fn(&Path)) -> String {
    let folder = TempDir::new().unwrap();
    write_sharded(folder.path());
    break_it(folder.path());
    shown(&resolve(&offline(folder.path()), name(folder.path())).unwrap_err(), folder.path())
}

fn remove(folder: &Path, file: &str) {
    std::fs::remove_file(folder.join(file)).unwrap();
}

#[test]
fn a_single_and_a_sharded_folder() {
    let folder = TempDir::new().unwrap();
    write_model(folder.path());
    let single = resolve(&offline(folder.path()), name(folder.path())).unwrap();
    assert_eq!((single.kind, single.weight_bytes, single.weights.len(), single.tokenizer), (Kind::Folder, 100, 1, true));
    write_sharded(folder.path());
    let sharded = resolve(&offline(folder.path()), name(folder.path())).unwrap();
    assert_eq!((sharded.weight_bytes, sharded.weights.len()), (120, 2));
    assert!(sharded.weights[0].ends_with("model-00001-of-00002.safetensors"));
}

#[test]
fn a_gguf_file() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("m.GGUF");
    std::fs::write(&file, "GGUF").unwrap();
    let found = resolve(&offline(folder.path()), name(&file)).unwrap();
    assert_eq!((found.kind, found.weight_bytes, found.path), (Kind::Gguf, 4, file));
}

#[test]
fn all_that_is_missing_is_named_at_once() {
    let complaint = complaint(|folder| {
        remove(folder, "config.json");
        remove(folder, "tokenizer.json");
        remove(folder, "model-00002-of-00002.safetensors");
    });
    assert_eq!(
        complaint,
        "model folder DIR lacks config.json, model-00002-of-00002.safetensors, tokenizer.json\n\
         hint: copy the missing files into the folder from where the model came"
    );
}

#[test]
fn pickles_are_refused_by_name() {
    let complaint = complaint(|folder| {
        for file in ["model.safetensors.index.json", "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"] {
            remove(folder, file);
        }
        std::fs::write(folder.join("pytorch_model.bin"), "x").unwrap();
    });
    assert!(complaint.starts_with("the weights of DIR are not safetensors: pytorch_model.bin\nhint: convert them"), "{complaint}");
}

#[test]
fn a_pointer_is_not_the_file() {
    let complaint = complaint(|folder| {
        std::fs::write(folder.join("model-00001-of-00002.safetensors"), "version https://git-lfs.github.com/spec/v1\n").unwrap();
    });
    assert_eq!(
        complaint,
        "DIR/model-00001-of-00002.safetensors is a Git LFS pointer, not the file itself\nhint: run `git lfs pull` in that folder"
    );
}

#[test]
fn an_index_cannot_point_elsewhere() {
    let complaint = complaint(|folder| {
        std::fs::write(folder.join("model.safetensors.index.json"), r#"{"weight_map": {"a": "../../etc/passwd"}}"#).unwrap();
    });
    assert!(complaint.starts_with("DIR/model.safetensors.index.json: weight file `../../etc/passwd` is not a file name"), "{complaint}");
}

#[test]
fn broken_json_is_named() {
    let index = complaint(|folder| std::fs::write(folder.join("model.safetensors.index.json"), "{").unwrap());
    assert!(index.starts_with("DIR/model.safetensors.index.json: EOF"), "{index}");
    let config = complaint(|folder| std::fs::write(folder.join("config.json"), "[]").unwrap());
    assert!(config.starts_with("DIR/config.json: invalid type"), "{config}");
}

#[test]
fn what_is_no_model() {
    let folder = TempDir::new().unwrap();
    let nothing = folder.path().join("nothing");
    let error = resolve(&offline(folder.path()), name(&nothing)).unwrap_err();
    assert!(shown(&error, folder.path()).starts_with("DIR/nothing does not exist\nhint: "));
    let text = folder.path().join("a.txt");
    std::fs::write(&text, "x").unwrap();
    let error = resolve(&offline(folder.path()), name(&text)).unwrap_err();
    assert!(shown(&error, folder.path()).starts_with("DIR/a.txt is neither a model folder nor a .gguf file\nhint: "));
}

#[test]
fn made_up_weights_need_a_config_only() {
    let folder = TempDir::new().unwrap();
    let source = Source::Path(folder.path().to_owned());
    let hub = offline(folder.path());
    assert!(hub.resolve(&source, Require::Config, &Silent).is_err());
    std::fs::write(folder.path().join("config.json"), "{}").unwrap();
    let found = hub.resolve(&source, Require::Config, &Silent).unwrap();
    assert_eq!((found.weights.len(), found.weight_bytes, found.tokenizer), (0, 0, false));
}
