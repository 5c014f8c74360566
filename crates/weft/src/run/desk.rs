//! The desk: where everybody but the loop itself stands. Looks at the newest view, hands requests to
//! the loop and waits for their answers, hears what changed. It must never answer before what was
//! asked is durable.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;
use thiserror::Error;
use tokio::sync::{broadcast, oneshot};
use weft_control::control::Objection;
use weft_control::event::Request;
use weft_store::Store;

use super::view::View;
use crate::alert::deliveries::Deliveries;
use crate::api::shapes::signals::{DemoCampaign, DemoPlace, DemoPolicy};

/// Something that changed, for those who look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Topic {
    /// Clock, freshness, mode, switch, freezes.
    Status,
    /// Probabilities ahead.
    Outlook,
    /// The plan in force.
    Plans,
    /// Moves.
    Moves,
    /// Foreseen shortages.
    Shortages,
    /// Hosts' states and who is on them.
    Hosts,
    /// Alerts.
    Alerts,
    /// Outside events.
    Events,
    /// The journal.
    Journal,
}

impl Topic {
    /// Everything that can change.
    pub const ALL: [Self; 9] = [
        Self::Status,
        Self::Outlook,
        Self::Plans,
        Self::Moves,
        Self::Shortages,
        Self::Hosts,
        Self::Alerts,
        Self::Events,
        Self::Journal,
    ];
}

/// What can be asked of the loop.
#[derive(Debug)]
pub enum Ask {
    /// What a person may ask of any fleet.
    Control(Request),
    /// What only the demo can do.
    Demo(DemoAsk),
    /// Read the policy file again.
    ReloadPolicies,
    /// Stop after what is under way.
    Stop,
}

/// What only the demo can do.
#[derive(Debug, Clone, PartialEq)]
pub enum DemoAsk {
    /// Lose a place.
    Lose(DemoPlace),
    /// Bring it back.
    BringBack(DemoPlace),
    /// Start a campaign now.
    Campaign(DemoCampaign),
    /// Change mode, confidence or speed.
    Policy(DemoPolicy),
}

/// Why the loop did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refusal {
    /// It would change nothing.
    #[error(transparent)]
    Objection(#[from] Objection),
    /// A value out of range, or a name that is not there.
    #[error("{0}")]
    Invalid(String),
    /// Only the demo does this.
    #[error("expected the demo, found a real fleet: faults and campaigns are played only there")]
    NotADemo,
    /// It could not be made durable.
    #[error("it could not be stored, so it was not done: {0}")]
    Store(String),
    /// It is done, and not yet durable.
    #[error("it is done but not yet stored, which is tried again until it works: {0}")]
    Unstored(String),
    /// The loop is stopping.
    #[error("the loop is stopping")]
    Stopping,
}

/// What a request came to: a sentence, or why not.
pub type Answer = Result<String, Refusal>;

/// A request with where its answer goes.
#[derive(Debug)]
pub struct Letter {
    /// What is asked.
    pub ask: Ask,
    /// Where the answer goes.
    pub reply: oneshot::Sender<Answer>,
}

/// Takes a letter to the loop; gives it back where there is no loop any more.
type Post = dyn Fn(Letter) -> Result<(), Letter> + Send + Sync;

/// The desk. Cloning it is cheap.
#[derive(Clone)]
pub struct Desk {
    view: Arc<ArcSwap<View>>,
    post: Arc<Post>,
    changes: broadcast::Sender<Arc<BTreeSet<Topic>>>,
    store: Arc<dyn Store>,
    deliveries: Arc<Deliveries>,
    /// How often outside events changed.
    events_told: Arc<AtomicU64>,
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Desk").finish_non_exhaustive()
    }
}

impl Desk {
    /// A desk for a loop that begins with `view` and gets its letters by `post`, which gives them back
    /// once there is no loop any more.
    pub fn new(
        view: View,
        post: impl Fn(Letter) -> Result<(), Letter> + Send + Sync + 'static,
        store: Arc<dyn Store>,
    ) -> Self {
        let view = Arc::new(ArcSwap::from_pointee(view));
        // A reader that falls this far behind looks at everything again.
        let (changes, _) = broadcast::channel(64);
        Self {
            view,
            post: Arc::new(post),
            changes,
            store,
            deliveries: Arc::default(),
            events_told: Arc::default(),
        }
    }

    /// The newest view.
    pub fn view(&self) -> Arc<View> {
        self.view.load_full()
    }

    /// What is kept.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// How often receivers of alerts were told.
    pub fn deliveries(&self) -> &Deliveries {
        &self.deliveries
    }

    /// What changes from now on.
    pub fn changes(&self) -> broadcast::Receiver<Arc<BTreeSet<Topic>>> {
        self.changes.subscribe()
    }

    /// Shows a new view, and says what changed in it.
    pub fn publish(&self, view: View, topics: BTreeSet<Topic>) {
        self.view.store(Arc::new(view));
        self.tell(topics);
    }

    /// Says that something beside the view changed.
    pub fn tell(&self, topics: BTreeSet<Topic>) {
        if topics.contains(&Topic::Events) {
            self.events_told.fetch_add(1, Ordering::Release);
        }
        // Nobody listens at times: that is no error.
        let _ = self.changes.send(Arc::new(topics));
    }

    /// How often outside events may have changed: whoever holds another number must read them again.
    pub fn events_told(&self) -> u64 {
        self.events_told.load(Ordering::Acquire)
    }

    /// Asks the loop for something; the answer comes when it is durable.
    pub async fn ask(&self, ask: Ask) -> Answer {
        let (reply, answer) = oneshot::channel();
        (self.post)(Letter { ask, reply }).map_err(|_| Refusal::Stopping)?;
        answer.await.unwrap_or(Err(Refusal::Stopping))
    }

    /// Asks without a runtime: for the thread that waits for signals.
    pub fn ask_and_wait(&self, ask: Ask) -> Answer {
        let (reply, answer) = oneshot::channel();
        (self.post)(Letter { ask, reply }).map_err(|_| Refusal::Stopping)?;
        answer.blocking_recv().unwrap_or(Err(Refusal::Stopping))
    }
}
