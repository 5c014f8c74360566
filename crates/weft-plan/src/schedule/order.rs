//! An order of moves in which every intermediate placement holds, and what each waits for.
//!
//! Two pictures of the fleet are kept: the replay, in which every move so far has ended, and the
//! crowd, in which everything has arrived and nothing has left. What fits into the crowd waits for
//! nothing; what fits only into the replay waits for those that left its target.

use std::collections::BTreeSet;

use weft_core::plan::{Lack, Purpose, Standstill, Strategy};

use super::{Dropped, Proposal};
use crate::build::Fleet;
use crate::demand::{Loads, Outlook};
use crate::problem::{Constraint, HostIndex};
use crate::reasons;
use crate::solver::state::{NOWHERE, Requirement, State};

/// A proposal and the positions of what it waits for.
pub(super) struct Ordered {
    pub(super) proposal: Proposal,
    pub(super) prerequisites: Vec<usize>,
    /// The position of the move that it changes places with: both start at once.
    pub(super) partner: Option<usize>,
}

/// Everything has arrived, nothing has left.
struct Crowd {
    held: Vec<i64>,
    loads: Loads,
    members: Vec<Vec<u32>>,
}

struct Replay<'a, 's> {
    fleet: &'a Fleet<'s>,
    state: State<'a>,
    crowd: Crowd,
    ordered: Vec<Ordered>,
    /// Hosts that are to be emptied: nothing goes there instead.
    emptied: BTreeSet<HostIndex>,
}

/// Orders the proposals, which come in their precedence; what fits nowhere is dropped. What empties
/// hosts comes after all else, so that no answer fills a host that was found roomy enough for it.
pub(super) fn order(fleet: &Fleet<'_>, proposals: Vec<Proposal>) -> (Vec<Ordered>, Vec<Dropped>) {
    let mut replay = Replay::new(fleet);
    let (saving, answers): (Vec<_>, Vec<_>) =
        proposals.into_iter().partition(Proposal::is_consolidation);
    replay.emptied = saving.iter().map(|proposal| proposal.from).collect();
    let mut dropped = replay.order(answers);
    dropped.extend(replay.order(saving));
    (replay.ordered, dropped)
}

impl<'a, 's> Replay<'a, 's> {
    fn new(fleet: &'a Fleet<'s>) -> Self {
        let state = State::new(&fleet.problem, &fleet.start);
        let hosts = fleet.sites.len();
        let mut crowd = Crowd {
            held: Vec::new(),
            loads: Loads::new(&fleet.problem.demands, hosts),
            members: vec![Vec::new(); hosts],
        };
        for index in 0..hosts {
            let host = HostIndex(index as u32);
            crowd.held.extend_from_slice(state.held(host));
            crowd.members[index].extend_from_slice(state.members(host));
            crowd.loads.rebuild(&fleet.problem.demands, index, &crowd.members[index]);
        }
        Self { fleet, state, crowd, ordered: Vec::new(), emptied: BTreeSet::new() }
    }

    /// Appends the proposals in an order that holds; hands back what fits nowhere.
    fn order(&mut self, mut pending: Vec<Proposal>) -> Vec<Dropped> {
        let mut dropped = Vec::new();
        loop {
            let before = pending.len();
            pending = self.take_all(pending);
            if pending.is_empty() {
                return dropped;
            }
            if pending.len() < before {
                continue;
            }
            // Everything left waits for something else that is left: a cycle, or no room at all.
            let blocked = pending.remove(0);
            let partner = pending.iter().position(|other| self.change_places(&blocked, other));
            if let Some(partner) = partner {
                pending.remove(partner);
                continue;
            }
            match self.redirect(&blocked) {
                Some(redirected) => pending.insert(0, redirected),
                None => {
                    let rejected = reasons::rejected_for(&mut self.state, self.fleet, &blocked);
                    let why = Standstill::NoTarget { rejected };
                    dropped.push(Dropped { proposal: blocked, why });
                }
            }
        }
    }

