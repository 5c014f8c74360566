//! The journal and what follows from it, in one transaction: plans, moves, approvals, policies.

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};
use weft_control::record::{Entry, Record};
use weft_core::id::{MoveId, PlanId, RecordId};
use weft_core::plan::{MoveState, Plan};
use weft_core::time::Timestamp;

use super::{parsed, written};
use crate::StoreError;
use crate::kept::KeptMove;

pub(super) fn append(connection: &mut Connection, entries: &[Entry]) -> Result<(), StoreError> {
    if entries.is_empty() {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for entry in entries {
        if is_new(&transaction, entry)? {
            follow(&transaction, entry)?;
        }
    }
    transaction.commit()?;
    Ok(())
}

/// Writes an entry unless it is there; errs on a gap, and on another entry of the same number.
fn is_new(transaction: &Transaction<'_>, entry: &Entry) -> Result<bool, StoreError> {
    let place = entry.id.to_string();
    let body = written(entry, &place)?;
    let id = entry.id.0 as i64;
    let query = "SELECT body FROM journal WHERE id = ?1";
    let there: Option<String> = transaction.query_row(query, [id], |row| row.get(0)).optional()?;
    if let Some(there) = there {
        if there == body {
            return Ok(false);
        }
        let expected = format!("{place} as it was written");
        return Err(StoreError::Order { expected, found: "another of the same number".to_owned() });
    }
    let newest: Option<i64> =
        transaction.query_row("SELECT max(id) FROM journal", [], |row| row.get(0))?;
    let next = newest.map_or(0, |newest| newest + 1);
    if id != next {
        let expected = format!("{} next", RecordId(next as u64));
        return Err(StoreError::Order { expected, found: place });
    }
    let write = "INSERT INTO journal (id, at, body) VALUES (?1, ?2, ?3)";
    transaction.prepare_cached(write)?.execute(params![id, entry.at.as_millis(), body])?;
    Ok(true)
}

fn follow(transaction: &Transaction<'_>, entry: &Entry) -> Result<(), StoreError> {
    let at = entry.at;
    match &entry.record {
        Record::PlanAdopted { plan } => adopt(transaction, plan),
        Record::Approved { move_id, workload, purpose, cost, expires } => {
            let purpose = written(purpose, "a purpose")?;
            let write = "INSERT OR REPLACE INTO approvals VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
            let values = params![
                workload.as_str(),
                purpose,
                move_id.0 as i64,
                cost,
                at.as_millis(),
                expires.as_millis()
            ];
            transaction.execute(write, values)?;
            change(transaction, *move_id, |kept| kept.state = MoveState::Scheduled)
        }
        Record::Starting { order, planned } => {
            if moved(transaction, order.id)?.is_none() {
                let plan = PlanId::default();
                put(transaction, &waiting((**planned).clone(), plan))?;
            }
            change(transaction, order.id, |kept| {
                kept.state = MoveState::Running;
                kept.started = Some(at);
            })
        }
        Record::Ended { move_id, state, measure, failure, refusal, .. } => {
            let why = failure.as_ref().map(ToString::to_string).or_else(|| refusal.clone());
            change(transaction, *move_id, |kept| {
                kept.state = *state;
                kept.ended = Some(at);
                kept.measure = *measure;
                kept.why_not.clone_from(&why);
            })
        }
        Record::PolicySet { policy } => {
            let write = "INSERT INTO policies VALUES (?1, ?2, ?3, ?4)";
            let body = written(policy, "a policy")?;
            let values = params![entry.id.0 as i64, at.as_millis(), policy.name, body];
            transaction.execute(write, values)?;
            Ok(())
        }
        Record::MovesDropped { .. }
        | Record::Rejected { .. }
        | Record::Frozen { .. }
        | Record::Thawed { .. }
        | Record::Switched { .. }
        | Record::Draining { .. } => Ok(()),
    }
}

/// A plan in force: what waited for the one before makes way.
fn adopt(transaction: &Transaction<'_>, plan: &Plan) -> Result<(), StoreError> {
    let write = "INSERT OR REPLACE INTO plans VALUES (?1, ?2, ?3)";
    let body = written(plan, &plan.id.to_string())?;
    transaction.execute(write, params![plan.id.0 as i64, plan.made_at.as_millis(), body])?;
    let waits = "SELECT id FROM moves WHERE state IN ('proposed', 'scheduled')";
    let waiting_ids: Vec<i64> = transaction
        .prepare_cached(waits)?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for id in waiting_ids {
        let id = MoveId(id as u64);
        if plan.moves.iter().all(|planned| planned.id != id) {
            change(transaction, id, |kept| kept.state = MoveState::Superseded)?;
        }
    }
    for planned in &plan.moves {
        let is_over = moved(transaction, planned.id)?.is_some_and(|kept| kept.ended.is_some());
        if !is_over {
            put(transaction, &waiting(planned.clone(), plan.id))?;
        }
    }
    Ok(())
}

fn waiting(planned: weft_core::plan::Move, plan: PlanId) -> KeptMove {
    let state = MoveState::Proposed;
    KeptMove { planned, plan, state, started: None, ended: None, measure: None, why_not: None }
}

fn put(transaction: &Transaction<'_>, kept: &KeptMove) -> Result<(), StoreError> {
    let id = kept.planned.id;
    let write = "INSERT OR REPLACE INTO moves VALUES (?1, ?2, ?3, ?4, ?5)";
    let body = written(kept, &id.to_string())?;
    let workload = kept.planned.workload.as_str();
    let values = params![id.0 as i64, kept.plan.0 as i64, workload, kept.state.name(), body];
    transaction.prepare_cached(write)?.execute(values)?;
    Ok(())
}

fn change(
    transaction: &Transaction<'_>,
    id: MoveId,
    change: impl FnOnce(&mut KeptMove),
) -> Result<(), StoreError> {
    let Some(mut kept) = moved(transaction, id)? else { return Ok(()) };
    change(&mut kept);
    put(transaction, &kept)
}

pub(super) fn moved(connection: &Connection, id: MoveId) -> Result<Option<KeptMove>, StoreError> {
    one(connection, "SELECT body FROM moves WHERE id = ?1", id.0, &id.to_string())
}

pub(super) fn plan(connection: &Connection, id: PlanId) -> Result<Option<Plan>, StoreError> {
    one(connection, "SELECT body FROM plans WHERE id = ?1", id.0, &id.to_string())
}

fn one<T: serde::de::DeserializeOwned>(
    connection: &Connection,
    query: &str,
    id: u64,
    place: &str,
) -> Result<Option<T>, StoreError> {
    let mut statement = connection.prepare_cached(query)?;
    let body: Option<String> = statement.query_row([id as i64], |row| row.get(0)).optional()?;
    body.map(|body| parsed(&body, place)).transpose()
}

fn many<T: serde::de::DeserializeOwned>(
    connection: &Connection,
    query: &str,
    bound: i64,
    limit: usize,
    place: &str,
) -> Result<Vec<T>, StoreError> {
    let mut statement = connection.prepare_cached(query)?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut rows = statement.query(params![bound, limit])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let body: String = row.get(0)?;
        found.push(parsed(&body, place)?);
    }
    Ok(found)
}

