//! Answers judged by a model behind an OpenAI-compatible endpoint: asked several at a time, again where a verdict cannot be read, and never
//! twice for one that stands already. What is asked and how a verdict is read stand in `score`.
//!
//! Verdicts are appended to a file, a line each, as they come: whoever is stopped in the middle goes on from there. Answers are asked in an
//! order drawn from the seed, so that neither the data set's order nor a drift of the judge falls on one part of them.

use std::{
    collections::HashMap,
    fs::{File, OpenOptions},
    io::{BufRead, BufReader, Read, Write},
    path::Path,
    sync::Arc,
};

use load::{ApiKey, Body, Job, Prompt, Sampling};
use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use score::{
    Item,
    judge::{self, Verdict},
};
use serde::{Deserialize, Serialize};
use units::{Reading, Seconds};

use crate::{
    bind::{digest, said},
    error::{Error, Result},
};

/// Longest line of a file of verdicts, and most of them.
const LONGEST_LINE: u64 = 1 << 16;
const MOST_LINES: usize = 10_000_000;
/// Requests that are put before their verdicts are written down, by stream.
const WAVES: usize = 4;

/// A judge and how it may be asked.
#[derive(Clone, Debug)]
pub struct Judge {
    /// Base of the endpoint, such as `https://api.openai.com/v1`.
    pub url: String,
    /// The model that requests name.
    pub model: String,
    /// The key that requests carry.
    pub api_key: Option<ApiKey>,
    /// Requests under way at a time.
    pub concurrency: u32,
    /// How often one answer is asked for at most.
    pub attempts: u32,
    /// A request is given up after this.
    pub timeout: Seconds,
    /// Of the order, and of what the judge samples with.
    pub seed: u64,
}

/// What became of one answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Rated {
    /// The item's id.
    pub item: String,
    /// Ratings, or why there are none.
    pub verdict: Reading<Verdict>,
    /// Tokens the judge was paid for, over all attempts; `None` where one of them did not tell.
    pub tokens: Option<Tokens>,
}

/// Tokens of requests to a judge.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tokens {
    /// Of prompts.
    pub input: u64,
    /// Of answers.
    pub output: u64,
}

/// One attempt at one answer, as the file keeps it.
#[derive(Debug, Serialize, Deserialize)]
struct Line {
    /// Of prompt version, judge, item and answer: what the verdict is of.
    of: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    helpfulness: Option<u8>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    safety: Option<u8>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    failure: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tokens: Option<Tokens>,
}

/// Judges answers. `file` holds the verdicts that stand and takes the new ones.
///
/// # Errors
/// The file cannot be read or written, or a job cannot be put at all (its address, its key). A verdict that does not come is no error: it is
/// missing, with its reason.
pub fn verdicts(judge: &Judge, answers: &[(&Item, &str)], file: &Path) -> Result<Vec<Rated>> {
    let keys: Vec<String> = answers.iter().map(|(item, answer)| key(judge, item, answer)).collect();
    let mut known = read(file)?;
    let mut log = OpenOptions::new().create(true).append(true).open(file).map_err(Error::io("opening", file))?;
    let mut left: Vec<usize> = (0..answers.len()).collect();
    left.shuffle(&mut ChaCha8Rng::seed_from_u64(judge.seed));
    for attempt in 0..judge.attempts.max(1) {
        left.retain(|&index| known.get(&keys[index]).is_none_or(|known| known.verdict.is_none()));
        for wave in left.chunks(WAVES * judge.concurrency.max(1) as usize) {
            let asked: Vec<(&str, &Item, &str)> =
                wave.iter().map(|&index| (keys[index].as_str(), answers[index].0, answers[index].1)).collect();
            let lines = ask(judge, &asked, attempt)?;
            write(&mut log, &lines).map_err(Error::io("writing", file))?;
            for line in lines {
                learn(&mut known, line);
            }
        }
    }
    Ok(answers.iter().zip(&keys).map(|((item, _), key)| rated(item, known.get(key))).collect())
}

/// What is known of one answer after all attempts so far.
#[derive(Default)]
struct Known {
    verdict: Option<Verdict>,
    failure: Option<String>,
    tokens: Option<Tokens>,
    /// An attempt did not tell its tokens.
    untold: bool,
}

fn rated(item: &Item, known: Option<&Known>) -> Rated {
    let verdict = match known {
        Some(Known { verdict: Some(verdict), .. }) => Reading::Known(*verdict),
        Some(Known { failure: Some(reason), .. }) => Reading::missing(reason.clone()),
        _ => Reading::missing("the judge was not asked"),
    };
    let tokens = known.filter(|known| !known.untold).and_then(|known| known.tokens);
    Rated { item: item.id.clone(), verdict, tokens }
}

fn learn(known: &mut HashMap<String, Known>, line: Line) {
    let known = known.entry(line.of).or_default();
    if let (Some(helpfulness), Some(safety)) = (line.helpfulness, line.safety)
        && judge::RATINGS.contains(&helpfulness)
        && judge::RATINGS.contains(&safety)
    {
        known.verdict = Some(Verdict { helpfulness, safety });
    }
    known.failure = line.failure;
    match line.tokens {
        None => known.untold = true,
        Some(tokens) => {
            let sum = known.tokens.get_or_insert_default();
            sum.input += tokens.input;
            sum.output += tokens.output;
        }
    }
}

