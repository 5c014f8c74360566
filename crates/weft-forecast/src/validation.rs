//! Rolling-origin validation: a model is fitted on the past, forecasts from origin after origin, and
//! is judged by what came (Tashman 2000). A forecast, and the quantiles around it, may use only
//! samples and errors that were known at its origin.

use weft_core::forecast::Levels;
use weft_core::series::Series;

use crate::distribution::conformal_quantile;
use crate::model::{FittedModel, Model, ModelError, take_step};

/// From where to forecast, how far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origins {
    /// Steps before the first origin: what the model is fitted to.
    pub first: usize,
    /// Steps between two origins.
    pub every: usize,
    /// Steps ahead.
    pub horizon: usize,
    /// The model is fitted anew after this many steps; in between it is only updated.
    pub refit_every: usize,
}

/// How a model did at one origin.
#[derive(Debug, Clone, PartialEq)]
pub struct OriginScore {
    /// Steps before the origin.
    pub origin: usize,
    /// Mean pinball loss over steps ahead and levels; `None` before enough errors are known to put
    /// quantiles around the forecast, or where only gaps came.
    pub pinball: Option<f64>,
    /// The point forecasts.
    pub path: Vec<f64>,
}

/// The pinball loss of `quantile` at `level` where `actual` came (Koenker & Bassett 1978).
pub fn pinball(level: f64, quantile: f64, actual: f64) -> f64 {
    let above = actual - quantile;
    if above >= 0.0 { level * above } else { (level - 1.0) * above }
}

/// Mean pinball loss over all origins that have one.
pub fn mean_pinball(scores: &[OriginScore]) -> Option<f64> {
    let losses: Vec<f64> = scores.iter().filter_map(|score| score.pinball).collect();
    (!losses.is_empty()).then(|| losses.iter().sum::<f64>() / losses.len() as f64)
}

/// Errors needed at a step ahead before quantiles are put around it.
const FEWEST_ERRORS: usize = 4;

/// Forecasts `series` from every origin. Quantiles are the point forecast plus the conformal
/// quantiles of the errors at the same step ahead of those earlier origins whose outcome was known.
/// Errs where the model cannot be fitted before the first origin.
pub fn rolling_origin<M: Model>(
    model: &M,
    series: &Series,
    origins: &Origins,
    levels: &Levels,
) -> Result<Vec<OriginScore>, ModelError> {
    let mut fitted = model.fit(&truncated(series, origins.first))?;
    let mut scores: Vec<OriginScore> = Vec::new();
    for origin in origins.first..series.len() {
        let passed = origin - origins.first;
        if passed > 0 && passed.is_multiple_of(origins.refit_every.max(1)) {
            fitted = model.fit(&truncated(series, origin))?;
        } else if passed > 0 {
            take_step(&mut fitted, series, origin - 1);
        }
        if passed.is_multiple_of(origins.every.max(1)) {
            let path = fitted.predict(origins.horizon);
            let pinball = judge(series, &scores, origin, &path, levels);
            scores.push(OriginScore { origin, pinball, path });
        }
    }
    Ok(scores)
}

/// The first `steps` of `series`.
pub(crate) fn truncated(series: &Series, steps: usize) -> Series {
    let mut past = Series::new(series.start(), series.step());
    for index in 0..steps.min(series.len()) {
        past.push(series.get(index), series.is_censored(index));
    }
    past
}

fn judge(
    series: &Series,
    earlier: &[OriginScore],
    origin: usize,
    path: &[f64],
    levels: &Levels,
) -> Option<f64> {
    let (mut sum, mut count) = (0.0, 0_usize);
    for (ahead, point) in path.iter().enumerate() {
        let Some(actual) = series.get(origin + ahead) else { continue };
        let known = earlier.iter().filter(|score| score.origin + ahead < origin);
        let error = |score: &OriginScore| {
            let came = series.get(score.origin + ahead)?;
            Some((f64::from(came) - score.path[ahead]) as f32)
        };
        let mut errors: Vec<f32> = known.filter_map(error).collect();
        if errors.len() < FEWEST_ERRORS {
            continue;
        }
        errors.sort_unstable_by(f32::total_cmp);
        for level in levels.as_slice() {
            let quantile = point + f64::from(conformal_quantile(&errors, *level));
            sum += pinball(*level, quantile.max(0.0), f64::from(actual));
            count += 1;
        }
    }
    (count > 0).then(|| sum / count as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ets::Ets;
    use crate::floors::{LastValue, SeasonalNaive};
    use crate::generated::{Noise, series_of};

    const ORIGINS: Origins = Origins { first: 96, every: 6, horizon: 24, refit_every: 48 };

    fn levels() -> Levels {
        Levels::new(&[0.1, 0.5, 0.9]).expect("levels")
    }

    fn daily(seed: u64, steps: usize) -> Vec<f64> {
        let mut noise = Noise::new(seed);
        let wave = |t: usize| (t as f64 / 48.0 * std::f64::consts::TAU).sin();
        (0..steps).map(|t| 30.0 + 8.0 * wave(t) + 2.0 * noise.normal()).collect()
    }

    #[test]
    fn pinball_weighs_both_sides() {
        assert!((pinball(0.9, 10.0, 12.0) - 1.8).abs() < 1e-12);
        assert!((pinball(0.9, 12.0, 10.0) - 0.2).abs() < 1e-12);
    }

    #[test]
    fn smoothing_beats_the_floors_on_a_noisy_season() {
        let series = series_of(daily(11, 480));
        let loss = |scores: Result<Vec<OriginScore>, ModelError>| {
            mean_pinball(&scores.expect("long enough")).expect("scores")
        };
        let ets = loss(rolling_origin(&Ets { season: Some(48) }, &series, &ORIGINS, &levels()));
        let last = loss(rolling_origin(&LastValue, &series, &ORIGINS, &levels()));
        let seasonal = SeasonalNaive { season: 48 };
        let seasonal = loss(rolling_origin(&seasonal, &series, &ORIGINS, &levels()));
        assert!(ets < 0.85 * seasonal && ets < 0.6 * last, "{ets}, {seasonal}, {last}");
    }

    #[test]
    fn a_poisoned_future_changes_no_earlier_forecast() {
        let clean = daily(12, 300);
        let mut poisoned = clean.clone();
        poisoned[200..].fill(1e9);
        let model = Ets { season: Some(48) };
        let scores = |values: Vec<f64>| {
            rolling_origin(&model, &series_of(values), &ORIGINS, &levels()).expect("long enough")
        };
        let (clean, poisoned) = (scores(clean), scores(poisoned));
        let mut differing = 0;
        for (a, b) in clean.iter().zip(&poisoned) {
            if a.origin <= 200 {
                assert_eq!(a.path, b.path, "at {}", a.origin);
            }
            if a.origin + ORIGINS.horizon <= 200 {
                assert_eq!(a.pinball, b.pinball, "at {}", a.origin);
            }
            differing += usize::from(a.path != b.path);
        }
        assert!(differing > 5, "the poison is strong enough to be seen after it");
    }
}
