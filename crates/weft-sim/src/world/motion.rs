//! Moves under way: pre-copy rounds, snapshots, splits, merges and recoveries, with the bandwidth
//! they share. A move either ends with its workload on the target or leaves it where it was.
//!
//! A live move copies all memory, then round after round what was written meanwhile (Clark et al.
//! 2005): with memory `M`, dirty rate `D` × processor use and bandwidth `B`, round `i` carries
//! `M·(D/B)^i` bytes. As soon as the rest fits the order's downtime limit at the present bandwidth,
//! the workload stops, the rest follows, and after one round trip it runs on the target.

use weft_core::id::MoveId;
use weft_core::observation::{HostState, MoveFailure, MoveMeasure, MoveOrder, MoveStatus};
use weft_core::plan::Strategy;
use weft_core::resource::Resource;
use weft_core::time::{Span, Timestamp};

use super::clock::{Event, Key};
use super::contention::Resident;
use super::{Part, Run, World};

/// What a move does at present.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// It copies while the workload runs.
    Copying,
    /// It copies the rest while the workload stands still.
    Switching,
    /// It waits for a start, a stop or an answer and sends nothing.
    Waiting,
}

/// One move under way.
#[derive(Debug, Clone)]
pub(super) struct Motion {
    pub(super) order: MoveOrder,
    pub(super) workload: usize,
    /// Where the workload is, as a host's number.
    pub(super) from: usize,
    pub(super) to: usize,
    share_permille: u16,
    pub(super) stage: Stage,
    started: Timestamp,
    /// Bytes left of this stage.
    remaining: f64,
    /// Time that this stage takes beyond its bytes.
    wait: Span,
    /// Time between the last byte and the end, once nothing is sent any more.
    last_wait: Span,
    /// Bytes per second, since `synced`.
    rate: f64,
    synced: Timestamp,
    /// Bytes written since the present copy began.
    pub(super) dirtied: f64,
    round: u32,
    sent: f64,
    stopped_at: Option<Timestamp>,
    key: Option<Key>,
}

/// A move that ended, and when that becomes known.
#[derive(Debug, Clone)]
pub(super) struct Ended {
    pub(super) status: MoveStatus,
    pub(super) known_at: Timestamp,
    /// What the driver says until then.
    pub(super) before: MoveStatus,
    /// How many observations still tell of it.
    pub(super) tellings: u32,
    /// How often each answer to a poll arrives.
    pub(super) copies: u32,
}

impl Motion {
    /// Whether it takes processor time from its workload.
    pub(super) fn slows(&self) -> bool {
        self.stage == Stage::Copying
            && matches!(self.order.strategy, Strategy::Live | Strategy::Preemptive)
    }

    fn is_flowing(&self) -> bool {
        self.stage != Stage::Waiting
    }

    /// Whether the workload stands still for it: too late to be called off.
    pub(super) fn has_stopped(&self) -> bool {
        self.stopped_at.is_some()
    }

    pub(super) fn measure(&self, now: Timestamp) -> MoveMeasure {
        let mut sent = self.sent;
        if self.is_flowing() {
            sent += self.carried(now);
        }
        let downtime = match self.order.strategy {
            Strategy::Recover => now - self.started,
            _ => self.stopped_at.map_or(Span::ZERO, |stopped| now - stopped),
        };
        MoveMeasure {
            duration: now - self.started,
            downtime,
            transferred_bytes: sent.round() as u64,
        }
    }

    /// Bytes sent since the last synchronisation.
    fn carried(&self, now: Timestamp) -> f64 {
        (self.rate * (now - self.synced).as_seconds_f64()).min(self.remaining)
    }
}

/// Milliseconds, rounded up, that `bytes` take at `rate`; a millionth of one is rounding.
fn travel(bytes: f64, rate: f64) -> Span {
    Span::from_millis((bytes / rate * 1_000.0 - 1e-6).ceil().max(0.0) as i64)
}

impl World {
    /// Begins a move, or says why not.
    pub(super) fn begin(&mut self, order: &MoveOrder) -> Result<(), MoveFailure> {
        let mut motion = self.prepare(order)?;
        let (id, workload, from, to) = (order.id, motion.workload, motion.from, motion.to);
        motion.rate = 1.0;
        let hold = match order.strategy {
            Strategy::Live => self.physics.target_cpu_share,
            _ => 0.0,
        };
        let share = motion.share_permille;
        self.motions.insert(id, motion);
        self.tenants[workload].moves.push(id);
        if order.strategy != Strategy::Merge {
            self.hosts[to].residents.push(Resident::copy(workload, id, share, hold));
        }
        self.refresh(to);
        self.refresh(from);
        self.motion_mut(id).dirtied = 0.0;
        self.open_flow(id);
        self.schedule(id);
        self.judge.add_migration();
        self.doom(id);
        Ok(())
    }

