//! The reading half of the API: fleet, forecasts, shortages, plans, moves, reasons, events, health.
//! Every answer comes from one view of the loop, or from the store.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;
use weft_control::control::TrackedMove;
use weft_core::event::Event;
use weft_core::id::{HostId, MoveId, PlanId, WorkloadId};
use weft_core::plan::{Move, MoveState, Plan};
use weft_core::policy::Window;
use weft_core::resource::{Measure, Resource, SeriesKey};
use weft_core::time::{Span, Timestamp};

use super::drawn::{ahead, fleet, moves as moved, plans as planned, status as strip};
use super::given::{Path, Query};
use super::shapes::ahead::{ForecastShape, HostDemand, Outlook, SeriesAccuracy, Shortage};
use super::shapes::fleet::{History, HostDetail, HostRow, MapShape, WorkloadDetail, WorkloadRow};
use super::shapes::plans::{MoveShape, PlanDetail, PlanRow};
use super::shapes::problem::Problem;
use super::shapes::signals::{AlertShape, JournalLine, PolicyShape};
use super::shapes::status::Status;
use super::shapes::{Page, seconds};
use super::{App, No, history as past, journal as lines, reasons, signals};
use crate::run::view::View;

pub(super) type Answer<T> = Result<Json<T>, No>;

/// The most items on a page, whatever is asked for.
const MOST: usize = 1_000;
/// Items on a page where nothing is asked for.
const USUAL: usize = 200;

/// Which page.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Paging {
    /// The `next` of the page before.
    after: Option<String>,
    /// The most items wanted, at most 1000; 200 where it is not said.
    limit: Option<usize>,
}

impl Paging {
    pub(super) fn limit(&self) -> usize {
        self.limit.unwrap_or(USUAL).clamp(1, MOST)
    }

    fn number(&self) -> Result<Option<u64>, No> {
        let parse = |text: &String| text.parse().map_err(|_| text.clone());
        self.after.as_ref().map(parse).transpose().map_err(|found| {
            No::invalid(format!("after: expected the `next` of the page before, found `{found}`"))
        })
    }
}

/// One page of a list that is in order of its ids.
pub(super) fn page<T: utoipa::ToSchema>(
    paging: &Paging,
    items: impl Iterator<Item = T>,
    id: impl Fn(&T) -> String,
) -> Page<T> {
    let after = paging.after.clone();
    let mut items: Vec<T> = items
        .skip_while(|item| after.as_ref().is_some_and(|after| id(item) <= *after))
        .take(paging.limit() + 1)
        .collect();
    let more = items.len() > paging.limit();
    items.truncate(paging.limit());
    let next = items.last().filter(|_| more).map(&id);
    Page { items, next }
}

fn resource(name: Option<&str>) -> Result<Resource, No> {
    let name = name.unwrap_or("cpu");
    Resource::ALL.into_iter().find(|resource| resource.name() == name).ok_or_else(|| {
        let known: Vec<_> = Resource::ALL.iter().map(|resource| resource.name()).collect();
        No::invalid(format!("resource: expected one of {}, found `{name}`", known.join(", ")))
    })
}

/// How things stand, at one glance.
#[utoipa::path(get, path = "/status", tag = "status", responses((status = 200, body = Status)))]
pub(super) async fn status(State(app): State<App>) -> Answer<Status> {
    let open = app.desk.store().open_alerts()?.len();
    Ok(Json(strip::status(&app.desk.view(), open)))
}

/// Whether the loop has seen the fleet: for load balancers and scripts.
pub(super) async fn ready(State(app): State<App>) -> Result<&'static str, No> {
    match app.desk.view().observation {
        Some(_) => Ok("ready\n"),
        None => Err(No::unavailable("the fleet has not been observed yet")),
    }
}

/// Regions, zones, hosts, links and moves in flight.
#[utoipa::path(get, path = "/map", tag = "fleet", responses((status = 200, body = MapShape)))]
pub(super) async fn map(State(app): State<App>) -> Json<MapShape> {
    Json(fleet::map(&app.desk.view()))
}

/// The heat map: P(overload) of every host over the time ahead, without and with the plan.
#[utoipa::path(get, path = "/outlook", tag = "ahead", responses(
    (status = 200, body = Outlook),
    (status = 503, description = "nothing is forecast yet", body = Problem),
))]
pub(super) async fn outlook(State(app): State<App>) -> Answer<Outlook> {
    let view = app.desk.view();
    let events = signals::ahead(&app, &view)?;
    let found = ahead::outlook(&view, events);
    found.map(Json).ok_or_else(|| {
        No::unavailable("nothing is forecast yet: half an hour of samples is needed at least")
    })
}

