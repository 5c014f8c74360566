//! The configuration of `weft serve`: one TOML file, read once into a plain value. Paths in it count from the
//! file's own folder; secrets are never in it, only the files that hold them. An unknown key must never
//! be ignored.

mod alerts;
pub(crate) mod signals;

pub(crate) use alerts::asked_after;
pub use alerts::{AlertSettings, ReceiverKind, ReceiverSettings};

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, anyhow};
use serde::Deserialize;
use weft_collect::calendar::CalendarSource;
use weft_collect::campaign::CampaignSource;
use weft_collect::fetch::{Credentials, FetchError, FetchSettings};
use weft_collect::news::NewsSource;
use weft_collect::preset::{self, Preset, PresetOptions};
use weft_collect::prometheus::{Client, PrometheusError};
use weft_collect::signal::source::SignalSource;
use weft_core::files::{fleet, policy};
use weft_core::policy::{Mode, Policy};
use weft_core::time::{Span, Step};
use weft_sim::setup::GeneratorSection;

use crate::cli::Failure;
use alerts::AlertsEntry;

/// The least that is remembered: half of it is a season of which nothing is known.
const LEAST_LEARNED: Span = Span::from_days(2);

/// The most that is remembered in memory: a month of 5-minute samples of one series is 32 KB.
const MOST_LEARNED: Span = Span::from_days(35);

/// What `weft serve` is set up with.
#[derive(Debug, Clone)]
pub struct Config {
    /// The file, for sentences.
    pub file: PathBuf,
    /// Where the API and the dashboard are served.
    pub listen: SocketAddr,
    /// The database file.
    pub store: PathBuf,
    /// Distance between two samples.
    pub step: Step,
    /// How long samples are kept.
    pub retention: Span,
    /// How much of the past forecasters are made from.
    pub learn: Span,
    /// The policy file; the default policy in mode advise without one.
    pub policy: Option<PathBuf>,
    /// The fleet file, for what metrics do not tell.
    pub fleet: Option<PathBuf>,
    /// Where the fleet and its samples come from.
    pub source: Source,
    /// What tells of outside events.
    pub signals: Vec<SignalSource>,
    /// Who is told of alerts.
    pub alerts: AlertSettings,
}

/// Where the fleet and its samples come from, and what moves its workloads.
#[derive(Debug, Clone)]
pub enum Source {
    /// A metrics server tells of the fleet; nothing is moved.
    Prometheus(Box<MetricsSettings>),
    /// A simulated fleet in a process of its own, `weft simulate`, which moves workloads too.
    Simulated {
        /// Its address.
        address: String,
    },
}

impl Source {
    /// How far Weft may go by itself with what this can do.
    pub const fn highest_mode(&self) -> Mode {
        match self {
            Self::Prometheus(_) => Mode::Advise,
            Self::Simulated { .. } => Mode::Auto,
        }
    }
}

/// How a metrics server is asked.
#[derive(Debug, Clone)]
pub struct MetricsSettings {
    /// The server.
    pub server: MetricsServer,
    /// What its metrics are called.
    pub preset: &'static Preset,
    /// How the preset is read here.
    pub options: PresetOptions,
    /// How long after its end a step is asked for.
    pub settle: Span,
}

/// A metrics server and who asks it.
#[derive(Debug, Clone)]
pub struct MetricsServer {
    /// Its address, without credentials.
    pub address: String,
    credentials: CredentialFiles,
    ca_file: Option<PathBuf>,
}

/// The files with the secrets of who asks.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum CredentialFiles {
    Nobody,
    Bearer(PathBuf),
    Basic { user: String, password_file: PathBuf },
}

impl CredentialFiles {
    /// The one choice of token, or user and password.
    fn chosen(
        files: (Option<PathBuf>, Option<String>, Option<PathBuf>),
        folder: &Path,
    ) -> Result<Self, String> {
        match files {
            (None, None, None) => Ok(Self::Nobody),
            (Some(file), None, None) => Ok(Self::Bearer(folder.join(file))),
            (None, Some(user), Some(file)) => {
                Ok(Self::Basic { user, password_file: folder.join(file) })
            }
            _ => {
                let expected = "expected `token_file`, or `user` and `password_file`, or neither";
                Err(format!("{expected}, found another choice"))
            }
        }
    }

    /// What the command line names, which takes a token or a user with a password and refuses the rest.
    pub(crate) fn of(
        token_file: Option<PathBuf>,
        user: Option<String>,
        password_file: Option<PathBuf>,
    ) -> Self {
        match (token_file, user, password_file) {
            (Some(file), None, None) => Self::Bearer(file),
            (None, Some(user), Some(password_file)) => Self::Basic { user, password_file },
            _ => Self::Nobody,
        }
    }

