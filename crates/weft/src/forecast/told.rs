//! The events of `weft forecast --events`: read from files, matched to the series they concern, and named again beside
//! what they lift. What is left out is said on stderr.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use serde::{Deserialize, Serialize};
use weft_collect::calendar::CalendarSource;
use weft_collect::campaign::CampaignSource;
use weft_collect::news::NewsSource;
use weft_collect::signal::Reading;
use weft_collect::signal::fetching::Fetching;
use weft_collect::signal::origin::Origin as Place;
use weft_collect::signal::source::SignalSource;
use weft_core::event::{EventKind, Occurrence, Signal};
use weft_core::files;
use weft_core::forecast::Levels;
use weft_core::policy::{Selector, Window};
use weft_core::time::{Span, Step, Timestamp};
use weft_forecast::batch::{Batch, LiftedForecast};
use weft_forecast::cluster::{Clusters, Count, Profile};
use weft_forecast::effects::{Announced, Concern, LiftSource, plain_name, word};
use weft_forecast::model::ModelError;

use crate::cli::Failure;
use crate::cluster::Compared;
use crate::config::signals;
use crate::samples::{Origin, Panel};
use crate::table::{lay_out_columns, number};

/// Fewer series than this are one cluster: in several there would be too few to learn from.
const FEWEST_CLUSTERED: usize = 12;

/// Events with what they are called.
#[derive(Debug, Default)]
pub(super) struct Told {
    occurrences: Vec<Occurrence>,
    titles: Vec<String>,
    concerns: Vec<Concern>,
    origin: Timestamp,
}

/// The sources of signals in a file, as the configuration has them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sources {
    #[serde(default)]
    calendars: Vec<CalendarSource>,
    #[serde(default)]
    campaigns: Vec<CampaignSource>,
    #[serde(default)]
    feeds: Vec<NewsSource>,
}

/// An event that lifts a series, in `-o json`.
#[derive(Debug, Serialize)]
pub(super) struct LiftDocument {
    event: String,
    title: String,
    sort: EventKind,
    kind: String,
    from: Timestamp,
    until: Timestamp,
    lift: f64,
    low: f64,
    high: f64,
    source: LiftSource,
    learned_from: usize,
}

impl Told {
    /// Reads the files and finds out which series each event concerns.
    pub(super) fn read(files: &[PathBuf], panel: &Panel, horizon: usize) -> Result<Self, Failure> {
        let begins = (0..panel.series.len()).map(|series| panel.at(series, 0)).min();
        let ends = (0..panel.series.len())
            .map(|series| panel.at(series, panel.series[series].len()))
            .max();
        let (begins, origin) = (begins.unwrap_or_default(), ends.unwrap_or_default());
        let ahead = panel.step.span() * (horizon as i64 + 1);
        let near = Window { begins: begins - Span::from_days(1), ends: origin + ahead };
        let empty = |origin: &Origin| Concern { events: Vec::new(), phase: origin.phase };
        let concerns = panel.origins.iter().map(empty).collect();
        let mut told = Self { concerns, origin, ..Self::default() };
        for file in files {
            let found = read(file, near, origin).map_err(Failure::Input)?;
            told.take(&file.display().to_string(), found, panel);
        }
        Ok(told)
    }

    fn take(&mut self, file: &str, found: Vec<(Occurrence, String)>, panel: &Panel) {
        let (mut strangers, mut late) = (Vec::new(), Vec::new());
        for (occurrence, title) in found {
            let index = self.occurrences.len();
            let mut concerned = 0;
            for (concern, origin) in self.concerns.iter_mut().zip(&panel.origins) {
                if selects(&occurrence.event.concerns, origin) {
                    concern.events.push(index);
                    concerned += 1;
                }
            }
            if concerned == 0 {
                strangers.push(title.clone());
            }
            if occurrence.known_from.is_some_and(|known| known > self.origin) {
                late.push(title.clone());
            }
            self.occurrences.push(occurrence);
            self.titles.push(title);
        }
        complain(file, &strangers, "concerning none of these series");
        complain(file, &late, "not used, as not known before the samples end");
    }

