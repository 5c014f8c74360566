//! Samples at rest: fresh ones a row a step, older ones a chunk a series and day. Fresh steps are in
//! memory too, as columns, so that a history is a few chunks and a copy. It must never hold a sample in
//! memory only.

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};

use pco::ChunkConfig;
use pco::standalone::{simple_compress, simple_decompress};
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};
use weft_core::resource::SeriesKey;
use weft_core::series::{Sample, Series};
use weft_core::time::{Span, Step, Timestamp};

use super::journal::instant;
use super::{parsed, written};
use crate::StoreError;
use crate::column::{self, Column};

const STEP: &str = "step-seconds";
const NEWEST: &str = "newest-sample";
/// Fresh steps become chunks when there are this many days of them.
const FRESH_DAYS: i64 = 2;

/// The steps that are not in chunks yet.
#[derive(Debug)]
pub(super) struct Fresh {
    step: Step,
    ids: BTreeMap<SeriesKey, u32>,
    /// By id.
    columns: Vec<Option<Series>>,
    /// Begin of the oldest fresh step.
    begin: Option<Timestamp>,
    newest: Option<Timestamp>,
}

impl Fresh {
    pub(super) fn load(connection: &Connection, step: Step) -> Result<Self, StoreError> {
        let mut fresh =
            Self { step, ids: BTreeMap::new(), columns: Vec::new(), begin: None, newest: None };
        let mut statement = connection.prepare("SELECT id, key FROM series")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let key: String = row.get(1)?;
            fresh.know(parsed(&key, "the series")?, row.get(0)?);
        }
        fresh.newest = number(connection, NEWEST)?.map(instant);
        let query = "SELECT at, ids, body, censored FROM steps ORDER BY at";
        let mut statement = connection.prepare(query)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let at = instant(row.get(0)?);
            let row = StepRow { ids: row.get(1)?, body: row.get(2)?, censored: row.get(3)? };
            for (id, value, censored) in row.unpack(at)? {
                fresh.record(id, at, value, censored);
            }
            fresh.saw(at);
        }
        let mut statement = connection.prepare("SELECT series, at, value, censored FROM late")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let value: f64 = row.get(2)?;
            fresh.record(row.get(0)?, instant(row.get(1)?), value as f32, row.get(3)?);
        }
        Ok(fresh)
    }

    pub(super) fn keys(&self) -> Vec<SeriesKey> {
        self.ids.keys().cloned().collect()
    }

    pub(super) const fn newest(&self) -> Option<Timestamp> {
        self.newest
    }

    fn know(&mut self, key: SeriesKey, id: u32) {
        self.ids.insert(key, id);
        let wanted = id as usize + 1;
        self.columns.resize(self.columns.len().max(wanted), None);
    }

    fn saw(&mut self, at: Timestamp) {
        self.begin = Some(self.begin.map_or(at, |begin| begin.min(at)));
        self.newest = self.newest.max(Some(at));
    }

    fn record(&mut self, id: u32, at: Timestamp, value: f32, censored: bool) {
        let begin = self.begin.unwrap_or(at).min(at);
        let Some(column) = self.columns.get_mut(id as usize) else { return };
        let series = column.get_or_insert_with(|| Series::new(begin, self.step));
        if at < series.start() {
            let mut longer = Series::new(at, self.step);
            for (index, (value, censored)) in column::values(series).into_iter().enumerate() {
                let at = series.start() + self.step.span() * index as i64;
                if let Some(value) = value {
                    // It begins before all of them.
                    let _ = longer.record(at, value, censored);
                }
            }
            *series = longer;
        }
        let _ = series.record(at, value, censored);
    }

    /// Whether an instant lies among the fresh steps.
    fn covers(&self, at: Timestamp) -> bool {
        self.begin.is_none_or(|begin| at >= begin)
    }

    /// Forgets what is older than `end`: it is in chunks.
    fn trim(&mut self, end: Timestamp) {
        for column in &mut self.columns {
            let Some(series) = column.take() else { continue };
            let mut rest = Series::new(end.max(series.start()), self.step);
            for (index, (value, censored)) in column::values(&series).into_iter().enumerate() {
                let at = series.start() + self.step.span() * index as i64;
                if let Some(value) = value.filter(|_| at >= end) {
                    let _ = rest.record(at, value, censored);
                }
            }
            *column = (!rest.is_empty()).then_some(rest);
        }
        self.begin = Some(end);
    }
}

/// One step of all series, packed.
struct StepRow {
    ids: Vec<u8>,
    body: Vec<u8>,
    censored: Option<Vec<u8>>,
}

