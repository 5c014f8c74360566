//! The command line: raw arguments are resolved here, once, into plain values.
//!
//! Exit codes: 0 done, 1 the answer is no, 2 wrong usage or input, 3 something outside failed.
//! Errors are one sentence on stderr that says what to do.

mod series;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};
use weft_collect::preset::PresetOptions;
use weft_core::fleet::Storage;
use weft_core::forecast::Confidence;
use weft_core::time::{Span, Step};
use weft_sim::backtest::PolicyChoice;

use crate::client::{self, Decision};
use crate::{backtest, cluster, demo, detect, forecast, log, serve, simulate, validate};

pub use series::{
    ClusterArguments, DetectArguments, ForecastArguments, Horizon, Level, SeriesOutput,
    ServerArguments,
};

/// Why a command did not do what was asked.
#[derive(Debug)]
pub enum Failure {
    /// Everything went well, and the answer is no.
    No(anyhow::Error),
    /// Wrong usage or input: the person who gave the command can mend it.
    Input(anyhow::Error),
    /// Something outside failed: a disk, a server.
    Outside(anyhow::Error),
}

impl Failure {
    /// What went wrong.
    pub const fn error(&self) -> &anyhow::Error {
        let (Self::No(error) | Self::Input(error) | Self::Outside(error)) = self;
        error
    }

    /// The same, told within something larger.
    #[must_use]
    pub fn within(self, what: String) -> Self {
        match self {
            Self::No(error) => Self::No(error.context(what)),
            Self::Input(error) => Self::Input(error.context(what)),
            Self::Outside(error) => Self::Outside(error.context(what)),
        }
    }

    fn exit_code(&self) -> ExitCode {
        match self {
            Self::No(_) => ExitCode::from(1),
            Self::Input(_) => ExitCode::from(2),
            Self::Outside(_) => ExitCode::from(3),
        }
    }
}

/// Weft moves workloads before they need it.
#[derive(Debug, Parser)]
#[command(name = "weft", version, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Replay a trace, or the history of a metrics server, under several policies and say what each would have cost.
    Backtest(Box<BacktestArguments>),
    /// Show the control loop at work on a simulated fleet of three regions, with the dashboard.
    Demo(DemoArguments),
    /// Forecast series of a CSV, or of a query of a metrics server: quantiles for each step ahead.
    Forecast(ForecastArguments),
    /// Find anomalies in series of a CSV: a score and a verdict for each sample.
    Detect(DetectArguments),
    /// Put series of a CSV that have a similar shape together.
    Cluster(ClusterArguments),
    /// Run the control loop, the REST API and the dashboard.
    Serve(ServeArguments),
    /// Play a fleet as a process of its own, to rehearse `weft serve` on; it outlives the loop.
    Simulate(SimulateArguments),
    /// Check the configuration and every connection in it; exit code 1 where something is wrong.
    Validate(ValidateArguments),
    /// List what a running Weft knows.
    Get(GetArguments),
    /// Show one host, workload, move or plan with what lies ahead of it.
    Describe(DescribeArguments),
    /// Say why a workload, move, host or plan is as it is, and why not otherwise.
    Explain(DescribeArguments),
    /// Show the plan in force.
    Plan(PlanArguments),
    /// Let proposed moves go ahead.
    Approve(MovesArguments),
    /// Do not let proposed moves go ahead; their workloads are left alone for a cool-down.
    Reject(MovesArguments),
    /// Stop moves, waiting or running.
    Cancel(MovesArguments),
    /// Empty hosts and send nothing there.
    Drain(DrainArguments),
    /// Start nothing until resumed.
    Pause(Connection),
    /// End a pause, a kill and every freeze.
    Resume(Connection),
    /// The kill switch: start nothing, cancel what runs.
    Kill(Connection),
    /// Let the running Weft read its policy file again.
    Reload(Connection),
}

