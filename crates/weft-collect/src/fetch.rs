//! Fetches bytes over HTTP with a bound on everything: time, size, redirects and attempts. It must never
//! connect to an address inside the operator's network when it was told to reach public ones only.
//!
//! Proxies of the environment are not used: a proxy resolves names itself, so nothing could be
//! promised about the address that is reached in the end.

use std::fmt;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use ureq::http::{HeaderName, HeaderValue, Response, StatusCode, Uri, header};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::typestate::WithBody;
use ureq::unversioned::transport::DefaultConnector;
use ureq::{Agent, RequestBuilder};

use reach::{Guard, Refused};

pub use reach::{Reach, is_public};
pub use waiting::{Asleep, Waiting};

mod reach;
mod waiting;

/// The most redirects that a request follows: http to https, a bare name to `www`, one to spare.
const MOST_REDIRECTS: u32 = 3;

/// The wait before the second attempt; it doubles with every further one.
const FIRST_WAIT: Duration = Duration::from_millis(250);

/// No wait between two attempts is longer, whatever the server asks for.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// How much of a refusal is kept to show: a sentence, not a page.
const MOST_REFUSAL_BYTES: u64 = 64 << 10;

/// What a server knows the caller by.
#[derive(Clone, PartialEq, Eq)]
pub enum Credentials {
    /// A bearer token.
    Bearer(String),
    /// A user and a password.
    Basic {
        /// The user's name, without a colon.
        user: String,
        /// The password.
        password: String,
    },
}

impl fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Bearer(_) => "Bearer(…)",
            Self::Basic { .. } => "Basic(…)",
        })
    }
}

impl Credentials {
    fn header(&self) -> Result<HeaderValue, FetchError> {
        let text = match self {
            Self::Bearer(token) => format!("Bearer {}", token.trim()),
            Self::Basic { user, password } => {
                format!("Basic {}", base64(format!("{user}:{password}").as_bytes()))
            }
        };
        let mut value = HeaderValue::from_str(&text).map_err(|_| FetchError::Credentials)?;
        value.set_sensitive(true);
        Ok(value)
    }
}

/// Bounds and identity of a [`Fetcher`].
#[derive(Debug, Clone)]
pub struct FetchSettings {
    /// Which addresses may be reached.
    pub reach: Reach,
    /// The longest wait for a connection, the name's resolution included.
    pub connect_timeout: Duration,
    /// The longest silence of a connected server.
    pub read_timeout: Duration,
    /// The longest time of one attempt, redirects and body included.
    pub total_timeout: Duration,
    /// The largest body, decompressed, in bytes.
    pub body_limit_bytes: u64,
    /// How often a request is tried before its error is given, at least once.
    pub attempts: u32,
    /// What the server knows the caller by; never sent on after a redirect.
    pub credentials: Option<Credentials>,
    /// A PEM file of the authorities that sign the server's certificate. They then stand in the place of
    /// the public ones, as `ca_file` does in Prometheus.
    pub ca_file: Option<PathBuf>,
    /// What the caller says it is.
    pub user_agent: String,
}

