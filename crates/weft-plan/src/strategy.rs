//! How a workload gets from one host to another: the cheapest of the strategies it allows.
//!
//! A refusal is data: which strategy, and what it lacked. Nothing here looks at where there is room.

use weft_core::fleet::{Host, Link, Storage, Workload};
use weft_core::plan::{Lack, MoveCost, Prediction, Strategy};
use weft_core::resource::Resource;
use weft_core::time::Span;

use crate::precopy::Copy;
use crate::situation::Situation;

/// What stopping a guest from its snapshot and starting it elsewhere takes besides the copy: a boot
/// of a virtual machine or a pod, as the field reports it, ten to thirty seconds.
const RESTART: Span = Span::from_seconds(20);
/// Share of its processor time that a workload loses while it is copied (Voorsluys et al. 2009; the
/// value that CloudSim uses).
const SLOWDOWN: f64 = 0.1;

/// One way to move: how, and what it takes and costs.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Way {
    pub(crate) strategy: Strategy,
    pub(crate) bandwidth_bytes_per_second: u64,
    pub(crate) prediction: Prediction,
    pub(crate) cost: MoveCost,
}

/// What each strategy lacked.
pub(crate) type Refusals = Vec<(Strategy, Lack)>;

/// A trip of a workload between two hosts.
#[derive(Clone, Copy)]
pub(crate) struct Trip<'a> {
    pub(crate) situation: &'a Situation,
    pub(crate) workload: &'a Workload,
    pub(crate) from: &'a Host,
    pub(crate) to: &'a Host,
    /// Expected processor demand while it moves, in millicores.
    pub(crate) cpu_millicores: f64,
}

