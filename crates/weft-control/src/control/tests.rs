//! The loop by hand: a scripted driver, real jobs in line, and what each mode, switch and freeze does.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use weft_core::fleet::{
    Host, Mobility, Placement, PowerCurve, Region, Storage, Topology, Workload, Zone,
};
use weft_core::id::{HostId, MoveId};
use weft_core::observation::{
    HostState, MoveFailure, MoveMeasure, MoveOrder, MoveStatus, Observation,
};
use weft_core::plan::{Move, MoveState, Plan};
use weft_core::policy::{Mode, Policy};
use weft_core::resource::{Amounts, Capacity, Resource, SeriesKey};
use weft_core::series::Sample;
use weft_core::time::{Span, Step, Timestamp};

use super::{Config, Control, TrackedMove};
use crate::command::Command;
use crate::event::{Event, Request};
use crate::job::{Job, JobResult};
use crate::record::{Entry, Freeze, Record, Switch};

const GIB: u64 = 1 << 30;

/// A loop with a driver that does what its script says.
struct Scene {
    control: Control,
    config: Config,
    now: Timestamp,
    placement: Placement,
    observable: bool,
    orders: Vec<MoveOrder>,
    cancelled: Vec<MoveId>,
    statuses: BTreeMap<MoveId, MoveStatus>,
    journal: Vec<Entry>,
    /// Whether records are made durable; otherwise they stay unanswered.
    durable: bool,
    /// Whether plans are kept back; otherwise they are there at once.
    plans_take_time: bool,
    plans: VecDeque<Event>,
    /// What each workload uses.
    use_millicores: f32,
}

impl Scene {
    /// Three hosts of 8 cores; the first carries three workloads that will want 9 cores together.
    fn new(mode: Mode) -> Self {
        let policy =
            Policy { mode, consolidate: false, horizon: Span::from_hours(2), ..Policy::default() };
        let config = Config::new(Arc::new(topology()), Arc::new(policy), Step::FIVE_MINUTES, 1);
        let mut placement = Placement::default();
        for name in ["a", "b", "c"] {
            placement.put(name.into(), "h1".into());
        }
        Self {
            control: Control::new(config.clone()),
            config,
            now: Timestamp::from_seconds(1_700_000_100),
            placement,
            observable: true,
            orders: Vec::new(),
            cancelled: Vec::new(),
            statuses: BTreeMap::new(),
            journal: Vec::new(),
            durable: true,
            plans_take_time: false,
            plans: VecDeque::new(),
            use_millicores: 3_000.0,
        }
    }

    /// As `new`, after an hour of samples.
    fn after_an_hour(mode: Mode) -> Self {
        let mut scene = Self::new(mode);
        scene.pass_steps(12);
        scene
    }

    /// As `new`, until the first order has just been given.
    fn at_the_first_order() -> Self {
        let mut scene = Self::new(Mode::Auto);
        while scene.orders.is_empty() && scene.journal.len() < 100 {
            scene.pass_steps(1);
        }
        scene
    }

    fn pass_steps(&mut self, steps: usize) {
        for _ in 0..steps {
            self.pass_step(true);
        }
    }

    /// Five minutes pass, minute by minute; at their end come samples, or none.
    fn pass_step(&mut self, sampled: bool) {
        for _ in 0..5 {
            self.now = self.now + Span::from_minutes(1);
            self.feed(Event::Wake);
        }
        let at = self.now - Span::from_minutes(5);
        let sample = |name: &str| Sample {
            key: SeriesKey::resource(name.into(), Resource::Cpu),
            at,
            value: self.use_millicores,
            censored: false,
        };
        let samples = if sampled { ["a", "b", "c"].map(sample).to_vec() } else { Vec::new() };
        self.feed(Event::Sampled { at, samples });
    }

