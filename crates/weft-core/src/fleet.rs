//! The fleet: where hosts are, what they offer, and which workloads there are.
//!
//! A [`Topology`] is validated once, where it is built; afterwards every host has its zone, every
//! zone its region, and no lookup can fail for an id that came from the same topology.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::id::{HostId, RegionId, Tag, WorkloadId, ZoneId};
use crate::resource::{Amounts, Capacity, Resource};
use crate::time::Span;

/// A fleet that contradicts itself.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum FleetError {
    /// Two things of one kind with one name.
    #[error("expected every {kind} to have its own name, found `{name}` twice")]
    Twice {
        /// `region`, `zone`, `host`, `link` or `workload`.
        kind: &'static str,
        /// The name that stands twice.
        name: String,
    },
    /// Something names a thing that is not there.
    #[error("{whose} names the {kind} `{name}`, which is not in the fleet")]
    Unknown {
        /// Who names it.
        whose: String,
        /// The kind of thing named.
        kind: &'static str,
        /// The name without a thing.
        name: String,
    },
    /// A number outside its range.
    #[error("{whose}: expected {expected}, found {found}")]
    OutOfRange {
        /// Whose number it is.
        whose: String,
        /// The range.
        expected: &'static str,
        /// The number.
        found: f64,
    },
}

/// A region: its zones are close to each other and pay one price for energy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Region {
    /// Its name.
    pub id: RegionId,
    /// Price of one kilowatt-hour, in the policy's currency.
    pub energy_price_per_kwh: f64,
}

/// A zone of a region: what can fail together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Zone {
    /// Its name.
    pub id: ZoneId,
    /// The region it is in.
    pub region: RegionId,
}

/// What joins two regions, the same in both directions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Link {
    /// The regions joined.
    pub between: (RegionId, RegionId),
    /// Round-trip time.
    pub round_trip: Span,
    /// Bytes per second that migrations may use, shared by all of them.
    pub bandwidth_bytes_per_second: u64,
    /// Price of one gigabyte (10^9 bytes) sent.
    pub price_per_gigabyte: f64,
}

/// Electric power over processor use, piecewise linear.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PowerCurve {
    /// Watts at 0, 10, … 100 % use of the whole host.
    pub watts: [f64; 11],
    /// Watts of a host without workloads (it may be switched off).
    pub empty_watts: f64,
}

impl PowerCurve {
    /// Watts at `utilisation` in 0..=1 of a host that has workloads.
    pub fn watts_at(&self, utilisation: f64) -> f64 {
        let position = utilisation.clamp(0.0, 1.0) * 10.0;
        let below = (position.floor() as usize).min(9);
        let share = position - below as f64;
        self.watts[below] + share * (self.watts[below + 1] - self.watts[below])
    }
}

/// Where workloads run: a hypervisor or a node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Host {
    /// Its name.
    pub id: HostId,
    /// The zone it stands in.
    pub zone: ZoneId,
    /// Number of cores.
    pub cores: u32,
    /// What one core delivers, in millicores: 1,000 is the reference speed.
    pub core_speed_millicores: u32,
    /// What it offers. CPU is always limited: cores × core speed.
    pub capacity: Capacity,
    /// Bytes per second that migrations into and out of it may use.
    pub migration_bandwidth_bytes_per_second: u64,
    /// Price of an hour in which it has workloads.
    pub price_per_hour: f64,
    /// Its power curve.
    pub power: PowerCurve,
    /// Labels.
    pub tags: BTreeSet<Tag>,
}

impl Host {
    /// Its processor capacity in millicores: cores × core speed.
    pub fn cpu_millicores(&self) -> u64 {
        u64::from(self.cores) * u64::from(self.core_speed_millicores)
    }

    /// What it offers of `resource`; CPU from its cores, the rest from its capacity.
    pub fn offers(&self, resource: Resource) -> Option<u64> {
        match resource {
            Resource::Cpu => Some(self.cpu_millicores()),
            other => self.capacity.get(other),
        }
    }
}

/// Where the disks of a workload are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Storage {
    /// On storage that every host of the region reaches: a move copies memory only.
    #[default]
    Shared,
    /// On the host: a move copies the disk too.
    Local,
}

/// By which strategies a workload may be moved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mobility {
    /// Pre-copy live migration.
    pub live: bool,
    /// Stop, copy, start elsewhere.
    pub preemptive: bool,
    /// The most replicas it may be split into; 1 means it cannot be split.
    pub max_replicas: u32,
    /// Restart elsewhere after its host was lost.
    pub recover: bool,
}

impl Default for Mobility {
    fn default() -> Self {
        Self { live: true, preemptive: true, max_replicas: 1, recover: true }
    }
}

