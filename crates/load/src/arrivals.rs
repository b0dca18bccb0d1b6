//! When requests are due, as data: any iterator of [`Due`] is an arrival process. The client knows only the iterator, so
//! another process (constant, Poisson, a trace) is another iterator, never another client.

use units::Nanos;

/// When the next request is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// As soon as a stream is free: the closed loop.
    WhenFree,
    /// So long after the window's start, whether or not a stream is free by then.
    After(Nanos),
}

impl Due {
    /// The instant itself, for a window that started at `start` and a stream that became free at `freed`.
    pub(crate) fn at(self, start: Nanos, freed: Nanos) -> Nanos {
        match self {
            Self::WhenFree => freed,
            Self::After(offset) => start + offset,
        }
    }
}

/// `requests` requests, each due the instant a stream is free.
pub fn closed_loop(requests: usize) -> impl Iterator<Item = Due> + Send {
    std::iter::repeat_n(Due::WhenFree, requests)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closed_loop_is_due_when_a_stream_is_free() {
        assert!(closed_loop(3).eq([Due::WhenFree; 3]));
        assert_eq!(Due::WhenFree.at(Nanos(5), Nanos(9)), Nanos(9));
    }

    #[test]
    fn an_open_arrival_is_due_at_its_time_even_when_no_stream_is_free() {
        assert_eq!(Due::After(Nanos(2)).at(Nanos(5), Nanos(9)), Nanos(7));
    }
}
