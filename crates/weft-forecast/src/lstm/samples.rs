//! What the network is told: of an origin a sequence of windows that end there, of each step ahead the columns that the
//! boosted trees see, the time and what else is known of the workload. Everything is in units of the series' own change from
//! day to day, from its recent level. Nothing here may look at or after the origin, but for times and events.

use std::f32::consts::TAU;

use weft_core::resource::Resource;
use weft_core::series::Series;

use super::Workload;
use super::network::Size;
use crate::boosted::features::{COLUMNS, Shape, View};
use crate::boosted::local::Local;
use crate::boosted::phase_of;
use crate::past::Past;
use crate::validation::truncated;

/// Windows of a day in the sequence, days that it reaches back, and single steps at its end where a window is longer than
/// one step.
const WINDOWS_PER_DAY: usize = 24;
const DAYS: usize = 2;
const SINGLES: usize = 12;
/// Numbers that tell of a window; the last is always one.
pub(super) const INPUTS: usize = 8;
/// Numbers that tell of the time of a step and of its distance.
pub(super) const TIME_COLUMNS: usize = 2 * (DAY_WAVES + WEEK_WAVES) + 1;
const DAY_WAVES: usize = 3;
const WEEK_WAVES: usize = 2;
/// The straight ways have weights for so many distances, with those between mixed of both neighbours: what is near follows
/// the last values, what is far the same time of other days.
pub(super) const DISTANCES: usize = 8;
/// Steps ahead learned of an origin, of which every so many is near: starts of moves hang on the near ones, and they are few.
pub(super) const STEPS: usize = 8;
const NEAR_EVERY: usize = 2;
/// What goes straight to the median is cut here.
const FURTHEST_STRAIGHT: f32 = 20.0;
/// Held-out origins for each that is learned from, at most.
const HELD_ORIGINS: usize = 8;

/// A workload made ready to be seen from any origin.
#[derive(Debug)]
pub(crate) struct Subject<'a> {
    past: Past,
    local: Local,
    phase: usize,
    shape: Shape,
    size: Size,
    resource: Option<Resource>,
    cluster: u32,
    events: &'a [Vec<f32>],
}

impl<'a> Subject<'a> {
    pub(super) fn new(workload: &Workload<'a>, shape: Shape, size: Size) -> Self {
        Self::known_to(workload, shape, size, workload.series.len())
    }

    /// Whose ways are taken from its first `known` steps.
    pub(super) fn known_to(
        workload: &Workload<'a>,
        shape: Shape,
        size: Size,
        known: usize,
    ) -> Self {
        let past_of = |series: &Series| Past::new(series, shape.season, shape.week);
        let past = past_of(workload.series);
        let local = if known < past.len() {
            Local::new(&past_of(&truncated(workload.series, known)), shape.season)
        } else {
            Local::new(&past, shape.season)
        };
        let cluster = workload.cluster.filter(|cluster| *cluster < size.clusters);
        Self {
            past,
            local,
            phase: phase_of(workload.series, shape),
            shape,
            size,
            resource: workload.resource,
            // The last row of the table is of those of which it is not known.
            cluster: cluster.unwrap_or(size.clusters) as u32,
            events: workload.events,
        }
    }

