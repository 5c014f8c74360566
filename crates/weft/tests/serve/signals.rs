//! What the outside tells, from its sources to the API: a calendar that recurs in its zone, campaigns in a file that
//! somebody edits, a feed that fails. What a stranger writes into a feed is shown and moves nothing, and no address
//! inside the network is asked unless the operator says so.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use crate::fake::{Fake, Reply};
use crate::processes::{Fleet, Server, configured, weft};

/// Mondays at nine in Berlin, where the clocks change on 29 March.
const CALENDAR: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:monday\r\n\
    DTSTART;TZID=Europe/Berlin:20260302T090000\r\nDTEND;TZID=Europe/Berlin:20260302T110000\r\n\
    RRULE:FREQ=WEEKLY\r\nSUMMARY:Payroll\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";

const CAMPAIGNS: &str = "id,begins,ends,workloads,tags,expected_lift\n\
    spring,2026-03-20T08:00:00Z,2026-03-22T20:00:00Z,shop-01;shop-02,,1.8\n\
    broken,2026-03-20T08:00:00Z,2026-03-19T20:00:00Z,*,,\n";

/// An item of which a rule expects fifty times the demand of everybody for weeks.
const FEED: &str = "<rss><channel><item><title>Total outage, everybody move!</title><guid>7</guid>\
    <link>https://wire.example/7</link><pubDate>Mon, 02 Mar 2026 06:00:00 GMT</pubDate></item></channel></rss>";

/// A wire that can be cut.
struct Wire {
    server: Fake,
    is_cut: Arc<AtomicBool>,
}

impl Wire {
    fn start() -> Self {
        let is_cut = Arc::new(AtomicBool::new(false));
        let cut = is_cut.clone();
        let server = Fake::start(move |_, _| match cut.load(Ordering::SeqCst) {
            true => Reply::status(500, "out of order"),
            false => Reply::ok(FEED),
        });
        Self { server, is_cut }
    }

    fn asked_for(&self, path: &str) -> usize {
        self.server.seen().iter().filter(|seen| seen.path == path).count()
    }

    fn feed(&self, name: &str, more: &str) -> String {
        let url = self.server.url(&format!("/{name}"));
        format!(
            "[[feeds]]\nname = \"{name}\"\nurl = \"{url}\"\nevery = \"1m\"\n{more}\n\
             [[feeds.rules]]\nkind = \"outage\"\nkeywords = {{ all = [\"outage\"] }}\nconcerns = {{}}\n\
             lasts = \"30d\"\nexpected_lift = 50\n"
        )
    }
}

fn files(folder: &Path) -> &'static str {
    std::fs::write(folder.join("team.ics"), CALENDAR).expect("written");
    std::fs::write(folder.join("campaigns.csv"), CAMPAIGNS).expect("written");
    "[[calendars]]\nname = \"team\"\npath = \"team.ics\"\nconcerns = {}\n\
     [[campaigns]]\nname = \"sales\"\npath = \"campaigns.csv\"\n"
}

fn source(server: &Server, name: &str) -> Value {
    let sources = server.get("sources");
    let all = sources["items"].as_array().expect("items");
    all.iter().find(|source| source["name"] == name).cloned().unwrap_or(Value::Null)
}

fn events(server: &Server, source: &str) -> Vec<Value> {
    let page = server.get("events?limit=1000");
    let all = page["items"].as_array().expect("items");
    all.iter().filter(|event| event["source"] == source).cloned().collect()
}

fn texts<'a>(items: &'a [Value], key: &str) -> Vec<&'a str> {
    items.iter().filter_map(|item| item[key].as_str()).collect()
}

