//! The whole way from the loop's view to receivers, over restarts, with receivers that are down, slow or say no.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Mutex;
use std::time::Instant;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use serde_json::Value;
use weft_collect::fetch::Fetcher;
use weft_core::time::{Span, Step, Timestamp};
use weft_store::SqliteStore;
use weft_store::alert::Severity;

use super::deliveries::Outcome;
use super::fixture::{NOW, view, without};
use super::receiver::webhook::{DELIVERY, SIGNATURE, Webhook, signature};
use super::receiver::{Channel, settings};
use super::*;
use crate::run::view::View;
use crate::run::web::Web;

const SECRET: &str = "a secret of many letters";
const PATIENCE: Duration = Duration::from_secs(60);

/// What a webhook's server got and how it answers: 200 once its answers are used up.
#[derive(Debug, Default)]
struct Inbox {
    answers: VecDeque<StatusCode>,
    got: Vec<(HeaderMap, Bytes)>,
}

type Shared = Arc<Mutex<Inbox>>;

async fn take(State(inbox): State<Shared>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let mut inbox = inbox.lock().expect("no test panics here");
    inbox.got.push((headers, body));
    inbox.answers.pop_front().unwrap_or(StatusCode::OK)
}

async fn never() -> StatusCode {
    std::future::pending().await
}

/// A server with a webhook at `/hook` and one at `/silent` that never answers.
fn server(answers: &[u16]) -> (Web, Shared) {
    let (web, listener) = Web::listen(([127, 0, 0, 1], 0).into()).expect("it listens");
    let code = |code: &u16| StatusCode::from_u16(*code).expect("a status");
    let answers = answers.iter().map(code).collect();
    let inbox = Arc::new(Mutex::new(Inbox { answers, got: Vec::new() }));
    let routes = Router::new().route("/hook", post(take)).route("/silent", post(never));
    web.serve_routes(listener, routes.with_state(inbox.clone()));
    (web, inbox)
}

fn webhook(web: &Web, name: &str, path: &str) -> Receiver {
    let fetcher = Fetcher::new(settings()).expect("sound settings");
    let url = format!("http://{}/{path}", web.address());
    let secret = SECRET.to_owned();
    let added = Default::default();
    let channel = Webhook::new(fetcher, &url, secret, "https://weft.example", added);
    Receiver::new(name.to_owned(), Severity::Info, Channel::Webhook(channel))
}

fn desk(folder: &Path) -> Desk {
    let store = SqliteStore::open(&folder.join("weft.db"), Step::FIVE_MINUTES).expect("opened");
    Desk::new(view(), Err, Arc::new(store))
}

/// A fleet on a fast clock: hours pass while something is waited for.
struct Stage {
    desk: Desk,
    now: Timestamp,
}

impl Stage {
    fn new(folder: &Path) -> Self {
        Self { desk: desk(folder), now: NOW }
    }

    /// Lets time pass with these hosts lost until something holds.
    fn play(&mut self, lost: &[&str], what: &str, holds: impl Fn(&Desk) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !holds(&self.desk) {
            assert!(Instant::now() < deadline, "waited in vain until {what}");
            self.now = self.now + Span::from_seconds(5);
            let mut shown = View { now: self.now, ..view() };
            without(&mut shown, lost);
            self.desk.publish(shown, BTreeSet::new());
            std::thread::park_timeout(Duration::from_millis(10));
        }
    }
}

fn open(desk: &Desk) -> Vec<weft_store::alert::Alert> {
    desk.store().open_alerts().expect("read")
}

fn is_told(desk: &Desk) -> bool {
    let alerts = desk.store().alerts(None, 10).expect("read");
    !alerts.is_empty() && alerts.iter().all(|alert| alert.told.is_some())
}

/// What was taken, each as `status subject`, with its signature checked.
fn taken(inbox: &Shared) -> Vec<(String, String)> {
    let inbox = inbox.lock().expect("no test panics here");
    inbox.got.iter().map(|(headers, body)| checked(headers, body)).collect()
}

