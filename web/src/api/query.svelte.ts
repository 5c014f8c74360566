// What pages have asked the server for: kept while it is fetched anew, at most once a second each.
import { read, Refusal } from "./request";
import type { Topic } from "./types";

const LEAST_MILLISECONDS = 1000;
/** Of the time, no more than one part in so many is spent on fetching the same thing. */
const REST_FACTOR = 6;
const MOST_KEPT = 80;

/** One resource of the server, with what is known of it. */
class Resource<T> {
  data = $state.raw<T | undefined>(undefined);
  failure = $state.raw<Refusal | undefined>(undefined);
  users = 0;
  topics = new Set<Topic>();
  usedAt = 0;
  private fetchedAt = -Infinity;
  private took = 0;
  private isFetching = false;
  private isStale = false;
  private isUrgent = false;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(readonly path: string) {}

  /** Fetches it soon, but no more often than once a second; at once after a person's own act. */
  refresh(isUrgent = false): void {
    if (this.isFetching) {
      this.isStale = true;
      this.isUrgent ||= isUrgent;
      return;
    }
    if (this.timer !== undefined && !isUrgent) return;
    clearTimeout(this.timer);
    const rest = isUrgent ? 0 : Math.max(LEAST_MILLISECONDS, this.took * REST_FACTOR);
    const wait = this.fetchedAt + rest - performance.now();
    this.timer = setTimeout(() => void this.fetch(), Math.max(0, wait));
  }

  private async fetch(): Promise<void> {
    this.timer = undefined;
    this.isFetching = true;
    this.isStale = false;
    this.fetchedAt = performance.now();
    try {
      this.data = await read<T>(this.path);
      this.failure = undefined;
    } catch (error) {
      this.failure = error instanceof Refusal ? error : new Refusal(this.path, 0, "unexpected answer", String(error));
    }
    this.isFetching = false;
    this.took = performance.now() - this.fetchedAt;
    const isUrgent = this.isUrgent;
    this.isUrgent = false;
    if (this.isStale && this.users > 0) this.refresh(isUrgent);
  }
}

const resources = new Map<string, Resource<unknown>>();

/** The resource at a path; the same for everyone who asks. */
export function resource<T>(path: string): Resource<T> {
  let found = resources.get(path);
  if (!found) {
    found = new Resource<unknown>(path);
    resources.set(path, found);
    forget();
  }
  return found as Resource<T>;
}

function forget(): void {
  if (resources.size <= MOST_KEPT) return;
  const idle = [...resources.values()].filter((kept) => kept.users === 0).sort((a, b) => a.usedAt - b.usedAt);
  for (const old of idle.slice(0, resources.size - MOST_KEPT)) resources.delete(old.path);
}

/** Fetches what is shown now and concerns one of the topics, or everything that is shown. */
export function refresh(topics?: readonly Topic[], isUrgent = false): void {
  for (const kept of resources.values()) {
    if (kept.users > 0 && (!topics || topics.some((topic) => kept.topics.has(topic)))) kept.refresh(isUrgent);
  }
}

/** Marks a resource as shown; answers how to end that. */
export function show(kept: Resource<unknown>, topics: readonly Topic[]): () => void {
  kept.users += 1;
  for (const topic of topics) kept.topics.add(topic);
  kept.refresh();
  return () => {
    kept.users -= 1;
    kept.usedAt = performance.now();
  };
}

/** What a component has asked for. */
export interface Asked<T> {
  readonly data: T | undefined;
  readonly failure: Refusal | undefined;
  again(): void;
}

/**
 * Asks for the resource at a path for as long as the component lives. Where `keep` is set, the answer
 * for the last path stays until the new one is there, so that a list does not flicker while one types.
 */
export function ask<T>(path: () => string | null, topics: readonly Topic[], keep = false): Asked<T> {
  let last = $state.raw<T | undefined>(undefined);
  const current = $derived.by(() => {
    const at = path();
    return at === null ? null : resource<T>(at);
  });
  $effect(() => {
    if (!current) return;
    return show(current, topics);
  });
  $effect(() => {
    if (keep && current?.data !== undefined) last = current.data;
  });
  return {
    get data() {
      return current?.data ?? last;
    },
    get failure() {
      return current?.failure;
    },
    again: () => current?.refresh(),
  };
}
