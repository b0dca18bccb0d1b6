//! The counters by which servers tell their prefix cache's hits. A new server is a new entry.

/// One server's counters.
#[derive(Clone, Copy, Debug)]
pub struct Counters {
    /// The server.
    pub server: &'static str,
    /// Which counters, and how they are read.
    pub rule: Rule,
    /// Where they are documented.
    pub source: &'static str,
}

/// How hits follow from counters. Of several names the first that is there counts: older versions had others.
#[derive(Clone, Copy, Debug)]
pub enum Rule {
    /// Tokens found, of tokens looked up.
    Found {
        /// Looked up.
        queried: &'static [&'static str],
        /// Found.
        found: &'static [&'static str],
    },
    /// Prompt tokens that were really processed: found are all others that usage counts.
    Processed {
        /// Processed.
        processed: &'static [&'static str],
    },
}

/// Every server known, in the order in which its counters are looked for.
pub const COUNTERS: &[Counters] = &[
    Counters {
        server: "edge-eval",
        rule: Rule::Found { queried: &["edge_eval_prompt_tokens_total"], found: &["edge_eval_prefix_cache_hit_tokens_total"] },
        source: "crate serve, metrics.rs",
    },
    Counters {
        server: "llama.cpp",
        rule: Rule::Processed { processed: &["llamacpp:prompt_tokens_total"] },
        source: "ggml-org/llama.cpp, tools/server/README.md, GET /metrics: prompt tokens processed, cached ones not among them",
    },
    Counters {
        server: "SGLang",
        rule: Rule::Found { queried: &["sglang:prompt_tokens_total"], found: &["sglang:cached_tokens_total"] },
        source: "sgl-project/sglang, docs, production metrics; cached tokens by source are added up",
    },
    Counters {
        server: "vLLM",
        rule: Rule::Found {
            queried: &[
                "vllm:prefix_cache_queries_total",
                "vllm:prefix_cache_queries",
                "vllm:gpu_prefix_cache_queries_total",
                "vllm:gpu_prefix_cache_queries",
            ],
            found: &[
                "vllm:prefix_cache_hits_total",
                "vllm:prefix_cache_hits",
                "vllm:gpu_prefix_cache_hits_total",
                "vllm:gpu_prefix_cache_hits",
            ],
        },
        source: "vllm-project/vllm, docs, production metrics (V1); gpu_ before 0.10",
    },
];
