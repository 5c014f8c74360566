//! Demand made up from a seed: daily and weekly shapes, noise, bursts, trend, peaks that groups have
//! in common, campaigns and news. Every day of every series is a pure function of the seed, so any
//! step can be asked for at any time. Only additions, multiplications and tables: the same numbers on
//! every machine. It must never look at a real trace.

pub mod demo;
mod shape;
mod three_regions;

use std::collections::BTreeMap;
use std::sync::Arc;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use weft_core::event::{Event, EventKind};
use weft_core::fleet::{Workload, Workloads};
use weft_core::id::WorkloadId;
use weft_core::policy::{Selector, Window};
use weft_core::resource::Resource;
use weft_core::time::{Span, Step, Timestamp};

pub use shape::{Archetype, SeriesShape};
pub use three_regions::{MadeFleet, three_regions};

use shape::{Lift, Profile};

/// How many of a hundred workloads have which daily shape; the numbers are weights.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Mix {
    /// Busy on weekdays from nine to six.
    pub office_hours: f64,
    /// Busy in the evening, at weekends more so.
    pub evening_web: f64,
    /// Idle but for some hours of the night.
    pub nightly_batch: f64,
    /// The same at all times.
    pub flat: f64,
    /// Low, with short bursts.
    pub bursty: f64,
}

impl Default for Mix {
    fn default() -> Self {
        Self {
            office_hours: 30.0,
            evening_web: 30.0,
            nightly_batch: 10.0,
            flat: 15.0,
            bursty: 15.0,
        }
    }
}

/// What made-up demand is like. Pairs are a range from which each workload draws its own value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GeneratorSpec {
    /// Daily shapes.
    pub mix: Mix,
    /// Mean processor use as a share of the vCPUs.
    pub mean_use: (f64, f64),
    /// Standard deviation of the noise, as a share of the demand.
    pub noise: (f64, f64),
    /// How much of the noise of one step stays in the next, in 0..1 (AR(1)).
    pub noise_memory: f64,
    /// Growth a week, as a share of the first level.
    pub trend_per_week: (f64, f64),
    /// Bursts a day of a workload; a bursty one has eight times as many.
    pub bursts_per_day: f64,
    /// Height of a burst, as a share of the vCPUs.
    pub burst_height: (f64, f64),
    /// Workloads with peaks in common; consecutive by name.
    pub group_size: usize,
    /// Unannounced peaks a week that a whole group shares, one to three hours long.
    pub shocks_per_week: f64,
    /// Demand in such a peak, as a multiple.
    pub shock_lift: (f64, f64),
    /// Announced campaigns a week, for one group each, two to eight hours long.
    pub campaigns_per_week: f64,
    /// Demand in a campaign, as a multiple.
    pub campaign_lift: (f64, f64),
    /// News items a week, for one group each, one to four hours long.
    pub news_per_week: f64,
    /// Demand after a news item, as a multiple.
    pub news_lift: (f64, f64),
    /// Share of the workloads that appear a day later or more, at a random time.
    pub arriving: f64,
    /// Share of the workloads that leave at a random time.
    pub departing: f64,
}

impl Default for GeneratorSpec {
    /// A mixed fleet: half of what was bought is used at noon, noise of a tenth that halves in some
    /// fifteen minutes, a peak in common every other day.
    fn default() -> Self {
        Self {
            mix: Mix::default(),
            mean_use: (0.2, 0.5),
            noise: (0.05, 0.15),
            noise_memory: 0.8,
            trend_per_week: (-0.01, 0.03),
            bursts_per_day: 0.5,
            burst_height: (0.2, 0.5),
            group_size: 6,
            shocks_per_week: 3.0,
            shock_lift: (1.3, 1.8),
            campaigns_per_week: 2.0,
            campaign_lift: (1.5, 2.2),
            news_per_week: 1.0,
            news_lift: (1.5, 2.5),
            arriving: 0.0,
            departing: 0.0,
        }
    }
}

/// Made-up demand with what belongs to it.
#[derive(Debug, Clone)]
pub struct Generated {
    /// The demand.
    pub generator: Generator,
    /// Campaigns and news, in order of beginning.
    pub events: Vec<Event>,
    /// Who appears when; at most once each.
    pub arrivals: Vec<(Timestamp, WorkloadId)>,
    /// Who leaves when, after having appeared.
    pub departures: Vec<(Timestamp, WorkloadId)>,
}

/// The demand of every workload; see [`GeneratorSpec::generate`].
#[derive(Debug, Clone)]
pub struct Generator {
    profiles: Arc<BTreeMap<WorkloadId, Profile>>,
    skipped_days: usize,
}

