//! Learning: kind after kind, what its events did on each series beyond usual demand and beyond what other kinds did
//! there; twice, so that events that meet are told apart.

use std::collections::BTreeMap;

use rayon::iter::{IndexedParallelIterator, IntoParallelRefIterator, ParallelIterator};
use weft_core::event::{EventKind, Occurrence};

use super::course::Course;
use super::kind::Kind;
use super::place::PHASES;
use super::scene::{Row, Scene, Site, Told};
use super::shrinkage::{Belief, Hierarchy, Trust, dispersion};

/// Passes over all kinds, and passes of a kind between amplitudes and phases.
const PASSES: usize = 2;
const TURNS: usize = 4;
/// A course other than the first is taken where it leaves less than this share of what the first leaves.
const CLEARLY_BETTER: f64 = 0.97;
/// What authors expect is true, give or take this share of it, until kinds are known.
const AUTHORS: Belief = Belief::new(1.0, 0.16);
/// A kind of which nothing is known and nobody expects anything: most do nothing.
const UNKNOWN: Belief = Belief::new(0.0, 0.01);
/// A kind must have shown more than chance would, in units of log likelihood, before it is believed to do anything; and
/// chance is taken to be a little larger than it looks.
const CHANCE: f64 = 3.0;
const LARGER: f64 = 1.5;
/// A kind that does not do as the others do may do anything: half as much again, or a third less.
const ANYTHING: Belief = Belief::new(0.0, 0.25);

/// Sums over the steps of a site, by phase.
#[derive(Debug, Clone, Copy)]
struct Sums {
    event: usize,
    products: [f64; PHASES],
    squares: [f64; PHASES],
    /// Weights of the steps inside.
    mass: f64,
    variance: f64,
}

/// What was learned of a kind.
#[derive(Debug, Clone)]
pub(super) struct Learned {
    pub(super) course: Course,
    hierarchy: Hierarchy,
    /// How likely it is that the kind does anything at all.
    standing: f64,
    /// By series: amplitudes of its past events.
    realised: Vec<BTreeMap<usize, Belief>>,
}

impl Learned {
    /// The amplitude of an event on a series, and what says so: of a past one what it was, of a coming one what is
    /// usual.
    pub(super) fn amplitude(&self, series: usize, cluster: u32, event: usize) -> (Belief, Trust) {
        let (belief, trust) = self.hierarchy.belief(series, cluster);
        let variance = belief.variance + self.hierarchy.between_events;
        let coming = Belief::new(belief.mean, variance).weakened(self.standing);
        (self.realised[series].get(&event).copied().unwrap_or(coming), trust)
    }

    /// The amplitudes of past events on a series.
    pub(super) fn realised(&self, series: usize) -> &BTreeMap<usize, Belief> {
        &self.realised[series]
    }
}

/// Learns all kinds.
pub(super) fn learn(
    scenes: &[Scene],
    kinds: &[Kind],
    clusters: &[u32],
    occurrences: &[Occurrence],
) -> Vec<Learned> {
    let mut told: Vec<Told> = vec![Told::new(); scenes.len()];
    let mut learned: Vec<Option<Learned>> = vec![None; kinds.len()];
    let tell = |told: &mut [Told], kind: usize, learned: &Learned, times: f64| {
        for (index, (scene, told)) in scenes.iter().zip(told).enumerate() {
            scene.tell(kind, (learned, learned.realised(index)), occurrences, (told, times));
        }
    };
    for _ in 0..PASSES {
        for (index, kind) in kinds.iter().enumerate() {
            if let Some(former) = &learned[index] {
                tell(&mut told, index, former, -1.0);
            }
            let others: Vec<(EventKind, &Learned)> = (0..kinds.len())
                .filter(|other| *other != index)
                .filter_map(|other| Some((kinds[other].sort, learned[other].as_ref()?)))
                .collect();
            let lesson = Lesson::new(index, kind, scenes, &told, occurrences, clusters);
            let found = lesson.learn(&others);
            tell(&mut told, index, &found, 1.0);
            learned[index] = Some(found);
        }
    }
    learned
        .into_iter()
        .map(|learned| learned.expect("every kind was learned in each pass"))
        .collect()
}

