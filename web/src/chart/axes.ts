// Axes, cursor and marks that all charts of series share: UTC time below, humane amounts on the left.
import uPlot from "uplot";

import { amount } from "../format/amount";
import { day, timeOfDay } from "../format/time";
import type { Options, Paint } from "./Plot.svelte";

const DAY_SECONDS = 86_400;

/** Time in UTC, with the day below the midnight tick. */
export function timeAxis(paint: Paint): uPlot.Axis {
  return {
    stroke: paint.muted, font: paint.font, size: 36 * paint.scale, space: 64 * paint.scale,
    grid: { stroke: paint.grid, width: 1 },
    ticks: { stroke: paint.grid, width: 1, size: 5 },
    values: (_, splits) => splits.map((at, i) => {
      const previous = splits[i - 1];
      const isNewDay = previous === undefined || Math.floor(previous / DAY_SECONDS) !== Math.floor(at / DAY_SECONDS);
      return isNewDay ? `${timeOfDay(at * 1000)}\n${day(at * 1000)}` : timeOfDay(at * 1000);
    }),
  };
}

/** Amounts in the unit given. */
export function amountAxis(paint: Paint, unit: string): uPlot.Axis {
  return {
    stroke: paint.muted, font: paint.font, size: 74 * paint.scale, space: 34 * paint.scale, gap: 6,
    grid: { stroke: paint.grid, width: 1 },
    ticks: { show: false },
    values: (_, splits) => splits.map((value) => amount(value, unit)),
  };
}

/** What all charts have in common. `top` is a value that shall be in sight, such as a limit. */
export function common(paint: Paint, unit: string, top: number | null): Omit<Options, "series"> {
  return {
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
    legend: { show: false },
    padding: [10 * paint.scale, 20 * paint.scale, 0, 0],
    cursor: { drag: { x: false, y: false }, points: { size: 7 } },
    scales: {
      x: { time: true },
      y: { range: (_, __, highest) => [0, Math.max(highest ?? 0, top ?? 0, 1) * 1.08] },
    },
    axes: [timeAxis(paint), amountAxis(paint, unit)],
  };
}

/** A dashed line over the whole width at a value, with its name at the left end, where no other mark is. */
export function level(value: number | null, text: string, paint: Paint): (plot: uPlot) => void {
  return (plot) => {
    if (value === null) return;
    const { ctx, bbox } = plot;
    const y = Math.round(plot.valToPos(value, "y", true)) + 0.5;
    ctx.save();
    ctx.strokeStyle = ctx.fillStyle = paint.bad;
    ctx.lineWidth = devicePixelRatio * 1.25;
    ctx.setLineDash([6 * devicePixelRatio, 4 * devicePixelRatio]);
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
    write(plot, text, bbox.left + 6 * devicePixelRatio, y - 7 * devicePixelRatio, "left", paint.font, paint.card);
    ctx.restore();
  };
}

/** A line through the present with its name, and the past shaded no more than the rest. */
export function present(at: number, colour: string, font: string): (plot: uPlot) => void {
  return (plot) => {
    const { ctx, bbox } = plot;
    const x = Math.round(plot.valToPos(at, "x", true)) + 0.5;
    if (x < bbox.left || x > bbox.left + bbox.width) return;
    ctx.save();
    ctx.strokeStyle = ctx.fillStyle = colour;
    ctx.lineWidth = devicePixelRatio;
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    write(plot, "now", x + 5 * devicePixelRatio, bbox.top + 8 * devicePixelRatio, "left", font);
    ctx.restore();
  };
}

function write(plot: uPlot, text: string, x: number, y: number, align: CanvasTextAlign, font: string, halo?: string): void {
  plot.ctx.font = font.replace(/^[\d.]+/, (size) => `550 ${Number(size) * devicePixelRatio}`);
  plot.ctx.textAlign = align;
  plot.ctx.textBaseline = "middle";
  if (halo) {
    plot.ctx.setLineDash([]);
    plot.ctx.strokeStyle = halo;
    plot.ctx.lineWidth = 4 * devicePixelRatio;
    plot.ctx.lineJoin = "round";
    plot.ctx.strokeText(text, x, y);
  }
  plot.ctx.fillText(text, x, y);
}

/** A dashed line where a planned move starts, with where it goes. */
export function planned(at: number, text: string, colour: string, halo: string, font: string): (plot: uPlot) => void {
  return (plot) => {
    const { ctx, bbox } = plot;
    const x = Math.round(plot.valToPos(at, "x", true)) + 0.5;
    if (x < bbox.left || x > bbox.left + bbox.width) return;
    ctx.save();
    ctx.strokeStyle = ctx.fillStyle = colour;
    ctx.lineWidth = devicePixelRatio * 1.5;
    ctx.setLineDash([3 * devicePixelRatio, 3 * devicePixelRatio]);
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    // On the side where there is more room.
    const isRight = x < bbox.left + bbox.width * 0.75;
    write(plot, text, x + (isRight ? 5 : -5) * devicePixelRatio, bbox.top + 26 * devicePixelRatio, isRight ? "left" : "right", font, halo);
    ctx.restore();
  };
}

/** A colour with an alpha, for the fills of bands. */
export const faded = (colour: string, alpha: number): string => {
  const channels = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
  return `rgba(${channels.join(", ")}, ${alpha})`;
};