impl Generator {
    /// The series of `resource` of `workload`; none for an unknown workload, for storage space and
    /// for storage operations.
    pub fn series(&self, workload: &WorkloadId, resource: Resource) -> Option<SeriesShape> {
        let profile = self.profiles.get(workload)?;
        let is_made = matches!(
            resource,
            Resource::Cpu | Resource::Memory | Resource::Network | Resource::StorageThroughput
        );
        is_made.then(|| SeriesShape::new(profile.clone(), resource, self.skipped_days))
    }

    /// The same demand for a world that begins `days` days later: its day 0 is day `days` here.
    #[must_use]
    pub fn from_day(&self, days: usize) -> Self {
        Self { profiles: self.profiles.clone(), skipped_days: self.skipped_days + days }
    }

    /// The same demand as [`Self::from_day`] was told to skip, with those days again.
    pub(crate) fn before(&self, days: usize) -> Self {
        let skipped_days = self.skipped_days.saturating_sub(days);
        Self { profiles: self.profiles.clone(), skipped_days }
    }

    /// The daily shape of a workload.
    pub fn archetype(&self, workload: &WorkloadId) -> Option<Archetype> {
        self.profiles.get(workload).map(|profile| profile.archetype)
    }
}

impl GeneratorSpec {
    /// Draws the demand of `workloads` from `seed`. Step 0 begins at `start`, which sets the time of
    /// day (UTC); groups have peaks, events and churn during the first `days` days, everything else
    /// goes on for ever.
    pub fn generate(
        &self,
        seed: u64,
        workloads: &Workloads,
        start: Timestamp,
        step: Step,
        days: u32,
    ) -> Generated {
        let mut draw = Draw { random: ChaCha8Rng::seed_from_u64(seed), start, days };
        let names: Vec<&WorkloadId> = workloads.keys().collect();
        let groups: Vec<&[&WorkloadId]> = names.chunks(self.group_size.max(1)).collect();
        let (lifts, events) = self.lifts(&mut draw, &groups);
        let profiles = workloads.values().enumerate().map(|(number, workload)| {
            let group = &lifts[number / self.group_size.max(1)];
            let profile = self.profile(&mut draw, seed, number, workload, step, group.clone());
            (workload.id.clone(), profile)
        });
        let profiles: BTreeMap<WorkloadId, Profile> = profiles.collect();
        let (arrivals, departures) = self.churn(&mut draw, &names);
        Generated {
            generator: Generator { profiles: Arc::new(profiles), skipped_days: 0 },
            events,
            arrivals,
            departures,
        }
    }

    /// Peaks per group, and those of them that are known as events.
    fn lifts(&self, draw: &mut Draw, groups: &[&[&WorkloadId]]) -> (Vec<Arc<[Lift]>>, Vec<Event>) {
        let mut lifts = vec![Vec::new(); groups.len()];
        let mut events = Vec::new();
        if groups.is_empty() {
            return (Vec::new(), events);
        }
        let weeks = f64::from(draw.days) / 7.0;
        let kinds = [
            (None, self.shocks_per_week, self.shock_lift, (1.0, 3.0)),
            (Some(EventKind::Campaign), self.campaigns_per_week, self.campaign_lift, (2.0, 8.0)),
            (Some(EventKind::News), self.news_per_week, self.news_lift, (1.0, 4.0)),
        ];
        for (kind, per_week, lift, hours) in kinds {
            for _ in 0..draw.count(per_week * weeks) {
                let group = draw.random.random_range(0..groups.len());
                let begins = draw.instant();
                let ends = begins + Span::from_seconds_f64(draw.between(hours) * 3_600.0);
                let window = Window { begins, ends };
                let factor = draw.between(lift);
                lifts[group].push(Lift::new(window, factor, draw.start));
                events.extend(kind.map(|kind| event(kind, window, groups[group], factor)));
            }
        }
        in_order(&mut events);
        (lifts.into_iter().map(Into::into).collect(), events)
    }

    fn profile(
        &self,
        draw: &mut Draw,
        seed: u64,
        number: usize,
        workload: &Workload,
        step: Step,
        lifts: Arc<[Lift]>,
    ) -> Profile {
        let archetype = self.archetype(draw.random.random());
        let bursts = match archetype {
            Archetype::Bursty => 8.0 * self.bursts_per_day,
            _ => self.bursts_per_day,
        };
        Profile {
            archetype,
            seed,
            number: number as u64,
            step,
            start: draw.start,
            millicores: workload.cpu_millicores() as f64,
            memory: workload.allocation(Resource::Memory) as f64,
            mean_use: draw.between(self.mean_use),
            shift_hours: draw.between((-1.0, 1.0)),
            noise: draw.between(self.noise),
            noise_memory: self.noise_memory.clamp(0.0, 0.95),
            trend_per_week: draw.between(self.trend_per_week),
            burst_chance: bursts / step_count_per_day(step),
            burst_height: self.burst_height,
            memory_floor: draw.between((0.4, 0.7)),
            bytes_per_millicore: draw.between((1_000.0, 10_000.0)),
            lifts,
        }
    }

