//! ARIMA whose orders are chosen (Hyndman & Khandakar 2008): differences by tests, the other orders by AICc in a
//! stepwise search over conditional sums of squares, then one exact fit of everything together. Seasons up to 24 steps
//! have terms of their own; a longer one is a day, and it and its week are Fourier terms, so that a state stays short.
//! Orders must never be chosen by what comes after the series.

use weft_core::forecast::ModelName;
use weft_core::series::Series;

use super::{Arima, Data, FittedArima, check_regressors, dot};
use crate::model::{FittedModel, Model, ModelError, require};

mod conditional;
mod differences;
mod fourier;
mod stepwise;

use fourier::Fourier;
use stepwise::{Candidate, Search};

/// The longest season with terms of its own.
const LONGEST_SEASON: usize = 24;
/// A root nearer to the unit circle than this refuses a model (as Hyndman & Khandakar's `auto.arima`).
const NEAREST_ROOT: f64 = 1.01;
/// What an exact fit may cost, in steps × states²: about ten milliseconds a pass. Above it the polynomials stay those
/// of the conditional sum of squares, and only regression and state are exact.
const MOST_EXACT_WORK: usize = 2_000_000;
/// Up to this much work the search itself is exact.
const MOST_SEARCH_WORK: usize = 40_000;
/// Of a conditional search, so many of the best are fitted exactly where that is cheap, and compared again; twice as
/// many are looked at, since the exact fit may refuse some.
const FINALISTS: usize = 4;
/// Samples up to which finalists are compared: beyond, the two likelihoods hardly differ.
const MOST_FOR_FINALISTS: usize = 500;
/// What a model needs before anything is chosen.
const FEWEST_SAMPLES: usize = 3;

/// ARIMA of orders that are chosen: p, q up to 5, P, Q up to 2, d up to 2, D up to 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AutoArima {
    /// Steps in a season, at least 1, which is none. Above 24 it counts as a day, of which seven are a week.
    pub season: usize,
}

/// [`AutoArima`] at the end of its samples.
#[derive(Debug, Clone, PartialEq)]
pub struct FittedAutoArima {
    model: Arima,
    fitted: FittedArima,
    has_drift: bool,
    /// How many regressors come from outside.
    external: usize,
    fourier: Fourier,
    /// Steps since the series began: the next step's number.
    clock: usize,
}

impl AutoArima {
    /// Chooses orders for `series` and fits them, with one column of `regressors` for each, as long as the series. Errs
    /// on fewer than three samples, and on a column of another length or with a gap.
    pub fn fit_with(
        &self,
        series: &Series,
        regressors: &[Vec<f64>],
    ) -> Result<FittedAutoArima, ModelError> {
        let fewest = FEWEST_SAMPLES + regressors.len();
        require(ModelName::Arima, fewest, series)?;
        check_regressors(series, regressors)?;
        let is_long = self.season > LONGEST_SEASON;
        let season = if is_long { 1 } else { self.season.max(1) };
        let (fourier, rest) =
            fourier::choose(series, regressors, if is_long { self.season } else { 1 });
        let (plain, seasonal) = differences::choose(&rest, season);
        let columns = regressors.len() + fourier.columns();
        let search = Search::new(&rest, plain, seasonal, season, columns);
        let ranking = search.run();
        Ok(self.best(&search, &ranking, series, regressors, &fourier))
    }

    /// Keeps orders and Fourier terms of `earlier`, the last fit or that of a series alike, and begins the search for
    /// coefficients there. Errs as [`Self::fit_with`], and where the orders need more samples.
    pub fn fit_from(
        &self,
        earlier: &FittedAutoArima,
        series: &Series,
        regressors: &[Vec<f64>],
    ) -> Result<FittedAutoArima, ModelError> {
        check_regressors(series, regressors)?;
        let columns = columns(series.len(), earlier.has_drift, regressors, &earlier.fourier);
        let model = earlier.model;
        require(ModelName::Arima, model.fewest(columns.len()), series)?;
        let start = model.free(&earlier.fitted.parts);
        let exact = is_exact(&model, series.len())
            .then(|| model.fit_data(start.clone(), &Data::new(series, &columns, model.has_mean())));
        let is_sound = |fitted: &FittedArima| is_sound(&model.process(&fitted.parts));
        let fitted =
            exact.filter(is_sound).unwrap_or_else(|| kept(&model, &start, series, &columns));
        let (external, fourier) = (regressors.len(), earlier.fourier.clone());
        let (has_drift, clock) = (earlier.has_drift, series.len());
        Ok(FittedAutoArima { model, fitted, has_drift, external, fourier, clock })
    }

