//! Fleet files: regions, zones, links, hosts and workloads, with an optional first placement, an
//! optional policy and, for simulations, an optional generator.
//!
//! What the generator says is the reader's caller's affair: it names the type, and this module
//! must never look inside.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, MapAccess, SeqAccess, Visitor, value};
use serde_saphyr::{Location, Spanned};

use super::policy::{Anything, check, check_names};
use super::power::PowerEntry;
use super::quantity::{Bytes, BytesPerSecond};
use super::{FileError, document};
use crate::fleet::{
    FleetError, Host, Link, Mobility, Placement, Region, Replica, Storage, Topology, Workload,
    Workloads, Zone,
};
use crate::id::{RegionId, Tag, WorkloadId, ZoneId};
use crate::policy::Policy;
use crate::resource::{Amounts, Capacity, Resource};
use crate::time::Span;

/// The speed of a core or a virtual CPU that states none: the reference.
pub const DEFAULT_CORE_SPEED_MILLICORES: u32 = 1_000;

/// How fast a workload that states nothing writes memory at full CPU use: 8,192 pages of 4 KiB a
/// second, a busy server's rate, so that a 1 Gbit/s link converges and a quarter of it does not.
pub const DEFAULT_DIRTY_RATE_BYTES_PER_SECOND: u64 = 32 << 20;

/// The most things one entry may stand for, so that a slip of a key does not fill the memory.
const MOST_COPIES: u32 = 1_000_000;

/// What stands where a number of `count` goes in a name.
const NUMBER: &str = "{}";

/// A fleet file, validated.
#[derive(Debug, Clone, PartialEq)]
pub struct FleetFile<G> {
    /// Regions, zones, hosts and links.
    pub topology: Topology,
    /// The workloads.
    pub workloads: Workloads,
    /// The first placement; none where the file gives none.
    pub placement: Option<Placement>,
    /// The policy, if it stands in the file.
    pub policy: Option<Policy>,
    /// What drives the workloads in a simulation, in a form of the caller's choice.
    pub generator: Option<G>,
}

/// Reads a fleet file; `G` is the type that the section `generator` is read as.
pub fn read<G: DeserializeOwned>(file: &str, text: &str) -> Result<FleetFile<G>, FileError> {
    let document: FleetDocument<G> = document(file, text)?;
    if let Some(wrong) = document.policy.as_ref().and_then(|policy| check(policy).err()) {
        let keys = super::document::<PolicyPlaces>(file, text).unwrap_or_default();
        return Err(wrong.at(file, &keys.policy));
    }
    let mut places = Places { file, of: BTreeMap::new() };
    let topology = places.topology(&document)?;
    let workloads = places.workloads(&document.workloads)?;
    let placement = document
        .placement
        .as_ref()
        .map(|placement| places.placement(placement, &topology, &workloads))
        .transpose()?;
    let names = |policy: &Policy| check_names(policy, &topology, &workloads).err();
    if let Some(wrong) = document.policy.as_ref().and_then(names) {
        let keys = super::document::<PolicyPlaces>(file, text).unwrap_or_default();
        return Err(wrong.at(file, &keys.policy));
    }
    let FleetDocument { policy, generator, .. } = document;
    Ok(FleetFile { topology, workloads, placement, policy, generator })
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, bound = "G: DeserializeOwned")]
struct FleetDocument<G> {
    regions: Vec<Spanned<RegionEntry>>,
    zones: Vec<Spanned<ZoneEntry>>,
    #[serde(default = "Vec::new")]
    links: Vec<Spanned<LinkEntry>>,
    hosts: Vec<Spanned<HostEntry>>,
    #[serde(default = "Vec::new")]
    workloads: Vec<Spanned<WorkloadEntry>>,
    #[serde(default)]
    placement: Option<BTreeMap<String, Spanned<PlaceEntry>>>,
    #[serde(default)]
    policy: Option<Policy>,
    #[serde(default)]
    generator: Option<G>,
}