/// What a verdict is of: another prompt, judge, item or answer is another verdict.
fn key(judge: &Judge, item: &Item, answer: &str) -> String {
    let of = serde_json::json!([judge::PROMPT_VERSION, judge.url, judge.model, item.messages, answer]);
    digest(of.to_string().as_bytes())[..32].to_owned()
}

/// Puts one wave and reads its answers.
fn ask(judge: &Judge, asked: &[(&str, &Item, &str)], attempt: u32) -> Result<Vec<Line>> {
    let form = Arc::new(judge::response_format());
    let prompt = |&(key, item, answer): &(&str, &Item, &str)| Prompt {
        item: key.to_owned(),
        body: Body::Structured(judge::prompt(item, answer, &key[..12]).iter().map(said).collect(), Arc::clone(&form)),
        max_tokens: judge::MAX_TOKENS,
    };
    let prompts: Vec<Prompt> = asked.iter().map(prompt).collect();
    let job = Job {
        url: judge.url.clone(),
        model: judge.model.clone(),
        warmup: Vec::new(),
        drain: true,
        arrivals: load::closed_loop(prompts.len()).collect(),
        prompts,
        streams: judge.concurrency.min(asked.len() as u32).max(1),
        max_streams: None,
        // The same question to the same judge with the same seed would fail in the same way.
        sampling: Sampling { temperature: Some(0.0), seed: Some(judge.seed.wrapping_add(u64::from(attempt))), ignore_eos: false },
        timeout: judge.timeout,
        api_key: judge.api_key.clone(),
    };
    let run = load::run(&job, &load::Silent)?;
    Ok(run.requests.into_iter().map(line).collect())
}

fn line(request: record::Request) -> Line {
    let tokens = request.prompt_tokens.zip(request.completion_tokens);
    let tokens = tokens.map(|(input, output)| Tokens { input: u64::from(input), output: u64::from(output) });
    let verdict = match request.failure {
        Some(reason) => Err(format!("the judge's request failed: {reason}")),
        None => judge::read(&request.text),
    };
    let (ratings, failure) = match verdict {
        Ok(verdict) => (Some(verdict), None),
        Err(reason) => (None, Some(reason)),
    };
    Line { of: request.item, helpfulness: ratings.map(|v| v.helpfulness), safety: ratings.map(|v| v.safety), failure, tokens }
}

/// The lines of a file, where there is one. What is no line of ours is passed over: a line that was being written when the power went.
fn read(file: &Path) -> Result<HashMap<String, Known>> {
    let mut known = HashMap::new();
    let open = match File::open(file) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(known),
        other => other.map_err(Error::io("opening", file))?,
    };
    let mut reader = BufReader::new(open);
    let mut text = Vec::new();
    for _ in 0..MOST_LINES {
        text.clear();
        if (&mut reader).take(LONGEST_LINE).read_until(b'\n', &mut text).map_err(Error::io("reading", file))? == 0 {
            break;
        }
        if let Ok(line) = serde_json::from_slice(&text) {
            learn(&mut known, line);
        }
    }
    Ok(known)
}

fn write(log: &mut File, lines: &[Line]) -> std::io::Result<()> {
    let mut text = Vec::new();
    for line in lines {
        // A torn line of before must not swallow the first of these.
        if text.is_empty() && log.metadata()?.len() > 0 {
            text.push(b'\n');
        }
        serde_json::to_writer(&mut text, line)?;
        text.push(b'\n');
    }
    log.write_all(&text)?;
    log.sync_data()
}

#[cfg(test)]
mod tests {
    use std::{
        net::{TcpListener, TcpStream},
        sync::Mutex,
    };

    use score::Role;

    use super::*;

