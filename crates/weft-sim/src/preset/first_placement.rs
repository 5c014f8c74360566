//! A first placement for a fleet that brings none: by allocation where that fits, else balanced by
//! the mean of the first samples. It must never look beyond those samples.

use weft_core::fleet::{Host, Placement, Topology, Workload, Workloads};
use weft_core::id::WorkloadId;
use weft_core::resource::Resource;

use super::PresetError;
use crate::world::Demand;

/// How many samples a placement may know: an hour of five minutes each.
pub const FIRST_SAMPLES: usize = 12;

/// The mean processor demand of a workload in its first samples, in millicores; zero where there is
/// none yet.
pub fn first_mean(demand: &Demand, workload: &WorkloadId) -> f64 {
    let Demand::Trace(trace) = demand else { return 0.0 };
    let first = trace.row(workload, Resource::Cpu).map_or(&[][..], |row| row);
    let known = first.iter().take(FIRST_SAMPLES).filter(|value| !value.is_nan());
    let (sum, count) =
        known.fold((0.0, 0), |(sum, count), value| (sum + f64::from(*value), count + 1));
    if count == 0 { 0.0 } else { sum / f64::from(count) }
}

/// Puts every workload on a host whose cores are fast enough and whose memory and disk hold it.
///
/// First fit in the order of names by allocation, processor included; where some workload finds no
/// room that way, the processor is overcommitted: the largest `mean` first, each on the host that
/// is least used then.
pub fn place(
    topology: &Topology,
    workloads: &Workloads,
    mean: &dyn Fn(&WorkloadId) -> f64,
) -> Result<Placement, PresetError> {
    first_fit(topology, workloads).map_or_else(|| balanced(topology, workloads, mean), Ok)
}

/// What is left of a host.
struct Room<'a> {
    host: &'a Host,
    free: Vec<(Resource, Option<u64>)>,
    /// Millicores of mean demand.
    used: f64,
}

impl<'a> Room<'a> {
    fn all(topology: &'a Topology, resources: &[Resource]) -> Vec<Self> {
        let room = |host: &'a Host| Room {
            host,
            free: resources.iter().map(|resource| (*resource, host.offers(*resource))).collect(),
            used: 0.0,
        };
        topology.hosts().map(room).collect()
    }

    fn takes(&self, workload: &Workload) -> bool {
        self.host.core_speed_millicores >= workload.vcpu_speed_millicores
            && self.free.iter().all(|(resource, free)| {
                free.is_none_or(|free| free >= workload.allocation(*resource))
            })
    }

    fn take(&mut self, workload: &Workload, mean: f64) {
        self.used += mean;
        for (resource, free) in &mut self.free {
            *free = free.map(|free| free.saturating_sub(workload.allocation(*resource)));
        }
    }

    fn utilisation(&self) -> f64 {
        self.used / self.host.cpu_millicores() as f64
    }
}

fn first_fit(topology: &Topology, workloads: &Workloads) -> Option<Placement> {
    let mut rooms = Room::all(topology, &[Resource::Cpu, Resource::Memory, Resource::StorageSpace]);
    let mut placement = Placement::default();
    for (id, workload) in workloads {
        let room = rooms.iter_mut().find(|room| room.takes(workload))?;
        room.take(workload, 0.0);
        placement.put(id.clone(), room.host.id.clone());
    }
    Some(placement)
}

fn balanced(
    topology: &Topology,
    workloads: &Workloads,
    mean: &dyn Fn(&WorkloadId) -> f64,
) -> Result<Placement, PresetError> {
    let mut rooms = Room::all(topology, &Resource::HELD);
    let mut largest_first: Vec<(f64, &WorkloadId)> =
        workloads.keys().map(|id| (mean(id), id)).collect();
    largest_first.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut placement = Placement::default();
    for (mean, id) in largest_first {
        let workload = &workloads[id];
        let suitable = rooms.iter_mut().filter(|room| room.takes(workload));
        let least_used = suitable.min_by(|a, b| a.utilisation().total_cmp(&b.utilisation()));
        let room = least_used.ok_or_else(|| no_room(workload))?;
        room.take(workload, mean);
        placement.put(id.clone(), room.host.id.clone());
    }
    Ok(placement)
}

fn no_room(workload: &Workload) -> PresetError {
    let speed = workload.vcpu_speed_millicores;
    let memory = workload.allocated[Resource::Memory];
    let needs = format!("cores of {speed} millicores, {memory} bytes of memory");
    PresetError::NoRoom { workload: workload.id.clone(), needs }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::Value;
    use weft_core::files::fleet;

    use super::*;

    fn placed(
        workloads: &str,
        means: &[(&str, f64)],
    ) -> Result<Vec<(String, String)>, PresetError> {
        let text = format!(
            "regions: [{{name: r}}]\nzones: [{{name: z, region: r}}]\nhosts:\n\
             - {{name: 'h{{}}', count: 2, zone: z, cores: 4, memory: 10GB, network: 1Gbit/s, power: \
             {{measured: g5}}}}\nworkloads:\n{workloads}"
        );
        let file = fleet::read::<Value>("f.yaml", &text).expect("a valid fleet");
        let means: BTreeMap<WorkloadId, f64> =
            means.iter().map(|(name, mean)| ((*name).into(), *mean)).collect();
        let mean = |id: &WorkloadId| means.get(id).copied().unwrap_or(0.0);
        let placement = place(&file.topology, &file.workloads, &mean)?;
        let host = |id: &WorkloadId| placement.sole_host(id).expect("it is whole").to_string();
        Ok(placement.0.keys().map(|id| (id.to_string(), host(id))).collect())
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
    }

    #[test]
    fn by_allocation_where_it_fits() {
        let workloads = "- {name: a, vcpus: 3, memory: 1GB}\n- {name: b, vcpus: 2, memory: 1GB}\n\
                         - {name: c, vcpus: 1, memory: 1GB}\n";
        let found = placed(workloads, &[]).expect("it fits");
        assert_eq!(found, pairs(&[("a", "h1"), ("b", "h2"), ("c", "h1")]));
    }

    #[test]
    fn by_the_first_samples_where_processors_are_overcommitted() {
        let workloads = "- {name: 'w{}', count: 4, vcpus: 4, memory: 2GB}\n";
        let means = [("w1", 10.0), ("w2", 900.0), ("w3", 1_000.0), ("w4", 500.0)];
        let found = placed(workloads, &means).expect("it fits");
        assert_eq!(found, pairs(&[("w1", "h1"), ("w2", "h2"), ("w3", "h1"), ("w4", "h2")]));
    }

    #[test]
    fn memory_is_never_overcommitted() {
        let error = placed("- {name: 'w{}', count: 3, vcpus: 4, memory: 6GB}\n", &[]);
        let expected = "expected a host with room for workload `w3` (cores of 1000 millicores, \
                        6000000000 bytes of memory), found none";
        assert_eq!(error.expect_err("three on two").to_string(), expected);
    }
}
