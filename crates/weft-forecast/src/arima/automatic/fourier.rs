//! Long seasons as Fourier terms. How many is chosen by AICc on what an autoregression makes white: least squares on a
//! series that remembers would take every slow wave of its noise for a season (Hyndman & Athanasopoulos 2021, section
//! 10.5).

use std::f64::consts::TAU;

use weft_core::series::Series;

use super::super::{Data, regressed};
use crate::arima::filter::Process;

/// Harmonics of a day at most: waves down to two and a half hours.
const MOST_DAILY: usize = 10;
/// Harmonics of a week at most: the seventh is the day.
const MOST_WEEKLY: usize = 6;
const DAYS: usize = 7;
/// Days that must be there before a day is looked for.
const FEWEST_DAYS: usize = 2;
/// Weeks that must be there before a week is: over two weeks its waves cannot be told from a level that wanders, and
/// forecasts a day ahead were 7 % worse with it than without (75 fits on processor use).
const FEWEST_WEEKS: usize = 4;
/// Order of the autoregression that makes white.
const WHITENING: usize = 6;
/// Share of the samples that harmonics may take as parameters.
const MOST_SHARE: f64 = 0.1;

/// Waves of some periods and their harmonics.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Fourier {
    waves: Vec<Wave>,
}

#[derive(Debug, Clone, PartialEq)]
struct Wave {
    harmonics: usize,
    /// Sine and cosine at each step of the period.
    circle: Vec<(f64, f64)>,
}

impl Wave {
    fn new(period: usize, harmonics: usize) -> Self {
        let circle = (0..period).map(|step| (TAU * step as f64 / period as f64).sin_cos());
        Self { harmonics, circle: circle.collect() }
    }
}

impl Fourier {
    fn new(waves: &[(usize, usize)]) -> Self {
        let kept = waves.iter().filter(|(_, harmonics)| *harmonics > 0);
        Self { waves: kept.map(|(period, harmonics)| Wave::new(*period, *harmonics)).collect() }
    }

    pub(super) fn waves(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        self.waves.iter().map(|wave| (wave.circle.len(), wave.harmonics))
    }

    pub(super) fn columns(&self) -> usize {
        self.waves.iter().map(|wave| 2 * wave.harmonics).sum()
    }

    /// Appends the terms of a step: sine and cosine of each harmonic of each period.
    pub(super) fn write(&self, step: usize, row: &mut Vec<f64>) {
        for wave in &self.waves {
            let period = wave.circle.len();
            for harmonic in 1..=wave.harmonics {
                let (sine, cosine) = wave.circle[step % period * harmonic % period];
                row.extend([sine, cosine]);
            }
        }
    }

    /// The terms by column, over the first `steps` steps.
    pub(super) fn over(&self, steps: usize) -> Vec<Vec<f64>> {
        let mut columns = vec![Vec::with_capacity(steps); self.columns()];
        let mut row = Vec::with_capacity(columns.len());
        for step in 0..steps {
            row.clear();
            self.write(step, &mut row);
            columns.iter_mut().zip(&row).for_each(|(column, value)| column.push(*value));
        }
        columns
    }
}

