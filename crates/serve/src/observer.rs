//! What a server tells while it runs: a closed list of events, which the binary prints as the line protocol. Nothing is printed here.

use std::net::SocketAddr;
use std::sync::Arc;

use serde_json::{Map, Value, json};
use units::{Bytes, Nanos};

/// Who is told. Called from the server's threads, so it must return at once.
pub type Observer = Arc<dyn Fn(&Event) + Send + Sync>;

/// Something happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// When, stamped where it happened.
    pub at: Nanos,
    /// What.
    pub what: What,
}

/// The life of a server, in order.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// The server was asked for.
    Start,
    /// The socket accepts connections; requests are answered 503 until the model is ready.
    Listening {
        /// The bound address; a port of 0 has become a real one.
        address: SocketAddr,
    },
    /// The weights are mapped or read.
    Read {
        /// Logical bytes held for weights.
        weights: Bytes,
    },
    /// The model answers.
    Ready {
        /// The bound address.
        address: SocketAddr,
        /// The name requests carry.
        model: String,
        /// Longest prompt plus answer, in tokens.
        context_length: usize,
    },
    /// The first token of the server's first request.
    FirstToken,
    /// It was told to stop.
    Stopping,
}

impl Event {
    pub(crate) fn now(what: What) -> Self {
        Self { at: record::clock::now(), what }
    }

    /// The event as one mark of the line protocol.
    pub fn phase(&self) -> record::Phase {
        record::Phase { phase: self.what.name().into(), at: self.at, facts: self.what.facts() }
    }
}

impl What {
    fn name(&self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Listening { .. } => "listening",
            Self::Read { .. } => "read",
            Self::Ready { .. } => "ready",
            Self::FirstToken => "first_token",
            Self::Stopping => "stopping",
        }
    }

    fn facts(&self) -> Map<String, Value> {
        let facts = match self {
            Self::Start | Self::FirstToken | Self::Stopping => json!({}),
            Self::Listening { address } => json!({"host": address.ip().to_string(), "port": address.port()}),
            Self::Read { weights } => json!({"weights_bytes": weights}),
            Self::Ready { address, model, context_length } => {
                json!({"host": address.ip().to_string(), "port": address.port(), "model": model, "context_length": context_length})
            }
        };
        match facts {
            Value::Object(map) => map,
            _ => Map::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_a_line_of_the_protocol() {
        let event = Event { at: Nanos(7), what: What::Listening { address: "127.0.0.1:8080".parse().unwrap() } };
        let line = serde_json::to_string(&event.phase()).unwrap();
        assert_eq!(line, r#"{"phase":"listening","at":7,"facts":{"host":"127.0.0.1","port":8080}}"#);
        let line = serde_json::to_string(&Event { at: Nanos(8), what: What::FirstToken }.phase()).unwrap();
        assert_eq!(line, r#"{"phase":"first_token","at":8}"#);
    }
}
