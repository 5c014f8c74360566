//! Plain SVG: a white card with charts on it. Colours are of a middle tone and the card is white, so that a picture reads the
//! same on a light page and on a dark one. Numbers are written with one decimal, so the same picture gives the same bytes.

use std::fmt::Write;

/// What is known and what came.
pub(crate) const ACTUAL: &str = "#37474f";
/// What was forecast.
pub(crate) const FORECAST: &str = "#1769aa";
/// What is set against it.
pub(crate) const OTHER: &str = "#c2571a";
/// Where one looks at.
pub(crate) const MARKED: &str = "#2e8b57";
/// Axes and notes.
pub(crate) const INK: &str = "#455a64";
const GRID: &str = "#e3e8eb";

/// The picture.
pub(crate) struct Card {
    body: String,
    charts: usize,
    width: f64,
}

impl Card {
    /// An empty one; `title` is what a screen reader says.
    pub(crate) fn new(width: f64, height: f64, title: &str) -> Self {
        let mut body = String::new();
        put(
            &mut body,
            &format!(
                "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
                 height=\"{height}\" role=\"img\" font-family=\"Helvetica, Arial, sans-serif\" font-size=\"13\">"
            ),
        );
        put(&mut body, &format!("<title>{title}</title>"));
        put(
            &mut body,
            &format!(
                "<rect x=\"0.5\" y=\"0.5\" width=\"{}\" height=\"{}\" rx=\"6\" fill=\"#ffffff\" stroke=\"#cfd8dc\"/>",
                width - 1.0,
                height - 1.0
            ),
        );
        Self { body, charts: 0, width }
    }

    /// A chart in the rectangle left, top, right, bottom of the card.
    pub(crate) fn chart(&mut self, frame: [f64; 4], x: Axis, y: Axis) -> Chart<'_> {
        self.charts += 1;
        let clip = self.charts;
        let mut chart = Chart { body: &mut self.body, frame, x, y, clip };
        chart.ground();
        chart
    }

    /// A line of text; `anchor` is start, middle or end.
    pub(crate) fn text(&mut self, (x, y): (f64, f64), anchor: &str, words: &str) {
        text(&mut self.body, (x, y), anchor, INK, words);
    }

    /// Marks with their meanings, in a row at the height `y`.
    pub(crate) fn legend(&mut self, y: f64, entries: &[(Mark, &str, &str)]) {
        // Letters of this size are at most 7.4 wide on average, in whatever font stands in for the first choice.
        let width = |words: &str| 44.0 + 7.4 * words.chars().count() as f64;
        let total: f64 = entries.iter().map(|(_, _, words)| width(words)).sum();
        let mut x = (self.width - total) / 2.0;
        for (mark, colour, words) in entries {
            mark.sample(&mut self.body, (x, y), colour);
            text(&mut self.body, (x + 26.0, y + 4.0), "start", INK, words);
            x += width(words);
        }
    }

    /// The file.
    pub(crate) fn finish(mut self) -> String {
        put(&mut self.body, "</svg>");
        self.body
    }
}

/// What stands in a legend.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Mark {
    Line,
    Dashed,
    /// An area of so much opacity.
    Area(f64),
    Dot,
}

impl Mark {
    fn sample(self, body: &mut String, (x, y): (f64, f64), colour: &str) {
        let line = |dash: &str| {
            format!(
                "<line x1=\"{x:.1}\" y1=\"{y:.1}\" x2=\"{:.1}\" y2=\"{y:.1}\" stroke=\"{colour}\" stroke-width=\"2\"{dash}/>",
                x + 20.0
            )
        };
        let shape = match self {
            Self::Line => line(""),
            Self::Dashed => line(" stroke-dasharray=\"5 4\""),
            Self::Area(opacity) => format!(
                "<rect x=\"{x:.1}\" y=\"{:.1}\" width=\"20\" height=\"11\" fill=\"{colour}\" fill-opacity=\"{opacity}\"/>",
                y - 5.5
            ),
            Self::Dot => {
                format!("<circle cx=\"{:.1}\" cy=\"{y:.1}\" r=\"4\" fill=\"{colour}\"/>", x + 10.0)
            }
        };
        put(body, &shape);
    }
}

/// From where to where, which ticks, and what it measures.
#[derive(Debug, Clone)]
pub(crate) struct Axis {
    pub(crate) from: f64,
    pub(crate) to: f64,
    pub(crate) ticks: Vec<(f64, String)>,
    pub(crate) label: &'static str,
}

impl Axis {
    /// A tick at every multiple of `every`, written with so many decimals.
    pub(crate) fn even(
        (from, to): (f64, f64),
        every: f64,
        decimals: usize,
        label: &'static str,
    ) -> Self {
        let count = ((to - from) / every + 1e-9).floor() as usize;
        let tick = |number: usize| {
            let value = from + number as f64 * every;
            (value, format!("{value:.decimals$}"))
        };
        Self { from, to, ticks: (0..=count).map(tick).collect(), label }
    }

    /// The same without words at the ticks.
    pub(crate) fn silent(mut self) -> Self {
        self.ticks.iter_mut().for_each(|(_, words)| words.clear());
        self.label = "";
        self
    }

