//! Clusters of workloads whose series have a similar shape, whatever their scale and, within the reach of the distances,
//! their phase. A profile is seen in three views (see `shape`); the squared distances of the views, each divided by
//! the local scales of both ends (Zelnik-Manor & Perona 2004), are averaged, and exp(−average) is an affinity:
//!
//! ```text
//! S(i, j) = ⅓ Σ_v d_v(i, j)² / (σ_v(i) σ_v(j))      A(i, j) = ½ ([j among the nearest of i] + [i of j]) exp(−S(i, j))
//! ```
//!
//! A is cut spectrally (Ng, Jordan & Weiss 2001). Where the number of clusters is not given, it is the one that is dense
//! and found again: the highest product of its modularity in A (Newman & Girvan 2004) and of the agreement of its cut with
//! those of subsamples. At most [`SAMPLE`] profiles are clustered so, a seeded sample of them where there are more;
//! prototypes of what was found then take every profile, those of the sample too, so that `assignment` and `assign` can
//! never disagree. The same profiles, count and seed give the same clusters on any number of threads.

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use serde::{Deserialize, Serialize};
use thiserror::Error;

mod agreement;
mod cut;
mod draws;
mod fourier;
mod neighbours;
mod patterns;
mod profile;
mod prototypes;
mod shape;
mod spectrum;

pub use agreement::adjusted_rand_index;
pub use profile::Profile;

use cut::Cut;
use draws::Draws;
use prototypes::Prototypes;

/// Profiles that are clustered together; more are sampled. Distances of all pairs of a thousand take seconds, and a kind
/// of workload that one in a hundred shares is still seen ten times.
pub const SAMPLE: usize = 1_000;

/// The most clusters that are tried where the number is not given: more kinds than a person compares at a glance.
const MOST_TRIED: usize = 15;

/// Profiles that a tried cluster must have on average.
const FEWEST_MEMBERS: usize = 3;

/// A set of prototypes is kept while at most this share of the profiles lies beyond the reach that
/// covered 99 % of the sample when it was found: five times as many strangers as there were then.
const STRANGERS: f64 = 0.05;

/// How many clusters are wanted, the one of flat series not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Count {
    /// So many, or as many as there are profiles with a shape.
    Fixed(usize),
    /// From 2 to 15, the number of the best modularity and stability; one where there are fewer than six profiles.
    Auto,
}

/// Names a cluster; kept from day to day by [`Clusters::find_from`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ClusterId(pub u32);

impl ClusterId {
    /// The cluster of series without a shape: constant, or with fewer than two samples.
    pub const FLAT: Self = Self(0);
}

/// What cannot be clustered.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ClusterError {
    /// Nothing was given.
    #[error("expected at least one series to cluster, found none")]
    NoSeries,
    /// `Count::Fixed(0)`.
    #[error("expected a number of clusters of at least 1, found 0")]
    NoClusters,
}

/// A number of clusters that was tried.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Tried {
    /// How many clusters.
    pub clusters: usize,
    /// Modularity of the affinities, at most 1; higher is better.
    pub modularity: f64,
    /// How well subsamples, cut anew, agree with it: the mean adjusted Rand index, 0 to 1. 1 where the number was given.
    pub stability: f64,
}

/// Clusters that were found, with what is needed to assign further profiles.
#[derive(Debug, Clone)]
pub struct Clusters {
    assignment: Vec<ClusterId>,
    distances: Vec<f32>,
    prototypes: Prototypes,
    tried: Vec<Tried>,
    count: Count,
    /// The next id that no cluster has had.
    next: u32,
}

impl Clusters {
    /// Clusters `profiles`. Errs where there are none, or no cluster is wanted.
    pub fn find(profiles: &[Profile], count: Count, seed: u64) -> Result<Self, ClusterError> {
        if profiles.is_empty() {
            return Err(ClusterError::NoSeries);
        }
        if count == Count::Fixed(0) {
            return Err(ClusterError::NoClusters);
        }
        let mut draws = Draws::new(seed);
        let sample = sample(profiles, &mut draws);
        let (prototypes, tried) = prototypes_of(&sample, count, &mut draws);
        let next = 1 + prototypes.clusters() as u32;
        Ok(Self::assigned(profiles, prototypes, tried, count, next))
    }

