//! The verbs of the command line against a running loop: what they print, how they end, and a move that a person
//! lets go ahead from a terminal.

use std::process::Output;

use serde_json::Value;

use crate::processes::{Fleet, Server, weft};

fn run(server: &Server, token: Option<&str>, arguments: &[&str]) -> Output {
    let mut command = weft();
    command.args(arguments).args(["--server", &server.address]).env_remove("WEFT_TOKEN");
    if let Some(token) = token {
        command.env("WEFT_TOKEN", token);
    }
    command.output().expect("it runs")
}

fn shown(server: &Server, arguments: &[&str]) -> String {
    let output = run(server, None, arguments);
    let text = String::from_utf8(output.stdout).expect("text");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{arguments:?}: {said}");
    text
}

fn check_refusal(output: &Output, code: i32, sentence: &str) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert!(said.starts_with("weft: ") && said.contains(sentence), "{said:?}");
    assert_eq!(said.trim_end().lines().count(), 1, "one sentence: {said:?}");
}

#[test]
fn a_fleet_is_read_and_a_move_approved_from_a_terminal() {
    let folder = tempfile::tempdir().expect("a folder");
    let fleet = Fleet::start(folder.path(), 60);
    let mut server = Server::start(folder.path(), &fleet.config(), None);
    server.wait_until("there is a plan", |server| !server.get("status")["plan"].is_null());
    check_lists(&server);
    check_refusals(&server);
    let token = server.token.clone();
    let ask = |server: &Server, arguments: &[&str]| {
        let output = run(server, Some(&token), arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{arguments:?}: {said}");
        String::from_utf8(output.stdout).expect("text")
    };
    let policy = folder.path().join("policy.yaml");
    std::fs::write(policy, "name: asking\nmode: approve\nhorizon: 6h\n").expect("written");
    assert_eq!(ask(&server, &["reload"]), "policy `asking` is in force\n");
    assert!(shown(&server, &["get", "policies"]).contains("approve"));
    assert_eq!(ask(&server, &["drain", "a-1"]), "a-1 is being drained\n");
    let id = proposed(&mut server);
    assert!(shown(&server, &["explain", "move", &id]).contains("from a-1 to"), "its reason");
    assert!(ask(&server, &["approve", &id]).contains("is approved"));
    let path = format!("moves/{id}");
    server.wait_until("the move has succeeded", |server| server.get(&path)["state"] == "succeeded");
    assert!(shown(&server, &["get", "moves", "--state", "succeeded"]).contains(&id));
    assert_eq!(ask(&server, &["drain", "a-1", "--undo"]), "a-1 takes workloads again\n");
    assert!(ask(&server, &["pause"]).starts_with("paused"));
    assert!(shown(&server, &["get", "status"]).contains("switch paused"));
    assert!(ask(&server, &["resume"]).starts_with("resumed"));
    let unfit = run(&server, None, &["get", "workloads", "--state", "down"]);
    check_refusal(&unfit, 2, "--state: expected hosts or moves, which it filters, found workloads");
    let unfit = run(&server, None, &["explain", "move", "abc"]);
    check_refusal(&unfit, 2, "expected a whole number, found `abc`");
    assert!(server.stops_gracefully());
    let gone = run(&server, None, &["get", "hosts"]);
    check_refusal(&gone, 3, "expected a running Weft at http://127.0.0.1");
}

fn check_lists(server: &Server) {
    for what in [
        "status",
        "hosts",
        "workloads",
        "forecasts",
        "shortages",
        "plans",
        "moves",
        "events",
        "alerts",
        "policies",
        "journal",
    ] {
        for format in ["table", "wide", "json", "yaml"] {
            let text = shown(server, &["get", what, "-o", format]);
            assert!(!text.is_empty(), "{what} as {format}");
            if format == "json" {
                serde_json::from_str::<Value>(&text).expect("JSON");
            }
        }
    }
    let hosts = shown(server, &["get", "hosts"]);
    assert_eq!(hosts.lines().count(), 9, "a line for each of eight hosts: {hosts}");
    assert!(hosts.starts_with("HOST  STATE"), "{hosts}");
    let yaml = shown(server, &["get", "hosts", "-o", "yaml"]);
    assert!(yaml.contains("id: a-1"), "{yaml}");
    assert!(shown(server, &["describe", "host", "a-1"]).contains("Workloads"));
    assert!(shown(server, &["describe", "workload", "shop-01"]).contains("May be moved by: live"));
    assert!(!shown(server, &["explain", "workload", "shop-01"]).trim().is_empty());
    assert!(shown(server, &["plan"]).starts_with("PLAN"));
}

fn check_refusals(server: &Server) {
    check_refusal(&run(server, None, &["pause"]), 2, "expected the token in WEFT_TOKEN");
    check_refusal(&run(server, Some("guess"), &["pause"]), 2, "expected the token");
    let token = server.token.as_str();
    check_refusal(&run(server, Some(token), &["approve", "999999"]), 1, "found move-999999");
    check_refusal(&run(server, Some(token), &["drain", "nowhere"]), 1, "found `nowhere`");
    check_refusal(&run(server, None, &["describe", "host", "nowhere"]), 1, "no host `nowhere`");
}

/// The number of a move off a-1 that waits for a person.
fn proposed(server: &mut Server) -> String {
    let first = |server: &Server| {
        let moves = server.get("moves?state=proposed&host=a-1");
        let items = moves["items"].as_array()?;
        // What was planned before the host was drained may still lead there.
        let leaving = items.iter().find(|found| found["from"] == "a-1")?;
        leaving["id"].as_u64().map(|id| id.to_string())
    };
    server.wait_until("a move is proposed", |server| first(server).is_some());
    first(server).expect("it was there just now")
}