/// How a trace is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TraceFormat {
    /// A folder of files, one percentage a line, 5 minutes apart.
    Planetlab,
    /// A folder of GWA-T-12 CSV files, one a VM.
    Bitbrains,
    /// One CSV: series,timestamp,value; of CPU in percent of what is allocated, or as the fleet
    /// file says.
    Csv,
}

/// How a result is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Output {
    /// For people.
    #[default]
    Table,
    /// For programs.
    Json,
}

/// Arguments of `weft backtest`.
#[derive(Debug, Args)]
pub struct BacktestArguments {
    /// The trace to replay; without one, the generator of the fleet file makes the demand.
    #[arg(long, value_name = "PATH", requires = "format", conflicts_with = "measured")]
    pub trace: Option<PathBuf>,
    /// How the trace is written.
    #[arg(long, value_name = "FORMAT", conflicts_with = "measured")]
    pub format: Option<TraceFormat>,
    /// The metrics server whose history is replayed, and how it is read.
    #[command(flatten)]
    pub metrics: MetricsArguments,
    /// `planetlab` for CloudSim's set-up, or a fleet file; derived from the trace without it. What it
    /// says goes before what a metrics server tells.
    #[arg(long, value_name = "planetlab|FILE")]
    pub fleet: Option<String>,
    /// Which policies to compare; may be given several times.
    #[arg(long, value_name = "POLICY", value_delimiter = ',', default_value = "all")]
    pub policy: Vec<PolicyChoice>,
    /// How far the policy looks ahead [default: the fleet file's policy, else 6h].
    #[arg(long, value_name = "SPAN")]
    pub horizon: Option<Span>,
    /// How sure the policy wants to be that no host runs short; one row for each
    /// [default: the fleet file's policy, else 0.95].
    #[arg(long, value_name = "C", value_delimiter = ',', value_parser = parse_confidence)]
    pub confidence: Vec<Confidence>,
    /// Write a page with charts to this file.
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// How to print the result.
    #[arg(long, short, value_name = "FORMAT", default_value = "table")]
    pub output: Output,
    /// Seed of what is drawn here: sizes that the trace does not tell, order of its files, search. The
    /// generator of a fleet file has a seed of its own.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
}

impl BacktestArguments {
    /// The files that are read, the fleet file aside.
    pub(crate) fn inputs(&self) -> impl Iterator<Item = &Path> {
        let MetricsArguments { config, token_file, password_file, ca_file, .. } = &self.metrics;
        let files = [&self.trace, config, token_file, password_file, ca_file];
        files.into_iter().filter_map(|file| file.as_deref())
    }
}

/// How a metrics server is asked; the same as section [metrics] of weft.toml.
#[derive(Debug, Clone, Args)]
#[group(skip)]
#[command(next_help_heading = "History of a metrics server (read only)")]
pub struct MetricsArguments {
    /// The server, such as http://127.0.0.1:9090.
    #[arg(long, value_name = "URL", group = "measured")]
    pub prometheus: Option<String>,
    /// Take the server, its options, the policy and the fleet file from this configuration instead.
    #[arg(long, value_name = "FILE", group = "measured")]
    pub config: Option<PathBuf>,
    /// How many days, up to now.
    #[arg(long, value_name = "N", default_value_t = 14, requires = "measured")]
    pub days: u32,
    /// What the metrics are called: libvirt, kubernetes, node, or auto for the first that is there.
    #[arg(long, value_name = "NAME", default_value = "auto", requires = "prometheus")]
    pub preset: String,
    /// Distance between two steps.
    #[arg(long, value_name = "SPAN", default_value = "5m", value_parser = parse_step, requires = "prometheus")]
    pub step: Step,
    /// A file with a bearer token.
    #[arg(long, value_name = "FILE", requires = "prometheus", conflicts_with = "user")]
    pub token_file: Option<PathBuf>,
    /// A user.
    #[arg(long, value_name = "NAME", requires = "prometheus", requires = "password_file")]
    pub user: Option<String>,
    /// A file with the user's password.
    #[arg(long, value_name = "FILE", requires = "user")]
    pub password_file: Option<PathBuf>,
    /// A file of authorities in the place of the public ones.
    #[arg(long, value_name = "FILE", requires = "prometheus")]
    pub ca_file: Option<PathBuf>,
    /// PromQL matchers added to every metric, such as `cluster="east"`.
    #[arg(long, value_name = "MATCHERS", requires = "prometheus")]
    pub matchers: Option<String>,
    /// The label that names a host.
    #[arg(long, value_name = "LABEL", requires = "prometheus")]
    pub host_label: Option<String>,
    /// The labels that together name a workload.
    #[arg(long, value_name = "LABEL", value_delimiter = ',', requires = "prometheus")]
    pub workload_labels: Vec<String>,
    /// The label of host metrics that names a zone.
    #[arg(long, value_name = "LABEL", requires = "prometheus")]
    pub zone_label: Option<String>,
    /// The label of host metrics that names a region.
    #[arg(long, value_name = "LABEL", requires = "prometheus")]
    pub region_label: Option<String>,
    /// Where disks are [default: shared].
    #[arg(long, value_name = "shared|local", value_parser = parse_storage, requires = "prometheus")]
    pub storage: Option<Storage>,
    /// The price of a kWh [default: 0.2].
    #[arg(long, value_name = "PRICE", value_parser = parse_price, requires = "prometheus")]
    pub energy_price: Option<f64>,
    /// Hosts are switched off while they are empty.
    #[arg(long, requires = "prometheus")]
    pub empty_hosts_off: bool,
}

