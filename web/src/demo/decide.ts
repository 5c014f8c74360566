// Who decides in the demo. A person who approves needs time to read: the clock is slowed, and set back afterwards.
import { act } from "../api/act.svelte";

/** Simulated seconds a second at most while a person decides: a day in a quarter of an hour. */
const UNHURRIED = 96;
let before: number | null = null;

/** Sets the mode, and with it the speed. */
export function decide(mode: string, speed: number): Promise<boolean> {
  if (mode === "approve" && speed > UNHURRIED) {
    before = speed;
    return act("demo/policy", { mode, speed: UNHURRIED });
  }
  const restored = mode === "auto" ? before : null;
  if (mode === "auto") before = null;
  return act("demo/policy", restored === null ? { mode } : { mode, speed: restored });
}
