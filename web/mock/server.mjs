// A stand-in for `weft demo`: made-up data in the shapes of API v1, on loopback, without packages.
// node mock/server.mjs [--port 7373] [--speed 288] [--mode approve] [--scene demo|frozen|stale|killed|empty|broken|real]

import { createReadStream, existsSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { parseArgs } from "node:util";

import { iso, RESOURCES } from "./ahead.mjs";
import * as shapes from "./shapes.mjs";
import { World } from "./world.mjs";
import { write } from "./writes.mjs";

const { values: args } = parseArgs({
  options: {
    port: { type: "string", default: "7373" },
    speed: { type: "string", default: "288" },
    mode: { type: "string", default: "approve" },
    scene: { type: "string", default: "demo" },
    token: { type: "string", default: "open-sesame" },
  },
});
const DIST = new URL("../dist/", import.meta.url).pathname;
const world = new World({ speed: Number(args.speed), mode: args.mode, scene: args.scene });
if (args.scene === "killed") world.switch = "killed";
if (args.scene === "empty") Object.assign(world, { workloads: [], hosts: [], moves: [], events: [], alerts: [], journal: [] });
const listeners = new Set();
const TOPICS = ["status", "outlook", "plans", "moves", "shortages", "hosts", "alerts", "events", "journal"];

let wall = Date.now();
let sim = world.now;
const clock = setInterval(() => {
  const wallNow = Date.now();
  sim += (wallNow - wall) * world.speed;
  wall = wallNow;
  if (world.advance(sim)) tell(TOPICS);
}, 250);

function tell(topics) {
  for (const listener of listeners) listener.write(`event: changed\ndata: ${JSON.stringify({ topics })}\n\n`);
}

const page = (items, query) => {
  const limit = Number(query.get("limit") ?? 200);
  const after = query.get("after");
  const from = after ? items.findIndex((item) => String(item.id ?? item.fingerprint) === after) + 1 : 0;
  const slice = items.slice(from, from + limit);
  return { items: slice, next: from + limit < items.length ? String(slice.at(-1).id ?? slice.at(-1).fingerprint) : null };
};
const find = (items, id) => items.find((item) => String(item.id) === id);
const times = (event) => ({ ...event, begins: iso(event.begins), ends: event.ends === null ? null : iso(event.ends) });

const told = (event) => ({ title: event.id, is_trusted: true, rule: null, link: null, ...times(event) });

const READS = {
  status: () => shapes.status(world),
  map: () => shapes.map(world),
  outlook: () => outlook(),
  hosts: (query) => page(world.hosts.filter((h) => ["region", "zone", "state"].every((k) => !query.get(k) || h[k] === query.get(k))).map((h) => shapes.hostRow(world, h)), query),
  shortages: (query) => page(world.plans[0].shortages.map((s) => shapes.shortage(world, s)), query),
  workloads: (query) => page(pick(query).map((w) => shapes.workloadRow(world, w)), query),
  forecasts: (query) => page(world.workloads.map((w) => shapes.accuracy(world, w, "cpu")), query),
  plans: (query) => page(world.plans.slice(0, 40).map((p) => shapes.planRow(world, p)), query),
  moves: (query) => page(moves(query).map((m) => shapes.move(world, m)), query),
  events: (query) => page(world.events.map(told), query),
  sources: (query) => page(world.sources(), query),
  alerts: (query) => page(world.alerts.filter((a) => query.get("open") !== "true" || !a.ends).map(times), query),
  journal: (query) => page(world.journal, query),
  policies: (query) => page([{ name: "default", is_current: true, policy: { confidence: world.confidence, mode: world.mode }, rules: ["Looks 24 h ahead.", `Acts where P(overload) exceeds ${Math.round((1 - world.confidence) * 100)} %.`] }], query),
};

function outlook() {
  const hosts = shapes.ahead(world, RESOURCES);
  return {
    made_at: iso(world.now), plan: world.planId, threshold: 1 - world.confidence,
    buckets: hosts[0]?.buckets ?? [], hosts, events: world.events.map(told), moves: shapes.active(world).map((m) => shapes.move(world, m)),
  };
}

function pick(query) {
  const [host, tag, q] = ["host", "tag", "q"].map((name) => query.get(name));
  return world.workloads.filter((w) => (!host || w.replicas.some((r) => r.host === host)) && (!tag || w.tags.includes(tag)) && (!q || w.id.includes(q)));
}

function moves(query) {
  const states = query.get("state")?.split(",");
  const [workload, host] = ["workload", "host"].map((name) => query.get(name));
  return world.moves
    .filter((m) => (!states || states.includes(m.state)) && (!workload || m.workload === workload) && (!host || [m.from, m.to].includes(host)))
    .reverse();
}

function one(kind, id, rest, query) {
  if (kind === "hosts" && rest === "demand") return with_(find(world.hosts, id), (h) => shapes.hostDemand(world, h, query.get("resource") ?? "cpu", Date.parse(query.get("at"))));
  if (kind === "hosts") return with_(find(world.hosts, id), (h) => shapes.hostDetail(world, h));
  if (kind === "moves") return with_(find(world.moves, id), (m) => shapes.move(world, m));
  if (kind === "plans") return with_(id === "current" ? world.plans[0] : find(world.plans, id), (p) => shapes.planDetail(world, p));
  const workload = world.workload(id);
  if (!workload) return null;
  const resource = query.get("resource") ?? "cpu";
  if (kind === "forecasts") return shapes.forecast(world, workload, resource);
  if (rest === "history") return shapes.history(world, workload, resource, Number(query.get("hours") ?? 48));
  return shapes.workloadDetail(world, workload);
}

const with_ = (value, then) => (value === undefined ? null : then(value));

function send(response, status, body) {
  response.writeHead(status, { "content-type": status < 400 ? "application/json" : "application/problem+json" });
  response.end(JSON.stringify(body));
}

export function problem(status, title, detail) {
  return { type: `about:blank#${title.replaceAll(" ", "-")}`, title, status, detail };
}

function read(response, path, query) {
  const [kind, id, rest] = path.split("/").map(decodeURIComponent);
  if (args.scene === "broken" && kind !== "status") return send(response, 503, problem(503, "not ready", "the store is being migrated; expected to answer within a minute"));
  const body = id === undefined ? READS[kind]?.(query) : one(kind, id, rest, query);
  if (!body) return send(response, 404, problem(404, "not found", `no ${kind} named ${id ?? ""}`));
  return send(response, 200, body);
}

function stream(request, response) {
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
  response.write(": hello\n\n");
  listeners.add(response);
  request.on("close", () => listeners.delete(response));
}

function file(response, path) {
  const wanted = join(DIST, normalize(path === "/" ? "index.html" : path));
  if (!wanted.startsWith(DIST) || !existsSync(wanted) || !statSync(wanted).isFile()) return send(response, 404, problem(404, "not found", path));
  const types = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml" };
  response.writeHead(200, { "content-type": types[extname(wanted)] ?? "application/octet-stream" });
  createReadStream(wanted).pipe(response);
}

async function take(request, response, path) {
  if (request.headers.authorization !== `Bearer ${args.token}`) return send(response, 401, problem(401, "not authorised", "a write needs a bearer token"));
  let text = "";
  for await (const chunk of request) text += chunk;
  const { status, body } = write(world, path.split("/").map(decodeURIComponent), text ? JSON.parse(text) : {});
  send(response, status, body);
  tell(TOPICS);
}

const server = createServer((request, response) => {
  const url = new URL(request.url, "http://127.0.0.1");
  if (!url.pathname.startsWith("/api/v1/")) return file(response, url.pathname);
  const path = url.pathname.slice("/api/v1/".length);
  if (path === "stream") return stream(request, response);
  if (["POST", "DELETE"].includes(request.method)) return take(request, response, path);
  return read(response, path, url.searchParams);
});
server.listen(Number(args.port), "127.0.0.1", () => console.log(`mock on http://127.0.0.1:${args.port}/#token=${args.token}`));
process.on("SIGTERM", () => {
  clearInterval(clock);
  process.exit(0);
});
