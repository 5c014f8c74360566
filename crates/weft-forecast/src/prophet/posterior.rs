//! The posterior of the parameters, and its approximation around a point by least squares (Gauss and Newton).
//! Parameters stand in one vector: m, k, the bends δ, the coefficients β; a flat trend has neither k nor δ. Bent lines
//! are never written out as columns: their products with anything follow from sums over the samples after each
//! changepoint.

use super::design::Design;
use super::lasso::{dot, sum};
use super::term::Term;
use super::{Growth, Mode};

/// Deviation of the priors of rate k and offset m, as in the package.
const LINE_PRIOR: f64 = 5.0;
/// Of the prior of σ.
const DEVIATION_PRIOR: f64 = 0.5;
/// σ is never below: some roundings of a stored sample (f32), so that a series without noise has a posterior as well.
const SMALLEST_DEVIATION: f64 = 1e-6;
/// Rows of a block whose columns stay in the nearest cache while all pairs of them are multiplied.
const BLOCK: usize = 256;

/// What the parameters are judged by.
#[derive(Debug)]
pub(super) struct Posterior<'a> {
    pub(super) design: &'a Design,
    /// The first row at or after each changepoint, after that of the whole: 0.
    starts: Vec<usize>,
    /// The changepoints after 0, where the line without bends begins.
    cuts: Vec<f64>,
    /// 1/s² of each parameter; 0 for the bends, whose prior is not normal.
    pub(super) precisions: Vec<f64>,
    /// 1/τ.
    bend_rate: f64,
}

/// Parameters with what they predict.
#[derive(Debug, Clone)]
pub(super) struct Point {
    pub(super) parameters: Vec<f64>,
    trend: Vec<f64>,
    /// 1 + Σ β x over what is multiplicative; empty where nothing is.
    factor: Vec<f64>,
    residual: Vec<f64>,
    pub(super) squares: f64,
    /// σ, the most probable one for these squares.
    pub(super) deviation: f64,
    /// Minus the logarithm of the posterior, up to a constant.
    pub(super) loss: f64,
}

/// The products of the model's slopes J at a point: JᵀJ, row after row, and Jᵀr.
#[derive(Debug, Clone)]
pub(super) struct Products {
    pub(super) gram: Vec<f64>,
    pub(super) right: Vec<f64>,
}

/// Sums of a row's weight, and of weight by time, over the rows from each cut on.
type Moments = Vec<[f64; 2]>;

impl<'a> Posterior<'a> {
    pub(super) fn new(design: &'a Design, terms: &[Term], changepoint_prior_scale: f64) -> Self {
        let first = |cut: &f64| design.time.partition_point(|time| time < cut);
        let cuts: Vec<f64> = [0.0].into_iter().chain(design.changepoints.iter().copied()).collect();
        let lines = if design.growth == Growth::Flat { 1 } else { 2 };
        let mut precisions = vec![LINE_PRIOR.powi(-2); lines];
        precisions.extend(design.changepoints.iter().map(|_| 0.0));
        for term in terms {
            precisions.extend(std::iter::repeat_n(term.prior_scale.powi(-2), term.columns));
        }
        let starts = cuts.iter().map(first).collect();
        Self { design, starts, cuts, precisions, bend_rate: 1.0 / changepoint_prior_scale }
    }

    /// How many parameters the line without bends has.
    pub(super) const fn lines(&self) -> usize {
        if matches!(self.design.growth, Growth::Flat) { 1 } else { 2 }
    }

    pub(super) const fn bends(&self) -> usize {
        self.design.changepoints.len()
    }

    /// How many parameters the trend has.
    const fn trend_parameters(&self) -> usize {
        self.lines() + self.bends()
    }

    const fn is_logistic(&self) -> bool {
        matches!(self.design.growth, Growth::Logistic { .. })
    }

    fn is_multiplicative(&self) -> bool {
        self.design.modes.contains(&Mode::Multiplicative)
    }

    /// Whether the model is linear in its parameters, so that [`Products::gram`] is the same everywhere.
    pub(super) fn is_linear(&self) -> bool {
        !self.is_logistic() && !self.is_multiplicative()
    }

    /// λ, the penalty on a bend where the noise deviates by `deviation`, in the scale of squares.
    pub(super) fn penalty(&self, deviation: f64) -> f64 {
        self.bend_rate * deviation * deviation
    }

    /// The line through the first and the last sample, or their mean, as the package starts.
    pub(super) fn start(&self) -> Vec<f64> {
        let value = &self.design.value;
        let (first, last) = (value[0], value[value.len() - 1]);
        let mut start = vec![0.0; self.precisions.len()];
        match self.design.growth {
            Growth::Linear => (start[0], start[1]) = (first, last - first),
            Growth::Flat => start[0] = sum(value) / value.len() as f64,
            Growth::Logistic { .. } => {
                let capacity = &self.design.capacity;
                let odds = |value: f64, capacity: f64| {
                    capacity / value.clamp(0.01 * capacity, 0.99 * capacity)
                };
                let mut begin = odds(first, capacity[0]);
                let end = odds(last, capacity[capacity.len() - 1]);
                if (begin - end).abs() <= 0.01 {
                    begin *= 1.05;
                }
                let (begin, end) = ((begin - 1.0).ln(), (end - 1.0).ln());
                start[1] = begin - end;
                start[0] = begin / start[1];
            }
        }
        start
    }