/// Foreseen shortages, earliest first, each with what answers it or why nothing does.
#[utoipa::path(get, path = "/shortages", tag = "ahead", responses((status = 200, body = Page<Shortage>)))]
pub(super) async fn shortages(State(app): State<App>) -> Json<Page<Shortage>> {
    Json(Page::whole(ahead::shortages(&app.desk.view())))
}

/// Which hosts.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct HostFilter {
    /// In this region.
    region: Option<String>,
    /// In this zone.
    zone: Option<String>,
    /// In this state.
    state: Option<String>,
}

/// Hosts, by name.
#[utoipa::path(get, path = "/hosts", tag = "fleet", params(HostFilter, Paging), responses((status = 200, body = Page<HostRow>)))]
pub(super) async fn hosts(
    State(app): State<App>,
    Query(filter): Query<HostFilter>,
    Query(paging): Query<Paging>,
) -> Json<Page<HostRow>> {
    let view = app.desk.view();
    let is = |wanted: &Option<String>, found: &str| wanted.as_ref().is_none_or(|w| w == found);
    let rows = view.topology.hosts().map(|host| fleet::host_row(&view, host)).filter(|row| {
        is(&filter.region, &row.region)
            && is(&filter.zone, &row.zone)
            && is(&filter.state, &row.state)
    });
    Json(page(&paging, rows, |row| row.id.clone()))
}

/// One host with what is on it and what lies ahead.
#[utoipa::path(get, path = "/hosts/{id}", tag = "fleet", params(("id" = String, Path)), responses(
    (status = 200, body = HostDetail), (status = 404, body = Problem),
))]
pub(super) async fn host(State(app): State<App>, Path(id): Path<String>) -> Answer<HostDetail> {
    let view = app.desk.view();
    let host = view.topology.host(&HostId::from(id.as_str()));
    let host = host.ok_or_else(|| No::not_found(format!("there is no host `{id}`")))?;
    Ok(Json(fleet::host_detail(&view, host)))
}

/// Which step ahead.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Ahead {
    /// Of which resource; `cpu` where it is not said.
    resource: Option<String>,
    /// An instant of the step, RFC 3339 in UTC; now where it is not said.
    at: Option<String>,
}

impl Ahead {
    fn instant(&self, now: Timestamp) -> Result<Timestamp, No> {
        let parse = |text: &String| text.parse().map_err(|_| text.clone());
        self.at.as_ref().map_or(Ok(now), parse).map_err(|found| {
            No::invalid(format!("at: expected an instant such as {now}, found `{found}`"))
        })
    }
}

/// Who wants how much of a host in a step ahead: what stands behind its probability of overload.
#[utoipa::path(get, path = "/hosts/{id}/demand", tag = "ahead", params(("id" = String, Path), Ahead), responses(
    (status = 200, body = HostDemand), (status = 404, body = Problem), (status = 422, body = Problem),
))]
pub(super) async fn demand(
    State(app): State<App>,
    Path(id): Path<String>,
    Query(asked): Query<Ahead>,
) -> Answer<HostDemand> {
    let view = app.desk.view();
    let host = view.topology.host(&HostId::from(id.as_str()));
    let host = host.ok_or_else(|| No::not_found(format!("there is no host `{id}`")))?;
    let resource = resource(asked.resource.as_deref())?;
    let at = asked.instant(view.now)?;
    let found = app.desk.store().events(Window { begins: at, ends: at + view.step.span() })?;
    let events: Vec<Event> = found.iter().map(|signal| signal.to_show().clone()).collect();
    Ok(Json(ahead::demand(&view, host, resource, at, &events)))
}

/// Which workloads.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct WorkloadFilter {
    /// On this host.
    host: Option<String>,
    /// With this label.
    tag: Option<String>,
    /// With this in their name.
    q: Option<String>,
}

