//! The page in a real browser: headless Chromium, driven over `ChromeDriver`'s HTTP. Where there is none, the tests say so and end.

mod driver;

use std::collections::BTreeMap;

use econ::{BreakEven, BreakEvenRange, Costs, Input, Inputs, Range, Reserved, Site, Tariff, month};
use metric::economics::Observed;
use serde_json::{Value, json};
use units::{Joules, Reading, Seconds};

use self::driver::Browser;
use crate::{made::HOSTILE, page::small};

/// A page in a file, and a browser that shows it at this width.
///
/// # Errors
/// There is no browser; in a word for who reads the tests' output.
fn shown(width: u32, height: u32) -> Result<(Browser, tempfile::TempDir), String> {
    let browser = Browser::open(width, height)?;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.html");
    std::fs::write(&path, small()).unwrap();
    browser.go(&format!("file://{}", path.display()));
    Ok((browser, folder))
}

/// What no page of ours may do, at whatever width.
fn nothing_went_wrong(browser: &Browser) {
    assert_eq!(browser.run("return window.hacked === undefined", &json!([])), true, "a text was run");
    let errors: Vec<Value> =
        browser.log("browser").into_iter().filter(|entry| entry["level"] != "INFO" && entry["level"] != "DEBUG").collect();
    assert!(errors.is_empty(), "the console says {errors:?}");
    let asked = browser.requests();
    let outside = asked.iter().filter(|url| !["file:", "data:", "blob:"].iter().any(|inside| url.starts_with(inside)));
    assert_eq!(outside.count(), 0, "requests left the page: {asked:?}");
    assert!(asked.iter().filter(|url| url.starts_with("file:")).count() <= 1, "it is one file: {asked:?}");
}

#[test]
fn a_page_can_be_used_at_desktop_width() {
    let Ok((browser, _folder)) = shown(1400, 1000).inspect_err(|why| println!("{why}")) else { return };
    let text = |selector: &str| {
        browser.run("return document.querySelector(arguments[0]).textContent", &json!([selector])).as_str().unwrap().to_owned()
    };
    assert!(text("h1").contains("worth running yourself"));

    // A slider by the keyboard.
    let cell = "#what-if-table tbody tr:last-child td:nth-child(8)";
    let (before, planned) = (text(cell), text("#what-if-said"));
    assert_eq!(planned, "As planned.");
    browser.keys("#what-if-requests_per_month", &"\u{E014}".repeat(40));
    assert!(text("#what-if-said").contains("requests_per_month"));
    assert_ne!(text(cell), before, "the month's cost follows the traffic");
    browser.click("#what-if-reset");
    assert_eq!((text(cell), text("#what-if-said")), (before, planned));

    // A table by one of its heads, there and back.
    let column = "return [...document.querySelectorAll('#figures table.sortable')[0].querySelectorAll('tbody tr')].map(row => row.cells[6].dataset.value).filter(Boolean).map(Number)";
    browser.click("#figures table.sortable th:nth-child(7) button");
    let rising: Vec<f64> = serde_json::from_value(browser.run(column, &json!([]))).unwrap();
    assert!(rising.len() >= 20 && rising.is_sorted(), "{rising:?}");
    browser.click("#figures table.sortable th:nth-child(7) button");
    let falling: Vec<f64> = serde_json::from_value(browser.run(column, &json!([]))).unwrap();
    assert!(falling.iter().rev().is_sorted());

    browser.keys("#figures input[type=search]", "rag int4");
    let shown = "return [...document.querySelectorAll('#figures table.sortable')[0].querySelectorAll('tbody tr')].filter(row => !row.hidden).map(row => row.textContent)";
    let rows: Vec<String> = serde_json::from_value(browser.run(shown, &json!([]))).unwrap();
    assert!(!rows.is_empty() && rows.iter().all(|row| row.contains("rag") && row.contains("int4")));

    // The drill-down shows what a model answered, as text.
    browser.run("document.querySelector('details.cell').open = true", &json!([]));
    browser.wait("return !!document.querySelector('details.cell .inside')");
    browser.run("document.querySelectorAll('details.cell details').forEach(box => { box.open = true })", &json!([]));
    browser.wait("return document.querySelectorAll('details.cell .inside details details').length > 0");
    browser.run("document.querySelectorAll('details.cell details details').forEach(box => { box.open = true })", &json!([]));
    browser.wait("return document.querySelectorAll('details.cell .js-plotly-plot').length > 0");
    let inside = text("details.cell .inside");
    assert!(inside.contains(HOSTILE), "an answer and a command hold it");

    browser.run("window.edgeEval.drawAll()", &json!([]));
    let drawn = browser.run(
        "return [...document.querySelectorAll('.plot[data-chart]')].filter(plot => !plot.querySelector('svg.main-svg')).length",
        &json!([]),
    );
    assert_eq!(drawn, 0, "every chart is drawn");
    nothing_went_wrong(&browser);
}

