//! The linear part that the trees start from: a median and a spread, linear in the columns, one pair for each range of steps
//! ahead. Trees are poor at straight lines; what is straight is taken out before them.

use super::features::{COLUMNS, DAILY_CHANGE, FURTHEST, RANGES, range_of};

/// Rounds of reweighting towards the median (Schlossmacher 1973): the first is least squares.
const ROUNDS: usize = 3;
/// Ridge, in rows: columns are standardised to about one.
const RIDGE: f64 = 20.0;
/// Residuals below this share of the mean one weigh alike: the median is not sought to the last digit.
const SOFT_SHARE: f64 = 0.1;
/// Ridge of what a kind of series adds to the weights of all.
const KIND_RIDGE: f64 = 2_000.0;
/// Kinds of series by the squared change from day to day over the variance: two is no season at all, zero a perfect one.
const KINDS: [f32; 3] = [0.4, 1.0, 1.6];
const GROUPS: usize = KINDS.len() + 1;
/// The least spread, in units of the rows.
pub(crate) const LEAST_SPREAD: f32 = 1e-3;

const WIDTH: usize = COLUMNS + 1;

/// Median and spread of a row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Linear {
    /// By range: weights of the columns and a constant.
    medians: Vec<[f32; WIDTH]>,
    spreads: Vec<[f32; WIDTH]>,
    horizon: usize,
}

/// Which kind of series a row is of.
fn kind_of(row: &[f32]) -> usize {
    let daily = row[DAILY_CHANGE];
    KINDS.iter().position(|most| daily < *most).unwrap_or(KINDS.len())
}

/// The weights of each kind of series: those of all, and what its own rows add to them.
fn by_kind(rows: &[[f32; WIDTH]], kinds: &[usize], targets: &[f32]) -> [[f32; WIDTH]; GROUPS] {
    let shared = least_absolute(rows, targets, RIDGE);
    std::array::from_fn(|kind| {
        let members: Vec<usize> = (0..rows.len()).filter(|index| kinds[*index] == kind).collect();
        if members.is_empty() {
            return shared;
        }
        let of_kind: Vec<[f32; WIDTH]> = members.iter().map(|index| rows[*index]).collect();
        let left: Vec<f32> =
            members.iter().map(|index| targets[*index] - dot(&shared, &rows[*index])).collect();
        let own = least_absolute(&of_kind, &left, KIND_RIDGE);
        std::array::from_fn(|column| shared[column] + own[column])
    })
}

/// What is missing says nothing.
fn clean(row: &[f32]) -> [f32; WIDTH] {
    std::array::from_fn(|column| match row.get(column) {
        Some(value) if value.is_nan() => 0.0,
        Some(value) => *value,
        None => 1.0,
    })
}

fn dot(weights: &[f32; WIDTH], row: &[f32; WIDTH]) -> f32 {
    weights.iter().zip(row).map(|(weight, value)| weight * value).sum()
}

impl Linear {
    /// Fits rows of [`COLUMNS`] to `targets`; `ahead` gives each row's step. Each range is fitted to all series, then each
    /// kind of series to what is left, pulled to nothing.
    pub(crate) fn fit(rows: &[f32], ahead: &[u32], targets: &[f32], horizon: usize) -> Self {
        let mut members: Vec<Vec<usize>> = vec![Vec::new(); RANGES];
        ahead
            .iter()
            .enumerate()
            .for_each(|(row, ahead)| members[range_of(*ahead as usize, horizon)].push(row));
        let (mut medians, mut spreads): (Vec<[f32; WIDTH]>, Vec<[f32; WIDTH]>) =
            (Vec::new(), Vec::new());
        for members in &members {
            // A short horizon leaves ranges empty: they are as the one before.
            if members.is_empty() {
                let before = medians.len().saturating_sub(GROUPS);
                medians.extend_from_within(before..);
                spreads.extend_from_within(before..);
                continue;
            }
            let told = |index: &usize| &rows[index * COLUMNS..(index + 1) * COLUMNS];
            let rows: Vec<[f32; WIDTH]> = members.iter().map(|index| clean(told(index))).collect();
            let kinds: Vec<usize> = members.iter().map(|index| kind_of(told(index))).collect();
            let mut wanted: Vec<f32> = members.iter().map(|index| targets[*index]).collect();
            for weights in [&mut medians, &mut spreads] {
                let own = by_kind(&rows, &kinds, &wanted);
                let left = wanted.iter_mut().zip(rows.iter().zip(&kinds));
                for (wanted, (row, kind)) in left {
                    *wanted = (*wanted - dot(&own[*kind], row)).abs();
                }
                weights.extend(own);
            }
        }
        Self { medians, spreads, horizon }
    }

