//! The libvirt preset on a real Prometheus that holds fifteen days of a made-up fleet: what is derived must
//! be what was made up.

use weft_collect::preset::{self, Derived, Period, PresetOptions, derive};
use weft_collect::prometheus::rehearsal::{Rehearsal, Truth, rehearse};
use weft_collect::prometheus::{Client, FollowSettings, Follower, Grid};
use weft_core::id::WorkloadId;
use weft_core::resource::{Resource, SeriesKey};
use weft_core::series::Series;
use weft_core::time::{Span, Step, Timestamp};

use crate::server::Prometheus;

const DAYS: u32 = 15;

fn client_of(prometheus: &Prometheus) -> Client {
    Client::new(&prometheus.url, Client::settings()).unwrap().with_concurrency(2)
}

/// A server that holds the fleet, and the truth of it.
fn fleet() -> (Prometheus, Truth) {
    let start = "2026-01-05T00:00:00Z".parse().unwrap();
    let Rehearsal { text, truth } = rehearse(start, DAYS, 7);
    (Prometheus::holding(&text), truth)
}

fn check_sizes(derived: &Derived, truth: &Truth) {
    assert_eq!(derived.topology.hosts().len(), truth.hosts.len());
    for (id, (zone, cores, memory)) in &truth.hosts {
        let host = derived.topology.host(id).expect("every host is there");
        let found = (host.zone.as_str(), host.cores, host.capacity.get(Resource::Memory));
        assert_eq!(found, (&**zone, *cores, Some(*memory)), "{id}");
        assert_eq!(host.capacity.get(Resource::Network), Some(1_250_000_000), "{id}");
        assert_eq!(derived.topology.region_of(id).unwrap().id.as_str(), "north");
    }
    assert_eq!(derived.workloads.len(), truth.workloads.len());
    for (id, (vcpus, memory, disk)) in &truth.workloads {
        let workload = &derived.workloads[id];
        let (held, space) = (Resource::Memory, Resource::StorageSpace);
        let found = (workload.vcpus, workload.allocated[held], workload.allocated[space]);
        assert_eq!(found, (*vcpus, *memory, *disk), "{id}");
    }
}

fn check_placements(derived: &Derived, truth: &Truth) {
    assert_eq!(derived.placements, truth.placements);
    for (id, stays) in &truth.placements {
        let expected = (*id != truth.stopped).then(|| &stays.last().unwrap().1);
        assert_eq!(derived.placement.sole_host(id), expected, "{id}");
    }
}

/// Every value is that which was made up, and where nothing could be known is a gap.
fn check_demand(found: &Series, truth: &Series, key: &SeriesKey) {
    assert_eq!((found.start(), found.len()), (truth.start(), truth.len()), "{key}");
    for (step, (found, truth)) in found.iter().zip(truth.iter()).enumerate() {
        let is_near = match (found, truth) {
            (Some(found), Some(truth)) => (found - truth).abs() <= 1e-4 * truth.abs() + 1e-3,
            (None, None) => true,
            _ => false,
        };
        assert!(is_near, "{key}, step {step}: expected {truth:?}, found {found:?}");
    }
}

fn check_censored(derived: &Derived) {
    let censored = |id: &str| {
        let series = &derived.series[&SeriesKey::resource(id.into(), Resource::Cpu)];
        (0..series.len()).filter(|step| series.is_censored(*step)).collect::<Vec<_>>()
    };
    let hours: std::collections::BTreeSet<_> =
        censored("vm-05").iter().map(|step| step % 288 / 12).collect();
    assert!(hours.contains(&10) && hours.len() == 1, "it waits in the eleventh hour: {hours:?}");
    assert!(censored("vm-03").len() > 500, "it runs into its cap every day");
    assert!(censored("vm-01").is_empty());
}

#[test]
fn a_fleet_and_its_history_are_derived_from_a_real_prometheus() {
    let (prometheus, truth) = fleet();
    let truth = &truth;
    let client = client_of(&prometheus);
    assert!(client.build_info().unwrap().version.starts_with(|c: char| c.is_ascii_digit()));
    let period = Period { start: truth.start, end: truth.end, step: Step::FIVE_MINUTES };
    let libvirt = preset::named("libvirt").unwrap();
    let derived = derive(&client, libvirt, &PresetOptions::default(), period).unwrap();
    assert_eq!(derived.period, period);
    check_sizes(&derived, truth);
    check_placements(&derived, truth);
    for (key, series) in &truth.series {
        check_demand(&derived.series[key], series, key);
    }
    check_censored(&derived);
    let missing: Vec<_> = derived.missing.iter().map(|missing| missing.to_string()).collect();
    let memory = "no `libvirt_domain_memory_stats_rss_bytes` or `libvirt_domain_info_memory_usage_bytes`: the use of memory is not shown; memory is packed by allocation, so no decision changes";
    assert_eq!(missing, [memory]);
    assert_eq!(derived.warnings, [""; 0]);
    check_lifetimes(&derived, truth);
    check_other_questions(&client, truth);
    check_silent_host(&client, truth);
    check_follower(&client, truth);
    check_absent_preset(&client, period);
}

