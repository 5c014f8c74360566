//! The loop's forecasters stand what real samples are like: gaps, absurd samples, shifts, clocks that jump, samples that
//! come twice, late or not at all. Every bound that is wider than one would wish says what was measured. Nothing here may
//! be tuned on: seeds and sizes are arbitrary.

use std::f64::consts::TAU;

use weft_core::forecast::{Forecast, Levels};
use weft_core::series::Sample;

use super::{SEASON, at, bank, fingerprint, key, observe};
use crate::bank::Bank;
use crate::generated::Noise;
use crate::validation::pinball;

const LEVELS: [f64; 5] = [0.025, 0.1, 0.5, 0.9, 0.975];
const HORIZON: usize = 24;
const DAYS: usize = 10;
const ORIGIN: usize = DAYS * SEASON;

/// One row of samples a step; NaN is a gap.
type Path = Vec<Vec<f32>>;

/// Demand until a horizon after the origin: a day's rhythm, other for each series, and noise with some memory.
fn demand(seed: u64, series: usize) -> Path {
    let mut noise = Noise::new(seed);
    let shape = |noise: &mut Noise| {
        (20.0 + 60.0 * noise.uniform(), 0.2 + 0.3 * noise.uniform(), noise.uniform())
    };
    let shapes: Vec<(f64, f64, f64)> = (0..series).map(|_| shape(&mut noise)).collect();
    let mut memory = vec![0.0; series];
    let mut step = |t: usize| {
        let each = shapes.iter().zip(&mut memory).map(|((level, share, begin), memory)| {
            *memory = 0.7 * *memory + 0.05 * noise.normal();
            let angle = (t as f64 / SEASON as f64 + begin) * TAU;
            let rhythm = 1.0 + share * (angle.sin() + 0.4 * (2.0 * angle).sin());
            (level * (rhythm + *memory)).max(0.0) as f32
        });
        each.collect()
    };
    (0..ORIGIN + HORIZON).map(&mut step).collect()
}

fn levels() -> Levels {
    Levels::new(&LEVELS).expect("levels")
}

fn watched(path: &[Vec<f32>]) -> Bank {
    let mut bank = bank(path[0].len(), HORIZON);
    path.iter().enumerate().for_each(|(t, values)| observe(&mut bank, t, values, &[]));
    bank
}

/// Sound by construction: finite, ascending, not negative.
fn forecast(bank: &Bank, index: usize) -> Forecast {
    bank.forecast(&key(index), HORIZON, &levels()).expect("old enough")
}

/// Mean pinball loss of all series from now on, in means of each, and the share inside 95 %.
fn judge(bank: &Bank, path: &Path, origin: usize) -> (f64, f64) {
    let (mut loss, mut inside) = (0.0, 0.0);
    let series = path[0].len();
    for index in 0..series {
        let forecast = forecast(bank, index);
        let usual = path.iter().map(|row| f64::from(row[index])).sum::<f64>() / path.len() as f64;
        for ahead in 0..HORIZON {
            let (row, came) = (forecast.at(ahead), path[origin + ahead][index]);
            let each = LEVELS.iter().zip(row);
            loss += each.map(|(l, q)| pinball(*l, f64::from(*q), came.into())).sum::<f64>() / usual;
            inside += f64::from(u8::from(row[0] <= came && came <= row[4]));
        }
    }
    let steps = (series * HORIZON) as f64;
    (loss / steps / LEVELS.len() as f64, inside / steps)
}

/// The same over origins every five steps of the last four days.
fn rolling(path: &Path, dirty: &Path) -> (f64, f64) {
    let mut bank = bank(path[0].len(), HORIZON);
    let (mut sums, mut origins) = ((0.0, 0.0), 0.0);
    for (t, row) in dirty[..ORIGIN].iter().enumerate() {
        observe(&mut bank, t, row, &[]);
        if t >= ORIGIN - 4 * SEASON && t % 5 == 0 {
            let (loss, inside) = judge(&bank, path, t + 1);
            sums = (sums.0 + loss, sums.1 + inside);
            origins += 1.0;
        }
    }
    (sums.0 / origins, sums.1 / origins)
}

