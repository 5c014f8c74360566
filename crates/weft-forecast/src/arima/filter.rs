//! The state-space form of an ARIMA process and its Kalman filter (Harvey 1989, sections 3.3 and 4.1; Gardner, Harvey &
//! Phillips 1980). Differencing is part of the state, so a gap is a step without news. The first state
//! of what is differenced is unknown: a variance of a million, and the steps that only teach it are not
//! counted.

/// Variance of what nothing is known of, in units of the innovations' variance.
const DIFFUSE: f64 = 1e6;
/// A step whose variance is above this only teaches the unknown first state.
const UNCOUNTED: f64 = 1e4;
/// The gain is kept once no entry of the covariance changes by more than this in a step.
const STEADY: f64 = 1e-12;
/// Doublings of the sum that gives the stationary covariance: lags of up to 2^40 steps.
const DOUBLINGS: usize = 40;

/// An ARIMA process with unit innovations, without its mean.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Process {
    /// Coefficients of 1 − Σ φ_k B^k, seasonal part included.
    pub(super) ar: Vec<f64>,
    /// Coefficients of 1 + Σ θ_k B^k.
    pub(super) ma: Vec<f64>,
    /// Coefficients of the differencing polynomial 1 − Σ δ_k B^k.
    pub(super) differencing: Vec<f64>,
}

impl Process {
    /// States of the stationary part.
    fn stationary(&self) -> usize {
        self.ar.len().max(self.ma.len() + 1)
    }

    pub(super) fn dimension(&self) -> usize {
        self.stationary() + self.differencing.len()
    }

    /// What the state says of the next value: Z·a.
    pub(super) fn expectation(&self, state: &[f64]) -> f64 {
        let past = &state[self.stationary()..];
        state[0] + self.differencing.iter().zip(past).map(|(d, a)| d * a).sum::<f64>()
    }

    /// The state a step later: T·a.
    pub(super) fn advance(&self, state: &mut [f64]) {
        let r = self.stationary();
        let value = self.expectation(state);
        let head = state[0];
        for index in 0..r {
            let next = if index + 1 < r { state[index + 1] } else { 0.0 };
            state[index] = next + self.ar.get(index).map_or(0.0, |phi| phi * head);
        }
        if !self.differencing.is_empty() {
            state[r..].rotate_right(1);
            state[r] = value;
        }
    }

    /// The loadings of an innovation: R.
    fn loading(&self, index: usize) -> f64 {
        match index {
            0 => 1.0,
            _ if index < self.stationary() => self.ma.get(index - 1).copied().unwrap_or(0.0),
            _ => 0.0,
        }
    }

    /// The covariance before the first step: that of the stationary part, and diffuse.
    fn first_covariance(&self) -> Vec<f64> {
        let (r, n) = (self.stationary(), self.dimension());
        let inner =
            stationary_covariance(&self.ar, &(0..r).map(|i| self.loading(i)).collect::<Vec<_>>());
        let mut covariance = vec![0.0; n * n];
        for row in 0..r {
            covariance[row * n..row * n + r].copy_from_slice(&inner[row * r..(row + 1) * r]);
        }
        (r..n).for_each(|index| covariance[index * n + index] = DIFFUSE);
        covariance
    }
}

/// P = T P Tᵀ + R Rᵀ of an ARMA process in the form above, by doubling: P ← P + A P Aᵀ, A ← A².
fn stationary_covariance(ar: &[f64], loadings: &[f64]) -> Vec<f64> {
    let r = loadings.len();
    let mut transition = vec![0.0; r * r];
    for row in 0..r {
        transition[row * r] = ar.get(row).copied().unwrap_or(0.0);
        if row + 1 < r {
            transition[row * r + row + 1] += 1.0;
        }
    }
    let mut sum: Vec<f64> = (0..r * r).map(|at| loadings[at / r] * loadings[at % r]).collect();
    if ar.iter().all(|phi| *phi == 0.0) && r == 1 {
        return sum;
    }
    for _ in 0..DOUBLINGS {
        let step = multiplied_transposed(&multiplied(&transition, &sum, r), &transition, r);
        let change = step.iter().fold(0.0_f64, |most, value| most.max(value.abs()));
        let size = sum.iter().fold(0.0_f64, |most, value| most.max(value.abs()));
        sum.iter_mut().zip(&step).for_each(|(sum, step)| *sum += step);
        if change <= 1e-14 * size || !change.is_finite() {
            break;
        }
        transition = multiplied(&transition, &transition, r);
    }
    sum
}

fn multiplied(left: &[f64], right: &[f64], n: usize) -> Vec<f64> {
    let mut product = vec![0.0; n * n];
    for (row, out) in product.chunks_exact_mut(n).enumerate() {
        for (k, factor) in
            left[row * n..(row + 1) * n].iter().enumerate().filter(|(_, f)| **f != 0.0)
        {
            out.iter_mut()
                .zip(&right[k * n..(k + 1) * n])
                .for_each(|(out, value)| *out += factor * value);
        }
    }
    product
}

