//! Requests as columns: one a field of [`Request`], under its name. Instants are monotonic nanoseconds.

use std::{mem::take, path::Path};

use units::Nanos;

use super::{Column, Columns, read, write};
use crate::{
    Request,
    error::{Error, Result},
};

/// Columns that every file has. Those behind them came later, and their values are absent where a file lacks them.
const OLDEST: usize = 17;

/// Writes requests to a Parquet file, in the order given: whole or not at all, replacing an older one.
///
/// # Errors
/// The file cannot be written.
pub fn write_requests(path: &Path, requests: &[Request]) -> Result<()> {
    write(path, &columns(requests))
}

/// Reads a file of requests.
///
/// # Errors
/// The file cannot be read, or is none that this or an earlier version wrote.
pub fn read_requests(path: &Path) -> Result<Vec<Request>> {
    let read = read(path, &columns(&[]), OLDEST)?;
    rows(read).map_err(|reason| Error::damaged(path, reason))
}

fn columns(requests: &[Request]) -> Columns {
    let int = |get: fn(&Request) -> i64| Column::Int(requests.iter().map(get).collect());
    let optional = |get: fn(&Request) -> Option<i64>| Column::OptionalInt(requests.iter().map(get).collect());
    let text = |get: fn(&Request) -> &String| Column::Text(requests.iter().map(|r| get(r).clone()).collect());
    let optional_text = |get: fn(&Request) -> &Option<String>| Column::OptionalText(requests.iter().map(|r| get(r).clone()).collect());
    vec![
        ("index", int(|r| r.index.into())),
        ("item", text(|r| &r.item)),
        ("due", int(|r| signed(r.due))),
        ("sent", int(|r| signed(r.sent))),
        ("headers", optional(|r| r.headers.map(signed))),
        ("first_event", optional(|r| r.first_event.map(signed))),
        ("first_content", optional(|r| r.first_content.map(signed))),
        ("content_times", Column::Ints(requests.iter().map(|r| r.content_times.iter().copied().map(signed).collect()).collect())),
        ("end", int(|r| signed(r.end))),
        ("bytes", int(|r| r.bytes as i64)),
        ("events", int(|r| r.events.into())),
        ("prompt_tokens", optional(|r| r.prompt_tokens.map(i64::from))),
        ("completion_tokens", optional(|r| r.completion_tokens.map(i64::from))),
        ("status", optional(|r| r.status.map(i64::from))),
        ("finish_reason", optional_text(|r| &r.finish_reason)),
        ("failure", optional_text(|r| &r.failure)),
        ("text", text(|r| &r.text)),
        ("first_answer", optional(|r| r.first_answer.map(signed))),
        ("cached_tokens", optional(|r| r.cached_tokens.map(i64::from))),
    ]
}

/// The columns of [`columns`], put back together.
fn rows(columns: Vec<Column>) -> std::result::Result<Vec<Request>, String> {
    let Ok(
        [
            Column::Int(index),
            Column::Text(mut item),
            Column::Int(due),
            Column::Int(sent),
            Column::OptionalInt(headers),
            Column::OptionalInt(first_event),
            Column::OptionalInt(first_content),
            Column::Ints(mut content_times),
            Column::Int(end),
            Column::Int(bytes),
            Column::Int(events),
            Column::OptionalInt(prompt_tokens),
            Column::OptionalInt(completion_tokens),
            Column::OptionalInt(status),
            Column::OptionalText(mut finish_reason),
            Column::OptionalText(mut failure),
            Column::Text(mut text),
            Column::OptionalInt(first_answer),
            Column::OptionalInt(cached_tokens),
        ],
    ) = <[Column; 19]>::try_from(columns)
    else {
        return Err("its columns are not those of requests".into());
    };
    let row = |i: usize| {
        Ok(Request {
            index: narrow("index", index[i])?,
            item: take(&mut item[i]),
            due: instant(due[i]),
            sent: instant(sent[i]),
            headers: headers[i].map(instant),
            first_event: first_event[i].map(instant),
            first_content: first_content[i].map(instant),
            first_answer: first_answer[i].map(instant),
            content_times: take(&mut content_times[i]).into_iter().map(instant).collect(),
            end: instant(end[i]),
            bytes: bytes[i] as u64,
            events: narrow("events", events[i])?,
            prompt_tokens: prompt_tokens[i].map(|n| narrow("prompt_tokens", n)).transpose()?,
            completion_tokens: completion_tokens[i].map(|n| narrow("completion_tokens", n)).transpose()?,
            cached_tokens: cached_tokens[i].map(|n| narrow("cached_tokens", n)).transpose()?,
            status: status[i].map(|n| narrow("status", n)).transpose()?,
            finish_reason: take(&mut finish_reason[i]),
            failure: take(&mut failure[i]),
            text: take(&mut text[i]),
        })
    };
    (0..index.len()).map(row).collect()
}

/// Instants are far below 2^63 (292 years); any bit pattern comes back as it was.
fn signed(instant: Nanos) -> i64 {
    instant.get() as i64
}

fn instant(value: i64) -> Nanos {
    Nanos(value as u64)
}

fn narrow<T: TryFrom<i64>>(column: &str, value: i64) -> std::result::Result<T, String> {
    T::try_from(value).map_err(|_| format!("{column} holds {value}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_the_later_columns_is_read_without_their_values() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("old.parquet");
        let known = Request { index: 1, text: "a".into(), prompt_tokens: Some(3), ..Request::default() };
        let newer = Request { first_answer: Some(Nanos(5)), cached_tokens: Some(2), ..known.clone() };
        write_requests(&path, std::slice::from_ref(&newer)).unwrap();
        assert_eq!(read_requests(&path).unwrap()[0], newer);
        for older in [OLDEST, OLDEST + 1] {
            let columns: Columns = columns(std::slice::from_ref(&newer)).into_iter().take(older).collect();
            write(&path, &columns).unwrap();
            let first_answer = newer.first_answer.filter(|_| older > OLDEST);
            assert_eq!(read_requests(&path).unwrap(), [Request { first_answer, ..known.clone() }]);
        }
        write(&path, &columns(&[]).into_iter().take(OLDEST - 1).collect()).unwrap();
        assert!(read_requests(&path).unwrap_err().to_string().contains("columns are not those"));
    }
}
