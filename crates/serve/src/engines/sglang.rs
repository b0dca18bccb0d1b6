//! `SGLang`: `python -m sglang.launch_server`, on GPUs.
//!
//! Options and metrics as in `SGLang` 0.5.10: `sglang/srt/server_args.py`, `sglang/srt/entrypoints/http_server.py` (`/health`,
//! `/server_info`), `sglang/srt/observability/metrics_collector.py`, and its documentation's "Production Metrics". Bytes of weights and of the
//! KV pool stand in the log (`model_runner.py`, `mem_cache/memory_pool.py`). A request names an adapter as `base:adapter`
//! (`entrypoints/openai/serving_base.py`). It quantises as it loads by `docs/advanced_features/quantization.md`, "Online Quantization".

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
pub(super) static ENGINE: Sglang = Sglang;

/// See the module.
pub(super) struct Sglang;

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
    weights: Some(Place::Log(&[&["Load weight end.", "mem usage="]])),
    kv_pool: Some(Place::Log(&[
        &["KV Cache is allocated.", "K size:"],
        &["KV Cache is allocated.", "V size:"],
        &["KV Cache is allocated.", "KV size:"],
    ])),
    kv_peak: None,
    kv_used: Some(Place::ShareOfPool("sglang:token_usage")),
    running: Some(Place::Series("sglang:num_running_reqs")),
    waiting: Some(Place::Series("sglang:num_queue_reqs")),
    more: &[
        ("kv_pool_tokens", Place::Series("sglang:max_total_num_tokens")),
        ("retractions", Place::Series("sglang:num_retracted_requests_total")),
    ],
};

/// Its words for quantising as it loads.
const IN_FLIGHT: &[InFlight] = &[
    InFlight::int8("fp8"),
    InFlight::int8("mxfp8"),
    InFlight::int8("int8wo"),
    InFlight::int8("int8dq"),
    InFlight::int8("fp8wo"),
    InFlight::int8("fp8dq-per_tensor"),
    InFlight::int8("fp8dq-per_row"),
    InFlight::int4("int4wo-128"),
    InFlight::int4("int4wo-32"),
    InFlight::int4("int4wo-64"),
    InFlight::int4("int4wo-256"),
];

/// Those of them that are torchao's, and have an option of their own.
const TORCHAO: &[&str] =
    &["int8wo", "int8dq", "fp8wo", "fp8dq-per_tensor", "fp8dq-per_row", "int4wo-128", "int4wo-32", "int4wo-64", "int4wo-256"];

