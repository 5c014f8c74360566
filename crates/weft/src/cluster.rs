//! `weft cluster`: series of a CSV whose shape is similar, put together. Level and scale of a series must not matter; what
//! was compared is said.

use std::collections::BTreeMap;

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use serde::Serialize;
use weft_core::series::Series;
use weft_core::time::Span;
use weft_forecast::cluster::{ClusterId, Clusters, Profile, Tried};

use crate::cli::{ClusterArguments, Failure, SeriesOutput};
use crate::output;
use crate::samples::{self, Panel};
use crate::table::{lay_out_columns, number};

/// From here on the mean week is compared: of a longer course the grid of a profile keeps no hours of a day.
const LONG: Span = Span::from_days(14);

/// So many names of a cluster stand in the table.
const NAMES: usize = 5;

/// Carries `weft cluster` out.
pub fn run(arguments: &ClusterArguments) -> Result<(), Failure> {
    let csv = samples::read(&arguments.input)?;
    let panel = samples::on_grid(&samples::called(&arguments.input), csv, None)?;
    output::tell(&format!("{} series, steps of {}", panel.series.len(), panel.step.span()));
    let compared = Compared::of(&panel);
    let profiles: Vec<Profile> =
        panel.series.par_iter().map(|series| compared.profile(series)).collect();
    let clusters = Clusters::find(&profiles, arguments.clusters, arguments.seed)
        .map_err(|error| Failure::Input(error.into()))?;
    let answer = Answer { panel: &panel, compared, clusters: &clusters };
    match arguments.output {
        SeriesOutput::Table => output::print(&answer.table()),
        SeriesOutput::Json => output::print_json(&answer.document()),
        SeriesOutput::Csv => {
            let header = ["series", "cluster"].map(str::to_owned);
            output::print_csv(&header, answer.rows())
        }
    }
}

/// What of the series is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Compared {
    /// The whole course, where all begin and end together.
    Course,
    /// The mean day, where they do not and each has one.
    Day,
    /// The mean week, where all go on for two weeks and more.
    Week,
}

impl Compared {
    pub(crate) fn of(panel: &Panel) -> Self {
        let spans = panel.series.iter().map(|series| series.end() - series.start());
        let shortest = spans.min().unwrap_or_default();
        let edges = |series: &Series| (series.start(), series.end());
        let are_together = panel.series.windows(2).all(|pair| edges(&pair[0]) == edges(&pair[1]));
        match shortest {
            span if span > LONG => Self::Week,
            span if !are_together && span >= Span::from_days(1) => Self::Day,
            _ => Self::Course,
        }
    }

    pub(crate) fn profile(self, series: &Series) -> Profile {
        let day = series.step().per_day();
        match self {
            Self::Course => Profile::from(series),
            Self::Day => Profile::of_season(series, day),
            Self::Week => Profile::of_season(series, 7 * day),
        }
    }

    const fn sentence(self) -> &'static str {
        match self {
            Self::Course => "whole courses",
            Self::Day => "mean days",
            Self::Week => "mean weeks",
        }
    }
}

struct Answer<'a> {
    panel: &'a Panel,
    compared: Compared,
    clusters: &'a Clusters,
}

impl Answer<'_> {
    fn named(&self) -> impl Iterator<Item = (&str, ClusterId)> {
        let names = self.panel.origins.iter().map(|origin| origin.name.as_str());
        names.zip(self.clusters.assignment().iter().copied())
    }

    fn members(&self) -> BTreeMap<ClusterId, Vec<&str>> {
        let mut members: BTreeMap<ClusterId, Vec<&str>> = BTreeMap::new();
        for (name, cluster) in self.named() {
            members.entry(cluster).or_default().push(name);
        }
        members
    }

    fn rows(&self) -> impl Iterator<Item = Vec<String>> {
        self.named().map(|(name, cluster)| vec![name.to_owned(), cluster.0.to_string()])
    }

    fn table(&self) -> String {
        let cells = |(cluster, names): (ClusterId, Vec<&str>)| {
            let kind = if cluster == ClusterId::FLAT { " (flat)" } else { "" };
            let more = if names.len() > NAMES { ", …" } else { "" };
            let shown = names.iter().take(NAMES).copied().collect::<Vec<_>>().join(", ");
            vec![format!("{}{kind}", cluster.0), names.len().to_string(), shown + more]
        };
        let rows: Vec<Vec<String>> = self.members().into_iter().map(cells).collect();
        let tried = |tried: &Tried| {
            vec![tried.clusters.to_string(), number(tried.modularity), number(tried.stability)]
        };
        let tried: Vec<Vec<String>> = self.clusters.tried().iter().map(tried).collect();
        format!(
            "{} series, {} compared\n\n{}\n{}",
            self.panel.series.len(),
            self.compared.sentence(),
            lay_out_columns(&["cluster", "series", "names"], &[true, false, true], &rows),
            lay_out_columns(
                &["clusters tried", "modularity", "stability"],
                &[true, false, false],
                &tried
            )
        )
    }

    fn document(&self) -> Document<'_> {
        let sized = |(cluster, names): (ClusterId, Vec<&str>)| SizeDocument {
            cluster: cluster.0,
            series: names.len(),
            flat: cluster == ClusterId::FLAT,
        };
        let series =
            |(series, cluster): (_, ClusterId)| SeriesDocument { series, cluster: cluster.0 };
        Document {
            compared: self.compared,
            clusters: self.members().into_iter().map(sized).collect(),
            tried: self.clusters.tried(),
            series: self.named().map(series).collect(),
        }
    }
}

/// What `-o json` prints.
#[derive(Debug, Serialize)]
struct Document<'a> {
    compared: Compared,
    clusters: Vec<SizeDocument>,
    tried: &'a [Tried],
    series: Vec<SeriesDocument<'a>>,
}

#[derive(Debug, Serialize)]
struct SizeDocument {
    cluster: u32,
    series: usize,
    flat: bool,
}

#[derive(Debug, Serialize)]
struct SeriesDocument<'a> {
    series: &'a str,
    cluster: u32,
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write as _;
    use weft_sim::readers::long_csv;

    /// Two series of hourly samples over `hours`, the second one beginning `later` hours later.
    fn compared(hours: i64, later: i64) -> Compared {
        let mut text = "series,timestamp,value\n".to_owned();
        for hour in 0..hours {
            let at = hour * 3_600;
            writeln!(text, "a,{at},1\nb,{},2", at + later * 3_600).expect("text grows");
        }
        let csv = long_csv::samples("a.csv", text.as_bytes()).expect("a clean file");
        Compared::of(&samples::on_grid("a.csv", csv, None).expect("samples near each other"))
    }

    #[test]
    fn what_is_compared_depends_on_how_long_and_how_together() {
        assert_eq!(compared(12, 0), Compared::Course);
        assert_eq!(compared(12, 3), Compared::Course, "there is no day to compare");
        assert_eq!(compared(24, 3), Compared::Day);
        assert_eq!(compared(14 * 24, 0), Compared::Course);
        assert_eq!(compared(14 * 24 + 1, 0), Compared::Week);
        assert_eq!(compared(30 * 24, 9), Compared::Week);
    }
}
