// Data and options of a host's load ahead: the band from expected to quantile, without and with the plan.
import type uPlot from "uplot";
import UPlot from "uplot";

import type { HostAhead } from "../api/types";
import { parse } from "../format/time";
import { common, faded, level } from "./axes";
import type { Options, Paint } from "./Plot.svelte";

/** Columns: time, expected and quantile without the plan, expected and quantile with it; one step a bucket. */
export function load(ahead: HostAhead): uPlot.AlignedData {
  const begins = ahead.buckets.map((bucket) => parse(bucket.begins) / 1000);
  const last = ahead.buckets.at(-1);
  const times = last ? [...begins, parse(last.ends) / 1000] : begins;
  const closed = (values: readonly number[]): number[] => [...values, values.at(-1) ?? 0];
  return [times, closed(ahead.mean_without), closed(ahead.quantile_without), closed(ahead.mean_with), closed(ahead.quantile_with)];
}

/** Whether the plan changes what lies ahead of the host. */
export function changes(ahead: HostAhead): boolean {
  return ahead.quantile_without.some((value, i) => Math.abs(value - (ahead.quantile_with[i] ?? value)) > Math.abs(value) * 0.005);
}

export function loadOptions(unit: string, limit: number | null, isChanged: boolean): (paint: Paint) => Options {
  const steps = UPlot.paths.stepped?.({ align: 1 });
  return (paint) => {
    const line = (stroke: string, width: number, dash?: number[]): uPlot.Series => ({ stroke, width, dash, paths: steps, points: { show: false } });
    const show = isChanged;
    return {
      ...common(paint, unit, limit),
      series: [
        {},
        { ...line("transparent", 0), show },
        { ...line(paint.without, 1.5, [5, 4]), show },
        line("transparent", 0),
        line(paint.with, 2),
      ],
      bands: [
        { series: [2, 1], fill: faded(paint.without, 0.1) },
        { series: [4, 3], fill: faded(paint.with, 0.2) },
      ],
      hooks: { draw: [level(limit, "limit", paint)] },
    };
  };
}
