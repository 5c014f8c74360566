//! The forecasters of many series, for the control loop: every step each series is judged, updated
//! and forecast anew in O(horizon), and the bank gives joint scenarios with a calibrated tail of
//! host sums. Fitting is rare and apart ([`Bank::refit`]). A bank never looks at a sample beyond the
//! step it is told to observe, and gives the same result for any number of threads.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use rayon::iter::{
    IndexedParallelIterator, IntoParallelIterator, IntoParallelRefIterator,
    IntoParallelRefMutIterator, ParallelIterator,
};
use thiserror::Error;
use weft_core::book::{self, ForecastBook};
use weft_core::forecast::{Forecast, Levels, ModelName};
use weft_core::resource::{Resource, SeriesKey};
use weft_core::scenario::{Buckets, Scenarios};
use weft_core::series::{Sample, Series};
use weft_core::time::{Span, Step, Timestamp};

use forecaster::{CANDIDATES, Forecaster, Standardised};
use history::History;
use lanes::Lanes;
use pool::Pool;
use scenes::Scenes;
use tail::{Actual, HostTail, Members};
use trees::Trees;

use crate::ets::Trend;
use crate::validation::truncated;

mod announced;
mod forecaster;
mod history;
mod interval;
mod lanes;
mod pool;
mod scenes;
mod surprise;
mod tail;
mod told;
mod trees;

pub use announced::{Announcement, Concerned};

/// Steps that must have been observed before anything is said of the future: half an hour of
/// five-minute steps. With fewer there is no error to put around a forecast.
const FEWEST_STEPS: i64 = 6;
/// Series in a parallel piece of work: some hundred microseconds.
const CHUNK: usize = 64;
/// Pasts that are replayed at once: enough for the cores of a controller, few enough that the errors of
/// a month, which wait until their batch is through, take some tens of megabytes.
const BATCH: usize = 32;

/// The shape of a bank.
#[derive(Debug, Clone)]
pub struct BankConfig {
    /// Distance between two steps of every series.
    pub step: Step,
    /// The pieces of the horizon.
    pub buckets: Buckets,
    /// Steps of a season: a day.
    pub season_steps: usize,
    /// Samples kept per series. At least two seasons are kept, and no less than the horizon.
    pub history_steps: usize,
    /// Scenarios.
    pub windows: usize,
    /// Series that the trees are asked about in a step at most, each of which costs about a tenth of a millisecond of a core.
    /// Where there are more series, each is asked about every so many steps, and at least hourly. With zero no trees are grown.
    pub look_ups: usize,
}

/// Some seconds of two cores in a step. What was looked up an hour ago says less of the next step than what was looked up now
/// (by a seventh on the trace that choices are made on), of six hours little less.
const LOOK_UPS: usize = 40_000;

impl BankConfig {
    /// For series with this step, forecast over these buckets: a day as season, a week of samples,
    /// 32 scenarios and 40,000 look-ups.
    pub fn new(step: Step, buckets: Buckets) -> Self {
        let season_steps = step.per_day();
        Self {
            step,
            buckets,
            season_steps,
            history_steps: 7 * season_steps,
            windows: 32,
            look_ups: LOOK_UPS,
        }
    }
}

/// The series that are present on a host together. The tail is calibrated on their sums.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// Of what the host has so much.
    pub resource: Resource,
    /// Who is there, with the share of the demand that falls on this host (1 unless split). Series
    /// that the bank does not know are left out.
    pub members: Vec<(SeriesKey, f32)>,
}

/// A series that nothing can be said of.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BankError {
    /// It was never inserted.
    #[error("expected a series of this bank, found {0}")]
    Unknown(SeriesKey),
    /// It has too few samples.
    #[error("expected at least {needed} samples of {key}, found {found}")]
    TooYoung {
        /// Which series.
        key: SeriesKey,
        /// Samples needed.
        needed: u64,
        /// Samples seen.
        found: u64,
    },
}

/// How a model did on a series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Score {
    /// The model.
    pub model: ModelName,
    /// Mean pinball loss of bucket means at the levels 0.5 and 0.9 over all buckets and about the
    /// last day, in the unit of the series; `None` before it could be measured.
    pub pinball: Option<f64>,
}