    fn feed(&mut self, event: Event) {
        let mut events = VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            for command in self.control.step(self.now, event) {
                events.extend(self.carry_out(command));
            }
        }
    }

    fn carry_out(&mut self, command: Command) -> Option<Event> {
        match command {
            Command::Record(entry) => {
                let id = entry.id;
                self.journal.push(entry);
                self.durable.then_some(Event::Recorded(id))
            }
            Command::Observe if self.observable => {
                Some(Event::Observed(Arc::new(self.observation())))
            }
            Command::Observe => Some(Event::ObserveFailed("down".to_owned())),
            Command::Start(order) => {
                self.orders.push(order);
                None
            }
            Command::Poll(id) => {
                let status = self.statuses.get(&id).cloned();
                let running = MoveStatus::Running(MoveMeasure::default());
                Some(Event::MoveReported(id, status.unwrap_or(running)))
            }
            Command::Cancel(id) => {
                self.cancelled.push(id);
                None
            }
            Command::Run(id, job) => {
                let is_plan = matches!(job, Job::Plan(_));
                let done = Event::JobDone(id, job.run(&|| false));
                if is_plan && self.plans_take_time {
                    self.plans.push_back(done);
                    return None;
                }
                Some(done)
            }
            Command::Restore(..) | Command::WakeAt(_) => None,
        }
    }

    fn observation(&self) -> Observation {
        let hosts = ["h1", "h2", "h3"].map(|name| (HostId::from(name), HostState::Ready));
        let workloads = ["a", "b", "c"].map(|name| (name.into(), Arc::new(workload(name))));
        Observation {
            at: self.now,
            hosts: hosts.into_iter().collect(),
            workloads: workloads.into_iter().collect(),
            placement: self.placement.clone(),
            moves: BTreeMap::new(),
        }
    }

    /// The order given last is carried out, and the driver says so `times` times.
    fn finish_last(&mut self, times: usize) {
        let order = self.orders.last().expect("an order was given").clone();
        self.placement.put(order.workload.clone(), order.to.clone());
        let measure = MoveMeasure { duration: Span::from_seconds(9), ..MoveMeasure::default() };
        self.statuses.insert(order.id, MoveStatus::Succeeded(measure));
        for _ in 0..times {
            self.feed(Event::MoveReported(order.id, MoveStatus::Succeeded(measure)));
        }
    }

    fn proposed(&self) -> Vec<MoveId> {
        let is_proposed = |tracked: &&TrackedMove| tracked.state == MoveState::Proposed;
        self.control.moves().filter(is_proposed).map(|tracked| tracked.planned.id).collect()
    }

    fn count(&self, is: impl Fn(&Record) -> bool) -> usize {
        self.journal.iter().filter(|entry| is(&entry.record)).count()
    }
}

fn topology() -> Topology {
    let host = |name: &str| Host {
        id: name.into(),
        zone: "z".into(),
        cores: 8,
        core_speed_millicores: 1_000,
        capacity: Capacity::UNLIMITED.with(Resource::Memory, 64 * GIB),
        migration_bandwidth_bytes_per_second: 1_000_000_000,
        price_per_hour: 0.0,
        power: PowerCurve { watts: [100.0; 11], empty_watts: 0.0 },
        tags: BTreeSet::new(),
    };
    let region = Region { id: "r".into(), energy_price_per_kwh: 0.2 };
    let zone = Zone { id: "z".into(), region: "r".into() };
    Topology::new(vec![region], vec![zone], vec![host("h1"), host("h2"), host("h3")], vec![])
        .expect("the topology is consistent")
}

fn workload(name: &str) -> Workload {
    Workload {
        id: name.into(),
        vcpus: 4,
        vcpu_speed_millicores: 1_000,
        allocated: Amounts::ZERO.with(Resource::Memory, 4 * GIB),
        priority: 1,
        downtime_weight: 1.0,
        dirty_rate_bytes_per_second: 1_000_000,
        storage: Storage::Shared,
        mobility: Mobility::default(),
        tags: BTreeSet::new(),
    }
}

fn is_starting(record: &Record) -> bool {
    matches!(record, Record::Starting { .. })
}

#[test]
fn auto_records_and_then_starts() {
    let scene = Scene::after_an_hour(Mode::Auto);
    assert_eq!(scene.orders.len(), 1, "one move answers the shortage: {:?}", scene.orders);
    assert_eq!(scene.count(is_starting), 1);
    assert_eq!(scene.orders[0].from, "h1".into());
}

#[test]
fn nothing_is_started_before_its_record_is_durable() {
    let mut scene = Scene::new(Mode::Auto);
    scene.durable = false;
    scene.pass_steps(12);
    assert_eq!(scene.count(is_starting), 1, "the start is recorded once");
    assert!(scene.orders.is_empty(), "and does not leave before the record is durable");
    let id = scene.journal.iter().find(|e| is_starting(&e.record)).expect("recorded").id;
    scene.durable = true;
    scene.feed(Event::Recorded(id));
    assert_eq!(scene.orders.len(), 1);
}

