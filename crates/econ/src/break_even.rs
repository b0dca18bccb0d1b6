//! After how many requests one's own model has paid for itself.
//!
//! `N_break = (C_train + C_setup) / (C_api − C_infer)` (Mohammad et al., ACL 2026 Industry, section 4.2). Where serving costs as much
//! as the hosted model or more, the answer is never: not infinity, and not a negative number.

use serde::{Deserialize, Serialize};
use units::Dollars;

/// The answer; in JSON `{"requests": n}` or `{"never": "why"}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum BreakEven {
    /// After this many requests; not rounded.
    After {
        /// At least 0.
        requests: f64,
    },
    /// At no number of requests.
    Never {
        /// Why, with both costs.
        #[serde(rename = "never")]
        reason: String,
    },
}

impl BreakEven {
    /// The requests; `None` where it is never.
    pub fn requests(&self) -> Option<f64> {
        match self {
            Self::After { requests } => Some(*requests),
            Self::Never { .. } => None,
        }
    }
}

/// Break-even of a fixed cost (adaptation and setup) against the saving of each request.
pub fn break_even(fixed: Dollars, api: Dollars, infer: Dollars) -> BreakEven {
    let saving = api - infer;
    // Also where one of them is not a number.
    if saving.get() > 0.0 && fixed.get() >= 0.0 {
        return BreakEven::After { requests: fixed / saving };
    }
    BreakEven::Never {
        reason: format!("never: a request costs {:.3e} USD here and {:.3e} USD at the hosted model", infer.get(), api.get()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn by_hand() {
        // 10 USD over a saving of 0.002 a request.
        let BreakEven::After { requests } = break_even(Dollars(10.0), Dollars(0.0025), Dollars(0.0005)) else { panic!("pays") };
        assert!((requests - 5000.0).abs() < 1e-6);
        let never = break_even(Dollars(10.0), Dollars(0.001), Dollars(0.001));
        assert_eq!(
            never,
            BreakEven::Never { reason: "never: a request costs 1.000e-3 USD here and 1.000e-3 USD at the hosted model".into() }
        );
    }

    #[test]
    fn in_json_it_is_a_number_or_a_reason() {
        let after = BreakEven::After { requests: 12.5 };
        assert_eq!(serde_json::to_string(&after).unwrap(), r#"{"requests":12.5}"#);
        let never = BreakEven::Never { reason: "never: dear".into() };
        assert_eq!(serde_json::to_string(&never).unwrap(), r#"{"never":"never: dear"}"#);
        assert_eq!(serde_json::from_str::<BreakEven>(r#"{"never":"never: dear"}"#).unwrap(), never);
        assert_eq!((after.requests(), never.requests()), (Some(12.5), None));
    }

    proptest! {
        #[test]
        fn never_negative_never_infinite(fixed in 0.0..1e6f64, api in 0.0..1.0f64, infer in 0.0..1.0f64) {
            match break_even(Dollars(fixed), Dollars(api), Dollars(infer)) {
                BreakEven::After { requests } => prop_assert!(requests >= 0.0 && api > infer),
                BreakEven::Never { .. } => prop_assert!(api <= infer),
            }
        }

        #[test]
        fn both_ways_cost_the_same_there(fixed in 0.1..1e3f64, api in 0.5..1.0f64, infer in 0.0..0.4f64) {
            let BreakEven::After { requests } = break_even(Dollars(fixed), Dollars(api), Dollars(infer)) else { panic!("pays") };
            prop_assert!((fixed + infer * requests - api * requests).abs() < 1e-6 * fixed.max(1.0));
        }
    }
}
