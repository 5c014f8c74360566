//! What can be said of one move by itself, whatever else the plan does: names, times, targets,
//! mobility, windows. It must not look at other moves.

use weft_core::fleet::{Host, Workload};
use weft_core::observation::HostState;
use weft_core::plan::{Move, Strategy};
use weft_core::policy::{Rule, Window};
use weft_core::time::{Span, Timestamp};

use super::fleet::Fleet;
use super::rules;
use super::timeline::Flight;
use super::violation::{Occasion, Violation};

/// A move whose names mean something.
pub(super) struct Known<'a> {
    pub(super) order: &'a Move,
    workload: &'a Workload,
    from: &'a Host,
    to: &'a Host,
}

/// Looks the names of a move up; a move without them cannot be judged any further.
pub(super) fn known<'a>(fleet: &Fleet<'a>, order: &'a Move) -> Result<Known<'a>, Violation> {
    let occasion = Occasion::Move { move_id: order.id, at: order.start };
    let workload = fleet
        .workload(&order.workload)
        .ok_or_else(|| Violation::UnknownWorkload { occasion, workload: order.workload.clone() })?;
    let host = |id| {
        fleet.host(id).ok_or_else(|| Violation::UnknownHost {
            occasion,
            workload: order.workload.clone(),
            host: id.clone(),
        })
    };
    let (from, to) = (host(&order.from)?, host(&order.to)?);
    if from.id == to.id {
        let (move_id, workload) = (order.id, order.workload.clone());
        return Err(Violation::SameHost { move_id, workload, host: to.id.clone() });
    }
    if order.prediction.duration < Span::ZERO {
        let duration = order.prediction.duration;
        return Err(Violation::NegativeDuration { move_id: order.id, duration });
    }
    Ok(Known { order, workload, from, to })
}

/// Everything that is wrong with a move that starts at `start`. `now` is the instant of planning
/// (or of the last look before the start).
pub(super) fn judge(
    fleet: &Fleet<'_>,
    known: &Known<'_>,
    start: Timestamp,
    now: Timestamp,
) -> Vec<Violation> {
    let mut violations = Vec::new();
    violations.extend(times(known, start, now));
    violations.extend(scope(fleet, known));
    violations.extend(target(fleet, known));
    violations.extend(source(fleet, known));
    violations.extend(mobility(fleet, known));
    violations.extend(link(fleet, known));
    if known.order.strategy != Strategy::Merge {
        let occasion = Occasion::Move { move_id: known.order.id, at: start };
        violations.extend(core_speed(occasion, known.workload, known.to));
        violations.extend(rules::on_host(fleet, occasion, known.workload, known.to));
    }
    let flight = Flight::planned(known.order, start);
    violations.extend(blackouts(fleet, &flight));
    violations.extend(immovable(fleet, known));
    violations.extend(maintenance(fleet, known, &flight, now));
    violations
}

fn times(known: &Known<'_>, start: Timestamp, now: Timestamp) -> Vec<Violation> {
    let Move { id: move_id, earliest_start, latest_start, .. } = *known.order;
    let mut violations = Vec::new();
    if !(earliest_start <= start && start <= latest_start) {
        violations.push(Violation::StartOutsideWindow {
            move_id,
            earliest_start,
            start,
            latest_start,
        });
    }
    if start < now {
        violations.push(Violation::StartInPast { move_id, start, now });
    }
    violations
}

fn scope(fleet: &Fleet<'_>, known: &Known<'_>) -> Vec<Violation> {
    let outside = [known.from, known.to].into_iter().filter(|host| !fleet.policy.rules_host(host));
    outside
        .map(|host| Violation::OutOfScope {
            move_id: known.order.id,
            workload: known.workload.id.clone(),
            host: host.id.clone(),
        })
        .collect()
}

/// A target is ready. What merges may also return to a host that drains: it is there already, and
/// the drain takes it along.
fn target(fleet: &Fleet<'_>, known: &Known<'_>) -> Option<Violation> {
    let state = fleet.state(&known.to.id);
    let merges = known.order.strategy == Strategy::Merge;
    let fine = state == Some(HostState::Ready) || (merges && state == Some(HostState::Draining));
    (!fine).then(|| Violation::TargetNotReady {
        move_id: known.order.id,
        workload: known.workload.id.clone(),
        host: known.to.id.clone(),
        state,
    })
}

/// What copies needs a source that runs, what recovers needs one that is lost; a merge may take a
/// replica away from either.
fn source(fleet: &Fleet<'_>, known: &Known<'_>) -> Option<Violation> {
    let (move_id, workload) = (known.order.id, known.workload.id.clone());
    let (host, strategy) = (known.from.id.clone(), known.order.strategy);
    let lost = fleet.is_lost(&host);
    match strategy {
        Strategy::Recover if !lost => {
            let state = fleet.state(&host);
            Some(Violation::SourceNotLost { move_id, workload, host, state })
        }
        Strategy::Live | Strategy::Preemptive | Strategy::Split { .. } if lost => {
            Some(Violation::SourceLost { move_id, workload, host, strategy })
        }
        _ => None,
    }
}

