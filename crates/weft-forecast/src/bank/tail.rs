//! How the sums over hosts fell around their forecast. For every origin the mean and deviation of
//! each host's sum are remembered; when a step has passed, the standardised error of the true sum is
//! learned, per bucket. The members are those at the origin: a move in between is no error of the
//! forecast. Nothing may be learned from a step that is not complete.

use std::collections::VecDeque;
use std::sync::Arc;

use weft_core::scenario::{Load, Tail};

use super::lanes::{Lanes, scattered};
use crate::distribution::Histogram;

/// Errors weigh half after this many days: long enough for the rare ones that a 99th percentile
/// needs, short enough that a week after a model came to act the errors of the one before are gone.
const HALF_LIFE_DAYS: f64 = 1.5;
/// So many independent errors weigh as much as what was believed before.
const PRIOR_ERRORS: f64 = 20.0;
/// A level is read off the errors where this many lie beyond it; further out the tail is
/// extrapolated.
const ERRORS_BEYOND: f64 = 5.0;
/// The slope of the extrapolation is measured over this ratio of exceedances.
const SLOPE_RATIO: f64 = 4.0;

/// The members of one host at an origin: the number of a series, and its share there.
pub(super) type Members = Vec<(u32, f32)>;

/// Sums forecast at one origin.
#[derive(Debug)]
struct Remembered {
    origin: i64,
    groups: Arc<Vec<Members>>,
    /// Groups × buckets.
    loads: Vec<Load>,
}

/// Samples of one step, by number of series.
pub(super) struct Actual {
    /// NaN where there is none.
    pub(super) values: Vec<f32>,
    pub(super) censored: Vec<bool>,
}

#[derive(Debug)]
struct Errors {
    histogram: Histogram,
    /// Sum of their squares, and of the squares of their sums per tick; forgotten like them.
    squares: f64,
    squares_of_ticks: f64,
}

/// The learned tail.
#[derive(Debug)]
pub(super) struct HostTail {
    remembered: VecDeque<Remembered>,
    errors: Vec<Errors>,
}

impl HostTail {
    pub(super) fn new(buckets: usize) -> Self {
        let fresh = || Errors { histogram: Histogram::new(), squares: 0.0, squares_of_ticks: 0.0 };
        Self {
            remembered: VecDeque::new(),
            errors: std::iter::repeat_with(fresh).take(buckets).collect(),
        }
    }

    /// Keeps what was forecast at `origin` (loads: groups × buckets).
    pub(super) fn remember(
        &mut self,
        origin: i64,
        groups: Vec<Members>,
        loads: Vec<Load>,
        lanes: &Lanes,
    ) {
        let same = self.remembered.back().filter(|last| *last.groups == groups);
        let groups = same.map_or_else(|| Arc::new(groups), |last| Arc::clone(&last.groups));
        self.remembered.push_back(Remembered { origin, groups, loads });
        let oldest = origin - lanes.buckets().horizon_steps() as i64;
        while self.remembered.front().is_some_and(|first| first.origin <= oldest) {
            self.remembered.pop_front();
        }
    }

    /// Learns from `step`, which is complete: per bucket from one origin, such that it is any
    /// step of the bucket alike.
    pub(super) fn learn(&mut self, step: i64, actual: &Actual, lanes: &Lanes) {
        let keep = 0.5_f64.powf(1.0 / (HALF_LIFE_DAYS * lanes.season() as f64));
        for (bucket, (lane, errors)) in lanes.iter().zip(&mut self.errors).enumerate() {
            errors.histogram.forget(keep);
            errors.squares *= keep;
            errors.squares_of_ticks *= keep;
            let origin = step - lane.begin - scattered(step, lane.width());
            let position = self.remembered.partition_point(|past| past.origin < origin);
            let Some(past) = self.remembered.get(position) else { continue };
            if past.origin == origin {
                errors.learn(past, bucket, lanes.len(), actual);
            }
        }
    }

    /// The tail as learned so far: per bucket the quantiles of its errors, blended with the tail of
    /// the bucket before it (the normal one for the first) by how many errors there are.
    pub(super) fn tail(&self, lanes: &Lanes) -> Tail {
        let mut columns: Vec<Vec<f32>> = Vec::with_capacity(lanes.len());
        let mut prior = Tail::NORMAL.to_vec();
        for (lane, errors) in lanes.iter().zip(&self.errors) {
            prior = errors.multipliers(&prior, lane.stride());
            columns.push(prior.clone());
        }
        let levels = 0..Tail::LEVELS.len();
        let rows = levels.flat_map(|level| columns.iter().map(move |column| column[level]));
        Tail::new(rows.collect(), lanes.len()).expect("one multiplier per level and bucket")
    }
}

