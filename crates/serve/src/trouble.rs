//! What went wrong with an engine, recognised by its last lines and the signal that ended it. A text that is not known is no trouble that is
//! named; the lines themselves are in the record.

use std::fmt;

/// A cause of failure that logs of engines tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// It needs more memory than there is.
    DoesNotFit {
        /// What was needed and what there was, in the engine's own words, where it told.
        told: Option<String>,
    },
    /// The port it was given is taken.
    PortTaken {
        /// In its own words.
        told: String,
    },
    /// It, or something it needs, is not installed.
    NotInstalled {
        /// In its own words.
        told: String,
    },
    /// It does not know an option: another version, or a slip in `extra_args`.
    BadOption {
        /// In its own words.
        told: String,
    },
}

/// What lines say that tell of too little memory. From vLLM (`v1/core/kv_cache_utils.py`, `v1/worker`), `PyTorch`, CUDA, `SGLang`
/// (`model_runner_kv_cache_mixin.py`), TGI (`flash_causal_lm.py`), llama.cpp (`llama-model.cpp`, `llama-kv-cache.cpp`, `ggml-alloc.c`, `ggml-cuda.cu`),
/// Ollama (`llm/server.go`), Rust's and C++'s allocators.
const NO_MEMORY: &[&str] = &[
    "cuda out of memory",
    "outofmemoryerror",
    "cudaerrormemoryallocation",
    "cuda_error_out_of_memory",
    "no available memory for the cache blocks",
    "larger than the available kv cache memory",
    "is less than desired gpu memory utilization",
    "not enough memory",
    "failed to allocate buffer",
    "failed to allocate cpu",
    "failed to allocate cuda",
    "insufficient memory",
    "unable to allocate",
    "cudamalloc failed",
    "failed to allocate compute",
    "requires more system memory",
    "memory allocation of",
    "std::bad_alloc",
    "cannot allocate memory",
    "defaultcpuallocator: can't allocate",
    "memoryerror",
];

/// What lines say that tell of a port in use.
const NO_PORT: &[&str] =
    &["address already in use", "errno 98", "couldn't bind", "could not bind", "failed to bind socket", "only one usage of each socket"];

/// What lines say that tell of something missing.
const NOT_INSTALLED: &[&str] = &["modulenotfounderror", "no module named", "missing dependencies", "command not found"];

/// What lines say that tell of an option that is not known.
const BAD_OPTION: &[&str] =
    &["unrecognized arguments", "unexpected argument", "no such option", "invalid argument:", "unknown flag", "invalid choice"];

/// Recognises the trouble in the last lines of a process, and in the signal that ended it. `SIGKILL` that we did not send is the kernel's way
/// of making room.
pub fn recognise(lines: &[String], signal: Option<i32>) -> Option<Trouble> {
    const SIGKILL: i32 = 9;
    // The first line that names the cause: those after it follow from it.
    let find = |words: &[&str]| {
        lines.iter().find(|line| {
            let line = line.to_lowercase();
            words.iter().any(|word| line.contains(word))
        })
    };
    if let Some(line) = find(NO_MEMORY) {
        return Some(Trouble::DoesNotFit { told: Some(excerpt(line)) });
    }
    if let Some(line) = find(NO_PORT) {
        return Some(Trouble::PortTaken { told: excerpt(line) });
    }
    if let Some(line) = find(NOT_INSTALLED) {
        return Some(Trouble::NotInstalled { told: excerpt(line) });
    }
    if let Some(line) = find(BAD_OPTION) {
        return Some(Trouble::BadOption { told: excerpt(line) });
    }
    (signal == Some(SIGKILL)).then_some(Trouble::DoesNotFit { told: None })
}

/// Longest piece of an engine's own words that is kept, in characters.
const EXCERPT: usize = 300;

/// The beginning of what it said, on one line.
fn excerpt(line: &str) -> String {
    let words: Vec<&str> = line.split_whitespace().collect();
    words.join(" ").chars().take(EXCERPT).collect()
}

