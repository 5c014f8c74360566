// The axis of time under the heat map: real instants, even or with the near hours drawn wider.

const MINUTE = 60_000;
const STEPS_MINUTES = [720, 360, 180, 60, 30, 15, 5];

/** Maps instants to places between `left` and `left + width`. */
export interface TimeScale {
  from: number;
  to: number;
  left: number;
  width: number;
  /** Whether the near hours are drawn wider: a place is the square root of the lead. */
  isBent: boolean;
}

export function place(scale: TimeScale, at: number): number {
  const share = Math.min(1, Math.max(0, (at - scale.from) / (scale.to - scale.from)));
  return scale.left + scale.width * (scale.isBent ? Math.sqrt(share) : share);
}

export interface Tick {
  at: number;
  x: number;
}

/**
 * Round instants with at least `spacing` between them; the roundest come first, and less round ones only
 * where their step has room, so that a near hour may be split while a far one is not.
 */
export function ticks(scale: TimeScale, spacing: number): Tick[] {
  const chosen: Tick[] = [];
  for (const minutes of STEPS_MINUTES) {
    const step = minutes * MINUTE;
    for (let at = Math.ceil(scale.from / step) * step; at <= scale.to; at += step) {
      const x = place(scale, at);
      const isNearEdge = x < scale.left + spacing * 0.4 || x > scale.left + scale.width - spacing * 0.35;
      const hasRoom = place(scale, at + step) - x >= spacing * 0.5 || (at + step > scale.to && x - place(scale, at - step) >= spacing * 0.5);
      if (hasRoom && !isNearEdge && chosen.every((tick) => Math.abs(tick.x - x) >= spacing)) chosen.push({ at, x });
    }
  }
  return chosen.sort((a, b) => a.at - b.at);
}