    /// Takes what can be taken; hands the rest back. What still has to be recovered has the first
    /// claim on its host, so nothing else goes there before.
    fn take_all(&mut self, pending: Vec<Proposal>) -> Vec<Proposal> {
        let recovers = |proposal: &Proposal| proposal.way.strategy == Strategy::Recover;
        let (lost, others): (Vec<_>, Vec<_>) = pending.into_iter().partition(recovers);
        let mut left: Vec<Proposal> = lost.into_iter().filter_map(|p| self.take(p)).collect();
        let claimed: BTreeSet<HostIndex> = left.iter().map(|proposal| proposal.to).collect();
        left.extend(others.into_iter().filter_map(|proposal| {
            if claimed.contains(&proposal.to) { Some(proposal) } else { self.take(proposal) }
        }));
        left
    }

    /// Appends the proposal if it can be carried out now; hands it back if not.
    fn take(&mut self, proposal: Proposal) -> Option<Proposal> {
        let Some(item) = proposal.item else {
            self.ordered.push(Ordered { proposal, prerequisites: Vec::new(), partner: None });
            return None;
        };
        let requirement = requirement(&proposal);
        if self.state.arrival(item, proposal.to, requirement).is_none() {
            return Some(proposal);
        }
        let prerequisites = self.prerequisites(item, &proposal);
        self.arrive(item, proposal.to);
        self.state.put(item, proposal.to);
        self.ordered.push(Ordered { proposal, prerequisites, partner: None });
        None
    }

    /// Lets two moves in opposite directions start at once, where both ends have room for both and
    /// they are over within a step, which is the shortest that forecasts see.
    fn change_places(&mut self, one: &Proposal, other: &Proposal) -> bool {
        let (Some(first), Some(second)) = (one.item, other.item) else { return false };
        let step = self.fleet.situation.scenarios.step().span();
        let is_quick = |p: &Proposal| p.way.prediction.duration < step;
        if one.from != other.to || one.to != other.from || !is_quick(one) || !is_quick(other) {
            return false;
        }
        let have_room =
            self.has_crowded_room(first, one.to) && self.has_crowded_room(second, other.to);
        let mark = self.state.mark();
        let keeps_groups = self.state.group_change(first, one.to) <= 0.0
            && self.state.group_change(second, other.to) <= 0.0;
        self.state.put(first, NOWHERE);
        let fits = have_room
            && keeps_groups
            && self.state.arrival(second, other.to, Requirement::Keep).is_some();
        if fits {
            self.state.put(second, other.to);
        }
        if !fits || self.state.arrival(first, one.to, Requirement::Keep).is_none() {
            self.state.take_back(mark);
            return false;
        }
        self.state.put(first, one.to);
        let mut prerequisites = self.prerequisites(first, one);
        prerequisites.extend(self.prerequisites(second, other));
        prerequisites.sort_unstable();
        prerequisites.dedup();
        self.arrive(first, one.to);
        self.arrive(second, other.to);
        let position = self.ordered.len();
        for (proposal, partner) in [(one, position + 1), (other, position)] {
            let (proposal, prerequisites) = (proposal.clone(), prerequisites.clone());
            self.ordered.push(Ordered { proposal, prerequisites, partner: Some(partner) });
        }
        true
    }

    fn has_crowded_room(&self, item: usize, host: HostIndex) -> bool {
        let problem = &self.fleet.problem;
        let (terms, count) = (&problem.hosts[host.index()], problem.held.len());
        problem.holds(item).iter().enumerate().all(|(dimension, amount)| {
            *amount == 0
                || self.crowd.held[host.index() * count + dimension] + amount
                    <= terms.hard[dimension]
        })
    }

    fn arrive(&mut self, item: usize, host: HostIndex) {
        let (problem, index) = (&self.fleet.problem, host.index());
        let count = problem.held.len();
        for (dimension, amount) in problem.holds(item).iter().enumerate() {
            self.crowd.held[index * count + dimension] += amount;
        }
        self.crowd.members[index].push(item as u32);
        self.crowd.loads.rebuild(&problem.demands, index, &self.crowd.members[index]);
    }

