//! The frontier: energy against unserved demand, every row a point, a sweep of confidences a curve.
//! It is drawn three times, for narrow, medium and wide screens, because a picture that is merely
//! shrunk loses its labels; the style sheet shows one of them. The oracle must never look like a
//! competitor.

use weft_sim::backtest::outcome::{Outcome, PolicyRow};

use super::markup::{coordinate, escape, percent, significant};
use super::palette::{self, ORACLE};
use super::place::{Area, LEADER_FROM, Wish, place};
use super::scale::{Lane, Scale, Vertical, crowd};

/// The size of a drawing and of what surrounds its plot, in its own units: at the widths where it
/// is shown, one unit is about one pixel at the browser's usual text size.
struct Frame {
    class: &'static str,
    width: f64,
    height: f64,
    margin: Area,
    ticks: (usize, usize),
}

const FRAMES: [Frame; 3] = [
    frame("narrow", (360.0, 430.0), (46.0, 10.0), (4, 5)),
    frame("medium", (680.0, 470.0), (56.0, 16.0), (7, 6)),
    frame("wide", (1_160.0, 520.0), (64.0, 24.0), (12, 7)),
];

const fn frame(
    class: &'static str,
    (width, height): (f64, f64),
    (left, right): (f64, f64),
    ticks: (usize, usize),
) -> Frame {
    let margin = Area { left, top: 34.0, right: width - right, bottom: height - 50.0 };
    Frame { class, width, height, margin, ticks }
}

/// Height of the lane for zero below a logarithmic axis.
const LANE: f64 = 44.0;
/// Width of the lane for a row whose energy stands apart, and of the break before it.
const FAR_LANE: f64 = 62.0;
const BREAK: f64 = 14.0;
/// Size of labels, and the width of a character in it: generous, since fonts differ.
const TEXT: f64 = 13.0;
const CHARACTER: f64 = 0.62 * TEXT;
const MARKER: f64 = 5.5;
/// How far apart points on a curve are that labels keep clear of.
const STRIDE: f64 = 6.0;

/// A row on the chart.
struct Point<'a> {
    index: usize,
    row: &'a PolicyRow,
    label: String,
    is_compared: bool,
    x: f64,
    y: f64,
}

/// What maps energy and unserved demand into one frame.
struct Axes<'a> {
    frame: &'a Frame,
    across: Scale,
    /// Energies too far from the rest for a common scale, each with a lane at the right.
    far: Vec<f64>,
    up: Vertical,
}

/// The chart in all three sizes, or a sentence where there is nothing to draw.
pub(super) fn frontier(outcome: &Outcome) -> String {
    let drawable = outcome.policies.iter().any(is_drawable);
    if !drawable {
        return "<p class=\"empty\">No row has figures to draw.</p>\n".to_owned();
    }
    FRAMES.iter().map(|frame| drawing(outcome, frame)).collect()
}

/// How the chart is to be read.
pub(super) fn caption(outcome: &Outcome) -> String {
    let far = Axes::of(outcome, &FRAMES[0]).far;
    let lane = if far.is_empty() {
        ""
    } else {
        " What stands far apart has a lane at the right, under its own figure."
    };
    let has_oracle = outcome.policies.iter().any(|row| row.policy == ORACLE);
    let bound = if has_oracle {
        " The hatched corner is better than the same planner that knows the future."
    } else {
        ""
    };
    format!(
        "Further left costs less energy, further down leaves less demand unserved. A curve joins \
         one policy’s settings.{bound}{lane}"
    )
}

fn is_drawable(row: &PolicyRow) -> bool {
    let is_amount = |value: f64| value.is_finite() && value >= 0.0;
    is_amount(row.energy_kwh) && is_amount(row.unserved_core_hours)
}

