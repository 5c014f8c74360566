//! What demand would have been without events, for times that are past: the usual value at that time of day and on that
//! day of the week, at the level just before and after. It looks at both sides, so it must never serve as a forecast.

use super::course::Form;

/// Values of a time of day within this share of a day are taken together.
const NEIGHBOURS: usize = 96;
/// How many weeks one takes as given: a day of the week is as others are, and goes as others do, until that many
/// differ.
const WEEKS_AS_OTHERS: f64 = 0.5;
const WEEKS_OF_DAYS: f64 = 3.0;
/// Share of a day without events that a level needs beside an event, and how many days it is looked for.
const LEVEL_SHARE: f64 = 0.25;
const LEVEL_DAYS: usize = 14;
/// Windows without events by which the reckoning is judged, and how many it takes to believe them.
const WINDOWS: usize = 64;
const FEWEST_WINDOWS: usize = 8;
/// The deviation of what cannot be judged, and the least that is believed.
const UNKNOWN_DEVIATION: f64 = 0.25;
const LEAST_DEVIATION: f64 = 0.005;

/// The usual demand of a series.
#[derive(Debug, Clone)]
pub(super) struct Usual {
    season: usize,
    /// NaN is a gap.
    values: Vec<f64>,
    is_clean: Vec<bool>,
    /// By step of the week, from the first sample on; NaN where no such time of day was without event.
    profile: Vec<f64>,
    /// Values and profile up to each step, where both are known and no event is.
    sums: Vec<(f64, f64)>,
    /// Mean of the values without events.
    pub(super) scale: f64,
}

impl Usual {
    /// Of values, some of which events `covered`; a season has so many steps.
    pub(super) fn new(values: Vec<f64>, covered: &[bool], season: usize) -> Self {
        let is_clean: Vec<bool> = values
            .iter()
            .zip(covered)
            .map(|(value, covered)| !value.is_nan() && !covered)
            .collect();
        let clean = values.iter().zip(&is_clean).filter(|(_, is_clean)| **is_clean);
        let (sum, count) = clean.fold((0.0, 0_usize), |(sum, n), (value, _)| (sum + value, n + 1));
        let scale = if count == 0 { 0.0 } else { sum / count as f64 };
        let profile = vec![f64::NAN; 7 * season];
        let mut usual = Self { season, values, is_clean, profile, sums: Vec::new(), scale };
        if scale > 0.0 {
            usual.find_days();
            // Twice: at its ends a series shows the level of some days only, which must be known as such first.
            usual.find_weeks(false);
            usual.find_weeks(true);
        }
        usual
    }

    /// By time of day: whether there were samples, and never one without an event.
    pub(super) fn hidden(&self) -> Vec<bool> {
        let (mut seen, mut clean) = (vec![false; self.season], vec![false; self.season]);
        for (index, value) in self.values.iter().enumerate() {
            seen[index % self.season] |= !value.is_nan();
            clean[index % self.season] |= self.is_clean[index];
        }
        seen.into_iter().zip(clean).map(|(seen, clean)| seen && !clean).collect()
    }

    /// The profile at a step.
    pub(super) fn at(&self, index: usize) -> f64 {
        self.profile[index % self.profile.len()]
    }

    fn set_profile(&mut self, profile: Vec<f64>) {
        self.profile = profile;
        let mut sums = vec![(0.0, 0.0)];
        let mut sum = (0.0, 0.0);
        for (index, value) in self.values.iter().enumerate() {
            let usual = self.at(index);
            if self.is_clean[index] && !usual.is_nan() {
                sum = (sum.0 + value, sum.1 + usual);
            }
            sums.push(sum);
        }
        self.sums = sums;
    }

    fn over(&self, from: isize, to: isize) -> (f64, f64) {
        let end = self.values.len() as isize;
        let (from, to) = (from.clamp(0, end) as usize, to.clamp(0, end) as usize);
        let (from, to) = (self.sums[from], self.sums[to.max(from)]);
        (to.0 - from.0, to.1 - from.1)
    }

