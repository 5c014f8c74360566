//! Forecasts: per step the quantiles of demand. Quantiles are the only form; the point forecast is
//! the 0.5 quantile.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::resource::SeriesKey;
use crate::time::{Step, Timestamp};

/// Levels or quantiles that break the rules of a forecast.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum ForecastError {
    /// A level outside (0, 1), out of order, or 0.5 missing.
    #[error("expected levels between 0 and 1, ascending, with 0.5 among them, found {0}")]
    Levels(String),
    /// A matrix of another shape than steps × levels.
    #[error("expected a multiple of {levels} quantiles, found {found}")]
    Shape {
        /// Levels per step.
        levels: usize,
        /// Quantiles given.
        found: usize,
    },
    /// A quantile that is negative, not a number or below its left neighbour.
    #[error(
        "expected quantiles that are finite, not negative and never cross, found {found} at step {step}"
    )]
    Quantile {
        /// Step ahead, from 0.
        step: usize,
        /// The quantile.
        found: f32,
    },
    /// A confidence outside [0.5, 1).
    #[error("expected a confidence of at least 0.5 and below 1, found {0}")]
    Confidence(f64),
}

/// Quantile levels: ascending, in (0, 1), with the median among them.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Levels(Arc<[f64]>);

impl Levels {
    /// These levels; an error unless they ascend within (0, 1) and contain 0.5.
    pub fn new(levels: &[f64]) -> Result<Self, ForecastError> {
        let ascending = levels.windows(2).all(|pair| pair[0] < pair[1]);
        let inside = levels.iter().all(|level| *level > 0.0 && *level < 1.0);
        if ascending && inside && levels.contains(&0.5) {
            return Ok(Self(levels.into()));
        }
        Err(ForecastError::Levels(format!("{levels:?}")))
    }

    /// The levels as numbers.
    pub fn as_slice(&self) -> &[f64] {
        &self.0
    }

    /// Position of the median.
    pub fn median(&self) -> usize {
        self.0.iter().position(|level| *level == 0.5).expect("levels contain 0.5: see `new`")
    }
}

/// How sure the policy wants to be that a host does not run short: in [0.5, 1).
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct Confidence(f64);

impl Confidence {
    /// This confidence; an error unless it is at least 0.5 and below 1.
    pub fn new(confidence: f64) -> Result<Self, ForecastError> {
        if (0.5..1.0).contains(&confidence) {
            return Ok(Self(confidence));
        }
        Err(ForecastError::Confidence(confidence))
    }

    /// The confidence as a number.
    pub const fn get(self) -> f64 {
        self.0
    }
}

impl<'de> Deserialize<'de> for Confidence {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(f64::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// Which model made a forecast.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ModelName {
    /// The last value, for every step ahead: a floor.
    LastValue,
    /// The value one season ago: a floor.
    SeasonalNaive,
    /// Exponential smoothing: error, trend, season.
    Ets,
    /// Autoregression and moving average of differences, with a season and regressors.
    Arima,
    /// Two lines, one bent more and one less, over what the season leaves.
    Theta,
    /// Several seasons taken apart by local regression, the rest smoothed.
    Mstl,
    /// A bent trend, seasons as Fourier terms, events and regressors.
    Prophet,
    /// Boosted trees for the quantiles, one set over all series.
    Boosted,
    /// A recurrent network, one over all series.
    Lstm,
    /// Quantiles averaged over several models.
    Ensemble,
}

impl ModelName {
    /// The name as in files and on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LastValue => "last-value",
            Self::SeasonalNaive => "seasonal-naive",
            Self::Ets => "ets",
            Self::Arima => "arima",
            Self::Theta => "theta",
            Self::Mstl => "mstl",
            Self::Prophet => "prophet",
            Self::Boosted => "boosted",
            Self::Lstm => "lstm",
            Self::Ensemble => "ensemble",
        }
    }
}

impl fmt::Display for ModelName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

/// Quantiles of one series for the steps after `origin`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Forecast {
    /// Whose demand.
    pub key: SeriesKey,
    /// End of the last step whose sample was known; step 0 ahead begins here.
    pub origin: Timestamp,
    /// Distance between two steps.
    pub step: Step,
    /// The levels of the columns.
    pub levels: Levels,
    /// The model that acted.
    pub model: ModelName,
    /// Steps × levels, row after row, in the unit of the measure.
    quantiles: Vec<f32>,
}

impl Forecast {
    /// Joins the parts; an error if a quantile is negative, not finite or crosses its neighbour.
    pub fn new(
        key: SeriesKey,
        origin: Timestamp,
        step: Step,
        levels: Levels,
        model: ModelName,
        quantiles: Vec<f32>,
    ) -> Result<Self, ForecastError> {
        let columns = levels.as_slice().len();
        if !quantiles.len().is_multiple_of(columns) {
            return Err(ForecastError::Shape { levels: columns, found: quantiles.len() });
        }
        for (row_index, row) in quantiles.chunks_exact(columns).enumerate() {
            let mut left = 0.0_f32;
            for quantile in row {
                if !(quantile.is_finite() && *quantile >= left) {
                    return Err(ForecastError::Quantile { step: row_index, found: *quantile });
                }
                left = *quantile;
            }
        }
        Ok(Self { key, origin, step, levels, model, quantiles })
    }

    /// Number of steps ahead.
    pub fn steps(&self) -> usize {
        self.quantiles.len() / self.levels.as_slice().len()
    }

    /// The quantiles of step `ahead` (0 is the first after the origin), one per level.
    pub fn at(&self, ahead: usize) -> &[f32] {
        let columns = self.levels.as_slice().len();
        &self.quantiles[ahead * columns..(ahead + 1) * columns]
    }

    /// The medians, step by step.
    pub fn medians(&self) -> impl Iterator<Item = f32> + '_ {
        let median = self.levels.median();
        (0..self.steps()).map(move |ahead| self.at(ahead)[median])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::Resource;

    #[test]
    fn crossing_and_negative_quantiles_are_refused() {
        let build = |quantiles: Vec<f32>| {
            Forecast::new(
                SeriesKey::resource("vm".into(), Resource::Cpu),
                Timestamp::default(),
                Step::FIVE_MINUTES,
                Levels::new(&[0.05, 0.5, 0.95]).expect("levels"),
                ModelName::Ets,
                quantiles,
            )
        };
        let forecast = build(vec![0.0, 1.0, 2.0, 1.0, 1.0, 1.0]).expect("in order");
        assert_eq!(forecast.medians().collect::<Vec<_>>(), [1.0, 1.0]);
        assert!(build(vec![0.0, 2.0, 1.0]).is_err(), "crossing");
        assert!(build(vec![-1.0, 0.0, 1.0]).is_err(), "negative");
        assert!(build(vec![0.0, f32::NAN, 1.0]).is_err(), "not a number");
        assert!(build(vec![0.0, 1.0]).is_err(), "shape");
    }

    #[test]
    fn levels_and_confidence_are_checked() {
        assert!(Levels::new(&[0.1, 0.9]).is_err(), "median missing");
        assert!(Levels::new(&[0.5, 0.1]).is_err(), "descending");
        assert!(Levels::new(&[0.5, 1.0]).is_err(), "outside");
        let error = Confidence::new(1.0).expect_err("certainty");
        assert_eq!(error.to_string(), "expected a confidence of at least 0.5 and below 1, found 1");
    }
}