#[test]
fn observe_and_advise_start_nothing() {
    let scene = Scene::after_an_hour(Mode::Observe);
    let plan = scene.control.plan().expect("shortages are told");
    assert!(!plan.shortages.is_empty() && plan.moves.is_empty());
    let mut scene = Scene::after_an_hour(Mode::Advise);
    let proposed = scene.proposed();
    assert!(!proposed.is_empty(), "advise proposes");
    scene.feed(Event::Asked(Request::Approve(proposed[0])));
    scene.pass_steps(1);
    assert!(scene.orders.is_empty());
}

#[test]
fn an_approval_starts_a_move_and_survives_replanning() {
    let mut scene = Scene::after_an_hour(Mode::Approve);
    assert!(scene.orders.is_empty());
    let proposed = scene.proposed();
    scene.feed(Event::Asked(Request::Pause));
    scene.feed(Event::Asked(Request::Approve(proposed[0])));
    assert!(scene.orders.is_empty(), "paused");
    assert_eq!(scene.count(|r| matches!(r, Record::Approved { .. })), 1);
    scene.pass_steps(1);
    scene.feed(Event::Asked(Request::Resume));
    assert_eq!(scene.orders.len(), 1, "the next plan keeps the approval");
    assert_eq!(scene.count(|r| matches!(r, Record::Approved { .. })), 1);
}

/// Regression: a move that a person had approved was gone with the next plan that did without it.
#[test]
fn an_approved_move_is_done_though_the_next_plan_does_without_it() {
    let mut scene = Scene::after_an_hour(Mode::Approve);
    let approved = scene.proposed()[0];
    scene.feed(Event::Asked(Request::Pause));
    scene.feed(Event::Asked(Request::Approve(approved)));
    let others = scene.proposed();
    scene.use_millicores = 100.0;
    scene.pass_steps(2);
    let kept = scene.control.moves().find(|tracked| tracked.planned.id == approved);
    assert_eq!(kept.map(|tracked| tracked.state), Some(MoveState::Scheduled));
    assert!(others.iter().all(|id| scene.control.moves().all(|m| m.planned.id != *id)));
    scene.feed(Event::Asked(Request::Resume));
    assert_eq!(scene.orders.first().map(|order| order.id), Some(approved));
}

/// Regression: one saw "approved" and then nothing ever again, as nobody had approved what the move waits for.
#[test]
fn an_approval_takes_in_what_the_move_waits_for() {
    let mut scene = Scene::after_an_hour(Mode::Approve);
    scene.plans_take_time = true;
    scene.pass_steps(1);
    let Some(Event::JobDone(job, JobResult::Planned { plan, refused, let_go, outlook })) =
        scene.plans.pop_front()
    else {
        panic!("expected a plan");
    };
    let mut plan = (*plan).clone();
    let first = plan.moves[0].clone();
    let other = ["a", "b", "c"].into_iter().find(|name| first.workload != (*name).into());
    let follower = Move {
        id: MoveId(first.id.0 + 1),
        workload: other.expect("three workloads").into(),
        prerequisites: vec![first.id],
        ..first.clone()
    };
    let id = follower.id;
    plan.moves.push(follower);
    let plan = Arc::new(plan);
    scene.feed(Event::Asked(Request::Pause));
    scene.feed(Event::JobDone(job, JobResult::Planned { plan, refused, let_go, outlook }));
    assert_eq!(scene.control.approved_with(id), [first.id, id]);
    scene.feed(Event::Asked(Request::Approve(id)));
    assert_eq!(scene.proposed(), []);
    assert_eq!(scene.count(|r| matches!(r, Record::Approved { .. })), 2, "each is told");
}

/// Regression: an approved move that the next plan could not keep was gone without a word.
#[test]
fn an_approved_move_that_is_let_go_is_told_with_the_reason() {
    let mut scene = Scene::after_an_hour(Mode::Approve);
    let approved = scene.proposed()[0];
    let tracked = scene.control.moves().find(|tracked| tracked.planned.id == approved);
    let target = tracked.expect("it is proposed").planned.to.clone();
    scene.feed(Event::Asked(Request::Pause));
    scene.feed(Event::Asked(Request::Approve(approved)));
    scene.feed(Event::Asked(Request::Drain(target)));
    scene.pass_steps(2);
    let ends: Vec<_> = scene
        .journal
        .iter()
        .filter_map(|entry| match &entry.record {
            Record::Ended { move_id, state, refusal, .. } => Some((*move_id, *state, refusal)),
            _ => None,
        })
        .collect();
    let [(id, MoveState::Superseded, Some(why))] = ends.as_slice() else {
        panic!("expected one superseded move with the reason, found {ends:?}");
    };
    assert_eq!(*id, approved);
    assert!(!why.is_empty());
}

