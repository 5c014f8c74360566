//! SQLite keeps what a store promises, in a file and in memory, and over being opened again.

use weft_core::resource::{Resource, SeriesKey};
use weft_core::series::{Sample, Series};
use weft_core::time::{Span, Step, Timestamp};
use weft_store::{SqliteStore, Store, StoreError, conformance};

#[test]
fn sqlite_conforms() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut number = 0;
    let in_files = conformance::run(|| {
        number += 1;
        let path = folder.path().join(format!("{number}.db"));
        Box::new(SqliteStore::open(&path, conformance::step()).expect("opened"))
    });
    in_files.expect("in files");
    conformance::run(|| Box::new(SqliteStore::in_memory(conformance::step()).expect("made")))
        .expect("in memory");
}

#[test]
fn sqlite_conforms_over_being_opened_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("weft.db");
    conformance::run_reopened(|| {
        Box::new(SqliteStore::open(&path, conformance::step()).expect("opened"))
    })
    .expect("reopened");
}

/// Cutting chunks by the day hung on it: the last step of a day reached into the next.
#[test]
fn a_step_need_not_divide_a_day() {
    let step = Step::new(Span::from_minutes(7)).expect("a step");
    let store = SqliteStore::in_memory(step).expect("made");
    let key = SeriesKey::resource("a".into(), Resource::Cpu);
    let begin = Timestamp::from_seconds(86_400 * 20_000).floor(step);
    let at = |steps: i64| begin + step.span() * steps;
    let values: Vec<_> = (0..2_000).map(|value| Some(value as f32)).collect();
    let past = Series::from_values(begin, step, values[..1_000].to_vec());
    store.back_fill(&key, &past).expect("filled");
    for number in 1_000..2_000 {
        let (at, value) = (at(number), number as f32);
        let sample = Sample { key: key.clone(), at, value, censored: false };
        store.write_step(at, &[sample]).expect("written");
    }
    store.compact().expect("compacted");
    let found = store.history(&key, begin, at(2_000)).expect("read");
    assert_eq!(found.iter().collect::<Vec<_>>(), values);
}

#[test]
fn an_error_of_the_database_names_the_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("weft.db");
    std::fs::write(&path, "no database, but a letter of some length").expect("written");
    let error = SqliteStore::open(&path, Step::FIVE_MINUTES).expect_err("no database").to_string();
    assert_eq!(error, format!("{}: file is not a database", path.display()));
}

#[test]
fn a_file_has_one_owner_and_one_grid() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("weft.db");
    let store = SqliteStore::open(&path, Step::FIVE_MINUTES).expect("opened");
    let second = SqliteStore::open(&path, Step::FIVE_MINUTES);
    assert!(matches!(second, Err(StoreError::InUse(_))), "{second:?}");
    drop(store);
    let minute = Step::new(Span::from_minutes(1)).expect("a step");
    let error = SqliteStore::open(&path, minute).expect_err("another grid").to_string();
    assert_eq!(error, "expected samples every 300 seconds as in the store, found 60");
}
