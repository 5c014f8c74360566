//! Text, numbers and coordinates as HTML and SVG hold them. What comes from a trace or a fleet file
//! is a stranger's text: it must never become markup, and a number that is none must never
//! become a mark.

/// What stands where there is no number.
pub(super) const ABSENT: &str = "–";

/// `text` with every character replaced that could end an attribute or begin an element.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other if other.is_control() => escaped.push('\u{fffd}'),
            other => escaped.push(other),
        }
    }
    escaped
}

/// A coordinate with at most two decimals. Callers leave out what is not finite; should one slip
/// through, it lies at the origin, where it is seen, and the chart still draws.
pub(super) fn coordinate(value: f64) -> String {
    let rounded = if value.is_finite() { (value * 100.0).round() / 100.0 } else { 0.0 };
    format!("{}", rounded + 0.0)
}

/// `value` with this many decimals and commas between thousands. A value that would round to zero
/// and is not says so: a small risk is not no risk.
pub(super) fn fixed(value: f64, decimals: usize) -> String {
    if !value.is_finite() {
        return ABSENT.to_owned();
    }
    let digits = format!("{:.decimals$}", value.abs());
    let sign = if value < 0.0 { "−" } else { "" };
    if value != 0.0 && digits.bytes().all(|digit| digit == b'0' || digit == b'.') {
        let least = format!("{:.decimals$}", 10_f64.powi(-(decimals as i32)));
        return if value < 0.0 { format!(">−{least}") } else { format!("<{least}") };
    }
    format!("{sign}{}", grouped(&digits))
}

/// `digits` with a comma before every third digit left of the point.
fn grouped(digits: &str) -> String {
    let (whole, rest) = digits.split_at(digits.find('.').unwrap_or(digits.len()));
    let mut text = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text + rest
}

/// `value` with three significant digits, as a sentence has it.
pub(super) fn significant(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return fixed(value, 0);
    }
    let decimals = (2 - value.abs().log10().floor() as i32).clamp(0, 6) as usize;
    fixed(value, decimals)
}

/// `value` without digits that say nothing: for ticks.
pub(super) fn plain(value: f64) -> String {
    let text = fixed(value, 6);
    let text = if text.contains('.') { text.trim_end_matches('0') } else { &text };
    text.trim_end_matches('.').to_owned()
}

/// How many decimals a column needs whose largest value is `largest`: about four digits.
pub(super) fn decimals(largest: f64) -> usize {
    match largest.abs() {
        size if size >= 1_000.0 => 0,
        size if size >= 100.0 => 1,
        size if size >= 1.0 => 2,
        size if size > 0.0 => 3,
        _ => 0,
    }
}

/// A share of one as a percentage.
pub(super) fn percent(share: f64) -> String {
    format!("{}\u{a0}%", plain((share * 100_000.0).round() / 1_000.0))
}

/// The unit in which `largest` has one to three digits before the point, and its size.
pub(super) fn unit(largest: f64, units: &[(f64, &'static str)]) -> (f64, &'static str) {
    let fitting = units.iter().rev().find(|(size, _)| largest.abs() >= *size);
    *fitting.or(units.first()).unwrap_or(&(1.0, ""))
}

/// Units of data, decimal as network links are sold.
pub(super) const BYTES: &[(f64, &str)] =
    &[(1.0, "B"), (1e3, "kB"), (1e6, "MB"), (1e9, "GB"), (1e12, "TB"), (1e15, "PB")];

/// Units of power.
pub(super) const WATTS: &[(f64, &str)] = &[(1.0, "W"), (1e3, "kW"), (1e6, "MW")];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_becomes_markup() {
        assert_eq!(escape("<b a=\"1\" b='2'>&"), "&lt;b a=&quot;1&quot; b=&#39;2&#39;&gt;&amp;");
        assert_eq!(escape("zero\u{0}width"), "zero\u{fffd}width");
    }

    #[test]
    fn numbers_read_well() {
        let check = |value: f64, decimals: usize, expected: &str| {
            assert_eq!(fixed(value, decimals), expected, "{value} with {decimals}");
        };
        check(27_728.0, 0, "27,728");
        check(1_234_567.891, 2, "1,234,567.89");
        check(999.0, 1, "999.0");
        check(-1_500.0, 0, "−1,500");
        check(0.0, 2, "0.00");
        check(-0.0, 0, "0");
        check(0.000_4, 2, "<0.01");
        check(-0.000_4, 0, ">−1");
        check(f64::NAN, 2, ABSENT);
        check(f64::INFINITY, 0, ABSENT);
    }

    #[test]
    fn short_forms_keep_what_matters() {
        assert_eq!(significant(198.08), "198");
        assert_eq!(significant(0.070_4), "0.0704");
        assert_eq!(significant(0.0), "0");
        assert_eq!(plain(2.5), "2.5");
        assert_eq!(plain(1_000.0), "1,000");
        assert_eq!(percent(0.95), "95\u{a0}%");
        assert_eq!(percent(0.999), "99.9\u{a0}%");
        assert_eq!(unit(3.2e9, BYTES), (1e9, "GB"));
        assert_eq!(unit(0.0, BYTES), (1.0, "B"));
    }

    #[test]
    fn a_coordinate_is_a_number() {
        assert_eq!(coordinate(f64::NAN), "0");
        assert_eq!(coordinate(f64::NEG_INFINITY), "0");
        assert_eq!(coordinate(-0.001), "0");
        assert_eq!(coordinate(12.345_6), "12.35");
    }
}
