//! Anomalies of one series, online: each sample gets a score and a verdict the moment it is seen, and a replacement for
//! the forecast where it is odd. No score may depend on a later sample, none on the unit of the series, and what is odd
//! must never quietly become what is expected, unless it stays or recurs.
//!
//! A sample is compared with what the level, the time of day and the hour of the week let expect (robust, learnt
//! online), with the samples just before it, and with how the series usually moves. Each comparison is a statistic of
//! an expert; its surprise is −log10 of the chance that a block of twelve samples reaches it, by the largest blocks of
//! its own past (Hill 1975; Siffer, Fouque, Termier & Largouët 2017 for the idea in streams). The most surprised expert
//! speaks, once for each incident. That surprises are scored by their rarity in the series' own past, on a logarithmic
//! scale, is the idea of Ahmad, Lavin, Purdy & Agha (2017).

use weft_core::time::{Step, Timestamp};

mod alarm;
mod experts;
#[cfg(test)]
mod injected;
mod season;
mod tail;
#[cfg(test)]
mod tests;
mod texture;
mod trackers;

use alarm::Refractory;
use experts::{Evidence, Panel, Surprise};
use season::{Expected, Season, Seasons};
use texture::{Changes, Correlation};
use trackers::{CLIP_DEVIATIONS, Level, Scale, Spread, WARM_SAMPLES, Windows};

/// Differences below this part of the usual size of a value surprise nobody.
const RELATIVE_FLOOR: f64 = 0.01;
/// Differences below this surprise nobody at all; it keeps divisions sound where all is zero.
const ABSOLUTE_FLOOR: f64 = 1e-12;
/// The surprise at which a score is one half, where verdicts begin by default. It was set by a budget of false alarms on
/// generated quiet series (`examples/detect_quality.rs`): at most one in a week of five-minute steps. Each kind stays under
/// two thirds of one, so that a short run keeps to it too; at 2.7 it was a fifth, and half of real incidents were missed.
const HALF_SCORE_SURPRISE: f64 = 2.3;
/// Surprise from which on an episode runs: its third hour is no longer learnt from, its errors only in part.
const EPISODE_SURPRISE: f64 = 4.0;
/// The part of an error that the season learns during an episode.
const EPISODE_PART: f64 = 0.3;
/// The level of the last few samples follows each by this part.
const RECENT_RATE: f64 = 0.5;
/// Samples over which the distance from the season is averaged, and the deviations of one that count.
const UNLIKE_SAMPLES: f64 = 24.0;
const UNLIKE_DEVIATIONS: f64 = 4.0;
/// In the means over windows a sample counts at most this many times what is learnt from.
const WINDOW_CLIPS: f64 = 2.0;
/// A shift is lasting for the level after as many samples beyond the clip on one side: half a day of five-minute steps.
const LASTING_SAMPLES: u32 = 144;
/// It is accepted for forecasts much earlier, after an hour: a forecaster adapts in its own way.
const ACCEPTED_SAMPLES: u32 = 12;
/// A sample is replaced for forecasts where it is farther off, in deviations, and its surprise at least this.
const REPLACED_DEVIATIONS: f64 = 4.0;
const REPLACED_SURPRISE: f64 = 1.5;

/// How a detector is set up.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DetectorConfig {
    /// Distance between two samples.
    pub step: Step,
    /// The score from which on there is a verdict, 0 to 1.
    pub alarm_score: f64,
}

impl DetectorConfig {
    /// For series with this step, with a verdict from a score of one half.
    pub const fn new(step: Step) -> Self {
        Self { step, alarm_score: 0.5 }
    }
}

/// Up or down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// To larger values.
    Up,
    /// To smaller ones.
    Down,
}

/// What is odd. Expectations are in the unit of the series; deviations are multiples of its usual error.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// The sample is too high.
    Spike {
        /// What was expected.
        expected: f64,
        /// How far off it is; positive is above.
        deviations: f64,
    },
    /// The sample is too low.
    Drop {
        /// What was expected.
        expected: f64,
        /// How far off it is; positive is above.
        deviations: f64,
    },
    /// The last samples are too high, or too low, together.
    LevelShift {
        /// To which side.
        direction: Direction,
        /// What was expected of the newest.
        expected: f64,
        /// Their mean error, in the unit of the series.
        by: f64,
    },
    /// Changes from sample to sample are larger, or smaller, than usual.
    Variance {
        /// Their size over the usual one.
        ratio: f64,
    },
    /// The course is unlike the usual one.
    Shape {
        /// What was expected of the newest sample.
        expected: f64,
        /// How far off that is; positive is above.
        deviations: f64,
    },
    /// The value stands still.
    Flat {
        /// For how many steps.
        steps: usize,
    },
}

