//! Dates, times and lengths as iCalendar writes them (RFC 5545, section 3.3). A clock time is kept as
//! the wall shows it, with its zone: 09:00 stays 09:00 when the clocks change.

use jiff::civil::{Date, DateTime};
use weft_core::time::Timestamp;

use super::component::Property;
use super::zone::{Zone, Zones};

/// A time on the clock of a zone.
#[derive(Debug, Clone)]
pub(super) struct Moment {
    /// What the clock shows; midnight for a day.
    pub clock: DateTime,
    /// Whose clock.
    pub zone: Zone,
    /// Whether a whole day is meant.
    pub is_day: bool,
}

impl Moment {
    /// The instant; none beyond the years that can be told.
    pub(super) fn instant(&self) -> Option<Timestamp> {
        self.zone.instant(self.clock)
    }
}

/// A length: days by the calendar, then seconds by the clock. A day is as long as that day is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Length {
    /// Days, or seven times weeks.
    pub days: i64,
    /// Seconds that really pass.
    pub seconds: i64,
}

impl Length {
    /// The longest length taken seriously: a year and a day.
    const LONGEST_DAYS: i64 = 366;

    /// The end of something that begins at `begin`; none beyond what can be told.
    pub(super) fn end(self, begin: &Moment) -> Option<Timestamp> {
        let clock = begin.clock.checked_add(jiff::Span::new().days(self.days)).ok()?;
        let day = begin.zone.instant(clock)?;
        Some(Timestamp::from_millis(day.as_millis().checked_add(self.seconds.checked_mul(1_000)?)?))
    }

    /// Whether the length is one that something on a calendar can have.
    pub(super) fn is_sensible(self) -> bool {
        let seconds = self.days.saturating_mul(86_400).saturating_add(self.seconds);
        (self.days >= 0 && seconds > 0) && seconds <= Self::LONGEST_DAYS * 86_400
    }
}

/// The first moment of a property.
pub(super) fn moment(property: &Property, zones: &Zones) -> Result<Moment, String> {
    let zone = zone_of(property, zones)?;
    one(property, property.value.trim(), &zone, zones)
}

/// All moments of a list; a period gives its begin and its length.
pub(super) fn moments(
    property: &Property,
    zones: &Zones,
) -> Result<Vec<(Moment, Option<Length>)>, String> {
    let zone = zone_of(property, zones)?;
    property.parts().map(|part| period(property, part, &zone, zones)).collect()
}

fn zone_of(property: &Property, zones: &Zones) -> Result<Zone, String> {
    property.parameter("TZID").map_or_else(|| Ok(zones.floating()), |name| zones.get(name))
}

fn period(
    property: &Property,
    text: &str,
    zone: &Zone,
    zones: &Zones,
) -> Result<(Moment, Option<Length>), String> {
    let Some((begin, end)) = text.split_once('/') else {
        return Ok((one(property, text, zone, zones)?, None));
    };
    let begin = one(property, begin, zone, zones)?;
    let length = match length(end) {
        Some(length) => length,
        None => between(&begin, &one(property, end, zone, zones)?)
            .ok_or_else(|| wrong(property, "a period between two dates", text))?,
    };
    Ok((begin, Some(length)))
}

fn one(property: &Property, text: &str, zone: &Zone, zones: &Zones) -> Result<Moment, String> {
    let (text, is_utc) = text.strip_suffix(['Z', 'z']).map_or((text, false), |text| (text, true));
    let moment = match text.split_once(['T', 't']) {
        Some((day, time)) => date(day).and_then(|day| clock(day, time)).map(|clock| Moment {
            clock,
            zone: if is_utc { Zone::utc() } else { zone.clone() },
            is_day: false,
        }),
        None => date(text).map(|day| Moment {
            clock: day.at(0, 0, 0, 0),
            zone: zones.floating(),
            is_day: true,
        }),
    };
    moment.ok_or_else(|| wrong(property, "a date like 20261124 or 20261124T090000", text))
}

