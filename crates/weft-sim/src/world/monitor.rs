//! What monitors report: per step and series one sample, censored as in real life, with gaps and
//! delays where faults say so. Monitors never see true demand, unless the physics let them.

use rand::RngExt;
use weft_core::policy::Window;
use weft_core::resource::{Resource, SeriesKey};
use weft_core::series::Sample;
use weft_core::time::Span;

use super::{Clock, Presence, Run, World};
use crate::fault::Fault;

/// At this share of its vCPUs a workload is at its cap; `f32` samples blur what is closer.
const AT_CAP: f64 = 0.999;

impl World {
    /// The samples that have become available since the last call, late ones included, in order of
    /// becoming available; gaps are left out.
    pub fn take_samples(&mut self) -> Vec<Sample> {
        let later = self.samples.split_off(&(self.now + Span::from_millis(1), 0));
        std::mem::replace(&mut self.samples, later).into_values().collect()
    }

    /// Makes the samples of the step that a tick ends (or, where demand is sampled, begins).
    pub(super) fn report(&mut self) {
        let begun = (self.now - self.start).whole_steps(self.step);
        let index = match self.physics.clock {
            Clock::Held => begun - 1,
            Clock::Sampled { .. } => begun,
        };
        for workload in 0..self.tenants.len() {
            self.report_processor(workload, index);
        }
        for resource in [
            Resource::Memory,
            Resource::Network,
            Resource::StorageThroughput,
            Resource::StorageOperations,
            Resource::StorageSpace,
        ] {
            self.report_other(resource, index);
        }
    }

    fn report_processor(&mut self, workload: usize, index: usize) {
        let clock = self.physics.clock;
        let (used, seen) = match clock {
            Clock::Held => (self.tenants[workload].used, self.tenants[workload].seen),
            Clock::Sampled { .. } => self.used_now(workload),
        };
        let sees_demand = self.physics.sees_demand;
        let tenant = &mut self.tenants[workload];
        let is_censored = std::mem::take(&mut tenant.censored);
        (tenant.used, tenant.seen) = (0.0, 0.0);
        if tenant.presence != Presence::Placed || seen <= 0.0 {
            return;
        }
        let value = used / seen;
        let at_cap = value >= AT_CAP * tenant.limit();
        let censored = !sees_demand && (is_censored || at_cap);
        self.emit(workload, Resource::Cpu, index, value, censored);
    }

    /// What a workload uses at this instant, and the share of it that runs.
    fn used_now(&self, workload: usize) -> (f64, f64) {
        let tenant = &self.tenants[workload];
        let running = tenant.parts.iter().filter(|part| part.run == Run::Running);
        let mut used = 0.0;
        let mut seen = 0.0;
        for part in running {
            let share = f64::from(part.share_permille) / 1_000.0;
            let residents = &self.hosts[part.host].residents;
            let here = residents.iter().find(|r| r.workload == workload && r.incoming.is_none());
            let served = here.map_or(0.0, |resident| resident.served);
            used += if self.physics.sees_demand { tenant.demand * share } else { served };
            seen += share;
        }
        (used, seen)
    }

    /// Samples of a resource without queues: what is held stays within its allocation; what flows
    /// is cut in proportion where a host has less than its workloads want. Taken at the tick, with
    /// the placement of then.
    fn report_other(&mut self, resource: Resource, index: usize) {
        let mut wanted = vec![None; self.tenants.len()];
        let mut totals = vec![0.0; self.hosts.len()];
        for (tenant, wanted) in self.tenants.iter_mut().zip(&mut wanted) {
            let runs = tenant.parts.iter().any(|part| part.run == Run::Running);
            let Some(source) = tenant.sources[resource.position()].as_mut().filter(|_| runs) else {
                continue;
            };
            let value = f64::from(source.value(index));
            *wanted = Some(value);
            for part in &tenant.parts {
                totals[part.host] += value * f64::from(part.share_permille) / 1_000.0;
            }
        }
        for (workload, wanted) in wanted.into_iter().enumerate() {
            let Some(wanted) = wanted else { continue };
            let value = if resource.is_held() {
                wanted.min(self.tenants[workload].facts.allocation(resource) as f64)
            } else {
                self.flow(workload, resource, wanted, &totals)
            };
            self.emit(workload, resource, index, value, value < wanted * AT_CAP);
        }
    }

    fn flow(&self, workload: usize, resource: Resource, wanted: f64, totals: &[f64]) -> f64 {
        let parts = self.tenants[workload].parts.iter();
        let served = parts.filter(|part| part.run == Run::Running).map(|part| {
            let offered = self.hosts[part.host].facts.offers(resource);
            let scale = offered.map_or(1.0, |offered| offered as f64 / totals[part.host]).min(1.0);
            let scale = if scale.is_finite() { scale } else { 1.0 };
            wanted * f64::from(part.share_permille) / 1_000.0 * scale
        });
        served.sum()
    }

    /// Hands a sample in, unless a fault swallows it; late where a fault delays it.
    fn emit(
        &mut self,
        workload: usize,
        resource: Resource,
        index: usize,
        value: f64,
        censored: bool,
    ) {
        let tenant = &self.tenants[workload];
        let source = tenant.sources[resource.position()].as_ref();
        let Some(source) = source.filter(|source| !source.is_gap(index)) else { return };
        let censored = censored || source.is_censored(index);
        let key = SeriesKey::resource(tenant.id.clone(), resource);
        let at = self.start + self.step.span() * index as i64;
        let Some(delay) = self.draw_delay() else { return };
        let sample = Sample { key, at, value: value as f32, censored };
        let number = self.samples.len() as u64 + self.ticks as u64 * (1 << 32);
        self.samples.insert((self.now + delay, number), sample);
    }

    /// How late a sample arrives; none if it never does.
    fn draw_delay(&mut self) -> Option<Span> {
        let mut delay = Span::ZERO;
        let now = self.now;
        let mut is_hit = |share: f64, window: &Window| {
            window.contains(now) && self.sample_draws.random::<f64>() < share
        };
        for fault in &self.faults.faults {
            match fault {
                Fault::Gaps { share, window } if is_hit(*share, window) => return None,
                Fault::LateSamples { share, delay: late, window } if is_hit(*share, window) => {
                    delay = delay.max(*late);
                }
                _ => {}
            }
        }
        Some(delay)
    }
}
