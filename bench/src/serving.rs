//! `weft-bench serving`: what `weft serve` takes with a large fleet's past in its store. The store is filled directly; then
//! the binary itself is started over a simulated fleet and asked through its API, as a browser asks it.

mod processes;
mod samples;

use std::path::Path;
use std::time::Instant;

use anyhow::Context;
use weft::cli::Failure;
use weft_core::time::{Span, Timestamp};
use weft_store::{SqliteStore, Store};

use crate::cli::Serving;
use crate::verdict::{self, Verdict};
use processes::Weft;
use samples::{RESOURCES, STEP};

/// Workloads that are asked for.
const ASKED: usize = 1_000;

/// When the stored past begins: a Monday.
const BEGIN_SECONDS: i64 = 1_772_409_600;

/// Prints what was measured, and the verdicts.
pub(crate) fn run(serving: &Serving) -> Result<(), Failure> {
    measured(serving).map_err(Failure::Outside)
}

fn measured(serving: &Serving) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let folder = serving.folder.as_deref().unwrap_or(folder.path());
    let Serving { workloads, days, .. } = *serving;
    let steps = days * STEP.per_day();
    let begin = Timestamp::from_seconds(BEGIN_SECONDS);
    let end = begin + STEP.span() * steps as i64;
    println!("{workloads} workloads x {} resources x {days} days\n", RESOURCES.len());
    let bytes_a_sample = stored(folder, workloads, begin, steps)?;
    let fleet = fleet_file(folder, workloads, end)?;
    let simulated = Weft::start(
        &["simulate", "--listen", "127.0.0.1:0", "--past", "0s", "--speed", "1", "--fleet"],
        &fleet,
    )?;
    let config = config_file(folder, &simulated.address)?;
    let loop_ = Weft::start(&["serve", "--config"], &config)?;
    let agent: ureq::Agent = ureq::Agent::config_builder().build().into();
    let page = loop_.answers(&agent, "/")?;
    let ready = loop_.answers(&agent, "/readyz")?;
    let (starting, _) = loop_.resident()?;
    let forecast = format!("/api/v1/forecasts/{}?resource=cpu", samples::name(0, workloads));
    let learned = loop_.answers(&agent, &forecast)?;
    let (after, _) = loop_.resident()?;
    loop_.answers(&agent, "/api/v1/plans/current")?;
    let mut asked = asked(&agent, &loop_.address, workloads, days)?;
    let (now, most) = loop_.resident()?;
    println!("first page           {page:.2} s");
    println!("fleet seen           {ready:.2} s, {starting:.2} GiB resident");
    println!("forecasts there      {learned:.1} s, {after:.2} GiB resident");
    println!("with a plan          {now:.2} GiB resident, at most {most:.2} GiB");
    asked.sort_by(f64::total_cmp);
    let quantile = |share: f64| asked[((asked.len() - 1) as f64 * share).ceil() as usize];
    println!("history and forecast p50 {:.1} ms, p99 {:.1} ms\n", quantile(0.5), quantile(0.99));
    let goal = |claim: &str, found, goal, unit| Verdict {
        claim: claim.to_owned(),
        found: Some(found),
        goal,
        unit,
    };
    verdict::print(&[
        goal("start", ready, 5.0, " s"),
        goal("room at rest", bytes_a_sample, 2.5, " bytes a sample"),
        goal("resident, at most", most, 1.5, " GiB"),
        goal("one workload's history and forecast, p99", quantile(0.99), 20.0, " ms"),
    ]);
    Ok(())
}

/// Fills the store, unless the folder has one already; the bytes that a sample takes.
fn stored(folder: &Path, workloads: usize, begin: Timestamp, steps: usize) -> anyhow::Result<f64> {
    let path = folder.join("weft.db");
    if !path.exists() {
        let began = Instant::now();
        let store = SqliteStore::open(&path, STEP)?;
        samples::fill(&store, workloads, begin, steps)?;
        store.compact()?;
        println!("store filled in      {:.0} s", began.elapsed().as_secs_f64());
    }
    let bytes = std::fs::metadata(&path)?.len();
    let per_sample = bytes as f64 / (workloads * RESOURCES.len() * steps) as f64;
    println!("store                {:.2} GB, {per_sample:.2} bytes a sample", bytes as f64 / 1e9);
    Ok(per_sample)
}

/// A fleet of hosts of 64 cores for the workloads, whose demand goes on where the store ends.
fn fleet_file(
    folder: &Path,
    workloads: usize,
    begins: Timestamp,
) -> anyhow::Result<std::path::PathBuf> {
    let hosts = workloads.div_ceil(20);
    let text = format!(
        "regions: [{{name: eu, energy_price_per_kwh: 0.2}}]\nzones: [{{name: eu-1, region: eu}}]\nhosts: [{{name: \"host-{{}}\", count: {hosts}, zone: eu-1, cores: 64, memory: 512GiB, network: 25Gbit/s, power: {{linear: {{idle_watts: 110, full_watts: 410, empty_watts: 0}}}}}}]\nworkloads: [{{name: \"workload-{{}}\", count: {workloads}, vcpus: 4, memory: 8GiB}}]\ngenerator: {{seed: 1, start: {begins}, days: 3}}\n"
    );
    let path = folder.join("fleet.yaml");
    std::fs::write(&path, text).context("the fleet file")?;
    Ok(path)
}

fn config_file(folder: &Path, address: &str) -> anyhow::Result<std::path::PathBuf> {
    let policy = "name: bench\nmode: advise\nhorizon: 24h\n";
    std::fs::write(folder.join("policy.yaml"), policy)?;
    let text = format!(
        "listen = \"127.0.0.1:0\"\npolicy = \"policy.yaml\"\n[simulated]\naddress = \"{address}\"\n"
    );
    let path = folder.join("weft.toml");
    std::fs::write(&path, text)?;
    Ok(path)
}

/// The milliseconds in which a workload's whole history and its forecast came, one after another.
fn asked(
    agent: &ureq::Agent,
    address: &str,
    workloads: usize,
    days: usize,
) -> anyhow::Result<Vec<f64>> {
    let hours = Span::from_days(days as i64).as_hours_f64();
    let took = |number: usize| {
        // A stride that has no divisor in common with round numbers visits all over the fleet.
        let name = samples::name(number * 7_919 % workloads, workloads);
        let began = Instant::now();
        for path in [
            format!("workloads/{name}/history?hours={hours}"),
            format!("forecasts/{name}?resource=cpu"),
        ] {
            let mut answer = agent.get(format!("{address}/api/v1/{path}")).call()?;
            answer.body_mut().read_to_vec()?;
        }
        Ok(began.elapsed().as_secs_f64() * 1_000.0)
    };
    (0..ASKED).map(took).collect()
}
