//! A figure with the two ends between which it may lie. Not an estimate: how the ends were made is the caller's to say.

use serde::{Deserialize, Serialize};

/// A value between its ends. All three are finite and in order.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Written")]
pub struct Range {
    value: f64,
    low: f64,
    high: f64,
}

/// A range as a file has it, in order or not.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    value: f64,
    low: f64,
    high: f64,
}

impl TryFrom<Written> for Range {
    type Error = &'static str;

    fn try_from(Written { value, low, high }: Written) -> Result<Self, Self::Error> {
        Self::new(value, low, high).ok_or("a value that does not lie between its ends")
    }
}

impl Range {
    /// A value that is known exactly. `None` unless finite.
    pub fn exact(value: f64) -> Option<Self> {
        Self::new(value, value, value)
    }

    /// A value and its ends; `None` unless all are finite and `low <= value <= high`.
    pub fn new(value: f64, low: f64, high: f64) -> Option<Self> {
        let fits = value.is_finite() && low.is_finite() && high.is_finite() && low <= value && value <= high;
        fits.then_some(Self { value, low, high })
    }

    /// The value itself.
    pub fn value(&self) -> f64 {
        self.value
    }

    /// The lower end.
    pub fn low(&self) -> f64 {
        self.low
    }

    /// The upper end.
    pub fn high(&self) -> f64 {
        self.high
    }

    /// Whether both ends are the value.
    pub fn is_exact(&self) -> bool {
        self.low.total_cmp(&self.high).is_eq()
    }

    /// Value and ends through a function that never falls; `None` where it gives no finite numbers in order.
    pub fn map(&self, rising: impl Fn(f64) -> f64) -> Option<Self> {
        Self::new(rising(self.value), rising(self.low), rising(self.high))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_in_order_and_finite() {
        assert!(Range::new(1.0, 0.5, 2.0).is_some() && Range::exact(0.0).unwrap().is_exact());
        assert!(Range::new(1.0, 1.5, 2.0).is_none() && Range::new(1.0, 0.0, f64::INFINITY).is_none() && Range::exact(f64::NAN).is_none());
        let twice = Range::new(1.0, 0.5, 2.0).unwrap().map(|x| 2.0 * x).unwrap();
        assert_eq!((twice.value(), twice.low(), twice.high()), (2.0, 1.0, 4.0));
        assert_eq!(serde_json::from_str::<Range>(&serde_json::to_string(&twice).unwrap()).unwrap(), twice);
        assert!(serde_json::from_str::<Range>(r#"{"value":1.0,"low":2.0,"high":3.0}"#).is_err());
    }
}
