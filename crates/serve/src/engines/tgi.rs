//! Text Generation Inference: `text-generation-launcher`, on GPUs. In maintenance mode since the end of 2025.
//!
//! Options as in its `docs/source/reference/launcher.md`, metrics as in `docs/source/reference/metrics.md` (3.3). It forces no length
//! (`router/src/validation.rs` sets `ignore_eos_token` to false), tells no memory, and requests name the base model `tgi`
//! (`router/src/server.rs`). Its launcher puts every shard in a process group of its own, so a meter of the launcher's group sees the launcher only.

use std::num::NonZeroU32;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Engine, Line, Server, Target, check_share, read_options};
use crate::artifact::Artifact;
use crate::error::Result;
use crate::in_flight::{InFlight, Quantised};
use crate::keys;
use crate::launch::{About, Launch, Length, OptionKey, Origin, Place, Prompts, Signal, Speaks, Start, Stop, Tells, Version};

/// Its registry entry.
pub(super) static ENGINE: Tgi = Tgi;

/// See the module.
pub(super) struct Tgi;

/// Its keys in a plan.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Options {
    dtype: Option<String>,
    quantisation: Option<String>,
    context_length: Option<NonZeroU32>,
    max_concurrent: Option<NonZeroU32>,
    tensor_parallel: Option<NonZeroU32>,
    gpu_memory: Option<f64>,
}

const SPEAKS: Speaks = Speaks { prompts: Prompts::CHAT_AND_TEXT, length: Length::Natural, usage: true };

const TELLS: Tells = Tells {
    metrics: Some("/metrics"),
    weights: None,
    kv_pool: None,
    kv_peak: None,
    kv_used: None,
    running: Some(Place::Series("tgi_batch_current_size")),
    waiting: Some(Place::Series("tgi_queue_size")),
    more: &[("steps", Place::Series("tgi_batch_inference_count"))],
};

/// Its words for quantising as it loads.
const IN_FLIGHT: &[InFlight] = &[
    InFlight::int8("bitsandbytes"),
    InFlight::int8("eetq"),
    InFlight::int8("fp8"),
    InFlight::int4("bitsandbytes-nf4"),
    InFlight::int4("bitsandbytes-fp4"),
];

