//! Series that a person hands in: a long CSV from a file or standard input, or the answer of a metrics server. They come
//! onto one grid here, once. Nothing here may fill a gap or judge a value.

pub(crate) mod queried;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Read};
use std::path::Path;

use anyhow::Context;
use weft_core::id::Tag;
use weft_core::resource::Resource;
use weft_core::series::Series;
use weft_core::time::{Span, Step, Timestamp};
use weft_sim::readers::check_span;
use weft_sim::readers::long_csv::{self, SampledCsv, SampledSeries, TimeForm};

use crate::cli::Failure;

/// Series on one grid; `origins` stand in the order of `series`.
#[derive(Debug)]
pub(crate) struct Panel {
    pub(crate) step: Step,
    pub(crate) origins: Vec<Origin>,
    pub(crate) series: Vec<Series>,
}

/// Where a series comes from: what it was called and how its instants were written.
#[derive(Debug)]
pub(crate) struct Origin {
    pub(crate) name: String,
    pub(crate) form: TimeForm,
    /// How much later its samples were taken than the grid of its step says.
    pub(crate) phase: Span,
    /// Labels by which events select it: those of a metrics server; a CSV has none.
    pub(crate) tags: BTreeSet<Tag>,
}

impl Origin {
    /// What its name says that it measures, as `shop-01/cpu` does.
    pub(crate) fn resource(&self) -> Option<Resource> {
        let (_, suffix) = self.name.rsplit_once('/')?;
        Resource::ALL.into_iter().find(|resource| resource.name() == suffix)
    }
}

impl Panel {
    /// The instant of step `index` of a series, counted on beyond its end.
    pub(crate) fn at(&self, series: usize, index: usize) -> Timestamp {
        self.series[series].start() + self.origins[series].phase + self.step.span() * index as i64
    }

    /// The name of a series.
    pub(crate) fn name(&self, series: usize) -> &str {
        &self.origins[series].name
    }
}

/// What a person calls a file.
pub(crate) fn called(path: &Path) -> String {
    if is_standard_input(path) { "standard input".to_owned() } else { path.display().to_string() }
}

fn is_standard_input(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Reads a CSV; `-` is standard input.
pub(crate) fn read(path: &Path) -> Result<SampledCsv, Failure> {
    let name = called(path);
    let bytes = match is_standard_input(path) {
        true => {
            let mut bytes = Vec::new();
            io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes)
        }
        false => fs::read(path),
    };
    let bytes = bytes.with_context(|| format!("cannot read {name}")).map_err(Failure::Input)?;
    long_csv::samples(&name, &bytes).map_err(|error| Failure::Input(error.into()))
}

/// Brings all series onto the grid of `step`, or of the usual distance of their samples. On the usual grid a series keeps
/// the phase that most of its samples have, and a sample that is a little early or late goes to the nearest step; on
/// another one, what falls into a step is averaged.
pub(crate) fn on_grid(file: &str, csv: SampledCsv, step: Option<Step>) -> Result<Panel, Failure> {
    let usual = csv.usual.or(step).unwrap_or_default();
    let step = step.unwrap_or(usual);
    let mut panel = Panel { step, origins: Vec::new(), series: Vec::new() };
    for sampled in csv.series {
        let place = format!("{file}, series `{}`", sampled.name);
        check_span(&place, sampled.samples.keys().copied(), step)
            .map_err(|error| Failure::Input(error.into()))?;
        let phase = if step == usual { usual_phase(&sampled.samples, step) } else { Span::ZERO };
        let half = if step == usual { step.span().as_millis() / 2 } else { 0 };
        let shift = Span::from_millis(half) - phase;
        panel.series.push(series(&sampled, step, shift, !csv.covariates.is_empty()));
        let tags = BTreeSet::new();
        panel.origins.push(Origin { name: sampled.name, form: sampled.form, phase, tags });
    }
    Ok(panel)
}