impl StepRow {
    /// Packs samples that ascend by id.
    fn pack(samples: &[(u32, f32, bool)]) -> Result<Self, StoreError> {
        let ids: Vec<u32> = samples.iter().map(|(id, ..)| *id).collect();
        let values: Vec<_> = samples.iter().map(|(_, value, mark)| (Some(*value), *mark)).collect();
        let ids = simple_compress(&ids, &ChunkConfig::default()).ok();
        match (ids, column::pack(&values)) {
            (Some(ids), Some(Column { body, censored, .. })) => Ok(Self { ids, body, censored }),
            _ => Err(damaged("a step that can be packed", "the samples")),
        }
    }

    fn unpack(self, at: Timestamp) -> Result<Vec<(u32, f32, bool)>, StoreError> {
        let Self { ids, body, censored } = self;
        let place = format!("the step of {at}");
        let wrong = || damaged("samples of series", &place);
        let ids: Vec<u32> = simple_decompress(&ids).map_err(|_| wrong())?;
        let column = Column { count: ids.len(), body, present: None, censored };
        let values = column::unpack(&column).ok_or_else(wrong)?;
        let whole = |(id, (value, mark)): (u32, (Option<f32>, bool))| Some((id, value?, mark));
        ids.into_iter().zip(values).map(whole).collect::<Option<_>>().ok_or_else(wrong)
    }
}

fn damaged(expected: &'static str, place: &str) -> StoreError {
    StoreError::Damaged { expected, place: place.to_owned() }
}

fn number(connection: &Connection, name: &str) -> Result<Option<i64>, StoreError> {
    let query = "SELECT value FROM facts WHERE name = ?1";
    Ok(connection.query_row(query, [name], |row| row.get(0)).optional()?)
}

fn set_number(connection: &Connection, name: &str, value: i64) -> Result<(), StoreError> {
    connection.execute("INSERT OR REPLACE INTO facts VALUES (?1, ?2)", params![name, value])?;
    Ok(())
}

/// Remembers the grid, or errs where the file has another.
pub(super) fn keep_step(connection: &Connection, step: Step) -> Result<(), StoreError> {
    let found = step.span().as_millis() / 1_000;
    match number(connection, STEP)? {
        Some(expected) if expected != found => Err(StoreError::Step { expected, found }),
        Some(_) => Ok(()),
        None => set_number(connection, STEP, found),
    }
}

/// The id of a series, given to it here where it has none; the new ones are in `new`.
fn id_of(
    transaction: &Transaction<'_>,
    fresh: &Fresh,
    new: &mut BTreeMap<SeriesKey, u32>,
    key: &SeriesKey,
) -> Result<u32, StoreError> {
    if let Some(id) = fresh.ids.get(key).or_else(|| new.get(key)) {
        return Ok(*id);
    }
    let text = written(key, "a series")?;
    transaction.prepare_cached("INSERT INTO series (key) VALUES (?1)")?.execute([text])?;
    let id = u32::try_from(transaction.last_insert_rowid())
        .map_err(|_| damaged("fewer than four thousand million series", "the series"))?;
    new.insert(key.clone(), id);
    Ok(id)
}

pub(super) fn write_step(
    connection: &mut Connection,
    fresh: &RwLock<Fresh>,
    at: Timestamp,
    samples: &[Sample],
) -> Result<(), StoreError> {
    let known = fresh.read().unwrap_or_else(PoisonError::into_inner);
    let at = at.floor(known.step);
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut new = BTreeMap::new();
    let (mut current, mut late) = (BTreeMap::new(), Vec::new());
    for sample in samples {
        let Some(value) = column::rounded(sample.value) else { continue };
        let id = id_of(&transaction, &known, &mut new, &sample.key)?;
        let begins = sample.at.floor(known.step);
        if begins == at {
            current.insert(id, (value, sample.censored));
        } else {
            late.push((id, begins, value, sample.censored));
        }
    }
    // A step may come in two parts: what came first stays.
    for (id, value, censored) in step_there(&transaction, at)? {
        current.entry(id).or_insert((value, censored));
    }
    let row: Vec<_> = current.iter().map(|(id, (value, mark))| (*id, *value, *mark)).collect();
    let packed = StepRow::pack(&row)?;
    let write = "INSERT OR REPLACE INTO steps VALUES (?1, ?2, ?3, ?4)";
    let values = params![at.as_millis(), packed.ids, packed.body, packed.censored];
    transaction.prepare_cached(write)?.execute(values)?;
    for (id, begins, value, censored) in &late {
        if known.covers(*begins) {
            let write = "INSERT OR REPLACE INTO late VALUES (?1, ?2, ?3, ?4)";
            let values = params![id, begins.as_millis(), f64::from(*value), censored];
            transaction.prepare_cached(write)?.execute(values)?;
        } else {
            merge(&transaction, known.step, *id, *begins, &[(Some(*value), *censored)])?;
        }
    }
    let newest = known.newest.max(Some(at)).unwrap_or(at);
    set_number(&transaction, NEWEST, newest.as_millis())?;
    transaction.commit()?;
    drop(known);
    let mut fresh_now = fresh.write().unwrap_or_else(PoisonError::into_inner);
    new.into_iter().for_each(|(key, id)| fresh_now.know(key, id));
    fresh_now.saw(at);
    for (id, value, censored) in row {
        fresh_now.record(id, at, value, censored);
    }
    for (id, begins, value, censored) in late {
        if fresh_now.covers(begins) {
            fresh_now.record(id, begins, value, censored);
        }
    }
    drop(fresh_now);
    compact(connection, fresh)
}

