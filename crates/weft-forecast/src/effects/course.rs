//! The course of an effect: how it joins usual demand, what of it each event has, and how it goes over the window.

use weft_core::event::{Event, EventKind, Occurrence};

use super::place::{INSIDE, PHASES, Place};
use super::shrinkage::Belief;

/// How an effect joins usual demand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// It is multiplied by exp(effect).
    Factor,
    /// The effect, in units of the series' mean, is added.
    Addition,
}

/// Expected lifts are believed between these: a factor beyond them is no forecast but a wish.
const LIFTS: (f64, f64) = (0.05, 20.0);
/// Expected lifts of a kind that differ from 1 by less than this on average say nothing of strength.
const LEAST_STATED: f64 = 0.05;
/// Samples at zero would have a logarithm without bounds: this share of the series' mean is added to both sides.
const RATIO_FLOOR: f64 = 0.02;
/// Logarithms of ratios are bounded: one outage or burst is no effect of −10 or +10.
const LARGEST_LOG: f64 = 3.0;
/// Decays that are tried for news, as shares of the window; `None` does not fall. The first is what is kept where the
/// samples do not say.
const NEWS_DECAYS: [Option<f64>; 6] =
    [Some(0.3), Some(0.05), Some(0.1), Some(0.2), Some(0.7), None];
/// How far the parts of a window may differ from its mean before the samples say so, as a deviation of their ratio.
const INSIDE_DEVIATION: f64 = 0.3;
/// The same of what goes before and after, whose mean is nothing.
const OUTSIDE_DEVIATION: f64 = 0.2;

impl Form {
    /// What a sample shows of the effect, where `usual` was to be expected.
    pub(super) fn shown(self, value: f64, usual: f64, scale: f64) -> f64 {
        let floor = RATIO_FLOOR * scale;
        match self {
            Self::Factor => {
                let log = ((value.max(0.0) + floor) / (usual + floor)).ln();
                log.clamp(-LARGEST_LOG, LARGEST_LOG)
            }
            Self::Addition => (value - usual) / scale,
        }
    }

    /// What comes where `usual` was to be expected and there is an `effect`.
    pub(super) fn lifted(self, usual: f64, effect: f64, scale: f64) -> f64 {
        match self {
            Self::Factor => usual * effect.exp(),
            Self::Addition => usual + scale * effect,
        }
    }

    /// How much a step tells: a share of little demand tells little of much.
    pub(super) fn weight(self, usual: f64, scale: f64) -> f64 {
        match self {
            Self::Factor => usual / scale,
            Self::Addition => 1.0,
        }
    }

    /// The effect that the author of an event expects.
    fn stated(self, event: &Event) -> Option<f64> {
        let lift = event.expected_lift?.clamp(LIFTS.0, LIFTS.1);
        Some(match self {
            Self::Factor => lift.ln(),
            Self::Addition => lift - 1.0,
        })
    }
}

/// The course of a kind's effect.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Course {
    pub(super) form: Form,
    /// Root mean square of the effects that authors expect; `None` where they say nothing or nothing that holds.
    pub(super) typical: Option<f64>,
    /// The decay of events that do not say theirs, as a share of the window.
    decay: Option<f64>,
    /// The effect of each phase relative to the amplitude.
    pub(super) phases: [f64; PHASES],
    variances: [f64; PHASES],
}

impl Course {
    /// What may be the course of these events, the most usual one first.
    pub(super) fn candidates(sort: EventKind, events: &[&Occurrence]) -> Vec<Self> {
        let is_falling = sort == EventKind::News;
        let has_decay = events.iter().any(|event| event.decay.is_some());
        let decays: &[Option<f64>] = match (has_decay, is_falling) {
            (true, _) => &NEWS_DECAYS[..1],
            (_, true) => &NEWS_DECAYS,
            _ => &[None],
        };
        let mut candidates = Vec::new();
        for form in [Form::Factor, Form::Addition] {
            let typical = typical(form, events);
            let strengths = if typical.is_some() { vec![typical, None] } else { vec![None] };
            for typical in strengths {
                let of = |decay: &Option<f64>| Self::new(form, typical, *decay);
                candidates.extend(decays.iter().map(of));
            }
        }
        candidates
    }

    fn new(form: Form, typical: Option<f64>, decay: Option<f64>) -> Self {
        let is_inside = |phase: usize| INSIDE.contains(&phase);
        Self {
            form,
            typical,
            decay,
            phases: std::array::from_fn(|phase| f64::from(is_inside(phase))),
            variances: [0.0; PHASES],
        }
    }

    /// How strong an event is among its kind: about 1.
    pub(super) fn strength(&self, event: &Event) -> f64 {
        match (self.typical, self.form.stated(event)) {
            (Some(typical), Some(stated)) => stated / typical,
            _ => 1.0,
        }
    }

    /// What a step has of the amplitude, the phase aside.
    pub(super) fn share(&self, place: Place, strength: f64) -> f64 {
        let decay = self.decay.map(|decay| place.decay.unwrap_or(decay));
        let left = decay.map_or(1.0, |decay| (-place.elapsed / decay).exp());
        strength * place.overlap * left
    }

    /// Mean and variance of the effect on a step.
    pub(super) fn effect(&self, place: Place, strength: f64, amplitude: Belief) -> (f64, f64) {
        let share = self.share(place, strength);
        let (phase, variance) = (self.phases[place.phase], self.variances[place.phase]);
        let Belief { mean, variance: of_amplitude } = amplitude;
        let variance = of_amplitude * phase * phase + variance * (mean * mean + of_amplitude);
        (mean * phase * share, variance * share * share)
    }

    /// Takes what the samples say of the phases: for each the sum of products and of squares (see `learning`). The mean
    /// of the window stays 1.
    pub(super) fn take_phases(&mut self, sums: &[(f64, f64); PHASES]) {
        for (phase, (products, squares)) in sums.iter().enumerate() {
            let (mean, deviation) = match INSIDE.contains(&phase) {
                true => (1.0, INSIDE_DEVIATION),
                false => (0.0, OUTSIDE_DEVIATION),
            };
            let before = 1.0 / (deviation * deviation);
            self.phases[phase] = (products + mean * before) / (squares + before);
            self.variances[phase] = 1.0 / (squares + before);
        }
        let weight: f64 = sums[INSIDE].iter().map(|(_, squares)| squares).sum();
        let each = INSIDE.map(|phase| self.phases[phase] * sums[phase].1);
        let mean = if weight > 0.0 { each.sum::<f64>() / weight } else { 1.0 };
        if mean > 0.1 {
            self.phases.iter_mut().for_each(|phase| *phase /= mean);
            self.variances.iter_mut().for_each(|variance| *variance /= mean * mean);
        }
    }
}

fn typical(form: Form, events: &[&Occurrence]) -> Option<f64> {
    let stated: Vec<f64> = events.iter().filter_map(|event| form.stated(&event.event)).collect();
    let squares = stated.iter().map(|stated| stated * stated).sum::<f64>();
    let typical = (squares / stated.len().max(1) as f64).sqrt();
    (typical >= LEAST_STATED).then_some(typical)
}