    fn read(&self) -> anyhow::Result<Option<Credentials>> {
        Ok(match self {
            Self::Nobody => None,
            Self::Bearer(file) => Some(Credentials::Bearer(secret(file)?)),
            Self::Basic { user, password_file } => {
                Some(Credentials::Basic { user: user.clone(), password: secret(password_file)? })
            }
        })
    }
}

impl MetricsServer {
    /// The server at `address`. An error where the address carries what it must not.
    pub(crate) fn new(
        address: String,
        credentials: CredentialFiles,
        ca_file: Option<PathBuf>,
    ) -> Result<Self, &'static str> {
        let rest = address.strip_prefix("http://").or_else(|| address.strip_prefix("https://"));
        let Some(rest) = rest else {
            return Err("expected an address that begins with http:// or https://, found another");
        };
        // What is wrong here may be a secret: it is not shown.
        if rest.split('/').next().is_some_and(|authority| authority.contains('@')) {
            return Err(
                "expected an address without credentials, found some in it: name a file that holds them",
            );
        }
        if rest.contains(['?', '#']) {
            return Err("expected an address without `?` and `#`, found one of them");
        }
        Ok(Self { address, credentials, ca_file })
    }

    /// A client of the server. An error where a file of credentials cannot be read.
    pub fn client(&self) -> anyhow::Result<Client> {
        let credentials = self.credentials.read()?;
        let ca_file = self.ca_file.clone();
        let settings = FetchSettings { credentials, ca_file, ..Client::settings() };
        Ok(Client::new(&self.address, settings)?.with_concurrency(2))
    }

    /// Who can mend it where a server gives no answer: whoever looks after it, or the person who asked.
    pub(crate) fn failure(error: PrometheusError) -> Failure {
        if is_unwelcome(&error) {
            return Failure::Outside(anyhow!(error).context(
                "the server does not let us read: give --token-file, or --user and --password-file",
            ));
        }
        match &error {
            PrometheusError::Refused { kind, .. } if kind.ends_with("bad_data") => {
                Failure::Input(error.into())
            }
            _ => Failure::Outside(error.into()),
        }
    }
}

/// Whether the server wants to know who asks, or does not like who does.
fn is_unwelcome(error: &PrometheusError) -> bool {
    match error {
        PrometheusError::Fetch(FetchError::Refused { status, .. }) => matches!(status, 401 | 403),
        PrometheusError::Refused { kind, .. } => {
            kind.starts_with("status 401") || kind.starts_with("status 403")
        }
        _ => false,
    }
}

/// The one line of a file that holds a secret.
pub(crate) fn secret(file: &Path) -> anyhow::Result<String> {
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("expected a secret in {}, found none", file.display()))?;
    let text = text.trim();
    if text.is_empty() {
        return Err(anyhow!("expected a secret in {}, found an empty file", file.display()));
    }
    Ok(text.to_owned())
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default = "default_listen")]
    listen: SocketAddr,
    #[serde(default = "default_store")]
    store: PathBuf,
    #[serde(default)]
    step: Step,
    #[serde(default = "default_retention")]
    retention: Span,
    #[serde(default = "default_learn")]
    learn: Span,
    policy: Option<PathBuf>,
    fleet: Option<PathBuf>,
    metrics: Option<MetricsEntry>,
    simulated: Option<SimulatedEntry>,
    #[serde(default)]
    calendars: Vec<CalendarSource>,
    #[serde(default)]
    campaigns: Vec<CampaignSource>,
    #[serde(default)]
    feeds: Vec<NewsSource>,
    #[serde(default)]
    alerts: AlertsEntry,
}

fn default_listen() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 7373))
}

fn default_store() -> PathBuf {
    "weft.db".into()
}

const fn default_retention() -> Span {
    Span::from_days(35)
}

const fn default_learn() -> Span {
    Span::from_days(7)
}

