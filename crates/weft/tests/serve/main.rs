//! `weft serve` as an operator runs it: a process of its own, asked through its API.

mod alerting;
mod alertmanager;
mod killed;
mod processes;
mod prometheus;
#[path = "../../../weft-collect/tests/prometheus/server.rs"]
mod server;
mod witness;
