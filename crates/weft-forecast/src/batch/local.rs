//! Quantiles around the path of a model of one series: the model forecasts from a few dozen past origins without having
//! seen what came, and its errors there, pooled over neighbouring steps ahead, give the offsets (split conformal: Papadopoulos
//! et al. 2002). Nothing after an origin is known at it.

use weft_core::forecast::{Levels, ModelName};
use weft_core::series::Series;

use crate::distribution::{conformal_quantile, normal_quantile};
use crate::model::{FittedModel, Model, ModelError, take_step};
use crate::validation::{pinball, truncated};

/// Past origins that are forecast from.
const ORIGINS: usize = 36;
/// Errors below which a pool is not believed: the next nearer one is widened instead.
const FEWEST_ERRORS: usize = 12;
/// Steps ahead whose errors are pooled reach this much further than the first of them.
const POOL_RATIO: f64 = 1.3;
/// The levels at which models are compared: the usual nine.
pub(super) const COMPARED: [f64; 9] = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];

/// A model's path and how it has erred.
#[derive(Debug, Clone)]
pub(super) struct Judged {
    pub(super) model: ModelName,
    path: Vec<f64>,
    pools: Vec<Pool>,
    /// Mean pinball loss over steps and [`COMPARED`]; infinite where nothing could be judged.
    pub(super) loss: f64,
}

/// Errors of neighbouring steps ahead, ascending.
#[derive(Debug, Clone)]
struct Pool {
    first: usize,
    end: usize,
    errors: Vec<f32>,
}

/// When a model may be fitted anew on the way through the past.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refit {
    /// Never: its state follows the samples.
    Never,
    /// At every origin: it has no state that follows.
    Always,
}

/// Fits `model`, judges it from past origins, and gives its path after the end. Errs where it cannot be fitted at all; a
/// history that is too short to judge it leaves it unjudged.
pub(super) fn judge<M: Model>(
    model: &M,
    series: &Series,
    (season, horizon): (usize, usize),
    refit: Refit,
) -> Result<Judged, ModelError> {
    let path = model.fit(series)?.predict(horizon);
    let mut pools = pools(horizon);
    let length = series.len();
    let span = (length / 2).min(horizon + 3 * season);
    let (first, every) = (length - span, (span / ORIGINS).max(1));
    if let Ok(mut fitted) = model.fit(&truncated(series, first)) {
        for origin in first..length {
            if (origin - first).is_multiple_of(every) {
                if refit == Refit::Always && origin > first {
                    fitted = model.fit(&truncated(series, origin))?;
                }
                record(&mut pools, series, origin, &fitted.predict(horizon));
            }
            take_step(&mut fitted, series, origin);
        }
    }
    pools.iter_mut().for_each(|pool| pool.errors.sort_unstable_by(f32::total_cmp));
    let loss = loss(&pools);
    Ok(Judged { model: model.name(), path, pools, loss })
}

fn pools(horizon: usize) -> Vec<Pool> {
    let mut pools = Vec::new();
    let mut first = 0;
    while first < horizon {
        let end = ((first as f64 * POOL_RATIO) as usize + 2).min(horizon);
        pools.push(Pool { first, end, errors: Vec::new() });
        first = end;
    }
    pools
}

fn record(pools: &mut [Pool], series: &Series, origin: usize, path: &[f64]) {
    for pool in pools {
        let aheads = pool.first..pool.end;
        pool.errors.extend(aheads.filter_map(|ahead| {
            Some((f64::from(series.get(origin + ahead)?) - path[ahead]) as f32)
        }));
    }
}

/// Mean over steps of the pinball losses that the errors have around their own quantiles.
fn loss(pools: &[Pool]) -> f64 {
    let (mut sum, mut steps) = (0.0, 0);
    for pool in pools.iter().filter(|pool| pool.errors.len() >= FEWEST_ERRORS) {
        let quantiles = COMPARED.map(|level| f64::from(conformal_quantile(&pool.errors, level)));
        let each = |error: &f32| {
            let losses = COMPARED
                .iter()
                .zip(quantiles)
                .map(|(level, at)| pinball(*level, at, f64::from(*error)));
            losses.sum::<f64>() / COMPARED.len() as f64
        };
        sum += pool.errors.iter().map(each).sum::<f64>() / pool.errors.len() as f64
            * (pool.end - pool.first) as f64;
        steps += pool.end - pool.first;
    }
    if steps == 0 { f64::INFINITY } else { sum / steps as f64 }
}

impl Judged {
    /// Steps × levels, ascending over levels, at least zero where the series never was below.
    pub(super) fn quantiles(&self, levels: &Levels, series: &Series) -> Vec<f32> {
        let least = floor_of(series);
        let mut quantiles = Vec::with_capacity(self.path.len() * levels.as_slice().len());
        let mut known: Option<&Pool> = None;
        for pool in &self.pools {
            known = if pool.errors.len() >= FEWEST_ERRORS { Some(pool) } else { known };
            let offsets = offsets(known, pool, levels, series);
            for ahead in pool.first..pool.end {
                quantiles.extend(
                    offsets.iter().map(|offset| (self.path[ahead] as f32 + offset).max(least)),
                );
            }
        }
        quantiles
    }
}

/// Zero, which no demand is below; where a series itself goes below, nothing.
pub(super) fn floor_of(series: &Series) -> f32 {
    if series.iter().flatten().any(|value| value < 0.0) { f32::NEG_INFINITY } else { 0.0 }
}

/// Offsets at `levels`: the pool's own; those of the last known pool, grown with the root of the distance; or, where no
/// error is known, normal ones as wide as the changes from step to step.
fn offsets(known: Option<&Pool>, pool: &Pool, levels: &Levels, series: &Series) -> Vec<f32> {
    let levels = levels.as_slice().iter();
    match known {
        Some(known) => {
            let growth = (pool.end as f32 / known.end as f32).sqrt();
            levels.map(|level| growth * conformal_quantile(&known.errors, *level)).collect()
        }
        None => {
            let values: Vec<f32> = series.iter().flatten().collect();
            let changes: f32 = values.windows(2).map(|pair| (pair[1] - pair[0]).abs()).sum();
            let width = changes / (values.len().max(2) - 1) as f32 * (pool.end as f32).sqrt();
            levels.map(|level| width * normal_quantile(*level) as f32).collect()
        }
    }
}
