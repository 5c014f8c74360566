//! The experts: each watches one statistic that is large where something is odd in its way, and turns it into a
//! surprise by that statistic's own past. They never speak of a value's size in absolute terms, so one threshold serves
//! all series.

use super::tail::Tail;
use super::{Direction, Kind};

/// What is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expert {
    /// The value against the last few.
    JumpUp,
    JumpDown,
    /// The value against what the time of day allows.
    AboveSeason,
    BelowSeason,
    /// The value against the level of the last half day.
    AboveLevel,
    BelowLevel,
    /// The mean of the last hour against what was expected.
    HourUp,
    HourDown,
    /// That of the last six hours.
    HoursUp,
    HoursDown,
    /// Changes larger, and smaller, than usual.
    Rougher,
    Calmer,
    /// How long the value has stood still.
    Still,
    /// Mean distance from the season over two hours, whatever its sign.
    Unlike,
    /// The error against the last few errors.
    ErrorJumpUp,
    ErrorJumpDown,
    /// How neighbours follow each other, at the next step and half an hour on.
    NextCorrelation,
    LongCorrelation,
}

const COUNT: usize = 18;

const ALL: [Expert; COUNT] = [
    Expert::JumpUp,
    Expert::JumpDown,
    Expert::AboveSeason,
    Expert::BelowSeason,
    Expert::AboveLevel,
    Expert::BelowLevel,
    Expert::HourUp,
    Expert::HourDown,
    Expert::HoursUp,
    Expert::HoursDown,
    Expert::Rougher,
    Expert::Calmer,
    Expert::Still,
    Expert::Unlike,
    Expert::ErrorJumpUp,
    Expert::ErrorJumpDown,
    Expert::NextCorrelation,
    Expert::LongCorrelation,
];

/// Means of many samples surprise at half the size that a single one needs.
const MEANS_FLOOR: f64 = 0.5;
/// Changes that differ by less than this factor are alike.
const CHANGES_FLOOR: f64 = 1.5;
/// A run of equal values is none below this length: half an hour of five-minute steps.
const RUN_FLOOR_STEPS: f64 = 6.0;
/// Correlations (Fisher's z) that differ by less are alike.
const CORRELATION_FLOOR: f64 = 0.2;

/// What is known of a sample, signed so that up is positive.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Evidence {
    pub(super) expected: f64,
    /// Deviations from the expectation, for what is told of a finding.
    pub(super) deviations: f64,
    pub(super) jump: f64,
    pub(super) season: f64,
    pub(super) level: f64,
    pub(super) hour: f64,
    pub(super) hours: f64,
    pub(super) change_ratio: f64,
    pub(super) run_steps: usize,
    pub(super) unlike: f64,
    pub(super) error_jump: f64,
    pub(super) correlations: [f64; 2],
    /// Differences below this are nobody's business.
    pub(super) floor: f64,
}

impl Expert {
    /// Whether it judges by what is expected of the time of day, so that it starts anew where that changes.
    const fn is_seasonal(self) -> bool {
        use Expert::{
            AboveSeason, BelowSeason, ErrorJumpDown, ErrorJumpUp, HourDown, HourUp, HoursDown,
            HoursUp, Unlike,
        };
        matches!(
            self,
            AboveSeason
                | BelowSeason
                | HourUp
                | HourDown
                | HoursUp
                | HoursDown
                | Unlike
                | ErrorJumpUp
                | ErrorJumpDown
        )
    }

    /// Whether it judges this sample by itself.
    pub(super) const fn is_of_one_sample(self) -> bool {
        use Expert::{
            AboveLevel, AboveSeason, BelowLevel, BelowSeason, ErrorJumpDown, ErrorJumpUp, JumpDown,
            JumpUp,
        };
        matches!(
            self,
            JumpUp
                | JumpDown
                | AboveSeason
                | BelowSeason
                | AboveLevel
                | BelowLevel
                | ErrorJumpUp
                | ErrorJumpDown
        )
    }

    /// The statistic, never negative, and the value up to which it cannot surprise.
    fn statistic(self, evidence: &Evidence) -> (f64, f64) {
        let floor = evidence.floor;
        let up = |signed: f64| signed.max(0.0);
        let down = |signed: f64| (-signed).max(0.0);
        match self {
            Self::JumpUp => (up(evidence.jump), floor),
            Self::JumpDown => (down(evidence.jump), floor),
            Self::AboveSeason => (up(evidence.season), floor),
            Self::BelowSeason => (down(evidence.season), floor),
            Self::AboveLevel => (up(evidence.level), floor),
            Self::BelowLevel => (down(evidence.level), floor),
            Self::HourUp => (up(evidence.hour), MEANS_FLOOR * floor),
            Self::HourDown => (down(evidence.hour), MEANS_FLOOR * floor),
            Self::HoursUp => (up(evidence.hours), MEANS_FLOOR * floor),
            Self::HoursDown => (down(evidence.hours), MEANS_FLOOR * floor),
            Self::Rougher => (evidence.change_ratio, CHANGES_FLOOR),
            Self::Calmer => (1.0 / evidence.change_ratio, CHANGES_FLOOR),
            Self::Still => (evidence.run_steps as f64, RUN_FLOOR_STEPS),
            Self::Unlike => (evidence.unlike, MEANS_FLOOR * floor),
            Self::ErrorJumpUp => (up(evidence.error_jump), floor),
            Self::ErrorJumpDown => (down(evidence.error_jump), floor),
            Self::NextCorrelation => (evidence.correlations[0], CORRELATION_FLOOR),
            Self::LongCorrelation => (evidence.correlations[1], CORRELATION_FLOOR),
        }
    }

