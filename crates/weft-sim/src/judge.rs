//! The judge of a simulated fleet: what was demanded and not served, what it cost, and the field's
//! service-level figures. It knows the true demand; no policy ever reads it.
//!
//! The judge must never influence the world: it is told intervals in which nothing changed and
//! adds them up.
//!
//! # Definitions
//!
//! One core is 1,000 millicores; a core-hour is that for an hour.
//!
//! - **Unserved demand** has five parts ([`Unserved`]); the headline is the sum of the four that a
//!   placement can cause. `beyond_allocation` is what a workload wants beyond its own vCPUs: no
//!   placement serves it, so it stands apart.
//! - **Overload minutes**: host-minutes in which the processor demand on a host exceeds its capacity.
//! - **SLATAH** (Beloglazov and Buyya 2012, eq. 4): of the time in which hosts are active (processor
//!   use above zero), the share in which a host allocates less than is requested of it. As in
//!   CloudSim, the full demand of an incoming workload counts as requested and only its small share
//!   as allocated, so every incoming migration violates.
//! - **PDM** (ibid., eq. 4): demand not served while migrating over all demand.
//! - **SLAV** = SLATAH × PDM and **ESV** = energy in kWh × SLAV (ibid., eq. 5 and 6).
//! - **Cost**: the bill. Energy at the region's price, host-hours at the host's price, bytes sent
//!   between regions at the link's price. Unserved demand is not part of it.

use serde::Serialize;
use weft_core::time::{Span, Step, Timestamp};

/// Demand that was not served, in core-hours, by cause.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Unserved {
    /// The host had less than was demanded of it, or its cores are slower than the vCPUs.
    pub overload: f64,
    /// Processor time that running moves took from the workloads moved.
    pub migration: f64,
    /// The workload stood still for a planned move.
    pub downtime: f64,
    /// The workload's host was lost, or it had no host at all.
    pub lost: f64,
    /// Demand beyond the workload's own vCPUs: no placement can serve it. Not in [`Self::total`].
    pub beyond_allocation: f64,
}

impl Unserved {
    /// The headline: everything but what lies beyond the allocation.
    pub fn total(&self) -> f64 {
        self.overload + self.migration + self.downtime + self.lost
    }

    /// These rates or amounts `times` over.
    #[must_use]
    pub fn scaled(&self, times: f64) -> Self {
        Self {
            overload: self.overload * times,
            migration: self.migration * times,
            downtime: self.downtime * times,
            lost: self.lost * times,
            beyond_allocation: self.beyond_allocation * times,
        }
    }

    /// Adds `other` part by part.
    pub fn add(&mut self, other: &Self) {
        self.overload += other.overload;
        self.migration += other.migration;
        self.downtime += other.downtime;
        self.lost += other.lost;
        self.beyond_allocation += other.beyond_allocation;
    }
}

/// The bill by part, in the currency of the prices.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Bill {
    /// Energy at the region's price.
    pub energy: f64,
    /// Hours of hosts that had workloads.
    pub hosts: f64,
    /// Bytes between regions.
    pub egress: f64,
}

impl Bill {
    /// All parts together.
    pub fn total(&self) -> f64 {
        self.energy + self.hosts + self.egress
    }
}

/// What happens on one host, per unit of time, while nothing changes there.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct HostRates {
    /// Cores demanded by the workloads that run (or should run) here, in cores.
    pub requested_cores: f64,
    /// Cores served to them.
    pub served_cores: f64,
    /// Cores not served, by cause.
    pub unserved: Unserved,
    /// Cores not served to workloads that are under way: the numerator of PDM.
    pub unserved_migrating_cores: f64,
    /// Processor use above zero.
    pub is_active: bool,
    /// Allocated less than requested, in CloudSim's sense.
    pub is_violating: bool,
    /// Processor demand above capacity.
    pub is_overloaded: bool,
    /// It has workloads (running, stopped or coming) and is not lost: its price is due.
    pub is_occupied: bool,
}

/// What one host costs per unit.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct HostPrices {
    /// Of a kilowatt-hour.
    pub per_kwh: f64,
    /// Of an occupied hour.
    pub per_hour: f64,
}

/// Totals of one step of the grid, for charts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct StepTotals {
    /// Start of the step.
    pub at: Timestamp,
    /// Energy, in kilowatt-hours.
    pub energy_kwh: f64,
    /// Demand, in core-hours.
    pub requested_core_hours: f64,
    /// Not served, in core-hours (the headline).
    pub unserved_core_hours: f64,
    /// Host-hours with workloads.
    pub occupied_host_hours: f64,
    /// Moves started.
    pub migrations: u64,
    /// The bill.
    pub cost: f64,
}

impl StepTotals {
    fn new(at: Timestamp) -> Self {
        Self {
            at,
            energy_kwh: 0.0,
            requested_core_hours: 0.0,
            unserved_core_hours: 0.0,
            occupied_host_hours: 0.0,
            migrations: 0,
            cost: 0.0,
        }
    }