/// Regression: a plan that was being made when a person approved took the move away without a word.
#[test]
fn a_move_that_is_approved_while_a_plan_is_made_is_told_if_that_plan_lacks_it() {
    let mut scene = Scene::after_an_hour(Mode::Approve);
    scene.plans_take_time = true;
    scene.use_millicores = 100.0;
    scene.pass_steps(1);
    let approved = scene.proposed()[0];
    scene.feed(Event::Asked(Request::Pause));
    scene.feed(Event::Asked(Request::Approve(approved)));
    let Some(Event::JobDone(job, JobResult::Planned { plan, refused, let_go, outlook })) =
        scene.plans.pop_front()
    else {
        panic!("expected a plan");
    };
    let plan = Arc::new(Plan { moves: Vec::new(), ..(*plan).clone() });
    scene.feed(Event::JobDone(job, JobResult::Planned { plan, refused, let_go, outlook }));
    let is_told = |record: &Record| matches!(record, Record::Ended { move_id, state: MoveState::Superseded, refusal: Some(_), .. } if *move_id == approved);
    assert_eq!(scene.count(is_told), 1);
}

#[test]
fn a_rejected_workload_is_left_alone_for_a_cool_down() {
    let mut scene = Scene::after_an_hour(Mode::Approve);
    let rejected = scene.proposed()[0];
    let find = |scene: &Scene, id| {
        scene.control.moves().find(|m| m.planned.id == id).map(|m| m.planned.workload.clone())
    };
    let workload = find(&scene, rejected).expect("it is proposed");
    scene.feed(Event::Asked(Request::Reject(rejected)));
    scene.pass_steps(1);
    let again = scene.proposed();
    assert!(again.iter().all(|id| find(&scene, *id) != Some(workload.clone())), "{workload}");
}

#[test]
fn an_end_that_is_told_three_times_ends_a_move_once() {
    let mut scene = Scene::at_the_first_order();
    scene.finish_last(3);
    let ended = |r: &Record| matches!(r, Record::Ended { state: MoveState::Succeeded, .. });
    assert_eq!(scene.count(ended), 1);
    scene.pass_steps(3);
    assert_eq!(scene.orders.len(), 1, "nothing further is needed");
    assert!(scene.control.freezes().next().is_none(), "our own move is no foreign change");
}

/// What a plan counted on must hold when it is there: a success does, a failure does not.
#[test]
fn a_plan_outlives_a_success_but_not_a_failure_while_it_is_made() {
    let adopted_after = |is_success: bool| {
        let mut scene = Scene::at_the_first_order();
        let before = scene.control.plan().expect("an order comes of a plan").id;
        scene.plans_take_time = true;
        scene.pass_steps(1);
        if is_success {
            scene.finish_last(1);
        } else {
            let why = MoveFailure::NotConverging;
            let failed = MoveStatus::Failed(why, MoveMeasure::default());
            scene.feed(Event::MoveReported(scene.orders[0].id, failed));
        }
        let plan = scene.plans.pop_front().expect("a plan is being made");
        scene.feed(plan);
        scene.control.plan().is_some_and(|plan| plan.id != before)
    };
    assert!(adopted_after(true));
    assert!(!adopted_after(false));
}

#[test]
fn stale_metrics_freeze_and_fresh_ones_thaw() {
    let mut scene = Scene::new(Mode::Auto);
    scene.pass_steps(2);
    for _ in 0..4 {
        scene.pass_step(false);
    }
    assert_eq!(scene.control.freezes().collect::<Vec<_>>(), [&Freeze::StaleMetrics]);
    scene.pass_steps(1);
    assert!(scene.control.freezes().next().is_none());
    assert_eq!(scene.count(|r| matches!(r, Record::Thawed { .. })), 1);
}

#[test]
fn a_driver_that_does_not_answer_freezes() {
    let mut scene = Scene::new(Mode::Auto);
    scene.pass_steps(4);
    scene.observable = false;
    scene.pass_steps(6);
    assert!(scene.control.freezes().any(|freeze| *freeze == Freeze::Unobserved));
    assert!(scene.orders.is_empty());
    scene.observable = true;
    scene.pass_steps(2);
    assert_eq!(scene.orders.len(), 1);
}

