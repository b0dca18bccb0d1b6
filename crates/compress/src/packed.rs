//! Symmetric integers with a scale a group, packed into 32-bit words: the arithmetic of the `pack-quantized` format of
//! [compressed-tensors](https://github.com/vllm-project/compressed-tensors). No files here.
//!
//! A group of values of one row has the scale `max|w| / ((2^bits − 1) / 2)`, rounded to f16; a value is
//! `round(w / scale)`, ties to even, held between `−2^(bits−1)` and `2^(bits−1) − 1`. That is what llm-compressor's min-max observer and
//! the reference package's `quantize` do, without calibration data. In a word the first value stands in the lowest bits, raised by
//! `2^(bits−1)` so that it is not negative.

use half::f16;
use rayon::prelude::*;

/// Values that share a scale: the group of the schemes W4A16 and W8A16.
pub(crate) const GROUP: usize = 128;

/// Scale of a group of zeros, as in the reference package: the epsilon of f16.
const SCALE_OF_ZEROS: f16 = f16::EPSILON;

/// A matrix in words and scales, row after row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Packed {
    /// `[rows, width · bits / 32]`.
    pub(crate) words: Vec<i32>,
    /// `[rows, width / GROUP]`.
    pub(crate) scales: Vec<f16>,
}

/// A scale or value that f16 does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unfit {
    /// A value is infinite or no number.
    NotFinite,
    /// A scale is beyond f16.
    Overflow,
}

/// Whether rows of this width can be packed.
pub(crate) fn fits(width: usize) -> bool {
    width > 0 && width.is_multiple_of(GROUP)
}

/// Quantises and packs a matrix whose rows' width is a multiple of [`GROUP`]; `bits` is 4 or 8.
pub(crate) fn pack(values: &[f32], bits: u32) -> Result<Packed, Unfit> {
    let in_word = (32 / bits) as usize;
    let groups: Vec<(f16, Vec<i32>)> = values
        .par_chunks(GROUP)
        .map(|group| {
            let scale = scale(group, bits)?;
            let words = group.chunks(in_word).map(|part| word(part, scale, bits)).collect();
            Ok((scale, words))
        })
        .collect::<Result<_, _>>()?;
    let scales = groups.iter().map(|(scale, _)| *scale).collect();
    Ok(Packed { words: groups.into_iter().flat_map(|(_, words)| words).collect(), scales })
}

fn scale(group: &[f32], bits: u32) -> Result<f16, Unfit> {
    if group.iter().any(|value| !value.is_finite()) {
        return Err(Unfit::NotFinite);
    }
    let largest = group.iter().fold(0.0f32, |most, value| most.max(value.abs()));
    let scale = f16::from_f32(largest / (((1u32 << bits) - 1) as f32 / 2.0));
    match scale {
        scale if !scale.is_finite() => Err(Unfit::Overflow),
        scale if scale == f16::ZERO => Ok(SCALE_OF_ZEROS),
        scale => Ok(scale),
    }
}

fn word(values: &[f32], scale: f16, bits: u32) -> i32 {
    let raise = 1i32 << (bits - 1);
    let places = values.iter().enumerate();
    let word = places.fold(0u32, |word, (place, value)| {
        let integer = (value / scale.to_f32()).round_ties_even().clamp(-raise as f32, (raise - 1) as f32) as i32;
        word | (((integer + raise) as u32) << (place as u32 * bits))
    });
    word.cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Words back to values.
    fn unpack(packed: &Packed, bits: u32) -> Vec<f32> {
        let in_word = (32 / bits) as usize;
        let raise = 1i32 << (bits - 1);
        let integer = |index: usize| {
            let shifted = packed.words[index / in_word].cast_unsigned() >> ((index % in_word) as u32 * bits);
            (shifted & ((1u32 << bits) - 1)).cast_signed() - raise
        };
        let count = packed.words.len() * in_word;
        (0..count).map(|index| integer(index) as f32 * packed.scales[index / GROUP].to_f32()).collect()
    }

    fn wave(count: usize) -> Vec<f32> {
        (0..count).map(|i| ((i * 37 % 101) as f32 / 50.0 - 1.0) * (1.0 + (i / GROUP) as f32)).collect()
    }

    #[test]
    fn every_value_comes_back_within_half_a_step() {
        for bits in [4, 8] {
            let values = wave(6 * GROUP);
            let packed = pack(&values, bits).unwrap();
            assert_eq!((packed.words.len(), packed.scales.len()), (values.len() * bits as usize / 32, 6));
            for (index, (was, is)) in values.iter().zip(unpack(&packed, bits)).enumerate() {
                let step = packed.scales[index / GROUP].to_f32();
                // The end of the range is half a step away from the largest value, and the scale is rounded to f16.
                assert!((was - is).abs() <= step * 0.5 + was.abs() / 2048.0, "{bits} bits, {index}: {was} became {is}, step {step}");
            }
        }
    }

    #[test]
    fn the_first_value_stands_in_the_lowest_bits() {
        let mut values = vec![0.0; GROUP];
        values[..8].copy_from_slice(&[-7.5, 7.5, 1.0, -1.0, 2.0, -2.0, 0.5, 1.5]);
        let packed = pack(&values, 4).unwrap();
        // -7.5 is halfway and becomes the even -8; 7.5 would become 8 and is held at 7; 0.5 becomes 0, 1.5 becomes 2.
        assert_eq!((packed.scales[0], packed.words[0].cast_unsigned()), (f16::ONE, 0xa8_6a_79_f0));
        assert_eq!(packed.words[1].cast_unsigned(), 0x8888_8888);
    }

    #[test]
    fn zeros_are_exact_and_what_f16_does_not_hold_is_told() {
        let packed = pack(&[0.0; GROUP], 8).unwrap();
        assert_eq!((packed.scales[0], unpack(&packed, 8)), (SCALE_OF_ZEROS, vec![0.0; GROUP]));
        for (value, expected) in [(f32::NAN, Unfit::NotFinite), (f32::INFINITY, Unfit::NotFinite), (1e6, Unfit::Overflow)] {
            let mut values = vec![0.0; GROUP];
            values[77] = value;
            assert_eq!(pack(&values, 4), Err(expected));
        }
        assert!(fits(256) && !fits(200) && !fits(0));
    }

    /// What `tests/fixtures/make_fixtures.py` wrote; floats as the bits of an f16.
    #[derive(serde::Deserialize)]
    struct Fixture {
        rows: usize,
        width: usize,
        weight: Vec<u16>,
        int4: Reference,
        int8: Reference,
    }

    #[derive(serde::Deserialize)]
    struct Reference {
        scales: Vec<u16>,
        words: Vec<i32>,
    }

    #[test]
    fn words_and_scales_are_those_of_the_compressed_tensors_package() {
        let fixture: Fixture = serde_json::from_str(include_str!("../tests/fixtures/packed.json")).unwrap();
        let weight: Vec<f32> = fixture.weight.iter().map(|bits| f16::from_bits(*bits).to_f32()).collect();
        assert_eq!(weight.len(), fixture.rows * fixture.width);
        for (bits, reference) in [(4, fixture.int4), (8, fixture.int8)] {
            let packed = pack(&weight, bits).unwrap();
            assert_eq!(packed.scales.iter().map(|scale| scale.to_bits()).collect::<Vec<_>>(), reference.scales, "{bits} bits");
            assert_eq!(packed.words, reference.words, "{bits} bits");
        }
    }
}