impl Trip<'_> {
    /// The cheapest way to move the whole workload.
    pub(crate) fn whole(&self) -> Result<Way, Refusals> {
        let mut refusals = Vec::new();
        let mut best: Option<Way> = None;
        let mobility = &self.workload.mobility;
        let ways = [
            (mobility.live, Strategy::Live, self.live()),
            (mobility.preemptive, Strategy::Preemptive, self.preemptive()),
        ];
        for (is_allowed, strategy, way) in ways {
            match way {
                Ok(way) if is_allowed => {
                    if best.as_ref().is_none_or(|best| way.cost.total() < best.cost.total()) {
                        best = Some(way);
                    }
                }
                Ok(_) => {}
                Err(lack) => refusals.extend(is_allowed.then_some((strategy, lack))),
            }
        }
        best.ok_or(refusals)
    }

    /// Pre-copy while it runs; refused where it does not converge within the policy's limit.
    pub(crate) fn live(&self) -> Result<Way, Lack> {
        let copy = self.copy()?;
        let pair = Some((&self.from.id, &self.to.id));
        let limit = self.situation.policy.downtime_limit;
        let prediction = self.situation.precopy.predict(copy, limit, pair);
        let prediction = prediction.map_err(|e| Lack::Convergence { downtime: e.downtime })?;
        Ok(self.way(Strategy::Live, copy, prediction, 1.0))
    }

    /// Snapshot and copy ahead; then stop, send what was written meanwhile, start elsewhere.
    pub(crate) fn preemptive(&self) -> Result<Way, Lack> {
        let copy = self.copy()?;
        let bandwidth = copy.bandwidth_bytes_per_second;
        let volume = copy.memory_bytes + copy.disk_bytes;
        let ahead = volume / bandwidth;
        let rest = (copy.dirty_bytes_per_second * ahead).min(copy.memory_bytes);
        let downtime = Span::from_seconds_f64(rest / bandwidth) + RESTART;
        let prediction = Prediction {
            duration: Span::from_seconds_f64(ahead) + downtime,
            downtime,
            transferred_bytes: (volume + rest) as u64,
        };
        Ok(self.way(Strategy::Preemptive, copy, prediction, 1.0))
    }

    /// A further replica that takes `share_permille` of the demand: its image is copied, nothing
    /// stops, and it must be taken away again.
    pub(crate) fn split(&self, share_permille: u16) -> Result<Way, Lack> {
        let copy = Copy { dirty_bytes_per_second: 0.0, ..self.copy()? };
        let volume = copy.memory_bytes + copy.disk_bytes;
        let prediction = Prediction {
            duration: Span::from_seconds_f64(volume / copy.bandwidth_bytes_per_second) + RESTART,
            downtime: Span::ZERO,
            transferred_bytes: volume as u64,
        };
        let mut way = self.way(Strategy::Split { share_permille }, copy, prediction, 2.0);
        way.cost.slowdown = 0.0;
        Ok(way)
    }

    /// Takes the replica on `from` away; its share returns to `to`.
    pub(crate) fn merge(&self) -> Way {
        let prediction =
            Prediction { duration: RESTART, downtime: Span::ZERO, transferred_bytes: 0 };
        let attention = self.situation.policy.prices.per_move;
        let cost = MoveCost { attention, ..MoveCost::default() };
        let bandwidth = self.bandwidth().unwrap_or(1.0);
        Way {
            strategy: Strategy::Merge,
            bandwidth_bytes_per_second: bandwidth as u64,
            prediction,
            cost,
        }
    }

    /// Restart after a loss: what it costs has been lost already.
    pub(crate) fn recover(&self) -> Way {
        let prediction = Prediction { duration: RESTART, downtime: RESTART, transferred_bytes: 0 };
        Way { strategy: Strategy::Recover, prediction, ..self.merge() }
    }

    fn link(&self) -> Result<Option<&Link>, Lack> {
        let topology = &self.situation.topology;
        let regions = (topology.region_of(&self.from.id), topology.region_of(&self.to.id));
        match regions {
            (Some(a), Some(b)) if a.id == b.id => Ok(None),
            (Some(a), Some(b)) => topology.link(&a.id, &b.id).map(Some).ok_or(Lack::NotReady),
            _ => Err(Lack::NotReady),
        }
    }

    /// What is sure to be there for one move: the ends and the link shared with as many others as
    /// the budgets allow, so that the prediction holds whatever else moves.
    fn bandwidth(&self) -> Result<f64, Lack> {
        let budgets = &self.situation.policy.budgets;
        let ends = self
            .from
            .migration_bandwidth_bytes_per_second
            .min(self.to.migration_bandwidth_bytes_per_second);
        let share = ends as f64 / f64::from(budgets.in_flight_per_host.max(1));
        let Some(link) = self.link()? else { return Ok(share.max(1.0)) };
        let of_link = link.bandwidth_bytes_per_second as f64;
        Ok(share.min(of_link / f64::from(budgets.in_flight_per_link.max(1))).max(1.0))
    }

    fn copy(&self) -> Result<Copy, Lack> {
        let workload = self.workload;
        let crosses = self.link()?.is_some();
        let takes_disk = crosses || workload.storage == Storage::Local;
        let disk = if takes_disk { workload.allocated[Resource::StorageSpace] } else { 0 };
        let use_of_cpu = self.cpu_millicores / (workload.cpu_millicores() as f64).max(1.0);
        Ok(Copy {
            memory_bytes: workload.allocated[Resource::Memory] as f64,
            disk_bytes: disk as f64,
            dirty_bytes_per_second: workload.dirty_rate_bytes_per_second as f64
                * use_of_cpu.clamp(0.0, 1.0),
            bandwidth_bytes_per_second: self.bandwidth()?,
        })
    }

    fn way(&self, strategy: Strategy, copy: Copy, prediction: Prediction, attention: f64) -> Way {
        let prices = &self.situation.policy.prices;
        let gigabytes = prediction.transferred_bytes as f64 / 1e9;
        let per_gigabyte = match self.link() {
            Ok(Some(link)) => link.price_per_gigabyte,
            _ => 0.0,
        };
        let lost_cores = SLOWDOWN * self.cpu_millicores / 1_000.0;
        let cost = MoveCost {
            transfer: gigabytes * per_gigabyte,
            downtime: prediction.downtime.as_hours_f64()
                * prices.downtime_hour
                * self.workload.downtime_weight,
            slowdown: prediction.duration.as_hours_f64() * lost_cores * prices.unserved_core_hour,
            attention: attention * prices.per_move,
        };
        let bandwidth_bytes_per_second = copy.bandwidth_bytes_per_second as u64;
        Way { strategy, bandwidth_bytes_per_second, prediction, cost }
    }
}
