//! `weft validate`: reads what `weft serve` would read and asks everything that it would ask, and says of each
//! what it found. It changes nothing and takes nothing from a Weft that runs.

use std::net::TcpListener;
use std::path::Path;

use anyhow::{Context, anyhow};
use weft_collect::preset::Derived;
use weft_collect::prometheus::{FollowSettings, Follower};
use weft_collect::signal::fetching::Fetching;
use weft_collect::signal::source::SignalSource;
use weft_core::files::policy::unknown_name;
use weft_core::policy::Policy;
use weft_core::time::Span;
use weft_driver::Driver;
use weft_store::{SqliteStore, Store, StoreError};

use crate::cli::{Failure, ValidateArguments};
use crate::config::{Config, MetricsSettings, Source, asked_after};
use crate::output;
use crate::run::clock::Clock;
use crate::run::serve::machines::Machines;
use crate::run::serve::signals::horizon;
use crate::run::simulated::Simulated;

/// How far back the fleet is looked for.
const LOOKED_BACK: Span = Span::from_hours(1);

/// Hosts that are named where many are silent.
const NAMED: usize = 3;

/// Carries `weft validate` out.
pub fn run(arguments: &ValidateArguments) -> Result<(), Failure> {
    let config = Config::read(&arguments.config)?;
    let policy = config.read_policy().map_err(Failure::Input)?;
    config.read_fleet().map_err(Failure::Input)?;
    let mut report = Report::default();
    report.found("configuration", format!("{} is sound", config.file.display()));
    report.found("policy", sentence_of(&config, &policy));
    report.take("listen", listen(&config));
    report.take("store", store(&config.store, &config));
    match &config.source {
        Source::Prometheus(metrics) => report.metrics(&config, metrics, &policy),
        Source::Simulated { address } => {
            let met = Simulated::meet(address);
            let seen = met.and_then(|mut met| Ok((met.topology(), met.observe()?)));
            if let Ok((topology, seen)) = &seen
                && let Some(sentence) = unknown_name(&policy, topology, &seen.workloads)
            {
                report.note("policy", sentence);
            }
            report.take("fleet", seen.map(|_| format!("a simulated fleet answers at {address}")));
        }
    }
    for source in &config.signals {
        report.take(source.kind(), signals(source));
    }
    for receiver in &config.alerts.receivers {
        let asked = asked_after(receiver, &config.alerts.dashboard);
        report.take(receiver.kind.name(), asked);
    }
    report.finish()
}

/// Reads a source of outside events once, for what `weft serve` would take from it now.
fn signals(source: &SignalSource) -> anyhow::Result<String> {
    let (now, mut fetching) = (Clock::Wall.now(), Fetching::new()?);
    let reading = source.read(now, horizon(now), |request| fetching.fetch(request))?;
    let (name, place, events) = (source.name(), source.origin().shown(), reading.signals.len());
    let trust = if source.is_trusted() { "trusted" } else { "shown only" };
    let problems = match (reading.problems.count(), reading.problems.sentences()) {
        (0, _) | (_, []) => String::new(),
        (1, [only, ..]) => format!("; 1 problem: {only}"),
        (count, [first, ..]) => format!("; {count} problems, the first: {first}"),
    };
    Ok(format!("{name}: {events} events from {place}, {trust}{problems}"))
}

fn sentence_of(config: &Config, policy: &Policy) -> String {
    let file = config
        .policy
        .as_ref()
        .map_or_else(|| "the default".to_owned(), |file| file.display().to_string());
    let (mode, horizon) = (policy.mode.name(), policy.horizon);
    format!("{file}: mode {mode}, confidence {}, {horizon} ahead", policy.confidence.get())
}

fn listen(config: &Config) -> anyhow::Result<String> {
    let listen = config.listen;
    TcpListener::bind(listen).with_context(|| format!("cannot listen on {listen}"))?;
    let who = if listen.ip().is_loopback() {
        "this machine reads without a token"
    } else {
        "everybody who reaches it needs the token; put TLS in front of it"
    };
    Ok(format!("{listen} is free; {who}"))
}