    /// `None` where nothing is known before `origin`.
    pub(super) fn view(&self, origin: usize) -> Option<View<'_>> {
        View::new(&self.past, &self.local, self.shape, origin, self.phase)
    }

    /// Sine and cosine of the time of day at `index`, `waves` of them, and of the time of the week.
    fn tell_time(&self, index: usize, waves: (usize, usize), row: &mut Vec<f32>) {
        let step = self.phase + index;
        for (period, waves) in [(self.shape.season, waves.0), (self.shape.week, waves.1)] {
            let angle = TAU * (step % period) as f32 / period as f32;
            for wave in 1..=waves {
                let (sine, cosine) = (wave as f32 * angle).sin_cos();
                row.extend([sine, cosine]);
            }
        }
    }

    /// From zero for the next step to one for the last, by its logarithm.
    fn distance(&self, ahead: usize) -> f32 {
        ((ahead + 1) as f32).ln() / (self.shape.horizon.max(2) as f32).ln()
    }

    /// The sequence that ends at `origin`.
    fn tell_windows(&self, view: &View<'_>, origin: usize, rows: &mut Vec<f32>) {
        let width = (self.shape.season / WINDOWS_PER_DAY).max(1);
        let count = (WINDOWS_PER_DAY * DAYS) as isize;
        let singles = if width > 1 { SINGLES as isize } else { 0 };
        let spans = (1..=count)
            .rev()
            .map(|back| (back * width as isize, width as isize))
            .chain((1..=singles).rev().map(|back| (back, 1)));
        for (back, width) in spans {
            let from = origin as isize - back;
            let mean = |from: isize| self.past.mean(from, from + width);
            let before = mean(from - self.shape.season as isize);
            let deviation = self.past.variance(from, from + width).sqrt() / view.scale;
            rows.extend([
                squash(view.standardise(mean(from))),
                squash(view.standardise(before)),
                squash(deviation),
                f32::from(u8::from(!mean(from).is_nan())),
                f32::from(u8::from(width == 1)),
            ]);
            self.tell_time(from.max(0) as usize, (1, 0), rows);
            rows.push(1.0);
        }
    }

    /// What is known of the step `ahead` beside the columns of the view; a one first, whose weights are biases.
    fn tell_rest(&self, origin: usize, ahead: usize, row: &mut Vec<f32>) {
        let index = origin + ahead;
        row.push(1.0);
        self.tell_time(index, (DAY_WAVES, WEEK_WAVES), row);
        row.push(self.distance(ahead));
        row.extend(
            Resource::ALL.map(|resource| f32::from(u8::from(self.resource == Some(resource)))),
        );
        row.extend((0..self.size.events).map(|kind| {
            let strengths = self.events.get(kind);
            strengths.and_then(|strengths| strengths.get(index)).copied().unwrap_or(0.0)
        }));
    }
}

/// Large values are told by their magnitude; unknown ones are at the middle.
fn squash(value: f32) -> f32 {
    if value.is_nan() { 0.0 } else { value.signum() * value.abs().ln_1p() }
}

/// Which part of a series origins are taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Share {
    Learned,
    Held,
}

/// Origins with their windows, steps ahead and what came.
#[derive(Debug, Default)]
pub(super) struct Lot {
    windows: Vec<f32>,
    clusters: Vec<u32>,
    /// Columns of the view, as they are.
    straight: Vec<f32>,
    rest: Vec<f32>,
    distances: Vec<f32>,
    targets: Vec<f32>,
    /// Zero where it is not known what came.
    weights: Vec<f32>,
}

/// Some origins of a lot, as the network takes them.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) origins: usize,
    pub(super) steps: usize,
    /// Window after window: origins × inputs.
    pub(super) windows: Vec<f32>,
    pub(super) clusters: Vec<u32>,
    pub(super) rows: Vec<f32>,
    pub(super) straight: Vec<f32>,
    /// How much each of [`DISTANCES`] counts.
    pub(super) distances: Vec<f32>,
    pub(super) targets: Vec<f32>,
    pub(super) weights: Vec<f32>,
}

impl Lot {
    /// Up to `origins` of a workload, whose last `held` steps are kept apart.
    pub(super) fn of(subject: &Subject<'_>, share: Share, held: usize, origins: usize) -> Self {
        let mut lot = Self::default();
        let length = subject.past.len();
        let split = length.saturating_sub(held);
        let first = subject.shape.season.min(length / 2).max(1);
        let (from, to, count) = match share {
            Share::Learned => (first, split, origins),
            Share::Held => (split.max(first), length, origins.div_ceil(HELD_ORIGINS)),
        };
        if from >= to {
            return lot;
        }
        let golden =
            |index: usize, shift: f64| (index as f64 * 0.618_033_988_749_895 + shift).fract();
        for index in 0..count.min(to - from) {
            let origin = from + (golden(index, 0.5) * (to - from) as f64) as usize;
            let Some(view) = subject.view(origin) else { continue };
            if view.is_constant() {
                continue;
            }
            let (horizon, reach) = (subject.shape.horizon, subject.shape.horizon.min(to - origin));
            let near = (subject.shape.season / 24).clamp(1, horizon);
            let ahead: [usize; STEPS] = std::array::from_fn(|part| {
                let most = if part % NEAR_EVERY == 0 { near } else { horizon };
                (golden(index * STEPS + part, 0.25) * most as f64) as usize
            });
            lot.take(subject, &view, origin, &ahead, reach);
        }
        lot
    }

