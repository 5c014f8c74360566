//! What all series know together: the shape of errors by bucket, in one-step errors of their
//! series, and how errors grow with the distance. Series that know little of their own borrow it.
//! Only errors of completed windows may come in, in the order of the series.

use super::forecaster::Standardised;
use super::interval;
use super::lanes::Lanes;
use crate::distribution::{Histogram, normal_quantile};

/// Pooled errors weigh half after this many days.
const HALF_LIFE_DAYS: f64 = 3.0;
/// Pooled errors in a bucket below which its growth is extrapolated and its shape is normal.
const FEWEST_ERRORS: f64 = 50.0;
/// The growth exponent before it can be measured, and the largest that is believed: errors of a
/// random walk grow with the square root of time.
const RANDOM_WALK: f32 = 0.5;
/// Errors in one bucket.
#[derive(Debug, Clone)]
struct Errors {
    /// Of single steps.
    shape: Histogram,
    /// Sum and weight of the absolute errors of bucket means.
    absolute: f64,
    weight: f64,
}

/// See the module.
#[derive(Debug, Clone)]
pub(super) struct Pool {
    keep: f64,
    errors: Vec<Errors>,
    growth: Vec<f32>,
    reference: Vec<[f32; 3]>,
}

impl Pool {
    pub(super) fn new(lanes: &Lanes) -> Self {
        let fresh = || Errors { shape: Histogram::new(), absolute: 0.0, weight: 0.0 };
        let mut pool = Self {
            keep: 0.5_f64.powf(1.0 / (HALF_LIFE_DAYS * lanes.season() as f64)),
            errors: std::iter::repeat_with(fresh).take(lanes.len()).collect(),
            growth: Vec::new(),
            reference: Vec::new(),
        };
        pool.settle(lanes);
        pool
    }

    /// Lets a step pass.
    pub(super) fn forget(&mut self) {
        for errors in &mut self.errors {
            errors.shape.forget(self.keep);
            errors.absolute *= self.keep;
            errors.weight *= self.keep;
        }
    }

    pub(super) fn learn(&mut self, completed: &[Standardised]) {
        for error in completed {
            let errors = &mut self.errors[error.bucket];
            errors.shape.record(error.probe, false);
            if error.mean.is_finite() {
                errors.absolute += f64::from(error.mean.abs());
                errors.weight += 1.0;
            }
        }
    }

    /// Draws the conclusions from what was learned since.
    pub(super) fn settle(&mut self, lanes: &Lanes) {
        self.growth = self.grown(lanes);
        let reference = |bucket| {
            let quantiles = self.quantiles(bucket, &interval::LEVELS);
            <[f32; 3]>::try_from(quantiles).expect("one quantile per level")
        };
        self.reference = (0..lanes.len()).map(reference).collect();
    }

    fn grown(&self, lanes: &Lanes) -> Vec<f32> {
        let known = |bucket: usize| {
            let errors = &self.errors[bucket];
            let is_known = errors.weight >= FEWEST_ERRORS && errors.absolute > 0.0;
            is_known.then(|| (errors.absolute / errors.weight) as f32)
        };
        let first = known(0).unwrap_or(1.0);
        let mut growth: Vec<f32> = vec![1.0];
        let mut exponent = RANDOM_WALK;
        for bucket in 1..lanes.len() {
            let before = growth[bucket - 1];
            let farther = lanes.get(bucket).end as f32 / lanes.get(bucket - 1).end as f32;
            if let Some(absolute) = known(bucket) {
                growth.push(absolute / first);
                // Measured from the nearest step to the farthest bucket that is known.
                let distance = (lanes.get(bucket).end as f32).ln();
                exponent = (growth[bucket].ln() / distance).clamp(0.0, RANDOM_WALK);
            } else {
                growth.push(before * farther.powf(exponent));
            }
        }
        growth
    }

    /// How many times larger errors are in `bucket` than in the next step.
    pub(super) fn growth(&self, bucket: usize) -> f32 {
        self.growth[bucket]
    }

    /// The quantiles at [`interval::LEVELS`], in one-step errors.
    pub(super) fn reference(&self, bucket: usize) -> &[f32] {
        &self.reference[bucket]
    }

    /// The quantiles of single steps in `bucket` at ascending `levels`, in one-step errors.
    pub(super) fn quantiles(&self, bucket: usize, levels: &[f64]) -> Vec<f32> {
        let errors = &self.errors[bucket];
        if errors.shape.count() >= FEWEST_ERRORS {
            return errors.shape.quantiles(levels);
        }
        // Mean absolute errors are compared with mean absolute ones, so the ratio is of deviations.
        let deviation = f64::from(self.growth[bucket]);
        levels.iter().map(|level| (normal_quantile(*level) * deviation) as f32).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use weft_core::scenario::Buckets;

    fn lanes() -> Lanes {
        Lanes::new(&Buckets::new(&[1, 4, 16, 64]).expect("buckets"), 288, 8)
    }

    #[test]
    fn growth_is_that_of_a_random_walk_until_it_is_measured() {
        let lanes = lanes();
        let mut pool = Pool::new(&lanes);
        let growth = |pool: &Pool| (0..4).map(|b| pool.growth(b)).collect::<Vec<_>>();
        assert_eq!(growth(&pool), [1.0, 2.0, 4.0, 8.0]);
        let error = |bucket, mean| Standardised { bucket, mean, probe: mean };
        for sign in [1.0, -1.0].repeat(100) {
            pool.learn(&[error(0, 0.5 * sign), error(1, 0.5 * sign)]);
        }
        pool.settle(&lanes);
        assert_eq!(growth(&pool), [1.0; 4], "errors that do not grow are not made to");
        assert!((f64::from(pool.quantiles(1, &[0.975])[0]) - 0.5).abs() < 0.1);
    }
}
