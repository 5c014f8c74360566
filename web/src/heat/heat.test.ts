// Checks the heat map's axis, order of rows and lanes, and that its colours keep their order.
import { expect, test } from "vitest";

import type { HostAhead, OutsideEvent, Outlook } from "../api/types";
import { place, ticks } from "./axis";
import { eventAt } from "./paint";
import { lanes, lines, rows } from "./rows";

const at = (hour: number): string => new Date(Date.UTC(2026, 2, 17, hour)).toISOString();
const buckets = [8, 9, 11].map((hour, i) => ({ begins: at(hour), ends: at([9, 11, 16][i] ?? 0) }));

function ahead(host: string, resource: string, without: number[]): HostAhead {
  const zeros = without.map(() => 0);
  return {
    host, resource, zone: host.slice(0, 4), region: host.slice(0, 2), state: "ready", unit: "millicores", limit: 1000, buckets,
    overload_without: without, overload_with: zeros, mean_without: zeros, mean_with: zeros, quantile_without: zeros, quantile_with: zeros,
  };
}

const outlook: Outlook = {
  made_at: at(8), plan: 1, threshold: 0.05, buckets, events: [], moves: [],
  hosts: [ahead("eu-1-a", "cpu", [0, 0.2, 0]), ahead("eu-1-a", "network", [0.1, 0, 0]), ahead("ap-1-b", "cpu", [0, 0, 0.9])],
};

test("a row holds the likeliest overload of its resources", () => {
  const [first] = rows(outlook, "all");
  expect(first?.without).toEqual([0.1, 0.2, 0]);
  expect(rows(outlook, "network").map((row) => row.host)).toEqual(["eu-1-a"]);
});

test("rows come worst first, or under their zones", () => {
  const names = (order: "worst" | "place"): string[] => lines(rows(outlook, "all"), order).map((line) => (line.kind === "row" ? line.host : `[${line.text}]`));
  expect(names("worst")).toEqual(["ap-1-b", "eu-1-a"]);
  expect(names("place")).toEqual(["[ap-1]", "ap-1-b", "[eu-1]", "eu-1-a"]);
});

test.each([
  [false, 8, 0], [false, 12, 50], [false, 16, 100], [true, 10, 50], [true, 16, 100],
])("with a bent axis %s, %d o'clock lies at %d", (isBent, hour, expected) => {
  const scale = { from: Date.parse(at(8)), to: Date.parse(at(16)), left: 0, width: 100, isBent };
  expect(place(scale, Date.parse(at(hour)))).toBeCloseTo(expected, 6);
});

test("ticks are round instants with room between them", () => {
  const marks = ticks({ from: Date.parse(at(8)) + 420_000, to: Date.parse(at(16)), left: 0, width: 800, isBent: true }, 60);
  expect(marks.length).toBeGreaterThan(4);
  marks.forEach((tick, i) => {
    expect(tick.at % 300_000).toBe(0);
    if (i > 0) expect(tick.x - (marks[i - 1]?.x ?? 0)).toBeGreaterThanOrEqual(60);
  });
});

const event = (id: string, begins: number, ends: number, is_trusted = true): OutsideEvent => ({
  id, title: id, kind: "news", source: "t", is_trusted, rule: null, link: null, begins: at(begins), ends: at(ends), workloads: [], tags: [], expected_lift: null,
});

test("events that overlap stand in different lanes", () => {
  const found = lanes([event("b", 10, 12), event("a", 9, 11), event("c", 11, 13)], 3);
  expect(found.map((lane) => lane.map((each) => each.id))).toEqual([["a", "c"], ["b"]]);
});

test("a flood of news leaves the lanes to what is trusted", () => {
  const flood = Array.from({ length: 500 }, (_, i) => event(`n${i}`, 8, 16, false));
  const found = lanes([...flood, event("own", 11, 12), event("long", -48, 96)], 3);
  expect(found.map((lane) => lane.map((each) => each.id))).toEqual([["long"], ["own"], ["n0"]]);
});

test("the event under a point is the one whose band is there", () => {
  const scale = { from: Date.parse(at(8)), to: Date.parse(at(16)), left: 100, width: 800, isBent: false };
  const found = [[event("a", 9, 10), event("c", 12, 14)], [event("b", 2, 40)]];
  const under = (x: number, y: number): string | undefined => eventAt(found, scale, x, y)?.id;
  expect([under(250, 8), under(350, 8), under(550, 8), under(550, 30), under(550, 70)]).toEqual(["a", undefined, "c", "b", undefined]);
});
