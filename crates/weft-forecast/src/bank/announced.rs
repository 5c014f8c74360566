//! The events that a bank was told of, and what is learned of them from its histories: how often and how much each kind
//! lifted demand of flowing resources, by resource. What is held (memory, disk space) is not lifted: what an author expects
//! of a campaign is said of traffic. It must not learn from a sample after the origin.

use std::borrow::Cow;
use std::collections::BTreeSet;

use weft_core::book;
use weft_core::event::Occurrence;
use weft_core::id::WorkloadId;
use weft_core::resource::{Measure, Resource, SeriesKey};
use weft_core::series::Series;
use weft_core::time::{Span, Timestamp};

use crate::batch::event_lift;
use crate::effects::{Announced, Concern, Effects, Provenance, SeriesEffects};

/// Effects reach a little beyond their windows.
const MARGIN: Span = Span::from_days(1);

/// Whom an event concerns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Concerned {
    /// Every workload, those of the future too.
    All,
    /// These.
    Workloads(BTreeSet<WorkloadId>),
}

/// An event that a bank is told of.
#[derive(Debug, Clone, PartialEq)]
pub struct Announcement {
    /// The event.
    pub occurrence: Occurrence,
    /// Whom it concerns.
    pub concerned: Concerned,
}

impl Announcement {
    fn is_near(&self, begin: Timestamp, until: Timestamp) -> bool {
        let window = self.occurrence.event.window;
        window.begins < until + MARGIN && window.ends > begin - MARGIN
    }

    fn concerns(&self, key: &SeriesKey) -> bool {
        matches!(&key.measure, Measure::Resource(resource) if Resource::FLOWING.contains(resource))
            && match &self.concerned {
                Concerned::All => true,
                Concerned::Workloads(workloads) => workloads.contains(&key.workload),
            }
    }
}

/// What was told, and the events that effects were last learned of, with their kinds.
#[derive(Debug, Clone, Default)]
pub(super) struct Events {
    pub(super) announcements: Vec<Announcement>,
    known: Vec<(Occurrence, String)>,
}

impl Events {
    /// Whether any event of that time concerns the series.
    pub(super) fn concerns(&self, key: &SeriesKey, begin: Timestamp, until: Timestamp) -> bool {
        let mut near = self.announcements.iter().filter(|event| event.is_near(begin, until));
        near.any(|announcement| announcement.concerns(key))
    }

    /// The effects on each of the series `keys`, whose pasts begin at `begin` at the earliest and are made one by one by `past`,
    /// of the events that these or the time up to `until` know.
    pub(super) fn learn<'a>(
        &mut self,
        keys: &[SeriesKey],
        past: impl Fn(usize) -> Cow<'a, Series> + Sync,
        season: usize,
        (begin, origin, until): (Timestamp, Timestamp, Timestamp),
    ) -> Vec<SeriesEffects> {
        let near: Vec<&Announcement> =
            self.announcements.iter().filter(|event| event.is_near(begin, until)).collect();
        let occurrences: Vec<Occurrence> =
            near.iter().map(|announcement| announcement.occurrence.clone()).collect();
        let concern = |key: &SeriesKey| {
            let events = (0..near.len()).filter(|event| near[*event].concerns(key)).collect();
            Concern { events, phase: Span::from_millis(0) }
        };
        let concerns: Vec<Concern> = keys.iter().map(concern).collect();
        let clusters: Vec<u32> = keys.iter().map(cluster).collect();
        let announced = Announced {
            occurrences: &occurrences,
            concerns: &concerns,
            clusters: &clusters,
            origin,
        };
        let effects = Effects::learn_one_by_one(past, season, &announced);
        let kind =
            |occurrence: &Occurrence| effects.kind_of(occurrence).unwrap_or_default().to_owned();
        let kinds: Vec<String> = occurrences.iter().map(kind).collect();
        self.known = occurrences.into_iter().zip(kinds).collect();
        effects.into_series()
    }

    /// The events that lift the steps from `first` on, over a path of usual demand.
    pub(super) fn lifts(
        &self,
        (effects, first): (&SeriesEffects, usize),
        path: &[f32],
    ) -> Vec<book::EventLift> {
        let usual: Vec<f64> = path.iter().map(|value| f64::from(*value)).collect();
        let parts = effects.parts(first, path.len()).into_iter();
        let lift = |(provenance, lifts): (Provenance, Vec<_>)| {
            let (occurrence, kind) = self.known.get(provenance.event)?;
            let lift = event_lift(provenance, kind.clone(), &lifts, &usual);
            Some(book::EventLift {
                event: occurrence.event.id.clone(),
                kind: lift.kind,
                factor: lift.factor,
                low: lift.low,
                high: lift.high,
                source: provenance.source.as_str().to_owned(),
                learned_from: provenance.learned_from,
            })
        };
        parts.filter_map(lift).collect()
    }
}

/// Series of one resource are alike.
fn cluster(key: &SeriesKey) -> u32 {
    match &key.measure {
        Measure::Resource(resource) => resource.position() as u32,
        Measure::Application(_) => u32::MAX,
    }
}

#[cfg(test)]
mod tests;
