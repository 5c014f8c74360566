//! What a move takes: duration, downtime and bytes of a pre-copy migration.
//!
//! The model is that of Liu, Jin, Xu and Liao, "Performance and energy modeling for live migration
//! of virtual machines" (HPDC 2011): the first round sends the memory, every further round what was
//! written meanwhile, until what is left can be sent within the acceptable stop. Finished moves
//! correct it. It must never promise an end to what does not converge.

use std::collections::BTreeMap;

use weft_core::id::HostId;
use weft_core::observation::MoveMeasure;
use weft_core::plan::Prediction;
use weft_core::time::Span;

/// Rounds after which hypervisors give up on converging and stop the guest; QEMU and Xen end at 30
/// by default.
const MOST_ROUNDS: u32 = 30;
/// What stopping, handing over and resuming take besides the copy.
const HAND_OVER: Span = Span::from_millis(50);
/// Weight of the newest move in the running mean of corrections: the last seven count for most.
const LEARNING_RATE: f64 = 0.25;
/// A single odd move must not turn the model by more than this factor.
const MOST_CORRECTION: f64 = 4.0;

/// A pre-copy migration that does not end by itself.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NotConverging {
    /// The stop that it would take to send what is left.
    pub downtime: Span,
}

/// What a copy has to carry and over what.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Copy {
    /// Memory, in bytes.
    pub memory_bytes: f64,
    /// What must be sent once besides: the disk where it is local, in bytes.
    pub disk_bytes: f64,
    /// How fast memory is written, in bytes per second.
    pub dirty_bytes_per_second: f64,
    /// What the move may use of the network, in bytes per second.
    pub bandwidth_bytes_per_second: f64,
}

/// Running mean of the logarithm of measured over predicted.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Correction {
    duration: f64,
    downtime: f64,
    moves: u32,
}

impl Correction {
    fn learn(&mut self, duration: f64, downtime: f64) {
        let rate = LEARNING_RATE.max(1.0 / f64::from(self.moves + 1));
        self.duration += rate * (duration - self.duration);
        self.downtime += rate * (downtime - self.downtime);
        self.moves = self.moves.saturating_add(1);
    }
}

/// The pre-copy model and what it has learned from finished moves.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PrecopyModel {
    overall: Correction,
    pairs: BTreeMap<(HostId, HostId), Correction>,
}

impl PrecopyModel {
    /// Predicts a live migration between two hosts with at most `downtime_limit` of stop.
    ///
    /// Round 0 sends memory and disk; round i sends V(i) = dirty rate · T(i−1), at most the memory;
    /// T(i) = V(i) / bandwidth. The stop comes when V(i) fits into the limit or after 30 rounds.
    /// An error if what is left then does not fit.
    pub fn predict(
        &self,
        copy: Copy,
        downtime_limit: Span,
        pair: Option<(&HostId, &HostId)>,
    ) -> Result<Prediction, NotConverging> {
        let correction = self.correction(pair);
        let bandwidth = copy.bandwidth_bytes_per_second.max(1.0);
        let limit = (downtime_limit - HAND_OVER).as_seconds_f64() / correction.downtime;
        let mut volume = copy.memory_bytes + copy.disk_bytes;
        let (mut duration, mut sent) = (0.0, 0.0);
        for round in 0..=MOST_ROUNDS {
            let time = volume / bandwidth;
            let is_last = round == MOST_ROUNDS || copy.dirty_bytes_per_second >= bandwidth;
            if time <= limit {
                let downtime = Span::from_seconds_f64(time * correction.downtime) + HAND_OVER;
                let running = Span::from_seconds_f64(duration * correction.duration);
                return Ok(Prediction {
                    duration: running + downtime,
                    downtime,
                    transferred_bytes: (sent + volume) as u64,
                });
            }
            if is_last {
                break;
            }
            duration += time;
            sent += volume;
            volume = (copy.dirty_bytes_per_second * time).min(copy.memory_bytes);
        }
        let left = copy.memory_bytes.min(volume) / bandwidth * correction.downtime;
        Err(NotConverging { downtime: Span::from_seconds_f64(left) + HAND_OVER })
    }