/// One kind on all series.
struct Lesson<'a> {
    sort: EventKind,
    events: Vec<&'a Occurrence>,
    occurrences: &'a [Occurrence],
    clusters: &'a [u32],
    /// By series.
    sites: Vec<Vec<Site>>,
    scales: Vec<f64>,
}

impl<'a> Lesson<'a> {
    fn new(
        index: usize,
        kind: &Kind,
        scenes: &[Scene],
        told: &[Told],
        occurrences: &'a [Occurrence],
        clusters: &'a [u32],
    ) -> Self {
        let each = scenes.par_iter().zip(told);
        let sites = each.map(|(scene, told)| scene.without(index, told)).collect();
        let scales = scenes.iter().map(|scene| scene.scale).collect();
        let events = kind.events.iter().map(|event| &occurrences[*event]).collect();
        Self { sort: kind.sort, events, occurrences, clusters, sites, scales }
    }

    fn learn(&self, others: &[(EventKind, &Learned)]) -> Learned {
        let mut course = self.course();
        let prior =
            |course: &Course, evidence: Option<Belief>| prior(course, self.sort, others, evidence);
        let mut realised = Vec::new();
        let mut hierarchy = None;
        for turn in 0..TURNS {
            let sums: Vec<Vec<Sums>> = self.sums(&course);
            let seen: Vec<Vec<Belief>> = sums
                .iter()
                .map(|sums| sums.iter().map(|sums| sums.amplitude(&course)).collect())
                .collect();
            let expected = prior(&course, None);
            let new = Hierarchy::new(&seen, self.clusters, expected, expected.mean);
            let evidence = new.centre();
            let new = new.with_prior(prior(&course, evidence));
            realised = self.realised(&new, &sums, &seen);
            if turn + 1 < TURNS {
                course.take_phases(&phase_sums(&sums, &realised));
            }
            hierarchy = Some((new, sums, seen));
        }
        let (hierarchy, sums, seen) = hierarchy.expect("there is more than one turn");
        let standing = self.standing(&hierarchy, &sums, &seen);
        let weaken = |(event, amplitude): (usize, Belief)| (event, amplitude.weakened(standing));
        let realised = realised.into_iter().map(|each| each.into_iter().map(weaken).collect());
        Learned { course, hierarchy, standing, realised: realised.collect() }
    }

    /// How likely it is that the kind does anything at all, by what was seen of its events (Jeffreys 1961, chapter 5).
    /// A kind of which nothing was seen keeps what is expected of it. What else goes on at the time of an event goes on
    /// on many series, so that n of them say no more than √n.
    fn standing(&self, hierarchy: &Hierarchy, sums: &[Vec<Sums>], seen: &[Vec<Belief>]) -> f64 {
        if seen.iter().all(Vec::is_empty) {
            return 1.0;
        }
        let mut counts: BTreeMap<usize, f64> = BTreeMap::new();
        sums.iter().flatten().for_each(|sums| *counts.entry(sums.event).or_default() += 1.0);
        let mut odds = -CHANCE;
        for (series, seen) in seen.iter().enumerate() {
            let (belief, _) = hierarchy.belief(series, self.clusters[series]);
            for (Belief { mean, variance }, sums) in seen.iter().zip(&sums[series]) {
                let nothing = Belief::new(0.0, LARGER * variance);
                let effect = Belief::new(belief.mean, nothing.variance + hierarchy.between_events);
                let said = effect.log_density(*mean) - nothing.log_density(*mean);
                odds += said / counts[&sums.event].sqrt();
            }
        }
        1.0 / (1.0 + (-odds).exp())
    }