    /// Forecasts with what was told.
    pub(super) fn forecast(
        &self,
        batch: &Batch<'_>,
        panel: &Panel,
        levels: &Levels,
        done: &(dyn Fn(usize) + Sync),
    ) -> Vec<Result<LiftedForecast, ModelError>> {
        let clusters = clusters(panel);
        let announced = Announced {
            occurrences: &self.occurrences,
            concerns: &self.concerns,
            clusters: &clusters,
            origin: self.origin,
        };
        batch.forecast_with(&panel.series, &announced, levels, done)
    }

    /// The cells of a step: its lift, and the events in whose windows it lies.
    pub(super) fn cells(
        &self,
        forecast: &LiftedForecast,
        ahead: usize,
        at: Timestamp,
        step: Step,
    ) -> [String; 2] {
        let step = Window { begins: at, ends: at + step.span() };
        let lifts = forecast.lifts.iter().map(|lift| lift.provenance.event);
        let inside = lifts.filter(|event| self.occurrences[*event].event.window.overlaps(&step));
        let names: Vec<&str> =
            inside.map(|event| self.occurrences[event].event.id.as_str()).collect();
        let lift = forecast.factors.get(ahead).copied().unwrap_or(1.0);
        [lift.to_string(), names.join(";")]
    }

    pub(super) fn documents(&self, forecast: &LiftedForecast) -> Vec<LiftDocument> {
        let document = |lift: &weft_forecast::batch::EventLift| {
            let at = lift.provenance.event;
            let event = &self.occurrences[at].event;
            LiftDocument {
                event: event.id.to_string(),
                title: self.titles[at].clone(),
                sort: event.kind,
                kind: lift.kind.clone(),
                from: event.window.begins,
                until: event.window.ends,
                lift: lift.factor,
                low: lift.low,
                high: lift.high,
                source: lift.provenance.source,
                learned_from: lift.provenance.learned_from,
            }
        };
        forecast.lifts.iter().map(document).collect()
    }

    /// A line for each event that lifts anything: the series with the middle lift stands for all.
    pub(super) fn table(&self, forecasts: &[(usize, LiftedForecast)]) -> String {
        let mut lifts: BTreeMap<usize, Vec<LiftDocument>> = BTreeMap::new();
        for (_, forecast) in forecasts {
            for (document, lift) in self.documents(forecast).into_iter().zip(&forecast.lifts) {
                lifts.entry(lift.provenance.event).or_default().push(document);
            }
        }
        if lifts.is_empty() {
            return "\nno event lifts any of these steps\n".to_owned();
        }
        let header =
            ["event", "kind", "from", "until", "series", "lift", "low", "high", "learned from"];
        let left = header.map(|column| !matches!(column, "series" | "lift" | "low" | "high"));
        let rows: Vec<Vec<String>> = lifts.into_values().map(row).collect();
        format!(
            "\nlifts, each with the bounds that hold 90 %; of several series the middle one\n\n{}",
            lay_out_columns(&header, &left, &rows)
        )
    }
}

fn row(mut lifts: Vec<LiftDocument>) -> Vec<String> {
    lifts.sort_by(|a, b| a.lift.total_cmp(&b.lift));
    let count = lifts.len();
    let middle = lifts.swap_remove(count / 2);
    let LiftDocument { title, kind, from, until, lift, low, high, source, learned_from, .. } =
        middle;
    let source = match source {
        LiftSource::Own => format!("{learned_from} of its own"),
        LiftSource::Cluster => format!("{learned_from} of its cluster"),
        LiftSource::Kind => format!("{learned_from} of its kind"),
        LiftSource::Prior => "none seen".to_owned(),
    };
    let [from, until] = [from, until].map(|at| at.to_string());
    let [lift, low, high] = [lift, low, high].map(number);
    vec![title, kind, from, until, count.to_string(), lift, low, high, source]
}

fn complain(file: &str, titles: &[String], what: &str) {
    if let Some(first) = titles.first() {
        eprintln!("weft: {file}: {what}: {} of its events, `{first}` first", titles.len());
    }
}

/// By the whole name, or the workload of a name like `workload/cpu`, or a label of a metrics server.
fn selects(selector: &Selector, origin: &Origin) -> bool {
    let workload = origin.name.split('/').next().unwrap_or_default();
    [origin.name.as_str(), workload].iter().any(|name| selector.matches(name, &origin.tags))
}

