//! Outside knowledge: calendar entries, campaigns, news. Each has a window and the workloads it
//! concerns. An event that nobody vouches for must never lead to a move: it comes as a [`Signal`], which
//! gives it for acting only where its source is trusted.

use serde::{Deserialize, Serialize};

use crate::id::EventId;
use crate::policy::{Selector, Window};
use crate::time::{Span, Timestamp};

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

/// An event as its effect is learned and foreseen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Occurrence {
    /// The event.
    pub event: Event,
    /// What events with the same effect are called; without it they are told by their names or their kind.
    pub category: Option<String>,
    /// The time in which the effect falls to 1/e of what it was; without it that is learned for news, and other
    /// effects do not fall before the window ends.
    pub decay: Option<Span>,
    /// A forecast from an earlier origin must not use it; without it, it was always known.
    pub known_from: Option<Timestamp>,
}

impl From<Event> for Occurrence {
    /// Calendar entries and campaigns are known ahead, news from when it begins.
    fn from(event: Event) -> Self {
        let known_from = (event.kind == EventKind::News).then_some(event.window.begins);
        Self { event, category: None, decay: None, known_from }
    }
}

/// An event of an outside source.
///
/// The event cannot be taken out without saying what for: [`Signal::to_act_on`] gives it only where
/// the source is trusted, [`Signal::to_show`] always, for display and for learning.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Signal {
    event: Event,
    source: String,
    provenance: Provenance,
    is_trusted: bool,
}

impl Signal {
    /// A signal of a source that the operator vouches for.
    pub fn trusted(source: &str, event: Event, provenance: Provenance) -> Self {
        Self { event, source: source.to_owned(), provenance, is_trusted: true }
    }

    /// A signal of a source that anybody may write to.
    pub fn untrusted(source: &str, event: Event, provenance: Provenance) -> Self {
        Self { event, source: source.to_owned(), provenance, is_trusted: false }
    }

    /// The same, but nobody vouches for it. There is no way back.
    pub fn distrusted(self) -> Self {
        Self { is_trusted: false, ..self }
    }

    /// The event, where forecasts that lead to moves may use it; none where it is not trusted.
    pub const fn to_act_on(&self) -> Option<&Event> {
        if self.is_trusted { Some(&self.event) } else { None }
    }

    /// The event, to show it, to compare it or to learn from it; never to move anything.
    pub const fn to_show(&self) -> &Event {
        &self.event
    }

    /// The configured name of the source.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// What in the source the event was made from.
    pub const fn provenance(&self) -> &Provenance {
        &self.provenance
    }

    /// Whether the operator vouches for the source.
    pub const fn is_trusted(&self) -> bool {
        self.is_trusted
    }
}

/// What in a source an event was made from. All texts are cleaned and bounded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance {
    /// The title of the entry, campaign or item.
    pub title: String,
    /// Where in the source: its identifier there, or its line.
    pub place: String,
    /// The page it points to, `http` or `https` only.
    pub link: Option<String>,
    /// The keyword rule that chose it, if one did.
    pub rule: Option<String>,
}

impl Provenance {
    /// Of an event that says no more of itself than its name.
    pub fn named(title: &str) -> Self {
        Self { title: title.to_owned(), place: title.to_owned(), link: None, rule: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_untrusted_event_cannot_be_acted_on() {
        let window =
            Window { begins: Timestamp::from_seconds(0), ends: Timestamp::from_seconds(1) };
        let event = Event {
            id: "a".into(),
            kind: EventKind::News,
            window,
            concerns: Selector::default(),
            expected_lift: None,
        };
        let signal = Signal::untrusted("feed", event.clone(), Provenance::named("a"));
        assert!(signal.to_act_on().is_none());
        assert_eq!(signal.to_show(), &event);
        let signal = Signal::trusted("plan", event, Provenance::named("a"));
        assert_eq!(signal.to_act_on(), Some(signal.to_show()));
        assert!(signal.distrusted().to_act_on().is_none());
    }
}
