//! A backtest of what was recorded of a real fleet: who was where and when, and what each demanded. Real
//! records have holes; each hole is closed in the same way for every policy and told in a sentence. It must
//! never refuse a fleet for its dirt, and never invent demand.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;

use weft_core::fleet::{Placement, Topology, Workloads};
use weft_core::id::{HostId, WorkloadId};
use weft_core::policy::Policy;
use weft_core::resource::{Measure, Resource, SeriesKey};
use weft_core::series::Series;
use weft_core::time::{Step, Timestamp};

use super::{SetupError, of, region_mates};
use crate::backtest::Setup;
use crate::baseline::actual::Stays;
use crate::fault::FaultPlan;
use crate::preset;
use crate::world::{Arrival, Demand, Departure, Physics, Trace, WorldSpec};

/// Things that are named where many are concerned.
const NAMED: usize = 3;

/// What was recorded of a fleet.
#[derive(Debug, Clone)]
pub struct History {
    /// Where it was recorded.
    pub name: String,
    /// What the fleet is called.
    pub fleet: String,
    /// Every host that there was.
    pub topology: Topology,
    /// Every workload that there was.
    pub workloads: Workloads,
    /// Where each was.
    pub stays: Stays,
    /// From when to when each was there.
    pub lifetimes: BTreeMap<WorkloadId, (Timestamp, Timestamp)>,
    /// What each demanded; all series cover the same steps.
    pub series: BTreeMap<SeriesKey, Series>,
    /// The policy, where there is one.
    pub policy: Option<Policy>,
    /// What is not known, a sentence each.
    pub missing: Vec<String>,
    /// What was taken to be so, a sentence each.
    pub assumed: Vec<String>,
}

/// What is replayed of a record: the steps from the first to the last in which anything was measured. An
/// error where that is less than two steps.
pub fn setup(mut history: History, seed: u64) -> Result<Setup, SetupError> {
    let asked = history.series.values().next().map(|series| (series.start(), series.end()));
    leave_out(&mut history);
    let time = measured(&history.series).ok_or(SetupError::Unmeasured)?;
    tell_of_time(&mut history, asked, time);
    let demand = demand(&history, time);
    tell_of_gaps(&mut history, time);
    let mut world = WorldSpec {
        workloads: history.workloads.clone(),
        placement: Placement::default(),
        arrivals: Vec::new(),
        departures: Vec::new(),
        demand: Demand::Trace(demand),
        physics: Physics::default(),
        faults: FaultPlan::default(),
        start: time.start,
        step: time.step,
        seed,
        topology: std::mem::take(&mut history.topology).into(),
    };
    place(&mut history, &mut world, time);
    let policy = overcommitted(&mut history, &mut world, time);
    let own = policy.confidence;
    let made = preset::Setup { world, end: time.end };
    let mut setup = of(&history.name, &history.fleet, made, policy, seed);
    setup.confidences.retain(|level| *level != own);
    setup.confidences.insert(0, own);
    setup.recorded = Some(history.stays);
    (setup.missing, setup.assumed) = (history.missing, history.assumed);
    Ok(setup)
}

/// The time that is replayed.
#[derive(Debug, Clone, Copy)]
struct Time {
    start: Timestamp,
    end: Timestamp,
    step: Step,
}

impl Time {
    fn steps(self) -> usize {
        (self.end - self.start).whole_steps(self.step)
    }
}

fn cpu(series: &BTreeMap<SeriesKey, Series>) -> impl Iterator<Item = (&WorkloadId, &Series)> {
    let is_cpu = |key: &SeriesKey| key.measure == Measure::Resource(Resource::Cpu);
    series.iter().filter(move |(key, _)| is_cpu(key)).map(|(key, series)| (&key.workload, series))
}

/// From the first step with a CPU sample to the end of the last.
fn measured(series: &BTreeMap<SeriesKey, Series>) -> Option<Time> {
    let known = |series: &Series| {
        let known = |index: &usize| series.get(*index).is_some();
        let first = (0..series.len()).find(known)?;
        let last = (0..series.len()).rev().find(known)?;
        let at = |index: usize| series.start() + series.step().span() * index as i64;
        Some((at(first), at(last + 1), series.step()))
    };
    let times: Vec<_> = cpu(series).filter_map(|(_, series)| known(series)).collect();
    let start = times.iter().map(|(start, ..)| *start).min()?;
    let (_, end, step) = *times.iter().max_by_key(|(_, end, _)| *end)?;
    let time = Time { start, end, step };
    (time.steps() >= 2).then_some(time)
}

