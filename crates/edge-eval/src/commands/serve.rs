//! `edge-eval serve`: the embedded engine's OpenAI-compatible server. A stage of the lifecycle, and a server in its own right.

use std::{net::IpAddr, path::PathBuf, sync::Arc};

use ::serve::{Adapter, Event, Limits, Listen, Model, ServeJob, What};
use anyhow::Context;
use clap::ValueEnum;
use model::{Base, Compute, LoadOptions};

use crate::{
    end::End,
    gate, setup, signals,
    stage::{Protocol, StageArgs},
};

/// Serve a model with an OpenAI-compatible API: chat and text completions, streaming, metrics
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  edge-eval serve meta-llama/Llama-3.2-1B-Instruct --port 8000\n  curl http://127.0.0.1:8000/v1/models")]
pub(crate) struct Args {
    /// A model folder, a GGUF file, or a hub id
    model: String,
    /// A PEFT adapter folder to put on top of it
    #[arg(long, value_name = "DIR")]
    adapter: Option<PathBuf>,
    /// Address to listen on; there is no authentication
    #[arg(long, default_value = "127.0.0.1")]
    host: IpAddr,
    /// Port; 0 lets the system choose one
    #[arg(long, default_value_t = 8000)]
    port: u16,
    /// The name requests carry; that of the folder or file without it
    #[arg(long)]
    model_name: Option<String>,
    /// Sequences decoded at the same time
    #[arg(long, default_value_t = 8)]
    max_concurrent: usize,
    /// Longest prompt plus answer in tokens; without it the model's own, at most 4096
    #[arg(long)]
    context_length: Option<usize>,
    /// Number format of dense weights and of the arithmetic
    #[arg(long, value_enum, default_value_t = Format::Auto)]
    compute: Format,
    #[command(flatten)]
    stage: StageArgs,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Auto,
    F32,
    F16,
}

pub(crate) fn run(args: Args) -> anyhow::Result<End> {
    let protocol = Protocol::begin(&args.stage)?;
    let job = ServeJob {
        model: Model {
            path: setup::model(&args.model)?.path,
            name: args.model_name,
            context_length: args.context_length,
            options: LoadOptions {
                device: model::device::best(),
                compute: match args.compute {
                    Format::Auto => Compute::Auto,
                    Format::F32 => Compute::F32,
                    Format::F16 => Compute::F16,
                },
                base: Base::AsStored,
            },
            adapter: args.adapter.map(adapter),
        },
        listen: Listen { host: args.host, port: args.port },
        limits: Limits::concurrent(args.max_concurrent),
    };
    let json = args.stage.json;
    let told = Arc::new(move |event: &Event| tell(protocol, json, event));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().context("starting the event loop")?;
    let served = runtime.block_on(::serve::run(job, told, signals::stopped()));
    protocol.end(served.map_err(Into::into).map(|()| serde_json::Map::<String, serde_json::Value>::new()))
}

/// Puts an adapter on a loaded model.
fn adapter(path: PathBuf) -> Adapter {
    let folder = path.clone();
    Adapter {
        path,
        attach: Box::new(move |decoder| {
            let peft = ::adapt::peft::read(&folder)?;
            ::adapt::lora::attach_peft(decoder, &peft)?;
            Ok(())
        }),
    }
}

fn tell(protocol: Protocol, json: bool, event: &Event) {
    if json {
        let phase = event.phase();
        // `start` was told when the process began; the server's own is later and tells nothing more.
        if phase.phase != "start" {
            protocol.pass(&phase);
        }
        return;
    }
    match &event.what {
        What::Listening { address } => gate::note(&format!("listening on http://{address}, loading the model")),
        What::Ready { address, model, context_length } => {
            gate::note(&format!("ready: model {model:?}, context {context_length} tokens, http://{address}/v1/chat/completions"));
        }
        What::Stopping => gate::note("stopping"),
        What::Start | What::Read { .. } | What::FirstToken => {}
    }
}
