//! A launch as text, for snapshots of what each engine is started with. Only tests use it.

use std::path::Path;

use expect_test::Expect;
use serde_json::Value;

use crate::engines::{Engine, Target};
use crate::in_flight::Quantised;
use crate::launch::{Launch, Start};

/// Launches `artifact` of a folder that has one of each kind (`folder`, `adapter`, `m.gguf`, and `m.bin`, which is none).
#[expect(clippy::needless_pass_by_value, reason = "expect! makes a value at each call")]
pub(crate) fn check_launch(engine: &dyn Engine, options: &Value, artifact: &str, want: Expect) {
    want.assert_eq(&launched(engine, options, artifact, Quantised::AsTold));
}

/// The same where the plan says whether the engine is to quantise the model folder that it is given.
#[expect(clippy::needless_pass_by_value, reason = "expect! makes a value at each call")]
pub(crate) fn check_quantised(engine: &dyn Engine, options: &Value, quantised: Quantised, want: Expect) {
    want.assert_eq(&launched(engine, options, "folder", quantised));
}

fn launched(engine: &dyn Engine, options: &Value, artifact: &str, quantised: Quantised) -> String {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write("folder/config.json", "{}");
    write("adapter/adapter_config.json", r#"{"base_model_name_or_path": "org/base", "r": 12}"#);
    write("m.gguf", "");
    write("m.bin", "");
    let artifact = folder.path().join(artifact);
    let target = Target {
        own_program: Path::new("/bin/edge-eval"),
        artifact: &artifact,
        model_name: "tiny",
        quantised,
        concurrency: 3,
        port: 40_001,
        scratch: &folder.path().join("scratch"),
    };
    let options = options.as_object().unwrap();
    let got = match engine.check(options).and_then(|()| engine.launch(options, &target)) {
        Ok(launch) => text(&launch),
        Err(error) => format!("{error}\nhint: {}\n", error.hint().unwrap_or_default()),
    };
    got.replace(&folder.path().display().to_string(), "DIR")
}

fn text(launch: &Launch) -> String {
    let begin = launch.start.as_ref().map_or_else(|| "nothing is started".to_owned(), start);
    let then = launch.after_ready.iter().map(|step| format!("then {}", start(step)));
    let model = format!("model {:?} at {:?}\n", launch.model_name, launch.address);
    std::iter::once(begin).chain(then).chain([model]).collect::<Vec<_>>().join("\n")
}

fn start(start: &Start) -> String {
    let files = start.files.iter().map(|(path, content)| format!("{}: {content:?}\n", path.display()));
    let environment = start.environment.iter().map(|(name, value)| format!("{name}={} ", value.display()));
    let words = std::iter::once(start.program.as_os_str()).chain(start.args.iter().map(std::ffi::OsString::as_os_str));
    let words: Vec<_> = words.map(|word| word.display().to_string()).collect();
    files.chain(environment).chain([words.join(" ")]).collect()
}
