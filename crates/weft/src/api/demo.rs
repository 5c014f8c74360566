//! What only the demo can do: lose places and bring them back, start a campaign, change mode,
//! confidence and speed. A real fleet answers that it is none.

use axum::Json;
use axum::extract::State;

use super::given::Body;
use super::shapes::problem::Problem;
use super::shapes::signals::{Acknowledged, DemoCampaign, DemoPlace, DemoPolicy};
use super::write::ask;
use super::{App, No};
use crate::run::desk::{Ask, DemoAsk};

type Answer = Result<Json<Acknowledged>, No>;

/// Loses a host, a zone or a region.
#[utoipa::path(post, path = "/demo/lose", tag = "demo", request_body = DemoPlace, responses(
    (status = 200, body = Acknowledged), (status = 401, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem),
))]
pub(super) async fn lose(State(app): State<App>, Body(place): Body<DemoPlace>) -> Answer {
    ask(&app, Ask::Demo(DemoAsk::Lose(place))).await
}

/// Brings back what was lost.
#[utoipa::path(post, path = "/demo/bring-back", tag = "demo", request_body = DemoPlace, responses(
    (status = 200, body = Acknowledged), (status = 401, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem),
))]
pub(super) async fn bring_back(State(app): State<App>, Body(place): Body<DemoPlace>) -> Answer {
    ask(&app, Ask::Demo(DemoAsk::BringBack(place))).await
}

/// Starts a campaign now.
#[utoipa::path(post, path = "/demo/campaign", tag = "demo", request_body = DemoCampaign, responses(
    (status = 200, body = Acknowledged), (status = 401, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem),
))]
pub(super) async fn campaign(State(app): State<App>, Body(campaign): Body<DemoCampaign>) -> Answer {
    ask(&app, Ask::Demo(DemoAsk::Campaign(campaign))).await
}

/// Changes mode, confidence or speed.
#[utoipa::path(post, path = "/demo/policy", tag = "demo", request_body = DemoPolicy, responses(
    (status = 200, body = Acknowledged), (status = 401, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem),
))]
pub(super) async fn policy(State(app): State<App>, Body(change): Body<DemoPolicy>) -> Answer {
    ask(&app, Ask::Demo(DemoAsk::Policy(change))).await
}
