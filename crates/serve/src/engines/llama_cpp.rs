//! llama.cpp: its own server `llama-server`, or with `server = "python"` that of llama-cpp-python, `python -m llama_cpp.server`.
//!
//! Options as in llama.cpp's `tools/server/README.md` and `common/arg.cpp`, its metrics as in `tools/server/server-task.cpp`, as shipped with
//! llama-cpp-python 0.3.36; those of the Python server as in `llama_cpp/server/settings.py` there. Bytes of weights and KV cache stand in the
//! log (`src/llama-model.cpp`, `src/llama-kv-cache.cpp`). The Python server streams no `usage`, knows no `ignore_eos`, has no metrics and
//! answers one request at a time.

use std::num::NonZeroU32;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Common, Engine, Line, Target, package_version, read_options};
use crate::artifact::Artifact;
use crate::error::Result;
use crate::keys;
use crate::launch::{About, Launch, Length, OptionKey, Origin, Place, Prompts, Signal, Speaks, Start, Stop, Tells, Version};

/// Its registry entry.
pub(super) static ENGINE: LlamaCpp = LlamaCpp;

/// See the module.
pub(super) struct LlamaCpp;

/// Its keys in a plan.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Options {
    #[serde(default)]
    server: Server,
    context_length: Option<NonZeroU32>,
    max_concurrent: Option<NonZeroU32>,
    threads: Option<NonZeroU32>,
    gpu_layers: Option<i32>,
    split_mode: Option<String>,
    lora: Option<String>,
    prefix_caching: Option<bool>,
}

/// Which of the two servers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Server {
    #[default]
    LlamaServer,
    Python,
}

const SPEAKS: Speaks = Speaks { prompts: Prompts::ALL, length: Length::IgnoreEos, usage: true };
const PYTHON_SPEAKS: Speaks = Speaks { prompts: Prompts::CHAT_AND_TEXT, length: Length::Natural, usage: false };

const PYTHON_TELLS: Tells = Tells {
    metrics: None,
    weights: Some(Place::Log(&[&["model buffer size ="]])),
    kv_pool: Some(Place::Log(&[&["KV buffer size ="]])),
    kv_peak: None,
    kv_used: None,
    running: None,
    waiting: None,
    more: &[],
};

const TELLS: Tells = Tells {
    metrics: Some("/metrics"),
    running: Some(Place::Series("llamacpp:requests_processing")),
    waiting: Some(Place::Series("llamacpp:requests_deferred")),
    more: &[
        ("steps", Place::Series("llamacpp:n_decode_total")),
        ("batch_mean", Place::Series("llamacpp:n_busy_slots_per_decode")),
        ("prompt_tokens_cached", Place::Series("llamacpp:prompt_tokens_cached_total")),
    ],
    ..PYTHON_TELLS
};

impl Server {
    fn line(self, common: &Common) -> Line {
        match self {
            Self::LlamaServer => Line::of(common.program("llama-server")),
            Self::Python => Line::module(common.program("python3"), "llama_cpp.server", "llama-cpp-python"),
        }
    }
}

impl Engine for LlamaCpp {
    fn about(&self) -> &'static About {
        &About {
            name: "llama-cpp",
            summary: "llama.cpp: GGUF files on CPUs and GPUs, by llama-server or by llama-cpp-python's server",
            keys: &[
                OptionKey { name: "server", help: "llama-server, or python for llama-cpp-python's; without it llama-server" },
                OptionKey {
                    name: "context_length",
                    help: "longest prompt plus answer of each sequence in tokens; without it the model's own",
                },
                keys::MAX_CONCURRENT_AS_PLANNED,
                OptionKey { name: "threads", help: "threads of the arithmetic; without it the engine chooses" },
                OptionKey { name: "gpu_layers", help: "layers to keep on the GPU, -1 for all; without it the engine chooses" },
                OptionKey { name: "split_mode", help: "how several GPUs share a model: none, layer, row or tensor; without it layer" },
                OptionKey { name: "lora", help: "an adapter as a GGUF file, on top of the model" },
                keys::PREFIX_CACHING,
            ],
            origin: Origin::Foreign,
            speaks: SPEAKS,
            in_flight: &[],
            written_for: None,
            install: "build it from github.com/ggml-org/llama.cpp, or take a release of it; for the Python server: pip install 'llama-cpp-python[server]'",
        }
    }

    fn check(&self, options: &Map<String, Value>) -> Result<()> {
        read_options::<Options>(self, options).map(drop)
    }

    fn program(&self, options: &Map<String, Value>) -> Result<Option<Start>> {
        let (common, options): (_, Options) = read_options(self, options)?;
        Ok(Some(options.server.line(&common).start()))
    }

    fn launch(&self, options: &Map<String, Value>, target: &Target<'_>) -> Result<Launch> {
        let (common, options): (_, Options) = read_options(self, options)?;
        target.quantisation(self, None)?;
        let artifact = Artifact::read("llama-cpp", target.artifact)?;
        let Artifact::Gguf(model) = &artifact else {
            let reason = match artifact {
                Artifact::Adapter { .. } => {
                    "it takes adapters as GGUF files: convert it with convert_lora_to_gguf.py and name the file with `lora`"
                }
                _ => "it takes GGUF files only: `edge-eval compress quantise` writes one",
            };
            return Err(artifact.refused("llama-cpp", reason));
        };
        let python = options.server == Server::Python;
        let line = options.server.line(&common).flag("--model", model);
        let line = if python { python_line(line, &common, &options, target) } else { own_line(line, &common, &options, target) };
        let (ready, speaks, tells) = if python { ("/v1/models", PYTHON_SPEAKS, PYTHON_TELLS) } else { ("/health", SPEAKS, TELLS) };
        let version = if python {
            Version::Command(package_version(common.program("python3"), "llama-cpp-python"))
        } else {
            Version::Route { path: "/props", pointer: "/build_info" }
        };
        let server = super::Server {
            ready,
            model_name: target.model_name.to_owned(),
            speaks,
            version,
            tells,
            stop: Stop { signal: Signal::Terminate, grace_s: 10 },
        };
        Ok(common.launch(target, line, server))
    }
}

