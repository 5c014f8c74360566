//! How hosts look ahead, without and with a plan: what the heat map shows. Values only; nothing here
//! decides whether a host is short (that is [`crate::shortage::foreseen`]).

use serde::Serialize;

use crate::id::{HostId, PlanId};
use crate::resource::Resource;
use crate::time::Timestamp;

/// A piece of the time ahead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct BucketAhead {
    /// Its begin.
    pub begins: Timestamp,
    /// Its end.
    pub ends: Timestamp,
}

/// One resource of one host ahead; arrays have one value a bucket. A lost host has none.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HostAhead {
    /// The host.
    pub host: HostId,
    /// Of what.
    pub resource: Resource,
    /// Capacity − reserve, in the unit of the resource; none where nothing limits it.
    pub limit: Option<f64>,
    /// Expected demand if nothing is done, moves that run counted where they go.
    pub mean_without: Vec<f32>,
    /// Expected demand with the plan: a planned move counts from its predicted end on.
    pub mean_with: Vec<f32>,
    /// Deviation of the demand of a step, without.
    pub deviation_without: Vec<f32>,
    /// The same with the plan.
    pub deviation_with: Vec<f32>,
    /// The joint quantile of demand at the policy's confidence, without.
    pub quantile_without: Vec<f32>,
    /// The same with the plan.
    pub quantile_with: Vec<f32>,
    /// P(demand > limit), without.
    pub overload_without: Vec<f32>,
    /// P(demand > limit), with the plan.
    pub overload_with: Vec<f32>,
}

/// Every host ahead.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Outlook {
    /// When its inputs were known.
    pub made_at: Timestamp,
    /// The plan that `with` counts.
    pub plan: Option<PlanId>,
    /// The pieces of time, ascending.
    pub buckets: Vec<BucketAhead>,
    /// Hosts by name, for each the resources that anything there demands.
    pub hosts: Vec<HostAhead>,
}
