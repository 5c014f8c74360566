//! Alerts: rules over what the loop shows ([`rules`]), what of it is new or over ([`book`]), and who is told
//! ([`receiver`]). What is open is in the store, so that a restart repeats nothing. It looks at the loop and never
//! keeps it waiting; a receiver that is slow or down keeps nobody else waiting.

mod book;
pub mod deliveries;
#[cfg(test)]
pub(crate) mod fixture;
mod ledger;
pub mod receiver;
pub mod rules;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{JoinHandle, Thread};
use std::time::Duration;

use thiserror::Error;
use weft_control::control::TrackedMove;
use weft_store::{Store, StoreError};

use self::book::Book;
use self::ledger::{Concern, Ledger};
use self::receiver::Receiver;
use crate::api;
use crate::run::clock::Clock;
use crate::run::desk::{Desk, Topic};

/// How often the rules look. What they find holds for minutes; on a fast clock those are fractions of a second.
const PACE: Duration = Duration::from_millis(500);

/// Moves from before a restart that are remembered: more than end within the hour in which they matter.
const MOST_REMEMBERED: usize = 500;

/// Why there can be no alerts.
#[derive(Debug, Error)]
pub enum AlertError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There are no more threads.
    #[error("a thread for alerts could not be started")]
    Thread(#[from] std::io::Error),
}

/// The threads: one that looks, and one for each receiver.
#[derive(Debug)]
pub struct Alerts {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Alerts {
    /// Starts them. Alerts are kept in the desk's store whether anybody is told of them or not.
    pub fn start(desk: &Desk, receivers: Vec<Receiver>, clock: Clock) -> Result<Self, AlertError> {
        let concerns: Vec<Concern> = receivers.iter().map(Receiver::concern).collect();
        let ledger = Arc::new(Ledger::open(desk.store().clone(), concerns)?);
        let stop = Arc::new(AtomicBool::new(false));
        let mut alerts = Self { stop: stop.clone(), threads: Vec::new() };
        for receiver in receivers {
            let (ledger, stop, desk) = (ledger.clone(), stop.clone(), desk.clone());
            let named = std::thread::Builder::new().name(format!("weft-tell-{}", receiver.name()));
            let thread = named.spawn(move || receiver.work(&ledger, &desk, clock, &stop))?;
            alerts.threads.push(thread);
        }
        let remembered = remembered(desk.store().as_ref())?;
        let told = alerts.threads.iter().map(|thread| thread.thread().clone()).collect();
        let mut watch =
            Watch { desk: desk.clone(), ledger, remembered, told, book: Book::default() };
        let named = std::thread::Builder::new().name("weft-alerts".to_owned());
        alerts.threads.push(named.spawn(move || {
            while !stop.load(Ordering::Acquire) {
                watch.turn();
                std::thread::park_timeout(PACE);
            }
        })?);
        Ok(alerts)
    }

    /// Ends them; what is being told is waited for. What nobody was told of is told after the next start.
    pub fn close(self) {
        self.stop.store(true, Ordering::Release);
        self.threads.iter().for_each(|thread| thread.thread().unpark());
        for thread in self.threads {
            let _ = thread.join();
        }
    }
}

fn remembered(store: &dyn Store) -> Result<Vec<TrackedMove>, StoreError> {
    let kept = store.moves(None, MOST_REMEMBERED)?.into_iter();
    Ok(kept.filter(|kept| kept.ended.is_some()).map(api::tracked).collect())
}

/// The one that looks.
struct Watch {
    desk: Desk,
    ledger: Arc<Ledger>,
    remembered: Vec<TrackedMove>,
    /// The receivers' threads, to be woken.
    told: Vec<Thread>,
    book: Book,
}

impl Watch {
    fn turn(&mut self) {
        let view = self.desk.view();
        let findings = rules::judged(&view, &self.remembered);
        let open = self.ledger.open_alerts();
        let changed = self.book.turn(view.now, view.step, &findings, &open);
        if changed.is_empty() {
            return;
        }
        for alert in changed {
            let state = if alert.ends.is_some() { "over" } else { "open" };
            tracing::info!(alert = alert.fingerprint, state, summary = alert.summary, "alert");
            // What could not be kept is found again by the next turn.
            if let Err(error) = self.ledger.enter(alert, view.now) {
                tracing::error!(%error, "an alert could not be kept");
            }
        }
        self.desk.tell(BTreeSet::from([Topic::Alerts]));
        self.told.iter().for_each(Thread::unpark);
    }
}