/// What a bank knows of a series besides its forecast.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// The model that acts.
    pub model: ModelName,
    /// It and its rivals, the floors first.
    pub scores: Vec<Score>,
    /// Trend and season of the exponential smoothing, whether it acts or not.
    pub trend: Trend,
    /// Whether its exponential smoothing has a season.
    pub is_seasonal: bool,
    /// Share of the 95 % intervals of steps ahead that covered what came, over about a week, and
    /// how many were judged; `None` before the first.
    pub coverage: Option<(f64, u32)>,
    /// Samples seen, gaps not counted.
    pub samples: u64,
}

/// The forecasters of many series. See the module.
#[derive(Debug)]
pub struct Bank {
    step: Step,
    lanes: Lanes,
    history_steps: usize,
    /// Ascending by key.
    #[allow(clippy::vec_box, reason = "series come and go in sorted order: a move is a pointer")]
    series: Vec<Box<Forecaster>>,
    /// Number of the next new series.
    next_number: u32,
    /// One past the newest step observed.
    end: Option<i64>,
    /// The first origin that existed.
    first_origin: Option<i64>,
    last_sample: Option<i64>,
    /// The newest step that brought samples of at least half of the series.
    last_heard: Option<i64>,
    pool: Pool,
    trees: Trees,
    tail: HostTail,
    announced: announced::Events,
    /// As of the last observation; none where series came or went since.
    scenarios: Option<Arc<Scenarios>>,
}

impl Bank {
    /// An empty bank.
    pub fn new(config: BankConfig) -> Self {
        let BankConfig { step, buckets, season_steps, history_steps, windows, look_ups } = config;
        let lanes = Lanes::new(&buckets, season_steps, windows);
        let least = (2 * season_steps).max(buckets.horizon_steps() + 1);
        Self {
            step,
            history_steps: history_steps.max(least),
            series: Vec::new(),
            next_number: 0,
            end: None,
            first_origin: None,
            last_sample: None,
            last_heard: None,
            pool: Pool::new(&lanes),
            trees: Trees::new(look_ups),
            tail: HostTail::new(lanes.len()),
            announced: announced::Events::default(),
            scenarios: None,
            lanes,
        }
    }

    /// Number of series.
    pub fn len(&self) -> usize {
        self.series.len()
    }

    /// Whether there is no series.
    pub fn is_empty(&self) -> bool {
        self.series.is_empty()
    }

    /// Whether the series is in the bank.
    pub fn contains(&self, key: &SeriesKey) -> bool {
        self.position(key).is_ok()
    }

    /// Adds a young series that can demand at most `cap` (its vCPUs in millicores; infinite where
    /// nothing caps it). If it is there already, only its cap changes.
    pub fn insert(&mut self, key: SeriesKey, cap: f32) {
        match self.position(&key) {
            Ok(row) => self.series[row].cap = cap,
            Err(row) => {
                let young = self.young(key, cap, self.end.unwrap_or_default());
                self.series.insert(row, young);
            }
        }
        self.scenarios = None;
    }

    /// Adds a series with its past, which is replayed as if it had been observed: fitted when due,
    /// judged by what came next, so that its scores and intervals are worth as much as those of a
    /// series that was watched. A series that is there already is replaced. `past` has the bank's
    /// step; what ends later than the last observation moves the bank's clock there.
    pub fn insert_history(&mut self, key: SeriesKey, cap: f32, past: &Series) {
        self.replay(vec![(key, cap, past.clone())], usize::MAX);
    }

    /// Adds many series with their caps and pasts, each as [`Self::insert_history`] does, in parallel.
    /// The result is the same for any number of threads. It differs from one by one in this alone:
    /// what a series borrows from others while its intervals are judged, it borrows from those of
    /// earlier batches of [`BATCH`], not from every one before it.
    ///
    /// Only the newest `judged_steps` of each past are judged. What is older is known, and models are
    /// fitted on it, at a tenth of the time; intervals and scores then rest on the newest steps alone.
    pub fn insert_histories(&mut self, pasts: Vec<(SeriesKey, f32, Series)>, judged_steps: usize) {
        let mut pasts = pasts.into_iter();
        loop {
            let batch: Vec<_> = pasts.by_ref().take(BATCH).collect();
            if batch.is_empty() {
                break;
            }
            self.replay(batch, judged_steps);
        }
    }