impl Trouble {
    /// How to mend it, in a sentence.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::DoesNotFit { .. } => {
                "shorten the context, lower the share of memory or the concurrency, quantise, or take a larger machine"
            }
            Self::PortTaken { .. } => "leave `port` out of the plan, so that a free one is taken",
            Self::NotInstalled { .. } => "`edge-eval list engines` tells how each is installed; `program` names another executable",
            Self::BadOption { .. } => "compare its version with the one that `edge-eval list engines` names, and look at `extra_args`",
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DoesNotFit { told: Some(told) } => write!(f, "does not fit: {told}"),
            Self::DoesNotFit { told: None } => f.write_str("does not fit: the kernel ended it, as it does when memory runs out (signal 9)"),
            Self::PortTaken { told } => write!(f, "port taken: {told}"),
            Self::NotInstalled { told } => write!(f, "not installed: {told}"),
            Self::BadOption { told } => write!(f, "an option it does not know: {told}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    #[expect(clippy::needless_pass_by_value, reason = "expect! makes a value at each call")]
    fn check(lines: &[&str], signal: Option<i32>, want: Expect) {
        let lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        want.assert_eq(&recognise(&lines, signal).map_or_else(|| "nothing".to_owned(), |trouble| trouble.to_string()));
    }

    #[test]
    fn too_little_memory_is_recognised_with_what_was_needed() {
        check(
            &[
                "INFO loading",
                "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 1.96 GiB. GPU 0 has a total capacity of 14.56 GiB of which 1.5 GiB is free.",
                "RuntimeError: Engine core initialization failed",
            ],
            None,
            expect![
                "does not fit: torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 1.96 GiB. GPU 0 has a total capacity of 14.56 GiB of which 1.5 GiB is free."
            ],
        );
        check(
            &[
                "ValueError: No available memory for the cache blocks. Try increasing `gpu_memory_utilization` when initializing the engine.",
            ],
            None,
            expect![
                "does not fit: ValueError: No available memory for the cache blocks. Try increasing `gpu_memory_utilization` when initializing the engine."
            ],
        );
        check(
            &[
                "ValueError: To serve at least one request with the model's max seq len (131072), (4.0 GiB KV cache is needed, which is larger than the available KV cache memory (1.2 GiB).",
            ],
            None,
            expect![
                "does not fit: ValueError: To serve at least one request with the model's max seq len (131072), (4.0 GiB KV cache is needed, which is larger than the available KV cache memory (1.2 GiB)."
            ],
        );
        check(
            &[
                "ggml_aligned_malloc: insufficient memory",
                "alloc_tensor_range: failed to allocate CPU buffer of size 137438953472",
                "llama_init_from_model: failed to allocate buffer for kv cache",
            ],
            None,
            expect!["does not fit: ggml_aligned_malloc: insufficient memory"],
        );
        check(&["loading weights"], Some(9), expect!["does not fit: the kernel ended it, as it does when memory runs out (signal 9)"]);
    }

    #[test]
    fn other_troubles_are_told_apart() {
        check(
            &["ERROR:    [Errno 98] error while attempting to bind on address ('127.0.0.1', 8000): address already in use"],
            None,
            expect!["port taken: ERROR: [Errno 98] error while attempting to bind on address ('127.0.0.1', 8000): address already in use"],
        );
        check(
            &["/usr/bin/python3: No module named llama_cpp"],
            None,
            expect!["not installed: /usr/bin/python3: No module named llama_cpp"],
        );
        check(
            &["vllm: error: unrecognized arguments: --max-model-lenn 4"],
            None,
            expect!["an option it does not know: vllm: error: unrecognized arguments: --max-model-lenn 4"],
        );
        check(&["Segmentation fault"], Some(11), expect!["nothing"]);
        check(&[], None, expect!["nothing"]);
    }
}
