//! Moves as the API shows them.

use weft_control::control::TrackedMove;
use weft_core::id::HostId;
use weft_core::observation::MoveMeasure;
use weft_core::plan::{MoveCost, MoveState, Prediction, RejectedTarget, Strategy};
use weft_core::policy::{Mode, Policy};
use weft_core::time::Timestamp;

use crate::api::reasons;
use crate::api::shapes::plans::{MeasureShape, MoveCostShape, MoveShape, RejectedShape};
use crate::api::shapes::seconds;
use crate::run::view::View;

/// A move of a view.
pub(crate) fn tracked(view: &View, tracked: &TrackedMove) -> MoveShape {
    let planned = &tracked.planned;
    let share_permille = match planned.strategy {
        Strategy::Split { share_permille } => Some(share_permille),
        _ => None,
    };
    let is_measured = tracked.measure != MoveMeasure::default();
    MoveShape {
        id: planned.id.0,
        plan: tracked.plan.0,
        workload: planned.workload.to_string(),
        from: planned.from.to_string(),
        from_region: region(view, &planned.from),
        to: planned.to.to_string(),
        to_region: region(view, &planned.to),
        strategy: planned.strategy.name().to_owned(),
        share_permille,
        state: tracked.state.name().to_owned(),
        purpose: reasons::purpose(&planned.purpose),
        earliest_start: planned.earliest_start.into(),
        start: planned.start.into(),
        latest_start: planned.latest_start.into(),
        started: tracked.started.map(Into::into),
        ended: tracked.ended.map(Into::into),
        progress: progress(tracked, view.now),
        predicted: predicted(&planned.prediction),
        measured: is_measured.then(|| measured(&tracked.measure)),
        cost: cost(&planned.cost),
        overload_without: planned.overload_without,
        overload_with: planned.overload_with,
        rejected: planned.rejected.iter().map(|target| rejected(target, &view.policy)).collect(),
        prerequisites: planned.prerequisites.iter().map(|id| id.0).collect(),
        why_not: tracked.why_not.clone(),
        actions: actions(tracked.state, view.policy.mode),
    }
}

/// The region of a host; empty where the host is unknown.
pub(crate) fn region(view: &View, host: &HostId) -> String {
    view.topology.region_of(host).map_or_else(String::new, |region| region.id.to_string())
}

fn progress(tracked: &TrackedMove, now: Timestamp) -> Option<f64> {
    let started = tracked.started.filter(|_| tracked.state == MoveState::Running)?;
    let predicted = tracked.planned.prediction.duration.as_seconds_f64().max(1e-3);
    Some(((now - started).as_seconds_f64() / predicted).clamp(0.0, 1.0))
}

fn predicted(prediction: &Prediction) -> MeasureShape {
    MeasureShape {
        duration_seconds: seconds(prediction.duration),
        downtime_seconds: seconds(prediction.downtime),
        transferred_bytes: prediction.transferred_bytes,
    }
}

fn measured(measure: &MoveMeasure) -> MeasureShape {
    MeasureShape {
        duration_seconds: seconds(measure.duration),
        downtime_seconds: seconds(measure.downtime),
        transferred_bytes: measure.transferred_bytes,
    }
}

fn cost(cost: &MoveCost) -> MoveCostShape {
    MoveCostShape {
        transfer: cost.transfer,
        downtime: cost.downtime,
        slowdown: cost.slowdown,
        attention: cost.attention,
        total: cost.total(),
    }
}

fn rejected(target: &RejectedTarget, policy: &Policy) -> RejectedShape {
    RejectedShape { host: target.host.to_string(), lack: reasons::lack(&target.lack, policy) }
}

fn actions(state: MoveState, mode: Mode) -> Vec<String> {
    let words: &[&str] = match state {
        MoveState::Proposed if mode == Mode::Approve => &["approve", "reject"],
        MoveState::Proposed | MoveState::Scheduled => &["reject", "cancel"],
        MoveState::Running => &["cancel"],
        _ => &[],
    };
    words.iter().map(|word| (*word).to_owned()).collect()
}
