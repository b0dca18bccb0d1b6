//! Power samples as columns: `at` (monotonic nanoseconds), `device`, `power_w`.

use std::path::Path;

use units::{Nanos, Watts};

use super::{Column, Columns, read, write};
use crate::{
    PowerSample,
    error::{Error, Result},
};

/// Writes samples in the order given.
pub(crate) fn write_power(path: &Path, samples: &[PowerSample]) -> Result<()> {
    write(path, &columns(samples))
}

/// Reads them back.
pub(crate) fn read_power(path: &Path) -> Result<Vec<PowerSample>> {
    let columns = read(path, &columns(&[]), 3)?;
    let Ok([Column::Int(at), Column::Int(device), Column::Real(power)]) = <[Column; 3]>::try_from(columns) else {
        return Err(Error::damaged(path, "its columns are not those of power samples"));
    };
    let sample = |((at, device), power): ((i64, i64), f64)| {
        let device = u32::try_from(device).map_err(|_| Error::damaged(path, format!("device {device} is no device number")))?;
        Ok(PowerSample { at: Nanos(at as u64), device, power: Watts(power) })
    };
    at.into_iter().zip(device).zip(power).map(sample).collect()
}

fn columns(samples: &[PowerSample]) -> Columns {
    vec![
        ("at", Column::Int(samples.iter().map(|s| s.at.get() as i64).collect())),
        ("device", Column::Int(samples.iter().map(|s| i64::from(s.device)).collect())),
        ("power_w", Column::Real(samples.iter().map(|s| s.power.get()).collect())),
    ]
}
