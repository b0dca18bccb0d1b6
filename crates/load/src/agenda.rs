//! Which request is next, and when it is due. Pure: it knows instants and no clock, streams or sockets.

use std::collections::VecDeque;

use units::Nanos;

use crate::Due;

/// A request to be put now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Task {
    /// Position among all requests of the run.
    pub(crate) index: usize,
    pub(crate) due: Nanos,
}

/// The requests of one phase that nobody has begun.
#[derive(Debug, Default)]
pub(crate) struct Agenda {
    start: Nanos,
    /// Due at their own time, earliest first.
    timed: VecDeque<Task>,
    /// Due when a stream is free, in order.
    when_free: VecDeque<usize>,
}

impl Agenda {
    /// One request an arrival, numbered from `first`, in a phase that begins at `start`.
    pub(crate) fn new(start: Nanos, arrivals: impl IntoIterator<Item = Due>, first: usize) -> Self {
        let mut agenda = Self { start, ..Self::default() };
        for (index, due) in (first..).zip(arrivals) {
            match due {
                Due::WhenFree => agenda.when_free.push_back(index),
                Due::After(_) => agenda.timed.push_back(Task { index, due: due.at(start, start) }),
            }
        }
        agenda.timed.make_contiguous().sort_by_key(|task| task.due);
        agenda
    }

    /// Nothing is left to begin.
    pub(crate) fn is_empty(&self) -> bool {
        self.timed.is_empty() && self.when_free.is_empty()
    }

    /// When the next request that has a time of its own is due.
    pub(crate) fn next_due(&self) -> Option<Nanos> {
        self.timed.front().map(|task| task.due)
    }

    /// A request is due at `now` at a time of its own: it needs a stream even where none is free.
    pub(crate) fn is_due(&self, now: Nanos) -> bool {
        self.next_due().is_some_and(|due| due <= now)
    }

    /// A free stream has something to do at `now`.
    pub(crate) fn has_work(&self, now: Nanos) -> bool {
        self.is_due(now) || !self.when_free.is_empty()
    }

    /// What a stream that became free at `freed` is to do at `now`.
    pub(crate) fn take(&mut self, now: Nanos, freed: Nanos) -> Option<Task> {
        if self.is_due(now) {
            return self.timed.pop_front();
        }
        let index = self.when_free.pop_front()?;
        Some(Task { index, due: freed.max(self.start) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(agenda: &mut Agenda, now: u64, freed: u64, expected: Option<(usize, u64)>) {
        assert_eq!(agenda.take(Nanos(now), Nanos(freed)), expected.map(|(index, due)| Task { index, due: Nanos(due) }));
    }

    #[test]
    fn the_closed_loop_is_due_when_its_stream_was_free() {
        let mut agenda = Agenda::new(Nanos(100), [Due::WhenFree; 3], 5);
        assert!(agenda.has_work(Nanos(0)) && agenda.next_due().is_none());
        check(&mut agenda, 100, 0, Some((5, 100)));
        check(&mut agenda, 130, 120, Some((6, 120)));
        check(&mut agenda, 131, 125, Some((7, 125)));
        assert!(agenda.is_empty() && agenda.take(Nanos(200), Nanos(200)).is_none());
    }

    #[test]
    fn open_arrivals_keep_their_due_time_however_late_they_are_taken() {
        let mut agenda = Agenda::new(Nanos(100), [30, 10, 10].map(|at| Due::After(Nanos(at))), 0);
        assert_eq!((agenda.next_due(), agenda.has_work(Nanos(109))), (Some(Nanos(110)), false));
        check(&mut agenda, 109, 100, None);
        check(&mut agenda, 110, 100, Some((1, 110)));
        check(&mut agenda, 999, 998, Some((2, 110)));
        check(&mut agenda, 999, 998, Some((0, 130)));
        assert!(agenda.is_empty());
    }

    #[test]
    fn what_is_due_goes_before_what_waits_for_a_stream() {
        let mut agenda = Agenda::new(Nanos(0), [Due::WhenFree, Due::After(Nanos(50)), Due::WhenFree], 0);
        check(&mut agenda, 10, 9, Some((0, 9)));
        check(&mut agenda, 60, 59, Some((1, 50)));
        check(&mut agenda, 70, 65, Some((2, 65)));
    }
}
