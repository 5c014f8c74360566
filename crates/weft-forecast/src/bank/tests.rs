//! What a bank promises, held against generated fleets: intervals and tails that cover what they
//! say, floors that smoothing must beat, nothing from the future, the same result for any threads.
//! No constant of the product may be tuned on these, so seeds and sizes are arbitrary.

use proptest::prelude::{ProptestConfig, any, prop_assert, proptest};
use weft_core::forecast::Confidence;

use super::*;
use crate::generated::Noise;

mod dirt;

const SEASON: usize = 48;

fn step() -> Step {
    Step::new(weft_core::time::Span::from_minutes(30)).expect("a step")
}

fn config(horizon: usize) -> BankConfig {
    BankConfig::new(step(), Buckets::covering(horizon))
}

fn key(index: usize) -> SeriesKey {
    SeriesKey::resource(format!("vm-{index:04}").as_str().into(), Resource::Cpu)
}

fn at(step_number: usize) -> Timestamp {
    Timestamp::from_millis(step_number as i64 * step().span().as_millis())
}

fn bank(series: usize, horizon: usize) -> Bank {
    let mut bank = Bank::new(config(horizon));
    (0..series).for_each(|index| bank.insert(key(index), f32::INFINITY));
    bank
}

/// One step of many series; NaN is a gap.
fn observe(bank: &mut Bank, step_number: usize, values: &[f32], groups: &[Group]) {
    let sample = |(index, value): (usize, &f32)| Sample {
        key: key(index),
        at: at(step_number),
        value: *value,
        censored: false,
    };
    let present = values.iter().enumerate().filter(|(_, value)| !value.is_nan());
    let samples: Vec<Sample> = present.map(sample).collect();
    bank.observe(at(step_number), &samples, groups);
    bank.refit();
}

/// A fleet with a daily season, an autoregression per series, shocks common to all, and noise.
struct Fleet {
    noise: Noise,
    common: f64,
    own: Vec<f64>,
    season: f64,
    shock: f64,
}

impl Fleet {
    fn new(seed: u64, series: usize, season: f64, shock: f64) -> Self {
        Self { noise: Noise::new(seed), common: 0.0, own: vec![0.0; series], season, shock }
    }

    fn step(&mut self, number: usize) -> Vec<f32> {
        self.common = 0.7 * self.common + self.shock * self.noise.normal();
        let phase = number as f64 / SEASON as f64 * std::f64::consts::TAU;
        let mut values = Vec::with_capacity(self.own.len());
        for (index, own) in self.own.iter_mut().enumerate() {
            *own = 0.8 * *own + 2.0 * self.noise.normal();
            let level = 60.0 + 5.0 * (index % 7) as f64;
            let value = level + self.season * phase.sin() + *own + self.common;
            values.push((value + self.noise.normal()).max(0.0) as f32);
        }
        values
    }
}

#[test]
fn intervals_cover_what_they_say() {
    let (series, horizon, days) = (12, 24, 16);
    let levels = Levels::new(&[0.025, 0.5, 0.975]).expect("levels");
    for season in [0.0, 15.0] {
        let mut bank = bank(series, horizon);
        let mut fleet = Fleet::new(21, series, season, 0.5);
        let path: Vec<Vec<f32>> = (0..days * SEASON + horizon).map(|t| fleet.step(t)).collect();
        let (mut covered, mut judged) = (vec![0_u32; horizon], vec![0_u32; horizon]);
        for t in 0..days * SEASON {
            observe(&mut bank, t, &path[t], &[]);
            if t < 4 * SEASON || t % 5 != 0 {
                continue;
            }
            let forecasts = (0..series).map(|index| bank.forecast(&key(index), horizon, &levels));
            for (index, forecast) in forecasts.enumerate() {
                let forecast = forecast.expect("old enough");
                for ahead in 0..horizon {
                    let (row, actual) = (forecast.at(ahead), path[t + 1 + ahead][index]);
                    covered[ahead] += u32::from(row[0] <= actual && actual <= row[2]);
                    judged[ahead] += 1;
                }
            }
        }
        let share = |covered: &[u32], judged: &[u32]| {
            f64::from(covered.iter().sum::<u32>()) / f64::from(judged.iter().sum::<u32>())
        };
        let pooled = share(&covered, &judged);
        assert!((0.93..=0.97).contains(&pooled), "{pooled} at season {season}");
        for piece in [0..1, 1..6, 6..24] {
            let found = share(&covered[piece.clone()], &judged[piece.clone()]);
            assert!((0.92..=0.98).contains(&found), "{found} in {piece:?} at season {season}");
        }
        let reports = (0..series).filter_map(|index| bank.report(&key(index))?.coverage);
        let measured: Vec<f64> = reports.map(|(share, _)| share).collect();
        let measured = measured.iter().sum::<f64>() / measured.len() as f64;
        assert!((measured - pooled).abs() < 0.03, "measured {measured}, was {pooled}");
    }
}

