//! Where a workload was, step by step, from who reported it. While it moves, both hosts may report it:
//! the host whose reports began last has it, because a target begins when the source already reports.

use weft_core::id::HostId;

/// The host (by position) that has the workload in each of `steps` steps; none where nobody reports it.
/// `reports` says for each host in which steps it reported the workload.
pub(super) fn holders(reports: &[&[bool]], steps: usize) -> Vec<Option<usize>> {
    let mut began = vec![None; reports.len()];
    let mut holder = None;
    let at = |step: usize| {
        for (host, report) in reports.iter().enumerate() {
            began[host] = report[step].then(|| began[host].unwrap_or(step));
        }
        let latest = began.iter().flatten().max()?;
        // Who began together: the one that had it, or the first by name.
        let is_latest = |host: &usize| began[*host] == Some(*latest);
        holder = holder.filter(is_latest).or_else(|| (0..began.len()).find(|h| is_latest(h)));
        holder
    };
    (0..steps).map(at).collect()
}

/// The steps in which the workload came to a host, with the host. Silence is no change.
pub(super) fn arrivals(holders: &[Option<usize>], hosts: &[&HostId]) -> Vec<(usize, HostId)> {
    let mut last = None;
    let arrived = |(step, holder): (usize, &Option<usize>)| {
        let host = (*holder)?;
        (last.replace(host) != Some(host)).then(|| (step, hosts[host].clone()))
    };
    holders.iter().enumerate().filter_map(arrived).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each text is a host; `x` is a step in which it reports.
    fn check(reports: &[&str], expected: &str) {
        let parse = |text: &&str| text.chars().map(|c| c == 'x').collect::<Vec<_>>();
        let rows: Vec<_> = reports.iter().map(parse).collect();
        let rows: Vec<_> = rows.iter().map(Vec::as_slice).collect();
        let shown = |holder: Option<usize>| holder.map_or("-".to_owned(), |host| host.to_string());
        let found: String = holders(&rows, expected.len()).into_iter().map(shown).collect();
        assert_eq!(found, expected, "{reports:?}");
    }

    #[test]
    fn who_began_last_has_it() {
        check(&["xxxx"], "0000");
        check(&["xx--", "--xx"], "0011");
        check(&["xxx-", "-xxx"], "0111");
        check(&["-xxx", "xxx-"], "1000");
    }

    #[test]
    fn a_source_that_never_falls_silent_does_not_get_it_back() {
        check(&["xxxxxx", "--xxxx"], "001111");
    }

    #[test]
    fn a_move_given_up_goes_back() {
        check(&["xxxxx", "--x--"], "00100");
    }

    #[test]
    fn two_of_one_name_do_not_flicker() {
        check(&["xxxx", "xxxx"], "0000");
    }

    #[test]
    fn silence_is_no_change() {
        check(&["xx--xx"], "00--00");
        let (a, b): (HostId, HostId) = ("a".into(), "b".into());
        let holders = [Some(0), None, Some(0), Some(1), None, Some(1)];
        assert_eq!(arrivals(&holders, &[&a, &b]), [(0, a.clone()), (3, b.clone())]);
    }
}
