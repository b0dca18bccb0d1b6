//! How a stage ended, from what was seen of it: well, with what it made; or badly, and why. That it needs more memory than there is is told
//! apart from all other ends: it is a result.

use std::os::unix::process::ExitStatusExt;

use record::{Artifact, Detail, DoesNotFit, Outcome};
use serve::trouble::{self, Trouble};

use super::Seen;
use crate::error::{Error, Result};

/// The outcome, with what a stage that ended well told and made.
pub(super) fn of(seen: &Seen, detail: Result<Detail>, artifact: Result<Option<Artifact>>) -> (Outcome, Detail, Option<Artifact>) {
    match (why_not(seen), detail, artifact) {
        (None, Ok(detail), Ok(artifact)) => (Outcome::Done, detail, artifact),
        (Some(reason), ..) => (failed(seen, reason), Detail::Nothing, None),
        (None, Err(error), _) | (None, _, Err(error)) => (failed(seen, with_hint(&error)), Detail::Nothing, None),
    }
}

/// Why it failed; `None` when it ended well. What the stage itself told is closer to the cause than what we saw of it from outside.
fn why_not(seen: &Seen) -> Option<String> {
    match (&seen.fault, told(seen), seen.ended.failure()) {
        (None, _, reason) => reason,
        (Some(_), Some(told), _) => Some(told.to_owned()),
        (Some(fault), None, _) => Some(with_hint(fault)),
    }
}

fn told(seen: &Seen) -> Option<&str> {
    seen.ended.facts("failed")?.get("error")?.as_str()
}

fn failed(seen: &Seen, reason: String) -> Outcome {
    let does_not_fit = does_not_fit(seen);
    let reason = match &does_not_fit {
        Some(_) if reason.starts_with(trouble::DOES_NOT_FIT) => reason,
        Some(cause) if reason.contains(&cause.told) => format!("{}: {reason}", trouble::DOES_NOT_FIT),
        Some(cause) => format!("{}: {} ({reason})", trouble::DOES_NOT_FIT, cause.told),
        None => reason,
    };
    Outcome::Failed { reason, last_lines: seen.ended.last_lines.clone(), does_not_fit }
}

/// Whether too little memory was the cause: an engine's log was read when it ended; of other stages the last lines and the signal tell.
fn does_not_fit(seen: &Seen) -> Option<DoesNotFit> {
    let cause = match &seen.fault {
        Some(Error::Engine(trouble)) => trouble.clone(),
        Some(_) => return None,
        None if seen.ended.status.success() => return None,
        None => {
            let lines: Vec<_> = seen.ended.last_lines.iter().cloned().chain(told(seen).map(str::to_owned)).collect();
            trouble::recognise(&lines, seen.ended.status.signal())?
        }
    };
    let Trouble::DoesNotFit { .. } = cause else { return None };
    Some(DoesNotFit { told: cause.told().to_owned(), needed: cause.needed() })
}

fn with_hint(error: &Error) -> String {
    match error.hint() {
        Some(hint) => format!("{error} (hint: {hint})"),
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::process::ExitStatus;

    use record::MemoryPeak;
    use units::{Bytes, Nanos, Reading};

    use super::*;
    use crate::process::Ended;

    fn seen(status: i32, lines: &[&str], fault: Option<Error>) -> Seen {
        let untold = || Reading::missing("untold");
        Seen {
            ended: Ended {
                status: ExitStatus::from_raw(status),
                span: (Nanos(1), Nanos(2)),
                cpu: None,
                phases: Vec::new(),
                last_lines: lines.iter().map(|line| (*line).to_owned()).collect(),
            },
            energy: Vec::new(),
            memory: MemoryPeak { resident: untold(), gpu: untold() },
            fault,
        }
    }

    fn outcome(seen: &Seen) -> (String, Option<DoesNotFit>) {
        match of(seen, Ok(Detail::Nothing), Ok(None)).0 {
            Outcome::Failed { reason, does_not_fit, .. } => (reason, does_not_fit),
            Outcome::Done => ("done".to_owned(), None),
        }
    }

    const ABORT: i32 = 6;
    const KILL: i32 = 9;

    #[test]
    fn a_stage_of_ours_that_runs_out_of_memory_does_not_fit() {
        let (reason, cause) = outcome(&seen(ABORT, &["memory allocation of 4096 bytes failed"], None));
        assert_eq!(reason, "does not fit: memory allocation of 4096 bytes failed (killed by signal 6)");
        assert_eq!(cause.unwrap().needed, Some(Bytes(4096)));
        let (reason, cause) = outcome(&seen(KILL, &["step 3"], None));
        assert_eq!(reason, "does not fit: the kernel ended it, as it does when memory runs out (signal 9) (killed by signal 9)");
        assert_eq!(cause.unwrap().needed, None);
    }

    #[test]
    fn an_engine_that_says_so_does_not_fit() {
        let trouble = Trouble::DoesNotFit { told: Some("CUDA out of memory. Tried to allocate 2 GiB".to_owned()) };
        let (reason, cause) = outcome(&seen(256, &[], Some(Error::Engine(trouble))));
        assert!(reason.starts_with("does not fit: CUDA out of memory. Tried to allocate 2 GiB (hint: "), "{reason}");
        assert_eq!(
            cause.unwrap(),
            DoesNotFit { told: "CUDA out of memory. Tried to allocate 2 GiB".to_owned(), needed: Some(Bytes(2 << 30)) }
        );
    }

    #[test]
    fn other_ends_are_other_failures() {
        assert_eq!(outcome(&seen(3 << 8, &["disk full"], None)), ("exit code 3".to_owned(), None));
        assert_eq!(outcome(&seen(KILL, &[], Some(Error::NoFirstToken))).1, None);
        assert_eq!(outcome(&seen(0, &["cannot allocate memory, trying with less"], None)), ("done".to_owned(), None));
    }
}
