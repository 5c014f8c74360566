//! The history of a metrics server as something to replay. It only reads, and needs no file: what the
//! metrics do not tell is assumed and said, or taken from a fleet file where there is one.

use weft_collect::preset::{self, Derived, Period, Preset, PresetError, derive};
use weft_collect::prometheus::Client;
use weft_core::files::fleet::FleetFile;
use weft_core::policy::Policy;
use weft_core::time::{Span, Step};
use weft_sim::backtest::Setup;
use weft_sim::setup::GeneratorSection;
use weft_sim::setup::recorded::{self, History};

use super::{fleet_file, input, read_fleet};
use crate::cli::{BacktestArguments, Failure, MetricsArguments};
use crate::config::{Config, CredentialFiles, MetricsServer, Source};
use crate::known::Known;
use crate::run::clock::Clock;

/// How long after its end a step is asked for, as `weft serve` does.
const SETTLE: Span = Span::from_seconds(30);

/// The most days that are read: of a large fleet each takes memory, and no forecast looks back further.
const MOST_DAYS: u32 = 92;

/// What is asked, and how.
struct Question {
    server: MetricsServer,
    /// None where the metrics shall tell.
    preset: Option<&'static Preset>,
    options: preset::PresetOptions,
    step: Step,
    fleet: Option<(String, FleetFile<GeneratorSection>)>,
    policy: Option<Policy>,
}

/// Reads the days that are asked for and makes a backtest of them; `progress` is told what is done.
pub(super) fn setup(
    arguments: &BacktestArguments,
    progress: &dyn Fn(&str),
) -> Result<Setup, Failure> {
    let days = arguments.metrics.days;
    if !(1..=MOST_DAYS).contains(&days) {
        return Err(input(format!("--days: expected 1 to {MOST_DAYS}, found {days}")));
    }
    let question = question(arguments)?;
    let client = question.server.client().map_err(Failure::Input)?;
    let end = (Clock::Wall.now() - SETTLE).floor(question.step);
    let start = end - Span::from_days(i64::from(days));
    let period = Period { start, end, step: question.step };
    let preset = chosen(&question, &client, period)?;
    progress(&format!("reading {days} days of {}", question.server.address));
    let derived = derive(&client, preset, &question.options, period).map_err(failure)?;
    let (hosts, workloads) = (derived.topology.hosts().len(), derived.workloads.len());
    progress(&format!("read: {hosts} hosts and {workloads} workloads"));
    let history = history(derived, preset, question)?;
    recorded::setup(history, arguments.seed)
        .map_err(|error| input(format!("{error}; asked for {start} to {end}")))
}

/// The preset that was asked for, or the one that the metrics fit.
fn chosen(
    question: &Question,
    client: &Client,
    period: Period,
) -> Result<&'static Preset, Failure> {
    if let Some(preset) = question.preset {
        return Ok(preset);
    }
    let preset = preset::choose(client, &question.options, period).map_err(failure)?;
    let (name, exporters) = (preset.name, preset.exporters);
    eprintln!("weft: preset {name}, because the metrics of {exporters} are there");
    Ok(preset)
}

fn question(arguments: &BacktestArguments) -> Result<Question, Failure> {
    let fleet = match (fleet_file(arguments), arguments.fleet.as_deref()) {
        (Some(path), Some(name)) => Some((name.to_owned(), read_fleet(path)?)),
        (None, Some(name)) => {
            return Err(input(format!(
                "--fleet: expected a fleet file beside --prometheus, found the set-up `{name}` of a trace"
            )));
        }
        _ => None,
    };
    let mut question = match (&arguments.metrics.prometheus, &arguments.metrics.config) {
        (Some(address), _) => asked(address, &arguments.metrics)?,
        (None, Some(file)) => configured(&Config::read(file)?)?,
        (None, None) => unreachable!("one of the two brought us here"),
    };
    if fleet.is_some() {
        question.fleet = fleet;
    }
    Ok(question)
}

/// As the command line says.
fn asked(address: &str, arguments: &MetricsArguments) -> Result<Question, Failure> {
    let MetricsArguments { token_file, user, password_file, ca_file, .. } = arguments.clone();
    let credentials = CredentialFiles::of(token_file, user, password_file);
    let server = MetricsServer::new(address.to_owned(), credentials, ca_file)
        .map_err(|error| input(format!("--prometheus: {error}")))?;
    let preset = match arguments.preset.as_str() {
        "auto" => None,
        name => {
            let named = preset::named(name);
            Some(named.map_err(|error| input(format!("--preset: {error}, or auto")))?)
        }
    };
    Ok(Question {
        server,
        preset,
        options: arguments.options(),
        step: arguments.step,
        fleet: None,
        policy: None,
    })
}

/// As the configuration of `weft serve` says.
fn configured(config: &Config) -> Result<Question, Failure> {
    let Source::Prometheus(metrics) = &config.source else {
        let file = config.file.display();
        return Err(input(format!(
            "{file}: expected a section [metrics], found a simulated fleet"
        )));
    };
    let file = config.read_fleet().map_err(Failure::Input)?;
    let name = config.fleet.as_ref().map(|file| file.display().to_string());
    let policy = config.policy.as_ref().map(|_| config.read_policy()).transpose();
    Ok(Question {
        server: metrics.server.clone(),
        preset: Some(metrics.preset),
        options: metrics.options.clone(),
        step: config.step,
        fleet: name.zip(file),
        policy: policy.map_err(Failure::Input)?.map(|policy| (*policy).clone()),
    })
}

/// What was derived, with what the operator knows better.
fn history(derived: Derived, preset: &Preset, question: Question) -> Result<History, Failure> {
    let Derived { period, topology, mut workloads, placement, placements, .. } = derived;
    let mut lifetimes = derived.lifetimes;
    for (id, (_, end)) in &mut lifetimes {
        // Of a silent host it is not known that anything left it.
        if !placement.replicas(id).is_empty() {
            *end = period.end;
        }
    }
    let mut assumed = derived.assumed;
    let (mut fleet, mut policy) = (preset.name.to_owned(), question.policy);
    let mut known = Known::default();
    if let Some((name, file)) = question.fleet {
        assumed =
            assumed.into_iter().map(|what| format!("where {name} says nothing: {what}")).collect();
        fleet = format!("{fleet} and {name}");
        policy = policy.or_else(|| file.policy.clone());
        known = Known::of(file);
    }
    let topology = known.joined(&[&topology]).map_err(|error| Failure::Input(error.into()))?;
    known.correct(&mut workloads);
    let told = derived.missing.iter().map(ToString::to_string);
    Ok(History {
        name: question.server.address,
        fleet,
        topology,
        workloads,
        stays: placements,
        lifetimes,
        series: derived.series,
        policy,
        missing: told.chain(derived.warnings).collect(),
        assumed,
    })
}

/// Who can mend it: the person who gave the command, or whoever looks after the server.
fn failure(error: PresetError) -> Failure {
    match error {
        PresetError::Prometheus(error) => MetricsServer::failure(error),
        error => Failure::Input(error.into()),
    }
}
