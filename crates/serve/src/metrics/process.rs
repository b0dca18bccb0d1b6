//! This process's own memory, read from `/proc/self/status` (its manual page is `proc_pid_status(5)`). A line that is not there is left out.

use units::Bytes;

/// One gauge of `/metrics`.
pub(super) struct Gauge {
    pub(super) name: &'static str,
    pub(super) help: &'static str,
    pub(super) bytes: Bytes,
}

const FIELDS: [(&str, &str, &str); 3] = [
    ("VmRSS:", "process_resident_memory_bytes", "Resident memory now, mapped weight files included."),
    ("VmHWM:", "process_peak_resident_memory_bytes", "Most resident memory ever."),
    ("VmSize:", "process_virtual_memory_bytes", "Address space in use."),
];

pub(super) fn gauges() -> Vec<Gauge> {
    std::fs::read_to_string("/proc/self/status").map(|status| parse(&status)).unwrap_or_default()
}

fn parse(status: &str) -> Vec<Gauge> {
    let bytes = |key: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(key))?;
        let kib: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
        Some(Bytes(kib.checked_mul(1024)?))
    };
    FIELDS.iter().filter_map(|(key, name, help)| bytes(key).map(|bytes| Gauge { name, help, bytes })).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_in_kibibytes_and_absent_lines_are_left_out() {
        let gauges = parse("Name:\tedge-eval\nVmHWM:\t    2048 kB\nVmRSS:\t   1024 kB\nVmSize:\t lots\n");
        let got: Vec<_> = gauges.iter().map(|g| (g.name, g.bytes.get())).collect();
        assert_eq!(got, [("process_resident_memory_bytes", 1 << 20), ("process_peak_resident_memory_bytes", 2 << 20)]);
    }
}
