//! Effects on generated demand: what they are worth inside and outside the windows, by method, and that nothing from
//! after the origin is looked at.

use super::*;
use crate::batch::{Batch, LiftedForecast, Method};
use crate::generated::Noise;
use crate::validation::{pinball, truncated};
use weft_core::event::{Event, EventKind};
use weft_core::forecast::Levels;
use weft_core::policy::{Selector, Window};

const SEASON: usize = 24;
/// The last two days ahead are a Thursday and a Friday: no method shall be spared a weekend by chance.
const DAYS: usize = 40;
const ORIGIN: usize = (DAYS - 2) * SEASON;
const SERIES: usize = 8;

/// What events do in a generated world.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Truth {
    Factor,
    Addition,
    Nothing,
}

struct World {
    full: Vec<Series>,
    occurrences: Vec<Occurrence>,
}

fn at(hour: f64) -> Timestamp {
    Timestamp::from_seconds((hour * 3_600.0) as i64)
}

fn occurrence(name: &str, kind: EventKind, from: f64, hours: f64, lift: Option<f64>) -> Occurrence {
    let window = Window { begins: at(from), ends: at(from + hours) };
    let event =
        Event { id: name.into(), kind, window, concerns: Selector::default(), expected_lift: lift };
    event.into()
}

impl World {
    fn new(seed: u64, truth: Truth) -> Self {
        let mut noise = Noise::new(seed);
        let mut occurrences = Vec::new();
        for number in 0..9 {
            let day = if number == 8 { 38.0 } else { 3.0 + 4.3 * f64::from(number) };
            let (from, hours) = (24.0 * day + 16.0 * noise.uniform(), 4.0 + 9.0 * noise.uniform());
            let lift = Some(1.3 + noise.uniform());
            let name = format!("sale-{number}");
            occurrences.push(occurrence(&name, EventKind::Campaign, from, hours, lift));
        }
        for number in 0..6 {
            // In odd worlds, the last one is news at the origin.
            let from = if number == 5 && seed % 2 == 1 {
                ORIGIN as f64 - 1.5
            } else {
                150.0 * f64::from(number) + 100.0 * noise.uniform()
            };
            let news = occurrence(&format!("outage {number}"), EventKind::News, from, 18.0, None);
            occurrences.push(news);
        }
        for day in [5, 11, 24, 39] {
            let name = format!("holiday-{day}");
            occurrences.push(occurrence(
                &name,
                EventKind::Calendar,
                24.0 * f64::from(day),
                24.0,
                None,
            ));
        }
        let full = (0..SERIES).map(|_| demand(&mut noise, &occurrences, truth)).collect();
        Self { full, occurrences }
    }

    /// The first `count` series of it.
    fn of(mut self, count: usize) -> Self {
        self.full.truncate(count);
        self
    }

    fn past(&self) -> Vec<Series> {
        self.full.iter().map(|series| truncated(series, ORIGIN)).collect()
    }

    fn concerns(&self) -> Vec<Concern> {
        let events = (0..self.occurrences.len()).collect();
        vec![Concern { events, phase: Span::ZERO }; self.full.len()]
    }

    fn learn(&self, panel: &[Series]) -> Effects {
        let (occurrences, concerns) = (&self.occurrences[..], &self.concerns()[..]);
        let announced =
            Announced { occurrences, concerns, clusters: &[], origin: at(ORIGIN as f64) };
        Effects::learn(panel, SEASON, &announced)
    }

    fn forecast(&self, method: Method, are_told: bool) -> Vec<LiftedForecast> {
        let concerns =
            if are_told { self.concerns() } else { vec![Concern::default(); self.full.len()] };
        let (occurrences, concerns) = (&self.occurrences[..], &concerns[..]);
        let announced =
            Announced { occurrences, concerns, clusters: &[], origin: at(ORIGIN as f64) };
        let batch =
            Batch { method, season: SEASON, horizon: DAYS * SEASON - ORIGIN, resources: &[] };
        let answers = batch.forecast_with(&self.past(), &announced, &levels(), &|_| {});
        answers.into_iter().map(|answer| answer.expect("long enough")).collect()
    }

