//! From a situation to a plan: detect, solve, choose strategies, schedule, give reasons.
//!
//! The same inputs give the same plan. It must never fail: what cannot be done is left out, with
//! its reason, and doing nothing is a plan too.

use std::collections::BTreeMap;

use weft_core::id::{HostId, MoveId, PlanId, WorkloadId};
use weft_core::plan::{FleetCost, Move, Plan, Purpose, Standstill, Strategy, Unanswered};
use weft_core::policy::Rule;
use weft_core::resource::Resource;
use weft_core::shortage::{Shortage, ShortageKey};
use weft_core::time::{Span, Timestamp};

use crate::build::{Bond, Decided, FIRM, Fleet, Site, build};
use crate::detect::{outlook, shortages};
use crate::problem::{Effort, HostIndex, Score};
use crate::reasons;
use crate::schedule::{Dropped, Proposal, Scheduled, schedule};
use crate::situation::Situation;
use crate::solver::state::State;
use crate::solver::{Borne, Search, hosts};
use crate::strategy::Trip;

/// Shares that a further replica is tried with, in thousandths: half first, which serves two equal
/// hosts best, then most, where the source has hardly anything left.
const SPLIT_SHARES: [u16; 2] = [500, 750];

/// The numbers that a plan is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Numbering {
    /// Of the plan.
    pub plan: PlanId,
    /// Of its first move; the others follow.
    pub first_move: MoveId,
}

/// Makes a plan for `situation`. `parent` is the plan that it replaces: its moves, and those that
/// wait, are tried first. `effort` bounds the search; once `stop` says yes, the best found so far
/// is scheduled.
pub fn make(
    situation: &Situation,
    parent: Option<&Plan>,
    numbering: Numbering,
    effort: Effort,
    stop: &dyn Fn() -> bool,
) -> Plan {
    let mut fleet = build(situation, &Decided::default());
    let (found, mut decided, broken) = {
        let state = State::new(&fleet.problem, &fleet.start);
        let found = shortages(&fleet, &state);
        let decided = decide_ahead(&fleet, &state);
        (found, decided, broken_rules(&fleet, &state))
    };
    if !decided.splits.is_empty() || !decided.merges.is_empty() {
        fleet = build(situation, &decided);
        while decided.withdraw_merges(&fleet, broken) {
            fleet = build(situation, &decided);
        }
    }
    let wanted = || situation.waiting.iter().chain(parent.iter().flat_map(|plan| &plan.moves));
    fleet.suggest(wanted());
    let mut answer = solve(&fleet, effort, stop);
    for share in SPLIT_SHARES {
        let more = splittable(&fleet, &answer, &decided, share);
        if more.is_empty() || stop() {
            continue;
        }
        let mut further = decided.clone();
        further.splits.extend(more);
        let mut other = build(situation, &further);
        other.suggest(wanted());
        let second = solve(&other, effort, stop);
        if second.score.minus(&answer.score).improves() {
            (fleet, answer, decided) = (other, second, further);
        }
    }
    let promised = promises(situation, wanted());
    let parent = parent.map(|plan| plan.id);
    Draft { fleet: &fleet, shortages: found, answer, merges: &decided.merges, promised }
        .plan(numbering, parent)
}

/// When the answers to shortages were to start that have been put off for long enough.
type Promises<'a> = BTreeMap<&'a ShortageKey, Timestamp>;

/// For how long an answer may be put off from plan to plan because its shortage recedes. It mostly
/// comes or goes within that; one that is foreseen for good would never be answered.
const PATIENCE: Span = Span::from_hours(2);

fn promises<'a>(situation: &Situation, moves: impl Iterator<Item = &'a Move>) -> Promises<'a> {
    let mut promises = Promises::new();
    for planned in moves {
        let Some(key) = planned.purpose.shortage() else { continue };
        let since = situation.planned_since.get(key);
        if since.is_some_and(|since| *since + PATIENCE <= situation.now) {
            let start = promises.entry(key).or_insert(planned.start);
            *start = planned.start.min(*start);
        }
    }
    promises
}

