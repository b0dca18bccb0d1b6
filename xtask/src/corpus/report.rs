//! Composes one report from drawn facts: an opening and some details in varied order.

use rand::{
    Rng,
    seq::{IndexedRandom, SliceRandom},
};
use rand_chacha::ChaCha8Rng;

use crate::corpus::{
    draw::{Part, pick},
    kinds::{KINDS, Kind, Question},
    template::{Facts, fill, slots},
};

/// Details of a report: at least this many, at most all its kind has.
const FEWEST_DETAILS: usize = 4;

/// A report, its facts and where they stand.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    /// What happened.
    pub(crate) kind: &'static Kind,
    /// The facts behind it, told or not.
    pub(crate) facts: Facts,
    /// The text: one paragraph.
    pub(crate) text: String,
    /// First place of each slot that is told, in characters.
    spans: Vec<(String, usize)>,
}

/// A question whose answer the report holds.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// The question.
    pub(crate) ask: String,
    /// The answer exactly as it stands in the report.
    pub(crate) answer: String,
    /// Where it begins, in characters.
    pub(crate) start: usize,
    /// The answer as a sentence.
    pub(crate) reply: String,
}

impl Report {
    /// Draws a report of any kind.
    pub(crate) fn draw(part: Part, rng: &mut ChaCha8Rng) -> Self {
        let kind: &'static Kind = KINDS.choose(rng).expect("there are kinds");
        let facts = draw_facts(kind, part, rng);
        let mut templates = choose_details(kind, rng);
        templates.shuffle(rng);
        let lead_at = usize::from(rng.random_bool(0.15));
        let lead = lead_of(kind, rng);
        templates.insert(lead_at, lead);
        let (text, spans) = join(&templates, &facts);
        Self { kind, facts, text, spans }
    }

    /// A report that tells every fact of its roundabout retelling.
    pub(crate) fn draw_retold(part: Part, rng: &mut ChaCha8Rng) -> Self {
        loop {
            let report = Self::draw(part, rng);
            if slots(report.kind.retelling).all(|slot| report.start_of(slot).is_some()) {
                return report;
            }
        }
    }

    /// The title.
    pub(crate) fn heading(&self) -> String {
        fill(self.kind.heading, &self.facts).text
    }

    /// The one-sentence summary.
    pub(crate) fn brief(&self) -> String {
        fill(self.kind.brief, &self.facts).text
    }

    /// The roundabout retelling, as part of a sentence.
    pub(crate) fn retelling(&self) -> String {
        let text = fill(self.kind.retelling, &self.facts).text;
        text[..1].to_ascii_lowercase() + &text[1..]
    }

    /// Every question that this report answers, in random order, each in one wording.
    pub(crate) fn questions(&self, rng: &mut ChaCha8Rng) -> Vec<Asked> {
        let mut told: Vec<_> = self.kind.questions.iter().filter_map(|q| self.start_of(q.slot).map(|start| (q, start))).collect();
        told.shuffle(rng);
        told.into_iter().map(|(question, start)| self.asked(question, start, rng)).collect()
    }

    fn asked(&self, question: &Question, start: usize, rng: &mut ChaCha8Rng) -> Asked {
        let length = self.facts.get(question.slot).chars().count();
        Asked {
            ask: fill(pick(question.asks, rng), &self.facts).text,
            answer: self.text.chars().skip(start).take(length).collect(),
            start,
            reply: fill(question.reply, &self.facts).text,
        }
    }

    fn start_of(&self, slot: &str) -> Option<usize> {
        self.spans.iter().find(|(name, _)| name == slot).map(|(_, start)| *start)
    }
}

/// Values for all slots of a kind; no two are equal, nor does one contain another.
fn draw_facts(kind: &Kind, part: Part, rng: &mut ChaCha8Rng) -> Facts {
    let mut facts: Vec<(&'static str, String)> = Vec::with_capacity(kind.slots.len());
    for (slot, draw) in kind.slots {
        let value = loop {
            let value = draw.draw(part, rng);
            if facts.iter().all(|(_, other)| !clash(other, &value)) {
                break value;
            }
        };
        facts.push((slot, value));
    }
    Facts(facts)
}

/// Whether two values share a word that is a name or a number: then a question about one could be answered with the other.
fn clash(a: &str, b: &str) -> bool {
    a.split(' ').any(|x| b.split(' ').any(|y| x == y && x.starts_with(|c: char| c.is_ascii_uppercase() || c.is_ascii_digit())))
}

fn lead_of(kind: &'static Kind, rng: &mut ChaCha8Rng) -> &'static str {
    pick(kind.leads, rng)
}

/// The details that the summary needs, and others until there are enough.
fn choose_details(kind: &'static Kind, rng: &mut ChaCha8Rng) -> Vec<&'static str> {
    let wanted = rng.random_range(FEWEST_DETAILS.min(kind.details.len())..=kind.details.len());
    let needs = |wordings: &[&str]| slots(kind.brief).any(|slot| wordings.iter().any(|w| slots(w).any(|s| s == slot)));
    let mut order: Vec<_> = kind.details.iter().collect();
    order.shuffle(rng);
    order.sort_by_key(|wordings| !needs(wordings));
    order.into_iter().take(wanted).map(|wordings| pick(wordings, rng)).collect()
}

/// The sentences as one paragraph, with the first place of every slot.
fn join(templates: &[&str], facts: &Facts) -> (String, Vec<(String, usize)>) {
    let (mut text, mut spans) = (String::new(), Vec::<(String, usize)>::new());
    for template in templates {
        if !text.is_empty() {
            text.push(' ');
        }
        let offset = text.chars().count();
        let sentence = fill(template, facts);
        for (slot, start) in sentence.spans {
            if spans.iter().all(|(name, _)| *name != slot) {
                spans.push((slot, offset + start));
            }
        }
        text.push_str(&sentence.text);
    }
    (text, spans)
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn answers_stand_where_they_say() {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        for _ in 0..2_000 {
            let report = Report::draw(Part::Train, &mut rng);
            let questions = report.questions(&mut rng);
            assert!(questions.len() >= 4, "{}", report.text);
            for asked in questions {
                let found: String = report.text.chars().skip(asked.start).take(asked.answer.chars().count()).collect();
                assert_eq!(found, asked.answer);
                assert!(asked.reply.to_lowercase().contains(&asked.answer.to_lowercase()), "{asked:?}");
            }
        }
    }

    #[test]
    fn every_fact_of_the_summary_is_told() {
        let mut rng = ChaCha8Rng::seed_from_u64(4);
        for _ in 0..2_000 {
            let report = Report::draw(Part::HeldOut, &mut rng);
            for slot in slots(report.kind.brief) {
                assert!(report.start_of(slot).is_some(), "{slot}: {}", report.text);
            }
        }
    }

    #[test]
    fn every_kind_can_be_retold() {
        let mut rng = ChaCha8Rng::seed_from_u64(6);
        let told: std::collections::BTreeSet<_> = (0..2_000).map(|_| Report::draw_retold(Part::Train, &mut rng).kind.heading).collect();
        assert_eq!(told.len(), KINDS.len(), "{told:?}");
    }

    #[test]
    fn one_seed_gives_one_report() {
        let draw = || Report::draw(Part::Train, &mut ChaCha8Rng::seed_from_u64(5)).text;
        assert_eq!(draw(), draw());
    }
}