    /// Pinball loss per step of demand's mean in the windows of events, and outside of them.
    fn losses(&self, method: Method, are_told: bool) -> (f64, f64) {
        let (levels, mut sums) = (levels(), [(0.0, 0.0); 2]);
        for (answer, series) in self.forecast(method, are_told).iter().zip(&self.full) {
            let rows = answer.forecast.quantiles.chunks_exact(levels.as_slice().len());
            for (index, row) in (ORIGIN..).zip(rows) {
                let window = Window { begins: at(index as f64), ends: at(index as f64 + 1.0) };
                let covers = |event: &Occurrence| event.event.window.overlaps(&window);
                let is_inside = self.occurrences.iter().any(covers);
                let actual = f64::from(series.get(index).expect("no gaps"));
                let each = levels.as_slice().iter().zip(row);
                let loss: f64 =
                    each.map(|(level, at)| pinball(*level, f64::from(*at), actual)).sum();
                let sum = &mut sums[usize::from(!is_inside)];
                *sum = (sum.0 + loss, sum.1 + actual);
            }
        }
        (sums[0].0 / sums[0].1, sums[1].0 / f64::max(sums[1].1, 1.0))
    }
}

fn levels() -> Levels {
    Levels::new(&[0.05, 0.25, 0.5, 0.75, 0.95]).expect("levels")
}

/// A noisy day and week; campaigns lift as expected, more or less; news lifts and falls; holidays are quiet.
fn demand(noise: &mut Noise, occurrences: &[Occurrence], truth: Truth) -> Series {
    let (level, height) = (20.0 + 80.0 * noise.uniform(), 0.3 + 0.4 * noise.uniform());
    let (shift, gain) = (noise.uniform(), 0.7 + 0.6 * noise.uniform());
    let values = (0..DAYS * SEASON).map(|t| {
        let day = 1.0 + height * ((t as f64 / SEASON as f64 + shift) * std::f64::consts::TAU).sin();
        let week = if t / SEASON % 7 >= 5 { 0.8 } else { 1.0 };
        let usual = level * day * week;
        let effect: f64 = occurrences.iter().map(|each| gain * effect(each, t as f64)).sum();
        let lifted = match truth {
            Truth::Factor => usual * effect.exp(),
            Truth::Addition => (usual + level * effect).max(0.0),
            Truth::Nothing => usual,
        };
        Some((lifted * (1.0 + 0.05 * noise.normal())) as f32)
    });
    let step = Step::new(Span::from_hours(1)).expect("a step");
    Series::from_values(Timestamp::default(), step, values.collect::<Vec<_>>())
}

fn effect(occurrence: &Occurrence, hour: f64) -> f64 {
    let hours = |at: Timestamp| at.as_millis() as f64 / 3.6e6;
    let window = occurrence.event.window;
    let (begins, ends) = (hours(window.begins), hours(window.ends));
    let overlap = ((hour + 1.0).min(ends) - hour.max(begins)).max(0.0);
    overlap
        * match occurrence.event.kind {
            EventKind::Campaign => occurrence.event.expected_lift.unwrap_or(1.0).ln(),
            EventKind::News => 0.8 * (-(hour + 0.5 - begins) / 5.0).exp(),
            EventKind::Calendar => -0.6,
        }
}

/// Losses of several worlds with and without events: inside their windows, and outside.
fn ratios(method: Method, truth: Truth, seeds: std::ops::Range<u64>, series: usize) -> (f64, f64) {
    let mut sums = [(0.0, 0.0); 2];
    for seed in seeds {
        let world = World::new(seed, truth).of(series);
        for (sum, are_told) in sums.iter_mut().zip([true, false]) {
            let (inside, outside) = world.losses(method, are_told);
            *sum = (sum.0 + inside, sum.1 + outside);
        }
    }
    (sums[0].0 / sums[1].0, sums[0].1 / sums[1].1)
}

#[test]
fn errors_in_event_windows_are_halved_and_none_are_made_elsewhere() {
    let cases = [
        (Method::Auto, Truth::Factor, 2),
        (Method::Ets, Truth::Factor, SERIES),
        (Method::Theta, Truth::Factor, SERIES),
        (Method::Theta, Truth::Addition, SERIES),
    ];
    for (method, truth, series) in cases {
        let (inside, outside) = ratios(method, truth, 2..3, series);
        assert!(inside < 0.5, "{method:?}, {truth:?}: inside {inside}");
        assert!(outside < 1.02, "{method:?}, {truth:?}: outside {outside}");
    }
}

#[test]
fn events_that_do_nothing_do_no_harm() {
    for method in [Method::Ets, Method::Theta] {
        let (inside, outside) = ratios(method, Truth::Nothing, 1..4, SERIES);
        assert!(inside < 1.02 && outside < 1.02, "{method:?}: {inside} {outside}");
    }
}

