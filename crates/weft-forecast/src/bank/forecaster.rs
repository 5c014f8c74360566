//! The forecaster of one series: its recent samples, the states of its candidates (last value, last
//! season, exponential smoothing, the bank's boosted trees), how each of them did, and the residuals of
//! past windows. A step costs O(horizon) and allocates only its paths, but where the trees are looked
//! up. What it judges a model by is only ever a sample that came after the forecast.

use std::ops::Range;

use half::f16;
use half::slice::HalfFloatSliceExt;
use weft_core::forecast::ModelName;
use weft_core::resource::SeriesKey;
use weft_core::time::Step;

use super::history::History;
use super::interval::{self, Coverage};
use super::lanes::{Lane, Lanes};
use super::pool::Pool;
use super::surprise::Surprises;
use super::told::{BucketLift, Came, Told};
use super::trees::Trees;
use crate::batch::absurd;
use crate::boosted::local::Local;
use crate::distribution::conformal_quantile;
use crate::effects::{Lift, SeriesEffects};
use crate::ets::{Ets, FittedEts, Smoothing};
use crate::model::{FittedModel, Model};
use crate::past::Past;
use crate::unconstrained::unconstrained;
use crate::validation::pinball;

/// The candidates, in the order of every array over them; the floors first.
pub(super) const CANDIDATES: [ModelName; KINDS] =
    [ModelName::LastValue, ModelName::SeasonalNaive, ModelName::Ets, ModelName::Boosted];
/// How many they are.
pub(super) const KINDS: usize = 4;
const LAST_VALUE: usize = 0;
pub(super) const ETS: usize = 2;

/// The upper level at which candidates are scored besides the median: high, since shortages are, but
/// seen often enough to be known within a day.
const UPPER_LEVEL: f64 = 0.9;
/// Step of the tracked upper quantile, in mean absolute errors (Angelopoulos, Candès & Tibshirani
/// 2023, quantile tracking): ten misses move it by one.
const TRACKING_RATE: f32 = 0.1;
/// Forecasts that must have been scored before anything but a floor may act.
const FEWEST_SCORES: u32 = 6;
/// Smoothing is fitted first at this many samples, then at each doubling up to a season, then once
/// a season.
const FIRST_FIT: u64 = 12;
/// One-step errors are averaged over this share of a season: six hours of a day.
const ERROR_MEMORY_SHARE: i64 = 4;
/// The share of a season that old scores weigh once the smoothing has gained or lost its season, or the first
/// trees have grown.
const RESTARTED_SHARE: i64 = 8;
/// A sample of the last day that is this much another once more is known of an event, as a share, calls for a fit.
const HEEDED: f32 = 0.01;
/// Before anything is fitted: half of a surprise is believed, a third of that stays, the rest has a
/// half-life of about seven steps. Between a constant and a random walk.
const YOUNG: Smoothing = Smoothing::reverting(0.5, 1.0 / 3.0, 0.9);

/// What waits for a window to complete.
#[derive(Debug, Clone, Copy)]
struct Pending {
    /// Bucket means by candidate; NaN where the candidate had none.
    means: [f32; KINDS],
    /// The acting candidate's forecast of the step that is judged.
    probe: f32,
    acting: usize,
}

/// How one candidate did in one bucket.
#[derive(Debug, Clone, Copy, Default)]
struct Track {
    /// Pinball losses at the median and at the upper level, added and averaged.
    loss: f32,
    /// The upper quantile of its errors, as tracked.
    upper: f32,
    /// Mean absolute error.
    spread: f32,
    count: u32,
}

impl Track {
    /// Scores the error of a forecast, then learns from it.
    fn learn(&mut self, error: f32, memory: u32) {
        if error.is_nan() {
            return;
        }
        let offset = f64::from(self.upper);
        let loss = pinball(0.5, 0.0, f64::from(error)) + pinball(UPPER_LEVEL, offset, error.into());
        self.count += 1;
        let rate = 1.0 / self.count.min(memory) as f32;
        self.loss += rate * (loss as f32 - self.loss);
        self.spread += rate * (error.abs() - self.spread);
        let missed = f32::from(u8::from(error > self.upper));
        self.upper += TRACKING_RATE * self.spread * (missed - (1.0 - UPPER_LEVEL) as f32);
    }
}

