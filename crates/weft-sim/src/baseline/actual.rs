//! What really happened: the moves of a record, each at its time, in a world that reckons what they take.
//! It decides nothing. What the record says holds even where the world would refuse the move or let it
//! fail, because it is known that the workload was there.

use std::collections::{BTreeMap, VecDeque};

use weft_core::id::{HostId, WorkloadId};
use weft_core::plan::Strategy;
use weft_core::time::Timestamp;
use weft_driver::Driver;

use super::order;
use crate::world::World;

/// For every workload when it came to which host, in order of time. Where it is before the first of them
/// is the world's placement.
pub type Stays = BTreeMap<WorkloadId, Vec<(Timestamp, HostId)>>;

/// Steps the record through `world` from its present instant to `end`, and hands the world back. Workloads
/// and hosts that are not in the world are passed over.
pub fn run(mut world: World, stays: &Stays, end: Timestamp) -> World {
    let mut coming = arrivals(&world, stays, end);
    let mut pending: BTreeMap<usize, Pending> = BTreeMap::new();
    let mut orders = 0;
    while world.next_tick() <= end {
        world.advance(world.next_tick());
        // Nobody reads them; kept, they would pile up.
        drop(world.take_samples());
        while let Some(change) = coming.pop_front_if(|change| change.at <= world.now()) {
            pending.insert(change.workload, Pending { change, stage: Stage::Wanted });
        }
        pending.retain(|_, pending| !pending.follow(&mut world, &mut orders));
    }
    world.advance(end);
    world
}

/// A workload comes to a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Change {
    at: Timestamp,
    workload: usize,
    to: usize,
    /// Whether it was nowhere before.
    is_first: bool,
}

/// What the record says of the time after the world's present instant, in order.
fn arrivals(world: &World, stays: &Stays, end: Timestamp) -> VecDeque<Change> {
    let mut changes = Vec::new();
    for (id, stays) in stays {
        let Some(workload) = world.workload_position(id) else { continue };
        let mut is_first = world.sole_host(workload).is_none();
        for (at, host) in stays.iter().filter(|(at, _)| *at > world.now() && *at < end) {
            let Some(to) = world.host_position(host) else { continue };
            changes.push(Change { at: *at, workload, to, is_first });
            is_first = false;
        }
    }
    changes.sort_unstable();
    changes.into()
}

/// A change that has not come about yet.
#[derive(Debug, Clone, Copy)]
struct Pending {
    change: Change,
    stage: Stage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Nothing was done about it.
    Wanted,
    /// A move was begun.
    Begun,
}

impl Pending {
    /// Brings it about as far as can be done now; whether it has come about.
    fn follow(&mut self, world: &mut World, orders: &mut u64) -> bool {
        let Change { workload, to, is_first, .. } = self.change;
        let is_moving = world.is_moving(workload);
        if self.stage == Stage::Begun && is_moving {
            return false;
        }
        if world.sole_host(workload) == Some(to) && !is_moving {
            return true;
        }
        if self.stage == Stage::Wanted && !is_first {
            if !is_moving && begin(world, (workload, to), orders) {
                self.stage = Stage::Begun;
                return false;
            }
            world.count_recorded_move();
        }
        world.put_as_recorded(workload, to);
        true
    }
}

/// Whether the world takes an order for the move, in the way in which the workload can move.
fn begin(world: &mut World, (workload, to): (usize, usize), orders: &mut u64) -> bool {
    let mobility = &world.workload(workload).mobility;
    let strategy = match () {
        () if mobility.live => Strategy::Live,
        () if mobility.preemptive => Strategy::Preemptive,
        () => return false,
    };
    let Some(from) = world.sole_host(workload) else { return false };
    *orders += 1;
    let order = order(world, *orders, (workload, to), (from, strategy));
    world.start(&order).is_ok() && world.is_moving(workload)
}
