//! The threads that compute: jobs of the loop and the forecasters that are made anew from stored samples. A job
//! that breaks off is told as failed; it must never take the loop with it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use weft_control::event::Event;
use weft_control::job::{Job, JobResult};
use weft_core::id::JobId;

use super::Incoming;

/// An update and a plan may be under way at once: more is never handed out.
const THREADS: usize = 2;

/// A computation besides jobs: a result, or a sentence why there is none.
pub(super) type Computation = Box<dyn FnOnce() -> Result<JobResult, String> + Send>;

enum Work {
    Job { job: Box<Job>, until: Instant },
    Other(Computation),
}

/// The threads. Dropping this without [`Workers::close`] leaves them to end by themselves.
#[derive(Debug)]
pub(super) struct Workers {
    work: Sender<(JobId, Work)>,
    stopping: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Workers {
    /// Starts the threads; results go to the loop.
    pub(super) fn start(loop_: &Sender<Incoming>) -> std::io::Result<Self> {
        let (work, waiting) = channel();
        let waiting = Arc::new(Mutex::new(waiting));
        let stopping = Arc::new(AtomicBool::new(false));
        let thread = |number: usize| {
            let (waiting, stopping, loop_) = (waiting.clone(), stopping.clone(), loop_.clone());
            std::thread::Builder::new()
                .name(format!("weft-worker-{number}"))
                .spawn(move || run(&waiting, &stopping, &loop_))
        };
        let threads = (0..THREADS).map(thread).collect::<std::io::Result<_>>()?;
        Ok(Self { work, stopping, threads })
    }

    /// Runs a job, which is asked to hurry after `limit`.
    pub(super) fn run(&self, id: JobId, job: Job, limit: Duration) {
        let until = Instant::now() + limit;
        // The threads live as long as this.
        let _ = self.work.send((id, Work::Job { job: Box::new(job), until }));
    }

    /// Runs a computation.
    pub(super) fn compute(&self, id: JobId, computation: Computation) {
        let _ = self.work.send((id, Work::Other(computation)));
    }

    /// Whether jobs shall end.
    pub(super) fn stopping(&self) -> Arc<AtomicBool> {
        self.stopping.clone()
    }

    /// Asks what is under way to end, and waits for it; what waits is not begun.
    pub(super) fn close(self) {
        self.stopping.store(true, Ordering::Release);
        drop(self.work);
        self.threads.into_iter().for_each(|thread| {
            let _ = thread.join();
        });
    }
}

fn run(waiting: &Mutex<Receiver<(JobId, Work)>>, stopping: &AtomicBool, loop_: &Sender<Incoming>) {
    loop {
        let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((id, work)) = next else { return };
        if stopping.load(Ordering::Acquire) {
            return;
        }
        let done = catch_unwind(AssertUnwindSafe(|| computed(work, stopping)));
        let event = match done {
            Ok(Ok(result)) => Event::JobDone(id, result),
            Ok(Err(why)) => failed(id, why),
            Err(panic) => failed(id, sentence(panic.as_ref())),
        };
        if loop_.send(Incoming::Event(event)).is_err() {
            return;
        }
    }
}

fn computed(work: Work, stopping: &AtomicBool) -> Result<JobResult, String> {
    match work {
        Work::Job { job, until } => {
            let stop = || stopping.load(Ordering::Acquire) || Instant::now() >= until;
            Ok(job.run(&stop))
        }
        Work::Other(computation) => computation(),
    }
}

fn failed(id: JobId, why: String) -> Event {
    tracing::error!(job = %id, why, "a job broke off");
    Event::JobFailed(id, why)
}

fn sentence(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "it broke off without a word".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_breaks_off_is_told_and_the_next_is_done() {
        let (sender, incoming) = channel();
        let workers = Workers::start(&sender).expect("threads");
        let told = || match incoming.recv().expect("an answer") {
            Incoming::Event(Event::JobFailed(id, why)) => (id.0, why),
            other => panic!("expected a failed job, found {other:?}"),
        };
        workers.compute(JobId(1), Box::new(|| panic!("out of range")));
        assert_eq!(told(), (1, "out of range".to_owned()));
        for number in 2..5 {
            workers.compute(JobId(number), Box::new(|| Err("the disk is gone".to_owned())));
            assert_eq!(told(), (number, "the disk is gone".to_owned()));
        }
        workers.close();
    }
}
