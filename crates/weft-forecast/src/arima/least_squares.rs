//! Levenberg and Marquardt's search for the least sum of squares (Marquardt 1963; Nocedal & Wright 2006, section 10.3),
//! with forward differences. The exact likelihood of an ARIMA process is such a sum too (Box & Jenkins 1970, section
//! 7.1). It must give the same on every machine: no random start, no limit by time.

const MOST_ROUNDS: usize = 25;
const DIFFERENCE: f64 = 1e-5;
const FIRST_DAMPING: f64 = 1e-3;
/// Above this no step helps any more.
const MOST_DAMPING: f64 = 1e8;
/// No coordinate moves farther at once: beyond lies where a hyperbolic tangent is flat, and nothing leads back.
const LONGEST_MOVE: f64 = 0.4;
/// The diagonal is never less than this share of its largest entry: a column of almost nothing must not leap.
const FLOOR: f64 = 1e-8;

/// The best point found from `start` on. `residuals_at` writes the residuals of a point, always as many; the search
/// ends when a round gains less than the share `tolerance`; with one of 1 or more it is only looked at.
pub(super) fn least_squares(
    start: Vec<f64>,
    tolerance: f64,
    residuals_at: &mut dyn FnMut(&[f64], &mut Vec<f64>),
) -> (Vec<f64>, f64) {
    let n = start.len();
    let mut point = start;
    let (mut residuals, mut tried) = (Vec::new(), Vec::new());
    residuals_at(&point, &mut residuals);
    let mut squares = dot(&residuals, &residuals);
    let mut damping = FIRST_DAMPING;
    for _ in 0..if n == 0 || tolerance >= 1.0 { 0 } else { MOST_ROUNDS } {
        let (curvature, slope) = normal_equations(&point, &residuals, residuals_at);
        let before = squares;
        while damping < MOST_DAMPING {
            let step = damped_step(&curvature, &slope, damping);
            let next: Vec<f64> = point.iter().zip(&step).map(|(p, s)| p - s).collect();
            residuals_at(&next, &mut tried);
            let found = dot(&tried, &tried);
            if found < squares {
                (point, squares) = (next, found);
                std::mem::swap(&mut residuals, &mut tried);
                damping = (damping / 10.0).max(1e-9);
                break;
            }
            damping *= 10.0;
        }
        if before - squares <= tolerance * before {
            break;
        }
    }
    (point, squares)
}

/// JᵀJ, row after row, and Jᵀr.
fn normal_equations(
    point: &[f64],
    residuals: &[f64],
    residuals_at: &mut dyn FnMut(&[f64], &mut Vec<f64>),
) -> (Vec<f64>, Vec<f64>) {
    let n = point.len();
    let mut moved = point.to_vec();
    let mut columns: Vec<Vec<f64>> = Vec::with_capacity(n);
    for index in 0..n {
        moved[index] = point[index] + DIFFERENCE;
        let mut column = Vec::with_capacity(residuals.len());
        residuals_at(&moved, &mut column);
        column.iter_mut().zip(residuals).for_each(|(new, old)| *new = (*new - old) / DIFFERENCE);
        moved[index] = point[index];
        columns.push(column);
    }
    let mut curvature = vec![0.0; n * n];
    for row in 0..n {
        for column in 0..=row {
            let product = dot(&columns[row], &columns[column]);
            (curvature[row * n + column], curvature[column * n + row]) = (product, product);
        }
    }
    (curvature, columns.iter().map(|column| dot(column, residuals)).collect())
}

/// The solution of (A + λ diag A) x = b by Gauss's elimination; A has no negative eigenvalue, so no pivot is needed.
fn damped_step(curvature: &[f64], slope: &[f64], damping: f64) -> Vec<f64> {
    let n = slope.len();
    let (mut left, mut right) = (curvature.to_vec(), slope.to_vec());
    let most = (0..n).fold(f64::MIN_POSITIVE, |most, at| most.max(curvature[at * n + at]));
    for at in 0..n {
        left[at * n + at] += damping * curvature[at * n + at].max(FLOOR * most);
    }
    for pivot in 0..n {
        for row in pivot + 1..n {
            let factor = left[row * n + pivot] / left[pivot * n + pivot];
            (pivot..n).for_each(|at| left[row * n + at] -= factor * left[pivot * n + at]);
            right[row] -= factor * right[pivot];
        }
    }
    for row in (0..n).rev() {
        let known: f64 = (row + 1..n).map(|at| left[row * n + at] * right[at]).sum();
        right[row] = (right[row] - known) / left[row * n + row];
    }
    let longest = right.iter().fold(0.0_f64, |longest, move_by| longest.max(move_by.abs()));
    if longest > LONGEST_MOVE {
        right.iter_mut().for_each(|move_by| *move_by *= LONGEST_MOVE / longest);
    }
    right
}

/// In four lanes, since one sum in order waits for each addition.
fn dot(left: &[f64], right: &[f64]) -> f64 {
    let mut lanes = [0.0; 4];
    let (left, right) = (left.chunks_exact(4), right.chunks_exact(4));
    let rest: f64 = left.remainder().iter().zip(right.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in left.zip(right) {
        (0..4).for_each(|lane| lanes[lane] += a[lane] * b[lane]);
    }
    lanes.iter().sum::<f64>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bent_valley_is_followed_to_its_end() {
        // Rosenbrock's function (1960).
        let mut valley = |x: &[f64], out: &mut Vec<f64>| {
            out.clear();
            out.extend([10.0 * (x[1] - x[0] * x[0]), 1.0 - x[0]]);
        };
        let (found, squares) = least_squares(vec![-1.2, 1.0], 1e-14, &mut valley);
        assert!(squares < 1e-8 && found.iter().all(|x| (x - 1.0).abs() < 1e-3), "{found:?}");
    }
}
