//! Small robust trackers: a level, a scale, the spread by hour of the day, means over the last steps. No sample can
//! move one by more than a bounded step once it has seen two dozen.

use weft_core::time::Timestamp;

/// Samples until a tracker bounds what it learns from.
pub(super) const WARM_SAMPLES: usize = 24;
/// Deviations within which a sample is learnt from.
pub(super) const CLIP_DEVIATIONS: f64 = 3.0;
/// Samples over which levels and scales are tracked: half a day of five-minute steps.
const TRACKED_SAMPLES: f64 = 144.0;
/// Mean absolute values are this much too small for deviations in the first samples, where nothing is cut off.
const FIRST_FACTOR: f64 = 1.5;

/// The scale of deviations: their mean absolute value, each counting at most threefold.
#[derive(Debug, Clone, Default)]
pub(super) struct Scale {
    value: f64,
    samples: usize,
}

impl Scale {
    pub(super) const fn get(&self) -> f64 {
        self.value
    }

    pub(super) fn learn(&mut self, deviation: f64, floor: f64) {
        let size = deviation.abs();
        if self.samples < WARM_SAMPLES {
            self.value += (FIRST_FACTOR * size - self.value) / (self.samples as f64 + 1.0);
        } else {
            self.value += (size.min(CLIP_DEVIATIONS * self.value) - self.value) / TRACKED_SAMPLES;
        }
        self.value = self.value.max(floor);
        self.samples += 1;
    }
}

/// The level without any season, the scale around it, and the usual size of a value.
#[derive(Debug, Clone, Default)]
pub(super) struct Level {
    value: f64,
    size: f64,
    scale: Scale,
    samples: usize,
}

/// Samples over which the usual size is tracked: a week of five-minute steps.
const SIZE_SAMPLES: f64 = 2_016.0;

impl Level {
    pub(super) fn start(&mut self, value: f64) {
        if self.samples == 0 {
            (self.value, self.size) = (value, value.abs());
        }
    }

    pub(super) const fn get(&self) -> f64 {
        self.value
    }

    /// How large values are here, whatever their sign.
    pub(super) fn size(&self) -> f64 {
        self.size.max(self.value.abs())
    }

    pub(super) fn learn(&mut self, value: f64, floor: f64) {
        let error = value - self.value;
        let most = CLIP_DEVIATIONS * self.scale.get();
        let counted = if self.samples < WARM_SAMPLES { error } else { error.clamp(-most, most) };
        self.scale.learn(error, floor);
        self.samples += 1;
        let first = 1.0 / self.samples as f64;
        self.value += counted * first.max(1.0 / TRACKED_SAMPLES);
        self.size += (value.abs() - self.size) * first.max(1.0 / SIZE_SAMPLES);
    }

    /// Takes a lasting shift at once.
    pub(super) fn shift(&mut self, by: f64) {
        self.value += by;
    }
}

/// How large errors are by hour of the day, against their mean: busy hours are noisier.
#[derive(Debug, Clone, Default)]
pub(super) struct Spread {
    hours: [f32; 24],
}

const HOUR_MILLIS: i64 = 3_600_000;
/// Errors of an hour of the day over which its spread is tracked: four days of five-minute steps.
const SPREAD_SAMPLES: f64 = 48.0;
/// Hours can be at most so much calmer or noisier than the mean.
const LARGEST_FACTOR: f64 = 5.0;

impl Spread {
    /// The larger of this hour's and its nearer neighbour's spread, over the mean of all.
    pub(super) fn relative(&self, at: Timestamp) -> f64 {
        let hour = hour_of_day(at);
        let is_early = at.as_millis().rem_euclid(HOUR_MILLIS) < HOUR_MILLIS / 2;
        let neighbour = if is_early { (hour + 23) % 24 } else { (hour + 1) % 24 };
        let mean = self.hours.iter().sum::<f32>() / 24.0;
        if mean <= 0.0 {
            return 1.0;
        }
        let here = self.hours[hour].max(self.hours[neighbour]);
        f64::from(here / mean).clamp(1.0 / LARGEST_FACTOR, LARGEST_FACTOR)
    }

    /// Learns from an error, of which at most `most` counts, with `weight`; a new hour begins at `scale`.
    pub(super) fn learn(&mut self, at: Timestamp, error: f64, most: f64, scale: f64, weight: f64) {
        let hour = &mut self.hours[hour_of_day(at)];
        if *hour == 0.0 {
            *hour = scale as f32;
        }
        *hour += ((error.abs().min(most) - f64::from(*hour)) * weight / SPREAD_SAMPLES) as f32;
    }
}

fn hour_of_day(at: Timestamp) -> usize {
    at.as_millis().div_euclid(HOUR_MILLIS).rem_euclid(24) as usize
}

/// Means over the last hour and the last six of five-minute steps. Steps not seen count as 0.
#[derive(Debug, Clone)]
pub(super) struct Windows {
    last: [f32; LONG_STEPS],
    next: usize,
}

const SHORT_STEPS: usize = 12;
const LONG_STEPS: usize = 72;

impl Default for Windows {
    fn default() -> Self {
        Self { last: [0.0; LONG_STEPS], next: 0 }
    }
}

impl Windows {
    pub(super) fn push(&mut self, deviation: f64) {
        self.last[self.next] = deviation as f32;
        self.next = (self.next + 1) % LONG_STEPS;
    }

    /// Summed anew each time: running sums would drift.
    pub(super) fn means(&self) -> [f64; 2] {
        let sum = |values: &[f32]| values.iter().sum::<f32>();
        let wrapped = SHORT_STEPS.saturating_sub(self.next);
        let short = sum(&self.last[self.next.saturating_sub(SHORT_STEPS)..self.next])
            + sum(&self.last[LONG_STEPS - wrapped..]);
        let long = sum(&self.last);
        [f64::from(short) / SHORT_STEPS as f64, f64::from(long) / LONG_STEPS as f64]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_hold_the_last_steps_only() {
        let mut windows = Windows::default();
        for step in 1..=100 {
            windows.push(f64::from(step));
            let mean = |steps: i32| {
                (0..steps).map(|back| f64::from((step - back).max(0))).sum::<f64>()
                    / f64::from(steps)
            };
            let [short, long] = windows.means();
            assert!((short - mean(12)).abs() < 1e-4 && (long - mean(72)).abs() < 1e-4, "{step}");
        }
    }

    #[test]
    fn an_outlier_moves_level_and_scale_by_a_bounded_step() {
        let mut level = Level::default();
        level.start(10.0);
        (0..500).for_each(|step| level.learn(10.0 + f64::from(step % 3 - 1), 1e-9));
        let (before, scale) = (level.get(), level.scale.get());
        level.learn(1e12, 1e-9);
        assert!((level.get() - before).abs() < scale && level.scale.get() < 1.1 * scale);
    }

    #[test]
    fn busy_hours_are_noisier() {
        let mut spread = Spread::default();
        for step in 0..288 * 10 {
            let at = Timestamp::from_seconds(300 * step);
            let error = if (9..18).contains(&hour_of_day(at)) { 4.0 } else { 1.0 };
            spread.learn(at, error, 100.0, 2.0, 1.0);
        }
        let at_hour = |hour: i64| spread.relative(Timestamp::from_seconds(3_600 * hour + 600));
        assert!(at_hour(12) > 1.5 && at_hour(3) < 0.7, "{} {}", at_hour(12), at_hour(3));
    }
}
