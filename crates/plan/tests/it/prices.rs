//! Prices by name: what the book gives stands in the plan as meant with its source, and what is refused.

use expect_test::{Expect, expect};
use plan::{Plan, Priced};

use crate::{SMALL, known, parse};

/// The small plan with other prices.
fn with(prices: &str) -> String {
    format!("{}[prices]\n{prices}\n", SMALL.split("[prices]").next().unwrap())
}

#[expect(clippy::needless_pass_by_value, reason = "`check(text, expect![…])` reads best")]
fn check(prices: &str, want: Expect) {
    want.assert_eq(&parse(&with(prices)).unwrap_err().to_string());
}

fn again(plan: &Plan) {
    assert_eq!(&parse(&plan.to_toml().unwrap()).unwrap(), plan);
    let json = serde_json::to_string(plan).unwrap();
    assert_eq!(&serde_json::from_str::<Plan>(&json).unwrap(), plan);
}

const BY_NAME: &str = r#"api = "openai/gpt-4o"
region = "DE"
operator = "gcp"
gpu = "T4"
gpu_cloud = "gcp"
gpus = 2
setup_usd = 10
requests_per_month = 200_000
utilisation = 0.4"#;

#[test]
#[expect(clippy::float_cmp, reason = "a figure of the book is handed on as it is")]
fn names_are_looked_up_in_the_book() {
    let plan = parse(&with(BY_NAME)).unwrap();
    let book = econ::PriceBook::embedded();
    let prices = &plan.prices;
    let model = book.model("openai/gpt-4o").unwrap();
    assert_eq!(
        (prices.api_name.as_str(), prices.api_input_usd_per_mtok, prices.api_output_usd_per_mtok, &prices.api_date),
        ("openai/gpt-4o", model.input_usd_per_mtok, model.output_usd_per_mtok, &model.cited.date.to_string())
    );
    assert_eq!(prices.electricity_usd_per_kwh, book.electricity("DE").unwrap().usd_per_kwh);
    assert_eq!(prices.grid_gco2e_per_kwh, Some(book.grid("DE").unwrap().g_per_kwh));
    assert_eq!(prices.pue, book.pue("gcp").unwrap().pue);
    let rate = prices.machine_usd_per_hour.unwrap();
    let offers = book.gpu("T4").unwrap();
    assert!(offers.iter().any(|offer| offer.cloud == "GCP" && (2.0 * offer.usd_per_gpu_hour() - rate).abs() < 1e-9), "{rate}");
    assert!(Priced::ALL.iter().all(|figure| prices.cited.contains_key(figure)), "{:?}", prices.cited);
    again(&plan);
}

#[test]
fn a_figure_of_ones_own_is_not_looked_up() {
    let text = BY_NAME.replace("operator = \"gcp\"", "pue = 1.3").replace("region", "electricity_usd_per_kwh = 0.5\nregion");
    let plan = parse(&with(&text)).unwrap();
    assert_eq!((plan.prices.electricity_usd_per_kwh, plan.prices.pue), (0.5, 1.3));
    assert_eq!(plan.prices.cited.keys().collect::<Vec<_>>(), [&Priced::Grid, &Priced::Machine]);
}

#[test]
fn a_machine_that_was_bought() {
    // 8,766 USD over a year of 8,766 hours.
    let bought = SMALL.to_owned()
        + "machine_price_usd = 8766\nlife_years = 1\ncited.machine = { name = \"ours\", source = \"invoice\", date = 2026-01-01 }";
    let plan = parse(&bought).unwrap();
    assert!((plan.prices.machine_usd_per_hour.unwrap() - 1.0).abs() < 1e-12);
    assert_eq!(plan.prices.cited[&Priced::Machine].name, "ours");
    again(&plan);
}

#[test]
fn books_of_ones_own_are_laid_over() {
    let folder = tempfile::tempdir().unwrap();
    let book = r#"[[models]]
host = "ours"
name = "house-model"
input = 0.1
output = 0.2
source = "a contract"
date = "2026-05-01"
"#;
    std::fs::write(folder.path().join("own.toml"), book).unwrap();
    let list =
        r#"{"some/model": {"litellm_provider": "some", "mode": "chat", "input_cost_per_token": 1e-6, "output_cost_per_token": 2e-6}}"#;
    std::fs::write(folder.path().join("list.json"), list).unwrap();
    let of = |api: &str| {
        let text = BY_NAME.replace("openai/gpt-4o", api) + "\nbook = \"own.toml\"\nlitellm = \"list.json\"\nlitellm_date = 2026-04-01";
        plan::parse(&with(&text), folder.path(), &known()).unwrap().prices
    };
    let own = of("house-model");
    assert_eq!((own.api_input_usd_per_mtok, own.api_source.as_str(), own.api_date.as_str()), (0.1, "a contract", "2026-05-01"));
    let listed = of("some/model");
    assert!((listed.api_output_usd_per_mtok - 2.0).abs() < 1e-12 && listed.api_date == "2026-04-01");
}

