//! How external meters tell the time, as nanoseconds. ISO 8601 in the profile of RFC 3339, with a blank allowed for the `T`; an offset
//! from UTC must be there.

use plan::CsvTime;

use super::line::brief;

/// Further from 1970 no clock is: more than ten thousand years.
const MOST_SECONDS: f64 = 4e11;

const BILLION: i128 = 1_000_000_000;

/// The time as written, in nanoseconds: since 1970-01-01 UTC, or of the monotonic clock.
pub(super) fn nanoseconds(text: &str, form: CsvTime) -> Result<i128, String> {
    let nanoseconds = match form {
        CsvTime::UnixS | CsvTime::MonotonicS => decimal(text, 9),
        CsvTime::UnixMs => decimal(text, 6),
        CsvTime::Iso8601 => iso8601(text),
    };
    nanoseconds.ok_or_else(|| format!("the time {:?} is not {}", brief(text), expected(form)))
}

fn expected(form: CsvTime) -> &'static str {
    match form {
        CsvTime::UnixS => "a number of seconds since 1970",
        CsvTime::UnixMs => "a number of milliseconds since 1970",
        CsvTime::MonotonicS => "a number of seconds",
        CsvTime::Iso8601 => "like 2026-08-01T12:00:00.250Z, with an offset from UTC",
    }
}

/// A decimal number times ten to the power of `digits`, exactly: seconds since 1970 with nine places do not fit a float.
fn decimal(text: &str, digits: u32) -> Option<i128> {
    if text.contains(['e', 'E']) {
        let value: f64 = text.parse().ok()?;
        let scaled = value * 10f64.powi(digits as i32);
        return (scaled.abs() <= MOST_SECONDS * 1e9).then_some(scaled as i128);
    }
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_plain = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || whole.len() > 15 || !is_plain(whole) || !is_plain(fraction) {
        return None;
    }
    let kept = fraction.get(..fraction.len().min(digits as usize))?;
    let scale = 10i128.pow(digits - kept.len() as u32);
    let parts = format!("{whole}{kept}").parse::<i128>().ok()?;
    Some(parts * scale)
}

fn iso8601(text: &str) -> Option<i128> {
    let (date, rest) = (text.get(..10)?, text.get(11..)?);
    if !matches!(text.as_bytes()[10], b'T' | b't' | b' ') {
        return None;
    }
    let clock_end = rest.find(['Z', 'z', '+', '-'])?;
    let (clock, zone) = rest.split_at(clock_end);
    let days = days(number(date, 0, 4)?, number(date, 5, 7)?, number(date, 8, 10)?, date)?;
    let (hour, minute) = (number(clock, 0, 2)?, number(clock, 3, 5)?);
    let second = decimal(clock.get(6..)?, 9)?;
    let separated = clock.as_bytes().get(2) == Some(&b':') && clock.as_bytes().get(5) == Some(&b':');
    // A leap second may be told as 60.
    if !separated || hour > 23 || minute > 59 || second >= 61 * BILLION {
        return None;
    }
    let seconds = days * 86_400 + hour * 3600 + minute * 60 - offset(zone.trim())?;
    Some(i128::from(seconds) * BILLION + second)
}

fn number(text: &str, from: usize, to: usize) -> Option<i64> {
    let digits = text.get(from..to)?;
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
}

/// Days since 1970-01-01 of a date of the Gregorian calendar (Howard Hinnant, chrono-Compatible Low-Level Date Algorithms).
fn days(year: i64, month: i64, day: i64, date: &str) -> Option<i64> {
    let separated = date.as_bytes().get(4) == Some(&b'-') && date.as_bytes().get(7) == Some(&b'-');
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        2 => 28 + i64::from(is_leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    if !separated || !(1..=12).contains(&month) || !(1..=length).contains(&day) {
        return None;
    }
    let shifted = year - i64::from(month <= 2);
    let (era, of_era) = (shifted.div_euclid(400), shifted.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    Some(era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468)
}

/// Seconds that a zone is ahead of UTC: `Z`, `+02:00`, `+0200` or `+02`.
fn offset(zone: &str) -> Option<i64> {
    if matches!(zone, "Z" | "z") {
        return Some(0);
    }
    let sign = if zone.starts_with('-') { -1 } else { 1 };
    let digits: String = zone.get(1..)?.chars().filter(|c| *c != ':').collect();
    let (hours, minutes) = match digits.len() {
        2 => (number(&digits, 0, 2)?, 0),
        4 => (number(&digits, 0, 2)?, number(&digits, 2, 4)?),
        _ => return None,
    };
    (hours <= 23 && minutes <= 59).then_some(sign * (hours * 3600 + minutes * 60))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, form: CsvTime, expected: i128) {
        assert_eq!(nanoseconds(text, form), Ok(expected), "{text}");
    }

    #[test]
    fn numbers_are_taken_exactly() {
        check("1700000000.123456789", CsvTime::UnixS, 1_700_000_000_123_456_789);
        check("1700000000", CsvTime::UnixS, 1_700_000_000 * BILLION);
        check("1700000000123.5", CsvTime::UnixMs, 1_700_000_000_123_500_000);
        check("12.5", CsvTime::MonotonicS, 12_500_000_000);
        check("1.7e9", CsvTime::UnixS, 1_700_000_000 * BILLION);
        check("0.0000000019", CsvTime::UnixS, 1);
    }

    #[test]
    fn dates_are_taken_with_their_offset() {
        let expected = 1_785_585_600 * BILLION + 250_000_000;
        for text in ["2026-08-01T12:00:00.25Z", "2026-08-01 14:00:00.250+02:00", "2026-08-01T14:00:00.25+0200", "2026-08-01t05:00:00.25-07"]
        {
            check(text, CsvTime::Iso8601, expected);
        }
        check("1970-01-01T00:00:00Z", CsvTime::Iso8601, 0);
        check("2024-02-29T23:59:59Z", CsvTime::Iso8601, 1_709_251_199 * BILLION);
    }

    #[test]
    fn what_is_no_time_says_what_one_looks_like() {
        for text in
            ["2026-08-01T12:00:00", "2026-02-29T12:00:00Z", "2026-13-01T12:00:00Z", "2026-08-01T25:00:00Z", "", "ä026-08-01T12:00:00Z"]
        {
            let reason = nanoseconds(text, CsvTime::Iso8601).unwrap_err();
            assert!(reason.contains("with an offset from UTC"), "{reason}");
        }
        for text in ["", "-1", "1,5", "1.5.5", "nan", "1e99", "99999999999999999999"] {
            assert!(nanoseconds(text, CsvTime::UnixS).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in "\\PC{0,40}|[-0-9TZ:.+ ]{0,32}") {
            for form in CsvTime::ALL {
                let _ = nanoseconds(&text, *form);
            }
        }
    }
}
