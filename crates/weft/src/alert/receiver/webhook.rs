//! A webhook gets one signed request for each begin and each end of an alert. The signature covers the instant and
//! the body, so that nobody else can say it and nobody can say it again later; the number of a delivery is
//! the same however often it is tried. The secret signs and is never sent.

use std::collections::BTreeMap;
use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use serde::Serialize;
use sha2::{Digest, Sha256};
use weft_collect::fetch::{FetchError, Fetcher};
use weft_core::time::Timestamp;
use weft_store::alert::Alert;

use super::{Round, labels, link};
use crate::alert::deliveries::Outcome;
use crate::run::clock::Clock;

/// The instant and the signature: `t=SECONDS,v1=HEX`.
pub const SIGNATURE: &str = "weft-signature";

/// The number of the delivery: the same for every try.
pub const DELIVERY: &str = "weft-delivery";

/// A webhook.
pub struct Webhook {
    fetcher: Fetcher,
    url: String,
    secret: String,
    dashboard: String,
    added: BTreeMap<String, String>,
}

impl fmt::Debug for Webhook {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Webhook").finish_non_exhaustive()
    }
}

#[derive(Debug, Serialize)]
struct Posted<'a> {
    version: u32,
    id: &'a str,
    status: &'static str,
    rule: &'a str,
    severity: &'static str,
    subject: &'a str,
    summary: &'a str,
    labels: BTreeMap<String, String>,
    fingerprint: &'a str,
    begins: Timestamp,
    ends: Option<Timestamp>,
    link: String,
}

impl Webhook {
    /// One at `url`, whose requests are signed with `secret`.
    pub fn new(
        fetcher: Fetcher,
        url: &str,
        secret: String,
        dashboard: &str,
        added: BTreeMap<String, String>,
    ) -> Self {
        Self { fetcher, url: url.to_owned(), secret, dashboard: dashboard.to_owned(), added }
    }

    /// Whether anybody answers there, for those who check the connection. Nothing is told.
    pub fn knock(&self) -> Result<(), FetchError> {
        self.fetcher.knock(&self.url)
    }

    /// Tells of each, in order, as far as the webhook answers. One that it says no to keeps no other waiting.
    pub(super) fn tell(&self, untold: Vec<Alert>) -> Round {
        let mut round = Round { told: Vec::new(), outcomes: Vec::new(), error: None };
        for alert in untold {
            match self.post(&alert, Clock::Wall.now()) {
                Ok(()) => {
                    round.outcomes.push(Outcome::Delivered);
                    round.told.push(alert);
                }
                Err(error) => {
                    round.outcomes.push(Outcome::Failed);
                    let is_passing = error.is_passing();
                    round.error = Some(error);
                    if is_passing {
                        return round;
                    }
                }
            }
        }
        round
    }

    fn post(&self, alert: &Alert, now: Timestamp) -> Result<(), FetchError> {
        let (id, body) = self.posted(alert);
        let seconds = now.as_millis().div_euclid(1_000);
        let signature = format!("t={seconds},v1={}", signature(&self.secret, seconds, &body));
        let headers = [(SIGNATURE, signature.as_str()), (DELIVERY, id.as_str())];
        self.fetcher.post_json(&self.url, &body, &headers).map(|_| ())
    }

    fn posted(&self, alert: &Alert) -> (String, Vec<u8>) {
        let status = if alert.ends.is_some() { "resolved" } else { "firing" };
        let id = number(&format!("{}\n{}\n{status}", alert.fingerprint, alert.begins));
        let posted = Posted {
            version: 1,
            id: &id,
            status,
            rule: &alert.rule,
            severity: alert.severity.name(),
            subject: &alert.subject,
            summary: &alert.summary,
            labels: labels(alert, &self.added),
            fingerprint: &alert.fingerprint,
            begins: alert.begins,
            ends: alert.ends,
            link: link(&self.dashboard, alert),
        };
        let body = serde_json::to_vec(&posted).expect("names and instants can be written");
        (id, body)
    }
}

/// The signature of a body at an instant: HMAC-SHA-256 (RFC 2104, FIPS 180-4) over `SECONDS.BODY`.
pub(crate) fn signature(secret: &str, seconds: i64, body: &[u8]) -> String {
    let mut code = Hmac::<Sha256>::new_from_slice(secret.as_bytes())
        .expect("a key of this code may have any length");
    code.update(format!("{seconds}.").as_bytes());
    code.update(body);
    hexadecimal(&code.finalize().into_bytes())
}

/// A number of 128 bits from what is numbered.
fn number(text: &str) -> String {
    hexadecimal(&Sha256::digest(text.as_bytes())[..16])
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_that_of_other_tools() {
        // printf '1700000000.{"a":1}' | openssl dgst -sha256 -hmac secret
        let expected = "49f24e537407743fa4a0242bb63b94b9a47ee99cbbe071ccd8a22550ae411686";
        assert_eq!(signature("secret", 1_700_000_000, b"{\"a\":1}"), expected);
    }
}
