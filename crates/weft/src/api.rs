//! REST API v1: what people and programs can read of the loop and ask of it. It reaches machines only
//! through the loop's desk, and answers a write only when it is durable.
//!
//! Reads from loopback need no token; writes, and anything from elsewhere, do.

mod auth;
mod demo;
mod drawn;
mod given;
mod history;
mod journal;
mod metrics;
mod page;
mod read;
pub mod reasons;
pub mod shapes;
mod signals;
mod stream;
mod write;

pub use auth::{Gate, Token};
pub(crate) use history::tracked;

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::run::desk::{Desk, Refusal};
use shapes::problem::Problem;

/// What every handler has.
#[derive(Debug, Clone)]
pub struct App {
    /// The way to the loop.
    pub desk: Desk,
    /// Who may write.
    pub gate: Arc<Gate>,
}

#[derive(OpenApi)]
#[openapi(info(
    title = "Weft",
    description = "Moves workloads before they need it: fleet, forecasts, shortages, plans, moves and their reasons.",
    license(name = "Apache-2.0", identifier = "Apache-2.0"),
))]
struct Document;

/// The routes with their documentation.
fn documented() -> OpenApiRouter<App> {
    let reads = OpenApiRouter::new()
        .routes(routes!(read::status))
        .routes(routes!(read::map))
        .routes(routes!(read::outlook))
        .routes(routes!(read::shortages))
        .routes(routes!(read::hosts))
        .routes(routes!(read::host))
        .routes(routes!(read::demand))
        .routes(routes!(read::workloads))
        .routes(routes!(read::workload))
        .routes(routes!(read::history))
        .routes(routes!(read::forecasts))
        .routes(routes!(read::forecast))
        .routes(routes!(read::plans))
        .routes(routes!(read::current_plan))
        .routes(routes!(read::plan))
        .routes(routes!(read::moves))
        .routes(routes!(read::one_move))
        .routes(routes!(signals::events, signals::add_campaign))
        .routes(routes!(signals::sources))
        .routes(routes!(read::alerts))
        .routes(routes!(read::journal))
        .routes(routes!(read::policies))
        .routes(routes!(stream::stream));
    let writes = OpenApiRouter::new()
        .routes(routes!(write::approve))
        .routes(routes!(write::reject))
        .routes(routes!(write::cancel))
        .routes(routes!(write::drain))
        .routes(routes!(write::undrain))
        .routes(routes!(write::pause))
        .routes(routes!(write::resume))
        .routes(routes!(write::kill))
        .routes(routes!(write::reload_policies))
        .routes(routes!(signals::forget_campaign))
        .routes(routes!(demo::lose))
        .routes(routes!(demo::bring_back))
        .routes(routes!(demo::campaign))
        .routes(routes!(demo::policy));
    OpenApiRouter::with_openapi(Document::openapi()).nest("/api/v1", reads.merge(writes))
}

/// The OpenAPI document, made from the handlers and shapes.
pub fn openapi() -> utoipa::openapi::OpenApi {
    documented().into_openapi()
}

/// Everything that is served: API, metrics, health, dashboard.
pub fn router(app: App) -> Router {
    let (router, document) = documented().split_for_parts();
    let document = document.to_json().unwrap_or_default();
    router
        .route("/api/v1/openapi.json", get(move || async move { json_text(document.clone()) }))
        .route("/metrics", get(metrics::metrics))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(read::ready))
        .fallback(page::page)
        .method_not_allowed_fallback(given::wrong_method)
        .layer(axum::middleware::from_fn_with_state(app.clone(), auth::guard))
        .with_state(app)
}

fn json_text(text: String) -> Response {
    ([("content-type", "application/json")], text).into_response()
}

/// How the API says no.
#[derive(Debug, Clone, PartialEq)]
pub struct No(Problem);

impl No {
    fn new(status: StatusCode, kind: &str, title: &str, detail: impl Into<String>) -> Self {
        Self(Problem {
            kind: format!("about:blank#{kind}"),
            title: title.to_owned(),
            status: status.as_u16(),
            detail: detail.into(),
        })
    }

    /// There is no such thing.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", "Not found", detail)
    }

    /// The request makes no sense.
    pub fn invalid(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", "Invalid request", detail)
    }

    /// It makes sense, but not now.
    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "conflict", "Not possible now", detail)
    }

    /// Something behind the API failed.
    pub fn unavailable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Not available", detail)
    }

    /// A token is needed.
    pub fn unauthorized(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", "A token is needed", detail)
    }

    /// It comes from where it may not.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", "Not allowed", detail)
    }
}

impl From<Refusal> for No {
    fn from(refusal: Refusal) -> Self {
        use weft_control::control::Objection;
        let detail = refusal.to_string();
        match refusal {
            Refusal::Objection(Objection::NoSuchMove(_) | Objection::NoSuchHost(_)) => {
                Self::not_found(detail)
            }
            Refusal::Objection(_) | Refusal::NotADemo => Self::conflict(detail),
            Refusal::Invalid(_) => Self::invalid(detail),
            Refusal::Store(_) | Refusal::Unstored(_) | Refusal::Stopping => {
                Self::unavailable(detail)
            }
        }
    }
}

impl From<weft_store::StoreError> for No {
    fn from(error: weft_store::StoreError) -> Self {
        Self::unavailable(error.to_string())
    }
}

impl IntoResponse for No {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::BAD_REQUEST);
        let body = serde_json::to_string(&self.0).unwrap_or_default();
        let mut answer = (status, body).into_response();
        let kind = axum::http::HeaderValue::from_static("application/problem+json");
        answer.headers_mut().insert(axum::http::header::CONTENT_TYPE, kind);
        if status == StatusCode::UNAUTHORIZED {
            let scheme = axum::http::HeaderValue::from_static("Bearer");
            answer.headers_mut().insert(axum::http::header::WWW_AUTHENTICATE, scheme);
        }
        answer
    }
}
