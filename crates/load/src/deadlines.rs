//! Instants at which streams give up, earliest first. Nearly all come in order, since every request is given the same time, so a sorted
//! queue takes them at its end. Whether one still means something only its stream knows.

use std::collections::VecDeque;

use units::Nanos;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Deadlines(VecDeque<(Nanos, usize)>);

impl Deadlines {
    /// Adds a stream's deadline.
    pub(crate) fn push(&mut self, at: Nanos, stream: usize) {
        match self.0.back() {
            Some(last) if last.0 > at => self.0.insert(self.0.partition_point(|entry| entry.0 <= at), (at, stream)),
            _ => self.0.push_back((at, stream)),
        }
    }

    /// The earliest.
    pub(crate) fn first(&self) -> Option<(Nanos, usize)> {
        self.0.front().copied()
    }

    /// Takes the earliest.
    pub(crate) fn pop(&mut self) -> Option<(Nanos, usize)> {
        self.0.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn they_come_out_in_order(instants in prop::collection::vec(0..50_u64, 0..40)) {
            let mut deadlines = Deadlines::default();
            for (stream, at) in instants.iter().enumerate() {
                deadlines.push(Nanos(*at), stream);
            }
            let mut expected: Vec<(Nanos, usize)> = instants.iter().map(|at| Nanos(*at)).zip(0..).collect();
            expected.sort();
            prop_assert_eq!(deadlines.first(), expected.first().copied());
            let seen: Vec<(Nanos, usize)> = std::iter::from_fn(|| deadlines.pop()).collect();
            prop_assert_eq!(seen, expected);
        }
    }
}
