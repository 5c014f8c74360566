//! Phase `improve`: a search around what was moved, for less violation or less cost.
//!
//! Neighbourhoods are a shift of one item, an exchange of two, and a small destruction repaired by
//! insertion with regret (Pisinger & Ropke 2007, section 3: the item with the most to lose goes
//! first). It must never move for cost alone what has no cause to move.

use rand::RngExt;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::problem::{Effort, HostIndex, Score};
use crate::solver::Search;
use crate::solver::state::{NOWHERE, Requirement, Target, TwoBest};

/// The most items that one neighbourhood takes out.
const MOST_DESTROYED: usize = 4;
/// One insertion in so many takes the second-best place.
const STRAYS: u32 = 5;
/// The regret of an item that fits nowhere else: larger than any other.
const NO_OTHER: Score = Score { broken: f64::INFINITY, violation: 0.0, cost: 0.0 };
/// The search ends when it has looked at about this many targets, neighbourhood after neighbourhood,
/// without finding anything: a plan is made anew every few minutes, and what one misses the next
/// finds. It is a few milliseconds' work, whatever the size of the fleet.
const PATIENCE: usize = 10_000;
/// The least and the most fruitless neighbourhoods.
const PATIENCE_BOUNDS: (usize, usize) = (48, 1_000);

/// What a neighbourhood must not raise.
struct Effects {
    /// Moves of items that need a cause.
    moves: usize,
    /// Hosts that cannot take before they give.
    crowded: usize,
}

