//! Columns cut into bins at their quantiles (as Ke et al. 2017 do), a byte a value: trees compare bytes, and a node's
//! histogram stays in the nearest cache.

/// Bins of a column; the first is for what is missing.
pub(crate) const BINS: usize = 64;
/// Values looked at to place the edges of a column.
const SAMPLE: usize = 20_000;

/// Where the bins of each column begin.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Edges(Vec<Vec<f32>>);

impl Edges {
    /// Edges at the quantiles of `rows`, which lie row after row of `columns` values.
    pub(crate) fn new(rows: &[f32], columns: usize) -> Self {
        let count = rows.len() / columns;
        let every = count.div_ceil(SAMPLE).max(1);
        let edges = |column: usize| {
            let sampled = (0..count).step_by(every).map(|row| rows[row * columns + column]);
            let mut values: Vec<f32> = sampled.filter(|value| !value.is_nan()).collect();
            values.sort_unstable_by(f32::total_cmp);
            let mut edges: Vec<f32> = (1..BINS - 1)
                .filter_map(|cut| values.get(cut * values.len() / (BINS - 1)).copied())
                .collect();
            edges.dedup();
            edges
        };
        Self((0..columns).map(edges).collect())
    }

    /// The bin of `value` in `column`.
    pub(crate) fn bin(&self, column: usize, value: f32) -> u8 {
        if value.is_nan() {
            return 0;
        }
        1 + self.0[column].partition_point(|edge| *edge <= value) as u8
    }

    /// Writes the bins of a row.
    pub(crate) fn bin_row(&self, row: &[f32], bins: &mut [u8]) {
        for (column, (value, bin)) in row.iter().zip(bins).enumerate() {
            *bin = self.bin(column, *value);
        }
    }
}
