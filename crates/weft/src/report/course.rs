//! How it went over time: small multiples, a row for each policy and a column for each measure. All
//! panels of a measure share one scale and all panels share the time axis, so that what lies under
//! one another can be compared. Long runs are drawn in buckets, mean and extremes: a short spike
//! must never vanish in an average.

use weft_core::time::{Span, Step};
use weft_sim::backtest::outcome::{CourseStep, Outcome, PolicyRow};

use super::calendar::Period;
use super::markup::{WATTS, coordinate, escape, fixed, significant, unit};
use super::palette;
use super::scale::{APART, Scale, crowd};

/// Most buckets in a panel: at the widest about one for two pixels.
const BUCKETS: usize = 240;
/// A panel's plot in its own units; the style sheet stretches it to the screen.
const WIDTH: f64 = 1_000.0;
const HEIGHT: f64 = 100.0;
/// Parts that the ticks of a panel's upright axis cut it into, at most.
const HEIGHTS: usize = 3;
/// Ticks of time in a panel, and in the wide panel of demand.
const TIMES: usize = 4;
const WIDE_TIMES: usize = 8;

/// One column of the small multiples.
struct Measure {
    key: &'static str,
    title: &'static str,
    unit: &'static str,
    /// How many of the step's units make one of the chart's.
    size: f64,
    of: fn(&CourseStep) -> f64,
    top: Top,
    scale: Scale,
    /// The greatest top that the scale was made for; rows above it get a scale of their own.
    limit: f64,
}

/// What a scale has to hold of a row.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Top {
    /// Everything: no shortage and no burst of moves may be cut off.
    Peak,
    /// A level without a short start: before the first packing every host is on, and a scale for
    /// that would hide all that follows. What is higher is cut at the top; the peak is written
    /// beside.
    Settled,
}

/// The share of a course that may be a start, a bit over an hour of a day: a policy waits about an
/// hour for its first samples before it packs.
const START: f64 = 0.05;

/// A stretch of steps drawn as one: where its middle lies, and its mean and extremes.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Bucket {
    at: f64,
    mean: f64,
    low: f64,
    high: f64,
}

/// The length of what is drawn, or none where no row has a course.
pub(super) fn period(outcome: &Outcome) -> Option<Period> {
    let steps = || outcome.policies.iter().flat_map(|row| &row.course);
    let begin = steps().map(|step| step.at).min()?;
    let last = steps().map(|step| step.at).max()?;
    Some(Period { begin, end: last + step_of(outcome) })
}

/// The distance between two steps; the usual one where a course has a single step.
pub(super) fn step_of(outcome: &Outcome) -> Span {
    let pairs = outcome.policies.iter().flat_map(|row| row.course.windows(2));
    let distances = pairs.map(|pair| pair[1].at - pair[0].at).filter(|span| *span > Span::ZERO);
    distances.min().unwrap_or(Step::default().span())
}

/// All panels, or a sentence where there is nothing to draw.
pub(super) fn course(outcome: &Outcome) -> String {
    let Some(period) = period(outcome) else {
        return "<p class=\"empty\">No row recorded its course.</p>\n".to_owned();
    };
    let drawn = |index: &usize| !outcome.policies[*index].course.is_empty();
    let (rest, shown): (Vec<usize>, Vec<usize>) =
        (0..outcome.policies.len()).filter(drawn).partition(|index| is_rest(outcome, *index));
    let drawing = Drawing { outcome, period, step: step_of(outcome), measures: measures(outcome) };
    let demand = drawing.demand(shown[0]);
    let (shown, rest) = (drawing.rows(&shown), drawing.rest(&rest));
    format!("{demand}{shown}{rest}")
}

/// Whether a row is another confidence of a policy that is shown already: a sweep is shown by the
/// row that the verdict compares, else by its first.
fn is_rest(outcome: &Outcome, index: usize) -> bool {
    let same: Vec<usize> = (0..outcome.policies.len())
        .filter(|other| outcome.policies[*other].policy == outcome.policies[index].policy)
        .filter(|other| !outcome.policies[*other].course.is_empty())
        .collect();
    let compared = [outcome.verdict.predictive, outcome.verdict.against];
    let shown = same.iter().find(|other| compared.contains(&Some(**other)));
    shown.or(same.first()) != Some(&index)
}

