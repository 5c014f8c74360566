//! The preset for Kubernetes: cAdvisor (the kubelets' `/metrics/cadvisor`) and kube-state-metrics. A pod is
//! a workload; it cannot move live, but be started elsewhere before the old one stops.

use weft_core::resource::Resource;

use super::{Form, Metric, Preset, Yields};

/// cAdvisor and kube-state-metrics.
pub(super) static PRESET: Preset = Preset {
    name: "kubernetes",
    exporters: "cAdvisor and kube-state-metrics",
    host_label: "node",
    workload_labels: &["namespace", "pod"],
    zone_label: "label_topology_kubernetes_io_zone",
    region_label: "label_topology_kubernetes_io_region",
    moves_live: false,
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

/// Series of cAdvisor's with an empty `container` are sums over the pod, and `POD` is the pause container.
const OF_CONTAINERS: Metric =
    Metric { matchers: r#"container!="",container!="POD""#, form: Form::Counter, ..GAUGE };

/// Networks belong to the pod, not to its containers.
const OF_PODS: Metric =
    Metric { matchers: r#"pod!="",interface!="lo""#, form: Form::Counter, ..GAUGE };

static METRICS: [Metric; 17] = [
    Metric {
        names: &["kube_node_status_allocatable"],
        matchers: r#"resource="cpu""#,
        yields: Yields::HostCores,
        is_required: true,
        costs: "the cores of nodes are not known",
        ..GAUGE
    },
    Metric {
        names: &["kube_node_status_allocatable"],
        matchers: r#"resource="memory""#,
        yields: Yields::HostMemory,
        costs: "memory of nodes is not known, so memory is not limited",
        ..GAUGE
    },
    Metric {
        names: &["kube_node_labels"],
        yields: Yields::HostLabels,
        costs: "the zones of nodes are not known, so all stand in one (let kube-state-metrics export the labels topology.kubernetes.io/zone and region)",
        ..GAUGE
    },
    Metric {
        names: &["kube_pod_info"],
        matchers: r#"node!="""#,
        yields: Yields::Presence,
        is_required: true,
        costs: "it is not known where pods run",
        ..GAUGE
    },
    Metric {
        names: &["kube_pod_container_resource_limits"],
        matchers: r#"resource="cpu""#,
        yields: Yields::Vcpus,
        costs: "no pod has a limit of CPU, so all are taken to be capped at the most that they ever used, or their request",
        ..GAUGE
    },
    Metric {
        names: &["kube_pod_container_resource_requests"],
        matchers: r#"resource="cpu""#,
        yields: Yields::VcpusAtLeast,
        costs: "the CPU requests of pods are not known",
        ..GAUGE
    },
    Metric {
        names: &["kube_pod_container_resource_requests"],
        matchers: r#"resource="memory""#,
        yields: Yields::Memory,
        costs: "the memory requests of pods are not known, so their limits stand in, or the most that was ever used",
        ..GAUGE
    },
    Metric {
        names: &["kube_pod_container_resource_limits"],
        matchers: r#"resource="memory""#,
        yields: Yields::MemoryAtMost,
        costs: "the memory limits of pods are not known",
        ..GAUGE
    },
    Metric {
        names: &["container_cpu_usage_seconds_total"],
        yields: Yields::Demand(Resource::Cpu),
        scale: 1_000.0,
        is_required: true,
        costs: "what pods demand is not known",
        ..OF_CONTAINERS
    },
    Metric {
        names: &["container_cpu_cfs_throttled_seconds_total"],
        yields: Yields::Delay,
        scale: 1_000.0,
        costs: "steps in which pods were held at their limit look like low demand",
        ..OF_CONTAINERS
    },
    Metric {
        names: &["container_memory_working_set_bytes"],
        yields: Yields::Demand(Resource::Memory),
        form: Form::Gauge,
        costs: "the use of memory is not shown; memory is packed by allocation, so no decision changes",
        ..OF_CONTAINERS
    },
    Metric {
        names: &["container_network_receive_bytes_total"],
        yields: Yields::Demand(Resource::Network),
        costs: "what pods receive is not known",
        ..OF_PODS
    },
    Metric {
        names: &["container_network_transmit_bytes_total"],
        yields: Yields::Demand(Resource::Network),
        costs: "what pods send is not known",
        ..OF_PODS
    },
    Metric {
        names: &["container_fs_reads_bytes_total"],
        yields: Yields::Demand(Resource::StorageThroughput),
        costs: "what pods read is not known",
        ..OF_CONTAINERS
    },
    Metric {
        names: &["container_fs_writes_bytes_total"],
        yields: Yields::Demand(Resource::StorageThroughput),
        costs: "what pods write is not known",
        ..OF_CONTAINERS
    },
    Metric {
        names: &["container_fs_reads_total"],
        yields: Yields::Demand(Resource::StorageOperations),
        costs: "how often pods read is not known",
        ..OF_CONTAINERS
    },
    Metric {
        names: &["container_fs_writes_total"],
        yields: Yields::Demand(Resource::StorageOperations),
        costs: "how often pods write is not known",
        ..OF_CONTAINERS
    },
];
