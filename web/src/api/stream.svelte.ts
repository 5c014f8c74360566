// The server's stream of changes: tells which resources to fetch anew, and whether we are connected.
import { refresh } from "./query.svelte";
import { open } from "./request";
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
    void this.connect();
    setInterval(() => this.breakSilence(), SILENCE_MILLISECONDS);
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) refresh();
    });
  }

  private async connect(): Promise<void> {
    try {
      await this.follow();
    } catch {
      // It is connected anew, whatever it was.
    }
    this.state = "broken";
    setTimeout(() => void this.connect(), this.wait);
    this.wait = Math.min(LONGEST_WAIT_MILLISECONDS, this.wait * 2);
  }

  /** Reads the stream to its end. An EventSource could not show the token. */
  private async follow(): Promise<void> {
    const response = await open("stream");
    if (!response.ok || !response.body) return;
    this.opened();
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let rest = ""; ; ) {
      const { value, done } = await reader.read();
      if (done) return;
      const events = (rest + value).replaceAll("\r\n", "\n").split("\n\n");
      rest = events.pop() ?? "";
      for (const event of events) {
        const data = event.split("\n").filter((line) => line.startsWith("data:")).map((line) => line.slice(5).trim()).join("\n");
        if (data) this.heard(data);
      }
    }
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
