//! The policies that Weft is measured against, and the loop that steps them through a simulated
//! fleet.
//!
//! A baseline sees samples up to now, sizes and the present placement, as every policy does; it
//! must never see the judge or the future. It knows no rules, budgets or forecasts: it is what the
//! literature proposes, its observed quirks included (`docs/reference/baselines.md`).

pub mod actual;
pub mod detector;
pub mod pack_once;
pub mod reactive;

mod history;
mod picture;
mod planned;

use std::collections::BTreeMap;

use weft_core::id::MoveId;
use weft_core::observation::MoveOrder;
use weft_core::plan::Strategy;
use weft_core::policy::Policy;
use weft_core::time::{Span, Timestamp};
use weft_driver::Driver;

use crate::world::World;
use detector::Detector;
use history::Histories;
use pack_once::{PackOnce, Packing};
use picture::Picture;

/// A policy to compare with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Baseline {
    /// Nothing ever moves.
    None,
    /// Packs tightly after the first samples, then never moves.
    PackOnce(PackOnce),
    /// Looks at every sample and moves what overloads a host now (Beloglazov and Buyya 2012).
    Reactive(Detector),
}

impl Baseline {
    /// The policy's name, as in `weft backtest -o json`.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::PackOnce(_) => "pack-once",
            Self::Reactive(Detector::Threshold { .. }) => "reactive-thr",
            Self::Reactive(Detector::InterquartileRange { .. }) => "reactive-iqr",
            Self::Reactive(Detector::LocalRegression { .. }) => "reactive-lr",
        }
    }

    /// The three reactive policies with the parameters of Beloglazov and Buyya (2012): THR 0.8,
    /// IQR 1.5, LR 1.2.
    pub const REACTIVE: [Self; 3] = [
        Self::Reactive(Detector::Threshold { utilisation: 0.8 }),
        Self::Reactive(Detector::InterquartileRange { safety: 1.5 }),
        Self::Reactive(Detector::LocalRegression { safety: 1.2 }),
    ];
}

/// A wish: this workload to that host, both by their numbers in the world.
type Wish = (usize, usize);

/// Steps `baseline` through `world` from its present instant to `end`, and hands the world back.
pub fn run(mut world: World, baseline: &Baseline, end: Timestamp) -> World {
    let mut histories = Histories::new(world.workload_count());
    let mut packing = Packing::default();
    let mut orders = Orders::default();
    while world.next_tick() <= end {
        world.advance(world.next_tick());
        histories.record(&world.take_samples(), &world);
        orders.forget_ended(&world);
        let wishes = match baseline {
            Baseline::None => Vec::new(),
            Baseline::PackOnce(parameters) => {
                packing.wishes(parameters, &world, &histories, orders.incoming())
            }
            Baseline::Reactive(detector) => {
                let picture = Picture::take(&world, &histories, orders.incoming());
                reactive::wishes(*detector, &picture, &histories)
            }
        };
        orders.give(&mut world, wishes);
    }
    world.advance(end);
    world
}

/// Moves ordered so far.
#[derive(Debug, Default)]
struct Orders {
    given: u64,
    /// Where the moves under way lead, by workload.
    under_way: BTreeMap<usize, usize>,
}

impl Orders {
    fn forget_ended(&mut self, world: &World) {
        self.under_way.retain(|workload, _| world.is_moving(*workload));
    }

    fn incoming(&self) -> &BTreeMap<usize, usize> {
        &self.under_way
    }

    /// Starts the moves wished for. Of two wishes for one workload the world takes both where its
    /// rules let moves chain; elsewhere only the last is meant. A driver that does not answer is
    /// asked again at the next tick, with what is wished then.
    fn give(&mut self, world: &mut World, wishes: Vec<Wish>) {
        let wishes = if world.physics().chains_moves { wishes } else { last_wishes(&wishes) };
        for (workload, to) in wishes {
            let Some(from) =
                self.under_way.get(&workload).copied().or_else(|| world.sole_host(workload))
            else {
                continue;
            };
            if from == to {
                continue;
            }
            self.given += 1;
            let order = order(world, self.given, (workload, to), (from, Strategy::Live));
            if world.start(&order).is_err() {
                return;
            }
            self.under_way.insert(workload, to);
        }
    }
}

/// The last wish for each workload, in the order of the first ones.
fn last_wishes(wishes: &[Wish]) -> Vec<Wish> {
    let last: BTreeMap<usize, usize> = wishes.iter().copied().collect();
    let mut left = last.clone();
    let firsts = wishes.iter().filter_map(|(workload, _)| left.remove_entry(workload));
    firsts.map(|(workload, _)| (workload, last[&workload])).collect()
}

fn order(
    world: &World,
    number: u64,
    (workload, to): Wish,
    (from, strategy): (usize, Strategy),
) -> MoveOrder {
    let bandwidth = |host: usize| {
        let host = world.topology().host(world.host_id(host));
        host.map_or(0, |host| host.migration_bandwidth_bytes_per_second)
    };
    MoveOrder {
        id: MoveId(number),
        workload: world.workload(workload).id.clone(),
        from: world.host_id(from).clone(),
        to: world.host_id(to).clone(),
        strategy,
        bandwidth_bytes_per_second: bandwidth(from).min(bandwidth(to)),
        downtime_limit: Policy::default().downtime_limit,
    }
}