    /// Medians by time of day; then again of what they are relative to the level of their day, so that growth over
    /// weeks does not blur them.
    fn find_days(&mut self) {
        let plain = self.medians(|usual, index| usual.values[index]);
        self.set_profile(plain);
        let half = (self.season / 2).max(1) as isize;
        let relative = self.medians(|usual, index| {
            let (values, profile) = usual.over(index as isize - half, index as isize + half);
            if profile > 0.0 && values > 0.0 {
                usual.values[index] * profile / values
            } else {
                f64::NAN
            }
        });
        self.set_profile(relative);
    }

    fn medians(&self, of: impl Fn(&Self, usize) -> f64) -> Vec<f64> {
        let mut slots: Vec<Vec<f64>> = vec![Vec::new(); self.season];
        for index in (0..self.values.len()).filter(|index| self.is_clean[*index]) {
            let value = of(self, index);
            if !value.is_nan() {
                slots[index % self.season].push(value);
            }
        }
        let near = self.season / NEIGHBOURS;
        let median = |slot: usize| {
            let others =
                (0..=2 * near).map(|more| (slot + self.season + more - near) % self.season);
            let mut values: Vec<f64> = others.flat_map(|other| &slots[other]).copied().collect();
            if slots[slot].is_empty() { f64::NAN } else { median(&mut values) }
        };
        let day: Vec<f64> = (0..self.season).map(median).collect();
        (0..7).flat_map(|_| day.iter().copied()).collect()
    }

    /// Days of the week, and how each goes by its times of day if asked, as far as there are enough weeks to tell.
    fn find_weeks(&mut self, by_time: bool) {
        let week = 7 * self.season;
        if self.values.len() < 2 * week {
            return;
        }
        let half = (week / 2) as isize;
        // By step of the week: sums of the values and of what the days alone say, and their number.
        let mut slots = vec![(0.0, 0.0, 0_usize); week];
        for index in (0..self.values.len()).filter(|index| self.is_clean[*index]) {
            let (values, profile) = self.over(index as isize - half, index as isize + half);
            let usual = self.at(index) * values / profile;
            if usual.is_finite() {
                let slot = &mut slots[index % week];
                *slot = (slot.0 + self.values[index], slot.1 + usual, slot.2 + 1);
            }
        }
        let ratio =
            |(values, usual, _): (f64, f64, usize)| if usual > 0.0 { values / usual } else { 1.0 };
        let mut profile = self.profile.clone();
        for (day, slots) in slots.chunks(self.season).enumerate() {
            let sum =
                |a: (f64, f64, usize), b: &(f64, f64, usize)| (a.0 + b.0, a.1 + b.1, a.2 + b.2);
            let whole = slots.iter().fold((0.0, 0.0, 0), sum);
            let of_day = shrunk(ratio(whole), whole.2 as f64 / self.season as f64, WEEKS_AS_OTHERS);
            for (at, slot) in slots.iter().enumerate() {
                let alone = if by_time && of_day > 0.0 { ratio(*slot) / of_day } else { 1.0 };
                let alone = shrunk(alone, slot.2 as f64, WEEKS_OF_DAYS);
                profile[day * self.season + at] *= of_day * alone;
            }
        }
        self.set_profile(profile);
    }

    /// The level beside the steps `from..to`, relative to the profile; `None` where nothing near is without events.
    pub(super) fn level(&self, from: isize, to: isize) -> Option<f64> {
        let day: f64 = self.profile[..self.season].iter().filter(|value| !value.is_nan()).sum();
        let mut days = 1;
        while days <= LEVEL_DAYS {
            let reach = (days * self.season) as isize;
            let (before, after) = (self.over(from - reach, from), self.over(to, to + reach));
            let (values, profile) = (before.0 + after.0, before.1 + after.1);
            if profile >= LEVEL_SHARE * day && profile > 0.0 {
                return Some(values / profile);
            }
            days *= 2;
        }
        None
    }

    /// What an effect over so many steps is taken for where there is none: its median, and the square of its robust
    /// deviation.
    pub(super) fn noise(&self, form: Form, steps: usize) -> (f64, f64) {
        let room = self.values.len().saturating_sub(steps);
        let starts = (0..WINDOWS.min(room)).map(|number| number * room / WINDOWS.min(room).max(1));
        let mut found: Vec<f64> =
            starts.filter_map(|from| self.mean_shown(form, from, from + steps)).collect();
        if found.len() < FEWEST_WINDOWS {
            return (0.0, UNKNOWN_DEVIATION.powi(2));
        }
        let centre = median(&mut found);
        found.iter_mut().for_each(|value| *value = (*value - centre).abs());
        let deviation = spread(&mut found).max(LEAST_DEVIATION);
        // These windows made the profile, of n weeks; an event's did not: 1 + 1/n of the variance of a day against 1 −
        // 1/n.
        let weeks = (self.values.len() as f64 / (7 * self.season) as f64).max(2.0);
        (centre, deviation * deviation * (weeks + 1.0) / (weeks - 1.0))
    }

