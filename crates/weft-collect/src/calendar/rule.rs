//! Recurrence rules (RFC 5545, section 3.3.10) on the clock of the entry. No instant is known here, so
//! a rule never slips when clocks change; and no rule is followed further than it is asked for.
//!
//! Written here rather than taken from a library, because those that are kept either follow a rule
//! that never fires for 100,000 rounds that nobody can stop, or bring a second database of zones; the
//! tests hold what the reference implementation of the field (python-dateutil) gives.

use std::ops::RangeInclusive;

use jiff::Span;
use jiff::civil::{Date, DateTime, Weekday};

use super::moment::{clock, date, number};
use super::zone::Zone;
use crate::signal::text::cleaned;

/// How many days the rules of one calendar may look at, all together: a daily rule of a century has
/// 36,525, so ten million is more than any honest calendar needs and two or three seconds of work in an unoptimised build.
const DAYS: u64 = 10_000_000;

/// The work that is left for one calendar.
#[derive(Debug)]
pub(super) struct Work {
    days: u64,
    is_over: bool,
}

impl Default for Work {
    fn default() -> Self {
        Self { days: DAYS, is_over: false }
    }
}

impl Work {
    /// Whether a rule was cut short.
    pub(super) const fn is_over(&self) -> bool {
        self.is_over
    }

