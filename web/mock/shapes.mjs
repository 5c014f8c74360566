// What the mock sends over the wire: the state of its world in the shapes of API v1.

import { concerns, demand, hostAhead, hostAt, iso, RESOURCES } from "./ahead.mjs";
import { chance, HOUR, LINKS, MINUTE, REGIONS } from "./fleet.mjs";

const OPEN = ["proposed", "approved", "scheduled", "running"];
const MODELS = ["seasonal-naive", "ets", "theta", "mstl", "ensemble"];
const instant = (at) => (at === null ? null : iso(at));

export function move(world, m) {
  const { luck, rejected_by_hand, ...rest } = m;
  const actions = { proposed: ["approve", "reject"], scheduled: ["cancel"], approved: ["cancel"], running: ["cancel"] }[m.state] ?? [];
  const times = ["earliest_start", "start", "latest_start", "started", "ended"].map((name) => [name, instant(m[name])]);
  return { ...rest, ...Object.fromEntries(times), actions };
}

export function active(world) {
  return world.moves.filter((m) => OPEN.includes(m.state));
}

export function shortage(world, s) {
  const plan = world.plans[0];
  const moves = plan.moves.filter((m) => m.from === s.host.id && OPEN.includes(m.state)).map((m) => m.id);
  return {
    host: s.host.id, region: s.host.region, resource: "cpu", unit: "millicores",
    begins: iso(s.begins), ends: iso(s.ends), lead_seconds: Math.max(0, (s.begins - world.now) / 1000),
    probability: s.probability, quantile: s.quantile, limit: s.limit, moves,
    unanswered: moves.length ? null : plan.left.get(s.host.id) ?? { code: "no_target", sentence: "No host in reach has room for any of its workloads at that time.", data: {} },
  };
}

export function ahead(world, resources = RESOURCES) {
  const moves = active(world);
  const rows = world.hosts.flatMap((host) => resources.map((resource) => hostAhead(world, host, resource, moves)));
  return rows.sort((a, b) => Math.max(0, ...b.overload_without) - Math.max(0, ...a.overload_without));
}

export function status(world) {
  const shortages = world.plans[0].shortages.map((s) => shortage(world, s));
  const age = world.scene === "stale" ? 2460 : (world.now / 1000) % 300;
  return {
    now: iso(world.now), version: "0.3.0", mode: world.mode, switch: world.switch, may_start: world.mayStart && ["auto", "approve"].includes(world.mode),
    freezes: freezes(world),
    metrics: { sampled_until: iso(world.now - age * 1000), age_seconds: age, stale_after_seconds: 900, step_seconds: 300 },
    moves_in_flight: world.moves.filter((m) => m.state === "running").length,
    moves_to_approve: world.moves.filter((m) => m.state === "proposed").length,
    next_shortage: shortages[0] ?? null, shortages: shortages.length, open_alerts: world.alerts.filter((a) => !a.ends).length,
    fleet: {
      regions: 3, zones: 6, hosts: 60, workloads: 400,
      hosts_lost: world.hosts.filter((h) => h.state === "lost").length,
      hosts_draining: world.hosts.filter((h) => h.state === "draining").length,
      workloads_down: world.workloads.filter((w) => !runs(world, w)).length,
    },
    policy: { name: "default", confidence: world.confidence, horizon_seconds: 86400 },
    plan: world.planId,
    accuracy: { coverage: 0.9463, judged: 412_345, series: 1600, models: { ets: 212, theta: 180, mstl: 640, ensemble: 568 } },
    demo: world.scene === "real" ? null : {
      speed: world.speed, began: iso(Date.parse("2026-03-16T22:00:00Z")),
      overload_minutes: world.minutes, twin_overload_minutes: world.twinMinutes,
      unserved_core_hours: world.minutes * 0.012, twin_unserved_core_hours: world.twinMinutes * 0.031,
      avoided: world.avoided.map((a) => ({ ...a, begins: iso(a.begins), ends: iso(a.ends) })), lost: world.lost,
    },
  };
}

function freezes(world) {
  if (world.scene === "frozen")
    return [{ kind: "foreign_change", sentence: "Another hand moved db-047 from eu-1-std-3 to eu-2-big-1; nothing starts in eu until you resume.", since: iso(world.now - 7 * MINUTE) }];
  if (world.scene === "stale")
    return [{ kind: "stale_metrics", sentence: "The newest metrics are 41 min old, the policy accepts 15 min; nothing starts before they are fresh.", since: iso(world.now - 26 * MINUTE) }];
  return [];
}

const runs = (world, w) => w.replicas.some((r) => world.hosts.find((h) => h.id === r.host)?.state !== "lost");