/// Workloads, by name.
#[utoipa::path(get, path = "/workloads", tag = "fleet", params(WorkloadFilter, Paging), responses((status = 200, body = Page<WorkloadRow>)))]
pub(super) async fn workloads(
    State(app): State<App>,
    Query(filter): Query<WorkloadFilter>,
    Query(paging): Query<Paging>,
) -> Json<Page<WorkloadRow>> {
    let view = app.desk.view();
    let Some(seen) = view.observation.clone() else { return Json(Page::whole(Vec::new())) };
    let needle = filter.q.map(|text| text.to_lowercase());
    let chosen = seen.workloads.values().filter(|workload| {
        let on = |host: &String| {
            view.replicas(&workload.id).iter().any(|replica| replica.host.as_str() == host)
        };
        let tagged = |tag: &String| workload.tags.iter().any(|found| found.as_str() == tag);
        filter.host.as_ref().is_none_or(on)
            && filter.tag.as_ref().is_none_or(tagged)
            && needle.as_ref().is_none_or(|n| workload.id.as_str().to_lowercase().contains(n))
    });
    let rows = chosen.map(|workload| fleet::workload_row(&view, workload));
    Json(page(&paging, rows, |row| row.id.clone()))
}

fn known(view: &View, id: &str) -> Result<WorkloadId, No> {
    let id = WorkloadId::from(id);
    let is_known = view.observation.as_ref().is_some_and(|seen| seen.workloads.contains_key(&id));
    if is_known { Ok(id) } else { Err(No::not_found(format!("there is no workload `{id}`"))) }
}

/// One workload with why it moves or stays.
#[utoipa::path(get, path = "/workloads/{id}", tag = "fleet", params(("id" = String, Path)), responses(
    (status = 200, body = WorkloadDetail), (status = 404, body = Problem),
))]
pub(super) async fn workload(
    State(app): State<App>,
    Path(id): Path<String>,
) -> Answer<WorkloadDetail> {
    let view = app.desk.view();
    let id = known(&view, &id)?;
    let workload = view.observation.as_ref().and_then(|seen| seen.workloads.get(&id).cloned());
    let workload = workload.ok_or_else(|| No::not_found(format!("there is no workload `{id}`")))?;
    Ok(Json(fleet::workload_detail(&view, &workload)))
}

/// Which samples.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Stretch {
    /// Of which resource; `cpu` where it is not said.
    resource: Option<String>,
    /// How many hours back, at most 9600; 48 where it is not said.
    hours: Option<u32>,
}

/// The most hours of history in one answer: 400 days.
const MOST_HOURS: u32 = 9_600;

/// Past samples of one resource of a workload.
#[utoipa::path(get, path = "/workloads/{id}/history", tag = "fleet", params(("id" = String, Path), Stretch), responses(
    (status = 200, body = History), (status = 404, body = Problem), (status = 422, body = Problem),
))]
pub(super) async fn history(
    State(app): State<App>,
    Path(id): Path<String>,
    Query(stretch): Query<Stretch>,
) -> Answer<History> {
    let view = app.desk.view();
    let id = known(&view, &id)?;
    let resource = resource(stretch.resource.as_deref())?;
    let hours = stretch.hours.unwrap_or(48).clamp(1, MOST_HOURS);
    let until = view.now;
    let from = (until - Span::from_hours(i64::from(hours))).floor(view.step);
    let key = SeriesKey::resource(id.clone(), resource);
    let series = app.desk.store().history(&key, from, until)?;
    Ok(Json(History {
        workload: id.to_string(),
        resource: resource.name().to_owned(),
        unit: resource.unit().to_owned(),
        start: series.start().into(),
        step_seconds: seconds(series.step().span()),
        values: series.iter().collect(),
        censored: (0..series.len()).filter(|index| series.is_censored(*index)).collect(),
    }))
}

/// How the forecasts of every series have held, by name.
#[utoipa::path(get, path = "/forecasts", tag = "ahead", params(Paging), responses((status = 200, body = Page<SeriesAccuracy>)))]
pub(super) async fn forecasts(
    State(app): State<App>,
    Query(paging): Query<Paging>,
) -> Json<Page<SeriesAccuracy>> {
    let view = app.desk.view();
    let Some(book) = view.book.clone() else { return Json(Page::whole(Vec::new())) };
    let rows = book.keys().filter_map(|key| ahead::accuracy(&view, key));
    Json(page(&paging, rows, |row| format!("{}/{}", row.workload, rank(&row.resource))))
}

/// Resources in the order of the series, so that pages go on where they ended.
fn rank(resource: &str) -> usize {
    let position = Resource::ALL.iter().position(|known| known.name() == resource);
    position.unwrap_or(Resource::ALL.len())
}

