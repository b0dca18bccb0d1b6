//! One connection: TCP, TLS by rustls where the scheme asks for it, HTTP/1.1 by hyper, and the instants of its reads and
//! writes taken at the socket, beneath TLS and HTTP.
//!
//! The connection is driven by the task that uses it. hyper hands over at most one body frame before it asks for the next,
//! so the last read's instant is the frame's own.

use std::{
    future::Future,
    io,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};
use tokio_rustls::{
    TlsConnector,
    rustls::{ClientConfig, RootCertStore, crypto::ring, pki_types::ServerName},
};
use units::Nanos;

use crate::{Failure, target::Target};

/// The instants of one socket, shared with the wrapper that hyper owns. Zero means not yet.
#[derive(Default)]
pub(crate) struct Stamps {
    first_write: AtomicU64,
    last_read: AtomicU64,
}

impl Stamps {
    /// Forgets the first write, before a new request.
    pub(crate) fn reset(&self) {
        self.first_write.store(0, Relaxed);
    }

    /// When the first bytes since [`Stamps::reset`] were handed to the socket.
    pub(crate) fn first_write(&self) -> Option<Nanos> {
        let at = self.first_write.load(Relaxed);
        (at != 0).then_some(Nanos(at))
    }

    /// When the last read returned, end of file included.
    pub(crate) fn last_read(&self) -> Nanos {
        Nanos(self.last_read.load(Relaxed))
    }
}

/// A socket that stamps.
struct Stamped {
    socket: TcpStream,
    stamps: Arc<Stamps>,
}

impl AsyncRead for Stamped {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.socket).poll_read(cx, buf);
        if polled.is_ready() {
            self.stamps.last_read.store(record::clock::now().get(), Relaxed);
        }
        polled
    }
}

impl Stamped {
    /// Stamps from before the call: on a busy machine the answer can come before the call is back.
    fn write(&mut self, write: impl FnOnce(Pin<&mut TcpStream>) -> Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        let before = record::clock::now();
        let polled = write(Pin::new(&mut self.socket));
        if matches!(polled, Poll::Ready(Ok(_))) && self.stamps.first_write.load(Relaxed) == 0 {
            self.stamps.first_write.store(before.get(), Relaxed);
        }
        polled
    }
}

impl AsyncWrite for Stamped {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.write(|socket| socket.poll_write(cx, buf))
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bufs: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        self.write(|socket| socket.poll_write_vectored(cx, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}

/// Plain or TLS: hyper need not know.
trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

type Io = TokioIo<Box<dyn Duplex>>;

/// How to open connections to one server.
pub(crate) struct Connector {
    target: Target,
    tls: Option<TlsConnector>,
}

impl Connector {
    /// Trusts the web's public roots (the `webpki-roots` crate), for `https` targets.
    pub(crate) fn new(target: Target) -> Self {
        let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        Self::with_roots(target, roots)
    }

    fn with_roots(target: Target, roots: RootCertStore) -> Self {
        let tls = target.tls.then(|| {
            let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
                .with_safe_default_protocol_versions()
                .expect("ring supports the default versions");
            let mut config = config.with_root_certificates(roots).with_no_client_auth();
            config.alpn_protocols = vec![b"http/1.1".to_vec()];
            TlsConnector::from(Arc::new(config))
        });
        Self { target, tls }
    }

    /// Opens one connection.
    pub(crate) async fn open(&self) -> Result<Connection, Failure> {
        let failed = |error: io::Error| Failure::Connect(error.to_string().to_lowercase());
        let socket = TcpStream::connect((self.target.host.as_str(), self.target.port)).await.map_err(failed)?;
        socket.set_nodelay(true).map_err(failed)?;
        let stamps = Arc::new(Stamps::default());
        let stamped = Stamped { socket, stamps: Arc::clone(&stamps) };
        let io: Box<dyn Duplex> = match &self.tls {
            None => Box::new(stamped),
            Some(tls) => {
                let name = ServerName::try_from(self.target.host.clone()).map_err(|error| Failure::Connect(format!("tls: {error}")))?;
                let session = tls.connect(name, stamped).await;
                Box::new(session.map_err(|error| Failure::Connect(format!("tls: {error}")))?)
            }
        };
        let (sender, driver) = http1::handshake(TokioIo::new(io)).await.map_err(|error| Failure::Connect(error.to_string()))?;
        Ok(Connection { sender, driver: Driver(Some(Box::pin(driver))), stamps })
    }
}

/// An open connection.
pub(crate) struct Connection {
    pub(crate) sender: http1::SendRequest<Full<Bytes>>,
    pub(crate) driver: Driver,
    pub(crate) stamps: Arc<Stamps>,
}

/// hyper's half of the connection, which moves only when polled. `None` once it has ended: dropping it is what tells the
/// other half.
pub(crate) struct Driver(Option<Pin<Box<Http>>>);

type Http = http1::Connection<Io, Full<Bytes>>;

impl Driver {
    /// Runs `wanted` to its end while moving the connection along.
    pub(crate) async fn drive<F: Future>(&mut self, wanted: F) -> F::Output {
        let mut wanted = pin!(wanted);
        std::future::poll_fn(|cx| {
            if let Poll::Ready(output) = wanted.as_mut().poll(cx) {
                return Poll::Ready(output);
            }
            // An error of the connection reaches `wanted` too, and is told from there.
            if self.0.as_mut().is_some_and(|connection| connection.as_mut().poll(cx).is_ready()) {
                self.0 = None;
            }
            wanted.as_mut().poll(cx)
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use tokio_rustls::rustls::{
        ServerConfig, ServerConnection, StreamOwned,
        pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer},
    };

    use super::*;

    /// A TLS server that answers one request with `hello`; returns its port.
    fn tls_server() -> u16 {
        let certificate = CertificateDer::from(include_bytes!("../tests/fixtures/cert.der").to_vec());
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(include_bytes!("../tests/fixtures/key.der").to_vec()));
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            let (socket, _) = listener.accept().unwrap();
            let mut session = StreamOwned::new(ServerConnection::new(Arc::new(config)).unwrap(), socket);
            let mut head = [0; 4096];
            // The client that does not trust us hangs up here.
            if session.read(&mut head).is_ok() {
                session.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello").unwrap();
            }
        });
        port
    }

    fn open(roots: RootCertStore) -> Result<(u16, bool), Failure> {
        let target = Target::parse(&format!("https://127.0.0.1:{}", tls_server())).unwrap();
        let connector = Connector::with_roots(target, roots);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut connection = connector.open().await?;
            let request = hyper::Request::builder().uri("/").header("host", "h").body(Full::default()).unwrap();
            let response = connection.driver.drive(connection.sender.send_request(request)).await.unwrap();
            let stamped = connection.stamps.first_write().is_some() && connection.stamps.last_read() > Nanos(0);
            Ok((response.status().as_u16(), stamped))
        })
    }

    #[test]
    fn a_trusted_server_is_spoken_to_over_tls() {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from(include_bytes!("../tests/fixtures/cert.der").to_vec())).unwrap();
        assert_eq!(open(roots), Ok((200, true)));
    }

    #[test]
    fn an_untrusted_server_is_refused() {
        let refused = open(RootCertStore::empty()).unwrap_err();
        assert!(matches!(&refused, Failure::Connect(reason) if reason.starts_with("tls: ")), "{refused}");
    }
}
