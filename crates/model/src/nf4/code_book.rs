//! The 16 values of NF4 and the 256 of the dynamic map that quantises the magnitudes.
//!
//! Sources: appendix E of the QLoRA paper (arXiv 2305.14314) in the single precision that bitsandbytes uses
//! (`csrc/kernels.cu`, `dDequantizeNF4`), and its `functional.create_dynamic_map(signed=True, max_exponent_bits=7, total_bits=8)`.

/// Quantiles of a normal distribution scaled to -1..1, with an exact 0.
pub(super) const CODE_BOOK: [f32; 16] = [
    -1.0,
    -0.696_192_8,
    -0.525_073_05,
    -0.394_917_5,
    -0.284_441_38,
    -0.184_773_43,
    -0.091_050_036,
    0.0,
    0.079_580_3,
    0.160_930_2,
    0.246_112_3,
    0.337_915_24,
    0.440_709_83,
    0.562_617,
    0.722_956_84,
    1.0,
];

/// Midpoints between neighbours of the code book, as rounded by bitsandbytes (`dQuantizeNF4`).
const BOUNDS: [f32; 15] = [
    -0.848_096_4,
    -0.610_632_9,
    -0.459_995_27,
    -0.339_679_43,
    -0.234_607_4,
    -0.137_911_73,
    -0.045_525_02,
    0.039_790_15,
    0.120_255_25,
    0.203_521_25,
    0.292_013_77,
    0.389_312_54,
    0.501_663_4,
    0.642_786_9,
    0.861_478_4,
];

/// The code of the nearest value of the code book; on a midpoint the lower one.
pub(super) fn nearest(x: f32) -> u8 {
    BOUNDS.iter().map(|&bound| u8::from(x > bound)).sum()
}

/// The dynamic map (Dettmers 2016, arXiv 1511.04561): 7 decades below 1, each with twice the values of the one below, both signs.
pub(super) fn dynamic_map() -> [f32; 256] {
    let mut values = vec![0f32, 1.0];
    for decade in 0..7 {
        let count = 1usize << decade;
        let power = 10f64.powi(decade - 6);
        // Midpoints of `count` equal parts of 0.1..1.
        let bound = |i: usize| (0.1 + 0.9 * i as f64 / count as f64) as f32;
        for i in 0..count {
            let mean = f64::from(f32::midpoint(bound(i), bound(i + 1)));
            values.extend([(power * mean) as f32, (-power * mean) as f32]);
        }
    }
    values.sort_by(f32::total_cmp);
    values.try_into().expect("two values and 127 of either sign are 256")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bounds_are_the_midpoints() {
        for (i, &bound) in BOUNDS.iter().enumerate() {
            assert!((bound - f32::midpoint(CODE_BOOK[i], CODE_BOOK[i + 1])).abs() < 1e-6, "{i}");
        }
        for (i, &v) in CODE_BOOK.iter().enumerate() {
            assert_eq!(usize::from(nearest(v)), i);
        }
    }

    #[test]
    fn the_dynamic_map_is_that_of_bitsandbytes() {
        let map = dynamic_map();
        assert!(map.windows(2).all(|w| w[0] < w[1]));
        // The ends and the middle of `create_dynamic_map()`.
        let expected = [(0, -0.992_968_74), (1, -0.978_906_2), (126, -5.5e-7), (127, 0.0), (128, 5.5e-7), (254, 0.992_968_74), (255, 1.0)];
        for (i, value) in expected {
            assert!((map[i] - value).abs() <= 1e-6 * f32::abs(value), "{i}: {}", map[i]);
        }
    }
}
