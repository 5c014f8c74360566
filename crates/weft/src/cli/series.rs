//! Arguments of the commands over series that are handed in: `weft forecast`, `weft detect`, `weft cluster`. What can
//! be refused without the series is refused here.

use std::path::PathBuf;
use std::str::FromStr;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{ArgGroup, Args, ValueEnum};
use weft_core::time::{Span, Step};
use weft_forecast::batch::Method;
use weft_forecast::cluster::Count;

use super::parse_step;

/// How what was found of series is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum SeriesOutput {
    /// For people.
    #[default]
    Table,
    /// For programs.
    Json,
    /// For programs and sheets, one line for each step or sample.
    Csv,
}

/// Arguments of `weft forecast`.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("source").required(true)))]
pub struct ForecastArguments {
    /// A CSV of series,timestamp,value; `-` for standard input. See docs/reference/series-csv.md.
    #[arg(long, value_name = "FILE.csv", group = "source")]
    pub input: Option<PathBuf>,
    /// The metrics server that is asked instead, read only.
    #[command(flatten)]
    pub server: ServerArguments,
    /// How far ahead: a span such as 6h, or a number of steps.
    #[arg(long, value_name = "1h|6h|24h|STEPS")]
    pub horizon: Horizon,
    /// Distance between two steps; samples are averaged onto it [default: what most samples of the file are apart; of a
    /// metrics server 5m].
    #[arg(long, value_name = "SPAN", value_parser = parse_step)]
    pub step: Option<Step>,
    /// The levels of the quantiles, each above 0 and below 1.
    #[arg(long, value_name = "LEVEL", value_delimiter = ',', default_value = "0.05,0.5,0.95")]
    pub levels: Vec<Level>,
    /// What forecasts.
    #[arg(long, value_name = "MODEL", default_value = "auto", value_parser = methods())]
    pub model: Method,
    /// Outside events, as often as there are files: events (.yaml, .json), a calendar (.ics), campaigns (.csv), or
    /// sources as the configuration names them (.toml). See docs/reference/events.md.
    #[arg(long, value_name = "FILE")]
    pub events: Vec<PathBuf>,
    /// How to print the result.
    #[arg(long, short, value_name = "FORMAT", default_value = "table")]
    pub output: SeriesOutput,
}

/// The metrics server that is asked for series.
#[derive(Debug, Clone, Args)]
#[group(skip)]
pub struct ServerArguments {
    /// A metrics server such as http://127.0.0.1:9090, asked for its last 14 days.
    #[arg(long, value_name = "URL", group = "source", requires = "query")]
    pub prometheus: Option<String>,
    /// What is asked, in PromQL: each series of the answer is forecast.
    #[arg(long, value_name = "PROMQL", requires = "prometheus", conflicts_with = "input")]
    pub query: Option<String>,
    /// A file with a bearer token.
    #[arg(long, value_name = "FILE", requires = "prometheus", conflicts_with_all = ["user", "input"])]
    pub token_file: Option<PathBuf>,
    /// A user.
    #[arg(
        long,
        value_name = "NAME",
        requires = "prometheus",
        requires = "password_file",
        conflicts_with = "input"
    )]
    pub user: Option<String>,
    /// A file with the user's password.
    #[arg(long, value_name = "FILE", requires = "user")]
    pub password_file: Option<PathBuf>,
    /// A file of authorities in the place of the public ones.
    #[arg(long, value_name = "FILE", requires = "prometheus", conflicts_with = "input")]
    pub ca_file: Option<PathBuf>,
}

/// Arguments of `weft detect`.
#[derive(Debug, Args)]
pub struct DetectArguments {
    /// A CSV of series,timestamp,value; `-` for standard input. See docs/reference/series-csv.md.
    #[arg(long, value_name = "FILE.csv")]
    pub input: PathBuf,
    /// The score from which on a sample is called an anomaly, 0 to 1; lower finds more and is wrong more often.
    #[arg(long, value_name = "SCORE", default_value = "0.5", value_parser = parse_score)]
    pub alarm_score: f64,
    /// How to print the result.
    #[arg(long, short, value_name = "FORMAT", default_value = "table")]
    pub output: SeriesOutput,
}

