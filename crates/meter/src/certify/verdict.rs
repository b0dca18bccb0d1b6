//! From which length on a device's windows can be believed.

use serde::{Deserialize, Serialize};

use super::UnderLoad;
use crate::{MAX_RESIDUAL, MIN_WINDOW};

/// Windows at least this long are within this residual.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Usable {
    /// The shortest examined length from which on no aligned window was further off than the limit, in seconds.
    pub from_s: f64,
    /// The largest residual of that length and all longer ones: a share, without its sign.
    pub residual: f64,
    /// Shorter windows are refused in any case, in seconds.
    pub refused_under_s: f64,
}

/// Judges the aligned windows of all loads; the reason when there is no such length.
///
/// # Errors
/// Nothing was compared, or the longest windows are further off than the limit.
pub fn usable(loads: &[UnderLoad]) -> Result<Usable, String> {
    let mut rows: Vec<(f64, f64)> = loads.iter().flat_map(|load| &load.aligned).map(|row| (row.window_s, row.worst.abs())).collect();
    rows.sort_by(|a, b| b.0.total_cmp(&a.0));
    let (mut best, mut residual): (Option<f64>, f64) = (None, 0.0);
    let longest = rows.first().ok_or("counter and integral could not be compared")?.0;
    for lengths in rows.chunk_by(|a, b| a.0.total_cmp(&b.0).is_eq()) {
        let worst = lengths.iter().map(|row| row.1).fold(0.0, f64::max);
        if worst > MAX_RESIDUAL {
            break;
        }
        (best, residual) = (Some(lengths[0].0), residual.max(worst));
    }
    let far = || format!("counter and integral are more than {:.0}% apart even over {longest} s", MAX_RESIDUAL * 100.0);
    Ok(Usable { from_s: best.ok_or_else(far)?, residual, refused_under_s: MIN_WINDOW.get() })
}

#[cfg(test)]
mod tests {
    use units::Reading;

    use super::{super::Residual, *};

    fn load(rows: &[(f64, f64)]) -> UnderLoad {
        let aligned = rows.iter().map(|(window_s, worst)| Residual { window_s: *window_s, n: 9, mean: 0.0, worst: *worst }).collect();
        let (aligned_sampled, unaligned) = (Vec::new(), Vec::new());
        let repeatability = Reading::missing("not looked at");
        UnderLoad { load: "steady".into(), power_w: Reading::missing("-"), aligned, aligned_sampled, unaligned, repeatability }
    }

    #[test]
    fn the_worse_load_decides() {
        let found = usable(&[load(&[(0.5, 0.01), (2.0, -0.02), (5.0, 0.01)]), load(&[(0.5, 0.2), (2.0, 0.03), (5.0, 0.0)])]).unwrap();
        assert_eq!((found.from_s, found.residual), (2.0, 0.03));
    }

    #[test]
    fn a_good_short_window_below_a_bad_longer_one_does_not_count() {
        assert!((usable(&[load(&[(0.5, 0.01), (2.0, 0.09), (5.0, 0.01)])]).unwrap().from_s - 5.0).abs() < 1e-9);
        assert!(usable(&[load(&[(0.5, 0.01), (5.0, 0.09)])]).unwrap_err().contains("even over 5 s"));
        assert!(usable(&[]).is_err());
    }
}
