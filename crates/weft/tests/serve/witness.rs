//! Remembers what the loop acknowledged and showed, and compares after every start.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::{Value, json};

use crate::processes::{Fleet, Server};

/// Campaigns that are there at a time: then one is taken back for each that is announced.
const CAMPAIGNS: usize = 500;

const HOSTS: [&str; 3] = ["a-1", "a-2", "b-1"];

/// What was acknowledged and shown so far.
#[derive(Debug, Default)]
pub(crate) struct Witness {
    asked: usize,
    acknowledged: usize,
    kills: usize,
    campaigns: BTreeSet<String>,
    taken_back: BTreeSet<String>,
    /// Whether each host is being emptied; none where a request went unanswered.
    drained: BTreeMap<&'static str, Option<bool>>,
    /// Whether the loop is paused; none where a request went unanswered.
    paused: Option<Option<bool>>,
    /// Journal lines as they were shown.
    journal: BTreeMap<u64, Value>,
}

impl fmt::Display for Witness {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { asked, acknowledged, kills, journal, .. } = self;
        let entries = journal.len();
        write!(
            formatter,
            "{kills} kills; {acknowledged} of {asked} requests acknowledged, none lost; {entries} journal entries"
        )
    }
}

impl Witness {
    /// Asks for the next thing; what is acknowledged is remembered.
    pub(crate) fn ask_something(&mut self, server: &Server) {
        let number = self.asked;
        self.asked += 1;
        let done = match number % 40 {
            5 => self.drain_or_take_back(server, HOSTS[number / 40 % HOSTS.len()]),
            20 => self.pause(server, true),
            21 => self.pause(server, false),
            _ if self.campaigns.len() >= CAMPAIGNS => self.take_back(server),
            _ => self.announce(server, number),
        };
        self.acknowledged += usize::from(done);
    }

    fn announce(&mut self, server: &Server, number: usize) -> bool {
        let id = format!("campaign-{number}");
        let window = ("2026-03-20T08:00:00Z", "2026-03-20T20:00:00Z");
        let done = server.post("events", &json!({"id": id, "begins": window.0, "ends": window.1}));
        if done {
            self.campaigns.insert(id);
        }
        done
    }

    fn take_back(&mut self, server: &Server) -> bool {
        let id = self.campaigns.pop_first().expect("there are many");
        let done = server.take_back(&format!("events/{id}"));
        if done {
            self.taken_back.insert(id);
        }
        done
    }

    fn drain_or_take_back(&mut self, server: &Server, host: &'static str) -> bool {
        let is_drained = self.drained.get(host) == Some(&Some(true));
        let path = if is_drained { "undrain" } else { "drain" };
        self.drained.insert(host, None);
        let done = server.post(&format!("hosts/{host}/{path}"), &json!(null));
        if done {
            self.drained.insert(host, Some(!is_drained));
        }
        done
    }

    fn pause(&mut self, server: &Server, is_paused: bool) -> bool {
        self.paused = Some(None);
        let done = server.post(if is_paused { "pause" } else { "resume" }, &json!(null));
        if done {
            self.paused = Some(Some(is_paused));
        }
        done
    }

    pub(crate) fn was_killed(&mut self) {
        self.kills += 1;
    }

    /// After a start: everything that was acknowledged is there.
    pub(crate) fn look_back(&mut self, server: &Server) {
        let there = event_names(server);
        let lost: Vec<_> = self.campaigns.difference(&there).collect();
        assert!(lost.is_empty(), "campaigns lost after {} kills: {lost:?}", self.kills);
        let undone: Vec<_> = self.taken_back.intersection(&there).collect();
        assert!(undone.is_empty(), "taken back, and there after {} kills: {undone:?}", self.kills);
        let status = server.get("status");
        if let Some(Some(is_paused)) = self.paused {
            let expected = if is_paused { "paused" } else { "on" };
            assert_eq!(status["switch"], expected, "after {} kills", self.kills);
        }
        self.remember(server);
        let newest = self.journal.values().rev().find(|line| line["kind"] == "draining");
        let sentence = newest.map_or("", |line| line["sentence"].as_str().expect("a sentence"));
        for (host, is_drained) in &self.drained {
            if let Some(is_drained) = is_drained {
                assert_eq!(sentence.contains(host), *is_drained, "{host} in {sentence:?}");
            }
        }
    }

    /// Reads the whole journal: what was shown before is there, unchanged and without a gap.
    fn remember(&mut self, server: &Server) {
        let mut after = String::new();
        let mut found = BTreeMap::new();
        loop {
            let page = server.get(&format!("journal?limit=500{after}"));
            for line in page["items"].as_array().expect("items") {
                found.insert(line["id"].as_u64().expect("a number"), line.clone());
            }
            match page["next"].as_str() {
                Some(next) => after = format!("&after={next}"),
                None => break,
            }
        }
        let last = found.keys().next_back().copied();
        let count = last.map_or(0, |last| last + 1);
        assert_eq!(found.len() as u64, count, "the journal has a gap");
        for (id, line) in &self.journal {
            assert_eq!(found.get(id), Some(line), "entry {id} after {} kills", self.kills);
        }
        self.journal = found;
    }

    /// In the end: every order that the machines got was recorded first, and came once.
    pub(crate) fn settle_account(&mut self, server: &Server, fleet: &Fleet) {
        let told = fleet.told();
        self.remember(server);
        let told = told.as_array().expect("a list");
        assert!(!told.is_empty(), "expected moves, found none");
        let recorded: BTreeSet<u64> = self
            .journal
            .values()
            .filter(|l| l["kind"] == "starting")
            .filter_map(|l| l["move"].as_u64())
            .collect();
        let mut workloads = BTreeMap::new();
        for order in told {
            let id = order["order"]["id"].as_u64().expect("a number");
            assert!(recorded.contains(&id), "move {id} was started before it was recorded");
            assert_eq!(order["times"], 1, "{order}");
            assert_eq!(order["is_contradicted"], false, "{order}");
            assert!(order["status"]["failed"][0] != "contradiction", "{order}");
            *workloads.entry(order["order"]["workload"].to_string()).or_insert(0) += 1;
        }
        let starts = self.journal.values().filter(|l| l["kind"] == "starting").count();
        assert_eq!(starts, recorded.len(), "a move was recorded as starting twice");
        println!("{} orders of {} recorded starts", told.len(), starts);
    }
}

/// The names of all events, page by page.
fn event_names(server: &Server) -> BTreeSet<String> {
    let mut after = String::new();
    let mut names = BTreeSet::new();
    loop {
        let page = server.get(&format!("events?limit=500{after}"));
        let items = page["items"].as_array().expect("items");
        names.extend(items.iter().filter_map(|item| item["id"].as_str()).map(str::to_owned));
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => return names,
        }
    }
}
