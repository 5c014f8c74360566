//! `weft detect`: a score and a verdict for each sample of each series of a CSV, in the order of time. Samples stay at their
//! own instants, and nothing that is said of one may rest on a later one.

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use serde::Serialize;
use weft_core::time::{Step, Timestamp};
use weft_forecast::detect::{Detector, DetectorConfig, Direction, Kind};
use weft_sim::readers::long_csv::SampledSeries;

use crate::cli::{DetectArguments, Failure, SeriesOutput};
use crate::table::{grouped, lay_out_columns, number};
use crate::{output, samples};

/// What a step is worth printing of a score: a millionth.
const SCORE_DIGITS: f64 = 1e6;

/// Carries `weft detect` out.
pub fn run(arguments: &DetectArguments) -> Result<(), Failure> {
    let csv = samples::read(&arguments.input)?;
    let step = csv.usual.unwrap_or_default();
    output::tell(&format!("{} series, steps of {}", csv.series.len(), step.span()));
    let config = DetectorConfig { step, alarm_score: arguments.alarm_score };
    let judged: Vec<Judged<'_>> =
        csv.series.par_iter().map(|series| Judged::new(series, config)).collect();
    match arguments.output {
        SeriesOutput::Table => output::print(&table(&judged)),
        SeriesOutput::Json => output::print_json(&document(&judged, step)),
        SeriesOutput::Csv => {
            let header = ["series", "timestamp", "value", "score", "anomaly"].map(str::to_owned);
            output::print_csv(&header, judged.iter().flat_map(Judged::rows))
        }
    }
}

/// What is said of one sample.
#[derive(Debug, Clone, Copy)]
struct Verdict {
    at: Timestamp,
    /// None for a gap, of which nothing is said.
    value: Option<f64>,
    score: f64,
    anomaly: Option<Kind>,
}

/// A series with what is said of its samples.
struct Judged<'a> {
    series: &'a SampledSeries,
    verdicts: Vec<Verdict>,
}

impl<'a> Judged<'a> {
    fn new(series: &'a SampledSeries, config: DetectorConfig) -> Self {
        let mut detector = Detector::new(config);
        let verdict = |(at, value): (&Timestamp, &Option<f64>)| {
            let finding = detector.observe(*at, *value);
            let score = (finding.score * SCORE_DIGITS).round() / SCORE_DIGITS;
            Verdict { at: *at, value: *value, score, anomaly: finding.anomaly }
        };
        Self { series, verdicts: series.samples.iter().map(verdict).collect() }
    }

    fn anomalies(&self) -> impl Iterator<Item = (&Verdict, Kind)> {
        self.verdicts.iter().filter_map(|verdict| Some((verdict, verdict.anomaly?)))
    }

    fn rows(&self) -> impl Iterator<Item = Vec<String>> {
        self.verdicts.iter().map(|verdict| {
            vec![
                self.series.name.clone(),
                self.series.form.written(verdict.at),
                verdict.value.map(|value| value.to_string()).unwrap_or_default(),
                verdict.score.to_string(),
                verdict.anomaly.is_some().to_string(),
            ]
        })
    }
}

fn table(judged: &[Judged<'_>]) -> String {
    let cells = |judged: &Judged<'_>| -> Vec<Vec<String>> {
        let cells = |(verdict, kind): (&Verdict, Kind)| {
            vec![
                judged.series.name.clone(),
                judged.series.form.written(verdict.at),
                verdict.value.map(number).unwrap_or_default(),
                format!("{:.3}", verdict.score),
                sentence(kind),
            ]
        };
        judged.anomalies().map(cells).collect()
    };
    let rows: Vec<Vec<String>> = judged.iter().flat_map(cells).collect();
    let samples: usize = judged.iter().map(|each| each.series.samples.len()).sum();
    let count = |count: usize| grouped(count as f64);
    let anomalies = match rows.len() {
        0 => "no anomaly".to_owned(),
        1 => "1 anomaly".to_owned(),
        many => format!("{} anomalies", count(many)),
    };
    let summary = format!("{anomalies} in {} samples of {} series\n", count(samples), judged.len());
    if rows.is_empty() {
        return summary;
    }
    let header = ["series", "timestamp", "value", "score", "what"];
    let left = [true, true, false, false, true];
    format!("{}\n{summary}", lay_out_columns(&header, &left, &rows))
}