    fn archetype(&self, position: f64) -> Archetype {
        let mix = &self.mix;
        let weights = [
            (Archetype::OfficeHours, mix.office_hours),
            (Archetype::EveningWeb, mix.evening_web),
            (Archetype::NightlyBatch, mix.nightly_batch),
            (Archetype::Flat, mix.flat),
            (Archetype::Bursty, mix.bursty),
        ];
        let total: f64 = weights.iter().map(|(_, weight)| weight.max(0.0)).sum();
        let mut left = position * total;
        for (archetype, weight) in weights {
            left -= weight.max(0.0);
            if left < 0.0 {
                return archetype;
            }
        }
        Archetype::Flat
    }

    #[expect(clippy::type_complexity, reason = "two lists of the same kind, taken apart at once")]
    fn churn(
        &self,
        draw: &mut Draw,
        names: &[&WorkloadId],
    ) -> (Vec<(Timestamp, WorkloadId)>, Vec<(Timestamp, WorkloadId)>) {
        let (mut arrivals, mut departures) = (Vec::new(), Vec::new());
        for name in names {
            let (appears, leaves) = (draw.instant(), draw.instant());
            let arrives = draw.random.random::<f64>() < self.arriving;
            if arrives {
                arrivals.push((appears, (*name).clone()));
            }
            let departs = draw.random.random::<f64>() < self.departing;
            if departs && (!arrives || leaves > appears) {
                departures.push((leaves, (*name).clone()));
            }
        }
        (arrivals, departures)
    }
}

fn step_count_per_day(step: Step) -> f64 {
    step.per_day() as f64
}

/// Puts events in order of beginning and numbers them.
fn in_order(events: &mut [Event]) {
    events.sort_by(|a, b| (a.window.begins, &a.id).cmp(&(b.window.begins, &b.id)));
    for (number, event) in events.iter_mut().enumerate() {
        let word = if event.kind == EventKind::News { "news" } else { "campaign" };
        event.id = format!("{word}-{:03}", number + 1).into();
    }
}

fn event(kind: EventKind, window: Window, group: &[&WorkloadId], factor: f64) -> Event {
    Event {
        id: String::new().into(),
        kind,
        window,
        concerns: Selector::names(group.iter().map(|id| id.as_str())),
        expected_lift: (kind == EventKind::Campaign).then_some(factor),
    }
}

struct Draw {
    random: ChaCha8Rng,
    start: Timestamp,
    days: u32,
}

impl Draw {
    fn between(&mut self, (low, high): (f64, f64)) -> f64 {
        low + (high - low) * self.random.random::<f64>()
    }

    /// A whole number whose mean is `mean`.
    fn count(&mut self, mean: f64) -> usize {
        (mean.max(0.0) + self.random.random::<f64>()).floor() as usize
    }