#[test]
fn gaps_cost_little() {
    let path = demand(1, 6);
    let mut torn = path.clone();
    let mut noise = Noise::new(2);
    for index in 0..6 {
        let mut missing = 0;
        while missing < ORIGIN * 15 / 100 {
            let is_burst = missing * 3 > ORIGIN * 15 / 100;
            let length = if is_burst { 4 + (20.0 * noise.uniform()) as usize } else { 1 };
            let from = (noise.uniform() * ORIGIN as f64) as usize;
            let rows = torn.iter_mut().skip(from).take(length);
            rows.for_each(|row| row[index] = f32::NAN);
            missing += length;
        }
    }
    let (whole, torn) = (rolling(&path, &path), rolling(&path, &torn));
    // Measured: 1.053, and 1.044 on another fleet.
    assert!(torn.0 < 1.06 * whole.0, "{torn:?} with gaps, {whole:?} without");
    assert!((0.92..=0.98).contains(&torn.1), "{torn:?}");
}

/// One sample of a thousand times its worth, so many steps before the origin, in one series of four: how far that moves any
/// quantile of any of them, in means of the series. A gap in its place moves them too.
fn check_absurd(before: usize) {
    let path = demand(3, 4);
    let mut dirty = path.clone();
    dirty[ORIGIN - before][0] *= 1_000.0;
    let [clean, dirty] = [&path, &dirty].map(|path| watched(&path[..ORIGIN]));
    let mut furthest = 0.0_f32;
    for index in 0..4 {
        let [clean, dirty] = [&clean, &dirty].map(|bank| forecast(bank, index));
        let usual = clean.medians().sum::<f32>() / HORIZON as f32;
        for ahead in 0..HORIZON {
            let apart = clean.at(ahead).iter().zip(dirty.at(ahead)).map(|(a, b)| (a - b).abs());
            furthest = apart.map(|apart| apart / usual).fold(furthest, f32::max);
        }
    }
    // Measured: 0.03; believed, it was 88.
    assert!(furthest < 0.05, "{furthest} means");
}

#[test]
fn an_absurd_sample_of_today_reaches_no_further_than_its_step() {
    check_absurd(8);
}

#[test]
fn an_absurd_sample_of_yesterday_reaches_no_further_than_its_step() {
    check_absurd(SEASON + 8);
}

#[test]
fn what_comes_a_second_time_is_believed() {
    let path = demand(4, 1);
    let mut bank = bank(1, HORIZON);
    for (t, row) in path[..SEASON].iter().enumerate() {
        let value = if t + 2 < SEASON { row[0] } else { 1_000.0 * row[0] };
        observe(&mut bank, t, &[value], &[]);
    }
    let history = &bank.series[0].history;
    assert!(history.get(SEASON as i64 - 2).is_nan(), "the first is doubted");
    assert_eq!(history.get(SEASON as i64 - 1), 1_000.0 * path[SEASON - 1][0]);
    let mut capped = Bank::new(super::config(HORIZON));
    capped.insert(key(0), 1e6);
    for (t, row) in path[..SEASON].iter().enumerate() {
        let value = if t + 1 < SEASON { row[0] } else { 1_000.0 * row[0] };
        observe(&mut capped, t, &[value], &[]);
    }
    let newest = capped.series[0].history.get(SEASON as i64 - 1);
    assert!(newest > 1e3, "an idle machine that begins to work is below its cap: {newest}");
}

