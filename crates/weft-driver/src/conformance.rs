//! The conformance suite of drivers: what every driver must do, told as checks on a small fleet.
//!
//! A test gives the suite a way to make a fresh fleet of two hosts with one workload, and to let time
//! pass there; the suite tries what the control loop relies on and returns the first promise that is
//! broken. It must never assume how long a move takes, only that it ends within the rehearsal's
//! patience.

use thiserror::Error;
use weft_core::fleet::Replica;
use weft_core::id::{HostId, MoveId, WorkloadId};
use weft_core::observation::{MoveOrder, MoveStatus, Observation};
use weft_core::plan::Strategy;
use weft_core::time::Span;

use crate::{Driver, DriverError};

/// A promise of [`Driver`] that was not kept.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{check}: expected {expected}, found {found}")]
pub struct Breach {
    /// Which check.
    pub check: &'static str,
    /// What the driver promises.
    pub expected: &'static str,
    /// What it did.
    pub found: String,
}

/// A fresh fleet to rehearse on: the workload runs whole on `source`, `target` is ready and has room
/// for it, and nothing else happens there. The workload may be moved by every strategy that the
/// driver is capable of, and split in two.
#[derive(Debug)]
pub struct Rehearsal<D> {
    /// The driver under test.
    pub driver: D,
    /// Lets time pass in that driver's world: a real one waits, a simulated one advances.
    pub pass: fn(&mut D, Span),
    /// The workload.
    pub workload: WorkloadId,
    /// Where it runs.
    pub source: HostId,
    /// Where it may go.
    pub target: HostId,
    /// Bytes per second that a move may use.
    pub bandwidth_bytes_per_second: u64,
    /// The longest stop that is acceptable.
    pub downtime_limit: Span,
    /// Within which every move ends.
    pub patience: Span,
}

/// Runs every check on a rehearsal of its own; the first broken promise is the error.
pub fn run<D: Driver>(mut make: impl FnMut() -> Rehearsal<D>) -> Result<(), Breach> {
    unknown_moves_are_unknown(&mut make().on("a move that was never started"))?;
    a_move_ends_on_its_target(&mut make().on("a live move"), Strategy::Live)?;
    a_move_ends_on_its_target(&mut make().on("a preemptive move"), Strategy::Preemptive)?;
    an_order_given_twice_is_one(&mut make().on("an order given twice"))?;
    a_cancelled_move_leaves_it_where_it_was(&mut make().on("a cancelled move"))?;
    a_cancellation_may_come_too_late(&mut make().on("a late cancellation"))?;
    a_wrong_source_is_refused(&mut make().on("an order with the wrong source"))?;
    an_unknown_workload_is_refused(&mut make().on("an order for an unknown workload"))?;
    two_moves_of_one_workload_never_both_run(&mut make().on("two orders for one workload"))?;
    what_runs_is_not_recovered(&mut make().on("a recovery of what runs"))?;
    a_split_is_merged_again(&mut make().on("a split and a merge"))
}

/// How many times a check looks while it waits.
const LOOKS: i64 = 64;

const FIRST: MoveId = MoveId(1);
const SECOND: MoveId = MoveId(2);

struct Check<D> {
    name: &'static str,
    at: Rehearsal<D>,
}

impl<D: Driver> Rehearsal<D> {
    fn on(self, name: &'static str) -> Check<D> {
        Check { name, at: self }
    }
}

impl<D: Driver> Check<D> {
    fn breach(&self, expected: &'static str, found: impl Into<String>) -> Breach {
        Breach { check: self.name, expected, found: found.into() }
    }

    fn demand(
        &self,
        holds: bool,
        expected: &'static str,
        found: &impl std::fmt::Debug,
    ) -> Result<(), Breach> {
        if holds { Ok(()) } else { Err(self.breach(expected, format!("{found:?}"))) }
    }

    fn answer<T>(&self, answer: Result<T, DriverError>) -> Result<T, Breach> {
        answer.map_err(|error| self.breach("a driver that answers", error.to_string()))
    }

    fn order(&self, id: MoveId, strategy: Strategy) -> MoveOrder {
        MoveOrder {
            id,
            workload: self.at.workload.clone(),
            from: self.at.source.clone(),
            to: self.at.target.clone(),
            strategy,
            bandwidth_bytes_per_second: self.at.bandwidth_bytes_per_second,
            downtime_limit: self.at.downtime_limit,
        }
    }

