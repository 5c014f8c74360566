//! Quadratics with an absolute-value penalty, solved exactly by searching over active sets and signs (Lee, Battle,
//! Raina & Ng 2007, "Efficient sparse coding algorithms", algorithm 1), and the Cholesky factor that this and the
//! search stand on. Descent by coordinates would crawl here: neighbouring bent lines are almost the same.

/// A pivot smaller than this share of its diagonal says that the others explain the column.
const SMALLEST_PIVOT: f64 = 1e-13;
/// Steps of the active set; some ten are usual for 25 unknowns. An end by this limit is a point that is no worse than
/// the start.
const MOST_STEPS: usize = 500;
/// Share of the penalty by which a slope must exceed it to let an unknown in: rounding is far below.
const SLACK: f64 = 1e-9;

/// The lower Cholesky factor of a symmetric matrix; a column that others explain gets no part in solutions.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Cholesky {
    size: usize,
    /// Row after row.
    factor: Vec<f64>,
}

impl Cholesky {
    /// Of `entry(row, column)`, read where column ≤ row.
    pub(super) fn new(size: usize, entry: impl Fn(usize, usize) -> f64) -> Self {
        let mut factor = vec![0.0; size * size];
        for row in 0..size {
            let (above, rest) = factor.split_at_mut(row * size);
            for column in 0..row {
                let other = &above[column * size..=column * size + column];
                let left = entry(row, column) - dot(&rest[..column], &other[..column]);
                rest[column] = if other[column] > 0.0 { left / other[column] } else { 0.0 };
            }
            let diagonal = entry(row, row);
            let left = diagonal - dot(&rest[..row], &rest[..row]);
            rest[row] = if left > SMALLEST_PIVOT * diagonal { left.sqrt() } else { 0.0 };
        }
        Self { size, factor }
    }

    fn row(&self, row: usize) -> &[f64] {
        &self.factor[row * self.size..=row * self.size + row]
    }

    /// Solves L·x = right in place.
    pub(super) fn forward(&self, right: &mut [f64]) {
        for index in 0..self.size {
            let row = self.row(index);
            let left = right[index] - dot(&row[..index], &right[..index]);
            right[index] = if row[index] > 0.0 { left / row[index] } else { 0.0 };
        }
    }

    /// Solves Lᵀ·x = right in place.
    pub(super) fn backward(&self, right: &mut [f64]) {
        for index in (0..self.size).rev() {
            let row = self.row(index);
            right[index] = if row[index] > 0.0 { right[index] / row[index] } else { 0.0 };
            let (known, own) = (right[index], &row[..index]);
            right.iter_mut().zip(own).for_each(|(value, entry)| *value -= entry * known);
        }
    }
}

/// ½xᵀAx − bᵀx + λ Σ|x|, with A positive semidefinite.
pub(super) struct Lasso<'a> {
    /// A, row after row.
    pub(super) matrix: &'a [f64],
    /// b.
    pub(super) right: &'a [f64],
    /// λ.
    pub(super) penalty: f64,
}

