//! The book of forecasts: an immutable, compact picture of what is forecast of every series and how
//! such forecasts have held, for readers while the forecasters themselves are busy.
//!
//! A day ahead at five-minute steps takes about 1.7 KB a series: 288 medians and 21 × 6 offsets.

use std::sync::Arc;

use crate::forecast::{Forecast, Levels, ModelName};
use crate::id::EventId;
use crate::resource::SeriesKey;
use crate::scenario::Buckets;
use crate::time::{Step, Timestamp};

/// How a model did on a series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Score {
    /// The model.
    pub model: ModelName,
    /// Mean pinball loss at 0.5 and 0.9 over about the last day, in the unit of the series; none
    /// before it could be measured.
    pub pinball: Option<f64>,
}

/// What is known of a series besides its forecast.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// The model that acts.
    pub model: ModelName,
    /// It and its rivals, the floors first.
    pub scores: Vec<Score>,
    /// Share of the 95 % intervals that covered what came, and how many were judged.
    pub coverage: Option<(f64, u32)>,
    /// Samples seen, gaps not counted.
    pub samples: u64,
}

/// What an event does to a forecast, over the part of its window that lies ahead.
#[derive(Debug, Clone, PartialEq)]
pub struct EventLift {
    /// The event.
    pub event: EventId,
    /// What it is taken to be one of.
    pub kind: String,
    /// Median demand with it over median demand without any event.
    pub factor: f64,
    /// The factor between which it lies with 90 %: lower.
    pub low: f64,
    /// And upper.
    pub high: f64,
    /// What most of it was learned from: `own` past events, those of the `cluster` or of the `kind`, or `prior`: what its
    /// author expects.
    pub source: String,
    /// How many past events that were.
    pub learned_from: usize,
}

/// One series of a book, as it is written into it.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// Whose demand.
    pub key: SeriesKey,
    /// The most it can demand; infinite where nothing caps it.
    pub cap: f32,
    /// What is known of it.
    pub report: Report,
    /// The path of the acting model, one value a step; empty for a series that is too young.
    pub path: Vec<f32>,
    /// What the quantiles add to the path, bucket × level; empty for a series that is too young.
    pub offsets: Vec<f32>,
    /// The quantiles where events lift any of them, step × level; empty elsewhere.
    pub lifted: Vec<f32>,
    /// Those events, by kind.
    pub lifts: Vec<EventLift>,
}

impl Line {
    /// The quantiles of usual demand at `levels` over `buckets`, step × level, not yet cut at zero and the cap.
    pub fn usual(&self, buckets: &Buckets, levels: &Levels) -> Vec<f32> {
        let columns = levels.as_slice().len();
        let mut quantiles = Vec::with_capacity(self.path.len() * columns);
        for (bucket, offsets) in self.offsets.chunks_exact(columns).enumerate() {
            for point in &self.path[buckets.steps(bucket)] {
                quantiles.extend(offsets.iter().map(|o| point + o));
            }
        }
        quantiles
    }

    fn bounded(&self, quantile: f32) -> f32 {
        quantile.min(self.cap).max(0.0)
    }
}

/// The book. See the module.
#[derive(Debug, Clone)]
pub struct ForecastBook {
    origin: Timestamp,
    step: Step,
    levels: Levels,
    buckets: Buckets,
    lines: Arc<[Line]>,
}

impl ForecastBook {
    /// A book of these lines, ascending by key, whose forecasts begin at `origin`.
    ///
    /// # Panics
    /// If lines do not ascend by key: their maker keeps them so.
    pub fn new(
        origin: Timestamp,
        step: Step,
        levels: Levels,
        buckets: Buckets,
        lines: Vec<Line>,
    ) -> Self {
        assert!(lines.is_sorted_by(|a, b| a.key < b.key), "lines ascend by key");
        Self { origin, step, levels, buckets, lines: lines.into() }
    }

    /// End of the last step whose samples were known.
    pub const fn origin(&self) -> Timestamp {
        self.origin
    }

    /// Number of series.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether there is no series.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The series, ascending.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = &SeriesKey> {
        self.lines.iter().map(|line| &line.key)
    }

    /// What is known of every series, in the order of the keys.
    pub fn reports(&self) -> impl ExactSizeIterator<Item = &Report> {
        self.lines.iter().map(|line| &line.report)
    }

    fn line(&self, key: &SeriesKey) -> Option<&Line> {
        let position = self.lines.binary_search_by(|line| line.key.cmp(key)).ok()?;
        Some(&self.lines[position])
    }

    /// What is known of a series; none if it is not in the book.
    pub fn report(&self, key: &SeriesKey) -> Option<&Report> {
        self.line(key).map(|line| &line.report)
    }

    /// The most a series can demand; infinite where nothing caps it.
    pub fn cap(&self, key: &SeriesKey) -> Option<f32> {
        self.line(key).map(|line| line.cap)
    }

    /// The median of the next step; none for a series that is unknown or too young.
    pub fn next_median(&self, key: &SeriesKey) -> Option<f32> {
        let line = self.line(key)?;
        let at = self.levels.median();
        if let Some(lifted) = line.lifted.get(at) {
            return Some(*lifted);
        }
        Some(line.bounded(line.path.first()? + line.offsets.get(at)?))
    }

    /// The events that lift the forecast of a series.
    pub fn lifts(&self, key: &SeriesKey) -> &[EventLift] {
        self.line(key).map_or(&[], |line| &line.lifts)
    }

    /// The forecast of a series over the buckets; none for a series that is unknown or too young.
    pub fn forecast(&self, key: &SeriesKey) -> Option<Forecast> {
        let line = self.line(key).filter(|line| !line.path.is_empty())?;
        let mut quantiles = line.lifted.clone();
        if quantiles.is_empty() {
            quantiles = line.usual(&self.buckets, &self.levels);
            quantiles.iter_mut().for_each(|quantile| *quantile = line.bounded(*quantile));
        }
        let (origin, step, levels) = (self.origin, self.step, self.levels.clone());
        Forecast::new(key.clone(), origin, step, levels, line.report.model, quantiles).ok()
    }
}
