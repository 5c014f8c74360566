//! Entries of a calendar (`VEVENT`, RFC 5545, section 3.6.1) and the instances that fall into a
//! window: rules and additions, less exceptions and what another entry replaces.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::{Date, DateTime};
use weft_core::policy::Window;
use weft_core::time::{Span, Timestamp};

use super::component::{Component, Property};
use super::moment::{Length, Moment, between, length, moment, moments};
use super::rule::{Rule, Work};
use super::zone::Zones;
use crate::signal::text::{TITLE_CHARS, cleaned, identifier, link};

/// How long an entry lasts that has a time and no end, such as "release at nine". By the letter it
/// takes no time at all and would lift nothing; an hour is what calendars show for it.
const WITHOUT_END: Length = Length { days: 0, seconds: 3_600 };

/// The furthest that a clock is from UTC, and a day to spare.
const CLOCK_SPREAD: Span = Span::from_days(2);

/// An entry.
#[derive(Debug)]
pub(super) struct Entry {
    /// The line of its `BEGIN`.
    pub line: usize,
    /// Its name, the same for all that replace its instances.
    pub uid: String,
    /// What it is called.
    pub title: String,
    /// Title and categories, for keywords.
    pub words: String,
    /// Where it points to.
    pub link: Option<String>,
    /// The instance that it replaces.
    pub replaces: Option<Moment>,
    /// Its version.
    pub sequence: u64,
    /// Whether it does not take place.
    pub is_cancelled: bool,
    start: Moment,
    length: Length,
    rules: Vec<Rule>,
    additions: Vec<(Moment, Option<Length>)>,
    exceptions: Vec<Moment>,
}

impl Entry {
    /// Reads an entry; an error, a sentence, where it cannot be placed in time.
    pub(super) fn read(component: &Component, zones: &Zones) -> Result<Self, String> {
        if component.property("EXRULE").is_some() {
            return Err("expected exceptions as EXDATE, found EXRULE".to_owned());
        }
        let start = component.property("DTSTART").ok_or("expected a DTSTART, found none")?;
        let start = moment(start, zones)?;
        start.instant().ok_or("expected a DTSTART in our times, found one far away")?;
        let title = text(component, "SUMMARY");
        let categories =
            component.all("CATEGORIES").map(Property::text).collect::<Vec<_>>().join("\n");
        let lists = |name| component.all(name).map(|property| moments(property, zones));
        Ok(Self {
            line: component.line,
            uid: uid(component, &title, &start),
            words: format!("{title}\n{categories}"),
            title,
            link: component.property("URL").and_then(|url| link(&url.value)),
            replaces: replaces(component, zones)?,
            sequence: component
                .property("SEQUENCE")
                .and_then(|n| n.value.trim().parse().ok())
                .unwrap_or(0),
            is_cancelled: text(component, "STATUS").eq_ignore_ascii_case("CANCELLED"),
            length: lasting(component, &start, zones)?,
            rules: component
                .all("RRULE")
                .map(|rule| Rule::read(&rule.value))
                .collect::<Result<_, _>>()?,
            additions: lists("RDATE").collect::<Result<Vec<_>, _>>()?.concat(),
            exceptions: lists("EXDATE")
                .collect::<Result<Vec<_>, _>>()?
                .into_iter()
                .flatten()
                .map(|(moment, _)| moment)
                .collect(),
            start,
        })
    }

    /// The windows of the instances that overlap `horizon`, in order; those in `replaced` and the
    /// exceptions are not among them.
    pub(super) fn instances(
        &self,
        horizon: Window,
        replaced: &Absent,
        work: &mut Work,
    ) -> Vec<Window> {
        let mut excepted = Absent::default();
        self.exceptions.iter().for_each(|moment| excepted.add(moment));
        let mut ends: BTreeMap<Timestamp, Timestamp> = BTreeMap::new();
        for (moment, length) in self.moments(horizon, work) {
            if excepted.has(&moment) || replaced.has(&moment) {
                continue;
            }
            if let (Some(begin), Some(end)) = (moment.instant(), length.end(&moment)) {
                ends.entry(begin).and_modify(|known| *known = end.max(*known)).or_insert(end);
            }
        }
        let windows = ends.into_iter().map(|(begins, ends)| Window { begins, ends });
        windows.filter(|window| window.begins < window.ends && window.overlaps(&horizon)).collect()
    }

