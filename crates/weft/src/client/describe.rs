//! `weft describe`, `weft explain` and `weft plan`: one thing with what lies ahead of it, and why it moves or stays. Every reason is
//! a sentence with its numbers, never a score.

use std::fmt::Write as _;

use serde_json::Value;

use super::columns::{self, instant, span};
use super::get::table;
use super::{Client, print_value, segment};
use crate::cli::{DescribeArguments, Described, Failure, Format, PlanArguments};
use crate::output;

/// Carries `weft describe` out.
pub(crate) fn describe(arguments: &DescribeArguments) -> Result<(), Failure> {
    shown(arguments, |what, found| match what {
        Described::Host => host(found),
        Described::Workload => workload(found),
        Described::Move => one_move(found),
        Described::Plan => whole_plan(found),
    })
}

/// Carries `weft explain` out: the reasons alone.
pub(crate) fn explain(arguments: &DescribeArguments) -> Result<(), Failure> {
    shown(arguments, |what, found| match what {
        Described::Host => reasons_of_host(found),
        Described::Workload => reasons_of_workload(found),
        Described::Move => reasons_of_move(found),
        Described::Plan => reasons_of_plan(found),
    })
}

/// Carries `weft plan` out: the plan in force.
pub(crate) fn plan(arguments: &PlanArguments) -> Result<(), Failure> {
    let found = Client::new(&arguments.connection).read("plans/current")?;
    print_as(&found, arguments.output, whole_plan)
}

fn shown(
    arguments: &DescribeArguments,
    text: impl Fn(Described, &Value) -> String,
) -> Result<(), Failure> {
    let name = segment(&arguments.name);
    let path = match arguments.what {
        Described::Host => format!("hosts/{name}"),
        Described::Workload => format!("workloads/{name}"),
        Described::Move => format!("moves/{name}"),
        Described::Plan => format!("plans/{name}"),
    };
    let found = Client::new(&arguments.connection).read(&path)?;
    print_as(&found, arguments.output, |found| text(arguments.what, found))
}

fn print_as(found: &Value, format: Format, text: impl Fn(&Value) -> String) -> Result<(), Failure> {
    match format {
        Format::Table | Format::Wide => output::print(&text(found)),
        format => print_value(found, format),
    }
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => "–".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn section(out: &mut String, title: &str, items: &[Value], columns: &[columns::Column]) {
    if !items.is_empty() {
        let _ = write!(out, "\n{title}\n{}", table(items, columns, Format::Table));
    }
}

fn host(found: &Value) -> String {
    let row = std::slice::from_ref(&found["host"]);
    let mut out = table(row, columns::HOSTS, Format::Wide);
    section(&mut out, "Workloads", list(found, "residents"), columns::WORKLOADS);
    section(&mut out, "Moves", list(found, "moves"), columns::MOVES);
    let _ = write!(out, "\nAhead\n{}", reasons_of_host(found));
    out
}

fn reasons_of_host(found: &Value) -> String {
    let mut out = String::new();
    for ahead in list(found, "ahead") {
        let resource = text(&ahead["resource"]);
        let peak = |key: &str| {
            let values = list(ahead, key).iter().filter_map(Value::as_f64).enumerate();
            values.fold(None::<(usize, f64)>, |best, (index, value)| match best {
                Some((_, most)) if most >= value => best,
                _ => Some((index, value)),
            })
        };
        let (Some((worst, without)), Some((_, with))) =
            (peak("overload_without"), peak("overload_with"))
        else {
            continue;
        };
        let begins = text(&ahead["buckets"][worst]["begins"]);
        let _ = writeln!(
            out,
            "{resource}: overloaded with {:.1} % at {} at most, {:.1} % with the plan",
            without * 100.0,
            instant(&begins),
            with * 100.0
        );
    }
    if out.is_empty() { "nothing is forecast yet\n".to_owned() } else { out }
}

fn workload(found: &Value) -> String {
    let row = std::slice::from_ref(&found["workload"]);
    let mut out = table(row, columns::WORKLOADS, Format::Wide);
    let strategies: Vec<String> = list(found, "strategies").iter().map(text).collect();
    let _ = writeln!(out, "\nMay be moved by: {}", strategies.join(", "));
    out.push_str(&reasons_of_workload(found));
    section(&mut out, "Moves", list(found, "moves"), columns::MOVES);
    out
}

fn reasons_of_workload(found: &Value) -> String {
    let mut out = format!("{}\n", text(&found["reason"]["sentence"]));
    for planned in list(found, "moves") {
        let _ = write!(out, "\n{}", reasons_of_move(planned));
    }
    out
}

fn one_move(found: &Value) -> String {
    table(std::slice::from_ref(found), columns::MOVES, Format::Wide)
        + "\n"
        + &reasons_of_move(found)
}

fn reasons_of_move(found: &Value) -> String {
    let percent = |key: &str| found[key].as_f64().unwrap_or_default() * 100.0;
    let mut out = format!(
        "Move {} of {} from {} to {}, {}: {}\n",
        found["id"],
        text(&found["workload"]),
        text(&found["from"]),
        text(&found["to"]),
        text(&found["state"]),
        text(&found["purpose"]["sentence"])
    );
    let _ = writeln!(
        out,
        "  overload of {}: {:.1} % without it, {:.1} % with it",
        text(&found["from"]),
        percent("overload_without"),
        percent("overload_with")
    );
    let predicted = &found["predicted"];
    let _ = writeln!(
        out,
        "  takes {}, stops for {} s, costs {} (transfer {}, downtime {}, slowdown {}, attention {})",
        span(predicted["duration_seconds"].as_f64().unwrap_or_default()),
        columns_number(&predicted["downtime_seconds"]),
        columns_number(&found["cost"]["total"]),
        columns_number(&found["cost"]["transfer"]),
        columns_number(&found["cost"]["downtime"]),
        columns_number(&found["cost"]["slowdown"]),
        columns_number(&found["cost"]["attention"])
    );
    if found["why_not"].is_string() {
        let _ = writeln!(out, "  ended: {}", text(&found["why_not"]));
    }
    for rejected in list(found, "rejected") {
        let _ = writeln!(
            out,
            "  not to {}: {}",
            text(&rejected["host"]),
            text(&rejected["lack"]["sentence"])
        );
    }
    out
}

fn columns_number(value: &Value) -> String {
    value.as_f64().map_or_else(|| "–".to_owned(), crate::table::number)
}

fn whole_plan(found: &Value) -> String {
    let row = std::slice::from_ref(&found["plan"]);
    let mut out = table(row, columns::PLANS, Format::Table);
    section(&mut out, "Shortages", list(found, "shortages"), columns::SHORTAGES);
    section(&mut out, "Moves", list(found, "moves"), columns::MOVES);
    section(&mut out, "Impact", list(found, "impact"), columns::IMPACT);
    out
}

fn reasons_of_plan(found: &Value) -> String {
    let mut out = String::new();
    for shortage in list(found, "shortages").iter().filter(|s| s["unanswered"].is_object()) {
        let _ = writeln!(
            out,
            "{} of {} is left: {}",
            text(&shortage["resource"]),
            text(&shortage["host"]),
            text(&shortage["unanswered"]["sentence"])
        );
    }
    for planned in list(found, "moves") {
        let _ = write!(out, "\n{}", reasons_of_move(planned));
    }
    if out.is_empty() { "nothing is short, so nothing moves\n".to_owned() } else { out }
}
