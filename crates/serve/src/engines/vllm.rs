//! vLLM: `vllm serve`, on GPUs.
//!
//! Options and metrics as in vLLM 0.24.0: `vllm/engine/arg_utils.py`, `vllm/entrypoints/openai/cli_args.py` (adapters),
//! `vllm/v1/metrics/loggers.py`, `vllm/entrypoints/serve/instrumentator/basic.py` (`/version`). Bytes of weights and of the KV pool stand in
//! the log only (`vllm/v1/worker/gpu_model_runner.py`, `gpu_worker.py`); `/metrics` tells the pool's use as a share. What it
//! quantises as it loads stands in `docs/features/quantization/bnb.md` (4 bits only) and `online.md`. GGUF files need the
//! plugin of github.com/vllm-project/vllm-gguf-plugin since 0.24's load formats no longer have them.

use std::num::NonZeroU32;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Engine, Line, Server, Target, check_share, read_options};
use crate::artifact::Artifact;
use crate::error::Result;
use crate::in_flight::InFlight;
use crate::keys;
use crate::launch::{About, Launch, Length, OptionKey, Origin, Place, Prompts, Signal, Speaks, Start, Stop, Tells, Version};

/// Its registry entry.
pub(super) static ENGINE: Vllm = Vllm;

/// See the module.
pub(super) struct Vllm;

/// Its keys in a plan.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Options {
    dtype: Option<String>,
    quantisation: Option<String>,
    load_format: Option<String>,
    tokenizer: Option<String>,
    context_length: Option<NonZeroU32>,
    max_concurrent: Option<NonZeroU32>,
    tensor_parallel: Option<NonZeroU32>,
    gpu_memory: Option<f64>,
    prefix_caching: Option<bool>,
}

const SPEAKS: Speaks = Speaks { prompts: Prompts::ALL, length: Length::IgnoreEos, usage: true };

const TELLS: Tells = Tells {
    metrics: Some("/metrics"),
    weights: Some(Place::Log(&[&["Model loading took"]])),
    kv_pool: Some(Place::Log(&[&["Available KV cache memory:"]])),
    kv_peak: None,
    kv_used: Some(Place::ShareOfPool("vllm:kv_cache_usage_perc")),
    running: Some(Place::Series("vllm:num_requests_running")),
    waiting: Some(Place::Series("vllm:num_requests_waiting")),
    more: &[
        ("preemptions", Place::Series("vllm:num_preemptions_total")),
        ("steps", Place::Series("vllm:iteration_tokens_total_count")),
        ("kv_blocks", Place::Label { series: "vllm:cache_config_info", label: "num_gpu_blocks" }),
        ("kv_block_tokens", Place::Label { series: "vllm:cache_config_info", label: "block_size" }),
    ],
};

/// The ranks that `--max-lora-rank` takes (`vllm/config/lora.py`).
const LORA_RANKS: &[u64] = &[1, 8, 16, 32, 64, 128, 256, 320, 512];

/// Its words for quantising as it loads.
const IN_FLIGHT: &[InFlight] = &[
    InFlight::int8("fp8"),
    InFlight::int8("fp8_per_tensor"),
    InFlight::int8("fp8_per_block"),
    InFlight::int8("mxfp8"),
    InFlight::int4("bitsandbytes"),
    InFlight::int4("mxfp4"),
];