/// What the solver found.
struct Answer {
    assignment: Vec<HostIndex>,
    score: Score,
    borne: Vec<Borne>,
    emptied: Vec<bool>,
}

fn solve(fleet: &Fleet<'_>, effort: Effort, stop: &dyn Fn() -> bool) -> Answer {
    let mut search = Search::new(&fleet.problem, &fleet.start, stop);
    search.run(effort);
    Answer {
        score: search.state.score(),
        assignment: search.state.assignment,
        borne: search.borne,
        emptied: search.emptied,
    }
}

/// Splits that are cheaper than moving whole, on hosts that run short, and replicas whose peak has
/// passed: the whole fits on one of their hosts over the whole horizon.
fn decide_ahead(fleet: &Fleet<'_>, state: &State<'_>) -> Decided {
    let mut decided = Decided::default();
    // What was lost comes first and may need the room.
    let is_calm = !fleet.sites.iter().any(Site::is_lost);
    for (item, origin) in fleet.origins.iter().enumerate() {
        let host = fleet.start[item];
        let is_short = state.worth(host).violation > Score::TOLERANCE;
        if is_short && splits_cheaper(fleet, item) {
            decided.splits.insert(origin.workload.id.clone(), SPLIT_SHARES[0]);
        }
        let is_spread = |rule: &Rule| match rule {
            Rule::Spread { workloads, .. } => workloads.selects_workload(&origin.workload),
            _ => false,
        };
        let can_merge = is_calm
            && !fleet.situation.policy.rules.iter().any(is_spread)
            && origin.bond == Some(Bond::Split)
            && !decided.merges.contains_key(&origin.workload.id)
            && fleet.situation.observation.placement.replicas(&origin.workload.id).len() > 1;
        if can_merge && let Some(to) = merge_target(fleet, state, item) {
            let name = |host: HostIndex| fleet.sites[host.index()].host.id.clone();
            decided.merges.insert(origin.workload.id.clone(), (name(host), name(to)));
        }
    }
    decided
}

impl Decided {
    /// Gives up merges into hosts that do not carry the whole, several merges together, and all of
    /// them where a rule needs a replica; whether there were any.
    fn withdraw_merges(&mut self, fleet: &Fleet<'_>, broken_before: f64) -> bool {
        let state = State::new(&fleet.problem, &fleet.start);
        let before = self.merges.len();
        let breaks = broken_rules(fleet, &state) > broken_before;
        self.merges.retain(|_, (_, to)| !breaks && state.is_filled_well(fleet.index[to]));
        self.merges.len() < before
    }
}

/// How far the rules about groups are broken.
fn broken_rules(fleet: &Fleet<'_>, state: &State<'_>) -> f64 {
    let groups = fleet.problem.groups.iter().enumerate();
    let stated = groups.filter(|(_, group)| group.rule.is_some());
    stated.map(|(number, _)| state.group_broken(number)).sum()
}

/// The host of another replica that has room for the demand of this one.
fn merge_target(fleet: &Fleet<'_>, state: &State<'_>, item: usize) -> Option<HostIndex> {
    let workload = &fleet.origins[item].workload.id;
    let others = fleet.origins.iter().enumerate();
    let mut others = others.filter(|(other, origin)| {
        *other != item && origin.workload.id == *workload && origin.bond == Some(Bond::Split)
    });
    others.find_map(|(other, _)| {
        let host = fleet.start[other];
        let is_larger = fleet.origins[other].share_permille >= fleet.origins[item].share_permille;
        let is_open = fleet.problem.hosts[host.index()].open;
        let breaks = state.groups_broken(item, host).into_iter();
        let mut breaks = breaks.filter(|group| fleet.problem.groups[*group].rule.is_some());
        (is_larger && is_open && breaks.next().is_none() && state.fills(item, host)).then_some(host)
    })
}

