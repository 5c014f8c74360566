//! `/metrics`: what a Prometheus scrapes of Weft, in the text format 0.0.4. Names follow the Prometheus
//! conventions; nothing here decides anything.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use weft_core::observation::HostState;
use weft_store::kept::KeptSource;

use super::App;
use super::drawn::{ahead, status as strip};
use crate::run::view::View;

/// The present figures.
pub(super) async fn metrics(State(app): State<App>) -> impl IntoResponse {
    let open = app.desk.store().open_alerts().map_or(0, |open| open.len());
    let sources = app.desk.store().sources().unwrap_or_default();
    let mut text = text(&app.desk.view(), open);
    readings(&sources, &mut text);
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text)
}

/// One family of metrics as text.
struct Family<'a>(&'a mut String, &'static str);

impl<'a> Family<'a> {
    fn gauge(out: &'a mut String, name: &'static str, help: &str) -> Self {
        let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} gauge");
        Self(out, name)
    }

    fn put(&mut self, labels: &[(&str, &str)], value: f64) {
        let labels: Vec<String> =
            labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
        let labels =
            if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        let _ = writeln!(self.0, "{}{labels} {value}", self.1);
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

fn text(view: &View, open_alerts: usize) -> String {
    let mut out = String::new();
    fleet(view, &mut out);
    risks(view, &mut out);
    loop_state(view, open_alerts, &mut out);
    out
}

/// How old what the outside told is.
fn readings(sources: &[KeptSource], out: &mut String) {
    let help = "When a source of outside events was last read.";
    let mut read = Family::gauge(out, "weft_source_last_success_timestamp_seconds", help);
    for (source, at) in sources.iter().filter_map(|source| Some((source, source.read?))) {
        read.put(&[("source", &source.name)], at.as_millis() as f64 / 1_000.0);
    }
    let help = "Events that a source gave when it was last read.";
    let mut events = Family::gauge(out, "weft_source_events", help);
    for source in sources {
        events.put(&[("source", &source.name)], source.events as f64);
    }
}

fn fleet(view: &View, out: &mut String) {
    let mut hosts = Family::gauge(out, "weft_hosts", "Hosts by state.");
    for (name, state) in
        [("ready", HostState::Ready), ("draining", HostState::Draining), ("lost", HostState::Lost)]
    {
        let seen = view.observation.as_ref();
        let count = seen.map_or(0, |seen| seen.hosts.values().filter(|s| **s == state).count());
        hosts.put(&[("state", name)], count as f64);
    }
    let status = strip::status(view, 0);
    let mut workloads = Family::gauge(out, "weft_workloads", "Workloads that should run.");
    workloads.put(&[], status.fleet.workloads as f64);
    let help = "Workloads that run nowhere or only on lost hosts.";
    Family::gauge(out, "weft_workloads_down", help).put(&[], status.fleet.workloads_down as f64);
}

fn risks(view: &View, out: &mut String) {
    let Some(outlook) = &view.outlook else { return };
    let peak = |values: &[f32]| f64::from(values.iter().copied().fold(0.0_f32, f32::max));
    let help = "Largest probability over the horizon that demand exceeds what the host has.";
    let mut overload = Family::gauge(out, "weft_overload_probability", help);
    for row in outlook.hosts.iter().filter(|row| !row.overload_without.is_empty()) {
        let (host, resource) = (row.host.as_str(), row.resource.name());
        for (plan, values) in [("without", &row.overload_without), ("with", &row.overload_with)] {
            let labels = [("host", host), ("resource", resource), ("plan", plan)];
            overload.put(&labels, peak(values));
        }
    }
    let help = "Probability of each foreseen shortage.";
    let mut shortages = Family::gauge(out, "weft_shortage_probability", help);
    let found = ahead::shortages(view);
    for shortage in &found {
        let labels = [("host", shortage.host.as_str()), ("resource", shortage.resource.as_str())];
        shortages.put(&labels, shortage.probability);
    }
    let help = "Seconds until each foreseen shortage begins.";
    let mut leads = Family::gauge(out, "weft_shortage_lead_seconds", help);
    for shortage in &found {
        let labels = [("host", shortage.host.as_str()), ("resource", shortage.resource.as_str())];
        leads.put(&labels, shortage.lead_seconds);
    }
}

fn loop_state(view: &View, open_alerts: usize, out: &mut String) {
    let status = strip::status(view, open_alerts);
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for tracked in view.moves.values() {
        *counts.entry(tracked.state.name()).or_default() += 1;
    }
    let help = "Moves by state: those that have not ended, and those of the last day that have.";
    let mut moves = Family::gauge(out, "weft_moves", help);
    for (state, count) in counts {
        moves.put(&[("state", state)], count as f64);
    }
    let help = "Share of what came that the 95 % intervals of forecasts had covered.";
    if let Some(coverage) = status.accuracy.coverage {
        Family::gauge(out, "weft_forecast_coverage_ratio", help).put(&[], coverage);
    }
    let help = "Series by the model that acts on them.";
    let mut models = Family::gauge(out, "weft_forecast_series", help);
    for (model, count) in &status.accuracy.models {
        models.put(&[("model", model)], *count as f64);
    }
    if let Some(age) = status.metrics.age_seconds {
        Family::gauge(out, "weft_metrics_age_seconds", "Age of the newest step of samples.")
            .put(&[], age);
    }
    let help = "Whether a freeze of this kind keeps moves from starting.";
    let mut frozen = Family::gauge(out, "weft_frozen", help);
    for kind in ["stale_metrics", "unobserved", "foreign_change"] {
        let is = view.freezes.iter().any(|(freeze, _)| freeze.kind() == kind);
        frozen.put(&[("kind", kind)], f64::from(u8::from(is)));
    }
    let help = "Whether moves may be started now.";
    Family::gauge(out, "weft_may_start", help).put(&[], f64::from(u8::from(status.may_start)));
    Family::gauge(out, "weft_alerts_open", "Alerts that are open.").put(&[], open_alerts as f64);
}
