//! Server-sent events: what changed, so that readers know what to read again. A reader that falls
//! behind is told that everything changed.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use serde_json::json;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::BroadcastStream;

use super::App;
use crate::run::desk::Topic;

/// Changes as server-sent events: `event: changed`, `data: {"topics": ["moves", …]}`.
#[utoipa::path(get, path = "/stream", tag = "status", responses(
    (status = 200, description = "changes, as they happen", content_type = "text/event-stream", body = String),
))]
pub(super) async fn stream(
    State(app): State<App>,
) -> Sse<impl tokio_stream::Stream<Item = Result<Event, Infallible>>> {
    let changes = BroadcastStream::new(app.desk.changes());
    let events = changes.map(|change| Ok(event(change.ok())));
    Sse::new(events).keep_alive(KeepAlive::new().interval(Duration::from_secs(15)))
}

fn event(change: Option<Arc<BTreeSet<Topic>>>) -> Event {
    let topics = match change {
        Some(topics) => json!({ "topics": &*topics }),
        None => json!({ "topics": Topic::ALL }),
    };
    Event::default().event("changed").data(topics.to_string())
}
