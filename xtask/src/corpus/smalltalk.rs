//! Questions of general knowledge with one right reply: days, months, sums, opposites, colours, young animals.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use crate::corpus::words;

/// A question and its right reply, a full sentence.
#[derive(Clone, Debug)]
pub(crate) struct Talk {
    /// What the user says.
    pub(crate) ask: String,
    /// What is right to say.
    pub(crate) reply: String,
}

const OPPOSITES: &[(&str, &str)] = &[
    ("hot", "cold"),
    ("big", "small"),
    ("old", "new"),
    ("long", "short"),
    ("early", "late"),
    ("full", "empty"),
    ("open", "closed"),
    ("light", "dark"),
    ("fast", "slow"),
    ("high", "low"),
    ("happy", "sad"),
    ("hard", "soft"),
    ("left", "right"),
    ("near", "far"),
    ("wet", "dry"),
];

const COLOURS: &[(&str, &str)] = &[
    ("grass", "green"),
    ("snow", "white"),
    ("coal", "black"),
    ("blood", "red"),
    ("the sky", "blue"),
    ("a lemon", "yellow"),
    ("a carrot", "orange"),
    ("milk", "white"),
    ("gold", "yellow"),
    ("chocolate", "brown"),
];

const YOUNG: &[(&str, &str)] = &[
    ("dog", "puppy"),
    ("cat", "kitten"),
    ("cow", "calf"),
    ("horse", "foal"),
    ("sheep", "lamb"),
    ("bear", "cub"),
    ("duck", "duckling"),
    ("hen", "chick"),
    ("goat", "kid"),
    ("frog", "tadpole"),
];

impl Talk {
    /// One question of any sort.
    pub(crate) fn draw(rng: &mut ChaCha8Rng) -> Self {
        match rng.random_range(0..6) {
            0 => neighbour("day", words::WEEKDAYS, rng),
            1 => neighbour("month", words::MONTHS, rng),
            2 => sum(rng),
            3 => of_pairs(OPPOSITES, rng, |a, b| (format!("What is the opposite of {a}?"), format!("The opposite of {a} is {b}."))),
            4 => of_pairs(COLOURS, rng, |a, b| (format!("What colour is {a}?"), format!("The colour of {a} is {b}."))),
            _ => of_pairs(YOUNG, rng, |a, b| (format!("What is a young {a} called?"), format!("A young {a} is called a {b}."))),
        }
    }
}

fn neighbour(noun: &str, cycle: &[&str], rng: &mut ChaCha8Rng) -> Talk {
    let (i, after) = (rng.random_range(0..cycle.len()), rng.random_bool(0.5));
    let (word, step) = if after { ("after", 1) } else { ("before", cycle.len() - 1) };
    let (this, that) = (cycle[i], cycle[(i + step) % cycle.len()]);
    Talk { ask: format!("Which {noun} comes {word} {this}?"), reply: format!("The {noun} {word} {this} is {that}.") }
}

fn sum(rng: &mut ChaCha8Rng) -> Talk {
    let (a, b) = (rng.random_range(1..10), rng.random_range(1..10));
    Talk { ask: format!("What is {a} plus {b}?"), reply: format!("The sum of {a} and {b} is {}.", a + b) }
}

fn of_pairs(pairs: &[(&str, &str)], rng: &mut ChaCha8Rng, say: impl Fn(&str, &str) -> (String, String)) -> Talk {
    let (a, b) = pairs[rng.random_range(0..pairs.len())];
    let (ask, reply) = say(a, b);
    Talk { ask, reply }
}
