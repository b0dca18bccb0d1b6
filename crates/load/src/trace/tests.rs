//! Trace files good and bad, and the published ones where they are at hand.

use std::path::PathBuf;

use proptest::prelude::*;

use super::*;

fn parse(text: &str) -> Result<Trace> {
    read_from(text.as_bytes(), Path::new("t.csv"), None)
}

fn request(at: u64, input_tokens: u32, output_tokens: u32) -> TraceRequest {
    TraceRequest { at: Nanos(at), input_tokens, output_tokens, blocks: vec![] }
}

#[test]
fn azure_is_known_by_its_header() {
    let text =
        "\u{feff}TIMESTAMP,ContextTokens,GeneratedTokens\r\n2023-11-16 18:15:46.6805900,374,44\r\n2023-11-16 18:15:50.9951690,396,109";
    let trace = parse(text).unwrap();
    assert_eq!((trace.format, trace.requests), (Format::Azure, vec![request(0, 374, 44), request(4_314_579_000, 396, 109)]));
}

#[test]
fn lengths_are_known_by_their_header() {
    let trace = parse("arrival_ns,input_tokens,output_tokens\n100,7,1\n\n150,8,2\n").unwrap();
    assert_eq!((trace.format, trace.requests), (Format::Lengths, vec![request(0, 7, 1), request(50, 8, 2)]));
}

#[test]
fn mooncake_is_known_by_its_first_line() {
    let trace = parse(
        "{\"timestamp\": 5, \"input_length\": 600, \"output_length\": 3, \"hash_ids\": [0, 9]}\n{\"timestamp\":7.5,\"input_length\":1,\"output_length\":1}\n",
    );
    let trace = trace.unwrap();
    assert_eq!((trace.format, trace.requests.len()), (Format::Mooncake, 2));
    assert_eq!((trace.requests[0].blocks.as_slice(), trace.requests[1].at), (&[0, 9][..], Nanos(2_500_000)));
}

#[test]
fn a_trace_out_of_order_is_put_in_order_and_keeps_every_arrival() {
    let trace = parse("arrival_ns,input_tokens,output_tokens\n200,1,1\n100,2,1\n200,3,1\n").unwrap();
    assert_eq!(trace.requests, [request(0, 2, 1), request(100, 1, 1), request(100, 3, 1)]);
}

#[test]
fn the_first_n_are_read_and_no_further() {
    let text = "arrival_ns,input_tokens,output_tokens\n1,1,1\n2,1,1\nnonsense\n";
    assert_eq!(read_from(text.as_bytes(), Path::new("t"), Some(2)).unwrap().requests.len(), 2);
}

fn check(text: &str, expected: &str) {
    let error = parse(text).unwrap_err();
    assert_eq!(error.to_string(), expected);
    assert!(error.hint().is_some());
}

#[test]
fn a_bad_line_is_named() {
    let azure = |line: &str| format!("TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46.6805900,374,44\n{line}\n");
    check("", "t.csv:1: \"\" is the first line of no known trace");
    check("a,b,c\n1,2,3", "t.csv:1: \"a,b,c\" is the first line of no known trace");
    check(&azure("2023-11-16 18:15:50,396"), "t.csv:3: 2 fields instead of the 3 of timestamp,contexttokens,generatedtokens");
    check(&azure("yesterday,396,1"), "t.csv:3: \"yesterday\" is no time");
    check(&azure("2023-11-16 18:15:50,many,1"), "t.csv:3: ContextTokens is \"many\", not a whole number");
    check(&azure("2023-11-16 18:15:50,-5,1"), "t.csv:3: ContextTokens is \"-5\", not a whole number");
    check(&azure("2023-11-16 18:15:50,5,0"), "t.csv:3: the answer has 0 tokens, not 1 to 16777216");
    check(&azure("2023-11-16 18:15:50,99999999999,1"), "t.csv:3: the prompt has 99999999999 tokens, not 1 to 16777216");
    check("arrival_ns,input_tokens,output_tokens\n", "t.csv:1: the trace holds no request");
    check("{\"timestamp\":0}", "t.csv:1: not a Mooncake request: missing field `input_length` at line 1 column 15");
    check("{\"timestamp\":-1,\"input_length\":1,\"output_length\":1}", "t.csv:1: timestamp is -1");
    check(
        "{\"timestamp\":0,\"input_length\":513,\"output_length\":1,\"hash_ids\":[1]}",
        "t.csv:1: 1 hash_ids for 513 tokens, which are 2 blocks",
    );
}

#[test]
fn a_line_of_a_gigabyte_is_refused_early() {
    let text = std::io::repeat(b'x').take(1 << 30);
    let error = read_from(text, Path::new("huge"), None).unwrap_err();
    assert_eq!(error.to_string(), "huge:1: the line is longer than 1048576 bytes");
    let error = read_from(&b"\xff\xfe\n"[..], Path::new("bytes"), None).unwrap_err();
    assert_eq!(error.to_string(), "bytes:1: the line is not UTF-8");
}

#[test]
fn an_absent_file_is_named() {
    let error = read(Path::new("/nowhere/t.csv"), None).unwrap_err();
    assert!(error.to_string().starts_with("reading /nowhere/t.csv: "), "{error}");
}

#[test]
fn the_published_traces_are_read_whole() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/traces");
    if !folder.is_dir() {
        println!("skipped: ../shared/data is absent");
        return;
    }
    for (name, format, requests, last_ns) in [
        ("AzureLLMInferenceTrace_conv.csv", Format::Azure, 19_366, 3_501_721_937_000),
        ("AzureLLMInferenceTrace_code.csv", Format::Azure, 8_819, 3_435_948_056_000),
        ("mooncake_conversation_trace.jsonl", Format::Mooncake, 12_031, 3_536_999_000_000),
        ("mooncake_synthetic_trace.jsonl", Format::Mooncake, 3_993, 1_022_025_000_000),
        ("sharegpt_lengths_llama3.1_300.csv", Format::Lengths, 300, 29_183_763_203 - 46_926_808),
    ] {
        let trace = read(&folder.join(name), None).unwrap();
        assert_eq!((trace.format, trace.requests.len()), (format, requests), "{name}");
        assert_eq!(trace.requests.last().unwrap().at, Nanos(last_ns), "{name}");
        if format == Format::Mooncake {
            assert!(trace.requests.iter().all(|request| request.blocks.len() as u32 == request.input_tokens.div_ceil(BLOCK_TOKENS)));
        }
    }
}

proptest! {
    #[test]
    fn any_bytes_are_a_trace_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..300), header in 0..4usize) {
        let headers = ["", "TIMESTAMP,ContextTokens,GeneratedTokens\n", "arrival_ns,input_tokens,output_tokens\n", "{"];
        let whole = [headers[header].as_bytes(), &bytes].concat();
        if let Ok(trace) = read_from(whole.as_slice(), Path::new("t"), None) {
            prop_assert!(trace.requests.is_sorted_by_key(|request| request.at));
        }
    }

    #[test]
    fn any_time_is_read_or_refused(text in "[0-9T:. +Z-]{0,40}") {
        let _ = parse(&format!("TIMESTAMP,ContextTokens,GeneratedTokens\n{text},1,1\n"));
    }
}