/// Whether a further replica is cheaper than moving the workload of `item` whole.
fn splits_cheaper(fleet: &Fleet<'_>, item: usize) -> bool {
    let origin = &fleet.origins[item];
    if !may_split(fleet, item) {
        return false;
    }
    let from = fleet.sites[fleet.start[item].index()].host;
    let (situation, workload) = (fleet.situation, &*origin.workload);
    let cpu_millicores = fleet.cpu_millicores(item);
    let trip = Trip { situation, workload, from, to: from, cpu_millicores };
    match (trip.whole(), trip.split(SPLIT_SHARES[0])) {
        (Ok(whole), Ok(split)) => split.cost.total() < whole.cost.total(),
        (Err(_), Ok(_)) => true,
        _ => false,
    }
}

fn may_split(fleet: &Fleet<'_>, item: usize) -> bool {
    let origin = &fleet.origins[item];
    let is_whole = origin.share_permille == 1_000;
    let is_free = matches!(origin.bond, None | Some(Bond::NoStrategy { .. }));
    let runs = !fleet.sites[fleet.start[item].index()].is_lost();
    runs && is_whole && is_free && origin.workload.mobility.max_replicas > 1
}

/// Workloads on hosts that are still short which may be split, with the share to try.
fn splittable(
    fleet: &Fleet<'_>,
    answer: &Answer,
    decided: &Decided,
    share: u16,
) -> BTreeMap<WorkloadId, u16> {
    let candidates: Vec<usize> =
        (0..fleet.origins.len()).filter(|item| may_split(fleet, *item)).collect();
    if candidates.is_empty() {
        return BTreeMap::new();
    }
    let state = placed(fleet, &answer.assignment);
    let is_short = |item: &usize| {
        state.worth(state.assignment[*item]).violation > Score::TOLERANCE
            && state.assignment[*item] == fleet.start[*item]
    };
    let names = candidates.into_iter().filter(is_short);
    let names = names.map(|item| fleet.origins[item].workload.id.clone());
    names.filter(|name| !decided.splits.contains_key(name)).map(|name| (name, share)).collect()
}

fn placed<'a>(fleet: &'a Fleet<'_>, assignment: &[HostIndex]) -> State<'a> {
    let mut state = State::new(&fleet.problem, &fleet.start);
    for (item, host) in assignment.iter().enumerate() {
        if state.assignment[item] != *host {
            state.put(item, *host);
        }
    }
    state
}

/// A plan in the making.
struct Draft<'a, 's> {
    fleet: &'a Fleet<'s>,
    shortages: Vec<Shortage>,
    answer: Answer,
    merges: &'a BTreeMap<WorkloadId, (HostId, HostId)>,
    promised: Promises<'a>,
}

impl Draft<'_, '_> {
    fn plan(self, numbering: Numbering, parent: Option<PlanId>) -> Plan {
        let situation = self.fleet.situation;
        let until = situation.now + situation.policy.horizon;
        let (proposals, mut dropped) = self.proposals();
        let (kept, later_dropped) = schedule(self.fleet, proposals);
        dropped.extend(later_dropped);
        let start = State::new(&self.fleet.problem, &self.fleet.start);
        let mut end = State::new(&self.fleet.problem, &self.fleet.start);
        for scheduled in &kept {
            if let Some(item) = scheduled.proposal.item {
                end.put(item, scheduled.proposal.to);
            }
        }
        let moves: Vec<Move> = kept
            .iter()
            .enumerate()
            .map(|(number, scheduled)| {
                self.finished(numbering, number, scheduled, &start, &mut end)
            })
            .collect();
        let unanswered = self.unanswered(&kept, &dropped, &mut end);
        let moves_cost = moves.iter().map(|planned| planned.cost.total()).sum();
        Plan {
            id: numbering.plan,
            parent,
            made_at: situation.now,
            until,
            unanswered,
            cost_without: fleet_cost(self.fleet, &start),
            cost_with: FleetCost { moves: moves_cost, ..fleet_cost(self.fleet, &end) },
            shortages: self.shortages,
            moves,
        }
    }

    // What shall move, how and what for.