/// Series of a similar shape learn from each other first.
fn clusters(panel: &Panel) -> Vec<u32> {
    if panel.series.len() < FEWEST_CLUSTERED {
        return Vec::new();
    }
    let compared = Compared::of(panel);
    let profiles: Vec<Profile> =
        panel.series.iter().map(|series| compared.profile(series)).collect();
    let found = Clusters::find(&profiles, Count::Auto, 0);
    found.map(|found| found.assignment().iter().map(|id| id.0).collect()).unwrap_or_default()
}

/// The events of a file with their titles.
fn read(
    file: &Path,
    near: Window,
    now: Timestamp,
) -> Result<Vec<(Occurrence, String)>, anyhow::Error> {
    let ending = file.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    let name = file.display().to_string();
    match ending.to_ascii_lowercase().as_str() {
        "yaml" | "yml" | "json" => {
            let occurrences = files::events::read(&name, &text(file)?)?;
            let titled = |occurrence: Occurrence| {
                let title = occurrence.event.id.to_string();
                (occurrence, title)
            };
            Ok(occurrences.into_iter().map(titled).collect())
        }
        "ics" => signals_of(&name, vec![calendar(file)], near, now),
        "csv" => signals_of(&name, vec![campaigns(file)], near, now),
        "toml" => signals_of(&name, sources(file)?, near, now),
        _ => Err(anyhow!(
            "--events: expected a file that ends in .yaml, .json, .ics, .csv or .toml, found {name}"
        )),
    }
}

fn text(file: &Path) -> Result<String, anyhow::Error> {
    fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))
}

fn stem(file: &Path) -> String {
    file.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

fn calendar(file: &Path) -> SignalSource {
    SignalSource::Calendar(CalendarSource::of_file(stem(file), file.to_owned()))
}

fn campaigns(file: &Path) -> SignalSource {
    SignalSource::Campaigns(CampaignSource {
        name: stem(file),
        origin: Place::Path(file.to_owned()),
        every: Span::from_minutes(1),
        is_trusted: true,
    })
}

fn sources(file: &Path) -> Result<Vec<SignalSource>, anyhow::Error> {
    let name = file.display();
    let Sources { calendars, campaigns, feeds } = toml::from_str(&text(file)?)
        .map_err(|error| anyhow!("{name}: {}", error.to_string().trim().replace('\n', " ")))?;
    let folder = file.parent().unwrap_or(Path::new(""));
    let found = signals::joined(calendars, campaigns, feeds, folder);
    let found = found.map_err(|error| anyhow!("{name}: {error}"))?;
    if found.is_empty() {
        let sections = "[[calendars]], [[campaigns]] or [[feeds]]";
        return Err(anyhow!("{name}: expected {sections}, found none"));
    }
    Ok(found)
}

/// The events of sources; what they leave out is said.
fn signals_of(
    file: &str,
    sources: Vec<SignalSource>,
    near: Window,
    now: Timestamp,
) -> Result<Vec<(Occurrence, String)>, anyhow::Error> {
    let mut found = Vec::new();
    for source in sources {
        let mut fetching = Fetching::new()?;
        let reading = source.read(now, near, |request| fetching.fetch(request));
        let Reading { signals, problems } = reading.with_context(|| format!("--events {file}"))?;
        for sentence in problems.sentences() {
            eprintln!("weft: {file}: {sentence}");
        }
        if problems.count() > problems.sentences().len() {
            let further = problems.count() - problems.sentences().len();
            eprintln!("weft: {file}: {further} further such");
        }
        found.extend(signals);
    }
    Ok(occurrences(&found))
}

/// Signals with what they are one of: the rule that chose them, or the title where several have it.
fn occurrences(signals: &[Signal]) -> Vec<(Occurrence, String)> {
    let mut alike: BTreeMap<String, usize> = BTreeMap::new();
    for signal in signals {
        *alike.entry(plain_name(&signal.provenance().title)).or_default() += 1;
    }
    let occurrence = |signal: &Signal| {
        let (event, provenance) = (signal.to_show(), signal.provenance());
        let plain = plain_name(&provenance.title);
        let by_title = if alike[&plain] > 1 && !plain.is_empty() {
            plain
        } else {
            word(event.kind).to_owned()
        };
        let category = Some(provenance.rule.clone().unwrap_or(by_title));
        (Occurrence { category, ..event.clone().into() }, provenance.title.clone())
    };
    signals.iter().map(occurrence).collect()
}
