//! TLS by rustls over bytes that others read and write: it owns no socket, so the instants stay those of the wire.

use std::{
    io::{self, Read, Write},
    sync::Arc,
};

use rustls::{ClientConfig, ClientConnection, RootCertStore, crypto::ring, pki_types::ServerName};
use units::Nanos;

use crate::{Failure, wire::Wire};

/// How to speak TLS to one server.
#[derive(Clone, Debug)]
pub(crate) struct Tls {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
}

impl Tls {
    /// Trusts the web's public roots (the `webpki-roots` crate).
    pub(crate) fn new(host: &str) -> Result<Self, Failure> {
        Self::with_roots(host, RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() })
    }

    /// Trusts the given roots.
    pub(crate) fn with_roots(host: &str, roots: RootCertStore) -> Result<Self, Failure> {
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("ring supports the default versions");
        let mut config = config.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let name = ServerName::try_from(host.to_owned()).map_err(failed)?;
        Ok(Self { config: Arc::new(config), name })
    }

    /// Begins a session: its first message waits to be flushed.
    pub(crate) fn session(&self) -> Result<Session, Failure> {
        let mut connection = ClientConnection::new(Arc::clone(&self.config), self.name.clone()).map_err(failed)?;
        connection.set_buffer_limit(None);
        Ok(Session(Box::new(connection)))
    }
}

fn failed(error: impl std::fmt::Display) -> Failure {
    Failure::Connect(format!("tls: {error}"))
}

/// One connection's session.
#[derive(Debug)]
pub(crate) struct Session(Box<ClientConnection>);

impl Session {
    /// The handshake is not over.
    pub(crate) fn is_shaking(&self) -> bool {
        self.0.is_handshaking()
    }

    /// Takes bytes off the wire and appends what they say to `plain`.
    ///
    /// # Errors
    /// They are no TLS, or the certificate is not trusted.
    pub(crate) fn receive(&mut self, mut bytes: &[u8], plain: &mut Vec<u8>) -> Result<(), Failure> {
        while !bytes.is_empty() {
            if self.0.read_tls(&mut bytes).map_err(failed)? == 0 {
                break;
            }
            let state = self.0.process_new_packets().map_err(failed)?;
            let from = plain.len();
            plain.resize(from + state.plaintext_bytes_to_read(), 0);
            self.0.reader().read_exact(&mut plain[from..]).map_err(failed)?;
        }
        Ok(())
    }

    /// Encrypts bytes, to be flushed.
    pub(crate) fn send(&mut self, plain: &[u8]) {
        self.0.writer().write_all(plain).expect("its buffer has no limit");
    }

    /// Writes what waits; gives the instant before the first write, if there was one. What there is no room for goes on waiting.
    ///
    /// # Errors
    /// The connection was reset.
    pub(crate) fn flush(&mut self, wire: &mut Wire) -> io::Result<Option<Nanos>> {
        let mut out = Out { wire, first: None };
        while self.0.wants_write() {
            match self.0.write_tls(&mut out) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                other => other.map(drop)?,
            }
        }
        Ok(out.first)
    }

    /// Nothing waits to be written.
    pub(crate) fn is_flushed(&self) -> bool {
        !self.0.wants_write()
    }
}

/// The wire as a writer that remembers its first write.
struct Out<'a> {
    wire: &'a mut Wire,
    first: Option<Nanos>,
}

impl Write for Out<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let (length, at) = self.wire.write(bytes)?;
        self.first.get_or_insert(at);
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
