//! mistral.rs: `mistralrs serve`, on CPUs and GPUs.
//!
//! Options and metrics as in mistral.rs 0.9.2: `mistralrs-cli/src/args/{mod,model,server,paged_attn}.rs`, `mistralrs-server-core` for `/health` and
//! `/metrics`. `--isq` quantises as it loads, by its reference "Quantization types". Blocks of its KV pool are counted, but it tells
//! the bytes of nothing.

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
pub(super) static ENGINE: Mistralrs = Mistralrs;

/// See the module.
pub(super) struct Mistralrs;

/// Its keys in a plan.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Options {
    dtype: Option<String>,
    quantisation: Option<String>,
    tokenizer: Option<String>,
    context_length: Option<NonZeroU32>,
    max_concurrent: Option<NonZeroU32>,
    gpu_memory: Option<f64>,
    prefix_caching: Option<bool>,
}

const SPEAKS: Speaks = Speaks { prompts: Prompts::ALL, length: Length::IgnoreEos, usage: true };

const TELLS: Tells = Tells {
    metrics: Some("/metrics"),
    weights: None,
    kv_pool: None,
    kv_peak: None,
    kv_used: None,
    running: Some(Place::Series("mistralrs_sequences_running")),
    waiting: Some(Place::Series("mistralrs_sequences_waiting")),
    more: &[
        ("kv_blocks", Place::Series("mistralrs_kv_cache_blocks_total")),
        ("kv_blocks_used", Place::Series("mistralrs_kv_cache_blocks_used")),
        ("prefix_lookups", Place::Series("mistralrs_prefix_cache_lookups_total")),
        ("prefix_hits", Place::Series("mistralrs_prefix_cache_hits_total")),
        ("preemptions", Place::Series("mistralrs_paged_preemptions_total")),
    ],
};

/// Its words for quantising as it loads.
const IN_FLIGHT: &[InFlight] = &[
    InFlight::int8("q8_0"),
    InFlight::int8("8"),
    InFlight::int8("hqq8"),
    InFlight::int8("fp8"),
    InFlight::int4("q4k"),
    InFlight::int4("4"),
    InFlight::int4("q4_0"),
    InFlight::int4("q4_1"),
    InFlight::int4("hqq4"),
];

