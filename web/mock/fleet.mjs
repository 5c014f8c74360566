// The made-up fleet of the mock server: three regions, six zones, sixty hosts, four hundred workloads.

export const GIB = 2 ** 30;
export const HOUR = 3_600_000;
export const MINUTE = 60_000;

/** A number in 0..1 that depends on nothing but its name. */
export function chance(...name) {
  let hash = 2166136261;
  for (const char of name.join("/")) hash = Math.imul(hash ^ char.charCodeAt(0), 16777619);
  hash = Math.imul(hash ^ (hash >>> 15), 2246822507);
  hash = Math.imul(hash ^ (hash >>> 13), 3266489909);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}

export const REGIONS = [
  { id: "ap", price: 0.19, noon_utc: 5 },
  { id: "eu", price: 0.27, noon_utc: 12 },
  { id: "us", price: 0.11, noon_utc: 18 },
];

export const LINKS = [
  { from: "ap", to: "eu", round_trip_seconds: 0.182, bandwidth_bytes_per_second: 250e6, price_per_gigabyte: 0.05 },
  { from: "ap", to: "us", round_trip_seconds: 0.148, bandwidth_bytes_per_second: 312e6, price_per_gigabyte: 0.04 },
  { from: "eu", to: "us", round_trip_seconds: 0.086, bandwidth_bytes_per_second: 625e6, price_per_gigabyte: 0.02 },
];

const CLASSES = [
  { id: "std", count: 6, cores: 32, memory: 256 * GIB },
  { id: "fast", count: 2, cores: 48, memory: 384 * GIB },
  { id: "big", count: 2, cores: 64, memory: 768 * GIB },
];

export const KINDS = [
  { id: "web", share: 0.3, storage: "shared", strategies: ["live", "split"], width: 3.2 },
  { id: "api", share: 0.25, storage: "shared", strategies: ["live", "split"], width: 4 },
  { id: "db", share: 0.15, storage: "local", strategies: ["live"], width: 6 },
  { id: "cache", share: 0.1, storage: "shared", strategies: ["live"], width: 5 },
  { id: "batch", share: 0.13, storage: "shared", strategies: ["preemptive"], width: 2.2 },
  { id: "ml", share: 0.07, storage: "shared", strategies: ["preemptive", "live"], width: 7 },
];

export function hosts() {
  const all = [];
  for (const region of REGIONS)
    for (const zone of [1, 2])
      for (const kind of CLASSES)
        for (let n = 1; n <= kind.count; n += 1)
          all.push({
            id: `${region.id}-${zone}-${kind.id}-${n}`,
            zone: `${region.id}-${zone}`,
            region: region.id,
            state: "ready",
            cores: kind.cores,
            cpu: kind.cores * 1000,
            memory: kind.memory,
            tags: [kind.id],
          });
  return all;
}

function kindOf(position) {
  let at = chance("kind", position);
  return KINDS.find((kind) => (at -= kind.share) < 0) ?? KINDS[0];
}

/** Four hundred workloads, spread so that a few hosts peak above what they have. */
export function workloads(allHosts) {
  const all = [];
  for (let n = 0; n < 400; n += 1) {
    const kind = kindOf(n);
    const vcpus = [4, 4, 8, 8, 16, 16][Math.floor(chance("vcpus", n) * 6)];
    const home = allHosts[n % allHosts.length];
    const noon = REGIONS.find((region) => region.id === home.region).noon_utc;
    all.push({
      id: `${kind.id}-${String(n + 1).padStart(3, "0")}`,
      kind,
      vcpus,
      cpu: vcpus * 1000,
      memory: vcpus * 4 * GIB,
      priority: kind.id === "db" ? 90 : kind.id === "batch" ? 10 : 50,
      peak_hour: (kind.id === "batch" ? noon + 13 : noon + 2 + chance("peak", n) * 3) % 24,
      use: 0.5,
      home: home.id,
      replicas: [{ host: home.id, share: 1000 }],
      tags: [kind.id, chance("tier", n) < 0.3 ? "gold" : "silver"],
    });
  }
  for (const host of allHosts) fill(host, all.filter((w) => w.replicas[0].host === host.id));
  return all;
}

/** Scales what the workloads of a host use until its daily peak is where the plot wants it. */
function fill(host, residents) {
  const luck = chance("fill", host.id);
  const wanted = luck > 0.66 ? 0.84 + (luck - 0.66) * 0.55 : 0.3 + luck * 0.45;
  let peak = 0;
  for (let hour = 0; hour < 24; hour += 0.5)
    peak = Math.max(peak, residents.reduce((sum, w) => sum + shape(w, hour) * w.cpu, 0));
  for (const workload of residents) workload.use = Math.min(1.6, (wanted * host.cpu) / Math.max(1, peak));
}

/** How much of its peak a workload demands at an hour of the day, in 0.15..1. */
export function shape(workload, hour) {
  const away = Math.abs(((hour - workload.peak_hour + 36) % 24) - 12);
  return 0.22 + 0.78 * Math.exp(-((away / workload.kind.width) ** 2) / 2);
}
