//! JSON inside a page: data that scripts read, in an element that no browser runs. Whatever its texts hold, they stay texts.

use maud::{Markup, PreEscaped, html as markup};
use serde::Serialize;

/// The element with this id that holds a value as JSON.
///
/// # Errors
/// The value cannot be JSON.
pub(super) fn json(id: &str, value: &impl Serialize) -> serde_json::Result<Markup> {
    let text = serde_json::to_string(value)?;
    Ok(markup! { script type="application/json" id=(id) { (PreEscaped(safe(&text))) } })
}

/// JSON without anything that a reader of HTML could take for markup (`</script>`, `<!--`, an entity) and without the two line ends that
/// are none in JSON. In JSON these characters stand in strings only, where an escape means the same.
fn safe(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                out.push_str(match c {
                    '<' => "\\u003c",
                    '>' => "\\u003e",
                    '&' => "\\u0026",
                    '\u{2028}' => "\\u2028",
                    _ => "\\u2029",
                });
            }
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_ends_the_element_and_everything_comes_back() {
        let hostile = "</script><script>alert(1)</script><!-- <![CDATA[ ]]> &lt; \u{2028}\u{2029}\u{0} \\u003c \" ' `${x}`";
        let page = json("data", &[hostile]).unwrap().into_string();
        let inside = page.strip_prefix(r#"<script type="application/json" id="data">"#).unwrap().strip_suffix("</script>").unwrap();
        assert!(!inside.contains(['<', '>', '&', '\u{2028}', '\u{2029}', '\u{0}']), "{inside}");
        assert_eq!(serde_json::from_str::<Vec<String>>(inside).unwrap(), [hostile]);
    }
}