impl Engine for Mistralrs {
    fn about(&self) -> &'static About {
        &About {
            name: "mistralrs",
            summary: "mistral.rs: model folders, adapters and GGUF files on CPUs and GPUs",
            keys: &[
                keys::DTYPE,
                OptionKey { name: "quantisation", help: "in-situ quantisation of a model folder, such as q4k or q8_0; without it none" },
                OptionKey { name: "tokenizer", help: "path of a tokenizer.json; without it the model's own" },
                OptionKey {
                    name: "context_length",
                    help: "context to set KV cache aside for, in tokens, on GPUs; without it a share of the memory",
                },
                keys::MAX_CONCURRENT_AS_PLANNED,
                OptionKey {
                    name: "gpu_memory",
                    help: "share of GPU memory for the KV pool, above 0 and at most 1; not with context_length",
                },
                keys::PREFIX_CACHING,
            ],
            origin: Origin::Foreign,
            speaks: SPEAKS,
            in_flight: IN_FLIGHT,
            written_for: Some("0.9"),
            install: "see github.com/EricLBuehler/mistral.rs (a build for each kind of GPU)",
        }
    }

    fn check(&self, options: &Map<String, Value>) -> Result<()> {
        let (_, own) = read_options::<Options>(self, options)?;
        check_share(self, "gpu_memory", own.gpu_memory)
    }

    fn program(&self, options: &Map<String, Value>) -> Result<Option<Start>> {
        let (common, _): (_, Options) = read_options(self, options)?;
        Ok(Some(Line::of(common.program("mistralrs")).start()))
    }

    fn launch(&self, options: &Map<String, Value>, target: &Target<'_>) -> Result<Launch> {
        let (common, options): (_, Options) = read_options(self, options)?;
        let quantisation = target.quantisation(self, options.quantisation)?;
        let program = common.program("mistralrs");
        let version = Version::Command(Line::of(program.clone()).word("--version").start());
        let line = Line::of(program).word("serve");
        let mut model_name = "default".to_owned();
        let artifact = Artifact::read("mistralrs", target.artifact)?;
        let line = match &artifact {
            Artifact::Folder(path) => line.flag("--model-id", path),
            Artifact::Gguf(path) => {
                let (Some(folder), Some(file)) = (path.parent(), path.file_name()) else {
                    return Err(artifact.refused("mistralrs", "it is not a file in a folder"));
                };
                line.flag("--model-id", folder).flag("--format", "gguf").flag("--quantized-file", file)
            }
            Artifact::Adapter { folder, base, .. } => {
                target.model_name.clone_into(&mut model_name);
                line.flag("--model-id", base).flag("--lora", format!("{}={}", target.model_name, folder.display()))
            }
        };
        let line = line
            .flag("--host", "127.0.0.1")
            .flag("--port", common.port(target).to_string())
            .word("--no-ui")
            .flag("--max-seqs", options.max_concurrent.map_or(target.concurrency.max(1), NonZeroU32::get).to_string())
            .flag_if("--dtype", options.dtype)
            .flag_if("--isq", quantisation)
            .flag_if("--tokenizer", options.tokenizer)
            .flag_if("--pa-context-len", options.context_length)
            .flag_if("--pa-memory-fraction", options.gpu_memory);
        let line = if options.prefix_caching == Some(false) { line.flag("--prefix-cache-n", "0") } else { line };
        let server = Server {
            ready: "/health",
            model_name,
            speaks: SPEAKS,
            version,
            tells: TELLS,
            stop: Stop { signal: Signal::Interrupt, grace_s: 10 },
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
            mistralrs serve --model-id DIR/folder --host 127.0.0.1 --port 40001 --no-ui --max-seqs 3
            model "default" at Port(40001)
        "#]],
        );
        check_launch(
            &ENGINE,
            &json!({"dtype": "f32", "quantisation": "q4k", "gpu_memory": 0.5, "max_concurrent": 8, "prefix_caching": false}),
            "folder",
            expect![[r#"
                mistralrs serve --model-id DIR/folder --host 127.0.0.1 --port 40001 --no-ui --max-seqs 8 --dtype f32 --isq q4k --pa-memory-fraction 0.5 --prefix-cache-n 0
                model "default" at Port(40001)
            "#]],
        );
        check_launch(
            &ENGINE,
            &json!({}),
            "m.gguf",
            expect![[r#"
            mistralrs serve --model-id DIR --format gguf --quantized-file m.gguf --host 127.0.0.1 --port 40001 --no-ui --max-seqs 3
            model "default" at Port(40001)
        "#]],
        );
        check_launch(
            &ENGINE,
            &json!({}),
            "adapter",
            expect![[r#"
            mistralrs serve --model-id org/base --lora tiny=DIR/adapter --host 127.0.0.1 --port 40001 --no-ui --max-seqs 3
            model "tiny" at Port(40001)
        "#]],
        );
    }

    #[test]
    fn what_it_cannot_serve() {
        check_launch(
            &ENGINE,
            &json!({"gpu_memory": 2}),
            "folder",
            expect![[r#"
                engine "mistralrs": gpu_memory is 2, and must be above 0 and at most 1
                hint: the keys of "mistralrs" are: dtype, quantisation, tokenizer, context_length, max_concurrent, gpu_memory, prefix_caching, program, port, version, ready_timeout_s, extra_args
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
            mistralrs serve --model-id DIR/folder --host 127.0.0.1 --port 40001 --no-ui --max-seqs 3 --isq q4k
            model "default" at Port(40001)
        "#]],
        );
        check_quantised(
            &ENGINE,
            &json!({"quantisation": "hqq8"}),
            Quantised::InFlight(Precision::Int8),
            expect![[r#"
            mistralrs serve --model-id DIR/folder --host 127.0.0.1 --port 40001 --no-ui --max-seqs 3 --isq hqq8
            model "default" at Port(40001)
        "#]],
        );
        check_quantised(
            &ENGINE,
            &json!({"quantisation": "q5k"}),
            Quantised::InFlight(Precision::Int8),
            expect![[r#"
            engine "mistralrs" cannot quantise to int8 as it loads: "q5k" is not known to do that
            hint: its words for that are: q8_0, 8, hqq8, fp8; without `quantisation` it is q8_0
        "#]],
        );
    }
}
