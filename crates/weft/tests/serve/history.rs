//! `weft backtest` over the history that a real Prometheus holds of a made-up fleet: without any other file, and
//! with a sentence for whatever is wrong.

use std::fmt::Write as _;
use std::process::Output;

use serde_json::Value;
use weft_core::time::Span;

use crate::fake::{Fake, Reply};
use crate::processes::weft;
use crate::prometheus::{holding, now};
use crate::server::{Prometheus, free_port};

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

#[test]
fn three_weeks_of_a_real_prometheus_are_replayed_beside_what_happened() {
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

#[test]
fn a_server_that_lets_nobody_in_is_answered_with_what_to_give() {
    let folder = tempfile::tempdir().expect("a folder");
    let token = folder.path().join("token");
    std::fs::write(&token, "opensesame\n").expect("written");
    let server = Fake::start(|_, _| Reply::status(401, "who are you?"));
    let Output { status, stderr, .. } = backtest(&format!(
        "--prometheus {} --preset libvirt --token-file {}",
        server.url(""),
        token.display()
    ));
    let said = text(&stderr);
    assert_eq!(status.code(), Some(3), "{said}");
    assert!(said.contains("--token-file") && said.contains("401"), "{said}");
    assert!(!said.contains("opensesame"), "{said}");
    let first = server.seen().into_iter().next().expect("it was asked");
    assert_eq!((first.method.as_str(), first.path.as_str()), ("POST", "/api/v1/query_range"));
    assert_eq!(first.headers["authorization"], "Bearer opensesame");
}

/// Two hosts with a workload each that wants a tenth of what it has, day and night, for four days.
fn steady() -> String {
    const STEP: i64 = 300;
    let ends = now().as_millis() / 1_000 / STEP;
    let mut text = String::new();
    let mut family = |name: &str, kind: &str, line: &dyn Fn(i64, i64) -> String| {
        let bare = name.strip_suffix("_total").unwrap_or(name);
        let _ = writeln!(text, "# TYPE {bare} {kind}");
        for step in ends - 4 * 288..=ends {
            for host in 0..2 {
                let _ = writeln!(text, "{name}{} {}", line(host, step), step * STEP);
            }
        }
    };
    let exporter = |host: i64| format!("instance=\"h{host}:9177\",domain=\"vm-{host}\"");
    let of_node = |host: i64| format!("instance=\"h{host}:9100\"");
    for cpu in 0..4 {
        family("node_cpu_seconds_total", "counter", &|host, step| {
            format!("{{{},cpu=\"{cpu}\",mode=\"idle\"}} {}", of_node(host), step * STEP * 9 / 10)
        });
    }
    family("node_memory_MemTotal_bytes", "gauge", &|host, _| {
        format!("{{{}}} {}", of_node(host), 16_i64 << 30)
    });
    family("libvirt_up", "gauge", &|host, _| format!("{{instance=\"h{host}:9177\"}} 1"));
    family("libvirt_domain_info_virtual_cpus", "gauge", &|host, _| {
        format!("{{{}}} 4", exporter(host))
    });
    family("libvirt_domain_info_maximum_memory_bytes", "gauge", &|host, _| {
        format!("{{{}}} {}", exporter(host), 12_i64 << 30)
    });
    family("libvirt_domain_info_cpu_time_seconds_total", "counter", &|host, step| {
        format!("{{{}}} {}", exporter(host), step * STEP * 4 / 10)
    });
    text.push_str("# EOF\n");
    text
}

/// Neither host ever runs short, and neither could take the other's memory: there is nothing to do.
#[test]
fn a_steady_fleet_is_told_that_it_would_gain_nothing() {
    let prometheus = Prometheus::holding(&steady());
    let Output { status, stdout, stderr } = backtest(&format!(
        "--prometheus {} --days 3 --policy none,actual,predictive --confidence 0.95 -o json",
        prometheus.url
    ));
    assert!(status.success(), "{}", text(&stderr));
    let outcome: Value = serde_json::from_slice(&stdout).expect("JSON");
    let sentence = outcome["verdict"]["sentence"].as_str().expect("a sentence");
    assert!(sentence.starts_with("You would gain nothing"), "{sentence}");
    assert!(sentence.contains("against what really happened (actual)"), "{sentence}");
}