fn measures(outcome: &Outcome) -> Vec<Measure> {
    let (tops, limit) = tops(outcome, |step| step.watts, Top::Settled);
    let greatest = tops.into_iter().filter(|top| *top <= limit).fold(0.0, f64::max);
    let (size, name) = unit(greatest, WATTS);
    vec![
        measure(outcome, ("power", "Fleet power", name), size, |step| step.watts, Top::Settled),
        measure(
            outcome,
            ("hosts", "Active hosts", ""),
            1.0,
            |step| step.active_hosts,
            Top::Settled,
        ),
        measure(
            outcome,
            ("unserved", "Unserved", "cores"),
            1.0,
            |step| step.unserved_cores,
            Top::Peak,
        ),
        measure(
            outcome,
            ("moves", "Moves", "per step"),
            1.0,
            |step| step.migrations as f64,
            Top::Peak,
        ),
    ]
}

fn measure(
    outcome: &Outcome,
    (key, title, unit): (&'static str, &'static str, &'static str),
    size: f64,
    of: fn(&CourseStep) -> f64,
    top: Top,
) -> Measure {
    let (tops, limit) = tops(outcome, of, top);
    let shared = tops.iter().filter(|top| **top <= limit).map(|top| top / size);
    let scale = Scale::from_zero(&shared.collect::<Vec<_>>(), HEIGHTS);
    Measure { key, title, unit, size, of, top, scale, limit }
}

/// The tops of all rows, and the greatest that shares a scale with the others.
fn tops(outcome: &Outcome, of: fn(&CourseStep) -> f64, top: Top) -> (Vec<f64>, f64) {
    let tops: Vec<f64> = outcome.policies.iter().filter_map(|row| top.of(row, of)).collect();
    let limit = crowd(&tops).unwrap_or(f64::INFINITY);
    (tops, limit)
}

impl Top {
    fn of(self, row: &PolicyRow, of: fn(&CourseStep) -> f64) -> Option<f64> {
        let peak = peak(row, of)?;
        let level = level(row, of).unwrap_or(peak);
        let has_start = level > 0.0 && peak >= APART * level;
        Some(if self == Self::Settled && has_start { level } else { peak })
    }
}

/// The greatest value of a row, without what is no number.
fn peak(row: &PolicyRow, of: fn(&CourseStep) -> f64) -> Option<f64> {
    row.course.iter().map(of).filter(|value| value.is_finite()).reduce(f64::max)
}

/// The greatest value of a row after its start.
fn level(row: &PolicyRow, of: fn(&CourseStep) -> f64) -> Option<f64> {
    let start = (row.course.len() as f64 * START) as usize;
    let values = row.course[start..].iter().map(of).filter(|value| value.is_finite());
    values.reduce(f64::max)
}

impl Measure {
    fn named(&self) -> String {
        let Self { title, unit, .. } = self;
        if unit.is_empty() {
            (*title).to_owned()
        } else {
            format!("{title} <span class=\"unit\">{unit}</span>")
        }
    }

    /// Whether the row's top stands so far apart that it has a scale of its own.
    fn is_apart(&self, row: &PolicyRow) -> bool {
        self.top.of(row, self.of).is_some_and(|top| top > self.limit)
    }

    /// The measure as the row is drawn in it: with a scale of its own where it stands apart.
    fn fitted(&self, row: &PolicyRow) -> Measure {
        let own = self.top.of(row, self.of).filter(|top| *top > self.limit);
        let scale = own.map_or(self.scale, |top| Scale::from_zero(&[top / self.size], HEIGHTS));
        Measure { scale, ..*self }
    }

    /// Whether a row's start is higher than the scale.
    fn is_cut(&self, row: &PolicyRow) -> bool {
        let high = self.fitted(row).scale.high() * self.size;
        peak(row, self.of).is_some_and(|peak| peak > high)
    }

    /// Height of a value in the plot, from the top.
    fn y(&self, value: f64) -> f64 {
        HEIGHT * (1.0 - self.scale.position(value).clamp(0.0, 1.0))
    }
}

/// What all panels share.
struct Drawing<'a> {
    outcome: &'a Outcome,
    period: Period,
    step: Span,
    measures: Vec<Measure>,
}

