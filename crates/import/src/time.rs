//! Times as files tell them, checked: finite, not negative, shorter than a year. A file's own clock is kept only as differences.

use units::Nanos;

/// Longer than any benchmark, in nanoseconds.
const YEAR_NS: f64 = 366.0 * 86_400.0 * 1e9;

/// Nanoseconds of `value` in `unit` (`ns`, `us`, `ms`, `s` and their longer names); `None` when either cannot be.
pub(crate) fn nanos(value: f64, unit: &str) -> Option<Nanos> {
    let scale = match unit {
        "ns" | "nanoseconds" => 1.0,
        "us" | "microseconds" => 1e3,
        "ms" | "milliseconds" => 1e6,
        "s" | "sec" | "seconds" => 1e9,
        _ => return None,
    };
    let nanos = value * scale;
    (nanos.is_finite() && (0.0..=YEAR_NS).contains(&nanos)).then(|| Nanos(nanos.round() as u64))
}

/// `start + length`.
pub(crate) fn after(start: Nanos, length: Nanos) -> Nanos {
    Nanos(start.get().saturating_add(length.get()))
}
