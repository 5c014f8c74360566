//! What lies ahead as the API shows it: shortages, the heat map, forecasts.

use weft_core::book::EventLift;
use weft_core::event::{Event, Signal};
use weft_core::fleet::Host;
use weft_core::id::{HostId, WorkloadId};
use weft_core::outlook::{HostAhead as Row, Outlook as Core};
use weft_core::plan::Plan;
use weft_core::resource::{Measure, Resource, SeriesKey};
use weft_core::shortage::Shortage as Found;
use weft_core::time::{Span, Timestamp};

use super::{fleet, moves};
use crate::api::reasons;
use crate::api::shapes::ahead::{
    BucketShape, ForecastShape, HostAhead, HostDemand, LiftShape, ModelScore, Outlook,
    SeriesAccuracy, Shortage, WorkloadDemand,
};
use crate::api::shapes::seconds;
use crate::api::shapes::signals::EventShape;
use crate::run::view::View;

/// The shortages of the plan in force, earliest first.
pub(crate) fn shortages(view: &View) -> Vec<Shortage> {
    let Some(plan) = &view.plan else { return Vec::new() };
    let ahead = plan.shortages.iter().filter(|found| found.ends > view.now);
    let mut list: Vec<Shortage> = ahead.map(|found| shortage(view, plan, found)).collect();
    list.sort_by(|a, b| a.begins.cmp(&b.begins).then_with(|| a.host.cmp(&b.host)));
    list
}

/// A shortage of a plan, with what answers it.
pub(crate) fn shortage(view: &View, plan: &Plan, found: &Found) -> Shortage {
    let answers = |planned: &&weft_core::plan::Move| planned.purpose.shortage() == Some(&found.key);
    let left = plan.unanswered.iter().find(|left| left.shortage == found.key);
    Shortage {
        host: found.key.host.to_string(),
        region: moves::region(view, &found.key.host),
        resource: found.key.resource.name().to_owned(),
        unit: found.key.resource.unit().to_owned(),
        begins: found.begins.into(),
        ends: found.ends.into(),
        lead_seconds: seconds(found.begins - view.now).max(0.0),
        probability: found.probability,
        quantile: found.quantile,
        limit: found.limit,
        moves: plan.moves.iter().filter(answers).map(|planned| planned.id.0).collect(),
        unanswered: left.map(|left| reasons::standstill(&left.why, &view.policy)),
    }
}

/// The heat map; none before the first forecast.
pub(crate) fn outlook(view: &View, events: Vec<EventShape>) -> Option<Outlook> {
    let core = view.outlook.as_ref()?;
    let mut hosts: Vec<HostAhead> = core.hosts.iter().map(|row| host(view, core, row)).collect();
    let peak = |row: &HostAhead| row.overload_without.iter().copied().fold(0.0_f32, f32::max);
    hosts.sort_by(|a, b| peak(b).total_cmp(&peak(a)).then_with(|| a.host.cmp(&b.host)));
    let open = view.moves.values().filter(|tracked| !tracked.state.is_final());
    Some(Outlook {
        made_at: core.made_at.into(),
        plan: core.plan.map(|id| id.0),
        threshold: 1.0 - view.policy.confidence.get(),
        buckets: buckets(core),
        hosts,
        events,
        moves: open.map(|tracked| moves::tracked(view, tracked)).collect(),
    })
}

/// What lies ahead of one host, a row for each resource.
pub(crate) fn of_host(view: &View, id: &HostId) -> Vec<HostAhead> {
    let Some(core) = &view.outlook else { return Vec::new() };
    core.hosts.iter().filter(|row| row.host == *id).map(|row| host(view, core, row)).collect()
}

fn buckets(core: &Core) -> Vec<BucketShape> {
    let shape = |bucket: &weft_core::outlook::BucketAhead| BucketShape {
        begins: bucket.begins.into(),
        ends: bucket.ends.into(),
    };
    core.buckets.iter().map(shape).collect()
}

fn host(view: &View, core: &Core, row: &Row) -> HostAhead {
    let zone = view.topology.host(&row.host).map(|host| host.zone.to_string());
    HostAhead {
        host: row.host.to_string(),
        zone: zone.unwrap_or_default(),
        region: moves::region(view, &row.host),
        state: fleet::state(view, &row.host).to_owned(),
        resource: row.resource.name().to_owned(),
        unit: row.resource.unit().to_owned(),
        limit: row.limit.filter(|limit| limit.is_finite()),
        buckets: buckets(core),
        overload_without: row.overload_without.clone(),
        overload_with: row.overload_with.clone(),
        mean_without: row.mean_without.clone(),
        mean_with: row.mean_with.clone(),
        quantile_without: row.quantile_without.clone(),
        quantile_with: row.quantile_with.clone(),
    }
}

