//! The keys of scored passes and of the models that rate answers.

use super::{EnginePrice, Source};
use crate::reader::{Field, Place, Section};

/// The `[quality]` section.
pub(crate) struct Quality<'a> {
    pub(crate) passes: Field<'a, u32>,
    pub(crate) temperature: Field<'a, f64>,
    pub(crate) perplexity: Field<'a, bool>,
}

/// The `[judge]` section.
pub(crate) struct Judge<'a> {
    pub(crate) url: Field<'a, String>,
    pub(crate) model: Field<'a, String>,
    pub(crate) api_key_env: Field<'a, String>,
    pub(crate) concurrency: Field<'a, u32>,
    pub(crate) attempts: Field<'a, u32>,
    pub(crate) timeout_s: Field<'a, f64>,
    pub(crate) price: Option<EnginePrice<'a>>,
}

/// The `[nli]` section.
pub(crate) struct Nli<'a> {
    pub(crate) place: Place<'a>,
    pub(crate) source: Source<'a>,
    pub(crate) threads: Field<'a, u32>,
    pub(crate) long: Field<'a, String>,
}

impl<'a> Quality<'a> {
    pub(super) fn read(mut s: Section<'a, '_>) -> Self {
        let quality = Self { passes: s.field("passes"), temperature: s.field("temperature"), perplexity: s.field("perplexity") };
        s.finish();
        quality
    }
}

impl<'a> Judge<'a> {
    pub(super) fn read(mut s: Section<'a, '_>) -> Self {
        let judge = Self {
            url: s.field("url"),
            model: s.field("model"),
            api_key_env: s.field("api_key_env"),
            concurrency: s.field("concurrency"),
            attempts: s.field("attempts"),
            timeout_s: s.field("timeout_s"),
            price: s.optional_section("price").map(EnginePrice::read),
        };
        s.finish();
        judge
    }
}

impl<'a> Nli<'a> {
    pub(super) fn read(mut s: Section<'a, '_>) -> Self {
        Self { source: Source::read(&mut s), threads: s.field("threads"), long: s.field("long"), place: s.finish() }
    }
}
