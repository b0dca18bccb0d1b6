//! Whether the load client is proven for what a cell asked of it: the certificate's word beside the cell's own records. A cell
//! beyond it is *client-bound*: what its figures tell may be the client's limit and not the server's.

use record::{ClientCertificate, Truthful};

use crate::{CellView, runs::Runs};

/// The figures that the client measures with its own clock, or that rest on one of them.
pub const CLIENT_MEASURED: &[&str] = &[
    "e2e_ms",
    "itl_ms",
    "rho_sys",
    "rho_sys_disk",
    "rho_sys_weights",
    "throughput_per_stream_tok_s",
    "throughput_tok_s",
    "tpot_ms",
    "ttft_ms",
    "ttft_sent_ms",
];

/// Why a cell is client-bound, lower case without a final stop; `None` when the client is proven for all of its runs, or none
/// has run.
pub fn client_bound(view: &CellView, certificate: &ClientCertificate) -> Option<String> {
    let runs = Runs::of(view).ok()?;
    let streams = runs.iter().map(|run| run.facts.concurrency).max()?;
    let proven = match certificate.truthful().known() {
        Ok(proven) => *proven,
        Err(why) => return Some(format!("client-bound: the load client is not proven on this machine ({why})")),
    };
    let Truthful { streams: most_streams, events_per_s: most_events, .. } = proven;
    if streams > most_streams {
        return Some(format!(
            "client-bound: {streams} streams are beyond the {most_streams} for which the load client is proven on this machine"
        ));
    }
    let events = runs.iter().filter_map(|run| events_per_s(run.requests)).fold(0.0, f64::max);
    (events > most_events).then(|| {
        format!("client-bound: {events:.0} events/s are beyond the {most_events:.0} for which the load client is proven on this machine")
    })
}

/// Events with text a second, from the first to the last of a run; `None` where there are not two.
fn events_per_s(requests: &[record::Request]) -> Option<f64> {
    let times = || requests.iter().flat_map(|request| &request.content_times);
    let (first, last) = (times().min()?, times().max()?);
    let seconds = last.since(*first).get();
    (seconds > 0.0).then(|| times().count() as f64 / seconds)
}
