//! Faults of a simulated fleet: what breaks, when, and when it heals. A plan of faults is a value:
//! the same plan in the same world gives the same run. Nothing here acts; the world carries it out.

use rand::RngExt;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use weft_core::fleet::{Topology, Workloads};
use weft_core::id::{HostId, RegionId, WorkloadId, ZoneId};
use weft_core::policy::Window;
use weft_core::time::{Span, Timestamp};

/// What is lost at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// One host.
    Host(HostId),
    /// Every host of a zone.
    Zone(ZoneId),
    /// Every host of a region.
    Region(RegionId),
}

/// One thing that goes wrong. Shares are probabilities in 0..=1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// Hosts are lost in the window and come back at its end.
    Lose {
        /// Which.
        place: Place,
        /// From loss to return.
        window: Window,
    },
    /// Moves get this share of their bandwidth.
    SlowNetwork {
        /// In 0..=1.
        factor: f64,
        /// When.
        window: Window,
    },
    /// A share of the moves started in the window fails half-way.
    FailMoves {
        /// How many of them.
        share: f64,
        /// When.
        window: Window,
    },
    /// The move that is started as the `ordinal`-th (from 1) fails half-way.
    FailStart {
        /// Which.
        ordinal: u64,
    },
    /// The end of a share of the moves that end in the window becomes known late only: until then
    /// the driver says that they run or, for every other one, that it never heard of them.
    LoseCompletions {
        /// How many of them.
        share: f64,
        /// How late.
        delay: Span,
        /// When.
        window: Window,
    },
    /// The end of a share of the moves that end in the window is told again by the next
    /// observations, three times in all, and each answer to a poll arrives three times.
    RepeatCompletions {
        /// How many of them.
        share: f64,
        /// When.
        window: Window,
    },
    /// A share of the samples never arrives.
    Gaps {
        /// How many of them.
        share: f64,
        /// When they were due.
        window: Window,
    },
    /// A share of the samples arrives late.
    LateSamples {
        /// How many of them.
        share: f64,
        /// How late.
        delay: Span,
        /// When they were due.
        window: Window,
    },
    /// Another hand moves a workload at once, where the target has room and the workload is at rest.
    ForeignHand {
        /// When.
        at: Timestamp,
        /// Who is moved.
        workload: WorkloadId,
        /// To where.
        to: HostId,
    },
    /// The driver does not answer.
    Unreachable {
        /// When.
        window: Window,
        /// Whether orders are carried out all the same: only the answers are lost.
        orders_get_through: bool,
    },
}

/// Everything that goes wrong in a run.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FaultPlan {
    /// In any order.
    pub faults: Vec<Fault>,
}

impl FaultPlan {
    /// Nothing goes wrong.
    pub const fn none() -> Self {
        Self { faults: Vec::new() }
    }

    /// A random plan, the same for the same arguments. Everything has healed at the end of
    /// `window`: lost hosts are back, late samples have come, late completions are told. The
    /// expected number of faults is about ten times `intensity`, which is at least 0.
    pub fn random(
        seed: u64,
        intensity: f64,
        window: Window,
        topology: &Topology,
        workloads: &Workloads,
    ) -> Self {
        let mut draw = Draw { random: ChaCha8Rng::seed_from_u64(seed), window };
        let hosts: Vec<&HostId> = topology.hosts().map(|host| &host.id).collect();
        let zones: Vec<&ZoneId> = topology.zones().map(|zone| &zone.id).collect();
        let names: Vec<&WorkloadId> = workloads.keys().collect();
        if hosts.is_empty() || names.is_empty() {
            return Self::none();
        }
        let mut faults = Vec::new();
        for _ in 0..draw.count(3.0 * intensity) {
            let host = hosts[draw.below(hosts.len())].clone();
            let window = draw.stretch(0.2);
            faults.push(Fault::Lose { place: Place::Host(host), window });
        }
        for _ in 0..draw.count(0.3 * intensity) {
            let zone = zones[draw.below(zones.len())].clone();
            let window = draw.stretch(0.1);
            faults.push(Fault::Lose { place: Place::Zone(zone), window });
        }
        for _ in 0..draw.count(1.5 * intensity) {
            let at = draw.stretch(0.0).begins;
            let workload = names[draw.below(names.len())].clone();
            let to = hosts[draw.below(hosts.len())].clone();
            faults.push(Fault::ForeignHand { at, workload, to });
        }
        draw.disturb(intensity, &mut faults);
        Self { faults }
    }
}

struct Draw {
    random: ChaCha8Rng,
    window: Window,
}

impl Draw {
    /// The faults of network, moves, completions, samples and the driver itself.
    fn disturb(&mut self, intensity: f64, faults: &mut Vec<Fault>) {
        for _ in 0..self.count(intensity) {
            let factor = self.random.random_range(0.1..0.8);
            faults.push(Fault::SlowNetwork { factor, window: self.stretch(0.3) });
        }
        for _ in 0..self.count(intensity) {
            let share = self.random.random_range(0.1..0.9);
            faults.push(Fault::FailMoves { share, window: self.stretch(0.3) });
        }
        for _ in 0..self.count(intensity) {
            let (share, window) = (self.random.random_range(0.1..0.9), self.stretch(0.3));
            let delay = self.delay(window);
            faults.push(Fault::LoseCompletions { share, delay, window });
            faults.push(Fault::RepeatCompletions { share, window: self.stretch(0.3) });
        }
        for _ in 0..self.count(intensity) {
            let (share, window) = (self.random.random_range(0.05..0.5), self.stretch(0.2));
            let delay = self.delay(window);
            faults.push(Fault::LateSamples { share, delay, window });
            faults.push(Fault::Gaps { share, window: self.stretch(0.1) });
        }
        for _ in 0..self.count(intensity) {
            let orders_get_through = self.random.random_bool(0.5);
            faults.push(Fault::Unreachable { window: self.stretch(0.05), orders_get_through });
        }
    }

    /// A whole number whose mean is `mean`.
    fn count(&mut self, mean: f64) -> usize {
        (mean.max(0.0) + self.random.random::<f64>()).floor() as usize
    }

    fn below(&mut self, end: usize) -> usize {
        self.random.random_range(0..end)
    }

    /// A stretch within the first nine tenths of the window, at most `longest` of it long.
    fn stretch(&mut self, longest: f64) -> Window {
        let whole = (self.window.ends - self.window.begins).as_seconds_f64();
        let begin = whole * self.random.random_range(0.0..0.85);
        let length = (whole * longest * self.random.random::<f64>()).min(whole * 0.9 - begin);
        let begins = self.window.begins + Span::from_seconds_f64(begin);
        Window { begins, ends: begins + Span::from_seconds_f64(length) }
    }

    /// A delay of at most an hour that ends before the window does.
    fn delay(&mut self, within: Window) -> Span {
        let left = (self.window.ends - within.ends).as_seconds_f64().clamp(0.0, 3_600.0);
        Span::from_seconds_f64(left * self.random.random::<f64>())
    }
}