const fn default_settle() -> Span {
    Span::from_seconds(30)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct MetricsEntry {
    prometheus: String,
    preset: String,
    #[serde(default = "default_settle")]
    settle: Span,
    token_file: Option<PathBuf>,
    user: Option<String>,
    password_file: Option<PathBuf>,
    ca_file: Option<PathBuf>,
    #[serde(default)]
    options: PresetOptions,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SimulatedEntry {
    address: String,
}

impl Config {
    /// Reads the file. An error is one sentence with its place.
    pub fn read(file: &Path) -> Result<Self, Failure> {
        let text = std::fs::read_to_string(file)
            .with_context(|| format!("cannot read the configuration {}", file.display()))
            .map_err(Failure::Input)?;
        Self::parse(file, &text).map_err(Failure::Input)
    }

    fn parse(file: &Path, text: &str) -> anyhow::Result<Self> {
        let document: Document =
            toml::from_str(text).map_err(|error| anyhow!("{}", placed(file, text, &error)))?;
        let folder = file.parent().unwrap_or(Path::new("")).to_owned();
        let name = file.display();
        let wrong = |sentence: String| anyhow!("{name}: {sentence}");
        let Document { listen, store, step, retention, learn, policy, fleet, .. } = document;
        if !(LEAST_LEARNED..=MOST_LEARNED).contains(&learn) {
            return Err(wrong(format!("learn: expected 2d to 35d, found {learn}")));
        }
        if retention < learn {
            return Err(wrong(format!(
                "retention: expected at least as long as `learn` ({learn}), found {retention}"
            )));
        }
        let source = match (document.metrics, document.simulated) {
            (Some(metrics), None) => {
                let settings = metrics.resolved(&folder).map_err(wrong)?;
                Source::Prometheus(Box::new(settings))
            }
            (None, Some(simulated)) => Source::Simulated { address: simulated.address },
            (None, None) => {
                return Err(wrong("expected a section [metrics], found none".to_owned()));
            }
            (Some(_), Some(_)) => {
                let sentence = "expected [metrics] or [simulated], found both";
                return Err(wrong(sentence.to_owned()));
            }
        };
        let (calendars, campaigns) = (document.calendars, document.campaigns);
        let signals = signals::joined(calendars, campaigns, document.feeds, &folder);
        let signals = signals.map_err(wrong)?;
        let alerts = document.alerts.resolved(&folder, listen).map_err(wrong)?;
        let at = |path: PathBuf| folder.join(path);
        Ok(Self {
            file: file.to_owned(),
            listen,
            store: at(store),
            step,
            retention,
            learn,
            policy: policy.map(at),
            fleet: fleet.map(at),
            source,
            signals,
            alerts,
        })
    }

    /// The policy as its file says now, checked against what the source can do.
    pub fn read_policy(&self) -> anyhow::Result<Arc<Policy>> {
        let Some(file) = &self.policy else {
            let policy = Policy { mode: Mode::Advise, ..Policy::default() };
            return Ok(Arc::new(policy));
        };
        let policy = policy::read(&file.display().to_string(), &text_of(file)?)?;
        let highest = self.source.highest_mode();
        if policy.mode > highest {
            return Err(anyhow!(
                "{}: mode: expected at most {}, since metrics alone move nothing, found {}",
                file.display(),
                highest.name(),
                policy.mode.name()
            ));
        }
        Ok(Arc::new(policy))
    }

    /// The fleet file as it says now, if there is one.
    pub fn read_fleet(&self) -> anyhow::Result<Option<fleet::FleetFile<GeneratorSection>>> {
        let Some(file) = &self.fleet else { return Ok(None) };
        Ok(Some(fleet::read(&file.display().to_string(), &text_of(file)?)?))
    }
}

fn text_of(file: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))
}

impl MetricsEntry {
    fn resolved(self, folder: &Path) -> Result<MetricsSettings, String> {
        let files = (self.token_file, self.user, self.password_file);
        let credentials = CredentialFiles::chosen(files, folder);
        let credentials = credentials.map_err(|sentence| format!("metrics: {sentence}"))?;
        if self.settle < Span::ZERO {
            return Err(format!("metrics.settle: expected at least 0s, found {}", self.settle));
        }
        let preset =
            preset::named(&self.preset).map_err(|error| format!("metrics.preset: {error}"))?;
        let server = MetricsServer::new(
            self.prometheus,
            credentials,
            self.ca_file.map(|file| folder.join(file)),
        )
        .map_err(|error| format!("metrics.prometheus: {error}"))?;
        Ok(MetricsSettings { server, preset, options: self.options, settle: self.settle })
    }
}

/// The error in one line, with the place in the file.
fn placed(file: &Path, text: &str, error: &toml::de::Error) -> String {
    let file = file.display();
    let sentence = error.message().lines().collect::<Vec<_>>().join(", ");
    match error.span() {
        Some(span) => {
            let before = &text[..span.start.min(text.len())];
            let line = before.matches('\n').count() + 1;
            let column = before.len() - before.rfind('\n').map_or(0, |end| end + 1) + 1;
            format!("{file}, line {line}, column {column}: {sentence}")
        }
        None => format!("{file}: {sentence}"),
    }
}

impl fmt::Display for Source {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Prometheus(metrics) => {
                let (address, preset) = (&metrics.server.address, metrics.preset.name);
                write!(formatter, "{address} by preset {preset}")
            }
            Self::Simulated { address } => write!(formatter, "the simulated fleet at {address}"),
        }
    }
}

#[cfg(test)]
mod tests;
