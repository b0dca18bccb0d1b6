//! Recipes: listed, written beside a plan, and never over what is there.

use std::fs;

use crate::edge_eval;

fn init(arguments: &[&str], folder: &std::path::Path) -> (Option<i32>, String, String) {
    let answer = edge_eval().arg("init").args(arguments).current_dir(folder).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (answer.status.code(), text(&answer.stdout), text(&answer.stderr))
}

#[test]
fn a_recipe_is_its_fragment_and_its_script() {
    let folder = tempfile::tempdir().unwrap();
    let (code, told, _) = init(&["--recipe", "gptq", "my-plans"], folder.path());
    assert_eq!((code, told.as_str()), (Some(0), "my-plans/gptq.toml\nmy-plans/llm_compressor.py\n"));
    let fragment = fs::read_to_string(folder.path().join("my-plans/gptq.toml")).unwrap();
    assert!(fragment.contains("{plan}/llm_compressor.py"));
    // A script that recipes share is there already.
    let (code, told, _) = init(&["--recipe", "awq", "my-plans"], folder.path());
    assert_eq!((code, told.as_str()), (Some(0), "my-plans/awq.toml\n"));
}

#[test]
fn what_is_there_is_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("peft_trl.py");
    fs::write(&script, "# mine\n").unwrap();
    let (code, _, complaint) = init(&["--recipe", "peft-lora"], folder.path());
    assert_eq!(code, Some(1));
    assert!(complaint.contains("peft_trl.py") && complaint.contains("name another place"), "{complaint}");
    assert_eq!(fs::read_to_string(script).unwrap(), "# mine\n");
}

#[test]
fn an_unknown_recipe_names_those_that_are_known() {
    let folder = tempfile::tempdir().unwrap();
    let (code, _, complaint) = init(&["--recipe", "lora"], folder.path());
    assert_eq!(code, Some(2), "{complaint}");
    let listed = edge_eval().args(["list", "recipes"]).output().unwrap();
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    for name in ["peft-lora", "peft-qlora", "llama-quantize", "gptq", "awq", "bitsandbytes"] {
        assert!(complaint.contains(name) && listed.contains(name), "{name}: {complaint} {listed}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}
