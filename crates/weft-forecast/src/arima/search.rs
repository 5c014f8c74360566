//! The quasi-Newton search for the least value of a smooth function (Broyden, Fletcher, Goldfarb & Shanno; Nocedal &
//! Wright 2006, algorithm 6.1), with central differences and a line search that halves. It must give the same on every
//! machine: no random start, no limit by time.

const MOST_ROUNDS: usize = 100;
const DIFFERENCE: f64 = 1e-4;
/// Armijo's condition.
const SUFFICIENT: f64 = 1e-4;
/// The search ends when a round gains less than this share.
const TOLERANCE: f64 = 1e-9;

/// The best point found from `start` on, and the value there.
pub(super) fn least(start: Vec<f64>, value_at: &mut dyn FnMut(&[f64]) -> f64) -> (Vec<f64>, f64) {
    let n = start.len();
    let mut point = start;
    let mut value = value_at(&point);
    if n == 0 {
        return (point, value);
    }
    let mut slope = gradient(&point, value_at);
    let mut inverse = identity(n);
    for _ in 0..MOST_ROUNDS {
        let mut direction: Vec<f64> =
            inverse.chunks_exact(n).map(|row| -dot(row, &slope)).collect();
        if dot(&direction, &slope) >= 0.0 {
            inverse = identity(n);
            direction = slope.iter().map(|each| -each).collect();
        }
        let Some((next, found)) = along(&point, value, &slope, &direction, value_at) else {
            if inverse == identity(n) {
                break;
            }
            inverse = identity(n);
            continue;
        };
        let next_slope = gradient(&next, value_at);
        let step: Vec<f64> = next.iter().zip(&point).map(|(a, b)| a - b).collect();
        let bend: Vec<f64> = next_slope.iter().zip(&slope).map(|(a, b)| a - b).collect();
        update(&mut inverse, &step, &bend);
        let gained = value - found;
        (point, value, slope) = (next, found, next_slope);
        if gained <= TOLERANCE * (1.0 + value.abs()) {
            break;
        }
    }
    (point, value)
}

fn along(
    point: &[f64],
    value: f64,
    slope: &[f64],
    direction: &[f64],
    value_at: &mut dyn FnMut(&[f64]) -> f64,
) -> Option<(Vec<f64>, f64)> {
    let expected = dot(slope, direction);
    let mut length = (1.0 / dot(direction, direction).sqrt()).min(1.0);
    while length > 1e-8 {
        let next: Vec<f64> = point.iter().zip(direction).map(|(p, d)| p + length * d).collect();
        let found = value_at(&next);
        if found.is_finite() && found <= value + SUFFICIENT * length * expected {
            return Some((next, found));
        }
        length *= 0.5;
    }
    None
}

fn gradient(point: &[f64], value_at: &mut dyn FnMut(&[f64]) -> f64) -> Vec<f64> {
    let mut moved = point.to_vec();
    let mut slope = |index: usize| {
        let width = DIFFERENCE * point[index].abs().max(1.0);
        moved[index] = point[index] + width;
        let above = value_at(&moved);
        moved[index] = point[index] - width;
        let below = value_at(&moved);
        moved[index] = point[index];
        (above - below) / (2.0 * width)
    };
    (0..point.len()).map(&mut slope).collect()
}

fn update(inverse: &mut [f64], step: &[f64], bend: &[f64]) {
    let n = step.len();
    let curvature = dot(step, bend);
    if curvature <= 1e-12 * dot(step, step).sqrt() * dot(bend, bend).sqrt() {
        return;
    }
    let pulled: Vec<f64> = inverse.chunks_exact(n).map(|row| dot(row, bend)).collect();
    let scale = (1.0 + dot(bend, &pulled) / curvature) / curvature;
    for row in 0..n {
        for column in 0..n {
            inverse[row * n + column] += scale * step[row] * step[column]
                - (pulled[row] * step[column] + step[row] * pulled[column]) / curvature;
        }
    }
}

fn identity(n: usize) -> Vec<f64> {
    (0..n * n).map(|at| f64::from(u8::from(at / n == at % n))).collect()
}

fn dot(left: &[f64], right: &[f64]) -> f64 {
    left.iter().zip(right).map(|(a, b)| a * b).sum()
}
