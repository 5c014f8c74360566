//! Event files: calendar entries, campaigns and news with their windows and whom they concern.
//! An event that ends before it begins must never get in.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_saphyr::Spanned;

use super::{FileError, document};
use crate::event::{Event, EventKind, Occurrence};
use crate::policy::{Selector, Window};
use crate::time::{Span, Timestamp};

/// Without `ends` an effect that falls is followed for so many times its decay: to 2 % of what it was.
const DECAYS: i64 = 4;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct EventsDocument {
    events: Vec<Spanned<EventEntry>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct EventEntry {
    name: String,
    kind: EventKind,
    begins: Timestamp,
    #[serde(default)]
    ends: Option<Timestamp>,
    #[serde(default)]
    concerns: Selector,
    #[serde(default)]
    expected_lift: Option<f64>,
    #[serde(default)]
    category: Option<String>,
    #[serde(default)]
    decay: Option<Span>,
    #[serde(default)]
    known: Option<Timestamp>,
}

/// Reads an event file, in its order.
pub fn read(file: &str, text: &str) -> Result<Vec<Occurrence>, FileError> {
    let document: EventsDocument = document(file, text)?;
    let mut names = BTreeSet::new();
    document
        .events
        .into_iter()
        .map(|entry| {
            let wrong = |sentence| FileError::new(file, Some(entry.referenced), sentence);
            let occurrence = occurrence(&entry.value).map_err(wrong)?;
            if names.insert(occurrence.event.id.clone()) {
                return Ok(occurrence);
            }
            let sentence = "expected every event to have its own name, found";
            Err(wrong(format!("{sentence} `{}` twice", occurrence.event.id)))
        })
        .collect()
}

fn occurrence(entry: &EventEntry) -> Result<Occurrence, String> {
    let EventEntry { name, kind, begins, expected_lift, decay, .. } = entry;
    if name.is_empty() {
        return Err("expected an event with a name, found an empty one".to_owned());
    }
    let wrong = |sentence: String| format!("event `{name}`: {sentence}");
    if entry.category.as_ref().is_some_and(String::is_empty) {
        return Err(wrong("expected a category with a name, found an empty one".to_owned()));
    }
    if let Some(lift) = expected_lift.filter(|lift| !(lift.is_finite() && *lift >= 0.0)) {
        return Err(wrong(format!("expected a lift of at least 0, found {lift}")));
    }
    if let Some(decay) = decay.filter(|decay| *decay <= Span::ZERO) {
        return Err(wrong(format!("expected a decay above 0, found {decay}")));
    }
    let event = Event {
        id: name.as_str().into(),
        kind: *kind,
        window: Window { begins: *begins, ends: ends(entry).map_err(wrong)? },
        concerns: entry.concerns.clone(),
        expected_lift: *expected_lift,
    };
    let usual = Occurrence::from(event);
    let known_from = entry.known.or(usual.known_from);
    Ok(Occurrence { category: entry.category.clone(), decay: *decay, known_from, ..usual })
}

fn ends(entry: &EventEntry) -> Result<Timestamp, String> {
    match (entry.ends, entry.decay) {
        (Some(ends), _) if ends > entry.begins => Ok(ends),
        (Some(ends), _) => {
            Err(format!("expected `ends` after `begins` ({}), found {ends}", entry.begins))
        }
        (None, Some(decay)) => Ok(entry.begins + decay * DECAYS),
        (None, None) => Err("expected `ends` or `decay`, found neither".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, begins: &str, ends: &str, rest: &str) -> String {
        format!("- name: {name}\n  kind: news\n  begins: {begins}\n  ends: {ends}\n{rest}")
    }

    #[test]
    fn events_are_read_in_order() {
        let text = format!(
            "events:\n{}{}",
            entry("b", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", "  expected_lift: 2\n"),
            entry("a", "60", "120", "  concerns: {tags: [web]}\n"),
        );
        let events: Vec<Event> = read("e.yaml", &text)
            .expect("valid")
            .into_iter()
            .map(|occurrence| occurrence.event)
            .collect();
        assert_eq!(events.iter().map(|event| event.id.as_str()).collect::<Vec<_>>(), ["b", "a"]);
        assert_eq!(events[0].expected_lift, Some(2.0));
        assert_eq!(events[1].window.begins, Timestamp::from_seconds(60));
        assert!(events[1].concerns.tags.contains(&"web".into()));
    }

    #[test]
    fn news_falls_and_is_known_from_its_begin() {
        let read = |rest: &str| {
            let text = format!("events:\n- name: a\n  kind: news\n  begins: 600\n{rest}");
            read("e.yaml", &text).map(|mut events| events.remove(0))
        };
        let news = read("  decay: 10m\n  category: outage\n").expect("valid");
        assert_eq!(news.event.window.ends, Timestamp::from_seconds(600 + 2_400));
        assert_eq!(news.known_from, Some(Timestamp::from_seconds(600)));
        assert_eq!(
            (news.category.as_deref(), news.decay),
            (Some("outage"), Some(Span::from_minutes(10)))
        );
        let announced = read("  ends: 900\n  known: 60\n").expect("valid");
        assert_eq!(announced.known_from, Some(Timestamp::from_seconds(60)));
        let check = |rest: &str, sentence: &str| {
            let error = read(rest).expect_err(rest).to_string();
            assert!(error.contains(sentence), "{error}");
        };
        check("", "event `a`: expected `ends` or `decay`, found neither");
        check("  decay: 0s\n", "event `a`: expected a decay above 0, found 0s");
        check("  ends: 900\n  category: ''\n", "a category with a name, found an empty one");
    }

    #[test]
    fn a_wrong_event_is_answered_with_its_line() {
        let check = |text: &str, parts: &[&str]| {
            let error = read("e.yaml", text).expect_err(text).to_string();
            for part in parts {
                assert!(error.contains(part), "expected {part:?} in {error:?}");
            }
        };
        let first = entry("a", "60", "120", "");
        check(
            &format!("events:\n{first}{first}"),
            &["e.yaml, line 6", "every event to have its own name, found `a` twice"],
        );
        check(&format!("events:\n{}", entry("a", "60", "60", "")), &["line 2", "`ends` after"]);
        let negative = entry("a", "60", "120", "  expected_lift: -1\n");
        check(&format!("events:\n{negative}"), &["lift of at least 0, found -1"]);
        let kind = first.replace("news", "rumour");
        check(&format!("events:\n{kind}"), &["line 3", "rumour", "news"]);
        check(&format!("events:\n{}", entry("a", "soon", "60", "")), &["line 4", "found `soon`"]);
        check("event: []\n", &["line 1", "event"]);
    }
}