    fn moments(&self, horizon: Window, work: &mut Work) -> Vec<(Moment, Length)> {
        let longest = Span::from_days(self.length.days + 1 + self.length.seconds / 86_400);
        let from = utc_clock(
            horizon.begins.as_millis().saturating_sub((longest + CLOCK_SPREAD).as_millis()),
        );
        let to = utc_clock(horizon.ends.as_millis().saturating_add(CLOCK_SPREAD.as_millis()));
        let mut moments = Vec::new();
        for rule in &self.rules {
            let clocks =
                rule.clocks(self.start.clock, self.start.is_day, &self.start.zone, from..=to, work);
            moments.extend(clocks.into_iter().map(|clock| Moment { clock, ..self.start.clone() }));
        }
        if self.rules.is_empty() {
            moments.push(self.start.clone());
        }
        let own = moments.into_iter().map(|moment| (moment, self.length));
        let added =
            self.additions.iter().map(|(at, length)| (at.clone(), length.unwrap_or(self.length)));
        own.chain(added).collect()
    }
}

/// Moments at which there is no instance.
#[derive(Debug, Default)]
pub(super) struct Absent {
    instants: BTreeSet<Timestamp>,
    days: BTreeSet<Date>,
    clocks: BTreeSet<Date>,
}

impl Absent {
    /// Adds one.
    pub(super) fn add(&mut self, moment: &Moment) {
        if moment.is_day {
            self.days.insert(moment.clock.date());
        } else {
            self.instants.extend(moment.instant());
            self.clocks.insert(moment.clock.date());
        }
    }

    /// A day is meant by its date, however it is written; many programs except a day of an entry with
    /// a time, or a time of an entry of whole days.
    fn has(&self, moment: &Moment) -> bool {
        let day = moment.clock.date();
        self.days.contains(&day)
            || (moment.is_day && self.clocks.contains(&day))
            || moment.instant().is_none_or(|instant| self.instants.contains(&instant))
    }
}

/// What the clock of UTC shows, held within the years that can be told.
pub(super) fn utc_clock(millis: i64) -> DateTime {
    let bounds = |end: jiff::Timestamp| end.as_millisecond();
    let millis = millis.clamp(bounds(jiff::Timestamp::MIN) + 1, bounds(jiff::Timestamp::MAX) - 1);
    jiff::Timestamp::from_millisecond(millis)
        .map_or(DateTime::ZERO, |instant| jiff::tz::TimeZone::UTC.to_datetime(instant))
}

fn text(component: &Component, name: &str) -> String {
    component.property(name).map_or_else(String::new, |text| cleaned(&text.text(), TITLE_CHARS))
}

/// The name; an entry without one is named by what and when it is.
fn uid(component: &Component, title: &str, start: &Moment) -> String {
    match component.property("UID").map(|uid| identifier(&uid.value)) {
        Some(uid) if !uid.is_empty() => uid,
        _ => identifier(&format!("{title} {}", start.clock)),
    }
}

fn replaces(component: &Component, zones: &Zones) -> Result<Option<Moment>, String> {
    let Some(property) = component.property("RECURRENCE-ID") else { return Ok(None) };
    if property.parameter("RANGE").is_some() {
        return Err("expected one instance in RECURRENCE-ID, found a RANGE of them".to_owned());
    }
    moment(property, zones).map(Some)
}

fn lasting(component: &Component, start: &Moment, zones: &Zones) -> Result<Length, String> {
    let found = match (component.property("DTEND"), component.property("DURATION")) {
        (Some(end), _) => between(start, &moment(end, zones)?),
        (None, Some(text)) => length(text.value.trim()),
        (None, None) if start.is_day => Some(Length { days: 1, seconds: 0 }),
        (None, None) => Some(WITHOUT_END),
    };
    match found {
        Some(Length { days: 0, seconds: 0 }) => Ok(WITHOUT_END),
        Some(length) if length.is_sensible() => Ok(length),
        _ => Err("expected an end after the begin and within 366 days, found none".to_owned()),
    }
}