#[test]
fn tails_of_host_sums_hold_under_common_shocks() {
    let (hosts, each, horizon, days) = (12, 5, 24, 30);
    let groups: Vec<Group> = (0..hosts)
        .map(|host| Group {
            resource: Resource::Cpu,
            members: (0..each).map(|index| (key(host * each + index), 1.0)).collect(),
        })
        .collect();
    let mut bank = bank(hosts * each, horizon);
    let mut fleet = Fleet::new(33, hosts * each, 10.0, 3.0);
    let path: Vec<Vec<f32>> = (0..days * SEASON + horizon).map(|t| fleet.step(t)).collect();
    let levels = [0.9, 0.95, 0.99];
    let (mut above, mut judged) = ([0_u32; 3], 0_u32);
    for t in 0..days * SEASON {
        observe(&mut bank, t, &path[t], &groups);
        // Models have settled: in the first week they change and the tail lags behind.
        if t < 10 * SEASON {
            continue;
        }
        let scenarios = bank.scenarios().expect("old enough");
        for host in 0..hosts {
            let rows: Vec<(usize, f32)> = (0..each).map(|i| (host * each + i, 1.0)).collect();
            let bucket = (t + t / SEASON) % scenarios.buckets().len();
            let load = scenarios.load(&rows, bucket);
            for ahead in scenarios.buckets().steps(bucket) {
                let came: f32 = rows.iter().map(|(row, _)| path[t + 1 + ahead][*row]).sum();
                judged += 1;
                for (count, level) in above.iter_mut().zip(levels) {
                    let k = scenarios.tail().multiplier(Confidence::new(level).unwrap(), bucket);
                    *count += u32::from(came > load.mean + k * load.deviation);
                }
            }
        }
    }
    for (count, level) in above.into_iter().zip(levels) {
        let found = f64::from(count) / f64::from(judged);
        let expected = 1.0 - level;
        let ratio = found / expected;
        assert!((0.7..1.4).contains(&ratio), "{found} lay above the {level} quantile");
    }
}

#[test]
fn smoothing_acts_only_where_it_beats_both_floors() {
    let mut noise = Noise::new(8);
    let mut walk = 500.0;
    let mut bank = bank(3, 12);
    for t in 0..8 * SEASON {
        walk += noise.normal();
        let shape = ((t % SEASON) * (t % SEASON) * 7 % 23) as f64;
        let values = [walk, 10.0 + shape, 50.0 + noise.normal()].map(|value| value as f32);
        observe(&mut bank, t, &values, &[]);
    }
    let report = |index| bank.report(&key(index)).expect("inserted");
    for index in 0..3 {
        let report = report(index);
        let [last, seasonal, ets] = [0, 1, 2].map(|c| report.scores[c].pinball.expect("scored"));
        let expected = if ets < last.min(seasonal) {
            ModelName::Ets
        } else if seasonal < last {
            ModelName::SeasonalNaive
        } else {
            ModelName::LastValue
        };
        assert_eq!(report.model, expected, "{report:?}");
    }
    assert_eq!(report(1).model, ModelName::SeasonalNaive, "a season that repeats exactly");
    assert_eq!(report(2).model, ModelName::Ets, "noise around a level");
    assert_eq!(bank.acting_models().values().sum::<usize>(), 3);
}