fn check_lifetimes(derived: &Derived, truth: &Truth) {
    let (first, last) = derived.lifetimes[&truth.stopped];
    assert_eq!(first, truth.start);
    assert!(last < truth.end - Span::from_days(1), "{last}");
    assert!(derived.reported.values().all(|at| *at == truth.end));
}

fn check_other_questions(client: &Client, truth: &Truth) {
    let zones = client.label_values("zone", truth.start, truth.end).unwrap().value;
    assert_eq!(zones, ["zone-a", "zone-b"]);
    let ups = client.series(&["libvirt_up"], truth.start, truth.end).unwrap().value;
    assert_eq!(ups.len(), truth.hosts.len());
    let now = client.query("count(libvirt_up)", truth.end).unwrap().value;
    assert_eq!(now[0].point.value, Some(6.0));
    let grid = Grid::new(truth.start, truth.end, Step::FIVE_MINUTES);
    let ups = client.query_range("count(libvirt_up == 1)", grid).unwrap().value;
    assert_eq!(ups.tracks[0].values.len(), DAYS as usize * 288 + 1);
    let error = client.query("sum(", truth.end).unwrap_err().to_string();
    assert!(error.contains("status 400, bad_data") && error.contains("parse error"), "{error}");
}

/// In the middle of the silence of host-4 its workloads are still there; a workload that stopped on a host
/// that speaks is not.
fn check_silent_host(client: &Client, truth: &Truth) {
    let silent = truth.start + Step::FIVE_MINUTES.span() * (i64::from(DAYS) * 288 * 2 / 5 + 6);
    let mut follower = follower(client, truth.start);
    let derived = follower.observe(silent + Span::from_seconds(30)).unwrap();
    let host = derived.placement.sole_host(&"vm-04".into());
    assert_eq!(host, Some(&"host-4".into()));
    assert_eq!(derived.reported[&"host-4".into()], silent - Step::FIVE_MINUTES.span() * 6);
    assert_eq!(derived.reported[&"host-1".into()], silent);
}

fn follower(client: &Client, from: Timestamp) -> Follower {
    let libvirt = preset::named("libvirt").unwrap();
    let settings = FollowSettings { most_steps: 5, ..FollowSettings::default() };
    Follower::new(client.clone(), libvirt, PresetOptions::default(), settings, from)
}

/// Steps come once, in order, and an outage is made up for in bounded parts, with the values of the truth.
fn check_follower(client: &Client, truth: &Truth) {
    let step = Step::FIVE_MINUTES.span();
    let from = truth.start + Span::from_days(3);
    let mut follower = follower(client, from);
    let after = |steps: i64, seconds: i64| from + step * steps + Span::from_seconds(seconds);
    assert_eq!(follower.poll(after(1, 29)).unwrap(), [], "scrapes take their time");
    follower.observe(after(1, 30)).unwrap();
    let mut given = follower.poll(after(1, 30)).unwrap();
    assert_eq!(given.len(), 1);
    assert_eq!(follower.poll(after(1, 31)).unwrap(), [], "no step comes twice");
    loop {
        let further = follower.poll(after(13, 30)).unwrap();
        assert!(further.len() <= 5);
        if further.is_empty() {
            break;
        }
        given.extend(further);
    }
    let starts: Vec<_> = given.iter().map(|(at, _)| *at).collect();
    assert_eq!(starts, (0..13).map(|index| from + step * index).collect::<Vec<_>>());
    assert_eq!(follower.given(), from + step * 13);
    for (at, samples) in &given {
        let index = (*at - truth.start).whole_steps(Step::FIVE_MINUTES);
        let workloads: std::collections::BTreeSet<&WorkloadId> =
            samples.iter().map(|sample| &sample.key.workload).collect();
        assert_eq!(workloads.len(), truth.workloads.len());
        for sample in samples {
            let expected = truth.series[&sample.key].get(index).expect("no gap lies here");
            assert_eq!(sample.at, *at);
            assert!(
                (sample.value - expected).abs() <= 1e-4 * expected + 1e-3,
                "{sample:?} {expected}"
            );
        }
    }
}

fn check_absent_preset(client: &Client, period: Period) {
    let kubernetes = preset::named("kubernetes").unwrap();
    let error = derive(client, kubernetes, &PresetOptions::default(), period).unwrap_err();
    let expected = "expected the metrics of cAdvisor and kube-state-metrics between 2026-01-05T00:00:00Z and 2026-01-20T00:00:00Z, found no `kube_node_status_allocatable`: the cores of nodes are not known; no `kube_pod_info`: it is not known where pods run; no `container_cpu_usage_seconds_total`: what pods demand is not known";
    assert_eq!(error.to_string(), expected);
}