#[test]
fn a_page_fits_a_phone() {
    let Ok((browser, _folder)) = shown(390, 844).inspect_err(|why| println!("{why}")) else { return };
    browser.run("window.edgeEval.drawAll()", &json!([]));
    let overflow = browser.run("return document.documentElement.scrollWidth - window.innerWidth", &json!([]));
    assert!(overflow.as_i64().unwrap() <= 0, "the page is {overflow} px wider than the phone");
    let small = "return [...document.querySelectorAll('body *')].filter(e => e.children.length === 0 && e.textContent.trim() && !e.closest('svg, script, style') \
                 && e.getClientRects().length && parseFloat(getComputedStyle(e).fontSize) < 10).map(e => e.textContent.slice(0, 40)).slice(0, 5)";
    assert_eq!(browser.run(small, &json!([])), json!([]), "text that is too small to read");
    nothing_went_wrong(&browser);
}

#[test]
fn headings_names_and_contrast_are_in_order() {
    let Ok((browser, _folder)) = shown(1400, 1000).inspect_err(|why| println!("{why}")) else { return };
    for scheme in ["light", "dark"] {
        browser.scheme(scheme);
        // Contrast of WCAG 2.2, AA: 4.5 for text of any size that is not hidden.
        let poor = browser.run(include_str!("browser/contrast.js"), &json!([]));
        assert_eq!(poor, json!([]), "{scheme}: poor contrast");
    }
    let levels: Vec<u32> = serde_json::from_value(
        browser.run("return [...document.querySelectorAll('h1, h2, h3')].map(h => Number(h.tagName[1]))", &json!([])),
    )
    .unwrap();
    assert!(levels[0] == 1 && levels.windows(2).all(|pair| pair[1] <= pair[0] + 1), "no level of headings is left out: {levels:?}");
    let nameless = "return [...document.querySelectorAll('button, input, select, [role=img], [role=region]')].filter(e => \
                    !(e.getAttribute('aria-label') || e.textContent.trim() || (e.labels && e.labels.length) || e.title)).map(e => e.outerHTML.slice(0, 80))";
    assert_eq!(browser.run(nameless, &json!([])), json!([]), "controls and pictures have names");
    nothing_went_wrong(&browser);
}

/// Prices over a grid, and a variant of which everything is observed.
fn prices() -> Vec<BTreeMap<&'static str, f64>> {
    let mut all = Vec::new();
    for rate in [0.0, 0.35, 4.0] {
        for electricity in [0.0, 0.12, 0.9] {
            for (input, output) in [(0.05, 0.2), (2.5, 10.0), (30.0, 120.0)] {
                for (utilisation, requests) in [(0.05, 500.0), (0.6, 2e5), (1.0, 3e8)] {
                    for apart in [0.0, 1.0] {
                        all.push(BTreeMap::from([
                            ("machine_usd_per_hour", rate),
                            ("electricity_usd_per_kwh", electricity),
                            ("api_input_usd_per_mtok", input),
                            ("api_output_usd_per_mtok", output),
                            ("utilisation", utilisation),
                            ("requests_per_month", requests),
                            ("energy_is_apart", apart),
                            ("pue", 1.0 + utilisation),
                            ("setup_usd", 10.0 * rate),
                            ("grid_gco2e_per_kwh", 400.0 * utilisation),
                        ]));
                    }
                }
            }
        }
    }
    all
}

