// What the mock does when it is asked to act: approvals, drains, switches, and the demo's buttons.

import { iso } from "./ahead.mjs";
import { MINUTE } from "./fleet.mjs";

const done = (sentence) => ({ status: 200, body: { done: sentence } });
const no = (status, title, detail) => ({ status, body: { type: `about:blank#${title.replaceAll(" ", "-")}`, title, status, detail } });

/** Carries a request out and answers what was done, or why not. */
export function write(world, [kind, id, action], body) {
  if (kind === "moves") return decide(world, world.moves.find((m) => String(m.id) === id), action);
  if (kind === "hosts") return drain(world, world.hosts.find((h) => h.id === id), action);
  if (kind === "events" && id) return forget(world, id);
  if (kind === "events") return event(world, body);
  if (kind === "demo") return demo(world, id, body);
  const switches = { pause: "paused", resume: "on", kill: "killed" };
  if (switches[kind]) {
    world.switch = switches[kind];
    if (kind === "resume" && world.scene === "frozen") world.scene = "demo";
    world.say("switched", `Switched ${switches[kind]}.`);
    return done({ pause: "Paused: nothing new starts.", resume: "Resumed.", kill: "Killed: nothing starts, and moves in flight are asked to stop." }[kind]);
  }
  if (kind === "policies") return done("Read 1 policy again; nothing changed.");
  return no(404, "not found", `no such request: ${kind}`);
}

function decide(world, move, action) {
  if (!move) return no(404, "not found", "no such move");
  const from = { approve: ["proposed"], reject: ["proposed"], cancel: ["scheduled", "approved", "running"] }[action];
  if (!from?.includes(move.state)) return no(409, "conflict", `expected a move that can be asked to ${action}, found one that is ${move.state}`);
  if (action === "approve") {
    move.state = "scheduled";
    move.start = Math.min(move.start, world.now + 10 * MINUTE);
    world.say("approved", `Approved move ${move.id} of ${move.workload}.`, move);
    return done(`Approved move ${move.id}: ${move.workload} starts at ${iso(move.start).slice(11, 16)}.`);
  }
  move.rejected_by_hand = action === "reject";
  Object.assign(move, { state: action === "reject" ? "refused" : "cancelled", why_not: `${action === "reject" ? "rejected" : "cancelled"} by hand`, ended: world.now, progress: null });
  world.say(action === "reject" ? "rejected" : "ended", `Move ${move.id} of ${move.workload} was ${action === "reject" ? "rejected" : "cancelled"} by hand.`, move);
  return done(`${action === "reject" ? "Rejected" : "Cancelled"} move ${move.id} of ${move.workload}.`);
}

function drain(world, host, action) {
  if (!host) return no(404, "not found", "no such host");
  host.state = action === "drain" ? "draining" : "ready";
  world.say("draining", `${host.id} ${action === "drain" ? "is being emptied" : "takes workloads again"}.`);
  world.replan();
  return done(action === "drain" ? `${host.id} is being emptied.` : `${host.id} takes workloads again.`);
}

function event(world, body) {
  world.events.push({ id: body.id, kind: "campaign", source: "api", begins: Date.parse(body.begins), ends: Date.parse(body.ends), workloads: body.workloads ?? [], tags: body.tags ?? [], expected_lift: body.expected_lift ?? null });
  world.replan();
  return done(`Took in campaign ${body.id}.`);
}

function forget(world, id) {
  const rest = world.events.filter((each) => each.id !== id || each.source !== "api");
  if (rest.length === world.events.length) return no(404, "not found", `there is no campaign \`${id}\` that came in through the API`);
  world.events = rest;
  world.replan();
  return done(`Took campaign ${id} back.`);
}

function demo(world, action, body) {
  if (action === "policy") {
    if (body.mode) world.mode = body.mode;
    if (body.confidence) world.confidence = body.confidence;
    if (body.speed) world.speed = body.speed;
    world.replan();
    return done(body.mode ? `The mode is ${body.mode} now.` : body.confidence ? `The policy wants to be ${Math.round(body.confidence * 100)} % sure now.` : `A second is ${body.speed} simulated seconds now.`);
  }
  if (action === "campaign") {
    world.events.push({ id: `demo-${body.tag}-${world.events.length}`, kind: "campaign", source: "demo", begins: world.now, ends: world.now + body.minutes * MINUTE, workloads: [], tags: [body.tag], expected_lift: body.lift });
    world.replan();
    return done(`Started a campaign: ${body.tag} demands ${body.lift} times as usual for ${body.minutes} min.`);
  }
  const [[kind, name]] = Object.entries(body);
  const hit = world.hosts.filter((host) => (kind === "host" ? host.id : host[kind]) === name);
  if (hit.length === 0) return no(404, "not found", `no ${kind} named ${name}`);
  for (const host of hit) host.state = action === "lose" ? "lost" : "ready";
  world.lost = world.lost.filter((place) => place.kind !== kind || place.name !== name);
  if (action === "lose") {
    world.lost.push({ kind, name });
    world.raise("HostLost", "critical", name, `${kind} ${name} is lost; what ran there is being recovered.`);
  }
  world.replan();
  return done(action === "lose" ? `Lost ${kind} ${name}.` : `Brought ${kind} ${name} back.`);
}
