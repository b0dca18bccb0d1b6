//! What is wrong with how a server kept to a forced length and counted its tokens. Figures are computed all the same, from what was seen; a
//! flag says that they mean something else than they seem to.

use record::Request;

/// From how many more chunks of text than counted tokens on a server is not believed: a chunk holds one token or more, and only a token that ends a
/// character of several bytes gives none.
const TOO_MANY_CHUNKS: f64 = 1.1;

/// The flags of a run whose answers were to have `forced` tokens each.
pub(crate) fn of(requests: &[Request], forced: Option<u32>) -> Vec<String> {
    let answered: Vec<_> = requests.iter().filter(|request| request.failure.is_none()).collect();
    let mut flags = Vec::new();
    let count = |what: &dyn Fn(&Request) -> bool| answered.iter().filter(|request| what(request)).count();
    let mut flag = |found: usize, text: &str| {
        if found > 0 {
            flags.push(format!("{found} of {} answers {text}", answered.len()));
        }
    };
    if let Some(forced) = forced {
        let short = count(&|request| request.completion_tokens.is_some_and(|tokens| tokens < forced));
        flag(short, &format!("have fewer than the {forced} tokens that were forced: the server does not honour ignore_eos"));
        let long = count(&|request| request.completion_tokens.is_some_and(|tokens| tokens > forced));
        flag(long, &format!("have more than the {forced} tokens that were asked for: the server does not honour max_tokens"));
    }
    let untold = count(&|request| request.completion_tokens.is_none());
    flag(untold, "came without usage: their tokens are not counted");
    let lied = count(&|request| {
        request.completion_tokens.is_some_and(|tokens| request.content_times.len() as f64 > f64::from(tokens.max(1)) * TOO_MANY_CHUNKS)
    });
    flag(lied, "had more chunks of text than usage counts tokens: the server's usage is wrong");
    flags
}

#[cfg(test)]
mod tests {
    use units::Nanos;

    use super::*;

    fn answer(tokens: Option<u32>, chunks: usize) -> Request {
        Request { completion_tokens: tokens, content_times: vec![Nanos(1); chunks], ..Request::default() }
    }

    #[test]
    fn an_honest_server_has_no_flags() {
        assert!(of(&[answer(Some(32), 32), answer(Some(32), 30)], Some(32)).is_empty());
        assert!(of(&[answer(Some(5), 5)], None).is_empty());
        let failed = Request { failure: Some("timeout".into()), ..answer(Some(3), 3) };
        assert!(of(&[failed], Some(32)).is_empty());
    }

    #[test]
    fn each_wrong_is_told() {
        let told = |requests: &[Request]| of(requests, Some(32)).join("; ");
        assert!(told(&[answer(Some(32), 32), answer(Some(7), 7)]).starts_with("1 of 2 answers have fewer than the 32"));
        assert!(told(&[answer(Some(40), 40)]).contains("more than the 32"));
        assert!(told(&[answer(None, 32)]).contains("without usage"));
        assert!(told(&[answer(Some(32), 64)]).contains("usage is wrong"));
    }
}