    fn replay(&mut self, batch: Vec<(SeriesKey, f32, Series)>, judged_steps: usize) {
        let mut young = Vec::with_capacity(batch.len());
        for (key, cap, past) in batch {
            let begin = self.step_at(past.start());
            young.push((self.young(key, cap, begin), past));
        }
        self.tell_of_pasts(&mut young);
        if !self.trees.are_grown() {
            self.learn_from_pasts(&young, judged_steps);
        }
        let (lanes, pool, step) = (&self.lanes, &self.pool, self.step);
        let trees = self.trees.hurried(lanes.season());
        let replayed: Vec<Replayed> = young
            .into_par_iter()
            .with_max_len(1)
            .map(|(series, past)| {
                let known = past.len().saturating_sub(judged_steps);
                Replayed::new(series, (&past, known), (lanes, pool, &trees), step)
            })
            .collect();
        replayed.iter().for_each(|replayed| self.pool.learn(&replayed.completed));
        self.pool.settle(&self.lanes);
        for Replayed { series, begin, .. } in replayed {
            if let Some(last) = series.last_sample() {
                self.last_sample = self.last_sample.max(Some(last));
                self.first_origin = Some(self.first_origin.map_or(begin, |first| first.min(begin)));
            }
            self.end = self.end.max(Some(series.history.end()));
            match self.position(&series.key) {
                Ok(row) => self.series[row] = series,
                Err(row) => self.series.insert(row, series),
            }
        }
        self.align();
        self.scenarios = None;
    }

    /// Tells young series of events, whose effects are learned from their pasts.
    fn tell_of_pasts(&mut self, young: &mut [(Box<Forecaster>, Series)]) {
        let is_concerned = |series: &Forecaster, past: &Series| {
            let until = past.end() + self.horizon();
            self.announced.concerns(&series.key, past.start(), until)
        };
        let mut concerned: Vec<&mut (Box<Forecaster>, Series)> =
            young.iter_mut().filter(|(series, past)| is_concerned(series, past)).collect();
        let keys: Vec<SeriesKey> = concerned.iter().map(|(series, _)| series.key.clone()).collect();
        let Some(origin) = concerned.iter().map(|(_, past)| past.end()).max() else { return };
        let begin = concerned.iter().map(|(_, past)| past.start()).min().unwrap_or(origin);
        let times = (begin, origin, origin + self.horizon());
        let season = self.lanes.season() as usize;
        let past = |index: usize| Cow::Borrowed(&concerned[index].1);
        let effects = self.announced.learn(&keys, past, season, times);
        for ((series, _), effects) in concerned.iter_mut().zip(effects) {
            series.tell_replayed(effects, self.step);
        }
    }

    fn horizon(&self) -> Span {
        self.step.span() * self.lanes.buckets().horizon_steps() as i64
    }

    /// What the bank was told last by [`Self::announce`].
    pub fn announced(&self) -> &[Announcement] {
        &self.announced.announcements
    }

