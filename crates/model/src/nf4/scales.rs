//! The magnitudes of the blocks, themselves quantised to 8 bits (double quantisation).

use super::code_book::dynamic_map;

/// Magnitudes that share one scale.
const GROUP: usize = 256;

/// Largest magnitudes of blocks: an 8-bit code each, a scale per group, and the mean of all.
pub(super) struct Scales {
    codes: Vec<u8>,
    groups: Vec<f32>,
    mean: f32,
    map: [f32; 256],
}

impl Scales {
    /// Rounds each magnitude, less the mean of all, to the dynamic map scaled to its group.
    pub(super) fn quantise(magnitudes: &[f32]) -> Self {
        let map = dynamic_map();
        let mean = (magnitudes.iter().map(|&m| f64::from(m)).sum::<f64>() / magnitudes.len().max(1) as f64) as f32;
        let (mut codes, mut groups) = (Vec::with_capacity(magnitudes.len()), Vec::new());
        for group in magnitudes.chunks(GROUP) {
            let scale = group.iter().fold(0f32, |m, v| m.max((v - mean).abs()));
            let inverse = if scale > 0.0 { 1.0 / scale } else { 0.0 };
            codes.extend(group.iter().map(|v| nearest(&map, (v - mean) * inverse)));
            groups.push(scale);
        }
        Self { codes, groups, mean, map }
    }

    /// The magnitude of a block.
    pub(super) fn magnitude(&self, block: usize) -> f32 {
        self.map[usize::from(self.codes[block])] * self.groups[block / GROUP] + self.mean
    }

    #[cfg(test)]
    pub(super) fn codes(&self) -> &[u8] {
        &self.codes
    }

    #[cfg(test)]
    pub(super) fn groups(&self) -> &[f32] {
        &self.groups
    }

    /// Bytes held, without the map, which all weights share in kind.
    pub(super) fn bytes(&self) -> usize {
        self.codes.len() + 4 * self.groups.len() + 4
    }
}

impl std::fmt::Debug for Scales {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scales").field("blocks", &self.codes.len()).field("mean", &self.mean).finish_non_exhaustive()
    }
}

/// The code of the nearest value of the map.
fn nearest(map: &[f32; 256], x: f32) -> u8 {
    let above = map.partition_point(|&v| v < x).min(255);
    let below = above.saturating_sub(1);
    let code = if x - map[below] <= map[above] - x { below } else { above };
    code as u8
}