fn drawing(outcome: &Outcome, frame: &Frame) -> String {
    let axes = Axes::of(outcome, frame);
    let points = axes.points(outcome);
    let curves = curves(&points);
    let layers = [
        axes.grid(),
        axes.bound(&points),
        curves.iter().map(|curve| drawn_curve(curve)).collect(),
        drawn_points(&points, &curves, frame),
    ];
    let (class, width, height) = (frame.class, frame.width, frame.height);
    let layers = layers.concat();
    format!(
        "<svg class=\"chart frontier {class}\" viewBox=\"0 0 {width} {height}\" role=\"group\" \
         aria-label=\"Energy against unserved demand\">\n{layers}</svg>\n"
    )
}

impl<'a> Axes<'a> {
    fn of(outcome: &Outcome, frame: &'a Frame) -> Self {
        let rows = || outcome.policies.iter().filter(|row| is_drawable(row));
        let energy: Vec<f64> = rows().map(|row| row.energy_kwh).collect();
        let unserved: Vec<f64> = rows().map(|row| row.unserved_core_hours).collect();
        let up = Vertical::of(&unserved, frame.ticks.1);
        let limit = crowd(&energy).unwrap_or(f64::INFINITY);
        let (near, mut far): (Vec<f64>, Vec<f64>) =
            energy.into_iter().partition(|energy| *energy <= limit);
        far.sort_by(f64::total_cmp);
        far.dedup();
        Self { frame, across: Scale::around(&near), far, up }
    }

    fn x(&self, energy: f64) -> f64 {
        let (left, right) = (self.frame.margin.left, self.right());
        match self.far.iter().position(|far| *far == energy) {
            Some(lane) => right + BREAK + FAR_LANE * (lane as f64 + 0.5),
            None => left + (right - left) * self.across.position(energy),
        }
    }

    /// Where the scale ends and the lanes begin, if there are any.
    fn right(&self) -> f64 {
        let lanes = if self.far.is_empty() { 0.0 } else { BREAK };
        self.frame.margin.right - lanes - FAR_LANE * self.far.len() as f64
    }

    fn y(&self, unserved: f64) -> f64 {
        let (top, bottom) = (self.frame.margin.top, self.bottom());
        match self.up.position(unserved) {
            Some(position) => bottom - (bottom - top) * position,
            None => bottom + LANE / 2.0,
        }
    }

    /// Where the scale ends and the lane begins, if there is one.
    fn bottom(&self) -> f64 {
        self.frame.margin.bottom - self.up.lane.map_or(0.0, |_| LANE)
    }