#[test]
fn odd_series_give_finite_scenarios() {
    let mut bank = bank(6, 24);
    for t in 0..3 * SEASON {
        let gap = |is_gap: bool, value: f32| if is_gap { f32::NAN } else { value };
        let values = [
            7.0,
            0.0,
            if t % 19 == 0 { 1e9 } else { 0.0 },
            gap(t % 3 > 0, t as f32),
            gap(t < 3 * SEASON - 2, 100.0),
            gap(t > 10, 5.0),
        ];
        observe(&mut bank, t, &values, &[]);
        let Some(scenarios) = bank.scenarios() else {
            assert!(t < 5, "nothing is said at step {t}");
            continue;
        };
        for row in 0..scenarios.series().len() {
            for bucket in 0..scenarios.buckets().len() {
                assert!(scenarios.mean(row, bucket).is_finite());
                assert!(scenarios.within_variance(row, bucket).is_finite());
                let demand = |scenario| scenarios.demand(row, scenario, bucket);
                assert!((0..scenarios.len()).all(|s| demand(s).is_finite() && demand(s) >= 0.0));
            }
        }
    }
    assert_eq!(bank.last_observed_of(&key(5)), Some(at(11)));
    assert_eq!(bank.last_observed(), Some(at(3 * SEASON)));
    let levels = Levels::new(&[0.5]).expect("levels");
    let error = bank.forecast(&key(4), 4, &levels).expect_err("two samples");
    assert_eq!(error.to_string(), "expected at least 6 samples of vm-0004/cpu, found 2");
    assert!(matches!(bank.forecast(&key(9), 4, &levels), Err(BankError::Unknown(_))));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn quantiles_never_cross_and_stay_within_the_cap(
        values in proptest::collection::vec(proptest::option::weighted(0.9, 0.0_f32..1e6), 6..130),
        censored in any::<u64>(),
        cap in 1.0_f32..1e6,
    ) {
        let mut past = Series::new(at(0), step());
        for (index, value) in values.iter().enumerate() {
            past.push(value.map(|v| v.min(cap)), censored >> (index % 64) & 1 == 1);
        }
        let mut bank = Bank::new(config(24));
        bank.insert_history(key(0), cap, &past);
        let levels = Levels::new(&[0.001, 0.05, 0.25, 0.5, 0.75, 0.95, 0.999]).expect("levels");
        match bank.forecast(&key(0), 60, &levels) {
            Err(error) => prop_assert!(past.iter().flatten().count() < 6, "{error}"),
            // That quantiles ascend from zero is checked where the forecast is made.
            Ok(forecast) => {
                prop_assert!((0..60).all(|ahead| *forecast.at(ahead).last().unwrap() <= cap));
            }
        }
    }
}

/// Everything that scenarios say, as bits.
fn fingerprint(bank: &Bank) -> Vec<u32> {
    let scenarios = bank.scenarios().expect("old enough");
    let mut bits = Vec::new();
    for row in 0..scenarios.series().len() {
        for bucket in 0..scenarios.buckets().len() {
            bits.push(scenarios.within_variance(row, bucket).to_bits());
            bits.extend((0..scenarios.len()).map(|s| scenarios.demand(row, s, bucket).to_bits()));
            let k = scenarios.tail().multiplier(Confidence::new(0.95).unwrap(), bucket);
            bits.push(k.to_bits());
        }
    }
    bits
}

fn watched(series: usize, steps: usize, extra: &[Sample]) -> Bank {
    let mut bank = bank(series, 24);
    let mut fleet = Fleet::new(5, series, 10.0, 1.0);
    let members = (0..series).map(|index| (key(index), 1.0)).collect();
    let groups = [Group { resource: Resource::Cpu, members }];
    for t in 0..steps {
        let values = fleet.step(t).into_iter().enumerate();
        let sample = |(index, value)| Sample { key: key(index), at: at(t), value, censored: false };
        let mut samples: Vec<Sample> = values.map(sample).collect();
        samples.extend_from_slice(extra);
        bank.observe(at(t), &samples, &groups);
        bank.refit();
    }
    bank
}

#[test]
fn the_result_is_the_same_for_any_number_of_threads() {
    let with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        pool.install(|| fingerprint(&watched(300, 70, &[])))
    };
    let one = with(1);
    assert_eq!(one, with(2));
    assert_eq!(one, with(1), "the same input gives the same scenarios");
}

#[test]
fn the_future_is_not_looked_at() {
    let poison = |index| Sample { key: key(index), at: at(100), value: 1e6, censored: false };
    let poisoned = [poison(0), poison(1), poison(2)];
    let clean = fingerprint(&watched(3, 100, &[]));
    assert_eq!(clean, fingerprint(&watched(3, 100, &poisoned)));
    assert_ne!(clean, fingerprint(&watched(3, 101, &poisoned)), "poison that has come is seen");
}