    /// Clusters the profiles of a later day so that ids and assignments stay. `former` tells, profile by profile, the id it
    /// had, `None` for a new one; where it is shorter, the rest are new. The prototypes of `previous` are kept while the
    /// profiles span as many steps and lie within their reach; else clusters are found anew, and each takes the id of the
    /// former one with which it shares most profiles, or one that was never used. Errs as [`Clusters::find`].
    pub fn find_from(
        previous: &Self,
        profiles: &[Profile],
        former: &[Option<ClusterId>],
        count: Count,
        seed: u64,
    ) -> Result<Self, ClusterError> {
        if profiles.is_empty() || count == Count::Fixed(0) {
            return Self::find(profiles, count, seed);
        }
        let (prototypes, tried) = (previous.prototypes.clone(), previous.tried.clone());
        let has_span = prototypes.views().have_the_span_of(profiles);
        let kept = Self::assigned(profiles, prototypes, tried, count, previous.next);
        if count == previous.count && has_span && kept.strangers() <= STRANGERS {
            return Ok(kept);
        }
        let known = |index: usize| former.get(index).copied().flatten();
        let nearest = kept.assignment.iter().enumerate();
        let names: Vec<ClusterId> =
            nearest.map(|(index, nearest)| known(index).unwrap_or(*nearest)).collect();
        let mut found = Self::find(profiles, count, seed)?;
        found.take_ids(&names, previous.next);
        Ok(found)
    }

    fn assigned(
        profiles: &[Profile],
        prototypes: Prototypes,
        tried: Vec<Tried>,
        count: Count,
        next: u32,
    ) -> Self {
        let nearest: Vec<(ClusterId, f32)> =
            profiles.par_iter().map(|profile| prototypes.nearest(profile)).collect();
        let (assignment, distances) = nearest.into_iter().unzip();
        Self { assignment, distances, prototypes, tried, count, next }
    }

    /// Share of the shaped profiles that lie outside the reach of the prototypes.
    fn strangers(&self) -> f64 {
        // Distance 0 in the flat cluster is a flat profile; what has a shape is infinitely far where no prototype is.
        let all = self.assignment.iter().zip(&self.distances);
        let shaped = all.filter(|(id, distance)| **id != ClusterId::FLAT || **distance > 0.0);
        let distances: Vec<f32> = shaped.map(|(_, distance)| *distance).collect();
        let outside = distances.iter().filter(|each| **each > self.prototypes.reach()).count();
        outside as f64 / distances.len().max(1) as f64
    }

    /// Renames the clusters after those of `former` (one id a profile) that they share most profiles with.
    fn take_ids(&mut self, former: &[ClusterId], next: u32) {
        let names = agreement::matched(&self.assignment, former, next);
        self.next = next.max(1 + names.values().map(|id| id.0).max().unwrap_or(0));
        self.prototypes.rename(&names);
        for id in &mut self.assignment {
            *id = names.get(id).copied().unwrap_or(*id);
        }
    }

    /// The cluster of every profile, in the order in which they were given.
    pub fn assignment(&self) -> &[ClusterId] {
        &self.assignment
    }

    /// How far every profile is from the nearest prototype; see [`Clusters::assign`].
    pub fn distances(&self) -> &[f32] {
        &self.distances
    }

    /// The cluster of the prototype nearest to `profile`, and √S to it: about 1 at the distance of the tenth neighbour of a
    /// prototype. A flat profile belongs to [`ClusterId::FLAT`] at distance 0.
    pub fn assign(&self, profile: &Profile) -> (ClusterId, f32) {
        self.prototypes.nearest(profile)
    }

    /// Each number of clusters that was tried when the prototypes were found, ascending.
    pub fn tried(&self) -> &[Tried] {
        &self.tried
    }

    /// Number of clusters of shaped profiles.
    pub fn count(&self) -> usize {
        self.prototypes.clusters()
    }
}

/// The shaped profiles, or a seeded sample of them in their order.
fn sample<'a>(profiles: &'a [Profile], draws: &mut Draws) -> Vec<&'a Profile> {
    let shaped: Vec<&Profile> = profiles.iter().filter(|each| !each.is_flat()).collect();
    if shaped.len() <= SAMPLE {
        return shaped;
    }
    draws.distinct(shaped.len(), SAMPLE).into_iter().map(|index| shaped[index]).collect()
}

fn prototypes_of(sample: &[&Profile], count: Count, draws: &mut Draws) -> (Prototypes, Vec<Tried>) {
    let (views, shapes) = shape::Views::fitted(sample);
    let neighbours = neighbours::Neighbours::new(&views, &shapes);
    let counts: Vec<usize> = match count {
        Count::Fixed(clusters) => vec![clusters.min(shapes.len()).max(1)],
        Count::Auto => (2..=MOST_TRIED.min(shapes.len() / FEWEST_MEMBERS)).collect(),
    };
    let counts = if counts.is_empty() { vec![1] } else { counts };
    let cuts = cut::cuts(&neighbours, &counts, draws);
    let tried = |cut: &Cut| Tried {
        clusters: cut.clusters,
        modularity: cut.modularity,
        stability: cut.stability,
    };
    let tried = cuts.iter().map(tried).collect();
    let best = cuts.into_iter().reduce(|a, b| if b.worth() > a.worth() { b } else { a });
    let labels = best.map(|cut| cut.labels).unwrap_or_default();
    (Prototypes::chosen(views, shapes, &neighbours, &labels), tried)
}

#[cfg(test)]
mod tests;
