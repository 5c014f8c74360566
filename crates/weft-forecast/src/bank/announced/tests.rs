//! What a bank does with events: announced ones lift forecasts and scenarios before they begin, what came in them neither
//! spoils the forecasts after them nor is forgotten for the next, and what was taken back leaves no trace.

use weft_core::event::{Event, EventKind};
use weft_core::forecast::Levels;
use weft_core::policy::{Selector, Window};
use weft_core::scenario::{Buckets, Scenarios};
use weft_core::series::Sample;
use weft_core::time::Step;

use super::*;
use crate::bank::{Bank, BankConfig};
use crate::generated::Noise;

/// Half hours.
const DAY: usize = 48;
const SERIES: usize = 6;
const HORIZON: usize = 24;
const WINDOWS: usize = 32;

fn step() -> Step {
    Step::new(Span::from_minutes(30)).expect("a step")
}

fn at(number: usize) -> Timestamp {
    Timestamp::from_millis(number as i64 * step().span().as_millis())
}

fn key(index: usize) -> SeriesKey {
    SeriesKey::resource(format!("vm-{index}").as_str().into(), Resource::Cpu)
}

/// A sale on the first half of the series, over steps of a day.
fn sale(day: usize, steps: (usize, usize), expected_lift: Option<f64>) -> Announcement {
    let window = Window { begins: at(day * DAY + steps.0), ends: at(day * DAY + steps.1) };
    let event = Event {
        id: format!("sale {day}").as_str().into(),
        kind: EventKind::Campaign,
        window,
        concerns: Selector::default(),
        expected_lift,
    };
    let workloads = (0..SERIES / 2).map(|index| key(index).workload).collect();
    Announcement { occurrence: event.into(), concerned: Concerned::Workloads(workloads) }
}

/// A daily season with noise, lifted by `factor` in the windows of sales that really were.
fn world(steps: usize, sales: &[(Announcement, f64)]) -> Vec<Vec<f32>> {
    let mut noise = Noise::new(5);
    let value = |index: usize, number: usize, noise: &mut Noise| {
        let phase = number as f64 / DAY as f64 * std::f64::consts::TAU;
        let usual = 100.0 + 20.0 * index as f64 + 25.0 * phase.sin() + 2.0 * noise.normal();
        let is_in = |sale: &&(Announcement, f64)| {
            sale.0.concerns(&key(index)) && sale.0.occurrence.event.window.contains(at(number))
        };
        let factor = sales.iter().find(is_in).map_or(1.0, |sale| sale.1);
        (usual * factor) as f32
    };
    (0..steps)
        .map(|number| (0..SERIES).map(|index| value(index, number, &mut noise)).collect())
        .collect()
}

fn bank() -> Bank {
    let config = BankConfig {
        look_ups: 0,
        windows: WINDOWS,
        ..BankConfig::new(step(), Buckets::covering(HORIZON))
    };
    let mut bank = Bank::new(config);
    (0..SERIES).for_each(|index| bank.insert(key(index), f32::INFINITY));
    bank
}

fn observe(bank: &mut Bank, number: usize, values: &[f32]) {
    let sample = |(index, value): (usize, &f32)| Sample {
        key: key(index),
        at: at(number),
        value: *value,
        censored: false,
    };
    let samples: Vec<Sample> = values.iter().enumerate().map(sample).collect();
    bank.observe(at(number), &samples, &[]);
    bank.refit();
}

/// The bank after `known` steps of `path`, told anew of `sales` in every step.
fn told(path: &[Vec<f32>], known: usize, sales: &[Announcement]) -> Bank {
    let mut bank = bank();
    for (number, values) in path[..known].iter().enumerate() {
        if number % 4 == 0 {
            bank.announce(sales.to_vec());
        }
        observe(&mut bank, number, values);
    }
    bank.announce(sales.to_vec());
    bank
}

/// Mean pinball loss at 0.5 and 0.9 of what was forecast after `known` steps.
fn loss(bank: &Bank, path: &[Vec<f32>], known: usize, series: std::ops::Range<usize>) -> f64 {
    let levels = Levels::new(&[0.5, 0.9]).expect("levels");
    let mut sum = 0.0;
    for index in series {
        let forecast = bank.forecast(&key(index), HORIZON, &levels).expect("old enough");
        for ahead in 0..HORIZON {
            let came = f64::from(path[known + ahead][index]);
            let said = forecast.at(ahead).iter().zip([0.5, 0.9]);
            sum += said
                .map(|(at, level)| crate::validation::pinball(level, f64::from(*at), came))
                .sum::<f64>();
        }
    }
    sum
}

