//! The section of the configuration that says who is told of alerts. Read into values that make receivers; nobody is
//! told anything here.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::Deserialize;
use weft_collect::fetch::{FetchSettings, Fetcher};
use weft_store::alert::Severity;

use super::{CredentialFiles, secret};
use crate::alert::receiver::alertmanager::Alertmanager;
use crate::alert::receiver::webhook::Webhook;
use crate::alert::receiver::{Channel, Receiver, settings};

/// The shortest secret of a webhook: a shorter one can be found by trying.
const SHORTEST_SECRET: usize = 16;

/// Who is told of alerts.
#[derive(Debug, Clone, PartialEq)]
pub struct AlertSettings {
    /// Where people reach the dashboard, for links.
    pub dashboard: String,
    /// Those who are told.
    pub receivers: Vec<ReceiverSettings>,
}

/// One who is told of alerts.
#[derive(Debug, Clone, PartialEq)]
pub struct ReceiverSettings {
    /// Its name, another than those of all others.
    pub name: String,
    /// Its address.
    pub url: String,
    /// Of what it is told.
    pub minimum: Severity,
    /// How.
    pub kind: ReceiverKind,
    labels: BTreeMap<String, String>,
    credentials: CredentialFiles,
    ca_file: Option<PathBuf>,
}

/// How a receiver is told.
#[derive(Debug, Clone, PartialEq)]
pub enum ReceiverKind {
    /// By the API of an Alertmanager.
    Alertmanager,
    /// By requests that are signed with the secret of a file.
    Webhook {
        /// The file.
        secret_file: PathBuf,
    },
}

impl ReceiverKind {
    /// The kind's word, as in the file.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Alertmanager => "alertmanager",
            Self::Webhook { .. } => "webhook",
        }
    }
}

impl AlertSettings {
    /// The receivers. An error where a secret cannot be read.
    pub fn receivers(&self) -> anyhow::Result<Vec<Receiver>> {
        let receiver = |settings: &ReceiverSettings| {
            let channel = settings.channel(&self.dashboard)?;
            Ok(Receiver::new(settings.name.clone(), settings.minimum, channel))
        };
        self.receivers.iter().map(receiver).collect()
    }
}

