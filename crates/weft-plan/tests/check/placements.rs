//! Placements as they stand: each rule broken and kept.

use std::collections::BTreeSet;

use weft_core::fleet::Replica;
use weft_core::observation::HostState;
use weft_core::policy::{Domain, Rule, Selector};
use weft_core::resource::Resource;

use crate::fixture::{Fixture, GIB, kinds};

/// What is seen here and in no plan.
pub(crate) const COVERED: &[&str] = &["Shares"];

fn check(expected: &[&str], bend: impl Fn(&mut Fixture)) {
    let mut fixture = Fixture::default();
    bend(&mut fixture);
    assert_eq!(kinds(&fixture.check_placement()), expected.iter().copied().collect());
}

fn replicas(hosts: [&str; 2], shares: [u16; 2]) -> Vec<Replica> {
    let pairs = hosts.into_iter().zip(shares);
    pairs.map(|(host, share_permille)| Replica { host: host.into(), share_permille }).collect()
}

#[test]
fn a_sound_placement_breaks_nothing() {
    check(&[], |_| ());
}

#[test]
fn names_shares_and_replicas_are_checked() {
    check(&["UnknownHost"], |f| f.placement.put("w1".into(), "nowhere".into()));
    check(&["UnknownWorkload"], |f| f.placement.put("ghost".into(), "a".into()));
    let put = |f: &mut Fixture, hosts, shares| {
        f.placement.0.insert("w1".into(), replicas(hosts, shares));
    };
    check(&["Shares"], |f| put(f, ["a", "b"], [500, 499]));
    check(&[], |f| put(f, ["a", "b"], [501, 499]));
    check(&["AlreadyThere"], |f| put(f, ["a", "a"], [500, 500]));
    check(&[], |f| f.placement.0.clear());
}

#[test]
fn room_and_core_speed_are_checked() {
    let set = |f: &mut Fixture, bytes| f.workload("w1").allocated[Resource::Memory] = bytes;
    check(&["Room"], |f| set(f, 12 * GIB + 1));
    check(&[], |f| set(f, 12 * GIB));
    check(&[], |f| {
        set(f, 12 * GIB + 1);
        f.policy.margins.memory_overcommit = 1.1;
    });
    check(&["CoreSpeed"], |f| f.host("a").core_speed_millicores = 999);
    check(&[], |f| {
        set(f, 12 * GIB + 1);
        f.host("a").core_speed_millicores = 999;
        f.set_state("a", HostState::Lost);
    });
}

#[test]
fn rules_of_places_are_checked_where_something_runs() {
    let anti = |f: &mut Fixture, names: [&str; 2]| {
        let workloads = Selector::names(names);
        f.policy.rules = vec![Rule::AntiAffinity { workloads, domain: Domain::Host }];
    };
    check(&["AntiAffinity"], |f| anti(f, ["w1", "w2"]));
    check(&[], |f| anti(f, ["w1", "w3"]));
    check(&[], |f| {
        anti(f, ["w1", "w2"]);
        f.set_state("a", HostState::Lost);
    });
    let affinity = |f: &mut Fixture, domain| {
        let workloads = Selector::names(["w1", "w3"]);
        f.policy.rules = vec![Rule::Affinity { workloads, domain }];
    };
    check(&["Affinity"], |f| affinity(f, Domain::Host));
    check(&[], |f| affinity(f, Domain::Zone));
    let spread = |f: &mut Fixture, minimum| {
        let workloads = Selector::names(["w1", "w3"]);
        f.policy.rules = vec![Rule::Spread { workloads, domain: Domain::Host, minimum }];
    };
    check(&[], |f| spread(f, 2));
    check(&[], |f| spread(f, 3));
    check(&["Spread"], |f| {
        spread(f, 2);
        f.placement.put("w3".into(), "a".into());
    });
    check(&["Pin", "Exclude", "Residency"], |f| {
        let workloads = || Selector::names(["w1"]);
        f.policy.rules = vec![
            Rule::Pin { workloads: workloads(), hosts: Selector::names(["b"]) },
            Rule::Exclude { workloads: workloads(), hosts: Selector::names(["a"]) },
            Rule::Residency { workloads: workloads(), regions: BTreeSet::from(["us".into()]) },
        ];
    });
}

#[test]
fn a_sentence_says_where_and_how_much() {
    let mut fixture = Fixture::default();
    fixture.workload("w1").allocated[Resource::Memory] = 13 * GIB;
    let found = fixture.check_placement();
    assert_eq!(
        found[0].to_string(),
        "the placement as it stands: expected at most 17179869184 of memory held on host `a`, \
         found 18253611008"
    );
}
