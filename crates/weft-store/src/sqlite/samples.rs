//! Samples at rest: fresh ones a row a step, older ones a chunk a series and day. Fresh steps are in
//! memory too, as columns, so that a history is a few chunks and a copy. It must never hold a sample in
//! memory only, and one begin decides for disk and memory alike what is fresh.

mod chunks;
mod fresh;

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};
use weft_core::resource::SeriesKey;
use weft_core::series::{Sample, Series};
use weft_core::time::{Step, Timestamp};

use super::fault::{Fault, written};
use crate::StoreError;
use crate::column;
use chunks::Value;
pub(super) use fresh::Fresh;
use fresh::{Change, Fact};

const STEP: &str = "step-seconds";
const NEWEST: &str = "newest-sample";
const BEGIN: &str = "fresh-begin";
/// Fresh steps become chunks when there are this many chunks of them: late samples come within a day.
const FRESH_CHUNKS: i64 = 2;
/// A step this much after the newest is not believed.
const FAR_DAYS: i64 = 31;
/// Samples that one transaction of a back-fill may hold: some ten megabytes.
const BACK_FILL_SAMPLES: usize = 4_000_000;

fn number(connection: &Connection, name: &str) -> Result<Option<i64>, Fault> {
    let query = "SELECT value FROM facts WHERE name = ?1";
    Ok(connection.query_row(query, [name], |row| row.get(0)).optional()?)
}

fn set_number(connection: &Connection, name: &str, value: i64) -> Result<(), Fault> {
    connection.execute("INSERT OR REPLACE INTO facts VALUES (?1, ?2)", params![name, value])?;
    Ok(())
}

fn seconds(step: Step) -> i64 {
    step.span().as_millis() / 1_000
}

/// Remembers the grid, or errs where the file has another.
pub(super) fn keep_step(connection: &Connection, step: Step) -> Result<(), Fault> {
    match number(connection, STEP)? {
        Some(expected) if expected != seconds(step) => {
            Err(StoreError::Step { expected, found: seconds(step) }.into())
        }
        Some(_) => Ok(()),
        None => set_number(connection, STEP, seconds(step)),
    }
}

fn shared(fresh: &RwLock<Fresh>) -> RwLockReadGuard<'_, Fresh> {
    fresh.read().unwrap_or_else(PoisonError::into_inner)
}

fn apply(fresh: &RwLock<Fresh>, change: Change) {
    fresh.write().unwrap_or_else(PoisonError::into_inner).apply(change);
}

/// The id of a series, given to it here where it has none; the new ones are in `new`.
fn id_of(
    transaction: &Transaction<'_>,
    known: &Fresh,
    new: &mut BTreeMap<SeriesKey, u32>,
    key: &SeriesKey,
) -> Result<u32, Fault> {
    if let Some(id) = known.ids.get(key).or_else(|| new.get(key)) {
        return Ok(*id);
    }
    let text = written(key, "a series")?;
    transaction.prepare_cached("INSERT INTO series (key) VALUES (?1)")?.execute([text])?;
    let id = u32::try_from(transaction.last_insert_rowid())
        .map_err(|_| Fault::damaged("fewer than four thousand million series", "the series"))?;
    new.insert(key.clone(), id);
    Ok(id)
}

pub(super) fn write_step(
    connection: &mut Connection,
    fresh: &RwLock<Fresh>,
    at: Timestamp,
    samples: &[Sample],
) -> Result<(), Fault> {
    let known = shared(fresh);
    let at = at.floor(known.step);
    known.refuse_far(at, at)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let begin = known.begin.unwrap_or(at);
    let mut change = Change { begin: Some(begin), newest: Some(at), ..Change::default() };
    let mut facts = Vec::with_capacity(samples.len());
    for sample in samples {
        let Some(value) = column::rounded(sample.value) else { continue };
        let begins = sample.at.floor(known.step);
        known.refuse_far(at, begins)?;
        let id = id_of(&transaction, &known, &mut change.new, &sample.key)?;
        facts.push(Fact { id, at: begins, value, censored: sample.censored });
    }
    let (covered, older): (Vec<Fact>, Vec<Fact>) =
        facts.into_iter().partition(|fact| fact.at >= begin);
    for fact in older {
        let value = [(Some(fact.value), fact.censored)];
        chunks::merge(&transaction, known.step, fact.id, fact.at, &value)?;
    }
    change.facts = covered;
    write_covered(&transaction, at, begin, &change.facts)?;
    set_number(&transaction, BEGIN, begin.as_millis())?;
    let newest = known.newest.map_or(at, |newest| newest.max(at));
    set_number(&transaction, NEWEST, newest.as_millis())?;
    drop(known);
    transaction.commit()?;
    apply(fresh, change);
    Ok(())
}

/// Writes the row of the step at `at`, and beside it the samples of other fresh steps.
fn write_covered(
    transaction: &Transaction<'_>,
    at: Timestamp,
    begin: Timestamp,
    facts: &[Fact],
) -> Result<(), Fault> {
    let (current, late): (Vec<Fact>, Vec<Fact>) =
        facts.iter().copied().partition(|fact| fact.at == at);
    if at >= begin {
        fresh::write_row(transaction, at, &current)?;
    }
    late.iter().try_for_each(|fact| fresh::write_late(transaction, fact))
}

/// How many series fit into one transaction of a back-fill, at least one.
pub(super) fn batch_len(series: &[(&SeriesKey, &Series)]) -> usize {
    let mut samples = 0;
    let fits = series.iter().take_while(|(_, series)| {
        samples += series.len();
        samples <= BACK_FILL_SAMPLES
    });
    fits.count().max(1)
}

