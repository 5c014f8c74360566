//! What workloads demand, step by step: recorded rows or the generator. Random access: any step of
//! any series gives the same value however often and in whatever order it is asked for.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use weft_core::id::WorkloadId;
use weft_core::resource::Resource;

use crate::generator::Generator;

/// Recorded demand. Value `i` of a row belongs to the step that begins at the world's start +
/// `i`·step, in the unit of the resource; NaN is a gap: the demand stays as it was, and the monitor
/// reports nothing. The last value of a row holds for ever.
#[derive(Debug, Clone, Default)]
pub struct Trace {
    rows: BTreeMap<(WorkloadId, Resource), Arc<[f32]>>,
    /// Per value whether more may have been wanted, where that was recorded.
    censored: BTreeMap<(WorkloadId, Resource), Arc<[bool]>>,
}

impl Trace {
    /// A trace without rows.
    pub const fn new() -> Self {
        Self { rows: BTreeMap::new(), censored: BTreeMap::new() }
    }

    /// Sets the row of `resource` of `workload`.
    pub fn insert(&mut self, workload: WorkloadId, resource: Resource, values: Arc<[f32]>) {
        self.rows.insert((workload, resource), values);
    }

    /// Says of which values of the row more may have been wanted: monitors say so too.
    pub fn mark_censored(&mut self, workload: WorkloadId, resource: Resource, steps: Arc<[bool]>) {
        self.censored.insert((workload, resource), steps);
    }

    /// The row of `resource` of `workload`, if it was recorded.
    pub fn row(&self, workload: &WorkloadId, resource: Resource) -> Option<&Arc<[f32]>> {
        self.rows.get(&(workload.clone(), resource))
    }
}

/// Where demand comes from.
#[derive(Debug, Clone)]
pub enum Demand {
    /// Recorded.
    Trace(Trace),
    /// Made up; see [`crate::generator`].
    Generated(Generator),
}

impl Demand {
    /// The source of one series; none where the resource is not demanded at all.
    pub(super) fn source(&self, workload: &WorkloadId, resource: Resource) -> Option<Source> {
        match self {
            Self::Trace(trace) => {
                let base = Base::Row(trace.row(workload, resource)?.clone());
                let censored = trace.censored.get(&(workload.clone(), resource)).cloned();
                Some(Source { censored, ..Source::plain(base) })
            }
            Self::Generated(generator) => {
                let series = generator.series(workload, resource)?;
                Some(Source::plain(Base::Days { series, day: usize::MAX, values: Vec::new() }))
            }
        }
    }
}

/// Demand of one series, step by step, with the lifts of campaigns that were started while it ran.
#[derive(Debug, Clone)]
pub(super) struct Source {
    base: Base,
    lifts: Vec<(Range<usize>, f32)>,
    censored: Option<Arc<[bool]>>,
}

/// Demand as it was recorded or made.
#[derive(Debug, Clone)]
enum Base {
    /// Recorded.
    Row(Arc<[f32]>),
    /// Generated a day at a time; the last day is kept.
    Days { series: crate::generator::SeriesShape, day: usize, values: Vec<f32> },
}

impl Source {
    const fn plain(base: Base) -> Self {
        Self { base, lifts: Vec::new(), censored: None }
    }

    /// Multiplies the demand of these steps by `lift`, on top of what lifts it already.
    pub(super) fn lift(&mut self, steps: Range<usize>, lift: f32) {
        self.lifts.push((steps, lift));
    }

    /// The demand of step `index`; in a gap or after the end the last one known, at first zero.
    pub(super) fn value(&mut self, index: usize) -> f32 {
        let lifts = self.lifts.iter().filter(|(steps, _)| steps.contains(&index));
        let lift: f32 = lifts.map(|(_, lift)| lift).product();
        self.base.value(index) * lift
    }

    /// Whether step `index` lies in a gap of the record.
    pub(super) fn is_gap(&self, index: usize) -> bool {
        match &self.base {
            Base::Row(row) => row.get(index).is_some_and(|value| value.is_nan()),
            Base::Days { .. } => false,
        }
    }

    /// Whether the record says of step `index` that more may have been wanted.
    pub(super) fn is_censored(&self, index: usize) -> bool {
        self.censored.as_ref().is_some_and(|steps| steps.get(index) == Some(&true))
    }

    /// The demand at `position` steps after the start, on the straight line between two values.
    pub(super) fn line(&mut self, position: f64) -> f64 {
        let below = position.floor();
        let left = f64::from(self.value(below as usize));
        if position == below {
            return left;
        }
        let right = f64::from(self.value(below as usize + 1));
        left + (right - left) * (position - below)
    }
}

impl Base {
    fn value(&mut self, index: usize) -> f32 {
        match self {
            Self::Row(row) => known(row, index),
            Self::Days { series, day, values } => {
                let per_day = series.steps_per_day();
                if *day != index / per_day {
                    *day = index / per_day;
                    *values = series.day(*day);
                }
                values[index % per_day]
            }
        }
    }
}

fn known(row: &[f32], index: usize) -> f32 {
    let end = row.len().min(index + 1);
    row[..end].iter().rev().copied().find(|value| !value.is_nan()).unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_holds_through_gaps_and_after_its_end() {
        let row: Arc<[f32]> = vec![f32::NAN, 2.0, f32::NAN, 4.0].into();
        let mut source = Source::plain(Base::Row(row));
        let values: Vec<f32> = (0..6).map(|index| source.value(index)).collect();
        assert_eq!(values, [0.0, 2.0, 2.0, 4.0, 4.0, 4.0]);
        assert!(source.is_gap(2) && !source.is_gap(1) && !source.is_gap(9));
        assert_eq!(source.line(2.5), 3.0);
        source.lift(1..3, 2.0);
        source.lift(2..3, 1.5);
        let values: Vec<f32> = (0..4).map(|index| source.value(index)).collect();
        assert_eq!(values, [0.0, 4.0, 6.0, 4.0]);
    }
}
