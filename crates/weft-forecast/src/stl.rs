//! Seasonal and trend decomposition by local regression, STL (Cleveland, Cleveland, McRae & Terpenning 1990): a series
//! is trend + season + rest. A gap has no weight and its components are what its neighbours say; it must never count as
//! a value.

use crate::stl::loess::{Span, smooth};

mod loess;

/// Passes over season and trend: where outliers are weighed down, and else.
const ROBUST_PASSES: usize = 2;
const PLAIN_PASSES: usize = 5;
/// Rounds of weighing outliers down.
const ROBUST_ROUNDS: usize = 15;
/// A local line is computed at every tenth of its window and interpolated (Cleveland et al. 1990, section 3.5): on
/// curves as smooth as these the difference is below what they are known to.
const JUMPS_IN_A_WINDOW: usize = 10;

/// How a series is taken apart; all windows in steps but the season's, which counts seasons.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stl {
    /// Steps in a season, at least 2.
    pub period: usize,
    /// Window over the values of one phase, odd, in seasons.
    pub seasonal_window: usize,
    /// Window of the trend, odd.
    pub trend_window: usize,
    /// Window of what is taken out of the season, odd.
    pub low_pass_window: usize,
    /// Whether outliers are weighed down by bisquare weights.
    pub is_robust: bool,
}

/// What a series is made of, step by step.
#[derive(Debug, Clone, PartialEq)]
pub struct Decomposition {
    /// The slow part.
    pub trend: Vec<f64>,
    /// The part that returns.
    pub season: Vec<f64>,
}

impl Stl {
    /// The usual windows: trend from one and a half seasons, low pass from one (Cleveland et al. 1990, section 3.6).
    pub fn new(period: usize, seasonal_window: usize) -> Self {
        let (season, window) = (period as f64, seasonal_window as f64);
        let trend = (1.5 * season / (1.0 - 1.5 / window)).ceil() as usize;
        let low_pass_window = next_odd(period + 1);
        let trend_window = next_odd(trend);
        Self { period, seasonal_window, trend_window, low_pass_window, is_robust: false }
    }

    /// Takes `values` apart, NaN standing for gaps. There must be at least two seasons of them.
    pub fn decompose(&self, values: &[f64]) -> Decomposition {
        let present = values.iter().map(|value| f64::from(u8::from(!value.is_nan())));
        let present: Vec<f64> = present.collect();
        let known: Vec<f64> = values.iter().map(|v| if v.is_nan() { 0.0 } else { *v }).collect();
        let zeros = vec![0.0; values.len()];
        let mut parts = Decomposition { trend: zeros.clone(), season: zeros };
        if !self.is_robust {
            (0..PLAIN_PASSES).for_each(|_| self.pass(&known, &present, &mut parts));
            return parts;
        }
        let mut weights = present.clone();
        for _ in 0..=ROBUST_ROUNDS {
            (0..ROBUST_PASSES).for_each(|_| self.pass(&known, &weights, &mut parts));
            weights = robust_weights(&known, &present, &parts);
        }
        parts
    }

    /// One pass of the inner loop (Cleveland et al. 1990, section 2.2).
    fn pass(&self, known: &[f64], weights: &[f64], parts: &mut Decomposition) {
        let steps = known.len();
        let less = |part: &[f64]| -> Vec<f64> {
            known.iter().zip(part).map(|(value, part)| value - part).collect()
        };
        let cycle = self.cycle(&less(&parts.trend), weights);
        let averaged = moving_average(&moving_average(&cycle, self.period), self.period);
        let averaged = moving_average(&averaged, 3);
        let slow = smooth(&averaged, &vec![1.0; steps], span(self.low_pass_window));
        let inner = &cycle[self.period..self.period + steps];
        parts.season = inner.iter().zip(&slow).map(|(cycle, slow)| cycle - slow).collect();
        parts.trend = smooth(&less(&parts.season), weights, span(self.trend_window));
    }