impl Errors {
    fn learn(&mut self, past: &Remembered, bucket: usize, buckets: usize, actual: &Actual) {
        let mut of_tick = 0.0;
        for (group, members) in past.groups.iter().enumerate() {
            let load = past.loads[group * buckets + bucket];
            let (mut sum, mut is_censored) = (0.0_f32, false);
            for (number, share) in members {
                sum += actual.values[*number as usize] * share;
                is_censored |= actual.censored[*number as usize];
            }
            // A member without a sample makes the sum not a number: nothing is learned from it.
            if load.deviation > 0.0 && !sum.is_nan() {
                let error = (sum - load.mean) / load.deviation;
                self.histogram.record(error, is_censored);
                self.squares += f64::from(error * error);
                of_tick += f64::from(error);
            }
        }
        self.squares_of_ticks += of_tick * of_tick;
    }

    /// How many independent errors these are worth: as many as would give the mean the variance
    /// that it has when each tick is taken as one (the design effect of clusters: Kish 1965, section
    /// 5.4). Hosts that err together count as one. Ticks whose windows overlap count once.
    fn independent(&self, stride: i64) -> f64 {
        if self.squares_of_ticks <= 0.0 {
            return 0.0;
        }
        let count = self.histogram.count();
        let effect = (self.squares_of_ticks / self.squares).max(1.0);
        count / effect / stride as f64
    }

    fn multipliers(&self, prior: &[f32], stride: i64) -> Vec<f32> {
        let n = self.independent(stride);
        if n < 1.0 {
            return prior.to_vec();
        }
        // Beyond the deepest level that the errors show, the exceedance falls exponentially (a
        // generalised Pareto tail of shape zero: Pickands 1975), by the slope found before it.
        let deepest = (1.0 - ERRORS_BEYOND / n).max(0.5);
        let nearer = (1.0 - SLOPE_RATIO * (1.0 - deepest)).max(0.05);
        let conformal = |level: f64| (level * (n + 1.0) / n).min(1.0);
        let shown = self.histogram.quantiles(&[nearer, deepest]);
        let distance = ((1.0 - nearer) / (1.0 - deepest)).ln() as f32;
        let slope = ((shown[1] - shown[0]) / distance).max(0.0);
        let wanted: Vec<f64> = Tail::LEVELS.iter().map(|l| conformal(*l).min(deepest)).collect();
        let found = self.histogram.quantiles(&wanted);
        let weight = (n / (n + PRIOR_ERRORS)) as f32;
        let blended = |index: usize| {
            let level = Tail::LEVELS[index];
            let beyond = ((1.0 - deepest) / (1.0 - level)).ln().max(0.0) as f32;
            let own = found[index] + slope * beyond;
            prior[index] + weight * (own - prior[index])
        };
        (0..Tail::LEVELS.len()).map(blended).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generated::Noise;
    use weft_core::forecast::Confidence;
    use weft_core::scenario::Buckets;

    /// Ten hosts of one series each, forecast with mean 0 and deviation 1; what comes is `error`.
    fn learned(ticks: i64, mut error: impl FnMut() -> f64) -> Tail {
        let lanes = Lanes::new(&Buckets::new(&[1, 2]).expect("buckets"), 288, 8);
        let mut tail = HostTail::new(2);
        let load = Load { mean: 0.0, deviation: 1.0 };
        for step in 0..ticks {
            let values: Vec<f32> = (0..10).map(|_| error() as f32).collect();
            tail.learn(step, &Actual { values, censored: vec![false; 10] }, &lanes);
            let groups = (0..10).map(|number| vec![(number, 1.0)]).collect();
            tail.remember(step + 1, groups, vec![load; 20], &lanes);
        }
        tail.tail(&lanes)
    }

    fn multiplier(tail: &Tail, level: f64) -> f32 {
        tail.multiplier(Confidence::new(level).expect("level"), 1)
    }

    #[test]
    fn the_tail_begins_normal_and_becomes_what_came() {
        assert_eq!(learned(0, || 0.0), Tail::normal(2));
        let mut noise = Noise::new(4);
        // Twice as wide as was forecast, and a heavier tail: exponential to the right.
        let tail = learned(600, || -2.0 * noise.uniform().ln());
        for level in [0.5_f64, 0.9, 0.95, 0.99, 0.999] {
            let expected = -2.0 * (1.0 - level).ln();
            let found = f64::from(multiplier(&tail, level));
            assert!((found / expected - 1.0).abs() < 0.15, "{found} for {expected} at {level}");
        }
    }

    #[test]
    fn a_sum_with_a_gap_teaches_nothing() {
        assert_eq!(learned(50, || f64::NAN), Tail::normal(2));
    }
}
