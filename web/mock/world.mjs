// The state of the mock: its clock, placement, moves, journal and alerts, advanced five minutes at a time.

import { hostAt, iso } from "./ahead.mjs";
import { chance, hosts, HOUR, MINUTE, workloads } from "./fleet.mjs";
import { plan } from "./planning.mjs";

const STEP = 5 * MINUTE;
const BEGAN = Date.parse("2026-03-16T22:00:00Z");

export class World {
  constructor({ speed, mode, scene }) {
    Object.assign(this, { speed, mode, scene, confidence: 0.95, switch: "on", now: BEGAN, planId: 0 });
    this.hosts = hosts();
    this.workloads = workloads(this.hosts);
    this.names = new Map(this.workloads.map((w) => [w.id, w]));
    this.twin = new Map(this.workloads.map((w) => [w.id, w.replicas]));
    this.events = scheduled();
    Object.assign(this, { moves: [], plans: [], journal: [], alerts: [], lost: [], avoided: [], minutes: 0, twinMinutes: 0 });
    this.place();
    const asked = this.mode;
    this.mode = "auto";
    while (this.now < BEGAN + 10.6 * HOUR) this.step();
    this.mode = asked;
    this.replan();
    const waiting = this.moves.filter((move) => move.state === "scheduled");
    for (const move of waiting.slice(2)) if (asked !== "auto") move.state = "proposed";
  }

  workload(id) {
    return this.names.get(id);
  }

  /** What tells of outside events: one that works, one with a fault in it, one that is down. */
  sources() {
    const ago = (minutes) => iso(this.now - minutes * MINUTE);
    const well = { is_trusted: true, every_seconds: 60, tried: ago(1), read: ago(1), events: 1, error: null, problems: [], problem_count: 0 };
    const fault = "line 9: expected an instant after 2026-03-20T08:00:00Z, found 2026-03-19T20:00:00Z";
    return [
      { ...well, name: "campaigns", kind: "campaigns", place: "/etc/weft/campaigns.csv", problems: [fault], problem_count: 1 },
      { ...well, name: "finance", kind: "calendar", place: "/etc/weft/finance.ics" },
      { ...well, name: "sport", kind: "feed", place: "https://news.example/sport", is_trusted: false, every_seconds: 900, read: ago(95), error: "expected to fetch source `sport`: asked https://news.example/sport: expected status 200, found 503" },
    ];
  }

  place() {
    this.byHost = new Map(this.hosts.map((host) => [host.id, []]));
    for (const workload of this.workloads) for (const r of workload.replicas) this.byHost.get(r.host)?.push(workload);
  }

  cooling(workload) {
    return this.moves.some((m) => m.workload === workload.id && m.ended && m.ended > this.now - 2 * HOUR);
  }

  say(kind, sentence, move) {
    this.journal.unshift({ id: this.journal.length + 1, at: iso(this.now), kind, sentence, move: move?.id ?? null, workload: move?.workload ?? null });
  }

  /** Brings the world to an instant, in whole steps. */
  advance(to) {
    let changed = false;
    for (; this.now + STEP <= to; changed = true) this.step();
    return changed;
  }

  step() {
    this.now += STEP;
    for (const move of this.moves) this.carry(move);
    this.judge();
    if (this.now % (30 * MINUTE) === 0) this.replan();
  }

  get mayStart() {
    return this.switch === "on" && this.scene !== "frozen" && this.scene !== "stale";
  }

  carry(move) {
    if (move.state === "approved") move.state = "scheduled";
    if (move.state === "scheduled" && this.now >= move.start && this.mayStart) {
      Object.assign(move, { state: "running", started: this.now });
      this.say("starting", `Started move ${move.id}: ${move.workload} from ${move.from} to ${move.to}, ${move.strategy}.`, move);
    }
    if (["proposed", "scheduled"].includes(move.state) && this.now > move.latest_start) this.finish(move, "expired", "its latest start has passed");
    if (move.state !== "running") return;
    const stretch = move.luck > 0.93 ? 2.4 : 0.8 + move.luck * 0.4;
    // Slower than life, so that the live page has something to show.
    const takes = Math.max(12 * MINUTE, move.predicted.duration_seconds * 1000 * stretch * 4);
    const share = (this.now - move.started) / takes;
    move.progress = Math.min(1, (this.now - move.started) / (Math.max(12 * MINUTE, move.predicted.duration_seconds * 4000)));
    move.measured = scaled(move.predicted, Math.min(1, share) * stretch);
    if (share < 1) return;
    if (move.luck < 0.05 && move.strategy === "live") return this.finish(move, "failed", "the pre-copy did not converge: the guest writes faster than the link carries");
    const workload = this.workload(move.workload);
    const rest = workload.replicas.filter((r) => r.host !== move.from);
    workload.replicas = move.strategy === "split"
      ? [{ host: move.from, share: 550 }, { host: move.to, share: 450 }]
      : [...rest.slice(0, 0), { host: move.to, share: 1000 }];
    this.place();
    this.finish(move, "succeeded", null);
  }

  finish(move, state, why) {
    Object.assign(move, { state, why_not: why, progress: null, ended: this.now });
    this.say("ended", `Move ${move.id} of ${move.workload} ${state}${why ? `: ${why}` : ""}.`, move);
    if (state === "failed") this.raise("FailedMigration", "warning", `move ${move.id}`, `Move ${move.id} of ${move.workload} failed: ${why}.`);
  }

  raise(rule, severity, subject, summary) {
    this.alerts.unshift({ fingerprint: `${rule}-${subject}-${this.now}`, rule, severity, subject, summary, begins: this.now, ends: null });
  }

