//! The writing half of the API: approve, reject, cancel, drain, pause, kill, campaigns. Every answer
//! comes after what was asked is durable, or says why it was not done.

use axum::Json;
use axum::extract::State;
use weft_control::event::Request;
use weft_core::event::{Event, EventKind};
use weft_core::id::{EventId, HostId, MoveId};
use weft_core::policy::{Selector, Window};

use super::given::{Body, Path};
use super::shapes::problem::Problem;
use super::shapes::signals::{Acknowledged, NewCampaign};
use super::{App, No};
use crate::run::desk::{Ask, Topic};

type Answer = Result<Json<Acknowledged>, No>;

/// Where campaigns that come in through the API are kept in the store.
pub(super) const API_SOURCE: &str = "api";

pub(super) async fn ask(app: &App, ask: Ask) -> Answer {
    let done = app.desk.ask(ask).await?;
    Ok(Json(Acknowledged { done }))
}

/// Lets a proposed move go ahead.
#[utoipa::path(post, path = "/moves/{id}/approve", tag = "moves", params(("id" = u64, Path)), responses(
    (status = 200, body = Acknowledged), (status = 401, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem),
))]
pub(super) async fn approve(State(app): State<App>, Path(id): Path<u64>) -> Answer {
    ask(&app, Ask::Control(Request::Approve(MoveId(id)))).await
}

/// Does not let a move go ahead; its workload is left alone for a cool-down.
#[utoipa::path(post, path = "/moves/{id}/reject", tag = "moves", params(("id" = u64, Path)), responses(
    (status = 200, body = Acknowledged), (status = 401, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem),
))]
pub(super) async fn reject(State(app): State<App>, Path(id): Path<u64>) -> Answer {
    ask(&app, Ask::Control(Request::Reject(MoveId(id)))).await
}

/// Stops a move, waiting or running.
#[utoipa::path(post, path = "/moves/{id}/cancel", tag = "moves", params(("id" = u64, Path)), responses(
    (status = 200, body = Acknowledged), (status = 401, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem),
))]
pub(super) async fn cancel(State(app): State<App>, Path(id): Path<u64>) -> Answer {
    ask(&app, Ask::Control(Request::Cancel(MoveId(id)))).await
}

/// Empties a host and sends nothing there.
#[utoipa::path(post, path = "/hosts/{id}/drain", tag = "fleet", params(("id" = String, Path)), responses(
    (status = 200, body = Acknowledged), (status = 401, body = Problem), (status = 404, body = Problem),
))]
pub(super) async fn drain(State(app): State<App>, Path(id): Path<String>) -> Answer {
    ask(&app, Ask::Control(Request::Drain(HostId::from(id)))).await
}

/// Takes a drained host back.
#[utoipa::path(post, path = "/hosts/{id}/undrain", tag = "fleet", params(("id" = String, Path)), responses(
    (status = 200, body = Acknowledged), (status = 401, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem),
))]
pub(super) async fn undrain(State(app): State<App>, Path(id): Path<String>) -> Answer {
    ask(&app, Ask::Control(Request::Undrain(HostId::from(id)))).await
}

/// Starts nothing until resumed; what runs goes on.
#[utoipa::path(post, path = "/pause", tag = "switch", responses((status = 200, body = Acknowledged), (status = 401, body = Problem)))]
pub(super) async fn pause(State(app): State<App>) -> Answer {
    ask(&app, Ask::Control(Request::Pause)).await
}

/// Ends a pause, a kill and every freeze.
#[utoipa::path(post, path = "/resume", tag = "switch", responses((status = 200, body = Acknowledged), (status = 401, body = Problem)))]
pub(super) async fn resume(State(app): State<App>) -> Answer {
    ask(&app, Ask::Control(Request::Resume)).await
}

/// The kill switch: starts nothing, cancels what runs.
#[utoipa::path(post, path = "/kill", tag = "switch", responses((status = 200, body = Acknowledged), (status = 401, body = Problem)))]
pub(super) async fn kill(State(app): State<App>) -> Answer {
    ask(&app, Ask::Control(Request::Kill)).await
}

/// Reads the policy file again.
#[utoipa::path(post, path = "/policies/reload", tag = "policies", responses(
    (status = 200, body = Acknowledged), (status = 401, body = Problem), (status = 422, body = Problem),
))]
pub(super) async fn reload_policies(State(app): State<App>) -> Answer {
    ask(&app, Ask::ReloadPolicies).await
}

/// Takes a campaign in as an event; one of the same name is replaced.
#[utoipa::path(post, path = "/events", tag = "events", request_body = NewCampaign, responses(
    (status = 200, body = Acknowledged), (status = 401, body = Problem), (status = 422, body = Problem),
))]
pub(super) async fn add_campaign(State(app): State<App>, Body(given): Body<NewCampaign>) -> Answer {
    let event = campaign(given)?;
    let id = event.id.clone();
    app.desk.store().put_event(API_SOURCE, &event)?;
    app.desk.tell([Topic::Events, Topic::Outlook].into());
    Ok(Json(Acknowledged { done: format!("campaign {id} is taken in") }))
}

fn campaign(given: NewCampaign) -> Result<Event, No> {
    let NewCampaign { id, begins, ends, workloads, tags, expected_lift } = given;
    if id.trim().is_empty() || id.len() > 200 {
        return Err(No::invalid("id: expected a name of 1 to 200 bytes"));
    }
    if begins >= ends {
        let (begins, ends) = (begins.0, ends.0);
        return Err(No::invalid(format!("ends: expected an instant after {begins}, found {ends}")));
    }
    if let Some(lift) = expected_lift.filter(|lift| !(*lift > 0.0 && lift.is_finite())) {
        return Err(No::invalid(format!("expected_lift: expected more than 0, found {lift}")));
    }
    Ok(Event {
        id: EventId::from(id),
        kind: EventKind::Campaign,
        window: Window { begins: begins.0, ends: ends.0 },
        concerns: Selector {
            names: workloads.into_iter().collect(),
            tags: tags.into_iter().map(Into::into).collect(),
        },
        expected_lift,
    })
}
