// How the mock plans: a greedy answer to each foreseen shortage, with reasons and rejected targets.

import { buckets, demand, hostAt, shortageOf } from "./ahead.mjs";
import { chance, GIB, LINKS, MINUTE } from "./fleet.mjs";

const reason = (code, sentence, data = {}) => ({ code, sentence, data });
const percent = (p) => `${Math.round(p * 100)} %`;
const cores = (millicores) => `${(millicores / 1000).toFixed(1)} cores`;

/** The moves that answer what is foreseen, and the reason for each shortage that is left. */
export function plan(world) {
  const shortages = world.hosts.map((host) => shortageOf(world, host)).filter(Boolean);
  shortages.sort((a, b) => a.begins - b.begins);
  const moves = world.moves.filter((move) => move.state === "running");
  const left = new Map();
  for (const shortage of shortages) answer(world, shortage, moves, left);
  for (const host of world.hosts.filter((h) => h.state !== "ready")) empty(world, host, moves);
  return { shortages, moves: moves.filter((move) => move.state !== "running"), left };
}

function answer(world, shortage, moves, left) {
  const { host } = shortage;
  if (chance("bear", host.id) > 0.88) {
    const sentence = `Bearing it costs 0.41, the cheapest answer 1.26: ${host.id} is short by at most ${cores(shortage.quantile - shortage.limit)}.`;
    left.set(host.id, reason("cheaper_to_bear", sentence));
    return;
  }
  const residents = [...(world.byHost.get(host.id) ?? [])].sort((a, b) => demand(world, b, shortage.begins) - demand(world, a, shortage.begins));
  for (const workload of residents) {
    if (moves.length >= 14 || worst(world, host, moves) <= 1 - world.confidence) return;
    if (moves.some((move) => move.workload === workload.id) || world.cooling(workload)) continue;
    const move = moveOf(world, workload, host, shortage, moves);
    if (move) moves.push(move);
  }
  if (worst(world, host, moves) > 1 - world.confidence && !moves.some((m) => m.from === host.id))
    left.set(host.id, reason("cooling_down", `Every workload of ${host.id} moved within the last 2 h, and the policy lets them rest.`));
}

/** Recovers what is on a lost host, empties one that drains. */
function empty(world, host, moves) {
  for (const workload of (world.byHost.get(host.id) ?? []).slice(0, 12)) {
    if (moves.some((move) => move.workload === workload.id)) continue;
    const shortage = { host, begins: world.now + 15 * MINUTE, ends: world.now + 60 * MINUTE, probability: 1, quantile: 0, limit: 0 };
    const move = moveOf(world, workload, host, shortage, moves, host.state === "lost" ? "recover" : "live");
    if (move) moves.push(move);
  }
}

function worst(world, host, moves) {
  return Math.max(...buckets(world.now).map((p) => hostAt(world, host, (p.begins + p.ends) / 2, moves).chance));
}

function targets(world, workload, from, moves) {
  const seen = world.hosts.filter((host) => host.id !== from.id && host.state === "ready");
  return seen
    .map((host) => {
      const memory = (world.byHost.get(host.id) ?? []).reduce((sum, w) => sum + w.memory, 0);
      const extra = { workload: workload.id, from: from.id, to: host.id, start: world.now, predicted: { duration_seconds: 0 } };
      const peak = worst(world, host, [...moves, extra]);
      const away = host.zone === from.zone ? 0 : host.region === from.region ? 0.4 : 1.5;
      return { host, peak, memory, fits: memory + workload.memory <= host.memory, score: peak * 8 + away + chance(host.id, workload.id) * 0.3 };
    })
    .sort((a, b) => a.score - b.score);
}

function lack(candidate, from, workload) {
  const { host, peak, fits, memory } = candidate;
  if (!fits) {
    const free = (host.memory - memory) / GIB;
    return reason("no_memory", `It has ${free.toFixed(0)} GiB of memory free, ${workload.id} is allocated ${workload.memory / GIB} GiB.`);
  }
  if (peak > 0.05) return reason("would_run_short", `It would run short itself: P(overload) would rise to ${percent(peak)}.`);
  if (host.region !== from.region) return reason("dearer", `Sending ${workload.memory / GIB} GiB from ${from.region} to ${host.region} costs ${linkPrice(from.region, host.region, workload)}.`);
  return reason("dearer", `It fits, but costs ${(0.08 + candidate.score / 20).toFixed(2)} more: another zone, and dearer to run.`);
}

function linkPrice(a, b, workload) {
  const link = LINKS.find((l) => [l.from, l.to].includes(a) && [l.from, l.to].includes(b));
  return (((link?.price_per_gigabyte ?? 0.05) * workload.memory) / 1e9).toFixed(2);
}

let nextId = 100;

function moveOf(world, workload, from, shortage, moves, forced) {
  const ranked = targets(world, workload, from, moves);
  const chosen = ranked.find((c) => c.fits && c.peak < 0.05);
  if (!chosen) return null;
  const strategy = forced ?? (workload.kind.strategies.includes("split") && chance("split", workload.id) < 0.35 ? "split" : workload.kind.strategies[0]);
  const seconds = (workload.memory / 1.1e9) * (strategy === "preemptive" ? 1.6 : 1) * (0.8 + chance("d", workload.id) * 0.5) + 20;
  const start = Math.max(world.now + 6 * MINUTE, shortage.begins - seconds * 1000 - (20 + 60 * chance("m", workload.id)) * MINUTE);
  const between = from.region === chosen.host.region ? 0 : Number(linkPrice(from.region, chosen.host.region, workload));
  const cost = { transfer: between, downtime: strategy === "preemptive" ? 0.21 : 0.01, slowdown: 0.04 + chance("s", workload.id) * 0.1, attention: 0.1 };
  const because = forced === "recover"
    ? reason("host_lost", `${from.id} is lost; ${workload.id} must run elsewhere.`)
    : from.state === "draining" && forced
      ? reason("draining", `${from.id} is being emptied.`)
      : reason("overload", `${from.id} runs short of cpu: P(overload) reaches ${percent(shortage.probability)}, the policy accepts ${percent(1 - world.confidence)}.`);
  return {
    id: (nextId += 1), plan: world.planId + 1, workload: workload.id,
    from: from.id, from_region: from.region, to: chosen.host.id, to_region: chosen.host.region,
    strategy, share_permille: strategy === "split" ? 450 : null, state: "proposed", purpose: because,
    earliest_start: start - 10 * MINUTE, start, latest_start: Math.max(start + 10 * MINUTE, shortage.begins - seconds * 1000),
    started: null, ended: null, progress: null,
    predicted: { duration_seconds: seconds, downtime_seconds: strategy === "live" ? 0.18 + chance("t", workload.id) * 0.4 : strategy === "split" ? 0 : 38, transferred_bytes: Math.round(workload.memory * 1.18) },
    measured: null, cost: { ...cost, total: Object.values(cost).reduce((a, b) => a + b, 0) },
    overload_without: shortage.probability, overload_with: Math.min(0.03, shortage.probability * 0.06),
    rejected: ranked.filter((c) => c !== chosen).slice(0, 4).map((c) => ({ host: c.host.id, lack: lack(c, from, workload) })),
    prerequisites: [], why_not: null,
    // What really happens, which nobody knows before.
    luck: chance("luck", workload.id, Math.floor(world.now / 7.2e6)),
  };
}
