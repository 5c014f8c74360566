//! Follows a fleet while it is served: complete steps as they become known, and the fleet as it is now. No
//! thread and no clock: whoever calls says what time it is.

use weft_core::fleet::Workloads;
use weft_core::resource::SeriesKey;
use weft_core::series::{Sample, Series};
use weft_core::time::{Span, Step, Timestamp};

use super::Client;
use crate::preset::{Derived, Period, Preset, PresetError, PresetOptions, courses, derive};

/// How a fleet is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FollowSettings {
    /// The fleet's step.
    pub step: Step,
    /// How long after its end a step is asked for: scrapes and remote writes take their time, and what
    /// comes later than this is not asked for again.
    pub settle: Span,
    /// The most steps that one call gives; an outage is made up for in several.
    pub most_steps: usize,
    /// How far `observe` looks back: hosts that were silent for longer are not in the fleet any more.
    pub memory: Span,
}

impl Default for FollowSettings {
    /// Steps of five minutes, read 30 seconds after their end, up to two hours of them a call; a silent
    /// host is remembered for six hours.
    fn default() -> Self {
        Self {
            step: Step::FIVE_MINUTES,
            settle: Span::from_seconds(30),
            most_steps: 24,
            memory: Span::from_hours(6),
        }
    }
}

/// Follows the fleet of one server by one preset.
#[derive(Debug)]
pub struct Follower {
    client: Client,
    preset: &'static Preset,
    options: PresetOptions,
    settings: FollowSettings,
    /// The end of the last step that was given.
    given: Timestamp,
    /// The sizes as they were observed last.
    known: Workloads,
}

impl Follower {
    /// A follower whose first step begins at or before `from`.
    pub fn new(
        client: Client,
        preset: &'static Preset,
        options: PresetOptions,
        settings: FollowSettings,
        from: Timestamp,
    ) -> Self {
        let given = from.floor(settings.step);
        Self { client, preset, options, settings, given, known: Workloads::new() }
    }

    /// The end of the last step that was given: where a restart goes on.
    pub const fn given(&self) -> Timestamp {
        self.given
    }

    /// The complete steps since those that were given last, in order, each with its samples; at most
    /// [`FollowSettings::most_steps`], so call again until nothing comes. A step in which nothing was
    /// measured has no samples. After an error the same steps are given by the next call.
    pub fn poll(&mut self, now: Timestamp) -> Result<Vec<(Timestamp, Vec<Sample>)>, PresetError> {
        let step = self.settings.step;
        let complete = (now - self.settings.settle).floor(step);
        let count = (complete - self.given).whole_steps(step).min(self.settings.most_steps);
        if count == 0 {
            return Ok(Vec::new());
        }
        let end = self.given + step.span() * count as i64;
        let period = Period { start: self.given, end, step };
        let series = courses(&self.client, self.preset, &self.options, period, &self.known)?;
        let at = |index: usize| period.start + step.span() * index as i64;
        let steps = (0..count).map(|index| (at(index), samples(&series, index, at(index))));
        self.given = end;
        Ok(steps.collect())
    }

    /// The fleet at the last complete step before `now`, as the metrics of the time before tell it.
    pub fn observe(&mut self, now: Timestamp) -> Result<Derived, PresetError> {
        let step = self.settings.step;
        let end = (now - self.settings.settle).floor(step);
        let period = Period { start: end - self.settings.memory, end, step };
        let derived = derive(&self.client, self.preset, &self.options, period)?;
        self.known = derived.workloads.clone();
        Ok(derived)
    }
}

fn samples(
    series: &std::collections::BTreeMap<SeriesKey, Series>,
    index: usize,
    at: Timestamp,
) -> Vec<Sample> {
    let sample = |(key, series): (&SeriesKey, &Series)| {
        let value = series.get(index)?;
        Some(Sample { key: key.clone(), at, value, censored: series.is_censored(index) })
    };
    series.iter().filter_map(sample).collect()
}