/// How far most instants lie behind the grid; the least of several.
fn usual_phase(samples: &BTreeMap<Timestamp, Option<f64>>, step: Step) -> Span {
    let mut counts: BTreeMap<Span, usize> = BTreeMap::new();
    for at in samples.keys() {
        *counts.entry(*at - at.floor(step)).or_default() += 1;
    }
    let usual = counts.into_iter().rev().max_by_key(|(_, count)| *count);
    usual.map_or(Span::ZERO, |(phase, _)| phase)
}

/// The means of what falls into each step. Lines without a value at the end are gaps; where there are known covariates they
/// only say how far those are known, and the series ends before them.
fn series(sampled: &SampledSeries, step: Step, shift: Span, has_covariates: bool) -> Series {
    let index = |start: Timestamp, at: Timestamp| (at + shift - start).whole_steps(step);
    let first = sampled.samples.keys().next().copied().unwrap_or_default();
    let start = (first + shift).floor(step);
    let ends = |value: &Option<f64>| !has_covariates || value.is_some();
    let last = sampled.samples.iter().rev().find(|(_, value)| ends(value));
    let steps = last.map_or(0, |(at, _)| index(start, *at) + 1);
    let mut sums = vec![(0.0, 0_u32); steps];
    for (at, value) in &sampled.samples {
        if let (Some(value), Some(sum)) = (value, sums.get_mut(index(start, *at))) {
            *sum = (sum.0 + value, sum.1 + 1);
        }
    }
    let mean = |(sum, count)| (count > 0).then(|| (sum / f64::from(count)) as f32);
    Series::from_values(start, step, sums.into_iter().map(mean))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn panel(lines: &str, step: Option<i64>) -> Panel {
        let header = if lines.contains(",x\n") {
            "series,timestamp,value,sale\n"
        } else {
            "series,timestamp,value\n"
        };
        let text = format!("{header}{}", lines.replace(",x\n", ",1\n"));
        let csv = long_csv::samples("a.csv", text.as_bytes()).expect("a clean file");
        let step = step.map(|seconds| Step::new(Span::from_seconds(seconds)).expect("a step"));
        on_grid("a.csv", csv, step).expect("samples near each other")
    }

    fn check(lines: &str, step: Option<i64>, start: i64, expected: &[Option<f32>]) {
        let panel = panel(lines, step);
        assert_eq!(panel.at(0, 0), Timestamp::from_seconds(start), "{lines}");
        assert_eq!(panel.series[0].iter().collect::<Vec<_>>(), expected, "{lines}");
    }

    #[test]
    fn samples_keep_their_phase_on_their_own_grid() {
        let lines = "a,420,1\na,120,2\na,1021,3\na,1320,4\na,1620,5\n";
        let expected = [Some(2.0), Some(1.0), None, Some(3.0), Some(4.0), Some(5.0)];
        check(lines, None, 120, &expected);
        check(lines, Some(300), 120, &expected);
    }

    #[test]
    fn on_another_grid_they_are_averaged() {
        let lines = "a,420,1\na,120,2\na,720,3\na,1320,4\n";
        check(lines, Some(600), 0, &[Some(1.5), Some(3.0), Some(4.0)]);
        check("a,7,1\n", Some(60), 7, &[Some(1.0)]);
    }

    #[test]
    fn a_gap_at_the_end_counts_unless_it_carries_covariates() {
        check("a,0,1\na,300,2\na,600,\n", None, 0, &[Some(1.0), Some(2.0), None]);
        check("a,0,1,x\na,300,2,x\na,600,,x\n", None, 0, &[Some(1.0), Some(2.0)]);
        check("a,0,,x\n", None, 0, &[]);
    }

    #[test]
    fn instants_that_must_be_wrong_are_refused() {
        let text = b"series,timestamp,value\na,0,1\na,300,1\na,9000000,1\n";
        let csv = long_csv::samples("a.csv", text).expect("a clean file");
        let Err(Failure::Input(error)) = on_grid("a.csv", csv, None) else {
            panic!("a wrong input")
        };
        let expected =
            "a.csv, series `a`: expected samples in at least one of 100 steps of their time";
        assert!(error.to_string().starts_with(expected), "{error}");
    }
}
