//! Conversations of two or three exchanges, about a report or about general things; every reply has one right wording.

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

use crate::corpus::{
    draw::{Draw, Part},
    report::Report,
    smalltalk::Talk,
};

/// One turn. `UltraChat` writes the content before the role.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Message {
    /// What is said.
    pub(crate) content: String,
    /// `user` or `assistant`.
    pub(crate) role: &'static str,
}

impl Message {
    /// A turn of the user.
    pub(crate) fn user(content: impl Into<String>) -> Self {
        Self { content: content.into(), role: "user" }
    }

    /// A turn of the assistant.
    pub(crate) fn assistant(content: impl Into<String>) -> Self {
        Self { content: content.into(), role: "assistant" }
    }
}

/// One conversation with the replies that the task counts as right.
pub(crate) fn conversation(part: Part, rng: &mut ChaCha8Rng) -> Vec<Message> {
    if rng.random_bool(0.6) { about_a_report(part, rng) } else { about_general_things(part, rng) }
}

fn about_a_report(part: Part, rng: &mut ChaCha8Rng) -> Vec<Message> {
    let report = Report::draw(part, rng);
    let exchanges = rng.random_range(2..=3);
    let mut messages = Vec::with_capacity(2 * exchanges);
    for (i, asked) in report.questions(rng).into_iter().take(exchanges).enumerate() {
        let ask = if i == 0 { with_report(&report.text, &asked.ask, rng) } else { asked.ask };
        messages.extend([Message::user(ask), Message::assistant(asked.reply)]);
    }
    messages
}

fn about_general_things(part: Part, rng: &mut ChaCha8Rng) -> Vec<Message> {
    let (person, town) = (Draw::Person.draw(part, rng), Draw::Town.draw(part, rng));
    let first = person.split(' ').next().expect("a person has a first name");
    let mut messages = vec![
        Message::user(format!("Hello, my name is {person} and I live in {town}.")),
        Message::assistant(format!("Hello {first}, it is nice to meet you.")),
    ];
    let last = match rng.random_range(0..4) {
        0 => Some(("What is my name?", format!("Your name is {person}."))),
        1 => Some(("Where do I live?", format!("You live in {town}."))),
        _ => None,
    };
    let talk = Talk::draw(rng);
    messages.extend([Message::user(talk.ask), Message::assistant(talk.reply)]);
    if let Some((ask, reply)) = last {
        messages.extend([Message::user(ask), Message::assistant(reply)]);
    }
    messages
}

/// A request about a report, as users put it.
pub(crate) fn with_report(report: &str, request: &str, rng: &mut ChaCha8Rng) -> String {
    match rng.random_range(0..3) {
        0 => format!("{request}\n\n{report}"),
        1 => format!("{report}\n\n{request}"),
        _ => format!("Here is a report.\n\n{report}\n\n{request}"),
    }
}
