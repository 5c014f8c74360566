//! Outside events and their sources in the API, and campaigns that people tell and take back there. What is
//! given out here is to be shown; nothing here leads to a move.

use axum::Json;
use axum::extract::State;
use weft_collect::signal::text::cleaned;
use weft_core::event::{Event, EventKind, Provenance, Signal};
use weft_core::id::EventId;
use weft_core::policy::{Selector, Window};
use weft_store::kept::KeptSource;

use super::drawn::ahead as drawn;
use super::given::{Body, Path, Query};
use super::read::{Answer, Paging, page};
use super::shapes::problem::Problem;
use super::shapes::signals::{Acknowledged, EventShape, NewCampaign, SourceShape};
use super::shapes::{Page, seconds};
use super::write::Answer as Done;
use super::{App, No};
use crate::run::desk::Topic;
use crate::run::serve::signals::{API_SOURCE, horizon};
use crate::run::view::View;

/// The most events that the heat map is given: more than there is room for.
const MOST_AHEAD: usize = 200;

/// The most campaigns that are kept of those that came in through the API: lists and plans read them all.
const MOST_CAMPAIGNS: usize = 10_000;

/// The most workloads and tags that one campaign names.
const MOST_NAMED: usize = 1_000;

/// The longest name of a campaign.
const NAME_BYTES: usize = 200;

/// The events within the heat map's time, by begin. Where there are too many, those that nobody vouches for
/// give way first: a stranger's feed shall not hide the operator's calendar.
pub(super) fn ahead(app: &App, view: &View) -> Result<Vec<EventShape>, No> {
    let window = Window { begins: view.now, ends: view.now + view.policy.horizon };
    Ok(chosen(app.desk.store().events(window)?).iter().map(drawn::event).collect())
}

fn chosen(mut signals: Vec<Signal>) -> Vec<Signal> {
    signals.sort_by_key(|signal| !signal.is_trusted());
    signals.truncate(MOST_AHEAD);
    signals.sort_by_key(|signal| signal.to_show().window.begins);
    signals
}

/// Outside events of the last day and ahead, by begin.
#[utoipa::path(get, path = "/events", tag = "events", params(Paging), responses((status = 200, body = Page<EventShape>)))]
pub(super) async fn events(
    State(app): State<App>,
    Query(paging): Query<Paging>,
) -> Answer<Page<EventShape>> {
    let found = app.desk.store().events(horizon(app.desk.view().now))?;
    let mut items: Vec<EventShape> = found.iter().map(drawn::event).collect();
    items.sort_by_cached_key(place);
    Ok(Json(page(&paging, items.into_iter(), place)))
}

/// The place of an event in the order of lists, as text of the same order.
fn place(event: &EventShape) -> String {
    // The sign turned over, the order of whole numbers is that of their digits.
    let begins = event.begins.0.as_millis().cast_unsigned() ^ (1 << 63);
    format!("{begins:020}/{}/{}", event.source, event.id)
}

/// Configured sources of outside events, and how their last readings went.
#[utoipa::path(get, path = "/sources", tag = "events", responses((status = 200, body = Page<SourceShape>)))]
pub(super) async fn sources(State(app): State<App>) -> Answer<Page<SourceShape>> {
    let found = app.desk.store().sources()?;
    Ok(Json(Page::whole(found.into_iter().map(source).collect())))
}

fn source(kept: KeptSource) -> SourceShape {
    SourceShape {
        name: kept.name,
        kind: kept.kind,
        place: kept.place,
        is_trusted: kept.is_trusted,
        every_seconds: seconds(kept.every),
        tried: kept.tried.into(),
        read: kept.read.map(Into::into),
        events: kept.events,
        error: kept.error,
        problems: kept.problems,
        problem_count: kept.problem_count,
    }
}

/// Takes a campaign in as an event; one of the same name is replaced.
#[utoipa::path(post, path = "/events", tag = "events", request_body = NewCampaign, responses(
    (status = 200, body = Acknowledged), (status = 401, body = Problem), (status = 422, body = Problem),
))]
pub(super) async fn add_campaign(State(app): State<App>, Body(given): Body<NewCampaign>) -> Done {
    let event = campaign(given)?;
    let id = event.id.clone();
    let signal = Signal::trusted(API_SOURCE, event, Provenance::named(id.as_str()));
    let store = app.desk.store();
    if store.event_count(API_SOURCE)? >= MOST_CAMPAIGNS {
        return Err(No::invalid(format!(
            "expected fewer than {MOST_CAMPAIGNS} campaigns, found as many: take back some of them first"
        )));
    }
    store.put_event(&signal)?;
    app.desk.tell([Topic::Events, Topic::Outlook].into());
    Ok(Json(Acknowledged { done: format!("campaign {id} is taken in") }))
}

