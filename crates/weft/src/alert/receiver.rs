//! Those who are told of alerts: each has a thread, which tells what it has not been told of and, where it does not
//! answer, waits longer and longer. What waits is in the ledger, and so in the store: a restart loses nothing of it.

pub mod alertmanager;
pub mod webhook;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use weft_collect::fetch::{Asleep, FetchError, FetchSettings, Reach, Waiting};
use weft_core::time::{Span, Timestamp};
use weft_store::alert::{Alert, Severity};

use self::alertmanager::Alertmanager;
use self::webhook::Webhook;
use super::deliveries::Outcome;
use super::ledger::{Concern, Ledger};
use crate::run::clock::Clock;
use crate::run::desk::{Desk, Topic};

/// The wait after a first failure; it doubles with every further one.
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// The longest wait: an alert that comes five minutes after its receiver is back is still news.
const LONGEST_WAIT: Duration = Duration::from_mins(5);

/// The bounds of a request to a receiver. It is tried once: the thread waits by itself, and can be woken to end.
pub fn settings() -> FetchSettings {
    FetchSettings {
        // The operator names these addresses, and most are inside.
        reach: Reach::Anywhere,
        connect_timeout: Duration::from_secs(5),
        read_timeout: Duration::from_secs(10),
        total_timeout: Duration::from_secs(10),
        body_limit_bytes: 1 << 20,
        attempts: 1,
        ..FetchSettings::default()
    }
}

/// How a receiver is told.
#[derive(Debug)]
pub enum Channel {
    /// By the API of an Alertmanager.
    Alertmanager(Alertmanager),
    /// By signed requests.
    Webhook(Webhook),
}

/// One who is told of alerts.
#[derive(Debug)]
pub struct Receiver {
    name: String,
    minimum: Severity,
    channel: Channel,
}

/// What a round of telling came to.
struct Round {
    /// What the receiver took.
    told: Vec<Alert>,
    /// What came of each request.
    outcomes: Vec<Outcome>,
    /// Why not all was taken, if so.
    error: Option<FetchError>,
}

impl Receiver {
    /// One of this name, which is told of alerts that are at least this bad.
    pub const fn new(name: String, minimum: Severity, channel: Channel) -> Self {
        Self { name, minimum, channel }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn concern(&self) -> Concern {
        Concern { receiver: self.name.clone(), minimum: self.minimum }
    }

    /// Tells what there is to tell until told to stop.
    pub(super) fn work(mut self, ledger: &Ledger, desk: &Desk, clock: Clock, stop: &AtomicBool) {
        let concern = self.concern();
        desk.deliveries().introduce(&self.name);
        let mut failures = 0;
        while !stop.load(Ordering::Acquire) {
            let Round { told, outcomes, error } = self.round(ledger, &concern, clock);
            for outcome in outcomes {
                desk.deliveries().count(&self.name, outcome);
            }
            let now = desk.view().now;
            for alert in &told {
                // What could not be noted is told again, under the same number.
                if let Err(error) = ledger.told(&self.name, alert, now) {
                    tracing::error!(%error, receiver = self.name, "that a receiver was told could not be kept");
                }
            }
            if !told.is_empty() {
                desk.tell([Topic::Alerts].into());
            }
            if let Some(error) = error {
                failures += 1;
                let wait = wait_after(failures, Asleep.draw());
                let seconds = wait.as_secs_f64();
                tracing::warn!(%error, receiver = self.name, seconds, "a receiver of alerts was not told; it is tried again");
                rest(wait, stop);
            } else {
                failures = 0;
                std::thread::park_timeout(self.pause());
            }
        }
    }

    fn round(&mut self, ledger: &Ledger, concern: &Concern, clock: Clock) -> Round {
        let untold = ledger.untold(concern);
        match &mut self.channel {
            Channel::Alertmanager(channel) => {
                let of = |alert: &Alert| alert.severity >= concern.minimum;
                let open: Vec<Alert> = ledger.open_alerts().into_iter().filter(of).collect();
                channel.tell(untold, &open, &|at| wall(clock, at))
            }
            Channel::Webhook(channel) => channel.tell(untold),
        }
    }

    /// How long there is nothing to do unless something comes.
    fn pause(&self) -> Duration {
        match &self.channel {
            Channel::Alertmanager(channel) => channel.next_due(),
            Channel::Webhook(_) => LONGEST_WAIT,
        }
    }
}

/// An instant of the fleet's clock on the world's, which others compare with theirs.
fn wall(clock: Clock, at: Timestamp) -> Timestamp {
    let ago = (clock.now() - at).as_seconds_f64() / clock.speed();
    Clock::Wall.now() - Span::from_seconds_f64(ago)
}

/// The wait after so many failures in a row: it doubles, and half of it is drawn, so that those who failed
/// together do not come back together.
fn wait_after(failures: u32, draw: f64) -> Duration {
    let doubled = FIRST_WAIT.saturating_mul(1 << (failures - 1).min(16)).min(LONGEST_WAIT);
    doubled.mul_f64(0.5 + 0.5 * draw)
}

/// Waits whatever comes, but for the end.
fn rest(wait: Duration, stop: &AtomicBool) {
    let until = Instant::now() + wait;
    while let Some(left) = until.checked_duration_since(Instant::now()) {
        if stop.load(Ordering::Acquire) {
            return;
        }
        std::thread::park_timeout(left);
    }
}

/// The page of the dashboard that shows what an alert is about.
fn link(dashboard: &str, alert: &Alert) -> String {
    let page = match (alert.labels.get("workload"), alert.labels.get("host")) {
        (Some(workload), _) => format!("workloads/{}", encoded(workload)),
        (None, Some(host)) => format!("hosts/{}", encoded(host)),
        (None, None) => "log".to_owned(),
    };
    format!("{}/#/{page}", dashboard.trim_end_matches('/'))
}

/// A name as a part of an address (RFC 3986, section 2.1).
fn encoded(name: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            char::from(byte).to_string()
        }
        byte => format!("%{byte:02X}"),
    };
    name.bytes().map(byte).collect()
}

/// The labels of an alert: those of the operator, then Weft's, which count more.
fn labels(alert: &Alert, added: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut labels = added.clone();
    labels.extend(alert.labels.clone());
    labels.insert("severity".to_owned(), alert.severity.name().to_owned());
    labels
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_bound() {
        let check = |failures, expected: f64| {
            assert_eq!(wait_after(failures, 1.0).as_secs_f64(), expected, "{failures}");
            assert_eq!(wait_after(failures, 0.0).as_secs_f64(), expected / 2.0, "{failures}");
        };
        check(1, 1.0);
        check(2, 2.0);
        check(9, 256.0);
        check(10, 300.0);
        check(u32::MAX, 300.0);
    }

    #[test]
    fn names_are_written_into_addresses() {
        assert_eq!(encoded("shop/eu 1"), "shop%2Feu%201");
        assert_eq!(encoded("ü~a_b.c-D"), "%C3%BC~a_b.c-D");
    }

    #[test]
    fn an_instant_of_a_fast_clock_is_told_by_the_wall() {
        let began = Timestamp::from_seconds(1_700_000_000);
        let clock = Clock::scaled(began, 60.0);
        let told = wall(clock, began - Span::from_hours(1));
        let ago = (Clock::Wall.now() - told).as_seconds_f64();
        assert!((59.9..61.0).contains(&ago), "expected a minute ago, found {ago} s");
    }
}
