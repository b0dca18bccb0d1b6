//! Room for sockets: the limit on open files is raised as far as an unprivileged process may, once it is needed.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use units::Missing;

/// Descriptors that a stream needs: one at each end.
const PER_STREAM: u64 = 2;
/// Descriptors that everything else may need: standard streams, listeners, timers, pipes, the caller's own files.
const OTHERS: u64 = 96;

/// Makes room for so many streams between a client and a server that are both in this process.
///
/// # Errors
/// The hard limit is lower.
pub(super) fn room_for(streams: u32) -> Result<(), Missing> {
    let needed = u64::from(streams) * PER_STREAM + OTHERS;
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= needed) {
        return Ok(());
    }
    let raised = limit.maximum.is_none_or(|maximum| maximum >= needed)
        && setrlimit(Resource::Nofile, Rlimit { current: limit.maximum.or(Some(needed)), maximum: limit.maximum }).is_ok();
    if raised {
        return Ok(());
    }
    let most = limit.maximum.map_or_else(|| "not known".to_owned(), |most| most.to_string());
    Err(Missing::because(format!("too few file descriptors: {streams} streams need {needed}, the hard limit is {most} (ulimit -Hn)")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_streams_than_the_system_allows_are_missing_with_the_reason() {
        assert_eq!(room_for(1), Ok(()));
        // Linux allows at most 2^30 or so descriptors a process (fs.nr_open); a machine without a limit is none that runs this.
        if getrlimit(Resource::Nofile).maximum.is_some() {
            assert!(room_for(u32::MAX).unwrap_err().to_string().starts_with("too few file descriptors: 4294967295 streams"));
        }
    }
}