/// Where the keys of an inline policy stand; read only to place an error.
#[derive(Debug, Default, Deserialize)]
struct PolicyPlaces {
    policy: BTreeMap<String, Spanned<Anything>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RegionEntry {
    name: String,
    #[serde(default)]
    energy_price_per_kwh: f64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ZoneEntry {
    name: String,
    region: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct LinkEntry {
    between: (String, String),
    round_trip: Span,
    bandwidth: BytesPerSecond,
    #[serde(default)]
    price_per_gigabyte: f64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct HostEntry {
    name: String,
    #[serde(default)]
    count: Option<u32>,
    zone: String,
    cores: u32,
    #[serde(default = "reference_speed")]
    core_speed_millicores: u32,
    #[serde(default)]
    memory: Option<Bytes>,
    #[serde(default)]
    network: Option<BytesPerSecond>,
    #[serde(default)]
    storage_throughput: Option<BytesPerSecond>,
    #[serde(default)]
    storage_operations: Option<u64>,
    #[serde(default)]
    storage_space: Option<Bytes>,
    #[serde(default)]
    migration_bandwidth: Option<BytesPerSecond>,
    #[serde(default)]
    price_per_hour: f64,
    power: PowerEntry,
    #[serde(default)]
    tags: BTreeSet<Tag>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WorkloadEntry {
    name: String,
    #[serde(default)]
    count: Option<u32>,
    vcpus: u32,
    #[serde(default = "reference_speed")]
    vcpu_speed_millicores: u32,
    memory: Bytes,
    #[serde(default)]
    network: BytesPerSecond,
    #[serde(default)]
    storage_throughput: BytesPerSecond,
    #[serde(default)]
    storage_operations: u64,
    #[serde(default)]
    storage_space: Bytes,
    #[serde(default)]
    priority: u8,
    #[serde(default = "usual_weight")]
    downtime_weight: f64,
    #[serde(default = "usual_dirty_rate")]
    dirty_rate: BytesPerSecond,
    #[serde(default)]
    storage: Storage,
    #[serde(default)]
    mobility: MobilityEntry,
    #[serde(default)]
    tags: BTreeSet<Tag>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct MobilityEntry {
    live: Option<bool>,
    preemptive: Option<bool>,
    max_replicas: Option<u32>,
    recover: Option<bool>,
}

const fn reference_speed() -> u32 {
    DEFAULT_CORE_SPEED_MILLICORES
}

const fn usual_weight() -> f64 {
    1.0
}

const fn usual_dirty_rate() -> BytesPerSecond {
    BytesPerSecond(DEFAULT_DIRTY_RATE_BYTES_PER_SECOND)
}

impl MobilityEntry {
    fn mobility(&self) -> Mobility {
        let usual = Mobility::default();
        Mobility {
            live: self.live.unwrap_or(usual.live),
            preemptive: self.preemptive.unwrap_or(usual.preemptive),
            max_replicas: self.max_replicas.unwrap_or(usual.max_replicas),
            recover: self.recover.unwrap_or(usual.recover),
        }
    }
}

/// The names that an entry stands for: one, or `count` of them numbered from 1, all of one width.
fn names(name: &str, count: Option<u32>) -> Result<Vec<String>, String> {
    if name.is_empty() {
        return Err("expected a name, found an empty one".to_owned());
    }
    match (count, name.contains(NUMBER)) {
        (None, false) => Ok(vec![name.to_owned()]),
        (None, true) => Err(format!("`{name}`: expected a `count` for `{NUMBER}`, found none")),
        (Some(_), false) => Err(format!(
            "`{name}`: expected `{NUMBER}` where the number goes, found no place for it"
        )),
        (Some(count), true) if (1..=MOST_COPIES).contains(&count) => {
            let width = count.to_string().len();
            let numbered = |number| name.replacen(NUMBER, &format!("{number:0width$}"), 1);
            Ok((1..=count).map(numbered).collect())
        }
        (Some(count), true) => {
            Err(format!("`{name}`: expected a count from 1 to {MOST_COPIES}, found {count}"))
        }
    }
}

/// Where things stand in the file, so that a contradiction is answered with its line.
struct Places<'a> {
    file: &'a str,
    of: BTreeMap<String, Location>,
}

impl Places<'_> {
    fn wrong(&self, location: Location, sentence: impl fmt::Display) -> FileError {
        FileError::new(self.file, Some(location), sentence)
    }

    fn contradiction(&self, error: &FleetError) -> FileError {
        let whose = match error {
            FleetError::Twice { kind, name } if *kind == "link" => format!("link {name}"),
            FleetError::Twice { kind, name } => format!("{kind} `{name}`"),
            FleetError::Unknown { whose, .. } | FleetError::OutOfRange { whose, .. } => {
                whose.clone()
            }
        };
        FileError::new(self.file, self.of.get(&whose).copied(), error)
    }

    fn topology<G>(&mut self, document: &FleetDocument<G>) -> Result<Topology, FileError> {
        let regions = document.regions.iter().map(|entry| self.region(entry));
        let regions = regions.collect::<Result<_, _>>()?;
        let zones = document.zones.iter().map(|entry| self.zone(entry)).collect();
        let links = document.links.iter().map(|entry| self.link(entry)).collect();
        let mut hosts = Vec::new();
        for entry in &document.hosts {
            self.hosts(entry, &mut hosts)?;
        }
        Topology::new(regions, zones, hosts, links).map_err(|error| self.contradiction(&error))
    }

    fn region(&mut self, entry: &Spanned<RegionEntry>) -> Result<Region, FileError> {
        let RegionEntry { name, energy_price_per_kwh: price } = &entry.value;
        self.of.insert(format!("region `{name}`"), entry.referenced);
        if !(price.is_finite() && *price >= 0.0) {
            let sentence =
                format!("region `{name}`: expected an energy price of at least 0, found {price}");
            return Err(self.wrong(entry.referenced, sentence));
        }
        Ok(Region { id: name.as_str().into(), energy_price_per_kwh: *price })
    }

    fn zone(&mut self, entry: &Spanned<ZoneEntry>) -> Zone {
        let ZoneEntry { name, region } = &entry.value;
        self.of.insert(format!("zone `{name}`"), entry.referenced);
        Zone { id: name.as_str().into(), region: region.as_str().into() }
    }

    fn link(&mut self, entry: &Spanned<LinkEntry>) -> Link {
        let LinkEntry { between: (a, b), round_trip, bandwidth, price_per_gigabyte } = &entry.value;
        self.of.insert(format!("link {a}–{b}"), entry.referenced);
        Link {
            between: (RegionId::from(a.as_str()), RegionId::from(b.as_str())),
            round_trip: *round_trip,
            bandwidth_bytes_per_second: bandwidth.0,
            price_per_gigabyte: *price_per_gigabyte,
        }
    }

    fn hosts(
        &mut self,
        entry: &Spanned<HostEntry>,
        hosts: &mut Vec<Host>,
    ) -> Result<(), FileError> {
        let wrong = |sentence| FileError::new(self.file, Some(entry.referenced), sentence);
        let names = names(&entry.value.name, entry.value.count).map_err(wrong)?;
        let template = host(&entry.value).map_err(wrong)?;
        for name in names {
            self.of.insert(format!("host `{name}`"), entry.referenced);
            hosts.push(Host { id: name.into(), ..template.clone() });
        }
        Ok(())
    }

    fn workloads(&mut self, entries: &[Spanned<WorkloadEntry>]) -> Result<Workloads, FileError> {
        let mut workloads = Workloads::new();
        for entry in entries {
            let wrong = |sentence| FileError::new(self.file, Some(entry.referenced), sentence);
            let template = workload(&entry.value).map_err(wrong)?;
            for name in names(&entry.value.name, entry.value.count).map_err(wrong)? {
                let id = WorkloadId::from(name);
                let copy = Arc::new(Workload { id: id.clone(), ..template.clone() });
                if workloads.insert(id.clone(), copy).is_some() {
                    let twice = FleetError::Twice { kind: "workload", name: id.to_string() };
                    return Err(self.wrong(entry.referenced, twice));
                }
            }
        }
        Ok(workloads)
    }

    fn placement(
        &self,
        entries: &BTreeMap<String, Spanned<PlaceEntry>>,
        topology: &Topology,
        workloads: &Workloads,
    ) -> Result<Placement, FileError> {
        let mut placement = Placement::default();
        for (name, entry) in entries {
            let wrong = |sentence: String| self.wrong(entry.referenced, sentence);
            let id = WorkloadId::from(name.as_str());
            if !workloads.contains_key(&id) {
                return Err(wrong(format!(
                    "expected a workload of this file, found `{name}` in the placement"
                )));
            }
            let replicas = &entry.value.0;
            if let Some(replica) = replicas.iter().find(|r| topology.host(&r.host).is_none()) {
                let host = &replica.host;
                return Err(wrong(format!(
                    "workload `{name}`: expected a host of this file, found `{host}`"
                )));
            }
            let shares: u32 = replicas.iter().map(|r| u32::from(r.share_permille)).sum();
            if shares != 1_000 {
                return Err(wrong(format!(
                    "workload `{name}`: expected shares that add to 1000, found {shares}"
                )));
            }
            placement.0.insert(id, replicas.clone());
        }
        Ok(placement)
    }
}

/// The host that an entry describes, without its name.
fn host(entry: &HostEntry) -> Result<Host, String> {
    let optional = [
        (Resource::Memory, entry.memory.map(|bytes| bytes.0)),
        (Resource::Network, entry.network.map(|rate| rate.0)),
        (Resource::StorageThroughput, entry.storage_throughput.map(|rate| rate.0)),
        (Resource::StorageOperations, entry.storage_operations),
        (Resource::StorageSpace, entry.storage_space.map(|bytes| bytes.0)),
    ];
    let stated = optional.into_iter().filter_map(|(resource, amount)| Some((resource, amount?)));
    let capacity =
        stated.fold(Capacity::UNLIMITED, |all, (resource, amount)| all.with(resource, amount));
    let half_network = entry.network.map(|rate| BytesPerSecond(rate.0 / 2));
    let bandwidth = entry.migration_bandwidth.or(half_network).ok_or_else(|| {
        let name = &entry.name;
        format!("host `{name}`: expected `migration_bandwidth` or `network`, found neither")
    })?;
    Ok(Host {
        id: entry.name.as_str().into(),
        zone: ZoneId::from(entry.zone.as_str()),
        cores: entry.cores,
        core_speed_millicores: entry.core_speed_millicores,
        capacity,
        migration_bandwidth_bytes_per_second: bandwidth.0,
        price_per_hour: entry.price_per_hour,
        power: entry.power.curve()?,
        tags: entry.tags.clone(),
    })
}

/// The workload that an entry describes, without its name.
fn workload(entry: &WorkloadEntry) -> Result<Workload, String> {
    let mobility = entry.mobility.mobility();
    let weight = entry.downtime_weight;
    let checks = [
        ("vcpus of at least 1", entry.vcpus >= 1, f64::from(entry.vcpus)),
        (
            "a vcpu_speed_millicores of at least 1",
            entry.vcpu_speed_millicores >= 1,
            f64::from(entry.vcpu_speed_millicores),
        ),
        (
            "max_replicas of at least 1",
            mobility.max_replicas >= 1,
            f64::from(mobility.max_replicas),
        ),
        ("a downtime_weight of at least 0", weight.is_finite() && weight >= 0.0, weight),
    ];
    for (expected, holds, found) in checks {
        if !holds {
            let name = &entry.name;
            return Err(format!("workload `{name}`: expected {expected}, found {found}"));
        }
    }
    let allocated = Amounts::ZERO
        .with(Resource::Memory, entry.memory.0)
        .with(Resource::Network, entry.network.0)
        .with(Resource::StorageThroughput, entry.storage_throughput.0)
        .with(Resource::StorageOperations, entry.storage_operations)
        .with(Resource::StorageSpace, entry.storage_space.0);
    let workload = Workload {
        id: entry.name.as_str().into(),
        vcpus: entry.vcpus,
        vcpu_speed_millicores: entry.vcpu_speed_millicores,
        allocated,
        priority: entry.priority,
        downtime_weight: weight,
        dirty_rate_bytes_per_second: entry.dirty_rate.0,
        storage: entry.storage,
        mobility,
        tags: entry.tags.clone(),
    };
    let millicores = workload.cpu_millicores();
    Ok(Workload { allocated: workload.allocated.with(Resource::Cpu, millicores), ..workload })
}

/// Where a workload starts: the name of a host, or replicas with their shares.
#[derive(Debug)]
struct PlaceEntry(Vec<Replica>);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ReplicaEntry {
    host: String,
    share_permille: u16,
}

struct PlaceVisitor;

impl<'de> Visitor<'de> for PlaceVisitor {
    type Value = PlaceEntry;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the name of a host, or a list of {host, share_permille}")
    }

    fn visit_str<E: serde::de::Error>(self, host: &str) -> Result<PlaceEntry, E> {
        Ok(PlaceEntry(vec![Replica::whole(host.into())]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<PlaceEntry, A::Error> {
        let mut replicas = Vec::new();
        while let Some(ReplicaEntry { host, share_permille }) = list.next_element()? {
            replicas.push(Replica { host: host.into(), share_permille });
        }
        Ok(PlaceEntry(replicas))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<PlaceEntry, A::Error> {
        let ReplicaEntry { host, share_permille } =
            ReplicaEntry::deserialize(value::MapAccessDeserializer::new(map))?;
        Ok(PlaceEntry(vec![Replica { host: host.into(), share_permille }]))
    }
}

impl<'de> Deserialize<'de> for PlaceEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PlaceVisitor)
    }
}

#[cfg(test)]
mod tests {
    use serde::de::IgnoredAny;

    use super::*;

    const FLEET: &str = "\
regions:
- {name: eu, energy_price_per_kwh: 0.28}
- {name: us}
zones:
- {name: eu-1, region: eu}
- {name: us-1, region: us}
links:
- {between: [eu, us], round_trip: 85ms, bandwidth: 1Gbit/s, price_per_gigabyte: 0.02}
hosts:
- {name: 'eu-{}', count: 12, zone: eu-1, cores: 8, memory: 64GiB, network: 10Gbit/s, power: {measured: g5}}
- {name: us, zone: us-1, cores: 4, core_speed_millicores: 2000, migration_bandwidth: 50MB/s, power: {linear: {idle_watts: 90, full_watts: 290}}}
workloads:
- {name: 'web-{}', count: 3, vcpus: 2, memory: 4GiB, tags: [web], mobility: {max_replicas: 4}}
- {name: db, vcpus: 4, memory: 16GiB, storage: local, storage_space: 1TB}
placement:
  web-1: eu-01
  web-2: [{host: eu-02, share_permille: 400}, {host: us, share_permille: 600}]
";

    #[test]
    fn a_fleet_is_read() {
        let file = read::<IgnoredAny>("f.yaml", FLEET).expect("valid");
        let names: Vec<_> = file.topology.hosts().map(|host| host.id.as_str()).collect();
        assert_eq!(names.len(), 13);
        assert_eq!((names[0], names[11], names[12]), ("eu-01", "eu-12", "us"));
        let first = file.topology.host(&"eu-01".into()).expect("the first host");
        assert_eq!(first.capacity.get(Resource::Memory), Some(64 << 30));
        assert_eq!(first.capacity.get(Resource::StorageSpace), None);
        assert_eq!(first.migration_bandwidth_bytes_per_second, 625_000_000);
        let last = file.topology.host(&"us".into()).expect("the last host");
        assert_eq!((last.cpu_millicores(), last.power.watts_at(0.5)), (8_000, 190.0));
        let web = &file.workloads[&"web-3".into()];
        assert_eq!((web.cpu_millicores(), web.allocated[Resource::Cpu]), (2_000, 2_000));
        assert_eq!((web.mobility.max_replicas, web.mobility.live), (4, true));
        let placement = file.placement.expect("it is given");
        assert_eq!(placement.sole_host(&"web-1".into()), Some(&"eu-01".into()));
        assert_eq!(placement.replicas(&"web-2".into()).len(), 2);
        assert_eq!((file.policy, file.generator.is_some()), (None, false));
    }

    #[test]
    fn a_generator_is_read_as_its_owner_wants() {
        let text = format!("{FLEET}policy: {{mode: auto}}\ngenerator: {{days: 3}}\n");
        let file = read::<BTreeMap<String, u32>>("f.yaml", &text).expect("valid");
        assert_eq!(file.generator.expect("it is given")["days"], 3);
        assert!(file.policy.is_some());
        let error = read::<u32>("f.yaml", &text).expect_err("a map is no number").to_string();
        assert!(error.contains("line 19"), "{error}");
    }

    #[test]
    fn a_wrong_fleet_is_answered_with_its_line() {
        let check = |from: &str, to: &str, parts: &[&str]| {
            let text = FLEET.replacen(from, to, 1);
            assert_ne!(text, FLEET, "{from} is not in the fleet");
            let error = read::<IgnoredAny>("f.yaml", &text).expect_err(to).to_string();
            for part in parts {
                assert!(error.contains(part), "expected {part:?} in {error:?}");
            }
            assert!(!error.contains('\n'), "one sentence: {error:?}");
        };
        check("cores: 8", "core: 8", &["f.yaml, line 10", "core"]);
        check("cores: 8, ", "", &["line 10", "cores"]);
        check("64GiB", "64 gigs", &["line 10", "expected a number of bytes", "found `64 gigs`"]);
        check("10Gbit/s", "10G", &["line 10", "bytes per second such as", "found `10G`"]);
        check("zone: us-1", "zone: us-2", &["line 11", "`us` names the zone `us-2`"]);
        check("region: us", "region: uk", &["line 6", "names the region `uk`"]);
        check("[eu, us]", "[eu, uk]", &["line 8", "names the region `uk`"]);
        check("name: us,", "name: eu-12,", &["line 11", "found `eu-12` twice"]);
        check("name: db", "name: web-1", &["line 14", "found `web-1` twice"]);
        check("'eu-{}'", "eu", &["line 10", "expected `{}` where the number goes"]);
        check("name: us,", "name: 'us-{}',", &["line 11", "expected a `count`"]);
        check("count: 12", "count: 0", &["line 10", "a count from 1 to 1000000, found 0"]);
        check("measured: g5", "measured: g9", &["line 10", "g4, g5, x3250", "found `g9`"]);
        check("idle_watts: 90", "idle_watts: -90", &["line 11", "watts of at least 0, found -90"]);
        check("migration_bandwidth: 50MB/s, ", "", &["line 11", "or `network`, found neither"]);
        check("vcpus: 4", "vcpus: 0", &["line 14", "vcpus of at least 1, found 0"]);
        check("web-1: eu-01", "web-9: eu-01", &["line 16", "expected a workload", "`web-9`"]);
        check("web-1: eu-01", "web-1: eu-77", &["line 16", "expected a host", "`eu-77`"]);
        check("400", "500", &["line 17", "expected shares that add to 1000, found 1100"]);
        check("0.28", "-0.28", &["line 2", "energy price of at least 0, found -0.28"]);
        check("placement:", "policy: {give_up_factor: 0}\nplacement:", &["line 15", "at least 1"]);
    }
}