/// Half as much again from so many steps before the origin on: how much of it the medians follow on average, and how much of
/// what comes the intervals cover.
fn check_shift(since: usize, (least, most): (f32, f32), least_covered: f64) {
    const SERIES: usize = 8;
    let mut path = demand(5, SERIES);
    let mean = |index: usize| path.iter().map(|row| row[index]).sum::<f32>() / path.len() as f32;
    let shifts: Vec<f32> = (0..SERIES).map(|index| 0.5 * mean(index)).collect();
    for row in &mut path[ORIGIN - since..] {
        row.iter_mut().zip(&shifts).for_each(|(value, shift)| *value += shift);
    }
    let bank = watched(&path[..ORIGIN]);
    let followed = |index: usize| {
        let said: f32 = forecast(&bank, index).medians().sum();
        let came: f32 = path[ORIGIN..].iter().map(|row| row[index]).sum();
        1.0 + (said - came) / HORIZON as f32 / shifts[index]
    };
    let followed = (0..SERIES).map(followed).sum::<f32>() / SERIES as f32;
    let (_, covered) = judge(&bank, &path, ORIGIN);
    assert!((least..most).contains(&followed), "{followed} of the shift");
    assert!(covered >= least_covered, "{covered} covered");
}

#[test]
fn a_level_shift_of_yesterday_is_followed() {
    check_shift(SEASON, (0.9, 1.1), 0.95);
}

#[test]
fn a_level_shift_of_today_is_followed() {
    // What reverts mostly is expected to revert: a quarter is followed, and the intervals cover half.
    check_shift(8, (0.2, 0.6), 0.5);
}

#[test]
fn a_clock_that_jumps_is_followed() {
    for days in [4, 7] {
        let jump = ORIGIN - days * SEASON;
        let local_time = |jump: usize| -> Path {
            let mut noise = Noise::new(7);
            let mut step = |t: usize| {
                let local = if t >= jump { t + 2 } else { t } % SEASON;
                let value = |index: usize, noise: &mut Noise| {
                    let apart = (local as f64 - 6.0 - 5.0 * index as f64) / 2.0;
                    (30.0 + 40.0 * (-0.5 * apart * apart).exp() + 1.5 * noise.normal()) as f32
                };
                (0..4).map(|index| value(index, &mut noise)).collect()
            };
            (0..ORIGIN + HORIZON).map(&mut step).collect()
        };
        let (path, old) = (local_time(jump), local_time(usize::MAX));
        let bank = watched(&path[..ORIGIN]);
        let mut right = 0;
        for index in 0..4 {
            let path: Vec<f32> = forecast(&bank, index).medians().collect();
            let peak = (0..HORIZON).max_by(|a, b| path[*a].total_cmp(&path[*b])).expect("steps");
            right += usize::from(peak == 4 + 5 * index);
        }
        let [new, old] = [&path, &old].map(|path| judge(&bank, path, ORIGIN));
        assert_eq!(right, 4, "peaks at the new hour after {days} days");
        assert!(
            new.0 < 0.25 * old.0 && new.1 >= 0.93,
            "{new:?} at the new hour, {old:?} at the old"
        );
    }
}

/// In any order within a step, twice or once, with later ones among them: the same. A late one is history, from which the
/// next fit learns; what was forecast meanwhile has gone on without it.
#[test]
fn samples_twice_or_in_any_order_change_nothing() {
    const STEPS: usize = 100;
    let path = demand(9, 4);
    let sample = |t: usize, index: usize| Sample {
        key: key(index),
        at: at(t),
        value: path[t][index],
        censored: false,
    };
    let row = |t: usize| (0..4).map(move |index| (t, index));
    let told = |samples: &dyn Fn(usize) -> Vec<(usize, usize)>| {
        let mut bank = bank(4, HORIZON);
        for t in 0..STEPS {
            let samples: Vec<Sample> = samples(t).iter().map(|(t, i)| sample(*t, *i)).collect();
            bank.observe(at(t), &samples, &[]);
            bank.refit();
        }
        fingerprint(&bank)
    };
    let in_order = told(&|t| row(t).collect());
    let twice = told(&|t| row(t).chain(row(t)).collect());
    let backwards = told(&|t| row(t).rev().collect());
    let again = told(&|t| row(t).chain(row(t.saturating_sub(2))).chain(row(t + 1)).collect());
    assert!(in_order == twice && in_order == backwards && in_order == again);
    let late = told(&|t| row(t).filter(|(t, i)| (t + i) % 9 > 0).collect());
    assert!(in_order != late, "a sample that is missing is missed");
}

