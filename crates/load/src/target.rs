//! The server's address: a base URL as people write it, taken apart. Not a general URL library.

use http::Uri;

use crate::{Error, Result};

/// Which call of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Endpoint {
    Chat,
    Completions,
}

/// Where to connect and what to ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) tls: bool,
    /// Name or address without brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// The `Host` header.
    pub(crate) authority: String,
    /// Path before `/chat/completions`, such as `/v1`.
    prefix: String,
}

impl Target {
    /// Takes `http://host:port`, with or without `/v1` or another prefix behind it.
    ///
    /// # Errors
    /// The URL does not parse, has no host, carries a user name, or is neither `http` nor `https`.
    pub(crate) fn parse(url: &str) -> Result<Self> {
        // What may hold a password or a key is not said back.
        let shown = if url.contains(['@', '?']) { "(hidden)" } else { url };
        let bad = |reason: &str| Error::Url { url: shown.to_owned(), reason: reason.to_owned() };
        let uri: Uri = url.parse().map_err(|error: http::uri::InvalidUri| bad(&error.to_string()))?;
        let tls = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            Some(_) => return Err(bad("only http and https are spoken")),
            None => return Err(bad("it has no scheme")),
        };
        let authority = uri.authority().ok_or_else(|| bad("it has no host"))?;
        if authority.as_str().contains('@') {
            return Err(bad("it carries a user name or password"));
        }
        if uri.query().is_some() {
            return Err(bad("it has a query"));
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = authority.port_u16().unwrap_or(if tls { 443 } else { 80 });
        let prefix = match uri.path().trim_end_matches('/') {
            "" => "/v1",
            path => path,
        };
        Ok(Self { tls, host, port, authority: authority.to_string(), prefix: prefix.to_owned() })
    }

    /// The path of a call.
    pub(crate) fn path(&self, endpoint: Endpoint) -> String {
        let call = match endpoint {
            Endpoint::Chat => "chat/completions",
            Endpoint::Completions => "completions",
        };
        format!("{}/{call}", self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(url: &str, host: &str, port: u16, tls: bool, chat: &str) {
        let target = Target::parse(url).unwrap();
        assert_eq!((target.host.as_str(), target.port, target.tls), (host, port, tls));
        assert_eq!(target.path(Endpoint::Chat), chat);
    }

    #[test]
    fn bases_as_people_write_them() {
        check("http://localhost:8000", "localhost", 8000, false, "/v1/chat/completions");
        check("http://localhost:8000/", "localhost", 8000, false, "/v1/chat/completions");
        check("http://localhost:8000/v1/", "localhost", 8000, false, "/v1/chat/completions");
        check("https://api.example.org/openai/v1", "api.example.org", 443, true, "/openai/v1/chat/completions");
        check("http://[::1]:81", "::1", 81, false, "/v1/chat/completions");
    }

    #[test]
    fn what_is_not_an_address_is_refused() {
        for url in [
            "",
            "localhost:8000",
            "ftp://h/",
            "http://",
            "http://h/?q=1",
            "/v1",
            "http://user:pw@h/",
            "http://user:pw@h h/",
            "http://h/?key=pw",
        ] {
            let error = Target::parse(url).unwrap_err();
            assert!(error.hint().is_some(), "{url}");
            assert!(!error.to_string().contains("pw"), "{error}");
        }
    }
}