fn step_there(
    transaction: &Transaction<'_>,
    at: Timestamp,
) -> Result<Vec<(u32, f32, bool)>, StoreError> {
    let query = "SELECT ids, body, censored FROM steps WHERE at = ?1";
    let row = transaction
        .prepare_cached(query)?
        .query_row([at.as_millis()], |row| {
            Ok(StepRow { ids: row.get(0)?, body: row.get(1)?, censored: row.get(2)? })
        })
        .optional()?;
    row.map_or_else(|| Ok(Vec::new()), |row| row.unpack(at))
}

fn day_of(at: Timestamp) -> Timestamp {
    let day = Span::from_days(1).as_millis();
    Timestamp::from_millis(at.as_millis().div_euclid(day) * day)
}

/// Turns the oldest fresh day into chunks where there are days enough.
fn compact(connection: &mut Connection, fresh: &RwLock<Fresh>) -> Result<(), StoreError> {
    let known = fresh.read().unwrap_or_else(PoisonError::into_inner);
    let (Some(begin), Some(newest)) = (known.begin, known.newest) else { return Ok(()) };
    let end = day_of(begin) + Span::from_days(1);
    if newest - begin < Span::from_days(FRESH_DAYS) {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for (id, column) in known.columns.iter().enumerate() {
        let Some(series) = column else { continue };
        let steps = (end - series.start()).whole_steps(known.step).min(series.len());
        let values: Vec<_> =
            (0..steps).map(|index| (series.get(index), series.is_censored(index))).collect();
        merge(&transaction, known.step, id as u32, series.start(), &values)?;
    }
    transaction.execute("DELETE FROM steps WHERE at < ?1", [end.as_millis()])?;
    transaction.execute("DELETE FROM late WHERE at < ?1", [end.as_millis()])?;
    drop(known);
    // A reader holds the lock while it reads both halves: it sees a day in one of them.
    let mut fresh_now = fresh.write().unwrap_or_else(PoisonError::into_inner);
    transaction.commit()?;
    fresh_now.trim(end);
    Ok(())
}

/// Writes values that begin at `at` into the chunks of their days, over what is there.
fn merge(
    transaction: &Transaction<'_>,
    step: Step,
    id: u32,
    at: Timestamp,
    values: &[(Option<f32>, bool)],
) -> Result<(), StoreError> {
    let per_day = step.per_day();
    let mut done = 0;
    while done < values.len() {
        let begins = at + step.span() * done as i64;
        let day = day_of(begins);
        let offset = (begins - day).whole_steps(step);
        let count = (per_day - offset).min(values.len() - done);
        let part = &values[done..done + count];
        done += count;
        if part.iter().all(|(value, _)| value.is_none()) {
            continue;
        }
        let mut whole = chunk(transaction, id, day)?;
        whole.resize(whole.len().max(offset + count), (None, false));
        for (position, (value, censored)) in part.iter().enumerate() {
            if value.is_some() {
                whole[offset + position] = (*value, *censored);
            }
        }
        let packed =
            column::pack(&whole).ok_or_else(|| damaged("a chunk that can be packed", "samples"))?;
        let write = "INSERT OR REPLACE INTO chunks VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        let Column { count, body, present, censored } = packed;
        let values = params![id, day.as_millis(), count as i64, body, present, censored];
        transaction.prepare_cached(write)?.execute(values)?;
    }
    Ok(())
}

fn column_of(row: &rusqlite::Row<'_>) -> rusqlite::Result<(Timestamp, Column)> {
    let count: i64 = row.get(1)?;
    let (body, present, censored) = (row.get(2)?, row.get(3)?, row.get(4)?);
    let count = usize::try_from(count).unwrap_or_default();
    Ok((instant(row.get(0)?), Column { count, body, present, censored }))
}

fn chunk(
    connection: &Connection,
    id: u32,
    day: Timestamp,
) -> Result<Vec<(Option<f32>, bool)>, StoreError> {
    let query =
        "SELECT start, count, body, present, censored FROM chunks WHERE series = ?1 AND start = ?2";
    let mut statement = connection.prepare_cached(query)?;
    let there = statement.query_row(params![id, day.as_millis()], column_of).optional()?;
    there.map_or_else(|| Ok(Vec::new()), |(start, column)| unpacked(start, &column))
}

fn unpacked(start: Timestamp, column: &Column) -> Result<Vec<(Option<f32>, bool)>, StoreError> {
    column::unpack(column).ok_or_else(|| damaged("a chunk of samples", &format!("the day {start}")))
}

pub(super) fn back_fill(
    connection: &mut Connection,
    fresh: &RwLock<Fresh>,
    step: Step,
    key: &SeriesKey,
    series: &Series,
) -> Result<(), StoreError> {
    if series.step() != step {
        let seconds = |step: Step| step.span().as_millis() / 1_000;
        return Err(StoreError::Step { expected: seconds(step), found: seconds(series.step()) });
    }
    let known = fresh.read().unwrap_or_else(PoisonError::into_inner);
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut new = BTreeMap::new();
    let id = id_of(&transaction, &known, &mut new, key)?;
    let values: Vec<_> = column::values(series)
        .into_iter()
        .map(|(value, mark)| (value.and_then(column::rounded), mark))
        .collect();
    merge(&transaction, step, id, series.start(), &values)?;
    let newest = known.newest.max(Some(series.end() - step.span()));
    if let Some(newest) = newest.filter(|_| !series.is_empty()) {
        set_number(&transaction, NEWEST, newest.as_millis())?;
    }
    transaction.commit()?;
    drop(known);
    let mut fresh_now = fresh.write().unwrap_or_else(PoisonError::into_inner);
    new.into_iter().for_each(|(key, id)| fresh_now.know(key, id));
    if !series.is_empty() {
        fresh_now.newest = newest;
    }
    Ok(())
}

pub(super) fn history(
    connection: &Connection,
    fresh: &RwLock<Fresh>,
    step: Step,
    key: &SeriesKey,
    (from, until): (Timestamp, Timestamp),
) -> Result<Series, StoreError> {
    let mut found = Series::new(from, step);
    let known = fresh.read().unwrap_or_else(PoisonError::into_inner);
    let Some(id) = known.ids.get(key).copied() else { return Ok(found) };
    let mut put = |at: Timestamp, value: Option<f32>, censored: bool| {
        if let Some(value) = value.filter(|_| at >= found.start() && at < until) {
            // It is not before the start.
            let _ = found.record(at, value, censored);
        }
    };
    let query = "SELECT start, count, body, present, censored FROM chunks \
                 WHERE series = ?1 AND start >= ?2 AND start < ?3 ORDER BY start";
    let mut statement = connection.prepare_cached(query)?;
    let bounds = params![id, day_of(from).as_millis(), until.as_millis()];
    let mut rows = statement.query(bounds)?;
    while let Some(row) = rows.next()? {
        let (start, column) = column_of(row)?;
        for (index, (value, censored)) in unpacked(start, &column)?.into_iter().enumerate() {
            put(start + step.span() * index as i64, value, censored);
        }
    }
    if let Some(Some(series)) = known.columns.get(id as usize) {
        let skipped = (from - series.start()).whole_steps(step);
        for index in skipped..series.len() {
            let at = series.start() + step.span() * index as i64;
            put(at, series.get(index), series.is_censored(index));
        }
    }
    Ok(found)
}

pub(super) fn forget_before(
    connection: &mut Connection,
    step: Step,
    before: Timestamp,
) -> Result<(), StoreError> {
    let whole_days = day_of(before.floor(step)).as_millis();
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let ids: Vec<u32> = transaction
        .prepare_cached("SELECT id FROM series")?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for id in ids {
        transaction
            .prepare_cached("DELETE FROM chunks WHERE series = ?1 AND start < ?2")?
            .execute(params![id, whole_days])?;
    }
    transaction.execute("DELETE FROM scores WHERE at < ?1", [before.as_millis()])?;
    transaction.commit()?;
    Ok(())
}