    /// A full minute within the days.
    fn instant(&mut self) -> Timestamp {
        let minutes = i64::from(self.days.max(1)) * 24 * 60;
        self.start + Span::from_minutes(self.random.random_range(0..minutes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use weft_core::fleet::{Mobility, Storage};
    use weft_core::resource::Amounts;

    fn workloads(count: usize) -> Workloads {
        let workload = |number: usize| Workload {
            id: format!("w{number:03}").into(),
            vcpus: 2,
            vcpu_speed_millicores: 1_000,
            allocated: Amounts::ZERO.with(Resource::Memory, 1 << 30),
            priority: 0,
            downtime_weight: 1.0,
            dirty_rate_bytes_per_second: 0,
            storage: Storage::Shared,
            mobility: Mobility::default(),
            tags: std::collections::BTreeSet::new(),
        };
        (0..count).map(workload).map(|w| (w.id.clone(), Arc::new(w))).collect()
    }

    /// 2026-01-05, a Monday.
    const MONDAY: i64 = 1_767_571_200;

    fn generate(spec: &GeneratorSpec, seed: u64) -> Generated {
        let start = Timestamp::from_seconds(MONDAY);
        spec.generate(seed, &workloads(30), start, Step::FIVE_MINUTES, 28)
    }

    fn week(generated: &Generated, name: &str) -> Vec<f32> {
        let series = generated.generator.series(&name.into(), Resource::Cpu).expect("it is made");
        (0..7).flat_map(|day| series.day(day)).collect()
    }

    fn mean(values: &[f32]) -> f64 {
        values.iter().map(|v| f64::from(*v)).sum::<f64>() / values.len() as f64
    }

    #[test]
    fn a_seed_is_a_fleet() {
        let spec = GeneratorSpec::default();
        let (one, same, other) = (generate(&spec, 1), generate(&spec, 1), generate(&spec, 2));
        assert_eq!(week(&one, "w003"), week(&same, "w003"));
        assert_ne!(week(&one, "w003"), week(&other, "w003"));
        assert_eq!(one.events, same.events);
        assert!(!one.events.is_empty());
    }

    #[test]
    fn shapes_have_their_hours() {
        let only = |mix: Mix| GeneratorSpec {
            mix,
            noise: (0.0, 0.0),
            bursts_per_day: 0.0,
            shocks_per_week: 0.0,
            campaigns_per_week: 0.0,
            news_per_week: 0.0,
            ..GeneratorSpec::default()
        };
        let none =
            Mix { office_hours: 0.0, evening_web: 0.0, nightly_batch: 0.0, flat: 0.0, bursty: 0.0 };
        let check = |mix: Mix, busy_hour: usize, idle_hour: usize| {
            let values = week(&generate(&only(mix), 5), "w000");
            let at = |hour: usize| values[hour * 12 + 6];
            assert!(at(busy_hour) > 2.0 * at(idle_hour), "{mix:?}");
        };
        check(Mix { office_hours: 1.0, ..none }, 12, 3);
        check(Mix { office_hours: 1.0, ..none }, 12, 5 * 24 + 12);
        check(Mix { evening_web: 1.0, ..none }, 20, 5);
        check(Mix { nightly_batch: 1.0, ..none }, 2, 14);
    }

    #[test]
    fn a_campaign_lifts_its_group_only() {
        let quiet = GeneratorSpec {
            shocks_per_week: 0.0,
            news_per_week: 0.0,
            campaigns_per_week: 0.25,
            campaign_lift: (3.0, 3.0),
            ..GeneratorSpec::default()
        };
        let lifted = generate(&quiet, 9);
        let plain = generate(&GeneratorSpec { campaign_lift: (1.0, 1.0), ..quiet }, 9);
        let [event] = lifted.events.as_slice() else { panic!("one campaign in four weeks") };
        let length = (event.window.ends - event.window.begins).as_seconds_f64();
        let begin = event.window.begins - Timestamp::from_seconds(MONDAY);
        let middle = begin + Span::from_seconds_f64(length / 2.0);
        let index = middle.whole_steps(Step::FIVE_MINUTES);
        let ratio = |name: &str| {
            let value = |generated: &Generated| {
                let series = generated.generator.series(&name.into(), Resource::Cpu);
                series.expect("it is made").day(index / 288)[index % 288]
            };
            value(&lifted) / value(&plain)
        };
        for name in workloads(30).keys() {
            let is_concerned = event.concerns.names.contains(name.as_str());
            let found = ratio(name.as_str());
            assert!(if is_concerned { found > 1.2 } else { found == 1.0 }, "{name}: {found}");
        }
    }

    #[test]
    fn noise_and_level_are_as_specified() {
        let spec = GeneratorSpec {
            mix: Mix {
                flat: 1.0,
                office_hours: 0.0,
                evening_web: 0.0,
                nightly_batch: 0.0,
                bursty: 0.0,
            },
            mean_use: (0.4, 0.4),
            noise: (0.1, 0.1),
            trend_per_week: (0.0, 0.0),
            bursts_per_day: 0.0,
            shocks_per_week: 0.0,
            campaigns_per_week: 0.0,
            news_per_week: 0.0,
            ..GeneratorSpec::default()
        };
        let values = week(&generate(&spec, 3), "w010");
        let level = mean(&values);
        let squares: Vec<f32> = values.iter().map(|v| (v - level as f32).powi(2)).collect();
        let products: Vec<f32> =
            values.windows(2).map(|p| (p[0] - level as f32) * (p[1] - level as f32)).collect();
        assert!((level - 800.0).abs() < 25.0, "{level}");
        assert!((mean(&squares).sqrt() / 80.0 - 1.0).abs() < 0.15, "{}", mean(&squares).sqrt());
        assert!((mean(&products) / mean(&squares) - 0.8).abs() < 0.08, "the noise has a memory");
    }

    #[test]
    fn who_leaves_was_there() {
        let spec = GeneratorSpec { arriving: 0.5, departing: 0.5, ..GeneratorSpec::default() };
        let made = generate(&spec, 4);
        assert!(!made.arrivals.is_empty() && !made.departures.is_empty());
        for (leaves, name) in &made.departures {
            assert!(made.arrivals.iter().all(|(at, who)| who != name || at < leaves));
        }
    }
}