impl Default for FetchSettings {
    fn default() -> Self {
        Self {
            reach: Reach::PublicOnly,
            connect_timeout: Duration::from_secs(10),
            read_timeout: Duration::from_secs(30),
            total_timeout: Duration::from_secs(60),
            body_limit_bytes: 32 << 20,
            attempts: 3,
            credentials: None,
            ca_file: None,
            user_agent: concat!("weft/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}

/// Why nothing was fetched. Addresses stand in it without their query, which may hold a secret.
#[derive(Debug, Error)]
pub enum FetchError {
    /// The address is none.
    #[error("expected an http or https address without a user in it, found `{0}`")]
    Address(String),
    /// The token or password cannot be sent.
    #[error(
        "expected a token or password of visible ASCII characters, found another character in it"
    )]
    Credentials,
    /// The file of authorities could not be read.
    #[error("expected certificates in {path}, found none that can be read")]
    Authorities {
        /// The file.
        path: String,
        /// Why.
        #[source]
        cause: Option<std::io::Error>,
    },
    /// The name leads to addresses that must not be reached.
    #[error("asked {address}: expected a public address, found {found}")]
    Private {
        /// What was asked.
        address: String,
        /// The address it leads to.
        found: std::net::IpAddr,
    },
    /// The server did not answer in time.
    #[error("asked {address}: expected an answer within {limit_seconds} s, found none ({what})")]
    Late {
        /// What was asked.
        address: String,
        /// The bound that was met.
        limit_seconds: f64,
        /// What took so long.
        what: &'static str,
    },
    /// The server could not be reached, or broke off.
    #[error("asked {address}: expected an answer, found that {why}")]
    Broken {
        /// What was asked.
        address: String,
        /// What happened.
        why: String,
    },
    /// The body is larger than allowed.
    #[error("asked {address}: expected at most {limit_bytes} bytes, found more")]
    Large {
        /// What was asked.
        address: String,
        /// The bound.
        limit_bytes: u64,
    },
    /// The server led on too often, or led a request on that carries a body.
    #[error("asked {address}: expected at most {limit} redirects, found more")]
    Redirects {
        /// What was asked.
        address: String,
        /// The bound; 0 for a request with a body.
        limit: u32,
    },
    /// The server refused.
    #[error("asked {address}: expected status 200, found {status}{}", told(.body))]
    Refused {
        /// What was asked.
        address: String,
        /// The status.
        status: u16,
        /// What the server said of it.
        body: Vec<u8>,
    },
}

impl FetchError {
    /// Whether another attempt may go better.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Late { .. } | Self::Broken { .. } => true,
            Self::Refused { status, .. } => *status == 429 || (500..600).contains(status),
            _ => false,
        }
    }
}

/// The beginning of what a server says, made fit for one line.
fn told(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(&body[..body.len().min(300)]);
    let words: Vec<_> = text.split(|c: char| c.is_whitespace() || c.is_control()).collect();
    let line = words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    if line.is_empty() { line } else { format!(" ({line})") }
}

/// By what a server knows a version of what lies at an address (RFC 9110, 8.8).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Validators {
    etag: Option<HeaderValue>,
    last_modified: Option<HeaderValue>,
}

impl Validators {
    fn of(response: &Response<ureq::Body>) -> Self {
        let header = |name| response.headers().get(name).cloned();
        Self { etag: header(header::ETAG), last_modified: header(header::LAST_MODIFIED) }
    }

    fn conditions(&self) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
        let etag = self.etag.clone().map(|value| (header::IF_NONE_MATCH, value));
        let since = self.last_modified.clone().map(|value| (header::IF_MODIFIED_SINCE, value));
        etag.into_iter().chain(since)
    }
}

/// What was fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// The media type, as the server says.
    pub media_type: Option<String>,
    /// By what the server will know this version again.
    pub validators: Validators,
    /// The body, decompressed.
    pub body: Vec<u8>,
}

/// Fetches within its settings. Cloning it shares its connections.
#[derive(Debug, Clone)]
pub struct Fetcher {
    agent: Agent,
    settings: Arc<FetchSettings>,
    authorization: Option<HeaderValue>,
    waiting: Arc<dyn Waiting>,
}

/// One request, to be made once or several times.
#[derive(Clone, Copy)]
struct Request<'a> {
    url: &'a str,
    way: Way<'a>,
}

#[derive(Clone, Copy)]
enum Way<'a> {
    /// Unless the server still has the version that the caller knows, where one is given.
    Get(Option<&'a Validators>),
    Head,
    Form(&'a [(&'a str, &'a str)]),
    Json {
        body: &'a [u8],
        headers: &'a [(&'a str, &'a str)],
    },
}

impl Way<'_> {
    /// Whether a status says that the request was done. Who takes something in has nothing to give back, and may
    /// say so.
    fn is_done(self, status: StatusCode) -> bool {
        match self {
            Self::Get(_) | Self::Form(_) => status == StatusCode::OK,
            Self::Head => true,
            Self::Json { .. } => status.is_success(),
        }
    }
}

/// What an attempt gave, and how long the server asks to wait before the next.
struct Failure {
    error: FetchError,
    wait: Option<Duration>,
}

