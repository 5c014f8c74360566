//! Outside knowledge: calendar entries, campaigns, news. Each has a window and the workloads it
//! concerns.

use serde::{Deserialize, Serialize};

use crate::id::EventId;
use crate::policy::{Selector, Window};

/// Where an event comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// An entry of a calendar.
    Calendar,
    /// A planned campaign.
    Campaign,
    /// A news item.
    News,
}

/// One event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Its name.
    pub id: EventId,
    /// Where it comes from.
    pub kind: EventKind,
    /// When it has an effect.
    pub window: Window,
    /// Whom it concerns.
    pub concerns: Selector,
    /// The lift its author expects, as a multiple of usual demand; learned effects replace it.
    pub expected_lift: Option<f64>,
}
