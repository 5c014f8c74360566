//! Zones: what instant a clock means. Names of the IANA database, which is compiled in, and the zones
//! that a calendar describes itself (`VTIMEZONE`, RFC 5545, section 3.6.5).

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use weft_core::time::Timestamp;

use super::component::{Component, Property};
use super::moment::{clock, date, number};
use super::rule::{Rule, Work};
use crate::signal::Problems;
use crate::signal::text::cleaned;

const EPOCH: DateTime = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);

/// A zone.
#[derive(Debug, Clone)]
pub(super) enum Zone {
    /// Of the database.
    Named(TimeZone),
    /// Described in the calendar.
    Described(Arc<Described>),
}

/// A zone as a calendar describes it: which offset holds from when on.
#[derive(Debug)]
pub(super) struct Described {
    /// The offset before the first change, in seconds east.
    before: i64,
    /// The changes in order: Unix seconds, and the offset from then on.
    changes: Vec<(i64, i64)>,
}

impl Zone {
    /// The zone of UTC.
    pub(super) const fn utc() -> Self {
        Self::Named(TimeZone::UTC)
    }

    /// The instant at which the clock shows this. Where it does so twice, the first; where it never
    /// does, as if it had not been put forward yet (RFC 5545, section 3.3.5).
    pub(super) fn instant(&self, clock: DateTime) -> Option<Timestamp> {
        match self {
            Self::Named(zone) => {
                let instant = zone.to_ambiguous_timestamp(clock).compatible().ok()?;
                Some(Timestamp::from_millis(instant.as_millisecond()))
            }
            Self::Described(zone) => Some(Timestamp::from_seconds(zone.seconds(clock))),
        }
    }

    /// What the clock shows at an instant that is written as UTC.
    pub(super) fn clock_at(&self, utc: DateTime) -> Option<DateTime> {
        match self {
            Self::Named(zone) => {
                let instant = TimeZone::UTC.to_timestamp(utc).ok()?;
                Some(zone.to_datetime(instant))
            }
            Self::Described(zone) => {
                let seconds = utc.duration_since(EPOCH).as_secs();
                utc.checked_add(jiff::Span::new().seconds(zone.offset(seconds))).ok()
            }
        }
    }
}

impl Described {
    fn offset(&self, seconds: i64) -> i64 {
        match self.changes.partition_point(|(change, _)| *change <= seconds) {
            0 => self.before,
            after => self.changes[after - 1].1,
        }
    }

    fn seconds(&self, clock: DateTime) -> i64 {
        let shown = clock.duration_since(EPOCH).as_secs();
        // No offset is longer than a day, so these hold around the instant, in their order.
        let first = self.changes.partition_point(|(change, _)| *change <= shown - 86_400);
        let last = self.changes.partition_point(|(change, _)| *change <= shown + 86_400);
        let near = std::iter::once(self.offset(shown - 86_400))
            .chain(self.changes[first..last].iter().map(|(_, offset)| *offset));
        let mut instants = near.map(|offset| (shown - offset, offset));
        let earliest = instants.clone().find(|(seconds, offset)| self.offset(*seconds) == *offset);
        earliest.or_else(|| instants.next()).map_or(shown, |(seconds, _)| seconds)
    }
}

/// The zones that a calendar may name.
#[derive(Debug)]
pub(super) struct Zones {
    floating: Zone,
    described: BTreeMap<String, Zone>,
}

impl Zones {
    /// Collects the described zones; `floating` is for times without a zone. Changes are worked out
    /// within `range`. Zones of the database need no description.
    pub(super) fn new(
        calendar: &Component,
        floating: TimeZone,
        range: RangeInclusive<DateTime>,
        work: &mut Work,
        problems: &mut Problems,
    ) -> Self {
        let mut zones = Self { floating: Zone::Named(floating), described: BTreeMap::new() };
        for part in calendar.parts.iter().filter(|part| part.kind == "VTIMEZONE") {
            match described(part, &range, work) {
                Ok((name, zone)) => {
                    zones.described.insert(name, zone);
                }
                Err(problem) => {
                    problems.push(format!("line {}: zone left out: {problem}", part.line));
                }
            }
        }
        zones
    }

    /// The zone of times that name none.
    pub(super) fn floating(&self) -> Zone {
        self.floating.clone()
    }

    /// The zone of this name: of the database, whose rules are kept up, before the calendar's own
    /// description, which often holds this year's rule only.
    pub(super) fn get(&self, name: &str) -> Result<Zone, String> {
        if let Some(zone) = named(name) {
            return Ok(Zone::Named(zone));
        }
        let expected = "expected a zone of the IANA database or one that the calendar describes";
        let unknown = || format!("{expected}, found `{}`", cleaned(name, 60));
        self.described.get(name).cloned().ok_or_else(unknown)
    }
}

/// A zone of the database by its name, or by a name that ends in one, as in
/// `/producer.example/20260101_1/Europe/Berlin`.
fn named(name: &str) -> Option<TimeZone> {
    let mut rest = name.trim_start_matches('/');
    // Names have three parts at most, prefixes two.
    for _ in 0..5 {
        if let Ok(zone) = TimeZone::get(rest) {
            return Some(zone);
        }
        rest = rest.split_once('/')?.1;
    }
    None
}

