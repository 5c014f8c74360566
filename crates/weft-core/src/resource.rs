//! Resources, and amounts of them in their units.

use std::fmt;
use std::ops::{Index, IndexMut};

use serde::{Deserialize, Serialize};

use crate::id::{MetricName, WorkloadId};

/// What a host has and a workload uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resource {
    /// Processor time in millicores: 1,000 is one core of the reference speed.
    Cpu,
    /// Memory in bytes.
    Memory,
    /// Network traffic, both directions together, in bytes per second.
    Network,
    /// Storage traffic in bytes per second.
    StorageThroughput,
    /// Storage operations per second.
    StorageOperations,
    /// Storage space in bytes.
    StorageSpace,
}

impl Resource {
    /// Every resource, in the order of [`Amounts`].
    pub const ALL: [Self; 6] = [
        Self::Cpu,
        Self::Memory,
        Self::Network,
        Self::StorageThroughput,
        Self::StorageOperations,
        Self::StorageSpace,
    ];

    /// Resources that flow: packed by forecast demand.
    pub const FLOWING: [Self; 4] =
        [Self::Cpu, Self::Network, Self::StorageThroughput, Self::StorageOperations];

    /// Resources that are held: packed by allocation, never by forecast, because a wrong guess
    /// would kill a guest.
    pub const HELD: [Self; 2] = [Self::Memory, Self::StorageSpace];

    /// Whether the resource is held (memory, space) rather than flowing.
    pub const fn is_held(self) -> bool {
        matches!(self, Self::Memory | Self::StorageSpace)
    }

    /// The resource's position in [`Resource::ALL`].
    pub const fn position(self) -> usize {
        self as usize
    }

    /// The field's word for the resource, as in files and JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Memory => "memory",
            Self::Network => "network",
            Self::StorageThroughput => "storage_throughput",
            Self::StorageOperations => "storage_operations",
            Self::StorageSpace => "storage_space",
        }
    }

    /// The unit of its amounts.
    pub const fn unit(self) -> &'static str {
        match self {
            Self::Cpu => "millicores",
            Self::Memory | Self::StorageSpace => "bytes",
            Self::Network | Self::StorageThroughput => "bytes/s",
            Self::StorageOperations => "operations/s",
        }
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

/// An amount of every resource, in its unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Amounts([u64; 6]);

impl Amounts {
    /// None of anything.
    pub const ZERO: Self = Self([0; 6]);

    /// These amounts with `resource` set to `amount`.
    #[must_use]
    pub const fn with(mut self, resource: Resource, amount: u64) -> Self {
        self.0[resource.position()] = amount;
        self
    }
}

impl Index<Resource> for Amounts {
    type Output = u64;
    fn index(&self, resource: Resource) -> &u64 {
        &self.0[resource.position()]
    }
}

impl IndexMut<Resource> for Amounts {
    fn index_mut(&mut self, resource: Resource) -> &mut u64 {
        &mut self.0[resource.position()]
    }
}

/// What a host offers of every resource; a resource that is not stated is not limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Capacity([Option<u64>; 6]);

impl Capacity {
    /// Nothing is limited.
    pub const UNLIMITED: Self = Self([None; 6]);

    /// This capacity with `resource` limited to `amount`.
    #[must_use]
    pub const fn with(mut self, resource: Resource, amount: u64) -> Self {
        self.0[resource.position()] = Some(amount);
        self
    }

    /// The limit of `resource`, if it has one.
    pub const fn get(&self, resource: Resource) -> Option<u64> {
        self.0[resource.position()]
    }
}

/// What a series measures.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Use of a resource, in its unit.
    Resource(Resource),
    /// A metric of the application, in a unit of its own.
    Application(MetricName),
}

/// Which series: one measure of one workload.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SeriesKey {
    /// The workload measured.
    pub workload: WorkloadId,
    /// What of it is measured.
    pub measure: Measure,
}

impl SeriesKey {
    /// The series of `resource` of `workload`.
    pub const fn resource(workload: WorkloadId, resource: Resource) -> Self {
        Self { workload, measure: Measure::Resource(resource) }
    }
}

impl fmt::Display for SeriesKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.measure {
            Measure::Resource(resource) => write!(formatter, "{}/{resource}", self.workload),
            Measure::Application(name) => write!(formatter, "{}/{name}", self.workload),
        }
    }
}
