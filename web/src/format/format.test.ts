// Checks that amounts, probabilities and times read as people expect them to.
import { expect, test } from "vitest";

import { amount, change, cores, memory, money } from "./amount";
import { chance, level } from "./chance";
import { sentence } from "./sentence";
import { between, relative, span } from "./time";

const plain = (text: string): string => text.replaceAll("\u00a0", " ");

test.each([
  [0, "0 %"], [0.004, "< 1 %"], [0.01, "1 %"], [0.118, "12 %"], [0.99, "99 %"], [0.996, "> 99 %"], [1, "> 99 %"],
])("a probability of %d reads %s", (value, expected) => {
  expect(plain(chance(value))).toBe(expected);
});

test.each([
  [0.18, "180 ms"], [5, "5 s"], [38.4, "38 s"], [59.7, "1 min"], [725, "12 min"], [3600, "1 h"], [3900, "1 h 05 min"], [86_400, "1 d"], [97_200, "1 d 3 h"],
])("%d seconds read %s", (seconds, expected) => {
  expect(plain(span(seconds))).toBe(expected);
});

test.each([
  [1000, "millicores", "1 core"], [12_360, "millicores", "12.4 cores"], [68_719_476_736, "bytes", "64 GiB"],
  [250e6, "bytes/s", "250 MB/s"], [320, "operations/s", "320 IOPS"], [7, "requests/s", "7 requests/s"],
])("%d %s reads %s", (value, unit, expected) => {
  expect(plain(amount(value, unit))).toBe(expected);
});

test("small and large amounts keep three figures", () => {
  expect(plain(cores(250))).toBe("0.25 cores");
  expect(plain(memory(1.5 * 2 ** 40))).toBe("1.5 TiB");
  expect(money(0.001)).toBe("< 0.01");
  expect(plain(level(0.995))).toBe("99.5 %");
});

test("instants are told relative to now and in UTC", () => {
  const now = Date.parse("2026-03-17T08:00:00Z");
  expect(plain(relative(now + 720_000, now))).toBe("in 12 min");
  expect(plain(relative(now - 7_200_000, now))).toBe("2 h ago");
  expect(between(now, now + 5_400_000, now)).toBe("08:00 – 09:30");
  expect(between(now, Date.parse("2026-03-18T01:00:00Z"), now)).toBe("08:00 – Wed 01:00");
});

test.each([
  ["it was moved and rests until 2026-03-17T11:55:00Z", "It was moved and rests until 11:55."],
  ["eu-1-std-2 is being emptied", "eu-1-std-2 is being emptied."],
  ["Paused.", "Paused."],
])("the clause %s becomes a sentence", (clause, expected) => {
  expect(sentence(clause, Date.parse("2026-03-17T08:00:00Z"))).toBe(expected);
});

test("a change says its unit once where it is the same", () => {
  expect(plain(change(39_900, 31_300, "millicores", 30_400))).toBe("39.9 → 31.3 of 30.4 cores");
  expect(plain(change(512 * 2 ** 20, 2 ** 31, "bytes"))).toBe("512 MiB → 2 GiB");
});
