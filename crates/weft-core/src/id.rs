//! Names of things, each a type of its own, so that a host can never be taken for a workload.
//!
//! Ids are shared strings: cloning one copies a pointer. Numerics never use them; they work on
//! dense positions that are valid inside one value only.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

macro_rules! name_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(name: &str) -> Self {
                Self(name.into())
            }
        }

        impl From<String> for $name {
            fn from(name: String) -> Self {
                Self(name.into())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.pad(&self.0)
            }
        }
    };
}

name_type!(
    /// A region: zones close to each other, with one energy price.
    RegionId
);
name_type!(
    /// A zone: hosts that can fail together.
    ZoneId
);
name_type!(
    /// A host.
    HostId
);
name_type!(
    /// A workload.
    WorkloadId
);
name_type!(
    /// A label that rules and events select by.
    Tag
);
name_type!(
    /// A named application metric.
    MetricName
);
name_type!(
    /// An event of outside knowledge.
    EventId
);

macro_rules! number_type {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(formatter, concat!($prefix, "{}"), self.0)
            }
        }
    };
}

number_type!(
    /// A plan, numbered in the order of making.
    PlanId,
    "plan-"
);
number_type!(
    /// A move, numbered in the order of proposing; drivers are idempotent by it.
    MoveId,
    "move-"
);
number_type!(
    /// A job handed out by the control loop.
    JobId,
    "job-"
);
number_type!(
    /// A record of the journal, numbered without gaps.
    RecordId,
    "record-"
);