fn multiplied_transposed(left: &[f64], right: &[f64], n: usize) -> Vec<f64> {
    let dot = |at: usize| -> f64 {
        let (row, column) =
            (&left[at / n * n..(at / n + 1) * n], &right[at % n * n..(at % n + 1) * n]);
        row.iter().zip(column).map(|(a, b)| a * b).sum()
    };
    (0..n * n).map(dot).collect()
}

/// What a step taught: the innovations of all columns in units of their deviation, and its logarithm.
pub(super) struct Step {
    pub(super) is_counted: bool,
    /// Variance of the innovation in units of the innovations' own.
    pub(super) variance: f64,
}

/// The filter over several columns at once: they share covariance and gain.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Filter {
    process: Process,
    /// Columns × states, what is expected before the next step.
    states: Vec<Vec<f64>>,
    covariance: Vec<f64>,
    /// Gain and variance once they no longer change.
    steady: Option<(Vec<f64>, f64)>,
    gain: Vec<f64>,
    /// The covariance before the newest step.
    before: Vec<f64>,
}

impl Filter {
    pub(super) fn new(process: Process, columns: usize) -> Self {
        let n = process.dimension();
        let covariance = process.first_covariance();
        let before = covariance.clone();
        let states = vec![vec![0.0; n]; columns];
        Self { process, states, covariance, steady: None, gain: vec![0.0; n], before }
    }

    pub(super) const fn process(&self) -> &Process {
        &self.process
    }

    pub(super) fn state(&self, column: usize) -> &[f64] {
        &self.states[column]
    }

    /// Takes the next step of all columns and writes their innovations; none is known at a gap.
    pub(super) fn take(&mut self, values: &[f64], innovations: &mut [f64]) -> Step {
        if let Some((gain, variance)) = &self.steady {
            let variance = *variance;
            for ((state, value), innovation) in self.states.iter_mut().zip(values).zip(innovations)
            {
                *innovation = value - self.process.expectation(state);
                state.iter_mut().zip(gain).for_each(|(state, gain)| *state += gain * *innovation);
                self.process.advance(state);
            }
            return Step { is_counted: true, variance };
        }
        let variance = self.learn();
        for ((state, value), innovation) in self.states.iter_mut().zip(values).zip(innovations) {
            *innovation = value - self.process.expectation(state);
            state.iter_mut().zip(&self.gain).for_each(|(state, gain)| *state += gain * *innovation);
            self.process.advance(state);
        }
        let changed = self.forecast_covariance();
        if changed <= STEADY * variance && variance < UNCOUNTED {
            self.steady = Some((self.gain.clone(), variance));
        }
        Step { is_counted: variance < UNCOUNTED, variance }
    }

    /// Moves over a step of which nothing is known.
    pub(super) fn skip(&mut self) {
        self.states.iter_mut().for_each(|state| self.process.advance(state));
        self.steady = None;
        self.forecast_covariance();
    }

    /// Variance of the next innovation.
    pub(super) fn variance(&self) -> f64 {
        let column = self.loaded();
        self.process.expectation(&column)
    }

    /// P·Zᵀ.
    fn loaded(&self) -> Vec<f64> {
        let n = self.process.dimension();
        self.covariance.chunks_exact(n).map(|row| self.process.expectation(row)).collect()
    }

    /// The gain of this step, and the covariance after it: P ← P − P Zᵀ Z P / F.
    fn learn(&mut self) -> f64 {
        let n = self.process.dimension();
        let column = self.loaded();
        let variance = self.process.expectation(&column);
        for (gain, value) in self.gain.iter_mut().zip(&column) {
            *gain = value / variance;
        }
        for (row, gain) in self.covariance.chunks_exact_mut(n).zip(&self.gain) {
            row.iter_mut().zip(&column).for_each(|(entry, value)| *entry -= gain * value);
        }
        variance
    }

    /// P ← T P Tᵀ + R Rᵀ; the largest change of an entry since the step before.
    fn forecast_covariance(&mut self) -> f64 {
        let n = self.process.dimension();
        // Rows and then columns, each as a state.
        let mut moved = self.covariance.clone();
        for row in moved.chunks_exact_mut(n) {
            self.process.advance(row);
        }
        let mut column = vec![0.0; n];
        let mut change = 0.0_f64;
        let mut next = vec![0.0; n * n];
        for at in 0..n {
            (0..n).for_each(|row| column[row] = moved[row * n + at]);
            self.process.advance(&mut column);
            for row in 0..n {
                next[row * n + at] =
                    column[row] + self.process.loading(row) * self.process.loading(at);
            }
        }
        for (new, old) in next.iter().zip(&self.before) {
            change = change.max((new - old).abs());
        }
        self.covariance.clone_from(&next);
        self.before = next;
        change
    }
}
