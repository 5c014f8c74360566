//! The table of all metrics, one row per policy and confidence. Demand not served, energy, moves
//! and money stand side by side; they must never be folded into one score.

use weft_sim::backtest::outcome::{Outcome, PolicyRow};

use super::markup::{BYTES, decimals, escape, fixed, unit};
use super::palette::{self, ORACLE};

/// A group of columns: its heading and its columns.
type Group = (&'static str, Vec<Column>);

/// One metric: heading, unit, and the values of all rows in that unit. Less is better in every one.
struct Column {
    heading: &'static str,
    unit: String,
    values: Vec<f64>,
    begins_group: bool,
}

/// The table in its own scrolling box, or a sentence where there is nothing to tabulate.
pub(super) fn table(outcome: &Outcome) -> String {
    if outcome.policies.is_empty() {
        return "<p class=\"empty\">The backtest ran no policy, so there is nothing to compare.</p>"
            .to_owned();
    }
    let groups = groups(&outcome.policies);
    let columns: Vec<&Column> = groups.iter().flat_map(|(_, columns)| columns).collect();
    let head = head(&groups);
    let best: Vec<Option<f64>> =
        columns.iter().map(|column| best(column, &outcome.policies)).collect();
    let rows: String =
        (0..outcome.policies.len()).map(|index| row(outcome, index, &columns, &best)).collect();
    format!(
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-labelledby=\"metrics\">\n\
         <table>\n{head}<tbody>\n{rows}</tbody>\n</table>\n</div>\n"
    )
}

/// How the table is to be read.
pub(super) fn caption(outcome: &Outcome) -> String {
    let best = match outcome.policies.len() {
        0 => return String::new(),
        1 => "",
        _ => {
            " A dot marks the best of the policies that could have been run; the oracle knows the \
             future and does not compete."
        }
    };
    let verdict = &outcome.verdict;
    let compared = match (verdict.predictive, verdict.against) {
        (Some(_), Some(_)) => " The verdict compares the two rows with a bar.",
        _ => "",
    };
    format!("Less is better in every column.{best}{compared}")
}

fn groups(rows: &[PolicyRow]) -> Vec<Group> {
    let mut groups = vec![
        ("Demand not served", demand(rows)),
        ("Service levels", service_levels(rows)),
        ("Energy", vec![column(rows, "Energy", "kWh", |row| row.energy_kwh)]),
        ("Moves", moves(rows)),
        ("Money", money(rows)),
    ];
    for first in groups.iter_mut().filter_map(|(_, columns)| columns.first_mut()) {
        first.begins_group = true;
    }
    groups
}

fn demand(rows: &[PolicyRow]) -> Vec<Column> {
    vec![
        column(rows, "Unserved", "core-h", |row| row.unserved_core_hours),
        column(rows, "by overload", "core-h", |row| row.unserved_overload_core_hours),
        column(rows, "by moves", "core-h", |row| {
            row.unserved_migration_core_hours + row.unserved_downtime_core_hours
        }),
        column(rows, "Overload", "host-min", |row| row.overload_minutes),
    ]
}

fn service_levels(rows: &[PolicyRow]) -> Vec<Column> {
    vec![
        column(rows, "SLATAH", "%", |row| row.slatah * 100.0),
        column(rows, "PDM", "%", |row| row.pdm * 100.0),
        column(rows, "SLAV", "×10⁻⁶", |row| row.slav * 1e6),
        column(rows, "ESV", "×10⁻³", |row| row.esv * 1e3),
    ]
}

fn moves(rows: &[PolicyRow]) -> Vec<Column> {
    let largest = rows.iter().map(|row| row.moved_bytes).max().unwrap_or(0);
    let (size, name) = unit(largest as f64, BYTES);
    vec![
        column(rows, "Moves", "count", |row| row.migrations as f64),
        column(rows, "Sent", name, move |row| row.moved_bytes as f64 / size),
        column(rows, "Downtime", "s", |row| row.downtime_seconds),
    ]
}

fn money(rows: &[PolicyRow]) -> Vec<Column> {
    vec![
        column(rows, "Cost", "currency", |row| row.cost),
        column(rows, "Regret", "currency", |row| row.regret),
    ]
}

fn column(
    rows: &[PolicyRow],
    heading: &'static str,
    unit: &str,
    value: impl Fn(&PolicyRow) -> f64,
) -> Column {
    let values = rows.iter().map(value).collect();
    Column { heading, unit: unit.to_owned(), values, begins_group: false }
}

impl Column {
    fn decimals(&self) -> usize {
        let is_count = self.unit == "count";
        let largest = self.values.iter().copied().filter(|value| value.is_finite());
        if is_count { 0 } else { decimals(largest.map(f64::abs).fold(0.0, f64::max)) }
    }

    /// The class of a cell, which shows where a group of columns begins.
    fn class(&self, own: &str) -> String {
        format!("{}{own}", if self.begins_group { "edge " } else { "" })
    }

    fn text(&self, index: usize) -> String {
        fixed(self.values[index], self.decimals())
    }
}

/// The least value of a column, where it sets rows apart. The oracle knows what no policy can, so
/// it does not compete.
fn best(column: &Column, rows: &[PolicyRow]) -> Option<f64> {
    let competing: Vec<f64> = (column.values.iter().zip(rows))
        .filter(|(value, row)| row.policy != ORACLE && value.is_finite())
        .map(|(value, _)| *value)
        .collect();
    let least = competing.iter().copied().reduce(f64::min)?;
    competing.iter().any(|value| *value > least).then_some(least)
}

fn head(groups: &[Group]) -> String {
    let heading = |(name, columns): &Group| {
        let span = columns.len();
        format!("<th scope=\"colgroup\" colspan=\"{span}\" class=\"group\">{name}</th>")
    };
    let over: String = groups.iter().map(heading).collect();
    let under: String = groups.iter().flat_map(|(_, columns)| headings(columns)).collect();
    format!(
        "<thead>\n<tr><th scope=\"col\" rowspan=\"2\" class=\"name\">Policy</th>{over}</tr>\n\
         <tr>{under}</tr>\n</thead>\n"
    )
}

fn headings(columns: &[Column]) -> impl Iterator<Item = String> {
    columns.iter().map(|column| {
        let Column { heading, unit, .. } = column;
        let class = column.class("");
        format!(
            "<th scope=\"col\" class=\"{class}\">{heading} <span class=\"unit\">{unit}</span></th>"
        )
    })
}

fn row(outcome: &Outcome, index: usize, columns: &[&Column], best: &[Option<f64>]) -> String {
    let policy = &outcome.policies[index];
    let role = if outcome.verdict.predictive == Some(index) {
        " ours"
    } else if outcome.verdict.against == Some(index) {
        " against"
    } else {
        ""
    };
    let competes = policy.policy != ORACLE;
    let cells = columns.iter().zip(best);
    let cells: String =
        cells.map(|(column, best)| cell(column, index, best.filter(|_| competes))).collect();
    let (heading, name) = (palette::heading(policy), escape(&policy.policy));
    let class = palette::class(&policy.policy);
    format!(
        "<tr class=\"c-{class}{role}\" data-policy=\"{name}\">\
         <th scope=\"row\" class=\"name\">{heading}</th>{cells}</tr>\n"
    )
}

fn cell(column: &Column, index: usize, best: Option<f64>) -> String {
    let text = escape(&column.text(index));
    if best == Some(column.values[index]) {
        let class = column.class("best");
        format!("<td class=\"{class}\">{text}<span class=\"unseen\"> (best)</span></td>")
    } else {
        let class = column.class("");
        format!("<td class=\"{class}\">{text}</td>")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::example;

    #[test]
    fn the_oracle_does_not_compete() {
        let rows = example::day().policies;
        let energy = column(&rows, "Energy", "kWh", |row| row.energy_kwh);
        assert_eq!(best(&energy, &rows), Some(161.2));
    }

    #[test]
    fn equal_values_have_no_best() {
        let rows = example::day().policies;
        let same = column(&rows, "Same", "count", |_| 3.0);
        assert_eq!(best(&same, &rows), None);
        assert_eq!(best(&same, &rows[..1]), None);
    }

    #[test]
    fn a_row_begins_with_its_policy() {
        let table = table(&example::day());
        for row in example::day().policies {
            assert!(table.contains(&format!("<span class=\"policy\">{}</span>", row.policy)));
        }
        assert_eq!(table.matches("<tr class=").count(), example::day().policies.len());
    }
}
