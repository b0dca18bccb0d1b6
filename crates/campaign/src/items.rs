//! Items as requests: what a task asks, in the form in which the load client puts it.

use load::{Body, Prompt};
use score::Item;

use crate::bind;

/// An item as a request.
pub fn prompt(item: &Item, max_tokens: u32) -> Prompt {
    Prompt { item: item.id.clone(), body: Body::Messages(item.messages.iter().map(bind::said).collect()), max_tokens }
}

/// Digest of what decides the answers: ids, messages and references, in order.
pub fn digest(items: &[Item]) -> String {
    bind::digest(&bind::items_text(items))
}
