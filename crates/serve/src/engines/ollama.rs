//! Ollama: `ollama serve`, on CPUs and GPUs. What it serves must be imported into its store first (`ollama create`): after the server is
//! ready and before the first request, into a store in the run folder, so that nothing of the user's is touched. The time of a cold start
//! has that import in it; a model that the user's own store has (`model`) needs none.
//!
//! Variables and routes as in Ollama's `envconfig/config.go`, `server/routes.go` and `docs/modelfile.mdx` (August 2026). It quantises on import, as
//! `docs/import.mdx` says. Its OpenAI routes
//! know no `ignore_eos`, and it has no `/metrics`; `/api/ps` tells the memory of weights and caches together.

use std::num::NonZeroU32;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Engine, Line, Server, Target, read_options};
use crate::artifact::Artifact;
use crate::error::Result;
use crate::in_flight::InFlight;
use crate::keys;
use crate::launch::{About, Launch, Length, OptionKey, Origin, Place, Prompts, Signal, Speaks, Start, Stop, Tells, Version};

/// Its registry entry.
pub(super) static ENGINE: Ollama = Ollama;

/// See the module.
pub(super) struct Ollama;

/// Its keys in a plan.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Options {
    model: Option<String>,
    quantisation: Option<String>,
    context_length: Option<NonZeroU32>,
    max_concurrent: Option<NonZeroU32>,
}

const SPEAKS: Speaks = Speaks { prompts: Prompts::CHAT_AND_TEXT, length: Length::Natural, usage: true };

const TELLS: Tells = Tells {
    metrics: None,
    weights: None,
    kv_pool: None,
    kv_peak: None,
    kv_used: None,
    running: None,
    waiting: None,
    more: &[
        ("memory_bytes", Place::Json { path: "/api/ps", pointer: "/models/0/size" }),
        ("gpu_memory_bytes", Place::Json { path: "/api/ps", pointer: "/models/0/size_vram" }),
    ],
};

/// Its words for quantising as it loads.
const IN_FLIGHT: &[InFlight] = &[InFlight::int8("q8_0"), InFlight::int4("q4_K_M"), InFlight::int4("q4_K_S")];

impl Engine for Ollama {
    fn about(&self) -> &'static About {
        &About {
            name: "ollama",
            summary: "Ollama: GGUF files, model folders and adapters on CPUs and GPUs",
            keys: &[
                OptionKey {
                    name: "model",
                    help: "a model that Ollama has already, such as llama3.2:1b, instead of the plan's files; without it these are imported",
                },
                OptionKey {
                    name: "quantisation",
                    help: "how an imported model folder is quantised, such as q4_K_M; without it not at all",
                },
                OptionKey {
                    name: "context_length",
                    help: "longest prompt plus answer of each sequence in tokens; without it the engine chooses",
                },
                keys::MAX_CONCURRENT_AS_PLANNED,
            ],
            origin: Origin::Foreign,
            speaks: SPEAKS,
            in_flight: IN_FLIGHT,
            written_for: None,
            install: "see ollama.com/download",
        }
    }

    fn check(&self, options: &Map<String, Value>) -> Result<()> {
        read_options::<Options>(self, options).map(drop)
    }

    fn program(&self, options: &Map<String, Value>) -> Result<Option<Start>> {
        let (common, _): (_, Options) = read_options(self, options)?;
        Ok(Some(Line::of(common.program("ollama")).start()))
    }

    fn launch(&self, options: &Map<String, Value>, target: &Target<'_>) -> Result<Launch> {
        let (common, options): (_, Options) = read_options(self, options)?;
        let quantisation = target.quantisation(self, options.quantisation.clone())?;
        let host = format!("127.0.0.1:{}", common.port(target));
        let ollama = |word: &str| Line::of(common.program("ollama")).word(word).variable("OLLAMA_HOST", &host);
        let sequences = options.max_concurrent.map_or(target.concurrency.max(1), NonZeroU32::get);
        let mut line = ollama("serve")
            .variable("OLLAMA_NUM_PARALLEL", sequences.to_string())
            .variable("OLLAMA_MAX_LOADED_MODELS", "1")
            // Seconds below zero: it is never unloaded.
            .variable("OLLAMA_KEEP_ALIVE", "-1")
            .variable("OLLAMA_NO_CLOUD", "1");
        if let Some(length) = options.context_length {
            line = line.variable("OLLAMA_CONTEXT_LENGTH", length.to_string());
        }
        let mut after_ready = Vec::new();
        let model_name = options.model.clone().unwrap_or_else(|| target.model_name.to_owned());
        if options.model.is_none() {
            line = line.variable("OLLAMA_MODELS", target.scratch.join("ollama"));
            after_ready.push(import(ollama("create"), quantisation, target)?);
        }
        let server = Server {
            ready: "/api/version",
            model_name,
            speaks: SPEAKS,
            version: Version::Route { path: "/api/version", pointer: "/version" },
            tells: TELLS,
            stop: Stop { signal: Signal::Terminate, grace_s: 10 },
        };
        Ok(Launch { after_ready, ..common.launch(target, line, server) })
    }
}