pub(super) fn back_fill(
    connection: &mut Connection,
    fresh: &RwLock<Fresh>,
    batch: &[(&SeriesKey, &Series)],
) -> Result<(), Fault> {
    let known = shared(fresh);
    if let Some((_, other)) = batch.iter().find(|(_, series)| series.step() != known.step) {
        let (expected, found) = (seconds(known.step), seconds(other.step()));
        return Err(StoreError::Step { expected, found }.into());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut change = Change::default();
    for (key, series) in batch.iter().filter(|(_, series)| !series.is_empty()) {
        change.newest = change.newest.max(Some(series.end() - series.step().span()));
        let values = column::values(series);
        if values.iter().all(|(value, _)| value.is_none()) {
            continue;
        }
        let id = id_of(&transaction, &known, &mut change.new, key)?;
        chunks::merge(&transaction, known.step, id, series.start(), &values)?;
        change.facts.extend(corrections(&known, id, series.start(), &values));
    }
    change.facts.iter().try_for_each(|fact| fresh::write_late(&transaction, fact))?;
    if let Some(newest) = known.newest.max(change.newest) {
        set_number(&transaction, NEWEST, newest.as_millis())?;
    }
    drop(known);
    transaction.commit()?;
    apply(fresh, change);
    Ok(())
}

/// The samples that must be written among the fresh too, because what is there counts more than a chunk.
fn corrections(known: &Fresh, id: u32, start: Timestamp, values: &[Value]) -> Vec<Fact> {
    let Some(Some(column)) = known.columns.get(id as usize) else { return Vec::new() };
    let skipped = (column.start() - start).whole_steps(known.step);
    let fact = |(index, (value, censored)): (usize, &Value)| {
        let at = start + known.step.span() * index as i64;
        let position = (at - column.start()).whole_steps(known.step);
        column.get(position)?;
        Some(Fact { id, at, value: value.and_then(column::rounded)?, censored: *censored })
    };
    values.iter().enumerate().skip(skipped).filter_map(fact).collect()
}

/// Turns the oldest fresh chunk's worth of steps into chunks, where there are steps enough; whether
/// there were.
pub(super) fn compact(connection: &mut Connection, fresh: &RwLock<Fresh>) -> Result<bool, Fault> {
    let known = shared(fresh);
    let (Some(begin), Some(newest)) = (known.begin, known.newest) else { return Ok(false) };
    if newest - begin < chunks::span(known.step) * FRESH_CHUNKS {
        return Ok(false);
    }
    let end = chunks::start_of(begin, known.step) + chunks::span(known.step);
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for (id, column) in known.columns.iter().enumerate() {
        let Some(series) = column else { continue };
        let steps = (end - series.start()).whole_steps(known.step).min(series.len());
        let values: Vec<Value> =
            (0..steps).map(|index| (series.get(index), series.is_censored(index))).collect();
        chunks::merge(&transaction, known.step, id as u32, series.start(), &values)?;
    }
    transaction.execute("DELETE FROM steps WHERE at < ?1", [end.as_millis()])?;
    transaction.execute("DELETE FROM late WHERE at < ?1", [end.as_millis()])?;
    set_number(&transaction, BEGIN, end.as_millis())?;
    let trimmed = known.trimmed(end);
    drop(known);
    // A reader holds the lock while it reads both halves: it sees a step in one of them.
    let mut changed = fresh.write().unwrap_or_else(PoisonError::into_inner);
    transaction.commit()?;
    changed.columns = trimmed;
    changed.begin = Some(end);
    Ok(true)
}

pub(super) fn history(
    connection: &Connection,
    fresh: &RwLock<Fresh>,
    key: &SeriesKey,
    (from, until): (Timestamp, Timestamp),
) -> Result<Series, Fault> {
    let known = shared(fresh);
    let step = known.step;
    let mut found = Series::new(from, step);
    let from = found.start();
    let Some(id) = known.ids.get(key).copied() else { return Ok(found) };
    let mut put = |at: Timestamp, (value, censored): Value| {
        if let Some(value) = value.filter(|_| at >= from && at < until) {
            // It is not before the start.
            let _ = found.record(at, value, censored);
        }
    };
    chunks::each(connection, step, id, (from, until), &mut put)?;
    if let Some(Some(series)) = known.columns.get(id as usize) {
        let skipped = (from - series.start()).whole_steps(step);
        let wanted = (until - series.start()).whole_steps(step) + 1;
        for index in skipped..series.len().min(wanted) {
            let at = series.start() + step.span() * index as i64;
            put(at, (series.get(index), series.is_censored(index)));
        }
    }
    Ok(found)
}

pub(super) fn forget_before(
    connection: &mut Connection,
    step: Step,
    before: Timestamp,
) -> Result<(), Fault> {
    let end = chunks::start_of(before, step).as_millis();
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let ids: Vec<u32> = transaction
        .prepare_cached("SELECT id FROM series")?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for id in ids {
        transaction
            .prepare_cached("DELETE FROM chunks WHERE series = ?1 AND start < ?2")?
            .execute(params![id, end])?;
    }
    for delete in [
        "DELETE FROM scores WHERE at < ?1",
        "DELETE FROM events WHERE ends < ?1",
        "DELETE FROM alerts WHERE ends < ?1",
    ] {
        transaction.execute(delete, [before.as_millis()])?;
    }
    transaction.commit()?;
    Ok(())
}
