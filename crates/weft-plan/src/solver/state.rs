//! A placement with everything kept that makes its change cheap to judge.
//!
//! The loads of a host depend on who is there only, never on the order in which they came, so a
//! change that is taken back leaves no trace. Judging must never change anything.

use std::collections::BTreeMap;

use crate::demand::{Loads, Outlook};
use crate::problem::{Flow, HostIndex, NO_PART, Problem, Score};
use crate::solver::loss::Loss;

mod groups;
mod limits;
mod ranking;
mod targets;

use groups::domain_of;
use ranking::Ranking;

/// Where an item is that a neighbourhood has taken out.
pub(crate) const NOWHERE: HostIndex = HostIndex(u32::MAX);

/// What a relative excess of the quantile, squared, weighs against an expected relative excess.
const QUANTILE_WEIGHT: f64 = 0.05;

/// What a host must show for an item to be put there.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Requirement {
    /// The chance constraint with the multipliers for filling.
    Fill,
    /// The chance constraint with the multipliers for emptying other hosts.
    Pack,
    /// No bucket pushed beyond the full multipliers.
    Keep,
    /// Where a quantile is pushed beyond its limit, by the full multipliers, no expected excess above
    /// this share of the limit (see `State::strain`): what is left to a fleet that is too full to
    /// keep its confidence anywhere.
    ShareExcess(f32),
    /// Anything; the least violation wins.
    Bear,
}

/// A target and what the score changes by moving there.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Target {
    pub(crate) host: HostIndex,
    pub(crate) change: Score,
}

/// The best target, and the one after it if there is one.
pub(crate) type TwoBest = (Target, Option<Target>);

/// See the module's page.
pub(crate) struct State<'p> {
    pub(crate) problem: &'p Problem,
    pub(crate) start: &'p [HostIndex],
    pub(crate) assignment: Vec<HostIndex>,
    members: Vec<Vec<u32>>,
    held: Vec<i64>,
    lingering: Vec<i64>,
    loads: Loads,
    worth: Vec<Score>,
    pub(crate) ranking: Ranking,
    groups_of: Vec<Vec<u32>>,
    counts: Vec<BTreeMap<u32, u32>>,
    /// Per dependency and domain part: dependents, providers.
    needs: Vec<BTreeMap<u32, [u32; 2]>>,
    needs_of: Vec<Vec<(u32, usize)>>,
    move_groups_of: Vec<Vec<u32>>,
    moved_of_group: Vec<u32>,
    pub(crate) loss: Loss,
    running_hours: f64,
    pub(crate) empty_class: Vec<u32>,
    class_seen: Vec<u32>,
    epoch: u32,
    scratch: Outlook,
    scratch_held: Vec<i64>,
    /// What was moved, from where, for taking back.
    log: Vec<(u32, HostIndex)>,
}

impl<'p> State<'p> {
    pub(crate) fn new(problem: &'p Problem, start: &'p [HostIndex]) -> Self {
        let (items, hosts) = (problem.items.len(), problem.hosts.len());
        let mut state = Self {
            problem,
            start,
            assignment: vec![NOWHERE; items],
            members: vec![Vec::new(); hosts],
            held: vec![0; hosts * problem.held.len()],
            lingering: vec![0; hosts * problem.held.len()],
            loads: Loads::new(&problem.demands, hosts),
            worth: vec![Score::default(); hosts],
            ranking: Ranking::new(hosts),
            groups_of: listed_by_item(items, problem.groups.iter().map(|group| &group.members)),
            counts: vec![BTreeMap::new(); problem.groups.len()],
            needs: vec![BTreeMap::new(); problem.dependencies.len()],
            needs_of: needs_by_item(problem),
            move_groups_of: listed_by_item(items, problem.move_groups.iter()),
            moved_of_group: vec![0; problem.move_groups.len()],
            loss: Loss::new(),
            running_hours: problem.buckets.iter().map(|bucket| bucket.running_hours).sum(),
            empty_class: empty_classes(problem),
            class_seen: vec![0; hosts],
            epoch: 0,
            scratch: Outlook::default(),
            scratch_held: Vec::new(),
            log: Vec::new(),
        };
        for (item, host) in start.iter().enumerate() {
            state.enter(item, *host);
        }
        state.lingering.fill(0);
        (0..hosts).for_each(|host| state.refresh(host));
        state
    }

