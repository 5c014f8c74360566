//! How near hosts are to their limits: by quantile, and by what is expected above them.

use super::State;
use crate::demand::Outlook;
use crate::problem::{Flow, HostIndex};

/// How short a target may be left by sharing an excess, against how short the source was: enough
/// less that neither rounding nor a small change of the forecast turns a move round.
const LESS_SHORT: f32 = 0.95;

impl State<'_> {
    /// Whether the means, and the least that the deviation can come to, leave it open that `host`
    /// keeps the stricter chance constraint with `item` there and `gone` no longer.
    pub(crate) fn may_fill_without(&self, item: usize, host: HostIndex, gone: usize) -> bool {
        if host == self.start[item] {
            return true;
        }
        let width = self.problem.demands.width();
        let (mean, spread) = (self.mean(host), self.spread(host));
        let (demands, limits) = (&self.problem.demands, &self.problem.hosts[host.index()].limit);
        self.problem.flows.iter().enumerate().all(|(dimension, flow)| {
            let (more, less) = (demands.mean(item, dimension), demands.mean(gone, dimension));
            let (sway, calm) = (demands.spread(item, dimension), demands.spread(gone, dimension));
            let row = dimension * width;
            flow.fill.iter().enumerate().all(|(b, multiplier)| {
                // The deviation of a sum is at least the difference of the deviations.
                let rest = (spread[row + b] - calm[b]).abs() - sway[b];
                let least = rest.max(sway[b] - spread[row + b] - calm[b]).max(0.0);
                mean[row + b] - less[b] + more[b] + multiplier * least <= limits[dimension]
            })
        })
    }

    /// Whether `host` would keep the stricter chance constraint with the demand of `item` added,
    /// wherever that comes from; nothing else is asked.
    pub(crate) fn fills(&self, item: usize, host: HostIndex) -> bool {
        let (problem, width) = (self.problem, self.problem.demands.width());
        let mut outlook = Outlook::default();
        self.loads.with(&problem.demands, host.index(), item, 1.0, &mut outlook);
        problem.flows.iter().enumerate().all(|(dimension, flow)| {
            let limit = problem.hosts[host.index()].limit[dimension];
            flow.fill.iter().enumerate().all(|(bucket, multiplier)| {
                let row = dimension * width + bucket;
                outlook.mean[row] + multiplier * outlook.spread[row] <= limit
            })
        })
    }

    /// Whether `host` keeps the stricter chance constraint as it is.
    pub(crate) fn is_filled_well(&self, host: HostIndex) -> bool {
        let width = self.problem.demands.width();
        let (mean, spread) = (self.mean(host), self.spread(host));
        self.problem.flows.iter().enumerate().all(|(dimension, flow)| {
            let limit = self.problem.hosts[host.index()].limit[dimension];
            flow.fill.iter().enumerate().all(|(bucket, multiplier)| {
                let row = dimension * width + bucket;
                mean[row] + multiplier * spread[row] <= limit
            })
        })
    }

    /// The strain up to which what leaves `host` may bring its target where an excess is shared:
    /// less than that of `host` itself.
    pub(crate) fn sharing_bound(&self, host: HostIndex) -> f32 {
        self.strain(host) * LESS_SHORT
    }

    /// The largest expected excess over a limit in any bucket, relative to the limit; what comes
    /// later weighs less, since it can be answered later.
    pub(super) fn strain(&self, host: HostIndex) -> f32 {
        let width = self.problem.demands.width();
        let (mean, spread) = (self.mean(host), self.spread(host));
        let limits = self.problem.hosts[host.index()].limit.iter().enumerate();
        let of_dimension = |(dimension, limit): (usize, &f32)| {
            let row = dimension * width;
            let buckets = 0..self.problem.buckets.len();
            let of = |b: usize| self.strain_of(b, mean[row + b], spread[row + b], *limit);
            buckets.map(of).fold(0.0, f32::max)
        };
        limits.map(of_dimension).fold(0.0, f32::max)
    }

    /// The strain of one bucket.
    pub(crate) fn strain_of(&self, bucket: usize, mean: f32, spread: f32, limit: f32) -> f32 {
        let excess = self.loss.excess(mean, spread, limit) / limit.max(1.0);
        self.problem.buckets[bucket].weight * excess
    }

    /// Whether a quantile of `host` is beyond its limit, by the full multipliers.
    pub(crate) fn is_beyond(&self, host: HostIndex) -> bool {
        self.peak(host, |flow| &flow.full) > 1.0
    }

    /// The largest share of its limit that a quantile of `host` takes in any bucket.
    pub(super) fn peak(&self, host: HostIndex, multipliers: fn(&Flow) -> &[f32]) -> f32 {
        let width = self.problem.demands.width();
        let (mean, spread) = (self.mean(host), self.spread(host));
        let mut peak = 0.0_f32;
        for (dimension, flow) in self.problem.flows.iter().enumerate() {
            let limit = self.problem.hosts[host.index()].limit[dimension].max(1.0);
            for (bucket, multiplier) in multipliers(flow).iter().enumerate() {
                let row = dimension * width + bucket;
                peak = peak.max((mean[row] + multiplier * spread[row]) / limit);
            }
        }
        peak
    }

    /// What `host` has left of the first flowing dimension, per bucket, by the multipliers for
    /// packing; never negative.
    pub(crate) fn room(&self, host: HostIndex) -> impl Iterator<Item = f32> + '_ {
        let flows = self.problem.flows.first();
        let multipliers = flows.map_or(&[][..], |flow| &flow.pack);
        let limit = self.problem.hosts[host.index()].limit.first().copied().unwrap_or(0.0);
        let loads = self.mean(host).iter().zip(self.spread(host));
        let left = multipliers.iter().zip(loads);
        left.map(move |(multiplier, (mean, spread))| (limit - mean - multiplier * spread).max(0.0))
    }
}
