//! The loop over a real Prometheus that holds days of a made-up fleet: it learns from the past, advises, and where the
//! metrics have ended it freezes and says so.

use std::process::Output;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;
use weft_collect::prometheus::rehearsal::rehearse;
use weft_core::time::{Span, Timestamp};

use crate::processes::{Server, configured, weft};
use crate::server::Prometheus;

pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    Timestamp::from_seconds(since.as_secs() as i64)
}

/// A Prometheus whose fleet has lived for `days` days and goes on until `ends`.
pub(crate) fn holding(days: u32, ends: Timestamp) -> Prometheus {
    let begins = ends - Span::from_days(i64::from(days));
    Prometheus::holding(&rehearse(begins, days, 7).text)
}

fn config(prometheus: &Prometheus) -> String {
    let url = &prometheus.url;
    format!("learn = \"3d\"\n[metrics]\nprometheus = \"{url}\"\npreset = \"libvirt\"\n")
}

fn validate(folder: &std::path::Path, config: &str) -> Output {
    let file = configured(folder, config);
    weft().args(["validate", "--config"]).arg(file).output().expect("it runs")
}

#[test]
fn a_fleet_is_served_from_a_real_prometheus() {
    let folder = tempfile::tempdir().expect("a folder");
    let prometheus = holding(5, now() + Span::from_days(1));
    let config = config(&prometheus);
    let validated = validate(folder.path(), &config);
    let text = String::from_utf8(validated.stdout).expect("text");
    assert!(text.contains("6 hosts and 24 workloads in the last hour"), "{text}");
    assert!(validated.status.success(), "{text}");

    let mut server = Server::start(folder.path(), &config, None);
    server.wait_until("there is a plan", |server| !server.get("status")["plan"].is_null());
    let status = server.get("status");
    assert_eq!(status["freezes"], serde_json::json!([]), "{status}");
    let age_seconds = status["metrics"]["age_seconds"].as_f64().expect("there are samples");
    assert!(age_seconds < 400.0, "expected the newest step, found one of {age_seconds} s ago");
    assert_eq!(status["fleet"]["hosts"], 6);
    assert_eq!(status["may_start"], false, "metrics move nothing");
    let coverage = status["accuracy"]["coverage"].as_f64().expect("intervals were judged");
    assert!(coverage > 0.85, "expected intervals that hold, found coverage {coverage}");
    let forecast = server.get("forecasts/vm-01?resource=cpu");
    assert!(forecast["quantiles"].as_array().is_some_and(|all| !all.is_empty()), "{forecast}");
    check_history(&server.get("workloads/vm-01/history?hours=72"));
    check_demand(&server);
    assert!(server.stops_gracefully());

    // The metrics are gone: what was learned is still shown, and it is said that nothing is seen.
    drop(prometheus);
    let token = Some(server.token.clone());
    drop(server);
    let mut server = Server::start(folder.path(), &config, token);
    server.wait_until("it says that nothing is seen", |server| frozen(server, "unobserved"));
    check_history(&server.get_or_missing("workloads/vm-01/history?hours=72").unwrap_or_default());
    assert!(server.stops_gracefully());
    let validated = validate(folder.path(), &config);
    assert_eq!(validated.status.code(), Some(1), "{validated:?}");
}

/// Nearly all of three days, with the values of the exporter.
fn check_history(history: &Value) {
    let Some(values) = history["values"].as_array() else { return };
    let known = values.iter().filter(|value| value.is_number()).count();
    assert!(known > 800 && known <= 865, "expected three days of steps, found {known}");
}

/// What the residents of a host want next is what the host is expected to carry, the largest first; beyond the
/// time ahead nobody wants anything.
fn check_demand(server: &Server) {
    let host = &server.get("hosts?limit=1")["items"][0];
    let demand = server.get(&format!("hosts/{}/demand", host["id"].as_str().expect("a name")));
    let list = demand["workloads"].as_array().expect("a list");
    let expected: Vec<f64> = list.iter().filter_map(|each| each["expected"].as_f64()).collect();
    assert!(!expected.is_empty() && expected.is_sorted_by(|a, b| a >= b), "{demand}");
    let (sum, carried) = (expected.iter().sum::<f64>(), host["cpu_expected_millicores"].as_f64());
    assert!(
        carried.is_some_and(|carried| (carried - sum).abs() <= 0.25 * carried),
        "{sum}, {host}"
    );
    let path =
        format!("hosts/{}/demand?at=2200-01-01T00:00:00Z", host["id"].as_str().expect("a name"));
    assert_eq!(server.get(&path)["workloads"], serde_json::json!([]));
}

pub(crate) fn frozen(server: &Server, kind: &str) -> bool {
    let status = server.get("status");
    status["freezes"].as_array().into_iter().flatten().any(|freeze| freeze["kind"] == kind)
}

#[test]
fn metrics_that_have_ended_freeze_the_loop() {
    let folder = tempfile::tempdir().expect("a folder");
    let prometheus = holding(3, now() - Span::from_hours(1));
    let mut server = Server::start(folder.path(), &config(&prometheus), None);
    server.wait_until("it says that the metrics are old", |server| frozen(server, "stale_metrics"));
    server.wait_until("the past is learned", |server| {
        server.get("status")["metrics"]["age_seconds"].as_f64().is_some_and(|age| age > 3_000.0)
    });
    assert!(frozen(&server, "stale_metrics"), "old samples are no fresh ones");
    assert!(server.stops_gracefully());
}
