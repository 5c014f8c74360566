//! Beliefs about the amplitude of a kind's effect on each series: what its own events say, drawn towards its cluster,
//! the cluster towards the kind, the kind towards what other kinds say (Lindley & Smith 1972; Efron & Morris 1975). No
//! series may be counted twice: what one is drawn to is said by the others.

use std::collections::BTreeMap;

use serde::Serialize;

/// Mean and variance of what is not known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Belief {
    pub(super) mean: f64,
    pub(super) variance: f64,
}

/// What most of a lift was learned from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LiftSource {
    /// Events of the kind on this series.
    Own,
    /// Events of the kind on series of its cluster.
    Cluster,
    /// Events of the kind on other series.
    Kind,
    /// No event of the kind: what its author expects, or what other kinds do.
    Prior,
}

impl LiftSource {
    /// Its name in documents.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Cluster => "cluster",
            Self::Kind => "kind",
            Self::Prior => "prior",
        }
    }
}

/// What a belief rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Trust {
    pub(super) source: LiftSource,
    /// Events that stand behind it.
    pub(super) events: usize,
}

/// Guesses of deviations between events, series and clusters as shares of the kind's amplitude, each worth so many
/// degrees of freedom: with few events nothing else is known of how far they differ.
const EVENT_SHARE: f64 = 0.25;
const SERIES_SHARE: f64 = 0.5;
const CLUSTER_SHARE: f64 = 0.3;
const GUESS_FREEDOM: f64 = 2.0;

impl Belief {
    pub(super) const fn new(mean: f64, variance: f64) -> Self {
        Self { mean, variance }
    }

    fn precision(self) -> f64 {
        1.0 / self.variance.max(1e-12)
    }

    fn widened(self, variance: f64) -> Self {
        Self { variance: self.variance + variance, ..self }
    }

    /// Mean and variance where it is true with a probability of `share` only, and else there is nothing.
    pub(super) fn weakened(self, share: f64) -> Self {
        let between = share * (1.0 - share) * self.mean * self.mean;
        Self::new(share * self.mean, share * self.variance + between)
    }

    /// The logarithm of a normal density, less a constant.
    pub(super) fn log_density(self, value: f64) -> f64 {
        -0.5 * ((value - self.mean).powi(2) / self.variance + self.variance.ln())
    }

    /// Both, as independent of each other.
    pub(super) fn joined(self, other: Self) -> Self {
        Weighed::default().with(self).with(other).belief().unwrap_or(self)
    }
}

/// Beliefs summed by their precisions.
#[derive(Debug, Clone, Copy, Default)]
struct Weighed {
    precision: f64,
    product: f64,
    count: usize,
    events: usize,
}

impl Weighed {
    fn with(mut self, belief: Belief) -> Self {
        self.precision += belief.precision();
        self.product += belief.precision() * belief.mean;
        self.count += 1;
        self
    }

    fn without(mut self, belief: Belief) -> Self {
        self.precision -= belief.precision();
        self.product -= belief.precision() * belief.mean;
        self.count -= 1;
        self
    }

    fn belief(self) -> Option<Belief> {
        let is_some = self.count > 0 && self.precision > 0.0;
        is_some.then(|| Belief::new(self.product / self.precision, 1.0 / self.precision))
    }
}

/// What the events of a kind on one series say together.
#[derive(Debug, Clone, Copy)]
struct Own {
    belief: Belief,
    events: usize,
}

/// A kind's amplitudes.
#[derive(Debug, Clone)]
pub(super) struct Hierarchy {
    own: Vec<Option<Own>>,
    clusters: BTreeMap<u32, Weighed>,
    all: Weighed,
    /// Variance between events of a series, between series and between clusters.
    pub(super) between_events: f64,
    between_series: f64,
    between_clusters: f64,
    prior: Belief,
}