    /// The move that an order asks for, if it fits what runs.
    fn prepare(&self, order: &MoveOrder) -> Result<Motion, MoveFailure> {
        let workload = self.workload_position(&order.workload).ok_or(MoveFailure::Contradiction)?;
        let to = self.host_position(&order.to).ok_or(MoveFailure::Contradiction)?;
        let from = self.origin(order, workload)?;
        self.check_hosts(order, from, to)?;
        let share = self.check_parts(order, workload, from, to)?;
        if order.strategy != Strategy::Merge && !self.has_room(to, workload) {
            return Err(MoveFailure::NoRoom);
        }
        let facts = &self.tenants[workload].facts;
        let physics = &self.physics;
        let copied = facts.copied_bytes() as f64;
        let (stage, remaining, wait) = match order.strategy {
            Strategy::Live | Strategy::Preemptive | Strategy::Split { .. } => {
                (Stage::Copying, copied, Span::ZERO)
            }
            Strategy::Merge => (Stage::Waiting, 0.0, physics.stop_time),
            Strategy::Recover => match facts.storage {
                weft_core::fleet::Storage::Shared => (Stage::Waiting, 0.0, physics.start_time),
                weft_core::fleet::Storage::Local => (Stage::Copying, copied, Span::ZERO),
            },
        };
        Ok(Motion {
            order: order.clone(),
            workload,
            from,
            to,
            share_permille: share,
            stage,
            started: self.now,
            remaining,
            wait,
            last_wait: Span::ZERO,
            rate: 0.0,
            synced: self.now,
            dirtied: 0.0,
            round: 1,
            sent: 0.0,
            stopped_at: None,
            key: None,
        })
    }

    /// The host from which the move really starts: the order's, or where moves may be chained the
    /// one on which the workload still is.
    fn origin(&self, order: &MoveOrder, workload: usize) -> Result<usize, MoveFailure> {
        let tenant = &self.tenants[workload];
        let is_chained = self.physics.chains_moves
            && order.strategy == Strategy::Live
            && !tenant.moves.is_empty();
        if !tenant.moves.is_empty() && !is_chained {
            return Err(MoveFailure::Contradiction);
        }
        let from =
            if is_chained { self.sole_host(workload) } else { self.host_position(&order.from) };
        from.ok_or(MoveFailure::Contradiction)
    }

    /// The share that moves, if the workload's replicas and mobility allow the move.
    fn check_parts(
        &self,
        order: &MoveOrder,
        workload: usize,
        from: usize,
        to: usize,
    ) -> Result<u16, MoveFailure> {
        let tenant = &self.tenants[workload];
        let part = tenant.part_on(from).ok_or(MoveFailure::Contradiction)?;
        let target = tenant.part_on(to);
        let mobility = &tenant.facts.mobility;
        let refuse = |what: &str| {
            Err(MoveFailure::Unsupported(format!("workload `{}` {what}", order.workload)))
        };
        let fits = match order.strategy {
            Strategy::Live if !mobility.live => return refuse("does not migrate live"),
            Strategy::Preemptive if !mobility.preemptive => return refuse("may not be stopped"),
            Strategy::Recover if !mobility.recover => return refuse("is not to be recovered"),
            Strategy::Split { .. } if tenant.parts.len() >= mobility.max_replicas as usize => {
                return refuse("takes no further replica");
            }
            Strategy::Live | Strategy::Preemptive => {
                let comes = |id: &MoveId| self.motions.get(id).is_some_and(|m| m.to == to);
                part.run == Run::Running && target.is_none() && !tenant.moves.iter().any(comes)
            }
            Strategy::Recover => part.run == Run::Down && target.is_none(),
            Strategy::Split { share_permille } => {
                let inside = (1..part.share_permille).contains(&share_permille);
                part.run == Run::Running && target.is_none() && inside
            }
            Strategy::Merge => target.is_some_and(|target| target.run == Run::Running),
        };
        match order.strategy {
            _ if !fits || from == to => Err(MoveFailure::Contradiction),
            Strategy::Split { share_permille } => Ok(share_permille),
            _ => Ok(part.share_permille),
        }
    }

