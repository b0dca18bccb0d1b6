//! Every fault that an instrument is known for, injected, and what becomes of the window: a code and no number.
//!
//! Here are those that a window shows. A RAPL counter that cannot be read at all is refused when the meter is opened (`meters/rapl.rs`:
//! `a_counter_that_only_root_may_read_says_so_and_how_to_mend_it`, `a_counter_masked_by_a_container_is_not_zero_joules`), as is a zeusd that
//! does not answer (`meters/zeusd.rs`) and a bad line of an external meter (`meters/csv.rs`: `a_bad_line_is_named`).

use record::{EnergySource, Verdict};
use units::{Nanos, Watts};

use super::tests::{changed, gpu, held, invalid, on_gpu, on_package, package, s, trace, valid};
use crate::{Basis, DeviceReading, Idle, Sight};

/// A reading of a device that does not answer.
fn lost(seconds: f64, reason: &str) -> DeviceReading {
    DeviceReading { fault: Some(reason.to_owned()), ..DeviceReading::at(0, s(seconds)) }
}

fn packages(change: impl FnOnce(&mut Vec<DeviceReading>)) -> Vec<DeviceReading> {
    let mut readings = package();
    change(&mut readings);
    readings
}

#[test]
fn a_counter_that_is_stuck() {
    invalid(&changed(|readings| readings[100].counter_uj = readings[2].counter_uj), "counter_stuck");
    let stuck = packages(|readings| readings.iter_mut().for_each(|reading| reading.counter_uj = Some(5)));
    invalid(&on_package(stuck, 0.0, 4.0), "counter_stuck");
}

#[test]
fn a_counter_that_wraps_is_counted_on() {
    // It wraps at 300 J, ten ticks in.
    valid(&on_package(package(), 0.0, 4.0), 200.0);
}

#[test]
fn a_counter_that_goes_backwards() {
    invalid(&changed(|readings| readings[100].counter_uj = Some(5)), "counter_backwards");
    invalid(&on_package(packages(|readings| readings[5].counter_uj = Some(1)), 0.0, 4.0), "counter_backwards");
    // Before the window it is no fault of the window.
    let before = on_package(packages(|readings| readings[1].counter_uj = Some(1)), 1.0, 4.0);
    assert_eq!(before.verdict, Verdict::Valid);
}

#[test]
fn a_counter_that_disappears_leaves_the_integral() {
    let window = changed(|readings| readings[60..].iter_mut().for_each(|reading| reading.counter_uj = None));
    valid(&window, 2000.0);
    assert_eq!((window.source, window.ticks), (Some(EnergySource::NvmlPower), None));
}

#[test]
fn a_counter_that_disappears_where_there_is_no_integral() {
    let gone = packages(|readings| readings[20..].iter_mut().for_each(|reading| reading.counter_uj = None));
    invalid(&on_package(gone, 0.0, 4.0), "not_spanned");
}

#[test]
fn a_counter_that_disagrees_with_the_integral() {
    let off_by = |microjoules: i64| {
        changed(|readings| readings[100].counter_uj = readings[100].counter_uj.and_then(|counter| counter.checked_add_signed(microjoules)))
    };
    invalid(&off_by(110_000_000), "residual");
    invalid(&off_by(-110_000_000), "residual");
    assert_eq!(off_by(-90_000_000).verdict, Verdict::Valid);
}

#[test]
fn a_gpu_lost_in_the_middle_of_a_window() {
    invalid(&changed(|readings| readings[30] = lost(13.0, "gpu is lost")), "device_lost");
    // Lost for good: nothing is read after it.
    let for_good = |readings: &mut Vec<DeviceReading>| {
        for (tick, reading) in readings.iter_mut().enumerate().skip(30) {
            *reading = lost(10.0 + tick as f64 * 0.1, "gpu is lost");
        }
    };
    invalid(&changed(for_good), "device_lost");
}

#[test]
fn a_rapl_counter_that_becomes_unreadable_in_the_middle_of_a_window() {
    invalid(&on_package(packages(|readings| readings[5] = lost(0.5, "energy_uj: no permission")), 0.0, 4.0), "device_lost");
}

#[test]
fn a_sampler_that_is_starved() {
    invalid(&changed(|readings| drop(readings.drain(50..56))), "sampler_starved");
    invalid(&on_package(package().into_iter().step_by(8).collect(), 0.0, 4.0), "sampler_starved");
}

