//! The kill loop: a child writes as fast as it can and says what was acknowledged, the parent kills it at
//! a random moment. Whatever was acknowledged must be there, whole and in order, time after time.

use std::io::{BufRead, BufReader, Lines, Write, stdout};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use weft_control::record::{Entry, Record, Switch};
use weft_core::id::RecordId;
use weft_core::resource::{Resource, SeriesKey};
use weft_core::series::Sample;
use weft_core::time::{Span, Step, Timestamp};
use weft_store::{SqliteStore, Store};

const PATH: &str = "WEFT_STORE_KILLED";
const ROUNDS: u64 = 25;
/// A round is killed after fewer lines than this.
const MOST_LINES: u64 = 40;
const SERIES: i64 = 5;

/// Few steps make a chunk, so that a kill hits compaction too.
fn step() -> Step {
    Step::new(Span::from_hours(6)).expect("a step")
}

fn at(number: i64) -> Timestamp {
    Timestamp::from_seconds(86_400 * 20_000) + step().span() * number
}

fn key(series: i64) -> SeriesKey {
    SeriesKey::resource(format!("w{series}").into(), Resource::Cpu)
}

fn entry(id: u64) -> Entry {
    let to = if id.is_multiple_of(2) { Switch::Paused } else { Switch::On };
    Entry {
        id: RecordId(id),
        at: Timestamp::from_seconds(id as i64),
        record: Record::Switched { to },
    }
}

fn value(series: i64, number: i64) -> f32 {
    ((number * 7 + series) % 4_000) as f32
}

/// Every step delivers four of the five series; the fifth comes two steps late.
fn samples(number: i64) -> Vec<Sample> {
    let sample = |series, number| Sample {
        key: key(series),
        at: at(number),
        value: value(series, number),
        censored: number % 5 == 0,
    };
    let current = (0..SERIES - 1).map(|series| sample(series, number));
    let late = (number >= 2).then(|| sample(SERIES - 1, number - 2));
    current.chain(late).collect()
}

fn number_of(store: &dyn Store) -> i64 {
    let newest = store.newest_step().expect("read");
    newest.map_or(-1, |newest| (newest - at(0)).whole_steps(step()) as i64)
}

/// The child: no test of its own, it does nothing unless the parent starts it.
#[test]
fn child_that_writes_until_it_is_killed() {
    let Some(path) = std::env::var_os(PATH) else { return };
    let store = SqliteStore::open(Path::new(&path), step()).expect("opened");
    let say = |what: &str, number: u64| {
        let mut out = stdout().lock();
        writeln!(out, "\nacknowledged {what} {number}").and_then(|()| out.flush()).expect("said");
    };
    let first = store.newest_entries(1, None).expect("read").first().map_or(0, |e| e.id.0 + 1);
    for (id, number) in (first..).zip(number_of(&store) + 1..) {
        store.append(&[entry(id)]).expect("appended");
        say("entry", id);
        store.write_step(at(number), &samples(number)).expect("written");
        say("step", number as u64);
        store.compact().expect("compacted");
    }
}

fn start(path: &Path) -> (Child, Lines<BufReader<ChildStdout>>) {
    let mut child = Command::new(std::env::current_exe().expect("this program"))
        .args([
            "--exact",
            "child_that_writes_until_it_is_killed",
            "--nocapture",
            "--test-threads=1",
        ])
        .env(PATH, path)
        .stdout(Stdio::piped())
        .spawn()
        .expect("started");
    let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    (child, lines)
}

/// The newest that a child has acknowledged.
#[derive(Debug, Default, Clone, Copy)]
struct Acknowledged {
    entry: Option<u64>,
    step: Option<u64>,
}

impl Acknowledged {
    fn note(&mut self, line: &str) {
        let number = |what: &str| line.strip_prefix(what)?.parse().ok();
        self.entry = number("acknowledged entry ").or(self.entry);
        self.step = number("acknowledged step ").or(self.step);
    }
}

/// Kills a child after `count` acknowledgements; what it said until it died counts.
fn killed_after(path: &Path, count: u64, known: &mut Acknowledged) {
    let (mut child, mut lines) = start(path);
    let mut heard = 0;
    while heard < count {
        let line = lines.next().expect("the child goes on").expect("a line");
        heard += u64::from(line.starts_with("acknowledged"));
        known.note(&line);
    }
    child.kill().expect("killed");
    // A line that was cut has no number, or the beginning of one, which is smaller.
    let rest: Vec<String> = lines.map_while(Result::ok).collect();
    rest.iter().take(rest.len().saturating_sub(1)).for_each(|line| known.note(line));
    child.wait().expect("waited for");
}

fn verify(path: &Path, known: Acknowledged) {
    let store = SqliteStore::open(path, step()).expect("opened");
    store.check().expect("sound");
    let journal = store.resume_journal().expect("read");
    assert!(journal.len() as u64 >= known.entry.map_or(0, |id| id + 1), "{known:?}");
    assert_eq!(journal, (0..journal.len() as u64).map(entry).collect::<Vec<_>>());
    let newest = number_of(&store);
    assert!(newest >= known.step.map_or(-1, |number| number as i64), "{known:?}");
    for series in 0..SERIES {
        let until = if series == SERIES - 1 { newest - 1 } else { newest + 1 };
        let found = store.history(&key(series), at(0), at(newest + 1)).expect("read");
        let expected =
            (0..until.max(0)).map(|number| (Some(value(series, number)), number % 5 == 0));
        let found: Vec<_> =
            found.iter().enumerate().map(|(index, v)| (v, found.is_censored(index))).collect();
        assert_eq!(found, expected.collect::<Vec<_>>(), "series {series}");
    }
}

/// A generator for the moments, of one line: a linear congruence (Knuth's MMIX).
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *state >> 33
}

#[test]
fn what_was_acknowledged_survives_a_kill() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("weft.db");
    let (mut state, mut known) = (20_261_125, Acknowledged::default());
    for _ in 0..ROUNDS {
        killed_after(&path, 1 + next(&mut state) % MOST_LINES, &mut known);
        verify(&path, known);
    }
    assert!(known.step.is_some_and(|number| number > 8), "chunks were made: {known:?}");
}
