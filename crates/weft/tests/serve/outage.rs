//! What `weft serve` missed while it, or its Prometheus, was away: it is fetched when both are there again, whatever
//! the length of the silence.

use serde_json::Value;
use weft_collect::prometheus::rehearsal::{Truth, rehearse};
use weft_core::resource::{Measure, Resource};
use weft_core::series::Sample;
use weft_core::time::{Span, Step, Timestamp};
use weft_store::{SqliteStore, Store};

use crate::processes::Server;
use crate::prometheus::{frozen, now};
use crate::server::{Prometheus, free_port};

/// A fleet that has lived for six days and goes on for one: its text, and the truth.
fn fleet() -> (String, Truth) {
    let made = rehearse(now() - Span::from_days(5), 6, 7);
    (made.text, made.truth)
}

fn config(port: u16) -> String {
    format!(
        "learn = \"4d\"\n[metrics]\nprometheus = \"http://127.0.0.1:{port}\"\npreset = \"libvirt\"\n"
    )
}

/// A store as a Weft left it that was stopped at `stopped`: with the truth of the day before.
fn left_behind(folder: &std::path::Path, truth: &Truth, stopped: Timestamp) {
    let step = Step::FIVE_MINUTES;
    let store = SqliteStore::open(&folder.join("weft.db"), step).expect("a new store");
    let last = stopped.floor(step);
    for back in (1..=step.per_day() as i64).rev() {
        let at = last - step.span() * back;
        let index = (at >= truth.start).then(|| (at - truth.start).whole_steps(step));
        let samples = truth.series.iter().filter_map(|(key, series)| {
            let value = match index {
                Some(index) => series.get(index)?,
                // Long before the fleet was made up; it did something then too.
                None => 100.0,
            };
            (key.measure == Measure::Resource(Resource::Cpu)).then(|| Sample {
                key: key.clone(),
                at,
                value,
                censored: false,
            })
        });
        store.write_step(at, &samples.collect::<Vec<_>>()).expect("it is kept");
    }
}

/// How many values of the history of the last hours are known.
fn known(server: &Server, hours: u32) -> usize {
    let history = server.get_or_missing(&format!("workloads/vm-01/history?hours={hours}"));
    let values = history.as_ref().and_then(|history| history["values"].as_array());
    values.into_iter().flatten().filter(|value| value.is_number()).count()
}

#[test]
fn three_days_without_weft_are_made_up_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let (text, truth) = fleet();
    left_behind(folder.path(), &truth, now() - Span::from_days(3));
    let port = free_port();
    let _prometheus = Prometheus::holding_at(&text, port);
    let mut server = Server::start(folder.path(), &config(port), None);
    server.wait_until("there is a plan", |server| !server.get("status")["plan"].is_null());
    // 72 hours that were missed, and the day before.
    let (missed, all) = (known(&server, 70), known(&server, 94));
    assert!(missed >= 70 * 12 - 2, "expected all that was missed, found {missed}");
    assert!(all >= 94 * 12 - 2, "expected what was there before too, found {all}");
    assert!(server.stops_gracefully());
}

#[test]
fn a_month_and_more_without_weft_hinders_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let (text, truth) = fleet();
    left_behind(folder.path(), &truth, now() - Span::from_days(40));
    let port = free_port();
    let _prometheus = Prometheus::holding_at(&text, port);
    let mut server = Server::start(folder.path(), &config(port), None);
    server.wait_until("there is a plan", |server| !server.get("status")["plan"].is_null());
    let learned = known(&server, 94);
    assert!(learned >= 94 * 12 - 2, "expected all that is learned from, found {learned}");
    assert!(server.stops_gracefully());
}

#[test]
fn hours_without_prometheus_are_made_up_for_while_weft_runs() {
    let folder = tempfile::tempdir().expect("a folder");
    let (text, truth) = fleet();
    left_behind(folder.path(), &truth, now() - Span::from_hours(5));
    let port = free_port();
    let mut server = Server::start(folder.path(), &config(port), None);
    server.wait_until("it says that nothing is seen", |server| frozen(server, "unobserved"));
    assert!(known(&server, 4) == 0, "nothing is known of the hours without Prometheus");
    let _prometheus = Prometheus::holding_at(&text, port);
    server.wait_until("what was missed is there", |server| known(server, 4) >= 4 * 12 - 2);
    server.wait_until("there is a plan", |server| !server.get("status")["plan"].is_null());
    assert_eq!(server.get("status")["freezes"], Value::Array(Vec::new()));
    assert!(server.stops_gracefully());
}
