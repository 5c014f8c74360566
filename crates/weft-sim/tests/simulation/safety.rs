//! What must hold after every command, judged from outside the loop: from the world, from the
//! journal and from the orders that went out.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use weft_control::command::Command;
use weft_control::record::{Entry, Record};
use weft_core::fleet::{Topology, Workloads};
use weft_core::id::{HostId, MoveId, WorkloadId};
use weft_core::observation::{HostState, MoveFailure, MoveOrder};
use weft_core::plan::{Purpose, Strategy};
use weft_core::policy::Policy;
use weft_core::resource::{Amounts, Resource};
use weft_core::time::{Span, Timestamp};
use weft_plan::check::check_placement;
use weft_sim::fault::Fault;
use weft_sim::replay::{Kind, Look};
use weft_sim::world::{World, WorldSpec};

/// Watches a run.
pub(crate) struct Safety {
    topology: Arc<Topology>,
    workloads: Workloads,
    policy: Arc<Policy>,
    /// When another hand moves something: rules may break then, and not by us.
    foreign: Vec<Timestamp>,
    recorded: BTreeMap<MoveId, MoveOrder>,
    ordered: BTreeMap<MoveId, (MoveOrder, Timestamp)>,
    ended: BTreeMap<MoveId, Timestamp>,
    rests_since: BTreeMap<WorkloadId, Timestamp>,
    starts: Vec<Timestamp>,
    broken_before: BTreeSet<String>,
    looked_at: Timestamp,
    faults: Vec<String>,
}

impl Safety {
    /// A watcher of a world made from `spec` under `policy`.
    pub(crate) fn new(spec: &WorldSpec, policy: &Arc<Policy>) -> Self {
        let foreign = spec.faults.faults.iter().filter_map(|fault| match fault {
            Fault::ForeignHand { at, .. } => Some(*at),
            _ => None,
        });
        Self {
            topology: spec.topology.clone(),
            workloads: spec.workloads.clone(),
            policy: policy.clone(),
            foreign: foreign.collect(),
            recorded: BTreeMap::new(),
            ordered: BTreeMap::new(),
            ended: BTreeMap::new(),
            rests_since: BTreeMap::new(),
            starts: Vec::new(),
            broken_before: BTreeSet::new(),
            looked_at: spec.start,
            faults: Vec::new(),
        }
    }

    /// Judges the state after a command.
    pub(crate) fn look(&mut self, look: &Look<'_>) {
        let now = look.world.now();
        match look.kind {
            Kind::Recorded(entry) => self.on_recorded(entry),
            Kind::Started(order) => self.on_started(now, order, look),
            Kind::Other => {}
        }
        if now > self.looked_at || matches!(look.kind, Kind::Started(_)) {
            self.judge_placement(now, look.world);
            self.judge_in_flight(now, look.world);
        }
        self.looked_at = now;
    }

    /// The moves that ran and ended after `since`.
    pub(crate) fn ended_since(&self, since: Timestamp) -> Vec<MoveId> {
        let ran = |id: &MoveId| self.recorded.contains_key(id);
        self.ended.iter().filter(|(id, at)| **at > since && ran(id)).map(|(id, _)| *id).collect()
    }

    /// Judges what the loop wants to do when it is told once more how a move ended: nothing.
    pub(crate) fn on_told_again(&mut self, now: Timestamp, id: MoveId, commands: &[Command]) {
        let ends = |command: &Command| match command {
            Command::Record(entry) => matches!(entry.record, Record::Ended { .. }),
            _ => false,
        };
        if commands.iter().any(ends) {
            self.fault(now, &format!("{id} ended twice: its end was told again and taken again"));
        } else if !commands.is_empty() {
            self.fault(now, &format!("{id} had ended, told again it led to {commands:?}"));
        }
    }

    /// The first thing that went wrong, if any.
    pub(crate) fn verdict(&self) -> Result<(), String> {
        match self.faults.first() {
            None => Ok(()),
            Some(first) => Err(format!("{first} (and {} more)", self.faults.len() - 1)),
        }
    }

    fn fault(&mut self, now: Timestamp, what: &str) {
        self.faults.push(format!("at {now}: {what}"));
    }

    fn on_recorded(&mut self, entry: &Entry) {
        match &entry.record {
            Record::Starting { order, planned } => {
                let waived = matches!(planned.strategy, Strategy::Recover | Strategy::Merge)
                    || matches!(planned.purpose, Purpose::Drain(_) | Purpose::Rule);
                let since = self.rests_since.get(&order.workload).copied();
                let cool = since.is_none_or(|at| entry.at - at >= self.policy.cool_down);
                if !waived && !cool {
                    let what = format!("{} starts while {} cools down", order.id, order.workload);
                    self.fault(entry.at, &what);
                }
                self.recorded.insert(order.id, order.clone());
            }
            Record::Ended { move_id, workload, measure, failure, .. } => {
                if self.ended.insert(*move_id, entry.at).is_some() {
                    self.fault(entry.at, &format!("{move_id} ended twice"));
                }
                if measure.is_some() {
                    self.rests_since.insert(workload.clone(), entry.at);
                }
                if *failure == Some(MoveFailure::NoRoom) {
                    self.fault(entry.at, &format!("{move_id} found no room on its target"));
                }
            }
            _ => {}
        }
    }

