// A squarified treemap (Bruls, Huizing and van Wijk 2000): rectangles whose areas are in proportion to their
// weights and whose sides are as near to equal as a simple row by row layout gets them.

export interface Block<T> {
  item: T;
  /** Shares of the whole, in 0..=1. */
  left: number;
  top: number;
  width: number;
  height: number;
}

interface Frame {
  left: number;
  top: number;
  width: number;
  height: number;
}

/** Lays `items` out in a frame `aspect` times as wide as high; what weighs nothing has no block. */
export function treemap<T>(items: readonly T[], weight: (item: T) => number, aspect: number): Block<T>[] {
  const heavy = items.map((item) => ({ item, weight: weight(item) })).filter((each) => each.weight > 0).sort((a, b) => b.weight - a.weight);
  const total = heavy.reduce((sum, each) => sum + each.weight, 0);
  const rest = heavy.map((each) => ({ item: each.item, area: (each.weight / total) * aspect }));
  const blocks: Block<T>[] = [];
  let frame: Frame = { left: 0, top: 0, width: aspect, height: 1 };
  while (rest.length > 0) {
    const side = Math.min(frame.width, frame.height);
    let taken = 1;
    while (taken < rest.length && worst(rest.slice(0, taken + 1), side) <= worst(rest.slice(0, taken), side)) taken += 1;
    frame = place(rest.splice(0, taken), frame, aspect, blocks);
  }
  return blocks;
}

/** The largest ratio of sides in a row along a side of the frame. */
function worst(row: readonly { area: number }[], side: number): number {
  const sum = row.reduce((total, each) => total + each.area, 0);
  return Math.max(...row.map(({ area }) => Math.max((side * side * area) / (sum * sum), (sum * sum) / (side * side * area))));
}

/** Puts a row along the shorter side of the frame; answers what is left of the frame. */
function place<T>(row: readonly { item: T; area: number }[], frame: Frame, aspect: number, blocks: Block<T>[]): Frame {
  const sum = row.reduce((total, each) => total + each.area, 0);
  const isColumn = frame.width >= frame.height;
  const thick = sum / (isColumn ? frame.height : frame.width);
  let along = isColumn ? frame.top : frame.left;
  for (const { item, area } of row) {
    const long = area / thick;
    const [left, top, width, height] = isColumn ? [frame.left, along, thick, long] : [along, frame.top, long, thick];
    blocks.push({ item, left: left / aspect, top, width: width / aspect, height });
    along += long;
  }
  return isColumn
    ? { ...frame, left: frame.left + thick, width: frame.width - thick }
    : { ...frame, top: frame.top + thick, height: frame.height - thick };
}