/// Samples that come two steps late are history: the forecast is that of gaps until the next fit, which has them all.
#[test]
fn late_samples_are_learned_from_at_the_next_fit() {
    const STEPS: usize = 4 * SEASON;
    let path = demand(10, 6);
    let is_held_up = |t: usize, index: usize| t > 6 && (t / 3 + index).is_multiple_of(5);
    let run = |is_late_told: bool| {
        let mut bank = bank(6, HORIZON);
        for t in 0..STEPS {
            let now = |index: &usize| !is_held_up(t, *index);
            let mut told: Vec<(usize, usize)> =
                (0..6).filter(now).map(|index| (t, index)).collect();
            if is_late_told && t >= 2 {
                let held_up = (0..6).filter(|index| is_held_up(t - 2, *index));
                told.extend(held_up.map(|index| (t - 2, index)));
            }
            let sample = |(t, index): &(usize, usize)| Sample {
                key: key(*index),
                at: at(*t),
                value: path[*t][*index],
                censored: false,
            };
            bank.observe(at(t), &told.iter().map(sample).collect::<Vec<_>>(), &[]);
            bank.refit();
        }
        bank
    };
    let (late, never) = (run(true), run(false));
    for index in 0..6 {
        let gaps = |bank: &Bank| {
            let held = &bank.series[index].history;
            (0..STEPS as i64 - 2).filter(|t| held.get(*t).is_nan()).count()
        };
        assert_eq!(gaps(&late), 0, "what came late is held");
        assert!(gaps(&never) > STEPS / 8);
    }
    let whole = watched(&path[..STEPS]);
    let [whole, late, never] = [&whole, &late, &never].map(|bank| judge(bank, &path, STEPS).0);
    assert!((0.97..1.03).contains(&(late / whole)), "{whole} in time, {late} late, {never} never");
    assert!(never > late, "{late} late, {never} never");
}

#[test]
fn flat_and_rare_demand_is_what_it_is() {
    let mut noise = Noise::new(13);
    let mut rare = || if noise.uniform() < 0.06 { 20.0 + 60.0 * noise.uniform() } else { 0.0 };
    let path: Path = (0..ORIGIN).map(|_| vec![7.0, 0.0, rare() as f32]).collect();
    let bank = watched(&path);
    let [flat, zero, rare] = [0, 1, 2].map(|index| forecast(&bank, index));
    for ahead in 0..HORIZON {
        assert!(flat.at(ahead).iter().all(|value| (*value - 7.0).abs() < 0.01), "{flat:?}");
        assert!(zero.at(ahead).iter().all(|value| *value < 0.01), "{zero:?}");
    }
    let mean = |level: usize| (0..HORIZON).map(|a| rare.at(a)[level]).sum::<f32>() / HORIZON as f32;
    let most = (0..HORIZON).map(|ahead| rare.at(ahead)[4]).fold(0.0, f32::max);
    assert!(mean(2) < 3.0 && mean(4) > 20.0 && most < 90.0, "{} {} {most}", mean(2), mean(4));
}

