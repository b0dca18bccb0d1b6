//! The kernel's own total of a process's CPU time, told as long as nobody has waited for it.

use units::Seconds;

/// User and system time of a process and of the children it waited for; `None` when the kernel no longer tells.
pub(crate) fn total(pid: u32) -> Option<Seconds> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    parse(&stat).map(|ticks| Seconds(ticks as f64 / rustix::param::clock_ticks_per_second() as f64))
}

/// Fields 14 to 17 of proc(5)'s `stat`: utime, stime, cutime, cstime. The name in field 2 may hold anything, so counting begins behind it.
fn parse(stat: &str) -> Option<u64> {
    let (_, rest) = stat.rsplit_once(") ")?;
    let mut times = rest.split(' ').skip(11).take(4).map(|field| field.parse::<u64>().ok());
    let total = times.by_ref().try_fold((0, 0), |(sum, n), field| Some((sum + field?, n + 1)))?;
    (total.1 == 4).then_some(total.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_found_behind_any_name() {
        let stat = "7 (a) b) (c) S 1 7 7 0 -1 4194560 100 0 0 0 5 6 7 8 20 0 1 0 100 1 1 1";
        assert_eq!(parse(stat), Some(26));
        assert_eq!(parse("7 (cut) S 1 7 7"), None);
        assert_eq!(parse("nonsense"), None);
    }

    #[test]
    fn this_process_has_a_total() {
        assert!(total(std::process::id()).is_some());
        assert!(total(u32::MAX).is_none());
    }
}
