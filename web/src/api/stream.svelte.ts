// The server's stream of changes: tells which resources to fetch anew, and whether we are connected.
import { refresh } from "./query.svelte";
import type { Topic } from "./types";

const FIRST_WAIT_MILLISECONDS = 1000;
const LONGEST_WAIT_MILLISECONDS = 8_000;
/** A server that says nothing for so long is asked all the same. */
const SILENCE_MILLISECONDS = 15_000;

class Stream {
  state = $state<"connecting" | "open" | "broken">("connecting");
  private wait = FIRST_WAIT_MILLISECONDS;
  private heardAt = 0;

  start(): void {
    this.connect();
    setInterval(() => this.breakSilence(), SILENCE_MILLISECONDS);
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) refresh();
    });
  }

  private connect(): void {
    const source = new EventSource("api/v1/stream");
    source.addEventListener("open", () => this.opened());
    source.addEventListener("changed", (event: MessageEvent<string>) => this.heard(event.data));
    source.addEventListener("error", () => {
      source.close();
      this.state = "broken";
      setTimeout(() => this.connect(), this.wait);
      this.wait = Math.min(LONGEST_WAIT_MILLISECONDS, this.wait * 2);
    });
  }

  private opened(): void {
    if (this.state === "broken") refresh();
    this.state = "open";
    this.wait = FIRST_WAIT_MILLISECONDS;
    this.heardAt = performance.now();
  }

  private heard(data: string): void {
    this.heardAt = performance.now();
    // What nobody looks at is not fetched; a hidden page catches up when it is shown.
    if (!document.hidden) refresh(topicsIn(data));
  }

  private breakSilence(): void {
    if (this.state === "open" && performance.now() - this.heardAt > SILENCE_MILLISECONDS) refresh();
  }
}

function topicsIn(data: string): Topic[] | undefined {
  try {
    return (JSON.parse(data) as { topics?: Topic[] }).topics;
  } catch {
    return undefined;
  }
}

export const stream = new Stream();