impl Search<'_> {
    pub(super) fn improve(&mut self, effort: Effort) {
        let mut random = ChaCha8Rng::seed_from_u64(effort.seed);
        let mut licensed = self.licensed();
        let mut fruitless = 0;
        let targets = self.state.problem.hosts.len().max(1);
        let patience = (PATIENCE / targets).clamp(PATIENCE_BOUNDS.0, PATIENCE_BOUNDS.1);
        for _ in 0..effort.iterations {
            if licensed.is_empty() || fruitless > patience || (self.stop)() {
                return;
            }
            self.iterations += 1;
            let found = match random.random_range(0..6_u32) {
                0..3 => {
                    let item = licensed[random.random_range(0..licensed.len())];
                    self.shift(item)
                }
                3 => {
                    let one = licensed[random.random_range(0..licensed.len())];
                    let other = licensed[random.random_range(0..licensed.len())];
                    self.exchange(one, other)
                }
                _ => self.destroy_and_repair(&licensed, &mut random),
            };
            fruitless += 1;
            if found {
                fruitless = 0;
                licensed = self.licensed();
            }
        }
    }

    fn licensed(&self) -> Vec<usize> {
        (0..self.state.assignment.len()).filter(|item| self.is_licensed(*item)).collect()
    }

    /// Whether a change is worth having: better, not a further move for cost alone, not one more
    /// host that takes before it gives; and to depart from the plan before it must save as much as
    /// those moves cost, so that people do not see plans flicker.
    fn is_welcome(&self, change: &Score, before: &Effects, items: &[usize]) -> bool {
        if !change.improves() {
            return false;
        }
        let is_for_cost =
            change.broken >= -Score::TOLERANCE && change.violation >= -Score::TOLERANCE;
        let followed = items.iter().filter(|item| self.follows[**item]);
        let stake: f64 = followed.map(|item| self.state.problem.items[*item].move_cost).sum();
        if is_for_cost && change.cost > -stake {
            return false;
        }
        let after = self.effects(items);
        !(is_for_cost && after.moves > before.moves) && after.crowded <= before.crowded
    }

    fn effects(&self, items: &[usize]) -> Effects {
        Effects { moves: self.moves_for_cause(items), crowded: self.state.crowded_hosts() }
    }

    fn moves_for_cause(&self, items: &[usize]) -> usize {
        let needs_cause = |item: &&usize| self.state.problem.items[**item].needs_cause;
        items.iter().filter(needs_cause).filter(|item| self.state.is_moved(**item)).count()
    }

    /// What an item left an emptied host for may be packed tighter than an answer.
    fn requirement(&self, item: usize) -> Requirement {
        let is_emptied = self.emptied[self.state.start[item].index()];
        if is_emptied { Requirement::Pack } else { Requirement::Fill }
    }

    fn shift(&mut self, item: usize) -> bool {
        let (admits, requirement) = (|_: HostIndex| true, self.requirement(item));
        let Some(target) = self.state.best_target(item, requirement, &admits) else {
            return false;
        };
        let before = self.effects(&[item]);
        let mark = self.state.mark();
        self.state.put(item, target.host);
        if self.is_welcome(&target.change, &before, &[item]) {
            return true;
        }
        self.state.take_back(mark);
        false
    }

    /// Two items change places.
    fn exchange(&mut self, one: usize, other: usize) -> bool {
        let (home, away) = (self.state.assignment[one], self.state.assignment[other]);
        if home == away {
            return false;
        }
        let (mark, score) = (self.state.mark(), self.state.score());
        let before = self.effects(&[one, other]);
        self.state.put(one, NOWHERE);
        let mut fits = self.state.arrival(other, home, Requirement::Fill).is_some();
        if fits {
            self.state.put(other, home);
            fits = self.state.arrival(one, away, Requirement::Fill).is_some();
        }
        if fits {
            self.state.put(one, away);
            let change = self.state.score().minus(&score);
            if self.is_welcome(&change, &before, &[one, other]) {
                return true;
            }
        }
        self.state.take_back(mark);
        false
    }

    fn destroy_and_repair(&mut self, licensed: &[usize], random: &mut ChaCha8Rng) -> bool {
        let count = random.random_range(2..=MOST_DESTROYED).min(licensed.len());
        let mut taken = Vec::with_capacity(count);
        let seed_item = licensed[random.random_range(0..licensed.len())];
        taken.push(seed_item);
        while taken.len() < count {
            taken.push(licensed[random.random_range(0..licensed.len())]);
        }
        taken.sort_unstable();
        taken.dedup();
        let (mark, score) = (self.state.mark(), self.state.score());
        let before = self.effects(&taken);
        for item in &taken {
            self.state.put(*item, NOWHERE);
        }
        if self.repair(&taken, random) {
            let change = self.state.score().minus(&score);
            if self.is_welcome(&change, &before, &taken) {
                return true;
            }
        }
        self.state.take_back(mark);
        false
    }

    /// Puts every item somewhere, the one first whose second-best place is worst against its best;
    /// now and then into that second-best, so that the same ruin is not always rebuilt alike.
    fn repair(&mut self, taken: &[usize], random: &mut ChaCha8Rng) -> bool {
        let mut left: Vec<(usize, Option<TwoBest>)> = taken.iter().map(|i| (*i, None)).collect();
        while !left.is_empty() {
            let mut chosen: Option<(Score, usize)> = None;
            for (position, (item, known)) in left.iter_mut().enumerate() {
                if known.is_none() {
                    let requirement = self.requirement(*item);
                    *known = self.state.two_best_targets(*item, requirement, &|_| true);
                }
                let Some((best, second)) = known else { return false };
                let regret = second.map_or(NO_OTHER, |second| second.change.minus(&best.change));
                let is_more = |other: &Score| other.minus(&regret).improves();
                if chosen.as_ref().is_none_or(|(most, _)| is_more(most)) {
                    chosen = Some((regret, position));
                }
            }
            let (_, position) = chosen.expect("there is an item left, so one was chosen");
            let (item, known) = left.remove(position);
            let (best, second) = known.expect("what was chosen was looked at");
            let strays = random.random_range(0..STRAYS) == 0;
            let host = second.filter(|_| strays).unwrap_or(best).host;
            self.state.put(item, host);
            let meets = |target: &Target| target.host == host;
            for (_, known) in &mut left {
                *known = known
                    .filter(|(best, second)| !meets(best) && !second.as_ref().is_some_and(meets));
            }
        }
        true
    }
}
