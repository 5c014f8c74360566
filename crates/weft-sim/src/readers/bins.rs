//! Samples at any instant, brought onto a grid: the mean of what falls into a step, a gap where
//! nothing does. It must never fill a gap from its neighbours.

use weft_core::series::Series;
use weft_core::time::{Step, Timestamp};

/// Samples of one series, in any order.
#[derive(Debug, Default)]
pub(super) struct Bins {
    samples: Vec<(Timestamp, f64)>,
}

impl Bins {
    pub(super) fn add(&mut self, at: Timestamp, value: f64) {
        self.samples.push((at, value));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.samples.is_empty()
    }

    pub(super) fn instants(&self) -> impl Iterator<Item = Timestamp> + '_ {
        self.samples.iter().map(|(at, _)| *at)
    }

    /// The series on the grid of `step`, from `start` (or the first sample) to the last sample.
    pub(super) fn series(mut self, start: Option<Timestamp>, step: Step) -> Series {
        self.samples.sort_by_key(|(at, _)| *at);
        let first = self.samples.first().map(|(at, _)| *at);
        let mut series = Series::new(start.or(first).unwrap_or_default(), step);
        let steps = self.samples.chunk_by(|a, b| a.0.floor(step) == b.0.floor(step));
        for samples in steps {
            let mean = samples.iter().map(|(_, value)| value).sum::<f64>() / samples.len() as f64;
            series
                .record(samples[0].0, mean as f32, false)
                .expect("samples are sorted and the series starts at the first or before");
        }
        series
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_takes_the_mean_and_gaps_stay() {
        let mut bins = Bins::default();
        for (second, value) in [(1_300, 8.0), (10, 1.0), (290, 3.0)] {
            bins.add(Timestamp::from_seconds(second), value);
        }
        let series = bins.series(None, Step::FIVE_MINUTES);
        let values: Vec<_> = series.iter().collect();
        assert_eq!(values, [Some(2.0), None, None, None, Some(8.0)]);
        assert_eq!(series.start(), Timestamp::from_seconds(0));
    }
}