impl From<FetchError> for Failure {
    fn from(error: FetchError) -> Self {
        Self { error, wait: None }
    }
}

impl Fetcher {
    /// A fetcher that sleeps between attempts; an error if its file of authorities cannot be read or its
    /// credentials cannot be sent.
    pub fn new(settings: FetchSettings) -> Result<Self, FetchError> {
        Self::with_waiting(settings, Arc::new(Asleep))
    }

    /// A fetcher that waits between attempts as `waiting` does.
    pub fn with_waiting(
        settings: FetchSettings,
        waiting: Arc<dyn Waiting>,
    ) -> Result<Self, FetchError> {
        let authorization = settings.credentials.as_ref().map(Credentials::header).transpose()?;
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(MOST_REDIRECTS)
            .timeout_connect(Some(settings.connect_timeout))
            .timeout_resolve(Some(settings.connect_timeout))
            .timeout_per_read(Some(settings.read_timeout))
            .timeout_per_write(Some(settings.read_timeout))
            .timeout_global(Some(settings.total_timeout))
            .user_agent(settings.user_agent.as_str())
            .proxy(None)
            .tls_config(TlsConfig::builder().root_certs(authorities(&settings)?).build())
            .build();
        let guard = Guard::new(settings.reach);
        let agent = Agent::with_parts(config, DefaultConnector::default(), guard);
        Ok(Self { agent, settings: Arc::new(settings), authorization, waiting })
    }

    /// The settings.
    pub fn settings(&self) -> &FetchSettings {
        &self.settings
    }

    /// Fetches `url`.
    pub fn get(&self, url: &str) -> Result<Fetched, FetchError> {
        self.fetch(Request { url, way: Way::Get(None) })
    }

    /// Fetches `url` unless the server says that it still is the version `known`: none then.
    pub fn get_if_changed(
        &self,
        url: &str,
        known: &Validators,
    ) -> Result<Option<Fetched>, FetchError> {
        match self.fetch(Request { url, way: Way::Get(Some(known)) }) {
            Err(FetchError::Refused { status, .. }) if status == StatusCode::NOT_MODIFIED => {
                Ok(None)
            }
            fetched => fetched.map(Some),
        }
    }

    /// Whether somebody answers at `url`, whatever the answer: nothing is asked for and nothing is told.
    pub fn knock(&self, url: &str) -> Result<(), FetchError> {
        self.fetch(Request { url, way: Way::Head }).map(|_| ())
    }

    /// Sends `form` to `url` by POST and gives the answer. The request must be one that may be repeated.
    pub fn post_form(&self, url: &str, form: &[(&str, &str)]) -> Result<Fetched, FetchError> {
        self.fetch(Request { url, way: Way::Form(form) })
    }

    /// Sends a JSON text to `url` by POST, with further headers; any status of success is one. Never sent on after
    /// a redirect. The request must be one that may be repeated.
    pub fn post_json(
        &self,
        url: &str,
        body: &[u8],
        headers: &[(&str, &str)],
    ) -> Result<Fetched, FetchError> {
        self.fetch(Request { url, way: Way::Json { body, headers } })
    }

    fn fetch(&self, request: Request<'_>) -> Result<Fetched, FetchError> {
        check_address(request.url)?;
        let mut attempt = 1;
        loop {
            let failure = match self.attempt(request) {
                Ok(fetched) => return Ok(fetched),
                Err(failure) => failure,
            };
            if attempt >= self.settings.attempts || !failure.error.is_passing() {
                return Err(failure.error);
            }
            self.waiting.wait(self.wait_after(attempt, failure.wait));
            attempt += 1;
        }
    }

    /// The wait after attempt `attempt` (from 1): it doubles, and half of it is drawn, so that callers who
    /// failed together do not come back together.
    fn wait_after(&self, attempt: u32, asked: Option<Duration>) -> Duration {
        let doubled = FIRST_WAIT.saturating_mul(1 << (attempt - 1).min(16)).min(LONGEST_WAIT);
        let jittered = doubled.mul_f64(0.5 + 0.5 * self.waiting.draw().clamp(0.0, 1.0));
        jittered.max(asked.unwrap_or_default()).min(LONGEST_WAIT)
    }

