//! A series with its events: where they stand, what was seen in their windows, and what was usual there. Nothing from
//! the origin on, and no event that becomes known later, may come in here.

use std::collections::BTreeMap;

use weft_core::event::Occurrence;
use weft_core::series::Series;

use super::course::Form;
use super::kind::Kind;
use super::learning::Learned;
use super::lift::Lift;
use super::place::{Place, Placement};
use super::shrinkage::Belief;
use super::usual::Usual;
use super::{Announced, Concern, Foreseen, Grid, SeriesEffects};

/// A kind whose events lie on at least this share of the samples of a time of day is a season: most working days of a
/// week.
const SEASONAL_SHARE: f64 = 0.7;
/// Days without which nothing is called a season.
const FEWEST_DAYS: usize = 5;

/// A series with the events that it takes part in.
#[derive(Debug)]
pub(super) struct Scene {
    grid: Grid,
    pub(super) scale: f64,
    hidden: Vec<bool>,
    /// By kind: where events known at the origin stand, and what was seen of those that are past.
    events: Vec<Vec<(usize, Placement)>>,
    sites: Vec<Vec<Site>>,
}

/// An event of the past on a series.
#[derive(Debug)]
pub(super) struct Site {
    pub(super) event: usize,
    pub(super) rows: Vec<Row>,
    /// What no effect looks like over as many steps, by form.
    pub(super) noise: [(f64, f64); 2],
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    pub(super) index: usize,
    pub(super) place: Place,
    pub(super) value: f64,
    pub(super) usual: f64,
}

/// Means of effects by step, as logarithms and as additions.
pub(super) type Told = BTreeMap<usize, (f64, f64)>;

impl Scene {
    pub(super) fn new(
        series: &Series,
        concern: &Concern,
        season: usize,
        announced: &Announced<'_>,
        kinds: &[Kind],
    ) -> Self {
        let start = series.start() + concern.phase;
        let length = (announced.origin - start).whole_steps(series.step()).min(series.len());
        let grid = Grid { start, step: series.step(), season, length };
        let end = (start + series.step().span() * length as i64).min(announced.origin);
        let is_known = |event: &&usize| {
            let known = announced.occurrences[**event].known_from;
            known.is_none_or(|known| known <= end)
        };
        let known: Vec<usize> = concern.events.iter().filter(is_known).copied().collect();
        let mut events = vec![Vec::new(); kinds.len()];
        for (kind, list) in kinds.iter().zip(&mut events) {
            let mine = known.iter().filter(|event| kind.events.binary_search(event).is_ok());
            let placed =
                mine.map(|event| (*event, Placement::new(&announced.occurrences[*event], &grid)));
            list.extend(placed.filter(|(_, placement)| placement.reach().end > 0));
        }
        let values = (0..length).map(|index| series.get(index).map_or(f64::NAN, f64::from));
        let values: Vec<f64> = values.collect();
        for list in &mut events {
            if is_seasonal(list, &values, season) {
                list.clear();
            }
        }
        Self::of_values(&values, grid, events)
    }

    fn of_values(values: &[f64], grid: Grid, events: Vec<Vec<(usize, Placement)>>) -> Self {
        let takes_lifts = values.iter().all(|value| value.is_nan() || *value >= 0.0);
        let mut covered = vec![false; values.len()];
        for (_, placement) in events.iter().flatten() {
            past(placement, values.len()).for_each(|index| covered[index] = true);
        }
        let usual = Usual::new(values.to_vec(), &covered, grid.season);
        let scale = if takes_lifts { usual.scale } else { 0.0 };
        let hidden = usual.hidden();
        if scale <= 0.0 {
            let nothing = vec![Vec::new(); events.len()];
            let sites = events.iter().map(|_| Vec::new()).collect();
            return Self { grid, scale: 0.0, hidden, events: nothing, sites };
        }
        let mut noise = BTreeMap::new();
        let mut site = |(event, placement): &(usize, Placement)| {
            let rows = rows(placement, values, &usual)?;
            let inside = rows.iter().filter(|row| row.place.is_inside()).count();
            let both = || [Form::Factor, Form::Addition].map(|form| usual.noise(form, inside));
            let noise = *noise.entry(inside).or_insert_with(both);
            (inside > 0).then_some(Site { event: *event, rows, noise })
        };
        let sites = events.iter().map(|kind| kind.iter().filter_map(&mut site).collect()).collect();
        Self { grid, scale, hidden, events, sites }
    }

