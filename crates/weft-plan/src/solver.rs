//! The solver: local search with large neighbourhoods over incrementally kept loads.
//!
//! **Goals, in this order.**
//! 1. No rule is broken, and nothing is stranded on a host that is lost or must be cleared.
//! 2. The chance constraints are violated least, the nearest in time weighing most.
//! 3. The cost is least: expected overload, running hosts, moves.
//! 4. With equal cost, nothing changes.
//!
//! **Phases.** `suggest` tries what the plan before wanted; `place` finds a place for what is
//! stranded; `mend` repairs broken rules; `relieve` clears the hosts that run short; `empty` clears
//! hosts whose running costs more than the moves; `improve` searches around what was moved. The
//! last three are repeated until `relieve` and `empty` find nothing more, so that the next plan finds
//! little where nothing has changed. A host that was tried in vain is not tried again within a plan:
//! in a large fleet something always changes somewhere, and trying again for that would make the work
//! of a plan grow faster than the fleet. After every phase the score is no worse, and that is asserted.
//! The solver must never move a fixed item.

mod empty;
mod improve;
pub(crate) mod loss;
mod relieve;
pub(crate) mod state;

use crate::problem::{Effort, HostIndex, Problem, Score, Solution, Suggestion};
use state::{Requirement, State};

/// Rounds of `relieve`, `empty`, `improve`: the second usually finds nothing.
const ROUNDS: usize = 4;

/// A shortage that was left because whatever answers it costs more than the damage it can do.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Borne {
    pub(crate) host: HostIndex,
    /// Expected cost of the overload, should it come.
    pub(crate) damage: f64,
    /// Cost of the moves that would answer it.
    pub(crate) answer: f64,
}

/// What is tried with a host as a whole.
#[derive(Debug, Clone, Copy)]
enum Attempt {
    Relieve,
    Empty,
}

/// The search as it goes.
pub(crate) struct Search<'a> {
    pub(crate) state: State<'a>,
    pub(crate) stop: &'a dyn Fn() -> bool,
    /// Hosts that had a cause for moves at the start: short, or to be evacuated.
    pub(crate) causes: Vec<bool>,
    pub(crate) borne: Vec<Borne>,
    pub(crate) emptied: Vec<bool>,
    pub(crate) emptying_moves: usize,
    /// Per host, whether relieving and whether emptying it has come to nothing.
    futile: Vec<[bool; 2]>,
    /// Items that follow the plan before.
    pub(crate) follows: Vec<bool>,
    pub(crate) iterations: u64,
}

/// Answers `problem` from `start`; see [`crate::problem::solve`].
pub(crate) fn run(
    problem: &Problem,
    start: &[HostIndex],
    effort: Effort,
    stop: &dyn Fn() -> bool,
) -> Solution {
    let mut search = Search::new(problem, start, stop);
    let start_score = search.state.score();
    search.run(effort);
    let score = search.state.score();
    Solution {
        assignment: search.state.assignment,
        score,
        start_score,
        iterations: search.iterations,
    }
}

impl<'a> Search<'a> {
    pub(crate) fn new(
        problem: &'a Problem,
        start: &'a [HostIndex],
        stop: &'a dyn Fn() -> bool,
    ) -> Self {
        let state = State::new(problem, start);
        let causes = hosts(problem)
            .map(|host| {
                problem.hosts[host.index()].evacuate
                    || state.worth(host).violation > Score::TOLERANCE
                    || state.worth(host).broken > Score::TOLERANCE
            })
            .collect();
        Self {
            state,
            stop,
            causes,
            borne: Vec::new(),
            emptied: vec![false; problem.hosts.len()],
            emptying_moves: 0,
            futile: vec![[false; 2]; problem.hosts.len()],
            follows: vec![false; problem.items.len()],
            iterations: 0,
        }
    }

