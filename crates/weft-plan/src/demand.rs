//! The joint demand of the items of a problem, in the form in which sums over hosts are cheap.
//!
//! Demand is kept as a mean per bucket and as deviations from it per scenario. Both are linear, so
//! the load of a host is a sum, and the variance of a host with one item more follows from the sum
//! of products of two rows of deviations. Nothing here decides anything.

/// Buckets are padded to whole lanes, so that the inner loops have a fixed length.
pub(crate) const LANES: usize = 8;

/// Demand of every item for every flowing dimension: means and within-bucket variances as
/// item × dimension × bucket, deviations as item × dimension × scenario × bucket. Buckets are padded
/// to a multiple of eight with zeros.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Demands {
    dimensions: usize,
    scenarios: usize,
    buckets: usize,
    width: usize,
    mean: Vec<f32>,
    within: Vec<f32>,
    squares: Vec<f32>,
    spread: Vec<f32>,
    deviations: Vec<f32>,
}

impl Demands {
    /// No items yet, of `dimensions` flowing dimensions.
    pub fn new(dimensions: usize, scenarios: usize, buckets: usize) -> Self {
        let width = buckets.max(1).next_multiple_of(LANES);
        Self { dimensions, scenarios, buckets, width, ..Self::default() }
    }

    /// Makes room for `items` more: these are the largest arrays of a problem, and growing them piece
    /// by piece copies them many times.
    pub fn reserve(&mut self, items: usize) {
        let rows = items * self.dimensions * self.width;
        for per_row in [&mut self.mean, &mut self.within, &mut self.squares, &mut self.spread] {
            per_row.reserve(rows);
        }
        self.deviations.reserve(rows * self.scenarios);
    }

    /// Number of flowing dimensions.
    pub const fn dimensions(&self) -> usize {
        self.dimensions
    }

    /// Number of buckets.
    pub const fn buckets(&self) -> usize {
        self.buckets
    }

    /// Number of scenarios.
    pub const fn scenarios(&self) -> usize {
        self.scenarios
    }

    /// Number of items.
    pub fn items(&self) -> usize {
        match self.dimensions * self.width {
            0 => 0,
            row => self.mean.len() / row,
        }
    }

    /// Adds the demand of the next item in its next dimension, dimension after dimension:
    /// `mean` per bucket, used where there are no scenarios; `path(s, out)` writes its demand in
    /// scenario `s` per bucket; `within` is its variance inside each bucket.
    ///
    /// # Panics
    /// If `mean` or `within` are shorter than the number of buckets.
    pub fn push(&mut self, mean: &[f32], mut path: impl FnMut(usize, &mut [f32]), within: &[f32]) {
        let (begin, width) = (self.mean.len(), self.width);
        self.mean.resize(begin + width, 0.0);
        self.within.resize(begin + width, 0.0);
        self.within[begin..begin + self.buckets].copy_from_slice(&within[..self.buckets]);
        let row = &mut self.mean[begin..begin + width];
        row[..self.buckets].copy_from_slice(&mean[..self.buckets]);
        let first = self.deviations.len();
        self.deviations.resize(first + self.scenarios * width, 0.0);
        let block = &mut self.deviations[first..];
        let mut squares = vec![0.0_f32; width];
        if self.scenarios > 0 {
            row.fill(0.0);
            for (number, line) in block.chunks_exact_mut(width).enumerate() {
                path(number, &mut line[..self.buckets]);
                add(row, line);
            }
            row.iter_mut().for_each(|sum| *sum /= self.scenarios as f32);
            for line in block.chunks_exact_mut(width) {
                for bucket in 0..width {
                    line[bucket] -= row[bucket];
                    squares[bucket] += line[bucket] * line[bucket];
                }
            }
        }
        let count = self.scenarios.max(1) as f32;
        let inside = &self.within[begin..];
        let spread = squares.iter().zip(inside).map(|(sum, inside)| (sum / count + inside).sqrt());
        self.spread.extend(spread);
        self.squares.extend(squares);
    }

    /// Whether nothing at all is demanded in `dimension`.
    pub fn is_absent(&self, dimension: usize) -> bool {
        let rows = self.mean.chunks_exact(self.width.max(1));
        rows.skip(dimension)
            .step_by(self.dimensions.max(1))
            .all(|row| row.iter().all(|m| *m == 0.0))
    }