/// Who wants how much of a host at an instant; the first step stands for what is before it, and beyond
/// the last step nobody wants anything.
pub(crate) fn demand(
    view: &View,
    host: &Host,
    resource: Resource,
    at: Timestamp,
    events: &[Event],
) -> HostDemand {
    let residents = view.residents(&host.id).iter();
    let mut workloads: Vec<WorkloadDemand> =
        residents.filter_map(|id| wanted(view, host, id, resource, at, events)).collect();
    workloads.sort_by(|a, b| b.expected.total_cmp(&a.expected));
    HostDemand {
        host: host.id.to_string(),
        resource: resource.name().to_owned(),
        unit: resource.unit().to_owned(),
        at: at.floor(view.step).into(),
        workloads,
    }
}

fn wanted(
    view: &View,
    host: &Host,
    id: &WorkloadId,
    resource: Resource,
    at: Timestamp,
    events: &[Event],
) -> Option<WorkloadDemand> {
    let key = SeriesKey::resource(id.clone(), resource);
    let forecast = view.book.as_ref()?.forecast(&key)?;
    let workload = view.observation.as_ref()?.workloads.get(id)?;
    let replica = view.replicas(id).iter().find(|replica| replica.host == host.id)?;
    let ahead = (at - forecast.origin).max(Span::from_millis(0)).whole_steps(forecast.step);
    if ahead >= forecast.steps() {
        return None;
    }
    let levels = forecast.at(ahead);
    let share = |level: f32| f64::from(level) * replica.share();
    let concerns = |event: &&Event| {
        event.window.begins <= at
            && at < event.window.ends
            && event.concerns.selects_workload(workload)
    };
    Some(WorkloadDemand {
        workload: id.to_string(),
        expected: share(levels[forecast.levels.median()]),
        high: levels.last().copied().map_or(0.0, share),
        events: events.iter().filter(concerns).map(|event| event.id.to_string()).collect(),
    })
}

/// The forecast of a series; none while it is unknown or too young.
pub(crate) fn forecast(view: &View, key: &SeriesKey, resource: Resource) -> Option<ForecastShape> {
    let book = view.book.as_ref()?;
    let forecast = book.forecast(key)?;
    let cap = book.cap(key).filter(|cap| cap.is_finite()).map(f64::from);
    Some(ForecastShape {
        workload: key.workload.to_string(),
        resource: resource.name().to_owned(),
        unit: resource.unit().to_owned(),
        origin: forecast.origin.into(),
        step_seconds: seconds(forecast.step.span()),
        levels: forecast.levels.as_slice().to_vec(),
        quantiles: (0..forecast.steps()).map(|ahead| forecast.at(ahead).to_vec()).collect(),
        cap,
        lifts: book.lifts(key).iter().map(lift).collect(),
        accuracy: accuracy(view, key)?,
    })
}

fn lift(lift: &EventLift) -> LiftShape {
    LiftShape {
        event: lift.event.to_string(),
        kind: lift.kind.clone(),
        factor: lift.factor,
        low: lift.low,
        high: lift.high,
        source: lift.source.clone(),
        learned_from: lift.learned_from,
    }
}

/// How the forecasts of a series have held.
pub(crate) fn accuracy(view: &View, key: &SeriesKey) -> Option<SeriesAccuracy> {
    let report = view.book.as_ref()?.report(key)?;
    let resource = match &key.measure {
        Measure::Resource(resource) => resource.name().to_owned(),
        Measure::Application(name) => name.to_string(),
    };
    let score = |score: &weft_core::book::Score| ModelScore {
        model: score.model.to_string(),
        pinball: score.pinball,
    };
    Some(SeriesAccuracy {
        workload: key.workload.to_string(),
        resource,
        model: report.model.to_string(),
        scores: report.scores.iter().map(score).collect(),
        coverage: report.coverage.map(|(share, _)| share),
        judged: report.coverage.map_or(0, |(_, judged)| judged),
        samples: report.samples,
    })
}

/// An outside event with where it came from.
pub(crate) fn event(signal: &Signal) -> EventShape {
    let (event, provenance) = (signal.to_show(), signal.provenance());
    let kind = match event.kind {
        weft_core::event::EventKind::Calendar => "calendar",
        weft_core::event::EventKind::Campaign => "campaign",
        weft_core::event::EventKind::News => "news",
    };
    EventShape {
        id: event.id.to_string(),
        title: provenance.title.clone(),
        kind: kind.to_owned(),
        source: signal.source().to_owned(),
        is_trusted: signal.is_trusted(),
        rule: provenance.rule.clone(),
        link: provenance.link.clone(),
        begins: event.window.begins.into(),
        ends: event.window.ends.into(),
        workloads: event.concerns.names.iter().cloned().collect(),
        tags: event.concerns.tags.iter().map(ToString::to_string).collect(),
        expected_lift: event.expected_lift,
    }
}
