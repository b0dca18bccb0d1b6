//! Longest common subsequences: the length alone in two rows of memory, and the positions for ROUGE-Lsum.

/// Length of the longest common subsequence.
pub(super) fn length(reference: &[u32], candidate: &[u32]) -> usize {
    let mut row = vec![0_u32; candidate.len() + 1];
    for &wanted in reference {
        let mut diagonal = 0;
        for (j, &token) in candidate.iter().enumerate() {
            let above = row[j + 1];
            row[j + 1] = if token == wanted { diagonal + 1 } else { above.max(row[j]) };
            diagonal = above;
        }
    }
    row[candidate.len()] as usize
}

/// Positions in `reference` of one longest common subsequence, last first: the one that `rouge_score` reads out of its table (of
/// equal ways back it drops a reference token before a candidate token).
///
/// The table itself is not kept, only one bit a cell, which way back is longer: a hostile answer of 100,000 tokens against a
/// reference of 1,000 takes 12 MB.
pub(super) fn positions(reference: &[u32], candidate: &[u32]) -> Vec<usize> {
    let columns = candidate.len();
    let mut left_is_longer = vec![0_u64; (reference.len() * columns).div_ceil(64)];
    let mut row = vec![0_u32; columns + 1];
    for (i, &wanted) in reference.iter().enumerate() {
        let mut diagonal = 0;
        for (j, &token) in candidate.iter().enumerate() {
            let (above, left) = (row[j + 1], row[j]);
            if left > above {
                let cell = i * columns + j;
                left_is_longer[cell / 64] |= 1 << (cell % 64);
            }
            row[j + 1] = if token == wanted { diagonal + 1 } else { above.max(left) };
            diagonal = above;
        }
    }
    let (mut i, mut j) = (reference.len(), columns);
    let mut found = Vec::new();
    while i > 0 && j > 0 {
        let cell = (i - 1) * columns + (j - 1);
        if reference[i - 1] == candidate[j - 1] {
            found.push(i - 1);
            i -= 1;
            j -= 1;
        } else if left_is_longer[cell / 64] >> (cell % 64) & 1 == 1 {
            j -= 1;
        } else {
            i -= 1;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn small_cases() {
        assert_eq!(length(&[1, 2, 3, 4], &[2, 4, 3]), 2);
        assert_eq!(length(&[], &[1]), 0);
        assert_eq!(positions(&[1, 2, 3, 4], &[1, 4]), [3, 0]);
        assert_eq!(positions(&[1], &[]), [] as [usize; 0]);
    }

    proptest! {
        #[test]
        fn the_positions_are_a_common_subsequence_of_full_length(
            reference in prop::collection::vec(0u32..5, 0..30),
            candidate in prop::collection::vec(0u32..5, 0..30),
        ) {
            let found = positions(&reference, &candidate);
            prop_assert_eq!(found.len(), length(&reference, &candidate));
            prop_assert_eq!(length(&candidate, &reference), found.len());
            let mut rest = candidate.iter();
            for &i in found.iter().rev() {
                prop_assert!(rest.any(|&token| token == reference[i]));
            }
        }
    }
}
