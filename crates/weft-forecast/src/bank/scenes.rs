//! Scenarios from the residuals of past windows. Scenario `s` takes in each bucket the window that
//! is `s`-th for all series alike, so that what happened together stays together. What a series
//! lacks is borrowed, in the same windows: from its own nearer buckets, scaled by how errors grow,
//! or, where it is young, from an older series of its kind. Residuals are centred: the mean of a
//! series is its forecast, whatever its recent windows were biased by.

use std::collections::BTreeMap;
use std::sync::Arc;

use half::f16;
use half::slice::HalfFloatSliceExt;
use rayon::iter::{IndexedParallelIterator, IntoParallelRefIterator, ParallelIterator};
use rayon::slice::ParallelSliceMut;
use weft_core::resource::Measure;
use weft_core::scenario::{ScenarioParts, Scenarios, Tail};
use weft_core::time::{Step, Timestamp};

use super::forecaster::Forecaster;
use super::lanes::{Lanes, scattered};
use super::pool::Pool;
use super::told::BucketLift;
use crate::distribution::normal_quantile;

/// One-step errors below which a series is young and borrows: an hour of five-minute steps.
const YOUNG_ERRORS: u32 = 12;
/// What is expected of a young series' errors from its level weighs as much as this many own ones.
const PRIOR_ERRORS: f32 = 8.0;
/// Series in a parallel piece of work: some hundred microseconds.
const CHUNK: usize = 64;

/// Older series of each measure by their level, ascending: whom a young one can borrow from.
type Donors<'a> = BTreeMap<&'a Measure, Vec<(f32, &'a Forecaster)>>;

/// What scenarios are built from.
pub(super) struct Scenes<'a> {
    /// Series that have had a sample, in order.
    pub(super) known: Vec<&'a Forecaster>,
    pub(super) lanes: &'a Lanes,
    pub(super) pool: &'a Pool,
    /// The first origin that existed.
    pub(super) first_origin: i64,
    /// Steps before the origin.
    pub(super) now: i64,
    pub(super) step: Step,
}

impl Scenes<'_> {
    pub(super) fn scenarios(&self, tail: Tail) -> Scenarios {
        let (buckets, windows) = (self.lanes.len(), self.lanes.windows());
        let choice = self.lanes.choice(self.now, self.first_origin);
        let donors = self.donors();
        let lifts: Vec<Option<Vec<BucketLift>>> = self
            .known
            .par_iter()
            .with_min_len(CHUNK)
            .map(|series| series.of_buckets(self.lanes))
            .collect();
        let scores = scores(windows);
        let mut residuals = vec![f16::ZERO; self.known.len() * windows * buckets];
        residuals
            .par_chunks_mut(windows * buckets)
            .zip(self.known.par_iter().zip(&lifts))
            .with_min_len(CHUNK)
            .for_each(|(row, (series, lifts))| {
                let mut residuals = self.centred(series, &choice, &donors);
                if let Some(lifts) = lifts {
                    lift(&mut residuals, lifts, &scores);
                }
                let unit = series.scale().recip();
                residuals.iter_mut().for_each(|residual| *residual *= unit);
                row.convert_from_f32_slice(&residuals);
            });
        let lift_of = |row: usize, bucket: usize| {
            lifts[row].as_ref().map_or(BucketLift::NONE, |lifts| lifts[bucket])
        };
        let of_each = |value: &dyn Fn(&Forecaster, usize, BucketLift) -> f32| {
            let rows = self.known.iter().enumerate();
            rows.flat_map(|(row, series)| (0..buckets).map(move |bucket| (row, *series, bucket)))
                .map(|(row, series, bucket)| value(series, bucket, lift_of(row, bucket)))
                .collect::<Vec<f32>>()
        };
        let parts = ScenarioParts {
            origin: Timestamp::from_millis(self.now * self.step.span().as_millis()),
            step: self.step,
            buckets: self.lanes.buckets().clone(),
            series: self.known.iter().map(|series| series.key.clone()).collect::<Arc<[_]>>(),
            windows,
            mean: of_each(&|series, bucket, lift| lift.put_onto(series.mean(bucket))),
            within_variance: of_each(&|series, bucket, lift| {
                series.within(bucket) * lift.factor * lift.factor
            }),
            residuals,
            cap: self.known.iter().map(|series| series.cap).collect(),
            tail,
        };
        let scale = self.known.iter().map(|series| series.scale()).collect();
        let scenarios = Scenarios::new(parts).and_then(|scenarios| scenarios.with_scale(scale));
        scenarios.expect("every array was made in the shape that its documentation gives")
    }

    fn donors(&self) -> Donors<'_> {
        let mut donors = Donors::new();
        if self.known.iter().all(|series| !is_young(series)) {
            return donors;
        }
        for series in self.known.iter().filter(|series| !is_young(series)) {
            let level = level(series);
            donors.entry(&series.key.measure).or_default().push((level, series));
        }
        donors.values_mut().for_each(|of_kind| of_kind.sort_by(|a, b| a.0.total_cmp(&b.0)));
        donors
    }

    /// The residuals of a series of usual demand, window × bucket, their mean taken off.
    fn centred(&self, series: &Forecaster, choice: &[Vec<usize>], donors: &Donors<'_>) -> Vec<f32> {
        let mut residuals = self.own(series, choice);
        let donor = if is_young(series) { nearest(series, donors) } else { None };
        if let Some(donor) = donor {
            let factor =
                expected_error(series, donor) / donor.one_step_error().max(f32::MIN_POSITIVE);
            let borrowed = self.filled(donor, choice);
            let missing = residuals.iter_mut().zip(borrowed).filter(|(own, _)| own.is_nan());
            missing.for_each(|(own, borrowed)| *own = factor * borrowed);
        } else {
            self.fill(&mut residuals);
        }
        let (windows, buckets) = (self.lanes.windows(), self.lanes.len());
        let mut means = vec![0.0_f32; buckets];
        for of_window in residuals.chunks_exact(buckets) {
            means.iter_mut().zip(of_window).for_each(|(mean, residual)| *mean += residual);
        }
        means.iter_mut().for_each(|mean| *mean /= windows as f32);
        for of_window in residuals.chunks_exact_mut(buckets) {
            let centred = of_window.iter_mut().zip(&means);
            centred.for_each(|(residual, mean)| *residual -= mean);
        }
        residuals
    }

    /// The residuals of the chosen windows, window × bucket; NaN where there is none.
    fn own(&self, series: &Forecaster, choice: &[Vec<usize>]) -> Vec<f32> {
        let (windows, buckets) = (self.lanes.windows(), self.lanes.len());
        let stored = series.residuals();
        let mut residuals = vec![f32::NAN; windows * buckets];
        for (bucket, slots) in choice.iter().enumerate() {
            for (window, slot) in slots.iter().enumerate() {
                residuals[window * buckets + bucket] = stored[*slot];
            }
        }
        residuals
    }

    fn filled(&self, series: &Forecaster, choice: &[Vec<usize>]) -> Vec<f32> {
        let mut residuals = self.own(series, choice);
        self.fill(&mut residuals);
        residuals
    }

    /// Fills what is missing: in the next step with the windows that there are, again and again; in
    /// a later bucket with the bucket before it in the same window, as much larger as errors grow.
    fn fill(&self, residuals: &mut [f32]) {
        let buckets = self.lanes.len();
        let next = |window: usize| window * buckets;
        let present: Vec<f32> = (0..self.lanes.windows())
            .map(|window| residuals[next(window)])
            .filter(|residual| !residual.is_nan())
            .collect();
        for window in 0..self.lanes.windows() {
            let first = next(window);
            if residuals[first].is_nan() {
                let again = present.get(window % present.len().max(1));
                residuals[first] = again.copied().unwrap_or(0.0);
            }
            for bucket in 1..buckets {
                if residuals[first + bucket].is_nan() {
                    let grown = self.pool.growth(bucket) / self.pool.growth(bucket - 1);
                    residuals[first + bucket] = residuals[first + bucket - 1] * grown;
                }
            }
        }
    }
}

