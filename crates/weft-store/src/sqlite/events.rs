//! Outside events with where they come from and whether they may lead to moves, and how their sources were
//! read. What was written as not trusted must never be read as trusted.

use rusqlite::{Connection, TransactionBehavior, params};
use weft_core::event::Signal;
use weft_core::id::EventId;
use weft_core::policy::Window;

use super::fault::{Fault, parsed, written};
use crate::StoreError;
use crate::kept::KeptSource;

pub(super) fn put_all(
    connection: &mut Connection,
    source: &str,
    events: &[Signal],
) -> Result<(), Fault> {
    if let Some(other) = events.iter().find(|event| event.source() != source) {
        let (expected, found) = (format!("events of `{source}`"), other.source().to_owned());
        return Err(StoreError::Order { expected, found: format!("one of `{found}`") }.into());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute("DELETE FROM events WHERE source = ?1", [source])?;
    for event in events {
        put(&transaction, event)?;
    }
    transaction.commit()?;
    Ok(())
}

pub(super) fn put(connection: &Connection, signal: &Signal) -> Result<(), Fault> {
    let event = signal.to_show();
    let body = written(signal, event.id.as_str())?;
    let (begins, ends) = (event.window.begins.as_millis(), event.window.ends.as_millis());
    let write = "INSERT OR REPLACE INTO events VALUES (?1, ?2, ?3, ?4, ?5)";
    let values = params![signal.source(), event.id.as_str(), begins, ends, body];
    connection.prepare_cached(write)?.execute(values)?;
    Ok(())
}

pub(super) fn forget(connection: &Connection, source: &str, id: &EventId) -> Result<bool, Fault> {
    let query = "DELETE FROM events WHERE source = ?1 AND id = ?2";
    Ok(connection.execute(query, params![source, id.as_str()])? > 0)
}

pub(super) fn count(connection: &Connection, source: &str) -> Result<usize, Fault> {
    let query = "SELECT count(*) FROM events WHERE source = ?1";
    let count: i64 = connection.query_row(query, [source], |row| row.get(0))?;
    Ok(count.try_into().unwrap_or_default())
}

pub(super) fn overlapping(connection: &Connection, window: Window) -> Result<Vec<Signal>, Fault> {
    let query = "SELECT body FROM events WHERE ends > ?1 AND begins < ?2 \
                 ORDER BY begins, source, id";
    let mut statement = connection.prepare_cached(query)?;
    let mut rows = statement.query(params![window.begins.as_millis(), window.ends.as_millis()])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let body: String = row.get(0)?;
        found.push(parsed(&body, "an event")?);
    }
    Ok(found)
}

pub(super) fn put_source(connection: &Connection, source: &KeptSource) -> Result<(), Fault> {
    let body = written(source, &source.name)?;
    let write = "INSERT OR REPLACE INTO sources VALUES (?1, ?2)";
    connection.prepare_cached(write)?.execute(params![source.name, body])?;
    Ok(())
}

pub(super) fn sources(connection: &Connection) -> Result<Vec<KeptSource>, Fault> {
    let mut statement = connection.prepare_cached("SELECT body FROM sources ORDER BY name")?;
    let mut rows = statement.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let body: String = row.get(0)?;
        found.push(parsed(&body, "a source")?);
    }
    Ok(found)
}

pub(super) fn keep_sources(connection: &mut Connection, names: &[&str]) -> Result<(), Fault> {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    let names = written(&names, "names of sources")?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for delete in [
        "DELETE FROM events WHERE source NOT IN (SELECT value FROM json_each(?1))",
        "DELETE FROM sources WHERE name NOT IN (SELECT value FROM json_each(?1))",
    ] {
        transaction.execute(delete, [&names])?;
    }
    transaction.commit()?;
    Ok(())
}
