//! The engine this project carries: this program itself, as `edge-eval serve`.

use std::num::NonZeroU32;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Engine, Line, Target, read_options};
use crate::artifact::Artifact;
use crate::error::Result;
use crate::keys;
use crate::launch::{About, Address, Launch, Length, OptionKey, Origin, Place, Prompts, Signal, Speaks, Start, Stop, Tells, Version};

/// Its registry entry.
pub(super) static ENGINE: Embedded = Embedded;

/// See the module.
pub(super) struct Embedded;

const SPEAKS: Speaks = Speaks { prompts: Prompts::ALL, length: Length::IgnoreEos, usage: true };

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
    fn about(&self) -> &'static About {
        &About {
            name: "embedded",
            summary: "this program's own engine: LLaMA and Qwen2 models from Hugging Face folders and GGUF files, on the CPU",
            keys: &[
                OptionKey {
                    name: "context_length",
                    help: "longest prompt plus answer in tokens; without it the model's own, at most 4096",
                },
                keys::MAX_CONCURRENT_AS_PLANNED,
                OptionKey { name: "compute", help: "number format of dense weights: auto (as stored), f32 or f16; without it auto" },
                OptionKey { name: "threads", help: "threads of the arithmetic; without it one for each core" },
            ],
            origin: Origin::Own,
            speaks: SPEAKS,
            in_flight: &[],
            written_for: None,
            install: "it is part of this program",
        }
    }

    fn check(&self, options: &Map<String, Value>) -> Result<()> {
        read_options::<Options>(self, options).map(drop)
    }

    fn program(&self, _: &Map<String, Value>) -> Result<Option<Start>> {
        Ok(None)
    }

    fn launch(&self, options: &Map<String, Value>, target: &Target<'_>) -> Result<Launch> {
        let (common, options): (_, Options) = read_options(self, options)?;
        target.quantisation(self, None)?;
        let max_concurrent = options.max_concurrent.map_or(target.concurrency.max(1), NonZeroU32::get);
        let line = Line::of(target.own_program).word("serve");
        let line = match Artifact::read("embedded", target.artifact)? {
            Artifact::Folder(path) | Artifact::Gguf(path) => line.word(path),
            Artifact::Adapter { folder, base, .. } => line.word(base).flag("--adapter", folder),
        };
        let line = line
            .flag("--port", "0")
            .flag("--model-name", target.model_name)
            .flag("--max-concurrent", max_concurrent.to_string())
            .flag_if("--context-length", options.context_length)
            .flag_if("--compute", options.compute.map(Compute::name))
            .word("--json");
        // The arithmetic has two pools of threads, and each reads its own variable when it starts.
        let pools = ["RAYON_NUM_THREADS", "CANDLE_NUM_THREADS"];
        let variables = options.threads.iter().flat_map(|threads| pools.map(|pool| (pool, threads.to_string())));
        let line = variables.fold(line, |line, (name, value)| line.variable(name, value));
        Ok(Launch {
            start: Some(Start { own: true, ..line.start() }),
            address: Address::LineProtocol,
            ready: Some(common.ready("/health")),
            after_ready: Vec::new(),
            model_name: target.model_name.to_owned(),
            speaks: SPEAKS,
            api_key_env: None,
            version: Version::Own,
            wanted_version: None,
            tells: Tells {
                metrics: Some("/metrics"),
                weights: Some(Place::Series("edge_eval_weights_bytes")),
                kv_peak: Some(Place::Series("edge_eval_kv_cache_peak_bytes")),
                kv_used: Some(Place::Series("edge_eval_kv_cache_bytes")),
                running: Some(Place::Series("edge_eval_requests_running")),
                waiting: Some(Place::Series("edge_eval_requests_waiting")),
                ..Tells::default()
            },
            stop: Stop { signal: Signal::Terminate, grace_s: 10 },
        })
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use plan::Precision;
    use serde_json::json;

    use super::ENGINE;
    use crate::in_flight::Quantised;
    use crate::testing::{check_launch, check_quantised};

    #[test]
    fn command_lines() {
        check_launch(
            &ENGINE,
            &json!({}),
            "m.gguf",
            expect![[r#"
            /bin/edge-eval serve DIR/m.gguf --port 0 --model-name tiny --max-concurrent 3 --json
            model "tiny" at LineProtocol
        "#]],
        );
        check_launch(
            &ENGINE,
            &json!({"context_length": 512, "max_concurrent": 8, "compute": "f16", "threads": 2}),
            "folder",
            expect![[r#"
                RAYON_NUM_THREADS=2 CANDLE_NUM_THREADS=2 /bin/edge-eval serve DIR/folder --port 0 --model-name tiny --max-concurrent 8 --context-length 512 --compute f16 --json
                model "tiny" at LineProtocol
            "#]],
        );
        check_launch(
            &ENGINE,
            &json!({}),
            "adapter",
            expect![[r#"
            /bin/edge-eval serve org/base --adapter DIR/adapter --port 0 --model-name tiny --max-concurrent 3 --json
            model "tiny" at LineProtocol
        "#]],
        );
    }

    #[test]
    fn bad_options_and_artifacts() {
        check_launch(
            &ENGINE,
            &json!({"contxt_length": 512}),
            "m.gguf",
            expect![[r#"
            engine "embedded": unknown field `contxt_length`, expected one of `context_length`, `max_concurrent`, `compute`, `threads`
            hint: the keys of "embedded" are: context_length, max_concurrent, compute, threads
        "#]],
        );
        check_launch(
            &ENGINE,
            &json!({"compute": "int3"}),
            "m.gguf",
            expect![[r#"
            engine "embedded": unknown variant `int3`, expected one of `auto`, `f32`, `f16`
            hint: the keys of "embedded" are: context_length, max_concurrent, compute, threads
        "#]],
        );
        check_launch(
            &ENGINE,
            &json!({"threads": 0}),
            "m.gguf",
            expect![[r#"
            engine "embedded": invalid value: integer `0`, expected a nonzero u32
            hint: the keys of "embedded" are: context_length, max_concurrent, compute, threads
        "#]],
        );
        check_launch(
            &ENGINE,
            &json!({"port": 8000}),
            "m.gguf",
            expect![[r#"
            engine "embedded": unknown field `port`, expected one of `context_length`, `max_concurrent`, `compute`, `threads`
            hint: the keys of "embedded" are: context_length, max_concurrent, compute, threads
        "#]],
        );
        check_launch(
            &ENGINE,
            &json!({}),
            "m.bin",
            expect![[r#"
                engine "embedded" cannot serve DIR/m.bin: it is neither a model folder nor a .gguf file
                hint: give a Hugging Face model folder, a PEFT adapter folder or a .gguf file, as `edge-eval list engines` tells of the engine
            "#]],
        );
        check_launch(
            &ENGINE,
            &json!({}),
            "absent.gguf",
            expect![[r#"
                engine "embedded" cannot serve DIR/absent.gguf: there is no such file or folder
                hint: give a Hugging Face model folder, a PEFT adapter folder or a .gguf file, as `edge-eval list engines` tells of the engine
            "#]],
        );
        check_launch(
            &ENGINE,
            &json!({}),
            "",
            expect![[r#"
                engine "embedded" cannot serve DIR/: the folder has no config.json
                hint: give a Hugging Face model folder, a PEFT adapter folder or a .gguf file, as `edge-eval list engines` tells of the engine
            "#]],
        );
    }

    #[test]
    fn quantised_as_it_loads() {
        check_quantised(
            &ENGINE,
            &json!({}),
            Quantised::InFlight(Precision::Int4),
            expect![[r#"
            engine "embedded" cannot quantise to int4 as it loads: it quantises nothing then
            hint: let the plan quantise for it: leave `compress` out, or give it a command; other engines can, as `edge-eval list engines` tells
        "#]],
        );
    }
}