/// The forecast of one resource of a workload, with what is known of its worth.
#[utoipa::path(get, path = "/forecasts/{workload}", tag = "ahead", params(("workload" = String, Path), Stretch), responses(
    (status = 200, body = ForecastShape), (status = 404, body = Problem), (status = 422, body = Problem),
))]
pub(super) async fn forecast(
    State(app): State<App>,
    Path(workload): Path<String>,
    Query(stretch): Query<Stretch>,
) -> Answer<ForecastShape> {
    let view = app.desk.view();
    let id = known(&view, &workload)?;
    let resource = resource(stretch.resource.as_deref())?;
    let key = SeriesKey { workload: id.clone(), measure: Measure::Resource(resource) };
    ahead::forecast(&view, &key, resource).map(Json).ok_or_else(|| {
        No::not_found(format!("{id} has no forecast of {resource} yet: six samples are needed"))
    })
}

/// Plans, newest first.
#[utoipa::path(get, path = "/plans", tag = "plans", params(Paging), responses((status = 200, body = Page<PlanRow>)))]
pub(super) async fn plans(
    State(app): State<App>,
    Query(paging): Query<Paging>,
) -> Answer<Page<PlanRow>> {
    let view = app.desk.view();
    let before = paging.number()?.map(PlanId);
    let limit = paging.limit();
    let mut found = app.desk.store().plans(before, limit + 1)?;
    if let Some(current) = view.plan.as_ref().filter(|_| before.is_none())
        && found.first().is_none_or(|newest| newest.id != current.id)
    {
        // A plan that says nothing new is in force without being recorded.
        found.insert(0, (**current).clone());
    }
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| more).map(|plan| plan.id.0.to_string());
    let items = found.iter().map(|plan| planned::row(plan, planned::is_current(&view, plan)));
    Ok(Json(Page { items: items.collect(), next }))
}

/// The plan in force.
#[utoipa::path(get, path = "/plans/current", tag = "plans", responses(
    (status = 200, body = PlanDetail), (status = 404, description = "no plan was made yet", body = Problem),
))]
pub(super) async fn current_plan(State(app): State<App>) -> Answer<PlanDetail> {
    let view = app.desk.view();
    let plan = view.plan.clone().ok_or_else(|| No::not_found("no plan was made yet"))?;
    Ok(Json(detail(&app, &view, &plan)))
}

/// One plan with everything that speaks for and against it.
#[utoipa::path(get, path = "/plans/{id}", tag = "plans", params(("id" = u64, Path)), responses(
    (status = 200, body = PlanDetail), (status = 404, body = Problem),
))]
pub(super) async fn plan(State(app): State<App>, Path(id): Path<u64>) -> Answer<PlanDetail> {
    let view = app.desk.view();
    if let Some(plan) = view.plan.as_ref().filter(|plan| plan.id.0 == id) {
        return Ok(Json(detail(&app, &view, plan)));
    }
    let kept = app.desk.store().plan(PlanId(id))?;
    let plan = kept.ok_or_else(|| No::not_found(format!("there is no {}", PlanId(id))))?;
    Ok(Json(detail(&app, &view, &plan)))
}

fn detail(app: &App, view: &View, plan: &Plan) -> PlanDetail {
    let state = |planned: &Move| {
        let kept = app.desk.store().moved(planned.id).ok().flatten();
        kept.map_or(MoveState::Superseded, |kept| kept.state)
    };
    planned::detail(view, plan, &state)
}

/// Which moves.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct MoveFilter {
    /// In one of these states, separated by commas.
    state: Option<String>,
    /// Of this workload.
    workload: Option<String>,
    /// From or to this host.
    host: Option<String>,
}

