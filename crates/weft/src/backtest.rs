//! `weft backtest`: opens the files or asks the metrics server, replays, prints the table, writes the page.

mod measured;

use std::fs;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use weft_core::files::fleet::FleetFile;
use weft_core::policy::Policy;
use weft_core::time::Span;
use weft_sim::backtest::outcome::{Outcome, PolicyRow};
use weft_sim::backtest::{self, Setup};
use weft_sim::preset::planetlab;
use weft_sim::readers::{self, Trace, TraceRow};
use weft_sim::setup::{self, FleetChoice, GeneratorSection};

use crate::cli::{BacktestArguments, Failure, Output, TraceFormat};
use crate::output::{self, Page};
use crate::report;
use crate::table::{grouped, lay_out, number};

/// Carries `weft backtest` out.
pub fn run(arguments: &BacktestArguments) -> Result<(), Failure> {
    let is_terminal = std::io::stderr().is_terminal();
    let progress = |what: &str| {
        if is_terminal {
            eprintln!("{what}");
        }
    };
    let inputs: Vec<&Path> = arguments.inputs().chain(fleet_file(arguments)).collect();
    let page = arguments.html.as_deref().map(|path| Page::prepare(path, &inputs)).transpose()?;
    let setup = setup(arguments, &progress)?;
    let outcome =
        backtest::run(&setup, &arguments.policy, &|row| progress(&format!("done: {row}")))
            .map_err(|error| Failure::Input(error.into()))?;
    if let Some(page) = page {
        page.finish(&report::html(&outcome))?;
    }
    match arguments.output {
        Output::Table => output::print(&table(&outcome)),
        Output::Json => output::print_json(&outcome),
    }
}

/// The fleet file, where `--fleet` names one.
fn fleet_file(arguments: &BacktestArguments) -> Option<&Path> {
    arguments.fleet.as_deref().filter(|fleet| *fleet != "planetlab").map(Path::new)
}

/// Resolves the arguments and what they name into what is replayed.
fn setup(arguments: &BacktestArguments, progress: &dyn Fn(&str)) -> Result<Setup, Failure> {
    let mut setup = if arguments.metrics.is_asked() {
        measured::setup(arguments, progress)?
    } else {
        traced(arguments)?
    };
    if let Some(horizon) = arguments.horizon {
        if horizon <= Span::ZERO || horizon > Policy::LONGEST_HORIZON {
            let longest = Policy::LONGEST_HORIZON;
            let sentence =
                format!("--horizon: expected more than 0s and at most {longest}, found {horizon}");
            return Err(input(sentence));
        }
        setup.policy.horizon = horizon;
    }
    if !arguments.confidence.is_empty() {
        setup.confidences.clone_from(&arguments.confidence);
    }
    Ok(setup)
}

/// What is replayed where there is a trace or a fleet file.
fn traced(arguments: &BacktestArguments) -> Result<Setup, Failure> {
    let trace = match (&arguments.trace, arguments.format) {
        (Some(path), Some(format)) => Some(read_trace(path, format, arguments.seed)?),
        (None, None) => None,
        (None, Some(_)) => return Err(input("--format says how --trace is written: give both")),
        (Some(_), None) => unreachable!("the command line requires --format with --trace"),
    };
    let fleet = match arguments.fleet.as_deref() {
        None => FleetChoice::Derived,
        Some("planetlab") => FleetChoice::PlanetLab,
        Some(path) => {
            let file = read_fleet(Path::new(path))?;
            FleetChoice::File { name: path.to_owned(), file: Box::new(file) }
        }
    };
    let name = arguments.trace.as_ref().map_or_else(String::new, |path| path.display().to_string());
    let setup = setup::setup(&name, trace.as_ref(), fleet, arguments.seed)
        .map_err(|error| Failure::Input(error.into()))?;
    if setup.end - setup.world.start <= setup.world.step.span() {
        return Err(input("expected demand over at least two steps, found less"));
    }
    Ok(setup)
}

fn read_fleet(path: &Path) -> Result<FleetFile<GeneratorSection>, Failure> {
    let name = path.display().to_string();
    let text = String::from_utf8(read_file(path)?)
        .map_err(|_| input(format!("{name}: expected UTF-8 text, found other bytes")))?;
    weft_core::files::fleet::read(&name, &text).map_err(|error| Failure::Input(error.into()))
}

fn input(sentence: impl std::fmt::Display) -> Failure {
    Failure::Input(anyhow!("{sentence}"))
}

