//! Prophet: a trend that bends, seasons as Fourier terms, events and regressors, by the most probable parameters
//! (Taylor & Letham 2018, "Forecasting at Scale", The American Statistician 72). With the trend g, columns x of
//! seasons, events and regressors, and capacity C:
//!
//! ```text
//! y(t) = g(t)·(1 + Σ β_j x_j(t), j multiplicative) + Σ β_j x_j(t), j additive + ε(t)        ε ~ N(0, σ²)
//! z(t) = k·t + m + Σ δ_s (t − c_s)₊             g = z (linear)
//! z(t) = k·(t − m) + Σ δ_s (t − c_s)₊           g = C / (1 + e^(−z)) (logistic; Taylor & Letham, section 3.1.1)
//! k, m ~ N(0, 5²)   δ ~ Laplace(0, τ)   β_j ~ N(0, s_j²)   σ ~ N(0, ½²), positive
//! ```
//!
//! all in the package's scales: t is 0 at the first sample and 1 at the last, y is divided by its largest distance from
//! the floor. The offsets γ of the paper's logistic trend keep z continuous, which is why a sum of bent lines serves
//! both growths. A gap is a row that is not there; a censored sample counts as it was recorded.
//!
//! A sample that comes after a fit moves the clock and nothing else: no parameter stands for the level of today, so one
//! sample says next to nothing about any of them; refits are batched and start where the last one ended. No forecast
//! may use a sample after its origin, and no result may depend on anything but the arguments.

use weft_core::forecast::ModelName;
use weft_core::series::Series;
use weft_core::time::{Span, Timestamp};

use crate::model::{Model, ModelError, require};

mod design;
mod fitted;
mod lasso;
mod posterior;
mod search;
mod simulation;
mod term;

pub use fitted::{Component, FittedProphet, Prediction};
pub use term::Kind;

/// Samples without which there is no line.
const FEWEST_SAMPLES: usize = 2;

/// The form of the trend.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Growth {
    /// Bent lines.
    Linear,
    /// Saturating between a floor and a capacity, both in the unit of the series.
    Logistic {
        /// What it grows towards, where [`Known::capacities`] says nothing else.
        capacity: f64,
        /// What it comes from; below the capacity.
        floor: f64,
    },
    /// A constant.
    Flat,
}

impl Growth {
    const fn floor(self) -> f64 {
        if let Self::Logistic { floor, .. } = self { floor } else { 0.0 }
    }
}

/// How an effect joins the trend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// It is added.
    #[default]
    Additive,
    /// It is a share of the trend.
    Multiplicative,
}

/// Where the trend may bend.
#[derive(Debug, Clone, PartialEq)]
pub enum Changepoints {
    /// At `count` samples spread evenly over the first `share` of them, as the package places them.
    Spread {
        /// How many; fewer where the samples are.
        count: usize,
        /// In (0, 1].
        share: f64,
    },
    /// At these instants; those outside the samples are left out.
    At(Vec<Timestamp>),
}

/// Whether a season of the calendar takes part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Calendar {
    /// Where the samples span at least two of it (730 days for a year) and lie closer together than one of it (than a
    /// day or a week; a year always), with the package's orders: 4 for a day, 3 for a week, 10 for a year.
    #[default]
    Automatic,
    /// Not at all.
    Off,
    /// With this many Fourier terms, at least one.
    Order(usize),
}

/// A season of any period.
#[derive(Debug, Clone, PartialEq)]
pub struct Seasonality {
    /// Its name in the components; one named `daily`, `weekly` or `yearly` stands in for that of the calendar.
    pub name: String,
    /// After which it repeats, counted from the epoch.
    pub period: Span,
    /// Fourier terms, each a sine and a cosine; at least one.
    pub order: usize,
    /// Deviation of the prior of each coefficient, relative to the scale of the series.
    pub prior_scale: f64,
    /// Added or a share of the trend.
    pub mode: Mode,
}

/// When an event is felt around its occurrence; every slot has an effect of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Length of a slot; `None` is one step of the series.
    pub slot: Option<Span>,
    /// Slots before the occurrence.
    pub before: usize,
    /// Slots after that of the occurrence itself.
    pub after: usize,
}

