//! The lines of an external meter's file: which column is which, and what stands in them.

use plan::{CsvPower, CsvSpec};
use units::Watts;

/// More than any machine draws.
const MOST_WATTS: f64 = 1e7;

/// Where the two columns are.
pub(super) struct Columns {
    separator: char,
    time: usize,
    power: usize,
    power_name: String,
    unit: CsvPower,
}

impl Columns {
    /// Finds them in the first line, which is parted by commas, semicolons or tabs.
    pub(super) fn find(head: &str, spec: &CsvSpec) -> Result<Self, String> {
        let head = head.trim_start_matches('\u{feff}');
        let separator = [',', ';', '\t'].into_iter().max_by_key(|separator| head.matches(*separator).count()).unwrap_or(',');
        let names: Vec<&str> = head.split(separator).map(bare).collect();
        let place = |wanted: &str| {
            let found = names.iter().position(|name| *name == wanted);
            found.ok_or_else(|| format!("it has no column {wanted:?}: it has {}", brief(&names.join(", "))))
        };
        let (time, power) = (place(&spec.time_column)?, place(&spec.power_column)?);
        Ok(Self { separator, time, power, power_name: spec.power_column.clone(), unit: spec.power })
    }

    /// The time as written, and the power.
    pub(super) fn read<'a>(&self, line: &'a str) -> Result<(&'a str, Watts), String> {
        let fields: Vec<&str> = line.split(self.separator).map(bare).collect();
        let missing = || {
            let noun = if fields.len() == 1 { "column" } else { "columns" };
            format!("it has {} {noun}, where {} is the {}", fields.len(), brief(&self.power_name), ordinal(self.power.max(self.time) + 1))
        };
        let time = fields.get(self.time).ok_or_else(missing)?;
        let text = fields.get(self.power).ok_or_else(missing)?;
        let value: f64 = text.parse().map_err(|_| format!("the power {:?} is not a number", brief(text)))?;
        let watts = match self.unit {
            CsvPower::W => value,
            CsvPower::Mw => value / 1e3,
        };
        if !(0.0..=MOST_WATTS).contains(&watts) {
            return Err(format!("the power {:?} cannot be", brief(text)));
        }
        Ok((time, Watts(watts)))
    }
}

/// Without blanks and quotation marks.
fn bare(field: &str) -> &str {
    field.trim().trim_matches('"')
}

/// The first characters of what stands in a file.
pub(super) fn brief(text: &str) -> String {
    text.chars().take(60).collect()
}

fn ordinal(n: usize) -> String {
    match n {
        1 => "1st".to_owned(),
        2 => "2nd".to_owned(),
        3 => "3rd".to_owned(),
        n => format!("{n}th"),
    }
}

#[cfg(test)]
mod tests {
    use plan::CsvTime;
    use proptest::prelude::*;

    use super::*;

    fn columns(head: &str, unit: CsvPower) -> Columns {
        let spec = CsvSpec { path: "x".into(), time_column: "t".into(), time: CsvTime::UnixS, power_column: "p".into(), power: unit };
        Columns::find(head, &spec).unwrap()
    }

    #[test]
    fn columns_are_found_by_name_in_any_order() {
        assert_eq!(columns("p\tx\tt", CsvPower::W).read("5\ta, b\t9"), Ok(("9", Watts(5.0))));
        assert_eq!(columns("\u{feff}\"t\";\"p\"", CsvPower::Mw).read("9;5500"), Ok(("9", Watts(5.5))));
        assert!(columns("t,p", CsvPower::W).read("9,1e300").is_err());
    }

    proptest! {
        #[test]
        fn any_line_is_read_without_a_panic(line in "\\PC{0,60}") {
            let _ = columns("t,p", CsvPower::W).read(&line);
        }
    }
}