#[test]
fn a_driver_that_does_not_answer_is_asked_again_soon() {
    let mut scene = Scene::new(Mode::Auto);
    scene.control.config.observe_every = Span::from_minutes(5);
    scene.observable = false;
    scene.pass_steps(1);
    let (now, asked) = (scene.now, scene.control.next_observe);
    assert!(asked <= now + Span::from_minutes(1), "{asked} is too late at {now}");
    scene.observable = true;
    scene.pass_steps(1);
    assert!(scene.control.next_observe > scene.now, "then as rarely as before");
    assert!(scene.control.freezes().next().is_none());
}

#[test]
fn a_change_by_another_hand_freezes_and_is_named() {
    let mut scene = Scene::new(Mode::Auto);
    scene.pass_steps(2);
    scene.placement.put("b".into(), "h3".into());
    scene.pass_steps(1);
    let expected = Freeze::ForeignChange {
        workload: "b".into(),
        from: vec!["h1".into()],
        to: vec!["h3".into()],
    };
    assert_eq!(scene.control.freezes().collect::<Vec<_>>(), [&expected]);
    scene.pass_steps(7);
    assert!(scene.control.freezes().next().is_none(), "quiet for a cool-down");
}

#[test]
fn the_kill_switch_stops_what_runs_and_what_waits() {
    let mut scene = Scene::at_the_first_order();
    scene.feed(Event::Asked(Request::Kill));
    assert_eq!(scene.cancelled, [scene.orders[0].id]);
    assert_eq!(scene.control.switch(), Switch::Killed);
    scene.statuses.insert(scene.orders[0].id, MoveStatus::Cancelled(MoveMeasure::default()));
    scene.pass_steps(10);
    assert_eq!(scene.orders.len(), 1, "nothing is started while killed");
    scene.feed(Event::Asked(Request::Resume));
    scene.pass_steps(2);
    assert!(scene.orders.len() > 1, "resumed");
}

#[test]
fn a_move_that_takes_too_long_is_told_to_stop() {
    let mut scene = Scene::at_the_first_order();
    assert!(scene.cancelled.is_empty());
    scene.pass_steps(2);
    assert!(scene.cancelled.contains(&scene.orders[0].id));
}

#[test]
fn an_overdue_move_that_the_driver_knows_is_never_concluded() {
    let mut scene = Scene::at_the_first_order();
    scene.pass_steps(6);
    assert!(!scene.cancelled.is_empty(), "it is told to stop");
    assert_eq!(scene.count(|r| matches!(r, Record::Ended { .. })), 0, "and runs until it ends");
}

/// Regression: telling an overdue move to stop again put its conclusion off for ever.
#[test]
fn a_start_that_was_lost_in_a_crash_is_concluded() {
    let mut scene = Scene::at_the_first_order();
    let lost = scene.orders[0].id;
    scene.control = Control::resume(scene.config.clone(), &scene.journal);
    scene.statuses.insert(lost, MoveStatus::Unknown);
    scene.pass_steps(3);
    let failed = |r: &Record| matches!(r, Record::Ended { move_id, state: MoveState::Failed, .. } if *move_id == lost);
    assert_eq!(scene.count(failed), 1);
}

#[test]
fn after_a_restart_a_recorded_start_counts_as_running() {
    let mut scene = Scene::at_the_first_order();
    let order = scene.orders[0].clone();
    scene.control = Control::resume(scene.config.clone(), &scene.journal);
    let tracked = scene.control.moves().next().expect("the move is known");
    assert_eq!((tracked.planned.id, tracked.state), (order.id, MoveState::Running));
    scene.finish_last(1);
    scene.pass_steps(1);
    assert_eq!(scene.orders.len(), 1, "it is not started again");
    assert_eq!(scene.count(is_starting), 1);
    let ids: BTreeSet<_> = scene.journal.iter().map(|entry| entry.id).collect();
    assert_eq!(ids.len(), scene.journal.len(), "records are numbered on");
}