    pub(crate) fn members(&self, host: HostIndex) -> &[u32] {
        &self.members[host.index()]
    }

    pub(crate) fn is_empty(&self, host: HostIndex) -> bool {
        self.members[host.index()].is_empty()
    }

    /// The host's part of the score.
    pub(crate) fn worth(&self, host: HostIndex) -> Score {
        self.worth[host.index()]
    }

    pub(crate) fn mean(&self, host: HostIndex) -> &[f32] {
        self.loads.mean(host.index())
    }

    pub(crate) fn spread(&self, host: HostIndex) -> &[f32] {
        self.loads.spread(host.index())
    }

    pub(crate) fn held(&self, host: HostIndex) -> &[i64] {
        let count = self.problem.held.len();
        &self.held[host.index() * count..(host.index() + 1) * count]
    }

    pub(crate) fn is_moved(&self, item: usize) -> bool {
        self.assignment[item] != self.start[item]
    }

    /// What a further replica holds on the start of what it shares with: nothing.
    fn holds(&self, item: usize, host: HostIndex, dimension: usize) -> i64 {
        if self.problem.items[item].replica && host == self.start[item] {
            return 0;
        }
        self.problem.holds[item * self.problem.held.len() + dimension]
    }

    // Changing.

    /// Moves `item` to `to`; it can be taken back.
    pub(crate) fn put(&mut self, item: usize, to: HostIndex) {
        let from = self.assignment[item];
        self.log.push((item as u32, from));
        self.put_without_log(item, to);
    }

    fn put_without_log(&mut self, item: usize, to: HostIndex) {
        let from = self.assignment[item];
        if from == to {
            return;
        }
        if from != NOWHERE {
            self.leave(item, from);
            self.refresh(from.index());
        }
        if to != NOWHERE {
            self.enter(item, to);
            self.refresh(to.index());
        }
    }

    /// A mark to take back to.
    pub(crate) fn mark(&self) -> usize {
        self.log.len()
    }

    /// Takes back every change since `mark`.
    pub(crate) fn take_back(&mut self, mark: usize) {
        while self.log.len() > mark {
            let (item, from) = self.log.pop().expect("the log is longer than the mark");
            self.put_without_log(item as usize, from);
        }
    }

    fn enter(&mut self, item: usize, host: HostIndex) {
        let index = host.index();
        let at = self.members[index].partition_point(|member| (*member as usize) < item);
        self.members[index].insert(at, item as u32);
        self.assignment[item] = host;
        self.account(item, host, 1);
    }

    fn leave(&mut self, item: usize, host: HostIndex) {
        let index = host.index();
        let at = self.members[index].partition_point(|member| (*member as usize) < item);
        self.members[index].remove(at);
        self.assignment[item] = NOWHERE;
        self.account(item, host, -1);
    }

    fn account(&mut self, item: usize, host: HostIndex, sign: i64) {
        let count = self.problem.held.len();
        for dimension in 0..count {
            let amount = sign * self.holds(item, host, dimension);
            self.held[host.index() * count + dimension] += amount;
            if self.problem.held[dimension].transient && host == self.start[item] {
                self.lingering[host.index() * count + dimension] -= amount;
            }
        }
        let step = |number: &mut u32| *number = number.wrapping_add_signed(sign as i32);
        for group in &self.groups_of[item] {
            let domain = domain_of(self.problem.groups[*group as usize].constraint);
            let part = self.problem.domains[domain][host.index()];
            if part != NO_PART {
                step(self.counts[*group as usize].entry(part).or_default());
            }
        }
        for (dependency, role) in &self.needs_of[item] {
            let domain = self.problem.dependencies[*dependency as usize].domain;
            let part = self.problem.domains[domain][host.index()];
            step(&mut self.needs[*dependency as usize].entry(part).or_default()[*role]);
        }
        if host != self.start[item] {
            for group in &self.move_groups_of[item] {
                step(&mut self.moved_of_group[*group as usize]);
            }
        }
    }

