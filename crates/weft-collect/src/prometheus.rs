//! Reads metrics from whatever speaks the HTTP API of Prometheus: Prometheus itself, VictoriaMetrics,
//! Thanos, Mimir. It only reads, asks for bounded parts, and takes no answer on trust.

use std::sync::Arc;
use std::time::Duration;

use serde::de::{DeserializeOwned, IgnoredAny};
use thiserror::Error;
use weft_core::time::Timestamp;

use crate::fetch::{FetchError, FetchSettings, Fetched, Fetcher, Reach, Waiting};
use answer::{Envelope, Status, Vector};

pub use answer::{BuildInfo, Labels, Point};
pub use follow::{FollowSettings, Follower};
pub use range::{Grid, MOST_POINTS, Part, Range, Track};

mod answer;
mod follow;
mod range;
pub mod rehearsal;

/// The largest answer that is taken, decompressed: a day of 5-minute samples of some 8,000 series.
pub const BODY_LIMIT_BYTES: u64 = 64 << 20;

/// The longest that an answer may take: above the two minutes after which Prometheus itself gives up.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(130);

/// What the server is told to take at most; it then says that the query was too slow, which is more than
/// a broken connection says.
const QUERY_TIMEOUT_SECONDS: &str = "120";

/// What servers say where a query is too much for them and a shorter range may not be: Prometheus ("would
/// load too many samples", "exceeded maximum resolution", "query timed out"), Mimir and Thanos
/// ("exceeded …", "limit …"), VictoriaMetrics ("too many points", "cannot select more than").
const TOO_MUCH: [&str; 5] = ["too many", "exceed", "more than", "timed out", "limit"];

/// Why a question got no answer.
#[derive(Debug, Error)]
pub enum PrometheusError {
    /// Nothing, or no answer of this API, came back.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// The server says no.
    #[error("asked {address} for `{query}`: expected an answer, found {kind}: {message}")]
    Refused {
        /// What was asked.
        address: String,
        /// The query.
        query: String,
        /// The server's kind of error.
        kind: String,
        /// The server's sentence.
        message: String,
    },
    /// The answer is not what the API promises.
    #[error(
        "asked {address} for `{query}`: expected an answer of the API of Prometheus, found {cause}"
    )]
    Nonsense {
        /// What was asked.
        address: String,
        /// The query.
        query: String,
        /// Where it departs.
        #[source]
        cause: serde_json::Error,
    },
    /// The answer holds what was not asked for.
    #[error("asked {address} for `{query}`: expected {expected}, found {found}")]
    Unasked {
        /// What was asked.
        address: String,
        /// The query.
        query: String,
        /// What an answer looks like.
        expected: &'static str,
        /// What stood there.
        found: String,
    },
    /// Not even one step fits into the limits.
    #[error(
        "expected `{query}` to be answered within the limits for one step at least, found that it is too much; ask for fewer series"
    )]
    TooMuch {
        /// The query.
        query: String,
        /// The last refusal.
        #[source]
        cause: Box<PrometheusError>,
    },
}

impl PrometheusError {
    /// Whether a shorter range may be answered.
    fn is_too_much(&self) -> bool {
        match self {
            Self::Fetch(FetchError::Large { .. }) => true,
            Self::Refused { message, .. } => {
                let message = message.to_lowercase();
                TOO_MUCH.iter().any(|words| message.contains(words))
            }
            _ => false,
        }
    }
}

/// An answer with what the server warns of, such as parts of its storage that were silent.
#[derive(Debug, Clone, PartialEq)]
pub struct Answered<T> {
    /// The answer.
    pub value: T,
    /// The warnings, each once.
    pub warnings: Vec<String>,
}

/// One series at one instant.
#[derive(Debug, Clone, PartialEq)]
pub struct Instant {
    /// Its labels.
    pub labels: Labels,
    /// When, and how much.
    pub point: Point,
}

/// A server that is asked. Cloning it shares its connections.
#[derive(Debug, Clone)]
pub struct Client {
    fetcher: Fetcher,
    /// Without a slash at its end.
    base: String,
    concurrency: usize,
    body_limit_bytes: u64,
}

impl Client {
    /// Settings that suit a metrics server of the operator's own: it may stand anywhere, may answer at
    /// length and may take its time.
    pub fn settings() -> FetchSettings {
        FetchSettings {
            reach: Reach::Anywhere,
            read_timeout: ANSWER_TIMEOUT,
            total_timeout: ANSWER_TIMEOUT,
            body_limit_bytes: BODY_LIMIT_BYTES,
            ..FetchSettings::default()
        }
    }

    /// A client of the server at `base`, such as `http://127.0.0.1:9090`; a path before `/api/v1` is kept.
    pub fn new(base: &str, settings: FetchSettings) -> Result<Self, PrometheusError> {
        Ok(Self::of(base, Fetcher::new(settings)?))
    }

    /// A client whose fetcher waits between attempts as `waiting` does.
    pub fn with_waiting(
        base: &str,
        settings: FetchSettings,
        waiting: Arc<dyn Waiting>,
    ) -> Result<Self, PrometheusError> {
        Ok(Self::of(base, Fetcher::with_waiting(settings, waiting)?))
    }

    fn of(base: &str, fetcher: Fetcher) -> Self {
        let body_limit_bytes = fetcher.settings().body_limit_bytes;
        Self {
            fetcher,
            base: base.trim_end_matches('/').to_owned(),
            concurrency: 1,
            body_limit_bytes,
        }
    }

    /// This client asking for up to `concurrency` parts of a range at once: 1 or 2, because a metrics
    /// server has others to serve.
    #[must_use]
    pub fn with_concurrency(mut self, concurrency: usize) -> Self {
        self.concurrency = concurrency.clamp(1, 2);
        self
    }

