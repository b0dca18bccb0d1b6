//! The marks against reference implementations, and the readers against the published data sets.

#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "helpers of tests may fail loudly and say what they skip")]
#![expect(clippy::float_cmp, reason = "equal to the last bit is what is tested")]

mod data;
mod formats;
mod reference;

/// The folder of reference data, where this checkout has it beside it.
fn shared_data() -> Option<std::path::PathBuf> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("skipped: ../shared/data is absent");
    None
}
