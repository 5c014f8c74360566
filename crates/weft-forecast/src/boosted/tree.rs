//! One regression tree whose leaves hold a value for every level. The splits are found on two gradients of the pinball
//! losses together, where the distribution should move and how it should widen, so that one tree serves all levels at the
//! price of one; each leaf then takes the exact quantiles of what is left in it.

use super::bins::BINS;

/// How a tree grows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Growth {
    /// At most; no more than some ten thousand.
    pub(crate) leaves: usize,
    /// Rows in a leaf at least: its outer quantiles must stand on something.
    pub(crate) fewest_rows: usize,
    /// Pulls small leaves to zero, in rows.
    pub(crate) shrinkage_rows: f32,
}

/// Rows as bytes, row after row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Binned<'a> {
    pub(crate) bins: &'a [u8],
    pub(crate) columns: usize,
}

impl<'a> Binned<'a> {
    pub(crate) fn row(&self, row: usize) -> &'a [u8] {
        &self.bins[row * self.columns..(row + 1) * self.columns]
    }
}

/// Eight bytes, so that a tree stays in the nearest cache. Bins up to `bin` of `column` go left.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Node {
    column: u16,
    bin: u8,
    left: u16,
    right: u16,
}

impl Node {
    /// The column of a leaf, whose number is at its left.
    const LEAF: u16 = u16::MAX;

    const fn leaf(number: usize) -> Self {
        Self { column: Self::LEAF, bin: 0, left: number as u16, right: 0 }
    }
}

/// A grown tree.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tree {
    nodes: Vec<Node>,
    /// Leaves × levels.
    values: Vec<f32>,
    levels: usize,
}

/// Sums of a bin: both gradients and the rows.
#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    shift: f32,
    spread: f32,
    rows: f32,
}

impl Sum {
    fn add(&mut self, other: Self) {
        self.shift += other.shift;
        self.spread += other.spread;
        self.rows += other.rows;
    }

    fn less(self, other: Self) -> Self {
        Self {
            shift: self.shift - other.shift,
            spread: self.spread - other.spread,
            rows: self.rows - other.rows,
        }
    }

    /// What a leaf of these rows would gain.
    fn score(self, shrinkage: f32) -> f32 {
        (self.shift * self.shift + self.spread * self.spread) / (self.rows + shrinkage)
    }
}

/// A leaf that may yet be split.
struct Open {
    node: usize,
    from: usize,
    to: usize,
    histogram: Vec<Sum>,
    best: Option<Candidate>,
}

#[derive(Debug, Clone, Copy)]
struct Candidate {
    gain: f32,
    column: usize,
    bin: u8,
}

/// What trees are grown on.
pub(crate) struct Ground<'a> {
    pub(crate) binned: Binned<'a>,
    /// Both gradients of each row.
    pub(crate) gradients: &'a [[f32; 2]],
    /// Columns this tree may split on.
    pub(crate) allowed: &'a [usize],
    pub(crate) growth: Growth,
}

