//! The journal and what follows from it, in one transaction: plans, moves, approvals, policies.

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};
use weft_control::record::{Entry, Record};
use weft_core::id::{MoveId, PlanId, RecordId};
use weft_core::plan::{Move, MoveState, Plan};
use weft_core::time::Timestamp;

use super::fault::{Fault, parsed, written};
use crate::StoreError;
use crate::kept::{Approval, KeptMove};

/// How much dearer a move may have become for its approval to hold; as in the loop.
const APPROVED_COST_GROWTH: f64 = 1.2;
/// The moves that a new plan supersedes, in the words of the index.
const WAITING: &str = "SELECT id FROM moves WHERE state IN ('proposed', 'scheduled')";

pub(super) fn append(connection: &mut Connection, entries: &[Entry]) -> Result<(), Fault> {
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
fn is_new(transaction: &Transaction<'_>, entry: &Entry) -> Result<bool, Fault> {
    let place = entry.id.to_string();
    let body = written(entry, &place)?;
    let id = entry.id.0 as i64;
    let query = "SELECT body FROM journal WHERE id = ?1";
    let there: Option<String> = transaction.query_row(query, [id], |row| row.get(0)).optional()?;
    if let Some(there) = there {
        if there == body || parsed::<Entry>(&there, &place)? == *entry {
            return Ok(false);
        }
        let expected = format!("{place} as it was written");
        let found = "another of the same number".to_owned();
        return Err(StoreError::Order { expected, found }.into());
    }
    let newest: Option<i64> =
        transaction.query_row("SELECT max(id) FROM journal", [], |row| row.get(0))?;
    let next = newest.map_or(0, |newest| newest + 1);
    if id != next {
        let expected = format!("{} next", RecordId(next as u64));
        return Err(StoreError::Order { expected, found: place }.into());
    }
    let write = "INSERT INTO journal (id, at, body) VALUES (?1, ?2, ?3)";
    transaction.prepare_cached(write)?.execute(params![id, entry.at.as_millis(), body])?;
    Ok(true)
}

fn follow(transaction: &Transaction<'_>, entry: &Entry) -> Result<(), Fault> {
    let at = entry.at;
    match &entry.record {
        Record::PlanAdopted { plan } => adopt(transaction, at, plan),
        Record::Approved { move_id, workload, purpose, cost, expires } => {
            let approval = Approval {
                move_id: *move_id,
                workload: workload.clone(),
                purpose: purpose.clone(),
                cost: *cost,
                approved: at,
                expires: *expires,
            };
            approve(transaction, &approval)
        }
        Record::Rejected { move_id, .. } => reject(transaction, *move_id),
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
        | Record::Frozen { .. }
        | Record::Thawed { .. }
        | Record::Switched { .. }
        | Record::Draining { .. } => Ok(()),
    }
}

fn approve(transaction: &Transaction<'_>, approval: &Approval) -> Result<(), Fault> {
    let write = "INSERT OR REPLACE INTO approvals VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let values = params![
        approval.workload.as_str(),
        written(&approval.purpose, "a purpose")?,
        approval.move_id.0 as i64,
        approval.cost,
        approval.approved.as_millis(),
        approval.expires.as_millis()
    ];
    transaction.execute(write, values)?;
    change(transaction, approval.move_id, |kept| kept.state = MoveState::Scheduled)
}

/// What was approved of a move that is rejected holds no longer, for later plans neither.
fn reject(transaction: &Transaction<'_>, id: MoveId) -> Result<(), Fault> {
    let Some(kept) = moved(transaction, id)? else { return Ok(()) };
    let purpose = written(&kept.planned.purpose, "a purpose")?;
    let end = "DELETE FROM approvals WHERE workload = ?1 AND purpose = ?2";
    transaction.execute(end, params![kept.planned.workload.as_str(), purpose])?;
    Ok(())
}

/// A plan in force: what waited for the one before makes way.
fn adopt(transaction: &Transaction<'_>, at: Timestamp, plan: &Plan) -> Result<(), Fault> {
    let write = "INSERT OR REPLACE INTO plans VALUES (?1, ?2, ?3)";
    let body = written(plan, &plan.id.to_string())?;
    transaction.execute(write, params![plan.id.0 as i64, plan.made_at.as_millis(), body])?;
    let waiting_ids: Vec<i64> = transaction
        .prepare_cached(WAITING)?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for id in waiting_ids {
        change(transaction, MoveId(id as u64), |kept| kept.state = MoveState::Superseded)?;
    }
    transaction.execute("DELETE FROM approvals WHERE expires < ?1", [at.as_millis()])?;
    for planned in &plan.moves {
        let there = moved(transaction, planned.id)?;
        // What has started or ended stays what it is, whatever a plan says of it.
        if there.is_some_and(|kept| kept.started.is_some() || kept.ended.is_some()) {
            continue;
        }
        let mut kept = waiting(planned.clone(), plan.id);
        if is_approved(transaction, at, planned)? {
            kept.state = MoveState::Scheduled;
        }
        put(transaction, &kept)?;
    }
    Ok(())
}

