// Where a workload is over the time ahead, without and with the plan, and how likely its hosts are overloaded.
import type { HostAhead, Move, WorkloadRow } from "../api/types";

/** A stretch of time on the same hosts at the same chance of overload. */
export interface Stay {
  begins: number;
  ends: number;
  hosts: string[];
  /** The largest P(overload) of its hosts. */
  chance: number;
}

/** The hosts of a workload at an instant, when the moves given start as planned. */
export function hostsAt(workload: WorkloadRow, moves: readonly Move[], at: number): string[] {
  let hosts = workload.replicas.map((replica) => replica.host);
  for (const move of [...moves].sort((a, b) => Date.parse(a.start) - Date.parse(b.start))) {
    if (at < Date.parse(move.started ?? move.start) + move.predicted.duration_seconds * 1000) continue;
    const stays = move.strategy === "split" ? hosts : hosts.filter((host) => host !== move.from);
    hosts = stays.includes(move.to) ? stays : [...stays, move.to];
  }
  return hosts;
}

/** The stays of a workload over the pieces of time ahead of its hosts; neighbours that are alike are joined. */
export function stays(workload: WorkloadRow, moves: readonly Move[], ahead: readonly HostAhead[], isPlanned: boolean): Stay[] {
  const found: Stay[] = [];
  (ahead[0]?.buckets ?? []).forEach((bucket, at) => {
    const [begins, ends] = [Date.parse(bucket.begins), Date.parse(bucket.ends)];
    const hosts = isPlanned ? hostsAt(workload, moves, (begins + ends) / 2) : workload.replicas.map((replica) => replica.host);
    const here = ahead.filter((each) => hosts.includes(each.host));
    const chance = Math.max(0, ...here.map((each) => (isPlanned ? each.overload_with : each.overload_without)[at] ?? 0));
    const last = found.at(-1);
    if (last && last.hosts.join() === hosts.join() && Math.abs(last.chance - chance) < 0.005) last.ends = ends;
    else found.push({ begins, ends, hosts, chance });
  });
  return found;
}