impl Ground<'_> {
    fn histogram(&self, rows: &[u32]) -> Vec<Sum> {
        let columns = self.binned.columns;
        let mut histogram = vec![Sum::default(); columns * BINS];
        for row in rows {
            let [shift, spread] = self.gradients[*row as usize];
            let bins = self.binned.row(*row as usize);
            for column in self.allowed {
                let sum = &mut histogram[column * BINS + bins[*column] as usize];
                sum.add(Sum { shift, spread, rows: 1.0 });
            }
        }
        histogram
    }

    fn best(&self, histogram: &[Sum]) -> Option<Candidate> {
        let fewest = self.growth.fewest_rows as f32;
        let mut best: Option<Candidate> = None;
        for column in self.allowed {
            let bins = &histogram[column * BINS..(column + 1) * BINS];
            let mut total = Sum::default();
            bins.iter().for_each(|sum| total.add(*sum));
            let whole = total.score(self.growth.shrinkage_rows);
            let mut left = Sum::default();
            for (bin, sum) in bins[..BINS - 1].iter().enumerate() {
                left.add(*sum);
                let right = total.less(left);
                if sum.rows == 0.0 || left.rows < fewest || right.rows < fewest {
                    continue;
                }
                let scored = left.score(self.growth.shrinkage_rows)
                    + right.score(self.growth.shrinkage_rows);
                let gain = scored - whole;
                if gain > best.map_or(1e-6, |best| best.gain) {
                    best = Some(Candidate { gain, column: *column, bin: bin as u8 });
                }
            }
        }
        best
    }

    /// Grows a tree on `rows`, which it reorders so that each leaf's lie together; gives the leaves' ranges.
    pub(crate) fn grow(&self, rows: &mut [u32], levels: usize) -> (Tree, Vec<(usize, usize)>) {
        let histogram = self.histogram(rows);
        let best = self.best(&histogram);
        let mut nodes = vec![Node::leaf(0)];
        let mut open = vec![Open { node: 0, from: 0, to: rows.len(), histogram, best }];
        while open.len() < self.growth.leaves {
            let gain = |leaf: &Open| leaf.best.map_or(0.0, |best| best.gain);
            let Some(next) =
                (0..open.len()).max_by(|a, b| gain(&open[*a]).total_cmp(&gain(&open[*b])))
            else {
                break;
            };
            let Some(best) = open[next].best else { break };
            let parent = open.swap_remove(next);
            let middle = parent.from
                + partition(&mut rows[parent.from..parent.to], |row| {
                    self.binned.row(row as usize)[best.column] <= best.bin
                });
            let (left, right) = (nodes.len(), nodes.len() + 1);
            let (column, bin) = (best.column as u16, best.bin);
            nodes[parent.node] = Node { column, bin, left: left as u16, right: right as u16 };
            nodes.extend([Node::leaf(0); 2]);
            let ranges = [(left, parent.from, middle), (right, middle, parent.to)];
            open.extend(self.divide(parent.histogram, ranges, rows));
        }
        let mut ranges = Vec::with_capacity(open.len());
        for (number, leaf) in open.iter().enumerate() {
            nodes[leaf.node] = Node::leaf(number);
            ranges.push((leaf.from, leaf.to));
        }
        let values = vec![0.0; ranges.len() * levels];
        (Tree { nodes, values, levels }, ranges)
    }

    /// The smaller child is counted, the larger is what remains of its parent.
    fn divide(
        &self,
        parent: Vec<Sum>,
        ranges: [(usize, usize, usize); 2],
        rows: &[u32],
    ) -> [Open; 2] {
        let [left, right] = ranges;
        let left_is_smaller = left.2 - left.1 <= right.2 - right.1;
        let smaller = if left_is_smaller { left } else { right };
        let counted = self.histogram(&rows[smaller.1..smaller.2]);
        let mut rest = parent;
        rest.iter_mut().zip(&counted).for_each(|(rest, counted)| *rest = rest.less(*counted));
        let (of_left, of_right) = if left_is_smaller { (counted, rest) } else { (rest, counted) };
        [(left, of_left), (right, of_right)].map(|((node, from, to), histogram)| {
            let best = self.best(&histogram);
            Open { node, from, to, histogram, best }
        })
    }
}

impl Tree {
    /// The values of leaf `leaf`, to be set after growing.
    pub(crate) fn values_mut(&mut self, leaf: usize) -> &mut [f32] {
        &mut self.values[leaf * self.levels..(leaf + 1) * self.levels]
    }

    /// The values of the leaf in which `bins` ends.
    pub(crate) fn find(&self, bins: &[u8]) -> &[f32] {
        let mut node = self.nodes[0];
        while node.column != Node::LEAF {
            let next = if bins[node.column as usize] <= node.bin { node.left } else { node.right };
            node = self.nodes[next as usize];
        }
        let leaf = node.left as usize;
        &self.values[leaf * self.levels..(leaf + 1) * self.levels]
    }
}

/// Brings what `goes_left` to the front, each side in its old order; gives how many they are.
fn partition(rows: &mut [u32], goes_left: impl Fn(u32) -> bool) -> usize {
    let mut right = Vec::with_capacity(rows.len());
    let mut count = 0;
    for index in 0..rows.len() {
        let row = rows[index];
        if goes_left(row) {
            rows[count] = row;
            count += 1;
        } else {
            right.push(row);
        }
    }
    rows[count..].copy_from_slice(&right);
    count
}
