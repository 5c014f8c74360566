//! What a store owes about plans, moves and approvals: they follow the journal as the loop does.

use std::sync::Arc;

use weft_control::record::{Entry, Record};
use weft_core::id::{MoveId, PlanId, RecordId};
use weft_core::observation::{MoveFailure, MoveMeasure, MoveOrder};
use weft_core::plan::{FleetCost, Move, MoveCost, MoveState, Plan, Prediction, Purpose, Strategy};
use weft_core::time::Span;

use super::{Breach, at, same};
use crate::kept::{Approval, KeptMove};
use crate::{Store, StoreError};

pub(super) fn run(make: &mut dyn FnMut() -> Box<dyn Store>) -> Result<(), Breach> {
    plans_and_moves_come_back(make().as_ref())?;
    a_move_lives_as_the_journal_says(make().as_ref())?;
    a_new_plan_supersedes_what_waits(make().as_ref())?;
    an_approval_outlives_a_plan(make().as_ref())?;
    a_rejection_ends_an_approval(make().as_ref())?;
    what_cannot_be_read_again_is_refused(make().as_ref())
}

/// A move that costs `cost` to empty a host.
fn planned(id: u64, cost: f64) -> Move {
    Move {
        id: MoveId(id),
        workload: format!("w{id}").into(),
        from: "h1".into(),
        to: "h2".into(),
        strategy: Strategy::Live,
        purpose: Purpose::Empty("h1".into()),
        earliest_start: at(1),
        start: at(2),
        latest_start: at(9),
        prerequisites: Vec::new(),
        bandwidth_bytes_per_second: 1_000,
        prediction: Prediction {
            duration: Span::from_seconds(30),
            downtime: Span::from_millis(20),
            transferred_bytes: 1 << 30,
        },
        cost: MoveCost { transfer: cost, ..MoveCost::default() },
        overload_without: 0.5,
        overload_with: 0.1,
        rejected: Vec::new(),
    }
}

fn plan(id: u64, moves: Vec<Move>) -> Plan {
    Plan {
        id: PlanId(id),
        parent: None,
        made_at: at(0),
        until: at(20),
        shortages: Vec::new(),
        moves,
        unanswered: Vec::new(),
        cost_without: FleetCost::default(),
        cost_with: FleetCost { running: 0.1 + 0.2, ..FleetCost::default() },
    }
}

fn adopted(id: u64, moves: Vec<Move>) -> Record {
    Record::PlanAdopted { plan: Arc::new(plan(id, moves)) }
}

fn approved(id: u64, cost: f64) -> Record {
    let Move { workload, purpose, latest_start: expires, .. } = planned(id, cost);
    Record::Approved { move_id: MoveId(id), workload, purpose, cost, expires }
}

fn starting(id: u64) -> Record {
    let planned = planned(id, 1.0);
    let order = MoveOrder {
        id: planned.id,
        workload: planned.workload.clone(),
        from: planned.from.clone(),
        to: planned.to.clone(),
        strategy: planned.strategy,
        bandwidth_bytes_per_second: planned.bandwidth_bytes_per_second,
        downtime_limit: Span::from_seconds(1),
    };
    Record::Starting { order, planned: Box::new(planned) }
}

fn ended(id: u64, state: MoveState) -> Record {
    let measure = MoveMeasure {
        duration: Span::from_seconds(40),
        downtime: Span::from_millis(30),
        transferred_bytes: 7,
    };
    let failure = (state == MoveState::Failed).then_some(MoveFailure::NoRoom);
    let (move_id, workload) = (MoveId(id), planned(id, 1.0).workload);
    let measure = Some(measure);
    Record::Ended { move_id, workload, state, measure, failure, refusal: None }
}

/// Appends records, one a step, after what is there.
fn put(store: &dyn Store, records: Vec<Record>) -> Result<(), StoreError> {
    let next = store.newest_entries(1, None)?.first().map_or(0, |entry| entry.id.0 + 1);
    let entry = |(id, record)| Entry { id: RecordId(id), at: at(id as i64), record };
    store.append(&(next..).zip(records).map(entry).collect::<Vec<_>>())
}

