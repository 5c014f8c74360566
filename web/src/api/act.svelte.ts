// Writes with their outcome told to the person who asked, on screen and to screen readers.
import { refresh } from "./query.svelte";
import { type Method, Refusal, write } from "./request";

export interface Outcome {
  id: number;
  isGood: boolean;
  sentence: string;
}

const SHOWN_MILLISECONDS = 7000;

class Outcomes {
  list = $state.raw<Outcome[]>([]);
  private nextId = 1;

  tell(isGood: boolean, sentence: string): void {
    const outcome = { id: this.nextId++, isGood, sentence };
    this.list = [...this.list.slice(-3), outcome];
    setTimeout(() => this.drop(outcome.id), isGood ? SHOWN_MILLISECONDS : SHOWN_MILLISECONDS * 2);
  }

  drop(id: number): void {
    this.list = this.list.filter((outcome) => outcome.id !== id);
  }
}

export const outcomes = new Outcomes();

/**
 * Asks for something to be done and tells what came of it; answers whether it was done.
 */
export async function act(path: string, body?: object, method: Method = "POST"): Promise<boolean> {
  try {
    const { done } = await write(path, body, method);
    outcomes.tell(true, done);
    refresh(undefined, true);
    return true;
  } catch (error) {
    outcomes.tell(false, error instanceof Refusal ? advice(error) : String(error));
    refresh();
    return false;
  }
}

/** Asks for something to be done and leaves it to the caller to tell, but for what concerns all requests; answers why it was not. */
export async function attempt(path: string): Promise<Refusal | null> {
  try {
    await write(path);
    refresh(undefined, true);
    return null;
  } catch (error) {
    const refusal = error instanceof Refusal ? error : new Refusal(path, 0, "not done", String(error));
    if (refusal.status === 0 || refusal.status === 401 || refusal.status >= 500) outcomes.tell(false, advice(refusal));
    return refusal;
  }
}

function advice(refusal: Refusal): string {
  if (refusal.status === 401) return "Not done: it needs a token that the server accepts.";
  if (refusal.status === 0) return `Not done: ${refusal.detail}.`;
  return `Not done, ${refusal.title}: ${refusal.detail}`;
}