    fn share(&self, value: f64) -> f64 {
        (value - self.from) / (self.to - self.from)
    }
}

/// A chart; what is drawn later lies above.
pub(crate) struct Chart<'a> {
    body: &'a mut String,
    frame: [f64; 4],
    x: Axis,
    y: Axis,
    clip: usize,
}

impl Chart<'_> {
    fn ground(&mut self) {
        let [left, top, right, bottom] = self.frame;
        let (width, height, clip) = (right - left, bottom - top, self.clip);
        put(
            self.body,
            &format!(
                "<clipPath id=\"c{clip}\"><rect x=\"{left}\" y=\"{top}\" width=\"{width}\" height=\"{height}\"/></clipPath>"
            ),
        );
        for (value, words) in self.y.ticks.clone() {
            let y = self.at_y(value);
            rule(self.body, (left, y), (right, y), GRID);
            text(self.body, (left - 7.0, y + 4.5), "end", INK, &words);
        }
        for (value, words) in self.x.ticks.clone() {
            let x = self.at_x(value);
            rule(self.body, (x, top), (x, bottom), GRID);
            rule(self.body, (x, bottom), (x, bottom + 4.0), INK);
            text(self.body, (x, bottom + 18.0), "middle", INK, &words);
        }
        rule(self.body, (left, bottom), (right, bottom), INK);
        rule(self.body, (left, top), (left, bottom), INK);
        text(self.body, ((left + right) / 2.0, bottom + 38.0), "middle", INK, self.x.label);
        if !self.y.label.is_empty() {
            let (x, y) = (left - 44.0, (top + bottom) / 2.0);
            put(
                self.body,
                &format!(
                    "<text transform=\"translate({x:.1} {y:.1}) rotate(-90)\" text-anchor=\"middle\" fill=\"{INK}\">{}</text>",
                    self.y.label
                ),
            );
        }
    }

    fn at_x(&self, value: f64) -> f64 {
        let [left, _, right, _] = self.frame;
        left + (right - left) * self.x.share(value)
    }

    fn at_y(&self, value: f64) -> f64 {
        let [_, top, _, bottom] = self.frame;
        bottom - (bottom - top) * self.y.share(value)
    }

    fn points(&self, points: impl Iterator<Item = (f64, f64)>) -> String {
        let mut words = String::new();
        for (x, y) in points {
            write!(words, "{:.1},{:.1} ", self.at_x(x), self.at_y(y)).expect("a string takes all");
        }
        words.truncate(words.trim_end().len());
        words
    }

    /// A line through `points`.
    pub(crate) fn line(&mut self, points: &[(f64, f64)], colour: &str, mark: Mark) {
        let dash = if matches!(mark, Mark::Dashed) { " stroke-dasharray=\"5 4\"" } else { "" };
        let (points, clip) = (self.points(points.iter().copied()), self.clip);
        put(
            self.body,
            &format!(
                "<polyline clip-path=\"url(#c{clip})\" points=\"{points}\" fill=\"none\" stroke=\"{colour}\" \
                 stroke-width=\"1.7\" stroke-linejoin=\"round\"{dash}/>"
            ),
        );
    }

    /// The area between two lines: x, low, high.
    pub(crate) fn band(&mut self, points: &[(f64, f64, f64)], colour: &str, opacity: f64) {
        let upper = points.iter().map(|(x, _, high)| (*x, *high));
        let lower = points.iter().rev().map(|(x, low, _)| (*x, *low));
        let (points, clip) = (self.points(upper.chain(lower)), self.clip);
        put(
            self.body,
            &format!(
                "<polygon clip-path=\"url(#c{clip})\" points=\"{points}\" fill=\"{colour}\" fill-opacity=\"{opacity}\"/>"
            ),
        );
    }

    /// A dot with whiskers from `low` to `high`.
    pub(crate) fn dot(&mut self, (x, y): (f64, f64), whiskers: Option<(f64, f64)>, colour: &str) {
        if let Some((low, high)) = whiskers {
            let (low, high) = (self.at_y(low), self.at_y(high));
            rule(self.body, (self.at_x(x), low), (self.at_x(x), high), colour);
        }
        put(
            self.body,
            &format!(
                "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"4\" fill=\"{colour}\"/>",
                self.at_x(x),
                self.at_y(y)
            ),
        );
    }

    /// Words at a point of the chart, moved by some units of the card.
    pub(crate) fn note(&mut self, at: (f64, f64), moved: (f64, f64), anchor: &str, words: &str) {
        let at = (self.at_x(at.0) + moved.0, self.at_y(at.1) + moved.1);
        text(self.body, at, anchor, INK, words);
    }
}

fn put(body: &mut String, element: &str) {
    body.push_str(element);
    body.push('\n');
}

fn rule(body: &mut String, from: (f64, f64), to: (f64, f64), colour: &str) {
    put(
        body,
        &format!(
            "<line x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\" stroke=\"{colour}\"/>",
            from.0, from.1, to.0, to.1
        ),
    );
}

fn text(body: &mut String, (x, y): (f64, f64), anchor: &str, colour: &str, words: &str) {
    if !words.is_empty() {
        put(
            body,
            &format!(
                "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" fill=\"{colour}\">{words}</text>"
            ),
        );
    }
}
