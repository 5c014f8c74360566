//! Lost hosts, zones and regions, each told once and at the widest place that is lost: a region that goes dark is one
//! matter, not one a host.

use std::collections::{BTreeMap, BTreeSet};

use weft_core::fleet::Host;
use weft_core::observation::HostState;
use weft_store::alert::Severity;

use super::{Findings, Matter, Rule};
use crate::run::view::View;

/// A place of fewer hosts is told as those: that the only host of a zone is gone says nothing of the zone.
const FEWEST: usize = 2;

pub(super) fn places(view: &View, findings: &mut Findings) {
    if view.observation.is_none() {
        findings.unjudged.extend([Rule::HostLost, Rule::ZoneLost, Rule::RegionLost]);
        return;
    }
    let region_of = |host: &Host| {
        let region = view.topology.region_of(&host.id);
        region.map_or_else(String::new, |region| region.id.to_string())
    };
    let zones = wholly_lost(view, |host| host.zone.to_string());
    let regions = wholly_lost(view, region_of);
    for (region, hosts) in &regions {
        let summary = sentence(view, &format!("region {region}"), hosts);
        let labels = [("region", region.as_str())];
        findings.add(Matter::new(Rule::RegionLost, Severity::Critical, &labels, summary));
    }
    for (zone, hosts) in &zones {
        let region = hosts.first().map(|host| region_of(host)).unwrap_or_default();
        let summary = sentence(view, &format!("zone {zone}"), hosts);
        let labels = [("zone", zone.as_str())];
        let matter = Matter::new(Rule::ZoneLost, Severity::Critical, &labels, summary);
        findings.add(matter.covered(regions.contains_key(&region)));
    }
    for host in view.topology.hosts().filter(|host| is_lost(view, host)) {
        let (zone, region) = (host.zone.as_str(), region_of(host));
        let is_covered = zones.contains_key(zone) || regions.contains_key(&region);
        let summary = sentence(view, &format!("host {}", host.id), &[host]);
        let severity = if down(view, &[host]) > 0 { Severity::Critical } else { Severity::Warning };
        let mut matter =
            Matter::new(Rule::HostLost, severity, &[("host", host.id.as_str())], summary);
        matter.labels.extend([("zone".to_owned(), zone.to_owned()), ("region".to_owned(), region)]);
        findings.add(matter.covered(is_covered));
    }
}

fn is_lost(view: &View, host: &Host) -> bool {
    view.state(&host.id) == Some(HostState::Lost)
}

/// The places of which every host that was ever seen is lost, with these hosts.
fn wholly_lost(view: &View, place: impl Fn(&Host) -> String) -> BTreeMap<String, Vec<&Host>> {
    let mut places: BTreeMap<String, Vec<&Host>> = BTreeMap::new();
    let seen = view.topology.hosts().filter(|host| view.state(&host.id).is_some());
    seen.for_each(|host| places.entry(place(host)).or_default().push(host));
    places.retain(|_, hosts| hosts.len() >= FEWEST && hosts.iter().all(|host| is_lost(view, host)));
    places
}

/// How many workloads of these hosts run nowhere else.
fn down(view: &View, hosts: &[&Host]) -> usize {
    let residents: BTreeSet<_> = hosts.iter().flat_map(|host| view.residents(&host.id)).collect();
    residents.into_iter().filter(|workload| !view.is_running(workload)).count()
}

fn sentence(view: &View, place: &str, hosts: &[&Host]) -> String {
    let found = match hosts.len() {
        1 => "found it lost".to_owned(),
        count => format!("found all {count} of its hosts lost"),
    };
    let down = match down(view, hosts) {
        0 => "nothing of what ran there is down".to_owned(),
        1 => "1 workload runs nowhere".to_owned(),
        count => format!("{count} workloads run nowhere"),
    };
    format!("{place} is lost: expected it to run, {found}; {down}")
}