    fn check_hosts(&self, order: &MoveOrder, from: usize, to: usize) -> Result<(), MoveFailure> {
        let is_lost = |host: usize| self.hosts[host].state == HostState::Lost;
        if is_lost(to) {
            return Err(MoveFailure::HostLost(order.to.clone()));
        }
        if is_lost(from) && !matches!(order.strategy, Strategy::Recover | Strategy::Merge) {
            return Err(MoveFailure::HostLost(order.from.clone()));
        }
        let (here, there) = (self.hosts[from].region, self.hosts[to].region);
        if here != there && self.network.link(here, there).is_none() {
            return Err(MoveFailure::Other(format!(
                "no link joins the regions of `{}` and `{}`",
                order.from, order.to
            )));
        }
        Ok(())
    }

    fn motion_mut(&mut self, id: MoveId) -> &mut Motion {
        self.motions.get_mut(&id).expect("only moves under way are asked for")
    }

    fn is_between_regions(&self, motion: &Motion) -> Option<usize> {
        self.network.link(self.hosts[motion.from].region, self.hosts[motion.to].region)
    }

    /// Bytes per second that a move gets now: the least of what was ordered, the equal shares of its
    /// hosts and of its link, and for a snapshot the speed of reading it.
    fn rate(&self, motion: &Motion) -> f64 {
        let shares = self.physics.shares_bandwidth;
        let share = |bandwidth: u64, flows: usize| {
            let flows = if shares { flows.max(1) } else { 1 };
            bandwidth as f64 / flows as f64 * self.network.factor
        };
        let card = |host: usize| {
            let room = &self.hosts[host];
            share(room.facts.migration_bandwidth_bytes_per_second, room.flows.len())
        };
        let mut rate = (motion.order.bandwidth_bytes_per_second as f64).min(card(motion.to));
        if motion.order.strategy != Strategy::Recover {
            rate = rate.min(card(motion.from));
        }
        if let Some(link) = self.is_between_regions(motion) {
            let room = &self.network.rooms[link];
            rate = rate.min(share(room.facts.bandwidth_bytes_per_second, room.flows.len()));
        }
        if motion.order.strategy == Strategy::Preemptive && motion.stage == Stage::Copying {
            rate = rate.min(self.physics.snapshot_bytes_per_second as f64);
        }
        rate.max(1.0)
    }

    fn round_trip(&self, motion: &Motion) -> Span {
        let link = self.is_between_regions(motion);
        link.map_or(Span::ZERO, |link| self.network.rooms[link].facts.round_trip)
    }

    /// Enters a move that sends into the flows of its hosts and its link.
    fn open_flow(&mut self, id: MoveId) {
        let motion = &self.motions[&id];
        if motion.is_flowing() {
            let (from, to, link) = (motion.from, motion.to, self.is_between_regions(motion));
            if motion.order.strategy != Strategy::Recover {
                self.hosts[from].flows.insert(id);
            }
            self.hosts[to].flows.insert(id);
            if let Some(link) = link {
                self.network.rooms[link].flows.insert(id);
            }
            self.share_anew(from, to, link);
        }
        let rate = self.rate(&self.motions[&id]);
        self.motion_mut(id).rate = rate;
    }

    fn close_flow(&mut self, id: MoveId) {
        let motion = &self.motions[&id];
        let (from, to, link) = (motion.from, motion.to, self.is_between_regions(motion));
        let was_open = self.hosts[to].flows.remove(&id);
        self.hosts[from].flows.remove(&id);
        if let Some(link) = link {
            self.network.rooms[link].flows.remove(&id);
        }
        if was_open {
            self.share_anew(from, to, link);
        }
    }

    /// Gives every move that shares a host or a link with a change its new bandwidth.
    fn share_anew(&mut self, from: usize, to: usize, link: Option<usize>) {
        if !self.physics.shares_bandwidth {
            return;
        }
        let mut touched = &self.hosts[from].flows | &self.hosts[to].flows;
        if let Some(link) = link {
            touched.extend(&self.network.rooms[link].flows);
        }
        for id in touched {
            self.pace(id);
        }
    }

    /// Gives every move its present bandwidth.
    pub(super) fn pace_all(&mut self) {
        let flowing = self.motions.iter().filter(|(_, motion)| motion.is_flowing());
        let ids: Vec<MoveId> = flowing.map(|(id, _)| *id).collect();
        for id in ids {
            self.pace(id);
        }
    }