/// What a window added to its forecast, in one-step errors of its series: what is pooled.
#[derive(Debug, Clone, Copy)]
pub(super) struct Standardised {
    pub(super) bucket: usize,
    /// The bucket's mean.
    pub(super) mean: f32,
    /// One step inside it.
    pub(super) probe: f32,
}

/// One series.
#[derive(Debug, Clone)]
pub(super) struct Forecaster {
    pub(super) key: SeriesKey,
    /// Never given to another series.
    pub(super) number: u32,
    pub(super) cap: f32,
    /// Of usual demand, as everything here but `told` and `coverage`.
    pub(super) history: History,
    /// What events do; none where none concerns it.
    told: Option<Box<Told>>,
    ets: FittedEts,
    surprises: Surprises,
    /// Its own ways, which the trees are told of; from the last fit.
    local: Option<Box<Local>>,
    /// What the trees said when they were last asked, and of which step first.
    boosted: Vec<f32>,
    boosted_from: i64,
    /// Samples seen and samples at which the next fit is due.
    samples: u64,
    fit_at: u64,
    last_value: f32,
    /// The largest sample that ever came, believed or not.
    largest: f32,
    last_sample: Option<i64>,
    /// What one unit of a stored residual is worth: a power of two, fixed by the first sample that
    /// is not zero.
    scale: Option<f32>,
    /// Buckets × candidates.
    tracks: Vec<[Track; KINDS]>,
    /// Present forecasts: buckets × candidates.
    means: Vec<[f32; KINDS]>,
    acting: usize,
    pending: Vec<Pending>,
    /// Residuals of bucket means and of single steps, by slot of the lanes.
    windows: Vec<f16>,
    probes: Vec<f16>,
    /// Variance inside each bucket, averaged over a day, and how often it has been seen.
    within: Vec<(f32, u32)>,
    /// Mean square of the acting model's one-step errors, and their number.
    one_step_square: f32,
    one_step_errors: u32,
    pub(super) coverage: Coverage,
    /// Windows that completed in this step, for the pool.
    pub(super) completed: Vec<Standardised>,
}

impl Forecaster {
    pub(super) fn new(key: SeriesKey, number: u32, cap: f32, lanes: &Lanes, held: History) -> Self {
        let waiting = Pending { means: [f32::NAN; KINDS], probe: f32::NAN, acting: LAST_VALUE };
        Self {
            key,
            number,
            cap,
            history: held,
            told: None,
            ets: FittedEts::young(YOUNG),
            surprises: Surprises::default(),
            local: None,
            boosted: Vec::new(),
            boosted_from: 0,
            samples: 0,
            fit_at: FIRST_FIT,
            last_value: 0.0,
            largest: 0.0,
            last_sample: None,
            scale: None,
            tracks: vec![[Track::default(); KINDS]; lanes.len()],
            means: vec![[f32::NAN; KINDS]; lanes.len()],
            acting: LAST_VALUE,
            pending: vec![waiting; lanes.pending_slots()],
            windows: vec![f16::NAN; lanes.slots()],
            probes: vec![f16::NAN; lanes.slots()],
            within: vec![(0.0, 0); lanes.len()],
            one_step_square: 0.0,
            one_step_errors: 0,
            coverage: Coverage::default(),
            completed: Vec::new(),
        }
    }