    /// What it says where it is surprised most.
    pub(super) fn kind(self, evidence: &Evidence) -> Kind {
        let &Evidence { expected, deviations, hour, hours, change_ratio, run_steps, .. } = evidence;
        let shift = |direction, by: f64| Kind::LevelShift { direction, expected, by };
        match self {
            Self::JumpUp | Self::AboveSeason | Self::AboveLevel | Self::ErrorJumpUp => {
                Kind::Spike { expected, deviations }
            }
            Self::JumpDown | Self::BelowSeason | Self::BelowLevel | Self::ErrorJumpDown => {
                Kind::Drop { expected, deviations }
            }
            Self::HourUp => shift(Direction::Up, hour),
            Self::HourDown => shift(Direction::Down, hour),
            Self::HoursUp => shift(Direction::Up, hours),
            Self::HoursDown => shift(Direction::Down, hours),
            Self::Calmer if run_steps as f64 >= RUN_FLOOR_STEPS => Kind::Flat { steps: run_steps },
            Self::Rougher | Self::Calmer => Kind::Variance { ratio: change_ratio },
            Self::Still => Kind::Flat { steps: run_steps },
            Self::Unlike | Self::NextCorrelation | Self::LongCorrelation => {
                Kind::Shape { expected, deviations }
            }
        }
    }
}

/// The most surprised expert, and by how much (−log10 of a probability).
#[derive(Debug, Clone, Copy)]
pub(super) struct Surprise {
    pub(super) expert: Expert,
    pub(super) most: f64,
    /// That of the most surprised one among those that judge this sample by itself.
    pub(super) of_one_sample: f64,
}

/// All experts with what they have seen.
#[derive(Debug, Clone, Default)]
pub(super) struct Panel {
    tails: [Tail; COUNT],
}

impl Panel {
    pub(super) fn judge(&self, evidence: &Evidence) -> Surprise {
        let mut surprise = Surprise { expert: Expert::JumpUp, most: 0.0, of_one_sample: 0.0 };
        for (expert, tail) in ALL.into_iter().zip(&self.tails) {
            let (statistic, floor) = expert.statistic(evidence);
            let own = tail.surprise(statistic, floor);
            if own > surprise.most {
                (surprise.expert, surprise.most) = (expert, own);
            }
            if expert.is_of_one_sample() {
                surprise.of_one_sample = surprise.of_one_sample.max(own);
            }
        }
        surprise
    }

    pub(super) fn record(&mut self, evidence: &Evidence, in_episode: bool) {
        for (expert, tail) in ALL.into_iter().zip(&mut self.tails) {
            tail.record(expert.statistic(evidence).0, in_episode);
        }
    }

    /// A season began to act: what was seen without it says nothing any more.
    pub(super) fn forget_seasonal(&mut self) {
        let seasonal =
            ALL.into_iter().zip(&mut self.tails).filter(|(expert, _)| expert.is_seasonal());
        seasonal.for_each(|(_, tail)| *tail = Tail::default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_experts() {
        assert!(ALL.iter().enumerate().all(|(index, expert)| *expert as usize == index));
    }

    #[test]
    fn the_most_surprised_names_the_kind() {
        let mut panel = Panel::default();
        for step in 0..4_000 {
            let wave = f64::from(step % 7 - 3);
            let evidence =
                Evidence { jump: wave, hour: 0.1 * wave, change_ratio: 1.0, ..Evidence::default() };
            panel.record(&evidence, false);
        }
        let kind = |evidence: Evidence| {
            let surprise = panel.judge(&evidence);
            (surprise.most > 3.0).then(|| surprise.expert.kind(&evidence))
        };
        let usual = Evidence { jump: 3.0, change_ratio: 1.0, ..Evidence::default() };
        assert_eq!(kind(usual), None);
        let spike = Evidence { jump: 40.0, deviations: 9.0, ..usual };
        assert_eq!(kind(spike), Some(Kind::Spike { expected: 0.0, deviations: 9.0 }));
        let shift = Evidence { hour: -8.0, ..usual };
        let down = Kind::LevelShift { direction: Direction::Down, expected: 0.0, by: -8.0 };
        assert_eq!(kind(shift), Some(down));
        assert_eq!(kind(Evidence { run_steps: 90, ..usual }), Some(Kind::Flat { steps: 90 }));
        assert_eq!(
            kind(Evidence { change_ratio: 30.0, ..usual }),
            Some(Kind::Variance { ratio: 30.0 })
        );
    }
}
