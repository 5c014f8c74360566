//! `weft serve` as an operator runs it: a process of its own, asked through its API; and `weft backtest` over the
//! same Prometheus.

mod history;
mod killed;
mod outage;
mod processes;
mod prometheus;
#[path = "../../../weft-collect/tests/prometheus/server.rs"]
mod server;
mod verbs;
mod witness;