impl Hierarchy {
    /// From what was seen of each event, series by series. `expected` is the amplitude that nothing seen would have.
    pub(super) fn new(
        seen: &[Vec<Belief>],
        clusters: &[u32],
        prior: Belief,
        expected: f64,
    ) -> Self {
        let square = amplitude_square(seen).unwrap_or(expected * expected);
        let guess = |share: f64| share * share * square;
        let between_events = dispersion(seen, guess(EVENT_SHARE));
        let own: Vec<Option<Own>> = seen.iter().map(|seen| Own::of(seen, between_events)).collect();
        let mut groups: BTreeMap<u32, Vec<Belief>> = BTreeMap::new();
        for (own, cluster) in own.iter().zip(clusters) {
            groups.entry(*cluster).or_default().extend(own.map(|own| own.belief));
        }
        let groups_seen: Vec<Vec<Belief>> = groups.into_values().collect();
        let between_series = dispersion(&groups_seen, guess(SERIES_SHARE));
        let mut by_cluster: BTreeMap<u32, Weighed> = BTreeMap::new();
        for (own, cluster) in own.iter().zip(clusters) {
            let Some(own) = own else { continue };
            let sum = by_cluster.entry(*cluster).or_default();
            *sum = sum.with(own.belief.widened(between_series));
            sum.events += own.events;
        }
        let centres: Vec<Belief> = by_cluster.values().filter_map(|sum| sum.belief()).collect();
        let between_clusters = dispersion(&[centres], guess(CLUSTER_SHARE));
        let mut all = Weighed::default();
        for sum in by_cluster.values() {
            let Some(centre) = sum.belief() else { continue };
            all = all.with(centre.widened(between_clusters));
            all.events += sum.events;
        }
        let clusters = by_cluster;
        Self { own, clusters, all, between_events, between_series, between_clusters, prior }
    }

    /// The kind's mean amplitude as its own events say it.
    pub(super) fn centre(&self) -> Option<Belief> {
        self.all.belief()
    }

    pub(super) fn with_prior(self, prior: Belief) -> Self {
        Self { prior, ..self }
    }

    /// The amplitude on a series of a cluster, and what says so.
    pub(super) fn belief(&self, series: usize, cluster: u32) -> (Belief, Trust) {
        let own = self.own.get(series).copied().flatten();
        let of_cluster = self.clusters.get(&cluster).copied().unwrap_or_default();
        let mut others = self.all;
        if let Some(centre) = of_cluster.belief() {
            others = others.without(centre.widened(self.between_clusters));
        }
        let mut near = of_cluster;
        if let Some(own) = own {
            near = near.without(own.belief.widened(self.between_series));
        }
        let mut shares = [0.0; 4];
        let mut belief = self.prior;
        shares[3] = 1.0;
        let steps = [
            (2, others.belief(), self.between_clusters),
            (1, near.belief(), self.between_series),
            (0, own.map(|own| own.belief), 0.0),
        ];
        for (place, said, then) in steps {
            if let Some(said) = said {
                let share = said.precision() / (said.precision() + belief.precision());
                shares.iter_mut().for_each(|other| *other *= 1.0 - share);
                shares[place] = share;
                belief = belief.joined(said);
            }
            belief = belief.widened(then);
        }
        let most = (0..4).rev().max_by(|a, b| shares[*a].total_cmp(&shares[*b])).unwrap_or(3);
        let trust = match most {
            0 => (LiftSource::Own, own.map_or(0, |own| own.events)),
            1 => (LiftSource::Cluster, of_cluster.events),
            2 => (LiftSource::Kind, self.all.events),
            _ => (LiftSource::Prior, 0),
        };
        (belief, Trust { source: trust.0, events: trust.1 })
    }
}

impl Own {
    fn of(seen: &[Belief], between_events: f64) -> Option<Self> {
        let each = seen.iter().map(|seen| seen.widened(between_events));
        let belief = each.fold(Weighed::default(), Weighed::with).belief()?;
        Some(Self { belief, events: seen.len() })
    }
}

/// Mean square of the amplitudes less what their uncertainty adds to it.
fn amplitude_square(seen: &[Vec<Belief>]) -> Option<f64> {
    let (mut sum, mut weights) = (0.0, 0.0);
    for Belief { mean, variance } in seen.iter().flatten() {
        sum += (mean * mean - variance) / variance;
        weights += 1.0 / variance;
    }
    (weights > 0.0).then(|| (sum / weights).max(0.0))
}

