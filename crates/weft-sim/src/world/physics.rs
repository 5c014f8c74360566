//! The rules of a simulated fleet: how demand moves, what a migration takes, what monitors see.
//! Values only; the constants carry their reasons. Nothing here changes a world.

use serde::{Deserialize, Serialize};
use weft_core::time::Span;

/// How demand moves between two values of a trace, and when the world looks at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Clock {
    /// Demand stays for a step: value `i` holds on `[start + i·step, start + (i+1)·step)`. Ticks
    /// are the borders of steps. Energy is integrated exactly. A monitor reports the mean of a step
    /// when it ends.
    Held,
    /// CloudSim 3's: demand follows a straight line from value to value; the world looks at it at
    /// ticks `start + first + k·step` and whenever a move ends, and what it saw stays until it looks
    /// again. Energy of an interval is its length × the mean of the power at both ends, and that of
    /// an empty host where processor use was zero at its beginning. Before the first tick nothing is
    /// demanded. A monitor reports what it sees at a tick, at once, as the sample of the step in
    /// which the tick lies.
    Sampled {
        /// The first tick after the start.
        first: Span,
    },
}

/// The rules of a simulated fleet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Physics {
    /// How demand moves.
    pub clock: Clock,
    /// Whether monitors see what is demanded; otherwise they see what is used, censored.
    pub sees_demand: bool,
    /// Whether concurrent moves share the bandwidth of hosts and links equally; otherwise every
    /// move has all of it to itself.
    pub shares_bandwidth: bool,
    /// What a workload gets of its processor time while a live or preemptive move copies it.
    pub source_cpu_share: f64,
    /// The share of the workload's processor time that a live move holds on its target.
    pub target_cpu_share: f64,
    /// How fast a snapshot is read, in bytes per second.
    pub snapshot_bytes_per_second: u64,
    /// From the order to stop until a workload stands still and its state is saved.
    pub stop_time: Span,
    /// From the order to start until a workload serves.
    pub start_time: Span,
    /// A live move that has not converged after so many rounds is given up.
    pub max_rounds: u32,
    /// Whether a target without free memory (and free space for local disks) refuses a move.
    pub is_room_hard: bool,
    /// How far memory and space may be overcommitted where room is hard.
    pub overcommit: f64,
    /// Whether a workload that rests (demand exactly zero, not under way) leaves for good at the
    /// next look.
    pub leaves_when_idle: bool,
    /// Whether a workload under way may be ordered on: both moves run at once and end in order.
    pub chains_moves: bool,
}

impl Default for Physics {
    /// A KVM fleet. While it copies, QEMU's migration thread and the faults of dirty logging take
    /// about a tenth of a guest's processor time (Voorsluys et al. 2009), which is also CloudSim's
    /// figure. Xen gives up pre-copying after 30 rounds (Clark et al. 2005). A snapshot is read at
    /// the speed of a SATA SSD, 500 MB/s. A Linux guest needs some ten seconds to stop and thirty
    /// to boot and serve.
    fn default() -> Self {
        Self {
            clock: Clock::Held,
            sees_demand: false,
            shares_bandwidth: true,
            source_cpu_share: 0.9,
            target_cpu_share: 0.1,
            snapshot_bytes_per_second: 500_000_000,
            stop_time: Span::from_seconds(10),
            start_time: Span::from_seconds(30),
            max_rounds: 30,
            is_room_hard: true,
            overcommit: 1.0,
            leaves_when_idle: false,
            chains_moves: false,
        }
    }
}

impl Physics {
    /// CloudSim 3.0.3's rules for PlanetLab: the world is looked at from 300.1 s on every 300 s;
    /// monitors see demand; every move has half of the network card (the host's migration bandwidth)
    /// to itself; memory binds only at the first placement; a workload that asks for nothing ends; a
    /// workload under way may be sent on. Workloads write no memory there, so their dirty rate is to
    /// be zero.
    pub fn cloudsim() -> Self {
        Self {
            clock: Clock::Sampled { first: Span::from_millis(300_100) },
            sees_demand: true,
            shares_bandwidth: false,
            is_room_hard: false,
            leaves_when_idle: true,
            chains_moves: true,
            ..Self::default()
        }
    }
}
