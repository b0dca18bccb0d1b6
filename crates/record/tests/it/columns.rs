//! Requests and power samples come back from Parquet as they were; a damaged file is an error, not a crash.

use std::fs;

use proptest::{collection::vec, option, prelude::*};
use record::{PowerSample, Request, RunFolder};
use units::{Nanos, Watts};

use crate::sample::manifest;

fn instant() -> impl Strategy<Value = Nanos> {
    prop_oneof![any::<u64>(), 0..1_000_u64].prop_map(Nanos)
}

fn any_request() -> impl Strategy<Value = Request> {
    let instants = (
        instant(),
        instant(),
        option::of(instant()),
        option::of(instant()),
        vec(option::of(instant()), 2),
        vec(instant(), 0..9),
        instant(),
    );
    let counts = (any::<u32>(), any::<u64>(), any::<u32>(), vec(option::of(any::<u32>()), 3), option::of(any::<u16>()));
    let texts = ("\\PC{0,9}", option::of("[a-z]{0,6}"), option::of("\\PC{0,9}"), "(?s).{0,40}");
    (instants, counts, texts).prop_map(
        |((due, sent, headers, first_event, firsts, content_times, end), (index, bytes, events, tokens, status), texts)| {
            let (item, finish_reason, failure, text) = texts;
            Request {
                index,
                item,
                due,
                sent,
                headers,
                first_event,
                first_content: firsts[0],
                first_answer: firsts[1],
                content_times,
                end,
                bytes,
                events,
                prompt_tokens: tokens[0],
                completion_tokens: tokens[1],
                cached_tokens: tokens[2],
                status,
                finish_reason,
                failure,
                text,
            }
        },
    )
}

fn any_sample() -> impl Strategy<Value = PowerSample> {
    (instant(), any::<u32>(), any::<f64>().prop_filter("equal to itself", |p| !p.is_nan())).prop_map(|(at, device, power)| PowerSample {
        at,
        device,
        power: Watts(power),
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn requests_come_back(requests in vec(any_request(), 0..20)) {
        let dir = tempfile::tempdir()?;
        let folder = RunFolder::create(dir.path(), &manifest()).unwrap();
        let path = folder.write_requests("k", None, &requests).unwrap();
        prop_assert_eq!(folder.read_requests(&path).unwrap(), requests);
    }

    #[test]
    fn power_samples_come_back(samples in vec(any_sample(), 0..50)) {
        let dir = tempfile::tempdir()?;
        let folder = RunFolder::create(dir.path(), &manifest()).unwrap();
        let path = folder.write_power("k", &samples).unwrap();
        prop_assert_eq!(folder.read_power(&path).unwrap(), samples);
    }

    #[test]
    fn a_damaged_file_is_an_error_at_worst(at in 0.0..1.0f64, byte in any::<u8>(), cut in option::of(0.0..1.0f64)) {
        let dir = tempfile::tempdir()?;
        let folder = RunFolder::create(dir.path(), &manifest()).unwrap();
        let request = Request { text: "an answer".into(), content_times: vec![Nanos(1), Nanos(5)], ..Request::default() };
        let path = folder.write_requests("k", None, &vec![request; 20]).unwrap();
        let file = folder.inside(&path).unwrap();
        let mut bytes = fs::read(&file)?;
        let place = (at * bytes.len() as f64) as usize;
        bytes[place] = byte;
        if let Some(cut) = cut {
            bytes.truncate((cut * bytes.len() as f64) as usize);
        }
        fs::write(&file, bytes)?;
        let _ = folder.read_requests(&path);
    }
}

#[test]
fn a_dictionary_that_is_not_there_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let folder = RunFolder::create(dir.path(), &manifest()).unwrap();
    let path = folder.write_requests("k", None, &vec![Request { text: "an answer".into(), ..Request::default() }; 20]).unwrap();
    let whole = fs::read(folder.inside(&path).unwrap()).unwrap();
    for place in 0..whole.len().min(600) {
        let mut bytes = whole.clone();
        bytes[place] = 30;
        fs::write(folder.inside(&path).unwrap(), bytes).unwrap();
        let _ = folder.read_requests(&path);
    }
}

#[test]
fn many_rows_cross_the_readers_batches() {
    let dir = tempfile::tempdir().unwrap();
    let folder = RunFolder::create(dir.path(), &manifest()).unwrap();
    let request = |i: u32| Request {
        index: i,
        item: format!("item {i}"),
        content_times: (0..u64::from(i % 7)).map(|t| Nanos(u64::from(i) * 10 + t)).collect(),
        prompt_tokens: i.is_multiple_of(3).then_some(i),
        ..Request::default()
    };
    let requests: Vec<Request> = (0..40_000).map(request).collect();
    let path = folder.write_requests("k", None, &requests).unwrap();
    assert!(folder.read_requests(&path).unwrap() == requests);
}

#[test]
fn power_is_not_requests() {
    let dir = tempfile::tempdir().unwrap();
    let folder = RunFolder::create(dir.path(), &manifest()).unwrap();
    let path = folder.write_power("k", &[]).unwrap();
    let error = folder.read_requests(&path).unwrap_err();
    assert!(error.to_string().contains("columns are not those"), "{error}");
}
