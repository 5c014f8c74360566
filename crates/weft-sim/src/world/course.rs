//! What each host lacked, step by step, over the last two days: what a fleet and its twin are compared
//! by. Steps without a lack take no room. It must never change what the judge counts.

use std::collections::VecDeque;

use weft_core::policy::Window;
use weft_core::time::{Span, Timestamp};

use super::World;
use crate::judge::HostRates;

/// A lack is remembered for the longest horizon that policies look ahead, and the day after.
const MEMORY: Span = Span::from_days(2);

/// What a host lacked in some time.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Lack {
    /// Seconds in which processor demand exceeded its capacity, in the judge's sense.
    pub overload_seconds: f64,
    /// Core-seconds demanded within the vCPUs and not served: too little capacity, or too slow cores.
    pub unserved_core_seconds: f64,
}

impl Lack {
    fn of(rates: &HostRates, length: Span) -> Self {
        let seconds = length.as_seconds_f64();
        Self {
            overload_seconds: if rates.is_overloaded { seconds } else { 0.0 },
            unserved_core_seconds: rates.unserved.overload * seconds,
        }
    }

    fn add(&mut self, other: Self) {
        self.overload_seconds += other.overload_seconds;
        self.unserved_core_seconds += other.unserved_core_seconds;
    }
}

/// The lacks of one host by the step in which they began, ascending.
#[derive(Debug, Clone, Default)]
pub(super) struct Course(VecDeque<(Timestamp, Lack)>);

impl Course {
    /// Adds an interval of `length` that began in the step from `step_begins` on.
    pub(super) fn add(&mut self, step_begins: Timestamp, length: Span, rates: &HostRates) {
        if !rates.is_overloaded && rates.unserved.overload <= 0.0 {
            return;
        }
        let lack = Lack::of(rates, length);
        match self.0.back_mut().filter(|(begins, _)| *begins == step_begins) {
            Some((_, known)) => known.add(lack),
            None => self.0.push_back((step_begins, lack)),
        }
        while self.0.front().is_some_and(|(begins, _)| *begins < step_begins - MEMORY) {
            self.0.pop_front();
        }
    }
}

impl World {
    /// What host number `host` lacked up to now in those steps that begin in `window`, as far back as
    /// two days. Demand is held between two ticks and moves settle the account, so this is exact on the
    /// clock [`super::Clock::Held`].
    pub fn lacked(&self, host: usize, window: Window) -> Lack {
        let room = &self.hosts[host];
        let mut sum = Lack::default();
        let known = room.course.0.iter().filter(|(begins, _)| window.contains(*begins));
        known.for_each(|(_, lack)| sum.add(*lack));
        if window.contains(self.step_begin(room.since)) {
            sum.add(Lack::of(&room.rates, self.now - room.since));
        }
        sum
    }

    /// The hosts, by number, on which processor demand exceeds the capacity now.
    pub fn hosts_overloaded(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.hosts.len()).filter(|host| self.is_overloaded(*host))
    }

    /// The begin of the world's step in which `instant` lies.
    pub(super) fn step_begin(&self, instant: Timestamp) -> Timestamp {
        self.start + self.step.span() * (instant - self.start).whole_steps(self.step) as i64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::Unserved;

    #[test]
    fn a_course_adds_up_a_step_and_forgets_after_two_days() {
        let short = HostRates {
            is_overloaded: true,
            unserved: Unserved { overload: 2.0, ..Unserved::default() },
            ..HostRates::default()
        };
        let mut course = Course::default();
        let at = Timestamp::from_seconds;
        course.add(at(0), Span::from_seconds(10), &short);
        course.add(at(0), Span::from_seconds(20), &short);
        course.add(at(300), Span::from_seconds(300), &HostRates::default());
        course.add(at(600), Span::from_seconds(1), &short);
        let first = Lack { overload_seconds: 30.0, unserved_core_seconds: 60.0 };
        assert_eq!((course.0.len(), course.0[0]), (2, (at(0), first)));
        course.add(at(2 * 86_400 + 300), Span::from_seconds(1), &short);
        assert_eq!(course.0.front().map(|(begins, _)| *begins), Some(at(600)));
    }
}
