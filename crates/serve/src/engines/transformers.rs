//! Hugging Face Transformers: `transformers serve`, on CPUs and GPUs.
//!
//! Options and routes as in transformers 5.23: `src/transformers/cli/serve.py`, `cli/serving/server.py`. The model is pinned, so requests name it by its
//! path; fields the API does not know, such as `ignore_eos`, are refused (`cli/serving/utils.py`), and the last event always has `usage`
//! (`cli/serving/chat_completion.py`). It has no metrics and tells no memory. It quantises as it loads by bitsandbytes
//! (`cli/serving/model_manager.py`: `LLM.int8()`, and NF4 with double quantisation). An adapter folder is served as a model when `peft` is installed.

use std::num::NonZeroU32;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Engine, Line, Server, Target, check_share, read_options};
use crate::artifact::Artifact;
use crate::error::Result;
use crate::in_flight::InFlight;
use crate::keys;
use crate::launch::{About, Launch, Length, OptionKey, Origin, Prompts, Signal, Speaks, Start, Stop, Tells, Version};

/// Its registry entry.
pub(super) static ENGINE: Transformers = Transformers;

/// See the module.
pub(super) struct Transformers;

/// Its keys in a plan.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Options {
    dtype: Option<String>,
    quantisation: Option<String>,
    device: Option<String>,
    attention: Option<String>,
    continuous_batching: Option<bool>,
    max_batch_tokens: Option<NonZeroU32>,
    gpu_memory: Option<f64>,
}

const SPEAKS: Speaks = Speaks { prompts: Prompts::CHAT_AND_TEXT, length: Length::Natural, usage: true };

/// Its words for quantising as it loads.
const IN_FLIGHT: &[InFlight] = &[InFlight::int8("bnb-8bit"), InFlight::int4("bnb-4bit")];