/// What is missed grows with the lift, and how strong an event turns out is drawn once for each window, the same for all whom
/// it concerns: a campaign that goes well goes well everywhere.
fn lift(residuals: &mut [f32], lifts: &[BucketLift], scores: &[f32]) {
    for (of_window, score) in residuals.chunks_exact_mut(lifts.len()).zip(scores) {
        for (residual, lift) in of_window.iter_mut().zip(lifts) {
            *residual = lift.factor * *residual + lift.spread * score;
        }
    }
}

/// Normal scores of as many windows, evenly spread and in no order.
fn scores(windows: usize) -> Vec<f32> {
    let mut ranks: Vec<usize> = (0..windows).collect();
    ranks.sort_by_key(|window| scattered(*window as i64, 1 << 20));
    let score = |rank: &usize| normal_quantile((*rank as f64 + 0.5) / windows as f64) as f32;
    ranks.iter().map(score).collect()
}

fn is_young(series: &Forecaster) -> bool {
    series.one_step_errors() < YOUNG_ERRORS
}

fn level(series: &Forecaster) -> f32 {
    series.ets().level().abs() as f32
}

/// The donor of the same measure whose level is nearest.
fn nearest<'a>(series: &Forecaster, donors: &Donors<'a>) -> Option<&'a Forecaster> {
    let of_kind = donors.get(&series.key.measure)?;
    let wanted = level(series);
    let above = of_kind.partition_point(|(level, _)| *level < wanted);
    let around = of_kind[above.saturating_sub(1)..(above + 1).min(of_kind.len())].iter();
    let distance = |level: f32| (level - wanted).abs();
    let nearest = around.min_by(|a, b| distance(a.0).total_cmp(&distance(b.0)));
    nearest.map(|(_, donor)| *donor)
}

/// The one-step error of a young series: its own as far as known, else in proportion to its level
/// as that of its donor.
fn expected_error(series: &Forecaster, donor: &Forecaster) -> f32 {
    let relative = donor.one_step_error() / level(donor).max(f32::MIN_POSITIVE);
    let proportional = (relative * level(series)).min(donor.one_step_error().max(level(series)));
    let known = series.one_step_errors() as f32;
    (known * series.one_step_error() + PRIOR_ERRORS * proportional) / (known + PRIOR_ERRORS)
}