#[test]
fn a_campaign_to_come_lifts_the_forecast_and_says_why() {
    let world = World::new(3, Truth::Factor);
    let (with, without) =
        (world.forecast(Method::Naive, true), world.forecast(Method::Naive, false));
    let sale = world.occurrences[8].event.window;
    let first = (sale.begins - at(ORIGIN as f64)).whole_steps(world.full[0].step()) + 1;
    let (levels, expected) = (levels(), world.occurrences[8].event.expected_lift.expect("stated"));
    for (with, without) in with.iter().zip(&without) {
        let median = first * levels.as_slice().len() + levels.median();
        let (lifted, usual) = (with.forecast.quantiles[median], without.forecast.quantiles[median]);
        assert!(f64::from(lifted / usual) > expected.powf(0.6), "{lifted} against {usual}");
        assert!(with.factors[first] > 1.1 && without.factors.iter().all(|factor| *factor == 1.0));
        let lift = with.lifts.iter().find(|lift| lift.provenance.event == 8).expect("the sale");
        assert_eq!((lift.provenance.source, lift.provenance.learned_from), (LiftSource::Own, 8));
        assert!(lift.low < lift.factor && lift.factor < lift.high && lift.low > 1.0, "{lift:?}");
        assert!(without.lifts.is_empty());
        let rows = with.forecast.quantiles.chunks_exact(levels.as_slice().len());
        for row in rows {
            assert!(row.windows(2).all(|pair| pair[0] <= pair[1]) && row[0] >= 0.0, "{row:?}");
        }
    }
}

#[test]
fn what_was_never_seen_falls_back_and_says_so() {
    let mut world = World::new(4, Truth::Factor);
    let mut told = |name: &str, kind: EventKind, lift: Option<f64>| {
        world.occurrences.push(occurrence(name, kind, ORIGIN as f64 + 2.0, 4.0, lift));
        world.occurrences.len() - 1
    };
    let stated = told("launch", EventKind::Campaign, Some(1.5));
    let silent = told("audit", EventKind::Calendar, None);
    let mut concerns = world.concerns();
    // The last series has seen no sale.
    concerns[SERIES - 1].events.retain(|event| *event >= 8);
    let (occurrences, concerns) = (&world.occurrences[..], &concerns[..]);
    let announced = Announced { occurrences, concerns, clusters: &[], origin: at(ORIGIN as f64) };
    let batch = Batch { method: Method::Naive, season: SEASON, horizon: 48, resources: &[] };
    let answers = batch.forecast_with(&world.past(), &announced, &levels(), &|_| {});
    let lift = |series: usize, event: usize| {
        let answer = answers[series].as_ref().expect("long enough");
        let found = answer.lifts.iter().find(|lift| lift.provenance.event == event);
        found.expect("the event lies ahead").clone()
    };
    let borrowed = lift(SERIES - 1, 8);
    assert_eq!(borrowed.provenance.source, LiftSource::Cluster);
    assert!(borrowed.factor > 1.1 && borrowed.provenance.learned_from > 8 * 6, "{borrowed:?}");
    let widths = [borrowed, lift(0, 8)].map(|lift| (lift.high / lift.low).ln());
    assert!(widths[0] > widths[1], "{widths:?}");
    let launch = lift(0, stated);
    assert_eq!((launch.provenance.source, launch.provenance.learned_from), (LiftSource::Prior, 0));
    assert!((1.2..1.7).contains(&launch.factor) && launch.low < 1.35, "{launch:?}");
    let audit = lift(0, silent);
    assert_eq!(audit.provenance.source, LiftSource::Prior);
    assert!(audit.high > audit.factor && audit.low < audit.factor, "{audit:?}");
}

#[test]
fn what_comes_after_the_origin_changes_nothing() {
    let world = World::new(5, Truth::Factor);
    let poisoned = |series: &Series| {
        let values = (0..series.len()).map(|t| if t < ORIGIN { series.get(t) } else { Some(1e6) });
        Series::from_values(series.start(), series.step(), values)
    };
    let later: Vec<Series> = world.full.iter().map(poisoned).collect();
    let lifts = |effects: &Effects| {
        (0..SERIES).map(|series| effects.of(series).over(0, DAYS * SEASON)).collect::<Vec<_>>()
    };
    let clean = lifts(&world.learn(&world.past()));
    assert_eq!(clean, lifts(&world.learn(&later)));
    let mut earlier = world.past();
    let values =
        (0..ORIGIN).map(|t| world.full[0].get(t).filter(|_| t < ORIGIN - 100).or(Some(1e6)));
    earlier[0] = Series::from_values(Timestamp::default(), earlier[0].step(), values);
    assert_ne!(clean, lifts(&world.learn(&earlier)), "the poison is strong enough to be seen");
}