fn store(file: &Path, config: &Config) -> anyhow::Result<String> {
    let name = file.display();
    if !file.exists() {
        let folder = file.parent().unwrap_or(Path::new("."));
        let is_folder = folder.as_os_str().is_empty() || folder.is_dir();
        return if is_folder {
            Ok(format!("{name} will be made at the first start"))
        } else {
            Err(anyhow!("expected the folder {}, found none", folder.display()))
        };
    }
    match SqliteStore::open(file, config.step) {
        Ok(store) => {
            store.check()?;
            let newest = store.newest_step()?;
            let newest =
                newest.map_or("no samples yet".to_owned(), |at| format!("samples to {at}"));
            Ok(format!("{name} is sound, {newest}"))
        }
        Err(StoreError::InUse(_)) => Ok(format!("{name} is in use by a Weft that runs")),
        Err(error) => Err(error.into()),
    }
}

/// What was found, a line each.
#[derive(Debug, Default)]
struct Report {
    text: String,
    wrong: usize,
}

impl Report {
    fn found(&mut self, what: &str, sentence: impl std::fmt::Display) {
        self.line("ok", what, sentence);
    }

    fn note(&mut self, what: &str, sentence: impl std::fmt::Display) {
        self.line("note", what, sentence);
    }

    fn take(&mut self, what: &str, result: anyhow::Result<String>) {
        match result {
            Ok(sentence) => self.found(what, sentence),
            Err(error) => {
                self.wrong += 1;
                self.line("WRONG", what, format!("{error:#}"));
            }
        }
    }

    fn line(&mut self, verdict: &str, what: &str, sentence: impl std::fmt::Display) {
        self.text.push_str(&format!("{verdict:<6} {what:<14} {sentence}\n"));
    }

    fn metrics(&mut self, config: &Config, metrics: &MetricsSettings, policy: &Policy) {
        let client = match metrics.server.client() {
            Ok(client) => client,
            Err(error) => return self.take("metrics", Err(error)),
        };
        let server = client.build_info();
        let named = server
            .map(|info| format!("{} answers, version {}", metrics.server.address, info.version));
        self.take("metrics", named.map_err(Into::into));
        let follow = FollowSettings {
            step: config.step,
            settle: metrics.settle,
            memory: LOOKED_BACK,
            ..FollowSettings::default()
        };
        let now = Clock::Wall.now();
        let (preset, options) = (metrics.preset, metrics.options.clone());
        match Follower::new(client, preset, options, follow, now).observe(now) {
            Ok(derived) => self.fleet(&derived, policy),
            Err(error) => self.take("fleet", Err(error.into())),
        }
    }

    fn fleet(&mut self, derived: &Derived, policy: &Policy) {
        let hosts = derived.topology.hosts().len();
        let placed = derived.placement.0.len();
        self.found("fleet", format!("{hosts} hosts and {placed} workloads in the last hour"));
        let newest = derived.reported.values().max();
        let silent = |at: &weft_core::time::Timestamp| newest.is_some_and(|newest| at < newest);
        let silent: Vec<_> = derived.reported.iter().filter(|(_, at)| silent(at)).collect();
        if !silent.is_empty() {
            let names: Vec<_> = silent.iter().take(NAMED).map(|(host, _)| host.as_str()).collect();
            let (count, names) = (silent.len(), names.join(", "));
            self.note("fleet", format!("silent hosts: {count}, such as {names}"));
        }
        for missing in &derived.missing {
            self.note("metrics", missing);
        }
        for warning in &derived.warnings {
            self.note("metrics", warning);
        }
        if let Some(sentence) = unknown_name(policy, &derived.topology, &derived.workloads) {
            self.note("policy", sentence);
        }
    }

    fn finish(self) -> Result<(), Failure> {
        output::print(&self.text)?;
        match self.wrong {
            0 => Ok(()),
            1 => Err(Failure::No(anyhow!("one thing is wrong, see above"))),
            wrong => Err(Failure::No(anyhow!("{wrong} things are wrong, see above"))),
        }
    }
}
