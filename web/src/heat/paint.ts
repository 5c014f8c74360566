// Draws the visible part of the heat map on a canvas: cells, outlines of shortages, marks, axis, events.
import type { Bucket, OutsideEvent } from "../api/types";
import { figures } from "../format/amount";
import { chance } from "../format/chance";
import { day, timeOfDay } from "../format/time";
import { place, ticks, type TimeScale } from "./axis";
import type { Group, Line, Mark, Row, View } from "./rows";

export interface Ink {
  card: string; ink: string; muted: string; line: string; wash: string; hover: string; accent: string;
  event: string; eventWash: string; bad: string; font: string; mono: string;
}

export interface Cursor {
  line: number;
  bucket: number;
}

export interface Scene {
  width: number;
  height: number;
  scroll: number;
  lines: readonly Line[];
  tops: readonly number[];
  buckets: readonly Bucket[];
  lanes: readonly OutsideEvent[][];
  threshold: number;
  view: View;
  scale: TimeScale;
  labels: number;
  summary: number;
  head: number;
  rowHeight: number;
  groupHeight: number;
  now: number;
  cursor: Cursor | null;
  colour: (probability: number) => string;
  ink: Ink;
}

export const LANE = 20;
export const AXIS = 26;
const GAP = 1;

type Context = CanvasRenderingContext2D;

export function paint(context: Context, scene: Scene): void {
  context.clearRect(0, 0, scene.width, scene.height);
  context.textBaseline = "middle";
  const from = Math.max(0, upper(scene.tops, scene.scroll) - 1);
  for (let at = from; at < scene.lines.length; at += 1) {
    const top = (scene.tops[at] ?? 0) - scene.scroll + scene.head;
    if (top > scene.height) break;
    const line = scene.lines[at];
    if (line?.kind === "group") group(context, scene, line, top);
    else if (line) row(context, scene, line, top, at);
  }
  head(context, scene);
}

/** The event whose band is at a point of the head, if there is one. */
export function eventAt(lanes: readonly OutsideEvent[][], scale: TimeScale, x: number, y: number): OutsideEvent | null {
  const lane = lanes[Math.floor((y - 2) / LANE)] ?? [];
  const isUnder = (event: OutsideEvent): boolean => {
    const left = place(scale, Date.parse(event.begins));
    return x >= left && x <= Math.max(left + 4, place(scale, Date.parse(event.ends)));
  };
  return lane.find(isUnder) ?? null;
}

