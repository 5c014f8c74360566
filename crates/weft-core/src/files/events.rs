//! Event files: calendar entries, campaigns and news with their windows and whom they concern.
//! An event that ends before it begins must never get in.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_saphyr::Spanned;

use super::{FileError, document};
use crate::event::{Event, EventKind};
use crate::policy::{Selector, Window};
use crate::time::Timestamp;

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
    ends: Timestamp,
    #[serde(default)]
    concerns: Selector,
    #[serde(default)]
    expected_lift: Option<f64>,
}

/// Reads an event file, in its order.
pub fn read(file: &str, text: &str) -> Result<Vec<Event>, FileError> {
    let document: EventsDocument = document(file, text)?;
    let mut names = BTreeSet::new();
    document
        .events
        .into_iter()
        .map(|entry| {
            let wrong = |sentence| FileError::new(file, Some(entry.referenced), sentence);
            let event = event(&entry.value).map_err(wrong)?;
            if names.insert(event.id.clone()) {
                return Ok(event);
            }
            let sentence = "expected every event to have its own name, found";
            Err(wrong(format!("{sentence} `{}` twice", event.id)))
        })
        .collect()
}

fn event(entry: &EventEntry) -> Result<Event, String> {
    let EventEntry { name, kind, begins, ends, concerns, expected_lift } = entry;
    if name.is_empty() {
        return Err("expected an event with a name, found an empty one".to_owned());
    }
    if ends <= begins {
        return Err(format!(
            "event `{name}`: expected `ends` after `begins` ({begins}), found {ends}"
        ));
    }
    if let Some(lift) = expected_lift.filter(|lift| !(lift.is_finite() && *lift >= 0.0)) {
        return Err(format!("event `{name}`: expected a lift of at least 0, found {lift}"));
    }
    Ok(Event {
        id: name.as_str().into(),
        kind: *kind,
        window: Window { begins: *begins, ends: *ends },
        concerns: concerns.clone(),
        expected_lift: *expected_lift,
    })
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
        let events = read("e.yaml", &text).expect("valid");
        assert_eq!(events.iter().map(|event| event.id.as_str()).collect::<Vec<_>>(), ["b", "a"]);
        assert_eq!(events[0].expected_lift, Some(2.0));
        assert_eq!(events[1].window.begins, Timestamp::from_seconds(60));
        assert!(events[1].concerns.tags.contains(&"web".into()));
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
