//! The preset for KVM under libvirt: a libvirt exporter and node_exporter on every host. The names are
//! those that the exporters' own documentation lists; where versions differ, both stand here.

use weft_core::resource::Resource;

use super::node::{CORES, MEMORY, NETWORK};
use super::{Form, Metric, Preset, Yields};

/// libvirt exporter (kumina, Tinkoff, inovex and their kin) and node_exporter.
pub(super) static PRESET: Preset = Preset {
    name: "libvirt",
    exporters: "a libvirt exporter and node_exporter",
    host_label: "instance",
    workload_labels: &["domain"],
    zone_label: "zone",
    region_label: "region",
    moves_live: true,
    moves: true,
    metrics: &METRICS,
};

const GAUGE: Metric = Metric {
    names: &[],
    matchers: "",
    query: "{}",
    yields: Yields::Presence,
    form: Form::Gauge,
    scale: 1.0,
    is_required: false,
    costs: "",
};

const COUNTER: Metric = Metric { form: Form::Counter, ..GAUGE };

static METRICS: [Metric; 16] = [
    Metric { is_required: true, ..CORES },
    MEMORY,
    NETWORK,
    Metric {
        names: &["libvirt_up"],
        yields: Yields::Exporter,
        costs: "a host whose last workload stopped looks like one whose exporter is silent, so that workload is taken to be there still",
        ..GAUGE
    },
    Metric {
        names: &["libvirt_domain_info_virtual_cpus"],
        yields: Yields::Vcpus,
        costs: "the vCPUs of workloads are not known, so they are taken to be as many as were ever busy at once",
        ..GAUGE
    },
    Metric {
        names: &["libvirt_domain_info_maximum_memory_bytes"],
        yields: Yields::Memory,
        costs: "the memory of workloads is not known, so it is taken to be the most that was ever used",
        ..GAUGE
    },
    Metric {
        names: &[
            "libvirt_domain_block_stats_capacity_bytes",
            "libvirt_domain_block_stats_capacity",
        ],
        yields: Yields::Space,
        costs: "the disks of workloads are not known, so the copying of local disks is not reckoned with",
        ..GAUGE
    },
    Metric {
        names: &["libvirt_domain_info_cpu_time_seconds_total"],
        yields: Yields::Demand(Resource::Cpu),
        scale: 1_000.0,
        is_required: true,
        costs: "neither what workloads demand nor where they run is known",
        ..COUNTER
    },
    Metric {
        names: &["libvirt_domain_vcpu_delay_seconds_total"],
        yields: Yields::Delay,
        scale: 1_000.0,
        costs: "steps in which workloads waited for a full host look like low demand",
        ..COUNTER
    },
    Metric {
        names: &["libvirt_domain_memory_stats_rss_bytes", "libvirt_domain_info_memory_usage_bytes"],
        yields: Yields::Demand(Resource::Memory),
        costs: "the use of memory is not shown; memory is packed by allocation, so no decision changes",
        ..GAUGE
    },
    Metric {
        names: &["libvirt_domain_interface_stats_receive_bytes_total"],
        yields: Yields::Demand(Resource::Network),
        costs: "what workloads receive is not known, so the network is not limited by it",
        ..COUNTER
    },
    Metric {
        names: &["libvirt_domain_interface_stats_transmit_bytes_total"],
        yields: Yields::Demand(Resource::Network),
        costs: "what workloads send is not known, so the network is not limited by it",
        ..COUNTER
    },
    Metric {
        names: &["libvirt_domain_block_stats_read_bytes_total"],
        yields: Yields::Demand(Resource::StorageThroughput),
        costs: "what workloads read is not known",
        ..COUNTER
    },
    Metric {
        names: &["libvirt_domain_block_stats_write_bytes_total"],
        yields: Yields::Demand(Resource::StorageThroughput),
        costs: "what workloads write is not known",
        ..COUNTER
    },
    Metric {
        names: &["libvirt_domain_block_stats_read_requests_total"],
        yields: Yields::Demand(Resource::StorageOperations),
        costs: "how often workloads read is not known",
        ..COUNTER
    },
    Metric {
        names: &["libvirt_domain_block_stats_write_requests_total"],
        yields: Yields::Demand(Resource::StorageOperations),
        costs: "how often workloads write is not known",
        ..COUNTER
    },
];
