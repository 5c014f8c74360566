//! `weft serve` as an operator runs it: a process of its own, asked through its API; and `weft backtest` over the
//! same Prometheus.

mod alerting;
mod alertmanager;
#[path = "../../../weft-collect/tests/prometheus/fake.rs"]
#[allow(dead_code, clippy::unwrap_used, reason = "it is made for the tests of the fetcher too")]
mod fake;
mod history;
mod killed;
mod outage;
mod processes;
mod prometheus;
mod queried;
#[path = "../../../weft-collect/tests/prometheus/server.rs"]
mod server;
mod signals;
mod verbs;
mod witness;
