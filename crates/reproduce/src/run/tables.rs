//! The five tables of a run. Columns are the paper's; where the paper mixes cells by a mean, so does this, and IPW stands there as mean and
//! as the largest value, which is what the paper prints.

use metric::Campaign;
use plan::{Method, Strategy};
use units::Missing;

use super::select::{Models, Values, cell, engines, figure, is_int4, model_name, models, row_name, view};
use crate::{
    aggregate::{Table, largest, mean, quantile},
    document::{Cell, Column},
};

/// All five.
pub(super) fn all(campaign: &Campaign) -> Vec<Table> {
    vec![one(campaign), two(campaign), three(campaign), four(campaign), five(campaign)]
}

fn table(number: u8, title: &'static str, columns: &[(&str, &str, &str)], cells: Vec<Cell>) -> Table {
    let column = |&(name, unit, aggregator): &(&str, &str, &str)| Column {
        column: name.to_owned(),
        unit: unit.to_owned(),
        aggregator: aggregator.to_owned(),
        ways: Vec::new(),
    };
    Table { number, title, columns: columns.iter().map(column).collect(), cells }
}

/// A figure of every cell of a model and engine with such strategies.
fn over(campaign: &Campaign, model: &(String, String), engine: &str, is_wanted: fn(Strategy) -> bool, metric: &str) -> Values {
    let views = campaign.views().filter(|view| {
        let cell = view.cell();
        (&cell.family, &cell.tier) == (&model.0, &model.1) && cell.engine == engine && is_wanted(cell.strategy)
    });
    Values::of(views.map(|view| figure(&view, metric)))
}

/// Every model on every engine, with its row's name.
fn rows(campaign: &Campaign) -> Vec<((String, String), String, String)> {
    let Models(models) = models(campaign);
    let engines = engines(campaign);
    let all = models.into_iter().flat_map(|model| engines.iter().map(move |engine| (model.clone(), engine.clone())).collect::<Vec<_>>());
    all.map(|(model, engine)| (row_name(campaign, &model_name(&model), &engine), model, engine))
        .map(|(name, model, engine)| (model, engine, name))
        .collect()
}

fn one(campaign: &Campaign) -> Table {
    const INT4: &str = "mean over the INT4 cells";
    let columns = [
        ("N_break", "requests", INT4),
        ("IPW", "1/J", INT4),
        ("IPW largest", "1/J", "largest over the INT4 cells"),
        ("rho_sys", "tokens/s/GB", INT4),
        ("Q_ret", "%", "mean over the lora-int4 cells"),
        ("C_tax", "requests", INT4),
    ];
    let mut cells = Vec::new();
    for (model, engine, row) in rows(campaign) {
        for (name, _, aggregator) in columns {
            let (metric, is_wanted): (&str, fn(Strategy) -> bool) = match name {
                "N_break" => ("n_break", is_int4),
                "rho_sys" => ("rho_sys", is_int4),
                "Q_ret" => ("q_ret", |strategy| strategy == Strategy::LoraInt4),
                "C_tax" => ("c_tax", is_int4),
                _ => ("ipw", is_int4),
            };
            let make = if name == "IPW largest" { largest } else { mean };
            cells.push(over(campaign, &model, &engine, is_wanted, metric).cell(&row, name, aggregator, make));
        }
    }
    table(1, "Lifecycle efficiency in INT4", &columns, cells)
}

fn two(campaign: &Campaign) -> Table {
    let columns = [
        ("Energy kWh", "kWh", "mean over the tasks of the adaptation"),
        ("Low kWh", "kWh", "first quartile over the tasks of the adaptation"),
        ("High kWh", "kWh", "third quartile over the tasks of the adaptation"),
        ("Ratio", "×", "of the means"),
    ];
    let Models(models) = models(campaign);
    let mut cells = Vec::new();
    for model in &models {
        let lora = trained(campaign, model, Method::Lora);
        for (method, name) in [(Method::Lora, "LoRA"), (Method::Qlora, "QLoRA")] {
            let row = format!("{} {name}", model_name(model));
            let energies = trained(campaign, model, method);
            let makes: [fn(&[f64]) -> f64; 3] = [mean, |values| quantile(values, 0.25), |values| quantile(values, 0.75)];
            for ((column, _, aggregator), make) in columns.iter().zip(makes) {
                cells.push(energies.cell(&row, column, aggregator, make));
            }
            let ratio = || Ok(energies.made(mean)? / lora.made(mean)?);
            cells.push(cell(&row, "Ratio", "of the means", ratio()));
        }
    }
    table(2, "Energy of adaptation", &columns, cells)
}

/// Energy of a model's adaptations by one method, task by task, in kWh.
fn trained(campaign: &Campaign, model: &(String, String), method: Method) -> Values {
    let of = |task: &str| {
        let view = view(campaign, model, task, None, |strategy| strategy.method() == method);
        let view = view.ok_or_else(|| Missing::because("the plan has no such adaptation"))?;
        Ok(figure(&view, "train_energy_j")? / 3.6e6)
    };
    Values::of(campaign.plan.tasks.iter().map(|task| of(&task.name)))
}

