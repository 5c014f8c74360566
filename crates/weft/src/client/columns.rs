//! The columns of tables: where each stands in the API's JSON and how a person reads it. A value that is not there is a
//! dash, never a zero.

use serde_json::Value;

use crate::table::{grouped, number};

/// What stands where nothing is known.
const NOTHING: &str = "–";

/// A column of a table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Column {
    /// What stands above it.
    pub(super) header: &'static str,
    /// Where its value stands (RFC 6901).
    pointer: &'static str,
    form: Form,
    /// Whether only the wide table has it.
    pub(super) is_wide: bool,
}

/// How a value is written.
#[derive(Debug, Clone, Copy)]
enum Form {
    /// As it is; of a list how many it has.
    Text,
    /// An instant to the second.
    Instant,
    /// A share as a percentage.
    Percent,
    /// Bytes in GiB.
    Gibibytes,
    /// Millicores in cores.
    Cores,
    /// Seconds as minutes and hours.
    Span,
    /// A number.
    Number,
    /// The hosts of replicas.
    Hosts,
}

const fn column(header: &'static str, pointer: &'static str, form: Form) -> Column {
    Column { header, pointer, form, is_wide: false }
}

const fn wide(header: &'static str, pointer: &'static str, form: Form) -> Column {
    Column { header, pointer, form, is_wide: true }
}

pub(super) const HOSTS: &[Column] = &[
    column("HOST", "/id", Form::Text),
    column("STATE", "/state", Form::Text),
    column("ZONE", "/zone", Form::Text),
    column("CORES", "/cores", Form::Text),
    column("EXPECTED", "/cpu_expected_millicores", Form::Cores),
    column("WORKLOADS", "/workloads", Form::Text),
    column("P(OVERLOAD)", "/worst/without", Form::Percent),
    column("WITH PLAN", "/worst/with", Form::Percent),
    column("RESOURCE", "/worst/resource", Form::Text),
    wide("WHEN", "/worst/begins", Form::Instant),
    wide("REGION", "/region", Form::Text),
    wide("MEMORY GiB", "/memory_bytes", Form::Gibibytes),
    wide("ALLOCATED GiB", "/memory_allocated_bytes", Form::Gibibytes),
];

pub(super) const WORKLOADS: &[Column] = &[
    column("WORKLOAD", "/id", Form::Text),
    column("HOST", "/replicas", Form::Hosts),
    column("VCPUS", "/vcpus", Form::Text),
    column("EXPECTED", "/cpu_expected_millicores", Form::Cores),
    column("MEMORY GiB", "/memory_bytes", Form::Gibibytes),
    column("MOVE", "/move_state", Form::Text),
    wide("PRIORITY", "/priority", Form::Text),
    wide("MODEL", "/model", Form::Text),
    wide("COVERED", "/coverage", Form::Percent),
    wide("RUNNING", "/is_running", Form::Text),
];

pub(super) const FORECASTS: &[Column] = &[
    column("WORKLOAD", "/workload", Form::Text),
    column("RESOURCE", "/resource", Form::Text),
    column("MODEL", "/model", Form::Text),
    column("COVERED", "/coverage", Form::Percent),
    column("JUDGED", "/judged", Form::Number),
    wide("SAMPLES", "/samples", Form::Number),
];

pub(super) const SHORTAGES: &[Column] = &[
    column("HOST", "/host", Form::Text),
    column("RESOURCE", "/resource", Form::Text),
    column("BEGINS", "/begins", Form::Instant),
    column("LEAD", "/lead_seconds", Form::Span),
    column("P(OVERLOAD)", "/probability", Form::Percent),
    column("MOVES", "/moves", Form::Text),
    column("LEFT BECAUSE", "/unanswered/sentence", Form::Text),
    wide("ENDS", "/ends", Form::Instant),
    wide("DEMAND", "/quantile", Form::Number),
    wide("LIMIT", "/limit", Form::Number),
    wide("UNIT", "/unit", Form::Text),
];

