//! How every host looks ahead without and with a plan. The same sums as those that detect judges; it
//! must never change what is planned.

use std::collections::BTreeMap;

use weft_core::id::{HostId, WorkloadId};
use weft_core::outlook::{BucketAhead, HostAhead, Outlook};
use weft_core::plan::{Move, Plan, Strategy};
use weft_core::time::Timestamp;

use crate::build::{Decided, Fleet, build};
use crate::problem::HostIndex;
use crate::situation::Situation;
use crate::solver::state::State;

/// How every host looks ahead, without `plan` and with it: moves that run are counted where they go in
/// both, a planned move from its predicted end on, in the buckets that begin after it. Lost hosts have
/// no values; a resource of a host that nothing demands, with or without the plan, has no row.
pub fn outlook(situation: &Situation, plan: &Plan) -> Outlook {
    let splits = plan.moves.iter().filter_map(|planned| match planned.strategy {
        Strategy::Split { share_permille } => Some((planned.workload.clone(), share_permille)),
        _ => None,
    });
    let decided = Decided { splits: splits.collect(), merges: BTreeMap::new() };
    let fleet = build(situation, &decided);
    let mut state = State::new(&fleet.problem, &fleet.start);
    let mut rows = blank_rows(&fleet);
    for bucket in 0..fleet.buckets.len() {
        read(&fleet, &state, &mut rows, bucket, Side::Without);
    }
    let mut waiting = ends(plan);
    for bucket in 0..fleet.buckets.len() {
        let begins = fleet.buckets[bucket].begins;
        while let Some((_, planned)) = waiting.last().filter(|(end, _)| *end <= begins) {
            carry_out(&fleet, &mut state, planned);
            waiting.pop();
        }
        read(&fleet, &state, &mut rows, bucket, Side::With);
    }
    rows.retain(|row| {
        row.mean_without.is_empty()
            || row.mean_without.iter().chain(&row.mean_with).any(|m| *m > 0.0)
    });
    let buckets = fleet.buckets.iter();
    Outlook {
        made_at: situation.now,
        plan: Some(plan.id),
        buckets: buckets.map(|b| BucketAhead { begins: b.begins, ends: b.ends }).collect(),
        hosts: rows,
    }
}

#[derive(Clone, Copy)]
enum Side {
    Without,
    With,
}

/// The plan's moves with their predicted ends, the last first.
fn ends(plan: &Plan) -> Vec<(Timestamp, &Move)> {
    let end = |planned: &Move| planned.start + planned.prediction.duration;
    let mut ends: Vec<_> = plan.moves.iter().map(|planned| (end(planned), planned)).collect();
    ends.sort_by_key(|(end, planned)| std::cmp::Reverse((*end, planned.id)));
    ends
}

/// A row for each host and flowing resource, hosts outermost.
fn blank_rows(fleet: &Fleet<'_>) -> Vec<HostAhead> {
    let mut rows = Vec::with_capacity(fleet.sites.len() * fleet.flowing.len());
    for (index, site) in fleet.sites.iter().enumerate() {
        for (dimension, resource) in fleet.flowing.iter().enumerate() {
            let limit = fleet.problem.hosts[index].limit[dimension];
            rows.push(HostAhead {
                host: site.host.id.clone(),
                resource: *resource,
                limit: limit.is_finite().then_some(f64::from(limit)),
                mean_without: Vec::new(),
                mean_with: Vec::new(),
                deviation_without: Vec::new(),
                deviation_with: Vec::new(),
                quantile_without: Vec::new(),
                quantile_with: Vec::new(),
                overload_without: Vec::new(),
                overload_with: Vec::new(),
            });
        }
    }
    rows
}

/// Writes one bucket of every host that is not lost.
fn read(fleet: &Fleet<'_>, state: &State<'_>, rows: &mut [HostAhead], bucket: usize, side: Side) {
    let width = fleet.problem.demands.width();
    let tail = fleet.situation.scenarios.tail();
    let number = fleet.buckets[bucket].number;
    for (index, site) in fleet.sites.iter().enumerate() {
        if site.is_lost() {
            continue;
        }
        let host = HostIndex(index as u32);
        for (dimension, flow) in fleet.problem.flows.iter().enumerate() {
            let at = dimension * width + bucket;
            let (mean, spread) = (state.mean(host)[at], state.spread(host)[at]);
            let quantile = mean + flow.full[bucket] * spread;
            let limit = fleet.problem.hosts[index].limit[dimension];
            let overload = tail.exceedance(mean, spread, limit, number) as f32;
            let row = &mut rows[index * fleet.flowing.len() + dimension];
            let columns = match side {
                Side::Without => [
                    &mut row.mean_without,
                    &mut row.deviation_without,
                    &mut row.quantile_without,
                    &mut row.overload_without,
                ],
                Side::With => [
                    &mut row.mean_with,
                    &mut row.deviation_with,
                    &mut row.quantile_with,
                    &mut row.overload_with,
                ],
            };
            let values = [mean, spread, quantile, overload];
            columns.into_iter().zip(values).for_each(|(column, value)| column.push(value));
        }
    }
}

/// Puts what a move takes along on its target.
fn carry_out(fleet: &Fleet<'_>, state: &mut State<'_>, planned: &Move) {
    let Some(target) = fleet.index.get(&planned.to).copied() else { return };
    let is_split = matches!(planned.strategy, Strategy::Split { .. });
    if let Some(item) = item(fleet, &planned.workload, &planned.from, is_split) {
        state.put(item, target);
    }
}

/// The part of a workload on a host that a move takes along: the further replica for a split.
fn item(fleet: &Fleet<'_>, workload: &WorkloadId, from: &HostId, is_split: bool) -> Option<usize> {
    let from = fleet.index.get(from).copied()?;
    let is_its = |item: &usize| {
        let origin = &fleet.origins[*item];
        origin.workload.id == *workload && origin.is_part == is_split
    };
    let items = || (0..fleet.origins.len()).filter(is_its);
    // A workload that moves on from where an earlier move of the plan takes it starts elsewhere.
    items().find(|item| fleet.start[*item] == from).or_else(|| items().next())
}
