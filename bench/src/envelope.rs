//! The lower envelope of a policy's trade of energy against unserved demand: what it would take at an
//! energy between two of its rows.

/// One row, as a point of the trade.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Point {
    pub(crate) energy_kwh: f64,
    pub(crate) unserved_core_hours: f64,
}

/// The points that no other point beats in both, by energy, joined by straight lines.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Envelope(Vec<Point>);

impl Envelope {
    pub(crate) fn of(points: impl IntoIterator<Item = Point>) -> Self {
        let mut points: Vec<Point> = points.into_iter().collect();
        points.sort_by(|a, b| {
            let by_energy = a.energy_kwh.total_cmp(&b.energy_kwh);
            by_energy.then(a.unserved_core_hours.total_cmp(&b.unserved_core_hours))
        });
        let mut best = f64::INFINITY;
        points.retain(|point| {
            let is_better = point.unserved_core_hours < best;
            best = best.min(point.unserved_core_hours);
            is_better
        });
        Self(points)
    }

    /// Unserved demand at an energy. Below the least energy there is nothing to compare with; above
    /// the greatest it stays what it is there, since energy can always be wasted.
    pub(crate) fn at(&self, energy_kwh: f64) -> Option<f64> {
        let after = self.0.partition_point(|point| point.energy_kwh <= energy_kwh);
        let left = self.0.get(after.checked_sub(1)?)?;
        let Some(right) = self.0.get(after) else { return Some(left.unserved_core_hours) };
        let share = (energy_kwh - left.energy_kwh) / (right.energy_kwh - left.energy_kwh);
        let rise = right.unserved_core_hours - left.unserved_core_hours;
        Some(left.unserved_core_hours + share * rise)
    }
}

/// The position of a point that needs at most as much energy as `point` and leaves less unserved.
pub(crate) fn beats(others: &[Point], point: Point) -> Option<usize> {
    others.iter().position(|other| {
        other.energy_kwh <= point.energy_kwh
            && other.unserved_core_hours < point.unserved_core_hours
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(values: &[(f64, f64)]) -> Vec<Point> {
        let point = |&(energy_kwh, unserved_core_hours)| Point { energy_kwh, unserved_core_hours };
        values.iter().map(point).collect()
    }

    #[test]
    fn only_what_nothing_beats_is_on_the_envelope() {
        let all = points(&[(30.0, 1.0), (10.0, 4.0), (20.0, 5.0), (40.0, 1.0), (10.0, 6.0)]);
        assert_eq!(Envelope::of(all), Envelope(points(&[(10.0, 4.0), (30.0, 1.0)])));
    }

    #[test]
    fn between_two_rows_it_is_a_straight_line() {
        let envelope = Envelope::of(points(&[(10.0, 4.0), (30.0, 1.0)]));
        let check = |energy, expected| assert_eq!(envelope.at(energy), expected, "at {energy}");
        check(9.9, None);
        check(10.0, Some(4.0));
        check(20.0, Some(2.5));
        check(30.0, Some(1.0));
        check(99.0, Some(1.0));
        assert_eq!(Envelope::of([]).at(1.0), None);
    }

    #[test]
    fn a_row_is_beaten_at_equal_energy_by_less_unserved_demand_only() {
        let others = points(&[(10.0, 4.0), (20.0, 2.0)]);
        let check = |energy, unserved, expected| {
            let point = Point { energy_kwh: energy, unserved_core_hours: unserved };
            assert_eq!(beats(&others, point), expected, "{point:?}");
        };
        check(10.0, 4.0, None);
        check(10.0, 4.1, Some(0));
        check(9.0, 9.0, None);
        check(20.0, 3.0, Some(1));
        check(99.0, 1.9, None);
    }
}
