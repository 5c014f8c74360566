// How the whole fleet stands, and the fleet's clock as it runs between two answers of the server.
import { resource } from "./query.svelte";
import type { Status } from "./types";

/** A clock that is not corrected for so long stands still rather than invent time. */
const LONGEST_GUESS_MILLISECONDS = 12_000;
/** Small corrections backwards are held until the clock has caught up. */
const SMALL_STEP_MILLISECONDS = 30 * 60_000;

class Fleet {
  /** The fleet's present instant in milliseconds since 1970, UTC. */
  now = $state(0);
  private known = { instant: 0, at: 0, speed: 1 };
  // Made here and not where it is read: what is made while something is derived is not followed there.
  private readonly answer = resource<Status>("status");
  private timer: ReturnType<typeof setInterval> | undefined;

  get status(): Status | undefined {
    return this.answer.data;
  }

  /** Sets the clock by an answer of the server. */
  follow(status: Status): void {
    const speed = status.demo?.speed ?? 1;
    this.known = { instant: Date.parse(status.now), at: performance.now(), speed };
    if (this.now === 0) this.now = this.known.instant;
    clearInterval(this.timer);
    this.timer = setInterval(() => this.tick(), speed > 1 ? 250 : 1000);
    this.tick();
  }

  private tick(): void {
    const passed = Math.min(LONGEST_GUESS_MILLISECONDS, performance.now() - this.known.at);
    const guess = this.known.instant + passed * this.known.speed;
    const back = this.now - guess;
    if (back <= 0 || back > SMALL_STEP_MILLISECONDS) this.now = guess;
  }
}

export const fleet = new Fleet();
