//! Serves a model until interrupted, printing the line protocol: `cargo run --release -p serve --example serve -- MODEL [PORT]`.
//! For trying the server by hand; the product's command is `edge-eval serve`.

use std::error::Error;
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use model::{Base, Compute, LoadOptions};
use serve::{Event, Limits, Listen, Model, ServeJob};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let path = args.next().ok_or("usage: serve MODEL [PORT]")?.into();
    let port = args.next().map_or(Ok(8080), |port| port.parse())?;
    let options = LoadOptions { device: model::device::best(), compute: Compute::Auto, base: Base::AsStored };
    let job = ServeJob {
        model: Model { path, name: None, context_length: None, options, adapter: None },
        listen: Listen { host: IpAddr::V4(Ipv4Addr::LOCALHOST), port },
        limits: Limits::concurrent(4),
    };
    let observer = Arc::new(|event: &Event| {
        let line = serde_json::to_string(&event.phase()).unwrap_or_default();
        // Nobody may be reading, which is no reason to stop.
        let _closed = writeln!(std::io::stdout(), "{line}");
    });
    let interrupted = async { drop(tokio::signal::ctrl_c().await) };
    serve::run(job, observer, interrupted).await.map_err(|error| {
        let hint = error.hint().map(|hint| format!("\nhint: {hint}")).unwrap_or_default();
        format!("{error}{hint}").into()
    })
}