    fn proposals(&self) -> (Vec<Proposal>, Vec<Dropped>) {
        let fleet = self.fleet;
        let start = State::new(&fleet.problem, &fleet.start);
        let end = placed(fleet, &self.answer.assignment);
        let (mut proposals, dropped) = (self.merge_proposals(), Vec::new());
        let mut purposes = self.purposes(&start, &end);
        self.make_room(&mut purposes);
        for (item, purpose) in purposes {
            let (from, to) = (fleet.start[item], self.answer.assignment[item]);
            let Ok(way) = reasons::way(fleet, item, from, to, self.kind(item)) else { continue };
            let workload = fleet.origins[item].workload.id.clone();
            let (deadline, useful_until) = self.times(&purpose, from);
            let shares = purpose.shortage().is_some() && end.is_beyond(to);
            let most = shares.then(|| start.sharing_bound(from));
            let promised = purpose.shortage().and_then(|key| self.promised.get(key)).copied();
            let item = Some(item);
            proposals.push(Proposal {
                item,
                workload,
                from,
                to,
                way,
                purpose,
                deadline,
                promised,
                useful_until,
                most,
            });
        }
        (proposals, dropped)
    }

    fn merge_proposals(&self) -> Vec<Proposal> {
        let fleet = self.fleet;
        let proposal = |(workload, (from, to)): (&WorkloadId, &(HostId, HostId))| {
            let (from, to) = (*fleet.index.get(from)?, *fleet.index.get(to)?);
            let item = fleet.origins.iter().position(|o| o.workload.id == *workload)?;
            let way = reasons::way(fleet, item, from, to, Strategy::Merge).ok()?;
            let (deadline, useful_until) = self.times(&Purpose::Merge, from);
            Some(Proposal {
                item: None,
                workload: workload.clone(),
                from,
                to,
                way,
                purpose: Purpose::Merge,
                deadline,
                promised: None,
                useful_until,
                most: None,
            })
        };
        self.merges.iter().filter_map(proposal).collect()
    }

    fn kind(&self, item: usize) -> Strategy {
        let origin = &self.fleet.origins[item];
        if origin.is_part {
            return Strategy::Split { share_permille: origin.share_permille };
        }
        let is_lost = self.fleet.sites[self.fleet.start[item].index()].is_lost();
        if is_lost { Strategy::Recover } else { Strategy::Live }
    }

    /// The purpose of every moved item that has one by itself.
    fn purposes(&self, start: &State<'_>, end: &State<'_>) -> BTreeMap<usize, Purpose> {
        let moved = (0..self.answer.assignment.len()).filter(|item| end.is_moved(*item));
        moved.filter_map(|item| Some((item, self.purpose(item, start, end)?))).collect()
    }

    fn purpose(&self, item: usize, start: &State<'_>, end: &State<'_>) -> Option<Purpose> {
        let fleet = self.fleet;
        let from = fleet.start[item];
        let site = &fleet.sites[from.index()];
        let name = || site.host.id.clone();
        let worth = start.worth(from);
        if site.is_lost() {
            return Some(Purpose::Recover(name()));
        }
        if fleet.problem.hosts[from.index()].evacuate {
            return Some(Purpose::Drain(name()));
        }
        let is_borne = self.answer.borne.iter().any(|borne| borne.host == from);
        if worth.violation > Score::TOLERANCE && !is_borne {
            return Some(Purpose::Shortage(self.key_of(from)));
        }
        let member = |group: &crate::problem::Group| group.members.contains(&(item as u32));
        let groups = fleet.problem.groups.iter().enumerate();
        let mut broken =
            groups.filter(|(number, g)| member(g) && start.group_broken(*number) > 0.0);
        let is_misplaced = !fleet.problem.allows(item, from);
        if is_misplaced || worth.broken > Score::TOLERANCE || broken.next().is_some() {
            return Some(Purpose::Rule);
        }
        let is_emptied = self.answer.emptied[from.index()] && end.is_empty(from);
        is_emptied.then(|| Purpose::Empty(name()))
    }

    /// The shortage of a host that began first.
    fn key_of(&self, host: HostIndex) -> ShortageKey {
        let name = &self.fleet.sites[host.index()].host.id;
        let own = self.shortages.iter().filter(|shortage| shortage.key.host == *name);
        own.min_by_key(|shortage| shortage.begins).map_or_else(
            || ShortageKey { host: name.clone(), resource: Resource::Cpu },
            |shortage| shortage.key.clone(),
        )
    }