    /// Mean power over a step of this length, in watts.
    pub fn mean_watts(&self, step: Step) -> f64 {
        self.energy_kwh * 1_000.0 / step.hours()
    }
}

/// Totals of one host on one day: the blocks of a block bootstrap over days or hosts.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Block {
    /// Not served, in core-hours (the headline).
    pub unserved_core_hours: f64,
    /// The bill; bytes between regions are charged to the source.
    pub cost: f64,
    /// Energy, in kilowatt-hours.
    pub energy_kwh: f64,
}

/// The figures of a whole run. See the module for their definitions.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Metrics {
    /// Energy, in kilowatt-hours.
    pub energy_kwh: f64,
    /// All demand, in core-hours.
    pub requested_core_hours: f64,
    /// All demand served, in core-hours.
    pub served_core_hours: f64,
    /// Demand not served, by cause, in core-hours.
    pub unserved: Unserved,
    /// Host-minutes with demand above capacity.
    pub overload_minutes: f64,
    /// Host-hours with processor use.
    pub active_host_hours: f64,
    /// Host-hours with workloads.
    pub occupied_host_hours: f64,
    /// Share of active host time in violation, in 0..=1.
    pub slatah: f64,
    /// Share of demand not served while migrating, in 0..=1.
    pub pdm: f64,
    /// SLATAH × PDM.
    pub slav: f64,
    /// Energy × SLAV.
    pub esv: f64,
    /// Moves started.
    pub migrations: u64,
    /// Bytes sent by moves.
    pub moved_bytes: u64,
    /// Seconds in which workloads stood still for planned moves.
    pub downtime_seconds: f64,
    /// The bill.
    pub bill: Bill,
}

/// Adds up what happens in a simulated fleet.
#[derive(Debug, Clone)]
pub struct Judge {
    start: Timestamp,
    hosts: usize,
    metrics: Metrics,
    violating_host_hours: f64,
    unserved_migrating_core_hours: f64,
    steps: Vec<StepTotals>,
    /// Days × hosts.
    blocks: Vec<Vec<Block>>,
}

impl Judge {
    /// A judge of `hosts` hosts; the first step begins at `start`.
    pub fn new(start: Timestamp, hosts: usize) -> Self {
        Self {
            start,
            hosts,
            metrics: Metrics::default(),
            violating_host_hours: 0.0,
            unserved_migrating_core_hours: 0.0,
            steps: vec![StepTotals::new(start)],
            blocks: vec![vec![Block::default(); hosts]],
        }
    }

    /// Begins the totals of the step that starts at `at`; what follows is added to it.
    pub fn begin_step(&mut self, at: Timestamp) {
        self.steps.push(StepTotals::new(at));
        let day = (at - self.start).as_millis() / Span::from_days(1).as_millis();
        if day as usize >= self.blocks.len() {
            self.blocks.push(vec![Block::default(); self.hosts]);
        }
    }

    /// Adds an interval of `length` in which host number `host` behaved as `rates` say and drew
    /// `watts` on average.
    pub fn add_interval(
        &mut self,
        host: usize,
        length: Span,
        rates: &HostRates,
        watts: f64,
        prices: HostPrices,
    ) {
        let hours = length.as_hours_f64();
        let kwh = watts * hours / 1_000.0;
        let unserved = rates.unserved.scaled(hours);
        let occupied = if rates.is_occupied { hours } else { 0.0 };
        let bill =
            Bill { energy: kwh * prices.per_kwh, hosts: occupied * prices.per_hour, egress: 0.0 };
        let total = &mut self.metrics;
        total.energy_kwh += kwh;
        total.requested_core_hours += rates.requested_cores * hours;
        total.served_core_hours += rates.served_cores * hours;
        total.unserved.add(&unserved);
        total.occupied_host_hours += occupied;
        total.overload_minutes += if rates.is_overloaded { hours * 60.0 } else { 0.0 };
        total.bill.energy += bill.energy;
        total.bill.hosts += bill.hosts;
        self.unserved_migrating_core_hours += rates.unserved_migrating_cores * hours;
        if rates.is_active {
            total.active_host_hours += hours;
            self.violating_host_hours += if rates.is_violating { hours } else { 0.0 };
        }
        let step = self.steps.last_mut().expect("a judge has at least its first step");
        step.energy_kwh += kwh;
        step.requested_core_hours += rates.requested_cores * hours;
        step.unserved_core_hours += unserved.total();
        step.occupied_host_hours += occupied;
        step.cost += bill.total();
        let block = self.block(host);
        block.unserved_core_hours += unserved.total();
        block.cost += bill.total();
        block.energy_kwh += kwh;
    }

    /// Adds `core_hours` that were demanded by a workload without a host.
    pub fn add_homeless(&mut self, core_hours: f64) {
        self.metrics.requested_core_hours += core_hours;
        self.metrics.unserved.lost += core_hours;
        let step = self.steps.last_mut().expect("a judge has at least its first step");
        step.requested_core_hours += core_hours;
        step.unserved_core_hours += core_hours;
    }

