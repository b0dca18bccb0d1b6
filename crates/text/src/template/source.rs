//! Where a folder keeps its chat template, and what is done to its text before it is compiled.

use std::path::Path;

use crate::error::{Error, Result, read_optional};
use crate::folder::TemplateForm;

/// The template of [`crate::ChatTemplate::plain`].
pub(super) const PLAIN: &str = "{{- bos_token }}
{%- for message in messages %}
    {{- '### ' + message.role + '\\n' + message.content }}
    {%- if message.role == 'assistant' %}
        {{- eos_token }}
    {%- endif %}
    {{- '\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '### assistant\\n' }}
{%- endif %}";

/// `chat_template.jinja` wins over `tokenizer_config.json`, as in `transformers`.
pub(super) fn of_folder(folder: &Path, config: Option<TemplateForm>) -> Result<Option<String>> {
    let path = folder.join("chat_template.jinja");
    match read_optional(&path)? {
        None => Ok(config.and_then(TemplateForm::plain)),
        Some(bytes) => {
            String::from_utf8(bytes).map(Some).map_err(|_| Error::Template { reason: format!("{} is not UTF-8", path.display()) })
        }
    }
}

/// `{% generation %}` blocks mark answers for training with `transformers`; here they are blocks that always hold.
pub(super) fn without_generation_tags(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(start) = rest.find("{%") {
        let Some(length) = rest[start..].find("%}") else { break };
        let end = start + length;
        let inner = &rest[start + 2..end];
        out.push_str(&rest[..start + 2]);
        match inner.trim_matches(|c: char| c.is_whitespace() || c == '-' || c == '+') {
            "generation" => out.push_str(&inner.replace("generation", "if true")),
            "endgeneration" => out.push_str(&inner.replace("endgeneration", "endif")),
            _ => out.push_str(inner),
        }
        rest = &rest[end..];
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generation_tags_keep_their_whitespace_control() {
        assert_eq!(without_generation_tags("a{%- generation -%}b{% endgeneration %}c"), "a{%- if true -%}b{% endif %}c");
        assert_eq!(without_generation_tags("{% if generation %}{% endif %}{%"), "{% if generation %}{% endif %}{%");
    }
}