    fn refresh(&mut self, host: usize) {
        if !self.problem.flows.is_empty() {
            self.loads.rebuild(&self.problem.demands, host, &self.members[host]);
        }
        let count = self.problem.held.len();
        let held = &self.held[host * count..(host + 1) * count];
        let is_used = !self.members[host].is_empty();
        let (mean, spread) = (self.loads.mean(host), self.loads.spread(host));
        self.worth[host] = self.judge(host, mean, spread, held, is_used);
        let host = HostIndex(host as u32);
        self.ranking.set(host, self.peak(host, |flow| &flow.fill));
    }

    // Judging.

    /// The host's part of the score with these loads.
    fn judge(&self, host: usize, mean: &[f32], spread: &[f32], held: &[i64], used: bool) -> Score {
        let mut score = self.judge_held(host, held);
        let width = self.problem.demands.width();
        for (dimension, flow) in self.problem.flows.iter().enumerate() {
            let rows = dimension * width..(dimension + 1) * width;
            let (mean, spread) = (&mean[rows.clone()], &spread[rows]);
            let terms = &self.problem.hosts[host];
            score.violation += self.violation(&flow.keep, terms.limit[dimension], mean, spread);
            score.cost += self.overload_cost(dimension, terms.capacity[dimension], mean, spread);
        }
        if used {
            score.cost += self.running_cost(host, mean);
        }
        score
    }

    fn judge_held(&self, host: usize, held: &[i64]) -> Score {
        let terms = &self.problem.hosts[host];
        let mut score = Score::default();
        for (dimension, kind) in self.problem.held.iter().enumerate() {
            let lingering = self.lingering[host * held.len() + dimension];
            let excess = held[dimension] + lingering - terms.hard[dimension];
            if excess > 0 {
                score.broken += excess as f64 / terms.hard[dimension].max(1) as f64;
            }
            if kind.soft_weight > 0.0 {
                let soft = (held[dimension] - terms.soft[dimension]).max(0);
                score.cost += kind.soft_weight * soft as f64;
            }
        }
        for balance in &self.problem.balances {
            let free = |dimension: usize| terms.hard[dimension] - held[dimension];
            let missing = balance.target * free(balance.first) - free(balance.second);
            score.cost += balance.weight * missing.max(0) as f64;
        }
        score
    }

    /// How badly the chance constraint is violated: in the buckets whose quantile is above the limit,
    /// the demand above it that is expected, and a little of the quantile's own excess, squared; both
    /// relative to the limit, weighted by urgency, over every run of buckets that is long enough.
    /// Both are convex: two hosts that are a little short are better than one that is very short. The
    /// quantile alone would mislead: with a heavy tail it is far above the limit on a host that hardly
    /// ever is, and would hide one that certainly will be.
    fn violation(&self, multipliers: &[f32], limit: f32, mean: &[f32], spread: &[f32]) -> f64 {
        let buckets = &self.problem.buckets;
        let (mut total, mut run, mut steps) = (0.0, 0.0, 0);
        for (index, bucket) in buckets.iter().enumerate() {
            let quantile = mean[index] + multipliers[index] * spread[index];
            if quantile > limit {
                let excess = f64::from(quantile - limit) / f64::from(limit.max(1.0));
                let expected = self.loss.excess(mean[index], spread[index], limit) / limit.max(1.0);
                run += bucket.urgency * (f64::from(expected) + QUANTILE_WEIGHT * excess * excess);
                steps += bucket.steps;
            } else {
                if steps >= self.problem.consecutive_steps {
                    total += run;
                }
                (run, steps) = (0.0, 0);
            }
        }
        total + if steps >= self.problem.consecutive_steps { run } else { 0.0 }
    }

