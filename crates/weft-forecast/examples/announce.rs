//! What it costs that the control loop is told of events: processor seconds to tell a bank of 10,000 generated series with four weeks
//! of samples of a daily event and of campaigns that concern all of them, at first and once an hour after. It prints; it must never be a
//! condition of a test, since it measures the machine too.
//!
//! `cargo run --release -p weft-forecast --example announce`

use process::{cpu_seconds, print};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use weft_core::event::{Event, EventKind, Occurrence};
use weft_core::policy::{Selector, Window};
use weft_core::resource::{Resource, SeriesKey};
use weft_core::scenario::Buckets;
use weft_core::series::{Sample, Series};
use weft_core::time::{Span, Step, Timestamp};
use weft_forecast::bank::{Announcement, Bank, BankConfig, Concerned};

#[path = "measured/process.rs"]
mod process;

const SERIES: usize = 10_000;
const DAY: usize = 288;
const DAYS: i64 = 28;
const CAMPAIGNS: i64 = 12;

fn demand(noise: &mut ChaCha8Rng, step: usize) -> f32 {
    let chance = (noise.next_u64() >> 40) as f32 / (1_u32 << 24) as f32;
    let angle = (step % DAY) as f32 / DAY as f32 * std::f32::consts::TAU;
    // The daily event doubles demand for an hour.
    let lift = if (100..112).contains(&(step % DAY)) { 2.0 } else { 1.0 };
    lift * (1_000.0 + 400.0 * angle.sin() + 300.0 * chance)
}

fn announcements() -> Vec<Announcement> {
    let start = Timestamp::default();
    let announcement = |(id, kind, begins, hours): (String, EventKind, Span, i64)| {
        let begins = start + begins;
        let event = Event {
            id: id.into(),
            kind,
            window: Window { begins, ends: begins + Span::from_hours(hours) },
            concerns: Selector::default(),
            expected_lift: None,
        };
        Announcement { occurrence: Occurrence::from(event), concerned: Concerned::All }
    };
    let offset = Span::from_minutes(500);
    let daily = (0..=DAYS)
        .map(|day| ("backup".to_owned(), EventKind::Calendar, Span::from_days(day) + offset, 1));
    let campaigns = (0..CAMPAIGNS).map(|number| {
        let begins = Span::from_days(2 * number) + Span::from_hours(number);
        (format!("campaign-{number}"), EventKind::Campaign, begins, 3)
    });
    daily.chain(campaigns).map(announcement).collect()
}

fn main() {
    let step = Step::FIVE_MINUTES;
    let mut noise = ChaCha8Rng::seed_from_u64(1);
    let steps = DAYS as usize * DAY;
    let pasts: Vec<(SeriesKey, f32, Series)> = (0..SERIES)
        .map(|index| {
            let key = SeriesKey::resource(format!("vm-{index:05}").into(), Resource::Cpu);
            let values = (0..steps).map(|step| Some(demand(&mut noise, step)));
            (key, 8_000.0, Series::from_values(Timestamp::default(), step, values))
        })
        .collect();
    let keys: Vec<SeriesKey> = pasts.iter().map(|(key, ..)| key.clone()).collect();
    let mut bank = Bank::new(BankConfig::new(step, Buckets::covering(72)));
    let spent = |what: &str, act: &mut dyn FnMut()| {
        let before = cpu_seconds();
        act();
        print(&format!("{SERIES} series: {:.1} CPU seconds {what}", cpu_seconds() - before));
    };
    let mut pasts = Some(pasts);
    spent("to learn four weeks", &mut || {
        bank.insert_histories(pasts.take().expect("the pasts are learned only once"), DAY);
    });
    spent("to be told of the events at first", &mut || bank.announce(announcements()));
    for hour in 1..=3 {
        for number in (hour - 1) * DAY / 24..hour * DAY / 24 {
            let at = Timestamp::default() + step.span() * (steps + number) as i64;
            let sample = |key: &SeriesKey| {
                let value = demand(&mut noise, steps + number);
                Sample { key: key.clone(), at, value, censored: false }
            };
            let samples: Vec<Sample> = keys.iter().map(sample).collect();
            bank.observe(at, &samples, &[]);
        }
        spent("to be told again an hour later", &mut || bank.announce(announcements()));
    }
}