impl Engine for Transformers {
    fn about(&self) -> &'static About {
        &About {
            name: "transformers",
            summary: "Hugging Face Transformers: model folders, adapters and GGUF files on CPUs and GPUs",
            keys: &[
                keys::DTYPE,
                OptionKey { name: "quantisation", help: "bnb-4bit or bnb-8bit; without it as the model says" },
                OptionKey { name: "device", help: "such as cpu or cuda:0; without it a GPU where there is one" },
                OptionKey { name: "attention", help: "the implementation of attention, such as sdpa; without it the model's own" },
                OptionKey { name: "continuous_batching", help: "whether requests share steps; without it false" },
                OptionKey {
                    name: "max_batch_tokens",
                    help: "most tokens of a step with continuous batching; without it the engine chooses",
                },
                OptionKey {
                    name: "gpu_memory",
                    help: "most of the GPU's memory for the KV pool with continuous batching, above 0 and at most 1",
                },
            ],
            origin: Origin::Foreign,
            speaks: SPEAKS,
            in_flight: IN_FLIGHT,
            written_for: Some("5"),
            install: "pip install 'transformers[serving]' torch",
        }
    }

    fn check(&self, options: &Map<String, Value>) -> Result<()> {
        let (_, own) = read_options::<Options>(self, options)?;
        check_share(self, "gpu_memory", own.gpu_memory)
    }

    fn program(&self, options: &Map<String, Value>) -> Result<Option<Start>> {
        let (common, _): (_, Options) = read_options(self, options)?;
        Ok(Some(Line::of(common.program("transformers")).start()))
    }

    fn launch(&self, options: &Map<String, Value>, target: &Target<'_>) -> Result<Launch> {
        let (common, options): (_, Options) = read_options(self, options)?;
        let quantisation = target.quantisation(self, options.quantisation)?;
        let program = common.program("transformers");
        let version = Version::Command(Line::of(program.clone()).word("version").start());
        let artifact = Artifact::read("transformers", target.artifact)?;
        let model = match &artifact {
            Artifact::Folder(path) | Artifact::Adapter { folder: path, .. } => path.display().to_string(),
            // `<folder>:<file>.gguf`
            Artifact::Gguf(path) => match (path.parent(), path.file_name()) {
                (Some(folder), Some(file)) => format!("{}:{}", folder.display(), file.display()),
                _ => return Err(artifact.refused("transformers", "it is not a file in a folder")),
            },
        };
        let line = Line::of(program)
            .word("serve")
            .word(&model)
            .flag("--host", "127.0.0.1")
            .flag("--port", common.port(target).to_string())
            .flag_if("--dtype", options.dtype)
            .flag_if("--quantization", quantisation)
            .flag_if("--device", options.device)
            .flag_if("--attn-implementation", options.attention)
            .flag_if("--cb-max-batch-tokens", options.max_batch_tokens)
            .flag_if("--cb-max-memory-percent", options.gpu_memory);
        let line = if options.continuous_batching == Some(true) { line.word("--continuous-batching") } else { line };
        let server = Server {
            ready: "/health",
            model_name: model,
            speaks: SPEAKS,
            version,
            tells: Tells::default(),
            stop: Stop { signal: Signal::Terminate, grace_s: 10 },
        };
        Ok(common.launch(target, line, server))
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
            "folder",
            expect![[r#"
            transformers serve DIR/folder --host 127.0.0.1 --port 40001
            model "DIR/folder" at Port(40001)
        "#]],
        );
        check_launch(
            &ENGINE,
            &json!({"dtype": "bfloat16", "device": "cuda:0", "attention": "sdpa", "continuous_batching": true, "gpu_memory": 0.5, "max_batch_tokens": 2048}),
            "folder",
            expect![[r#"
                transformers serve DIR/folder --host 127.0.0.1 --port 40001 --dtype bfloat16 --device cuda:0 --attn-implementation sdpa --cb-max-batch-tokens 2048 --cb-max-memory-percent 0.5 --continuous-batching
                model "DIR/folder" at Port(40001)
            "#]],
        );
        check_launch(
            &ENGINE,
            &json!({"quantisation": "bnb-4bit"}),
            "folder",
            expect![[r#"
            transformers serve DIR/folder --host 127.0.0.1 --port 40001 --quantization bnb-4bit
            model "DIR/folder" at Port(40001)
        "#]],
        );
        check_launch(
            &ENGINE,
            &json!({}),
            "adapter",
            expect![[r#"
            transformers serve DIR/adapter --host 127.0.0.1 --port 40001
            model "DIR/adapter" at Port(40001)
        "#]],
        );
        check_launch(
            &ENGINE,
            &json!({}),
            "m.gguf",
            expect![[r#"
            transformers serve DIR:m.gguf --host 127.0.0.1 --port 40001
            model "DIR:m.gguf" at Port(40001)
        "#]],
        );
    }

    #[test]
    fn what_it_cannot_serve() {
        check_launch(
            &ENGINE,
            &json!({"gpu_memory": -1}),
            "folder",
            expect![[r#"
                engine "transformers": gpu_memory is -1, and must be above 0 and at most 1
                hint: the keys of "transformers" are: dtype, quantisation, device, attention, continuous_batching, max_batch_tokens, gpu_memory, program, port, version, ready_timeout_s, extra_args
            "#]],
        );
    }

    #[test]
    fn quantised_as_it_loads() {
        check_quantised(
            &ENGINE,
            &json!({}),
            Quantised::InFlight(Precision::Int8),
            expect![[r#"
            transformers serve DIR/folder --host 127.0.0.1 --port 40001 --quantization bnb-8bit
            model "DIR/folder" at Port(40001)
        "#]],
        );
        check_quantised(
            &ENGINE,
            &json!({"quantisation": "bnb-8bit"}),
            Quantised::InFlight(Precision::Int4),
            expect![[r#"
            engine "transformers" cannot quantise to int4 as it loads: "bnb-8bit" gives int8
            hint: its words for that are: bnb-4bit; without `quantisation` it is bnb-4bit
        "#]],
        );
    }
}
