//! The store of samples against a plain map: whatever is written, late, again, in bulk, before or after
//! compaction and reopening, the store and the map say the same.

use std::collections::BTreeMap;
use std::path::Path;

use proptest::prelude::*;
use weft_core::resource::{Resource, SeriesKey};
use weft_core::series::{Sample, Series};
use weft_core::time::{Span, Step, Timestamp};
use weft_store::{SqliteStore, Store};

/// Steps that the operations touch: some twelve chunks.
const STEPS: i64 = 40;
const NAMES: [&str; 3] = ["a", "b", "c"];

/// What a store may be told.
#[derive(Debug, Clone)]
enum Told {
    Step { at: i64, samples: Vec<Drawn> },
    BackFill { name: usize, from: i64, values: Vec<Option<u16>> },
    BackFillAll { from: i64, values: Vec<Option<u16>> },
    Compact,
    Reopen,
}

/// A sample: a series, its step less that of the whole, its value and mark.
type Drawn = (usize, i64, Option<u16>, bool);

fn told() -> impl Strategy<Value = Told> {
    let distance = prop_oneof![4 => Just(0), 2 => -12..0_i64, 1 => 1..4_i64];
    let value = prop::option::weighted(0.9, 0..4_000_u16);
    let sample = (0..NAMES.len(), distance, value.clone(), any::<bool>());
    let samples = prop::collection::vec(sample, 0..5);
    let values = prop::collection::vec(value, 0..10);
    prop_oneof![
        6 => (0..STEPS, samples).prop_map(|(at, samples)| Told::Step { at, samples }),
        1 => (0..NAMES.len(), 0..STEPS, values.clone())
            .prop_map(|(name, from, values)| Told::BackFill { name, from, values }),
        1 => (0..STEPS, values).prop_map(|(from, values)| Told::BackFillAll { from, values }),
        2 => Just(Told::Compact),
        1 => Just(Told::Reopen),
    ]
}

/// What the store ought to say.
#[derive(Debug, Default)]
struct Model {
    samples: BTreeMap<(usize, i64), (f32, bool)>,
    newest: Option<i64>,
}

impl Model {
    fn fill(&mut self, name: usize, from: i64, values: &[Option<u16>]) {
        for (at, value) in (from..).zip(values) {
            self.newest = self.newest.max(Some(at));
            if let Some(value) = value {
                self.samples.insert((name, at), (f32::from(*value), false));
            }
        }
    }

    fn step(&mut self, at: i64, samples: &[Drawn]) {
        self.newest = self.newest.max(Some(at));
        for (name, distance, value, censored) in samples {
            if let Some(value) = value {
                self.samples.insert((*name, at + distance), (f32::from(*value), *censored));
            }
        }
    }
}

/// Six hours divide a day, seven do not; both make few steps a chunk.
fn grid(hours: i64) -> Step {
    Step::new(Span::from_hours(hours)).expect("a step")
}

fn at(step: Step, number: i64) -> Timestamp {
    Timestamp::from_seconds(1_700_000_000).floor(step) + step.span() * number
}

fn key(name: usize) -> SeriesKey {
    SeriesKey::resource(NAMES[name].into(), Resource::Memory)
}

fn series(step: Step, from: i64, values: &[Option<u16>]) -> Series {
    let values = values.iter().map(|value| value.map(f32::from));
    Series::from_values(at(step, from), step, values)
}

fn tell(store: &dyn Store, model: &mut Model, step: Step, told: &Told) {
    match told {
        Told::Step { at: number, samples } => {
            model.step(*number, samples);
            let sample = |(name, distance, value, censored): &Drawn| Sample {
                key: key(*name),
                // Anywhere in its step.
                at: at(step, number + distance) + Span::from_minutes(59),
                value: value.map_or(f32::NAN, f32::from),
                censored: *censored,
            };
            let samples: Vec<Sample> = samples.iter().map(sample).collect();
            store.write_step(at(step, *number), &samples).expect("written");
        }
        Told::BackFill { name, from, values } => {
            model.fill(*name, *from, values);
            store.back_fill(&key(*name), &series(step, *from, values)).expect("filled");
        }
        Told::BackFillAll { from, values } => {
            (0..NAMES.len()).for_each(|name| model.fill(name, *from, values));
            let part = |name| (key(name), series(step, *from, values));
            let all: Vec<_> = (0..NAMES.len()).map(part).collect();
            store.back_fill_all(&all).expect("filled");
        }
        Told::Compact => store.compact().expect("compacted"),
        Told::Reopen => {}
    }
}

fn compare(store: &dyn Store, model: &Model, step: Step) -> Result<(), TestCaseError> {
    prop_assert_eq!(store.newest_step().expect("read"), model.newest.map(|n| at(step, n)));
    let (from, until) = (-20, STEPS + 20);
    for (name, word) in NAMES.iter().enumerate() {
        let found = store.history(&key(name), at(step, from), at(step, until)).expect("read");
        for number in from..until {
            let index = (number - from) as usize;
            let value = found.get(index).map(|value| (value, found.is_censored(index)));
            let expected = model.samples.get(&(name, number)).copied();
            prop_assert_eq!(value, expected, "series {} step {}", word, number);
        }
    }
    Ok(())
}

fn check(path: &Path, step: Step, all: &[Told]) -> Result<(), TestCaseError> {
    let open = || SqliteStore::open(path, step).expect("opened");
    let (mut store, mut model) = (open(), Model::default());
    for told in all {
        tell(&store, &mut model, step, told);
        if matches!(told, Told::Reopen) {
            drop(store);
            store = open();
        }
        compare(&store, &model, step)?;
    }
    drop(store);
    compare(&open(), &model, step)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_store_says_what_a_plain_map_says(
        hours in prop_oneof![Just(6_i64), Just(7)],
        all in prop::collection::vec(told(), 1..24),
    ) {
        let folder = tempfile::tempdir().expect("a folder");
        check(&folder.path().join("weft.db"), grid(hours), &all)?;
    }
}
