// Opens the HTML report of `weft backtest` as an operator does: from disk, on a phone, a laptop and a wide
// screen, in light and in dark. The page must stand alone (no request leaves the file) and say everything it
// has to say. Screenshots for human eyes land in target/screenshots.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import path from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
const WEFT = process.env.WEFT ?? path.join(ROOT, "target/release/weft");
const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";
const FLEET = path.join(ROOT, "examples/three-regions/fleet.yaml");
const SCREENSHOTS = path.join(ROOT, "target/screenshots");
const REPORT = path.join(SCREENSHOTS, "report.html");
const WIDTHS = [390, 1280, 2560];
const SCHEMES = ["light", "dark"];
// WCAG 2.1, success criterion 1.4.3: the least contrast of normal text that most people can read.
const READABLE_CONTRAST = 4.5;

let browser;
let policies;

before(async () => {
  mkdirSync(SCREENSHOTS, { recursive: true });
  const json = execFileSync(
    WEFT,
    ["backtest", "--fleet", FLEET, "--policy", "all", "--html", REPORT, "-o", "json"],
    { encoding: "utf8", maxBuffer: 64 * 1024 * 1024, stdio: ["ignore", "pipe", "inherit"] },
  );
  policies = JSON.parse(json).policies.map((row) => row.policy);
  browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
});

after(() => browser?.close());

test("the backtest compares several policies", () => {
  assert.ok(new Set(policies).size >= 5, `expected none, pack-once, reactive ones and predictive; found ${policies}`);
});

for (const width of WIDTHS) {
  for (const scheme of SCHEMES) {
    test(`the report is whole at ${width} px in ${scheme}`, async () => {
      const { page, complaints } = await open(width, scheme);
      await page.screenshot({ path: path.join(SCREENSHOTS, `report-${width}-${scheme}.png`), fullPage: true });
      assert.deepEqual(complaints, [], "console errors and requests that leave the file");
      checkRows(await page.evaluate(tableRows));
      checkCharts(await page.evaluate(charts));
      assert.deepEqual(await page.evaluate(coveredLabels), [], "labels of the frontier that cover each other");
      await checkWidth(page, width);
      checkColours(await page.evaluate(pageColours), scheme);
      await page.context().close();
    });
  }
}

test("the report is whole without its script", async () => {
  const { page, complaints } = await open(1280, "light", { javaScriptEnabled: false });
  assert.deepEqual(complaints, [], "console errors and requests that leave the file");
  checkRows(await page.evaluate(tableRows));
  checkCharts(await page.evaluate(charts));
  const spoken = await page.evaluate(() => document.querySelectorAll(".point > title").length);
  assert.ok(spoken > 0, "no point of the frontier says what it is without the script");
  await page.context().close();
});

test("a point of the frontier is reached by key and read out", async () => {
  const { page, complaints } = await open(1280, "light");
  const focused = () => page.evaluate(() => document.activeElement?.closest(".point")?.getAttribute("aria-label"));
  let reading;
  for (let presses = 0; presses < 20 && !reading; presses += 1) {
    await page.keyboard.press("Tab");
    reading = await focused();
  }
  assert.match(reading ?? "", /kWh.*core-hours/, "no point of the frontier can be reached by the Tab key");
  assert.equal(await page.locator(".tip").innerText(), reading);
  assert.deepEqual(complaints, []);
  await page.context().close();
});

async function open(width, colorScheme, more = {}) {
  const context = await browser.newContext({
    viewport: { width, height: 900 }, colorScheme, reducedMotion: "reduce", ...more,
  });
  const page = await context.newPage();
  const complaints = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(`${message.type()}: ${message.text()}`);
  });
  page.on("pageerror", (error) => complaints.push(`uncaught: ${error.message}`));
  page.on("request", (request) => {
    if (!/^(file|data|blob):/.test(request.url())) complaints.push(`request: ${request.url()}`);
  });
  await page.goto(pathToFileURL(REPORT).href, { waitUntil: "load" });
  await page.evaluate(() => document.fonts.ready);
  return { page, complaints };
}