impl MetricsArguments {
    /// Whether a metrics server is to be asked.
    pub(crate) const fn is_asked(&self) -> bool {
        self.prometheus.is_some() || self.config.is_some()
    }

    /// How a preset is read.
    pub(crate) fn options(&self) -> PresetOptions {
        let usual = PresetOptions::default();
        let labels = &self.workload_labels;
        PresetOptions {
            matchers: self.matchers.clone().unwrap_or(usual.matchers),
            host_label: self.host_label.clone(),
            workload_labels: (!labels.is_empty()).then(|| labels.clone()),
            zone_label: self.zone_label.clone(),
            region_label: self.region_label.clone(),
            storage: self.storage.unwrap_or(usual.storage),
            energy_price_per_kwh: self.energy_price.unwrap_or(usual.energy_price_per_kwh),
            empty_hosts_off: self.empty_hosts_off,
        }
    }
}

/// Arguments of `weft demo`.
#[derive(Debug, Args)]
pub struct DemoArguments {
    /// Simulated seconds that pass in a second: 288 shows a day in five minutes.
    #[arg(long, value_name = "N", default_value_t = 288.0, value_parser = parse_speed)]
    pub speed: f64,
    /// Where to serve the dashboard and the API; port 0 takes any that is free.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:7373")]
    pub listen: SocketAddr,
    /// Seed of the made-up fleet.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
}

/// Arguments of `weft serve`.
#[derive(Debug, Args)]
pub struct ServeArguments {
    /// The configuration file, see docs/reference/configuration.md.
    #[arg(long, value_name = "FILE", default_value = "weft.toml")]
    pub config: PathBuf,
    /// Make a new token; the old one opens nothing any more.
    #[arg(long)]
    pub new_token: bool,
}

/// Arguments of `weft validate`.
#[derive(Debug, Args)]
pub struct ValidateArguments {
    /// The configuration file.
    #[arg(long, value_name = "FILE", default_value = "weft.toml")]
    pub config: PathBuf,
}

/// Where a running Weft is. Writes take the token from WEFT_TOKEN.
#[derive(Debug, Clone, Args)]
pub struct Connection {
    /// Its address. What changes something takes the token from WEFT_TOKEN: in the link that Weft showed at its
    /// first start it stands after #token=.
    #[arg(long, value_name = "URL", env = "WEFT_SERVER", default_value = "http://127.0.0.1:7373")]
    pub server: String,
}

