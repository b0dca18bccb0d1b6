//! Held-out questions in the plain-text formats of pretraining, each with its one right continuation.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::corpus::{draw::Part, report::Report};

/// A text to be continued.
#[derive(Clone, Debug)]
pub(crate) struct Continuation {
    /// What stands before.
    pub(crate) prompt: String,
    /// Where the answer ends.
    pub(crate) stop: &'static str,
    /// The right answer.
    pub(crate) answer: String,
}

/// Questions of the three formats by the format's name.
pub(crate) fn abilities(each: usize) -> Vec<(&'static str, Vec<Continuation>)> {
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    let mut all = vec![("notes", Vec::new()), ("quiz", Vec::new()), ("in short", Vec::new())];
    for _ in 0..each {
        let report = Report::draw(Part::HeldOut, &mut rng);
        let asked = report.questions(&mut rng).swap_remove(0);
        let formats = [
            (format!("{}\nQuestion: {}\nAnswer:", report.text, asked.ask), "\n", asked.reply),
            (format!("{}\nQuiz\n{} (", report.text, asked.ask), ")", asked.answer),
            (format!("{}\n{}\nIn short:", report.heading(), report.text), "\n", report.brief()),
        ];
        for ((_, list), (prompt, stop, answer)) in all.iter_mut().zip(formats) {
            list.push(Continuation { prompt, stop, answer });
        }
    }
    all
}

const SEED: u64 = 99;
