//! The only place that reads the environment. Libraries are handed what they need.

use std::path::PathBuf;

#[expect(clippy::disallowed_methods, reason = "this is the home of the environment")]
fn var(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The hub's cache: `HF_HUB_CACHE`, else `HF_HOME/hub`, else `~/.cache/huggingface/hub`.
pub(crate) fn hub_cache() -> Option<PathBuf> {
    var("HF_HUB_CACHE")
        .map(PathBuf::from)
        .or_else(|| var("HF_HOME").map(|home| PathBuf::from(home).join("hub")))
        .or_else(|| var("HOME").map(|home| PathBuf::from(home).join(".cache/huggingface/hub")))
}

/// The hub's address: `HF_ENDPOINT`.
pub(crate) fn hub_endpoint() -> Option<String> {
    var("HF_ENDPOINT")
}

/// The hub's access token: `HF_TOKEN`. Never printed or recorded.
pub(crate) fn hub_token() -> Option<String> {
    var("HF_TOKEN")
}

/// Whether downloads are forbidden: `HF_HUB_OFFLINE`.
pub(crate) fn hub_offline() -> bool {
    var("HF_HUB_OFFLINE").is_some_and(|value| matches!(value.to_ascii_lowercase().as_str(), "1" | "true" | "yes" | "on"))
}

/// MLflow's access token: `MLFLOW_TRACKING_TOKEN`. Never printed or recorded.
pub(crate) fn mlflow_token() -> Option<String> {
    var("MLFLOW_TRACKING_TOKEN")
}

/// An API key by the name of its variable. Never printed or recorded.
pub(crate) fn api_key(name: &str) -> Option<String> {
    var(name)
}

/// The user's cache folder: `XDG_CACHE_HOME`, else `~/.cache`.
pub(crate) fn cache() -> Option<PathBuf> {
    var("XDG_CACHE_HOME").map(PathBuf::from).or_else(|| var("HOME").map(|home| PathBuf::from(home).join(".cache")))
}

/// Folders in which programs are looked for: `PATH`.
pub(crate) fn search_path() -> Vec<PathBuf> {
    var("PATH").map(|path| std::env::split_paths(&path).collect()).unwrap_or_default()
}

/// Whether this runs in continuous integration, where nobody looks on: `CI`.
pub(crate) fn is_ci() -> bool {
    var("CI").is_some_and(|value| value != "false" && value != "0")
}
