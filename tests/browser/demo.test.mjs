// The live demo in headless Chromium, as a newcomer meets it: sees the heat map, opens a workload, approves a
// move and watches it finish, loses a region and sees it recovered, stops the server and sees the page come back.
// The server is the built binary.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { chromium } from "playwright-core";

const PATIENCE = { timeout: 60_000 };
// What the dashboard promises: the first page after the start of the binary, interactive on loopback, its script compressed.
const FIRST_PAGE_MILLISECONDS = 10_000;
const INTERACTIVE_MILLISECONDS = 1_500;
const SCRIPT_BYTES = 250_000;
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const VIEWS = ["", "?as=table", "workloads", "workloads/{workload}", "hosts", "hosts/{host}", "plans", "moves", "map", "map?show=hosts", "log", "nowhere"];
let weft, browser, link, origin, page, firstPage;
const outside = [];

/// Starts the demo and keeps the link with the token that it prints.
async function start(listen) {
  weft = spawn(process.env.WEFT, ["demo", "--listen", listen, "--speed", "288"], { stdio: ["ignore", "pipe", "inherit"] });
  for await (const line of createInterface({ input: weft.stdout })) {
    link = line.trim();
    if (link.startsWith("http://127.0.0.1:")) break;
  }
  origin = new URL(link).origin;
}

async function stop() {
  weft.kill("SIGTERM");
  const [code] = await once(weft, "exit");
  weft = undefined;
  assert.equal(code, 0, "the demo stops when it is told to");
}