fn read_file(path: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(path)
        .with_context(|| format!("cannot read {}", path.display()))
        .map_err(Failure::Input)
}

fn read_trace(path: &Path, format: TraceFormat, seed: u64) -> Result<Trace, Failure> {
    let name = path.display().to_string();
    let trace = match format {
        TraceFormat::Csv => {
            let csv = readers::long_csv::read(&name, &read_file(path)?, None);
            let trace = csv.and_then(|csv| readers::long_csv::trace(&name, csv));
            trace.inspect(|trace| warn_of_unit(&name, trace))
        }
        TraceFormat::Bitbrains => readers::bitbrains::read(&name, read_folder(path)?),
        TraceFormat::Planetlab => {
            let folder = innermost(path)?;
            let day = folder.file_name().and_then(|name| readers::planetlab::day(name.to_str()?));
            let files = read_folder(&folder)?;
            readers::planetlab::read(&name, day.unwrap_or_default(), files).map(|mut trace| {
                planetlab::reorder(&mut trace, seed);
                trace
            })
        }
    };
    trace.map_err(|error| Failure::Input(error.into()))
}

/// Says so where a handful of values decide that all are millicores.
fn warn_of_unit(name: &str, trace: &Trace) {
    let values =
        trace.rows.iter().filter_map(TraceRow::cpu).flat_map(|series| series.iter().flatten());
    let (all, above) =
        values.fold((0, 0), |(all, above), value| (all + 1, above + usize::from(value > 100.0)));
    if !trace.percent && above > 0 && above * 100 < all {
        eprintln!(
            "weft: {name}: CPU is taken as millicores, because {above} of {all} values exceed 100; \
             percentages are at most 100"
        );
    }
}

/// The folder itself, or the only folder in it: archives unpack into a folder of their name.
fn innermost(path: &Path) -> Result<PathBuf, Failure> {
    let mut folder = path.to_owned();
    loop {
        let entries = entries(&folder)?;
        match entries.as_slice() {
            [only] if only.is_dir() => folder.clone_from(only),
            _ => return Ok(folder),
        }
    }
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let listing = || -> std::io::Result<Vec<PathBuf>> {
        let mut paths = fs::read_dir(folder)?
            .map(|entry| Ok(entry?.path()))
            .collect::<std::io::Result<Vec<_>>>()?;
        paths.sort();
        Ok(paths)
    };
    listing()
        .with_context(|| format!("cannot list the folder {}", folder.display()))
        .map_err(Failure::Input)
}

/// The files of a folder with their names, by name.
fn read_folder(folder: &Path) -> Result<Vec<(String, Vec<u8>)>, Failure> {
    let files = entries(folder)?.into_iter().filter(|path| path.is_file());
    files
        .map(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            Ok((name, read_file(&path)?))
        })
        .collect()
}

const HEADER: [&str; 13] = [
    "policy",
    "setting",
    "energy kWh",
    "unserved core-h",
    "overload min",
    "SLATAH %",
    "PDM %",
    "ESV",
    "moves",
    "moved GB",
    "downtime s",
    "bill",
    "regret",
];

fn table(outcome: &Outcome) -> String {
    let rows: Vec<Vec<String>> = outcome.policies.iter().map(cells).collect();
    let notes = [("not known", &outcome.missing), ("assumed", &outcome.assumed)];
    let notes = notes.into_iter().filter(|(_, sentences)| !sentences.is_empty());
    let notes: String = notes
        .map(|(title, sentences)| format!("\n{title}:\n- {}\n", sentences.join("\n- ")))
        .collect();
    format!(
        "trace {}, fleet {}, seed {}\n{notes}\n{}\n{}\n",
        outcome.trace,
        outcome.fleet,
        outcome.seed,
        lay_out(&HEADER, &rows),
        outcome.verdict.sentence
    )
}

fn cells(row: &PolicyRow) -> Vec<String> {
    let percent = |share: f64| number(share * 100.0);
    vec![
        row.policy.clone(),
        row.setting().map_or_else(|| "–".to_owned(), |setting| setting.to_string()),
        number(row.energy_kwh),
        number(row.unserved_core_hours),
        number(row.overload_minutes),
        percent(row.slatah),
        percent(row.pdm),
        number(row.esv),
        grouped(row.migrations as f64),
        number(row.moved_bytes as f64 / 1e9),
        number(row.downtime_seconds),
        number(row.cost),
        number(row.regret),
    ]
}
