//! The book's own tests: the embedded entries, lookups, books laid over it, `LiteLLM`'s list.

use proptest::prelude::*;

use super::*;
use crate::{Date, Error};

fn date(text: &str) -> Date {
    text.parse().unwrap()
}

fn hint(error: &Error) -> String {
    error.hint().unwrap()
}

#[test]
fn the_embedded_book_is_whole_and_dated() {
    let book = PriceBook::embedded();
    assert!((100..=160).contains(&book.models.len()), "{}", book.models.len());
    assert!((80..=120).contains(&book.gpus.len()) && book.boards.len() >= 20);
    assert!(book.electricity.len() >= 20 && book.pue.len() >= 4 && book.grid.len() >= 300);
    let cited = book.models.iter().map(|entry| &entry.cited).chain(book.gpus.iter().map(|entry| &entry.cited));
    let cited = cited.chain(book.grid.iter().map(|entry| &entry.cited)).chain(book.electricity.iter().map(|entry| &entry.cited));
    assert!(cited.chain(book.pue.iter().map(|entry| &entry.cited)).all(|cited| cited.source.len() > 5 && cited.url.is_some()));
    let mut keys: Vec<String> = book.models.iter().map(ModelPrice::key).collect();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), book.models.len(), "a host has a model twice");
    assert!(
        book.gpus.iter().all(|offer| offer.spot_usd_per_hour.is_none_or(|spot| spot < offer.usd_per_hour)),
        "spot dearer than on demand"
    );
}

#[test]
fn figures_as_their_sources_have_them() {
    let book = PriceBook::embedded();
    let prices = |name| book.model(name).map(|model| (model.input_usd_per_mtok, model.output_usd_per_mtok)).unwrap();
    assert_eq!(prices("gpt-4o"), (2.5, 10.0));
    assert_eq!(prices("gpt-4o-mini"), (0.15, 0.6));
    assert_eq!(prices("o3"), (2.0, 8.0));
    assert_eq!(prices("deepseek-chat"), (0.27, 1.1));
    assert_eq!(prices("groq/llama-3.1-8b"), (0.05, 0.08));
    // A price announced for a later day than the list's: that day's.
    let sonnet = book.model("claude-sonnet-5").unwrap();
    assert_eq!((sonnet.input_usd_per_mtok, sonnet.cited.date), (3.0, date("2026-09-01")));
    assert_eq!(book.grid("DE").unwrap().g_per_kwh, 380.95);
    assert_eq!(book.grid("us-central1").unwrap().g_per_kwh, 430.0);
    assert_eq!(book.electricity("DE").unwrap().usd_per_kwh, 0.08458);
    // 305.891 lb/MWh · 0.45359237.
    assert!((book.grid("US-OR").unwrap().g_per_kwh - 138.75).abs() < 0.01);
    assert_eq!(book.board("Tesla T4").unwrap().power_w, 70.0);
}

#[test]
fn names_match_whatever_their_case_and_separators() {
    let book = PriceBook::embedded();
    for name in ["gpt-4o", "GPT-4o", "openai/gpt-4o", "OpenAI / GPT 4o"] {
        assert_eq!(book.model(name).unwrap().key(), "openai/gpt-4o", "{name}");
    }
    assert_eq!(book.model("claude-3-5-haiku").unwrap().name, "claude-3-5-haiku-latest");
    assert!(book.hosts_of("meta-llama/Llama-3.2-3B-Instruct").iter().any(|model| model.host == "novita"));
    assert!(book.hosts_of("llama-3.1-8b").len() > 8);
    for region in ["DE", "deu", "Germany"] {
        assert_eq!(book.grid(region).unwrap().region, "DE");
    }
    assert_eq!(book.grid("UK").unwrap().region, "GB");
    assert_eq!(book.grid("eu-central-1").unwrap().region, "aws/eu-central-1");
    let t4 = book.gpu("NVIDIA T4").unwrap();
    assert!(t4.len() > 5 && t4.windows(2).all(|pair| pair[0].usd_per_gpu_hour() <= pair[1].usd_per_gpu_hour()));
}

