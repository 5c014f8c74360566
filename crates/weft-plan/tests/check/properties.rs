//! Properties of the checker over random small fleets: an empty plan passes, a spoiled one does not.

use std::collections::BTreeSet;

use proptest::prelude::*;
use weft_core::fleet::Placement;
use weft_core::observation::HostState;
use weft_core::policy::{Domain, Rule, Selector};
use weft_core::resource::Resource;

use crate::fixture::{Fixture, GIB, host, kinds, minutes, order, starting, workload};

/// A fleet of 3 to 8 hosts in two zones with up to 30 workloads put anywhere, so that rooms and
/// rules are often broken from the start.
fn fleets() -> impl Strategy<Value = Fixture> {
    let sizes = (3_usize..9, prop::collection::vec((0_usize..8, 1_u64..12, 1_u32..4), 1..30));
    (sizes, prop::collection::vec((0_usize..3, any::<bool>()), 0..4), 0_u8..3).prop_map(
        |((hosts, placed), rules, lost)| {
            let mut fixture = Fixture { moves: Vec::new(), ..Fixture::default() };
            let names: Vec<String> = (0..hosts).map(|number| format!("h{number}")).collect();
            let zone = |number: usize| if number.is_multiple_of(2) { "e1" } else { "e2" };
            fixture.hosts = names
                .iter()
                .enumerate()
                .map(|(number, name)| (name.as_str().into(), host(name, zone(number))))
                .collect();
            let state = |number: usize| match lost {
                1 if number == 0 => HostState::Lost,
                2 if number == 1 => HostState::Draining,
                _ => HostState::Ready,
            };
            fixture.states = names
                .iter()
                .enumerate()
                .map(|(number, name)| (name.as_str().into(), state(number)))
                .collect();
            fixture.workloads.clear();
            fixture.placement = Placement::default();
            for (number, (on, gibibytes, vcpus)) in placed.into_iter().enumerate() {
                let name = format!("w{number}");
                let mut one = workload(&name);
                one.vcpus = vcpus;
                one.allocated[Resource::Memory] = gibibytes * GIB;
                fixture.workloads.insert(name.as_str().into(), one);
                let on = names[on % hosts].as_str();
                fixture.placement.put(name.as_str().into(), on.into());
            }
            fixture.policy.rules = rules.into_iter().map(rule).collect();
            fixture
        },
    )
}

fn rule((kind, by_zone): (usize, bool)) -> Rule {
    let workloads = Selector::names(["w0", "w1", "w2"]);
    let domain = if by_zone { Domain::Zone } else { Domain::Host };
    match kind {
        0 => Rule::Affinity { workloads, domain },
        1 => Rule::AntiAffinity { workloads, domain },
        _ => Rule::Spread { workloads, domain, minimum: 2 },
    }
}

/// Every single live move of the fleet's first workload that passes.
fn passing_moves(fixture: &mut Fixture) -> Vec<String> {
    let workload = "w0".into();
    let from = fixture.placement.sole_host(&workload).expect("placed whole").clone();
    let targets: Vec<String> = fixture.hosts.keys().map(ToString::to_string).collect();
    let mut passing = Vec::new();
    for target in targets {
        fixture.moves = vec![order(1, "w0", from.as_str(), &target)];
        if fixture.check().is_empty() {
            passing.push(target);
        }
    }
    passing
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 256, failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn a_plan_without_moves_passes_whatever_is_broken(mut fixture in fleets(), running in any::<bool>()) {
        prop_assert_eq!(fixture.check(), []);
        if running {
            let from = fixture.placement.sole_host(&"w0".into()).expect("placed whole").clone();
            let to = fixture.hosts.keys().find(|id| **id != from).expect("several hosts").clone();
            let order = order(1, "w0", from.as_str(), to.as_str());
            fixture.running = vec![starting(order, minutes(-1))];
            prop_assert_eq!(fixture.check(), []);
        }
    }

    #[test]
    fn a_passing_move_fails_once_its_target_is_full(mut fixture in fleets()) {
        for target in passing_moves(&mut fixture) {
            let from = fixture.placement.sole_host(&"w0".into()).expect("placed whole").clone();
            fixture.moves = vec![order(1, "w0", from.as_str(), &target)];
            let mut filler = workload("filler");
            filler.vcpus = 0;
            filler.allocated[Resource::Memory] = 16 * GIB;
            fixture.workloads.insert("filler".into(), filler);
            fixture.placement.put("filler".into(), target.as_str().into());
            prop_assert_eq!(kinds(&fixture.check()), BTreeSet::from(["Room"]));
            fixture.workloads.remove(&"filler".into());
            fixture.placement.0.remove(&"filler".into());
        }
    }

    #[test]
    fn a_passing_move_adds_nothing_to_what_the_placement_breaks(mut fixture in fleets()) {
        let before = fixture.check_placement();
        for target in passing_moves(&mut fixture) {
            let from = fixture.placement.sole_host(&"w0".into()).expect("placed whole").clone();
            fixture.placement.put("w0".into(), target.as_str().into());
            let after = fixture.check_placement();
            fixture.placement.put("w0".into(), from);
            prop_assert!(after.len() <= before.len(), "{before:?} became {after:?}");
        }
    }

    #[test]
    fn a_move_that_passes_in_a_plan_may_start(mut fixture in fleets()) {
        for target in passing_moves(&mut fixture) {
            let from = fixture.placement.sole_host(&"w0".into()).expect("placed whole").clone();
            fixture.moves = vec![order(1, "w0", from.as_str(), &target)];
            prop_assert_eq!(fixture.check_start(minutes(10)), Ok(()));
        }
    }
}