/// Variance between the members of groups beyond their own uncertainty: the moment estimate (DerSimonian & Laird 1986,
/// equation 8) pooled over groups, with the `guess` worth [`GUESS_FREEDOM`] degrees of freedom.
pub(super) fn dispersion(groups: &[Vec<Belief>], guess: f64) -> f64 {
    let (mut squares, mut freedom, mut scale) = (0.0, 0.0, 0.0);
    for group in groups.iter().filter(|group| group.len() > 1) {
        let weights: f64 = group.iter().map(|member| member.precision()).sum();
        let mean =
            group.iter().map(|member| member.precision() * member.mean).sum::<f64>() / weights;
        let square = |member: &Belief| member.precision() * (member.mean - mean).powi(2);
        squares += group.iter().map(square).sum::<f64>();
        freedom += group.len() as f64 - 1.0;
        scale +=
            weights - group.iter().map(|member| member.precision().powi(2)).sum::<f64>() / weights;
    }
    let found = if scale > 0.0 { ((squares - freedom) / scale).max(0.0) } else { 0.0 };
    (GUESS_FREEDOM * guess + freedom * found) / (GUESS_FREEDOM + freedom)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(means: &[f64], deviation: f64) -> Vec<Belief> {
        means.iter().map(|mean| Belief::new(*mean, deviation * deviation)).collect()
    }

    const WIDE: Belief = Belief::new(0.0, 0.25);

    #[test]
    fn few_events_are_drawn_to_the_cluster_and_many_are_not() {
        let (few, many) = (seen(&[1.0], 0.2), seen(&[1.0; 20], 0.2));
        let others: Vec<Vec<Belief>> =
            (0..10).map(|i| seen(&[0.4 + 0.01 * f64::from(i)], 0.05)).collect();
        let belief = |own: Vec<Belief>| {
            let all: Vec<Vec<Belief>> = [vec![own], others.clone()].concat();
            Hierarchy::new(&all, &[1; 11], WIDE, 0.3).belief(0, 1)
        };
        let (of_few, of_many) = (belief(few), belief(many));
        assert!((0.4..0.8).contains(&of_few.0.mean), "{of_few:?}");
        assert!(of_many.0.mean > of_few.0.mean + 0.1, "{of_many:?}");
        assert_eq!(of_many.1, Trust { source: LiftSource::Own, events: 20 });
        assert!(of_many.0.variance < of_few.0.variance);
    }

    #[test]
    fn what_has_no_event_takes_its_clusters_then_its_kinds() {
        let all = [seen(&[0.5, 0.52], 0.02), seen(&[0.48], 0.02), Vec::new(), Vec::new()];
        let hierarchy = Hierarchy::new(&all, &[1, 1, 1, 2], WIDE, 0.3);
        let (near, far) = (hierarchy.belief(2, 1), hierarchy.belief(3, 2));
        assert_eq!(near.1, Trust { source: LiftSource::Cluster, events: 3 });
        assert_eq!(far.1, Trust { source: LiftSource::Kind, events: 3 });
        assert!((near.0.mean - 0.5).abs() < 0.05 && far.0.variance > near.0.variance);
        let nothing = Hierarchy::new(&vec![Vec::new(); 4], &[1, 1, 1, 2], WIDE, 0.3);
        assert_eq!(nothing.belief(0, 1).1, Trust { source: LiftSource::Prior, events: 0 });
        assert!(nothing.belief(0, 1).0.variance > WIDE.variance && nothing.centre().is_none());
    }

    #[test]
    fn noise_is_no_dispersion() {
        let noise = [-0.11, 0.08, -0.02, 0.15, -0.06, 0.01, -0.09, 0.05];
        assert!(dispersion(&[seen(&noise, 0.1)], 0.0) < 1e-9);
        let apart: Vec<f64> = noise.iter().map(|mean| mean * 10.0).collect();
        let found = dispersion(&[seen(&apart, 0.1)], 0.0).sqrt();
        assert!((0.6..0.9).contains(&found), "{found}");
    }
}
