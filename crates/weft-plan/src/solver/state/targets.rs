//! Which host is best for an item. Looking must never move anything.

use super::{NOWHERE, Requirement, State, Target, TwoBest};
use crate::problem::{HostIndex, Score};

/// How many hosts of its own site, and how many elsewhere, are looked at for an item that leaves a
/// short host: the emptiest that may take it. It bounds what is judged for each such item.
const TARGETS_NEAR: usize = 16;
/// See [`TARGETS_NEAR`].
const TARGETS_FAR: usize = 8;

impl State<'_> {
    /// The best target of `item` among those that `admits`, with the whole change of the score.
    pub(crate) fn best_target(
        &mut self,
        item: usize,
        requirement: Requirement,
        admits: &dyn Fn(HostIndex) -> bool,
    ) -> Option<Target> {
        self.two_best_targets(item, requirement, admits).map(|(best, _)| best)
    }

    /// The best target and the one after it; of empty hosts that are alike, one is looked at.
    pub(crate) fn two_best_targets(
        &mut self,
        item: usize,
        requirement: Requirement,
        admits: &dyn Fn(HostIndex) -> bool,
    ) -> Option<TwoBest> {
        let departure = self.departure(item);
        let (mut best, mut second): (Option<Target>, Option<Target>) = (None, None);
        for host in self.targets(item, requirement, admits) {
            let Some(arrival) = self.arrival(item, host, requirement) else { continue };
            let change = Score {
                broken: departure.broken + arrival.broken,
                violation: departure.violation + arrival.violation,
                cost: departure.cost + arrival.cost,
            };
            let beats = |other: &Option<Target>| {
                other.as_ref().is_none_or(|other| change.minus(&other.change).improves())
            };
            let target = Target { host, change };
            if beats(&best) {
                second = best.replace(target);
            } else if beats(&second) {
                second = Some(target);
            }
        }
        best.map(|best| (best, second))
    }

    /// The hosts to look at for `item`. What must go, or is packed, is offered to all of them.
    fn targets(
        &mut self,
        item: usize,
        requirement: Requirement,
        admits: &dyn Fn(HostIndex) -> bool,
    ) -> Vec<HostIndex> {
        let (from, start) = (self.assignment[item], self.start[item]);
        let site = |host: HostIndex| self.problem.hosts[host.index()].site;
        let home = (from != NOWHERE).then(|| site(from));
        let (most_near, most_far) = match requirement {
            Requirement::Pack | Requirement::Bear => (usize::MAX, usize::MAX),
            _ => (TARGETS_NEAR, TARGETS_FAR),
        };
        self.epoch += 1;
        let mut targets = Vec::new();
        let (mut near, mut far) = (0, 0);
        for rank in 0..self.problem.hosts.len() {
            let host = self.ranking.at(rank);
            // More than full is hardly made less by one item more.
            let is_full = requirement == Requirement::Fill && self.ranking.fullness(host) > 1.0;
            if (is_full && host != start) || host == from {
                continue;
            }
            let (count, most) = if home.is_none_or(|home| site(host) == home) {
                (&mut near, most_near)
            } else {
                (&mut far, most_far)
            };
            if *count == most {
                if near == most_near && far == most_far {
                    break;
                }
                continue;
            }
            let may = admits(host) && self.may_enter(item, host) && self.has_room(item, host);
            if may && !self.is_twin_of_seen(item, host) {
                *count += 1;
                targets.push(host);
            }
        }
        targets.sort_unstable();
        targets
    }

    /// Whether an empty host like this one was already looked at in this scan.
    pub(super) fn is_twin_of_seen(&mut self, item: usize, host: HostIndex) -> bool {
        let is_like_no_other = host == self.start[item] || !self.is_empty(host);
        if is_like_no_other || self.problem.held.iter().any(|kind| kind.transient) {
            return false;
        }
        let class = self.empty_class[host.index()] as usize;
        std::mem::replace(&mut self.class_seen[class], self.epoch) == self.epoch
    }
}
