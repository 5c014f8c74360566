//! Events of one kind are taken to have the same effect. Which are of a kind is said by their category; or by their
//! names, where some differ by numbers only (`sale-2025`, `sale-2026`); or they are of one kind with all of their sort.

use std::collections::BTreeMap;

use weft_core::event::{EventKind, Occurrence};

/// A kind of event.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Kind {
    pub(super) sort: EventKind,
    pub(super) name: String,
    /// Positions among the occurrences.
    pub(super) events: Vec<usize>,
}

type Key = (EventKind, String);

/// The kinds of all events, in the order of their names; the word of a sort stands for what nothing else names.
pub(super) fn kinds(occurrences: &[Occurrence]) -> Vec<Kind> {
    let mut alike: BTreeMap<Key, usize> = BTreeMap::new();
    for occurrence in occurrences.iter().filter(|occurrence| occurrence.category.is_none()) {
        *alike.entry(named(occurrence)).or_default() += 1;
    }
    let mut kinds: BTreeMap<Key, Vec<usize>> = BTreeMap::new();
    for (index, occurrence) in occurrences.iter().enumerate() {
        let has_alike = occurrence.category.is_some()
            || alike.get(&named(occurrence)).is_some_and(|count| *count > 1);
        let key = if has_alike { named(occurrence) } else { unnamed(occurrence) };
        kinds.entry(key).or_default().push(index);
    }
    kinds.into_iter().map(|((sort, name), events)| Kind { sort, name, events }).collect()
}

/// The position of the kind that an occurrence belongs to, which need not be one of those that made the kinds.
pub(super) fn find<'a>(
    kinds: &(impl Iterator<Item = &'a Kind> + Clone),
    occurrence: &Occurrence,
) -> Option<usize> {
    let position =
        |(sort, name): Key| kinds.clone().position(|kind| kind.sort == sort && kind.name == name);
    position(named(occurrence)).or_else(|| position(unnamed(occurrence)))
}

/// The category, or the name without its numbers.
fn named(occurrence: &Occurrence) -> Key {
    let event = &occurrence.event;
    let name = occurrence.category.clone().unwrap_or_else(|| plain_name(event.id.as_str()));
    if name.is_empty() { unnamed(occurrence) } else { (event.kind, name) }
}

/// A name as far as it is one of several: in small letters, without numbers and signs.
pub fn plain_name(name: &str) -> String {
    let plain = |sign: char| if sign.is_alphabetic() { sign } else { ' ' };
    let words: String = name.chars().map(plain).collect();
    words.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

fn unnamed(occurrence: &Occurrence) -> Key {
    (occurrence.event.kind, word(occurrence.event.kind).to_owned())
}

/// The word for a sort of events, as in files.
pub const fn word(sort: EventKind) -> &'static str {
    match sort {
        EventKind::Calendar => "calendar",
        EventKind::Campaign => "campaign",
        EventKind::News => "news",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use weft_core::event::Event;
    use weft_core::policy::{Selector, Window};
    use weft_core::time::Timestamp;

    fn occurrence(name: &str, category: Option<&str>) -> Occurrence {
        let (begins, ends) = (Timestamp::from_seconds(0), Timestamp::from_seconds(60));
        let event = Event {
            id: name.into(),
            kind: EventKind::Campaign,
            window: Window { begins, ends },
            concerns: Selector::default(),
            expected_lift: None,
        };
        Occurrence { category: category.map(str::to_owned), ..event.into() }
    }

    #[test]
    fn alike_names_and_categories_make_kinds() {
        let all = [
            occurrence("Sale-2025", None),
            occurrence("mailing", None),
            occurrence("sale 2026", None),
            occurrence("7", None),
            occurrence("x", Some("launch")),
        ];
        let kinds = kinds(&all);
        let found: Vec<_> =
            kinds.iter().map(|kind| (kind.name.as_str(), &kind.events[..])).collect();
        assert_eq!(found, [("campaign", &[1, 3][..]), ("launch", &[4]), ("sale", &[0, 2])]);
        let check = |name: &str, expected: Option<usize>| {
            assert_eq!(find(&kinds.iter(), &occurrence(name, None)), expected, "{name}");
        };
        check("sale-9", Some(2));
        check("unheard of", Some(0));
        assert_eq!(find(&kinds[1..].iter(), &occurrence("unheard of", None)), None);
    }
}
