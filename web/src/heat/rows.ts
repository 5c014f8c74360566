// Turns the outlook into rows of the heat map: one for each host, grouped or sorted, with marks of moves.
import type { HostAhead, Move, OutsideEvent, Outlook } from "../api/types";

export type View = "without" | "with" | "both";
export type Order = "worst" | "place";

export interface Mark {
  at: number;
  isOut: boolean;
  move: Move;
}

export interface Row {
  kind: "row";
  host: string;
  zone: string;
  region: string;
  state: string;
  /** What lies ahead, by resource. */
  ahead: HostAhead[];
  /** Largest P over resources, one value a bucket. */
  without: number[];
  with: number[];
  worstWithout: number;
  worstWith: number;
  marks: Mark[];
}

export interface Group {
  kind: "group";
  text: string;
  hosts: number;
  worstWithout: number;
  worstWith: number;
}

export type Line = Row | Group;

/** One row for each host, over one resource or, for `all`, the likeliest of them. */
export function rows(outlook: Outlook, resource: string): Row[] {
  const byHost = new Map<string, HostAhead[]>();
  for (const ahead of outlook.hosts) {
    if (resource !== "all" && ahead.resource !== resource) continue;
    const known = byHost.get(ahead.host);
    if (known) known.push(ahead);
    else byHost.set(ahead.host, [ahead]);
  }
  const marks = marksOf(outlook.moves);
  return [...byHost.values()].flatMap((ahead) => row(ahead, outlook.buckets.length, marks));
}

function row(ahead: HostAhead[], buckets: number, marks: Map<string, Mark[]>): Row[] {
  const first = ahead[0];
  if (!first) return [];
  const without = highest(ahead.map((each) => each.overload_without), buckets);
  const with_ = highest(ahead.map((each) => each.overload_with), buckets);
  return [{
    kind: "row", host: first.host, zone: first.zone, region: first.region, state: first.state, ahead, without, with: with_,
    worstWithout: Math.max(0, ...without), worstWith: Math.max(0, ...with_), marks: marks.get(first.host) ?? [],
  }];
}

function highest(lists: number[][], buckets: number): number[] {
  return Array.from({ length: buckets }, (_, at) => Math.max(0, ...lists.map((list) => list[at] ?? 0)));
}

function marksOf(moves: readonly Move[]): Map<string, Mark[]> {
  const marks = new Map<string, Mark[]>();
  const add = (host: string, mark: Mark): void => {
    const known = marks.get(host);
    if (known) known.push(mark);
    else marks.set(host, [mark]);
  };
  for (const move of moves) {
    const at = Date.parse(move.started ?? move.start);
    add(move.from, { at, isOut: true, move });
    add(move.to, { at, isOut: false, move });
  }
  return marks;
}

const byName = new Intl.Collator("en", { numeric: true }).compare;
const worseFirst = (a: Row, b: Row): number => b.worstWithout - a.worstWithout || byName(a.host, b.host);

/** The rows as lines to draw: worst first, or grouped by region and zone. */
export function lines(all: readonly Row[], order: Order): Line[] {
  if (order === "worst") return [...all].sort(worseFirst);
  const groups = new Map<string, Row[]>();
  for (const each of all) {
    const name = `${each.region}\u0000${each.zone}`;
    const known = groups.get(name);
    if (known) known.push(each);
    else groups.set(name, [each]);
  }
  return [...groups].sort(([a], [b]) => byName(a, b)).flatMap(([name, members]) => {
    const [region = "", zone = ""] = name.split("\u0000");
    const head: Group = {
      kind: "group", text: zone.startsWith(region) ? zone : `${region} · ${zone}`, hosts: members.length,
      worstWithout: Math.max(...members.map((each) => each.worstWithout)), worstWith: Math.max(...members.map((each) => each.worstWith)),
    };
    return [head, ...members.sort((a, b) => byName(a.host, b.host))];
  });
}

/**
 * Events in lanes, none over another; what does not fit into the lanes is left to the list. Those of trusted sources come
 * first: no flood of news takes the place of the calendar.
 */
export function lanes(events: readonly OutsideEvent[], most: number): OutsideEvent[][] {
  const found: OutsideEvent[][] = [];
  const order = (a: OutsideEvent, b: OutsideEvent): number => Number(b.is_trusted) - Number(a.is_trusted) || Date.parse(a.begins) - Date.parse(b.begins);
  for (const event of [...events].sort(order)) {
    const [begins, ends] = [Date.parse(event.begins), Date.parse(event.ends)];
    const free = found.find((lane) => lane.every((other) => Date.parse(other.ends) <= begins || Date.parse(other.begins) >= ends));
    if (free) free.push(event);
    else if (found.length < most) found.push([event]);
  }
  return found;
}

/** The resource that makes the P of a cell, of those the row has. */
export function worstAt(line: Row, bucket: number, view: View): HostAhead | undefined {
  const value = (ahead: HostAhead): number => (view === "with" ? ahead.overload_with : ahead.overload_without)[bucket] ?? 0;
  return line.ahead.reduce<HostAhead | undefined>((worst, ahead) => (worst && value(worst) >= value(ahead) ? worst : ahead), undefined);
}

/** Moves that change a host's load in a bucket that ends then. */
export function movesBefore(line: Row, ends: number): Mark[] {
  return line.marks.filter((mark) => mark.at < ends);
}
