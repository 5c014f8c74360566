//! What a store owes about samples: steps, late ones, back-filled ones, whole days of them, over
//! compaction and over being opened again.

use std::collections::BTreeSet;

use weft_core::resource::SeriesKey;
use weft_core::series::{Sample, Series};
use weft_core::time::Span;

use super::{Breach, at, key, same, step};
use crate::Store;

pub(super) fn run(make: &mut dyn FnMut() -> Box<dyn Store>) -> Result<(), Breach> {
    samples_come_back(make().as_ref())?;
    days_of_samples_come_back(make().as_ref())?;
    late_samples_are_taken(make().as_ref())?;
    a_late_sample_comes_with_the_very_first_step(make().as_ref())?;
    a_step_written_again_replaces_its_correction(make().as_ref())?;
    a_back_fill_replaces_what_is_there(make().as_ref())?;
    many_series_are_back_filled_at_once(make().as_ref())?;
    a_step_far_ahead_is_refused(make().as_ref())?;
    old_samples_are_forgotten(make().as_ref())
}

fn sample(name: &str, steps: i64, value: f32) -> Sample {
    Sample { key: key(name), at: at(steps), value, censored: steps % 3 == 0 }
}

/// Steps enough after the first ones that compaction takes them.
fn write_days(store: &dyn Store, from: i64, until: i64) -> Result<(), Breach> {
    (from..until).try_for_each(|step| Ok(store.write_step(at(step), &[sample("a", step, 1.0)])?))
}

fn days(count: i64) -> i64 {
    count * step().per_day() as i64
}

fn found(store: &dyn Store, name: &str, from: i64, until: i64) -> Result<Vec<Option<f32>>, Breach> {
    let series = store.history(&key(name), at(from), at(until))?;
    let mut values: Vec<_> = series.iter().collect();
    values.resize((until - from) as usize, None);
    Ok(values)
}

fn samples_come_back(store: &dyn Store) -> Result<(), Breach> {
    let check = "samples";
    store.write_step(at(0), &[sample("a", 0, 1.0), sample("b", 0, 2.0)])?;
    store.write_step(at(2), &[sample("a", 2, 3.0), sample("b", 2, f32::NAN)])?;
    same(check, &vec![Some(1.0), None, Some(3.0)], &found(store, "a", 0, 3)?)?;
    same(check, &vec![Some(2.0), None, None], &found(store, "b", 0, 3)?)?;
    same(check, &vec![None, None], &found(store, "c", 0, 2)?)?;
    let series = store.history(&key("a"), at(0), at(3))?;
    same("censored samples", &(true, false), &(series.is_censored(0), series.is_censored(2)))?;
    let known: BTreeSet<SeriesKey> = store.series()?.into_iter().collect();
    same("series", &[key("a"), key("b")].into(), &known)?;
    same("the newest step", &Some(at(2)), &store.newest_step()?)
}

fn days_of_samples_come_back(store: &dyn Store) -> Result<(), Breach> {
    let steps = days(4);
    let value = |step: i64| (step % 1_000) as f32;
    for step in 0..steps {
        let mut samples = vec![sample("a", step, value(step))];
        if step % 7 != 0 {
            samples.push(sample("b", step, value(step) + 1.0));
        }
        store.write_step(at(step), &samples)?;
        if step % 20 == 0 {
            store.compact()?;
        }
    }
    let whole: Vec<_> = (0..steps).map(|step| Some(value(step))).collect();
    same("days of samples", &whole, &found(store, "a", 0, steps)?)?;
    let gaps = (0..steps).map(|step| (step % 7 != 0).then_some(value(step) + 1.0));
    same("days of samples with gaps", &gaps.collect(), &found(store, "b", 0, steps)?)?;
    same("a piece of them", &whole[10..90].to_vec(), &found(store, "a", 10, 90)?)
}

fn late_samples_are_taken(store: &dyn Store) -> Result<(), Breach> {
    let steps = days(3);
    let past = (0..10).map(|step| Some(step as f32));
    store.back_fill(&key("a"), &Series::from_values(at(0), step(), past))?;
    for step in 10..steps {
        store.write_step(at(step), &[sample("a", step, 5.0)])?;
    }
    store.compact()?;
    let late = [sample("a", steps, 6.0), sample("a", steps - 2, 7.0), sample("a", 12, 8.0)];
    store.write_step(at(steps), &late)?;
    let check = "late samples";
    same(
        check,
        &vec![Some(5.0), Some(7.0), Some(5.0), Some(6.0)],
        &found(store, "a", steps - 3, steps + 1)?,
    )?;
    same(check, &vec![Some(9.0), Some(5.0)], &found(store, "a", 9, 11)?)?;
    same(check, &vec![Some(5.0), Some(8.0), Some(5.0)], &found(store, "a", 11, 14)?)
}