    /// Tells of all events, past and to come, in place of what was told before. Their effects on every series that they
    /// concern are learned from its history; from here on forecasts and scenarios are lifted by what is known now, and samples
    /// are freed of it before models see them. To be called again, now and then, while anything is announced: what came
    /// in an event teaches of the rest of it and of the next.
    pub fn announce(&mut self, announcements: Vec<Announcement>) {
        self.announced.announcements = announcements;
        let Some(end) = self.end else { return };
        let (step, announced, season) = (self.step, &self.announced, self.lanes.season() as usize);
        let origin = self.instant(end);
        let begin = self.instant(end - self.history_steps as i64);
        let times = (begin, origin, origin + self.horizon());
        let heeds = |series: &Forecaster| {
            let is_old = series.samples() >= FEWEST_STEPS as u64;
            series.told().is_some() || is_old && announced.concerns(&series.key, begin, times.2)
        };
        let (mut known, mut keys) = (Vec::new(), Vec::new());
        for (row, series) in self.series.iter_mut().enumerate().filter(|(_, series)| heeds(series))
        {
            known.push((row, series.history.newest(season)));
            series.untell();
            keys.push(series.key.clone());
        }
        if keys.is_empty() {
            return;
        }
        let past = |index: usize| Cow::Owned(self.series[known[index].0].history.series(step));
        let effects = self.announced.learn(&keys, past, season, times);
        for ((row, before), effects) in known.into_iter().zip(effects) {
            self.series[row].tell(effects, step);
            self.series[row].heed(&before);
        }
        self.scenarios = None;
    }

    /// Grows the first trees on what will not be judged of `pasts`, so that they too are judged in what will be.
    fn learn_from_pasts(&mut self, pasts: &[(Box<Forecaster>, Series)], judged_steps: usize) {
        let known = |past: &Series| past.len().saturating_sub(judged_steps);
        let longest = pasts.iter().map(|(_, past)| known(past)).max().unwrap_or(0) as i64;
        if self.trees.are_due(longest, self.lanes.season()) {
            let panel = trees::panel(pasts, |(_, past)| truncated(past, known(past)));
            self.trees.fit(&panel, 0, &self.lanes);
        }
    }

    /// Takes a series out; none of that name is no error.
    pub fn remove(&mut self, key: &SeriesKey) {
        if let Ok(row) = self.position(key) {
            self.series.remove(row);
            self.scenarios = None;
        }
    }

    /// Takes out every series that `keep` does not want.
    pub fn retain(&mut self, keep: impl Fn(&SeriesKey) -> bool) {
        let before = self.series.len();
        self.series.retain(|series| keep(&series.key));
        if self.series.len() != before {
            self.scenarios = None;
        }
    }

    fn young(&mut self, key: SeriesKey, cap: f32, end: i64) -> Box<Forecaster> {
        let number = self.next_number;
        self.next_number += 1;
        let history = History::new(self.history_steps, end);
        Box::new(Forecaster::new(key, number, cap, &self.lanes, history))
    }

    fn position(&self, key: &SeriesKey) -> Result<usize, usize> {
        self.series.binary_search_by(|series| series.key.cmp(key))
    }

    fn step_at(&self, instant: Timestamp) -> i64 {
        instant.as_millis().div_euclid(self.step.span().as_millis())
    }

    fn instant(&self, step: i64) -> Timestamp {
        Timestamp::from_millis(step * self.step.span().as_millis())
    }

    /// Brings every series to the bank's clock with gaps.
    fn align(&mut self) {
        self.trees.pace(self.series.len(), self.lanes.season());
        let (lanes, pool, trees) = (&self.lanes, &self.pool, &self.trees);
        let Some(end) = self.end else { return };
        let series = self.series.par_iter_mut().with_min_len(CHUNK);
        series.for_each(|series| series.advance_to(end, lanes, pool, trees));
    }

