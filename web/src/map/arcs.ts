// The geometry of links drawn as arcs under a row of regions, so that no link crosses a region.
import type { Move } from "../api/types";

export interface Arc {
  path: string;
  /** Where its lowest point is, for its label. */
  middle: number;
  depth: number;
}

const TOP = 16;
const REACH = 46;

/** The arc between two regions of a row; null where one of them is not in the row. */
export function arc(regions: readonly string[], from: string, to: string, width: number, scale = 1): Arc | null {
  const [a, b] = [regions.indexOf(from), regions.indexOf(to)].sort((x, y) => x - y) as [number, number];
  if (a < 0 || a === b) return null;
  const place = (at: number): number => ((at + 0.5) / regions.length) * width;
  const [left, right] = [place(a), place(b)];
  const top = TOP * scale;
  const depth = top + (REACH * (b - a) + 14) * scale;
  // A cubic's lowest point lies at three quarters of the way to its control points.
  const control = top + (depth - top) / 0.75;
  const lean = (right - left) * 0.16;
  return { path: `M${left} ${top + 5 * scale}C${left + lean} ${control} ${right - lean} ${control} ${right} ${top + 5 * scale}`, middle: (left + right) / 2, depth };
}

/** The moves that pass along a link, in either direction. */
export function between(moves: readonly Move[], a: string, b: string): Move[] {
  return moves.filter((move) => (move.from_region === a && move.to_region === b) || (move.from_region === b && move.to_region === a));
}
