//! `/metrics`: what a Prometheus scrapes of Weft, in the text format 0.0.4. Names follow the Prometheus
//! conventions; nothing here decides anything.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use weft_core::observation::HostState;
use weft_store::alert::{Alert, Severity};
use weft_store::kept::KeptSource;

use super::App;
use super::drawn::{ahead, status as strip};
use crate::alert::deliveries::Deliveries;
use crate::alert::rules::Rule;
use crate::run::view::View;

/// The present figures.
pub(super) async fn metrics(State(app): State<App>) -> impl IntoResponse {
    let open = app.desk.store().open_alerts().unwrap_or_default();
    let sources = app.desk.store().sources().unwrap_or_default();
    let mut text = text(&app.desk.view(), &open, app.desk.deliveries());
    readings(&sources, &mut text);
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text)
}

/// One family of metrics as text.
struct Family<'a>(&'a mut String, &'static str);

impl<'a> Family<'a> {
    fn gauge(out: &'a mut String, name: &'static str, help: &str) -> Self {
        Self::of(out, name, help, "gauge")
    }

    fn counter(out: &'a mut String, name: &'static str, help: &str) -> Self {
        Self::of(out, name, help, "counter")
    }

    fn of(out: &'a mut String, name: &'static str, help: &str, kind: &str) -> Self {
        let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
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

fn text(view: &View, open: &[Alert], deliveries: &Deliveries) -> String {
    let mut out = String::new();
    fleet(view, &mut out);
    loads(view, &mut out);
    risks(view, &mut out);
    shortages(view, &mut out);
    loop_state(view, &mut out);
    alerts(open, deliveries, &mut out);
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

fn loads(view: &View, out: &mut String) {
    let Some(loads) = &view.load else { return };
    let help = "Share of the host that was used in the newest step of samples.";
    let mut ratios = Family::gauge(out, "weft_host_load_ratio", help);
    for load in &loads.hosts {
        let labels = [("host", load.host.as_str()), ("resource", load.resource.name())];
        ratios.put(&labels, load.ratio());
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
}

fn shortages(view: &View, out: &mut String) {
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
    let help = "Moves that answer each foreseen shortage.";
    let mut answers = Family::gauge(out, "weft_shortage_moves", help);
    for shortage in &found {
        let labels = [("host", shortage.host.as_str()), ("resource", shortage.resource.as_str())];
        answers.put(&labels, shortage.moves.len() as f64);
    }
}

fn loop_state(view: &View, out: &mut String) {
    let status = strip::status(view, 0);
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
    let help = "Samples older than this keep every move from starting.";
    Family::gauge(out, "weft_metrics_stale_after_seconds", help)
        .put(&[], status.metrics.stale_after_seconds);
    let help = "Whether a freeze of this kind keeps moves from starting.";
    let mut frozen = Family::gauge(out, "weft_frozen", help);
    for kind in ["stale_metrics", "unobserved", "foreign_change"] {
        let is = view.freezes.iter().any(|(freeze, _)| freeze.kind() == kind);
        frozen.put(&[("kind", kind)], f64::from(u8::from(is)));
    }
    let help = "Whether moves may be started now.";
    Family::gauge(out, "weft_may_start", help).put(&[], f64::from(u8::from(status.may_start)));
}

fn alerts(open: &[Alert], deliveries: &Deliveries, out: &mut String) {
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for rule in Rule::ALL {
        for severity in [Severity::Info, Severity::Warning, Severity::Critical] {
            counts.insert((rule.name(), severity.name()), 0);
        }
    }
    for alert in open {
        *counts.entry((&alert.rule, alert.severity.name())).or_default() += 1;
    }
    let mut family = Family::gauge(out, "weft_alerts", "Alerts that are open.");
    for ((rule, severity), count) in counts {
        family.put(&[("rule", rule), ("severity", severity)], count as f64);
    }
    let help = "Requests to receivers of alerts, by what came of them.";
    let mut family = Family::counter(out, "weft_alert_deliveries_total", help);
    for (receiver, outcome, count) in deliveries.counts() {
        family.put(&[("receiver", &receiver), ("outcome", outcome.name())], count as f64);
    }
}
