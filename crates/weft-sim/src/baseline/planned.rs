//! The placement under planning: where workloads would be, what hosts would carry. It must never
//! change what was measured: CloudSim's search subtracts the measured power, not the planned one.

use weft_core::time::Span;

use super::copy_time;
use super::detector::{Detector, Load};
use super::history::{Histories, LENGTH};
use super::picture::Picture;

/// A host under planning.
#[derive(Debug, Clone)]
struct PlannedHost {
    list: Vec<usize>,
    demand: f64,
    history: [f64; LENGTH],
    largest_memory: u64,
    booked: f64,
    free: f64,
    free_memory: u64,
}

/// What a host was before workloads were put on it, to undo that.
#[derive(Debug)]
pub(super) struct Before {
    number: usize,
    host: PlannedHost,
}

/// The placement under planning.
pub(super) struct Planned<'a> {
    picture: &'a Picture,
    histories: &'a Histories,
    detector: Detector,
    hosts: Vec<PlannedHost>,
    /// Watts that were measured, by host.
    measured_watts: Vec<f64>,
}

impl<'a> Planned<'a> {
    pub(super) fn new(picture: &'a Picture, histories: &'a Histories, detector: Detector) -> Self {
        let host = |host: &super::picture::HostPicture| PlannedHost {
            list: host.list.clone(),
            demand: 0.0,
            history: [0.0; LENGTH],
            largest_memory: 0,
            booked: host.booked,
            free: host.free,
            free_memory: host.free_memory,
        };
        let hosts = picture.hosts.iter().map(host).collect();
        let measured_watts = picture.hosts.iter().map(|host| host.watts(host.booked)).collect();
        let mut planned = Self { picture, histories, detector, hosts, measured_watts };
        for number in 0..planned.hosts.len() {
            planned.add_up(number);
        }
        planned
    }

    /// The workloads that would be on host `number`, in order of arrival.
    pub(super) fn list(&self, number: usize) -> &[usize] {
        &self.hosts[number].list
    }

    /// Whether host `number` would be overloaded.
    pub(super) fn is_overloaded(&self, number: usize) -> bool {
        let host = &self.hosts[number];
        self.detector.is_overloaded(&self.load(number, host.demand, host.history, 0))
    }

    /// Takes a workload off its host. What it frees is not given to others: CloudSim's books show
    /// it only after the move.
    pub(super) fn take_off(&mut self, workload: usize, number: usize) {
        self.hosts[number].list.retain(|other| *other != workload);
        self.add_up(number);
    }

    /// Puts a workload on a host as well.
    pub(super) fn put_on(&mut self, workload: usize, number: usize) -> Before {
        let before = Before { number, host: self.hosts[number].clone() };
        let demand = self.picture.workloads[workload].demand;
        let memory = self.picture.workloads[workload].memory;
        let history = self.joined(number, workload);
        let host = &mut self.hosts[number];
        host.list.push(workload);
        host.demand += demand;
        host.history = history;
        host.largest_memory = host.largest_memory.max(memory);
        host.booked += demand;
        host.free -= demand;
        host.free_memory = host.free_memory.saturating_sub(memory);
        before
    }

    /// Undoes what was put on, the last first.
    pub(super) fn undo(&mut self, done: Vec<Before>) {
        for Before { number, host } in done.into_iter().rev() {
            self.hosts[number] = host;
        }
    }

    /// The host on which `workload` of host `source` would raise the power least over what was
    /// measured, without being overloaded: power-aware best fit. The first of equals wins.
    pub(super) fn best_host(
        &self,
        workload: usize,
        source: usize,
        excluded: &[bool],
    ) -> Option<usize> {
        let demand = self.picture.workloads[workload].demand;
        let mut best: Option<(usize, f64)> = None;
        let mut is_kind_tried = vec![false; self.picture.kinds];
        for (number, planned) in self.hosts.iter().enumerate() {
            let host = &self.picture.hosts[number];
            if excluded[number] || !self.suits(workload, source, number) {
                continue;
            }
            if planned.list.is_empty() && host.booked == 0.0 {
                if is_kind_tried[host.kind] {
                    continue;
                }
                is_kind_tried[host.kind] = true;
            }
            let rise = host.watts(planned.booked + demand) - self.measured_watts[number];
            if best.is_none_or(|(_, least)| rise < least) && self.stands(workload, number) {
                best = Some((number, rise));
            }
        }
        best.map(|(number, _)| number)
    }

    fn suits(&self, workload: usize, source: usize, number: usize) -> bool {
        let (host, planned) = (&self.picture.hosts[number], &self.hosts[number]);
        let workload = &self.picture.workloads[workload];
        host.is_ready
            && planned.free >= workload.demand
            && workload.suits_cores(host)
            && host.region == self.picture.hosts[source].region
            && (!self.picture.memory_binds || planned.free_memory >= workload.memory)
    }

    /// Whether the host would not be overloaded; an empty one is not asked.
    fn stands(&self, workload: usize, number: usize) -> bool {
        let host = &self.hosts[number];
        if host.booked == 0.0 {
            return true;
        }
        let arriving = &self.picture.workloads[workload];
        let (demand, history) = (host.demand + arriving.demand, self.joined(number, workload));
        !self.detector.is_overloaded(&self.load(number, demand, history, arriving.memory))
    }

    fn load(&self, number: usize, demand: f64, history: [f64; LENGTH], arriving: u64) -> Load {
        let host = &self.picture.hosts[number];
        let largest = self.hosts[number].largest_memory.max(arriving);
        let time: Span = copy_time(largest, host.migration_bandwidth);
        Load {
            utilisation: demand / host.capacity,
            history: history.map(|millicores| millicores / host.capacity),
            ticks_to_move: (time.as_seconds_f64() / self.picture.step_seconds).ceil(),
        }
    }

    /// The host's history with that of `workload`, in millicores.
    fn joined(&self, number: usize, workload: usize) -> [f64; LENGTH] {
        let mut history = self.hosts[number].history;
        for (sum, value) in history.iter_mut().zip(self.histories.of(workload)) {
            *sum += value;
        }
        history
    }

    /// Reckons a host's demand, history and largest memory anew from its list.
    fn add_up(&mut self, number: usize) {
        self.hosts[number].history = [0.0; LENGTH];
        self.hosts[number].demand = 0.0;
        self.hosts[number].largest_memory = 0;
        for position in 0..self.hosts[number].list.len() {
            let workload = self.hosts[number].list[position];
            let history = self.joined(number, workload);
            let picture = &self.picture.workloads[workload];
            let host = &mut self.hosts[number];
            host.history = history;
            host.demand += picture.demand;
            host.largest_memory = host.largest_memory.max(picture.memory);
        }
    }
}