    /// A judge that answers each request with what `reply` makes of its body; every body is kept.
    fn judge(reply: impl Fn(&str, usize) -> String + Send + Sync + 'static) -> (Judge, Arc<Mutex<Vec<String>>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let bodies = Arc::new(Mutex::new(Vec::new()));
        let (seen, reply) = (Arc::clone(&bodies), Arc::new(reply));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (seen, reply) = (Arc::clone(&seen), Arc::clone(&reply));
                std::thread::spawn(move || answer(stream, &seen, reply.as_ref()));
            }
        });
        let judge = Judge { url, model: "judge".into(), api_key: None, concurrency: 2, attempts: 3, timeout: Seconds(10.0), seed: 7 };
        (judge, bodies)
    }

    fn answer(mut stream: TcpStream, seen: &Mutex<Vec<String>>, reply: &dyn Fn(&str, usize) -> String) {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        loop {
            let mut length = 0;
            loop {
                let mut head = String::new();
                if reader.read_line(&mut head).unwrap_or(0) == 0 {
                    return;
                }
                if let Some(value) = head.to_ascii_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
                if head.trim().is_empty() {
                    break;
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            let body = String::from_utf8(body).unwrap();
            let count = {
                let mut seen = seen.lock().unwrap();
                seen.push(body.clone());
                seen.len()
            };
            let text = reply(&body, count);
            let chunk = serde_json::json!({"choices": [{"delta": {"content": text}, "finish_reason": "stop"}]});
            let usage = serde_json::json!({"choices": [], "usage": {"prompt_tokens": 100, "completion_tokens": 10}});
            let events = format!("data: {chunk}\n\ndata: {usage}\n\ndata: [DONE]\n\n");
            let head = format!("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: {}\r\n\r\n{events}", events.len());
            if stream.write_all(head.as_bytes()).is_err() {
                return;
            }
        }
    }

    fn items(n: usize) -> Vec<Item> {
        let messages = |i| vec![score::Message::new(Role::User, format!("question {i}"))];
        (0..n).map(|i| Item { id: format!("i{i}"), messages: messages(i), references: vec!["x".into()], cut: 0 }).collect()
    }

    const GOOD: &str = r#"{"helpfulness": 8, "safety": 10}"#;

    #[test]
    fn a_finished_verdict_is_never_paid_for_twice() {
        let (judge, bodies) = judge(|_, _| GOOD.to_owned());
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("verdicts.jsonl");
        let items = items(5);
        let answers: Vec<(&Item, &str)> = items.iter().map(|item| (item, "an answer")).collect();
        let first = verdicts(&judge, &answers[..3], &file).unwrap();
        assert_eq!(bodies.lock().unwrap().len(), 3);
        assert!(first.iter().all(|rated| rated.verdict == Reading::Known(Verdict { helpfulness: 8, safety: 10 })));
        assert_eq!(first[0].tokens, Some(Tokens { input: 100, output: 10 }));
        // A line that was being written when we were stopped.
        OpenOptions::new().append(true).open(&file).unwrap().write_all(b"{\"of\":\"").unwrap();
        let all = verdicts(&judge, &answers, &file).unwrap();
        assert_eq!((bodies.lock().unwrap().len(), all.len()), (5, 5));
        assert_eq!(verdicts(&judge, &answers, &file).unwrap(), all);
        assert_eq!(bodies.lock().unwrap().len(), 5);
        // Another answer is another verdict.
        verdicts(&judge, &[(&items[0], "another answer")], &file).unwrap();
        assert_eq!(bodies.lock().unwrap().len(), 6);
    }

    #[test]
    fn an_unreadable_verdict_is_asked_again_and_then_missing() {
        let (judge, bodies) = judge(|body, count| if body.contains("question 0") || count < 3 { "no".into() } else { GOOD.into() });
        let folder = tempfile::tempdir().unwrap();
        let items = items(2);
        let answers: Vec<(&Item, &str)> = items.iter().map(|item| (item, "an answer")).collect();
        let rated = verdicts(&judge, &answers, &folder.path().join("v.jsonl")).unwrap();
        assert!(matches!(&rated[0].verdict, Reading::Missing(why) if why.to_string().contains("no JSON object")), "{:?}", rated[0]);
        assert_eq!(rated[1].verdict, Reading::Known(Verdict { helpfulness: 8, safety: 10 }));
        assert_eq!(rated[0].tokens, Some(Tokens { input: 300, output: 30 }), "all attempts are paid for");
        assert_eq!(bodies.lock().unwrap().len(), 5);
    }

    #[test]
    fn the_judge_is_asked_for_a_form_and_in_an_order_of_the_seed() {
        let (judge, bodies) = judge(|_, _| GOOD.to_owned());
        let judge = Judge { concurrency: 1, ..judge };
        let folder = tempfile::tempdir().unwrap();
        let items = items(12);
        let answers: Vec<(&Item, &str)> = items.iter().map(|item| (item, "an answer")).collect();
        let order = |file: &str| {
            bodies.lock().unwrap().clear();
            verdicts(&judge, &answers, &folder.path().join(file)).unwrap();
            let asked = bodies.lock().unwrap().clone();
            let number = |body: &String| body.split("question ").nth(1).unwrap().split('\\').next().unwrap().to_owned();
            (asked.iter().map(number).collect::<Vec<_>>(), asked)
        };
        let ((first, bodies), (second, _)) = (order("a"), order("b"));
        assert_eq!(first, second);
        assert_ne!(first, (0..12).map(|i| i.to_string()).collect::<Vec<_>>());
        assert!(bodies.iter().all(|body| body.contains("\"response_format\"") && !body.contains("i0\"")));
    }

    #[test]
    fn a_judge_that_is_not_there_is_a_reason_and_no_rating() {
        let (judge, _) = judge(|_, _| GOOD.to_owned());
        let nowhere = Judge { url: "http://127.0.0.1:1".into(), attempts: 1, ..judge };
        let folder = tempfile::tempdir().unwrap();
        let items = items(1);
        let rated = verdicts(&nowhere, &[(&items[0], "x")], &folder.path().join("v"));
        match rated {
            Ok(rated) => assert!(matches!(rated[0].verdict, Reading::Missing(_))),
            Err(error) => assert!(error.to_string().contains("127.0.0.1:1"), "{error}"),
        }
    }
}
