//! The strip that every page carries, drawn from a view.

use weft_core::observation::HostState;
use weft_core::plan::MoveState;
use weft_core::policy::Mode;
use weft_sim::twin::Avoided;

use super::ahead;
use crate::api::journal;
use crate::api::shapes::seconds;
use crate::api::shapes::signals::DemoPlace;
use crate::api::shapes::status::{
    Accuracy, AvoidedShortage, Demo, FleetCounts, FreezeShape, Freshness, LostPlace, PolicySummary,
    Status,
};
use crate::run::view::{DemoView, View};

/// How things stand; `open_alerts` comes from the store.
pub(crate) fn status(view: &View, open_alerts: usize) -> Status {
    let shortages = ahead::shortages(view);
    let unstored = view.unstored.iter().map(|why| FreezeShape {
        kind: "unstored".to_owned(),
        sentence: format!("the journal cannot be stored, so nothing is started: {why}"),
        since: view.now.into(),
    });
    let freezes = view.freezes.iter().map(|(why, since)| FreezeShape {
        kind: why.kind().to_owned(),
        sentence: journal::freeze(why),
        since: (*since).into(),
    });
    Status {
        now: view.now.into(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        mode: view.policy.mode.name().to_owned(),
        switch: journal::switch(view.switch).to_owned(),
        may_start: view.may_start,
        freezes: unstored.chain(freezes).collect(),
        metrics: freshness(view),
        moves_in_flight: view.moves_in(MoveState::Running).count(),
        moves_to_approve: to_approve(view),
        next_shortage: shortages.first().cloned(),
        shortages: shortages.len(),
        open_alerts,
        fleet: counts(view),
        policy: PolicySummary {
            name: view.policy.name.clone(),
            confidence: view.policy.confidence.get(),
            horizon_seconds: seconds(view.policy.horizon),
        },
        plan: view.plan.as_ref().map(|plan| plan.id.0),
        accuracy: accuracy(view),
        demo: view.demo.as_deref().map(demo),
    }
}

/// In other modes nobody is asked: what is proposed then is only shown.
fn to_approve(view: &View) -> usize {
    if view.policy.mode == Mode::Approve { view.moves_in(MoveState::Proposed).count() } else { 0 }
}

fn freshness(view: &View) -> Freshness {
    Freshness {
        sampled_until: view.sampled_until.map(Into::into),
        age_seconds: view.sampled_until.map(|until| seconds(view.now - until).max(0.0)),
        stale_after_seconds: seconds(view.policy.stale_after),
        step_seconds: seconds(view.step.span()),
    }
}

fn counts(view: &View) -> FleetCounts {
    let in_state = |state| {
        let seen = view.observation.as_ref();
        seen.map_or(0, |seen| seen.hosts.values().filter(|found| **found == state).count())
    };
    let workloads = view.observation.as_ref().map(|seen| &seen.workloads);
    let down = workloads.map_or(0, |all| all.keys().filter(|id| !view.is_running(id)).count());
    FleetCounts {
        regions: view.topology.regions().count(),
        zones: view.topology.zones().count(),
        hosts: view.topology.hosts().len(),
        hosts_lost: in_state(HostState::Lost),
        hosts_draining: in_state(HostState::Draining),
        workloads: workloads.map_or(0, std::collections::BTreeMap::len),
        workloads_down: down,
    }
}

fn accuracy(view: &View) -> Accuracy {
    let Some(book) = &view.book else {
        let models = std::collections::BTreeMap::new();
        return Accuracy { coverage: None, judged: 0, series: 0, models };
    };
    let (mut covered, mut judged) = (0.0, 0_u64);
    let mut models = std::collections::BTreeMap::new();
    for report in book.reports() {
        if let Some((share, count)) = report.coverage {
            covered += share * f64::from(count);
            judged += u64::from(count);
        }
        *models.entry(report.model.to_string()).or_default() += 1;
    }
    let coverage = (judged > 0).then(|| covered / judged as f64);
    Accuracy { coverage, judged, series: book.len(), models }
}

fn demo(demo: &DemoView) -> Demo {
    Demo {
        speed: demo.speed,
        began: demo.began.into(),
        overload_minutes: demo.overload_minutes,
        twin_overload_minutes: demo.twin_overload_minutes,
        unserved_core_hours: demo.unserved_core_hours,
        twin_unserved_core_hours: demo.twin_unserved_core_hours,
        avoided: demo.avoided.iter().map(avoided).collect(),
        lost: demo.lost.iter().map(lost).collect(),
    }
}

fn avoided(avoided: &Avoided) -> AvoidedShortage {
    AvoidedShortage {
        host: avoided.host.to_string(),
        resource: avoided.resource.name().to_owned(),
        begins: avoided.window.begins.into(),
        ends: avoided.window.ends.into(),
        twin_overload_minutes: avoided.twin_overload_seconds / 60.0,
        overload_minutes: avoided.our_overload_seconds / 60.0,
        moves: avoided.move_ids.iter().map(|id| id.0).collect(),
    }
}

fn lost(place: &DemoPlace) -> LostPlace {
    let (kind, name) = match place {
        DemoPlace::Host(name) => ("host", name),
        DemoPlace::Zone(name) => ("zone", name),
        DemoPlace::Region(name) => ("region", name),
    };
    LostPlace { kind: kind.to_owned(), name: name.clone() }
}