    /// All phases.
    pub(crate) fn run(&mut self, effort: Effort) {
        self.phase("suggest", Self::suggest);
        self.phase("place", Self::place);
        self.phase("mend", Self::mend);
        let mut left = effort.iterations;
        for round in 0..ROUNDS {
            let before = self.state.assignment.clone();
            self.phase("relieve", Self::relieve);
            self.phase("empty", Self::empty);
            if round > 0 && self.state.assignment == before {
                break;
            }
            let done = self.iterations;
            let seed = effort.seed.wrapping_add(round as u64);
            self.phase("improve", |search| search.improve(Effort { iterations: left, seed }));
            left = left.saturating_sub(self.iterations - done);
        }
        self.settle();
    }

    /// Relieves and empties until neither finds anything.
    fn settle(&mut self) {
        for _ in 0..ROUNDS {
            let before = self.state.assignment.clone();
            self.phase("relieve", Self::relieve);
            self.phase("empty", Self::empty);
            if self.state.assignment == before {
                return;
            }
        }
    }

    /// Runs one phase and asserts what all of them promise: the score is no worse, and what is
    /// fixed has not moved.
    fn phase(&mut self, name: &str, phase: impl FnOnce(&mut Self)) {
        if (self.stop)() {
            return;
        }
        let before = self.state.score();
        phase(self);
        let change = before.minus(&self.state.score());
        debug_assert!(!change.improves(), "`{name}` made the score worse by {change:?}");
        let fixed = |item: &usize| self.state.problem.items[*item].fixed;
        debug_assert!(
            (0..self.state.assignment.len()).filter(fixed).all(|item| !self.state.is_moved(item)),
            "`{name}` moved a fixed item"
        );
    }

    /// Tries the moves of the plan before, together where they belong together: what was a good
    /// answer a step ago is kept unless a better one pays.
    fn suggest(&mut self) {
        let problem = self.state.problem;
        for suggestion in &problem.suggestions {
            let mark = self.state.mark();
            let mut change = Score::default();
            for (item, host) in suggestion {
                add(&mut change, &self.follow(*item as usize, *host));
            }
            let answers = change.broken < -Score::TOLERANCE
                || (change.broken <= Score::TOLERANCE && change.violation < -Score::TOLERANCE);
            if answers || self.empties(suggestion, mark, &change) {
                suggestion.iter().for_each(|(item, _)| self.follows[*item as usize] = true);
            } else {
                self.state.take_back(mark);
            }
        }
    }

    /// Moves `item` to `host` where it may go there; what that changes.
    fn follow(&mut self, item: usize, host: HostIndex) -> Score {
        let start = self.state.start[item].index();
        let mut change = Score::default();
        if self.state.problem.items[item].fixed || self.state.assignment[item] == host {
            return change;
        }
        let departure = self.state.departure(item);
        let answers = self.causes[start];
        let most = self.state.sharing_bound(self.state.start[item]);
        let wanted: &[Requirement] = if answers {
            &[Requirement::Keep, Requirement::ShareExcess(most)]
        } else {
            &[Requirement::Pack]
        };
        let arrival = wanted.iter().find_map(|wanted| self.state.arrival(item, host, *wanted));
        if let Some(arrival) = arrival {
            change = departure;
            add(&mut change, &arrival);
            self.state.put(item, host);
        }
        change
    }

    /// Whether the moves since `mark` empty every host that they leave and save enough by it.
    fn empties(&mut self, suggestion: &Suggestion, mark: usize, change: &Score) -> bool {
        let Some(emptying) = self.state.problem.emptying else { return false };
        let moves = self.state.cost_of_moves(mark);
        let left = || suggestion.iter().map(|(item, _)| self.state.start[*item as usize]);
        let saves = change.improves() && moves - change.cost > emptying.gain_factor * moves;
        if !saves || !left().all(|host| self.state.is_empty(host)) {
            return false;
        }
        left().for_each(|host| self.emptied[host.index()] = true);
        self.emptying_moves += suggestion.len();
        true
    }

