// Amounts of resources in units that people read: cores, GiB, MB/s, IOPS, money.

const BINARY = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
const DECIMAL = ["B", "kB", "MB", "GB", "TB", "PB"];
const SPACE = "\u00a0";

/** Three figures at most, without needless zeros. */
export function figures(value: number): string {
  const size = Math.abs(value);
  if (size >= 1000) return Math.round(value).toLocaleString("en-GB");
  if (size >= 99.95) return value.toFixed(0);
  if (size >= 9.995) return value.toFixed(1).replace(/\.0$/, "");
  return value.toFixed(2).replace(/\.?0+$/, "");
}

function scaled(value: number, base: number, names: readonly string[], suffix = ""): string {
  let at = 0;
  let rest = Math.abs(value);
  while (rest >= base && at < names.length - 1) {
    rest /= base;
    at += 1;
  }
  return `${figures(Math.sign(value) * rest)}${SPACE}${names[at] ?? ""}${suffix}`;
}

/** Memory and disk space, such as `64 GiB`. */
export const memory = (bytes: number): string => scaled(bytes, 1024, BINARY);
/** What goes over a network, such as `18.9 GB`. */
export const traffic = (bytes: number): string => scaled(bytes, 1000, DECIMAL);
/** Speed of a network, such as `250 MB/s`. */
export const speed = (bytesPerSecond: number): string => scaled(bytesPerSecond, 1000, DECIMAL, "/s");
/** Processor time, from millicores. */
export const cores = (millicores: number): string => {
  const value = figures(millicores / 1000);
  return `${value}${SPACE}${value === "1" ? "core" : "cores"}`;
};

/** An amount in the unit that the server names. */
export function amount(value: number, unit: string): string {
  if (unit === "millicores") return cores(value);
  if (unit === "bytes") return memory(value);
  if (unit === "bytes/s") return speed(value);
  if (unit === "operations/s") return `${figures(value)}${SPACE}IOPS`;
  return `${figures(value)}${SPACE}${unit}`;
}

/** A change of an amount, such as `40 → 31 of 30.4 cores`: the unit is said once where it is the same. */
export function change(before: number, after: number, unit: string, limit?: number | null): string {
  const texts = [amount(before, unit), amount(after, unit), ...(limit == null ? [] : [amount(limit, unit)])];
  const units = texts.map((text) => text.split(SPACE)[1]?.replace(/^core$/, "cores") ?? "");
  const isSame = units.every((each) => each === units[0]);
  const [from = "", to = "", most] = texts.map((text, i) => (isSame && i < texts.length - 1 ? (text.split(SPACE)[0] ?? text) : text));
  return most === undefined ? `${from} → ${to}` : `${from} → ${to} of ${most}`;
}

/** A price in the policy's currency. */
export const money = (value: number): string => (value !== 0 && Math.abs(value) < 0.005 ? "< 0.01" : value.toFixed(2));

/** A whole number with thin groups of thousands. */
export const count = (value: number): string => Math.round(value).toLocaleString("en-GB");

/** A count with its noun, such as `3 moves`. */
export const counted = (value: number, noun: string): string => `${count(value)} ${noun}${value === 1 ? "" : "s"}`;

/** The name of a resource for people. */
export function resourceName(id: string): string {
  const names: Record<string, string> = {
    cpu: "CPU", memory: "memory", network: "network", storage_throughput: "storage throughput",
    storage_operations: "storage operations", storage_space: "storage space",
  };
  return names[id] ?? id;
}
