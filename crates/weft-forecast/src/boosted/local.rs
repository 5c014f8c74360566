//! What a series is like by itself: a long autoregression (Yule 1927; Walker 1931, solved by Levinson 1947) and the short
//! period that it repeats most, if any. Both are rough and cheap; the trees learn how far to trust them.

use crate::past::Past;

/// Terms of the autoregression: three hours of five-minute steps.
const TERMS: usize = 36;
/// The longest short period, in steps.
const LONGEST: usize = 144;
/// The outermost values are cut at these shares before correlations are taken: one spike must not make them.
const CUT_SHARE: f64 = 0.005;
/// Added to the variance, so that the equations are solved at ease.
const RIDGE_SHARE: f64 = 1e-3;

/// The ways of one series.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Local {
    weights: Vec<f32>,
    mean: f32,
    /// In steps; 0 where there is none.
    pub(crate) period: usize,
    /// The correlation at the period.
    pub(crate) strength: f32,
}

impl Local {
    /// Looks at all of `past`.
    pub(crate) fn new(past: &Past, season: usize) -> Self {
        let values = centred(past);
        let longest = LONGEST.min(season.saturating_sub(1)).min(past.len() / 4);
        let correlations: Vec<f64> = (0..=longest.max(TERMS.min(past.len() / 4)))
            .map(|lag| correlation(&values.0, lag))
            .collect();
        let terms = TERMS.min(past.len() / 8).min(correlations.len() - 1);
        let (period, strength) = period(&correlations[..=longest]);
        Self { weights: levinson(&correlations, terms), mean: values.1, period, strength }
    }

    /// The path of the autoregression from `origin`.
    pub(crate) fn path(&self, past: &Past, origin: usize, horizon: usize) -> Vec<f32> {
        let terms = self.weights.len();
        let mut known = Vec::with_capacity(terms + horizon);
        let mut last = 0.0;
        for index in origin as isize - terms as isize..origin as isize {
            let value = past.at(index);
            // A gap is as the value before it.
            last = if value.is_nan() { last } else { value - self.mean };
            known.push(last);
        }
        for ahead in 0..horizon {
            let recent = known[ahead..ahead + terms].iter().rev();
            known.push(recent.zip(&self.weights).map(|(value, weight)| value * weight).sum());
        }
        known[terms..].iter().map(|value| value + self.mean).collect()
    }
}

/// The values less their mean, cut; gaps are at the mean.
fn centred(past: &Past) -> (Vec<f32>, f32) {
    let mut sorted: Vec<f32> = past.window(0, past.len()).collect();
    sorted.sort_unstable_by(f32::total_cmp);
    let Some(last) = sorted.len().checked_sub(1) else { return (Vec::new(), 0.0) };
    let cut = |share: f64| sorted[(share * last as f64) as usize];
    let (low, high) = (cut(CUT_SHARE), cut(1.0 - CUT_SHARE));
    let mean = sorted.iter().map(|value| f64::from(value.clamp(low, high))).sum::<f64>()
        / sorted.len() as f64;
    let mean = mean as f32;
    let at = |index: usize| past.at(index as isize);
    let values = (0..past.len())
        .map(at)
        .map(|value| if value.is_nan() { 0.0 } else { value.clamp(low, high) - mean });
    (values.collect(), mean)
}

fn correlation(values: &[f32], lag: usize) -> f64 {
    if lag >= values.len() {
        return 0.0;
    }
    let products = values[lag..].iter().zip(values).map(|(a, b)| a * b);
    let blocks: Vec<f32> = products.collect();
    blocks.chunks(512).map(|block| f64::from(block.iter().sum::<f32>())).sum()
}

/// The lag, beyond the first dip, at which the series is most like itself.
fn period(correlations: &[f64]) -> (usize, f32) {
    let whole = correlations[0].max(f64::MIN_POSITIVE);
    let dip = correlations.windows(2).position(|pair| pair[1] > pair[0]);
    let Some(dip) = dip.filter(|dip| *dip > 0) else { return (0, 0.0) };
    let best =
        (dip..correlations.len()).max_by(|a, b| correlations[*a].total_cmp(&correlations[*b]));
    best.map_or((0, 0.0), |lag| (lag, (correlations[lag] / whole) as f32))
}

fn levinson(correlations: &[f64], terms: usize) -> Vec<f32> {
    let mut weights: Vec<f64> = Vec::new();
    let mut error = correlations[0] * (1.0 + RIDGE_SHARE);
    if error <= 0.0 {
        return Vec::new();
    }
    for term in 0..terms {
        let explained: f64 =
            weights.iter().enumerate().map(|(lag, weight)| weight * correlations[term - lag]).sum();
        let reflection = (correlations[term + 1] - explained) / error;
        let before = weights.clone();
        weights
            .iter_mut()
            .enumerate()
            .for_each(|(lag, weight)| *weight -= reflection * before[term - 1 - lag]);
        weights.push(reflection);
        error *= 1.0 - reflection * reflection;
    }
    weights.into_iter().map(|weight| weight as f32).collect()
}
