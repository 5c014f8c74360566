//! The twin of a simulated fleet: the same world under the same seed that never moves anything. What
//! overloads there and not here was avoided. The twin must never influence the fleet it is compared
//! with.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use weft_core::id::{HostId, MoveId};
use weft_core::observation::HostState;
use weft_core::policy::{Selector, Window};
use weft_core::resource::Resource;
use weft_core::shortage::ShortageKey;
use weft_core::time::{Span, Timestamp};

use crate::fault::Place;
use crate::world::{Lack, World, WorldError, WorldSpec};

/// A shortage that is foreseen anew again and again is judged after this time at the latest: worlds do
/// not remember much longer what their hosts lacked.
const LONGEST_WATCH: Span = Span::from_days(1);
/// Avoided shortages that are remembered.
const MOST_AVOIDED: usize = 50;

/// What a host lacked in some time in the twin and in the fleet.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Comparison {
    /// In the twin, which never moves.
    pub twin: Lack,
    /// In the fleet.
    pub ours: Lack,
}

/// A shortage that was foreseen and answered, and came in the twin only.
#[derive(Debug, Clone, PartialEq)]
pub struct Avoided {
    /// Where.
    pub host: HostId,
    /// Of what.
    pub resource: Resource,
    /// When it was foreseen for. While that lasts the figures are those so far.
    pub window: Window,
    /// Seconds of overload in the twin in that time.
    pub twin_overload_seconds: f64,
    /// Seconds of overload in the fleet in that time.
    pub our_overload_seconds: f64,
    /// Core-seconds that the host did not serve in that time in the twin.
    pub twin_unserved_core_seconds: f64,
    /// Core-seconds that the host did not serve in that time in the fleet.
    pub our_unserved_core_seconds: f64,
    /// The moves that answered it, those that were started.
    pub move_ids: Vec<MoveId>,
}

/// A shortage whose time has not passed.
#[derive(Debug, Clone)]
struct Watched {
    window: Window,
    move_ids: BTreeSet<MoveId>,
}

impl Watched {
    /// The time that is judged.
    fn judged(&self) -> Window {
        let ends = self.window.ends.min(self.window.begins + LONGEST_WATCH);
        Window { begins: self.window.begins, ends }
    }
}

/// The twin. See the module.
#[derive(Debug)]
pub struct Twin {
    world: World,
    watched: BTreeMap<ShortageKey, Vec<Watched>>,
    avoided: VecDeque<Avoided>,
}

impl Twin {
    /// The twin of the world that is made from `spec`. Errs as [`World::new`].
    pub fn new(spec: WorldSpec) -> Result<Self, WorldError> {
        let world = World::new(spec)?;
        Ok(Self { world, watched: BTreeMap::new(), avoided: VecDeque::new() })
    }

    /// Brings the twin to the fleet's instant and judges the shortages whose time has passed. How often
    /// it is called makes no difference to what is counted, as long as that is once a day.
    pub fn follow(&mut self, ours: &World) {
        if ours.now() > self.world.now() {
            self.world.advance(ours.now());
            // Nobody reads them; kept, they would pile up.
            drop(self.world.take_samples());
        }
        self.conclude(ours);
    }

    /// Watches a shortage that the plan answers by these moves, until its time has passed. Where times
    /// of the same shortage overlap they are watched as one.
    pub fn watch(&mut self, key: &ShortageKey, window: Window, move_ids: &[MoveId]) {
        let of_key = self.watched.entry(key.clone()).or_default();
        match of_key.iter_mut().find(|watched| watched.window.overlaps(&window)) {
            Some(watched) => {
                watched.window.begins = watched.window.begins.min(window.begins);
                watched.window.ends = watched.window.ends.max(window.ends);
                watched.move_ids.extend(move_ids);
            }
            None => {
                of_key.push(Watched { window, move_ids: move_ids.iter().copied().collect() });
            }
        }
    }

    /// What a host lacked in `window` up to now, in the twin and in the fleet; none for a host that is
    /// not there. Neither remembers more than two days.
    pub fn compare(&self, ours: &World, host: &HostId, window: Window) -> Option<Comparison> {
        let host = self.world.host_position(host)?;
        Some(Comparison { twin: self.world.lacked(host, window), ours: ours.lacked(host, window) })
    }

    fn conclude(&mut self, ours: &World) {
        for (key, watched) in self.over(ours.now()) {
            if let Some(avoided) = self.judge(ours, &key, &watched) {
                self.avoided.push_front(avoided);
                self.avoided.truncate(MOST_AVOIDED);
            }
        }
    }

    /// What was avoided of a shortage up to now; none where nothing was.
    fn judge(&self, ours: &World, key: &ShortageKey, watched: &Watched) -> Option<Avoided> {
        let window = watched.judged();
        let Comparison { twin, ours: own } = self.compare(ours, &key.host, window)?;
        let started = watched.move_ids.iter().copied().filter(|id| ours.has_started(*id));
        let move_ids: Vec<MoveId> = started.collect();
        // Of what flows, simulated hosts run short of processors only.
        let is_avoided = key.resource == Resource::Cpu
            && twin.overload_seconds > 0.0
            && own.overload_seconds == 0.0
            && !move_ids.is_empty();
        is_avoided.then(|| Avoided {
            host: key.host.clone(),
            resource: key.resource,
            window,
            twin_overload_seconds: twin.overload_seconds,
            our_overload_seconds: own.overload_seconds,
            twin_unserved_core_seconds: twin.unserved_core_seconds,
            our_unserved_core_seconds: own.unserved_core_seconds,
            move_ids,
        })
    }

    /// Takes out what is watched and over.
    fn over(&mut self, now: Timestamp) -> Vec<(ShortageKey, Watched)> {
        let mut over = Vec::new();
        for (key, of_key) in &mut self.watched {
            let gone = of_key.extract_if(.., |watched| watched.judged().ends <= now);
            over.extend(gone.map(|watched| (key.clone(), watched)));
        }
        self.watched.retain(|_, of_key| !of_key.is_empty());
        over
    }

    /// Shortages whose time has passed and that came in the twin only, newest first.
    pub fn avoided(&self) -> impl Iterator<Item = &Avoided> {
        self.avoided.iter()
    }

    /// Shortages whose time lasts and that have come in the twin only so far, newest first. One that
    /// comes in the fleet after all is gone from here.
    pub fn being_avoided(&self, ours: &World) -> Vec<Avoided> {
        let watched = self.watched.iter().flat_map(|(key, all)| all.iter().map(move |w| (key, w)));
        let judged = watched.filter_map(|(key, watched)| self.judge(ours, key, watched));
        let mut lasting: Vec<Avoided> = judged.collect();
        lasting.sort_by_key(|avoided| std::cmp::Reverse(avoided.window.begins));
        lasting
    }

    /// Loses the same place here as there.
    pub fn lose_place(&mut self, place: &Place) {
        self.world.lose_place(place);
    }

    /// Brings the same place back.
    pub fn bring_back(&mut self, place: &Place) {
        self.world.bring_back(place);
    }

    /// Starts the same campaign.
    pub fn campaign(&mut self, concerns: &Selector, window: Window, lift: f32) {
        self.world.campaign(concerns, window, lift);
    }

    /// The world that never moves, for its judge.
    pub const fn world(&mut self) -> &mut World {
        &mut self.world
    }

    /// Hosts that are lost in the twin.
    pub fn lost_hosts(&self) -> usize {
        (0..self.world.host_count())
            .filter(|host| self.world.host_state(*host) == HostState::Lost)
            .count()
    }
}
