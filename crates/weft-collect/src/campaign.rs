//! Campaigns: a table of planned campaigns, as marketing keeps it, to signals. No row is lost
//! silently: each gives a campaign or one sentence with its line.

use std::collections::{BTreeMap, BTreeSet};

use csv::{ByteRecord, ReaderBuilder, Trim};
use serde::Deserialize;
use thiserror::Error;
use weft_core::event::{Event, EventKind, Provenance, Signal};
use weft_core::id::Tag;
use weft_core::policy::{Selector, Window};
use weft_core::time::{Span, Timestamp};

use crate::signal::origin::{Fetched, Origin, Placement, Request, is_lift};
use crate::signal::text::{TITLE_CHARS, cleaned};
use crate::signal::{Reading, SignalError};

/// The columns, in any order.
pub const COLUMNS: [&str; 6] = ["id", "begins", "ends", "workloads", "tags", "expected_lift"];

/// How many rows are read at most.
pub const ROWS: usize = 100_000;

/// The longest name of a campaign, in characters.
const NAME_CHARS: usize = 200;

/// Why a text is no table of campaigns.
#[derive(Debug, Error)]
pub enum CampaignError {
    /// The first line is not the header.
    #[error(
        "line 1: expected the columns `id,begins,ends,workloads,tags,expected_lift`, found `{found}`"
    )]
    Header {
        /// What stands there.
        found: String,
    },
    /// The text cannot be taken apart.
    #[error("expected comma-separated rows")]
    Rows(#[from] csv::Error),
}

/// A table of campaigns to read.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "Written")]
pub struct CampaignSource {
    /// Its name, the first part of its events' names.
    pub name: String,
    /// Where it lies.
    pub origin: Origin,
    /// How often it is read.
    pub every: Span,
    /// Whether moves may rest on it.
    pub is_trusted: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: String,
    path: Option<std::path::PathBuf>,
    url: Option<String>,
    #[serde(default)]
    allow_private: bool,
    every: Option<Span>,
    trusted: Option<bool>,
}

impl TryFrom<Written> for CampaignSource {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let Written { name, path, url, allow_private, every, trusted } = written;
        let kind = "campaigns";
        let placement = Placement { kind, name: &name, path, url, allow_private, every };
        let (origin, every) = placement.judged()?;
        let is_trusted = trusted.unwrap_or(matches!(origin, Origin::Path(_)));
        Ok(Self { name, origin, every, is_trusted })
    }
}

impl CampaignSource {
    /// The signals of the campaigns that overlap `horizon`.
    pub fn signals(&self, bytes: &[u8], horizon: Window) -> Result<Reading, CampaignError> {
        let mut reader = ReaderBuilder::new().flexible(true).trim(Trim::All).from_reader(bytes);
        let header = reader.byte_headers()?.clone();
        let columns = columns(&header)?;
        let mut reading = Reading::default();
        let mut lines: BTreeMap<String, u64> = BTreeMap::new();
        for (count, row) in reader.byte_records().enumerate() {
            let row = row?;
            let line = row.position().map_or(0, csv::Position::line);
            if count == ROWS {
                let sentence = format!("line {line}: expected at most {ROWS} rows, found more");
                reading.problems.push(sentence);
                break;
            }
            match campaign(&row, header.len(), &columns) {
                Ok(campaign) => match lines.insert(campaign.id.clone(), line) {
                    Some(first) => reading.problems.push(format!(
                        "line {line}: expected every campaign to have its own id, found `{}` as in line {first}",
                        campaign.id
                    )),
                    None if campaign.window.overlaps(&horizon) => {
                        reading.signals.push(self.signal(campaign, line));
                    }
                    None => {}
                },
                Err(problem) => reading.problems.push(format!("line {line}: {problem}")),
            }
        }
        Ok(reading.ordered())
    }

