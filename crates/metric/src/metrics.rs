//! The registry of metrics: one file each, in one list sorted by name. Plan checking, `list`, the reference docs and the report's
//! glossary loop over it.

mod c_tax;
mod carbon_per_month_g;
mod carbon_per_request_g;
mod compress_energy_j;
mod cost_per_month_hosted_usd;
mod cost_per_month_reserved_usd;
mod cost_per_month_usd;
mod cost_per_request_hosted_usd;
mod cost_per_request_reserved_usd;
mod cost_per_request_usd;
mod e2e_ms;
mod energy_delay_product;
mod energy_per_request_j;
mod energy_per_request_net_j;
mod energy_per_token_j;
mod energy_per_token_net_j;
mod goodput_per_watt;
mod goodput_rps;
mod goodput_tokens_per_joule;
mod ipw;
mod itl_ms;
mod j_per_right_answer;
mod judge_cost_usd;
mod keep_warm_from_per_hour;
mod kl_divergence;
mod load_energy_j;
mod load_energy_net_j;
mod load_time_s;
mod making_cost_usd;
mod n_break;
mod peak_memory_bytes;
mod perplexity;
mod power_w;
mod q_ret;
mod requests_failed;
mod requests_per_cold_start;
mod rho_sys;
mod rho_sys_disk;
mod rho_sys_weights;
mod rms_delta_p;
mod score;
mod score_base;
mod score_median;
mod score_sd;
mod throughput_per_stream_tok_s;
mod throughput_tok_s;
mod tokens_per_joule;
mod top1_agreement;
mod tpot_ms;
mod train_energy_j;
mod train_energy_net_j;
mod train_peak_memory_bytes;
mod train_time_s;
mod ttft_ms;
mod ttft_sent_ms;
mod usd_per_mtok_output;
mod usd_per_mtok_output_reserved;
mod weights_bytes;

use units::Missing;

use crate::{CellView, Figure, figure::Known};

/// Which direction is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    /// Less of it.
    Lower,
    /// More of it.
    Higher,
}

/// One metric: what it is, and how it follows from a cell's records.
pub struct Metric {
    /// The word that tables, JSON and plans use.
    pub name: &'static str,
    /// Its unit.
    pub unit: &'static str,
    /// Which direction is better.
    pub better: Better,
    /// What it is, as a formula in words.
    pub definition: &'static str,
    /// Where the definition comes from.
    pub source: &'static str,
    pub(crate) compute: fn(&CellView) -> Result<Known, Missing>,
}

impl Metric {
    /// The figure of one cell.
    pub fn of(&self, view: &CellView) -> Figure {
        (self.compute)(view).into()
    }
}

impl std::fmt::Debug for Metric {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Metric").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Every metric, by name.
pub static METRICS: &[&Metric] = &[
    &c_tax::METRIC,
    &carbon_per_month_g::METRIC,
    &carbon_per_request_g::METRIC,
    &compress_energy_j::METRIC,
    &cost_per_month_hosted_usd::METRIC,
    &cost_per_month_reserved_usd::METRIC,
    &cost_per_month_usd::METRIC,
    &cost_per_request_hosted_usd::METRIC,
    &cost_per_request_reserved_usd::METRIC,
    &cost_per_request_usd::METRIC,
    &e2e_ms::METRIC,
    &energy_delay_product::METRIC,
    &energy_per_request_j::METRIC,
    &energy_per_request_net_j::METRIC,
    &energy_per_token_j::METRIC,
    &energy_per_token_net_j::METRIC,
    &goodput_per_watt::METRIC,
    &goodput_rps::METRIC,
    &goodput_tokens_per_joule::METRIC,
    &ipw::METRIC,
    &itl_ms::METRIC,
    &j_per_right_answer::METRIC,
    &judge_cost_usd::METRIC,
    &keep_warm_from_per_hour::METRIC,
    &kl_divergence::METRIC,
    &load_energy_j::METRIC,
    &load_energy_net_j::METRIC,
    &load_time_s::METRIC,
    &making_cost_usd::METRIC,
    &n_break::METRIC,
    &peak_memory_bytes::METRIC,
    &perplexity::METRIC,
    &power_w::METRIC,
    &q_ret::METRIC,
    &requests_failed::METRIC,
    &requests_per_cold_start::METRIC,
    &rho_sys::METRIC,
    &rho_sys_disk::METRIC,
    &rho_sys_weights::METRIC,
    &rms_delta_p::METRIC,
    &score::METRIC,
    &score_base::METRIC,
    &score_median::METRIC,
    &score_sd::METRIC,
    &throughput_per_stream_tok_s::METRIC,
    &throughput_tok_s::METRIC,
    &tokens_per_joule::METRIC,
    &top1_agreement::METRIC,
    &tpot_ms::METRIC,
    &train_energy_j::METRIC,
    &train_energy_net_j::METRIC,
    &train_peak_memory_bytes::METRIC,
    &train_time_s::METRIC,
    &ttft_ms::METRIC,
    &ttft_sent_ms::METRIC,
    &usd_per_mtok_output::METRIC,
    &usd_per_mtok_output_reserved::METRIC,
    &weights_bytes::METRIC,
];

/// Finds a metric by its name.
pub fn find(name: &str) -> Option<&'static Metric> {
    METRICS.iter().find(|metric| metric.name == name).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_registry_is_sorted_and_every_entry_is_told() {
        assert!(METRICS.windows(2).all(|pair| pair[0].name < pair[1].name));
        assert!(METRICS.iter().all(|metric| !metric.unit.is_empty() && !metric.definition.is_empty() && !metric.source.is_empty()));
        assert!(find("ipw").is_some() && find("iq").is_none());
    }
}
