// What lies ahead in the mock: demand of workloads and hosts, probabilities of overload, shortages.

import { chance, HOUR, MINUTE, shape } from "./fleet.mjs";

const BUCKET_MINUTES = [5, 5, 5, 5, 5, 5, 10, 10, 10, 15, 15, 15, 30, 30, 45, 60, 90, 120, 150, 210, 270, 300];
export const RESOURCES = [
  { id: "cpu", unit: "millicores" },
  { id: "network", unit: "bytes/s" },
];

export const iso = (at) => new Date(Math.round(at)).toISOString().replace(".000Z", "Z");

export function buckets(from) {
  let begins = Math.floor(from / (5 * MINUTE)) * 5 * MINUTE + 5 * MINUTE;
  return BUCKET_MINUTES.map((minutes) => {
    const bucket = { begins, ends: begins + minutes * MINUTE };
    begins = bucket.ends;
    return bucket;
  });
}

/** Mean demand of a workload at an instant, in millicores. */
export function demand(world, workload, at) {
  const hour = (at / HOUR) % 24;
  const lift = world.events
    .filter((event) => event.begins <= at && at < event.ends && concerns(event, workload))
    .reduce((product, event) => product * (event.expected_lift ?? 1), 1);
  const day = 0.88 + 0.34 * chance("day", workload.home, Math.floor((at - 10 * HOUR) / (24 * HOUR)));
  return Math.min(workload.cpu, workload.cpu * workload.use * shape(workload, hour) * day * lift);
}

export function concerns(event, workload) {
  if (event.workloads.length === 0 && event.tags.length === 0) return true;
  return event.workloads.includes(workload.id) || event.tags.some((tag) => workload.tags.includes(tag));
}

/** Error function by Abramowitz and Stegun 7.1.26, good to 1.5e-7. */
function normalTail(z) {
  const x = Math.abs(z) / Math.SQRT2;
  const t = 1 / (1 + 0.3275911 * x);
  const poly = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  const tail = (poly * Math.exp(-x * x)) / 2;
  return z >= 0 ? tail : 1 - tail;
}

export const Z = { 0.9: 1.2816, 0.95: 1.6449, 0.99: 2.3263 };

/** A host's mean, quantile and probability of overload at an instant, with or without the moves given. */
export function hostAt(world, host, at, moves = []) {
  let mean = 0;
  for (const workload of world.byHost.get(host.id) ?? []) {
    const share = workload.replicas.find((replica) => replica.host === host.id).share / 1000;
    mean += demand(world, workload, at) * share;
  }
  for (const move of moves) {
    if (at < move.start + move.predicted.duration_seconds * 1000) continue;
    const amount = (demand(world, world.workload(move.workload), at) * (move.share_permille ?? 1000)) / 1000;
    if (move.from === host.id && move.strategy !== "recover") mean -= amount;
    if (move.to === host.id) mean += amount;
  }
  const lead = Math.max(0, at - world.now) / HOUR;
  const sigma = Math.max(0, mean) * (0.035 + 0.045 * Math.sqrt(lead / 24)) + 150;
  const limit = host.cpu * 0.95;
  const z = Z[world.confidence] ?? 1.6449;
  return { mean: Math.max(0, mean), quantile: Math.max(0, mean + z * sigma), chance: normalTail((limit - mean) / sigma), limit };
}

const round = (value, digits) => Math.round(value * 10 ** digits) / 10 ** digits;

/** The row of the heat map for one host and resource. */
export function hostAhead(world, host, resource, moves) {
  const scale = resource.id === "cpu" ? 1 : 9000;
  const calm = resource.id === "cpu" ? 1 : 0.02 * chance("calm", host.id);
  const lost = host.state === "lost";
  const pieces = lost ? [] : buckets(world.now);
  const middle = pieces.map((piece) => (piece.begins + piece.ends) / 2);
  const without = middle.map((at) => hostAt(world, host, at));
  const with_ = middle.map((at) => hostAt(world, host, at, moves));
  return {
    host: host.id, zone: host.zone, region: host.region, state: host.state,
    resource: resource.id, unit: resource.unit, limit: round(host.cpu * 0.95 * scale * (calm < 1 ? 1.6 : 1), 0),
    buckets: buckets(world.now).map(({ begins, ends }) => ({ begins: iso(begins), ends: iso(ends) })),
    overload_without: without.map((v) => round(v.chance * calm, 5)),
    overload_with: with_.map((v) => round(v.chance * calm, 5)),
    mean_without: without.map((v) => round(v.mean * scale, 0)),
    mean_with: with_.map((v) => round(v.mean * scale, 0)),
    quantile_without: without.map((v) => round(v.quantile * scale, 0)),
    quantile_with: with_.map((v) => round(v.quantile * scale, 0)),
  };
}

/** Runs of pieces of time in which a host is likelier short than the policy accepts. */
export function shortageOf(world, host) {
  if (host.state === "lost") return null;
  const threshold = 1 - world.confidence;
  let found = null;
  for (const piece of buckets(world.now)) {
    const value = hostAt(world, host, (piece.begins + piece.ends) / 2);
    if (value.chance <= threshold) {
      if (found) break;
      continue;
    }
    found ??= { host, begins: piece.begins, ends: piece.ends, probability: 0, quantile: 0, limit: value.limit };
    found.ends = piece.ends;
    found.probability = Math.max(found.probability, value.chance);
    found.quantile = Math.max(found.quantile, value.quantile);
  }
  return found;
}
