//! Alerts of a loop over a simulated fleet, in a real Alertmanager: told, not doubled by a kill, resolved. And
//! the rules that are shipped for Prometheus, checked by Prometheus' own tool and against what `/metrics` prints.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::alertmanager::Alertmanager;
use crate::processes::{Fleet, Server, configured, weft};

const RULES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/prometheus/weft-rules.yml");

/// The alerts on a host that was lost, as the API shows them.
fn lost(server: &Server, host: &str, only_open: bool) -> Vec<Value> {
    let all = server.get(if only_open { "alerts?open=true" } else { "alerts?limit=500" });
    let fingerprint = format!("host_lost/{host}");
    let items = all["items"].as_array().cloned().unwrap_or_default();
    items.into_iter().filter(|alert| alert["fingerprint"] == fingerprint.as_str()).collect()
}

fn hosts(alerts: &[Value]) -> Vec<&str> {
    let mut hosts: Vec<&str> =
        alerts.iter().filter_map(|alert| alert["labels"]["host"].as_str()).collect();
    hosts.sort_unstable();
    hosts.dedup();
    hosts
}

#[test]
fn a_lost_host_is_told_once_and_resolved() {
    let folder = tempfile::tempdir().expect("a folder");
    let (fleet, alertmanager) = (Fleet::start(folder.path(), 288), Alertmanager::start());
    let alerts = "[alerts]\ndashboard = \"https://weft.example\"\n[[alerts.alertmanager]]\n";
    let named = "name = \"pager\"\nminimum = \"info\"\nlabels = {team = \"infra\"}\n";
    let url = &alertmanager.url;
    let config = format!("{}{alerts}url = \"{url}\"\n{named}", fleet.config());
    let file = configured(folder.path(), &config);
    let validated = weft().args(["validate", "--config"]).arg(file).output().expect("it runs");
    let said = String::from_utf8(validated.stdout).expect("text");
    assert!(said.contains("pager answers, version 0."), "{said}");

    let mut server = Server::start(folder.path(), &config, None);
    server.wait_until("the fleet is seen", |server| server.get("status")["fleet"]["hosts"] == 8);
    fleet.upset("a-1", "lose");
    server.wait_until("Alertmanager has it", |server| {
        hosts(&alertmanager.holding("WeftHostLost")) == ["a-1"]
            && lost(server, "a-1", true).iter().all(|alert| alert["told_by"][0] == "pager")
    });
    let held = alertmanager.holding("WeftHostLost").remove(0);
    assert_eq!(held["labels"]["team"], "infra");
    assert_eq!(held["generatorURL"], "https://weft.example/#/hosts/a-1");
    let summary = held["annotations"]["summary"].as_str().expect("a sentence");
    assert!(
        summary.starts_with("host a-1 is lost: expected it to run, found it lost"),
        "{summary}"
    );
    let before = lost(&server, "a-1", false);

    let token = Some(server.token.clone());
    server.kill();
    let mut server = Server::start(folder.path(), &config, token);
    // Once another loss has gone all the way, the first has been judged anew as well.
    fleet.upset("b-1", "lose");
    server.wait_until("Alertmanager has both", |_| {
        hosts(&alertmanager.holding("WeftHostLost")) == ["a-1", "b-1"]
    });
    let after = lost(&server, "a-1", false);
    let begins = |alerts: &[Value], severity: &str| -> Vec<Value> {
        let of = alerts.iter().filter(|alert| alert["severity"] == severity);
        of.map(|alert| alert["begins"].clone()).collect()
    };
    for severity in ["warning", "critical"] {
        let (known, now) = (begins(&before, severity), begins(&after, severity));
        assert!(now.len() <= 1, "expected one at most, found {after:#?}");
        assert!(known.iter().all(|begin| now.contains(begin)), "expected {known:?}, found {now:?}");
    }
    assert_eq!(lost(&server, "a-1", true).len(), 1, "{after:#?}");

    fleet.upset("a-1", "bring-back");
    fleet.upset("b-1", "bring-back");
    server.wait_until("it is resolved", |server| {
        alertmanager.holding("WeftHostLost").is_empty() && lost(server, "a-1", true).is_empty()
    });
    server.wait_until("it prints what the rules need", |server| {
        let metrics = server.metrics();
        named_in_rules().iter().all(|name| metrics.contains(&format!("# TYPE {name} ")))
    });
    check_metrics(&server.metrics());
    assert!(server.stops_gracefully());
}

/// The metrics that the shipped rules name.
fn named_in_rules() -> BTreeSet<String> {
    let text = std::fs::read_to_string(RULES).expect("the rules are there");
    let is_part = |c: char| c.is_ascii_lowercase() || c == '_';
    let words = text.split(|c| !is_part(c)).filter(|word| word.starts_with("weft_"));
    let names: BTreeSet<String> = words.map(str::to_owned).collect();
    assert!(names.len() >= 7, "expected rules over many metrics, found {names:?}");
    names
}

fn promtool(arguments: &[&str], input: Option<&str>) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("input.txt");
    std::fs::write(&file, input.unwrap_or_default()).expect("written");
    let mut command = Command::new("promtool");
    command.args(arguments).stdin(std::fs::File::open(&file).expect("just written"));
    let output = command.output().expect("promtool is there: run scripts/setup test");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    let (out, error) = (text(output.stdout), text(output.stderr));
    assert!(output.status.success(), "promtool {arguments:?}: {out}{error}");
    out
}

/// Prometheus' own tool finds nothing to complain of.
fn check_metrics(metrics: &str) {
    promtool(&["check", "metrics"], Some(metrics));
    for rule in ["host_lost", "foreseen_shortage"] {
        let line = format!("weft_alerts{{rule=\"{rule}\",severity=\"critical\"}} ");
        assert!(metrics.contains(&line), "expected {line:?} in {metrics}");
    }
    let delivered = "weft_alert_deliveries_total{receiver=\"pager\",outcome=\"delivered\"} ";
    let count = metrics.lines().find_map(|line| line.strip_prefix(delivered)).expect(delivered);
    assert!(count.parse::<u64>().expect("a number") > 0, "{count}");
}

#[test]
fn the_shipped_rules_are_sound_and_fire() {
    let checked = promtool(&["check", "rules", RULES], None);
    assert!(checked.contains("SUCCESS"), "{checked}");
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/serve/weft-rules.test.yml");
    promtool(&["test", "rules", cases.to_str().expect("a path of text")], None);
}