    /// The sample of the next step as far as it is believed: what is many times all that ever came is a gap, unless it
    /// is below the series' cap. The next one like it is believed, whenever it comes.
    pub(super) fn believed(&mut self, sample: Option<(f32, bool)>) -> Option<(f32, bool)> {
        let size = sample?.0.abs();
        let is_known = self.samples >= absurd::FEWEST_SAMPLES as u64 && self.largest > 0.0;
        let is_possible = self.cap.is_finite() && size <= self.cap;
        let is_absurd = is_known && !is_possible && size > absurd::TIMES * self.largest;
        self.largest = self.largest.max(size);
        sample.filter(|_| !is_absurd)
    }

    /// Brings the series to `end` with gaps. What lies further back than its memory is forgotten.
    pub(super) fn advance_to(&mut self, end: i64, lanes: &Lanes, pool: &Pool, trees: &Trees) {
        if self.samples == 0 {
            self.history.restart(end);
        }
        if end - self.history.end() > self.history.capacity() as i64 {
            self.history.restart(end - self.history.capacity() as i64);
            self.windows.fill(f16::NAN);
            self.probes.fill(f16::NAN);
            self.boosted.clear();
            self.pending.iter_mut().for_each(|pending| pending.means = [f32::NAN; KINDS]);
        }
        while self.history.end() < end {
            self.advance(None, lanes, pool, trees);
        }
    }

    /// Takes the next step: judges what was forecast of it, learns from it, forecasts anew.
    pub(super) fn advance(
        &mut self,
        sample: Option<(f32, bool)>,
        lanes: &Lanes,
        pool: &Pool,
        trees: &Trees,
    ) {
        let step = self.history.end();
        let came = sample;
        let sample = self.freed(step, came);
        self.history.push(sample.map(|(value, _)| value), sample.is_some_and(|(_, c)| c));
        self.completed.clear();
        for bucket in 0..lanes.len() {
            self.complete(bucket, lanes);
        }
        self.coverage.judge(step, came);
        self.take(step, sample);
        self.ask(trees, lanes);
        let paths = self.paths(lanes.buckets().horizon_steps(), lanes.season());
        self.forecast_means(&paths, lanes);
        self.acting = self.best();
        self.open(&paths[self.acting], lanes);
        self.open_interval(&paths[self.acting], lanes, pool);
    }

    /// Takes a step of the past in without having forecast it: nothing is judged.
    pub(super) fn absorb(&mut self, sample: Option<(f32, bool)>) {
        let step = self.history.end();
        let sample = self.freed(step, sample);
        self.history.push(sample.map(|(value, _)| value), sample.is_some_and(|(_, c)| c));
        self.take(step, sample);
    }

    fn freed(&mut self, step: i64, came: Option<Came>) -> Option<Came> {
        let told = self.told.as_mut();
        came.map(|came| told.map_or(came, |told| told.freed(step, came)))
    }

    /// Writes a late sample into the history.
    pub(super) fn correct(&mut self, step: i64, came: Came) {
        if let Some((value, is_censored)) = self.freed(step, Some(came)) {
            self.history.correct(step, value, is_censored);
        }
    }

    /// Forgets what it was told of events: its history is what came.
    pub(super) fn untell(&mut self) {
        if let Some(mut told) = self.told.take() {
            told.forget(self.history.held().start);
            told.undo(&mut self.history);
        }
    }

    /// From now on events do this.
    pub(super) fn tell(&mut self, effects: SeriesEffects, step: Step) {
        if !effects.is_empty() {
            self.told = Some(Box::new(Told::new(effects, step, &mut self.history)));
        }
    }

    /// As [`Self::tell`] before its past is replayed, from which `effects` were learned.
    pub(super) fn tell_replayed(&mut self, effects: SeriesEffects, step: Step) {
        self.tell(effects, step);
        if let Some(told) = &mut self.told {
            told.is_replayed = true;
        }
    }

    /// Where the last day of the history is no longer `before`, what is read off it is read anew, and smoothing is fitted at
    /// the next occasion.
    pub(super) fn heed(&mut self, before: &[f32]) {
        let now = self.history.newest(before.len());
        let is_other = |(before, now): (&f32, &f32)| (before - now).abs() > HEEDED * now.abs();
        if !before.iter().zip(&now).any(is_other) {
            return;
        }
        if let Some(step) = self.last_sample {
            let newest = self.history.get(step);
            self.last_value = if newest.is_nan() { self.last_value } else { newest };
        }
        self.fit_at = self.fit_at.min(self.samples.max(FIRST_FIT));
    }

