// The bearer token for writes: taken from the address once, kept for this tab, asked for when missing.

const KEY = "weft-token";

class Token {
  value = $state<string | null>(null);
  /** Set while the dialog that asks for it is open. */
  asking = $state(false);
  /** Whether the server did not accept the token that is known. */
  isWrong = $state(false);
  private waiting: ((token: string | null) => void)[] = [];

  constructor() {
    this.value = taken() ?? stored();
    // A link that is pasted into a tab which shows this page already loads nothing anew.
    addEventListener("hashchange", () => {
      const found = taken();
      if (found) this.value = found;
    });
  }

  /** Opens the dialog and answers what was typed, or null where it was closed. */
  ask(): Promise<string | null> {
    this.isWrong = this.value !== null;
    this.asking = true;
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  answer(value: string | null): void {
    this.asking = false;
    if (value) this.keep(value);
    for (const resolve of this.waiting.splice(0)) resolve(value);
  }

  keep(value: string): void {
    this.value = value;
    try {
      sessionStorage.setItem(KEY, value);
    } catch {
      // A browser that keeps nothing asks again after a reload.
    }
  }
}

/** A token in the fragment, which is removed from the address before anything can read it there. */
function taken(): string | null {
  const found = /^#token=([^&]+)/.exec(location.hash);
  if (!found?.[1]) return null;
  const value = decodeURIComponent(found[1]);
  history.replaceState(null, "", `${location.pathname}${location.search}#/`);
  try {
    sessionStorage.setItem(KEY, value);
  } catch {
    // Kept in memory only.
  }
  return value;
}

function stored(): string | null {
  try {
    return sessionStorage.getItem(KEY);
  } catch {
    return null;
  }
}

export const token = new Token();
