//! What comes with a request: path, query and body, each refused in the API's own words where it does not fit. No
//! handler may take them by axum's extractors, whose refusals are plain text.

use std::error::Error;

use axum::body::Bytes;
use axum::extract::path::ErrorKind;
use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use super::No;

/// The parameters in the path.
#[derive(Debug)]
pub(super) struct Path<T>(pub(super) T);

/// The parameters in the query.
#[derive(Debug)]
pub(super) struct Query<T>(pub(super) T);

/// The body, as JSON.
#[derive(Debug)]
pub(super) struct Body<T>(pub(super) T);

/// The innermost cause: the one that names the parameter.
fn cause(error: &dyn Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

fn refused(status: StatusCode, detail: String) -> No {
    No::new(status, "invalid", "Invalid request", detail)
}

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = No;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, No> {
        match axum::extract::Path::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(value)) => Ok(Self(value)),
            Err(no) => Err(refused(no.status(), format!("the path: {}", misfit(&no)))),
        }
    }
}

/// Numbers are all that a path can get wrong.
fn misfit(no: &PathRejection) -> String {
    let found = match no {
        PathRejection::FailedToDeserializePathParams(error) => match error.kind() {
            ErrorKind::ParseError { value, .. }
            | ErrorKind::ParseErrorAtKey { value, .. }
            | ErrorKind::ParseErrorAtIndex { value, .. } => Some(value),
            _ => None,
        },
        _ => None,
    };
    match found {
        Some(value) => format!("expected a whole number, found `{value}`"),
        None => format!("expected what fits, found {}", cause(no)),
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = No;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, No> {
        match axum::extract::Query::from_request_parts(parts, state).await {
            Ok(axum::extract::Query(value)) => Ok(Self(value)),
            Err(no) => {
                let detail = format!("the query: expected what fits, found {}", cause(&no));
                Err(refused(no.status(), detail))
            }
        }
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = No;

    async fn from_request(request: Request, state: &S) -> Result<Self, No> {
        let bytes = Bytes::from_request(request, state).await;
        let bytes =
            bytes.map_err(|no| refused(no.status(), format!("the body: {}", cause(&no))))?;
        serde_json::from_slice(&bytes).map(Self).map_err(|error| {
            No::invalid(format!("the body: expected JSON that fits, found {error}"))
        })
    }
}

/// There is something at this path, but not for this method.
pub(super) async fn wrong_method() -> No {
    let detail = "expected a method that /api/v1/openapi.json names for this path, found another";
    No::new(StatusCode::METHOD_NOT_ALLOWED, "method", "Method not allowed", detail)
}
