//! Wall times as traces write them: `2023-11-16 18:15:46.6805900`, with up to nine fractional digits, perhaps with `T`, `Z` or an offset.
//! Differences of times are all a trace needs, so leap seconds and time zones' names are left alone.
//!
//! Days by Howard Hinnant's `days_from_civil` ("chrono-Compatible Low-Level Date Algorithms", 2013).

use super::{Fault, lines::excerpt};

const HINT: &str = "times are written like 2023-11-16 18:15:46.6805900";

/// Nanoseconds since 1970-01-01, which may be negative.
pub(super) fn nanos(text: &str) -> Result<i128, Fault> {
    parse(text).ok_or_else(|| Fault::new(format!("{} is no time", excerpt(text)), HINT))
}

fn parse(text: &str) -> Option<i128> {
    let bytes = text.as_bytes();
    if !text.is_ascii() || bytes.len() < 19 || !matches!(bytes[10], b' ' | b'T') {
        return None;
    }
    let [year, month, day] = numbers(&text[..10], '-')?;
    let [hour, minute, second] = numbers(&text[11..19], ':')?;
    let valid = (1..=12).contains(&month) && (1..=days_in(year, month)).contains(&day) && hour < 24 && minute < 60 && second <= 60;
    let (fraction_ns, offset_s) = fraction_and_offset(&text[19..])?;
    let seconds = days_from_civil(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offset_s;
    valid.then_some(i128::from(seconds) * 1_000_000_000 + i128::from(fraction_ns))
}

/// Three numbers of fixed width: `2023-11-16`, `18:15:46`.
fn numbers(text: &str, separator: char) -> Option<[i64; 3]> {
    let parts: Vec<&str> = text.split(separator).collect();
    let widths = if separator == '-' { [4, 2, 2] } else { [2, 2, 2] };
    let number = |(part, width): (&&str, usize)| (part.len() == width).then(|| digits(part)).flatten();
    let parts: Vec<i64> = parts.iter().zip(widths).map(number).collect::<Option<_>>()?;
    parts.try_into().ok()
}

fn digits(text: &str) -> Option<i64> {
    (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}

/// What stands behind the seconds: a fraction, and the zone's distance from UTC in seconds.
fn fraction_and_offset(rest: &str) -> Option<(i64, i64)> {
    let (fraction, zone) = match rest.strip_prefix('.') {
        None => (0, rest),
        Some(rest) => {
            let end = rest.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len());
            let kept = &rest[..end.min(9)];
            (digits(kept)? * 10_i64.pow(9 - kept.len() as u32), &rest[end..])
        }
    };
    let offset = match zone {
        "" | "Z" => 0,
        _ => {
            let sign = if zone.starts_with('-') { -1 } else { i64::from(zone.starts_with('+')) };
            let (hours, minutes) = zone.get(1..)?.split_once(':')?;
            let (hours, minutes) = (digits(hours)?, digits(minutes)?);
            if sign == 0 || hours > 23 || minutes > 59 {
                return None;
            }
            sign * (hours * 3600 + minutes * 60)
        }
    };
    Some((fraction, offset))
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_the_traces() {
        for (text, seconds, fraction) in [
            ("1970-01-01 00:00:00", 0, 0),
            ("2023-11-16 18:15:46.6805900", 1_700_158_546, 680_590_000),
            ("2024-05-10T00:00:00.009930+00:00", 1_715_299_200, 9_930_000),
            ("2024-02-29 23:59:59.123456789Z", 1_709_251_199, 123_456_789),
            ("2024-05-10 02:00:00+02:00", 1_715_299_200, 0),
            ("1969-12-31 23:59:59.5", -1, 500_000_000),
        ] {
            assert_eq!(nanos(text).unwrap(), i128::from(seconds) * 1_000_000_000 + i128::from(fraction), "{text}");
        }
    }

    #[test]
    fn what_is_no_time() {
        for text in [
            "",
            "now",
            "2023-11-16",
            "2023-13-01 00:00:00",
            "2023-02-29 00:00:00",
            "2023-11-16 24:00:00",
            "2023-11-16 18:15:46.",
            "2023-11-16 18:15:46 x",
            "2023-11-16 18:15:46+9",
            "2023-11-16 18:15:46+99:99",
            "2023-11-16_18:15:46",
            "2023-11-16 18:15:4é",
            "+023-11-16 18:15:46",
            "2023-11-16 18:15:46.1x",
        ] {
            assert!(nanos(text).is_err(), "{text}");
        }
    }
}