fn kept(store: &dyn Store, id: u64) -> Result<KeptMove, Breach> {
    let missing = || Breach::Found {
        check: "a move",
        expected: MoveId(id).to_string(),
        found: "none".to_owned(),
    };
    store.moved(MoveId(id))?.ok_or_else(missing)
}

fn states(store: &dyn Store) -> Result<Vec<(u64, MoveState)>, Breach> {
    let newest_first = store.moves(None, 100)?;
    Ok(newest_first.iter().rev().map(|kept| (kept.planned.id.0, kept.state)).collect())
}

fn plans_and_moves_come_back(store: &dyn Store) -> Result<(), Breach> {
    let plans = [plan(1, vec![planned(1, 1.0)]), plan(2, vec![planned(2, 1.0), planned(3, 1.0)])];
    put(store, plans.iter().map(|plan| adopted(plan.id.0, plan.moves.clone())).collect())?;
    let check = "plans";
    same(check, &Some(plans[0].clone()), &store.plan(PlanId(1))?)?;
    same(check, &None, &store.plan(PlanId(3))?)?;
    let newest_first: Vec<Plan> = plans.iter().rev().cloned().collect();
    same(check, &newest_first, &store.plans(None, 10)?)?;
    same(check, &newest_first[..1].to_vec(), &store.plans(None, 1)?)?;
    same(check, &newest_first[1..].to_vec(), &store.plans(Some(PlanId(2)), 10)?)?;
    let page: Vec<MoveId> =
        store.moves(Some(MoveId(3)), 1)?.iter().map(|kept| kept.planned.id).collect();
    same("a page of moves", &vec![MoveId(2)], &page)?;
    same("a move", &(planned(3, 1.0), PlanId(2)), &{
        let kept = kept(store, 3)?;
        (kept.planned, kept.plan)
    })?;
    same("no move", &None, &store.moved(MoveId(9))?)
}

fn a_move_lives_as_the_journal_says(store: &dyn Store) -> Result<(), Breach> {
    let check = "the life of a move";
    let state = |store: &dyn Store| kept(store, 1).map(|kept| kept.state);
    put(store, vec![adopted(1, vec![planned(1, 1.0), planned(2, 1.0)])])?;
    same(check, &MoveState::Proposed, &state(store)?)?;
    put(store, vec![approved(1, 1.0)])?;
    same(check, &MoveState::Scheduled, &state(store)?)?;
    put(store, vec![starting(1)])?;
    same(check, &MoveState::Running, &state(store)?)?;
    put(store, vec![adopted(2, vec![planned(1, 5.0), planned(3, 1.0)])])?;
    same("a running move in a new plan", &MoveState::Running, &state(store)?)?;
    put(store, vec![ended(1, MoveState::Failed)])?;
    let over = kept(store, 1)?;
    same(check, &MoveState::Failed, &over.state)?;
    same(check, &(Some(at(2)), Some(at(4))), &(over.started, over.ended))?;
    same(check, &Some(MoveFailure::NoRoom.to_string()), &over.why_not)?;
    same(check, &Some(7), &over.measure.map(|measure| measure.transferred_bytes))?;
    put(store, vec![adopted(3, vec![planned(1, 1.0)])])?;
    same("a failed move in a new plan", &over, &kept(store, 1)?)
}

fn a_new_plan_supersedes_what_waits(store: &dyn Store) -> Result<(), Breach> {
    use MoveState::{Proposed, Running, Superseded};
    let first = adopted(1, vec![planned(1, 1.0), planned(2, 1.0), planned(3, 1.0)]);
    let second = adopted(2, vec![planned(2, 1.0), planned(4, 1.0)]);
    put(store, vec![first, starting(3), second])?;
    let expected = vec![(1, Superseded), (2, Proposed), (3, Running), (4, Proposed)];
    same("a new plan", &expected, &states(store)?)?;
    same("the plan of a move", &PlanId(2), &kept(store, 2)?.plan)?;
    put(store, vec![adopted(3, vec![planned(1, 1.0)])])?;
    let expected = vec![(1, Proposed), (2, Superseded), (3, Running), (4, Superseded)];
    same("a plan that takes a move up again", &expected, &states(store)?)
}