    fn spend(&mut self, days: u64) -> bool {
        match self.days.checked_sub(days) {
            Some(left) => self.days = left,
            None => self.is_over = true,
        }
        !self.is_over
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Frequency {
    Daily,
    Weekly,
    Monthly,
    Yearly,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Until {
    Day(Date),
    Clock(DateTime),
    Utc(DateTime),
}

/// A rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rule {
    frequency: Frequency,
    interval: i64,
    count: Option<u64>,
    until: Option<Until>,
    months: Vec<i16>,
    month_days: Vec<i16>,
    /// Which weekdays, and the how manieth in the month or year; 0 for every one.
    weekdays: Vec<(i16, Weekday)>,
    positions: Vec<i16>,
    week_start: Weekday,
}

impl Rule {
    /// Reads a rule. An error where it is broken, or uses what is not read: a frequency below a day,
    /// `BYWEEKNO`, `BYYEARDAY`, `BYHOUR`, `BYMINUTE`, `BYSECOND`.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let mut rule = Self {
            frequency: Frequency::Daily,
            interval: 1,
            count: None,
            until: None,
            months: Vec::new(),
            month_days: Vec::new(),
            weekdays: Vec::new(),
            positions: Vec::new(),
            week_start: Weekday::Monday,
        };
        let mut has_frequency = false;
        for part in text.trim().split(';').filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let name = name.trim().to_ascii_uppercase();
            has_frequency |= name == "FREQ";
            rule.set(&name, &value.trim().to_ascii_uppercase()).ok_or_else(|| {
                format!(
                    "expected a recurrence rule that can be read, found `{}`",
                    cleaned(part, 60)
                )
            })?;
        }
        if !has_frequency {
            return Err("expected a recurrence rule with FREQ, found none".to_owned());
        }
        Ok(rule)
    }

    /// Whether it ends by itself.
    pub(super) const fn ends(&self) -> bool {
        self.count.is_some() || self.until.is_some()
    }

    fn set(&mut self, name: &str, value: &str) -> Option<()> {
        match name {
            "FREQ" => self.frequency = frequency(value)?,
            "INTERVAL" => {
                self.interval = number::<i64>(value).filter(|n| (1..=10_000).contains(n))?;
            }
            "COUNT" => self.count = Some(number::<u64>(value).filter(|count| *count > 0)?),
            "UNTIL" => self.until = Some(until(value)?),
            "BYMONTH" => self.months = numbers(value, 1..=12)?,
            "BYMONTHDAY" => self.month_days = numbers(value, -31..=31)?,
            "BYSETPOS" => self.positions = numbers(value, -366..=366)?,
            "BYDAY" => {
                self.weekdays = value.split(',').map(weekday).collect::<Option<_>>()?;
                self.weekdays.sort_unstable_by_key(|(n, day)| (*n, day.to_monday_zero_offset()));
                self.weekdays.dedup();
            }
            "WKST" => self.week_start = weekday(value)?.1,
            // `RSCALE=GREGORIAN` (RFC 7529) says what holds anyway.
            "RSCALE" if value == "GREGORIAN" => {}
            _ => return None,
        }
        Some(())
    }

    /// The clocks of the rule within `range`, in order, `start` among them as the first of all. An
    /// end that is written as UTC is one on the clock of `zone`; days end with their day.
    pub(super) fn clocks(
        &self,
        start: DateTime,
        is_day: bool,
        zone: &Zone,
        range: RangeInclusive<DateTime>,
        work: &mut Work,
    ) -> Vec<DateTime> {
        let rule = self.filled(start);
        let until = self.until.and_then(|until| until.clock(is_day, zone)).unwrap_or(DateTime::MAX);
        let last = until.min(*range.end());
        let mut clocks = Vec::new();
        let mut left = rule.count.unwrap_or(u64::MAX);
        if start <= last {
            left -= 1;
            clocks.push(start);
        }
        let mut index = rule.first_period(start.date(), range.start().date());
        while let Some((first, end)) =
            rule.period(start.date(), index).filter(|(first, _)| *first <= last.date())
        {
            if !work.spend(end.duration_since(first).as_secs() as u64 / 86_400 + 1) {
                break;
            }
            let days = rule.days(first, end).into_iter().map(|day| day.to_datetime(start.time()));
            for clock in days.filter(|clock| *clock > start && *clock <= last) {
                if left == 0 {
                    break;
                }
                left -= 1;
                clocks.push(clock);
            }
            if left == 0 {
                break;
            }
            index += 1;
        }
        clocks.retain(|clock| range.contains(clock));
        clocks
    }

    /// The rule with what its start says where it says nothing itself.
    fn filled(&self, start: DateTime) -> Self {
        let mut rule = self.clone();
        if rule.month_days.is_empty() && rule.weekdays.is_empty() {
            match rule.frequency {
                Frequency::Daily => {}
                Frequency::Weekly => rule.weekdays.push((0, start.weekday())),
                Frequency::Monthly => rule.month_days.push(i16::from(start.day())),
                Frequency::Yearly => {
                    if rule.months.is_empty() {
                        rule.months.push(i16::from(start.month()));
                    }
                    rule.month_days.push(i16::from(start.day()));
                }
            }
        }
        rule
    }

    /// A period that is not after `from`, so that years of a rule without a count are skipped.
    fn first_period(&self, start: Date, from: Date) -> i64 {
        let longest_days = match self.frequency {
            Frequency::Daily => 1,
            Frequency::Weekly => 7,
            Frequency::Monthly => 31,
            Frequency::Yearly => 366,
        };
        let days = from.duration_since(start).as_secs() / 86_400;
        let skipped = (days / (longest_days * self.interval) - 1).max(0);
        if self.count.is_none() { skipped } else { 0 }
    }

    /// The first and last day of a period; none beyond the years that can be told.
    fn period(&self, start: Date, index: i64) -> Option<(Date, Date)> {
        let step = index.checked_mul(self.interval)?;
        let months = |count: i64| {
            let month = i64::from(start.year()) * 12 + i64::from(start.month()) - 1 + count;
            let year = i16::try_from(month.div_euclid(12)).ok()?;
            Date::new(year, month.rem_euclid(12) as i8 + 1, 1).ok()
        };
        let days =
            |from: Date, count: i64| from.checked_add(Span::new().try_days(count).ok()?).ok();
        match self.frequency {
            Frequency::Daily => days(start, step).map(|day| (day, day)),
            Frequency::Weekly => {
                let into = i64::from(start.weekday().since(self.week_start));
                let first = days(start, step.checked_mul(7)? - into)?;
                Some((first, days(first, 6)?))
            }
            Frequency::Monthly => months(step).map(|first| (first, first.last_of_month())),
            Frequency::Yearly => {
                let first = months(step.checked_mul(12)?)?.first_of_year();
                Some((first, first.last_of_year()))
            }
        }
    }

    /// The days of a period that the rule means, in order.
    fn days(&self, first: Date, last: Date) -> Vec<Date> {
        let days = std::iter::successors(Some(first), |day| day.tomorrow().ok());
        let meant: Vec<Date> = days
            .take_while(|day| *day <= last)
            .filter(|day| self.means(*day, first, last))
            .collect();
        if self.positions.is_empty() {
            return meant;
        }
        let at = |position: &i16| match usize::from(position.unsigned_abs()) {
            place if *position > 0 => meant.get(place - 1),
            place => meant.get(meant.len().checked_sub(place)?),
        };
        let mut chosen: Vec<Date> = self.positions.iter().filter_map(at).copied().collect();
        chosen.sort_unstable();
        chosen.dedup();
        chosen
    }

    fn means(&self, day: Date, first: Date, last: Date) -> bool {
        let in_month = i16::from(day.day());
        let from_end = in_month - i16::from(day.days_in_month()) - 1;
        (self.months.is_empty() || self.months.contains(&i16::from(day.month())))
            && (self.month_days.is_empty()
                || self.month_days.contains(&in_month)
                || self.month_days.contains(&from_end))
            && (self.weekdays.is_empty() || self.means_weekday(day, first, last))
    }

    fn means_weekday(&self, day: Date, first: Date, last: Date) -> bool {
        // The first Monday: of the month, but of the year where a yearly rule names no month.
        let (first, last) = match self.frequency {
            Frequency::Yearly if !self.months.is_empty() => {
                (day.first_of_month(), day.last_of_month())
            }
            _ => (first, last),
        };
        let weeks = |from: Date, to: Date| (to.duration_since(from).as_secs() / 604_800 + 1) as i16;
        let counts = matches!(self.frequency, Frequency::Monthly | Frequency::Yearly);
        self.weekdays.iter().any(|(place, weekday)| {
            day.weekday() == *weekday
                && match *place {
                    place if place > 0 && counts => weeks(first, day) == place,
                    place if place < 0 && counts => weeks(day, last) == -place,
                    _ => true,
                }
        })
    }
}

