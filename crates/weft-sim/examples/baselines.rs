//! Runs the baselines over a PlanetLab day with CloudSim's set-up and prints how they did, so that
//! figures compare with published ones: `cargo run --release -p weft-sim --example baselines -- DIR
//! [ORDERS]`. It must never tune anything: what it prints is what is reported.

use std::path::Path;
use std::process::ExitCode;

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use weft_sim::baseline::{Baseline, run};
use weft_sim::judge::Metrics;
use weft_sim::preset::planetlab::{FirstPlacement, reorder, setup};
use weft_sim::readers::{Trace, planetlab};
use weft_sim::world::World;

/// Where a row ends, for a table that fits a terminal.
const HEADER: &str = "order  policy         energy kWh  SLATAH %   PDM %  migrations  unserved";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (directory, orders) = match arguments.as_slice() {
        [directory] => (directory, 10),
        [directory, orders] if orders.parse::<u64>().is_ok_and(|orders| orders > 0) => {
            (directory, orders.parse().unwrap_or(10))
        }
        _ => {
            eprintln!("expected a folder of PlanetLab files and, if wanted, a number of orders");
            return ExitCode::from(2);
        }
    };
    match read(Path::new(directory)).and_then(|trace| table(&trace, orders)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

/// The files of the folder in the folder's own order, which CloudSim takes them in.
fn read(directory: &Path) -> Result<Trace, String> {
    let name = directory.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let entries = std::fs::read_dir(directory).map_err(|error| format!("{name}: {error}"))?;
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| format!("{name}: {error}"))?.path();
        let bytes = std::fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        files.push((file, bytes));
    }
    let start = planetlab::day(&name).unwrap_or_default();
    planetlab::read(&name, start, files).map_err(|error| error.to_string())
}

/// One line for the folder's order, one for each seed, then the medians over the seeds.
fn table(trace: &Trace, orders: u64) -> Result<(), String> {
    println!("{HEADER}");
    let policies: Vec<Baseline> = [Baseline::None].into_iter().chain(Baseline::REACTIVE).collect();
    let cases: Vec<(Option<u64>, Baseline)> = std::iter::once(None)
        .chain((0..orders).map(Some))
        .flat_map(|order| policies.iter().map(move |policy| (order, *policy)))
        .collect();
    let found: Vec<Metrics> = cases
        .par_iter()
        .map(|(order, policy)| day(trace, *order, policy))
        .collect::<Result<_, _>>()?;
    for ((order, policy), metrics) in cases.iter().zip(&found) {
        let order = order.map_or_else(|| "folder".to_owned(), |order| order.to_string());
        print_row(&order, policy, metrics);
    }
    for (position, policy) in policies.iter().enumerate() {
        let of_seeds = found.iter().skip(policies.len() + position).step_by(policies.len());
        print_row("median", policy, &medians(&of_seeds.copied().collect::<Vec<_>>()));
    }
    Ok(())
}

fn day(trace: &Trace, order: Option<u64>, policy: &Baseline) -> Result<Metrics, String> {
    let mut trace = trace.clone();
    if let Some(seed) = order {
        reorder(&mut trace, seed);
    }
    let setup = setup(&trace, FirstPlacement::of(policy)).map_err(|error| error.to_string())?;
    let world = World::new(setup.world).map_err(|error| error.to_string())?;
    Ok(run(world, policy, setup.end).judge().metrics())
}

fn print_row(order: &str, policy: &Baseline, metrics: &Metrics) {
    println!(
        "{order:6} {:14} {:10.2} {:9.2} {:7.3} {:11} {:9.2}",
        policy.name(),
        metrics.energy_kwh,
        metrics.slatah * 100.0,
        metrics.pdm * 100.0,
        metrics.migrations,
        metrics.unserved.total(),
    );
}

fn medians(all: &[Metrics]) -> Metrics {
    let median = |figure: &dyn Fn(&Metrics) -> f64| {
        let mut figures: Vec<f64> = all.iter().map(figure).collect();
        figures.sort_by(f64::total_cmp);
        let middle = figures.len() / 2;
        (figures[(figures.len() - 1) / 2] + figures[middle]) / 2.0
    };
    Metrics {
        energy_kwh: median(&|metrics| metrics.energy_kwh),
        slatah: median(&|metrics| metrics.slatah),
        pdm: median(&|metrics| metrics.pdm),
        migrations: median(&|metrics| metrics.migrations as f64).round() as u64,
        unserved: weft_sim::judge::Unserved {
            overload: median(&|metrics| metrics.unserved.total()),
            ..Default::default()
        },
        ..Metrics::default()
    }
}
