//! ARIMA with seasonal terms and regressors, by exact maximum likelihood (Box & Jenkins 1970; Harvey 1989). With y the
//! series, x the regressors and η what they leave, (1 − B)^d (1 − B^s)^D η is an ARMA process:
//!
//! ```text
//! y(t) = β·x(t) + η(t)
//! φ(B) Φ(B^s) (1 − B)^d (1 − B^s)^D η(t) = θ(B) Θ(B^s) ε(t)
//! ```
//!
//! β is not searched for: for each φ and θ the filter's innovations give it by least squares. A gap is a step without
//! news. A sample updates the state and never the parameters. No forecast may use a sample after its origin.

use weft_core::forecast::ModelName;
use weft_core::series::Series;

use crate::model::{FittedModel, Model, ModelError, require};

pub mod automatic;
mod filter;
mod least_squares;
mod polynomial;
mod search;

use filter::{Filter, Process};
use least_squares::least_squares;

/// Turns between regression and polynomials. Their information is block-diagonal (Pierce 1971), so few are needed.
const MOST_TURNS: usize = 20;
/// A turn that gains less than this in half the deviance a step is the last.
const TOLERANCE: f64 = 1e-10;
/// The search for polynomials ends when a round gains less than this share of the squares.
const SEARCH_TOLERANCE: f64 = 1e-8;

/// How many terms of each kind: p, d, q, or P, D, Q.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Order {
    /// Autoregressive terms.
    pub ar: usize,
    /// Differences.
    pub differences: usize,
    /// Terms of the moving average.
    pub ma: usize,
}

impl Order {
    /// The order (p, d, q).
    pub const fn new(ar: usize, differences: usize, ma: usize) -> Self {
        Self { ar, differences, ma }
    }

    const fn coefficients(self) -> usize {
        self.ar + self.ma
    }
}

/// ARIMA of fixed orders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arima {
    /// (p, d, q).
    pub order: Order,
    /// (P, D, Q), at multiples of the season.
    pub seasonal: Order,
    /// Steps in a season, s; at least 1. A state is as long as the longest lag, so a season of more than a few dozen
    /// steps belongs into regressors (Fourier terms).
    pub season: usize,
    /// Whether there is a constant: the mean where nothing is differenced, and no term elsewhere, as in R's `arima`.
    pub constant: bool,
}

impl Arima {
    /// Without a season, with a constant where nothing is differenced.
    pub const fn new(order: Order) -> Self {
        let seasonal = Order::new(0, 0, 0);
        Self { order, seasonal, season: 1, constant: true }
    }

    /// With seasonal terms.
    #[must_use]
    pub const fn with_season(mut self, seasonal: Order, season: usize) -> Self {
        (self.seasonal, self.season) = (seasonal, season);
        self
    }

    const fn has_mean(&self) -> bool {
        self.constant && self.order.differences + self.seasonal.differences == 0
    }

    const fn coefficients(&self) -> usize {
        self.order.coefficients() + self.seasonal.coefficients()
    }

    /// Samples that must be there: those that the differences take, and more than there are parameters.
    const fn fewest(&self, regressors: usize) -> usize {
        let lost = self.order.differences + self.seasonal.differences * self.season;
        lost + self.coefficients() + regressors + 3
    }

    /// The coefficients of the four polynomials from unconstrained numbers.
    fn parts(&self, free: &[f64]) -> Parts {
        let mut rest = free;
        let mut next = |count: usize| {
            let (part, others) = rest.split_at(count);
            rest = others;
            polynomial::stationary(part)
        };
        let (ar, ma) = (next(self.order.ar), next(self.order.ma));
        let (seasonal_ar, seasonal_ma) = (next(self.seasonal.ar), next(self.seasonal.ma));
        let turned = |part: Vec<f64>| part.into_iter().map(|each| -each).collect();
        Parts { ar, ma: turned(ma), seasonal_ar, seasonal_ma: turned(seasonal_ma) }
    }

