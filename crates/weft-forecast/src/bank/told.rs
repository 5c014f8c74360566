//! What events do to one series of the bank. Samples are freed of their lift before any model sees them, so that models,
//! scores and residuals are those of usual demand; what is coming is put onto what is said of the time ahead. What came is
//! kept beside, so that it can be freed anew once more is known of an event. No step that an event does not lift may be
//! touched.

use std::collections::BTreeMap;
use std::ops::Range;

use weft_core::forecast::Levels;
use weft_core::time::{Step, Timestamp};

use super::history::History;
use super::lanes::Lanes;
use crate::effects::{Lift, SeriesEffects};

/// A sample with whether it was cut off.
pub(super) type Came = (f32, bool);

/// The effects of events on one series, and its samples as they came in the steps that these lift.
#[derive(Debug, Clone)]
pub(super) struct Told {
    effects: SeriesEffects,
    step: Step,
    came: BTreeMap<i64, Came>,
    /// Whether the effects were learned from what is yet to come: then nothing may be judged by them.
    pub(super) is_replayed: bool,
}

/// What events do to the mean of a bucket.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct BucketLift {
    /// What usual demand, and what is missed of it, is multiplied by.
    pub(super) factor: f32,
    /// What is then added, in the unit of the series.
    pub(super) addition: f32,
    /// Deviation of the effect itself, in the unit of the series.
    pub(super) spread: f32,
}

impl BucketLift {
    pub(super) const NONE: Self = Self { factor: 1.0, addition: 0.0, spread: 0.0 };

    /// Usual demand of the bucket with its events.
    pub(super) fn put_onto(&self, usual: f32) -> f32 {
        (usual * self.factor + self.addition).max(0.0)
    }
}

impl Told {
    /// Frees all of `history` from `effects`.
    pub(super) fn new(effects: SeriesEffects, step: Step, history: &mut History) -> Self {
        let mut told = Self { effects, step, came: BTreeMap::new(), is_replayed: false };
        let held = history.held();
        let lifts = told.effects.from(told.instant(held.start), held.clone().count());
        for (at, lift) in held.zip(lifts) {
            let came = (history.get(at), history.is_censored(at));
            if !came.0.is_nan() && lift.is_any() {
                told.came.insert(at, came);
                history.correct(at, lift.taken_off(came.0), came.1);
            }
        }
        told
    }

    /// Puts back into `history` what came.
    pub(super) fn undo(self, history: &mut History) {
        for (step, (value, is_censored)) in self.came {
            history.correct(step, value, is_censored);
        }
    }

    /// The sample of `step` as it would have been without events.
    pub(super) fn freed(&mut self, step: i64, came: Came) -> Came {
        let lift = self.effects.at(self.instant(step));
        if !lift.is_any() {
            return came;
        }
        self.came.insert(step, came);
        (lift.taken_off(came.0), came.1)
    }

    /// Whether what events did in `steps` is less sure than one forecast error of `error`: what was missed there tells of the
    /// events and not of the models.
    pub(super) fn is_doubtful(&self, steps: Range<i64>, history: &History, error: f32) -> bool {
        let spread = |step: i64| {
            self.effects.at(self.instant(step)).deviation(f64::from(history.get(step))) as f32
        };
        self.came.range(steps).any(|(step, _)| spread(*step) > error)
    }

    /// Whether an event lifts any of the `count` steps from `first` on.
    pub(super) fn lifts(&self, first: i64, count: usize) -> Option<Vec<Lift>> {
        let lifts = self.effects.from(self.instant(first), count);
        lifts.iter().any(Lift::is_any).then_some(lifts)
    }

    /// By bucket of the time from `first` on, where the path of usual demand is `usual`.
    pub(super) fn of_buckets(&self, first: i64, usual: &[f32], lanes: &Lanes) -> Vec<BucketLift> {
        let Some(lifts) = self.lifts(first, usual.len()) else {
            return vec![BucketLift::NONE; lanes.len()];
        };
        let of_bucket = |bucket: usize| {
            let steps = lanes.buckets().steps(bucket);
            let width = steps.len() as f64;
            let mean = |of: &dyn Fn(&Lift, f64) -> f64| {
                let each = lifts[steps.clone()].iter().zip(&usual[steps.clone()]);
                (each.map(|(lift, usual)| of(lift, f64::from(*usual))).sum::<f64>() / width) as f32
            };
            BucketLift {
                factor: mean(&|lift, _| lift.factor()),
                addition: mean(&|lift, _| lift.addition()),
                spread: mean(&Lift::deviation),
            }
        };
        (0..lanes.len()).map(of_bucket).collect()
    }

    /// The effects, to say where lifts come from, and the index of `step` in them.
    pub(super) fn effects_at(&self, step: i64) -> (&SeriesEffects, usize) {
        (&self.effects, self.effects.index(self.instant(step)))
    }

    /// Forgets what came before `begin`.
    pub(super) fn forget(&mut self, begin: i64) {
        while self.came.first_key_value().is_some_and(|(step, _)| *step < begin) {
            self.came.pop_first();
        }
    }

    fn instant(&self, step: i64) -> Timestamp {
        Timestamp::from_millis(step * self.step.span().as_millis())
    }
}

/// Lifts the quantiles at `levels` of the steps of `lifts`, step after step.
pub(super) fn lift_quantiles(lifts: &[Lift], quantiles: &mut [f32], levels: &Levels) {
    let steps = quantiles.chunks_exact_mut(levels.as_slice().len());
    for (lift, step) in lifts.iter().zip(steps) {
        lift.lift_quantiles(step, levels.as_slice(), levels.median());
    }
}