/** The number of tops that are at most `value`. */
export function upper(tops: readonly number[], value: number): number {
  let [low, high] = [0, tops.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((tops[middle] ?? 0) <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}

function group(context: Context, scene: Scene, line: Group, top: number): void {
  const middle = top + scene.groupHeight / 2 + 2;
  context.font = `620 12px ${scene.ink.font}`;
  context.fillStyle = scene.ink.ink;
  context.textAlign = "left";
  context.fillText(line.text, 12, middle);
  const wide = context.measureText(line.text).width;
  context.font = `400 11px ${scene.ink.font}`;
  context.fillStyle = scene.ink.muted;
  context.fillText(`${line.hosts} hosts`, 12 + wide + 8, middle);
  context.fillStyle = scene.ink.line;
  context.fillRect(scene.scale.left, Math.round(middle), scene.width - scene.scale.left - 12, 1);
}

function row(context: Context, scene: Scene, line: Row, top: number, at: number): void {
  const middle = top + scene.rowHeight / 2;
  const isChosen = scene.cursor?.line === at;
  if (isChosen) {
    context.fillStyle = scene.ink.hover;
    context.fillRect(0, top, scene.width, scene.rowHeight);
  }
  label(context, scene, line, middle, isChosen);
  if (line.state === "lost") hatched(context, scene, top);
  else if (scene.view === "both") {
    const half = scene.rowHeight / 2;
    cells(context, scene, line.without, top + 1, half - 1);
    cells(context, scene, line.with, top + half + 0.5, half - 1.5);
  } else cells(context, scene, line[scene.view], top + GAP, scene.rowHeight - 2 * GAP);
  summary(context, scene, line, middle);
  for (const mark of line.marks) triangle(context, scene, mark, top);
  if (isChosen && scene.cursor) cursor(context, scene, scene.cursor.bucket, top);
}

function label(context: Context, scene: Scene, line: Row, middle: number, isChosen: boolean): void {
  context.font = `${isChosen ? 600 : 400} 12px ${scene.ink.font}`;
  context.fillStyle = isChosen ? scene.ink.accent : scene.ink.ink;
  context.textAlign = "left";
  const state = line.state === "ready" ? "" : `  ${line.state}`;
  context.fillText(fit(context, line.host + state, scene.labels - 20), 12, middle + 0.5);
}

function fit(context: Context, text: string, width: number): string {
  if (context.measureText(text).width <= width) return text;
  let end = text.length;
  while (end > 1 && context.measureText(`${text.slice(0, end)}…`).width > width) end -= 1;
  return `${text.slice(0, end)}…`;
}

function edges(scene: Scene, bucket: number): [number, number] {
  const piece = scene.buckets[bucket];
  if (!piece) return [0, 0];
  return [place(scene.scale, Date.parse(piece.begins)), place(scene.scale, Date.parse(piece.ends))];
}

function cells(context: Context, scene: Scene, values: readonly number[], top: number, height: number): void {
  values.forEach((value, bucket) => {
    const [left, right] = edges(scene, bucket);
    context.fillStyle = scene.colour(value);
    context.fillRect(left, top, Math.max(0.5, right - left - (right - left > 4 ? GAP : 0)), height);
  });
  context.strokeStyle = scene.ink.ink;
  context.lineWidth = 1.25;
  let from = -1;
  for (let bucket = 0; bucket <= values.length; bucket += 1) {
    const isShort = (values[bucket] ?? 0) > scene.threshold;
    if (isShort && from < 0) from = bucket;
    if (isShort || from < 0) continue;
    const left = edges(scene, from)[0];
    const right = edges(scene, bucket - 1)[1] - GAP;
    context.strokeRect(left + 0.6, top + 0.6, Math.max(1, right - left - 1.2), height - 1.2);
    from = -1;
  }
}

function hatched(context: Context, scene: Scene, top: number): void {
  const { left, width } = scene.scale;
  context.save();
  context.beginPath();
  context.rect(left, top + GAP, width, scene.rowHeight - 2 * GAP);
  context.clip();
  context.fillStyle = scene.ink.wash;
  context.fillRect(left, top, width, scene.rowHeight);
  context.strokeStyle = scene.ink.muted;
  context.globalAlpha = 0.35;
  context.beginPath();
  for (let x = left - 24; x < left + width; x += 7) {
    context.moveTo(x, top + scene.rowHeight);
    context.lineTo(x + scene.rowHeight, top);
  }
  context.stroke();
  context.restore();
}

function summary(context: Context, scene: Scene, line: Row, middle: number): void {
  if (scene.summary === 0 || line.state === "lost") return;
  const isShort = line.worstWithout > scene.threshold;
  context.font = `${isShort ? 600 : 400} 11.5px ${scene.ink.font}`;
  context.textAlign = "right";
  const right = scene.width - 14;
  const changes = Math.abs(line.worstWithout - line.worstWith) > 0.01;
  context.fillStyle = line.worstWith > scene.threshold ? scene.ink.bad : isShort ? scene.ink.ink : scene.ink.muted;
  context.fillText(changes ? `${chance(line.worstWithout)} → ${chance(line.worstWith)}` : chance(line.worstWithout), right, middle + 0.5);
}

/** ▲ leaves the host, ▼ comes to it; the halo keeps it apart from the cell. */
function triangle(context: Context, scene: Scene, mark: Mark, top: number): void {
  const x = place(scene.scale, mark.at);
  const y = top + scene.rowHeight / 2;
  const tip = mark.isOut ? -5 : 5;
  context.beginPath();
  context.moveTo(x, y + tip);
  context.lineTo(x - 5.5, y - tip * 0.8);
  context.lineTo(x + 5.5, y - tip * 0.8);
  context.closePath();
  context.lineJoin = "round";
  context.lineWidth = 4;
  context.strokeStyle = scene.ink.card;
  context.stroke();
  context.fillStyle = scene.ink.accent;
  context.fill();
}

function cursor(context: Context, scene: Scene, bucket: number, top: number): void {
  const [left, right] = edges(scene, bucket);
  context.lineWidth = 2;
  context.strokeStyle = scene.ink.accent;
  context.strokeRect(left - 0.5, top + 0.5, Math.max(4, right - left), scene.rowHeight - 1);
}

function head(context: Context, scene: Scene): void {
  const { scale, ink } = scene;
  context.fillStyle = ink.card;
  context.fillRect(0, 0, scene.width, scene.head);
  scene.lanes.forEach((lane, at) => lane.forEach((event) => band(context, scene, event, at * LANE + 4)));
  const base = scene.head - AXIS;
  context.font = `400 11px ${ink.font}`;
  context.fillStyle = ink.muted;
  context.textAlign = "left";
  if (scene.lanes.length > 0) context.fillText("Outside events", 12, 4 + LANE / 2 - 1);
  context.fillText("UTC", 12, base + AXIS / 2);
  context.textAlign = "center";
  const marks = ticks(scale, 58);
  for (const tick of marks) {
    const isMidnight = tick.at % 86_400_000 === 0;
    context.fillStyle = isMidnight ? ink.ink : ink.muted;
    context.fillText(isMidnight ? day(tick.at).slice(0, 6) : timeOfDay(tick.at), tick.x, base + AXIS / 2 - 1);
    context.fillStyle = ink.line;
    context.fillRect(Math.round(tick.x), scene.head - 6, 1, 6);
  }
  if (scene.summary > 0) {
    context.textAlign = "right";
    context.fillStyle = ink.muted;
    context.fillText("likeliest", scene.width - 14, base + AXIS / 2 - 1);
  }
  context.fillStyle = ink.line;
  context.fillRect(0, scene.head - 1, scene.width, 1);
  now(context, scene);
}

function now(context: Context, scene: Scene): void {
  if (scene.now <= scene.scale.from) return;
  const x = Math.round(place(scene.scale, scene.now));
  context.fillStyle = scene.ink.accent;
  context.fillRect(x, scene.head - 8, 2, scene.height);
}

function band(context: Context, scene: Scene, event: OutsideEvent, top: number): void {
  const [begins, ends] = [Date.parse(event.begins), Date.parse(event.ends)];
  if (ends <= scene.scale.from || begins >= scene.scale.to) return;
  const left = place(scene.scale, begins);
  const width = Math.max(4, place(scene.scale, ends) - left);
  context.fillStyle = scene.ink.eventWash;
  context.strokeStyle = scene.ink.eventWash;
  context.lineWidth = 1.5;
  context.beginPath();
  context.roundRect(left + 0.75, top + 0.75, width - 1.5, LANE - 5.5, 4);
  // What nobody vouches for is an outline: it is shown, and nothing rests on it.
  if (event.is_trusted) context.fill();
  else context.stroke();
  context.fillStyle = scene.ink.event;
  context.fillRect(left, top + 2, 2.5, LANE - 8);
  context.textAlign = "left";
  context.font = `550 11px ${scene.ink.font}`;
  const text = event.expected_lift ? `${event.title} × ${figures(event.expected_lift)}` : event.title;
  if (width > 40) context.fillText(fit(context, text, width - 14), left + 8, top + LANE / 2 - 2);
}
