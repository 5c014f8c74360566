//! A fleet that is watched through its metrics: who is where and how large, and what each demands. Metrics
//! cannot tell a dead host from a dead exporter, so no host is ever called lost here; and they
//! move nothing, so every order is refused.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context;
use weft_collect::preset::Derived;
use weft_collect::prometheus::{FollowSettings, Follower};
use weft_core::files::fleet::FleetFile;
use weft_core::fleet::{FleetError, Host, Link, Region, Topology, Workloads, Zone};
use weft_core::id::MoveId;
use weft_core::observation::{HostState, MoveOrder, MoveStatus, Observation};
use weft_core::series::Sample;
use weft_core::time::{Step, Timestamp};
use weft_driver::{Capabilities, Driver, DriverError};
use weft_sim::setup::GeneratorSection;

use super::clock::Clock;
use super::serve::intake::Metrics;
use super::serve::machines::Machines;
use crate::config::MetricsSettings;

/// The fleet as a metrics server tells it. Clones share the server's follower, so that samples are judged
/// by the sizes that were observed last.
#[derive(Debug, Clone)]
pub struct Watched {
    follower: Arc<Mutex<Follower>>,
    address: String,
    clock: Clock,
    /// What the operator knows better than metrics.
    known: Arc<Known>,
    topology: Arc<Topology>,
}

/// What a fleet file says, in the place of what metrics do.
#[derive(Debug, Default)]
struct Known {
    topology: Topology,
    workloads: Workloads,
}

impl Watched {
    /// The fleet behind these settings, whose first step begins at `from`.
    pub fn new(
        settings: &MetricsSettings,
        step: Step,
        from: Timestamp,
        fleet: Option<FleetFile<GeneratorSection>>,
    ) -> anyhow::Result<Self> {
        let follow = FollowSettings { step, settle: settings.settle, ..FollowSettings::default() };
        let (preset, options) = (settings.preset, settings.options.clone());
        let follower = Follower::new(settings.client()?, preset, options, follow, from);
        let known = fleet.map_or_else(Known::default, |file| Known {
            topology: file.topology,
            workloads: file.workloads,
        });
        Ok(Self {
            follower: Arc::new(Mutex::new(follower)),
            address: settings.address.clone(),
            clock: Clock::Wall,
            topology: Arc::new(known.topology.clone()),
            known: Arc::new(known),
        })
    }

    fn follower(&self) -> MutexGuard<'_, Follower> {
        // A call that broke off gives the same steps again.
        self.follower.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn unreachable(&self, why: &dyn std::error::Error) -> DriverError {
        let mut sentence = why.to_string();
        let mut cause = why.source();
        while let Some(error) = cause {
            sentence = format!("{sentence}: {error}");
            cause = error.source();
        }
        DriverError::Unreachable { what: self.address.clone(), why: sentence }
    }
}

impl Metrics for Watched {
    fn poll(&mut self, now: Timestamp) -> anyhow::Result<Vec<(Timestamp, Vec<Sample>)>> {
        self.follower().poll(now).context(self.address.clone())
    }

    fn given(&self) -> Timestamp {
        self.follower().given()
    }
}

impl Machines for Watched {
    fn topology(&self) -> Arc<Topology> {
        self.topology.clone()
    }
}

impl Driver for Watched {
    fn capabilities(&self) -> Capabilities {
        Capabilities { live: false, preemptive: false, split: false, recover: false, cancel: false }
    }

    fn observe(&mut self) -> Result<Observation, DriverError> {
        let now = self.clock.now();
        let derived = self.follower().observe(now).map_err(|error| self.unreachable(&error))?;
        let merged = merged(&self.known.topology, &self.topology, &derived.topology);
        self.topology = Arc::new(merged.map_err(|error| self.unreachable(&error))?);
        Ok(observation(now, derived, &self.known))
    }

