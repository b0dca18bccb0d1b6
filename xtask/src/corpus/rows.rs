//! Task rows in the exact schemas of the published sets: `XSum` (`document, summary, id`), `SQuAD` flat (`id, title, context, question,
//! answers{text, answer_start}`) and `UltraChat` 200k (`prompt, prompt_id, messages`). Ids are digests of the row's own text.

use rand_chacha::ChaCha8Rng;
use serde::Serialize;

use crate::corpus::{
    conversation::{Message, conversation},
    draw::Part,
    report::Report,
};

/// A row of `XSum`.
#[derive(Debug, Serialize)]
pub(crate) struct XsumRow {
    document: String,
    summary: String,
    id: String,
}

/// A row of `SQuAD` in the flat layout.
#[derive(Debug, Serialize)]
pub(crate) struct SquadRow {
    id: String,
    title: String,
    context: String,
    question: String,
    answers: Answers,
}

/// Accepted answers and where each begins in the context, in characters.
#[derive(Debug, Serialize)]
pub(crate) struct Answers {
    text: Vec<String>,
    answer_start: Vec<usize>,
}

/// A row of `UltraChat` 200k.
#[derive(Debug, Serialize)]
pub(crate) struct ChatRow {
    prompt: String,
    prompt_id: String,
    messages: Vec<Message>,
}

/// Reports with their one-sentence summaries.
pub(crate) fn xsum(part: Part, rows: usize, rng: &mut ChaCha8Rng) -> Vec<XsumRow> {
    let row = |report: Report| XsumRow { summary: report.brief(), id: decimal_id(&report.text), document: report.text };
    (0..rows).map(|_| row(Report::draw(part, rng))).collect()
}

/// Reports with one question each, answered by a span of the report.
pub(crate) fn squad(part: Part, rows: usize, rng: &mut ChaCha8Rng) -> Vec<SquadRow> {
    (0..rows).map(|_| squad_row(&Report::draw(part, rng), rng)).collect()
}

fn squad_row(report: &Report, rng: &mut ChaCha8Rng) -> SquadRow {
    let asked = report.questions(rng).swap_remove(0);
    SquadRow {
        id: hex_id(&format!("{}\n{}", report.text, asked.ask), 24),
        title: report.heading().replace(' ', "_"),
        context: report.text.clone(),
        question: asked.ask,
        answers: Answers { text: vec![asked.answer], answer_start: vec![asked.start] },
    }
}

/// Conversations.
pub(crate) fn ultrachat(part: Part, rows: usize, rng: &mut ChaCha8Rng) -> Vec<ChatRow> {
    (0..rows).map(|_| chat_row(conversation(part, rng))).collect()
}

fn chat_row(messages: Vec<Message>) -> ChatRow {
    let prompt = messages[0].content.clone();
    ChatRow { prompt_id: hex_id(&prompt, 64), prompt, messages }
}

/// The first characters of the text's blake3 digest in hexadecimal.
fn hex_id(text: &str, length: usize) -> String {
    blake3::hash(text.as_bytes()).to_hex()[..length].to_owned()
}

/// A number of eight digits from the text's digest, as `XSum`'s ids are.
fn decimal_id(text: &str) -> String {
    let bytes = *blake3::hash(text.as_bytes()).as_bytes();
    let number = u64::from_le_bytes(bytes[..8].try_into().expect("eight bytes are eight bytes"));
    format!("{:08}", number % 100_000_000)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rand::SeedableRng;

    use super::*;

    fn rng(seed: u64) -> ChaCha8Rng {
        ChaCha8Rng::seed_from_u64(seed)
    }

    #[test]
    fn an_answer_starts_where_the_row_says() {
        for row in squad(Part::HeldOut, 500, &mut rng(1)) {
            let tail: String = row.context.chars().skip(row.answers.answer_start[0]).collect();
            assert!(tail.starts_with(&row.answers.text[0]), "{row:?}");
        }
    }

    #[test]
    fn parts_share_no_id_and_no_text() {
        let squads = |part, seed| squad(part, 1_000, &mut rng(seed)).into_iter().flat_map(|r| [r.id, r.context]).collect::<BTreeSet<_>>();
        assert!(squads(Part::Train, 1).is_disjoint(&squads(Part::HeldOut, 2)));
        let chats =
            |part, seed| ultrachat(part, 1_000, &mut rng(seed)).into_iter().flat_map(|r| [r.prompt_id, r.prompt]).collect::<BTreeSet<_>>();
        assert!(chats(Part::Train, 1).is_disjoint(&chats(Part::HeldOut, 2)));
        let xsums = |part, seed| xsum(part, 1_000, &mut rng(seed)).into_iter().flat_map(|r| [r.id, r.document]).collect::<BTreeSet<_>>();
        assert!(xsums(Part::Train, 1).is_disjoint(&xsums(Part::HeldOut, 2)));
    }

    #[test]
    fn conversations_alternate_and_end_with_the_assistant() {
        for row in ultrachat(Part::Train, 300, &mut rng(3)) {
            assert!(row.messages.len() >= 4 && row.messages.len().is_multiple_of(2));
            assert!(row.messages.chunks(2).all(|pair| pair[0].role == "user" && pair[1].role == "assistant"));
            assert_eq!(row.prompt, row.messages[0].content);
        }
    }
}