    /// Moves without a purpose of their own make room where they leave for one that has; what does
    /// not even do that is left out.
    fn make_room(&self, purposes: &mut BTreeMap<usize, Purpose>) {
        loop {
            let without = (0..self.answer.assignment.len()).filter(|item| {
                self.answer.assignment[*item] != self.fleet.start[*item]
                    && !purposes.contains_key(item)
            });
            let found = without
                .filter_map(|item| {
                    let left = self.fleet.start[item];
                    let into = |(other, purpose): (&usize, &Purpose)| {
                        let arrives = self.answer.assignment[*other] == left;
                        arrives.then(|| purpose.shortage().cloned()).flatten()
                    };
                    Some((item, Purpose::MakeRoom(purposes.iter().find_map(into)?)))
                })
                .collect::<Vec<_>>();
            if found.is_empty() {
                return;
            }
            purposes.extend(found);
        }
    }

    /// When a move must have ended, and until when it still helps.
    fn times(&self, purpose: &Purpose, from: HostIndex) -> (Option<Timestamp>, Timestamp) {
        let situation = self.fleet.situation;
        let until = situation.now + situation.policy.horizon;
        let maintenance = self.fleet.sites[from.index()].maintenance;
        match purpose {
            Purpose::Shortage(key) | Purpose::MakeRoom(key) => {
                let shortage = self.shortages.iter().find(|shortage| shortage.key == *key);
                shortage
                    .map_or((None, until), |s| (Some(s.begins), s.ends.max(situation.now + FIRM)))
            }
            Purpose::Drain(_) => match maintenance {
                Some(window) => (Some(window.begins), window.begins),
                None => (None, until),
            },
            _ => (None, until),
        }
    }

    // The plan's words.

    fn finished(
        &self,
        numbering: Numbering,
        number: usize,
        scheduled: &Scheduled,
        start: &State<'_>,
        end: &mut State<'_>,
    ) -> Move {
        let proposal = &scheduled.proposal;
        let id = |number: usize| MoveId(numbering.first_move.0 + number as u64);
        let name = |host: HostIndex| self.fleet.sites[host.index()].host.id.clone();
        let mut rejected = Vec::new();
        if let Some(item) = proposal.item {
            end.put(item, proposal.from);
            rejected = reasons::rejected_for(end, self.fleet, proposal);
            end.put(item, proposal.to);
        }
        Move {
            id: id(number),
            workload: proposal.workload.clone(),
            from: name(proposal.from),
            to: name(proposal.to),
            strategy: proposal.way.strategy,
            purpose: proposal.purpose.clone(),
            earliest_start: scheduled.earliest,
            start: scheduled.start,
            latest_start: scheduled.latest,
            prerequisites: scheduled.prerequisites.iter().map(|needed| id(*needed)).collect(),
            bandwidth_bytes_per_second: proposal.way.bandwidth_bytes_per_second,
            prediction: proposal.way.prediction,
            cost: proposal.way.cost,
            overload_without: self.overload_probability(start, proposal),
            overload_with: self.overload_probability(end, proposal),
            rejected,
        }
    }

    /// The largest P(overload) of a move's source in the time of its shortage; where it answers
    /// none, in the first hour.
    fn overload_probability(&self, state: &State<'_>, proposal: &Proposal) -> f64 {
        let situation = self.fleet.situation;
        let key = proposal.purpose.shortage();
        let shortage = key.and_then(|key| self.shortages.iter().find(|s| s.key == *key));
        let (begins, ends) =
            shortage.map_or((situation.now, situation.now + FIRM), |s| (s.begins, s.ends));
        let resource = shortage.map(|shortage| shortage.key.resource);
        let mut most = 0.0_f64;
        for dimension in 0..self.fleet.flowing.len() {
            if resource.is_some_and(|resource| resource != self.fleet.flowing[dimension]) {
                continue;
            }
            let outlook = outlook(self.fleet, state, proposal.from, dimension);
            let within = outlook.buckets.iter().filter(|b| b.begins < ends && begins < b.ends);
            most = within.map(|bucket| bucket.overload_probability).fold(most, f64::max);
        }
        most
    }

