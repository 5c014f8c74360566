//! What is expected by time of day, and by hour of the week, learnt online and robustly. It must never let a single odd
//! day into the expectation as more than a bounded step.

use weft_core::time::{Step, Timestamp};

const HOUR_MILLIS: i64 = 3_600_000;
const DAY_MILLIS: i64 = 24 * HOUR_MILLIS;
const WEEK_HOURS: usize = 168;
/// Times of day at most: finer steps share one.
const MOST_BINS: usize = 1_440;
/// Times of day on each side that are as good as the right one: a job that starts five minutes late is no anomaly.
const REACH_BINS: usize = 1;
/// The part of an error that is learnt once a few days are known: after three days of a new habit two thirds of it.
const LEAST_RATE: f64 = 0.3;
/// The level over the season moves by this part of each error: half a day of five-minute steps.
const LEVEL_RATE: f64 = 1.0 / 144.0;
/// How much smaller errors must be with the day than without, and with the week than without, to act on it.
const DAY_GAIN: f64 = 0.95;
const WEEK_GAIN: f64 = 0.9;

/// Which seasons act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Seasons {
    None,
    Day,
    Week,
}

/// What is expected, and between which values nothing is odd.
#[derive(Debug, Clone, Copy)]
pub(super) struct Expected {
    pub(super) value: f64,
    pub(super) low: f64,
    pub(super) high: f64,
}

/// A profile that learns one bin at a time.
#[derive(Debug, Clone)]
struct Profile {
    values: Vec<f32>,
    counts: Vec<u8>,
}

impl Profile {
    fn new(bins: usize) -> Self {
        Self { values: vec![0.0; bins], counts: vec![0; bins] }
    }

    fn get(&self, bin: usize) -> f64 {
        f64::from(self.values[bin])
    }

    fn rate(&self, bin: usize) -> f64 {
        (1.0 / (f64::from(self.counts[bin]) + 1.0)).max(LEAST_RATE)
    }

    fn add(&mut self, bin: usize, change: f64) {
        self.values[bin] += change as f32;
    }

    fn count(&mut self, bin: usize) {
        self.counts[bin] = self.counts[bin].saturating_add(1);
    }
}

/// See the module.
#[derive(Debug, Clone)]
pub(super) struct Season {
    steps_per_day: usize,
    steps_per_hour: f64,
    day: Profile,
    week: Profile,
    level: f64,
    /// Mean absolute errors of the level alone, with the day, with the week.
    errors: [f64; 3],
    samples: usize,
}

impl Season {
    pub(super) fn new(step: Step) -> Self {
        let steps_per_day = step.per_day();
        Self {
            steps_per_day,
            steps_per_hour: (steps_per_day as f64 / 24.0).max(1.0),
            day: Profile::new(steps_per_day.min(MOST_BINS)),
            week: Profile::new(WEEK_HOURS),
            level: 0.0,
            errors: [0.0; 3],
            samples: 0,
        }
    }

    /// Which seasons have shown that they help, two days after the start at the earliest.
    pub(super) fn acting(&self) -> Seasons {
        let [level, day, week] = self.errors;
        if self.samples < 2 * self.steps_per_day {
            Seasons::None
        } else if week < WEEK_GAIN * day.min(level) {
            Seasons::Week
        } else if day < DAY_GAIN * level {
            Seasons::Day
        } else {
            Seasons::None
        }
    }

    /// What is expected at `at`; `None` where no season acts.
    pub(super) fn expect(&self, at: Timestamp) -> Option<Expected> {
        let acting = self.acting();
        if acting == Seasons::None {
            return None;
        }
        let bins = self.day.values.len();
        let week = if acting == Seasons::Week { self.week.get(hour_of_week(at)) } else { 0.0 };
        let of_bin = |bin: usize| self.level + week + self.day.get(bin % bins);
        let bin = self.bin(at);
        let value = of_bin(bin);
        let (mut low, mut high) = (value, value);
        for distance in 1..=REACH_BINS.min(bins - 1) {
            for neighbour in [of_bin(bin + distance), of_bin(bin + bins - distance)] {
                (low, high) = (low.min(neighbour), high.max(neighbour));
            }
        }
        Some(Expected { value, low, high })
    }

    fn bin(&self, at: Timestamp) -> usize {
        let bins = self.day.values.len();
        let part = at.as_millis().rem_euclid(DAY_MILLIS) as f64 / DAY_MILLIS as f64;
        ((part * bins as f64 + 1e-6) as usize).min(bins - 1)
    }