    /// What events do to usual demand in each bucket; none where they do nothing.
    pub(super) fn of_buckets(&self, lanes: &Lanes) -> Option<Vec<BucketLift>> {
        let told = self.told.as_ref()?;
        let first = self.history.end();
        told.lifts(first, lanes.buckets().horizon_steps())?;
        let mut paths = self.paths(lanes.buckets().horizon_steps(), lanes.season());
        Some(told.of_buckets(first, &std::mem::take(&mut paths[self.acting]), lanes))
    }

    /// What events do to the next `steps` steps; none where they do nothing.
    pub(super) fn lifts(&self, steps: usize) -> Option<Vec<Lift>> {
        self.told.as_ref()?.lifts(self.history.end(), steps)
    }

    pub(super) fn told(&self) -> Option<&Told> {
        self.told.as_deref()
    }

    /// Asks the trees, if it is this series' turn.
    fn ask(&mut self, trees: &Trees, lanes: &Lanes) {
        let now = self.history.end();
        let Some(local) = self.local.as_ref().filter(|_| trees.are_asked(self.number, now)) else {
            return;
        };
        let is_first = self.boosted.is_empty();
        let values = self.demand(lanes.season());
        let Some(path) = trees.path(values, now, local, lanes) else { return };
        (self.boosted, self.boosted_from) = (path, now);
        if is_first {
            self.judge_anew(lanes.season());
        }
    }

    /// All that is held from the first sample on, where it was cut off what it may have been.
    fn demand(&self, season: i64) -> Vec<f32> {
        if !self.history.has_censored() {
            return self.history.newest(self.known_steps());
        }
        // Only the order of the steps counts here.
        let series = self.history.series(Step::FIVE_MINUTES);
        let demand = unconstrained(&series, season as usize);
        demand.iter().map(|value| value.unwrap_or(f32::NAN)).collect()
    }

    /// Steps since the first sample, as far as they are held.
    fn known_steps(&self) -> usize {
        let begin = self.history.begin().unwrap_or(self.history.end());
        ((self.history.end() - begin) as usize).min(self.history.capacity())
    }

    fn take(&mut self, step: i64, sample: Option<(f32, bool)>) {
        match sample {
            Some((value, true)) => self.ets.update_at_least(value.into()),
            Some((value, false)) => {
                let value = self.tempered(value);
                self.ets.update(Some(value.into()));
            }
            None => self.ets.update(None),
        }
        let Some((value, _)) = sample else { return };
        self.samples += 1;
        self.last_value = value;
        self.last_sample = Some(step);
        if self.scale.is_none() && value != 0.0 {
            self.scale = Some(value.abs().log2().ceil().exp2());
        }
    }

    /// What smoothing is told of `value`.
    fn tempered(&mut self, value: f32) -> f32 {
        let track = self.tracks[0][ETS];
        let expected = self.ets.predict(1)[0] as f32;
        self.surprises.believed(value, expected, track.spread, track.count)
    }

