//! The three parts of a split by a seeded hash of the id: which part a row is in depends on its id and the seed alone, not on the order
//! of the rows, their number, or the program's version.
//!
//! The shares 70, 15 and 15 percent are those of Mohammad et al., ACL 2026 Industry, section 4. A data set with official parts is better
//! read by those.

use serde::{Deserialize, Serialize};

/// One part of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// To adapt on.
    Train,
    /// To choose by.
    Validation,
    /// To score on.
    Test,
}

/// A seeded split.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Split {
    /// Another seed is another split.
    pub seed: u64,
    /// Percent of the ids in the part to train on.
    pub train: u8,
    /// Percent in the part to choose by. The rest is the part to score on.
    pub validation: u8,
}

impl Split {
    /// The paper's 70/15/15.
    pub fn paper(seed: u64) -> Self {
        Self { seed, train: 70, validation: 15 }
    }

    /// The part that an id is in.
    pub fn part(&self, id: &str) -> Part {
        let mut hasher = blake3::Hasher::new_derive_key("edge-eval 2026 split of a data set by id");
        hasher.update(&self.seed.to_le_bytes());
        hasher.update(id.as_bytes());
        let number = u64::from_le_bytes(hasher.finalize().as_bytes()[..8].try_into().expect("eight bytes"));
        // The upper half of a product is uniform on 0..100.
        let percent = ((u128::from(number) * 100) >> 64) as u8;
        if percent < self.train {
            Part::Train
        } else if percent < self.train.saturating_add(self.validation) {
            Part::Validation
        } else {
            Part::Test
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_have_their_shares_and_depend_on_the_seed() {
        let ids: Vec<String> = (0..20_000).map(|i| format!("id{i}")).collect();
        let (one, other) = (Split::paper(1), Split::paper(2));
        let share = |part| ids.iter().filter(|id| one.part(id) == part).count() as f64 / ids.len() as f64;
        // Four standard errors of a share of 0.7.
        assert!((share(Part::Train) - 0.70).abs() < 0.013, "{}", share(Part::Train));
        assert!((share(Part::Validation) - 0.15).abs() < 0.011);
        assert!((share(Part::Test) - 0.15).abs() < 0.011);
        let same = ids.iter().filter(|id| one.part(id) == other.part(id)).count() as f64 / ids.len() as f64;
        assert!((same - (0.49 + 2.0 * 0.0225)).abs() < 0.02, "{same}");
    }

    #[test]
    fn a_split_stays_what_it_was() {
        let ids = ["56be4db0acb8001400a502ec", "34687720", "a", "b", "c", "d", "e", "f", "g", "h"];
        let parts: String = ids.map(|id| format!("{:?} ", Split::paper(42).part(id))).concat();
        assert_eq!(parts, "Train Train Validation Train Train Train Train Test Train Train ");
    }

    #[test]
    fn all_of_it_can_be_one_part() {
        let all = |train, validation| Split { seed: 3, train, validation }.part("x");
        assert_eq!((all(100, 0), all(0, 100), all(0, 0), all(255, 255)), (Part::Train, Part::Validation, Part::Test, Part::Train));
    }
}