    fn points<'r>(&self, outcome: &'r Outcome) -> Vec<Point<'r>> {
        let rows = outcome.policies.iter().enumerate().filter(|(_, row)| is_drawable(row));
        let compared = [outcome.verdict.predictive, outcome.verdict.against];
        let mut points: Vec<Point<'r>> = rows
            .map(|(index, row)| Point {
                index,
                row,
                label: String::new(),
                is_compared: compared.contains(&Some(index)),
                x: self.x(row.energy_kwh),
                y: self.y(row.unserved_core_hours),
            })
            .collect();
        name(&mut points);
        points
    }

    fn grid(&self) -> String {
        let Area { left, right, top, bottom } = self.frame.margin;
        let (across, up) = (self.vertical_lines(), self.horizontal_lines());
        let note = |is_logarithmic: bool| if is_logarithmic { ", log scale" } else { "" };
        let (x_note, y_note) =
            (note(self.across.is_logarithmic), note(self.up.scale.is_logarithmic));
        let middle = coordinate((left + right) / 2.0);
        let (caption, title) = (coordinate(bottom + 42.0), coordinate(top - 18.0));
        let (lane, far) = (self.lane(), self.far_lanes());
        format!(
            "<g class=\"grid\">\n{across}{up}{lane}{far}\
             <path class=\"frame\" d=\"M{left} {top}V{bottom}H{right}\"/>\n</g>\n\
             <text class=\"title\" x=\"{middle}\" y=\"{caption}\" text-anchor=\"middle\">\
             ← Energy, kWh{x_note}</text>\n\
             <text class=\"title\" x=\"6\" y=\"{title}\">↓ Unserved, core-hours{y_note}</text>\n"
        )
    }

    fn vertical_lines(&self) -> String {
        let Area { top, bottom, .. } = self.frame.margin;
        let line = |(value, label): &(f64, String)| {
            let (x, y) = (coordinate(self.x(*value)), coordinate(bottom + 20.0));
            format!(
                "<path d=\"M{x} {top}V{bottom}\"/>\
                 <text x=\"{x}\" y=\"{y}\" text-anchor=\"middle\">{label}</text>\n"
            )
        };
        self.across.ticks(self.frame.ticks.0).iter().map(line).collect()
    }

    fn horizontal_lines(&self) -> String {
        let Area { left, right, .. } = self.frame.margin;
        let line = |(value, label): &(f64, String)| {
            let height = self.bottom() - self.frame.margin.top;
            let y = self.bottom() - height * self.up.scale.position(*value);
            let (x, base, y) = (coordinate(left - 8.0), coordinate(y + 4.5), coordinate(y));
            format!(
                "<path d=\"M{left} {y}H{right}\"/>\
                 <text x=\"{x}\" y=\"{base}\" text-anchor=\"end\">{label}</text>\n"
            )
        };
        self.up.scale.ticks(self.frame.ticks.1).iter().map(line).collect()
    }

    /// The lane for what has no place on a logarithmic axis.
    fn lane(&self) -> String {
        let Some(lane) = self.up.lane else { return String::new() };
        let Area { left, right, .. } = self.frame.margin;
        let (y, x) = (coordinate(self.bottom()), coordinate(left - 8.0));
        let (label, base) =
            (escape(&Lane::label(lane)), coordinate(self.bottom() + LANE / 2.0 + 4.5));
        let width = coordinate(right - left);
        format!(
            "<rect class=\"lane\" x=\"{left}\" y=\"{y}\" width=\"{width}\" height=\"{LANE}\"/>\
             <path class=\"break\" d=\"M{left} {y}H{right}\"/>\
             <text x=\"{x}\" y=\"{base}\" text-anchor=\"end\">{label}</text>\n"
        )
    }

    /// The lanes at the right, each under its own value.
    fn far_lanes(&self) -> String {
        if self.far.is_empty() {
            return String::new();
        }
        let Area { right, top, bottom, .. } = self.frame.margin;
        let (begin, base) = (self.right() + BREAK, coordinate(bottom + 20.0));
        let (cut, width) = (coordinate(begin), coordinate(right - begin));
        let height = coordinate(bottom - top);
        let label = |value: &f64| {
            let (x, value) = (coordinate(self.x(*value)), significant(*value));
            format!("<text x=\"{x}\" y=\"{base}\" text-anchor=\"middle\">{value}</text>")
        };
        let labels: String = self.far.iter().map(label).collect();
        format!(
            "<rect class=\"lane\" x=\"{cut}\" y=\"{top}\" width=\"{width}\" height=\"{height}\"/>\
             <path class=\"break\" d=\"M{cut} {top}V{bottom}\"/>{labels}\n"
        )
    }

    /// What the oracle bounds: the corner with less energy and less unserved demand than it.
    fn bound(&self, points: &[Point<'_>]) -> String {
        let Area { left, bottom, .. } = self.frame.margin;
        let corner = |point: &Point<'_>| {
            let (x, y) = (coordinate(point.x), coordinate(point.y));
            format!(
                "<g class=\"bound\"><path class=\"area\" fill=\"url(#hatch-{})\" \
                 d=\"M{left} {y}H{x}V{bottom}H{left}z\"/>\
                 <path class=\"border\" d=\"M{left} {y}H{x}V{bottom}\"/></g>\n",
                self.frame.class
            )
        };
        let corners: String =
            points.iter().filter(|point| point.row.policy == ORACLE).map(corner).collect();
        if corners.is_empty() { corners } else { self.hatch() + &corners }
    }

    fn hatch(&self) -> String {
        format!(
            "<defs><pattern id=\"hatch-{}\" width=\"7\" height=\"7\" \
             patternUnits=\"userSpaceOnUse\" \
             patternTransform=\"rotate(45)\">\
             <path class=\"hatch\" d=\"M0 0V7\"/></pattern></defs>\n",
            self.frame.class
        )
    }
}