    fn on_started(&mut self, now: Timestamp, order: &MoveOrder, look: &Look<'_>) {
        if self.recorded.get(&order.id) != Some(order) {
            self.fault(now, &format!("{} was started without its record", order.id));
        }
        if let Some(freeze) = look.control.freezes().next() {
            self.fault(now, &format!("{} was started while frozen: {freeze:?}", order.id));
        }
        let age = now - look.heard_until;
        if age > self.policy.stale_after {
            self.fault(now, &format!("{} was started on metrics {age} old", order.id));
        }
        self.starts.push(now);
        let hour_ago = now - Span::from_hours(1);
        let starts = self.starts.iter().filter(|start| **start > hour_ago).count();
        if starts > self.policy.budgets.starts_per_hour as usize {
            self.fault(now, &format!("{starts} starts within an hour"));
        }
        self.judge_room(now, order, look.world);
        self.ordered.insert(order.id, (order.clone(), now));
    }

    /// A target has room for what comes, beside all that stands there (what is leaving included)
    /// and all that is on its way there.
    fn judge_room(&mut self, now: Timestamp, order: &MoveOrder, world: &World) {
        if order.strategy == Strategy::Merge {
            return;
        }
        let placement = world.placement();
        let stands = |id: &WorkloadId| placement.replicas(id).iter().any(|r| r.host == order.to);
        let comes = |id: &WorkloadId| {
            let is_moving = world.workload_position(id).is_some_and(|at| world.is_moving(at));
            let mut others = self.ordered.values().map(|(other, _)| other);
            is_moving && others.any(|other| other.workload == *id && other.to == order.to)
        };
        let there = |id: &WorkloadId| *id == order.workload || stands(id) || comes(id);
        let mut held = Amounts::ZERO;
        for facts in self.workloads.values().filter(|facts| there(&facts.id)) {
            for resource in Resource::HELD {
                held[resource] += facts.allocation(resource);
            }
        }
        let topology = self.topology.clone();
        let host = topology.host(&order.to).expect("orders name known hosts");
        for resource in Resource::HELD {
            let limit = self.policy.margins.limit(host, resource).unwrap_or(f64::INFINITY);
            if held[resource] as f64 > limit {
                let what = format!(
                    "{} was started to {}, where what stands and what is under way leave no room: \
                     {} of {limit} {resource}",
                    order.id, order.to, held[resource]
                );
                self.fault(now, &what);
            }
        }
    }

    /// Every workload is placed once and whole, and no rule broke that another hand did not break.
    fn judge_placement(&mut self, now: Timestamp, world: &World) {
        let placement = world.placement();
        for workload in self.workloads.keys() {
            let shares: u32 = placement
                .replicas(workload)
                .iter()
                .map(|replica| u32::from(replica.share_permille))
                .sum();
            if shares != 1_000 {
                self.faults.push(format!("at {now}: {workload} is there {shares} permille"));
            }
        }
        let states: BTreeMap<HostId, HostState> = (0..world.host_count())
            .map(|host| (world.host_id(host).clone(), world.host_state(host)))
            .collect();
        let broken: BTreeSet<String> =
            check_placement(&self.topology, &self.policy, &self.workloads, &placement, &states)
                .iter()
                .map(ToString::to_string)
                .collect();
        let by_another = self.foreign.iter().any(|at| self.looked_at <= *at && *at <= now);
        if !by_another && let Some(new) = broken.difference(&self.broken_before).next() {
            self.faults.push(format!("at {now}: {new}"));
        }
        self.broken_before = broken;
    }

    /// What really is under way keeps the budgets.
    fn judge_in_flight(&mut self, now: Timestamp, world: &World) {
        self.ordered.retain(|_, (order, _)| {
            world.workload_position(&order.workload).is_some_and(|at| world.is_moving(at))
        });
        let budgets = self.policy.budgets;
        let mut per_host: BTreeMap<&HostId, u32> = BTreeMap::new();
        for (order, _) in self.ordered.values() {
            *per_host.entry(&order.from).or_default() += 1;
            *per_host.entry(&order.to).or_default() += 1;
        }
        let most = per_host.values().copied().max().unwrap_or(0);
        let all = self.ordered.len() as u32;
        if most > budgets.in_flight_per_host || all > budgets.in_flight {
            let what = format!("{all} moves under way, {most} of them on one host");
            self.faults.push(format!("at {now}: {what}"));
        }
    }
}
