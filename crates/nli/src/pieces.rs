//! A long text as overlapping pieces that each fit, cut where sentences begin, or else where words do.

use std::ops::Range;

/// A place where a text may be cut: before this token, at this byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Edge {
    token: usize,
    byte: usize,
}

/// Fewest tokens of room that a text is split into.
pub(crate) const LEAST_ROOM: usize = 16;

/// Byte ranges of pieces of at most `room` tokens (at least [`LEAST_ROOM`]), in order, that together hold the whole text. A piece ends
/// at the last sentence edge of its second half, or else the last word edge; the next begins a quarter of the room earlier at the most,
/// again at a sentence edge where there is one.
pub(crate) fn pieces(text: &str, tokens: &[Range<usize>], room: usize) -> Vec<Range<usize>> {
    let sentences = edges(tokens, sentence_starts(text));
    let words = edges(tokens, word_starts(text));
    // Among the edges of tokens `within`: the first, or the last, sentence's if there is one.
    let choose = |within: Range<usize>, last: bool| {
        [&sentences, &words].into_iter().find_map(|edges| {
            let from = edges.partition_point(|edge| edge.token < within.start);
            let to = edges.partition_point(|edge| edge.token < within.end);
            let found = edges.get(from..to)?;
            if last { found.last() } else { found.first() }.copied()
        })
    };
    let mut all = Vec::new();
    let mut start = Edge { token: 0, byte: 0 };
    while tokens.len() - start.token > room {
        let limit = start.token + room;
        let end = choose(start.token + room / 2 + 1..limit + 1, true).unwrap_or_else(|| inside_a_word(text, tokens, limit));
        all.push(start.byte..end.byte);
        start = choose(end.token - room / 4..end.token, false).unwrap_or(end);
    }
    all.push(start.byte..text.len());
    all
}

/// An edge at a token that begins no word: at the character it begins in.
fn inside_a_word(text: &str, tokens: &[Range<usize>], token: usize) -> Edge {
    let mut byte = tokens[token].start;
    while !text.is_char_boundary(byte) {
        byte -= 1;
    }
    Edge { token, byte }
}

/// The tokens that stand at some bytes, each token once. The bytes rise.
fn edges(tokens: &[Range<usize>], bytes: impl Iterator<Item = usize>) -> Vec<Edge> {
    let mut all: Vec<Edge> = Vec::new();
    for byte in bytes {
        // A token may begin with the space before a word.
        let token = tokens.partition_point(|span| span.end <= byte);
        if token < tokens.len() && all.last().is_none_or(|last| last.token < token) {
            all.push(Edge { token, byte });
        }
    }
    all
}

/// Where words begin: after white space.
fn word_starts(text: &str) -> impl Iterator<Item = usize> {
    let mut after_space = false;
    text.char_indices().filter_map(move |(byte, c)| {
        let begins = after_space && !c.is_whitespace();
        after_space = c.is_whitespace();
        begins.then_some(byte)
    })
}

/// Where sentences begin: after a full stop, question or exclamation mark, whatever closes behind it, and white space; after a line end;
/// after a full-width stop. Abbreviations are not told from ends: the pieces overlap.
fn sentence_starts(text: &str) -> impl Iterator<Item = usize> {
    let (mut ended, mut spaced) = (false, false);
    text.char_indices().filter_map(move |(byte, c)| match c {
        '\n' => {
            (ended, spaced) = (true, true);
            None
        }
        c if c.is_whitespace() => {
            spaced = spaced || ended;
            None
        }
        '。' | '！' | '？' => {
            (ended, spaced) = (true, true);
            None
        }
        '.' | '!' | '?' | '…' => {
            (ended, spaced) = (true, false);
            None
        }
        '"' | '\'' | ')' | ']' | '”' | '’' | '»' if ended && !spaced => None,
        _ => {
            let begins = ended && spaced;
            (ended, spaced) = (false, false);
            begins.then_some(byte)
        }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A token a word, with the space before it.
    fn words(text: &str) -> Vec<Range<usize>> {
        let mut starts: Vec<usize> = text.char_indices().filter(|(_, c)| c.is_whitespace()).map(|(byte, _)| byte).collect();
        starts.insert(0, 0);
        let ends = starts.iter().skip(1).copied().chain([text.len()]);
        starts.iter().copied().zip(ends).map(|(start, end)| start..end).collect()
    }

    fn sentences(text: &str) -> Vec<&str> {
        let starts: Vec<usize> = std::iter::once(0).chain(sentence_starts(text)).chain([text.len()]).collect();
        starts.windows(2).map(|pair| text[pair[0]..pair[1]].trim()).collect()
    }

    #[test]
    fn sentences_are_told_apart() {
        let text = "He said \"No.\" Then 3.5 km more (really!) and on…  Yes?\nA line\nAnother 你好。再见";
        let expected = ["He said \"No.\"", "Then 3.5 km more (really!)", "and on…", "Yes?", "A line", "Another 你好。", "再见"];
        assert_eq!(sentences(text), expected);
        assert_eq!(sentences("... . ! \n\n"), ["... . !"]);
    }

    #[test]
    fn pieces_end_with_sentences_and_overlap() {
        let sentence = |i: usize| format!("s{i} a b c d e f.");
        let text = (0..8).map(sentence).collect::<Vec<_>>().join(" ");
        let pieces: Vec<&str> = pieces(&text, &words(&text), 28).into_iter().map(|range| text[range].trim()).collect();
        let of = |range: Range<usize>| range.map(sentence).collect::<Vec<_>>().join(" ");
        assert_eq!(pieces, [of(0..4), of(3..7), of(6..8)]);
    }

    #[test]
    fn a_text_that_fits_is_one_piece() {
        for text in ["a b c", ""] {
            let pieces = pieces(text, &words(text), 16);
            assert_eq!((pieces.len(), pieces[0].clone()), (1, 0..text.len()));
        }
    }

    #[test]
    fn a_word_longer_than_the_room_is_cut_between_characters() {
        let text = "é".repeat(100);
        // As byte-level tokenizers have it: two tokens in the place of each character.
        let tokens: Vec<_> = (0..200).map(|i| i / 2 * 2..i / 2 * 2 + 2).collect();
        let pieces = pieces(&text, &tokens, 17);
        assert!(pieces.len() > 10 && pieces.iter().all(|range| text.get(range.clone()).is_some_and(|piece| !piece.is_empty())));
        assert_eq!(pieces.iter().map(|range| &text[range.clone()]).collect::<String>(), text);
    }

    proptest! {
        #[test]
        fn pieces_fit_and_leave_nothing_out(text in "([a-c]{1,3}[.!]?[ \\n]){0,200}", room in LEAST_ROOM..60) {
            let tokens = words(&text);
            let pieces = pieces(&text, &tokens, room);
            prop_assert_eq!((pieces[0].start, pieces[pieces.len() - 1].end), (0, text.len()));
            for range in &pieces {
                let piece = &text[range.clone()];
                prop_assert!(words(piece.trim_end()).len() <= room + 1, "{:?}", piece);
            }
            for pair in pieces.windows(2) {
                prop_assert!(pair[0].start < pair[1].start && pair[1].start <= pair[0].end && pair[0].end < pair[1].end);
            }
        }
    }
}