    fn start(&mut self, order: &MoveOrder) -> Result<(), DriverError> {
        let what = format!("{} of {}", order.id, order.workload);
        Err(DriverError::Unreachable { what, why: "metrics move nothing".to_owned() })
    }

    fn poll(&mut self, _: MoveId) -> Result<MoveStatus, DriverError> {
        Ok(MoveStatus::Unknown)
    }

    fn cancel(&mut self, _: MoveId) -> Result<(), DriverError> {
        Ok(())
    }
}

fn observation(now: Timestamp, derived: Derived, known: &Known) -> Observation {
    let hosts: BTreeMap<_, _> =
        derived.topology.hosts().map(|host| (host.id.clone(), HostState::Ready)).collect();
    let mut workloads: Workloads = derived.workloads;
    // One that runs nowhere has ended: nobody wants it back.
    workloads.retain(|id, _| !derived.placement.replicas(id).is_empty());
    for (id, workload) in &mut workloads {
        if let Some(better) = known.workloads.get(id) {
            *workload = better.clone();
        }
    }
    let (placement, moves) = (derived.placement, BTreeMap::new());
    Observation { at: now, hosts, workloads, placement, moves }
}

/// What the file says, then what was known, then what metrics tell anew: a host that fell silent for
/// long stays charted, since plans of the last day name it.
fn merged(file: &Topology, known: &Topology, told: &Topology) -> Result<Topology, FleetError> {
    // Zones and regions that no host of the result stands in are of no use, but harm nobody.
    let mut regions: BTreeMap<_, Region> = BTreeMap::new();
    let mut zones: BTreeMap<_, Zone> = BTreeMap::new();
    let mut hosts: BTreeMap<_, Host> = BTreeMap::new();
    for topology in [known, told, file] {
        regions.extend(topology.regions().map(|region| (region.id.clone(), region.clone())));
        zones.extend(topology.zones().map(|zone| (zone.id.clone(), zone.clone())));
        hosts.extend(topology.hosts().map(|host| (host.id.clone(), host.clone())));
    }
    let links: Vec<Link> = file.links().to_vec();
    let values = (regions.into_values(), zones.into_values(), hosts.into_values());
    Topology::new(values.0.collect(), values.1.collect(), values.2.collect(), links)
}

#[cfg(test)]
mod tests {
    use super::*;
    use weft_core::time::Span;

    fn topology(region: &str, host: &str, cores: u32, links: Vec<Link>) -> Topology {
        let yaml = format!(
            "regions: [{{name: {region}, energy_price_per_kwh: 0.2}}, {{name: far, energy_price_per_kwh: 0.1}}]\nzones: [{{name: z, region: {region}}}]\n"
        );
        let file: FleetFile<GeneratorSection> =
            weft_core::files::fleet::read("fleet.yaml", &format!("{yaml}hosts: [{{name: {host}, zone: z, cores: {cores}, memory: 64GiB}}]\nworkloads: []\n"))
                .expect("a sound fleet");
        let parts = file.topology;
        Topology::new(
            parts.regions().cloned().collect(),
            parts.zones().cloned().collect(),
            parts.hosts().cloned().collect(),
            links,
        )
        .expect("sound")
    }

    #[test]
    fn a_fleet_file_goes_before_metrics_and_what_was_known_stays() {
        let link = Link {
            between: ("eu".into(), "far".into()),
            round_trip: Span::from_millis(20),
            bandwidth_bytes_per_second: 1,
            price_per_gigabyte: 0.0,
        };
        let file = topology("eu", "h1", 32, vec![link]);
        let known = topology("eu", "gone", 8, Vec::new());
        let told = topology("eu", "h1", 16, Vec::new());
        let merged = merged(&file, &known, &told).expect("they fit");
        assert_eq!(merged.host(&"h1".into()).map(|host| host.cores), Some(32));
        assert!(merged.host(&"gone".into()).is_some());
        assert!(merged.link(&"far".into(), &"eu".into()).is_some());
    }
}
