//! Scores, alerts and the token: small lists with their own tables.

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use weft_core::resource::SeriesKey;
use weft_core::time::Timestamp;

use super::fault::{Fault, parsed, written};
use super::journal::instant;
use crate::alert::Alert;
use crate::kept::ScoreLine;

const TOKEN: &str = "token-hash";

pub(super) fn write_scores(
    connection: &mut Connection,
    at: Timestamp,
    scores: &[ScoreLine],
) -> Result<(), Fault> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    {
        let mut write =
            transaction.prepare_cached("INSERT OR REPLACE INTO scores VALUES (?1, ?2, ?3)")?;
        for score in scores {
            // As for series: a name with a slash is not another workload's measure.
            let key = written(&score.key, "a series")?;
            write.execute(params![key, at.as_millis(), written(score, "a score")?])?;
        }
    }
    transaction.commit()?;
    Ok(())
}

pub(super) fn scores(
    connection: &Connection,
    key: &SeriesKey,
    limit: usize,
) -> Result<Vec<(Timestamp, ScoreLine)>, Fault> {
    let query = "SELECT at, body FROM scores WHERE series = ?1 ORDER BY at DESC LIMIT ?2";
    let mut statement = connection.prepare_cached(query)?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut rows = statement.query(params![written(key, "a series")?, limit])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let body: String = row.get(1)?;
        found.push((instant(row.get(0)?), parsed(&body, "a score")?));
    }
    Ok(found)
}

pub(super) fn put_alert(connection: &Connection, alert: &Alert) -> Result<(), Fault> {
    let body = written(alert, &alert.fingerprint)?;
    let (begins, ends) = (alert.begins.as_millis(), alert.ends.map(Timestamp::as_millis));
    let write = "INSERT OR REPLACE INTO alerts VALUES (?1, ?2, ?3, ?4)";
    connection.prepare_cached(write)?.execute(params![alert.fingerprint, begins, ends, body])?;
    Ok(())
}

pub(super) fn open_alerts(connection: &Connection) -> Result<Vec<Alert>, Fault> {
    let query = "SELECT body FROM alerts WHERE ends IS NULL ORDER BY begins, fingerprint";
    listed(connection, query, params![])
}

pub(super) fn alerts(
    connection: &Connection,
    before: Option<Timestamp>,
    limit: usize,
) -> Result<Vec<Alert>, Fault> {
    // All that began in the instant of the last one come too: the next page begins before them.
    let query = "SELECT body FROM alerts WHERE begins < ?1 AND begins >= (SELECT min(begins) FROM \
                 (SELECT begins FROM alerts WHERE begins < ?1 ORDER BY begins DESC LIMIT ?2)) \
                 ORDER BY begins DESC, fingerprint";
    let bound = before.map_or(i64::MAX, Timestamp::as_millis);
    listed(connection, query, params![bound, i64::try_from(limit).unwrap_or(i64::MAX)])
}

fn listed(
    connection: &Connection,
    query: &str,
    values: &[&dyn rusqlite::ToSql],
) -> Result<Vec<Alert>, Fault> {
    let mut statement = connection.prepare_cached(query)?;
    let mut rows = statement.query(values)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let body: String = row.get(0)?;
        found.push(parsed(&body, "an alert")?);
    }
    Ok(found)
}

pub(super) fn token_hash(connection: &Connection) -> Result<Option<[u8; 32]>, Fault> {
    let query = "SELECT value FROM facts WHERE name = ?1";
    let kept: Option<Vec<u8>> =
        connection.query_row(query, [TOKEN], |row| row.get(0)).optional()?;
    let damaged = |_| Fault::damaged("a hash of 32 bytes", TOKEN);
    kept.map(|bytes| bytes.try_into().map_err(damaged)).transpose()
}

pub(super) fn set_token_hash(connection: &Connection, hash: [u8; 32]) -> Result<(), Fault> {
    connection
        .execute("INSERT OR REPLACE INTO facts VALUES (?1, ?2)", params![TOKEN, hash.as_slice()])?;
    Ok(())
}