fn three(campaign: &Campaign) -> Table {
    const ROWS: &str = "mean over the cells of the precision";
    let columns =
        [("Throughput", "tokens/s", ROWS), ("Speedup", "×", "of the means"), ("Energy/req", "J", ROWS), ("Savings", "%", "of the means")];
    let mut cells = Vec::new();
    for (model, engine, name) in rows(campaign) {
        let of = |is_wanted: fn(Strategy) -> bool, metric: &str| over(campaign, &model, &engine, is_wanted, metric);
        let is_full: fn(Strategy) -> bool = |strategy| strategy == Strategy::LoraFp16;
        let (full_rate, full_energy) = (of(is_full, "throughput_tok_s"), of(is_full, "energy_per_request_j"));
        for (precision, is_wanted) in [("FP16", is_full), ("INT4", is_int4 as fn(Strategy) -> bool)] {
            let row = format!("{name} {precision}");
            let (rate, energy) = (of(is_wanted, "throughput_tok_s"), of(is_wanted, "energy_per_request_j"));
            cells.push(rate.cell(&row, "Throughput", ROWS, mean));
            let speedup = || Ok(rate.made(mean)? / full_rate.made(mean)?);
            cells.push(cell(&row, "Speedup", "of the means", speedup()));
            cells.push(energy.cell(&row, "Energy/req", ROWS, mean));
            if precision == "INT4" {
                let savings = || Ok(100.0 * (1.0 - energy.made(mean)? / full_energy.made(mean)?));
                cells.push(cell(&row, "Savings", "of the means", savings()));
            }
        }
    }
    table(3, "Serving in INT4 beside FP16", &columns, cells)
}

fn four(campaign: &Campaign) -> Table {
    const SIZES: &str = "mean over the tiers";
    const SPREADS: &str = "mean over the tiers of the standard deviation over passes";
    let columns = [
        ("FP16", "score", SIZES),
        ("FP16 std", "score", SPREADS),
        ("INT4", "score", SIZES),
        ("INT4 std", "score", SPREADS),
        ("Retention", "%", "of the means"),
        ("STD change", "%", "of the means"),
    ];
    let Models(models) = models(campaign);
    let mut families: Vec<&str> = models.iter().map(|(family, _)| family.as_str()).collect();
    families.dedup();
    let mut cells = Vec::new();
    for family in families {
        for (task, engine) in campaign.plan.tasks.iter().flat_map(|task| engines(campaign).into_iter().map(move |engine| (task, engine))) {
            let row = row_name(campaign, &format!("{family} {}", task.name), &engine);
            let of = |strategy: Strategy, metric: &str| {
                let tiers = models.iter().filter(|(of, _)| of == family);
                Values::of(tiers.map(|model| of_strategy(campaign, (model, &task.name, &engine), strategy, metric)))
            };
            let (full, quantised) = (of(Strategy::LoraFp16, "score"), of(Strategy::LoraInt4, "score"));
            let (full_sd, quantised_sd) = (of(Strategy::LoraFp16, "score_sd"), of(Strategy::LoraInt4, "score_sd"));
            cells.push(full.cell(&row, "FP16", SIZES, mean));
            cells.push(full_sd.cell(&row, "FP16 std", SPREADS, mean));
            cells.push(quantised.cell(&row, "INT4", SIZES, mean));
            cells.push(quantised_sd.cell(&row, "INT4 std", SPREADS, mean));
            let retention = || Ok(100.0 * quantised.made(mean)? / full.made(mean)?);
            cells.push(cell(&row, "Retention", "of the means", retention()));
            let change = || Ok(100.0 * (quantised_sd.made(mean)? / full_sd.made(mean)? - 1.0));
            cells.push(cell(&row, "STD change", "of the means", change()));
        }
    }
    table(4, "Fidelity in INT4 by task", &columns, cells)
}

fn five(campaign: &Campaign) -> Table {
    let columns = [
        ("FP16", "score", "mean over the items of lora-fp16"),
        ("FP16 std", "score", "standard deviation over passes"),
        ("INT4", "score", "mean over the items of lora-int4"),
        ("INT4 std", "score", "standard deviation over passes"),
        ("Change", "%", "Q_ret less 100, on the same items"),
    ];
    let mut cells = Vec::new();
    for task in &campaign.plan.tasks {
        for (model, engine, name) in rows(campaign) {
            let row = format!("{} {name}", task.name);
            let of = |strategy, metric| of_strategy(campaign, (&model, &task.name, &engine), strategy, metric);
            cells.push(cell(&row, "FP16", columns[0].2, of(Strategy::LoraFp16, "score")));
            cells.push(cell(&row, "FP16 std", columns[1].2, of(Strategy::LoraFp16, "score_sd")));
            cells.push(cell(&row, "INT4", columns[2].2, of(Strategy::LoraInt4, "score")));
            cells.push(cell(&row, "INT4 std", columns[3].2, of(Strategy::LoraInt4, "score_sd")));
            let quantised = view(campaign, &model, &task.name, Some(&engine), |strategy| strategy == Strategy::LoraInt4);
            let change =
                quantised.ok_or_else(|| Missing::because("the plan has no lora-int4 cell")).and_then(|view| figure(&view, "q_ret"));
            cells.push(cell(&row, "Change", columns[4].2, change.map(|retained| retained - 100.0)));
        }
    }
    table(5, "Scores in INT4 beside FP16", &columns, cells)
}

/// A figure of the cell of a strategy.
fn of_strategy(
    campaign: &Campaign,
    (model, task, engine): (&(String, String), &str, &str),
    strategy: Strategy,
    metric: &str,
) -> Result<f64, Missing> {
    let view = view(campaign, model, task, Some(engine), |other| other == strategy);
    figure(&view.ok_or_else(|| Missing::because(format!("the plan has no {} cell", strategy.name())))?, metric)
}
