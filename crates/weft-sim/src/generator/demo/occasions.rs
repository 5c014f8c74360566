//! What the demo's company announces again and again: a happy hour and the close of the books on every
//! working day, which forecasters that know days have learned, and a sale once a week. Each lifts the
//! demand of one kind of workload in one region, and is an event.

use weft_core::event::{Event, EventKind};
use weft_core::policy::Window;
use weft_core::time::{Span, Timestamp};

use super::super::shape::Lift;
use super::super::three_regions::tagged;

/// Something that comes again at the same hours.
struct Occasion {
    name: &'static str,
    kind: EventKind,
    /// The kind of workload that it lifts, and where.
    concerns: &'static str,
    region: &'static str,
    /// Full hours of the region's own clock.
    hours: (f64, f64),
    /// Days of the week, Monday first.
    days: [bool; 7],
    lift: f64,
}

const WORKING_DAYS: [bool; 7] = [true, true, true, true, true, false, false];
const THURSDAYS: [bool; 7] = [false, false, false, true, false, false, false];

/// What comes once a week lifts little: no forecast knows it in advance.
const OCCASIONS: [Occasion; 3] = [
    Occasion {
        name: "close-of-books",
        kind: EventKind::Calendar,
        concerns: "billing-app",
        region: "eu",
        hours: (16.0, 18.0),
        days: WORKING_DAYS,
        lift: 1.3,
    },
    Occasion {
        name: "happy-hour",
        kind: EventKind::Campaign,
        concerns: "shop-web",
        region: "us",
        hours: (20.0, 22.0),
        days: WORKING_DAYS,
        lift: 1.2,
    },
    Occasion {
        name: "thursday-sale",
        kind: EventKind::Campaign,
        concerns: "search-api",
        region: "ap",
        hours: (18.0, 22.0),
        days: THURSDAYS,
        lift: 1.15,
    },
];

/// What is announced for one kind of workload in one region.
#[derive(Debug, Default)]
pub(super) struct Announced {
    pub(super) lifts: Vec<Lift>,
    pub(super) events: Vec<Event>,
}

/// All that is announced for the workloads of this kind in a region so many hours behind UTC, on
/// `days` days from `start` on.
pub(super) fn of(
    kind: &str,
    (region, hours_behind): (&str, f64),
    start: Timestamp,
    days: u32,
) -> Announced {
    let mut announced = Announced::default();
    let is_here = |occasion: &&Occasion| (occasion.concerns, occasion.region) == (kind, region);
    let first = start.as_millis().div_euclid(Span::from_days(1).as_millis());
    for occasion in OCCASIONS.iter().filter(is_here) {
        // The epoch was a Thursday.
        let is_meant = |day: &i64| occasion.days[(day + 3).rem_euclid(7) as usize];
        for day in (first..first + i64::from(days)).filter(is_meant) {
            let window = occasion.window(Timestamp::default() + Span::from_days(day), hours_behind);
            announced.lifts.push(Lift::new(window, occasion.lift, start));
            announced.events.push(Event {
                id: format!("{}-{}", occasion.name, day - first + 1).into(),
                kind: occasion.kind,
                window,
                concerns: tagged(&format!("{region}-{kind}")),
                expected_lift: Some(occasion.lift),
            });
        }
    }
    announced
}

impl Occasion {
    fn window(&self, midnight: Timestamp, hours_behind: f64) -> Window {
        let at = |hour: f64| midnight + Span::from_seconds_f64((hour + hours_behind) * 3_600.0);
        Window { begins: at(self.hours.0), ends: at(self.hours.1) }
    }
}
