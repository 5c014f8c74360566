//! The leading eigenvectors of a symmetric matrix, by iterating a whole subspace (Rutishauser 1969): clusters that hardly
//! touch make eigenvalues that hardly differ, which a block takes and a single vector would not.

use rayon::iter::{IndexedParallelIterator, IntoParallelIterator, ParallelIterator};
use rayon::slice::ParallelSliceMut;

use super::draws::Draws;

/// Vectors iterated beside the wanted ones; they make the last wanted ones converge.
const SPARE: usize = 8;

/// Multiplications between two looks at the eigenvalues, and at most.
const ROUND: usize = 8;
const MOST_ROUNDS: usize = 25;

/// Eigenvalues that changed by less since the last look are found: clusters are told by far larger differences.
const TOLERANCE: f64 = 1e-6;

/// What is added to all eigenvalues: an affinity without a diagonal has trace 0, and its negative ones must not lead.
const SHIFT: f64 = 0.25;

/// The eigenvectors of the `wanted` largest eigenvalues of a matrix of `n` × `n`, first the largest.
pub(super) fn leading(matrix: &[f64], n: usize, wanted: usize, draws: &mut Draws) -> Vec<Vec<f64>> {
    let width = (wanted + SPARE).min(n);
    let mut block: Vec<Vec<f64>> =
        (0..width).map(|_| (0..n).map(|_| draws.uniform() - 0.5).collect()).collect();
    let mut before = vec![f64::INFINITY; width];
    for _ in 0..MOST_ROUNDS {
        for _ in 0..ROUND {
            orthonormalise(&mut block);
            block = multiplied(matrix, n, &block);
        }
        orthonormalise(&mut block);
        let values = rotate(&mut block, matrix, n);
        let pairs = values.iter().zip(&before).take(wanted);
        let moved = pairs.fold(0.0_f64, |most, (now, then)| most.max((now - then).abs()));
        if moved < TOLERANCE {
            break;
        }
        before = values;
    }
    block.truncate(wanted);
    block
}

/// (matrix + shift) × each vector.
fn multiplied(matrix: &[f64], n: usize, block: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let width = block.len();
    let rows: Vec<f64> = (0..n).flat_map(|i| block.iter().map(move |each| each[i])).collect();
    let mut product = vec![0.0; n * width];
    product.par_chunks_exact_mut(width).zip((0..n).into_par_iter()).for_each(|(sums, i)| {
        for (entry, row) in matrix[i * n..(i + 1) * n].iter().zip(rows.chunks_exact(width)) {
            sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += entry * value);
        }
        let own = &rows[i * width..(i + 1) * width];
        sums.iter_mut().zip(own).for_each(|(sum, value)| *sum += SHIFT * value);
    });
    (0..width).map(|c| product.iter().skip(c).step_by(width).copied().collect()).collect()
}

fn dot(one: &[f64], other: &[f64]) -> f64 {
    one.iter().zip(other).map(|(a, b)| a * b).sum()
}

fn orthonormalise(block: &mut [Vec<f64>]) {
    for at in 0..block.len() {
        let (done, rest) = block.split_at_mut(at);
        // Twice is enough (Parlett 1980): the second pass takes what rounding left of the first.
        for _ in 0..2 {
            for other in done.iter() {
                let share = dot(other, &rest[0]);
                rest[0].iter_mut().zip(other).for_each(|(value, each)| *value -= share * each);
            }
        }
        let norm = dot(&rest[0], &rest[0]).sqrt().max(f64::MIN_POSITIVE);
        rest[0].iter_mut().for_each(|value| *value /= norm);
    }
}

/// Turns an orthonormal block into the best eigenvectors within it (Rayleigh–Ritz); the eigenvalues, first the largest.
fn rotate(block: &mut Vec<Vec<f64>>, matrix: &[f64], n: usize) -> Vec<f64> {
    let image = multiplied(matrix, n, block);
    let width = block.len();
    let mut small: Vec<f64> =
        (0..width * width).map(|at| dot(&block[at / width], &image[at % width])).collect();
    let turns = jacobi(&mut small, width);
    let mut order: Vec<usize> = (0..width).collect();
    let value = |at: usize| small[at * width + at];
    order.sort_by(|a, b| value(*b).total_cmp(&value(*a)));
    let turned = |column: &usize| {
        let mut vector = vec![0.0; n];
        for (row, each) in block.iter().enumerate() {
            let share = turns[row * width + column];
            vector.iter_mut().zip(each).for_each(|(sum, value)| *sum += share * value);
        }
        vector
    };
    let found = order.iter().map(turned).collect();
    let values = order.iter().map(|at| value(*at) - SHIFT).collect();
    *block = found;
    values
}

/// Makes a small symmetric matrix diagonal by plane rotations (Jacobi 1846); the eigenvectors, one a column.
fn jacobi(matrix: &mut [f64], n: usize) -> Vec<f64> {
    let mut vectors = vec![0.0; n * n];
    (0..n).for_each(|at| vectors[at * n + at] = 1.0);
    for _ in 0..30 {
        let mut left = 0.0_f64;
        for p in 0..n {
            for q in p + 1..n {
                left = left.max(matrix[p * n + q].abs());
                turn(matrix, &mut vectors, n, p, q);
            }
        }
        if left < 1e-12 {
            break;
        }
    }
    vectors
}

fn turn(matrix: &mut [f64], vectors: &mut [f64], n: usize, p: usize, q: usize) {
    let off = matrix[p * n + q];
    if off.abs() < 1e-15 {
        return;
    }
    let theta = (matrix[q * n + q] - matrix[p * n + p]) / (2.0 * off);
    let tangent = theta.signum() / (theta.abs() + theta.hypot(1.0));
    let cosine = 1.0 / tangent.hypot(1.0);
    let sine = tangent * cosine;
    for k in 0..n {
        let (a, b) = (matrix[k * n + p], matrix[k * n + q]);
        matrix[k * n + p] = cosine * a - sine * b;
        matrix[k * n + q] = sine * a + cosine * b;
        let (a, b) = (vectors[k * n + p], vectors[k * n + q]);
        vectors[k * n + p] = cosine * a - sine * b;
        vectors[k * n + q] = sine * a + cosine * b;
    }
    for k in 0..n {
        let (a, b) = (matrix[p * n + k], matrix[q * n + k]);
        matrix[p * n + k] = cosine * a - sine * b;
        matrix[q * n + k] = sine * a + cosine * b;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eigenvectors_satisfy_their_equation() {
        let n = 40;
        let mut draws = Draws::new(3);
        let mut matrix = vec![0.0; n * n];
        for i in 0..n {
            for j in 0..=i {
                let near = if i % 4 == j % 4 { 0.1 } else { 0.0 };
                let entry = near + 0.005 * draws.uniform();
                (matrix[i * n + j], matrix[j * n + i]) = (entry, entry);
            }
        }
        let found = leading(&matrix, n, 4, &mut draws);
        for (at, vector) in found.iter().enumerate() {
            let image: Vec<f64> = matrix.chunks_exact(n).map(|row| dot(row, vector)).collect();
            let value = dot(&image, vector);
            for (a, b) in image.iter().zip(vector) {
                assert!((a - value * b).abs() < 1e-4, "{at}: {a}, {}", value * b);
            }
            assert!(value > 0.9, "four near-equal blocks make four large eigenvalues: {value}");
        }
    }
}