/// A count of things with the names of the first.
fn named<T: Display>(things: &[T]) -> String {
    let names: Vec<_> = things.iter().take(NAMED).map(|thing| format!("`{thing}`")).collect();
    let (count, names) = (things.len(), names.join(", "));
    if count > NAMED { format!("{count} (such as {names})") } else { format!("{count} ({names})") }
}

fn tell_of_time(history: &mut History, asked: Option<(Timestamp, Timestamp)>, time: Time) {
    let Some((start, end)) = asked else { return };
    if time.start > start {
        let sentence = format!("samples before {}: the replay begins there", time.start);
        history.missing.push(format!("no {sentence} instead of at {start}"));
    }
    if time.end < end {
        let sentence = format!("samples after {}: the replay ends there", time.end);
        history.missing.push(format!("no {sentence} instead of at {end}"));
    }
}

/// Leaves out the workloads of which it is not known where they ran, or what they demanded.
fn leave_out(history: &mut History) {
    let demanding: BTreeSet<_> = cpu(&history.series)
        .filter(|(_, series)| series.iter().any(|value| value.is_some()))
        .map(|(id, _)| id.clone())
        .collect();
    let topology = &history.topology;
    for stays in history.stays.values_mut() {
        stays.retain(|(_, host)| topology.host(host).is_some());
    }
    let stays = &history.stays;
    let (mut homeless, mut silent) = (Vec::new(), Vec::new());
    history.workloads.retain(|id, _| {
        let is_placed = stays.get(id).is_some_and(|stays| !stays.is_empty());
        let is_demanding = demanding.contains(id);
        match (is_placed, is_demanding) {
            (false, _) => homeless.push(id.clone()),
            (true, false) => silent.push(id.clone()),
            (true, true) => {}
        }
        is_placed && is_demanding
    });
    for (ids, what) in [(homeless, "host"), (silent, "CPU sample")] {
        if !ids.is_empty() {
            let whose = named(&ids);
            history.missing.push(format!("no {what} of workloads {whose}: they are left out"));
        }
    }
    let workloads = &history.workloads;
    history.stays.retain(|id, _| workloads.contains_key(id));
    history.series.retain(|key, _| workloads.contains_key(&key.workload));
}

/// The record as demand: gaps stay gaps, and so do the marks of samples behind which more may stand.
fn demand(history: &History, time: Time) -> Trace {
    let mut trace = Trace::new();
    for (key, series) in &history.series {
        let Measure::Resource(resource) = key.measure else { continue };
        let skipped = (time.start - series.start()).whole_steps(time.step);
        let steps = skipped..skipped + time.steps();
        let value = |index| series.get(index).unwrap_or(f32::NAN);
        trace.insert(key.workload.clone(), resource, steps.clone().map(value).collect());
        if steps.clone().any(|index| series.is_censored(index)) {
            let marks = steps.map(|index| series.is_censored(index)).collect();
            trace.mark_censored(key.workload.clone(), resource, marks);
        }
    }
    trace
}

/// Says how much of what workloads demanded while they were there is not known.
fn tell_of_gaps(history: &mut History, time: Time) {
    let (mut gaps, mut steps, mut censored) = (0_usize, 0_usize, 0_usize);
    for (id, series) in cpu(&history.series) {
        let (born, gone) = history.lifetimes.get(id).copied().unwrap_or((time.start, time.end));
        let position = |at: Timestamp| (at - series.start()).whole_steps(time.step);
        let life = position(born.max(time.start))..position(gone.min(time.end));
        steps += life.len();
        gaps += life.clone().filter(|index| series.get(*index).is_none()).count();
        censored += life.filter(|index| series.is_censored(*index)).count();
    }
    let share = |count: usize| format!("{:.2} %", 100.0 * count as f64 / steps.max(1) as f64);
    if gaps > 0 {
        let share = share(gaps);
        history.assumed.push(format!(
            "in {share} of all steps of workloads there is no CPU sample: what was demanded last is taken to be demanded still, and no policy sees a sample"
        ));
    }
    if censored > 0 {
        let share = share(censored);
        history.assumed.push(format!(
            "in {share} of all steps of workloads more may have been wanted than was used: what was used is replayed, and policies are told that it is a lower bound"
        ));
    }
}

