//! When windows open and complete, and which of them make up the scenarios. All series share this
//! schedule: it depends on the step alone, never on a series, which is what keeps together what
//! happened together.
//!
//! Bucket `b` has a lane of windows: every `stride` steps an origin opens one, which completes when
//! the bucket has passed. The stride is half the bucket's width, since windows that overlap by more
//! tell the same twice; it divides the season, so that origins return at the same phase of the day.

use weft_core::scenario::Buckets;

/// A lane keeps this many times the windows that a scenario set needs, so that there is a choice
/// between recent ones and those at the same phase of the day.
const SLOTS_PER_WINDOW: usize = 4;
/// A window that is a day older must be nearer in phase by this share of a day to be preferred: one
/// hour. Daily rhythms are wider than that and regimes last longer than a day.
const AGE_PENALTY: f64 = 1.0 / 24.0;

/// The windows of one bucket.
#[derive(Debug, Clone)]
pub(super) struct Lane {
    /// Steps ahead that the bucket covers: `begin..end`.
    pub(super) begin: i64,
    pub(super) end: i64,
    stride: i64,
    slots: usize,
    first_slot: usize,
    pending_slots: usize,
    first_pending: usize,
}

impl Lane {
    pub(super) const fn width(&self) -> i64 {
        self.end - self.begin
    }

    pub(super) const fn stride(&self) -> i64 {
        self.stride
    }

    /// Whether a window opens at `origin`.
    pub(super) const fn opens_at(&self, origin: i64) -> bool {
        origin.rem_euclid(self.stride) == 0
    }

    /// Where the residual of the window from `origin` is kept.
    pub(super) const fn slot(&self, origin: i64) -> usize {
        let turn = origin.div_euclid(self.stride);
        self.first_slot + turn.rem_euclid(self.slots as i64) as usize
    }

    /// All slots of the lane.
    pub(super) const fn slots(&self) -> std::ops::Range<usize> {
        self.first_slot..self.first_slot + self.slots
    }

    /// Where the forecast of the window from `origin` waits for its completion.
    pub(super) const fn pending(&self, origin: i64) -> usize {
        let turn = origin.div_euclid(self.stride);
        self.first_pending + turn.rem_euclid(self.pending_slots as i64) as usize
    }

    /// The step ahead at which single steps are judged in the window from `origin`. It is scattered
    /// over the bucket: taken in turn it would be tied to the time of the day, and the early steps of
    /// a bucket would be known from mornings only.
    pub(super) const fn probe_ahead(&self, origin: i64) -> i64 {
        self.begin + scattered(origin, self.width())
    }
}

/// One of `0..width` that depends on `number` as if by chance (the mixing function of SplitMix64:
/// Steele, Lea & Flood 2014, figure 17).
pub(super) const fn scattered(number: i64, width: i64) -> i64 {
    let mut mixed = number as u64;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^= mixed >> 31;
    (mixed % width as u64) as i64
}

/// The lanes of all buckets.
#[derive(Debug, Clone)]
pub(super) struct Lanes {
    buckets: Buckets,
    season: i64,
    windows: usize,
    lanes: Vec<Lane>,
}

impl Lanes {
    pub(super) fn new(buckets: &Buckets, season: usize, windows: usize) -> Self {
        let season = season.max(1);
        let slots = windows * SLOTS_PER_WINDOW;
        let (mut lanes, mut first_pending): (Vec<Lane>, _) = (Vec::new(), 0);
        for bucket in 0..buckets.len() {
            let steps = buckets.steps(bucket);
            let half = (steps.len() / 2).clamp(1, season);
            let stride = (1..=half).rev().find(|stride| season.is_multiple_of(*stride));
            let stride = stride.expect("one divides every season");
            let pending_slots = steps.end / stride + 1;
            lanes.push(Lane {
                begin: steps.start as i64,
                end: steps.end as i64,
                stride: stride as i64,
                slots,
                first_slot: bucket * slots,
                pending_slots,
                first_pending,
            });
            first_pending += pending_slots;
        }
        Self { buckets: buckets.clone(), season: season as i64, windows, lanes }
    }

    pub(super) const fn buckets(&self) -> &Buckets {
        &self.buckets
    }

    pub(super) const fn season(&self) -> i64 {
        self.season
    }

    pub(super) const fn windows(&self) -> usize {
        self.windows
    }

    pub(super) fn len(&self) -> usize {
        self.lanes.len()
    }

    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = &Lane> {
        self.lanes.iter()
    }

