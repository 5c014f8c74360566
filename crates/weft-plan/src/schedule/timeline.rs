//! Starts within budgets and windows: as late as the peak allows, as early as the budgets demand.
//!
//! A flight takes its predicted duration. Budgets are kept at every instant, for the hosts at both
//! ends, the link, the fleet, and the starts of any hour.

use weft_core::plan::{Lack, Standstill, Strategy};
use weft_core::time::{Span, Timestamp};

use super::order::{Ordered, refused};
use super::{Dropped, Proposal, Scheduled};
use crate::build::{FIRM, Fleet};
use crate::problem::HostIndex;

/// A latest start leaves a quarter more than the predicted duration: predictions err.
const LATENESS: f64 = 1.25;
/// How many starts are tried on the way back from the wanted one.
const BACKWARD_TRIES: i64 = 48;
/// How many conflicts a search for a later start climbs over; each is the end of another flight or
/// window, so a plan of ordinary size never reaches it.
const FORWARD_TRIES: usize = 4_096;
const HOUR: Span = Span::from_hours(1);
/// The shortest flight.
const INSTANT: Span = Span::from_millis(1);

/// A move under way from `start` until before `end`.
struct Flight {
    from: Option<HostIndex>,
    to: HostIndex,
    crossing: Option<(usize, usize)>,
    start: Timestamp,
    end: Timestamp,
    /// Its position in the schedule; none for what runs already.
    position: Option<usize>,
}

/// A start that counts in the budget of its hours.
struct Start {
    at: Timestamp,
    consolidates: bool,
    position: Option<usize>,
}

struct Timeline<'a, 's> {
    fleet: &'a Fleet<'s>,
    flights: Vec<Flight>,
    /// All starts of the last hour and of the plan.
    starts: Vec<Start>,
    /// Starts of consolidations in any hour.
    consolidations_per_hour: u32,
}

/// Moves that others wait for must end before those want to start.
pub(super) fn set_deadlines(fleet: &Fleet<'_>, ordered: &mut [Ordered]) {
    let margin = fleet.situation.policy.start_margin;
    for position in (0..ordered.len()).rev() {
        let Some(deadline) = ordered[position].proposal.deadline else { continue };
        let duration = ordered[position].proposal.way.prediction.duration;
        let wanted = deadline - duration - margin;
        for needed in ordered[position].prerequisites.clone() {
            let before = &mut ordered[needed].proposal.deadline;
            *before = Some(before.map_or(wanted, |own| own.min(wanted)));
        }
    }
}

/// Gives every move a start; none where it was dropped.
pub(super) fn place(
    fleet: &Fleet<'_>,
    ordered: Vec<Ordered>,
    dropped: &mut Vec<Dropped>,
) -> Vec<Option<Scheduled>> {
    let mut timeline = Timeline::new(fleet, &ordered);
    let mut placed: Vec<Option<Scheduled>> = Vec::with_capacity(ordered.len());
    for Ordered { proposal, prerequisites, partner } in ordered {
        let position = placed.len();
        let times = timeline.times(&proposal, &prerequisites, partner, &placed, dropped);
        match times {
            Ok((earliest, start, latest)) => {
                timeline.add(&proposal, start, position);
                placed.push(Some(Scheduled {
                    proposal,
                    earliest,
                    start,
                    latest,
                    prerequisites,
                    partner,
                }));
            }
            Err(why) => {
                let together = |other: &Proposal, at: usize| {
                    partner == Some(at)
                        || (proposal.is_consolidation() && other.purpose == proposal.purpose)
                };
                withdraw(&together, &why, &mut timeline, &mut placed, dropped);
                dropped.push(Dropped { proposal, why });
                placed.push(None);
            }
        }
    }
    placed
}

