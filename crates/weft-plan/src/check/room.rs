//! What is held on every host: memory and space by allocation, what flights reserve included. It
//! only adds up; a replica holds its whole allocation, whatever its share of the demand.

use std::collections::BTreeMap;

use weft_core::fleet::Workload;
use weft_core::id::HostId;
use weft_core::resource::{Amounts, Resource};

use super::fleet::Fleet;
use super::violation::{Occasion, Violation};

/// Held amounts by host.
#[derive(Default)]
pub(super) struct Held {
    amounts: BTreeMap<HostId, Amounts>,
}

impl Held {
    pub(super) fn add(&mut self, host: &HostId, workload: &Workload) {
        let amounts = self.amounts.entry(host.clone()).or_default();
        for resource in Resource::HELD {
            amounts[resource] += workload.allocation(resource);
        }
    }

    pub(super) fn remove(&mut self, host: &HostId, workload: &Workload) {
        if let Some(amounts) = self.amounts.get_mut(host) {
            for resource in Resource::HELD {
                let rest = amounts[resource].saturating_sub(workload.allocation(resource));
                amounts[resource] = rest;
            }
        }
    }

    /// What `host` holds beyond its limits.
    pub(super) fn excess(
        &self,
        fleet: &Fleet<'_>,
        host: &HostId,
        occasion: Occasion,
    ) -> Vec<Violation> {
        let Some((known, amounts)) = fleet.host(host).zip(self.amounts.get(host)) else {
            return Vec::new();
        };
        let over = Resource::HELD.into_iter().filter_map(|resource| {
            let limit = fleet.policy.margins.limit(known, resource)?;
            let held = amounts[resource];
            (held as f64 > limit).then(|| Violation::Room {
                occasion,
                host: host.clone(),
                resource,
                held,
                limit,
            })
        });
        over.collect()
    }

    /// Hosts that hold anything, by name.
    pub(super) fn hosts(&self) -> impl Iterator<Item = &HostId> {
        self.amounts.keys()
    }
}
