//! How a policy looks: one colour and one shape wherever it appears, so that a reader who has met
//! it once knows it again, with or without colours. Two policies must never look the same.

use weft_sim::backtest::outcome::PolicyRow;

use super::markup::{coordinate, escape, percent};

/// The known policies, their class in the style sheet (which holds the colours of both themes) and
/// their shape. The hues are Okabe and Ito's (2008), which colour-blind readers can tell apart,
/// shifted until each stands out from the background by 3 to 1 (WCAG 2.1, 1.4.11).
const LOOKS: &[(&str, &str, Shape)] = &[
    ("none", "none", Shape::Cross),
    ("pack-once", "pack", Shape::Square),
    ("reactive-thr", "thr", Shape::Up),
    ("reactive-iqr", "iqr", Shape::Down),
    ("reactive-lr", "lr", Shape::Right),
    ("predictive", "predictive", Shape::Circle),
    ("oracle", "oracle", Shape::Diamond),
    ("actual", "actual", Shape::Plus),
];

/// A policy that the table above does not know.
const UNKNOWN: (&str, Shape) = ("other", Shape::Left);

/// The name of the policy that knows the future.
pub(super) const ORACLE: &str = "oracle";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Circle,
    Square,
    Up,
    Down,
    Left,
    Right,
    Diamond,
    Cross,
    Plus,
}

/// The class that sets a policy's colour.
pub(super) fn class(policy: &str) -> &'static str {
    look(policy).0
}

fn look(policy: &str) -> (&'static str, Shape) {
    let known = LOOKS.iter().find(|(name, _, _)| *name == policy);
    known.map_or(UNKNOWN, |(_, class, shape)| (class, *shape))
}

/// A row's name: its policy and, where it was swept, its setting.
pub(super) fn name(row: &PolicyRow) -> String {
    match row.setting() {
        Some(setting) => format!("{} {}", row.policy, percent(setting)),
        None => row.policy.clone(),
    }
}

/// A policy's marker, centred at a point.
pub(super) fn marker(policy: &str, x: f64, y: f64, radius: f64) -> String {
    let (class, shape) = look(policy);
    let outline = shape.outline(x, y, radius);
    let hollow = if policy == ORACLE { " hollow" } else { "" };
    format!(r#"<path class="marker c-{class}{hollow}" d="{outline}"/>"#)
}

/// A policy's marker as it stands before its name in text.
pub(super) fn swatch(policy: &str) -> String {
    let marker = marker(policy, 7.0, 7.0, 5.0);
    format!(r#"<svg class="swatch" viewBox="0 0 14 14" aria-hidden="true">{marker}</svg>"#)
}

/// A row's name as markup: marker, policy, confidence.
pub(super) fn heading(row: &PolicyRow) -> String {
    let (swatch, policy) = (swatch(&row.policy), escape(&row.policy));
    let confidence = row.setting().map(percent).unwrap_or_default();
    let confidence = if confidence.is_empty() {
        confidence
    } else {
        format!(r#" <span class="confidence">{confidence}</span>"#)
    };
    format!(r#"{swatch}<span class="policy">{policy}</span>{confidence}"#)
}

impl Shape {
    fn outline(self, x: f64, y: f64, radius: f64) -> String {
        if self == Self::Circle {
            let (left, y, r) = (coordinate(x - radius), coordinate(y), coordinate(radius));
            let across = coordinate(2.0 * radius);
            return format!("M{left} {y}a{r} {r} 0 1 0 {across} 0a{r} {r} 0 1 0 -{across} 0z");
        }
        let corner = |(dx, dy): &(f64, f64)| {
            format!("{} {}", coordinate(x + dx * radius), coordinate(y + dy * radius))
        };
        let corners: Vec<String> = self.corners().iter().map(corner).collect();
        format!("M{}z", corners.join("L"))
    }

    /// Corners for a radius of one; the areas of all shapes look alike.
    fn corners(self) -> Vec<(f64, f64)> {
        let turned = |turn: f64, corners: &[(f64, f64)]| -> Vec<(f64, f64)> {
            let (sin, cos) = turn.to_radians().sin_cos();
            corners.iter().map(|(x, y)| (x * cos - y * sin, x * sin + y * cos)).collect()
        };
        let triangle = [(0.0, -1.2), (1.1, 0.8), (-1.1, 0.8)];
        let square = [(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)];
        match self {
            Self::Circle => Vec::new(),
            Self::Square => square.to_vec(),
            Self::Up => triangle.to_vec(),
            Self::Right => turned(90.0, &triangle),
            Self::Down => turned(180.0, &triangle),
            Self::Left => turned(270.0, &triangle),
            Self::Diamond => turned(45.0, &square),
            Self::Plus => turned(0.0, &plus()),
            Self::Cross => turned(45.0, &plus()),
        }
    }
}

/// A plus of twelve corners.
fn plus() -> Vec<(f64, f64)> {
    let (arm, half) = (1.15, 0.4);
    let quarter = [(-half, -arm), (half, -arm), (half, -half)];
    let turned = |turns: usize| quarter.map(|point| (0..turns).fold(point, |(x, y), _| (-y, x)));
    (0..4).flat_map(turned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_two_policies_look_the_same() {
        let names = LOOKS.iter().map(|(name, _, _)| *name).chain(["unheard-of"]);
        let looks: Vec<_> = names.map(look).collect();
        let classes: BTreeSet<_> = looks.iter().map(|(class, _)| class).collect();
        let outlines: BTreeSet<_> = looks.iter().map(|(_, s)| s.outline(0.0, 0.0, 5.0)).collect();
        assert_eq!((classes.len(), outlines.len()), (looks.len(), looks.len()));
    }

    #[test]
    fn every_class_has_its_colour_in_the_style_sheet() {
        let sheet = include_str!("../../assets/report.css");
        for class in LOOKS.iter().map(|(_, class, _)| *class).chain([UNKNOWN.0]) {
            assert!(sheet.contains(&format!(".c-{class} ")), "no rule for .c-{class}");
            let definitions = sheet.matches(&format!("--{class}:")).count();
            assert_eq!(definitions, 2, "expected --{class} for light and for dark");
        }
    }

    /// The colours of `name` in the style sheet: light, then dark.
    fn colours(name: &str) -> Vec<&'static str> {
        let sheet = include_str!("../../assets/report.css");
        let start = format!("--{name}: #");
        sheet.match_indices(&start).map(|(at, _)| &sheet[at + start.len()..][..6]).collect()
    }

    /// Relative luminance (WCAG 2.1).
    fn luminance(colour: &str) -> f64 {
        let channel = |at: usize| {
            let value = u8::from_str_radix(&colour[at..at + 2], 16).expect("two digits in hex");
            let share = f64::from(value) / 255.0;
            if share <= 0.039_28 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
        };
        0.212_6 * channel(0) + 0.715_2 * channel(2) + 0.072_2 * channel(4)
    }

    #[test]
    fn every_colour_stands_out_from_its_card() {
        let policies = LOOKS.iter().map(|(_, class, _)| *class).chain([UNKNOWN.0]);
        let texts = ["ink", "muted", "good", "bad"].map(|name| (name, 4.5));
        for (name, least) in policies.map(|class| (class, 3.0)).chain(texts) {
            for (colour, card) in colours(name).into_iter().zip(colours("card")) {
                let (a, b) = (luminance(colour), luminance(card));
                let contrast = (a.max(b) + 0.05) / (a.min(b) + 0.05);
                assert!(contrast >= least, "--{name} has contrast {contrast:.1} on {card}");
            }
        }
    }
}