impl Engine for Vllm {
    fn about(&self) -> &'static About {
        &About {
            name: "vllm",
            summary: "vLLM: model folders and adapters on GPUs",
            keys: &[
                keys::DTYPE,
                OptionKey {
                    name: "quantisation",
                    help: "how weights are quantised, such as bitsandbytes or fp8, with compress = \"engine\" those of quantised cells only; compressed-tensors gives the int8 and int4 strategies W8A16 and W4A16 folders; without it as the model says",
                },
                keys::LOAD_FORMAT,
                OptionKey {
                    name: "tokenizer",
                    help: "folder or hub id of the tokenizer; without it the model's own (GGUF files need one)",
                },
                keys::CONTEXT_LENGTH,
                keys::MAX_CONCURRENT,
                keys::TENSOR_PARALLEL,
                OptionKey { name: "gpu_memory", help: "share of each GPU's memory to use, above 0 and at most 1; without it 0.9" },
                keys::PREFIX_CACHING,
            ],
            origin: Origin::Foreign,
            speaks: SPEAKS,
            in_flight: IN_FLIGHT,
            written_for: Some("0.24"),
            install: "pip install vllm (docs.vllm.ai tells the builds for each GPU)",
        }
    }

    fn check(&self, options: &Map<String, Value>) -> Result<()> {
        let (_, own) = read_options::<Options>(self, options)?;
        check_share(self, "gpu_memory", own.gpu_memory)
    }

    fn program(&self, options: &Map<String, Value>) -> Result<Option<Start>> {
        let (common, _): (_, Options) = read_options(self, options)?;
        Ok(Some(Line::of(common.program("vllm")).start()))
    }

    fn launch(&self, options: &Map<String, Value>, target: &Target<'_>) -> Result<Launch> {
        let (common, options): (_, Options) = read_options(self, options)?;
        let quantisation = target.quantisation(self, options.quantisation)?;
        let line = Line::of(common.program("vllm")).word("serve");
        let line = match Artifact::read("vllm", target.artifact)? {
            Artifact::Folder(path) | Artifact::Gguf(path) => line.word(path).flag("--served-model-name", target.model_name),
            Artifact::Adapter { folder, base, rank } => line
                .word(base)
                .flag("--served-model-name", "base")
                .word("--enable-lora")
                .flag("--lora-modules", format!("{}={}", target.model_name, folder.display()))
                .flag_if("--max-lora-rank", LORA_RANKS.iter().find(|allowed| **allowed >= rank)),
        };
        let line = line
            .flag("--host", "127.0.0.1")
            .flag("--port", common.port(target).to_string())
            .flag_if("--dtype", options.dtype)
            .flag_if("--quantization", quantisation)
            .flag_if("--load-format", options.load_format)
            .flag_if("--tokenizer", options.tokenizer)
            .flag_if("--max-model-len", options.context_length)
            .flag_if("--max-num-seqs", options.max_concurrent)
            .flag_if("--tensor-parallel-size", options.tensor_parallel)
            .flag_if("--gpu-memory-utilization", options.gpu_memory)
            .switch(options.prefix_caching, "--enable-prefix-caching", "--no-enable-prefix-caching")
            // A measured server has no business with others.
            .variable("VLLM_NO_USAGE_STATS", "1");
        let server = Server {
            ready: "/health",
            model_name: target.model_name.to_owned(),
            speaks: SPEAKS,
            version: Version::Route { path: "/version", pointer: "/version" },
            tells: TELLS,
            stop: Stop { signal: Signal::Terminate, grace_s: 30 },
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
            VLLM_NO_USAGE_STATS=1 vllm serve DIR/folder --served-model-name tiny --host 127.0.0.1 --port 40001
            model "tiny" at Port(40001)
        "#]],
        );
        check_launch(
            &ENGINE,
            &json!({"dtype": "bfloat16", "context_length": 4096, "gpu_memory": 0.8, "tensor_parallel": 2, "max_concurrent": 256, "prefix_caching": false}),
            "folder",
            expect![[r#"
                VLLM_NO_USAGE_STATS=1 vllm serve DIR/folder --served-model-name tiny --host 127.0.0.1 --port 40001 --dtype bfloat16 --max-model-len 4096 --max-num-seqs 256 --tensor-parallel-size 2 --gpu-memory-utilization 0.8 --no-enable-prefix-caching
                model "tiny" at Port(40001)
            "#]],
        );
        check_launch(
            &ENGINE,
            &json!({"quantisation": "bitsandbytes"}),
            "folder",
            expect![[r#"
            VLLM_NO_USAGE_STATS=1 vllm serve DIR/folder --served-model-name tiny --host 127.0.0.1 --port 40001 --quantization bitsandbytes
            model "tiny" at Port(40001)
        "#]],
        );
        check_launch(
            &ENGINE,
            &json!({"quantisation": "compressed-tensors"}),
            "folder",
            expect![[r#"
            VLLM_NO_USAGE_STATS=1 vllm serve DIR/folder --served-model-name tiny --host 127.0.0.1 --port 40001
            model "tiny" at Port(40001)
        "#]],
        );
        check_launch(
            &ENGINE,
            &json!({"load_format": "dummy", "port": 8000, "program": "/opt/vllm/bin/vllm", "extra_args": ["--enforce-eager"]}),
            "folder",
            expect![[r#"
                VLLM_NO_USAGE_STATS=1 /opt/vllm/bin/vllm serve DIR/folder --served-model-name tiny --host 127.0.0.1 --port 8000 --load-format dummy --enforce-eager
                model "tiny" at Port(8000)
            "#]],
        );
        check_launch(
            &ENGINE,
            &json!({}),
            "adapter",
            expect![[r#"
            VLLM_NO_USAGE_STATS=1 vllm serve org/base --served-model-name base --enable-lora --lora-modules tiny=DIR/adapter --max-lora-rank 16 --host 127.0.0.1 --port 40001
            model "tiny" at Port(40001)
        "#]],
        );
        check_launch(
            &ENGINE,
            &json!({"tokenizer": "org/base"}),
            "m.gguf",
            expect![[r#"
            VLLM_NO_USAGE_STATS=1 vllm serve DIR/m.gguf --served-model-name tiny --host 127.0.0.1 --port 40001 --tokenizer org/base
            model "tiny" at Port(40001)
        "#]],
        );
    }

    #[test]
    fn what_it_cannot_serve() {
        check_launch(
            &ENGINE,
            &json!({"gpu_memory": 90}),
            "folder",
            expect![[r#"
                engine "vllm": gpu_memory is 90, and must be above 0 and at most 1
                hint: the keys of "vllm" are: dtype, quantisation, load_format, tokenizer, context_length, max_concurrent, tensor_parallel, gpu_memory, prefix_caching, program, port, version, ready_timeout_s, extra_args
            "#]],
        );
        check_launch(
            &ENGINE,
            &json!({"port": 0}),
            "folder",
            expect![[r#"
            engine "vllm": invalid value: integer `0`, expected a nonzero u16
            hint: the keys of "vllm" are: dtype, quantisation, load_format, tokenizer, context_length, max_concurrent, tensor_parallel, gpu_memory, prefix_caching, program, port, version, ready_timeout_s, extra_args
        "#]],
        );
        check_launch(
            &ENGINE,
            &json!({}),
            "m.bin",
            expect![[r#"
                engine "vllm" cannot serve DIR/m.bin: it is neither a model folder nor a .gguf file
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
            VLLM_NO_USAGE_STATS=1 vllm serve DIR/folder --served-model-name tiny --host 127.0.0.1 --port 40001 --quantization bitsandbytes
            model "tiny" at Port(40001)
        "#]],
        );
        check_quantised(
            &ENGINE,
            &json!({"quantisation": "fp8_per_block"}),
            Quantised::InFlight(Precision::Int8),
            expect![[r#"
            VLLM_NO_USAGE_STATS=1 vllm serve DIR/folder --served-model-name tiny --host 127.0.0.1 --port 40001 --quantization fp8_per_block
            model "tiny" at Port(40001)
        "#]],
        );
        check_quantised(
            &ENGINE,
            &json!({"quantisation": "bitsandbytes"}),
            Quantised::InFlight(Precision::Int8),
            expect![[r#"
            engine "vllm" cannot quantise to int8 as it loads: "bitsandbytes" gives int4
            hint: its words for that are: fp8, fp8_per_tensor, fp8_per_block, mxfp8; without `quantisation` it is fp8
        "#]],
        );
        check_quantised(
            &ENGINE,
            &json!({"quantisation": "bitsandbytes"}),
            Quantised::Not,
            expect![[r#"
            VLLM_NO_USAGE_STATS=1 vllm serve DIR/folder --served-model-name tiny --host 127.0.0.1 --port 40001
            model "tiny" at Port(40001)
        "#]],
        );
    }
}