#[test]
fn service_levels() {
    let plan = parse(&(SMALL.to_owned() + "[slo]\nttft_ms = 300\ntpot_ms = 50")).unwrap();
    let slo = plan.slo.unwrap();
    assert_eq!((slo.ttft_ms, slo.tpot_ms, slo.itl_ms, slo.e2e_ms), (Some(300.0), Some(50.0), None, None));
    again(&plan);
    expect![[r#"
        line 27: slo: no limit given
          hint: give at least one of: ttft_ms, tpot_ms, itl_ms, e2e_ms"#]]
    .assert_eq(&parse(&(SMALL.to_owned() + "[slo]\n")).unwrap_err().to_string());
    expect![[r#"
        line 28: slo.ttft_ms: 0 cannot stand here
          hint: it must be above 0 and at most 86400000"#]]
    .assert_eq(&parse(&(SMALL.to_owned() + "[slo]\nttft_ms = 0")).unwrap_err().to_string());
}

#[test]
fn what_prices_cannot_be() {
    check(
        &BY_NAME.replace("gpt-4o", "gpt-4p"),
        expect![[r#"
        line 19: prices.api: the price book knows no hosted model `openai/gpt-4p`
          hint: nearest: openai/gpt-4.1, openai/gpt-4o, openai/gpt-5, openai/gpt-5.1; or give a figure of your own"#]],
    );
    check(
        &BY_NAME.replace("\"DE\"", "\"Atlantis\""),
        expect![[r#"
        line 20: prices.region: the price book knows no grid of `Atlantis`
          hint: `edge-eval prices --search TEXT` finds names; a figure of your own goes into the plan or a book of your own"#]],
    );
    check(
        &BY_NAME.replace("\"DE\"", "\"gcp/us-central1\""),
        expect![[r#"
        line 20: prices.region: the price book knows no electricity price of `gcp/us-central1`
          hint: add electricity_usd_per_kwh: the book knows this region's grid only"#]],
    );
    check(
        &(BY_NAME.to_owned() + "\napi_input_usd_per_mtok = 1"),
        expect![[r#"
        line 28: prices.api_input_usd_per_mtok: api names the price, and this gives another
          hint: keep this key, or api"#]],
    );
    check(
        &(BY_NAME.to_owned() + "\npue = 1.1"),
        expect![[r#"
        line 28: prices.pue: operator names the price, and this gives another
          hint: keep this key, or operator"#]],
    );
    check(
        &(BY_NAME.to_owned() + "\nmachine_usd_per_hour = 1"),
        expect![[r#"
        line 28: prices.machine_usd_per_hour: the machine's time has several prices: machine_usd_per_hour, gpu
          hint: keep one of them"#]],
    );
    check(
        &BY_NAME.replace("gpu_cloud = \"gcp\"", "gpu_cloud = \"nowhere\""),
        expect![[r#"
        line 22: prices.gpu: the price book has no T4 by the hour there
          hint: `edge-eval prices gpus --search T4` lists its offers"#]],
    );
    check(
        &BY_NAME.replace("gpu_cloud = \"gcp\"\n", ""),
        expect![[r#"
        line 22: prices.gpu: several clouds rent out T4
          hint: add gpu_cloud, one of: AWS, Azure, Dataoorts, GCP"#]],
    );
    check(
        &BY_NAME.replace("gpu = \"T4\"\n", ""),
        expect![[r#"
        line 22: prices.gpu_cloud: means nothing without gpu
          hint: add gpu, or remove this key
        line 23: prices.gpus: means nothing without gpu
          hint: add gpu, or remove this key"#]],
    );
    check(
        &(BY_NAME.to_owned() + "\nlife_years = 3"),
        expect![[r#"
        line 28: prices.life_years: means nothing without machine_price_usd
          hint: add machine_price_usd, or remove this key"#]],
    );
    check(
        &(BY_NAME.to_owned() + "\nlitellm = \"x.json\""),
        expect![[r#"
        line 28: prices.litellm: nothing says of which day the list is
          hint: add litellm_date"#]],
    );
    check(
        &(BY_NAME.to_owned() + "\nbook = \"/nonexistent/book.toml\""),
        expect![[r#"
        line 28: prices.book: /nonexistent/book.toml cannot be read: No such file or directory (os error 2)
          hint: name a price book (TOML), or LiteLLM's list as litellm"#]],
    );
    check(
        &BY_NAME.replace("utilisation = 0.4", "utilisation = 40"),
        expect![[r#"
        line 27: prices.utilisation: 40 cannot stand here
          hint: it must be above 0 and at most 1"#]],
    );
    check(
        &BY_NAME.replace("200_000", "-1"),
        expect![[r#"
        line 26: prices.requests_per_month: -1 cannot stand here
          hint: it must be from 0 to 9223372036854775807"#]],
    );
}
