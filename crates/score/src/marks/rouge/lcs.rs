//! Longest common subsequences, 64 reference tokens at a time: the length, and for ROUGE-Lsum the positions.
//!
//! Source: Crochemore, Iliopoulos, Pinzon and Reid, "A fast and practical bit-vector algorithm for the longest common subsequence
//! problem", Information Processing Letters 80 (2001), with the recurrence `V' = (V + (V & M)) | (V & !M)` of Hyyrö, "Bit-parallel
//! LCS-length computation revisited", AWOCA 2004. A bit of `V` is 0 where the table of lengths steps up by one from the reference
//! token before, so its zeros count the length, and the kept `V`s are the table.

/// A reference made ready to be compared with any number of candidates. It keeps its memory between references.
#[derive(Default)]
pub(super) struct Pattern {
    /// Per token id its row in `masks`, from 1; 0 for a token that the reference lacks.
    slots: Vec<u32>,
    /// Where each distinct token of the reference stands, `words` numbers a token.
    masks: Vec<u64>,
    words: usize,
    length: usize,
    /// The table's current row of steps; all rows after [`Self::positions`].
    steps: Vec<u64>,
}

impl Pattern {
    /// Takes a reference; every token of it and of the candidates is below `ids`. `reference` is given back by [`Self::clear`].
    pub(super) fn set(&mut self, reference: &[u32], ids: usize) {
        self.words = reference.len().div_ceil(64);
        self.length = reference.len();
        self.masks.clear();
        if self.slots.len() < ids {
            self.slots.resize(ids, 0);
        }
        for (i, &token) in reference.iter().enumerate() {
            let slot = &mut self.slots[token as usize];
            if *slot == 0 {
                self.masks.resize(self.masks.len() + self.words, 0);
                *slot = (self.masks.len() / self.words) as u32;
            }
            self.masks[(*slot as usize - 1) * self.words + i / 64] |= 1 << (i % 64);
        }
    }

    /// Forgets the reference that was set, in time that depends on its length alone.
    pub(super) fn clear(&mut self, reference: &[u32]) {
        for &token in reference {
            self.slots[token as usize] = 0;
        }
    }

    /// Length of the longest common subsequence with a candidate.
    pub(super) fn common(&mut self, candidate: &[u32]) -> usize {
        if self.words == 1 {
            return self.common_short(candidate);
        }
        self.steps.clear();
        self.steps.resize(self.words, u64::MAX);
        for &token in candidate {
            if let Some(mask) = mask(&self.slots, &self.masks, self.words, token) {
                step(&mut self.steps, mask);
            }
        }
        self.steps.iter().enumerate().map(|(i, word)| self.zeros(i, *word)).sum()
    }

    /// The same for references of at most 64 tokens, which most are.
    fn common_short(&self, candidate: &[u32]) -> usize {
        let mut steps = u64::MAX;
        for &token in candidate {
            let slot = self.slots[token as usize];
            if slot > 0 {
                let matched = steps & self.masks[slot as usize - 1];
                steps = steps.wrapping_add(matched) | (steps ^ matched);
            }
        }
        self.zeros(0, steps)
    }

    /// Positions in `reference`, the one that was set, of one longest common subsequence, last first: the one that `rouge_score`
    /// reads out of its table (of equal ways back it drops a reference token before a candidate token).
    ///
    /// The table takes one bit a cell: a hostile answer of 100,000 tokens against a reference of 1,000 takes 12 MB.
    pub(super) fn positions(&mut self, reference: &[u32], candidate: &[u32]) -> Vec<usize> {
        let words = self.words;
        self.steps.clear();
        self.steps.resize(words, u64::MAX);
        for &token in candidate {
            let last = self.steps.len() - words;
            self.steps.extend_from_within(last..);
            if let Some(mask) = mask(&self.slots, &self.masks, words, token) {
                step(&mut self.steps[last + words..], mask);
            }
        }
        let (mut i, mut j) = (reference.len(), candidate.len());
        let mut found = Vec::new();
        while i > 0 && j > 0 {
            if reference[i - 1] == candidate[j - 1] {
                found.push(i - 1);
                i -= 1;
                j -= 1;
            } else if self.steps[j * words + (i - 1) / 64] >> ((i - 1) % 64) & 1 == 0 {
                // The length steps up with this reference token, so without it there is less: the candidate's token goes.
                j -= 1;
            } else {
                i -= 1;
            }
        }
        found
    }

