//! Plans as the API shows them, with what each host gains and loses.

use std::collections::{BTreeMap, BTreeSet};

use weft_control::control::TrackedMove;
use weft_core::fleet::Replica;
use weft_core::id::{HostId, WorkloadId};
use weft_core::plan::{FleetCost, Move, MoveState, Plan, Strategy};
use weft_core::resource::Resource;

use super::{ahead, moves};
use crate::api::shapes::plans::{CostShape, HostImpact, MoveShape, PlanDetail, PlanRow};
use crate::run::view::View;

/// A plan as a row.
pub(crate) fn row(plan: &Plan, is_current: bool) -> PlanRow {
    PlanRow {
        id: plan.id.0,
        parent: plan.parent.map(|id| id.0),
        made_at: plan.made_at.into(),
        is_current,
        shortages: plan.shortages.len(),
        moves: plan.moves.len(),
        unanswered: plan.unanswered.len(),
        cost_without: plan.cost_without.total(),
        cost_with: plan.cost_with.total(),
    }
}

/// Whether a plan is the one in force.
pub(crate) fn is_current(view: &View, plan: &Plan) -> bool {
    view.plan.as_ref().is_some_and(|current| current.id == plan.id)
}

/// A plan with everything that speaks for and against it. Moves that the loop has forgotten are shown
/// as `kept` says, else as superseded.
pub(crate) fn detail(view: &View, plan: &Plan, kept: &dyn Fn(&Move) -> MoveState) -> PlanDetail {
    let is_current = is_current(view, plan);
    let shape = |planned: &Move| -> MoveShape {
        match view.moves.get(&planned.id) {
            Some(tracked) => moves::tracked(view, tracked),
            None => {
                moves::tracked(view, &TrackedMove::kept(planned.clone(), plan.id, kept(planned)))
            }
        }
    };
    PlanDetail {
        plan: row(plan, is_current),
        until: plan.until.into(),
        cost_without: cost(&plan.cost_without),
        cost_with: cost(&plan.cost_with),
        shortages: plan.shortages.iter().map(|s| ahead::shortage(view, plan, s)).collect(),
        moves: plan.moves.iter().map(shape).collect(),
        impact: if is_current { impact(view, plan) } else { Vec::new() },
    }
}

fn cost(cost: &FleetCost) -> CostShape {
    CostShape {
        overload: cost.overload,
        running: cost.running,
        moves: cost.moves,
        total: cost.total(),
    }
}

/// Before and after for every host that a plan touches or finds short.
fn impact(view: &View, plan: &Plan) -> Vec<HostImpact> {
    let Some(outlook) = &view.outlook else { return Vec::new() };
    let ends = plan.moves.iter().flat_map(|planned| [&planned.from, &planned.to]);
    let short = plan.shortages.iter().map(|found| &found.key.host);
    let touched: BTreeSet<&HostId> = ends.chain(short).collect();
    let before = tenants(view, &BTreeMap::new());
    let after = tenants(view, &after(view, plan));
    let peak = |values: &[f32]| f64::from(values.iter().copied().fold(0.0_f32, f32::max));
    let rows = outlook.hosts.iter().filter(|row| touched.contains(&row.host));
    let moved = rows
        .filter(|row| row.resource == Resource::Cpu || row.overload_without != row.overload_with);
    moved
        .map(|row| {
            let of = |tenants: &BTreeMap<HostId, (usize, u64)>| {
                tenants.get(&row.host).copied().unwrap_or_default()
            };
            HostImpact {
                host: row.host.to_string(),
                resource: row.resource.name().to_owned(),
                unit: row.resource.unit().to_owned(),
                limit: row.limit.filter(|limit| limit.is_finite()),
                overload_before: peak(&row.overload_without),
                overload_after: peak(&row.overload_with),
                peak_before: peak(&row.quantile_without),
                peak_after: peak(&row.quantile_with),
                workloads_before: of(&before).0,
                workloads_after: of(&after).0,
                memory_before_bytes: of(&before).1,
                memory_after_bytes: of(&after).1,
                memory_limit_bytes: memory_limit(view, &row.host),
            }
        })
        .collect()
}

fn memory_limit(view: &View, host: &HostId) -> Option<u64> {
    let host = view.topology.host(host)?;
    view.policy.margins.limit(host, Resource::Memory).map(|limit| limit as u64)
}

/// The replicas that a plan's moves change, as they are once all have succeeded.
fn after(view: &View, plan: &Plan) -> BTreeMap<WorkloadId, Vec<Replica>> {
    let mut changed: BTreeMap<WorkloadId, Vec<Replica>> = BTreeMap::new();
    for planned in &plan.moves {
        let replicas = changed
            .entry(planned.workload.clone())
            .or_insert_with(|| view.replicas(&planned.workload).to_vec());
        carry_out(planned, replicas);
    }
    changed
}

fn carry_out(planned: &Move, replicas: &mut Vec<Replica>) {
    let at = |replicas: &[Replica], host: &HostId| {
        replicas.iter().position(|replica| replica.host == *host)
    };
    let Some(source) = at(replicas, &planned.from) else { return };
    match planned.strategy {
        Strategy::Split { share_permille } => {
            replicas[source].share_permille =
                replicas[source].share_permille.saturating_sub(share_permille);
            replicas.push(Replica { host: planned.to.clone(), share_permille });
        }
        Strategy::Merge => {
            let share = replicas.remove(source).share_permille;
            if let Some(target) = at(replicas, &planned.to) {
                replicas[target].share_permille += share;
            }
        }
        _ => replicas[source].host = planned.to.clone(),
    }
}

/// Workloads and allocated memory of every host, with these replicas in the place of those seen.
fn tenants(
    view: &View,
    changed: &BTreeMap<WorkloadId, Vec<Replica>>,
) -> BTreeMap<HostId, (usize, u64)> {
    let mut found = BTreeMap::new();
    let Some(seen) = &view.observation else { return found };
    for (id, workload) in &seen.workloads {
        let replicas = changed.get(id).map_or_else(|| view.replicas(id), Vec::as_slice);
        for replica in replicas {
            let entry: &mut (usize, u64) = found.entry(replica.host.clone()).or_default();
            entry.0 += 1;
            entry.1 += workload.allocation(Resource::Memory);
        }
    }
    found
}
