//! How two partitions of the same things agree, and which cluster of one is which of the other.

use std::collections::BTreeMap;

use super::ClusterId;

fn pairs(count: u64) -> f64 {
    count as f64 * (count as f64 - 1.0) / 2.0
}

/// The adjusted Rand index of two partitions of the same things, one label a thing: 1 where they are the same up to names,
/// about 0 where they agree no more than by chance (Hubert & Arabie 1985, equation 5). Two partitions that are both
/// trivial in the same way agree: 1.
///
/// # Panics
/// Where the lengths differ.
pub fn adjusted_rand_index<A: Ord, B: Ord>(one: &[A], other: &[B]) -> f64 {
    assert_eq!(one.len(), other.len(), "two labels for each thing");
    let (mut joint, mut rows, mut columns) =
        (BTreeMap::<_, u64>::new(), BTreeMap::<_, u64>::new(), BTreeMap::<_, u64>::new());
    for (a, b) in one.iter().zip(other) {
        *joint.entry((a, b)).or_default() += 1;
        *rows.entry(a).or_default() += 1;
        *columns.entry(b).or_default() += 1;
    }
    let together: f64 = joint.values().map(|count| pairs(*count)).sum();
    let (in_rows, in_columns): (f64, f64) =
        (rows.values().map(|c| pairs(*c)).sum(), columns.values().map(|c| pairs(*c)).sum());
    let expected = in_rows * in_columns / pairs(one.len() as u64).max(1.0);
    let most = f64::midpoint(in_rows, in_columns);
    if (most - expected).abs() < 1e-12 {
        return 1.0;
    }
    (together - expected) / (most - expected)
}

/// Names for the clusters of `now`: that of the cluster of `former` with the largest overlap, largest overlaps first, each
/// given once; the others get ids from `next` on. The flat cluster keeps its own.
pub(super) fn matched(
    now: &[ClusterId],
    former: &[ClusterId],
    next: u32,
) -> BTreeMap<ClusterId, ClusterId> {
    let mut overlaps = BTreeMap::<(ClusterId, ClusterId), usize>::new();
    for pair in now.iter().zip(former).filter(|pair| *pair.0 != ClusterId::FLAT) {
        *overlaps.entry((*pair.0, *pair.1)).or_default() += 1;
    }
    let mut order: Vec<((ClusterId, ClusterId), usize)> = overlaps.into_iter().collect();
    order.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let (mut names, mut taken) = (BTreeMap::new(), vec![ClusterId::FLAT]);
    for ((id, name), _) in order {
        if !names.contains_key(&id) && !taken.contains(&name) {
            names.insert(id, name);
            taken.push(name);
        }
    }
    let mut free = next..;
    for id in now.iter().filter(|id| **id != ClusterId::FLAT) {
        names.entry(*id).or_insert_with(|| ClusterId(free.next().unwrap_or(u32::MAX)));
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_index_by_hand() {
        let check = |one: &[u8], other: &[u8], expected: f64| {
            let found = adjusted_rand_index(one, other);
            assert!((found - expected).abs() < 1e-12, "{one:?}, {other:?}: {found}");
        };
        check(&[0, 0, 1, 1], &[1, 1, 0, 0], 1.0);
        // One pair together; (1 − 2·1/6) / (1½ − 2·1/6).
        check(&[0, 0, 1, 1], &[0, 0, 1, 2], 4.0 / 7.0);
        // Two pairs together; (2 − 6·3/15) / (4½ − 6·3/15).
        check(&[0, 0, 0, 1, 1, 1], &[0, 0, 1, 1, 2, 2], 8.0 / 33.0);
        // No pair together; (0 − 2·2/6) / (2 − 2·2/6).
        check(&[0, 0, 1, 1], &[0, 1, 0, 1], -0.5);
        check(&[0, 0, 0, 0], &[0, 1, 2, 3], 0.0);
        check(&[0, 0, 0], &[4, 4, 4], 1.0);
    }

    #[test]
    fn names_follow_the_largest_overlap() {
        let ids = |ids: &[u32]| ids.iter().map(|id| ClusterId(*id)).collect::<Vec<_>>();
        let names = matched(&ids(&[1, 1, 1, 2, 2, 3, 0]), &ids(&[7, 7, 4, 4, 4, 4, 0]), 9);
        let expected = [(1, 7), (2, 4), (3, 9)].map(|(a, b)| (ClusterId(a), ClusterId(b)));
        assert_eq!(names, BTreeMap::from(expected));
    }
}
