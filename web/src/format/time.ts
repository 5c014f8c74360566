// Instants in the fleet's UTC and spans in words, with what is relative to now.

const SPACE = "\u00a0";
const MINUTE = 60;
const HOUR = 3600;
const DAY = 86_400;
const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

const two = (value: number): string => String(value).padStart(2, "0");

/** A span of seconds, such as `38 s`, `12 min`, `1 h 05 min`, `2 d 3 h`. */
export function span(seconds: number): string {
  const size = Math.abs(seconds);
  if (size > 0 && size < 1) return `${Math.max(1, Math.round(size * 1000))}${SPACE}ms`;
  if (size < 10) return `${Number(size.toFixed(1))}${SPACE}s`;
  if (size < 59.5) return `${Math.round(size)}${SPACE}s`;
  if (size < HOUR - 30) return `${Math.round(size / MINUTE)}${SPACE}min`;
  if (size < DAY) {
    const minutes = Math.round(size / MINUTE);
    const rest = minutes % 60;
    return `${Math.floor(minutes / 60)}${SPACE}h${rest ? `${SPACE}${two(rest)}${SPACE}min` : ""}`;
  }
  const hours = Math.round(size / HOUR);
  return `${Math.floor(hours / 24)}${SPACE}d${hours % 24 ? `${SPACE}${hours % 24}${SPACE}h` : ""}`;
}

/** How far an instant is from now, such as `in 12 min`, `3 h ago`, `now`. */
export function relative(at: number, now: number): string {
  const seconds = (at - now) / 1000;
  if (Math.abs(seconds) < 30) return "now";
  return seconds > 0 ? `in ${span(seconds)}` : `${span(seconds)} ago`;
}

/** The time of day, such as `14:35`. */
export function timeOfDay(at: number): string {
  const date = new Date(at);
  return `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}`;
}

/** The time of day to the second. */
export const timeToSecond = (at: number): string => `${timeOfDay(at)}:${two(new Date(at).getUTCSeconds())}`;

/** The day, such as `Tue 17 Mar`. */
export function day(at: number): string {
  const date = new Date(at);
  return `${DAYS[date.getUTCDay()] ?? ""} ${date.getUTCDate()} ${MONTHS[date.getUTCMonth()] ?? ""}`;
}

/** The time of day, with the weekday or the date where it is not the day of `now`. */
export function moment(at: number, now: number): string {
  const days = Math.floor(at / 86_400_000) - Math.floor(now / 86_400_000);
  if (days === 0) return timeOfDay(at);
  if (Math.abs(days) < 7) return `${DAYS[new Date(at).getUTCDay()] ?? ""} ${timeOfDay(at)}`;
  return `${day(at)} ${timeOfDay(at)}`;
}

/** Two instants as one span of time, such as `14:00 – 15:30` or `Tue 22:00 – Wed 01:00`. */
export function between(begins: number, ends: number, now: number): string {
  const sameDay = Math.floor(begins / 86_400_000) === Math.floor(ends / 86_400_000);
  return `${moment(begins, now)} – ${sameDay ? timeOfDay(ends) : moment(ends, now)}`;
}

export const parse = (instant: string): number => Date.parse(instant);

/** An instant as the API takes it, to the second. */
export const iso = (at: number): string => new Date(Math.floor(at / 1000) * 1000).toISOString().replace(".000Z", "Z");
