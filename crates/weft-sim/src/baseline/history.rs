//! The newest samples of processor use of every workload, as far back as any baseline looks.
//! A missing sample repeats the last one, so that the histories of a host's workloads stay in step.

use std::collections::VecDeque;

use weft_core::resource::{Measure, Resource};
use weft_core::series::Sample;

use crate::world::World;

/// How many samples CloudSim keeps of a workload.
pub(super) const LENGTH: usize = 30;

/// By workload number, newest first, in millicores.
#[derive(Debug)]
pub(super) struct Histories {
    of: Vec<VecDeque<f64>>,
    ticks: usize,
}

impl Histories {
    pub(super) fn new(workloads: usize) -> Self {
        Self { of: vec![VecDeque::with_capacity(LENGTH); workloads], ticks: 0 }
    }

    /// Takes in what arrived since the last tick.
    pub(super) fn record(&mut self, samples: &[Sample], world: &World) {
        self.ticks += 1;
        let mut newest: Vec<Option<&Sample>> = vec![None; self.of.len()];
        for sample in samples {
            if sample.key.measure != Measure::Resource(Resource::Cpu) {
                continue;
            }
            let Some(workload) = world.workload_position(&sample.key.workload) else { continue };
            if newest[workload].is_none_or(|known| known.at <= sample.at) {
                newest[workload] = Some(sample);
            }
        }
        for (workload, history) in self.of.iter_mut().enumerate() {
            let value = newest[workload].map(|sample| f64::from(sample.value));
            let Some(value) = value.or_else(|| history.front().copied()) else { continue };
            history.truncate(LENGTH - 1);
            history.push_front(value);
        }
    }

    /// Ticks seen so far.
    pub(super) const fn ticks(&self) -> usize {
        self.ticks
    }

    /// The newest samples of `workload`, newest first.
    pub(super) fn of(&self, workload: usize) -> &VecDeque<f64> {
        &self.of[workload]
    }
}
