//! When each move starts: in an order in which every state on the way holds, and backwards from
//! the peak.
//!
//! `order` replays the moves one after another on the placement and finds what each must wait for;
//! `timeline` then gives each a start within budgets and windows. A move that cannot be scheduled is
//! dropped with its reason, and with it what depended on it. It must never hand over a plan that
//! only works if everything in it succeeds in one particular order that it does not name.

mod order;
mod timeline;

use std::collections::BTreeSet;

use weft_core::id::WorkloadId;
use weft_core::plan::{Purpose, Standstill};
use weft_core::time::Timestamp;

use crate::build::Fleet;
use crate::problem::HostIndex;
use crate::strategy::Way;

/// A move that the solver wants.
#[derive(Debug, Clone)]
pub(crate) struct Proposal {
    /// The item of the problem; none for a merge, which the problem takes as done.
    pub(crate) item: Option<usize>,
    pub(crate) workload: WorkloadId,
    pub(crate) from: HostIndex,
    pub(crate) to: HostIndex,
    pub(crate) way: Way,
    pub(crate) purpose: Purpose,
    /// When it must have ended, if anything waits for it.
    pub(crate) deadline: Option<Timestamp>,
    /// When the plan before was to start it, where it has been put off for long: as long as its
    /// shortage is foreseen, it is put off no more.
    pub(crate) promised: Option<Timestamp>,
    /// Until when it still helps.
    pub(crate) useful_until: Timestamp,
    /// The strain to which it may bring its target, where it shares an excess that nothing can take
    /// whole; none where its target has to keep its confidence.
    pub(crate) most: Option<f32>,
}

impl Proposal {
    /// The order of precedence: what was lost, what answers, what mends, what saves.
    fn rank(&self) -> (u8, Option<Timestamp>) {
        let class = match self.purpose {
            Purpose::Recover(_) => 0,
            Purpose::Merge => 1,
            Purpose::Shortage(_) | Purpose::MakeRoom(_) => 2,
            Purpose::Drain(_) => 3,
            Purpose::Rule => 4,
            Purpose::Empty(_) => 5,
        };
        (class, self.deadline)
    }

    fn is_consolidation(&self) -> bool {
        matches!(self.purpose, Purpose::Empty(_))
    }
}

/// A proposal with its times.
#[derive(Debug, Clone)]
pub(crate) struct Scheduled {
    pub(crate) proposal: Proposal,
    pub(crate) earliest: Timestamp,
    pub(crate) start: Timestamp,
    pub(crate) latest: Timestamp,
    /// Positions in the schedule of what must have succeeded before.
    pub(crate) prerequisites: Vec<usize>,
    /// The position of the move that it changes places with.
    partner: Option<usize>,
}

impl Scheduled {
    pub(crate) fn end(&self) -> Timestamp {
        self.start + self.proposal.way.prediction.duration
    }
}

/// A proposal that was dropped, and why.
#[derive(Debug, Clone)]
pub(crate) struct Dropped {
    pub(crate) proposal: Proposal,
    pub(crate) why: Standstill,
}

/// Schedules what can be scheduled; the moves come in order of start.
pub(crate) fn schedule(
    fleet: &Fleet<'_>,
    mut proposals: Vec<Proposal>,
) -> (Vec<Scheduled>, Vec<Dropped>) {
    proposals.sort_by(|a, b| {
        let key = |p: &Proposal| (p.rank().0, p.deadline.is_none(), p.deadline);
        key(a).cmp(&key(b)).then(a.from.cmp(&b.from)).then(a.workload.cmp(&b.workload))
    });
    let (proposals, second) = one_per_workload(proposals);
    let (mut ordered, mut dropped) = order::order(fleet, proposals);
    dropped.extend(second);
    timeline::set_deadlines(fleet, &mut ordered);
    let mut placed = timeline::place(fleet, ordered, &mut dropped);
    drop_dependents(&mut placed, &mut dropped);
    (in_order_of_start(placed), dropped)
}

/// A workload moves once in a plan: of several replicas that want to, the first in precedence does,
/// and the others are left for the next plan.
fn one_per_workload(proposals: Vec<Proposal>) -> (Vec<Proposal>, Vec<Dropped>) {
    let mut moving = BTreeSet::new();
    let (first, later): (Vec<_>, Vec<_>) =
        proposals.into_iter().partition(|proposal| moving.insert(proposal.workload.clone()));
    let why = Standstill::NothingMovable;
    let later = later.into_iter().map(|proposal| Dropped { proposal, why: why.clone() });
    (first, later.collect())
}

/// Drops what can no longer be: moves whose prerequisite is gone, the rest of a host's emptying
/// where a part of it is, and room that nobody needs any more. Repeated until nothing changes.
fn drop_dependents(placed: &mut [Option<Scheduled>], dropped: &mut Vec<Dropped>) {
    while let Some(position) =
        (0..placed.len()).find(|position| is_orphan(placed, dropped, *position))
    {
        if let Some(gone) = placed[position].take() {
            let why = dropped
                .iter()
                .find(|other| other.proposal.purpose == gone.proposal.purpose)
                .map_or(Standstill::NothingMovable, |other| other.why.clone());
            dropped.push(Dropped { proposal: gone.proposal, why });
        }
    }
}

fn is_orphan(placed: &[Option<Scheduled>], dropped: &[Dropped], position: usize) -> bool {
    let Some(here) = &placed[position] else { return false };
    let purpose = &here.proposal.purpose;
    let mut needs = here.prerequisites.iter().chain(&here.partner);
    let lacks_prerequisite = needs.any(|needed| placed[*needed].is_none());
    let is_partial = here.proposal.is_consolidation()
        && dropped.iter().any(|other| other.proposal.purpose == *purpose);
    let is_needed = || {
        placed.iter().flatten().any(|other| {
            other.prerequisites.contains(&position) || other.proposal.to == here.proposal.from
        })
    };
    let is_idle = matches!(purpose, Purpose::MakeRoom(_)) && !is_needed();
    lacks_prerequisite || is_partial || is_idle
}

fn in_order_of_start(placed: Vec<Option<Scheduled>>) -> Vec<Scheduled> {
    let mut kept: Vec<(usize, Scheduled)> =
        placed.into_iter().enumerate().filter_map(|(old, s)| Some((old, s?))).collect();
    kept.sort_by_key(|(old, scheduled)| (scheduled.start, *old));
    let position = |old: usize| kept.iter().position(|(other, _)| *other == old);
    let renumbered: Vec<Vec<usize>> = kept
        .iter()
        .map(|(_, s)| s.prerequisites.iter().filter_map(|old| position(*old)).collect())
        .collect();
    let mut schedule: Vec<Scheduled> = kept.into_iter().map(|(_, scheduled)| scheduled).collect();
    for (scheduled, prerequisites) in schedule.iter_mut().zip(renumbered) {
        scheduled.prerequisites = prerequisites;
    }
    schedule
}
