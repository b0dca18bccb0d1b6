//! Engines as meant: their common keys; their own are left to them.

use std::path::Path;

use super::{command, label, not_empty, strategies, written};
use crate::{
    AdapterUse, CommandSpec, Compress, EnginePrice, EngineSpec, Known,
    reader::{Choice, Place},
};

/// The word for what this program does itself.
const BUILTIN: &str = "builtin";
/// The word for what an engine does as it loads.
const BY_ENGINE: &str = "engine";

/// One engine. `default` compresses for those that say nothing of it.
pub(super) fn engine<'a>(
    w: written::Engine<'a>,
    base: &Path,
    known: &Known<'_>,
    default: Option<&CommandSpec>,
) -> (Place<'a>, Option<EngineSpec>) {
    let name = w.name.check(label).optional();
    let kind = w.kind.one_of("engine", &known.engines).required();
    let strategies = match w.strategies {
        Some(words) => strategies(words).map(Some),
        None => Some(None),
    };
    let compress = compress(w.compress, base, default);
    let adapters: Vec<&str> = AdapterUse::ALL.iter().map(|way| way.name()).collect();
    let adapter = w.adapter.one_of("way to take an adapter", &adapters).or(AdapterUse::default().name().into());
    let adapter = AdapterUse::ALL.iter().find(|way| adapter.as_deref() == Some(way.name())).copied();
    let price = match w.price {
        Some(price) => self::price(price).map(Some),
        None => Some(None),
    };
    let options = w.options;
    let spec = || {
        Some(EngineSpec {
            name: name?,
            kind: kind?,
            strategies: strategies?,
            compress: compress?,
            adapter: adapter?,
            price: price?,
            options: options?,
        })
    };
    (w.place, spec())
}

/// `[compress]`: what stands for all engines; the outer `None` means that it was wrong.
#[expect(clippy::option_option, reason = "this program itself, and reported as wrong, are two things")]
pub(super) fn default_command(w: Option<written::Command<'_>>, base: &Path) -> Option<Option<CommandSpec>> {
    w.map_or(Some(None), |w| command::compress(w, base))
}

#[expect(clippy::option_option, reason = "this program itself, and reported as wrong, are two things")]
fn compress(w: Choice<'_, written::Command<'_>>, base: &Path, default: Option<&CommandSpec>) -> Option<Option<Compress>> {
    match w {
        Choice::Absent => Some(default.cloned().map(Compress::Command)),
        Choice::Word(word) => match word.one_of("way to compress", &[BUILTIN, BY_ENGINE]).good()?.as_str() {
            BY_ENGINE => Some(Some(Compress::Engine)),
            _ => Some(None),
        },
        Choice::Table(table) => command::compress(table, base).map(|command| command.map(Compress::Command)),
        Choice::Bad => None,
    }
}

/// What tokens cost.
pub(super) fn price(w: written::EnginePrice<'_>) -> Option<EnginePrice> {
    let input = w.input_usd_per_mtok.within(0.0, 1e6).required();
    let output = w.output_usd_per_mtok.within(0.0, 1e6).required();
    let source = w.source.check(not_empty).required();
    let date = w.date.required();
    Some(EnginePrice { input_usd_per_mtok: input?, output_usd_per_mtok: output?, source: source?, date: date?.0 })
}
