//! Cuts a sample by the affinities of its neighbours into given numbers of clusters: rows of the leading eigenvectors of
//! D^(−½) A D^(−½), scaled to length 1, are grouped by k-means (Ng, Jordan & Weiss 2001). Every cut tells its modularity,
//! and, where there is a choice, whether subsamples are cut alike.

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};

use super::agreement::adjusted_rand_index;
use super::draws::Draws;
use super::neighbours::{NEIGHBOUR, Neighbours};
use super::spectrum;

/// Starts of k-means, of which the best counts, and steps of one at most.
const STARTS: usize = 10;
const MOST_STEPS: usize = 100;

/// Subsamples in which a cut must be found again, and the profiles of one. Those are seven in ten: of halves, the
/// smallest kinds would have too few neighbours of their own.
const SUBSAMPLES: usize = 8;
const SUBSAMPLE_SHARE: f64 = 0.7;

/// A sample cut into clusters.
#[derive(Debug, Clone)]
pub(super) struct Cut {
    /// Clusters that have members.
    pub(super) clusters: usize,
    /// The cluster of each profile, from 0, first the largest cluster.
    pub(super) labels: Vec<usize>,
    pub(super) modularity: f64,
    /// How well the cuts of subsamples agree with it, 0 to 1; 1 where it is the only one.
    pub(super) stability: f64,
}

impl Cut {
    /// What it is chosen by: modularity alone takes apart what is one, stability alone leaves all in two.
    pub(super) fn worth(&self) -> f64 {
        self.modularity * self.stability * self.stability
    }
}

/// The cuts into each of `counts`, which must be at least 1.
pub(super) fn cuts(neighbours: &Neighbours, counts: &[usize], draws: &mut Draws) -> Vec<Cut> {
    let all: Vec<usize> = (0..neighbours.len()).collect();
    let graph = Graph::new(neighbours, &all);
    let cut = |labels: Vec<usize>| {
        let (labels, clusters) = by_size(&labels);
        let modularity = modularity(&graph.weights, &labels, clusters);
        Cut { clusters, labels, modularity, stability: 1.0 }
    };
    let mut cuts: Vec<Cut> = graph.cut(counts, draws).into_iter().map(cut).collect();
    if counts.len() > 1 {
        judge(&mut cuts, neighbours, counts, draws);
    }
    cuts
}

/// Tells how stable the cuts are: the mean adjusted Rand index with the cuts of subsamples, on what both hold (Ben-Hur,
/// Elisseeff & Guyon 2002 for the idea).
fn judge(cuts: &mut [Cut], neighbours: &Neighbours, counts: &[usize], draws: &mut Draws) {
    let n = neighbours.len();
    let size = (SUBSAMPLE_SHARE * n as f64).ceil() as usize;
    let mut sums = vec![0.0; cuts.len()];
    for _ in 0..SUBSAMPLES {
        let members = draws.distinct(n, size);
        let found = Graph::new(neighbours, &members).cut(counts, draws);
        for ((sum, cut), labels) in sums.iter_mut().zip(cuts.iter()).zip(&found) {
            let known: Vec<usize> = members.iter().map(|at| cut.labels[*at]).collect();
            *sum += adjusted_rand_index(&known, labels);
        }
    }
    for (cut, sum) in cuts.iter_mut().zip(sums) {
        cut.stability = (sum / SUBSAMPLES as f64).max(0.0);
    }
}

/// Affinities between neighbours (von Luxburg 2007, section 2.2): one between profiles of which neither is among the
/// nearest of the other is 0, one that only one end sees counts half. What is left to compare is near, where distances
/// mean most: on the development sets the mean index rose from .60 to .66. As many neighbours as the root of the number
/// of profiles did no better there, neither for the cut nor for the number.
struct Graph {
    nodes: usize,
    weights: Vec<f64>,
}

impl Graph {
    fn new(neighbours: &Neighbours, members: &[usize]) -> Self {
        let (n, nodes) = (neighbours.len(), members.len());
        let mut squares: Vec<f32> = Vec::with_capacity(nodes * nodes);
        for i in members {
            squares.extend(members.iter().map(|j| neighbours.squares[i * n + j]));
        }
        let rows = squares.chunks_exact(nodes.max(1)).enumerate();
        let reaches: Vec<f32> = rows.map(|(at, row)| reach(at, row, NEIGHBOUR)).collect();
        let weight = |(at, square): (usize, &f32)| {
            let (i, j) = (at / nodes, at % nodes);
            let ends = u8::from(*square <= reaches[i]) + u8::from(*square <= reaches[j]);
            // A profile is no witness of its own cluster.
            if i == j { 0.0 } else { f64::from(ends) / 2.0 * (-f64::from(*square)).exp() }
        };
        Self { nodes, weights: squares.iter().enumerate().map(weight).collect() }
    }

    /// Labels of the cuts into each of `counts`.
    fn cut(&self, counts: &[usize], draws: &mut Draws) -> Vec<Vec<usize>> {
        let n = self.nodes;
        let most = counts.iter().copied().filter(|count| *count < n).max().unwrap_or(0);
        let vectors = if most > 1 {
            spectrum::leading(&normalised(&self.weights, n), n, most, draws)
        } else {
            Vec::new()
        };
        let seeded: Vec<(usize, Draws)> =
            counts.iter().map(|count| (*count, Draws::new(draws.word()))).collect();
        let cut = |(count, draws): &(usize, Draws)| match *count {
            0 | 1 => vec![0; n],
            count if count >= n => (0..n).collect(),
            count => grouped(&rows(&vectors[..count], n), count, &mut draws.clone()),
        };
        seeded.par_iter().map(cut).collect()
    }
}

/// The square of the last of the `nearest` of a profile, itself not counted.
fn reach(at: usize, row: &[f32], nearest: usize) -> f32 {
    let others = row.iter().enumerate().filter(|(other, _)| *other != at);
    let mut others: Vec<f32> = others.map(|(_, square)| *square).collect();
    let Some(last) = others.len().checked_sub(1) else { return 0.0 };
    *others.select_nth_unstable_by((nearest - 1).min(last), f32::total_cmp).1
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
    fn affinities_reach_as_far_as_neighbours() {
        let row = [0.0, 4.0, 1.0, 3.0, 2.0];
        assert_eq!(reach(0, &row, 2), 2.0);
        assert_eq!(reach(0, &row, 10), 4.0, "where there are fewer, all are near");
        assert_eq!(reach(2, &row, 1), 0.0);
        assert_eq!(reach(0, &[0.0], 3), 0.0, "alone");
    }

    #[test]
    fn labels_are_named_by_size() {
        assert_eq!(by_size(&[5, 2, 2, 5, 2, 7]), (vec![1, 0, 0, 1, 0, 2], 3));
    }
}
