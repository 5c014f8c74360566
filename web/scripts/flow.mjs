// Walks through the dashboard as a newcomer does, against the mock that it starts, and fails where it is
// lost: hover, keyboard, token, approval, loss of a host, pause and kill, a stream that breaks.
// node scripts/flow.mjs [folder for screenshots]

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { once } from "node:events";

const { chromium } = createRequire(new URL("../../tests/browser/package.json", import.meta.url))("playwright-core");
const PORT = 7431;
const ORIGIN = `http://127.0.0.1:${PORT}`;
const folder = process.argv[2];

async function mock(...args) {
  const child = spawn(process.execPath, [new URL("../mock/server.mjs", import.meta.url).pathname, "--port", String(PORT), ...args], { stdio: ["ignore", "pipe", "inherit"] });
  await once(child.stdout, "data");
  return child;
}

async function stop(child) {
  child.kill();
  await once(child, "exit");
}

const browser = await chromium.launch({
  executablePath: "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});

async function open(hash, options = {}) {
  const page = await (await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options })).newPage();
  page.on("pageerror", (error) => assert.fail(error));
  await page.goto(`${ORIGIN}/${hash}`);
  await page.getByTestId("strip-mode").waitFor();
  return page;
}

const shot = (page, name) => folder && page.screenshot({ path: `${folder}/${name}.png` });

async function explains(page) {
  const map = page.getByTestId("heatmap");
  await map.waitFor();
  const box = await map.boundingBox();
  await page.mouse.move(box.x + box.width * 0.5, box.y + 100);
  await page.getByText("If nothing is done").nth(1).waitFor();
  await page.getByText("Who wants it then", { exact: true }).waitFor();
  await shot(page, "hover");
  await page.mouse.move(5, 5);
  await map.getByRole("application").focus();
  for (const key of ["ArrowDown", "ArrowDown", "ArrowRight", "ArrowRight", "ArrowRight"]) await page.keyboard.press(key);
  await page.getByText("With the plan").nth(1).waitFor();
  assert.match(await map.locator("[aria-live]").innerText(), /if nothing is done/);
  await page.keyboard.press("Enter");
  await page.waitForURL(/#\/hosts\//);
}

async function approves(page) {
  await page.keyboard.press("g");
  await page.keyboard.press("p");
  await page.waitForURL(/#\/plans/);
  const first = await page.locator("[data-testid^=approve-]:not([data-testid=approve-all])").first().getAttribute("data-testid");
  await page.getByTestId(first).click();
  await page.getByRole("heading", { name: "A token is needed" }).waitFor();
  await shot(page, "token");
  await page.getByLabel("Token", { exact: true }).fill("open-poppy");
  await page.getByRole("button", { name: "Use it" }).click();
  await page.getByRole("heading", { name: "That token was not accepted" }).waitFor();
  await shot(page, "token-wrong");
  await page.getByLabel("Token", { exact: true }).fill("open-sesame");
  await page.getByRole("button", { name: "Use it" }).click();
  await page.getByText(/^Approved move/).waitFor();
  await page.getByTestId(first).waitFor({ state: "detached" });
  await page.locator("[data-testid^=reject-]:not([data-testid=reject-all])").first().click();
  await page.getByText(/^Rejected move/).waitFor();
  await page.getByTestId("approve-all").click();
  await shot(page, "approve-all");
  await page.getByTestId("approve-all-confirm").click();
  await page.getByTestId("approve-all").waitFor({ state: "detached" });
  await page.goto(`${ORIGIN}/#/moves`);
  await page.getByText("running", { exact: true }).first().waitFor();
  await shot(page, "running");
  await page.goto(`${ORIGIN}/#/map`);
  await page.getByTestId("map-region-eu").waitFor();
  await shot(page, "map-running");
}

async function acts(page) {
  await page.getByTestId("demo-lose-host").click();
  await page.getByTestId("demo-bring-back").click();
  await page.getByTestId("demo-bring-back").waitFor({ state: "detached" });
  await page.getByTestId("strip-pause").click();
  await page.getByTestId("banner-paused").getByRole("button").click();
  await page.getByTestId("banner-paused").waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Kill" }).click();
  await page.getByTestId("kill-confirm").click();
  await page.getByTestId("banner-killed").waitFor();
  await page.getByTestId("strip-pause").click();
  await page.keyboard.press("?");
  await page.getByRole("heading", { name: "Keyboard" }).waitFor();
  await page.keyboard.press("Escape");
  await page.getByTestId("demo-confidence").getByText("99").click();
  await page.getByText("99 % sure").waitFor();
}

const server = await mock("--speed", "120");
const page = await open("#/");
await explains(page);
await approves(page);
await acts(page);
const phone = await open("#token=open-sesame", { viewport: { width: 390, height: 844 } });
assert.ok(!phone.url().includes("token"));
await phone.getByTestId("demo-panel").getByRole("button").first().click();
await shot(phone, "phone-try-it");
await stop(server);
await page.getByTestId("banner-disconnected").waitFor();
await shot(page, "disconnected");
const again = await mock();
await page.getByTestId("banner-disconnected").waitFor({ state: "detached", timeout: 20_000 });
await stop(again);

for (const [scene, kind] of [["frozen", "foreign_change"], ["stale", "stale_metrics"], ["killed", "killed"], ["empty", null], ["broken", null], ["real", null]]) {
  const made = await mock("--scene", scene);
  const looked = await open("#/", { colorScheme: scene === "frozen" ? "dark" : "light" });
  if (kind) await looked.getByTestId(`banner-${kind}`).waitFor();
  if (scene === "frozen") {
    await looked.getByTestId("banner-foreign_change").getByRole("button", { name: "Go on now" }).waitFor();
  }
  if (scene === "broken") await looked.getByText("This could not be read").first().waitFor();
  if (scene === "real") assert.equal(await looked.getByTestId("demo-panel").count(), 0);
  await looked.waitForFunction(() => !document.querySelector("main .skeleton"));
  await shot(looked, `scene-${scene}`);
  await looked.context().close();
  await stop(made);
}
await browser.close();
console.log("the walk went well");