fn an_approval_outlives_a_plan(store: &dyn Store) -> Result<(), Breach> {
    use MoveState::{Proposed, Scheduled, Superseded};
    let check = "an approval";
    let first = planned(1, 1.0);
    put(store, vec![adopted(1, vec![first.clone()]), approved(1, 1.0)])?;
    let approval = Approval {
        move_id: MoveId(1),
        workload: first.workload.clone(),
        purpose: first.purpose.clone(),
        cost: 1.0,
        approved: at(1),
        expires: at(9),
    };
    same(check, &vec![approval.clone()], &store.approvals()?)?;
    put(store, vec![adopted(2, vec![planned(1, 1.19)])])?;
    same("an approved move in a new plan", &vec![(1, Scheduled)], &states(store)?)?;
    let renumbered = Move { id: MoveId(2), ..first.clone() };
    put(store, vec![adopted(3, vec![renumbered])])?;
    let expected = vec![(1, Superseded), (2, Scheduled)];
    same("an approved move under a new number", &expected, &states(store)?)?;
    put(store, vec![adopted(4, vec![planned(1, 1.3)])])?;
    let expected = vec![(1, Proposed), (2, Superseded)];
    same("an approved move that became dearer", &expected, &states(store)?)?;
    same(check, &vec![approval], &store.approvals()?)?;
    let empty = |id| adopted(id, Vec::new());
    put(store, (5..10).map(empty).chain([adopted(10, vec![first])]).collect())?;
    same("an approval after its end", &Vec::new(), &store.approvals()?)?;
    same("an approval after its end", &Proposed, &kept(store, 1)?.state)
}

fn a_rejection_ends_an_approval(store: &dyn Store) -> Result<(), Breach> {
    let first = planned(1, 1.0);
    let rejected = Record::Rejected { move_id: MoveId(1), workload: first.workload.clone() };
    let records = vec![
        adopted(1, vec![first.clone(), planned(2, 1.0)]),
        approved(1, 1.0),
        approved(2, 1.0),
        rejected,
        ended(1, MoveState::Cancelled),
    ];
    put(store, records)?;
    let left: Vec<MoveId> = store.approvals()?.iter().map(|approval| approval.move_id).collect();
    same("a rejection", &vec![MoveId(2)], &left)?;
    put(store, vec![adopted(2, vec![Move { id: MoveId(3), ..first }])])?;
    same("a move after a rejection", &MoveState::Proposed, &kept(store, 3)?.state)
}

/// JSON has no infinity: a plan with one was acknowledged, and no journal could be read after it.
fn what_cannot_be_read_again_is_refused(store: &dyn Store) -> Result<(), Breach> {
    let check = "a plan without a finite cost";
    put(store, vec![adopted(1, Vec::new())])?;
    let endless = adopted(2, vec![planned(1, f64::INFINITY)]);
    same(check, &true, &put(store, vec![adopted(2, Vec::new()), endless]).is_err())?;
    same(check, &1, &store.resume_journal()?.len())?;
    same(check, &1, &store.plans(None, 10)?.len())
}

/// See [`super::run_reopened`]; the journal has entries, but none of plans.
pub(super) fn reopened(open: &mut dyn FnMut() -> Box<dyn Store>) -> Result<(), Breach> {
    let store = open();
    let moves = vec![planned(1, 1.0), planned(2, 1.0)];
    put(store.as_ref(), vec![adopted(1, moves), approved(1, 1.0), starting(1)])?;
    let (plans, moves) = (store.plans(None, 10)?, store.moves(None, 10)?);
    let (approvals, journal) = (store.approvals()?, store.resume_journal()?);
    drop(store);
    let store = open();
    same("plans after reopening", &plans, &store.plans(None, 10)?)?;
    same("moves after reopening", &moves, &store.moves(None, 10)?)?;
    same("approvals after reopening", &approvals, &store.approvals()?)?;
    same("the journal after reopening", &journal, &store.resume_journal()?)
}
