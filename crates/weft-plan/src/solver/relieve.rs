//! Phase `relieve`: hosts that run short are cleared by the cheapest sufficient move, else by the
//! one that helps most; where no move helps, by a swap or by a chain of two; and where the fleet is
//! too full for any of these, the excess is shared with hosts that stay less short.
//!
//! It must never make another host as short as the one it relieves.

use std::collections::BTreeMap;

use crate::problem::{HostIndex, Score};
use crate::solver::state::{NOWHERE, Requirement, Target};
use crate::solver::{Attempt, Borne, Search, add, hosts};

/// How many items of a short host swaps and chains are tried for: the largest ones.
const ITEMS_TRIED: usize = 6;
/// How many hosts are tried to take them; enough to cover a rack, few enough to stay quick.
const HOSTS_TRIED: usize = 16;

impl Search<'_> {
    /// Clears the short hosts, the worst first. Afterwards no single move within the rules lessens
    /// the violation of a host, except of those that are cheaper to bear.
    pub(super) fn relieve(&mut self) {
        let mut short: Vec<HostIndex> = hosts(self.state.problem)
            .filter(|host| self.is_short(*host) && !self.borne.iter().any(|b| b.host == *host))
            .collect();
        let violation = |host: &HostIndex| self.state.worth(*host).violation;
        short.sort_by(|a, b| violation(b).total_cmp(&violation(a)).then(a.cmp(b)));
        for host in short {
            if (self.stop)() {
                return;
            }
            self.try_host(host, Attempt::Relieve, |search| search.relieve_host(host));
        }
    }

    fn is_short(&self, host: HostIndex) -> bool {
        self.state.worth(host).violation > Score::TOLERANCE
    }

    /// Moves items away until the host is no longer short or nothing helps; takes all back where
    /// the moves cost more than the damage they prevent. Whether anything was moved.
    fn relieve_host(&mut self, host: HostIndex) -> bool {
        let mark = self.state.mark();
        let damage = self.state.damage(host);
        let mut change = Score::default();
        while self.is_short(host) {
            let step = self
                .relieve_by_move(host)
                .or_else(|| self.relieve_by_swap(host))
                .or_else(|| self.relieve_by_chain(host))
                .or_else(|| self.relieve_by_sharing(host));
            let Some(step) = step else { break };
            add(&mut change, &step);
        }
        let answer = self.state.cost_of_moves(mark);
        if answer > damage && change.broken >= -Score::TOLERANCE {
            self.state.take_back(mark);
            self.causes[host.index()] = false;
            self.borne.push(Borne { host, damage, answer });
        }
        self.state.mark() > mark
    }

    /// The cheapest move that clears the host; else the one with most relief per cost.
    fn relieve_by_move(&mut self, host: HostIndex) -> Option<Score> {
        let violation = self.state.worth(host).violation;
        let mut sufficient: Option<(usize, Target)> = None;
        let mut helpful: Option<(f64, usize, Target)> = None;
        for item in self.movable(host) {
            let relief = -self.state.departure(item).violation;
            if relief <= Score::TOLERANCE {
                continue;
            }
            let is_sufficient = relief >= violation - Score::TOLERANCE;
            if !is_sufficient && sufficient.is_some() {
                continue;
            }
            let Some(target) = self.safe_target(item) else { continue };
            if is_sufficient {
                let cost = |t: &Target| t.change.cost;
                if sufficient.as_ref().is_none_or(|(_, best)| cost(&target) < cost(best)) {
                    sufficient = Some((item, target));
                }
                continue;
            }
            let way = self.state.problem.move_cost(item, self.state.start[item], target.host);
            let per_cost = relief / way.max(f64::MIN_POSITIVE);
            if helpful.as_ref().is_none_or(|(best, ..)| per_cost > *best) {
                helpful = Some((per_cost, item, target));
            }
        }
        let (item, target) = sufficient.or(helpful.map(|(_, item, target)| (item, target)))?;
        self.state.put(item, target.host);
        Some(target.change)
    }

    /// The best target that the item does not make short; a host just filled to the stricter
    /// multipliers is better than one filled to the brim.
    fn safe_target(&mut self, item: usize) -> Option<Target> {
        let open = |_: HostIndex| true;
        let target = self.state.best_target(item, Requirement::Fill, &open);
        let target = target.or_else(|| self.state.best_target(item, Requirement::Keep, &open));
        target.filter(|target| target.change.improves())
    }

    pub(super) fn movable(&self, host: HostIndex) -> Vec<usize> {
        let members = self.state.members(host).iter().map(|item| *item as usize);
        members.filter(|item| !self.state.problem.items[*item].fixed).collect()
    }

    fn largest_movable(&self, host: HostIndex) -> Vec<usize> {
        let mut items = self.movable(host);
        items.sort_by(|a, b| self.state.size(*b).total_cmp(&self.state.size(*a)).then(a.cmp(b)));
        items.truncate(ITEMS_TRIED);
        items
    }

    /// Hosts that could take `item` but for their load, the emptiest first.
    fn near_misses(&self, item: usize) -> Vec<HostIndex> {
        let from = self.state.assignment[item];
        let may = |host: &HostIndex| *host != from && self.state.may_enter(item, *host);
        self.state.ranking.emptiest_first().filter(may).take(HOSTS_TRIED).collect()
    }

    /// Exchanges an item of the host for a smaller one of another.
    fn relieve_by_swap(&mut self, host: HostIndex) -> Option<Score> {
        let before = self.state.score();
        for item in self.largest_movable(host) {
            let pairs = self.exchanges(item, host);
            let mark = self.state.mark();
            self.state.put(item, NOWHERE);
            for (back, other) in pairs {
                if let Some(change) = self.try_pair((back, host), (item, other), &before) {
                    return Some(change);
                }
            }
            self.state.take_back(mark);
        }
        None
    }

    /// Smaller items of other hosts that could change places with `item` of `host`. Both are in
    /// flight at once, and each holds room on both ends.
    fn exchanges(&self, item: usize, host: HostIndex) -> Vec<(usize, HostIndex)> {
        let size = self.state.size(item);
        let mut pairs = Vec::new();
        for other in self.near_misses(item) {
            if !self.state.has_room(item, other) {
                continue;
            }
            let fits = |back: &usize| {
                self.state.size(*back) < size
                    && self.state.may_enter(*back, host)
                    && self.state.has_room(*back, host)
                    && self.state.may_fill_without(item, other, *back)
            };
            pairs.extend(self.movable(other).into_iter().filter(fits).map(|back| (back, other)));
        }
        pairs
    }

    /// Moves an item of another host on to a third, and an item of the short one into its place.
    fn relieve_by_chain(&mut self, host: HostIndex) -> Option<Score> {
        let before = self.state.score();
        let mut onwards: BTreeMap<usize, Option<HostIndex>> = BTreeMap::new();
        for item in self.largest_movable(host) {
            let mut chains = Vec::new();
            for middle in self.near_misses(item) {
                for onward in self.movable(middle) {
                    if !self.state.may_fill_without(item, middle, onward) {
                        continue;
                    }
                    let third = *onwards.entry(onward).or_insert_with(|| {
                        let elsewhere = |target: HostIndex| target != host;
                        let target = self.state.best_target(onward, Requirement::Fill, &elsewhere);
                        target.map(|target| target.host)
                    });
                    chains.extend(third.map(|third| (onward, third, middle)));
                }
            }
            let mark = self.state.mark();
            self.state.put(item, NOWHERE);
            for (onward, third, middle) in chains {
                if let Some(change) = self.try_pair((onward, third), (item, middle), &before) {
                    return Some(change);
                }
            }
            self.state.take_back(mark);
        }
        None
    }

    /// Where the fleet is too full for any host to keep its confidence with an item more: the move
    /// that spreads the excess at the best price. The target stays less strained than this host was,
    /// and the overload that is expected to be saved exceeds the cost of the move.
    fn relieve_by_sharing(&mut self, host: HostIndex) -> Option<Score> {
        let most = self.state.sharing_bound(host);
        let mut best: Option<(usize, Target)> = None;
        for item in self.movable(host) {
            let target = self.state.best_target(item, Requirement::ShareExcess(most), &|_| true);
            let Some(target) = target else { continue };
            let Score { broken, violation, cost } = target.change;
            let helps = broken <= Score::TOLERANCE
                && violation < -Score::TOLERANCE
                && cost < -Score::TOLERANCE;
            if helps && best.as_ref().is_none_or(|(_, best)| cost < best.change.cost) {
                best = Some((item, target));
            }
        }
        let (item, target) = best?;
        self.state.put(item, target.host);
        Some(target.change)
    }

    /// Makes two moves together, the second of an item that was taken from its host; keeps them only
    /// where the score improves on `before` and no host that takes is short.
    fn try_pair(
        &mut self,
        (first, to_first): (usize, HostIndex),
        (second, to_second): (usize, HostIndex),
        before: &Score,
    ) -> Option<Score> {
        let mark = self.state.mark();
        self.state.arrival(first, to_first, Requirement::Keep)?;
        self.state.put(first, to_first);
        if self.state.arrival(second, to_second, Requirement::Fill).is_some() {
            self.state.put(second, to_second);
            let change = self.state.score().minus(before);
            if change.improves() && change.violation < -Score::TOLERANCE {
                return Some(change);
            }
        }
        self.state.take_back(mark);
        None
    }
}
