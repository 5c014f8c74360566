// Sets the theme before anything is drawn; src/theme.svelte.ts keeps it from then on.
(() => {
  let chosen = null;
  try {
    chosen = localStorage.getItem("weft-theme");
  } catch {
    // A browser that keeps nothing follows the system.
  }
  const isDark = chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.dataset.theme = isDark ? "dark" : "light";
})();