#[test]
fn what_is_not_known_is_an_error_with_the_nearest() {
    let book = PriceBook::embedded();
    let error = book.model("gpt4-o-mni").unwrap_err();
    assert_eq!(error.to_string(), "the price book knows no hosted model `gpt4-o-mni`");
    assert!(hint(&error).starts_with("nearest: gpt-4o-mini"), "{}", hint(&error));
    let error = book.model("Llama-3.1-8B").unwrap_err();
    assert!(hint(&error).contains("groq/Llama-3.1-8B-Instruct"), "{}", hint(&error));
    let error = book.gpu("A100").unwrap_err();
    assert_eq!(hint(&error), "one of: A100-40GB, A100-80GB");
    assert!(hint(&book.gpu("RTX 4091").unwrap_err()).contains("RTX"));
    let error = book.electricity("Gemany").unwrap_err();
    assert!(error.to_string().contains("electricity price of `Gemany`"));
    assert!(hint(&book.grid("Gremany").unwrap_err()).contains("Germany"));
    assert!(hint(&book.grid("zz-0").unwrap_err()).contains("--search"));
    assert!(book.pue("hetzner").is_err() && book.pue("AWS").is_ok());
    assert!(book.model("").is_err() && book.gpu("").is_err() && book.grid("").is_err());
}

#[test]
fn an_old_entry_warns() {
    let cited = Cited { source: "list".into(), url: None, date: date("2025-08-01") };
    assert_eq!(cited.warning(date("2026-08-01")), None);
    assert_eq!(cited.warning(date("2026-08-02")).unwrap(), "of 2025-08-01, older than a year (366 days): check it or give your own");
    assert_eq!(cited.warning(date("2020-01-01")), None);
    assert!(PriceBook::embedded().electricity("FR").unwrap().note().unwrap().contains("wholesale"));
}

#[test]
fn a_book_of_ones_own_comes_before() {
    let own = r#"
        models = [{ host = "openai", name = "GPT-4o", input = 2, output = 8, source = "our contract", date = "2026-05-01" }]
        electricity = [{ region = "DE", kind = "retail", usd_per_kwh = 0.31, source = "bill", date = "2026-04-30" }]
        boards = [{ gpu = "RTX-4090", power_w = 450, price_usd = 2000, life_years = 4, source = "invoice", date = "2026-01-01" }]
    "#;
    let before = PriceBook::embedded();
    let book = before.clone().with(PriceBook::read(own, "own.toml").unwrap());
    let model = book.model("gpt-4o").unwrap();
    assert_eq!((model.input_usd_per_mtok, model.cited.source.as_str()), (2.0, "our contract"));
    assert_eq!(book.models.len(), before.models.len());
    let electricity = book.electricity("DE").unwrap();
    assert_eq!((electricity.kind, electricity.note()), (ElectricityKind::Retail, None));
    assert_eq!(book.board("RTX 4090").unwrap().price_usd, Some(2000.0));
}

#[test]
fn bad_books_are_refused_with_the_entry() {
    let says = |text: &str| PriceBook::read(text, "own.toml").unwrap_err().to_string();
    let model = |rest: &str| format!("models = [{{ host = \"h\", name = \"m\", {rest} }}]");
    let dated = "source = \"s\", date = \"2026-01-01\"";
    assert_eq!(
        says(&model(&format!("input = 0, output = 1, {dated}"))),
        "own.toml: models[0]: input (USD per million tokens) is 0, but should be above 0 and at most 10,000"
    );
    assert!(says(&model(&format!("input = 1, output = -1, {dated}"))).contains("output (USD per million tokens) is -1"));
    assert!(says(&model(&format!("input = 1, output = nan, {dated}"))).contains("NaN"));
    assert!(says(&model(&format!("input = 25000, output = 1, {dated}"))).contains("25000"));
    assert!(says(&model("input = 1, output = 1, source = \"s\"")).contains("no date"));
    assert!(says(&model("input = 1, output = 1, source = \"s\", date = \"2026-02-30\"")).contains("is not a date"));
    assert!(says(&model(&format!("input = 1, output = 1, cached = 1, {dated}"))).contains("unknown field"));
    assert!(says("modles = []").contains("unknown field") && says("models = 1").contains("no price book"));
    assert!(says(&format!("pue = [{{ operator = \"x\", pue = 0.9, scope = \"s\", {dated} }}]")).contains("from 1 to 10"));
    assert!(says(&format!("grid = [{{ region = \"x\", name = \"x\", g_per_kwh = -1, {dated} }}]")).contains("from 0 to 5,000"));
    assert!(
        says(&format!("gpus = [{{ gpu = \"x\", cloud = \"c\", kind = \"instance\", count = 0, usd_per_hour = 1, {dated} }}]"))
            .contains("count")
    );
    assert!(says(&format!("electricity = [{{ region = \"\", kind = \"retail\", usd_per_kwh = 1, {dated} }}]")).contains("region"));
    let large = " ".repeat(LARGEST_BOOK as usize + 1);
    assert!(matches!(PriceBook::read(&large, "x"), Err(Error::TooLarge { .. })));
    assert!(matches!(PriceBook::litellm(&large, "x", date("2026-01-01")), Err(Error::TooLarge { .. })));
}