    /// The steps `ahead` of one origin, with nothing known of what came.
    pub(super) fn asked(
        subject: &Subject<'_>,
        view: &View<'_>,
        origin: usize,
        ahead: &[usize],
    ) -> Self {
        let mut lot = Self::default();
        lot.take(subject, view, origin, ahead, 0);
        lot
    }

    fn take(
        &mut self,
        subject: &Subject<'_>,
        view: &View<'_>,
        origin: usize,
        aheads: &[usize],
        reach: usize,
    ) {
        subject.tell_windows(view, origin, &mut self.windows);
        self.clusters.push(subject.cluster);
        let mut row = [0.0; COLUMNS];
        for ahead in aheads {
            view.row(*ahead, &mut row);
            self.straight.extend(row.map(|value| if value.is_nan() { 0.0 } else { value }));
            subject.tell_rest(origin, *ahead, &mut self.rest);
            self.distances.push(subject.distance(*ahead));
            let target = view.standardise(subject.past.at((origin + ahead) as isize));
            let is_known = *ahead < reach && !target.is_nan();
            self.targets.push(if is_known { target } else { 0.0 });
            self.weights.push(f32::from(u8::from(is_known)));
        }
    }

    pub(super) fn extend(&mut self, more: Self) {
        self.windows.extend(more.windows);
        self.clusters.extend(more.clusters);
        self.straight.extend(more.straight);
        self.rest.extend(more.rest);
        self.distances.extend(more.distances);
        self.targets.extend(more.targets);
        self.weights.extend(more.weights);
    }

    /// Origins.
    pub(super) fn len(&self) -> usize {
        self.clusters.len()
    }

    /// Steps of which it is known what came.
    pub(super) fn known_steps(&self) -> f32 {
        self.weights.iter().sum()
    }

    /// The origins of these numbers.
    pub(super) fn batch(&self, chosen: &[u32]) -> Batch {
        let steps = self.targets.len() / self.len();
        let rest = self.rest.len() / self.targets.len();
        let length = self.windows.len() / self.len();
        let mut batch = Batch {
            origins: chosen.len(),
            steps,
            windows: Vec::with_capacity(chosen.len() * length),
            clusters: Vec::with_capacity(chosen.len()),
            rows: Vec::with_capacity(chosen.len() * steps * (COLUMNS + rest)),
            straight: Vec::with_capacity(chosen.len() * steps * COLUMNS),
            distances: Vec::with_capacity(chosen.len() * steps * DISTANCES),
            targets: Vec::with_capacity(chosen.len() * steps),
            weights: Vec::with_capacity(chosen.len() * steps),
        };
        for window in 0..length / INPUTS {
            for index in chosen {
                let from = *index as usize * length + window * INPUTS;
                batch.windows.extend_from_slice(&self.windows[from..from + INPUTS]);
            }
        }
        for index in chosen {
            let index = *index as usize;
            batch.clusters.push(self.clusters[index]);
            for step in index * steps..(index + 1) * steps {
                let told = &self.straight[step * COLUMNS..(step + 1) * COLUMNS];
                batch.rows.extend(told.iter().map(|value| squash(*value)));
                batch.rows.extend_from_slice(&self.rest[step * rest..(step + 1) * rest]);
                let cut = |value: &f32| value.clamp(-FURTHEST_STRAIGHT, FURTHEST_STRAIGHT);
                batch.straight.extend(told.iter().map(cut));
                let place = self.distances[step] * (DISTANCES - 1) as f32;
                let near = |distance: usize| (1.0 - (place - distance as f32).abs()).max(0.0);
                batch.distances.extend((0..DISTANCES).map(near));
                batch.targets.push(self.targets[step]);
                batch.weights.push(self.weights[step]);
            }
        }
        batch
    }
}