/// A host that cannot be emptied whole is not emptied at all, and of an exchange both halves are
/// made or none: what is taken back gives its time back.
fn withdraw(
    together: &dyn Fn(&Proposal, usize) -> bool,
    why: &Standstill,
    timeline: &mut Timeline<'_, '_>,
    placed: &mut [Option<Scheduled>],
    dropped: &mut Vec<Dropped>,
) {
    for (position, slot) in placed.iter_mut().enumerate() {
        if let Some(gone) = slot.take_if(|other| together(&other.proposal, position)) {
            timeline.remove(position);
            dropped.push(Dropped { proposal: gone.proposal, why: why.clone() });
        }
    }
}

impl<'a, 's> Timeline<'a, 's> {
    fn new(fleet: &'a Fleet<'s>, ordered: &[Ordered]) -> Self {
        let situation = fleet.situation;
        let budget = situation.policy.budgets.starts_per_hour;
        let answers = ordered.iter().any(|other| !other.proposal.is_consolidation());
        let mut timeline = Self {
            fleet,
            flights: Vec::new(),
            starts: situation
                .recent_starts
                .iter()
                .map(|at| Start { at: *at, consolidates: false, position: None })
                .collect(),
            consolidations_per_hour: if answers { budget / 2 } else { budget },
        };
        for running in &situation.running {
            let index = |id| fleet.index.get(id).copied();
            let (Some(from), Some(to)) = (index(&running.from), index(&running.to)) else {
                continue;
            };
            let (start, end) = (running.start, running_until(situation, running));
            timeline.push_flight(running.strategy, (from, to), (start, end), None);
        }
        timeline
    }

    fn push_flight(
        &mut self,
        strategy: Strategy,
        (from, to): (HostIndex, HostIndex),
        (start, end): (Timestamp, Timestamp),
        position: Option<usize>,
    ) {
        let recovers = strategy == Strategy::Recover;
        let copies = !recovers && strategy != Strategy::Merge;
        let region = |host: HostIndex| self.fleet.sites[host.index()].region;
        let (a, b) = (region(from), region(to));
        self.flights.push(Flight {
            from: (!recovers).then_some(from),
            to,
            crossing: (copies && a != b).then_some((a.min(b), a.max(b))),
            start,
            end: end.max(start + INSTANT),
            position,
        });
    }

    fn add(&mut self, proposal: &Proposal, start: Timestamp, position: usize) {
        let end = start + proposal.way.prediction.duration;
        let ends = (proposal.from, proposal.to);
        self.push_flight(proposal.way.strategy, ends, (start, end), Some(position));
        let consolidates = proposal.is_consolidation();
        self.starts.push(Start { at: start, consolidates, position: Some(position) });
    }

    fn remove(&mut self, position: usize) {
        self.flights.retain(|flight| flight.position != Some(position));
        self.starts.retain(|start| start.position != Some(position));
    }

    /// Earliest start, start and latest start of a proposal; why it has none.
    fn times(
        &self,
        proposal: &Proposal,
        prerequisites: &[usize],
        partner: Option<usize>,
        placed: &[Option<Scheduled>],
        dropped: &[Dropped],
    ) -> Result<(Timestamp, Timestamp, Timestamp), Standstill> {
        let gone = || Standstill::NoTarget { rejected: Vec::new() };
        let is_withdrawn = |other: &Dropped| other.proposal.purpose == proposal.purpose;
        if proposal.is_consolidation() && dropped.iter().any(is_withdrawn) {
            return Err(gone());
        }
        let mut ready = self.fleet.situation.now;
        for needed in prerequisites {
            ready = ready.max(placed[*needed].as_ref().map(Scheduled::end).ok_or_else(gone)?);
        }
        let Some(partner) = partner.filter(|partner| *partner < placed.len()) else {
            let (start, latest) = self.start(proposal, ready)?;
            return Ok((ready, start, latest));
        };
        let other = placed[partner].as_ref().ok_or_else(gone)?;
        match self.conflict(proposal, other.start) {
            None => Ok((other.earliest, other.start, other.latest)),
            Some((until, _)) => Err(Standstill::Budget { until }),
        }
    }