pub(super) const PLANS: &[Column] = &[
    column("PLAN", "/id", Form::Text),
    column("MADE", "/made_at", Form::Instant),
    column("IN FORCE", "/is_current", Form::Text),
    column("SHORTAGES", "/shortages", Form::Text),
    column("MOVES", "/moves", Form::Text),
    column("LEFT", "/unanswered", Form::Text),
    column("COST BEFORE", "/cost_without", Form::Number),
    column("COST AFTER", "/cost_with", Form::Number),
];

pub(super) const MOVES: &[Column] = &[
    column("MOVE", "/id", Form::Text),
    column("STATE", "/state", Form::Text),
    column("WORKLOAD", "/workload", Form::Text),
    column("FROM", "/from", Form::Text),
    column("TO", "/to", Form::Text),
    column("STRATEGY", "/strategy", Form::Text),
    column("START", "/start", Form::Instant),
    column("TAKES", "/predicted/duration_seconds", Form::Span),
    column("COST", "/cost/total", Form::Number),
    wide("TOOK", "/measured/duration_seconds", Form::Span),
    wide("DOWN s", "/measured/downtime_seconds", Form::Number),
    wide("LATEST START", "/latest_start", Form::Instant),
    wide("WHY", "/purpose/sentence", Form::Text),
    wide("WHY NOT", "/why_not", Form::Text),
];

pub(super) const EVENTS: &[Column] = &[
    column("EVENT", "/id", Form::Text),
    column("KIND", "/kind", Form::Text),
    column("SOURCE", "/source", Form::Text),
    column("BEGINS", "/begins", Form::Instant),
    column("ENDS", "/ends", Form::Instant),
    column("LIFT", "/expected_lift", Form::Number),
    wide("TITLE", "/title", Form::Text),
    wide("TRUSTED", "/is_trusted", Form::Text),
    wide("RULE", "/rule", Form::Text),
    wide("LINK", "/link", Form::Text),
];

pub(super) const SOURCES: &[Column] = &[
    column("SOURCE", "/name", Form::Text),
    column("KIND", "/kind", Form::Text),
    column("TRUSTED", "/is_trusted", Form::Text),
    column("READ", "/read", Form::Instant),
    column("EVENTS", "/events", Form::Number),
    column("PROBLEMS", "/problem_count", Form::Number),
    column("FAILS BECAUSE", "/error", Form::Text),
    wide("TRIED", "/tried", Form::Instant),
    wide("EVERY", "/every_seconds", Form::Span),
    wide("PLACE", "/place", Form::Text),
];

pub(super) const ALERTS: &[Column] = &[
    column("SINCE", "/begins", Form::Instant),
    column("SEVERITY", "/severity", Form::Text),
    column("RULE", "/rule", Form::Text),
    column("SUBJECT", "/subject", Form::Text),
    column("OVER", "/ends", Form::Instant),
    column("SUMMARY", "/summary", Form::Text),
];

pub(super) const JOURNAL: &[Column] = &[
    column("ENTRY", "/id", Form::Text),
    column("AT", "/at", Form::Instant),
    column("KIND", "/kind", Form::Text),
    column("WHAT", "/sentence", Form::Text),
];

pub(super) const POLICIES: &[Column] = &[
    column("POLICY", "/name", Form::Text),
    column("IN FORCE", "/is_current", Form::Text),
    column("MODE", "/policy/mode", Form::Text),
    column("CONFIDENCE", "/policy/confidence", Form::Text),
    column("HORIZON", "/policy/horizon", Form::Text),
    column("RULES", "/rules", Form::Text),
];

pub(super) const IMPACT: &[Column] = &[
    column("HOST", "/host", Form::Text),
    column("RESOURCE", "/resource", Form::Text),
    column("P BEFORE", "/overload_before", Form::Percent),
    column("P AFTER", "/overload_after", Form::Percent),
    column("PEAK BEFORE", "/peak_before", Form::Number),
    column("PEAK AFTER", "/peak_after", Form::Number),
    column("LIMIT", "/limit", Form::Number),
    column("WORKLOADS BEFORE", "/workloads_before", Form::Text),
    column("AFTER", "/workloads_after", Form::Text),
];

