//! What the boosted trees are told of a step: how the series stood at the origin, what it did at the same time of
//! earlier days, and how far ahead the step is. All values are in units of the series' own change from day to day, from its
//! recent level, so that small and large workloads teach each other. Nothing here may look at or after the origin.

use super::local::Local;
use crate::past::Past;

/// Lengths that all series of a panel share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shape {
    /// Steps in a day.
    pub(crate) season: usize,
    /// Steps in a week.
    pub(crate) week: usize,
    /// Steps ahead that are forecast.
    pub(crate) horizon: usize,
}

/// Backward windows whose means are told, the longest two in seasons.
const WINDOWS: usize = 9;
/// Of which the deviation inside is told as well.
const DEVIATIONS: usize = 6;
/// Order statistics of the last day.
const ORDERS: [f32; 5] = [0.02, 0.25, 0.5, 0.75, 0.98];
/// Earlier days at whose same time is looked.
const DAYS: usize = 7;
/// Columns that belong to the origin alone.
const ORIGIN_COLUMNS: usize = WINDOWS + DEVIATIONS + ORDERS.len() + 7 + LAGS;
/// Single values before the origin.
const LAGS: usize = 8;
/// Columns that belong to the step ahead.
const AHEAD_COLUMNS: usize = DAY_COLUMNS + SAME_TIME_ORDERS.len() + CYCLE_COLUMNS;
const DAY_COLUMNS: usize = 20;
const CYCLE_COLUMNS: usize = 8;
/// Steps on each side whose single values count as the same time.
const MOST_AROUND: isize = 6;
/// Earlier weeks at whose same time is looked.
const WEEKS: isize = 4;
/// Hours and rounds of the short period that are looked back.
const HOURS: isize = 4;
const ROUNDS: isize = 6;
/// Order statistics of the values around the same time of earlier days.
const SAME_TIME_ORDERS: [f32; 5] = [0.05, 0.25, 0.5, 0.75, 0.95];
/// The column of the squared change from day to day over the variance.
pub(crate) const DAILY_CHANGE: usize = WINDOWS + DEVIATIONS + ORDERS.len() + 1 + LAGS;
/// Columns of a row.
pub(crate) const COLUMNS: usize = ORIGIN_COLUMNS + AHEAD_COLUMNS;
/// Standardised values are cut here: beyond it the trees learn nothing and the linear part would be led astray.
pub(crate) const FURTHEST: f32 = 80.0;

/// A series as seen from an origin.
#[derive(Debug, Clone)]
pub(crate) struct View<'a> {
    past: &'a Past,
    shape: Shape,
    /// Values before this index are known.
    origin: isize,
    /// Step of the week at index 0 of the series.
    phase: usize,
    /// The recent level.
    pub(crate) centre: f32,
    /// One unit of every value here.
    pub(crate) scale: f32,
    /// Half widths of smoothing around a step of an earlier day.
    widths: [isize; 3],
    local: &'a Local,
    /// The local path.
    path: Vec<f32>,
    columns: [f32; ORIGIN_COLUMNS],
}

/// Ranges of steps ahead, each about as much longer than the one before.
pub(crate) const RANGES: usize = 10;

/// Which range a step ahead is in.
pub(crate) fn range_of(ahead: usize, horizon: usize) -> usize {
    let share = ((ahead + 1) as f64).ln() / ((horizon.max(2)) as f64).ln();
    ((share * RANGES as f64) as usize).min(RANGES - 1)
}

impl Shape {
    /// Step of the week at `step` since the epoch.
    pub(crate) fn phase_at(self, step: i64) -> usize {
        step.rem_euclid(self.week as i64) as usize
    }

    /// The backward windows: geometric up to a day, then three days and a week.
    fn windows(self) -> [isize; WINDOWS] {
        let inside = WINDOWS - 2;
        let ratio = (self.season as f64).powf(1.0 / (inside - 1) as f64);
        std::array::from_fn(|index| match index {
            _ if index < inside => ratio.powi(index as i32).round() as isize,
            _ if index == inside => 3 * self.season as isize,
            _ => self.week as isize,
        })
    }
}

impl<'a> View<'a> {
    /// `None` where nothing is known before `origin`.
    pub(crate) fn new(
        past: &'a Past,
        local: &'a Local,
        shape: Shape,
        origin: usize,
        phase: usize,
    ) -> Option<Self> {
        let end = origin as isize;
        let windows = shape.windows();
        let centre = windows[2..]
            .iter()
            .map(|window| past.mean(end - window, end))
            .find(|mean| !mean.is_nan())?;
        let scale = scale(past, shape, end);
        let season = shape.season as isize;
        let widths = [0, (season / 96).max(1), (season / 24).max(2)];
        let columns = [0.0; ORIGIN_COLUMNS];
        let mut view = Self {
            past,
            shape,
            origin: end,
            phase,
            centre,
            scale,
            widths,
            local,
            path: local.path(past, origin, shape.horizon),
            columns,
        };
        view.columns = view.origin_columns(&windows);
        Some(view)
    }

