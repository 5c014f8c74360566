//! Where a step of a series stands to an event: before it, in a part of its window, or after it.

use std::ops::Range;

use weft_core::event::{EventKind, Occurrence};

use super::Grid;

/// Parts of a window, each with an effect of its own: enough for a rise, a plateau and a fall.
const PARTS: usize = 6;
/// One before, the parts, two after.
pub(super) const PHASES: usize = PARTS + 3;
/// The phases of the window.
pub(super) const INSIDE: Range<usize> = 1..PARTS + 1;

/// An event on the grid of a series, in steps from its start.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Placement {
    begins: f64,
    ends: f64,
    before: f64,
    after: f64,
    /// In steps, where it was told.
    decay: Option<f64>,
}

/// A step that an event may lift.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Place {
    pub(super) phase: usize,
    /// Share of the step in the window; 1 before and after it.
    pub(super) overlap: f64,
    /// Time since the begin, as a share of the window's length; 0 before.
    pub(super) elapsed: f64,
    /// The decay that was told, as a share of the window's length.
    pub(super) decay: Option<f64>,
}

impl Place {
    pub(super) fn is_inside(self) -> bool {
        INSIDE.contains(&self.phase)
    }
}

impl Placement {
    pub(super) fn new(occurrence: &Occurrence, grid: &Grid) -> Self {
        let step = grid.step.span().as_millis() as f64;
        let window = occurrence.event.window;
        let begins = (window.begins - grid.start).as_millis() as f64 / step;
        let ends = (window.ends - grid.start).as_millis() as f64 / step;
        let season = grid.season as f64;
        // People prepare for what they know: a quarter of the window, at most of a day, before; half of each after.
        let margin = |share: f64| ((ends - begins) * share).min(season * share).ceil().max(1.0);
        let is_news = occurrence.event.kind == EventKind::News;
        let before = if is_news { 0.0 } else { margin(0.25) };
        let decay = occurrence.decay.map(|decay| decay.as_millis() as f64 / step);
        Self { begins, ends, before, after: margin(0.5), decay }
    }

    /// All steps that it may lift.
    pub(super) fn reach(&self) -> Range<isize> {
        (self.begins - self.before).floor() as isize..(self.ends + self.after).ceil() as isize
    }

    /// The length of the window in steps.
    pub(super) fn steps(&self) -> f64 {
        self.ends - self.begins
    }

    pub(super) fn at(&self, index: isize) -> Option<Place> {
        let (from, to) = (index as f64, index as f64 + 1.0);
        let (left, right) = (from.max(self.begins), to.min(self.ends));
        let decay = self.decay.map(|decay| decay / self.steps());
        let elapsed = |at: f64| (at - self.begins) / self.steps();
        if right > left {
            let elapsed = elapsed(f64::midpoint(left, right));
            let part = ((elapsed * PARTS as f64) as usize).min(PARTS - 1);
            return Some(Place { phase: 1 + part, overlap: right - left, elapsed, decay });
        }
        if to <= self.begins && to > self.begins - self.before {
            return Some(Place { phase: 0, overlap: 1.0, elapsed: 0.0, decay });
        }
        if from >= self.ends && from < self.ends + self.after {
            let late = usize::from(from - self.ends >= self.after / 2.0);
            let elapsed = elapsed(from + 0.5);
            return Some(Place { phase: PARTS + 1 + late, overlap: 1.0, elapsed, decay });
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use weft_core::event::Event;
    use weft_core::policy::{Selector, Window};
    use weft_core::time::{Span, Step, Timestamp};

    #[test]
    fn steps_stand_before_in_and_after() {
        let at = |minutes: i64| Timestamp::from_seconds(minutes * 60);
        let window = Window { begins: at(100), ends: at(220) };
        let event = Event {
            id: "a".into(),
            kind: EventKind::Campaign,
            window,
            concerns: Selector::default(),
            expected_lift: None,
        };
        let step = Step::new(Span::from_minutes(10)).expect("a step");
        let grid = Grid { start: at(5), step, season: 144, length: 0 };
        let placement = Placement::new(&event.into(), &grid);
        // The window is 9.5 to 21.5 in steps.
        let check = |index: isize, phase: Option<usize>, overlap: f64| {
            let place = placement.at(index);
            assert_eq!(place.map(|place| place.phase), phase, "{index}");
            assert!((place.map_or(0.0, |place| place.overlap) - overlap).abs() < 1e-9, "{index}");
        };
        check(5, None, 0.0);
        check(7, Some(0), 1.0);
        check(8, Some(0), 1.0);
        check(9, Some(1), 0.5);
        check(15, Some(4), 1.0);
        check(21, Some(6), 0.5);
        check(22, Some(7), 1.0);
        check(26, Some(8), 1.0);
        check(28, None, 0.0);
        assert_eq!(placement.reach(), 6..28);
    }
}
