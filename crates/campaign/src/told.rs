//! What an engine tells of itself: figures from its metrics page, its JSON routes and its log, by the table that it comes with. A figure that is
//! not told is missing with its reason.

use std::{fs::File, io::Read, path::Path};

use load::prometheus;
use serde_json::{Map, Value};
use serve::{
    figure::number_after,
    launch::{Place, Tells},
};
use units::{Bytes, Missing, Reading};

use crate::probe::Server;

/// The beginning of a log in which figures are looked for: engines tell them while they load.
const LOG_HEAD: u64 = 8 << 20;

/// A server and its log, to be read by a table.
pub(crate) struct Told<'a> {
    tells: &'a Tells,
    server: &'a Server,
    page: Option<Result<String, Missing>>,
    log: String,
}

impl<'a> Told<'a> {
    /// Reads the metrics page and the log once.
    pub(crate) fn read(tells: &'a Tells, server: &'a Server, log: &Path) -> Self {
        Self { tells, server, page: tells.metrics.map(|path| server.page(path)), log: log_head(log) }
    }

    /// Reads the metrics page again.
    pub(crate) fn refresh(&mut self) {
        self.page = self.tells.metrics.map(|path| self.server.page(path));
    }

    /// One figure, where it is told.
    pub(crate) fn figure(&self, place: Option<Place>) -> Option<f64> {
        self.number(place?).ok()
    }

    /// Bytes held for weights.
    pub(crate) fn weights(&self) -> Reading<Bytes> {
        self.bytes(self.tells.weights)
    }

    /// Most bytes held for KV caches: of those held while they are used the peak, else the pool that was set aside.
    pub(crate) fn kv_held(&self) -> Reading<Bytes> {
        self.bytes(self.tells.kv_peak.or(self.tells.kv_pool))
    }

    /// Every figure that is told, by name.
    pub(crate) fn figures(&self) -> Map<String, Value> {
        let Tells { weights, kv_pool, kv_peak, kv_used, running, waiting, more, .. } = *self.tells;
        let known = [
            ("weights_bytes", weights),
            ("kv_pool_bytes", kv_pool),
            ("kv_peak_bytes", kv_peak),
            ("kv_used_bytes", kv_used),
            ("running", running),
            ("waiting", waiting),
        ];
        let more = more.iter().map(|(name, place)| (*name, Some(*place)));
        let told = known.into_iter().chain(more).filter_map(|(name, place)| Some((name.to_owned(), self.number(place?).ok()?.into())));
        told.collect()
    }

    fn bytes(&self, place: Option<Place>) -> Reading<Bytes> {
        match place.map(|place| self.number(place)) {
            None => Reading::missing("the engine does not tell this"),
            Some(Ok(number)) => Reading::Known(Bytes(number as u64)),
            Some(Err(missing)) => Reading::Missing(missing),
        }
    }

    fn number(&self, place: Place) -> Result<f64, Missing> {
        match place {
            Place::Series(name) => {
                prometheus::sum(self.page()?, name).ok_or_else(|| Missing::because(format!("the metrics page has no {name}")))
            }
            Place::ShareOfPool(name) => {
                let pool = self.tells.kv_pool.ok_or_else(|| Missing::because("the engine does not tell its pool"))?;
                Ok(self.number(Place::Series(name))? * self.number(pool)?)
            }
            Place::Label { series, label } => prometheus::label(self.page()?, series, label)
                .ok_or_else(|| Missing::because(format!("the metrics page has no number at {series}{{{label}}}"))),
            Place::Log(items) => {
                sum_in_log(&self.log, items).ok_or_else(|| Missing::because(format!("the log has no line with {:?}", items.concat())))
            }
            Place::Json { path, pointer } => {
                let number = self.server.json(path)?.pointer(pointer).and_then(Value::as_f64);
                number.ok_or_else(|| Missing::because(format!("{path} has no number at {pointer}")))
            }
        }
    }

    fn page(&self) -> Result<&str, Missing> {
        match &self.page {
            Some(Ok(page)) => Ok(page),
            Some(Err(missing)) => Err(missing.clone()),
            None => Err(Missing::because("the engine has no metrics page")),
        }
    }
}

fn log_head(path: &Path) -> String {
    let mut bytes = Vec::new();
    if let Ok(file) = File::open(path) {
        let _ = file.take(LOG_HEAD).read_to_end(&mut bytes);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The sum over all lines that have an item's words in their order, of the number after the last word. See [`Place::Log`].
fn sum_in_log(log: &str, items: &[&[&str]]) -> Option<f64> {
    let mut total = None;
    for line in log.lines() {
        for words in items {
            if let Some(number) = number_after(line, words) {
                total = Some(total.unwrap_or(0.0) + number);
            }
        }
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: f64 = 1024.0 * 1024.0;

    #[test]
    fn a_page_that_cannot_be_read_is_the_reason() {
        let tells = Tells { metrics: Some("/metrics"), weights: Some(Place::Series("weights_bytes")), ..Tells::default() };
        let server = Server::new("http://127.0.0.1:1".to_owned());
        let Reading::Missing(missing) = Told::read(&tells, &server, Path::new("absent.log")).weights() else { panic!("a figure") };
        assert!(missing.0.starts_with("/metrics could not be read: "), "{missing}");
    }

    #[test]
    fn numbers_of_a_log_are_summed_with_their_units() {
        let log = "load_tensors:   CPU_Mapped model buffer size =   694.05 MiB\nload_tensors:        CUDA0 model buffer size =   100.95 MiB\n\
            (EngineCore pid=1) INFO Model loading took 2.32 GiB memory and 1.5 seconds\n\
            KV Cache is allocated. #tokens: 100, K size: 1.50 GB, V size: 0.50 GB\n";
        assert_eq!(sum_in_log(log, &[&["model buffer size ="]]), Some(795.0 * MIB));
        assert_eq!(sum_in_log(log, &[&["Model loading took"]]), Some(2.32 * 1024.0 * MIB));
        let both: &[&[&str]] = &[&["KV Cache is allocated.", "K size:"], &["KV Cache is allocated.", "V size:"]];
        assert_eq!(sum_in_log(log, both), Some(2048.0 * MIB));
        assert_eq!(sum_in_log(log, &[&["tokens:"]]), Some(100.0));
        assert_eq!(sum_in_log(log, &[&["absent"]]), None);
        assert_eq!(sum_in_log("size = lots\n", &[&["size ="]]), None);
    }
}