#[test]
fn news_from_after_the_origin_is_not_known() {
    let mut world = World::new(6, Truth::Factor);
    let before = world.learn(&world.past()).of(0).over(ORIGIN, 48);
    let from = ORIGIN as f64 + 5.0;
    world.occurrences.push(occurrence("outage 9", EventKind::News, from, 18.0, None));
    assert_eq!(before, world.learn(&world.past()).of(0).over(ORIGIN, 48));
    world.occurrences.last_mut().expect("just told").known_from = Some(at(from - 24.0));
    assert_ne!(before, world.learn(&world.past()).of(0).over(ORIGIN, 48));
}

#[test]
fn a_lift_can_be_asked_by_time_and_taken_off() {
    let world = World::new(7, Truth::Factor);
    let effects = world.learn(&world.past());
    let lifts = effects.of(2).over(0, DAYS * SEASON);
    for index in [100, 500, ORIGIN, ORIGIN + 12, ORIGIN + 30] {
        assert_eq!(effects.of(2).at(at(index as f64 + 0.3)), lifts[index], "{index}");
    }
    assert!(!effects.of(2).is_empty());
    assert_eq!(effects.kind_of(&world.occurrences[0]), Some("sale"));
    // Half of the holiday's −0.6 to twice it, in the middle of the day.
    let holiday = lifts[24 * 24 + 12].factor().ln();
    assert!((-1.0..-0.3).contains(&holiday), "{holiday}");
}

/// An event of each day at the same hour is a season to every model, and must not be lifted twice.
#[test]
fn what_comes_every_day_is_left_to_the_season() {
    let mut world = World::new(8, Truth::Nothing);
    world.occurrences.clear();
    for day in 0..DAYS {
        let name = format!("backup-{day}");
        let from = (24 * day + 3) as f64;
        world.occurrences.push(occurrence(&name, EventKind::Calendar, from, 1.0, Some(2.0)));
    }
    let effects = world.learn(&world.past());
    assert!(effects.of(0).is_empty());
    // A rota that always runs must not hide what others do.
    let mut world = World::new(8, Truth::Factor);
    let before = world.learn(&world.past()).of(0).over(0, DAYS * SEASON);
    for week in 0..6 {
        let name = format!("on call {week}");
        world.occurrences.push(occurrence(
            &name,
            EventKind::Calendar,
            168.0 * f64::from(week),
            168.0,
            None,
        ));
    }
    assert_eq!(before, world.learn(&world.past()).of(0).over(0, DAYS * SEASON));
}

#[test]
fn whatever_comes_is_taken() {
    let world = World::new(9, Truth::Factor);
    let step = Step::new(Span::from_hours(1)).expect("a step");
    let of = |values: Vec<Option<f32>>| Series::from_values(Timestamp::default(), step, values);
    let gappy = (0..ORIGIN).map(|t| world.full[0].get(t).filter(|_| t % 100 > 70)).collect();
    let negative = (0..ORIGIN).map(|t| Some((t as f32 / 9.0).sin())).collect();
    let panel = [
        of(gappy),
        of(negative),
        of(vec![Some(0.0); ORIGIN]),
        of(vec![Some(7.0); ORIGIN]),
        of(vec![Some(1.0); 5]),
        of(Vec::new()),
        of(vec![None; 100]),
        of((0..ORIGIN).map(|t| Some(if t % 37 == 0 { 80.0 } else { 0.0 })).collect()),
    ];
    let effects = world.learn(&panel);
    for (index, series) in panel.iter().enumerate() {
        let cleaned = effects.of(index).cleaned(series);
        assert_eq!(cleaned.len(), series.len());
        for t in 0..series.len() {
            assert_eq!(cleaned.get(t).is_some(), series.get(t).is_some(), "{index}, {t}");
        }
        let lifts = effects.of(index).over(0, DAYS * SEASON);
        assert!(lifts.iter().all(|lift| lift.put_onto(1.0).is_finite()), "{index}");
    }
    assert!(effects.of(1).is_empty() && effects.of(5).is_empty());
}