    fn unanswered(
        &self,
        kept: &[Scheduled],
        dropped: &[Dropped],
        end: &mut State<'_>,
    ) -> Vec<Unanswered> {
        let fleet = self.fleet;
        let mut left = Vec::new();
        for shortage in &self.shortages {
            let host = fleet.index[&shortage.key.host];
            let is_answered =
                kept.iter().any(|s| s.proposal.purpose.shortage() == Some(&shortage.key))
                    || kept.iter().any(|s| s.proposal.from == host);
            let is_left = end.worth(host).violation > Score::TOLERANCE;
            if is_answered && !is_left {
                continue;
            }
            let why = self.why_left(shortage, host, is_left, dropped, end);
            left.push(Unanswered { shortage: shortage.key.clone(), why });
        }
        for host in hosts(&fleet.problem).filter(|host| fleet.sites[host.index()].is_lost()) {
            let name = fleet.sites[host.index()].host.id.clone();
            let stranded: Vec<usize> =
                end.members(host).iter().map(|item| *item as usize).collect();
            for item in stranded.into_iter().filter(|item| fleet.origins[*item].share_permille > 0)
            {
                let shortage = ShortageKey { host: name.clone(), resource: Resource::Memory };
                let why = dropped
                    .iter()
                    .find(|gone| gone.proposal.item == Some(item))
                    .map(|gone| gone.why.clone());
                let why = why.unwrap_or_else(|| reasons::why_lost(end, fleet, item));
                left.push(Unanswered { shortage, why });
            }
        }
        left
    }

    fn why_left(
        &self,
        shortage: &Shortage,
        host: HostIndex,
        is_left: bool,
        dropped: &[Dropped],
        end: &mut State<'_>,
    ) -> Standstill {
        if let Some(borne) = self.answer.borne.iter().find(|borne| borne.host == host) {
            return Standstill::CheaperToBear { shortage: borne.damage, answer: borne.answer };
        }
        let gone =
            dropped.iter().find(|gone| gone.proposal.purpose.shortage() == Some(&shortage.key));
        if let Some(gone) = gone {
            return gone.why.clone();
        }
        if !is_left {
            let now = self.fleet.situation.now;
            let decide_by = reasons::decide_by(shortage.begins, now, FIRM);
            return Standstill::Later { decide_by };
        }
        reasons::why_short(end, self.fleet, host)
    }
}

/// What a placement costs over the horizon, moves aside.
fn fleet_cost(fleet: &Fleet<'_>, state: &State<'_>) -> FleetCost {
    let mut cost = FleetCost::default();
    let now = fleet.situation.now;
    let width = fleet.problem.demands.width();
    for host in hosts(&fleet.problem) {
        let site = &fleet.sites[host.index()];
        if site.is_lost() {
            continue;
        }
        let region = fleet.situation.topology.region_of(&site.host.id);
        let price = region.map_or(0.0, |region| region.energy_price_per_kwh) / 1_000.0;
        let (mean, spread) = (state.mean(host), state.spread(host));
        let capacity = &fleet.problem.hosts[host.index()].capacity;
        for (bucket, ahead) in fleet.buckets.iter().enumerate() {
            let hours = (ahead.ends - ahead.begins.max(now)).as_hours_f64();
            for (dimension, flow) in fleet.problem.flows.iter().enumerate() {
                let row = dimension * width + bucket;
                let excess = state.loss.excess(mean[row], spread[row], capacity[dimension]);
                cost.overload += hours * flow.overload_price * f64::from(excess);
            }
            if state.is_empty(host) {
                cost.running += hours * site.host.power.empty_watts * price;
                continue;
            }
            let cpu = f64::from(mean[bucket]) / site.host.cpu_millicores().max(1) as f64;
            let watts = site.host.power.watts_at(cpu);
            cost.running += hours * (site.host.price_per_hour + watts * price);
        }
    }
    cost
}
