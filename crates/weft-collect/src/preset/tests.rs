//! Tests of the tables: that every row says what it must.

use std::collections::BTreeSet;

use weft_core::resource::Resource;

use super::{ALL, PresetOptions, Yields, named};

#[test]
fn every_row_says_what_its_absence_costs() {
    for preset in ALL {
        let ids: BTreeSet<_> = preset.metrics.iter().map(|metric| metric.id()).collect();
        assert_eq!(ids.len(), preset.metrics.len(), "{}: no row stands twice", preset.name);
        for metric in preset.metrics {
            let name = metric.names[0];
            assert!(metric.costs.len() > 10 && !metric.costs.ends_with('.'), "{name}");
            assert_eq!(metric.query.matches("{}").count(), 1, "{name}");
        }
        let has = |yields| preset.metrics.iter().any(|metric| metric.yields == yields);
        for yields in [Yields::HostCores, Yields::Demand(Resource::Cpu), Yields::Delay] {
            assert!(has(yields), "{} tells of {yields:?}", preset.name);
        }
        let required = preset.metrics.iter().filter(|metric| metric.is_required);
        assert!(required.into_iter().any(|m| m.yields == Yields::Demand(Resource::Cpu)));
    }
}

#[test]
fn what_is_missing_is_told_in_sentences() {
    let libvirt = named("libvirt").expect("there is such a preset");
    let missing = libvirt.missing(|metric| metric.yields != Yields::HostMemory);
    let sentences: Vec<_> = missing.iter().map(|missing| missing.to_string()).collect();
    let expected =
        "no `node_memory_MemTotal_bytes`: memory of hosts is not known, so memory is not limited";
    assert_eq!(sentences, [expected]);
    assert!(libvirt.missing(|_| true).is_empty());
}

#[test]
fn unknown_presets_are_named_with_those_there_are() {
    let error = named("vmware").expect_err("there is no such preset").to_string();
    assert_eq!(error, "expected a preset (libvirt, kubernetes, node), found `vmware`");
}

#[test]
fn options_are_strict() {
    let read = |text| serde_json::from_str::<PresetOptions>(text).map_err(|e| e.to_string());
    assert_eq!(read("{}"), Ok(PresetOptions::default()));
    let own = read(r#"{"zone_label":"rack","storage":"local"}"#).expect("known keys");
    assert_eq!(own.zone_label.as_deref(), Some("rack"));
    assert!(
        read(r#"{"zone":"rack"}"#).expect_err("an unknown key").contains("unknown field `zone`")
    );
}
