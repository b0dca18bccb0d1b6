//! The engine this project carries: this program itself, as `edge-eval serve`.

use std::ffi::OsString;
use std::num::NonZeroU32;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Address, Engine, Launch, OptionKey, Target, read_options};
use crate::error::{Error, Result};

/// Its registry entry.
pub(super) static ENGINE: Embedded = Embedded;

/// See the module.
pub(super) struct Embedded;

/// Its keys in a plan.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Options {
    context_length: Option<NonZeroU32>,
    max_concurrent: Option<NonZeroU32>,
    compute: Option<Compute>,
    threads: Option<NonZeroU32>,
}

/// Number format of dense weights and of the arithmetic.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Compute {
    Auto,
    F32,
    F16,
}

impl Compute {
    fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::F32 => "f32",
            Self::F16 => "f16",
        }
    }
}

impl Engine for Embedded {
    fn name(&self) -> &'static str {
        "embedded"
    }

    fn summary(&self) -> &'static str {
        "this program's own engine: LLaMA and Qwen2 models from Hugging Face folders and GGUF files, on the CPU"
    }

    fn keys(&self) -> &'static [OptionKey] {
        &[
            OptionKey { name: "context_length", help: "longest prompt plus answer in tokens; without it the model's own, at most 4096" },
            OptionKey { name: "max_concurrent", help: "sequences decoded at the same time; without it the plan's concurrency" },
            OptionKey { name: "compute", help: "number format of dense weights: auto (as stored), f32 or f16; without it auto" },
            OptionKey { name: "threads", help: "threads of the arithmetic; without it one for each core" },
        ]
    }

    fn check(&self, options: &Map<String, Value>) -> Result<()> {
        read_options::<Options>(self, options).map(drop)
    }

    fn launch(&self, options: &Map<String, Value>, target: &Target<'_>) -> Result<Launch> {
        let options: Options = read_options(self, options)?;
        check_artifact(target)?;
        let max_concurrent = options.max_concurrent.map_or(target.concurrency.max(1), NonZeroU32::get);
        let mut args: Vec<OsString> = vec!["serve".into(), target.artifact.into()];
        let mut flag = |name: &str, value: &str| args.extend([name.into(), value.into()]);
        flag("--port", "0");
        flag("--model-name", target.model_name);
        flag("--max-concurrent", &max_concurrent.to_string());
        if let Some(length) = options.context_length {
            flag("--context-length", &length.to_string());
        }
        if let Some(compute) = options.compute {
            flag("--compute", compute.name());
        }
        args.push("--json".into());
        // The arithmetic has two pools of threads, and each reads its own variable when it starts.
        let pools = ["RAYON_NUM_THREADS", "CANDLE_NUM_THREADS"];
        let environment = options.threads.map(|threads| pools.map(|pool| (pool, threads.to_string().into())).into()).unwrap_or_default();
        Ok(Launch {
            program: target.own_program.to_owned(),
            args,
            environment,
            address: Address::LineProtocol,
            ready_path: "/health",
            model_name: target.model_name.to_owned(),
            weights_metric: Some("edge_eval_weights_bytes"),
            kv_metric: Some("edge_eval_kv_cache_peak_bytes"),
        })
    }
}

fn check_artifact(target: &Target<'_>) -> Result<()> {
    let artifact = target.artifact;
    let fail = |reason: &str| Err(Error::Artifact { engine: "embedded", artifact: artifact.to_owned(), reason: reason.to_owned() });
    if artifact.is_dir() {
        if artifact.join("config.json").is_file() { Ok(()) } else { fail("the folder has no config.json") }
    } else if !artifact.exists() {
        fail("there is no such file or folder")
    } else if artifact.extension().is_some_and(|extension| extension == "gguf") {
        Ok(())
    } else {
        fail("it is neither a model folder nor a .gguf file")
    }
}

#[cfg(test)]
#[expect(clippy::needless_raw_string_hashes, reason = "expect-test writes its snapshots so")]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};
    use serde_json::json;
    use std::path::Path;

    #[expect(clippy::needless_pass_by_value, reason = "expect! makes a value at each call")]
    fn check(options: &Value, artifact: &str, want: Expect) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("model.gguf"), "").unwrap();
        std::fs::write(folder.path().join("model.bin"), "").unwrap();
        let artifact = folder.path().join(artifact);
        let target = Target { own_program: Path::new("/bin/edge-eval"), artifact: &artifact, model_name: "tiny", concurrency: 3 };
        let got = match ENGINE.launch(options.as_object().unwrap(), &target) {
            Ok(launch) => {
                let args: Vec<_> = launch.args.iter().map(|arg| arg.to_string_lossy().into_owned()).collect();
                format!("{} {}\n{:?}", launch.program.display(), args.join(" "), launch.environment)
            }
            Err(error) => format!("{error}\nhint: {}", error.hint().unwrap_or_default()),
        };
        want.assert_eq(&got.replace(&folder.path().display().to_string(), "FOLDER"));
    }

    #[test]
    fn command_lines() {
        check(
            &json!({}),
            "model.gguf",
            expect![[r#"
            /bin/edge-eval serve FOLDER/model.gguf --port 0 --model-name tiny --max-concurrent 3 --json
            []"#]],
        );
        check(
            &json!({"context_length": 512, "max_concurrent": 8, "compute": "f16", "threads": 2}),
            "model.gguf",
            expect![[r#"
                /bin/edge-eval serve FOLDER/model.gguf --port 0 --model-name tiny --max-concurrent 8 --context-length 512 --compute f16 --json
                [("RAYON_NUM_THREADS", "2"), ("CANDLE_NUM_THREADS", "2")]"#]],
        );
    }

    #[test]
    fn bad_options_and_artifacts() {
        check(
            &json!({"contxt_length": 512}),
            "model.gguf",
            expect![[r#"
            engine "embedded": unknown field `contxt_length`, expected one of `context_length`, `max_concurrent`, `compute`, `threads`
            hint: the keys of "embedded" are: context_length, max_concurrent, compute, threads"#]],
        );
        check(
            &json!({"compute": "int3"}),
            "model.gguf",
            expect![[r#"
            engine "embedded": unknown variant `int3`, expected one of `auto`, `f32`, `f16`
            hint: the keys of "embedded" are: context_length, max_concurrent, compute, threads"#]],
        );
        check(
            &json!({"threads": 0}),
            "model.gguf",
            expect![[r#"
            engine "embedded": invalid value: integer `0`, expected a nonzero u32
            hint: the keys of "embedded" are: context_length, max_concurrent, compute, threads"#]],
        );
        check(
            &json!({}),
            "model.bin",
            expect![[r#"
            engine "embedded" cannot serve FOLDER/model.bin: it is neither a model folder nor a .gguf file
            hint: give a Hugging Face model folder or a .gguf file"#]],
        );
        check(
            &json!({}),
            "absent.gguf",
            expect![[r#"
            engine "embedded" cannot serve FOLDER/absent.gguf: there is no such file or folder
            hint: give a Hugging Face model folder or a .gguf file"#]],
        );
        check(
            &json!({}),
            "",
            expect![[r#"
            engine "embedded" cannot serve FOLDER/: the folder has no config.json
            hint: give a Hugging Face model folder or a .gguf file"#]],
        );
    }
}