fn below(id: Option<u64>) -> i64 {
    id.map_or(i64::MAX, |id| i64::try_from(id).unwrap_or(i64::MAX))
}

pub(super) fn plans(
    connection: &Connection,
    before: Option<PlanId>,
    limit: usize,
) -> Result<Vec<Plan>, StoreError> {
    let query = "SELECT body FROM plans WHERE id < ?1 ORDER BY id DESC LIMIT ?2";
    many(connection, query, below(before.map(|id| id.0)), limit, "a plan")
}

pub(super) fn moves(
    connection: &Connection,
    before: Option<MoveId>,
    limit: usize,
) -> Result<Vec<KeptMove>, StoreError> {
    let query = "SELECT body FROM moves WHERE id < ?1 ORDER BY id DESC LIMIT ?2";
    many(connection, query, below(before.map(|id| id.0)), limit, "a move")
}

pub(super) fn after(
    connection: &Connection,
    after: Option<RecordId>,
    limit: usize,
) -> Result<Vec<Entry>, StoreError> {
    let query = "SELECT body FROM journal WHERE id > ?1 ORDER BY id LIMIT ?2";
    let bound = after.map_or(-1, |id| i64::try_from(id.0).unwrap_or(i64::MAX));
    many(connection, query, bound, limit, "the journal")
}

pub(super) fn newest(
    connection: &Connection,
    limit: usize,
    before: Option<RecordId>,
) -> Result<Vec<Entry>, StoreError> {
    let query = "SELECT body FROM journal WHERE id < ?1 ORDER BY id DESC LIMIT ?2";
    many(connection, query, below(before.map(|id| id.0)), limit, "the journal")
}

/// An instant out of a column.
pub(super) const fn instant(milliseconds: i64) -> Timestamp {
    Timestamp::from_millis(milliseconds)
}
