//! The JSON of Prometheus' HTTP API as values. What is no finite number becomes a gap here and goes no
//! further; what is not as the API says is an error that tells where.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Error, IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use weft_core::time::Timestamp;

use super::Instant;

/// The labels of a series.
pub type Labels = BTreeMap<String, String>;

/// The frame of every answer. Notes on style (`infos`) and statistics are passed over. It is no tagged
/// enum, because serde would keep a second copy of all the points while it looks for the tag.
#[derive(Debug, Deserialize)]
pub(super) struct Envelope<T> {
    pub(super) status: Status,
    pub(super) data: Option<T>,
    #[serde(default)]
    pub(super) error: String,
    #[serde(default, rename = "errorType")]
    pub(super) error_kind: String,
    #[serde(default)]
    pub(super) warnings: Vec<String>,
    /// VictoriaMetrics says here that a part of its storage did not answer.
    #[serde(default, rename = "isPartial")]
    pub(super) is_partial: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Status {
    Success,
    Error,
}

/// What a server says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct BuildInfo {
    /// Its version.
    pub version: String,
    /// What it is, where it is not Prometheus itself and says so.
    #[serde(default)]
    pub application: Option<String>,
}

/// When, and how much; none for what is not a finite number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// When.
    pub at: Timestamp,
    /// How much.
    pub value: Option<f64>,
}

impl<'de> Deserialize<'de> for Point {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pair;
        impl<'de> Visitor<'de> for Pair {
            type Value = Point;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a pair of Unix seconds and a number in quotes")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut pair: A) -> Result<Point, A::Error> {
                let missing = |place| A::Error::invalid_length(place, &Self);
                let seconds: f64 = pair.next_element()?.ok_or_else(|| missing(0))?;
                let Number(value) = pair.next_element()?.ok_or_else(|| missing(1))?;
                if pair.next_element::<IgnoredAny>()?.is_some() {
                    return Err(missing(3));
                }
                // Beyond the year 5000 there are no samples, and sums of milliseconds stay far from the end.
                if seconds.abs() > 1e11 {
                    let found = serde::de::Unexpected::Float(seconds);
                    return Err(A::Error::invalid_value(found, &self));
                }
                let at = Timestamp::from_millis((seconds * 1_000.0).round() as i64);
                Ok(Point { at, value: Some(value).filter(|value| value.is_finite()) })
            }
        }
        deserializer.deserialize_seq(Pair)
    }
}

/// A number in quotes, `NaN`, `+Inf` and `-Inf` among them.
struct Number(f64);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Number;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a number in quotes")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Number, E> {
                let number = text.parse().map(Number);
                number.map_err(|_| E::invalid_value(serde::de::Unexpected::Str(text), &Self))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

/// One series of a range.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct RangeSeries {
    pub(super) metric: Labels,
    /// Absent where a series consists of native histograms only, which have no single value.
    #[serde(default)]
    pub(super) values: Vec<Point>,
}

/// What `query_range` answers.
#[derive(Debug, Deserialize)]
pub(super) struct Matrix {
    #[serde(rename = "resultType")]
    _kind: MatrixKind,
    pub(super) result: Vec<RangeSeries>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum MatrixKind {
    Matrix,
}

#[derive(Debug, Deserialize)]
struct InstantSeries {
    metric: Labels,
    value: Option<Point>,
}

/// What `query` answers, reduced to points; a range selector is no instant query and is an error.
#[derive(Debug)]
pub(super) struct Vector(pub(super) Vec<Instant>);

impl<'de> Deserialize<'de> for Vector {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(tag = "resultType", rename_all = "lowercase")]
        enum Shape {
            Vector { result: Vec<InstantSeries> },
            Scalar { result: Point },
        }
        Ok(Self(match Shape::deserialize(deserializer)? {
            Shape::Scalar { result } => vec![Instant { labels: Labels::new(), point: result }],
            Shape::Vector { result } => {
                let instant = |series: InstantSeries| {
                    series.value.map(|point| Instant { labels: series.metric, point })
                };
                result.into_iter().filter_map(instant).collect()
            }
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_strict() {
        let check = |json: &str, expected: Option<(i64, Option<f64>)>| {
            let point = serde_json::from_str::<Point>(json).ok();
            assert_eq!(point.map(|point| (point.at.as_millis(), point.value)), expected, "{json}");
        };
        check(r#"[1.5,"2"]"#, Some((1_500, Some(2.0))));
        check(r#"[1435781430.781,"1e3"]"#, Some((1_435_781_430_781, Some(1_000.0))));
        check(r#"[1,"NaN"]"#, Some((1_000, None)));
        check(r#"[1,"+Inf"]"#, Some((1_000, None)));
        check(r#"[1,"-Inf"]"#, Some((1_000, None)));
        check(r#"[1,2]"#, None);
        check(r#"[1]"#, None);
        check(r#"[1,"2",3]"#, None);
        check(r#"["1","2"]"#, None);
        check(r#"[1,"two"]"#, None);
        check(r#"[1e300,"2"]"#, None);
    }
}
