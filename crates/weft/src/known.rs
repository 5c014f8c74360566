//! What the operator knows better than metrics: what a fleet file says goes before what metrics tell. The
//! served fleet and the backtested one are joined here, so that they are the same.

use std::collections::BTreeMap;

use weft_core::files::fleet::FleetFile;
use weft_core::fleet::{FleetError, Host, Link, Region, Topology, Workloads, Zone};
use weft_sim::setup::GeneratorSection;

/// What a fleet file says, in the place of what metrics do.
#[derive(Debug, Default)]
pub(crate) struct Known {
    topology: Topology,
    workloads: Workloads,
}

impl Known {
    /// What this file says.
    pub(crate) fn of(file: FleetFile<GeneratorSection>) -> Self {
        Self { topology: file.topology, workloads: file.workloads }
    }

    /// The topology of the file alone.
    pub(crate) const fn topology(&self) -> &Topology {
        &self.topology
    }

    /// What the file says goes before what was `told`, and what was told last before what was told first.
    pub(crate) fn joined(&self, told: &[&Topology]) -> Result<Topology, FleetError> {
        // Zones and regions that no host of the result stands in are of no use, but harm nobody.
        let mut regions: BTreeMap<_, Region> = BTreeMap::new();
        let mut zones: BTreeMap<_, Zone> = BTreeMap::new();
        let mut hosts: BTreeMap<_, Host> = BTreeMap::new();
        for topology in told.iter().copied().chain([&self.topology]) {
            regions.extend(topology.regions().map(|region| (region.id.clone(), region.clone())));
            zones.extend(topology.zones().map(|zone| (zone.id.clone(), zone.clone())));
            hosts.extend(topology.hosts().map(|host| (host.id.clone(), host.clone())));
        }
        let links: Vec<Link> = self.topology.links().to_vec();
        let values = (regions.into_values(), zones.into_values(), hosts.into_values());
        Topology::new(values.0.collect(), values.1.collect(), values.2.collect(), links)
    }

    /// Puts what the file says of them in the place of what metrics tell of `workloads`.
    pub(crate) fn correct(&self, workloads: &mut Workloads) {
        for (id, workload) in workloads {
            if let Some(better) = self.workloads.get(id) {
                *workload = better.clone();
            }
        }
    }
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
            weft_core::files::fleet::read("fleet.yaml", &format!("{yaml}hosts: [{{name: {host}, zone: z, cores: {cores}, memory: 64GiB, network: 1Gbit/s, power: {{measured: g5}}}}]\nworkloads: []\n"))
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
        let topology_of_file = topology("eu", "h1", 32, vec![link]);
        let known = Known { topology: topology_of_file, workloads: Workloads::new() };
        let before = topology("eu", "gone", 8, Vec::new());
        let told = topology("eu", "h1", 16, Vec::new());
        let joined = known.joined(&[&before, &told]).expect("they fit");
        assert_eq!(joined.host(&"h1".into()).map(|host| host.cores), Some(32));
        assert!(joined.host(&"gone".into()).is_some());
        assert!(joined.link(&"far".into(), &"eu".into()).is_some());
    }
}