impl Window {
    /// In steps of the series.
    pub const fn steps(before: usize, after: usize) -> Self {
        Self { slot: None, before, after }
    }

    /// In days from the occurrence on, which for a holiday is midnight.
    pub const fn days(before: usize, after: usize) -> Self {
        Self { slot: Some(Span::from_days(1)), before, after }
    }

    const fn slots(self) -> usize {
        self.before + 1 + self.after
    }
}

/// A kind of event and when it occurred or will.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Its name in the components.
    pub name: String,
    /// Begins of the slot 0, each counted from the begin of its step.
    pub occurrences: Vec<Timestamp>,
    /// How long it is felt.
    pub window: Window,
    /// Deviation of the prior of each slot's effect; a small one shrinks what few occurrences say.
    pub prior_scale: f64,
    /// Added or a share of the trend.
    pub mode: Mode,
}

/// Whether a regressor is brought to mean 0 and deviation 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Standardisation {
    /// Unless it is of zeros and ones, or constant.
    #[default]
    Automatic,
    /// Unless it is constant.
    Always,
    /// Never.
    Never,
}

/// Another series that explains this one and is known ahead.
#[derive(Debug, Clone, PartialEq)]
pub struct Regressor {
    /// Its name in the components.
    pub name: String,
    /// One finite value for each step of the series, gaps included.
    pub values: Vec<f64>,
    /// Deviation of the prior of its coefficient.
    pub prior_scale: f64,
    /// Whether it is standardised.
    pub standardisation: Standardisation,
    /// Added or a share of the trend.
    pub mode: Mode,
}

/// What is known of the steps of a series besides its values.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Known<'a> {
    /// Kinds of events, with their past and coming occurrences.
    pub events: &'a [Event],
    /// Regressors over all steps.
    pub regressors: &'a [Regressor],
    /// The capacity in each step, or nothing where the growth's own holds; read by logistic growth only.
    pub capacities: &'a [f64],
}

/// What is known of the steps to predict.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Ahead<'a> {
    /// Occurrences by the name of their event, besides those of the fit.
    pub occurrences: &'a [(&'a str, Timestamp)],
    /// One column for each regressor, in the order of the fit, with one finite value a step. No column at all stands
    /// for every regressor at its mean.
    pub regressors: &'a [Vec<f64>],
    /// The capacity in each step, or nothing where the growth's own holds.
    pub capacities: &'a [f64],
}

/// The settings; the default is that of the package.
#[derive(Debug, Clone, PartialEq)]
pub struct Prophet {
    /// Form of the trend.
    pub growth: Growth,
    /// Where it may bend.
    pub changepoints: Changepoints,
    /// τ, the mean size of a bend before any is seen.
    pub changepoint_prior_scale: f64,
    /// The season of a day.
    pub daily: Calendar,
    /// The season of a week.
    pub weekly: Calendar,
    /// The season of a year, 365.25 days.
    pub yearly: Calendar,
    /// Deviation of the prior of the calendar's coefficients.
    pub seasonality_prior_scale: f64,
    /// Of the calendar's seasons.
    pub seasonality_mode: Mode,
    /// Seasons of other periods.
    pub seasonalities: Vec<Seasonality>,
}

impl Default for Prophet {
    fn default() -> Self {
        Self {
            growth: Growth::Linear,
            changepoints: Changepoints::Spread { count: 25, share: 0.8 },
            changepoint_prior_scale: 0.05,
            daily: Calendar::Automatic,
            weekly: Calendar::Automatic,
            yearly: Calendar::Automatic,
            seasonality_prior_scale: 10.0,
            seasonality_mode: Mode::Additive,
            seasonalities: Vec::new(),
        }
    }
}

impl Prophet {
    /// Fits it to all of `series` with what is `known` of its steps. Errs on fewer than two samples, a regressor that
    /// lacks a value, and settings outside their ranges.
    pub fn fit_with(
        &self,
        series: &Series,
        known: &Known<'_>,
    ) -> Result<FittedProphet, ModelError> {
        self.fit_from(series, known, None)
    }