export function hostRow(world, host) {
  const residents = world.byHost.get(host.id);
  const row = hostAhead(world, host, RESOURCES[0], active(world));
  const without = Math.max(0, ...row.overload_without);
  const at = row.overload_without.indexOf(without);
  return {
    id: host.id, zone: host.zone, region: host.region, state: host.state, in_scope: true, cores: host.cores,
    cpu_millicores: host.cpu, memory_bytes: host.memory, memory_allocated_bytes: residents.reduce((s, w) => s + w.memory, 0),
    workloads: residents.length, cpu_expected_millicores: host.state === "lost" ? null : hostAt(world, host, world.now + 5 * MINUTE).mean,
    worst: host.state === "lost" ? null : { resource: "cpu", without, with: Math.max(0, ...row.overload_with), begins: row.buckets[Math.max(0, at)].begins },
    tags: host.tags,
  };
}

export function hostDetail(world, host) {
  const moves = active(world);
  return {
    host: hostRow(world, host),
    ahead: host.state === "lost" ? [] : RESOURCES.map((resource) => hostAhead(world, host, resource, moves)),
    residents: world.byHost.get(host.id).map((w) => workloadRow(world, w)),
    moves: world.moves.filter((m) => [m.from, m.to].includes(host.id)).slice(-12).reverse().map((m) => move(world, m)),
  };
}

export function hostDemand(world, host, resource, at) {
  const scale = resource === "cpu" ? 1 : 9000;
  const workloads = world.byHost.get(host.id).map((w) => {
    const share = w.replicas.find((replica) => replica.host === host.id).share / 1000;
    const expected = demand(world, w, at) * share * scale;
    const events = world.events.filter((event) => event.begins <= at && at < event.ends && concerns(event, w)).map((event) => event.id);
    return { workload: w.id, expected, high: expected * 1.2, events };
  });
  return { host: host.id, resource, unit: resource === "cpu" ? "millicores" : "bytes/s", at: iso(at), workloads: workloads.sort((a, b) => b.expected - a.expected) };
}

export function workloadRow(world, w) {
  return {
    id: w.id, replicas: w.replicas.map((r) => ({ host: r.host, share_permille: r.share })), is_running: runs(world, w),
    vcpus: w.vcpus, cpu_millicores: w.cpu, memory_bytes: w.memory, priority: w.priority,
    cpu_expected_millicores: demand(world, w, world.now), model: MODELS[1 + Math.floor(chance("model", w.id) * 4)],
    coverage: 0.925 + chance("cov", w.id) * 0.045,
    move_state: world.moves.findLast((m) => m.workload === w.id && OPEN.includes(m.state))?.state ?? null, tags: w.tags,
  };
}

export function workloadDetail(world, w) {
  const moves = world.moves.filter((m) => m.workload === w.id).reverse();
  const open = moves.find((m) => OPEN.includes(m.state));
  const touched = [...new Set([...w.replicas.map((r) => r.host), ...(open ? [open.to] : [])])];
  return {
    workload: workloadRow(world, w), strategies: w.kind.strategies, dirty_rate_bytes_per_second: 48e6 * w.vcpus, storage: w.kind.storage,
    resources: ["cpu", "network"],
    reason: open ? open.purpose : { code: "no_shortage", sentence: `It stays: no host it runs on is foreseen to run short within 24 h.`, data: {} },
    moves: moves.map((m) => move(world, m)),
    hosts: touched.map((id) => hostAhead(world, world.hosts.find((h) => h.id === id), RESOURCES[0], active(world))),
  };
}

export function history(world, w, resource, hours) {
  const start = Math.floor((world.now - hours * HOUR) / (5 * MINUTE)) * 5 * MINUTE;
  const values = [];
  const censored = [];
  const gap = Math.floor(chance("gap", w.id) * hours * 12);
  for (let at = start, i = 0; at < world.now; at += 5 * MINUTE, i += 1) {
    if (i >= gap && i < gap + 9) {
      values.push(null);
      continue;
    }
    const noise = 1 + (chance("h", w.id, at) - 0.5) * 0.22 + (chance("spike", w.id, at) > 0.985 ? 0.3 : 0);
    const value = demand(world, w, at) * noise;
    if (value >= w.cpu * 0.985) censored.push(i);
    values.push(Math.min(w.cpu, value) * (resource === "cpu" ? 1 : 9000));
  }
  return { workload: w.id, resource, unit: resource === "cpu" ? "millicores" : "bytes/s", start: iso(start), step_seconds: 300, values, censored };
}