    pub(crate) const fn width(&self) -> usize {
        self.width
    }

    const fn row(&self, item: usize, dimension: usize) -> std::ops::Range<usize> {
        let begin = (item * self.dimensions + dimension) * self.width;
        begin..begin + self.width
    }

    /// Mean per bucket.
    pub(crate) fn mean(&self, item: usize, dimension: usize) -> &[f32] {
        &self.mean[self.row(item, dimension)]
    }

    /// Deviation per bucket: over the scenarios and inside the bucket.
    pub(crate) fn spread(&self, item: usize, dimension: usize) -> &[f32] {
        &self.spread[self.row(item, dimension)]
    }

    fn block(&self, item: usize, dimension: usize) -> &[f32] {
        let size = self.scenarios * self.width;
        let begin = (item * self.dimensions + dimension) * size;
        &self.deviations[begin..begin + size]
    }
}

/// The loads of all hosts: sums of the demands of what they carry.
#[derive(Debug, Clone)]
pub(crate) struct Loads {
    dimensions: usize,
    scenarios: usize,
    width: usize,
    mean: Vec<f32>,
    within: Vec<f32>,
    squares: Vec<f32>,
    spread: Vec<f32>,
    deviations: Vec<f32>,
}

/// Mean and deviation per dimension and bucket of a host as it would be.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outlook {
    pub(crate) mean: Vec<f32>,
    pub(crate) spread: Vec<f32>,
}

impl Loads {
    /// Hosts without any load.
    pub(crate) fn new(demands: &Demands, hosts: usize) -> Self {
        let (dimensions, scenarios, width) = (demands.dimensions, demands.scenarios, demands.width);
        let rows = hosts * dimensions * width;
        Self {
            dimensions,
            scenarios,
            width,
            mean: vec![0.0; rows],
            within: vec![0.0; rows],
            squares: vec![0.0; rows],
            spread: vec![0.0; rows],
            deviations: vec![0.0; rows * scenarios],
        }
    }

    /// Mean per dimension and bucket.
    pub(crate) fn mean(&self, host: usize) -> &[f32] {
        &self.mean[self.rows(host)]
    }

    /// Deviation per dimension and bucket.
    pub(crate) fn spread(&self, host: usize) -> &[f32] {
        &self.spread[self.rows(host)]
    }

    const fn rows(&self, host: usize) -> std::ops::Range<usize> {
        let size = self.dimensions * self.width;
        host * size..(host + 1) * size
    }

    /// Sums the loads of `host` anew: they depend on who is there only, never on how they came.
    pub(crate) fn rebuild(&mut self, demands: &Demands, host: usize, members: &[u32]) {
        let (rows, scenarios) = (self.rows(host), self.scenarios);
        let blocks = rows.start * scenarios..rows.end * scenarios;
        self.mean[rows.clone()].fill(0.0);
        self.within[rows.clone()].fill(0.0);
        self.deviations[blocks.clone()].fill(0.0);
        for item in members.iter().map(|item| *item as usize) {
            let of_item = demands.row(item, 0).start..demands.row(item, 0).start + rows.len();
            add(&mut self.mean[rows.clone()], &demands.mean[of_item.clone()]);
            add(&mut self.within[rows.clone()], &demands.within[of_item.clone()]);
            let block = of_item.start * scenarios..of_item.end * scenarios;
            add(&mut self.deviations[blocks.clone()], &demands.deviations[block]);
        }
        let squares = &mut self.squares[rows.clone()];
        for dimension in 0..self.dimensions {
            let size = scenarios * self.width;
            let block = &self.deviations[blocks.clone()][dimension * size..(dimension + 1) * size];
            let out = &mut squares[dimension * self.width..(dimension + 1) * self.width];
            out.fill(0.0);
            products(block, block, out);
        }
        let count = scenarios.max(1) as f32;
        for row in rows {
            self.spread[row] = (self.squares[row] / count + self.within[row]).max(0.0).sqrt();
        }
    }

