//! The season that is taken out before the Theta method: by a test on the autocorrelation, and by averages around a
//! moving mean, as factors where the series allows it and as addends else (Assimakopoulos & Nikolopoulos 2000; Fiorucci
//! et al. 2016, section 4). Gaps take part in no average.

use weft_core::series::Series;

/// The 95 % quantile of the normal distribution: the test has one side, 10 % in both.
const CRITICAL: f64 = 1.645;
/// Factors below this would make a division run away.
const SMALLEST_FACTOR: f64 = 0.01;
/// Seasons that must be there.
const FEWEST_SEASONS: usize = 2;

/// A season by phase.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Season {
    by_phase: Vec<f64>,
    is_factor: bool,
}

impl Season {
    /// The season of `length` steps, where the test finds one.
    pub(super) fn find(series: &Series, length: usize) -> Option<Self> {
        let values: Vec<f64> =
            series.iter().map(|value| value.map_or(f64::NAN, f64::from)).collect();
        if length < 2 || values.len() < FEWEST_SEASONS * length || !is_found(&values, length) {
            return None;
        }
        let is_positive = values.iter().all(|value| value.is_nan() || *value > 0.0);
        let factors = is_positive.then(|| Self::average(&values, length, true)).flatten();
        let is_usable =
            |season: &Self| season.by_phase.iter().all(|factor| *factor >= SMALLEST_FACTOR);
        factors.filter(is_usable).or_else(|| Self::average(&values, length, false))
    }

    fn average(values: &[f64], length: usize, is_factor: bool) -> Option<Self> {
        let trend = moving_mean(values, length);
        let (mut sums, mut counts) = (vec![0.0; length], vec![0.0; length]);
        for (index, (value, trend)) in values.iter().zip(&trend).enumerate() {
            let detrended = if is_factor { value / trend } else { value - trend };
            if detrended.is_finite() {
                sums[index % length] += detrended;
                counts[index % length] += 1.0;
            }
        }
        if counts.contains(&0.0) {
            return None;
        }
        let means: Vec<f64> = sums.iter().zip(&counts).map(|(sum, count)| sum / count).collect();
        let mean = means.iter().sum::<f64>() / length as f64;
        let normal = |value: &f64| if is_factor { value / mean } else { value - mean };
        Some(Self { by_phase: means.iter().map(normal).collect(), is_factor })
    }

    pub(super) fn len(&self) -> usize {
        self.by_phase.len()
    }

    pub(super) fn remove(&self, value: f64, phase: usize) -> f64 {
        let season = self.by_phase[phase % self.len()];
        if self.is_factor { value / season } else { value - season }
    }

    pub(super) fn restore(&self, value: f64, phase: usize) -> f64 {
        let season = self.by_phase[phase % self.len()];
        if self.is_factor { value * season } else { value + season }
    }
}

/// Whether the autocorrelation at a season is more than those before it explain (Bartlett's deviation).
fn is_found(values: &[f64], length: usize) -> bool {
    let known = values.iter().filter(|value| !value.is_nan());
    let n = known.clone().count() as f64;
    let mean = known.sum::<f64>() / n;
    let deviations: Vec<f64> =
        values.iter().map(|value| if value.is_nan() { 0.0 } else { value - mean }).collect();
    let product =
        |lag: usize| -> f64 { deviations.iter().zip(&deviations[lag..]).map(|(a, b)| a * b).sum() };
    let whole = product(0);
    if whole <= 1e-12 * n * mean * mean {
        return false;
    }
    let squares: f64 = (1..length).map(|lag| (product(lag) / whole).powi(2)).sum();
    (product(length) / whole).abs() > CRITICAL * ((1.0 + 2.0 * squares) / n).sqrt()
}

/// Means over a season around each step, both ends half for an even season; NaN at the ends and where more than half is
/// missing.
fn moving_mean(values: &[f64], length: usize) -> Vec<f64> {
    let half = length / 2;
    let mut means = vec![f64::NAN; values.len()];
    let mut sums = vec![(0.0, 0.0)];
    for value in values {
        let (sum, count) = sums[sums.len() - 1];
        sums.push(if value.is_nan() { (sum, count) } else { (sum + value, count + 1.0) });
    }
    let between = |from: usize, to: usize| (sums[to].0 - sums[from].0, sums[to].1 - sums[from].1);
    let inner = values.len().saturating_sub(2 * half);
    for (at, mean) in means.iter_mut().enumerate().skip(half).take(inner) {
        let (sum, count) = if length.is_multiple_of(2) {
            let (early, late) =
                (between(at - half, at + half), between(at - half + 1, at + half + 1));
            ((early.0 + late.0) / 2.0, (early.1 + late.1) / 2.0)
        } else {
            between(at - half, at + half + 1)
        };
        if 2.0 * count >= length as f64 {
            *mean = sum / count;
        }
    }
    means
}
