//! Any server with OpenAI's API that is there already, hosted ones too. Nothing is started, so there is no cold start, no memory and no energy of
//! its own; what it costs is the plan's price. Whether it knows `ignore_eos` is for the plan to say: OpenAI's own API refuses fields it does
//! not know (platform.openai.com/docs/api-reference/chat).

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Engine, Target, bad_options, read_options};
use crate::error::Result;
use crate::launch::{About, Address, Launch, Length, OptionKey, Origin, Prompts, Signal, Speaks, Start, Stop, Tells, Version};

/// Its registry entry.
pub(super) static ENGINE: OpenAi = OpenAi;

/// See the module.
pub(super) struct OpenAi;

/// Its keys in a plan.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Options {
    url: String,
    model: String,
    api_key_env: Option<String>,
    #[serde(default)]
    ignore_eos: bool,
}

const SPEAKS: Speaks = Speaks { prompts: Prompts::CHAT_AND_TEXT, length: Length::Natural, usage: true };

impl Engine for OpenAi {
    fn about(&self) -> &'static About {
        &About {
            name: "openai",
            summary: "a server with OpenAI's API that is there already: not started, hosted ones too",
            keys: &[
                OptionKey { name: "url", help: "its base, such as http://127.0.0.1:8000 or https://api.openai.com/v1; it must be given" },
                OptionKey { name: "model", help: "the model that requests name; it must be given" },
                OptionKey { name: "api_key_env", help: "the environment variable that holds the API key; without it none is sent" },
                OptionKey {
                    name: "ignore_eos",
                    help: "whether the server forces lengths when asked with ignore_eos; without it false, and it is not asked",
                },
            ],
            origin: Origin::Running,
            speaks: SPEAKS,
            in_flight: &[],
            written_for: None,
            install: "nothing is to be installed: start the server yourself and name its `url`",
        }
    }

    fn check(&self, options: &Map<String, Value>) -> Result<()> {
        let (_, options): (_, Options) = read_options(self, options)?;
        if options.url.starts_with("http://") || options.url.starts_with("https://") {
            return Ok(());
        }
        Err(bad_options(self, &format!("url is {:?}, and must begin with http:// or https://", options.url)))
    }

    fn program(&self, _: &Map<String, Value>) -> Result<Option<Start>> {
        Ok(None)
    }

    fn launch(&self, options: &Map<String, Value>, target: &Target<'_>) -> Result<Launch> {
        self.check(options)?;
        let (_, options): (_, Options) = read_options(self, options)?;
        target.quantisation(self, None)?;
        let length = if options.ignore_eos { Length::IgnoreEos } else { Length::Natural };
        Ok(Launch {
            start: None,
            address: Address::Url(options.url),
            ready: None,
            after_ready: Vec::new(),
            model_name: options.model,
            speaks: Speaks { length, ..SPEAKS },
            api_key_env: options.api_key_env,
            version: Version::Untold,
            wanted_version: None,
            tells: Tells::default(),
            stop: Stop { signal: Signal::Terminate, grace_s: 0 },
        })
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use serde_json::json;

    use super::ENGINE;
    use crate::testing::check_launch;

    #[test]
    fn command_lines() {
        check_launch(
            &ENGINE,
            &json!({"url": "http://127.0.0.1:8000", "model": "m"}),
            "",
            expect![[r#"
            nothing is started
            model "m" at Url("http://127.0.0.1:8000")
        "#]],
        );
        check_launch(
            &ENGINE,
            &json!({"url": "https://api.openai.com/v1", "model": "gpt-4o", "api_key_env": "OPENAI_API_KEY"}),
            "",
            expect![[r#"
                nothing is started
                model "gpt-4o" at Url("https://api.openai.com/v1")
            "#]],
        );
    }

    #[test]
    fn what_it_cannot_serve() {
        check_launch(
            &ENGINE,
            &json!({"url": "127.0.0.1:8000", "model": "m"}),
            "",
            expect![[r#"
            engine "openai": url is "127.0.0.1:8000", and must begin with http:// or https://
            hint: the keys of "openai" are: url, model, api_key_env, ignore_eos
        "#]],
        );
        check_launch(
            &ENGINE,
            &json!({"model": "m"}),
            "",
            expect![[r#"
            engine "openai": missing field `url`
            hint: the keys of "openai" are: url, model, api_key_env, ignore_eos
        "#]],
        );
    }
}