impl Until {
    fn clock(self, is_day: bool, zone: &Zone) -> Option<DateTime> {
        let end_of = |day: Date| day.at(23, 59, 59, 0);
        match self {
            Self::Day(day) => Some(end_of(day)),
            Self::Clock(clock) | Self::Utc(clock) if is_day => Some(end_of(clock.date())),
            Self::Clock(clock) => Some(clock),
            Self::Utc(clock) => zone.clock_at(clock),
        }
    }
}

fn frequency(text: &str) -> Option<Frequency> {
    match text {
        "DAILY" => Some(Frequency::Daily),
        "WEEKLY" => Some(Frequency::Weekly),
        "MONTHLY" => Some(Frequency::Monthly),
        "YEARLY" => Some(Frequency::Yearly),
        _ => None,
    }
}

fn until(text: &str) -> Option<Until> {
    let (text, is_utc) = text.strip_suffix('Z').map_or((text, false), |text| (text, true));
    match text.split_once('T') {
        None => date(text).map(Until::Day),
        Some((day, time)) => {
            clock(date(day)?, time).map(if is_utc { Until::Utc } else { Until::Clock })
        }
    }
}

/// `MO`, `2TU`, `-1FR`.
fn weekday(text: &str) -> Option<(i16, Weekday)> {
    let text = text.trim();
    let (place, name) = text.split_at_checked(text.len().checked_sub(2)?)?;
    let weekday = match name {
        "MO" => Weekday::Monday,
        "TU" => Weekday::Tuesday,
        "WE" => Weekday::Wednesday,
        "TH" => Weekday::Thursday,
        "FR" => Weekday::Friday,
        "SA" => Weekday::Saturday,
        "SU" => Weekday::Sunday,
        _ => return None,
    };
    let place = if place.is_empty() { 0 } else { signed(place, -53..=53)? };
    Some((place, weekday))
}

/// A list of numbers other than zero, without repetitions.
fn numbers(text: &str, range: RangeInclusive<i16>) -> Option<Vec<i16>> {
    let mut numbers: Vec<i16> =
        text.split(',').map(|part| signed(part.trim(), range.clone())).collect::<Option<_>>()?;
    numbers.sort_unstable();
    numbers.dedup();
    Some(numbers)
}

fn signed(text: &str, range: RangeInclusive<i16>) -> Option<i16> {
    text.parse().ok().filter(|number| *number != 0 && range.contains(number))
}

#[cfg(test)]
mod tests;
