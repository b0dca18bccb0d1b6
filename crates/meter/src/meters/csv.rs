//! An external meter's file: a wall plug, a PDU, a Joulescope or any logger that writes one line a reading, while stages run or
//! before. It sees the whole machine, and everything on it.
//!
//! The logger's wall time is mapped to the one monotonic clock by their offset when the file is opened; the offset is looked at again at every
//! reading, because it changes only when somebody sets the wall clock, and then nothing after that can be told. Only whole lines are read.
//! A line that is wrong is a fault that names it; the windows around it have no number.

mod line;
mod time;

use std::{
    fs::File,
    io::{BufRead, BufReader, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    time::Duration,
};

use plan::{CsvTime, MeterSpec};
use record::{EnergySource, clock};
use units::{Nanos, Seconds};

use super::MeterKind;
use crate::{Basis, DeviceNature, DeviceReading, Effort, Meter, Nature, Places};
use line::Columns;

/// The registry's entry.
pub(super) static CSV: MeterKind = MeterKind {
    name: "csv",
    about: "an external meter's file (wall plug, PDU, logger): the whole machine, at the meter's own pace",
    probe,
    open,
};

/// Longest line that is read.
const LONGEST_LINE: u64 = 64 * 1024;

/// Most bytes taken in one reading, so that a sampler is not held up by a large file.
const MOST_AT_ONCE: u64 = 4 << 20;

/// How far before the opening readings are kept: windows begin later.
const KEPT: Seconds = Seconds(60.0);

/// How much the wall clock may move against the monotonic one: more than the two readings of it differ by, less than any setting of it.
const MOST_STEP_NS: u64 = 5_000_000;

/// How far ahead of us a logger's clock may be.
const MOST_AHEAD: Seconds = Seconds(1.0);

/// How long a last reading is waited for.
const LAST_PATIENCE: Seconds = Seconds(5.0);

/// Pause between two looks at the file while waiting.
const PAUSE: Duration = Duration::from_millis(50);

/// The clocks and the pause, so that a test can stand in for them.
#[derive(Clone, Copy)]
struct Clocks {
    now: fn() -> Nanos,
    wall: fn() -> Nanos,
    pause: fn(Duration),
}

struct Csv {
    path: PathBuf,
    file: BufReader<File>,
    /// Bytes and lines read so far.
    offset: u64,
    lines: u64,
    columns: Columns,
    time: CsvTime,
    clocks: Clocks,
    /// Wall time less monotonic time, when it was opened.
    ahead_ns: i128,
    opened: Nanos,
    last: Option<Nanos>,
    /// Why nothing more can be told.
    broken: Option<String>,
}

#[expect(clippy::unnecessary_wraps, reason = "the registry's signature: other meters may not be there")]
fn probe(_places: &Places) -> Result<String, String> {
    Ok("wherever the plan names its file (kind = \"csv\")".to_owned())
}

fn open(spec: &MeterSpec, _places: &Places) -> Result<Box<dyn Meter>, String> {
    let system = Clocks { now: clock::now, wall: clock::wall, pause: std::thread::sleep };
    Ok(Box::new(Csv::open(spec, system)?))
}

/// Wall time less monotonic time: the wall clock is read between two readings of the other.
fn ahead(clocks: Clocks) -> i128 {
    let (before, wall, after) = ((clocks.now)(), (clocks.wall)(), (clocks.now)());
    i128::from(wall.get()) - i128::from(before.get().midpoint(after.get()))
}

impl Csv {
    fn open(spec: &MeterSpec, clocks: Clocks) -> Result<Self, String> {
        let spec = spec.csv.as_ref().ok_or("the plan names no file: write csv = \"…\"")?;
        let at = spec.path.display();
        // To open a pipe would wait for its writer, and its lines cannot be read twice.
        if spec.path.metadata().is_ok_and(|found| !found.is_file()) {
            return Err(format!("{at}: it is no file: let the logger write into one"));
        }
        let file = File::open(&spec.path).map_err(|error| format!("{at}: {}", error.to_string().to_lowercase()))?;
        let mut file = BufReader::new(file);
        let head = next_line(&mut file).map_err(|reason| format!("{at} line 1: {reason}"))?;
        let head = head.ok_or_else(|| format!("{at}: its first line, with the names of the columns, is not there yet"))?;
        let columns = Columns::find(&head, spec).map_err(|reason| format!("{at} line 1: {reason}"))?;
        let (offset, opened) = (head.len() as u64 + 1, (clocks.now)());
        let (time, path) = (spec.time, spec.path.clone());
        Ok(Self { path, file, offset, lines: 1, columns, time, clocks, ahead_ns: ahead(clocks), opened, last: None, broken: None })
    }

    /// The readings that have come since the last look.
    fn news(&mut self) -> Vec<DeviceReading> {
        let mut readings = Vec::new();
        if self.broken.is_none() {
            match self.take(&mut readings) {
                Ok(()) => self.broken = self.stepped(),
                Err(reason) => self.broken = Some(format!("{}: {reason}", self.path.display())),
            }
        }
        if let Some(reason) = &self.broken {
            readings.push(DeviceReading { fault: Some(reason.clone()), ..DeviceReading::at(0, (self.clocks.now)()) });
        }
        readings
    }

    fn take(&mut self, readings: &mut Vec<DeviceReading>) -> Result<(), String> {
        let length = self.file.get_ref().metadata().map_err(|error| error.to_string())?.len();
        if length < self.offset {
            return Err("it was cut short while metering".to_owned());
        }
        let until = self.offset.saturating_add(MOST_AT_ONCE);
        while self.offset < until {
            let Some(text) = next_line(&mut self.file).map_err(|reason| format!("line {}: {reason}", self.lines + 1))? else {
                // Half a line, or none: it is read again when it is whole.
                self.file.seek(SeekFrom::Start(self.offset)).map_err(|error| error.to_string())?;
                break;
            };
            self.offset += text.len() as u64 + 1;
            self.lines += 1;
            if !text.trim().is_empty() {
                let reading = self.reading(&text).map_err(|reason| format!("line {}: {reason}", self.lines))?;
                readings.extend(reading);
            }
        }
        Ok(())
    }

    /// One line's reading; `None` where it is too old to matter.
    fn reading(&mut self, text: &str) -> Result<Option<DeviceReading>, String> {
        let (time, power) = self.columns.read(text)?;
        let told_ns = time::nanoseconds(time, self.time)?;
        let at_ns = if self.time == CsvTime::MonotonicS { told_ns } else { told_ns - self.ahead_ns };
        let Ok(at) = u64::try_from(at_ns).map(Nanos) else { return Ok(None) };
        if self.last.is_some_and(|last| at < last) {
            return Err(format!("its time {time:?} is before that of the line above"));
        }
        let early = at.signed_since((self.clocks.now)());
        if self.time != CsvTime::MonotonicS && early > MOST_AHEAD {
            let reason = "is csv_time right, and the clock of the logger";
            return Err(format!("its time {time:?} is {:.1} s in the future: {reason}?", early.get()));
        }
        self.last = Some(at);
        let is_old = self.opened.since(at) > KEPT;
        Ok((!is_old).then(|| DeviceReading { power: Some(power), ..DeviceReading::at(0, at) }))
    }

    /// Whether somebody has set the wall clock since the file was opened.
    fn stepped(&self) -> Option<String> {
        if self.time == CsvTime::MonotonicS {
            return None;
        }
        let step = ahead(self.clocks) - self.ahead_ns;
        let reason = || format!("the wall clock was set by {:.3} s while metering, so the file's times mean nothing", step as f64 / 1e9);
        (step.unsigned_abs() > u128::from(MOST_STEP_NS)).then(reason)
    }
}

impl Meter for Csv {
    fn basis(&self) -> Basis {
        Basis::Machine
    }

    fn nature(&self) -> Nature {
        let source = EnergySource::External;
        let device = DeviceNature { name: file_name(&self.path), counted: source, integrated: source, averaged: None };
        let notes = vec!["an external meter: the whole machine, with everything else that runs on it".to_owned()];
        Nature { devices: [(0, device)].into(), notes, ..Nature::default() }
    }

    fn read(&mut self, _effort: Effort, _stage: &[u32]) -> Vec<DeviceReading> {
        self.news()
    }

    fn finish(&mut self, _stage: &[u32]) -> Vec<DeviceReading> {
        let ended = (self.clocks.now)();
        let mut readings = self.news();
        let waits = |csv: &Self| csv.broken.is_none() && csv.last.is_none_or(|last| last < ended);
        while waits(self) && (self.clocks.now)().since(ended) < LAST_PATIENCE {
            (self.clocks.pause)(PAUSE);
            readings.extend(self.news());
        }
        readings
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

/// The next whole line without its end; `None` where it has no end yet.
fn next_line(file: &mut BufReader<File>) -> Result<Option<String>, String> {
    let mut bytes = Vec::new();
    file.take(LONGEST_LINE).read_until(b'\n', &mut bytes).map_err(|error| error.to_string())?;
    match bytes.pop() {
        Some(b'\n') => String::from_utf8(bytes).map(Some).map_err(|_| "it is not text".to_owned()),
        Some(_) if bytes.len() as u64 + 1 == LONGEST_LINE => Err(format!("it is longer than {LONGEST_LINE} bytes")),
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, fs, io::Write};

    use plan::{CsvPower, CsvSpec};
    use units::Watts;

    use super::*;

    thread_local! {
        /// Monotonic seconds, and how far wall time is ahead of them.
        static NOW: Cell<f64> = const { Cell::new(100.0) };
        static AHEAD: Cell<f64> = const { Cell::new(1_700_000_000.0) };
    }

    fn ns(seconds: f64) -> Nanos {
        Nanos((seconds * 1e3).round() as u64 * 1_000_000)
    }

    const FAKE: Clocks =
        Clocks { now: || ns(NOW.get()), wall: || ns(NOW.get() + AHEAD.get()), pause: |pause| NOW.set(NOW.get() + pause.as_secs_f64()) };

    fn spec(path: &Path, time: CsvTime) -> MeterSpec {
        let csv = CsvSpec { path: path.to_owned(), time_column: "time".into(), time, power_column: "power_w".into(), power: CsvPower::W };
        MeterSpec { kind: "csv".into(), modelled_w_per_core: None, interval_ms: 100, idle_s: 1.0, csv: Some(csv) }
    }

    /// A logger's file.
    struct Log(tempfile::TempDir);

    impl Log {
        fn new(text: &str) -> Self {
            let log = Self(tempfile::tempdir().unwrap());
            log.append(text);
            log
        }

        fn path(&self) -> PathBuf {
            self.0.path().join("plug.csv")
        }

        fn append(&self, text: &str) {
            let mut file = fs::OpenOptions::new().create(true).append(true).open(self.path()).unwrap();
            file.write_all(text.as_bytes()).unwrap();
        }

        fn open(&self, time: CsvTime) -> Result<Csv, String> {
            Csv::open(&spec(&self.path(), time), FAKE)
        }
    }

    fn told(readings: &[DeviceReading]) -> Vec<(f64, f64)> {
        readings.iter().map(|reading| (reading.at.get() as f64 / 1e9, reading.power.unwrap().get())).collect()
    }

    fn fault(readings: &[DeviceReading]) -> &str {
        readings.last().unwrap().fault.as_deref().unwrap()
    }

    #[test]
    fn wall_time_becomes_monotonic_time() {
        let log = Log::new("time,note,power_w\n1700000099.5,a,60\n1700000100.5,\"b\",61.5\n\n");
        let mut csv = log.open(CsvTime::UnixS).unwrap();
        assert_eq!(told(&csv.read(Effort::Quick, &[])), [(99.5, 60.0), (100.5, 61.5)]);
        assert!(csv.nature().notes[0].contains("whole machine"));
    }

    #[test]
    fn lines_are_read_as_they_are_appended_and_only_when_whole() {
        let log = Log::new("time;power_w\n");
        let mut csv = log.open(CsvTime::MonotonicS).unwrap();
        assert!(csv.read(Effort::Quick, &[]).is_empty());
        log.append("100.1;5");
        assert!(csv.read(Effort::Quick, &[]).is_empty());
        log.append("0\r\n100.2;51\n");
        assert_eq!(told(&csv.read(Effort::Quick, &[])), [(100.1, 50.0), (100.2, 51.0)]);
        log.append("100.3;52\n");
        assert_eq!(told(&csv.read(Effort::Edge, &[])), [(100.3, 52.0)]);
    }

    #[test]
    fn readings_long_before_the_opening_are_passed_over() {
        let log = Log::new("time,power_w\n1,5\n30,6\n50,7\n");
        assert_eq!(told(&log.open(CsvTime::MonotonicS).unwrap().read(Effort::Quick, &[])), [(50.0, 7.0)]);
        let log = Log::new("time,power_w\n5,5\n");
        assert!(log.open(CsvTime::UnixS).unwrap().read(Effort::Quick, &[]).is_empty());
    }

    #[test]
    fn a_bad_line_is_named() {
        for (line, expected) in [
            ("100.2,much", "line 3: the power \"much\" is not a number"),
            ("100.2,-5", "line 3: the power \"-5\""),
            ("100.2,NaN", "line 3: the power \"NaN\""),
            ("noon,5", "line 3: the time \"noon\""),
            ("100.2", "line 3: it has 1 column, where power_w is the 2nd"),
            ("99,5", "line 3: its time \"99\" is before that of the line above"),
        ] {
            let log = Log::new(&format!("time,power_w\n100.1,5\n{line}\n100.3,6\n"));
            let mut csv = log.open(CsvTime::MonotonicS).unwrap();
            let readings = csv.read(Effort::Quick, &[]);
            assert_eq!(readings[0].power, Some(Watts(5.0)));
            assert!(fault(&readings).contains(expected), "{readings:?}");
            // It stays broken: what comes after cannot be told apart.
            assert!(fault(&csv.read(Effort::Quick, &[])).contains(expected));
        }
    }

    #[test]
    fn a_file_without_its_columns_is_refused() {
        let refused = |text: &str| Log::new(text).open(CsvTime::UnixS).err().unwrap();
        assert!(refused("when,power_w\n").contains("line 1: it has no column \"time\": it has when, power_w"));
        assert!(refused("").contains("is not there yet"));
        let folder = tempfile::tempdir().unwrap();
        assert!(Csv::open(&self::spec(folder.path(), CsvTime::UnixS), FAKE).err().unwrap().contains("it is no file"));
        assert!(refused(&"x".repeat(70_000)).contains("line 1: it is longer than"));
        let spec = MeterSpec { csv: None, ..spec(Path::new("x"), CsvTime::UnixS) };
        assert!(open(&spec, &Places::system()).err().unwrap().contains("names no file"));
        assert!(Csv::open(&self::spec(Path::new("/nonexistent/plug.csv"), CsvTime::UnixS), FAKE).err().unwrap().contains("plug.csv"));
    }

    #[test]
    fn a_wall_clock_that_is_set_is_noticed() {
        let log = Log::new("time,power_w\n");
        let mut csv = log.open(CsvTime::UnixMs).unwrap();
        AHEAD.set(AHEAD.get() + 0.002);
        assert!(csv.read(Effort::Quick, &[]).is_empty());
        AHEAD.set(AHEAD.get() - 3.2);
        assert!(fault(&csv.read(Effort::Quick, &[])).contains("the wall clock was set by -3.198 s"));
        let mut unconcerned = log.open(CsvTime::MonotonicS).unwrap();
        AHEAD.set(AHEAD.get() + 5.0);
        assert!(unconcerned.read(Effort::Quick, &[]).is_empty());
    }

    #[test]
    fn a_logger_whose_clock_is_ahead_is_noticed() {
        let log = Log::new("time,power_w\n1700003700,5\n");
        let readings = log.open(CsvTime::UnixS).unwrap().read(Effort::Quick, &[]);
        assert!(fault(&readings).contains("3600.0 s in the future"), "{readings:?}");
    }

    #[test]
    fn a_file_that_is_cut_short_is_noticed() {
        let log = Log::new("time,power_w\n100.1,5\n");
        let mut csv = log.open(CsvTime::MonotonicS).unwrap();
        csv.read(Effort::Quick, &[]);
        fs::write(log.path(), "time\n").unwrap();
        assert!(fault(&csv.read(Effort::Quick, &[])).contains("cut short"));
    }

    #[test]
    fn the_last_reading_is_waited_for_but_not_for_ever() {
        let log = Log::new("time,power_w\n100.1,5\n");
        let mut csv = log.open(CsvTime::MonotonicS).unwrap();
        let start = NOW.get();
        assert_eq!(told(&csv.finish(&[])), [(100.1, 5.0)]);
        let waited = NOW.get() - start;
        // The reading of 100.1 s is after the end already.
        assert!(waited < 0.1, "{waited}");
        NOW.set(200.0);
        assert!(csv.finish(&[]).is_empty());
        assert!((5.0..5.2).contains(&(NOW.get() - 200.0)), "{}", NOW.get());
    }
}
