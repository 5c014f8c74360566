//! Forecasters made anew from stored samples: after a start, after a long silence, after one was lost. Older days are
//! taken in as a past; the newest steps are watched one by one, so that the tails of hosts are
//! calibrated on who is where now. It reads the store and nothing else.

use std::sync::atomic::{AtomicBool, Ordering};

use weft_control::control::Config;
use weft_control::job::{announcements, host_groups};
use weft_core::fleet::Workloads;
use weft_core::observation::Observation;
use weft_core::resource::{Measure, Resource, SeriesKey};
use weft_core::series::{Sample, Series};
use weft_core::time::{Step, Timestamp};
use weft_forecast::bank::Bank;
use weft_store::{Store, StoreError};

use super::signals::heeded;

/// Series that are read and taken in at once: a few megabytes of a week, and a second of work before somebody who
/// wants to stop is heard.
const BATCH: usize = 256;

/// How much of a past forecasters are made from, in samples of all series together.
#[derive(Debug, Clone, Copy)]
pub struct Depth {
    /// Samples that are judged. Forecasters of a small fleet are judged by all that is learned from, those
    /// of a large one by a day at least; what is older they only know.
    pub judged: usize,
    /// Samples that are watched one by one. A small fleet is watched for two days, a large one for
    /// hours.
    pub watched: usize,
}

impl Depth {
    /// Of a fleet that is served: a minute of work, and some 20 seconds.
    pub const SERVED: Self = Self { judged: 8_000_000, watched: 1_000_000 };
}

/// Steps that are watched at least: fewer tell nothing of a tail.
const LEAST_WATCHED: usize = 24;

/// The forecasters of the workloads that were seen, from the samples of as many steps as `config` says.
/// Ends early with what it has where `stopping` is set.
pub fn restored(
    config: &Config,
    store: &dyn Store,
    seen: &Observation,
    depth: Depth,
    stopping: &AtomicBool,
) -> Result<Bank, StoreError> {
    let mut bank = config.new_bank();
    let Some(newest) = store.newest_step()? else { return Ok(bank) };
    let step = config.step;
    let until = newest + step.span();
    let from = until - step.span() * config.history_steps as i64;
    let mut keys = store.series()?;
    keys.retain(|key| seen.workloads.contains_key(&key.workload));
    keys.sort();
    let watched = watched_steps(depth, keys.len(), step);
    let judged = judged_steps(depth, keys.len(), step);
    let events = heeded(store, until)?;
    bank.announce(announcements(&events, &seen.workloads));
    let newest_steps =
        Stretch { begins: until - step.span() * watched as i64, step, steps: watched };
    for batch in keys.chunks(BATCH).take_while(|_| !stopping.load(Ordering::Acquire)) {
        let past = |key: &SeriesKey| {
            let series = store.history(key, from, newest_steps.begins)?;
            Ok((key.clone(), cap(key, &seen.workloads), without_leading_gaps(&series)))
        };
        let pasts = batch.iter().map(past).collect::<Result<_, StoreError>>()?;
        bank.insert_histories(pasts, judged);
    }
    watch(&mut bank, store, seen, (&keys, newest_steps), stopping)?;
    bank.announce(announcements(&events, &seen.workloads));
    bank.refit();
    Ok(bank)
}

fn judged_steps(depth: Depth, series: usize, step: Step) -> usize {
    (depth.judged / series.max(1)).max(step.per_day())
}

fn watched_steps(depth: Depth, series: usize, step: Step) -> usize {
    (depth.watched / series.max(1)).clamp(LEAST_WATCHED, 2 * step.per_day())
}

/// The most that a workload can demand.
fn cap(key: &SeriesKey, workloads: &Workloads) -> f32 {
    match (&key.measure, workloads.get(&key.workload)) {
        (Measure::Resource(Resource::Cpu), Some(workload)) => workload.cpu_millicores() as f32,
        _ => f32::INFINITY,
    }
}

/// A workload's past begins with its first sample.
fn without_leading_gaps(series: &Series) -> Series {
    let gaps = series.iter().take_while(Option::is_none).count();
    let begins = series.start() + series.step().span() * gaps as i64;
    let mut rest = Series::new(begins, series.step());
    (gaps..series.len()).for_each(|index| rest.push(series.get(index), series.is_censored(index)));
    rest
}

/// Some steps in a row.
#[derive(Debug, Clone, Copy)]
struct Stretch {
    begins: Timestamp,
    step: Step,
    steps: usize,
}

impl Stretch {
    fn at(&self, index: usize) -> Timestamp {
        self.begins + self.step.span() * index as i64
    }
}

/// The steps of `stretch` as if they had come one by one, on the hosts of now.
fn watch(
    bank: &mut Bank,
    store: &dyn Store,
    seen: &Observation,
    (keys, stretch): (&[SeriesKey], Stretch),
    stopping: &AtomicBool,
) -> Result<(), StoreError> {
    let groups = host_groups(&seen.placement);
    let read = |key: &SeriesKey| store.history(key, stretch.begins, stretch.at(stretch.steps));
    let series: Vec<Series> = keys.iter().map(read).collect::<Result<_, _>>()?;
    for index in (0..stretch.steps).take_while(|_| !stopping.load(Ordering::Acquire)) {
        let begins = stretch.at(index);
        let sample = |(key, series): (&SeriesKey, &Series)| {
            let value = series.get(index)?;
            Some(Sample {
                key: key.clone(),
                at: begins,
                value,
                censored: series.is_censored(index),
            })
        };
        let samples: Vec<Sample> = keys.iter().zip(&series).filter_map(sample).collect();
        if !samples.is_empty() {
            bank.observe(begins, &samples, &groups);
        }
        if index.is_multiple_of(stretch.step.per_day() / 4) {
            bank.refit();
        }
    }
    Ok(())
}
