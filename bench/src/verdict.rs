//! Verdicts: a number that was measured, the most that it may be, and whether it is that.

use std::fmt;

use weft::table::number;

/// One goal and what was found.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Verdict {
    /// What the number is.
    pub(crate) claim: String,
    /// The number; none where nothing could be compared, which reaches no goal.
    pub(crate) found: Option<f64>,
    /// The most that it may be.
    pub(crate) goal: f64,
    /// What the numbers are counted in, such as `%`; most are plain ratios.
    pub(crate) unit: &'static str,
}

impl Verdict {
    /// A ratio or a count that may be `goal` at most.
    pub(crate) fn new(claim: impl Into<String>, found: Option<f64>, goal: f64) -> Self {
        Self { claim: claim.into(), found, goal, unit: "" }
    }

    /// How far `found` is from `published`, in percent, where at most `percent` are allowed.
    pub(crate) fn deviation(claim: String, found: f64, published: f64, percent: f64) -> Self {
        let deviation = (found / published - 1.0).abs() * 100.0;
        Self { claim, found: Some(deviation), goal: percent, unit: " %" }
    }

    pub(crate) fn is_reached(&self) -> bool {
        self.found.is_some_and(|found| found <= self.goal)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { claim, goal, unit, .. } = self;
        let word = if self.is_reached() { "reached" } else { "missed " };
        let found = self.found.map_or_else(
            || "nothing to compare with".to_owned(),
            |found| format!("{}{unit}", number(found)),
        );
        write!(out, "{word}  {claim}: {found} (goal: at most {goal}{unit})")
    }
}

/// Prints verdicts under a table.
pub(crate) fn print(verdicts: &[Verdict]) {
    for verdict in verdicts {
        println!("{verdict}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_says_its_word_and_its_number() {
        let check = |verdict: Verdict, expected: &str| assert_eq!(verdict.to_string(), expected);
        check(Verdict::new("a ÷ b", Some(0.7), 0.7), "reached  a ÷ b: 0.700 (goal: at most 0.7)");
        check(Verdict::new("a ÷ b", Some(0.71), 0.7), "missed   a ÷ b: 0.710 (goal: at most 0.7)");
        let none = "missed   a ÷ b: nothing to compare with (goal: at most 1)";
        check(Verdict::new("a ÷ b", None, 1.0), none);
        check(Verdict::new("a ÷ b", Some(f64::NAN), 1.0), "missed   a ÷ b: NaN (goal: at most 1)");
        let off = Verdict::deviation("none, kWh".to_owned(), 784.87, 764.96, 2.0);
        check(off, "missed   none, kWh: 2.60 % (goal: at most 2 %)");
        let near = Verdict::deviation("none, kWh".to_owned(), 98.5, 100.0, 2.0);
        check(near, "reached  none, kWh: 1.50 % (goal: at most 2 %)");
    }
}