    fn overload_cost(&self, dimension: usize, capacity: f32, mean: &[f32], spread: &[f32]) -> f64 {
        let price = self.problem.flows[dimension].overload_price;
        if price == 0.0 || capacity == f32::INFINITY {
            return 0.0;
        }
        let mut excess = 0.0;
        for (index, bucket) in self.problem.buckets.iter().enumerate() {
            let here = self.loss.excess(mean[index], spread[index], capacity);
            excess += bucket.overload_hours * f64::from(here);
        }
        price * excess
    }

    fn running_cost(&self, host: usize, mean: &[f32]) -> f64 {
        let terms = &self.problem.hosts[host];
        let mut cost = terms.price_per_hour * self.running_hours;
        let Some(power) = &terms.power else { return cost };
        if self.problem.flows.is_empty() {
            return cost + power.cost_per_hour[0] * self.running_hours;
        }
        let scale = 10.0 / terms.capacity[0];
        for (index, bucket) in self.problem.buckets.iter().enumerate() {
            let position = (mean[index] * scale).clamp(0.0, 10.0);
            let below = (position as usize).min(9);
            let (low, high) = (power.cost_per_hour[below], power.cost_per_hour[below + 1]);
            cost +=
                bucket.running_hours * (low + f64::from(position - below as f32) * (high - low));
        }
        cost
    }

    /// What the overload of `host` would cost if it came true in the runs that violate its
    /// constraint: price × E[excess | excess].
    pub(crate) fn damage(&self, host: HostIndex) -> f64 {
        let (mean, spread) = (self.mean(host), self.spread(host));
        let width = self.problem.demands.width();
        let terms = &self.problem.hosts[host.index()];
        let mut damage = 0.0;
        for (dimension, flow) in self.problem.flows.iter().enumerate() {
            let capacity = terms.capacity[dimension];
            for (index, bucket) in self.problem.buckets.iter().enumerate() {
                let (mean, spread) =
                    (mean[dimension * width + index], spread[dimension * width + index]);
                if mean + flow.keep[index] * spread > terms.limit[dimension] {
                    let excess = self.loss.excess(mean, spread, capacity);
                    let probability = self.loss.probability(mean, spread, capacity);
                    damage += flow.overload_price
                        * bucket.overload_hours
                        * f64::from(excess / probability);
                }
            }
        }
        damage
    }

    fn item_broken(&self, item: usize, host: HostIndex) -> f64 {
        let misplaced = if self.problem.allows(item, host) { 0.0 } else { 1.0 };
        let stranded = self.problem.hosts[host.index()].evacuate;
        misplaced + if stranded { self.problem.items[item].strand_weight } else { 0.0 }
    }

    /// What changes on its host and for itself when `item` leaves, without its groups.
    pub(crate) fn departure(&mut self, item: usize) -> Score {
        let from = self.assignment[item];
        if from == NOWHERE {
            return Score::default();
        }
        let mut change = self.after(item, from, -1).minus(&self.worth[from.index()]);
        change.broken -= self.item_broken(item, from);
        change.cost -= self.problem.move_cost(item, self.start[item], from);
        change
    }

    /// The host's part of the score with `item` added or taken away.
    fn after(&mut self, item: usize, host: HostIndex, sign: i64) -> Score {
        let index = host.index();
        let mut scratch = std::mem::take(&mut self.scratch);
        let mut held = std::mem::take(&mut self.scratch_held);
        if !self.problem.flows.is_empty() {
            self.loads.with(&self.problem.demands, index, item, sign as f32, &mut scratch);
        }
        held.clear();
        held.extend_from_slice(self.held(host));
        for (dimension, amount) in held.iter_mut().enumerate() {
            *amount += sign * self.holds(item, host, dimension);
        }
        let used = self.members[index].len() as i64 + sign > 0;
        let score = self.judge(index, &scratch.mean, &scratch.spread, &held, used);
        self.scratch = scratch;
        self.scratch_held = held;
        score
    }