fn mobility(fleet: &Fleet<'_>, known: &Known<'_>) -> Vec<Violation> {
    let (move_id, strategy) = (known.order.id, known.order.strategy);
    let workload = || known.workload.id.clone();
    let mobility = &known.workload.mobility;
    let allowed = match strategy {
        Strategy::Live => mobility.live,
        Strategy::Preemptive => mobility.preemptive,
        Strategy::Split { .. } => mobility.max_replicas > 1,
        Strategy::Merge => true,
        Strategy::Recover => mobility.recover,
    };
    let mut violations = Vec::new();
    if !allowed {
        violations.push(Violation::NotMobile { move_id, workload: workload(), strategy });
    }
    let (downtime, limit) = (known.order.prediction.downtime, fleet.policy.downtime_limit);
    if strategy == Strategy::Live && downtime > limit {
        violations.push(Violation::Downtime { move_id, workload: workload(), downtime, limit });
    }
    violations
}

/// What copies between two regions needs a link between them.
fn link(fleet: &Fleet<'_>, known: &Known<'_>) -> Option<Violation> {
    let (from, to) = (fleet.region(&known.from.id)?, fleet.region(&known.to.id)?);
    let copies = Flight::planned(known.order, known.order.start).copies();
    (copies && from != to && fleet.topology.link(from, to).is_none()).then(|| Violation::NoLink {
        move_id: known.order.id,
        workload: known.workload.id.clone(),
        from: from.clone(),
        to: to.clone(),
    })
}

/// Cores slower than the virtual CPUs cannot carry them.
pub(super) fn core_speed(
    occasion: Occasion,
    workload: &Workload,
    host: &Host,
) -> Option<Violation> {
    let (needed, found) = (workload.vcpu_speed_millicores, host.core_speed_millicores);
    (found < needed).then(|| Violation::CoreSpeed {
        occasion,
        workload: workload.id.clone(),
        host: host.id.clone(),
        needed,
        found,
    })
}

fn blackouts(fleet: &Fleet<'_>, flight: &Flight<'_>) -> Vec<Violation> {
    let (start, end) = (flight.start, flight.end);
    let all = fleet.policy.blackouts.iter().enumerate();
    all.filter(|(_, blackout)| blackout.touches(start, end))
        .map(|(position, _)| Violation::Blackout { position, move_id: flight.order.id, start, end })
        .collect()
}

/// What is immovable is moved only to be recovered.
fn immovable(fleet: &Fleet<'_>, known: &Known<'_>) -> Vec<Violation> {
    if known.order.strategy == Strategy::Recover {
        return Vec::new();
    }
    let rules = fleet.policy.rules.iter().enumerate();
    let broken = rules.filter(|(_, stated)| match stated {
        Rule::Immovable { workloads } => workloads.selects_workload(known.workload),
        _ => false,
    });
    broken
        .map(|(rule, _)| Violation::Immovable {
            rule,
            move_id: known.order.id,
            workload: known.workload.id.clone(),
        })
        .collect()
}

/// No move into hosts that are or will be maintained, and none out of them that is under way when
/// the maintenance begins.
fn maintenance(
    fleet: &Fleet<'_>,
    known: &Known<'_>,
    flight: &Flight<'_>,
    now: Timestamp,
) -> Vec<Violation> {
    let (move_id, recovers) = (known.order.id, known.order.strategy == Strategy::Recover);
    let mut violations = Vec::new();
    for (rule, stated) in fleet.policy.rules.iter().enumerate() {
        let Rule::Maintenance { hosts, window } = stated else { continue };
        let (window, start, end) = (*window, flight.start, flight.end);
        if hosts.selects_host(known.to) && start < window.ends {
            let host = known.to.id.clone();
            violations.push(Violation::IntoMaintenance { rule, move_id, host, start, window });
        }
        if !recovers && hosts.selects_host(known.from) && is_late(flight, &window, now) {
            let host = known.from.id.clone();
            violations.push(Violation::LateForMaintenance { rule, move_id, host, end, window });
        }
    }
    violations
}

/// Whether a move out is under way in a maintenance that had not begun when it was planned. Once
/// the window has begun the plan is no longer to blame, and leaving late beats staying.
fn is_late(flight: &Flight<'_>, window: &Window, now: Timestamp) -> bool {
    now < window.begins && flight.start < window.ends && flight.end > window.begins
}