    fn prerequisites(&self, item: usize, proposal: &Proposal) -> Vec<usize> {
        let crowded = !self.fits_crowd(item, proposal);
        let waits_for = |other: &Ordered| {
            let left_target = other.proposal.from == proposal.to && other.proposal.item.is_some();
            (crowded && left_target) || self.share_a_group(item, proposal, &other.proposal)
        };
        let earlier = self.ordered.iter().enumerate();
        earlier.filter(|(_, other)| waits_for(other)).map(|(position, _)| position).collect()
    }

    /// Whether the target takes the item even if nothing has left it.
    fn fits_crowd(&self, item: usize, proposal: &Proposal) -> bool {
        let problem = &self.fleet.problem;
        let index = proposal.to.index();
        let terms = &problem.hosts[index];
        let has_room = self.has_crowded_room(item, proposal.to);
        let requirement = requirement(proposal);
        if !has_room || requirement == Requirement::Bear {
            return has_room;
        }
        let mut outlook = Outlook::default();
        self.crowd.loads.with(&problem.demands, index, item, 1.0, &mut outlook);
        let width = problem.demands.width();
        problem.flows.iter().enumerate().all(|(dimension, flow)| {
            let packs = requirement == Requirement::Pack;
            let multipliers = if packs { &flow.pack } else { &flow.full };
            let limit = terms.limit[dimension];
            multipliers.iter().enumerate().all(|(bucket, multiplier)| {
                let row = dimension * width + bucket;
                let (mean, spread) = (outlook.mean[row], outlook.spread[row]);
                let strain = || self.state.strain_of(bucket, mean, spread, limit);
                mean + multiplier * spread <= limit
                    || proposal.most.is_some_and(|most| strain() <= most)
            })
        })
    }

    /// Whether a rule about both makes the order matter.
    fn share_a_group(&self, item: usize, proposal: &Proposal, other: &Proposal) -> bool {
        let Some(other_item) = other.item else { return false };
        self.fleet.problem.groups.iter().any(|group| {
            let has = |item: usize| group.members.binary_search(&(item as u32)).is_ok();
            let both = has(item) && has(other_item);
            both && match group.constraint {
                Constraint::Apart { domain } => {
                    let parts = &self.fleet.problem.domains[domain];
                    parts[other.from.index()] == parts[proposal.to.index()]
                }
                _ => true,
            }
        })
    }

    /// The same move to a third host that has room now.
    fn redirect(&mut self, blocked: &Proposal) -> Option<Proposal> {
        let item = blocked.item?;
        let (from, to) = (blocked.from, blocked.to);
        let consolidates = blocked.is_consolidation();
        let admits: Vec<bool> = (0..self.fleet.sites.len())
            .map(|host| {
                let host = HostIndex(host as u32);
                let is_closed =
                    self.emptied.contains(&host) || (consolidates && self.state.is_empty(host));
                host != from && host != to && !is_closed
            })
            .collect();
        let requirement = requirement(blocked);
        let admits = |host: HostIndex| admits[host.index()];
        let target = self.state.best_target(item, requirement, &admits)?;
        let way = reasons::way(self.fleet, item, from, target.host, blocked.way.strategy).ok()?;
        Some(Proposal { to: target.host, way, ..blocked.clone() })
    }
}

/// What the target of a proposal must show.
pub(super) fn requirement(proposal: &Proposal) -> Requirement {
    match (&proposal.purpose, proposal.way.strategy) {
        (_, Strategy::Recover) => Requirement::Bear,
        (Purpose::Empty(_), _) => Requirement::Pack,
        _ => proposal.most.map_or(Requirement::Keep, Requirement::ShareExcess),
    }
}

/// The lack of a strategy as a reason.
pub(super) fn refused(proposal: &Proposal, lacks: Vec<(Strategy, Lack)>) -> Standstill {
    Standstill::NoStrategy { workload: proposal.workload.clone(), lacks }
}