#[test]
fn late_samples_are_history_only() {
    let mut bank = watched(2, 2 * SEASON, &[]);
    let before = fingerprint(&bank);
    let late = Sample { key: key(0), at: at(SEASON + 3), value: 1e5, censored: false };
    bank.observe(at(SEASON + 3), &[late], &[]);
    assert_eq!(before, fingerprint(&bank));
    assert_eq!(bank.series[0].history.get(SEASON as i64 + 3), 1e5);
    assert_eq!(bank.last_observed(), Some(at(2 * SEASON)));
}

#[test]
fn steps_that_were_never_observed_are_gaps() {
    let mut skipped = bank(1, 24);
    let mut told = bank(1, 24);
    for t in (0..60).filter(|t| !(30..45).contains(t)) {
        observe(&mut skipped, t, &[t as f32], &[]);
    }
    for t in 0..60 {
        let value = if (30..45).contains(&t) { f32::NAN } else { t as f32 };
        observe(&mut told, t, &[value], &[]);
    }
    let mean = |bank: &Bank| bank.scenarios().expect("old enough").mean(0, 3);
    assert_eq!(mean(&skipped), mean(&told));
    observe(&mut skipped, 1_000_000, &[5.0], &[]);
    assert!(mean(&skipped).is_finite(), "years of silence");
}

#[test]
fn scenarios_keep_what_happens_together() {
    let deviation_of_sum = |shock: f64| {
        let mut bank = bank(16, 24);
        let mut fleet = Fleet::new(17, 16, 0.0, shock);
        (0..5 * SEASON).for_each(|t| observe(&mut bank, t, &fleet.step(t), &[]));
        let scenarios = bank.scenarios().expect("old enough");
        let rows: Vec<(usize, f32)> = (0..16).map(|row| (row, 1.0)).collect();
        let alone = |row: &(usize, f32)| scenarios.load(std::slice::from_ref(row), 0).deviation;
        let squares: f32 = rows.iter().map(|row| alone(row) * alone(row)).sum();
        scenarios.load(&rows, 0).deviation / squares.sqrt()
    };
    let (apart, together) = (deviation_of_sum(0.0), deviation_of_sum(4.0));
    assert!(apart < 1.4, "independent series add up as squares, not {apart} times that");
    assert!(together > 2.0, "common shocks add up as they are, {together}");
}

#[test]
fn a_young_series_borrows_from_its_kind() {
    let mut bank = watched(8, 3 * SEASON, &[]);
    bank.insert(key(8), f32::INFINITY);
    let mut fleet = Fleet::new(6, 9, 10.0, 1.0);
    observe(&mut bank, 3 * SEASON, &fleet.step(0), &[]);
    let scenarios = bank.scenarios().expect("old enough");
    let deviation = |row, bucket| scenarios.load(&[(row, 1.0)], bucket).deviation;
    for bucket in 0..scenarios.buckets().len() {
        let (young, old) = (deviation(8, bucket), deviation(3, bucket));
        assert!(young > 0.3 * old && young < 3.0 * old, "{young} beside {old} in {bucket}");
    }
}

#[test]
fn a_replayed_past_is_worth_as_much_as_a_watched_one() {
    let mut fleet = Fleet::new(5, 1, 10.0, 1.0);
    let values: Vec<Option<f32>> = (0..8 * SEASON).map(|t| Some(fleet.step(t)[0])).collect();
    let past = Series::from_values(at(0), step(), values.clone());
    let mut replayed = Bank::new(config(24));
    replayed.insert_history(key(0), 200.0, &past);
    let mut watched = Bank::new(config(24));
    watched.insert(key(0), 200.0);
    for (t, value) in values.into_iter().enumerate() {
        observe(&mut watched, t, &[value.unwrap()], &[]);
    }
    let report = replayed.report(&key(0)).expect("inserted");
    assert_eq!(report.model, ModelName::Ets);
    assert!(report.is_seasonal && report.samples == 8 * SEASON as u64, "{report:?}");
    assert_eq!(replayed.last_observed(), watched.last_observed());
    let mean = |bank: &Bank, bucket| bank.scenarios().expect("old enough").mean(0, bucket);
    // What surprises is cut by the mean error, which the first trees of the one that was watched made younger.
    let (again, once) = (mean(&replayed, 5), mean(&watched, 5));
    assert!((again - once).abs() < 1e-3 * once, "{again}, {once}");
}

