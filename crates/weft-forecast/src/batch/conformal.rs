//! What a model of the whole panel missed on the last days that it had not seen, and what is to be added for it (split
//! conformal: Papadopoulos et al. 2002); and how it and the naive floors did there. The model that is judged is another than
//! the one that acts: it ends where the judging begins.

use rayon::iter::{IndexedParallelIterator, IntoParallelRefIterator, ParallelIterator};
use weft_core::forecast::{Levels, ModelName};
use weft_core::series::Series;

use super::Batch;
use super::local::{COMPARED, floor_of};
use crate::boosted::LEVELS;
use crate::distribution::normal_quantile;
use crate::past::Past;
use crate::validation::{pinball, truncated};

/// Origins and steps ahead that each series is judged on.
const ORIGINS: usize = 12;
const AHEADS: usize = 24;
/// Weeks that must be known for a whole one to be judged on.
const WEEKS_FOR_ONE: usize = 4;
/// Misses of neighbouring steps ahead are pooled over the panel in so many ranges.
const RANGES: usize = 6;
/// How many misses a correction needs before it counts half: those of one day and of all series are much alike.
const PRIOR_MISSES: f64 = 500.0;
/// Pairs of samples from which a floor's own errors are taken.
const FLOOR_ERRORS: usize = 150;

/// The quantiles at [`LEVELS`] of some steps ahead.
pub(super) type Paths = Vec<[f32; LEVELS.len()]>;

/// What answers for one series: from an origin, of some steps ahead; `None` where nothing is known.
pub(super) type Answering<'a> = Box<dyn Fn(usize, &[usize]) -> Option<Paths> + 'a>;

/// One model over all series of a panel.
pub(super) trait Global: Sync {
    /// Quantiles of all steps after `series`, which has number `index` in the panel; `None` where it has no sample.
    fn predict(&self, index: usize, series: &Series) -> Option<Paths>;

    /// What answers for `series` from any origin within it, its ways taken from its first `known` steps.
    fn vantage<'a>(&'a self, index: usize, series: &'a Series, known: usize) -> Answering<'a>;
}

/// A model of the panel with its corrections.
pub(super) struct Panel<M> {
    model: M,
    corrections: Corrections,
    /// Of each series: mean losses of last value, last season and the model; `None` where they were not judged.
    pub(super) losses: Vec<Option<[f64; 3]>>,
    horizon: usize,
}

/// How many of its last steps a panel is judged on; `None` where it is too short to learn from. Where four weeks are known it
/// is a whole one: weekends are missed otherwise than workdays.
pub(super) fn held(batch: &Batch<'_>, panel: &[Series]) -> Option<usize> {
    let longest = panel.iter().map(Series::len).max()?;
    let is_long = longest >= 2 * batch.season.max(batch.horizon);
    let week = if longest >= WEEKS_FOR_ONE * 7 * batch.season { 7 * batch.season } else { 0 };
    is_long.then_some((batch.horizon + batch.season).max(week).min(longest / 4))
}

/// The panel without its last `held` steps.
pub(super) fn known(panel: &[Series], held: usize) -> Vec<Series> {
    panel.iter().map(|series| truncated(series, series.len().saturating_sub(held))).collect()
}

impl<M: Global> Panel<M> {
    /// `model` acts; `judged` has seen all but the last `held` steps, and where there is none, nothing is corrected.
    pub(super) fn new(
        batch: &Batch<'_>,
        panel: &[Series],
        held: usize,
        judged: Option<&M>,
        model: M,
    ) -> Self {
        let pairs: Vec<Vec<Pair>> = match judged {
            Some(judged) => {
                let of = |at: (usize, &Series)| pairs(judged, at, batch, held);
                panel.par_iter().enumerate().map(of).collect()
            }
            None => panel.iter().map(|_| Vec::new()).collect(),
        };
        let corrections = corrections(&pairs, batch.horizon);
        let losses = pairs.iter().map(|pairs| losses(pairs, &corrections, batch.horizon)).collect();
        Self { model, corrections, losses, horizon: batch.horizon }
    }

    /// What was judged on series `index`, the model under its `name`; empty where nothing was.
    pub(super) fn scores(&self, index: usize, name: ModelName) -> Vec<(ModelName, f64)> {
        let names = [ModelName::LastValue, ModelName::SeasonalNaive, name];
        self.losses[index].map(|losses| names.into_iter().zip(losses).collect()).unwrap_or_default()
    }

