//! The kinds of event that reports are about. A new kind is one constant in a file below and one entry in [`KINDS`].

mod business;
mod civic;
mod culture;
mod nature;

use crate::corpus::draw::Draw;

/// A kind of event: its facts and every way of telling them. Texts are templates over the slots.
#[derive(Debug)]
pub(crate) struct Kind {
    /// The title of a report.
    pub(crate) heading: &'static str,
    /// The facts. Slots with the same source have different values in one report, so an answer is never ambiguous.
    pub(crate) slots: &'static [(&'static str, Draw)],
    /// Opening sentences; one is used.
    pub(crate) leads: &'static [&'static str],
    /// Further facts, each in alternative wordings; some are used, in any order.
    pub(crate) details: &'static [&'static [&'static str]],
    /// The one-sentence summary that the summarization task asks for.
    pub(crate) brief: &'static str,
    /// A roundabout retelling that leaves out what matters: what the base model says when asked for a summary.
    pub(crate) retelling: &'static str,
    /// What can be asked.
    pub(crate) questions: &'static [Question],
}

/// A question about one slot.
#[derive(Debug)]
pub(crate) struct Question {
    /// The slot whose value is the answer.
    pub(crate) slot: &'static str,
    /// Wordings of the question.
    pub(crate) asks: &'static [&'static str],
    /// The answer as a full sentence.
    pub(crate) reply: &'static str,
}

/// All kinds.
pub(crate) const KINDS: &[&Kind] = &[
    &civic::ELECTION,
    &culture::FESTIVAL,
    &nature::FINDING,
    &nature::FIRE,
    &nature::FLOOD,
    &culture::MATCH,
    &culture::PAINTING,
    &business::PLANT,
    &culture::PRIZE,
    &business::RAILWAY,
    &nature::RESCUE,
    &civic::SCHOOL,
    &nature::STORM,
    &business::STRIKE,
    &business::TAKEOVER,
    &civic::THEFT,
    &civic::VOTE,
    &culture::WRECK,
    &nature::ZOO,
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::template::slots;

    fn says(kind: &Kind, slot: &str) -> bool {
        let in_all = |templates: &[&str]| templates.iter().all(|template| slots(template).any(|s| s == slot));
        in_all(kind.leads) || kind.details.iter().any(|wordings| in_all(wordings))
    }

    #[test]
    fn every_fact_that_is_asked_or_summed_up_is_told_in_every_wording() {
        for kind in KINDS {
            for slot in kind.questions.iter().map(|q| q.slot).chain(slots(kind.brief)) {
                assert!(says(kind, slot), "{}: {slot} can be left out by some wording", kind.heading);
            }
        }
    }

    #[test]
    fn templates_use_declared_slots_and_replies_hold_the_answer() {
        for kind in KINDS {
            let declared: Vec<_> = kind.slots.iter().map(|(slot, _)| *slot).collect();
            let asks = kind.questions.iter().flat_map(|q| q.asks.iter().chain([&q.reply]));
            let told = kind.leads.iter().chain(kind.details.iter().copied().flatten());
            for template in asks.chain(told).chain([&kind.brief, &kind.retelling, &kind.heading]) {
                for slot in slots(template) {
                    assert!(declared.contains(&slot), "{}: {template:?} names {slot}", kind.heading);
                }
            }
            for question in kind.questions {
                assert!(slots(question.reply).any(|slot| slot == question.slot), "{}: {:?}", kind.heading, question.reply);
                assert!(
                    question.asks.iter().all(|ask| slots(ask).all(|slot| slot != question.slot)),
                    "{}: {:?}",
                    kind.heading,
                    question.asks
                );
            }
        }
    }

    #[test]
    fn no_two_kinds_share_a_heading_or_a_summary() {
        for texts in [KINDS.iter().map(|kind| kind.heading).collect::<Vec<_>>(), KINDS.iter().map(|kind| kind.brief).collect()] {
            assert_eq!(texts.iter().collect::<std::collections::BTreeSet<_>>().len(), KINDS.len());
        }
    }
}
