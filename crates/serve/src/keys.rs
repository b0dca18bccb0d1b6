//! Keys that several engines have in common, word for word. What each engine makes of them stands in its own file.

use crate::launch::OptionKey;

/// Number format.
pub(crate) const DTYPE: OptionKey =
    OptionKey { name: "dtype", help: "number format of weights and arithmetic, such as bfloat16; without it as the model says" };

/// How weights are read.
pub(crate) const LOAD_FORMAT: OptionKey =
    OptionKey { name: "load_format", help: "how weights are read, such as dummy for random ones; without it auto" };

/// Longest sequence.
pub(crate) const CONTEXT_LENGTH: OptionKey =
    OptionKey { name: "context_length", help: "longest prompt plus answer in tokens; without it the model's own" };

/// Batch size.
pub(crate) const MAX_CONCURRENT: OptionKey =
    OptionKey { name: "max_concurrent", help: "sequences decoded at the same time; without it the engine's own limit" };

/// Batch size, where the engine must be told.
pub(crate) const MAX_CONCURRENT_AS_PLANNED: OptionKey =
    OptionKey { name: "max_concurrent", help: "sequences decoded at the same time; without it the plan's concurrency" };

/// GPUs a layer.
pub(crate) const TENSOR_PARALLEL: OptionKey = OptionKey { name: "tensor_parallel", help: "GPUs that share each layer; without it 1" };

/// Prefix cache.
pub(crate) const PREFIX_CACHING: OptionKey =
    OptionKey { name: "prefix_caching", help: "whether prompts seen before are answered from a cache; without it the engine decides" };
