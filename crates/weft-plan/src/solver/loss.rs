//! The expected excess of a normal demand over a capacity, from a table, because the solver asks
//! for it in its innermost loop.

/// Distance between two entries, in deviations.
const STEP: f64 = 1.0 / 32.0;
/// The table covers −END..=END deviations; beyond, the loss is 0 or the distance itself.
const END: f64 = 4.0;
const ENTRIES: usize = (2.0 * END / STEP) as usize + 1;

/// L(z) = E[(Z − z)⁺] of a standard normal Z, the unit normal loss, and P(Z > z).
#[derive(Debug, Clone)]
pub(crate) struct Loss {
    loss: Vec<f32>,
    above: Vec<f32>,
}

impl Loss {
    /// Both tables. L(z) = φ(z) − z·Q(z); Q is integrated from the right by Simpson's rule.
    pub(crate) fn new() -> Self {
        let density = |z: f64| (-0.5 * z * z).exp() / std::f64::consts::TAU.sqrt();
        // Q(4) to four digits: Abramowitz & Stegun 1964, table 26.1.
        let mut above = 3.1671e-5;
        let mut tables = Self { loss: vec![0.0; ENTRIES], above: vec![0.0; ENTRIES] };
        for entry in (0..ENTRIES).rev() {
            let z = entry as f64 * STEP - END;
            tables.above[entry] = above as f32;
            tables.loss[entry] = (density(z) - z * above).max(0.0) as f32;
            let (left, middle) = (z - STEP, z - STEP / 2.0);
            above += STEP / 6.0 * (density(left) + 4.0 * density(middle) + density(z));
        }
        tables
    }

    /// E[(X − capacity)⁺] of a normal X.
    pub(crate) fn excess(&self, mean: f32, deviation: f32, capacity: f32) -> f32 {
        let room = capacity - mean;
        if room >= END as f32 * deviation {
            return 0.0;
        }
        if -room >= END as f32 * deviation {
            return -room;
        }
        deviation * interpolate(&self.loss, room / deviation)
    }

    /// P(X > capacity) of a normal X, never quite zero.
    pub(crate) fn probability(&self, mean: f32, deviation: f32, capacity: f32) -> f32 {
        let room = capacity - mean;
        if room.abs() >= END as f32 * deviation {
            return if room < 0.0 { 1.0 } else { self.above[ENTRIES - 1] };
        }
        interpolate(&self.above, room / deviation)
    }
}

fn interpolate(table: &[f32], z: f32) -> f32 {
    let position = (z + END as f32) / STEP as f32;
    let below = (position as usize).min(ENTRIES - 2);
    let share = position - below as f32;
    table[below] + share * (table[below + 1] - table[below])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_meets_published_values() {
        let loss = Loss::new();
        // Unit normal loss: 0.3989 at 0, 0.0833 at 1, 0.0085 at 2 (tables of inventory theory).
        for (z, expected) in [(0.0, 0.3989), (1.0, 0.0833), (2.0, 0.0085), (-1.0, 1.0833)] {
            let found = loss.excess(10.0, 2.0, 10.0 + 2.0 * z) / 2.0;
            assert!((found - expected).abs() < 2e-4, "{z}: {found}");
        }
        for (z, expected) in [(0.0, 0.5), (1.645, 0.05), (2.326, 0.01)] {
            let found = loss.probability(0.0, 1.0, z);
            assert!((found - expected).abs() < 2e-4, "{z}: {found}");
        }
        assert_eq!(loss.excess(12.0, 0.0, 10.0), 2.0);
        assert_eq!(loss.excess(10.0, 0.0, 10.0), 0.0);
    }
}
