//! An Alertmanager is told by its API v2. It forgets what it is not told of: every open alert is sent again and
//! again, each time with an end a few minutes ahead, so that what Weft can no longer tell resolves by itself. Of
//! several Alertmanagers of one cluster each is a receiver: all of them are told, and they sort out who notifies.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use weft_collect::fetch::{FetchError, Fetcher};
use weft_core::time::{Span, Timestamp};
use weft_store::alert::Alert;

use super::{Round, labels, link};
use crate::alert::deliveries::Outcome;
use crate::run::clock::Clock;

/// Between two sendings of an open alert, as often as Prometheus does it.
const SENT_AGAIN_AFTER: Duration = Duration::from_mins(1);

/// The end ahead: four sendings may be lost. It is what counts, whatever `resolve_timeout` says, and no longer than
/// its default of five minutes. A restart of Weft takes less.
const HOLDS_FOR: Span = Span::from_minutes(5);

/// Alerts in one request: some hundred kilobytes.
const MOST_AT_ONCE: usize = 200;

/// An Alertmanager.
#[derive(Debug)]
pub struct Alertmanager {
    fetcher: Fetcher,
    address: String,
    dashboard: String,
    added: BTreeMap<String, String>,
    /// When everything open was last sent, if it was since the last failure.
    sent: Option<Instant>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Posted {
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<&'static str, String>,
    starts_at: Timestamp,
    ends_at: Timestamp,
    #[serde(rename = "generatorURL")]
    generator_url: String,
}

impl Alertmanager {
    /// One at `address`, which is told with further labels and with links to the dashboard.
    pub fn new(
        fetcher: Fetcher,
        address: &str,
        dashboard: &str,
        added: BTreeMap<String, String>,
    ) -> Self {
        let address = address.trim_end_matches('/').to_owned();
        Self { fetcher, address, dashboard: dashboard.to_owned(), added, sent: None }
    }

    /// Its version, for those who check the connection.
    pub fn version(&self) -> Result<String, String> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Status {
            version_info: Version,
        }
        #[derive(Deserialize)]
        struct Version {
            version: String,
        }
        let url = format!("{}/api/v2/status", self.address);
        let fetched = self.fetcher.get(&url).map_err(|error| error.to_string())?;
        let status: Status = serde_json::from_slice(&fetched.body).map_err(|_| {
            format!("asked {url}: expected the status of an Alertmanager, found something else")
        })?;
        Ok(status.version_info.version)
    }

    /// How long until everything open is sent again.
    pub(super) fn next_due(&self) -> Duration {
        let since = self.sent.map_or(SENT_AGAIN_AFTER, |sent| sent.elapsed());
        SENT_AGAIN_AFTER.saturating_sub(since)
    }

    /// Tells of all that is open, and of what is over and was not told, if anything is due.
    pub(super) fn tell(
        &mut self,
        untold: Vec<Alert>,
        open: &[Alert],
        wall: &dyn Fn(Timestamp) -> Timestamp,
    ) -> Round {
        if untold.is_empty() && !self.next_due().is_zero() {
            return Round { told: untold, outcomes: Vec::new(), error: None };
        }
        let over = untold.iter().filter(|alert| alert.ends.is_some());
        let now = Clock::Wall.now();
        let posted = |alert: &Alert| self.posted(alert, now, wall);
        let posted: Vec<Posted> = over.chain(open).map(posted).collect();
        let mut outcomes = Vec::new();
        for some in posted.chunks(MOST_AT_ONCE) {
            match self.post(some) {
                Ok(()) => outcomes.push(Outcome::Delivered),
                Err(error) => {
                    outcomes.push(Outcome::Failed);
                    self.sent = None;
                    return Round { told: Vec::new(), outcomes, error: Some(error) };
                }
            }
        }
        self.sent = Some(Instant::now());
        Round { told: untold, outcomes, error: None }
    }

    fn post(&self, alerts: &[Posted]) -> Result<(), FetchError> {
        let body = serde_json::to_vec(alerts).expect("names and instants can be written");
        let url = format!("{}/api/v2/alerts", self.address);
        self.fetcher.post_json(&url, &body, &[]).map(|_| ())
    }

    fn posted(
        &self,
        alert: &Alert,
        now: Timestamp,
        wall: &dyn Fn(Timestamp) -> Timestamp,
    ) -> Posted {
        let mut labels = labels(alert, &self.added);
        labels.insert("alertname".to_owned(), title(&alert.rule));
        let link = link(&self.dashboard, alert);
        let summary = alert.summary.clone();
        Posted {
            labels,
            annotations: BTreeMap::from([("summary", summary), ("dashboard", link.clone())]),
            starts_at: wall(alert.begins),
            ends_at: alert.ends.map_or(now + HOLDS_FOR, wall),
            generator_url: link,
        }
    }
}

/// A rule's name as alerts are named there: `host_lost` is `WeftHostLost`.
fn title(rule: &str) -> String {
    let word = |word: &str| {
        let mut letters = word.chars();
        let first = letters.next().map(|letter| letter.to_ascii_uppercase());
        first.into_iter().chain(letters).collect::<String>()
    };
    rule.split('_').fold("Weft".to_owned(), |title, part| title + &word(part))
}

#[cfg(test)]
mod tests {
    use weft_store::alert::Severity;

    use super::*;
    use crate::alert::fixture::NOW;
    use crate::alert::receiver::settings;

    fn alertmanager() -> Alertmanager {
        let fetcher = Fetcher::new(settings()).expect("sound settings");
        let added = [("team", "infra"), ("host", "not this")];
        let added = added.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        Alertmanager::new(fetcher, "http://127.0.0.1:1/", "https://weft.example/", added)
    }

    fn alert(ends: Option<Timestamp>) -> Alert {
        Alert {
            fingerprint: "host_lost/a 1".to_owned(),
            rule: "host_lost".to_owned(),
            severity: Severity::Critical,
            subject: "a 1".to_owned(),
            summary: "host a 1 is lost".to_owned(),
            labels: BTreeMap::from([("host".to_owned(), "a 1".to_owned())]),
            begins: NOW,
            ends,
            told: None,
            told_by: Default::default(),
        }
    }

    #[test]
    fn an_alert_is_written_as_alertmanager_reads_it() {
        let check = |ends, expected: &str| {
            let posted = alertmanager().posted(&alert(ends), NOW + Span::from_hours(1), &|at| at);
            let expected = serde_json::json!({
                "labels": {"alertname": "WeftHostLost", "host": "a 1", "severity": "critical", "team": "infra"},
                "annotations": {
                    "summary": "host a 1 is lost",
                    "dashboard": "https://weft.example/#/hosts/a%201",
                },
                "startsAt": "2026-03-02T08:00:00Z",
                "endsAt": expected,
                "generatorURL": "https://weft.example/#/hosts/a%201",
            });
            assert_eq!(serde_json::to_value(posted).expect("JSON"), expected);
        };
        check(None, "2026-03-02T09:05:00Z");
        check(Some(NOW + Span::from_minutes(7)), "2026-03-02T08:07:00Z");
    }

    #[test]
    fn rules_have_titles() {
        assert_eq!(title("foreseen_shortage"), "WeftForeseenShortage");
        assert_eq!(title("overload"), "WeftOverload");
    }

    #[test]
    fn what_was_not_taken_is_not_told() {
        let mut nobody = alertmanager();
        let round = nobody.tell(vec![alert(None)], &[alert(None)], &|at| at);
        assert_eq!((round.told.len(), round.outcomes), (0, vec![Outcome::Failed]));
        assert!(round.error.is_some() && nobody.next_due().is_zero());
    }
}