#[test]
fn an_announced_sale_is_forecast_before_it_begins() {
    // Of three sales of 2.0 two are past; the third begins eight steps from now.
    let sales: Vec<Announcement> =
        [3, 5, 7].map(|day| sale(day, (20, 32), None)).into_iter().collect();
    let really: Vec<(Announcement, f64)> = sales.iter().cloned().map(|sale| (sale, 2.0)).collect();
    let known = 7 * DAY + 12;
    let path = world(known + HORIZON, &really);
    let (with, without) = (told(&path, known, &sales), told(&path, known, &[]));
    let [heeded, ignored] = [&with, &without].map(|bank| loss(bank, &path, known, 0..SERIES / 2));
    assert!(heeded < 0.5 * ignored, "{heeded} with the sales, {ignored} without");
    let [beside, before] = [&with, &without].map(|bank| loss(bank, &path, known, 3..SERIES));
    assert!((beside - before).abs() < 0.02 * before, "whom it does not concern: {beside} {before}");
    let levels = Levels::new(&[0.5]).expect("levels");
    let book = with.book(&levels);
    let lifts = book.lifts(&key(0));
    assert_eq!(lifts.len(), 1, "{lifts:?}");
    assert!((1.6..2.4).contains(&lifts[0].factor), "{lifts:?}");
    assert_eq!((lifts[0].event.as_str(), lifts[0].source.as_str()), ("sale 7", "own"));
    assert!(book.lifts(&key(4)).is_empty());
    let forecast = with.forecast(&key(0), HORIZON, &levels).expect("old enough");
    assert_eq!(book.forecast(&key(0)).as_ref(), Some(&forecast));
}

#[test]
fn scenarios_carry_the_lift_and_its_doubt() {
    let sales = [sale(6, (20, 32), Some(2.0))];
    let known = 6 * DAY + 12;
    let path = world(known, &[]);
    let (with, without) = (told(&path, known, &sales), told(&path, known, &[]));
    let [with, without] = [with, without].map(|bank| bank.scenarios().expect("old enough"));
    let inside = |bucket: &usize| with.buckets().steps(*bucket).contains(&14);
    let bucket = (0..with.buckets().len()).find(inside).expect("within the horizon");
    let spread = |scenarios: &Scenarios, rows: &[usize]| {
        let sum =
            |window| -> f32 { rows.iter().map(|row| scenarios.demand(*row, window, bucket)).sum() };
        let mut sums: Vec<f32> = (0..WINDOWS).map(sum).collect();
        sums.sort_unstable_by(f32::total_cmp);
        let (low, high) = (sums[sums.len() / 10], sums[sums.len() * 9 / 10]);
        (f32::midpoint(low, high), high - low)
    };
    let concerned = [0, 1, 2];
    let [(lifted, wide), (usual, narrow)] =
        [&with, &without].map(|scenarios| spread(scenarios, &concerned));
    assert!(lifted > 1.3 * usual, "{lifted} of {usual}");
    assert!(wide > 1.5 * narrow, "{wide} of {narrow}: nobody knows yet how strong it is");
    let others = [3, 4];
    let [beside, before] = [&with, &without].map(|scenarios| spread(scenarios, &others).0);
    assert!((beside - before).abs() < 0.02 * before);
}

#[test]
fn a_sale_that_nobody_comes_to_does_not_spoil_what_follows() {
    let sales = [sale(6, (0, 24), Some(3.0))];
    let known = 6 * DAY + 30;
    let path = world(known + HORIZON, &[]);
    let (with, without) = (told(&path, known, &sales), told(&path, known, &[]));
    let [heeded, ignored] = [&with, &without].map(|bank| loss(bank, &path, known, 0..SERIES / 2));
    assert!(heeded < 1.25 * ignored, "{heeded} after the sale, {ignored} without one");
}

#[test]
fn what_is_taken_back_leaves_no_trace() {
    let sales = [sale(2, (10, 20), Some(2.0)), sale(3, (30, 40), Some(2.0))];
    let known = 3 * DAY + 24;
    let path = world(known, &[]);
    let mut bank = bank();
    for (number, values) in path.iter().enumerate() {
        observe(&mut bank, number, values);
    }
    let levels = Levels::new(&[0.1, 0.5, 0.9]).expect("levels");
    let before: Vec<_> = (0..SERIES).map(|i| bank.forecast(&key(i), HORIZON, &levels)).collect();
    bank.announce(sales.to_vec());
    assert_ne!(bank.forecast(&key(0), HORIZON, &levels), before[0]);
    bank.announce(Vec::new());
    let after: Vec<_> = (0..SERIES).map(|i| bank.forecast(&key(i), HORIZON, &levels)).collect();
    assert_eq!(after, before);
}

#[test]
fn a_past_with_a_sale_is_taken_in_as_if_it_had_been_watched() {
    let sales: Vec<Announcement> =
        [3, 5, 7].map(|day| sale(day, (20, 32), None)).into_iter().collect();
    let really: Vec<(Announcement, f64)> = sales.iter().cloned().map(|sale| (sale, 2.0)).collect();
    let known = 7 * DAY + 12;
    let path = world(known + HORIZON, &really);
    let mut replayed = bank();
    replayed.announce(sales.clone());
    let past = |index: usize| {
        let values = path[..known].iter().map(|values| Some(values[index]));
        (key(index), f32::INFINITY, Series::from_values(at(0), step(), values))
    };
    replayed.insert_histories((0..SERIES).map(past).collect(), usize::MAX);
    replayed.announce(sales.clone());
    replayed.refit();
    let watched = told(&path, known, &sales);
    let [again, once] = [&replayed, &watched].map(|bank| loss(bank, &path, known, 0..SERIES));
    assert!(again < 1.2 * once, "{again} taken in, {once} watched");
}

#[test]
fn what_is_held_is_not_lifted() {
    let told = sale(1, (0, 4), Some(2.0));
    let of = |resource| SeriesKey::resource("vm-0".into(), resource);
    assert!(told.concerns(&of(Resource::Cpu)) && !told.concerns(&of(Resource::Memory)));
    let everybody = Announcement { concerned: Concerned::All, ..told };
    assert!(everybody.concerns(&key(SERIES + 9)));
}
