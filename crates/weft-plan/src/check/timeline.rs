//! What happens in which order when a plan is carried out as predicted: flights, the instants at
//! which they start and end, and the placement between those instants. It judges nothing.

use std::collections::BTreeMap;

use weft_core::fleet::{Placement, Replica};
use weft_core::id::{HostId, WorkloadId};
use weft_core::plan::{Move, Strategy};
use weft_core::time::{Span, Timestamp};

use super::fleet::Fleet;

/// The shortest flight: what takes no time at all still starts before it ends.
const INSTANT: Span = Span::from_millis(1);

/// A move with the time in which it is under way: `start..end`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Flight<'a> {
    pub(super) order: &'a Move,
    pub(super) start: Timestamp,
    pub(super) end: Timestamp,
    /// Whether it is judged; what runs already is only reckoned with.
    pub(super) planned: bool,
}

impl<'a> Flight<'a> {
    /// A move that starts at `start`.
    pub(super) fn planned(order: &'a Move, start: Timestamp) -> Self {
        let end = start + order.prediction.duration.max(INSTANT);
        Self { order, start, end, planned: true }
    }

    /// A move that runs. One that is overdue may go on until it is given up, and runs at least at
    /// the instant `now` itself.
    pub(super) fn running(order: &'a Move, now: Timestamp, give_up_factor: f64) -> Self {
        let predicted = order.start + order.prediction.duration;
        let patience = order.prediction.duration.as_seconds_f64() * give_up_factor.max(1.0);
        let given_up = order.start + Span::from_seconds_f64(patience);
        let end = if predicted > now { predicted } else { given_up.max(now + INSTANT) };
        Self { order, start: order.start, end, planned: false }
    }

    /// Whether data flows from the source while it runs.
    pub(super) const fn copies(&self) -> bool {
        matches!(
            self.order.strategy,
            Strategy::Live | Strategy::Preemptive | Strategy::Split { .. }
        )
    }

    /// Whether it holds room on its target; a merge finds its replica there already.
    pub(super) fn reserves(&self) -> bool {
        self.order.strategy != Strategy::Merge
    }

    /// The hosts that it burdens: a lost source has nothing left to burden.
    pub(super) fn touches(&self, host: &HostId) -> bool {
        let from_too = self.order.strategy != Strategy::Recover;
        self.order.to == *host || (from_too && self.order.from == *host)
    }

    /// Whether it can only fail, because its target or the source that it copies from is lost.
    pub(super) fn is_doomed(&self, fleet: &Fleet<'_>) -> bool {
        fleet.is_lost(&self.order.to) || (self.copies() && fleet.is_lost(&self.order.from))
    }
}

/// What ends and what starts at one instant; what ends, ends first.
#[derive(Debug, Default)]
pub(super) struct Turn<'f, 'a> {
    pub(super) ends: Vec<&'f Flight<'a>>,
    pub(super) starts: Vec<&'f Flight<'a>>,
}

impl<'f, 'a> Turn<'f, 'a> {
    pub(super) fn flights(&self) -> impl Iterator<Item = &'f Flight<'a>> + '_ {
        self.ends.iter().chain(&self.starts).copied()
    }
}

/// The instants of `flights`. What runs already has only its end here.
pub(super) fn turns<'f, 'a>(flights: &'f [Flight<'a>]) -> BTreeMap<Timestamp, Turn<'f, 'a>> {
    let mut turns: BTreeMap<Timestamp, Turn<'f, 'a>> = BTreeMap::new();
    for flight in flights {
        if flight.planned {
            turns.entry(flight.start).or_default().starts.push(flight);
        }
        turns.entry(flight.end).or_default().ends.push(flight);
    }
    turns
}

/// Where everything is at one instant: what stood, what has changed since, what is in flight.
#[derive(Debug, Clone)]
pub(super) struct State<'a> {
    standing: &'a Placement,
    changed: BTreeMap<&'a WorkloadId, Vec<Replica>>,
    in_flight: Vec<Flight<'a>>,
}

impl<'a> State<'a> {
    pub(super) const fn new(standing: &'a Placement) -> Self {
        Self { standing, changed: BTreeMap::new(), in_flight: Vec::new() }
    }

    pub(super) fn replicas(&self, workload: &WorkloadId) -> &[Replica] {
        self.changed.get(workload).map_or_else(|| self.standing.replicas(workload), Vec::as_slice)
    }

    pub(super) fn has_replica(&self, workload: &WorkloadId, host: &HostId) -> bool {
        self.replicas(workload).iter().any(|replica| replica.host == *host)
    }

    /// Workloads that are no longer where they stood.
    pub(super) fn changed(&self) -> impl Iterator<Item = &'a WorkloadId> + '_ {
        self.changed.keys().copied()
    }

    pub(super) fn in_flight(&self) -> &[Flight<'a>] {
        &self.in_flight
    }

    /// The flight of this workload, if it has one.
    pub(super) fn flight_of(&self, workload: &WorkloadId) -> Option<&Flight<'a>> {
        self.in_flight.iter().find(|flight| flight.order.workload == *workload)
    }

    pub(super) fn begin(&mut self, flight: Flight<'a>) {
        self.in_flight.push(flight);
    }

    /// Ends a flight that was begun; false if it was not.
    pub(super) fn end(&mut self, flight: &Flight<'a>) -> bool {
        let position =
            self.in_flight.iter().position(|other| std::ptr::eq(other.order, flight.order));
        position.map(|position| self.in_flight.remove(position)).is_some()
    }

    /// Carries a move's effect on the placement out. The replica leaves the move's source, or, in a
    /// world that lacks an earlier move, wherever the workload still is.
    pub(super) fn land(&mut self, order: &'a Move) {
        let mut replicas = self.replicas(&order.workload).to_vec();
        let Some(source) = replicas
            .iter()
            .position(|r| r.host == order.from)
            .or_else(|| (!replicas.is_empty() && order.strategy != Strategy::Merge).then_some(0))
        else {
            return;
        };
        match order.strategy {
            Strategy::Live | Strategy::Preemptive | Strategy::Recover => {
                replicas[source].host = order.to.clone();
            }
            Strategy::Split { share_permille } => {
                let taken = share_permille.min(replicas[source].share_permille);
                replicas[source].share_permille -= taken;
                replicas.push(Replica { host: order.to.clone(), share_permille: taken });
            }
            Strategy::Merge => {
                let gone = replicas.remove(source);
                if let Some(rest) = replicas.iter_mut().find(|r| r.host == order.to) {
                    rest.share_permille += gone.share_permille;
                }
            }
        }
        self.changed.insert(&order.workload, replicas);
    }
}
