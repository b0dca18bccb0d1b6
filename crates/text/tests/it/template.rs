//! Chat templates behave as in `transformers`, and hostile ones end.

use expect_test::{Expect, expect};
use serde_json::json;
use text::{ChatTemplate, Error, Message, RenderOptions, Tokenizer};

use crate::small;

fn conversation() -> Vec<Message> {
    vec![Message::new("user", "a <b> & 'c'"), Message::new("assistant", " d ")]
}

fn render(source: &str, options: &RenderOptions) -> Result<String, Error> {
    ChatTemplate::new(source, vec![("bos_token", "<s>".to_owned())])?.render(&conversation(), options)
}

#[expect(clippy::needless_pass_by_value, reason = "expect! makes a value at each call")]
fn check(source: &str, expected: Expect) {
    let shown = match render(source, &RenderOptions::default()) {
        Ok(text) => text,
        Err(error) => format!("error: {error}"),
    };
    expected.assert_eq(&shown);
}

#[test]
fn blocks_are_trimmed_as_transformers_does() {
    check(
        "  {% for m in messages %}\n  {{ m.role }}\n  {% endfor %}\nend\n",
        expect![[r#"
          user
          assistant
        end"#]],
    );
}

#[test]
fn python_methods_work() {
    check(
        "{{ messages[0].content.upper().split(' ')|length }} {{ messages[1]['content'].strip() }} {{ messages[0].get('x') }}",
        expect!["4 d None"],
    );
    check("{{ bos_token.startswith('<') }}{{ messages[::-1][0].role }}{{ eos_token }}", expect!["Trueassistant"]);
}

#[test]
fn json_is_as_python_writes_it() {
    check("{{ messages[0] | tojson }}", expect![[r#"{"role": "user", "content": "a <b> & 'c'"}"#]]);
    check("{{ [1, 2.5, none, true] | tojson }}", expect!["[1, 2.5, null, true]"]);
    check(
        "{{ {'a': [1]} | tojson(indent=4) }}",
        expect![[r#"
        {
            "a": [
                1
            ]
        }"#]],
    );
}

#[test]
fn loop_controls_and_generation_blocks_work() {
    check("{% for m in messages %}{% if loop.index0 == 1 %}{% break %}{% endif %}{{ m.role }}{% endfor %}", expect!["user"]);
    check("{% generation %}x{% endgeneration %}", expect!["x"]);
}

#[test]
fn refusals_and_faults_are_told_apart() {
    check("{{ raise_exception('roles must alternate') }}", expect!["error: chat template refuses the conversation: roles must alternate"]);
    check("{% if %}", expect!["error: chat template: line 1: syntax error: unexpected end of block"]);
    check("\n{{ nothing.at.all }}", expect!["error: chat template: line 2: undefined value"]);
    check(
        "{% include 'other' %}",
        expect![[r#"error: chat template: line 1: template not found: tried to include non-existing template "other""#]],
    );
}

#[test]
fn a_hostile_template_ends() {
    let nested = "{% for a in range(9999) %}{% for b in range(9999) %}{% for c in range(9999) %}{% endfor %}{% endfor %}{% endfor %}";
    assert!(matches!(render(nested, &RenderOptions::default()), Err(Error::OutOfFuel { .. })));
    let recursive = "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}";
    assert!(render(recursive, &RenderOptions::default()).is_err());
}

#[test]
fn dates_come_from_the_caller_or_not_at_all() {
    let source = "{{ date_string or 'no date' }} {% if strftime_now is defined %}{{ strftime_now('%d %b %Y') }}{% endif %}";
    assert_eq!(render(source, &RenderOptions::default()).unwrap(), "no date ");
    let told = RenderOptions { date_string: Some("1 May".to_owned()), unix_seconds: Some(1_721_952_000), ..RenderOptions::default() };
    assert_eq!(render(source, &told).unwrap(), "1 May 26 Jul 2024");
}

#[test]
fn variables_reach_the_template() {
    let source = "{% if tools is not none %}{{ tools[0].name }}{% endif %}";
    assert_eq!(render(source, &RenderOptions::default()).unwrap(), "");
    let variables = json!({"tools": [{"name": "clock"}]}).as_object().unwrap().clone();
    assert_eq!(render(source, &RenderOptions { variables, ..RenderOptions::default() }).unwrap(), "clock");
}

#[test]
fn a_file_wins_over_the_config_and_a_list_has_a_default() {
    let folder = small::folder();
    let source = |folder: &std::path::Path| ChatTemplate::from_folder(folder).unwrap().map(|template| template.source().to_owned());
    assert_eq!(source(folder.path()).unwrap(), small::TEMPLATE);
    let list = json!({"chat_template": [{"name": "tool_use", "template": "t"}, {"name": "default", "template": "d"}]});
    std::fs::write(folder.path().join("tokenizer_config.json"), list.to_string()).unwrap();
    assert_eq!(source(folder.path()).unwrap(), "d");
    std::fs::write(folder.path().join("chat_template.jinja"), "file").unwrap();
    assert_eq!(source(folder.path()).unwrap(), "file");
    let bare = tempfile::TempDir::new().unwrap();
    assert!(ChatTemplate::from_folder(bare.path()).unwrap().is_none());
}

#[test]
fn a_model_without_a_template_may_take_the_plain_one() {
    let tokenizer = small::tokenizer();
    let template = ChatTemplate::plain(&tokenizer).unwrap();
    let options = RenderOptions { add_generation_prompt: true, ..RenderOptions::default() };
    expect![[r#"
        <s>### user
        a <b> & 'c'
        ### assistant
         d <|eot|>
        ### assistant
    "#]]
    .assert_eq(&template.render(&conversation(), &options).unwrap());
    let endless = Tokenizer::synthetic(256).unwrap();
    assert!(ChatTemplate::plain(&endless).unwrap().render(&conversation(), &options).unwrap().ends_with(" d \n### assistant\n"));
}