    fn attempt(&self, request: Request<'_>) -> Result<Fetched, Failure> {
        let mut response = self.send(request).map_err(|cause| self.failed(request, cause))?;
        let status = response.status();
        if request.way.is_done(status) {
            return Ok(self.body(request, &mut response)?);
        }
        let wait = retry_after(&response);
        let address = shown(request.url);
        if status.is_redirection() && status != StatusCode::NOT_MODIFIED {
            return Err(FetchError::Redirects { address, limit: 0 }.into());
        }
        let reader = response.body_mut().with_config().limit(MOST_REFUSAL_BYTES);
        let body = reader.read_to_vec().unwrap_or_default();
        Err(Failure { error: FetchError::Refused { address, status: status.as_u16(), body }, wait })
    }

    fn send(&self, request: Request<'_>) -> Result<Response<ureq::Body>, ureq::Error> {
        match request.way {
            Way::Get(known) => {
                let conditions = known.into_iter().flat_map(Validators::conditions);
                let call = self.authorized(self.agent.get(request.url));
                conditions.fold(call, |call, (name, value)| call.header(name, value)).call()
            }
            // Whoever leads on has answered.
            Way::Head => self
                .authorized(self.agent.head(request.url))
                .config()
                .max_redirects(0)
                .max_redirects_will_error(false)
                .build()
                .call(),
            Way::Form(form) => self.posting(request.url).send_form(form.iter().copied()),
            Way::Json { body, headers } => {
                let call = self.posting(request.url).content_type("application/json");
                headers
                    .iter()
                    .fold(call, |call, (name, value)| call.header(*name, *value))
                    .send(body)
            }
        }
    }

    fn posting(&self, url: &str) -> RequestBuilder<WithBody> {
        // A body is not sent on: the operator shall name the right address.
        let call = self.agent.post(url).config().max_redirects(0);
        self.authorized(call.max_redirects_will_error(false).build())
    }

    fn authorized<B>(&self, call: RequestBuilder<B>) -> RequestBuilder<B> {
        let authorization = self.authorization.iter();
        authorization.fold(call, |call, value| call.header(header::AUTHORIZATION, value))
    }

    fn body(
        &self,
        request: Request<'_>,
        response: &mut Response<ureq::Body>,
    ) -> Result<Fetched, FetchError> {
        let media_type = response.headers().get(header::CONTENT_TYPE);
        let media_type = media_type.and_then(|value| value.to_str().ok()).map(str::to_owned);
        let validators = Validators::of(response);
        let reader = response.body_mut().with_config().limit(self.settings.body_limit_bytes);
        let body = reader.read_to_vec().map_err(|cause| self.failed(request, cause))?;
        Ok(Fetched { media_type, validators, body })
    }

    fn failed(&self, request: Request<'_>, cause: ureq::Error) -> FetchError {
        let address = shown(request.url);
        if let Some(Refused(found)) = Refused::within(&cause) {
            return FetchError::Private { address, found: *found };
        }
        match cause {
            ureq::Error::Timeout(what) => self.late(address, what),
            ureq::Error::BodyExceedsLimit(limit_bytes) => {
                FetchError::Large { address, limit_bytes }
            }
            ureq::Error::TooManyRedirects => {
                FetchError::Redirects { address, limit: MOST_REDIRECTS }
            }
            ureq::Error::HostNotFound => {
                FetchError::Broken { address, why: "no address is known for its name".to_owned() }
            }
            other => FetchError::Broken { address, why: other.to_string() },
        }
    }

    fn late(&self, address: String, what: ureq::Timeout) -> FetchError {
        let settings = &self.settings;
        let (limit, what) = match what {
            ureq::Timeout::Resolve => (settings.connect_timeout, "resolving its name"),
            ureq::Timeout::Connect => (settings.connect_timeout, "connecting"),
            ureq::Timeout::Global => (settings.total_timeout, "altogether"),
            _ => (settings.read_timeout, "it fell silent"),
        };
        FetchError::Late { address, limit_seconds: limit.as_secs_f64(), what }
    }
}

