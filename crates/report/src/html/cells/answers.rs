//! What a cell answered in its first scored pass, item by item with its marks, as much as a page can hold.

use std::collections::BTreeMap;

use metric::CellView;
use record::{Detail, ItemMark, Request};
use serde::Serialize;

use crate::gather::{Result, Run};

/// Bytes of one text that are shown.
const LONGEST: usize = 2_000;

/// Answers as the page's script has them.
#[derive(Serialize)]
pub(super) struct Answers<'a> {
    /// How many items were asked.
    of: usize,
    /// Where all of them stand.
    file: &'a str,
    items: Vec<Item<'a>>,
}

#[derive(Serialize)]
struct Item<'a> {
    id: &'a str,
    answer: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    finish: Option<String>,
    marks: BTreeMap<&'a str, Option<f64>>,
}

/// Of a cell, in so many bytes; `None` where nothing was scored.
///
/// # Errors
/// The file of answers is damaged.
pub(super) fn of<'a>(run: &Run, view: &CellView<'a>, room: usize) -> Result<Option<Answers<'a>>> {
    let Ok(record) = view.records.quality.done("scored pass") else { return Ok(None) };
    let Detail::Quality(facts) = &record.detail else { return Ok(None) };
    let requests = run.folder.read_requests(&facts.requests_file)?;
    let by_item: BTreeMap<&str, &Request> = requests.iter().map(|request| (request.item.as_str(), request)).collect();
    let mut left = room;
    let mut items = Vec::new();
    for mark in &facts.items {
        let Some(request) = by_item.get(mark.id.as_str()) else { continue };
        let answer = beginning(&request.text);
        let size = answer.len() + 120;
        if size > left {
            break;
        }
        left -= size;
        items.push(item(mark, request, answer));
    }
    Ok(Some(Answers { of: facts.items.len(), file: &facts.requests_file, items }))
}

fn item<'a>(mark: &'a ItemMark, request: &Request, answer: String) -> Item<'a> {
    let value =
        |(name, mark): (&'a String, &units::Reading<f64>)| (name.as_str(), mark.known().ok().map(|mark| crate::html::power::short(*mark)));
    Item {
        id: &mark.id,
        answer,
        failure: request.failure.clone(),
        finish: request.finish_reason.clone(),
        marks: mark.marks.iter().map(value).collect(),
    }
}

/// The text, or its beginning where it is long, with a word that it is one.
fn beginning(text: &str) -> String {
    if text.len() <= LONGEST {
        return text.to_owned();
    }
    let end = (0..=LONGEST).rev().find(|&i| text.is_char_boundary(i)).unwrap_or(0);
    format!("{}… ({} bytes in all)", &text[..end], text.len())
}