    /// Zeros of one number of the row, those past the reference's end left out.
    fn zeros(&self, index: usize, word: u64) -> usize {
        let used = (self.length - 64 * index).min(64);
        let unused = if used == 64 { 0 } else { u64::MAX << used };
        (word | unused).count_zeros() as usize
    }
}

fn mask<'a>(slots: &[u32], masks: &'a [u64], words: usize, token: u32) -> Option<&'a [u64]> {
    let slot = slots[token as usize] as usize;
    (slot > 0).then(|| &masks[(slot - 1) * words..slot * words])
}

/// One candidate token: the sum runs over all numbers of the row as if they were one.
fn step(row: &mut [u64], mask: &[u64]) {
    let mut carry = false;
    for (word, mask) in row.iter_mut().zip(mask) {
        let matched = *word & mask;
        let (sum, first) = word.overflowing_add(matched);
        let (sum, second) = sum.overflowing_add(u64::from(carry));
        carry = first | second;
        *word = sum | (*word ^ matched);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const IDS: usize = 8;

    fn length(reference: &[u32], candidate: &[u32]) -> usize {
        let mut pattern = Pattern::default();
        pattern.set(reference, IDS);
        pattern.common(candidate)
    }

    fn positions(reference: &[u32], candidate: &[u32]) -> Vec<usize> {
        let mut pattern = Pattern::default();
        pattern.set(reference, IDS);
        pattern.positions(reference, candidate)
    }

    /// The textbook's table, and the way back that `rouge_score` takes through it.
    fn table(reference: &[u32], candidate: &[u32]) -> (usize, Vec<usize>) {
        let mut table = vec![vec![0; candidate.len() + 1]; reference.len() + 1];
        for (i, wanted) in reference.iter().enumerate() {
            for (j, token) in candidate.iter().enumerate() {
                table[i + 1][j + 1] = if token == wanted { table[i][j] + 1 } else { table[i][j + 1].max(table[i + 1][j]) };
            }
        }
        let (mut i, mut j) = (reference.len(), candidate.len());
        let mut found = Vec::new();
        while i > 0 && j > 0 {
            if reference[i - 1] == candidate[j - 1] {
                (i, j) = (i - 1, j - 1);
                found.push(i);
            } else if table[i][j - 1] > table[i - 1][j] {
                j -= 1;
            } else {
                i -= 1;
            }
        }
        (table[reference.len()][candidate.len()], found)
    }

    #[test]
    fn small_cases() {
        assert_eq!(length(&[1, 2, 3, 4], &[2, 4, 3]), 2);
        assert_eq!(length(&[], &[1]), 0);
        assert_eq!(positions(&[1, 2, 3, 4], &[1, 4]), [3, 0]);
        assert_eq!(positions(&[1], &[]), [] as [usize; 0]);
        assert_eq!(positions(&[], &[1]), [] as [usize; 0]);
    }

    #[test]
    fn a_pattern_forgets_the_reference_before() {
        let mut pattern = Pattern::default();
        pattern.set(&[1, 2, 3], IDS);
        pattern.clear(&[1, 2, 3]);
        pattern.set(&[4, 2], IDS);
        assert_eq!(pattern.common(&[1, 3, 2]), 1);
    }

    proptest! {
        #[test]
        fn equal_to_the_table(
            reference in prop::collection::vec(0u32..5, 0..200),
            candidate in prop::collection::vec(0u32..6, 0..200),
        ) {
            let (want, way) = table(&reference, &candidate);
            prop_assert_eq!(length(&reference, &candidate), want);
            prop_assert_eq!(positions(&reference, &candidate), way);
        }
    }
}
