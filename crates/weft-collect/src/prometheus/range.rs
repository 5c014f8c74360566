//! Ranges on a grid, asked for in parts: no part has more than [`MOST_POINTS`] instants, parts are halved
//! where one is too much for the server or the limit of bytes, and grow while answers are small. Parts are
//! handed on in order as they come, so that a long range of a large fleet never lies in memory as JSON.

use std::collections::BTreeMap;
use std::thread;

use weft_core::time::{Span, Step, Timestamp};

use super::answer::{Labels, Matrix, RangeSeries};
use super::{Answered, Client, PrometheusError, QUERY_TIMEOUT_SECONDS, keep_once, seconds};

/// The most points of a series that Prometheus gives in one answer.
pub const MOST_POINTS: usize = 11_000;

/// The first part of a range: a day of 5-minute steps, which servers cache and answer well.
const FIRST_PART: usize = 288;

/// A part whose answer took less than this share of the limit of bytes lets the next be twice as long.
const SMALL_SHARE: u64 = 8;

/// The instants `start`, `start + step`, … in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grid {
    start: Timestamp,
    step: Step,
    count: usize,
}

impl Grid {
    /// The instants of `step`'s grid from the last at or before `start` to the last at or before `end`.
    pub fn new(start: Timestamp, end: Timestamp, step: Step) -> Self {
        let (start, end) = (start.floor(step), end.floor(step));
        let count = if end < start { 0 } else { (end - start).whole_steps(step) + 1 };
        Self { start, step, count }
    }

    /// The instants from `end` backwards in paces of `step`, whatever its grid, back to `start` or before.
    pub fn ending(start: Timestamp, end: Timestamp, step: Step) -> Self {
        let back = (end - start).as_millis().max(0) as u64;
        let steps = back.div_ceil(step.span().as_millis() as u64);
        Self { start: end - step.span() * steps as i64, step, count: steps as usize + 1 }
    }

    /// The first instant.
    pub const fn start(&self) -> Timestamp {
        self.start
    }

    /// The distance between two instants.
    pub const fn step(&self) -> Step {
        self.step
    }

    /// How many instants there are.
    pub const fn len(&self) -> usize {
        self.count
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The instant at `position`.
    pub fn at(&self, position: usize) -> Timestamp {
        self.start + self.step.span() * position as i64
    }

    /// Where `at` stands on the grid, if it is one of its instants.
    pub fn position(&self, at: Timestamp) -> Option<usize> {
        let span: Span = at - self.start;
        let is_on = span.as_millis() >= 0 && span.as_millis() % self.step.span().as_millis() == 0;
        Some(span.whole_steps(self.step)).filter(|position| is_on && *position < self.count)
    }
}

/// One series of a part: its labels, and its values with their positions on the grid, in order; gaps
/// are left out.
pub type Part = Vec<(Labels, Vec<(usize, f64)>)>;

/// One series on a grid.
#[derive(Debug, Clone, PartialEq)]
pub struct Track {
    /// Its labels.
    pub labels: Labels,
    /// One value for each instant of the grid; none for a gap.
    pub values: Vec<Option<f64>>,
}

/// All series of a query on one grid.
#[derive(Debug, Clone, PartialEq)]
pub struct Range {
    /// The instants.
    pub grid: Grid,
    /// The series, ordered by their labels.
    pub tracks: Vec<Track>,
}

/// What is asked for next: the first position and how many.
type Wanted = (usize, usize);

/// How long parts are.
struct Pace {
    part: usize,
    /// What was too much once is too much again.
    ceiling: usize,
}

impl Pace {
    fn shrink(&mut self, was: usize) {
        self.part = (was / 2).max(1);
        self.ceiling = self.part;
    }

    fn grow(&mut self) {
        self.part = (self.part * 2).min(self.ceiling);
    }

    /// The next parts, at most `concurrency` of them.
    fn next(&self, done: usize, len: usize, concurrency: usize) -> Vec<Wanted> {
        let starts = (done..len).step_by(self.part).take(concurrency);
        starts.map(|first| (first, self.part.min(len - first))).collect()
    }
}

impl Client {
    /// The values of `query` at every instant of `grid`.
    pub fn query_range(&self, query: &str, grid: Grid) -> Result<Answered<Range>, PrometheusError> {
        let mut tracks: BTreeMap<Labels, Vec<Option<f64>>> = BTreeMap::new();
        let warnings = self.query_parts(query, grid, |part| {
            for (labels, points) in part {
                let values = tracks.entry(labels).or_insert_with(|| vec![None; grid.len()]);
                for (position, value) in points {
                    values[position] = Some(value);
                }
            }
        })?;
        let track = |(labels, values)| Track { labels, values };
        let tracks = tracks.into_iter().map(track).collect();
        Ok(Answered { value: Range { grid, tracks }, warnings })
    }