    /// Takes the step that begins at `at`, for all series at once: judges what was forecast of it,
    /// updates every state, learns the tail of `groups` (who is on which host now) and forecasts
    /// anew. A series without a sample has a gap; steps that were never observed are gaps for all.
    ///
    /// Of `samples`, those of this step count (of two of one series the later); older ones are
    /// written into the history only, since forecasts have gone on from there; later ones are not
    /// looked at. An `at` that was observed before makes all of them late. The first sample that is beyond a series' cap
    /// and more than twenty times all before it is taken for a gap.
    pub fn observe(&mut self, at: Timestamp, samples: &[Sample], groups: &[Group]) {
        let step = self.step_at(at);
        let is_late = self.end.is_some_and(|end| step < end);
        let mut current = self.sort_in(if is_late { None } else { Some(step) }, samples);
        if is_late {
            return;
        }
        self.end = Some(step);
        self.align();
        let pairs = self.series.iter_mut().zip(&mut current);
        pairs.for_each(|(series, sample)| *sample = series.believed(*sample));
        self.first_origin.get_or_insert(step);
        let heard = current.iter().flatten().count();
        if heard > 0 {
            self.last_sample = Some(step);
        }
        if heard > 0 && heard * 2 >= current.len() {
            self.last_heard = Some(step);
        }
        let (lanes, pool, trees) = (&self.lanes, &self.pool, &self.trees);
        let pairs = self.series.par_iter_mut().zip(current.par_iter()).with_min_len(CHUNK);
        pairs.for_each(|(series, sample)| series.advance(*sample, lanes, pool, trees));
        self.end = Some(step + 1);
        self.pool.forget();
        self.series.iter().for_each(|series| self.pool.learn(&series.completed));
        self.pool.settle(&self.lanes);
        self.tail.learn(step, &self.actual(&current), &self.lanes);
        self.scenarios = self.built().map(Arc::new);
        self.remember(groups);
    }

    /// The samples of `step`, one per series; all others that are older go into the histories.
    fn sort_in(&mut self, step: Option<i64>, samples: &[Sample]) -> Vec<Option<(f32, bool)>> {
        let mut current = vec![None; self.series.len()];
        let mut next_row = 0;
        for sample in samples.iter().filter(|sample| sample.value.is_finite()) {
            // Samples mostly come in the order of the series.
            let is_next = self.series.get(next_row).is_some_and(|series| series.key == sample.key);
            let found = if is_next { Ok(next_row) } else { self.position(&sample.key) };
            let Ok(row) = found else { continue };
            next_row = row + 1;
            let of_sample = self.step_at(sample.at);
            if step == Some(of_sample) {
                current[row] = Some((sample.value, sample.censored));
            } else if step.is_none_or(|step| of_sample < step) {
                self.series[row].correct(of_sample, (sample.value, sample.censored));
            }
        }
        current
    }

    fn actual(&self, current: &[Option<(f32, bool)>]) -> Actual {
        let numbers = self.next_number as usize;
        let mut actual = Actual { values: vec![f32::NAN; numbers], censored: vec![false; numbers] };
        for (series, sample) in self.series.iter().zip(current) {
            if let Some((value, is_censored)) = sample {
                actual.values[series.number as usize] = *value;
                actual.censored[series.number as usize] = *is_censored;
            }
        }
        actual
    }

    /// Forecasts the sums of `groups`, for the tail to learn from later.
    fn remember(&mut self, groups: &[Group]) {
        let (Some(scenarios), Some(end)) = (&self.scenarios, self.end) else { return };
        let known: Vec<&Forecaster> = self.known().collect();
        let forecast = |group: &Group| {
            let position =
                |(key, share): &(SeriesKey, f32)| scenarios.position(key).map(|row| (row, *share));
            let rows: Vec<(usize, f32)> = group.members.iter().filter_map(position).collect();
            let members = rows.iter().map(|(row, share)| (known[*row].number, *share)).collect();
            (members, scenarios.loads(&rows))
        };
        let (members, loads): (Vec<Members>, Vec<Vec<_>>) = groups.par_iter().map(forecast).unzip();
        self.tail.remember(end, members, loads.concat(), &self.lanes);
    }

    fn known(&self) -> impl Iterator<Item = &Forecaster> {
        self.series.iter().map(AsRef::as_ref).filter(|series| series.samples() > 0)
    }

    fn built(&self) -> Option<Scenarios> {
        let (now, first_origin) = (self.end?, self.first_origin?);
        if now - first_origin < FEWEST_STEPS {
            return None;
        }
        let known = self.known().collect();
        let (lanes, pool, step) = (&self.lanes, &self.pool, self.step);
        let scenes = Scenes { known, lanes, pool, first_origin, now, step };
        Some(scenes.scenarios(self.tail.tail(&self.lanes)))
    }

