// Light or dark: as the system says until the person says otherwise, which is remembered. And how large:
// what is drawn on a canvas has to follow the root's font size by itself.

export type Theme = "light" | "dark";
const KEY = "weft-theme";

class Appearance {
  theme = $state<Theme>("light");
  /** The root's font size as a multiple of 16 px, by which everything grows. */
  scale = $state(1);
  private readonly system = matchMedia("(prefers-color-scheme: dark)");

  start(): void {
    this.apply(remembered() ?? this.ofSystem());
    this.measure();
    addEventListener("resize", () => this.measure());
    this.system.addEventListener("change", () => {
      if (!remembered()) this.apply(this.ofSystem());
    });
  }

  toggle(): void {
    const next: Theme = this.theme === "dark" ? "light" : "dark";
    this.apply(next);
    try {
      if (next === this.ofSystem()) localStorage.removeItem(KEY);
      else localStorage.setItem(KEY, next);
    } catch {
      // A browser that keeps nothing follows the system again after a reload.
    }
  }

  private measure(): void {
    this.scale = parseFloat(getComputedStyle(document.documentElement).fontSize) / 16 || 1;
  }

  private ofSystem(): Theme {
    return this.system.matches ? "dark" : "light";
  }

  private apply(theme: Theme): void {
    document.documentElement.dataset["theme"] = theme;
    this.theme = theme;
  }
}

function remembered(): Theme | null {
  try {
    const value = localStorage.getItem(KEY);
    return value === "light" || value === "dark" ? value : null;
  } catch {
    return null;
  }
}

export const appearance = new Appearance();

/** The value of a design token in the theme that is shown. */
export function tokenValue(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}