    /// Loads the source, by `fetch` where it lies at an address, and gives the signals of its campaigns.
    pub fn read(
        &self,
        horizon: Window,
        fetch: impl FnOnce(Request<'_>) -> Fetched,
    ) -> Result<Reading, SignalError> {
        let bytes = self.origin.load(&self.name, fetch)?;
        self.signals(&bytes, horizon)
            .map_err(|cause| SignalError::Campaign { name: self.name.clone(), cause })
    }

    fn signal(&self, campaign: Campaign, line: u64) -> Signal {
        let event = Event {
            id: format!("{}/{}", self.name, campaign.id).into(),
            kind: EventKind::Campaign,
            window: campaign.window,
            concerns: campaign.concerns,
            expected_lift: campaign.expected_lift,
        };
        let provenance = Provenance {
            title: campaign.id,
            place: format!("line {line}"),
            link: None,
            rule: None,
        };
        let make = if self.is_trusted { Signal::trusted } else { Signal::untrusted };
        make(&self.name, event, provenance)
    }
}

/// Where each of [`COLUMNS`] stands.
fn columns(header: &ByteRecord) -> Result<[usize; 6], CampaignError> {
    let places: Vec<usize> = COLUMNS
        .iter()
        .filter_map(|column| header.iter().position(|name| name == column.as_bytes()))
        .collect();
    let found = || {
        let names: Vec<_> = header.iter().map(String::from_utf8_lossy).collect();
        CampaignError::Header { found: cleaned(&names.join(","), TITLE_CHARS) }
    };
    if header.len() != COLUMNS.len() {
        return Err(found());
    }
    places.try_into().map_err(|_| found())
}

struct Campaign {
    id: String,
    window: Window,
    concerns: Selector,
    expected_lift: Option<f64>,
}

fn campaign(row: &ByteRecord, width: usize, columns: &[usize; 6]) -> Result<Campaign, String> {
    if row.len() != width {
        return Err(format!("expected {width} fields, found {}", row.len()));
    }
    let fields: Vec<&str> = columns
        .iter()
        .zip(COLUMNS)
        .map(|(place, name)| {
            std::str::from_utf8(&row[*place])
                .map_err(|_| format!("expected UTF-8 in `{name}`, found other bytes"))
        })
        .collect::<Result<_, _>>()?;
    let [id, begins, ends, workloads, tags, expected_lift] = fields[..] else {
        return Err(format!("expected {} fields, found {}", COLUMNS.len(), fields.len()));
    };
    Ok(Campaign {
        id: name(id)?,
        window: window(begins, ends)?,
        concerns: concerns(workloads, tags)?,
        expected_lift: lift(expected_lift)?,
    })
}

fn name(text: &str) -> Result<String, String> {
    let clean = cleaned(text, NAME_CHARS);
    if text.is_empty() {
        return Err("expected an id, found an empty one".to_owned());
    }
    if clean != text {
        return Err(format!(
            "expected an id of at most {NAME_CHARS} visible characters, found `{clean}`"
        ));
    }
    Ok(clean)
}

fn window(begins: &str, ends: &str) -> Result<Window, String> {
    let instant = |name: &str, text: &str| match text.parse::<jiff::Timestamp>() {
        Ok(instant) => Ok(Timestamp::from_millis(instant.as_millisecond())),
        Err(_) => {
            let found = cleaned(text, 40);
            Err(format!("expected `{name}` in RFC 3339 like 2026-11-27T08:00:00Z, found `{found}`"))
        }
    };
    let window = Window { begins: instant("begins", begins)?, ends: instant("ends", ends)? };
    if window.ends <= window.begins {
        return Err(format!("expected `ends` after `begins` ({begins}), found {ends}"));
    }
    Ok(window)
}

/// Whom a campaign concerns. Nobody is a mistake, and everybody must be said: `*`.
fn concerns(workloads: &str, tags: &str) -> Result<Selector, String> {
    let list = |text: &str| -> BTreeSet<String> {
        let parts = text.split(';').map(str::trim).filter(|part| !part.is_empty());
        parts.map(str::to_owned).collect()
    };
    let (names, tags) = (list(workloads), list(tags));
    match (names.contains("*"), names.is_empty() && tags.is_empty()) {
        (true, _) if names.len() == 1 && tags.is_empty() => Ok(Selector::default()),
        (true, _) => Err("expected `*` alone or names and tags, found both".to_owned()),
        (_, true) => {
            Err("expected workloads or tags (`*` for every workload), found neither".to_owned())
        }
        _ => Ok(Selector { names, tags: tags.into_iter().map(Tag::from).collect() }),
    }
}

fn lift(text: &str) -> Result<Option<f64>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let lift = text.parse().ok().filter(|lift| is_lift(*lift));
    let found =
        || format!("expected a lift of at least 0 or nothing, found `{}`", cleaned(text, 40));
    lift.map(Some).ok_or_else(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::any;
    use proptest::{collection::vec, proptest};

    const HEADER: &str = "id,begins,ends,workloads,tags,expected_lift\n";
    const ALWAYS: Window =
        Window { begins: Timestamp::from_seconds(0), ends: Timestamp::from_seconds(4_000_000_000) };

    fn source() -> CampaignSource {
        serde_json::from_str(r#"{"name": "plan", "path": "campaigns.csv"}"#).expect("valid")
    }

    fn read(text: &str) -> Reading {
        source().signals(text.as_bytes(), ALWAYS).expect(text)
    }

    #[test]
    fn campaigns_are_read() {
        let text = "tags,id,begins,ends,workloads,expected_lift\n\
            shop;web,sale,2026-11-27T08:00:00+01:00,2026-11-28T00:00:00Z,,1.8\n\
            ,launch,2026-11-20T00:00:00Z,2026-11-21T00:00:00Z,a ; b,\n\
            ,all,2026-11-30T00:00:00Z,2026-12-01T00:00:00Z,*,0\n";
        let reading = read(text);
        assert_eq!(reading.problems.sentences(), [] as [&str; 0]);
        let [launch, sale, all] = &reading.signals[..] else { panic!("three campaigns") };
        let event = sale.to_act_on().expect("trusted");
        assert_eq!((event.id.as_str(), event.kind), ("plan/sale", EventKind::Campaign));
        assert_eq!(event.window.begins, "2026-11-27T07:00:00Z".parse().unwrap());
        assert_eq!(event.expected_lift, Some(1.8));
        assert!(event.concerns.tags.contains(&"web".into()) && event.concerns.names.is_empty());
        assert_eq!(launch.to_show().concerns, Selector::names(["a", "b"]));
        assert_eq!(launch.provenance().place, "line 3");
        assert_eq!(all.to_show().concerns, Selector::default());
    }

    #[test]
    fn every_bad_row_gives_one_sentence_with_its_line() {
        let check = |row: &str, sentence: &str| {
            let good = "good,2026-01-01T00:00:00Z,2026-01-02T00:00:00Z,a,,";
            let reading = read(&format!("{HEADER}{good}\n{row}\n"));
            assert_eq!(reading.signals.len(), 1, "{row}");
            assert_eq!(reading.problems.sentences(), [format!("line 3: {sentence}")], "{row}");
        };
        let row =
            |id: &str, begins: &str, ends: &str, rest: &str| format!("{id},{begins},{ends},{rest}");
        let (day, next) = ("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z");
        check(&row("", day, next, "a,,"), "expected an id, found an empty one");
        check(
            &row("x", "soon", next, "a,,"),
            "expected `begins` in RFC 3339 like 2026-11-27T08:00:00Z, found `soon`",
        );
        check(
            &row("x", day, "2026-01-02", "a,,"),
            "expected `ends` in RFC 3339 like 2026-11-27T08:00:00Z, found `2026-01-02`",
        );
        check(
            &row("x", next, day, "a,,"),
            "expected `ends` after `begins` (2026-01-02T00:00:00Z), found 2026-01-01T00:00:00Z",
        );
        check(
            &row("x", day, day, "a,,"),
            "expected `ends` after `begins` (2026-01-01T00:00:00Z), found 2026-01-01T00:00:00Z",
        );
        check(
            &row("x", day, next, ",,"),
            "expected workloads or tags (`*` for every workload), found neither",
        );
        check(&row("x", day, next, "*;a,,"), "expected `*` alone or names and tags, found both");
        for lift in ["-1", "NaN", "inf", "much"] {
            let sentence = format!("expected a lift of at least 0 or nothing, found `{lift}`");
            check(&row("x", day, next, &format!("a,,{lift}")), &sentence);
        }
        check(&row("x", day, next, "a"), "expected 6 fields, found 4");
        check(&row("x", day, next, "a,,,"), "expected 6 fields, found 7");
        check(
            &row("good", day, next, "b,,"),
            "expected every campaign to have its own id, found `good` as in line 2",
        );
        check(
            &row("a\u{202e}b", day, next, "a,,"),
            "expected an id of at most 200 visible characters, found `ab`",
        );
    }

    #[test]
    fn other_bytes_than_utf8_are_named() {
        let row = b"x\xff,2026-01-01T00:00:00Z,2026-01-02T00:00:00Z,a,,\n";
        let text = [HEADER.as_bytes(), row].concat();
        let reading = source().signals(&text, ALWAYS).expect("a table");
        assert_eq!(
            reading.problems.sentences(),
            ["line 2: expected UTF-8 in `id`, found other bytes"]
        );
    }

    #[test]
    fn a_text_without_the_header_is_refused() {
        let check = |text: &str| {
            let error = source().signals(text.as_bytes(), ALWAYS).expect_err(text).to_string();
            assert!(error.starts_with("line 1: expected the columns"), "{error}");
        };
        check("");
        check("<html>");
        check("id,begins,ends,workloads,tags\n");
        check("id,begins,ends,workloads,tags,expected_lift,budget\n");
        check("id,id,ends,workloads,tags,expected_lift\n");
    }

    #[test]
    fn what_lies_outside_the_horizon_is_left_out() {
        let row = "x,2026-01-01T00:00:00Z,2026-01-02T00:00:00Z,a,,\n";
        let at = |text: &str| text.parse::<Timestamp>().expect("a time");
        let check = |begins: &str, ends: &str, count: usize| {
            let horizon = Window { begins: at(begins), ends: at(ends) };
            let reading =
                source().signals(format!("{HEADER}{row}").as_bytes(), horizon).expect("valid");
            assert_eq!(reading.signals.len(), count, "{begins}");
        };
        check("2026-01-01T12:00:00Z", "2026-02-01T00:00:00Z", 1);
        check("2026-01-02T00:00:00Z", "2026-02-01T00:00:00Z", 0);
        check("2025-01-01T00:00:00Z", "2026-01-01T00:00:00Z", 0);
    }

    proptest! {
        #[test]
        fn any_bytes_give_an_answer(bytes in vec(any::<u8>(), 0..400), text in "[,;\"\n\\PC]{0,80}") {
            let _ = source().signals(&bytes, ALWAYS);
            let _ = source().signals(format!("{HEADER}{text}").as_bytes(), ALWAYS);
        }
    }
}