    /// In units of the view.
    pub(crate) fn standardise(&self, value: f32) -> f32 {
        ((value - self.centre) / self.scale).clamp(-FURTHEST, FURTHEST)
    }

    /// Whether the series has not changed as far as can be seen.
    pub(crate) fn is_constant(&self) -> bool {
        let from = self.origin - 2 * self.shape.week as isize;
        self.past.change(0, from, self.origin) == 0.0
    }

    fn origin_columns(&self, windows: &[isize; WINDOWS]) -> [f32; ORIGIN_COLUMNS] {
        let mut columns = [f32::NAN; ORIGIN_COLUMNS];
        let (past, end) = (self.past, self.origin);
        let mut next = columns.iter_mut();
        let mut tell = |value: f32| *next.next().expect("as many as are told") = value;
        tell(self.standardise(past.last(end as usize, windows[3] as usize)));
        windows[1..].iter().for_each(|window| tell(self.standardise(past.mean(end - window, end))));
        for window in &windows[WINDOWS - DEVIATIONS..] {
            tell(cut(past.variance(end - window, end).sqrt() / self.scale));
        }
        let from = (end - self.shape.season as isize).max(0) as usize;
        let mut day: Vec<f32> = past.window(from, end as usize).collect();
        day.sort_unstable_by(f32::total_cmp);
        for order in ORDERS {
            tell(self.order(&day, order));
        }
        let (week, long) = (self.shape.week as isize, end - 2 * self.shape.week as isize);
        let variance = past.variance(long, end).max(f32::MIN_POSITIVE);
        // One minus these halved are autocorrelations at a step, a day and a week.
        (2..2 + LAGS as isize).for_each(|back| tell(self.standardise(past.at(end - back))));
        (0..3).for_each(|lag| tell(cut(past.squared_change(lag, long, end) / variance)));
        tell(cut(past.change(1, end - self.shape.season as isize, end) / self.scale));
        tell(cut(past.change(1, end - week, end) / self.scale));
        // How far it is to zero, below which no demand falls.
        tell(cut(self.centre / self.scale));
        tell(cut(past.change(0, long, end) / self.scale));
        columns
    }

    /// The row of the step `ahead` (0 is the first unknown one).
    pub(crate) fn row(&self, ahead: usize, row: &mut [f32]) {
        let (of_origin, rest) = row.split_at_mut(ORIGIN_COLUMNS);
        of_origin.copy_from_slice(&self.columns);
        let (of_days, rest) = rest.split_at_mut(DAY_COLUMNS);
        self.tell_days(ahead, of_days);
        let (of_orders, of_cycles) = rest.split_at_mut(SAME_TIME_ORDERS.len());
        self.tell_orders(ahead, of_orders);
        self.tell_cycles(ahead, of_cycles);
    }

    fn target(&self, ahead: usize) -> isize {
        self.origin + ahead as isize
    }

    /// The mean around `index`; what is smoothed over must have been known.
    fn around(&self, index: isize, width: isize) -> f32 {
        self.past.mean(index - width, (index + width + 1).min(self.origin))
    }

    /// How far the series went in the same hours, `back` steps ago: from the level before the origin to the step ahead.
    fn increment(&self, ahead: usize, back: isize, width: isize) -> f32 {
        let window = self.shape.windows()[2];
        let before = self.past.mean(self.origin - back - window, self.origin - back);
        ((self.around(self.target(ahead) - back, width) - before) / self.scale)
            .clamp(-FURTHEST, FURTHEST)
    }

    /// The same time of earlier days and of the week before, and the time itself.
    fn tell_days(&self, ahead: usize, row: &mut [f32]) {
        let (season, week) = (self.shape.season as isize, self.shape.week as isize);
        let [sharp, near, wide] = self.widths;
        let (target, first) = (self.target(ahead), ahead as isize / season + 1);
        let same_time =
            |back: isize, width: isize| self.standardise(self.around(target - back, width));
        let (mut days, mut increments) = (Moments::default(), Moments::default());
        for day in first..first + DAYS as isize {
            days.take(same_time(day * season, near));
            increments.take(self.increment(ahead, day * season, near));
        }
        let week_back = (ahead as isize / week + 1) * week;
        let mut weeks = Moments::default();
        (0..WEEKS).for_each(|more| weeks.take(same_time(week_back + more * week, near)));
        let step_of_week = (self.phase as isize + target).rem_euclid(week);
        let told: [f32; DAY_COLUMNS] = [
            same_time(first * season, sharp),
            same_time(first * season, near),
            same_time(first * season, wide),
            same_time((first + 1) * season, near),
            days.mean(),
            days.deviation(),
            days.least,
            days.largest,
            increments.mean(),
            increments.deviation(),
            same_time(week_back, near),
            same_time(week_back, wide),
            self.increment(ahead, week_back, near),
            (step_of_week % season) as f32 / season as f32,
            (step_of_week / season) as f32,
            ahead as f32 / season as f32,
            self.increment(ahead, first * season, wide),
            days.count / DAYS as f32,
            weeks.mean(),
            weeks.deviation(),
        ];
        row.copy_from_slice(&told);
    }

