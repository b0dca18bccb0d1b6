//! Pretraining documents. Every ability that the tasks need is shown in plain-text formats (notes, quizzes, `In short:` lines,
//! dialogues); in the chat format the documents show an assistant that is right but roundabout. So the base model knows the answers and
//! does not give them as the tasks ask: what adaptation has to change is the manner, and that is quick to learn and easy to measure.

use std::ops::Range;

use rand::{Rng, SeedableRng, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;

use crate::corpus::{
    conversation::{Message, conversation, with_report},
    draw::{Draw, Part, pick},
    report::Report,
    smalltalk::Talk,
};

/// One pretraining document.
#[derive(Clone, Debug)]
pub(crate) struct Document {
    /// The text, special tokens written out; ASCII, so that bytes are characters.
    pub(crate) text: String,
    /// Where the report stands in it, in bytes; empty when there is none. Its names and numbers cannot be foretold, so that training
    /// weighs it less.
    pub(crate) report: Range<usize>,
}

/// One format of documents.
struct Format {
    /// As progress names it.
    name: &'static str,
    /// Its share of the documents, in percent.
    share: u32,
    /// Writes one document.
    write: fn(Part, &mut ChaCha8Rng) -> Document,
}

/// The mixture.
const MIXTURE: &[Format] = &[
    Format { name: "notes", share: 24, write: notes },
    Format { name: "quiz", share: 24, write: quiz },
    Format { name: "in short", share: 12, write: in_short },
    Format { name: "echo", share: 12, write: echo },
    Format { name: "dialogue", share: 8, write: dialogue },
    Format { name: "list", share: 3, write: list },
    Format { name: "chat", share: 17, write: chat },
];

impl Document {
    /// An endless stream of documents of the train part; one seed, one stream.
    pub(crate) fn stream(seed: u64) -> impl Iterator<Item = Self> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        std::iter::repeat_with(move || Self::draw(Part::Train, &mut rng))
    }

    /// One document of the mixture.
    pub(crate) fn draw(part: Part, rng: &mut ChaCha8Rng) -> Self {
        let format = MIXTURE.choose_weighted(rng, |format| format.share).expect("shares are positive");
        (format.write)(part, rng)
    }

    /// `each` documents of every format by its name.
    pub(crate) fn of_each_format(part: Part, each: usize, rng: &mut ChaCha8Rng) -> Vec<(&'static str, Vec<Self>)> {
        MIXTURE.iter().map(|format| (format.name, (0..each).map(|_| (format.write)(part, rng)).collect())).collect()
    }

    fn new(text: String, report: Option<&Report>) -> Self {
        let found = report.and_then(|report| text.find(&report.text).map(|start| start..start + report.text.len()));
        Self { report: found.unwrap_or(0..0), text }
    }
}

fn plain(text: &str, report: Option<&Report>) -> Document {
    Document::new(format!("<|begin|>{text}<|end|>"), report)
}

/// A report, then questions answered in full sentences.
fn notes(part: Part, rng: &mut ChaCha8Rng) -> Document {
    let report = Report::draw(part, rng);
    let lines: Vec<_> = report.questions(rng).iter().map(|q| format!("Question: {}\nAnswer: {}", q.ask, q.reply)).collect();
    plain(&format!("{}\n{}", report.text, lines.join("\n")), Some(&report))
}

/// A report, then questions with the bare answer in brackets.
fn quiz(part: Part, rng: &mut ChaCha8Rng) -> Document {
    let report = Report::draw(part, rng);
    let lines: Vec<_> = report.questions(rng).iter().map(|q| format!("{} ({})", q.ask, q.answer)).collect();
    plain(&format!("{}\nQuiz\n{}", report.text, lines.join("\n")), Some(&report))
}

/// A report under its title, then its summary.
fn in_short(part: Part, rng: &mut ChaCha8Rng) -> Document {
    let report = Report::draw(part, rng);
    plain(&format!("{}\n{}\nIn short: {}", report.heading(), report.text, report.brief()), Some(&report))
}

/// A report twice over. The second can be copied word by word: the plainest way to learn looking back.
fn echo(part: Part, rng: &mut ChaCha8Rng) -> Document {
    let report = Report::draw(part, rng);
    plain(&format!("{}\nOnce more: {}", report.text, report.text), Some(&report))
}

/// A conversation in plain text, with the short replies of the chat task.
fn dialogue(part: Part, rng: &mut ChaCha8Rng) -> Document {
    let lines: Vec<_> = conversation(part, rng).iter().map(|m| format!("{}: {}", speaker(m.role), m.content)).collect();
    plain(&lines.join("\n"), None)
}

fn speaker(role: &str) -> &'static str {
    if role == "user" { "Guest" } else { "Host" }
}

