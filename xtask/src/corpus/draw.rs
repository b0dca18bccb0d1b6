//! Draws the facts of one report. People, companies, clubs and titles are pairs of words, and every pair belongs to one part only,
//! so that a held-out name is new as a whole although each of its words has been seen.

use rand::{Rng, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;

use crate::corpus::words;

/// Which side of the split a report is drawn for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// Pretraining text and the tasks' train rows.
    Train,
    /// The tasks' held-out rows.
    HeldOut,
}

/// One pair in this many is held out.
const HELD_OUT_ONE_IN: usize = 5;

/// Where a slot's value comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Draw {
    /// First name and surname.
    Person,
    /// A town.
    Town,
    /// A company of two words.
    Company,
    /// A club: town and second name.
    Club,
    /// A title of two words, of a painting, a book or a ship.
    Title,
    /// Day and month.
    Date,
    /// A day of the week.
    Weekday,
    /// A year before the report.
    Year,
    /// An amount in millions of dollars.
    Millions,
    /// A whole number.
    Count {
        /// Smallest.
        from: u32,
        /// Largest.
        to: u32,
        /// Between neighbours.
        step: u32,
    },
    /// One of a list.
    Of(&'static [&'static str]),
}

impl Draw {
    /// One value for a report of this part.
    pub(crate) fn draw(self, part: Part, rng: &mut ChaCha8Rng) -> String {
        match self {
            Self::Person => pair(words::FIRST_NAMES, words::SURNAMES, part, rng),
            Self::Company => pair(words::COMPANY_STEMS, words::COMPANY_TYPES, part, rng),
            Self::Club => pair(words::TOWNS, words::CLUBS, part, rng),
            Self::Title => pair(words::TITLE_ADJECTIVES, words::TITLE_NOUNS, part, rng),
            Self::Town => pick(words::TOWNS, rng).to_owned(),
            Self::Date => format!("{} {}", rng.random_range(1..=28), pick(words::MONTHS, rng)),
            Self::Weekday => pick(words::WEEKDAYS, rng).to_owned(),
            Self::Year => rng.random_range(1850..=1999).to_string(),
            Self::Millions => format!("{} million dollars", pick(words::MILLIONS, rng)),
            Self::Count { from, to, step } => (from + step * rng.random_range(0..=(to - from) / step)).to_string(),
            Self::Of(list) => pick(list, rng).to_owned(),
        }
    }
}

/// The part that the pair of these two indices belongs to.
fn part_of(first: usize, second: usize) -> Part {
    if (first * 3 + second).is_multiple_of(HELD_OUT_ONE_IN) { Part::HeldOut } else { Part::Train }
}

fn pair(firsts: &[&str], seconds: &[&str], part: Part, rng: &mut ChaCha8Rng) -> String {
    loop {
        let (first, second) = (rng.random_range(0..firsts.len()), rng.random_range(0..seconds.len()));
        if part_of(first, second) == part {
            return format!("{} {}", firsts[first], seconds[second]);
        }
    }
}

/// One word of a list that is not empty.
pub(crate) fn pick<'a>(list: &[&'a str], rng: &mut ChaCha8Rng) -> &'a str {
    list.choose(rng).expect("word lists are not empty")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rand::SeedableRng;

    use super::*;

    #[test]
    fn names_of_the_two_parts_never_meet_but_share_their_words() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut draw = |part| (0..20_000).map(|_| Draw::Person.draw(part, &mut rng)).collect::<BTreeSet<_>>();
        let (train, held) = (draw(Part::Train), draw(Part::HeldOut));
        assert!(train.is_disjoint(&held));
        let words = |set: &BTreeSet<String>| set.iter().flat_map(|name| name.split(' ').map(str::to_owned)).collect::<BTreeSet<_>>();
        assert!(words(&held).is_subset(&words(&train)));
    }

    #[test]
    fn counts_stay_in_their_range() {
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        for _ in 0..200 {
            let n: u32 = Draw::Count { from: 5, to: 60, step: 5 }.draw(Part::Train, &mut rng).parse().unwrap();
            assert!((5..=60).contains(&n) && n.is_multiple_of(5));
        }
    }
}