impl Drawing<'_> {
    /// What the workloads asked for: the same under every policy, so drawn once.
    fn demand(&self, index: usize) -> String {
        let names = ("demand", "Requested", "cores");
        let measure = measure(self.outcome, names, 1.0, |step| step.requested_cores, Top::Peak);
        let row = &self.outcome.policies[index];
        let panel = self.panel(row, &measure, &self.drawn(row, &measure, ""), WIDE_TIMES);
        let Period { begin, end } = self.period;
        let (begin, end) = (begin.as_millis(), end.as_millis());
        format!(
            "<div class=\"demand\" data-begin=\"{begin}\" data-end=\"{end}\">\n<h3>Demand <span \
             class=\"confidence\">the same for every policy</span></h3>\n{panel}</div>\n"
        )
    }

    fn rows(&self, indices: &[usize]) -> String {
        let heading = |measure: &Measure| format!("<span>{}</span>", measure.named());
        let headings: String = self.measures.iter().map(heading).collect();
        let rows: String = indices.iter().map(|index| self.row(*index)).collect();
        format!(
            "<div class=\"multiples\">\n<div class=\"headings\" aria-hidden=\"true\"><span></span>\
             {headings}</div>\n{rows}</div>\n"
        )
    }

    /// The other confidences of sweeps, folded away.
    fn rest(&self, indices: &[usize]) -> String {
        if indices.is_empty() {
            return String::new();
        }
        let (count, rows) = (indices.len(), self.rows(indices));
        let noun = if count == 1 { "setting" } else { "settings" };
        format!("<details>\n<summary>{count} other {noun}</summary>\n{rows}</details>\n")
    }

    fn row(&self, index: usize) -> String {
        let row = &self.outcome.policies[index];
        let panels: String = self.measures.iter().map(|m| self.cell(index, row, m)).collect();
        let (heading, class) = (palette::heading(row), palette::class(&row.policy));
        format!(
            "<div class=\"multiple c-{class}\" data-policy=\"{}\">\n<h3>{heading}</h3>\n\
             {panels}</div>\n",
            escape(&row.policy)
        )
    }

    fn cell(&self, index: usize, row: &PolicyRow, measure: &Measure) -> String {
        let ghost = self.ghost(index, measure);
        let id = format!(" id=\"{}-{index}\"", measure.key);
        let fitted = measure.fitted(row);
        self.panel(row, &fitted, &(ghost + &self.drawn(row, &fitted, &id)), TIMES)
    }

    /// The line of the policy that the verdict compares with, pale behind another's; none where the
    /// two have different scales.
    fn ghost(&self, index: usize, measure: &Measure) -> String {
        let row = |index: usize| {
            let row = self.outcome.policies.get(index);
            row.filter(|row| !row.course.is_empty() && !measure.is_apart(row))
        };
        match self.outcome.verdict.against {
            Some(other) if other != index && row(other).is_some() && row(index).is_some() => {
                format!("<use class=\"ghost\" href=\"#{}-{other}\"/>", measure.key)
            }
            _ => String::new(),
        }
    }

    /// Band of extremes, area below the mean, and the mean.
    fn drawn(&self, row: &PolicyRow, measure: &Measure, id: &str) -> String {
        let buckets = self.buckets(row, measure);
        let line = |value: fn(&Bucket) -> f64| -> Vec<String> {
            let at = |bucket: &Bucket| {
                format!("{} {}", coordinate(bucket.at), coordinate(measure.y(value(bucket))))
            };
            buckets.iter().map(at).collect()
        };
        let (mean, high, mut low) = (line(|b| b.mean), line(|b| b.high), line(|b| b.low));
        let (Some(first), Some(last)) = (buckets.first(), buckets.last()) else {
            return String::new();
        };
        low.reverse();
        let (first, last) = (coordinate(first.at), coordinate(last.at));
        let (mean, high, low) = (mean.join("L"), high.join("L"), low.join("L"));
        let band = if high == mean {
            String::new()
        } else {
            format!("<path class=\"band\" d=\"M{high}L{low}z\"/>")
        };
        format!(
            "{band}<path class=\"fill\" d=\"M{first} {HEIGHT}L{mean}L{last} {HEIGHT}z\"/>\
             <g class=\"ink\"><path class=\"line\"{id} d=\"M{mean}\"/></g>"
        )
    }

    /// The row's steps in at most [`BUCKETS`] stretches of equally many, each at its middle; the
    /// first and the last reach to the ends of the course.
    fn buckets(&self, row: &PolicyRow, measure: &Measure) -> Vec<Bucket> {
        let per_bucket = self.per_bucket();
        let mut buckets: Vec<Bucket> =
            row.course.chunks(per_bucket).filter_map(|steps| self.bucket(steps, measure)).collect();
        if let (Some(first), Some(last)) = (row.course.first(), row.course.last()) {
            let (begin, end) = (self.x(first, Span::ZERO), self.x(last, self.step));
            let ends = (buckets.first().copied(), buckets.last().copied());
            if let (Some(head), Some(tail)) = ends {
                buckets.insert(0, Bucket { at: begin, ..head });
                buckets.push(Bucket { at: end, ..tail });
            }
        }
        buckets
    }

    fn per_bucket(&self) -> usize {
        let rows = self.outcome.policies.iter();
        let longest = rows.map(|row| row.course.len()).max().unwrap_or(0);
        // A day of five-minute steps is still drawn step by step.
        if longest <= BUCKETS * 5 / 4 { 1 } else { longest.div_ceil(BUCKETS) }
    }

    fn bucket(&self, steps: &[CourseStep], measure: &Measure) -> Option<Bucket> {
        let values = steps.iter().map(measure.of).map(|value| value / measure.size);
        let values: Vec<f64> = values.filter(|value| value.is_finite()).collect();
        let (first, last) = (steps.first()?, steps.last()?);
        let low = values.iter().copied().reduce(f64::min)?;
        let high = values.iter().copied().reduce(f64::max)?;
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let at = (self.x(first, Span::ZERO) + self.x(last, self.step)) / 2.0;
        Some(Bucket { at, mean, low, high })
    }

    fn x(&self, step: &CourseStep, later: Span) -> f64 {
        WIDTH * self.period.position(step.at + later)
    }

    fn panel(&self, row: &PolicyRow, measure: &Measure, marks: &str, times: usize) -> String {
        let times = self.period.ticks(times);
        let (grid, top) = (grid(measure, &times), coordinate(measure.scale.high()));
        let (heights, hours) = (heights(measure), hours(&times));
        let (named, peak) = (measure.named(), peak_text(row, measure));
        let own = if measure.is_apart(row) { "<span class=\"own\">own scale</span>" } else { "" };
        let label = escape(&format!("{}, {}: {peak}", palette::name(row), measure.title));
        format!(
            "<figure class=\"panel\">\n<figcaption>{named}</figcaption>\n\
             <div class=\"plot\" data-top=\"{top}\">{heights}\
             <svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" preserveAspectRatio=\"none\" role=\"img\" \
             aria-label=\"{label}\">{grid}{marks}</svg>\
             <span class=\"peak\">{peak}</span>{own}</div>\n\
             <div class=\"times\" aria-hidden=\"true\">{hours}</div>\n</figure>\n"
        )
    }
}

