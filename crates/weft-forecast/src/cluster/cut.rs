//! Cuts a sample by its affinities into given numbers of clusters: rows of the leading eigenvectors of
//! D^(−½) A D^(−½), scaled to length 1, are grouped by k-means (Ng, Jordan & Weiss 2001). Every cut tells its modularity.

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};

use super::draws::Draws;
use super::neighbours::Neighbours;
use super::spectrum;

/// Starts of k-means, of which the best counts, and steps of one at most.
const STARTS: usize = 10;
const MOST_STEPS: usize = 100;

/// A sample cut into clusters.
#[derive(Debug, Clone)]
pub(super) struct Cut {
    /// Clusters that have members.
    pub(super) clusters: usize,
    /// The cluster of each profile, from 0, first the largest cluster.
    pub(super) labels: Vec<usize>,
    pub(super) modularity: f64,
}

/// The cuts into each of `counts`, which must be at least 1.
pub(super) fn cuts(neighbours: &Neighbours, counts: &[usize], draws: &mut Draws) -> Vec<Cut> {
    let n = neighbours.len();
    let affinity = affinity(neighbours);
    let most = counts.iter().copied().filter(|count| *count < n).max().unwrap_or(0);
    let vectors = if most > 1 {
        spectrum::leading(&normalised(&affinity, n), n, most, draws)
    } else {
        Vec::new()
    };
    let seeded: Vec<(usize, Draws)> =
        counts.iter().map(|count| (*count, Draws::new(draws.word()))).collect();
    let cut = |(count, draws): &(usize, Draws)| {
        let labels = match *count {
            0 | 1 => vec![0; n],
            count if count >= n => (0..n).collect(),
            count => grouped(&rows(&vectors[..count], n), count, &mut draws.clone()),
        };
        let (labels, clusters) = by_size(&labels);
        let modularity = modularity(&affinity, &labels, clusters);
        Cut { clusters, labels, modularity }
    };
    seeded.par_iter().map(cut).collect()
}

fn affinity(neighbours: &Neighbours) -> Vec<f64> {
    let n = neighbours.len();
    let mut affinity: Vec<f64> =
        neighbours.squares.iter().map(|square| (-f64::from(*square)).exp()).collect();
    // A profile is no witness of its own cluster.
    (0..n).for_each(|at| affinity[at * n + at] = 0.0);
    affinity
}

fn normalised(affinity: &[f64], n: usize) -> Vec<f64> {
    let degree = |row: &[f64]| row.iter().sum::<f64>().max(1e-12).sqrt().recip();
    let roots: Vec<f64> = affinity.chunks_exact(n).map(degree).collect();
    affinity.iter().enumerate().map(|(at, each)| each * roots[at / n] * roots[at % n]).collect()
}

fn rows(vectors: &[Vec<f64>], n: usize) -> Vec<Vec<f64>> {
    let row = |at: usize| {
        let row: Vec<f64> = vectors.iter().map(|vector| vector[at]).collect();
        let norm = row.iter().map(|value| value * value).sum::<f64>().sqrt().max(1e-12);
        row.into_iter().map(|value| value / norm).collect()
    };
    (0..n).map(row).collect()
}

/// k-means (Lloyd 1982) from seeded, spread starts (Arthur & Vassilvitskii 2007).
fn grouped(points: &[Vec<f64>], count: usize, draws: &mut Draws) -> Vec<usize> {
    let mut best = (f64::INFINITY, Vec::new());
    for _ in 0..STARTS {
        let mut centres = start(points, count, draws);
        let mut labels = Vec::new();
        let mut spread = f64::INFINITY;
        for _ in 0..MOST_STEPS {
            let nearest: Vec<(usize, f64)> = points.iter().map(|p| nearest(p, &centres)).collect();
            spread = nearest.iter().map(|each| each.1).sum();
            let now: Vec<usize> = nearest.iter().map(|each| each.0).collect();
            if now == labels {
                break;
            }
            labels = now;
            recentre(points, &labels, &mut centres);
        }
        if spread < best.0 {
            best = (spread, labels);
        }
    }
    best.1
}

