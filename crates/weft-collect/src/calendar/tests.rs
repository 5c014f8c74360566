//! Tests of calendars: literal texts, and what of them falls into a window.

use proptest::prelude::any;
use proptest::{collection::vec, proptest};

use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().expect(text)
}

fn window(begins: &str, ends: &str) -> Window {
    Window { begins: at(begins), ends: at(ends) }
}

fn year() -> Window {
    window("2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z")
}

fn source(more: &str) -> CalendarSource {
    let text = format!(r#"{{"name": "team", "path": "team.ics", "concerns": {{}}{more}}}"#);
    serde_json::from_str(&text).expect(&text)
}

fn berlin() -> CalendarSource {
    source(r#", "zone": "Europe/Berlin""#)
}

/// A calendar of these entries, each with a name of its own unless it has one.
fn calendar(entries: &[&str]) -> String {
    let entry = |(number, lines): (usize, &&str)| {
        let name = if lines.contains("UID:") { String::new() } else { format!("UID:{number}\n") };
        format!("BEGIN:VEVENT\n{name}{}\nEND:VEVENT\n", lines.replace('|', "\n"))
    };
    let entries: String = entries.iter().enumerate().map(entry).collect();
    format!("BEGIN:VCALENDAR\nVERSION:2.0\n{entries}END:VCALENDAR\n").replace('\n', "\r\n")
}

fn read(source: &CalendarSource, entries: &[&str], horizon: Window) -> Reading {
    source.signals(calendar(entries).as_bytes(), horizon).expect("a calendar")
}

/// Begin and end of every instance, `begin/end`, in UTC.
fn windows(reading: &Reading) -> Vec<String> {
    let show = |signal: &Signal| {
        let Window { begins, ends } = signal.to_show().window;
        format!("{begins}/{ends}").replace(":00Z", "Z")
    };
    reading.signals.iter().map(show).collect()
}

fn check(entries: &[&str], expected: &[&str]) {
    let reading = read(&berlin(), entries, year());
    assert_eq!(reading.problems.sentences(), [] as [&str; 0], "{entries:?}");
    assert_eq!(windows(&reading), expected, "{entries:?}");
}

#[test]
fn times_days_and_lengths_are_read() {
    check(
        &["DTSTART:20260105T090000Z|DTEND:20260105T100000Z"],
        &["2026-01-05T09:00Z/2026-01-05T10:00Z"],
    );
    check(
        &["DTSTART;TZID=America/New_York:20260105T090000|DURATION:PT90M"],
        &["2026-01-05T14:00Z/2026-01-05T15:30Z"],
    );
    check(
        &["DTSTART:20260705T090000|DTEND:20260705T100000"],
        &["2026-07-05T07:00Z/2026-07-05T08:00Z"],
    );
    check(&["DTSTART;VALUE=DATE:20260105"], &["2026-01-04T23:00Z/2026-01-05T23:00Z"]);
    check(
        &["DTSTART;VALUE=DATE:20260105|DTEND;VALUE=DATE:20260107"],
        &["2026-01-04T23:00Z/2026-01-06T23:00Z"],
    );
    check(&["DTSTART:20260105T090000Z"], &["2026-01-05T09:00Z/2026-01-05T10:00Z"]);
    check(&["DTSTART:20250105T090000Z"], &[]);
    check(&["DTSTART:20251231T230000Z|DURATION:P2D"], &["2025-12-31T23:00Z/2026-01-02T23:00Z"]);
}

#[test]
fn a_day_is_as_long_as_the_clocks_make_it() {
    // 29 March 2026 has 23 hours in Berlin, 25 October has 25.
    check(&["DTSTART;VALUE=DATE:20260329"], &["2026-03-28T23:00Z/2026-03-29T22:00Z"]);
    check(&["DTSTART;VALUE=DATE:20261025"], &["2026-10-24T22:00Z/2026-10-25T23:00Z"]);
}

#[test]
fn nine_in_berlin_stays_nine_in_berlin() {
    let weekly = "DTSTART;TZID=Europe/Berlin:20260323T090000|DTEND;TZID=Europe/Berlin:20260323T100000|RRULE:FREQ=WEEKLY;COUNT=2";
    check(
        &[weekly],
        &["2026-03-23T08:00Z/2026-03-23T09:00Z", "2026-03-30T07:00Z/2026-03-30T08:00Z"],
    );
    let weekly = weekly.replace("20260323", "20261019");
    check(
        &[&weekly],
        &["2026-10-19T07:00Z/2026-10-19T08:00Z", "2026-10-26T08:00Z/2026-10-26T09:00Z"],
    );
    // 02:30 is not shown on 29 March and shown twice on 25 October, of which the first counts.
    let night = "DTSTART;TZID=Europe/Berlin:20260328T023000|DURATION:PT1H|RRULE:FREQ=DAILY;COUNT=3";
    check(
        &[night],
        &[
            "2026-03-28T01:30Z/2026-03-28T02:30Z",
            "2026-03-29T01:30Z/2026-03-29T02:30Z",
            "2026-03-30T00:30Z/2026-03-30T01:30Z",
        ],
    );
    let night = night.replace("20260328", "20261024");
    check(
        &[&night],
        &[
            "2026-10-24T00:30Z/2026-10-24T01:30Z",
            "2026-10-25T00:30Z/2026-10-25T01:30Z",
            "2026-10-26T01:30Z/2026-10-26T02:30Z",
        ],
    );
}

#[test]
fn exceptions_and_additions_hold() {
    let daily = "DTSTART;TZID=Europe/Berlin:20260105T090000|DURATION:PT1H|RRULE:FREQ=DAILY;COUNT=3";
    let (first, last) =
        ("2026-01-05T08:00Z/2026-01-05T09:00Z", "2026-01-07T08:00Z/2026-01-07T09:00Z");
    check(&[&format!("{daily}|EXDATE;TZID=Europe/Berlin:20260106T090000")], &[first, last]);
    check(&[&format!("{daily}|EXDATE:20260106T080000Z")], &[first, last]);
    check(&[&format!("{daily}|EXDATE;VALUE=DATE:20260106")], &[first, last]);
    check(&[&format!("{daily}|EXDATE:20260105T080000Z,20260106T080000Z,20260107T080000Z")], &[]);
    let added = "2026-02-01T12:00Z/2026-02-01T13:00Z";
    let lasting = "2026-02-02T12:00Z/2026-02-02T12:30Z";
    let dates = "RDATE:20260201T120000Z,20260105T080000Z|RDATE;VALUE=PERIOD:20260202T120000Z/PT30M|EXDATE:20260106T080000Z";
    check(&[&format!("{daily}|{dates}")], &[first, last, added, lasting]);
    let days =
        "DTSTART;VALUE=DATE:20260105|RRULE:FREQ=DAILY;UNTIL=20260107|EXDATE;VALUE=DATE:20260106";
    check(&[days], &["2026-01-04T23:00Z/2026-01-05T23:00Z", "2026-01-06T23:00Z/2026-01-07T23:00Z"]);
}

#[test]
fn a_rule_ends_where_it_says() {
    let daily = |until: &str| {
        format!(
            "DTSTART;TZID=Europe/Berlin:20260105T233000|DURATION:PT1H|RRULE:FREQ=DAILY;UNTIL={until}"
        )
    };
    let (one, two) = ("2026-01-05T22:30Z/2026-01-05T23:30Z", "2026-01-06T22:30Z/2026-01-06T23:30Z");
    check(&[&daily("20260106T223000Z")], &[one, two]);
    check(&[&daily("20260106T222959Z")], &[one]);
    check(&[&daily("20260106T233000")], &[one, two]);
    check(&[&daily("20260106")], &[one, two]);
    check(&[&daily("20260101T000000Z")], &[]);
}

#[test]
fn an_override_takes_the_place_of_its_instance_only() {
    let series = "UID:a|DTSTART;TZID=Europe/Berlin:20260105T090000|DURATION:PT1H|SUMMARY:usual|RRULE:FREQ=DAILY;COUNT=3";
    let moved = "UID:a|RECURRENCE-ID;TZID=Europe/Berlin:20260106T090000|DTSTART:20260106T150000Z|DURATION:PT2H|SUMMARY:moved|SEQUENCE:4";
    let other = "UID:b|DTSTART:20260106T080000Z|DURATION:PT1H|SUMMARY:other";
    let (first, last) =
        ("2026-01-05T08:00Z/2026-01-05T09:00Z", "2026-01-07T08:00Z/2026-01-07T09:00Z");
    let (own, late) =
        ("2026-01-06T08:00Z/2026-01-06T09:00Z", "2026-01-06T15:00Z/2026-01-06T17:00Z");
    check(&[series, moved, other], &[first, own, late, last]);
    check(&[moved, series], &[first, late, last]);
    check(&[series, &format!("{moved}|STATUS:CANCELLED")], &[first, last]);
    check(&[&format!("{series}|STATUS:CANCELLED"), moved], &[late]);
    let newer = moved.replace("SEQUENCE:4", "SEQUENCE:5").replace("T150000Z", "T160000Z");
    check(&[series, &newer, moved], &[first, "2026-01-06T16:00Z/2026-01-06T18:00Z", last]);
    let gone = moved.replace("20260106T150000Z", "20290106T150000Z");
    check(&[series, &gone], &[first, last]);
}

#[test]
fn an_endless_rule_is_followed_through_the_horizon_only() {
    let daily = "DTSTART:19700101T090000Z|DURATION:PT1H|RRULE:FREQ=DAILY";
    let check = |begins: &str, ends: &str, count: usize| {
        let reading = read(&berlin(), &[daily], window(begins, ends));
        assert_eq!(reading.problems.count(), 0, "{:?}", reading.problems);
        assert_eq!(reading.signals.len(), count, "{begins}");
    };
    check("2026-01-01T00:00:00Z", "2026-01-08T00:00:00Z", 7);
    check("2026-01-01T09:30:00Z", "2026-01-01T09:31:00Z", 1);
    check("9000-01-01T00:00:00Z", "9000-01-03T00:00:00Z", 2);
    check("1969-01-01T00:00:00Z", "1970-01-02T00:00:00Z", 1);
}

#[test]
fn instances_and_work_are_bounded() {
    let centuries = window("2026-01-01T00:00:00Z", "9999-01-01T00:00:00Z");
    let daily = "DTSTART:19700101T090000Z|DURATION:PT1H|RRULE:FREQ=DAILY";
    let reading = read(&berlin(), &[daily, daily], centuries);
    assert_eq!(reading.signals.len(), INSTANCES);
    assert!(
        reading.problems.sentences()[0].contains("expected at most 10000 instances, found more")
    );
    let ancient = "DTSTART:00010101T090000Z|DURATION:PT1H|RRULE:FREQ=DAILY;COUNT=99999999";
    let reading = read(&berlin(), &[ancient; 100], year());
    assert!(reading.problems.sentences()[0].contains("found too many days to look at"));
}

#[test]
fn a_zone_that_the_calendar_describes_holds() {
    let zone = "BEGIN:VTIMEZONE\nTZID:Office\nBEGIN:STANDARD\nDTSTART:16010101T030000\nTZOFFSETFROM:+0200\nTZOFFSETTO:+0100\nRRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10\nEND:STANDARD\nBEGIN:DAYLIGHT\nDTSTART:16010101T020000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0200\nRRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3\nEND:DAYLIGHT\nEND:VTIMEZONE\n";
    let weekly = "DTSTART;TZID=Office:20260323T090000|DURATION:PT1H|RRULE:FREQ=WEEKLY;COUNT=2";
    let text = calendar(&[weekly]).replace("VERSION:2.0\r\n", &zone.replace('\n', "\r\n"));
    let reading = berlin().signals(text.as_bytes(), year()).expect("a calendar");
    assert_eq!(
        windows(&reading),
        ["2026-03-23T08:00Z/2026-03-23T09:00Z", "2026-03-30T07:00Z/2026-03-30T08:00Z"]
    );
}

#[test]
fn what_cannot_be_read_is_left_out_and_named() {
    let check = |entry: &str, part: &str| {
        let reading = read(&berlin(), &["DTSTART:20260105T090000Z", entry], year());
        assert_eq!(reading.signals.len(), 1, "{entry}");
        let sentences = reading.problems.sentences();
        assert!(sentences.len() == 1 && sentences[0].contains(part), "{part:?} in {sentences:?}");
    };
    check("SUMMARY:no start", "line 7: entry left out: expected a DTSTART, found none");
    check(
        "DTSTART:soon",
        "expected a date like 20261124 or 20261124T090000 in DTSTART, found `soon`",
    );
    check("DTSTART;TZID=Nowhere:20260105T090000", "found `Nowhere`");
    check("DTSTART:20260105T090000Z|DTEND:20260104T090000Z", "expected an end after the begin");
    check("DTSTART:20260105T090000Z|DURATION:P999999999W", "within 366 days");
    check("DTSTART:20260105T090000Z|RRULE:FREQ=SECONDLY", "found `FREQ=SECONDLY`");
    check("DTSTART:20260105T090000Z|EXRULE:FREQ=DAILY", "found EXRULE");
    check(
        "UID:0|RECURRENCE-ID;RANGE=THISANDFUTURE:20260105T090000Z|DTSTART:20260106T090000Z",
        "found a RANGE",
    );
    check("DTSTART:20250105T090000Z|SUMMARY", "expected `NAME:value`, found `SUMMARY`");
}

#[test]
fn keywords_say_whom_an_entry_concerns() {
    let rules = r#", "expected_lift": 1.1, "rules": [
        {"name": "sales", "keywords": {"any": ["sale"]}, "concerns": {"tags": ["shop"]}, "expected_lift": 2},
        {"name": "finance", "keywords": {"all": ["closing"]}, "concerns": {"names": ["books"]}}]"#;
    let entries = [
        "DTSTART:20260105T090000Z|SUMMARY:Big \\, SALE|URL:https://shop.example/sale",
        "DTSTART:20260106T090000Z|CATEGORIES:closing,month",
        "DTSTART:20260107T090000Z|SUMMARY:wholesale",
    ];
    let reading = read(&source(rules), &entries, year());
    let [sale, closing, other] = &reading.signals[..] else { panic!("three signals") };
    assert_eq!(sale.provenance().rule.as_deref(), Some("sales"));
    assert_eq!(sale.provenance().title, "Big , SALE");
    assert_eq!(sale.provenance().link.as_deref(), Some("https://shop.example/sale"));
    assert_eq!(sale.to_show().expected_lift, Some(2.0));
    assert_eq!(closing.to_show().concerns, Selector::names(["books"]));
    assert_eq!(
        (other.to_show().expected_lift, other.provenance().rule.as_deref()),
        (Some(1.1), None)
    );
    assert_eq!(sale.to_show().id.as_str(), "team/0/2026-01-05T09:00:00Z");
    let only = CalendarSource { concerns: None, ..source(rules) };
    assert_eq!(read(&only, &entries, year()).signals.len(), 2);
}

#[test]
fn sources_are_validated_where_they_are_read() {
    let refused = |text: &str, part: &str| {
        let error = serde_json::from_str::<CalendarSource>(text).expect_err(text).to_string();
        assert!(error.contains(part), "expected {part:?} in {error:?}");
    };
    refused(r#"{"name": "a", "path": "a"}"#, "expected `concerns` or `rules`");
    refused(r#"{"name": "a", "concerns": {}}"#, "expected `path` or `url`, found neither");
    refused(r#"{"name": "a", "concerns": {}, "path": "a", "url": "b"}"#, "found both");
    refused(r#"{"name": "a", "concerns": {}, "path": "a", "zone": "Berlin"}"#, "found `Berlin`");
    refused(r#"{"name": "a", "concerns": {}, "path": "a", "colour": 1}"#, "unknown field `colour`");
    refused(r#"{"name": "a", "concerns": {}, "path": "a", "expected_lift": -1}"#, "found -1");
    let of = |rest: &str| {
        let text = format!(r#"{{"name": "a", "concerns": {{}}, {rest}}}"#);
        serde_json::from_str::<CalendarSource>(&text).expect(&text).is_trusted
    };
    assert!(of(r#""path": "a""#) && !of(r#""path": "a", "trusted": false"#));
    assert!(
        !of(r#""url": "https://a.example""#)
            && of(r#""url": "https://a.example", "trusted": true"#)
    );
}

proptest! {
    #[test]
    fn any_bytes_give_an_answer(bytes in vec(any::<u8>(), 0..300)) {
        let _ = berlin().signals(&bytes, year());
        let entry = [b"BEGIN:VCALENDAR\nBEGIN:VEVENT\n", &bytes[..], b"\nEND:VEVENT\nEND:VCALENDAR\n"].concat();
        let _ = berlin().signals(&entry, year());
    }

    #[test]
    fn any_property_gives_an_answer(
        lines in vec("(DTSTART|DTEND|DURATION|RRULE|RDATE|EXDATE|RECURRENCE-ID|TZID|TZOFFSETTO|TZOFFSETFROM)(;TZID=(Europe/Berlin|UTC|Z))?:[-+PTZWDHMS0-9/,]{0,20}|RRULE:FREQ=(DAILY|YEARLY);UNTIL=[0-9]{8}", 0..8),
        begins in -400_000_000_000_000_i64..400_000_000_000_000,
    ) {
        let horizon = Window { begins: Timestamp::from_millis(begins), ends: Timestamp::from_millis(begins + 86_400_000) };
        let entry = lines.join("\n");
        let text = format!("BEGIN:VCALENDAR\nBEGIN:VTIMEZONE\nTZID:Z\nBEGIN:STANDARD\n{entry}\nEND:STANDARD\nEND:VTIMEZONE\nBEGIN:VEVENT\nDTSTART:20260105T090000Z\n{entry}\nEND:VEVENT\nBEGIN:VEVENT\n{entry}\nEND:VEVENT\nEND:VCALENDAR\n");
        for signal in berlin().signals(text.as_bytes(), horizon).expect("a calendar").signals {
            assert!(signal.to_show().window.overlaps(&horizon));
        }
    }
}
