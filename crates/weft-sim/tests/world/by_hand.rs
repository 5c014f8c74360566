//! What a person does to a running world: places lost and brought back, campaigns. The same as the
//! faults of a plan, and never a change of what has passed.

use weft_core::id::WorkloadId;
use weft_core::observation::HostState;
use weft_core::policy::{Selector, Window};
use weft_core::resource::Resource;
use weft_core::time::{Span, Timestamp};
use weft_sim::fault::{Fault, FaultPlan, Place};
use weft_sim::generator::{MadeFleet, three_regions};
use weft_sim::world::{Physics, World};

use crate::fleet::{MEGABYTE, Small, at, host, workload};

const START: Timestamp = Timestamp::from_seconds(1_767_571_200);

fn company() -> MadeFleet {
    three_regions(1, START, 7)
}

fn world(company: &MadeFleet, faults: FaultPlan) -> World {
    let spec = company.world(Physics::default(), faults, 1);
    World::new(spec).expect("it contradicts itself not")
}

#[test]
fn a_loss_by_hand_is_the_loss_of_a_plan() {
    let company = company();
    let (lost, back) = (START + Span::from_seconds(5_430), START + Span::from_seconds(9_777));
    for place in [
        Place::Host("eu-plain-1".into()),
        Place::Zone("us-a".into()),
        Place::Region("ap".into()),
        Place::Host("nowhere".into()),
    ] {
        let window = Window { begins: lost, ends: back };
        let fault = Fault::Lose { place: place.clone(), window };
        let mut planned = world(&company, FaultPlan { faults: vec![fault] });
        let mut by_hand = world(&company, FaultPlan::none());
        by_hand.advance(lost);
        by_hand.lose_place(&place);
        by_hand.advance(back);
        by_hand.bring_back(&place);
        let end = START + Span::from_hours(6);
        planned.advance(end);
        by_hand.advance(end);
        assert_eq!(planned.judge().metrics(), by_hand.judge().metrics(), "{place:?}");
        assert_eq!(planned.take_samples(), by_hand.take_samples(), "{place:?}");
        assert_eq!(planned.placement(), by_hand.placement(), "{place:?}");
    }
}

fn pair() -> Small {
    let guest = workload("guest", 2, MEGABYTE);
    Small::new(vec![host("one", 4), host("two", 4)]).with(guest, "one", &[1_000.0])
}

#[test]
fn what_is_lost_twice_comes_back_twice() {
    let (one, zone) = (Place::Host("one".into()), Place::Zone("a".into()));
    let mut world = pair().world();
    let states = |world: &World| [0, 1].map(|host| world.host_state(host));
    world.bring_back(&zone);
    world.lose_place(&one);
    world.lose_place(&zone);
    assert_eq!(states(&world), [HostState::Lost; 2]);
    world.bring_back(&zone);
    assert_eq!(states(&world), [HostState::Lost, HostState::Ready]);
    world.bring_back(&one);
    world.bring_back(&one);
    assert_eq!(states(&world), [HostState::Ready; 2]);
}

#[test]
fn a_fault_of_the_plan_is_not_healed_by_hand() {
    let window = Window { begins: at(10), ends: at(100) };
    let place = Place::Host("one".into());
    let mut small = pair();
    small.faults = FaultPlan { faults: vec![Fault::Lose { place: place.clone(), window }] };
    let mut world = small.world();
    world.advance(at(20));
    world.bring_back(&place);
    assert_eq!(world.host_state(0), HostState::Lost);
    world.lose_place(&place);
    world.advance(at(200));
    assert_eq!(world.host_state(0), HostState::Lost, "the hand holds it");
    world.bring_back(&place);
    assert_eq!(world.host_state(0), HostState::Ready);
}

#[test]
fn a_campaign_lifts_what_it_concerns_from_the_next_step_on() {
    let company = company();
    let (mut lifted, plain) =
        (world(&company, FaultPlan::none()), world(&company, FaultPlan::none()));
    let now = START + Span::from_minutes(62);
    lifted.advance(now);
    let selector = Selector::names(["eu-web-01", "eu-web-02"]);
    let window = Window { begins: START, ends: START + Span::from_hours(3) };
    assert_eq!(lifted.campaign(&selector, window, 1.5), 2);
    let demands = |world: &World, name: &str, resource| {
        world.true_demands(&WorkloadId::from(name), resource, START, 48)
    };
    for name in ["eu-web-01", "eu-web-02", "eu-web-03"] {
        for resource in [Resource::Cpu, Resource::Network, Resource::Memory] {
            let (with, without) =
                (demands(&lifted, name, resource), demands(&plain, name, resource));
            for (step, (with, without)) in with.into_iter().zip(without).enumerate() {
                let is_concerned = name != "eu-web-03" && resource != Resource::Memory;
                let is_lifted = is_concerned && (13..36).contains(&step);
                let factor = if is_lifted { 1.5 } else { 1.0 };
                assert_eq!(with, without * factor, "{name} {resource:?} {step}");
            }
        }
    }
}

#[test]
fn a_campaign_reaches_samples_and_judge() {
    let mut world = pair().world();
    let selector = Selector::names(["guest"]);
    world.campaign(&selector, Window { begins: at(0), ends: at(600) }, 1.8);
    world.advance(at(900));
    let samples: Vec<f32> = world.take_samples().iter().map(|sample| sample.value).collect();
    assert_eq!(samples, [1_000.0, 1_800.0, 1_000.0], "the first step had begun");
    let requested = world.judge().metrics().requested_core_hours;
    assert!((requested - 3.8 / 12.0).abs() < 1e-9, "{requested}");
    assert_eq!(
        world.campaign(
            &Selector::names(["nobody"]),
            Window { begins: at(0), ends: at(9_000) },
            2.0
        ),
        0
    );
}

#[test]
fn hosts_say_whether_they_are_overloaded_now() {
    let guest = |name: &str| workload(name, 4, MEGABYTE);
    let small = Small::new(vec![host("one", 4), host("two", 4)])
        .with(guest("a"), "one", &[3_000.0, 1_000.0])
        .with(guest("b"), "one", &[3_000.0, 1_000.0])
        .with(guest("c"), "two", &[3_000.0, 5_000.0]);
    let mut world = small.world();
    let overloaded = |world: &World| world.hosts_overloaded().collect::<Vec<_>>();
    assert_eq!(overloaded(&world), [0]);
    world.advance(at(300));
    assert_eq!(overloaded(&world), [0; 0], "beyond its own vCPUs a workload overloads no host");
    let lack = world.lacked(0, Window { begins: at(0), ends: at(300) });
    assert_eq!((lack.overload_seconds, lack.unserved_core_seconds), (300.0, 600.0));
    let later = world.lacked(0, Window { begins: at(300), ends: at(600) });
    assert_eq!((later.overload_seconds, later.unserved_core_seconds), (0.0, 0.0));
}
