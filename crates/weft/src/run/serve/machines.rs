//! The thread that talks to the machines: carries orders out in the order in which they were given, and
//! tells the loop what came of them. It must never answer for a machine that did not answer.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use weft_control::event::Event;
use weft_core::fleet::Topology;
use weft_core::id::MoveId;
use weft_core::observation::MoveOrder;
use weft_driver::Driver;

use super::Incoming;
use crate::run::ending::ended;

/// A driver that also knows where its hosts are.
pub trait Machines: Driver + Send {
    /// Regions, zones, hosts and links as they were known when the fleet was observed last.
    fn topology(&self) -> Arc<Topology>;
}

/// What is asked of the machines.
#[derive(Debug)]
pub(super) enum Task {
    Observe,
    Start(MoveOrder),
    Poll(MoveId),
    Cancel(MoveId),
}

/// The way to the thread. Dropping it ends the thread after what was asked.
#[derive(Debug)]
pub(super) struct Line {
    tasks: Sender<Task>,
    /// Whether an observation waits to be made: one that is asked for meanwhile would be the same.
    observing: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Line {
    /// Starts the thread.
    pub(super) fn to(
        machines: Box<dyn Machines>,
        loop_: Sender<Incoming>,
    ) -> std::io::Result<Self> {
        let (tasks, waiting) = channel();
        let observing = Arc::new(AtomicBool::new(false));
        let flag = observing.clone();
        let named = std::thread::Builder::new().name("weft-machines".to_owned());
        let thread = named.spawn(move || serve(machines, &waiting, &flag, &loop_))?;
        Ok(Self { tasks, observing, thread })
    }

    /// Asks for something; its answer comes to the loop.
    pub(super) fn ask(&self, task: Task) {
        let is_observe = matches!(task, Task::Observe);
        if is_observe && self.observing.swap(true, Ordering::AcqRel) {
            return;
        }
        // The thread lives as long as this.
        let _ = self.tasks.send(task);
    }

    /// Waits until what was asked is done, but not for long: whoever is started next asks what became of it.
    pub(super) fn close(self) {
        drop(self.tasks);
        ended(self.thread, "machines");
    }
}

fn serve(
    mut machines: Box<dyn Machines>,
    tasks: &Receiver<Task>,
    observing: &AtomicBool,
    loop_: &Sender<Incoming>,
) {
    let mut charted = Arc::new(Topology::default());
    for task in tasks {
        let is_observe = matches!(task, Task::Observe);
        if is_observe {
            observing.store(false, Ordering::Release);
        }
        let done = catch_unwind(AssertUnwindSafe(|| carry_out(machines.as_mut(), &task)));
        let event = done.unwrap_or_else(|_| Some(broken(&task)));
        let topology = machines.topology();
        if is_observe && charted != topology {
            charted = topology;
            let _ = loop_.send(Incoming::Event(Event::Charted(charted.clone())));
        }
        if let Some(event) = event
            && loop_.send(Incoming::Event(event)).is_err()
        {
            return;
        }
    }
}

fn carry_out(machines: &mut dyn Machines, task: &Task) -> Option<Event> {
    match task {
        Task::Observe => Some(match machines.observe() {
            Ok(seen) => Event::Observed(Arc::new(seen)),
            Err(error) => {
                tracing::warn!(%error, "the fleet could not be observed");
                Event::ObserveFailed(error.to_string())
            }
        }),
        Task::Start(order) => {
            tracing::info!(move_id = %order.id, workload = %order.workload, from = %order.from, to = %order.to, "starting");
            let started = machines.start(order);
            started.err().map(|error| Event::DriverFailed(order.id, error.to_string()))
        }
        Task::Poll(id) => Some(match machines.poll(*id) {
            Ok(status) => Event::MoveReported(*id, status),
            Err(error) => Event::DriverFailed(*id, error.to_string()),
        }),
        Task::Cancel(id) => {
            let cancelled = machines.cancel(*id);
            cancelled.err().map(|error| Event::DriverFailed(*id, error.to_string()))
        }
    }
}

/// What the loop hears of a driver that broke off: that it does not know.
fn broken(task: &Task) -> Event {
    let why = "the driver broke off".to_owned();
    match task {
        Task::Observe => Event::ObserveFailed(why),
        Task::Start(order) => Event::DriverFailed(order.id, why),
        Task::Poll(id) | Task::Cancel(id) => Event::DriverFailed(*id, why),
    }
}