#[test]
fn a_drained_host_is_emptied() {
    let mut scene = Scene::at_the_first_order();
    scene.finish_last(1);
    scene.feed(Event::Asked(Request::Drain("h1".into())));
    for _ in 0..20 {
        scene.pass_steps(1);
        for order in scene.orders.clone() {
            scene.placement.put(order.workload, order.to);
            let done = MoveStatus::Succeeded(MoveMeasure::default());
            scene.statuses.insert(order.id, done);
        }
    }
    let left: Vec<_> = scene.placement.0.values().flatten().map(|r| r.host.clone()).collect();
    assert!(!left.contains(&"h1".into()), "{left:?}");
}

/// Regression: a planning job that never came back stopped every start for ever.
#[test]
fn a_plan_that_never_comes_is_given_up_and_made_anew() {
    let mut scene = Scene::at_the_first_order();
    let before = scene.control.plan().map(|plan| plan.id);
    scene.plans_take_time = true;
    scene.pass_steps(1);
    let never = scene.plans.pop_front().expect("a plan is being made");
    scene.pass_steps(2);
    let anew = scene.plans.pop_back().expect("another is being made");
    scene.feed(never);
    assert_eq!(scene.control.plan().map(|plan| plan.id), before, "it comes too late");
    scene.feed(anew);
    assert_ne!(scene.control.plan().map(|plan| plan.id), before);
}

#[test]
fn forecasters_that_are_lost_are_asked_for() {
    let mut scene = Scene::new(Mode::Auto);
    scene.control = scene.control.restoring();
    let restores = |scene: &mut Scene| {
        let seen = Event::Observed(Arc::new(scene.observation()));
        let commands = scene.control.step(scene.now, seen);
        commands.into_iter().find_map(|command| match command {
            Command::Restore(id, seen) => Some((id, seen.workloads.len())).filter(|(_, n)| *n == 3),
            _ => None,
        })
    };
    let restores = |scene: &mut Scene| restores(scene).map(|(id, _)| id);
    let first = restores(&mut scene).expect("there are none at first");
    assert_eq!(restores(&mut scene), None, "they are asked for once");
    scene.feed(Event::JobFailed(first, "the disk is gone".to_owned()));
    assert_eq!(restores(&mut scene), None, "not at once");
    scene.now = scene.now + Span::from_minutes(1);
    let second = restores(&mut scene).expect("again after a pause");
    let bank = Box::new(scene.config.new_bank());
    scene.feed(Event::JobDone(second, JobResult::Updated { bank, scenarios: None, book: None }));
    assert!(scene.control.bank().is_some());
}

#[test]
fn a_host_that_is_charted_later_is_a_target_too() {
    let mut scene = Scene::new(Mode::Auto);
    assert!(scene.control.objection(&Request::Drain("h4".into())).is_err());
    let known = scene.config.topology.clone();
    let further = Host { id: "h4".into(), ..known.host(&"h3".into()).expect("a host").clone() };
    let all = |topology: &Topology| {
        let (regions, zones) = (topology.regions().cloned(), topology.zones().cloned());
        let hosts = topology.hosts().cloned().chain([further.clone()]);
        Topology::new(regions.collect(), zones.collect(), hosts.collect(), Vec::new())
    };
    scene.feed(Event::Charted(Arc::new(all(&known).expect("a sound topology"))));
    assert_eq!(scene.control.objection(&Request::Drain("h4".into())), Ok(()));
    assert_eq!(scene.control.topology().hosts().len(), 4);
}

#[test]
fn what_would_change_nothing_is_objected_to() {
    let mut scene = Scene::at_the_first_order();
    let running = scene.orders[0].id;
    let check = |scene: &Scene, request: &Request, expected: Option<&str>| {
        let found = scene.control.objection(request).map_err(|objection| objection.to_string());
        match expected {
            None => assert_eq!(found, Ok(()), "{request:?}"),
            Some(part) => {
                let sentence = found.expect_err(part);
                assert!(sentence.contains(part), "expected {part:?} in {sentence:?}");
            }
        }
    };
    check(&scene, &Request::Approve(MoveId(99)), Some("found move-99"));
    check(&scene, &Request::Approve(running), Some("is running"));
    check(&scene, &Request::Reject(running), Some("expected a move that is proposed or scheduled"));
    check(&scene, &Request::Cancel(running), None);
    check(&scene, &Request::Drain("h9".into()), Some("`h9`"));
    check(&scene, &Request::Undrain("h1".into()), Some("which is not"));
    scene.finish_last(1);
    check(&scene, &Request::Cancel(running), Some("is succeeded"));
}
