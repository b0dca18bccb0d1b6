//! TensorRT-LLM: `trtllm-serve`, on NVIDIA GPUs, with its `PyTorch` backend.
//!
//! Options as in `tensorrt_llm/commands/serve.py`, metrics as in `tensorrt_llm/metrics/collector.py` and its example `prometheus_metrics.py`
//! (path `/prometheus/metrics`: `/metrics` is another format there). Number format, quantisation and cache reuse stand in a file of its LLM API's
//! fields, which is YAML; JSON is YAML too. Its `PyTorch` backend serves checkpoints that were quantised before. It takes adapters only with fields that no OpenAI client sends.

use std::num::NonZeroU32;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Engine, Line, Server, Target, check_share, read_options};
use crate::artifact::Artifact;
use crate::error::Result;
use crate::keys;
use crate::launch::{About, Launch, Length, OptionKey, Origin, Place, Prompts, Signal, Speaks, Start, Stop, Tells, Version};

/// Its registry entry.
pub(super) static ENGINE: TrtLlm = TrtLlm;

/// See the module.
pub(super) struct TrtLlm;

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
    prefix_caching: Option<bool>,
}

const SPEAKS: Speaks = Speaks { prompts: Prompts::ALL, length: Length::IgnoreEos, usage: true };

const TELLS: Tells = Tells {
    metrics: Some("/prometheus/metrics"),
    weights: None,
    kv_pool: None,
    kv_peak: None,
    kv_used: None,
    running: Some(Place::Series("trtllm_num_requests_running")),
    waiting: Some(Place::Series("trtllm_num_requests_waiting")),
    more: &[
        ("gpu_memory_bytes", Place::Series("trtllm_gpu_memory_usage_bytes")),
        ("kv_blocks", Place::Series("trtllm_kv_cache_max_blocks")),
        ("kv_blocks_used", Place::Series("trtllm_kv_cache_used_blocks")),
        ("kv_block_tokens", Place::Series("trtllm_kv_cache_tokens_per_block")),
        ("prefix_blocks_reused", Place::Series("trtllm_kv_cache_reused_blocks_total")),
        ("prefix_blocks_missed", Place::Series("trtllm_kv_cache_missed_blocks_total")),
    ],
};

impl Engine for TrtLlm {
    fn about(&self) -> &'static About {
        &About {
            name: "trtllm",
            summary: "TensorRT-LLM: model folders on NVIDIA GPUs",
            keys: &[
                keys::DTYPE,
                OptionKey {
                    name: "quantisation",
                    help: "quant_algo of its LLM API, such as FP8 or W4A16_AWQ; without it as the model says",
                },
                keys::CONTEXT_LENGTH,
                keys::MAX_CONCURRENT,
                keys::TENSOR_PARALLEL,
                OptionKey {
                    name: "gpu_memory",
                    help: "share of the memory left after loading that the KV pool takes, above 0 and at most 1; without it 0.9",
                },
                keys::PREFIX_CACHING,
            ],
            origin: Origin::Foreign,
            speaks: SPEAKS,
            in_flight: &[],
            written_for: Some("1"),
            install: "pip install tensorrt-llm (nvidia.github.io/TensorRT-LLM tells what it needs)",
        }
    }

    fn check(&self, options: &Map<String, Value>) -> Result<()> {
        let (_, own) = read_options::<Options>(self, options)?;
        check_share(self, "gpu_memory", own.gpu_memory)
    }

    fn program(&self, options: &Map<String, Value>) -> Result<Option<Start>> {
        let (common, _): (_, Options) = read_options(self, options)?;
        Ok(Some(Line::of(common.program("trtllm-serve")).start()))
    }

    fn launch(&self, options: &Map<String, Value>, target: &Target<'_>) -> Result<Launch> {
        let (common, options): (_, Options) = read_options(self, options)?;
        let quantisation = target.quantisation(self, options.quantisation.clone())?;
        let program = common.program("trtllm-serve");
        let artifact = Artifact::read("trtllm", target.artifact)?;
        let Artifact::Folder(model) = &artifact else {
            return Err(artifact.refused("trtllm", "it takes model folders only: merge an adapter first, and give no GGUF file"));
        };
        let config = target.scratch.join("trtllm.yaml");
        let line = Line::of(program)
            .word(model)
            .flag("--backend", "pytorch")
            .flag("--host", "127.0.0.1")
            .flag("--port", common.port(target).to_string())
            .flag("--extra_llm_api_options", &config)
            .flag_if("--max_seq_len", options.context_length)
            .flag_if("--max_batch_size", options.max_concurrent)
            .flag_if("--tp_size", options.tensor_parallel)
            .flag_if("--kv_cache_free_gpu_memory_fraction", options.gpu_memory)
            .file(config, llm_api_options(&options, quantisation).to_string());
        let model_name = model.file_name().map_or_else(|| target.model_name.to_owned(), |name| name.display().to_string());
        let server = Server {
            ready: "/health",
            model_name,
            speaks: SPEAKS,
            version: Version::Route { path: "/version", pointer: "/version" },
            tells: TELLS,
            stop: Stop { signal: Signal::Terminate, grace_s: 30 },
        };
        Ok(common.launch(target, line, server))
    }
}

