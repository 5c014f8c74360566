//! The report of a backtest as one HTML page that stands alone: it carries its style and its
//! charts, asks nobody for anything, and says everything without its script. It must never rank
//! policies by one number: demand not served, energy, moves and money stand side by side.

mod calendar;
mod course;
mod definitions;
#[cfg(test)]
mod example;
mod frontier;
mod markup;
mod palette;
mod place;
mod scale;
mod table;
mod verdict;

use markup::escape;
use weft_sim::backtest::outcome::Outcome;

const STYLE: &str = include_str!("../assets/report.css");
/// Readings under the pointer and the highlight of one policy; the page is whole without it.
const SCRIPT: &str = include_str!("../assets/report.js");
/// The page may use what it carries and load nothing, whatever text it was given.
const SECURITY: &str = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; \
                        script-src 'unsafe-inline'";
/// Two threads of warp and one of weft.
const ICON: &str = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' \
                    viewBox='0 0 16 16'%3E%3Cpath d='M5 1v14M11 1v14' stroke='%23808d9d' \
                    stroke-width='2.5'/%3E%3Cpath \
                    d='M1 8h3M6.5 8H15' stroke='%2300906a' stroke-width='3'/%3E%3C/svg%3E";

/// The whole report as the text of an HTML file.
pub fn html(outcome: &Outcome) -> String {
    let title = escape(&format!("Weft backtest: {} on {}", outcome.trace, outcome.fleet));
    let body = [
        header(outcome),
        verdict::verdict(outcome),
        metrics(outcome),
        frontier(outcome),
        course(outcome),
        notes(outcome),
        meaning(outcome),
    ];
    let body = body.concat();
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{SECURITY}\"/>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n\
         <meta name=\"color-scheme\" content=\"light dark\"/>\n<title>{title}</title>\n\
         <link rel=\"icon\" href=\"{ICON}\"/>\n<style>\n{STYLE}</style>\n</head>\n\
         <body>\n<main>\n{body}</main>\n<script>\n{SCRIPT}</script>\n</body>\n</html>\n"
    )
}

fn header(outcome: &Outcome) -> String {
    let (trace, fleet, seed) = (escape(&outcome.trace), escape(&outcome.fleet), outcome.seed);
    let period = course::period(outcome).map_or(String::new(), |period| {
        let step = course::step_of(outcome);
        let count = period.span().as_millis() / step.as_millis();
        let (words, count) = (period.words(), markup::fixed(count as f64, 0));
        format!(
            "<div><dt>Period</dt><dd>{words}</dd></div>\
             <div><dt>Steps</dt><dd>{count} of {step}</dd></div>"
        )
    });
    format!(
        "<header>\n<p class=\"eyebrow\">Weft backtest</p>\n\
         <h1>{trace} <span class=\"on\">on</span> {fleet}</h1>\n\
         <dl class=\"facts\"><div><dt>Trace</dt><dd>{trace}</dd></div>\
         <div><dt>Fleet</dt><dd>{fleet}</dd></div><div><dt>Seed</dt><dd>{seed}</dd></div>\
         {period}</dl>\n</header>\n"
    )
}

fn metrics(outcome: &Outcome) -> String {
    let (caption, table) = (table::caption(outcome), table::table(outcome));
    section("metrics", "All metrics", &caption, &table)
}

fn frontier(outcome: &Outcome) -> String {
    let (caption, chart) = (frontier::caption(outcome), frontier::frontier(outcome));
    section("frontier", "Energy against unserved demand", &caption, &chart)
}

fn course(outcome: &Outcome) -> String {
    let (caption, panels) = (course::caption(outcome), course::course(outcome));
    section("course", "Course over time", &caption, &panels)
}

/// What the figures stand on where the fleet was not described.
fn notes(outcome: &Outcome) -> String {
    let list = |sentences: &[String]| {
        let items = sentences.iter().map(|sentence| format!("<li>{}</li>\n", escape(sentence)));
        format!("<ul>\n{}</ul>\n", items.collect::<String>())
    };
    let part = |id: &str, title: &str, sentences: &[String]| match sentences {
        [] => String::new(),
        sentences => section(id, title, "", &list(sentences)),
    };
    part("missing", "What is not known", &outcome.missing)
        + &part("assumed", "What was assumed", &outcome.assumed)
}

fn meaning(outcome: &Outcome) -> String {
    section("meaning", "What the words mean", "", &definitions::definitions(outcome))
}

/// A titled part of the page. `title` and `note` are markup.
fn section(id: &str, title: &str, note: &str, content: &str) -> String {
    let note =
        if note.is_empty() { String::new() } else { format!("<p class=\"note\">{note}</p>\n") };
    format!(
        "<section class=\"card\" aria-labelledby=\"{id}\">\n<h2 id=\"{id}\">{title}</h2>\n\
         {note}{content}</section>\n"
    )
}

#[cfg(test)]
mod tests;