/// `ollama create`, with the Modelfile it reads.
fn import(line: Line, quantisation: Option<String>, target: &Target<'_>) -> Result<Start> {
    let recipe = match Artifact::read("ollama", target.artifact)? {
        Artifact::Folder(path) | Artifact::Gguf(path) => format!("FROM {}\n", path.display()),
        Artifact::Adapter { folder, base, .. } => format!("FROM {}\nADAPTER {}\n", base.display(), folder.display()),
    };
    let file = target.scratch.join("Modelfile");
    let line = line.word(target.model_name).flag("--file", &file).flag_if("--quantize", quantisation);
    Ok(Start { files: vec![(file, recipe)], ..line.start() })
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
            OLLAMA_HOST=127.0.0.1:40001 OLLAMA_NUM_PARALLEL=3 OLLAMA_MAX_LOADED_MODELS=1 OLLAMA_KEEP_ALIVE=-1 OLLAMA_NO_CLOUD=1 OLLAMA_MODELS=DIR/scratch/ollama ollama serve
            then DIR/scratch/Modelfile: "FROM DIR/m.gguf\n"
            OLLAMA_HOST=127.0.0.1:40001 ollama create tiny --file DIR/scratch/Modelfile
            model "tiny" at Port(40001)
        "#]],
        );
        check_launch(
            &ENGINE,
            &json!({"quantisation": "q4_K_M", "context_length": 2048, "max_concurrent": 4}),
            "folder",
            expect![[r#"
            OLLAMA_HOST=127.0.0.1:40001 OLLAMA_NUM_PARALLEL=4 OLLAMA_MAX_LOADED_MODELS=1 OLLAMA_KEEP_ALIVE=-1 OLLAMA_NO_CLOUD=1 OLLAMA_CONTEXT_LENGTH=2048 OLLAMA_MODELS=DIR/scratch/ollama ollama serve
            then DIR/scratch/Modelfile: "FROM DIR/folder\n"
            OLLAMA_HOST=127.0.0.1:40001 ollama create tiny --file DIR/scratch/Modelfile --quantize q4_K_M
            model "tiny" at Port(40001)
        "#]],
        );
        check_launch(
            &ENGINE,
            &json!({}),
            "adapter",
            expect![[r#"
            OLLAMA_HOST=127.0.0.1:40001 OLLAMA_NUM_PARALLEL=3 OLLAMA_MAX_LOADED_MODELS=1 OLLAMA_KEEP_ALIVE=-1 OLLAMA_NO_CLOUD=1 OLLAMA_MODELS=DIR/scratch/ollama ollama serve
            then DIR/scratch/Modelfile: "FROM org/base\nADAPTER DIR/adapter\n"
            OLLAMA_HOST=127.0.0.1:40001 ollama create tiny --file DIR/scratch/Modelfile
            model "tiny" at Port(40001)
        "#]],
        );
        check_launch(
            &ENGINE,
            &json!({"model": "llama3.2:1b"}),
            "m.gguf",
            expect![[r#"
            OLLAMA_HOST=127.0.0.1:40001 OLLAMA_NUM_PARALLEL=3 OLLAMA_MAX_LOADED_MODELS=1 OLLAMA_KEEP_ALIVE=-1 OLLAMA_NO_CLOUD=1 ollama serve
            model "llama3.2:1b" at Port(40001)
        "#]],
        );
    }

    #[test]
    fn what_it_cannot_serve() {
        check_launch(
            &ENGINE,
            &json!({}),
            "m.bin",
            expect![[r#"
                engine "ollama" cannot serve DIR/m.bin: it is neither a model folder nor a .gguf file
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
            OLLAMA_HOST=127.0.0.1:40001 OLLAMA_NUM_PARALLEL=3 OLLAMA_MAX_LOADED_MODELS=1 OLLAMA_KEEP_ALIVE=-1 OLLAMA_NO_CLOUD=1 OLLAMA_MODELS=DIR/scratch/ollama ollama serve
            then DIR/scratch/Modelfile: "FROM DIR/folder\n"
            OLLAMA_HOST=127.0.0.1:40001 ollama create tiny --file DIR/scratch/Modelfile --quantize q4_K_M
            model "tiny" at Port(40001)
        "#]],
        );
        check_quantised(
            &ENGINE,
            &json!({"quantisation": "q8_0"}),
            Quantised::Not,
            expect![[r#"
            OLLAMA_HOST=127.0.0.1:40001 OLLAMA_NUM_PARALLEL=3 OLLAMA_MAX_LOADED_MODELS=1 OLLAMA_KEEP_ALIVE=-1 OLLAMA_NO_CLOUD=1 OLLAMA_MODELS=DIR/scratch/ollama ollama serve
            then DIR/scratch/Modelfile: "FROM DIR/folder\n"
            OLLAMA_HOST=127.0.0.1:40001 ollama create tiny --file DIR/scratch/Modelfile
            model "tiny" at Port(40001)
        "#]],
        );
    }
}
