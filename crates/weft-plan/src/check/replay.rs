//! A plan carried out in mind: every start and every end in the order of time, and what each state
//! in between breaks. What was broken before is not blamed on the plan, but no step may make it
//! worse, nor break again what an earlier step has mended.

use std::collections::{BTreeMap, BTreeSet};

use weft_core::fleet::{Placement, Workload};
use weft_core::id::{HostId, MoveId, RegionId, WorkloadId};
use weft_core::plan::{Move, Strategy};
use weft_core::time::Timestamp;

use super::fleet::Fleet;
use super::room::Held;
use super::rules::{self, Bond, Breach, Group};
use super::timeline::{self, Flight, State, Turn};
use super::violation::{Occasion, Violation};
use crate::situation::PastMove;

/// How far a group rule is broken, by domain; none for the group as a whole.
type Extents = BTreeMap<Option<String>, usize>;

/// The state of the replay.
pub(super) struct Replay<'a> {
    fleet: Fleet<'a>,
    state: State<'a>,
    /// The same fleet without the plan: only what runs comes to its end.
    baseline: State<'a>,
    /// Of the hosts that any flight touches.
    held: Held,
    past_moves: &'a BTreeMap<WorkloadId, PastMove>,
    /// What has moved in the replay.
    moved: BTreeMap<&'a WorkloadId, PastMove>,
    groups: Vec<Group<'a>>,
    /// Per group, how far its rule was broken before the instant that is judged, with the plan and
    /// without.
    extents: Vec<[Extents; 2]>,
    violations: Vec<Violation>,
    /// Affinity rules that the plan tears, by position: forgiven where the end heals them.
    torn: Vec<(usize, Violation)>,
}