    /// Whether `host` is a place for `item` at all: open to it, or its start.
    pub(crate) fn may_enter(&self, item: usize, host: HostIndex) -> bool {
        host == self.start[item]
            || (self.problem.hosts[host.index()].open && self.problem.allows(item, host))
    }

    /// Whether everything that `item` holds finds room on `host`.
    pub(crate) fn has_room(&self, item: usize, host: HostIndex) -> bool {
        let count = self.problem.held.len();
        let terms = &self.problem.hosts[host.index()];
        (0..count).all(|dimension| {
            let amount = self.holds(item, host, dimension);
            let row = host.index() * count + dimension;
            let lingers = self.problem.held[dimension].transient && host == self.start[item];
            let used = self.held[row] + self.lingering[row] + if lingers { 0 } else { amount };
            amount == 0 || used <= terms.hard[dimension]
        })
    }

    /// Whether the means alone, or the least possible deviation, rule `host` out.
    fn is_screened_out(
        &self,
        item: usize,
        host: HostIndex,
        multipliers: fn(&Flow) -> &[f32],
    ) -> bool {
        let width = self.problem.demands.width();
        let (mean, spread) = (self.mean(host), self.spread(host));
        let terms = &self.problem.hosts[host.index()];
        self.problem.flows.iter().enumerate().any(|(dimension, flow)| {
            let more = self.problem.demands.mean(item, dimension);
            let sway = self.problem.demands.spread(item, dimension);
            let limit = terms.limit[dimension];
            let row = dimension * width;
            let multipliers = multipliers(flow);
            (0..multipliers.len()).any(|b| {
                let least = (spread[row + b] - sway[b]).abs();
                mean[row + b] + more[b] + multipliers[b] * least > limit
            })
        })
    }

    /// Whether the loads last judged keep the chance constraint with these multipliers.
    fn scratch_fills(&self, host: HostIndex, multipliers: fn(&Flow) -> &[f32]) -> bool {
        let width = self.problem.demands.width();
        let terms = &self.problem.hosts[host.index()];
        self.problem.flows.iter().enumerate().all(|(dimension, flow)| {
            let row = dimension * width;
            multipliers(flow).iter().enumerate().all(|(b, multiplier)| {
                let (mean, spread) = (self.scratch.mean[row + b], self.scratch.spread[row + b]);
                mean + multiplier * spread <= terms.limit[dimension]
            })
        })
    }

    /// Whether the loads last judged push no quantile up that is beyond its limit then, unless the
    /// excess that is to be expected is at most `most`.
    fn scratch_keeps(&self, host: HostIndex, most: f32) -> bool {
        let width = self.problem.demands.width();
        let (mean, spread) = (self.mean(host), self.spread(host));
        let terms = &self.problem.hosts[host.index()];
        self.problem.flows.iter().enumerate().all(|(dimension, flow)| {
            let row = dimension * width;
            flow.full.iter().enumerate().all(|(b, multiplier)| {
                let quantile =
                    |mean: &[f32], spread: &[f32]| mean[row + b] + multiplier * spread[row + b];
                let after = quantile(&self.scratch.mean, &self.scratch.spread);
                let limit = terms.limit[dimension];
                let strain = || {
                    self.strain_of(
                        b,
                        self.scratch.mean[row + b],
                        self.scratch.spread[row + b],
                        limit,
                    )
                };
                after <= limit || after <= quantile(mean, spread) || strain() <= most
            })
        })
    }