/// How what was read is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Table,
    /// For people with a wide terminal.
    Wide,
    /// As the API gives it.
    Json,
    /// The same as YAML.
    Yaml,
}

/// What can be listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Listed {
    /// How things stand, at one glance.
    Status,
    /// Hosts with their risk.
    #[value(alias = "host")]
    Hosts,
    /// Workloads and where they are.
    #[value(alias = "workload")]
    Workloads,
    /// How the forecasts of every series have held.
    #[value(alias = "forecast")]
    Forecasts,
    /// Foreseen shortages, earliest first.
    #[value(alias = "shortage")]
    Shortages,
    /// Plans, newest first.
    #[value(alias = "plan")]
    Plans,
    /// Moves, newest first.
    #[value(alias = "move")]
    Moves,
    /// Outside events of the last day and ahead.
    #[value(alias = "event")]
    Events,
    /// Sources of outside events, and how their last readings went.
    #[value(alias = "source")]
    Sources,
    /// Alerts, newest first.
    #[value(alias = "alert")]
    Alerts,
    /// The policy in force.
    #[value(alias = "policy")]
    Policies,
    /// What was decided and what became of it, newest first.
    Journal,
}

/// Arguments of `weft get`.
#[derive(Debug, Args)]
pub struct GetArguments {
    /// What to list.
    pub what: Listed,
    /// Only what is on, from or to this host.
    #[arg(long, value_name = "HOST")]
    pub host: Option<String>,
    /// Only what is in this state.
    #[arg(long, value_name = "STATE")]
    pub state: Option<String>,
    /// Only moves of this workload.
    #[arg(long, value_name = "WORKLOAD")]
    pub workload: Option<String>,
    /// Only hosts of this region.
    #[arg(long, value_name = "REGION")]
    pub region: Option<String>,
    /// Only workloads with this label.
    #[arg(long, value_name = "TAG")]
    pub tag: Option<String>,
    /// The most items [default: all, and 50 of what is numbered].
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
    /// How to print.
    #[arg(long, short, value_name = "FORMAT", default_value = "table")]
    pub output: Format,
    /// Where Weft is.
    #[command(flatten)]
    pub connection: Connection,
}

/// What can be described.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Described {
    /// A host, by its name.
    #[value(alias = "hosts")]
    Host,
    /// A workload, by its name.
    #[value(alias = "workloads")]
    Workload,
    /// A move, by its number.
    #[value(alias = "moves")]
    Move,
    /// A plan, by its number, or `current`.
    #[value(alias = "plans")]
    Plan,
}

/// Arguments of `weft describe` and `weft explain`.
#[derive(Debug, Args)]
pub struct DescribeArguments {
    /// What kind of thing.
    pub what: Described,
    /// Its name or number.
    pub name: String,
    /// How to print.
    #[arg(long, short, value_name = "FORMAT", default_value = "table")]
    pub output: Format,
    /// Where Weft is.
    #[command(flatten)]
    pub connection: Connection,
}

/// Arguments of `weft plan`.
#[derive(Debug, Args)]
pub struct PlanArguments {
    /// How to print.
    #[arg(long, short, value_name = "FORMAT", default_value = "table")]
    pub output: Format,
    /// Where Weft is.
    #[command(flatten)]
    pub connection: Connection,
}

/// Arguments of what is decided about moves.
#[derive(Debug, Args)]
pub struct MovesArguments {
    /// The moves, by their numbers.
    #[arg(required = true, value_name = "MOVE")]
    pub moves: Vec<u64>,
    /// Where Weft is.
    #[command(flatten)]
    pub connection: Connection,
}

/// Arguments of `weft drain`.
#[derive(Debug, Args)]
pub struct DrainArguments {
    /// The hosts, by their names.
    #[arg(required = true, value_name = "HOST")]
    pub hosts: Vec<String>,
    /// Take the hosts back instead.
    #[arg(long)]
    pub undo: bool,
    /// Where Weft is.
    #[command(flatten)]
    pub connection: Connection,
}