/// Whether an approval for the same workload and purpose still holds for a move.
fn is_approved(
    transaction: &Transaction<'_>,
    at: Timestamp,
    planned: &Move,
) -> Result<bool, Fault> {
    let query = "SELECT cost FROM approvals WHERE workload = ?1 AND purpose = ?2 AND expires >= ?3";
    let purpose = written(&planned.purpose, "a purpose")?;
    let values = params![planned.workload.as_str(), purpose, at.as_millis()];
    let mut statement = transaction.prepare_cached(query)?;
    let cost: Option<f64> = statement.query_row(values, |row| row.get(0)).optional()?;
    Ok(cost.is_some_and(|cost| planned.cost.total() <= cost * APPROVED_COST_GROWTH))
}

/// The approvals that no rejection and no plan after their end has removed, by workload.
pub(super) fn approvals(connection: &Connection) -> Result<Vec<Approval>, Fault> {
    let query = "SELECT workload, purpose, move, cost, at, expires FROM approvals \
                 ORDER BY workload, purpose";
    let mut statement = connection.prepare_cached(query)?;
    let mut rows = statement.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let (workload, purpose): (String, String) = (row.get(0)?, row.get(1)?);
        let move_id: i64 = row.get(2)?;
        found.push(Approval {
            move_id: MoveId(move_id as u64),
            workload: workload.into(),
            purpose: parsed(&purpose, "an approval")?,
            cost: row.get(3)?,
            approved: instant(row.get(4)?),
            expires: instant(row.get(5)?),
        });
    }
    Ok(found)
}

fn waiting(planned: Move, plan: PlanId) -> KeptMove {
    let state = MoveState::Proposed;
    KeptMove { planned, plan, state, started: None, ended: None, measure: None, why_not: None }
}

fn put(transaction: &Transaction<'_>, kept: &KeptMove) -> Result<(), Fault> {
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
) -> Result<(), Fault> {
    let Some(mut kept) = moved(transaction, id)? else { return Ok(()) };
    change(&mut kept);
    put(transaction, &kept)
}

pub(super) fn moved(connection: &Connection, id: MoveId) -> Result<Option<KeptMove>, Fault> {
    one(connection, "SELECT body FROM moves WHERE id = ?1", id.0, &id.to_string())
}

pub(super) fn plan(connection: &Connection, id: PlanId) -> Result<Option<Plan>, Fault> {
    one(connection, "SELECT body FROM plans WHERE id = ?1", id.0, &id.to_string())
}

fn one<T: serde::de::DeserializeOwned>(
    connection: &Connection,
    query: &str,
    id: u64,
    place: &str,
) -> Result<Option<T>, Fault> {
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
) -> Result<Vec<T>, Fault> {
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
) -> Result<Vec<Plan>, Fault> {
    let query = "SELECT body FROM plans WHERE id < ?1 ORDER BY id DESC LIMIT ?2";
    many(connection, query, below(before.map(|id| id.0)), limit, "a plan")
}

pub(super) fn moves(
    connection: &Connection,
    before: Option<MoveId>,
    limit: usize,
) -> Result<Vec<KeptMove>, Fault> {
    let query = "SELECT body FROM moves WHERE id < ?1 ORDER BY id DESC LIMIT ?2";
    many(connection, query, below(before.map(|id| id.0)), limit, "a move")
}

pub(super) fn after(
    connection: &Connection,
    after: Option<RecordId>,
    limit: usize,
) -> Result<Vec<Entry>, Fault> {
    let query = "SELECT body FROM journal WHERE id > ?1 ORDER BY id LIMIT ?2";
    let bound = after.map_or(-1, |id| i64::try_from(id.0).unwrap_or(i64::MAX));
    many(connection, query, bound, limit, "the journal")
}

pub(super) fn newest(
    connection: &Connection,
    limit: usize,
    before: Option<RecordId>,
) -> Result<Vec<Entry>, Fault> {
    let query = "SELECT body FROM journal WHERE id < ?1 ORDER BY id DESC LIMIT ?2";
    many(connection, query, below(before.map(|id| id.0)), limit, "the journal")
}

/// An instant out of a column.
pub(super) const fn instant(milliseconds: i64) -> Timestamp {
    Timestamp::from_millis(milliseconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_plan_finds_what_waits_by_its_index() {
        let mut connection = Connection::open_in_memory().expect("opened");
        let file = std::path::Path::new(":memory:");
        super::super::schema::migrate(file, &mut connection).expect("made");
        let explain = format!("EXPLAIN QUERY PLAN {WAITING}");
        let plan: String = connection.query_row(&explain, [], |row| row.get(3)).expect("explained");
        assert!(plan.contains("moves_waiting"), "{plan}");
    }
}