    /// The start and the latest start of a proposal that may not start before `ready`.
    fn start(
        &self,
        proposal: &Proposal,
        ready: Timestamp,
    ) -> Result<(Timestamp, Timestamp), Standstill> {
        let policy = &self.fleet.situation.policy;
        let duration = proposal.way.prediction.duration;
        let (mut wanted, mut latest) = (ready, proposal.useful_until - duration);
        if let Some(deadline) = proposal.deadline {
            let careful = Span::from_seconds_f64(duration.as_seconds_f64() * LATENESS);
            wanted = ready.max(deadline - duration - policy.start_margin);
            wanted = proposal.promised.map_or(wanted, |promised| wanted.min(promised.max(ready)));
            let in_time = deadline - careful;
            latest = if in_time >= ready { latest.min(in_time) } else { latest };
            wanted = wanted.min(latest).max(ready);
        } else if proposal.is_consolidation() {
            latest = latest.min(self.fleet.situation.now + FIRM);
        }
        if let Some(window) = self.fleet.sites[proposal.from.index()].maintenance {
            latest = latest.min(window.begins - duration);
        }
        if latest < ready {
            // Where not even its begin is left, nothing is: a span of time is never negative.
            let left = (latest + duration - ready).max(Span::ZERO);
            let lack = Lack::Time { needed: duration, left };
            return Err(refused(proposal, vec![(proposal.way.strategy, lack)]));
        }
        let start = self
            .backward(proposal, wanted, ready)
            .map_or_else(|| self.forward(proposal, wanted, latest), Ok)?;
        Ok((start, latest))
    }

    /// The last of some starts from `wanted` back to `ready` that is free.
    fn backward(
        &self,
        proposal: &Proposal,
        wanted: Timestamp,
        ready: Timestamp,
    ) -> Option<Timestamp> {
        let span = (wanted - ready).as_millis();
        let stride = (span / BACKWARD_TRIES).max(60_000);
        let tries = (0..=span / stride).map(|n| wanted - Span::from_millis(n * stride));
        tries.chain([ready]).find(|start| self.conflict(proposal, *start).is_none())
    }

    /// The first start from `from` to `latest` that is free.
    fn forward(
        &self,
        proposal: &Proposal,
        from: Timestamp,
        latest: Timestamp,
    ) -> Result<Timestamp, Standstill> {
        let mut start = from;
        let mut is_blackout = false;
        for _ in 0..FORWARD_TRIES {
            let Some((next, blacked_out)) = self.conflict(proposal, start) else {
                return Ok(start);
            };
            is_blackout = blacked_out;
            start = next.max(start + INSTANT);
            if start > latest {
                break;
            }
        }
        Err(if is_blackout { Standstill::Blackout } else { Standstill::Budget { until: start } })
    }

    /// What forbids a start at `start`: when to try again, and whether it is a blackout.
    fn conflict(&self, proposal: &Proposal, start: Timestamp) -> Option<(Timestamp, bool)> {
        let end = start + proposal.way.prediction.duration.max(INSTANT);
        let policy = &self.fleet.situation.policy;
        let mut blackouts = policy.blackouts.iter();
        if let Some(blackout) = blackouts.find(|blackout| blackout.touches(start, end)) {
            let clear = match blackout.next_clear(start) {
                Some(clear) if clear > start => clear,
                _ => blackout.next_clear(end).unwrap_or(end),
            };
            return Some((clear, true));
        }
        let retry = self.in_flight(proposal, start, end).or_else(|| {
            let budget = policy.budgets.starts_per_hour;
            let all = self.starts.iter().map(|other| other.at);
            hour_is_full(all, start, budget).or_else(|| {
                let kind = self.starts.iter().filter(|other| other.consolidates);
                let limit = self.consolidations_per_hour;
                let consolidates = proposal.is_consolidation();
                consolidates.then(|| hour_is_full(kind.map(|o| o.at), start, limit)).flatten()
            })
        });
        retry.map(|retry| (retry, false))
    }