    fn process(&self, parts: &Parts) -> Process {
        let turned = |part: &[f64]| part.iter().map(|each| -each).collect::<Vec<_>>();
        let ma = polynomial::product(&turned(&parts.ma), &turned(&parts.seasonal_ma), self.season);
        Process {
            ar: polynomial::product(&parts.ar, &parts.seasonal_ar, self.season),
            ma: turned(&ma),
            differencing: polynomial::differencing(
                self.order.differences,
                self.seasonal.differences,
                self.season,
            ),
        }
    }

    /// Fits it to all of `series`, with one column of `regressors` for each, as long as the series. A censored sample
    /// counts as it was recorded. Errs on too few samples, and on a column of another length or with a gap.
    pub fn fit_with(
        &self,
        series: &Series,
        regressors: &[Vec<f64>],
    ) -> Result<FittedArima, ModelError> {
        require(ModelName::Arima, self.fewest(regressors.len()), series)?;
        check_regressors(series, regressors)?;
        let data = Data::new(series, regressors, self.has_mean());
        let mut deviance =
            |free: &[f64]| data.likelihood(self.process(&self.parts(free))).deviance();
        let (free, _) = search::least(vec![0.0; self.coefficients()], &mut deviance);
        let parts = self.parts(&free);
        let likelihood = data.likelihood(self.process(&parts));
        Ok(self.fitted(&data, parts, &likelihood))
    }

    /// As [`Self::fit_with`], with the search begun at the coefficients of `earlier`: the last fit, or that of a series
    /// alike. What it has beyond these orders is left out, what it lacks begins at zero.
    pub fn fit_from(
        &self,
        earlier: &FittedArima,
        series: &Series,
        regressors: &[Vec<f64>],
    ) -> Result<FittedArima, ModelError> {
        require(ModelName::Arima, self.fewest(regressors.len()), series)?;
        check_regressors(series, regressors)?;
        let data = Data::new(series, regressors, self.has_mean());
        Ok(self.fit_data(self.free(&earlier.parts), &data))
    }

    /// The unconstrained numbers that give these coefficients.
    fn free(&self, parts: &Parts) -> Vec<f64> {
        let turned = |part: &[f64]| part.iter().map(|each| -each).collect::<Vec<_>>();
        let pairs = [
            (self.order.ar, parts.ar.clone()),
            (self.order.ma, turned(&parts.ma)),
            (self.seasonal.ar, parts.seasonal_ar.clone()),
            (self.seasonal.ma, turned(&parts.seasonal_ma)),
        ];
        let resized = |(count, part): (usize, Vec<f64>)| {
            let mut free = polynomial::unconstrained(&part);
            free.resize(count, 0.0);
            free
        };
        pairs.into_iter().flat_map(resized).collect()
    }

    /// By turns: the regression that the polynomials give, and the polynomials by least squares of what it leaves.
    fn fit_data(&self, start: Vec<f64>, data: &Data) -> FittedArima {
        let process = |free: &[f64]| self.process(&self.parts(free));
        let (mut free, mut least) = (start, f64::INFINITY);
        let mut likelihood = data.likelihood(process(&free));
        for _ in 0..MOST_TURNS {
            if free.is_empty() || least - likelihood.deviance() < TOLERANCE {
                break;
            }
            least = likelihood.deviance();
            let rest = data.without(&likelihood.regression);
            let mut residuals = |free: &[f64], out: &mut Vec<f64>| {
                rest.standardised(process(free), out);
            };
            let (next, _) = least_squares(free.clone(), SEARCH_TOLERANCE, &mut residuals);
            let found = data.likelihood(process(&next));
            if found.deviance() < least {
                (free, likelihood) = (next, found);
            }
            if data.columns == 1 {
                break;
            }
        }
        self.fitted(data, self.parts(&free), &likelihood)
    }

