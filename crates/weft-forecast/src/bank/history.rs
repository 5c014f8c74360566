//! The recent samples of one series in a ring of fixed length, by absolute step. A gap is NaN in
//! here and must never leave as a number.

use std::ops::Range;

use weft_core::series::Series;
use weft_core::time::{Step, Timestamp};

/// The newest `capacity` steps before `end`.
#[derive(Debug, Clone)]
pub(super) struct History {
    values: Vec<f32>,
    /// One bit per value.
    censored: Vec<u64>,
    /// One past the newest step.
    end: i64,
    /// The first step that had a sample.
    begin: Option<i64>,
}

impl History {
    pub(super) fn new(capacity: usize, end: i64) -> Self {
        let censored = vec![0; capacity.div_ceil(64)];
        Self { values: vec![f32::NAN; capacity], censored, end, begin: None }
    }

    pub(super) const fn end(&self) -> i64 {
        self.end
    }

    /// The first step that ever had a sample.
    pub(super) const fn begin(&self) -> Option<i64> {
        self.begin
    }

    pub(super) fn capacity(&self) -> usize {
        self.values.len()
    }

    /// Begins anew at `end`, with nothing known.
    pub(super) fn restart(&mut self, end: i64) {
        *self = Self { begin: self.begin, ..Self::new(self.capacity(), end) };
    }

    pub(super) fn push(&mut self, value: Option<f32>, is_censored: bool) {
        self.end += 1;
        self.write(self.end - 1, value.unwrap_or(f32::NAN), is_censored);
    }

    /// Replaces a past sample; a step that is no longer held is none of its business.
    pub(super) fn correct(&mut self, step: i64, value: f32, is_censored: bool) {
        if self.holds(step) {
            self.write(step, value, is_censored);
        }
    }

    fn write(&mut self, step: i64, value: f32, is_censored: bool) {
        let index = self.index(step);
        self.values[index] = value;
        let bit = 1_u64 << (index % 64);
        self.censored[index / 64] &= !bit;
        self.censored[index / 64] |= bit * u64::from(is_censored);
        if !value.is_nan() {
            self.begin = Some(self.begin.map_or(step, |begin| begin.min(step)));
        }
    }

    fn holds(&self, step: i64) -> bool {
        step < self.end && step >= self.end - self.capacity() as i64
    }

    fn index(&self, step: i64) -> usize {
        step.rem_euclid(self.capacity() as i64) as usize
    }

    /// The steps that are held, from the first sample on.
    pub(super) fn held(&self) -> Range<i64> {
        let oldest = self.end - self.capacity() as i64;
        self.begin.unwrap_or(self.end).max(oldest)..self.end
    }

    /// The value of `step`; NaN for a gap or where it is not held.
    pub(super) fn get(&self, step: i64) -> f32 {
        if self.holds(step) { self.values[self.index(step)] } else { f32::NAN }
    }

    /// The newest `steps` values, of which no more are held than the capacity; NaN for gaps.
    pub(super) fn newest(&self, steps: usize) -> Vec<f32> {
        let steps = steps.min(self.capacity());
        let begin = self.index(self.end - steps as i64);
        let until_edge = steps.min(self.capacity() - begin);
        let mut newest = Vec::with_capacity(steps);
        newest.extend_from_slice(&self.values[begin..begin + until_edge]);
        newest.extend_from_slice(&self.values[..steps - until_edge]);
        newest
    }

    pub(super) fn is_censored(&self, step: i64) -> bool {
        let index = self.index(step);
        self.holds(step) && self.censored[index / 64] >> (index % 64) & 1 == 1
    }

    /// Whether one of the samples that are held is only a lower bound.
    pub(super) fn has_censored(&self) -> bool {
        self.censored.iter().any(|word| *word > 0)
    }

    /// Mean and variance of the samples in `steps`, and whether one is censored; none where more
    /// than half are gaps.
    pub(super) fn summary(&self, steps: Range<i64>) -> Option<Summary> {
        let (mut sum, mut square, mut count) = (0.0_f64, 0.0_f64, 0_i64);
        let mut is_censored = false;
        for step in steps.clone() {
            let value = f64::from(self.get(step));
            if !value.is_nan() {
                sum += value;
                square += value * value;
                count += 1;
                is_censored |= self.is_censored(step);
            }
        }
        if count == 0 || 2 * count < steps.end - steps.start {
            return None;
        }
        let mean = sum / count as f64;
        let variance = (square / count as f64 - mean * mean).max(0.0);
        Some(Summary { mean: mean as f32, variance: variance as f32, is_censored })
    }

    /// All that is held from the first sample on, as a series.
    pub(super) fn series(&self, step: Step) -> Series {
        let held = self.held();
        let start = Timestamp::from_millis(held.start * step.span().as_millis());
        let mut series = Series::new(start, step);
        for at in held {
            series.push(Some(self.get(at)), self.is_censored(at));
        }
        series
    }
}

/// What the samples of some steps come to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Summary {
    pub(super) mean: f32,
    /// Of the samples around their mean.
    pub(super) variance: f32,
    pub(super) is_censored: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ring_keeps_the_newest_and_takes_corrections() {
        let mut history = History::new(4, -2);
        (0..5).for_each(|value| history.push(Some(value as f32), value == 3));
        assert_eq!(history.end(), 3);
        assert!(history.get(-2).is_nan(), "fallen out");
        assert_eq!((history.get(-1), history.get(2)), (1.0, 4.0));
        assert!(history.is_censored(1) && !history.is_censored(2));
        assert_eq!(history.newest(3), [2.0, 3.0, 4.0]);
        assert_eq!((history.newest(9).len(), history.newest(0).len()), (4, 0));
        history.correct(1, 9.0, false);
        history.correct(-2, 9.0, false);
        assert_eq!(history.get(1), 9.0);
        assert!(history.get(-2).is_nan() && !history.is_censored(1));
        let summary = history.summary(0..2).expect("no gap");
        assert_eq!((summary.mean, summary.variance), (5.5, 12.25));
        history.push(None, false);
        assert!(history.summary(2..4).is_some() && history.summary(3..4).is_none());
        assert_eq!(history.series(Step::FIVE_MINUTES).len(), 4);
    }
}
