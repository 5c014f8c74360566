//! Signals: events from outside sources, each with where it comes from and whether it may move
//! anything. An event that nobody vouches for must never lead to a move.

pub mod keywords;
pub mod origin;
pub mod text;

use serde::Serialize;
use thiserror::Error;
use weft_core::event::Event;

use crate::calendar::CalendarError;
use crate::campaign::CampaignError;
use crate::news::NewsError;

/// An event of an outside source.
///
/// The event cannot be taken out without saying what for: [`Signal::to_act_on`] gives it only where
/// the source is trusted, [`Signal::to_show`] always, for display and for learning.
#[derive(Debug, Clone, PartialEq, Serialize)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
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

/// What one reading of a source gave.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Reading {
    /// The signals, ordered by begin and name.
    pub signals: Vec<Signal>,
    /// What was left out and why, one sentence each, with its line or identifier.
    pub problems: Problems,
}

impl Reading {
    /// Puts the signals in order; of two with the same name the first stays.
    pub(crate) fn ordered(mut self) -> Self {
        self.signals.sort_by(|a, b| {
            let key = |signal: &Signal| signal.event.window.begins;
            key(a).cmp(&key(b)).then_with(|| a.event.id.cmp(&b.event.id))
        });
        self.signals.dedup_by(|later, first| later.event.id == first.event.id);
        self
    }
}

/// Sentences about what was left out. A source with a million faults does not fill the memory: the
/// first [`Problems::KEPT`] are kept, the rest is counted.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Problems {
    sentences: Vec<String>,
    further: usize,
}

impl Problems {
    /// How many sentences are kept: more than a person reads.
    pub const KEPT: usize = 100;

    /// Adds one.
    pub fn push(&mut self, sentence: String) {
        if self.sentences.len() < Self::KEPT {
            self.sentences.push(sentence);
        } else {
            self.further += 1;
        }
    }

    /// The sentences that were kept, in the order of the source.
    pub fn sentences(&self) -> &[String] {
        &self.sentences
    }

    /// How many there were in all.
    pub const fn count(&self) -> usize {
        self.sentences.len() + self.further
    }
}

/// Why a source could not be read as a whole.
#[derive(Debug, Error)]
pub enum SignalError {
    /// The file could not be read.
    #[error("source `{name}`: expected to read the file `{path}`")]
    File {
        /// The source.
        name: String,
        /// The file.
        path: String,
        /// What the system said.
        #[source]
        cause: std::io::Error,
    },
    /// The address gave nothing.
    #[error("expected to fetch source `{name}`")]
    Fetch {
        /// The source.
        name: String,
        /// What the fetching says.
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The source is larger than is ever read.
    #[error("source `{name}`: expected at most {limit_bytes} bytes, found more")]
    TooLarge {
        /// The source.
        name: String,
        /// The limit.
        limit_bytes: u64,
    },
    /// Not a calendar.
    #[error("expected source `{name}` to be a calendar")]
    Calendar {
        /// The source.
        name: String,
        /// What is wrong.
        #[source]
        cause: CalendarError,
    },
    /// Not a table of campaigns.
    #[error("expected source `{name}` to be a table of campaigns")]
    Campaign {
        /// The source.
        name: String,
        /// What is wrong.
        #[source]
        cause: CampaignError,
    },
    /// Not a feed.
    #[error("expected source `{name}` to be a feed")]
    News {
        /// The source.
        name: String,
        /// What is wrong.
        #[source]
        cause: NewsError,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use weft_core::event::EventKind;
    use weft_core::policy::{Selector, Window};
    use weft_core::time::Timestamp;

    fn event(id: &str, begins: i64) -> Event {
        let at = Timestamp::from_seconds;
        Event {
            id: id.into(),
            kind: EventKind::News,
            window: Window { begins: at(begins), ends: at(begins + 1) },
            concerns: Selector::default(),
            expected_lift: None,
        }
    }

    fn provenance() -> Provenance {
        Provenance { title: "t".to_owned(), place: "p".to_owned(), link: None, rule: None }
    }

    #[test]
    fn an_untrusted_event_cannot_be_acted_on() {
        let signal = Signal::untrusted("feed", event("a", 0), provenance());
        assert!(signal.to_act_on().is_none());
        assert_eq!(signal.to_show().id.as_str(), "a");
        let signal = Signal::trusted("plan", event("a", 0), provenance());
        assert_eq!(signal.to_act_on(), Some(signal.to_show()));
    }

    #[test]
    fn a_reading_is_ordered_and_names_are_unique() {
        let signal = |id, begins| Signal::trusted("s", event(id, begins), provenance());
        let signals = vec![signal("b", 5), signal("c", 1), signal("a", 5), signal("b", 5)];
        let reading = Reading { signals, ..Reading::default() }.ordered();
        let ids: Vec<_> = reading.signals.iter().map(|s| s.to_show().id.as_str()).collect();
        assert_eq!(ids, ["c", "a", "b"]);
    }

    #[test]
    fn problems_are_counted_beyond_those_kept() {
        let mut problems = Problems::default();
        (0..250).for_each(|number| problems.push(format!("problem {number}")));
        assert_eq!((problems.sentences().len(), problems.count()), (Problems::KEPT, 250));
    }
}
