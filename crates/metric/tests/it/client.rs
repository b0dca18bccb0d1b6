//! Client-bound cells: what was asked of the load client beside what it is proven for.

use std::path::Path;

use metric::{client_bound, prefix_cached};
use record::{ClientCertificate, ClientLevel, Detail, Machine, OpenLevel, SCHEMA, Seen, Spread};
use units::{Reading, Seconds};

use crate::records::{campaign, edit};

/// Proven for so many streams and events a second; the level's mean TTFT error is as given.
fn certificate(streams: u32, events_per_s: f64, ttft_error: f64) -> ClientCertificate {
    let spread = |mean: f64| Spread { mean: Seconds(mean), p99: Seconds(mean), max: Seconds(mean) };
    let seen = Seen {
        requests: 10,
        unmatched: 0,
        true_ttft: Seconds(0.05),
        ttft: Seconds(0.05 + ttft_error),
        ttft_from_sent: Seconds(0.05),
        ttft_error: spread(ttft_error),
        ttft_from_sent_error: spread(0.0),
        true_itl: Seconds(0.01),
        itl: Seconds(0.01),
        itl_error: spread(0.0),
        lateness: spread(0.0),
        server_lateness: spread(0.0),
        events_per_s,
        cpu_per_event: Reading::missing("not measured"),
    };
    ClientCertificate {
        schema: SCHEMA.into(),
        machine: Machine::fingerprint_at(Path::new("/nowhere"), 2, "0.1.0"),
        made_wall_ns: 1,
        quick: true,
        server_threads: 2,
        levels: vec![ClientLevel { streams, tries: 1, seen: Reading::Known(seen) }],
        open: OpenLevel { rate_per_s: 1.0, seen: Reading::missing("not run") },
        ceiling: Reading::missing("not run"),
    }
}

#[test]
fn a_cell_within_the_certificate_is_not_client_bound() {
    let campaign = campaign();
    // 24 events between 100 ms and 950 ms are 28 a second, at one stream.
    assert!(campaign.views().all(|view| client_bound(&view, &certificate(1, 29.0, 1e-4)).is_none()));
}

#[test]
fn more_streams_or_events_than_are_proven_are_told_with_their_numbers() {
    let mut campaign = campaign();
    let bound = |campaign: &metric::Campaign, certificate| client_bound(&campaign.views().next().unwrap(), &certificate);
    let events = bound(&campaign, certificate(1, 20.0, 1e-4)).unwrap();
    assert!(events.contains("client-bound: 28 events/s are beyond the 20"), "{events}");
    edit(&mut campaign.cells[0].serve[1].stage, |record| {
        let Detail::Serve(facts) = &mut record.detail else { panic!("no serving run") };
        facts.concurrency = 8;
    });
    let streams = bound(&campaign, certificate(4, 1e6, 1e-4)).unwrap();
    assert!(streams.contains("client-bound: 8 streams are beyond the 4"), "{streams}");
    let unproven = bound(&campaign, certificate(64, 1e6, 0.005)).unwrap();
    assert!(unproven.contains("not proven on this machine (not truthful at 64 streams: mean TTFT error 5.000 ms"), "{unproven}");
}

#[test]
fn a_cell_without_runs_is_bound_by_nothing() {
    let mut campaign = campaign();
    campaign.cells[0].serve.clear();
    assert_eq!(client_bound(&campaign.views().next().unwrap(), &certificate(1, 1.0, 1.0)), None);
}

#[test]
fn what_is_marked_is_a_metric() {
    assert!(metric::CLIENT_MEASURED.iter().all(|name| metric::find(name).is_some()));
}

#[test]
fn hits_of_a_prefix_cache_above_one_in_a_hundred_are_told() {
    let mut campaign = campaign();
    let mut told = |share| {
        edit(&mut campaign.cells[0].serve[1].stage, |record| {
            let Detail::Serve(facts) = &mut record.detail else { panic!("no serving run") };
            facts.prefix_cache_share = share;
        });
        prefix_cached(&campaign.views().next().unwrap())
    };
    assert_eq!((told(Reading::missing("not told")), told(Reading::Known(0.01))), (None, None));
    assert!(told(Reading::Known(0.25)).unwrap().starts_with("up to 25.0% of a run's prompt tokens came from a prefix cache"));
}