/// What demands resources and can be placed: a VM, a pod, a group of replicas.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Workload {
    /// Its name.
    pub id: WorkloadId,
    /// Number of virtual CPUs.
    pub vcpus: u32,
    /// The speed of one virtual CPU in millicores; a host whose cores are slower cannot take it.
    pub vcpu_speed_millicores: u32,
    /// What is allocated to it. CPU is always vCPUs × their speed.
    pub allocated: Amounts,
    /// Larger is more important; recovery goes in this order, overload is priced by it.
    pub priority: u8,
    /// What a second of its downtime costs, as a multiple of the policy's price.
    pub downtime_weight: f64,
    /// How fast it writes memory when it is at full CPU use, in bytes per second; the prior of
    /// the pre-copy model until moves have been measured.
    pub dirty_rate_bytes_per_second: u64,
    /// Where its disks are.
    pub storage: Storage,
    /// How it may be moved.
    pub mobility: Mobility,
    /// Labels.
    pub tags: BTreeSet<Tag>,
}

impl Workload {
    /// Its allocated processor time in millicores: vCPUs × their speed.
    pub fn cpu_millicores(&self) -> u64 {
        u64::from(self.vcpus) * u64::from(self.vcpu_speed_millicores)
    }

    /// What is allocated of `resource`; CPU from the vCPUs, the rest from `allocated`.
    pub fn allocation(&self, resource: Resource) -> u64 {
        match resource {
            Resource::Cpu => self.cpu_millicores(),
            other => self.allocated[other],
        }
    }

    /// The bytes that a copy of it has to carry at least once.
    pub fn copied_bytes(&self) -> u64 {
        let memory = self.allocated[Resource::Memory];
        match self.storage {
            Storage::Shared => memory,
            Storage::Local => memory + self.allocated[Resource::StorageSpace],
        }
    }
}

/// Regions, zones, hosts and links, checked against each other.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Topology {
    regions: BTreeMap<RegionId, Region>,
    zones: BTreeMap<ZoneId, Zone>,
    hosts: BTreeMap<HostId, Host>,
    links: Vec<Link>,
}

impl Topology {
    /// Joins the parts; an error names the first that contradicts the others.
    pub fn new(
        regions: Vec<Region>,
        zones: Vec<Zone>,
        hosts: Vec<Host>,
        links: Vec<Link>,
    ) -> Result<Self, FleetError> {
        let mut topology = Self { links, ..Self::default() };
        for region in regions {
            insert_once("region", &mut topology.regions, region.id.clone(), region)?;
        }
        for zone in zones {
            let whose = format!("zone `{}`", zone.id);
            known("region", &whose, &topology.regions, &zone.region, RegionId::as_str)?;
            insert_once("zone", &mut topology.zones, zone.id.clone(), zone)?;
        }
        for host in hosts {
            let whose = format!("host `{}`", host.id);
            known("zone", &whose, &topology.zones, &host.zone, ZoneId::as_str)?;
            check_host(&whose, &host)?;
            insert_once("host", &mut topology.hosts, host.id.clone(), host)?;
        }
        topology.check_links()?;
        Ok(topology)
    }

    fn check_links(&self) -> Result<(), FleetError> {
        let mut seen = BTreeSet::new();
        for link in &self.links {
            let (a, b) = &link.between;
            let whose = format!("link {a}–{b}");
            known("region", &whose, &self.regions, a, RegionId::as_str)?;
            known("region", &whose, &self.regions, b, RegionId::as_str)?;
            at_least("more than 0 bytes/s", &whose, link.bandwidth_bytes_per_second as f64, 1.0)?;
            at_least("a price of at least 0", &whose, link.price_per_gigabyte, 0.0)?;
            if !seen.insert((a.min(b), a.max(b))) {
                return Err(FleetError::Twice { kind: "link", name: format!("{a}–{b}") });
            }
        }
        Ok(())
    }

    /// All regions, by name.
    pub fn regions(&self) -> impl Iterator<Item = &Region> {
        self.regions.values()
    }

    /// All zones, by name.
    pub fn zones(&self) -> impl Iterator<Item = &Zone> {
        self.zones.values()
    }

    /// All hosts, by name.
    pub fn hosts(&self) -> impl ExactSizeIterator<Item = &Host> {
        self.hosts.values()
    }

    /// All links.
    pub fn links(&self) -> &[Link] {
        &self.links
    }

    /// The host of this name.
    pub fn host(&self, id: &HostId) -> Option<&Host> {
        self.hosts.get(id)
    }

    /// The region of this name.
    pub fn region(&self, id: &RegionId) -> Option<&Region> {
        self.regions.get(id)
    }

    /// The region in which a host of this topology stands.
    pub fn region_of(&self, host: &HostId) -> Option<&Region> {
        let zone = self.zones.get(&self.hosts.get(host)?.zone)?;
        self.regions.get(&zone.region)
    }

    /// The link between two regions; none within one region or where they are not joined.
    pub fn link(&self, a: &RegionId, b: &RegionId) -> Option<&Link> {
        self.links.iter().find(|link| {
            (&link.between.0, &link.between.1) == (a, b)
                || (&link.between.0, &link.between.1) == (b, a)
        })
    }
}