fn pasts(series: usize, days: usize) -> Vec<(SeriesKey, f32, Series)> {
    let mut fleet = Fleet::new(7, series, 10.0, 1.0);
    let mut pasts: Vec<_> =
        (0..series).map(|index| (key(index), 90.0, Series::new(at(0), step()))).collect();
    for t in 0..days * SEASON {
        let values = fleet.step(t);
        for (index, ((_, cap, past), value)) in pasts.iter_mut().zip(values).enumerate() {
            // Some begin later, some end earlier, some have gaps.
            let is_there = index % 5 > 0 || t > SEASON;
            let is_past = index % 7 == 3 && t > (days - 1) * SEASON;
            if !is_past {
                let value = (is_there && (t + index) % 11 > 0).then(|| value.min(*cap));
                past.push(value, value.is_some_and(|value| value >= *cap));
            }
        }
    }
    pasts
}

#[test]
fn many_histories_at_once_are_the_same_for_any_number_of_threads() {
    let with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        let mut bank = Bank::new(config(24));
        pool.install(|| bank.insert_histories(pasts(BATCH + 9, 5), usize::MAX));
        fingerprint(&bank)
    };
    assert_eq!(with(1), with(3));
}

#[test]
fn many_histories_at_once_are_worth_one_after_the_other() {
    let series = BATCH + 9;
    let (mut together, mut apart) = (Bank::new(config(24)), Bank::new(config(24)));
    together.insert_histories(pasts(series, 5), usize::MAX);
    for (key, cap, past) in pasts(series, 5) {
        apart.insert_history(key, cap, &past);
    }
    assert_eq!((together.len(), together.last_observed()), (series, apart.last_observed()));
    let levels = Levels::new(&[0.05, 0.5, 0.95]).expect("levels");
    let mut most = 0.0_f32;
    for index in 0..series {
        let [one, other] = [&together, &apart].map(|bank| bank.report(&key(index)).expect("there"));
        assert_eq!(
            (one.model, one.samples, &one.scores),
            (other.model, other.samples, &other.scores)
        );
        let [one, other] =
            [&together, &apart].map(|bank| bank.forecast(&key(index), 24, &levels).expect("old"));
        for ahead in 0..24 {
            let width = other.at(ahead)[2] - other.at(ahead)[0];
            let apart = one.at(ahead).iter().zip(other.at(ahead)).map(|(a, b)| (a - b).abs());
            most = apart.fold(most, |most, distance| most.max(distance / width.max(1.0)));
        }
    }
    // What a series borrows, and only that, comes from fewer others. One interval that missed more or
    // less changes a side by 5 %.
    assert!(most < 0.1, "quantiles differ by {most} of the width of the interval");
}

#[test]
fn a_past_that_is_only_known_gives_the_season_but_no_scores() {
    let series = 12;
    let (mut judged, mut known) = (Bank::new(config(24)), Bank::new(config(24)));
    judged.insert_histories(pasts(series, 6), usize::MAX);
    known.insert_histories(pasts(series, 6), 2 * SEASON);
    let levels = Levels::new(&[0.05, 0.5, 0.95]).expect("levels");
    for index in 0..series {
        let [all, some] = [&judged, &known].map(|bank| bank.report(&key(index)).expect("there"));
        assert_eq!(all.samples, some.samples);
        let (of_all, of_some) = (all.coverage.expect("judged").1, some.coverage.expect("judged").1);
        assert!(of_some < of_all, "expected fewer than {of_all} intervals, found {of_some}");
        let [one, other] =
            [&judged, &known].map(|bank| bank.forecast(&key(index), 24, &levels).expect("old"));
        let width = one.at(23)[2] - one.at(23)[0];
        let apart = (one.at(23)[1] - other.at(23)[1]).abs();
        assert!(apart <= width.max(1.0), "{}: medians {apart} apart, width {width}", key(index));
    }
    assert!(known.scenarios().is_some());
}

#[test]
fn series_come_and_go() {
    let mut bank = watched(4, 20, &[]);
    bank.remove(&key(1));
    bank.remove(&key(1));
    assert_eq!((bank.len(), bank.contains(&key(1))), (3, false));
    let scenarios = bank.scenarios().expect("old enough");
    assert_eq!(scenarios.series().len(), 3);
    bank.insert(key(1), 10.0);
    bank.insert(key(0), 30.0);
    let values = [40.0, 9.0, 70.0, 75.0];
    observe(&mut bank, 20, &values, &[]);
    let scenarios = bank.scenarios().expect("old enough");
    assert_eq!(scenarios.series().len(), 4);
    assert_eq!(scenarios.mean(0, 0), 30.0, "the new cap holds");
    assert!(bank.report(&key(7)).is_none());
}