    /// Learns that `value` came, where the level alone was `level_error` off. Of each error only `most` counts.
    pub(super) fn learn(&mut self, at: Timestamp, value: f64, level_error: f64, most: f64) {
        let (bin, hour) = (self.bin(at), hour_of_week(at));
        let acting = self.acting();
        self.samples += 1;
        if self.day.counts[bin] == 0 {
            self.day.add(bin, value - self.level);
            self.day.count(bin);
            return;
        }
        let day_error = value - self.level - self.day.get(bin);
        let week_error = day_error - self.week.get(hour);
        self.judge([level_error, day_error, week_error], most);
        let error = if acting == Seasons::Week { week_error } else { day_error };
        let error = error.clamp(-most, most);
        self.day.add(bin, self.day.rate(bin) * error);
        self.day.count(bin);
        self.level += LEVEL_RATE * error;
        if self.samples > 2 * self.steps_per_day {
            self.learn_week(at, hour, week_error.clamp(-most, most));
        }
    }

    fn judge(&mut self, errors: [f64; 3], most: f64) {
        let rate = 1.0 / (self.steps_per_day as f64).clamp(50.0, MOST_BINS as f64);
        for (mean, error) in self.errors.iter_mut().zip(errors) {
            *mean += rate * (error.abs().min(2.0 * most) - *mean);
        }
    }

    fn learn_week(&mut self, at: Timestamp, hour: usize, error: f64) {
        self.week.add(hour, self.week.rate(hour) / self.steps_per_hour * error);
        let in_hour = at.as_millis().rem_euclid(HOUR_MILLIS) as f64 / HOUR_MILLIS as f64;
        if in_hour + 1.0 / self.steps_per_hour >= 1.0 {
            self.week.count(hour);
        }
    }

    /// Takes a lasting shift into the level at once.
    pub(super) fn shift(&mut self, by: f64) {
        self.level += by;
    }
}

fn hour_of_week(at: Timestamp) -> usize {
    at.as_millis().div_euclid(HOUR_MILLIS).rem_euclid(WEEK_HOURS as i64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOURLY: i64 = 3_600;

    /// Feeds `days` days of hourly values.
    fn fed(days: usize, value: impl Fn(usize) -> f64) -> Season {
        let step = Step::new(weft_core::time::Span::from_seconds(HOURLY)).expect("an hour");
        let mut season = Season::new(step);
        for hour in 0..24 * days {
            season.learn(Timestamp::from_seconds(HOURLY * hour as i64), value(hour), 10.0, 30.0);
        }
        season
    }

    fn expected(season: &Season, hour: usize) -> Option<f64> {
        season.expect(Timestamp::from_seconds(HOURLY * hour as i64)).map(|expected| expected.value)
    }

    #[test]
    fn a_day_is_known_after_two_and_noise_is_no_day() {
        let day = |hour: usize| if hour % 24 < 12 { 20.0 } else { 60.0 };
        assert_eq!(expected(&fed(1, day), 24), None);
        let season = fed(6, day);
        assert!((expected(&season, 6 * 24 + 3).expect("a season") - 20.0).abs() < 0.5);
        let edge =
            season.expect(Timestamp::from_seconds(HOURLY * (6 * 24 + 12))).expect("a season");
        assert!(edge.low < 21.0 && edge.high > 59.0, "an hour late is not odd");
        assert_eq!(fed(6, |hour| (hour * 7_919 % 101) as f64 / 2.0).acting(), Seasons::None);
    }

    #[test]
    fn a_weekend_is_known_after_some_weeks() {
        let office = |hour: usize| match (hour / 24 % 7, hour % 24) {
            (0..5, 8..18) => 60.0,
            _ => 20.0,
        };
        let season = fed(35, office);
        assert_eq!(season.acting(), Seasons::Week);
        let (monday, saturday) = (expected(&season, 35 * 24 + 12), expected(&season, 40 * 24 + 12));
        let (monday, saturday) = (monday.expect("a season"), saturday.expect("a season"));
        assert!(monday > 50.0 && saturday < 30.0, "{monday}, {saturday}");
    }

    #[test]
    fn an_odd_day_moves_the_expectation_by_a_bounded_step() {
        let season = fed(10, |hour| if hour / 24 == 9 { 1e6 } else { 20.0 + (hour % 24) as f64 });
        let value = expected(&season, 240 + 5).unwrap_or(25.0);
        assert!((value - 25.0).abs() < 20.0, "{value}");
    }
}
