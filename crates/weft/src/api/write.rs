//! The writing half of the API: approve, reject, cancel, drain, pause, kill. Every answer
//! comes after what was asked is durable, or says why it was not done.

use axum::Json;
use axum::extract::State;
use weft_control::event::Request;
use weft_core::id::{HostId, MoveId};

use super::given::Path;
use super::shapes::problem::Problem;
use super::shapes::signals::Acknowledged;
use super::{App, No};
use crate::run::desk::Ask;

pub(super) type Answer = Result<Json<Acknowledged>, No>;

pub(super) async fn ask(app: &App, ask: Ask) -> Answer {
    let done = app.desk.ask(ask).await?;
    Ok(Json(Acknowledged { done }))
}

/// Lets a proposed move go ahead, and with it the moves that it waits for.
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
