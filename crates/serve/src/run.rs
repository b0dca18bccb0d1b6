//! The life of a server: bind, load, answer, stop. The socket is bound first, so that a port in use costs no loading, and so that
//! probes are answered 503 while the model loads.

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::backend::Loaded;
use crate::error::{Error, Result};
use crate::limits::Limits;
use crate::metrics::Metrics;
use crate::observer::{Event, Observer, What};
use crate::scheduler::{self, Engine};
use crate::server::{self, App};

/// How long connections may take to end once their requests have been ended.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// Where to listen.
#[derive(Clone, Copy, Debug)]
pub struct Listen {
    /// Usually 127.0.0.1: there is no authentication.
    pub host: IpAddr,
    /// 0 lets the system choose a free one, told by [`What::Listening`].
    pub port: u16,
}

/// Serves what `loader` loads until `shutdown` completes. Running requests then have [`Limits::grace`] to end.
///
/// `loader` runs on the engine's own thread and the model never leaves it.
///
/// # Errors
/// The address cannot be bound, the model cannot be loaded, or the socket or the engine fails.
pub async fn run_with(
    listen: Listen,
    limits: Limits,
    loader: impl FnOnce() -> Result<Loaded> + Send + 'static,
    observer: Observer,
    shutdown: impl Future<Output = ()>,
) -> Result<()> {
    observer(&Event::now(What::Start));
    check(&limits)?;
    let (listener, address) = bind(listen).await?;
    observer(&Event::now(What::Listening { address }));
    let metrics = Arc::new(Metrics::default());
    let (handle, engine) = scheduler::spawn(loader, &limits, &metrics, observer.clone()).map_err(Error::Thread)?;
    let app = Arc::new(App::new(handle, metrics, limits));
    let (close, closing) = watch::channel(false);
    let mut answering = tokio::spawn(answer(listener, app.clone(), closing));
    let outcome = tokio::select! {
        error = live(engine, &app, address, &observer) => Err(error),
        () = shutdown => Ok(()),
        ended = &mut answering => Err(Error::Socket(fault(ended))),
    };
    if outcome.is_ok() {
        observer(&Event::now(What::Stopping));
        close.send_replace(true);
        if timeout(limits.grace, &mut answering).await.is_err() {
            app.engine.stop();
            // Whoever still has not ended is cut off below.
            let _late = timeout(LAST_WORDS, &mut answering).await;
        }
    }
    app.engine.stop();
    answering.abort();
    outcome
}

async fn bind(listen: Listen) -> Result<(TcpListener, SocketAddr)> {
    let address = SocketAddr::new(listen.host, listen.port);
    let fail = |source| Error::Bind { address, source };
    let listener = TcpListener::bind(address).await.map_err(fail)?;
    let bound = listener.local_addr().map_err(fail)?;
    Ok((listener, bound))
}

/// Answers connections until told to close; those that are open then may end.
async fn answer(listener: TcpListener, app: Arc<App>, mut closing: watch::Receiver<bool>) -> std::io::Result<()> {
    // Tokens are small and late ones cost: no waiting for a full packet.
    let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
    let closed = async move {
        // An error means that nobody is left to tell, which is a reason to close too.
        let _gone = closing.wait_for(|close| *close).await;
    };
    axum::serve(listener, server::router(app)).with_graceful_shutdown(closed).await
}

/// Why answering ended although nobody asked it to.
fn fault(ended: std::result::Result<std::io::Result<()>, tokio::task::JoinError>) -> std::io::Error {
    match ended {
        Ok(Ok(())) => std::io::Error::other("the server ended by itself"),
        Ok(Err(error)) => error,
        Err(error) => std::io::Error::other(error),
    }
}

fn check(limits: &Limits) -> Result<()> {
    if limits.max_concurrent == 0 {
        return Err(Error::Limit { what: "max concurrent", got: 0, wanted: "at least 1".into() });
    }
    Ok(())
}

/// Opens the doors once the model is there; ends only with an error.
async fn live(engine: Engine, app: &App, address: SocketAddr, observer: &Observer) -> Error {
    let card = match engine.loaded.await {
        Ok(Ok(card)) => card,
        Ok(Err(error)) => return error,
        Err(_) => return Error::EngineDied,
    };
    let ready = What::Ready { address, model: card.name.clone(), context_length: card.context_length };
    // Nobody else sets it.
    let _set = app.card.set(card);
    observer(&Event::now(ready));
    // Nothing is ever sent: this ends when the thread does.
    let _ended = engine.ended.await;
    Error::EngineDied
}