fn old_samples_are_forgotten(store: &dyn Store) -> Result<(), Breach> {
    let steps = days(3);
    let past = (0..steps).map(|_| Some(4.0));
    store.back_fill(&key("a"), &Series::from_values(at(0), step(), past))?;
    store.forget_before(at(days(1)))?;
    let check = "retention";
    same(check, &vec![None, Some(4.0)], &found(store, "a", days(1) - 1, days(1) + 1)?)
}

fn a_late_sample_comes_with_the_very_first_step(store: &dyn Store) -> Result<(), Breach> {
    let check = "a late sample in the first step";
    store.write_step(at(10), &[sample("a", 10, 1.0), sample("a", 8, 2.0)])?;
    same(check, &vec![Some(2.0), None, Some(1.0)], &found(store, "a", 8, 11)?)?;
    write_days(store, 11, days(3))?;
    store.compact()?;
    same(check, &vec![Some(2.0), None, Some(1.0)], &found(store, "a", 8, 11)?)
}

fn a_step_written_again_replaces_its_correction(store: &dyn Store) -> Result<(), Breach> {
    correct_and_write_again(store)?;
    let check = "a step written again";
    let expected = vec![Some(3.0), Some(1.0)];
    same(check, &expected, &found(store, "a", 0, 2)?)?;
    write_days(store, 2, days(3))?;
    store.compact()?;
    same(check, &expected, &found(store, "a", 0, 2)?)
}

fn correct_and_write_again(store: &dyn Store) -> Result<(), Breach> {
    store.write_step(at(0), &[sample("a", 0, 1.0)])?;
    store.write_step(at(1), &[sample("a", 1, 1.0), sample("a", 0, 2.0)])?;
    store.write_step(at(0), &[sample("a", 0, 3.0)])?;
    Ok(())
}

fn a_back_fill_replaces_what_is_there(store: &dyn Store) -> Result<(), Breach> {
    let check = "a back-fill over steps";
    write_days(store, 0, 3)?;
    let past = [None, Some(9.0), None, Some(8.0)];
    store.back_fill(&key("a"), &Series::from_values(at(0), step(), past))?;
    let expected = vec![Some(1.0), Some(9.0), Some(1.0), Some(8.0)];
    same(check, &expected, &found(store, "a", 0, 4)?)?;
    write_days(store, 4, days(3))?;
    store.compact()?;
    same(check, &expected, &found(store, "a", 0, 4)?)
}

fn many_series_are_back_filled_at_once(store: &dyn Store) -> Result<(), Breach> {
    let past = |value| Series::from_values(at(0), step(), [Some(value), None, Some(value)]);
    store.back_fill_all(&[(key("a"), past(1.0)), (key("b"), past(2.0))])?;
    store.back_fill_all(&[])?;
    let check = "a back-fill of many";
    same(check, &vec![Some(1.0), None, Some(1.0)], &found(store, "a", 0, 3)?)?;
    same(check, &vec![Some(2.0), None, Some(2.0)], &found(store, "b", 0, 3)?)?;
    same(check, &Some(at(2)), &store.newest_step()?)
}

fn a_step_far_ahead_is_refused(store: &dyn Store) -> Result<(), Breach> {
    let check = "a step far ahead";
    store.write_step(at(0), &[sample("a", 0, 1.0)])?;
    let far = days(32);
    same(check, &true, &store.write_step(at(far), &[sample("a", far, 1.0)]).is_err())?;
    same(check, &true, &store.write_step(at(1), &[sample("a", far, 1.0)]).is_err())?;
    same(check, &Some(at(0)), &store.newest_step()?)?;
    store.back_fill(&key("a"), &Series::from_values(at(far), step(), [None]))?;
    store.write_step(at(far), &[sample("a", far, 2.0)])?;
    same(check, &vec![Some(2.0)], &found(store, "a", far, far + 1)?)
}

/// See [`super::run_reopened`]; the store has no samples yet.
pub(super) fn reopened(open: &mut dyn FnMut() -> Box<dyn Store>) -> Result<(), Breach> {
    let check = "samples after reopening";
    correct_and_write_again(open().as_ref())?;
    let first = vec![Some(3.0), Some(1.0)];
    let store = open();
    same(check, &first, &found(store.as_ref(), "a", 0, 2)?)?;
    write_days(store.as_ref(), 2, days(3))?;
    let late = [sample("a", days(3), 4.0), sample("b", 5, 6.0), sample("a", days(2), 7.0)];
    store.write_step(at(days(3)), &late)?;
    store.compact()?;
    drop(store);
    let store = open();
    same(check, &first, &found(store.as_ref(), "a", 0, 2)?)?;
    same(check, &vec![None, Some(6.0), None], &found(store.as_ref(), "b", 4, 7)?)?;
    let newest = found(store.as_ref(), "a", days(2) - 1, days(2) + 2)?;
    same(check, &vec![Some(1.0), Some(7.0), Some(1.0)], &newest)?;
    same(check, &Some(at(0) + Span::from_days(3)), &store.newest_step()?)?;
    let known: BTreeSet<SeriesKey> = store.series()?.into_iter().collect();
    same(check, &[key("a"), key("b")].into(), &known)
}
