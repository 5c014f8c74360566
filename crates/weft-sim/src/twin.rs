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
use crate::world::{World, WorldError, WorldSpec};

/// Overload is remembered for as long as the longest horizon of a demonstration.
const MEMORY: Span = Span::from_days(2);
/// Avoided shortages that are remembered.
const MOST_AVOIDED: usize = 50;

/// A shortage that was foreseen and answered, and came in the twin only.
#[derive(Debug, Clone, PartialEq)]
pub struct Avoided {
    /// Where.
    pub host: HostId,
    /// Of what.
    pub resource: Resource,
    /// When it was foreseen for.
    pub window: Window,
    /// Seconds of overload in the twin in that time.
    pub twin_overload_seconds: f64,
    /// Seconds of overload in the fleet in that time.
    pub our_overload_seconds: f64,
    /// The moves that answered it.
    pub move_ids: Vec<MoveId>,
}

/// A shortage whose time has not passed.
#[derive(Debug, Clone)]
struct Watched {
    window: Window,
    move_ids: BTreeSet<MoveId>,
}

/// Milliseconds of overload by step of one host.
type Course = BTreeMap<Timestamp, i64>;

/// The twin. See the module.
#[derive(Debug)]
pub struct Twin {
    world: World,
    looked: Timestamp,
    /// By host number: the twin's and ours.
    courses: Vec<(Course, Course)>,
    watched: BTreeMap<ShortageKey, Watched>,
    avoided: VecDeque<Avoided>,
}

impl Twin {
    /// The twin of the world that is made from `spec`. Errs as [`World::new`].
    pub fn new(spec: WorldSpec) -> Result<Self, WorldError> {
        let world = World::new(spec)?;
        let courses = vec![Default::default(); world.host_count()];
        let (looked, watched, avoided) = (world.now(), BTreeMap::new(), VecDeque::new());
        Ok(Self { world, looked, courses, watched, avoided })
    }

    /// Brings the twin to the fleet's instant. To be called often: what is overloaded at a call counts
    /// as overloaded until the next.
    pub fn follow(&mut self, ours: &World) {
        let now = ours.now();
        let passed = (now - self.looked).as_millis();
        if passed > 0 {
            let at = self.looked.floor(self.world.step());
            for (host, (theirs, own)) in self.courses.iter_mut().enumerate() {
                if self.world.is_overloaded(host) {
                    *theirs.entry(at).or_default() += passed;
                }
                if ours.is_overloaded(host) {
                    *own.entry(at).or_default() += passed;
                }
            }
            self.world.advance(now);
            // Nobody reads them; kept, they would pile up.
            drop(self.world.take_samples());
            self.looked = now;
        }
        self.conclude(ours);
    }

    /// Watches a shortage that the plan answers by these moves, until its time has passed. What is
    /// watched already is watched for both times together.
    pub fn watch(&mut self, key: &ShortageKey, window: Window, move_ids: &[MoveId]) {
        let watched = self
            .watched
            .entry(key.clone())
            .or_insert_with(|| Watched { window, move_ids: BTreeSet::new() });
        watched.window.begins = watched.window.begins.min(window.begins);
        watched.window.ends = watched.window.ends.max(window.ends);
        watched.move_ids.extend(move_ids);
    }

    fn conclude(&mut self, ours: &World) {
        let now = self.looked;
        let over: Vec<ShortageKey> = self
            .watched
            .iter()
            .filter(|(_, watched)| watched.window.ends <= now)
            .map(|(key, _)| key.clone())
            .collect();
        for key in over {
            let Some(watched) = self.watched.remove(&key) else { continue };
            let Some(host) = ours.host_position(&key.host) else { continue };
            let (theirs, own) = &self.courses[host];
            let seconds = |course: &Course| {
                let within = course.range(watched.window.begins..watched.window.ends);
                within.map(|(_, milliseconds)| *milliseconds).sum::<i64>() as f64 / 1_000.0
            };
            let (twin_overload_seconds, our_overload_seconds) = (seconds(theirs), seconds(own));
            if key.resource == Resource::Cpu
                && twin_overload_seconds > 0.0
                && our_overload_seconds == 0.0
            {
                self.avoided.push_front(Avoided {
                    host: key.host,
                    resource: key.resource,
                    window: watched.window,
                    twin_overload_seconds,
                    our_overload_seconds,
                    move_ids: watched.move_ids.into_iter().collect(),
                });
                self.avoided.truncate(MOST_AVOIDED);
            }
        }
        let forgotten = now - MEMORY;
        for (theirs, own) in &mut self.courses {
            *theirs = theirs.split_off(&forgotten);
            *own = own.split_off(&forgotten);
        }
    }

    /// Shortages that came here only in the twin, newest first.
    pub fn avoided(&self) -> impl Iterator<Item = &Avoided> {
        self.avoided.iter()
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