fn checked(headers: &HeaderMap, body: &Bytes) -> (String, String) {
    let header = |name: &str| headers[name].to_str().expect("text").to_owned();
    let signed = header(SIGNATURE);
    let (seconds, code) = signed.split_once(",v1=").expect("t=…,v1=…");
    let seconds = seconds.strip_prefix("t=").expect("t=…").parse().expect("seconds");
    assert_eq!(code, signature(SECRET, seconds, body));
    let posted: Value = serde_json::from_slice(body).expect("JSON");
    assert_eq!(posted["id"], header(DELIVERY).as_str());
    let text = |name: &str| posted[name].as_str().expect("text").to_owned();
    (header(DELIVERY), format!("{} {}", text("status"), text("subject")))
}

fn start(desk: &Desk, receivers: Vec<Receiver>) -> Alerts {
    Alerts::start(desk, receivers, Clock::Wall).expect("they start")
}

#[test]
fn a_webhook_that_was_down_is_told_once_it_is_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let (web, inbox) = server(&[503, 500]);
    let mut stage = Stage::new(folder.path());
    let alerts = start(&stage.desk, vec![webhook(&web, "hook", "hook")]);
    stage.play(&["a-1"], "it is told", is_told);
    let tries = taken(&inbox);
    assert_eq!(tries.len(), 3, "two failed: {tries:?}");
    assert!(tries.iter().all(|attempt| *attempt == tries[0]), "the same delivery: {tries:?}");
    assert_eq!(tries[0].1, "firing a-1");

    stage.play(&[], "the end is told", |desk| open(desk).is_empty() && is_told(desk));
    assert_eq!(taken(&inbox)[3].1, "resolved a-1");
    assert_eq!(taken(&inbox).len(), 4);
    let counts = stage.desk.deliveries().counts();
    let of = |outcome, count| ("hook".to_owned(), outcome, count);
    assert_eq!(counts, [of(Outcome::Delivered, 2), of(Outcome::Failed, 2)]);
    alerts.close();
    web.stop();
}

#[test]
fn what_was_not_told_is_told_after_a_restart_and_nothing_twice() {
    let folder = tempfile::tempdir().expect("a folder");
    let (web, inbox) = server(&[]);
    let nobody = server(&[]).0;
    let dead = webhook(&nobody, "dead", "hook");
    nobody.stop();
    let mut stage = Stage::new(folder.path());
    let alerts = start(&stage.desk, vec![webhook(&web, "hook", "hook"), dead]);
    let is_told_by_one =
        |desk: &Desk| open(desk).first().is_some_and(|alert| alert.told_by.contains("hook"));
    stage.play(&["a-1"], "one is told", is_told_by_one);
    assert!(!is_told(&stage.desk), "the other is not");
    alerts.close();
    let now = stage.now;
    drop(stage);

    let (back, late) = server(&[]);
    let mut stage = Stage { now, ..Stage::new(folder.path()) };
    let receivers = vec![webhook(&web, "hook", "hook"), webhook(&back, "dead", "hook")];
    let alerts = start(&stage.desk, receivers);
    stage.play(&["a-1"], "both are told", is_told);
    // A second loss goes all the way: by then the first has been judged again.
    stage.play(&["a-1", "b-1"], "both are told of both", |desk| {
        open(desk).len() == 2 && is_told(desk)
    });
    let lines = |inbox| taken(inbox).into_iter().map(|(_, line)| line).collect::<Vec<_>>();
    assert_eq!(lines(&inbox), ["firing a-1", "firing b-1"]);
    assert_eq!(lines(&late), ["firing a-1", "firing b-1"]);
    alerts.close();
    back.stop();
    web.stop();
}

#[test]
fn one_that_says_no_or_nothing_keeps_nobody_waiting() {
    let folder = tempfile::tempdir().expect("a folder");
    let (web, inbox) = server(&[400]);
    let mut stage = Stage::new(folder.path());
    let receivers = vec![webhook(&web, "hook", "hook"), webhook(&web, "silent", "silent")];
    let alerts = start(&stage.desk, receivers);
    stage.play(&["a-1", "b-1"], "the other is told of both", |desk| {
        let open = open(desk);
        open.len() == 2 && open.iter().all(|alert| alert.told_by.contains("hook"))
    });
    let mut lines: Vec<String> = taken(&inbox).into_iter().map(|(_, line)| line).collect();
    lines.sort();
    assert_eq!(lines, ["firing a-1", "firing a-1", "firing b-1"], "the refused one is tried again");
    // The silent one hangs up with its server, so that nothing has to run into its time limit.
    web.stop();
    alerts.close();
}
