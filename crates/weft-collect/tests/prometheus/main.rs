//! Tests of everything that talks to a metrics server: against a server made for the test, and against a
//! real Prometheus.

#![allow(clippy::unwrap_used, reason = "a test's failure is its message")]

mod client;
mod fake;
mod fetching;
mod other_presets;
mod presets;
mod real;
mod server;