// Some table has, for each row of the JSON, a row that begins with its policy.
function checkRows(rows) {
  const unseen = [...rows];
  for (const policy of policies) {
    const at = unseen.indexOf(policy);
    assert.notEqual(at, -1, `no table row begins with "${policy}"; rows begin with: ${rows.join(", ")}`);
    unseen.splice(at, 1);
  }
}

function checkCharts(found) {
  assert.ok(found.length > 0, "the report has no chart (no svg or canvas of at least 120 by 80 px)");
  for (const chart of found) {
    assert.ok(chart.marks > 0, `chart "${chart.name}" draws nothing`);
    assert.deepEqual(chart.broken, [], `chart "${chart.name}" has marks whose numbers are not numbers`);
  }
}

async function checkWidth(page, width) {
  const needed = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(needed <= width, `the page is ${needed} px wide on a ${width} px screen, so it scrolls sideways`);
}

function checkColours({ text, background }, scheme) {
  const contrast = (Math.max(text, background) + 0.05) / (Math.min(text, background) + 0.05);
  assert.ok(contrast >= READABLE_CONTRAST, `text has contrast ${contrast.toFixed(1)}, expected ${READABLE_CONTRAST}`);
  const found = background > 0.5 ? "light" : "dark";
  assert.equal(found, scheme, `the page's background is ${found} for a reader who asked for ${scheme}`);
}

// The functions below run inside the page.

function tableRows() {
  return [...document.querySelectorAll("table tr")]
    .filter((row) => row.querySelector("td"))
    .map((row) => row.cells[0].innerText.trim().split(/\s/)[0]);
}

function charts() {
  const MARKS = "path, polyline, polygon, rect, circle, line";
  const isVisible = (element) => {
    const box = element.getBoundingClientRect();
    return box.width >= 120 && box.height >= 80;
  };
  const isDrawn = (mark) => {
    const box = mark.getBBox();
    return box.width + box.height > 0;
  };
  const isBroken = (mark) => [...mark.attributes].some(({ value }) => /NaN|Infinity|undefined/.test(value));
  const pixels = (canvas) => new Set(new Uint32Array(
    canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.buffer,
  )).size;
  const name = (element) =>
    element.getAttribute("aria-label") ?? element.querySelector?.("title")?.textContent ?? element.id ?? "unnamed";

  const svgs = [...document.querySelectorAll("svg")].filter(isVisible).map((svg) => {
    const marks = [...svg.querySelectorAll(MARKS)].filter((mark) => !mark.closest("defs"));
    return { name: name(svg), marks: marks.filter(isDrawn).length, broken: marks.filter(isBroken).map((m) => m.outerHTML) };
  });
  // One colour over the whole canvas is an empty canvas.
  const canvases = [...document.querySelectorAll("canvas")].filter(isVisible)
    .map((canvas) => ({ name: name(canvas), marks: pixels(canvas) - 1, broken: [] }));
  return [...svgs, ...canvases];
}

// Pairs of labels of points whose texts, as this browser sets them, share more than a hair.
function coveredLabels() {
  const labels = [...document.querySelectorAll(".point text")]
    .map((text) => ({ name: text.textContent, box: text.getBoundingClientRect() }))
    .filter(({ box }) => box.width > 0);
  const shared = (a, b) => [
    Math.min(a.right, b.right) - Math.max(a.left, b.left),
    Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) - 0.25 * Math.min(a.height, b.height),
  ];
  return labels.flatMap((one, index) => labels.slice(index + 1)
    .filter((other) => shared(one.box, other.box).every((length) => length > 1))
    .map((other) => `${one.name} and ${other.name}`));
}

// Relative luminance (WCAG 2.1) of the body's text and of what lies behind it.
function pageColours() {
  const channels = (colour) => colour.match(/[\d.]+/g).map(Number);
  const isClear = (colour) => channels(colour)[3] === 0;
  const luminance = (colour) => {
    const [red, green, blue] = channels(colour).map((value) => {
      const share = value / 255;
      return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const background = [document.body, document.documentElement]
    .map((element) => getComputedStyle(element).backgroundColor)
    .find((colour) => !isClear(colour)) ?? "rgb(255, 255, 255)";
  return { text: luminance(getComputedStyle(document.body).color), background: luminance(background) };
}
