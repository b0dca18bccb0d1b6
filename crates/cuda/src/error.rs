//! What can go wrong with a GPU, with the facts as fields. Not a log: nothing is printed here.

/// `Result` with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Every failure of this crate.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A library of NVIDIA's is not on this machine, or cannot be loaded.
    #[error("no {what}: {reason} (looked for {})", looked_for.join(", "))]
    NoLibrary {
        /// What the library is: `CUDA driver`, `NVRTC`, `cuBLASLt`.
        what: &'static str,
        /// What the loader said of the first name.
        reason: String,
        /// The names and paths that were tried.
        looked_for: Vec<String>,
    },
    /// A library that lacks a function which its oldest supported version has.
    #[error("the {what} lacks {symbol}")]
    NoFunction {
        /// What the library is.
        what: &'static str,
        /// Name of the function.
        symbol: &'static str,
    },
    /// A call of the driver failed.
    #[error("{doing}: {text} ({name}, CUDA error {code})")]
    Driver {
        /// What was being done.
        doing: &'static str,
        /// The error's number.
        code: i32,
        /// Its name, such as `CUDA_ERROR_OUT_OF_MEMORY`.
        name: String,
        /// What the driver says of it.
        text: String,
    },
    /// A GPU number that CUDA does not have.
    #[error("CUDA sees {count} GPUs, so there is no number {index}")]
    NoGpu {
        /// The number asked for.
        index: u32,
        /// How many there are.
        count: u32,
    },
    /// A GPU older than what kernels are written for.
    #[error("{name} has compute capability {}.{}, and 7.5 is the least", capability.0, capability.1)]
    TooOld {
        /// The GPU's name.
        name: String,
        /// Its compute capability.
        capability: (u32, u32),
    },
    /// NVRTC refused a kernel.
    #[error("compiling kernels for {architecture}: {reason}\n{log}")]
    Compile {
        /// Such as `sm_90`.
        architecture: String,
        /// NVRTC's word for it.
        reason: String,
        /// What the compiler wrote.
        log: String,
    },
    /// A call of cuBLASLt failed.
    #[error("{doing}: cuBLASLt status {code}")]
    Blas {
        /// What was being done.
        doing: &'static str,
        /// `cublasStatus_t`.
        code: i32,
    },
    /// A model whose shape has no kernel here.
    #[error("{what} is {got}, and {expected} is needed on a GPU")]
    Shape {
        /// Which dimension.
        what: &'static str,
        /// What the model has.
        got: usize,
        /// What is needed.
        expected: &'static str,
    },
    /// Memory of another length than a kernel or a copy needs.
    #[error("{what} has {got} values, and needs {expected}")]
    Length {
        /// Which memory.
        what: &'static str,
        /// Values that are needed.
        expected: usize,
        /// Values that are there.
        got: usize,
    },
    /// A token id outside the vocabulary.
    #[error("token id {id} is outside the vocabulary of {vocabulary}")]
    Token {
        /// The id.
        id: u32,
        /// Entries of the vocabulary.
        vocabulary: usize,
    },
    /// A sequence that has no room for further tokens.
    #[error("{wanted} tokens do not fit after {length} in a cache of {capacity}")]
    Full {
        /// Tokens that were to be added.
        wanted: usize,
        /// Tokens that are there.
        length: usize,
        /// Room of the cache.
        capacity: usize,
    },
    /// Reading the model failed.
    #[error(transparent)]
    Model(#[from] model::Error),
}

impl Error {
    /// How to mend it, where there is a way.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoLibrary { what: "CUDA driver", .. } => {
                "a machine with an NVIDIA GPU has it in its driver package; elsewhere models run on the processor".into()
            }
            Self::NoLibrary { .. } | Self::NoFunction { .. } => {
                "install CUDA's run-time libraries, of the driver's version or older, or name their folder in LD_LIBRARY_PATH".into()
            }
            Self::Driver { name, .. } if name == "CUDA_ERROR_OUT_OF_MEMORY" => {
                "a smaller model or a shorter context, or end what else is on the GPU".into()
            }
            Self::NoGpu { count, .. } if *count > 0 => format!("0 to {}", count - 1),
            Self::Model(error) => return error.hint(),
            _ => return None,
        })
    }
}
