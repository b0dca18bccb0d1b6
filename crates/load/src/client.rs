//! One request over one connection: the timed path. It stamps, pushes raw bytes and returns; nothing is parsed here.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Method, Request, Response, body::Incoming, header};
use units::{Nanos, Seconds};

use crate::{
    ApiKey, Failure,
    body::Ready,
    connect::{Connection, Connector},
    failure::excerpt,
    target::Target,
};

/// Most bytes taken of one answer: a server that never stops must not fill the memory.
const ANSWER_LIMIT: u64 = 64 << 20;

/// Most bytes kept of an error's body.
const ERROR_LIMIT: usize = 64 << 10;

/// Longest wait for a connection; a shorter request timeout is kept.
const CONNECT_LIMIT: Seconds = Seconds(10.0);

/// What one request looked like from the socket.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) index: usize,
    pub(crate) due: Nanos,
    pub(crate) sent: Option<Nanos>,
    pub(crate) headers: Option<Nanos>,
    pub(crate) status: Option<u16>,
    /// Body bytes as they were read.
    pub(crate) chunks: Vec<(Nanos, Bytes)>,
    pub(crate) bytes: u64,
    pub(crate) end: Nanos,
    pub(crate) failure: Option<Failure>,
}

impl Exchange {
    fn new(index: usize, due: Nanos) -> Self {
        Self { index, due, sent: None, headers: None, status: None, chunks: Vec::new(), bytes: 0, end: due, failure: None }
    }
}

/// What every request of a job shares.
pub(crate) struct Client {
    connector: Connector,
    authority: header::HeaderValue,
    authorization: Option<header::HeaderValue>,
    timeout: Seconds,
}

impl Client {
    /// `None` when the API key cannot stand in a header.
    pub(crate) fn new(target: Target, api_key: Option<&ApiKey>, timeout: Seconds) -> Option<Self> {
        let authority = header::HeaderValue::from_str(&target.authority).ok()?;
        let authorization = match api_key {
            None => None,
            Some(key) => {
                let mut value = header::HeaderValue::from_str(&format!("Bearer {}", key.expose())).ok()?;
                value.set_sensitive(true);
                Some(value)
            }
        };
        Some(Self { connector: Connector::new(target), authority, authorization, timeout })
    }

    /// Opens a connection within the connect limit.
    pub(crate) async fn open(&self) -> Result<Connection, Failure> {
        let limit = self.timeout.get().min(CONNECT_LIMIT.get());
        let opened = tokio::time::timeout(std::time::Duration::from_secs_f64(limit), self.connector.open()).await;
        opened.unwrap_or_else(|_| Err(Failure::Connect(format!("no answer within {limit} s"))))
    }

    /// Sends one request and takes its whole answer. `line` holds the stream's connection between requests; a request that
    /// spoilt it leaves `None`.
    pub(crate) async fn exchange(&self, index: usize, due: Nanos, ready: &Ready, line: &mut Option<Connection>) -> Exchange {
        let mut exchange = Exchange::new(index, due);
        let limit = std::time::Duration::from_secs_f64(self.timeout.get());
        let outcome = tokio::time::timeout(limit, self.attempt(ready, line, &mut exchange)).await.unwrap_or(Err(Failure::Timeout));
        match outcome {
            Ok(()) => {}
            Err(failure) => {
                if !matches!(failure, Failure::Status(..)) {
                    *line = None;
                }
                exchange.end = record::clock::now();
                exchange.failure = Some(failure);
            }
        }
        exchange
    }

    async fn attempt(&self, ready: &Ready, line: &mut Option<Connection>, exchange: &mut Exchange) -> Result<(), Failure> {
        let response = self.send(ready, line, exchange).await?;
        let connection = line.as_mut().expect("a response came over it");
        exchange.headers = Some(connection.stamps.last_read());
        exchange.status = Some(response.status().as_u16());
        if !response.status().is_success() {
            return Err(refusal(response, line).await);
        }
        check_content_type(&response)?;
        receive(response, connection, exchange).await
    }

    /// Sends, once more over a fresh connection when the kept one had been closed before anything was written on it.
    async fn send(&self, ready: &Ready, line: &mut Option<Connection>, exchange: &mut Exchange) -> Result<Response<Incoming>, Failure> {
        let mut request = self.request(ready);
        loop {
            let kept = line.is_some();
            let connection = match line {
                Some(connection) => connection,
                None => line.insert(self.open().await?),
            };
            connection.stamps.reset();
            if connection.driver.drive(connection.sender.ready()).await.is_err() && kept {
                *line = None;
                continue;
            }
            let sending = connection.sender.try_send_request(request);
            let answered = connection.driver.drive(sending).await;
            exchange.sent = connection.stamps.first_write();
            match answered {
                Ok(response) => return Ok(response),
                Err(mut error) => match error.take_message() {
                    Some(unsent) if kept => {
                        *line = None;
                        request = unsent;
                    }
                    _ => return Err(transport(error.error())),
                },
            }
        }
    }

    fn request(&self, ready: &Ready) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(ready.bytes.clone()));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = ready.path.clone();
        let headers = request.headers_mut();
        headers.insert(header::HOST, self.authority.clone());
        headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
        headers.insert(header::ACCEPT, header::HeaderValue::from_static("text/event-stream"));
        headers.insert(header::USER_AGENT, header::HeaderValue::from_static(concat!("edge-eval/", env!("CARGO_PKG_VERSION"))));
        if let Some(key) = &self.authorization {
            headers.insert(header::AUTHORIZATION, key.clone());
        }
        request
    }
}

/// Takes the stream: for each frame the instant of its read, and its bytes.
async fn receive(response: Response<Incoming>, connection: &mut Connection, exchange: &mut Exchange) -> Result<(), Failure> {
    let mut body = response.into_body();
    while let Some(frame) = connection.driver.drive(body.frame()).await {
        let Ok(bytes) = frame.map_err(|error| transport(&error))?.into_data() else { continue };
        exchange.bytes += bytes.len() as u64;
        exchange.chunks.push((connection.stamps.last_read(), bytes));
        if exchange.bytes > ANSWER_LIMIT {
            return Err(Failure::TooLarge);
        }
    }
    exchange.end = connection.stamps.last_read();
    Ok(())
}

/// Reads what a server says with its refusal. The connection is kept when the whole of it was read.
async fn refusal(response: Response<Incoming>, line: &mut Option<Connection>) -> Failure {
    let status = response.status().as_u16();
    let mut body = response.into_body();
    let mut said = Vec::new();
    if let Some(connection) = line {
        while let Some(frame) = connection.driver.drive(body.frame()).await {
            match frame.map(hyper::body::Frame::into_data) {
                Ok(Ok(bytes)) if said.len() + bytes.len() <= ERROR_LIMIT => said.extend_from_slice(&bytes),
                Ok(Err(_)) => {}
                _ => {
                    *line = None;
                    break;
                }
            }
        }
    }
    Failure::Status(status, excerpt(&said))
}

fn check_content_type(response: &Response<Incoming>) -> Result<(), Failure> {
    let found = response.headers().get(header::CONTENT_TYPE).map_or(&b"no content type"[..], header::HeaderValue::as_bytes);
    if found.to_ascii_lowercase().starts_with(b"text/event-stream") {
        return Ok(());
    }
    Err(Failure::NotEventStream(excerpt(found)))
}

fn transport(error: &hyper::Error) -> Failure {
    if error.is_parse() { Failure::NotHttp(error.to_string()) } else { Failure::ClosedEarly }
}