    fn fitted(&self, data: &Data, parts: Parts, likelihood: &Likelihood) -> FittedArima {
        let mut filter = Filter::new(self.process(&parts), 1);
        let mut innovation = [0.0];
        for step in 0..data.steps {
            let row = data.row(step);
            if row[0].is_nan() {
                filter.skip();
            } else {
                filter.take(&[row[0] - dot(&likelihood.regression, &row[1..])], &mut innovation);
            }
        }
        let variance = likelihood.variance();
        let parameters = self.coefficients() + likelihood.regression.len() + 1;
        let mut regression = likelihood.regression.clone();
        let mean = if self.has_mean() { Some(regression.remove(0) + data.origin) } else { None };
        FittedArima {
            parts,
            mean,
            offset: if mean.is_some() { 0.0 } else { data.origin },
            regression,
            variance,
            log_likelihood: likelihood.log_likelihood(),
            counted: likelihood.counted,
            parameters,
            filter,
        }
    }
}

impl Model for Arima {
    type Fitted = FittedArima;

    fn name(&self) -> ModelName {
        ModelName::Arima
    }

    fn fit(&self, series: &Series) -> Result<FittedArima, ModelError> {
        self.fit_with(series, &[])
    }
}

/// The coefficients of the four polynomials, in the signs of the module's equations: 1 − Σ φ_k B^k and 1 + Σ θ_k B^k.
#[derive(Debug, Clone, PartialEq)]
struct Parts {
    ar: Vec<f64>,
    ma: Vec<f64>,
    seasonal_ar: Vec<f64>,
    seasonal_ma: Vec<f64>,
}

/// Series and regressors by step.
struct Data {
    /// What was taken from every value, so that squares stay small.
    origin: f64,
    steps: usize,
    columns: usize,
    /// Steps × columns: the value, NaN at a gap, then one where there is a mean, then the regressors.
    rows: Vec<f64>,
}

impl Data {
    fn new(series: &Series, regressors: &[Vec<f64>], has_mean: bool) -> Self {
        let known: Vec<f64> = series.iter().flatten().map(f64::from).collect();
        let origin = known.iter().sum::<f64>() / known.len() as f64;
        let columns = 1 + usize::from(has_mean) + regressors.len();
        let mut rows = Vec::with_capacity(series.len() * columns);
        for step in 0..series.len() {
            rows.push(series.get(step).map_or(f64::NAN, |value| f64::from(value) - origin));
            rows.extend(has_mean.then_some(1.0));
            rows.extend(regressors.iter().map(|column| column[step]));
        }
        Self { origin, steps: series.len(), columns, rows }
    }

    fn row(&self, step: usize) -> &[f64] {
        &self.rows[step * self.columns..(step + 1) * self.columns]
    }

    /// What the regression leaves of the first column.
    fn without(&self, regression: &[f64]) -> Self {
        let left = |row: &[f64]| row[0] - dot(regression, &row[1..]);
        let rows = self.rows.chunks_exact(self.columns).map(left).collect();
        Self { origin: self.origin, steps: self.steps, columns: 1, rows }
    }

    /// The innovations of the only column such that half the logarithm of their mean square is the deviance: in units
    /// of their deviations, times the geometric mean of those. A gap and what is not counted give zero.
    fn standardised(&self, process: Process, out: &mut Vec<f64>) {
        let mut filter = Filter::new(process, 1);
        let (mut innovation, mut logarithms, mut counted) = ([0.0], 0.0, 0_u32);
        out.clear();
        for value in &self.rows {
            if value.is_nan() {
                filter.skip();
                out.push(0.0);
                continue;
            }
            let taken = filter.take(&[*value], &mut innovation);
            counted += u32::from(taken.is_counted);
            logarithms += if taken.is_counted { taken.variance.ln() } else { 0.0 };
            out.push(if taken.is_counted { innovation[0] / taken.variance.sqrt() } else { 0.0 });
        }
        let scale = (0.5 * logarithms / f64::from(counted.max(1))).exp();
        out.iter_mut().for_each(|each| *each *= scale);
    }

    /// One column of values, NaN at gaps.
    fn alone(rows: Vec<f64>) -> Self {
        Self { origin: 0.0, steps: rows.len(), columns: 1, rows }
    }

    /// The products of the innovations of all columns, columns × columns, and how many steps they are of.
    fn products(&self, process: Process) -> (Vec<f64>, usize) {
        let sums = self.sums(process);
        (sums.products, sums.counted)
    }

