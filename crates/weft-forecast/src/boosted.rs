//! Boosted trees for the quantiles of demand, one set over all series of a panel, for every step ahead at once (direct
//! forecasts). A linear median and spread come first; trees then move all levels together, each leaf by the exact quantiles
//! of what is left in it (Friedman 2001; Koenker & Bassett 1978). No row may tell of its origin's future.

use std::ops::Range;

use rayon::iter::{
    IndexedParallelIterator, IntoParallelRefIterator, IntoParallelRefMutIterator, ParallelIterator,
};
use rayon::slice::{ParallelSlice, ParallelSliceMut};
use weft_core::forecast::ModelName;
use weft_core::scenario::Buckets;
use weft_core::series::Series;

use crate::model::ModelError;
use crate::past::Past;
use crate::validation::truncated;
use bins::Edges;
use features::{COLUMNS, Shape, View};
use linear::Linear;
use local::Local;
use tree::{Binned, Ground, Growth, Tree};

mod bins;
pub(crate) mod features;
mod linear;
pub(crate) mod local;
mod tree;

/// The levels that are learned; others lie between.
pub const LEVELS: [f64; 9] = [0.025, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.975];

/// Columns of the trees: those of the row, the linear median and the linear spread.
const TREE_COLUMNS: usize = COLUMNS + 2;

/// What is forecast of the steps ahead.
#[derive(Debug, Clone, PartialEq)]
pub enum Pieces {
    /// Each of so many steps by itself.
    Steps(usize),
    /// The mean of each bucket.
    Means(Buckets),
}

impl Pieces {
    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Steps(steps) => *steps,
            Self::Means(buckets) => buckets.len(),
        }
    }

    /// Whether nothing is forecast.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Steps ahead that they reach.
    fn horizon(&self) -> usize {
        match self {
            Self::Steps(steps) => *steps,
            Self::Means(buckets) => buckets.horizon_steps(),
        }
    }

    /// The steps ahead of one.
    fn steps(&self, piece: usize) -> Range<usize> {
        match self {
            Self::Steps(_) => piece..piece + 1,
            Self::Means(buckets) => buckets.steps(piece),
        }
    }

    /// The step ahead that stands for one.
    fn middle(&self, piece: usize) -> usize {
        let steps = self.steps(piece);
        usize::midpoint(steps.start, steps.end - 1)
    }

    /// The near ones, of which more is learned: of single steps there are few among many, buckets are dense there anyway.
    fn near(&self, season: usize) -> usize {
        match self {
            Self::Steps(steps) => (season / 24).clamp(1, (*steps).max(1)),
            Self::Means(buckets) => buckets.len(),
        }
    }
}

/// The model before it has seen a panel.
#[derive(Debug, Clone, PartialEq)]
pub struct Boosted {
    /// Steps in a day.
    pub season: usize,
    /// What is forecast.
    pub pieces: Pieces,
    /// Rows to learn from.
    pub rows: usize,
    /// Trees.
    pub trees: usize,
    /// What each tree adds of what it found.
    pub rate: f32,
    /// Leaves of a tree.
    pub leaves: usize,
    /// Rows in a leaf at least.
    pub fewest_rows: usize,
}

impl Boosted {
    /// With what did best on fifty machines of the Azure trace, the `dev` half of `bench/forecast`.
    pub const fn new(season: usize, pieces: Pieces) -> Self {
        Self { season, pieces, rows: 100_000, trees: 200, rate: 0.08, leaves: 31, fewest_rows: 100 }
    }

    /// Sized for a panel of so many series with so many samples in all: more of them bring more rows, within what memory
    /// and time allow.
    #[must_use]
    pub fn for_panel(mut self, series: usize, samples: usize) -> Self {
        let rows = (series * ROWS_PER_SERIES).clamp(FEWEST_ROWS, MOST_ROWS);
        self.rows = rows.min(samples * ROWS_PER_SAMPLE);
        self
    }

    fn shape(&self) -> Shape {
        Shape { season: self.season, week: 7 * self.season, horizon: self.pieces.horizon() }
    }