/// The greatest value of a row, in words.
fn peak_text(row: &PolicyRow, measure: &Measure) -> String {
    match peak(row, measure.of) {
        Some(peak) => format!("peak {}", significant(peak / measure.size)),
        None => "no figures".to_owned(),
    }
}

fn grid(measure: &Measure, times: &[(f64, String)]) -> String {
    let across = measure.scale.ticks(HEIGHTS).into_iter().map(|(value, _)| {
        let y = coordinate(measure.y(value));
        format!("M0 {y}H{WIDTH}")
    });
    let down =
        times.iter().map(|(position, _)| format!("M{} 0V{HEIGHT}", coordinate(position * WIDTH)));
    let lines: String = across.chain(down).collect();
    format!("<path class=\"lines\" d=\"{lines}\"/>")
}

/// Labels of the upright axis, in percent of its height.
fn heights(measure: &Measure) -> String {
    let label = |(value, label): (f64, String)| {
        let bottom = coordinate(100.0 - measure.y(value));
        format!("<span class=\"height\" style=\"bottom:{bottom}%\">{label}</span>")
    };
    measure.scale.ticks(HEIGHTS).into_iter().map(label).collect()
}

/// Labels of the time axis, in percent of its width; every other one gives way on small screens.
fn hours(times: &[(f64, String)]) -> String {
    let label = |(index, (position, label)): (usize, &(f64, String))| {
        let left = coordinate(position * 100.0);
        let class = match (index % 2, *position) {
            (1, _) => "time second",
            (_, position) if position < 0.02 => "time first",
            (_, position) if position > 0.98 => "time last",
            _ => "time",
        };
        format!("<span class=\"{class}\" style=\"left:{left}%\">{label}</span>")
    };
    times.iter().enumerate().map(label).collect()
}