/// Labels for all points: the whole name once per policy, the confidence alone on the rest of a
/// sweep.
fn name(points: &mut [Point<'_>]) {
    let speaks: Vec<usize> = points.iter().map(|point| speaker(points, point)).collect();
    for (point, speaker) in points.iter_mut().zip(speaks) {
        point.label = match point.row.setting() {
            Some(confidence) if speaker != point.index => percent(confidence),
            _ => palette::name(point.row),
        };
    }
}

/// The row that carries its policy's name: one that the verdict compares, else the first.
fn speaker(points: &[Point<'_>], of: &Point<'_>) -> usize {
    let same = || points.iter().filter(|point| point.row.policy == of.row.policy);
    same().find(|point| point.is_compared).or_else(|| same().next()).map_or(of.index, |p| p.index)
}

/// The points of each policy that was run at several confidences, by confidence.
fn curves<'a, 'r>(points: &'a [Point<'r>]) -> Vec<Vec<&'a Point<'r>>> {
    let mut curves: Vec<Vec<&Point<'r>>> = Vec::new();
    for point in points.iter().filter(|point| point.row.setting().is_some()) {
        match curves.iter_mut().find(|curve| curve[0].row.policy == point.row.policy) {
            Some(curve) => curve.push(point),
            None => curves.push(vec![point]),
        }
    }
    curves.retain(|curve| curve.len() > 1);
    for curve in &mut curves {
        let confidence = |point: &Point<'_>| point.row.setting().unwrap_or(0.0);
        curve.sort_by(|a, b| confidence(a).total_cmp(&confidence(b)));
    }
    curves
}

fn drawn_curve(curve: &[&Point<'_>]) -> String {
    let at = |point: &&Point<'_>| format!("{} {}", coordinate(point.x), coordinate(point.y));
    let way: Vec<String> = curve.iter().map(at).collect();
    let (policy, class) = (&curve[0].row.policy, palette::class(&curve[0].row.policy));
    format!(
        "<path class=\"curve c-{class}\" data-policy=\"{}\" d=\"M{}\"/>\n",
        escape(policy),
        way.join("L")
    )
}

/// Points on the curves, close enough that no label slips between them.
fn sampled(curves: &[Vec<&Point<'_>>]) -> Vec<(f64, f64)> {
    let between = |a: &Point<'_>, b: &Point<'_>| {
        let count = ((a.x - b.x).hypot(a.y - b.y) / STRIDE).ceil().max(1.0);
        let (from, to) = ((a.x, a.y), (b.x, b.y));
        (0..=count as usize).map(move |index| {
            let share = index as f64 / count;
            (from.0 + (to.0 - from.0) * share, from.1 + (to.1 - from.1) * share)
        })
    };
    let pairs = curves.iter().flat_map(|curve| curve.windows(2));
    pairs.flat_map(|pair| between(pair[0], pair[1])).collect()
}

fn drawn_points(points: &[Point<'_>], curves: &[Vec<&Point<'_>>], frame: &Frame) -> String {
    let wishes: Vec<Wish> = points.iter().map(wish).collect();
    let places = place(&wishes, &sampled(curves), &room(frame));
    points.iter().zip(&places).map(|(point, area)| drawn_point(point, area)).collect()
}

/// Where labels may stand: the plot, and the margin at its right.
fn room(frame: &Frame) -> Area {
    Area { left: frame.margin.left + 3.0, right: frame.width - 2.0, ..frame.margin }
}

fn wish(point: &Point<'_>) -> Wish {
    let width = point.label.chars().count() as f64 * CHARACTER;
    Wish { x: point.x, y: point.y, width, height: TEXT + 3.0 }
}

fn drawn_point(point: &Point<'_>, area: &Area) -> String {
    let Point { row, x, y, .. } = point;
    let leader = leader(point, area);
    let (marker, class) =
        (palette::marker(&row.policy, *x, *y, MARKER), palette::class(&row.policy));
    let (anchor, text_x) = if area.right <= *x {
        ("end", area.right)
    } else if area.left >= *x {
        ("start", area.left)
    } else {
        ("middle", (area.left + area.right) / 2.0)
    };
    let compared = if point.is_compared { " compared" } else { "" };
    let (text_x, base) = (coordinate(text_x), coordinate(area.bottom - 4.0));
    let (policy, label, title) = (escape(&row.policy), escape(&point.label), title(row));
    format!(
        "<g class=\"point c-{class}{compared}\" data-policy=\"{policy}\" tabindex=\"0\" \
         role=\"img\">\
         <title>{title}</title>{leader}{marker}\
         <text x=\"{text_x}\" y=\"{base}\" text-anchor=\"{anchor}\">{label}</text></g>\n"
    )
}

fn title(row: &PolicyRow) -> String {
    let (energy, unserved) = (significant(row.energy_kwh), significant(row.unserved_core_hours));
    let (moves, cost) = (significant(row.migrations as f64), significant(row.cost));
    escape(&format!(
        "{}: {energy} kWh, {unserved} core-hours unserved, {moves} moves, cost {cost}",
        palette::name(row)
    ))
}

/// A line from the point to its label where the label stands far off.
fn leader(point: &Point<'_>, area: &Area) -> String {
    let (x, y) =
        (point.x.clamp(area.left, area.right), point.y.clamp(area.top + 3.0, area.bottom - 3.0));
    let (dx, dy) = (x - point.x, y - point.y);
    let length = dx.hypot(dy);
    if length <= LEADER_FROM {
        return String::new();
    }
    let near = (MARKER + 1.0) / length;
    let (from_x, from_y) = (coordinate(point.x + dx * near), coordinate(point.y + dy * near));
    let far = 1.0 - 3.0 / length;
    let (to_x, to_y) = (coordinate(point.x + dx * far), coordinate(point.y + dy * far));
    format!("<path class=\"leader\" d=\"M{from_x} {from_y}L{to_x} {to_y}\"/>")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::example;

    #[test]
    fn labels_do_not_overlap_in_any_size() {
        let outcome = example::day();
        for frame in &FRAMES {
            let points = Axes::of(&outcome, frame).points(&outcome);
            let wishes: Vec<Wish> = points.iter().map(wish).collect();
            let places = place(&wishes, &sampled(&curves(&points)), &room(frame));
            for (index, area) in places.iter().enumerate() {
                let covered = places[..index].iter().any(|other| area.overlap(other) > 0.0);
                assert!(!covered, "{} covers a label ({})", points[index].label, frame.class);
            }
        }
    }

    #[test]
    fn a_sweep_is_one_curve_and_is_named_once() {
        let outcome = example::day();
        let points = Axes::of(&outcome, &FRAMES[2]).points(&outcome);
        let curves = curves(&points);
        assert_eq!(curves.iter().map(Vec::len).collect::<Vec<_>>(), [5]);
        let labels: Vec<&str> = curves[0].iter().map(|point| point.label.as_str()).collect();
        assert_eq!(
            labels,
            ["80\u{a0}%", "90\u{a0}%", "predictive 95\u{a0}%", "99\u{a0}%", "99.9\u{a0}%"]
        );
    }

    #[test]
    fn zero_lies_in_its_lane() {
        let outcome = example::day();
        let axes = Axes::of(&outcome, &FRAMES[0]);
        assert!(axes.y(0.0) > axes.bottom() && axes.y(0.0) < FRAMES[0].margin.bottom);
        assert!(axes.y(3.0) < axes.bottom());
    }

    #[test]
    fn rows_that_cannot_be_drawn_are_left_out() {
        let mut outcome = example::day();
        outcome.policies[0].energy_kwh = f64::NAN;
        outcome.policies[1].unserved_core_hours = f64::INFINITY;
        let points = Axes::of(&outcome, &FRAMES[0]).points(&outcome).len();
        assert_eq!(points, outcome.policies.len() - 2);
    }
}
