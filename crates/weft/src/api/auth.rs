//! Who may do what: a bearer token for every write, and for every read where others than this machine are listened to:
//! what comes from loopback there may come through a proxy.
//! The token itself is never stored, only its hash; nothing here logs it.

use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

use super::{App, No};

/// A token as a person gets to see it: once.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl std::fmt::Debug for Token {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Token(…)")
    }
}

impl Token {
    /// A new token: 32 bytes of the machine's randomness, in hexadecimal.
    pub fn random() -> Result<Self, getrandom::Error> {
        let mut bytes = [0_u8; 32];
        getrandom::fill(&mut bytes)?;
        Ok(Self(bytes.iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })))
    }

    /// A token that somebody gave.
    pub fn given(text: &str) -> Self {
        Self(text.trim().to_owned())
    }

    /// The token, for the one place where it is shown.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What is stored of it. A token has 256 bits of randomness, so a plain hash cannot be guessed back.
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.0.as_bytes()).into()
    }
}

/// Who may write, and under which names this server is called.
#[derive(Debug, Clone)]
pub struct Gate {
    hash: [u8; 32],
    /// Whether the server listens on loopback only: then it is called by loopback names only, which
    /// keeps pages of other sites from reading it through a name of their own.
    is_loopback: bool,
}

impl Gate {
    /// A gate that opens for the token with this hash.
    pub const fn new(hash: [u8; 32], is_loopback: bool) -> Self {
        Self { hash, is_loopback }
    }

    /// Compares in a time that does not depend on where the hashes differ.
    fn opens_for(&self, token: &str) -> bool {
        let given = Token::given(token).hash();
        let differ = given.iter().zip(&self.hash).fold(0_u8, |differ, (a, b)| differ | (a ^ b));
        differ == 0
    }

    fn judge(
        &self,
        method: &Method,
        path: &str,
        peer: IpAddr,
        headers: &HeaderMap,
    ) -> Result<(), No> {
        if self.is_loopback && !is_called_by_loopback_name(headers) {
            return Err(No::forbidden(
                "expected to be called as localhost or 127.0.0.1, found another host name",
            ));
        }
        let is_read = matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
        let is_open = !path.starts_with("/api/") && path != "/metrics";
        if is_read && (is_open || (self.is_loopback && peer.is_loopback())) {
            return Ok(());
        }
        let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        match given.and_then(|value| value.strip_prefix("Bearer ")) {
            Some(token) if self.opens_for(token) => Ok(()),
            Some(_) => Err(No::unauthorized(
                "expected the token that the first start printed, found another",
            )),
            None => Err(No::unauthorized(
                "expected the header `Authorization: Bearer TOKEN`, found none; the first start printed the token",
            )),
        }
    }
}

fn is_called_by_loopback_name(headers: &HeaderMap) -> bool {
    let Some(name) = headers.get(header::HOST).and_then(|value| value.to_str().ok()) else {
        return true;
    };
    let bare = match name.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or(rest),
        None => name.split(':').next().unwrap_or(name),
    };
    bare.eq_ignore_ascii_case("localhost")
        || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Lets a request through, or answers why not.
pub(super) async fn guard(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path();
    match app.gate.judge(request.method(), path, peer.ip().to_canonical(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(no) => no.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn only_the_token_opens_what_is_not_a_read_from_here() {
        let token = Token::random().expect("randomness");
        let gate = Gate::new(token.hash(), true);
        let (here, there): (IpAddr, IpAddr) = ([127, 0, 0, 1].into(), [192, 0, 2, 1].into());
        let check = |method: Method, path: &str, peer, bearer: Option<&str>, expected: u16| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, HeaderValue::from_static("localhost:7373"));
            if let Some(bearer) = bearer {
                let value = HeaderValue::from_str(&format!("Bearer {bearer}")).expect("a header");
                headers.insert(header::AUTHORIZATION, value);
            }
            let found =
                gate.judge(&method, path, peer, &headers).map_or_else(|no| no.0.status, |()| 200);
            assert_eq!(found, expected, "{method} {path} from {peer} with {bearer:?}");
        };
        let right = Some(token.reveal());
        check(Method::GET, "/api/v1/hosts", here, None, 200);
        let open = Gate::new(token.hash(), false);
        let proxied = open.judge(&Method::GET, "/api/v1/hosts", here, &HeaderMap::new());
        assert_eq!(proxied.map_err(|no| no.0.status), Err(401), "through a proxy on this machine");
        check(Method::GET, "/api/v1/hosts", there, None, 401);
        check(Method::GET, "/api/v1/hosts", there, right, 200);
        check(Method::GET, "/", there, None, 200);
        check(Method::GET, "/metrics", there, None, 401);
        check(Method::POST, "/api/v1/pause", here, None, 401);
        check(Method::POST, "/api/v1/pause", here, Some("guess"), 401);
        check(Method::POST, "/api/v1/pause", here, right, 200);
    }

    #[test]
    fn a_page_of_another_site_cannot_call_by_its_own_name() {
        let check = |name: &'static str, expected: bool| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, HeaderValue::from_static(name));
            assert_eq!(is_called_by_loopback_name(&headers), expected, "{name}");
        };
        check("localhost:7373", true);
        check("127.0.0.1", true);
        check("[::1]:7373", true);
        check("weft.example:7373", false);
        check("127.0.0.1.weft.example", false);
    }
}