    /// What `parameters` predict and how probable they are.
    pub(super) fn point(&self, parameters: Vec<f64>) -> Point {
        let design = self.design;
        let (trend, coefficients) = parameters.split_at(self.trend_parameters());
        let trend = self.trend(trend);
        let mut factor = vec![1.0; if self.is_multiplicative() { trend.len() } else { 0 }];
        let mut explained = vec![0.0; trend.len()];
        for (index, coefficient) in coefficients.iter().enumerate() {
            let is_additive = design.modes[index] == Mode::Additive;
            let target = if is_additive { &mut explained } else { &mut factor };
            let column = design.column(index).iter();
            target.iter_mut().zip(column).for_each(|(sum, x)| *sum += coefficient * x);
        }
        for (row, explained) in explained.iter_mut().enumerate() {
            *explained += trend[row] * factor.get(row).copied().unwrap_or(1.0);
        }
        let residual: Vec<f64> = design
            .value
            .iter()
            .zip(explained)
            .map(|(value, explained)| value - explained)
            .collect();
        let squares = dot(&residual, &residual);
        let deviation = self.deviation(squares);
        let loss = self.loss(&parameters, squares, deviation);
        Point { parameters, trend, factor, residual, squares, deviation, loss }
    }

    /// The most probable σ for a sum of squares: the positive root of 4σ⁴ + nσ² = Σr².
    pub(super) fn deviation(&self, squares: f64) -> f64 {
        let n = self.design.value.len() as f64;
        let squares = squares.max(0.0);
        let precision = DEVIATION_PRIOR.powi(-2);
        let root = (n * n + 4.0 * precision * squares).sqrt();
        (2.0 * squares / (n + root)).sqrt().max(SMALLEST_DEVIATION)
    }

    /// Minus the logarithm of the posterior, up to a constant.
    pub(super) fn loss(&self, parameters: &[f64], squares: f64, deviation: f64) -> f64 {
        let n = self.design.value.len() as f64;
        let noise = n * deviation.ln() + squares / (2.0 * deviation * deviation);
        noise + 0.5 * (deviation / DEVIATION_PRIOR).powi(2) + self.prior(parameters)
    }

    /// The part of the loss that does not depend on the samples.
    pub(super) fn prior(&self, parameters: &[f64]) -> f64 {
        let (from, to) = (self.lines(), self.trend_parameters());
        let bends: f64 = parameters[from..to].iter().map(|bend| bend.abs()).sum();
        let normal = |(parameter, precision): (&f64, &f64)| parameter * parameter * precision;
        self.bend_rate * bends
            + 0.5 * parameters.iter().zip(&self.precisions).map(normal).sum::<f64>()
    }

    /// g at each row.
    fn trend(&self, parameters: &[f64]) -> Vec<f64> {
        let design = self.design;
        let time = &design.time;
        if self.lines() == 1 {
            return vec![parameters[0]; time.len()];
        }
        let (mut level, mut rate) = (parameters[0], parameters[1]);
        if self.is_logistic() {
            level *= -rate;
        }
        let mut trend = Vec::with_capacity(time.len());
        for segment in 0..self.starts.len() {
            if segment > 0 {
                let bend = parameters[segment + 1];
                (level, rate) = (level - bend * self.cuts[segment], rate + bend);
            }
            let end = self.starts.get(segment + 1).copied().unwrap_or(time.len());
            trend.extend(time[self.starts[segment]..end].iter().map(|time| level + rate * time));
        }
        if self.is_logistic() {
            let saturated = |(z, capacity): (&mut f64, &f64)| *z = capacity / (1.0 + (-*z).exp());
            trend.iter_mut().zip(&design.capacity).for_each(saturated);
        }
        trend
    }

    /// The products at `point`; in a linear model JᵀJ is taken from `known` where there is one.
    pub(super) fn products(&self, point: &Point, known: Option<Products>) -> Products {
        let size = self.precisions.len();
        let columns = self.slopes(point);
        let weight = self.weight(point);
        let is_known = known.is_some() && self.is_linear();
        let blank = || Products { gram: vec![0.0; size * size], right: vec![0.0; size] };
        let mut products = known.filter(|_| is_known).unwrap_or_else(blank);
        let first = self.trend_parameters();
        let rows = weight.len();
        let right = self.moments(&weight, &point.residual);
        self.spread(&right, |index, value| products.right[index] = value);
        for (index, column) in columns.chunks_exact(rows).enumerate() {
            products.right[first + index] = dot(column, &point.residual);
        }
        if !is_known {
            self.fill_gram(&weight, &columns, &mut products.gram);
        }
        if self.is_logistic() {
            self.turn(point, &mut products);
        }
        products
    }

