//! Signals: events from outside sources, each with where it comes from and whether it may move
//! anything. An event that nobody vouches for must never lead to a move.

pub mod fetching;
pub mod keywords;
pub mod origin;
pub mod source;
pub mod text;

use serde::Serialize;
use thiserror::Error;
use weft_core::event::Signal;

use crate::calendar::CalendarError;
use crate::campaign::CampaignError;
use crate::news::NewsError;

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
            let key = |signal: &Signal| signal.to_show().window.begins;
            key(a).cmp(&key(b)).then_with(|| a.to_show().id.cmp(&b.to_show().id))
        });
        self.signals.dedup_by(|later, first| later.to_show().id == first.to_show().id);
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
    use weft_core::event::{Event, EventKind, Provenance};
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

    #[test]
    fn a_reading_is_ordered_and_names_are_unique() {
        let signal = |id, begins| Signal::trusted("s", event(id, begins), Provenance::named(id));
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