/// Moves, newest first: those that have not ended, and all that were ever started or given up.
#[utoipa::path(get, path = "/moves", tag = "moves", params(MoveFilter, Paging), responses((status = 200, body = Page<MoveShape>)))]
pub(super) async fn moves(
    State(app): State<App>,
    Query(filter): Query<MoveFilter>,
    Query(paging): Query<Paging>,
) -> Answer<Page<MoveShape>> {
    let view = app.desk.view();
    let (before, limit) = (paging.number()?, paging.limit());
    let states: Option<Vec<&str>> = filter.state.as_deref().map(|list| list.split(',').collect());
    let is_state = |name: &str| MoveState::ALL.iter().any(|state| state.name() == name);
    if let Some(unknown) = states.iter().flatten().find(|name| !is_state(name)) {
        return Err(No::invalid(format!("state: expected a state of moves, found `{unknown}`")));
    }
    let is_wanted = |tracked: &TrackedMove| {
        let planned = &tracked.planned;
        let on = |host: &String| planned.from.as_str() == host || planned.to.as_str() == host;
        states.as_ref().is_none_or(|states| states.contains(&tracked.state.name()))
            && filter.workload.as_ref().is_none_or(|name| planned.workload.as_str() == name)
            && filter.host.as_ref().is_none_or(on)
    };
    let before = before.map(MoveId);
    let mut found = past::moves(&view, app.desk.store().as_ref(), before, limit + 1, &is_wanted)?;
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| more).map(|tracked| tracked.planned.id.0.to_string());
    let items = found.iter().map(|tracked| moved::tracked(&view, tracked)).collect();
    Ok(Json(Page { items, next }))
}

/// One move with its reasons.
#[utoipa::path(get, path = "/moves/{id}", tag = "moves", params(("id" = u64, Path)), responses(
    (status = 200, body = MoveShape), (status = 404, body = Problem),
))]
pub(super) async fn one_move(State(app): State<App>, Path(id): Path<u64>) -> Answer<MoveShape> {
    let view = app.desk.view();
    let found = past::one_move(&view, app.desk.store().as_ref(), MoveId(id))?;
    let tracked = found.ok_or_else(|| No::not_found(format!("there is no {}", MoveId(id))))?;
    Ok(Json(moved::tracked(&view, &tracked)))
}

/// Which alerts.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct AlertFilter {
    /// Only those that are open.
    open: Option<bool>,
}

/// Alerts, newest first. Those that are open are on the page however long ago they began.
#[utoipa::path(get, path = "/alerts", tag = "alerts", params(AlertFilter, Paging), responses((status = 200, body = Page<AlertShape>)))]
pub(super) async fn alerts(
    State(app): State<App>,
    Query(filter): Query<AlertFilter>,
    Query(paging): Query<Paging>,
) -> Answer<Page<AlertShape>> {
    let store = app.desk.store();
    let mut found = store.open_alerts()?;
    found.reverse();
    if filter.open != Some(true) {
        let recent = store.alerts(None, paging.limit())?;
        found.retain(|alert| recent.last().is_none_or(|oldest| alert.begins < oldest.begins));
        found.splice(..0, recent);
    }
    let shape = |alert: &weft_store::alert::Alert| AlertShape {
        fingerprint: alert.fingerprint.clone(),
        rule: alert.rule.clone(),
        severity: alert.severity.name().to_owned(),
        subject: alert.subject.clone(),
        summary: alert.summary.clone(),
        begins: alert.begins.into(),
        ends: alert.ends.map(Into::into),
        labels: alert.labels.clone(),
        told: alert.told.map(Into::into),
        told_by: alert.told_by.iter().cloned().collect(),
    };
    Ok(Json(Page::whole(found.iter().map(shape).collect())))
}

/// The journal, newest first: what was decided and what became of it.
#[utoipa::path(get, path = "/journal", tag = "journal", params(Paging), responses((status = 200, body = Page<JournalLine>)))]
pub(super) async fn journal(
    State(app): State<App>,
    Query(paging): Query<Paging>,
) -> Answer<Page<JournalLine>> {
    let before = paging.number()?.map(weft_core::id::RecordId);
    let limit = paging.limit();
    let mut found = app.desk.store().newest_entries(limit + 1, before)?;
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| more).map(|entry| entry.id.0.to_string());
    Ok(Json(Page { items: found.iter().map(lines::line).collect(), next }))
}

/// The policy in force.
#[utoipa::path(get, path = "/policies", tag = "policies", responses((status = 200, body = Page<PolicyShape>)))]
pub(super) async fn policies(State(app): State<App>) -> Answer<Page<PolicyShape>> {
    let view = app.desk.view();
    let policy =
        serde_json::to_value(&*view.policy).map_err(|error| No::unavailable(error.to_string()))?;
    Ok(Json(Page::whole(vec![PolicyShape {
        name: view.policy.name.clone(),
        is_current: true,
        policy,
        rules: view.policy.rules.iter().map(reasons::rule).collect(),
    }])))
}