    /// The course that leaves least of what was seen, each series with the amplitude that suits it.
    fn course(&self) -> Course {
        let mut candidates = Course::candidates(self.sort, &self.events).into_iter();
        let mut best = candidates.next().expect("there is a first candidate");
        if self.sites.iter().all(Vec::is_empty) {
            return best;
        }
        let mut least = CLEARLY_BETTER * self.loss(&best);
        for candidate in candidates {
            let loss = self.loss(&candidate);
            if loss < least {
                (best, least) = (candidate, loss);
            }
        }
        best
    }

    fn loss(&self, course: &Course) -> f64 {
        let each = self.sites.par_iter().zip(&self.scales);
        let losses: Vec<f64> =
            each.map(|(sites, scale)| self.loss_on(sites, *scale, course)).collect();
        losses.iter().sum()
    }

    fn loss_on(&self, sites: &[Site], scale: f64, course: &Course) -> f64 {
        let (mut products, mut squares) = (0.0, 0.0);
        let inside = |site: &Site| {
            let strength = course.strength(&self.occurrences[site.event].event);
            let share = move |row: &Row| (course.share(row.place, strength), *row);
            let rows = site.rows.iter().filter(|row| row.place.is_inside());
            rows.map(share).collect::<Vec<_>>()
        };
        let seen: Vec<(f64, f64, Row)> = sites
            .iter()
            .flat_map(|site| {
                let centre = site.noise[course.form as usize].0;
                inside(site).into_iter().map(move |(share, row)| (centre, share, row))
            })
            .collect();
        for (centre, share, row) in &seen {
            let weight = course.form.weight(row.usual, scale);
            products += weight * share * (course.form.shown(row.value, row.usual, scale) - centre);
            squares += weight * share * share;
        }
        let amplitude = if squares > 0.0 { products / squares } else { 0.0 };
        let left = |(centre, share, row): &(f64, f64, Row)| {
            let effect = centre + amplitude * share;
            (row.value - course.form.lifted(row.usual, effect, scale)).abs() / scale
        };
        seen.iter().map(left).sum()
    }

    fn sums(&self, course: &Course) -> Vec<Vec<Sums>> {
        let each = self.sites.par_iter().zip(&self.scales);
        each.map(|(sites, scale)| self.sums_on(sites, *scale, course)).collect()
    }

    fn sums_on(&self, sites: &[Site], scale: f64, course: &Course) -> Vec<Sums> {
        let weighed = |site: &Site, row: &Row| {
            let strength = course.strength(&self.occurrences[site.event].event);
            (course.phases[row.place.phase] * course.share(row.place, strength)).abs()
        };
        // Where events of the kind meet, what is seen is parted by what each is expected to do there.
        let mut met: BTreeMap<usize, (f64, f64)> = BTreeMap::new();
        for site in sites {
            for row in &site.rows {
                let at = met.entry(row.index).or_default();
                *at = (at.0 + weighed(site, row), at.1 + 1.0);
            }
        }
        let part = |site: &Site, row: &Row| {
            let (sum, count) = met[&row.index];
            if sum > 1e-9 { weighed(site, row) / sum } else { 1.0 / count }
        };
        let sums = |site: &Site| {
            let (centre, variance) = site.noise[course.form as usize];
            let (event, empty) = (site.event, [0.0; PHASES]);
            let mut sums = Sums { event, products: empty, squares: empty, mass: 0.0, variance };
            let strength = course.strength(&self.occurrences[event].event);
            for row in &site.rows {
                let weight = course.form.weight(row.usual, scale);
                let share = course.share(row.place, strength);
                let shown = course.form.shown(row.value, row.usual, scale) - centre;
                sums.products[row.place.phase] += weight * share * shown * part(site, row);
                sums.squares[row.place.phase] += weight * share * share;
                sums.mass += if row.place.is_inside() { weight } else { 0.0 };
            }
            sums
        };
        sites.iter().map(sums).collect()
    }

