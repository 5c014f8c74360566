//! The shapes of API v1: what goes over the wire, and nothing else. The OpenAPI document and the
//! dashboard's types are made from them, so a change here is a change of the API.
//!
//! Instants are RFC 3339 in UTC; spans are seconds; amounts are in the unit of their resource (cpu:
//! millicores, memory and storage_space: bytes, network and storage_throughput: bytes/s,
//! storage_operations: operations/s); probabilities lie in 0..=1.

pub mod ahead;
pub mod fleet;
pub mod plans;
pub mod problem;
pub mod signals;
pub mod status;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{RefOr, Schema};
use weft_core::time::{Span, Timestamp};

/// An instant, RFC 3339 in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Instant(pub Timestamp);

impl utoipa::PartialSchema for Instant {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .description(Some("An instant, RFC 3339 in UTC."))
            .into()
    }
}

impl ToSchema for Instant {
    fn name() -> Cow<'static, str> {
        "Instant".into()
    }
}

impl From<Timestamp> for Instant {
    fn from(at: Timestamp) -> Self {
        Self(at)
    }
}

/// A length of time in seconds, for the wire.
pub fn seconds(span: Span) -> f64 {
    span.as_seconds_f64()
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Page<T: ToSchema> {
    /// What is on the page.
    pub items: Vec<T>,
    /// What to give as `after` for the next page; null on the last.
    pub next: Option<String>,
}

impl<T: ToSchema> Page<T> {
    /// A list that fits on one page.
    pub const fn whole(items: Vec<T>) -> Self {
        Self { items, next: None }
    }
}
