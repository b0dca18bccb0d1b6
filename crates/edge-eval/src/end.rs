//! How the program ends: exit codes, and errors on stderr with the sentence that says how to mend them.

use std::process::ExitCode;

/// How a command ended when nothing stopped it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// All was done.
    Done,
    /// A stage or request failed; what succeeded is recorded.
    Failed,
    /// The plan has problems, which were printed.
    BadPlan,
    /// A `--gate` was not met.
    GateNotMet,
    /// Everything ran, but an energy window or another measurement cannot be believed.
    Invalid,
}

impl End {
    fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::BadPlan => 2,
            Self::GateNotMet => 3,
            Self::Invalid => 4,
        }
    }
}

/// The process's exit code; an error is printed first.
pub(crate) fn exit_code(result: anyhow::Result<End>) -> ExitCode {
    match result {
        Ok(end) => end.code().into(),
        Err(error) => {
            if !is_broken_pipe(&error) {
                print_error(&error);
            }
            End::Failed.code().into()
        }
    }
}

/// A reader that closed our output early (`| head`) is no error worth a message.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().filter_map(|cause| cause.downcast_ref::<std::io::Error>()).any(|io| io.kind() == std::io::ErrorKind::BrokenPipe)
}

/// An error and how to mend it, on stderr.
pub(crate) fn print_error(error: &anyhow::Error) {
    crate::gate::note(&format!("error: {}", told(error)));
    if let Some(hint) = hint(error) {
        crate::gate::note(&format!("hint: {hint}"));
    }
}

/// The chain of causes as one line, each said once: many errors already quote their source.
pub(crate) fn told(error: &anyhow::Error) -> String {
    let mut said = String::new();
    for cause in error.chain() {
        let text = cause.to_string();
        if !said.contains(&text) {
            if !said.is_empty() {
                said.push_str(": ");
            }
            said.push_str(&text);
        }
    }
    said
}

/// How to mend it, from the first error in the chain that knows.
pub(crate) fn hint(error: &anyhow::Error) -> Option<String> {
    error.chain().find_map(|cause| {
        macro_rules! ask {
            ($($error:ty),* $(,)?) => {
                $(if let Some(error) = cause.downcast_ref::<$error>() {
                    return error.hint();
                })*
            };
        }
        ask!(
            adapt::Error,
            campaign::Error,
            compress::Error,
            cuda::Error,
            econ::Error,
            hub::Error,
            import::Error,
            load::Error,
            meter::Error,
            metric::projection::Error,
            model::Error,
            nli::Error,
            perplexity::Error,
            record::Error,
            report::Error,
            ::reproduce::Error,
            score::Error,
            serve::Error,
            text::Error,
        );
        None
    })
}