    /// Learns from all of `panel`. Errs where no series is long enough to have seen any step come.
    pub fn fit(&self, panel: &[Series]) -> Result<FittedBoosted, ModelError> {
        let shape = self.shape();
        let each = (self.rows / panel.len().max(1)).max(1);
        let lots: Vec<Lot> =
            panel.par_iter().map(|series| Lot::of(series, shape, &self.pieces, each)).collect();
        let lot = Lot::joined(lots);
        if lot.targets.len() < 2 * self.fewest_rows {
            let (needed, found) = (2 * self.fewest_rows, lot.targets.len());
            return Err(ModelError::TooShort { model: ModelName::Boosted, needed, found });
        }
        let linear = Linear::fit(&lot.rows, &lot.ahead, &lot.targets, shape.horizon);
        Ok(self.boost(&lot, linear))
    }

    fn boost(&self, lot: &Lot, linear: Linear) -> FittedBoosted {
        let count = lot.targets.len();
        let mut starts = Vec::with_capacity(count);
        let mut rows = Vec::with_capacity(count * TREE_COLUMNS);
        for row in 0..count {
            let told = &lot.rows[row * COLUMNS..(row + 1) * COLUMNS];
            let start = linear.predict(told, lot.ahead[row] as usize);
            starts.push(start);
            rows.extend_from_slice(told);
            rows.extend([start.0, start.1]);
        }
        let edges = Edges::new(&rows, TREE_COLUMNS);
        let mut bins = vec![0; rows.len()];
        bins.par_chunks_mut(TREE_COLUMNS)
            .zip(rows.par_chunks(TREE_COLUMNS))
            .for_each(|(bins, row)| edges.bin_row(row, bins));
        drop(rows);
        let offsets = standard_quantiles(&lot.targets, &starts);
        let mut paths: Vec<[f32; LEVELS.len()]> = starts
            .iter()
            .map(|(median, spread)| offsets.map(|offset| median + spread * offset))
            .collect();
        let binned = Binned { bins: &bins, columns: TREE_COLUMNS };
        let mut trees = Vec::with_capacity(self.trees);
        for number in 0..self.trees {
            let tree = self.tree(binned, &lot.targets, &paths, number as u64);
            paths.par_iter_mut().enumerate().with_min_len(4096).for_each(|(row, path)| {
                path.iter_mut()
                    .zip(tree.find(binned.row(row)))
                    .for_each(|(level, more)| *level += more);
            });
            trees.push(tree);
        }
        let pieces = self.pieces.clone();
        FittedBoosted { shape: self.shape(), pieces, linear, offsets, edges, trees }
    }

    fn tree(
        &self,
        binned: Binned<'_>,
        targets: &[f32],
        paths: &[[f32; LEVELS.len()]],
        number: u64,
    ) -> Tree {
        let gradients: Vec<[f32; 2]> =
            targets.iter().zip(paths).map(|(target, path)| gradient(*target, path)).collect();
        let mut dice = Dice(number);
        let mut rows: Vec<u32> =
            (0..targets.len() as u32).filter(|_| dice.roll() < ROW_SHARE).collect();
        let allowed: Vec<usize> =
            (0..TREE_COLUMNS).filter(|_| dice.roll() < COLUMN_SHARE).collect();
        let growth = Growth {
            leaves: self.leaves,
            fewest_rows: self.fewest_rows,
            shrinkage_rows: SHRINKAGE_ROWS,
        };
        let ground = Ground { binned, gradients: &gradients, allowed: &allowed, growth };
        let (mut tree, ranges) = ground.grow(&mut rows, LEVELS.len());
        let mut left = Vec::new();
        for (leaf, (from, to)) in ranges.into_iter().enumerate() {
            let count = (to - from) as f32;
            let step = self.rate * count / (count + SHRINKAGE_ROWS);
            for (level, value) in tree.values_mut(leaf).iter_mut().enumerate() {
                left.clear();
                left.extend(
                    rows[from..to]
                        .iter()
                        .map(|row| targets[*row as usize] - paths[*row as usize][level]),
                );
                let rank = ((LEVELS[level] * left.len() as f64) as usize).min(left.len() - 1);
                let (_, quantile, _) = left.select_nth_unstable_by(rank, f32::total_cmp);
                *value = step * *quantile;
            }
        }
        tree
    }
}

