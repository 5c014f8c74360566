// Keyboard shortcuts of the whole dashboard; they are silent while one types.
import { appearance } from "../theme.svelte";
import { PAGES } from "./pages";

const LEADER_MILLISECONDS = 1200;

/** Answers what to do on a key press: jumps after `g`, search on `/`, help on `?`. */
export function keys(help: () => void): (event: KeyboardEvent) => void {
  let leaderAt = -Infinity;
  return (event) => {
    if (isTyping(event) || event.ctrlKey || event.metaKey || event.altKey) return;
    if (performance.now() - leaderAt < LEADER_MILLISECONDS) {
      leaderAt = -Infinity;
      const entry = PAGES.find((page) => page.key === event.key);
      if (entry) location.hash = entry.href;
      return;
    }
    if (event.key === "g") leaderAt = performance.now();
    else if (event.key === "?") help();
    else if (event.key === "t") appearance.toggle();
    else if (event.key === "/") search(event);
  };
}

function isTyping(event: KeyboardEvent): boolean {
  const target = event.target;
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || ["TEXTAREA", "SELECT"].includes(target.tagName) || (target instanceof HTMLInputElement && target.type !== "radio");
}

function search(event: KeyboardEvent): void {
  const field = document.querySelector<HTMLInputElement>("main input[type=search]");
  if (!field) return;
  event.preventDefault();
  field.focus();
}