    fn fill_gram(&self, weight: &[f64], columns: &[f64], gram: &mut [f64]) {
        let size = self.precisions.len();
        let first = self.trend_parameters();
        let rows = weight.len();
        self.fill_trend(weight, gram);
        for (index, column) in columns.chunks_exact(rows).enumerate() {
            let moments = self.moments(weight, column);
            self.spread(&moments, |row, value| gram[row * size + first + index] = value);
        }
        let count = self.design.modes.len();
        for begin in (0..rows).step_by(BLOCK) {
            let end = (begin + BLOCK).min(rows);
            for row in 0..count {
                let left = &columns[row * rows + begin..row * rows + end];
                for column in row..count {
                    let right = &columns[column * rows + begin..column * rows + end];
                    gram[(first + row) * size + first + column] += dot(left, right);
                }
            }
        }
        for row in 0..size {
            for column in 0..row {
                gram[row * size + column] = gram[column * size + row];
            }
        }
    }

    /// Products of the constant and the bent lines among each other, above the diagonal.
    fn fill_trend(&self, weight: &[f64], gram: &mut [f64]) {
        let size = self.precisions.len();
        let moments = self.moments(weight, weight);
        self.spread(&moments, |index, value| gram[index] = value);
        gram[0] = moments[0][0];
        if self.lines() == 1 {
            return;
        }
        let timed: Vec<f64> = weight.iter().zip(&self.design.time).map(|(w, t)| w * t).collect();
        let squares = self.moments(&timed, &timed);
        for row in 0..self.cuts.len() {
            for column in row..self.cuts.len() {
                let (early, late) = (self.cuts[row], self.cuts[column]);
                let [zeroth, first] = moments[column];
                gram[(row + 1) * size + column + 1] =
                    squares[column][0] - (early + late) * first + early * late * zeroth;
            }
        }
    }

    /// dg/dz times the factor: what a change of z does in each row.
    fn weight(&self, point: &Point) -> Vec<f64> {
        let mut weight = point.factor.clone();
        weight.resize(point.trend.len(), 1.0);
        for (row, capacity) in self.design.capacity.iter().enumerate() {
            weight[row] *= point.trend[row] * (1.0 - point.trend[row] / capacity);
        }
        weight
    }

    /// What a change of each coefficient does in each row.
    fn slopes(&self, point: &Point) -> std::borrow::Cow<'_, [f64]> {
        let design = self.design;
        if !self.is_multiplicative() {
            return std::borrow::Cow::Borrowed(&design.columns);
        }
        let mut slopes = design.columns.clone();
        for (mode, column) in design.modes.iter().zip(slopes.chunks_exact_mut(point.trend.len())) {
            if *mode == Mode::Multiplicative {
                column.iter_mut().zip(&point.trend).for_each(|(slope, trend)| *slope *= trend);
            }
        }
        std::borrow::Cow::Owned(slopes)
    }

    /// Σ w·v and Σ w·v·t over the rows from each cut on.
    fn moments(&self, weight: &[f64], values: &[f64]) -> Moments {
        let weighted: Vec<f64> = weight.iter().zip(values).map(|(w, v)| w * v).collect();
        let mut moments = vec![[0.0; 2]; self.starts.len()];
        let (mut end, mut after) = (weighted.len(), [0.0; 2]);
        for (segment, start) in self.starts.iter().enumerate().rev() {
            let part = &weighted[*start..end];
            after[0] += sum(part);
            after[1] += dot(part, &self.design.time[*start..end]);
            moments[segment] = after;
            end = *start;
        }
        moments
    }

    /// The products that moments stand for, by the trend's parameters: with the constant, then with each bent line.
    fn spread(&self, moments: &Moments, mut put: impl FnMut(usize, f64)) {
        put(0, moments[0][0]);
        if self.lines() == 2 {
            for (index, ([zeroth, first], cut)) in moments.iter().zip(&self.cuts).enumerate() {
                put(index + 1, first - cut * zeroth);
            }
        }
    }

    /// From products with dz/d(constant) = 1 and dz/d(line) = t to those with dz/dm = −k and dz/dk = t − m.
    fn turn(&self, point: &Point, products: &mut Products) {
        let size = self.precisions.len();
        let (offset, rate) = (point.parameters[0], point.parameters[1]);
        let turned = |constant: f64, line: f64| (-rate * constant, line - offset * constant);
        let gram = &mut products.gram;
        for index in 0..size {
            (gram[index], gram[size + index]) = turned(gram[index], gram[size + index]);
        }
        for row in gram.chunks_exact_mut(size) {
            (row[0], row[1]) = turned(row[0], row[1]);
        }
        let right = &mut products.right;
        (right[0], right[1]) = turned(right[0], right[1]);
    }
}
