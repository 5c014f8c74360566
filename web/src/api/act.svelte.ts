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
 * Asks for something to be done and tells what came of it; answers whether it was done. Where `isQuiet`
 * is set only a failure is told: the caller tells of several requests at once.
 */
export async function act(path: string, body?: object, isQuiet = false, method: Method = "POST"): Promise<boolean> {
  try {
    const { done } = await write(path, body, method);
    if (!isQuiet) outcomes.tell(true, done);
    refresh(undefined, true);
    return true;
  } catch (error) {
    outcomes.tell(false, error instanceof Refusal ? advice(error) : String(error));
    refresh();
    return false;
  }
}

function advice(refusal: Refusal): string {
  if (refusal.status === 401) return "Not done: it needs a token that the server accepts.";
  if (refusal.status === 0) return `Not done: ${refusal.detail}.`;
  return `Not done, ${refusal.title}: ${refusal.detail}`;
}
