//! Reactive consolidation as in Beloglazov and Buyya (2012) and CloudSim 3.0.3: relieve overloaded
//! hosts of the workloads that move fastest (minimum migration time), place them where they raise
//! the power least (power-aware best fit, decreasing), then empty the least used hosts.
//!
//! Published figures come from that code, so its quirks are kept: each is named where it stands and
//! in `docs/reference/baselines.md`. It must never be given a look ahead.

use super::Wish;
use super::detector::Detector;
use super::history::Histories;
use super::picture::Picture;
use super::planned::Planned;

/// What shall move now, in order. A workload may be named twice: it was planned onto a host that
/// is then emptied itself.
pub(super) fn wishes(detector: Detector, picture: &Picture, histories: &Histories) -> Vec<Wish> {
    let mut planned = Planned::new(picture, histories, detector);
    let hosts = 0..picture.hosts.len();
    let is_overloaded: Vec<bool> =
        hosts.clone().map(|number| planned.is_overloaded(number)).collect();
    let mut leaving: Vec<Wish> = Vec::new();
    for number in hosts.filter(|number| is_overloaded[*number]) {
        leaving.extend(relieve(&mut planned, picture, number));
    }
    by_demand(&mut leaving, picture);
    let mut wishes = Vec::new();
    for (workload, source) in leaving {
        if let Some(target) = planned.best_host(workload, source, &is_overloaded) {
            planned.put_on(workload, target);
            wishes.push((workload, target));
        }
    }
    empty_hosts(&mut planned, picture, is_overloaded, &mut wishes);
    wishes
}

/// Takes workloads off a host until it is not overloaded: the one with the least memory first, of
/// equals the one that came first. Each is given with the host it leaves.
fn relieve(planned: &mut Planned<'_>, picture: &Picture, number: usize) -> Vec<Wish> {
    let mut leaving = Vec::new();
    loop {
        let movable = planned.list(number).iter().copied();
        let movable = movable.filter(|workload| picture.workloads[*workload].is_movable);
        let Some(fastest) = movable.min_by_key(|workload| picture.workloads[*workload].memory)
        else {
            return leaving;
        };
        planned.take_off(fastest, number);
        leaving.push((fastest, number));
        if !planned.is_overloaded(number) {
            return leaving;
        }
    }
}

/// Largest demand first; equals keep their order.
fn by_demand(workloads: &mut [Wish], picture: &Picture) {
    let demand = |wish: &Wish| picture.workloads[wish.0].demand;
    workloads.sort_by(|a, b| demand(b).total_cmp(&demand(a)));
}

/// Empties the least used hosts, one after the other, as long as everything on them finds a place.
///
/// The measured use decides, so hosts that only now receive workloads are emptied with them. Hosts
/// that took something in this phase are not emptied; a host that was looked at takes nothing.
fn empty_hosts(
    planned: &mut Planned<'_>,
    picture: &Picture,
    is_overloaded: Vec<bool>,
    wishes: &mut Vec<Wish>,
) {
    let mut takes_nothing = is_overloaded;
    for (excluded, host) in takes_nothing.iter_mut().zip(&picture.hosts) {
        *excluded |= host.booked == 0.0;
    }
    let mut stays = takes_nothing.clone();
    while let Some(source) = least_used(planned, picture, &stays) {
        stays[source] = true;
        takes_nothing[source] = true;
        for (workload, target) in clear(planned, picture, source, &takes_nothing) {
            stays[target] = true;
            wishes.push((workload, target));
        }
    }
}

fn least_used(planned: &Planned<'_>, picture: &Picture, stays: &[bool]) -> Option<usize> {
    let mut least: Option<(usize, f64)> = None;
    for (number, host) in picture.hosts.iter().enumerate() {
        let use_ = host.utilisation();
        let is_candidate =
            !stays[number] && use_ > 0.0 && use_ < 1.0 && !planned.list(number).is_empty();
        if is_candidate && least.is_none_or(|(_, lowest)| use_ < lowest) {
            least = Some((number, use_));
        }
    }
    least.map(|(number, _)| number)
}

/// A place for everything on host `source`, or nothing at all.
fn clear(
    planned: &mut Planned<'_>,
    picture: &Picture,
    source: usize,
    takes_nothing: &[bool],
) -> Vec<Wish> {
    let on_host = planned.list(source).iter().map(|workload| (*workload, source));
    let mut leaving: Vec<Wish> = on_host.collect();
    if leaving.iter().any(|(workload, _)| !picture.workloads[*workload].is_movable) {
        return Vec::new();
    }
    by_demand(&mut leaving, picture);
    let (mut wishes, mut done) = (Vec::new(), Vec::new());
    for (workload, _) in leaving {
        let Some(target) = planned.best_host(workload, source, takes_nothing) else {
            planned.undo(done);
            return Vec::new();
        };
        done.push(planned.put_on(workload, target));
        wishes.push((workload, target));
    }
    wishes
}