#[test]
fn samples_that_do_not_span_the_window() {
    invalid(&changed(|readings| drop(readings.drain(..3))), "not_spanned");
    invalid(&changed(|readings| readings.truncate(98)), "not_spanned");
    invalid(&on_package(package(), 0.0, 4.1), "not_spanned");
    invalid(&on_package(Vec::new(), 0.0, 4.0), "not_spanned");
}

#[test]
fn a_window_that_is_too_short_for_a_sensor() {
    invalid(&on_package(package(), 0.0, 1.9), "window_too_short");
    let mut trace = trace(Basis::Gpus);
    trace.devices(gpu());
    invalid(&trace.window("load", s(12.0), s(13.9), &Idle::missing("not asked")), "window_too_short");
}

#[test]
fn a_foreign_process_on_the_gpu() {
    let foreign = changed(|readings| readings[40].sight = Some(Sight { foreign_pids: vec![99], ..held() }));
    invalid(&foreign, "foreign_process");
    assert_eq!(foreign.gpus[0].foreign_pids, [99]);
}

#[test]
fn a_gpu_that_is_partitioned_repeats_the_boards_counter() {
    invalid(&changed(|readings| readings[0].sight = Some(Sight { partitioned: true, ..held() })), "mig");
}

#[test]
fn a_gpu_that_nobody_saw_the_stage_hold() {
    invalid(&changed(|readings| readings.iter_mut().for_each(|reading| reading.sight = None)), "gpu_not_held");
    invalid(&on_gpu(Vec::new()), "gpu_not_held");
}

#[test]
fn processes_that_cannot_be_listed_are_no_empty_list() {
    let unlisted = |sight: Sight| Sight { unlisted: Some("graphics: no permission".to_owned()), ..sight };
    invalid(&changed(|readings| readings[40].sight = Some(unlisted(held()))), "processes_unknown");
    let mut trace = trace(Basis::Gpus);
    let nobody = |reading| DeviceReading { sight: Some(unlisted(Sight::default())), ..reading };
    trace.devices(gpu().into_iter().map(nobody).collect());
    invalid(&trace.window("stage", s(10.0), s(20.0), &Idle::missing("none")), "processes_unknown");
    assert!(trace.idle(s(10.0), s(12.0)).0.known().unwrap_err().0.contains("could not be listed"));
}

#[test]
fn an_external_meter_that_breaks_off() {
    let mut trace = trace(Basis::Machine);
    let reading = |tick: u32| DeviceReading { power: Some(Watts(100.0)), ..DeviceReading::at(0, s(f64::from(tick))) };
    trace.devices((0..=20).map(reading).collect());
    trace.devices(vec![DeviceReading { fault: Some("plug.csv: line 9: …".to_owned()), ..DeviceReading::at(0, Nanos(12_500_000_000)) }]);
    invalid(&trace.window("stage", s(5.0), s(15.0), &Idle::missing("none")), "device_lost");
    valid(&trace.window("stage", s(1.0), s(11.0), &Idle::missing("none")), 1000.0);
}

#[test]
fn a_process_that_is_later_seen_to_be_of_the_stage_was_of_it_from_the_first() {
    let joined = |pid: u32| Sight { foreign_pids: vec![pid], ..held() };
    let also_held = |pid: u32| {
        let mut sight = held();
        sight.stage_pids.push(pid);
        sight
    };
    let window = changed(|readings| {
        readings[40].sight = Some(joined(8));
        readings[50].sight = Some(also_held(8));
    });
    valid(&window, 2000.0);
    assert!(window.gpus[0].foreign_pids.is_empty());
    // One that never is stays foreign.
    invalid(
        &changed(|readings| {
            readings[40].sight = Some(Sight { foreign_pids: vec![8, 99], ..held() });
            readings[50].sight = Some(also_held(8));
        }),
        "foreign_process",
    );
}

#[test]
fn processes_that_cannot_be_seen_spoil_only_gpus_that_the_stage_holds() {
    let unseen = |sight: Sight| Sight { unseen: Some("run as root".to_owned()), ..sight };
    invalid(&changed(|readings| readings[40].sight = Some(unseen(held()))), "processes_unknown");
    let none_held = |readings: &mut Vec<DeviceReading>| {
        for reading in readings.iter_mut().filter(|reading| reading.sight.is_some()) {
            reading.sight = Some(unseen(Sight::default()));
        }
    };
    invalid(&changed(none_held), "gpu_not_held");
}
