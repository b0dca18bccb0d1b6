//! Times as distributions, written as people write them: `50`, `uniform:40:60`, `normal:50:5`, `lognormal:50:0.3`,
//! `exponential:50`. All in milliseconds. Not a statistics library: only what a script can ask for.

use std::{fmt, str::FromStr};

use rand::Rng;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Longest time that a script may ask for, in milliseconds: a day.
const LONGEST_MS: f64 = 86_400_000.0;

/// A distribution of times in milliseconds. A draw is never negative.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Distribution {
    /// Always the same.
    Constant(f64),
    /// Between two bounds.
    Uniform(f64, f64),
    /// Mean and standard deviation; what falls below zero is drawn again.
    Normal(f64, f64),
    /// Median, and the standard deviation of the logarithm.
    Lognormal(f64, f64),
    /// Mean.
    Exponential(f64),
}

impl Distribution {
    /// One draw, in milliseconds.
    pub fn draw(self, rng: &mut impl Rng) -> f64 {
        let value = match self {
            Self::Constant(value) => value,
            Self::Uniform(low, high) => low + (high - low) * rng.random::<f64>(),
            Self::Normal(mean, sd) => truncated(mean, sd, rng),
            Self::Lognormal(median, sigma) => median * (sigma * standard_normal(rng)).exp(),
            Self::Exponential(mean) => -mean * (1.0 - rng.random::<f64>()).ln(),
        };
        value.clamp(0.0, LONGEST_MS)
    }

    /// The value itself, when there is only one.
    pub(crate) fn constant(self) -> Option<f64> {
        match self {
            Self::Constant(value) => Some(value),
            _ => None,
        }
    }

    fn checked(self) -> Result<Self, String> {
        let time = |value: f64| (0.0..=LONGEST_MS).contains(&value);
        let sound = match self {
            Self::Constant(value) | Self::Exponential(value) => time(value),
            Self::Uniform(low, high) => time(low) && time(high) && low <= high,
            Self::Normal(mean, sd) => time(mean) && time(sd),
            // A sigma of 5 spreads over four orders of magnitude either way.
            Self::Lognormal(median, sigma) => time(median) && (0.0..=5.0).contains(&sigma),
        };
        if sound { Ok(self) } else { Err(format!("`{self}` is no distribution of times between 0 and a day")) }
    }
}

/// A normal draw that is not negative. The mean is not negative, so at least every second draw serves.
fn truncated(mean: f64, sd: f64, rng: &mut impl Rng) -> f64 {
    const TRIES: usize = 64;
    (0..TRIES).map(|_| mean + sd * standard_normal(rng)).find(|&value| value >= 0.0).unwrap_or(mean)
}

/// Box and Muller 1958, one of the pair.
fn standard_normal(rng: &mut impl Rng) -> f64 {
    let (u, v): (f64, f64) = (1.0 - rng.random::<f64>(), rng.random());
    (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
}

impl fmt::Display for Distribution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Constant(value) => write!(f, "{value}"),
            Self::Uniform(low, high) => write!(f, "uniform:{low}:{high}"),
            Self::Normal(mean, sd) => write!(f, "normal:{mean}:{sd}"),
            Self::Lognormal(median, sigma) => write!(f, "lognormal:{median}:{sigma}"),
            Self::Exponential(mean) => write!(f, "exponential:{mean}"),
        }
    }
}

impl FromStr for Distribution {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = text.split(':').map(str::trim);
        let word = parts.next().unwrap_or_default();
        let numbers: Vec<f64> =
            parts.map(|part| part.parse().map_err(|_| format!("`{part}` in `{text}` is not a number"))).collect::<Result<_, _>>()?;
        let built = match (word, &numbers[..]) {
            ("constant", &[value]) => Self::Constant(value),
            ("uniform", &[low, high]) => Self::Uniform(low, high),
            ("normal", &[mean, sd]) => Self::Normal(mean, sd),
            ("lognormal", &[median, sigma]) => Self::Lognormal(median, sigma),
            ("exponential", &[mean]) => Self::Exponential(mean),
            (number, []) if number.parse::<f64>().is_ok() => Self::Constant(number.parse().expect("it has just been read")),
            _ => {
                return Err(format!(
                    "`{text}` is no distribution; known: MS, constant:MS, uniform:LOW:HIGH, normal:MEAN:SD, lognormal:MEDIAN:SIGMA, exponential:MEAN"
                ));
            }
        };
        built.checked()
    }
}

impl Serialize for Distribution {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Constant(value) => serializer.serialize_f64(*value),
            other => serializer.collect_str(other),
        }
    }
}

impl<'de> Deserialize<'de> for Distribution {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Written)
    }
}

/// A number or a string.
struct Written;

impl de::Visitor<'_> for Written {
    type Value = Distribution;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("milliseconds, or a distribution such as \"lognormal:50:0.3\"")
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Distribution, E> {
        Distribution::Constant(value).checked().map_err(E::custom)
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Distribution, E> {
        self.visit_f64(value as f64)
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Distribution, E> {
        self.visit_f64(value as f64)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Distribution, E> {
        text.parse().map_err(E::custom)
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    /// Mean over many seeded draws.
    fn mean(text: &str) -> f64 {
        let distribution: Distribution = text.parse().unwrap();
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        (0..40_000).map(|_| distribution.draw(&mut rng)).sum::<f64>() / 40_000.0
    }

    #[test]
    fn draws_have_the_mean_of_their_distribution() {
        for (text, expected) in [
            ("7", 7.0),
            ("constant:7", 7.0),
            ("uniform:40:60", 50.0),
            ("normal:50:5", 50.0),
            // The mean of the positive half of a centred normal: sd * sqrt(2 / pi).
            ("normal:0:10", 10.0 * (2.0 / std::f64::consts::PI).sqrt()),
            // The mean of a lognormal: median * exp(sigma^2 / 2).
            ("lognormal:50:0.3", 50.0 * (0.045_f64).exp()),
            ("exponential:10", 10.0),
        ] {
            let found = mean(text);
            assert!((found - expected).abs() < 0.02 * expected, "{text}: {found} instead of {expected}");
        }
    }

    #[test]
    fn what_is_no_distribution_is_refused_with_the_known_words() {
        for text in ["", "gaussian:1:2", "uniform:1", "normal", "constant:x"] {
            assert!(text.parse::<Distribution>().is_err(), "{text}");
        }
        assert!("gaussian:1:2".parse::<Distribution>().unwrap_err().contains("lognormal:MEDIAN:SIGMA"));
        for text in ["-1", "nan", "inf", "uniform:5:1", "lognormal:1:9", "exponential:-1"] {
            assert!(text.parse::<Distribution>().is_err(), "{text}");
        }
    }
}
