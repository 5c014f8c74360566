// Takes screenshots of every page from a running server, light and dark, desk and phone, and tells what
// went wrong in the browser. node scripts/shots.mjs http://127.0.0.1:7400 /tmp/shots [pages] [token] [looks]
// Pages and looks are names with commas between them, all where there is none. The pictures of docs/images, from the
// running demo: node scripts/shots.mjs http://127.0.0.1:7373 ../docs/images next-24-h,plans,workload,moves,map TOKEN docs

import { mkdirSync } from "node:fs";
import { createRequire } from "node:module";

const { chromium } = createRequire(new URL("../../tests/browser/package.json", import.meta.url))("playwright-core");
const [, , origin = "http://127.0.0.1:7400", folder = "/tmp/shots", only = "", token = "open-sesame", looks = ""] = process.argv;
mkdirSync(folder, { recursive: true });

const json = async (path) => (await fetch(`${origin}/api/v1/${path}`)).json();
const moves = (await json("moves?limit=200")).items;
const workload = moves.find((move) => ["proposed", "scheduled", "running"].includes(move.state))?.workload ?? (await json("workloads?limit=1")).items[0]?.id ?? "none";
const outlook = await json("outlook");
const host = outlook.hosts[0]?.host ?? "none";

const PAGES = [
  ["next-24-h", "#/"],
  ["next-24-h-zones", "#/?order=place&view=without&axis=even"],
  ["next-24-h-table", "#/?as=table"],
  ["workloads", "#/workloads"],
  ["workload", `#/workloads/${workload}`],
  ["hosts", "#/hosts"],
  ["host", `#/hosts/${host}`],
  ["plans", "#/plans"],
  ["moves", "#/moves"],
  ["map", "#/map"],
  ["log", "#/log"],
].filter(([name]) => !only || only.split(",").includes(name));

const LOOKS = [
  ["light", { width: 1440, height: 900 }, "light", 1],
  ["dark", { width: 1440, height: 900 }, "dark", 1],
  ["phone", { width: 390, height: 844 }, "light", 2],
  ["phone-dark", { width: 390, height: 844 }, "dark", 2],
  ["wide", { width: 3840, height: 2160 }, "light", 1],
  ["wide-dark", { width: 3840, height: 2160 }, "dark", 1],
  ["docs", { width: 1440, height: 900 }, "light", 1],
].filter(([look]) => (looks ? looks.split(",").includes(look) : look !== "docs"));

const browser = await chromium.launch({
  executablePath: "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
let wrong = 0;
for (const [look, viewport, colorScheme, deviceScaleFactor] of LOOKS) {
  const context = await browser.newContext({ viewport, colorScheme, deviceScaleFactor });
  const page = await context.newPage();
  const tell = (words) => { wrong += 1; console.log(look, words); };
  page.on("pageerror", (error) => tell(`error ${error.message}`));
  page.on("console", (message) => message.type() === "error" && tell(`console ${message.text()}`));
  page.on("request", (request) => !request.url().startsWith(origin) && tell(`asks elsewhere: ${request.url()}`));
  await page.goto(`${origin}/#token=${token}`);
  for (const [name, hash] of PAGES) {
    await page.goto(`${origin}/${hash}`);
    await page.waitForFunction(() => !document.querySelector("main .skeleton"), undefined, { timeout: 8000 }).catch(() => tell(`${name} never loaded`));
    await page.waitForTimeout(350);
    const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    if (over > 0) tell(`${name} is ${over} px too wide`);
    const file = look === "docs" ? name.replace(/^plans$/, "plan") : `${name}-${look}`;
    await page.screenshot({ path: `${folder}/${file}.png`, fullPage: look === "light" && name.startsWith("workload") && name !== "workloads" });
  }
  await context.close();
}
await browser.close();
console.log(wrong ? `${wrong} things went wrong` : "nothing went wrong");
