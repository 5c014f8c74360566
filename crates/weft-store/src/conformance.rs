//! The conformance suite of stores: what the shell relies on, told as checks on a fresh store. A
//! database that passes it can take the place of SQLite. It must never look into a store but through
//! the trait.

use std::collections::BTreeSet;

use thiserror::Error;
use weft_control::record::{Entry, Record, Switch};
use weft_core::event::{Event, EventKind};
use weft_core::id::RecordId;
use weft_core::policy::{Selector, Window};
use weft_core::resource::{Resource, SeriesKey};
use weft_core::series::{Sample, Series};
use weft_core::time::{Span, Step, Timestamp};

use crate::alert::{Alert, Severity};
use crate::{Store, StoreError};

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

/// Runs every check on a fresh store of five-minute steps; the first broken promise is the error.
pub fn run(mut make: impl FnMut() -> Box<dyn Store>) -> Result<(), Breach> {
    entries_are_kept_in_order(make().as_ref())?;
    an_entry_is_one_however_often_it_comes(make().as_ref())?;
    samples_come_back(make().as_ref())?;
    days_of_samples_come_back(make().as_ref())?;
    late_samples_are_taken(make().as_ref())?;
    old_samples_are_forgotten(make().as_ref())?;
    events_are_found_by_time(make().as_ref())?;
    an_alert_is_told_once(make().as_ref())?;
    a_token_is_kept(make().as_ref())
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

const STEP: Step = Step::FIVE_MINUTES;

fn key(name: &str) -> SeriesKey {
    SeriesKey::resource(name.into(), Resource::Cpu)
}

fn at(steps: i64) -> Timestamp {
    Timestamp::from_seconds(86_400 * 20_000) + STEP.span() * steps
}

fn sample(name: &str, steps: i64, value: f32) -> Sample {
    Sample { key: key(name), at: at(steps), value, censored: steps % 3 == 0 }
}

fn found(store: &dyn Store, name: &str, from: i64, until: i64) -> Result<Vec<Option<f32>>, Breach> {
    let series = store.history(&key(name), at(from), at(until))?;
    let mut values: Vec<_> = series.iter().collect();
    values.resize((until - from) as usize, None);
    Ok(values)
}

fn samples_come_back(store: &dyn Store) -> Result<(), Breach> {
    let check = "samples";
    store.write_step(at(0), &[sample("a", 0, 1.0), sample("b", 0, 2.0)])?;
    store.write_step(at(2), &[sample("a", 2, 3.0), sample("b", 2, f32::NAN)])?;
    same(check, &vec![Some(1.0), None, Some(3.0)], &found(store, "a", 0, 3)?)?;
    same(check, &vec![Some(2.0), None, None], &found(store, "b", 0, 3)?)?;
    same(check, &vec![None, None], &found(store, "c", 0, 2)?)?;
    let series = store.history(&key("a"), at(0), at(3))?;
    same("censored samples", &(true, false), &(series.is_censored(0), series.is_censored(2)))?;
    let known: BTreeSet<SeriesKey> = store.series()?.into_iter().collect();
    same("series", &[key("a"), key("b")].into(), &known)?;
    same("the newest step", &Some(at(2)), &store.newest_step()?)
}

fn days_of_samples_come_back(store: &dyn Store) -> Result<(), Breach> {
    let steps = 4 * STEP.per_day() as i64;
    let value = |step: i64| (step % 1_000) as f32;
    for step in 0..steps {
        let mut samples = vec![sample("a", step, value(step))];
        if step % 7 != 0 {
            samples.push(sample("b", step, value(step) + 1.0));
        }
        store.write_step(at(step), &samples)?;
    }
    let whole: Vec<_> = (0..steps).map(|step| Some(value(step))).collect();
    same("days of samples", &whole, &found(store, "a", 0, steps)?)?;
    let gaps = (0..steps).map(|step| (step % 7 != 0).then_some(value(step) + 1.0));
    same("days of samples with gaps", &gaps.collect(), &found(store, "b", 0, steps)?)?;
    same("a piece of them", &whole[100..900].to_vec(), &found(store, "a", 100, 900)?)
}

fn late_samples_are_taken(store: &dyn Store) -> Result<(), Breach> {
    let steps = 3 * STEP.per_day() as i64;
    let past = (0..50).map(|step| Some(step as f32));
    store.back_fill(&key("a"), &Series::from_values(at(0), STEP, past))?;
    for step in 50..steps {
        store.write_step(at(step), &[sample("a", step, 5.0)])?;
    }
    let late = [sample("a", steps, 6.0), sample("a", steps - 2, 7.0), sample("a", 60, 8.0)];
    store.write_step(at(steps), &late)?;
    let check = "late samples";
    same(
        check,
        &vec![Some(5.0), Some(7.0), Some(5.0), Some(6.0)],
        &found(store, "a", steps - 3, steps + 1)?,
    )?;
    same(check, &vec![Some(49.0), Some(5.0)], &found(store, "a", 49, 51)?)?;
    same(check, &vec![Some(5.0), Some(8.0), Some(5.0)], &found(store, "a", 59, 62)?)
}

fn old_samples_are_forgotten(store: &dyn Store) -> Result<(), Breach> {
    let days = 3 * STEP.per_day() as i64;
    let past = (0..days).map(|_| Some(4.0));
    store.back_fill(&key("a"), &Series::from_values(at(0), STEP, past))?;
    store.forget_before(at(days / 3))?;
    let check = "retention";
    same(check, &vec![None, Some(4.0)], &found(store, "a", days / 3 - 1, days / 3 + 1)?)
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

fn events_are_found_by_time(store: &dyn Store) -> Result<(), Breach> {
    let (early, late) = (event("early", 0, 10), event("late", 20, 30));
    store.put_events("file", &[late.clone(), early.clone()])?;
    store.put_event("api", &event("mine", 5, 25))?;
    let names = |begins, ends| -> Result<Vec<String>, Breach> {
        let found = store.events(Window { begins: at(begins), ends: at(ends) })?;
        Ok(found.into_iter().map(|(source, event)| format!("{source}/{}", event.id)).collect())
    };
    let check = "events";
    let all = vec!["file/early".to_owned(), "api/mine".to_owned(), "file/late".to_owned()];
    same(check, &all, &names(0, 100)?)?;
    same(check, &vec!["api/mine".to_owned()], &names(10, 20)?)?;
    store.put_events("file", &[])?;
    same(check, &vec!["api/mine".to_owned()], &names(0, 100)?)
}

fn an_alert_is_told_once(store: &dyn Store) -> Result<(), Breach> {
    let mut alert = Alert {
        fingerprint: "f1".to_owned(),
        rule: "ForeseenShortage".to_owned(),
        severity: Severity::Warning,
        subject: "h1".to_owned(),
        summary: "h1 will run short".to_owned(),
        begins: at(0),
        ends: None,
        told: None,
    };
    store.put_alert(&alert)?;
    alert.told = Some(at(1));
    store.put_alert(&alert)?;
    let check = "an alert";
    same(check, &vec![alert.clone()], &store.open_alerts()?)?;
    alert.ends = Some(at(0) + Span::from_hours(1));
    store.put_alert(&alert)?;
    same(check, &Vec::new(), &store.open_alerts()?)?;
    same(check, &vec![alert], &store.alerts(None, 10)?)
}

fn a_token_is_kept(store: &dyn Store) -> Result<(), Breach> {
    same("no token", &None, &store.token_hash()?)?;
    store.set_token_hash([7; 32])?;
    same("a token", &Some([7; 32]), &store.token_hash()?)?;
    store.check()?;
    Ok(())
}