/// The fields of its LLM API that have no option.
fn llm_api_options(options: &Options, quantisation: Option<String>) -> Value {
    // Without the first two its Prometheus page is empty.
    let mut fields = json!({"return_perf_metrics": true, "enable_iter_perf_stats": true});
    if let Some(dtype) = &options.dtype {
        fields["dtype"] = json!(dtype);
    }
    if let Some(quantisation) = quantisation {
        fields["quant_config"] = json!({"quant_algo": quantisation});
    }
    if let Some(reuse) = options.prefix_caching {
        fields["kv_cache_config"] = json!({"enable_block_reuse": reuse});
    }
    fields
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
            DIR/scratch/trtllm.yaml: "{\"return_perf_metrics\":true,\"enable_iter_perf_stats\":true}"
            trtllm-serve DIR/folder --backend pytorch --host 127.0.0.1 --port 40001 --extra_llm_api_options DIR/scratch/trtllm.yaml
            model "folder" at Port(40001)
        "#]],
        );
        check_launch(
            &ENGINE,
            &json!({"dtype": "bfloat16", "context_length": 4096, "gpu_memory": 0.8, "tensor_parallel": 2, "max_concurrent": 256, "prefix_caching": false}),
            "folder",
            expect![[r#"
                DIR/scratch/trtllm.yaml: "{\"return_perf_metrics\":true,\"enable_iter_perf_stats\":true,\"dtype\":\"bfloat16\",\"kv_cache_config\":{\"enable_block_reuse\":false}}"
                trtllm-serve DIR/folder --backend pytorch --host 127.0.0.1 --port 40001 --extra_llm_api_options DIR/scratch/trtllm.yaml --max_seq_len 4096 --max_batch_size 256 --tp_size 2 --kv_cache_free_gpu_memory_fraction 0.8
                model "folder" at Port(40001)
            "#]],
        );
        check_launch(
            &ENGINE,
            &json!({"quantisation": "FP8"}),
            "folder",
            expect![[r#"
            DIR/scratch/trtllm.yaml: "{\"return_perf_metrics\":true,\"enable_iter_perf_stats\":true,\"quant_config\":{\"quant_algo\":\"FP8\"}}"
            trtllm-serve DIR/folder --backend pytorch --host 127.0.0.1 --port 40001 --extra_llm_api_options DIR/scratch/trtllm.yaml
            model "folder" at Port(40001)
        "#]],
        );
    }

    #[test]
    fn what_it_cannot_serve() {
        check_launch(
            &ENGINE,
            &json!({}),
            "adapter",
            expect![[r#"
                engine "trtllm" cannot serve DIR/adapter: it takes model folders only: merge an adapter first, and give no GGUF file
                hint: give a Hugging Face model folder, a PEFT adapter folder or a .gguf file, as `edge-eval list engines` tells of the engine
            "#]],
        );
        check_launch(
            &ENGINE,
            &json!({}),
            "m.gguf",
            expect![[r#"
                engine "trtllm" cannot serve DIR/m.gguf: it takes model folders only: merge an adapter first, and give no GGUF file
                hint: give a Hugging Face model folder, a PEFT adapter folder or a .gguf file, as `edge-eval list engines` tells of the engine
            "#]],
        );
    }

    #[test]
    fn quantised_as_it_loads() {
        check_quantised(
            &ENGINE,
            &json!({"quantisation": "FP8"}),
            Quantised::InFlight(Precision::Int8),
            expect![[r#"
            engine "trtllm" cannot quantise to int8 as it loads: it quantises nothing then
            hint: let the plan quantise for it: leave `compress` out, or give it a command; other engines can, as `edge-eval list engines` tells
        "#]],
        );
    }
}
