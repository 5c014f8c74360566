//! What moves owe to each other's numbers and times: numbers are unique, prerequisites end first
//! and never wait for each other, no hour sees too many starts.

use std::collections::{BTreeMap, BTreeSet};

use weft_core::id::MoveId;
use weft_core::observation::MoveStatus;
use weft_core::plan::Move;
use weft_core::time::{Span, Timestamp};

use super::timeline::Flight;
use super::violation::{Occasion, Violation};

/// Numbers that stand twice, in the plan or between the plan and what runs.
pub(super) fn repeated(running: &[Move], moves: &[Move]) -> Vec<Violation> {
    let mut seen: BTreeSet<MoveId> = running.iter().map(|order| order.id).collect();
    moves
        .iter()
        .filter(|order| !seen.insert(order.id))
        .map(|order| Violation::RepeatedMove { move_id: order.id })
        .collect()
}

/// Prerequisites that are unknown or end too late. `statuses` is what the machines say of moves
/// that have ended.
pub(super) fn prerequisites(
    flights: &[Flight<'_>],
    statuses: &BTreeMap<MoveId, MoveStatus>,
) -> Vec<Violation> {
    let ends: BTreeMap<MoveId, Timestamp> =
        flights.iter().map(|flight| (flight.order.id, flight.end)).collect();
    let mut violations = Vec::new();
    for flight in flights.iter().filter(|flight| flight.planned) {
        let move_id = flight.order.id;
        for &prerequisite in &flight.order.prerequisites {
            match ends.get(&prerequisite) {
                Some(&ends) if ends > flight.start => {
                    let start = flight.start;
                    violations.push(Violation::LatePrerequisite {
                        move_id,
                        start,
                        prerequisite,
                        ends,
                    });
                }
                None if !has_succeeded(statuses, prerequisite) => {
                    violations.push(Violation::UnknownPrerequisite { move_id, prerequisite });
                }
                _ => {}
            }
        }
    }
    violations
}

fn has_succeeded(statuses: &BTreeMap<MoveId, MoveStatus>, id: MoveId) -> bool {
    matches!(statuses.get(&id), Some(MoveStatus::Succeeded(_)))
}

/// Moves that wait for each other, directly or round about: what is left when every move whose
/// prerequisites can all be met has been struck out.
pub(super) fn cycle(moves: &[Move]) -> Option<Violation> {
    let mut waiting: BTreeMap<MoveId, &[MoveId]> =
        moves.iter().map(|order| (order.id, order.prerequisites.as_slice())).collect();
    loop {
        let free: Vec<MoveId> = waiting
            .iter()
            .filter(|(_, needs)| needs.iter().all(|need| !waiting.contains_key(need)))
            .map(|(id, _)| *id)
            .collect();
        if free.is_empty() {
            let moves: Vec<MoveId> = waiting.into_keys().collect();
            return (!moves.is_empty()).then_some(Violation::PrerequisiteCycle { moves });
        }
        for id in free {
            waiting.remove(&id);
        }
    }
}

/// The prerequisite for which a start still has to wait: one that runs or waits itself, or of which
/// the machines say that it ended without success.
pub(super) fn unmet<'a>(
    order: &Move,
    pending: impl Iterator<Item = &'a Move>,
    statuses: &BTreeMap<MoveId, MoveStatus>,
) -> Option<Violation> {
    let pending: BTreeSet<MoveId> = pending.map(|other| other.id).collect();
    let is_unmet = |id: &MoveId| match statuses.get(id) {
        Some(MoveStatus::Succeeded(_)) => false,
        Some(MoveStatus::Unknown) | None => pending.contains(id),
        Some(_) => true,
    };
    let prerequisite = order.prerequisites.iter().copied().find(is_unmet)?;
    Some(Violation::UnmetPrerequisite { move_id: order.id, prerequisite })
}

/// Starts beyond the budget of any hour, those of the last hour included.
pub(super) fn starts_per_hour(
    budget: u32,
    recent: &[Timestamp],
    flights: &[Flight<'_>],
) -> Vec<Violation> {
    let mut planned: Vec<(Timestamp, MoveId)> = flights
        .iter()
        .filter(|flight| flight.planned)
        .map(|flight| (flight.start, flight.order.id))
        .collect();
    planned.sort_unstable();
    let mut violations = Vec::new();
    for (position, &(at, move_id)) in planned.iter().enumerate() {
        let hour_ago = at - Span::from_hours(1);
        let before = recent.iter().filter(|start| hour_ago < **start && **start <= at).count();
        let own = planned[..=position].iter().filter(|(start, _)| *start > hour_ago).count();
        let found = (before + own) as u32;
        if found > budget {
            let occasion = Occasion::Move { move_id, at };
            violations.push(Violation::StartBudget { occasion, found, budget });
        }
    }
    violations
}
