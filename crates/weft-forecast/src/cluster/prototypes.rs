//! Prototypes: members that stand for their cluster. The nearest one tells the cluster of a profile, at a cost that does
//! not grow with the number of profiles.

use std::collections::BTreeMap;

use super::ClusterId;
use super::neighbours::Neighbours;
use super::profile::Profile;
use super::shape::{Shape, VIEWS, Views};

/// Prototypes altogether, in proportion to the sizes of the clusters. A sample that is not larger stands for itself.
const MOST: usize = 256;

/// Quantile of the distances in the sample that counts as the reach of the prototypes.
const REACH: f64 = 0.99;

/// Prototypes of clusters, and the views in which they are compared.
#[derive(Debug, Clone)]
pub(super) struct Prototypes {
    views: Views,
    /// What stands for the scale of a profile that is assigned: the median one.
    scales: [f32; VIEWS],
    members: Vec<Prototype>,
    clusters: usize,
    /// √S within which most of the sample had a prototype that was not itself.
    reach: f32,
}

#[derive(Debug, Clone)]
struct Prototype {
    id: ClusterId,
    shape: Shape,
    scales: [f32; VIEWS],
}

impl Prototypes {
    /// Chooses prototypes among the sample, whose clusters are numbered from 0 by `labels`.
    pub(super) fn chosen(
        views: Views,
        shapes: Vec<Shape>,
        neighbours: &Neighbours,
        labels: &[usize],
    ) -> Self {
        let clusters = labels.iter().max().map_or(0, |most| most + 1);
        let mut is_chosen = vec![labels.len() <= MOST; labels.len()];
        for cluster in 0..clusters {
            let members: Vec<usize> =
                (0..labels.len()).filter(|at| labels[*at] == cluster).collect();
            let quota = (MOST * members.len() / labels.len()).max(1);
            for member in central(neighbours, &members, quota) {
                is_chosen[member] = true;
            }
        }
        let reach = reach(neighbours, &is_chosen);
        let kept = shapes.into_iter().enumerate().filter(|(at, _)| is_chosen[*at]);
        let members = kept.map(|(at, shape)| Prototype {
            id: ClusterId(labels[at] as u32 + 1),
            shape,
            scales: neighbours.scales[at],
        });
        let members = members.collect();
        Self { views, scales: neighbours.medians, members, clusters, reach }
    }

    pub(super) const fn clusters(&self) -> usize {
        self.clusters
    }

    pub(super) const fn views(&self) -> &Views {
        &self.views
    }

    pub(super) const fn reach(&self) -> f32 {
        self.reach
    }

    pub(super) fn rename(&mut self, names: &BTreeMap<ClusterId, ClusterId>) {
        for member in &mut self.members {
            member.id = names.get(&member.id).copied().unwrap_or(member.id);
        }
    }

    /// The cluster of the nearest prototype and √S to it.
    pub(super) fn nearest(&self, profile: &Profile) -> (ClusterId, f32) {
        if profile.is_flat() {
            return (ClusterId::FLAT, 0.0);
        }
        let shape = self.views.of(profile);
        // The cheapest view of all first: whoever is far in it alone need not be looked at in the others.
        let mut near: Vec<(f32, &Prototype)> =
            self.members.iter().map(|member| (self.part(0, &shape, member), member)).collect();
        near.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut best = (ClusterId::FLAT, f32::INFINITY);
        for (mut square, member) in near {
            for view in 1..VIEWS {
                if square >= best.1 {
                    break;
                }
                square += self.part(view, &shape, member);
            }
            if square < best.1 {
                best = (member.id, square);
            }
        }
        // Nothing with a shape was ever seen: what comes is of no known kind.
        if best.1.is_infinite() { best } else { (best.0, best.1.sqrt()) }
    }

    /// What a view adds to S.
    fn part(&self, view: usize, shape: &Shape, member: &Prototype) -> f32 {
        let distance = self.views.distance(view, shape, &member.shape);
        distance * distance / (self.scales[view] * member.scales[view]) / VIEWS as f32
    }
}

/// The quantile of √S from each of the sample, as if it were assigned, to the nearest prototype beside itself; 0 where
/// nobody has one.
fn reach(neighbours: &Neighbours, is_chosen: &[bool]) -> f32 {
    let n = neighbours.len();
    let nearest = |at: usize| {
        let row = neighbours.assigned[at * n..(at + 1) * n].iter().zip(is_chosen).enumerate();
        let others = row.filter(|(other, (_, is_chosen))| *other != at && **is_chosen);
        others.map(|(_, (square, _))| *square).reduce(f32::min)
    };
    let mut nearest: Vec<f32> = (0..n).filter_map(nearest).collect();
    nearest.sort_unstable_by(f32::total_cmp);
    let at = (REACH * nearest.len() as f64) as usize;
    nearest.get(at.min(nearest.len().saturating_sub(1))).map_or(0.0, |square| square.sqrt())
}

/// Up to `count` members, each the one that brings all members nearest to one chosen (Kaufman & Rousseeuw 1990, BUILD).
fn central(neighbours: &Neighbours, members: &[usize], count: usize) -> Vec<usize> {
    let n = neighbours.len();
    let square = |one: usize, other: usize| neighbours.squares[one * n + other];
    // No pair is farther for the choice than a few scales: one outlier must not call for a prototype of its own first.
    let mut left = vec![9.0_f32; members.len()];
    let mut chosen = Vec::new();
    while chosen.len() < count.min(members.len()) {
        let gain = |one: usize| -> f32 {
            members
                .iter()
                .zip(&left)
                .map(|(other, left)| (left - square(one, *other)).max(0.0))
                .sum()
        };
        let mut best = (f32::NEG_INFINITY, members[0]);
        for member in members.iter().filter(|member| !chosen.contains(*member)) {
            let gain = gain(*member);
            if gain > best.0 {
                best = (gain, *member);
            }
        }
        for (other, left) in members.iter().zip(&mut left) {
            *left = left.min(square(best.1, *other));
        }
        chosen.push(best.1);
    }
    chosen
}