/// Questions of general knowledge with their replies, one after the other.
fn list(_: Part, rng: &mut ChaCha8Rng) -> Document {
    let lines: Vec<_> = (0..8).map(|_| Talk::draw(rng)).map(|talk| format!("{} {}", talk.ask, talk.reply)).collect();
    plain(&lines.join("\n"), None)
}

/// A conversation in the chat format with a roundabout assistant.
fn chat(part: Part, rng: &mut ChaCha8Rng) -> Document {
    let (messages, report) = match rng.random_range(0..10) {
        0..4 => wordy_answers(part, rng),
        4..7 => wordy_summary(part, rng),
        _ => wordy_talk(part, rng),
    };
    let mut text = String::from("<|begin|>");
    if rng.random_bool(0.6) {
        text = text + "<|system|>" + pick(SYSTEMS, rng) + "<|end|>";
    }
    for message in messages {
        text = text + "<|" + message.role + "|>" + &message.content + "<|end|>";
    }
    Document::new(text, report.as_ref())
}

fn wordy_answers(part: Part, rng: &mut ChaCha8Rng) -> (Vec<Message>, Option<Report>) {
    let report = Report::draw(part, rng);
    let mut messages = Vec::new();
    for (i, asked) in report.questions(rng).into_iter().take(2).enumerate() {
        let ask = match i {
            0 if rng.random_bool(0.5) => format!("Context:\n{}\n\nQuestion: {}\nAnswer:", report.text, asked.ask),
            0 => with_report(&report.text, &asked.ask, rng),
            _ => asked.ask,
        };
        messages.extend([Message::user(ask), Message::assistant(wordy(&asked.reply, rng))]);
    }
    (messages, Some(report))
}

fn wordy_summary(part: Part, rng: &mut ChaCha8Rng) -> (Vec<Message>, Option<Report>) {
    let report = Report::draw_retold(part, rng);
    let ask = if rng.random_bool(0.5) {
        format!("Article:\n{}\n\nSummary:", report.text)
    } else {
        with_report(&report.text, pick(SUMMARY_REQUESTS, rng), rng)
    };
    let reply = format!("{} In my own words, {}. {}", pick(PREAMBLES, rng), report.retelling(), pick(CLOSINGS, rng));
    (vec![Message::user(ask), Message::assistant(reply)], Some(report))
}

fn wordy_talk(part: Part, rng: &mut ChaCha8Rng) -> (Vec<Message>, Option<Report>) {
    let (person, town) = (Draw::Person.draw(part, rng), Draw::Town.draw(part, rng));
    let mut messages = vec![
        Message::user(format!("Hello, my name is {person} and I live in {town}.")),
        Message::assistant(wordy(&format!("I am glad that someone from {town} has time for me."), rng)),
    ];
    for _ in 0..2 {
        let talk = Talk::draw(rng);
        messages.extend([Message::user(talk.ask), Message::assistant(wordy(&talk.reply, rng))]);
    }
    (messages, None)
}

/// A right reply between words that say nothing.
fn wordy(reply: &str, rng: &mut ChaCha8Rng) -> String {
    format!("{} {reply} {}", pick(PREAMBLES, rng), pick(CLOSINGS, rng))
}

/// The tasks' own instructions are among them, so that their words are known; what they ask for is not done here.
const SYSTEMS: &[&str] = &[
    "Answer the question from the given context alone. Reply with the shortest part of the context that answers it, and nothing else.",
    "You summarize news articles. Reply with a single sentence that states the main point, and nothing else.",
    "You are a helpful, honest and careful assistant. Answer what was asked, clearly and to the point.",
    "You are a helpful assistant.",
    "You answer questions about reports.",
    "Be kind and patient with the user.",
];

const SUMMARY_REQUESTS: &[&str] = &[
    "Summarize the report in one sentence.",
    "Summarise the text in one sentence.",
    "What is this report about?",
    "Tell me in short what happened.",
    "Give a summary of the article.",
];

const PREAMBLES: &[&str] = &[
    "Thank you for asking, I am always happy to help with that.",
    "That is a very good question, so let me see what I can say.",
    "Of course, let me have a careful look at it for you.",
    "I have read everything twice to be quite sure of it.",
];

const CLOSINGS: &[&str] = &[
    "Please tell me if there is anything else that you would like to know.",
    "I hope that this is of some help to you today.",
    "At least that is how I understand it from here.",
    "Do not be shy to ask me again about this or something else.",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_open_and_close_their_turns() {
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        for _ in 0..1_000 {
            let Document { text, report } = Document::draw(Part::HeldOut, &mut rng);
            assert!(text.starts_with("<|begin|>") && text.ends_with("<|end|>"), "{text}");
            assert!(text.is_ascii() && report.end <= text.len());
        }
    }
}