impl Lasso<'_> {
    /// Where it is least, searched from `start` on.
    pub(super) fn least(&self, start: Vec<f64>) -> Vec<f64> {
        let mut point = start;
        let mut value = self.value(&point);
        let mut is_settled = point.iter().all(|x| *x == 0.0);
        for _ in 0..MOST_STEPS {
            let mut signs: Vec<f64> = point.iter().map(|x| sign(*x)).collect();
            if is_settled {
                let Some((index, sign)) = self.entering(&point) else { break };
                signs[index] = sign;
            }
            let target = self.target(&signs);
            let (next, found) = self.along(&point, &target);
            if is_settled && found >= value {
                break;
            }
            // Where rounding keeps the way from being downhill, what is there is settled as well as can be.
            is_settled = next == target || found >= value;
            if found < value {
                (point, value) = (next, found);
            }
        }
        point
    }

    fn row(&self, index: usize) -> &[f64] {
        let size = self.right.len();
        &self.matrix[index * size..(index + 1) * size]
    }

    fn value(&self, point: &[f64]) -> f64 {
        let each = |(index, x): (usize, &f64)| {
            x * (0.5 * dot(self.row(index), point) - self.right[index]) + self.penalty * x.abs()
        };
        point.iter().enumerate().map(each).sum()
    }

    /// The zero with the steepest slope beyond the penalty, and the sign it moves to.
    fn entering(&self, point: &[f64]) -> Option<(usize, f64)> {
        let slope = |index: usize| dot(self.row(index), point) - self.right[index];
        let zeros = (0..point.len()).filter(|index| point[*index] == 0.0);
        let slopes = zeros.map(|index| (index, slope(index)));
        let (index, slope) = slopes.max_by(|a, b| a.1.abs().total_cmp(&b.1.abs()))?;
        (slope.abs() > self.penalty * (1.0 + SLACK)).then(|| (index, -sign(slope)))
    }

    /// Where it would be least if the signs held and every other unknown were zero.
    fn target(&self, signs: &[f64]) -> Vec<f64> {
        let active: Vec<usize> = (0..signs.len()).filter(|index| signs[*index] != 0.0).collect();
        let factor =
            Cholesky::new(active.len(), |row, column| self.row(active[row])[active[column]]);
        let right = |index: &usize| self.right[*index] - self.penalty * signs[*index];
        let mut solution: Vec<f64> = active.iter().map(right).collect();
        factor.forward(&mut solution);
        factor.backward(&mut solution);
        let mut target = vec![0.0; signs.len()];
        active.iter().zip(solution).for_each(|(index, x)| target[*index] = x);
        target
    }

    /// The best of `target` and the points on the way there at which an unknown becomes zero, with its value.
    fn along(&self, point: &[f64], target: &[f64]) -> (Vec<f64>, f64) {
        let mut best = (target.to_vec(), self.value(target));
        for crossing in 0..point.len() {
            if point[crossing] * target[crossing] >= 0.0 {
                continue;
            }
            let part = point[crossing] / (point[crossing] - target[crossing]);
            let mut there: Vec<f64> =
                point.iter().zip(target).map(|(from, to)| from + part * (to - from)).collect();
            there[crossing] = 0.0;
            let value = self.value(&there);
            if value < best.1 {
                best = (there, value);
            }
        }
        best
    }
}

const fn sign(x: f64) -> f64 {
    if x > 0.0 {
        1.0
    } else if x < 0.0 {
        -1.0
    } else {
        0.0
    }
}

/// Products that are summed in eight lanes, always in the same order.
pub(super) fn dot(left: &[f64], right: &[f64]) -> f64 {
    const LANES: usize = 8;
    let mut lanes = [0.0; LANES];
    let (left_blocks, right_blocks) = (left.chunks_exact(LANES), right.chunks_exact(LANES));
    let ends = left_blocks.remainder().iter().zip(right_blocks.remainder());
    let mut sum: f64 = ends.map(|(a, b)| a * b).sum();
    for (a, b) in left_blocks.zip(right_blocks) {
        for lane in 0..LANES {
            lanes[lane] += a[lane] * b[lane];
        }
    }
    sum += lanes.iter().sum::<f64>();
    sum
}

/// The same for a plain sum.
pub(super) fn sum(values: &[f64]) -> f64 {
    const LANES: usize = 8;
    let mut lanes = [0.0; LANES];
    let blocks = values.chunks_exact(LANES);
    let rest: f64 = blocks.remainder().iter().sum();
    for block in blocks {
        for lane in 0..LANES {
            lanes[lane] += block[lane];
        }
    }
    rest + lanes.iter().sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generated::Noise;

    #[test]
    fn the_least_value_meets_its_conditions() {
        let mut noise = Noise::new(5);
        for (size, penalty) in [(1, 0.1), (4, 0.5), (12, 0.05), (25, 2.0), (25, 1e-6)] {
            // Neighbouring bent lines over 100 points, as in a trend.
            let column = |j: usize| {
                let place = j as f64 / (size as f64 + 1.0);
                (0..100).map(move |i| (f64::from(i) / 100.0 - place).max(0.0)).collect::<Vec<_>>()
            };
            let columns: Vec<Vec<f64>> = (0..size).map(column).collect();
            let values: Vec<f64> = (0..100).map(|_| noise.normal()).collect();
            let matrix: Vec<f64> =
                (0..size * size).map(|at| dot(&columns[at / size], &columns[at % size])).collect();
            let right: Vec<f64> = columns.iter().map(|column| dot(column, &values)).collect();
            let lasso = Lasso { matrix: &matrix, right: &right, penalty };
            let found = lasso.least(vec![0.0; size]);
            for (index, x) in found.iter().enumerate() {
                let slope = dot(lasso.row(index), &found) - right[index];
                let off = if *x == 0.0 {
                    slope.abs() - penalty
                } else {
                    (slope + penalty * sign(*x)).abs()
                };
                assert!(off < 1e-7, "{size} unknowns: {off} at {index}, x = {x}");
            }
            let warm = lasso.least(found.iter().map(|x| x * 1.5).collect());
            let gap = (lasso.value(&warm) - lasso.value(&found)).abs();
            assert!(gap < 1e-9, "{size} unknowns: another start ends {gap} off");
        }
    }
}