    /// Counts a started move.
    pub fn add_migration(&mut self) {
        self.metrics.migrations += 1;
        self.steps.last_mut().expect("a judge has at least its first step").migrations += 1;
    }

    /// Counts bytes that a move sent from host number `source`, at `price_per_gigabyte`.
    pub fn add_transfer(&mut self, source: usize, bytes: u64, price_per_gigabyte: f64) {
        let egress = bytes as f64 / 1e9 * price_per_gigabyte;
        self.metrics.moved_bytes += bytes;
        self.metrics.bill.egress += egress;
        self.steps.last_mut().expect("a judge has at least its first step").cost += egress;
        self.block(source).cost += egress;
    }

    /// Counts time in which a workload stood still for a planned move.
    pub fn add_downtime(&mut self, length: Span) {
        self.metrics.downtime_seconds += length.as_seconds_f64();
    }

    /// The figures so far.
    pub fn metrics(&self) -> Metrics {
        let mut metrics = self.metrics;
        metrics.slatah = ratio(self.violating_host_hours, metrics.active_host_hours);
        metrics.pdm = ratio(self.unserved_migrating_core_hours, metrics.requested_core_hours);
        metrics.slav = metrics.slatah * metrics.pdm;
        metrics.esv = metrics.energy_kwh * metrics.slav;
        metrics
    }

    /// Totals per step, from the first on.
    pub fn steps(&self) -> &[StepTotals] {
        &self.steps
    }

    /// Totals per day and host: `blocks()[day][host]`, hosts in the topology's order.
    pub fn blocks(&self) -> &[Vec<Block>] {
        &self.blocks
    }

    fn block(&mut self, host: usize) -> &mut Block {
        let day = self.blocks.last_mut().expect("a judge has at least its first day");
        &mut day[host]
    }
}

fn ratio(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two hosts for one hour. Host 0: 3 cores wanted, 2 served (1 overload), 200 W, 0.3 per kWh,
    /// 1 per hour. Host 1: 1 core wanted, 0.9 served (a move takes 0.1), 100 W. Then one further
    /// hour in which host 0 rests empty at 10 W.
    #[test]
    fn two_hosts_by_hand() {
        let prices = HostPrices { per_kwh: 0.3, per_hour: 1.0 };
        let hour = Span::from_hours(1);
        let mut judge = Judge::new(Timestamp::from_seconds(0), 2);
        let busy = HostRates {
            requested_cores: 3.0,
            served_cores: 2.0,
            unserved: Unserved { overload: 1.0, ..Unserved::default() },
            is_active: true,
            is_violating: true,
            is_overloaded: true,
            is_occupied: true,
            ..HostRates::default()
        };
        let moving = HostRates {
            requested_cores: 1.0,
            served_cores: 0.9,
            unserved: Unserved { migration: 0.1, ..Unserved::default() },
            unserved_migrating_cores: 0.1,
            is_active: true,
            is_occupied: true,
            ..HostRates::default()
        };
        judge.add_interval(0, hour, &busy, 200.0, prices);
        judge.add_interval(1, hour, &moving, 100.0, prices);
        judge.add_migration();
        judge.add_transfer(1, 2_000_000_000, 0.05);
        judge.begin_step(Timestamp::from_seconds(3_600));
        judge.add_interval(0, hour, &HostRates::default(), 10.0, prices);
        let metrics = judge.metrics();
        let close = |name: &str, found: f64, expected: f64| {
            assert!((found - expected).abs() < 1e-12, "{name}: {found} instead of {expected}");
        };
        close("energy", metrics.energy_kwh, 0.31);
        close("requested", metrics.requested_core_hours, 4.0);
        close("unserved", metrics.unserved.total(), 1.1);
        close("overload minutes", metrics.overload_minutes, 60.0);
        close("slatah", metrics.slatah, 0.5);
        close("pdm", metrics.pdm, 0.1 / 4.0);
        close("slav", metrics.slav, 0.0125);
        close("esv", metrics.esv, 0.31 * 0.0125);
        close("bill", metrics.bill.total(), 0.31 * 0.3 + 2.0 + 0.1);
        close("step cost", judge.steps()[0].cost + judge.steps()[1].cost, metrics.bill.total());
        close("block cost", judge.blocks()[0][1].cost, 0.03 + 1.0 + 0.1);
        assert_eq!((judge.steps().len(), metrics.migrations), (2, 1));
        close("mean watts", judge.steps()[1].mean_watts(Step::new(hour).expect("an hour")), 10.0);
    }

    #[test]
    fn a_day_is_a_block() {
        let mut judge = Judge::new(Timestamp::from_seconds(0), 1);
        for hour in 1..=48 {
            judge.begin_step(Timestamp::from_seconds(hour * 3_600));
        }
        assert_eq!(judge.blocks().len(), 3);
        assert_eq!(Judge::new(Timestamp::from_seconds(0), 1).metrics().slatah, 0.0);
    }
}
