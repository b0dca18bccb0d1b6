//! The meter as meant: its kind, and the file of an external one. Not whether it is there: that is asked of the machine.

use std::path::Path;

use super::{not_empty, written};
use crate::{CsvPower, CsvSpec, CsvTime, Known, MeterSpec, problem::Fault, reader::Field};

/// The kind that reads an external meter's file.
const CSV: &str = "csv";

pub(super) fn meter(w: written::Meter<'_>, base: &Path, known: &Known<'_>) -> Option<MeterSpec> {
    let kinds: Vec<&str> = std::iter::once("auto").chain(known.meters.iter().copied().filter(|&m| m != "auto")).collect();
    let kind = w.kind.one_of("meter", &kinds).or("auto".into());
    let modelled_w_per_core = w.modelled_w_per_core.positive(1_000.0).optional();
    let interval_ms = w.interval_ms.within(10, 60_000).or(100);
    let idle_s = w.idle_s.within(0.0, 3_600.0).or(5.0);
    let file = File { path: w.csv, time_column: w.csv_time_column, time: w.csv_time, power_column: w.csv_power_column, power: w.csv_power };
    let csv = match kind.as_deref() {
        Some(CSV) => file.spec(base).map(Some),
        Some(_) => file.nothing(),
        None => None,
    };
    Some(MeterSpec { kind: kind?, modelled_w_per_core: modelled_w_per_core?, interval_ms: interval_ms?, idle_s: idle_s?, csv: csv? })
}

/// The keys of an external meter's file.
struct File<'a> {
    path: Field<'a, std::path::PathBuf>,
    time_column: Field<'a, String>,
    time: Field<'a, String>,
    power_column: Field<'a, String>,
    power: Field<'a, String>,
}

impl File<'_> {
    fn spec(self, base: &Path) -> Option<CsvSpec> {
        let path = self.path.required();
        let time_column = self.time_column.check(not_empty).or("time".into());
        let power_column = self.power_column.check(not_empty).or("power_w".into());
        let times: Vec<&str> = CsvTime::ALL.iter().map(|time| time.name()).collect();
        let time = self.time.one_of("form of time", &times).or(CsvTime::UnixS.name().into());
        let units: Vec<&str> = CsvPower::ALL.iter().map(|unit| unit.name()).collect();
        let power = self.power.one_of("unit of power", &units).or(CsvPower::W.name().into());
        Some(CsvSpec {
            path: base.join(path?),
            time_column: time_column?,
            time: CsvTime::ALL.iter().find(|t| time.as_deref() == Some(t.name())).copied()?,
            power_column: power_column?,
            power: CsvPower::ALL.iter().find(|p| power.as_deref() == Some(p.name())).copied()?,
        })
    }

    /// Reports every key of a file that no meter reads.
    #[expect(clippy::option_option, reason = "as for other fields: no file is meant, or something was wrong")]
    fn nothing(self) -> Option<Option<CsvSpec>> {
        let words = [self.time_column, self.time, self.power_column, self.power];
        let mut written: Vec<_> = words.iter().filter(|field| field.is_written()).map(|field| &field.place).collect();
        if self.path.is_written() {
            written.push(&self.path.place);
        }
        for place in &written {
            place.report(Fault::Conflict {
                message: format!("means nothing without kind = \"{CSV}\""),
                mend: format!("write kind = \"{CSV}\", or leave it out"),
            });
        }
        written.is_empty().then_some(None)
    }
}