    /// The end of a flight to wait for, where a budget of moves in flight is spent.
    fn in_flight(
        &self,
        proposal: &Proposal,
        start: Timestamp,
        end: Timestamp,
    ) -> Option<Timestamp> {
        let budgets = &self.fleet.situation.policy.budgets;
        let recovers = proposal.way.strategy == Strategy::Recover;
        let touches = |flight: &Flight, host| flight.to == host || flight.from == Some(host);
        let region = |host: HostIndex| self.fleet.sites[host.index()].region;
        let (a, b) = (region(proposal.from), region(proposal.to));
        let crossing = (!recovers && proposal.way.strategy != Strategy::Merge && a != b)
            .then_some((a.min(b), a.max(b)));
        let spent = |budget: u32, counts: &dyn Fn(&Flight) -> bool| {
            let others: Vec<&Flight> = self
                .flights
                .iter()
                .filter(|flight| flight.start < end && start < flight.end && counts(flight))
                .collect();
            let at = |instant: Timestamp| {
                others.iter().filter(|f| f.start <= instant && instant < f.end).count() as u32
            };
            let instants = others.iter().map(|flight| flight.start.max(start));
            let full = instants.filter(|instant| at(*instant) >= budget).max()?;
            let over_there = others.iter().filter(|f| f.start <= full && full < f.end);
            over_there.map(|flight| flight.end).min()
        };
        let by_host = budgets.in_flight_per_host;
        spent(budgets.in_flight, &|_| true)
            .or_else(|| spent(by_host, &|flight| touches(flight, proposal.to)))
            .or_else(|| match recovers {
                true => None,
                false => spent(by_host, &|flight| touches(flight, proposal.from)),
            })
            .or_else(|| {
                crossing?;
                spent(budgets.in_flight_per_link, &|flight| flight.crossing == crossing)
            })
    }
}

/// Until when a running move is reckoned with: its predicted end, or where that has passed, until
/// it is given up.
fn running_until(
    situation: &crate::situation::Situation,
    running: &weft_core::plan::Move,
) -> Timestamp {
    let predicted = running.start + running.prediction.duration;
    let patience = situation.policy.give_up_factor.max(1.0);
    let given_up = running.start
        + Span::from_seconds_f64(running.prediction.duration.as_seconds_f64() * patience);
    if predicted > situation.now { predicted } else { given_up.max(situation.now + INSTANT) }
}

/// When there is budget again, where a start at `start` makes any hour exceed it.
fn hour_is_full(
    starts: impl Iterator<Item = Timestamp>,
    start: Timestamp,
    budget: u32,
) -> Option<Timestamp> {
    let mut near: Vec<Timestamp> =
        starts.filter(|at| start - HOUR < *at && *at < start + HOUR).collect();
    near.push(start);
    near.sort_unstable();
    let crowded = near.iter().filter(|end| **end >= start).find_map(|end| {
        let hour: Vec<&Timestamp> =
            near.iter().filter(|at| *end - HOUR < **at && *at <= end).collect();
        (hour.len() as u32 > budget).then(|| *hour[0] + HOUR)
    })?;
    Some(if budget == 0 { start + HOUR } else { crowded.max(start + INSTANT) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_hour_counts_not_only_the_one_behind() {
        let at = |minutes: i64| Timestamp::from_seconds(minutes * 60);
        let starts = [at(0), at(50), at(70)];
        let full = |start, budget| hour_is_full(starts.into_iter(), at(start), budget);
        assert_eq!(full(30, 2), Some(at(60)), "0 and 30 and 50 lie within an hour");
        assert_eq!(full(30, 3), None);
        assert_eq!(full(131, 1), None);
        assert_eq!(full(130, 1), None, "an hour is open at its begin");
        assert_eq!(full(129, 1), Some(at(130)));
        assert!(full(500, 0).is_some());
    }
}