fn described(
    part: &Component,
    range: &RangeInclusive<DateTime>,
    work: &mut Work,
) -> Result<(String, Zone), String> {
    let name = part.property("TZID").ok_or("expected a TZID, found none")?.value.trim().to_owned();
    if let Some(zone) = named(&name) {
        return Ok((name, Zone::Named(zone)));
    }
    let mut changes = Vec::new();
    let mut first: Option<(i64, i64)> = None;
    for observance in
        part.parts.iter().filter(|part| matches!(&*part.kind, "STANDARD" | "DAYLIGHT"))
    {
        let (from, to) = (offset(observance, "TZOFFSETFROM")?, offset(observance, "TZOFFSETTO")?);
        for clock in onsets(observance, from, range, work)? {
            let change = clock.duration_since(EPOCH).as_secs() - from;
            if first.is_none_or(|(earliest, _)| change < earliest) {
                first = Some((change, from));
            }
            changes.push((change, to));
        }
    }
    changes.sort_unstable();
    let (_, before) = first.ok_or("expected STANDARD or DAYLIGHT, found neither")?;
    Ok((name, Zone::Described(Arc::new(Described { before, changes }))))
}

/// When an observance begins, on the clock that holds until then.
fn onsets(
    observance: &Component,
    from: i64,
    range: &RangeInclusive<DateTime>,
    work: &mut Work,
) -> Result<Vec<DateTime>, String> {
    let start = observance.property("DTSTART").ok_or("expected a DTSTART, found none")?;
    let start = plain(start.value.trim())?;
    let zone = Zone::Described(Arc::new(Described { before: from, changes: Vec::new() }));
    let mut onsets = vec![start];
    for property in observance.all("RRULE") {
        let rule = Rule::read(&property.value)?;
        // The last time that a rule with an end fired may lie long before the range, and still hold.
        let since = if rule.ends() { start } else { *range.start() };
        onsets.extend(rule.clocks(start, false, &zone, since..=*range.end(), work));
    }
    for part in observance.all("RDATE").flat_map(Property::parts) {
        onsets.push(plain(part)?);
    }
    Ok(onsets)
}

fn plain(text: &str) -> Result<DateTime, String> {
    let read = || text.split_once('T').and_then(|(day, time)| clock(date(day)?, time));
    let found = || format!("expected a local time in the zone, found `{}`", cleaned(text, 40));
    read().ok_or_else(found)
}

/// An offset like `+0100` or `-043000`, in seconds east.
fn offset(observance: &Component, name: &str) -> Result<i64, String> {
    let text = observance.property(name).map(|property| property.value.trim());
    let read = |text: &str| {
        let sign = if text.starts_with('-') { -1 } else { 1 };
        let digits = text.strip_prefix(['+', '-'])?;
        let part = |range| digits.get(range).map_or(Some(0), number::<i64>);
        let is_whole = matches!(digits.len(), 4 | 6);
        let seconds = part(0..2)? * 3_600 + part(2..4)? * 60 + part(4..6)?;
        (is_whole && seconds < 86_400).then_some(sign * seconds)
    };
    let found =
        || format!("expected an offset like +0100 in {name}, found `{}`", text.unwrap_or(""));
    text.and_then(read).ok_or_else(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::component::components;

    const BERLIN: &str = "BEGIN:VCALENDAR\nBEGIN:VTIMEZONE\nTZID:Our Berlin\n\
        BEGIN:STANDARD\nDTSTART:16010101T030000\nTZOFFSETFROM:+0200\nTZOFFSETTO:+0100\n\
        RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10\nEND:STANDARD\n\
        BEGIN:DAYLIGHT\nDTSTART:16010101T020000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0200\n\
        RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3\nEND:DAYLIGHT\n\
        END:VTIMEZONE\nEND:VCALENDAR\n";

    fn zones(text: &str) -> (Zones, Problems) {
        let mut problems = Problems::default();
        let calendars = components(text.as_bytes(), &mut problems).expect("a calendar");
        let year = |year| DateTime::constant(year, 1, 1, 0, 0, 0, 0);
        let zones = Zones::new(
            &calendars[0],
            TimeZone::UTC,
            year(2025)..=year(2028),
            &mut Work::default(),
            &mut problems,
        );
        (zones, problems)
    }

    #[test]
    fn a_described_zone_agrees_with_the_database() {
        let (zones, problems) = zones(BERLIN);
        assert_eq!(problems.count(), 0, "{problems:?}");
        let (ours, real) = (zones.get("Our Berlin").unwrap(), zones.get("Europe/Berlin").unwrap());
        let mut clock = DateTime::constant(2026, 1, 1, 0, 30, 0, 0);
        while clock.year() == 2026 {
            assert_eq!(ours.instant(clock), real.instant(clock), "{clock}");
            assert_eq!(ours.clock_at(clock), real.clock_at(clock), "{clock}");
            clock = clock.checked_add(jiff::Span::new().hours(1)).unwrap();
        }
    }

    #[test]
    fn names_with_a_prefix_are_known() {
        let (zones, _) = zones(BERLIN);
        let check = |name: &str, is_known: bool| {
            assert_eq!(zones.get(name).is_ok(), is_known, "{name}");
        };
        check("Europe/Berlin", true);
        check("/producer.example/20260101_1/America/Argentina/Buenos_Aires", true);
        check("America/New_York", true);
        check("Our Berlin", true);
        check("Their Berlin", false);
        check("", false);
        check(&"a/".repeat(1_000), false);
    }

    #[test]
    fn a_broken_zone_is_left_out_and_named() {
        let check = |from: &str, to: &str, part: &str| {
            let (_, problems) = zones(&BERLIN.replace(from, to));
            let found = problems.sentences().join("\n");
            assert!(found.contains(part), "expected {part:?} in {found:?}");
        };
        check("TZID:Our Berlin\n", "", "line 2: zone left out: expected a TZID");
        check("TZOFFSETTO:+0100", "TZOFFSETTO:1", "expected an offset like +0100 in TZOFFSETTO");
        check("DTSTART:16010101T030000", "DTSTART:soon", "found `soon`");
        check("FREQ=YEARLY", "FREQ=OFTEN", "OFTEN");
    }
}