    /// What is to be expected of all its events.
    pub(super) fn foresee(
        &self,
        index: usize,
        cluster: u32,
        occurrences: &[Occurrence],
        kinds: &[Kind],
        learned: &[Learned],
    ) -> SeriesEffects {
        let mut foreseen = Vec::new();
        for (kind, learned) in (0..kinds.len()).zip(learned) {
            let of = |event: usize| learned.amplitude(index, cluster, event);
            foreseen.extend(self.events[kind].iter().map(|(event, placement)| {
                let (amplitude, trust) = of(*event);
                Foreseen {
                    event: *event,
                    placement: *placement,
                    strength: learned.course.strength(&occurrences[*event].event),
                    amplitude,
                    course: learned.course,
                    source: trust.source,
                    learned_from: trust.events,
                }
            }));
        }
        let Self { grid, scale, hidden, .. } = self;
        SeriesEffects { grid: *grid, scale: *scale, hidden: hidden.clone(), events: foreseen }
    }

    /// Adds the kind's effects as they were, `times` over.
    pub(super) fn tell(
        &self,
        kind: usize,
        (learned, realised): (&Learned, &BTreeMap<usize, Belief>),
        occurrences: &[Occurrence],
        (told, times): (&mut Told, f64),
    ) {
        for site in &self.sites[kind] {
            let Some(amplitude) = realised.get(&site.event) else { continue };
            let strength = learned.course.strength(&occurrences[site.event].event);
            for row in &site.rows {
                let (mean, _) = learned.course.effect(row.place, strength, *amplitude);
                let at = told.entry(row.index).or_default();
                match learned.course.form {
                    Form::Factor => at.0 += times * mean,
                    Form::Addition => at.1 += times * mean,
                }
            }
        }
    }

    /// The sites of a kind with what others did there taken off.
    pub(super) fn without(&self, kind: usize, told: &Told) -> Vec<Site> {
        let plain = |row: &Row| {
            let (log, share) = told.get(&row.index).copied().unwrap_or_default();
            let mut lift = Lift::none(self.scale);
            lift.add(Form::Factor, log, 0.0);
            lift.add(Form::Addition, share, 0.0);
            Row { value: f64::from(lift.taken_off(row.value as f32)), ..*row }
        };
        let site = |site: &Site| Site { rows: site.rows.iter().map(plain).collect(), ..*site };
        self.sites[kind].iter().map(site).collect()
    }
}

/// Whether the events of a kind lie on most samples of any time of day: a daily round, or a rota that always runs.
/// Models take them for the season; without them, no time would be left to tell what is usual for other kinds.
fn is_seasonal(events: &[(usize, Placement)], values: &[f64], season: usize) -> bool {
    let mut is_inside = vec![false; values.len()];
    for (_, placement) in events {
        let inside = |index: &usize| placement.at(*index as isize).is_some_and(Place::is_inside);
        past(placement, values.len()).filter(inside).for_each(|index| is_inside[index] = true);
    }
    let mut counts = vec![(0, 0); season];
    for index in (0..values.len()).filter(|index| !values[*index].is_nan()) {
        let count: &mut (usize, usize) = &mut counts[index % season];
        *count = (count.0 + usize::from(is_inside[index]), count.1 + 1);
    }
    counts
        .iter()
        .any(|(inside, all)| *all >= FEWEST_DAYS && *inside as f64 >= SEASONAL_SHARE * *all as f64)
}

fn past(placement: &Placement, length: usize) -> std::ops::Range<usize> {
    let reach = placement.reach();
    let cut = |index: isize| index.clamp(0, length as isize) as usize;
    cut(reach.start)..cut(reach.end)
}

fn rows(placement: &Placement, values: &[f64], usual: &Usual) -> Option<Vec<Row>> {
    let range = past(placement, values.len());
    if range.is_empty() {
        return None;
    }
    let level = usual.level(placement.reach().start, placement.reach().end)?;
    let row = |index: usize| {
        let place = placement.at(index as isize)?;
        let row = Row { index, place, value: values[index], usual: level * usual.at(index) };
        (!row.value.is_nan() && !row.usual.is_nan()).then_some(row)
    };
    Some(range.filter_map(row).collect())
}