    fn start(&mut self, order: &MoveOrder) -> Result<(), Breach> {
        let answer = self.at.driver.start(order);
        self.answer(answer)
    }

    fn cancel(&mut self, id: MoveId) -> Result<(), Breach> {
        let answer = self.at.driver.cancel(id);
        self.answer(answer)
    }

    fn poll(&mut self, id: MoveId) -> Result<MoveStatus, Breach> {
        let answer = self.at.driver.poll(id);
        self.answer(answer)
    }

    fn observe(&mut self) -> Result<Observation, Breach> {
        let answer = self.at.driver.observe();
        self.answer(answer)
    }

    fn pass(&mut self) {
        let look = Span::from_millis((self.at.patience.as_millis() / LOOKS).max(1));
        (self.at.pass)(&mut self.at.driver, look);
    }

    fn replicas(&mut self) -> Result<Vec<Replica>, Breach> {
        let observation = self.observe()?;
        Ok(observation.placement.replicas(&self.at.workload).to_vec())
    }

    fn demand_whole_on(&mut self, host: &HostId, expected: &'static str) -> Result<(), Breach> {
        let found = self.replicas()?;
        self.demand(found == [Replica::whole(host.clone())], expected, &found)
    }

    /// Waits until a move has ended; at every look the workload's shares are whole, each on a host
    /// of its own.
    fn wait(&mut self, id: MoveId) -> Result<MoveStatus, Breach> {
        for _ in 0..=LOOKS {
            let status = self.poll(id)?;
            let replicas = self.replicas()?;
            let sum: u32 = replicas.iter().map(|replica| u32::from(replica.share_permille)).sum();
            let expected = "the whole workload at all times, once on each of its hosts";
            let is_doubled = replicas.len() > 1 && replicas[0].host == replicas[1].host;
            self.demand(sum == 1_000 && !is_doubled, expected, &replicas)?;
            match status {
                MoveStatus::Running(_) => self.pass(),
                MoveStatus::Unknown => {
                    return Err(self.breach("a started move to be known", "Unknown"));
                }
                _ => return Ok(status),
            }
        }
        Err(self.breach("an end within the patience", "a move that still runs"))
    }

    fn demand_failure(&mut self, id: MoveId) -> Result<(), Breach> {
        let status = self.wait(id)?;
        let is_failed = matches!(status, MoveStatus::Failed(..));
        self.demand(is_failed, "a failure", &status)?;
        let source = self.at.source.clone();
        self.demand_whole_on(&source, "the workload where it was")
    }
}

fn unknown_moves_are_unknown<D: Driver>(check: &mut Check<D>) -> Result<(), Breach> {
    let status = check.poll(FIRST)?;
    check.demand(status == MoveStatus::Unknown, "an unknown move", &status)?;
    check.cancel(FIRST)?;
    let status = check.poll(FIRST)?;
    check.demand(status == MoveStatus::Unknown, "a cancellation that starts nothing", &status)
}

fn a_move_ends_on_its_target<D: Driver>(
    check: &mut Check<D>,
    strategy: Strategy,
) -> Result<(), Breach> {
    if !check.at.driver.capabilities().supports(strategy) {
        return Ok(());
    }
    let (source, target) = (check.at.source.clone(), check.at.target.clone());
    check.demand_whole_on(&source, "a rehearsal that begins on its source")?;
    let order = check.order(FIRST, strategy);
    check.start(&order)?;
    let observation = check.observe()?;
    let is_told = observation.moves.contains_key(&FIRST);
    check.demand(is_told, "a started move among the observed ones", &observation.moves)?;
    let status = check.wait(FIRST)?;
    let MoveStatus::Succeeded(measure) = status else {
        return Err(check.breach("a success", format!("{status:?}")));
    };
    let is_sane = measure.downtime <= measure.duration && measure.transferred_bytes > 0;
    check.demand(is_sane, "bytes sent, and no longer stop than the whole move", &measure)?;
    check.demand_whole_on(&target, "the workload on its target once success is told")
}

fn an_order_given_twice_is_one<D: Driver>(check: &mut Check<D>) -> Result<(), Breach> {
    let target = check.at.target.clone();
    let order = check.order(FIRST, Strategy::Live);
    check.start(&order)?;
    check.pass();
    check.start(&order)?;
    let status = check.wait(FIRST)?;
    check.demand(matches!(status, MoveStatus::Succeeded(_)), "a success", &status)?;
    check.start(&order)?;
    check.pass();
    let again = check.poll(FIRST)?;
    check.demand(again == status, "the old end after a further order", &again)?;
    check.demand_whole_on(&target, "the workload to stay on its target")
}