    /// Fits the models that are due (first at twelve samples, then at each doubling up to a season,
    /// then once a season), in parallel, and the trees over all series. Where it is never called, young
    /// states go on.
    pub fn refit(&mut self) {
        let (season, step) = (self.lanes.season(), self.step);
        self.series.par_iter_mut().for_each(|series| series.refit(season, step));
        let (Some(end), Some(first)) = (self.end, self.first_origin) else { return };
        if self.trees.are_due(end - first, season) {
            let panel = trees::panel(&self.series, |series| series.history.series(step));
            self.trees.fit(&panel, end - first, &self.lanes);
        }
    }

    /// Joint demand after the last observation, of all series that have had a sample; `None` before
    /// six steps were observed. A host's quantile is to be read off
    /// [`Scenarios::load`] and [`Scenarios::tail`], which is how the tail is calibrated.
    pub fn scenarios(&self) -> Option<Arc<Scenarios>> {
        self.scenarios.clone().or_else(|| self.built().map(Arc::new))
    }

    /// The quantiles of a series at `levels` for the next `steps` steps, which may be more than the
    /// buckets cover: then intervals stay as wide as in the last. Errs on a series that is not in
    /// the bank or has fewer than six samples.
    pub fn forecast(
        &self,
        key: &SeriesKey,
        steps: usize,
        levels: &Levels,
    ) -> Result<Forecast, BankError> {
        let row = self.position(key).map_err(|_| BankError::Unknown(key.clone()))?;
        let series = &self.series[row];
        let (needed, found) = (FEWEST_STEPS as u64, series.samples());
        if found < needed {
            return Err(BankError::TooYoung { key: key.clone(), needed, found });
        }
        let path = &series.paths(steps, self.lanes.season())[series.acting()];
        let asked = levels.as_slice();
        let offsets: Vec<Vec<f32>> = (0..self.lanes.len())
            .map(|b| series.offsets(self.lanes.get(b), asked, &self.pool.quantiles(b, asked)))
            .collect();
        let mut quantiles = Vec::with_capacity(steps * asked.len());
        let mut bucket = 0;
        for (ahead, point) in path.iter().enumerate() {
            while bucket + 1 < self.lanes.len() && ahead as i64 >= self.lanes.get(bucket).end {
                bucket += 1;
            }
            quantiles.extend(offsets[bucket].iter().map(|o| point + o));
        }
        if let Some(lifts) = series.lifts(steps) {
            told::lift_quantiles(&lifts, &mut quantiles, levels);
        }
        quantiles.iter_mut().for_each(|quantile| *quantile = bounded(*quantile, series.cap));
        let (origin, step) = (self.instant(series.history.end()), self.step);
        let (key, levels, model) = (key.clone(), levels.clone(), series.model());
        let forecast = Forecast::new(key, origin, step, levels, model, quantiles);
        Ok(forecast.expect("offsets ascend with the levels and were cut at zero and the cap"))
    }

    /// What is known of the series; `None` if it is not in the bank.
    pub fn report(&self, key: &SeriesKey) -> Option<Report> {
        let series = &self.series[self.position(key).ok()?];
        let scores = CANDIDATES.iter().zip(series.scores());
        let score = |(model, loss): (&ModelName, Option<f32>)| Score {
            model: *model,
            pinball: loss.map(f64::from),
        };
        Some(Report {
            model: series.model(),
            scores: scores.map(score).collect(),
            trend: series.ets().smoothing().trend(),
            is_seasonal: series.ets().is_seasonal(),
            coverage: series.coverage.measured(),
            samples: series.samples(),
        })
    }

    /// The book of all series: what readers look at while the bank is busy. Its forecasts reach as far
    /// as the buckets and equal [`Bank::forecast`].
    pub fn book(&self, levels: &Levels) -> ForecastBook {
        let asked = levels.as_slice();
        let pooled: Vec<Vec<f32>> =
            (0..self.lanes.len()).map(|bucket| self.pool.quantiles(bucket, asked)).collect();
        let lines = self.series.par_iter().with_min_len(CHUNK);
        let lines = lines.map(|series| self.line(series, levels, &pooled)).collect();
        let origin = self.instant(self.end.unwrap_or_default());
        let buckets = self.lanes.buckets().clone();
        ForecastBook::new(origin, self.step, levels.clone(), buckets, lines)
    }

