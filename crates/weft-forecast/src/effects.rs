//! What events do to demand: the effect of each kind of event on each series is learned from past occurrences, shrunk,
//! and put onto forecasts of whatever method. It must never learn from a sample or an event that was not known at the
//! origin.
//!
//! Usual demand u(t) of a series comes from its times of day and days of the week without events and its level beside
//! an event (see `usual`). An event e of kind k lifts it by one of two forms, whichever says better what came:
//!
//! ```text
//! y(t) = u(t)·exp(ε)     or     y(t) = u(t) + s·ε          ε = a_e · c_k(phase of t) · g_e(t)
//! g_e(t) = strength of e, by its expected lift · share of the step in its window · exp(−time since its begin / decay)
//! a_e ~ N(a_series, τ₁²)   a_series ~ N(a_cluster, τ₂²)   a_cluster ~ N(a_kind, τ₃²)   a_kind ~ N(a, τ₄²)
//! ```
//!
//! with the series' mean s. What is observed of each a_e is as uncertain as the same reckoning is where there was no
//! event; the τ are moment estimates (DerSimonian & Laird 1986, equation 8), and the beliefs are those of normal
//! shrinkage (Lindley & Smith 1972; Efron & Morris 1975). Learning is rare; [`SeriesEffects::at`] costs a scan over a
//! series' events.

use std::borrow::Cow;

use rayon::iter::{IndexedParallelIterator, IntoParallelRefIterator, ParallelIterator};
use weft_core::event::Occurrence;
use weft_core::series::Series;
use weft_core::time::{Span, Step, Timestamp};

use course::Course;
use kind::Kind;
use learning::Learned;
use place::{Place, Placement};
use scene::Scene;
use shrinkage::Belief;

mod course;
mod kind;
mod learning;
mod lift;
mod place;
mod scene;
mod shrinkage;
mod usual;

pub use kind::{plain_name, word};
pub use lift::Lift;
pub use shrinkage::LiftSource;

/// Which events concern a series.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Concern {
    /// Positions among the occurrences, each once.
    pub events: Vec<usize>,
    /// How much later its samples were taken than the grid of its step says.
    pub phase: Span,
}

/// What is told of events before a forecast.
#[derive(Debug, Clone, Copy)]
pub struct Announced<'a> {
    /// All events, past and to come.
    pub occurrences: &'a [Occurrence],
    /// One for each series of the panel.
    pub concerns: &'a [Concern],
    /// The cluster of each series; one for all where it is empty.
    pub clusters: &'a [u32],
    /// Samples from here on, and events that become known later, are not looked at.
    pub origin: Timestamp,
}

/// The effects that were learned of a panel.
#[derive(Debug, Clone)]
pub struct Effects {
    kinds: Vec<(Kind, Learned)>,
    series: Vec<SeriesEffects>,
}

/// How events lift one series.
#[derive(Debug, Clone)]
pub struct SeriesEffects {
    grid: Grid,
    /// Mean usual demand, the unit of what is added; zero for a series that takes no lift.
    scale: f64,
    /// By time of day: whether an event was there whenever there was a sample. A model takes such a lift for the
    /// season.
    hidden: Vec<bool>,
    events: Vec<Foreseen>,
}

/// The steps of a series.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Grid {
    /// When the first sample was taken.
    start: Timestamp,
    step: Step,
    season: usize,
    /// Steps before the origin.
    length: usize,
}

/// One event as a series takes it.
#[derive(Debug, Clone)]
struct Foreseen {
    event: usize,
    placement: Placement,
    strength: f64,
    amplitude: Belief,
    course: Course,
    source: LiftSource,
    learned_from: usize,
}

/// Where a lift comes from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Provenance {
    /// Position among the occurrences.
    pub event: usize,
    /// What most of it was learned from.
    pub source: LiftSource,
    /// How many past occurrences that were; an event that went on over several series counts for each.
    pub learned_from: usize,
}

impl Effects {
    /// Learns from `panel`, whose series have so many steps a day. `announced` must have a concern for each series.
    pub fn learn(panel: &[Series], season: usize, announced: &Announced<'_>) -> Self {
        assert_eq!(panel.len(), announced.concerns.len(), "a concern for each series");
        Self::learn_one_by_one(|index| Cow::Borrowed(&panel[index]), season, announced)
    }