/// Who is where at the start, who comes later and who leaves.
fn place(history: &mut History, world: &mut WorldSpec, time: Time) {
    let mut told: BTreeMap<&HostId, Timestamp> = BTreeMap::new();
    for (at, host) in history.stays.values().flatten() {
        let first = told.entry(host).or_insert(*at);
        *first = (*first).min(*at);
    }
    let mut late = BTreeSet::new();
    let mut arrivals = Vec::new();
    for (id, stays) in &history.stays {
        let before = stays.iter().rev().find(|(at, _)| *at <= time.start);
        let (at, host) = before.unwrap_or(&stays[0]);
        // Of a host that told nothing before, it is likelier that it was silent than that it was empty.
        let was_told = told.get(host).is_some_and(|first| first < at);
        if *at > time.start && was_told {
            arrivals.push((*at, id.clone(), host.clone()));
        } else if *at > time.start {
            late.insert(host.clone());
        }
        world.placement.put(id.clone(), host.clone());
    }
    for (at, workload, home) in arrivals {
        let candidates = region_mates(&world.topology, &world.placement, &workload);
        world.placement.0.remove(&workload);
        world.arrivals.push(Arrival { at, workload, home: Some(home), candidates });
    }
    let gone = history
        .lifetimes
        .iter()
        .filter(|(id, (_, end))| *end < time.end && history.workloads.contains_key(*id));
    let departures = gone.map(|(id, (_, end))| Departure { at: *end, workload: id.clone() });
    world.departures.extend(departures);
    if !late.is_empty() {
        let whose = named(&late.into_iter().collect::<Vec<_>>());
        history.assumed.push(format!(
            "hosts {whose} told of no workload at first: what they told of then is taken to have been there before"
        ));
    }
}

/// The policy; memory may be overcommitted as far as it was.
fn overcommitted(history: &mut History, world: &mut WorldSpec, time: Time) -> Policy {
    let (factor, beyond) = overcommit(history, world, time);
    let is_given = history.policy.is_some();
    let mut policy = history.policy.take().unwrap_or_default();
    world.physics.overcommit = factor.max(policy.margins.memory_overcommit);
    if beyond.is_empty() {
        return policy;
    }
    let whose = named(&beyond);
    let rule = if is_given {
        let allowed = policy.margins.memory_overcommit;
        format!("the policy allows {allowed} times")
    } else {
        policy.margins.memory_overcommit = world.physics.overcommit;
        "every policy may do the same".to_owned()
    };
    history.assumed.push(format!(
        "memory of hosts {whose} was allocated up to {factor:.2} times what they have: {rule}"
    ));
    policy
}

/// How many times over memory was allocated at most, and the hosts on which it was more than once.
fn overcommit(history: &History, world: &WorldSpec, time: Time) -> (f64, Vec<HostId>) {
    let mut changes: BTreeMap<&HostId, Vec<(Timestamp, i128)>> = BTreeMap::new();
    for (id, stays) in &history.stays {
        let memory = i128::from(history.workloads[id].allocation(Resource::Memory));
        let left = history.lifetimes.get(id).map_or(time.end, |(_, end)| *end);
        let ends = stays.iter().skip(1).map(|(at, _)| *at).chain([left]);
        for ((at, host), end) in stays.iter().zip(ends) {
            let of_host = changes.entry(host).or_default();
            // Nobody is there for less than no time, whatever the record says.
            of_host.extend([(*at, memory), (end.max(*at), -memory)]);
        }
    }
    let mut factor = 1.0_f64;
    let mut beyond = Vec::new();
    for (host, mut changes) in changes {
        let offered = world.topology.host(host).and_then(|host| host.offers(Resource::Memory));
        let Some(offered) = offered.filter(|offered| *offered > 0) else { continue };
        changes.sort_unstable();
        let mut held = 0;
        let most = changes.iter().map(|(_, change)| {
            held += change;
            held
        });
        let times = most.max().unwrap_or(0) as f64 / offered as f64;
        if times > 1.0 {
            factor = factor.max((times * 100.0).ceil() / 100.0);
            beyond.push(host.clone());
        }
    }
    (factor, beyond)
}

#[cfg(test)]
mod tests;
