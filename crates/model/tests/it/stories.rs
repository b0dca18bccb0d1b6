//! A real trained model of 260,000 parameters, against the greedy text of its own authors' program.

use crate::support::{greedy, load, shared};

#[derive(serde::Deserialize)]
struct Expected {
    greedy_ids_after_bos: Vec<u32>,
}

#[test]
fn greedy_text_is_the_expected_one() {
    let Some(folder) = shared("models/stories260K") else { return };
    let text = std::fs::read_to_string(folder.join("expected_greedy.json")).unwrap();
    let expected: Expected = serde_json::from_str(&text).unwrap();
    let decoder = load(&folder);
    assert_eq!(greedy(&decoder, &[1], expected.greedy_ids_after_bos.len()), expected.greedy_ids_after_bos);
}