#[test]
fn litellms_list_is_read_and_its_bad_entries_told() {
    let list = r#"{
        "sample_spec": {"input_cost_per_token": 0, "mode": "one of chat, embedding"},
        "gpt-4o": {"input_cost_per_token": 2.5e-06, "output_cost_per_token": 1e-05, "litellm_provider": "openai", "mode": "chat", "supports": [1, {}]},
        "deepinfra/x/Llama-9": {"input_cost_per_token": 3e-08, "output_cost_per_token": 5e-08, "litellm_provider": "deepinfra", "mode": "chat"},
        "azure/eu/gpt-9": {"input_cost_per_token": 2e-06, "output_cost_per_token": 1e-05, "litellm_provider": "azure", "mode": "chat"},
        "azure/us/gpt-9": {"input_cost_per_token": 3e-06, "output_cost_per_token": 1e-05, "litellm_provider": "azure", "mode": "chat"},
        "dear": {"input_cost_per_token": 0.022, "output_cost_per_token": 0.022, "litellm_provider": "wandb", "mode": "chat"},
        "debt": {"input_cost_per_token": -1, "output_cost_per_token": 1e-6, "litellm_provider": "x", "mode": "chat"},
        "words": {"input_cost_per_token": "free", "output_cost_per_token": 1e-6, "litellm_provider": "x", "mode": "chat"},
        "homeless": {"input_cost_per_token": 1e-6, "output_cost_per_token": 1e-6},
        "none": 7,
        "free": {"input_cost_per_token": 0, "output_cost_per_token": 0, "litellm_provider": "x", "mode": "chat"},
        "image": {"input_cost_per_token": 1e-6, "output_cost_per_token": 1e-6, "mode": "image_generation"},
        "unpriced": {"litellm_provider": "x", "mode": "chat"}
    }"#;
    let read = PriceBook::litellm(list, "list.json", date("2026-08-01")).unwrap();
    let gpt = read.book.model("gpt-4o").unwrap();
    assert_eq!((gpt.input_usd_per_mtok, gpt.output_usd_per_mtok, gpt.host.as_str()), (2.5, 10.0, "openai"));
    assert_eq!(gpt.cited.source, "LiteLLM's price list, list.json");
    let llama = read.book.model("llama-9").unwrap();
    assert_eq!((llama.input_usd_per_mtok, llama.id.as_str()), (0.03, "deepinfra/x/Llama-9"));
    let rejected: Vec<_> = read.rejected.iter().map(|entry| entry.name.as_str()).collect();
    assert_eq!(rejected, ["dear", "debt", "homeless", "none", "words"]);
    assert!(read.rejected[0].reason.contains("0.022 USD a token"));
    assert_eq!((read.book.models.len(), read.skipped), (4, 3));
    // One host's two regions: what it calls them tells them apart.
    assert_eq!(hint(&read.book.model("gpt-9").unwrap_err()), "one of: azure/eu/gpt-9, azure/us/gpt-9");
    assert_eq!(read.book.model("azure/eu/gpt-9").unwrap().input_usd_per_mtok, 2.0);
    for bad in ["", "[]", "7", "{\"a\": ", &"[".repeat(100_000)] {
        assert!(matches!(PriceBook::litellm(bad, "x", date("2026-01-01")), Err(Error::Book { .. })));
    }
}

#[test]
fn the_published_litellm_list_is_read() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/prices/litellm_model_prices.json");
    let Ok(text) = std::fs::read_to_string(path) else {
        println!("skipped: ../shared/data is absent");
        return;
    };
    let read = PriceBook::litellm(&text, "list", date("2026-08-01")).unwrap();
    assert!(read.book.models.len() > 1500, "{}", read.book.models.len());
    // The prices of one provider stand there per million tokens instead of per token.
    assert!(read.rejected.iter().any(|entry| entry.name.starts_with("wandb/")), "{:?}", read.rejected);
    let book = PriceBook::embedded().with(read.book);
    assert_eq!(book.model("openai/gpt-4o").unwrap().cited.source, "LiteLLM's price list, list");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_text_is_a_book_or_an_error(text in "\\PC{0,200}") {
        let _ = PriceBook::read(&text, "x");
        let _ = PriceBook::litellm(&text, "x", date("2026-01-01"));
        let book = PriceBook::embedded();
        let _ = (book.model(&text), book.gpu(&text), book.grid(&text), book.electricity(&text), book.board(&text));
    }

    #[test]
    fn laying_a_book_over_itself_changes_nothing_but_order(pick in 0usize..100) {
        let book = PriceBook::embedded();
        let twice = book.clone().with(book.clone());
        prop_assert_eq!(&twice, &book);
        let key = book.models[pick].key();
        prop_assert_eq!(book.model(&key).unwrap().key(), key);
    }
}
