//! Set-ups for traces that come without a fleet: CloudSim's for PlanetLab, and one derived from any
//! other trace. A set-up may look at the whole trace for sizes and the number of hosts; the first
//! placement must never depend on more than the first samples.

pub mod derived;
pub mod first_placement;
pub mod planetlab;

use std::collections::BTreeMap;
use std::sync::Arc;

use thiserror::Error;
use weft_core::fleet::Workload;
use weft_core::id::WorkloadId;
use weft_core::resource::Resource;
use weft_core::time::Timestamp;

use crate::readers;
use crate::world::{Demand, Trace, WorldSpec};

/// What a kilowatt-hour costs in a set-up that says nothing: about what European industry paid in
/// 2023, in euros.
pub const ENERGY_PRICE_PER_KWH: f64 = 0.2;

/// A trace that does not fit a set-up.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum PresetError {
    /// A trace of another kind.
    #[error("the set-up `{preset}` expects {expected}, found {found}")]
    Unfit {
        /// The set-up.
        preset: &'static str,
        /// What it expects.
        expected: &'static str,
        /// What the trace is.
        found: String,
    },
    /// Two workloads with one name.
    #[error("expected every workload of the trace to have its own name, found `{0}` twice")]
    Twice(String),
    /// No host takes a workload at the start.
    #[error("expected a host with room for workload `{workload}` ({needs}), found none")]
    NoRoom {
        /// Whose.
        workload: WorkloadId,
        /// What it needs.
        needs: String,
    },
    /// Contradictions of the set-up itself.
    #[error(transparent)]
    Fleet(#[from] weft_core::fleet::FleetError),
}

/// A world to start from and when to stop.
#[derive(Debug, Clone)]
pub struct Setup {
    /// What the world is made from.
    pub world: WorldSpec,
    /// The end of the accounting.
    pub end: Timestamp,
}

/// What a trace demands of workloads of known sizes, in the units of the resources.
pub fn demand(trace: &readers::Trace, workloads: &BTreeMap<WorkloadId, Arc<Workload>>) -> Demand {
    let mut demand = Trace::new();
    for row in &trace.rows {
        let id = WorkloadId::from(row.name.as_str());
        let Some(workload) = workloads.get(&id) else { continue };
        for (resource, series) in &row.series {
            let unit = match resource {
                Resource::Cpu if trace.percent => workload.cpu_millicores() as f64 / 100.0,
                _ => 1.0,
            };
            let before = (series.start() - trace.start).whole_steps(trace.step);
            let gaps = std::iter::repeat_n(f32::NAN, before);
            let values = series
                .iter()
                .map(|value| value.map_or(f32::NAN, |value| (f64::from(value) * unit) as f32));
            demand.insert(id.clone(), *resource, gaps.chain(values).collect());
        }
    }
    Demand::Trace(demand)
}

/// The first name that stands twice in a trace is an error.
fn check_names(trace: &readers::Trace) -> Result<(), PresetError> {
    let mut names: Vec<&str> = trace.rows.iter().map(|row| &*row.name).collect();
    names.sort_unstable();
    match names.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(PresetError::Twice(pair[0].to_owned())),
        None => Ok(()),
    }
}