    pub(super) fn get(&self, bucket: usize) -> &Lane {
        &self.lanes[bucket]
    }

    /// Residuals kept per series.
    pub(super) fn slots(&self) -> usize {
        self.lanes.last().map_or(0, |lane| lane.slots().end)
    }

    /// Open windows per series.
    pub(super) fn pending_slots(&self) -> usize {
        self.lanes.last().map_or(0, |lane| lane.first_pending + lane.pending_slots)
    }

    /// Per bucket the slots of the windows that make up the scenarios at origin `now`, newest first,
    /// at most one per scenario. Origins before `first` do not exist.
    ///
    /// Chosen are the completed windows with the least distance |phase difference| + age in days ×
    /// an hour: on the first day the most recent ones, later also those of earlier days around the
    /// same time of the day.
    pub(super) fn choice(&self, now: i64, first: i64) -> Vec<Vec<usize>> {
        self.lanes.iter().map(|lane| self.choice_of(lane, now, first)).collect()
    }

    fn choice_of(&self, lane: &Lane, now: i64, first: i64) -> Vec<usize> {
        let newest = (now - lane.end).div_euclid(lane.stride) * lane.stride;
        let turns = (0..lane.slots as i64).map(|turn| newest - turn * lane.stride);
        let existing = turns.take_while(|origin| *origin >= first);
        let mut ranked: Vec<(f64, i64)> =
            existing.map(|origin| (self.distance(now - origin), now - origin)).collect();
        ranked.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        ranked.truncate(self.windows);
        ranked.sort_unstable_by_key(|(_, age)| *age);
        ranked.into_iter().map(|(_, age)| lane.slot(now - age)).collect()
    }

    fn distance(&self, age: i64) -> f64 {
        let phase = age.rem_euclid(self.season);
        let days = (age + self.season / 2).div_euclid(self.season);
        let apart = phase.min(self.season - phase) as f64;
        apart + days as f64 * AGE_PENALTY * self.season as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_recent_on_the_first_day_and_in_phase_later() {
        let lanes = Lanes::new(&Buckets::covering(72), 288, 32);
        let origins = |bucket: usize, now: i64| -> Vec<i64> {
            let lane = lanes.get(bucket);
            let choice = lanes.choice(now, 0);
            let opened = (0..now).filter(|origin| lane.opens_at(*origin));
            // Of several laps of the ring the newest that is complete counts.
            let completed = opened.filter(|origin| origin + lane.end <= now);
            let newest = |slot: &usize| completed.clone().rfind(|o| lane.slot(*o) == *slot);
            choice[bucket].iter().map(|slot| newest(slot).expect("complete")).collect()
        };
        assert_eq!(origins(0, 6), [5, 4, 3, 2, 1, 0]);
        assert_eq!(origins(0, 1_000), (968..1_000).rev().collect::<Vec<_>>());
        let far = (0..lanes.len()).find(|bucket| lanes.get(*bucket).width() >= 12).expect("wide");
        assert_eq!(origins(far, lanes.get(far).end - 1), [0_i64; 0], "nothing is complete");
        let now = 288 * 4;
        let yesterday =
            origins(far, now).into_iter().filter(|o| *o <= now - 216).collect::<Vec<_>>();
        assert!(yesterday.len() >= 12, "{yesterday:?}");
        for origin in yesterday {
            let phase = (now - origin).rem_euclid(288);
            assert!(phase.min(288 - phase) <= 96, "{origin} is at another time of the day");
        }
    }

    #[test]
    fn scattered_numbers_are_even_at_every_time_of_the_day() {
        for phase in 0..8 {
            let mut counts = [0; 6];
            let days = (0..1_200).map(|day| day * 48 + phase - 9_600);
            days.for_each(|number| counts[scattered(number, 6) as usize] += 1);
            assert!(counts.iter().all(|count| (150..250).contains(count)), "{phase}: {counts:?}");
        }
    }

    #[test]
    fn open_windows_do_not_overwrite_each_other() {
        let lanes = Lanes::new(&Buckets::covering(288), 288, 8);
        for lane in lanes.iter() {
            let open = (0..lane.end + 1).filter(|origin| lane.opens_at(*origin));
            let mut slots: Vec<usize> = open.map(|origin| lane.pending(origin)).collect();
            let opened = slots.len();
            slots.sort_unstable();
            slots.dedup();
            assert_eq!(slots.len(), opened, "{lane:?}");
            assert!(slots.iter().all(|slot| *slot < lanes.pending_slots()));
        }
    }
}
