//! Packing: several short sequences in one row, so that fewer rows are padded.

/// Puts sequences into rows of at most `capacity` tokens, each into the first row that has room (first fit), in the order given.
/// Returns the indices of each row; a sequence longer than a row stands alone.
pub(super) fn first_fit(lengths: &[usize], order: &[usize], capacity: usize) -> Vec<Vec<usize>> {
    /// Rows looked at for room; older ones are taken as full.
    const OPEN: usize = 256;
    let mut rows: Vec<(usize, Vec<usize>)> = Vec::new();
    for &index in order {
        let recent = rows.len().saturating_sub(OPEN);
        match rows[recent..].iter_mut().find(|(used, _)| used + lengths[index] <= capacity) {
            Some((used, row)) => {
                *used += lengths[index];
                row.push(index);
            }
            None => rows.push((lengths[index], vec![index])),
        }
    }
    rows.into_iter().map(|(_, row)| row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequences_fill_the_first_row_with_room() {
        assert_eq!(first_fit(&[5, 4, 3, 6, 1], &[0, 1, 2, 3, 4], 9), [vec![0, 1], vec![2, 3], vec![4]]);
        assert_eq!(first_fit(&[5, 4, 3, 6, 1], &[3, 4, 0, 2, 1], 9), [vec![3, 4], vec![0, 2], vec![1]]);
        assert_eq!(first_fit(&[12, 1], &[0, 1], 9), [vec![0], vec![1]]);
    }
}
