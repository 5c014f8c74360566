//! The pair of steps that every model shares: fit, then predict. What is fitted has another type
//! than what is not, so nothing can predict before it has seen data.

use thiserror::Error;
use weft_core::forecast::ModelName;
use weft_core::series::Series;

/// A series that a model cannot be fitted to.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ModelError {
    /// A model that this build does not have.
    #[error("{model} is not part of this build: choose another model")]
    Absent {
        /// Which model.
        model: ModelName,
    },
    /// Too few samples, gaps not counted.
    #[error("expected at least {needed} samples to fit {model}, found {found}")]
    TooShort {
        /// Which model.
        model: ModelName,
        /// Samples needed.
        needed: usize,
        /// Samples that are no gaps.
        found: usize,
    },
    /// A regressor that does not have one finite value for each step.
    #[error("expected a regressor of {expected} finite values, found one of {found} values")]
    Regressors {
        /// Steps of the series.
        expected: usize,
        /// Values of the column, finite or not.
        found: usize,
    },
    /// What computes the model gave up: an accelerator that is out of memory, say.
    #[error("{model} could not be computed: {cause}")]
    Failed {
        /// Which model.
        model: ModelName,
        /// In the words of what gave up.
        cause: String,
    },
    /// A setting outside its range.
    #[error("expected {expected} for {model}, found {found}")]
    Setting {
        /// Which model.
        model: ModelName,
        /// What would do.
        expected: &'static str,
        /// What was given.
        found: String,
    },
}

/// A model that has seen no data.
pub trait Model {
    /// What it becomes by fitting.
    type Fitted: FittedModel;

    /// Its name.
    fn name(&self) -> ModelName;

    /// Fits it to all of `series`; gaps are tolerated. Errs on too few samples.
    fn fit(&self, series: &Series) -> Result<Self::Fitted, ModelError>;
}

/// A model with a state that stands at the end of the samples it has seen.
pub trait FittedModel {
    /// Takes the next step in O(1): its value, or `None` for a gap, over which the state moves on.
    fn update(&mut self, value: Option<f64>);

    /// Takes the next step of which only a lower bound is known (a censored sample): a bound below
    /// the expectation is no news and must not pull the forecast down.
    fn update_at_least(&mut self, bound: f64);

    /// The point forecasts of the next `horizon` steps, in the unit of the series. They may be
    /// negative where the model is: whoever gives them away cuts them at zero and at the cap.
    fn predict(&self, horizon: usize) -> Vec<f64>;
}

/// Takes step `index` of `series` into `fitted`, censored or not.
pub(crate) fn take_step(fitted: &mut impl FittedModel, series: &Series, index: usize) {
    match series.get(index).map(f64::from) {
        Some(bound) if series.is_censored(index) => fitted.update_at_least(bound),
        value => fitted.update(value),
    }
}

/// Refuses a series with fewer than `needed` samples.
pub(crate) fn require(model: ModelName, needed: usize, series: &Series) -> Result<(), ModelError> {
    let found = series.iter().flatten().count();
    if found < needed {
        return Err(ModelError::TooShort { model, needed, found });
    }
    Ok(())
}