fn insert_once<K: Ord + ToString, V>(
    kind: &'static str,
    map: &mut BTreeMap<K, V>,
    key: K,
    value: V,
) -> Result<(), FleetError> {
    let name = key.to_string();
    match map.insert(key, value) {
        None => Ok(()),
        Some(_) => Err(FleetError::Twice { kind, name }),
    }
}

fn known<K: Ord, V>(
    kind: &'static str,
    whose: &str,
    map: &BTreeMap<K, V>,
    key: &K,
    name: impl Fn(&K) -> &str,
) -> Result<(), FleetError> {
    if map.contains_key(key) {
        return Ok(());
    }
    Err(FleetError::Unknown { whose: whose.to_owned(), kind, name: name(key).to_owned() })
}

fn at_least(
    expected: &'static str,
    whose: &str,
    found: f64,
    minimum: f64,
) -> Result<(), FleetError> {
    if found >= minimum && found.is_finite() {
        return Ok(());
    }
    Err(FleetError::OutOfRange { whose: whose.to_owned(), expected, found })
}

fn check_host(whose: &str, host: &Host) -> Result<(), FleetError> {
    at_least("at least 1 core", whose, f64::from(host.cores), 1.0)?;
    at_least("cores of at least 1 millicore", whose, f64::from(host.core_speed_millicores), 1.0)?;
    at_least("a price per hour of at least 0", whose, host.price_per_hour, 0.0)?;
    for watts in host.power.watts.iter().chain([&host.power.empty_watts]) {
        at_least("watts of at least 0", whose, *watts, 0.0)?;
    }
    let bandwidth = host.migration_bandwidth_bytes_per_second as f64;
    at_least("a migration bandwidth of more than 0 bytes/s", whose, bandwidth, 1.0)
}

/// One copy of a workload on a host, with its share of the demand.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Replica {
    /// The host it runs on.
    pub host: HostId,
    /// Its share of the workload's demand in thousandths; the shares of a workload add to 1,000.
    pub share_permille: u16,
}

impl Replica {
    /// The only replica of a workload that is not split.
    pub const fn whole(host: HostId) -> Self {
        Self { host, share_permille: 1_000 }
    }

    /// Its share of the workload's demand in 0..=1.
    pub fn share(&self) -> f64 {
        f64::from(self.share_permille) / 1_000.0
    }
}

/// Which workload runs where. A workload without an entry runs nowhere.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Placement(pub BTreeMap<WorkloadId, Vec<Replica>>);

impl Placement {
    /// The replicas of `workload`; empty where it runs nowhere.
    pub fn replicas(&self, workload: &WorkloadId) -> &[Replica] {
        self.0.get(workload).map_or(&[], Vec::as_slice)
    }

    /// The host of a workload that runs whole on one host.
    pub fn sole_host(&self, workload: &WorkloadId) -> Option<&HostId> {
        match self.replicas(workload) {
            [only] => Some(&only.host),
            _ => None,
        }
    }

    /// Puts the whole workload on `host`.
    pub fn put(&mut self, workload: WorkloadId, host: HostId) {
        self.0.insert(workload, vec![Replica::whole(host)]);
    }
}

/// What runs, with the sizes it has: shared, because most of it stays from one tick to the next.
pub type Workloads = BTreeMap<WorkloadId, Arc<Workload>>;

#[cfg(test)]
mod tests {
    use super::*;

    fn region(name: &str) -> Region {
        Region { id: name.into(), energy_price_per_kwh: 0.2 }
    }

    fn link(a: &str, b: &str) -> Link {
        Link {
            between: (a.into(), b.into()),
            round_trip: Span::from_millis(20),
            bandwidth_bytes_per_second: 1,
            price_per_gigabyte: 0.0,
        }
    }

    #[test]
    fn a_contradiction_is_named() {
        let check = |regions: Vec<Region>, zones: Vec<Zone>, links: Vec<Link>, expected: &str| {
            let error = Topology::new(regions, zones, vec![], links).expect_err(expected);
            assert_eq!(error.to_string(), expected);
        };
        check(
            vec![region("eu"), region("eu")],
            vec![],
            vec![],
            "expected every region to have its own name, found `eu` twice",
        );
        check(
            vec![region("eu")],
            vec![Zone { id: "us-1".into(), region: "us".into() }],
            vec![],
            "zone `us-1` names the region `us`, which is not in the fleet",
        );
        check(
            vec![region("eu"), region("us")],
            vec![],
            vec![link("eu", "us"), link("us", "eu")],
            "expected every link to have its own name, found `us–eu` twice",
        );
    }

    #[test]
    fn power_is_linear_between_tenths() {
        let watts = [86.0, 89.4, 92.6, 96.0, 99.5, 102.0, 106.0, 108.0, 112.0, 114.0, 117.0];
        let curve = PowerCurve { watts, empty_watts: 0.0 };
        assert_eq!(curve.watts_at(0.0), 86.0);
        assert!((curve.watts_at(0.05) - 87.7).abs() < 1e-9);
        assert_eq!(curve.watts_at(1.0), 117.0);
        assert_eq!(curve.watts_at(7.0), 117.0);
    }
}
