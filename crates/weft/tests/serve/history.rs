//! `weft backtest` over the history that a real Prometheus holds of a made-up fleet: without any other file, and
//! with a sentence for whatever is wrong.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Output;
use std::sync::mpsc::{Receiver, channel};

use serde_json::Value;
use weft_core::time::Span;

use crate::processes::weft;
use crate::prometheus::{holding, now};
use crate::server::free_port;

fn backtest(arguments: &str) -> Output {
    let words = arguments.split_whitespace();
    weft().arg("backtest").args(words).output().expect("the binary starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("text")
}

/// Whether one of a list of sentences begins so.
fn tells(outcome: &Value, list: &str, beginning: &str) -> bool {
    let sentences = outcome[list].as_array().into_iter().flatten();
    sentences.filter_map(Value::as_str).any(|sentence| sentence.starts_with(beginning))
}

/// The made-up fleet is never short and loses nothing by staying as it is.
#[test]
fn three_weeks_of_a_real_prometheus_are_replayed_and_nothing_is_to_be_gained() {
    let folder = tempfile::tempdir().expect("a folder");
    let prometheus = holding(21, now());
    let page = folder.path().join("page.html");
    let (url, shown) = (&prometheus.url, page.display());
    let arguments = format!(
        "--prometheus {url} --days 14 --policy none,actual,predictive --confidence 0.95 -o json --html {shown}"
    );
    let Output { status, stdout, stderr } = backtest(&arguments);
    let said = text(&stderr);
    assert!(status.success(), "{said}");
    assert_eq!(
        said,
        "weft: preset libvirt, because the metrics of a libvirt exporter and node_exporter are there\n"
    );
    let outcome: Value = serde_json::from_slice(&stdout).expect("JSON");
    assert_eq!(outcome["trace"], url.as_str());
    let rows = outcome["policies"].as_array().expect("rows");
    let names: Vec<_> = rows.iter().map(|row| row["policy"].as_str().unwrap_or("")).collect();
    assert_eq!(names, ["none", "actual", "predictive"]);
    assert_eq!(rows[0]["migrations"], 0);
    assert_eq!(rows[1]["migrations"], 1, "the move that was made up happens once");
    // 2 vCPUs have 4 GiB, all of which is sent.
    assert!(rows[1]["moved_bytes"].as_u64().is_some_and(|bytes| bytes >= 2 << 30), "{}", rows[1]);
    assert!(rows[0]["energy_kwh"].as_f64().is_some_and(|energy| energy > 100.0), "{}", rows[0]);
    assert!(
        tells(&outcome, "missing", "no `libvirt_domain_memory_stats_rss_bytes` or "),
        "{outcome}"
    );
    for assumed in [
        "hosts draw the power of an IBM x3250 M3 for every four cores",
        "energy costs 0.2 a kWh",
        "hosts draw idle power while they are empty",
        "in 0.0",
    ] {
        assert!(tells(&outcome, "assumed", assumed), "{assumed} in {outcome}");
    }
    assert_eq!(outcome["verdict"]["against"], 1);
    let sentence = outcome["verdict"]["sentence"].as_str().expect("a sentence");
    assert!(sentence.starts_with("You would gain nothing"), "{sentence}");
    assert!(sentence.contains("against what really happened (actual)"), "{sentence}");
    let page = std::fs::read_to_string(page).expect("the page is written");
    for words in [url, "What is not known", "What was assumed", "IBM x3250 M3"] {
        assert!(page.contains(words), "{words}");
    }
    check_table(url);
    check_wrong_questions(url);
}

fn check_table(url: &str) {
    let arguments = format!("--prometheus {url} --preset libvirt --days 2 --policy none,actual");
    let Output { status, stdout, stderr } = backtest(&arguments);
    assert!(status.success() && stderr.is_empty(), "{}", text(&stderr));
    let table = text(&stdout);
    for words in ["not known:\n- no `libvirt_", "assumed:\n- hosts draw", "\nactual "] {
        assert!(table.contains(words), "{words} in {table}");
    }
}

fn check_wrong_questions(url: &str) {
    let check = |arguments: &str, code: i32, expected: &[&str]| {
        let Output { status, stdout, stderr } = backtest(arguments);
        let said = text(&stderr);
        assert_eq!(status.code(), Some(code), "{arguments}: {said}");
        assert!(stdout.is_empty(), "{arguments}: nothing is printed");
        expected.iter().for_each(|words| assert!(said.contains(words), "{words} in {said}"));
        said
    };
    let one_line = |said: &str| assert_eq!(said.trim_end().lines().count(), 1, "{said}");
    let on_url = |arguments: &str, code, expected: &[&str]| {
        check(&format!("--prometheus {url} {arguments}"), code, expected)
    };
    one_line(&on_url(
        "--preset kubernetes --days 1",
        2,
        &["cAdvisor and kube-state-metrics between", "no `kube_pod_info`: it is not known where"],
    ));
    one_line(&on_url(
        "--matchers job=\"none\" --days 1",
        2,
        &["a preset fits between", "`libvirt` no"],
    ));
    one_line(&on_url("--preset vmware", 2, &["--preset", "libvirt, kubernetes, node", "or auto"]));
    one_line(&on_url("--days 0", 2, &["--days: expected 1 to 92, found 0"]));
    one_line(&on_url("--fleet planetlab", 2, &["--fleet", "found the set-up `planetlab`"]));
    one_line(&on_url("--token-file /nowhere/token", 2, &["a secret in /nowhere/token"]));
    on_url("--trace t.csv --format csv", 2, &["cannot be used with"]);
    check("--days 3 --fleet f.yaml", 2, &["required", "--prometheus"]);
    let said = check("--prometheus http://me:hunter2@127.0.0.1:9", 2, &["without credentials"]);
    one_line(&said);
    assert!(!said.contains("hunter2"), "{said}");
    let gone = format!("--prometheus http://127.0.0.1:{}", free_port());
    one_line(&check(&gone, 3, &["asked http://127.0.0.1"]));
}

#[test]
fn no_samples_in_the_period_is_said() {
    let prometheus = holding(2, now() - Span::from_days(10));
    let url = &prometheus.url;
    let said = |arguments: &str| {
        let Output { status, stderr, .. } = backtest(&format!("--prometheus {url} {arguments}"));
        (status.code(), text(&stderr))
    };
    let (code, found) = said("--days 3");
    assert_eq!(code, Some(2));
    assert!(found.starts_with("weft: expected metrics that a preset fits between"), "{found}");
    let (code, found) = said("--days 3 --preset libvirt");
    assert_eq!(code, Some(2));
    assert!(found.contains("no `libvirt_domain_info_cpu_time_seconds_total`"), "{found}");
    let (code, found) = said("--days 30 --policy none,actual");
    assert_eq!(code, Some(0), "{found}");
}

/// A server that lets nobody in: its address, and what those who came said of themselves.
fn closed_server() -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it has an address");
    let (sender, requests) = channel();
    // It ends with the test's process.
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("somebody comes");
            let mut request = Vec::new();
            let mut part = [0; 4_096];
            while !is_whole(&request) {
                let length = stream.read(&mut part).expect("a request");
                request.extend_from_slice(&part[..length]);
            }
            let answer = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 12\r\nConnection: close\r\n\r\nwho are you?";
            stream.write_all(answer.as_bytes()).expect("an answer");
            let _ = sender.send(text(&request));
        }
    });
    (format!("http://{address}"), requests)
}

/// Whether a request has its head and as much of a body as that says.
fn is_whole(request: &[u8]) -> bool {
    let request = String::from_utf8_lossy(request).to_lowercase();
    let Some((head, body)) = request.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    length.is_none_or(|length| body.len() >= length.parse().expect("a length"))
}

#[test]
fn a_server_that_lets_nobody_in_is_answered_with_what_to_give() {
    let folder = tempfile::tempdir().expect("a folder");
    let token = folder.path().join("token");
    std::fs::write(&token, "opensesame\n").expect("written");
    let (url, requests) = closed_server();
    let shown = token.display();
    let Output { status, stderr, .. } =
        backtest(&format!("--prometheus {url} --preset libvirt --token-file {shown}"));
    let said = text(&stderr);
    assert_eq!(status.code(), Some(3), "{said}");
    assert!(said.contains("--token-file") && said.contains("401"), "{said}");
    assert!(!said.contains("opensesame"), "{said}");
    let request = requests.try_recv().expect("it was asked").to_lowercase();
    assert!(request.starts_with("post /api/v1/query_range "), "{request}");
    assert!(request.contains("authorization: bearer opensesame"), "{request}");
}
