//! `weft get`: lists, as tables or as the API gives them.

use anyhow::anyhow;
use serde_json::{Value, json};

use super::columns::{self, Column};
use super::{Client, print_value, segment};
use crate::cli::{Failure, Format, GetArguments, Listed};
use crate::output;
use crate::table::lay_out_columns;

/// Carries `weft get` out.
pub(crate) fn get(arguments: &GetArguments) -> Result<(), Failure> {
    refuse_unfit(arguments)?;
    let client = Client::new(&arguments.connection);
    if matches!(arguments.what, Listed::Status) {
        return status(&client, arguments.output);
    }
    let (path, columns) = of(arguments.what);
    // What is numbered goes on for ever: the newest are meant. What has names is shown whole.
    let is_numbered =
        matches!(arguments.what, Listed::Plans | Listed::Moves | Listed::Journal | Listed::Alerts);
    let all = if is_numbered { 50 } else { usize::MAX };
    let items = client.list(&filtered(path, arguments), arguments.limit.unwrap_or(all))?;
    match arguments.output {
        Format::Table | Format::Wide => print_table(&items, columns, arguments.output),
        format => print_value(&json!({ "items": items }), format),
    }
}

fn of(what: Listed) -> (&'static str, &'static [Column]) {
    match what {
        Listed::Status => ("status", &[]),
        Listed::Hosts => ("hosts", columns::HOSTS),
        Listed::Workloads => ("workloads", columns::WORKLOADS),
        Listed::Forecasts => ("forecasts", columns::FORECASTS),
        Listed::Shortages => ("shortages", columns::SHORTAGES),
        Listed::Plans => ("plans", columns::PLANS),
        Listed::Moves => ("moves", columns::MOVES),
        Listed::Events => ("events", columns::EVENTS),
        Listed::Sources => ("sources", columns::SOURCES),
        Listed::Alerts => ("alerts", columns::ALERTS),
        Listed::Policies => ("policies", columns::POLICIES),
        Listed::Journal => ("journal", columns::JOURNAL),
    }
}

/// A filter that a list does not know would change nothing, and nobody would notice.
fn refuse_unfit(arguments: &GetArguments) -> Result<(), Failure> {
    use Listed::{Hosts, Moves, Workloads};
    let filters: [(&str, &Option<String>, &[Listed]); 5] = [
        ("host", &arguments.host, &[Workloads, Moves]),
        ("state", &arguments.state, &[Hosts, Moves]),
        ("workload", &arguments.workload, &[Moves]),
        ("region", &arguments.region, &[Hosts]),
        ("tag", &arguments.tag, &[Workloads]),
    ];
    let unfit =
        filters.iter().find(|(_, value, fit)| value.is_some() && !fit.contains(&arguments.what));
    let Some((name, _, fit)) = unfit else { return Ok(()) };
    let fit: Vec<_> = fit.iter().map(|what| of(*what).0).collect();
    let (expected, found) = (fit.join(" or "), of(arguments.what).0);
    Err(Failure::Input(anyhow!("--{name}: expected {expected}, which it filters, found {found}")))
}

fn filtered(path: &str, arguments: &GetArguments) -> String {
    let filters = [
        ("host", &arguments.host),
        ("state", &arguments.state),
        ("workload", &arguments.workload),
        ("region", &arguments.region),
        ("tag", &arguments.tag),
    ];
    let given = filters
        .iter()
        .filter_map(|(key, value)| value.as_ref().map(|value| format!("{key}={}", segment(value))));
    let given: Vec<_> = given.collect();
    if given.is_empty() { path.to_owned() } else { format!("{path}?{}", given.join("&")) }
}

/// Prints a table of these items.
pub(super) fn print_table(
    items: &[Value],
    columns: &[Column],
    format: Format,
) -> Result<(), Failure> {
    if items.is_empty() {
        return output::print("none\n");
    }
    output::print(&table(items, columns, format))
}

/// The items as a table.
pub(super) fn table(items: &[Value], columns: &[Column], format: Format) -> String {
    let chosen: Vec<&Column> =
        columns.iter().filter(|column| !column.is_wide || format == Format::Wide).collect();
    let header: Vec<&str> = chosen.iter().map(|column| column.header).collect();
    let left: Vec<bool> = chosen.iter().map(|column| column.is_text()).collect();
    let row = |item: &Value| chosen.iter().map(|column| column.cell(item)).collect();
    let rows: Vec<Vec<String>> = items.iter().map(row).collect();
    lay_out_columns(&header, &left, &rows)
}

/// How things stand, as sentences.
fn status(client: &Client, format: Format) -> Result<(), Failure> {
    let status = client.read("status")?;
    if !matches!(format, Format::Table | Format::Wide) {
        return print_value(&status, format);
    }
    let text = |pointer: &str| match status.pointer(pointer) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Null) | None => "–".to_owned(),
        Some(other) => other.to_string(),
    };
    let age = status["metrics"]["age_seconds"].as_f64();
    let age = age.map_or("never sampled".to_owned(), |age| format!("{} old", columns::span(age)));
    let mut lines = vec![
        format!("now        {}", columns::instant(&text("/now"))),
        format!("mode       {}, switch {}", text("/mode"), text("/switch")),
        format!("metrics    {age}"),
        format!(
            "fleet      {} hosts ({} lost, {} draining), {} workloads ({} down)",
            text("/fleet/hosts"),
            text("/fleet/hosts_lost"),
            text("/fleet/hosts_draining"),
            text("/fleet/workloads"),
            text("/fleet/workloads_down")
        ),
        format!(
            "moves      {} in flight, {} to approve",
            text("/moves_in_flight"),
            text("/moves_to_approve")
        ),
        format!("shortages  {}", text("/shortages")),
        format!("alerts     {} open", text("/open_alerts")),
    ];
    if let Some(lead) = status["next_shortage"]["lead_seconds"].as_f64() {
        let (host, resource) = (text("/next_shortage/host"), text("/next_shortage/resource"));
        lines.push(format!("next       {resource} of {host} in {}", columns::span(lead)));
    }
    for freeze in status["freezes"].as_array().into_iter().flatten() {
        lines.push(format!("frozen     {}", freeze["sentence"].as_str().unwrap_or_default()));
    }
    output::print(&(lines.join("\n") + "\n"))
}
