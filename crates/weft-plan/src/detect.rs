//! Which hosts run short, and how every host looks ahead.
//!
//! The rule itself is [`weft_core::shortage::foreseen`]; here the joint quantiles that it judges are
//! summed. Cost must never enter.

use weft_core::id::HostId;
use weft_core::observation::HostState;
use weft_core::resource::Resource;
use weft_core::shortage::{Shortage, ShortageKey, foreseen};
use weft_core::time::Timestamp;

use crate::build::{Ahead, Decided, Fleet, build};
use crate::problem::HostIndex;
use crate::situation::Situation;
use crate::solver::state::State;

/// One bucket of a host's outlook, in the unit of the resource.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BucketOutlook {
    /// Its begin.
    pub begins: Timestamp,
    /// Its end.
    pub ends: Timestamp,
    /// Expected demand.
    pub mean: f64,
    /// Deviation of the demand of a step.
    pub deviation: f64,
    /// The joint quantile at the policy's confidence.
    pub quantile: f64,
    /// P(demand > limit).
    pub overload_probability: f64,
}

/// What a host's demand for one resource looks like, moves that run counted where they go.
#[derive(Debug, Clone, PartialEq)]
pub struct HostOutlook {
    /// Of what.
    pub resource: Resource,
    /// Capacity − reserve; infinite where nothing limits it.
    pub limit: f64,
    /// The buckets ahead, ascending.
    pub buckets: Vec<BucketOutlook>,
}

/// The shortages that the policy's rule finds, by host and resource. Lost hosts and hosts out of
/// scope have none.
pub fn detect(situation: &Situation) -> Vec<Shortage> {
    let fleet = build(situation, &Decided::default());
    let state = State::new(&fleet.problem, &fleet.start);
    shortages(&fleet, &state)
}

/// How `host` looks ahead, one outlook for each flowing resource; empty where it is unknown.
pub fn host_outlook(situation: &Situation, host: &HostId) -> Vec<HostOutlook> {
    let fleet = build(situation, &Decided::default());
    let Some(index) = fleet.index.get(host).copied() else { return Vec::new() };
    let state = State::new(&fleet.problem, &fleet.start);
    (0..fleet.flowing.len()).map(|dimension| outlook(&fleet, &state, index, dimension)).collect()
}

/// How a host looks ahead in one dimension of the problem.
pub(crate) fn outlook(
    fleet: &Fleet<'_>,
    state: &State<'_>,
    host: HostIndex,
    dimension: usize,
) -> HostOutlook {
    let limit = fleet.problem.hosts[host.index()].limit[dimension];
    let width = fleet.problem.demands.width();
    let flow = &fleet.problem.flows[dimension];
    let (mean, spread) = (state.mean(host), state.spread(host));
    let tail = fleet.situation.scenarios.tail();
    let of = |(index, ahead): (usize, &Ahead)| {
        let row = dimension * width + index;
        let (mean, spread) = (mean[row], spread[row]);
        BucketOutlook {
            begins: ahead.begins,
            ends: ahead.ends,
            mean: f64::from(mean),
            deviation: f64::from(spread),
            quantile: f64::from(mean + flow.full[index] * spread),
            overload_probability: tail.exceedance(mean, spread, limit, ahead.number),
        }
    };
    let buckets = fleet.buckets.iter().enumerate().map(of).collect();
    HostOutlook { resource: fleet.flowing[dimension], limit: f64::from(limit), buckets }
}

/// The shortages of a state.
pub(crate) fn shortages(fleet: &Fleet<'_>, state: &State<'_>) -> Vec<Shortage> {
    let mut found = Vec::new();
    for (index, site) in fleet.sites.iter().enumerate() {
        if !site.is_ruled || matches!(site.state, None | Some(HostState::Lost)) {
            continue;
        }
        let host = HostIndex(index as u32);
        for dimension in 0..fleet.flowing.len() {
            found.extend(shortage(fleet, state, host, dimension));
        }
    }
    found
}

fn shortage(
    fleet: &Fleet<'_>,
    state: &State<'_>,
    host: HostIndex,
    dimension: usize,
) -> Option<Shortage> {
    let width = fleet.problem.demands.width();
    let flow = &fleet.problem.flows[dimension];
    let limit = f64::from(fleet.problem.hosts[host.index()].limit[dimension]);
    let (mean, spread) = (state.mean(host), state.spread(host));
    let quantile = |bucket: usize| {
        let row = dimension * width + bucket;
        f64::from(mean[row] + flow.full[bucket] * spread[row])
    };
    if (0..fleet.buckets.len()).all(|bucket| quantile(bucket) <= limit) {
        return None;
    }
    let steps: Vec<usize> = fleet
        .buckets
        .iter()
        .enumerate()
        .flat_map(|(bucket, ahead)| std::iter::repeat_n(bucket, ahead.steps))
        .collect();
    let quantiles: Vec<f64> = steps.iter().map(|bucket| quantile(*bucket)).collect();
    let run = foreseen(&quantiles, limit, fleet.situation.policy.consecutive_steps)?;
    let (first, last) = (steps[run.begin], steps[run.end - 1]);
    let whole = outlook(fleet, state, host, dimension);
    let within = &whole.buckets[first..=last];
    let most = |of: fn(&BucketOutlook) -> f64| within.iter().map(of).fold(0.0, f64::max);
    let step = fleet.situation.scenarios.step().span();
    let until_end = |bucket: usize, at: usize| {
        let after = steps[at..].iter().take_while(|b| **b == bucket).count();
        fleet.buckets[bucket].ends - step * after as i64
    };
    Some(Shortage {
        key: ShortageKey {
            host: fleet.sites[host.index()].host.id.clone(),
            resource: whole.resource,
        },
        begins: until_end(first, run.begin),
        ends: until_end(last, run.end),
        probability: most(|bucket| bucket.overload_probability),
        quantile: most(|bucket| bucket.quantile),
        limit,
    })
}
