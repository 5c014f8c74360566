//! The fleet of the demo: a shop with its billing, office, reports and builds in three regions, each
//! region on its own clock: 60 hosts, 402 workloads. On every day some hosts run short at foreseeable
//! hours while the fleet has room. With it, its history before the demo begins.

mod occasions;
mod systems;

use std::collections::BTreeMap;
use std::sync::Arc;

use weft_core::fleet::{Workload, Workloads};
use weft_core::id::{Tag, WorkloadId};
use weft_core::policy::{Domain, Rule, Selector};
use weft_core::resource::{Resource, SeriesKey};
use weft_core::series::Series;
use weft_core::time::{Span, Step, Timestamp};

use super::shape::Profile;
use super::three_regions::{MadeFleet, Member, REGIONS, members, pack, tagged, topology};
use super::{Archetype, Generated, Generator, GeneratorSpec, Mix, in_order};
use systems::{DEMANDS, Demand, KINDS};

/// Fast, plain and slow hosts of a region.
const HOST_COUNTS: [usize; 3] = [5, 10, 5];

/// The days of demand that are made before the demo begins.
const DAYS_BEFORE: u32 = 28;

/// How many hours after UTC a region lives: its peaks come so much later.
const HOURS_BEHIND: [(&str, f64); REGIONS.len()] = [("ap", -8.0), ("eu", -1.0), ("us", 6.0)];

/// The past of one series.
#[derive(Debug, Clone)]
pub struct History {
    /// Whose.
    pub key: SeriesKey,
    /// The most it can demand; infinite where nothing caps it.
    pub cap: f32,
    /// Its samples until the demo begins.
    pub series: Series,
}

/// The demo's fleet from `seed`: it begins at `start`, with demand for `days` days and four weeks of
/// demand before.
pub fn demo_fleet(seed: u64, start: Timestamp, days: u32) -> MadeFleet {
    let step = Step::FIVE_MINUTES;
    let topology = Arc::new(topology(HOST_COUNTS));
    // Bought in rounds of one of each kind, and put where there was memory.
    let mut named: Vec<(Member, WorkloadId)> = members(&KINDS).map(|m| (m, name(&m))).collect();
    named.sort_by_key(|(member, _)| (member.region, member.number));
    let workload =
        |(member, id): &(Member, WorkloadId)| (id.clone(), Arc::new(workload(member, id.clone())));
    let workloads: Workloads = named.iter().map(workload).collect();
    let before = start - Span::from_days(i64::from(DAYS_BEFORE));
    let mut generated = generate(seed, &workloads, before, step, DAYS_BEFORE + days);
    generated.generator = generated.generator.from_day(DAYS_BEFORE as usize);
    let placement = pack(&topology, named.into_iter(), &workloads);
    MadeFleet { topology, workloads, placement, generated, rules: rules(), start, step }
}

/// Numbers go on from region to region, since workloads may change it.
fn name(member: &Member) -> WorkloadId {
    let position = REGIONS.iter().position(|(region, _)| *region == member.region);
    let number = position.unwrap_or_default() * member.kind.count + member.number;
    format!("{}-{number:02}", member.kind.name).into()
}

/// Besides the labels of its kind it has one of what it belongs to: `shop`, `billing`, `office`.
fn workload(member: &Member, id: WorkloadId) -> Workload {
    let mut workload = member.workload(id);
    workload.tags.extend(member.kind.name.split('-').next().map(Tag::from));
    workload
}

/// The demand of all: every kind in every region is a group of its own, whose members peak together.
fn generate(
    seed: u64,
    workloads: &Workloads,
    start: Timestamp,
    step: Step,
    days: u32,
) -> Generated {
    let mut profiles: BTreeMap<WorkloadId, Profile> = BTreeMap::new();
    let (mut events, mut announced_events) = (Vec::new(), Vec::new());
    let mut seeds = (1_u64..).map(|group| seed.wrapping_add(group << 32));
    for (region, hours_behind) in HOURS_BEHIND {
        for (kind, demand) in KINDS.iter().zip(&DEMANDS) {
            let group = tagged(&format!("{region}-{}", kind.name));
            let members = workloads.iter().filter(|(_, w)| group.selects_workload(w));
            let members: Workloads = members.map(|(id, w)| (id.clone(), w.clone())).collect();
            let group_seed = seeds.next().unwrap_or(seed);
            let made = spec(demand).generate(group_seed, &members, start, step, days);
            let announced = occasions::of(kind.name, (region, hours_behind), start, days);
            profiles.extend(made.generator.profiles.iter().map(|(id, profile)| {
                let shift_hours = profile.shift_hours + hours_behind;
                let lifts = profile.lifts.iter().chain(&announced.lifts).copied().collect();
                (id.clone(), Profile { shift_hours, lifts, ..profile.clone() })
            }));
            events.extend(made.events);
            announced_events.extend(announced.events);
        }
    }
    in_order(&mut events);
    events.extend(announced_events);
    events.sort_by_key(|event| event.window.begins);
    let generator = Generator { profiles: Arc::new(profiles), skipped_days: 0 };
    Generated { generator, events, arrivals: Vec::new(), departures: Vec::new() }
}