fn seen() -> Observed {
    let range = |value: f64, by: f64| Range::new(value, value * (1.0 - by), value * (1.0 + by)).unwrap();
    Observed {
        train_energy_j: 5.3e5,
        train_time_s: 1900.0,
        energy_per_request_j: range(210.0, 0.1),
        machine_time_per_request_s: range(1.2, 0.05),
        input_tokens: range(317.5, 0.02),
        output_tokens: range(150.0, 0.0),
        requests_per_hour: range(3000.0, 0.05),
        idle_w: Reading::Known(range(60.0, 0.1)),
    }
}

#[test]
fn the_pages_formulas_give_what_the_programs_give() {
    let Ok((browser, _folder)) = shown(1000, 800).inspect_err(|why| println!("{why}")) else { return };
    let (grid, seen) = (prices(), seen());
    let script = "const [grid, seen] = arguments; return grid.map(at => window.edgeEval.priced({ ...at, energy_is_apart: at.energy_is_apart === 1 }, seen))";
    let results = browser.run(script, &json!([grid, seen]));
    let results = results.as_array().unwrap();
    assert_eq!(results.len(), grid.len());
    for (at, page) in grid.iter().zip(results) {
        equal(at, &seen, page);
    }
}

/// One point of the grid: the page's results against `econ`'s.
fn equal(at: &BTreeMap<&str, f64>, seen: &Observed, page: &Value) {
    let place = |what: &str| format!("{what} at {at:?}");
    let tariff = Tariff::new(at["electricity_usd_per_kwh"], at["pue"], Some(at["machine_usd_per_hour"])).unwrap();
    let making = tariff.work(Joules(seen.train_energy_j), Seconds(seen.train_time_s)).get() + at["setup_usd"];
    near(&page["making_usd"], making, &place("making"));
    let ends = |of: &dyn Fn(fn(&Range) -> f64) -> f64| Range::new(of(Range::value), of(Range::low), of(Range::high)).unwrap();
    let infer = ends(&|end| {
        econ::usage_cost(&tariff, Joules(end(&seen.energy_per_request_j)), Seconds(end(&seen.machine_time_per_request_s))).get()
    });
    let api = ends(&|end| {
        (end(&seen.input_tokens) * at["api_input_usd_per_mtok"] + end(&seen.output_tokens) * at["api_output_usd_per_mtok"]) / 1e6
    });
    let fixed = Range::exact(making).unwrap();
    ranged(&page["by_use_usd"], &infer, &place("a request by use"));
    ranged(&page["hosted_usd"], &api, &place("a request at the hosted model"));
    evens(&page["break_even"], &Costs::new(fixed, api, infer).unwrap().break_even(), &place("break-even"));
    even(&page["break_even"]["value"], &inputs(at, seen).break_even(), &place("break-even of all inputs"));

    let site = Site { pue: at["pue"], grid_g_per_kwh: Some(at["grid_gco2e_per_kwh"]) };
    let of_month = month(at["requests_per_month"], api, infer, seen.energy_per_request_j, &site).unwrap();
    ranged(&page["month"]["hosted_usd"], &of_month.api_usd, &place("a month hosted"));
    ranged(&page["month"]["by_use_usd"], &of_month.own_usd, &place("a month by use"));
    ranged(&page["month"]["energy_kwh"], &of_month.energy_kwh, &place("a month's energy"));
    ranged(&page["month"]["carbon_g"], &of_month.carbon_g.unwrap(), &place("a month's carbon"));

    let rate = at["machine_usd_per_hour"];
    if rate <= 0.0 {
        assert!(page["reserved_usd"].is_null() && page["month_reserved"].is_null(), "{}", place("without a rate"));
        return;
    }
    let apart = at["energy_is_apart"] > 0.0;
    let energy_alone = |joules: f64| tariff.energy(Joules(joules)).get();
    let idle_w = seen.idle_w.known().unwrap().value();
    let reserved = Reserved {
        usd_per_hour: rate,
        requests_per_hour: seen.requests_per_hour,
        energy_usd_per_request: if apart { seen.energy_per_request_j.map(energy_alone).unwrap() } else { Range::exact(0.0).unwrap() },
        idle_usd_per_hour: if apart { energy_alone(idle_w * 3600.0) } else { 0.0 },
    };
    let point = reserved.over_utilisation(fixed, api, &[at["utilisation"]]).unwrap().remove(0);
    ranged(&page["reserved_usd"], &point.infer, &place("a request reserved"));
    evens(&page["break_even_reserved"], &point.break_even, &place("break-even reserved"));
    if let Ok(machines) = econ::machines(at["requests_per_month"], seen.requests_per_hour.value(), at["utilisation"]) {
        near(&page["month_reserved"]["machines"], machines as f64, &place("machines"));
        let rent = machines as f64 * econ::HOURS_A_MONTH * rate;
        let busy = at["requests_per_month"] / seen.requests_per_hour.value();
        let idle = energy_alone(idle_w * 3600.0 * (machines as f64 * econ::HOURS_A_MONTH - busy).max(0.0));
        let energy = if apart { idle + energy_alone(seen.energy_per_request_j.value() * at["requests_per_month"]) } else { 0.0 };
        near(&page["month_reserved"]["usd"], rent + energy, &place("a month reserved"));
    }
}