fn start(points: &[Vec<f64>], count: usize, draws: &mut Draws) -> Vec<Vec<f64>> {
    let mut centres = vec![points[draws.below(points.len())].clone()];
    let mut squares: Vec<f64> = points.iter().map(|point| apart(point, &centres[0])).collect();
    while centres.len() < count {
        let centre = points[draws.weighted(&squares)].clone();
        for (square, point) in squares.iter_mut().zip(points) {
            *square = square.min(apart(point, &centre));
        }
        centres.push(centre);
    }
    centres
}

fn recentre(points: &[Vec<f64>], labels: &[usize], centres: &mut [Vec<f64>]) {
    let mut counts = vec![0.0_f64; centres.len()];
    let former = centres.to_vec();
    centres.iter_mut().for_each(|centre| centre.fill(0.0));
    for (point, label) in points.iter().zip(labels) {
        counts[*label] += 1.0;
        centres[*label].iter_mut().zip(point).for_each(|(sum, value)| *sum += value);
    }
    for ((centre, count), former) in centres.iter_mut().zip(&counts).zip(former) {
        if *count == 0.0 {
            *centre = former; // nobody is nearest to it: it waits
        } else {
            centre.iter_mut().for_each(|value| *value /= count);
        }
    }
}

fn nearest(point: &[f64], centres: &[Vec<f64>]) -> (usize, f64) {
    let mut best = (0, f64::INFINITY);
    for (index, centre) in centres.iter().enumerate() {
        let square = apart(point, centre);
        if square < best.1 {
            best = (index, square);
        }
    }
    best
}

fn apart(one: &[f64], other: &[f64]) -> f64 {
    one.iter().zip(other).map(|(a, b)| (a - b) * (a - b)).sum()
}

/// Labels anew without empty clusters, first the largest; and how many there are.
fn by_size(labels: &[usize]) -> (Vec<usize>, usize) {
    let mut sizes = vec![0_usize; labels.iter().max().map_or(0, |most| most + 1)];
    labels.iter().for_each(|label| sizes[*label] += 1);
    let mut order: Vec<usize> = (0..sizes.len()).filter(|label| sizes[*label] > 0).collect();
    order.sort_by_key(|label| std::cmp::Reverse(sizes[*label]));
    let mut names = vec![0; sizes.len()];
    order.iter().enumerate().for_each(|(name, label)| names[*label] = name);
    (labels.iter().map(|label| names[*label]).collect(), order.len())
}

/// Share of the affinity inside clusters less the share expected by degrees (Newman & Girvan 2004, equation 5).
fn modularity(affinity: &[f64], labels: &[usize], clusters: usize) -> f64 {
    let n = labels.len();
    let (mut inside, mut degrees) = (vec![0.0; clusters], vec![0.0; clusters]);
    for (row, label) in affinity.chunks_exact(n.max(1)).zip(labels) {
        for (each, other) in row.iter().zip(labels) {
            degrees[*label] += each;
            inside[*label] += if other == label { *each } else { 0.0 };
        }
    }
    let total: f64 = degrees.iter().sum::<f64>().max(f64::MIN_POSITIVE);
    let share = |(inside, degree): (&f64, &f64)| inside / total - (degree / total).powi(2);
    inside.iter().zip(&degrees).map(share).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modularity_of_two_pairs() {
        // Two edges of weight 1 that do not touch: ½ − ¼ for each.
        let affinity = [0., 1., 0., 0., 1., 0., 0., 0., 0., 0., 0., 1., 0., 0., 1., 0.];
        assert!((modularity(&affinity, &[0, 0, 1, 1], 2) - 0.5).abs() < 1e-12);
        assert!(modularity(&affinity, &[0, 0, 0, 0], 1).abs() < 1e-12);
        assert!((modularity(&affinity, &[0, 1, 0, 1], 2) + 0.5).abs() < 1e-12);
    }

    #[test]
    fn labels_are_named_by_size() {
        assert_eq!(by_size(&[5, 2, 2, 5, 2, 7]), (vec![1, 0, 0, 1, 0, 2], 3));
    }
}