    /// The exact likelihood of a process, with the best regression and variance for it.
    fn likelihood(&self, process: Process) -> Likelihood {
        let Sums { products, logarithms, counted } = self.sums(process);
        let (regression, squares) = regressed(&products, self.columns);
        Likelihood { regression, squares, logarithms, counted }
    }

    fn sums(&self, process: Process) -> Sums {
        let width = self.columns;
        let mut filter = Filter::new(process, width);
        let mut innovations = vec![0.0; width];
        let mut products = vec![0.0; width * width];
        let (mut logarithms, mut counted) = (0.0, 0);
        for step in 0..self.steps {
            let row = self.row(step);
            if row[0].is_nan() {
                filter.skip();
                continue;
            }
            let taken = filter.take(row, &mut innovations);
            if !taken.is_counted {
                continue;
            }
            counted += 1;
            logarithms += taken.variance.ln();
            for (row, first) in innovations.iter().enumerate() {
                let factor = first / taken.variance;
                let products = &mut products[row * width..=row * width + row];
                products
                    .iter_mut()
                    .zip(&innovations)
                    .for_each(|(sum, value)| *sum += factor * value);
            }
        }
        for at in 0..width * width {
            let (row, column) = (at / width, at % width);
            products[row.min(column) * width + row.max(column)] =
                products[row.max(column) * width + row.min(column)];
        }
        Sums { products, logarithms, counted }
    }
}

/// What a pass of the filter over all columns adds up.
struct Sums {
    /// Of innovations in units of their deviations, columns × columns.
    products: Vec<f64>,
    /// Of the logarithms of the innovations' variances.
    logarithms: f64,
    counted: usize,
}

fn check_regressors(series: &Series, regressors: &[Vec<f64>]) -> Result<(), ModelError> {
    let is_whole = |column: &&Vec<f64>| {
        column.len() == series.len() && column.iter().all(|value| value.is_finite())
    };
    match regressors.iter().find(|column| !is_whole(column)) {
        Some(column) => Err(ModelError::Regressors { expected: series.len(), found: column.len() }),
        None => Ok(()),
    }
}

/// Least squares of the first column on the others, from all their products; the coefficients and what is left.
fn regressed(products: &[f64], width: usize) -> (Vec<f64>, f64) {
    let n = width - 1;
    // Cholesky with the right side as the last row; a column that others explain gets no coefficient.
    let entry = |row: usize, column: usize| products[(row % width) * width + column % width];
    let mut factor = vec![0.0; width * width];
    for row in 0..width {
        for column in 0..=row {
            let known: f64 =
                (0..column).map(|k| factor[row * width + k] * factor[column * width + k]).sum();
            let rest = entry(row + 1, column + 1) - known;
            factor[row * width + column] = if row == column {
                let is_new = row == n || rest > 1e-12 * entry(row + 1, row + 1);
                if is_new { rest.max(0.0).sqrt() } else { 0.0 }
            } else if factor[column * width + column] > 0.0 {
                rest / factor[column * width + column]
            } else {
                0.0
            };
        }
    }
    let mut coefficients = vec![0.0; n];
    for row in (0..n).rev() {
        let known: f64 = (row + 1..n).map(|k| factor[k * width + row] * coefficients[k]).sum();
        let diagonal = factor[row * width + row];
        if diagonal > 0.0 {
            coefficients[row] = (factor[n * width + row] - known) / diagonal;
        }
    }
    (coefficients, factor[n * width + n].powi(2))
}

/// The likelihood of some coefficients, concentrated over regression and variance.
struct Likelihood {
    regression: Vec<f64>,
    /// Sum of squared innovations over their variances.
    squares: f64,
    /// Sum of the logarithms of those variances.
    logarithms: f64,
    counted: usize,
}

impl Likelihood {
    /// Of the innovations, by maximum likelihood.
    fn variance(&self) -> f64 {
        (self.squares / self.counted as f64).max(f64::MIN_POSITIVE)
    }

    /// Half of it a step: what is searched for.
    fn deviance(&self) -> f64 {
        0.5 * (self.variance().ln() + self.logarithms / self.counted as f64)
    }

