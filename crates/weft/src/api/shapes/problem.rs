//! Problem documents (RFC 9457): how the API says no.

use serde::Serialize;
use utoipa::ToSchema;

/// Why a request was not carried out, as `application/problem+json`.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Problem {
    /// Which kind of problem: `about:blank#not-found` and the like.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// One sentence: what was expected, what was found.
    pub detail: String,
}
