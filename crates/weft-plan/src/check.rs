//! The checker: judges a plan in every state that it leads through, and a placement as it stands.
//!
//! It shares no code with the solver, the schedule or anything else that makes plans: only the
//! types of weft-core and [`Situation`]. It must never be taught to agree with the solver; where
//! the two differ, one of them is wrong.
//!
//! # What is judged
//!
//! A plan is carried out in mind, as predicted: each move is under way from `start` for its
//! predicted duration, beside the moves that run already (one that is overdue may go on until the
//! policy gives it up). At each instant, first what ends ends, then what starts starts.
//!
//! - **On both ends.** A live or preemptive move holds memory and space on its source and on its
//!   target; a split holds what a further whole copy needs; a recovery holds only its target; a
//!   merge holds nothing new. Every start that adds to a host beyond its limit is wrong.
//! - **Rules at every instant.** Pin, exclude and residency are asked of the target of every move.
//!   Anti-affinity counts a workload in flight on both ends, because it may stay or arrive. Spread
//!   and affinity count it where it runs; spread asks for no more domains than there are members
//!   that run. A group whose affinity is torn because its members move one after another is in
//!   transit: that is accepted exactly where the rule holds once every move has ended. What lies on
//!   a lost host does not run and counts in no group.
//! - **What was broken before** the plan is not blamed on it, but it must not get worse, and what
//!   one move has mended no later one may break.
//! - **Demand.** No host that something is moved to may get a joint c-quantile above its limit in
//!   any bucket, unless it was as high without the move. Moves are judged in layers, each against
//!   the fleet with the layers below: recoveries are exempt, because what was lost must run;
//!   consolidation keeps the quantile within the next hour and the mean after that; everything else
//!   keeps the quantile throughout. A state shorter than one step is a transient that forecasts
//!   cannot see.
//! - **Recoveries** are also exempt from cool-downs and from `immovable`. Nothing else is: budgets,
//!   blackouts and rules hold for them too.
//! - **Maintenance.** No move into the hosts before the window ends; a move out has ended when the
//!   window begins, unless the window had begun when the plan was made.

mod demand;
mod fleet;
mod moves;
mod order;
mod replay;
mod room;
mod rules;
mod timeline;
mod violation;

use std::collections::BTreeMap;

use weft_core::fleet::{Placement, Replica, Topology, Workload, Workloads};
use weft_core::id::HostId;
use weft_core::observation::{HostState, Observation};
use weft_core::plan::{Move, Plan};
use weft_core::policy::Policy;

use self::demand::Demand;
use self::fleet::Fleet;
use self::replay::Replay;
use self::room::Held;
use self::timeline::{Flight, State};
pub use self::violation::{Occasion, Violation};
use crate::situation::Situation;

/// Everything that is wrong with `plan` in `situation`; nothing if it passes.
///
/// A move whose names mean nothing is reported and then left out, so that one mistake gives one
/// violation.
pub fn check(situation: &Situation, plan: &Plan) -> Vec<Violation> {
    let observation = situation.observation.as_ref();
    let fleet = fleet_of(situation, observation);
    let mut violations = order::repeated(&situation.running, &plan.moves);
    violations.extend(order::cycle(&plan.moves));
    let mut flights = running_flights(situation, observation);
    for order in &plan.moves {
        match moves::known(&fleet, order) {
            Err(violation) => violations.push(violation),
            Ok(known) => {
                violations.extend(moves::judge(&fleet, &known, order.start, situation.now));
                flights.push(Flight::planned(order, order.start));
            }
        }
    }
    violations.extend(order::prerequisites(&flights, &observation.moves));
    let starts_budget = fleet.policy.budgets.starts_per_hour;
    violations.extend(order::starts_per_hour(starts_budget, &situation.recent_starts, &flights));
    let replay = Replay::new(fleet, &observation.placement, &situation.past_moves, &flights);
    violations.extend(replay.run(&flights, &[]));
    let scenarios = situation.scenarios.as_ref();
    let demand = Demand { fleet, scenarios, placement: &observation.placement, now: situation.now };
    violations.extend(demand.judge(&flights));
    violations
}

