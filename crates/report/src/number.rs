//! Numbers as tables print them: three significant digits, thousands apart, and an interval at the value's precision.

/// A value and the ends of its interval, as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// The value alone.
    pub value: String,
    /// `[low, high]`, where there is an interval.
    pub interval: Option<String>,
}

/// Formats a figure. Bytes are shown in the unit that [`shown_unit`] names.
pub fn text(value: f64, ci95: Option<(f64, f64)>, unit: &str) -> Text {
    let scale = scale(unit);
    let style = Style::of(value * scale);
    let interval = ci95.map(|(low, high)| format!("[{}, {}]", style.write(low * scale), style.write(high * scale)));
    Text { value: style.write(value * scale), interval }
}

/// The unit as printed: bytes as GB of 1e9.
pub fn shown_unit(unit: &str) -> &str {
    if unit == "B" { "GB" } else { unit }
}

fn scale(unit: &str) -> f64 {
    if unit == "B" { 1e-9 } else { 1.0 }
}

/// How one value and its interval are written.
enum Style {
    /// With this many decimals.
    Fixed(usize),
    /// As `1.23e-7`.
    Scientific,
}

impl Style {
    /// Three significant digits, but whole numbers in full.
    fn of(value: f64) -> Self {
        let magnitude = if value == 0.0 { 0 } else { value.abs().log10().floor() as i32 };
        match magnitude {
            ..-4 | 9.. => Self::Scientific,
            _ if value.fract() == 0.0 && value.abs() >= 100.0 => Self::Fixed(0),
            _ => Self::Fixed(usize::try_from(2 - magnitude).unwrap_or(0)),
        }
    }

    fn write(&self, value: f64) -> String {
        match self {
            Self::Scientific => format!("{value:.2e}"),
            Self::Fixed(_) if value.abs() >= 1e12 => format!("{value:.2e}"),
            Self::Fixed(decimals) => grouped(&format!("{value:.decimals$}")),
        }
    }
}

/// A comma before every third digit of the whole part, from 10,000 on.
fn grouped(number: &str) -> String {
    let (sign, number) = number.strip_prefix('-').map_or(("", number), |rest| ("-", rest));
    let (whole, fraction) = number.split_once('.').map_or((number, None), |(whole, fraction)| (whole, Some(fraction)));
    let mut out = String::from(sign);
    for (i, digit) in whole.chars().enumerate() {
        if i > 0 && (whole.len() - i).is_multiple_of(3) && whole.len() > 4 {
            out.push(',');
        }
        out.push(digit);
    }
    if let Some(fraction) = fraction {
        out.push('.');
        out += fraction;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: f64, ci95: Option<(f64, f64)>, unit: &str, expected: &str) {
        let text = text(value, ci95, unit);
        assert_eq!(text.interval.map_or(text.value.clone(), |interval| format!("{} {interval}", text.value)), expected);
    }

    #[test]
    fn three_digits_and_an_interval_as_fine() {
        check(0.623_41, Some((0.55, 0.694_9)), "", "0.623 [0.550, 0.695]");
        check(6930.4, Some((6800.0, 12_345.0)), "tok/s/GB", "6930 [6800, 12,345]");
        check(0.001_234, Some((-0.000_9, 0.02)), "J", "0.00123 [-0.00090, 0.02000]");
        check(17.0, None, "requests", "17.0");
        check(14_250.0, None, "requests", "14,250");
        check(0.0, Some((0.0, 0.5)), "", "0.00 [0.00, 0.50]");
        check(1.5e-7, Some((1e-7, 2e-7)), "USD", "1.50e-7 [1.00e-7, 2.00e-7]");
        check(2.5e11, None, "requests", "2.50e11");
        check(99.96, None, "%", "100.0");
    }

    #[test]
    fn bytes_are_gigabytes_of_1e9() {
        check(2_710_000_000.0, Some((2.7e9, 2.72e9)), "B", "2.71 [2.70, 2.72]");
        assert_eq!(shown_unit("B"), "GB");
    }
}
