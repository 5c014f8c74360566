//! The answer first: the sentence, the saving with its interval, and the four things an operator
//! weighs, each beside what it was without Weft. A gain in one must never hide a loss in another.

use weft_sim::backtest::outcome::{Outcome, PolicyRow, Verdict};
use weft_sim::backtest::verdict::NEGLIGIBLE;

use super::markup::{escape, percent, significant};
use super::palette;
use super::scale::Scale;

/// A change smaller than this share is no change to speak of.
const SAME: f64 = 0.005;

/// The verdict's card.
pub(super) fn verdict(outcome: &Outcome) -> String {
    let verdict = &outcome.verdict;
    let (sentence, tone) = (escape(&verdict.sentence), tone(verdict));
    let compared = verdict.predictive.and_then(|index| outcome.policies.get(index));
    let against = verdict.against.and_then(|index| outcome.policies.get(index));
    let (saving, tiles) = match (compared, against) {
        (Some(ours), Some(theirs)) => (saving(verdict, theirs), tiles(ours, theirs)),
        _ => (String::new(), String::new()),
    };
    format!(
        "<section class=\"card verdict {tone}\" aria-labelledby=\"verdict\">\n\
         <h2 class=\"eyebrow\" id=\"verdict\">Verdict</h2>\n\
         <p class=\"sentence\">{sentence}</p>\n{saving}</section>\n{tiles}"
    )
}

/// Whether the interval of the saving lies above zero, below it or around it.
fn tone(verdict: &Verdict) -> &'static str {
    let (low, high) = verdict.interval;
    match () {
        () if verdict.predictive.is_none() || verdict.against.is_none() => "open",
        () if low > 0.0 && verdict.share >= NEGLIGIBLE => "gain",
        () if high < 0.0 => "loss",
        () => "open",
    }
}

fn saving(verdict: &Verdict, against: &PolicyRow) -> String {
    let (low, high) = verdict.interval;
    if ![low, high, verdict.saving].iter().all(|value| value.is_finite()) {
        return String::new();
    }
    let (saving, low_text, high_text) =
        (significant(verdict.saving), significant(low), significant(high));
    let (against, blocks) = (escape(&palette::name(against)), escape(verdict.blocks));
    let chart = interval_chart(verdict);
    format!(
        "<div class=\"saving\">\n<p><span class=\"figure\">{saving}</span> \
         <span class=\"label\">saved against {against}, in the fleet’s currency; \
         95 % interval {low_text} to {high_text}, by block bootstrap over {blocks}. \
         It counts the bill, unserved demand and downtime at the policy’s prices.</span></p>\n\
         {chart}</div>\n"
    )
}

/// The interval on a line with zero on it: whether it reaches zero is the whole question. Positions
/// are percentages, so the text keeps its size on every screen.
fn interval_chart(verdict: &Verdict) -> String {
    let (low, high) = verdict.interval;
    let ends = [0.0, low, high, verdict.saving];
    let scale = Scale::around(&ends);
    let at = |value: f64| format!("{:.2}%", 12.0 + 76.0 * scale.position(value));
    let (zero, left, right, middle) = (at(0.0), at(low), at(high), at(verdict.saving));
    let width = format!("{:.2}%", 76.0 * (scale.position(high) - scale.position(low)).abs());
    let (low, high) = (significant(low), significant(high));
    format!(
        "<svg class=\"interval\" role=\"img\" aria-labelledby=\"interval\">\n\
         <title id=\"interval\">The 95 % interval of the saving, {low} to {high}</title>\n\
         <line class=\"axis\" x1=\"0\" x2=\"100%\" y1=\"50%\" y2=\"50%\"/>\n\
         <line class=\"zero\" x1=\"{zero}\" x2=\"{zero}\" y1=\"22%\" y2=\"78%\"/>\n\
         <rect class=\"span\" x=\"{left}\" width=\"{width}\" y=\"40%\" height=\"20%\" rx=\"4\"/>\n\
         <circle class=\"mean\" cx=\"{middle}\" cy=\"50%\" r=\"7\"/>\n\
         <text x=\"{zero}\" y=\"14%\" text-anchor=\"middle\">no gain</text>\n\
         <text x=\"{left}\" y=\"92%\" text-anchor=\"end\">{low}</text>\n\
         <text x=\"{right}\" y=\"92%\" text-anchor=\"start\">{high}</text>\n</svg>\n"
    )
}

/// One thing an operator weighs: its name, its unit, and ours and theirs.
struct Weighed {
    name: &'static str,
    unit: &'static str,
    ours: f64,
    theirs: f64,
}

