//! `weft-bench example`: the shipped example of three regions at several confidences, by the code of
//! `weft backtest --fleet examples/three-regions/fleet.yaml --policy predictive`.

use std::fs;
use std::path::Path;

use anyhow::Context;
use weft::cli::Failure;
use weft_core::files::fleet;
use weft_core::forecast::Confidence;
use weft_sim::backtest::PolicyChoice;
use weft_sim::setup::{self, FleetChoice};

use crate::data::input;
use crate::table;

/// The example, seen from the root of the project.
pub(crate) const FLEET: &str = "examples/three-regions/fleet.yaml";

const CONFIDENCES: [f64; 6] = [0.5, 0.8, 0.9, 0.95, 0.99, 0.999];

/// Prints a row for each confidence.
pub(crate) fn run(path: &Path) -> Result<(), Failure> {
    let name = path.display().to_string();
    let text = fs::read_to_string(path)
        .with_context(|| format!("expected the example's fleet file (--fleet FILE) at {name}"))
        .map_err(Failure::Input)?;
    let file = Box::new(fleet::read(&name, &text).map_err(input)?);
    let choice = FleetChoice::File { name: name.clone(), file };
    let mut setup = setup::setup("generated", None, choice, 0).map_err(input)?;
    let confidences = CONFIDENCES.map(Confidence::new).into_iter().collect::<Result<_, _>>();
    setup.confidences = confidences.map_err(input)?;
    table::run(&format!("the example {name}"), &setup, &[PolicyChoice::Predictive])?;
    Ok(())
}