    /// `host` with `item` added (`sign` = 1) or taken away (`sign` = −1).
    pub(crate) fn with(
        &self,
        demands: &Demands,
        host: usize,
        item: usize,
        sign: f32,
        out: &mut Outlook,
    ) {
        let rows = self.rows(host);
        out.mean.resize(rows.len(), 0.0);
        out.spread.resize(rows.len(), 0.0);
        let size = self.scenarios * self.width;
        let count = self.scenarios.max(1) as f32;
        for dimension in 0..self.dimensions {
            let begin = rows.start + dimension * self.width;
            let here = begin..begin + self.width;
            let of_item = demands.row(item, dimension);
            let covariance = &mut out.spread[dimension * self.width..(dimension + 1) * self.width];
            covariance.fill(0.0);
            let block = &self.deviations[begin * self.scenarios..begin * self.scenarios + size];
            products(block, demands.block(item, dimension), covariance);
            let means = &mut out.mean[dimension * self.width..];
            for (lane, spread) in covariance.iter_mut().enumerate() {
                let (host, item) = (here.start + lane, of_item.start + lane);
                let squares = self.squares[host] + 2.0 * sign * *spread + demands.squares[item];
                let within = self.within[host] + sign * demands.within[item];
                *spread = (squares / count + within).max(0.0).sqrt();
                means[lane] = self.mean[host] + sign * demands.mean[item];
            }
        }
    }
}

fn add(sum: &mut [f32], addend: &[f32]) {
    for (sum, addend) in sum.iter_mut().zip(addend) {
        *sum += addend;
    }
}

/// Adds to `out[lane]` the sum over scenarios of `a × b`, both scenario × lane.
fn products(a: &[f32], b: &[f32], out: &mut [f32]) {
    let width = out.len();
    for first in (0..width).step_by(LANES) {
        let mut sum = [0.0_f32; LANES];
        for (a, b) in a.chunks_exact(width).zip(b.chunks_exact(width)) {
            let (a, b) = (&a[first..first + LANES], &b[first..first + LANES]);
            for lane in 0..LANES {
                sum[lane] += a[lane] * b[lane];
            }
        }
        add(&mut out[first..first + LANES], &sum);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn demands() -> Demands {
        let mut demands = Demands::new(1, 3, 2);
        let paths = [[[1.0, 2.0], [3.0, 2.0], [5.0, 8.0]], [[4.0, 1.0], [2.0, 1.0], [0.0, 4.0]]];
        for path in paths {
            let write = |scenario: usize, out: &mut [f32]| out.copy_from_slice(&path[scenario]);
            demands.push(&[9.0, 9.0], write, &[0.0, 1.0]);
        }
        demands
    }

    #[test]
    fn a_host_is_the_joint_sum_of_its_items() {
        let demands = demands();
        let mut loads = Loads::new(&demands, 2);
        loads.rebuild(&demands, 1, &[0]);
        let mut with = Outlook::default();
        loads.with(&demands, 1, 1, 1.0, &mut with);
        assert_eq!(with.mean[..2], [5.0, 6.0], "the mean is the mean of the scenarios");
        assert_eq!(with.spread[0], 0.0, "opposite paths cancel");
        let sums = [3.0_f32, 3.0, 12.0];
        let variance = sums.iter().map(|sum| (sum - 6.0) * (sum - 6.0)).sum::<f32>() / 3.0 + 2.0;
        assert!((with.spread[1] - variance.sqrt()).abs() < 1e-5, "{:?}", with.spread);
        loads.rebuild(&demands, 1, &[0, 1]);
        assert_eq!(loads.spread(1)[..2], with.spread[..2]);
        loads.with(&demands, 1, 0, -1.0, &mut with);
        assert!((with.spread[0] - demands.spread(1, 0)[0]).abs() < 1e-5);
        assert_eq!(with.mean[..2], demands.mean(1, 0)[..2]);
    }

    #[test]
    fn without_scenarios_only_means_and_inner_variance_are_known() {
        let mut demands = Demands::new(1, 0, 1);
        demands.push(&[4.0], |_, out| out.fill(f32::NAN), &[9.0]);
        assert_eq!((demands.mean(0, 0)[0], demands.spread(0, 0)[0]), (4.0, 3.0));
        assert!(!demands.is_absent(0));
        assert_eq!(demands.items(), 1);
    }
}