    /// What changes when `item`, on its way from where it is, arrives on `host`; none where `host`
    /// may not take it, has no room, breaks a group, or misses `requirement`.
    pub(crate) fn arrival(
        &mut self,
        item: usize,
        host: HostIndex,
        requirement: Requirement,
    ) -> Option<Score> {
        if !self.may_enter(item, host) || !self.has_room(item, host) {
            return None;
        }
        let way = self.problem.move_cost(item, self.start[item], host);
        let groups = self.group_change(item, host);
        if way == f64::INFINITY || groups > 0.0 {
            return None;
        }
        let multipliers: Option<fn(&Flow) -> &[f32]> = match requirement {
            _ if host == self.start[item] => None,
            Requirement::Fill => Some(|flow| &flow.fill),
            Requirement::Pack => Some(|flow| &flow.pack),
            _ => None,
        };
        if multipliers.is_some_and(|multipliers| self.is_screened_out(item, host, multipliers)) {
            return None;
        }
        let before = self.worth[host.index()];
        let mut change = self.after(item, host, 1).minus(&before);
        let holds = match (multipliers, requirement) {
            (Some(multipliers), _) => self.scratch_fills(host, multipliers),
            (None, Requirement::Bear) => true,
            (None, Requirement::ShareExcess(most)) => self.scratch_keeps(host, most),
            (None, _) => self.scratch_keeps(host, 0.0),
        };
        let bears = matches!(requirement, Requirement::Bear | Requirement::ShareExcess(_));
        if !holds || (!bears && change.violation > Score::TOLERANCE) {
            return None;
        }
        change.broken += groups + self.item_broken(item, host);
        change.cost += way + self.move_group_change(item, host);
        Some(change)
    }

    /// The last judged loads of an arrival: mean and deviation per dimension and bucket.
    pub(crate) fn last_outlook(&self) -> &Outlook {
        &self.scratch
    }

    /// How many hosts would hold more than they have if everything arrived before anything left.
    /// Moves hold room on both ends, so these need an order; two of them may need each other.
    pub(crate) fn crowded_hosts(&self) -> usize {
        let count = self.problem.held.len();
        let mut arrived = BTreeMap::new();
        for item in (0..self.assignment.len()).filter(|item| self.is_moved(*item)) {
            if !self.problem.items[item].needs_cause || self.assignment[item] == NOWHERE {
                continue;
            }
            for (host, sign) in [(self.start[item], 1), (self.assignment[item], 0)] {
                let sums = arrived.entry(host).or_insert_with(|| (vec![0_i64; count], false));
                sums.1 |= sign == 0;
                for (dimension, sum) in sums.0.iter_mut().enumerate() {
                    *sum += sign * self.holds(item, self.start[item], dimension);
                }
            }
        }
        let is_crowded = |(host, (left, takes)): &(HostIndex, (Vec<i64>, bool))| {
            let hard = &self.problem.hosts[host.index()].hard;
            let held = self.held(*host);
            *takes && (0..count).any(|d| held[d] + left[d] > hard[d])
        };
        arrived.into_iter().filter(is_crowded).count()
    }

    /// Cost of the moves made since `mark`, against where their items were then.
    pub(crate) fn cost_of_moves(&self, mark: usize) -> f64 {
        let mut first_seen = BTreeMap::new();
        for (item, from) in &self.log[mark..] {
            first_seen.entry(*item).or_insert(*from);
        }
        let cost = |item: usize, host| self.problem.move_cost(item, self.start[item], host);
        first_seen
            .into_iter()
            .map(|(item, from)| {
                let item = item as usize;
                cost(item, self.assignment[item]) - cost(item, from)
            })
            .sum()
    }

    /// Cost of having these items where they are.
    pub(crate) fn total_move_cost(&self, items: &[usize]) -> f64 {
        let cost =
            |item: &usize| self.problem.move_cost(*item, self.start[*item], self.assignment[*item]);
        items.iter().map(cost).sum()
    }

    /// Cost of running `host` with what it carries.
    pub(crate) fn running(&self, host: HostIndex) -> f64 {
        self.running_cost(host.index(), self.mean(host))
    }

