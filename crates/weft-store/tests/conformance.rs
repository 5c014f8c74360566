//! SQLite keeps what a store promises, in a file and in memory, and over being opened again.

use weft_core::resource::{Resource, SeriesKey};
use weft_core::series::Sample;
use weft_core::time::{Step, Timestamp};
use weft_store::{SqliteStore, Store, StoreError, conformance};

#[test]
fn sqlite_conforms() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut number = 0;
    let in_files = conformance::run(|| {
        number += 1;
        let path = folder.path().join(format!("{number}.db"));
        Box::new(SqliteStore::open(&path, Step::FIVE_MINUTES).expect("opened"))
    });
    in_files.expect("in files");
    conformance::run(|| Box::new(SqliteStore::in_memory(Step::FIVE_MINUTES).expect("made")))
        .expect("in memory");
}

#[test]
fn samples_are_there_again_after_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("weft.db");
    let key = SeriesKey::resource("a".into(), Resource::Network);
    let at = |step: i64| Timestamp::from_seconds(1_700_006_400 + 300 * step);
    for round in 0..3 {
        let store = SqliteStore::open(&path, Step::FIVE_MINUTES).expect("opened");
        for step in round * 300..(round + 1) * 300 {
            let sample =
                Sample { key: key.clone(), at: at(step), value: step as f32, censored: false };
            let late = Sample { at: at(step - 1), value: step as f32 - 1.0, ..sample.clone() };
            store.write_step(at(step), &[sample, late]).expect("written");
        }
        let found = store.history(&key, at(0), at(10_000)).expect("read");
        let expected: Vec<_> = (0..(round + 1) * 300).map(|step| Some(step as f32)).collect();
        assert_eq!(found.iter().collect::<Vec<_>>(), expected);
    }
}

#[test]
fn a_file_has_one_owner_and_one_grid() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("weft.db");
    let store = SqliteStore::open(&path, Step::FIVE_MINUTES).expect("opened");
    let second = SqliteStore::open(&path, Step::FIVE_MINUTES);
    assert!(matches!(second, Err(StoreError::InUse(_))), "{second:?}");
    drop(store);
    let minute = Step::new(weft_core::time::Span::from_minutes(1)).expect("a step");
    let error = SqliteStore::open(&path, minute).expect_err("another grid").to_string();
    assert_eq!(error, "expected samples every 300 seconds as in the store, found 60");
}