    /// Steps × levels, ascending over levels; `None` where the series has no sample.
    pub(super) fn quantiles(
        &self,
        index: usize,
        series: &Series,
        levels: &Levels,
    ) -> Option<Vec<f32>> {
        let (least, most, asked) =
            (floor_of(series), ceiling_of(series), Between::new(levels.as_slice()));
        let mut quantiles = Vec::with_capacity(self.horizon * levels.as_slice().len());
        for (ahead, path) in self.model.predict(index, series)?.into_iter().enumerate() {
            asked.read(
                &corrected(&path, &self.corrections[range_of(ahead, self.horizon)]),
                &mut |value| {
                    quantiles.push(value.min(most).max(least));
                },
            );
        }
        Some(quantiles)
    }
}

/// As far above all that `series` ever was as that reaches from its lowest to its highest: a model that has learned of few
/// series, or of none like this one, has said sixteen times the highest of a series that is mostly zero.
fn ceiling_of(series: &Series) -> f32 {
    let ends = |(low, high): (f32, f32), value: f32| (low.min(value), high.max(value));
    let (low, high) = series.iter().flatten().fold((f32::INFINITY, f32::NEG_INFINITY), ends);
    high + (high - low)
}

/// By range of steps ahead and level: what is to be added, in units of the spread between the levels 0.1 and 0.9.
type Corrections = [[f32; LEVELS.len()]; RANGES];

fn range_of(ahead: usize, horizon: usize) -> usize {
    let share = ((ahead + 1) as f64).ln() / (horizon.max(2) as f64).ln();
    ((share * RANGES as f64) as usize).min(RANGES - 1)
}

fn unit(path: &[f32; LEVELS.len()]) -> f32 {
    (path[LEVELS.len() - 2] - path[1]).max(0.0)
}

/// What came, beside what the model had said of it.
struct Pair {
    ahead: usize,
    actual: f32,
    path: [f32; LEVELS.len()],
    /// What the floors had said, at [`COMPARED`].
    floors: [[f32; COMPARED.len()]; 2],
}

fn corrected(path: &[f32; LEVELS.len()], corrections: &[f32; LEVELS.len()]) -> [f32; LEVELS.len()] {
    let unit = unit(path);
    let mut path: [f32; LEVELS.len()] =
        std::array::from_fn(|level| path[level] + unit * corrections[level]);
    path.sort_unstable_by(f32::total_cmp);
    path
}

/// Asked levels read off the learned ones: linear in normal scores between them, exponential tails beyond.
struct Between(Vec<(usize, f32)>);

impl Between {
    fn new(levels: &[f64]) -> Self {
        let last = LEVELS.len() - 1;
        let place = |level: &f64| {
            let above = LEVELS.partition_point(|learned| learned < level).clamp(1, last);
            let (from, to) = (LEVELS[above - 1], LEVELS[above]);
            let share = if *level > LEVELS[last] {
                1.0 + ((1.0 - to) / (1.0 - level)).ln() / ((1.0 - from) / (1.0 - to)).ln()
            } else if *level < LEVELS[0] {
                -(from / level).ln() / (to / from).ln()
            } else {
                let score = normal_quantile;
                (score(*level) - score(from)) / (score(to) - score(from))
            };
            (above, share as f32)
        };
        Self(levels.iter().map(place).collect())
    }

    fn read(&self, path: &[f32; LEVELS.len()], take: &mut impl FnMut(f32)) {
        for (above, share) in &self.0 {
            take(path[above - 1] + share * (path[*above] - path[above - 1]));
        }
    }
}