    fn mean_shown(&self, form: Form, from: usize, to: usize) -> Option<f64> {
        let usable = |index: &usize| self.is_clean[*index] && !self.at(*index).is_nan();
        let steps: Vec<usize> = (from..to).filter(usable).collect();
        if 10 * steps.len() < 8 * (to - from) {
            return None;
        }
        let level = self.level(from as isize, to as isize)?;
        let (mut sum, mut weights) = (0.0, 0.0);
        for index in steps {
            let usual = level * self.at(index);
            let weight = form.weight(usual, self.scale);
            sum += weight * form.shown(self.values[index], usual, self.scale);
            weights += weight;
        }
        (weights > 0.0).then(|| sum / weights)
    }
}

fn shrunk(ratio: f64, count: f64, others: f64) -> f64 {
    (count * ratio + others) / (count + others)
}

/// The deviation of a sample of distances, of which one in twenty may be anything; not less than the robust one.
fn spread(distances: &mut [f64]) -> f64 {
    let robust = 1.4826 * median(distances);
    distances.sort_unstable_by(f64::total_cmp);
    let kept = &distances[..distances.len() - distances.len() / 20];
    let square = kept.iter().map(|distance| distance * distance).sum::<f64>() / kept.len() as f64;
    // A normal sample less its outermost twentieth has 0.76 of its variance.
    robust.max((square / 0.76).sqrt())
}

fn median(values: &mut [f64]) -> f64 {
    let middle = values.len() / 2;
    let (_, high, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
    let high = *high;
    if values.len() % 2 == 1 {
        return high;
    }
    let low = values[..middle].iter().copied().fold(f64::NEG_INFINITY, f64::max);
    f64::midpoint(low, high)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEASON: usize = 24;

    /// Busy by day, a third less at weekends, growing.
    fn demand(t: usize) -> f64 {
        let day = if (8..18).contains(&(t % SEASON)) { 40.0 } else { 10.0 };
        let week = if t / SEASON % 7 >= 5 { 0.66 } else { 1.0 };
        day * week * (1.0 + t as f64 / 2_000.0)
    }

    #[test]
    fn usual_demand_knows_days_weeks_and_growth() {
        let mut values: Vec<f64> = (0..SEASON * 42).map(demand).collect();
        let mut covered = vec![false; values.len()];
        // An event on a Saturday, and one by day.
        for range in [SEASON * 33..SEASON * 34, SEASON * 38 + 9..SEASON * 38 + 15] {
            values[range.clone()].iter_mut().for_each(|value| *value *= 3.0);
            covered[range].fill(true);
        }
        let usual = Usual::new(values, &covered, SEASON);
        for range in [SEASON * 33..SEASON * 34, SEASON * 38 + 9..SEASON * 38 + 15] {
            let level = usual.level(range.start as isize, range.end as isize).expect("days around");
            for t in range {
                let ratio = level * usual.at(t) / demand(t);
                assert!((0.9..1.1).contains(&ratio), "{t}: {ratio}");
            }
        }
        let (centre, variance) = usual.noise(Form::Factor, 6);
        assert!(centre.abs() < 0.02 && variance < 0.003, "{centre} {variance}");
    }

    #[test]
    fn a_time_of_day_that_was_never_without_event_is_hidden() {
        let covered: Vec<bool> = (0..SEASON * 10).map(|t| t % SEASON == 9).collect();
        let usual = Usual::new((0..SEASON * 10).map(demand).collect(), &covered, SEASON);
        assert!(usual.at(9).is_nan() && !usual.at(10).is_nan());
        let hidden = usual.hidden();
        assert!(hidden[9] && hidden.iter().filter(|hidden| **hidden).count() == 1);
        let short = Usual::new((0..5).map(demand).collect(), &[false; 5], SEASON);
        assert!(short.hidden().iter().all(|hidden| !hidden));
    }
}
