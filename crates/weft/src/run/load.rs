//! What every host carries now: the newest whole step of samples, summed by who is where. It is what was seen,
//! never what is forecast, and so at most what there is to have: a host that is full shows as full, not as beyond.

use std::collections::BTreeMap;

use weft_core::fleet::Topology;
use weft_core::id::HostId;
use weft_core::observation::Observation;
use weft_core::resource::{Measure, Resource};
use weft_core::series::Sample;
use weft_core::time::{Step, Timestamp};

/// One resource of one host in the newest step.
#[derive(Debug, Clone, PartialEq)]
pub struct HostLoad {
    /// The host.
    pub host: HostId,
    /// Of what.
    pub resource: Resource,
    /// What its workloads used, in the unit of the resource.
    pub used: f64,
    /// What the host has of it, in the same unit.
    pub capacity: f64,
}

impl HostLoad {
    /// The share of the host that is used.
    pub fn ratio(&self) -> f64 {
        self.used / self.capacity
    }
}

/// Every host in the newest step.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct HostLoads {
    /// End of that step.
    pub until: Timestamp,
    /// By host, then by resource; only what flows, and only where something was sampled and limited.
    pub hosts: Vec<HostLoad>,
}

impl HostLoads {
    /// The loads of the step that begins at `at`. Samples of other steps are left out: they came late. Where a
    /// sample is missing, a load is at least what is said here.
    pub fn of(
        at: Timestamp,
        step: Step,
        samples: &[Sample],
        seen: &Observation,
        topology: &Topology,
    ) -> Self {
        let mut used: BTreeMap<(&HostId, Resource), f64> = BTreeMap::new();
        for sample in samples.iter().filter(|sample| sample.at == at) {
            let Measure::Resource(resource) = sample.key.measure else { continue };
            // What is held is packed by allocation: that guests use all of theirs is no shortage.
            if resource.is_held() {
                continue;
            }
            for replica in seen.placement.replicas(&sample.key.workload) {
                *used.entry((&replica.host, resource)).or_default() +=
                    f64::from(sample.value) * replica.share();
            }
        }
        let load = |((host, resource), used): ((&HostId, Resource), f64)| {
            let capacity = topology.host(host)?.offers(resource).filter(|offered| *offered > 0)?;
            Some(HostLoad { host: host.clone(), resource, used, capacity: capacity as f64 })
        };
        let hosts = used.into_iter().filter_map(load).collect();
        Self { until: at + step.span(), hosts }
    }
}

#[cfg(test)]
mod tests {
    use weft_core::fleet::{Placement, Replica};
    use weft_core::resource::SeriesKey;

    use super::*;
    use crate::alert::fixture::fleet;

    #[test]
    fn a_host_carries_the_shares_of_its_workloads() {
        let (at, step) = (Timestamp::from_seconds(1_772_438_400), Step::FIVE_MINUTES);
        let replica = |host: &str, share_permille| Replica { host: host.into(), share_permille };
        let mut placement = Placement::default();
        placement.put("web".into(), "a-1".into());
        placement.0.insert("split".into(), vec![replica("a-1", 250), replica("a-2", 750)]);
        let seen = Observation { at, placement, ..Observation::default() };
        let sample = |workload: &str, resource, at, value| {
            let key = SeriesKey::resource(workload.into(), resource);
            Sample { key, at, value, censored: false }
        };
        let samples = [
            sample("web", Resource::Cpu, at, 1_000.0),
            sample("web", Resource::Memory, at, 1e9),
            sample("web", Resource::Cpu, at - step.span(), 9_000.0),
            sample("split", Resource::Cpu, at, 4_000.0),
            sample("elsewhere", Resource::Cpu, at, 4_000.0),
        ];
        let loads = HostLoads::of(at, step, &samples, &seen, &fleet());
        let said: Vec<_> =
            loads.hosts.iter().map(|load| (load.host.as_str(), load.used, load.ratio())).collect();
        assert_eq!(said, [("a-1", 2_000.0, 0.5), ("a-2", 3_000.0, 0.75)]);
        assert_eq!(loads.until, at + step.span());
    }
}