fn sentence(kind: Kind) -> String {
    match kind {
        Kind::Spike { expected, deviations } => {
            format!(
                "spike: expected {}, {} deviations above",
                number(expected),
                number(deviations.abs())
            )
        }
        Kind::Drop { expected, deviations } => {
            format!(
                "drop: expected {}, {} deviations below",
                number(expected),
                number(deviations.abs())
            )
        }
        Kind::LevelShift { direction, expected, by } => {
            let (side, by) = (side(direction), number(by.abs()));
            format!("level shift: {side} by {by}, expected {}", number(expected))
        }
        Kind::Variance { ratio } => format!("changes are {} times the usual", number(ratio)),
        Kind::Shape { expected, .. } => {
            format!("unlike the usual course: expected {}", number(expected))
        }
        Kind::Flat { steps } => format!("stands still for {steps} steps"),
    }
}

const fn side(direction: Direction) -> &'static str {
    match direction {
        Direction::Up => "up",
        Direction::Down => "down",
    }
}

/// What `-o json` prints.
#[derive(Debug, Serialize)]
struct Document {
    step_seconds: i64,
    anomalies: usize,
    series: Vec<SeriesDocument>,
}

#[derive(Debug, Serialize)]
struct SeriesDocument {
    series: String,
    samples: Vec<SampleDocument>,
}

#[derive(Debug, Serialize)]
struct SampleDocument {
    at: Timestamp,
    value: Option<f64>,
    score: f64,
    anomaly: bool,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    kind: Option<KindDocument>,
}

#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum KindDocument {
    Spike { expected: f64, deviations: f64 },
    Drop { expected: f64, deviations: f64 },
    LevelShift { direction: &'static str, expected: f64, by: f64 },
    Variance { ratio: f64 },
    Shape { expected: f64, deviations: f64 },
    Flat { steps: usize },
}

impl From<Kind> for KindDocument {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Spike { expected, deviations } => Self::Spike { expected, deviations },
            Kind::Drop { expected, deviations } => Self::Drop { expected, deviations },
            Kind::LevelShift { direction, expected, by } => {
                Self::LevelShift { direction: side(direction), expected, by }
            }
            Kind::Variance { ratio } => Self::Variance { ratio },
            Kind::Shape { expected, deviations } => Self::Shape { expected, deviations },
            Kind::Flat { steps } => Self::Flat { steps },
        }
    }
}

fn document(judged: &[Judged<'_>], step: Step) -> Document {
    let sample = |verdict: &Verdict| SampleDocument {
        at: verdict.at,
        value: verdict.value,
        score: verdict.score,
        anomaly: verdict.anomaly.is_some(),
        kind: verdict.anomaly.map(KindDocument::from),
    };
    let series = |judged: &Judged<'_>| SeriesDocument {
        series: judged.series.name.clone(),
        samples: judged.verdicts.iter().map(sample).collect(),
    };
    Document {
        step_seconds: step.span().as_millis() / 1_000,
        anomalies: judged.iter().map(|each| each.anomalies().count()).sum(),
        series: judged.iter().map(series).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_a_sentence_and_a_form() {
        let check = |kind: Kind, expected: &str, json: serde_json::Value| {
            assert_eq!(sentence(kind), expected);
            let found = serde_json::to_value(KindDocument::from(kind)).expect("plain values");
            assert_eq!(found, json);
        };
        check(
            Kind::Spike { expected: 12.0, deviations: 8.25 },
            "spike: expected 12.0, 8.25 deviations above",
            serde_json::json!({"kind": "spike", "expected": 12.0, "deviations": 8.25}),
        );
        check(
            Kind::Drop { expected: 12.0, deviations: -8.25 },
            "drop: expected 12.0, 8.25 deviations below",
            serde_json::json!({"kind": "drop", "expected": 12.0, "deviations": -8.25}),
        );
        check(
            Kind::LevelShift { direction: Direction::Down, expected: 12.0, by: -3.0 },
            "level shift: down by 3.00, expected 12.0",
            serde_json::json!({"kind": "level_shift", "direction": "down", "expected": 12.0, "by": -3.0}),
        );
        check(
            Kind::Variance { ratio: 4.0 },
            "changes are 4.00 times the usual",
            serde_json::json!({"kind": "variance", "ratio": 4.0}),
        );
        check(
            Kind::Shape { expected: 5.0, deviations: 3.0 },
            "unlike the usual course: expected 5.00",
            serde_json::json!({"kind": "shape", "expected": 5.0, "deviations": 3.0}),
        );
        check(
            Kind::Flat { steps: 40 },
            "stands still for 40 steps",
            serde_json::json!({"kind": "flat", "steps": 40}),
        );
    }
}
