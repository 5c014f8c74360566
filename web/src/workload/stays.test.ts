// Checks where a workload is said to be over time, and on hosts of which chance of overload.
import { expect, test } from "vitest";

import type { HostAhead, Move, WorkloadRow } from "../api/types";
import { stays } from "./stays";

const at = (hour: number): string => new Date(Date.UTC(2026, 2, 17, hour)).toISOString();
const buckets = [8, 9, 10, 11].map((hour) => ({ begins: at(hour), ends: at(hour + 1) }));

const workload: WorkloadRow = {
  id: "web-1", replicas: [{ host: "a", share_permille: 1000 }], is_running: true, vcpus: 4, cpu_millicores: 4000, memory_bytes: 1, priority: 50,
  cpu_expected_millicores: null, model: null, coverage: null, move_state: null, tags: [],
};
const ahead = (host: string, without: number[], with_: number[]): HostAhead => ({
  host, resource: "cpu", zone: "z", region: "r", state: "ready", unit: "millicores", limit: 1000, buckets,
  overload_without: without, overload_with: with_, mean_without: [], mean_with: [], quantile_without: [], quantile_with: [],
});
const hosts = [ahead("a", [0, 0.4, 0.4, 0], [0, 0.4, 0.01, 0]), ahead("b", [0.2, 0.2, 0.2, 0.2], [0, 0, 0, 0.03])];

function move(strategy: string): Move {
  const cost = { attention: 0, downtime: 0, slowdown: 0, total: 0, transfer: 0 };
  return {
    id: 1, plan: 1, workload: "web-1", strategy, from: "a", to: "b", from_region: "r", to_region: "r", state: "proposed", actions: [], prerequisites: [],
    purpose: { code: "", sentence: "", data: {} }, rejected: [], earliest_start: at(8), start: at(10), latest_start: at(10),
    predicted: { duration_seconds: 60, downtime_seconds: 1, transferred_bytes: 1 }, cost, overload_with: 0, overload_without: 0,
  };
}
const told = (isPlanned: boolean, strategy: string): string[] =>
  stays(workload, [move(strategy)], hosts, isPlanned).map((stay) => `${new Date(stay.begins).getUTCHours()}-${new Date(stay.ends).getUTCHours()} ${stay.hosts.join("+")} ${stay.chance}`);

test("without the plan it stays, and alike pieces are one", () => {
  expect(told(false, "live")).toEqual(["8-9 a 0", "9-11 a 0.4", "11-12 a 0"]);
});

test.each([
  ["live", ["8-9 a 0", "9-10 a 0.4", "10-11 b 0", "11-12 b 0.03"]],
  ["split", ["8-9 a 0", "9-10 a 0.4", "10-11 a+b 0.01", "11-12 a+b 0.03"]],
])("with the plan a %s move takes it to its target", (strategy, expected) => {
  expect(told(true, strategy)).toEqual(expected);
});
