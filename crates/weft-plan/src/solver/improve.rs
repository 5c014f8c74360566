//! Phase `improve`: a search around what was moved, for less violation or less cost.
//!
//! Neighbourhoods are a shift of one item, an exchange of two, and a small destruction repaired by
//! insertion with regret (Pisinger & Ropke 2007, section 3: the item with the most to lose goes
//! first). It must never move for cost alone what has no cause to move.

use rand::RngExt;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::problem::{Effort, HostIndex, Score};
use crate::solver::state::{NOWHERE, Requirement, Target};
use crate::solver::{Search, add};

/// The most items that one neighbourhood takes out.
const MOST_DESTROYED: usize = 4;
/// The search ends after this many fruitless neighbourhoods for each item it may move.
const PATIENCE: u64 = 2;
/// Where it may move many items, it ends after this many fruitless neighbourhoods all the same: a
/// plan is made anew every few minutes, and what it misses now it finds then.
const MOST_PATIENCE: u64 = 128;

impl Search<'_> {
    pub(super) fn improve(&mut self, effort: Effort) {
        let mut random = ChaCha8Rng::seed_from_u64(effort.seed);
        let mut licensed = self.licensed();
        let mut fruitless = 0;
        for _ in 0..effort.iterations {
            let patience = (PATIENCE * licensed.len() as u64).min(MOST_PATIENCE);
            if licensed.is_empty() || fruitless > patience || (self.stop)() {
                return;
            }
            self.iterations += 1;
            let found = match random.random_range(0..8_u32) {
                0..5 => {
                    let item = licensed[random.random_range(0..licensed.len())];
                    self.shift(item)
                }
                5 | 6 => {
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

    /// Whether a change is worth having: better, and not a further move for cost alone.
    fn is_welcome(&self, change: &Score, further_moves: i64) -> bool {
        let is_for_cost =
            change.broken >= -Score::TOLERANCE && change.violation >= -Score::TOLERANCE;
        change.improves() && !(is_for_cost && further_moves > 0)
    }

    fn moves_for_cause(&self, items: &[usize]) -> i64 {
        let needs_cause = |item: &&usize| self.state.problem.items[**item].needs_cause;
        items.iter().filter(needs_cause).filter(|item| self.state.is_moved(**item)).count() as i64
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
        let before = self.moves_for_cause(&[item]);
        let mark = self.state.mark();
        self.state.put(item, target.host);
        if self.is_welcome(&target.change, self.moves_for_cause(&[item]) - before) {
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
        let before = self.moves_for_cause(&[one, other]);
        self.state.put(one, NOWHERE);
        let mut fits = self.state.arrival(other, home, Requirement::Fill).is_some();
        if fits {
            self.state.put(other, home);
            fits = self.state.arrival(one, away, Requirement::Fill).is_some();
        }
        if fits {
            self.state.put(one, away);
            let change = self.state.score().minus(&score);
            if self.is_welcome(&change, self.moves_for_cause(&[one, other]) - before) {
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
        let before = self.moves_for_cause(&taken);
        for item in &taken {
            self.state.put(*item, NOWHERE);
        }
        if self.repair(&taken) {
            let change = self.state.score().minus(&score);
            if self.is_welcome(&change, self.moves_for_cause(&taken) - before) {
                return true;
            }
        }
        self.state.take_back(mark);
        false
    }

    /// Puts every item somewhere, the one first whose second-best place is worst against its best.
    fn repair(&mut self, taken: &[usize]) -> bool {
        let mut left = taken.to_vec();
        while !left.is_empty() {
            let mut chosen: Option<(Score, usize, HostIndex)> = None;
            for (position, item) in left.iter().enumerate() {
                let Some((best, regret)) = self.best_and_regret(*item) else { return false };
                let is_more = |other: &Score| other.minus(&regret).improves();
                if chosen.as_ref().is_none_or(|(most, ..)| is_more(most)) {
                    chosen = Some((regret, position, best.host));
                }
            }
            let (_, position, host) = chosen.expect("there is an item left, so one was chosen");
            self.state.put(left.remove(position), host);
        }
        true
    }

    /// The best place, and how much worse the second-best is.
    fn best_and_regret(&mut self, item: usize) -> Option<(Target, Score)> {
        let requirement = self.requirement(item);
        let best = self.state.best_target(item, requirement, &|_| true)?;
        let others = |host: HostIndex| host != best.host;
        let second = self.state.best_target(item, requirement, &others);
        let mut regret = Score { broken: 1.0, ..Score::default() };
        if let Some(second) = second {
            regret = Score::default();
            add(&mut regret, &second.change.minus(&best.change));
        }
        Some((best, regret))
    }
}