impl Engine for Tgi {
    fn about(&self) -> &'static About {
        &About {
            name: "tgi",
            summary: "Text Generation Inference: model folders and adapters on GPUs",
            keys: &[
                OptionKey { name: "dtype", help: "number format of weights and arithmetic: float16 or bfloat16; not with quantisation" },
                OptionKey {
                    name: "quantisation",
                    help: "how weights are quantised, such as bitsandbytes-nf4 or fp8; without it as the model says",
                },
                keys::CONTEXT_LENGTH,
                OptionKey { name: "max_concurrent", help: "requests accepted at the same time; without it the engine's own limit" },
                OptionKey { name: "tensor_parallel", help: "GPUs that share each layer; without it all" },
                OptionKey { name: "gpu_memory", help: "share of each GPU's memory to use, above 0 and at most 1; without it 1" },
            ],
            origin: Origin::Foreign,
            speaks: SPEAKS,
            in_flight: IN_FLIGHT,
            written_for: Some("3.3"),
            install: "see huggingface.co/docs/text-generation-inference (a container, or a build from source)",
        }
    }

    fn check(&self, options: &Map<String, Value>) -> Result<()> {
        let (_, own) = read_options::<Options>(self, options)?;
        check_share(self, "gpu_memory", own.gpu_memory)
    }

    fn program(&self, options: &Map<String, Value>) -> Result<Option<Start>> {
        let (common, _): (_, Options) = read_options(self, options)?;
        Ok(Some(Line::of(common.program("text-generation-launcher")).start()))
    }

    fn launch(&self, options: &Map<String, Value>, target: &Target<'_>) -> Result<Launch> {
        let (common, options): (_, Options) = read_options(self, options)?;
        let quantisation = target.quantisation(self, options.quantisation)?;
        // The two options exclude each other: a number format is for the cells that are not quantised.
        let dtype = options.dtype.filter(|_| !matches!(target.quantised, Quantised::InFlight(_)));
        let line = Line::of(common.program("text-generation-launcher"));
        let artifact = Artifact::read("tgi", target.artifact)?;
        let (line, model_name) = match &artifact {
            Artifact::Folder(path) => (line.flag("--model-id", path), "tgi".to_owned()),
            Artifact::Adapter { folder, base, .. } => {
                let adapter = format!("{}={}", target.model_name, folder.display());
                (line.flag("--model-id", base).flag("--lora-adapters", adapter), target.model_name.to_owned())
            }
            Artifact::Gguf(_) => return Err(artifact.refused("tgi", "it takes no GGUF files")),
        };
        let line = line
            .flag("--hostname", "127.0.0.1")
            .flag("--port", common.port(target).to_string())
            .flag_if("--dtype", dtype)
            .flag_if("--quantize", quantisation)
            .flag_if("--max-total-tokens", options.context_length)
            .flag_if("--max-concurrent-requests", options.max_concurrent)
            .flag_if("--num-shard", options.tensor_parallel)
            .flag_if("--cuda-memory-fraction", options.gpu_memory)
            .flag("--usage-stats", "off");
        let server = Server {
            ready: "/health",
            model_name,
            speaks: SPEAKS,
            version: Version::Route { path: "/info", pointer: "/version" },
            tells: TELLS,
            stop: Stop { signal: Signal::Terminate, grace_s: 90 },
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
            text-generation-launcher --model-id DIR/folder --hostname 127.0.0.1 --port 40001 --usage-stats off
            model "tgi" at Port(40001)
        "#]],
        );
        check_launch(
            &ENGINE,
            &json!({"dtype": "bfloat16", "context_length": 4096, "gpu_memory": 0.8, "tensor_parallel": 2, "max_concurrent": 256}),
            "folder",
            expect![[r#"
                text-generation-launcher --model-id DIR/folder --hostname 127.0.0.1 --port 40001 --dtype bfloat16 --max-total-tokens 4096 --max-concurrent-requests 256 --num-shard 2 --cuda-memory-fraction 0.8 --usage-stats off
                model "tgi" at Port(40001)
            "#]],
        );
        check_launch(
            &ENGINE,
            &json!({"quantisation": "bitsandbytes-nf4"}),
            "folder",
            expect![[r#"
            text-generation-launcher --model-id DIR/folder --hostname 127.0.0.1 --port 40001 --quantize bitsandbytes-nf4 --usage-stats off
            model "tgi" at Port(40001)
        "#]],
        );
        check_launch(
            &ENGINE,
            &json!({}),
            "adapter",
            expect![[r#"
            text-generation-launcher --model-id org/base --lora-adapters tiny=DIR/adapter --hostname 127.0.0.1 --port 40001 --usage-stats off
            model "tiny" at Port(40001)
        "#]],
        );
    }

    #[test]
    fn what_it_cannot_serve() {
        check_launch(
            &ENGINE,
            &json!({}),
            "m.gguf",
            expect![[r#"
                engine "tgi" cannot serve DIR/m.gguf: it takes no GGUF files
                hint: give a Hugging Face model folder, a PEFT adapter folder or a .gguf file, as `edge-eval list engines` tells of the engine
            "#]],
        );
    }

    #[test]
    fn quantised_as_it_loads() {
        check_quantised(
            &ENGINE,
            &json!({"dtype": "bfloat16"}),
            Quantised::InFlight(Precision::Int8),
            expect![[r#"
            text-generation-launcher --model-id DIR/folder --hostname 127.0.0.1 --port 40001 --quantize bitsandbytes --usage-stats off
            model "tgi" at Port(40001)
        "#]],
        );
        check_quantised(
            &ENGINE,
            &json!({"dtype": "bfloat16"}),
            Quantised::Not,
            expect![[r#"
            text-generation-launcher --model-id DIR/folder --hostname 127.0.0.1 --port 40001 --dtype bfloat16 --usage-stats off
            model "tgi" at Port(40001)
        "#]],
        );
        check_quantised(
            &ENGINE,
            &json!({"quantisation": "bitsandbytes-fp4"}),
            Quantised::InFlight(Precision::Int4),
            expect![[r#"
            text-generation-launcher --model-id DIR/folder --hostname 127.0.0.1 --port 40001 --quantize bitsandbytes-fp4 --usage-stats off
            model "tgi" at Port(40001)
        "#]],
        );
    }
}