impl<'a> Replay<'a> {
    /// The fleet before the first move: `placement`, and what runs already under way.
    pub(super) fn new(
        fleet: Fleet<'a>,
        placement: &'a Placement,
        past_moves: &'a BTreeMap<WorkloadId, PastMove>,
        flights: &[Flight<'a>],
    ) -> Self {
        let mut replay = Self {
            fleet,
            state: State::new(placement),
            baseline: State::new(placement),
            held: Held::default(),
            past_moves,
            moved: BTreeMap::new(),
            groups: rules::groups(&fleet),
            extents: Vec::new(),
            violations: Vec::new(),
            torn: Vec::new(),
        };
        let ends = flights.iter().flat_map(|flight| [&flight.order.from, &flight.order.to]);
        let touched: BTreeSet<&HostId> = ends.collect();
        for (id, replicas) in &placement.0 {
            let on_touched = replicas.iter().filter(|replica| touched.contains(&replica.host));
            for replica in on_touched {
                let Some(workload) = fleet.workload(id) else { break };
                replay.held.add(&replica.host, workload);
            }
        }
        for flight in flights.iter().filter(|flight| !flight.planned) {
            replay.take_off(*flight);
            replay.baseline.begin(*flight);
        }
        let standing = |group| {
            let broken = extents(&replay.breaches(group, &replay.state, Occasion::Standing));
            [broken.clone(), broken]
        };
        replay.extents = replay.groups.iter().map(standing).collect();
        replay
    }

    /// Goes through every instant of `flights`, then looks at what is left in the end. `followers`
    /// are moves that are known to come afterwards: they may heal an affinity that is torn now.
    pub(super) fn run(mut self, flights: &[Flight<'a>], followers: &[&'a Move]) -> Vec<Violation> {
        for (at, turn) in timeline::turns(flights) {
            turn.ends.iter().for_each(|flight| self.end(flight));
            turn.starts.iter().for_each(|flight| self.start(flight));
            self.judge_groups(at, &turn);
        }
        self.forgive_transit(followers);
        self.violations
    }

    fn take_off(&mut self, flight: Flight<'a>) {
        let workload = self.fleet.workload(&flight.order.workload);
        if let Some(workload) = workload.filter(|_| self.reserves(&flight)) {
            self.held.add(&flight.order.to, workload);
        }
        self.state.begin(flight);
    }

    /// Whether a flight holds room of its own on its target. One that has arrived although it is
    /// still listed as running is counted where it stands.
    fn reserves(&self, flight: &Flight<'a>) -> bool {
        flight.reserves() && !self.state.has_replica(&flight.order.workload, &flight.order.to)
    }

    fn end(&mut self, flight: &Flight<'a>) {
        if !self.state.end(flight) {
            return;
        }
        let order = flight.order;
        let doomed = flight.is_doomed(&self.fleet);
        if !flight.planned {
            self.baseline.end(flight);
            if !doomed {
                self.baseline.land(order);
            }
        }
        let Some(workload) = self.fleet.workload(&order.workload) else { return };
        if doomed {
            if self.reserves(flight) {
                self.held.remove(&order.to, workload);
            }
            return;
        }
        let leaves = !matches!(order.strategy, Strategy::Split { .. });
        if leaves && self.state.has_replica(&order.workload, &order.from) {
            self.held.remove(&order.from, workload);
        }
        self.state.land(order);
        let past = PastMove { from: order.from.clone(), ended: flight.end };
        self.moved.insert(&order.workload, past);
    }

    /// Starts a flight, unless it cannot start at all.
    fn start(&mut self, flight: &Flight<'a>) {
        let occasion = Occasion::Move { move_id: flight.order.id, at: flight.start };
        let obstacles = self.obstacles(flight.order, occasion);
        if !obstacles.is_empty() {
            self.violations.extend(obstacles);
            return;
        }
        self.violations.extend(self.unrest(flight.order, flight.start, occasion));
        self.take_off(*flight);
        self.violations.extend(self.overfull(flight, occasion));
        self.violations.extend(self.overspent(flight, occasion));
    }

    /// Why a move cannot start from this state.
    fn obstacles(&self, order: &Move, occasion: Occasion) -> Vec<Violation> {
        let workload = || order.workload.clone();
        if let Some(other) = self.state.flight_of(&order.workload) {
            let other = other.order.id;
            return vec![Violation::TwiceAtOnce { occasion, workload: workload(), other }];
        }
        let replicas = self.state.replicas(&order.workload);
        let Some(source) = replicas.iter().find(|replica| replica.host == order.from) else {
            let found = replicas.iter().map(|replica| replica.host.clone()).collect();
            let from = order.from.clone();
            return vec![Violation::WrongSource { occasion, workload: workload(), from, found }];
        };
        let host = order.to.clone();
        match (order.strategy, self.state.has_replica(&order.workload, &order.to)) {
            (Strategy::Merge, false) => {
                vec![Violation::NothingToMergeInto { occasion, workload: workload(), host }]
            }
            (Strategy::Merge, true) => Vec::new(),
            (_, true) => vec![Violation::AlreadyThere { occasion, workload: workload(), host }],
            (Strategy::Split { share_permille }, false) => {
                let most = source.share_permille.saturating_sub(1);
                self.split_obstacles(order, share_permille, most, occasion)
            }
            (_, false) => Vec::new(),
        }
    }

    fn split_obstacles(
        &self,
        order: &Move,
        share: u16,
        most: u16,
        occasion: Occasion,
    ) -> Vec<Violation> {
        let workload = || order.workload.clone();
        let mut violations = Vec::new();
        if share == 0 || share > most {
            let (workload, found) = (workload(), share);
            violations.push(Violation::SplitShare { occasion, workload, most, found });
        }
        let found = self.state.replicas(&order.workload).len() as u32 + 1;
        let known = self.fleet.workload(&order.workload);
        let most = known.map_or(1, |known| known.mobility.max_replicas);
        // A workload that must not be split at all is told so by its mobility.
        if most > 1 && found > most {
            let workload = workload();
            violations.push(Violation::TooManyReplicas { occasion, workload, most, found });
        }
        violations
    }

    /// A workload stays where its last move put it until its cool-down ends; what was lost does not
    /// wait.
    fn unrest(&self, order: &Move, start: Timestamp, occasion: Occasion) -> Option<Violation> {
        if order.strategy == Strategy::Recover {
            return None;
        }
        let past = self.moved.get(&order.workload);
        let past = past.or_else(|| self.past_moves.get(&order.workload))?;
        let until = past.ended + self.fleet.policy.cool_down;
        let workload = order.workload.clone();
        if start >= until {
            return None;
        }
        Some(if past.from == order.to {
            Violation::Return { occasion, workload, host: order.to.clone(), until }
        } else {
            Violation::CoolDown { occasion, workload, until }
        })
    }

    /// Room on the target, what is in flight included. Every start that adds to a host beyond its
    /// limit is to blame, also where the limit was broken before.
    fn overfull(&self, flight: &Flight<'a>, occasion: Occasion) -> Vec<Violation> {
        let Some(workload) = self.fleet.workload(&flight.order.workload) else {
            return Vec::new();
        };
        let mut violations = if flight.reserves() {
            self.held.excess(&self.fleet, &flight.order.to, occasion)
        } else {
            Vec::new()
        };
        violations.retain(|violation| adds_to(violation, workload));
        violations
    }

    /// Budgets of moves in flight, this one included.
    fn overspent(&self, flight: &Flight<'a>, occasion: Occasion) -> Vec<Violation> {
        let budgets = &self.fleet.policy.budgets;
        let count = |counts: &dyn Fn(&Flight<'a>) -> bool| {
            self.state.in_flight().iter().filter(|other| counts(other)).count() as u32
        };
        let mut violations = Vec::new();
        for host in [&flight.order.from, &flight.order.to] {
            let found = count(&|other| other.touches(host));
            let budget = budgets.in_flight_per_host;
            if flight.touches(host) && found > budget {
                let host = host.clone();
                violations.push(Violation::HostBudget { occasion, host, found, budget });
            }
        }
        if let Some(between) = self.crossing(flight) {
            let found = count(&|other| self.crossing(other).as_ref() == Some(&between));
            let budget = budgets.in_flight_per_link;
            if found > budget {
                violations.push(Violation::LinkBudget { occasion, between, found, budget });
            }
        }
        let (found, budget) = (count(&|_| true), budgets.in_flight);
        if found > budget {
            violations.push(Violation::FleetBudget { occasion, found, budget });
        }
        violations
    }

    /// The two regions between which a flight copies, in the order of their names.
    fn crossing(&self, flight: &Flight<'a>) -> Option<(RegionId, RegionId)> {
        let region = |host: &HostId| self.fleet.region(host).cloned();
        let (from, to) = (region(&flight.order.from)?, region(&flight.order.to)?);
        let crosses = flight.copies() && from != to;
        crosses.then(|| if from < to { (from, to) } else { (to, from) })
    }

    /// Blames the moves of this instant for every group rule that gets worse by more than it does
    /// without the plan.
    fn judge_groups(&mut self, at: Timestamp, turn: &Turn<'_, 'a>) {
        for position in 0..self.groups.len() {
            let group = &self.groups[position];
            let Some(move_id) = touching(group, turn) else { continue };
            let occasion = Occasion::Move { move_id, at };
            let breaches = self.breaches(group, &self.state, occasion);
            let with = extents(&breaches);
            let without = extents(&self.breaches(group, &self.baseline, occasion));
            let [with_before, without_before] = &self.extents[position];
            for Breach { place, extent, violation } in breaches {
                let of = |extents: &Extents| extents.get(&place).copied().unwrap_or(0);
                let not_ours = of(&without).saturating_sub(of(without_before));
                if extent <= of(with_before) + not_ours {
                    continue;
                }
                match group.bond {
                    Bond::Together => self.torn.push((position, violation)),
                    _ => self.violations.push(violation),
                }
            }
            self.extents[position] = [with, without];
        }
    }

    fn breaches(&self, group: &Group<'a>, state: &State<'a>, occasion: Occasion) -> Vec<Breach> {
        group.breaches(&self.fleet, state, occasion)
    }

    /// A group that moves house one by one is torn on the way. That is forgiven exactly where its
    /// rule holds once every move has ended.
    fn forgive_transit(&mut self, followers: &[&'a Move]) {
        followers.iter().for_each(|order| self.state.land(order));
        for (position, violation) in std::mem::take(&mut self.torn) {
            let group = &self.groups[position];
            if !self.breaches(group, &self.state, Occasion::Standing).is_empty() {
                self.violations.push(violation);
            }
        }
    }
}

fn extents(breaches: &[Breach]) -> Extents {
    breaches.iter().map(|breach| (breach.place.clone(), breach.extent)).collect()
}

/// The first move of this instant that concerns a group.
fn touching(group: &Group<'_>, turn: &Turn<'_, '_>) -> Option<MoveId> {
    turn.flights().find(|flight| group.has(&flight.order.workload)).map(|flight| flight.order.id)
}

/// Whether `workload` holds any of the resource that is short.
fn adds_to(violation: &Violation, workload: &Workload) -> bool {
    match violation {
        Violation::Room { resource, .. } => workload.allocation(*resource) > 0,
        _ => true,
    }
}
