// The colour scale for probability: stops are tokens of the theme, mixed in OKLab so that the steps
// look even; lightness runs one way only, so the order shows without hue and for every kind of sight.
import { appearance, tokenValue } from "../theme.svelte";

type Lab = [number, number, number];
const STEPS = 256;
const STOPS = ["--heat-0", "--heat-1", "--heat-2", "--heat-3", "--heat-4", "--heat-5", "--heat-6"];
/** Bends the scale so that the few per cent around the threshold, where decisions fall, are told apart. */
const BEND = 0.45;

/** Where a probability lies on the scale, in 0..=1. */
export const position = (probability: number): number => Math.min(1, Math.max(0, probability)) ** BEND;

function linear(channel: number): number {
  const share = channel / 255;
  return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
}

function gamma(value: number): number {
  const share = value <= 0.0031308 ? value * 12.92 : 1.055 * value ** (1 / 2.4) - 0.055;
  return Math.round(255 * Math.min(1, Math.max(0, share)));
}

/** To OKLab (Ottosson 2020) from `#rrggbb`. */
function lab(colour: string): Lab {
  const [r, g, b] = [1, 3, 5].map((at) => linear(parseInt(colour.slice(at, at + 2), 16))) as Lab;
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

function css([lightness, a, b]: Lab): string {
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  const red = gamma(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s);
  const green = gamma(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s);
  const blue = gamma(-0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s);
  return `rgb(${red} ${green} ${blue})`;
}

/** The colours of a scale through the stops given. */
export function ramp(stops: readonly string[]): string[] {
  const labs = stops.map(lab);
  return Array.from({ length: STEPS }, (_, step) => {
    const at = (step / (STEPS - 1)) * (labs.length - 1);
    const [from, to] = [labs[Math.floor(at)] as Lab, labs[Math.ceil(at)] as Lab];
    const part = at - Math.floor(at);
    return css(from.map((value, axis) => value + ((to[axis] ?? 0) - value) * part) as Lab);
  });
}

class Heat {
  private readonly colours = $derived.by(() => {
    // Read for its effect: a change of theme changes what the tokens say.
    void appearance.theme;
    return ramp(STOPS.map(tokenValue));
  });

  /** The colour of a probability. */
  colour(probability: number): string {
    return this.colours[Math.round(position(probability) * (STEPS - 1))] ?? "transparent";
  }

  /** Black or white, whichever stands out from a probability's colour. */
  ink(probability: number): string {
    const [r = 0, g = 0, b = 0] = (this.colour(probability).match(/\d+/g) ?? []).map((channel) => linear(Number(channel)));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.179 ? "#000000" : "#ffffff";
  }

  /** The scale as a gradient for its legend, even in position. */
  gradient(): string {
    const parts = Array.from({ length: 25 }, (_, step) => this.colours[Math.round((step / 24) * (STEPS - 1))]);
    return `linear-gradient(to right, ${parts.join(", ")})`;
  }
}

export const heat = new Heat();