fn a_cancelled_move_leaves_it_where_it_was<D: Driver>(check: &mut Check<D>) -> Result<(), Breach> {
    if !check.at.driver.capabilities().cancel {
        return Ok(());
    }
    let source = check.at.source.clone();
    let order = check.order(FIRST, Strategy::Live);
    check.start(&order)?;
    check.cancel(FIRST)?;
    let status = check.wait(FIRST)?;
    check.demand(matches!(status, MoveStatus::Cancelled(_)), "a cancelled move", &status)?;
    check.demand_whole_on(&source, "the workload where it was")?;
    let order = check.order(SECOND, Strategy::Live);
    check.start(&order)?;
    let status = check.wait(SECOND)?;
    check.demand(matches!(status, MoveStatus::Succeeded(_)), "room for a second try", &status)
}

fn a_cancellation_may_come_too_late<D: Driver>(check: &mut Check<D>) -> Result<(), Breach> {
    let target = check.at.target.clone();
    let order = check.order(FIRST, Strategy::Live);
    check.start(&order)?;
    let before = check.wait(FIRST)?;
    check.cancel(FIRST)?;
    let after = check.poll(FIRST)?;
    check.demand(after == before, "an end that stays", &after)?;
    check.demand_whole_on(&target, "the workload on its target")
}

fn a_wrong_source_is_refused<D: Driver>(check: &mut Check<D>) -> Result<(), Breach> {
    let mut order = check.order(FIRST, Strategy::Live);
    std::mem::swap(&mut order.from, &mut order.to);
    check.start(&order)?;
    check.demand_failure(FIRST)
}

fn an_unknown_workload_is_refused<D: Driver>(check: &mut Check<D>) -> Result<(), Breach> {
    let mut order = check.order(FIRST, Strategy::Live);
    order.workload = format!("not-{}", check.at.workload).into();
    check.start(&order)?;
    check.demand_failure(FIRST)
}

fn two_moves_of_one_workload_never_both_run<D: Driver>(check: &mut Check<D>) -> Result<(), Breach> {
    let target = check.at.target.clone();
    let first = check.order(FIRST, Strategy::Live);
    let second = check.order(SECOND, Strategy::Live);
    check.start(&first)?;
    check.start(&second)?;
    let status = check.poll(SECOND)?;
    check.demand(matches!(status, MoveStatus::Failed(..)), "the second to fail", &status)?;
    let status = check.wait(FIRST)?;
    check.demand(matches!(status, MoveStatus::Succeeded(_)), "the first to succeed", &status)?;
    check.demand_whole_on(&target, "the workload on its target")
}

fn what_runs_is_not_recovered<D: Driver>(check: &mut Check<D>) -> Result<(), Breach> {
    if !check.at.driver.capabilities().recover {
        return Ok(());
    }
    let order = check.order(FIRST, Strategy::Recover);
    check.start(&order)?;
    check.demand_failure(FIRST)
}

fn a_split_is_merged_again<D: Driver>(check: &mut Check<D>) -> Result<(), Breach> {
    if !check.at.driver.capabilities().split {
        return Ok(());
    }
    let (source, target) = (check.at.source.clone(), check.at.target.clone());
    let order = check.order(FIRST, Strategy::Split { share_permille: 400 });
    check.start(&order)?;
    let status = check.wait(FIRST)?;
    check.demand(matches!(status, MoveStatus::Succeeded(_)), "a split", &status)?;
    let mut found = check.replicas()?;
    found.sort();
    let mut expected = [
        Replica { host: source.clone(), share_permille: 600 },
        Replica { host: target.clone(), share_permille: 400 },
    ];
    expected.sort();
    check.demand(found == expected, "600 permille on the source, 400 on the target", &found)?;
    let mut order = check.order(SECOND, Strategy::Merge);
    std::mem::swap(&mut order.from, &mut order.to);
    check.start(&order)?;
    let status = check.wait(SECOND)?;
    check.demand(matches!(status, MoveStatus::Succeeded(_)), "a merge", &status)?;
    check.demand_whole_on(&source, "the whole workload on the merge's target")
}