    /// Order statistics of the single values around the same time of earlier days: what the spikes of this hour are like.
    fn tell_orders(&self, ahead: usize, row: &mut [f32]) {
        let season = self.shape.season as isize;
        let (target, first) = (self.target(ahead), ahead as isize / season + 1);
        let width = self.widths[1].min(MOST_AROUND);
        let mut values = [0.0_f32; DAYS * (2 * MOST_AROUND as usize + 1)];
        let mut count = 0;
        for day in first..first + DAYS as isize {
            let middle = target - day * season;
            for value in (middle - width..(middle + width + 1).min(self.origin))
                .map(|index| self.past.at(index))
            {
                if !value.is_nan() {
                    values[count] = value;
                    count += 1;
                }
            }
        }
        let values = &mut values[..count];
        values.sort_unstable_by(f32::total_cmp);
        for (column, order) in row.iter_mut().zip(SAME_TIME_ORDERS) {
            *column = self.order(values, order);
        }
    }

    fn order(&self, ascending: &[f32], order: f32) -> f32 {
        let rank = (order * (ascending.len().max(1) - 1) as f32).round() as usize;
        ascending.get(rank).map_or(f32::NAN, |value| self.standardise(*value))
    }

    /// What its autoregression expects, and the same minute of earlier hours and of earlier rounds of its short period.
    fn tell_cycles(&self, ahead: usize, row: &mut [f32]) {
        let cycles = |period: usize, rounds: isize| {
            let period = period.max(1) as isize;
            let first = ahead as isize / period + 1;
            let value =
                |back: isize| self.standardise(self.past.at(self.target(ahead) - back * period));
            let mut moments = Moments::default();
            (first..first + rounds).for_each(|back| moments.take(value(back)));
            [value(first), moments.mean(), moments.deviation()]
        };
        row[0] = self.standardise(self.path[ahead]);
        row[1..4].copy_from_slice(&cycles(self.shape.season / 24, HOURS));
        let of_period =
            if self.local.period > 0 { cycles(self.local.period, ROUNDS) } else { [f32::NAN; 3] };
        row[4..7].copy_from_slice(&of_period);
        row[7] = self.local.strength;
    }
}

/// At most [`FURTHEST`]; what is missing stays so.
fn cut(value: f32) -> f32 {
    if value > FURTHEST { FURTHEST } else { value }
}

/// The typical change from one day to the next; where no day has passed, that of a step, grown; where nothing has changed,
/// a small share of the level.
fn scale(past: &Past, shape: Shape, end: isize) -> f32 {
    let from = end - 2 * shape.week as isize;
    let daily = past.change(1, from, end);
    let step = past.change(0, from, end);
    let level = past.mean(from, end).abs();
    let typical = if daily.is_nan() { step * 1.5 } else { daily.max(0.1 * step) };
    let least = (1e-4 * level).max(1e-6);
    if typical.is_nan() { least } else { typical.max(least) }
}

/// Mean, deviation and range of what is not NaN.
#[derive(Debug, Clone, Copy)]
struct Moments {
    sum: f32,
    square: f32,
    count: f32,
    least: f32,
    largest: f32,
}

impl Default for Moments {
    fn default() -> Self {
        Self { sum: 0.0, square: 0.0, count: 0.0, least: f32::NAN, largest: f32::NAN }
    }
}

impl Moments {
    fn take(&mut self, value: f32) {
        if value.is_nan() {
            return;
        }
        self.sum += value;
        self.square += value * value;
        self.count += 1.0;
        self.least = self.least.min(value);
        self.largest = self.largest.max(value);
    }

    fn mean(&self) -> f32 {
        if self.count == 0.0 { f32::NAN } else { self.sum / self.count }
    }

    fn deviation(&self) -> f32 {
        if self.count < 2.0 {
            return f32::NAN;
        }
        let mean = self.sum / self.count;
        (self.square / self.count - mean * mean).max(0.0).sqrt()
    }
}