    /// Fits it as [`Self::fit_with`], beginning the search at the parameters of an earlier fit, which may have been to
    /// other samples, scales and changepoints. A linear additive model ends at the same place to the search's tolerance;
    /// one that saturates or multiplies may have several peaks, and the start decides on which of them it ends.
    pub fn fit_from(
        &self,
        series: &Series,
        known: &Known<'_>,
        earlier: Option<&FittedProphet>,
    ) -> Result<FittedProphet, ModelError> {
        require(ModelName::Prophet, FEWEST_SAMPLES, series)?;
        self.check(series, known)?;
        let (design, terms) = design::Design::new(self, series, known);
        let posterior = posterior::Posterior::new(&design, &terms, self.changepoint_prior_scale);
        let start = earlier.and_then(|fitted| fitted.start_of(&design, &terms));
        let start = start.unwrap_or_else(|| posterior.start());
        let found = search::most_probable(&posterior, start);
        Ok(FittedProphet::new(self.growth, series, design, terms, found))
    }

    fn check(&self, series: &Series, known: &Known<'_>) -> Result<(), ModelError> {
        for regressor in known.regressors {
            check_column(&regressor.values, series.len())?;
        }
        if !known.capacities.is_empty() {
            check_column(known.capacities, series.len())?;
        }
        self.check_growth(known)?;
        self.check_names(known)?;
        let scales = [self.changepoint_prior_scale, self.seasonality_prior_scale];
        let seasons = self.seasonalities.iter().map(|season| season.prior_scale);
        let events = known.events.iter().map(|event| event.prior_scale);
        let regressors = known.regressors.iter().map(|regressor| regressor.prior_scale);
        let mut scales = scales.into_iter().chain(seasons).chain(events).chain(regressors);
        if let Some(wrong) = scales.find(|scale| !(*scale > 0.0 && scale.is_finite())) {
            return Err(setting("prior scales above 0", format!("{wrong}")));
        }
        let share =
            if let Changepoints::Spread { share, .. } = self.changepoints { share } else { 1.0 };
        if !(share > 0.0 && share <= 1.0) {
            return Err(setting(
                "changepoints over a share above 0, at most 1",
                format!("{share}"),
            ));
        }
        Ok(())
    }

    fn check_growth(&self, known: &Known<'_>) -> Result<(), ModelError> {
        let Growth::Logistic { capacity, floor } = self.growth else { return Ok(()) };
        let capacities = known.capacities.iter().copied().chain([capacity]);
        match capacities.into_iter().find(|capacity| !(*capacity > floor && capacity.is_finite())) {
            Some(wrong) => {
                Err(setting("a capacity above the floor", format!("{wrong} and {floor}")))
            }
            None => Ok(()),
        }
    }

    fn check_names(&self, known: &Known<'_>) -> Result<(), ModelError> {
        let seasons = self.seasonalities.iter().map(|season| season.name.as_str());
        let events = known.events.iter().map(|event| event.name.as_str());
        let regressors = known.regressors.iter().map(|regressor| regressor.name.as_str());
        let mut names: Vec<&str> = seasons.chain(events).chain(regressors).collect();
        names.sort_unstable();
        if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(setting("each component's name once", format!("`{}` twice", pair[0])));
        }
        for season in &self.seasonalities {
            if season.order == 0 || season.period <= Span::ZERO {
                let found = format!("order {}, period {}", season.order, season.period);
                return Err(setting("a season of order 1 or more and a positive period", found));
            }
        }
        let slots = known.events.iter().filter_map(|event| event.window.slot);
        match slots.into_iter().find(|slot| *slot <= Span::ZERO) {
            Some(slot) => Err(setting("event slots longer than nothing", slot.to_string())),
            None => Ok(()),
        }
    }
}

impl Model for Prophet {
    type Fitted = FittedProphet;

    fn name(&self) -> ModelName {
        ModelName::Prophet
    }

    fn fit(&self, series: &Series) -> Result<FittedProphet, ModelError> {
        self.fit_with(series, &Known::default())
    }
}

fn setting(expected: &'static str, found: String) -> ModelError {
    ModelError::Setting { model: ModelName::Prophet, expected, found }
}

/// Refuses a column that is not one finite value for each step.
fn check_column(column: &[f64], steps: usize) -> Result<(), ModelError> {
    if column.len() != steps || column.iter().any(|value| !value.is_finite()) {
        return Err(ModelError::Regressors { expected: steps, found: column.len() });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