#[test]
fn a_feed_that_screams_is_shown_and_moves_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let (fleet, wire) = (Fleet::start(folder.path(), 288), Wire::start());
    let open = wire.feed("open", "allow_private = true");
    let config = format!("{}{open}{}", fleet.config(), wire.feed("closed", ""));
    let mut server = Server::start(folder.path(), &config, None);
    server.wait_until("both feeds were tried", |server| {
        source(server, "open")["read"].is_string() && source(server, "closed")["error"].is_string()
    });

    let error = source(&server, "closed")["error"].as_str().expect("why").to_owned();
    assert!(error.contains("expected a public address, found 127.0.0.1"), "{error}");
    let [event] = &events(&server, "open")[..] else { panic!("one event") };
    assert_eq!(event["title"], "Total outage, everybody move!");
    assert_eq!(event["is_trusted"], false);
    assert_eq!((&event["rule"], &event["expected_lift"]), (&json!("outage"), &json!(50.0)));
    assert_eq!(event["link"], "https://wire.example/7");
    assert_eq!(events(&server, "closed"), [] as [Value; 0]);

    server.wait_until("moves were planned and made", |server| {
        server.get("moves?state=succeeded")["items"].as_array().is_some_and(|all| !all.is_empty())
    });
    let outlook = server.get("outlook");
    assert_eq!(outlook["events"][0]["source"], "open", "it is on the heat map");
    // Fifty times the demand of everybody, capped at what each has, would fill every host.
    let hosts = server.get("hosts");
    let expected: f64 = hosts["items"]
        .as_array()
        .expect("hosts")
        .iter()
        .filter_map(|host| host["cpu_expected_millicores"].as_f64())
        .sum();
    let allocated = 32.0 * 4_000.0;
    assert!(expected > 0.0 && expected < 0.7 * allocated, "{expected} of {allocated} millicores");
    for path in ["moves", "plans/current", "shortages", "journal"] {
        let text = server.get(path).to_string();
        let names = ["open/", "outage", "everybody move"];
        assert!(names.iter().all(|name| !text.contains(name)), "{path} speaks of it: {text}");
    }
    assert!(server.stops_gracefully());
    assert!(wire.asked_for("/open") > 0);
    assert_eq!(wire.asked_for("/closed"), 0, "nothing is fetched from where nothing may be");
}

#[test]
fn events_follow_their_sources_and_stay_when_those_fail() {
    let folder = tempfile::tempdir().expect("a folder");
    let (fleet, wire) = (Fleet::start(folder.path(), 288), Wire::start());
    let open = wire.feed("open", "allow_private = true");
    let config = format!("{}{}{open}", fleet.config(), files(folder.path()));
    let mut server = Server::start(folder.path(), &config, None);
    server.wait_until("all sources are read", |server| {
        ["team", "sales", "open"].iter().all(|name| source(server, name)["read"].is_string())
    });

    let team = events(&server, "team");
    let begins = texts(&team, "begins");
    for monday in ["2026-03-09T08:00:00Z", "2026-03-23T08:00:00Z", "2026-03-30T07:00:00Z"] {
        assert!(begins.contains(&monday), "expected {monday} in {begins:?}");
    }
    assert!(team.iter().all(|event| event["is_trusted"] == true && event["title"] == "Payroll"));
    assert_eq!(texts(&events(&server, "sales"), "title"), ["spring"]);
    let sales = source(&server, "sales");
    assert_eq!((&sales["events"], &sales["problem_count"]), (&json!(1), &json!(1)));
    let problem = sales["problems"][0].as_str().expect("a sentence");
    assert!(problem.starts_with("line 3: "), "{problem}");

    let edited = CAMPAIGNS.replace("spring", "summer");
    std::fs::write(folder.path().join("campaigns.csv"), edited).expect("written");
    server.wait_until("events follow the file", |server| {
        texts(&events(server, "sales"), "title") == ["summer"]
    });

    // All sources fail at once: the feed, a file that is gone, a file that is something else.
    wire.is_cut.store(true, Ordering::SeqCst);
    std::fs::remove_file(folder.path().join("campaigns.csv")).expect("removed");
    std::fs::write(folder.path().join("team.ics"), "<html>moved</html>").expect("written");
    let failed = |server: &Server| {
        ["team", "sales", "open"].iter().all(|name| source(server, name)["error"].is_string())
    };
    server.wait_until("all sources fail", failed);
    check_kept(&server);
    let metrics = server.metrics();
    assert!(metrics.contains("weft_source_events{source=\"sales\"} 1"), "{metrics}");
    let last = "weft_source_last_success_timestamp_seconds{source=\"open\"} 177";
    assert!(metrics.contains(last), "{metrics}");

    // Over a restart too; what is configured as not trusted any more loses its trust at once.
    assert!(server.stops_gracefully());
    let token = Some(server.token.clone());
    drop(server);
    let doubted =
        config.replace("path = \"campaigns.csv\"", "path = \"campaigns.csv\"\ntrusted = false");
    let mut server = Server::start(folder.path(), &doubted, token);
    server.wait_until("all sources were tried again", |server| {
        failed(server) && source(server, "sales")["is_trusted"] == false
    });
    check_kept(&server);
    assert!(events(&server, "sales").iter().all(|event| event["is_trusted"] == false));
    assert!(events(&server, "team").iter().all(|event| event["is_trusted"] == true));

    // A source that is no longer named is gone, and its events with it; campaigns of the API are not.
    let campaign =
        json!({"id": "mine", "begins": "2026-03-10T00:00:00Z", "ends": "2026-03-11T00:00:00Z"});
    assert!(server.post("events", &campaign));
    assert!(server.stops_gracefully());
    let token = Some(server.token.clone());
    drop(server);
    let only_files = format!("{}{}", fleet.config(), files(folder.path()));
    let mut server = Server::start(folder.path(), &only_files, token);
    server.wait_until("the others are read again", |server| {
        texts(&events(server, "sales"), "title") == ["spring"]
    });
    assert_eq!((events(&server, "open"), source(&server, "open")), (Vec::new(), Value::Null));
    assert_eq!(texts(&events(&server, "api"), "title"), ["mine"]);
    assert!(server.stops_gracefully());
}