/// Shocks that nobody announced are as frequent as in the company of three regions: three a week.
fn spec(demand: &Demand) -> GeneratorSpec {
    let groups = (REGIONS.len() * KINDS.len()) as f64;
    GeneratorSpec {
        mix: only(demand.archetype),
        mean_use: demand.mean_use,
        group_size: usize::MAX,
        shocks_per_week: 3.0 / groups,
        campaigns_per_week: demand.events_per_week,
        news_per_week: demand.events_per_week / 2.0,
        ..GeneratorSpec::default()
    }
}

fn only(archetype: Archetype) -> Mix {
    let share = |of: Archetype| f64::from(u8::from(of == archetype));
    Mix {
        office_hours: share(Archetype::OfficeHours),
        evening_web: share(Archetype::EveningWeb),
        nightly_batch: share(Archetype::NightlyBatch),
        flat: share(Archetype::Flat),
        bursty: share(Archetype::Bursty),
    }
}

/// What the company's placements must keep.
fn rules() -> Vec<Rule> {
    let databases = || Selector {
        tags: ["shop-db", "billing-db"].map(Tag::from).into(),
        ..Selector::default()
    };
    let mut rules = vec![
        Rule::Pin { workloads: tagged("erp-legacy"), hosts: tagged("licensed") },
        Rule::Exclude { workloads: databases(), hosts: tagged("slow") },
        Rule::Residency { workloads: tagged("eu-billing-db"), regions: ["eu".into()].into() },
        Rule::Immovable { workloads: Selector::names(["erp-legacy-01"]) },
    ];
    for (region, _) in REGIONS {
        rules.extend(KINDS.iter().filter(|kind| kind.name.ends_with("-db")).flat_map(|kind| {
            (1..=kind.count / 2).map(move |number| Rule::AntiAffinity {
                workloads: tagged(&format!("{region}-{}-pair-{number}", kind.name)),
                domain: Domain::Host,
            })
        }));
        rules.push(Rule::Spread {
            workloads: tagged(&format!("{region}-search-api")),
            domain: Domain::Zone,
            minimum: 2,
        });
        rules.push(Rule::Affinity {
            workloads: tagged(&format!("{region}-shop-cache")),
            domain: Domain::Region,
        });
    }
    rules
}

/// The last `length` (at most 28 days) before a demo's fleet begins, as a monitor would have seen it:
/// processor use is at most what the vCPUs can give, and marked as censored there. One resource of all
/// workloads after another, made as they are taken.
pub fn history(fleet: &MadeFleet, length: Span) -> impl Iterator<Item = History> + '_ {
    let per_day = fleet.step.per_day();
    let all = DAYS_BEFORE as usize * per_day;
    let skipped = all.saturating_sub(length.whole_steps(fleet.step));
    let begins = fleet.start - fleet.step.span() * (all - skipped) as i64;
    let generator = fleet.generated.generator.before(DAYS_BEFORE as usize);
    let of_all = |resource| fleet.workloads.values().map(move |workload| (resource, workload));
    Resource::ALL.into_iter().flat_map(of_all).filter_map(move |(resource, workload)| {
        let shape = generator.series(&workload.id, resource)?;
        let cap = match resource {
            Resource::Cpu => workload.cpu_millicores() as f32,
            _ => f32::INFINITY,
        };
        let mut series = Series::new(begins, fleet.step);
        let days = skipped / per_day..DAYS_BEFORE as usize;
        let values = days.flat_map(|day| shape.day(day)).skip(skipped % per_day);
        values.for_each(|value| series.push(Some(value.min(cap)), value > cap));
        let key = SeriesKey::resource(workload.id.clone(), resource);
        Some(History { key, cap, series })
    })
}