    fn line(&self, series: &Forecaster, levels: &Levels, pooled: &[Vec<f32>]) -> book::Line {
        let asked = levels.as_slice();
        let is_young = series.samples() < FEWEST_STEPS as u64;
        let (mut path, mut offsets) = (Vec::new(), Vec::new());
        if !is_young {
            let horizon = self.lanes.buckets().horizon_steps();
            let mut paths = series.paths(horizon, self.lanes.season());
            path = std::mem::take(&mut paths[series.acting()]);
            offsets = (0..self.lanes.len())
                .flat_map(|b| series.offsets(self.lanes.get(b), asked, &pooled[b]))
                .collect();
        }
        let scores = CANDIDATES.iter().zip(series.scores());
        let score = |(model, loss): (&ModelName, Option<f32>)| book::Score {
            model: *model,
            pinball: loss.map(f64::from),
        };
        let report = book::Report {
            model: series.model(),
            scores: scores.map(score).collect(),
            coverage: series.coverage.measured(),
            samples: series.samples(),
        };
        let (key, cap) = (series.key.clone(), series.cap);
        let line =
            book::Line { key, cap, report, path, offsets, lifted: Vec::new(), lifts: Vec::new() };
        self.with_lifts(line, series, levels)
    }

    /// The line with what events do, where they do anything.
    fn with_lifts(&self, line: book::Line, series: &Forecaster, levels: &Levels) -> book::Line {
        let Some(lifts) = series.lifts(line.path.len()) else { return line };
        let mut lifted = line.usual(self.lanes.buckets(), levels);
        told::lift_quantiles(&lifts, &mut lifted, levels);
        lifted.iter_mut().for_each(|quantile| *quantile = bounded(*quantile, line.cap));
        let told = series.told().expect("it has lifts");
        let lifts = self.announced.lifts(told.effects_at(series.history.end()), &line.path);
        book::Line { lifted, lifts, ..line }
    }

    /// How many series each model acts on.
    pub fn acting_models(&self) -> BTreeMap<ModelName, usize> {
        let mut counts = BTreeMap::new();
        self.known().for_each(|series| *counts.entry(series.model()).or_default() += 1);
        counts
    }

    /// End of the newest step that brought samples of at least half of the series: what staleness is
    /// reckoned from.
    pub fn heard_until(&self) -> Option<Timestamp> {
        self.last_heard.map(|step| self.instant(step + 1))
    }

    /// End of the last step that brought any sample.
    pub fn last_observed(&self) -> Option<Timestamp> {
        self.last_sample.map(|step| self.instant(step + 1))
    }

    /// End of the last step that brought a sample of this series.
    pub fn last_observed_of(&self, key: &SeriesKey) -> Option<Timestamp> {
        let series = &self.series[self.position(key).ok()?];
        series.last_sample().map(|step| self.instant(step + 1))
    }
}

/// A series that has gone through its past.
struct Replayed {
    series: Box<Forecaster>,
    begin: i64,
    /// The windows that completed on the way, for the pool.
    completed: Vec<Standardised>,
}

impl Replayed {
    /// The first `known` steps of the past are known and not judged.
    fn new(
        mut series: Box<Forecaster>,
        (past, known): (&Series, usize),
        (lanes, pool, trees): (&Lanes, &Pool, &Trees),
        step: Step,
    ) -> Self {
        let sample = |index: usize| past.get(index).map(|value| (value, past.is_censored(index)));
        for index in 0..known {
            let believed = series.believed(sample(index));
            series.absorb(believed);
        }
        series.refit(lanes.season(), step);
        let begin = series.history.end();
        let mut completed = Vec::new();
        for index in known..past.len() {
            let believed = series.believed(sample(index));
            series.advance(believed, lanes, pool, trees);
            completed.extend_from_slice(&series.completed);
            series.refit(lanes.season(), step);
        }
        Self { series, begin, completed }
    }
}

fn bounded(quantile: f32, cap: f32) -> f32 {
    quantile.min(cap).max(0.0)
}

#[cfg(test)]
mod tests;