    /// Judges the window of `bucket` that completes with the newest step, if one does.
    fn complete(&mut self, bucket: usize, lanes: &Lanes) {
        let (lane, now) = (lanes.get(bucket), self.history.end());
        let origin = now - lane.end;
        if !lane.opens_at(origin) {
            return;
        }
        let pending = self.pending[lane.pending(origin)];
        let summary = self.history.summary(origin + lane.begin..now);
        let is_doubtful = self.is_doubtful(origin + lane.begin..now);
        let summary = summary.filter(|_| !is_doubtful);
        let error = |forecast: f32| {
            summary.map_or(f32::NAN, |came| error_of(came.mean, forecast, came.is_censored))
        };
        let memory = (lanes.season() / lane.stride()).max(1) as u32;
        for (track, mean) in self.tracks[bucket].iter_mut().zip(pending.means) {
            track.learn(error(mean), memory);
        }
        let probed = origin + lane.probe_ahead(origin);
        let (came, is_censored) = (self.history.get(probed), self.history.is_censored(probed));
        let of_mean = error(pending.means[pending.acting]);
        let of_probe =
            if is_doubtful { f32::NAN } else { error_of(came, pending.probe, is_censored) };
        if bucket == 0 {
            self.learn_one_step(of_mean, lanes.season() / ERROR_MEMORY_SHARE);
        }
        let slot = lane.slot(origin);
        (self.windows[slot], self.probes[slot]) = (self.stored(of_mean), self.stored(of_probe));
        let unit = self.one_step_error();
        if unit > 0.0 {
            let (mean, probe) = (of_mean / unit, of_probe / unit);
            self.completed.push(Standardised { bucket, mean, probe });
        }
    }

    fn is_doubtful(&self, steps: Range<i64>) -> bool {
        let told = self.told.as_ref();
        told.is_some_and(|told| told.is_doubtful(steps, &self.history, self.one_step_error()))
    }

    fn learn_one_step(&mut self, error: f32, memory: i64) {
        if error.is_nan() {
            return;
        }
        self.one_step_errors += 1;
        let rate = 1.0 / self.one_step_errors.min(memory.max(1) as u32) as f32;
        self.one_step_square += rate * (error * error - self.one_step_square);
    }

    fn stored(&self, residual: f32) -> f16 {
        let (least, most) = (f16::MIN.to_f32(), f16::MAX.to_f32());
        f16::from_f32((residual / self.scale()).clamp(least, most))
    }

    /// The path of every candidate over `horizon` steps; NaN where it has none.
    pub(super) fn paths(&self, horizon: usize, season: i64) -> [Vec<f32>; KINDS] {
        if self.samples == 0 {
            return std::array::from_fn(|_| vec![f32::NAN; horizon]);
        }
        let smooth: Vec<f32> =
            self.ets.predict(horizon).into_iter().map(|value| value as f32).collect();
        let boosted = self.of_trees(&smooth);
        [vec![self.last_value; horizon], self.last_season(horizon, season), smooth, boosted]
    }

    /// What the trees said of the steps to come; `beyond` from where they said nothing; NaN where that is soon.
    fn of_trees(&self, beyond: &[f32]) -> Vec<f32> {
        let passed = (self.history.end() - self.boosted_from) as usize;
        if self.boosted.is_empty() || passed >= self.boosted.len() / 2 {
            return vec![f32::NAN; beyond.len()];
        }
        let mut path = beyond.to_vec();
        path.iter_mut().zip(&self.boosted[passed..]).for_each(|(value, said)| *value = *said);
        path
    }

    fn last_season(&self, horizon: usize, season: i64) -> Vec<f32> {
        let now = self.history.end();
        if self.history.begin().is_none_or(|begin| begin > now - season) {
            return vec![f32::NAN; horizon];
        }
        let known = |value: &f32| if value.is_nan() { self.last_value } else { *value };
        let newest = self.history.newest(season as usize);
        newest.iter().map(known).cycle().take(horizon).collect()
    }

    fn forecast_means(&mut self, paths: &[Vec<f32>; KINDS], lanes: &Lanes) {
        for (bucket, means) in self.means.iter_mut().enumerate() {
            let steps = lanes.buckets().steps(bucket);
            let width = steps.len() as f32;
            let [last, seasonal, ets, trees] = paths.each_ref().map(|path| &path[steps.clone()]);
            // Side by side: one sum waits for each of its additions.
            let mut sums = [-0.0_f32; KINDS];
            for (((last, seasonal), ets), trees) in last.iter().zip(seasonal).zip(ets).zip(trees) {
                sums = [sums[0] + last, sums[1] + seasonal, sums[2] + ets, sums[3] + trees];
            }
            *means = sums.map(|sum| sum / width);
        }
    }