    /// The values of `query` at `at`.
    pub fn query(
        &self,
        query: &str,
        at: Timestamp,
    ) -> Result<Answered<Vec<Instant>>, PrometheusError> {
        let time = seconds(at);
        let form = [("query", query), ("time", &*time), ("timeout", QUERY_TIMEOUT_SECONDS)];
        let (answered, _) = self.post::<Vector>("query", query, &form)?;
        Ok(Answered { value: answered.value.0, warnings: answered.warnings })
    }

    /// The labels of every series that one of `selectors` chooses and that has samples in the time.
    pub fn series(
        &self,
        selectors: &[&str],
        start: Timestamp,
        end: Timestamp,
    ) -> Result<Answered<Vec<Labels>>, PrometheusError> {
        let (start, end) = (seconds(start), seconds(end));
        let mut form: Vec<_> = selectors.iter().map(|selector| ("match[]", *selector)).collect();
        form.extend([("start", &*start), ("end", &*end)]);
        Ok(self.post("series", &selectors.join(", "), &form)?.0)
    }

    /// Every value that `label` has in the time.
    pub fn label_values(
        &self,
        label: &str,
        start: Timestamp,
        end: Timestamp,
    ) -> Result<Answered<Vec<String>>, PrometheusError> {
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if label.is_empty() || !label.chars().all(is_part) {
            let address = self.address("label");
            let expected = "a label's name of letters, digits and `_`";
            let (query, found) = (label.to_owned(), format!("`{label}`"));
            return Err(PrometheusError::Unasked { address, query, expected, found });
        }
        let (start, end) = (seconds(start), seconds(end));
        self.get(&format!("label/{label}/values?start={start}&end={end}"), label)
    }

    /// What the server says it is.
    pub fn build_info(&self) -> Result<BuildInfo, PrometheusError> {
        Ok(self.get("status/buildinfo", "buildinfo")?.value)
    }

    fn address(&self, path: &str) -> String {
        format!("{}/api/v1/{path}", self.base)
    }

    fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &str,
    ) -> Result<Answered<T>, PrometheusError> {
        let address = self.address(path);
        let fetched = self.fetcher.get(&address).map_err(|error| explained(error, query))?;
        read(&address, query, &fetched)
    }

    /// Asks `path` and gives the answer with its length in bytes.
    fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &str,
        form: &[(&str, &str)],
    ) -> Result<(Answered<T>, u64), PrometheusError> {
        let address = self.address(path);
        let fetched =
            self.fetcher.post_form(&address, form).map_err(|error| explained(error, query))?;
        Ok((read(&address, query, &fetched)?, fetched.body.len() as u64))
    }
}

/// The server's own words where it refused with some.
fn explained(error: FetchError, query: &str) -> PrometheusError {
    let FetchError::Refused { address, status, body } = error else { return error.into() };
    match serde_json::from_slice::<Envelope<IgnoredAny>>(&body) {
        Ok(envelope) if !envelope.error.is_empty() => PrometheusError::Refused {
            address,
            query: query.to_owned(),
            kind: format!("status {status}, {}", envelope.error_kind),
            message: envelope.error,
        },
        // Proxies in front of a server, and some servers, say it in plain text.
        _ => match String::from_utf8(body) {
            Ok(message) if !message.trim().is_empty() && message.len() < 1_000 => {
                let (query, kind) = (query.to_owned(), format!("status {status}"));
                PrometheusError::Refused {
                    address,
                    query,
                    kind,
                    message: message.trim().to_owned(),
                }
            }
            Ok(message) => FetchError::Refused { address, status, body: message.into() }.into(),
            Err(error) => FetchError::Refused { address, status, body: error.into_bytes() }.into(),
        },
    }
}

fn read<T: DeserializeOwned>(
    address: &str,
    query: &str,
    fetched: &Fetched,
) -> Result<Answered<T>, PrometheusError> {
    let shown = || crate::fetch::shown(address);
    let envelope: Envelope<T> = serde_json::from_slice(&fetched.body).map_err(|cause| {
        PrometheusError::Nonsense { address: shown(), query: query.to_owned(), cause }
    })?;
    let mut warnings = envelope.warnings;
    if envelope.is_partial {
        warnings.push("the answer is partial: a part of the storage did not answer".to_owned());
    }
    match (envelope.status, envelope.data) {
        (Status::Success, Some(value)) => Ok(Answered { value, warnings }),
        (Status::Success, None) => Err(PrometheusError::Unasked {
            address: shown(),
            query: query.to_owned(),
            expected: "`data`",
            found: "none".to_owned(),
        }),
        (Status::Error, _) => Err(PrometheusError::Refused {
            address: shown(),
            query: query.to_owned(),
            kind: envelope.error_kind,
            message: envelope.error,
        }),
    }
}

/// An instant as the API writes it: Unix seconds with milliseconds.
fn seconds(at: Timestamp) -> String {
    let millis = at.as_millis();
    let sign = if millis < 0 { "-" } else { "" };
    let millis = millis.unsigned_abs();
    format!("{sign}{}.{:03}", millis / 1_000, millis % 1_000)
}

/// Adds warnings that are not there yet.
pub(crate) fn keep_once(kept: &mut Vec<String>, further: Vec<String>) {
    for warning in further {
        if !kept.contains(&warning) {
            kept.push(warning);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_seconds_with_milliseconds() {
        let check = |millis, expected| {
            assert_eq!(seconds(Timestamp::from_millis(millis)), expected);
        };
        check(0, "0.000");
        check(1_500, "1.500");
        check(1_700_000_000_007, "1700000000.007");
        check(-1_750, "-1.750");
    }
}
