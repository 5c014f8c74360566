//! The fresh steps: those that are not in chunks yet, on disk a row a step, in memory as columns. What is
//! fresh counts more than what chunks say of the same step.

use std::collections::BTreeMap;

use pco::ChunkConfig;
use pco::standalone::{simple_compress, simple_decompress};
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use weft_core::resource::SeriesKey;
use weft_core::series::Series;
use weft_core::time::{Span, Step, Timestamp};

use super::{BEGIN, FAR_DAYS, NEWEST, number};
use crate::StoreError;
use crate::column::{self, Column};
use crate::sqlite::fault::{Fault, parsed};

/// A sample of a numbered series.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fact {
    pub(super) id: u32,
    pub(super) at: Timestamp,
    pub(super) value: f32,
    pub(super) censored: bool,
}

/// What a durable transaction means for the memory.
#[derive(Debug, Default)]
pub(super) struct Change {
    pub(super) new: BTreeMap<SeriesKey, u32>,
    pub(super) begin: Option<Timestamp>,
    pub(super) newest: Option<Timestamp>,
    pub(super) facts: Vec<Fact>,
}

/// The steps that are not in chunks yet.
#[derive(Debug)]
pub(crate) struct Fresh {
    pub(super) step: Step,
    pub(super) ids: BTreeMap<SeriesKey, u32>,
    /// By id; all begin at `begin`.
    pub(super) columns: Vec<Option<Series>>,
    /// What is earlier goes to chunks, on disk and here alike; none before the first step.
    pub(super) begin: Option<Timestamp>,
    pub(super) newest: Option<Timestamp>,
}

impl Fresh {
    pub(crate) fn load(connection: &Connection, step: Step) -> Result<Self, Fault> {
        let (ids, columns) = (BTreeMap::new(), Vec::new());
        let begin = number(connection, BEGIN)?.map(Timestamp::from_millis);
        let newest = number(connection, NEWEST)?.map(Timestamp::from_millis);
        let mut fresh = Self { step, ids, columns, begin, newest };
        fresh.load_series(connection)?;
        fresh.load_steps(connection)?;
        fresh.load_late(connection)?;
        Ok(fresh)
    }

    fn load_series(&mut self, connection: &Connection) -> Result<(), Fault> {
        let mut statement = connection.prepare("SELECT id, key FROM series")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let key: String = row.get(1)?;
            self.know(parsed(&key, "the series")?, row.get(0)?);
        }
        Ok(())
    }

    fn load_steps(&mut self, connection: &Connection) -> Result<(), Fault> {
        let query = "SELECT at, ids, body, censored FROM steps ORDER BY at";
        let mut statement = connection.prepare(query)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let at = Timestamp::from_millis(row.get(0)?);
            let row = StepRow { ids: row.get(1)?, body: row.get(2)?, censored: row.get(3)? };
            row.unpack(at)?.into_iter().for_each(|fact| self.record(fact));
        }
        Ok(())
    }

    fn load_late(&mut self, connection: &Connection) -> Result<(), Fault> {
        let mut statement = connection.prepare("SELECT series, value, censored, at FROM late")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let at = Timestamp::from_millis(row.get(3)?);
            self.record(late_fact(row, at)?);
        }
        Ok(())
    }

    pub(crate) fn keys(&self) -> Vec<SeriesKey> {
        self.ids.keys().cloned().collect()
    }

    pub(crate) const fn newest(&self) -> Option<Timestamp> {
        self.newest
    }

    fn know(&mut self, key: SeriesKey, id: u32) {
        self.ids.insert(key, id);
        self.columns.resize(self.columns.len().max(id as usize + 1), None);
    }

    /// Notes a sample that is durable among the fresh.
    fn record(&mut self, fact: Fact) {
        let begin = self.begin.unwrap_or(fact.at);
        let Some(column) = self.columns.get_mut(fact.id as usize) else { return };
        let series = column.get_or_insert_with(|| Series::new(begin, self.step));
        // It is not before the begin: whoever wrote it has decided that by the same begin.
        let _ = series.record(fact.at, fact.value, fact.censored);
    }

    /// Takes over what has become durable.
    pub(super) fn apply(&mut self, change: Change) {
        change.new.into_iter().for_each(|(key, id)| self.know(key, id));
        self.begin = self.begin.or(change.begin);
        self.newest = self.newest.max(change.newest);
        change.facts.into_iter().for_each(|fact| self.record(fact));
    }

    /// Errs on an instant so far ahead that a clock must be wrong: one such step would make every true
    /// one late.
    pub(super) fn refuse_far(&self, at: Timestamp, sample: Timestamp) -> Result<(), StoreError> {
        let newest = self.newest.unwrap_or(at);
        let ahead = sample.as_millis().saturating_sub(newest.as_millis());
        if ahead > Span::from_days(FAR_DAYS).as_millis() {
            return Err(StoreError::TooFar { days: FAR_DAYS, newest, found: sample });
        }
        Ok(())
    }

    /// The columns without what is older than `end`.
    pub(super) fn trimmed(&self, end: Timestamp) -> Vec<Option<Series>> {
        self.columns.iter().map(|column| self.rest(column.as_ref()?, end)).collect()
    }

    fn rest(&self, series: &Series, end: Timestamp) -> Option<Series> {
        let mut rest = Series::new(end, self.step);
        for index in (end - series.start()).whole_steps(self.step)..series.len() {
            rest.push(series.get(index), series.is_censored(index));
        }
        (!rest.is_empty()).then_some(rest)
    }
}