fn inputs(at: &BTreeMap<&str, f64>, seen: &Observed) -> Inputs {
    let exact = |value: f64| Range::exact(value).unwrap();
    let all = BTreeMap::from([
        (Input::TrainEnergy, exact(seen.train_energy_j)),
        (Input::TrainTime, exact(seen.train_time_s)),
        (Input::Setup, exact(at["setup_usd"])),
        (Input::RequestEnergy, seen.energy_per_request_j),
        (Input::RequestTime, seen.machine_time_per_request_s),
        (Input::InputTokens, seen.input_tokens),
        (Input::OutputTokens, seen.output_tokens),
        (Input::ApiInput, exact(at["api_input_usd_per_mtok"])),
        (Input::ApiOutput, exact(at["api_output_usd_per_mtok"])),
        (Input::Electricity, exact(at["electricity_usd_per_kwh"])),
        (Input::Pue, exact(at["pue"])),
        (Input::MachineRate, exact(at["machine_usd_per_hour"])),
    ]);
    Inputs::new(all).unwrap()
}

fn near(page: &Value, program: f64, what: &str) {
    let page = page.as_f64().unwrap_or_else(|| panic!("{what}: the page says {page}"));
    assert!((page - program).abs() <= 1e-11 * program.abs().max(1e-300), "{what}: the page says {page}, the program {program}");
}

fn ranged(page: &Value, program: &Range, what: &str) {
    near(&page["value"], program.value(), what);
    near(&page["low"], program.low(), what);
    near(&page["high"], program.high(), what);
}

fn even(page: &Value, program: &BreakEven, what: &str) {
    match program {
        BreakEven::After { requests } => near(page, *requests, what),
        BreakEven::Never { .. } => assert!(page.is_null(), "{what}: the page says {page}, the program never"),
    }
}

fn evens(page: &Value, program: &BreakEvenRange, what: &str) {
    even(&page["value"], &program.value, what);
    even(&page["earliest"], &program.earliest, what);
    even(&page["latest"], &program.latest, what);
}