before(async () => {
  const begun = Date.now();
  await start("127.0.0.1:0");
  assert.ok((await fetch(origin)).ok);
  firstPage = Date.now() - begun;
  browser = await chromium.launch({
    executablePath: "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
  page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  page.on("pageerror", (error) => outside.push(`error: ${error.message}`));
  page.on("request", (request) => {
    if (new URL(request.url()).origin !== origin) outside.push(request.url());
  });
  await page.goto(link);
}, PATIENCE);

after(async () => {
  await browser?.close();
  if (weft) await stop();
});

async function asked(path, options = {}) {
  const answer = await fetch(`${origin}/api/v1/${path}`, options);
  return { status: answer.status, body: await answer.json() };
}

/// Asks until `found` says that it is enough.
async function until(path, found) {
  const begun = Date.now();
  for (;;) {
    const { body } = await asked(path);
    const answer = found(body);
    if (answer) return answer;
    assert.ok(Date.now() - begun < 90_000, `${path}: expected it within 90 s, found ${JSON.stringify(body).slice(0, 400)}`);
    await page.waitForTimeout(100);
  }
}

test("within a minute a shortage is foreseen, a move carried out, and shown on the heat map", async () => {
  // Four weeks are learned first, which takes its time where other tests share the machine.
  await page.getByTestId("heatmap").waitFor({ timeout: 150_000 });
  await page.getByTestId("shortage-list").waitFor();
  await until("moves?state=succeeded", ({ items }) => items[0]);
  await page.getByTestId("strip-next-shortage").waitFor();
  assert.ok(!page.url().includes("token"), "the token does not stay in the address");
});

test("the page is small and soon interactive", async (context) => {
  const found = [];
  const best = () => Math.min(...found.map(({ milliseconds }) => milliseconds));
  // The best of some: what else runs on the machine is not the page's doing.
  for (const begun = Date.now(); best() > INTERACTIVE_MILLISECONDS && Date.now() - begun < 60_000;) {
    const fresh = await browser.newPage();
    // Interactive is when the strip's switch can be pressed: the script runs and the first answer is drawn.
    await fresh.addInitScript(() => {
      new MutationObserver((_, observer) => {
        if (!document.querySelector("[data-testid=strip-pause]")) return;
        window.interactiveAt = performance.now();
        observer.disconnect();
      }).observe(document, { childList: true, subtree: true });
    });
    await fresh.goto(origin);
    found.push(await fresh.waitForFunction(() => window.interactiveAt && {
      milliseconds: Math.round(window.interactiveAt),
      bytes: performance.getEntriesByType("resource").filter((entry) => entry.name.endsWith(".js")).reduce((sum, entry) => sum + entry.encodedBodySize, 0),
    }, undefined, PATIENCE).then((handle) => handle.jsonValue()));
    await fresh.close();
  }
  const { bytes } = found[0];
  context.diagnostic(`first page after ${firstPage} ms; interactive after ${found.map(({ milliseconds }) => milliseconds).join(", ")} ms; script ${bytes} bytes compressed`);
  assert.ok(firstPage <= FIRST_PAGE_MILLISECONDS, `expected the first page within ${FIRST_PAGE_MILLISECONDS} ms, found ${firstPage}`);
  assert.ok(best() <= INTERACTIVE_MILLISECONDS, `expected it interactive within ${INTERACTIVE_MILLISECONDS} ms, found ${best()}`);
  assert.ok(bytes > 0 && bytes <= SCRIPT_BYTES, `expected a script of at most ${SCRIPT_BYTES} bytes, found ${bytes}`);
});

test("a cell of the heat map says who wants it, by mouse and by keyboard", async () => {
  const map = page.getByTestId("heatmap");
  const box = await map.boundingBox();
  await page.mouse.move(box.x + box.width / 2, box.y + 100);
  await map.getByText("Who wants it then", { exact: true }).waitFor(PATIENCE);
  await page.mouse.move(5, 5);
  await map.getByRole("application").focus();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowRight");
  await map.getByText("Who wants it then", { exact: true }).waitFor(PATIENCE);
  await page.keyboard.press("Enter");
  await page.waitForURL(/#\/hosts\//, PATIENCE);
});

test("a write needs the token", async () => {
  const { status, body } = await asked("pause", { method: "POST" });
  assert.equal(status, 401);
  assert.match(body.detail, /Authorization: Bearer/);
});

test("a workload shows its past, its forecast and why it stays", async () => {
  const { body } = await asked("workloads?limit=1");
  await page.goto(`${origin}/#/workloads/${body.items[0].id}`);
  await page.getByTestId("workload-chart").waitFor(PATIENCE);
  const { body: forecast } = await asked(`forecasts/${body.items[0].id}`);
  assert.equal(forecast.quantiles.length, 288);
  // The older days of the made-up past are stored while the demo runs already.
  const isWhole = ({ values }) => values.filter((value) => value !== null).length > 27 * 288;
  await until(`workloads/${body.items[0].id}/history?hours=672`, isWhole);
});

test("a person approves a move and watches it finish", async () => {
  await page.goto(`${origin}/#/plans`);
  await page.getByTestId("demo-mode").getByText("approve").click();
  const { demo } = await until("status", (status) => status.mode === "approve" && status);
  // It runs slower while a person decides; what is decided may start an hour later, which nobody needs to wait for.
  const token = new URLSearchParams(new URL(link).hash.slice(1)).get("token");
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const runAt = (speed) => asked("demo/policy", { method: "POST", headers, body: JSON.stringify({ speed }) });
  // The list changes while one reads, and the last check before a start may find a reason against a move: then a
  // person approves the next.
  const about = (id, kind) => ({ items }) => items.find((line) => line.kind === kind && line.move === id);
  let ended;
  for (const begun = Date.now(); Date.now() - begun < 150_000 && !ended?.sentence.includes("succeeded");) {
    const approve = page.locator("[data-testid^=approve-]:not([data-testid^=approve-all])").first();
    await approve.waitFor(PATIENCE);
    const id = Number((await approve.getAttribute("data-testid", { timeout: 1_000 }).catch(() => "")).replace("approve-", ""));
    const answer = page.waitForResponse((response) => response.url().endsWith(`/moves/${id}/approve`), { timeout: 10_000 }).catch(() => undefined);
    await page.getByTestId(`approve-${id}`).click({ timeout: 2_000 }).catch(() => {});
    if (!(await answer)?.ok()) continue;
    assert.equal((await runAt(288)).status, 200);
    ended = await until("journal?limit=1000", about(id, "ended"));
    await runAt(demo.speed);
  }
  assert.match(ended.sentence, /succeeded/);
  await page.goto(`${origin}/#/moves`);
  await page.getByTestId(`move-state-${ended.move}`).first().waitFor(PATIENCE);
});

test("the map shows every workload on its host", async () => {
  const { body } = await asked("status");
  await page.goto(`${origin}/#/map`);
  await page.waitForFunction((count) => new Set([...document.querySelectorAll("[data-guest]")].map((block) => block.dataset.guest)).size >= count, body.fleet.workloads * 0.95, PATIENCE);
});

test("a lost region is recovered", async () => {
  await page.getByTestId("demo-mode").getByText("auto").click();
  await until("status", ({ mode }) => mode === "auto");
  await page.goto(`${origin}/#/map`);
  await page.getByTestId("demo-lose-region").click();
  await until("status", ({ fleet }) => fleet.hosts_lost >= 20);
  await until("moves?state=succeeded&limit=1000", ({ items }) => items.some((move) => move.strategy === "recover"));
  await page.getByTestId("demo-bring-back").first().click();
  await until("status", ({ fleet }) => fleet.hosts_lost === 0);
});

test("no page has a barrier, light and wide or dark and narrow", async () => {
  const { body: hosts } = await asked("hosts?limit=1");
  const { body: workloads } = await asked("workloads?limit=1");
  const found = [];
  for (const [colorScheme, width] of [["light", 1440], ["dark", 390]]) {
    const context = await browser.newContext({ colorScheme, viewport: { width, height: 900 }, reducedMotion: "reduce" });
    const looked = await context.newPage();
    for (const view of VIEWS) {
      await looked.goto(`${origin}/#/${view.replace("{host}", hosts.items[0].id).replace("{workload}", workloads.items[0].id)}`);
      await looked.getByTestId("strip-mode").waitFor(PATIENCE);
      await looked.waitForFunction(() => !document.querySelector("main .skeleton"), undefined, PATIENCE);
      await looked.evaluate(AXE);
      const barriers = await looked.evaluate(async () => {
        // That a region which scrolls can be reached by keyboard is the browser's doing since Chromium 130.
        const options = { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"], rules: { "scrollable-region-focusable": { enabled: false } } };
        const { violations } = await window.axe.run(document, options);
        return violations.map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map((node) => node.target.join(" ")).join(" | ")}`);
      });
      const over = await looked.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      if (over > 0) barriers.push(`it is ${over} px too wide`);
      found.push(...barriers.map((words) => `#/${view} at ${width} px in ${colorScheme}: ${words}`));
    }
    await context.close();
  }
  assert.deepEqual(found, []);
});

test("a server that is gone is said to be, and its return is noticed; a token of yesterday is refused in words", async () => {
  await page.goto(`${origin}/#/plans`);
  await page.getByTestId("strip-pause").waitFor(PATIENCE);
  await stop();
  await page.getByTestId("banner-disconnected").waitFor(PATIENCE);
  await start(new URL(origin).host);
  await page.getByTestId("banner-disconnected").waitFor({ state: "detached", ...PATIENCE });
  await page.getByTestId("strip-pause").click();
  await page.getByRole("heading", { name: "That token was not accepted" }).waitFor(PATIENCE);
  await page.getByLabel("Token", { exact: true }).fill(new URLSearchParams(new URL(link).hash.slice(1)).get("token"));
  await page.getByRole("button", { name: "Use it" }).click();
  // The demo answers when it has learned its past.
  await page.getByTestId("banner-paused").getByRole("button").click(PATIENCE);
  await page.getByTestId("banner-paused").waitFor({ state: "detached", ...PATIENCE });
});

test("nothing was asked of any other host, and nothing broke", () => {
  assert.deepEqual(outside, []);
});