impl ReceiverSettings {
    /// The way to it. An error where a secret cannot be read.
    pub fn channel(&self, dashboard: &str) -> anyhow::Result<Channel> {
        let (credentials, ca_file) = (self.credentials.read()?, self.ca_file.clone());
        let fetcher = Fetcher::new(FetchSettings { credentials, ca_file, ..settings() })?;
        let (url, labels) = (&self.url, self.labels.clone());
        Ok(match &self.kind {
            ReceiverKind::Alertmanager => {
                Channel::Alertmanager(Alertmanager::new(fetcher, url, dashboard, labels))
            }
            ReceiverKind::Webhook { secret_file } => {
                let secret = secret(secret_file)?;
                let (found, file) = (secret.len(), secret_file.display());
                let expected = "expected a secret of at least 16 characters in";
                if found < SHORTEST_SECRET {
                    return Err(anyhow::anyhow!("{expected} {file}, found {found}"));
                }
                Channel::Webhook(Webhook::new(fetcher, url, secret, dashboard, labels))
            }
        })
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AlertsEntry {
    dashboard: Option<String>,
    #[serde(default)]
    alertmanager: Vec<AlertmanagerEntry>,
    #[serde(default)]
    webhook: Vec<WebhookEntry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AlertmanagerEntry {
    url: String,
    name: Option<String>,
    #[serde(default = "default_minimum")]
    minimum: Severity,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    token_file: Option<PathBuf>,
    user: Option<String>,
    password_file: Option<PathBuf>,
    ca_file: Option<PathBuf>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WebhookEntry {
    url: String,
    secret_file: PathBuf,
    name: Option<String>,
    #[serde(default = "default_minimum")]
    minimum: Severity,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    ca_file: Option<PathBuf>,
}

/// What is answered already is for the dashboard, not for people elsewhere.
const fn default_minimum() -> Severity {
    Severity::Warning
}

impl AlertsEntry {
    pub(super) fn resolved(
        self,
        folder: &Path,
        listen: SocketAddr,
    ) -> Result<AlertSettings, String> {
        let alertmanagers = self.alertmanager.into_iter().map(|entry| entry.resolved(folder));
        let webhooks = self.webhook.into_iter().map(|entry| entry.resolved(folder));
        let receivers = alertmanagers.chain(webhooks).collect::<Result<Vec<_>, String>>()?;
        let mut names = BTreeSet::new();
        if let Some(twice) = receivers.iter().find(|receiver| !names.insert(&receiver.name)) {
            let (expected, name) = ("expected receivers with names of their own", &twice.name);
            return Err(format!("alerts: {expected}, found `{name}` twice; give one a `name`"));
        }
        let dashboard = self.dashboard.unwrap_or_else(|| format!("http://{listen}"));
        Ok(AlertSettings { dashboard: address("alerts.dashboard", &dashboard)?, receivers })
    }
}

impl AlertmanagerEntry {
    fn resolved(self, folder: &Path) -> Result<ReceiverSettings, String> {
        let place = "alerts.alertmanager";
        let files = (self.token_file, self.user, self.password_file);
        let credentials = CredentialFiles::chosen(files, folder);
        Ok(ReceiverSettings {
            name: named(self.name, &self.url),
            url: address(place, &self.url)?,
            minimum: self.minimum,
            kind: ReceiverKind::Alertmanager,
            labels: checked(place, self.labels)?,
            credentials: credentials.map_err(|sentence| format!("{place}: {sentence}"))?,
            ca_file: self.ca_file.map(|file| folder.join(file)),
        })
    }
}

impl WebhookEntry {
    fn resolved(self, folder: &Path) -> Result<ReceiverSettings, String> {
        let place = "alerts.webhook";
        Ok(ReceiverSettings {
            name: named(self.name, &self.url),
            url: address(place, &self.url)?,
            minimum: self.minimum,
            kind: ReceiverKind::Webhook { secret_file: folder.join(self.secret_file) },
            labels: checked(place, self.labels)?,
            credentials: CredentialFiles::Nobody,
            ca_file: self.ca_file.map(|file| folder.join(file)),
        })
    }
}

/// The name that was given; otherwise the server's, without a path, which may be a secret.
fn named(name: Option<String>, url: &str) -> String {
    name.unwrap_or_else(|| {
        let server = url.split_once("://").map_or(url, |(_, rest)| rest);
        server.split(['/', '?', '#']).next().unwrap_or_default().to_owned()
    })
}

fn address(place: &str, url: &str) -> Result<String, String> {
    weft_collect::fetch::check_address(url)
        .map(|()| url.to_owned())
        .map_err(|error| format!("{place}: {error}"))
}

/// Labels as an Alertmanager takes them.
fn checked(
    place: &str,
    labels: BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, String> {
    let is_name = |name: &str| {
        let is_first = |c: char| c.is_ascii_alphabetic() || c == '_';
        name.starts_with(is_first) && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    let expected = "expected names of letters, digits and underscores, found";
    match labels.keys().find(|name| !is_name(name)) {
        Some(wrong) => Err(format!("{place}.labels: {expected} `{wrong}`")),
        None => Ok(labels),
    }
}

/// What came of asking after a receiver, for `weft validate`. Nobody is alarmed: an Alertmanager is asked for its
/// version, and a webhook only whether anybody answers, since what it would do with a test message is not known.
pub(crate) fn asked_after(settings: &ReceiverSettings, dashboard: &str) -> anyhow::Result<String> {
    let (name, minimum) = (&settings.name, settings.minimum.name());
    match settings.channel(dashboard).context(name.clone())? {
        Channel::Alertmanager(channel) => {
            let version = channel.version().map_err(anyhow::Error::msg)?;
            Ok(format!("{name} answers, version {version}; told from {minimum} on"))
        }
        Channel::Webhook(channel) => {
            channel.knock()?;
            Ok(format!("{name} answers; nothing was sent to it; told from {minimum} on"))
        }
    }
}