    /// As [`Self::learn`], of series that are made as they are needed, and of which few are held at a time: `series` gives the
    /// one at a position among the concerns.
    pub(crate) fn learn_one_by_one<'a>(
        series: impl Fn(usize) -> Cow<'a, Series> + Sync,
        season: usize,
        announced: &Announced<'_>,
    ) -> Self {
        let kinds = kind::kinds(announced.occurrences);
        let scene = |(index, concern): (usize, &Concern)| {
            Scene::new(&series(index), concern, season.max(1), announced, &kinds)
        };
        let scenes: Vec<Scene> = announced.concerns.par_iter().enumerate().map(scene).collect();
        let clusters = |index: usize| announced.clusters.get(index).copied().unwrap_or_default();
        let clusters: Vec<u32> = (0..scenes.len()).map(clusters).collect();
        let learned = learning::learn(&scenes, &kinds, &clusters, announced.occurrences);
        let foresee = |(index, scene): (usize, &Scene)| {
            scene.foresee(index, clusters[index], announced.occurrences, &kinds, &learned)
        };
        let series = scenes.par_iter().enumerate().map(foresee).collect();
        Self { kinds: kinds.into_iter().zip(learned).collect(), series }
    }

    /// The effects on series `index` of the panel.
    pub fn of(&self, index: usize) -> &SeriesEffects {
        &self.series[index]
    }

    /// The effects on each series of the panel.
    pub(crate) fn into_series(self) -> Vec<SeriesEffects> {
        self.series
    }

    /// What the kind of `occurrence` is called; `None` where nothing like it was among the events.
    pub fn kind_of(&self, occurrence: &Occurrence) -> Option<&str> {
        let found = kind::find(&self.kinds.iter().map(|(kind, _)| kind), occurrence)?;
        Some(&self.kinds[found].0.name)
    }
}

impl SeriesEffects {
    /// Whether no event lifts any step at all.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// The lift of the step that holds the sample of `at`.
    pub fn at(&self, at: Timestamp) -> Lift {
        let index = self.grid.index(at);
        let mut lift = Lift::none(self.scale);
        if !self.is_hidden(index) {
            self.events.iter().for_each(|event| event.add(index, &mut lift));
        }
        lift
    }

    /// The step that holds the sample of `at`, counted from the first sample of the series; the first for what came before.
    pub(crate) fn index(&self, at: Timestamp) -> usize {
        self.grid.index(at).max(0) as usize
    }

    /// The lifts of `count` steps from that of `at` on.
    pub(crate) fn from(&self, at: Timestamp, count: usize) -> Vec<Lift> {
        self.over(self.index(at), count)
    }

    /// The lifts of `count` steps from `first` on, counted from the first sample of the series.
    pub fn over(&self, first: usize, count: usize) -> Vec<Lift> {
        let mut lifts = vec![Lift::none(self.scale); count];
        for event in &self.events {
            self.ahead(event, first, count)
                .for_each(|(ahead, index)| event.add(index, &mut lifts[ahead]));
        }
        lifts
    }

    /// The events in whose windows any of those steps lies, each by itself, with its lift of each step inside.
    pub fn parts(&self, first: usize, count: usize) -> Vec<(Provenance, Vec<Option<Lift>>)> {
        let part = |event: &Foreseen| {
            let mut lifts = vec![None; count];
            for (ahead, index) in self.ahead(event, first, count) {
                let is_inside = event.placement.at(index).is_some_and(Place::is_inside);
                if is_inside {
                    let mut lift = Lift::none(self.scale);
                    event.add(index, &mut lift);
                    lifts[ahead] = Some(lift);
                }
            }
            let Foreseen { event, source, learned_from, .. } = *event;
            let is_any = lifts.iter().any(Option::is_some);
            is_any.then_some((Provenance { event, source, learned_from }, lifts))
        };
        self.events.iter().filter_map(part).collect()
    }

    /// The series as it would have been without events, as far as that is known.
    pub fn cleaned(&self, series: &Series) -> Series {
        let lifts = self.over(0, series.len());
        let mut cleaned = Series::new(series.start(), series.step());
        for (index, lift) in lifts.iter().enumerate() {
            let value = series.get(index).map(|value| lift.taken_off(value));
            cleaned.push(value, series.is_censored(index));
        }
        cleaned
    }

    /// The steps that an event may lift among `count` from `first` on: as counted from there, and from the start.
    fn ahead(
        &self,
        event: &Foreseen,
        first: usize,
        count: usize,
    ) -> impl Iterator<Item = (usize, isize)> {
        let (first, reach) = (first as isize, event.placement.reach());
        let steps = reach.start.max(first)..reach.end.min(first + count as isize);
        let shown = steps.filter(|index| !self.is_hidden(*index));
        shown.map(move |index| ((index - first) as usize, index))
    }

    fn is_hidden(&self, index: isize) -> bool {
        self.hidden[index.rem_euclid(self.hidden.len() as isize) as usize]
    }
}

impl Grid {
    fn index(&self, at: Timestamp) -> isize {
        (at - self.start).as_millis().div_euclid(self.step.span().as_millis()) as isize
    }
}

impl Foreseen {
    fn add(&self, index: isize, lift: &mut Lift) {
        if let Some(place) = self.placement.at(index) {
            let (mean, variance) = self.course.effect(place, self.strength, self.amplitude);
            lift.add(self.course.form, mean, variance);
        }
    }
}

#[cfg(test)]
mod tests;
