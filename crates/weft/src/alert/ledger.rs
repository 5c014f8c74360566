//! Alerts with who has been told of them: the store's, and in memory those that still concern anybody, so that
//! nobody looks through the store. One lock for the watch and all receivers; it is never held over a network call.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use weft_core::time::Timestamp;
use weft_store::alert::{Alert, Severity};
use weft_store::{Store, StoreError};

/// Ends that some receiver has not been told of and that are kept in memory; with more, the oldest are given up.
/// A receiver that is down for so long is not missed, and an hour of news of a day ago helps nobody.
const MOST_WAITING: usize = 1_000;

type Key = (String, Timestamp);

/// Who is told of what.
#[derive(Debug, Clone)]
pub(super) struct Concern {
    /// The receiver.
    pub(super) receiver: String,
    /// It is told of alerts that are at least this bad.
    pub(super) minimum: Severity,
}

/// See the module.
pub(super) struct Ledger {
    store: Arc<dyn Store>,
    concerns: Vec<Concern>,
    alerts: Mutex<BTreeMap<Key, Alert>>,
}

impl Ledger {
    /// The alerts of a store: those that are open, and of the newest others those that somebody was not told of.
    pub(super) fn open(store: Arc<dyn Store>, concerns: Vec<Concern>) -> Result<Self, StoreError> {
        let open = store.open_alerts()?.into_iter();
        let recent = store.alerts(None, MOST_WAITING)?;
        let waiting = recent.into_iter().filter(|alert| alert.told.is_none());
        let keyed = |alert: Alert| ((alert.fingerprint.clone(), alert.begins), alert);
        let alerts = open.chain(waiting).map(keyed).collect();
        let ledger = Self { store, concerns, alerts: Mutex::new(alerts) };
        ledger.settle(&mut ledger.lock());
        Ok(ledger)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Key, Alert>> {
        // Every change of an entry is whole.
        self.alerts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The alerts that are open.
    pub(super) fn open_alerts(&self) -> Vec<Alert> {
        self.lock().values().filter(|alert| alert.ends.is_none()).cloned().collect()
    }

    /// Keeps an alert as it is from now on. Where the store does not take it, nothing has changed.
    pub(super) fn enter(&self, mut alert: Alert, now: Timestamp) -> Result<(), StoreError> {
        self.judge_told(&mut alert, now);
        let mut alerts = self.lock();
        self.store.put_alert(&alert)?;
        alerts.insert((alert.fingerprint.clone(), alert.begins), alert);
        self.settle(&mut alerts);
        Ok(())
    }

    /// What a receiver has not been told of, in the order in which it happened.
    pub(super) fn untold(&self, concern: &Concern) -> Vec<Alert> {
        let is_due = |alert: &&Alert| {
            alert.severity >= concern.minimum && !alert.told_by.contains(&concern.receiver)
        };
        let mut due: Vec<Alert> = self.lock().values().filter(is_due).cloned().collect();
        due.sort_by_key(|alert| (alert.ends.unwrap_or(alert.begins), alert.ends.is_none()));
        due
    }

    /// Notes that a receiver was told of an alert as it was then. What has changed since is still to be told.
    pub(super) fn told(
        &self,
        receiver: &str,
        then: &Alert,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut alerts = self.lock();
        let key = (then.fingerprint.clone(), then.begins);
        let Some(alert) = alerts.get(&key).filter(|alert| alert.ends == then.ends) else {
            return Ok(());
        };
        let mut alert = alert.clone();
        alert.told_by.insert(receiver.to_owned());
        self.judge_told(&mut alert, now);
        self.store.put_alert(&alert)?;
        alerts.insert(key, alert);
        self.settle(&mut alerts);
        Ok(())
    }

    /// Told is what everybody was told whom it concerns.
    fn judge_told(&self, alert: &mut Alert, now: Timestamp) {
        let mut concerned =
            self.concerns.iter().filter(|concern| alert.severity >= concern.minimum);
        let is_told = concerned.all(|concern| alert.told_by.contains(&concern.receiver));
        alert.told = if is_told { alert.told.or(Some(now)) } else { None };
    }

    /// Forgets what is over and told, and what is too much.
    fn settle(&self, alerts: &mut BTreeMap<Key, Alert>) {
        alerts.retain(|_, alert| alert.ends.is_none() || alert.told.is_none());
        let mut ends: Vec<(Option<Timestamp>, Key)> = alerts
            .iter()
            .filter(|(_, alert)| alert.ends.is_some())
            .map(|(key, alert)| (alert.ends, key.clone()))
            .collect();
        ends.sort();
        let surplus = ends.len().saturating_sub(MOST_WAITING);
        for (_, key) in ends.into_iter().take(surplus) {
            tracing::warn!(alert = key.0, "given up: too many alerts wait for a receiver");
            alerts.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use weft_core::time::{Span, Step};
    use weft_store::SqliteStore;

    use super::*;
    use crate::alert::fixture::NOW;

    fn at(minutes: i64) -> Timestamp {
        NOW + Span::from_minutes(minutes)
    }

    fn concern(receiver: &str, minimum: Severity) -> Concern {
        Concern { receiver: receiver.to_owned(), minimum }
    }

    fn alert(name: &str, severity: Severity, ends: Option<Timestamp>) -> Alert {
        Alert {
            fingerprint: format!("host_lost/{name}"),
            rule: "host_lost".to_owned(),
            severity,
            subject: name.to_owned(),
            summary: format!("host {name} is lost"),
            labels: BTreeMap::new(),
            begins: NOW,
            ends,
            told: None,
            told_by: BTreeSet::new(),
        }
    }

    fn names(alerts: &[Alert]) -> Vec<&str> {
        alerts.iter().map(|alert| alert.subject.as_str()).collect()
    }

    #[test]
    fn everybody_is_told_once_and_of_the_end_again_even_over_restarts() {
        let folder = tempfile::tempdir().expect("a folder");
        let concerns = [concern("pager", Severity::Critical), concern("chat", Severity::Info)];
        let [pager, chat] = &concerns;
        let opened = || {
            let store = SqliteStore::open(&folder.path().join("weft.db"), Step::FIVE_MINUTES);
            Ledger::open(Arc::new(store.expect("opened")), concerns.to_vec()).expect("read")
        };
        let ledger = opened();
        ledger.enter(alert("a", Severity::Warning, None), at(0)).expect("kept");
        ledger.enter(alert("b", Severity::Critical, None), at(0)).expect("kept");
        assert_eq!(names(&ledger.untold(pager)), ["b"]);
        assert_eq!(names(&ledger.untold(chat)), ["a", "b"]);
        for alert in ledger.untold(chat) {
            ledger.told("chat", &alert, at(1)).expect("noted");
        }
        drop(ledger);

        let ledger = opened();
        assert_eq!(names(&ledger.untold(chat)), [""; 0], "it was told before the restart");
        assert_eq!(names(&ledger.untold(pager)), ["b"], "it was not");
        let told: Vec<_> = ledger.open_alerts().iter().map(|alert| alert.told).collect();
        assert_eq!(told, [Some(at(1)), None]);
        // It ends while the pager is being told of its begin: the pager has yet to hear of the end.
        let begun = ledger.untold(pager).remove(0);
        ledger.enter(alert("b", Severity::Critical, Some(at(9))), at(9)).expect("kept");
        ledger.told("pager", &begun, at(9)).expect("noted");
        drop(ledger);

        let ledger = opened();
        assert_eq!(names(&ledger.open_alerts()), ["a"]);
        let ends = ledger.untold(pager);
        assert_eq!((names(&ends), ends[0].ends), (vec!["b"], Some(at(9))));
        ledger.told("pager", &ends[0], at(10)).expect("noted");
        ledger.told("chat", &ends[0], at(10)).expect("noted");
        drop(ledger);
        let ledger = opened();
        assert!(ledger.untold(pager).is_empty() && ledger.untold(chat).is_empty());
    }

    #[test]
    fn what_waits_is_bounded() {
        let store = SqliteStore::in_memory(Step::FIVE_MINUTES).expect("opened");
        let chat = concern("chat", Severity::Info);
        let ledger = Ledger::open(Arc::new(store), vec![chat.clone()]).expect("read");
        for number in 0..MOST_WAITING as i64 + 5 {
            let ended = alert(&format!("h{number}"), Severity::Info, Some(at(number)));
            ledger.enter(ended, at(number)).expect("kept");
        }
        let waiting = ledger.untold(&chat);
        assert_eq!((waiting.len(), waiting[0].subject.as_str()), (MOST_WAITING, "h5"));
    }

    #[test]
    fn without_receivers_everything_is_told() {
        let store = SqliteStore::in_memory(Step::FIVE_MINUTES).expect("opened");
        let ledger = Ledger::open(Arc::new(store), Vec::new()).expect("read");
        ledger.enter(alert("a", Severity::Critical, None), at(0)).expect("kept");
        assert_eq!(ledger.open_alerts()[0].told, Some(at(0)));
    }
}