    /// The candidate that acts: the better floor, unless another beats both.
    fn best(&self) -> usize {
        let can_act = |candidate: &usize| !self.means[0][*candidate].is_nan();
        let score = |candidate: usize| self.score(candidate).unwrap_or(f32::INFINITY);
        let is_known = |candidate: &usize| {
            *candidate < ETS || self.tracks[0][*candidate].count >= FEWEST_SCORES
        };
        // A floor that has no season behind it any more cannot act; of equals the simpler does.
        let known = (0..KINDS).filter(can_act).filter(is_known);
        known.min_by(|a, b| score(*a).total_cmp(&score(*b))).unwrap_or(LAST_VALUE)
    }

    /// Mean pinball loss of a candidate over the buckets that have been scored; none where it has
    /// not been scored in one of them.
    fn score(&self, candidate: usize) -> Option<f32> {
        let scored = self.tracks.iter().filter(|tracks| tracks[LAST_VALUE].count > 0);
        let (mut sum, mut count) = (0.0, 0_u32);
        for tracks in scored {
            sum += (tracks[candidate].count > 0).then_some(tracks[candidate].loss)?;
            count += 1;
        }
        // Two levels were added up in each.
        (count > 0).then(|| sum / (2 * count) as f32)
    }

    fn open(&mut self, path: &[f32], lanes: &Lanes) {
        let now = self.history.end();
        for (bucket, lane) in lanes.iter().enumerate().filter(|(_, lane)| lane.opens_at(now)) {
            self.pending[lane.pending(now)] = Pending {
                means: self.means[bucket],
                probe: path[lane.probe_ahead(now) as usize],
                acting: self.acting,
            };
            self.learn_within(bucket, lane, lanes.season());
        }
    }

    /// The variance inside a bucket needs no forecast: the newest steps of its width tell it.
    fn learn_within(&mut self, bucket: usize, lane: &Lane, season: i64) {
        let now = self.history.end();
        let Some(summary) = self.history.summary(now - lane.width()..now) else { return };
        let (within, count) = &mut self.within[bucket];
        *count = (*count + 1).min((season / lane.stride()).max(1) as u32);
        *within += (summary.variance - *within) / *count as f32;
    }

    /// Puts a 95 % interval around one step ahead, to see later whether it covered: every few
    /// steps, in each bucket in turn.
    fn open_interval(&mut self, path: &[f32], lanes: &Lanes, pool: &Pool) {
        let turn = self.history.end() + i64::from(self.number);
        if turn.rem_euclid(interval::STEPS_BETWEEN) != 0 || self.one_step_errors < FEWEST_SCORES {
            return;
        }
        let bucket = turn.div_euclid(interval::STEPS_BETWEEN).rem_euclid(lanes.len() as i64);
        let (bucket, now) = (bucket as usize, self.history.end());
        let lane = lanes.get(bucket);
        let ahead = lane.probe_ahead(now);
        let offsets = self.offsets(lane, &interval::LEVELS, pool.reference(bucket));
        let mut ends: Vec<f32> = offsets.iter().map(|o| path[ahead as usize] + o).collect();
        let lifted = self.told.as_ref().and_then(|told| Some((told, told.lifts(now + ahead, 1)?)));
        if let Some((told, lifts)) = lifted {
            if told.is_replayed {
                return;
            }
            lifts[0].lift_quantiles(&mut ends, &interval::LEVELS, 1);
        }
        let at = |end: f32| end.clamp(0.0, self.cap);
        self.coverage.open(now + ahead, at(ends[0]), at(ends[2]));
    }