/// Arguments of `weft cluster`.
#[derive(Debug, Args)]
pub struct ClusterArguments {
    /// A CSV of series,timestamp,value; `-` for standard input. See docs/reference/series-csv.md.
    #[arg(long, value_name = "FILE.csv")]
    pub input: PathBuf,
    /// How many clusters, or `auto` for the number that parts the series best.
    #[arg(long, value_name = "N|auto", default_value = "auto", value_parser = parse_count)]
    pub clusters: Count,
    /// Seed of what is drawn.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    /// How to print the result.
    #[arg(long, short, value_name = "FORMAT", default_value = "table")]
    pub output: SeriesOutput,
}

/// How far ahead a forecast goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Horizon {
    /// So many steps.
    Steps(usize),
    /// So long, in whole steps or a little longer.
    Span(Span),
}

impl Horizon {
    /// The most steps: a month of minutes.
    pub const MOST_STEPS: usize = 44_640;

    /// The number of steps of length `step`; `None` where there are too many.
    pub fn steps(self, step: Step) -> Option<usize> {
        let steps = match self {
            Self::Steps(steps) => steps,
            Self::Span(span) => {
                let (span, step) = (span.as_millis() as u64, step.span().as_millis() as u64);
                span.div_ceil(step) as usize
            }
        };
        (steps <= Self::MOST_STEPS).then_some(steps)
    }
}

impl FromStr for Horizon {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!("expected a span like 6h or a number of steps of at least 1, found `{text}`")
        };
        let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
        let horizon = match is_number {
            true => Self::Steps(text.parse().map_err(|_| wrong())?),
            false => Self::Span(text.parse().map_err(|_| wrong())?),
        };
        let is_ahead = !matches!(horizon, Self::Steps(0)) && horizon != Self::Span(Span::ZERO);
        if is_ahead { Ok(horizon) } else { Err(wrong()) }
    }
}

/// A level as it was written, which names its column.
#[derive(Debug, Clone, PartialEq)]
pub struct Level {
    /// As it was written.
    pub text: String,
    /// The level, above 0 and below 1.
    pub value: f64,
}

impl FromStr for Level {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let level = text.parse::<f64>().ok().filter(|level| *level > 0.0 && *level < 1.0);
        let wrong = || format!("expected a level above 0 and below 1, found `{text}`");
        Ok(Self { text: text.to_owned(), value: level.ok_or_else(wrong)? })
    }
}

fn methods() -> impl TypedValueParser<Value = Method> {
    PossibleValuesParser::new(Method::ALL.map(Method::as_str)).try_map(|name| {
        let named = Method::ALL.into_iter().find(|method| method.as_str() == name);
        named.ok_or("expected the name of a model")
    })
}

fn parse_score(text: &str) -> Result<f64, String> {
    let score = text.parse::<f64>().ok().filter(|score| (0.0..=1.0).contains(score));
    score.ok_or_else(|| format!("expected a score of 0 to 1, found `{text}`"))
}

fn parse_count(text: &str) -> Result<Count, String> {
    if text == "auto" {
        return Ok(Count::Auto);
    }
    let count = text.parse::<usize>().ok().filter(|count| *count > 0);
    let wrong = || format!("expected a number of clusters of at least 1, or auto, found `{text}`");
    count.map(Count::Fixed).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_horizon_is_a_span_or_a_number_of_steps() {
        let check = |text: &str, expected: Option<usize>| {
            let horizon: Horizon = text.parse().expect(text);
            assert_eq!(horizon.steps(Step::FIVE_MINUTES), expected, "{text}");
        };
        check("1h", Some(12));
        check("24h", Some(288));
        check("7", Some(7));
        check("7m", Some(2));
        check("1s", Some(1));
        check("156d", None);
        check("44641", None);
        for wrong in ["", "0", "0h", "-1h", "soon", "99999999999999999999"] {
            let error = wrong.parse::<Horizon>().expect_err(wrong);
            assert!(error.ends_with(&format!("found `{wrong}`")), "{error}");
        }
    }

    #[test]
    fn levels_lie_between_0_and_1() {
        assert_eq!("0.50".parse(), Ok(Level { text: "0.50".to_owned(), value: 0.5 }));
        for wrong in ["0", "1", "-0.5", "NaN", "half", ""] {
            assert!(wrong.parse::<Level>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn clusters_are_counted_from_1() {
        assert_eq!(parse_count("auto"), Ok(Count::Auto));
        assert_eq!(parse_count("3"), Ok(Count::Fixed(3)));
        assert!(parse_count("0").is_err() && parse_count("few").is_err());
    }
}
