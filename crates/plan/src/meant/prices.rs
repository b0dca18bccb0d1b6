//! Prices as meant: a figure is written in the plan, or taken from the price book by a name, never both and never assumed.

use std::{collections::BTreeMap, fs::File, io::Read, path::Path};

use econ::{Cited, Date, GpuOffer, LARGEST_BOOK, OfferKind, PriceBook};

use super::{belongs, not_empty, written};
use crate::{
    Citation, Owned, PriceSpec, Priced, SloSpec,
    problem::Fault,
    reader::{Field, Place},
};

pub(super) fn slo(w: written::Slo<'_>) -> Option<SloSpec> {
    let limits = [w.ttft_ms, w.tpot_ms, w.itl_ms, w.e2e_ms];
    if !limits.iter().any(Field::is_written) {
        let mend = "give at least one of: ttft_ms, tpot_ms, itl_ms, e2e_ms";
        w.place.report(Fault::Conflict { message: "no limit given".into(), mend: mend.into() });
        return None;
    }
    let [ttft_ms, tpot_ms, itl_ms, e2e_ms] = limits.map(|limit| limit.positive(86_400_000.0).optional());
    Some(SloSpec { ttft_ms: ttft_ms?, tpot_ms: tpot_ms?, itl_ms: itl_ms?, e2e_ms: e2e_ms? })
}

pub(super) fn prices(w: written::Prices<'_>, base: &Path) -> Option<PriceSpec> {
    let book = book(w.book, w.litellm, w.litellm_date, base);
    let own = Api {
        name: w.api_name,
        input: w.api_input_usd_per_mtok,
        output: w.api_output_usd_per_mtok,
        source: w.api_source,
        date: w.api_date,
    };
    let api = api(own, w.api, book.as_ref());
    let mut cited = citations(w.cited);
    let mut lookup = Lookup { book: book.as_ref(), cited: cited.as_mut() };
    let place = w.region.place.clone();
    let region = w.region.check(not_empty).optional();
    let (electricity, grid) = lookup.region(&place, region.as_ref(), w.electricity_usd_per_kwh, w.grid_gco2e_per_kwh);
    let pue = lookup.pue(w.operator, w.pue);
    let machine = lookup.machine(
        Machine { rate: w.machine_usd_per_hour, price_usd: w.machine_price_usd, life_years: w.life_years },
        Gpu { name: w.gpu, cloud: w.gpu_cloud, spot: w.gpu_spot, count: w.gpus },
    );
    let setup_usd = w.setup_usd.within(0.0, 1e12).required();
    let requests_per_month = w.requests_per_month.positive(1e12).optional();
    let utilisation = w.utilisation.positive(1.0).optional();
    let (machine_usd_per_hour, owned) = machine?;
    let (api_name, api_input_usd_per_mtok, api_output_usd_per_mtok, api_source, api_date) = api?;
    Some(PriceSpec {
        api_name,
        api_input_usd_per_mtok,
        api_output_usd_per_mtok,
        api_source,
        api_date,
        electricity_usd_per_kwh: electricity?,
        pue: pue?,
        machine_usd_per_hour,
        owned,
        setup_usd: setup_usd?,
        grid_gco2e_per_kwh: grid?,
        requests_per_month: requests_per_month?,
        utilisation: utilisation?,
        cited: cited?,
    })
}