    /// What of it does not depend on the load.
    pub(crate) fn idle_cost(&self, host: HostIndex) -> f64 {
        let terms = &self.problem.hosts[host.index()];
        let idle = terms.power.as_ref().map_or(0.0, |power| power.cost_per_hour[0]);
        (terms.price_per_hour + idle) * self.running_hours
    }

    /// How much an item demands altogether, for orders of size.
    pub(crate) fn size(&self, item: usize) -> f32 {
        if self.problem.flows.is_empty() {
            return self.problem.holds(item).iter().sum::<i64>() as f32;
        }
        let (mean, spread) =
            (self.problem.demands.mean(item, 0), self.problem.demands.spread(item, 0));
        mean.iter().sum::<f32>() + spread.iter().sum::<f32>()
    }

    /// The whole score, summed anew.
    pub(crate) fn score(&self) -> Score {
        let mut score = Score::default();
        for worth in &self.worth {
            score.broken += worth.broken;
            score.violation += worth.violation;
            score.cost += worth.cost;
        }
        for (item, host) in self.assignment.iter().enumerate() {
            if *host == NOWHERE {
                score.broken += 1.0 + self.problem.items[item].strand_weight;
                continue;
            }
            score.broken += self.item_broken(item, *host);
            score.cost += self.problem.move_cost(item, self.start[item], *host);
        }
        score.broken += (0..self.counts.len()).map(|group| self.group_broken(group)).sum::<f64>();
        for counts in self.needs.iter().flat_map(BTreeMap::values) {
            score.broken += f64::from(if counts[1] == 0 { counts[0] } else { 0 });
        }
        let most = self.moved_of_group.iter().copied().max().unwrap_or(0);
        score.cost += self.problem.move_group_weight * f64::from(most);
        score
    }
}

fn listed_by_item<'a>(items: usize, lists: impl Iterator<Item = &'a Vec<u32>>) -> Vec<Vec<u32>> {
    let mut by_item = vec![Vec::new(); items];
    for (number, list) in lists.enumerate() {
        list.iter().for_each(|item| by_item[*item as usize].push(number as u32));
    }
    by_item
}

fn needs_by_item(problem: &Problem) -> Vec<Vec<(u32, usize)>> {
    let mut by_item = vec![Vec::new(); problem.items.len()];
    for (number, dependency) in problem.dependencies.iter().enumerate() {
        for (role, list) in [&dependency.dependents, &dependency.providers].iter().enumerate() {
            list.iter().for_each(|item| by_item[*item as usize].push((number as u32, role)));
        }
    }
    by_item
}

/// Empty hosts of one class are the same to every item, so one of them is enough to look at.
fn empty_classes(problem: &Problem) -> Vec<u32> {
    let bits = |values: &[f32]| values.iter().map(|v| u64::from(v.to_bits())).collect::<Vec<_>>();
    let shared: Vec<&Vec<u32>> =
        problem.domains.iter().filter(|parts| !is_by_host(parts)).collect();
    let mut classes = BTreeMap::new();
    let mut class_of = Vec::with_capacity(problem.hosts.len());
    for (index, terms) in problem.hosts.iter().enumerate() {
        let mut key = vec![u64::from(terms.open), u64::from(terms.site)];
        key.push(terms.price_per_hour.to_bits());
        key.extend(terms.hard.iter().chain(&terms.soft).map(|amount| *amount as u64));
        key.extend(bits(&terms.limit).into_iter().chain(bits(&terms.capacity)));
        let power = terms.power.iter().flat_map(|power| power.cost_per_hour);
        key.extend(power.map(f64::to_bits));
        key.extend(problem.allowed.iter().map(|set| set[index / 64] >> (index % 64) & 1));
        key.extend(shared.iter().map(|parts| u64::from(parts[index])));
        let next = classes.len() as u32;
        class_of.push(*classes.entry(key).or_insert(next));
    }
    class_of
}

fn is_by_host(parts: &[u32]) -> bool {
    parts.iter().enumerate().all(|(host, part)| *part as usize == host)
}
