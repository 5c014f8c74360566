//! Calendars: iCalendar text (RFC 5545) to signals of the entries in a window. Whatever a calendar
//! says, the work and the number of instances are bounded, and what is left out is named.

mod component;
mod entry;
mod moment;
mod rule;
mod zone;

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use serde::Deserialize;
use thiserror::Error;
use weft_core::event::{Event, EventKind, Provenance, Signal};
use weft_core::policy::{Selector, Window};
use weft_core::time::{Span, Timestamp};

use self::component::{Component, components};
use self::entry::{Absent, Entry, utc_clock};
use self::rule::Work;
use self::zone::Zones;
use crate::signal::keywords::{Keywords, Words};
use crate::signal::origin::{Fetched, Origin, Placement, Request, lift};
use crate::signal::{Problems, Reading, SignalError};

/// How many instances one reading gives at most.
pub const INSTANCES: usize = 10_000;

/// Why a text is no calendar that can be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CalendarError {
    /// Something else stands there, or nothing.
    #[error("line {line}: expected BEGIN:VCALENDAR, found `{found}`")]
    NoCalendar {
        /// Where.
        line: usize,
        /// What.
        found: String,
    },
    /// A component ends that did not begin.
    #[error("line {line}: expected {expected}, found `END:{found}`")]
    Unmatched {
        /// Where.
        line: usize,
        /// What would fit.
        expected: String,
        /// What ends there.
        found: String,
    },
    /// The text ends inside a component; what is missing cannot be known.
    #[error("line {line}: expected END:{kind} for what begins here, found the end of the text")]
    Open {
        /// Where it begins.
        line: usize,
        /// Its kind.
        kind: String,
    },
    /// Components nest too deep.
    #[error("line {line}: expected components at most {limit} deep, found more")]
    TooDeep {
        /// Where.
        line: usize,
        /// The limit.
        limit: usize,
    },
}

/// Which entries concern which workloads: those whose title or categories have these words.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeywordRule {
    /// Its name, kept with every event that it makes.
    pub name: String,
    /// The words.
    pub keywords: Keywords,
    /// Whom such an entry concerns.
    pub concerns: Selector,
    /// The lift it is expected to bring, as a multiple of usual demand.
    #[serde(default, deserialize_with = "lift")]
    pub expected_lift: Option<f64>,
}

/// A calendar to read.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "Written")]
pub struct CalendarSource {
    /// Its name, the first part of its events' names.
    pub name: String,
    /// Where it lies.
    pub origin: Origin,
    /// How often it is read.
    pub every: Span,
    /// The zone of its days and of times without one.
    pub zone: TimeZone,
    /// Tried in order; the first that means an entry says whom it concerns.
    pub rules: Vec<KeywordRule>,
    /// Whom the other entries concern; none leaves them out.
    pub concerns: Option<Selector>,
    /// The lift expected of the other entries.
    pub expected_lift: Option<f64>,
    /// Whether moves may rest on it.
    pub is_trusted: bool,
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
    #[serde(default = "utc")]
    zone: String,
    #[serde(default)]
    rules: Vec<KeywordRule>,
    concerns: Option<Selector>,
    #[serde(default, deserialize_with = "lift")]
    expected_lift: Option<f64>,
    trusted: Option<bool>,
}

fn utc() -> String {
    "UTC".to_owned()
}

impl TryFrom<Written> for CalendarSource {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let Written { name, path, url, allow_private, every, zone, rules, concerns, .. } = written;
        if rules.is_empty() && concerns.is_none() {
            let expected = "expected `concerns` or `rules` (`concerns = {}` means every workload)";
            return Err(format!("calendar `{name}`: {expected}, found neither"));
        }
        let kind = "calendar";
        let placement = Placement { kind, name: &name, path, url, allow_private, every };
        let (origin, every) = placement.judged()?;
        let unknown =
            |_| format!("calendar `{name}`: expected a zone like Europe/Berlin, found `{zone}`");
        let zone = TimeZone::get(&zone).map_err(unknown)?;
        // Who can write to an address is not known; who can write to a file of this host is.
        let is_trusted = written.trusted.unwrap_or(matches!(origin, Origin::Path(_)));
        let expected_lift = written.expected_lift;
        Ok(Self { name, origin, every, zone, rules, concerns, expected_lift, is_trusted })
    }
}

impl CalendarSource {
    /// A file of which nothing else is said: its entries concern every workload, times without a zone are UTC.
    pub fn of_file(name: String, file: std::path::PathBuf) -> Self {
        Self {
            name,
            origin: Origin::Path(file),
            every: Span::from_minutes(1),
            zone: TimeZone::UTC,
            rules: Vec::new(),
            concerns: Some(Selector::default()),
            expected_lift: None,
            is_trusted: true,
        }
    }

