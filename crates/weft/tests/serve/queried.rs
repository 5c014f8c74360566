//! `weft forecast` over what a real Prometheus answers to a query.

use std::fmt::Write as _;
use std::process::Output;

use serde_json::Value;
use weft_core::time::Span;

use crate::fake::{Fake, Reply};
use crate::processes::weft;
use crate::prometheus::now;
use crate::server::Prometheus;

fn forecast(url: &str, query: &str, more: &str) -> Output {
    let mut command = weft();
    command.args(["forecast", "--prometheus", url, "--query", query, "--horizon", "1h"]);
    command.args(more.split_whitespace()).output().expect("the binary starts")
}

/// Two series of three days, a sample every five minutes, up to now.
fn two_queues() -> Prometheus {
    let mut text = "# TYPE queue_length gauge\n".to_owned();
    let begins = now() - Span::from_days(3);
    for step in 0..=3 * 288 {
        let seconds = begins.as_millis() / 1_000 + step * 300;
        for (queue, base) in [("mail", 10), ("print", 200)] {
            let value = base + step % 288 / 12;
            writeln!(text, "queue_length{{queue=\"{queue}\"}} {value} {seconds}")
                .expect("text grows");
        }
    }
    Prometheus::holding(&(text + "# EOF\n"))
}

#[test]
fn each_series_of_a_query_is_answered() {
    let prometheus = two_queues();
    let check = |query: &str, expected: &[&str]| {
        let Output { stdout, stderr, .. } = forecast(&prometheus.url, query, "-o json");
        let said = String::from_utf8_lossy(&stderr);
        let document: Value = serde_json::from_slice(&stdout).expect(&said);
        assert_eq!(document["step_seconds"], 300, "the usual step");
        let answered = ["forecasts", "refused"].map(|list| document[list].as_array().cloned());
        let answered = answered.into_iter().flatten().flatten();
        let mut names: Vec<_> = answered.map(|each| each["series"].clone()).collect();
        names.sort_by_key(ToString::to_string);
        assert_eq!(names, expected);
    };
    check("queue_length", &["queue_length{queue=\"mail\"}", "queue_length{queue=\"print\"}"]);
    check("sum(queue_length)", &["{}"]);

    let refused = |query: &str, expected: &str| {
        let Output { status, stdout, stderr } = forecast(&prometheus.url, query, "");
        let said = String::from_utf8_lossy(&stderr);
        assert_eq!(status.code(), Some(2), "{said}");
        assert!(said.contains(expected) && stdout.is_empty(), "{said}");
    };
    refused("queue_length{", "parse error");
    refused(
        "nothing",
        "weft: --query: expected at least one series in the last 14d, found none for `nothing`\n",
    );
}

#[test]
fn a_server_that_lets_nobody_read_is_something_outside() {
    let fake = Fake::start(|_, _| Reply::status(401, "who are you?"));
    let Output { status, stderr, .. } = forecast(&fake.url(""), "up", "");
    let said = String::from_utf8_lossy(&stderr);
    assert_eq!(status.code(), Some(3), "{said}");
    assert!(said.contains("does not let us read: give --token-file"), "{said}");
}