impl Engine for Sglang {
    fn about(&self) -> &'static About {
        &About {
            name: "sglang",
            summary: "SGLang: model folders, adapters and GGUF files on GPUs",
            keys: &[
                keys::DTYPE,
                OptionKey { name: "quantisation", help: "how weights are quantised, such as fp8 or awq; without it as the model says" },
                keys::LOAD_FORMAT,
                OptionKey { name: "tokenizer", help: "folder or hub id of the tokenizer; without it the model's own" },
                keys::CONTEXT_LENGTH,
                keys::MAX_CONCURRENT,
                keys::TENSOR_PARALLEL,
                OptionKey {
                    name: "gpu_memory",
                    help: "share of each GPU's memory for weights and KV pool, above 0 and at most 1; without it the engine chooses",
                },
                keys::PREFIX_CACHING,
            ],
            origin: Origin::Foreign,
            speaks: SPEAKS,
            in_flight: IN_FLIGHT,
            written_for: Some("0.5"),
            install: "pip install sglang (docs.sglang.ai tells the builds for each GPU)",
        }
    }

    fn check(&self, options: &Map<String, Value>) -> Result<()> {
        let (_, own) = read_options::<Options>(self, options)?;
        check_share(self, "gpu_memory", own.gpu_memory)
    }

    fn program(&self, options: &Map<String, Value>) -> Result<Option<Start>> {
        let (common, _): (_, Options) = read_options(self, options)?;
        Ok(Some(Line::module(common.program("python3"), "sglang.launch_server", "sglang").start()))
    }

    fn launch(&self, options: &Map<String, Value>, target: &Target<'_>) -> Result<Launch> {
        let (common, options): (_, Options) = read_options(self, options)?;
        let quantisation = target.quantisation(self, options.quantisation)?;
        let by_torchao = quantisation.as_deref().is_some_and(|word| TORCHAO.contains(&word));
        let line = Line::module(common.program("python3"), "sglang.launch_server", "sglang");
        let mut model_name = target.model_name.to_owned();
        let line = match Artifact::read("sglang", target.artifact)? {
            Artifact::Folder(path) => line.flag("--model-path", path),
            Artifact::Gguf(path) => line.flag("--model-path", path).flag("--quantization", "gguf").flag("--load-format", "gguf"),
            Artifact::Adapter { folder, base, .. } => {
                model_name = format!("{}:adapter", target.model_name);
                let adapter = format!("adapter={}", folder.display());
                line.flag("--model-path", base).word("--enable-lora").flag("--lora-paths", adapter)
            }
        };
        let line = line
            .flag("--served-model-name", target.model_name)
            .flag("--host", "127.0.0.1")
            .flag("--port", common.port(target).to_string())
            .word("--enable-metrics")
            .word("--enable-cache-report")
            .flag_if("--dtype", options.dtype)
            .flag_if(if by_torchao { "--torchao-config" } else { "--quantization" }, quantisation)
            .flag_if("--load-format", options.load_format)
            .flag_if("--tokenizer-path", options.tokenizer)
            .flag_if("--context-length", options.context_length)
            .flag_if("--max-running-requests", options.max_concurrent)
            .flag_if("--tensor-parallel-size", options.tensor_parallel)
            .flag_if("--mem-fraction-static", options.gpu_memory);
        // Its cache is on unless it is told otherwise.
        let line = if options.prefix_caching == Some(false) { line.word("--disable-radix-cache") } else { line };
        let server = Server {
            ready: "/health",
            model_name,
            speaks: SPEAKS,
            version: Version::Route { path: "/server_info", pointer: "/version" },
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
            python3 -m sglang.launch_server --model-path DIR/folder --served-model-name tiny --host 127.0.0.1 --port 40001 --enable-metrics --enable-cache-report
            model "tiny" at Port(40001)
        "#]],
        );
        check_launch(
            &ENGINE,
            &json!({"dtype": "bfloat16", "context_length": 4096, "gpu_memory": 0.8, "tensor_parallel": 2, "max_concurrent": 256, "prefix_caching": false}),
            "folder",
            expect![[r#"
                python3 -m sglang.launch_server --model-path DIR/folder --served-model-name tiny --host 127.0.0.1 --port 40001 --enable-metrics --enable-cache-report --dtype bfloat16 --context-length 4096 --max-running-requests 256 --tensor-parallel-size 2 --mem-fraction-static 0.8 --disable-radix-cache
                model "tiny" at Port(40001)
            "#]],
        );
        check_launch(
            &ENGINE,
            &json!({"quantisation": "fp8"}),
            "folder",
            expect![[r#"
            python3 -m sglang.launch_server --model-path DIR/folder --served-model-name tiny --host 127.0.0.1 --port 40001 --enable-metrics --enable-cache-report --quantization fp8
            model "tiny" at Port(40001)
        "#]],
        );
        check_launch(
            &ENGINE,
            &json!({}),
            "adapter",
            expect![[r#"
            python3 -m sglang.launch_server --model-path org/base --enable-lora --lora-paths adapter=DIR/adapter --served-model-name tiny --host 127.0.0.1 --port 40001 --enable-metrics --enable-cache-report
            model "tiny:adapter" at Port(40001)
        "#]],
        );
        check_launch(
            &ENGINE,
            &json!({"tokenizer": "org/base"}),
            "m.gguf",
            expect![[r#"
            python3 -m sglang.launch_server --model-path DIR/m.gguf --quantization gguf --load-format gguf --served-model-name tiny --host 127.0.0.1 --port 40001 --enable-metrics --enable-cache-report --tokenizer-path org/base
            model "tiny" at Port(40001)
        "#]],
        );
    }

    #[test]
    fn what_it_cannot_serve() {
        check_launch(
            &ENGINE,
            &json!({"gpu_memory": 0}),
            "folder",
            expect![[r#"
                engine "sglang": gpu_memory is 0, and must be above 0 and at most 1
                hint: the keys of "sglang" are: dtype, quantisation, load_format, tokenizer, context_length, max_concurrent, tensor_parallel, gpu_memory, prefix_caching, program, port, version, ready_timeout_s, extra_args
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
            python3 -m sglang.launch_server --model-path DIR/folder --served-model-name tiny --host 127.0.0.1 --port 40001 --enable-metrics --enable-cache-report --quantization fp8
            model "tiny" at Port(40001)
        "#]],
        );
        check_quantised(
            &ENGINE,
            &json!({}),
            Quantised::InFlight(Precision::Int4),
            expect![[r#"
            python3 -m sglang.launch_server --model-path DIR/folder --served-model-name tiny --host 127.0.0.1 --port 40001 --enable-metrics --enable-cache-report --torchao-config int4wo-128
            model "tiny" at Port(40001)
        "#]],
        );
        check_quantised(
            &ENGINE,
            &json!({"quantisation": "awq"}),
            Quantised::InFlight(Precision::Int4),
            expect![[r#"
            engine "sglang" cannot quantise to int4 as it loads: "awq" is not known to do that
            hint: its words for that are: int4wo-128, int4wo-32, int4wo-64, int4wo-256; without `quantisation` it is int4wo-128
        "#]],
        );
    }
}