    fn pace(&mut self, id: MoveId) {
        let motion = &self.motions[&id];
        let rate = self.rate(motion);
        if rate != motion.rate && motion.key.is_some() {
            self.synchronise(id);
            self.motion_mut(id).rate = rate;
            self.schedule(id);
        }
    }

    fn synchronise(&mut self, id: MoveId) {
        let now = self.now;
        let motion = self.motion_mut(id);
        let carried = motion.carried(now);
        motion.sent += carried;
        motion.remaining -= carried;
        motion.synced = now;
    }

    /// Sets the end of the present stage.
    fn schedule(&mut self, id: MoveId) {
        let motion = &self.motions[&id];
        let at = self.now + travel(motion.remaining, motion.rate) + motion.wait;
        let old = motion.key;
        if let Some(key) = old {
            self.queue.withdraw(key);
        }
        let key = self.queue.push(at, Event::Stage(id));
        self.motion_mut(id).key = Some(key);
    }

    /// Draws whether a move just begun will fail half-way through its first stage.
    fn doom(&mut self, id: MoveId) {
        self.started += 1;
        if self.draws_failure() {
            let motion = &self.motions[&id];
            let whole = travel(motion.remaining, motion.rate) + motion.wait;
            let half = Span::from_millis(whole.as_millis() / 2);
            self.queue.push(self.now + half, Event::Doom(id));
        }
    }

    /// The present stage of a move is over.
    pub(super) fn finish_stage(&mut self, id: MoveId) {
        let now = self.now;
        let motion = self.motion_mut(id);
        motion.key = None;
        motion.sent += motion.remaining;
        motion.remaining = 0.0;
        motion.synced = now;
        let from = motion.from;
        match (motion.order.strategy, motion.stage) {
            (Strategy::Live, Stage::Copying) => {
                self.refresh(from);
                self.finish_round(id);
            }
            (Strategy::Preemptive, Stage::Copying) => {
                self.refresh(from);
                let wait = self.physics.stop_time + self.physics.start_time;
                self.switch(id, wait);
            }
            (Strategy::Split { .. } | Strategy::Recover, Stage::Copying) => {
                self.linger(id, self.physics.start_time);
            }
            (_, Stage::Switching) if motion.last_wait > Span::ZERO => {
                let wait = motion.last_wait;
                self.linger(id, wait);
            }
            _ => self.complete(id),
        }
    }

    /// After a round of a live move: the last stop, a further round, or giving up.
    fn finish_round(&mut self, id: MoveId) {
        let motion = &self.motions[&id];
        let left = self.left_to_copy(motion);
        let fits = left <= motion.rate * motion.order.downtime_limit.as_seconds_f64();
        if fits {
            return self.switch(id, Span::ZERO);
        }
        if motion.round >= self.physics.max_rounds {
            return self.abandon(id, MoveFailure::NotConverging);
        }
        let motion = self.motion_mut(id);
        motion.round += 1;
        motion.remaining = left;
        motion.dirtied = 0.0;
        self.schedule(id);
    }

    /// Bytes written since the present copy began; no page needs to be sent twice.
    fn left_to_copy(&self, motion: &Motion) -> f64 {
        let facts = &self.tenants[motion.workload].facts;
        motion.dirtied.min(facts.allocation(Resource::Memory) as f64)
    }

    /// Waits for `wait` before the end; nothing is sent any more.
    fn linger(&mut self, id: MoveId, wait: Span) {
        let motion = self.motion_mut(id);
        (motion.stage, motion.wait) = (Stage::Waiting, wait);
        self.close_flow(id);
        self.schedule(id);
    }

    /// Stops the workload, sends the rest and starts it on the target after `wait`.
    fn switch(&mut self, id: MoveId, wait: Span) {
        let motion = &self.motions[&id];
        let left = self.left_to_copy(motion);
        let wait = wait + self.round_trip(motion);
        let (workload, from, now) = (motion.workload, motion.from, self.now);
        let motion = self.motion_mut(id);
        motion.stage = Stage::Switching;
        (motion.remaining, motion.last_wait, motion.dirtied) = (left, wait, 0.0);
        motion.stopped_at = Some(now);
        if left == 0.0 && wait == Span::ZERO {
            return self.complete(id);
        }
        self.set_run(workload, from, Run::Stopped);
        self.refresh(from);
        let rate = self.rate(&self.motions[&id]);
        self.motion_mut(id).rate = rate;
        self.schedule(id);
    }

