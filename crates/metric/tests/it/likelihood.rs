//! Perplexity and the distance from full precision as figures of cells.

use metric::{Campaign, Figure, find};
use plan::{AdapterUse, Compress, ModelSource};
use record::Detail;
use units::Reading;

use crate::records::{campaign, edit};

fn figure(campaign: &Campaign, cell: usize, name: &str) -> Figure {
    find(name).unwrap().of(&campaign.views().nth(cell).unwrap())
}

fn value(campaign: &Campaign, cell: usize, name: &str) -> f64 {
    figure(campaign, cell, name).estimate.unwrap().value
}

fn missing(campaign: &Campaign, cell: usize, name: &str) -> String {
    figure(campaign, cell, name).estimate.unwrap_err().to_string()
}

#[test]
fn figures_worked_out_on_paper() {
    // Over four tokens: 2 nats in full precision, 3 quantised, 0.4 apart; the same likeliest token at 2; squares of 0.04 in all.
    let campaign = campaign();
    for (cell, name, want) in [
        (1, "perplexity", 0.5_f64.exp()),
        (2, "perplexity", 0.75_f64.exp()),
        (2, "kl_divergence", 0.1),
        (2, "top1_agreement", 50.0),
        (2, "rms_delta_p", 10.0),
        (3, "kl_divergence", 0.1),
    ] {
        let got = value(&campaign, cell, name);
        assert!((got - want).abs() < 1e-12, "{name} of cell {cell}: {got} is not {want}");
    }
    assert_eq!(figure(&campaign, 2, "kl_divergence").estimate.unwrap().n, 2);
    let notes = figure(&campaign, 2, "perplexity").notes;
    assert_eq!(notes[0], "over the 4 tokens of the reference answers");
    assert!(notes[1].starts_with("1.2840 (1.2840 to 1.2840) times that in full precision"), "{notes:?}");
    assert_eq!(figure(&campaign, 2, "kl_divergence").notes, ["the largest of a token is 0.300 nats"]);
    assert!(figure(&campaign, 3, "top1_agreement").notes[0].starts_with("cross-method"));
}

#[test]
fn what_cannot_be_known_says_why() {
    let mut all = campaign();
    for name in ["kl_divergence", "top1_agreement", "rms_delta_p"] {
        assert_eq!(missing(&all, 1, name), "in full precision: this is what quantised variants are compared with");
    }
    edit(&mut all.cells[2].perplexity, |record| {
        let Detail::Perplexity(facts) = &mut record.detail else { panic!("no perplexity") };
        let Reading::Known(items) = &mut facts.items else { panic!("no items") };
        let Reading::Known(seen) = &mut items[0].seen else { panic!("no sums") };
        seen.beside = None;
    });
    assert!(missing(&all, 2, "kl_divergence").contains("makes no LoRA weights in full precision"));
    assert!(value(&all, 2, "perplexity") > 1.0);
    edit(&mut all.cells[3].perplexity, |record| {
        let Detail::Perplexity(facts) = &mut record.detail else { panic!("no perplexity") };
        facts.items = Reading::missing("unsupported architecture gpt2");
    });
    assert_eq!(missing(&all, 3, "perplexity"), "unsupported architecture gpt2");
    all.cells[3].perplexity = metric::Stage::NotRun;
    assert_eq!(missing(&all, 3, "perplexity"), "the evaluation of the reference answers has not run yet");
}

#[test]
fn what_the_plan_does_not_read_says_why() {
    let reason = |change: &dyn Fn(&mut Campaign), cell| {
        let mut all = campaign();
        change(&mut all);
        missing(&all, cell, "perplexity")
    };
    assert!(reason(&|all| all.plan.quality.perplexity = false, 1).contains("quality.perplexity = false"));
    assert!(reason(&|all| all.plan.engines[0].compress = Some(Compress::Engine), 2).starts_with("the engine quantises as it loads"));
    assert!(reason(&|all| all.plan.engines[0].adapter = AdapterUse::Apart, 1).starts_with("its adapter is served apart"));
    let packed = |all: &mut Campaign| drop(all.plan.engines[0].options.insert("quantisation".into(), "compressed-tensors".into()));
    assert!(reason(&packed, 2).contains("compressed-tensors"));
    assert!(reason(&|all| all.plan.models[0].source = ModelSource::Random("config".into()), 1).starts_with("random weights"));
}