/// From the first samples on: refused, or sound and not much worse than the last value, which knows as much. Distance of the
/// medians over that of the last value.
#[test]
fn short_pasts_are_answered_or_refused() {
    let path = demand(17, 24);
    let young = watched(&path[..5]);
    let error = young.forecast(&key(0), HORIZON, &levels()).expect_err("too few samples");
    assert!(error.to_string().starts_with("expected at least 6 samples"), "{error}");
    for (stage, most) in [([6, 7, 8], 1.05), ([12, 14, 16], 1.1), ([30, 36, 42], 1.3)] {
        let (mut said, mut last, mut covered) = (0.0, 0.0, 0.0);
        for samples in stage {
            let bank = watched(&path[..samples]);
            for index in 0..24 {
                let (usual, before) = (path[0][index], path[samples - 1][index]);
                for (median, row) in forecast(&bank, index).medians().zip(&path[samples..]) {
                    said += (median - row[index]).abs() / usual;
                    last += (before - row[index]).abs() / usual;
                }
            }
            covered += judge(&bank, &path, samples).1 / 3.0;
        }
        let ratio = said / last;
        // Measured: 1.02, 0.99 and 1.24. Before the season is known smoothing wins on the last hours and loses on the next;
        // the intervals of 95 % cover 81, 85 and 63 %, since nobody in the bank has seen a day.
        assert!(ratio < most, "{ratio} at {stage:?}");
        assert!(covered >= 0.6, "{covered} covered at {stage:?}");
    }
}

/// A series that begins where like ones have been for days.
#[test]
fn a_cold_start_borrows_intervals() {
    let path = demand(19, 12);
    let mut bank = bank(10, HORIZON);
    for (t, row) in path[..6 * SEASON].iter().enumerate() {
        observe(&mut bank, t, &row[..10], &[]);
    }
    [10, 11].iter().for_each(|index| bank.insert(key(*index), f32::INFINITY));
    for (t, row) in path.iter().enumerate().skip(6 * SEASON).take(8) {
        observe(&mut bank, t, row, &[]);
    }
    let mut inside = 0;
    for index in [10, 11] {
        let forecast = forecast(&bank, index);
        for ahead in 0..HORIZON {
            let (row, came) = (forecast.at(ahead), path[6 * SEASON + 8 + ahead][index]);
            inside += u32::from(row[0] <= came && came <= row[4]);
        }
    }
    // Ninety percent of what was promised, four hours after they began.
    assert!(inside * 100 >= 2 * HORIZON as u32 * 85, "{inside} of {}", 2 * HORIZON);
}

/// Cut off where the host was full: the demand may have been more, and the upper quantiles say so.
#[test]
fn what_was_cut_off_may_have_been_more() {
    let path = demand(23, 5);
    let mut bank = bank(5, HORIZON);
    let caps: Vec<f32> = (0..5)
        .map(|index| {
            let mut values: Vec<f32> = path.iter().map(|row| row[index]).collect();
            values.sort_unstable_by(f32::total_cmp);
            values[values.len() * 85 / 100]
        })
        .collect();
    let (mut cut, mut beyond, mut missed) = (0, 0, 0);
    for t in 0..ORIGIN {
        let sample = |(index, cap): (usize, &f32)| {
            let (value, censored) = (path[t][index].min(*cap), path[t][index] >= *cap);
            Sample { key: key(index), at: at(t), value, censored }
        };
        let samples: Vec<Sample> = caps.iter().enumerate().map(sample).collect();
        bank.observe(at(t), &samples, &[]);
        bank.refit();
        if t < 8 * SEASON || t % 5 > 0 {
            continue;
        }
        for (index, cap) in caps.iter().enumerate() {
            let forecast = forecast(&bank, index);
            for ahead in 0..HORIZON {
                let (came, upper) = (path[t + 1 + ahead][index], forecast.at(ahead)[4]);
                if came > *cap {
                    cut += 1;
                    beyond += u32::from(upper > 1.02 * cap);
                    missed += u32::from(came > upper);
                }
            }
        }
    }
    assert!(cut > 200 && beyond * 100 >= cut * 95, "{beyond} of {cut} beyond the cap");
    assert!(missed * 100 <= cut * 15, "{missed} of {cut} missed");
}
