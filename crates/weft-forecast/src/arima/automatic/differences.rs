//! How often a series must be differenced: seasonally by the strength of its season, plainly by the test of
//! Kwiatkowski, Phillips, Schmidt & Shin (1992), whose hypothesis is that there is a level to return to.

use crate::stl::Stl;

/// Strength from which a season is differenced (Wang, Smith & Hyndman 2006; the threshold is that of R's `nsdiffs`).
const STRONG: f64 = 0.64;
/// Seasons over which a phase is smoothed for it.
const SEASONAL_WINDOW: usize = 11;
/// Critical value of the test at 5 % (Kwiatkowski et al. 1992, table 1, level).
const CRITICAL: f64 = 0.463;
const MOST_DIFFERENCES: usize = 2;
/// Fewer values than these are not tested.
const FEWEST_TESTED: usize = 10;

/// d and D for `values`, NaN at gaps.
pub(super) fn choose(values: &[f64], season: usize) -> (usize, usize) {
    let is_seasonal = season > 1
        && values.len() >= 3 * season
        && !is_constant(values)
        && Stl::new(season, SEASONAL_WINDOW).decompose(values).seasonal_strength(values) > STRONG;
    let seasonal = usize::from(is_seasonal);
    let mut left = if is_seasonal { differenced(values, season) } else { values.to_vec() };
    let mut plain = 0;
    while plain < MOST_DIFFERENCES && !is_constant(&left) && wanders(&left) {
        left = differenced(&left, 1);
        plain += 1;
    }
    (plain, seasonal)
}

/// Each value less that of `lag` steps before; NaN where one of them is missing, `lag` shorter.
pub(super) fn differenced(values: &[f64], lag: usize) -> Vec<f64> {
    values.iter().zip(values.get(lag..).unwrap_or_default()).map(|(old, new)| new - old).collect()
}

/// Whether all that is there is the same, to the precision of a sample.
pub(super) fn is_constant(values: &[f64]) -> bool {
    let known = || values.iter().filter(|value| !value.is_nan());
    let (low, high) = known()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(*v), high.max(*v)));
    known().count() < 2 || high - low <= 1e-7 * high.abs().max(low.abs())
}

/// Whether the test refuses that there is a level. Gaps take part in no sum.
fn wanders(values: &[f64]) -> bool {
    statistic(values).is_some_and(|statistic| statistic > CRITICAL)
}

/// Σ S² / (n² s²) with the partial sums S of the deviations and their long-run variance s² by Bartlett's weights over
/// ⌊3√n / 13⌋ lags; `None` for too few values.
fn statistic(values: &[f64]) -> Option<f64> {
    let known = values.iter().filter(|value| !value.is_nan());
    let count = known.clone().count();
    if count < FEWEST_TESTED {
        return None;
    }
    let n = count as f64;
    let mean = known.sum::<f64>() / n;
    let deviations: Vec<f64> = values.iter().map(|value| value - mean).collect();
    let product = |lag: usize| -> f64 {
        let pairs = deviations.iter().zip(&deviations[lag..]);
        pairs.map(|(a, b)| a * b).filter(|product| !product.is_nan()).sum::<f64>() / n
    };
    let lags = (3.0 * n.sqrt() / 13.0) as usize;
    let weight = |lag: usize| 2.0 * (1.0 - lag as f64 / (lags + 1) as f64);
    let long_run = product(0) + (1..=lags).map(|lag| weight(lag) * product(lag)).sum::<f64>();
    let (mut sum, mut squares) = (0.0, 0.0);
    for deviation in deviations.iter().filter(|deviation| !deviation.is_nan()) {
        sum += deviation;
        squares += sum * sum;
    }
    (long_run > 0.0).then(|| squares / (n * n * long_run))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generated::Noise;

    #[test]
    fn the_statistic_is_what_its_sums_say() {
        // Eleven values of which every other is −1 and 1, with no lag: S is −1, 0, −1, … about a mean of −1/11.
        let values: Vec<f64> = (0..11).map(|t| if t % 2 == 0 { -1.0 } else { 1.0 }).collect();
        let mean = -1.0 / 11.0;
        let (mut sum, mut squares, mut variance) = (0.0, 0.0, 0.0);
        for value in &values {
            sum += value - mean;
            squares += sum * sum;
            variance += (value - mean) * (value - mean) / 11.0;
        }
        let expected = squares / (121.0 * variance);
        assert!((statistic(&values).expect("enough") - expected).abs() < 1e-12);
        assert_eq!(statistic(&values[..9]), None);
    }

    #[test]
    fn what_wanders_is_differenced_once_and_what_returns_is_not() {
        let mut noise = Noise::new(4);
        let (mut walk, mut returning) = (0.0, 0.0);
        let (mut walks, mut returns) = (Vec::new(), Vec::new());
        for step in 0..600 {
            let shock = noise.normal();
            walk += shock;
            returning = 0.3 * returning + shock;
            let is_gap = step % 13 == 0;
            walks.push(if is_gap { f64::NAN } else { walk });
            returns.push(if is_gap { f64::NAN } else { returning });
        }
        assert_eq!(choose(&walks, 1), (1, 0));
        assert_eq!(choose(&returns, 1), (0, 0));
        let wave = |t: usize| 5.0 * (t as f64 * std::f64::consts::TAU / 12.0).sin();
        let seasonal: Vec<f64> = returns.iter().enumerate().map(|(t, v)| v + wave(t)).collect();
        assert_eq!(choose(&seasonal, 12), (0, 1));
        assert_eq!(choose(&returns, 12), (0, 0));
        assert_eq!(choose(&[3.0; 40], 12), (0, 0));
    }
}