fn tiles(ours: &PolicyRow, theirs: &PolicyRow) -> String {
    let weighed = |name, unit, value: fn(&PolicyRow) -> f64| Weighed {
        name,
        unit,
        ours: value(ours),
        theirs: value(theirs),
    };
    let four = [
        weighed("Unserved demand", "core-hours", |row| row.unserved_core_hours),
        weighed("Energy", "kWh", |row| row.energy_kwh),
        weighed("Moves", "", |row| row.migrations as f64),
        weighed("Money", "the bill", |row| row.cost),
    ];
    let tiles: String = four.iter().map(|weighed| tile(weighed, ours, theirs)).collect();
    let names = (escape(&palette::name(ours)), escape(&palette::name(theirs)));
    format!(
        "<section class=\"tiles\" aria-label=\"{} beside {}\">\n{tiles}</section>\n",
        names.0, names.1
    )
}

fn tile(weighed: &Weighed, ours: &PolicyRow, theirs: &PolicyRow) -> String {
    let Weighed { name, unit, ours: our, theirs: their } = weighed;
    let (tone, change) = change(*our, *their);
    let (value, largest) = (significant(*our), our.max(*their));
    let bars = bar(ours, *our, largest) + &bar(theirs, *their, largest);
    format!(
        "<div class=\"card tile\">\n<h3>{name}</h3>\n\
         <p class=\"figure\">{value} <span class=\"unit\">{unit}</span></p>\n\
         <p class=\"change {tone}\">{change}</p>\n<div class=\"bars\">\n{bars}</div>\n</div>\n"
    )
}

/// How ours differs from theirs, in words, so that colour only repeats it.
fn change(ours: f64, theirs: f64) -> (&'static str, String) {
    let difference = ours - theirs;
    if !difference.is_finite() {
        return ("same", "cannot be compared".to_owned());
    }
    if difference.abs() <= SAME * theirs.abs() {
        return ("same", "the same".to_owned());
    }
    let (tone, arrow, word) =
        if difference < 0.0 { ("better", "↓", "less") } else { ("worse", "↑", "more") };
    if theirs == 0.0 {
        return (tone, format!("{arrow} up from none"));
    }
    let size = match difference.abs() / theirs {
        share if share >= 2.0 => format!("{} times as much", significant(ours / theirs)),
        share => format!("{} {word}", percent((share * 100.0).round() / 100.0)),
    };
    (tone, format!("{arrow} {size}"))
}

fn bar(row: &PolicyRow, value: f64, largest: f64) -> String {
    let share = if largest > 0.0 && value.is_finite() { value / largest } else { 0.0 };
    let (heading, class) = (palette::heading(row), palette::class(&row.policy));
    let (width, value) = (super::markup::coordinate(share * 100.0), significant(value));
    format!(
        "<div class=\"bar c-{class}\"><span class=\"who\">{heading}</span>\
         <span class=\"value\">{value}</span>\
         <span class=\"track\"><span class=\"fill\" style=\"width:{width}%\"></span></span></div>\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::example;

    #[test]
    fn a_change_is_said_in_words() {
        let check = |ours: f64, theirs: f64, tone: &str, words: &str| {
            assert_eq!(change(ours, theirs), (tone, words.to_owned()), "{ours} beside {theirs}");
        };
        check(50.0, 100.0, "better", "↓ 50\u{a0}% less");
        check(110.0, 100.0, "worse", "↑ 10\u{a0}% more");
        check(500.0, 100.0, "worse", "↑ 5.00 times as much");
        check(3.0, 0.0, "worse", "↑ up from none");
        check(0.0, 0.0, "same", "the same");
        check(100.1, 100.0, "same", "the same");
        check(f64::NAN, 1.0, "same", "cannot be compared");
    }

    #[test]
    fn the_tone_follows_the_interval() {
        let tone_of = |interval| tone(&Verdict { interval, ..example::day().verdict });
        assert_eq!(tone_of((1.0, 2.0)), "gain");
        assert_eq!(tone_of((-1.0, 2.0)), "open");
        assert_eq!(tone_of((-2.0, -1.0)), "loss");
        assert_eq!(tone_of((f64::NAN, f64::NAN)), "open");
        let tiny = Verdict { interval: (1.0, 2.0), share: 0.001, ..example::day().verdict };
        assert_eq!(tone(&tiny), "open");
    }

    #[test]
    fn without_a_comparison_the_sentence_stands_alone() {
        let html = verdict(&example::empty());
        assert!(html.contains("class=\"sentence\"") && !html.contains("<svg"), "{html}");
    }
}
