//! The price book: what hosted models, GPUs, electricity and facilities cost and what grids emit, each entry with its source and date.
//!
//! The embedded book is three TOML files in `data/`, made by `data/make.py`. Further books (a user's own file in the same form, `LiteLLM`'s
//! price list) are laid over it. Nothing here reads a file or a clock: texts and today's date are handed in. A figure that no source
//! gives is not in the book; there is no default for it.

mod entry;
mod litellm;
mod lookup;
mod near;
mod written;

use crate::error::Result;

pub use entry::{Board, Cited, Electricity, ElectricityKind, GpuOffer, Grid, ModelPrice, OfferKind, Pue};
pub use litellm::{LiteLlm, Rejected};

/// The largest text that is read as a price book, in bytes.
pub const LARGEST_BOOK: u64 = 16 * 1024 * 1024;

/// Prices and intensities, each with its source. Within one kind the entries of later books come first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PriceBook {
    /// Hosted models.
    pub models: Vec<ModelPrice>,
    /// GPUs by the hour.
    pub gpus: Vec<GpuOffer>,
    /// GPU boards: power, and price and life where a source gives them.
    pub boards: Vec<Board>,
    /// Electricity.
    pub electricity: Vec<Electricity>,
    /// Facilities.
    pub pue: Vec<Pue>,
    /// Grids.
    pub grid: Vec<Grid>,
}

impl PriceBook {
    /// The book that the program carries.
    pub fn embedded() -> Self {
        let files = [
            ("models.toml", include_str!("../data/models.toml")),
            ("gpus.toml", include_str!("../data/gpus.toml")),
            ("energy.toml", include_str!("../data/energy.toml")),
        ];
        files
            .into_iter()
            .map(|(name, text)| Self::read(text, name).expect("a test reads the embedded files"))
            .fold(Self::default(), Self::with)
    }

    /// A book in the form of the files in `data/`: arrays `models`, `gpus`, `boards`, `electricity`, `pue`, `grid` and a table `sources`.
    /// An entry's `source` is a key of `sources` or free text; without such a key the entry has a `date` of its own. `origin` names the
    /// text in errors.
    ///
    /// # Errors
    /// A text that is too large or no such file; an entry with an unknown key, without source or date, or with an impossible figure.
    pub fn read(text: &str, origin: &str) -> Result<Self> {
        written::read(text, origin)
    }

    /// This book with another laid over it: the other's entries stand in front, and replace those of the same key.
    #[must_use]
    pub fn with(self, over: Self) -> Self {
        Self {
            models: laid_over(self.models, over.models, |a, b| near::same(&a.host, &b.host) && near::same(&a.name, &b.name)),
            gpus: laid_over(self.gpus, over.gpus, GpuOffer::is_of_the_same_thing),
            boards: laid_over(self.boards, over.boards, |a, b| near::same(&a.gpu, &b.gpu)),
            electricity: laid_over(self.electricity, over.electricity, |a, b| near::same(&a.region, &b.region)),
            pue: laid_over(self.pue, over.pue, |a, b| near::same(&a.operator, &b.operator)),
            grid: laid_over(self.grid, over.grid, |a, b| near::same(&a.region, &b.region)),
        }
    }
}

/// Entries of `over`, then those of `under` that none of them replaces.
fn laid_over<T>(under: Vec<T>, mut over: Vec<T>, same: impl Fn(&T, &T) -> bool) -> Vec<T> {
    let replaced: Vec<bool> = under.iter().map(|old| over.iter().any(|new| same(old, new))).collect();
    over.extend(under.into_iter().zip(replaced).filter(|(_, replaced)| !replaced).map(|(old, _)| old));
    over
}

#[cfg(test)]
mod tests;
