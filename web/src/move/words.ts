// The words, icons and tones of modes, moves' states and strategies, the same on every page.
import type { IconName } from "../ui/Icon.svelte";

type Tone = "calm" | "accent" | "good" | "warn" | "bad";
interface Look {
  icon: IconName;
  tone: Tone;
  hint: string;
}

const STATES: Record<string, Look> = {
  proposed: { icon: "hand", tone: "warn", hint: "waits for a person" },
  approved: { icon: "check", tone: "accent", hint: "approved, waits for its start" },
  scheduled: { icon: "clock", tone: "accent", hint: "starts by itself at its time" },
  running: { icon: "live", tone: "accent", hint: "under way" },
  succeeded: { icon: "check", tone: "good", hint: "the workload runs on its target" },
  failed: { icon: "cross", tone: "bad", hint: "did not work; the workload stayed" },
  cancelled: { icon: "cross", tone: "calm", hint: "cancelled before it ended" },
  refused: { icon: "shield", tone: "calm", hint: "refused by a person or by a check" },
  expired: { icon: "clock", tone: "calm", hint: "nobody approved it in time" },
  superseded: { icon: "recover", tone: "calm", hint: "a newer plan does not need it" },
};

const STRATEGIES: Record<string, { icon: IconName; hint: string }> = {
  live: { icon: "live", hint: "copied while it runs" },
  preemptive: { icon: "copy", hint: "stopped, copied and started elsewhere before the peak" },
  split: { icon: "split", hint: "shares its load with a second place" },
  merge: { icon: "merge", hint: "brings a split workload together again" },
  recover: { icon: "recover", hint: "started elsewhere after its host was lost" },
};

export const MODES: Record<string, { icon: IconName; hint: string }> = {
  observe: { icon: "eye", hint: "Weft looks and forecasts, and plans nothing" },
  advise: { icon: "advise", hint: "Weft plans, and starts nothing" },
  approve: { icon: "hand", hint: "Weft starts the moves that a person approves" },
  auto: { icon: "bolt", hint: "Weft starts its moves by itself" },
};

export const stateLook = (state: string): Look => STATES[state] ?? { icon: "info", tone: "calm", hint: state };
export const strategyLook = (strategy: string): { icon: IconName; hint: string } => STRATEGIES[strategy] ?? { icon: "moves", hint: strategy };

/** States of moves that have not ended. */
export const OPEN_STATES = ["proposed", "approved", "scheduled", "running"];
export const isOpen = (state: string): boolean => OPEN_STATES.includes(state);

/** A word with a capital letter, for the start of a label. */
export const capital = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);
