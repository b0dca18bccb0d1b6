//! Several comparisons at once.
//!
//! Holm's step-down correction (Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of
//! Statistics 6, 1979): it keeps the chance of any false claim at the stated level without assuming independence.

use crate::{Error, Result};

/// Adjusted p-values, in the order given; compare each with the level of the whole family.
///
/// # Errors
/// A p-value outside 0..=1.
pub fn holm(p_values: &[f64]) -> Result<Vec<f64>> {
    if let Some(&value) = p_values.iter().find(|p| !(0.0..=1.0).contains(*p)) {
        return Err(Error::Probability { what: "a p-value", value });
    }
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|&a, &b| p_values[a].total_cmp(&p_values[b]));
    let mut adjusted = vec![0.0; p_values.len()];
    let mut largest = 0.0_f64;
    for (rank, &index) in order.iter().enumerate() {
        // A later hypothesis is never easier to reject than an earlier one.
        largest = largest.max((p_values.len() - rank) as f64 * p_values[index]).min(1.0);
        adjusted[index] = largest;
    }
    Ok(adjusted)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_family_of_four_by_hand() {
        // R: p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm") = 0.03 0.06 0.06 0.02
        let adjusted = holm(&[0.01, 0.04, 0.03, 0.005]).unwrap();
        for (got, want) in adjusted.iter().zip([0.03, 0.06, 0.06, 0.02]) {
            assert!((got - want).abs() < 1e-12);
        }
        assert_eq!(holm(&[]).unwrap(), Vec::<f64>::new());
        assert!(holm(&[f64::NAN]).is_err() && holm(&[1.2]).is_err());
    }

    proptest! {
        #[test]
        fn never_smaller_and_at_most_one(p_values in prop::collection::vec(0.0..=1.0f64, 1..30)) {
            for (adjusted, raw) in holm(&p_values).unwrap().into_iter().zip(&p_values) {
                prop_assert!(*raw <= adjusted && adjusted <= 1.0);
            }
        }
    }
}
