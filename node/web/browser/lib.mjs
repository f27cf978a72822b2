// What the scripts that drive the page in a browser share.

import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { chromium } from "playwright-core";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Widths and heights at which the page is looked at. */
export const desktop = { width: 1280, height: 860 };
export const phone = { width: 390, height: 844 };

/** Starts the browser that CHROMIUM names. */
export function launch() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM,
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
      "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"],
  });
}

/**
 * Opens a window whose complaints are kept: errors of scripts, of the console, and answers
 * that are none, but for those that match one of expected.
 */
export async function open(browser, { url, size = desktop, look = "light", expected = [] }) {
  const context = await browser.newContext({ viewport: size, colorScheme: look, reducedMotion: "reduce", locale: "en-GB" });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const complaints = [];
  const complain = (text) => {
    if (!expected.some((pattern) => pattern.test(text))) complaints.push(text);
  };
  page.on("console", (m) => {
    if (m.type() === "error" || m.type() === "warning") complain(`${m.text()} ${m.location().url}`);
  });
  page.on("pageerror", (e) => complain(`${e.stack}`));
  const origin = new URL(url).origin;
  page.on("request", (r) => {
    if (new URL(r.url()).origin !== origin && !r.url().startsWith("data:")) complain(`a request to elsewhere: ${r.url()}`);
  });
  return { page, context, complaints };
}

/** Serious and critical faults that axe finds, as text. */
export async function faults(page) {
  // The page's policy lets no script in; this one does not come as an element.
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  return violations
    .filter((v) => v.impact === "serious" || v.impact === "critical")
    .map((v) => `${v.impact}: ${v.help}: ${v.nodes.slice(0, 5).map((n) => `${n.target} ${n.failureSummary}`).join(" | ")}`);
}

/** How many pixels the page is wider than its window, or what a dialog has in it than the dialog. */
export function overflow(page) {
  return page.evaluate(() =>
    Math.max(...[document.documentElement, ...document.querySelectorAll("dialog")].map((e) => e.scrollWidth - e.clientWidth)));
}

export function check(holds, what) {
  if (!holds) throw new Error(what);
}

/** Expects that axe has nothing to say and nothing is too wide. */
export async function sound(page, what) {
  const found = await faults(page);
  check(found.length === 0, `${what}: ${found.join("\n")}`);
  const wide = await overflow(page);
  check(wide <= 0, `${what}: ${wide} pixels wider than the window`);
}

/** Waits until something is true of the page. */
export async function until(what, holds, patience = 15_000) {
  const end = Date.now() + patience;
  let last = "";
  for (;;) {
    try {
      if (await holds()) return;
    } catch (e) {
      last = `: ${e.message}`;
    }
    if (Date.now() > end) throw new Error(`still waiting for ${what}${last}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

/** Runs steps one after the other, each with a name that says what holds; independent ones go on after one has failed. */
export async function run(steps, { independent = false } = {}) {
  let failed = 0;
  for (const [name, step] of steps) {
    const start = Date.now();
    try {
      await step();
    } catch (e) {
      console.log(`FAIL ${name}\n${e.stack}`);
      failed++;
      if (independent) continue;
      break;
    }
    console.log(`ok ${name} (${Date.now() - start} ms)`);
  }
  process.exitCode = failed > 0 ? 1 : 0;
}