/// What is said of one sample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Finding {
    /// 0 (usual) to 1 (never seen): the surprise s as s/(s + 2.3), held low for a while after it was told. A surprise
    /// of 2.3 is a chance of 1 in 200 in an hour of five-minute steps.
    pub score: f64,
    /// The verdict, once for each incident, and again if it grows.
    pub anomaly: Option<Kind>,
    accepted: Option<f64>,
}

impl Finding {
    /// What a forecaster should take instead of the sample: the sample itself, or, where it is odd and not yet lasting,
    /// the nearest value that is not odd. `None` for a gap.
    pub const fn accepted(&self) -> Option<f64> {
        self.accepted
    }

    const GAP: Self = Self { score: 0.0, anomaly: None, accepted: None };
}

/// The detector of one series: some kilobytes, a few microseconds for each sample. See the module.
#[derive(Debug, Clone)]
pub struct Detector {
    alarm_score: f64,
    samples: usize,
    level: Level,
    season: Season,
    /// The seasons that have acted so far.
    acted: Seasons,
    /// Of the errors against the expectation.
    scale: Scale,
    spread: Spread,
    windows: Windows,
    unlike: f64,
    /// The level of the last few samples, and of their errors.
    recent: f64,
    recent_error: f64,
    correlation: Correlation,
    changes: Changes,
    panel: Panel,
    refractory: Refractory,
    /// Samples in a row beyond the clip on this side.
    beyond: (bool, u32),
}

/// A sample against its expectation.
#[derive(Debug, Clone, Copy)]
struct Error {
    expected: Expected,
    value: f64,
    /// How much noisier than the mean this hour of the day is.
    relative: f64,
    /// What of an error is learnt from.
    clip: f64,
    floor: f64,
}

impl Error {
    const fn get(&self) -> f64 {
        self.value - self.expected.value
    }

    /// Distance from the band of what is not odd, positive above it.
    fn outside(&self) -> f64 {
        let Expected { low, high, .. } = self.expected;
        ((self.value - high).max(0.0) - (low - self.value).max(0.0)) / self.relative
    }

    fn clipped(&self, clips: f64) -> f64 {
        self.get().clamp(-clips * self.clip, clips * self.clip)
    }
}

impl Detector {
    /// A detector that has seen nothing.
    pub fn new(config: DetectorConfig) -> Self {
        Self {
            alarm_score: config.alarm_score,
            samples: 0,
            level: Level::default(),
            season: Season::new(config.step),
            acted: Seasons::None,
            scale: Scale::default(),
            spread: Spread::default(),
            windows: Windows::default(),
            unlike: 0.0,
            recent: 0.0,
            recent_error: 0.0,
            correlation: Correlation::default(),
            changes: Changes::default(),
            panel: Panel::default(),
            refractory: Refractory::default(),
            beyond: (false, 0),
        }
    }

    /// Judges the next sample and learns from it. Of `at` only the time of day and of the week count; steps that are
    /// left out, and `None` and values that are not finite, are gaps: nothing is said of them and nothing learnt.
    pub fn observe(&mut self, at: Timestamp, value: Option<f64>) -> Finding {
        let Some(value) = value.filter(|value| value.is_finite()) else {
            return Finding::GAP;
        };
        self.level.start(value);
        if self.samples == 0 {
            self.recent = value;
        }
        self.begin_season();
        let error = self.compare(at, value);
        let evidence = self.gather(&error);
        let surprise = self.panel.judge(&evidence);
        let in_episode = surprise.most > EPISODE_SURPRISE;
        self.panel.record(&evidence, in_episode);
        self.count_beyond(&error);
        let finding = self.tell(&error, &evidence, &surprise);
        self.learn(at, &error, &evidence, in_episode);
        finding
    }

    /// A season that begins to act changes what an error is: what was seen of errors before is void.
    fn begin_season(&mut self) {
        let acting = self.season.acting();
        if acting > self.acted {
            self.acted = acting;
            self.panel.forget_seasonal();
            self.windows = Windows::default();
            (self.unlike, self.recent_error) = (0.0, 0.0);
        }
    }