fn own_line(line: Line, common: &Common, options: &Options, target: &Target<'_>) -> Line {
    let sequences = options.max_concurrent.map_or(target.concurrency.max(1), NonZeroU32::get);
    // The option is the context of all sequences together.
    let context = options.context_length.map(|length| u64::from(length.get()) * u64::from(sequences));
    let line = line
        .flag("--alias", target.model_name)
        .flag("--host", "127.0.0.1")
        .flag("--port", common.port(target).to_string())
        .flag("--parallel", sequences.to_string())
        .word("--metrics")
        .word("--no-webui")
        // Buffer sizes are told from here on.
        .flag("--log-verbosity", "4")
        .flag_if("--ctx-size", context)
        .flag_if("--threads", options.threads)
        .flag_if("--n-gpu-layers", options.gpu_layers)
        .flag_if("--split-mode", options.split_mode.as_ref())
        .flag_if("--lora", options.lora.as_ref());
    if options.prefix_caching == Some(false) { line.word("--no-cache-prompt") } else { line }
}

fn python_line(line: Line, common: &Common, options: &Options, target: &Target<'_>) -> Line {
    line.flag("--model_alias", target.model_name)
        .flag("--host", "127.0.0.1")
        .flag("--port", common.port(target).to_string())
        // Without it a second request would end the first.
        .flag("--interrupt_requests", "false")
        .flag_if("--n_ctx", options.context_length)
        .flag_if("--n_threads", options.threads)
        .flag_if("--n_gpu_layers", options.gpu_layers)
        .flag_if("--lora_path", options.lora.as_ref())
        .flag_if("--cache", options.prefix_caching)
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
                llama-server --model DIR/m.gguf --alias tiny --host 127.0.0.1 --port 40001 --parallel 3 --metrics --no-webui --log-verbosity 4
                model "tiny" at Port(40001)
            "#]],
        );
        check_launch(
            &ENGINE,
            &json!({"context_length": 512, "max_concurrent": 8, "threads": 2, "gpu_layers": 99, "split_mode": "row", "lora": "a.gguf", "prefix_caching": false}),
            "m.gguf",
            expect![[r#"
                llama-server --model DIR/m.gguf --alias tiny --host 127.0.0.1 --port 40001 --parallel 8 --metrics --no-webui --log-verbosity 4 --ctx-size 4096 --threads 2 --n-gpu-layers 99 --split-mode row --lora a.gguf --no-cache-prompt
                model "tiny" at Port(40001)
            "#]],
        );
        check_launch(
            &ENGINE,
            &json!({"server": "python", "program": "/venv/bin/python", "context_length": 512, "threads": 2}),
            "m.gguf",
            expect![[r#"
                /venv/bin/python -m llama_cpp.server --model DIR/m.gguf --model_alias tiny --host 127.0.0.1 --port 40001 --interrupt_requests false --n_ctx 512 --n_threads 2
                model "tiny" at Port(40001)
            "#]],
        );
    }

    #[test]
    fn what_it_cannot_serve() {
        check_launch(
            &ENGINE,
            &json!({}),
            "folder",
            expect![[r#"
                engine "llama-cpp" cannot serve DIR/folder: it takes GGUF files only: `edge-eval compress quantise` writes one
                hint: give a Hugging Face model folder, a PEFT adapter folder or a .gguf file, as `edge-eval list engines` tells of the engine
            "#]],
        );
        check_launch(
            &ENGINE,
            &json!({}),
            "adapter",
            expect![[r#"
                engine "llama-cpp" cannot serve DIR/adapter: it takes adapters as GGUF files: convert it with convert_lora_to_gguf.py and name the file with `lora`
                hint: give a Hugging Face model folder, a PEFT adapter folder or a .gguf file, as `edge-eval list engines` tells of the engine
            "#]],
        );
        check_launch(
            &ENGINE,
            &json!({"server": "rust"}),
            "m.gguf",
            expect![[r#"
            engine "llama-cpp": unknown variant `rust`, expected `llama-server` or `python`
            hint: the keys of "llama-cpp" are: server, context_length, max_concurrent, threads, gpu_layers, split_mode, lora, prefix_caching, program, port, version, ready_timeout_s, extra_args
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
            engine "llama-cpp" cannot quantise to int8 as it loads: it quantises nothing then
            hint: let the plan quantise for it: leave `compress` out, or give it a command; other engines can, as `edge-eval list engines` tells
        "#]],
        );
    }
}
