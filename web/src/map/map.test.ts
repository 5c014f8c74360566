// Checks that the treemap fills its frame in proportion and that nothing lies over anything.
import { expect, test } from "vitest";

import { treemap } from "./treemap";

test.each([
  [[6, 6, 4, 3, 2, 2, 1], 1.5], [[1], 3], [[5, 0, 5], 0.5], [Array.from({ length: 40 }, (_, i) => i + 1), 2],
])("weights %j in a frame %d times as wide as high keep their share", (weights, aspect) => {
  const blocks = treemap(weights, (weight) => weight, aspect);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  expect(blocks.map((block) => block.item)).toEqual(weights.filter((weight) => weight > 0).sort((a, b) => b - a));
  for (const block of blocks) {
    expect(block.width * block.height).toBeCloseTo(block.item / total, 9);
    expect(Math.min(block.left, block.top)).toBeGreaterThanOrEqual(-1e-9);
    expect(Math.max(block.left + block.width, block.top + block.height)).toBeLessThanOrEqual(1 + 1e-9);
  }
  const overlap = (a: (typeof blocks)[number], b: (typeof blocks)[number]): number =>
    Math.max(0, Math.min(a.left + a.width, b.left + b.width) - Math.max(a.left, b.left)) * Math.max(0, Math.min(a.top + a.height, b.top + b.height) - Math.max(a.top, b.top));
  blocks.forEach((one, i) => blocks.slice(i + 1).forEach((other) => expect(overlap(one, other)).toBeLessThan(1e-9)));
});

test("blocks are near to squares where the weights allow it", () => {
  const blocks = treemap([6, 6, 4, 3, 2, 2, 1], (weight) => weight, 1.5);
  const ratios = blocks.map((block) => (block.width * 1.5) / block.height).map((ratio) => Math.max(ratio, 1 / ratio));
  expect(Math.max(...ratios)).toBeLessThan(3);
});