    /// The signals of the instances that overlap `horizon`, in a calendar's bytes.
    pub fn signals(&self, bytes: &[u8], horizon: Window) -> Result<Reading, CalendarError> {
        let mut reading = Reading::default();
        let mut work = Work::default();
        let calendars = components(bytes, &mut reading.problems)?;
        if calendars.is_empty() {
            return Err(CalendarError::NoCalendar { line: 1, found: String::new() });
        }
        for calendar in &calendars {
            let entries = self.entries(calendar, horizon, &mut work, &mut reading.problems);
            self.add_instances(&newest(entries), horizon, &mut work, &mut reading);
        }
        if work.is_over() {
            let expected = "expected recurrence rules that end or begin in our times";
            reading.problems.push(format!("{expected}, found too many days to look at"));
        }
        Ok(reading.ordered())
    }

    /// Loads the source, by `fetch` where it lies at an address, and gives the signals of its instances.
    pub fn read(
        &self,
        horizon: Window,
        fetch: impl FnOnce(Request<'_>) -> Fetched,
    ) -> Result<Reading, SignalError> {
        let bytes = self.origin.load(&self.name, fetch)?;
        self.signals(&bytes, horizon)
            .map_err(|cause| SignalError::Calendar { name: self.name.clone(), cause })
    }

    fn entries(
        &self,
        calendar: &Component,
        horizon: Window,
        work: &mut Work,
        problems: &mut Problems,
    ) -> Vec<Entry> {
        // A year of rules around the horizon gives the offset at each of its instants.
        let year = Span::from_days(400).as_millis();
        let from = utc_clock(horizon.begins.as_millis().saturating_sub(year));
        let to = utc_clock(horizon.ends.as_millis().saturating_add(year));
        let zones = Zones::new(calendar, self.zone.clone(), from..=to, work, problems);
        let events = calendar.parts.iter().filter(|part| part.kind == "VEVENT");
        let mut entries = Vec::new();
        for event in events {
            match Entry::read(event, &zones) {
                Ok(entry) => entries.push(entry),
                Err(problem) => {
                    problems.push(format!("line {}: entry left out: {problem}", event.line));
                }
            }
        }
        entries
    }

    fn add_instances(
        &self,
        entries: &[Entry],
        horizon: Window,
        work: &mut Work,
        reading: &mut Reading,
    ) {
        let mut replaced: BTreeMap<&str, Absent> = BTreeMap::new();
        for (entry, moment) in entries.iter().filter_map(|e| Some((e, e.replaces.as_ref()?))) {
            replaced.entry(&entry.uid).or_default().add(moment);
        }
        let nothing = Absent::default();
        for entry in entries.iter().filter(|entry| !entry.is_cancelled) {
            let Some(matter) = self.matter(entry) else { continue };
            let others = replaced.get(&*entry.uid).filter(|_| entry.replaces.is_none());
            let replaced = others.unwrap_or(&nothing);
            for window in entry.instances(horizon, replaced, work) {
                if reading.signals.len() == INSTANCES {
                    let found =
                        format!("line {}: expected at most {INSTANCES} instances", entry.line);
                    reading.problems.push(format!("{found}, found more: the rest is left out"));
                    return;
                }
                reading.signals.push(self.signal(entry, &matter, window));
            }
        }
    }

    /// Why an entry matters; none where it concerns nobody.
    fn matter(&self, entry: &Entry) -> Option<Matter<'_>> {
        let words = Words::of(&entry.words);
        if let Some(rule) = self.rules.iter().find(|rule| rule.keywords.match_words(&words)) {
            let KeywordRule { name, concerns, expected_lift, .. } = rule;
            return Some(Matter { rule: Some(name), concerns, expected_lift: *expected_lift });
        }
        let concerns = self.concerns.as_ref()?;
        Some(Matter { rule: None, concerns, expected_lift: self.expected_lift })
    }

    fn signal(&self, entry: &Entry, matter: &Matter<'_>, window: Window) -> Signal {
        let event = Event {
            id: format!("{}/{}/{}", self.name, entry.uid, window.begins).into(),
            kind: EventKind::Calendar,
            window,
            concerns: matter.concerns.clone(),
            expected_lift: matter.expected_lift,
        };
        let provenance = Provenance {
            title: entry.title.clone(),
            place: format!("line {}, {}", entry.line, entry.uid),
            link: entry.link.clone(),
            rule: matter.rule.map(str::to_owned),
        };
        let make = if self.is_trusted { Signal::trusted } else { Signal::untrusted };
        make(&self.name, event, provenance)
    }
}

/// Why an entry matters: the rule that means it, whom it concerns, the lift.
struct Matter<'a> {
    rule: Option<&'a str>,
    concerns: &'a Selector,
    expected_lift: Option<f64>,
}

/// The entries without those of which a later version stands in the same calendar.
fn newest(entries: Vec<Entry>) -> Vec<Entry> {
    type Key = (String, Option<Timestamp>);
    let key = |entry: &Entry| -> Key {
        (entry.uid.clone(), entry.replaces.as_ref().and_then(moment::Moment::instant))
    };
    let mut versions: BTreeMap<Key, u64> = BTreeMap::new();
    for entry in &entries {
        let version = versions.entry(key(entry)).or_default();
        *version = entry.sequence.max(*version);
    }
    entries.into_iter().filter(|entry| versions[&key(entry)] == entry.sequence).collect()
}

#[cfg(test)]
mod tests;
