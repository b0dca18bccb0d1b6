//! Answers judged by a model behind an OpenAI-compatible endpoint: asked several at a time, again where a verdict cannot be read, and never
//! twice for one that stands already. What is asked and how a verdict is read stand in `score`.
//!
//! Each verdict is appended to a file, a line, as soon as it has come: whoever is stopped in the middle goes on from there. Answers are asked
//! in one order drawn from the seed, whoever gave them, so that neither the data set's order nor a drift of the judge falls on one part of
//! them; and nothing in a request tells who did.

use std::{
    collections::{HashMap, HashSet},
    fs::{File, OpenOptions},
    io::{BufRead, BufReader, Read, Write},
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use load::{ApiKey, Body, Job, Observer, Prompt, Sampling};
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

impl Tokens {
    /// Of all answers together; `None` where an attempt at one of them did not tell.
    pub fn of_all(rated: &[Rated]) -> Option<Self> {
        let sum = |sum: Self, more: Self| Self { input: sum.input + more.input, output: sum.output + more.output };
        rated.iter().map(|rated| rated.tokens).try_fold(Self::default(), |all, one| Some(sum(all, one?)))
    }
}

/// One attempt at one answer, as the file keeps it.
#[derive(Clone, Debug, Serialize, Deserialize)]
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

/// Asks for the verdicts that `file` lacks, which takes them as they come, and gives those of all answers. An answer to an item that comes
/// several times is asked about once.
///
/// # Errors
/// The file cannot be read or written, or a job cannot be put at all (its address, its key). A verdict that does not come is no error: it is
/// missing, with its reason.
pub fn verdicts(judge: &Judge, answers: &[(&Item, &str)], file: &Path, observer: &dyn Observer) -> Result<Vec<Rated>> {
    let keys: Vec<String> = answers.iter().map(|(item, answer)| key(judge, item, answer)).collect();
    let mut known = read(file)?;
    let log = OpenOptions::new().create(true).append(true).open(file).map_err(Error::io("opening", file))?;
    let log = Log { file: Mutex::new(log), path: file };
    let mut seen = HashSet::new();
    let mut left: Vec<usize> = (0..answers.len()).filter(|&index| seen.insert(keys[index].as_str())).collect();
    left.shuffle(&mut ChaCha8Rng::seed_from_u64(judge.seed));
    for attempt in 0..judge.attempts.max(1) {
        left.retain(|&index| known.get(&keys[index]).is_none_or(|known| known.verdict.is_none()));
        let questions: Vec<Prompt> = left.iter().map(|&index| question(&keys[index], answers[index].0, answers[index].1)).collect();
        for line in round(judge, &questions, attempt, &log, observer)? {
            learn(&mut known, line);
        }
    }
    Ok(all_rated(answers, &keys, &known))
}

/// The verdicts that `file` has of answers. Nothing is asked.
///
/// # Errors
/// The file cannot be read.
pub fn known(judge: &Judge, answers: &[(&Item, &str)], file: &Path) -> Result<Vec<Rated>> {
    let keys: Vec<String> = answers.iter().map(|(item, answer)| key(judge, item, answer)).collect();
    Ok(all_rated(answers, &keys, &read(file)?))
}

/// What tells the verdicts of one judge from those of another.
pub fn identity(url: &str, model: &str) -> String {
    digest(serde_json::json!([judge::PROMPT_VERSION, url, model]).to_string().as_bytes())[..32].to_owned()
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

fn all_rated(answers: &[(&Item, &str)], keys: &[String], known: &HashMap<String, Known>) -> Vec<Rated> {
    answers.iter().zip(keys).map(|((item, _), key)| rated(item, known.get(key))).collect()
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

/// Puts every question once, so many at a time, and keeps each answer as it comes.
fn round(judge: &Judge, questions: &[Prompt], attempt: u32, log: &Log<'_>, observer: &dyn Observer) -> Result<Vec<Line>> {
    let (count, next) = (questions.len(), AtomicUsize::new(0));
    let work = || -> Result<Vec<Line>> {
        let mut lines = Vec::new();
        while let Some(question) = questions.get(next.fetch_add(1, Ordering::Relaxed)) {
            let line = ask(judge, question, attempt, observer).and_then(|line| log.keep(&line).map(|()| line));
            // What stops one stops all: the address, the key, the disk.
            lines.push(line.inspect_err(|_| next.store(count, Ordering::Relaxed))?);
        }
        Ok(lines)
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..count.min(judge.concurrency.max(1) as usize)).map(|_| scope.spawn(work)).collect();
        let lines = workers.into_iter().map(|worker| worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        Ok(lines.collect::<Result<Vec<_>>>()?.concat())
    })
}

/// What the judge is asked of an answer.
fn question(key: &str, item: &Item, answer: &str) -> Prompt {
    let messages = judge::prompt(item, answer, &key[..12]).iter().map(said).collect();
    Prompt { item: key.to_owned(), body: Body::Structured(messages, Arc::new(judge::response_format())), max_tokens: judge::MAX_TOKENS }
}

fn ask(judge: &Judge, question: &Prompt, attempt: u32, observer: &dyn Observer) -> Result<Line> {
    let job = Job {
        url: judge.url.clone(),
        model: judge.model.clone(),
        warmup: Vec::new(),
        drain: true,
        arrivals: load::closed_loop(1).collect(),
        prompts: vec![question.clone()],
        streams: 1,
        max_streams: None,
        // The same question to the same judge with the same seed would fail in the same way.
        sampling: Sampling { temperature: Some(0.0), seed: Some(judge.seed.wrapping_add(u64::from(attempt))), ignore_eos: false },
        timeout: judge.timeout,
        api_key: judge.api_key.clone(),
    };
    let answered = load::run(&job, observer)?.requests.into_iter().next();
    Ok(line(answered.expect("a run gives each of its requests, and it has one")))
}

fn line(request: record::Request) -> Line {
    let tokens = request.prompt_tokens.zip(request.completion_tokens);
    let tokens = tokens.map(|(input, output)| Tokens { input: u64::from(input), output: u64::from(output) });
    // Nobody is paid for a request that did not arrive or was turned away.
    let turned_away = request.failure.as_deref().is_some_and(|failure| failure.starts_with("connect") || failure.starts_with("status: "));
    let tokens = tokens.or(turned_away.then(Tokens::default));
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

/// The file that verdicts are kept in.
struct Log<'a> {
    file: Mutex<File>,
    path: &'a Path,
}

impl Log<'_> {
    /// Appends a line. It begins with a line end, so that a line that was cut off before it does not swallow it.
    fn keep(&self, line: &Line) -> Result<()> {
        let text = serde_json::to_string(line).map_err(|source| Error::Facts { source })?;
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let written = file.write_all(format!("\n{text}\n").as_bytes()).and_then(|()| file.sync_data());
        written.map_err(Error::io("writing", self.path))
    }
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
        let first = verdicts(&judge, &answers[..3], &file, &load::Silent).unwrap();
        assert_eq!(bodies.lock().unwrap().len(), 3);
        assert!(first.iter().all(|rated| rated.verdict == Reading::Known(Verdict { helpfulness: 8, safety: 10 })));
        assert_eq!(first[0].tokens, Some(Tokens { input: 100, output: 10 }));
        // A line that was being written when we were stopped.
        OpenOptions::new().append(true).open(&file).unwrap().write_all(b"{\"of\":\"").unwrap();
        let all = verdicts(&judge, &answers, &file, &load::Silent).unwrap();
        assert_eq!((bodies.lock().unwrap().len(), all.len()), (5, 5));
        assert_eq!(verdicts(&judge, &answers, &file, &load::Silent).unwrap(), all);
        assert_eq!(bodies.lock().unwrap().len(), 5);
        // What stands is known without a judge.
        let away = Judge { attempts: 0, ..judge.clone() };
        assert_eq!(known(&away, &answers, &file).unwrap(), all);
        // Another answer is another verdict.
        verdicts(&judge, &[(&items[0], "another answer")], &file, &load::Silent).unwrap();
        assert_eq!(bodies.lock().unwrap().len(), 6);
    }

    #[test]
    fn an_unreadable_verdict_is_asked_again_and_then_missing() {
        let (judge, bodies) = judge(|body, count| if body.contains("question 0") || count < 3 { "no".into() } else { GOOD.into() });
        let folder = tempfile::tempdir().unwrap();
        let items = items(2);
        let answers: Vec<(&Item, &str)> = items.iter().map(|item| (item, "an answer")).collect();
        let rated = verdicts(&judge, &answers, &folder.path().join("v.jsonl"), &load::Silent).unwrap();
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
            verdicts(&judge, &answers, &folder.path().join(file), &load::Silent).unwrap();
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
        let rated = verdicts(&nowhere, &[(&items[0], "x")], &folder.path().join("v"), &load::Silent);
        match rated {
            Ok(rated) => assert!(matches!(rated[0].verdict, Reading::Missing(_))),
            Err(error) => assert!(error.to_string().contains("127.0.0.1:1"), "{error}"),
        }
    }
}
