//! The conformance suite of stores: what the shell relies on, told as checks on a fresh store. A
//! database that passes it can take the place of SQLite. It must never look into a store but through
//! the trait.

mod moves;
mod samples;

use std::collections::{BTreeMap, BTreeSet};

use thiserror::Error;
use weft_control::record::{Entry, Record, Switch};
use weft_core::event::{Event, EventKind, Provenance, Signal};
use weft_core::id::RecordId;
use weft_core::policy::{Selector, Window};
use weft_core::resource::{Measure, Resource, SeriesKey};
use weft_core::time::{Span, Step, Timestamp};

use crate::alert::{Alert, Severity};
use crate::kept::{KeptSource, ScoreLine};
use crate::{Store, StoreError};

/// The step of the stores: an hour, so that days of durable steps take no minutes.
pub fn step() -> Step {
    Step::new(Span::from_hours(1)).expect("an hour is whole seconds")
}

/// A promise of [`Store`] that was not kept.
#[derive(Debug, Error)]
pub enum Breach {
    /// Something else was found.
    #[error("{check}: expected {expected}, found {found}")]
    Found {
        /// Which check.
        check: &'static str,
        /// What the trait promises.
        expected: String,
        /// What was there.
        found: String,
    },
    /// The store erred where it must not.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Runs every check on a fresh store of steps of [`step`]; the first broken promise is the error. What
/// must hold over being opened again is in [`run_reopened`].
pub fn run(mut make: impl FnMut() -> Box<dyn Store>) -> Result<(), Breach> {
    entries_are_kept_in_order(make().as_ref())?;
    an_entry_is_one_however_often_it_comes(make().as_ref())?;
    moves::run(&mut make)?;
    samples::run(&mut make)?;
    scores_are_of_one_series(make().as_ref())?;
    events_are_found_by_time(make().as_ref())?;
    an_event_keeps_its_source_and_its_trust(make().as_ref())?;
    sources_go_with_their_events(make().as_ref())?;
    an_alert_is_told_once(make().as_ref())?;
    alerts_of_one_instant_stay_together(make().as_ref())?;
    what_ended_long_ago_is_forgotten(make().as_ref())?;
    a_token_is_kept(make().as_ref())
}

/// Checks that everything is there when a store is opened again. Each call of `open` opens the same store,
/// empty at first; the one before it is closed by then.
pub fn run_reopened(mut open: impl FnMut() -> Box<dyn Store>) -> Result<(), Breach> {
    let entries: Vec<Entry> = (0..5).map(entry).collect();
    let event = trusted("file", "early", 0, 10);
    let scores = [score("a", Measure::Resource(Resource::Cpu), 1)];
    let store = open();
    store.append(&entries[..3])?;
    store.put_events("file", std::slice::from_ref(&event))?;
    store.put_source(&source("file", 1))?;
    store.put_alert(&alert("f1", 0))?;
    store.write_scores(at(0), &scores)?;
    store.set_token_hash([7; 32])?;
    drop(store);
    let store = open();
    store.append(&entries[2..])?;
    drop(store);
    let store = open();
    same("entries after reopening", &entries, &store.resume_journal()?)?;
    let window = Window { begins: at(0), ends: at(1) };
    same("events after reopening", &vec![event], &store.events(window)?)?;
    same("sources after reopening", &vec![source("file", 1)], &store.sources()?)?;
    same("alerts after reopening", &vec![alert("f1", 0)], &store.open_alerts()?)?;
    same("scores after reopening", &1, &store.scores(&scores[0].key, 9)?.len())?;
    same("the token after reopening", &Some([7; 32]), &store.token_hash()?)?;
    store.check()?;
    drop(store);
    moves::reopened(&mut open)?;
    samples::reopened(&mut open)
}

fn same<T: PartialEq + std::fmt::Debug>(
    check: &'static str,
    expected: &T,
    found: &T,
) -> Result<(), Breach> {
    if expected == found {
        return Ok(());
    }
    Err(Breach::Found { check, expected: format!("{expected:?}"), found: format!("{found:?}") })
}

fn entry(id: u64) -> Entry {
    let to = if id.is_multiple_of(2) { Switch::Paused } else { Switch::On };
    let at = Timestamp::from_seconds(1_000 + id as i64);
    Entry { id: RecordId(id), at, record: Record::Switched { to } }
}

fn entries_are_kept_in_order(store: &dyn Store) -> Result<(), Breach> {
    let check = "a journal";
    let all: Vec<Entry> = (0..10).map(entry).collect();
    store.append(&all[..4])?;
    store.append(&all[4..])?;
    same(check, &all, &store.resume_journal()?)?;
    same(check, &all[5..7].to_vec(), &store.journal(Some(RecordId(4)), 2)?)?;
    let newest: Vec<Entry> = all[..8].iter().rev().take(3).cloned().collect();
    same(check, &newest, &store.newest_entries(3, Some(RecordId(8)))?)?;
    let gap = store.append(&[entry(11)]).is_err();
    same("a gap in the journal", &true, &gap)?;
    same(check, &10, &store.resume_journal()?.len())
}

fn an_entry_is_one_however_often_it_comes(store: &dyn Store) -> Result<(), Breach> {
    store.append(&[entry(0)])?;
    store.append(&[entry(0), entry(1)])?;
    same("an entry given twice", &vec![entry(0), entry(1)], &store.resume_journal()?)?;
    let other = Entry { id: RecordId(0), ..entry(1) };
    same("another entry of the same number", &true, &store.append(&[other]).is_err())
}

fn key(name: &str) -> SeriesKey {
    SeriesKey::resource(name.into(), Resource::Cpu)
}

fn at(steps: i64) -> Timestamp {
    Timestamp::from_seconds(86_400 * 20_000) + step().span() * steps
}

fn score(name: &str, measure: Measure, judged: u32) -> ScoreLine {
    let key = SeriesKey { workload: name.into(), measure };
    let model = "seasonal".to_owned();
    ScoreLine { key, model, pinball: Some(0.5), coverage: None, judged }
}

fn scores_are_of_one_series(store: &dyn Store) -> Result<(), Breach> {
    let cpu = |name| score(name, Measure::Resource(Resource::Cpu), 1);
    let application = |name, metric: &str| score(name, Measure::Application(metric.into()), 2);
    let alike = [cpu("a"), application("a", "cpu"), cpu("b/c"), application("b", "c/cpu")];
    store.write_scores(at(0), &alike)?;
    let later = ScoreLine { judged: 9, ..cpu("a") };
    store.write_scores(at(1), std::slice::from_ref(&later))?;
    let check = "scores";
    let both = vec![(at(1), later.clone()), (at(0), cpu("a"))];
    same(check, &both, &store.scores(&later.key, 10)?)?;
    same(check, &both[..1].to_vec(), &store.scores(&later.key, 1)?)?;
    for score in &alike[1..] {
        same(check, &vec![(at(0), score.clone())], &store.scores(&score.key, 10)?)?;
    }
    Ok(())
}

fn event(name: &str, begins: i64, ends: i64) -> Event {
    Event {
        id: name.into(),
        kind: EventKind::Campaign,
        window: Window { begins: at(begins), ends: at(ends) },
        concerns: Selector::names(["a"]),
        expected_lift: Some(1.5),
    }
}

fn trusted(source: &str, name: &str, begins: i64, ends: i64) -> Signal {
    Signal::trusted(source, event(name, begins, ends), Provenance::named(name))
}

fn source(name: &str, events: usize) -> KeptSource {
    KeptSource {
        name: name.to_owned(),
        kind: "calendar".to_owned(),
        place: "/etc/weft/team.ics".to_owned(),
        is_trusted: true,
        every: Span::from_minutes(1),
        tried: at(1),
        read: (events > 0).then(|| at(0)),
        events,
        error: None,
        problems: vec!["line 3: entry left out".to_owned()],
        problem_count: 2,
    }
}

/// Sources and names of the events that overlap a window.
fn names(store: &dyn Store, begins: i64, ends: i64) -> Result<Vec<String>, StoreError> {
    let found = store.events(Window { begins: at(begins), ends: at(ends) })?;
    let name = |signal: &Signal| format!("{}/{}", signal.source(), signal.to_show().id);
    Ok(found.iter().map(name).collect())
}

fn events_are_found_by_time(store: &dyn Store) -> Result<(), Breach> {
    let (early, late) = (trusted("file", "early", 0, 10), trusted("file", "late", 20, 30));
    store.put_events("file", &[late, early])?;
    store.put_event(&trusted("api", "mine", 5, 25))?;
    let check = "events";
    let all = vec!["file/early".to_owned(), "api/mine".to_owned(), "file/late".to_owned()];
    same(check, &all, &names(store, 0, 100)?)?;
    same(check, &vec!["api/mine".to_owned()], &names(store, 10, 20)?)?;
    store.put_events("file", &[])?;
    same(check, &vec!["api/mine".to_owned()], &names(store, 0, 100)?)?;
    same("a count", &(1, 0), &(store.event_count("api")?, store.event_count("file")?))?;
    let check = "an event that is forgotten";
    same(check, &false, &store.forget_event("file", &"mine".into())?)?;
    same(check, &true, &store.forget_event("api", &"mine".into())?)?;
    same(check, &false, &store.forget_event("api", &"mine".into())?)?;
    same(check, &Vec::new(), &names(store, 0, 100)?)
}

fn an_event_keeps_its_source_and_its_trust(store: &dyn Store) -> Result<(), Breach> {
    let provenance = Provenance {
        title: "Outage in the east".to_owned(),
        place: "item-7".to_owned(),
        link: Some("https://wire.example/7".to_owned()),
        rule: Some("outage".to_owned()),
    };
    let heard = Signal::untrusted("wire", event("heard", 1, 9), provenance);
    let known = trusted("team", "known", 2, 9);
    store.put_events("wire", std::slice::from_ref(&heard))?;
    store.put_event(&known)?;
    let check = "events with their sources";
    let found = store.events(Window { begins: at(0), ends: at(10) })?;
    same(check, &vec![heard, known.clone()], &found)?;
    let acting: Vec<_> = found.iter().map(|signal| signal.to_act_on().is_some()).collect();
    same("trust in events", &vec![false, true], &acting)?;
    let refused = store.put_events("wire", &[known]).is_err();
    same("an event of another source", &true, &refused)?;
    same(check, &found, &store.events(Window { begins: at(0), ends: at(10) })?)
}

fn sources_go_with_their_events(store: &dyn Store) -> Result<(), Breach> {
    for name in ["team", "wire"] {
        store.put_events(name, &[trusted(name, "e", 0, 10)])?;
        store.put_source(&source(name, 0))?;
    }
    store.put_source(&source("team", 1))?;
    store.put_event(&trusted("api", "mine", 1, 10))?;
    let check = "sources";
    same(check, &vec![source("team", 1), source("wire", 0)], &store.sources()?)?;
    store.keep_sources(&["team", "api", "new"])?;
    same(check, &vec![source("team", 1)], &store.sources()?)?;
    let kept = vec!["team/e".to_owned(), "api/mine".to_owned()];
    same("events of sources that are kept", &kept, &names(store, 0, 100)?)
}

fn alert(fingerprint: &str, begins: i64) -> Alert {
    Alert {
        fingerprint: fingerprint.to_owned(),
        rule: "ForeseenShortage".to_owned(),
        severity: Severity::Warning,
        subject: "h1".to_owned(),
        summary: "h1 will run short".to_owned(),
        labels: BTreeMap::from([("host".to_owned(), "h1".to_owned())]),
        begins: at(begins),
        ends: None,
        told: None,
        told_by: BTreeSet::new(),
    }
}

fn an_alert_is_told_once(store: &dyn Store) -> Result<(), Breach> {
    let mut alert = alert("f1", 0);
    store.put_alert(&alert)?;
    alert.told = Some(at(1));
    alert.told_by.insert("pager".to_owned());
    store.put_alert(&alert)?;
    let check = "an alert";
    same(check, &vec![alert.clone()], &store.open_alerts()?)?;
    alert.ends = Some(at(0) + Span::from_hours(1));
    store.put_alert(&alert)?;
    same(check, &Vec::new(), &store.open_alerts()?)?;
    same(check, &vec![alert], &store.alerts(None, 10)?)
}

fn alerts_of_one_instant_stay_together(store: &dyn Store) -> Result<(), Breach> {
    let all = [alert("f1", 2), alert("f2", 1), alert("f3", 1), alert("f4", 1), alert("f5", 0)];
    all.iter().try_for_each(|alert| store.put_alert(alert))?;
    let check = "pages of alerts";
    same(check, &all[..4].to_vec(), &store.alerts(None, 2)?)?;
    same(check, &all[4..].to_vec(), &store.alerts(Some(at(1)), 2)?)?;
    same(check, &Vec::new(), &store.alerts(Some(at(0)), 2)?)
}

fn what_ended_long_ago_is_forgotten(store: &dyn Store) -> Result<(), Breach> {
    let over = Alert { ends: Some(at(5)), ..alert("f1", 0) };
    let recent = Alert { ends: Some(at(15)), ..alert("f2", 0) };
    let all = [over, recent, alert("f3", 0)];
    all.iter().try_for_each(|alert| store.put_alert(alert))?;
    store.put_events("file", &[trusted("file", "over", 0, 5), trusted("file", "recent", 0, 15)])?;
    store.forget_before(at(10))?;
    let check = "what ended long ago";
    same(check, &all[1..].to_vec(), &store.alerts(None, 9)?)?;
    same(check, &vec!["file/recent".to_owned()], &names(store, 0, 100)?)
}

fn a_token_is_kept(store: &dyn Store) -> Result<(), Breach> {
    same("no token", &None, &store.token_hash()?)?;
    store.set_token_hash([7; 32])?;
    same("a token", &Some([7; 32]), &store.token_hash()?)?;
    store.check()?;
    Ok(())
}
