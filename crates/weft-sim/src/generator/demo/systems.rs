//! What the demo's company runs: a shop, billing, an office, reports, builds. Each kind of workload has
//! its own hours, so that hosts run short at different times, and others have room then.

use super::super::Archetype;
use super::super::three_regions::{WorkloadKind, moves};

/// How a kind of workload demands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Demand {
    pub(super) archetype: Archetype,
    /// Mean processor use as a share of the vCPUs, from and to.
    pub(super) mean_use: (f64, f64),
    /// Announced campaigns a week in each region, for all its members there, and half as many news items.
    pub(super) events_per_week: f64,
}

const fn demand(archetype: Archetype, from: f64, to: f64) -> Demand {
    Demand { archetype, mean_use: (from, to), events_per_week: 0.0 }
}

/// As [`KINDS`], in the same order. Peaks are two (evening), three (office) and four and a half times
/// (night) the mean.
pub(super) const DEMANDS: [Demand; KINDS.len()] = [
    demand(Archetype::Flat, 0.22, 0.37),
    demand(Archetype::EveningWeb, 0.2, 0.27),
    demand(Archetype::EveningWeb, 0.15, 0.22),
    demand(Archetype::OfficeHours, 0.11, 0.18),
    demand(Archetype::EveningWeb, 0.15, 0.26),
    demand(Archetype::Flat, 0.22, 0.37),
    Demand { events_per_week: 0.25, ..demand(Archetype::EveningWeb, 0.11, 0.22) },
    demand(Archetype::NightlyBatch, 0.09, 0.15),
    demand(Archetype::NightlyBatch, 0.07, 0.15),
    demand(Archetype::OfficeHours, 0.11, 0.2),
    demand(Archetype::OfficeHours, 0.09, 0.17),
    demand(Archetype::OfficeHours, 0.11, 0.22),
    demand(Archetype::Bursty, 0.15, 0.29),
];

/// The choosiest first: that is the order of packing. What writes much memory cannot be moved live over
/// 1 Gbit/s while it is busy; the shop's edge and its web servers can be split. No rule spreads those two:
/// what is spread is never merged again. The edge has no events: over its shares nothing answers those.
pub(super) const KINDS: [WorkloadKind; 13] = [
    WorkloadKind {
        name: "erp-legacy",
        count: 4,
        vcpus: 1,
        vcpu_speed: 800,
        memory_gibibytes: 2,
        dirty_rate: 5_000_000,
        priority: 1,
        mobility: moves(false, true, 1),
        alternates: false,
        needs_licence: true,
    },
    WorkloadKind {
        name: "shop-edge",
        count: 5,
        vcpus: 16,
        vcpu_speed: 1_000,
        memory_gibibytes: 16,
        dirty_rate: 60_000_000,
        priority: 4,
        mobility: moves(true, false, 4),
        alternates: true,
        needs_licence: false,
    },
    WorkloadKind {
        name: "shop-db",
        count: 8,
        vcpus: 4,
        vcpu_speed: 1_000,
        memory_gibibytes: 16,
        dirty_rate: 400_000_000,
        priority: 5,
        mobility: moves(true, true, 1),
        alternates: true,
        needs_licence: false,
    },
    WorkloadKind {
        name: "billing-db",
        count: 6,
        vcpus: 4,
        vcpu_speed: 1_000,
        memory_gibibytes: 16,
        dirty_rate: 300_000_000,
        priority: 5,
        mobility: moves(true, true, 1),
        alternates: true,
        needs_licence: false,
    },
    WorkloadKind {
        name: "shop-cache",
        count: 6,
        vcpus: 2,
        vcpu_speed: 1_000,
        memory_gibibytes: 12,
        dirty_rate: 250_000_000,
        priority: 2,
        mobility: moves(true, true, 1),
        alternates: false,
        needs_licence: false,
    },
    WorkloadKind {
        name: "search-api",
        count: 8,
        vcpus: 2,
        vcpu_speed: 1_000,
        memory_gibibytes: 6,
        dirty_rate: 50_000_000,
        priority: 3,
        mobility: moves(true, true, 1),
        alternates: true,
        needs_licence: false,
    },
    WorkloadKind {
        name: "shop-web",
        count: 16,
        vcpus: 4,
        vcpu_speed: 1_000,
        memory_gibibytes: 8,
        dirty_rate: 40_000_000,
        priority: 3,
        mobility: moves(true, true, 2),
        alternates: true,
        needs_licence: false,
    },
    WorkloadKind {
        name: "report-batch",
        count: 12,
        vcpus: 4,
        vcpu_speed: 800,
        memory_gibibytes: 8,
        dirty_rate: 80_000_000,
        priority: 0,
        mobility: moves(true, true, 1),
        alternates: false,
        needs_licence: false,
    },
    WorkloadKind {
        name: "backup-batch",
        count: 6,
        vcpus: 4,
        vcpu_speed: 800,
        memory_gibibytes: 4,
        dirty_rate: 20_000_000,
        priority: 0,
        mobility: moves(true, true, 1),
        alternates: false,
        needs_licence: false,
    },
    WorkloadKind {
        name: "billing-app",
        count: 16,
        vcpus: 2,
        vcpu_speed: 800,
        memory_gibibytes: 6,
        dirty_rate: 30_000_000,
        priority: 3,
        mobility: moves(true, true, 1),
        alternates: false,
        needs_licence: false,
    },
    WorkloadKind {
        name: "office-mail",
        count: 12,
        vcpus: 2,
        vcpu_speed: 800,
        memory_gibibytes: 8,
        dirty_rate: 30_000_000,
        priority: 2,
        mobility: moves(true, true, 1),
        alternates: false,
        needs_licence: false,
    },
    WorkloadKind {
        name: "office-desk",
        count: 21,
        vcpus: 2,
        vcpu_speed: 800,
        memory_gibibytes: 4,
        dirty_rate: 40_000_000,
        priority: 1,
        mobility: moves(true, true, 1),
        alternates: false,
        needs_licence: false,
    },
    WorkloadKind {
        name: "build-agent",
        count: 14,
        vcpus: 2,
        vcpu_speed: 800,
        memory_gibibytes: 6,
        dirty_rate: 100_000_000,
        priority: 0,
        mobility: moves(true, true, 1),
        alternates: false,
        needs_licence: false,
    },
];