/// Rows learned from: so many for each series, but no fewer and no more than these in all.
const ROWS_PER_SERIES: usize = 1_000;
const FEWEST_ROWS: usize = 60_000;
const MOST_ROWS: usize = 300_000;
/// Rows for each sample of the panel at most: one that is told of from more origins teaches nothing new.
const ROWS_PER_SAMPLE: usize = 2;
/// Share of the rows and of the columns that a tree sees.
const ROW_SHARE: f32 = 0.5;
const COLUMN_SHARE: f32 = 0.6;
/// Pulls the values of small leaves to zero, in rows.
const SHRINKAGE_ROWS: f32 = 20.0;

/// Where the levels together should move, and how they should part.
fn gradient(target: f32, path: &[f32; LEVELS.len()]) -> [f32; 2] {
    let mut gradient = [0.0; 2];
    for (level, quantile) in LEVELS.iter().zip(path) {
        let pull = *level as f32 - f32::from(u8::from(target < *quantile));
        gradient[0] += pull;
        gradient[1] += if *level < 0.5 {
            -pull
        } else if *level > 0.5 {
            pull
        } else {
            0.0
        };
    }
    gradient
}

/// The quantiles of (target − median) / spread over all rows.
fn standard_quantiles(targets: &[f32], starts: &[(f32, f32)]) -> [f32; LEVELS.len()] {
    let mut errors: Vec<f32> = targets
        .iter()
        .zip(starts)
        .map(|(target, (median, spread))| (target - median) / spread)
        .collect();
    errors.sort_unstable_by(f32::total_cmp);
    LEVELS.map(|level| errors[((level * errors.len() as f64) as usize).min(errors.len() - 1)])
}

/// Numbers that look random and are the same for the same seed (SplitMix64: Steele, Lea & Flood 2014).
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    /// In 0..1.
    pub(crate) fn roll(&mut self) -> f32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) >> 40) as f32 / (1_u32 << 24) as f32
    }
}

/// Steps ahead told of one origin when learning.
const AHEAD_PER_ORIGIN: usize = 6;
/// The share of rows that are of the first steps, of which there are few and on which starts of moves hang.
const NEAR_EVERY: usize = 3;

/// What is learned from.
#[derive(Default)]
struct Lot {
    rows: Vec<f32>,
    ahead: Vec<u32>,
    targets: Vec<f32>,
}

impl Lot {
    fn of(series: &Series, shape: Shape, pieces: &Pieces, rows: usize) -> Self {
        let mut lot = Self::default();
        let past = Past::new(series, shape.season, shape.week);
        let local = Local::new(&past, shape.season);
        let phase = phase_of(series, shape);
        let length = past.len();
        if length < 2 {
            return lot;
        }
        let first = shape.season.min(length / 2).max(1);
        let origins = rows.div_ceil(AHEAD_PER_ORIGIN).max(1);
        let mut row = [0.0; COLUMNS];
        // The golden ratio spreads both evenly, in no step with any season.
        let golden =
            |index: usize, shift: f64| (index as f64 * 0.618_033_988_749_895 + shift).fract();
        for index in 0..origins {
            let origin = first + (golden(index, 0.5) * (length - first) as f64) as usize;
            let Some(view) = View::new(&past, &local, shape, origin, phase) else { continue };
            if view.is_constant() {
                continue;
            }
            for part in 0..AHEAD_PER_ORIGIN {
                let share = golden(index * AHEAD_PER_ORIGIN + part, 0.25);
                let among =
                    if part % NEAR_EVERY == 0 { pieces.near(shape.season) } else { pieces.len() };
                let piece = (share * among as f64) as usize;
                let steps = pieces.steps(piece);
                let target =
                    past.mean((origin + steps.start) as isize, (origin + steps.end) as isize);
                if origin + steps.end > length || target.is_nan() {
                    continue;
                }
                let ahead = pieces.middle(piece);
                view.row(ahead, &mut row);
                lot.rows.extend_from_slice(&row);
                lot.ahead.push(ahead as u32);
                lot.targets.push(view.standardise(target));
            }
        }
        lot
    }

    fn joined(lots: Vec<Self>) -> Self {
        let mut joined = Self::default();
        for lot in lots {
            joined.rows.extend(lot.rows);
            joined.ahead.extend(lot.ahead);
            joined.targets.extend(lot.targets);
        }
        joined
    }
}

/// Step of the week at which the series starts.
pub(crate) fn phase_of(series: &Series, shape: Shape) -> usize {
    shape.phase_at(series.start().as_millis().div_euclid(series.step().span().as_millis()))
}

