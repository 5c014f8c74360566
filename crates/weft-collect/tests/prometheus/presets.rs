//! Presets on answers made for them: what only happens in odd fleets.

use std::sync::Arc;

use weft_collect::preset::{self, Derived, Period, PresetError, PresetOptions, derive};
use weft_collect::prometheus::{Client, FollowSettings, Follower};
use weft_core::resource::{Resource, SeriesKey};
use weft_core::time::{Span, Step, Timestamp};

use crate::fake::{Fake, Noted, Reply, Seen};

/// A series: the metric and matchers that the query must hold, its labels, its value at each instant.
type Row = (&'static str, &'static str, fn(i64) -> Option<f64>);

const STEP: i64 = 300;

/// A server that knows `rows`; instants are counted in steps from the epoch.
fn server(rows: Vec<Row>) -> Fake {
    Fake::start(move |_, seen| {
        let query = seen.field("query");
        let found = rows.iter().filter(|(needle, ..)| query.contains(needle));
        let series: Vec<_> = found.filter_map(|row| series(row, seen)).collect();
        let series = series.join(",");
        Reply::ok(format!(
            r#"{{"status":"success","data":{{"resultType":"matrix","result":[{series}]}}}}"#
        ))
    })
}

fn series((_, labels, value): &Row, seen: &Seen) -> Option<String> {
    let instants =
        (seen.seconds("start")..=seen.seconds("end")).step_by(seen.seconds("step") as usize);
    let point = |second| value(second / STEP).map(|value| format!("[{second},\"{value}\"]"));
    let points: Vec<_> = instants.filter_map(point).collect();
    let labels = labels.replace('\'', "\"");
    let points = points.join(",");
    (!points.is_empty()).then(|| format!(r#"{{"metric":{{{labels}}},"values":[{points}]}}"#))
}

fn client(fake: &Fake) -> Client {
    Client::with_waiting(&fake.url(""), Client::settings(), Arc::new(Noted::default())).unwrap()
}

/// The steps 1,000 to 1,012.
fn period() -> Period {
    let at = |steps: i64| Timestamp::from_seconds(steps * STEP);
    Period { start: at(1_000), end: at(1_012), step: Step::FIVE_MINUTES }
}

fn derived(name: &str, rows: Vec<Row>) -> Result<Derived, PresetError> {
    let fake = server(rows);
    let preset = preset::named(name).unwrap();
    derive(&client(&fake), preset, &PresetOptions::default(), period())
}

fn values(derived: &Derived, workload: &str, resource: Resource) -> Vec<Option<f32>> {
    derived.series[&SeriesKey::resource(workload.into(), resource)].iter().collect()
}

fn sentences(derived: &Derived) -> Vec<String> {
    derived.missing.iter().map(|missing| missing.to_string()).collect()
}

/// A counter that rises by 150 in each step of 300 seconds: half of a unit a second.
fn half(step: i64) -> Option<f64> {
    Some((step - 900) as f64 * 150.0)
}

const CORES: Row = ("node_cpu_seconds_total{mode=\"idle\"", "'instance':'h1:9100'", |_| Some(8.0));
const CPU: &str = "libvirt_domain_info_cpu_time_seconds_total{";

#[test]
fn little_is_enough_and_the_rest_is_told() {
    let derived =
        derived("libvirt", vec![CORES, (CPU, "'instance':'h1:9177','domain':'a'", half)]).unwrap();
    assert_eq!(values(&derived, "a", Resource::Cpu), [Some(500.0); 12]);
    let workload = &derived.workloads[&"a".into()];
    assert_eq!((workload.vcpus, workload.allocated[Resource::Memory]), (1, 0));
    assert_eq!(derived.topology.host(&"h1".into()).unwrap().capacity.get(Resource::Memory), None);
    assert_eq!(derived.placement.sole_host(&"a".into()), Some(&"h1".into()));
    assert_eq!(derived.missing.len(), 14, "{:#?}", sentences(&derived));
    assert!(
        sentences(&derived)
            .iter()
            .any(|s| s.starts_with("no `libvirt_domain_info_virtual_cpus`: "))
    );
}

#[test]
fn a_reset_and_a_jump_are_gaps() {
    let reset: Row = (CPU, "'instance':'h1:9177','domain':'a'", |step| {
        Some(if step < 1_005 { 1e9 + step as f64 * 150.0 } else { (step - 1_005) as f64 * 150.0 })
    });
    // 8 cores give 2,400 seconds in a step; this counter jumps by a year.
    let jump: Row = (CPU, "'instance':'h1:9177','domain':'b'", |step| {
        Some(step as f64 * 150.0 + if step < 1_007 { 0.0 } else { 3.15e7 })
    });
    let derived = derived("libvirt", vec![CORES, reset, jump]).unwrap();
    let expected = |gap| (0..12).map(|step| (step != gap).then_some(500.0)).collect::<Vec<_>>();
    assert_eq!(values(&derived, "a", Resource::Cpu), expected(4));
    assert_eq!(values(&derived, "b", Resource::Cpu), expected(6));
}

#[test]
fn a_reset_of_one_disk_leaves_the_sum_unknown() {
    let disk = "libvirt_domain_block_stats_read_bytes_total{";
    let rows = vec![
        CORES,
        (CPU, "'instance':'h1','domain':'a'", half),
        (disk, "'instance':'h1','domain':'a','target_device':'vda'", half),
        (disk, "'instance':'h1','domain':'a','target_device':'vdb'", |step| {
            Some(if step < 1_003 { 9_000.0 } else { 0.0 })
        }),
    ];
    let derived = derived("libvirt", rows).unwrap();
    let found = values(&derived, "a", Resource::StorageThroughput);
    assert_eq!(found[..4], [Some(0.5), Some(0.5), None, Some(0.5)]);
}

#[test]
fn silence_keeps_a_workload_and_absence_does_not() {
    let early: fn(i64) -> Option<f64> = |step| half(step).filter(|_| step <= 1_005);
    let works: fn(i64) -> Option<f64> = |_| Some(1.0);
    let worked: fn(i64) -> Option<f64> = |step| Some(1.0).filter(|_| step <= 1_005);
    let check = |exporter: fn(i64) -> Option<f64>, is_there: bool| {
        let rows = vec![
            CORES,
            ("libvirt_up{", "'instance':'h1:9177'", exporter),
            (CPU, "'instance':'h1:9177','domain':'a'", early),
        ];
        let derived = derived("libvirt", rows).unwrap();
        assert_eq!(derived.placement.sole_host(&"a".into()).is_some(), is_there);
        assert!(derived.workloads.contains_key(&"a".into()), "it ran, so history has it");
    };
    check(works, false);
    check(worked, true);
    // An exporter that cannot reach its libvirt tells of no absence.
    check(|step| Some(f64::from(step <= 1_005)), true);
}

#[test]
fn hosts_without_their_exporter_are_named() {
    let rows = vec![
        CORES,
        ("node_memory_MemTotal_bytes{", "'instance':'h1:9100','zone':'z','region':'r'", |_| {
            Some(64e9)
        }),
        ("libvirt_domain_info_virtual_cpus{", "'instance':'h2:9177','domain':'b'", |_| Some(4.0)),
        (CPU, "'instance':'h1:9177','domain':'a'", half),
        (CPU, "'instance':'h2:9177','domain':'b'", half),
    ];
    let derived = derived("libvirt", rows).unwrap();
    assert_eq!(derived.topology.host(&"h2".into()).unwrap().cores, 4);
    let found = sentences(&derived);
    for start in [
        "no `node_cpu_seconds_total` of 1, such as `h2`: the cores of hosts are not known",
        "no `node_memory_MemTotal_bytes` of 1, such as `h2`: memory of hosts is not known",
        "no `libvirt_domain_info_virtual_cpus` of 1, such as `a`: the vCPUs of workloads",
        "no `links`: metrics do not tell of links between regions",
    ] {
        assert!(found.iter().any(|sentence| sentence.starts_with(start)), "{start}\n{found:#?}");
    }
}

#[test]
fn series_without_their_label_are_told_of() {
    let rows =
        vec![CORES, (CPU, "'instance':'h1','domain':'a'", half), (CPU, "'instance':'h1'", half)];
    let derived = derived("libvirt", rows).unwrap();
    assert_eq!(derived.workloads.len(), 1);
    let name = "libvirt_domain_info_cpu_time_seconds_total";
    assert_eq!(
        derived.warnings,
        [format!("series of `{name}` without a label of `domain`, `instance` are left out")]
    );
}

#[test]
fn options_choose_labels_and_matchers() {
    let fake = server(vec![
        ("{mode=\"idle\",cluster=\"east\"}", "'node':'n1','rack':'r7'", |_| Some(2.0)),
        ("time_seconds_total{cluster=\"east\"}", "'node':'n1','uuid':'u','project':'p'", half),
    ]);
    let options = PresetOptions {
        matchers: "cluster=\"east\"".into(),
        host_label: Some("node".into()),
        workload_labels: Some(vec!["project".into(), "uuid".into()]),
        zone_label: Some("rack".into()),
        ..PresetOptions::default()
    };
    let preset = preset::named("libvirt").unwrap();
    let derived = derive(&client(&fake), preset, &options, period()).unwrap();
    assert_eq!(derived.placement.sole_host(&"p/u".into()), Some(&"n1".into()));
    assert_eq!(derived.topology.host(&"n1".into()).unwrap().zone.as_str(), "r7");
}

#[test]
fn pods_are_workloads() {
    let cpu = "container_cpu_usage_seconds_total{container!=\"\"";
    let requests = "kube_pod_container_resource_requests{resource=\"memory\"";
    let rows: Vec<Row> = vec![
        ("kube_node_status_allocatable{resource=\"cpu\"", "'node':'n1'", |_| Some(3.92)),
        ("kube_node_status_allocatable{resource=\"cpu\"", "'node':'n2'", |_| Some(4.0)),
        ("kube_node_status_allocatable{resource=\"memory\"", "'node':'n1'", |_| Some(16e9)),
        (
            "kube_node_labels{",
            "'node':'n1','label_topology_kubernetes_io_zone':'a','label_topology_kubernetes_io_region':'eu'",
            |_| Some(1.0),
        ),
        (
            "kube_pod_info{",
            "'namespace':'x','pod':'web-0','node':'n1','created_by_kind':'StatefulSet'",
            |s| (s < 1_006).then_some(1.0),
        ),
        (
            "kube_pod_info{",
            "'namespace':'x','pod':'web-0','node':'n2','created_by_kind':'StatefulSet'",
            |s| (s >= 1_006).then_some(1.0),
        ),
        (
            "kube_pod_info{",
            "'namespace':'x','pod':'agent','node':'n1','created_by_kind':'DaemonSet'",
            |_| Some(1.0),
        ),
        (
            "kube_pod_info{",
            "'namespace':'x','pod':'done','node':'n1','created_by_kind':'Job'",
            |_| Some(1.0),
        ),
        (
            "kube_pod_container_resource_limits{resource=\"cpu\"",
            "'namespace':'x','pod':'web-0','node':'n1','container':'a'",
            |_| Some(1.25),
        ),
        (
            "kube_pod_container_resource_limits{resource=\"cpu\"",
            "'namespace':'x','pod':'web-0','node':'n1','container':'b'",
            |_| Some(0.25),
        ),
        (requests, "'namespace':'x','pod':'web-0','container':'a'", |_| Some(1e9)),
        (requests, "'namespace':'x','pod':'web-0','container':'b'", |_| Some(2e9)),
        (cpu, "'namespace':'x','pod':'web-0','container':'a','instance':'i1','id':'1'", half),
        (cpu, "'namespace':'x','pod':'web-0','container':'b','instance':'i1','id':'2'", half),
        (cpu, "'namespace':'x','pod':'agent','container':'a','instance':'i1'", half),
        ("throttled_seconds_total{", "'namespace':'x','pod':'web-0','container':'a'", half),
    ];
    let derived = derived("kubernetes", rows).unwrap();
    let names: Vec<_> = derived.workloads.keys().map(|id| id.as_str()).collect();
    assert_eq!(names, ["x/agent", "x/web-0"], "what is done does not run");
    let web = &derived.workloads[&"x/web-0".into()];
    assert_eq!(
        (web.vcpus, web.cpu_millicores(), web.allocated[Resource::Memory]),
        (2, 1_500, 3_000_000_000)
    );
    assert!(!web.mobility.live && web.mobility.preemptive && web.mobility.recover);
    let agent = &derived.workloads[&"x/agent".into()];
    assert!(!agent.mobility.preemptive && !agent.mobility.recover);
    assert_eq!(
        values(&derived, "x/web-0", Resource::Cpu),
        [Some(1_000.0); 12],
        "containers add up"
    );
    let cpu = &derived.series[&SeriesKey::resource("x/web-0".into(), Resource::Cpu)];
    assert!((0..12).all(|step| cpu.is_censored(step)), "it is throttled for as long as it runs");
    let at = |step: i64| Timestamp::from_seconds(step * STEP);
    let stays = [(at(1_000), "n1".into()), (at(1_005), "n2".into())];
    assert_eq!(derived.placements[&"x/web-0".into()], stays);
    let hosts: Vec<_> =
        derived.topology.hosts().map(|h| (h.id.as_str(), h.cores, h.zone.as_str())).collect();
    assert_eq!(hosts, [("n1", 3, "a"), ("n2", 4, "default")]);
}

#[test]
fn hosts_as_a_whole_are_workloads_that_stay() {
    let receive = "node_network_receive_bytes_total{device!~";
    let rows: Vec<Row> = vec![
        CORES,
        ("node_memory_MemTotal_bytes{", "'instance':'h1:9100'", |_| Some(64e9)),
        (
            "node_memory_MemTotal_bytes - avg_over_time(node_memory_MemAvailable",
            "'instance':'h1:9100'",
            |_| Some(24e9),
        ),
        (
            "sum without (cpu, mode) (last_over_time(node_cpu_seconds_total{mode=~\"user",
            "'instance':'h1:9100'",
            half,
        ),
        (receive, "'instance':'h1:9100'", half),
        ("node_network_transmit_bytes_total{", "'instance':'h1:9100'", half),
    ];
    let derived = derived("node", rows).unwrap();
    let workload = &derived.workloads[&"h1".into()];
    assert_eq!((workload.vcpus, workload.allocated[Resource::Memory]), (8, 64_000_000_000));
    assert!(!workload.mobility.live && !workload.mobility.preemptive && !workload.mobility.recover);
    assert_eq!(derived.placement.sole_host(&"h1".into()), Some(&"h1".into()));
    assert_eq!(values(&derived, "h1", Resource::Cpu), [Some(500.0); 12]);
    assert_eq!(values(&derived, "h1", Resource::Network), [Some(1.0); 12]);
    assert_eq!(values(&derived, "h1", Resource::Memory), [Some(24e9); 12]);
}

#[test]
fn nothing_at_all_is_an_error_and_so_is_no_time() {
    let error = derived("node", Vec::new()).unwrap_err().to_string();
    assert!(
        error.starts_with(
            "expected the metrics of node_exporter between 1970-01-04T11:20:00Z and 1970-01-04T12:20:00Z, found no `node_cpu_seconds_total`: "
        ),
        "{error}"
    );
    let fake = server(Vec::new());
    let start = period().start;
    let short = Period { end: start + Span::from_seconds(299), ..period() };
    let preset = preset::named("node").unwrap();
    let error = derive(&client(&fake), preset, &PresetOptions::default(), short).unwrap_err();
    assert!(error.to_string().starts_with("expected at least one whole step between"), "{error}");
    assert_eq!(fake.seen().len(), 0);
}

#[test]
fn steps_are_given_though_everything_is_silent() {
    let fake = server(Vec::new());
    let preset = preset::named("libvirt").unwrap();
    let from = period().start;
    let (options, settings) = (PresetOptions::default(), FollowSettings::default());
    let mut follower = Follower::new(client(&fake), preset, options, settings, from);
    let given = follower.poll(period().start + Span::from_minutes(11)).unwrap();
    let starts: Vec<_> = given.iter().map(|(at, samples)| (*at, samples.len())).collect();
    assert_eq!(starts, [(from, 0), (from + Span::from_minutes(5), 0)]);
}

#[test]
fn an_error_loses_no_step() {
    let fake = Fake::start(|before, _| match before {
        0..3 => Reply::status(500, "down"),
        _ => Reply::ok(r#"{"status":"success","data":{"resultType":"matrix","result":[]}}"#),
    });
    let preset = preset::named("libvirt").unwrap();
    let (options, settings) = (PresetOptions::default(), FollowSettings::default());
    let mut follower = Follower::new(client(&fake), preset, options, settings, period().start);
    let now = period().start + Span::from_minutes(6);
    assert!(follower.poll(now).unwrap_err().to_string().contains("status 500: down"));
    assert_eq!(follower.poll(now).unwrap().len(), 1);
}
