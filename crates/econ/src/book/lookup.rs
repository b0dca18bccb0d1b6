//! Finding an entry by name. Names match whatever their case and separators; one that is not known is an error that tells the nearest.

use super::{
    Board, Electricity, GpuOffer, Grid, ModelPrice, PriceBook, Pue,
    near::{nearest, normal},
};
use crate::error::{Error, Result};

/// Ends of model names that are left away in speech.
const SPOKEN_WITHOUT: &[&str] = &["instruct", "latest"];
/// Makers' words before the name of a GPU.
const MAKERS: &[&str] = &["nvidia", "tesla", "geforce"];

impl PriceBook {
    /// The price of a hosted model: `host/model`, or the model alone where one host has it.
    ///
    /// # Errors
    /// An unknown model, or one that several hosts have.
    pub fn model(&self, name: &str) -> Result<&ModelPrice> {
        match self.hosts_of(name)[..] {
            [only] => Ok(only),
            [] => {
                let keys: Vec<String> = self.models.iter().map(ModelPrice::key).collect();
                let known = keys.iter().map(String::as_str).chain(self.models.iter().map(|model| model.name.as_str()));
                Err(unknown("hosted model", name, known))
            }
            ref several => Err(Error::Ambiguous {
                what: "hosted model",
                name: name.to_owned(),
                choices: several.iter().map(|model| self.label(model)).collect(),
            }),
        }
    }

    /// What tells a model from all others of the book: host and model, or what the host calls it where that is not enough.
    pub fn label(&self, model: &ModelPrice) -> String {
        let alike = self.models.iter().filter(|other| other.name == model.name && other.host == model.host).count();
        if alike > 1 { model.id.clone() } else { model.key() }
    }

    /// Every host's price of a model; none where nobody has it. A host's own name for it is the last that is looked at: one host's may be
    /// how all others' models are spoken of.
    pub fn hosts_of(&self, name: &str) -> Vec<&ModelPrice> {
        let wanted = normal(name);
        let by = |is_it: &dyn Fn(&ModelPrice) -> bool| self.models.iter().filter(|model| is_it(model)).collect::<Vec<_>>();
        let with_host = |model: &ModelPrice, name: &str| spoken(&normal(&format!("{}/{name}", model.host))) == spoken(&wanted);
        let mut found = by(&|model| with_host(model, &model.name) || with_host(model, &model.id));
        if found.is_empty() {
            found = by(&|model| normal(&model.name) == wanted);
        }
        if found.is_empty() {
            found = by(&|model| spoken(&normal(&model.name)) == spoken(&wanted));
        }
        if found.is_empty() {
            found = by(&|model| normal(&model.id) == wanted);
        }
        found
    }

    /// Every offer of a GPU, the cheapest an hour and GPU first.
    ///
    /// # Errors
    /// An unknown GPU, or a name that several GPUs begin with.
    pub fn gpu(&self, name: &str) -> Result<Vec<&GpuOffer>> {
        let gpu = one_gpu(name, self.gpus.iter().map(|offer| offer.gpu.as_str()))?;
        let mut offers: Vec<_> = self.gpus.iter().filter(|offer| normal(&offer.gpu) == gpu).collect();
        offers.sort_by(|a, b| a.usd_per_gpu_hour().total_cmp(&b.usd_per_gpu_hour()));
        Ok(offers)
    }

    /// A GPU board.
    ///
    /// # Errors
    /// An unknown GPU, or a name that several boards begin with.
    pub fn board(&self, name: &str) -> Result<&Board> {
        let gpu = one_gpu(name, self.boards.iter().map(|board| board.gpu.as_str()))?;
        let board = self.boards.iter().find(|board| normal(&board.gpu) == gpu);
        board.ok_or_else(|| unknown("GPU", name, self.boards.iter().map(|board| board.gpu.as_str())))
    }

    /// The price of electricity of a region or price zone.
    ///
    /// # Errors
    /// A region that the book has no price of.
    pub fn electricity(&self, region: &str) -> Result<&Electricity> {
        let wanted = normal(region);
        let is_it =
            |entry: &&Electricity| normal(&entry.region) == wanted || entry.zone.as_deref().is_some_and(|zone| normal(zone) == wanted);
        let known = self.electricity.iter().map(|entry| entry.region.as_str());
        self.electricity.iter().find(is_it).ok_or_else(|| unknown("electricity price of", region, known))
    }

    /// The facility overhead of an operator.
    ///
    /// # Errors
    /// An unknown operator.
    pub fn pue(&self, operator: &str) -> Result<&Pue> {
        let wanted = normal(operator);
        let known = self.pue.iter().map(|entry| entry.operator.as_str());
        self.pue.iter().find(|entry| normal(&entry.operator) == wanted).ok_or_else(|| unknown("PUE of", operator, known))
    }

    /// The grid of a region: ISO code of two or three letters, a part such as `US-CA`, a cloud's region with or without the cloud's
    /// name, or the country's name.
    ///
    /// # Errors
    /// An unknown region, or a cloud region's name that several clouds use.
    pub fn grid(&self, region: &str) -> Result<&Grid> {
        let wanted = normal(region);
        let by = |is_it: &dyn Fn(&Grid) -> bool| self.grid.iter().filter(|entry| is_it(entry)).collect::<Vec<_>>();
        let mut found = by(&|entry| normal(&entry.region) == wanted);
        if found.is_empty() {
            found = by(&|entry| entry.aliases.iter().any(|alias| normal(alias) == wanted));
        }
        if found.is_empty() {
            found = by(&|entry| normal(&entry.name) == wanted);
        }
        match found[..] {
            [only] => Ok(only),
            [] => {
                let words = |entry: &Grid| [entry.region.clone(), entry.name.clone()];
                let known: Vec<String> = self.grid.iter().flat_map(words).collect();
                Err(unknown("grid of", region, known.iter().map(String::as_str)))
            }
            ref several => Err(Error::Ambiguous {
                what: "region",
                name: region.to_owned(),
                choices: several.iter().map(|entry| entry.region.clone()).collect(),
            }),
        }
    }
}

/// A normal name without the end that is left away in speech.
fn spoken(name: &str) -> &str {
    SPOKEN_WITHOUT.iter().fold(name, |name, end| name.strip_suffix(end).unwrap_or(name))
}

/// The normal name of the one GPU that is meant: by its name, else by how one name alone begins.
fn one_gpu<'a>(name: &str, known: impl Iterator<Item = &'a str> + Clone) -> Result<String> {
    let mut wanted = normal(name);
    while let Some(rest) = MAKERS.iter().find_map(|maker| wanted.strip_prefix(maker)) {
        wanted = rest.to_owned();
    }
    if known.clone().any(|known| normal(known) == wanted) {
        return Ok(wanted);
    }
    let mut begun: Vec<&str> = known.clone().filter(|known| !wanted.is_empty() && normal(known).starts_with(&wanted)).collect();
    begun.sort_unstable();
    begun.dedup();
    match begun[..] {
        [only] => Ok(normal(only)),
        [] => Err(unknown("GPU", name, known)),
        ref several => {
            Err(Error::Ambiguous { what: "GPU", name: name.to_owned(), choices: several.iter().map(|name| (*name).to_owned()).collect() })
        }
    }
}

fn unknown<'a>(what: &'static str, name: &str, known: impl Iterator<Item = &'a str>) -> Error {
    Error::Unknown { what, name: name.chars().filter(|c| !c.is_control()).take(80).collect(), near: nearest(name, known) }
}
