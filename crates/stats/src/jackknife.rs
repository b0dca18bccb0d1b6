//! The jackknife: a statistic with each observation left out in turn, and the t interval that follows from it.
//!
//! Source: Efron & Tibshirani, "An Introduction to the Bootstrap" (1993), chapter 11 (standard error, equation 11.5); over several
//! independent groups the variances add, with the degrees of freedom of Satterthwaite, Biometrics Bulletin 2 (1946). For smooth
//! statistics only: ratios and other functions of means, not medians. With a handful of runs it keeps its 95%, where no
//! bootstrap can: resamples of three runs never leave the range of those three.

use crate::{Error, Estimate, Method, Result, interval::t_quantile, sample::mean};

/// Any smooth statistic of one or several independent groups with its jackknife t interval. Arguments and n are those of
/// [`crate::Bootstrap::groups`]; a group of one observation adds no variance.
///
/// # Errors
/// No group or an empty one; [`Error::Undefined`] on the sample; [`Error::NoInterval`] with an observation left out.
pub fn jackknife_interval(sizes: &[usize], mut statistic: impl FnMut(&[Vec<usize>]) -> f64) -> Result<Estimate> {
    if sizes.is_empty() || sizes.contains(&0) {
        return Err(Error::Empty);
    }
    let whole: Vec<Vec<usize>> = sizes.iter().map(|&n| (0..n).collect()).collect();
    let value = statistic(&whole);
    if !value.is_finite() {
        return Err(Error::Undefined);
    }
    let Some(n) = sizes.iter().copied().filter(|&n| n > 1).min() else {
        return Ok(Estimate::single(value));
    };
    let (mut variance, mut weight) = (0.0, 0.0);
    for left_out in leave_one_out(&whole, &mut statistic) {
        let n = left_out.len() as f64;
        let mean = mean(&left_out);
        let part = (n - 1.0) / n * left_out.iter().map(|x| (x - mean).powi(2)).sum::<f64>();
        variance += part;
        weight += part.powi(2) / (n - 1.0);
    }
    if !variance.is_finite() {
        return Err(Error::NoInterval);
    }
    // Rounded down (but not by rounding itself), which widens. Without any variance the width is zero whatever t is.
    let freedom = if weight > 0.0 { ((variance * variance / weight + 1e-9) as usize).max(1) } else { n - 1 };
    let half = t_quantile(freedom) * variance.sqrt();
    Ok(Estimate { value, ci95: Some((value - half, value + half)), n, method: Method::JackknifeT })
}

/// For every group of more than one observation: the statistic with each of them left out, all other groups whole.
pub(crate) fn leave_one_out(whole: &[Vec<usize>], statistic: &mut impl FnMut(&[Vec<usize>]) -> f64) -> Vec<Vec<f64>> {
    let mut picks = whole.to_vec();
    let mut groups = Vec::new();
    for (group, all) in whole.iter().enumerate().filter(|(_, all)| all.len() > 1) {
        let left_out = all.iter().map(|&omitted| {
            picks[group].clear();
            picks[group].extend(all.iter().copied().filter(|&i| i != omitted));
            statistic(&picks)
        });
        groups.push(left_out.collect());
        picks[group].clone_from(all);
    }
    groups
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Sample, mean_interval};

    proptest! {
        #[test]
        fn of_a_mean_it_is_the_t_interval(values in prop::collection::vec(-100.0..100.0f64, 2..30)) {
            let of = |picks: &[Vec<usize>]| picks[0].iter().map(|&i| values[i]).sum::<f64>() / picks[0].len() as f64;
            let jackknife = jackknife_interval(&[values.len()], of).unwrap();
            let t = mean_interval(&Sample::new(values.clone()).unwrap());
            let ((low, high), (low_t, high_t)) = (jackknife.ci95.unwrap(), t.ci95.unwrap());
            prop_assert!(((high - low) - (high_t - low_t)).abs() <= 1e-9 * (high_t - low_t) + 1e-9);
            prop_assert!(low <= jackknife.value && jackknife.value <= high);
        }
    }

    #[test]
    fn what_has_no_interval() {
        assert_eq!(jackknife_interval(&[1], |_| 3.0).unwrap(), Estimate::single(3.0));
        assert_eq!(jackknife_interval(&[], |_| 3.0), Err(Error::Empty));
        assert_eq!(jackknife_interval(&[2], |_| f64::NAN), Err(Error::Undefined));
        // Leaving out the only success leaves no denominator.
        let values = [0.0, 1.0];
        let inverse = |picks: &[Vec<usize>]| 1.0 / picks[0].iter().map(|&i| values[i]).sum::<f64>();
        assert_eq!(jackknife_interval(&[2], inverse), Err(Error::NoInterval));
    }

    #[test]
    fn a_constant_group_adds_nothing() {
        let estimate = jackknife_interval(&[4], |_| 2.0).unwrap();
        assert_eq!(estimate.ci95, Some((2.0, 2.0)));
    }
}