export function accuracy(world, w, resource) {
  const base = w.cpu * (0.018 + 0.02 * chance("acc", w.id));
  const model = workloadRow(world, w).model;
  const scores = MODELS.map((name, i) => ({ model: name, pinball: name === model ? base : base * (1.08 + chance(name, w.id) * 0.5 + (i === 0 ? 0.6 : 0)) }));
  return { workload: w.id, resource, model, scores, coverage: workloadRow(world, w).coverage, judged: 1420 + Math.floor(chance("j", w.id) * 600), samples: 8064 };
}

function lifts(world, w) {
  const concerns = (event) => event.is_trusted && (event.workloads.includes(w.id) || event.tags.some((tag) => (w.tags ?? []).includes(tag)));
  const events = (world.events ?? []).filter(concerns);
  return events.map((event) => ({ event: event.id, kind: event.kind, factor: event.expected_lift ?? 1.4, low: 1.2, high: 2.6, source: "prior", learned_from: 0 }));
}

export function forecast(world, w, resource) {
  const levels = [0.05, 0.25, 0.5, 0.75, 0.95];
  const z = [-1.645, -0.674, 0, 0.674, 1.645];
  const scale = resource === "cpu" ? 1 : 9000;
  const origin = Math.floor(world.now / (5 * MINUTE)) * 5 * MINUTE;
  const quantiles = [];
  for (let i = 0; i < 288; i += 1) {
    const at = origin + i * 5 * MINUTE;
    const mean = demand(world, w, at);
    const spread = mean * (0.07 + 0.1 * Math.sqrt(i / 288)) + 20;
    quantiles.push(z.map((v) => Math.max(0, Math.min(w.cpu, mean + v * spread)) * scale));
  }
  return { workload: w.id, resource, unit: resource === "cpu" ? "millicores" : "bytes/s", origin: iso(origin), step_seconds: 300, levels, quantiles, cap: resource === "cpu" ? w.cpu : null, lifts: lifts(world, w), accuracy: accuracy(world, w, resource) };
}

export function planRow(world, p) {
  const total = (c) => c.overload + c.running + c.moves;
  const left = p.shortages.filter((s) => shortage(world, s).unanswered).length;
  return { id: p.id, parent: p.parent, made_at: iso(p.made_at), is_current: p.id === world.planId, shortages: p.shortages.length, moves: p.moves.length, unanswered: left, cost_without: total(p.cost_without), cost_with: total(p.cost_with) };
}

export function planDetail(world, p) {
  const row = planRow(world, p);
  const touched = [...new Set(p.moves.flatMap((m) => [m.from, m.to]))];
  return {
    plan: row, until: iso(p.made_at + 24 * HOUR),
    cost_without: { ...p.cost_without, total: row.cost_without }, cost_with: { ...p.cost_with, total: row.cost_with },
    shortages: p.shortages.map((s) => shortage(world, s)),
    moves: [...p.moves].sort((a, b) => a.start - b.start).map((m) => move(world, m)),
    impact: row.is_current ? touched.map((id) => impact(world, world.hosts.find((h) => h.id === id), p.moves)).sort((a, b) => b.overload_before - a.overload_before) : [],
  };
}

function impact(world, host, moves) {
  const row = hostAhead(world, host, RESOURCES[0], moves.filter((m) => OPEN.includes(m.state)));
  const memory = world.byHost.get(host.id).reduce((s, w) => s + w.memory, 0);
  const change = moves.reduce((s, m) => s + (m.to === host.id ? 1 : 0) * world.workload(m.workload).memory - (m.from === host.id && m.strategy !== "split" ? 1 : 0) * world.workload(m.workload).memory, 0);
  const count = moves.reduce((s, m) => s + (m.to === host.id) - (m.from === host.id && m.strategy !== "split"), 0);
  const most = (values) => Math.max(0, ...values);
  return {
    host: host.id, resource: "cpu", unit: "millicores", limit: row.limit,
    overload_before: most(row.overload_without), overload_after: most(row.overload_with), peak_before: most(row.quantile_without), peak_after: most(row.quantile_with),
    workloads_before: world.byHost.get(host.id).length, workloads_after: world.byHost.get(host.id).length + count,
    memory_before_bytes: memory, memory_after_bytes: memory + change, memory_limit_bytes: host.memory,
  };
}

export function map(world) {
  const regions = REGIONS.map((region) => ({
    id: region.id, energy_price_per_kwh: region.price,
    zones: [1, 2].map((n) => ({ id: `${region.id}-${n}`, hosts: world.hosts.filter((h) => h.zone === `${region.id}-${n}`).map((h) => hostRow(world, h)) })),
  }));
  return { regions, links: LINKS, in_flight: world.moves.filter((m) => m.state === "running").map((m) => move(world, m)) };
}
