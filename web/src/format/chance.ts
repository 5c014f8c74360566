// Probabilities and shares for people: never more certain than the figure is.

const SPACE = "\u00a0";

/** A probability, such as `12 %`, `< 1 %` or `> 99 %`. */
export function chance(value: number): string {
  if (value <= 0) return `0${SPACE}%`;
  if (value < 0.01) return `<${SPACE}1${SPACE}%`;
  if (value > 0.99) return `>${SPACE}99${SPACE}%`;
  return `${Math.round(value * 100)}${SPACE}%`;
}

/** A share with one decimal, such as `94.6 %`. */
export const share = (value: number): string => `${(value * 100).toFixed(1)}${SPACE}%`;

/** A round share, such as `45 %`. */
export const wholeShare = (value: number): string => `${Math.round(value * 100)}${SPACE}%`;

/** A confidence or threshold, with decimals only where it has some, such as `95 %` or `0.5 %`. */
export const level = (value: number): string => `${Number((value * 100).toFixed(2))}${SPACE}%`;
