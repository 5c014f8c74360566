//! Phase `empty`: hosts whose running costs more than clearing them are cleared whole.
//!
//! It must never clear a host by halves, nor fill a target beyond the stricter chance constraint.

use crate::problem::{HostIndex, Score};
use crate::solver::state::Requirement;
use crate::solver::{Attempt, Search, add, hosts};

impl Search<'_> {
    /// Tries every host that may be emptied, the largest saving per move first, until a pass over
    /// all of them finds none. Afterwards no single host can be emptied at a profit.
    pub(super) fn empty(&mut self) {
        let Some(mut emptying) = self.state.problem.emptying else { return };
        if self.causes.contains(&true) {
            // The other half of the budget is for what answers.
            emptying.most_moves /= 2;
        }
        loop {
            let mut found = false;
            let mut room = self.room();
            for host in self.candidates() {
                if (self.stop)() {
                    return;
                }
                if !self.may_fit(host, &room) {
                    continue;
                }
                let (most, gain) = (emptying.most_moves, emptying.gain_factor);
                if self.try_host(host, Attempt::Empty, |s| s.empty_host(host, most, gain)) {
                    (found, room) = (true, self.room());
                }
            }
            if !found {
                return;
            }
        }
    }

    /// Hosts with items, all of which may move.
    fn candidates(&self) -> Vec<HostIndex> {
        let problem = self.state.problem;
        let mut candidates: Vec<(f64, HostIndex)> = hosts(problem)
            .filter(|host| problem.hosts[host.index()].may_empty && !self.state.is_empty(*host))
            .filter(|host| self.movable(*host).len() == self.state.members(*host).len())
            .map(|host| (self.state.idle_cost(host) / self.state.members(host).len() as f64, host))
            .collect();
        candidates.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        candidates.into_iter().map(|(_, host)| host).collect()
    }

    /// What running hosts have left of the first dimension, per bucket, all together.
    fn room(&self) -> Vec<f32> {
        let mut room = vec![0.0; self.state.problem.buckets.len()];
        for host in hosts(self.state.problem).filter(|host| !self.state.is_empty(*host)) {
            let left = self.state.room(host);
            room.iter_mut().zip(left).for_each(|(sum, left)| *sum += left);
        }
        room
    }

    /// A quick look before the long one: the mean demand of the host must find room in what the
    /// others have left altogether, or there must be a cheaper host that is empty.
    fn may_fit(&self, host: HostIndex, room: &[f32]) -> bool {
        let own = self.state.room(host);
        let mean = self.state.mean(host).iter();
        let fits = room.iter().zip(own).zip(mean).all(|((all, own), mean)| *mean <= all - own);
        fits || hosts(self.state.problem).any(|other| self.replaces(other, host))
    }

    /// Whether `other` is empty, may be used and costs less to run than `host`.
    fn replaces(&self, other: HostIndex, host: HostIndex) -> bool {
        self.state.is_empty(other)
            && self.state.problem.hosts[other.index()].open
            && self.state.idle_cost(other) < self.state.idle_cost(host)
    }

    fn empty_host(&mut self, host: HostIndex, most_moves: usize, gain_factor: f64) -> bool {
        let mut items = self.movable(host);
        let fresh = items.iter().filter(|item| !self.state.is_moved(**item)).count();
        let least_cost: f64 =
            items.iter().map(|item| self.state.problem.items[*item].move_cost).sum();
        let is_hopeless = self.state.running(host) <= gain_factor * least_cost;
        if is_hopeless || self.emptying_moves + fresh > most_moves {
            return false;
        }
        items.sort_by(|a, b| self.state.size(*b).total_cmp(&self.state.size(*a)).then(a.cmp(b)));
        let empties = hosts(self.state.problem).filter(|other| self.state.is_empty(*other));
        let closed: Vec<HostIndex> = empties.filter(|o| !self.replaces(*o, host)).collect();
        let admits = |target: HostIndex| target != host && closed.binary_search(&target).is_err();
        let (mark, moves_before) = (self.state.mark(), self.state.total_move_cost(&items));
        let mut change = Score::default();
        for item in &items {
            let target = self.state.best_target(*item, Requirement::Pack, &admits);
            let Some(target) = target else {
                self.state.take_back(mark);
                return false;
            };
            add(&mut change, &target.change);
            self.state.put(*item, target.host);
        }
        let moves = self.state.total_move_cost(&items) - moves_before;
        let saving = moves - change.cost;
        let is_safe = change.broken <= Score::TOLERANCE && change.violation <= Score::TOLERANCE;
        if !is_safe || saving <= gain_factor * moves || change.cost > -Score::TOLERANCE * 10.0 {
            self.state.take_back(mark);
            return false;
        }
        self.emptying_moves += fresh;
        self.emptied[host.index()] = true;
        true
    }
}