fn pairs(
    judged: &impl Global,
    (index, series): (usize, &Series),
    batch: &Batch<'_>,
    held: usize,
) -> Vec<Pair> {
    let (length, horizon) = (series.len(), batch.horizon);
    let Some(from) = length.checked_sub(held).filter(|from| *from > batch.season) else {
        return Vec::new();
    };
    let vantage = judged.vantage(index, series, from);
    let past = Past::new(series, batch.season, 7 * batch.season);
    let reach = horizon.min(held);
    let room = held - reach + 1;
    let mut pairs = Vec::with_capacity(ORIGINS * AHEADS);
    for number in 0..ORIGINS {
        let origin = from + number * room / ORIGINS;
        // Half of the steps near, half anywhere: the near ones are few, and starts of moves hang on them.
        let steps = (0..AHEADS).map(|index| {
            let share = ((number * AHEADS + index) as f64 * 0.618_033_988_749_895).fract();
            let most = if index % 2 == 0 { (batch.season / 12).clamp(1, reach) } else { reach };
            (share * most as f64) as usize
        });
        let wanted: Vec<usize> =
            steps.filter(|ahead| !past.at((origin + ahead) as isize).is_nan()).collect();
        let Some(paths) = vantage(origin, &wanted) else { continue };
        for (ahead, path) in wanted.into_iter().zip(paths) {
            let actual = past.at((origin + ahead) as isize);
            let floors = floors(&past, (from, origin, ahead), batch.season);
            pairs.push(Pair { ahead, actual, path, floors });
        }
    }
    pairs
}

/// What the last value and the last season say of the step `ahead` of `origin`, with quantiles of their errors at the same
/// distance before `from`.
fn floors(
    past: &Past,
    (from, origin, ahead): (usize, usize, usize),
    season: usize,
) -> [[f32; COMPARED.len()]; 2] {
    let seasonal = (ahead / season + 1) * season;
    let around = |lag: usize, base: f32| {
        let room = from.saturating_sub(lag).max(1);
        let every = (room / FLOOR_ERRORS).max(1);
        let change = |index: usize| {
            past.at((from - 1 - index * every) as isize)
                - past.at(from as isize - 1 - (index * every + lag) as isize)
        };
        let mut errors: Vec<f32> =
            (0..room / every).map(change).filter(|error| !error.is_nan()).collect();
        errors.sort_unstable_by(f32::total_cmp);
        COMPARED.map(|level| {
            let rank = (level * errors.len() as f64) as usize;
            base + errors.get(rank).copied().unwrap_or(0.0)
        })
    };
    let last = past.last(origin, origin);
    let before = past.at((origin + ahead) as isize - seasonal as isize);
    [around(ahead + 1, last), around(seasonal, if before.is_nan() { last } else { before })]
}

fn corrections(pairs: &[Vec<Pair>], horizon: usize) -> Corrections {
    let mut misses: Vec<Vec<Vec<f32>>> = vec![vec![Vec::new(); LEVELS.len()]; RANGES];
    for pair in pairs.iter().flatten() {
        let unit = unit(&pair.path);
        if unit <= 0.0 {
            continue;
        }
        let range = &mut misses[range_of(pair.ahead, horizon)];
        range
            .iter_mut()
            .zip(pair.path)
            .for_each(|(level, quantile)| level.push((pair.actual - quantile) / unit));
    }
    std::array::from_fn(|range| {
        std::array::from_fn(|level| correction(&mut misses[range][level], LEVELS[level]))
    })
}

/// The quantile of the misses of one level, which is zero where the level held, shrunk.
fn correction(misses: &mut [f32], level: f64) -> f32 {
    if misses.is_empty() {
        return 0.0;
    }
    let count = misses.len() as f64;
    let rank = ((level * count) as usize).min(misses.len() - 1);
    let (_, quantile, _) = misses.select_nth_unstable_by(rank, f32::total_cmp);
    *quantile * (count / (count + PRIOR_MISSES)) as f32
}

fn losses(pairs: &[Pair], corrections: &Corrections, horizon: usize) -> Option<[f64; 3]> {
    if pairs.is_empty() {
        return None;
    }
    let asked = Between::new(&COMPARED);
    let mut sums = [0.0; 3];
    for pair in pairs {
        let mut model = Vec::with_capacity(COMPARED.len());
        asked.read(
            &corrected(&pair.path, &corrections[range_of(pair.ahead, horizon)]),
            &mut |value| model.push(value),
        );
        let said: [&[f32]; 3] = [&pair.floors[0], &pair.floors[1], &model];
        for (sum, quantiles) in sums.iter_mut().zip(said) {
            let each = COMPARED.iter().zip(quantiles);
            *sum += each
                .map(|(level, at)| pinball(*level, f64::from(*at), f64::from(pair.actual)))
                .sum::<f64>();
        }
    }
    Some(sums.map(|sum| sum / (pairs.len() * COMPARED.len()) as f64))
}
