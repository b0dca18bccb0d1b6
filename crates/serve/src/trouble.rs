//! What went wrong with an engine, recognised by its last lines and the signal that ended it. A text that is not known is no trouble that is
//! named; the lines themselves are in the record.

use std::fmt;

use units::Bytes;

use crate::figure::{leading_number, number_after};

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
        return Some(Trouble::DoesNotFit { told: Some(with_bytes(line, lines)) });
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

/// Words before what was needed. From the same places as [`NO_MEMORY`].
const NEEDED: &[&[&str]] = &[
    &["tried to allocate "],
    &["desired gpu memory utilization (", ", "],
    &["memory allocation of "],
    &["buffer of size "],
    &["more system memory ("],
    &["allocating "],
    &["unable to allocate "],
];
/// Words behind it.
const NEEDED_BEFORE: &str = " kv cache is needed";

/// How many bytes a line says were needed.
fn bytes_needed(line: &str) -> Option<Bytes> {
    let line = line.to_lowercase();
    let before = || leading_number(line.split_once(NEEDED_BEFORE)?.0.rsplit(['(', ',']).next()?);
    let number = NEEDED.iter().find_map(|words| number_after(&line, words)).or_else(before)?;
    Some(Bytes(number as u64)).filter(|bytes| bytes.get() > 0)
}

/// A line that tells of too little memory, and where it does not say how much was needed, the first other one that does.
fn with_bytes(line: &str, lines: &[String]) -> String {
    let tells = |other: &&String| {
        let lower = other.to_lowercase();
        NO_MEMORY.iter().any(|word| lower.contains(word)) && bytes_needed(other).is_some()
    };
    match lines.iter().find(tells) {
        Some(other) if bytes_needed(line).is_none() => format!("{}; {}", excerpt(line), excerpt(other)),
        _ => excerpt(line),
    }
}

/// Longest piece of an engine's own words that is kept, in characters.
const EXCERPT: usize = 300;

/// The beginning of what it said, on one line.
fn excerpt(line: &str) -> String {
    let words: Vec<&str> = line.split_whitespace().collect();
    words.join(" ").chars().take(EXCERPT).collect()
}

/// The word that results use for too little memory.
pub const DOES_NOT_FIT: &str = "does not fit";

impl Trouble {
    /// The cause in the engine's own words, or in ours where it said nothing.
    pub fn told(&self) -> &str {
        match self {
            Self::DoesNotFit { told: Some(told) } | Self::PortTaken { told } | Self::NotInstalled { told } | Self::BadOption { told } => {
                told
            }
            Self::DoesNotFit { told: None } => "the kernel ended it, as it does when memory runs out (signal 9)",
        }
    }

    /// How many bytes were needed, where too little memory was the trouble and its words tell: of all, or of the allocation that failed.
    pub fn needed(&self) -> Option<Bytes> {
        match self {
            Self::DoesNotFit { told } => bytes_needed(told.as_deref()?),
            _ => None,
        }
    }

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
        let what = match self {
            Self::DoesNotFit { .. } => DOES_NOT_FIT,
            Self::PortTaken { .. } => "port taken",
            Self::NotInstalled { .. } => "not installed",
            Self::BadOption { .. } => "an option it does not know",
        };
        write!(f, "{what}: {}", self.told())
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
            expect![
                "does not fit: ggml_aligned_malloc: insufficient memory; alloc_tensor_range: failed to allocate CPU buffer of size 137438953472"
            ],
        );
        check(&["loading weights"], Some(9), expect!["does not fit: the kernel ended it, as it does when memory runs out (signal 9)"]);
    }

    #[test]
    fn what_was_needed_is_read_where_it_is_told() {
        let needed = |line: &str| recognise(&[line.to_owned()], None).unwrap().needed().map(Bytes::get);
        let gib = |number: f64| Some((number * f64::from(1 << 30)) as u64);
        assert_eq!(needed("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 1.96 GiB. GPU 0 has"), gib(1.96));
        assert_eq!(
            needed("max seq len (131072), (4.0 GiB KV cache is needed, which is larger than the available KV cache memory"),
            gib(4.0)
        );
        assert_eq!(needed("Free memory (1.2/79.1 GiB) is less than desired GPU memory utilization (0.9, 71.5 GiB)."), gib(71.5));
        assert_eq!(needed("memory allocation of 123456 bytes failed"), Some(123_456));
        assert_eq!(needed("alloc_tensor_range: failed to allocate CPU buffer of size 137438953472"), Some(137_438_953_472));
        assert_eq!(needed("model requires more system memory (8.5 GiB) than is available (2.0 GiB)"), gib(8.5));
        assert_eq!(
            needed("ggml_backend_cuda_buffer_type_alloc_buffer: allocating 512.00 MiB on device 0: cudaMalloc failed: out of memory"),
            gib(0.5)
        );
        assert_eq!(needed("std::bad_alloc"), None);
        assert_eq!(recognise(&[], Some(9)).unwrap().needed(), None);
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