/// The program's book with those of the plan laid over it, the plan's own books last; `None` when one cannot be read.
fn book(
    own: Field<'_, crate::value::Paths>,
    litellm: Field<'_, std::path::PathBuf>,
    litellm_date: Field<'_, crate::value::Date>,
    base: &Path,
) -> Option<PriceBook> {
    if litellm.is_written() && !litellm_date.is_written() {
        let message = "nothing says of which day the list is".into();
        litellm.place.report(Fault::Conflict { message, mend: "add litellm_date".into() });
        return None;
    }
    belongs(&litellm_date, litellm.is_written(), "litellm");
    let mut book = PriceBook::embedded();
    let (place, list, date) = (litellm.place.clone(), litellm.optional()?, litellm_date.optional()?);
    if let (Some(list), Some(date)) = (list, date) {
        let laid = day(&place, &date.0).zip(text(&place, &base.join(list)));
        let (date, (text, name)) = laid?;
        book = book.with(told(&place, PriceBook::litellm(&text, &name, date))?.book);
    }
    let place = own.place.clone();
    for path in own.optional()?.map(|paths| paths.0).unwrap_or_default() {
        let (text, name) = text(&place, &base.join(path))?;
        book = book.with(told(&place, PriceBook::read(&text, &name))?);
    }
    Some(book)
}

/// A file's text and name; no longer than a book may be, one byte more so that a longer one is refused.
fn text(place: &Place<'_>, path: &Path) -> Option<(String, String)> {
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(LARGEST_BOOK + 1).read_to_string(&mut text));
    match read {
        Ok(_) => Some((text, path.display().to_string())),
        Err(error) => {
            let message = format!("{} cannot be read: {error}", path.display());
            place.report(Fault::Conflict { message, mend: "name a price book (TOML), or LiteLLM's list as litellm".into() });
            None
        }
    }
}

fn day(place: &Place<'_>, text: &str) -> Option<Date> {
    let date = text.parse::<Date>();
    if let Err(message) = &date {
        place.report(Fault::Conflict { message: message.clone(), mend: "write it as 2026-08-01".into() });
    }
    date.ok()
}

/// What the book gives, or its error reported.
fn told<T>(place: &Place<'_>, result: econ::Result<T>) -> Option<T> {
    result
        .map_err(|error| {
            let mend = error.hint().unwrap_or_else(|| "give the figure itself".to_owned());
            place.report(Fault::Conflict { message: error.to_string(), mend });
        })
        .ok()
}

/// The figures of the hosted model as written.
struct Api<'a> {
    name: Field<'a, String>,
    input: Field<'a, f64>,
    output: Field<'a, f64>,
    source: Field<'a, String>,
    date: Field<'a, crate::value::Date>,
}

/// Name, prices of input and output, source, date.
type ApiFigures = (String, f64, f64, String, String);

fn api(own: Api<'_>, by_name: Field<'_, String>, book: Option<&PriceBook>) -> Option<ApiFigures> {
    if by_name.is_written() {
        let figures = [&own.input, &own.output].into_iter().map(|field| (field.is_written(), &field.place));
        let texts = [&own.name, &own.source].into_iter().map(|field| (field.is_written(), &field.place));
        for (_, place) in figures.chain(texts).chain([(own.date.is_written(), &own.date.place)]).filter(|(written, _)| *written) {
            twice(place, "api");
        }
        let place = by_name.place.clone();
        let name = by_name.check(not_empty).good()?;
        let model = told(&place, book?.model(&name))?;
        let Cited { date, .. } = &model.cited;
        return Some((book?.label(model), model.input_usd_per_mtok, model.output_usd_per_mtok, source(&model.cited), date.to_string()));
    }
    let name = own.name.check(not_empty).required();
    let input = own.input.within(0.0, 1e6).required();
    let output = own.output.within(0.0, 1e6).required();
    let source = own.source.check(not_empty).required();
    let date = own.date.required();
    Some((name?, input?, output?, source?, date?.0))
}

/// The machine's keys.
struct Machine<'a> {
    rate: Field<'a, f64>,
    price_usd: Field<'a, f64>,
    life_years: Field<'a, f64>,
}

/// The keys of a GPU that is rented.
struct Gpu<'a> {
    name: Field<'a, String>,
    cloud: Field<'a, String>,
    spot: Field<'a, bool>,
    count: Field<'a, u32>,
}

/// The book, and the citations of what is taken from it.
struct Lookup<'b> {
    book: Option<&'b PriceBook>,
    cited: Option<&'b mut BTreeMap<Priced, Citation>>,
}

