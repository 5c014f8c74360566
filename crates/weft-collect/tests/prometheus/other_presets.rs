//! The presets for Kubernetes and for hosts as a whole on a real Prometheus: that their queries are what it
//! understands, and that what they derive is what the exporters told.

use std::fmt::Write;

use weft_collect::preset::{self, Derived, Period, PresetOptions, choose, derive};
use weft_collect::prometheus::Client;
use weft_core::resource::{Resource, SeriesKey};
use weft_core::time::{Span, Step, Timestamp};

use crate::server::Prometheus;

/// Two hours, and the instant that ends the last step.
const STEPS: i64 = 24;

const SECONDS: i64 = 300;

fn start() -> Timestamp {
    "2026-01-05T00:00:00Z".parse().unwrap()
}

fn period() -> Period {
    let end = start() + Span::from_seconds(STEPS * SECONDS);
    Period { start: start(), end, step: Step::FIVE_MINUTES }
}

/// A series: its labels, and its value at each instant.
type Told<'a> = (&'a str, fn(i64) -> Option<f64>);

/// OpenMetrics text as it grows.
#[derive(Default)]
struct Text(String);

impl Text {
    /// A family with its series: labels, and the value at each instant.
    fn family(mut self, name: &str, kind: &str, series: &[Told<'_>]) -> Self {
        let suffix = if kind == "counter" { "_total" } else { "" };
        let first = start().as_millis() / 1_000;
        writeln!(self.0, "# TYPE {name} {kind}").unwrap();
        for (labels, value) in series {
            let labels = labels.replace('\'', "\"");
            for instant in 0..=STEPS {
                let Some(value) = value(instant) else { continue };
                let at = first + instant * SECONDS;
                writeln!(self.0, "{name}{suffix}{{{labels}}} {value} {at}").unwrap();
            }
        }
        self
    }

    fn held(self) -> Prometheus {
        Prometheus::holding(&(self.0 + "# EOF\n"))
    }
}

/// Half of a unit a second.
fn half(instant: i64) -> Option<f64> {
    Some((instant * SECONDS) as f64 / 2.0)
}

fn one(_: i64) -> Option<f64> {
    Some(1.0)
}

fn derived(prometheus: &Prometheus, name: &str) -> Derived {
    let client = Client::new(&prometheus.url, Client::settings()).unwrap();
    let chosen = choose(&client, &PresetOptions::default(), period()).unwrap();
    assert_eq!(chosen.name, name, "it is chosen by what is there");
    derive(&client, chosen, &PresetOptions::default(), period()).unwrap()
}

fn values(derived: &Derived, workload: &str, resource: Resource) -> Vec<Option<f32>> {
    derived.series[&SeriesKey::resource(workload.into(), resource)].iter().collect()
}

#[test]
fn pods_are_derived_from_a_real_prometheus() {
    let (web_on_1, web_on_2) = (
        "namespace='shop',pod='web-0',node='n1',created_by_kind='StatefulSet'",
        "namespace='shop',pod='web-0',node='n2',created_by_kind='StatefulSet'",
    );
    let a = "namespace='shop',pod='web-0',container='a',node='n1'";
    let prometheus = Text::default()
        .family(
            "kube_node_status_allocatable",
            "gauge",
            &[
                ("node='n1',resource='cpu',unit='core'", |_| Some(3.92)),
                ("node='n2',resource='cpu',unit='core'", |_| Some(8.0)),
                ("node='n1',resource='memory',unit='byte'", |_| Some(16e9)),
                ("node='n2',resource='memory',unit='byte'", |_| Some(32e9)),
            ],
        )
        .family(
            "kube_node_labels",
            "gauge",
            &[(
                "node='n1',label_topology_kubernetes_io_zone='a',label_topology_kubernetes_io_region='eu'",
                one,
            )],
        )
        .family(
            "kube_pod_info",
            "gauge",
            &[
                (web_on_1, |instant| one(instant).filter(|_| instant <= 12)),
                (web_on_2, |instant| one(instant).filter(|_| instant > 12)),
                ("namespace='kube-system',pod='agent',node='n2',created_by_kind='DaemonSet'", one),
            ],
        )
        .family(
            "kube_pod_container_resource_limits",
            "gauge",
            &[("namespace='shop',pod='web-0',container='a',resource='cpu',unit='core'", |_| {
                Some(1.5)
            })],
        )
        .family(
            "kube_pod_container_resource_requests",
            "gauge",
            &[("namespace='shop',pod='web-0',container='a',resource='memory',unit='byte'", |_| {
                Some(3e9)
            })],
        )
        .family(
            "container_cpu_usage_seconds",
            "counter",
            &[
                (a, half),
                ("namespace='shop',pod='web-0',container='POD',node='n1'", half),
                ("namespace='kube-system',pod='agent',container='x',node='n2'", half),
            ],
        )
        .family(
            "container_network_receive_bytes",
            "counter",
            &[
                ("namespace='shop',pod='web-0',interface='eth0'", half),
                ("namespace='shop',pod='web-0',interface='lo'", half),
            ],
        )
        .held();
    let derived = derived(&prometheus, "kubernetes");
    let web = &derived.workloads[&"shop/web-0".into()];
    assert_eq!((web.vcpus, web.cpu_millicores()), (2, 1_500));
    assert_eq!(web.allocated[Resource::Memory], 3_000_000_000);
    assert!(web.mobility.preemptive && !web.mobility.live);
    assert!(!derived.workloads[&"kube-system/agent".into()].mobility.preemptive);
    let all = vec![Some(500.0); STEPS as usize];
    assert_eq!(values(&derived, "shop/web-0", Resource::Cpu), all, "the pause container is none");
    let all = vec![Some(0.5); STEPS as usize];
    assert_eq!(values(&derived, "shop/web-0", Resource::Network), all, "loopback is none");
    let moved = start() + Span::from_seconds(12 * SECONDS);
    let stays = [(start(), "n1".into()), (moved, "n2".into())];
    assert_eq!(derived.placements[&"shop/web-0".into()], stays);
    let hosts: Vec<_> = derived
        .topology
        .hosts()
        .map(|host| (host.id.as_str(), host.cores, host.zone.as_str()))
        .collect();
    assert_eq!(hosts, [("n1", 3, "a"), ("n2", 8, "default")]);
    let missing: Vec<_> = derived.missing.iter().map(|missing| missing.to_string()).collect();
    let throttled = "no `container_cpu_cfs_throttled_seconds_total`: steps in which pods were held at their limit look like low demand";
    assert!(missing.iter().any(|sentence| sentence == throttled), "{missing:#?}");
    assert_eq!(derived.warnings, [""; 0]);
}

#[test]
fn whole_hosts_are_derived_from_a_real_prometheus() {
    let prometheus = Text::default()
        .family(
            "node_cpu_seconds",
            "counter",
            &[
                ("instance='h1:9100',cpu='0',mode='idle'", half),
                ("instance='h1:9100',cpu='1',mode='idle'", half),
                ("instance='h1:9100',cpu='0',mode='user'", half),
                ("instance='h1:9100',cpu='1',mode='system'", half),
                ("instance='h1:9100',cpu='1',mode='iowait'", half),
            ],
        )
        .family("node_memory_MemTotal_bytes", "gauge", &[("instance='h1:9100'", |_| Some(64e9))])
        .family(
            "node_memory_MemAvailable_bytes",
            "gauge",
            &[("instance='h1:9100'", |_| Some(40e9))],
        )
        .family(
            "node_network_receive_bytes",
            "counter",
            &[
                ("instance='h1:9100',device='eth0'", half),
                ("instance='h1:9100',device='eth1'", half),
                ("instance='h1:9100',device='docker0'", half),
            ],
        )
        .family(
            "node_disk_written_bytes",
            "counter",
            &[
                ("instance='h1:9100',device='sda'", half),
                ("instance='h1:9100',device='sda1'", half),
                ("instance='h1:9100',device='dm-0'", half),
            ],
        )
        .held();
    let derived = derived(&prometheus, "node");
    let host = &derived.workloads[&"h1".into()];
    assert_eq!((host.vcpus, host.allocated[Resource::Memory]), (2, 64_000_000_000));
    assert!(!host.mobility.live && !host.mobility.preemptive);
    let steady = |value| vec![Some(value); STEPS as usize];
    assert_eq!(values(&derived, "h1", Resource::Cpu), steady(1_000.0), "waiting is no work");
    assert_eq!(values(&derived, "h1", Resource::Memory), steady(24e9));
    assert_eq!(
        values(&derived, "h1", Resource::Network),
        steady(1.0),
        "bridges count nothing twice"
    );
    assert_eq!(
        values(&derived, "h1", Resource::StorageThroughput),
        steady(0.5),
        "whole disks only"
    );
    assert_eq!(derived.placement.sole_host(&"h1".into()), Some(&"h1".into()));
    let client = Client::new(&prometheus.url, Client::settings()).unwrap();
    let options =
        PresetOptions { matchers: "cluster=\"none\"".to_owned(), ..PresetOptions::default() };
    let error = choose(&client, &options, period()).unwrap_err().to_string();
    let expected = "expected metrics that a preset fits between 2026-01-05T00:00:00Z and 2026-01-05T02:00:00Z, found for `libvirt` no `node_cpu_seconds_total`, no `libvirt_domain_info_cpu_time_seconds_total`; for `kubernetes` no `kube_node_status_allocatable`, ";
    assert!(error.starts_with(expected), "{error}");
    assert_eq!(preset::ALL.len(), 3, "each preset is read from a real Prometheus");
}