#[test]
fn the_book_says_what_the_bank_says() {
    let step = Step::FIVE_MINUTES;
    let mut bank = Bank::new(BankConfig::new(step, Buckets::covering(72)));
    let mut noise = Noise::new(3);
    let past = |noise: &mut Noise, steps: usize| {
        let values: Vec<_> = (0..steps).map(|_| Some(50.0 + 9.0 * noise.normal() as f32)).collect();
        Series::from_values(Timestamp::from_seconds(0), step, values)
    };
    for (name, steps) in [("a", 700), ("b", 30), ("c", 3)] {
        let key = SeriesKey::resource(name.into(), Resource::Cpu);
        bank.insert_history(key, 60.0, &past(&mut noise, steps));
    }
    let levels = Levels::new(&[0.05, 0.5, 0.95]).expect("levels");
    let book = bank.book(&levels);
    assert_eq!(book.len(), 3);
    for key in book.keys() {
        let expected = bank.forecast(key, 72, &levels).ok();
        assert_eq!(book.forecast(key), expected, "{key}");
        let first = expected.map(|forecast| forecast.at(0)[1]);
        assert_eq!(book.next_median(key), first, "{key}");
        let known = bank.report(key).expect("in the bank");
        let found = book.report(key).expect("in the book");
        assert_eq!((found.model, found.coverage), (known.model, known.coverage));
    }
}

/// Series that change between two levels every so many steps: no day is like another, and no level is the next.
fn switching(index: usize, t: usize, noise: &mut Noise) -> f32 {
    let half = 5 + 2 * (index % 3);
    let is_high = ((t + 3 * index) / half).is_multiple_of(2);
    (if is_high { 300.0 } else { 100.0 } + 5.0 * noise.normal()) as f32
}

#[test]
fn trees_act_where_nothing_else_sees_what_comes() {
    let mut with = bank(20, 12);
    let mut without = Bank::new(BankConfig { look_ups: 0, ..config(12) });
    (0..20).for_each(|index| without.insert(key(index), f32::INFINITY));
    let mut noise = Noise::new(4);
    for t in 0..6 * SEASON {
        let values: Vec<f32> = (0..20).map(|index| switching(index, t, &mut noise)).collect();
        observe(&mut with, t, &values, &[]);
        observe(&mut without, t, &values, &[]);
    }
    assert_eq!(with.acting_models()[&ModelName::Boosted], 20);
    assert!(!without.acting_models().contains_key(&ModelName::Boosted));
    for index in 0..20 {
        let report = with.report(&key(index)).expect("inserted");
        let [last, seasonal, ets, trees] =
            [0, 1, 2, 3].map(|c| report.scores[c].pinball.expect("scored"));
        assert!(trees < 0.5 * last.min(seasonal).min(ets), "{report:?}");
    }
}

#[test]
fn trees_of_a_past_know_nothing_of_what_judges_them() {
    let mut noise = Noise::new(5);
    let (mut plain, mut poisoned) = (Vec::new(), Vec::new());
    for index in 0..20 {
        let mut series = Series::new(Timestamp::default(), step());
        (0..4 * SEASON).for_each(|t| series.push(Some(switching(index, t, &mut noise)), false));
        let mut other = series.clone();
        for t in 0..2 * SEASON {
            series.push(Some(switching(index, t, &mut noise)), false);
            other.push(Some(1e6 * noise.uniform() as f32), false);
        }
        plain.push((key(index), f32::INFINITY, series));
        poisoned.push((key(index), f32::INFINITY, other));
    }
    let trees = |pasts| {
        let mut bank = Bank::new(config(12));
        bank.insert_histories(pasts, 2 * SEASON);
        let report = bank.report(&key(0)).expect("inserted");
        assert!(report.scores[3].pinball.is_some(), "they were judged: {report:?}");
        assert!(bank.trees.are_grown());
        format!("{:?}", bank.trees)
    };
    assert!(trees(plain) == trees(poisoned), "trees depend on what they are judged by");
}