    /// Finds a place for what is on hosts to be evacuated, the most important and largest first.
    ///
    /// Afterwards no stranded item has a target left that could take it.
    fn place(&mut self) {
        let problem = self.state.problem;
        let mut stranded: Vec<usize> = (0..problem.items.len())
            .filter(|item| {
                let host = self.state.assignment[*item];
                problem.hosts[host.index()].evacuate && !problem.items[*item].fixed
            })
            .collect();
        stranded.sort_by(|a, b| {
            let key = |item: usize| (problem.items[item].strand_weight, self.state.size(item));
            key(*b).partial_cmp(&key(*a)).expect("weights and sizes are numbers").then(a.cmp(b))
        });
        for item in stranded {
            if (self.stop)() {
                return;
            }
            let bears = problem.items[item].strand_weight >= 1.0;
            let wanted = [Requirement::Fill, Requirement::Keep, Requirement::Bear];
            let wanted = &wanted[..if bears { 3 } else { 2 }];
            let target = wanted.iter().find_map(|requirement| {
                let open = |host: HostIndex| problem.hosts[host.index()].open;
                self.state.best_target(item, *requirement, &open)
            });
            if let Some(target) = target.filter(|target| target.change.improves()) {
                self.state.put(item, target.host);
            }
        }
    }

    /// Moves members of broken groups, and what is where it may not be, to where that mends.
    fn mend(&mut self) {
        let problem = self.state.problem;
        for group in 0..problem.groups.len() {
            for member in &problem.groups[group].members {
                if self.state.group_broken(group) == 0.0 || (self.stop)() {
                    break;
                }
                self.mend_item(*member as usize);
            }
        }
        for item in 0..problem.items.len() {
            if !problem.allows(item, self.state.assignment[item]) {
                self.mend_item(item);
            }
        }
        self.unload();
    }

    /// Moves the largest items off hosts that hold more than they have.
    fn unload(&mut self) {
        for host in hosts(self.state.problem) {
            let mut items = self.movable(host);
            items.sort_by_key(|item| std::cmp::Reverse(self.state.problem.holds(*item).to_vec()));
            for item in items {
                if self.state.worth(host).broken <= Score::TOLERANCE {
                    break;
                }
                self.mend_item(item);
            }
        }
    }

    fn mend_item(&mut self, item: usize) {
        if self.state.problem.items[item].fixed {
            return;
        }
        for requirement in [Requirement::Fill, Requirement::Keep] {
            let target = self.state.best_target(item, requirement, &|_| true);
            if let Some(target) = target.filter(|t| t.change.broken < -Score::TOLERANCE) {
                self.state.put(item, target.host);
                return;
            }
        }
    }

    /// Tries a host unless that has come to nothing before. Whether it changed anything.
    fn try_host(
        &mut self,
        host: HostIndex,
        attempt: Attempt,
        try_it: impl FnOnce(&mut Self) -> bool,
    ) -> bool {
        let (host, attempt) = (host.index(), attempt as usize);
        if self.futile[host][attempt] {
            return false;
        }
        let changed = try_it(self);
        self.futile[host][attempt] = !changed;
        changed
    }

    /// Whether `item` may be moved by a search for less cost.
    pub(crate) fn is_licensed(&self, item: usize) -> bool {
        let terms = &self.state.problem.items[item];
        let start = self.state.start[item].index();
        !terms.fixed && (!terms.needs_cause || self.state.is_moved(item) || self.causes[start])
    }
}

/// All hosts of a problem.
pub(crate) fn hosts(problem: &Problem) -> impl Iterator<Item = HostIndex> + use<> {
    (0..problem.hosts.len() as u32).map(HostIndex)
}

pub(crate) fn add(sum: &mut Score, part: &Score) {
    sum.broken += part.broken;
    sum.violation += part.violation;
    sum.cost += part.cost;
}