    /// Takes in what a finished move has taken against what was predicted.
    pub fn learn(
        &mut self,
        from: &HostId,
        to: &HostId,
        predicted: &Prediction,
        measured: &MoveMeasure,
    ) {
        let ratio = |measured: Span, predicted: Span| {
            let (measured, predicted) = (measured.as_millis(), predicted.as_millis());
            if measured <= 0 || predicted <= 0 {
                return 0.0;
            }
            let bound = MOST_CORRECTION.ln();
            (measured as f64 / predicted as f64).ln().clamp(-bound, bound)
        };
        // The prediction was corrected already: what is learned is the remaining error.
        let base = self.logarithms(Some((from, to)));
        let duration = base.0 + ratio(measured.duration, predicted.duration);
        let downtime = base.1 + ratio(measured.downtime, predicted.downtime);
        let bound = MOST_CORRECTION.ln();
        let (duration, downtime) = (duration.clamp(-bound, bound), downtime.clamp(-bound, bound));
        self.overall.learn(duration, downtime);
        let pair = self.pairs.entry((from.clone(), to.clone())).or_default();
        pair.learn(duration, downtime);
    }

    /// The pair's own correction counts as much as it has moves, the overall one as two.
    fn logarithms(&self, pair: Option<(&HostId, &HostId)>) -> (f64, f64) {
        const PRIOR_MOVES: f64 = 2.0;
        let key = pair.map(|(from, to)| (from.clone(), to.clone()));
        let own = key.and_then(|key| self.pairs.get(&key)).copied().unwrap_or_default();
        let share = f64::from(own.moves) / (f64::from(own.moves) + PRIOR_MOVES);
        let mix = |own: f64, overall: f64| share * own + (1.0 - share) * overall;
        (mix(own.duration, self.overall.duration), mix(own.downtime, self.overall.downtime))
    }

    fn correction(&self, pair: Option<(&HostId, &HostId)>) -> Factors {
        let (duration, downtime) = match self.overall.moves {
            0 => (0.0, 0.0),
            _ => self.logarithms(pair),
        };
        Factors { duration: duration.exp(), downtime: downtime.exp() }
    }
}

struct Factors {
    duration: f64,
    downtime: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn copy(dirty: f64) -> Copy {
        Copy {
            memory_bytes: 8e9,
            disk_bytes: 0.0,
            dirty_bytes_per_second: dirty,
            bandwidth_bytes_per_second: 1e9,
        }
    }

    #[test]
    fn rounds_shrink_by_the_ratio_of_dirty_rate_and_bandwidth() {
        let model = PrecopyModel::default();
        let predict = |dirty, limit| model.predict(copy(dirty), Span::from_millis(limit), None);
        // 8 s, then 0.8 s of stop: 8e9 + 0.8e9 bytes.
        let prediction = predict(1e8, 1_000).expect("converges");
        assert_eq!(prediction.downtime, Span::from_millis(850));
        assert_eq!(prediction.duration, Span::from_millis(8_850));
        assert_eq!(prediction.transferred_bytes, 8_800_000_000);
        // 8 + 0.8 s, then 0.08 s of stop.
        let prediction = predict(1e8, 300).expect("converges");
        assert_eq!(prediction.downtime, Span::from_millis(130));
        assert_eq!(prediction.duration, Span::from_millis(8_930));
    }

    #[test]
    fn what_is_written_faster_than_sent_does_not_converge() {
        let model = PrecopyModel::default();
        let error = model.predict(copy(2e9), Span::from_seconds(1), None).expect_err("diverges");
        assert_eq!(error.downtime, Span::from_millis(8_050));
    }

    #[test]
    fn it_learns_from_finished_moves() {
        let mut model = PrecopyModel::default();
        let (a, b, c) = (HostId::from("a"), HostId::from("b"), HostId::from("c"));
        let predict = |model: &PrecopyModel, to| {
            model.predict(copy(1e8), Span::from_seconds(3), Some((&a, to)))
        };
        let first = predict(&model, &b).expect("converges");
        for _ in 0..12 {
            let predicted = predict(&model, &b).expect("converges");
            let measure = MoveMeasure {
                duration: first.duration * 2,
                downtime: first.downtime * 2,
                transferred_bytes: 0,
            };
            model.learn(&a, &b, &predicted, &measure);
        }
        let ratio = |to| {
            let prediction = predict(&model, to).expect("converges");
            prediction.duration.as_seconds_f64() / first.duration.as_seconds_f64()
        };
        assert!((ratio(&b) - 2.0).abs() < 0.2, "{}", ratio(&b));
        assert!((1.5..2.2).contains(&ratio(&c)), "a new pair borrows: {}", ratio(&c));
    }
}