    /// The best of `ranking` by the exact likelihood, whose roots are not near the unit circle.
    fn best(
        &self,
        search: &Search,
        ranking: &[Candidate],
        series: &Series,
        regressors: &[Vec<f64>],
        fourier: &Fourier,
    ) -> FittedAutoArima {
        let finalists = if series.len() <= MOST_FOR_FINALISTS { FINALISTS } else { 1 };
        let mut best: Option<FittedAutoArima> = None;
        let mut tried = 0;
        let last = ranking.len() - 1;
        for (place, candidate) in ranking.iter().enumerate() {
            if place >= 2 * finalists && place < last {
                continue;
            }
            let model = search.model(candidate);
            let columns = columns(series.len(), candidate.has_drift, regressors, fourier);
            let is_last_resort = model.coefficients() == 0;
            if best.is_some() && is_last_resort && tried >= finalists {
                break;
            }
            let is_sound =
                |fitted: &FittedArima| is_last_resort || is_sound(&model.process(&fitted.parts));
            let exact = (is_exact(&model, series.len()) && !candidate.is_moved).then(|| {
                model.fit_data(
                    candidate.free.clone(),
                    &Data::new(series, &columns, model.has_mean()),
                )
            });
            let fitted = match exact.filter(is_sound) {
                Some(fitted) => fitted,
                // The search refused what is near the unit circle: a long series keeps what it found.
                None if finalists == 1 => kept(&model, &candidate.free, series, &columns),
                None => continue,
            };
            tried += 1;
            if best.as_ref().is_none_or(|best| fitted.aicc() < best.fitted.aicc()) {
                let (has_drift, external) = (candidate.has_drift, regressors.len());
                let (fourier, clock) = (fourier.clone(), series.len());
                best = Some(FittedAutoArima { model, fitted, has_drift, external, fourier, clock });
            }
            if tried >= finalists {
                break;
            }
        }
        best.expect("a ranking ends with a model without coefficients, which is always sound")
    }
}

/// Regression and state exactly, the polynomials as they are.
fn kept(model: &Arima, free: &[f64], series: &Series, columns: &[Vec<f64>]) -> FittedArima {
    let data = Data::new(series, columns, model.has_mean());
    let parts = model.parts(free);
    let likelihood = data.likelihood(model.process(&parts));
    model.fitted(&data, parts, &likelihood)
}

fn is_exact(model: &Arima, steps: usize) -> bool {
    steps * states(model).pow(2) <= MOST_EXACT_WORK
}

/// How long the state of a model is.
const fn states(model: &Arima) -> usize {
    let (ar, ma) = (
        model.order.ar + model.seasonal.ar * model.season,
        model.order.ma + model.seasonal.ma * model.season + 1,
    );
    let longest = if ar > ma { ar } else { ma };
    longest + model.order.differences + model.seasonal.differences * model.season
}

fn is_sound(process: &super::Process) -> bool {
    let turned: Vec<f64> = process.ma.iter().map(|each| -each).collect();
    super::polynomial::has_roots_beyond(&process.ar, NEAREST_ROOT)
        && super::polynomial::has_roots_beyond(&turned, NEAREST_ROOT)
}

/// All regressors by column: the drift, what comes from outside, the Fourier terms.
fn columns(
    steps: usize,
    has_drift: bool,
    regressors: &[Vec<f64>],
    fourier: &Fourier,
) -> Vec<Vec<f64>> {
    let drift = has_drift.then(|| (0..steps).map(|step| step as f64).collect());
    drift.into_iter().chain(regressors.iter().cloned()).chain(fourier.over(steps)).collect()
}

impl Model for AutoArima {
    type Fitted = FittedAutoArima;

    fn name(&self) -> ModelName {
        ModelName::Arima
    }

    fn fit(&self, series: &Series) -> Result<FittedAutoArima, ModelError> {
        self.fit_with(series, &[])
    }
}

impl FittedAutoArima {
    /// The model that was chosen.
    pub const fn model(&self) -> &Arima {
        &self.model
    }

    /// Its fit; its regressors are the drift where there is one, those from outside, and the Fourier terms.
    pub const fn fitted(&self) -> &FittedArima {
        &self.fitted
    }

    /// Whether the forecast goes on by the same amount with every step.
    pub const fn has_drift(&self) -> bool {
        self.has_drift
    }

    /// The periods of the Fourier terms in steps, each with its number of harmonics.
    pub fn harmonics(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        self.fourier.waves()
    }

    /// Takes the next step with what the regressors from outside are in it.
    pub fn update_with(&mut self, value: Option<f64>, regressors: &[f64]) {
        let row = self.row(self.clock, regressors);
        self.fitted.update_with(value, &row);
        self.clock += 1;
    }

    /// The means and deviations of the next steps, one for each row of the regressors from outside.
    pub fn predict_with(&self, regressors: &[Vec<f64>]) -> Vec<(f64, f64)> {
        let ahead = regressors.iter().enumerate();
        let rows: Vec<Vec<f64>> =
            ahead.map(|(ahead, row)| self.row(self.clock + ahead, row)).collect();
        self.fitted.predict_with(&rows)
    }

    /// The regressors of a step; those from outside that are not given are zero.
    fn row(&self, step: usize, regressors: &[f64]) -> Vec<f64> {
        let mut row: Vec<f64> = self.has_drift.then_some(step as f64).into_iter().collect();
        row.extend((0..self.external).map(|index| regressors.get(index).copied().unwrap_or(0.0)));
        self.fourier.write(step, &mut row);
        row
    }
}

impl FittedModel for FittedAutoArima {
    fn update(&mut self, value: Option<f64>) {
        self.update_with(value, &[]);
    }

    fn update_at_least(&mut self, bound: f64) {
        let row = self.row(self.clock, &[]);
        self.fitted.update_at_least_with(bound, &row);
        self.clock += 1;
    }

    /// Regressors from outside count as zero: with such, [`FittedAutoArima::predict_with`] is to be asked.
    fn predict(&self, horizon: usize) -> Vec<f64> {
        let mut path = self.fitted.predict(horizon);
        for (ahead, value) in path.iter_mut().enumerate() {
            *value += dot(self.fitted.regression(), &self.row(self.clock + ahead, &[]));
        }
        path
    }
}

#[cfg(test)]
mod tests;
