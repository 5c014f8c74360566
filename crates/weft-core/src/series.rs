//! Series: one measure over time on a fixed grid. Gaps are gaps, never zeros.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::resource::SeriesKey;
use crate::time::{Step, Timestamp};

/// A sample that does not fit its series.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum SeriesError {
    /// A sample from before the series begins.
    #[error("expected a sample at {start} or later, found one at {found}")]
    TooEarly {
        /// Start of the series.
        start: Timestamp,
        /// Start of the sample.
        found: Timestamp,
    },
}

/// One sample: the mean of a measure over the step that begins at `at`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// Which series it belongs to.
    pub key: SeriesKey,
    /// Start of the step it covers.
    pub at: Timestamp,
    /// The mean over the step, in the unit of the measure.
    pub value: f32,
    /// Whether the true demand may have been higher: the use was at the cap of the vCPUs or the
    /// host was at its limit.
    pub censored: bool,
}

/// A series on a grid: value `i` covers `[start + i·step, start + (i+1)·step)`.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    start: Timestamp,
    step: Step,
    /// NaN stands for a gap; it never leaves this type.
    values: Vec<f32>,
    /// One bit per value.
    censored: Vec<u64>,
}

impl Series {
    /// An empty series that begins at `start`, put on the grid of `step`.
    pub fn new(start: Timestamp, step: Step) -> Self {
        Self { start: start.floor(step), step, values: Vec::new(), censored: Vec::new() }
    }

    /// A series from values; `None` and non-finite values are gaps.
    pub fn from_values<I>(start: Timestamp, step: Step, values: I) -> Self
    where
        I: IntoIterator<Item = Option<f32>>,
    {
        let mut series = Self::new(start, step);
        for value in values {
            series.push(value, false);
        }
        series
    }

    /// Appends the value of the next step; `None` and non-finite values are gaps.
    pub fn push(&mut self, value: Option<f32>, censored: bool) {
        let index = self.values.len();
        self.values.push(value.filter(|v| v.is_finite()).unwrap_or(f32::NAN));
        if index.is_multiple_of(64) {
            self.censored.push(0);
        }
        self.censored[index / 64] |= u64::from(censored) << (index % 64);
    }

    /// Writes the sample of the step in which `at` lies, filling the way there with gaps. A second
    /// sample of one step replaces the first: late corrections are taken, duplicates do no harm.
    pub fn record(&mut self, at: Timestamp, value: f32, censored: bool) -> Result<(), SeriesError> {
        if at < self.start {
            return Err(SeriesError::TooEarly { start: self.start, found: at });
        }
        let index = (at - self.start).whole_steps(self.step);
        while self.values.len() < index {
            self.push(None, false);
        }
        if index == self.values.len() {
            self.push(Some(value), censored);
            return Ok(());
        }
        self.values[index] = if value.is_finite() { value } else { f32::NAN };
        let bit = 1_u64 << (index % 64);
        self.censored[index / 64] &= !bit;
        self.censored[index / 64] |= bit * u64::from(censored);
        Ok(())
    }

    /// Start of the first step.
    pub const fn start(&self) -> Timestamp {
        self.start
    }

    /// End of the last step.
    pub fn end(&self) -> Timestamp {
        self.start + self.step.span() * self.values.len() as i64
    }

    /// Distance between two values.
    pub const fn step(&self) -> Step {
        self.step
    }

    /// Number of steps, gaps included.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there is no step at all.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The value of step `index`; `None` for a gap or beyond the end.
    pub fn get(&self, index: usize) -> Option<f32> {
        self.values.get(index).copied().filter(|v| !v.is_nan())
    }

    /// Whether the demand of step `index` may have been higher than its value.
    pub fn is_censored(&self, index: usize) -> bool {
        self.censored.get(index / 64).is_some_and(|word| word >> (index % 64) & 1 == 1)
    }

    /// All values in order; `None` for gaps.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Option<f32>> + '_ {
        self.values.iter().map(|v| Some(*v).filter(|v| !v.is_nan()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_stay_gaps() {
        let mut series = Series::new(Timestamp::from_seconds(600), Step::FIVE_MINUTES);
        series.record(Timestamp::from_seconds(1_500), 4.0, true).expect("in order");
        series.record(Timestamp::from_seconds(910), 2.0, false).expect("late");
        assert_eq!(series.iter().collect::<Vec<_>>(), [None, Some(2.0), None, Some(4.0)]);
        assert!(series.is_censored(3) && !series.is_censored(1));
        series.record(Timestamp::from_seconds(1_500), 3.0, false).expect("corrected");
        assert_eq!((series.get(3), series.is_censored(3)), (Some(3.0), false));
        assert_eq!(series.end(), Timestamp::from_seconds(1_800));
        assert!(series.record(Timestamp::from_seconds(0), 1.0, false).is_err());
    }
}