/// How the panels are to be read.
pub(super) fn caption(outcome: &Outcome) -> String {
    let Some(period) = period(outcome) else { return String::new() };
    let drawing = Drawing { outcome, period, step: step_of(outcome), measures: measures(outcome) };
    let against = outcome.verdict.against.and_then(|index| outcome.policies.get(index));
    let ghost = against.map_or(String::new(), |row| {
        format!(" The grey line in each panel is {}.", escape(&palette::name(row)))
    });
    let bucket = match drawing.per_bucket() {
        1 => format!("Each point is one step of {}.", drawing.step),
        count => format!(
            "Each point is the mean of {} steps of {}; the pale band holds their extremes.",
            fixed(count as f64, 0),
            drawing.step
        ),
    };
    let is_cut = |row: &PolicyRow| drawing.measures.iter().any(|measure| measure.is_cut(row));
    let cut = if outcome.policies.iter().any(is_cut) {
        " A start far above what follows is cut at the top; its peak is written beside."
    } else {
        ""
    };
    format!("{bucket} Panels in a column share their scale, all share the time axis.{ghost}{cut}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::example;

    fn drawing(outcome: &Outcome) -> Drawing<'_> {
        let period = period(outcome).expect("the example has a course");
        Drawing { outcome, period, step: step_of(outcome), measures: measures(outcome) }
    }

    #[test]
    fn a_long_course_is_thinned_and_keeps_its_extremes() {
        let outcome = example::four_weeks();
        let drawing = drawing(&outcome);
        let (row, unserved) = (&outcome.policies[2], &drawing.measures[2]);
        let buckets = drawing.buckets(row, unserved);
        assert!(buckets.len() <= BUCKETS + 2, "{}", buckets.len());
        let peak = row.course.iter().map(|step| step.unserved_cores).fold(0.0, f64::max);
        assert_eq!(buckets.iter().map(|bucket| bucket.high).fold(0.0, f64::max), peak);
        assert!(buckets.iter().all(|b| b.low <= b.mean && b.mean <= b.high));
    }

    #[test]
    fn a_bucket_is_the_mean_of_its_steps() {
        let outcome = example::day();
        let drawing = drawing(&outcome);
        let steps = &outcome.policies[2].course[..4];
        let bucket = drawing.bucket(steps, &drawing.measures[3]).expect("four finite values");
        let moves: u64 = steps.iter().map(|step| step.migrations).sum();
        assert_eq!(bucket.mean, moves as f64 / 4.0);
        assert!((bucket.at - WIDTH * 2.0 / 288.0).abs() < 1e-9, "{}", bucket.at);
    }

    #[test]
    fn a_sweep_is_shown_by_the_compared_row() {
        let outcome = example::day();
        let rest: Vec<usize> =
            (0..outcome.policies.len()).filter(|index| is_rest(&outcome, *index)).collect();
        assert_eq!(rest, [5, 6, 8, 9]);
    }

    #[test]
    fn a_row_that_stands_apart_has_its_own_scale() {
        let outcome = example::day();
        let drawing = drawing(&outcome);
        let power = &drawing.measures[0];
        let is_apart = |index: usize| power.is_apart(&outcome.policies[index]);
        assert!(is_apart(0) && !is_apart(1));
        assert!(power.fitted(&outcome.policies[0]).scale.high() > 2.0 * power.scale.high());
        assert!(drawing.ghost(0, power).is_empty() && drawing.ghost(1, power).contains("power-4"));
    }

    #[test]
    fn a_start_is_cut_and_a_shortage_is_not() {
        let mut outcome = example::day();
        outcome.policies.drain(..1);
        for row in &mut outcome.policies {
            (row.course[0].watts, row.course[0].unserved_cores) = (90_000.0, 900.0);
        }
        let measures = measures(&outcome);
        let row = &outcome.policies[0];
        assert!(measures[0].is_cut(row) && measures[0].scale.high() < 20.0);
        assert!(!measures[2].is_cut(row) && measures[2].scale.high() >= 900.0);
        assert!(caption(&outcome).contains("cut at the top"));
        assert_eq!(peak_text(row, &measures[0]), "peak 90.0");
    }

    #[test]
    fn one_step_is_a_line_from_end_to_end() {
        let mut outcome = example::day();
        outcome.policies.truncate(1);
        outcome.policies[0].course.truncate(1);
        let drawing = drawing(&outcome);
        let buckets = drawing.buckets(&outcome.policies[0], &drawing.measures[0]);
        assert_eq!((buckets[0].at, buckets[buckets.len() - 1].at), (0.0, WIDTH));
    }
}