/// Judges one move once more just before its start, against a fresh observation: would it be right
/// to start it at `fresh.at`?
///
/// Everything that an observation can change is asked again: states, placement, room, rules,
/// budgets, cool-downs, windows, prerequisites. Demand is not: an observation brings no new
/// forecast, and each new forecast brings a new plan. A move of a group that moves house is
/// accepted as long as the approved moves that still wait bring the group together.
///
/// # Errors
///
/// The first violation found.
pub fn check_start(
    situation: &Situation,
    move_: &Move,
    fresh: &Observation,
) -> Result<(), Violation> {
    let fleet = fleet_of(situation, fresh);
    let mut violations = order::repeated(&situation.running, std::slice::from_ref(move_));
    let known = moves::known(&fleet, move_)?;
    violations.extend(moves::judge(&fleet, &known, fresh.at, fresh.at));
    let pending = situation.running.iter().chain(&situation.waiting);
    violations.extend(order::unmet(move_, pending, &fresh.moves));
    let mut flights = running_flights(situation, fresh);
    flights.push(Flight::planned(move_, fresh.at));
    let starts_budget = fleet.policy.budgets.starts_per_hour;
    violations.extend(order::starts_per_hour(starts_budget, &situation.recent_starts, &flights));
    let mut followers: Vec<&Move> = situation.waiting.iter().collect();
    followers.sort_by_key(|order| (order.start, order.id));
    let replay = Replay::new(fleet, &fresh.placement, &situation.past_moves, &flights);
    violations.extend(replay.run(&flights, &followers));
    violations.into_iter().next().map_or(Ok(()), Err)
}

/// The rules that a placement breaks as it stands: names, shares, core speeds, what is held, and
/// every rule of the policy that speaks of places. What lies on a lost host does not run and breaks
/// nothing; that a workload runs nowhere is for the caller to judge.
pub fn check_placement(
    topology: &Topology,
    policy: &Policy,
    workloads: &Workloads,
    placement: &Placement,
    hosts: &BTreeMap<HostId, HostState>,
) -> Vec<Violation> {
    let fleet = Fleet { topology, policy, workloads, states: hosts };
    let mut violations = Vec::new();
    let mut held = Held::default();
    for (id, replicas) in &placement.0 {
        let Some(workload) = fleet.workload(id) else {
            let (occasion, workload) = (Occasion::Standing, id.clone());
            violations.push(Violation::UnknownWorkload { occasion, workload });
            continue;
        };
        violations.extend(check_replicas(&fleet, workload, replicas));
        let alive = replicas.iter().filter(|replica| !fleet.is_lost(&replica.host));
        alive.for_each(|replica| held.add(&replica.host, workload));
    }
    for host in held.hosts() {
        violations.extend(held.excess(&fleet, host, Occasion::Standing));
    }
    let state = State::new(placement);
    for group in rules::groups(&fleet) {
        let breaches = group.breaches(&fleet, &state, Occasion::Standing);
        violations.extend(breaches.into_iter().map(|breach| breach.violation));
    }
    violations
}

fn check_replicas(fleet: &Fleet<'_>, workload: &Workload, replicas: &[Replica]) -> Vec<Violation> {
    let occasion = Occasion::Standing;
    let mut violations = Vec::new();
    let found: u32 = replicas.iter().map(|replica| u32::from(replica.share_permille)).sum();
    if found != 1_000 && !replicas.is_empty() {
        let workload = workload.id.clone();
        violations.push(Violation::Shares { occasion, workload, found });
    }
    for (position, replica) in replicas.iter().enumerate() {
        let host = || replica.host.clone();
        if replicas[..position].iter().any(|other| other.host == replica.host) {
            let workload = workload.id.clone();
            violations.push(Violation::AlreadyThere { occasion, workload, host: host() });
        }
        let Some(known) = fleet.host(&replica.host) else {
            let workload = workload.id.clone();
            violations.push(Violation::UnknownHost { occasion, workload, host: host() });
            continue;
        };
        if !fleet.is_lost(&replica.host) {
            violations.extend(moves::core_speed(occasion, workload, known));
            violations.extend(rules::on_host(fleet, occasion, workload, known));
        }
    }
    violations
}

fn fleet_of<'a>(situation: &'a Situation, observation: &'a Observation) -> Fleet<'a> {
    Fleet {
        topology: &situation.topology,
        policy: &situation.policy,
        workloads: &observation.workloads,
        states: &observation.hosts,
    }
}

/// What runs already, as seen at the time of `observation` or of planning, whichever is later.
fn running_flights<'a>(situation: &'a Situation, observation: &Observation) -> Vec<Flight<'a>> {
    let (now, patience) = (situation.now.max(observation.at), situation.policy.give_up_factor);
    situation.running.iter().map(|order| Flight::running(order, now, patience)).collect()
}
