//! What to serve: a model on disk and how to hold it, and the server around it.

use std::future::Future;
use std::path::PathBuf;

use model::{Decoder, LoadOptions};

use crate::backend::{self, Failure};
use crate::error::Result;
use crate::limits::Limits;
use crate::observer::Observer;
use crate::run::{Listen, run_with};

/// A model to serve.
pub struct Model {
    /// A Hugging Face folder or a GGUF file.
    pub path: PathBuf,
    /// The name requests must carry; `None` takes the folder's or file's.
    pub name: Option<String>,
    /// Longest prompt plus answer in tokens; `None` takes the model's own, at most 4096.
    pub context_length: Option<usize>,
    /// How the weights are held.
    pub options: LoadOptions,
    /// An adapter on top of them.
    pub adapter: Option<Adapter>,
}

/// An adapter, and how it is put on: reading adapters is another room's business.
pub struct Adapter {
    /// Where it is, for messages.
    pub path: PathBuf,
    /// Attaches it to the base model.
    pub attach: Attach,
}

/// Changes a model's linear layers after they are loaded.
pub type Attach = Box<dyn FnOnce(&mut Decoder) -> std::result::Result<(), Failure> + Send>;

/// A server to run.
pub struct ServeJob {
    /// What it serves.
    pub model: Model,
    /// Where it listens.
    pub listen: Listen,
    /// What it allows.
    pub limits: Limits,
}

/// Serves until `shutdown` completes.
///
/// # Errors
/// The address cannot be bound, the model cannot be loaded, or the socket or the engine fails.
pub async fn run(job: ServeJob, observer: Observer, shutdown: impl Future<Output = ()>) -> Result<()> {
    let ServeJob { model, listen, limits } = job;
    let told = observer.clone();
    run_with(listen, limits, move || backend::load(model, &told), observer, shutdown).await
}
