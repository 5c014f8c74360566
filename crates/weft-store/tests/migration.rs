//! Files that each version wrote, kept as they were: every later version opens them and finds everything.
//!
//! `UPDATE_GOLDENS=1 cargo test -p weft-store --test migration` writes that of the newest version anew, which is
//! right only as long as it has not been released. Those before it can be written by no program any more.

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use weft_control::record::{Entry, Record, Switch};
use weft_core::event::{Event, EventKind, Provenance, Signal};
use weft_core::id::RecordId;
use weft_core::policy::{Policy, Selector, Window};
use weft_core::resource::{Resource, SeriesKey};
use weft_core::series::{Sample, Series};
use weft_core::time::{Span, Step, Timestamp};
use weft_store::alert::{Alert, Severity};
use weft_store::kept::{KeptSource, ScoreLine};
use weft_store::{SqliteStore, Store};

/// The version that this program writes.
const NEWEST: u32 = 2;

fn golden(version: u32) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/{version}.db"))
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

/// The event as a file of a version tells it: version 1 did not know who vouches for it.
fn signal(version: u32) -> Signal {
    if version == 1 {
        return Signal::untrusted("file", event(), Provenance::named("sale"));
    }
    let provenance = Provenance {
        title: "Spring sale".to_owned(),
        place: "line 2".to_owned(),
        link: Some("https://shop.example/sale".to_owned()),
        rule: Some("sales".to_owned()),
    };
    Signal::trusted("file", event(), provenance)
}

fn source() -> KeptSource {
    KeptSource {
        name: "file".to_owned(),
        kind: "campaigns".to_owned(),
        place: "/etc/weft/campaigns.csv".to_owned(),
        is_trusted: true,
        every: Span::from_minutes(1),
        tried: at(9),
        read: Some(at(8)),
        events: 1,
        error: Some("expected to read it".to_owned()),
        problems: vec!["line 3: expected an id, found none".to_owned()],
        problem_count: 1,
    }
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
    store.put_event(&signal(NEWEST)).expect("put");
    store.put_source(&source()).expect("put");
    store.put_alert(&alert()).expect("put");
    store.write_scores(at(4), &[score()]).expect("written");
    store.set_token_hash([7; 32]).expect("set");
}

fn verify(store: &dyn Store, version: u32) {
    assert_eq!(store.resume_journal().expect("read"), entries());
    let found = store.history(&key("b"), at(-8), at(20)).expect("read");
    assert_eq!(found.iter().collect::<Vec<_>>(), [Some(1.0), None, Some(3.0)]);
    let found = store.history(&key("a"), at(0), at(20)).expect("read");
    let expected = (0..12).map(|number| Some(if number == 10 { 99.0 } else { number as f32 }));
    assert_eq!(found.iter().collect::<Vec<_>>(), expected.collect::<Vec<_>>());
    assert!((0..12).all(|index| found.is_censored(index) == index.is_multiple_of(4)));
    assert_eq!(store.newest_step().expect("read"), Some(at(12)));
    let window = Window { begins: at(0), ends: at(9) };
    assert_eq!(store.events(window).expect("read"), [signal(version)]);
    let sources = if version == 1 { vec![] } else { vec![source()] };
    assert_eq!(store.sources().expect("read"), sources);
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
fn a_file_of_every_version_is_read_by_this_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("weft.db");
    if std::env::var_os("UPDATE_GOLDENS").is_some() {
        fill(&SqliteStore::open(&path, step()).expect("opened"));
        shrink(&path);
        fs::copy(&path, golden(NEWEST)).expect("kept");
    }
    for version in 1..=NEWEST {
        let path = folder.path().join(format!("{version}.db"));
        fs::copy(golden(version), &path).expect("a copy of the golden");
        for _ in 0..2 {
            verify(&SqliteStore::open(&path, step()).expect("opened"), version);
        }
    }
}

/// Where the newest version's golden has another schema, a migration was changed after it had been released, which
/// leaves old files behind.
#[test]
fn migrations_end_where_a_new_file_begins() {
    let folder = tempfile::tempdir().expect("a folder");
    let new = folder.path().join("new.db");
    drop(SqliteStore::open(&new, step()).expect("opened"));
    assert_eq!(schema(&golden(NEWEST)), schema(&new));
    for version in 1..=NEWEST {
        let old = folder.path().join(format!("{version}.db"));
        fs::copy(golden(version), &old).expect("a copy of the golden");
        drop(SqliteStore::open(&old, step()).expect("opened"));
        assert_eq!(schema(&old), schema(&new), "version {version}");
    }
}

/// Of the events that version 1 kept, only the API's were written by somebody who had shown the token.
#[test]
fn events_of_version_1_are_trusted_where_somebody_vouched_for_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("weft.db");
    fs::copy(golden(1), &path).expect("a copy of the golden");
    let copied = "INSERT INTO events SELECT 'api', id, begins, ends, body FROM events";
    Connection::open(&path).expect("opened").execute(copied, []).expect("copied");
    let store = SqliteStore::open(&path, step()).expect("opened");
    let found = store.events(Window { begins: at(0), ends: at(9) }).expect("read");
    let acting = |signal: &Signal| (signal.source().to_owned(), signal.to_act_on().cloned());
    let found: Vec<_> = found.iter().map(acting).collect();
    assert_eq!(found, [("api".to_owned(), Some(event())), ("file".to_owned(), None)]);
}