    /// Hands the values of `query` on `grid` to `take`, part after part in the order of time; gives the
    /// warnings. What was handed on before an error stays handed on.
    pub fn query_parts(
        &self,
        query: &str,
        grid: Grid,
        mut take: impl FnMut(Part),
    ) -> Result<Vec<String>, PrometheusError> {
        let mut warnings = Vec::new();
        let mut pace = Pace { part: FIRST_PART, ceiling: MOST_POINTS };
        let mut done = 0;
        while done < grid.len() {
            let wanted = pace.next(done, grid.len(), self.concurrency);
            for (answer, (_, count)) in self.ask_for(query, grid, &wanted).into_iter().zip(wanted) {
                match answer {
                    Ok((answered, bytes)) => {
                        keep_once(&mut warnings, answered.warnings);
                        take(answered.value);
                        done += count;
                        if bytes < self.body_limit_bytes / SMALL_SHARE {
                            pace.grow();
                        }
                    }
                    Err(error) if error.is_too_much() && count > 1 => {
                        pace.shrink(count);
                        break; // what follows is asked for again, in its order
                    }
                    Err(error) if error.is_too_much() => {
                        let cause = Box::new(error);
                        return Err(PrometheusError::TooMuch { query: query.to_owned(), cause });
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(warnings)
    }

    fn ask_for(
        &self,
        query: &str,
        grid: Grid,
        wanted: &[Wanted],
    ) -> Vec<Result<(Answered<Part>, u64), PrometheusError>> {
        let ask = |wanted: &Wanted| self.part(query, grid, *wanted);
        let [first, others @ ..] = wanted else { return Vec::new() };
        thread::scope(|scope| {
            let others: Vec<_> = others.iter().map(|other| scope.spawn(|| ask(other))).collect();
            let mut answers = vec![ask(first)];
            for other in others {
                // A panic there is a defect; it shall not become an answer.
                answers.push(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
            }
            answers
        })
    }

    fn part(
        &self,
        query: &str,
        grid: Grid,
        (first, count): Wanted,
    ) -> Result<(Answered<Part>, u64), PrometheusError> {
        let start = seconds(grid.at(first));
        let end = seconds(grid.at(first + count - 1));
        let step = (grid.step().span().as_millis() / 1_000).to_string();
        let form = [
            ("query", query),
            ("start", &*start),
            ("end", &*end),
            ("step", &*step),
            ("timeout", QUERY_TIMEOUT_SECONDS),
        ];
        let (answered, bytes) = self.post::<Matrix>("query_range", query, &form)?;
        let place = |series: RangeSeries| self.placed(query, grid, (first, count), series);
        let value = answered.value.result.into_iter().map(place).collect::<Result<_, _>>()?;
        Ok((Answered { value, warnings: answered.warnings }, bytes))
    }

    /// The points of a series at their positions, which must be among those asked for and ascend.
    fn placed(
        &self,
        query: &str,
        grid: Grid,
        (first, count): Wanted,
        series: RangeSeries,
    ) -> Result<(Labels, Vec<(usize, f64)>), PrometheusError> {
        let mut least = first;
        let mut placed = Vec::with_capacity(series.values.len());
        for point in series.values {
            let position = grid.position(point.at).filter(|p| (least..first + count).contains(p));
            let Some(position) = position else {
                return Err(PrometheusError::Unasked {
                    address: self.address("query_range"),
                    query: query.to_owned(),
                    expected: "points at the instants asked for, in order",
                    found: format!("one at {}", point.at),
                });
            };
            least = position + 1;
            placed.extend(point.value.map(|value| (position, value)));
        }
        Ok((series.metric, placed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grid_has_its_instants_and_no_others() {
        let at = Timestamp::from_seconds;
        let grid = Grid::new(at(650), at(1_700), Step::FIVE_MINUTES);
        assert_eq!((grid.start(), grid.len(), grid.at(3)), (at(600), 4, at(1_500)));
        let positions = [1_500, 1_501, 1_800, 300].map(|seconds| grid.position(at(seconds)));
        assert_eq!(positions, [Some(3), None, None, None]);
        assert!(Grid::new(at(900), at(300), Step::FIVE_MINUTES).is_empty());
        let back = Grid::ending(at(0), at(1_000), Step::FIVE_MINUTES);
        assert_eq!((back.start(), back.len(), back.at(4)), (at(-200), 5, at(1_000)));
    }

    #[test]
    fn parts_follow_each_other_without_a_hole() {
        let mut pace = Pace { part: 4, ceiling: 10 };
        assert_eq!(pace.next(2, 9, 2), [(2, 4), (6, 3)]);
        pace.grow();
        pace.grow();
        assert_eq!(pace.part, 10);
        pace.shrink(10);
        pace.grow();
        assert_eq!(pace.part, 5, "what was too much once is not tried again");
        assert_eq!(pace.next(9, 9, 2), []);
    }
}