/// Arguments of `weft simulate`.
#[derive(Debug, Args)]
pub struct SimulateArguments {
    /// A fleet file with a `generator` section; the demo's fleet without one.
    #[arg(long, value_name = "FILE")]
    pub fleet: Option<PathBuf>,
    /// Simulated seconds that pass in a second.
    #[arg(long, value_name = "N", default_value_t = 60.0, value_parser = parse_speed)]
    pub speed: f64,
    /// Where to listen, on loopback; port 0 takes any that is free.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:7400")]
    pub listen: SocketAddr,
    /// How much of the past there is to learn from.
    #[arg(long, value_name = "SPAN", default_value = "2d")]
    pub past: Span,
    /// Seed of everything random.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
}

fn parse_speed(text: &str) -> Result<f64, String> {
    let speed: f64 = text.parse().map_err(|_| format!("expected a number, found `{text}`"))?;
    let is_fit = (1.0..=3_600.0).contains(&speed);
    if is_fit { Ok(speed) } else { Err(format!("expected 1 to 3600, found {text}")) }
}

fn parse_confidence(text: &str) -> Result<Confidence, String> {
    let number: f64 = text.parse().map_err(|_| format!("expected a number, found `{text}`"))?;
    Confidence::new(number).map_err(|error| error.to_string())
}

fn parse_step(text: &str) -> Result<Step, String> {
    let span: Span = text.parse().map_err(|error| format!("{error}"))?;
    Step::new(span).map_err(|error| error.to_string())
}

fn parse_storage(text: &str) -> Result<Storage, String> {
    match text {
        "shared" => Ok(Storage::Shared),
        "local" => Ok(Storage::Local),
        other => Err(format!("expected shared or local, found `{other}`")),
    }
}

fn parse_price(text: &str) -> Result<f64, String> {
    let price: f64 = text.parse().map_err(|_| format!("expected a number, found `{text}`"))?;
    let is_fit = price.is_finite() && price >= 0.0;
    if is_fit { Ok(price) } else { Err(format!("expected at least 0, found {text}")) }
}

/// Reads the command line and carries it out.
pub fn run() -> ExitCode {
    let moves = |verb, arguments: &MovesArguments| {
        let decision = Decision::Moves(verb, arguments.moves.clone());
        client::decide(&arguments.connection, &decision)
    };
    let all = |verb, connection: &Connection| client::decide(connection, &Decision::All(verb));
    let command = Arguments::parse().command;
    // What serves day and night tells what it does; everything else only what is wrong.
    log::begin(if matches!(command, Command::Serve(_)) { "info" } else { "warn" });
    let result = match command {
        Command::Backtest(arguments) => backtest::run(&arguments),
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Forecast(arguments) => forecast::run(&arguments),
        Command::Detect(arguments) => detect::run(&arguments),
        Command::Cluster(arguments) => cluster::run(&arguments),
        Command::Serve(arguments) => serve::run(&arguments),
        Command::Simulate(arguments) => simulate::run(&arguments),
        Command::Validate(arguments) => validate::run(&arguments),
        Command::Get(arguments) => client::get(&arguments),
        Command::Describe(arguments) => client::describe(&arguments),
        Command::Explain(arguments) => client::explain(&arguments),
        Command::Plan(arguments) => client::plan(&arguments),
        Command::Approve(arguments) => moves("approve", &arguments),
        Command::Reject(arguments) => moves("reject", &arguments),
        Command::Cancel(arguments) => moves("cancel", &arguments),
        Command::Drain(arguments) => {
            let verb = if arguments.undo { "undrain" } else { "drain" };
            let decision = Decision::Hosts(verb, arguments.hosts.clone());
            client::decide(&arguments.connection, &decision)
        }
        Command::Pause(connection) => all("pause", &connection),
        Command::Resume(connection) => all("resume", &connection),
        Command::Kill(connection) => all("kill", &connection),
        Command::Reload(connection) => all("policies/reload", &connection),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("weft: {:#}", failure.error());
            failure.exit_code()
        }
    }
}
