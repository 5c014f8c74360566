//! The time axis of the course: which instants get a tick and how they are written. Times are UTC,
//! as in traces; this must never ask the machine for its zone.

use weft_core::time::{Span, Timestamp};

/// Distances between ticks that people count in.
const DISTANCES: [Span; 13] = [
    Span::from_minutes(5),
    Span::from_minutes(15),
    Span::from_minutes(30),
    Span::from_hours(1),
    Span::from_hours(3),
    Span::from_hours(6),
    Span::from_hours(12),
    Span::from_days(1),
    Span::from_days(2),
    Span::from_days(7),
    Span::from_days(14),
    Span::from_days(28),
    Span::from_days(91),
];
const DAY: Span = Span::from_days(1);
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// From the first instant to the last, `begin < end`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Period {
    pub(super) begin: Timestamp,
    pub(super) end: Timestamp,
}

impl Period {
    /// Its length.
    pub(super) fn span(&self) -> Span {
        self.end - self.begin
    }

    /// Where `instant` lies: 0 at the beginning, 1 at the end.
    pub(super) fn position(&self, instant: Timestamp) -> f64 {
        (instant - self.begin).as_hours_f64() / self.span().as_hours_f64()
    }

    /// At most about `count` instants at round times, each with its position and its label.
    pub(super) fn ticks(&self, count: usize) -> Vec<(f64, String)> {
        let least = self.span().as_millis() / count.max(1) as i64;
        let distance = DISTANCES.iter().find(|distance| distance.as_millis() >= least);
        let distance = *distance.unwrap_or(&Span::from_days(365));
        let label = if distance < DAY { time } else { date };
        let instants = (0..).map(|index| self.first(distance) + distance * index);
        let inside = instants.take_while(|instant| *instant <= self.end);
        inside.map(|instant| (self.position(instant), label(instant))).collect()
    }

    /// The first tick: at a multiple of the distance, counted from the midnight before the
    /// beginning.
    fn first(&self, distance: Span) -> Timestamp {
        let midnight =
            self.begin - Span::from_millis(self.begin.as_millis().rem_euclid(DAY.as_millis()));
        let into = (self.begin - midnight).as_millis();
        let steps = if distance < DAY { distance } else { DAY };
        midnight + steps * (into + steps.as_millis() - 1).div_euclid(steps.as_millis())
    }

    /// The period in words.
    pub(super) fn words(&self) -> String {
        let (begin, end) = (self.begin, self.end);
        format!("{} {} to {} {} UTC", day(begin), time(begin), day(end), time(end))
    }
}

/// Hours and minutes.
fn time(instant: Timestamp) -> String {
    part(instant, 11..16)
}

/// Day and month.
fn date(instant: Timestamp) -> String {
    let (month, day) = (part(instant, 5..7), part(instant, 8..10));
    let name = month.parse::<usize>().ok().and_then(|month| MONTHS.get(month.wrapping_sub(1)));
    format!("{} {}", day.trim_start_matches('0'), name.unwrap_or(&""))
}

/// Year, month and day.
fn day(instant: Timestamp) -> String {
    part(instant, 0..10)
}

/// A part of the instant's RFC 3339 form; empty where the instant is beyond the calendar.
fn part(instant: Timestamp, range: std::ops::Range<usize>) -> String {
    instant.to_string().get(range).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn period(begin: &str, end: &str) -> Period {
        Period { begin: begin.parse().expect(begin), end: end.parse().expect(end) }
    }

    #[test]
    fn ticks_are_at_round_times() {
        let check = |begin: &str, end: &str, count: usize, expected: &[&str]| {
            let ticks = period(begin, end).ticks(count);
            let labels: Vec<&str> = ticks.iter().map(|(_, label)| label.as_str()).collect();
            assert_eq!(labels, expected, "{begin} to {end}");
            assert!(ticks.iter().all(|(position, _)| (0.0..=1.0).contains(position)));
        };
        check(
            "2011-03-03T00:00:00Z",
            "2011-03-04T00:00:00Z",
            4,
            &["00:00", "06:00", "12:00", "18:00", "00:00"],
        );
        check("2011-03-03T00:07:00Z", "2011-03-03T00:40:00Z", 3, &["00:15", "00:30"]);
        check(
            "2020-02-25T08:00:00Z",
            "2020-03-24T08:00:00Z",
            4,
            &["26 Feb", "4 Mar", "11 Mar", "18 Mar"],
        );
    }

    #[test]
    fn a_period_is_said_in_words() {
        let words = period("2011-03-03T00:00:00Z", "2011-03-04T00:00:00Z").words();
        assert_eq!(words, "2011-03-03 00:00 to 2011-03-04 00:00 UTC");
    }
}