    /// Median and spread of a row, the spread at least [`LEAST_SPREAD`], both no further than any target was. What was the
    /// same in all rows that were learned from may differ here, so a line alone could lead anywhere.
    pub(crate) fn predict(&self, row: &[f32], ahead: usize) -> (f32, f32) {
        let (range, row) = (range_of(ahead, self.horizon) * GROUPS + kind_of(row), clean(row));
        let median = dot(&self.medians[range], &row).clamp(-FURTHEST, FURTHEST);
        (median, dot(&self.spreads[range], &row).clamp(LEAST_SPREAD, FURTHEST))
    }
}

/// The weights of the least absolute residuals.
fn least_absolute(rows: &[[f32; WIDTH]], targets: &[f32], ridge: f64) -> [f32; WIDTH] {
    let mut weights = [0.0; WIDTH];
    let mut trust = vec![1.0_f64; rows.len()];
    for _ in 0..ROUNDS {
        weights = least_squares(rows, targets, &trust, ridge);
        let residuals: Vec<f64> = rows
            .iter()
            .zip(targets)
            .map(|(row, target)| f64::from(target - dot(&weights, row)).abs())
            .collect();
        let mean = residuals.iter().sum::<f64>() / residuals.len() as f64;
        let soft = (SOFT_SHARE * mean).max(1e-9);
        trust
            .iter_mut()
            .zip(&residuals)
            .for_each(|(trust, residual)| *trust = mean.max(soft) / residual.max(soft));
    }
    weights
}

fn least_squares(
    rows: &[[f32; WIDTH]],
    targets: &[f32],
    trust: &[f64],
    ridge: f64,
) -> [f32; WIDTH] {
    let mut gram = vec![[0.0_f64; WIDTH]; WIDTH];
    let mut right = [0.0_f64; WIDTH];
    // Sums of a block in single precision, of blocks in double: as fast as the former, as good as the latter.
    for block in (0..rows.len()).step_by(256) {
        let mut part = vec![[0.0_f32; WIDTH]; WIDTH];
        for index in block..(block + 256).min(rows.len()) {
            let (row, trust) = (&rows[index], trust[index] as f32);
            for (i, sums) in part.iter_mut().enumerate() {
                let weighted = trust * row[i];
                sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += weighted * value);
                right[i] += f64::from(weighted * targets[index]);
            }
        }
        for (sums, part) in gram.iter_mut().zip(&part) {
            sums.iter_mut().zip(part).for_each(|(sum, part)| *sum += f64::from(*part));
        }
    }
    for (index, sums) in gram.iter_mut().enumerate() {
        sums[index] += if index + 1 == WIDTH { 1e-6 } else { ridge };
    }
    solve(gram, right)
}

/// Cholesky's solution of a positive definite system.
fn solve(mut gram: Vec<[f64; WIDTH]>, mut right: [f64; WIDTH]) -> [f32; WIDTH] {
    for i in 0..WIDTH {
        for j in 0..=i {
            let inner: f64 = (0..j).map(|k| gram[i][k] * gram[j][k]).sum();
            let rest = gram[i][j] - inner;
            gram[i][j] = if i == j { rest.max(1e-9).sqrt() } else { rest / gram[j][j] };
        }
    }
    for i in 0..WIDTH {
        let inner: f64 = (0..i).map(|k| gram[i][k] * right[k]).sum();
        right[i] = (right[i] - inner) / gram[i][i];
    }
    for i in (0..WIDTH).rev() {
        let inner: f64 = (i + 1..WIDTH).map(|k| gram[k][i] * right[k]).sum();
        right[i] = (right[i] - inner) / gram[i][i];
    }
    right.map(|weight| weight as f32)
}