/// The time that a copy of `bytes` takes at `bytes_per_second`.
fn copy_time(bytes: u64, bytes_per_second: u64) -> Span {
    Span::from_seconds_f64(bytes as f64 / bytes_per_second.max(1) as f64)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::Value;
    use weft_core::files::fleet;
    use weft_core::resource::Resource;
    use weft_core::time::Step;

    use super::*;
    use crate::fault::FaultPlan;
    use crate::world::{Demand, Physics, Trace, WorldSpec};

    const HOSTS: &str = "regions: [{name: r}]\nzones: [{name: z, region: r}]\nhosts:\n\
        - {name: 'h{}', count: 3, zone: z, cores: 4, memory: 16GB, network: 10Gbit/s, power: \
        {measured: g5}}\n";

    /// A world of three hosts with four cores; a workload is its name, memory in GB, host and demand.
    fn world(workloads: &[(&str, u64, &str, &[f32])]) -> World {
        let mut text = HOSTS.to_owned() + "workloads:\n";
        for (name, memory, _, _) in workloads {
            text += &format!("- {{name: {name}, vcpus: 4, memory: {memory}GB, dirty_rate: 0}}\n");
        }
        text += "placement:\n";
        for (name, _, host, _) in workloads {
            text += &format!("  {name}: {host}\n");
        }
        let file = fleet::read::<Value>("f.yaml", &text).expect("a valid fleet");
        let mut trace = Trace::new();
        for (name, _, _, demand) in workloads {
            trace.insert((*name).into(), Resource::Cpu, (*demand).into());
        }
        let spec = WorldSpec {
            topology: Arc::new(file.topology),
            workloads: file.workloads,
            placement: file.placement.expect("it is given"),
            arrivals: Vec::new(),
            departures: Vec::new(),
            demand: Demand::Trace(trace),
            physics: Physics::default(),
            faults: FaultPlan::default(),
            start: Timestamp::default(),
            step: Step::FIVE_MINUTES,
            seed: 0,
        };
        World::new(spec).expect("a world without contradictions")
    }

    const THR: Baseline = Baseline::REACTIVE[0];

    fn after(steps: i64) -> Timestamp {
        Timestamp::default() + Step::FIVE_MINUTES.span() * steps
    }

    fn hosts_of(world: &World) -> Vec<String> {
        let host = |number| world.host_id(world.sole_host(number).expect("whole")).to_string();
        (0..world.workload_count()).map(host).collect()
    }

    #[test]
    fn none_moves_nothing() {
        let start = world(&[("a", 1, "h1", &[3_900.0]), ("b", 1, "h1", &[3_900.0])]);
        let mut end = run(start, &Baseline::None, after(12));
        assert_eq!(hosts_of(&end), ["h1", "h1"]);
        assert_eq!(end.judge().metrics().migrations, 0);
    }

    #[test]
    fn an_overloaded_host_loses_what_moves_fastest() {
        let start = world(&[
            ("a", 8, "h1", &[2_000.0]),
            ("b", 2, "h1", &[1_500.0]),
            ("c", 4, "h2", &[2_500.0]),
        ]);
        let end = run(start, &THR, after(2));
        assert_eq!(hosts_of(&end), ["h1", "h3", "h2"], "h2 would be overloaded too");
    }

    #[test]
    fn a_little_used_host_is_emptied_once() {
        let start = world(&[("a", 1, "h1", &[300.0]), ("b", 1, "h2", &[900.0])]);
        let mut end = run(start, &THR, after(12));
        assert_eq!(hosts_of(&end), ["h2", "h2"]);
        assert_eq!(end.judge().metrics().migrations, 1);
    }

    #[test]
    fn memory_binds_where_the_world_says_so() {
        let start = world(&[("a", 9, "h1", &[300.0]), ("b", 9, "h2", &[900.0])]);
        assert_eq!(hosts_of(&run(start, &THR, after(12))), ["h1", "h2"]);
    }

    #[test]
    fn packing_happens_once_and_by_the_first_samples_only() {
        let late_peak: Vec<f32> = [vec![500.0; 12], vec![3_500.0; 12]].concat();
        let start = world(&[
            ("a", 1, "h1", &late_peak),
            ("b", 1, "h2", &late_peak),
            ("c", 1, "h3", &late_peak),
        ]);
        let packing = Baseline::PackOnce(PackOnce::with_fill(1.0));
        let mut early = run(start.clone(), &packing, after(11));
        assert_eq!(early.judge().metrics().migrations, 0);
        let mut end = run(start, &packing, after(24));
        let hosts = hosts_of(&end);
        assert!(hosts.iter().all(|host| *host == hosts[0]), "tight: {hosts:?}");
        let metrics = end.judge().metrics();
        assert_eq!(metrics.migrations, 2);
        assert!(metrics.unserved.overload > 6.0, "it does not help itself: {metrics:?}");
    }

    #[test]
    fn a_lower_fill_opens_more_hosts() {
        let hosts = |fill| {
            let demand: &[f32] = &[1_200.0];
            let start =
                world(&[("a", 1, "h1", demand), ("b", 1, "h2", demand), ("c", 1, "h3", demand)]);
            let end = run(start, &Baseline::PackOnce(PackOnce::with_fill(fill)), after(13));
            let mut hosts = hosts_of(&end);
            hosts.sort();
            hosts.dedup();
            hosts.len()
        };
        assert_eq!([hosts(1.0), hosts(0.7), hosts(0.4)], [1, 2, 3]);
    }

    #[test]
    fn of_two_wishes_the_last_counts_where_moves_do_not_chain() {
        assert_eq!(last_wishes(&[(1, 2), (3, 4), (1, 5)]), [(1, 5), (3, 4)]);
    }

    #[test]
    fn policies_are_told_apart_by_name() {
        let names: Vec<_> = Baseline::REACTIVE.iter().map(Baseline::name).collect();
        assert_eq!(names, ["reactive-thr", "reactive-iqr", "reactive-lr"]);
    }
}
