//! What a move does to the groups of its item: constraints, dependencies, the cost of moving many.
//!
//! A rule that one group breaks less never excuses another that it breaks more.

use super::{NOWHERE, State};
use crate::problem::{Constraint, HostIndex, NO_PART};

impl State<'_> {
    /// By how much `item` on `to` breaks its groups more than where it is: if any of them more, that
    /// much, whatever the others gain.
    pub(crate) fn group_change(&self, item: usize, to: HostIndex) -> f64 {
        let from = self.assignment[item];
        let groups = self.groups_of[item].iter();
        let of_groups = groups.map(|group| self.one_group_change(*group as usize, from, to));
        let needs = self.needs_of[item].iter();
        let of_needs =
            needs.map(|(number, role)| self.need_change(*number as usize, *role, from, to));
        let mut sum = 0.0;
        for change in of_groups.chain(of_needs) {
            if change > 0.0 {
                return change;
            }
            sum += change;
        }
        sum
    }

    /// The groups of `item` that it would break more on `to` than where it is.
    pub(crate) fn groups_broken(&self, item: usize, to: HostIndex) -> Vec<usize> {
        let from = self.assignment[item];
        let groups = self.groups_of[item].iter().map(|group| *group as usize);
        groups.filter(|group| self.one_group_change(*group, from, to) > 0.0).collect()
    }

    fn one_group_change(&self, group: usize, from: HostIndex, to: HostIndex) -> f64 {
        let constraint = self.problem.groups[group].constraint;
        let parts = &self.problem.domains[domain_of(constraint)];
        let part = |host: HostIndex| if host == NOWHERE { NO_PART } else { parts[host.index()] };
        let (out, into) = (part(from), part(to));
        if out == into {
            return 0.0;
        }
        let counts = &self.counts[group];
        let count = |part: u32| counts.get(&part).copied().unwrap_or(0);
        let number = |is: bool| f64::from(u8::from(is));
        let opens = number(into != NO_PART && count(into) == 0);
        let closes = number(out != NO_PART && count(out) == 1);
        let used = counts.values().filter(|count| **count > 0).count() as f64;
        match constraint {
            // Who joins another is to blame, also where that parts company elsewhere.
            Constraint::Apart { .. } if into != NO_PART && count(into) > 0 => 1.0,
            Constraint::Apart { .. } => -number(out != NO_PART && count(out) > 1),
            Constraint::Together { .. } => torn(used + opens - closes) - torn(used),
            Constraint::Spread { minimum, surplus, .. } => {
                let running = workloads(counts.values().sum::<u32>(), surplus);
                let more = number(into != NO_PART) - number(out != NO_PART);
                missing(minimum, running + more, used + opens - closes)
                    - missing(minimum, running, used)
            }
        }
    }

    fn need_change(&self, dependency: usize, role: usize, from: HostIndex, to: HostIndex) -> f64 {
        let parts = &self.problem.domains[self.problem.dependencies[dependency].domain];
        let unmet = |[dependents, providers]: [u32; 2]| {
            f64::from(if providers == 0 { dependents } else { 0 })
        };
        let at = |part: u32| self.needs[dependency].get(&part).copied().unwrap_or_default();
        let into = parts[to.index()];
        let mut change = 0.0;
        let mut out = None;
        if from != NOWHERE {
            out = Some(parts[from.index()]);
        }
        if out == Some(into) {
            return 0.0;
        }
        let mut counts = at(into);
        change -= unmet(counts);
        counts[role] += 1;
        change += unmet(counts);
        if let Some(part) = out {
            let mut counts = at(part);
            change -= unmet(counts);
            counts[role] -= 1;
            change += unmet(counts);
        }
        change
    }

    pub(super) fn move_group_change(&self, item: usize, to: HostIndex) -> f64 {
        if self.problem.move_group_weight == 0.0 || self.move_groups_of[item].is_empty() {
            return 0.0;
        }
        let was_moved = self.assignment[item] != NOWHERE && self.is_moved(item);
        let is_moved = to != self.start[item];
        let before = self.moved_of_group.iter().copied().max().unwrap_or(0);
        let shift = i64::from(is_moved) - i64::from(was_moved);
        let after = (0..self.moved_of_group.len() as u32)
            .map(|group| {
                let moved = i64::from(self.moved_of_group[group as usize]);
                moved + if self.move_groups_of[item].contains(&group) { shift } else { 0 }
            })
            .max();
        self.problem.move_group_weight * (after.unwrap_or(0) - i64::from(before)) as f64
    }

    /// How many rules a group breaks.
    pub(crate) fn group_broken(&self, group: usize) -> f64 {
        let counts = self.counts[group].values().copied().filter(|count| *count > 0);
        match self.problem.groups[group].constraint {
            Constraint::Apart { .. } => counts.map(|count| f64::from(count - 1)).sum(),
            Constraint::Together { .. } => torn(counts.count() as f64),
            Constraint::Spread { minimum, surplus, .. } => {
                let running = workloads(self.counts[group].values().sum::<u32>(), surplus);
                missing(minimum, running, counts.count() as f64)
            }
        }
    }
}

/// How many domains too many a group that stays together is in.
fn torn(used: f64) -> f64 {
    (used - 1.0).max(0.0)
}

/// How many workloads run of which there are so many replicas.
fn workloads(replicas: u32, surplus: u32) -> f64 {
    f64::from(replicas.saturating_sub(surplus))
}

/// How many domains a spread lacks; it asks for no more than there are members that run.
fn missing(minimum: u32, running: f64, used: f64) -> f64 {
    (f64::from(minimum).min(running) - used).max(0.0)
}

pub(super) const fn domain_of(constraint: Constraint) -> usize {
    match constraint {
        Constraint::Apart { domain }
        | Constraint::Together { domain }
        | Constraint::Spread { domain, .. } => domain,
    }
}
