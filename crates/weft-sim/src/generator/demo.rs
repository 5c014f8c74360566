//! The fleet of the demo: the made-up company with 60 hosts and 402 workloads, and its history before
//! the demo begins. Some hosts run short every day at different times, while the fleet has room.

use weft_core::resource::{Resource, SeriesKey};
use weft_core::series::Series;
use weft_core::time::{Span, Timestamp};

use super::GeneratorSpec;
use super::three_regions::{MadeFleet, Size, company, company_spec};

const SIZE: Size = Size { hosts: [5, 10, 5], workloads: [10, 5, 16, 10, 20, 16, 57] };

/// The days of demand that are made before the demo begins.
const DAYS_BEFORE: u32 = 28;

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
    let before = start - Span::from_days(i64::from(DAYS_BEFORE));
    // Regular enough that most of a day can be foreseen, with an unforeseen peak now and then.
    let spec = GeneratorSpec {
        mean_use: (0.12, 0.38),
        noise: (0.02, 0.07),
        bursts_per_day: 0.1,
        burst_height: (0.1, 0.3),
        shocks_per_week: 0.5,
        shock_lift: (1.2, 1.5),
        ..company_spec()
    };
    let mut fleet = company(&SIZE, &spec, seed, before, DAYS_BEFORE + days);
    fleet.generated.generator = fleet.generated.generator.from_day(DAYS_BEFORE as usize);
    fleet.start = start;
    fleet
}

/// The last `days` days (at most 28) before a demo's fleet begins, as a monitor would have seen them:
/// processor use is at most what the vCPUs can give, and marked as censored there.
pub fn history(fleet: &MadeFleet, days: u32) -> Vec<History> {
    let days = days.min(DAYS_BEFORE);
    let skipped = DAYS_BEFORE - days;
    let begins = fleet.start - Span::from_days(i64::from(days));
    let generator = fleet.generated.generator.before(DAYS_BEFORE as usize);
    let mut past = Vec::new();
    for workload in fleet.workloads.values() {
        for resource in Resource::ALL {
            let Some(shape) = generator.series(&workload.id, resource) else { continue };
            let cap = match resource {
                Resource::Cpu => workload.cpu_millicores() as f32,
                _ => f32::INFINITY,
            };
            let mut series = Series::new(begins, fleet.step);
            for day in skipped..DAYS_BEFORE {
                for value in shape.day(day as usize) {
                    series.push(Some(value.min(cap)), value > cap);
                }
            }
            let key = SeriesKey::resource(workload.id.clone(), resource);
            past.push(History { key, cap, series });
        }
    }
    past
}