impl Column {
    /// The cell of an item.
    pub(super) fn cell(&self, item: &Value) -> String {
        let value = item.pointer(self.pointer).unwrap_or(&Value::Null);
        written(value, self.form).unwrap_or_else(|| NOTHING.to_owned())
    }

    /// Whether its cells stand to the left.
    pub(super) const fn is_text(&self) -> bool {
        matches!(self.form, Form::Text | Form::Instant | Form::Hosts)
    }
}

fn written(value: &Value, form: Form) -> Option<String> {
    let number_in = |unit: f64| value.as_f64().map(|value| number(value / unit));
    match form {
        Form::Text => text(value),
        Form::Instant => value.as_str().map(instant),
        Form::Percent => value.as_f64().map(|share| format!("{:.1} %", share * 100.0)),
        Form::Gibibytes => number_in(f64::from(1 << 30)),
        Form::Cores => number_in(1_000.0),
        Form::Span => value.as_f64().map(span),
        Form::Number => number_in(1.0),
        Form::Hosts => hosts(value),
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        Value::Bool(true) => Some("yes".to_owned()),
        Value::Bool(false) => Some("no".to_owned()),
        Value::Number(number) => Some(number.to_string()),
        Value::Array(list) => Some(list.len().to_string()),
        Value::Object(_) => None,
    }
}

/// To the second, without the `T`: a person reads it.
pub(super) fn instant(text: &str) -> String {
    let seconds = text.split('.').next().unwrap_or(text).trim_end_matches('Z');
    seconds.replacen('T', " ", 1)
}

pub(super) fn span(seconds: f64) -> String {
    let whole = seconds.abs().round() as u64;
    let text = match whole {
        0..60 => format!("{whole}s"),
        60..3_600 => format!("{}m{:02}s", whole / 60, whole % 60),
        3_600..86_400 => format!("{}h{:02}m", whole / 3_600, whole % 3_600 / 60),
        _ => format!("{}d{:02}h", grouped((whole / 86_400) as f64), whole % 86_400 / 3_600),
    };
    if seconds < 0.0 { format!("-{text}") } else { text }
}

fn hosts(value: &Value) -> Option<String> {
    let names = value.as_array()?.iter().filter_map(|replica| replica["host"].as_str());
    let names: Vec<_> = names.collect();
    if names.is_empty() { None } else { Some(names.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_cell_says_what_is_there_and_nothing_else() {
        let host = json!({
            "id": "h1", "cores": 16, "memory_bytes": null, "is": true,
            "worst": {"without": 0.127, "begins": "2026-03-02T08:05:00Z"},
            "cpu_expected_millicores": 12_345.6, "replicas": [{"host": "a"}, {"host": "b"}],
        });
        let check = |pointer: &'static str, form: Form, expected: &str| {
            assert_eq!(column("X", pointer, form).cell(&host), expected, "{pointer}");
        };
        check("/id", Form::Text, "h1");
        check("/cores", Form::Text, "16");
        check("/is", Form::Text, "yes");
        check("/memory_bytes", Form::Gibibytes, "–");
        check("/worst/without", Form::Percent, "12.7 %");
        check("/worst/begins", Form::Instant, "2026-03-02 08:05:00");
        check("/worst/with", Form::Percent, "–");
        check("/cpu_expected_millicores", Form::Cores, "12.3");
        check("/replicas", Form::Hosts, "a, b");
        check("/replicas", Form::Text, "2");
    }

    #[test]
    fn spans_are_read_at_a_glance() {
        let check = |seconds: f64, expected: &str| assert_eq!(span(seconds), expected);
        check(7.4, "7s");
        check(125.0, "2m05s");
        check(7_500.0, "2h05m");
        check(200_000.0, "2d07h");
        check(-90.0, "-1m30s");
    }
}
