//! The two naive floors, last value and last season (Hyndman & Athanasopoulos 2021, section 5.2).
//! They need no parameter, so they can always be had; a model that does not beat both of them on a
//! series must not act there.

use weft_core::forecast::ModelName;
use weft_core::series::Series;

use crate::model::{FittedModel, Model, ModelError, require, take_step};

/// Every step ahead is as the last sample: ŷ(t+h) = y(t).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LastValue;

/// [`LastValue`] at the end of its samples.
#[derive(Debug, Clone, PartialEq)]
pub struct FittedLastValue {
    last: f64,
}

impl Model for LastValue {
    type Fitted = FittedLastValue;

    fn name(&self) -> ModelName {
        ModelName::LastValue
    }

    fn fit(&self, series: &Series) -> Result<FittedLastValue, ModelError> {
        require(self.name(), 1, series)?;
        let last = series.iter().flatten().last().expect("one sample was required");
        Ok(FittedLastValue { last: f64::from(last) })
    }
}

impl FittedModel for FittedLastValue {
    fn update(&mut self, value: Option<f64>) {
        self.last = value.unwrap_or(self.last);
    }

    fn update_at_least(&mut self, bound: f64) {
        // The floor stays naive: it repeats what was recorded.
        self.last = bound;
    }

    fn predict(&self, horizon: usize) -> Vec<f64> {
        vec![self.last; horizon]
    }
}

/// Every step ahead is as the same step of the last season: ŷ(t+h) = y(t+h−m⌈h/m⌉).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeasonalNaive {
    /// Steps in a season, m.
    pub season: usize,
}

/// [`SeasonalNaive`] at the end of its samples.
#[derive(Debug, Clone, PartialEq)]
pub struct FittedSeasonalNaive {
    /// The last sample at each phase; `None` where there was none yet.
    season: Vec<Option<f64>>,
    /// Phase of the next step.
    phase: usize,
    last: f64,
}

impl Model for SeasonalNaive {
    type Fitted = FittedSeasonalNaive;

    fn name(&self) -> ModelName {
        ModelName::SeasonalNaive
    }

    fn fit(&self, series: &Series) -> Result<FittedSeasonalNaive, ModelError> {
        require(self.name(), 1, series)?;
        let season = vec![None; self.season.max(1)];
        let mut fitted = FittedSeasonalNaive { season, phase: 0, last: 0.0 };
        for index in 0..series.len() {
            take_step(&mut fitted, series, index);
        }
        Ok(fitted)
    }
}

impl FittedModel for FittedSeasonalNaive {
    fn update(&mut self, value: Option<f64>) {
        // A gap keeps the sample of the season before.
        if let Some(value) = value {
            self.season[self.phase] = Some(value);
            self.last = value;
        }
        self.phase = (self.phase + 1) % self.season.len();
    }

    fn update_at_least(&mut self, bound: f64) {
        self.update(Some(bound));
    }

    fn predict(&self, horizon: usize) -> Vec<f64> {
        let at = |ahead| self.season[(self.phase + ahead) % self.season.len()];
        (0..horizon).map(|ahead| at(ahead).unwrap_or(self.last)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use weft_core::time::{Step, Timestamp};

    fn series(values: &[f32]) -> Series {
        let values = values.iter().map(|v| Some(*v).filter(|v| v.is_finite()));
        Series::from_values(Timestamp::default(), Step::FIVE_MINUTES, values)
    }

    #[test]
    fn floors_repeat_what_was() {
        let samples = series(&[1.0, 2.0, 3.0, 4.0, f32::NAN, 6.0]);
        let last = LastValue.fit(&samples).expect("samples");
        assert_eq!(last.predict(2), [6.0, 6.0]);
        let mut seasonal = SeasonalNaive { season: 3 }.fit(&samples).expect("samples");
        assert_eq!(seasonal.predict(4), [4.0, 2.0, 6.0, 4.0], "the gap keeps the 2");
        seasonal.update(None);
        assert_eq!(seasonal.predict(1), [2.0]);
    }

    #[test]
    fn nothing_to_repeat_is_an_error() {
        let error = LastValue.fit(&series(&[f32::NAN])).expect_err("only a gap");
        assert_eq!(error.to_string(), "expected at least 1 samples to fit last-value, found 0");
    }
}