    /// What to add to a point forecast in `lane` for its quantiles at `levels`, of which one is the
    /// median: conformal quantiles of its own errors, blended with those of all series (`pooled`,
    /// in one-step errors) where they are few, stretched on either side by how intervals covered.
    pub(super) fn offsets(&self, lane: &Lane, levels: &[f64], pooled: &[f32]) -> Vec<f32> {
        let mut own = self.probes[lane.slots()].to_f32_vec();
        own.retain(|error| !error.is_nan());
        own.iter_mut().for_each(|error| *error *= self.scale());
        own.sort_unstable_by(f32::total_cmp);
        let weight = own.len() as f32 / (own.len() as f32 + interval::PRIOR_ERRORS);
        let unit = self.one_step_error();
        let blended = levels.iter().zip(pooled).map(|(level, pooled)| {
            let prior = pooled * unit;
            let found = if own.is_empty() { prior } else { conformal_quantile(&own, *level) };
            prior + weight * (found - prior)
        });
        let mut offsets: Vec<f32> = blended.collect();
        let median =
            levels.iter().position(|level| *level == 0.5).expect("the median is asked for");
        self.coverage.stretch(&mut offsets, median);
        offsets
    }

    /// Fits smoothing if it is due.
    pub(super) fn refit(&mut self, season: i64, step: Step) {
        if self.samples < self.fit_at {
            return;
        }
        let season = season as usize;
        if let Ok(fitted) = (Ets { season: Some(season) }).fit(&self.history.series(step)) {
            if fitted.is_seasonal() != self.ets.is_seasonal() {
                self.judge_anew(season as i64);
            }
            self.ets = fitted;
        }
        let past = Past::of(self.demand(season as i64), season, 7 * season);
        self.local = Some(Box::new(Local::new(&past, season)));
        let pause = self.samples.min(season as u64).max(1);
        self.fit_at = self.samples + pause;
    }

    /// A candidate is another model now: what was measured so far weighs no more than three hours for any, so that all are
    /// judged by what they do from here on.
    fn judge_anew(&mut self, season: i64) {
        let most = (season / RESTARTED_SHARE) as u32;
        let tracks = self.tracks.iter_mut().flatten();
        tracks.for_each(|track| track.count = track.count.min(most));
    }

    pub(super) const fn samples(&self) -> u64 {
        self.samples
    }

    pub(super) const fn last_sample(&self) -> Option<i64> {
        self.last_sample
    }

    pub(super) const fn model(&self) -> ModelName {
        CANDIDATES[self.acting]
    }

    pub(super) const fn acting(&self) -> usize {
        self.acting
    }

    pub(super) const fn ets(&self) -> &FittedEts {
        &self.ets
    }

    /// The mean pinball loss of each candidate.
    pub(super) fn scores(&self) -> [Option<f32>; KINDS] {
        std::array::from_fn(|candidate| self.score(candidate))
    }

    pub(super) fn scale(&self) -> f32 {
        self.scale.unwrap_or(1.0)
    }

    /// Root mean square of the acting model's one-step errors.
    pub(super) fn one_step_error(&self) -> f32 {
        self.one_step_square.sqrt()
    }

    pub(super) const fn one_step_errors(&self) -> u32 {
        self.one_step_errors
    }

    /// The residuals of all windows by slot, in the unit of the series; NaN where there is none.
    pub(super) fn residuals(&self) -> Vec<f32> {
        let mut residuals = self.windows.to_f32_vec();
        let scale = self.scale();
        residuals.iter_mut().for_each(|residual| *residual *= scale);
        residuals
    }

    /// The acting model's mean of `bucket`.
    pub(super) fn mean(&self, bucket: usize) -> f32 {
        self.means[bucket][self.acting]
    }

    /// Variance inside `bucket`; where none has been seen yet, that of the nearest earlier one.
    pub(super) fn within(&self, bucket: usize) -> f32 {
        let known = self.within[..=bucket].iter().rev().find(|(_, count)| *count > 0);
        known.map_or(0.0, |(within, _)| *within)
    }
}

/// What `came` added to `forecast`; a censored sample below it adds nothing.
fn error_of(came: f32, forecast: f32, is_censored: bool) -> f32 {
    let error = came - forecast;
    if is_censored && error < 0.0 { 0.0 } else { error }
}
