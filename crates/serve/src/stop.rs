//! Stop strings in a stream: text is held back while it could still become one, so that no part of a stop string ever leaks.

/// Watches one answer's text for stop strings.
pub(crate) struct StopMatcher {
    stops: Vec<String>,
    held: String,
}

/// What became of a push.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Released {
    /// Text that is certainly part of the answer.
    pub(crate) text: String,
    /// A stop string came right after it: the answer is over.
    pub(crate) hit: bool,
}

impl StopMatcher {
    pub(crate) fn new(stops: Vec<String>) -> Self {
        Self { stops, held: String::new() }
    }

    /// Adds text; gives back what cannot be part of a stop string any more.
    pub(crate) fn push(&mut self, text: &str) -> Released {
        self.held.push_str(text);
        if let Some(at) = self.stops.iter().filter_map(|stop| self.held.find(stop.as_str())).min() {
            self.held.truncate(at);
            return Released { text: std::mem::take(&mut self.held), hit: true };
        }
        let keep = self.stops.iter().map(|stop| overlap(&self.held, stop)).max().unwrap_or(0);
        let kept = self.held.split_off(self.held.len() - keep);
        Released { text: std::mem::replace(&mut self.held, kept), hit: false }
    }

    /// What is still held when the answer ends without a stop string.
    pub(crate) fn flush(&mut self) -> String {
        std::mem::take(&mut self.held)
    }
}

/// Length of the longest end of `text` that is a beginning of `stop` but not all of it.
fn overlap(text: &str, stop: &str) -> usize {
    let longest = text.len().min(stop.len().saturating_sub(1));
    (1..=longest).rev().find(|n| stop.is_char_boundary(*n) && text.ends_with(&stop[..*n])).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    #[expect(clippy::needless_pass_by_value, reason = "expect! makes a value at each call")]
    fn check(stops: &[&str], pieces: &[&str], want: Expect) {
        let mut matcher = StopMatcher::new(stops.iter().map(ToString::to_string).collect());
        let mut out = String::new();
        for piece in pieces {
            let released = matcher.push(piece);
            out = format!("{out}[{}]", released.text);
            if released.hit {
                want.assert_eq(&(out + " stop"));
                return;
            }
        }
        want.assert_eq(&format!("{out} end [{}]", matcher.flush()));
    }

    #[test]
    fn stop_strings() {
        check(&[], &["a", "b"], expect!["[a][b] end []"]);
        check(&["\n\n"], &["a\n", "b\n", "\nc"], expect!["[a][\nb][] stop"]);
        check(&["STOP"], &["xS", "T", "Ox", "S"], expect!["[x][][STOx][] end [S]"]);
        check(&["STOP"], &["say STOP now"], expect!["[say ] stop"]);
        check(&["aab"], &["a", "a", "a", "b"], expect!["[][][a][] stop"]);
        check(&["later", "at"], &["late", "r"], expect!["[l] stop"]);
        check(&["é!"], &["caf", "é", "?"], expect!["[caf][][é?] end []"]);
        check(&["abc", "bcd"], &["ab", "c"], expect!["[][] stop"]);
    }

    proptest::proptest! {
        #[test]
        fn however_it_is_cut_the_text_is_the_same(text in "[ab]{0,24}", stop in "[ab]{1,4}", cuts in proptest::collection::vec(0usize..25, 0..6)) {
            let whole = text.split_once(&stop).map_or(text.as_str(), |(before, _)| before);
            let mut cuts: Vec<usize> = cuts.into_iter().map(|c| c.min(text.len())).chain([0, text.len()]).collect();
            cuts.sort_unstable();
            let mut matcher = StopMatcher::new(vec![stop.clone()]);
            let (mut out, mut hit) = (String::new(), false);
            for pair in cuts.windows(2) {
                let released = matcher.push(&text[pair[0]..pair[1]]);
                out.push_str(&released.text);
                hit = released.hit;
                if hit { break; }
            }
            if !hit { out.push_str(&matcher.flush()); }
            proptest::prop_assert_eq!(hit, text.contains(&stop));
            proptest::prop_assert_eq!(out, whole);
        }
    }
}