    fn compare(&self, at: Timestamp, value: f64) -> Error {
        let level = self.level.get();
        let seasonal = self.season.expect(at);
        Error {
            expected: seasonal.unwrap_or(Expected { value: level, low: level, high: level }),
            value,
            relative: seasonal.map_or(1.0, |_| self.spread.relative(at)),
            clip: CLIP_DEVIATIONS * self.scale.get(),
            floor: RELATIVE_FLOOR * self.level.size() + ABSOLUTE_FLOOR,
        }
    }

    fn gather(&mut self, error: &Error) -> Evidence {
        let is_warm = self.samples >= WARM_SAMPLES;
        self.windows.push(if is_warm { error.clipped(WINDOW_CLIPS) } else { 0.0 });
        let [hour, hours] = self.windows.means();
        let distance = error.outside().abs().min(UNLIKE_DEVIATIONS * error.clip.max(error.floor));
        self.unlike += (distance - self.unlike) / UNLIKE_SAMPLES;
        let change_ratio = self.changes.observe(error.value, error.floor);
        Evidence {
            expected: error.expected.value,
            deviations: error.get() / self.deviation(error),
            jump: error.value - self.recent,
            season: error.outside(),
            level: error.value - self.level.get(),
            hour,
            hours,
            change_ratio,
            run_steps: self.changes.run_steps(),
            unlike: self.unlike,
            error_jump: (error.get() - self.recent_error) / error.relative,
            correlations: self.correlation.observe(error.clipped(1.0)),
            floor: error.floor,
        }
    }

    /// The usual error at this time of day.
    fn deviation(&self, error: &Error) -> f64 {
        (self.scale.get() * error.relative).max(error.floor)
    }

    fn count_beyond(&mut self, error: &Error) {
        let is_above = error.get() > 0.0;
        let is_beyond = error.get().abs() > error.clip;
        let in_a_row = if is_above == self.beyond.0 { self.beyond.1 } else { 0 };
        self.beyond = (is_above, if is_beyond { in_a_row + 1 } else { 0 });
    }

    fn tell(&mut self, error: &Error, evidence: &Evidence, surprise: &Surprise) -> Finding {
        let (told, is_news) = self.refractory.pass(surprise.most);
        let score = told / (told + HALF_SCORE_SURPRISE);
        let is_alarm = is_news && told > 0.0 && score >= self.alarm_score;
        Finding {
            score,
            anomaly: is_alarm.then(|| surprise.expert.kind(evidence)),
            accepted: Some(self.accept(error, surprise)),
        }
    }

    fn accept(&self, error: &Error, surprise: &Surprise) -> f64 {
        let most = REPLACED_DEVIATIONS * self.deviation(error);
        let is_lasting = self.beyond.1 >= ACCEPTED_SAMPLES;
        if is_lasting || surprise.of_one_sample < REPLACED_SURPRISE {
            return error.value;
        }
        error.value.clamp(error.expected.low - most, error.expected.high + most)
    }

    fn learn(&mut self, at: Timestamp, error: &Error, evidence: &Evidence, in_episode: bool) {
        let part = if in_episode { EPISODE_PART } else { 1.0 };
        let before = self.level.get();
        self.level.learn(error.value, error.floor);
        self.season.learn(
            at,
            error.value,
            error.value - before,
            error.clip.max(error.floor) * part,
        );
        let scale = self.scale.get();
        self.scale.learn(error.get(), error.floor);
        if self.acted > Seasons::None {
            let most = CLIP_DEVIATIONS * scale * error.relative.max(1.0);
            self.spread.learn(at, error.get(), most, scale, part);
        }
        self.recent += RECENT_RATE * (error.value - self.recent);
        self.recent_error += RECENT_RATE * (error.get() - self.recent_error);
        if self.beyond.1 >= LASTING_SAMPLES {
            self.adopt(evidence.hour);
        }
        self.samples += 1;
    }

    /// What has lasted for so long is the new level.
    fn adopt(&mut self, by: f64) {
        if self.season.acting() > Seasons::None {
            self.season.shift(by);
        } else {
            self.level.shift(by);
        }
        self.beyond.1 = 0;
    }
}