  /** Counts minutes of overload here and in the twin that never moves. */
  judge() {
    for (const host of this.hosts.filter((h) => h.state !== "lost")) {
      const noise = (chance("noise", host.id, this.now) - 0.4) * 0.06;
      const here = hostAt(this, host, this.now);
      const twin = this.twinMean(host);
      const short = here.mean * (1 + noise) > here.limit;
      const twinShort = twin * (1 + noise) > here.limit;
      if (short) this.minutes += 5;
      if (twinShort) this.twinMinutes += 5;
      if (twinShort && !short) this.note(host);
    }
    for (const alert of this.alerts) if (!alert.ends && alert.begins < this.now - 3 * HOUR) alert.ends = this.now;
  }

  twinMean(host) {
    const saved = new Map(this.workloads.map((w) => [w, w.replicas]));
    const kept = this.byHost;
    for (const w of this.workloads) w.replicas = this.twin.get(w.id);
    this.byHost = (this.twinHosts ??= twinPlaces(this));
    const { mean } = hostAt(this, host, this.now);
    for (const [w, replicas] of saved) w.replicas = replicas;
    this.byHost = kept;
    return mean;
  }

  note(host) {
    const known = this.avoided.find((a) => a.host === host.id && a.ends >= this.now - 40 * MINUTE);
    if (known) {
      known.ends = this.now;
      known.twin_overload_minutes += 5;
      return;
    }
    const moves = this.moves.filter((m) => m.from === host.id && m.state === "succeeded").map((m) => m.id);
    this.avoided.unshift({ host: host.id, resource: "cpu", begins: this.now - STEP, ends: this.now, twin_overload_minutes: 5, overload_minutes: 0, moves: moves.slice(-3) });
    this.avoided.length = Math.min(20, this.avoided.length);
  }

  replan() {
    const made = plan(this);
    const wanted = new Map(made.moves.map((m) => [`${m.workload}>${m.to}`, m]));
    for (const move of this.moves.filter((m) => ["proposed", "scheduled", "approved"].includes(m.state))) {
      const key = `${move.workload}>${move.to}`;
      if (wanted.has(key) || move.rejected_by_hand) wanted.delete(key);
      else this.finish(move, "superseded", "the new plan does not need it");
    }
    const kept = this.moves.filter((m) => ["proposed", "scheduled", "approved", "running"].includes(m.state));
    const fresh = [...wanted.values()].filter((m) => !kept.some((k) => k.workload === m.workload) && !this.isRejected(m));
    if (fresh.length === 0 && this.plans.length > 0) return this.refresh(made, kept);
    this.planId += 1;
    for (const move of fresh) move.state = this.mode === "auto" ? "scheduled" : "proposed";
    this.moves.push(...fresh);
    this.plans.unshift({ id: this.planId, parent: this.planId > 1 ? this.planId - 1 : null, made_at: this.now });
    this.refresh(made, [...kept, ...fresh]);
    this.say("plan_adopted", `Plan ${this.planId} answers ${made.shortages.length - made.left.size} of ${made.shortages.length} shortages with ${kept.length + fresh.length} moves.`);
    for (const s of made.shortages.slice(0, 2)) if (s.begins - this.now < 2 * HOUR) this.foresee(s);
  }

  refresh(made, moves) {
    const plan_ = this.plans[0];
    Object.assign(plan_, { shortages: made.shortages, moves, left: made.left });
    plan_.cost_without = { overload: made.shortages.reduce((s, x) => s + x.probability * 2.6, 0), running: 184.2, moves: 0 };
    plan_.cost_with = { overload: made.left.size * 0.41, running: 184.6, moves: moves.reduce((s, m) => s + m.cost.total, 0) };
  }

  foresee(shortage) {
    const subject = shortage.host.id;
    if (this.alerts.some((a) => a.subject === subject && !a.ends)) return;
    this.raise("ForeseenShortage", "warning", subject, `${subject} runs short of cpu from ${iso(shortage.begins).slice(11, 16)}, P ${Math.round(shortage.probability * 100)} %.`);
  }

  isRejected(move) {
    return this.moves.some((m) => m.rejected_by_hand && m.workload === move.workload && m.ended > this.now - 4 * HOUR);
  }
}

function twinPlaces(world) {
  const places = new Map(world.hosts.map((host) => [host.id, []]));
  for (const w of world.workloads) for (const r of world.twin.get(w.id)) places.get(r.host)?.push(w);
  return places;
}

function scaled(measure, factor) {
  return {
    duration_seconds: measure.duration_seconds * factor,
    downtime_seconds: measure.downtime_seconds * factor,
    transferred_bytes: Math.round(measure.transferred_bytes * factor),
  };
}

function scheduled() {
  const at = (day, hour) => Date.parse(`2026-03-${day}T${hour}Z`);
  const event = (id, title, kind, source, begins, ends, tags, expected_lift, more) => ({ id: `${source}/${id}`, title, kind, source, begins, ends, workloads: [], tags, expected_lift, ...more });
  return [
    event("spring-sale", "Spring sale", "campaign", "campaigns", at(17, "11:00:00"), at(17, "14:30:00"), ["web"], 1.25),
    event("quarter-close", "Quarter close", "calendar", "finance", at(17, "20:00:00"), at(18, "02:00:00"), ["batch"], 1.4, { rule: "closing" }),
    event("cup-final", "Cup final goes into extra time", "news", "sport", at(17, "18:30:00"), at(17, "21:00:00"), ["api"], null, { is_trusted: false, rule: "final", link: "https://news.example/sport" }),
  ];
}
