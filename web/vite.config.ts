// How the dashboard is built: into web/dist, with relative addresses, nothing fetched from elsewhere.
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig, type CSSOptions } from "vite";

type PostCss = Exclude<CSSOptions["postcss"], string | undefined>;

/**
 * Sizes are written in px of a root of 16 px and built as rem, so that the page grows with the font size its
 * reader has chosen and with a very wide screen (src/tokens.css). Hairlines and the px of media queries stay.
 */
const growing: NonNullable<PostCss["plugins"]>[number] = {
  postcssPlugin: "px-to-rem",
  Declaration(declaration) {
    if (!declaration.value.includes("px")) return;
    declaration.value = declaration.value.replace(/(\d*\.?\d+)px\b/g, (whole, size: string) => (Number(size) < 3 ? whole : `${Number(size) / 16}rem`));
  },
};

export default defineConfig({
  base: "./",
  plugins: [svelte()],
  css: { postcss: { plugins: [growing] } },
  build: { target: "es2022", modulePreload: { polyfill: false }, assetsInlineLimit: 0 },
  server: { host: "127.0.0.1", proxy: { "/api": "http://127.0.0.1:7373" } },
  preview: { host: "127.0.0.1", proxy: { "/api": "http://127.0.0.1:7373" } },
});