fn wrong(property: &Property, expected: &str, found: &str) -> String {
    let found = crate::signal::text::cleaned(found, 40);
    format!("expected {expected} in {}, found `{found}`", property.name)
}

/// The length from one moment to another: days between days, otherwise the seconds that pass.
pub(super) fn between(begin: &Moment, end: &Moment) -> Option<Length> {
    if begin.is_day && end.is_day {
        let days = end.clock.duration_since(begin.clock).as_secs() / 86_400;
        return Some(Length { days, seconds: 0 });
    }
    let millis = end.instant()?.as_millis() - begin.instant()?.as_millis();
    Some(Length { days: 0, seconds: millis / 1_000 })
}

/// `YYYYMMDD`.
pub(super) fn date(text: &str) -> Option<Date> {
    if text.len() != 8 {
        return None;
    }
    let part = |range| number::<i16>(text.get(range)?);
    Date::new(part(0..4)?, part(4..6)? as i8, part(6..8)? as i8).ok()
}

/// `HHMMSS`; a leap second is the second before it.
pub(super) fn clock(day: Date, text: &str) -> Option<DateTime> {
    if text.len() != 6 {
        return None;
    }
    let part = |range| number::<i8>(text.get(range)?);
    let (hour, minute, second) = (part(0..2)?, part(2..4)?, part(4..6)?);
    DateTime::new(
        day.year(),
        day.month(),
        day.day(),
        hour,
        minute,
        if second == 60 { 59 } else { second },
        0,
    )
    .ok()
}

/// `+P1W`, `P1DT12H`, `PT15M`: signs are kept.
pub(super) fn length(text: &str) -> Option<Length> {
    let (sign, text) = match text.strip_prefix('-') {
        Some(text) => (-1, text),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let text = text.strip_prefix('P')?;
    let (days, time) = text.split_once('T').unwrap_or((text, ""));
    if days.is_empty() && time.is_empty() {
        return None;
    }
    let days = total(days, &[('W', 7), ('D', 1)])?;
    let seconds = total(time, &[('H', 3_600), ('M', 60), ('S', 1)])?;
    Some(Length { days: sign * days, seconds: sign * seconds })
}

/// A sum of numbers with units, each at most once, in this order.
fn total(mut text: &str, units: &[(char, i64)]) -> Option<i64> {
    let mut total = 0_i64;
    for (unit, size) in units {
        if let Some((written, rest)) = text.split_once(*unit) {
            total = total.checked_add(number::<i64>(written)?.checked_mul(*size)?)?;
            text = rest;
        }
    }
    text.is_empty().then_some(total)
}

/// A number of digits only.
pub(super) fn number<N: std::str::FromStr>(text: &str) -> Option<N> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_read() {
        let check = |text: &str, expected: Option<(i64, i64)>| {
            let found = length(text).map(|length| (length.days, length.seconds));
            assert_eq!(found, expected, "{text}");
        };
        check("P1W", Some((7, 0)));
        check("P15DT5H0M20S", Some((15, 18_020)));
        check("PT1H30M", Some((0, 5_400)));
        check("-PT15M", Some((0, -900)));
        check("+P1D", Some((1, 0)));
        for broken in ["", "P", "PT", "1D", "P1", "P-1D", "PT1S1H", "P99999999999999999999D"] {
            check(broken, None);
        }
    }

    #[test]
    fn dates_and_times_are_read() {
        assert_eq!(date("20240229").map(|day| day.to_string()).as_deref(), Some("2024-02-29"));
        for broken in ["20230229", "2024022", "2024022é", "+2024022", "202402299"] {
            assert_eq!(date(broken), None, "{broken}");
        }
        let day = date("20161231").expect("a date");
        assert_eq!(clock(day, "235960").map(|time| time.second()), Some(59));
        for broken in ["240000", "1200", "12000é", "1 0000"] {
            assert_eq!(clock(day, broken), None, "{broken}");
        }
    }
}