    fn log_likelihood(&self) -> f64 {
        let n = self.counted as f64;
        -n * self.deviance() - 0.5 * n * (1.0 + std::f64::consts::TAU.ln())
    }
}

/// [`Arima`] at the end of its samples.
#[derive(Debug, Clone, PartialEq)]
pub struct FittedArima {
    parts: Parts,
    mean: Option<f64>,
    /// What the state is counted from where there is no mean.
    offset: f64,
    regression: Vec<f64>,
    variance: f64,
    log_likelihood: f64,
    counted: usize,
    parameters: usize,
    filter: Filter,
}

impl FittedArima {
    /// φ₁…φ_p.
    pub fn ar(&self) -> &[f64] {
        &self.parts.ar
    }

    /// θ₁…θ_q.
    pub fn ma(&self) -> &[f64] {
        &self.parts.ma
    }

    /// Φ₁…Φ_P.
    pub fn seasonal_ar(&self) -> &[f64] {
        &self.parts.seasonal_ar
    }

    /// Θ₁…Θ_Q.
    pub fn seasonal_ma(&self) -> &[f64] {
        &self.parts.seasonal_ma
    }

    /// The mean, where nothing is differenced.
    pub const fn mean(&self) -> Option<f64> {
        self.mean
    }

    /// β, one for each regressor.
    pub fn regression(&self) -> &[f64] {
        &self.regression
    }

    /// Variance of the innovations by maximum likelihood, in squared units of the series.
    pub const fn variance(&self) -> f64 {
        self.variance
    }

    /// The logarithm of the exact likelihood.
    pub const fn log_likelihood(&self) -> f64 {
        self.log_likelihood
    }

    /// Akaike's criterion, corrected for few samples (Hurvich & Tsai 1989); infinite where there are too few for it.
    pub fn aicc(&self) -> f64 {
        let (k, n) = (self.parameters as f64, self.counted as f64);
        if n - k - 1.0 <= 0.0 {
            return f64::INFINITY;
        }
        2.0 * k - 2.0 * self.log_likelihood + 2.0 * k * (k + 1.0) / (n - k - 1.0)
    }

    /// Takes the next step with what the regressors are in it.
    pub fn update_with(&mut self, value: Option<f64>, regressors: &[f64]) {
        let Some(value) = value else { return self.filter.skip() };
        let explained = self.constant() + dot(&self.regression, regressors);
        self.filter.take(&[value - explained], &mut [0.0]);
    }

    /// Takes the next step of which only a lower bound is known, with what the regressors are in it.
    pub fn update_at_least_with(&mut self, bound: f64, regressors: &[f64]) {
        let left = self.filter.process().expectation(self.filter.state(0));
        let expected = self.constant() + dot(&self.regression, regressors) + left;
        self.update_with((bound > expected).then_some(bound), regressors);
    }

    /// The means and deviations of the next steps, one for each row of `regressors`.
    pub fn predict_with(&self, regressors: &[Vec<f64>]) -> Vec<(f64, f64)> {
        let mut filter = self.filter.clone();
        let predicted = |row: &Vec<f64>| {
            let left = filter.process().expectation(filter.state(0));
            let deviation = (filter.variance() * self.variance).sqrt();
            filter.skip();
            (self.constant() + dot(&self.regression, row) + left, deviation)
        };
        regressors.iter().map(predicted).collect()
    }

    fn constant(&self) -> f64 {
        self.mean.unwrap_or(self.offset)
    }
}

impl FittedModel for FittedArima {
    fn update(&mut self, value: Option<f64>) {
        self.update_with(value, &[]);
    }

    fn update_at_least(&mut self, bound: f64) {
        self.update_at_least_with(bound, &[]);
    }

    fn predict(&self, horizon: usize) -> Vec<f64> {
        let mut state = self.filter.state(0).to_vec();
        let process = self.filter.process();
        let next = |_| {
            let value = self.constant() + process.expectation(&state);
            process.advance(&mut state);
            value
        };
        (0..horizon).map(next).collect()
    }
}

fn dot(left: &[f64], right: &[f64]) -> f64 {
    left.iter().zip(right).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
pub(crate) mod tests;
