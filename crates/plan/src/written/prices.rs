//! The keys of money, carbon and service levels.

use std::path::PathBuf;

use crate::{
    Priced,
    reader::{Field, Place, Section},
    value::{Date, Paths},
};

/// The `[prices]` section.
pub(crate) struct Prices<'a> {
    pub(crate) api: Field<'a, String>,
    pub(crate) api_name: Field<'a, String>,
    pub(crate) api_input_usd_per_mtok: Field<'a, f64>,
    pub(crate) api_output_usd_per_mtok: Field<'a, f64>,
    pub(crate) api_source: Field<'a, String>,
    pub(crate) api_date: Field<'a, Date>,
    pub(crate) book: Field<'a, Paths>,
    pub(crate) litellm: Field<'a, PathBuf>,
    pub(crate) litellm_date: Field<'a, Date>,
    pub(crate) region: Field<'a, String>,
    pub(crate) electricity_usd_per_kwh: Field<'a, f64>,
    pub(crate) operator: Field<'a, String>,
    pub(crate) pue: Field<'a, f64>,
    pub(crate) machine_usd_per_hour: Field<'a, f64>,
    pub(crate) gpu: Field<'a, String>,
    pub(crate) gpu_cloud: Field<'a, String>,
    pub(crate) gpu_spot: Field<'a, bool>,
    pub(crate) gpus: Field<'a, u32>,
    pub(crate) machine_price_usd: Field<'a, f64>,
    pub(crate) life_years: Field<'a, f64>,
    pub(crate) setup_usd: Field<'a, f64>,
    pub(crate) grid_gco2e_per_kwh: Field<'a, f64>,
    pub(crate) requests_per_month: Field<'a, f64>,
    pub(crate) utilisation: Field<'a, f64>,
    pub(crate) cited: Vec<(Priced, Cited<'a>)>,
}

/// Where a figure stands, as written.
pub(crate) struct Cited<'a> {
    pub(crate) name: Field<'a, String>,
    pub(crate) source: Field<'a, String>,
    pub(crate) date: Field<'a, Date>,
    pub(crate) note: Field<'a, String>,
}

/// The `[slo]` section.
pub(crate) struct Slo<'a> {
    pub(crate) place: Place<'a>,
    pub(crate) ttft_ms: Field<'a, f64>,
    pub(crate) tpot_ms: Field<'a, f64>,
    pub(crate) itl_ms: Field<'a, f64>,
    pub(crate) e2e_ms: Field<'a, f64>,
}

impl<'a> Prices<'a> {
    pub(super) fn read(mut s: Section<'a, '_>) -> Self {
        let prices = Self {
            api: s.field("api"),
            api_name: s.field("api_name"),
            api_input_usd_per_mtok: s.field("api_input_usd_per_mtok"),
            api_output_usd_per_mtok: s.field("api_output_usd_per_mtok"),
            api_source: s.field("api_source"),
            api_date: s.field("api_date"),
            book: s.field("book"),
            litellm: s.field("litellm"),
            litellm_date: s.field("litellm_date"),
            region: s.field("region"),
            electricity_usd_per_kwh: s.field("electricity_usd_per_kwh"),
            operator: s.field("operator"),
            pue: s.field("pue"),
            machine_usd_per_hour: s.field("machine_usd_per_hour"),
            gpu: s.field("gpu"),
            gpu_cloud: s.field("gpu_cloud"),
            gpu_spot: s.field("gpu_spot"),
            gpus: s.field("gpus"),
            machine_price_usd: s.field("machine_price_usd"),
            life_years: s.field("life_years"),
            setup_usd: s.field("setup_usd"),
            grid_gco2e_per_kwh: s.field("grid_gco2e_per_kwh"),
            requests_per_month: s.field("requests_per_month"),
            utilisation: s.field("utilisation"),
            cited: s.optional_section("cited").map(citations).unwrap_or_default(),
        };
        s.finish();
        prices
    }
}

fn citations<'a>(mut s: Section<'a, '_>) -> Vec<(Priced, Cited<'a>)> {
    let cited = Priced::ALL.iter().filter_map(|&figure| Some((figure, Cited::read(s.optional_section(figure.name())?)))).collect();
    s.finish();
    cited
}

impl<'a> Cited<'a> {
    fn read(mut s: Section<'a, '_>) -> Self {
        let cited = Self { name: s.field("name"), source: s.field("source"), date: s.field("date"), note: s.field("note") };
        s.finish();
        cited
    }
}

impl<'a> Slo<'a> {
    pub(super) fn read(mut s: Section<'a, '_>) -> Self {
        Self {
            ttft_ms: s.field("ttft_ms"),
            tpot_ms: s.field("tpot_ms"),
            itl_ms: s.field("itl_ms"),
            e2e_ms: s.field("e2e_ms"),
            place: s.finish(),
        }
    }
}
