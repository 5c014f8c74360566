//! A file that version 1 wrote, kept as it was: every later version opens it and finds everything.
//!
//! `UPDATE_GOLDENS=1 cargo test -p weft-store --test migration` writes it anew, which is right only as
//! long as no version 1 has been released.

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use weft_control::record::{Entry, Record, Switch};
use weft_core::event::{Event, EventKind};
use weft_core::id::RecordId;
use weft_core::policy::{Policy, Selector, Window};
use weft_core::resource::{Resource, SeriesKey};
use weft_core::series::{Sample, Series};
use weft_core::time::{Span, Step, Timestamp};
use weft_store::alert::{Alert, Severity};
use weft_store::kept::ScoreLine;
use weft_store::{SqliteStore, Store};

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/1.db")
}

fn step() -> Step {
    Step::new(Span::from_hours(6)).expect("a step")
}

fn at(number: i64) -> Timestamp {
    Timestamp::from_seconds(86_400 * 20_000) + step().span() * number
}

fn key(name: &str) -> SeriesKey {
    SeriesKey::resource(name.into(), Resource::Cpu)
}

fn entries() -> Vec<Entry> {
    let policy = Policy::default().into();
    let records = [Record::PolicySet { policy }, Record::Switched { to: Switch::Paused }];
    let entry = |(id, record)| Entry { id: RecordId(id), at: at(id as i64), record };
    (0..).zip(records).map(entry).collect()
}

fn event() -> Event {
    let window = Window { begins: at(1), ends: at(3) };
    let (kind, concerns) = (EventKind::Campaign, Selector::names(["a"]));
    Event { id: "sale".into(), kind, window, concerns, expected_lift: Some(1.5) }
}

fn alert() -> Alert {
    Alert {
        fingerprint: "f1".to_owned(),
        rule: "ForeseenShortage".to_owned(),
        severity: Severity::Critical,
        subject: "h1".to_owned(),
        summary: "h1 will run short".to_owned(),
        labels: Default::default(),
        begins: at(2),
        ends: None,
        told: Some(at(3)),
        told_by: Default::default(),
    }
}

fn score() -> ScoreLine {
    let (pinball, coverage) = (Some(1.25), Some(0.94));
    ScoreLine { key: key("a"), model: "seasonal".to_owned(), pinball, coverage, judged: 7 }
}

/// Everything that a store keeps, in chunks, in fresh steps and late.
fn fill(store: &dyn Store) {
    store.append(&entries()).expect("appended");
    let past = Series::from_values(at(-8), step(), [Some(1.0), None, Some(3.0)]);
    store.back_fill(&key("b"), &past).expect("filled");
    for number in 0..12 {
        let (at, value) = (at(number), number as f32);
        let sample = Sample { key: key("a"), at, value, censored: number % 4 == 0 };
        store.write_step(at, &[sample]).expect("written");
    }
    store.compact().expect("compacted");
    let late = Sample { key: key("a"), at: at(10), value: 99.0, censored: false };
    store.write_step(at(12), &[late]).expect("written");
    store.put_event("file", &event()).expect("put");
    store.put_alert(&alert()).expect("put");
    store.write_scores(at(4), &[score()]).expect("written");
    store.set_token_hash([7; 32]).expect("set");
}

fn verify(store: &dyn Store) {
    assert_eq!(store.resume_journal().expect("read"), entries());
    let found = store.history(&key("b"), at(-8), at(20)).expect("read");
    assert_eq!(found.iter().collect::<Vec<_>>(), [Some(1.0), None, Some(3.0)]);
    let found = store.history(&key("a"), at(0), at(20)).expect("read");
    let expected = (0..12).map(|number| Some(if number == 10 { 99.0 } else { number as f32 }));
    assert_eq!(found.iter().collect::<Vec<_>>(), expected.collect::<Vec<_>>());
    assert!((0..12).all(|index| found.is_censored(index) == index.is_multiple_of(4)));
    assert_eq!(store.newest_step().expect("read"), Some(at(12)));
    let window = Window { begins: at(0), ends: at(9) };
    assert_eq!(store.events(window).expect("read"), [("file".to_owned(), event())]);
    assert_eq!(store.open_alerts().expect("read"), [alert()]);
    assert_eq!(store.scores(&key("a"), 9).expect("read"), [(at(4), score())]);
    assert_eq!(store.token_hash().expect("read"), Some([7; 32]));
    store.check().expect("sound");
}

/// The statements that made the tables, without the version's number.
fn schema(path: &Path) -> Vec<String> {
    let connection = Connection::open(path).expect("opened");
    let query = "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name";
    let mut statement = connection.prepare(query).expect("prepared");
    let found = statement.query_map([], |row| row.get(0)).expect("read");
    found.collect::<Result<_, _>>().expect("read")
}

/// Small pages keep the golden small; one file keeps it whole.
fn shrink(path: &Path) {
    let connection = Connection::open(path).expect("opened");
    let shrunk = "PRAGMA journal_mode = delete; PRAGMA page_size = 512; VACUUM;";
    connection.execute_batch(shrunk).expect("shrunk");
}

#[test]
fn a_file_of_version_1_is_read_by_this_version() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("weft.db");
    if std::env::var_os("UPDATE_GOLDENS").is_some() {
        fill(&SqliteStore::open(&path, step()).expect("opened"));
        shrink(&path);
        fs::copy(&path, golden()).expect("kept");
    }
    fs::copy(golden(), &path).expect("a copy of the golden");
    for _ in 0..2 {
        verify(&SqliteStore::open(&path, step()).expect("opened"));
    }
}

/// As long as the newest version is 1, the golden has its schema; a change of a released migration, which
/// would leave old files behind, shows here.
#[test]
fn migrations_end_where_a_new_file_begins() {
    let folder = tempfile::tempdir().expect("a folder");
    let (old, new) = (folder.path().join("old.db"), folder.path().join("new.db"));
    fs::copy(golden(), &old).expect("a copy of the golden");
    for path in [&old, &new] {
        drop(SqliteStore::open(path, step()).expect("opened"));
    }
    assert_eq!(schema(&old), schema(&new));
}
