//! PEFT folders: written and read back, and refused when they are not what they seem.

use std::path::Path;

use adapt::{Error, lora, peft};
use model::Base;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::tiny;

/// A folder that PEFT wrote, with its configuration changed.
fn changed(change: impl FnOnce(&mut Value)) -> TempDir {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/llama/adapter");
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(fixture.join(peft::WEIGHTS_FILE), folder.path().join(peft::WEIGHTS_FILE)).unwrap();
    let mut config: Value = serde_json::from_str(&std::fs::read_to_string(fixture.join(peft::CONFIG_FILE)).unwrap()).unwrap();
    change(&mut config);
    std::fs::write(folder.path().join(peft::CONFIG_FILE), config.to_string()).unwrap();
    folder
}

fn refused(change: impl FnOnce(&mut Value)) -> String {
    let folder = changed(change);
    let message = peft::read(folder.path()).unwrap_err().to_string();
    message.replace(&folder.path().display().to_string(), "DIR")
}

#[test]
fn what_is_written_is_read_back() {
    let (_, adapter) = tiny::adapted(Base::AsStored, 0.05);
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("adapter");
    peft::write(&out, &adapter, "some/base").unwrap();
    let read = peft::read(&out).unwrap();
    assert_eq!((read.config.rank, read.scale(), read.config.dropout), (3, 2.0, 0.05));
    assert_eq!(read.modules.len(), adapter.modules.len());
    for update in &read.modules {
        let module = adapter.modules.iter().find(|m| m.name == update.name).unwrap();
        assert_eq!((tiny::flat(&update.a), tiny::flat(&update.b)), (tiny::flat(&module.a), tiny::flat(&module.b)));
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary folder is left");
    assert!(matches!(peft::write(&out, &adapter, "some/base"), Err(Error::Exists { .. })));
}

#[test]
fn a_draft_that_is_not_finished_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    drop(peft::Draft::new(&folder.path().join("adapter")).unwrap());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn variants_that_mean_something_else_are_refused_by_name() {
    let file = "DIR/adapter_config.json";
    assert_eq!(refused(|c| c["use_rslora"] = json!(true)), format!("{file}: use_rslora = true is not supported"));
    assert_eq!(refused(|c| c["use_dora"] = json!(true)), format!("{file}: use_dora = true is not supported"));
    assert_eq!(refused(|c| c["bias"] = json!("all")), format!(r#"{file}: bias = "all" is not supported"#));
    assert_eq!(refused(|c| c["peft_type"] = json!("IA3")), format!(r#"{file}: peft_type = "IA3" is not supported"#));
    assert_eq!(refused(|c| c["rank_pattern"] = json!({"q": 8})), format!(r#"{file}: rank_pattern = {{"q":8}} is not supported"#));
    assert_eq!(refused(|c| c["novelty"] = json!(3)), format!("{file}: novelty = 3 is not supported"));
}

#[test]
fn contradictions_are_found() {
    let file = "DIR/adapter_config.json";
    assert_eq!(refused(|c| c["r"] = json!(0)), format!("{file}: r is missing or no sensible value"));
    assert_eq!(refused(|c| c["lora_alpha"] = Value::Null), format!("{file}: lora_alpha is missing or no sensible value"));
    assert!(refused(|c| c["r"] = json!(8)).contains("mlp.down_proj.lora_A.weight has the shape [4, 48], the rank is 8"));
    let folder = changed(|_| ());
    std::fs::write(folder.path().join(peft::WEIGHTS_FILE), b"\xff\xff\xff\xff\xff\xff\xff\x7f{}").unwrap();
    assert!(peft::read(folder.path()).is_err());
    std::fs::remove_file(folder.path().join(peft::WEIGHTS_FILE)).unwrap();
    assert!(peft::read(folder.path()).is_err());
}

#[test]
fn an_adapter_of_another_model_is_refused() {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/llama/adapter");
    let mut model = model::Decoder::random(&tiny::config(), 1, &tiny::options(Base::AsStored)).unwrap();
    let message = lora::attach_peft(&mut model, &peft::read(&fixture).unwrap()).unwrap_err().to_string();
    assert!(message.ends_with("down_proj is 64 by 96, its update is 32 by 48"), "{message}");
}

#[test]
fn a_target_that_the_model_lacks_is_an_error_with_those_it_has() {
    let mut model = model::Decoder::random(&tiny::config(), 1, &tiny::options(Base::AsStored)).unwrap();
    let config = lora::Config { targets: vec!["q_proj".to_owned(), "query".to_owned()], ..tiny::lora(0.0) };
    let error = lora::attach(&mut model, &config, 0).unwrap_err();
    assert_eq!(error.to_string(), "no linear layer is named query");
    assert_eq!(error.hint().unwrap(), "one of: down_proj, gate_proj, k_proj, o_proj, q_proj, up_proj, v_proj");
    for bad in [lora::Config { rank: 0, ..tiny::lora(0.0) }, lora::Config { alpha: -1.0, ..tiny::lora(0.0) }, tiny::lora(1.0)] {
        assert!(matches!(lora::attach(&mut model, &bad, 0), Err(Error::Setting { .. })));
    }
}
