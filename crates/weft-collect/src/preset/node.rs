//! The preset for hosts as a whole: node_exporter alone. Every host is one workload that never moves, so
//! its demand can be forecast and its shortages seen, but nothing can be planned.

use weft_core::resource::Resource;

use super::{Form, Metric, Preset, Yields};

/// node_exporter.
pub(super) static PRESET: Preset = Preset {
    name: "node",
    exporters: "node_exporter",
    host_label: "instance",
    workload_labels: &[],
    zone_label: "zone",
    region_label: "region",
    moves_live: false,
    moves: false,
    metrics: &METRICS,
};

/// Devices that carry what others carry once more: loopback, bridges, taps, tunnels, containers' ends,
/// members of a bond.
const REAL_DEVICES: &str =
    r#"device!~"(lo|veth|vnet|tap|virbr|br-|docker|cni|cali|flannel|ovs|bond|tun|wg).*""#;

/// Whole disks: neither parts of one nor layers over one.
const WHOLE_DISKS: &str = r#"device=~"(sd|vd|xvd|hd)[a-z]+|nvme[0-9]+n[0-9]+|mmcblk[0-9]+""#;

/// Cores, counted by their idle times.
pub(super) const CORES: Metric = Metric {
    names: &["node_cpu_seconds_total"],
    matchers: r#"mode="idle""#,
    query: "count without (cpu) ({})",
    yields: Yields::HostCores,
    form: Form::Gauge,
    scale: 1.0,
    is_required: false,
    costs: "the cores of hosts are not known, so they are taken to be as many as the vCPUs that run there",
};

pub(super) const MEMORY: Metric = Metric {
    names: &["node_memory_MemTotal_bytes"],
    matchers: "",
    query: "{}",
    yields: Yields::HostMemory,
    costs: "memory of hosts is not known, so memory is not limited",
    ..CORES
};

/// Devices that are down have a speed of -1 Mbit/s. The fastest counts alone: bonds are the members' sum,
/// and a sum over all would count a spare port.
pub(super) const NETWORK: Metric = Metric {
    names: &["node_network_speed_bytes"],
    matchers: REAL_DEVICES,
    query: "max without (device) ({} > 0)",
    yields: Yields::HostNetwork,
    costs: "the network of hosts is not known, so it is not limited and migrations are taken to have 5 Gbit/s",
    ..CORES
};

const COUNTER: Metric = Metric {
    matchers: "",
    query: "sum without (device) ({})",
    form: Form::Counter,
    yields: Yields::Presence,
    ..CORES
};

static METRICS: [Metric; 12] = [
    Metric { is_required: true, ..CORES },
    MEMORY,
    NETWORK,
    Metric {
        names: &["node_cpu_seconds_total"],
        matchers: r#"mode=~"user|nice|system|irq|softirq""#,
        // All processors begin anew together, when the host does: their sum is as good as each, and
        // small.
        query: "sum without (cpu, mode) ({})",
        yields: Yields::Demand(Resource::Cpu),
        scale: 1_000.0,
        is_required: true,
        costs: "what hosts demand is not known",
        ..COUNTER
    },
    Metric {
        names: &["node_cpu_seconds_total"],
        matchers: r#"mode="steal""#,
        query: "sum without (cpu, mode) ({})",
        yields: Yields::Delay,
        scale: 1_000.0,
        costs: "steps in which a host that is a guest itself waited for its own host look like low demand",
        ..COUNTER
    },
    Metric {
        names: &["node_memory_MemAvailable_bytes"],
        matchers: "",
        query: "node_memory_MemTotal_bytes - {}",
        yields: Yields::Demand(Resource::Memory),
        form: Form::Gauge,
        costs: "the use of memory is not shown",
        ..CORES
    },
    Metric {
        names: &["node_network_receive_bytes_total"],
        matchers: REAL_DEVICES,
        yields: Yields::Demand(Resource::Network),
        costs: "what hosts receive is not known",
        ..COUNTER
    },
    Metric {
        names: &["node_network_transmit_bytes_total"],
        matchers: REAL_DEVICES,
        yields: Yields::Demand(Resource::Network),
        costs: "what hosts send is not known",
        ..COUNTER
    },
    Metric {
        names: &["node_disk_read_bytes_total"],
        matchers: WHOLE_DISKS,
        yields: Yields::Demand(Resource::StorageThroughput),
        costs: "what hosts read is not known",
        ..COUNTER
    },
    Metric {
        names: &["node_disk_written_bytes_total"],
        matchers: WHOLE_DISKS,
        yields: Yields::Demand(Resource::StorageThroughput),
        costs: "what hosts write is not known",
        ..COUNTER
    },
    Metric {
        names: &["node_disk_reads_completed_total"],
        matchers: WHOLE_DISKS,
        yields: Yields::Demand(Resource::StorageOperations),
        costs: "how often hosts read is not known",
        ..COUNTER
    },
    Metric {
        names: &["node_disk_writes_completed_total"],
        matchers: WHOLE_DISKS,
        yields: Yields::Demand(Resource::StorageOperations),
        costs: "how often hosts write is not known",
        ..COUNTER
    },
];