    /// What past events did: as the series' events do, unless the samples say otherwise.
    fn realised(
        &self,
        hierarchy: &Hierarchy,
        sums: &[Vec<Sums>],
        seen: &[Vec<Belief>],
    ) -> Vec<BTreeMap<usize, Belief>> {
        let each = sums.iter().zip(seen).zip(self.clusters).enumerate();
        each.map(|(index, ((sums, seen), cluster))| {
            let (belief, _) = hierarchy.belief(index, *cluster);
            let usual = Belief::new(belief.mean, belief.variance + hierarchy.between_events);
            sums.iter().zip(seen).map(|(sums, seen)| (sums.event, usual.joined(*seen))).collect()
        })
        .collect()
    }
}

impl Sums {
    /// The amplitude that the site shows; one that shows nothing is as good as unknown.
    fn amplitude(&self, course: &Course) -> Belief {
        let phases = course.phases.iter();
        let products: f64 =
            phases.clone().zip(&self.products).map(|(phase, sum)| phase * sum).sum();
        let squares: f64 = phases.zip(&self.squares).map(|(phase, sum)| phase * phase * sum).sum();
        if squares <= 1e-9 {
            return Belief::new(0.0, 1e6);
        }
        Belief::new(products / squares, self.variance * self.mass / squares)
    }
}

/// What all sites say of each phase, in units of their uncertainty.
fn phase_sums(sums: &[Vec<Sums>], realised: &[BTreeMap<usize, Belief>]) -> [(f64, f64); PHASES] {
    let mut total = [(0.0, 0.0); PHASES];
    for (sums, realised) in sums.iter().zip(realised) {
        for site in sums.iter().filter(|site| site.mass > 0.0) {
            let amplitude = realised[&site.event].mean;
            let unit = 1.0 / (site.variance * site.mass);
            let said = site.products.iter().zip(&site.squares);
            for (total, (product, square)) in total.iter_mut().zip(said) {
                total.0 += unit * amplitude * product;
                total.1 += unit * amplitude * amplitude * square;
            }
        }
    }
    total
}

/// What a kind's amplitude is taken for before its own events are heard: as others kinds' are, against what their
/// authors expect where they say so; or anything, in so far as the `evidence` lies better there.
fn prior(
    course: &Course,
    sort: EventKind,
    others: &[(EventKind, &Learned)],
    evidence: Option<Belief>,
) -> Belief {
    let alike = |(other, learned): &(EventKind, &Learned)| {
        let theirs = learned.course;
        let is_alike = theirs.typical.is_some() == course.typical.is_some()
            && (*other == sort || theirs.typical.is_some());
        let (centre, unit) = (learned.hierarchy.centre()?, theirs.typical.unwrap_or(1.0));
        is_alike.then(|| Belief::new(centre.mean / unit, centre.variance / (unit * unit)))
    };
    let alike: Vec<Belief> = others.iter().filter_map(alike).collect();
    let usual = if course.typical.is_some() { AUTHORS } else { UNKNOWN };
    let between = dispersion(std::slice::from_ref(&alike), usual.variance);
    let widened = |belief: &Belief| Belief::new(belief.mean, belief.variance + between);
    let centre = alike.iter().map(widened).fold(usual, Belief::joined);
    let unit = course.typical.unwrap_or(1.0);
    let spread = if alike.is_empty() { usual.variance } else { centre.variance + between };
    let as_others = Belief::new(centre.mean * unit, spread * unit * unit);
    evidence.map_or(as_others, |evidence| mixed(as_others, ANYTHING, evidence))
}

/// Mean and variance of two beliefs, each as likely as the evidence makes it.
fn mixed(a: Belief, b: Belief, evidence: Belief) -> Belief {
    let log_density = |belief: Belief| {
        Belief::new(belief.mean, belief.variance + evidence.variance).log_density(evidence.mean)
    };
    let share = 1.0 / (1.0 + (log_density(b) - log_density(a)).exp());
    let mean = share * a.mean + (1.0 - share) * b.mean;
    let square = |belief: Belief| belief.variance + (belief.mean - mean).powi(2);
    Belief::new(mean, share * square(a) + (1.0 - share) * square(b))
}