/// The Fourier terms for a day of `day` steps (1: none), and what they and the regressors leave of the series, NaN at
/// gaps.
pub(super) fn choose(series: &Series, regressors: &[Vec<f64>], day: usize) -> (Fourier, Vec<f64>) {
    let present = series.iter().flatten().count() as f64;
    let affordable = (present * MOST_SHARE / 2.0) as usize;
    let most = |period: usize, fewest: usize, most: usize| {
        if period < 2 || series.len() < fewest * period { 0 } else { most.min(affordable) }
    };
    let week = day * DAYS;
    let (daily, weekly) = (
        most(day, FEWEST_DAYS, MOST_DAILY).min(day / 2),
        if day > 1 { most(week, FEWEST_WEEKS, MOST_WEEKLY) } else { 0 },
    );
    let all = Fourier::new(&[(day, daily), (week, weekly)]);
    if all.columns() + regressors.len() == 0 {
        let value = |value: Option<f32>| value.map_or(f64::NAN, f64::from);
        return (all, series.iter().map(value).collect());
    }
    let columns: Vec<Vec<f64>> = regressors.iter().cloned().chain(all.over(series.len())).collect();
    let data = Data::new(series, &columns, true);
    let plain =
        data.likelihood(Process { ar: Vec::new(), ma: Vec::new(), differencing: Vec::new() });
    let ar = autoregression(&data.without(&plain.regression).rows);
    let (products, counted) =
        data.products(Process { ar, ma: Vec::new(), differencing: Vec::new() });
    let nested = Nested { products, counted, width: data.columns };
    let (fixed, most_daily) = (2 + regressors.len(), daily);
    let kept = |daily: usize, weekly_kept: usize| -> Vec<usize> {
        let start = fixed + 2 * most_daily;
        (0..fixed + 2 * daily).chain(start..start + 2 * weekly_kept).collect()
    };
    let daily = (0..=daily)
        .min_by(|a, b| nested.aicc(&kept(*a, 0)).total_cmp(&nested.aicc(&kept(*b, 0))))
        .unwrap_or(0);
    let weekly = (0..=weekly)
        .min_by(|a, b| nested.aicc(&kept(daily, *a)).total_cmp(&nested.aicc(&kept(daily, *b))))
        .unwrap_or(0);
    let kept = kept(daily, weekly);
    let (coefficients, _) = nested.regressed(&kept);
    let mut regression = vec![0.0; data.columns - 1];
    kept[1..].iter().zip(&coefficients).for_each(|(at, value)| regression[at - 1] = *value);
    (Fourier::new(&[(day, daily), (week, weekly)]), data.without(&regression).rows)
}

/// All products of the columns, of which some may be left out.
struct Nested {
    products: Vec<f64>,
    counted: usize,
    width: usize,
}

impl Nested {
    /// The regression of the first of `kept` on the others, and its squares.
    fn regressed(&self, kept: &[usize]) -> (Vec<f64>, f64) {
        let row = |row: &usize| {
            kept.iter().map(|column| self.products[row * self.width + column]).collect::<Vec<_>>()
        };
        regressed(&kept.iter().flat_map(row).collect::<Vec<_>>(), kept.len())
    }

    fn aicc(&self, kept: &[usize]) -> f64 {
        let (n, k) = (self.counted as f64, kept.len() as f64);
        let squares = self.regressed(kept).1.max(f64::MIN_POSITIVE);
        if n - k - 1.0 <= 0.0 {
            f64::INFINITY
        } else {
            n * (squares / n).ln() + 2.0 * k * n / (n - k - 1.0)
        }
    }
}

/// The autoregression that the autocovariances of `values` give (Yule & Walker, by Durbin and Levinson's recursion), of
/// the pairs that are there.
fn autoregression(values: &[f64]) -> Vec<f64> {
    let covariance = |lag: usize| {
        let pairs = values.iter().zip(values.get(lag..).unwrap_or_default());
        let (mut sum, mut count) = (0.0, 0_u32);
        for product in pairs.map(|(a, b)| a * b).filter(|product| !product.is_nan()) {
            sum += product;
            count += 1;
        }
        sum / f64::from(count.max(1))
    };
    let covariances: Vec<f64> = (0..=WHITENING).map(covariance).collect();
    let mut ar: Vec<f64> = Vec::new();
    let mut left = covariances[0];
    for lag in 1..=WHITENING {
        let known: f64 = ar.iter().enumerate().map(|(k, phi)| phi * covariances[lag - 1 - k]).sum();
        // Pairs that are missing can push the partial autocorrelation beyond what is stationary.
        let partial =
            if left > 0.0 { ((covariances[lag] - known) / left).clamp(-0.999, 0.999) } else { 0.0 };
        let before = ar.clone();
        ar.iter_mut().zip(before.iter().rev()).for_each(|(phi, other)| *phi -= partial * other);
        ar.push(partial);
        left *= 1.0 - partial * partial;
    }
    ar
}
