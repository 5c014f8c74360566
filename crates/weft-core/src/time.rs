//! Time as values: instants, spans and steps in whole milliseconds.
//!
//! Nothing here reads a clock. The shell or the simulator says what time it is, so the same
//! sequence of instants replays the same decisions.

use std::fmt;
use std::ops::{Add, AddAssign, Mul, Sub};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

/// A text that is no instant or no span.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TimeError {
    /// Neither RFC 3339 nor Unix seconds.
    #[error("expected a timestamp in RFC 3339 or Unix seconds, found `{0}`")]
    Timestamp(String),
    /// Not a sum of numbers with units.
    #[error("expected a span like 90s, 5m, 6h or 1h30m, found `{0}`")]
    Span(String),
    /// A step must be at least one second and whole seconds.
    #[error("expected a step of whole seconds, at least 1s, found `{0}`")]
    Step(Span),
}

/// An instant: milliseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The instant `milliseconds` after the Unix epoch.
    pub const fn from_millis(milliseconds: i64) -> Self {
        Self(milliseconds)
    }

    /// The instant `seconds` after the Unix epoch.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds * 1_000)
    }

    /// Milliseconds since the Unix epoch.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// The last grid instant at or before this one, on the grid of `step` from the epoch.
    pub const fn floor(self, step: Step) -> Self {
        Self(self.0 - self.0.rem_euclid(step.span().0))
    }
}

impl FromStr for Timestamp {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Self, TimeError> {
        if let Ok(seconds) = text.parse::<i64>() {
            let millis = seconds.checked_mul(1_000).map(Self);
            return millis.ok_or_else(|| TimeError::Timestamp(text.to_owned()));
        }
        match text.parse::<jiff::Timestamp>() {
            Ok(instant) => Ok(Self(instant.as_millisecond())),
            Err(_) => Err(TimeError::Timestamp(text.to_owned())),
        }
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(instant) => write!(formatter, "{instant}"),
            Err(_) => write!(formatter, "{} ms since the epoch", self.0),
        }
    }
}

impl Add<Span> for Timestamp {
    type Output = Self;
    fn add(self, span: Span) -> Self {
        Self(self.0 + span.0)
    }
}

impl Sub<Span> for Timestamp {
    type Output = Self;
    fn sub(self, span: Span) -> Self {
        Self(self.0 - span.0)
    }
}

impl Sub for Timestamp {
    type Output = Span;
    fn sub(self, earlier: Self) -> Span {
        Span(self.0 - earlier.0)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        parse_text(deserializer)
    }
}

/// A length of time in milliseconds; negative where one instant precedes another.
///
/// Written as a sum of numbers with units: `250ms`, `90s`, `5m`, `6h`, `7d`, `1h30m`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span(i64);

impl Span {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// `milliseconds` of time.
    pub const fn from_millis(milliseconds: i64) -> Self {
        Self(milliseconds)
    }

    /// `seconds` of time.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds * 1_000)
    }

    /// `minutes` of time.
    pub const fn from_minutes(minutes: i64) -> Self {
        Self(minutes * 60_000)
    }

    /// `hours` of time.
    pub const fn from_hours(hours: i64) -> Self {
        Self(hours * 3_600_000)
    }

    /// `days` of time, each of 24 hours.
    pub const fn from_days(days: i64) -> Self {
        Self::from_hours(days * 24)
    }

    /// The nearest whole number of milliseconds to `seconds`; saturates.
    pub fn from_seconds_f64(seconds: f64) -> Self {
        Self((seconds * 1_000.0).round() as i64)
    }

    /// The length in milliseconds.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// The length in seconds.
    pub fn as_seconds_f64(self) -> f64 {
        self.0 as f64 / 1_000.0
    }

    /// The length in hours.
    pub fn as_hours_f64(self) -> f64 {
        self.0 as f64 / 3_600_000.0
    }

    /// How many whole steps fit into this span; zero for a negative span.
    pub const fn whole_steps(self, step: Step) -> usize {
        if self.0 <= 0 { 0 } else { (self.0 / step.span().0) as usize }
    }
}