/// The model after it has seen a panel.
#[derive(Debug, Clone, PartialEq)]
pub struct FittedBoosted {
    shape: Shape,
    pieces: Pieces,
    linear: Linear,
    offsets: [f32; LEVELS.len()],
    edges: Edges,
    trees: Vec<Tree>,
}

impl FittedBoosted {
    /// The quantiles at [`LEVELS`] of the pieces after `series`, one after the other, ascending; `None` where the series has
    /// no sample.
    pub fn predict(&self, series: &Series) -> Option<Vec<[f32; LEVELS.len()]>> {
        let all: Vec<usize> = (0..self.pieces.len()).collect();
        Vantage::new(self, series, series.len()).quantiles(series.len(), &all)
    }

    /// The quantiles at [`LEVELS`] of all pieces after `values`, the first of which was at step `begin` since the epoch and
    /// whose ways are known as `local`; `None` where there is no value.
    pub(crate) fn predict_after(
        &self,
        values: Vec<f32>,
        begin: i64,
        local: &Local,
    ) -> Option<Vec<[f32; LEVELS.len()]>> {
        let (origin, shape) = (values.len(), self.shape);
        let past = Past::of(values, shape.season, shape.week);
        let view = View::new(&past, local, shape, origin, shape.phase_at(begin))?;
        if view.is_constant() {
            return Some(vec![[view.centre; LEVELS.len()]; self.pieces.len()]);
        }
        Some(self.quantiles(&view, &(0..self.pieces.len()).collect::<Vec<_>>()))
    }

    /// The quantiles of `pieces` as seen in `view`. Tree after tree, so that each is fetched once for all of them.
    fn quantiles(&self, view: &View<'_>, pieces: &[usize]) -> Vec<[f32; LEVELS.len()]> {
        let (mut row, mut bins) = ([0.0; TREE_COLUMNS], vec![[0; TREE_COLUMNS]; pieces.len()]);
        let mut paths = Vec::with_capacity(pieces.len());
        for (piece, bins) in pieces.iter().zip(&mut bins) {
            let ahead = self.pieces.middle(*piece);
            view.row(ahead, &mut row[..COLUMNS]);
            let (median, spread) = self.linear.predict(&row[..COLUMNS], ahead);
            (row[COLUMNS], row[COLUMNS + 1]) = (median, spread);
            self.edges.bin_row(&row, bins);
            paths.push(self.offsets.map(|offset| median + spread * offset));
        }
        for tree in &self.trees {
            for (path, bins) in paths.iter_mut().zip(&bins) {
                path.iter_mut().zip(tree.find(bins)).for_each(|(level, more)| *level += more);
            }
        }
        paths.iter_mut().for_each(|path| {
            path.sort_unstable_by(f32::total_cmp);
            *path = path.map(|level| view.centre + view.scale * level);
        });
        paths
    }
}

/// A series made ready to be forecast from any origin within it.
pub(crate) struct Vantage<'a> {
    fitted: &'a FittedBoosted,
    past: Past,
    local: Local,
    phase: usize,
}

impl<'a> Vantage<'a> {
    /// Of `series`, whose ways are taken from its first `known` steps.
    pub(crate) fn new(fitted: &'a FittedBoosted, series: &Series, known: usize) -> Self {
        let shape = fitted.shape;
        let past = Past::new(series, shape.season, shape.week);
        let local = if known < series.len() {
            Local::new(
                &Past::new(&truncated(series, known), shape.season, shape.week),
                shape.season,
            )
        } else {
            Local::new(&past, shape.season)
        };
        let phase = phase_of(series, shape);
        Self { fitted, past, local, phase }
    }

    /// The quantiles of `pieces` after `origin`; what comes at and after it has no part in them but through the series' own
    /// correlations. `None` where nothing is known there.
    pub(crate) fn quantiles(
        &self,
        origin: usize,
        pieces: &[usize],
    ) -> Option<Vec<[f32; LEVELS.len()]>> {
        let view = View::new(&self.past, &self.local, self.fitted.shape, origin, self.phase)?;
        if view.is_constant() {
            return Some(vec![[view.centre; LEVELS.len()]; pieces.len()]);
        }
        Some(self.fitted.quantiles(&view, pieces))
    }
}
