//! `weft backtest` as its user meets it: the binary, files on a disk, exit codes and sentences.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

const FLEET: &str = "\
regions: [{name: r, energy_price_per_kwh: 0.2}]
zones: [{name: z, region: r}]
hosts: [{name: 'h{}', count: 2, zone: z, cores: 4, memory: 16GiB, network: 1Gbit/s, power: {linear: {idle_watts: 50, full_watts: 100}}}]
workloads: [{name: 'w{}', count: 2, vcpus: 2, memory: 2GiB}]
";

/// A folder of this test, removed when it ends.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("weft-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).expect("a folder for the test");
        Self(path)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.0.join(name), text).expect("a file for the test");
    }

    fn weft(&self, arguments: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_weft"));
        command.current_dir(&self.0).arg("backtest").args(arguments.split_whitespace());
        command
    }

    fn run(&self, arguments: &str) -> Output {
        self.weft(arguments).output().expect("weft runs")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Two workloads over two hours, in percent.
fn csv(more: &str) -> String {
    let mut text = "series,timestamp,value\n".to_owned();
    for step in 0..24 {
        let at = 1_700_000_100 + step * 300;
        writeln!(text, "w1,{at},{}\nw2,{at},50", 20 + step).expect("text grows");
    }
    text + more
}

#[test]
fn what_is_wrong_is_said_in_one_sentence() {
    let folder = Folder::new("wrong");
    let check = |trace: &str, policy: &str, arguments: &str, expected: &[&str]| {
        folder.write("t.csv", trace);
        folder.write("f.yaml", &format!("{FLEET}{policy}"));
        let arguments = format!("--trace t.csv --format csv --policy none {arguments}");
        let Output { status, stdout, stderr } = folder.run(&arguments);
        let said = String::from_utf8_lossy(&stderr);
        assert_eq!(status.code(), Some(2), "{arguments}: {said}");
        assert!(stdout.is_empty(), "{arguments}: nothing is printed");
        assert_eq!(said.trim_end().lines().count(), 1, "{said}");
        expected.iter().for_each(|words| assert!(said.contains(words), "{words} in {said}"));
    };
    let good = &csv("");
    check(&csv("w1,1700003600,-5\n"), "", "", &["at least 0", "-5 in `w1`"]);
    check(&csv("w1/mem,1700000100,5\n"), "", "", &["memory", "found `mem`"]);
    check(&csv("w1,2015360100,5\n"), "", "", &["one of 100 steps", "2033-11-11"]);
    check(&csv("w1,9223372036854775807,5\n"), "", "", &["line 50, timestamp", "5138"]);
    check("series,timestamp,value\nw1,1700000100,5\n", "", "", &["at least two steps"]);
    check(good, "", "--horizon 0s", &["--horizon", "more than 0s", "found 0s"]);
    check(good, "", "--horizon 9999d", &["--horizon", "at most 31d"]);
    check(good, "", "--html t.csv", &["--html", "found the input t.csv"]);
    let on_file = |policy: &str, expected: &[&str]| {
        let policy = format!("policy:\n  {policy}\n");
        check(good, &policy, "--fleet f.yaml", expected);
    };
    on_file("horizon: 90d", &["f.yaml", "horizon", "at most 31d", "found 90d"]);
    on_file("scope: {names: [h9]}", &["scope", "the name of a host", "`h9`"]);
    on_file(
        "rules: [{anti_affinity: {workloads: {tags: [typo]}, domain: host}}]",
        &["rules", "a tag that a workload has", "`typo`"],
    );
    on_file("rules: [{immovable: {workloads: {names: [w7]}}}]", &["a workload", "`w7`"]);
    on_file(
        "rules: [{residency: {workloads: {names: [w1]}, regions: [mars]}}]",
        &["the name of a region", "`mars`"],
    );
    on_file(
        "blackouts: [{once: {begins: 2026-01-02T00:00:00Z, ends: 2026-01-01T00:00:00Z}}]",
        &["blackouts", "begins before it ends"],
    );
    on_file("blackouts: [{daily: {from: 30h, until: 6h}}]", &["blackouts", "found 1d6h to 6h"]);
    let made_up = "generator: {seed: 1, start: 2026-01-01T00:00:00Z, days: 40000}\n";
    folder.write("f.yaml", &format!("{FLEET}{made_up}"));
    let Output { status, stderr, .. } = folder.run("--fleet f.yaml --policy none");
    let said = String::from_utf8_lossy(&stderr);
    assert_eq!(status.code(), Some(2), "{said}");
    assert!(said.contains("generator.days") && said.contains("found 40000"), "{said}");
    assert_eq!(fs::read_to_string(folder.0.join("t.csv")).ok().as_ref(), Some(good));
}

#[test]
fn milliseconds_are_the_same_as_seconds() {
    let folder = Folder::new("millis");
    folder.write("s.csv", &csv(""));
    folder.write("ms.csv", &csv("").replace("00,", "00000,"));
    let policies = |trace: &str| {
        let arguments = format!("--trace {trace} --format csv --policy none,predictive -o json");
        let Output { status, stdout, .. } = folder.run(&arguments);
        assert!(status.success());
        let outcome: serde_json::Value = serde_json::from_slice(&stdout).expect("JSON");
        outcome["policies"].clone()
    };
    let seconds = policies("s.csv");
    assert_eq!(seconds, policies("ms.csv"));
    for row in seconds.as_array().expect("rows") {
        let of = |part: &str| row[format!("unserved{part}_core_hours")].as_f64().expect("a number");
        let parts = of("_overload") + of("_migration") + of("_downtime") + of("_lost");
        assert!((of("") - parts).abs() < 1e-9, "the parts add up: {row}");
    }
}

#[test]
fn a_reader_who_stops_reading_is_no_error_and_the_page_is_written() {
    let folder = Folder::new("pipe");
    folder.write("t.csv", &csv(""));
    let mut command = folder.weft("--trace t.csv --format csv --policy none --html page.html");
    let mut weft =
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("weft runs");
    drop(weft.stdout.take());
    let Output { status, stderr, .. } = weft.wait_with_output().expect("weft ends");
    assert_eq!((status.code(), String::from_utf8_lossy(&stderr).as_ref()), (Some(0), ""));
    assert!(folder.0.join("page.html").exists());
}