/// What the sources had told before they failed.
fn check_kept(server: &Server) {
    assert_eq!(texts(&events(server, "open"), "title"), ["Total outage, everybody move!"]);
    assert_eq!(texts(&events(server, "sales"), "title"), ["summer"]);
    assert!(events(server, "team").len() >= 4);
    for name in ["team", "sales", "open"] {
        assert!(source(server, name)["read"].is_string(), "{name} had been read before");
    }
}

#[test]
fn a_campaign_is_taken_back_by_who_told_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let fleet = Fleet::start(folder.path(), 288);
    let config = format!("{}{}", fleet.config(), files(folder.path()));
    let mut server = Server::start(folder.path(), &config, None);
    let campaign = |id: &str| json!({"id": id, "begins": "2026-03-10T00:00:00Z", "ends": "2026-03-11T00:00:00Z"});
    for id in ["a", "b", "c"] {
        assert!(server.post("events", &campaign(id)));
    }
    assert_eq!(server.delete("events/b", "guess"), Err(401));
    assert_eq!(server.delete("events/b", &server.token), Ok(()));
    assert_eq!(server.delete("events/b", &server.token), Err(404));
    assert_eq!(texts(&events(&server, "api"), "id"), ["a", "c"]);
    server.wait_until("the file is read", |server| !events(server, "sales").is_empty());
    let error = server.delete("events/sales%2Fspring", &server.token);
    assert_eq!(error, Err(404), "what a file says is taken back in the file");
    assert_eq!(events(&server, "sales").len(), 1);

    // Page by page, every event once and in order.
    let (mut ids, mut after) = (Vec::new(), String::new());
    loop {
        let page = server.get(&format!("events?limit=2{after}"));
        let items = page["items"].as_array().expect("items");
        assert!(items.len() <= 2);
        ids.extend(
            items.iter().map(|event| event["begins"].to_string() + &event["id"].to_string()),
        );
        let Some(next) = page["next"].as_str() else { break };
        after = format!("&after={next}");
    }
    let whole = server.get("events?limit=1000")["items"].as_array().expect("items").len();
    assert!(ids.len() == whole && ids.is_sorted() && whole >= 7, "{ids:?}");
    assert!(server.stops_gracefully());
}

#[test]
fn validate_reads_every_source_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let (fleet, wire) = (Fleet::start(folder.path(), 288), Wire::start());
    let config = format!("{}{}", fleet.config(), files(folder.path()));
    let validated = |config: &str| {
        let file = configured(folder.path(), config);
        let output = weft().args(["validate", "--config"]).arg(file).output().expect("it runs");
        (String::from_utf8(output.stdout).expect("text"), output.status.code())
    };
    let (text, code) = validated(&config);
    assert!(text.contains("ok     calendar       team: "), "{text}");
    assert!(text.contains("; 1 problem: line 3: "), "{text}");
    assert_eq!(code, Some(0), "{text}");
    let (text, code) = validated(&format!("{config}{}", wire.feed("closed", "")));
    assert!(text.contains("WRONG  feed "), "{text}");
    assert!(text.contains("expected a public address, found 127.0.0.1"), "{text}");
    assert_eq!((code, wire.asked_for("/closed")), (Some(1), 0), "{text}");
}
