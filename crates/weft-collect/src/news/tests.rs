//! Tests of news: which items become signals, and that none of them is ever trusted.

use proptest::prelude::any;
use proptest::{collection::vec, proptest};

use super::*;

const RULES: &str = r#"[
    {"keywords": {"all": ["outage"], "any": ["east", "west"]}, "kind": "outage", "concerns": {"tags": ["web"]}, "lasts": "2h", "expected_lift": 1.5},
    {"keywords": {"any": ["black friday"]}, "kind": "sale", "concerns": {}, "lasts": "1d"}]"#;

fn source() -> NewsSource {
    let text =
        format!(r#"{{"name": "wire", "url": "https://wire.example/rss", "rules": {RULES}}}"#);
    serde_json::from_str(&text).expect(&text)
}

fn at(text: &str) -> Timestamp {
    text.parse().expect(text)
}

fn now() -> Timestamp {
    at("2026-11-24T12:00:00Z")
}

fn read(items: &[(&str, &str)]) -> Reading {
    let item = |(title, date): &(&str, &str)| {
        format!(
            "<item><title>{title}</title><link>https://wire.example/{date}</link><pubDate>{date}</pubDate></item>"
        )
    };
    let items: String = items.iter().map(item).collect();
    let horizon = Window { begins: now(), ends: now() + Span::from_days(1) };
    let text = format!("<rss><channel>{items}</channel></rss>");
    source().signals(text.as_bytes(), now(), horizon).expect("a feed")
}

#[test]
fn items_become_untrusted_signals() {
    let reading = read(&[
        ("Outage in the EAST", "2026-11-24T11:00:00Z"),
        ("An outage", "2026-11-24T11:00:00Z"),
    ]);
    let [signal] = &reading.signals[..] else { panic!("one signal") };
    assert!(!signal.is_trusted() && signal.to_act_on().is_none());
    let event = signal.to_show();
    assert_eq!(event.kind, EventKind::News);
    assert_eq!(
        event.window,
        Window { begins: at("2026-11-24T11:00:00Z"), ends: at("2026-11-24T13:00:00Z") }
    );
    assert_eq!((event.expected_lift, signal.source()), (Some(1.5), "wire"));
    assert!(event.concerns.tags.contains(&"web".into()));
    assert_eq!(event.id.as_str(), "wire/outage/https://wire.example/2026-11-24T11:00:00Z");
    let provenance = signal.provenance();
    assert_eq!(provenance.title, "Outage in the EAST");
    assert_eq!(provenance.rule.as_deref(), Some("outage"));
    assert_eq!(provenance.link.as_deref(), Some("https://wire.example/2026-11-24T11:00:00Z"));
}

#[test]
fn the_window_follows_the_date() {
    let check = |date: &str, signals: usize, problem: Option<&str>| {
        let reading = read(&[("outage west", date)]);
        assert_eq!(reading.signals.len(), signals, "{date}");
        let sentence = reading.problems.sentences().first().map(String::as_str);
        assert!(sentence.unwrap_or("").contains(problem.unwrap_or("")), "{sentence:?}");
        assert_eq!(sentence.is_some(), problem.is_some(), "{date}");
    };
    check("2026-11-24T10:30:00Z", 1, None);
    check("2026-11-24T10:00:00Z", 0, None);
    check("2026-11-24T14:00:00Z", 1, None);
    check(
        "2026-12-24T10:00:00Z",
        0,
        Some("item `outage west` left out: expected a date up to now"),
    );
    check("soon", 0, Some("expected a date in RFC 3339 or RFC 2822, found none"));
}

#[test]
fn an_item_may_mean_several_things_and_counts_once() {
    let both = ("Black Friday outage east", "2026-11-24T11:00:00Z");
    let reading = read(&[both, both]);
    let kinds: Vec<_> = reading.signals.iter().map(|s| s.provenance().rule.as_deref()).collect();
    assert_eq!(kinds, [Some("outage"), Some("sale")]);
}

#[test]
fn sources_are_validated_where_they_are_read() {
    let refused = |text: &str, part: &str| {
        let error = serde_json::from_str::<NewsSource>(text).expect_err(text).to_string();
        assert!(error.contains(part), "expected {part:?} in {error:?}");
    };
    let with = |rule: &str| {
        format!(r#"{{"name": "a", "path": "a", "rules": [{{"concerns": {{}}, {rule}}}]}}"#)
    };
    refused(r#"{"name": "a", "path": "a", "rules": []}"#, "expected at least one rule");
    refused(&with(r#""kind": "x", "lasts": "1h""#), "missing field `keywords`");
    refused(&with(r#""kind": "x", "lasts": "1h", "keywords": {}"#), "expected keywords");
    refused(&with(r#""kind": "", "lasts": "1h", "keywords": {"any": ["a"]}"#), "short `kind`");
    refused(
        &with(r#""kind": "x", "lasts": "0", "keywords": {"any": ["a"]}"#),
        "`lasts` above zero",
    );
    refused(
        &with(r#""kind": "x", "lasts": "99999999999d", "keywords": {"any": ["a"]}"#),
        "at most 366 days",
    );
    let trusted = format!(r#"{{"name": "a", "path": "a", "trusted": true, "rules": {RULES}}}"#);
    refused(&trusted, "unknown field `trusted`");
}

proptest! {
    #[test]
    fn any_bytes_give_an_answer(bytes in vec(any::<u8>(), 0..300)) {
        let horizon = Window { begins: now(), ends: now() + Span::from_days(1) };
        let _ = source().signals(&bytes, now(), horizon);
        let feed = [b"<rss><item><title>", &bytes[..], b"</title></item></rss>"].concat();
        let _ = source().signals(&feed, now(), horizon);
    }

    #[test]
    fn any_markup_gives_an_answer(
        parts in vec("<(rss|item|title|a:b|link href=\"x\")/?>|</(rss|item|title)>|<!\\[CDATA\\[.{0,3}\\]\\]>|<!--.{0,3}-->|<![A-Z]{0,8} \\[?|&#?[a-z0-9]{0,6};?|<\\?xml .{0,5}\\?>|[a-zé<>&]{1,3}", 0..20),
    ) {
        let horizon = Window { begins: now(), ends: now() + Span::from_days(1) };
        let _ = source().signals(parts.concat().as_bytes(), now(), horizon);
    }
}
