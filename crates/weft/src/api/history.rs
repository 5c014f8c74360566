//! Moves of now and before: those that the loop still knows, then what the store kept of all others. What the
//! loop says of a move counts more than what is kept, because the store does not know the mode.

use weft_control::control::TrackedMove;
use weft_core::id::MoveId;
use weft_core::plan::MoveState;
use weft_store::kept::KeptMove;
use weft_store::{Store, StoreError};

use crate::run::view::View;

/// Kept moves that are read at once.
const BATCH: usize = 500;

/// Kept moves that are looked at for one answer: a filter that chooses hardly any must not read for
/// minutes.
const MOST_READ: usize = 20_000;

/// The newest wanted moves before a number, at most `limit`, newest first.
pub(super) fn moves(
    view: &View,
    store: &dyn Store,
    before: Option<MoveId>,
    limit: usize,
    is_wanted: &dyn Fn(&TrackedMove) -> bool,
) -> Result<Vec<TrackedMove>, StoreError> {
    let is_before = |id: MoveId| before.is_none_or(|before| id < before);
    let mut found: Vec<TrackedMove> = view
        .moves
        .values()
        .filter(|tracked| is_before(tracked.planned.id) && is_wanted(tracked))
        .cloned()
        .collect();
    let (mut bound, mut read) = (before, 0);
    while read < MOST_READ {
        let batch = store.moves(bound, BATCH)?;
        let Some(oldest) = batch.last().map(|kept| kept.planned.id) else { break };
        read += batch.len();
        bound = Some(oldest);
        let unknown = batch.into_iter().filter(|kept| is_past(view, kept));
        found.extend(unknown.map(tracked).filter(is_wanted));
        if found.iter().filter(|tracked| tracked.planned.id >= oldest).count() >= limit {
            break;
        }
    }
    found.sort_by_key(|tracked| std::cmp::Reverse(tracked.planned.id));
    found.truncate(limit);
    Ok(found)
}

/// One move, by its number.
pub(super) fn one_move(
    view: &View,
    store: &dyn Store,
    id: MoveId,
) -> Result<Option<TrackedMove>, StoreError> {
    match view.moves.get(&id) {
        Some(tracked) => Ok(Some(tracked.clone())),
        None => Ok(store.moved(id)?.map(tracked)),
    }
}

/// Whether a kept move is one that the loop has forgotten and that somebody may look back at: what was
/// only ever proposed and then planned otherwise is not.
fn is_past(view: &View, kept: &KeptMove) -> bool {
    let was_begun = kept.started.is_some() || kept.ended.is_some();
    was_begun && !view.moves.contains_key(&kept.planned.id)
}

/// A kept move as the loop would have it.
pub(crate) fn tracked(kept: KeptMove) -> TrackedMove {
    let state = match kept.state {
        // The loop no longer knows it, so it waits no longer.
        MoveState::Proposed | MoveState::Scheduled => MoveState::Superseded,
        state => state,
    };
    let mut tracked = TrackedMove::kept(kept.planned, kept.plan, state);
    tracked.started = kept.started;
    tracked.ended = kept.ended;
    tracked.measure = kept.measure.unwrap_or_default();
    tracked.why_not = kept.why_not;
    tracked
}