impl Add for Span {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl AddAssign for Span {
    fn add_assign(&mut self, other: Self) {
        self.0 += other.0;
    }
}

impl Sub for Span {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl Mul<i64> for Span {
    type Output = Self;
    fn mul(self, times: i64) -> Self {
        Self(self.0 * times)
    }
}

/// Units from the largest to the smallest, as written and read.
const UNITS: [(&str, i64); 5] =
    [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

impl FromStr for Span {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Self, TimeError> {
        let error = || TimeError::Span(text.to_owned());
        let mut rest = text.trim();
        if rest == "0" {
            return Ok(Self::ZERO);
        }
        let mut total = 0_i64;
        if rest.is_empty() {
            return Err(error());
        }
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(error)?;
            let number: i64 = rest[..digits].parse().map_err(|_| error())?;
            rest = &rest[digits..];
            let letters = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
            let unit =
                UNITS.iter().find(|(name, _)| *name == &rest[..letters]).ok_or_else(error)?;
            rest = &rest[letters..];
            let part = number.checked_mul(unit.1).ok_or_else(error)?;
            total = total.checked_add(part).ok_or_else(error)?;
        }
        Ok(Self(total))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return formatter.write_str("0s");
        }
        if self.0 < 0 {
            formatter.write_str("-")?;
        }
        let mut rest = self.0.unsigned_abs();
        for (name, millis) in UNITS {
            let count = rest / millis as u64;
            rest %= millis as u64;
            if count > 0 {
                write!(formatter, "{count}{name}")?;
            }
        }
        Ok(())
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        parse_text(deserializer)
    }
}

/// The distance between two samples of a series: whole seconds, at least one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Step(Span);

impl Step {
    /// Five minutes, the step of the field's traces and the default.
    pub const FIVE_MINUTES: Self = Self(Span::from_minutes(5));

    /// A step of `span`; an error unless it is a positive whole number of seconds.
    pub const fn new(span: Span) -> Result<Self, TimeError> {
        if span.0 >= 1_000 && span.0 % 1_000 == 0 {
            Ok(Self(span))
        } else {
            Err(TimeError::Step(span))
        }
    }

    /// The length of one step.
    pub const fn span(self) -> Span {
        self.0
    }

    /// The length of one step in hours.
    pub fn hours(self) -> f64 {
        self.0.as_hours_f64()
    }

    /// How many steps make up a day, rounded down, at least one.
    pub const fn per_day(self) -> usize {
        let steps = Span::from_days(1).whole_steps(self);
        if steps == 0 { 1 } else { steps }
    }
}

impl Default for Step {
    fn default() -> Self {
        Self::FIVE_MINUTES
    }
}

impl<'de> Deserialize<'de> for Step {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(Span::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// Reads a text field through its `FromStr`, keeping the parser's sentence as the error.
pub(crate) fn parse_text<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr,
    T::Err: fmt::Display,
{
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_read_and_print() {
        let check = |text: &str, millis: i64, printed: &str| {
            let span: Span = text.parse().expect(text);
            assert_eq!(span, Span::from_millis(millis), "{text}");
            assert_eq!(span.to_string(), printed, "{text}");
        };
        check("5m", 300_000, "5m");
        check("90s", 90_000, "1m30s");
        check("1h30m", 5_400_000, "1h30m");
        check("250ms", 250, "250ms");
        check("7d", 604_800_000, "7d");
        check("0", 0, "0s");
        for wrong in ["", "5", "m", "5 m", "5x", "-5m", "99999999999999999999d"] {
            assert!(wrong.parse::<Span>().is_err(), "{wrong:?} was read");
        }
    }

    #[test]
    fn timestamps_read_both_forms() {
        let rfc: Timestamp = "2011-03-03T00:05:00Z".parse().expect("RFC 3339");
        let unix: Timestamp = "1299110700".parse().expect("Unix seconds");
        assert_eq!(rfc, unix);
        assert_eq!(rfc.to_string(), "2011-03-03T00:05:00Z");
        assert_eq!((rfc + Span::from_seconds(1)).floor(Step::FIVE_MINUTES), rfc);
        let error = "yesterday".parse::<Timestamp>().expect_err("no instant");
        assert!(error.to_string().contains("found `yesterday`"), "{error}");
    }

    #[test]
    fn a_step_is_whole_seconds() {
        assert!(Step::new(Span::from_millis(1_500)).is_err());
        assert!(Step::new(Span::ZERO).is_err());
        assert_eq!(Step::FIVE_MINUTES.per_day(), 288);
        assert_eq!(Span::from_hours(6).whole_steps(Step::FIVE_MINUTES), 72);
    }
}
