// The live demo in headless Chromium, as a newcomer meets it: sees the heat map, opens a workload, approves a
// move and watches it finish, loses a region and sees it recovered. The server is the built binary.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { chromium } from "playwright-core";

const PATIENCE = { timeout: 60_000 };
let weft, browser, link, origin, page;
const outside = [];

before(async () => {
  weft = spawn(process.env.WEFT, ["demo", "--listen", "127.0.0.1:0", "--speed", "288"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  for await (const line of createInterface({ input: weft.stdout })) {
    link = line.trim();
    if (link.startsWith("http://127.0.0.1:")) break;
  }
  origin = new URL(link).origin;
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
  if (weft) {
    weft.kill("SIGTERM");
    const [code] = await once(weft, "exit");
    assert.equal(code, 0, "the demo stops when it is told to");
  }
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
  await page.getByTestId("heatmap").waitFor(PATIENCE);
  await page.getByTestId("shortage-list").waitFor();
  await until("moves?state=succeeded", ({ items }) => items[0]);
  await page.getByTestId("strip-next-shortage").waitFor();
  assert.ok(!page.url().includes("token"), "the token does not stay in the address");
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
  const { body: history } = await asked(`workloads/${body.items[0].id}/history?hours=672`);
  assert.ok(history.values.filter((value) => value !== null).length > 27 * 288);
});

test("a person approves a move and watches it finish", async () => {
  await page.goto(`${origin}/#/plans`);
  await page.getByTestId("demo-mode").getByText("approve").click();
  await until("status", ({ mode }) => mode === "approve");
  // The last check before a start may find a reason against a move: then a person approves the next.
  let ended;
  for (let tries = 0; tries < 5 && !ended?.sentence.includes("succeeded"); tries += 1) {
    const approve = page.locator("[data-testid^=approve-]:not([data-testid^=approve-all])").first();
    await approve.waitFor(PATIENCE);
    const id = Number((await approve.getAttribute("data-testid")).replace("approve-", ""));
    await approve.click();
    await until("journal?limit=1000", ({ items }) => items.some((line) => line.kind === "approved" && line.move === id));
    ended = await until("journal?limit=1000", ({ items }) => items.find((line) => line.kind === "ended" && line.move === id));
  }
  assert.match(ended.sentence, /succeeded/);
  await page.goto(`${origin}/#/moves`);
  await page.getByTestId(`move-state-${ended.move}`).first().waitFor(PATIENCE);
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

test("nothing was asked of any other host, and nothing broke", () => {
  assert.deepEqual(outside, []);
});
