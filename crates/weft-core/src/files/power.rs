//! Power curves: measured ones by name, or given in watts. A curve must never fall below zero;
//! the fleet checks that where it is built.

use serde::Deserialize;

use crate::fleet::PowerCurve;

/// Watts at 0, 10, … 100 % as published in SPECpower_ssj2008 results.
const MEASURED: [(&str, [f64; 11]); 4] = [
    // HP ProLiant ML110 G4, Xeon 3040, 2 cores.
    ("g4", [86.0, 89.4, 92.6, 96.0, 99.5, 102.0, 106.0, 108.0, 112.0, 114.0, 117.0]),
    // HP ProLiant ML110 G5, Xeon 3075, 2 cores.
    ("g5", [93.7, 97.0, 101.0, 105.0, 110.0, 116.0, 121.0, 125.0, 129.0, 133.0, 135.0]),
    // IBM System x3250 M3, Xeon X3470, 4 cores.
    ("x3250", [41.6, 46.7, 52.3, 57.9, 65.4, 73.0, 80.7, 89.5, 99.6, 105.0, 113.0]),
    // IBM System x3550 M3, two Xeon X5675, 12 cores.
    ("x3550", [58.4, 98.0, 109.0, 118.0, 128.0, 140.0, 153.0, 170.0, 189.0, 205.0, 222.0]),
];

/// The measured curve of this name; its host draws nothing while it is empty, as it may be
/// switched off.
pub fn measured(name: &str) -> Option<PowerCurve> {
    let (_, watts) = MEASURED.into_iter().find(|(known, _)| *known == name)?;
    Some(PowerCurve { watts, empty_watts: 0.0 })
}

/// The names that [`measured`] knows.
pub fn measured_names() -> impl Iterator<Item = &'static str> {
    MEASURED.into_iter().map(|(name, _)| name)
}

/// A straight line from `idle_watts` at 0 % to `full_watts` at 100 %.
pub fn linear(idle_watts: f64, full_watts: f64) -> PowerCurve {
    let rise = (full_watts - idle_watts) / 10.0;
    let watts = std::array::from_fn(|tenth| idle_watts + rise * tenth as f64);
    PowerCurve { watts, empty_watts: 0.0 }
}

/// How a file gives a power curve.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum PowerEntry {
    /// `measured: g4`.
    Measured(String),
    /// `linear: {idle_watts: 90, full_watts: 250}`.
    Linear {
        idle_watts: f64,
        full_watts: f64,
        #[serde(default)]
        empty_watts: f64,
    },
    /// `watts: [86, …]`, eleven of them.
    Watts([f64; 11]),
}

impl PowerEntry {
    /// The curve; an error names the measured curves there are.
    pub(super) fn curve(&self) -> Result<PowerCurve, String> {
        match self {
            Self::Measured(name) => measured(name).ok_or_else(|| {
                let names: Vec<_> = measured_names().collect();
                format!("expected a measured power curve ({}), found `{name}`", names.join(", "))
            }),
            Self::Linear { idle_watts, full_watts, empty_watts } => {
                Ok(PowerCurve { empty_watts: *empty_watts, ..linear(*idle_watts, *full_watts) })
            }
            Self::Watts(watts) => Ok(PowerCurve { watts: *watts, empty_watts: 0.0 }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn curves_by_name_and_by_watts() {
        assert_eq!(measured("g4").map(|curve| curve.watts_at(1.0)), Some(117.0));
        assert_eq!(measured("g6"), None);
        let curve = linear(100.0, 200.0);
        assert!((curve.watts_at(0.35) - 135.0).abs() < 1e-9);
        for name in measured_names() {
            let watts = measured(name).expect("a known name").watts;
            assert!(watts.is_sorted(), "{name} falls");
        }
    }
}
