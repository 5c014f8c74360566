//! Series as a metrics server answers a query: the last two weeks, one value for each step. It only reads.

use std::collections::BTreeSet;

use anyhow::anyhow;
use weft_collect::prometheus::{Answered, Grid, Labels, Range};
use weft_core::id::Tag;
use weft_core::series::Series;
use weft_core::time::{Span, Step};
use weft_sim::readers::long_csv::TimeForm;

use super::{Origin, Panel};
use crate::cli::{Failure, ServerArguments};
use crate::config::{CredentialFiles, MetricsServer};
use crate::run::clock::Clock;

/// How much is asked for: models see two weekends, and a query of a thousand series stays bearable for the server.
const PAST: Span = Span::from_days(14);

/// Asks the server at `address`.
pub(crate) fn ask(
    address: &str,
    arguments: &ServerArguments,
    step: Step,
) -> Result<Panel, Failure> {
    let ServerArguments { query, token_file, user, password_file, ca_file, .. } = arguments.clone();
    let query = query.unwrap_or_default();
    let credentials = CredentialFiles::of(token_file, user, password_file);
    let server = MetricsServer::new(address.to_owned(), credentials, ca_file)
        .map_err(|error| Failure::Input(anyhow!("--prometheus: {error}")))?;
    let client = server.client().map_err(Failure::Input)?;
    let end = Clock::Wall.now();
    let Answered { value, warnings } = client
        .query_range(&query, Grid::new(end - PAST, end, step))
        .map_err(MetricsServer::failure)?;
    for warning in warnings {
        eprintln!("weft: {address}: {warning}");
    }
    if value.tracks.is_empty() {
        return Err(Failure::Input(anyhow!(
            "--query: expected at least one series in the last {PAST}, found none for `{query}`"
        )));
    }
    Ok(panel(value))
}

fn panel(range: Range) -> Panel {
    let (start, step) = (range.grid.start(), range.grid.step());
    let mut panel = Panel { step, origins: Vec::new(), series: Vec::new() };
    for track in range.tracks {
        // Before its first sample a series was not there; at its end a gap may be news.
        let begins = track.values.iter().position(Option::is_some).unwrap_or_default();
        let values =
            track.values.into_iter().skip(begins).map(|value| value.map(|value| value as f32));
        panel.series.push(Series::from_values(start + step.span() * begins as i64, step, values));
        let form = TimeForm::Rfc3339("Z".to_owned());
        let (name, tags) = (name(&track.labels), tags(&track.labels));
        panel.origins.push(Origin { name, form, phase: Span::ZERO, tags });
    }
    panel
}

/// As PromQL writes a series.
fn name(labels: &Labels) -> String {
    let metric = labels.get("__name__").map_or("", String::as_str);
    let others = labels.iter().filter(|(label, _)| *label != "__name__");
    let others: Vec<String> = others.map(|(label, value)| format!("{label}={value:?}")).collect();
    if others.is_empty() && !metric.is_empty() {
        return metric.to_owned();
    }
    format!("{metric}{{{}}}", others.join(","))
}

/// By what events select a series: the values of its labels, alone and as `label=value`.
fn tags(labels: &Labels) -> BTreeSet<Tag> {
    let each = |(label, value): (&String, &String)| {
        [Tag::from(value.as_str()), Tag::from(format!("{label}={value}"))]
    };
    labels.iter().flat_map(each).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use weft_collect::prometheus::Track;
    use weft_core::time::Timestamp;

    #[test]
    fn names_are_those_of_promql() {
        let check = |labels: &[(&str, &str)], expected: &str| {
            let labels = labels.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
            assert_eq!(name(&labels), expected);
        };
        check(&[], "{}");
        check(&[("__name__", "up")], "up");
        check(&[("__name__", "up"), ("job", "a\"b"), ("at", "x")], r#"up{at="x",job="a\"b"}"#);
        check(&[("job", "node")], r#"{job="node"}"#);
    }

    #[test]
    fn a_series_begins_with_its_first_sample() {
        let grid =
            Grid::new(Timestamp::default(), Timestamp::from_seconds(900), Step::FIVE_MINUTES);
        let values = vec![None, Some(1.0), None, None];
        let panel = panel(Range { grid, tracks: vec![Track { labels: Labels::new(), values }] });
        assert_eq!(panel.series[0].iter().collect::<Vec<_>>(), [Some(1.0), None, None]);
        assert_eq!(panel.at(0, 3), Timestamp::from_seconds(1_200));
    }
}
