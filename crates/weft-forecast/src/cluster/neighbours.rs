//! Distances of all pairs of a sample in every view, the local scales in them, and what they are together. Memory is
//! quadratic, so a sample must be bounded before it comes here.

use rayon::iter::{IntoParallelIterator, ParallelIterator};

use super::shape::{Shape, VIEWS, Views};

/// Which neighbour's distance is the local scale: of the fifth, seventh and tenth, the tenth did best on the
/// development sets, so the index there flatters it.
pub(super) const NEIGHBOUR: usize = 10;

/// A scale is at least this share of the view's median one: duplicates must not cut all others off.
const LEAST_SHARE: f32 = 0.01;

/// Scales of a view in which all profiles are the same, above the rounding of its distances.
const LEAST_SCALE: f32 = 1e-4;

/// S of all pairs, and the scales it was made with.
#[derive(Debug)]
pub(super) struct Neighbours {
    /// Profiles × profiles.
    pub(super) squares: Vec<f32>,
    /// The same where the first of a pair is only assigned: the median scale stands for its own.
    pub(super) assigned: Vec<f32>,
    /// The scale of each profile in each view.
    pub(super) scales: Vec<[f32; VIEWS]>,
    /// Median scale of each view.
    pub(super) medians: [f32; VIEWS],
}

impl Neighbours {
    pub(super) fn new(views: &Views, shapes: &[Shape]) -> Self {
        let n = shapes.len();
        let mut neighbours = Self {
            squares: vec![0.0; n * n],
            assigned: vec![0.0; n * n],
            scales: vec![[1.0; VIEWS]; n],
            medians: [1.0; VIEWS],
        };
        for view in 0..VIEWS {
            neighbours.add(view, &distances(views, shapes, view));
        }
        neighbours
    }

    pub(super) fn len(&self) -> usize {
        self.scales.len()
    }

    fn add(&mut self, view: usize, distances: &[f32]) {
        let n = self.len();
        let mut scales: Vec<f32> = (0..n)
            .into_par_iter()
            .map(|i| nth_least(&distances[i * n..(i + 1) * n], NEIGHBOUR))
            .collect();
        let median = nth_least(&scales, n / 2).max(LEAST_SCALE);
        scales.iter_mut().for_each(|scale| *scale = scale.max(LEAST_SHARE * median));
        for (i, scale) in scales.iter().enumerate() {
            self.scales[i][view] = *scale;
            for (j, other) in scales.iter().enumerate() {
                let distance = distances[i * n + j];
                let square = distance * distance / other / VIEWS as f32;
                self.squares[i * n + j] += square / scale;
                self.assigned[i * n + j] += square / median;
            }
        }
        self.medians[view] = median;
    }
}

fn nth_least(values: &[f32], nth: usize) -> f32 {
    let Some(last) = values.len().checked_sub(1) else { return 0.0 };
    let mut values = values.to_vec();
    *values.select_nth_unstable_by(nth.min(last), f32::total_cmp).1
}

fn distances(views: &Views, shapes: &[Shape], view: usize) -> Vec<f32> {
    let n = shapes.len();
    let upper: Vec<Vec<f32>> = (0..n)
        .into_par_iter()
        .map(|i| (i + 1..n).map(|j| views.distance(view, &shapes[i], &shapes[j])).collect())
        .collect();
    let mut all = vec![0.0; n * n];
    for (i, row) in upper.iter().enumerate() {
        for (offset, distance) in row.iter().enumerate() {
            let j = i + 1 + offset;
            all[i * n + j] = *distance;
            all[j * n + i] = *distance;
        }
    }
    all
}
