//! The quantities themselves. Continuous ones wrap `f64`, counted ones wrap `u64`.

use std::{
    fmt,
    ops::{Add, Div, Mul, Sub},
};

use serde::{Deserialize, Serialize};

macro_rules! continuous {
    ($(#[$doc:meta])* $name:ident, $unit:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub f64);

        impl $name {
            /// The number alone, in the unit this type is named after.
            pub const fn get(self) -> f64 {
                self.0
            }
        }
        impl Add for $name {
            type Output = Self;
            fn add(self, rhs: Self) -> Self {
                Self(self.0 + rhs.0)
            }
        }
        impl Sub for $name {
            type Output = Self;
            fn sub(self, rhs: Self) -> Self {
                Self(self.0 - rhs.0)
            }
        }
        impl Mul<f64> for $name {
            type Output = Self;
            fn mul(self, rhs: f64) -> Self {
                Self(self.0 * rhs)
            }
        }
        impl Div<f64> for $name {
            type Output = Self;
            fn div(self, rhs: f64) -> Self {
                Self(self.0 / rhs)
            }
        }
        /// A ratio of like quantities has no unit.
        impl Div for $name {
            type Output = f64;
            fn div(self, rhs: Self) -> f64 {
                self.0 / rhs.0
            }
        }
        impl std::iter::Sum for $name {
            fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
                Self(iter.map(|x| x.0).sum())
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)?;
                f.write_str(concat!(" ", $unit))
            }
        }
    };
}

macro_rules! counted {
    ($(#[$doc:meta])* $name:ident, $unit:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl $name {
            /// The count alone.
            pub const fn get(self) -> u64 {
                self.0
            }
        }
        impl Add for $name {
            type Output = Self;
            fn add(self, rhs: Self) -> Self {
                Self(self.0.saturating_add(rhs.0))
            }
        }
        impl std::iter::Sum for $name {
            fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
                Self(iter.map(|x| x.0).sum())
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)?;
                f.write_str(concat!(" ", $unit))
            }
        }
    };
}

continuous!(
    /// Energy in joules.
    Joules, "J");
continuous!(
    /// Power in watts.
    Watts, "W");
continuous!(
    /// A duration in seconds.
    Seconds, "s");
continuous!(
    /// Money in US dollars.
    Dollars, "USD");
continuous!(
    /// Greenhouse gas in grams of CO2 equivalent.
    GramsCo2e, "gCO2e");
counted!(
    /// Memory or file size in bytes.
    Bytes, "B");
counted!(
    /// A number of tokens.
    Tokens, "tokens");
counted!(
    /// An instant of `CLOCK_MONOTONIC` in nanoseconds; all processes of one machine share it.
    Nanos, "ns");

impl Mul<Seconds> for Watts {
    type Output = Joules;
    fn mul(self, rhs: Seconds) -> Joules {
        Joules(self.0 * rhs.0)
    }
}
impl Mul<Watts> for Seconds {
    type Output = Joules;
    fn mul(self, rhs: Watts) -> Joules {
        rhs * self
    }
}
impl Div<Seconds> for Joules {
    type Output = Watts;
    fn div(self, rhs: Seconds) -> Watts {
        Watts(self.0 / rhs.0)
    }
}

impl Joules {
    /// Kilowatt-hours: 1 kWh = 3.6 MJ.
    pub fn kilowatt_hours(self) -> f64 {
        self.0 / 3.6e6
    }
}

impl Bytes {
    /// Gigabytes of 1e9 bytes (not GiB).
    pub fn gigabytes(self) -> f64 {
        self.0 as f64 / 1e9
    }
}

impl Nanos {
    /// Time passed since an earlier instant; zero when `earlier` is later.
    pub fn since(self, earlier: Self) -> Seconds {
        Seconds(self.0.saturating_sub(earlier.0) as f64 / 1e9)
    }

    /// The same, negative when `earlier` is in fact later.
    pub fn signed_since(self, earlier: Self) -> Seconds {
        Seconds((i128::from(self.0) - i128::from(earlier.0)) as f64 / 1e9)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn power_times_time_is_energy() {
        assert_eq!(Watts(70.0) * Seconds(2.0), Joules(140.0));
        assert_eq!(Joules(140.0) / Seconds(2.0), Watts(70.0));
        assert!((Joules(3.6e6).kilowatt_hours() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn time_between_instants_can_be_signed() {
        assert_eq!(Nanos(5).since(Nanos(9)), Seconds(0.0));
        assert_eq!(Nanos(0).signed_since(Nanos(1_000_000_000)), Seconds(-1.0));
    }
}