/// Takes back a campaign that came in through the API.
#[utoipa::path(delete, path = "/events/{id}", tag = "events", params(("id" = String, Path)), responses(
    (status = 200, body = Acknowledged), (status = 401, body = Problem), (status = 404, body = Problem),
))]
pub(super) async fn forget_campaign(State(app): State<App>, Path(id): Path<String>) -> Done {
    let id = EventId::from(id);
    if !app.desk.store().forget_event(API_SOURCE, &id)? {
        return Err(No::not_found(format!(
            "there is no campaign `{id}` that came in through the API; others are taken back where they are written"
        )));
    }
    app.desk.tell([Topic::Events, Topic::Outlook].into());
    Ok(Json(Acknowledged { done: format!("campaign {id} is taken back") }))
}

fn campaign(given: NewCampaign) -> Result<Event, No> {
    let NewCampaign { id, begins, ends, workloads, tags, expected_lift } = given;
    if id.is_empty() || id.len() > NAME_BYTES || cleaned(&id, NAME_BYTES) != id {
        return Err(No::invalid(format!(
            "id: expected a name of 1 to {NAME_BYTES} bytes on one line, found another"
        )));
    }
    let named = workloads.len() + tags.len();
    if named > MOST_NAMED {
        return Err(No::invalid(format!(
            "expected at most {MOST_NAMED} workloads and tags, found {named}: give them a label in common"
        )));
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

#[cfg(test)]
mod tests {
    use super::*;
    use weft_core::time::Timestamp;

    fn signal(id: &str, begins: i64, is_trusted: bool) -> Signal {
        let at = Timestamp::from_seconds;
        let event = Event {
            id: id.into(),
            kind: EventKind::News,
            window: Window { begins: at(begins), ends: at(begins + 1) },
            concerns: Selector::default(),
            expected_lift: None,
        };
        let make = if is_trusted { Signal::trusted } else { Signal::untrusted };
        make("s", event, Provenance::named(id))
    }

    #[test]
    fn a_flood_of_news_does_not_hide_the_calendar() {
        let news = (0..1_000).map(|number| signal(&format!("n{number}"), number, false));
        let mut all: Vec<Signal> = news.collect();
        all.push(signal("own", 2_000, true));
        let chosen = chosen(all);
        assert_eq!(chosen.len(), MOST_AHEAD);
        assert_eq!(chosen.last().map(|signal| signal.to_show().id.as_str()), Some("own"));
        assert!(chosen.is_sorted_by_key(|signal| signal.to_show().window.begins));
    }

    #[test]
    fn pages_follow_the_order_of_begins() {
        let begins = [i64::MIN / 1_000, -5, 0, 5, 4_000_000_000, i64::MAX / 1_000 - 1];
        let places: Vec<String> =
            begins.iter().map(|at| place(&drawn::event(&signal("e", *at, true)))).collect();
        assert!(places.is_sorted(), "{places:?}");
    }

    #[test]
    fn a_campaign_has_a_name_on_one_line_and_an_end() {
        let check = |id: &str, ends: i64, lift: f64, expected: Option<&str>| {
            let given = NewCampaign {
                id: id.to_owned(),
                begins: Timestamp::from_seconds(10).into(),
                ends: Timestamp::from_seconds(ends).into(),
                workloads: Vec::new(),
                tags: Vec::new(),
                expected_lift: Some(lift),
            };
            let found = campaign(given).err().map(|No(problem)| problem.detail);
            let is_expected =
                found.as_deref().unwrap_or("").starts_with(expected.unwrap_or("none"));
            assert_eq!(found.is_some(), expected.is_some(), "{id:?}: {found:?}");
            assert!(is_expected || expected.is_none(), "{found:?}");
        };
        check("sale", 20, 1.5, None);
        for id in ["", " sale", "sa\nle", "sa\u{202e}le", &"x".repeat(201)] {
            check(id, 20, 1.5, Some("id: expected a name of 1 to 200 bytes"));
        }
        check("sale", 10, 1.5, Some("ends: expected an instant after"));
        check("sale", 20, 0.0, Some("expected_lift: expected more than 0, found 0"));
    }
}
