//! Where the labels of points go so that a reader can tell which is whose: beside the point where
//! there is room, else further off with a leader. A label must never cover another label or a point
//! that is not its own while there is a free place within reach.

/// A rectangle in the units of the chart.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Area {
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) right: f64,
    pub(super) bottom: f64,
}

impl Area {
    /// The rectangle of this size around a centre.
    pub(super) fn around(x: f64, y: f64, width: f64, height: f64) -> Self {
        let (half, tall) = (width / 2.0, height / 2.0);
        Self { left: x - half, top: y - tall, right: x + half, bottom: y + tall }
    }

    /// The size of what both cover.
    pub(super) fn overlap(&self, other: &Self) -> f64 {
        let width = self.right.min(other.right) - self.left.max(other.left);
        let height = self.bottom.min(other.bottom) - self.top.max(other.top);
        width.max(0.0) * height.max(0.0)
    }

    fn size(&self) -> f64 {
        (self.right - self.left) * (self.bottom - self.top)
    }

    fn shifted_into(self, outer: &Self) -> Self {
        let right = (outer.left - self.left).max(0.0) - (self.right - outer.right).max(0.0);
        let down = (outer.top - self.top).max(0.0) - (self.bottom - outer.bottom).max(0.0);
        Self {
            left: self.left + right,
            right: self.right + right,
            top: self.top + down,
            bottom: self.bottom + down,
        }
    }
}

/// A point that wants a label of this size.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Wish {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

/// Half the side of a point's marker, with the air around it.
const POINT: f64 = 7.0;
/// How far from the point a label's nearest edge may lie, nearest first.
const DISTANCES: [f64; 7] = [9.0, 16.0, 26.0, 38.0, 54.0, 74.0, 100.0];
/// The sides of a point on which a label may lie, best first: right, left, above, below, between.
const SIDES: [(f64, f64); 12] = [
    (1.0, 0.0),
    (-1.0, 0.0),
    (0.0, -1.0),
    (0.0, 1.0),
    (0.87, -0.5),
    (0.87, 0.5),
    (-0.87, -0.5),
    (-0.87, 0.5),
    (0.5, -0.87),
    (0.5, 0.87),
    (-0.5, -0.87),
    (-0.5, 0.87),
];
/// A label further off than this from its point is joined to it by a leader.
pub(super) const LEADER_FROM: f64 = 12.0;

/// What a place costs: covering a label or a point is worst, a line is bad, distance is dear, and
/// sides have an order.
const COVERS_LABEL: f64 = 1_000.0;
const COVERS_LINE: f64 = 60.0;
const PER_UNIT: f64 = 1.0;
const PER_SIDE: f64 = 0.7;

/// Places for the labels of `wishes` within `outer`, in order: earlier ones choose first. `lines`
/// are points on lines that labels should leave free.
pub(super) fn place(wishes: &[Wish], lines: &[(f64, f64)], outer: &Area) -> Vec<Area> {
    let points: Vec<Area> =
        wishes.iter().map(|w| Area::around(w.x, w.y, 2.0 * POINT, 2.0 * POINT)).collect();
    let mut taken: Vec<Area> = Vec::new();
    for wish in wishes {
        let cost = |(area, own): &(Area, f64)| {
            let covered: f64 =
                taken.iter().chain(&points).map(|other| area.overlap(other)).sum::<f64>();
            let crossed = lines.iter().filter(|line| covers(area, line)).count() as f64;
            own + COVERS_LABEL * covered / area.size() + COVERS_LINE * crossed
        };
        let best = candidates(wish, outer)
            .into_iter()
            .min_by(|a, b| cost(a).total_cmp(&cost(b)))
            .expect("there are always candidates, one for each side");
        taken.push(best.0);
    }
    taken
}

fn covers(area: &Area, (x, y): &(f64, f64)) -> bool {
    (area.left..=area.right).contains(x) && (area.top..=area.bottom).contains(y)
}

/// The places a label may take, each with what it costs by itself.
fn candidates(wish: &Wish, outer: &Area) -> Vec<(Area, f64)> {
    let of_distance = |distance: f64| {
        SIDES.iter().enumerate().map(move |(order, side)| {
            let area = beside(wish, side, distance).shifted_into(outer);
            (area, PER_UNIT * distance + PER_SIDE * order as f64)
        })
    };
    DISTANCES.into_iter().flat_map(of_distance).collect()
}

/// The label's place on a side of its point: its nearest edge at `distance`.
fn beside(wish: &Wish, (dx, dy): &(f64, f64), distance: f64) -> Area {
    let x = wish.x + dx * distance + dx.signum() * (dx.abs() > 0.1) as u8 as f64 * wish.width / 2.0;
    let lift = if dx.abs() > 0.6 { *dy } else { dy.signum() * (dy.abs() > 0.1) as u8 as f64 };
    let y = wish.y + dy * distance + lift * wish.height / 2.0;
    Area::around(x, y, wish.width, wish.height)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTER: Area = Area { left: 0.0, top: 0.0, right: 340.0, bottom: 340.0 };

    fn wish(x: f64, y: f64) -> Wish {
        Wish { x, y, width: 90.0, height: 15.0 }
    }

    fn check(wishes: &[Wish]) {
        let places = place(wishes, &[], &OUTER);
        for (index, area) in places.iter().enumerate() {
            assert!(area.left >= 0.0 && area.right <= 340.0, "label {index} leaves the chart");
            assert!(area.top >= 0.0 && area.bottom <= 340.0, "label {index} leaves the chart");
            for (other, earlier) in places[..index].iter().enumerate() {
                assert_eq!(area.overlap(earlier), 0.0, "labels {other} and {index} overlap");
            }
        }
    }

    #[test]
    fn labels_never_overlap() {
        check(&[wish(170.0, 170.0)]);
        check(&[wish(170.0, 170.0); 12]);
        check(&[wish(339.0, 1.0), wish(335.0, 5.0), wish(1.0, 339.0), wish(3.0, 330.0)]);
        let crowd: Vec<Wish> = (0..14)
            .map(|i| wish(150.0 + f64::from(i) * 4.0, 200.0 - f64::from(i % 5) * 9.0))
            .collect();
        check(&crowd);
    }

    #[test]
    fn a_lonely_label_stands_to_the_right() {
        let area = place(&[wish(100.0, 100.0)], &[], &OUTER)[0];
        assert_eq!((area.left, area.top), (109.0, 92.5));
    }

    #[test]
    fn a_line_is_left_free() {
        let line: Vec<(f64, f64)> = (0..60).map(|i| (100.0 + f64::from(i) * 4.0, 100.0)).collect();
        let area = place(&[wish(100.0, 100.0)], &line, &OUTER)[0];
        assert!(area.right < 100.0, "{area:?}");
    }
}