fn authorities(settings: &FetchSettings) -> Result<RootCerts, FetchError> {
    let Some(path) = &settings.ca_file else { return Ok(RootCerts::WebPki) };
    let error = |cause| FetchError::Authorities { path: path.display().to_string(), cause };
    let pem = fs::read(path).map_err(|cause| error(Some(cause)))?;
    let certificate = |item| match item {
        Ok(PemItem::Certificate(certificate)) => Some(certificate),
        _ => None,
    };
    let certificates: Vec<Certificate<'static>> = parse_pem(&pem).filter_map(certificate).collect();
    if certificates.is_empty() {
        return Err(error(None));
    }
    Ok(RootCerts::from(certificates))
}

/// An error where an address is none that can be fetched: http or https, without a user in it.
pub fn check_address(url: &str) -> Result<(), FetchError> {
    let error = || FetchError::Address(shown(url));
    let uri: Uri = url.parse().map_err(|_| error())?;
    let is_web = matches!(uri.scheme_str(), Some("http" | "https"));
    let authority = uri.authority().filter(|authority| !authority.as_str().contains('@'));
    if is_web && authority.is_some() { Ok(()) } else { Err(error()) }
}

/// An address as it may be shown: without query, fragment and user.
pub(crate) fn shown(url: &str) -> String {
    let end = url.find(['?', '#']).unwrap_or(url.len());
    let address = &url[..end];
    let Some((scheme, rest)) = address.split_once("://") else { return address.to_owned() };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = authority.rsplit('@').next().unwrap_or(authority);
    format!("{scheme}://{host}{path}")
}

/// How long the server asks to wait, where it says so in seconds.
fn retry_after(response: &Response<ureq::Body>) -> Option<Duration> {
    let value = response.headers().get(header::RETRY_AFTER)?.to_str().ok()?;
    value.trim().parse().ok().map(Duration::from_secs)
}

/// Base 64 with padding (RFC 4648, section 4), for the header of basic authentication.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits = |chunk: &[u8]| {
        let bits = chunk
            .iter()
            .chain([&0, &0])
            .take(3)
            .fold(0_usize, |bits, byte| bits << 8 | usize::from(*byte));
        let digit = |place: usize| {
            let is_padding = place > chunk.len();
            if is_padding { '=' } else { char::from(ALPHABET[bits >> (18 - 6 * place) & 63]) }
        };
        [0, 1, 2, 3].map(digit)
    };
    bytes.chunks(3).flat_map(digits).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_the_standard() {
        let cases =
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")];
        for (text, expected) in cases {
            assert_eq!(base64(text.as_bytes()), expected);
        }
    }

    #[test]
    fn addresses_are_checked_and_shown_without_secrets() {
        let check = |url: &str, expected: Option<&str>| {
            let found = check_address(url).err().map(|error| error.to_string());
            let sentence = |shown| {
                format!("expected an http or https address without a user in it, found `{shown}`")
            };
            assert_eq!(found, expected.map(sentence), "{url}");
        };
        check("http://prometheus.example:9090/x?token=secret", None);
        check("ftp://files.example/x?token=secret", Some("ftp://files.example/x"));
        check("https://me:secret@files.example/x", Some("https://files.example/x"));
        check("/etc/passwd", Some("/etc/passwd"));
        check("no address", Some("no address"));
    }

    #[test]
    fn secrets_are_not_shown() {
        let settings = FetchSettings {
            credentials: Some(Credentials::Basic { user: "u".into(), password: "hunter2".into() }),
            ..FetchSettings::default()
        };
        assert!(!format!("{settings:?}").contains("hunter2"));
        let bad = FetchSettings {
            credentials: Some(Credentials::Bearer("a\nb".into())),
            ..FetchSettings::default()
        };
        assert!(matches!(Fetcher::new(bad), Err(FetchError::Credentials)));
    }

    #[test]
    fn a_refusal_is_told_in_one_line() {
        assert_eq!(told(b"<h1>\n no \x00 \t way</h1>"), " (<h1> no way</h1>)");
        assert_eq!(told(b""), "");
    }
}
