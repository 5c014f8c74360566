//! Readers of traces: bytes in, values out. The shell opens files; nothing here does, and nothing
//! here invents a value: what a file does not say is a gap or an error with its line.

pub mod bitbrains;
pub mod long_csv;
pub mod planetlab;

mod bins;

use std::collections::{BTreeMap, BTreeSet};

use thiserror::Error;
use weft_core::resource::Resource;
use weft_core::series::Series;
use weft_core::time::{Step, Timestamp};

/// A trace that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ReadError {
    /// A field that is not what its column holds.
    #[error("{file}, line {line}, {field}: expected {expected}, found `{found}`")]
    Field {
        /// The file.
        file: String,
        /// Its line, from 1.
        line: u64,
        /// The column's name, or what the line holds.
        field: String,
        /// What belongs there.
        expected: &'static str,
        /// What stands there.
        found: String,
    },
    /// A file or folder that lacks something as a whole.
    #[error("{file}: expected {expected}, found {found}")]
    File {
        /// The file or folder.
        file: String,
        /// What belongs there.
        expected: String,
        /// What is there.
        found: String,
    },
}

/// What a trace tells of a workload's size; `None` where it tells nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct KnownAllocation {
    /// Number of virtual CPUs.
    pub vcpus: Option<u32>,
    /// Speed of one virtual CPU in millicores.
    pub vcpu_speed_millicores: Option<u32>,
    /// Memory in bytes.
    pub memory_bytes: Option<u64>,
}

/// One workload of a trace.
#[derive(Debug, Clone, PartialEq)]
pub struct TraceRow {
    /// The workload's name: its file or its series.
    pub name: String,
    /// Use over time, per resource, in the resource's unit; of CPU see [`Trace::percent`].
    pub series: BTreeMap<Resource, Series>,
    /// What is known of its size.
    pub allocation: KnownAllocation,
}

impl TraceRow {
    /// Its CPU use; an empty series where the trace has none.
    pub fn cpu(&self) -> Option<&Series> {
        self.series.get(&Resource::Cpu)
    }
}

/// What every reader gives: workloads with their use on one grid.
#[derive(Debug, Clone, PartialEq)]
pub struct Trace {
    /// Distance of two samples.
    pub step: Step,
    /// Start of the earliest sample.
    pub start: Timestamp,
    /// The workloads, in the order in which they were read.
    pub rows: Vec<TraceRow>,
    /// Whether CPU values are percentages (0 to 100) of what is allocated to the workload, rather
    /// than millicores.
    pub percent: bool,
}

impl Trace {
    /// The number of steps from the start to the end of the longest series.
    pub fn steps(&self) -> usize {
        let ends = self.rows.iter().flat_map(|row| row.series.values().map(Series::end));
        ends.max().map_or(0, |end| (end - self.start).whole_steps(self.step))
    }

    /// The earliest start of all series; the epoch where there is none.
    fn earliest(rows: &[TraceRow]) -> Timestamp {
        let starts = rows.iter().flat_map(|row| row.series.values().map(Series::start));
        starts.min().unwrap_or_default()
    }
}

/// Up to this an instant is in seconds: as seconds it lies in the year 5138, as milliseconds in 1973,
/// before any trace.
const LARGEST_SECONDS: f64 = 1e11;

/// Of so many steps between the first sample and the last at least one must have a sample: where fewer
/// do, an instant is wrong rather than the trace so thin.
const STEPS_FOR_A_SAMPLE: i64 = 100;

/// Refuses samples that lie so far apart that one of their instants must be wrong. `file` is what the sentence begins with.
pub fn check_span(
    file: &str,
    instants: impl IntoIterator<Item = Timestamp>,
    step: Step,
) -> Result<(), ReadError> {
    let steps: BTreeSet<Timestamp> = instants.into_iter().map(|at| at.floor(step)).collect();
    let (Some(first), Some(last)) = (steps.first(), steps.last()) else { return Ok(()) };
    let span = (*last - *first).whole_steps(step) as i64;
    if span <= steps.len() as i64 * STEPS_FOR_A_SAMPLE {
        return Ok(());
    }
    Err(ReadError::File {
        file: file.to_owned(),
        expected: format!("samples in at least one of {STEPS_FOR_A_SAMPLE} steps of their time"),
        found: format!("{} steps with samples from {first} to {last}", steps.len()),
    })
}

/// The text of a file, or the line at which it stops being UTF-8.
fn text<'a>(file: &str, bytes: &'a [u8]) -> Result<&'a str, ReadError> {
    std::str::from_utf8(bytes).map_err(|error| ReadError::Field {
        file: file.to_owned(),
        line: line_of(bytes, error.valid_up_to()),
        field: "text".to_owned(),
        expected: "UTF-8",
        found: format!("byte {:#04x}", bytes[error.valid_up_to()]),
    })
}

fn line_of(bytes: &[u8], position: usize) -> u64 {
    1 + bytes[..position].iter().filter(|byte| **byte == b'\n').count() as u64
}

/// The number in a field; a negative, infinite or unreadable one is an error.
fn amount(text: &str) -> Option<f64> {
    text.parse::<f64>().ok().filter(|value| value.is_finite() && *value >= 0.0)
}