impl Lookup<'_> {
    /// Electricity and grid: each as written, else of the region.
    #[expect(clippy::option_option, reason = "the two absences differ: left out, and reported as wrong")]
    fn region(
        &mut self,
        place: &Place<'_>,
        region: Option<&Option<String>>,
        electricity: Field<'_, f64>,
        grid: Field<'_, f64>,
    ) -> (Option<f64>, Option<Option<f64>>) {
        let (own_electricity, own_grid) = (electricity.is_written(), grid.is_written());
        let electricity = electricity.within(0.0, 1e3);
        let grid = grid.within(0.0, 5e3);
        let Some(Some(region)) = region else {
            let unnamed = region.is_some();
            return (if unnamed || own_electricity { electricity.required() } else { None }, grid.optional());
        };
        let Some(book) = self.book else { return (None, None) };
        let (price, intensity) = (book.electricity(region), book.grid(region));
        if let (Err(_), Err(error)) = (&price, &intensity) {
            return (told(place, Err(error.clone())), None);
        }
        let grid = match (own_grid, intensity) {
            (true, _) => grid.optional(),
            (false, Ok(entry)) => {
                self.cite(Priced::Grid, &entry.name, &entry.cited, None);
                Some(Some(entry.g_per_kwh))
            }
            // Carbon is missing then, and says so.
            (false, Err(_)) => Some(None),
        };
        let electricity = match (own_electricity, price) {
            (true, _) => electricity.required(),
            (false, Ok(entry)) => {
                self.cite(Priced::Electricity, &entry.region, &entry.cited, entry.note());
                Some(entry.usd_per_kwh)
            }
            (false, Err(error)) => {
                let mend = "add electricity_usd_per_kwh: the book knows this region's grid only".into();
                place.report(Fault::Conflict { message: error.to_string(), mend });
                None
            }
        };
        (electricity, grid)
    }

    fn pue(&mut self, operator: Field<'_, String>, own: Field<'_, f64>) -> Option<f64> {
        if !operator.is_written() {
            return own.within(1.0, 10.0).required();
        }
        if own.is_written() {
            twice(&own.place, "operator");
            return None;
        }
        let place = operator.place.clone();
        let entry = told(&place, self.book?.pue(&operator.check(not_empty).good()?))?;
        self.cite(Priced::Pue, &format!("{}, {}", entry.operator, entry.scope), &entry.cited, None);
        Some(entry.pue)
    }

    /// The machine's rate an hour and what it was bought for, where it has one.
    fn machine(&mut self, own: Machine<'_>, gpu: Gpu<'_>) -> Option<(Option<f64>, Option<Owned>)> {
        belongs(&own.life_years, own.price_usd.is_written(), "machine_price_usd");
        for (written, place) in [(gpu.cloud.is_written(), &gpu.cloud.place), (gpu.spot.is_written(), &gpu.spot.place)] {
            if written && !gpu.name.is_written() {
                place.report(Fault::Conflict { message: "means nothing without gpu".into(), mend: "add gpu, or remove this key".into() });
            }
        }
        belongs(&gpu.count, gpu.name.is_written(), "gpu");
        let written = [("machine_usd_per_hour", own.rate.is_written()), ("machine_price_usd", own.price_usd.is_written())];
        let written = written.into_iter().chain([("gpu", gpu.name.is_written())]).filter(|(_, written)| *written);
        let ways: Vec<&str> = written.map(|(key, _)| key).collect();
        match ways[..] {
            [] => Some((None, None)),
            ["machine_usd_per_hour"] => own.rate.within(0.0, 1e6).optional().map(|rate| (rate, None)),
            ["machine_price_usd"] => {
                let price_usd = own.price_usd.positive(1e9).required();
                let life_years = own.life_years.positive(100.0).required();
                let owned = Owned { price_usd: price_usd?, life_years: life_years? };
                let rate = econ::owned_rate(units::Dollars(owned.price_usd), owned.life_years).ok()?;
                Some((Some(rate.get()), Some(owned)))
            }
            ["gpu"] => self.rented(gpu).map(|rate| (Some(rate), None)),
            _ => {
                let message = format!("the machine's time has several prices: {}", ways.join(", "));
                own.rate.place.report(Fault::Conflict { message, mend: "keep one of them".into() });
                None
            }
        }
    }

    /// USD an hour of so many GPUs of one cloud.
    fn rented(&mut self, gpu: Gpu<'_>) -> Option<f64> {
        let place = gpu.name.place.clone();
        let name = gpu.name.check(not_empty).good();
        let cloud = gpu.cloud.check(not_empty).optional();
        let spot = gpu.spot.or(false);
        let count = gpu.count.within(1, 100_000).or(1);
        let (name, cloud, spot, count) = (name?, cloud?, spot?, count?);
        let offers = told(&place, self.book?.gpu(&name))?;
        let fits = |offer: &&GpuOffer| {
            let of_cloud = cloud.as_ref().is_none_or(|cloud| offer.cloud.eq_ignore_ascii_case(cloud));
            offer.kind == OfferKind::Instance && of_cloud && (!spot || offer.spot_usd_per_hour.is_some())
        };
        let mut fitting: Vec<&GpuOffer> = offers.iter().copied().filter(fits).collect();
        let mut clouds: Vec<&str> = fitting.iter().map(|offer| offer.cloud.as_str()).collect();
        clouds.sort_unstable();
        clouds.dedup();
        let [cloud] = clouds[..] else {
            let (message, mend) = if clouds.is_empty() {
                let way = if spot { "as a spot machine" } else { "by the hour" };
                (format!("the price book has no {name} {way} there"), format!("`edge-eval prices gpus --search {name}` lists its offers"))
            } else {
                (format!("several clouds rent out {name}"), format!("add gpu_cloud, one of: {}", clouds.join(", ")))
            };
            place.report(Fault::Conflict { message, mend });
            return None;
        };
        // The machine that holds as many as are wanted; the smallest that does.
        fitting.sort_by_key(|offer| (offer.count < count, offer.count));
        let offer = fitting.first()?;
        let rate = if spot { offer.spot_usd_per_hour? } else { offer.usd_per_hour };
        let machines = count.div_ceil(offer.count);
        let kind = if spot { "spot" } else { "on demand" };
        let instance = offer.instance.as_ref().map(|name| format!(" ({name})")).unwrap_or_default();
        let name = format!("{machines} × {} × {} of {cloud}{instance}, {kind}", offer.count, offer.gpu);
        self.cite(Priced::Machine, &name, &offer.cited, None);
        Some(rate * f64::from(machines))
    }

    fn cite(&mut self, figure: Priced, name: &str, cited: &Cited, note: Option<String>) {
        if let Some(all) = &mut self.cited {
            all.insert(figure, Citation { name: name.to_owned(), source: source(cited), date: cited.date.to_string(), note });
        }
    }
}

/// The plan's own citations.
fn citations(written: Vec<(Priced, written::Cited<'_>)>) -> Option<BTreeMap<Priced, Citation>> {
    let one = |(figure, w): (Priced, written::Cited<'_>)| {
        let name = w.name.check(not_empty).required();
        let source = w.source.check(not_empty).required();
        let date = w.date.required();
        let note = w.note.check(not_empty).optional();
        Some((figure, Citation { name: name?, source: source?, date: date?.0, note: note? }))
    };
    let all: Vec<_> = written.into_iter().map(one).collect();
    all.into_iter().collect()
}

fn source(cited: &Cited) -> String {
    cited.url.as_ref().map_or_else(|| cited.source.clone(), |url| format!("{}, {url}", cited.source))
}

fn twice(place: &Place<'_>, by: &str) {
    let message = format!("{by} names the price, and this gives another");
    place.report(Fault::Conflict { message, mend: format!("keep this key, or {by}") });
}
