// Data and options of the fan chart: what was, then the quantiles of what comes.
import type uPlot from "uplot";

import type { Forecast, History, Move } from "../api/types";
import { parse } from "../format/time";
import { common, faded, level, planned, present } from "./axes";
import type { Options, Paint } from "./Plot.svelte";

type Column = (number | null | undefined)[];

export interface Fan {
  data: uPlot.AlignedData;
  /** Positions of samples that may have been higher. */
  censored: number[];
  origin: number;
  unit: string;
  cap: number | null;
  /** Starts of planned moves, in seconds since 1970, with what the mark says. */
  moves: { at: number; text: string }[];
  levels: { low: number | null; lowMiddle: number | null; highMiddle: number | null; high: number | null };
}

/** The columns of the chart: time, past, then five quantiles (missing levels stay empty). */
export function fan(history: History | undefined, forecast: Forecast | undefined, moves: readonly Move[] = []): Fan | null {
  if (!history && !forecast) return null;
  const times: number[] = [];
  const past: Column = [];
  if (history) {
    const start = parse(history.start) / 1000;
    history.values.forEach((value, i) => {
      times.push(start + (i + 0.5) * history.step_seconds);
      past.push(value);
    });
  }
  const known = times.length;
  const origin = forecast ? parse(forecast.origin) / 1000 : (times.at(-1) ?? 0);
  const chosen = forecast ? pick(forecast.levels) : { columns: [], named: { low: null, lowMiddle: null, highMiddle: null, high: null } };
  const bands: Column[] = Array.from({ length: 5 }, () => new Array<null>(known).fill(null));
  forecast?.quantiles.forEach((row, i) => {
    times.push(origin + (i + 0.5) * forecast.step_seconds);
    past.push(null);
    chosen.columns.forEach((column, at) => bands[at]?.push(column === -1 ? null : (row[column] ?? null)));
  });
  return {
    data: [times, past, ...bands] as uPlot.AlignedData, censored: history?.censored ?? [], origin, unit: forecast?.unit ?? history?.unit ?? "",
    cap: forecast?.cap ?? null, levels: chosen.named,
    moves: moves.map((move) => ({ at: parse(move.started ?? move.start) / 1000, text: `${move.strategy} to ${move.to}` })),
  };
}

/** Columns of the outer band, the inner band and the median: the outermost and the most central levels. */
function pick(levels: readonly number[]): { columns: number[]; named: Fan["levels"] } {
  const nearest = (wanted: number): number => levels.findIndex((value) => Math.abs(value - wanted) < 0.026);
  const outer = (wanted: number): number => levels.findIndex((value) => Math.abs(value - wanted) < 1e-6);
  const [low, high] = outer(0.05) >= 0 && outer(0.95) >= 0 ? [outer(0.05), outer(0.95)] : [nearest(0.05), nearest(0.95)];
  const [lowMiddle, highMiddle] = [nearest(0.25), nearest(0.75)];
  const of = (column: number): number | null => levels[column] ?? null;
  return { columns: [low, lowMiddle, levels.indexOf(0.5), highMiddle, high], named: { low: of(low), lowMiddle: of(lowMiddle), highMiddle: of(highMiddle), high: of(high) } };
}

/**
 * How a fan is drawn. Series: 1 past, 2 low, 3 lower middle, 4 median, 5 upper middle, 6 high. What
 * changes with every answer is read from `current`, so that the chart need not be built anew.
 */
export function fanOptions(unit: string, cap: number | null, current: () => Fan | null): (paint: Paint) => Options {
  return (paint) => {
    const edge = { stroke: "transparent", width: 0, points: { show: false } };
    return {
      ...common(paint, unit, cap),
      series: [
        {},
        { stroke: paint.past, width: 1.5, spanGaps: false, points: { show: false } },
        edge, edge,
        { stroke: paint.median, width: 1.75, points: { show: false } },
        edge, edge,
      ],
      bands: [
        { series: [6, 2], fill: faded(paint.median, 0.15) },
        { series: [5, 3], fill: faded(paint.median, 0.24) },
      ],
      hooks: {
        draw: [
          level(cap, "cap: its vCPUs", paint),
          (plot) => present(current()?.origin ?? 0, paint.muted, paint.font)(plot),
          (plot) => current()?.moves.forEach(({ at, text }) => planned(at, text, paint.with, paint.card, paint.font)(plot)),
          (plot) => censoredMarks(plot, current()?.censored ?? [], paint.bad, paint.card),
        ],
      },
    };
  };
}

/** Small upward marks on samples at the cap: the demand may have been higher. */
function censoredMarks(plot: uPlot, positions: readonly number[], colour: string, halo: string): void {
  const { ctx } = plot;
  const size = 4 * devicePixelRatio;
  ctx.save();
  ctx.fillStyle = colour;
  ctx.strokeStyle = halo;
  ctx.lineWidth = 1.5 * devicePixelRatio;
  for (const position of positions) {
    const [at, value] = [plot.data[0][position], plot.data[1]?.[position]];
    if (at === undefined || value === null || value === undefined) continue;
    const [x, y] = [plot.valToPos(at, "x", true), plot.valToPos(value, "y", true) - size];
    ctx.beginPath();
    ctx.moveTo(x, y - size);
    ctx.lineTo(x - size, y + size * 0.8);
    ctx.lineTo(x + size, y + size * 0.8);
    ctx.closePath();
    ctx.stroke();
    ctx.fill();
  }
  ctx.restore();
}
