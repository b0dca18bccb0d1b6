//! A server in this process, on a port of its own.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use serve::{Event, Limits, Listen, Loaded, Observer, What, run_with};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::client;
use crate::fake::Fake;

/// A running server; dropped, it is cut off.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) events: mpsc::UnboundedReceiver<Event>,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<serve::Result<()>>,
}

pub(crate) fn limits(max_concurrent: usize) -> Limits {
    Limits { grace: Duration::from_millis(50), max_body_bytes: 64 << 10, ..Limits::concurrent(max_concurrent) }
}

/// Starts a server and waits until it is ready.
pub(crate) async fn start(fake: Fake) -> Server {
    start_with(fake, limits(4)).await
}

pub(crate) async fn start_with(fake: Fake, limits: Limits) -> Server {
    let mut server = spawn(limits, move || Ok(fake.loaded())).await;
    server.wait_for(|what| matches!(what, What::Ready { .. })).await;
    server
}

/// Starts a server and waits until it listens.
pub(crate) async fn spawn(limits: Limits, loader: impl FnOnce() -> serve::Result<Loaded> + Send + 'static) -> Server {
    let (tell, events) = mpsc::unbounded_channel();
    let observer: Observer = Arc::new(move |event: &Event| drop(tell.send(event.clone())));
    let (stop, stopped) = oneshot::channel::<()>();
    let listen = Listen { host: IpAddr::V4(Ipv4Addr::LOCALHOST), port: 0 };
    let task = tokio::spawn(run_with(listen, limits, loader, observer, async move { drop(stopped.await) }));
    let mut server = Server { address: SocketAddr::from(([0, 0, 0, 0], 0)), events, stop: Some(stop), task };
    let listening = server.wait_for(|what| matches!(what, What::Listening { .. })).await;
    let What::Listening { address } = listening.what else { unreachable!() };
    server.address = address;
    server
}

impl Server {
    pub(crate) async fn wait_for(&mut self, wanted: impl Fn(&What) -> bool) -> Event {
        loop {
            let event = self.events.recv().await.expect("the server ended before the event came");
            if wanted(&event.what) {
                return event;
            }
        }
    }

    pub(crate) fn tell_to_stop(&mut self) {
        self.stop.take().unwrap().send(()).unwrap();
    }

    pub(crate) async fn end(self) -> serve::Result<()> {
        self.task.await.unwrap()
    }

    /// The value of one line of `/metrics`.
    pub(crate) async fn metric(&self, name: &str) -> Option<f64> {
        let page = client::get(self.address, "/metrics").await.body;
        page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok())
    }

    /// Waits until a line of `/metrics` has a value.
    pub(crate) async fn until(&self, name: &str, value: f64) {
        for _ in 0..2000 {
            if self.metric(name).await == Some(value) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("{name} is {:?}, not {value}", self.metric(name).await);
    }
}

/// A response's JSON with what differs from run to run replaced, one field a line.
pub(crate) fn tidy(mut json: serde_json::Value) -> String {
    if let Some(object) = json.as_object_mut() {
        for (key, value) in object {
            let text = value.as_str().unwrap_or_default();
            match key.as_str() {
                "id" if text.contains("cmpl-") => *value = format!("{}-ID", text.split('-').next().unwrap()).into(),
                "created" => *value = "TIME".into(),
                _ => {}
            }
        }
    }
    serde_json::to_string_pretty(&json).unwrap()
}
