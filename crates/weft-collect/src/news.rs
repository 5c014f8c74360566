//! News: items of feeds to signals, by keywords. Anybody may write a feed, so what comes out here is
//! never trusted: no setting makes it so.

mod feed;

use serde::Deserialize;
use thiserror::Error;
use weft_core::event::{Event, EventKind, Provenance, Signal};
use weft_core::policy::{Selector, Window};
use weft_core::time::{Span, Timestamp};

use self::feed::{ITEMS, Item, items};
use crate::signal::keywords::{Keywords, Words};
use crate::signal::origin::{Fetched, Origin, Placement, Request, lift};
use crate::signal::text::{TITLE_CHARS, cleaned, identifier};
use crate::signal::{Reading, SignalError};

/// How far an item's date may lie ahead: a zone that was forgotten, not tomorrow's news.
const AHEAD: Span = Span::from_hours(14);

/// The longest effect taken seriously.
const LONGEST: Span = Span::from_days(366);

/// Why a text is no feed that can be read.
#[derive(Debug, Error)]
pub enum NewsError {
    /// Something else stands there, or nothing.
    #[error("expected a feed (`rss`, `feed` or `rdf:RDF`), found `{found}`")]
    NoFeed {
        /// What.
        found: String,
    },
    /// Not well-formed.
    #[error("byte {byte}: expected well-formed XML")]
    Xml {
        /// Where.
        byte: u64,
        /// What is wrong.
        #[source]
        cause: quick_xml::Error,
    },
    /// The text ends inside an element.
    #[error("expected every element to end, found the end of the text inside {open} of them")]
    Open {
        /// How many are open.
        open: usize,
    },
    /// Elements nest too deep.
    #[error("expected elements at most {limit} deep, found more")]
    TooDeep {
        /// The limit.
        limit: usize,
    },
}

/// Which items matter, and what they mean.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The words, in title or summary.
    pub keywords: Keywords,
    /// What such an item is called, like `outage`; a part of its events' names.
    pub kind: String,
    /// Whom it concerns.
    pub concerns: Selector,
    /// How long it has an effect, from when it was published on.
    pub lasts: Span,
    /// The lift it is expected to bring, as a multiple of usual demand.
    #[serde(default, deserialize_with = "lift")]
    pub expected_lift: Option<f64>,
}

/// A feed to read.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "Written")]
pub struct NewsSource {
    /// Its name, the first part of its events' names.
    pub name: String,
    /// Where it lies.
    pub origin: Origin,
    /// How often it is read.
    pub every: Span,
    /// What is looked for; every rule that means an item makes an event.
    pub rules: Vec<Rule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: String,
    path: Option<std::path::PathBuf>,
    url: Option<String>,
    #[serde(default)]
    allow_private: bool,
    every: Option<Span>,
    rules: Vec<Rule>,
}

impl TryFrom<Written> for NewsSource {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let Written { name, path, url, allow_private, every, rules } = written;
        let wrong = |sentence: &str| format!("feed `{name}`: {sentence}");
        let kind = "feed";
        let placement = Placement { kind, name: &name, path, url, allow_private, every };
        let (origin, every) = placement.judged()?;
        if rules.is_empty() {
            return Err(wrong("expected at least one rule, found none"));
        }
        if rules.iter().any(|rule| rule.kind.is_empty() || identifier(&rule.kind) != rule.kind) {
            return Err(wrong("expected every rule to have a short `kind`, found one without"));
        }
        if rules.iter().any(|rule| rule.lasts <= Span::ZERO || rule.lasts > LONGEST) {
            return Err(wrong("expected `lasts` above zero and at most 366 days, found another"));
        }
        Ok(Self { name, origin, every, rules })
    }
}

impl NewsSource {
    /// The signals of the items whose effect overlaps `horizon`, as of `now`. Items without a date or
    /// from the future are left out and named: their window would be anybody's choice.
    pub fn signals(
        &self,
        bytes: &[u8],
        now: Timestamp,
        horizon: Window,
    ) -> Result<Reading, NewsError> {
        let (items, has_more) = items(bytes)?;
        let mut reading = Reading::default();
        for item in &items {
            match published(item, now) {
                Ok(published) => {
                    let signals =
                        self.rules_of(item).map(|rule| self.signal(item, rule, published));
                    let near = |signal: &Signal| signal.to_show().window.overlaps(&horizon);
                    reading.signals.extend(signals.filter(near));
                }
                Err(problem) => {
                    let title = cleaned(&item.title, TITLE_CHARS);
                    reading.problems.push(format!("item `{title}` left out: {problem}"));
                }
            }
        }
        if has_more {
            let sentence =
                format!("expected at most {ITEMS} items, found more: the rest is left out");
            reading.problems.push(sentence);
        }
        Ok(reading.ordered())
    }

    /// Loads the source, by `fetch` where it lies at an address, and gives the signals of its items.
    pub fn read(
        &self,
        now: Timestamp,
        horizon: Window,
        fetch: impl FnOnce(Request<'_>) -> Fetched,
    ) -> Result<Reading, SignalError> {
        let bytes = self.origin.load(&self.name, fetch)?;
        self.signals(&bytes, now, horizon)
            .map_err(|cause| SignalError::News { name: self.name.clone(), cause })
    }

    fn rules_of(&self, item: &Item) -> impl Iterator<Item = &Rule> {
        let words = Words::of(&format!("{}\n{}", item.title, item.summary));
        self.rules.iter().filter(move |rule| rule.keywords.match_words(&words))
    }

    fn signal(&self, item: &Item, rule: &Rule, published: Timestamp) -> Signal {
        let event = Event {
            id: format!("{}/{}/{}", self.name, rule.kind, identifier(&item.id)).into(),
            kind: EventKind::News,
            window: Window { begins: published, ends: published + rule.lasts },
            concerns: rule.concerns.clone(),
            expected_lift: rule.expected_lift,
        };
        let provenance = Provenance {
            title: cleaned(&item.title, TITLE_CHARS),
            place: identifier(&item.id),
            link: item.link.clone(),
            rule: Some(rule.kind.clone()),
        };
        Signal::untrusted(&self.name, event, provenance)
    }
}

fn published(item: &Item, now: Timestamp) -> Result<Timestamp, String> {
    match item.published {
        None => Err("expected a date in RFC 3339 or RFC 2822, found none".to_owned()),
        Some(published) if published > now + AHEAD => {
            Err(format!("expected a date up to now, found {published}"))
        }
        Some(published) => Ok(published),
    }
}

#[cfg(test)]
mod tests;
