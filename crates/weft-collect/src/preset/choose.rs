//! Chooses a preset by what is there: the first whose required metrics have series. It looks at some hours
//! of the time only, because whoever asks will read all of it.

use weft_core::time::{Span, Step};

use super::derive::Period;
use super::gather::selector;
use super::{ALL, Metric, Missing, Preset, PresetError, PresetOptions};
use crate::prometheus::{Client, Grid};

/// How long a look is.
const LOOK: Span = Span::from_hours(1);

/// The most looks: an hour in each half day of a fortnight.
const MOST_LOOKS: i64 = 28;

/// The preset that the metrics of `period` fit. An error where the server does not answer, or none fits.
pub fn choose(
    client: &Client,
    options: &PresetOptions,
    period: Period,
) -> Result<&'static Preset, PresetError> {
    let mut tried = Vec::new();
    for preset in ALL {
        let mut missing = Vec::new();
        for metric in preset.metrics.iter().filter(|metric| metric.is_required) {
            if !is_there(client, metric, &options.matchers, period)? {
                missing.push(Missing::of(metric));
            }
        }
        if missing.is_empty() {
            return Ok(preset);
        }
        tried.push((preset, missing));
    }
    Err(PresetError::Fitting { start: period.start, end: period.end, tried })
}

fn is_there(
    client: &Client,
    metric: &Metric,
    matchers: &str,
    period: Period,
) -> Result<bool, PresetError> {
    let seconds = (period.end - period.start).as_millis() / 1_000 / MOST_LOOKS;
    let pace = Step::new(LOOK.max(Span::from_seconds(seconds)));
    let pace = pace.expect("an hour, and what is more in whole seconds, are steps");
    let grid = Grid::ending(period.start, period.end, pace);
    for name in metric.names {
        let look = selector(metric, name, matchers, LOOK.as_millis());
        let range = client.query_range(&format!("count(last_over_time({look}))"), grid)?;
        if range.value.tracks.iter().flat_map(|track| &track.values).any(Option::is_some) {
            return Ok(true);
        }
    }
    Ok(false)
}
