//! Tests of records and their holes: what is replayed, and what is said of it.

use std::sync::Arc;

use weft_core::files::fleet;
use weft_core::fleet::Mobility;
use weft_core::policy::Margins;

use super::*;
use crate::backtest::{self, PolicyChoice};

const STEPS: usize = 48;

fn at(step: usize) -> Timestamp {
    Timestamp::from_seconds(1_767_600_000) + Step::FIVE_MINUTES.span() * step as i64
}

/// A workload: its name, its stays, its demand.
type Row<'a> = (&'a str, &'a [(usize, &'a str)], &'a str);

/// Three hosts of four cores and 16 GB, and workloads of two vCPUs and 6 GB: name, stays, and a text in
/// which each character is a step: a digit so many hundred millicores, a gap, or censored at 2,000.
fn history(workloads: &[Row<'_>]) -> History {
    let hosts = "regions: [{name: r}]\nzones: [{name: z, region: r}]\nhosts: [{name: 'h{}', count: 3, zone: z, cores: 4, memory: 16GB, network: 10Gbit/s, power: {measured: g5}}]\nworkloads:\n";
    let mut text = hosts.to_owned();
    for (name, ..) in workloads {
        text += &format!("- {{name: {name}, vcpus: 2, memory: 6GB, dirty_rate: 0}}\n");
    }
    let file = fleet::read::<serde_json::Value>("f.yaml", &text).expect("a valid fleet");
    let (mut stays, mut series) = (Stays::new(), BTreeMap::new());
    let mut lifetimes = BTreeMap::new();
    for (name, hosts, demand) in workloads {
        let id = WorkloadId::from(*name);
        let hosts = hosts.iter().map(|(step, host)| (at(*step), HostId::from(*host)));
        stays.insert(id.clone(), hosts.collect());
        lifetimes.insert(id.clone(), (at(0), at(STEPS)));
        let mut of_steps = Series::new(at(0), Step::FIVE_MINUTES);
        for step in 0..STEPS {
            let character = demand.chars().nth(step).or(demand.chars().last()).unwrap_or('.');
            match character {
                '!' => of_steps.push(Some(2_000.0), true),
                '.' => of_steps.push(None, false),
                digit => {
                    let hundreds = digit.to_digit(10).expect("a digit") as f32;
                    of_steps.push(Some(hundreds * 100.0), false);
                }
            }
        }
        series.insert(SeriesKey::resource(id, Resource::Cpu), of_steps);
    }
    History {
        name: "record".to_owned(),
        fleet: "f.yaml".to_owned(),
        topology: file.topology,
        workloads: file.workloads,
        stays,
        lifetimes,
        series,
        policy: None,
        missing: Vec::new(),
        assumed: Vec::new(),
    }
}

fn row(setup: &Setup, policy: PolicyChoice) -> crate::backtest::outcome::PolicyRow {
    let outcome = backtest::run(setup, &[policy], &|_| {}).expect("it can be replayed");
    outcome.policies[0].clone()
}

#[test]
fn actual_moves_when_the_record_does_and_none_does_not() {
    // Together on h1 they want more than it has; the record moves one of them in the middle.
    let moved: &[_] = &[(0, "h1"), (STEPS / 2, "h2")];
    let two: &[_] = &[(0, "h1")];
    let history = history(&[("a", two, "!"), ("b", two, "9"), ("c", moved, "!")]);
    let setup = setup(history, 1).expect("a sound record");
    let (none, actual) = (row(&setup, PolicyChoice::None), row(&setup, PolicyChoice::Actual));
    assert_eq!((none.migrations, actual.migrations), (0, 1));
    assert!(actual.moved_bytes >= 6_000_000_000, "{}", actual.moved_bytes);
    assert!(actual.overload_minutes > 115.0 && actual.overload_minutes < 130.0, "{actual:?}");
    assert_eq!(none.overload_minutes, 240.0);
}

#[test]
fn what_the_world_would_refuse_is_followed_all_the_same() {
    let (h1, moved): (&[_], &[_]) = (&[(0, "h1")], &[(0, "h2"), (10, "h1"), (20, "h2")]);
    // 18 GB on a host of 16, by a workload that cannot move.
    let mut recorded = history(&[("a", h1, "1"), ("b", h1, "1"), ("c", moved, "1")]);
    let fixed = recorded.workloads.get_mut(&"c".into()).expect("it is there");
    Arc::make_mut(fixed).mobility =
        Mobility { live: false, preemptive: false, max_replicas: 1, recover: false };
    let setup = setup(recorded, 1).expect("a sound record");
    assert_eq!(setup.policy.margins.memory_overcommit, 1.13);
    assert!(
        setup.assumed[0].starts_with("memory of hosts 1 (`h1`) was allocated up to 1.13 times")
    );
    let actual = row(&setup, PolicyChoice::Actual);
    assert_eq!((actual.migrations, actual.moved_bytes, actual.downtime_seconds), (2, 0, 0.0));
    let mut strict = setup;
    strict.world.physics.overcommit = 1.0;
    assert_eq!(row(&strict, PolicyChoice::Actual).migrations, 2, "room or not");
}

#[test]
fn who_comes_and_goes_does_so_in_the_replay() {
    let mut recorded = history(&[
        ("always", &[(0, "h1")], "5"),
        ("early", &[(0, "h2")], "5"),
        ("late", &[(24, "h1")], "........................5"),
    ]);
    recorded.lifetimes.insert("early".into(), (at(0), at(12)));
    let setup = setup(recorded, 1).expect("a sound record");
    let placed: Vec<_> = setup.world.placement.0.keys().map(|id| id.as_str()).collect();
    assert_eq!(placed, ["always", "early"]);
    assert_eq!((setup.world.arrivals[0].at, setup.world.departures[0].at), (at(24), at(12)));
    let requested = |policy| {
        let course = row(&setup, policy).course;
        [0, 13, 30].map(|step| course[step].requested_cores)
    };
    assert_eq!(requested(PolicyChoice::None), [1.0, 0.5, 1.0]);
    assert_eq!(requested(PolicyChoice::Actual), [1.0, 0.5, 1.0]);
}

#[test]
fn holes_are_told() {
    let mut recorded = history(&[
        ("a", &[(0, "h1")], "...1111.1!1."),
        ("lost", &[], "5"),
        ("mute", &[(0, "h1")], "."),
        ("silent", &[(9, "h2")], ".........5555."),
    ]);
    // The record has more steps than were measured.
    recorded.lifetimes.insert("a".into(), (at(0), at(11)));
    let setup = setup(recorded, 1).expect("a sound record");
    assert_eq!((setup.world.start, setup.end), (at(3), at(13)));
    assert_eq!(
        setup.missing,
        [
            "no host of workloads 1 (`lost`): they are left out",
            "no CPU sample of workloads 1 (`mute`): they are left out",
            "no samples before 2026-01-05T08:15:00Z: the replay begins there instead of at 2026-01-05T08:00:00Z",
            "no samples after 2026-01-05T09:05:00Z: the replay ends there instead of at 2026-01-05T12:00:00Z",
        ]
    );
    let starts: Vec<_> =
        setup.assumed.iter().map(|sentence| sentence.split(':').next().unwrap_or("")).collect();
    assert_eq!(
        starts,
        [
            "in 38.89 % of all steps of workloads there is no CPU sample",
            "in 5.56 % of all steps of workloads more may have been wanted than was used",
            "hosts 1 (`h2`) told of no workload at first",
        ]
    );
    assert!(!setup.world.placement.replicas(&"silent".into()).is_empty());
}

#[test]
fn nothing_measured_is_an_error_and_a_policy_that_is_given_is_kept() {
    let error = |recorded| setup(recorded, 1).expect_err("nothing was measured").to_string();
    let expected = "expected CPU samples in at least two steps";
    for recorded in [history(&[("a", &[(0, "h1")], ".")]), history(&[("a", &[], "5")])] {
        assert!(error(recorded).starts_with(expected));
    }
    let h1: &[_] = &[(0, "h1")];
    let mut recorded = history(&[("a", h1, "1"), ("b", h1, "1"), ("c", h1, "1")]);
    let margins = Margins { memory_overcommit: 1.05, ..Margins::default() };
    recorded.policy = Some(Policy { margins, ..Policy::default() });
    let setup = setup(recorded, 1).expect("a sound record");
    assert_eq!(
        (setup.policy.margins.memory_overcommit, setup.world.physics.overcommit),
        (1.05, 1.13)
    );
    assert!(setup.assumed[0].ends_with("the policy allows 1.05 times"));
}