    /// Each phase smoothed over its seasons, with one season more on both sides.
    fn cycle(&self, values: &[f64], weights: &[f64]) -> Vec<f64> {
        let mut cycle = vec![0.0; values.len() + 2 * self.period];
        let total: f64 = weights.iter().sum();
        let mean: f64 =
            values.iter().zip(weights).map(|(v, w)| v * w).sum::<f64>() / total.max(1.0);
        for phase in 0..self.period.min(values.len()) {
            let of_phase = |all: &[f64]| -> Vec<f64> {
                all.iter().skip(phase).step_by(self.period).copied().collect()
            };
            let (sub, weight) = (of_phase(values), of_phase(weights));
            let window = Span { window: self.seasonal_window, jump: 1 };
            let smoothed =
                loess::extended(&sub, &weight, window).unwrap_or_else(|| vec![mean; sub.len() + 2]);
            for (season, value) in smoothed.into_iter().enumerate() {
                cycle[season * self.period + phase] = value;
            }
        }
        cycle
    }
}

impl Decomposition {
    /// What `values` have beside trend and season; NaN at gaps.
    pub fn rest(&self, values: &[f64]) -> Vec<f64> {
        let parts = self.trend.iter().zip(&self.season);
        values.iter().zip(parts).map(|(value, (trend, season))| value - trend - season).collect()
    }

    /// How much of what is not trend is season, 0 to 1 (Wang, Smith & Hyndman 2006): 1 − Var(rest)/Var(season + rest).
    pub fn seasonal_strength(&self, values: &[f64]) -> f64 {
        let rest = self.rest(values);
        let both: Vec<f64> =
            rest.iter().zip(&self.season).map(|(rest, season)| rest + season).collect();
        let whole = variance(&both);
        if whole > 0.0 { (1.0 - variance(&rest) / whole).max(0.0) } else { 0.0 }
    }
}

const fn span(window: usize) -> Span {
    Span { window, jump: window.div_ceil(JUMPS_IN_A_WINDOW) }
}

const fn next_odd(number: usize) -> usize {
    number + 1 - number % 2
}

fn variance(values: &[f64]) -> f64 {
    let known = || values.iter().filter(|value| !value.is_nan());
    let count = known().count().max(1) as f64;
    let mean = known().sum::<f64>() / count;
    known().map(|value| (value - mean).powi(2)).sum::<f64>() / count
}

/// Means of `width` neighbours, `width` − 1 fewer than there are values.
fn moving_average(values: &[f64], width: usize) -> Vec<f64> {
    let mut sum: f64 = values[..width].iter().sum();
    let mut means = Vec::with_capacity(values.len() - width + 1);
    means.push(sum / width as f64);
    for (new, old) in values[width..].iter().zip(values) {
        sum += new - old;
        means.push(sum / width as f64);
    }
    means
}

/// Bisquare weights with six median absolute rests as the cut (Cleveland et al. 1990, section 2.4).
fn robust_weights(known: &[f64], present: &[f64], parts: &Decomposition) -> Vec<f64> {
    let rest: Vec<f64> = parts.rest(known).iter().map(|rest| rest.abs()).collect();
    let mut sizes: Vec<f64> =
        rest.iter().zip(present).filter(|(_, present)| **present > 0.0).map(|(r, _)| *r).collect();
    sizes.sort_unstable_by(f64::total_cmp);
    let middle = |at: usize| sizes.get(at).copied().unwrap_or(0.0);
    let cut = 3.0 * (middle(sizes.len() / 2) + middle((sizes.len().max(1) - 1) / 2));
    let weight = |rest: f64| match rest {
        small if small <= 0.001 * cut => 1.0,
        large if large > 0.999 * cut => 0.0,
        _ => (1.0 - (rest / cut).powi(2)).powi(2),
    };
    rest.iter().zip(present).map(|(rest, present)| present * weight(*rest)).collect()
}

#[cfg(test)]
pub(crate) mod tests;