/// A late sample from a row of series, value and mark.
pub(super) fn late_fact(row: &rusqlite::Row<'_>, at: Timestamp) -> rusqlite::Result<Fact> {
    let value: f64 = row.get(1)?;
    Ok(Fact { id: row.get(0)?, at, value: value as f32, censored: row.get(2)? })
}

/// One step of all series, packed.
struct StepRow {
    ids: Vec<u8>,
    body: Vec<u8>,
    censored: Option<Vec<u8>>,
}

impl StepRow {
    /// Packs samples that ascend by id.
    fn pack(facts: &[Fact]) -> Result<Self, Fault> {
        let ids: Vec<u32> = facts.iter().map(|fact| fact.id).collect();
        let values: Vec<_> = facts.iter().map(|fact| (Some(fact.value), fact.censored)).collect();
        let ids = simple_compress(&ids, &ChunkConfig::default()).ok();
        match (ids, column::pack(&values)) {
            (Some(ids), Some(Column { body, censored, .. })) => Ok(Self { ids, body, censored }),
            _ => Err(Fault::damaged("a step that can be packed", "the samples")),
        }
    }

    fn unpack(self, at: Timestamp) -> Result<Vec<Fact>, Fault> {
        let Self { ids, body, censored } = self;
        let place = format!("the step of {at}");
        let wrong = || Fault::damaged("samples of series", &place);
        let ids: Vec<u32> = simple_decompress(&ids).map_err(|_| wrong())?;
        let column = Column { count: ids.len(), body, present: None, censored };
        let values = column::unpack(&column).ok_or_else(wrong)?;
        let whole = |(id, (value, censored)): (u32, (Option<f32>, bool))| {
            Some(Fact { id, at, value: value?, censored })
        };
        ids.into_iter().zip(values).map(whole).collect::<Option<_>>().ok_or_else(wrong)
    }
}

/// Writes the row of a step, over what is there: what came in an earlier part stays, a correction that
/// came before becomes part of the row, and only what comes now counts more.
pub(super) fn write_row(
    transaction: &Transaction<'_>,
    at: Timestamp,
    current: &[Fact],
) -> Result<(), Fault> {
    let mut row = BTreeMap::new();
    let there = step_there(transaction, at)?.into_iter().chain(late_there(transaction, at)?);
    for fact in there.chain(current.iter().copied()) {
        row.insert(fact.id, fact);
    }
    transaction.prepare_cached("DELETE FROM late WHERE at = ?1")?.execute([at.as_millis()])?;
    if row.is_empty() {
        return Ok(());
    }
    let row: Vec<Fact> = row.into_values().collect();
    let packed = StepRow::pack(&row)?;
    let write = "INSERT OR REPLACE INTO steps VALUES (?1, ?2, ?3, ?4)";
    let values = params![at.as_millis(), packed.ids, packed.body, packed.censored];
    transaction.prepare_cached(write)?.execute(values)?;
    Ok(())
}

fn step_there(transaction: &Transaction<'_>, at: Timestamp) -> Result<Vec<Fact>, Fault> {
    let query = "SELECT ids, body, censored FROM steps WHERE at = ?1";
    let mut statement = transaction.prepare_cached(query)?;
    let row = statement.query_row([at.as_millis()], |row| {
        Ok(StepRow { ids: row.get(0)?, body: row.get(1)?, censored: row.get(2)? })
    });
    row.optional()?.map_or_else(|| Ok(Vec::new()), |row| row.unpack(at))
}

fn late_there(transaction: &Transaction<'_>, at: Timestamp) -> Result<Vec<Fact>, Fault> {
    let query = "SELECT series, value, censored FROM late WHERE at = ?1";
    let mut statement = transaction.prepare_cached(query)?;
    let facts = statement.query_map([at.as_millis()], |row| late_fact(row, at))?;
    Ok(facts.collect::<Result<_, _>>()?)
}

/// Writes a sample of a step that has its row already, or gets it later.
pub(super) fn write_late(transaction: &Transaction<'_>, fact: &Fact) -> Result<(), Fault> {
    let write = "INSERT OR REPLACE INTO late VALUES (?1, ?2, ?3, ?4)";
    let values = params![fact.at.as_millis(), fact.id, f64::from(fact.value), fact.censored];
    transaction.prepare_cached(write)?.execute(values)?;
    Ok(())
}