    pub(super) fn set_run(&mut self, workload: usize, host: usize, run: Run) {
        if let Some(part) = self.tenants[workload].part_on_mut(host) {
            part.run = run;
        }
    }

    /// The workload runs as ordered.
    fn complete(&mut self, id: MoveId) {
        let motion = &self.motions[&id];
        let (workload, from, to) = (motion.workload, motion.from, motion.to);
        let share = motion.share_permille;
        let strategy = motion.order.strategy;
        let measure = self.leave_road(id);
        // Settle both ends before who is where changes.
        self.refresh(from);
        self.refresh(to);
        let tenant = &mut self.tenants[workload];
        let arrived = Part { host: to, share_permille: share, run: Run::Running };
        match strategy {
            Strategy::Live | Strategy::Preemptive | Strategy::Recover => {
                tenant.parts.retain(|part| part.host != from);
                tenant.parts.push(arrived);
                self.hosts[from].remove(workload, None);
                self.hosts[to].residents.push(Resident::replica(workload));
            }
            Strategy::Split { .. } => {
                let source = tenant.part_on_mut(from).expect("a split keeps its source");
                source.share_permille -= share;
                tenant.parts.push(arrived);
                self.hosts[to].residents.push(Resident::replica(workload));
            }
            Strategy::Merge => {
                tenant.parts.retain(|part| part.host != from);
                let target = tenant.part_on_mut(to).expect("a merge keeps its target");
                target.share_permille += share;
                self.hosts[from].remove(workload, None);
            }
        }
        self.redirect(workload, from, to);
        self.refresh(from);
        self.refresh(to);
        self.record(id, MoveStatus::Succeeded(measure), measure);
    }

    /// Chained moves of a workload go on from where it now is.
    fn redirect(&mut self, workload: usize, from: usize, to: usize) {
        for id in self.tenants[workload].moves.clone() {
            let motion = self.motion_mut(id);
            if motion.from == from {
                motion.from = to;
            }
        }
    }

    /// Ends a move without success: the workload stays where it was.
    pub(super) fn abandon(&mut self, id: MoveId, failure: MoveFailure) {
        let measure = self.stay(id);
        self.record(id, MoveStatus::Failed(failure, measure), measure);
    }

    /// Ends a move on request.
    pub(super) fn withdraw(&mut self, id: MoveId) {
        let measure = self.stay(id);
        self.record(id, MoveStatus::Cancelled(measure), measure);
    }

    fn stay(&mut self, id: MoveId) -> MoveMeasure {
        let motion = &self.motions[&id];
        let (workload, from, to) = (motion.workload, motion.from, motion.to);
        let was_recovery = matches!(motion.order.strategy, Strategy::Recover | Strategy::Merge);
        let measure = self.leave_road(id);
        self.refresh(to);
        let is_ready = self.hosts[from].state != HostState::Lost;
        let run = self.tenants[workload].part_on(from).map(|part| part.run);
        match run {
            Some(Run::Stopped) => self.set_run(workload, from, Run::Running),
            Some(Run::Down) if was_recovery && is_ready => self.boot(workload, from),
            _ => {}
        }
        self.refresh(from);
        measure
    }

    /// Takes a move off the road: its flow, its copy on the target, its place with its workload.
    fn leave_road(&mut self, id: MoveId) -> MoveMeasure {
        self.synchronise(id);
        self.close_flow(id);
        let now = self.now;
        let motion = self.motions.remove(&id).expect("a move leaves the road once");
        if let Some(key) = motion.key {
            self.queue.withdraw(key);
        }
        let measure = motion.measure(now);
        if let Some(stopped) = motion.stopped_at {
            self.judge.add_downtime(now - stopped);
        }
        let link = self.is_between_regions(&motion);
        let price = link.map_or(0.0, |link| self.network.rooms[link].facts.price_per_gigabyte);
        self.judge.add_transfer(motion.from, measure.transferred_bytes, price);
        self.tenants[motion.workload].moves.retain(|other| *other != id);
        // The copy's past belongs on the account before the copy goes.
        self.refresh(motion.to);
        self.hosts[motion.to].remove(motion.workload, Some(id));
        measure
    }

    /// A workload begins to run again where it was, its host having come back.
    pub(super) fn boot(&mut self, workload: usize, host: usize) {
        let at = self.now + self.physics.start_time;
        self.set_run(workload, host, Run::Booting(at));
        self.queue.push(at, Event::Boot(workload, host));
    }
}
